"""The entry of ProteinGym's second generation scores whole sequences; its library is stood in for, having no index."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from protein_fitness.benchmark.second_generation import mutant_of, score_sequences
from protein_fitness.commands.second_generation import main
from protein_fitness.examples import gb1
from protein_fitness.scorers.registry import make_scorer

WILD = gb1().sequence
MUTANTS = [f"{letter}{WILD[1:]}" for letter in "ACDE"]


class Frame(dict):
    """A table as polars has it: columns with ``to_list``."""

    def __getitem__(self, name):
        return SimpleNamespace(to_list=lambda: list(super(Frame, self).__getitem__(name)))


@pytest.fixture
def dataset(gb1_file):
    """An assay of protein G with its structure; ``predicted`` is what was handed back."""

    def dump_structure(path):
        target = Path(path) / "1pga.pdb"
        target.write_bytes(gb1_file.read_bytes())
        return target

    def predictions_delta(table, *, target, allow_extra_predictions):
        assert allow_extra_predictions
        made.predicted = dict(zip(table["sequence"].to_list(), table[target].to_list(), strict=True))
        return SimpleNamespace(dump=lambda path: Path(path) / "gb1_predictions.pgdata")

    made = SimpleNamespace(
        name="gb1",
        sequences=[SimpleNamespace(type="wild_type", value=WILD)],
        structures=[SimpleNamespace(dump=dump_structure)],
        msas=[],
        to_df=lambda target_names: Frame(sequence=[*MUTANTS, MUTANTS[0], WILD]),
        predictions_delta=predictions_delta,
    )
    return made


@pytest.fixture
def card():
    """What the model card's head says."""
    return {"scorer": "blosum62+accessibility"}


@pytest.fixture
def run(dataset, card, monkeypatch, tmp_path):
    base, model, polars, parent = (ModuleType(name) for name in ("base", "model", "polars", "proteingym"))
    base.Subsets = SimpleNamespace(from_path=lambda path: SimpleNamespace(dataset=dataset))
    model.ModelCard = SimpleNamespace(from_path=lambda path: SimpleNamespace(hyper_parameters=card))
    polars.DataFrame = Frame
    names = {"proteingym": parent, "proteingym.base": base, "proteingym.base.model": model, "polars": polars}
    for name, module in names.items():
        monkeypatch.setitem(sys.modules, name, module)
    given = ["--dataset-file", "gb1.pgdata", "--split", "random", "--test-fold", "0", "--target", "DMS_score"]
    return lambda: main(["train", *given, "--output", str(tmp_path / "output")])


def test_all_sequences_are_predicted_once_and_like_the_scorer_ranks_them(run, dataset, tmp_path, capsys):
    assert run() == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "output" / "gb1_predictions.pgdata")

    scores = make_scorer("blosum62+accessibility").score(gb1(), [mutant_of(one, WILD) for one in MUTANTS])
    assert [dataset.predicted[one] for one in MUTANTS] == pytest.approx(list(scores))
    assert dataset.predicted[WILD] == pytest.approx(scores.mean())
    assert len(dataset.predicted) == 5


def test_without_a_scorer_on_the_card_the_inputs_choose(run, dataset, card):
    card.clear()
    assert run() == 0
    assert len(set(dataset.predicted.values())) > 2


def test_the_alignment_of_a_dataset_is_read(run, dataset, card):
    def dump_alignment(path):
        target = Path(path) / "relatives.fasta"
        target.write_text("".join(f">{name}\n{one}\n" for name, one in enumerate([WILD, *MUTANTS[:1] * 3, MUTANTS[1]])))
        return target

    dataset.msas, card["scorer"] = [SimpleNamespace(dump=dump_alignment)], "profile"
    assert run() == 0
    assert dataset.predicted[MUTANTS[0]] > dataset.predicted[MUTANTS[1]] > dataset.predicted[MUTANTS[2]]


def test_a_starting_sequence_stands_in_for_the_wild_type(run, dataset):
    dataset.sequences = [SimpleNamespace(type="starting_sequence", value=WILD)]
    assert run() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sequences": []}, "gb1 has no sequence of the type 'wild_type'"),
        ({"to_df": lambda target_names: Frame(sequence=[WILD[1:]])}, "a sequence has 55 residues and the wild type 56"),
        ({"to_df": lambda target_names: Frame(sequence=[WILD])}, "scores none of the 1 sequences"),
    ],
)
def test_what_does_not_fit_is_one_sentence(run, dataset, change, message, capsys):
    vars(dataset).update(change)
    assert run() == 2
    assert message in capsys.readouterr().err


def test_a_card_that_sets_what_is_not_known_is_refused(run, card, capsys):
    card["nogpu"] = True
    assert run() == 2
    assert "README.md sets nogpu; a card may set scorer, mode" in capsys.readouterr().err


def test_without_its_library_the_entry_says_what_to_install(capsys):
    assert main(["train", "--dataset-file", "gb1.pgdata", "--target", "DMS_score"]) == 2
    assert "need proteingym-base" in capsys.readouterr().err


def test_it_answers_a_ping(capsys):
    assert main(["ping"]) == 0
    assert capsys.readouterr().out == "pong\n"


def test_a_mutant_is_told_from_its_sequence():
    assert str(mutant_of("MAYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE", WILD)) == f"{WILD[1]}2A"
    assert mutant_of(WILD, WILD) is None


def test_sequences_keep_their_order():
    scores = score_sequences(MUTANTS[::-1], gb1(), make_scorer("blosum62"))
    assert np.array_equal(scores, score_sequences(MUTANTS, gb1(), make_scorer("blosum62"))[::-1])
