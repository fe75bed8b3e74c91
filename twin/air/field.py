"""Air of a room: what stands in its geometry becomes imposed flows, heat and supply temperatures of the air solver.

Steady means an average over room flushes, with a standard error for every inlet.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from twin.air.geometry import Geometry
from twin.domains.compute import AIR_HEAT
from twin.elements import Array
from twin.kernels.arrays import fetch
from twin.kernels.finite_volume import GHOSTS, SOLID, Cells, Faces, Flow, Grid, Physics

REFERENCE = 293.15
"""Temperature from which the solver counts, K."""

DENSITY = 1.2
"""Of room air if nothing else is said, kg/m³."""

WARMTH = 20.0
"""What differences of supply temperatures are measured by, K."""

STILL = 1e-6
"""Flow below which a cooler stands still, and sets no temperature, m³/s."""

LONGEST_FLUSH = 600.0
"""Longest time taken for one flush, s: a room whose coolers stand still has none."""


@dataclass(frozen=True)
class Loads:
    """What moves and heats the air of a room, each (row, S): racks' and coolers' flow [m³/s], heat [W], supply [K].

    `solids` [W] heats the air around solid parts, by name; `spread` [W] (S,) the air
    below the ceiling; the air has `density` [kg/m³] (1|S,).
    """

    rack_flow: Array
    rack_heat: Array
    cooler_flow: Array
    supply: Array
    solids: dict[str, Array] = field(default_factory=dict)
    spread: Any = 0.0
    density: Any = DENSITY

    @property
    def capacity(self) -> Any:
        """Heat capacity of the air per volume, J/m³/K, (1|S,)."""
        return AIR_HEAT * np.asarray(self.density)

    @property
    def scenarios(self) -> int:
        """How many there are."""
        return (self.rack_flow if len(self.rack_flow) else self.cooler_flow).shape[1]

    def picked(self, columns: Array) -> Loads:
        """The loads of some scenarios, in their order."""
        whole = lambda a: np.broadcast_to(a, (*np.shape(a)[:-1], self.scenarios))[..., columns]  # noqa: E731
        numbers = {f.name: whole(getattr(self, f.name)) for f in fields(self) if f.name != "solids"}
        return Loads(**numbers, solids={k: whole(v) for k, v in self.solids.items()})

    @property
    def table(self) -> Array:
        """All numbers over the size of their kind, (number, S): what two scenarios must share to be the same air."""
        heat = [self.rack_heat, *(h[None] for h in self.solids.values()), np.atleast_1d(self.spread)[None]]
        kinds = [[self.rack_flow], [self.cooler_flow], heat, [np.atleast_1d(self.density)[None]]]
        whole = [np.concatenate([np.broadcast_to(a, (len(a), self.scenarios)) for a in kind]) for kind in kinds]
        return np.concatenate([*(a / max(np.abs(a).max(initial=0.0), 1e-9) for a in whole), self.supply / WARMTH])


def beside(parts: Sequence[Loads]) -> Loads:
    """Scenarios of several loads as those of one; solids are named as in the first, in whose order they come."""
    first, each = parts[0], [p.picked(np.arange(p.scenarios)) for p in parts]
    join = lambda name: np.concatenate([getattr(p, name) for p in each], axis=-1)  # noqa: E731
    heat = [list(p.solids.values()) for p in each]
    solids = {k: np.concatenate([h[i] for h in heat], axis=-1) for i, k in enumerate(first.solids)}
    return Loads(**{f.name: join(f.name) for f in fields(Loads) if f.name != "solids"}, solids=solids)


def flow(g: Geometry, loads: Loads, physics: Physics | None = None, kind: Any = np.float32, xp: Any = np) -> Flow:
    """The air of a room at rest, at its mean supply temperature, ready to step."""
    scenarios = loads.scenarios
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
        source = np.broadcast_to(np.asarray(heat, float) / (loads.capacity * whole), (len(at), scenarios))
        rows.append((at, nothing(len(at)), nothing(len(at)), source))

    for t, heat in zip(g.racks, loads.rack_heat, strict=True):
        heated(t.cells, heat)
    for name, heat in loads.solids.items():
        skin = g.skins.get(name, np.zeros((0, 3), int))
        if len(skin) and np.any(heat):
            heated(skin[~g.solid[tuple(skin.T)]], heat)
    if np.any(loads.spread):
        top = ~g.solid
        top[:-1] &= np.cumsum(top[::-1], axis=0)[::-1][1:] == 0
        heated(np.argwhere(top), loads.spread)
    for t, supply, blown in zip(g.coolers, loads.supply, loads.cooler_flow, strict=True):
        n = len(t.cells)
        target, rate = supply - REFERENCE, np.where(blown > STILL, SOLID, 0.0)
        rows.append((t.cells, *(np.broadcast_to(a, (n, scenarios)) for a in (rate, target)), nothing(n)))
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

    A cooler's intake is the mean of what it draws, from the heat it took; `leak` is the air that passes closed faces,
    over what the coolers move, (S,).

    `fields` are the mean u, v, w, T and viscosity without ghosts, (S, z, y, x); `stopped` tells of an average that was
    interrupted before its error bars were met.
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
    leak: Array
    divergence: float
    fields: dict[str, Array]
    stopped: bool = False

    def picked(self, columns: Array) -> Averaged:
        """The averages of some scenarios, in their order."""
        first = columns[0]
        along = slice(first, first + len(columns)) if (columns == first + np.arange(len(columns))).all() else columns
        rows = {n: getattr(self, n)[:, along] for n in ("inlet", "error", "intake", "probe", "probe_error")}
        heat = {n: getattr(self, n)[along] for n in ("heat_in", "heat_out", "leak")}
        return replace(self, **rows, **heat, fields={k: v[along] for k, v in self.fields.items()})

    @property
    def imbalance(self) -> Array:
        """Heat that coolers took over heat given, less one, (S,)."""
        return self.heat_out / np.maximum(self.heat_in, 1e-9) - 1.0


class Observer:
    """Reads temperatures of an air field as it goes."""

    def __init__(self, g: Geometry, probes: Sequence[Sequence[float]] = ()) -> None:
        groups = [t.upstream for t in g.racks]
        groups += [_around(g, p) for p in probes]
        self.at = np.concatenate(groups) if groups else np.zeros((0, 3), int)
        self.share = [(len(x), g.grid.volume[tuple(x.T)] / g.grid.volume[tuple(x.T)].sum()) for x in groups]

    def read(self, flow: Flow) -> Array:
        """Mean temperature of each group, K, (group, S)."""
        at = tuple(flow.xp.asarray(a) for a in self.at.T)
        T = np.asarray(fetch(flow.view("T")[(slice(None), *at)]), float).T
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
    the tolerance. Ctrl-C ends the average with the batches that are whole, if any. `progress(text)` is told how far it
    is.
    """
    moved = np.maximum(loads.cooler_flow.sum(axis=0), 1e-6)
    flush = min(float((g.grid.volume * ~g.solid).sum() / moved.min()), LONGEST_FLUSH)
    seen, batches, stopped = Observer(g, probes), [], False
    begin, started = flow.time.min(), time.perf_counter()
    given = heat = None
    sums: dict[str, Any] = dict.fromkeys(("u", "v", "w", "T", "nu"), 0.0)
    looks = 0

    def tell(error: Array | None = None) -> None:
        if progress is None:
            return
        done = (flow.time.min() - begin) / flush
        text = f"{flow.time.min() - begin:.0f} s of air, {done:.1f} flushes"
        if error is not None and np.isfinite(error).all():
            needed = len(batches) * (error.max(initial=0.0) / tolerance) ** 2
            left = (min(max(needed, least), most) - len(batches)) * (time.perf_counter() - started) / done
            text += f", error {error.max(initial=0.0):.2f} K, {left:.0f} s left"
        progress(text)

    try:
        while flow.time.min() - begin < spin_up * flush:
            flow.step(10)
            tell()
        began, heat = flow.time.copy(), flow.given.copy()
        held = _held(flow, g, loads)
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
            given = (flow.given - heat), flow.time - began, _held(flow, g, loads) - held
            error = _error(batches)
            tell(error)
            if len(batches) >= least and error.max(initial=0.0) < tolerance:
                break
    except KeyboardInterrupt:
        if not batches:
            raise
        stopped = True
    mean, error = np.mean(batches, axis=0), _error(batches)
    fields = {c: np.asarray(fetch(a), float) / looks for c, a in sums.items()}
    racks = len(g.racks)
    taken, out, into = _heat(flow, g, loads, given)
    inner = np.abs(flow.divergence())[:, ~g.solid].max() / float(np.max(moved))
    blown = loads.cooler_flow > STILL
    intake = loads.supply + np.where(blown, taken, 0.0) / (loads.capacity * np.maximum(loads.cooler_flow, STILL))
    return Averaged(
        mean[:racks],
        error[:racks],
        intake,
        mean[racks:],
        error[racks:],
        float((flow.time.min() - begin) / flush),
        float(flow.time.min()),
        into,
        out,
        _leak(g, fields, moved),
        float(inner),
        fields,
        stopped,
    )


