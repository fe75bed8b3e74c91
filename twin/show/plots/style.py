"""One style for all plots: colours that are told apart without seeing red from green, thin axes, units in titles."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.facility.files import LayoutError
from twin.facility.output import target, whole
from twin.kernels.later import later

if TYPE_CHECKING:
    import cycler
    import matplotlib
    from matplotlib import figure
else:
    cycler, matplotlib, figure = map(later, ("cycler", "matplotlib", "matplotlib.figure"))

ENDINGS = (".png", ".svg", ".pdf")
"""Endings of pictures of plots."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D", "#F0E442")
"""Colours in turn [Okabe & Ito, Color Universal Design (2008)]."""

SCALE = "viridis"
"""Colours of a map, even in lightness."""

STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": "#666666",
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.8,
    "font.size": 9.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.bbox": "tight",
    "svg.hashsalt": "twin",
}
"""What differs from matplotlib's own."""

MISSING = 'plots need matplotlib: pip install "aifactory-twin[plots]"'


class Plot:
    """A plot: shows itself in a notebook, and is written to a file.

    figure: of matplotlib, to go on from.
    """

    def __init__(self, figure: figure.Figure) -> None:
        self.figure = figure

    @property
    def axes(self) -> list[Any]:
        """The axes of matplotlib."""
        return self.figure.axes

    def write(self, path: str | Path) -> Path:
        """Write a .png, .svg or .pdf, whole or not at all; the path comes back. Raises LayoutError."""
        path = target(path, ENDINGS)
        with whole(path) as partial, matplotlib.rc_context(style()):
            fixed = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix, {})
            self.figure.savefig(partial, dpi=150, metadata=fixed)
        return path

    def _repr_png_(self) -> bytes:
        image = BytesIO()
        with matplotlib.rc_context(style()):
            self.figure.savefig(image, format="png", dpi=110)
        return image.getvalue()


def drawn(
    draw: Callable[[Any], object], size: tuple[float, float] = (7.0, 4.2), rows: int = 1, mosaic: str = ""
) -> Plot:
    """A plot in the style: what `draw` puts on one axes, on several below each other, or on a mosaic of them by letter.

    Raises LayoutError where matplotlib is not installed.
    """
    try:
        with matplotlib.rc_context(style()):
            made = figure.Figure(figsize=size, layout="constrained")
            if mosaic:
                draw(made.subplot_mosaic(mosaic))
            else:
                draw(made.subplots() if rows == 1 else made.subplots(rows, sharex=True))
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise LayoutError("plot", [MISSING]) from error
    return Plot(made)


def style() -> Any:
    """Settings of matplotlib."""
    return STYLE | {"axes.prop_cycle": cycler.cycler(color=COLOURS)}
