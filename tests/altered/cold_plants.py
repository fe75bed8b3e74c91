"""Chillers in cold weather and by least power, set points reset by weather."""

# ruff: noqa: E501
# fmt: off

C, O, H = "twin/domains/chillers.py", "twin/components/outdoor.py", "twin/domains/thermal.py"


def cold(*names):
    return tuple(f"physics/test_cold_plants.py::test_{n}" for n in names)


def chillers(*names):
    return tuple(f"physics/test_chillers.py::test_{n}" for n in names)


BLENDED = cold("condenser_water_is_blended_up_to_the_least_that_may_enter")
TOLD = cold("a_warning_tells_what_enters_a_condenser_after_it_was_blended")
UNSTATED = cold("unless_stated_condensers_take_in_nothing_below_12_8_degrees")
LIFT = cold("the_lift_of_a_chiller_may_have_a_least")
CYCLES = cold("below_their_least_part_load_chillers_cycle")
FIFTEEN = chillers("a_machine_below_fifteen_percent_cycles")
GAS = cold("hot_gas_loads_a_chiller_to_its_least_unloading")
RESET = cold("set_points_are_reset_by_the_weather")
LEAST = cold("chillers_by_least_power_are_as_many_as_take_least")
NO_MORE = cold("chillers_by_least_power_are_no_more_than_there_are")
SHAPE = chillers("the_shape_of_an_edge_gives_way_within_three_kelvin")
BENDS = chillers("where_the_curves_of_a_machine_bend_the_law_takes_the_best_or_worst_beyond")
MONOTONE = chillers("beyond_its_box_no_machine_gets_worse_with_warmer_water_or_better_with_a_hotter_condenser")
STANDS = chillers("a_machine_that_stands_still_gives_its_condenser_nothing")

