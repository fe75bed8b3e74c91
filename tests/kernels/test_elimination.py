"""Elimination: the answer is scipy's, whatever the pattern, the batch or the neighbours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve
from twin.kernels import elimination


def network(seed, n, pairs, scenarios, dtype=float):
    rng = np.random.default_rng(seed)
    start, end = rng.integers(0, n, (2, pairs))

    def draw():
        values = rng.uniform(0.1, 1, (pairs, scenarios))
        return values + 1j * rng.uniform(-1, 1, values.shape) if dtype is complex else values

    forward, backward = draw(), draw()
    diagonal = np.full((n, scenarios), 1.0, dtype)
    np.add.at(diagonal, start, np.abs(forward))
    np.add.at(diagonal, end, np.abs(backward))
    return start, end, diagonal, forward, backward, rng.uniform(-1, 1, (n, scenarios)).astype(dtype)


def reference(start, end, diagonal, forward, backward, rhs):
    n, real = len(diagonal), start != end
    row, column = np.r_[np.arange(n), start[real], end[real]], np.r_[np.arange(n), end[real], start[real]]
    values = np.r_[diagonal, forward[real], backward[real]]
    return spsolve(coo_array((values, (row, column)), shape=(n, n)).tocsc(), rhs)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(0, 120), st.sampled_from([float, complex]))
def test_solution_equals_scipy_on_any_network(seed, n, pairs, dtype):
    start, end, diagonal, forward, backward, rhs = network(seed, n, pairs, 3, dtype)
    x = elimination.program(n, start, end).factor(diagonal, -forward, -backward).solve(rhs)
    for s in range(3):
        expected = reference(start, end, diagonal[:, s], -forward[:, s], -backward[:, s], rhs[:, s])
        np.testing.assert_allclose(x[:, s], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("scenarios", [2, 16, 17, 50])
def test_batch_equals_loop_of_singles_bitwise(scenarios):
    start, end, diagonal, forward, backward, rhs = network(1, 60, 150, scenarios)
    program = elimination.program(60, start, end)
    batch = program.factor(diagonal, -forward, -backward).solve(rhs)
    for s in range(scenarios):
        one = [a[:, s : s + 1] for a in (diagonal, -forward, -backward, rhs)]
        np.testing.assert_array_equal(batch[:, s : s + 1], program.factor(*one[:3]).solve(one[3]))


def test_shared_factor_equals_a_factor_for_each_bitwise():
    start, end, diagonal, forward, backward, _ = network(2, 50, 120, 1, complex)
    rhs = np.random.default_rng(0).normal(size=(50, 37)) + 0j
    program = elimination.program(50, start, end)
    shared = program.factor(diagonal, -forward, -backward).solve(rhs)
    each = program.factor(np.repeat(diagonal, 37, axis=1), -forward, -backward).solve(rhs)
    np.testing.assert_array_equal(shared, each)


def test_singular_scenario_stays_alone():
    start, end, diagonal, forward, backward, rhs = network(3, 30, 60, 5)
    program = elimination.program(30, start, end)
    good = program.factor(diagonal, -forward, -backward).solve(rhs)
    diagonal[:, 2], forward[:, 2], backward[:, 2] = 0, 0, 0
    bad = program.factor(diagonal, -forward, -backward).solve(rhs)
    assert not np.isfinite(bad[:, 2]).any()
    np.testing.assert_array_equal(np.delete(bad, 2, axis=1), np.delete(good, 2, axis=1))


def test_zero_complex_pivot_is_not_raised():
    factor = elimination.program(1, [], []).factor(np.zeros((1, 2), complex), np.zeros((0, 1)), np.zeros((0, 1)))
    assert not np.isfinite(factor.solve(np.ones((1, 1)))).any()


def test_programs_are_cached_by_content():
    assert elimination.program(3, [0, 1], [1, 2]) is elimination.program(3, np.array([0, 1]), np.array([1, 2]))


@pytest.mark.parametrize("n", [10, 1000])
def test_trees_and_ladders_fill_in_little(n):
    every = np.arange(n - 1)
    assert len(elimination.program(n, every, every + 1).row) == n - 1
    start, end = np.r_[every, n + every, np.arange(n)], np.r_[every + 1, n + every + 1, n + np.arange(n)]
    assert len(elimination.program(2 * n, start, end).row) <= 2 * len(start)
