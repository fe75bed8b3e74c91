"""A plot of a figure along one quantity: where it is now, where it started, and where a limit is passed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twin.columns import Array
from twin.show.plots.style import COLOURS, Plot, drawn

FLAT = 0.02
"""Least range of a figure's axis over its size: less is no change that anyone looks for."""

PASSED = "#c8102e"
"""Of ranges in which a limit is passed."""


def along(
    x: Array,
    y: Array,
    titles: tuple[str, str],
    now: float,
    start: float,
    over: Sequence[tuple[float, float, str]],
    lowest: float | None = None,
    end: str = "",
) -> Plot:
    """A figure along a quantity.

    x, y: points of the curve (point,), NaN where there is no solution. titles: of x and y, with units. now, start:
    places on x that are marked. over: ranges of x in which a limit is passed, from, to and which. lowest: where the
    axis of y ends at the latest. end: what the last point is called, if not by its number.
    """

    def draw(axes: Any) -> None:
        for k, (low, high, name) in enumerate(over):
            label = "past a limit" if k == 0 else None
            axes.axvspan(low, high, color=PASSED, alpha=0.14, lw=0, label=label)
            side = "left" if low + high < x[0] + x[-1] else "right"
            at, point = (max(low, x[0]), 4) if side == "left" else (min(high, x[-1]), -4)
            axes.annotate(name, (at, 1.0 - 0.09 * k), (point, -4), xycoords=("data", "axes fraction"),
                          textcoords="offset points", color=PASSED, ha=side, va="top", fontsize=9)  # fmt: skip
        axes.plot(x, y, color=COLOURS[0])
        known = np.isfinite(y)
        for at, size, fill, label in ((start, 12, "white", "start"), (now, 7, COLOURS[0], "now")):
            height = float(np.interp(at, x[known], y[known], np.nan, np.nan)) if known.any() else np.nan
            axes.plot([at], [height], "o", ms=size, mfc=fill, mec=COLOURS[0], mew=1.8, label=label, ls="none", zorder=5,
                      clip_on=False)  # fmt: skip
        low, high = axes.get_ylim()
        least = FLAT * float(np.abs(y[known]).max(initial=0.0))
        if high - low < least:
            low, high = (low + high - least) / 2, (low + high + least) / 2
        low = low if lowest is None else max(low, lowest)
        high += 0.1 * len(over) * (high - low)  # room for the names of limits
        axes.set(xlabel=titles[0], ylabel=titles[1], xlim=(x[0], x[-1]), ylim=(low, high))
        axes.ticklabel_format(axis="y", useOffset=False)
        if (x == np.round(x)).all():
            axes.xaxis.get_major_locator().set_params(integer=True)
        if end:
            axes.annotate(end, (1.0, 0.0), (0, -14), xycoords="axes fraction", textcoords="offset points", ha="right",
                          va="top", fontsize=9)  # fmt: skip
            axes.set_xticks([t for t in axes.get_xticks() if t < x[-1] - 0.06 * (x[-1] - x[0])])
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, borderaxespad=0.2)

    return drawn(draw, (5.4, 3.3))
