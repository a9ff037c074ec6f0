"""``protein-fitness demo``."""


def demo(out: str = "demo") -> None:
    """Rank every single mutant of a small protein in several ways, beside real measurements, on one page.

    Args:
        out: Folder of the scans, summary.json, heat_map.png and index.html.
    """
    from protein_fitness.demo import run_demo

    print(run_demo(out))
