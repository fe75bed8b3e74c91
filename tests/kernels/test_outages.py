"""Loss of branches: each answer is that of the network without the branch."""

from dataclasses import replace

import feeders
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin.kernels import outages, power_flow


def without(network, slack, power, branch):
    series = network.series.copy()
    series[branch] = 0
    return power_flow.solve(replace(network, series=series), slack, power, 1e-11)


@pytest.mark.parametrize("name", ["facility_150", "facility_1000/meshed"])
def test_each_outage_equals_the_network_without_the_branch(name):
    f = feeders.feeder(name)
    m = len(f.network.start)
    _, _, size = outages.bridges(f.network, np.ones(f.network.n, bool))
    chosen = np.unique(np.r_[np.arange(0, m, m // 12), np.flatnonzero(size == 0)[:6], np.argsort(size)[-3:]])
    found = outages.solve(f.network, f.slack, f.power, chosen, 1e-10, f.power)
    for k, branch in enumerate(chosen):
        alone = without(f.network, f.slack, f.power, branch)
        assert found.converged[k] == alone.converged[0]
        np.testing.assert_array_equal(found.energised[:, k], alone.energised[:, 0])
        if alone.converged[0]:
            np.testing.assert_allclose(found.voltage[:, k], alone.voltage[:, 0], atol=1e-8)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(2, 18), st.integers(0, 8))
def test_any_network_any_branch(seed, n, links):
    rng = np.random.default_rng(seed)
    tree = [(int(rng.integers(0, k)), k) for k in range(1, n)]
    more = [tuple(map(int, pair)) for pair in rng.integers(0, n, (links, 2)) if pair[0] != pair[1]]
    start, end = np.array(tree + more).T
    series = (1 / (rng.uniform(0.005, 0.02, len(start)) + 1j * rng.uniform(0.01, 0.05, len(start))))[:, None]
    shunt = 1j * rng.uniform(0, 0.01, (len(start), 1))
    ratio = np.where(rng.random((len(start), 1)) < 0.3, 1.05, 1.0) + 0j
    network = power_flow.Network(n, start, end, series, shunt, shunt, ratio, np.array([0]))
    power = rng.uniform(0, 0.1, (n, 1)) + 0.02j
    slack = np.array([[1.02 + 0j]])
    found = outages.solve(network, slack, power, np.arange(len(start)), 1e-11, power)
    for k in range(len(start)):
        alone = without(network, slack, power, k)
        np.testing.assert_array_equal(found.energised[:, k], alone.energised[:, 0])
        np.testing.assert_allclose(found.voltage[:, k], alone.voltage[:, 0], atol=1e-8)


def test_bridges_of_a_ring_with_a_spur():
    start, end = np.array([0, 1, 2, 2, 3]), np.array([1, 2, 0, 3, 4])
    one = np.ones((5, 1), complex)
    network = power_flow.Network(5, start, end, one, 0 * one, 0 * one, one, np.array([0]))
    place, first, size = outages.bridges(network, np.ones(5, bool))
    assert size.tolist() == [0, 0, 0, 2, 1]
    assert sorted(np.flatnonzero((place >= first[3]) & (place < first[3] + 2))) == [3, 4]


def test_two_slack_buses_keep_what_lies_between():
    start, end = np.array([0, 1]), np.array([1, 2])
    one = np.full((2, 1), 10.0 + 0j)
    network = power_flow.Network(3, start, end, one, 0 * one, 0 * one, one / 10, np.array([0, 2]))
    found = outages.solve(network, np.ones((2, 1), complex), np.array([[0], [0.1], [0]]), [0, 1])
    assert found.energised.all()
    assert found.converged.all()
