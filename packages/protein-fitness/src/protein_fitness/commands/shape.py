"""Verbs about a structure's shape."""

import sys

from gpu_commons.cli import show


def surface(
    structure: str,
    out: str,
    chain: str | None = None,
    ply: str | None = None,
    curvature: str = "shape_operator",
    seed: int = 0,
    json: bool = False,
) -> None:
    """The molecular surface of a structure's backbone: points, normals, curvature and heat-kernel signatures.

    Args:
        structure: PDB, mmCIF or BinaryCIF file.
        out: NumPy file (.npz) of points, normals and 42 features.
        chain: Its label, if the file has several.
        ply: PLY file for viewers besides.
        curvature: "shape_operator", or "legacy" as released code computes it.
        seed: Of the random places where points start.
        json: Print JSON.
    """
    from protein_fitness.structures import read_structure
    from protein_fitness.surface.ply import write_ply
    from protein_fitness.surface.settings import SurfaceSettings
    from protein_fitness.surface.surface import make_surface

    shape = read_structure(structure, chain=chain)
    for note in shape.notes:
        print(note, file=sys.stderr)
    made = make_surface(shape, settings=SurfaceSettings(curvature=curvature), seed=seed)
    made.save(out)
    if ply is not None:
        write_ply(made, ply)
    show({"residues": len(shape), "points": len(made), "seed": seed, "file": out}, as_json=json)
