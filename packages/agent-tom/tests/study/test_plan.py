"""Studies say what is wrong with them, and cells do not depend on what else is played."""

import pytest

from agent_tom.study import Study, label, read_study

PLAN = "games: [rps]\npartners: [single, {name: noisy, of: grim, epsilon: 0.2}]\nagents: [uniform]\nepisodes: 3\n"


def test_a_file_is_the_study_it_says(tmp_path):
    (tmp_path / "study.yaml").write_text(PLAN)
    study = read_study(tmp_path / "study.yaml")
    assert study == Study(
        games=["rps"],
        partners=["single", {"name": "noisy", "of": "grim", "epsilon": 0.2}],
        agents=["uniform"],
        episodes=3,
    )
    assert [cell.names["partner"] for cell in study.cells()] == ["single", "noisy(of=grim, epsilon=0.2)"]


def test_a_toml_file_is_the_same_study(tmp_path):
    (tmp_path / "study.yaml").write_text(PLAN)
    partners = 'partners = ["single", {name = "noisy", of = "grim", epsilon = 0.2}]'
    (tmp_path / "study.toml").write_text(f'games = ["rps"]\n{partners}\nagents = ["uniform"]\nepisodes = 3\n')
    assert read_study(tmp_path / "study.toml") == read_study(tmp_path / "study.yaml")
    (tmp_path / "study.toml").write_text("games: [rps]")
    with pytest.raises(ValueError, match=r"study\.toml is no TOML"):
        read_study(tmp_path / "study.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("games: [rps", "neither YAML nor JSON"),
        ("rps", "has no fields; a study has games, partners"),
        (PLAN + "rounds: 3\n", "has the field 'rounds'; a study has .*horizon"),
        ("games: [rps]\npartners: [single]\n", "lacks 'agents'"),
        (PLAN.replace("rps", "rsp"), "no game is called 'rsp'; did you mean 'rps'"),
        (PLAN.replace("single", "singel"), "no partner is called 'singel'; did you mean 'single'"),
        (PLAN.replace("uniform", "unifrom"), "no agent is called 'unifrom'; did you mean 'uniform'"),
        (PLAN.replace("epsilon", "epsillon"), "partner 'noisy' has no setting 'epsillon'"),
        (PLAN.replace("[uniform]", "[uniform, uniform]"), "`agents` of a study has uniform twice"),
        (PLAN.replace("[uniform]", "[]"), "`agents` of a study is empty"),
        (PLAN.replace("episodes: 3", "episodes: 0"), "`episodes` of a study must be at least 1, got 0"),
    ],
)
def test_a_study_that_cannot_be_is_refused(tmp_path, text, message):
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_study(tmp_path / "study.yaml")


def test_a_label_is_for_tables_alone():
    noisy = {"name": "noisy", "of": "grim"}
    plain, labelled = (
        next(Study(games=["rps"], partners=[partner], agents=["uniform"]).cells())
        for partner in (noisy, {**noisy, "label": "trembling grim"})
    )
    assert labelled.names["partner"] == "trembling grim"
    assert plain.seed == labelled.seed


def test_a_missing_study_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no study at .*nothing.yaml"):
        read_study(tmp_path / "nothing.yaml")


def test_seeds_belong_to_game_and_partner_alone():
    small = Study(games=["rps"], partners=["grim"], agents=["uniform"])
    large = Study(games=["ipd", "rps"], partners=["single", "grim"], agents=["rmax", "uniform"])
    seeds = {(cell.game, cell.partner): cell.seed for cell in large.cells()}
    assert seeds["rps", "grim"] == next(small.cells()).seed
    assert len(set(seeds.values())) == 4
    other = Study(games=["rps"], partners=["grim"], agents=["uniform"], seed=1)
    assert next(other.cells()).seed != next(small.cells()).seed


def test_labels_tell_settings_apart():
    assert label({"name": "one_of", "pool": ["single", {"name": "cycle", "length": 2}]}) == (
        "one_of(pool=[single, cycle(length=2)])"
    )
