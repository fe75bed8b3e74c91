"""Cost of a facility per year, per megawatt and per token; every argument broadcasts over scenarios."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from twin.elements import Array
from twin.units import HOUR, YEAR


class Assets(NamedTuple):
    """What is bought, by component: each of shape (component, scenario or 1)."""

    capital: ArrayLike
    """Price, $."""
    life: ArrayLike
    """Time in which it is written off, s."""
    upkeep: ArrayLike = 0.0
    """Yearly upkeep as a fraction of the capital."""


class Use(NamedTuple):
    """What is used, by scenario: each of shape (scenario,) or a number."""

    power: ArrayLike = 0.0
    """Mean electric power, W."""
    peak: ArrayLike = 0.0
    """Peak or contracted power on which demand is charged, W."""
    water: ArrayLike = 0.0
    """Mean flow of water, m³/s."""
    leased: ArrayLike = 0.0
    """Power leased in a colocation, W."""


class Tariff(NamedTuple):
    """What is paid for its use, by scenario: each of shape (scenario,) or a number."""

    energy: ArrayLike = 0.0
    """Price of energy, $/J."""
    demand: ArrayLike = 0.0
    """Demand charge, $/(W s)."""
    water: ArrayLike = 0.0
    """Price of water, $/m³."""
    lease: ArrayLike = 0.0
    """Price of a colocation, $/(W s)."""
    other: ArrayLike = 0.0
    """Fixed cost, $/year."""


class Annual(NamedTuple):
    """Cost of one year by term, $/year, each of shape (scenario,)."""

    capital: Array
    """Annuity of the capital."""
    upkeep: Array
    """Upkeep of what was bought."""
    energy: Array
    """Energy."""
    demand: Array
    """Demand charges."""
    water: Array
    """Water."""
    other: Array
    """Fixed cost, such as staff."""
    lease: Array
    """Lease of a colocation."""

    @property
    def total(self) -> Array:
        """Sum of all terms, $/year, (scenario,)."""
        return sum(self[1:], self.capital)


def annuity(rate: ArrayLike, life: ArrayLike) -> Array:
    """Capital recovery factor, 1/year:  r / (1 - (1 + r)⁻ⁿ), and 1/n where r is 0; n = life / year.

    r = `rate` is interest per year as a fraction, compounded yearly; `life` is in seconds. Both broadcast.
    Example: annuity(0.08, 7 * YEAR) = 0.192.
    """
    rate, years = np.asarray(rate, float), np.asarray(life, float) / YEAR
    with np.errstate(divide="ignore", invalid="ignore"):
        recovered = -np.expm1(-years * np.log1p(rate))
        return np.where(rate == 0.0, 1.0 / years, rate / recovered)


NO_USE, FREE = Use(), Tariff()


def annual_cost(assets: Assets, rate: ArrayLike, use: Use = NO_USE, tariff: Tariff = FREE) -> Annual:
    """Cost of one year by term, $/year, shape (scenario,).

    `rate` is interest per year as a fraction, (scenario,) or a number; components are summed in their order.
    Example: annual_cost(Assets([[1e6]], [[5 * YEAR]]), 0.08, Use(power=1e5), Tariff(energy=2e-8)).total.
    """
    return Annual(
        _total(np.multiply(assets.capital, annuity(rate, assets.life))),
        _total(np.multiply(assets.capital, assets.upkeep)),
        np.multiply(use.power, tariff.energy) * YEAR,
        np.multiply(use.peak, tariff.demand) * YEAR,
        np.multiply(use.water, tariff.water) * YEAR,
        np.asarray(tariff.other, float),
        np.multiply(use.leased, tariff.lease) * YEAR,
    )


def usd_per_mw_year(annual: ArrayLike, facility_power: ArrayLike) -> Array:
    """$ per MW and year from `annual` cost [$/year] and `facility_power` [W], same shape; infinite for no power."""
    return _per(annual, np.asarray(facility_power) / 1e6)


def usd_per_million_tokens(annual: ArrayLike, tokens_per_s: ArrayLike, availability: ArrayLike = 1.0) -> Array:
    """$ per million tokens, same shape; infinite for none.

    From `annual` cost [$/year], `tokens_per_s` while serving and the share of time served, `availability`.
    """
    return _per(annual, np.multiply(tokens_per_s, availability) * YEAR / 1e6)


def usd_per_accelerator_hour(annual: ArrayLike, accelerators: ArrayLike) -> Array:
    """$ per accelerator and hour, used or not, from `annual` cost [$/year], same shape; infinite for none."""
    return _per(annual, np.asarray(accelerators) * (YEAR / HOUR))


def break_even(owned: ArrayLike, rent: ArrayLike) -> Array:
    """Share of hours in use from which owning at `owned` $/h is cheaper than renting those hours at `rent` $/h."""
    return np.divide(owned, rent)


def _per(cost: ArrayLike, amount: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(amount == 0.0, np.inf, np.divide(cost, amount))


def _total(columns: Array) -> Array:
    # Row by row: np.sum picks its order from the number of scenarios, and the last bit with it.
    return sum(columns, np.zeros(columns.shape[-1]))
