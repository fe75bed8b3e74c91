"""A day of demand: what is sold within the objectives, and what power, money and carbon that takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from twin.coupling import steady
from twin.domains import cost
from twin.elements import Array, Plant, Status
from twin.facility import Facility
from twin.figures import figures
from twin.plant import compile
from twin.serving import busiest
from twin.tables import physics
from twin.terms import Serving
from twin.tokens import at_work, options, platforms, wanted


@dataclass(frozen=True)
class Day:
    """What a facility sells in a mean day of its demand.

    `asked` and `sold` are shares of the capacity in each part of the day, `within` the share of it that keeps the
    objectives. Means over the day: `tokens_per_s`, `facility_power` [W], `carbon` [kg/s]; `idle_power` [W] is drawn
    when nothing is asked for. `annual` is the cost of a year of such days by term, `income` what it earns [$/year].
    """

    asked: Array
    sold: Array
    within: float
    capacity: float
    tokens_per_s: float
    facility_power: float
    peak_power: float
    idle_power: float
    carbon: float
    annual: cost.Annual
    income: float
    reason: str = ""

    @property
    def usd_per_million_tokens(self) -> float:
        """Yearly cost over tokens sold; infinite for none."""
        return float(cost.usd_per_million_tokens(self.annual.total, self.tokens_per_s))

    @property
    def margin_per_mw_year(self) -> float:
        """Income less all cost over the mean power, $/MW/year; NaN without a price of tokens."""
        return float(cost.usd_per_mw_year(self.income - self.annual.total, self.facility_power))


def day(facility: Facility) -> Day | None:
    """A mean day of a layout's demand at its climate, None where it states no demand.

    Demand is packed: of the chips, the share that is asked for works as at full demand and the others idle. What is
    asked beyond the objectives is turned away. The parts of the day are solved as one batch; energy, water and carbon
    are their means, and demand is charged by the highest.
    """
    terms = facility.serving
    if terms.demand is None:
        return None
    asked = np.array(terms.demand, float)
    plant = compile(facility)
    within, reason = goodput(plant)
    sold = np.minimum(asked, within)
    levels, hour = np.unique(np.r_[0.0, 1.0, sold], return_inverse=True)
    solution = steady(at_work(_busy(facility, levels)))
    if not (solution.status == Status.OK).all():
        at = levels[np.flatnonzero(solution.status != Status.OK)[0]]
        reason = f"no solution at {at:.0%} of the capacity"
    f, hour = figures(solution), hour[2:]
    mean = lambda x: float(np.mean(np.broadcast_to(x, levels.shape)[hour]))  # noqa: E731
    annual = cost.Annual(*(np.asarray(mean(x)) for x in f.annual))
    charged = float(np.broadcast_to(f.annual.demand, levels.shape)[hour].max())
    return Day(
        asked,
        sold,
        within,
        float(f.tokens_per_s[-1]),
        mean(f.tokens_per_s),
        mean(f.facility_power),
        float(f.facility_power[hour].max()),
        float(f.facility_power[0]),
        mean(f.carbon),
        annual._replace(demand=np.asarray(charged)),
        mean(f.income),
        reason,
    )


def _busy(facility: Facility, levels: Array) -> Plant:
    """The plant in as many scenarios as there are levels, of which racks that serve work at that share."""
    plant = compile(facility, {"site.dry_bulb": np.full(len(levels), facility.site.dry_bulb)})
    e, share = plant.engine, np.ones((len(plant.engine.stream), len(levels)))
    for _, rows in platforms(plant):
        share[rows] = levels
    busy = replace(e, utilisation=e.utilisation * share, host_utilisation=e.host_utilisation * share)
    return replace(plant, engine=busy)


def goodput(plant: Plant) -> tuple[float, str]:
    """Share of the capacity that keeps the layout's objectives, the least of all platforms, and what bounds it.

    Tokens come as fast as the interactivity says. First tokens wait in the queue of prefill, which only physics knows
    (`serving.busiest`): for a platform without physics their objective is not judged, which is said.
    """
    terms = plant.facility.serving
    if terms.most_token_time is not None and terms.most_token_time * terms.interactivity < 1.0:
        wanted = 1.0 / terms.most_token_time
        return 0.0, f"tokens take {1e3 / terms.interactivity:.3g} ms: ask for an interactivity of {wanted:.4g} or more"
    if terms.most_first_token is None:
        return 1.0, ""
    found, reason = 1.0, ""
    for platform, rows in platforms(plant):
        chips = float((plant.engine.chips * plant.engine.chip_scale)[rows].max(axis=1).sum())
        share = _within(terms, platform, chips)
        if share is None:
            reason = reason or f"first tokens of {platform} are not known"
        elif share < found:
            found, reason = share, f"first tokens of {platform} within {terms.most_first_token:g} s"
    return found, reason


def _within(terms: Serving, platform: str, chips: float) -> float | None:
    known = physics()
    if platform not in known["fits"] or terms.model not in known["models"]:
        return None
    first = terms.most_first_token or np.inf
    return busiest(*wanted(terms, platform), chips, first, terms.objective_share, **options(terms))
