"""``memory-llm doctor``."""

from memory_llm.commands.defaults import Dtype


def doctor(model: str | None = None, dtype: Dtype = "auto", json: bool = False) -> None:
    """Look at the installation and at a model: what is missing, how to get it, and which memories the model can have.

    Exit code 1 says that something needed is missing, or that the model can have no memory.

    Args:
        model: Hub id, folder, .gguf file or bundled:NAME of the decoder.
        dtype: Number format of the decoder.
        json: Findings as JSON on stdout.
    """
    from gpu_commons.findings import show_findings
    from memory_llm.doctor import examine

    show_findings(examine(model, dtype=dtype), as_json=json)
