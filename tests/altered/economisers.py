"""Economisers: plates on tower water, coils before evaporators, dampers, plates with pads."""

# ruff: noqa: E501
# fmt: off

D, E, H = "twin/domains/economisers.py", "twin/components/economisers.py", "twin/domains/thermal.py"
W = "twin/domains/moisture.py"


def cold(*names):
    return tuple(f"physics/test_cold_plants.py::test_{n}" for n in names)


def air(*names):
    return tuple(f"physics/test_air_economisers.py::test_{n}" for n in names)


TAKES = cold("an_economiser_takes_what_it_can_and_the_chiller_the_rest")
HOLDS = cold("an_economiser_that_is_able_to_holds_the_set_point_and_the_chiller_stands_still")
ALL = cold("one_that_is_not_integrated_takes_all_or_nothing")
WARM = cold("warm_tower_water_warms_nothing_and_a_small_difference_is_left_alone")
OVER = cold("an_economiser_comes_in_over_a_kelvin")
STANDS = cold("an_economiser_that_stands_still_leaves_a_loop_at_rest_as_it_is")
COIL = cold("a_free_cooling_chiller_at_its_rating_and_off_it")
ALONE = cold("cold_air_holds_the_set_point_alone_and_warm_air_is_left_out")
COMING = cold("a_free_cooling_coil_comes_in_over_a_kelvin")

MIX = air("dampers_mix_to_the_set_point_less_what_fans_warm")
WHOLE = air("warmer_air_comes_in_whole_and_the_coil_does_the_rest")
SHUT = air("air_warmer_than_what_returns_too_damp_too_dry_or_beyond_a_limit_stays_outside")
NEAR = air("dampers_close_over_the_last_kelvin_below_what_returns")
MOIST = air("outdoor_air_brings_its_moisture")
PLATES = air("plates_exchange_as_rated_and_their_fans_follow_the_cube")
PADS = air("pads_wet_the_outdoor_air_where_plates_alone_do_not_suffice")
FIRST = air("wetting_first_spares_outdoor_fans")

