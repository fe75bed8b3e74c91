"""Plots of how sure figures are: what each input alone does to one, and what of its variance each explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.facility.files import LayoutError
from twin.show.plots.style import COLOURS, Plot, drawn
from twin.study.uncertainty import figure

if TYPE_CHECKING:
    from twin.study.uncertainty import Uncertainty

MOST = 12
"""Inputs that are drawn, those of the largest swing or index."""

ROW = 0.32
"""Height of an input's row, inches."""


class UncertaintyPlots:
    """Plots of an `Uncertainty`.

    >>> twin.uncertainty("gb300_hall").plot.tornado("pue").write("pue.png")
    """

    def __init__(self, found: Uncertainty) -> None:
        self._found = found

    def tornado(self, output: str, most: int = MOST) -> Plot:
        """A figure with each input at its low and at its high, others as the layout has them; the largest swing on top.

        output: one of those of the study. most: inputs that are drawn; those that move nothing never are. Where one end
        has no solution, its bar is missing. Raises LayoutError for another figure, and where nothing moves it.
        """
        found, about = self._found, figure_of(self._found, output)
        start = about.factor * found.nominal(output)
        rows = [s for s in found.tornado(output) if s.size > 0][:most]
        if not rows or not np.isfinite(start):
            raise LayoutError(
                "plot", [f"{output}: no input moves it" if np.isfinite(start) else f"{output}: no figure"]
            )
        names = [f"{s.input.words}, {' to '.join(s.input.texts[1:])}".replace("degC", "°C") for s in rows]
        at = np.arange(len(rows))

        def draw(axes: Any) -> None:
            for end, colour in (("low", COLOURS[0]), ("high", COLOURS[1])):
                ends = np.array([about.factor * getattr(s, end) for s in rows])
                axes.barh(at, ends - start, left=start, color=colour, height=0.7, label=f"at its {end}")
            axes.axvline(start, color="#333333", linewidth=1.0)
            _named(axes, names)
            axes.legend(loc="lower right")
            axes.set(
                xlabel=_title(about.label, about.display), title=f"{found.inputs.layout}, one input moved at a time"
            )

        return drawn(draw, _size(rows))

    def indices(self, output: str, most: int = MOST) -> Plot:
        """First-order and total Sobol' indices of a figure with their errors, the largest total on top.

        output: one of those of the study. most: inputs that are drawn. Raises LayoutError for another figure, and where
        it has no indices.
        """
        found, about = self._found, figure_of(self._found, output)
        shares = found.indices(output)
        order = np.argsort(-shares.total, kind="stable")[:most]
        at, names = np.arange(len(order)), [found.inputs[int(k)].words for k in order]

        def draw(axes: Any) -> None:
            for name, shift, colour in (("first", -0.18, COLOURS[0]), ("total", 0.18, COLOURS[1])):
                values, errors = getattr(shares, name)[order], getattr(shares, f"{name}_error")[order]
                style = {"ecolor": "#333333", "capsize": 2, "error_kw": {"linewidth": 0.8}}
                label = {"first": "alone", "total": "with others"}[name]
                axes.barh(at + shift, values, xerr=errors, height=0.34, color=colour, label=label, **style)
            _named(axes, names)
            axes.legend(loc="lower right")
            axes.set(xlabel=f"share of the variance of {about.label}", title=f"{found.inputs.layout}, Sobol' indices")

        return drawn(draw, _size(order))


def figure_of(found: Uncertainty, output: str) -> Any:
    """What a figure of a study is called and shown in. Raises LayoutError for another."""
    found.nominal(output)
    return figure(output)


def _named(axes: Any, names: list[str]) -> None:
    """Rows with names, the first on top."""
    axes.set_yticks(np.arange(len(names)), names)
    axes.invert_yaxis()
    axes.grid(False, axis="y")


def _title(label: str, unit: str) -> str:
    return f"{label} [{unit}]" if unit else label


def _size(rows: Any) -> tuple[float, float]:
    return 8.0, 1.4 + ROW * len(rows)
