"""Two days of a typical year as pvlib reads them, and their wet bulbs by PsychroLib; see README.md beside."""

import json
from pathlib import Path

import numpy as np
import pytest

import twin

HERE = Path(__file__).parent
K = 273.15


@pytest.fixture(scope="module")
def two_days():
    return twin.weather(HERE / "leesburg.epw")


@pytest.fixture(scope="module")
def expected():
    return json.loads((HERE / "expected.json").read_text())


def test_hours_begin_where_pvlib_has_them(two_days, expected):
    assert [str(t)[:16] for t in two_days.time] == expected["time"]
    assert [str(t)[:13] for t in two_days.time[[0, 23, 24, 47]]] == [
        *("2019-07-31T00", "2019-07-31T23", "2012-08-01T00", "2012-08-01T23")
    ]


def test_the_place_is_that_of_the_header(two_days, expected):
    place = two_days.location
    for name in ("latitude", "longitude", "time_zone", "elevation"):
        assert getattr(place, name) == expected[name]
    assert (place.state, place.country, place.station) == ("VA", "USA", "724055")


def test_every_field_is_what_pvlib_reads(two_days, expected):
    for name in ("ghi", "dni", "dhi", "horizontal_infrared", "wind_direction", "wind_speed"):
        np.testing.assert_array_equal(getattr(two_days, name), expected[name], err_msg=name)
    np.testing.assert_array_equal(two_days.pressure, expected["pressure_pa"])
    for name in ("dry_bulb", "dew_point"):
        np.testing.assert_array_equal(getattr(two_days, name), np.array(expected[f"{name}_degc"]) + K)
    np.testing.assert_allclose(100 * two_days.relative_humidity, expected["relative_humidity_percent"], rtol=1e-15)


def test_wet_bulbs_are_those_of_the_pressure_in_the_file(two_days, expected):
    np.testing.assert_allclose(two_days.wet_bulb - K, expected["wet_bulb_degc"], atol=2e-3)


def test_every_hour_is_a_scenario_with_its_own_pressure(small, two_days, expected):
    result = twin.solve(small, two_days.scenarios())
    assert result.ok and result.plant.scenarios == 48
    np.testing.assert_array_equal(result["scenario"].values, two_days.time)
    np.testing.assert_allclose(result.plant.site.wet_bulb[0] - K, expected["wet_bulb_degc"], atol=2e-3)
    np.testing.assert_array_equal(result.plant.site.pressure[0], expected["pressure_pa"])
    hour = result.dataset.sel(scenario="2019-07-31T15")
    alone = twin.solve(small, {a: v[15:16] for a, v in two_days.scenarios().items()})
    assert hour["pue"].item() == alone["pue"].values[0]