def _error(batches: list[Array]) -> Array:
    """Twice the standard error of the mean of batches."""
    if len(batches) < 2:
        return np.full(np.shape(batches[0]), np.inf)
    return 2.0 * np.std(batches, axis=0, ddof=1) / np.sqrt(len(batches))


def _leak(g: Geometry, fields: dict[str, Array], moved: Array) -> Array:
    """Mean flow through closed faces between free cells over what the coolers move, (S,)."""
    found, free = np.zeros(len(moved)), ~g.solid
    for d, name in enumerate("uvw"):
        axis = 2 - d
        sides = [g.grid.z[:, None, None], g.grid.y[:, None], g.grid.x]
        area = np.prod(np.broadcast_arrays(*(s for a, s in enumerate(sides) if a != axis)), axis=0)
        inner = (slice(None),) * axis + (slice(1, -1),)
        shut = g.closed[d][inner] & np.delete(free, -1, axis) & np.delete(free, 0, axis)
        found += (np.abs(fields[name][:, *inner]) * area * shut).sum(axis=(1, 2, 3))
    return found / moved


def _held(flow: Flow, g: Geometry, loads: Loads) -> Array:
    """Heat in the free air, J over that at the reference, (S,)."""
    T = np.asarray(fetch(flow.view("T")), float)
    return loads.capacity * (T * (g.grid.volume * ~g.solid)).sum(axis=(1, 2, 3))


