"""``controlled-decoding doctor``."""

from controlled_decoding.commands.opening import Dtype


def doctor(
    model: str | None = None,
    data: str | None = None,
    text: str = "text",
    label: str = "label",
    undesired: list[str] | None = None,
    score: str | None = None,
    threshold: float = 0.5,
    prompt: str | None = None,
    dtype: Dtype = "auto",
    json: bool = False,
) -> None:
    """Look at the installation, at a model and at labelled texts: what is missing, and how to get it.

    Exit code 1 says that something needed is missing, or that the model or the file cannot be used.

    Args:
        model: Hub id, folder, .gguf file or bundled:NAME.
        data: Labelled texts as for fit.
        text: Column of the text.
        label: Column of the label.
        undesired: Labels that mean undesired.
        score: Column of a score to use instead.
        threshold: Scores from here on are undesired.
        prompt: Column of what each text answers.
        dtype: Number format of the model.
        json: Findings as JSON on stdout.
    """
    from controlled_decoding.doctor import examine
    from gpu_commons.findings import show_findings

    columns = {"text": text, "label": label, "undesired": undesired, "score": score, "threshold": threshold}
    show_findings(examine(model, data, dtype=dtype, **columns, prompt=prompt), as_json=json)
