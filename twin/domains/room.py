"""A room as cells: equipment becomes walls, imposed flows, heat and supply temperatures of the air solver.

A rack is a box that is open at its front and its back and driven by its fans over its whole depth; a cooler is a box
with its fans and its coil at its outlet and an open intake at its back or on top; everything else that fills space is
solid. Screens are thin: panels, doors and containment where they are closed, perforated tiles and grilles where a part
of them is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.elements import Array
from twin.kernels.finite_volume import SOLID, Cells, Faces, Flow, Grid, Physics

REFERENCE = 293.15
"""Temperature from which the solver counts, K."""

HEAT = 1.2 * 1006.0
"""Heat capacity of room air per volume, J/m³/K."""

WALLS = {"x": 0, "y": 1, "z": 2}


@dataclass(frozen=True)
class Part:
    """Equipment in a room, as a box from `low` to `high` [m]; air leaves along `axis` in the direction of `sign`.

    A rack's `sign` points from its front to its back, a cooler's out of its outlet. `span` is the height through which
    a rack's air passes, `outlet` the width and height of a cooler's opening, standing on its base; `intake` is where a
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
    for part in parts:
        if any(a < -1e-6 or b > s + 1e-6 for a, b, s in zip(part.low, part.high, size, strict=True)):
            box = " to ".join(str(tuple(round(float(v), 2) for v in c)) for c in (part.low, part.high))
            g.faults.append(f"{part.name}: stands outside its room: {box} m in a room of {tuple(map(float, size))} m")
            continue
        box = _box(grid, part.low, part.high)
        for other in owners:
            shared = min(
                min(a, b) - max(c, d) for a, b, c, d in zip(part.high, other.high, part.low, other.low, strict=True)
            )
            if shared > 0.02:
                g.faults.append(f"{part.name}: overlaps {other.name}")
        taken[box], owners = len(owners), [*owners, part]
        _place(g, part, box)
    for s in screens:
        _hang(g, s)
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
        place = list(box)
        place[2 - d] = slice(box[2 - d].start, box[2 - d].stop + 1)
        mask[tuple(place)] = True


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
            high[2] = base + part.outlet[1]
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
    upstream = list(ranges)
    upstream[axis] = np.array([before])
    if part.role == "cooler" and part.intake == "top":
        upstream = [np.array([box[0].stop]), *ranges[1:]]
    ahead = [np.array([(back if part.sign > 0 else back - 1)]) if a == axis else r for a, r in enumerate(drive)]
    for what, cells in (("draws its air from", upstream), ("blows its air into", ahead)):
        if any(r.min() < 0 or r.max() >= n for r, n in zip(cells, g.grid.shape, strict=True)):
            g.faults.append(f"{part.name}: {what} the wall of its room; turn it or move it off the wall")
            return
    sides = [getattr(g.grid, c) for c in "zyx"]
    area = np.prod([sides[a][drive[a]].sum() for a in range(3) if a != axis])
    g.through.append(
        Through(
            part.name, part.role, d, part.sign, _indices(*drive), float(area), _indices(*upstream), _indices(*heated)
        )
    )


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


def _hang(g: Geometry, s: Screen) -> None:
    """Close or narrow the faces of a screen, snapped to the grid."""
    axis = 2 - s.axis
    box = list(_box(g.grid, s.low, s.high))
    edges = g.grid.edges("xyz"[s.axis])
    box[axis] = int(np.argmin(np.abs(edges - s.low[s.axis])))  # type: ignore
    at = tuple(box)
    if s.open_area <= 0.0:
        g.closed[s.axis][at] = True
        return
    inside = 0 < box[axis] < len(edges) - 1  # type: ignore
    if not inside:
        g.faults.append(f"{s.name}: a screen that lets air through cannot lie in a wall of its room")
        return
    g.closed[s.axis][at] = False
    ranges = [np.array([box[a]]) if a == axis else np.arange(box[a].start, box[a].stop) for a in range(3)]
    g.losses.append((s.axis, _indices(*ranges), s.loss))


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


