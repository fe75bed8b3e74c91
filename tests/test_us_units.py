"""US customary units on the screen are the SI values of the JSON; conversions by hand or from NIST SP 811."""

import json
import re

import pytest
from test_cli import GOOD, run

from twin.units import format, us

BY_HAND = [
    (308.15, "temperature", "95 degF"),
    (5.0, "temperature_difference", "9 degF"),
    (-5.0, "temperature_difference", "-9 degF"),
    (3.785411784e-3, "volume_flow", "60 gpm"),
    (6894.757293e2, "pressure", "100 psi"),
    (0.45359237, "mass_flow", "3600 lb/h"),
    (0.3048, "velocity", "1 ft/s"),
    (3.048, "length", "10 ft"),
    (0.09290304, "area", "1 ft2"),
    (3.785411784e-3, "volume", "1 gal"),
    (132e3, "power", "132 kW"),
    (0.5, "fraction", "50 %"),
    (float("inf"), "pressure", "unlimited"),
]


@pytest.mark.parametrize(("value", "dimension", "text"), BY_HAND)
def test_us_units_by_hand(value, dimension, text):
    assert format(value, dimension, system="us") == text


def test_heat_is_in_tons_of_refrigeration_and_water_in_gallons_a_day():
    assert us(351685.28, "cooling", 1) == "100.0 tons"
    assert us(3.785411784e-3 / 86400, "water") == "1 gal/day"


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    path = tmp_path_factory.mktemp("us") / "small.yaml"
    path.write_text(GOOD.replace("type: dry_cooler", "type: adiabatic_cooler"))
    return path


def test_a_screen_in_us_units_tells_the_same_plant(layout):
    found = json.loads(run("solve", layout, "--no-bound", "--json", "--units", "us")[1])
    assert found == json.loads(run("solve", layout, "--no-bound", "--json")[1])
    si, screen = (run("solve", layout, "--no-bound", *more)[1] for more in ([], ["--units", "us"]))
    assert f"{found['heat_to_liquid_mw'] * 1e6 / 3516.8528:,.0f} tons" in screen
    assert f"{found['water_m3_per_day'] / 3.785411784e-3:,.0f} gal/day" in screen
    celsius, fahrenheit = (
        float(re.search(rf"coolant_supply +\S+ +(\S+) {unit}", text)[1])
        for text, unit in ((si, "degC"), (screen, "degF"))
    )
    assert fahrenheit == pytest.approx(32 + 1.8 * celsius, abs=0.15)
    for unit in ("degC", " K\n", "m3", "kPa"):
        assert unit not in screen


def test_bounds_too_are_shown_in_us_units(layout):
    screen = run("bound", layout, "--units", "us")[1]
    assert "lb/h" in screen and "degF" in screen and "degC" not in screen and "kW per rack" in screen
    code, _, err = run("bound", layout, "--units", "imperial")
    assert code == 2 and "imperial" in err
