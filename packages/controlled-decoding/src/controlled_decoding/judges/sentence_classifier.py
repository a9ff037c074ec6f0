"""A judge fitted on the user's own labelled file: logistic regression on sentence embeddings.

The encoder is not the steered model, and the file should not be the one the subspace was fitted on; then the judge is
independent in model and in data.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from controlled_decoding.labelled_text import UNDESIRED, LabelledTexts
from gpu_commons.sentence_encoder import SentenceEncoder

DEFAULT_ENCODER = "bundled:minilm"
WEIGHTS_FILE, CONFIG_FILE = "judge.safetensors", "judge_config.json"
FORMAT_VERSION = 1
MIN_PER_CLASS = 8


@dataclass(frozen=True, kw_only=True)
class JudgeReport:
    """How well a fitted judge does on rows it was not fitted on: ROC-AUC, accuracy at 0.5, and the numbers of rows."""

    auc: float
    accuracy: float
    num_fitted: int
    num_held_out: int


class SentenceClassifierJudge:
    """sigmoid(weight . e + bias) of a text's embedding e.

    Args:
        weight: Direction of the undesired class.
        bias: Its offset.
        encoder_source: What ``gpu_commons.models.load_encoder`` is to load: a hub id, a folder or ``bundled:minilm``.
        encoder_sha256: Expected hash of the encoder's weights; None takes the ones that are found.
        report: Held-out figures of the fit, if it was fitted here.
        device: Where the encoder runs.

    Raises:
        ValueError: If the encoder is another one than the judge was fitted with, or its width differs.
    """

    name = "minilm"

    def __init__(
        self,
        weight: Float[Tensor, " width"],
        bias: float,
        *,
        encoder_source: str = DEFAULT_ENCODER,
        encoder_sha256: str | None = None,
        report: JudgeReport | None = None,
        device: str = "auto",
    ) -> None:
        self._encoder = SentenceEncoder(encoder_source, device=device)
        if encoder_sha256 is not None and encoder_sha256 != self._encoder.sha256:
            raise ValueError(
                f"the encoder {encoder_source!r} has the sha256 {self._encoder.sha256[:12]}…, but the judge was fitted with "
                f"{encoder_sha256[:12]}…; fit the judge again or restore that encoder."
            )
        if len(weight) != self._encoder.width:
            raise ValueError(
                f"`weight` has {len(weight)} entries, but {encoder_source!r} gives embeddings of {self._encoder.width}."
            )
        self.weight = weight.to("cpu", torch.float64)
        self.bias = float(bias)
        self.report = report
        digest = hashlib.sha256(self._encoder.sha256.encode())
        digest.update(np.append(self.weight.numpy(), self.bias).astype("<f8").tobytes())
        self.sha256 = digest.hexdigest()
        self.version = f"{encoder_source} {self.sha256[:8]}"

    def score(self, texts: Sequence[str]) -> list[float]:
        """Probability of the undesired class, one number in 0..1 for each text."""
        margins = self._encoder.embed(texts) @ self.weight.numpy() + self.bias
        return torch.sigmoid(torch.from_numpy(margins)).tolist()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write ``judge.safetensors`` and ``judge_config.json``; the encoder is named with its sha256, not copied."""
        from safetensors.torch import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "format_version": FORMAT_VERSION,
            "encoder": self._encoder.source,
            "encoder_sha256": self._encoder.sha256,
            "report": None if self.report is None else asdict(self.report),
        }
        weights, description = folder / WEIGHTS_FILE, folder / CONFIG_FILE
        save_file({"weight": self.weight, "bias": torch.tensor([self.bias], dtype=torch.float64)}, f"{weights}.partial")
        Path(f"{description}.partial").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        for path in (weights, description):
            os.replace(f"{path}.partial", path)

    @classmethod
    def from_pretrained(cls, folder: str | Path, *, device: str = "auto") -> "SentenceClassifierJudge":
        """Load what :meth:`save_pretrained` wrote.

        Raises:
            FileNotFoundError: If the folder lacks a file.
            ValueError: If a file is damaged, of a later format, or the encoder found is not the one of the fit.
        """
        folder = Path(folder).expanduser()
        config, tensors = _read_artifact(folder)
        report = config["report"]
        return cls(
            tensors["weight"],
            tensors["bias"].item(),
            encoder_source=config["encoder"],
            encoder_sha256=config["encoder_sha256"],
            report=None if report is None else JudgeReport(**report),
            device=device,
        )


def fit_judge(
    data: LabelledTexts,
    *,
    encoder: str = DEFAULT_ENCODER,
    inverse_regularization: float = 10.0,
    holdout: float = 0.2,
    seed: int = 0,
    device: str = "auto",
) -> SentenceClassifierJudge:
    """Fit a judge on labelled texts; its ``report`` holds the figures on a held-out part.

    Args:
        data: At least eight rows of each class. Use other data than the subspace was fitted on.
        encoder: Hub id, folder or ``bundled:minilm``; masked-mean pooled and L2-normalised.
        inverse_regularization: C of scikit-learn's logistic regression; classes weigh the same whatever their sizes.
        holdout: Share of each class that the report is made on.
        seed: Of the split.
        device: Where the encoder runs.

    Raises:
        ValueError: If a class has fewer than eight rows.
        ImportError: If scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import roc_auc_score
    except ImportError:
        raise ImportError('fitting a judge needs: pip install "controlled-decoding[eval]"') from None
    for label in (0, 1):
        if data.count(label) < MIN_PER_CLASS:
            raise ValueError(
                f"`data` has {data.count(label)} rows with the label {label}; a judge needs {MIN_PER_CLASS} of each class."
            )
    fitted, held = data.split(holdout, seed=seed)
    embedder = SentenceEncoder(encoder, device=device)
    classifier = LogisticRegression(C=inverse_regularization, class_weight="balanced", max_iter=1000)
    classifier.fit(embedder.embed(fitted.texts, progress=True), _undesired(fitted))
    truth, margins = _undesired(held), classifier.decision_function(embedder.embed(held.texts, progress=True))
    report = JudgeReport(
        auc=float(roc_auc_score(truth, margins)),
        accuracy=float(np.mean((margins > 0) == truth)),
        num_fitted=len(fitted),
        num_held_out=len(held),
    )
    weight = torch.from_numpy(classifier.coef_[0].astype(np.float64))
    return SentenceClassifierJudge(
        weight, float(classifier.intercept_[0]), encoder_source=encoder, report=report, device=device
    )


def _undesired(data: LabelledTexts) -> np.ndarray:
    return np.asarray(data.labels) == UNDESIRED


def _read_artifact(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"no judge in {folder.absolute()}: {name} is missing")
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS_FILE)
        complete = {"format_version", "encoder", "encoder_sha256", "report"} <= set(config) and {
            "weight",
            "bias",
        } <= set(tensors)
    except (ValueError, TypeError, SafetensorError):
        complete = False
    if not complete:
        raise ValueError(
            f"{folder}: {CONFIG_FILE} or {WEIGHTS_FILE} is damaged or of another program; fit the judge again."
        )
    if config["format_version"] != FORMAT_VERSION:
        raise ValueError(
            f"{folder}: the judge has format {config['format_version']}, this version reads {FORMAT_VERSION}; fit it again."
        )
    return config, tensors
