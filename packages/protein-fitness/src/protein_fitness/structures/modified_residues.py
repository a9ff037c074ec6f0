"""One letter for each residue: the twenty, other names for them, and the parents of modified ones."""

from functools import cache

from biotite.sequence import ProteinSequence
from biotite.structure.info import amino_acid_names, get_from_ccd

from protein_fitness.amino_acids import AMINO_ACIDS, UNKNOWN

_STANDARD = {letter: ProteinSequence.convert_letter_1to3(letter) for letter in AMINO_ACIDS}
_TWENTY = {name: letter for letter, name in _STANDARD.items()}
_OTHER_NAMES = {
    **dict.fromkeys(["HID", "HIE", "HIP", "HSD", "HSE", "HSP"], "H"),
    **dict.fromkeys(["CYX", "CYM"], "C"),
    **{"ASH": "D", "GLH": "E", "LYN": "K"},
}
"""Protonation states as simulations name them; in the dictionary of components some of these mean other things."""
_WITHOUT_PARENT = {"SEC": "C", "PYL": "K"}
"""Selenocysteine and pyrrolysine, of which the dictionary names no parent."""


@cache
def letter_of(name: str) -> str:
    """The residue's letter, the one of its parent if it is a modified one, or X.

    Parents are as in the wwPDB's Chemical Component Dictionary, which biotite ships. One residue made of several, such
    as the chromophore of GFP, is X.

    Args:
        name: Three letters as a rule, such as "MSE".
    """
    known = {**_TWENTY, **_OTHER_NAMES, **_WITHOUT_PARENT}
    if name in known:
        return known[name]
    if not is_amino_acid(name):
        return UNKNOWN  # nucleotides have letters too
    letter, parent = _component(name, "one_letter_code"), _component(name, "mon_nstd_parent_comp_id")
    if letter is not None and len(letter) == 1 and letter in AMINO_ACIDS:
        return letter
    return _TWENTY.get(parent or "", UNKNOWN)


@cache
def is_amino_acid(name: str) -> bool:
    """Whether residues of this name are linked by peptide bonds."""
    return name in _TWENTY or name in _OTHER_NAMES or name in _amino_acids()


@cache
def dictionary_name(name: str) -> str:
    """The name under which the dictionary of components has the residue's atoms."""
    return _STANDARD[_OTHER_NAMES[name]] if name in _OTHER_NAMES else name


def is_modified(name: str) -> bool:
    """Whether the name is not one of the twenty."""
    return name not in _TWENTY


@cache
def _amino_acids() -> frozenset[str]:
    return frozenset(amino_acid_names())


def _component(name: str, column: str) -> str | None:
    found = get_from_ccd("chem_comp", name, column)
    return None if found is None or found.mask is not None else str(found.as_item())
