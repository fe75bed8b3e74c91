"""A scene on PyVista's stage: lights, camera, equipment, pipes, air, labels, scales."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from twin.columns import Array
from twin.show.scene import air, meshes
from twin.show.scene.labels import View, looking
from twin.show.scene.paint import LOST, UNKNOWN, Scale, rgb
from twin.show.scene.places import Floor, Things, chosen
from twin.show.scene.render import pyvista
from twin.show.scene.shapes import PAINTS, Solid, box

if TYPE_CHECKING:
    import pyvista as pv

    from twin.show.scene.scene import Scene

WINDOW = (1600, 900)
"""Width and height of a picture, in pixels."""

INK, PALE, RED, ORANGE = "#28323c", "#74808c", "#c8102e", "#d97700"
GROUND, FLOOR, WALL, CABLE, EDGE = "#f7f9fa", "#dfe4e8", "#d9dee3", "#7d8791", "#3c4650"

COLOURS = {
    "CDU": "#4a7aa3",
    "air handling": "#a9cde2",
    "cooling plant": "#7aa5bd",
    "power train": "#a3a9b1",
    "immersion": "#5f8f98",
    "other": "#d3d6da",
}
"""Colours of equipment by its legend, see `Component.legend`, in the order of the picture's legend."""

MORE = ("#c9b78c", "#8fae9b", "#b59ab0", "#c39a86", "#9aa56b")
"""Colours of other legends, in the order of the alphabet, over again where there are more."""

VIEWS = {
    "site": (-0.55, -0.68, 0.60),
    "hall": (-0.55, -0.68, 0.72),
    "row": (-0.45, -0.78, 0.42),
    "plant": (0.62, -0.62, 0.50),
    "top": (0.0, 0.0, 1.0),
}
"""Presets of the camera: from what is looked at to the eye."""

WIDE = (-0.16, -0.80, 0.58)
"""The same for a site that is more than twice as long along x as along y."""

STAGE = (0.55, 0.515, 0.86, 0.71)
"""Where the scene may lie in the picture: its middle, width and height as shares of the picture."""

BEFORE = -0.02
"""How far lines are drawn behind what they outline [m]."""

HEADER, FOOTER = 0.875, 0.15
"""Heights of the picture above and below which words are; the scene is veiled there."""

MAX_NAMED_ROOMS, MAX_EDGED = 12, 3000
"""Rooms above which names, and things above which edges would hide more than they show."""


def draw(scene: Scene, off_screen: bool) -> pv.Plotter:
    """A plotter with all of a scene."""
    pv = pyvista()
    plotter = pv.Plotter(off_screen=off_screen, window_size=list(WINDOW), lighting="none")
    plotter.set_background(GROUND)
    plotter.enable_anti_aliasing("msaa", multi_samples=8)
    _lights(plotter)
    things = scene.things
    view = _aim(plotter, scene)
    _rooms(plotter, scene)
    if scene.detail == "rooms":
        _blocks(plotter, scene)
    else:
        _equipment(plotter, scene)
        _panels(plotter, scene)
        _pipes(plotter, scene)
    _air(plotter, scene)
    _veil(plotter, 0.0, FOOTER)
    _veil(plotter, HEADER, 1.0)
    view.take(np.array([[0, 0, WINDOW[0], FOOTER * WINDOW[1]], [0, HEADER * WINDOW[1], *WINDOW]]))
    view.take(view.rectangles(things.low, things.low + things.size))
    view.take(view.dots(_outlines(scene)))
    for k, told in enumerate(scene.scales):
        _bar(plotter, told, k)
    _title(plotter, scene)
    view.take(np.array([_legend(plotter, scene)]))
    _mark(plotter, scene, view)
    if scene.labels:
        _names(plotter, scene, view)
    plotter.renderer.ResetCameraClippingRange()
    return plotter


