"""The subspace: a hyperplane in the hidden states of one model that separates desired from undesired text.

Files of an artifact: ``subspace.safetensors`` (``weight``, ``midpoint``) and ``subspace_config.json`` (everything
else). No text is stored.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.hidden_state import HiddenSite, depth_of
from gpu_commons import model_fingerprint, tokenizer_fingerprint

FORMAT_VERSION = 1
TENSORS, CONFIG = "subspace.safetensors", "subspace_config.json"
USABLE_AUC = 0.6


@dataclass(frozen=True, kw_only=True)
class FitReport:
    """How well the hyperplane separates texts it was not fitted on.

    Attributes:
        auc: Area under the ROC curve of the margin on held-out whole texts.
        auc_interval: Its 95 % interval.
        auc_unfinished: The same on held-out texts cut after one of their tokens, which is what the sampler judges;
            equal to ``auc`` if the fit is of whole texts alone.
        accuracy: Share of held-out whole texts on the right side, the bound set on the other half of them.
        ece: Expected calibration error of the log-odds on cut texts, cross-fitted in two halves.
        nll: Negative log-likelihood in nats of the calibrated log-odds, cross-fitted likewise.
        num_fitted: Fitted states per class, (undesired, desired); several of each text.
        num_holdout: Held-out texts per class.
        rank: Directions of the covariance in use.
        shrinkage: Ledoit-Wolf intensity; None for the pseudo-inverse.
        margin_quantiles: 5, 25, 50, 75 and 95 % quantiles of the held-out margins of each class.
    """

    auc: float
    auc_interval: tuple[float, float]
    auc_unfinished: float
    accuracy: float
    ece: float
    nll: float
    num_fitted: tuple[int, int]
    num_holdout: tuple[int, int]
    rank: int
    shrinkage: float | None
    margin_quantiles: dict[str, list[float]]


@dataclass(frozen=True, kw_only=True)
class SubspaceClassifier:
    """A fitted hyperplane and where it came from.

    Attributes:
        weight: Unit normal ``w``, pointing to the desired side, shape ``[hidden]``.
        midpoint: Point ``b`` on the hyperplane, shape ``[hidden]``.
        attribute: What the undesired side shows, e.g. "toxicity".
        site: Layer and norm position that the states must come from.
        slope: Calibrated log-odds per unit of margin.
        intercept: Calibrated log-odds on the hyperplane; cancels in the sampler, counts for the gate and for
            probabilities.
        model: Fingerprint of the model it was fitted on; None if unknown (imported probes).
        tokenizer: Fingerprint of its tokenizer; None if unknown.
        report: Held-out quality; None if unknown.
        provenance: Solver, rendering, data fingerprint, model name and the like, for records.
    """

    weight: Float[Tensor, " hidden"]
    midpoint: Float[Tensor, " hidden"]
    attribute: str
    site: HiddenSite
    slope: float
    intercept: float = 0.0
    model: str | None = None
    tokenizer: str | None = None
    report: FitReport | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def fit(
        cls, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, data: Any, **options: Any
    ) -> "SubspaceClassifier":
        """Fit on labelled texts; see :func:`controlled_decoding.fit.fit_subspace` for the options."""
        from controlled_decoding.fit import fit_subspace

        return fit_subspace(model, tokenizer, data, **options)

    def margins(self, hidden: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch"]:
        """Signed distance ``w.(h - b)`` in float32; positive = desired.

        Raises:
            ValueError: If the states have another width.
        """
        if hidden.shape[-1] != len(self.weight):
            raise ValueError(
                f"hidden states have width {hidden.shape[-1]}, but subspace {self.attribute!r} was fitted at width {len(self.weight)}; "
                "use the model it was fitted on."
            )
        weight = self.weight.to(hidden.device)
        return hidden.float() @ weight - self.midpoint.to(hidden.device) @ weight

    def log_odds(self, hidden: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch"]:
        """Calibrated log P(desired | h) / P(undesired | h) in nats."""
        return self.slope * self.margins(hidden) + self.intercept

    def text_margins(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        texts: Sequence[str],
        *,
        prompts: Sequence[str] | None = None,
    ) -> Float[Tensor, " texts"]:
        """Margins of whole texts (or of responses after prompts), rendered as they were for the fit."""
        from controlled_decoding.hidden_state import embed, render

        chat = self.provenance.get("render") == "chat"
        openings: list[str | None] = list(prompts) if prompts is not None else [None] * len(texts)
        tokens = [render(tokenizer, text, prompt, chat=chat) for text, prompt in zip(texts, openings, strict=True)]
        margins = torch.empty(len(texts))
        for rows, (hidden,) in embed(model, tokens, [self.site]):
            margins[rows] = self.margins(hidden).cpu()
        return margins

    def check(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None = None, *, force: bool = False
    ) -> None:
        """Refuse a model, tokenizer or quality for which the margins mean nothing.

        Args:
            force: Accept other weights of the same shape (a fine-tuned copy, say), another tokenizer, and a poor
                held-out AUC.

        Raises:
            ValueError: If width or layer do not fit, or, without ``force``, if a fingerprint differs or the AUC is
                under 0.6.
        """
        width, depth = model.config.get_text_config().hidden_size, depth_of(model)
        name = f"subspace {self.attribute!r}"
        if width != len(self.weight):
            raise ValueError(
                f"{name} has width {len(self.weight)}, but the model's hidden states have width {width}; fit it on this model."
            )
        if self.site.layer > depth:
            raise ValueError(
                f"{name} reads layer {self.site.layer}, but the model has {depth} layers; fit it on this model."
            )
        if force:
            return
        if self.model is not None and self.model != (found := model_fingerprint(model)):
            raise ValueError(
                f"{name} was fitted on model {self.model}, but this is {found}; fit it on this model or pass --force."
            )
        if (
            tokenizer is not None
            and self.tokenizer is not None
            and self.tokenizer != (found := tokenizer_fingerprint(tokenizer))
        ):
            raise ValueError(
                f"{name} was fitted with tokenizer {self.tokenizer}, but this is {found}; use its own tokenizer or pass --force."
            )
        if self.report is not None and self.report.auc < USABLE_AUC:
            raise ValueError(
                f"{name} has a held-out AUC of {self.report.auc:.2f}, under {USABLE_AUC}: it hardly separates the classes; "
                "fit on more or cleaner rows or another layer, or pass --force."
            )

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits over everything that decides the log-odds."""
        digest = hashlib.sha256(self.weight.numpy().tobytes() + self.midpoint.numpy().tobytes())
        digest.update(json.dumps([asdict(self.site), self.slope, self.intercept]).encode())
        return digest.hexdigest()[:16]

    def calibrated(self, slope: float, intercept: float) -> "SubspaceClassifier":
        """The same hyperplane with other log-odds."""
        return replace(self, slope=slope, intercept=intercept, provenance={**self.provenance, "calibration": "platt"})

    def save_pretrained(self, folder: str | os.PathLike[str]) -> Path:
        """Write the artifact into a folder (made if needed), replacing an older one as a whole file at a time."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        config = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("weight", "midpoint")}
        config |= {
            "site": asdict(self.site),
            "report": self.report and asdict(self.report),
            "format_version": FORMAT_VERSION,
        }
        with tempfile.TemporaryDirectory(dir=target, prefix=".saving-") as scratch:
            save_file(
                {"weight": self.weight.contiguous(), "midpoint": self.midpoint.contiguous()}, Path(scratch, TENSORS)
            )
            Path(scratch, CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
            for name in (TENSORS, CONFIG):
                Path(scratch, name).replace(target / name)
        return target

    @classmethod
    def from_pretrained(cls, source: str | os.PathLike[str]) -> "SubspaceClassifier":
        """Read an artifact from a folder or a hub repository.

        Raises:
            FileNotFoundError: If there is no artifact.
            ValueError: If a file is corrupt, of a newer format, or not of this package.
        """
        folder = _folder(source)
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            tensors = load_file(folder / TENSORS)
            version = config.pop("format_version")
            if version != FORMAT_VERSION:
                raise ValueError(
                    f"{folder / CONFIG} has format version {version}, this package reads {FORMAT_VERSION}; update controlled-decoding."
                )
            config["site"] = HiddenSite(**config["site"])
            report = config.pop("report")
            subspace = cls(
                weight=tensors["weight"], midpoint=tensors["midpoint"], report=report and _report(report), **config
            )
        except (
            json.JSONDecodeError,
            UnicodeDecodeError,
            SafetensorError,
            KeyError,
            TypeError,
            AttributeError,
        ) as error:
            raise ValueError(
                f"{folder} does not hold a readable subspace ({type(error).__name__}: {error}); save it again with `fit`."
            ) from error
        if not (torch.isfinite(subspace.weight).all() and torch.isfinite(subspace.midpoint).all()):
            raise ValueError(f"{folder / TENSORS} holds NaN or infinity; save it again with `fit`.")
        return subspace


def _report(values: dict[str, Any]) -> FitReport:
    pairs = {name: tuple(values[name]) for name in ("auc_interval", "num_fitted", "num_holdout")}
    return FitReport(**{**values, **pairs})


def _folder(source: str | os.PathLike[str]) -> Path:
    folder = Path(source).expanduser()
    if not folder.exists() and len(Path(source).parts) == 2 and not str(source).startswith((".", "/", "~")):
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(str(source), allow_patterns=[TENSORS, CONFIG]))
    missing = [name for name in (CONFIG, TENSORS) if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"no subspace in {folder.absolute()}: {' and '.join(missing)} missing; make one with `controlled-decoding fit`."
        )
    return folder
