"""Headline figures: megawatts, PUE, tokens and money of every scenario."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from twin.coupling import Solution
from twin.domains import cost, serving
from twin.elements import Array, Status, total
from twin.facility import Facility, Serving
from twin.layout import LayoutError
from twin.serving import at_clocks
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


def served(facility: Facility) -> None:
    """Raises LayoutError if nothing is known of a rack's platform with the layout's model and sequence lengths."""
    faults, terms = [], facility.serving
    for platform in sorted({getattr(part, "platform", "") for part in facility.components.values()} - {""}):
        try:
            if terms.mode == "physics":
                at_clocks(1.0, *_asked(terms, platform), **_options(terms))
            else:
                serving.front(fronts(), terms.model, platform, terms.input_tokens, terms.output_tokens)
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise LayoutError(facility.source, faults)


def unserved(solution: Solution, scenario: int = 0) -> list[str]:
    """Platforms of which racks that work serve nothing at the layout's interactivity, each with the reason."""
    plant, terms, found = solution.plant, solution.plant.facility.serving, []
    chips, clock, busy = (solution.columns[f"engine.{k}"][:, scenario] for k in ("chips", "clock", "utilisation"))
    for group in plant.serving:
        for platform in sorted(set(group.platform)):
            rows = group.engine[[p == platform for p in group.platform]]
            rows = rows[chips[rows] * busy[rows] > 0]
            if terms.mode == "physics":
                each, _, why = at_clocks(clock[rows], *_asked(terms, platform), **_options(terms))
                why = why or "beyond the front at their clock"
                none = bool((each == 0).any())
            else:
                front = serving.front(fronts(), terms.model, platform, terms.input_tokens, terms.output_tokens)
                most = front.interactivity[-1]
                none, why = bool(len(rows)) and terms.interactivity > most, f"beyond the front, which ends at {most:g}"
            if none:
                found.append(f"{platform}: no tokens at {terms.interactivity:g} tokens/s/user: {why}")
    return list(dict.fromkeys(found))


def _asked(terms: Serving, platform: str) -> tuple[Any, ...]:
    return terms.model, platform, terms.input_tokens, terms.output_tokens, terms.interactivity


def _options(terms: Serving) -> dict[str, Any]:
    return {"precision": terms.precision, "drafts": terms.drafts, "largest": terms.largest_instance}


def _tokens(solution: Solution) -> tuple[Array, Array, Array]:
    """Accelerators, tokens/s and the longest time to a first token [s] of all racks, each (scenario,)."""
    plant, terms = solution.plant, solution.plant.facility.serving
    count, rate, first = np.zeros(plant.scenarios), np.zeros(plant.scenarios), np.full(plant.scenarios, np.nan)
    chips, clock, busy = (solution.columns[f"engine.{k}"] for k in ("chips", "clock", "utilisation"))
    for group in plant.serving:
        for platform in sorted(set(group.platform)):
            rows = group.engine[[p == platform for p in group.platform]]
            count = count + total(chips[rows])
            share = chips[rows] * busy[rows]
            if terms.mode == "physics":
                each, wait, _ = at_clocks(clock[rows], *_asked(terms, platform), **_options(terms))
                rate = rate + total(share * each) * terms.availability
                waited = np.where((share > 0) & (each > 0), wait, -np.inf).max(axis=0, initial=-np.inf)
                first = np.fmax(first, np.where(np.isfinite(waited), waited, np.nan))
                continue
            front = serving.front(fronts(), terms.model, platform, terms.input_tokens, terms.output_tokens)
            served = serving.tokens_per_s(
                front, share, clock[rows], terms.interactivity, terms.availability, terms.clock_exponent
            )
            rate = rate + total(served)
    return count, rate, first


def _annual(solution: Solution, contract: Array, water: Array) -> cost.Annual:
    economics, costs = solution.plant.facility.economics, solution.plant.costs
    capital, life, upkeep = (
        np.concatenate([np.broadcast_to(getattr(c, k), (len(c.elements), len(water))) for c in costs])
        if costs
        else np.zeros((0, 1))
        for k in ("capital", "life", "upkeep")
    )
    grid = solution.total("grid")
    demand = np.where(np.isfinite(contract), contract, grid)
    return cost.annual_cost(
        capital,
        life,
        economics.discount_rate,
        upkeep,
        grid,
        economics.electricity,
        demand,
        economics.demand_charge,
        water / 1000.0,
        economics.water,
        (economics.staff + economics.other) * cost.YEAR,
    )


def yearly(solution: Solution, annual: cost.Annual) -> dict[str, Array]:
    """Cost of a year by item, $/year (scenario,): capital and upkeep of each class of equipment, then what is used."""
    rate, size, found = solution.plant.facility.economics.discount_rate, solution.plant.scenarios, {}
    for heading in sorted({c.heading for c in solution.plant.costs}):
        parts = [c for c in solution.plant.costs if c.heading == heading]
        for name, share in (("capital", lambda c: cost.annuity(rate, c.life)), ("upkeep", lambda c: c.upkeep)):
            rows = [total(np.broadcast_to(c.capital * share(c), (len(c.elements), size))) for c in parts]
            found[f"{heading} {name}"] = total(np.array(rows))
    return found | {
        name: np.broadcast_to(getattr(annual, name), (size,)) for name in ("energy", "demand", "water", "other")
    }


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
    accelerators, tokens, first = _tokens(solution)
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
        tokens_per_s=tokens,
        first_token=first,
        annual=_annual(solution, contract, water),
        energy_audit=solution.audit,
        water=water,
        carbon=solution.total("grid") * solution.plant.facility.economics.carbon,
    )
    return _solved(found, solution.status == Status.OK)


def _solved(found: Figures, ok: Array) -> Figures:
    """Figures of scenarios that were solved; NaN for the others."""
    if np.all(ok):
        return found
    blank = lambda x: np.where(ok, x, np.nan)  # noqa: E731
    changes = {f.name: blank(getattr(found, f.name)) for f in fields(found) if f.name not in ("annual", "energy_audit")}
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
