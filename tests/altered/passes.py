"""What a pass does between its domains, and the coolant's properties in it."""

# ruff: noqa: E501
# fmt: off

P, F, B = "twin/solver/program.py", "twin/domains/coolant.py", "twin/domains/between.py"
M = "twin/solver/acceleration.py"


def passes(*names):
    return tuple(f"solver/test_program.py::test_{n}" for n in names)


def mixed(*names):
    return tuple(f"solver/test_acceleration.py::test_{n}" for n in names)


def coolant(*names):
    return tuple(f"domains/test_coolant.py::test_{n}" for n in names)


KEPT = passes("a_number_that_has_fallen_and_risen_as_far_again_is_kept")
LET_GO = passes("units_that_are_kept_are_let_go_once_when_all_is_quiet")
WAITS = passes("a_scenario_has_not_settled_while_units_are_kept_that_were_not_let_go")
STILL = passes("coolant_that_stands_still_has_no_flow")
AMBIENT = passes("a_loop_without_pumps_comes_to_the_temperature_of_outdoor_air")
ENDS = passes("a_root_goes_on_from_the_end_of_its_bracket")
AGAINST = mixed("a_mixture_that_lies_against_the_gap_is_not_taken")
CREEPS = mixed("what_creeps_is_hastened_by_one_gap_then_three_and_seven_but_no_more_than_three_kelvin")
TURNED = mixed("what_has_turned_creeps_anew")
HALVED = mixed("a_mixture_behind_which_the_gap_doubled_halves_the_steps_of_those_that_follow")
STROKES = ("domains/test_data_sheets.py::test_a_valve_that_turns_and_would_go_far_shortens_its_stroke",)
TRUST = passes("coolers_are_trusted_in_the_first_passes_until_a_scenario_is_calm")
SCALE = passes("temperatures_are_measured_by_300_kelvin_and_the_largest_change_is_named")
POWERS = passes("powers_of_a_kind_are_added_up_and_measured_by_what_is_drawn")
UNKNOWN = passes("what_is_no_number_has_not_settled")
LOST = passes("a_node_is_lost_after_four_passes_in_a_row_that_were_too_hot")
STEP = passes("temperatures_stay_within_150_and_420_kelvin")
LINEAR = mixed("a_linear_map_of_as_many_ways_as_the_memory_is_solved_at_once")
FAST = mixed("passes_that_close_in_fast_are_plain")
GROWN = mixed("what_was_before_a_jump_is_forgotten")
FAR = mixed("steps_that_would_go_too_far_are_not_taken")
EARLY = mixed("passes_are_plain_until_coolers_are_free_and_the_memory_is_full")
STRAY = mixed("valves_of_a_mixture_may_not_stray")
FLUID = coolant("coolant_has_the_properties_of_its_fluid_at_the_inlet")
MEAN = coolant("a_loop_has_the_heat_capacity_at_the_mean_of_the_nodes_that_its_pipes_join")

LAGS = tuple(f"domains/test_lags.py::test_{n}" for n in (
    "five_passes_bring_temperatures_that_were_moved_by_a_kelvin_back_to_a_microkelvin",
    "to_coolers_comes_what_their_streams_bring_and_water_of_their_sink_within_150_and_420_kelvin",
    "a_bypass_expects_what_is_asked_of_others_and_flows_where_nothing_is_or_where_they_are_short",
))
H, D, R = "twin/domains/hydraulic.py", "twin/domains/thermal.py", "twin/domains/rejection.py"

