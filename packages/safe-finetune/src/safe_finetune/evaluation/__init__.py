"""What a model refuses, what it refuses wrongly, and what it still can do: always the three side by side.

A prompt has a kind that says what a good answer to it is. Outcomes of answers are typed by rule, further judges may be
plugged in, and a report says where they disagree. "Not refused" never means "complied harmfully".

Prompts and responses may be harmful: no message, file or report holds one, unless the caller asks to keep responses.
Prompts are known by ids instead. Names are imported when they are first used.
"""

from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from safe_finetune.evaluation.agreement import Agreement, agreements
    from safe_finetune.evaluation.answers import Answer
    from safe_finetune.evaluation.comparison import Change, Comparison, compare_reports
    from safe_finetune.evaluation.judges import Judge, JudgeSpec, RefusalMatcher, load_judge
    from safe_finetune.evaluation.labelled_responses import LabelledResponse, MatcherAccuracy, matcher_accuracy
    from safe_finetune.evaluation.limits import Limits
    from safe_finetune.evaluation.model_judges import ClassifierJudge, YesNoJudge
    from safe_finetune.evaluation.prompt_sets import load_prompts, read_prompt_set
    from safe_finetune.evaluation.prompts import Prompt, draw_prompts, read_prompts, split_prompts, without_duplicates
    from safe_finetune.evaluation.rates import Rate
    from safe_finetune.evaluation.refusal import is_refusal, outcome_of
    from safe_finetune.evaluation.results import SafetyReport
    from safe_finetune.evaluation.run import evaluate

_HOME = {
    "Agreement": "agreement",
    "Answer": "answers",
    "Change": "comparison",
    "ClassifierJudge": "model_judges",
    "Comparison": "comparison",
    "Judge": "judges",
    "JudgeSpec": "judges",
    "LabelledResponse": "labelled_responses",
    "Limits": "limits",
    "MatcherAccuracy": "labelled_responses",
    "Prompt": "prompts",
    "Rate": "rates",
    "RefusalMatcher": "judges",
    "SafetyReport": "results",
    "YesNoJudge": "model_judges",
    "agreements": "agreement",
    "compare_reports": "comparison",
    "draw_prompts": "prompts",
    "evaluate": "run",
    "is_refusal": "refusal",
    "load_judge": "judges",
    "load_prompts": "prompt_sets",
    "matcher_accuracy": "labelled_responses",
    "outcome_of": "refusal",
    "read_prompt_set": "prompt_sets",
    "read_prompts": "prompts",
    "split_prompts": "prompts",
    "without_duplicates": "prompts",
}
__all__ = [
    "Agreement",
    "Answer",
    "Change",
    "ClassifierJudge",
    "Comparison",
    "Judge",
    "JudgeSpec",
    "LabelledResponse",
    "Limits",
    "MatcherAccuracy",
    "Prompt",
    "Rate",
    "RefusalMatcher",
    "SafetyReport",
    "YesNoJudge",
    "agreements",
    "compare_reports",
    "draw_prompts",
    "evaluate",
    "is_refusal",
    "load_judge",
    "load_prompts",
    "matcher_accuracy",
    "outcome_of",
    "read_prompt_set",
    "read_prompts",
    "split_prompts",
    "without_duplicates",
]

__getattr__ = lazy_names(__name__, _HOME)
