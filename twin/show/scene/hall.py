"""A solved hall in three dimensions: racks by inlet temperature, plant in quiet colours, the binding element in red."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.show.scene import air

if TYPE_CHECKING:
    from twin.api import Result
    from twin.results.limits import Binding

Array = np.ndarray

ENDINGS = {"png": (".png",), "vtk": (".vtp", ".vtk", ".vtm")}
WINDOW = (1600, 900)
LIBRARIES = ("libEGL.so.1", "libOSMesa.so.8", "libOSMesa.so.6")
NO_VIZ = '3D output needs PyVista: pip install "aifactory-twin[viz]"'
NO_GL = (
    "no OpenGL library for off-screen pictures: install the Debian packages libegl1 libegl-mesa0 libgl1-mesa-dri, "
    "or libosmesa6"
)

INK, PALE, RED = "#28323c", "#8793a0", "#c8102e"
GROUND, FLOOR, UNKNOWN = "#f7f9fa", "#e7ecf0", "#c9cdd2"
COLOURS = {
    "CDU": "#4a7aa3",
    "air handling": "#a9cde2",
    "cooling plant": "#7aa5bd",
    "power train": "#a3a9b1",
    "other": "#d3d6da",
}
"""Colours of equipment by its legend, see `Component.legend`, in the order of the picture's legend."""

MORE = ("#c9b78c", "#8fae9b", "#b59ab0", "#c39a86", "#9aa56b")
"""Colours of other legends, in the order of the alphabet, over again where there are more."""

WARMTH = "coolwarm"
COOLEST, WARMEST = 15.0, 40.0
"""Ends of the colour bar, degC, widened up to 0 and 60 where racks breathe colder or warmer air."""

CROWD, CROWD_OF_ROOMS = 2500, 8
"""Boxes above which edges, and rooms above which names, would hide more than they show."""

VIEW = np.array([-0.55, -0.68, 0.60])
"""From the hall to the eye."""

ROOM = (0.555, 0.465, 0.80, 0.69)
"""Where the scene may lie in the picture: its middle, width and height as shares of the picture."""


class RenderError(RuntimeError):
    """Drawing is not possible here; one sentence with the remedy."""


# ---- what this machine can draw ----------------------------------------------------------------------------------


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def gl_libraries() -> dict[str, bool]:
    """Libraries for off-screen pictures, and whether the loader finds them; empty where VTK brings its own."""
    return {name: _loads(name) for name in LIBRARIES} if sys.platform.startswith("linux") else {}


def ready(to: str) -> None:
    """Raise RenderError if "png" or "vtk" cannot be written here: VTK would crash without an OpenGL library."""
    if find_spec("pyvista") is None:
        raise RenderError(NO_VIZ)
    found = gl_libraries()
    screen = bool(os.environ.get("DISPLAY")) and _loads("libGL.so.1")
    if to == "png" and found and not screen and not any(found.values()):
        raise RenderError(NO_GL)


