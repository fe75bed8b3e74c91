import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from twin import fluids
from twin.fluids import FLUIDS, fluid

P0 = 101325.0

# T degC, rho, cp, mu, k at 3 bar: CoolProp 8.0.0, Water (IAPWS-95) and INCOMP::MPG at 25.7052 and 20.6029 % by mass.
LIQUIDS = {
    "water": [
        (2, 1000.043, 4212.096, 0.001673143, 0.5608085),
        (25, 997.1372, 4180.74, 0.0008899949, 0.6066288),
        (50, 988.1217, 4180.884, 0.0005465563, 0.640725),
        (75, 974.9312, 4192.77, 0.0003774685, 0.6636672),
        (94, 962.6735, 4208.688, 0.0003004238, 0.6748294),
    ],
    "pg25": [
        (-6, 1027.993, 3848.052, 0.00771198, 0.4411659),
        (6, 1024.948, 3877.488, 0.004345411, 0.4519372),
        (30, 1015.469, 3936.544, 0.001818536, 0.4733976),
        (69, 993.0535, 4029.5, 0.0007611976, 0.506846),
        (90, 978.8928, 4075.984, 0.0005483402, 0.5234417),
    ],
    "pg20": [
        (-6, 1021.693, 3916.36, 0.005854294, 0.4621452),
        (6, 1019.496, 3940.805, 0.003446946, 0.4747952),
        (30, 1011.393, 3991.773, 0.001537315, 0.4992606),
        (69, 990.4733, 4074.853, 0.0006772685, 0.5354521),
        (90, 976.8394, 4116.475, 0.0004930018, 0.5524275),
    ],
}

# dry bulb degC, humidity, pressure Pa: humidity ratio, wet bulb, dew point, enthalpy, density by PsychroLib 2.5.0.
MOIST = [
    (35, 0.2, 101325, 0.00698645482, 18.8704, 8.7067, 53137.9, 1.140726),
    (20, 0.5, 101325, 0.00726173721, 13.7834, 9.2724, 38551.7, 1.198898),
    (40, 0.1, 84556, 0.00547868595, 17.2834, 2.6294, 54349.8, 0.937585),
    (10, 0.9, 101325, 0.00685863412, 9.1572, 8.4372, 27341.0, 1.241538),
    (-10, 0.6, 101325, 0.000958664379, -11.3055, -15.6301, -7680.2, 1.340649),
    (50, 0.3, 101325, 0.0236045731, 32.3299, 27.6464, 111530.3, 1.077263),
    (5, 0.8, 70109, 0.00625420903, 3.3023, 1.8413, 20729.9, 0.874806),
]


@pytest.mark.parametrize("name", LIQUIDS)
def test_liquids_follow_coolprop(name):
    f, (t, rho, cp, mu, k) = fluid(name), np.array(LIQUIDS[name]).T
    T = t + 273.15
    exact = 1e-6 if name.startswith("pg") else 1.0
    np.testing.assert_allclose(f.density(T), rho, rtol=5e-5 * exact + 1e-6)
    np.testing.assert_allclose(f.heat_capacity(T), cp, rtol=2e-4 * exact + 1e-6)
    np.testing.assert_allclose(f.viscosity(T), mu, rtol=5e-4 * exact + 1e-6)
    np.testing.assert_allclose(f.conductivity(T), k, rtol=2e-4 * exact + 1e-6)
    np.testing.assert_allclose(f.prandtl(T), mu * cp / k, rtol=1e-3)


@pytest.mark.parametrize("name", FLUIDS)
def test_properties_are_flat_outside_the_fitted_range(name):
    f = fluid(name)
    assert f.density(200.0) == f.density(f.min_temperature)
    assert f.viscosity(f.max_temperature + 50) == f.viscosity(f.max_temperature)
    assert f.density(np.zeros((3, 1)) + 300).shape == (3, 1)


def test_an_unknown_fluid_is_named_with_those_that_exist():
    with pytest.raises(KeyError, match="no fluid 'oil'; there are water"):
        fluid("oil")


def test_saturation_pressure_follows_psychrolib_over_water_and_ice():
    t = np.array([-40, -20, -5, 5, 20, 40, 60]) + 273.15
    expected = [12.8452, 103.2604, 401.7641, 872.4867, 2338.8037, 7383.46, 19943.7606]
    np.testing.assert_allclose(fluids.saturation_pressure(t), expected, rtol=5e-6)
    below, above = fluids.saturation_pressure([273.16, 273.16 + 1e-9])
    assert above == pytest.approx(below, rel=1e-7)


