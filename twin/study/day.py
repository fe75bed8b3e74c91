"""A day of demand: what is sold within the objectives, and what power, money and carbon that takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.columns import Array
from twin.elements import Status
from twin.facility.sections import Serving
from twin.money import cost
from twin.results.figures import figures
from twin.serving.platforms import max_prefill_load
from twin.serving.tokens import chips_at_work, has_physics, options, point, terms_of, tokens, why_unserved
from twin.solver.steady import Solution, steady
from twin.study.levels import at_levels


@dataclass(frozen=True)
class Day:
    """What a facility sells in a mean day of its demand.

    `demand` and `sold` are shares of the capacity in each part of the day, `within` the share of it that keeps the
    objectives. Means over the day and the hours of the year in which nothing is served: `tokens_per_s`,
    `facility_power` [W], `carbon` [kg/s]; `idle_power` [W] is drawn when nothing is requested or served. `annual` is
    the cost of a year of such days by term, `income` what it earns [$/year].
    """

    demand: Array
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
    def gross_margin_usd_per_mw_year(self) -> float:
        """Income less all cost over the mean power, $/MW/year; NaN without a price of tokens."""
        return float(cost.usd_per_mw_year(self.income - self.annual.total, self.facility_power))


def day(solution: Solution, scenario: int = 0) -> Day | None:
    """A mean day of a layout's demand as a scenario has it, None where the layout states none or it was not solved.

    Demand is packed: as many chips work as the demand needs at the load that keeps the objectives, and the others
    idle. What is requested beyond that is turned away. The parts of the day are solved as one batch; energy, water and
    carbon are their means, with all idle while nothing is served (`availability`); demand is charged by the highest.
    """
    plant = solution.plant
    terms = terms_of(plant, scenario)
    if terms.demand is None or solution.status[scenario] != Status.OK:
        return None
    demand = np.array(terms.demand, float)
    within, reason = goodput(solution, scenario)
    capacity = float(tokens(solution).per_s[scenario])
    if not capacity > 0:
        within, reason = 0.0, next(iter(why_unserved(solution, scenario)), "its racks serve no tokens")
    sold = np.minimum(demand, within)
    levels, hour = np.unique(np.r_[0.0, sold / within if within > 0 else sold], return_inverse=True)
    solved = steady(at_levels(plant, scenario, levels))
    if not (solved.status == Status.OK).all():
        at = levels[np.flatnonzero(solved.status != Status.OK)[0]]
        reason = f"no solution with {at:.0%} of the accelerators at work"
    f, hour = figures(solved), hour[1:]
    of_day = lambda x: float(np.mean(np.broadcast_to(x, levels.shape)[hour]))  # noqa: E731
    idle = lambda x: float(np.broadcast_to(x, levels.shape)[0])  # noqa: E731
    mean = lambda x: terms.availability * of_day(x) + (1.0 - terms.availability) * idle(x)  # noqa: E731
    annual = cost.Annual(*(np.asarray(mean(x)) for x in f.annual))
    charged = float(np.broadcast_to(f.annual.demand, levels.shape)[hour].max())
    return Day(
        demand,
        sold,
        within,
        capacity,
        of_day(f.tokens_per_s) * within,
        mean(f.facility_power),
        float(f.facility_power[hour].max()),
        float(f.facility_power[0]),
        mean(f.carbon),
        annual._replace(demand=np.asarray(charged)),
        of_day(f.income) * within,
        reason,
    )


def goodput(solution: Solution, scenario: int = 0) -> tuple[float, str]:
    """Share of the capacity that keeps the layout's objectives, the lowest of all platforms, and what bounds it.

    Tokens come as fast as the interactivity says. First tokens wait in the queue of prefill at the clocks that were
    solved, which only physics knows (`serving.max_prefill_load`): where it knows nothing the objective is not judged,
    which is said.
    """
    plant, terms = solution.plant, terms_of(solution.plant, scenario)
    if terms.max_tpot is not None and terms.max_tpot * terms.interactivity < 1.0:
        slowest = 1.0 / terms.max_tpot
        return 0.0, f"tokens take {1e3 / terms.interactivity:.3g} ms: ask for an interactivity of {slowest:.4g} or more"
    if terms.max_ttft is None:
        return 1.0, ""
    lowest, reason = 1.0, ""
    for platform, rows in plant.platforms():
        chips, clock, busy = (x[rows, scenario] for x in chips_at_work(solution))
        chips = chips * busy
        if not chips.sum() > 0:
            continue
        share = _within(terms, platform, float(chips.sum()), float((chips * clock).sum() / chips.sum()))
        if share is None:
            reason = reason or f"first tokens of {platform} are not known"
        elif share < lowest:
            lowest, reason = share, f"first tokens of {platform} within {terms.max_ttft:g} s"
    return lowest, reason


def _within(terms: Serving, platform: str, chips: float, clock: float) -> float | None:
    if not has_physics(terms, platform):
        return None
    first = terms.max_ttft or np.inf
    return max_prefill_load(point(terms, platform), chips, first, terms.objective_share, clock, options(terms))
