"""US customary units on the screen."""

# ruff: noqa: E501
# fmt: off

U, S = "twin/units.py", "twin/show/screen.py"
HAND = ("test_us_units.py::test_us_units_by_hand",)
HEAT = ("test_us_units.py::test_heat_is_in_tons_of_refrigeration_and_water_in_gallons_a_day",)
SCREEN = ("test_us_units.py::test_a_screen_in_us_units_tells_the_same_plant",)

MUTANTS = [
    (U, '"temperature": ("degF", 5 / 9)', '"temperature": ("degF", 0.55)', HAND, "degrees Fahrenheit of 0.55 K"),
    (U, '"temperature_difference": ("degF", 5 / 9)', '"temperature_difference": ("degF", 1.0)', HAND, "differences in kelvins"),
    (U, 'us(value - d.offsets.get("degF", 0.0), dimension', 'us(value, dimension', HAND, "absolute zero at 0 degF"),
    (U, '("lb/h", 0.45359237 / HOUR)', '("lb/h", 0.45359237 / 60)', HAND, "pounds a minute"),
    (U, '("gpm", GALLON / 60)', '("gpm", 4.54609e-3 / 60)', HAND, "imperial gallons"),
    (U, '("psi", 6894.757293)', '("psi", 6890.0)', HAND, "psi of 6,890 Pa"),
    (U, '("ft/s", FOOT)', '("ft/s", FOOT / 60)', HAND, "feet a minute"),
    (U, '("tons", 12e3 * BTU / HOUR)', '("tons", 3517.0 * 1.1)', HEAT, "larger tons"),
    (U, '("gal/day", GALLON / DAY)', '("gal/day", GALLON / HOUR)', HEAT, "gallons an hour"),
    (S, 'us(value, "cooling", 0) if system == "us" and f in HEAT', 'us(value, "cooling", 0) if f not in HEAT', SCREEN, "electricity in tons"),
    (S, "us(water / DAY, ", "us(water, ", SCREEN, "water a second"),
]