# ---- flow --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loads:
    """What moves and heats the air of a room, each (row, S): racks' and coolers' flow [m³/s], heat [W], supply [K].

    `solids` [W] heats the air around solid parts, by name; `spread` [W] (S,) heats all of the room's air.
    """

    rack_flow: Array
    rack_heat: Array
    cooler_flow: Array
    supply: Array
    solids: dict[str, Array] = field(default_factory=dict)
    spread: Any = 0.0


def flow(g: Geometry, loads: Loads, physics: Physics | None = None, kind: Any = np.float32, xp: Any = np) -> Flow:
    """The air of a room at rest, at its mean supply temperature, ready to step."""
    scenarios = loads.rack_flow.shape[1] if len(loads.rack_flow) else loads.cooler_flow.shape[1]
    rows: list[list[Any]] = [[] for _ in range(3)]
    for d, mask in enumerate(g.closed):
        at = np.argwhere(mask)
        rows[d].append((at, SOLID, 0.0, np.zeros((len(at), scenarios))))
    for t, speed in zip([*g.racks, *g.coolers], np.concatenate([loads.rack_flow, loads.cooler_flow]), strict=True):
        target = np.broadcast_to(t.sign * speed / t.area, (len(t.driven), scenarios))
        rows[t.axis].append((t.driven, SOLID, 0.0, target))
    for d, at, loss in g.losses:
        size = (g.grid.z, g.grid.y, g.grid.x)[2 - d]
        rows[d].append((at, 0.0, loss / (2.0 * size[at[:, 2 - d]])[:, None], np.zeros((len(at), scenarios))))
    faces = tuple(_faces(r, scenarios) for r in rows)
    start = np.mean(loads.supply) - REFERENCE if loads.supply.size else 0.0
    physics = replace(physics or Physics(), lift=9.81 / REFERENCE)
    found = Flow(g.grid, scenarios, faces=faces, cells=_cells(g, loads, scenarios), physics=physics, kind=kind, xp=xp)  # type: ignore[arg-type]
    found.fields[3][...] = start
    found._T[...] = start
    return found


def _faces(rows: list[Any], scenarios: int) -> Faces:
    """Faces of one direction, each once: what is listed last counts."""
    at = np.concatenate([r[0] for r in rows])
    wide = lambda v, n: np.broadcast_to(np.asarray(v, float), (n, scenarios))  # noqa: E731
    columns = [np.concatenate([wide(r[c], len(r[0])) for r in rows]) for c in (1, 2, 3)]
    _, last = np.unique(at[::-1], axis=0, return_index=True)
    keep = len(at) - 1 - last
    return Faces(at[keep], *(c[keep] for c in columns))


def _cells(g: Geometry, loads: Loads, scenarios: int) -> Cells:
    volume, rows = g.grid.volume, []
    nothing = lambda n: np.zeros((n, scenarios))  # noqa: E731

    def heated(at: Array, heat: Any) -> None:
        whole = volume[tuple(at.T)].sum()
        source = np.broadcast_to(np.asarray(heat, float) / (HEAT * whole), (len(at), scenarios))
        rows.append((at, nothing(len(at)), nothing(len(at)), source))

    for t, heat in zip(g.racks, loads.rack_heat, strict=True):
        heated(t.cells, heat)
    for name, heat in loads.solids.items():
        skin = g.skins.get(name, np.zeros((0, 3), int))
        if len(skin):
            heated(skin[~g.solid[tuple(skin.T)]], heat)
    if np.any(loads.spread):
        heated(np.argwhere(~g.solid), loads.spread)
    for t, supply in zip(g.coolers, loads.supply, strict=True):
        n = len(t.cells)
        target = np.broadcast_to(supply - REFERENCE, (n, scenarios))
        rows.append((t.cells, np.full((n, scenarios), SOLID), target, nothing(n)))
    at = np.concatenate([r[0] for r in rows])
    rate, target, source = (np.concatenate([r[c] for r in rows]) for c in (1, 2, 3))
    places, which = np.unique(at, axis=0, return_inverse=True)
    merged = [np.zeros((len(places), scenarios)) for _ in range(3)]
    for total, values in zip(merged, (rate, target, source), strict=True):
        np.add.at(total, which.ravel(), values)
    return Cells(places, np.minimum(merged[0], SOLID), merged[1], merged[2])


