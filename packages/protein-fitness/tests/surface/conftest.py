from pathlib import Path

import numpy as np
import pytest
import torch

import protein_fitness
from protein_fitness.structures.structure import Structure

GOLDEN = np.pi * (3 - np.sqrt(5))
PROTEIN_G = Path(protein_fitness.__file__).parent / "data" / "1pga.pdb"


def _structure_of(backbone, name="made"):
    size = len(backbone)
    return Structure(
        name=name,
        chain="A",
        sequence="A" * size,
        labels=tuple(map(str, range(1, size + 1))),
        backbone=np.asarray(backbone, dtype=np.float64),
        accessibility=np.full(size, np.nan),
        plddt=None,
        break_after=np.zeros(size, dtype=bool),
        notes=(),
        digest="",
    )


@pytest.fixture(scope="session")
def protein_g():
    """Its backbone alone, by the columns of the PDB format."""
    backbone = np.full((56, 3, 3), np.nan)
    for line in PROTEIN_G.read_text().splitlines():
        if line.startswith("ATOM") and (atom := line[12:16].strip()) in ("N", "CA", "C"):
            place = [float(line[start : start + 8]) for start in (30, 38, 46)]
            backbone[int(line[22:26]) - 1, ("N", "CA", "C").index(atom)] = place
    assert not np.isnan(backbone).any()
    return _structure_of(backbone, "1pga.pdb")


@pytest.fixture(scope="session")
def hairpin(protein_g):
    """Its first 20 residues, for what need not be a whole protein."""
    return _structure_of(protein_g.backbone[:20], "hairpin")


@pytest.fixture(scope="session")
def structure_of():
    """A structure made of a backbone."""
    return _structure_of


def _sphere(radius, count):
    """Evenly, by a Fibonacci spiral; and outward normals."""
    step = np.arange(count) + 0.5
    height = 1 - 2 * step / count
    ring = np.sqrt(1 - height**2)
    normals = np.stack([ring * np.cos(GOLDEN * step), ring * np.sin(GOLDEN * step), height], -1)
    return torch.from_numpy(radius * normals), torch.from_numpy(normals)


def _cylinder(radius, length, spacing):
    around = max(3, round(2 * np.pi * radius / spacing))
    angle, height = np.meshgrid(np.arange(around) * 2 * np.pi / around, np.arange(0, length, spacing) - length / 2)
    angle, height = angle.ravel(), height.ravel()
    normals = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], -1)
    points = radius * normals
    points[:, 2] = height
    return torch.from_numpy(points), torch.from_numpy(normals)


def _saddle(bend, half, spacing):
    """Z = (x² - y²) / (2 bend), with a point at its centre."""
    axis = torch.arange(-half, half + spacing / 2, spacing, dtype=torch.float64)
    x, y = torch.cartesian_prod(axis, axis).T
    points = torch.stack([x, y, (x**2 - y**2) / (2 * bend)], -1)
    normals = torch.nn.functional.normalize(torch.stack([-x / bend, y / bend, torch.ones_like(x)], -1), dim=-1)
    return points, normals


@pytest.fixture(scope="session")
def sphere():
    return _sphere


@pytest.fixture(scope="session")
def cylinder():
    return _cylinder


@pytest.fixture(scope="session")
def saddle():
    return _saddle
