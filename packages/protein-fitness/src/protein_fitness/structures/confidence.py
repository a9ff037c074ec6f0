"""Confidence of a predicted structure, and whether a file is one: B-factors of experiments are never confidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

_PREDICTED = ("ALPHAFOLD", "ESMFOLD", "MODELARCHIVE")
_RECORDS = ("HEADER", "TITLE", "AUTHOR", "EXPDTA")
_MODEL = "THEORETICAL MODEL"
_POLICIES = ("auto", "b_factor", "none")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a file says of itself.

    Attributes:
        has_plddt: Whether its B-factors are pLDDT.
        reason: The words that say so, or why not.
    """

    has_plddt: bool
    reason: str


def claim_of_pdb(lines: Sequence[str]) -> Claim:
    """By the header: AlphaFold's, ESMFold's and ModelArchive's say who they are; an experiment names its method."""
    for line in lines:
        if line.startswith("EXPDTA") and _MODEL not in line.upper():
            return _experiment(line[10:])
    for line in lines:
        named = [name for name in _PREDICTED if name in line.upper()] if line.startswith(_RECORDS) else []
        if named:
            return Claim(has_plddt=True, reason=f"the header names {named[0]}")
    return _UNCLEAR


def claim_of_cif(block: Any) -> Claim:
    """By the metadata: the method of an experiment, or a metric of quality that is pLDDT (``_ma_qa_metric``).

    Args:
        block: Of biotite, text or binary.
    """
    methods = [method for method in _column(block, "exptl", "method") if _MODEL not in method.upper()]
    if methods:
        return _experiment(methods[0])
    for column in ("name", "type"):
        if any("plddt" in metric.lower() for metric in _column(block, "ma_qa_metric", column)):
            return Claim(has_plddt=True, reason="_ma_qa_metric is pLDDT")
    return _UNCLEAR


def confidence(
    policy: str | np.ndarray, b_factors: Float[np.ndarray, " residues"], claim: Claim, where: str
) -> tuple[Float[np.ndarray, " residues"] | None, str]:
    """The pLDDT of each residue, if there is one, and a sentence on why.

    Values up to 1 are taken for fractions, as some tools write them.

    Args:
        policy: "auto" to go by what the file says of itself, "b_factor" to take the B-factors, "none", or the values.
        b_factors: Of the CA atoms.
        claim: What the file says of itself.
        where: File and chain, for messages.

    Raises:
        ValueError: If the policy is unknown, or values are not one a residue, not from 0 to 100, or all 0.
    """
    if isinstance(policy, np.ndarray):
        if policy.shape != b_factors.shape:
            raise ValueError(
                f"`plddt` has shape {policy.shape} and {where} has {len(b_factors)} residues; give one value for each residue read."
            )
        return _percent(policy.astype(np.float64), "Confidence: as given", "`plddt`", where)
    if policy not in _POLICIES:
        raise ValueError(f"`plddt` must be one of {', '.join(map(repr, _POLICIES))} or an array, got {policy!r}.")
    if policy == "none":
        return None, "Confidence: none, as asked."
    if policy == "auto" and not claim.has_plddt:
        return None, f"Confidence: none, since {claim.reason}; B-factors are not read as such."
    reason = "as asked" if policy == "b_factor" else f"since {claim.reason}"
    return _percent(b_factors, f"Confidence: the B-factors, {reason}", "the B-factors", where)


def _percent(
    values: Float[np.ndarray, " residues"], note: str, what: str, where: str
) -> tuple[Float[np.ndarray, " residues"], str]:
    low, high = values.min(), values.max()
    if not (low >= 0 and 0 < high <= 100):  # also if there is a NaN
        raise ValueError(
            f"{what} of {where} run from {low:g} to {high:g} and so are not pLDDT (0 to 100); pass plddt='none' or the values."
        )
    return (values * 100, f"{note}; they are fractions, so times 100.") if high <= 1 else (values, f"{note}.")


def _experiment(method: str) -> Claim:
    return Claim(has_plddt=False, reason=f"the file names an experiment ({method.strip()})")


_UNCLEAR = Claim(
    has_plddt=False, reason="the file does not say that it is a prediction (if it is, pass plddt='b_factor')"
)


def _column(block: Any, category: str, column: str) -> list[str]:
    if category not in block or column not in block[category]:
        return []
    return block[category][column].as_array(str).tolist()
