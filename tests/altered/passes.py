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


TURNS = passes("units_rise_from_the_8th_pass_and_stay_from_the_12th")
TRUST = passes("coolers_are_trusted_in_the_first_passes_until_a_scenario_is_calm")
SCALE = passes("temperatures_are_measured_by_300_kelvin_and_the_largest_change_is_named")
POWERS = passes("powers_of_a_kind_are_added_up_and_measured_by_what_is_drawn")
UNKNOWN = passes("what_is_no_number_has_not_settled")
LOST = passes("a_node_is_lost_after_eight_passes_in_a_row_that_were_too_hot")
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
H, D = "twin/domains/hydraulic.py", "twin/domains/thermal.py"

MUTANTS = [
    # what is of the same pass
    (D, "            *renewing,\n", "", LAGS[:1], "valves that ask with the heat capacity of the pass before"),
    (D, "clip(stream.inlet[unit.stream[c], s], COLDEST, HOTTEST)", "stream.inlet[unit.stream[c], s]", LAGS[1:2], "coolers whose water boils away"),
    (D, "clip(stream.inlet[sink, s], COLDEST, HOTTEST) if", "out.sink[c, s] if", LAGS[1:2], "sinks of the pass before"),
    (H, "max(sign[u, 0] * asked.target[e, s], 0.0) if held else now", "now", LAGS[2:], "bypasses that follow a pass late"),
    (H, "own = 1.0 if e == relief.pipe[k] else 0.0", "own = 0.0", LAGS[2:], "bypasses that expect what is asked of themselves"),
    # how far scenarios are
    (P, "RISE, FREEZE = 8, 12", "RISE, FREEZE = 12, 12", TURNS, "units that fall until they are kept"),
    (P, "RISE, FREEZE = 8, 12", "RISE, FREEZE = 8, 10**9", TURNS, "units that are never kept"),
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
    (P, "RUNAWAY = 8", "RUNAWAY = 7", LOST, "lost after seven passes"),
    (P, "0.0 if T <= HOTTEST else now.hot[n, s] + 1.0", "now.hot[n, s] + (0.0 if T <= HOTTEST else 1.0)", LOST, "hot passes that are not in a row"),
    (P, "now.hot[n, s] if lost > 0.0 else (", "(", LOST, "lost nodes that come back"),
    (B, "COLDEST, HOTTEST = 150.0, 420.0", "COLDEST, HOTTEST = 200.0, 420.0", STEP, "nothing below 200 K"),
    (B, "COLDEST, HOTTEST = 150.0, 420.0", "COLDEST, HOTTEST = 150.0, 430.0", STEP, "nothing above 430 K"),
    (P, "most = max(most, mix.stray[l, s])", "most = most", passes("valves_that_stray_keep_a_scenario_from_settling"), "valves that stray"),
    # how passes are mixed
    (M, "SLOW = 0.3", "SLOW = 0.0", FAST, "passes mixed however fast"),
    (M, "GROWTH = 4.0", "GROWTH = 1e9", GROWN, "passes mixed with those of another state"),
    (M, "FARTHEST = 1.5", "FARTHEST = 1e9", FAR, "steps as far as can be"),
    (M, "turn.free[l, s] < FREE", "turn.free[l, s] < 0", EARLY, "trusted passes mixed"),
    (M, "age >= real(memory)", "age >= 0.0", EARLY, "differences that are not known"),
    (M, "total -= factor[i * memory + k, s] * factor[j * memory + k, s]", "total -= 0.0", LINEAR, "a factor that is none"),
    (M, "total -= factor[i * memory + k, s] * weight[k, s]", "total -= 0.0", LINEAR, "weights of the factor's diagonal"),
    (M, "total -= factor[k * memory + i, s] * weight[k, s]", "total -= 0.0", LINEAR, "weights not substituted back"),
    (M, "gaps[r, s] = gap - out.lag[r, s]", "gaps[r, s] = gap", LINEAR, "gaps for their differences"),
    (M, "steps[r, s] = out.gone[r, s] - out.last[r, s]", "steps[r, s] = out.gone[r, s]", LINEAR, "points for their differences"),
    (M, "steps[older, s] = steps[older - rows, s]", "steps[older, s] = steps[older, s]", LINEAR, "steps that are not handed on"),
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
