"""The page of all demos shows what has run, says how to run the rest, and fits a phone."""

from html.parser import HTMLParser

import pytest
from demo_page import demo_page
from members import product, with_demo

from gpu_commons.browser import chromium, page_after_scripts, sideways_overflow
from gpu_commons.demo_result import RESULT_FILE, DemoResult
from gpu_commons.page import write_html

PACKAGES = with_demo()
NAMES = [each.name for each in PACKAGES]
needs_browser = pytest.mark.skipif(
    chromium() is None, reason="no chromium, chromium-browser or google-chrome on the PATH"
)


class Page(HTMLParser):
    """Links and headings of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.headings, self._in_heading = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._in_heading = tag == "h2"
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_data(self, data):
        if self._in_heading:
            self.headings.append(data)
        self._in_heading = False


def run(folder, package):
    """What a demo leaves, with names as long as real ones."""
    page = folder / package / "index.html"
    write_html("<p>A report</p>", page)
    DemoResult(
        title=f"Table of {package}",
        header=["method", *(f"measure number {number}" for number in range(8))],
        rows=[["a+very_long_name+that+does_not_break" * 2, *8 * ["0.123 [0.100, 0.150]"]]],
        notes=[f"A <note> of {package}."],
        seconds=61.7,
    ).leave_beside(page)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All demos have run but the last."""
    folder = tmp_path_factory.mktemp("demo")
    for name in NAMES[:-1]:
        run(folder, name)
    write_html(demo_page(folder, PACKAGES, product()), folder / "index.html")
    return folder


@pytest.fixture
def page(folder):
    return (folder / "index.html").read_text(encoding="utf-8")


def test_every_package_is_named_with_what_it_does(page):
    assert Page(page).headings == ["Start here", *NAMES]
    for each in PACKAGES:
        assert each.pyproject["project"]["description"] in page.replace("&#x27;", "'")


def test_every_link_leads_to_a_report_and_every_report_is_linked(folder, page):
    links = Page(page).links
    assert [link for link in links if not (folder / link).is_file()] == []
    assert set(links) == {f"{name}/index.html" for name in NAMES[:-1]}


def test_the_tables_are_those_that_the_demos_left(page):
    for name in NAMES[:-1]:
        assert f"Table of {name}" in page
        assert f"A &lt;note&gt; of {name}." in page
    assert page.count("the demo took 62 s") == len(NAMES) - 1


def test_what_has_not_run_is_said_with_the_command_that_runs_it(page):
    assert f'nox -s "demo({NAMES[-1]})"' in page
    assert page.count("Not run yet") == 1
    assert f"<li>{NAMES[-1]}: not run yet</li>" in page


def test_before_any_demo_the_page_says_how_to_run_each(tmp_path):
    page = demo_page(tmp_path, PACKAGES, product())
    assert Page(page).links == []
    assert [name for name in NAMES if f'nox -s "demo({name})"' not in page] == []


def test_a_demo_that_runs_later_joins_the_others(tmp_path):
    run(tmp_path, NAMES[2])
    assert set(Page(demo_page(tmp_path, PACKAGES, product())).links) == {f"{NAMES[2]}/index.html"}
    run(tmp_path, NAMES[0])
    both = Page(demo_page(tmp_path, PACKAGES, product())).links
    assert set(both) == {f"{NAMES[0]}/index.html", f"{NAMES[2]}/index.html"}


def test_a_broken_result_is_named(tmp_path):
    run(tmp_path, NAMES[0])
    (tmp_path / NAMES[0] / RESULT_FILE).write_text("{}")
    with pytest.raises(ValueError, match=f"{NAMES[0]}/{RESULT_FILE}: is not what a demo leaves"):
        demo_page(tmp_path, PACKAGES, product())


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_nobody_scrolls_the_page_sideways(folder, tmp_path, width):
    assert sideways_overflow(folder / "index.html", tmp_path / "profile", width=width) == 0


@needs_browser
def test_a_browser_shows_what_was_written(folder, tmp_path):
    shown = Page(page_after_scripts(folder / "index.html", tmp_path / "profile"))
    assert shown.headings == ["Start here", *NAMES]
    assert set(shown.links) == {f"{name}/index.html" for name in NAMES[:-1]}
