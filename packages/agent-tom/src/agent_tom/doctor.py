"""Whether the package is whole, and whether a model can play here."""

from gpu_commons.findings import Finding
from gpu_commons.installation import examine_installation

EXTRAS = {
    "server": "agents that are models on a server",
    "ray": "studies on a Ray cluster",
    "axelrod": "partners of the axelrod library",
    "openspiel": "games of OpenSpiel",
    "textarena": "games of TextArena",
}
MODELS = ("smollm2-135m-instruct",)


def examine(
    model: str | None = None, *, save: str | None = None, device: str = "auto", dtype: str = "auto"
) -> list[Finding]:
    """Look at the installation and, if one is named, at a model as an agent.

    With a package missing that is needed, that is all that is looked at.

    Args:
        model: Hub id, folder, .gguf file or bundled:NAME.
        save: Folder to save the model in, if it can be loaded.
        device: Where it runs.
        dtype: Of its weights.

    Raises:
        ValueError: If there is a folder to save in, and no model.
    """
    if model is None and save is not None:
        raise ValueError(f"`save` is {save!r}, but there is nothing to save; give the model too.")
    findings = examine_installation("agent-tom", extras=EXTRAS, models=MODELS)
    if model is None or any(finding.blocking for finding in findings):
        return findings
    from agent_tom.readiness import as_agent
    from gpu_commons.model_findings import examine_model

    loaded, found = examine_model(model, device=device, dtype=dtype, without_template="leave `chat` off")
    if loaded is None:
        return findings + found
    if save is not None:
        loaded.model.save_pretrained(save)
        loaded.tokenizer.save_pretrained(save)
    return findings + found + as_agent(*loaded)
