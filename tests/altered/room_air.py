"""Computed air: momentum, eddies, time steps, averages that settle, indices of rooms, leaks beside chassis."""

# ruff: noqa: E501
# fmt: off

M, U, V = "kernels/momentum.py", "kernels/turbulence.py", "kernels/finite_volume.py"
A, T, I, G = "twin/air/averaging.py", "twin/air/turns.py", "twin/results/room_indices.py", "twin/air/geometry.py"


def flows(*names):
    return tuple(f"cases/turbulence/test_turbulence.py::test_{n}" for n in names)


def indices(*names):
    return tuple(f"test_room_indices.py::test_{n}" for n in names)


def air(*names):
    return tuple(f"test_airflow.py::test_{n}" for n in names)


STRAIGHT = ("kernels/test_finite_volume.py::test_air_that_comes_in_through_a_side_comes_straight",)
PANEL = ("kernels/test_finite_volume.py::test_air_beyond_a_closed_panel_is_not_dragged_along",)
BLOCK = ("kernels/test_finite_volume.py::test_the_top_of_a_block_rubs_as_the_floor_of_the_room_does",)
NONE = air("scenarios_without_a_solution_have_no_average")
KEPT = flows("central_momentum_keeps_kinetic_energy_and_limited_loses_it")
HAND = flows("eddies_are_as_published_in_a_flow_by_hand")
VORTEX = flows("the_dynamic_constant_of_a_resolved_vortex")
WINDOWS = ("kernels/test_finite_volume.py::test_the_dynamic_model_gives_the_same_bits_whatever_its_windows",)
FADE = flows("eddies_fade_where_warm_air_lies_on_cold")
STEPS = ("kernels/test_finite_volume.py::test_steps_of_any_length_are_exact_for_what_grows_with_the_square_of_time",)
SUMS = indices("indices_are_the_sums_of_their_papers")
COOLING = indices("rack_cooling_counts_by_how_much_each_rack_is_beyond")
ALIKE = indices("halls_that_are_alike_have_the_indices_of_one")
TWO = indices("capture_of_two_racks_by_hand")
DRIFT = air("an_average_begins_when_nothing_drifts_any_more")
SWING = air("inlets_that_swing_do_not_drift_unless_most_do")
TOLD = air("air_that_does_not_settle_is_told_with_its_error")
FEW = air("means_of_few_flushes_are_known_as_often_as_is_said")
STOP = air("ctrl_c_keeps_the_average")
OWN = tuple(f"domains/test_room.py::test_air_passes_a_rack_within_its_own_cells[{cell}]" for cell in (0.4, 0.8))
CHASSIS = ("domains/test_room.py::test_chassis_and_the_panels_between_them_are_what_they_are",)
LEAK = ("domains/test_room.py::test_racks_leak_beside_their_chassis_as_pressure_drives_it",)

