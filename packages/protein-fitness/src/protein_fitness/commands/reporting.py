"""The verb that shows a scan."""

import sys

from gpu_commons.cli import show


def report(
    scan: str,
    out: str,
    structure: str | None = None,
    chain: str | None = None,
    png: str | None = None,
    title: str = "Every single mutant",
    json: bool = False,
) -> None:
    """Show a scan as one HTML page: heat map, tolerance of each site, and the structure, linked by clicks.

    Args:
        scan: CSV of the verb `scan`; what it was made with must lie beside it as .json.
        out: The page; nothing is fetched when it is opened.
        structure: PDB, mmCIF or BinaryCIF file to draw.
        chain: Its label, if the file has several.
        png: The heat map as a picture besides.
        title: Of the page.
        json: Print JSON.
    """
    from protein_fitness.protein import make_protein
    from protein_fitness.report.page import write_report
    from protein_fitness.report.picture import write_png
    from protein_fitness.site_matrix import read_scan
    from protein_fitness.structures import read_structure

    matrix = read_scan(scan)
    shape = None if structure is None else read_structure(structure, chain=chain)
    protein = make_protein(matrix.sequence, shape)
    for note in protein.notes:
        print(note, file=sys.stderr)
    write_report(matrix, protein, out, title=title)
    if png is not None:
        write_png(matrix, png)
    show({"sites": len(protein), "scorer": matrix.scorer, "page": out, "png": png}, as_json=json)
