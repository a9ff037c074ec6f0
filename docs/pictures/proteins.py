"""Pictures of protein-fitness."""

from pathlib import Path

from matplotlib.figure import Figure

from pictures.drawing import BLUE, GREY, ORANGE, RED, Record, panels


def heat_map(path: Path) -> None:
    """Every single mutant of the protein that ships, by the package's own picture."""
    from protein_fitness import make_scorer, scan, write_png
    from protein_fitness.examples import gb1

    write_png(scan(gb1(), make_scorer("blosum62+accessibility+contact_number")), path)


def correlations() -> Figure:
    """How well scorers rank what was measured, on three assays."""
    record = Record("protein-fitness/validate_assays")
    scorers = ["blosum62", "accessibility", "contact_number", "profile", "buried_profile", "s2f", "protein_mpnn"]
    scorers += ["blosum62+accessibility+contact_number"]
    scorers += ["blosum62+accessibility+contact_number+buried_profile+protein_mpnn"]
    names = [each.replace("blosum62+accessibility+contact_number", "first three") for each in scorers]
    figure, axes = panels(3, height=4)
    for axis, assay in zip(axes, ("GB1, double mutants", "GB1, single mutants' stability", "TEM-1"), strict=True):
        values, bars = record.with_bar([f"{assay}: {each}" for each in scorers])
        colours = [GREY] * 5 + [RED, ORANGE] + [BLUE] * 2
        axis.barh(range(len(scorers)), values, xerr=bars, color=colours, error_kw={"elinewidth": 0.8})
        axis.set(title=assay.replace(", ", ",\n"), xlabel="Spearman's correlation, 95 %", xlim=(0, 0.8))
    axes[0].set_yticks(
        range(len(scorers)), [name.replace("+", " + ").replace(" + buried", "\n+ buried") for name in names]
    )
    axes[0].invert_yaxis()
    return figure
