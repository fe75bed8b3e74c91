"""A room's geometry as cells: which faces are closed, where air is driven, what is solid.

A rack is a box that is open at its front and its back and driven by its fans over its whole depth; a cooler is a box
with its fans and its coil at its outlet and an open intake at its back or on top; everything else that fills space is
solid. Screens are thin: panels, doors and containment where they are closed, perforated tiles and grilles where a part
of them is open; one that is open lies as an opening in one that is closed, and both have a hole where equipment stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.elements import Array
from twin.kernels.finite_volume import Grid


@dataclass(frozen=True)
class Part:
    """Equipment in a room, as a box from `low` to `high` [m]; air leaves along `axis` in the direction of `sign`.

    A rack's `sign` points from its front to its back, a cooler's out of its outlet. `span` is the height through which
    a rack's air passes, `outlet` the width and height of a cooler's opening, `sill` above its base; `intake` is where a
    cooler draws its air: "back" or "top".
    """

    name: str
    role: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    axis: int = 0
    sign: int = 1
    span: tuple[float, float] | None = None
    outlet: tuple[float, float] | None = None
    intake: str = "back"
    sill: float = 0.0


@dataclass(frozen=True)
class Screen:
    """A thin rectangle across `axis` from `low` to `high` [m]: closed, or open by a share with a loss of K u²/2."""

    name: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    axis: int
    open_area: float = 0.0

    @property
    def loss(self) -> float:
        """Loss coefficient on the approach velocity of a thin perforated plate [Fried & Idelchik, 1989, ch. 8]."""
        f = self.open_area
        return (0.707 * (1.0 - f) ** 0.375 + 1.0 - f) ** 2 / f**2


@dataclass(frozen=True)
class Through:
    """Faces through which a rack or cooler passes its air, and the cells that it heats or whose temperature it sets."""

    name: str
    role: str
    axis: int
    sign: int
    driven: Array  # (m, 3) faces of imposed velocity
    area: float  # m², of one plane of them
    upstream: Array  # (k, 3) cells from which it draws
    cells: Array  # (c, 3)


@dataclass
class Geometry:
    """A room's grid, its closed faces by direction, and what stands in it."""

    grid: Grid
    closed: tuple[Array, Array, Array]
    losses: list[tuple[int, Array, float]]
    through: list[Through]
    solid: Array
    skins: dict[str, Array] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def racks(self) -> list[Through]:
        """Racks, in the order of their parts."""
        return [t for t in self.through if t.role == "rack"]

    @property
    def coolers(self) -> list[Through]:
        """Coolers, in the order of their parts."""
        return [t for t in self.through if t.role == "cooler"]

    @cached_property
    def compartments(self) -> Array:
        """Number of each cell's compartment, (z, y, x), between closed faces and imposed flows; -1 in solids."""
        nz, ny, nx = self.grid.shape
        number = np.arange(nz * ny * nx).reshape(nz, ny, nx)
        shut = [c.copy() for c in self.closed]
        for t in self.through:
            shut[t.axis][tuple(t.driven.T)] = True
        start, end = [], []
        for axis, mask in zip((2, 1, 0), shut, strict=True):
            inner = [slice(None)] * 3
            inner[axis] = slice(1, -1)
            low, high = np.delete(number, -1, axis), np.delete(number, 0, axis)
            way = ~mask[tuple(inner)]
            start.append(low[way])
            end.append(high[way])
        pairs = np.concatenate(start), np.concatenate(end)
        graph = coo_array((np.ones(len(pairs[0])), pairs), shape=(number.size, number.size))
        label = connected_components(graph, directed=False)[1].reshape(number.shape)
        return np.where(self.solid, -1, label)


def geometry(size: Sequence[float], cell: float, parts: Sequence[Part], screens: Sequence[Screen]) -> Geometry:
    """Cells and faces of a room; what cannot be is told in `faults`: overlaps, places outside, fronts against walls."""
    grid = Grid.uniform(size, cell)
    nz, ny, nx = grid.shape
    closed = (
        np.zeros((nz, ny, nx + 1), bool),
        np.zeros((nz, ny + 1, nx), bool),
        np.zeros((nz + 1, ny, nx), bool),
    )
    for d, mask in enumerate(closed):
        ends: list[Any] = [slice(None)] * 3
        for end in (0, -1):
            ends[2 - d] = end
            mask[tuple(ends)] = True
    g = Geometry(grid, closed, [], [], np.zeros(grid.shape, bool))
    taken, owners = np.full(grid.shape, -1), []
    own = tuple(np.zeros_like(mask) for mask in closed)
    inside = []
    for item in (*parts, *screens):
        if any(a < -1e-6 or b > s + 1e-6 for a, b, s in zip(item.low, item.high, size, strict=True)):
            box = " to ".join(str(tuple(round(float(v), 2) for v in c)) for c in (item.low, item.high))
            g.faults.append(f"{item.name}: stands outside its room: {box} m in a room of {tuple(map(float, size))} m")
        else:
            inside.append(item)
    for part in (p for p in inside if isinstance(p, Part)):
        box = _box(grid, part.low, part.high)
        for other in owners:
            shared = min(
                min(a, b) - max(c, d) for a, b, c, d in zip(part.high, other.high, part.low, other.low, strict=True)
            )
            if shared > 0.02:
                g.faults.append(f"{part.name}: overlaps {other.name}")
        mixed = np.setdiff1d(taken[box], [-1])
        if len(mixed) and not g.faults:
            other = owners[mixed[0]].name
            g.faults.append(
                f"{part.name}: cells of {cell:g} m are too coarse to part it from {other}; give smaller ones"
            )
        taken[box], owners = len(owners), [*owners, part]
        for d, mask in enumerate(own):
            mask[_faces_of(box, d)] = True
        _place(g, part, box)
    _hang(g, [s for s in inside if isinstance(s, Screen)], own)
    _reachable(g)
    return g


