"""A solved hall in three dimensions: racks by inlet temperature, plant in quiet colours, the binding element in red."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from twin.elements import Array
from twin.facility.files import LayoutError
from twin.facility.output import target, whole
from twin.show.scene import air, vtk
from twin.show.scene.boxes import Boxes, ascii_only, blocks, boxes, colours, mesh
from twin.show.scene.render import HEADLESS, pyvista, ready, window

if TYPE_CHECKING:
    import pyvista as pv

    from twin.api import Result
    from twin.results.limits import Binding

ENDINGS = {"png": (".png",), "vtk": (".vtp", ".vtk", ".vtm")}
"""Endings of files by what they hold: a picture, or a mesh."""

WINDOW = (1600, 900)
"""Width and height of a picture, in pixels."""

INK, PALE, RED = "#28323c", "#8793a0", "#c8102e"
GROUND, FLOOR, UNKNOWN = "#f7f9fa", "#e7ecf0", "#c9cdd2"

COLOUR_MAP = "coolwarm"
MIN_TEMPERATURE, MAX_TEMPERATURE = 15.0, 40.0
"""Ends of the colour bar, degC, widened up to 0 and 60 where racks breathe colder or warmer air."""

COLOUR_BAR = {
    "title": " ",
    "width": 0.30,
    "height": 0.06,
    "position_x": 0.66,
    "position_y": 0.035,
    "color": INK,
    "label_font_size": 18,
    "n_labels": 6,
    "fmt": "%.0f",
}
"""Place, in shares of the picture, and labels of the colour bar."""

MAX_EDGED_BOXES, MAX_NAMED_ROOMS = 2500, 8
"""Boxes above which edges, and rooms above which names, would hide more than they show."""

VIEW = np.array([-0.55, -0.68, 0.60])
"""From the hall to the eye."""

STAGE = (0.555, 0.465, 0.80, 0.69)
"""Where the scene may lie in the picture: its middle, width and height as shares of the picture."""


# ---- the scene ---------------------------------------------------------------------------------------------------


def draw(result: Result, scenario: int = 0, *, off_screen: bool | None = None) -> pv.Plotter:
    """A plotter with one `scenario` of a `result`; `off_screen` by default where there is no display.

    It marks what binds when racks grow denser if `result.bound` has been found, else the tightest limit: drawing
    solves nothing. Raises RenderError without PyVista or an OpenGL library, or if no component has a place.

    >>> draw(twin.solve("gb300_hall")).show()
    """
    ready("png")
    placed = boxes(result, scenario)
    if off_screen is None:
        off_screen = window() in HEADLESS
    plotter = pyvista().Plotter(off_screen=off_screen, window_size=list(WINDOW), lighting="none")
    plotter.set_background(GROUND)
    plotter.enable_anti_aliasing("msaa", multi_samples=8)
    _add_lights(plotter)
    corners = _draw_floors(plotter, result)
    _draw_equipment(plotter, placed)
    ends = _draw_racks(plotter, placed, "air, degC" if result.rooms else "rack inlet air, degC")
    for cut in air.cuts(result, pyvista(), scenario):
        colours = {"scalars": "temperature_degC", "cmap": COLOUR_MAP, "clim": ends}
        plotter.add_mesh(cut, **colours, lighting=False, opacity=0.8, show_scalar_bar=False)
    frame = _aim_camera(plotter, np.concatenate([corners, placed.corners]))
    limit = result.binding(scenario)
    if limit is not None:
        _mark_limit(plotter, placed, limit, frame)
    _draw_title(plotter, result, limit, scenario)
    _draw_legend(plotter, placed)
    return plotter


def _add_lights(plotter: pv.Plotter) -> None:
    """A sun over the left shoulder and a soft fill, so that the three visible faces of a box differ."""
    pv = pyvista()
    for position, strength in (((-3.0, -6.0, 9.0), 0.85), ((-8.0, 2.0, 2.0), 0.16), ((6.0, -3.0, 2.0), 0.25)):
        light = pv.Light(position=position, focal_point=(0, 0, 0), intensity=strength, light_type="scene light")
        light.positional = False
        plotter.add_light(light)


def _draw_floors(plotter: pv.Plotter, result: Result) -> Array:
    """Floors of the rooms with outlines, and names unless there are many; returns their corners, (corner, 3)."""
    parts = {n: result.facility.components[n] for n in sorted(result.plant.zone.names)}
    rooms: dict[str, Any] = {n: p for n, p in parts.items() if p.at is not None}
    if not rooms:
        return np.zeros((0, 3))
    low = np.array([p.at for p in rooms.values()], float)
    high = low + [(p.length, p.width, 0.0) for p in rooms.values()]
    few = len(rooms) <= MAX_NAMED_ROOMS
    floors = pyvista().merge([_rectangle(a, b, a[2] - 0.05) for a, b in zip(low, high, strict=True)])
    plotter.add_mesh(floors, color=FLOOR, lighting=False)
    outlines = floors.extract_feature_edges().translate((0, 0, 0.05))
    plotter.add_mesh(outlines, color=PALE, line_width=2 if few else 1, lighting=False)
    for name, (x, _, z), (_, y, _) in zip(rooms, low, high, strict=True) if few else ():
        style = _draw_text(plotter, name.replace("_", " ") + "  ", (x, y, z), 17, PALE, world=True)
        style.justification_horizontal, style.justification_vertical = "right", "top"
    return np.concatenate(
        [low, high, np.column_stack([low[:, 0], high[:, 1:]]), np.column_stack([high[:, 0], low[:, 1:]])]
    )


def _rectangle(low: Array, high: Array, z: float) -> pv.PolyData:
    """A level rectangle at a height between two corners, of which x and y count [m]."""
    (x0, y0), (x1, y1) = low[:2], high[:2]
    return pyvista().PolyData(np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]]), [4, 0, 1, 2, 3])


def _draw_boxes(plotter: pv.Plotter, data: pv.PolyData, count: int, **colour: Any) -> None:
    """Boxes, with thin edges unless their total `count` is so large that edges would hide them."""
    few = count <= MAX_EDGED_BOXES
    plotter.add_mesh(
        data, show_edges=few, edge_color=INK, edge_opacity=0.55, line_width=1, ambient=0.42, diffuse=0.72, **colour
    )


def _draw_equipment(plotter: pv.Plotter, placed: Boxes) -> None:
    """All boxes but racks, in the colours of their legends."""
    for legend, colour in colours(placed).items():
        rows = np.array([name == legend for name in placed.legends]) & ~placed.racks
        _draw_boxes(plotter, mesh(placed.where(rows)), len(placed.names), color=colour)


def _draw_racks(plotter: pv.Plotter, placed: Boxes, title: str) -> list[float]:
    """Racks by inlet temperature, with a colour bar; its ends come back [degC]."""
    if not placed.racks.any():
        return [MIN_TEMPERATURE, MAX_TEMPERATURE]
    racks = placed.where(placed.racks)
    warm = racks.temperature[np.isfinite(racks.temperature)]
    ends = [max(0.0, min([MIN_TEMPERATURE, *np.floor(warm)])), min(60.0, max([MAX_TEMPERATURE, *np.ceil(warm)]))]
    _draw_boxes(
        plotter,
        mesh(racks),
        len(placed.names),
        scalars="temperature_degC",
        cmap=COLOUR_MAP,
        clim=ends,
        nan_color=UNKNOWN,
        scalar_bar_args=dict(COLOUR_BAR),
    )
    _draw_text(plotter, title, (0.66, 0.105), 18, INK)
    return ends


@dataclass(frozen=True)
class _Frame:
    """Where the scene falls in the picture.

    Attributes
    ----------
    right
        Unit vector that points to the right of the picture, (3,).
    middle
        Point in the middle of the picture [m], (3,).
    half
        Half the height of the picture [m].
    """

    right: Array
    middle: Array
    half: float

    def across(self, point: Array) -> float:
        """Share of the picture's width left of a point."""
        return 0.5 + float((point - self.middle) @ self.right) / (2 * self.half * WINDOW[0] / WINDOW[1])