def test_moist_air_follows_psychrolib():
    t, rh, p, ratio, wet, dew, h, rho = np.array(MOIST).T
    T = t + 273.15
    np.testing.assert_allclose(fluids.humidity_ratio_from_relative_humidity(T, rh, p), ratio, rtol=1e-5)
    np.testing.assert_allclose(fluids.wet_bulb(T, ratio, p) - 273.15, wet, atol=2e-3)
    np.testing.assert_allclose(fluids.dew_point(ratio, p) - 273.15, dew, atol=2e-3)
    np.testing.assert_allclose(fluids.air_enthalpy(T, ratio), h, atol=2.0)
    np.testing.assert_allclose(fluids.air_density(T, ratio, p), rho, rtol=2e-6)


def test_pressure_falls_with_elevation_as_in_the_standard_atmosphere():
    z = [-300, 0, 1500, 3000]  # PsychroLib 2.5.0, GetStandardAtmPressure
    expected = [104981.2399, 101325.0, 84555.9323, 70108.4222]
    np.testing.assert_allclose(fluids.pressure_at(z), expected, rtol=1e-6)


@settings(deadline=None)
@given(st.floats(230, 335), st.floats(0, 1), st.floats(60e3, 108e3))
def test_wet_bulb_returns(dry, share, pressure):
    lowest = fluids.wet_bulb(dry, 0.0, pressure)
    wet = lowest + share * (dry - lowest)
    assume(dry <= fluids.FREEZING or not fluids.FREEZING - 1.0 < wet < fluids.FREEZING)
    ratio = fluids.humidity_ratio_from_wet_bulb(dry, wet, pressure)
    assert fluids.wet_bulb(dry, ratio, pressure) == pytest.approx(wet, abs=1e-6)


@given(st.floats(180, 350), st.floats(80e3, 108e3))
def test_dew_point_returns(dew, pressure):
    ratio = fluids.humidity_ratio_from_dew_point(dew, pressure)
    assert fluids.dew_point(ratio, pressure) == pytest.approx(dew, abs=1e-6)


@settings(deadline=None)
@given(st.floats(235, 330), st.floats(0.01, 1))
def test_dew_point_wet_bulb_and_dry_bulb_are_in_order(dry, humidity):
    ratio = fluids.humidity_ratio_from_relative_humidity(dry, humidity, P0)
    dew, wet = fluids.dew_point(ratio, P0), fluids.wet_bulb(dry, ratio, P0)
    assert dew - 1e-6 <= wet <= dry + 1e-9


def test_where_a_humidity_has_two_wet_bulbs_it_is_that_over_water():
    """At 5 degC saturated air of 0 degC holds 3.774 g/kg, so that the equations give

    over water (2501 * 3.774 - 1.006 * 5000) / (2501 + 1.86 * 5) = 1.756 g/kg, over ice 1.990 g/kg with 2830 for 2501.
    The slopes are 0.68 and 0.66 g/kg per kelvin: 0.06 degC at 1.8 g/kg, not -0.3; -0.44 degC at 1.7 g/kg.
    """
    wet = fluids.wet_bulb(278.15, np.array([1.8e-3, 1.7e-3]), P0) - 273.15
    np.testing.assert_allclose(wet, [0.064, -0.44], atol=0.01)


def test_wet_bulb_rises_with_humidity_through_freezing():
    ratio = np.linspace(0, 0.0043, 4000)
    assert (np.diff(fluids.wet_bulb(275.15, ratio, P0)) > 0).all()


def test_dry_air_and_oversaturated_air_stay_finite():
    wet = fluids.wet_bulb([200.0, 303.15, 340.0], 0.0, P0)
    assert np.isfinite(wet).all()
    assert fluids.wet_bulb(300.0, 0.05, P0) == 300.0
    assert fluids.dew_point(0.0, P0) == pytest.approx(173.15, abs=1e-3)
    assert fluids.humidity_ratio_from_wet_bulb(310.0, 270.0, P0) == 0.0


def test_a_batch_equals_its_singles_and_one_nan_stays_alone():
    dry, ratio = np.linspace(260, 320, 7)[:, None], np.linspace(0, 2e-3, 5)[None]
    batch = fluids.wet_bulb(dry, ratio, P0)
    singles = [[fluids.wet_bulb(d, w, P0) for w in ratio[0]] for d in dry[:, 0]]
    np.testing.assert_array_equal(batch, singles)
    dry[3] = np.nan
    again = fluids.wet_bulb(dry, ratio, P0)
    np.testing.assert_array_equal(np.delete(again, 3, 0), np.delete(batch, 3, 0))
    assert np.isnan(again[3]).all()
