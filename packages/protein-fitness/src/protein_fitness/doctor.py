"""Whether the package is whole, what can score here, and whether files of one's own would be read."""

from gpu_commons.findings import Finding
from gpu_commons.installation import examine_installation

EXTRAS = {"png": "pictures as PNG files", "ray": "benchmarks on a cluster"}


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
    findings = examine_installation("protein-fitness", extras=EXTRAS)
    if any(finding.blocking for finding in findings):
        return findings
    from protein_fitness import readiness  # imports what is needed

    findings += readiness.shipped()
    if any(each is not None for each in (structure, alignment, sequence)):
        findings += readiness.own_files(structure, chain, alignment, sequence)
    return findings
