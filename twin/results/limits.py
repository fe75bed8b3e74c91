"""Margins to every limit, and the one that is tightest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from twin import columns
from twin.columns import LAYERS, Array, Index, limits
from twin.components.classes import HIGHEST
from twin.domains import electrical
from twin.elements import Limit, Status
from twin.fluids import fluid
from twin.plant.compile import Plant
from twin.results.envelopes import moisture, relative_humidity
from twin.solver.steady import Solution
from twin.units import System, format

VOLTAGE = (0.95, 1.05)
"""Range of bus voltages, per unit [ANSI C84.1 range A]."""


FREEZING = 2.0
"""How far above its freezing point coolant must stay, K."""


SCALES = {"temperature": 100.0, "pressure": 1e5}
"""What a margin is divided by where the bound is no measure of it, by quantity."""

DIFFERENCES = {"temperature": "temperature_difference"}
"""What a margin is, where that is not what the bound is."""

SMALLEST_SCALE = 0.02
"""What a margin is divided by at least."""


TOLERANCE = 1e-7
"""Share of it by which a limit may be passed without being exceeded."""


class Margins(NamedTuple):
    """One row per limited element.

    name, element, dimension, layer: texts (row,). kind: of the limit (row,). value, bound: in SI units, margin: between
    them, negative beyond the limit, relative: that over a scale of the bound [1], each (row, scenario). alike: how many
    elements, alike in all, the one that is named stands for (row,).
    """

    name: Array
    element: Array
    dimension: Array
    layer: Array
    kind: Array
    value: Array
    bound: Array
    margin: Array
    relative: Array
    alike: Array


class Binding(NamedTuple):
    """A limit at one element, in SI units; `dimension` is one of `twin.units`.

    alike: how many elements, alike in all, the one that is named stands for; it is the first of them.
    """

    name: str
    element: str
    margin: float
    value: float
    bound: float
    dimension: str
    relative: float
    alike: int = 1

    @property
    def where(self) -> str:
        """The element, and how many more are like it in all, such as r101 (+71)."""
        return f"{self.element} (+{self.alike - 1:,})" if self.alike > 1 else self.element

    @property
    def texts(self) -> tuple[str, str, str, str, str]:
        """Limit, element, value, bound and margin for the screen."""
        return self.in_units("si")

    def in_units(self, system: System) -> tuple[str, str, str, str, str]:
        """The same in units of a system, "si" or "us"."""
        difference = DIFFERENCES.get(self.dimension, self.dimension)
        value, bound = (format(x, self.dimension, 1, system) for x in (self.value, self.bound))
        return self.name, self.where, value, bound, format(self.margin, difference, 1, system)


Row = tuple[Limit, Array, Array]
"""A limit with the values and bounds of its elements, (element, 1|S)."""


def _loose(solution: Solution) -> Iterator[Row]:
    """Limits that belong to buses, cords and loops, not to one component."""
    plant = solution.plant
    yield from _loops(solution)
    yield from _lost(solution)
    yield from _reversed(plant, solution[columns.stream.flow])
    known = np.flatnonzero(np.isfinite(plant.voltage))
    names = [plant.bus_names[i] for i in known]
    live = plant.live[known]
    sustained, peak = (solution[column[known]] for column in (columns.bus.voltage, columns.bus.peak))
    for kind, bound, value in (
        (limits.undervoltage, VOLTAGE[0], np.minimum(sustained, peak)),
        (limits.overvoltage, VOLTAGE[1], np.maximum(sustained, peak)),
    ):
        at = np.full((len(names), 1), bound)
        yield Limit(kind, kind.name, names, columns.bus.voltage[known], at), np.where(live, value, 1.0), at
    for load in plant.load:
        _, fed = electrical.shares(plant, load)
        fed = fed | (load.in_service < 0.5)
        dark = np.flatnonzero(~fed.all(axis=1))
        if len(dark):
            names = [load.names[i] for i in dark]
            bound = np.where(fed[dark], -np.inf, 1.0)
            kind = limits.power_feed if load.power.column is columns.engine.power else limits.unfed
            yield Limit(kind, kind.name, names, load.power.column[load.power.rows[dark]], bound), 1.0 * fed[dark], bound


def _bound(solution: Solution, limit: Limit, emergency: bool) -> Array:
    """What bounds a limit in its scenarios, (element, 1|S)."""
    if emergency and limit.emergency is not None:
        return limit.emergency
    return limit.bound if limit.above is None else solution[limit.above] + limit.bound


def _loops(solution: Solution) -> Iterator[Row]:
    """Nodes of every coolant loop against freezing, boiling and vacuum."""
    plant, k = solution.plant, columns.node
    for name, pipes, _ in plant.medium:
        nodes = np.unique([plant.pipe.start[pipes], plant.pipe.end[pipes]])
        names = [plant.node_names[n] for n in nodes]
        for kind, column, bound in (
            (limits.coolant_freezing, k.temperature, np.full((1, 1), fluid(name).freezing + FREEZING)),
            (limits.coolant_boiling, k.boiling, np.zeros((1, 1))),
            (limits.loop_vacuum, k.pressure, plant.site.pressure),
        ):
            each = np.repeat(bound, len(nodes), 0)
            yield Limit(kind, kind.name, names, column[nodes], each), solution[column][nodes], each


def _lost(solution: Solution) -> Iterator[Row]:
    """Nodes without a steady temperature in any scenario."""
    lost = solution[columns.node.lost] > 0
    rows = np.flatnonzero(lost.any(axis=1))
    if len(rows):
        kind, names = limits.overheated, [solution.plant.node_names[n] for n in rows]
        bound = np.where(lost[rows], 1.0, -np.inf)
        yield Limit(kind, kind.name, names, columns.node.lost[rows], bound), 1.0 - lost[rows], bound


def _moist(solution: Solution) -> Iterator[Row]:
    """Moisture and height of the air that racks breathe, by their class."""
    for g in solution.plant.guidelines:
        dew, box = moisture(solution, g), g.allowable
        known = np.flatnonzero(np.isfinite(dew).any(axis=1))
        if not len(known):
            continue
        humidity = relative_humidity(solution[g.temperature], dew)
        height = np.broadcast_to(solution.plant.site.elevation, dew.shape)
        for kind, value, bound in (
            (limits.rack_dew_point, dew, box.dampest),
            (limits.rack_dew_point_low, dew, box.driest),
            (limits.rack_humidity, humidity, box.max_humidity),
            (limits.rack_humidity_low, humidity, box.min_humidity),
            (limits.rack_elevation, height, np.full((len(dew), 1), HIGHEST)),
        ):
            names, rows = [g.elements[i] for i in known], g.temperature.rows[known]
            at = np.where(np.isfinite(dew), bound, np.inf)[known]
            yield Limit(kind, kind.name, names, g.temperature.column[rows], at), value[known], at


def _reversed(plant: Plant, flow: Array) -> Iterator[Row]:
    """Coolant through pumps, exchangers and coolers runs the way they are connected."""
    through = [plant.exchange.hot, plant.exchange.cold, plant.pump.pipe, *(c.stream for c in plant.cooler)]
    rows = np.unique(np.concatenate(through))
    rows = rows[rows < len(plant.pipe.start)]
    if len(rows):
        names = [plant.node_names[n] for n in plant.pipe.end[rows]]
        bound = np.full((len(rows), 1), -1e-3)
        kind = limits.flow_reversed
        yield Limit(kind, kind.name, names, columns.stream.flow[rows], bound), flow[rows], bound


def margins(solution: Solution, aims: bool = False, at: Index | None = None, emergency: bool = False) -> Margins:
    """All margins of a solution to what limits it; with `aims` those to what controls aim at instead.

    at: scenarios of which they are taken, all if not given. emergency: whether bounds are those for hours after a loss.

    `relative` divides them by the bound, by SMALLEST_SCALE at least, and margins of temperatures and pressures by
    SCALES. Both margins are infinite where nothing binds, and in what is lost of a solved plant: `limits.overheated`
    tells that.
    """
    return _margins(solution, list(_rows(solution, aims, emergency)), at)


def _rows(solution: Solution, aims: bool, emergency: bool = False) -> Iterator[Row]:
    """Limits that bind or aims, with values and bounds."""
    plant = solution.plant
    loose = chain(_loose(solution), _moist(solution) if aims else ())
    rows = ((limit, solution[limit.value], _bound(solution, limit, emergency)) for limit in plant.limits)
    for row in chain(rows, (row for row in loose if row[0].name not in plant.facility.ignore)):
        if row[0].kind.aim == aims:
            yield row


def _margins(solution: Solution, rows: Sequence[Row], at: Index | None = None) -> Margins:
    """Margins to some limits at once, in some scenarios."""
    total, limited = solution.plant.scenarios, [limit for limit, _, _ in rows]
    chosen = np.arange(total) if at is None else at
    none, wide = np.zeros((0, len(chosen))), [len(bound) for _, _, bound in rows]

    def pick(a: Array, n: int) -> Array:
        """Numbers of the chosen scenarios."""
        if a.shape[1] > 1 and at is not None:
            a = a[:, at]
        return np.broadcast_to(a, (n, len(chosen)))

    value = np.concatenate([none, *(pick(v, n) for (_, v, _), n in zip(rows, wide, strict=True))])
    bound = np.concatenate([none, *(pick(b, n) for (_, _, b), n in zip(rows, wide, strict=True))])
    binds = np.flatnonzero(np.isfinite(bound).any(axis=1))
    of = np.repeat(np.arange(len(rows)), np.array(wide, int))[binds]
    value, bound = value[binds], bound[binds]
    value[:, np.isin(chosen, list(solution.plant.invalid))] = np.nan
    quantities = [limit.kind.quantity or limit.value.column.quantity for limit in limited]
    sense = np.array([limit.kind.sense for limit in limited], float)[of, None]
    there = np.isfinite(bound) & ~(np.isnan(value) & (solution.status[chosen] == Status.OK))
    margin = sense * (np.where(there, bound, 0.0) - value)
    margin = np.where(there, np.where(np.isnan(margin), -np.inf, margin), np.inf)
    fixed = np.array([SCALES.get(quantity, np.nan) for quantity in quantities], float)[of, None]
    scale = np.where(np.isnan(fixed), np.maximum(np.abs(bound), SMALLEST_SCALE), fixed)
    return Margins(
        name=np.array([limit.name for limit in limited], object)[of],
        element=np.array([*chain.from_iterable(limit.elements for limit in limited)], object)[binds],
        dimension=np.array(quantities, object)[of],
        layer=np.array([limit.kind.layer for limit in limited], object)[of],
        kind=np.array([limit.kind for limit in limited], object)[of],
        value=value,
        bound=bound,
        margin=margin,
        relative=margin / np.where(there, scale, 1.0),
        alike=np.concatenate([np.zeros(0), *(solution.plant.alike(x.elements, x.value) for x in limited)])[binds],
    )


class Tightest(NamedTuple):
    """The tightest limit of every scenario, (scenario,) each.

    name, element, dimension: texts, "" where nothing is limited. value, bound: in SI units, NaN there. relative: margin
    over a scale of the bound [1], infinite there.
    """

    name: Array
    element: Array
    dimension: Array
    value: Array
    bound: Array
    relative: Array

    @property
    def exceeded(self) -> Array:
        """True where a scenario passes any limit by more than TOLERANCE of it, (scenario,)."""
        return self.relative < -TOLERANCE


def tightest(solution: Solution) -> Tightest:
    """The limit with the least relative margin in every scenario, the first of equals; as `worst` of the margins.

    Limits are gone through one by one, so that it takes no more memory than one of them.
    """
    size = solution.plant.scenarios
    name, element, dimension = (np.full(size, "", object) for _ in range(3))
    value, bound = np.full((2, size), np.nan)
    found = Tightest(name, element, dimension, value, bound, np.full(size, np.inf))
    for row in _rows(solution, aims=False):
        part = _margins(solution, [row])
        least = part.relative.min(axis=0, initial=np.inf)
        at = np.flatnonzero(least < found.relative)
        if not len(at):
            continue
        tight = np.argmin(part.relative[:, at], axis=0)
        found.name[at], found.dimension[at], found.relative[at] = part.name[0], part.dimension[0], least[at]
        found.element[at] = part.element[tight]
        found.value[at], found.bound[at] = part.value[tight, at], part.bound[tight, at]
    return found


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
        int(m.alike[row]),
    )


def here(m: Margins, limit: Binding, scenario: int = 0) -> Binding | None:
    """A limit that was found elsewhere, at the same element, as these margins have it; None if they do not."""
    rows = np.flatnonzero((m.name == limit.name) & (m.element == limit.element))
    nearest = sorted(rows, key=lambda row: abs(m.bound[row, scenario] - limit.bound))
    return binding(m, int(nearest[0]), scenario) if nearest else None


def fullest(m: Margins, scenario: int = 0) -> dict[str, float]:
    """How far layers of the factory are used: the fullest part of each, as a share of its limit."""
    used = {}
    for layer in LAYERS:
        rows = (m.layer == layer) & (m.bound[:, scenario] > 0) & (m.bound[:, scenario] < np.inf)
        used[layer] = float((m.value[rows, scenario] / m.bound[rows, scenario]).max(initial=0.0))
    return used


def worst(m: Margins, scenario: int = 0) -> tuple[Binding, ...]:
    """The tightest element of every limit, tightest first."""
    rows: dict[str, int] = {}
    for row in np.argsort(m.relative[:, scenario], kind="stable"):
        if m.relative[row, scenario] < np.inf:
            rows.setdefault(str(m.name[row]), int(row))
    return tuple(binding(m, row, scenario) for row in rows.values())


def exceeded(m: Margins, tolerance: float = TOLERANCE) -> Array:
    """True where a scenario passes any limit by more than `tolerance` of it, (scenario,)."""
    return np.any(m.relative < -tolerance, axis=0)
