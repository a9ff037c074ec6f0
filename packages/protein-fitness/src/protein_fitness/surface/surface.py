"""A protein's surface: points with normals, and 42 numbers each that tell the shape around them."""

import hashlib
import json
import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gpu_commons.write_aside import written_aside
from protein_fitness.structures.structure import Structure
from protein_fitness.surface.curvature import curvatures
from protein_fitness.surface.frame import principal_frame
from protein_fitness.surface.heat_kernel import heat_kernel_signatures
from protein_fitness.surface.sampling import sample_surface
from protein_fitness.surface.settings import DEFAULT_SETTINGS, SurfaceSettings

WIDTHS = (0.5 * 1.55 / 1.10, 0.5 * 1.70 / 1.10, 0.5 * 1.70 / 1.10)
"""Of the soft distance at N, CA and C, in Å: half the radius in units of hydrogen's."""
FORMAT = 1
"""Of the file and of what is computed: a surface of another format is made anew."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """The surface of one chain's backbone.

    Normals and features are rounded to float16 when they are made, so a surface from a file is bit for bit the one
    that was saved. The largest error is 0.0005 of a value (relative above 0.0001, and less than 1e-7 below).

    Attributes:
        points: In Å, in the frame of the structure, float32.
        normals: Outward, of length 1 within 0.001.
        features: Heat-kernel signatures at 32 times, then mean and Gaussian curvature at five scales in turn.
        settings: How it was made.
        seed: Of the random places where its points started.
        digest: SHA-256 over what it was made from: atoms, settings, seed and format.
    """

    points: Float[Tensor, "points 3"]
    normals: Float[Tensor, "points 3"]
    features: Float[Tensor, "points 42"]
    settings: SurfaceSettings
    seed: int
    digest: str

    def __len__(self) -> int:
        return len(self.points)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write points as float32 and the rest as float16, 102 bytes a point; the same surface gives the same bytes."""
        origin = {"format": FORMAT, "seed": self.seed, "digest": self.digest, "settings": asdict(self.settings)}
        with written_aside(path) as aside, aside.open("wb") as stream:
            np.savez(
                stream,
                points=self.points.numpy(),
                normals=self.normals.half().numpy(),
                features=self.features.half().numpy(),
                origin=np.array(json.dumps(origin)),
            )
        return Path(path).expanduser()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Surface":
        """Read what ``save`` wrote.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is cut short, is not a surface, or is of another format.
        """
        try:
            # Opened here: numpy would leave a file open that it cannot read.
            with Path(path).expanduser().open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                origin = json.loads(str(arrays["origin"]))
                points, normals, features = (torch.from_numpy(arrays[key]) for key in ("points", "normals", "features"))
        except (zipfile.BadZipFile, EOFError, KeyError, ValueError, TypeError) as error:
            raise ValueError(f"{path} is not a whole surface file; delete it and make the surface anew.") from error
        if origin["format"] != FORMAT:
            raise ValueError(
                f"{path} is a surface of format {origin['format']}, and this version reads {FORMAT}; make it anew."
            )
        return cls(
            points=points,
            normals=normals.float(),
            features=features.float(),
            settings=SurfaceSettings(**origin["settings"]),
            seed=origin["seed"],
            digest=origin["digest"],
        )


def make_surface(structure: Structure, *, settings: SurfaceSettings = DEFAULT_SETTINGS, seed: int = 0) -> Surface:
    """The surface around N, CA and C; side chains would tell which residue is masked.

    It is random: two seeds give two sets of points, and the same seed the same, also if the structure is moved.

    Args:
        structure: Atoms that are NaN are left out.
        settings: How it is made.
        seed: Of the random places where points start.

    Raises:
        ValueError: If so few atoms are there that the surface has too few points.
    """
    there = ~np.isnan(structure.backbone).any(-1)
    atoms = torch.from_numpy(structure.backbone[there]).double()
    widths = torch.tensor(WIDTHS, dtype=torch.float64).expand(len(structure), 3)[torch.from_numpy(there)]
    if len(atoms) < 2:
        raise ValueError(
            f"chain {structure.chain} of {structure.name} has {len(atoms)} of N, CA and C, too few for a surface; "
            "give a structure with its backbone."
        )
    axes, centre = principal_frame(atoms)
    points, normals = sample_surface((atoms - centre) @ axes.T, widths, settings, seed)
    try:
        signatures = torch.from_numpy(heat_kernel_signatures(points.numpy(), settings.most_eigenpairs))
    except ValueError as error:
        raise ValueError(f"chain {structure.chain} of {structure.name}: {error}") from error
    features = torch.cat([signatures, curvatures(points, normals, settings.curvature)], -1)
    return Surface(
        points=(points @ axes + centre).float(),
        normals=(normals @ axes).half().float(),
        features=features.half().float(),
        settings=settings,
        seed=seed,
        digest=surface_digest(structure, settings, seed),
    )


def surface_digest(structure: Structure, settings: SurfaceSettings, seed: int) -> str:
    """SHA-256 over all that a surface depends on.

    That is the atoms, not the file: another model of the file or a part of the chain has another surface, and a copy
    of the file under another name has the same.
    """
    origin = json.dumps({"format": FORMAT, "seed": seed, "settings": asdict(settings)}, sort_keys=True)
    atoms = np.ascontiguousarray(structure.backbone, dtype="<f8")
    return hashlib.sha256(origin.encode() + atoms.tobytes()).hexdigest()
