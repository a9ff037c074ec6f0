"""Chains to train on, read one at a time from a folder of structure files or from ProMod3's database."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from protein_fitness.amino_acids import AMINO_ACIDS, encode
from protein_fitness.structures.database import StructureDatabase
from protein_fitness.structures.reading import read_structure
from protein_fitness.structures.structure import Structure

SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif", ".bcif", ".gz")


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """What a network may be trained on of one chain.

    Attributes:
        name: Unique among the chains that were read with it.
        letters: Type of each residue as index in ``AMINO_ACIDS``, int64; -1 where it is not known.
        backbone: N, CA and C in Å; NaN where missing.
        profile: Frequencies of ``AMINO_ACIDS`` among homologues at each residue; None if none are known.
        digest: SHA-256 of what it was read from.
    """

    name: str
    letters: Int[np.ndarray, " residues"]
    backbone: Float[np.ndarray, "residues 3 3"]
    profile: Float[np.ndarray, "residues 20"] | None
    digest: str

    def __len__(self) -> int:
        return len(self.letters)

    @property
    def sequence(self) -> str:
        """One letter a residue; X where it is not known."""
        return "".join((AMINO_ACIDS + "X")[letter] for letter in self.letters)

    def part(self, window: slice) -> "Chain":
        """The residues of a window, 0-based with the end left out."""
        profile = None if self.profile is None else self.profile[window]
        return replace(self, letters=self.letters[window], backbone=self.backbone[window], profile=profile)


class Chains:
    """Chains by number (0-based); a chain is read when it is asked for, and its sequence is kept.

    Args:
        names: One a chain.
        sequences: Of the chains, with X where a type is not known.
        read: Gives structure and profile of a chain by its number.
        left_out: Why others were not taken, by name.

    Attributes:
        names: One a chain.
        sequences: Of the chains.
        left_out: Why others were not taken, by name.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        sequences: tuple[str, ...],
        read: Callable[[int], tuple[Structure, Float[np.ndarray, "residues 20"] | None]],
        left_out: dict[str, str],
    ):
        self.names, self.sequences, self.left_out = names, sequences, left_out
        self._read = read

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: int) -> Chain:
        structure, profile = self._read(number)
        return Chain(
            name=self.names[number],
            letters=encode(structure.sequence),
            backbone=structure.backbone,
            profile=profile,
            digest=structure.digest,
        )

    def structure(self, number: int) -> Structure:
        """The chain as what surfaces are made of."""
        return self._read(number)[0]

    def chosen(self, numbers: Int[np.ndarray, " chosen"]) -> "Chains":
        """Some of them, numbered anew in the order that is given."""
        names = tuple(self.names[number] for number in numbers)
        sequences = tuple(self.sequences[number] for number in numbers)
        return Chains(names, sequences, lambda number: self._read(numbers[number]), self.left_out)


def read_chains(
    path: str | os.PathLike[str],
    *,
    shortest: int = 60,
    longest: int = 300,
    complete: float | int = 0.95,
    most: int | None = None,
    seed: int = 0,
) -> Chains:
    """Chains of a folder of structure files, each with one protein chain, or of ProMod3's database.

    A file that cannot be read, or has several chains, is left out, and the reason is kept.

    Args:
        path: A folder, or ``structure_db.dat``; a folder that holds no structure files is searched for the latter.
        shortest: Residues that a chain has at least.
        longest: Residues that it has at most.
        complete: Share of its residues that have all of N, CA and C.
        most: At most so many chains, drawn from those that fit; None for all.
        seed: Of that draw.

    Raises:
        ValueError: If there are neither structure files nor a database at the path, or no chain fits.
    """
    if not 1 <= shortest <= longest:
        raise ValueError(f"chains of {shortest} to {longest} residues are asked for; give 1 <= shortest <= longest.")
    if most is not None and most < 1:
        raise ValueError(f"`most` must be at least 1 chain, got {most}.")
    fits = _Fit(shortest=shortest, longest=longest, complete=complete)
    place = Path(path).expanduser()
    files = _structure_files(place)
    chains = _of_files(place, files, fits) if files else _of_database(StructureDatabase(place), fits)
    if not len(chains):
        raise ValueError(
            f"none of {len(chains.left_out)} chains at {path} fits; the first: {next(iter(chains.left_out.values()))}"
        )
    if most is None or most >= len(chains):
        return chains
    return chains.chosen(np.sort(np.random.default_rng(seed).permutation(len(chains))[:most]))


@dataclass(frozen=True, kw_only=True)
class _Fit:
    shortest: int
    longest: int
    complete: float | int

    def fault(self, structure: Structure) -> str | None:
        """Why a chain is left out, as a sentence."""
        if not self.shortest <= len(structure) <= self.longest:
            return (
                f"{structure.name} has {len(structure)} residues, and {self.shortest} to {self.longest} are asked for."
            )
        share = np.isfinite(structure.backbone).all((1, 2)).mean()
        if share < self.complete:
            return f"{structure.name} has N, CA and C of {share:.0%} of its residues, and {self.complete:.0%} are asked for."
        return None


def _structure_files(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES)


def _of_files(place: Path, files: list[Path], fits: _Fit) -> Chains:
    kept, sequences, left_out = [], [], {}
    for path in files:
        try:
            structure = read_structure(path)
        except ValueError as error:
            left_out[path.name] = str(error)
            continue
        if fault := fits.fault(structure):
            left_out[path.name] = fault
        else:
            kept.append(path.name)
            sequences.append(structure.sequence)
    return Chains(tuple(kept), tuple(sequences), lambda number: (read_structure(place / kept[number]), None), left_out)


def _of_database(database: StructureDatabase, fits: _Fit) -> Chains:
    names, numbers, sequences, left_out = [], [], [], {}
    for number, entry in enumerate(database.entries):
        name = f"{entry.name}_{entry.chain}"
        if entry.size < fits.shortest or entry.size > fits.longest:
            left_out[name] = f"{name} has {entry.size} residues, and {fits.shortest} to {fits.longest} are asked for."
            continue
        structure = database.structure(number)
        if fault := fits.fault(structure):
            left_out[name] = fault
        else:
            names.append(name)
            numbers.append(number)
            sequences.append(structure.sequence)
    return Chains(
        tuple(names),
        tuple(sequences),
        lambda number: (database.structure(numbers[number]), database.profile(numbers[number])),
        left_out,
    )
