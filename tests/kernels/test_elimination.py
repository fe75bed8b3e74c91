"""Elimination: the answer is scipy's, whatever the pattern, the batch or the neighbours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu, spsolve
from twin.kernels import cell, elimination
from twin.kernels.cell import Reals3, kernel
from twin.kernels.elimination import Program, eliminate, eliminate_symmetric, substitute
from twin.kernels.launch import bind, blocks


@kernel
def solve_general(b, program: Program, pivot: Reals3, lower: Reals3, upper: Reals3, x: Reals3):
    eliminate(b, program, pivot, lower, upper)
    substitute(b, program, pivot, lower, upper, x)


@kernel
def solve_symmetric(b, program: Program, pivot: Reals3, lower: Reals3, x: Reals3):
    eliminate_symmetric(b, program, pivot, lower, x)


del cell.REGISTRY[-2:]


def solve(p, diagonal, forward, backward, rhs):
    """The solution (n, S) of A x = rhs: A[start, end] = forward, A[end, start] = backward, A[i, i] = diagonal.

    `diagonal` and `rhs` are (n, S), `forward` and `backward` (pairs, S); pairs that repeat add up.
    """
    scenarios = rhs.shape[1]
    lower, upper = np.zeros((2, len(p.row), scenarios))
    between, flipped = p.slot >= 0, p.flipped > 0
    for chosen, low, high in ((between & ~flipped, forward, backward), (between & flipped, backward, forward)):
        np.add.at(lower, p.slot[chosen], low[chosen])
        np.add.at(upper, p.slot[chosen], high[chosen])
    count, lanes = blocks(scenarios, 16)
    parts = [elimination.laid(a, count, lanes) for a in (diagonal[p.order], lower, upper, rhs[p.order])]
    bind(solve_general, (count,), p, *parts, lanes=lanes)()
    x = np.empty((p.n, scenarios))
    x[p.order] = np.moveaxis(parts[-1], 1, 0).reshape(p.n, -1)[:, :scenarios]
    return x


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
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(0, 120))
def test_solution_equals_scipy_on_any_network(seed, n, pairs):
    start, end, diagonal, forward, backward, rhs = network(seed, n, pairs, 3)
    x = solve(elimination.program(n, start, end), diagonal, -forward, -backward, rhs)
    for s in range(3):
        expected = reference(start, end, diagonal[:, s], -forward[:, s], -backward[:, s], rhs[:, s])
        np.testing.assert_allclose(x[:, s], expected, rtol=1e-10, atol=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(0, 120))
def test_blocks_of_two_solve_complex_networks_as_scipy_does(seed, n, pairs):
    start, end, diagonal, forward, backward, rhs = network(seed, n, pairs, 1, complex)
    block = lambda z: np.moveaxis(np.array([[z.real, -z.imag], [z.imag, z.real]]), -1, 0)  # noqa: E731
    p = elimination.program(n, start, end)
    pivot, lower, upper = p.factor_pairs(*(block(z[:, 0]) for z in (diagonal, -forward, -backward)))
    pivot, lower, upper = (a.reshape(-1, 2, 2) for a in (pivot, lower, upper))
    x = np.stack([rhs.real, rhs.imag], axis=1)[p.order, :, 0]
    for k in range(n):
        for u in range(p.column[k], p.column[k + 1]):
            x[p.row[u]] -= lower[u] @ x[k]
    for k in range(n - 1, -1, -1):
        for u in range(p.column[k], p.column[k + 1]):
            x[k] -= upper[u] @ x[p.row[u]]
        x[k] = pivot[k] @ x[k]
    expected = reference(start, end, diagonal[:, 0], -forward[:, 0], -backward[:, 0], rhs[:, 0])
    np.testing.assert_allclose(x[:, 0] + 1j * x[:, 1], expected[p.order], rtol=1e-9, atol=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(0, 120))
def test_the_symmetric_solution_equals_the_other(seed, n, pairs):
    start, end, diagonal, forward, _, rhs = network(seed, n, pairs, 1)
    p = elimination.program(n, start, end)
    expected = solve(p, diagonal, -forward, -forward, rhs)
    lower = np.zeros((1, len(p.row), 1))
    np.subtract.at(lower, (0, p.slot[p.slot >= 0], 0), forward[p.slot >= 0, 0])
    pivot, x = (np.ascontiguousarray(a[p.order][None]) for a in (diagonal, rhs))
    bind(solve_symmetric, (1,), p, pivot, lower, x)()
    np.testing.assert_allclose(x[0], expected[p.order], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("scenarios", [2, 16, 17, 50])
def test_batch_equals_loop_of_singles_bitwise(scenarios):
    start, end, diagonal, forward, backward, rhs = network(1, 60, 150, scenarios)
    program = elimination.program(60, start, end)
    batch = solve(program, diagonal, -forward, -backward, rhs)
    for s in range(scenarios):
        one = [a[:, s : s + 1] for a in (diagonal, -forward, -backward, rhs)]
        np.testing.assert_array_equal(batch[:, s : s + 1], solve(program, *one))


def test_singular_scenario_stays_alone():
    start, end, diagonal, forward, backward, rhs = network(3, 30, 60, 5)
    program = elimination.program(30, start, end)
    good = solve(program, diagonal, -forward, -backward, rhs)
    diagonal[:, 2], forward[:, 2], backward[:, 2] = 0, 0, 0
    bad = solve(program, diagonal, -forward, -backward, rhs)
    assert not np.isfinite(bad[:, 2]).any()
    np.testing.assert_array_equal(np.delete(bad, 2, axis=1), np.delete(good, 2, axis=1))


def eliminated(order, start, end):
    """Neighbours that each node has left when it is eliminated, as sets by position, by the definition."""
    near = {i: set() for i in range(len(order))}
    for a, b in zip(start, end, strict=True):
        if a != b:
            near[a].add(b)
            near[b].add(a)
    position = np.argsort(order)
    for node in order:
        yield {position[i] for i in near[node]}
        for i in near[node]:
            near[i] = (near[i] | near[node]) - {i, node}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(0, 120))
def test_columns_hold_what_elimination_leaves(seed, n, pairs):
    start, end = network(seed, n, pairs, 1)[:2]
    p = elimination.program(n, start, end)
    assert sorted(p.order) == list(range(n))
    for k, left in enumerate(eliminated(p.order, start, end)):
        assert list(p.row[p.column[k] : p.column[k + 1]]) == sorted(left)


def superlu(n, start, end):
    """Entries below the diagonal of the factor in the order of minimum degree that SuperLU finds."""
    diagonal = np.ones(n) * 2 * len(start)
    pairs, both = -np.ones(2 * len(start)), (np.r_[start, end, np.arange(n)], np.r_[end, start, np.arange(n)])
    matrix = coo_array((np.r_[pairs, diagonal], both), shape=(n, n)).tocsc()
    options = {"SymmetricMode": True}
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options).L.nnz - n


def grid(k):
    every = np.arange(k * k).reshape(k, k)
    return k * k, np.r_[every[1:].ravel(), every[:, 1:].ravel()], np.r_[every[:-1].ravel(), every[:, :-1].ravel()]


def tree(n, loops):
    rng = np.random.default_rng(n)
    ends = rng.integers(0, n, (2, loops))
    return n, np.r_[(rng.random(n - 1) * np.arange(1, n)).astype(int), ends[0]], np.r_[1:n, ends[1]]


@pytest.mark.parametrize(
    ("n", "start", "end"), [grid(10), grid(40), tree(1000, 100), tree(400, 800), (500, *np.triu_indices(500, 400))]
)
def test_a_factor_is_as_small_as_superlus(n, start, end):
    assert len(elimination.program(n, start, end).row) <= 1.1 * superlu(n, start, end)


def test_a_star_is_eliminated_from_its_points():
    p = elimination.program(100, np.zeros(99, int), np.arange(1, 100))
    assert 0 in p.order[-2:]
    assert len(p.row) == 99


def test_programs_are_cached_by_content():
    assert elimination.program(3, [0, 1], [1, 2]) is elimination.program(3, np.array([0, 1]), np.array([1, 2]))


@pytest.mark.parametrize("n", [10, 1000])
def test_trees_and_ladders_fill_in_little(n):
    every = np.arange(n - 1)
    assert len(elimination.program(n, every, every + 1).row) == n - 1
    start, end = np.r_[every, n + every, np.arange(n)], np.r_[every + 1, n + every + 1, n + np.arange(n)]
    assert len(elimination.program(2 * n, start, end).row) <= 2 * len(start)
