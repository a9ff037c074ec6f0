"""Surfaces as PLY files, which viewers of meshes and point clouds open."""

import os
from pathlib import Path

import numpy as np

from gpu_commons.write_aside import written_aside
from protein_fitness.surface.curvature import SCALES
from protein_fitness.surface.surface import Surface

VERTEX = np.dtype(
    [
        *((name, "<f4") for name in ("x", "y", "z", "nx", "ny", "nz")),
        *((name, "u1") for name in ("red", "green", "blue")),
        *((f"{kind}_curvature_{scale:g}", "<f4") for scale in SCALES for kind in ("mean", "gaussian")),
    ]
)
COLOUR_SCALE = SCALES.index(3.0)
STRONGEST = 0.2
"""Difference of mean curvatures in 1/Å at which a colour is full."""


def write_ply(surface: Surface, path: str | os.PathLike[str]) -> Path:
    """Write points, normals and curvatures, binary; colours show the mean curvature at 3 Å.

    What is bent outwards more than the median is red, and what less is blue: a backbone is thin, so nearly all of it is
    bent outwards. Curvatures are in 1/Å and 1/Å².
    """
    curvature = surface.features[:, 32:].numpy()
    vertices = np.empty(len(surface), VERTEX)
    coordinates = np.concatenate([surface.points.numpy(), surface.normals.numpy()], axis=1)
    for name, column in zip(("x", "y", "z", "nx", "ny", "nz"), coordinates.T, strict=True):
        vertices[name] = column
    mean = curvature[:, 2 * COLOUR_SCALE]
    bend = np.clip((mean - np.median(mean)) / STRONGEST, -1, 1)
    vertices["red"] = 255 * (1 - np.maximum(-bend, 0))
    vertices["green"] = 255 * (1 - np.abs(bend))
    vertices["blue"] = 255 * (1 - np.maximum(bend, 0))
    for name, column in zip(VERTEX.names[9:], curvature.T, strict=True):  # type: ignore[index]  # it has names
        vertices[name] = column
    with written_aside(path) as aside, aside.open("wb") as stream:
        stream.write(_header(len(surface)).encode("ascii"))
        stream.write(vertices.tobytes())
    return Path(path).expanduser()


def _header(count: int) -> str:
    kinds = {"f": "float", "u": "uchar"}
    fields = [f"property {kinds[VERTEX[name].kind]} {name}" for name in VERTEX.names or ()]
    return "\n".join(["ply", "format binary_little_endian 1.0", f"element vertex {count}", *fields, "end_header", ""])
