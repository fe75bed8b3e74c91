"""The operating point at which a token costs least: batches of what-ifs that close in on the best that keeps limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy

from twin import columns
from twin.columns import Array, Index
from twin.components.base import Component
from twin.elements import Status
from twin.facility.addresses import split
from twin.facility.build import load
from twin.facility.files import LayoutError, hint
from twin.facility.graph import Facility
from twin.facility.layout import Layout
from twin.facility.scenarios import SECTIONS, dimension, read, select, uniform
from twin.results.figures import figures
from twin.results.limits import Binding, exceeded, margins, worst
from twin.serving.tokens import check_served, why_unserved
from twin.solver.steady import Progress, Solution, steady
from twin.study.bound import Bound, densest, rescale, scaled_rows
from twin.study.idle import with_idle_hours
from twin.study.parts import plants

DENSITY = "rack_density"


class Named(NamedTuple):
    """A variable by name: the field of which equipment, and its range in SI units."""

    field: str
    of: Callable[[Component], bool]
    range: tuple[float, float]


NAMED = {
    "supply_temperature": Named("set_point", lambda p: p.set_point_role == "coolant", (288.15, 323.15)),
    "air_temperature": Named("set_point", lambda p: p.set_point_role == "air", (288.15, 308.15)),
    "power_cap": Named("power_cap", lambda p: "power_cap" in type(p).model_fields, (300.0, 1600.0)),
    "clock": Named("clock", lambda p: "clock" in type(p).model_fields, (0.4, 1.0)),
}
"""What may be varied by name in addition to the density."""

DENSITIES = (0.2, 1.6)
"""Range of the density as a share of the highest."""

POINTS = 32
"""What-ifs of a round."""

ROUNDS = 12
CLOSER = 0.6
"""Width of a round's box over that of the round before."""


@dataclass(frozen=True)
class Optimum:
    """The operating point of least cost per token within all limits, and the densest one.

    `values` are what was varied, in SI units, the density as W per rack; `tightest` is the limit nearest to binding.
    `densest` is the bound of the layout as it stands, `densest_cost` its cost per million tokens and `gain` by which
    share the optimum is cheaper; `tried` counts the what-ifs and `dimensions` say what `values` are. Where none keeps
    all limits, `reason` says so.
    """

    values: dict[str, float]
    usd_per_million_tokens: float
    tokens_per_s: float
    facility_power: float
    density: float
    tightest: Binding | None
    densest: Bound
    densest_cost: float
    tried: int
    dimensions: dict[str, str]
    reason: str = ""

    @property
    def gain(self) -> float:
        """Share of the densest point's cost that is saved."""
        return 1.0 - self.usd_per_million_tokens / self.densest_cost

    @property
    def distance(self) -> float:
        """Density over that of the densest point."""
        return self.density / self.densest.density if self.densest.density else np.nan