MUTANTS = [
    # protection
    (C, "entering = max(max(given, law.min_entering[r, s]), set_point + law.min_lift[r, s])", "entering = max(given, set_point + law.min_lift[r, s])", BLENDED, "condensers of any cold"),
    (C, "entering = max(max(given, law.min_entering[r, s]), set_point + law.min_lift[r, s])", "entering = max(given, law.min_entering[r, s])", LIFT, "lifts of any size"),
    (C, "entering = max(max(given, law.min_entering[r, s]), set_point + law.min_lift[r, s])", "entering = max(max(given, law.min_entering[r, s]), inlet + law.min_lift[r, s])", LIFT, "lifts over the water that comes"),
    (C, "entering = max(max(given, law.min_entering[r, s]), set_point + law.min_lift[r, s])", "entering = max(given, law.min_entering[r, s]) + max(law.min_lift[r, s], 0.0)", LIFT, "lifts added to what enters"),
    (C, "return np.maximum(np.maximum(given, self.min_entering), self._held + self.min_lift)", "return given", TOLD, "warnings of water that is blended up"),
    (O, "        285.95, ge=230, le=320, description=\"of what enters", "        288.95, ge=230, le=320, description=\"of what enters", UNSTATED, "condensers from 15.8 degC"),
    (O, "        285.95, ge=230, le=320, description=\"of what enters", "        283.15, ge=230, le=320, description=\"of what enters", UNSTATED, "condensers from 10 degC"),
    (O, "ANY = -1e3", "ANY = 10.0", BLENDED, "a least lift of 10 K for all"),
    (C, "p = max(max(part, law.min_part_load[r, s]), law.min_unloading[r, s])", "p = max(part, law.min_part_load[r, s])", GAS, "machines that unload without end"),
    (C, "p = max(max(part, law.min_part_load[r, s]), law.min_unloading[r, s])", "p = max(part, law.min_unloading[r, s])", CYCLES, "cycling at the power of any part load"),
    (C, "fade = min(part / law.min_part_load[r, s], 1.0)", "fade = min(part / 0.15, 1.0)", CYCLES, "cycling below 15 % whatever is stated"),
    (C, "fade = min(part / law.min_part_load[r, s], 1.0)", "fade = min(part / max(law.min_part_load[r, s], law.min_unloading[r, s]), 1.0)", GAS, "cycling below the hot gas"),
    (O, "min_part_load: Fraction = Field(0.15,", "min_part_load: Fraction = Field(0.2,", FIFTEEN, "cycling below a fifth"),
    (O, "min_part_load=t.min_part_load", "min_part_load=0.15", CYCLES, "a least part load that is not heard"),
    # set points by weather
    (O, "share = np.clip((t.reset_warm - t.site.dry_bulb) / span, 0.0, 1.0)", "share = np.clip((t.reset_warm - t.site.wet_bulb) / span, 0.0, 1.0)", RESET, "resets by the wet bulb"),
    (O, "share = np.clip((t.reset_warm - t.site.dry_bulb) / span, 0.0, 1.0)", "share = np.maximum((t.reset_warm - t.site.dry_bulb) / span, 0.0)", RESET, "resets without end in the cold"),
    (O, "share = np.clip((t.reset_warm - t.site.dry_bulb) / span, 0.0, 1.0)", "share = np.minimum((t.reset_warm - t.site.dry_bulb) / span, 1.0)", RESET, "resets without end in the heat"),
    (O, "t.set_point + share * (t.cold_set_point - t.set_point)", "t.cold_set_point + share * (t.set_point - t.cold_set_point)", RESET, "resets the other way round"),
    (O, "span = np.maximum(t.reset_warm - t.reset_cold, 1e-9)", "span = 20.0 + 0.0 * t.reset_cold", RESET, "resets over 20 K whatever is stated"),
    (O, "reset_cold: Temperature = Field(278.15,", "reset_cold: Temperature = Field(273.15,", RESET, "resets down to 0 degC"),
    (O, "reset_warm: Temperature = Field(298.15,", "reset_warm: Temperature = Field(293.15,", RESET, "resets from 20 degC"),
    # machines by least power
    (C, "more = ceil(load * math.sqrt(c / a if bends else 0.0) - 1e-9)", "more = ceil(load * math.sqrt(a / c if bends else 0.0) - 1e-9)", LEAST, "a over c"),
    (C, "more = ceil(load * math.sqrt(c / a if bends else 0.0) - 1e-9)", "more = ceil(load * (c / a if bends else 0.0) - 1e-9)", LEAST, "c over a without its root"),
    (C, "a * more + c * load * load / more < a * fewer + c * load * load / fewer", "a * more + c * load * load / more > a * fewer + c * load * load / fewer", LEAST, "the worse of two numbers"),
    (C, "best = clip(cheapest(r, s, law, min(required / one, MANY)), fewest, max(count, 1.0))", "best = max(count, 1.0)", LEAST, "all machines at least power"),
    (C, "best = clip(cheapest(r, s, law, min(required / one, MANY)), fewest, max(count, 1.0))", "best = max(cheapest(r, s, law, min(required / one, MANY)), fewest)", NO_MORE, "more machines than there are"),
    (C, "staged = best if law.least_power[r, s] > 0.5 else fewest", "staged = best", LEAST, "least power unasked"),
    (C, "staged = best if law.least_power[r, s] > 0.5 else fewest", "staged = fewest", LEAST, "the fewest machines at least power"),
    # beyond the box
    (C, "rising = min((max(x - warmest, 0.0) + max(coolest - y, 0.0)) / FADE, 1.0)", "rising = min(max(x - warmest, 0.0) / FADE, 1.0)", BENDS, "edges towards a cooler condenser keep their shape"),
    (C, "rising = min((max(x - warmest, 0.0) + max(coolest - y, 0.0)) / FADE, 1.0)", "rising = min(max(coolest - y, 0.0) / FADE, 1.0)", SHAPE, "edges towards warmer water keep their shape"),
    (C, "falling = min((max(coldest - x, 0.0) + max(y - hottest, 0.0)) / FADE, 1.0)", "falling = min(max(coldest - x, 0.0) / FADE, 1.0)", MONOTONE, "edges towards a hotter condenser keep their shape"),
    (C, "falling = min((max(coldest - x, 0.0) + max(y - hottest, 0.0)) / FADE, 1.0)", "falling = min(max(y - hottest, 0.0) / FADE, 1.0)", MONOTONE, "edges towards colder water keep their shape"),
    (C, "twist = 4.0 * cxx * cyy - cxy * cxy", "twist = 4.0 * cxx * cyy", MONOTONE, "the extreme of a surface without its twist"),
    (C, "middle_y = clip((cxy * cx - 2.0 * cxx * cy) / steep, y0, y1)", "middle_y = y0", MONOTONE, "no extreme within a surface"),
    (C, "error = LEAVING_ERROR * x + ENTERING_ERROR * y", "error = LEAVING_ERROR + ENTERING_ERROR * y", TOLD, "an error that does not grow with the distance"),
    (C, "np.maximum(low - value, 0.0) + np.maximum(value - high, 0.0)", "np.maximum(low - value, 0.0)", TOLD, "no error towards warmer water"),
    # what stands still
    (H, "(duty if answer.running[c, s] > 0.0 else 0.0) + power + driven", "duty + power + driven", STANDS, "units that stand still warm their sink"),
]
