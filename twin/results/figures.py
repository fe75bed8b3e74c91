"""Headline figures: megawatts, PUE, tokens and money of every scenario."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from twin import columns
from twin.columns import PARTS, Array, totals
from twin.elements import Status, total
from twin.money import cost
from twin.money import yearly as money
from twin.serving.tokens import lengths, tokens
from twin.solver.steady import Solution

KEPT = ("annual", "energy_audit")
"""Figures that a scenario without solution has, or that are no array."""


@dataclass(frozen=True)
class Figures:
    """One value per scenario each, (scenario,); `twin.columns.figures` says what they are.

    Powers [W], at work unless their name says otherwise; mean_it_power is that of racks over a year. idle_energy
    [J/year]. outputs: share of tokens that are outputs [1]. tokens_error: factor less one within which tokens are known
    [1]. income [$/year]. annual: cost of a year by term [$/year]. water, potable_water, carbon: means over a year
    [kg/s]. ttft [s].
    """

    facility_power: Array
    system_power: Array
    it_power: Array
    cooling_power: Array
    other_power: Array
    electrical_loss: Array
    conversion_loss: Array
    heat_to_liquid: Array
    heat_to_air: Array
    provisioned_power: Array
    mean_power: Array
    mean_it_power: Array
    idle_power: Array
    idle_energy: Array
    contract_power: Array
    pue: Array
    accelerators: Array
    tokens_per_s: Array
    tokens_error: Array
    income: Array
    outputs: Array
    ttft: Array
    annual: cost.Annual
    energy_audit: Array
    water: Array
    potable_water: Array
    carbon: Array

    @property
    def wue(self) -> Array:
        """Make-up water over IT energy, kg/J; NaN without IT power [The Green Grid, white paper 35 (2011)]."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.mean_it_power > 0, self.water / self.mean_it_power, np.nan)

    @property
    def usd_per_mw_year(self) -> Array:
        """Yearly cost over the power drawn, $/MW/year."""
        return cost.usd_per_mw_year(self.annual.total, self.facility_power)

    @property
    def usd_per_million_tokens(self) -> Array:
        """Yearly cost over the tokens of a year."""
        return cost.usd_per_million_tokens(self.annual.total, self.tokens_per_s)

    @property
    def usd_per_million_output_tokens(self) -> Array:
        """Yearly cost over the output tokens of a year, inputs going free."""
        return cost.usd_per_million_tokens(self.annual.total, self.tokens_per_s * self.outputs)

    @property
    def gross_margin_usd_per_mw_year(self) -> Array:
        """Income less all yearly cost, over the power drawn, $/MW/year; NaN without a price of tokens."""
        return cost.usd_per_mw_year(self.income - self.annual.total, self.facility_power)

    @property
    def income_usd_per_accelerator_hour(self) -> Array:
        """Income of an accelerator and hour, used or not, $; NaN without a price of tokens or accelerators."""
        hourly = cost.usd_per_accelerator_hour(self.income, self.accelerators)
        return np.where(self.accelerators > 0, hourly, np.nan)

    def per_million_tokens(self, rate: Array) -> Array:
        """What flows at a rate [1/s] while a million tokens are served; NaN where none are."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.tokens_per_s > 0, 1e6 * rate / self.tokens_per_s, np.nan)

    def tokens_per_s_per_mw(self, basis: str) -> Array:
        """Tokens/s over 'provisioned' (nameplate x PUE), 'drawn' (meter) or 'contract' power, in MW."""
        power = {"provisioned": self.provisioned_power, "drawn": self.facility_power, "contract": self.contract_power}[
            basis
        ]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((power > 0) & np.isfinite(power), self.tokens_per_s / (power / 1e6), np.nan)


def figures(solution: Solution) -> Figures:
    """Headline figures of a solution.

    Provisioned power is the nameplate of all racks, network and storage racks included, times the site's design PUE
    (that of the solve where the site states none); drawn power is what sources deliver, contracted power what the
    contracts state. The grid's share is what is paid for. Where tokens are served for a share of the year only, energy,
    water, carbon and cost of the year are means over it, in the other hours of `Solution.idle`.
    """
    plant = solution.plant
    parts = _parts(solution)
    facility, it = solution.sum(columns.source.power), parts["it_power"]
    with np.errstate(divide="ignore", invalid="ignore"):
        pue = np.where(it > 0, facility / it, np.nan)
    design = pue if plant.design_pue is None else plant.design_pue
    served = tokens(solution)
    isl, osl = lengths(plant)
    price = money.priced(plant).income(isl, osl)
    share, idle = money.served_share(plant), _idle(solution)
    water = money.water_flow(solution)
    result = Figures(
        facility_power=facility,
        system_power=it + solution.total(totals.cdus),
        **parts,
        conversion_loss=solution.total(totals.conversion_loss),
        heat_to_liquid=solution.total(totals.heat_to_liquid),
        heat_to_air=solution.total(totals.heat_to_air),
        provisioned_power=solution.sum(columns.engine.nameplate) * np.broadcast_to(design, pue.shape),
        mean_power=money.mean(solution, "facility_power", facility),
        mean_it_power=money.mean(solution, "it_power", it),
        idle_power=idle,
        idle_energy=np.where(share < 1.0, (1.0 - share) * idle * cost.YEAR, 0.0),
        contract_power=solution.total(totals.contract),
        pue=pue,
        accelerators=served.accelerators,
        tokens_per_s=served.per_s,
        tokens_error=served.error,
        income=served.per_s * cost.YEAR * (np.nan if price is None else price),
        outputs=osl / (isl + osl),
        ttft=served.ttft,
        annual=money.annual(solution),
        energy_audit=solution.audit,
        water=water,
        potable_water=water * money.priced(plant).origins.get("potable", (0.0, 0.0))[0],
        carbon=money.carbon(solution),
    )
    return _solved(result, solution.status == Status.OK)


def _idle(solution: Solution) -> Array:
    """Power at the meter while nothing is served, W (scenario,); NaN where that never is."""
    never = np.full(solution.plant.scenarios, np.nan)
    return never if solution.idle is None else solution.idle.facility_power


def _parts(solution: Solution) -> dict[str, Array]:
    """The figures that add up to what sources deliver [W], from every heading that components drew power under."""
    rows: dict[str, list[Array]] = {part: [] for part in PARTS}
    for tally in solution.plant.tallies:
        if tally.total.part:
            rows[tally.total.part].append(solution.sum(tally.power))
    none = np.zeros((0, solution.plant.scenarios))
    return {part: total(np.array(r)) if r else total(none) for part, r in rows.items()}


def _solved(result: Figures, ok: Array) -> Figures:
    """Figures of scenarios that were solved; NaN for the others."""
    if np.all(ok):
        return result
    blank = lambda x: np.where(ok, x, np.nan)  # noqa: E731
    changes = {f.name: blank(getattr(result, f.name)) for f in fields(result) if f.name not in KEPT}
    return replace(result, **changes, annual=cost.Annual(*(blank(x) for x in result.annual)))
