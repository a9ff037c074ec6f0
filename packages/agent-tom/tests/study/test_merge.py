"""Parts of a study played apart are the study when they are put together."""

import json

import pytest

from agent_tom.study import Study, merge_studies, run_study

STUDY = Study(games=["rps", "ipd"], partners=["single"], agents=["rmax", "ucb"], horizon=5, episodes=3)


@pytest.fixture
def parts(tmp_path):
    for part in (1, 2, 3):
        run_study(STUDY, tmp_path / str(part), share=(part, 3), progress=False)
    return [tmp_path / str(part) for part in (1, 2, 3)]


def contents(folder) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "cells").iterdir()}


def test_parts_together_are_the_whole(parts, tmp_path):
    run_study(STUDY, tmp_path / "whole", progress=False)
    assert [len(contents(part)) for part in parts] == [2, 1, 1]
    assert merge_studies(parts, tmp_path / "merged") == (4, 4)
    assert contents(tmp_path / "merged") == contents(tmp_path / "whole")
    assert len(json.loads((tmp_path / "merged" / "environment.json").read_text())) == 1
    assert run_study(STUDY, tmp_path / "merged", progress=False) == 0


def test_parts_may_come_one_after_the_other(parts, tmp_path):
    assert merge_studies(parts[:1], tmp_path / "merged") == (2, 4)
    assert merge_studies(parts[1:], tmp_path / "merged") == (4, 4)


def test_another_study_is_refused(parts, tmp_path):
    other = Study(games=["rps"], partners=["single"], agents=["rmax"], horizon=6, episodes=3)
    run_study(other, tmp_path / "other", progress=False)
    with pytest.raises(ValueError, match="holds another study than"):
        merge_studies([*parts, tmp_path / "other"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_different_episodes_of_a_cell_are_refused_and_kept(parts, tmp_path):
    merge_studies(parts, tmp_path / "merged")
    before = contents(tmp_path / "merged")
    next((parts[0] / "cells").iterdir()).write_bytes(b"something else")
    with pytest.raises(ValueError, match="hold different episodes of the same cell"):
        merge_studies(parts, tmp_path / "merged")
    assert contents(tmp_path / "merged") == before


def test_nothing_to_merge_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`folders` is empty"):
        merge_studies([], tmp_path)


@pytest.mark.parametrize("share", [(0, 2), (3, 2)])
def test_a_part_that_is_not_there_is_refused(share, tmp_path):
    with pytest.raises(ValueError, match="`share` must be one of 1 to 2 parts"):
        run_study(STUDY, tmp_path, share=share)
