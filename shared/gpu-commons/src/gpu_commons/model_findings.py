"""What every command's ``doctor`` says of a model, whatever it is for."""

from functools import partial

from gpu_commons.findings import Finding, tried
from gpu_commons.models import LoadedModel, load_model


def examine_model(
    source: str, *, device: str = "auto", dtype: str = "auto", without_template: str = ""
) -> tuple[LoadedModel | None, list[Finding]]:
    """Load a model, and say how large it is, how long its context, and whether it has a chat template.

    Args:
        source: As of :func:`~gpu_commons.load_model`.
        device: Likewise.
        dtype: Likewise.
        without_template: Advice if the tokenizer has no chat template.

    Returns:
        Model and tokenizer, None if it cannot be loaded, which blocks; and the findings.
    """
    load = partial(load_model, source, device=device, dtype=dtype)
    loaded, finding = tried("model", load, _said, blocking=True)
    if loaded is None:
        return None, [finding]
    longest = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None)
    template = Finding("chat template", "yes") if loaded.tokenizer.chat_template else _no_template(without_template)
    return loaded, [finding, Finding("context", "no bound" if longest is None else f"{longest} tokens"), template]


def _said(loaded: LoadedModel) -> str:
    model = loaded.model
    kind, millions = model.config.model_type, model.num_parameters() / 1e6
    return f"{kind}, {millions:.0f} million weights, {model.dtype}, on {model.device}"


def _no_template(advice: str) -> Finding:
    return Finding("chat template", "none", advice)
