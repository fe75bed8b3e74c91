"""Headline figures: megawatts, PUE, tokens and money of every scenario."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.coupling import Solution
from twin.domains import cost, serving
from twin.elements import Array
from twin.tables import fronts

LOSSES = ("electrical_loss",)
COOLING = ("pumps", "cdus", "air_handling", "heat_rejection")


@dataclass(frozen=True)
class Figures:
    """One value per scenario each; powers in W, money in $ per year."""

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
    annual: cost.Annual
    energy_audit: Array
    water: Array

    @property
    def usd_per_mw_year(self) -> Array:
        """Yearly cost over the power drawn, $/MW/year."""
        return cost.usd_per_mw_year(self.annual.total, self.facility_power)

    @property
    def usd_per_million_tokens(self) -> Array:
        """Yearly cost over the tokens of a year."""
        return cost.usd_per_million_tokens(self.annual.total, self.tokens_per_s)

    def tokens_per_s_per_mw(self, basis: str) -> Array:
        """Tokens/s over 'provisioned' (nameplate x PUE), 'drawn' (meter) or 'contract' power, in MW."""
        power = {"provisioned": self.provisioned_power, "drawn": self.facility_power, "contract": self.contract_power}[
            basis
        ]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((power > 0) & np.isfinite(power), self.tokens_per_s / (power / 1e6), np.nan)


def _tokens(solution: Solution) -> tuple[Array, Array]:
    """Accelerators and tokens/s of all racks, each (scenario,)."""
    plant, terms = solution.plant, solution.plant.facility.serving
    count, rate = np.zeros(plant.scenarios), np.zeros(plant.scenarios)
    chips, clock, busy = (solution.columns[f"engine.{k}"] for k in ("chips", "clock", "utilisation"))
    for group in plant.serving:
        for platform in sorted(set(group.platform)):
            rows = group.engine[[p == platform for p in group.platform]]
            count = count + chips[rows].sum(axis=0)
            front = serving.front(fronts(), terms.model, platform, terms.input_tokens, terms.output_tokens)
            rate = rate + serving.tokens_per_s(
                front,
                chips[rows] * busy[rows],
                clock[rows],
                terms.interactivity,
                terms.availability,
                terms.clock_exponent,
            ).sum(axis=0)
    return count, rate


def _annual(solution: Solution, facility_power: Array, contract: Array, water: Array) -> cost.Annual:
    economics, costs = solution.plant.facility.economics, solution.plant.costs
    capital, life, upkeep = (
        np.concatenate([np.broadcast_to(getattr(c, k), (len(c.elements), 1)) for c in costs])
        if costs
        else np.zeros((0, 1))
        for k in ("capital", "life", "upkeep")
    )
    demand = np.where(np.isfinite(contract), contract, facility_power)
    return cost.annual_cost(
        capital,
        life,
        economics.discount_rate,
        upkeep,
        facility_power,
        economics.electricity,
        demand,
        economics.demand_charge,
        water / 1000.0,
        economics.water,
        (economics.staff + economics.other) * cost.YEAR,
    )


def figures(solution: Solution) -> Figures:
    """Headline figures of a solution.

    Provisioned power is the nameplate of all racks (with the network's share per accelerator) times the PUE of the
    solve; drawn power is the utility meter; the contract stands beside.
    """
    plant, columns = solution.plant, solution.columns
    facility = columns["source.power"].sum(axis=0)
    it = columns["engine.power"].sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        pue = np.where(it > 0, facility / it, np.nan)
    nameplate = columns["engine.nameplate"].sum(axis=0)
    contract = np.zeros(plant.scenarios)
    for limit in plant.limits:
        if limit.name == "utility_contract":
            contract = contract + limit.bound.sum(axis=0)
    accelerators, tokens = _tokens(solution)
    water = solution.total("water")
    return Figures(
        facility_power=facility,
        system_power=it + solution.total("cdus"),
        it_power=it,
        pue=pue,
        heat_to_liquid=solution.total("heat_to_liquid"),
        heat_to_air=solution.total("heat_to_air"),
        conversion_loss=solution.total("conversion_loss"),
        electrical_loss=solution.total("electrical_loss"),
        cooling_power=np.sum([solution.total(h) for h in COOLING], axis=0),
        provisioned_power=nameplate * pue,
        contract_power=contract,
        accelerators=accelerators,
        tokens_per_s=tokens,
        annual=_annual(solution, facility, contract, water),
        energy_audit=solution.audit,
        water=water,
    )


def per_accelerator(solution: Solution) -> dict[str, Array]:
    """KW per accelerator of each platform, (scenario,): nameplate of its racks plus its share of network, times PUE.

    The quantity that public comparisons provision by [SemiAnalysis InferenceX]; here the PUE is that of the solve.
    """
    pue, found = figures(solution).pue, {}
    for group in solution.plant.serving:
        for platform in sorted(set(group.platform)):
            chosen = np.array([p == platform for p in group.platform])
            rows = group.engine[chosen]
            chips = solution.columns["engine.chips"][rows].sum(axis=0)
            network = (group.network[chosen] * solution.columns["engine.chips"][rows]).sum(axis=0)
            found[platform] = (solution.columns["engine.nameplate"][rows].sum(axis=0) + network) / chips * pue / 1e3
    return found
