"""Whether mutants belong to a sequence, and which numbering would make them fit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from protein_fitness.amino_acids import UNKNOWN, encode
from protein_fitness.mutations.mutation import Mutant, Substitution, parse_mutant

_NAMED_OFFSETS = 3


@dataclass(frozen=True, kw_only=True)
class ParsedMutants:
    """An assay's mutants, in its order.

    Attributes:
        texts: As they were given.
        mutants: Numbered along the sequence, from 1 on; None where one is bad.
        reasons: What is wrong with a bad one, a sentence; None where one is good.
    """

    texts: tuple[str, ...]
    mutants: tuple[Mutant | None, ...]
    reasons: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.texts)


def parse_mutants(texts: Iterable[str], sequence: str, *, offset: int = 0, on_error: str = "raise") -> ParsedMutants:
    """Read an assay's mutants and check them against the sequence.

    Args:
        texts: Such as "A24G:C30D"; one may come more than once.
        sequence: The wild type.
        offset: What is subtracted from the numbers in the texts to get positions in the sequence, 1-based.
        on_error: "raise" if a bad mutant is an error, "nan" if it is kept with the reason (and its score will be NaN).

    Raises:
        ValueError: If there is no mutant, ``on_error`` is unknown, or mutants are bad and that is an error; the message
            is about the first of them.
    """
    if on_error not in ("raise", "nan"):
        raise ValueError(f"`on_error` must be 'raise' or 'nan', got {on_error!r}.")
    texts = tuple(texts)
    found = [_parsed(text) for text in texts]
    read = [one for one in found if isinstance(one, Mutant)]
    _refuse_none(found)
    fits = iter(_misfits(read, sequence, offset))
    reasons = [next(fits) if isinstance(one, Mutant) else one for one in found]
    if on_error == "raise":
        _refuse_bad(reasons)
    mutants = [
        _renumbered(one, offset) if isinstance(one, Mutant) and reason is None else None
        for one, reason in zip(found, reasons, strict=True)
    ]
    return ParsedMutants(texts=texts, mutants=tuple(mutants), reasons=tuple(reasons))


def check_mutants(mutants: Sequence[Mutant], sequence: str, offset: int = 0) -> None:
    """Refuse mutants that do not belong to a sequence.

    Args:
        mutants: Numbered as in the assay.
        sequence: The wild type.
        offset: What is subtracted from their numbers to get positions in the sequence, 1-based.

    Raises:
        ValueError: If there is no mutant, or one names a wild type that the sequence does not have there, a position
            outside it, or one where it has X. If another offset makes all of them fit, the message names it; it is
            never applied by itself.
    """
    _refuse_none(mutants)
    _refuse_bad(_misfits(mutants, sequence, offset))


def _parsed(text: str) -> Mutant | str:
    try:
        return parse_mutant(text)
    except ValueError as error:
        return str(error)


def _renumbered(mutant: Mutant, offset: int) -> Mutant:
    return (
        mutant.shifted(-offset) if offset else mutant
    )  # a new one costs as much as reading it, and may be one of 500,000


def _refuse_none(mutants: Sequence[object]) -> None:
    if not mutants:
        raise ValueError("the assay has no mutant; give at least one, such as A24G.")


def _refuse_bad(reasons: Sequence[str | None]) -> None:
    bad = [reason for reason in reasons if reason is not None]
    if bad:
        others = f" ({len(bad)} of {len(reasons)} mutants are bad)" if len(reasons) > 1 else ""
        raise ValueError(f"{bad[0].removesuffix('.')}{others}.")


def _misfits(mutants: Sequence[Mutant], sequence: str, offset: int) -> list[str | None]:
    """What keeps each mutant from fitting the sequence, a sentence; None where nothing does."""
    encode(sequence)  # refuses what is no sequence
    misfits = [_misfit(mutant, sequence, offset) for mutant in mutants]
    if all(misfit is None for misfit in misfits):
        return misfits
    remedy = _remedy(mutants, sequence)
    return [
        misfit and f"mutant '{mutant}' {misfit}; {remedy}." for mutant, misfit in zip(mutants, misfits, strict=True)
    ]


def _misfit(mutant: Mutant, sequence: str, offset: int) -> str | None:
    for one in mutant.substitutions:
        place = one.position - offset
        where = f"position {place}" + (f" (number {one.position}, offset {offset})" if offset else "")
        if not 1 <= place <= len(sequence):
            return f"is outside the sequence, which has {len(sequence)} residues, at {where}"
        letter = sequence[place - 1]
        if letter == UNKNOWN:
            return f"changes {where}, where the sequence has {UNKNOWN} in the place of a residue"
        if letter != one.wild:
            return f"says {one.wild} at {where}, where the sequence has {letter}"
    return None


def _remedy(mutants: Sequence[Mutant], sequence: str) -> str:
    fitting = _fitting_offsets([one for mutant in mutants for one in mutant.substitutions], sequence)
    count = f"all {len(mutants)} mutants match" if len(mutants) > 1 else "it matches"
    if len(fitting) == 1:
        return f"{count} with offset {fitting[0]}; pass offset={fitting[0]}"
    if fitting:
        named = ", ".join(map(str, fitting[:_NAMED_OFFSETS])) + (", ..." if len(fitting) > _NAMED_OFFSETS else "")
        return f"{count} with any of {len(fitting)} offsets ({named}); pass the right one as offset"
    return "no offset makes all mutants match, so check that the sequence is theirs"


def _fitting_offsets(substitutions: Sequence[Substitution], sequence: str) -> list[int]:
    """All constant offsets at which every wild type is what the sequence has, nearest to 0 first."""
    wild: dict[int, str] = {}
    for one in substitutions:
        if wild.setdefault(one.position, one.wild) != one.wild:
            return []
    candidates = range(max(wild) - len(sequence), min(wild))
    fitting = [by for by in candidates if all(sequence[at - by - 1] == letter for at, letter in wild.items())]
    return sorted(fitting, key=abs)