def _box(grid: Grid, low: Any, high: Any) -> tuple[slice, slice, slice]:
    """Cells z, y, x between two corners, one at least along every axis."""
    found = []
    for axis, (a, b) in zip("xyz", zip(low, high, strict=True), strict=True):
        edges = grid.edges(axis)
        first = int(np.argmin(np.abs(edges - a)))
        last = int(np.argmin(np.abs(edges - b)))
        first = min(first, len(edges) - 2)
        found.append(slice(first, max(last, first + 1)))
    return found[2], found[1], found[0]


def _shell(g: Geometry, box: tuple[slice, slice, slice], skip: Sequence[tuple[int, int]] = ()) -> None:
    """Close the faces around a box, but for the ends (direction, -1 or 1) to skip."""
    for d, mask in enumerate(g.closed):
        axis = 2 - d
        for end, at in ((-1, box[axis].start), (1, box[axis].stop)):
            if (d, end) not in skip:
                place = list(box)
                place[axis] = at
                mask[tuple(place)] = True


def _fill(g: Geometry, box: tuple[slice, slice, slice]) -> None:
    """Make a box solid: no air passes any of its faces."""
    g.solid[box] = True
    for d, mask in enumerate(g.closed):
        mask[_faces_of(box, d)] = True


def _faces_of(box: tuple[slice, slice, slice], d: int) -> tuple[slice, ...]:
    """Faces of direction d in and around a box."""
    return tuple(slice(s.start, s.stop + (axis == 2 - d)) for axis, s in enumerate(box))


def _indices(*ranges: Any) -> Array:
    return np.stack([m.ravel() for m in np.meshgrid(*ranges, indexing="ij")], axis=1)


def _place(g: Geometry, part: Part, box: tuple[slice, slice, slice]) -> None:
    if part.role == "solid":
        _fill(g, box)
        g.skins[part.name] = _skin(g, box)
        return
    d, axis = part.axis, 2 - part.axis
    base = part.low[2]
    if part.role == "rack" and part.span is not None:
        span = _box(g.grid, (*part.low[:2], base + part.span[0]), (*part.high[:2], base + part.span[1]))[0]
        for rest in (slice(box[0].start, span.start), slice(span.stop, box[0].stop)):
            if rest.stop > rest.start:
                _fill(g, (rest, *box[1:]))
        box = (span, *box[1:])
    ranges = [np.arange(s.start, s.stop) for s in box]
    front, back = (box[axis].start, box[axis].stop) if part.sign > 0 else (box[axis].stop, box[axis].start)
    planes = np.arange(box[axis].start, box[axis].stop + 1)
    if part.role == "rack":
        _shell(g, box, ((d, -1), (d, 1)))
        drive, heated = list(ranges), list(ranges)
        drive[axis] = planes
        before = front - 1 if part.sign > 0 else front
    else:
        open_ends = ((d, -part.sign),) if part.intake == "back" else ((2, 1),)
        _shell(g, box, (*open_ends, (d, part.sign)))
        across = 1 - part.axis
        drive, heated = list(ranges), list(ranges)
        if part.outlet is not None:
            middle = 0.5 * (part.low[across] + part.high[across])
            low, high = list(part.low), list(part.high)
            low[across], high[across] = middle - 0.5 * part.outlet[0], middle + 0.5 * part.outlet[0]
            low[2], high[2] = base + part.sill, base + part.sill + part.outlet[1]
            opening = _box(g.grid, low, high)
            place = list(box)
            place[axis] = back
            g.closed[d][tuple(place)] = True
            place = list(opening)
            place[axis] = back
            g.closed[d][tuple(place)] = False
            drive = [np.arange(s.start, s.stop) for s in opening]
            heated = list(drive)
        drive[axis] = np.array([back])
        heated[axis] = np.array([back - 1 if part.sign > 0 else back])
        before = box[axis].start - 1 if part.sign > 0 else box[axis].stop
        if part.intake == "back" or box[axis].stop - box[axis].start > 1:  # else the coil would close the way down
            _straighten(g, d, _indices(*heated))
    upstream = list(ranges)
    upstream[axis] = np.array([before])
    if part.role == "cooler" and part.intake == "top":
        upstream = [np.array([box[0].stop]), *ranges[1:]]
    ahead = [np.array([(back if part.sign > 0 else back - 1)]) if a == axis else r for a, r in enumerate(drive)]
    for what, cells in (("draws its air from", upstream), ("blows its air into", ahead)):
        for a, (r, n) in enumerate(zip(cells, g.grid.shape, strict=True)):
            if r.min() >= 0 and r.max() < n:
                continue
            edges = g.grid.edges("zyx"[a])
            gap = part.low[2 - a] if r.min() < 0 else edges[-1] - part.high[2 - a]
            fault = f"{what} the wall of its room; turn it or move it off the wall"
            if gap > 0.02:
                fault = f"cells of {edges[1]:.2g} m are too coarse to part it from the wall; give at most {gap:.2g} m"
            g.faults.append(f"{part.name}: {fault}")
            return
    sides = [getattr(g.grid, c) for c in "zyx"]
    area = np.prod([sides[a][drive[a]].sum() for a in range(3) if a != axis])
    g.through.append(
        Through(
            part.name, part.role, d, part.sign, _indices(*drive), float(area), _indices(*upstream), _indices(*heated)
        )
    )


