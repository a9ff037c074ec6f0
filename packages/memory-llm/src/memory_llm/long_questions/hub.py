"""The files of a data set on the hub."""

from collections.abc import Sequence
from pathlib import Path

_INFORMATION = ("dataset_infos.json", "dataset_info.json", "state.json")


def dataset_files(
    repository: str, suffixes: Sequence[str], tasks: Sequence[str] | None = None
) -> list[tuple[Path, str]]:
    """Download the files of a data set that may hold questions; without the hub, take those that its cache holds.

    Args:
        repository: Hub id, as "Infinigence/LVEval".
        suffixes: Of the files.
        tasks: If some files' paths name one of these, only they are downloaded.

    Returns:
        Where each lies, and its path in the repository.

    Raises:
        ValueError: If there is no such data set, it cannot be reached, or it has no such file.
    """
    from huggingface_hub import hf_hub_download

    wanted = [name for name in _names(repository) if _may_hold_questions(name, suffixes)]
    of_tasks = [name for name in wanted if any(task in name for task in tasks or ())]
    chosen = sorted(of_tasks or wanted)
    if not chosen:
        raise ValueError(f"the data set {repository} has no file that ends in {', '.join(suffixes)}; give a path.")
    return [(Path(hf_hub_download(repository, name, repo_type="dataset")), name) for name in chosen]


def _names(repository: str) -> list[str]:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return list(HfApi().list_repo_files(repository, repo_type="dataset"))
    except RepositoryNotFoundError:
        raise ValueError(
            f"{repository!r} is no path here and no data set on the hub; give a file, a folder or a hub id."
        ) from None
    except Exception as error:  # offline, or one of the many errors of a network
        try:
            kept = Path(snapshot_download(repository, repo_type="dataset", local_files_only=True))
        except LocalEntryNotFoundError:
            raise ValueError(
                f"{repository!r} is no path here, and the hub cannot be reached ({type(error).__name__}); download the "
                "data set and give its folder."
            ) from None
        return [str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()]


def _may_hold_questions(name: str, suffixes: Sequence[str]) -> bool:
    path = Path(name)
    return path.suffix.lower() in suffixes and path.name not in _INFORMATION