MUTANTS = [
    # what is of the same pass
    (D, "            *renewing,\n", "", LAGS[:1], "valves that ask with the heat capacity of the pass before"),
    (D, "clip(stream.inlet[unit.stream[c], s], COLDEST, HOTTEST)", "stream.inlet[unit.stream[c], s]", LAGS[1:2], "coolers whose water boils away"),
    (D, "clip(stream.inlet[sink, s], COLDEST, HOTTEST) if", "out.sink[c, s] if", LAGS[1:2], "sinks of the pass before"),
    (H, "max(sign[u, 0] * asked.target[e, s], 0.0) if held else now", "now", LAGS[2:], "bypasses that follow a pass late"),
    (H, "own = 1.0 if e == relief.pipe[k] else 0.0", "own = 0.0", LAGS[2:], "bypasses that expect what is asked of themselves"),
    # how far scenarios are
    (P, "least = max(least, peak) if again else least", "least = least", KEPT, "units that are never kept"),
    (P, "peak > 0.0 and running >= peak", "peak > 0.0", KEPT, "swings that die away and are kept"),
    (P, "max(peak, last) if running < last", "last if running < last", KEPT, "cycles of three that are not known"),
    (P, "0.0 if early else peak", "peak", passes("what_ran_while_coolers_were_trusted_is_no_part_of_a_cycle"), "units that are kept in the first passes"),
    (P, "there = running > 0.0", "there = True", KEPT, "units that stand still and count"),
    (P, "QUIET = 1e-6", "QUIET = 1e-4", LET_GO, "units that are let go before all is quiet"),
    (P, "and least > out.tried[u, s]", "and least > 0.0", LET_GO, "units that are let go again and again"),
    (P, "waits = 1.0 if units.least[u, s] > units.tried[u, s] else waits", "waits = waits", WAITS, "units that are never let go"),
    (H, "flow[e, s] if abs(flow[e, s]) > STILL * largest else 0.0", "flow[e, s]", STILL, "flows of rounding"),
    (H, "STILL = 1e-8", "STILL = 1e-6", STILL, "small flows that count as none"),
    (H, "            *b.bind(rest, 1, self.pipes, flow),\n", "", AMBIENT, "loops at rest of any temperature"),
    (D, "stroke = half if turns and", "stroke = stroke if turns and", STROKES, "valves that swing for good"),
    (D, "turns = way * valve.way[x, s] < 0.0 and", "turns =", STROKES, "valves that go on and shorten their strokes"),
    (R, "0.5 * (low + high) if abs(y - x) < SAME else y", "y", ENDS, "roots that stay at the ends of their brackets"),
    (P, "TRUST, CALM = 6, 1e-2", "TRUST, CALM = 2, 1e-2", TRUST, "coolers trusted for two passes"),
    (P, "TRUST, CALM = 6, 1e-2", "TRUST, CALM = 6, 1e-3", TRUST, "coolers trusted until nearly nothing moves"),
    (P, "trusted = out.trusted[l, s] > 0.0 and", "trusted =", TRUST, "trust that comes back"),
    (P, "out.free[l, s] += 0.0 if trusted else 1.0", "out.free[l, s] += 1.0", TRUST, "trusted passes that count"),
    # what has settled
    (P, "most = most / 300.0", "most = most / 100.0", SCALE, "temperatures over 100 K"),
    (P, "restless = real(n) if gap > most else restless", "restless = real(n)", SCALE, "the last node named"),
    (P, "watched.times[u] * abs(new - was[u, s])", "watched.times[u] * (new - was[u, s])", POWERS, "changes of powers that cancel"),
    (P, "total / scale", "total", POWERS, "powers in watts"),
    (P, "scale = max(scale, 1.0)", "scale = max(scale, 1e-9)", POWERS, "powers below a watt"),
    (P, "if there else 0.0\n", "if there else abs(raw[n, s] - now.temperature[n, s])\n",
     passes("a_lost_node_does_not_keep_a_scenario_from_settling"), "lost nodes that settle"),
    (P, "wrong += 0.0 * gap", "wrong += 0.0", UNKNOWN, "temperatures that are none"),
    (P, "wrong += 0.0 * total", "wrong += 0.0", UNKNOWN, "powers that are none"),
    (P, "finite(wrong + scale)", "finite(wrong)", UNKNOWN, "a supply that is none"),
    # what is lost
    (P, "RUNAWAY = 4", "RUNAWAY = 3", LOST, "lost after three passes"),
    (P, "0.0 if T <= HOTTEST else now.hot[n, s] + 1.0", "now.hot[n, s] + (0.0 if T <= HOTTEST else 1.0)", LOST, "hot passes that are not in a row"),
    (P, "now.hot[n, s] if lost > 0.0 else (", "(", LOST, "lost nodes that come back"),
    (B, "COLDEST, HOTTEST = 150.0, 420.0", "COLDEST, HOTTEST = 200.0, 420.0", STEP, "nothing below 200 K"),
    (B, "COLDEST, HOTTEST = 150.0, 420.0", "COLDEST, HOTTEST = 150.0, 430.0", STEP, "nothing above 430 K"),
    (P, "most = max(most, mix.stray[l, s])", "most = most", passes("valves_that_stray_keep_a_scenario_from_settling"), "valves that stray"),
    # how passes are mixed
    (M, "SLOW = 0.3", "SLOW = 0.0", FAST, "passes mixed however fast"),
    (M, "GROWTH = 4.0", "GROWTH = 1e9", GROWN, "passes mixed with those of another state"),
    (M, "FARTHEST = 1.5", "FARTHEST = 1e9", FAR, "steps as far as can be"),
    (M, "good = ready and good and ahead > 0.0", "good = ready and good", AGAINST, "passes brought back to where they run away from"),
    (M, "2.0 * reach + 1.0", "1.0", CREEPS, "steps that do not grow"),
    (M, "STRIDE = 1e-2", "STRIDE = 1.0", CREEPS, "steps of any length"),
    (M, "straight and widest < STRIDE", "straight", CREEPS, "wide gaps that creep"),
    (M, "out.reach[l, s] if along > 0.0 else 0.0", "out.reach[l, s]", TURNED, "steps on beyond a turn"),
    (M, "DOUBLED = 2.0", "DOUBLED = 1.5", HALVED, "steps halved too soon"),
    (M, "0.5 * out.length[l, s]", "out.length[l, s]", HALVED, "steps that are not halved"),
    (M, "turn.free[l, s] < FREE", "turn.free[l, s] < 0", EARLY, "trusted passes mixed"),
    (M, "age >= real(memory)", "age >= 0.0", EARLY, "differences that are not known"),
    (M, "total -= factor[i * memory + k, s] * factor[j * memory + k, s]", "total -= 0.0", LINEAR, "a factor that is none"),
    (M, "total -= factor[i * memory + k, s] * weight[k, s]", "total -= 0.0", LINEAR, "weights of the factor's diagonal"),
    (M, "total -= factor[k * memory + i, s] * weight[k, s]", "total -= 0.0", LINEAR, "weights not substituted back"),
    (M, "gaps[r, s] = gap - out.lag[r, s]", "gaps[r, s] = gap", LINEAR, "gaps for their differences"),
    (M, "steps[r, s] = out.gone[r, s] - out.last[r, s]", "steps[r, s] = out.gone[r, s]", LINEAR, "points for their differences"),
    (M, "past.steps[older, s] = past.steps[older - past.rows, s]", "past.steps[older, s] = past.steps[older, s]", LINEAR, "steps that are not handed on"),
    (M, "out.stray[l, s] = stray if out.mixed[l, s] > 0.0 else 0.0", "out.stray[l, s] = stray", STRAY, "valves of plain passes that stray"),
    # coolant
    (F, "clip(T, filling.numbers[f, COLDEST], filling.numbers[f, HOTTEST])", "T", FLUID, "fluids beyond their range"),
    (F, "inside - filling.numbers[f, CENTRE]", "inside - 300.0", FLUID, "polynomials about 300 K"),
    (F, "/ filling.numbers[f, SCALE]", "/ 50.0", FLUID, "polynomials over 50 K"),
    (F, "range(1, MAX_TERMS)", "range(2, MAX_TERMS)", coolant("every_term_of_a_polynomial_counts"), "polynomials of fewer terms"),
    (F, "COLDEST, HOTTEST, CENTRE, SCALE, DENSITY = range(5)", "HOTTEST, COLDEST, CENTRE, SCALE, DENSITY = range(5)", FLUID, "ranges upside down"),
    (F, "T = upstream(e, s, net, flow, now)", "T = now.temperature[net.start[e], s]", FLUID, "properties where pipes begin"),
    (F, "pipes.times[u] * (0.5 *", "pipes.times[u] * (0.4 *", MEAN, "a mean that is none"),
    (F, "total / count, filling", "total, filling", MEAN, "heat capacity at a sum of temperatures"),
    (F, "out.cp[pipe[k], s] = cp[filling.loop[pipe[k]], s]", "out.cp[k, s] = cp[filling.loop[pipe[k]], s]",
     coolant("behind_valves_pipes_have_the_heat_capacity_that_the_next_pass_will_have"), "heat capacities of other pipes"),
    (F, "cp[filling.loop[e], s]", "cp[0, s]", coolant("a_pipe_has_the_heat_capacity_of_its_loop"), "heat capacity of another loop"),
]