def _pyvista() -> Any:
    """PyVista, with VTK told to render by EGL where there is no display."""
    ready("vtk")
    if not os.environ.get("DISPLAY") and gl_libraries().get("libEGL.so.1"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    return import_module("pyvista")


# ---- from a result to boxes --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Boxes:
    """Components that have a place: low corner and size [m], (box, 3); temperature [degC], power [kW], NaN if none.

    kinds, legends: of the types (box,). racks: whether it is a rack to the air of its room (box,).
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    legends: tuple[str, ...]
    low: Array
    size: Array
    temperature: Array
    power: Array
    racks: Array

    def where(self, rows: Array) -> Boxes:
        """The boxes in which `rows`, (box,), is true."""
        at = np.flatnonzero(rows)
        names, kinds, legends = (tuple(w[i] for i in at) for w in (self.names, self.kinds, self.legends))
        numbers = (a[at] for a in (self.low, self.size, self.temperature, self.power, self.racks))
        return Boxes(names, kinds, legends, *numbers)


def boxes(result: Result, scenario: int = 0) -> Boxes:
    """Every placed component with a volume; raises RenderError if the layout places none."""
    parts = result.facility.components
    placed = {n: p for n, p in parts.items() if p.at is not None and min(p.extent) > 0}
    if not placed:
        raise RenderError(f"{result.facility.name}: no component has a place `at`")
    temperature, power = _shown(result, scenario)
    return Boxes(
        tuple(placed),
        tuple(p.kind for p in placed.values()),
        tuple(p.legend for p in placed.values()),
        np.array([p.at for p in placed.values()], float),
        np.array([p.extent for p in placed.values()], float),
        np.array([temperature.get(n, np.nan) - 273.15 for n in placed]),
        np.array([power.get(n, np.nan) / 1e3 for n in placed]),
        np.array([p.shapes_air == "rack" for p in placed.values()], bool),
    )


def _shown(result: Result, scenario: int) -> tuple[dict[str, float], dict[str, float]]:
    """Temperature [K] and power [W] by component, of the reports that are for pictures; powers of one are added up."""
    temperature: dict[str, float] = {}
    power: dict[str, float] = {}
    for item in result.plant.reports:
        values = result.solution[item.value][:, scenario].tolist() if item.picture else ()
        for name, value in zip(item.elements, values, strict=False):
            if item.picture == "power":
                power[name] = power.get(name, 0.0) + value
            else:
                temperature.setdefault(name, value)
    return temperature, power


def _colours(found: Boxes) -> dict[str, str]:
    """Colour by legend of what is no rack, in the order of the picture's legend."""
    present = {legend for legend, rack in zip(found.legends, found.racks, strict=True) if not rack}
    others = {name: MORE[k % len(MORE)] for k, name in enumerate(sorted(present - set(COLOURS)))}
    return {name: colour for name, colour in (COLOURS | others).items() if name in present}


# ---- meshes ------------------------------------------------------------------------------------------------------

CORNERS = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
FACES = np.array([[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [1, 3, 7, 5], [3, 2, 6, 7], [2, 0, 4, 6]])


def _corners(found: Boxes) -> Array:
    return (found.low[:, None] + found.size[:, None] * CORNERS).reshape(-1, 3)


def mesh(found: Boxes) -> Any:
    """All boxes as one PolyData of quads; cell arrays name_id, kind_id, temperature_degC, power_kW.

    The ids count in the field arrays `names` and `kinds`.
    """
    pv = _pyvista()
    n = len(found.names)
    quads = (8 * np.arange(n)[:, None, None] + FACES).reshape(-1, 4)
    data = pv.PolyData(_corners(found), np.column_stack([np.full(len(quads), 4), quads]).ravel())
    kinds = sorted(set(found.kinds))
    each = lambda values: np.repeat(np.asarray(values), 6)  # noqa: E731
    data.cell_data["name_id"] = each(np.arange(n))
    data.cell_data["kind_id"] = each([kinds.index(k) for k in found.kinds])
    data.cell_data["temperature_degC"] = each(found.temperature)
    data.cell_data["power_kW"] = each(found.power)
    data.field_data["names"] = _ascii(found.names)
    data.field_data["kinds"] = _ascii(kinds)
    return data


def _ascii(words: Iterable[str]) -> list[str]:
    """VTK keeps ASCII strings only."""
    return [w.encode("ascii", "backslashreplace").decode() for w in words]


def _blocks(found: Boxes, fields: Mapping[str, Any]) -> Any:
    """Boxes by kind, and the air of computed rooms by their names."""
    blocks = _pyvista().MultiBlock()
    for kind in sorted(set(found.kinds)):
        blocks.append(mesh(found.where(np.array([k == kind for k in found.kinds]))), kind)
    for name, grid in fields.items():
        blocks.append(grid, f"air of {name}")
    return blocks


def _rectangle(low: Array, high: Array, z: float) -> Any:
    (x0, y0), (x1, y1) = low[:2], high[:2]
    return _pyvista().PolyData(np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]]), [4, 0, 1, 2, 3])


# ---- the scene ---------------------------------------------------------------------------------------------------


def draw(result: Result, scenario: int = 0, *, off_screen: bool | None = None) -> Any:
    """A `pyvista.Plotter` of one scenario; off screen by default where there is no display.

    A single scenario shows what binds when racks grow denser, one of many the tightest limit.
    """
    ready("png")
    pv = _pyvista()
    found = boxes(result, scenario)
    if off_screen is None:
        off_screen = sys.platform.startswith("linux") and not os.environ.get("DISPLAY")
    plotter = pv.Plotter(off_screen=off_screen, window_size=list(WINDOW), lighting="none")
    plotter.set_background(GROUND)
    plotter.enable_anti_aliasing("msaa", multi_samples=8)
    _light(plotter)
    corners = _floors(plotter, result)
    _equipment(plotter, found)
    ends = _racks(plotter, found, "air, degC" if result.aired.rooms else "rack inlet air, degC")
    for cut in air.cuts(result, pv, scenario):
        plotter.add_mesh(
            cut, scalars="temperature_degC", cmap=WARMTH, clim=ends, lighting=False, opacity=0.8, show_scalar_bar=False
        )
    frame = _aim(plotter, np.concatenate([corners, _corners(found)]))
    limit = _limit(result, scenario)
    if limit is not None:
        _mark(plotter, found, limit, frame)
    _write(plotter, result, limit, scenario)
    _legend(plotter, found)
    return plotter


