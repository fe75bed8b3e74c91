"""Aligned text for the screen."""

from __future__ import annotations

from collections.abc import Iterable


def table(rows: Iterable[tuple[str, ...]], right: frozenset[int] = frozenset()) -> str:
    """Rows of text as aligned columns, two spaces apart; the columns in `right` end flush."""
    rows = list(rows)
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    cells = (
        [c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    )
    return "\n".join("  ".join(row).rstrip() for row in cells)


def number(value: float | None, form: str, unit: str = "") -> str:
    """A number and its unit, a dash for none."""
    return "-" if value is None else f"{value:{form}} {unit}".rstrip()


def quantity(value: float | list[int] | list[float]) -> str:
    """A number, or a list of numbers as sizes."""
    if isinstance(value, list):
        return " x ".join(f"{v:.4g}" for v in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
