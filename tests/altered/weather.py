"""Weather: what air can be, moisture of a dry bulb alone, scenarios that cannot be, weather files."""

# ruff: noqa: E501
# fmt: off

HALL = "twin/components/hall.py"
SCENARIOS = "twin/facility/scenarios.py"
STEADY = "twin/solver/steady.py"
EPW = "twin/readers/epw.py"


def air(*names):
    return tuple(f"physics/test_moist_air.py::test_{n}" for n in names)


def scenarios(*names):
    return tuple(f"test_scenarios.py::test_{n}" for n in names)


def files(*names):
    return tuple(f"readers/test_epw.py::test_{n}" for n in names)


LOWEST = air("no_wet_bulb_is_below_that_of_air_without_moisture")
PRESSURE = air("a_pressure_is_that_of_the_elevation")
ALONE = air("a_dry_bulb_alone_keeps_the_humidity_ratio_of_the_layout_up_to_saturation")

MUTANTS = [
    (HALL, "ROUNDING = 0.01", "ROUNDING = 0.1", LOWEST),
    (HALL, "ROUNDING = 0.01", "ROUNDING = 0.0", LOWEST),
    (HALL, "fluids.wet_bulb(dry, 0.0, p)", "fluids.wet_bulb(dry, 1e-4, p)", LOWEST, "the lowest wet bulb of air with some moisture"),
    (HALL, "fluids.wet_bulb(dry, 0.0, p)", "fluids.wet_bulb(dry, 0.0, 101325.0)", LOWEST, "the lowest wet bulb at sea level"),
    (HALL, "PRESSURES = (0.85, 1.1)", "PRESSURES = (0.8, 1.1)", PRESSURE),
    (HALL, "PRESSURES = (0.85, 1.1)", "PRESSURES = (0.9, 1.1)", PRESSURE),
    (HALL, "PRESSURES = (0.85, 1.1)", "PRESSURES = (0.85, 1.3)", PRESSURE),
    (HALL, "PRESSURES = (0.85, 1.1)", "PRESSURES = (0.85, 1.05)", PRESSURE),
    (HALL, 'site["pressure"] if "pressure" in site else', 'site["pressure"] if "pressures" in site else',
     air("moisture_is_of_the_pressure_that_is_given"), "a pressure that is given is left unread"),
    (SCENARIOS, "fluids.wet_bulb(dry, ratio, p))", 'np.minimum(layout["wet_bulb"], dry))', ALONE, "a dry bulb alone keeps the wet bulb"),
    (SCENARIOS, '(dry == layout["dry_bulb"]) & (p == before)', "False", ALONE, "the layout's own air is not that of the layout to the bit"),
    (SCENARIOS, 'np.minimum(layout[own], site["dry_bulb"])', 'np.minimum(layout[own], site["dry_bulb"] - 1.0)',
     air("a_dry_bulb_alone_keeps_the_dew_point_of_the_layout_up_to_saturation")),
    (SCENARIOS, "np.where(bad, v[good], v)", "v", scenarios("every_one_of_many_values_is_checked"), "values that cannot be are solved"),
    (SCENARIOS, '("le", np.greater, "at most")', '("le", np.greater_equal, "at most")', air("any_dew_point_and_any_relative_humidity_up_to_saturation_are_air")),
    (SCENARIOS, "partial(_checked, part, n, fields, check.values)", "partial(_checked, part, n, fields, check.values[:, ::-1])",
     scenarios("every_one_of_many_values_is_checked"), "a fault of another scenario is told"),
    (SCENARIOS, "more = [f for f in fields if f not in varied and", "more = [f for f in () if f not in varied and", scenarios("every_one_of_many_values_is_checked"), "the first scenario for all"),
    (SCENARIOS, "self.read.isdisjoint((f, \"__dict__\"))", "self.read.isdisjoint((f,))", scenarios("a_check_that_reads_everything_at_once_is_asked_of_every_value"), "fields that are read as a whole go unseen"),
    (STEADY, "status[rows], self.taken[rows], self.residual[rows], audit[rows] = int(Status.INVALID), 0, np.nan, np.nan", "self.taken[rows] = 0",
     scenarios("an_invalid_scenario_is_invalid_on_a_bound_plant_too"), "what stands for an invalid scenario is told as its solution"),
    (EPW, "(3600 * (hour - 1) + within)", "(3600 * hour + within)", ("cases/weather/test_weather_file.py",), "hours begin where they end"),
    (EPW, "% per_hour * (3600 // per_hour)", "% per_hour * 3600", files("records_within_an_hour_follow_each_other")),
    (EPW, '999.0, 0.0, 110.0, 0.01)', '999.0, 0.0, 110.0, 1.0)', files("quantities_are_in_si_units")),
    (EPW, "CELSIUS = 273.15", "CELSIUS = 273.0", files("quantities_are_in_si_units")),
    (EPW, '"atmospheric pressure", 999999.0', '"atmospheric pressure", 9999999.0', files("every_field_has_its_own_marker_of_what_is_missing")),
    (EPW, "value[value >= f.missing] = np.nan", "value[value > f.missing] = np.nan", files("every_field_has_its_own_marker_of_what_is_missing")),
    (EPW, "dry_bulb=hot[9 + 2 * i], wet_bulb=hot[8 + 2 * i]", "dry_bulb=hot[2 + 2 * i], wet_bulb=hot[8 + 2 * i]", files("design_conditions_are_found_by_name"),
     "the highest wet bulb goes with the highest dry bulb"),
    (EPW, "mean = len(extreme) - 12", "mean = 3", files("every_form_of_design_conditions_since_2009_is_read")),
    (EPW, "LEAP_DAY = 31 + 28", "LEAP_DAY = 31 + 29", files("leap_days_are_days")),
]
