"""A mutant: the substitutions that make it, and how they are written."""

import re
from dataclasses import dataclass
from functools import lru_cache

from protein_fitness.amino_acids import AMINO_ACIDS, UNKNOWN

_SUBSTITUTION = re.compile(r"([A-Z])([0-9]+)([A-Z*])")
_FORM = "write substitutions as A24G, joined by ':'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Substitution:
    """One residue in the place of another.

    Attributes:
        position: 1-based.
        wild: The letter that stands there.
        to: The letter that takes its place.

    Raises:
        ValueError: If a letter is not one of the twenty, the two are the same, or the position is below 1.
    """

    position: int
    wild: str
    to: str

    def __post_init__(self) -> None:
        for letter in (self.wild, self.to):
            if len(letter) != 1 or letter not in AMINO_ACIDS:
                raise ValueError(f"{self} has {letter!r}, not one of {AMINO_ACIDS}.")
        if self.wild == self.to:
            raise ValueError(f"{self} changes nothing; leave synonymous ones out.")
        if self.position < 1:
            raise ValueError(f"{self} is at position {self.position}; positions start at 1.")

    def __str__(self) -> str:
        return f"{self.wild}{self.position}{self.to}"


@dataclass(frozen=True, slots=True)
class Mutant:
    """Substitutions made together; ``str`` writes them as "A24G:C30D".

    Attributes:
        substitutions: In the order in which they were written, at least one, each at a position of its own.

    Raises:
        ValueError: If there is none, or two are at the same position.
    """

    substitutions: tuple[Substitution, ...]

    def __post_init__(self) -> None:
        if not self.substitutions:
            raise ValueError("a mutant needs at least one substitution; leave the wild type out.")
        seen: set[int] = set()
        for position in self.positions:
            if position in seen:
                raise ValueError(f"mutant '{self}' changes position {position} twice; give each position once.")
            seen.add(position)

    @property
    def positions(self) -> tuple[int, ...]:
        """Of the substitutions, 1-based, in their order."""
        return tuple(one.position for one in self.substitutions)

    def shifted(self, by: int) -> "Mutant":
        """The same substitutions, their positions greater by so many.

        Raises:
            ValueError: If a position falls below 1.
        """
        return Mutant(
            tuple(Substitution(position=one.position + by, wild=one.wild, to=one.to) for one in self.substitutions)
        )

    def __len__(self) -> int:
        return len(self.substitutions)

    def __str__(self) -> str:
        return ":".join(map(str, self.substitutions))


def parse_mutant(text: str) -> Mutant:
    """Read substitutions written as "A24G:C30D": wild type, position from 1 on, new residue.

    Written again by ``str``, they give the same text.

    Raises:
        ValueError: If the text is in lower case, puts a stop, is no list of substitutions (as insertions and deletions
            are not), or if `Substitution` or `Mutant` refuses what it says.
    """
    if text != text.upper() and all(_SUBSTITUTION.fullmatch(part) for part in text.upper().split(":")):
        raise ValueError(f"mutant {text!r} is in lower case; write {text.upper()!r}.")
    try:
        substitutions = tuple(map(_substitution, text.split(":")))
    except ValueError as error:
        raise ValueError(f"mutant {text!r}: {error}") from error
    return Mutant(substitutions)


@lru_cache(maxsize=2**16)  # an assay of pairs has each one hundreds of times
def _substitution(part: str) -> Substitution:
    found = _SUBSTITUTION.fullmatch(part)
    if found is None:
        raise ValueError(f"{part!r} is no substitution, and nothing else can be scored; {_FORM}.")
    wild, position, to = found.groups()
    if to == "*":
        raise ValueError(f"{part!r} is a stop, which cannot be scored; leave it out.")
    if position.startswith("0") and int(position):
        raise ValueError(f"{part!r} has a position that starts with 0; {_FORM}.")
    return Substitution(position=int(position), wild=wild, to=to)


def all_singles(sequence: str) -> list[Mutant]:
    """Every single substitution, 19 at each position, by position and then by letter.

    Positions where the sequence has X are skipped: what a change would be compared with is not known.
    """
    return [
        Mutant((Substitution(position=position, wild=wild, to=to),))
        for position, wild in enumerate(sequence, start=1)
        if wild != UNKNOWN
        for to in AMINO_ACIDS
        if to != wild
    ]
