"""Air of a room: what stands in its geometry becomes boundary conditions of the air solver.

Racks and coolers impose velocities on faces, perforated tiles and grilles a porous resistance, racks and solid parts
heat, coolers a supply temperature.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from twin.air.geometry import Geometry
from twin.domains.compute import AIR_HEAT
from twin.elements import Array, Index
from twin.kernels.boundaries import SOLID, Cells, Faces, Grid
from twin.kernels.finite_volume import Flow, Physics

REFERENCE = 293.15
"""Temperature from which the solver counts, K."""

DENSITY = 1.2
"""Density of room air where none is given, kg/m³."""

TEMPERATURE_SCALE = 20.0
"""Scale of differences between supply temperatures, K."""

MIN_FLOW = 1e-6
"""Flow below which a cooler stands still and sets no temperature, m³/s."""


# ---- what is imposed ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loads:
    """What moves and heats the air of a room in S scenarios.

    Attributes
    ----------
    rack_flow
        Air through each rack [m³/s], (rack, S).
    rack_heat
        Heat that each rack gives to its air [W], (rack, S).
    cooler_flow
        Air through each cooler [m³/s], (cooler, S).
    supply
        Temperature of the air that leaves each cooler [K], (cooler, S).
    solids
        Heat of solid parts by name [W], (S,); it warms the cells that touch them.
    spread
        Heat that has no place [W], () or (S,); it warms the cells below the ceiling.
    density
        Density of the air [kg/m³], () or (1|S,).
    """

    rack_flow: Array
    rack_heat: Array
    cooler_flow: Array
    supply: Array
    solids: dict[str, Array] = field(default_factory=dict)
    spread: Array | float = 0.0
    density: Array | float = DENSITY

    @property
    def capacity(self) -> Array:
        """Heat capacity of the air per volume [J/m³/K], () or (1|S,)."""
        return AIR_HEAT * np.asarray(self.density)

    @property
    def scenarios(self) -> int:
        """Number of scenarios S."""
        return (self.rack_flow if len(self.rack_flow) else self.cooler_flow).shape[1]

    def select(self, columns: Index) -> Loads:
        """The loads of some scenarios, numbers (k,), in their order."""
        wide = lambda a: np.broadcast_to(a, (*np.shape(a)[:-1], self.scenarios))[..., columns]  # noqa: E731
        arrays = {f.name: wide(getattr(self, f.name)) for f in fields(self) if f.name != "solids"}
        return Loads(**arrays, solids={k: wide(v) for k, v in self.solids.items()})

    @property
    def normalised(self) -> Array:
        """All loads over the largest of their kind, (load, S): scenarios with equal columns have the same air."""
        heat = [self.rack_heat, *(h[None] for h in self.solids.values()), np.atleast_1d(self.spread)[None]]
        kinds = [[self.rack_flow], [self.cooler_flow], heat, [np.atleast_1d(self.density)[None]]]
        rows = [np.concatenate([np.broadcast_to(a, (len(a), self.scenarios)) for a in kind]) for kind in kinds]
        scaled = (a / max(np.abs(a).max(initial=0.0), 1e-9) for a in rows)
        return np.concatenate([*scaled, self.supply / TEMPERATURE_SCALE])


def concatenate(parts: Sequence[Loads]) -> Loads:
    """Loads of several rooms of one geometry as scenarios of one; solids have the names of the first, in its order."""
    wide = [p.select(np.arange(p.scenarios)) for p in parts]
    join = lambda name: np.concatenate([getattr(p, name) for p in wide], axis=-1)  # noqa: E731
    heat = [list(p.solids.values()) for p in wide]
    solids = {k: np.concatenate([h[i] for h in heat], axis=-1) for i, k in enumerate(parts[0].solids)}
    return Loads(**{f.name: join(f.name) for f in fields(Loads) if f.name != "solids"}, solids=solids)


# ---- from loads to a flow at rest --------------------------------------------------------------------------------


def start_flow(
    g: Geometry,
    loads: Loads,
    physics: Physics | None = None,
    kind: DTypeLike = np.float32,
    xp: ModuleType = np,
) -> Flow:
    """The air of a room at rest and at its mean supply temperature, ready to step.

    `kind` is the precision of its arrays, `xp` the library in which they live, numpy or cupy; `physics` has air's
    viscosity and the turbulence model, with buoyancy of an ideal gas, g / T of the reference temperature.

    >>> flow = start_flow(room, Loads(rack_flow, rack_heat, cooler_flow, supply))
    >>> flow.step(100)
    """
    start = np.mean(loads.supply) - REFERENCE if loads.supply.size else 0.0
    physics = replace(physics or Physics(), lift=9.81 / REFERENCE)
    flow = Flow(
        g.grid, loads.scenarios, faces=_faces(g, loads), cells=_cells(g, loads), physics=physics, kind=kind, xp=xp
    )
    flow.fields[3][...] = start
    flow._T[...] = start
    return flow


class _FaceRows(NamedTuple):
    """Faces (m, 3) whose velocity is drawn towards `target` [m/s] at `rate` [1/s] + `loss` [1/m] |u|, (m, 1|S)."""

    faces: Index
    rate: ArrayLike
    loss: ArrayLike
    target: Array


def _faces(g: Geometry, loads: Loads) -> tuple[Faces, Faces, Faces]:
    """Closed, driven and resisting faces by direction; what is listed last counts where two share a face."""
    scenarios = loads.scenarios
    still = lambda faces: np.zeros((len(faces), scenarios))  # noqa: E731
    rows: list[list[_FaceRows]] = [[], [], []]
    for d, mask in enumerate(g.closed):
        faces = np.argwhere(mask)
        rows[d].append(_FaceRows(faces, SOLID, 0.0, still(faces)))
    for t, flow in zip([*g.racks, *g.coolers], np.concatenate([loads.rack_flow, loads.cooler_flow]), strict=True):
        target = np.broadcast_to(t.sign * flow / t.area, (len(t.driven), scenarios))
        rows[t.axis].append(_FaceRows(t.driven, SOLID, 0.0, target))
    for d, faces, coefficient in g.losses:
        width = (g.grid.z, g.grid.y, g.grid.x)[2 - d][faces[:, 2 - d]]
        rows[d].append(_FaceRows(faces, 0.0, coefficient / (2.0 * width)[:, None], still(faces)))
    x, y, z = (_merge_faces(r, scenarios) for r in rows)
    return x, y, z


def _merge_faces(rows: Sequence[_FaceRows], scenarios: int) -> Faces:
    """Faces of one direction, each once: what is listed last counts."""
    faces = np.concatenate([r.faces for r in rows])
    wide = lambda v, n: np.broadcast_to(np.asarray(v, float), (n, scenarios))  # noqa: E731
    columns = [np.concatenate([wide(r[c], len(r.faces)) for r in rows]) for c in (1, 2, 3)]
    _, last = np.unique(faces[::-1], axis=0, return_index=True)
    keep = len(faces) - 1 - last
    return Faces(faces[keep], *(c[keep] for c in columns))


class _CellRows(NamedTuple):
    """Cells (m, 3) that are drawn towards `target` [K] at `rate` [1/s] and heated by `source` [K/s], each (m, S)."""

    cells: Index
    rate: Array
    target: Array
    source: Array


def _cells(g: Geometry, loads: Loads) -> Cells:
    """Heated cells and those whose temperature is set, each once: what several give to one cell adds up."""
    rows = list(_cell_rows(g, loads))
    cells = np.concatenate([r.cells for r in rows])
    columns = [np.concatenate([r[c] for r in rows]) for c in (1, 2, 3)]
    places, which = np.unique(cells, axis=0, return_inverse=True)
    rate, target, source = np.zeros((3, len(places), loads.scenarios))
    for total, values in zip((rate, target, source), columns, strict=True):
        np.add.at(total, which.ravel(), values)
    return Cells(places, np.minimum(rate, SOLID), target, source)


def _cell_rows(g: Geometry, loads: Loads) -> Iterator[_CellRows]:
    """What racks, solid parts, heat without a place and coolers do to cells."""
    for t, heat in zip(g.racks, loads.rack_heat, strict=True):
        yield _heated(g, loads, t.cells, heat)
    for name, heat in loads.solids.items():
        skin = g.skins.get(name, np.zeros((0, 3), int))
        if len(skin) and np.any(heat):
            yield _heated(g, loads, skin[~g.solid[tuple(skin.T)]], heat)
    if np.any(loads.spread):
        yield _heated(g, loads, _below_ceiling(g), loads.spread)
    for t, supply, flow in zip(g.coolers, loads.supply, loads.cooler_flow, strict=True):
        shape = len(t.cells), loads.scenarios
        rate = np.where(flow > MIN_FLOW, SOLID, 0.0)
        yield _CellRows(
            t.cells, np.broadcast_to(rate, shape), np.broadcast_to(supply - REFERENCE, shape), np.zeros(shape)
        )


def _heated(g: Geometry, loads: Loads, cells: Index, heat: ArrayLike) -> _CellRows:
    """Cells that share heat [W], () or (S,), by their volumes."""
    volume = g.grid.volume[tuple(cells.T)].sum()
    shape = len(cells), loads.scenarios
    source = np.broadcast_to(np.asarray(heat, float) / (loads.capacity * volume), shape)
    return _CellRows(cells, np.zeros(shape), np.zeros(shape), source)


def _below_ceiling(g: Geometry) -> Index:
    """The highest cell with air of every column, (m, 3)."""
    top = ~g.solid
    top[:-1] &= np.cumsum(top[::-1], axis=0)[::-1][1:] == 0
    return np.argwhere(top)


def map_fields(flow: Flow, source: Flow) -> None:
    """Start a flow from another of the same room, on the same grid or a coarser or finer one: the nearest values."""
    for name in "uvwTp":
        values, known = flow.view(name), source.view(name)
        nearest = []
        for axis in "zyx":
            on_faces = "xyz".index(axis) == "uvw".find(name)
            here, there = (_points(f.grid, axis, on_faces) for f in (flow, source))
            nearest.append(np.abs(here[:, None] - there).argmin(axis=1))
        index = np.ix_(np.arange(flow.scenarios) % source.scenarios, *nearest)
        values[...] = known[tuple(flow.xp.asarray(a) for a in index)]


def _points(grid: Grid, axis: str, on_faces: bool) -> Array:
    """Coordinates of faces or of centres along an axis, m."""
    edges = grid.edges(axis)
    return edges if on_faces else 0.5 * (edges[1:] + edges[:-1])
