"""Surfaces kept in a folder, so that each is made once."""

import os
from pathlib import Path

from protein_fitness.structures.structure import Structure
from protein_fitness.surface.settings import DEFAULT_SETTINGS, SurfaceSettings
from protein_fitness.surface.surface import Surface, make_surface, surface_digest


def cached_surface(
    structure: Structure,
    folder: str | os.PathLike[str],
    *,
    settings: SurfaceSettings = DEFAULT_SETTINGS,
    seed: int = 0,
) -> Surface:
    """The surface from the folder, or made and put there; both are the same bit for bit.

    Files are named after ``surface_digest``, so one that was made of anything else is never taken. A file that is cut
    short is replaced.

    Raises:
        ValueError: If the surface cannot be made.
    """
    digest = surface_digest(structure, settings, seed)
    path = Path(folder).expanduser() / f"{digest}.npz"
    try:
        return Surface.load(path)
    except (FileNotFoundError, ValueError):
        surface = make_surface(structure, settings=settings, seed=seed)
        surface.save(path)
        return surface
