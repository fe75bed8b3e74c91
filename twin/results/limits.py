"""Margins to every limit, the one that binds, and the highest sustainable rack density."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from twin.domains import electrical
from twin.elements import Array, Limit, Plant, Ref
from twin.fluids import fluid
from twin.solver.steady import Solution

VOLTAGE = (0.95, 1.05)
"""Range of bus voltages, per unit [ANSI C84.1 range A]."""


FREEZING = 2.0
"""How far above its freezing point coolant must stay, K."""


class Margins(NamedTuple):
    """One row per limited element: value, bound and margin (negative beyond the limit), each (row, scenario)."""

    name: Array
    element: Array
    dimension: Array
    value: Array
    bound: Array
    margin: Array
    relative: Array


class Binding(NamedTuple):
    """A limit at one element."""

    name: str
    element: str
    margin: float
    value: float
    bound: float
    dimension: str
    relative: float


def _extra(solution: Solution) -> Iterator[tuple[Limit, Array, Array]]:
    """Limits that belong to buses, cords and loops, not to one component: (limit, value, bound)."""
    plant = solution.plant
    yield from _frozen(plant, solution.columns["node.temperature"])
    yield from _reversed(plant, solution.columns["stream.flow"])
    known = np.flatnonzero(np.isfinite(plant.voltage))
    names = [plant.bus_names[i] for i in known]
    lit = plant.live[known]
    sustained, peak = (solution.columns[f"bus.{k}"][known] for k in ("voltage", "peak"))
    for sense, bound, value in (
        (-1, VOLTAGE[0], np.minimum(sustained, peak)),
        (1, VOLTAGE[1], np.maximum(sustained, peak)),
    ):
        at = np.full((len(names), 1), bound)
        limit = Limit("voltage", names, Ref("bus.voltage", known), at, sense, domain="electrical")
        yield limit, np.where(lit, value, 1.0), at
    for load in plant.load:
        _, live = electrical.shares(plant, load)
        dark = np.flatnonzero(~live.all(axis=1))
        if len(dark):
            names = [load.names[i] for i in dark]
            bound = np.ones((len(dark), 1))
            yield Limit("power_feed", names, load.power, bound, -1, domain="electrical"), 1.0 * live[dark], bound


def _frozen(plant: Plant, temperature: Array) -> Iterator[tuple[Limit, Array, Array]]:
    """The coldest node of every coolant loop against the freezing point of what fills it."""
    for name, pipes, loop in plant.medium:
        names, value = [], []
        for which in np.unique(loop):
            rows = pipes[loop == which]
            nodes = np.unique(np.concatenate([plant.pipe.start[rows], plant.pipe.end[rows]]))
            coldest = nodes[int(np.argmin(temperature[nodes].min(axis=1)))]
            names.append(plant.node_names[coldest])
            value.append(temperature[nodes].min(axis=0))
        bound = np.full((len(names), 1), fluid(name).freezing + FREEZING)
        limit = Limit("coolant_freezing", names, Ref("node.temperature", pipes), bound, -1, "temperature")
        yield limit, np.array(value), bound


def _reversed(plant: Plant, flow: Array) -> Iterator[tuple[Limit, Array, Array]]:
    """Coolant through pumps, exchangers and coolers runs the way they are connected."""
    through = [plant.exchange.hot, plant.exchange.cold, plant.pump.pipe, *(c.stream for c in plant.cooler)]
    rows = np.unique(np.concatenate(through))
    rows = rows[rows < len(plant.pipe.start)]
    if len(rows):
        names = [plant.node_names[n] for n in plant.pipe.end[rows]]
        bound = np.full((len(rows), 1), -1e-3)
        yield Limit("flow_reversed", names, Ref("stream.flow", rows), bound, -1, "mass_flow"), flow[rows], bound


def margins(solution: Solution) -> Margins:
    """All margins of a solution. `relative` divides by the bound (0.02 at least), temperatures by 100 K."""
    names, elements, dimensions, values, bounds, senses = [], [], [], [], [], []
    found = [(limit, solution[limit.value], limit.bound) for limit in solution.plant.limits]
    found += [item for item in _extra(solution) if item[0].name not in solution.plant.facility.ignore]
    for limit, value, bound in found:
        finite = np.isfinite(bound).any(axis=1)
        if not finite.any():
            continue
        n = int(finite.sum())
        names += [limit.name] * n
        dimensions += [limit.dimension] * n
        elements += [limit.elements[i] for i in np.flatnonzero(finite)]
        size = solution.plant.scenarios
        values.append(np.broadcast_to(value, (len(bound), size))[finite])
        bounds.append(np.broadcast_to(bound, (len(bound), size))[finite])
        senses += [limit.sense] * n
    if not names:
        text, empty = np.zeros(0, object), np.zeros((0, solution.plant.scenarios))
        return Margins(text, text, text, empty, empty, empty, empty)
    value, bound = np.concatenate(values), np.concatenate(bounds)
    margin = np.array(senses)[:, None] * (bound - value)
    margin = np.where(np.isnan(margin), -np.inf, margin)
    warm = np.array(dimensions) == "temperature"
    scale = np.where(warm[:, None], 100.0, np.maximum(np.abs(bound), 0.02))
    name, element, dimension = (np.array(x, object) for x in (names, elements, dimensions))
    return Margins(name, element, dimension, value, bound, margin, margin / scale)


def binding(m: Margins, row: int, scenario: int = 0) -> Binding:
    """One row of the margins in one scenario."""
    return Binding(
        str(m.name[row]),
        str(m.element[row]),
        float(m.margin[row, scenario]),
        float(m.value[row, scenario]),
        float(m.bound[row, scenario]),
        str(m.dimension[row]),
        float(m.relative[row, scenario]),
    )


def worst(m: Margins, scenario: int = 0) -> tuple[Binding, ...]:
    """The tightest element of every limit, tightest first."""
    rows: dict[str, int] = {}
    for row in np.argsort(m.relative[:, scenario], kind="stable"):
        rows.setdefault(str(m.name[row]), int(row))
    return tuple(binding(m, row, scenario) for row in rows.values())


def exceeded(m: Margins, tolerance: float = 1e-7) -> Array:
    """True where a scenario passes any limit by more than `tolerance` of it, (scenario,)."""
    return np.any(m.relative < -tolerance, axis=0)


def rack_names(plant: Plant) -> list[str]:
    """Names of the racks in the order of the engine's rows."""
    return [name for item in plant.reports if item.name == "rack_power" for name in item.elements]
