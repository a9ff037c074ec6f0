"""Steer what a language model says, token by token, with a subspace of its own hidden states.

Labels: 1 = desired, 0 = undesired. Margins and log-odds are positive on the desired side; judges score the undesired
attribute in 0..1. Names are imported when they are first used, so that ``import controlled_decoding`` and the command
line's ``--help`` do not wait for torch.
"""

import importlib.metadata
from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from controlled_decoding.aisteer360 import convert_aisteer360
    from controlled_decoding.config import SASAConfig, Schedule
    from controlled_decoding.evaluation.evaluate import evaluate
    from controlled_decoding.evaluation.pareto import pareto_html
    from controlled_decoding.fit import calibrate_subspace, layer_sweep
    from controlled_decoding.judges.judge import Judge
    from controlled_decoding.judges.loading import load_judge
    from controlled_decoding.judges.sentence_classifier import fit_judge
    from controlled_decoding.labelled_text import LabelledTexts, read_labelled
    from controlled_decoding.methods.loading import load_method
    from controlled_decoding.methods.method import Method
    from controlled_decoding.methods.sasa import SASA
    from controlled_decoding.processor import SASALogitsProcessor
    from controlled_decoding.prompts import Prompt, read_prompts
    from controlled_decoding.sampler import controlled_generate
    from controlled_decoding.serving.limits import ServerLimits
    from controlled_decoding.steering import Steering
    from controlled_decoding.subspace import FitReport, SubspaceClassifier
    from controlled_decoding.tracing.page import write_page
    from controlled_decoding.tracing.trace import Trace

__version__ = importlib.metadata.version("controlled-decoding")
_HOME = {
    "FitReport": "subspace",
    "Judge": "judges.judge",
    "LabelledTexts": "labelled_text",
    "Method": "methods.method",
    "Prompt": "prompts",
    "SASA": "methods.sasa",
    "SASAConfig": "config",
    "SASALogitsProcessor": "processor",
    "Schedule": "config",
    "ServerLimits": "serving.limits",
    "Steering": "steering",
    "SubspaceClassifier": "subspace",
    "Trace": "tracing.trace",
    "calibrate_subspace": "fit",
    "controlled_generate": "sampler",
    "convert_aisteer360": "aisteer360",
    "evaluate": "evaluation.evaluate",
    "fit_judge": "judges.sentence_classifier",
    "layer_sweep": "fit",
    "load_judge": "judges.loading",
    "load_method": "methods.loading",
    "pareto_html": "evaluation.pareto",
    "read_labelled": "labelled_text",
    "read_prompts": "prompts",
    "write_page": "tracing.page",
}
__all__ = [
    "SASA",
    "FitReport",
    "Judge",
    "LabelledTexts",
    "Method",
    "Prompt",
    "SASAConfig",
    "SASALogitsProcessor",
    "Schedule",
    "ServerLimits",
    "Steering",
    "SubspaceClassifier",
    "Trace",
    "calibrate_subspace",
    "controlled_generate",
    "convert_aisteer360",
    "evaluate",
    "fit_judge",
    "layer_sweep",
    "load_judge",
    "load_method",
    "pareto_html",
    "read_labelled",
    "read_prompts",
    "write_page",
]

__getattr__ = lazy_names(__name__, _HOME)