# ---- steady means an average -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Averaged:
    """Means over room flushes with their standard errors: inlets of racks, intakes of coolers, probes [K], (row, S).

    `fields` are the mean u, v, w, T and viscosity without ghosts, (S, z, y, x).
    """

    inlet: Array
    error: Array
    intake: Array
    probe: Array
    probe_error: Array
    flushes: float
    seconds: float
    heat_in: Array
    heat_out: Array
    divergence: float
    fields: dict[str, Array]

    @property
    def imbalance(self) -> Array:
        """Heat that coolers took over heat given, less one, (S,)."""
        return self.heat_out / np.maximum(self.heat_in, 1e-9) - 1.0


class Observer:
    """Reads temperatures of an air field as it goes."""

    def __init__(self, g: Geometry, probes: Sequence[Sequence[float]] = ()) -> None:
        groups = [t.upstream for t in (*g.racks, *g.coolers)]
        groups += [_around(g, p) for p in probes]
        self.counts = len(g.racks), len(g.coolers), len(probes)
        self.at = np.concatenate(groups) if groups else np.zeros((0, 3), int)
        self.share = [(len(x), g.grid.volume[tuple(x.T)] / g.grid.volume[tuple(x.T)].sum()) for x in groups]

    def read(self, flow: Flow) -> Array:
        """Mean temperature of each group, K, (group, S)."""
        T = flow.view("T")[:, self.at[:, 0], self.at[:, 1], self.at[:, 2]]
        T = np.asarray(T.get() if hasattr(T, "get") else T, float).T
        found, first = [], 0
        for n, share in self.share:
            found.append(share @ T[first : first + n])
            first += n
        return np.array(found).reshape(len(self.share), flow.scenarios) + REFERENCE


def _around(g: Geometry, point: Sequence[float]) -> Array:
    """The cell of a point (x, y, z) [m]."""
    place = [
        int(np.clip(np.searchsorted(g.grid.edges(c), p) - 1, 0, n - 1))
        for c, p, n in zip("xyz", point, g.grid.shape[::-1], strict=True)
    ]
    return np.array([place[::-1]])