def optimum(
    layout: str | Path | Layout | Facility,
    over: Sequence[str] | Mapping[str, tuple[float, float]] = (DENSITY, "supply_temperature", "power_cap"),
    *,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Optimum:
    """Least cost per token over some variables, every limit kept.

    layout, case, overrides: as `twin.load` takes them. over: names of variables (rack_density, supply_temperature,
    air_temperature, power_cap, clock), or these and scenario addresses with their ranges in SI units, the density's as
    a share of the highest. progress: called with the round. Rounds of what-ifs, spread evenly over a box [Sobol', USSR
    Comput. Math. Math. Phys. 7 (1967) 86] that closes in on the best so far, are solved as one batch each; the layout's
    own point is among them, and the densest if the density varies, as far as the ranges have them. Raises LayoutError
    for what cannot be varied.

    >>> twin.optimum("gb300_hall", over={"rack_density": (0.5, 1.2), "cdu.set_point": (300.0, 318.0)})
    """
    facility = layout if isinstance(layout, Facility) else load(layout, case, overrides)
    earning(facility, "optimum")
    ranges = {DENSITY: DENSITIES} | {n: v.range for n, v in NAMED.items()}
    requested = dict(over) if isinstance(over, Mapping) else {n: ranges.get(n) for n in over}
    known: dict[str, tuple[float, float]] = {}
    for n, ends in requested.items():
        if ends is None:
            fault = f"optimum: {n!r} has no range of its own{hint(n, ranges)}; give (low, high)"
            raise LayoutError(facility.source, [fault])
        if not ends[0] < ends[1]:
            raise LayoutError(facility.source, [f"optimum: {n!r}: give a range that rises, not {ends}"])
        known[n] = ends
    if not known:
        raise LayoutError(facility.source, ["optimum: give at least one variable in `over`"])
    corners = {a: list(ends) for n, ends in known.items() if n != DENSITY for a in _addresses(facility, n)}
    for _, plant in plants(facility, read(facility, corners)):
        plant.checked()
    highest = densest(facility, progress)
    space = _Space(facility, known, highest)
    box = np.tile([0.0, 1.0], (len(known), 1))
    best, tried = _Tried(space.start, np.inf), 0
    for turn in range(ROUNDS):
        sample = scipy.stats.qmc.Sobol(len(known), scramble=False).fast_forward(1 + turn * POINTS).random(POINTS)
        points = box[:, 0] + sample * (box[:, 1] - box[:, 0])
        points = np.concatenate([points, space.start[None], space.corner[None], best.point[None]])
        cost = space.cost(points)
        tried += len(points)
        if cost.min() < best.cost:
            best = _Tried(points[int(np.argmin(cost))], float(cost.min()))
        if progress:
            progress(f"round {turn + 1} of {ROUNDS}, {best.cost:.5g} $ per million tokens")
        half = 0.5 * CLOSER ** (turn + 1)
        box = np.clip(np.stack([best.point - half, best.point + half], axis=1), 0.0, 1.0)
    return space.finish(best, tried)


def earning(facility: Facility, what: str) -> None:
    """Raises LayoutError if racks serve nothing as laid out, or nothing is known of what they would serve."""
    check_served(facility)
    (_, plant), *_ = plants(facility)
    solution = steady(plant)
    if solution.status[0] == Status.OK and not figures(solution).tokens_per_s[0] > 0:
        why = why_unserved(solution) or ["no rack has accelerators of a known platform at work"]
        raise LayoutError(facility.source, [f"{what}: its racks serve no tokens: {'; '.join(why)}"])


def _addresses(facility: Facility, name: str) -> list[str]:
    """Scenario addresses of a variable. Raises LayoutError where a named one means nothing in this layout."""
    if name not in NAMED:
        return [name]
    field, of, _ = NAMED[name]
    groups: dict[str, list[str]] = {}
    for n, part in facility.components.items():
        if of(part):
            groups.setdefault(part.dimension, []).append(n)
    if not groups:
        raise LayoutError(facility.source, [f"optimum: {name}: nothing here has a {field} of that kind"])
    return [address for group, names in groups.items() for address in _meaning(facility, group, names, field)]


def _meaning(facility: Facility, group: str, names: list[str], field: str) -> list[str]:
    """Addresses of a field of components: that of their group where it means just these, else one each."""
    return [f"{group}.{field}"] if select(facility, f"{group}.{field}") == names else [f"{n}.{field}" for n in names]


def _stated(facility: Facility, address: str) -> list[float | None]:
    """What the layout has at a scenario address, one value per component or section."""
    head, name, field = split(address)
    if head in SECTIONS and name is None:
        return [getattr(getattr(facility, head), field)]
    return [getattr(facility.components[n], field) for n in select(facility, address)]


@dataclass(frozen=True)
class _Tried:
    point: Array
    cost: float


class _Space:
    """Points of the unit box as what-ifs of a facility."""

    def __init__(self, facility: Facility, ranges: Mapping[str, tuple[float, float]], densest: Bound) -> None:
        self.facility, self.names, self.densest = facility, list(ranges), densest
        self.addresses = {n: _addresses(facility, n) for n in self.names if n != DENSITY}
        self.low, self.high = np.array([ranges[n] for n in self.names], float).T
        self.top = densest.scale if densest.scale > 0 else 1.0
        if DENSITY in ranges:
            at = self.names.index(DENSITY)
            self.low[at], self.high[at] = self.low[at] * self.top, self.high[at] * self.top
        own = np.array([self._own(n, top) for n, top in zip(self.names, self.high, strict=True)])
        self.start = np.clip((own - self.low) / (self.high - self.low), 0.0, 1.0)
        dense = (self.top * (1.0 - 1e-9) - self.low) / (self.high - self.low)
        self.corner = np.where([n == DENSITY for n in self.names], np.clip(dense, 0.0, 1.0), self.start)
        self._known = dict[bytes, float]()
        at_bound = with_idle_hours(densest.solution, densest.solution.plant)
        self.densest_cost = float(figures(at_bound).usd_per_million_tokens[0])

    def _own(self, name: str, high: float) -> float:
        """What the layout itself has, the highest of several; the top of the range where it states none."""
        if name == DENSITY:
            return 1.0
        stated = [value for a in self.addresses[name] for value in _stated(self.facility, a)]
        return max((float(v) for v in stated if v is not None and np.isfinite(v)), default=high)

    def values(self, points: Array) -> Array:
        """SI values of points, (point, variable)."""
        return self.low + points * (self.high - self.low)

    def solved(self, points: Array) -> Iterator[tuple[Index, Solution]]:
        """Solutions of points as scenarios, those in which the same is alike together, with their numbers."""
        values = self.values(points)
        given = {a: values[:, i] for i, n in enumerate(self.names) if n != DENSITY for a in self.addresses[n]}
        for chosen, plant in plants(self.facility, read(self.facility, given or uniform(self.facility, len(points)))):
            if DENSITY in self.names:
                factors = values[chosen, self.names.index(DENSITY)]
                plant = rescale(plant, factors, scaled_rows(plant), "chips")
            yield chosen, with_idle_hours(steady(plant), plant)

    def cost(self, points: Array) -> Array:
        """Cost per million tokens, infinite where a limit is passed or nothing is solved or served, (point,).

        What has been tried before is known: the answer of a point does not depend on the others.
        """
        fresh = {p.tobytes(): p for p in points if p.tobytes() not in self._known}
        if fresh:
            self._known.update(zip(fresh, self._cost(np.array([*fresh.values()])).tolist(), strict=True))
        return np.array([self._known[p.tobytes()] for p in points])

    def _cost(self, points: Array) -> Array:
        found = np.full(len(points), np.inf)
        for chosen, solution in self.solved(points):
            good = (solution.status == Status.OK) & ~exceeded(margins(solution))
            cost = figures(solution).usd_per_million_tokens
            found[chosen] = np.where(good & np.isfinite(cost), cost, np.inf)
        return found

    def finish(self, best: _Tried, tried: int) -> Optimum:
        """The best point in full."""
        ((_, solution),) = self.solved(best.point[None])
        f, rows = figures(solution), np.flatnonzero(scaled_rows(solution.plant))
        racks = solution.plant.counts[columns.engine][rows].sum()
        density = float(solution.sum(columns.engine.power[rows])[0] / racks)
        values = dict(zip(self.names, self.values(best.point).tolist(), strict=True))
        if DENSITY in values:
            values[DENSITY] = density
        feasible = np.isfinite(best.cost)
        return Optimum(
            values,
            best.cost,
            float(f.tokens_per_s[0]),
            float(f.facility_power[0]),
            density,
            worst(margins(solution))[0] if feasible else None,
            self.densest,
            self.densest_cost,
            tried,
            {n: "power" if n == DENSITY else dimension(self.facility, self.addresses[n][0]) for n in self.names},
            "" if feasible else "no point keeps every limit",
        )
