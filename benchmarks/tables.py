"""How benchmarks print: plain tables, medians, ratios to the first or to a named row."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

Cell = str | int | float | None


def median(values: Sequence[float]) -> float:
    """Return the median of the repeats."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """Return smallest and largest as ``12 to 15``."""
    return f"{format_cell(min(values))} to {format_cell(max(values))}"


def ratio(value: float, base: float) -> str:
    """Return how often the base goes into the value, as ``x2.4``."""
    return f"x{value / base:.2f}" if base else "-"


def format_cell(cell: Cell) -> str:
    """Return a number with as many digits as mean something."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) or abs(cell) >= 100:
        return f"{cell:,.0f}"
    return f"{cell:.2f}" if abs(cell) < 10 else f"{cell:.1f}"


def format_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table with the first column to the left and the others to the right."""
    cells = [[format_cell(cell) for cell in row] for row in rows]
    widths = [
        max(len(name), *(len(row[index]) for row in cells)) if cells else len(name)
        for index, name in enumerate(columns)
    ]

    def line(row: Sequence[str]) -> str:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return "  ".join([first, *rest]).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([title, line(columns), rule, *[line(row) for row in cells]])


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print the table after an empty line."""
    print("\n" + format_table(title, columns, rows), flush=True)
