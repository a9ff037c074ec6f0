"""Structures: files read, chains, and how a chain lies along the sequence that is asked about."""

from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names
from protein_fitness.structures.structure import Structure

if TYPE_CHECKING:
    from protein_fitness.structures.alignment import SequenceMap, align
    from protein_fitness.structures.database import StructureDatabase
    from protein_fitness.structures.reading import read_structure

__all__ = ["SequenceMap", "Structure", "StructureDatabase", "align", "read_structure"]
__getattr__ = lazy_names(  # biotite takes seconds to import
    __name__,
    {
        "SequenceMap": "alignment",
        "StructureDatabase": "database",
        "align": "alignment",
        "read_structure": "reading",
    },
)
