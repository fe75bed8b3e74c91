"""What equipment looks like: boxes, tubes and discs in a few paints, for each look, size and facing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from twin.columns import Array, Index
from twin.components.base import Facing, Look

PAINTS = {
    "body": "#aab2ba",
    "door": "#333d47",
    "panel": "#dfe4e8",
    "metal": "#8f99a3",
    "fan": "#2b333b",
    "lamp": "#62d0a6",
    "glass": "#9fc5d8",
}
"""Colours of what is not coloured by a variable. The body is: by the legend of its equipment, or by a variable."""

SIDES = 12
"""Flat faces around a tube."""

QUADS = np.array([[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [1, 3, 7, 5], [3, 2, 6, 7], [2, 0, 4, 6]])
"""Corners of the faces of a box whose corners count x first, counter-clockwise from outside, (6, 4)."""

RIMS = np.array([[0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7], [0, 4], [1, 5], [2, 6], [3, 7]])
"""Corners of its edges, (12, 2)."""

Span = tuple[float, float]


class Solid(NamedTuple):
    """Flat convex polygons, counter-clockwise from outside.

    points: (point, 3) [m]. sizes: how many corners each polygon has (polygon,). corners: points of all polygons one
    after the other (corner,). edges: points of the lines that outline them (edge, 2).
    """

    points: Array
    sizes: Index
    corners: Index
    edges: Index

    @property
    def triangles(self) -> Index:
        """The polygons as fans of triangles, (triangle, 3)."""
        first = np.repeat(np.cumsum(self.sizes) - self.sizes, self.sizes - 2)
        step = np.concatenate([np.arange(1, n - 1) for n in self.sizes.tolist()] or [np.zeros(0, np.int64)])
        return np.stack([self.corners[first], self.corners[first + step], self.corners[first + step + 1]], axis=1)

    def copies(self, offsets: Array) -> Solid:
        """The solid at each of some places, (place, 3)."""
        n, count = len(self.points), len(offsets)
        shift = (n * np.arange(count))[:, None]
        return Solid(
            (offsets[:, None] + self.points).reshape(-1, 3),
            np.tile(self.sizes, count),
            (shift + self.corners).ravel(),
            (shift[..., None] + self.edges).reshape(-1, 2),
        )


Shape = dict[str, Solid]
"""A solid for each paint."""


def joined(solids: list[Solid]) -> Solid:
    """Solids as one."""
    if not solids:
        return Solid(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
    start = np.cumsum([0, *(len(s.points) for s in solids)])
    return Solid(
        np.concatenate([s.points for s in solids]),
        np.concatenate([s.sizes for s in solids]),
        np.concatenate([s.corners + k for s, k in zip(solids, start, strict=False)]),
        np.concatenate([s.edges + k for s, k in zip(solids, start, strict=False)]),
    )


def box(low: Array, high: Array) -> Solid:
    """A box between its corners of least and greatest x, y and z."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    corners = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
    return Solid(low + (high - low) * corners, np.full(6, 4), QUADS.ravel(), RIMS)


def tube(
    axis: int, centre: tuple[float, float], radius: float, along: Span, end: float | None = None, sides: int = SIDES
) -> Solid:
    """A closed tube along an axis.

    centre: in the two other axes, in their order after it (x: y, z; y: z, x; z: x, y). along: where it begins and
    ends. end: its radius there, if another. sides: flat faces around it.
    """
    angle = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.empty((2 * sides, 3))
    for k, (at, r) in enumerate(zip(along, (radius, radius if end is None else end), strict=True)):
        rows = slice(k * sides, (k + 1) * sides)
        points[rows, axis] = at
        points[rows, (axis + 1) % 3] = centre[0] + r * ring[:, 0]
        points[rows, (axis + 2) % 3] = centre[1] + r * ring[:, 1]
    near, far = np.arange(sides), sides + np.arange(sides)
    after = np.roll(near, -1)
    faces = np.stack([near, after, after + sides, far], axis=1).ravel()
    corners = np.concatenate([near[::-1], far, faces])
    edges = np.concatenate([np.stack([near, after], 1), np.stack([far, after + sides], 1)])
    return Solid(points, np.array([sides, sides] + [4] * sides), corners, edges)