def average(
    flow: Flow,
    g: Geometry,
    loads: Loads,
    probes: Sequence[Sequence[float]] = (),
    *,
    tolerance: float = 0.1,
    spin_up: float = 2.0,
    least: int = 5,
    most: int = 30,
    progress: Any = None,
) -> Averaged:
    """Step an air field until the mean inlet temperatures are known to `tolerance` [K].

    A batch is one flush of the room, its free volume over the coolers' flow. After `spin_up` flushes batches are
    averaged, `least` to `most` of them, until twice the standard error of every rack's inlet and every probe is below
    the tolerance. Ctrl-C ends the average with the batches that are whole. `progress(text)` is told how far it is.
    """
    moved = np.maximum(loads.cooler_flow.sum(axis=0), 1e-6)
    flush = float((g.grid.volume * ~g.solid).sum() / moved.min())
    seen, batches = Observer(g, probes), []
    begin = flow.time.min()
    given = heat = None
    sums: dict[str, Any] = dict.fromkeys(("u", "v", "w", "T", "nu"), 0.0)
    looks = 0
    try:
        while flow.time.min() - begin < spin_up * flush:
            flow.step(10)
            if progress:
                progress(f"{flow.time.min() - begin:.0f} s of air, {(flow.time.min() - begin) / flush:.1f} flushes")
        began, heat = flow.time.copy(), flow.given.copy()
        held = _held(flow, g)
        while len(batches) < most:
            until, total, spent = flow.time.min() + flush, 0.0, 0.0
            while flow.time.min() < until:
                before = flow.time.copy()
                flow.step(10)
                total = total + seen.read(flow) * (flow.time - before)
                spent = spent + (flow.time - before)
                looks += 1
                for c in sums:
                    sums[c] = sums[c] + flow.view(c)
            batches.append(total / spent)
            given = (flow.given - heat), flow.time - began, _held(flow, g) - held
            error = _error(batches)
            if progress:
                left = f"error {error.max(initial=0.0):.2f} K" if len(batches) > 1 else "first average"
                progress(
                    f"{flow.time.min() - begin:.0f} s of air, {(flow.time.min() - begin) / flush:.1f} flushes, {left}"
                )
            if len(batches) >= least and error.max(initial=0.0) < tolerance:
                break
    except KeyboardInterrupt:
        if not batches:
            raise
    mean, error = np.mean(batches, axis=0), _error(batches)
    racks, coolers, _ = seen.counts
    out, into = _heat(flow, g, given)
    inner = np.abs(flow.divergence())[:, ~g.solid].max() / float(np.max(moved))
    rows = slice(racks, racks + coolers)
    return Averaged(
        mean[:racks],
        error[:racks],
        mean[rows],
        mean[rows.stop :],
        error[rows.stop :],
        float((flow.time.min() - begin) / flush),
        float(flow.time.min()),
        into,
        out,
        float(inner),
        {c: np.asarray(a.get() if hasattr(a, "get") else a, float) / looks for c, a in sums.items()},
    )


def _error(batches: list[Array]) -> Array:
    """Twice the standard error of the mean of batches."""
    if len(batches) < 2:
        return np.full(np.shape(batches[0]), np.inf)
    return 2.0 * np.std(batches, axis=0, ddof=1) / np.sqrt(len(batches))


def _held(flow: Flow, g: Geometry) -> Array:
    """Heat in the free air, J over that at the reference, (S,)."""
    T = flow.view("T")
    T = np.asarray(T.get() if hasattr(T, "get") else T, float)
    return HEAT * (T * (g.grid.volume * ~g.solid)).sum(axis=(1, 2, 3))


def _heat(flow: Flow, g: Geometry, given: Any) -> tuple[Array, Array]:
    """Heat that coolers took, less what the air lost meanwhile, and heat given, W, (S,)."""
    gained, seconds, stored = given
    at = [np.asarray(c.get() if hasattr(c, "get") else c) for c in flow.cells[:3]]
    volume = g.grid.volume[at[0], at[1], at[2] - 2][:, None]
    rate = np.asarray(flow.cells[3].get() if hasattr(flow.cells[3], "get") else flow.cells[3])
    power = HEAT * np.asarray(gained.get() if hasattr(gained, "get") else gained, float) * volume / seconds
    taken = np.where(rate > 0, -power, 0.0).sum(axis=0)
    return taken + stored / seconds, np.where(rate > 0, 0.0, power).sum(axis=0)


def inherit(flow: Flow, other: Flow) -> None:
    """Start a field from another of the same room, on the same grid or a coarser or finer one."""
    for c in "uvwTp":
        mine, theirs = flow.view(c), other.view(c)
        places = []
        for name in "zyx":
            faces = "xyz".index(name) == "uvw".find(c)
            here, there = (_points(f.grid, name, faces) for f in (flow, other))
            places.append(np.abs(here[:, None] - there).argmin(axis=1))
        mine[...] = theirs[np.ix_(np.arange(flow.scenarios) % other.scenarios, *places)]


def _points(grid: Grid, axis: str, faces: bool) -> Array:
    edges = grid.edges(axis)
    return edges if faces else 0.5 * (edges[1:] + edges[:-1])
