"""Any sequence classifier in transformers layout as a judge."""

import difflib
import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from gpu_commons.weights_digest import weights_sha256


class HFClassifierJudge:
    """Probability of one label of a sequence classifier.

    Softmax over the labels; sigmoid for a multi-label or one-label model.

    Args:
        model: Hub id or folder.
        label: Name of the label that marks the undesired attribute, as the model's config spells it.
        device: "auto" or a torch device.
        batch_size: Texts per forward pass.

    Raises:
        FileNotFoundError: If a folder is meant and not there.
        ValueError: If the model has no such label, with the labels it has.
    """

    def __init__(self, model: str | Path, *, label: str, device: str = "auto", batch_size: int = 32) -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        from gpu_commons.device import resolve_device

        source = str(model)
        if source.startswith((".", "/", "~")) and not Path(source).expanduser().is_dir():
            raise FileNotFoundError(f"no classifier folder at {Path(source).expanduser().absolute()}")
        source = str(Path(source).expanduser()) if source.startswith("~") else source
        classifier = AutoModelForSequenceClassification.from_pretrained(source, dtype=torch.float32)
        self._label = _label_index(classifier.config.id2label, label, source)
        self._model = classifier.to(resolve_device(device)).eval()
        self._tokenizer = AutoTokenizer.from_pretrained(source)
        self._batch_size = batch_size
        self.name = f"hf:{Path(source).name}:{label}"
        self.sha256 = hashlib.sha256(f"{weights_sha256(self._model)} {self._label}".encode()).hexdigest()
        self.version = getattr(classifier.config, "_commit_hash", None) or self.sha256[:8]

    @torch.inference_mode()
    def score(self, texts: Sequence[str]) -> list[float]:
        """Probability of the label, one number in 0..1 for each text."""
        scores: list[float] = []
        for start in range(0, len(texts), self._batch_size):
            scores += self._probabilities(list(texts[start : start + self._batch_size])).tolist()
        return scores

    def _probabilities(self, texts: list[str]) -> Float[Tensor, " texts"]:
        limit = min(self._tokenizer.model_max_length, getattr(self._model.config, "max_position_embeddings", 512), 512)
        options = {
            "padding": True,
            "padding_side": "right",
            "truncation": True,
            "max_length": limit,
            "return_tensors": "pt",
        }
        logits = self._model(**self._tokenizer(texts, **options).to(self._model.device)).logits.float()
        one_by_one = logits.shape[1] == 1 or self._model.config.problem_type == "multi_label_classification"
        return (logits.sigmoid() if one_by_one else logits.softmax(-1))[:, self._label].cpu()


def _label_index(names: dict[int, str], label: str, source: str) -> int:
    for index, name in names.items():
        if name == label:
            return int(index)
    nearest = difflib.get_close_matches(label, names.values(), 1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
    raise ValueError(f"the classifier {source!r} has no label {label!r}; it has {', '.join(names.values())}{hint}")
