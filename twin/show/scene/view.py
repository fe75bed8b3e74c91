"""The picture of a facility where it is asked for: a window on a display, or below the cell of a notebook."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, field
from pathlib import Path

from twin.api import Result, solve
from twin.facility.graph import Facility
from twin.facility.layout import Layout
from twin.show.scene.hall import draw
from twin.show.scene.render import RenderError, ready

NO_DISPLAY = "no display for a window; write a picture: `twin export LAYOUT --to png -o hall.png`, or `twin.export`"


@dataclass(frozen=True)
class Picture:
    """A still picture that notebooks show. png: its bytes."""

    png: bytes = field(repr=False)

    def _repr_png_(self) -> bytes:
        return self.png


def view(layout: str | Path | Layout | Facility | Result, scenario: int = 0) -> Picture | None:
    """Show a facility: in a window until it is closed, or as a Picture in a notebook.

    layout: as `twin.solve` takes it, or a Result, of which one `scenario` is shown. Raises RenderError without PyVista,
    an OpenGL library, a display, or if no component has a place.

    >>> twin.view("gb300_hall")
    """
    ready("png")
    result = layout if isinstance(layout, Result) else solve(layout)
    notebook = _in_notebook()
    plotter = draw(result, scenario, off_screen=True if notebook else None)
    try:
        if notebook:
            png = io.BytesIO()
            plotter.screenshot(png)
            return Picture(png.getvalue())
        if plotter.off_screen:
            raise RenderError(NO_DISPLAY)
        plotter.show()
        return None
    finally:
        plotter.close()


def _in_notebook() -> bool:
    """Whether a notebook's kernel runs this."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None
