"""Sums by group: of the rows that each names, in the order given."""

import numpy as np
from twin.kernels import launch
from twin.kernels.sums import grouped, weighted


def test_terms_stand_by_group_in_the_order_given():
    groups, order = grouped([2, 0, 2, 3, 0, 2], [5, 1, 9, 4, 0, 5], 5)
    np.testing.assert_array_equal(groups.first, [0, 2, 2, 5, 6, 6])
    np.testing.assert_array_equal(groups.row, [1, 0, 5, 9, 5, 4])
    np.testing.assert_array_equal(order, [1, 4, 0, 2, 5, 3])
    assert groups.first.dtype == groups.row.dtype == np.int32


def test_groups_without_terms_stand_empty():
    groups, order = grouped([], [], 3)
    np.testing.assert_array_equal(groups.first, [0, 0, 0, 0])
    assert len(groups.row) == len(order) == 0


def test_a_sum_takes_the_rows_of_its_group_by_their_weights():
    rng = np.random.default_rng(0)
    group, row = rng.integers(0, 4, 12), rng.integers(0, 7, 12)
    weight, solved = rng.normal(size=(12, 3)), rng.normal(size=(7, 3))
    groups, order = grouped(group, row, 5)
    out = np.full((5, 3), np.nan)
    launch.bind(weighted, out.shape, groups, weight[order], solved, out)()
    expected = np.zeros((5, 3))
    np.add.at(expected, group, weight * solved[row])
    np.testing.assert_allclose(out, expected, rtol=1e-14, atol=1e-14)
    np.testing.assert_array_equal(out[4], 0.0)


def test_the_order_of_a_sum_is_that_of_its_terms():
    groups, order = grouped([0, 0, 0], [0, 1, 2], 1)
    out, solved = np.zeros((1, 1)), np.array([[1.0], [1e16], [-1e16]])
    launch.bind(weighted, (1, 1), groups, np.ones((3, 1))[order], solved, out)()
    assert out[0, 0] == (1.0 + 1e16) - 1e16
