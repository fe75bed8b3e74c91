"""One gigawatt of GB200 with the items, lives and prices of Epoch AI's cost model."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq

import twin
from twin import columns
from twin.facility.files import read_text
from twin.money import cost
from twin.plant.compile import compile
from twin.results.figures import figures
from twin.solver.steady import steady
from twin.units import YEAR

CAPITAL = {"servers": 21188, "network": 4925, "facility": 11433, "utility works": 164, "land": 172}
OPERATION = {"maintenance": 104, "taxes": 143, "labor": 40, "water": 6, "utility": 20}
PUE, LOAD, PRICE, RATE = 1.14, 0.71, 0.0838, 0.065


def yearly(life, rate=RATE):
    """Cost of a year, $."""
    years = [life, life, 14, 14, np.inf]
    return cost.annual_cost(
        cost.Assets(1e6 * np.array(list(CAPITAL.values()), float)[:, None], np.array(years, float)[:, None] * YEAR),
        np.array([rate]),
        cost.Use(power=np.array([1e9 * LOAD * PUE])),
        cost.Tariff(energy=PRICE / 3.6e6, other=1e6 * np.array([float(sum(OPERATION.values()))])),
    )


def test_capital_and_energy_are_those_published():
    assert sum(CAPITAL.values()) / 1e3 == pytest.approx(37.9, rel=1e-3)
    assert yearly(5).energy[0] == pytest.approx(594e6, rel=2e-3)


@pytest.mark.parametrize(("life", "published"), [(3, 12.0), (5, 8.5), (7, 7.0)])
def test_a_megawatt_year_costs_what_is_published(life, published):
    assert cost.usd_per_mw_year(yearly(life).total, 1e9)[0] / 1e6 == pytest.approx(published, rel=0.02)


def test_one_interest_rate_gives_all_three_published_costs():
    each = lambda life, rate: cost.usd_per_mw_year(yearly(life, rate).total, 1e9)[0] / 1e6  # noqa: E731
    rate = brentq(lambda r: each(5, r) - 8.5, 0.01, 0.2)
    assert rate == pytest.approx(RATE, abs=1e-3)
    assert each(3, rate) == pytest.approx(12.0, rel=0.02)
    assert each(7, rate) == pytest.approx(7.0, rel=0.02)


TERMS = {"economics.electricity": "0.0838 $/kWh", "economics.discount_rate": "6.5 %", "gb200_nvl72.life": "5 years"}


@pytest.fixture(scope="module")
def campus():
    """The campus with GB200 racks: capital by heading, racks by model, in $ per W of IT, and $/MW/year by terms."""
    text = read_text("campus_1gw")[1].replace("gb300_nvl72", "gb200_nvl72")
    cost_per_watt = {}
    for name, terms in (("own", {}), ("published", TERMS)):
        facility = twin.load(text, overrides=terms)
        solution = steady(compile(facility))
        f = figures(solution)
        cost_per_watt[name] = float(f.annual.total[0] / f.it_power[0])
    capital = dict.fromkeys(("gb200_nvl72", "network_rack", "storage_rack", "electrical", "cooling", "facility"), 0.0)
    for c in solution.plant.costs:
        for n, value in zip(c.elements, c.capital[:, 0], strict=True):
            capital[facility.models[n] if c.heading == "servers" else c.heading] += value / f.it_power[0]
    nameplate = float(solution[columns.engine.nameplate].sum())
    return cost_per_watt, capital | {"works": facility.economics.works * nameplate / f.it_power[0]}, f


def test_the_catalogues_own_gigawatt_is_what_the_readme_says(campus):
    cost_per_watt, capital, f = campus
    readme = Path(__file__).with_name("README.md").read_text("utf-8")
    for name in ("gb200_nvl72", "network_rack", "storage_rack", "electrical", "cooling", "works"):
        assert f"| {capital[name]:.2f} |" in readme, name
    assert f"| {sum(capital.values()):.1f} |" in readme
    assert (
        f"costs {cost_per_watt['published']:.1f} M$ at full load" in readme
        and f"it is {cost_per_watt['own']:.1f}." in readme
    )
    assert f"{f.it_power[0] / 1e9:.3f} GW of IT at a PUE of {f.pue[0]:.2f}" in readme
