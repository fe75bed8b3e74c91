"""The picture of a facility where it is asked for: a window on a display, or below the cell of a notebook."""

from __future__ import annotations

from pathlib import Path

from twin.api import Result, solve
from twin.facility.graph import Facility
from twin.facility.layout import Layout
from twin.show.scene.render import ready
from twin.show.scene.scene import Picture, Scene


def view(
    layout: str | Path | Layout | Facility | Result, scenario: int = 0, color: str | None = None
) -> Picture | None:
    """Show a facility: in a window until it is closed, or as a Picture in a notebook.

    layout: as `twin.solve` takes it, or a Result, of which one `scenario` is shown. color: as `Result.scene` has it.
    Raises RenderError without PyVista, an OpenGL library or a display, and LayoutError if nothing can be drawn.

    >>> twin.view("gb300_hall")
    """
    ready("png")
    result = layout if isinstance(layout, Result) else solve(layout)
    return Scene(result, color, scenario).show()
