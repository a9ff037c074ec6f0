"""Rank a protein's mutations from its sequence, structure and surface, beside baselines that keep it honest."""

import importlib.metadata
from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from protein_fitness.assay import Assay, ScoredAssay, read_assay, score_rows, write_scored
    from protein_fitness.homologues import read_profile
    from protein_fitness.metrics.spearman import Spearman, spearman
    from protein_fitness.model.config import S3FConfig
    from protein_fitness.model.graph import build_graph
    from protein_fitness.model.official import model_from_official
    from protein_fitness.model.s3f import S3FModel
    from protein_fitness.mutations.checking import ParsedMutants, parse_mutants
    from protein_fitness.mutations.mutation import Mutant, all_singles
    from protein_fitness.protein import Protein, make_protein
    from protein_fitness.scorers.ensemble import Ensemble
    from protein_fitness.scorers.registry import make_scorer, usual_scorer
    from protein_fitness.scorers.scorer import Scorer, SiteScorer
    from protein_fitness.site_matrix import SiteMatrix, scan
    from protein_fitness.structures.alignment import SequenceMap, align
    from protein_fitness.structures.database import StructureDatabase
    from protein_fitness.structures.reading import read_structure
    from protein_fitness.structures.structure import Structure
    from protein_fitness.surface.cache import cached_surface
    from protein_fitness.surface.ply import write_ply
    from protein_fitness.surface.settings import SurfaceSettings
    from protein_fitness.surface.surface import Surface, make_surface

__version__ = importlib.metadata.version("protein-fitness")
_HOME = {
    "Assay": "assay",
    "Ensemble": "scorers.ensemble",
    "Mutant": "mutations.mutation",
    "ParsedMutants": "mutations.checking",
    "Protein": "protein",
    "S3FConfig": "model.config",
    "S3FModel": "model.s3f",
    "ScoredAssay": "assay",
    "Scorer": "scorers.scorer",
    "SequenceMap": "structures.alignment",
    "SiteMatrix": "site_matrix",
    "SiteScorer": "scorers.scorer",
    "Spearman": "metrics.spearman",
    "Structure": "structures.structure",
    "StructureDatabase": "structures.database",
    "Surface": "surface.surface",
    "SurfaceSettings": "surface.settings",
    "align": "structures.alignment",
    "all_singles": "mutations.mutation",
    "build_graph": "model.graph",
    "cached_surface": "surface.cache",
    "make_protein": "protein",
    "make_scorer": "scorers.registry",
    "make_surface": "surface.surface",
    "model_from_official": "model.official",
    "parse_mutants": "mutations.checking",
    "read_assay": "assay",
    "read_profile": "homologues",
    "read_structure": "structures.reading",
    "scan": "site_matrix",
    "score_rows": "assay",
    "spearman": "metrics.spearman",
    "usual_scorer": "scorers.registry",
    "write_ply": "surface.ply",
    "write_scored": "assay",
}
__all__ = [
    "Assay",
    "Ensemble",
    "Mutant",
    "ParsedMutants",
    "Protein",
    "S3FConfig",
    "S3FModel",
    "ScoredAssay",
    "Scorer",
    "SequenceMap",
    "SiteMatrix",
    "SiteScorer",
    "Spearman",
    "Structure",
    "StructureDatabase",
    "Surface",
    "SurfaceSettings",
    "align",
    "all_singles",
    "build_graph",
    "cached_surface",
    "make_protein",
    "make_scorer",
    "make_surface",
    "model_from_official",
    "parse_mutants",
    "read_assay",
    "read_profile",
    "read_structure",
    "scan",
    "score_rows",
    "spearman",
    "usual_scorer",
    "write_ply",
    "write_scored",
]

__getattr__ = lazy_names(__name__, _HOME)