def _heat(flow: Flow, g: Geometry, loads: Loads, given: Any) -> tuple[Array, Array, Array]:
    """Heat that each cooler took (C, S), that all took less what the air lost meanwhile, and heat given, W, (S,)."""
    gained, seconds, stored = given
    gained, (*at, rate, _, _) = fetch((gained, flow.cells))
    at = np.stack(at, axis=1) - GHOSTS
    power = loads.capacity * gained.astype(float) * g.grid.volume[tuple(at.T)][:, None] / seconds
    row = np.full(g.grid.shape, -1)
    row[tuple(at.T)] = np.arange(len(at))
    taken = np.array([-power[row[tuple(t.cells.T)]].sum(axis=0) for t in g.coolers]).reshape(-1, flow.scenarios)
    return taken, taken.sum(axis=0) + stored / seconds, np.where(rate > 0, 0.0, power).sum(axis=0)


def inherit(flow: Flow, other: Flow) -> None:
    """Start a field from another of the same room, on the same grid or a coarser or finer one."""
    for c in "uvwTp":
        mine, theirs = flow.view(c), other.view(c)
        places = []
        for name in "zyx":
            faces = "xyz".index(name) == "uvw".find(c)
            here, there = (_points(f.grid, name, faces) for f in (flow, other))
            places.append(np.abs(here[:, None] - there).argmin(axis=1))
        whole = np.ix_(np.arange(flow.scenarios) % other.scenarios, *places)
        mine[...] = theirs[tuple(flow.xp.asarray(a) for a in whole)]


def _points(grid: Grid, axis: str, faces: bool) -> Array:
    edges = grid.edges(axis)
    return edges if faces else 0.5 * (edges[1:] + edges[:-1])
