"""``safe-finetune doctor``."""


def doctor(
    model: str | None = None, data: str | None = None, dtype: str = "auto", device: str = "auto", json: bool = False
) -> None:
    """Look at the installation, at a model and at rows: what is missing, and how to get it.

    Exit code 1 says that something needed is missing, or that the model or the rows cannot be used.

    Args:
        model: Hub id, folder, .gguf file or bundled:NAME.
        data: Rows (.jsonl, .csv, .tsv, .parquet, or a hub dataset).
        dtype: Of the model.
        device: Where it runs.
        json: Findings as JSON on stdout.
    """
    from gpu_commons.findings import show_findings
    from safe_finetune.doctor import examine

    show_findings(examine(model, data, device=device, dtype=dtype), as_json=json)
