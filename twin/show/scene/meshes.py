"""Things, pipes and rooms as polygons: joined into few large meshes, for VTK and for files alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from twin.columns import Array, Index
from twin.components.base import Facing, Look
from twin.show.scene.places import Floor, Panel, Things
from twin.show.scene.render import pyvista
from twin.show.scene.routes import Runs
from twin.show.scene.shapes import Solid, box, joined, shape, tube

if TYPE_CHECKING:
    import pyvista as pv

WALL, THICK = 0.9, 0.15
"""Height at which walls are cut, and their thickness [m]."""

ShapeKey = tuple[Look, tuple[float, float, float], Facing, int, bool]
"""Arguments of `shape`: all that it looks like."""

HEAD, SHORTEST = 2.2, 8.0
"""Arrows on pipes: their radius over that of the pipe, and how many radii long a pipe is that has one."""


def shaped(things: Things, plain: bool = False) -> dict[ShapeKey, list[int]]:
    """Things by what they look like: those of one shape, size and facing together, by number."""
    groups = defaultdict[ShapeKey, list[int]](list)
    sizes = [(round(x, 4), round(y, 4), round(z, 4)) for x, y, z in things.size.tolist()]
    for i, key in enumerate(zip(things.looks, sizes, things.ways, things.units, strict=True)):
        groups[(*key, plain)].append(i)
    return groups


def solids(things: Things, plain: bool = False) -> dict[str, tuple[Solid, Index]]:
    """Everything as one solid for each paint, and the number of the thing that each polygon is of."""
    parts, owners = defaultdict[str, list[Solid]](list), defaultdict[str, list[Index]](list)
    for key, rows in shaped(things, plain).items():
        for paint, solid in shape(*key).items():
            parts[paint].append(solid.copies(things.low[rows]))
            owners[paint].append(np.repeat(rows, len(solid.sizes)))
    return {paint: (joined(parts[paint]), np.concatenate(owners[paint])) for paint in parts}


def pipes(runs: Runs) -> tuple[Solid, Index]:
    """Tubes along runs, and the number of the run that each polygon is of."""
    unit = lambda axis: tube(axis, (0.0, 0.0), 1.0, (0.0, 1.0), sides=8)  # noqa: E731
    return _along(runs, unit, runs.start, runs.end, runs.radius, 0.9)


def cables(runs: Runs) -> Solid:
    """Thinner tubes."""
    unit = lambda axis: tube(axis, (0.0, 0.0), 1.0, (0.0, 1.0), sides=4)  # noqa: E731
    return _along(runs, unit, runs.start, runs.end, runs.radius)[0]


def arrows(runs: Runs) -> tuple[Solid, Index]:
    """Cones in the middle of longer runs that point along the flow."""
    length = np.abs(runs.end - runs.start).max(axis=1, initial=0.0)
    long = np.flatnonzero(length > np.maximum(SHORTEST * runs.radius, 0.5))
    some = Runs(runs.start[long], runs.end[long], runs.radius[long], runs.net[long])
    radius = HEAD * some.radius
    way = (some.end - some.start) / length[long, None]
    start = (some.start + some.end) / 2 - way * radius[:, None]
    solid, owner = _along(
        some,
        lambda axis: tube(axis, (0.0, 0.0), 1.0, (0.0, 1.0), 0.05),
        start,
        start + 2 * way * radius[:, None],
        radius,
    )
    return solid, long[owner]


def _along(
    runs: Runs, unit: Callable[[int], Solid], start: Array, end: Array, radius: Array, beyond: float = 0.0
) -> tuple[Solid, Index]:
    """A unit solid along an axis stretched from start to end of each run, `beyond` times its radius past both."""
    parts, owners = list[Solid](), list[Index]()
    way = end - start
    axes = np.abs(way).argmax(axis=1) if len(way) else np.zeros(0, int)
    for axis in range(3):
        rows = np.flatnonzero(axes == axis)
        if not len(rows):
            continue
        solid = unit(axis)
        scale = np.repeat(radius[rows, None], 3, axis=1)
        sign = np.sign(way[rows, axis])
        scale[:, axis] = way[rows, axis] + 2 * sign * beyond * radius[rows]
        origin = start[rows].copy()
        origin[:, axis] -= sign * beyond * radius[rows]
        points = (origin[:, None] + scale[:, None] * solid.points).reshape(-1, 3)
        copies = solid.copies(np.zeros((len(rows), 3)))
        corners = copies.corners.reshape(len(rows), -1)
        corners[sign < 0] = corners[sign < 0][
            :, _reversed(np.arange(len(solid.corners)), solid.sizes)
        ]  # else inside out
        parts.append(copies._replace(points=points, corners=corners.ravel()))
        owners.append(np.repeat(rows, len(solid.sizes)))
    return joined(parts), np.concatenate([np.zeros(0, np.int64), *owners])


def _reversed(corners: Index, sizes: Index) -> Index:
    """Polygons that go round the other way."""
    return np.concatenate([part[::-1] for part in np.split(corners, np.cumsum(sizes)[:-1])])


def floor(room: Floor) -> Solid:
    """The floor of a room, as a slab whose top it is."""
    low = np.array(room.low, float)
    return box(low - np.array([0.0, 0.0, 0.1]), low + np.array([room.size[0], room.size[1], 0.0]))


def walls(room: Floor) -> Solid:
    """The walls of a room, cut low."""
    (x, y, z), (length, width, height) = room.low, room.size
    top, t = z + min(WALL, height), THICK
    return joined(
        [
            box(np.array([x - t, y - t, z - 0.1]), np.array([x + length + t, y, top])),
            box(np.array([x - t, y + width, z - 0.1]), np.array([x + length + t, y + width + t, top])),
            box(np.array([x - t, y, z - 0.1]), np.array([x, y + width, top])),
            box(np.array([x + length, y, z - 0.1]), np.array([x + length + t, y + width, top])),
        ]
    )


def sheet(panel: Panel) -> Solid:
    """A screen as a sheet of 2 cm."""
    low = np.array(panel.low, float)
    lengths = np.array(panel.size, float)
    thick = np.where(lengths == 0.0, 0.02, 0.0)
    return box(low - thick / 2, low + lengths + thick / 2)


# ---- VTK ---------------------------------------------------------------------------------------------------------


def polydata(solid: Solid) -> pv.PolyData:
    """Polygons as PyVista has them."""
    ends = np.cumsum(solid.sizes + 1)
    faces = np.empty(int(ends[-1]) if len(ends) else 0, np.int64)
    heads = ends - solid.sizes - 1
    faces[heads] = solid.sizes
    others = np.ones(len(faces), bool)
    others[heads] = False
    faces[others] = solid.corners
    return pyvista().PolyData(solid.points, faces)


def lines(solid: Solid) -> pv.PolyData:
    """The edges of polygons as PyVista has lines."""
    cells = np.column_stack([np.full(len(solid.edges), 2), solid.edges]).ravel()
    return pyvista().PolyData(solid.points, lines=cells)
