import numpy as np
import pytest
from twin.kernels import moist_air

from twin import fluids
from twin.domains.towers import MOIST_AIR


@pytest.mark.parametrize("pressure", [101325.0, 60000.0])
def test_saturated_air_is_that_of_the_formulas_at_the_tables_temperatures_and_near_them(pressure):
    for t in (-40.0, -3.125, 0.0, 17.875, 40.0, 89.875):
        T = t + 273.15
        exact = fluids.air_enthalpy(T, fluids.humidity_ratio_from_relative_humidity(T, 1.0, pressure))
        assert moist_air.saturated(MOIST_AIR, T, pressure) == pytest.approx(float(exact), rel=1e-12, abs=1e-9)
    T = 295.21
    exact = fluids.air_enthalpy(T, fluids.humidity_ratio_from_relative_humidity(T, 1.0, pressure))
    assert moist_air.saturated(MOIST_AIR, T, pressure) == pytest.approx(float(exact), rel=1e-5)


@pytest.mark.parametrize("pressure", [101325.0, 60000.0])
def test_the_temperature_of_saturated_air_is_found_back_inside_the_table_and_beyond(pressure):
    for T in np.r_[np.linspace(220.0, 350.0, 53), 233.15, 363.15, 233.275]:
        h = moist_air.saturated(MOIST_AIR, T, pressure)
        assert moist_air.wet_bulb_of(MOIST_AIR, h, pressure) == pytest.approx(T, rel=1e-12)


@pytest.mark.parametrize("T", [250.0, 273.15, 273.2, 310.0])
def test_the_humidity_of_saturated_air_is_that_of_the_formulas(T):
    exact = fluids.humidity_ratio_from_relative_humidity(T, 1.0, 9e4)
    assert moist_air.saturated_humidity(MOIST_AIR, T, 9e4) == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize("pressure", [101325.0, 60000.0])
def test_the_dew_point_of_air_is_where_it_is_saturated(pressure):
    for T in (235.0, 260.04, 273.2, 285.06, 310.0):
        ratio = moist_air.saturated_humidity(MOIST_AIR, T, pressure)
        assert moist_air.dew_point_of(MOIST_AIR, ratio, pressure) == pytest.approx(T, abs=1e-3)
    assert moist_air.dew_point_of(MOIST_AIR, 0.0, pressure) == pytest.approx(233.15, abs=1e-9)


def test_no_number_stays_none():
    assert np.isnan(moist_air.saturated(MOIST_AIR, np.nan, 9e4))