def _light(plotter: Any) -> None:
    """A sun over the left shoulder and a soft fill, so that the three visible faces of a box differ."""
    pv = _pyvista()
    for position, strength in (((-3.0, -6.0, 9.0), 0.85), ((-8.0, 2.0, 2.0), 0.16), ((6.0, -3.0, 2.0), 0.25)):
        light = pv.Light(position=position, focal_point=(0, 0, 0), intensity=strength, light_type="scene light")
        light.positional = False
        plotter.add_light(light)


def _floors(plotter: Any, result: Result) -> Array:
    """Floors of the rooms with outlines, and names unless there are many; returns their corners, (corner, 3)."""
    parts: dict[str, Any] = {n: result.facility.components[n] for n in sorted(result.plant.zone.names)}
    rooms = {n: p for n, p in parts.items() if p.at is not None}
    if not rooms:
        return np.zeros((0, 3))
    low = np.array([p.at for p in rooms.values()], float)
    high = low + [(p.length, p.width, 0.0) for p in rooms.values()]
    few = len(rooms) <= CROWD_OF_ROOMS
    floors = _pyvista().merge([_rectangle(a, b, a[2] - 0.05) for a, b in zip(low, high, strict=True)])
    plotter.add_mesh(floors, color=FLOOR, lighting=False)
    outlines = floors.extract_feature_edges().translate((0, 0, 0.05))
    plotter.add_mesh(outlines, color=PALE, line_width=2 if few else 1, lighting=False)
    for name, (x, _, z), (_, y, _) in zip(rooms, low, high, strict=True) if few else ():
        text = _text(plotter, name.replace("_", " ") + "  ", (x, y, z), 17, PALE, world=True)
        text.prop.justification_horizontal, text.prop.justification_vertical = "right", "top"
    return np.concatenate(
        [low, high, np.column_stack([low[:, 0], high[:, 1:]]), np.column_stack([high[:, 0], low[:, 1:]])]
    )


def _surface(plotter: Any, data: Any, crowd: int, **colour: Any) -> Any:
    """Boxes with thin edges, which would drown thousands of them."""
    few = crowd <= CROWD
    return plotter.add_mesh(
        data, show_edges=few, edge_color=INK, edge_opacity=0.55, line_width=1, ambient=0.42, diffuse=0.72, **colour
    )


def _equipment(plotter: Any, found: Boxes) -> None:
    for legend, colour in _colours(found).items():
        rows = np.array([name == legend for name in found.legends]) & ~found.racks
        _surface(plotter, mesh(found.where(rows)), len(found.names), color=colour)


def _racks(plotter: Any, found: Boxes, title: str) -> list[float]:
    """Racks by inlet temperature; the ends of their colour bar come back, degC."""
    if not found.racks.any():
        return [COOLEST, WARMEST]
    racks = found.where(found.racks)
    warm = racks.temperature[np.isfinite(racks.temperature)]
    ends = [max(0.0, min([COOLEST, *np.floor(warm)])), min(60.0, max([WARMEST, *np.ceil(warm)]))]
    _surface(
        plotter,
        mesh(racks),
        len(found.names),
        scalars="temperature_degC",
        cmap=WARMTH,
        clim=ends,
        nan_color=UNKNOWN,
        scalar_bar_args={
            "title": " ",
            "width": 0.30,
            "height": 0.06,
            "position_x": 0.66,
            "position_y": 0.035,
            "color": INK,
            "label_font_size": 18,
            "n_labels": 6,
            "fmt": "%.0f",
        },
    )
    _text(plotter, title, (0.66, 0.105), 18, INK)
    return ends


@dataclass(frozen=True)
class _Frame:
    """Where the scene falls in the picture: its axis to the right, its middle and half its height, in m."""

    right: Array
    middle: Array
    half: float

    def across(self, point: Array) -> float:
        """Share of the picture's width left of a point."""
        return 0.5 + float((point - self.middle) @ self.right) / (2 * self.half * WINDOW[0] / WINDOW[1])


def _aim(plotter: Any, points: Array) -> _Frame:
    """Look from a corner, without perspective, and fill the picture between title, legend and colour bar."""
    eye = VIEW / np.linalg.norm(VIEW)
    right = np.cross([0, 0, 1], eye)
    right /= np.linalg.norm(right)
    up = np.cross(eye, right)
    (left, far), (bottom, top) = ((float(min(points @ axis)), float(max(points @ axis))) for axis in (right, up))
    x, y, wide, high = ROOM
    half = max((far - left) / wide * WINDOW[1] / WINDOW[0], (top - bottom) / high) / 2
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


