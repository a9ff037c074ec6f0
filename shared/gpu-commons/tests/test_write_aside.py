"""A text file is whole or not there."""

import pytest

from gpu_commons.write_aside import write_text_aside, written_aside


@pytest.mark.parametrize("text", ["one\ntwo\n", ["one\n", "two\n"]])
def test_a_text_is_written_whole_or_in_parts(tmp_path, text):
    path = write_text_aside(text, tmp_path / "deep" / "file.txt")
    assert path.read_text() == "one\ntwo\n"
    assert [file.name for file in path.parent.iterdir()] == ["file.txt"]


def test_a_text_that_breaks_off_leaves_what_was_there(tmp_path):
    def parts():
        yield "half"
        raise KeyboardInterrupt

    path = write_text_aside("whole", tmp_path / "file.txt")
    with pytest.raises(KeyboardInterrupt):
        write_text_aside(parts(), path)
    assert path.read_text() == "whole"
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


def test_two_processes_may_write_one_file_at_a_time(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    with written_aside(path) as mine:
        mine.write_text("half of mine")
        monkeypatch.setattr("os.getpid", lambda: -1)
        write_text_aside("theirs", path)
        assert path.read_text() == "theirs"
        mine.write_text("mine")
    assert path.read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]