def _outlines(scene: Scene) -> Array:
    """Points along walls and routes, which labels keep off (point, 3) [m]."""
    pieces = [np.zeros((0, 2, 3))]
    for floor in scene.things.floors:
        (x, y, z), (length, width, _) = floor.low, floor.size
        corners = np.array([(x, y, z), (x + length, y, z), (x + length, y + width, z), (x, y + width, z)])
        pieces.append(np.stack([corners, np.roll(corners, -1, axis=0)], axis=1))
    pieces += [np.stack([r.runs.start, r.runs.end], axis=1) for r in (scene.coolant, scene.power) if r is not None]
    ends = np.concatenate(pieces)
    share = np.linspace(0, 1, 24)[:, None, None]
    return (ends[:, 0] * (1 - share) + ends[:, 1] * share).reshape(-1, 3)


# ---- light and camera --------------------------------------------------------------------------------------------


def _lights(plotter: pv.Plotter) -> None:
    """A sun over the left shoulder and a soft fill, so that the three visible faces of a box differ."""
    pv = pyvista()
    for position, strength in (((-3.0, -6.0, 9.0), 0.85), ((-8.0, 2.0, 2.0), 0.16), ((6.0, -3.0, 2.0), 0.25)):
        light = pv.Light(position=position, focal_point=(0, 0, 0), intensity=strength, light_type="scene light")
        light.positional = False
        plotter.add_light(light)


def _aim(plotter: pv.Plotter, scene: Scene) -> View:
    """Point the camera, without perspective, at what the view shows."""
    points = scene.points_of(scene.view)
    view = looking(direction(scene.view, points), points, STAGE, WINDOW)
    camera = plotter.camera
    camera.focal_point, camera.up = view.middle, view.up
    camera.position = view.middle + view.eye * 4 * float(np.ptp(scene.things.corners, axis=0).max(initial=1.0) + 1)
    camera.parallel_projection = True
    camera.parallel_scale = view.half
    return view


def direction(view: str, points: Array) -> Array:
    """From what a view takes in, points (point, 3) [m], to the eye (3,)."""
    x, y, _ = np.ptp(points, axis=0)
    return np.array(WIDE if view == "site" and x > 2 * y else VIEWS[view])


# ---- what stands there -------------------------------------------------------------------------------------------


def _add(plotter: pv.Plotter, solid: Solid, **style: Any) -> None:
    """Polygons with soft light on them."""
    if len(solid.sizes):
        plotter.add_mesh(meshes.polydata(solid), **{"ambient": 0.42, "diffuse": 0.72, "show_scalar_bar": False} | style)


def _outline(plotter: pv.Plotter, solid: Solid, colour: str = EDGE, width: float = 1.0, opacity: float = 0.35) -> Any:
    """Edges of polygons, a little before them, as an actor; None without edges."""
    if len(solid.edges):
        ahead = solid._replace(points=solid.points + BEFORE * np.array(plotter.camera.direction))
        return plotter.add_mesh(meshes.lines(ahead), color=colour, line_width=width, opacity=opacity, lighting=False)
    return None


def _in_front(actor: Any) -> None:
    """Draw lines over all that stands before them."""
    actor.mapper.SetResolveCoincidentTopologyToPolygonOffset()
    actor.mapper.SetRelativeCoincidentTopologyLineOffsetParameters(0, -66000)


def _scaled(told: Scale) -> dict[str, Any]:
    """How PyVista colours numbers by a scale."""
    table = ["#{:02x}{:02x}{:02x}".format(*row) for row in told.table.tolist()]
    return {"cmap": table, "clim": [told.low, told.high], "nan_color": UNKNOWN}


def _rooms(plotter: pv.Plotter, scene: Scene) -> None:
    """Floors, and walls that are cut low."""
    floors = scene.things.floors
    if not floors:
        return
    _add(plotter, meshes.joined([meshes.floor(f) for f in floors]), color=FLOOR, ambient=0.75, diffuse=0.3)
    if len(floors) <= MAX_NAMED_ROOMS:
        walls = meshes.joined([meshes.walls(f) for f in floors])
        _add(plotter, walls, color=WALL)
        _outline(plotter, walls)


def _equipment(plotter: pv.Plotter, scene: Scene) -> None:
    """Things: the bodies by the variable, or by their legend where it says nothing of them, the rest in its paints."""
    solids = meshes.solids(scene.things, scene.detail == "boxes")
    for paint, (solid, _) in solids.items():
        if paint != "body":
            _add(plotter, solid, color=PAINTS[paint])
    solid, owner = solids["body"]
    _bodies(plotter, scene, solid, owner)
    if len(scene.things.names) <= MAX_EDGED:
        _outline(plotter, solid)


