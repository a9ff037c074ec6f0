"""Rank a protein's mutations from its sequence, structure and surface, beside baselines that keep it honest."""

import importlib.metadata
from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from protein_fitness.assay import Assay, ScoredAssay, read_assay, score_rows, write_scored
    from protein_fitness.benchmark.aggregate import averages, standard_errors
    from protein_fitness.benchmark.levels import read_levels
    from protein_fitness.benchmark.reference import read_reference
    from protein_fitness.benchmark.run import run_benchmark
    from protein_fitness.encoders.encoder import Encoded, Encoder
    from protein_fitness.encoders.letters import LetterEncoder
    from protein_fitness.encoders.masked_lm import MaskedLanguageModel
    from protein_fitness.encoders.profile import ProfileEncoder
    from protein_fitness.encoders.registry import make_encoder
    from protein_fitness.homologues import alignment_notes, read_profile
    from protein_fitness.metrics.five import five_metrics
    from protein_fitness.metrics.spearman import Spearman, spearman
    from protein_fitness.model.config import S3FConfig
    from protein_fitness.model.graph import build_graph
    from protein_fitness.model.official import model_from_official
    from protein_fitness.model.s3f import S3FModel
    from protein_fitness.mutations.checking import ParsedMutants, parse_mutants
    from protein_fitness.mutations.mutation import Mutant, all_singles
    from protein_fitness.protein import Protein, make_protein
    from protein_fitness.report.page import write_report
    from protein_fitness.report.picture import write_png
    from protein_fitness.scorers.ensemble import Ensemble
    from protein_fitness.scorers.registry import make_scorer, usual_scorer
    from protein_fitness.scorers.scorer import Scorer, SiteScorer
    from protein_fitness.scoring.predictor import FitnessPredictor
    from protein_fitness.site_matrix import SiteMatrix, read_scan, scan
    from protein_fitness.structures.alignment import SequenceMap, align
    from protein_fitness.structures.database import StructureDatabase
    from protein_fitness.structures.reading import read_structure
    from protein_fitness.structures.structure import Structure
    from protein_fitness.surface.cache import cached_surface
    from protein_fitness.surface.ply import write_ply
    from protein_fitness.surface.settings import SurfaceSettings
    from protein_fitness.surface.surface import Surface, make_surface
    from protein_fitness.training.chains import Chain, Chains, read_chains
    from protein_fitness.training.clusters import cluster
    from protein_fitness.training.dataset import EvaluationChains, MaskedChains
    from protein_fitness.training.features import feature_kind
    from protein_fitness.training.splits import Split, split_by_cluster
    from protein_fitness.training.trainer import TrainingSettings, train_fitness_model

__version__ = importlib.metadata.version("protein-fitness")
_HOME = {
    "Assay": "assay",
    "Chain": "training.chains",
    "Chains": "training.chains",
    "Encoded": "encoders.encoder",
    "Encoder": "encoders.encoder",
    "Ensemble": "scorers.ensemble",
    "EvaluationChains": "training.dataset",
    "FitnessPredictor": "scoring.predictor",
    "LetterEncoder": "encoders.letters",
    "MaskedChains": "training.dataset",
    "MaskedLanguageModel": "encoders.masked_lm",
    "Mutant": "mutations.mutation",
    "ParsedMutants": "mutations.checking",
    "ProfileEncoder": "encoders.profile",
    "Protein": "protein",
    "S3FConfig": "model.config",
    "S3FModel": "model.s3f",
    "ScoredAssay": "assay",
    "Scorer": "scorers.scorer",
    "SequenceMap": "structures.alignment",
    "SiteMatrix": "site_matrix",
    "SiteScorer": "scorers.scorer",
    "Spearman": "metrics.spearman",
    "Split": "training.splits",
    "Structure": "structures.structure",
    "StructureDatabase": "structures.database",
    "Surface": "surface.surface",
    "SurfaceSettings": "surface.settings",
    "TrainingSettings": "training.trainer",
    "align": "structures.alignment",
    "alignment_notes": "homologues",
    "all_singles": "mutations.mutation",
    "averages": "benchmark.aggregate",
    "build_graph": "model.graph",
    "cached_surface": "surface.cache",
    "cluster": "training.clusters",
    "feature_kind": "training.features",
    "five_metrics": "metrics.five",
    "make_encoder": "encoders.registry",
    "make_protein": "protein",
    "make_scorer": "scorers.registry",
    "make_surface": "surface.surface",
    "model_from_official": "model.official",
    "parse_mutants": "mutations.checking",
    "read_assay": "assay",
    "read_chains": "training.chains",
    "read_levels": "benchmark.levels",
    "read_profile": "homologues",
    "read_reference": "benchmark.reference",
    "read_scan": "site_matrix",
    "read_structure": "structures.reading",
    "run_benchmark": "benchmark.run",
    "scan": "site_matrix",
    "score_rows": "assay",
    "spearman": "metrics.spearman",
    "split_by_cluster": "training.splits",
    "standard_errors": "benchmark.aggregate",
    "train_fitness_model": "training.trainer",
    "usual_scorer": "scorers.registry",
    "write_ply": "surface.ply",
    "write_png": "report.picture",
    "write_report": "report.page",
    "write_scored": "assay",
}
__all__ = [
    "Assay",
    "Chain",
    "Chains",
    "Encoded",
    "Encoder",
    "Ensemble",
    "EvaluationChains",
    "FitnessPredictor",
    "LetterEncoder",
    "MaskedChains",
    "MaskedLanguageModel",
    "Mutant",
    "ParsedMutants",
    "ProfileEncoder",
    "Protein",
    "S3FConfig",
    "S3FModel",
    "ScoredAssay",
    "Scorer",
    "SequenceMap",
    "SiteMatrix",
    "SiteScorer",
    "Spearman",
    "Split",
    "Structure",
    "StructureDatabase",
    "Surface",
    "SurfaceSettings",
    "TrainingSettings",
    "align",
    "alignment_notes",
    "all_singles",
    "averages",
    "build_graph",
    "cached_surface",
    "cluster",
    "feature_kind",
    "five_metrics",
    "make_encoder",
    "make_protein",
    "make_scorer",
    "make_surface",
    "model_from_official",
    "parse_mutants",
    "read_assay",
    "read_chains",
    "read_levels",
    "read_profile",
    "read_reference",
    "read_scan",
    "read_structure",
    "run_benchmark",
    "scan",
    "score_rows",
    "spearman",
    "split_by_cluster",
    "standard_errors",
    "train_fitness_model",
    "usual_scorer",
    "write_ply",
    "write_png",
    "write_report",
    "write_scored",
]

__getattr__ = lazy_names(__name__, _HOME)
