"""Cost of a facility per year, per megawatt and per token; every argument broadcasts over scenarios."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twin.elements import Array

YEAR = 365.25 * 86400.0


class Annual(NamedTuple):
    """Cost of one year by term, $/year, each of shape (scenario,)."""

    capital: Array
    upkeep: Array
    energy: Array
    demand: Array
    water: Array
    other: Array
    lease: Array

    @property
    def total(self) -> Array:
        """Sum of all terms, $/year."""
        return sum(self[1:], self.capital)


def annuity(rate: Any, life: Any) -> Array:
    """Capital recovery factor, 1/year:  r / (1 - (1 + r)⁻ⁿ), and 1/n where r is 0; n = life / year.

    `rate` is interest per year as a fraction, compounded yearly; `life` is in seconds.
    """
    rate, years = np.asarray(rate, float), np.asarray(life, float) / YEAR
    with np.errstate(divide="ignore", invalid="ignore"):
        recovered = -np.expm1(-years * np.log1p(rate))
        return np.where(rate == 0.0, 1.0 / years, rate / recovered)


def annual_cost(
    capital: Any,
    life: Any,
    rate: Any,
    upkeep: Any = 0.0,
    power: Any = 0.0,
    energy_price: Any = 0.0,
    peak: Any = 0.0,
    demand_price: Any = 0.0,
    water: Any = 0.0,
    water_price: Any = 0.0,
    other: Any = 0.0,
    leased: Any = 0.0,
    lease_price: Any = 0.0,
) -> Annual:
    """Cost of one year by term, $/year, shape (scenario,).

    Per component, shape (component, scenario or 1): `capital` [$], `life` [s], `upkeep` as a fraction of capital
    per year. Per scenario: `rate` [1/year], mean `power` [W] at `energy_price` [$/J], `peak` or contracted power
    [W] at `demand_price` [$/(W s)], mean `water` [m³/s] at `water_price` [$/m³], `other` fixed cost [$/year], and
    `leased` power [W] at `lease_price` [$/(W s)].
    """
    return Annual(
        _total(capital * annuity(rate, life)),
        _total(np.multiply(capital, upkeep)),
        np.multiply(power, energy_price) * YEAR,
        np.multiply(peak, demand_price) * YEAR,
        np.multiply(water, water_price) * YEAR,
        np.asarray(other, float),
        np.multiply(leased, lease_price) * YEAR,
    )


def usd_per_mw_year(annual: Any, facility_power: Any) -> Array:
    """$ per MW and year from $/year and the facility's power [W]; infinite for no power."""
    return _per(annual, np.asarray(facility_power) / 1e6)


def usd_per_million_tokens(annual: Any, tokens_per_s: Any, availability: Any = 1.0) -> Array:
    """$ per million tokens from $/year, tokens/s while serving and the share of time served; infinite for none."""
    return _per(annual, np.multiply(tokens_per_s, availability) * YEAR / 1e6)


def usd_per_accelerator_hour(annual: Any, accelerators: Any) -> Array:
    """$ per accelerator and hour, used or not, from $/year; infinite for none."""
    return _per(annual, np.asarray(accelerators) * (YEAR / 3600.0))


def break_even(owned: Any, rent: Any) -> Array:
    """Share of hours in use from which owning at `owned` $/h is cheaper than renting those hours at `rent` $/h."""
    return np.divide(owned, rent)


def published(usd_per_gpu_hour: Any, tokens_per_s_per_gpu: Any) -> Array:
    """$ per million tokens from an hourly price per accelerator:  $/h / (0.0036 T); infinite for no tokens."""
    return _per(usd_per_gpu_hour, 0.0036 * np.asarray(tokens_per_s_per_gpu))


def _per(cost: Any, amount: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(amount == 0.0, np.inf, np.divide(cost, amount))


def _total(columns: Array) -> Array:
    # Row by row: np.sum picks its order from the number of scenarios, and the last bit with it.
    return sum(columns, np.zeros(columns.shape[-1]))
