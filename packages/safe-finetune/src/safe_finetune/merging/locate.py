"""Where a model's files are: a folder, or a repository of the hub."""

from pathlib import Path

_PATTERNS = ["*.safetensors", "*.json", "*.model", "*.txt", "*.jinja", "README.md"]


def locate(source: str) -> Path:
    """The folder of a model; one of the hub is fetched into its cache, or found there.

    Raises:
        FileNotFoundError: If it is neither.
    """
    if source.startswith("bundled:"):
        from gpu_commons import bundled_path

        return bundled_path(source.removeprefix("bundled:"))
    folder = Path(source).expanduser()
    if folder.exists():
        return folder
    if folder.is_absolute() or source.startswith((".", "~")) or source.count("/") != 1:
        raise FileNotFoundError(f"no folder at {folder.absolute()}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(source, allow_patterns=_PATTERNS))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise FileNotFoundError(
            f"no folder {source!r} here, and the hub gave nothing by that name ({type(error).__name__}); give a folder."
        ) from None
