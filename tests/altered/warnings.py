"""Aims, caps, pressures, what is out of service and what is lost."""

# ruff: noqa: E501
# fmt: off

C, W = "twin/components", "test_warnings.py::test_"
STEADY, PROGRAM, HYDRAULIC = "twin/solver/steady.py", "twin/solver/program.py", "twin/components/coolant.py"


def told(*names):
    return tuple(f"{W}{n}" for n in names)


SET_POINT = told("a_set_point_that_a_valve_cannot_hold_is_told_and_bounds_nothing")
FANS = told("fans_of_a_rack_that_cannot_carry_its_heat_are_told")
PRESSURES = told("pressures_follow_the_tank_and_boiling_is_told")
LOST = told("what_loses_its_cooling_is_lost_alone")
OFF = told("what_is_out_of_service_draws_nothing_and_disturbs_no_neighbour")
SWINGS = told("a_plant_that_would_swing_between_two_states_settles")
SHELF = told("a_rack_without_chips_loses_what_its_shelf_loses_and_has_no_junction")

SURE = ("physics/test_serving_tokens.py::test_tokens_say_how_sure_they_are",)

MUTANTS = [
    (f"{C}/cooling.py", "HELD = 0.5", "HELD = 5.0", SET_POINT, "set points held within 5 K"),
    (f"{C}/compute.py", "RISE_BAND = 1.1", "RISE_BAND = 4.0", FANS, "fans that may miss their rise fourfold"),
    ("twin/domains/compute.py", "on * speed * e.fan_flow[r, s] * AIR_HEAT", "on * e.fan_flow[r, s] * AIR_HEAT", FANS, "rise at full speed"),
    ("twin/domains/compute.py", "return inside, power - out + inner - inside", "return inside, power - out", SHELF, "boards lose nothing of a given power"),
    ("twin/domains/compute.py", "chips = e.chips[r, s] > 0.0", "chips = e.chips[r, s] >= 0.0", SHELF, "junctions without chips"),
    (HYDRAULIC, "        30e3, ge=0, description=\"net positive", "        40e3, ge=0, description=\"net positive", PRESSURES, "suction head of 40 kPa"),
    (STEADY, "kept[columns.node.pressure] - _boiling", "kept[columns.node.pressure] - 0.0 * _boiling", PRESSURES, "coolant that boils in a vacuum only"),
    (PROGRAM, "RUNAWAY = 4", "RUNAWAY = 10**9", LOST, "nothing is ever lost"),
    (STEADY, "lost[e.node] | lost[plant.end[e.stream]] | lost[e.breathes]", "lost[e.breathes]", LOST, "racks without coolant go on"),
    ("twin/solver/acceleration.py", "out.mixed[l, s] = 1.0 if good or creeps else 0.0", "out.mixed[l, s] = 0.0", SWINGS, "no mixing of what swings"),
    (STEADY, "tripped(plant, lost).all(axis=0) & (status == int(Status.OK))", "(status != int(Status.INVALID))", told("a_plant_that_is_cut_off_before_it_settles_is_not_overheated"), "what has not settled is overheated"),
    ("twin/domains/electrical.py", "live = plant.live[load.bus] * load.in_service", "live = plant.live[load.bus] * 1.0", OFF, "what is out of service draws on"),
    (f"{C}/base.py", "bound = np.where(t.in_service > 0, bound, np.inf)", "bound = np.where(t.in_service > -1, bound, np.inf)",
     ("physics/test_limits_and_figures.py::test_limits_bound_from_their_side_and_measure_their_layer",), "what is out of service is judged"),
    ("twin/serving/tokens.py", "known = (1.0 + error(computed, platform)) * (1.0 + error(table, platform))", "known = 9.0", told("physics_that_differ_from_what_was_measured_are_told_in_both_modes"), "ninefold errors expected"),
    ("twin/serving/tokens.py", "terms.interactivity >= front.interactivity[0] and ", "", told("below_the_slowest_run_of_a_front_nothing_is_compared"), "compared below the first run"),
    ("twin/serving/tokens.py", "if len(front.rate) > 1 else np.nan", "if True else np.nan", SURE, "single runs as sure as fronts"),
    ("twin/serving/tokens.py", "if terms.mode == \"table\" else ()", "if terms.mode == \"physics\" else ()", told("a_hole_of_a_front_is_told_where_it_is_bridged"), "holes told by physics"),
    ("twin/serving/fronts.py", "HOLE = 1.5", "HOLE = 2.5", "domains/test_serving.py::test_a_hole_is_a_stretch_of_half_as_much_again_away_from_its_ends", "wide holes"),
    ("twin/serving/fronts.py", "NEAR * min(part, 1.0 - part) > 1.0", "True", "domains/test_serving.py::test_a_hole_is_a_stretch_of_half_as_much_again_away_from_its_ends", "holes up to their ends"),
    ("twin/serving/fronts.py", "MISSED, NEAR = 0.8, 8.0", "MISSED, NEAR = 0.5, 8.0", "domains/test_serving.py::test_nine_of_ten_points_left_out_of_their_front_lie_within_its_error", "half of the fall"),
    ("twin/serving/fronts.py", "near = np.minimum(1.0, NEAR * np.minimum(part, 1.0 - part))", "near = 1.0", "domains/test_serving.py::test_a_front_is_known_at_its_points_and_to_a_part_of_the_fall_between_them", "points as unsure as lines"),
    ("twin/serving/platforms.py", "(1.0 + speed) ** max(nearby(point, options).steepness, 0.0) - 1.0", "(1.0 + speed) - 1.0", SURE, "errors of a level front"),
    ("twin/serving/platforms.py", "known.get(engine_of(point.platform, options), known.get", "known.get(\"all\", known.get", SURE, "errors of all engines"),
    ("twin/serving/tokens.py", "total(served * np.where(served > 0, unsure, 0.0))", "total(np.where(served > 0, unsure, 0.0))", SURE, "errors that are no mean"),
    ("twin/serving/tokens.py", "np.exp(PRICE_MISSED * price)", "1.0", SURE, "prices of clocks that are sure"),
    ("twin/serving/tokens.py", "PRICE_MISSED = 0.65", "PRICE_MISSED = 0.5", "cases/power_caps/test_power_caps.py::test_nine_of_ten_jobs_of_types_left_out_miss_less_of_the_price_than_results_say", "half of the price"),
    ("layouts/serving/physics.yaml", "context: 163840", "context: 131072", told("requests_longer_than_the_context_are_refused"), "a context of 131,072"),
]
