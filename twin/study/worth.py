"""What a facility earns, and what a little more of something would add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twin.columns import Array
from twin.facility.build import load
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.facility.layout import Layout
from twin.facility.scenarios import uniform
from twin.money.cost import YEAR
from twin.plant.compile import compile
from twin.results.figures import figures
from twin.results.limits import margins
from twin.serving.tokens import at_work
from twin.solver.steady import Solution, steady
from twin.study.bound import densest
from twin.study.idle import at_rest, with_idle_hours
from twin.study.optimum import earning


@dataclass(frozen=True)
class Worth:
    """What a layout earns, and what a little more of something would add, at a price of tokens.

    `margin` is revenue less all yearly cost at the densest point [$/year], `margin_per_mw` over the power drawn
    [$/MW/year], `megawatt` is the value of one more megawatt of utility contract that
    racks grow into; `kelvin` that of coolant and room air one kelvin warmer, `availability` that of one percent more of
    it, its tokens less the energy and water that work takes beyond idling, both at the density as laid out [$/year].
    `passed` names the limits that half a kelvin more would pass.
    """

    price: float
    margin: float
    margin_per_mw: float
    million_tokens_per_mw_year: float
    megawatt: float
    kelvin: float
    availability: float
    passed: tuple[str, ...]


SHARE = 0.01
"""By which share a contract is widened to find the value of a megawatt."""


def worth(
    layout: str | Path | Layout,
    price: float | None = None,
    *,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Worth:
    """Margin at a `price` [$ per million tokens, input included], and its derivatives by differences.

    layout, case, overrides: as `twin.load` takes them. Without a price it is that of the layout's economics; all that
    can be served is taken as sold. Raises LayoutError for no price or one below 0, for a facility without a utility's
    contract, or whose racks serve nothing.

    >>> twin.worth("gb300_hall", price=0.4).megawatt
    """
    given = dict(overrides or {})
    facility = load(layout, case, given)
    earning(facility, "worth")
    terms = facility.serving
    if price is None:
        price = facility.economics.income(terms.input_tokens, terms.output_tokens)
        if price is None:
            raise LayoutError(facility.source, ["worth: give a price, or economics.token_price in the layout"])
        price = 1e6 * price
    if not price >= 0:
        raise LayoutError(facility.source, [f"worth: price: give 0 or more, not {price:g}"])
    parts: dict[str, Any] = dict(facility.components)
    utilities = {n: p for n, p in parts.items() if p.metered and np.isfinite(p.contract)}
    if not utilities:
        raise LayoutError(facility.source, ["worth: no utility has a contract"])

    def earned(solution: Solution) -> Array:
        f = figures(with_idle_hours(solution, solution.plant))
        return f.tokens_per_s * YEAR / 1e6 * price - f.annual.total

    contract = sum(float(p.contract) for p in utilities.values())
    wider = {f"{n}.contract": f"{float(p.contract) * (1.0 + SHARE) / 1e6!r} MW" for n, p in utilities.items()}
    now, then = (densest(load(layout, case, given | more)) for more in ({}, wider))
    if not now.scale > 0:
        raise LayoutError(facility.source, [f"worth: no density is sustainable: {now.reason}"])
    margin, f = float(earned(now.solution)[0]), figures(now.solution)
    warm = _warmed(facility)
    m = margins(warm)
    passed = np.flatnonzero((m.relative[:, 2] < 0) & (m.relative[:, 1] >= 0))
    return Worth(
        price,
        margin,
        margin / float(f.facility_power[0] / 1e6),
        float(f.tokens_per_s[0] * YEAR / 1e6 / (f.facility_power[0] / 1e6)),
        (float(earned(then.solution)[0]) - margin) / (SHARE * contract / 1e6),
        float(earned(warm)[2] - earned(warm)[0]),
        0.01 * _work(warm, price / terms.availability),
        tuple(f"{m.name[row]} at {m.element[row]}" for row in passed),
    )


def _work(solution: Solution, price: float) -> float:
    """What a year at work brings at a price of tokens, less what it takes beyond an idle year, $; of scenario 1."""
    f, rest = figures(solution), figures(steady(at_rest(solution.plant)))
    used = (f.annual.energy - rest.annual.energy) + (f.annual.water - rest.annual.water)
    return float((f.tokens_per_s * YEAR / 1e6 * price - used)[1])


def _warmed(facility: Facility) -> Solution:
    """The facility with its set points half a kelvin lower, as they are, and half a kelvin higher."""
    moved = np.array([-0.5, 0.0, 0.5])
    points = {n: getattr(p, "set_point", None) for n, p in facility.components.items() if p.set_point_role}
    given = {f"{n}.set_point": moved + at for n, at in points.items() if at is not None}
    return steady(at_work(compile(facility, given or uniform(facility, len(moved))).checked()))