class _Draft:
    """Parts put together in the frame of a front that points to -y: width along x, depth along y."""

    def __init__(self, width: float, depth: float, height: float, units: int) -> None:
        self.w, self.d, self.h, self.units = width, depth, height, units
        self._parts: dict[str, list[Solid]] = {}

    def box(self, paint: str, x: Span, y: Span, z: Span) -> None:
        low, high = zip(x, y, z, strict=True)
        self._parts.setdefault(paint, []).append(box(np.array(low), np.array(high)))

    def tube(
        self, paint: str, axis: str, centre: tuple[float, float], radius: float, along: Span, end: float | None = None
    ) -> None:
        self._parts.setdefault(paint, []).append(tube("xyz".index(axis), centre, radius, along, end))

    def shape(self) -> Shape:
        return {paint: joined(parts) for paint, parts in self._parts.items()}

    def columns(self, count: int) -> list[Span]:
        """The width in equal parts."""
        return [(self.w * k / count, self.w * (k + 1) / count) for k in range(count)]


# ---- looks -------------------------------------------------------------------------------------------------------


def _cabinet(d: _Draft) -> None:
    """A cabinet with doors about 0.8 m wide."""
    skin = min(0.03, d.d / 4)
    d.box("body", (0, d.w), (skin, d.d), (0, d.h))
    for a, b in d.columns(max(1, round(d.w / 0.8))):
        gap = min(0.02, (b - a) / 8)
        d.box("panel", (a + gap, b - gap), (0, skin), (0.08 * d.h, 0.97 * d.h))


def _rack(d: _Draft) -> None:
    """A rack: a dark door with shelves behind it and a strip of lamps."""
    skin = min(0.03, d.d / 4)
    d.box("body", (0, d.w), (skin, d.d), (0, d.h))
    d.box("door", (0.03 * d.w, 0.97 * d.w), (skin / 3, skin), (0.03 * d.h, 0.97 * d.h))
    for share in (0.26, 0.5, 0.74):
        d.box("metal", (0.08 * d.w, 0.86 * d.w), (0, skin / 3), (share * d.h, (share + 0.012) * d.h))
    d.box("lamp", (0.9 * d.w, 0.94 * d.w), (0, skin / 3), (0.1 * d.h, 0.9 * d.h))


def _cdu(d: _Draft) -> None:
    """A CDU: doors, a screen, and stubs of four pipes on top."""
    skin, top = min(0.03, d.d / 4), 0.94 * d.h
    d.box("body", (0, d.w), (skin, d.d), (0, top))
    for a, b in d.columns(2):
        d.box("panel", (a + 0.02, b - 0.02), (skin / 3, skin), (0.06 * d.h, 0.9 * d.h))
    d.box("lamp", (0.58 * d.w, 0.82 * d.w), (0, skin / 3), (0.62 * d.h, 0.7 * d.h))
    for share in (0.2, 0.4, 0.6, 0.8):
        d.tube("metal", "z", (share * d.w, 0.72 * d.d), 0.05 * min(d.w, d.d), (top, d.h))


def _fan_wall(d: _Draft) -> None:
    """An air handler: a fan in front for each unit, a row of them if it is low and wide."""
    skin = min(0.06, d.d / 4)
    d.box("body", (0, d.w), (skin, d.d), (0, d.h))
    across = max(d.units, round(d.w / d.h), 1)
    for a, b in d.columns(across):
        width = b - a
        rows = min(max(1, round(d.h / width)), MAX_FANS)
        for k in range(rows):
            z = d.h * (k + 0.5) / rows
            radius = 0.42 * min(width, d.h / rows)
            d.tube("fan", "y", (z, (a + b) / 2), radius, (0, skin))
            d.tube("metal", "y", (z, (a + b) / 2), 0.25 * radius, (0, skin / 2))


def _door(d: _Draft) -> None:
    """A rear-door exchanger: a frame around its coil."""
    d.box("body", (0, d.w), (0.3 * d.d, d.d), (0, d.h))
    d.box("metal", (0.08 * d.w, 0.92 * d.w), (0, 0.3 * d.d), (0.04 * d.h, 0.96 * d.h))


def _tub(d: _Draft) -> None:
    """An immersion tank with a lid."""
    d.box("body", (0, d.w), (0, d.d), (0, 0.92 * d.h))
    d.box("glass", (0.03 * d.w, 0.97 * d.w), (0.05 * d.d, 0.95 * d.d), (0.92 * d.h, d.h))


