"""What limits cost: what one unit more of each would buy, found by searching the density again with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twin.air.response import Response
from twin.columns import Array
from twin.elements import Limit
from twin.facility.build import load
from twin.facility.graph import Facility
from twin.facility.scenarios import Scenarios, read, uniform
from twin.money.yearly import priced
from twin.plant.compile import Plant, compile
from twin.plant.symmetry import partitions
from twin.results.figures import figures
from twin.results.limits import DIFFERENCES, Binding
from twin.serving.tokens import at_work, check_served
from twin.solver.steady import Progress
from twin.study.bound import Bounds, bounds
from twin.units import format

STEPS = {"temperature": 1.0, "temperature_difference": 1.0, "pressure": 1e4}
"""One unit of a limit by quantity, SI; of others a hundredth of the bound."""

SHARE = 0.01

MOST = 8
"""Limits, the tightest at the bound first, that are made looser."""


class Price(NamedTuple):
    """What one unit more of a limit buys at the highest density.

    limit, element: the limit, and where it is tightest. unit: how much looser, as text. density [W per rack], tokens
    [1/s], usd [$/year]: what that adds. after: what binds then, None where nothing does. binds: whether it is what
    binds as things are.
    """

    limit: str
    element: str
    unit: str
    density: float
    tokens: float
    usd: float
    after: Binding | None
    binds: bool


class Prices(NamedTuple):
    """Prices of the tightest limits at the highest sustainable density, what buys most first.

    density: that density [W per rack]. limit: what binds there, None where nothing does. reason: why there is none.
    at_cost: whether tokens are valued at what they cost, as the layout states no price.
    """

    density: float
    limit: Binding | None
    rows: tuple[Price, ...]
    at_cost: bool
    reason: str = ""

    def sentences(self) -> str:
        """Which limit binds, where, and the cheapest lever, in two sentences."""
        if self.limit is None or not self.density:
            return f"No limit binds: {self.reason}." if self.reason else "No limit binds. Nothing needs to give."
        name, where, value, bound, _ = self.limit.texts
        dense = f"{self.density / 1e3:.1f} kW"
        first = f"Racks of up to {dense} are sustainable: {name} at {where} binds, {value} of {bound}."
        lever = next((p for p in self.rows if p.density > 1e-6 * self.density), None)
        if lever is None:
            return f"{first} No limit that is one unit looser buys any density by itself."
        gains = f"{lever.density / 1e3:.2f} kW per rack, {lever.tokens:,.0f} tokens/s and {_dollars(lever.usd)} a year"
        turns = lever.after is not None and lever.after.name != lever.limit
        after = f", until {lever.after.name} at {lever.after.where} binds" if lever.after and turns else ""
        return f"{first} {lever.unit} more of {lever.limit} buys {gains}{after}."


def _dollars(usd: float) -> str:
    return f"{usd / 1e6:,.2f} M$" if abs(usd) >= 1e5 else f"{usd:,.0f} $"


def limit_prices(
    layout: str | Path | Any,
    *,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Prices:
    """What one unit more of each of the tightest limits would buy: density, tokens, money.

    layout, case, overrides: as `twin.load` takes them. A unit is a kelvin, 10 kPa, or a hundredth of the bound. For
    each the density is searched again with that limit looser everywhere, so that what binds next is known. Money is
    income less all yearly cost; without a `token_price` tokens are worth what they cost. progress: called with the
    scale that is tried. Raises LayoutError.

    >>> print(twin.limit_prices("gb300_hall").sentences())
    """
    facility = layout if isinstance(layout, Facility) else load(layout, case, overrides)
    check_served(facility)
    return prices(facility, None, progress)


def prices(
    facility: Facility,
    given: Scenarios | None,
    progress: Progress | None = None,
    carry: Response | None = None,
) -> Prices:
    """The same of one scenario, None for the layout's own. carry: how computed air of rooms answers."""
    one = _plant(facility, given, 1, carry)
    highest = bounds(one, progress=progress)
    bound = highest.at(0)
    if bound.limit is None or not bound.scale:
        limit = bound.limit if bound.scale else None
        return Prices(bound.density, limit, (), False, bound.reason or highest.reasons[0])
    names = {x.name for x in one.limits}
    tight = [b for b in bound.table if b.name in names][:MOST]
    looser = _plant(facility, given, 1 + len(tight), carry)
    limits = tuple(_loosened(x, tight) for x in looser.limits)
    found = bounds(replace(looser, limits=limits), progress=progress)
    f = figures(found.solution)
    price = priced(found.solution.plant).token_price
    cost = f.annual.total
    with np.errstate(invalid="ignore"):  # of a layout that serves nothing a token is worth nothing that is known
        value = f.income if price is not None else f.tokens_per_s / f.tokens_per_s[0] * cost[0]
    earned = value - cost
    rows = [_price(found, k + 1, b, bound.limit, f.tokens_per_s, earned) for k, b in enumerate(tight)]
    rows.sort(key=lambda p: -p.density)
    return Prices(bound.density, bound.limit, tuple(rows), price is None)


def _plant(facility: Facility, given: Scenarios | None, count: int, carry: Response | None) -> Plant:
    """One scenario as a plant, as many times as asked."""
    if given is None:
        scenarios = read(facility, uniform(facility, count)) if count > 1 else None
    else:
        scenarios = given.part(np.zeros(count, np.int64))
    if carry is not None:
        return carry.carried(at_work(compile(facility, scenarios)))
    ((_, classes), *_) = partitions(facility, read(facility, {}) if scenarios is None else scenarios)
    return at_work(compile(facility, scenarios, classes))


def _step(limit: Binding) -> float:
    """One unit of a limit, SI."""
    return STEPS.get(limit.dimension, SHARE * abs(limit.bound))


def _loosened(limit: Limit, tight: Sequence[Binding]) -> Limit:
    """A limit that is looser in the scenario of its name."""
    bound = np.repeat(limit.bound[:, :1], 1 + len(tight), axis=1) if limit.bound.shape[1] == 1 else limit.bound.copy()
    for k, other in enumerate(tight):
        if other.name == limit.name:
            step = STEPS.get(other.dimension)
            here = bound[:, k + 1]
            bound[:, k + 1] = here + limit.kind.sense * (SHARE * np.abs(here) if step is None else step)
    return replace(limit, bound=bound)


def _price(found: Bounds, k: int, limit: Binding, binding: Binding, tokens: Array, earned: Array) -> Price:
    dimension = DIFFERENCES.get(limit.dimension, limit.dimension)
    unit = format(_step(limit), dimension)
    if limit.dimension not in STEPS:
        unit = f"1 % ({unit})" if dimension not in ("fraction", "number") else "1 %"
    density, served, usd = (float(x[k] - x[0]) for x in (found.density, tokens, earned))
    binds = limit.name == binding.name
    return Price(limit.name, limit.where, unit, density, served, usd, found.limits[k], binds)
