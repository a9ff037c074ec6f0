"""Tables in the terminal."""


def print_table(head: tuple[str, ...], rows: list[list[str]]) -> None:
    """Columns as wide as they need."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