def _pumps(d: _Draft) -> None:
    """Pumps side by side on a frame, under a header."""
    d.box("metal", (0, d.w), (0, d.d), (0, 0.06 * d.h))
    for a, b in d.columns(max(d.units, 1)):
        middle, radius = (a + b) / 2, min(0.38 * (b - a), 0.16 * d.h)
        d.tube("body", "y", (0.06 * d.h + 1.15 * radius, middle), radius, (0.08 * d.d, 0.72 * d.d))
        d.tube("metal", "z", (middle, 0.82 * d.d), min(0.45 * radius, 0.15 * d.d), (0.06 * d.h, 0.9 * d.h))
    radius = min(0.06 * d.h, 0.12 * d.d)
    d.tube("metal", "x", (0.82 * d.d, d.h - radius), radius, (0, d.w))


def _tank(d: _Draft) -> None:
    """An upright vessel on a foot."""
    radius, centre = min(d.w, d.d) / 2, (d.w / 2, d.d / 2)
    d.tube("metal", "z", centre, 0.7 * radius, (0, 0.08 * d.h))
    d.tube("body", "z", centre, radius, (0.08 * d.h, 0.86 * d.h))
    d.tube("body", "z", centre, radius, (0.86 * d.h, d.h), 0.3 * radius)


def _fans_on_top(d: _Draft, low: float, high: float) -> None:
    """Two rows of fans on every module between two heights."""
    for a, b in d.columns(max(d.units, 1)):
        along = min(max(1, round((b - a) / (d.d / 2))), MAX_FANS)
        for i in range(along):
            for j in range(2):
                x, y = a + (b - a) * (i + 0.5) / along, d.d * (0.27 + 0.46 * j)
                radius = 0.42 * min((b - a) / along, d.d / 2)
                d.tube("fan", "z", (x, y), radius, (low, high))
                d.tube("metal", "z", (x, y), 0.28 * radius, (high - 1e-3, high))


def _dry_cooler(d: _Draft) -> None:
    """Coils on legs under fans, a module for each unit."""
    top = 0.92 * d.h
    for a, b in d.columns(max(d.units, 1)):
        gap = min(0.06, 0.04 * (b - a))
        d.box("body", (a + gap, b - gap), (0, d.d), (0.3 * d.h, top))
        for x in (a + gap, b - gap - 0.04 * d.d):
            for y in (0.0, 0.94 * d.d):
                d.box("metal", (x, x + 0.04 * d.d), (y, y + 0.06 * d.d), (0, 0.3 * d.h))
        d.box("panel", (a + 0.1 * (b - a), b - 0.1 * (b - a)), (0, 0.01 * d.d), (0.36 * d.h, 0.84 * d.h))
    _fans_on_top(d, top, d.h)


def _chiller(d: _Draft) -> None:
    """Packaged chillers: compressors below, coils and fans above, a module for each unit."""
    top = 0.93 * d.h
    for a, b in d.columns(max(d.units, 1)):
        gap = min(0.06, 0.04 * (b - a))
        d.box("metal", (a + gap, b - gap), (0.06 * d.d, 0.94 * d.d), (0, 0.4 * d.h))
        d.box("body", (a + gap, b - gap), (0, d.d), (0.4 * d.h, top))
        d.tube("panel", "x", (0.14 * d.d, 0.2 * d.h), min(0.07 * d.h, 0.12 * d.d), (a + 2 * gap, b - 2 * gap))
    _fans_on_top(d, top, d.h)


def _tower(d: _Draft) -> None:
    """Cooling-tower cells: louvres below, a fan stack above, a cell for each unit."""
    top = 0.8 * d.h
    for a, b in d.columns(max(d.units, 1)):
        gap = min(0.1, 0.04 * (b - a))
        d.box("body", (a + gap, b - gap), (0.02 * d.d, 0.98 * d.d), (0, top))
        for k in range(5):
            z = (0.08 + 0.1 * k) * d.h
            d.box("fan", (a + 3 * gap, b - 3 * gap), (0, d.d), (z, z + 0.03 * d.h))
        radius = 0.4 * min(b - a, d.d)
        d.tube("metal", "z", ((a + b) / 2, d.d / 2), radius, (top, d.h), 0.9 * radius)
        d.tube("fan", "z", ((a + b) / 2, d.d / 2), 0.8 * radius, (d.h - 1e-3, d.h))


