"""Connected components: SciPy's, numbered in the order of their first nodes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from twin.kernels.connected import connected


def scipys(n, start, end):
    return connected_components(coo_array((np.ones(len(start)), (start, end)), shape=(n, n)), directed=False)[1]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(1, 60), st.integers(0, 90))
def test_components_are_scipys(seed, n, pairs):
    start, end = np.random.default_rng(seed).integers(0, n, (2, pairs))
    np.testing.assert_array_equal(connected(n, start, end), scipys(n, start, end))


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_long_chain_is_one_component(shuffled):
    order = np.random.default_rng(0).permutation(40000) if shuffled else np.arange(40000)
    assert not connected(40000, order[:-1], order[1:]).any()


def test_numbers_are_in_the_order_of_first_nodes():
    np.testing.assert_array_equal(connected(4, [1], [3]), [0, 1, 2, 1])
    np.testing.assert_array_equal(connected(5, [4, 3], [2, 4]), [0, 1, 2, 2, 2])


def test_nothing_hangs_together_without_pairs():
    np.testing.assert_array_equal(connected(3, [], []), [0, 1, 2])
    assert len(connected(0, [], [])) == 0
