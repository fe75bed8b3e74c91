"""Loss of branches: bridges, compensation, reactive limits."""

# ruff: noqa: E501
# fmt: off

C, B, N = "kernels/compensation.py", "kernels/outages.py", "kernels/power_flow.py"
O, P = "twin/networks/outages.py", "twin/networks/power.py"


def steps(*names):
    return tuple(f"kernels/test_compensation.py::test_{n}" for n in names)


def losses(*names):
    return tuple(f"test_contingencies.py::test_{n}" for n in names)


ANY = steps("any_outage_of_any_network_is_that_of_full_newton")
FIRST = steps("the_first_step_is_that_of_newton_without_the_branch")
DARK = steps("what_a_bridge_feeds_goes_dark_with_its_generators_and_the_rest_balances")
ALONE = steps("an_outage_without_a_solution_fails_alone")
SIZE = steps("apparent_power_is_the_size_of_branch_power")
LIMITS = losses("within_reactive_limits_too")
HELD = losses("generators_hold_their_voltage_or_stand_at_the_limit_that_keeps_them_from_it")
TOGETHER = losses("what_has_a_solution_is_solved_together")
LARGE = losses("a_large_network_is_solved_within_its_reactive_limits")
TOLD = losses("the_dataset_tells_what_power_flows_do")
REFUSED = losses("limits_that_a_file_does_not_allow_to_follow_are_refused")
RING = ("kernels/test_outages.py::test_bridges_of_a_ring_with_a_spur",)

MUTANTS = [
    # bridges
    (B, "if of.low[bus] > of.place[up]:", "if of.low[bus] >= of.place[up]:", RING, "rings taken for bridges"),
    (B, "of.low[up] = min(of.low[up], of.low[bus])", "of.low[up] = min(of.low[up], of.place[bus])", RING, "bridges seen from next by only"),
    (B, "size[of.via[bus]] = following - of.place[bus]", "size[of.via[bus]] = 1", RING, "one bus behind each bridge"),
    # compensation
    (C, "-= outages.share[s, i, k] * paths.own[row, k, m]", "+= outages.share[s, i, k] * paths.own[row, k, m]", FIRST, "1 + T S"),
    (C, "paths.reach[row, q, i] = factor.pivot[at(k, A11)] * x + factor.pivot[at(k, A21)] * y",
     "paths.reach[row, q, i] = factor.pivot[at(k, A11)] * x + factor.pivot[at(k, A12)] * y", FIRST, "W by pivots not transposed"),
    (C, "paths.reach[row, t, i] -= factor.upper[at(u, A11)] * p + factor.upper[at(u, A21)] * r",
     "paths.reach[row, t, i] -= factor.upper[at(u, A11)] * p + factor.upper[at(u, A12)] * r", FIRST, "W by blocks not transposed"),
    (C, "paths.spread[row, t, i] -= factor.lower[at(v, A11)] * x", "paths.spread[row, t, i] -= factor.lower[at(u, A11)] * x", FIRST, "F by the wrong entries"),
    (C, "off(b), off(c)", "off(c), off(b)", FIRST, "what a branch adds off the diagonal exchanged"),
    (C, "on(a, a + b)", "on(a, a - b)", FIRST, "half of what a branch adds at its start"),
    (C, "np.abs(voltage) ** 2 * np.conj(shunt)", "np.abs(voltage) ** 2 * shunt", FIRST, "shunts that draw what they give"),
    (C, "share[(place >= behind[0]) & (place < behind[1]), rows] = 0", "share[place < 0, rows] = 0", ANY, "bridges compensated at both ends"),
    # steps
    (C, "half = 0.5 * turned", "half = 0.4 * turned", FIRST, "turns of four fifths"),
    (C, "size = (1.0 + (grown", "size = (1.0 + 0.9 * (grown", FIRST, "magnitudes grow by nine tenths"),
    (C, "cosine = size * (1.0 - half * half)", "cosine = size", FIRST, "turns that stretch"),
    (C, "+= active * lane.lost[b, j, 0]", "-= active * lane.lost[b, j, 0]", ANY, "what is lost counted twice"),
    (C, "+= reactive * lane.lost[b, j, 3]", "+= 0.0 * lane.lost[b, j, 3]", ANY, "reactive power of what is lost kept at its end"),
    (C, "reactive = 1.0 if grid.kind[k] == PQ else 0.0", "reactive = 1.0", ANY, "generators give up their voltage at what is lost"),
    (C, "lane.gap[b, j] = gap if miss <= gap else miss + 0.0 * gap", "lane.gap[b, j] = miss", ANY, "the imbalance of the last bus only"),
    (C, "LIMIT = 40", "LIMIT = 3", ANY, "three steps at most"),
    (C, "miss + 0.0 * gap", "gap", ALONE, "everything has settled"),
    (C, "grid.found[place]], RE] = 0.0", "grid.found[place]], RE] += 0.0", DARK, "voltages behind a bridge"),
    # limits
    (O, "generated > self.highest + SLIGHT", "generated > self.highest + 0.01", HELD, "limits passed by 0.01 pu"),
    (O, "generated < self.lowest - SLIGHT", "generated < self.lowest - 1.0", HELD, "lower limits passed"),
    (O, "released = ((at_limit > 0) & high)", "released = ((at_limit > 0) & low)", LIMITS, "generators let go on the wrong side"),
    (O, "np.where(at_limit > 0, self.highest,", "np.where(at_limit > 0, 0.9 * self.highest,", LIMITS, "nine tenths of an upper limit"),
    (O, "np.imag(v) * np.real(i) - np.real(v) * np.imag(i)", "np.imag(v) * np.real(i) + np.real(v) * np.imag(i)", TOGETHER, "reactive power of the wrong sign"),
    (O, "current[start, every] -= own_start", "current[start, every] -= 0 * own_start", TOGETHER, "what is lost charges its start"),
    (O, "limits.hold(near, kind))", "near)", LIMITS, "generators that return hold what they had"),
    (O, "+ np.imag(problem.load)[bus, None]", "", LIMITS, "generators without the loads beside them"),
    (P, "start = limits.hold(voltage, kind)", "start = np.where(at_limit != 0, voltage, self.start)", LARGE, "from the file's angles again"),
    (P, 'if option == "enforce_q_limits" and enforce_q_limits:', "if False:", REFUSED, "limits followed that are not understood"),
    # what is told
    (N, "math.sqrt((vr * vr + vi * vi) * (re * re + im * im))", "math.sqrt(re * re + im * im)", (*SIZE, *TOLD), "current for power"),
    (N, "at_end[e, s] = size(re[k, s], im[k, s], re[i, s], im[i, s], y, e, 6, 4)",
     "at_end[e, s] = size(re[k, s], im[k, s], re[i, s], im[i, s], y, e, 4, 6)", SIZE, "own and mutual exchanged"),
]
