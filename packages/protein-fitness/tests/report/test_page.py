import json
import re
from html import unescape

import numpy as np
import pytest

from gpu_commons.browser import chromium, page_after_scripts
from gpu_commons.page import Section
from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.protein import make_protein
from protein_fitness.report.page import write_report
from protein_fitness.site_matrix import SiteMatrix

needs_browser = pytest.mark.skipif(
    chromium() is None, reason="no chromium, chromium-browser or google-chrome on the PATH"
)
# Clicks, then writes down what the pictures show, what was refused by the page's policy, and what was fetched.
WATCHED = """<script>
const seen = { refused: [], errors: [] };
window.addEventListener("error", (event) => seen.errors.push(event.message));
document.addEventListener("securitypolicyviolation", (event) => seen.refused.push(event.blockedURI));
</script>"""
CLICKED = """<script>
const picture = (name) => document.querySelector(`.plotly-graph-div[id^="${name}-"]`);
const heat = picture("heat-map"), profile = picture("site-profile"), structure = picture("structure-view");
const mouse = (type, at, target) => target.dispatchEvent(
  new MouseEvent(type, { clientX: at[0], clientY: at[1], bubbles: true, view: window }));
const marked = () => ({
  site: document.querySelector(".site-view").dataset.position, said: document.querySelector("output").textContent,
  heat: (heat.layout.shapes || []).map((shape) => [shape.xref, shape.x0, shape.x1]),
  profile: (profile.layout.shapes || []).map((shape) => shape.x0),
  structure: structure && ["x", "y", "z"].map((axis) => structure.data[2][axis][0]),
});
setTimeout(() => {
  const layer = heat.querySelector(".nsewdrag"), box = layer.getBoundingClientRect();
  const { xaxis, yaxis } = heat._fullLayout;
  const at = [box.left + xaxis.d2p(16), box.top + yaxis.d2p("W")];
  mouse("mousemove", at, layer); mouse("mousedown", at, layer); mouse("mouseup", at, document);
}, 1000);
setTimeout(() => {
  seen.afterHeat = marked();
  if (structure) structure.emit("plotly_click", { points: [{ customdata: 30 }] });
  seen.afterStructure = marked();
  profile.emit("plotly_click", { points: [{ x: 5 }] });
  seen.afterProfile = marked();
  seen.cells = [...heat._fullData[0].z].map((row) => [...row]);
  seen.names = [...heat._fullData[0].customdata].map((row) => [...row]);
  seen.canvases = structure ? structure.querySelectorAll("canvas").length : 0;
  seen.fetched = performance.getEntriesByType("resource").map((each) => each.name);
  const told = document.createElement("pre");
  told.id = "seen"; told.textContent = JSON.stringify(seen);
  document.body.append(told);
}, 3000);
</script>"""


def seen_in(path, profile):
    """What the browser saw while it clicked."""
    page = path.read_text(encoding="utf-8").replace("<title>", f"{WATCHED}<title>", 1)
    before, end, after = page.rpartition("</body>")  # plotly's own script has one too
    path.write_text(f"{before}{CLICKED}{end}{after}", encoding="utf-8")
    shown = page_after_scripts(path, profile)
    return json.loads(unescape(re.search(r'<pre id="seen">(.*?)</pre>', shown, re.DOTALL)[1]))


@needs_browser
def test_a_click_marks_the_site_in_every_picture(matrix, gb1, tmp_path):
    seen = seen_in(write_report(matrix, gb1, tmp_path / "report.html"), tmp_path / "profile")

    first = seen["afterHeat"]
    assert first["site"] == "16"
    assert first["said"].startswith(f"T16: tolerance {matrix.tolerance()[15]:.3f}, best ")
    assert first["heat"] == [["x", 15.5, 16.5]]
    assert first["profile"] == [16]
    atoms = gb1.structure.backbone[:, 1]
    assert first["structure"] == pytest.approx((atoms - atoms.mean(0))[15].tolist(), abs=0.01)
    assert seen["afterStructure"]["heat"] == [["x", 29.5, 30.5]]
    assert seen["afterStructure"]["site"] == "30"
    assert seen["afterProfile"]["structure"] == pytest.approx((atoms - atoms.mean(0))[4].tolist(), abs=0.01)
    assert seen["canvases"] > 0, "the structure is not drawn"

    drawn = dict(zip(np.ravel(seen["names"]), np.ravel(seen["cells"]), strict=True))
    for name, score in drawn.items():
        expected = matrix.scores[int(name[1:-1]) - 1, AMINO_ACIDS.index(name[-1])]
        assert (score is None and np.isnan(expected)) or score == pytest.approx(expected)
    assert len(drawn) == 56 * 20
    assert seen["errors"] == []
    assert seen["refused"] == []
    assert seen["fetched"] == []


@needs_browser
def test_a_long_protein_without_a_structure_is_marked_in_its_row(tmp_path):
    sequence = "MKTW" * 50
    matrix = SiteMatrix(sequence=sequence, scores=np.random.default_rng(0).normal(size=(200, 20)), scorer="any")
    path = write_report(matrix, make_protein(sequence), tmp_path / "report.html")

    seen = seen_in(path, tmp_path / "profile")

    assert seen["afterHeat"]["heat"] == [["x", 15.5, 16.5]]
    assert seen["afterHeat"]["structure"] is None
    assert seen["afterProfile"]["heat"] == [["x", 4.5, 5.5]]


def test_the_page_names_no_outer_resource_and_escapes_its_texts(matrix, gb1, tmp_path):
    page = write_report(matrix, gb1, tmp_path / "report.html", title="A < B").read_text(encoding="utf-8")

    assert "<title>A &lt; B</title>" in page
    assert "default-src 'none'" in page
    assert set(re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]+)"', page)) == {"data:,"}


def test_the_best_mutants_and_what_was_decided_are_told(matrix, gb1, tmp_path):
    page = write_report(matrix, gb1, tmp_path / "report.html").read_text(encoding="utf-8")

    name, score = matrix.top(1)[0]
    assert f'<th scope="row">{name}</th><td>{score:.3f}</td>' in page
    assert gb1.structure.digest in page
    assert all(note in page for note in gb1.notes)


def test_sections_of_ones_own_stand_above_the_heat_map(matrix, gb1, tmp_path):
    own = Section("Beside <others>", "What was measured.", "<p id='own'>0.4</p>")

    page = write_report(matrix, gb1, tmp_path / "report.html", before=[own]).read_text(encoding="utf-8")

    heading, fragment, after = (
        page.index(text) for text in ("<h2>Beside &lt;others&gt;</h2>", "<p id='own'>0.4</p>", "<h2>Heat map</h2>")
    )
    assert heading < fragment < after


def test_a_scan_of_another_sequence_is_refused(matrix, tmp_path):
    with pytest.raises(ValueError, match="the scan is of a sequence of 56 residues and the protein another, of 4"):
        write_report(matrix, make_protein("MKTW"), tmp_path / "report.html")