def _bodies(plotter: pv.Plotter, scene: Scene, solid: Solid, owner: Array) -> None:
    """Bodies by the variable, or by their legend where it says nothing of them, dark where they are lost.

    owner: number of the thing that each polygon is of (polygon,).
    """
    things, values = scene.things, scene.shown_values
    by_value, dark = np.isfinite(values)[owner], np.isin(owner, scene.lost_rows)
    shown = by_value & ~dark
    _add(plotter, _some(solid, shown), scalars=values[owner[shown]], **_scaled(scene.scale))
    _add(plotter, _some(solid, dark), color=LOST)
    plain = ~by_value & ~dark
    for legend, colour in colours(things).items():
        of_it = np.array([name == legend for name in things.legends])[owner]
        _add(plotter, _some(solid, of_it & plain), color=colour)
    _add(plotter, _some(solid, things.racks[owner] & plain), color=UNKNOWN)


def _some(solid: Solid, rows: Array) -> Solid:
    """Some of the polygons of a solid."""
    return solid._replace(sizes=solid.sizes[rows], corners=solid.corners[np.repeat(rows, solid.sizes)])


def colours(things: Things) -> dict[str, str]:
    """Colour by legend of what is no rack, in the order of the picture's legend."""
    present = {legend for legend, rack in zip(things.legends, things.racks, strict=True) if not rack}
    others = {name: MORE[k % len(MORE)] for k, name in enumerate(sorted(present - set(COLOURS)))}
    return {name: colour for name, colour in (COLOURS | others).items() if name in present}


def _panels(plotter: pv.Plotter, scene: Scene) -> None:
    """Upright screens as glass, tiles in the floor as a grid; what hangs over the racks is left open."""
    upright = [p for p in scene.things.panels if p.size[2] > 0]
    floors = {f.low[2]: f for f in scene.things.floors}
    tiles = [p for p in scene.things.panels if p.size[2] == 0 and p.low[2] - min(floors, default=0.0) < 1.5]
    if upright:
        glass = meshes.joined([meshes.sheet(p) for p in upright])
        _add(plotter, glass, color=PAINTS["glass"], opacity=0.22)
        _outline(plotter, glass, opacity=0.2)
    if tiles:
        _add(plotter, meshes.joined([meshes.sheet(p) for p in tiles]), color=PAINTS["metal"], opacity=0.6)


def _blocks(plotter: pv.Plotter, scene: Scene) -> None:
    """Rooms as blocks by the mean of what stands in them, and what stands outdoors as boxes."""
    things, values = scene.things, scene.shown_values
    rooms = np.array([np.nan] * len(things.floors))
    inside = dict[str, list[int]]()
    for i, room in enumerate(things.rooms):
        inside.setdefault(room, []).append(i)
    parts = []
    for k, floor in enumerate(things.floors):
        known = values[inside.get(floor.name, [])]
        rooms[k] = known[np.isfinite(known)].mean() if np.isfinite(known).any() else np.nan
        parts.append(box(np.array(floor.low), np.add(floor.low, floor.size)))
    blocks = meshes.joined(parts)
    owner = np.repeat(np.arange(len(parts)), 6)
    _add(plotter, blocks, scalars=rooms[owner], **_scaled(scene.scale))
    _outline(plotter, blocks)
    outside = np.flatnonzero([r == "" for r in things.rooms])
    solid, owner = meshes.solids(chosen(things, outside), True).get("body", (meshes.joined([]), np.zeros(0, int)))
    _bodies(plotter, scene, solid, outside[owner])


def _pipes(plotter: pv.Plotter, scene: Scene) -> None:
    """Pipes by the temperature of their coolant with arrows along the flow, and cables."""
    coolant, power = scene.coolant, scene.power
    if coolant is not None and len(coolant.runs.radius):
        solid, owner = meshes.pipes(coolant.runs)
        warm = coolant.temperature[coolant.runs.net[owner]] - 273.15
        _add(plotter, solid, scalars=warm, **_scaled(scene.coolant_scale))
        _add(plotter, meshes.arrows(coolant.runs)[0], color=INK)
    if power is not None and len(power.runs.radius):
        _add(plotter, meshes.cables(power.runs), color=CABLE)


