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
    ("twin/serving/tokens.py", "EXPECTED = 0.4", "EXPECTED = 9.0", told("physics_that_differ_from_what_was_measured_are_told"), "ninefold errors expected"),
    ("layouts/serving/physics.yaml", "context: 163840", "context: 131072", told("requests_longer_than_the_context_are_refused"), "a context of 131,072"),
]
