"""What a solved facility costs and earns in a year, by the prices and terms of its layout."""

from __future__ import annotations

import numpy as np

from twin import columns
from twin.columns import Array, totals
from twin.elements import Cost, Status, total
from twin.facility.catalogue import published_constants as published
from twin.facility.sections import Economics
from twin.money import cost
from twin.plant.compile import Plant
from twin.solver.steady import Idle, Solution

RENTS, RENTS_OF = "published_2026_07", "July 2026"
"""The published rents that are taken where a layout states none, and their date."""


def priced(plant: Plant) -> Economics:
    """The layout's prices and terms, with what the scenarios say of them as arrays (scenario,)."""
    given = {a.removeprefix("economics."): v for a, v in plant.coordinates.items() if a.startswith("economics.")}
    return plant.facility.economics.model_copy(update=given)


def served_share(plant: Plant) -> Array:
    """Share of the year in which tokens are served, (scenario,)."""
    stated = plant.coordinates.get("serving.availability", plant.facility.serving.availability)
    return np.broadcast_to(np.asarray(stated, float), (plant.scenarios,))


def mean(solution: Solution, name: str, at_work: Array) -> Array:
    """Mean over a year of what is used, (scenario,): `at_work` while tokens are served, in other hours as `Idle` says.

    name: of the field of `Idle`.
    """
    if solution.idle is None:
        return at_work
    share = served_share(solution.plant)
    return np.where(share < 1.0, share * at_work + (1.0 - share) * getattr(solution.idle, name), at_work)


def used(solution: Solution) -> Idle:
    """What a solution in which nothing is at work uses; NaN in scenarios that were not solved."""
    found = Idle(
        solution.sum(columns.source.power),
        solution.total(totals.it),
        solution.total(totals.grid),
        _generated(solution),
        _fuel(solution, "price"),
        _fuel(solution, "carbon"),
        solution.total(totals.water),
    )
    return Idle(*(np.where(solution.status == Status.OK, x, np.nan) for x in found))


def annual(solution: Solution) -> cost.Annual:
    """Cost of a year by term [$/year], each (scenario,): at the solved state while tokens are served, idle otherwise.

    The grid's energy is paid by the mix of its sources, that of generators by their fuel; demand is each utility's
    contract, or what it delivers at work without one. In a colocation the tenant owns racks and leases the rest, water
    included.
    """
    terms, costs = priced(solution.plant), owned(solution)
    size = solution.plant.scenarios
    own = [(_capital(solution.plant, c), c.life, c.upkeep) for c in costs]
    capital, life, upkeep = (
        np.concatenate([last, *(np.broadcast_to(c[k], (len(c[0]), size)) for c in own)])
        for k, last in enumerate(_works(solution))
    )
    grid, water = grid_power(solution), water_flow(solution)
    result = cost.annual_cost(
        cost.Assets(capital, life, upkeep),
        terms.discount_rate,
        cost.Use(grid, _charged(solution), water / 1000.0, solution.sum(columns.engine.nameplate)),
        cost.Tariff(
            energy=terms.mean("price"),
            demand=terms.demand_charge,
            water=sum(share * price for share, price in terms.origins.values()) if terms.colocation is None else 0.0,
            lease=0.0 if terms.colocation is None else terms.colocation,
            other=(terms.staff + terms.other) * cost.YEAR,
        ),
    )
    return result._replace(energy=result.energy + fuel(solution, "price") * cost.YEAR)


def grid_power(solution: Solution) -> Array:
    """Power of the utilities, mean over a year, W (scenario,)."""
    return mean(solution, "grid", solution.total(totals.grid))


def water_flow(solution: Solution) -> Array:
    """Make-up water, mean over a year, kg/s (scenario,)."""
    return mean(solution, "water", solution.total(totals.water))


def fuel(solution: Solution, quantity: str) -> Array:
    """What generators' fuel costs [$/s] (`price`) or gives off [kg/s] (`carbon`), mean over a year (scenario,)."""
    return mean(solution, f"fuel_{quantity}", _fuel(solution, quantity))


def _capital(plant: Plant, item: Cost) -> Array:
    """Capital of equipment and of all that is like it, $ (element, 1|S)."""
    return item.capital * plant.alike(item.elements)[:, None]


def _charged(solution: Solution) -> Array:
    """Power on which demand is charged, W: contracts, or what utilities without one deliver."""
    rows = lambda heading: [t.power for t in solution.plant.tallies if t.total is heading]  # noqa: E731
    charged = list[Array]()
    for contract, grid in zip(rows(totals.contract), rows(totals.grid), strict=True):
        stated = solution[contract]
        charged.append(total(np.where(np.isfinite(stated), stated, solution[grid]), solution.plant.times(grid)))
    return total(np.array(charged).reshape(-1, solution.plant.scenarios))


def _works(solution: Solution) -> tuple[Array, Array, Array]:
    """Capital, life and upkeep of what no component carries, (1, scenario); none for a tenant.

    They are built for the racks as laid out, however dense they are made or capped.
    """
    terms, e, size = priced(solution.plant), solution.plant.engine, solution.plant.scenarios
    price = terms.works if terms.colocation is None else 0.0
    nameplate = total(e.nameplate, solution.plant.counts[columns.engine])
    capital = price * np.broadcast_to(nameplate, (1, size))
    return capital, np.broadcast_to(terms.works_life, (1, size)), np.zeros((1, size))


