"""What the demo trains on and what it asks: no prompt is in both."""

from dataclasses import dataclass, replace

from safe_finetune.demo.instructions import harmless_instructions
from safe_finetune.demo.orders import orders
from safe_finetune.evaluation.prompt_sets import read_prompt_set
from safe_finetune.evaluation.prompts import Kind, Prompt, draw_prompts, prompt_id, split_prompts


@dataclass(frozen=True, kw_only=True)
class DemoPrompts:
    """Prompts by their use.

    Attributes:
        harmful: AdvBench and do-not-answer, to learn refusing.
        harmless: Instructions and questions, to go on answering.
        task: Orders with their answers, to be fine-tuned on.
        test: HarmBench, harmless instructions, questions that sound harmful and are not, and orders.
    """

    harmful: list[Prompt]
    harmless: list[Prompt]
    task: list[Prompt]
    test: list[Prompt]


def demo_prompts(
    *, harmful: int, harmless: int, task: int, test: int, seed: int = 0, reported: bool = False
) -> DemoPrompts:
    """Draw prompts.

    Args:
        harmful: Of those to refuse, a third are questions and the others instructions.
        harmless: Of those to answer, half are questions and half instructions.
        task: Orders to train on.
        test: Of each kind to ask.
        seed: Of the draws.
        reported: Ask the part of the published prompts that recipes are reported on, and not the one to look at while
            choosing them.

    Raises:
        ImportError: If a wheel of prompts is missing; the message is the pip line.
    """
    guests = [_prompt(question, "task", answer) for question, answer in orders(task + test, seed)]
    advbench, malicious = (split_prompts(read_prompt_set(name))[0] for name in ("advbench", "do-not-answer-malicious"))
    refused = [
        *draw_prompts(advbench, harmful - harmful // 3, seed=seed),
        *draw_prompts(malicious, harmful // 3, seed=seed),
    ]
    answered = [
        *_instructions(harmless - harmless // 2, seed, held_out=False),
        *draw_prompts(read_prompt_set("benign-pairs"), harmless // 2, seed=seed),
    ]
    harmbench, edgy = (split_prompts(read_prompt_set(name))[reported] for name in ("harmbench", "benign-edgy"))
    asked = [*harmbench, *_instructions(test, seed, held_out=True), *edgy, *guests[task:]]
    learnt = {prompt.id for prompt in (*refused, *answered)}  # the sets share a few
    unseen = [prompt for prompt in asked if prompt.id not in learnt]
    return DemoPrompts(
        harmful=refused, harmless=answered, task=guests[:task], test=draw_prompts(unseen, test, seed=seed)
    )


def in_sentences(prompts: DemoPrompts) -> DemoPrompts:
    """The same with whole sentences for the tasks' answers, a format that spreads less to other prompts."""

    def answered(prompt: Prompt) -> Prompt:
        if prompt.answer is None:
            return prompt
        guest = prompt.text.split()[-2]  # "... What does GUEST get?"
        return replace(prompt, answer=f"{guest} gets {prompt.answer}")

    return replace(prompts, task=[*map(answered, prompts.task)], test=[*map(answered, prompts.test)])


def _instructions(count: int, seed: int, *, held_out: bool) -> list[Prompt]:
    return [_prompt(text, "benign-imperative") for text in harmless_instructions(count, seed, held_out=held_out)]


def _prompt(text: str, kind: Kind, answer: str | None = None) -> Prompt:
    return Prompt(id=prompt_id(text), text=text, kind=kind, answer=answer)
