"""Pictures are drawn from records, have named axes, and stand on the page."""

import re
import sys

import pytest
from members import ROOT

sys.path.insert(0, str(ROOT / "docs"))

import pictures
from pictures.drawing import Record

PAGE = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", pictures.DRAWN)
def test_a_picture_has_marks_on_named_axes(name):
    figure = pictures.DRAWN[name]()
    assert figure.axes
    assert figure.axes[0].get_ylabel() or figure.axes[0].get_yticklabels()
    for axis in figure.axes:
        assert axis.get_xlabel()
        assert axis.has_data()


@pytest.mark.parametrize("name", pictures.WRITTEN)
def test_a_picture_of_a_package_is_written(name, tmp_path):
    pictures.WRITTEN[name](tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_shows_every_picture_and_describes_it():
    shown = re.findall(r"!\[([^\]]+)\]\(_build/pictures/([\w-]+)\.(svg|png)\)", PAGE)
    ends = dict.fromkeys(pictures.DRAWN, "svg") | dict.fromkeys(pictures.WRITTEN, "png")
    assert {name: end for _, name, end in shown} == ends
    assert all(len(alternative.split()) >= 4 for alternative, _, _ in shown)


def test_a_figure_that_a_record_lacks_is_an_error():
    record = Record("safe-finetune/bench_merge")
    with pytest.raises(KeyError):
        record.value("no such figure")
