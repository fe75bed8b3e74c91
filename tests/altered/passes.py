"""What a pass does between its domains, and the coolant's properties in it."""

# ruff: noqa: E501
# fmt: off

P, F, B = "twin/solver/program.py", "twin/domains/coolant.py", "twin/domains/between.py"


def passes(*names):
    return tuple(f"solver/test_program.py::test_{n}" for n in names)


def coolant(*names):
    return tuple(f"domains/test_coolant.py::test_{n}" for n in names)


TURNS = passes("coolers_are_trusted_first_units_rise_from_the_8th_pass_and_stay_from_the_12th_and_steps_halve_from_the_30th")
SCALE = passes("temperatures_are_measured_by_300_kelvin_and_the_largest_change_is_named")
POWERS = passes("powers_of_a_kind_are_added_up_and_measured_by_what_is_drawn")
UNKNOWN = passes("what_is_no_number_has_not_settled")
LOST = passes("a_node_is_lost_after_eight_passes_in_a_row_that_were_too_hot")
STEP = passes("temperatures_go_their_step_of_the_way_and_stay_within_150_and_420_kelvin")
FLOWS = passes("flows_go_their_step_of_the_way")
FLUID = coolant("coolant_has_the_properties_of_its_fluid_at_the_inlet")
MEAN = coolant("a_loop_has_the_heat_capacity_at_the_mean_of_the_nodes_that_its_pipes_join")

MUTANTS = [
    # how far scenarios are
    (P, "RISE, FREEZE = 8, 12", "RISE, FREEZE = 12, 12", TURNS, "units that fall until they are kept"),
    (P, "RISE, FREEZE = 8, 12", "RISE, FREEZE = 8, 10**9", TURNS, "units that are never kept"),
    (P, "TRUST = 6", "TRUST = 2", TURNS, "coolers trusted for two passes"),
    (P, "HALF = 30", "HALF = 20", TURNS, "half steps from the 20th pass"),
    (P, "out.step[l, s] = 0.5 if", "out.step[l, s] = 0.9 if", TURNS, "steps of nine tenths"),
    # what has settled
    (P, "most = most / 300.0", "most = most / 100.0", SCALE, "temperatures over 100 K"),
    (P, "restless = real(n) if gap > most else restless", "restless = real(n)", SCALE, "the last node named"),
    (P, "total += abs(new - was[u, s])", "total += new - was[u, s]", POWERS, "changes of powers that cancel"),
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
    (P, "now.temperature[n, s] += turn.step[0, s] *", "now.temperature[n, s] +=", STEP, "whole steps of temperatures"),
    (P, "before[e, s] + turn.step[0, s] *", "before[e, s] +", FLOWS, "whole steps of flows"),
    (P, "    before[e, s] = flow[e, s]\n", "    before[e, s] = before[e, s]\n", FLOWS, "flows that forget where they were"),
    # coolant
    (F, "clip(T, filling.numbers[f, COLDEST], filling.numbers[f, HOTTEST])", "T", FLUID, "fluids beyond their range"),
    (F, "inside - filling.numbers[f, CENTRE]", "inside - 300.0", FLUID, "polynomials about 300 K"),
    (F, "/ filling.numbers[f, SCALE]", "/ 50.0", FLUID, "polynomials over 50 K"),
    (F, "range(1, MAX_TERMS)", "range(2, MAX_TERMS)", coolant("every_term_of_a_polynomial_counts"), "polynomials of fewer terms"),
    (F, "COLDEST, HOTTEST, CENTRE, SCALE, DENSITY = range(5)", "HOTTEST, COLDEST, CENTRE, SCALE, DENSITY = range(5)", FLUID, "ranges upside down"),
    (F, "T = upstream(e, s, net, flow, now)", "T = now.temperature[net.start[e], s]", FLUID, "properties where pipes begin"),
    (F, "total += 0.5 * (", "total += 0.4 * (", MEAN, "a mean that is none"),
    (F, "total / count, filling", "total, filling", MEAN, "heat capacity at a sum of temperatures"),
    (F, "out.cp[pipe[k], s] = cp[filling.loop[pipe[k]], s]", "out.cp[k, s] = cp[filling.loop[pipe[k]], s]",
     coolant("behind_valves_pipes_have_the_heat_capacity_that_the_next_pass_will_have"), "heat capacities of other pipes"),
    (F, "cp[filling.loop[e], s]", "cp[0, s]", coolant("a_pipe_has_the_heat_capacity_of_its_loop"), "heat capacity of another loop"),
]
