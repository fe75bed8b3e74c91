"""Dry and adiabatic coolers: films that follow temperature, when pads are wetted, when a coil comes in."""

# ruff: noqa: E501
# fmt: off

R, O = "twin/domains/rejection.py", "twin/components/outdoor.py"
T, L = "twin/domains/thermal.py", "twin/plant/lowering.py"


def coolers(*names):
    return tuple(f"physics/test_dry_coolers.py::test_{n}" for n in names)


def cold(*names):
    return tuple(f"physics/test_cold_plants.py::test_{n}" for n in names)


OFF = coolers("off_its_rating_a_coil_follows_both_flows_and_its_fouling")
STATED = coolers("the_films_of_a_coil_may_be_stated")
GLYCOL = coolers("a_cooler_rated_with_water_takes_less_from_a_glycol")
INTAKE = coolers("recirculated_air_is_warmer_and_thinner")
FIRST = coolers("pads_that_are_wetted_first_spare_the_fans_and_take_more_water")
LOWEST = coolers("pads_that_are_wetted_first_are_wetted_just_as_far_as_the_lowest_speed_needs")
LAST = coolers("pads_are_wetted_just_as_far_as_full_speed_needs")
DRAINED = coolers("pads_are_drained_in_cold_air")
COMING = cold("a_free_cooling_coil_comes_in_over_a_kelvin")

MUTANTS = [
    # films
    (R, "power(conductivity, 0.6) * power(cp / viscosity, 0.4)", "power(conductivity, 0.66) * power(cp / viscosity, 0.4)", GLYCOL, "conductivity to 0.66"),
    (R, "power(conductivity, 0.6) * power(cp / viscosity, 0.4)", "power(conductivity, 0.6) * power(cp / viscosity, 0.33)", OFF, "Prandtl to a third"),
    (R, "power(conductivity, 0.6) * power(cp / viscosity, 0.4)", "power(conductivity, 0.6) * power(4186.0 / viscosity, 0.4)", GLYCOL, "specific heat of water"),
    (R, "power(warmth, 0.88 - 0.79 * exponent)", "power(warmth, 0.78 - 0.79 * exponent)", OFF, "conductivity of air by T^0.78"),
    (R, "power(warmth, 0.88 - 0.79 * exponent)", "power(warmth, 0.88 - 0.79 * 0.8)", STATED, "viscosity of air by one exponent"),
    (R, "power(warmth, 0.88 - 0.79 * exponent)", "power(warmth, 0.79 * exponent - 0.88)", OFF, "films of air that get better in the cold"),
    (R, "water_side = water_side if known(water_side) else 1.0", "water_side = 1.0", OFF, "films of water as at the rating"),
    (R, "air_side = air_film(law.warmth[r, s], law.air_exponent[r, s])", "air_side = 1.0", OFF, "films of air as at the rating"),
    (R, "air_side = air_film(law.warmth[r, s], law.air_exponent[r, s])", "air_side = air_film(law.warmth[r, s], 0.8)", STATED, "films of air by 0.8 whatever is stated"),
    (O, 'rated_film=rated_film(t, "in", t.water_in, t["rated_fluid"])', 'rated_film=rated_film(t, "in", t.water_in)', GLYCOL, "the loop's coolant at every rating"),
    (O, 'rated_film=rated_film(t, "in", t.water_in, t["rated_fluid"])', 'rated_film=rated_film(t, "in", t.water_out, t["rated_fluid"])', OFF, "films rated where water leaves"),
    (O, "names = [s or own for s, own", 'names = [s or "water" for s, own', GLYCOL, "water at every rating"),
    (O, "warmth=t.site.intake / t.air_in", "warmth=t.site.dry_bulb / t.air_in", INTAKE, "films of air as outdoors"),
    (O, "warmth=t.site.intake / t.air_in", "warmth=t.air_in / t.site.intake", OFF, "films of air the other way round"),
    (T, "out.viscosity[c, s] = coolant.viscosity[k, s]", "out.viscosity[c, s] = 6e-4", OFF, "viscosity of warm water"),
    (T, "out.conductivity[c, s] = coolant.conductivity[k, s]", "out.conductivity[c, s] = 0.635", GLYCOL, "conductivity of warm water"),
    (L, "return [wiring.fluids.get(wiring.loop_of.get(end, -1), WATER) for end", "return [WATER for end", GLYCOL, "water in every loop at the rating"),
    # pads
    (R, "wets = law.saturation[r, s] if ambient > law.wet_above[r, s] else 0.0", "wets = law.saturation[r, s]", DRAINED, "pads wet in the frost"),
    (R, "wets = law.saturation[r, s] if ambient > law.wet_above[r, s] else 0.0", "wets = law.saturation[r, s] if bulb > law.wet_above[r, s] else 0.0", DRAINED, "pads drained by the wet bulb"),
    (O, 'wet_above: Temperature = Field(278.15,', 'wet_above: Temperature = Field(276.15,', DRAINED, "pads drained below 3 degC"),
    (R, "without = low if law.wets_first[r, s] > 0.5 else best", "without = best", FIRST, "pads always last"),
    (R, "without = low if law.wets_first[r, s] > 0.5 else best", "without = low", LAST, "pads always first"),
    (R, "needed = ambient - inlet + required / max(without, 1e-9)", "needed = full_drop + 0.0 * without", LOWEST, "pads as wet as can be"),
    (R, "needed = ambient - inlet + required / max(without, 1e-9)", "needed = ambient - set_point + required / max(without, 1e-9)", LAST, "pads wetted by the outlet"),
    (O, 'wets_first=np.array([[w == "first"] for w in t["wetting"]], float)', 'wets_first=np.array([[w == "last"] for w in t["wetting"]], float)', FIRST, "first for last"),
    # coming in
    (R, "return clip(gap - least, 0.0, 1.0) if least > 0.0 else 1.0", "return (1.0 if gap > least else 0.0) if least > 0.0 else 1.0", COMING, "coils that come in at once"),
    (R, "return clip(gap - least, 0.0, 1.0) if least > 0.0 else 1.0", "return clip(0.5 * (gap - least), 0.0, 1.0) if least > 0.0 else 1.0", COMING, "coils that come in over two kelvin"),
    (R, "return clip(gap - least, 0.0, 1.0) if least > 0.0 else 1.0", "return clip(gap - least, 0.0, 1.0)", coolers("a_coil_without_a_least_difference_works_at_half_a_kelvin"), "coils without a least gap that come in too"),
    (R, "part = coming_in(inlet - wettest, law.min_gap[r, s])", "part = coming_in(inlet - set_point, law.min_gap[r, s])", COMING, "coils that come in by the set point"),
    (R, "    full = part * best", "    full = best", COMING, "duty of a coil that has not yet come in"),
    (R, "on = 0.0 if idle else part * awake", "on = 0.0 if idle else awake", COMING, "fans of a coil that has not yet come in"),
]
