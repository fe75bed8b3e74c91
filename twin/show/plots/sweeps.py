"""Plots of a sweep: a figure over an axis, and over two as a map with the limit that binds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.columns import Array
from twin.facility.files import LayoutError, hint
from twin.kernels.later import later
from twin.show.plots.style import SCALE, Plot, drawn
from twin.show.shown import Shown, shown
from twin.study.design import SAMPLE

if TYPE_CHECKING:
    from matplotlib import colors

    from twin.study.swept import SweepResult
else:
    colors = later("matplotlib.colors")

BAND = (0.1, 0.9)
"""Quantiles between which a band lies where draws or other axes are behind a point."""

MOST_LINES = 8
"""Values of an axis that have lines of their own."""


class SweepPlots:
    """Plots of a sweep: call it for a figure over an axis; `map` for one over two.

    >>> twin.open_sweep("set_points.zarr").plot("pue", x="site.dry_bulb", by="cdu.set_point").write("pue.png")
    """

    def __init__(self, found: SweepResult) -> None:
        self._found = found

    def __call__(self, y: str = "pue", x: str | None = None, by: str | None = None) -> Plot:
        """A figure over an axis: lines of medians, and the middle 80 % of what varies beside.

        y: a variable of scenarios. x: an axis or address, the first with several values if not given. by: another one,
        for a line each. Raises LayoutError for names that are not there.
        """
        data, x = self._points(y, [x, by])
        across, up, by_values = self._shown(data, x), self._shown(data, y), None
        if by is not None:
            by_values = self._shown(data, by)
            if len(np.unique(_sortable(by_values.values))) > MOST_LINES:
                raise LayoutError("plot", [f"by: {by} has more than {MOST_LINES} values; draw a map"])

        places = _distinct(across.values)
        texts = places if isinstance(places[0], str) else None

        def draw(axes: Any) -> None:
            if by_values is None:
                _line(axes, across.values, up.values, None, texts)
            else:
                for value in _distinct(by_values.values):
                    at = by_values.values == value
                    _line(axes, across.values[at], up.values[at], _label(value, by_values.unit), texts)
                axes.legend(title=by_values.name)
            axes.set(xlabel=across.title, ylabel=up.title, title=self._found.title)

        return drawn(draw)

    def map(self, y: str = "pue", x: str | None = None, by: str | None = None) -> Plot:
        """A figure over two axes as colours, medians where others vary beside. Where limits were kept, points are
        hatched of which half or more pass one.

        y: a variable of scenarios. x, by: axes or addresses, the first two with several values if not given. Raises
        LayoutError for names that are not there.
        """
        several = [d.addresses[0] for d in self._found.store.dimensions if d.size > 1 and d.name != SAMPLE]
        if by is None:
            by = next((a for a in several if a != x), None)
            if x is None and len(several) > 1:
                x, by = several[0], several[1]
        if by is None:
            raise LayoutError("plot", ["a map takes two axes with several values; name them as x and by"])
        data, x = self._points(y, [x, by])
        across, along, colour = (self._shown(data, name) for name in (x, by, y))
        columns, rows = _distinct(across.values), _distinct(along.values)
        place = {v: i for i, v in enumerate(columns)}, {v: i for i, v in enumerate(rows)}
        cells: dict[tuple[int, int], list[int]] = {}
        for i, (a, b) in enumerate(zip(across.values.tolist(), along.values.tolist(), strict=True)):
            cells.setdefault((place[1][b], place[0][a]), []).append(i)
        values, passed = np.full((2, len(rows), len(columns)), np.nan)
        exceeded = data.get("limit_exceeded")
        for at, members in cells.items():
            values[at] = _median(colour.values[members])
            if exceeded is not None:
                passed[at] = np.mean(exceeded[members])

        def draw(axes: Any) -> None:
            axes.grid(False)
            where = _edges(columns), _edges(rows)
            mesh = axes.pcolormesh(*where, values, cmap=SCALE)
            axes.figure.colorbar(mesh, ax=axes, label=colour.title)
            beyond = np.ma.masked_where(~(passed >= 0.5), passed)
            if beyond.count():
                clear = colors.ListedColormap(["none"])
                axes.pcolor(*where, beyond, cmap=clear, hatch="///", edgecolor="white", linewidth=0.0)
            for axis, names in ((axes.xaxis, columns), (axes.yaxis, rows)):
                if any(isinstance(v, str) for v in names):
                    axis.set_ticks(range(len(names)), names)
            note = "; hatched: a limit is passed" if beyond.count() else ""
            axes.set(xlabel=across.title, ylabel=along.title, title=self._found.title + note)

        return drawn(draw)

    def _points(self, y: str, axes: list[str | None]) -> tuple[dict[str, Array], str]:
        """Values of solved scenarios by name, and the axis to draw over."""
        found = self._found
        several = [d.addresses[0] for d in found.store.dimensions if d.size > 1]
        x = axes[0] or next((a for a in several if a != axes[1]), None) or next(iter(found.parameters), "")
        known = {v.name for v in found.store.template.variables if not v.dims and v.kind != "text"}
        if y in {v.name for v in found.store.template.variables} - known:
            told = f"y: {y} is a text or has a value for each element; a plot takes one number for each scenario"
            raise LayoutError("plot", [told])
        if y not in known:
            raise LayoutError("plot", [f"y: no {y!r}{hint(y, known) or '; there are ' + ', '.join(sorted(known))}"])
        for name in [x, *(a for a in axes[1:] if a)]:
            if name not in found.parameters:
                told = hint(name, found.parameters) or "; there are " + ", ".join(found.parameters)
                raise LayoutError("plot", [f"nothing varies along {name!r}{told}"])
        solved = found.status == 0
        if not solved.any():
            raise LayoutError("plot", ["no scenario is solved yet"])
        data = {n: np.asarray(row[1])[solved] for n, row in found.parameters.items()}
        data |= {n: found[n].values[solved] for n in {y, "limit_exceeded"} & known}
        return data, x

    def _shown(self, data: dict[str, Array], name: str) -> Shown:
        quantity = self._found.store.attributes["quantities"].get(name, "")
        return shown(name, data[name], None if name in self._found.parameters else self._found[name].attrs, quantity)


def _line(axes: Any, x: Array, y: Array, label: str | None, texts: list[str] | None) -> None:
    """Medians of y at each x, and a band where several points are behind them; points where no x recurs.

    texts: every text along the axis, of all lines, where they are no numbers.
    """
    places, y = _distinct(x), y.astype(float)
    if len(places) > 0.5 * len(x) and len(x) > 64 and texts is None:
        order = np.argsort(x)
        axes.plot(x[order], y[order], ".", markersize=3, label=label)
        return
    groups = [y[x == p] for p in places]
    ticks = places if texts is None else [texts.index(p) for p in places]
    middle = [_median(g) for g in groups]
    (line,) = axes.plot(ticks, middle, marker="o" if len(places) <= 24 else None, markersize=4, label=label)
    if max(map(len, groups)) > 1:
        low, high = ([float(np.nanquantile(g, q)) for g in groups] for q in BAND)
        axes.fill_between(ticks, low, high, color=line.get_color(), alpha=0.18, linewidth=0)
    if texts is not None:
        axes.set_xticks(range(len(texts)), texts)


def _median(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else np.nan


def _distinct(values: Array) -> list[Any]:
    """Different values: numbers rising, texts as they come."""
    if values.dtype.kind == "O":
        return list(dict.fromkeys(map(str, values.tolist())))
    return np.unique(values).tolist()


def _sortable(values: Array) -> Array:
    return values.astype(str) if values.dtype.kind == "O" else values


def _label(value: Any, unit: str) -> str:
    return value if isinstance(value, str) else f"{value:.4g} {unit}".rstrip()


def _edges(places: list[Any]) -> Array:
    """Edges of cells around places."""
    at = np.arange(len(places), dtype=float) if isinstance(places[0], str) else np.array(places, float)
    if len(at) == 1:
        return np.array([at[0] - 0.5, at[0] + 0.5])
    middle = 0.5 * (at[1:] + at[:-1])
    return np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])