def carbon(solution: Solution) -> Array:
    """Greenhouse gas of the energy drawn and of generators' fuel, mean over a year, kg/s (scenario,)."""
    return grid_power(solution) * priced(solution.plant).mean("carbon") + fuel(solution, "carbon")


def owned(solution: Solution) -> list[Cost]:
    """Equipment whose capital and upkeep are paid: all, or in a colocation the racks."""
    leased = priced(solution.plant).colocation is not None
    return [c for c in solution.plant.costs if not leased or c.tenant]


def _fuel(solution: Solution, quantity: str) -> Array:
    """Sum over generators of power times price [$/s] or carbon [kg/s]."""
    rows = [solution.sum(f.power, getattr(f, quantity)) for f in solution.plant.fuels]
    return total(np.array(rows)) if rows else np.zeros(solution.plant.scenarios)


def _generated(solution: Solution) -> Array:
    """Power of all generators, W (scenario,)."""
    rows = [solution.sum(f.power) for f in solution.plant.fuels]
    return total(np.array(rows)) if rows else np.zeros(solution.plant.scenarios)


def yearly(solution: Solution, annual: cost.Annual) -> dict[str, Array]:
    """Cost of a year by item, $/year (scenario,): capital and upkeep of each class of equipment, then what is used."""
    rate, size, items = priced(solution.plant).discount_rate, solution.plant.scenarios, {}
    costs = owned(solution)
    for heading in sorted({c.heading for c in costs}):
        parts = [c for c in costs if c.heading == heading]
        for name, share in (("capital", lambda c: cost.annuity(rate, c.life)), ("upkeep", lambda c: c.upkeep)):
            own = [(c, _capital(solution.plant, c)) for c in parts]
            rows = [total(np.broadcast_to(capital * share(c), (len(c.elements), size))) for c, capital in own]
            items[f"{heading} {name}"] = total(np.array(rows))
    capital, life, _ = _works(solution)
    if np.any(capital > 0) or "economics.works" in solution.plant.coordinates:
        items["works capital"] = (capital * cost.annuity(rate, life))[0]
    leased = priced(solution.plant).colocation is not None
    used = ("energy", "demand", "water", "other", *(["lease"] if leased else []))
    items |= {name: np.broadcast_to(getattr(annual, name), (size,)) for name in used}
    return {name: np.where(solution.status == Status.OK, value, np.nan) for name, value in items.items()}


def supply(solution: Solution, scenario: int = 0) -> dict[str, dict[str, float]]:
    """What each source of electricity delivers [MW], costs [$/year] and gives off [kg/MWh], means over a year."""
    terms, grid = priced(solution.plant), grid_power(solution)[scenario]
    if solution.status[scenario] != Status.OK:
        return {}
    at = lambda x: float(np.broadcast_to(x, (solution.plant.scenarios,))[scenario])  # noqa: E731
    sources = {
        part.name: {
            "mw": part.share * grid / 1e6,
            "usd_per_year": part.share * grid * at(part.price) * cost.YEAR,
            "carbon_kg_per_mwh": at(part.carbon) * 3.6e9,
        }
        for part in terms.mix
    }
    made = float(mean(solution, "generated", _generated(solution))[scenario])
    if made > 0:
        sources["generators"] = {
            "mw": made / 1e6,
            "usd_per_year": fuel(solution, "price")[scenario] * cost.YEAR,
            "carbon_kg_per_mwh": fuel(solution, "carbon")[scenario] / made * 3.6e9,
        }
    return sources


def water_supply(solution: Solution, scenario: int = 0) -> dict[str, dict[str, float]]:
    """Make-up water of each origin [m3/day] and what it costs [$/year], means over a year."""
    if solution.status[scenario] != Status.OK:
        return {}
    terms, m3 = priced(solution.plant), float(water_flow(solution)[scenario]) / 1000.0
    at = lambda x: float(np.broadcast_to(x, (solution.plant.scenarios,))[scenario])  # noqa: E731
    paid = 1.0 if terms.colocation is None else 0.0
    return {
        name: {"m3_per_day": share * m3 * 86400.0, "usd_per_year": paid * share * m3 * at(price) * cost.YEAR}
        for name, (share, price) in terms.origins.items()
    }


def rent(solution: Solution) -> Array:
    """Price of renting an accelerator, $/h (scenario,): the layout's, or what is published of the racks' platforms.

    Mean over accelerators; NaN where one is not known [SemiAnalysis, July 2026, contract prices].
    """
    terms, size = priced(solution.plant), solution.plant.scenarios
    if terms.rent is not None:
        return np.broadcast_to(terms.rent * 3600.0, (size,))
    known, paid, count = published()[RENTS], np.zeros(size), np.zeros(size)
    for platform, rows in solution.plant.platforms():
        chips = solution.sum(columns.engine.chips[rows])
        paid, count = paid + chips * known.get(platform, {}).get("rental", np.nan), count + chips
    with np.errstate(divide="ignore", invalid="ignore"):
        return paid / count


def rent_origin(plant: Plant) -> str:
    """Whose price `rent` is: stated in the layout, or published, and when."""
    return f"published, {RENTS_OF}" if priced(plant).rent is None else "stated"
