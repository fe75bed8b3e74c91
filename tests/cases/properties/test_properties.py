"""Wet bulbs as PsychroLib has them, glycols as CoolProp has them, over the whole range of both."""

import json
from pathlib import Path

import numpy as np
import pytest

from twin import fluids

EXPECTED = json.loads((Path(__file__).parent / "expected.json").read_text())


def test_wet_bulbs_are_those_of_psychrolib():
    dry, _, pressure, ratio, wet, two = np.array(EXPECTED["moist_air"], float).T
    one = two == 0.0
    error = np.abs(fluids.wet_bulb(dry + 273.15, ratio, pressure) - 273.15 - wet)
    assert one.mean() > 0.99 and error[one].max() < 0.001
    assert error[~one].max() < 1.0  # one of the two


COOLANTS = EXPECTED["coolants"]


def errors(name, source):
    """Largest relative errors of density, heat capacity, viscosity and conductivity."""
    f, (T, *published) = fluids.fluid(name), np.array(COOLANTS[name][source]).T
    found = f.density(T), f.heat_capacity(T), f.viscosity(T), f.conductivity(T)
    return [float(np.abs(x / y - 1.0).max()) for x, y in zip(found, published, strict=True)]


@pytest.mark.parametrize("name", COOLANTS)
def test_glycols_are_melinders_from_the_freezing_point_to_boiling_water(name):
    f, T = fluids.fluid(name), np.array(COOLANTS[name]["melinder"])[:, 0]
    assert f.min_temperature == T[0] == f.freezing and T[-1] == f.max_temperature == 373.15
    assert max(errors(name, "melinder")) < 1e-6


@pytest.mark.parametrize("name", COOLANTS)
def test_glycols_are_near_those_of_ashrae_by_volume(name):
    rho, cp, mu, k = errors(name, "ashrae")
    assert rho < 0.01 and cp < 0.015 and mu < 0.07 and k < 0.02


@pytest.mark.parametrize("name", COOLANTS)
def test_a_glycol_freezes_where_the_warmer_of_two_sources_says(name):
    melinder, ashrae = COOLANTS[name]["freezing"]
    assert fluids.fluid(name).freezing == max(melinder, ashrae)
    assert abs(melinder - ashrae) < (0.25 if name.startswith("pg") else 2.8)


def test_the_share_by_mass_follows_from_that_by_volume():
    """A litre of pg25: 0.25 * 1036.1 = 259.0 g of glycol, 0.75 * 998.2 = 748.7 g of water."""
    assert fluids.fluid("pg25").mass_share == pytest.approx(259.025 / (259.025 + 748.65), abs=5e-5)
    assert fluids.fluid("eg50").mass_share == pytest.approx(1113.5 / (1113.5 + 998.2), abs=5e-5)
    for name, expected in COOLANTS.items():
        assert fluids.fluid(name).mass_share == pytest.approx(expected["mass_share"], abs=5e-5)
