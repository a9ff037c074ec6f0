"""The whole page of a scan: best mutants, heat map, sites and structure, each linked to the others."""

import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from gpu_commons.page import Section, assemble_page, json_for_script, picture_fragment, table_fragment, write_html
from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.protein import Protein
from protein_fitness.report.heat_map import heat_map
from protein_fitness.report.layout import SITES
from protein_fitness.report.profile import site_profile
from protein_fitness.report.structure_view import CHOSEN, places_of, structure_view
from protein_fitness.site_matrix import SiteMatrix

_BAR = (
    "position: fixed; inset: auto 0 0 0; padding: 0.5rem 1rem; background: var(--paper); "
    "border-top: 1px solid var(--line)"
)
"""What is said of a site stays in sight, whichever picture was clicked."""
_TOP, _BEST_OF_SITE = 20, 3
_HEAT_MAP = (
    "A cell is a mutant; brighter is fitter, a dot is the wild type, an empty cell has no score. Click a cell to mark "
    "its site in all pictures."
)
_PROFILE = (
    "Tolerance is the mean score of a site's mutants; burial is one minus the relative solvent accessibility. Where the "
    "two follow each other, the scan says little that burial alone does not."
)
_STRUCTURE = "C-alpha atoms, coloured by tolerance. Drag to turn, click a residue to mark its site in all pictures."


def write_report(
    matrix: SiteMatrix,
    protein: Protein,
    out: str | os.PathLike[str],
    *,
    title: str = "Every single mutant",
    before: Sequence[Section] = (),
) -> Path:
    """Write one HTML file that shows a scan; nothing is fetched when it is opened.

    Args:
        matrix: The scan.
        protein: That was scanned; its structure is drawn if it has one.
        out: The page.
        title: Of it, as text.
        before: Sections of your own, above those of the scan.

    Raises:
        ValueError: If the scan is of another sequence, or has no score at all.
    """
    if matrix.sequence != protein.sequence:
        raise ValueError(
            f"the scan is of a sequence of {len(matrix.sequence)} residues and the protein another, of "
            f"{len(protein)}; give the one that was scanned."
        )
    best = table_fragment(["mutant", "score"], [[name, f"{score:.3f}"] for name, score in matrix.top(_TOP)])
    sections = [
        *before,
        Section("Heat map", _HEAT_MAP, picture_fragment(heat_map(matrix), "heat-map", include_js=True)),
        Section("Sites", _PROFILE, picture_fragment(site_profile(matrix, protein), "site-profile")),
    ]
    if protein.structure is not None:
        sections.append(
            Section("Structure", _STRUCTURE, picture_fragment(structure_view(matrix, protein), "structure-view"))
        )
    sections += [
        Section("Best mutants", f"By {matrix.scorer}; higher is fitter.", best + _linking_fragment(matrix, protein)),
        Section("Where it comes from", "What was decided on the way.", _notes(matrix, protein)),
    ]
    return write_html(assemble_page(title, sections), out)


def _linking_fragment(matrix: SiteMatrix, protein: Protein) -> str:
    """A ``<div>`` with what each site has to say, and the script that links the pictures before it."""
    data = json_for_script({"chosen": CHOSEN, "places": _sites(matrix, protein)})
    script = files("protein_fitness.report").joinpath("linking.js").read_text(encoding="utf-8")
    return "\n".join(
        [
            '<div class="site-view">',
            f'<output style="{_BAR}">Click a cell, a site or a residue.</output>',
            f'<script type="application/json">{data}</script>',
            f"<script>\n{script}</script>",
            "</div>",
        ]
    )


def _sites(matrix: SiteMatrix, protein: Protein) -> list[dict[str, Any]]:
    """For each position: what is said of it, the heat map's row (from 0), and where its C-alpha is drawn."""
    tolerance = matrix.tolerance()
    places = None if protein.structure is None else places_of(protein.structure)
    sites = []
    for position, letter in enumerate(matrix.sequence):
        said = f"{letter}{position + 1}: " + _said_of(matrix, position, tolerance[position])
        at = None
        if places is not None and protein.along is not None and (residue := int(protein.along.residue[position])) >= 0:
            at = places[residue].tolist()
            said += f" Residue {protein.along.structure.labels[residue]} of the structure."
        sites.append({"text": said, "row": position // SITES, "at": at})
    return sites


def _said_of(matrix: SiteMatrix, position: int, tolerance: float) -> str:
    if np.isnan(tolerance):
        return "no score."
    scores = matrix.scores[position]
    order = [place for place in np.argsort(-scores, kind="stable").tolist() if not np.isnan(scores[place])]
    best = ", ".join(f"{AMINO_ACIDS[place]} ({scores[place]:.3f})" for place in order[:_BEST_OF_SITE])
    return f"tolerance {tolerance:.3f}, best {best}."


def _notes(matrix: SiteMatrix, protein: Protein) -> str:
    structure = protein.structure
    told = [f"Scorer: {matrix.scorer}.", f"Sequence: {matrix.sequence}"]
    if structure is not None:
        told.append(f"Structure: {structure.name}, chain {structure.chain}, SHA-256 {structure.digest}.")
    return "".join(f'<p style="overflow-wrap: anywhere">{escape(line)}</p>' for line in (*told, *protein.notes))
