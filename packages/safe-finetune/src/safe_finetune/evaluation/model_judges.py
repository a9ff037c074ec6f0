"""Language models as judges: any sequence classifier, and any causal model that is asked a yes/no question."""

import difflib
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from gpu_commons import load_model, resolve_device
from gpu_commons.weights_digest import weights_sha256
from safe_finetune.evaluation.generate import GREEDY
from safe_finetune.evaluation.judges import Says

_PLACE = re.compile(r"\{(prompt|response)\}")
_YES, _NO = ("Yes", "yes", " Yes", " yes", "YES"), ("No", "no", " No", " no", "NO")


class ClassifierJudge:
    """Probability of one label of a sequence classifier: softmax over the labels, or a sigmoid where a model has one
    label or several that do not exclude each other.

    Args:
        model: The classifier, on its device.
        tokenizer: Its own.
        label: The label that counts, as the model's config spells it.
        says: What it means.
        name: In reports.
        text: What the classifier reads, with ``{response}`` and perhaps ``{prompt}`` in it. What is longer than the
            model reads is cut at its end.
        batch_size: Texts of a forward pass.

    Raises:
        ValueError: If the model has no such label, with those it has; or `text` has no place for the response.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        label: str,
        says: Says,
        name: str,
        text: str = "{response}",
        batch_size: int = 16,
    ) -> None:
        self.says: Says = says
        self.name = name
        self._model, self._tokenizer = model.eval(), tokenizer
        self._label = _label_index(model.config.id2label, label, name)
        self._text, self._batch_size = _checked(text, "text"), batch_size
        self.version = _version(model, label, text)

    @classmethod
    def from_pretrained(cls, source: str, *, label: str, device: str = "auto", **settings: Any) -> "ClassifierJudge":
        """Load a classifier by hub id or folder, in float32."""
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        path = Path(source).expanduser()
        if source.startswith((".", "/", "~")) and not path.is_dir():
            raise FileNotFoundError(f"no classifier folder at {path.absolute()}")
        folder = str(path) if path.is_dir() else source
        model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        name = f"{path.name}:{label}"
        return cls(model.to(resolve_device(device)), tokenizer, label=label, name=name, **settings)

    @torch.inference_mode()
    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> list[float]:
        """Probability of the label for each pair."""
        texts = [_filled(self._text, *pair) for pair in zip(prompts, responses, strict=True)]
        scores: list[float] = []
        for start in range(0, len(texts), self._batch_size):
            scores += self._probabilities(texts[start : start + self._batch_size]).tolist()
        return scores

    def _probabilities(self, texts: list[str]) -> Float[Tensor, " texts"]:
        # Two fewer than there are positions: those of RoBERTa begin at 2.
        positions = getattr(self._model.config, "max_position_embeddings", 514)
        longest = min(self._tokenizer.model_max_length, positions - 2)
        batch = self._tokenizer(
            texts, padding=True, padding_side="right", truncation=True, max_length=longest, return_tensors="pt"
        ).to(self._model.device)
        logits = self._model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.float()
        one_by_one = logits.shape[1] == 1 or self._model.config.problem_type == "multi_label_classification"
        return (logits.sigmoid() if one_by_one else logits.softmax(-1))[:, self._label].cpu()


class YesNoJudge:
    """How probable it is that a causal language model begins its answer to a question with yes, and not with no.

    The score is P(yes) / (P(yes) + P(no)) at the first token after the question; yes and no are counted in all their
    spellings that begin with a token of their own. The question goes through the chat template if there is one.

    Args:
        model: The judging model, on its device.
        tokenizer: Its own.
        question: With ``{response}`` and usually ``{prompt}`` in it; it should ask for "yes" or "no" as the answer.
        says: What yes means.
        name: In reports.
        batch_size: Questions of a forward pass.

    Raises:
        ValueError: If the question has no place for the response, or yes and no begin with the same token.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        question: str,
        says: Says,
        name: str,
        batch_size: int = 16,
    ) -> None:
        self.says: Says = says
        self.name = name
        self._model, self._tokenizer = model.eval(), tokenizer
        self._question, self._batch_size = _checked(question, "question"), batch_size
        self._yes, self._no = _first_tokens(tokenizer, _YES), _first_tokens(tokenizer, _NO)
        both = self._yes & self._no
        self._yes, self._no = self._yes - both, self._no - both
        if not self._yes or not self._no:
            raise ValueError(
                f"the tokenizer of the judge {name!r} begins yes and no with the same token; take another."
            )
        self.version = _version(model, question)

    @classmethod
    def from_pretrained(cls, source: str, *, device: str = "auto", **settings: Any) -> "YesNoJudge":
        """Load a causal model by anything :func:`gpu_commons.load_model` takes."""
        loaded = load_model(source, device=device)
        return cls(loaded.model, loaded.tokenizer, name=f"{Path(source).name}:yes", **settings)

    @torch.inference_mode()
    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> list[float]:
        """Probability of yes for each pair."""
        questions = [self._asked(_filled(self._question, *pair)) for pair in zip(prompts, responses, strict=True)]
        scores: list[float] = []
        for start in range(0, len(questions), self._batch_size):
            scores += self._probabilities(questions[start : start + self._batch_size]).tolist()
        return scores

    def _asked(self, question: str) -> str:
        if self._tokenizer.chat_template is None:
            return question
        message = {"role": "user", "content": question}
        return str(self._tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True))

    def _probabilities(self, questions: list[str]) -> Float[Tensor, " questions"]:
        # A chat template has written its special tokens itself; without one the tokenizer adds its own.
        batch = self._tokenizer(
            questions,
            add_special_tokens=self._tokenizer.chat_template is None,
            padding=True,
            padding_side="left",
            return_tensors="pt",
        ).to(self._model.device)
        # One step of `generate`, because it knows each architecture's positions under padding on the left.
        inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
        step = self._model.generate(
            **inputs, **GREEDY, max_new_tokens=1, pad_token_id=self._tokenizer.pad_token_id, output_logits=True,
            return_dict_in_generate=True,
        )  # fmt: skip
        logits = step.logits[0].float()
        yes, no = (logits[:, sorted(tokens)].logsumexp(-1) for tokens in (self._yes, self._no))
        return torch.sigmoid(yes - no).cpu()


def _first_tokens(tokenizer: PreTrainedTokenizerBase, words: Sequence[str]) -> set[int]:
    return {tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in words}


def _filled(template: str, prompt: str, response: str) -> str:
    # In one pass: what stands in braces inside a prompt or response is text.
    return _PLACE.sub(lambda place: prompt if place[1] == "prompt" else response, template)


def _checked(template: str, argument: str) -> str:
    if "{response}" not in template:
        raise ValueError(f"`{argument}` of a judge must have {{response}} in it, where the response goes.")
    return template


def _version(model: PreTrainedModel, *settings: str) -> str:
    return hashlib.sha256("\n".join([weights_sha256(model), *settings]).encode()).hexdigest()[:16]


def _label_index(names: dict[int, str], label: str, judge: str) -> int:
    for index, name in names.items():
        if name == label:
            return int(index)
    nearest = difflib.get_close_matches(label, names.values(), 1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
    raise ValueError(f"the classifier of {judge!r} has no label {label!r}; it has {', '.join(names.values())}{hint}")