def _transformer(d: _Draft) -> None:
    """A tank between its radiators, with three bushings."""
    top = 0.78 * d.h
    d.box("body", (0.12 * d.w, 0.88 * d.w), (0.2 * d.d, 0.8 * d.d), (0.04 * d.h, top))
    d.box("metal", (0, d.w), (0.15 * d.d, 0.85 * d.d), (0, 0.04 * d.h))
    for k in range(7):
        x = (0.16 + 0.1 * k) * d.w
        d.box("metal", (x, x + 0.05 * d.w), (0, 0.2 * d.d), (0.12 * d.h, 0.7 * d.h))
        d.box("metal", (x, x + 0.05 * d.w), (0.8 * d.d, d.d), (0.12 * d.h, 0.7 * d.h))
    for share in (0.28, 0.5, 0.72):
        d.tube("panel", "z", (share * d.w, d.d / 2), 0.05 * d.d, (top, d.h), 0.02 * d.d)


def _generator(d: _Draft) -> None:
    """A set in its container, with louvres and an exhaust."""
    top = 0.86 * d.h
    d.box("body", (0.02 * d.w, 0.98 * d.w), (0, d.d), (0.06 * d.h, top))
    d.box("metal", (0, d.w), (0.05 * d.d, 0.95 * d.d), (0, 0.06 * d.h))
    for x in ((0, 0.02 * d.w), (0.98 * d.w, d.w)):
        d.box("fan", x, (0.12 * d.d, 0.88 * d.d), (0.2 * d.h, 0.76 * d.h))
    d.tube("metal", "z", (0.16 * d.w, d.d / 2), 0.08 * d.d, (top, d.h))


def _substation(d: _Draft) -> None:
    """Where the utility's lines arrive: a pad, a control house and a gantry with three insulators."""
    d.box("panel", (0, d.w), (0, d.d), (0, 0.04 * d.h))
    d.box("body", (0.1 * d.w, 0.9 * d.w), (0.08 * d.d, 0.42 * d.d), (0.04 * d.h, 0.5 * d.h))
    for x in (0.1, 0.86):
        d.box("metal", (x * d.w, (x + 0.04) * d.w), (0.7 * d.d, 0.74 * d.d), (0.04 * d.h, d.h))
    d.box("metal", (0.1 * d.w, 0.9 * d.w), (0.7 * d.d, 0.74 * d.d), (0.94 * d.h, d.h))
    for share in (0.28, 0.5, 0.72):
        d.tube("panel", "z", (share * d.w, 0.72 * d.d), 0.025 * d.d, (0.72 * d.h, 0.94 * d.h))


def _plain(d: _Draft) -> None:
    """A box."""
    d.box("body", (0, d.w), (0, d.d), (0, d.h))


LOOKS: dict[Look, Callable[[_Draft], None]] = {
    "cabinet": _cabinet,
    "rack": _rack,
    "cdu": _cdu,
    "fan_wall": _fan_wall,
    "door": _door,
    "tub": _tub,
    "pumps": _pumps,
    "tank": _tank,
    "dry_cooler": _dry_cooler,
    "chiller": _chiller,
    "tower": _tower,
    "transformer": _transformer,
    "generator": _generator,
    "substation": _substation,
    "busway": _plain,
}
"""How each look is drawn; others along routes, as rooms or not at all, and as boxes where a layout has them placed."""

LONG: frozenset[Look] = frozenset({"dry_cooler", "chiller", "tower", "generator", "pumps", "transformer", "substation"})
"""Looks without a front, which lie along the longer of their sides."""

MAX_UNITS, MAX_FANS = 12, 3
"""Units that are told apart in one box, and rows of fans above each other in front of it."""


@cache
def shape(look: Look, size: tuple[float, float, float], way: Facing, units: int = 1, plain: bool = False) -> Shape:
    """A shape whose corner of least x, y and z is the origin.

    size: lengths along x, y and z [m]. way: where its front points. units: how many units it stands for. plain: as a
    box, for pictures of so many things that nothing smaller can be seen.
    """
    if look in LONG:
        way = "+x" if size[1] > size[0] else "-y"
    x, y, height = size
    width, depth = (x, y) if way[1] == "y" else (y, x)
    draft = _Draft(width, depth, height, min(units, MAX_UNITS))
    (_plain if plain else LOOKS.get(look, _plain))(draft)
    return {paint: s._replace(points=turned(s.points, width, depth, way)) for paint, s in draft.shape().items()}


def turned(points: Array, width: float, depth: float, way: Facing) -> Array:
    """Points with the front at -y turned to another side, about the corner of least x and y."""
    u, v, z = points.T
    x, y = {
        "-y": (u, v),
        "+y": (width - u, depth - v),
        "-x": (v, width - u),
        "+x": (depth - v, u),
    }[way]
    return np.stack([x, y, z], axis=1)