def _aim_camera(plotter: pv.Plotter, points: Array) -> _Frame:
    """Look from a corner, without perspective, and fill the picture between title, legend and colour bar."""
    eye = VIEW / np.linalg.norm(VIEW)
    right = np.cross([0, 0, 1], eye)
    right /= np.linalg.norm(right)
    up = np.cross(eye, right)
    (left, far), (bottom, top) = ((float(min(points @ axis)), float(max(points @ axis))) for axis in (right, up))
    x, y, width, height = STAGE
    half = max((far - left) / width * WINDOW[1] / WINDOW[0], (top - bottom) / height) / 2
    shift_right, shift_up = (0.5 - x) * 2 * half * WINDOW[0] / WINDOW[1], (0.5 - y) * 2 * half
    middle = right * ((left + far) / 2 + shift_right) + up * ((bottom + top) / 2 + shift_up)
    middle += eye * float(np.mean(points @ eye))
    camera = plotter.camera
    camera.focal_point, camera.up = middle, (0, 0, 1)
    camera.position = middle + eye * 4 * float(np.ptp(points, axis=0).max() + 1)
    camera.parallel_projection = True
    camera.parallel_scale = half
    plotter.renderer.ResetCameraClippingRange()
    return _Frame(right, middle, half)


def _mark_limit(plotter: pv.Plotter, placed: Boxes, limit: Binding, frame: _Frame) -> None:
    """Outline the element that binds in red, with a flag; buses and cords are marked at their component."""
    owner = limit.element if limit.element in placed.names else limit.element.partition(".")[0]
    if owner not in placed.names:
        return
    row = placed.names.index(owner)
    low, high = placed.low[row], placed.low[row] + placed.size[row]
    pv = pyvista()
    box = pv.Box(np.column_stack([low - 0.06, high + 0.06]).ravel())
    plotter.add_mesh(box.extract_feature_edges(), color=RED, line_width=5, lighting=False)
    foot = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, high[2]])
    head = foot + np.array([0.0, 0.0, 0.12 * frame.half])
    plotter.add_mesh(pv.Line(foot, head), color=RED, line_width=3, lighting=False)
    side = frame.across(head)
    style = _draw_text(plotter, f" {_phrase(limit)} ", tuple(head), 19, "white", world=True)
    style.justification_horizontal = "left" if side < 0.25 else "right" if side > 0.75 else "center"
    style.background_color, style.background_opacity, style.bold = RED, 1.0, True


