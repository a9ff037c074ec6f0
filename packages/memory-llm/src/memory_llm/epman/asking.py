"""Questions in words, answers in words."""

from collections.abc import Sequence
from typing import Any

from memory_llm.epman.memory import EpisodicMemory
from memory_llm.epman.model import EpMANForCausalLM

QUESTION = "\n\nQuestion: {}\nAnswer:"
"""How a question is put, in training and in use."""


def answer(
    model: EpMANForCausalLM,
    questions: Sequence[str],
    memory: EpisodicMemory | Sequence[EpisodicMemory] | None,
    *,
    beginnings: Sequence[str] | None = None,
    template: str = QUESTION,
    max_new_tokens: int = 32,
    **generation: Any,
) -> list[str]:
    """Answer questions, each in one line.

    Args:
        model: Who answers.
        questions: What chunks are found for.
        memory: One for all, one for each, or none.
        beginnings: Of the answers, which these go on from; an empty one is none.
        template: How a question is put; ``{}`` stands for it.
        max_new_tokens: Longest answer.
        generation: Further arguments of transformers' ``generate``; greedy if absent.
    """
    starts = [f" {beginning}" if beginning else "" for beginning in beginnings or [""] * len(questions)]
    prompts = [template.format(question) + start for question, start in zip(questions, starts, strict=True)]
    tokenizer = model.tokenizer
    tokens = tokenizer(prompts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt")
    ids = tokens["input_ids"].to(model.decoder.device)
    arguments = {"do_sample": False, "pad_token_id": tokenizer.pad_token_id, **generation}
    written = model.generate(
        ids,
        attention_mask=tokens["attention_mask"].to(ids),
        memory=memory,
        questions=list(questions),
        max_new_tokens=max_new_tokens,
        **arguments,
    )
    texts = tokenizer.batch_decode(written[:, ids.shape[1] :], skip_special_tokens=True)
    return [text.strip().split("\n")[0].strip() for text in texts]
