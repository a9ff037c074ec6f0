"""Whether the package is whole, whether a model can be steered, and whether labelled texts would be read."""

from typing import TYPE_CHECKING, Any

from gpu_commons.findings import Finding, tried
from gpu_commons.installation import examine_installation

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from controlled_decoding.labelled_text import LabelledTexts

EXTRAS = {"eval": "the judges that are fitted and the picture of an evaluation", "serve": "the server"}
MODELS = ("smollm2-135m-instruct", "minilm")


def examine(model: str | None = None, data: str | None = None, *, dtype: str = "auto", **columns: Any) -> list[Finding]:
    """Look at the installation and, if they are named, at a model and at a file of labelled texts.

    With a package missing that is needed, that is all that is looked at.

    Args:
        model: Hub id, folder, .gguf file or bundled:NAME.
        data: Labelled texts, as of :func:`~controlled_decoding.read_labelled`.
        dtype: Number format of the model.
        columns: Of the file, as there.
    """
    findings = examine_installation("controlled-decoding", extras=EXTRAS, models=MODELS)
    if any(finding.blocking for finding in findings):
        return findings
    if model is not None:
        findings += _model(model, dtype)
    if data is not None:
        from controlled_decoding.labelled_text import read_labelled

        findings.append(tried("data", lambda: read_labelled(data, **columns), _counted, blocking=True)[1])
    return findings


def _model(source: str, dtype: str) -> list[Finding]:
    from gpu_commons.model_findings import examine_model

    loaded, findings = examine_model(source, dtype=dtype, without_template="leave --chat off")
    if loaded is None:
        return findings
    model = loaded.model
    _, site = tried("hidden state", lambda: _site(model), str, blocking=True)
    return [*findings, site] if site.advice else [*findings, site, _layers(model), _candidates(model)]


def _site(model: "PreTrainedModel") -> str:
    from controlled_decoding.hidden_state import HiddenSite
    from gpu_commons import decoder_of

    decoder_of(model)  # refuses a model with an encoder
    site = HiddenSite.of(model)
    where = "after the final norm" if site.normed else "before the final norm"
    return f"read at layer {site.layer}, {where}, unless --layer of fit says otherwise"


def _layers(model: "PreTrainedModel") -> Finding:
    from controlled_decoding.hidden_state import decoder_blocks

    return tried("other layers", lambda: decoder_blocks(model), lambda blocks: f"1 to {len(blocks) - 1} can be read")[1]


def _candidates(model: "PreTrainedModel") -> Finding:
    from gpu_commons.kv_cache import why_not_branchable

    reason = why_not_branchable(model)
    if reason is None:
        return Finding("candidates", "share one cache")
    return Finding("candidates", f"each has a copy of the cache: {reason}", "expect more memory and longer runs")


def _counted(texts: "LabelledTexts") -> str:
    desired = texts.count(1)
    return f"rows that would be read: {len(texts)}, {desired} desired and {len(texts) - desired} undesired"
