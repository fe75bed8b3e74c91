"""Loss of branches with generators: each answer is that of full Newton on the network without the branch."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin.kernels import compensation, newton, power_flow
from twin.kernels.newton import DEAD, PQ, PV, SLACK


def drawn(seed, n, links, generators, load=0.3):
    """A random meshed network, its shunts, injection, kinds of bus and voltages to start from."""
    rng = np.random.default_rng(seed)
    tree = [(int(rng.integers(0, k)), k) for k in range(1, n)]
    start, end = np.array(tree + [tuple(map(int, pair)) for pair in rng.integers(0, n, (links, 2))]).T
    m = len(start)
    series = 1 / (rng.uniform(0.002, 0.01, (m, 1)) + 1j * rng.uniform(0.01, 0.03, (m, 1)))
    half, other = (1j * rng.uniform(0, 0.02, (m, 1)) for _ in range(2))
    turned = np.exp(1j * rng.uniform(-0.1, 0.1, (m, 1))) * rng.uniform(0.95, 1.05, (m, 1))
    ratio = np.where(rng.random((m, 1)) < 0.2, turned, 1.0)
    network = power_flow.Network(n, start, end, series, half, other, ratio, np.array([0]))
    kind = np.full(n, PQ)
    kind[rng.choice(np.arange(1, n), min(generators, n - 1), replace=False)] = PV
    kind[0] = SLACK
    injection = rng.uniform(0, load, n) * (kind == PV) - rng.uniform(0, load, n) - 1j * rng.uniform(-0.05, 0.1, n)
    return network, 1j * rng.uniform(-0.05, 0.05, n), injection, kind, np.where(kind >= PV, 1.02, 1.0) + 0j


def without(problem, branch, tolerance=1e-11):
    """Full Newton without the branch: voltages, what is supplied, success."""
    network, shunt, injection, kind, start = problem
    series = network.series.copy()
    series[branch] = 0
    network = replace(network, series=series)
    live = power_flow.live_buses(network, np.ones((1, 1)))[:, 0] & (kind != DEAD)
    found = newton.solve(network, shunt, injection[:, None], np.where(live, kind, DEAD), start[:, None], tolerance)
    return found.voltage[:, 0], live, found.converged[0]


def base(problem, at=None):
    """The base case about its solution, or about voltages `at`."""
    network, shunt, injection, kind, start = problem
    if at is None:
        at = newton.solve(network, shunt, injection[:, None], kind, start[:, None]).voltage[:, 0]
    return compensation.topology(network, shunt, kind != DEAD).base(kind, injection, at)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(2, 25), st.integers(0, 20), st.integers(0, 5))
def test_any_outage_of_any_network_is_that_of_full_newton(seed, n, links, generators):
    problem = drawn(seed, n, links, generators)
    found = base(problem).solve(np.arange(n - 1 + links), 1e-11)
    for k in range(n - 1 + links):
        voltage, live, good = without(problem, k)
        assert good and found.converged[k]
        np.testing.assert_array_equal(found.energised[:, k], live)
        np.testing.assert_allclose(found.voltage[:, k], np.where(live, voltage, 0), rtol=0, atol=1e-10)


def test_the_first_step_is_that_of_newton_without_the_branch():
    """Compensation is exact: from a solution, one step is one of full Newton, but for how a turn is taken."""
    problem = drawn(5, 40, 30, 6, 0.1)
    network, shunt, injection, kind, start = problem
    at = newton.solve(network, shunt, injection[:, None], kind, start[:, None]).voltage
    for k in range(39, 50):
        series = network.series.copy()
        series[k] = 0
        given = replace(network, series=series), shunt, injection[:, None], kind, at
        full = newton.solve(*given, 0.0, 1).voltage
        ours = base(problem, at[:, 0]).solve([k], 0.5 * newton.solve(*given, np.inf).mismatch[0])
        assert ours.iterations[0] == 1
        np.testing.assert_allclose(ours.voltage, full, rtol=0, atol=np.abs(full - at).max() ** 3 + 1e-13)


def test_answers_are_those_of_the_network_wherever_steps_are_linearised():
    problem = drawn(7, 60, 50, 8)
    branches = np.arange(len(problem[0].start))
    about_solution, about_start = base(problem).solve(branches, 1e-11), base(problem, problem[4]).solve(branches, 1e-11)
    assert about_solution.converged.all() and about_start.converged.all()
    np.testing.assert_allclose(about_start.voltage, about_solution.voltage, rtol=0, atol=1e-10)
    assert about_solution.iterations.mean() < about_start.iterations.mean()


def test_bits_do_not_depend_on_which_outages_are_asked_for_or_in_what_order():
    problem = drawn(3, 60, 50, 8, 0.6)
    one = base(problem)
    every = np.arange(len(problem[0].start))
    whole = one.solve(every)
    assert len(np.unique(whole.iterations)) > 3
    for seed, size in enumerate((1, 2, 7, 8, 9, 40, len(every))):
        chosen = np.random.default_rng(seed).permutation(every)[:size]
        part = one.solve(chosen)
        np.testing.assert_array_equal(part.voltage, whole.voltage[:, chosen])
        np.testing.assert_array_equal(part.iterations, whole.iterations[chosen])


def test_an_outage_without_a_solution_fails_alone():
    """Two ways to a load that one of them cannot feed: losing one fails, and changes nothing in the lanes beside it."""
    start, end = np.array([0, 0, 0, 2, 2, 3]), np.array([1, 1, 2, 3, 4, 4])
    series = np.array([1, 4, 20, 20, 20, 20])[:, None] / 1j
    zero = np.zeros((6, 1), complex)
    network = power_flow.Network(5, start, end, series, zero, zero, zero + 1, np.array([0]))
    kind, injection = np.array([SLACK, PQ, PV, PQ, PQ]), np.array([0, -1.5, 0.2, -0.1, -0.1 - 0.05j])
    problem = network, np.zeros(5), injection, kind, np.ones(5, complex)
    found = base(problem).solve(np.arange(6))
    assert found.converged.tolist() == [True, False, True, True, True, True]
    assert not without(problem, 1)[2]
    beside = base(problem).solve([0, 2, 3, 4, 5])
    np.testing.assert_array_equal(found.voltage[:, [0, 2, 3, 4, 5]], beside.voltage)


def test_what_a_bridge_feeds_goes_dark_with_its_generators_and_the_rest_balances():
    ends = np.array([(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5), (5, 3)])
    zero, one = np.zeros((7, 1), complex), np.ones((7, 1), complex)
    network = power_flow.Network(6, *ends.T, -10j * one, zero, zero + 0.02j, one, np.array([0]))
    kind = np.array([SLACK, PQ, PQ, PQ, PV, PQ])
    problem = network, np.full(6, 0.01j), np.array([0, -0.1, -0.2, -0.1, 0.5, -0.2]), kind, np.ones(6, complex)
    found = base(problem).solve(np.arange(7), 1e-11)
    assert found.energised[:, 3].tolist() == [True] * 3 + [False] * 3
    assert (found.voltage[3:, 3] == 0).all() and found.energised.sum() == 7 * 6 - 3
    np.testing.assert_allclose(found.voltage[:3, 3], without(problem, 3)[0][:3], rtol=0, atol=1e-10)


@pytest.mark.parametrize("branch", [2, 4])
def test_a_branch_that_is_open_already_changes_nothing(branch):
    problem = drawn(11, 12, 6, 2)
    series = problem[0].series.copy()
    series[12 + branch] = 0
    problem = (replace(problem[0], series=series), *problem[1:])
    found = base(problem).solve([12 + branch])
    assert found.iterations[0] == 0
    np.testing.assert_allclose(found.voltage[:, 0], without(problem, 12 + branch)[0], rtol=0, atol=1e-9)


def test_apparent_power_is_the_size_of_branch_power():
    network, _, _, _, start = drawn(2, 20, 10, 3)
    voltage = start[:, None] * np.exp(1j * np.random.default_rng(0).uniform(-0.3, 0.3, (20, 7)))
    for size, power in zip(
        power_flow.branch_size(network, voltage), power_flow.branch_power(network, voltage), strict=True
    ):
        np.testing.assert_allclose(size, np.abs(power), rtol=1e-12, atol=1e-15)
