"""The verb that looks at the installation, and at files before they are scored."""


def doctor(
    structure: str | None = None,
    chain: str | None = None,
    sequence: str | None = None,
    alignment: str | None = None,
    json: bool = False,
) -> None:
    """Look at the installation and at files of yours: what is missing, what would be read, and what could score it.

    Exit code 1 says that something needed is missing, or that a file cannot be used.

    Args:
        structure: PDB, mmCIF or BinaryCIF file.
        chain: Its label, if the file has several.
        sequence: Of the wild type, as letters; that of the structure if absent.
        alignment: a2m or aligned FASTA whose first sequence is the wild type, or frequencies as .csv.
        json: Print JSON.
    """
    from gpu_commons.findings import show_findings
    from protein_fitness.doctor import examine

    show_findings(examine(structure=structure, chain=chain, alignment=alignment, sequence=sequence), as_json=json)