def _phrase(limit: Binding) -> str:
    """A limit in words."""
    return f"{limit.name.replace('_', ' ')} at {limit.element}"


def _draw_text(
    plotter: pv.Plotter, text: str, at: tuple[float, ...], size: int, colour: str, *, world: bool = False
) -> pv.TextProperty:
    """A line of text at a point of the picture (shares of width and height) or of the hall (x, y, z) [m]; its style."""
    actor = pyvista().Text(ascii_only([text])[0])
    actor.prop.font_size, actor.prop.color, actor.prop.font_family = size, colour, "arial"
    place = actor.GetPositionCoordinate()
    if world:
        place.SetCoordinateSystemToWorld()
    else:
        place.SetCoordinateSystemToNormalizedViewport()
    place.SetValue(*at[:2], at[2] if world else 0.0)
    plotter.add_actor(actor, reset_camera=False, pickable=False)
    return cast("pv.TextProperty", actor.prop)


def _draw_title(plotter: pv.Plotter, result: Result, limit: Binding | None, scenario: int) -> None:
    """The facility's name, its headline figures and what binds."""
    figures = result.figures
    binds = f"binding limit: {_phrase(limit)}" if limit else "no limit binds"
    if result.status[scenario]:
        binds = "no solution"
    line = f"{figures.facility_power[scenario] / 1e6:,.2f} MW     PUE {figures.pue[scenario]:.3f}     {binds}"
    _draw_text(plotter, result.facility.name.replace("_", " "), (0.025, 0.935), 38, INK)
    _draw_text(plotter, line, (0.025, 0.893), 23, INK)


def _draw_legend(plotter: pv.Plotter, placed: Boxes) -> None:
    """Colours of the legends that are present."""
    for k, (label, colour) in enumerate(reversed(colours(placed).items())):
        swatch = _draw_text(plotter, "    ", (0.025, 0.04 + 0.036 * k), 18, colour)
        swatch.background_color, swatch.background_opacity = colour, 1.0
        _draw_text(plotter, label, (0.046, 0.04 + 0.036 * k), 18, INK)


# ---- files -------------------------------------------------------------------------------------------------------


def export(result: Result, path: str | Path, to: str = "png", scenario: int = 0) -> Path:
    """Write a `result` to `path` as a picture ("png", 1600 x 900) or a mesh ("vtk": .vtp, .vtk or .vtm).

    `to` says which, `scenario` of which one. A picture shows computed air as a cut across the rows, .vtm has its
    fields. Nothing is half-written; the path comes back. Raises RenderError without PyVista or without OpenGL, and
    LayoutError for a target that cannot be written.

    >>> export(twin.solve("gb300_hall"), "hall.png")
    """
    path = check(path, to)
    with whole(path) as partial:
        _write(result, partial, to, scenario)
    return path


def check(path: str | Path, to: str) -> Path:
    """The path, if a picture or a mesh can be written there; raises as `export` does, before any work."""
    path = target(path, ENDINGS[to])
    parts = path.with_suffix("")
    if path.suffix == ".vtm" and parts.exists():
        others = [p.name for p in parts.glob("*") if not p.name.startswith(f"{parts.name}_")]
        if others or not parts.is_dir():
            what = f"holds other things, such as {others[0]}" if others else "is no folder"
            fault = f"its parts go to {parts}, which exists and {what}; name another file"
            raise LayoutError(f"output {path}", [fault])
    ready(to)
    return path


def _write(result: Result, path: Path, to: str, scenario: int) -> None:
    """Write a picture or a mesh, in one or several files."""
    if to == "png":
        plotter = draw(result, scenario, off_screen=True)
        plotter.screenshot(path)
        plotter.close()
    elif path.suffix == ".vtm":
        vtk.save_blocks(blocks(boxes(result, scenario), air.grids(result, pyvista(), scenario)), path)
    else:
        vtk.save(mesh(boxes(result, scenario)), path)
