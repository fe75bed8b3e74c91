"""Headline figures: megawatts, PUE, tokens and money of every scenario."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from twin.elements import Array, Status, total
from twin.money import cost
from twin.money import yearly as money
from twin.serving.tokens import lengths, tokens
from twin.solver.steady import Solution

COOLING = ("pumps", "cdus", "air_handling", "heat_rejection")


KEPT = ("annual", "energy_audit")
"""Figures that a scenario without solution has, or that are no array."""


@dataclass(frozen=True)
class Figures:
    """One value per scenario each; powers in W, money in $ per year; `outputs` is their share of tokens."""

    facility_power: Array
    system_power: Array
    it_power: Array
    pue: Array
    heat_to_liquid: Array
    heat_to_air: Array
    conversion_loss: Array
    electrical_loss: Array
    cooling_power: Array
    provisioned_power: Array
    contract_power: Array
    accelerators: Array
    tokens_per_s: Array
    income: Array
    outputs: Array
    first_token: Array
    annual: cost.Annual
    energy_audit: Array
    water: Array
    carbon: Array

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
    def margin_per_mw_year(self) -> Array:
        """Income less all yearly cost, over the power drawn, $/MW/year; NaN without a price of tokens."""
        return cost.usd_per_mw_year(self.income - self.annual.total, self.facility_power)

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
    (that of the solve where the site states none); drawn power is what sources deliver; the contract stands beside.
    The grid's share is what is paid for.
    """
    columns = solution.columns
    facility, it = total(columns["source.power"]), total(columns["engine.power"])
    with np.errstate(divide="ignore", invalid="ignore"):
        pue = np.where(it > 0, facility / it, np.nan)
    design = pue if solution.plant.site.design_pue is None else solution.plant.site.design_pue
    nameplate, contract = total(columns["engine.nameplate"]), solution.total("contract")
    accelerators, served, first = tokens(solution)
    isl, osl = lengths(solution.plant)
    price = money.priced(solution.plant).income(isl, osl)
    water = solution.total("water")
    found = Figures(
        facility_power=facility,
        system_power=it + solution.total("cdus"),
        it_power=it,
        pue=pue,
        heat_to_liquid=solution.total("heat_to_liquid"),
        heat_to_air=solution.total("heat_to_air"),
        conversion_loss=solution.total("conversion_loss"),
        electrical_loss=solution.total("electrical_loss"),
        cooling_power=total(np.array([solution.total(h) for h in COOLING])),
        provisioned_power=nameplate * np.broadcast_to(design, pue.shape),
        contract_power=contract,
        accelerators=accelerators,
        tokens_per_s=served,
        income=served * cost.YEAR * (np.nan if price is None else price),
        outputs=osl / (isl + osl),
        first_token=first,
        annual=money.annual(solution, water),
        energy_audit=solution.audit,
        water=water,
        carbon=money.carbon(solution),
    )
    return _solved(found, solution.status == Status.OK)


def _solved(found: Figures, ok: Array) -> Figures:
    """Figures of scenarios that were solved; NaN for the others."""
    if np.all(ok):
        return found
    blank = lambda x: np.where(ok, x, np.nan)  # noqa: E731
    changes = {f.name: blank(getattr(found, f.name)) for f in fields(found) if f.name not in KEPT}
    return replace(found, **changes, annual=cost.Annual(*(blank(x) for x in found.annual)))


def per_accelerator(solution: Solution) -> dict[str, Array]:
    """KW per accelerator of each platform, (scenario,): nameplate of its racks plus its share of network, times PUE.

    The quantity that public comparisons provision by [SemiAnalysis InferenceX]; here the PUE is that of the solve.
    """
    pue, found = figures(solution).pue, {}
    for group in solution.plant.serving:
        for platform in sorted(set(group.platform)):
            chosen = np.array([p == platform for p in group.platform])
            rows = group.engine[chosen]
            chips = solution.columns["engine.chips"][rows]
            power = solution.columns["engine.nameplate"][rows] + group.network[chosen] * chips
            found[platform] = total(power) / total(chips) * pue / 1e3
    return found
