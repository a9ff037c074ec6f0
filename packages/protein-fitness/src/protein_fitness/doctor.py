"""Whether the package is whole, what can score here, and whether files of one's own would be read."""

import importlib.metadata

from gpu_commons.findings import Finding

NEEDED = ("torch", "torch-geometric", "transformers", "safetensors", "scipy", "biotite", "robust-laplacian", "plotly")
EXTRAS = {"matplotlib": ("pictures as PNG files", "png"), "ray": ("benchmarks on a cluster", "ray")}
"""What each is for, and the extra that brings it."""


def examine(
    *, structure: str | None = None, chain: str | None = None, alignment: str | None = None, sequence: str | None = None
) -> list[Finding]:
    """Look at the installation and, if any are named, at one's own files.

    With a package missing that is needed, that is all that is looked at.

    Args:
        structure: PDB, mmCIF or BinaryCIF file.
        chain: Its label, if the file has several.
        alignment: Of relatives, or a table of frequencies.
        sequence: Of the wild type, as letters.
    """
    needed, extras = [_needed(name) for name in NEEDED], [_extra(name) for name in EXTRAS]
    if any(finding.advice for finding in needed):
        return needed + extras
    from protein_fitness import readiness  # imports what is needed

    findings = [*needed, *extras, readiness.device(), *readiness.shipped()]
    if any(each is not None for each in (structure, alignment, sequence)):
        findings += readiness.own_files(structure, chain, alignment, sequence)
    return findings


def _needed(name: str) -> Finding:
    version = _version(name)
    return Finding(name, version or "not installed", "" if version else f"pip install {name}")


def _extra(name: str) -> Finding:
    version, (use, extra) = _version(name), EXTRAS[name]
    advice = "" if version else f'if you want them: pip install "protein-fitness[{extra}]"'
    return Finding(name, version or f"not installed; only for {use}", advice)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
