"""Whether the package is whole, whether a model can be fine-tuned, and whether rows would be read."""

from typing import TYPE_CHECKING

from gpu_commons.findings import Finding, tried
from gpu_commons.installation import examine_installation

if TYPE_CHECKING:
    from gpu_commons.models import LoadedModel
    from safe_finetune.rows import EncodedRows, Row

EXTRAS = {"hub": "rows of hub datasets", "png": "pictures as PNG files"}
MODELS = ("smollm2-135m-instruct", "minilm")
LORA_RANK = 16
"""That of the verbs."""


def examine(
    model: str | None = None, data: str | None = None, *, device: str = "auto", dtype: str = "auto"
) -> list[Finding]:
    """Look at the installation and, if they are named, at a model and at rows; at how they fit if both are.

    With a package missing that is needed, that is all that is looked at.

    Args:
        model: Hub id, folder, .gguf file or bundled:NAME.
        data: A file of rows or a hub dataset, as of :func:`~safe_finetune.load_rows`.
        device: Where the model runs.
        dtype: Of its weights.
    """
    findings = examine_installation("safe-finetune", extras=EXTRAS, models=MODELS)
    if any(finding.blocking for finding in findings):
        return findings
    from gpu_commons.model_findings import examine_model
    from safe_finetune.rows import load_rows

    loaded, rows = None, None
    if model is not None:
        advice = "save the tokenizer with `chat_template` set, or give RowEncoder a `template` in Python"
        loaded, found = examine_model(model, device=device, dtype=dtype, without_template=advice)
        findings += found
    if data is not None:
        rows, finding = tried("data", lambda: load_rows(data), _counted, blocking=True)
        findings.append(finding)
    if loaded is not None:
        if rows is not None:
            findings.append(_encoded(rows, loaded))
        findings.append(_adapters(loaded))
    return findings


def _counted(rows: "list[Row]") -> str:
    unsafe = sum(row.is_safe is False for row in rows)
    return f"rows that would be read: {len(rows)}" + (f", {unsafe} of them labelled unsafe" if unsafe else "")


def _encoded(rows: "list[Row]", loaded: "LoadedModel") -> Finding:
    from safe_finetune.rows import RowEncoder

    def encode() -> "EncodedRows":
        encoded = RowEncoder().encode(rows, loaded.tokenizer)
        encoded.check_vocabulary(loaded.model.get_input_embeddings().num_embeddings)
        return encoded

    said = "in the model's tokens, the longest row has {}".format
    return tried("rows", encode, lambda encoded: said(max(map(len, encoded.token_ids))), blocking=True)[1]


def _adapters(loaded: "LoadedModel") -> Finding:
    """Adapters are put on, counted, and left on: nothing is done with the model after that."""
    from safe_finetune.sft.adapters import lora_of, with_adapters

    def count() -> tuple[int, int]:
        adapted = with_adapters(loaded.model, lora_of(LORA_RANK), "default")
        return len(adapted.targeted_module_names), adapted.get_nb_trainable_parameters()[0]

    def said(counted: tuple[int, int]) -> str:
        layers, weights = counted
        return f"of rank {LORA_RANK} on {layers} linear layers, {weights / 1e6:.2g} million weights to train"

    return tried("LoRA", count, said)[1]
