"""The page is one file, draws itself in a browser without a network, and no token can break out of it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from controlled_decoding.tracing import trace_fragment, write_page
from gpu_commons.browser import chromium, page_after_scripts
from gpu_commons.page import Section, assemble_page, table_fragment

needs_browser = pytest.mark.skipif(
    chromium() is None, reason="no chromium, chromium-browser or google-chrome on the PATH"
)

HOSTILE = [
    "</script><script>document.title='broken'</script>",
    "<!--<script>",
    "<b>&amp;",
    "\u2028\n \t\x00",
    '"onclick="x',
    "",
]


@pytest.fixture
def hostile(traces):
    """A steered trace whose tokens are markup."""
    trace = traces[1]
    steps = []
    for step, text in zip(trace.steps, HOSTILE, strict=True):
        candidates = [replace(candidate, text=text) for candidate in step.candidates]
        steps.append(replace(step, candidates=candidates))
    return replace(trace, prompt=HOSTILE[0], method="</style><i>", steps=steps)


class Elements(HTMLParser):
    """All start tags with their attributes, and all text between script, style and markup."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.lasttag not in ("script", "style"):
            self.text.append(data)

    def having(self, name, value):
        return [attributes for _, attributes in self.tags if attributes.get(name) == value]


def browse(path, address, profile) -> Elements:
    """The page as the browser has it after its scripts ran."""
    return Elements(page_after_scripts(path, profile, address=address))


def embedded(page) -> list[dict]:
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])["traces"]


def test_data_in_the_page_are_the_traces(traces, tmp_path):
    path = write_page(traces, tmp_path / "trace.html", title="Plain & steered")
    page = path.read_text(encoding="utf-8")
    assert embedded(page) == [trace.to_dict() for trace in traces]
    assert "<title>Plain &amp; steered</title>" in page
    assert [file.name for file in tmp_path.iterdir()] == ["trace.html"]


def test_page_names_no_outer_resource(traces, tmp_path):
    elements = Elements(write_page(traces, tmp_path / "trace.html").read_text(encoding="utf-8"))
    assert {attributes[name] for _, attributes in elements.tags for name in ("src", "href") if name in attributes} == {
        "data:,"
    }
    (policy,) = [attributes["content"] for _, attributes in elements.tags if attributes.get("http-equiv")]
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_hostile_tokens_stay_inside_their_data(hostile):
    fragment = trace_fragment([hostile])
    assert embedded(fragment) == [hostile.to_dict()]
    assert [tag for tag, _ in Elements(fragment).tags] == ["div", "style", "script", "script", "noscript"]


@needs_browser
def test_browser_draws_every_token_and_the_one_in_the_address(traces, hostile, tmp_path):
    path = write_page([traces[0], hostile], tmp_path / "trace.html", title="Whole")
    page = browse(path, "#trace=1&token=3", tmp_path / "profile")
    (view,) = page.having("class", "trace-view")
    assert (view["data-tokens"], view["data-trace"], view["data-step"]) == ("12", "1", "3")
    assert len(page.having("role", "option")) == 12
    (selected,) = page.having("aria-selected", "true")
    assert selected["aria-label"].startswith("step 3: ")
    chosen = hostile.steps[3]
    rows = [attributes for tag, attributes in page.tags if tag == "tr" and "data-token-id" in attributes]
    assert [row["data-token-id"] for row in rows] == [str(candidate.id) for candidate in chosen.candidates]
    assert [row["data-token-id"] for row in rows if row.get("aria-current")] == [str(chosen.token.id)]
    assert len(page.having("class", "chart")) == 2
    assert "Whole" in page.text, "a token replaced the title"
    assert {"\u2028", "⏎·→␀"} <= set(page.text), "blanks are not shown"
    assert not [tag for tag, _ in page.tags if tag in ("b", "i")]


@needs_browser
def test_browser_says_that_a_plain_step_tried_one_token(traces, tmp_path):
    path = write_page(traces, tmp_path / "trace.html")
    page = browse(path, "#token=3", tmp_path / "profile")
    (view,) = page.having("class", "trace-view")
    assert (view["data-trace"], view["data-step"]) == ("0", "3")
    assert len([attributes for tag, attributes in page.tags if tag == "tr" and "data-token-id" in attributes]) == 1
    assert any("No strength was in force here" in text for text in page.text)


@needs_browser
def test_arrow_keys_move_the_selection(traces, tmp_path):
    """Two to the right, one down, one to the left; a second one down is beyond the last trace."""
    path = write_page(traces, tmp_path / "trace.html")
    keys = ["ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowDown"]
    press = "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))"
    script = (
        f"<script>document.querySelector('.token').focus(); for (const key of {json.dumps(keys)}) {press};</script>"
    )
    path.write_text(path.read_text(encoding="utf-8").replace("</body>", f"{script}</body>"), encoding="utf-8")
    (view,) = browse(path, "", tmp_path / "profile").having("class", "trace-view")
    assert (view["data-trace"], view["data-step"]) == ("1", "1")


def test_assembled_page_escapes_texts_and_keeps_fragments(traces):
    table = table_fragment(["method", "<rate>"], [["plain", "1 < 2"]], caption="a & b")
    page = assemble_page("<One>", [Section("Numbers", "less < more", table), ("Trace", "", trace_fragment(traces))])
    elements = Elements(page)
    assert {"<One>", "Numbers", "less < more", "<rate>", "1 < 2", "a & b", "Trace"} <= set(elements.text)
    assert [tag for tag, _ in elements.tags].count("section") == 2
    assert embedded(page) == [trace.to_dict() for trace in traces]


def test_page_without_traces_is_refused():
    with pytest.raises(ValueError, match="`traces` is empty"):
        trace_fragment([])


def test_traces_of_different_attributes_are_refused(record, make_subspace, model, traces):
    other = record(subspaces=make_subspace(model, attribute="rudeness"))
    with pytest.raises(ValueError, match="different attributes"):
        trace_fragment([traces[0], other])