def _air(plotter: pv.Plotter, scene: Scene) -> None:
    """Computed air by its temperature."""
    for kind in scene.air:
        for _, shape in air.shown(scene.result, kind, scene.scenario):
            style: dict[str, Any] = {"scalars": air.TEMPERATURE, "lighting": False}
            style |= {"line_width": 2} if kind == "streamlines" else {"opacity": 0.35 if kind == "isosurfaces" else 0.8}
            plotter.add_mesh(shape, show_scalar_bar=False, **style, **_scaled(scene.air_scale))


# ---- words -------------------------------------------------------------------------------------------------------


def _mark(plotter: pv.Plotter, scene: Scene, view: View) -> None:
    """Outline what is over a limit in orange and what binds in red, with a flag that says so."""
    things, row = scene.things, scene.things.row
    over = [row[n] for n in sorted(scene.marks.over - {scene.marks.binds}) if n in row]
    if over:
        outlines = meshes.joined([_around(things, i) for i in over])
        _in_front(_outline(plotter, outlines, ORANGE, 3.0, 1.0))
    binds = row.get(scene.marks.binds)
    floor = next((f for f in things.floors if f.name == scene.marks.binds), None)
    if binds is None and floor is None:
        return
    if binds is not None:
        _in_front(_outline(plotter, _around(things, binds), RED, 5.0, 1.0))
        foot = things.low[binds] + things.size[binds] * (0.5, 0.5, 1.0)
    else:
        assert floor is not None
        _outline(plotter, meshes.floor(floor), RED, 5.0, 1.0)
        foot = np.array(floor.low, float)
    text = f" {scene.marks.phrase} "
    x, y = view.project(foot[None])[0] / WINDOW
    if not (0 < x < 1 and FOOTER < y < HEADER):
        return
    at = view.place(text, 19, foot, must=True)
    if at is None:
        return
    _in_front(plotter.add_mesh(pyvista().Line(foot, at), color=RED, line_width=3, lighting=False))
    view.take(view.dots(foot + np.linspace(0, 1, 60)[:, None] * (at - foot)))
    style = write(plotter, text, tuple(at), 19, "white", world=True)
    style.justification_horizontal, style.justification_vertical = "center", "center"
    style.background_color, style.background_opacity, style.bold = RED, 1.0, True


def _around(things: Things, i: int) -> Solid:
    """A box a little larger than a thing."""
    return box(things.low[i] - 0.06, things.low[i] + things.size[i] + 0.06)


def _names(plotter: pv.Plotter, scene: Scene, view: View) -> None:
    """Names of rooms, where they cover nothing."""
    floors = scene.things.floors
    if scene.detail == "rooms":
        racks = {room for room, rack in zip(scene.things.rooms, scene.things.racks, strict=True) if rack}
        for floor in floors:
            if floor.name in racks:
                _on_roof(plotter, floor, view)
        return
    size = 17 if len(floors) <= MAX_NAMED_ROOMS else 12
    for floor in floors:
        (x, y, z), (length, width, _) = floor.low, floor.size
        text, top = floor.name.replace("_", " "), z
        for corner in ((x, y + width / 2, top), (x + length / 2, y, top), (x, y, top), (x + length, y + width, top)):
            at = view.place(text, size, np.array(corner), near=2)
            if at is not None:
                style = write(plotter, text, tuple(at), size, PALE, world=True)
                style.justification_horizontal, style.justification_vertical = "center", "center"
                break


def _on_roof(plotter: pv.Plotter, floor: Floor, view: View) -> None:
    """The name of a room that is a block, in the middle of its roof if it is wide enough, without what all share."""
    (x, y, z), (length, width, height) = floor.low, floor.size
    text = floor.name.partition("_")[0]
    roof = view.rectangles(np.array([[x, y, z + height]]), np.array([[x + length, y + width, z + height]]))[0]
    if roof[2] - roof[0] > 6 * len(text):
        style = write(plotter, text, (x + length / 2, y + width / 2, z + height), 12, INK, world=True)
        style.justification_horizontal, style.justification_vertical = "center", "center"