def _straighten(g: Geometry, d: int, cells: Array) -> None:
    """Close the faces between a coil's cells but along its axis: its fins let air leave straight, however it came."""
    for other, mask in enumerate(g.closed):
        if other != d:
            for step in (0, 1):
                at = cells.copy()
                at[:, 2 - other] += step
                mask[tuple(at.T)] = True


def _skin(g: Geometry, box: tuple[slice, slice, slice]) -> Array:
    """Cells that touch a solid box on its sides and on top, (m, 3)."""
    found = []
    for axis, step in ((0, 1), (1, -1), (1, 1), (2, -1), (2, 1)):
        ranges = [np.arange(s.start, s.stop) for s in box]
        at = box[axis].stop if step > 0 else box[axis].start - 1
        if 0 <= at < g.grid.shape[axis]:
            ranges[axis] = np.array([at])
            found.append(_indices(*ranges))
    return np.concatenate(found) if found else np.zeros((0, 3), int)


def _hang(g: Geometry, screens: Sequence[Screen], own: Sequence[Array]) -> None:
    """Close the faces of screens, snapped to the grid, then narrow those of openings; equipment keeps its `own`."""
    shut = []
    for s in sorted(screens, key=lambda s: s.open_area > 0.0):
        axis = 2 - s.axis
        edges = g.grid.edges("xyz"[s.axis])
        place = int(np.argmin(np.abs(edges - s.low[s.axis])))
        box = _box(g.grid, s.low, s.high)
        at = _indices(*(np.array([place]) if a == axis else np.arange(r.start, r.stop) for a, r in enumerate(box)))
        at = at[~own[s.axis][tuple(at.T)]]
        g.closed[s.axis][tuple(at.T)] = s.open_area <= 0.0
        if s.open_area <= 0.0:
            shut.append((s, at))
        elif 0 < place < len(edges) - 1:
            g.losses.append((s.axis, at, s.loss))
        else:
            g.faults.append(f"{s.name}: a screen that lets air through cannot lie in a wall of its room")
    for s, at in shut:
        if len(at) and not g.closed[s.axis][tuple(at.T)].any():
            g.faults.append(f"{s.name}: closes nothing, as all of it lies in a screen that is open; divide that one")


def _reachable(g: Geometry) -> None:
    """Faults of equipment that draws from or blows into something solid."""
    for t in g.through:
        if g.solid[tuple(t.upstream.T)].all():
            g.faults.append(f"{t.name}: something solid stands right before its intake")


def unbalanced(g: Geometry, flows: Array) -> list[str]:
    """Sealed compartments that gain or lose air, with what goes in and out; `flows` [m³/s] of racks, then coolers."""
    label, faults = g.compartments, []
    count = label.max() + 1
    net, moved = np.zeros(count), np.zeros(count)
    for t, flow in zip([*g.racks, *g.coolers], flows, strict=True):
        for plane in np.unique(t.driven[:, 2 - t.axis]):
            at = t.driven[t.driven[:, 2 - t.axis] == plane]
            share = flow / len(at)
            before = at - np.eye(3, dtype=int)[2 - t.axis]
            for cells, way in ((before, -t.sign), (at, t.sign)):
                where = label[tuple(cells.T)]
                inside = where >= 0
                np.add.at(net, where[inside], way * share)
                np.add.at(moved, where[inside], abs(share))
    for k in np.flatnonzero(np.abs(net) > 1e-6 * np.maximum(moved.max(initial=0.0), 1e-9)):
        z, y, x = np.argwhere(label == k).mean(axis=0)
        at = [
            f"{np.interp(i, np.arange(len(w)), np.cumsum(w) - w / 2):.1f}"
            for i, w in zip((x, y, z), (g.grid.x, g.grid.y, g.grid.z), strict=True)
        ]
        verb = "gains" if net[k] > 0 else "loses"
        faults.append(
            f"the sealed compartment around ({', '.join(at)}) m {verb} {abs(net[k]):.2f} m³/s; open a way out"
        )
    return faults