MUTANTS = [
    # plates on tower water
    (D, "law.conductance[r, s] * (1.0 + ratio) / ratio", "law.conductance[r, s] * (1.0 + ratio)", TAKES, "films of chilled water as strong as of tower water"),
    (D, "film(law.conductance[r, s] * (1.0 + ratio), cold", "film(law.conductance[r, s] * 2.0, cold", TAKES, "films of tower water of an even balance"),
    (D, "law.rated_flow[r, s], exponent)", "law.rated_flow[r, s], 0.8)", TAKES, "films of chilled water to 0.8"),
    (D, "law.rated_sink[r, s], exponent)", "law.rated_sink[r, s], 0.8)", TAKES, "films of tower water to 0.8"),
    (D, "in_series(own, other, law.fouling[r, s])", "in_series(own, other, 0.0)", TAKES, "plates that are never foul"),
    (D, "smaller / max(c, cold)) * smaller / c", "smaller / max(c, cold))", TAKES, "effectiveness of the smaller stream for that of chilled water"),
    (D, "smaller = min(c, cold)", "smaller = c", TAKES, "chilled water as the smaller stream"),
    (D, "effect * sink) if runs", "effect * set_point) if runs", TAKES, "plates on water of the set point"),
    (D, "loading = over(max(required, 0.0), able) if wanted", "loading = over(max(required, 0.0), gap) if wanted", TAKES, "loading over the gap"),
    (D, "held = wanted and required <= able\n", "held = wanted and required <= 0.0 * able\n", HOLDS, "set points that are not held"),
    (D, "alone = not whole or (wanted and required <= able and failed < TRIES)", "alone = law.integrated[r, s] >= 0.0", ALL, "all integrated"),
    (D, "alone = not whole or (wanted and required <= able and failed < TRIES)", "alone = not whole", ALL, "none alone"),
    (D, "flows and gap > 0.0 and part > 0.0", "flows and part > 0.0", WARM, "tower water that warms"),
    (D, "part = coming_in(gap, law.min_difference[r, s])", "part = 1.0 if gap > law.min_difference[r, s] else 0.0", OVER, "plates that come in at once"),
    (D, "part = coming_in(gap, law.min_difference[r, s])", "part = coming_in(gap, 1.0)", WARM, "a kelvin whatever is stated"),
    (D, "flows = cold > AWAKE * law.rated_sink[r, s]", "flows = cold > 0.0", STANDS, "plates on water that stands"),
    (H, "abs(flow[sink, s]) * coolant.cp[sink, s] if", "abs(flow[sink, s]) * 1000.0 if", TAKES, "tower water by a quarter of its capacity"),
    (E, "        1.0, ge=0, le=20, description=\"of returning chilled water", "        2.5, ge=0, le=20, description=\"of returning chilled water", WARM, "plates from 2.5 K"),
    (E, "film_ratio=1.0 / t.film_balance", "film_ratio=t.film_balance", TAKES, "balance of films the other way round"),
    (E, "            rated_flow=t.units * t.flow,\n            rated_sink", "            rated_flow=t.flow,\n            rated_sink", TAKES, "chilled water of one unit"),
    (E, "rated_sink=t.units * t.cold_flow * cp", "rated_sink=t.cold_flow * cp", TAKES, "tower water of one unit"),
    (E, "conductance = t.units * t.conductance", "conductance = 1.0 * t.conductance", TAKES, "plates of one unit"),
    # coils before evaporators
    (E, "leaving = t.free_cooling_water - t.free_cooling / (t.flow * cp)\n        rating", "leaving = t.free_cooling_water - 1.02 * t.free_cooling / (t.flow * cp)\n        rating", COIL, "a coil that was rated 2 % better"),
    (E, "rating = t.free_cooling_water, leaving, t.free_cooling_air, air", "rating = t.free_cooling_water, leaving, t.free_cooling_air - 1.0, air", COIL, "a coil rated in air 1 K colder"),
    (E, "density=t.site.intake_density / density", "density=1.0 + 0.0 * t.site.intake_density", COIL, "air of the rating"),
    (E, 'rated_film=rated_film(t, "in", t.free_cooling_water)', 'rated_film=rated_film(t, "in", t.free_cooling_air)', COIL, "films rated in cold water"),
    (E, "warmth=t.site.intake / t.free_cooling_air", "warmth=t.site.intake / t.free_cooling_water", COIL, "films of air rated at the water's temperature"),
    (E, "fan_power=t.coil_fan_power,", "fan_power=t.coil_fan_power + t.fan_power + 1e3,", COIL, "a kilowatt of fans more"),
    (E, "set_point=cls.held(t),\n            conductance=rejection", "set_point=cls.held(t) + 1.0,\n            conductance=rejection", ALONE, "coils that stop a kelvin short"),
    (E, "min_gap=t.min_difference", "min_gap=4.0", COMING, "4 K whatever is stated"),
    (E, "        4.0, ge=0, le=20, description=\"of entering coolant", "        6.0, ge=0, le=20, description=\"of entering coolant", COIL, "a coil from 6 K"),
    (E, "        4.0, ge=0, le=20, description=\"of entering coolant", "        3.0, ge=0, le=20, description=\"of entering coolant", COMING, "a coil from 3 K"),
    # dampers
    (D, "wanted = (inlet - set_point) / max(inlet - outdoor, 1e-6)", "wanted = (inlet - set_point) / max(set_point - outdoor, 1e-6)", MIX, "outdoor air over what is supplied"),
    (D, "offset[r, s] = set_point if holds", "offset[r, s] = set_point + 0.5 if holds", MIX, "mixtures half a kelvin warm"),
    (D, "cool = outdoor < inlet and outdoor <= law.max_dry_bulb[r, s]", "cool = outdoor <= law.max_dry_bulb[r, s]", SHUT, "air warmer than what returns"),
    (D, "cool = outdoor < inlet and outdoor <= law.max_dry_bulb[r, s]", "cool = outdoor < inlet", SHUT, "air beyond its dry bulb"),
    (D, "dry = dew <= law.max_dew_point[r, s] and dew >= law.min_dew_point[r, s]", "dry = dew >= law.min_dew_point[r, s]", SHUT, "air that is too damp"),
    (D, "dry = dew <= law.max_dew_point[r, s] and dew >= law.min_dew_point[r, s]", "dry = dew <= law.max_dew_point[r, s]", SHUT, "air that is too dry"),
    (D, "share = max(clip(wanted, least, 1.0) * clip(inlet - outdoor, 0.0, 1.0), least) if works else least", "share = clip(wanted, least, 1.0) if works else least", NEAR, "dampers that close at once"),
    (D, "* clip(inlet - outdoor, 0.0, 1.0), least) if works else least", "* clip(inlet - outdoor, 0.0, 1.0), least) if works else 0.0", SHUT, "no least outdoor air where it does not help"),
    (D, "min(share, 1.0 - 1e-9) * outdoor", "min(share, 1.0 - 1e-9) * min(outdoor, set_point)", WHOLE, "outdoor air that is never too warm"),
    (D, "law.fan_power[r, s] * part * part * part", "law.fan_power[r, s] * part * part", MIX, "fans by the square"),
    (E, "flow = t.units * t.air_flow * t.site.density", "flow = t.units * t.air_flow * AIR_DENSITY", MIX, "fans rated in air of 1.2 kg/m3"),
    (E, "set_point=mixed_to(t),\n            outdoor", "set_point=t.set_point,\n            outdoor", MIX, "dampers that forget the fans"),
    (E, "max_outdoor_dew_point: Temperature = Field(288.15,", "max_outdoor_dew_point: Temperature = Field(290.15,", SHUT, "air up to a dew point of 17 degC"),
    (E, "        1.5e3, ge=0, description=\"of fans for filters", "        1.8e3, ge=0, description=\"of fans for filters", MIX, "1.8 kW for filters"),
    (W, "total = zone.ventilation[z, s]\n", "total = 0.0\n", MOIST, "dampers in the place of ventilation"),
    (W, "total += dampers.times[u] * (solved[share[k], s] * abs(flow[stream[k], s]))", "total += dampers.times[u] * abs(flow[stream[k], s])", MOIST, "all the air that fans move from outdoors"),
    (H, "np.where(c.ahead > 0.5, np.nan, set_point)", "set_point", SHUT, "coolers that others follow trusted with the set point"),
    # plates with pads
    (E, "conductance=plates(t.effectiveness, room * AIR_HEAT, outdoor * rejection.MOIST_CP)", "conductance=plates(t.effectiveness, room * AIR_HEAT, 2.0 * outdoor * rejection.MOIST_CP)", PLATES, "plates rated in twice the outdoor air"),
    (E, "film_ratio=np.ones((1, 1))", "film_ratio=2.0 * np.ones((1, 1))", PLATES, "films of outdoor air twice as strong"),
    (E, "water_exponent=0.8", "water_exponent=0.5", PLATES, "films of room air to a half"),
    (E, "density=t.site.density / AIR_DENSITY", "density=1.0 + 0.0 * t.site.density", PLATES, "outdoor air of 1.2 kg/m3"),
    (E, "effectiveness: Fraction = Field(0.75,", "effectiveness: Fraction = Field(0.7,", PADS, "plates of 70 %"),
    (E, "saturation: Fraction = Field(0.8,", "saturation: Fraction = Field(0.7,", PADS, "pads of 70 %"),
    (E, "cycles: Number = Field(4.0,", "cycles: Number = Field(3.0,", PADS, "three cycles"),
    (E, "outdoor_air_power: Power = Field(4e3,", "outdoor_air_power: Power = Field(5e3,", PLATES, "fans of 5 kW"),
    (E, "wet_above=t.wet_above", "wet_above=278.15", PADS, "pads drained at 5 degC whatever is stated"),
    (E, 'wets_first=np.array([[w == "first"]', 'wets_first=np.array([[w == "last"]', FIRST, "first for last"),
    (E, "wet_bulb=t.site.wet_bulb", "wet_bulb=t.site.wet_bulb + 1.0", PADS, "a wet bulb 1 K up"),
    (E, "smaller, larger = np.minimum(own, other), np.maximum(own, other)", "smaller, larger = np.minimum(own, other), np.maximum(own, other) * 1.2", PLATES, "plates rated at another ratio"),
]