def write(
    plotter: pv.Plotter, text: str, at: tuple[float, ...], size: int, colour: str, *, world: bool = False
) -> pv.TextProperty:
    """A line of text at a point of the picture (shares of width and height) or of the hall (x, y, z) [m]; its style."""
    actor = pyvista().Text(text)
    actor.prop.font_size, actor.prop.color, actor.prop.font_family = size, colour, "arial"
    place = actor.GetPositionCoordinate()
    if world:
        place.SetCoordinateSystemToWorld()
    else:
        place.SetCoordinateSystemToNormalizedViewport()
    place.SetValue(*at[:2], at[2] if world else 0.0)
    plotter.add_actor(actor, reset_camera=False, pickable=False)
    return cast("pv.TextProperty", actor.prop)


def _veil(plotter: pv.Plotter, low: float, high: float) -> None:
    """A band across the picture, between shares of its height, that words can be read on."""
    vtk = import_module("vtkmodules.vtkRenderingCore")
    corners = np.array([[0, low, 0], [1, low, 0], [1, high, 0], [0, high, 0]], float)
    mapper, place = vtk.vtkPolyDataMapper2D(), vtk.vtkCoordinate()
    place.SetCoordinateSystemToNormalizedViewport()
    mapper.SetInputData(pyvista().PolyData(corners, [4, 0, 1, 2, 3]))
    mapper.SetTransformCoordinate(place)
    band = vtk.vtkActor2D()
    band.SetMapper(mapper)
    band.GetProperty().SetColor(*(c / 255 for c in rgb(GROUND)))
    band.GetProperty().SetOpacity(0.88)
    plotter.add_actor(band, reset_camera=False, pickable=False, render=False)


def _title(plotter: pv.Plotter, scene: Scene) -> None:
    """The facility's name, its headline figures and what binds."""
    write(plotter, scene.title, (0.025, 0.935), 38, INK)
    write(plotter, scene.line, (0.025, 0.893), 23, INK)


def _legend(plotter: pv.Plotter, scene: Scene) -> tuple[float, float, float, float]:
    """Colours of what is not coloured by the variable, and of marks; the rectangle that they take."""
    entries = scene.legend
    for k, (label, colour) in enumerate(reversed(entries)):
        swatch = write(plotter, "    ", (0.025, 0.04 + 0.036 * k), 18, colour)
        swatch.background_color, swatch.background_opacity = colour, 1.0
        words = write(plotter, f" {label} ", (0.043, 0.04 + 0.036 * k), 18, INK)
        words.background_color, words.background_opacity = GROUND, 0.88
    return 0.0, 0.0, 0.2 * WINDOW[0], (0.05 + 0.036 * len(entries)) * WINDOW[1]


def _bar(plotter: pv.Plotter, told: Scale, k: int) -> None:
    """A colour bar with its title, the first at the right."""
    pv = pyvista()
    x, width = 0.70 - 0.33 * k, 0.27
    table = pv.LookupTable(values=np.column_stack([told.table, np.full(256, 255)]), scalar_range=(told.low, told.high))
    mapper = pv.DataSetMapper(dataset=pv.PolyData(np.zeros((1, 3))))
    mapper.lookup_table = table
    bar: Any = plotter.add_scalar_bar  # whose decorated type lacks its first argument
    bar(
        title=f"{' ' * (k + 1)}",
        mapper=mapper,
        width=width,
        height=0.06,
        position_x=x,
        position_y=0.035,
        color=INK,
        label_font_size=18,
        n_labels=0,
        vertical=False,
    )
    for i, tick in enumerate(told.ticks):
        style = write(plotter, tick, (x + 0.004 + (width - 0.008) * i / told.steps, 0.072), 17, INK)
        style.justification_horizontal = "center"
    write(plotter, told.title, (x, 0.105), 18, INK)


def ascii_only(words: Iterable[str]) -> list[str]:
    """Words with all but ASCII escaped: VTK keeps nothing else."""
    return [w.encode("ascii", "backslashreplace").decode() for w in words]
