import numpy as np
import pytest

from twin.money.cost import (
    Assets,
    Tariff,
    Use,
    annual_cost,
    annuity,
    break_even,
    usd_per_accelerator_hour,
    usd_per_million_tokens,
    usd_per_mw_year,
)
from twin.units import MONTH, YEAR

KWH = 3.6e6


def test_annuity_recovers_capital_in_present_value():
    rate, years = 0.08, 7
    payment = annuity(rate, years * YEAR)
    assert sum(payment / (1 + rate) ** n for n in range(1, years + 1)) == pytest.approx(1.0, rel=1e-13)


def test_annuity_without_interest_is_straight_line():
    assert annuity(0.0, 4 * YEAR) == 0.25
    assert annuity(1e-12, 4 * YEAR) == pytest.approx(0.25, rel=1e-9)


def test_annuity_of_endless_life_is_the_interest():
    np.testing.assert_allclose(annuity(np.array([0.05, 0.0]), np.inf), [0.05, 0.0])


def test_annuity_rises_with_rate_and_falls_with_life():
    table = annuity(np.linspace(0, 0.2, 21)[:, None], np.arange(1, 31) * YEAR)
    assert np.all(np.diff(table, axis=0) > 0) and np.all(np.diff(table, axis=1) < 0)


def test_every_term_has_its_unit():
    a = annual_cost(
        Assets(capital=[[1000.0], [500.0]], life=[[5 * YEAR], [10 * YEAR]], upkeep=[[0.03], [0.0]]),
        0.0,
        Use(power=1e6, peak=2e6, water=1e-3, leased=3e6),
        Tariff(energy=0.07 / KWH, demand=15 / 1e3 / MONTH, water=2.0, lease=0.2 / MONTH, other=42.0),
    )
    expected = [250.0, 30.0, 0.07 * 1000 * 8766, 15 * 2000 * 12, 2.0 * 1e-3 * 31557600, 42.0, 3e6 * 0.2 * 12]
    np.testing.assert_allclose([np.squeeze(term) for term in a], expected, rtol=1e-12)
    assert a.total == pytest.approx(sum(expected))


def test_a_batch_equals_a_loop_of_singles_bit_for_bit():
    rng = np.random.default_rng(0)
    capital, life = rng.uniform(1, 1e9, (50, 1)), rng.uniform(2, 20, (50, 1)) * YEAR
    rate, power = rng.uniform(0, 0.2, 9), rng.uniform(1e5, 1e8, 9)

    def cost(pick):
        return annual_cost(Assets(capital, life, 0.03), rate[pick], Use(power[pick]), Tariff(2e-8)).total

    np.testing.assert_array_equal(cost(slice(None)), np.hstack([cost(slice(s, s + 1)) for s in range(9)]))


def test_one_nan_stays_alone():
    a = annual_cost(Assets([[1.0]], [[YEAR]]), 0.05, Use(np.array([1.0, np.nan, 2.0])), Tariff(1e-8))
    np.testing.assert_array_equal(np.isnan(a.total), [False, True, False])


def test_no_tokens_cost_infinitely_much():
    np.testing.assert_array_equal(usd_per_million_tokens(0.0, [0.0, np.nan]), [np.inf, np.nan])
    assert usd_per_million_tokens(5.0, 3.0, 0.0) == np.inf
    assert usd_per_mw_year(1.0, 0.0) == np.inf


def test_hourly_price_and_annual_cost_agree():
    assert usd_per_million_tokens(1.41 * 8766, 93.15) == pytest.approx(1.41 / (0.0036 * 93.15), rel=1e-14)
    assert usd_per_million_tokens(1.0, 100.0, 0.5) == pytest.approx(2 * usd_per_million_tokens(1.0, 100.0))


def test_hardware_lease_and_power_of_gb200_approach_the_hourly_price():
    """$3.3 M a rack over 4 years, 1.87 kW leased at 150 $/kW-month, 2.06 kW drawn at 0.07 $/kWh: 1.84 $/h."""
    a = annual_cost(
        Assets([[3.3e6 / 72]], [[4 * YEAR]]),
        0.0,
        Use(power=2060.0, peak=1870.0),
        Tariff(energy=0.07 / KWH, demand=0.150 / MONTH),
    )
    hourly = [float(np.squeeze(term)) / 8766 for term in (a.capital, a.demand, a.energy, a.total)]
    np.testing.assert_allclose(hourly, [1.31, 0.38, 0.144, 1.84], atol=0.006)


def test_owning_pays_from_the_share_of_hours_that_rent_would_cost_as_much():
    """70 M$ a year for 5,000 accelerators, against 4 $/h while they are used."""
    owned = usd_per_accelerator_hour(70e6, 5000.0)
    assert owned == pytest.approx(70e6 / 5000 / 8766)
    assert break_even(owned, 4.0) == pytest.approx(70e6 / (5000 * 8766 * 4.0))
    assert usd_per_accelerator_hour(1.0, 0.0) == np.inf