def _limit(result: Result, scenario: int) -> Binding | None:
    if result.plant.scenarios == 1 and result.ok:
        return result.bound.limit
    return next(iter(result.worst(scenario)), None)


def _mark(plotter: Any, found: Boxes, limit: Binding, frame: _Frame) -> None:
    """Outline the element that binds in red, with a flag; buses and cords are marked at their component."""
    owner = limit.element if limit.element in found.names else limit.element.partition(".")[0]
    if owner not in found.names:
        return
    row = found.names.index(owner)
    low, high = found.low[row], found.low[row] + found.size[row]
    pv = _pyvista()
    box = pv.Box(np.column_stack([low - 0.06, high + 0.06]).ravel())
    plotter.add_mesh(box.extract_feature_edges(), color=RED, line_width=5, lighting=False)
    foot = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, high[2]])
    head = foot + np.array([0.0, 0.0, 0.12 * frame.half])
    plotter.add_mesh(pv.Line(foot, head), color=RED, line_width=3, lighting=False)
    side = frame.across(head)
    text = _text(plotter, f" {_words(limit)} ", tuple(head), 19, "white", world=True)
    text.prop.justification_horizontal = "left" if side < 0.25 else "right" if side > 0.75 else "center"
    text.prop.background_color, text.prop.background_opacity, text.prop.bold = RED, 1.0, True


def _words(limit: Binding) -> str:
    return f"{limit.name.replace('_', ' ')} at {limit.element}"


def _text(plotter: Any, text: str, at: tuple[float, ...], size: int, colour: str, *, world: bool = False) -> Any:
    """A line of text at a point of the picture (shares of width and height) or of the hall (m)."""
    actor = _pyvista().Text(_ascii([text])[0])
    actor.prop.font_size, actor.prop.color, actor.prop.font_family = size, colour, "arial"
    place = actor.GetPositionCoordinate()
    if world:
        place.SetCoordinateSystemToWorld()
    else:
        place.SetCoordinateSystemToNormalizedViewport()
    place.SetValue(*at[:2], at[2] if world else 0.0)
    plotter.add_actor(actor, reset_camera=False, pickable=False)
    return actor


def _write(plotter: Any, result: Result, limit: Binding | None, scenario: int) -> None:
    """Title, headline figures and the legend of what is no rack."""
    figures = result.figures
    binds = f"binding limit: {_words(limit)}" if limit else "no limit binds"
    if result.solution.status[scenario]:
        binds = "no solution"
    line = f"{figures.facility_power[scenario] / 1e6:,.2f} MW     PUE {figures.pue[scenario]:.3f}     {binds}"
    _text(plotter, result.facility.name.replace("_", " "), (0.025, 0.935), 38, INK)
    _text(plotter, line, (0.025, 0.893), 23, INK)


def _legend(plotter: Any, found: Boxes) -> None:
    for k, (label, colour) in enumerate(reversed(_colours(found).items())):
        swatch = _text(plotter, "    ", (0.025, 0.04 + 0.036 * k), 18, colour)
        swatch.prop.background_color, swatch.prop.background_opacity = colour, 1.0
        _text(plotter, label, (0.046, 0.04 + 0.036 * k), 18, INK)


# ---- files -------------------------------------------------------------------------------------------------------


def export(result: Result, path: str | Path, to: str = "png", scenario: int = 0) -> Path:
    """Write a picture ("png", 1600 x 900) or a mesh ("vtk": .vtp, .vtk or .vtm); nothing is half-written.

    A picture shows computed air as a cut across the rows, .vtm has its fields.

    Raises RenderError without PyVista, without an OpenGL library, or for another ending.
    """
    path = Path(path)
    if path.suffix not in ENDINGS[to]:
        raise RenderError(f"{path.name}: ending {path.suffix!r} is not {' or '.join(ENDINGS[to])}")
    ready(to)
    with tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as folder:
        draft = Path(folder) / path.name
        if to == "png":
            plotter = draw(result, scenario, off_screen=True)
            plotter.screenshot(draft)
            plotter.close()
        else:
            found = boxes(result, scenario)
            if path.suffix == ".vtm":
                _blocks(found, air.grids(result, _pyvista(), scenario)).save(draft)
            else:
                mesh(found).save(draft)
        for item in sorted(Path(folder).iterdir(), key=lambda p: p.is_file()):
            item.replace(path.parent / item.name)
    return path