MUTANTS = [
    (M, "return velocity * (0.5 * (near + beyond))", "return velocity * (0.6 * near + 0.4 * beyond)", KEPT, "upstream values that count for more"),
    (M, "clock[s, C] * older[r, j, i]", "clock[s, C] * last_g", STEPS, "the last step's change for that before"),
    (M, "clock[s, B] = (5.0 * dt + 3.0 * last) / (6.0 * last)", "clock[s, B] = 0.5", STEPS, "the second-order weight of the last change"),
    (M, "under = min(speed, 0.0) * c if at_t == edge else under", "under = speed * c if at_t == edge else under", STRAIGHT, "air that comes in with the speed of the cell behind"),
    (M, "wrong += rubbed * widths[INVERSE, at_t]", "wrong += 0.0 * rubbed", PANEL, "air that is dragged along through a panel above it"),
    (M, "wrong -= rubbed * widths[INVERSE, at_t]", "wrong -= 0.0 * rubbed", BLOCK, "friction on a block counted twice"),
    (V, "a = 1.0 + dt * (2.0 * dt + 6.0 * last + 3.0 * first)", "a = 1.0 + dt * (2.0 * dt + 3.0 * last + 3.0 * first)", STEPS, "a weight of a new step that adds up to no one"),
    (U, "0.5 * mesh.z[INVERSE, k] * (air.T[rp, j, i + 2] - air.T[rm, j, i + 2])", "mesh.z[INVERSE, k] * (air.T[rp, j, i + 2] - air.T[rm, j, i + 2])", FADE, "twice the stratification"),
    (U, "stable = max(lift * warmer, 0.0)", "stable = abs(lift * warmer)", FADE, "eddies that fade where warm air rises"),
    (U, "third = (xx + yy + zz) / 3.0\n    # What", "third = 0.0\n    # What", HAND, "a squared gradient with its trace"),
    (U, "second = xx * yy - xy * xy", "second = xx * yy", HAND, "products of the gradient that are left out"),
    (V, '"vreman": 0.07', '"vreman": 0.1', HAND, "Vreman's constant a tenth"),
    (V, '"smagorinsky": 0.15', '"smagorinsky": 0.17', HAND, "Smagorinsky's constant as of isotropic turbulence"),
    (U, "wide = 4.0 * math.sqrt", "wide = 1.0 * math.sqrt", VORTEX, "a filter no wider than a cell"),
    (U, "return 0.5 if n == 1 else 0.25", "return 0.4 if n == 1 else 0.3", VORTEX, "a filter too wide"),
    (U, "square = min(max(lm / max(mm, 1e-30), 0.0)", "square = min(abs(lm / max(mm, 1e-30))", VORTEX, "eddies where the flow gives none"),
    (V, "min(end + n, every)", "min(end, every)", WINDOWS, "windows that do not see beyond their end"),
    (A, "return total(moved**2 * beyond) > total(scatter * beyond)", "return beyond.any(axis=0)", DRIFT, "scatter taken for drift"),
    (A, "return total(moved**2 * beyond) > total(scatter * beyond)", "return np.zeros(moved.shape[1], bool)", DRIFT, "drift that is not seen"),
    (A, "return total(moved**2 * beyond) > total(scatter * beyond)", "return (moved**2 * beyond > scatter).any(axis=0)", SWING, "one inlet of many that seems to drift"),
    (A, "beyond = moved > tolerance", "beyond = moved > 0.0", SWING + DRIFT, "what hardly moves taken for drift"),
    (A, "stdtrit(n - 1, 0.975)", "2.0", FEW, "twice the standard error, whatever the number of flushes"),
    (A, "stdtrit(n - 1, 0.975)", "stdtrit(n - 1, 0.95)", FEW, "an interval of 90 %"),
    (A, "np.where(uncertain, Outcome.ERROR_ABOVE_TOLERANCE, 0)", "0", TOLD, "errors above the tolerance untold"),
    (A, "np.where(interrupted, Outcome.INTERRUPTED, outcome)", "outcome", STOP, "interrupts untold"),
    (T, "outcome = np.where(solved, mean.outcome, Outcome.NOT_SOLVED)", "outcome = np.where(solved, mean.outcome, Outcome.SETTLED)", NONE, "scenarios without a solution that settle"),
    (T, "np.where(moving, Outcome.STILL_MOVING, before)", "np.where(moving, Outcome.SETTLED, before)", TOLD, "inlets that still move untold"),
    (I, "shi = _ratio(total(drawn * warmer), total(drawn * whole)", "shi = _ratio(total(drawn * warmer), total(drawn * rise)", SUMS, "heat over the rise alone"),
    (I, "back = _mean(solution[columns.stream.inlet][vent], moved)", "back = _mean(solution[columns.stream.outlet][vent], moved)", SUMS, "a return that the fans have warmed"),
    (I, "hot = np.maximum(T - wide(rec.hottest), 0.0) / (wide(allow.hottest) - wide(rec.hottest))", "hot = np.maximum(T - wide(rec.hottest), 0.0) / wide(allow.hottest)", COOLING, "over the allowable alone"),
    (I, "cold = np.maximum(wide(rec.coldest) - T, 0.0) / (wide(rec.coldest) - wide(allow.coldest))", "cold = np.maximum(wide(rec.coldest) - T, 0.0) / 8.5", COOLING, "a cold side of another width"),
    (I, "[:, None] / plant.counts[columns.zone][room.row]", "[:, None] ** 0.5", ALIKE, "racks that do not count for those alike"),
    (I, "straight = np.linalg.solve(np.eye(len(room.racks)) + room.heat, room.heat)", "straight = room.heat", indices("capture_is_what_does_not_come_straight_from_racks"), "detours taken for the straight way"),
    (I, "1.0 - flow @ straight / flow", "1.0 - straight.sum(axis=0)", TWO, "exhausts that do not count by their air"),
    (G, "    _straighten(g, part.axis, cells)\n    before, behind", "    before, behind", CHASSIS, "chassis that let air swirl"),
    (G, "rest = whole[~(whole[:, None] == openings).all(axis=2).any(axis=1)]", "rest = whole", CHASSIS, "leaks in the way of the fans"),
    (G, "low[across], high[across] = middle - 0.5 * part.opening, middle + 0.5 * part.opening", "low[across], high[across] = middle - part.opening, middle + part.opening", CHASSIS, "an opening twice as wide"),
    (G, "_at(_ranges(_box_within(g.grid, low, high, box)), axis", "_at(_ranges(_box(g.grid, low, high)), axis", OWN, "chassis in the cells of a neighbour"),
    (G, "outlet = _box_within(g.grid, low, high, box)", "outlet = _box(g.grid, low, high)", OWN, "an outlet beside its cooler"),
    (G, "perforated(part.leak_area)", "perforated(min(2.0 * part.leak_area, 0.9))", LEAK, "leaks twice as wide"),
]
