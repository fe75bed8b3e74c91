"""Streams: energy is conserved, exchangers obey their effectiveness, dead legs take their neighbour's temperature."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin.kernels import streams

CASE = Path(__file__).parents[1] / "cases" / "loop_100"


def solve(n, start, end, capacity, own=1.0, offset=0.0, source=0.0, fixed=((0,), ((300.0,),)), couple=((), (), ())):
    capacity = np.asarray(capacity, float)
    program = streams.program(n, start, end, *couple[:2])
    own, offset = np.broadcast_to(own, capacity.shape), np.broadcast_to(offset, capacity.shape)
    coupling = np.reshape(couple[2], (len(couple[0]), -1)) if len(couple[0]) else np.zeros((0, 1))
    source = np.broadcast_to(source, (n, 1)) if np.ndim(source) < 2 else source
    return streams.solve(program, capacity, own, coupling, offset, source, np.array(fixed[0], int), np.array(fixed[1]))


def exchanger(hot, cold, effectiveness):
    """Two closed loops of two branches, 0 -> 1 -> 0 and 2 -> 3 -> 2; branches 0 and 2 exchange heat."""
    least = min(abs(hot), abs(cold))
    share = np.array([[effectiveness * least / abs(hot)], [effectiveness * least / abs(cold)]])
    own = np.array([[1 - share[0, 0]], [1], [1 - share[1, 0]], [1]])
    return dict(own=own, couple=([2, 0], [0, 2], share))


def test_loop_equals_its_reference():
    with gzip.open(CASE / "loop.json.gz") as file, gzip.open(CASE / "reference.json.gz") as expected:
        loop, expected = json.load(file), json.load(expected)
    index = {name: k for k, name in enumerate(loop["nodes"])}
    branches, plant = loop["pipes"] + loop["racks"], loop["plant"]
    start, end = ([index[b[k]] for b in branches] for k in ("a", "b"))
    heat = np.array([[b.get("heat_w", 0)] for b in branches])
    capacity = loop["fluid"]["cp_j_kgk"] * np.r_[expected["pipe_m"], expected["rack_m"]][:, None]
    fixed = ([index[plant["supply"]]], [[plant["t_supply_k"]]])
    result = solve(len(index), start, end, capacity, offset=heat / np.abs(capacity), fixed=fixed)
    np.testing.assert_allclose(result.node[:, 0], expected["node_t_k"], atol=1e-4)


def test_heated_ring_closes_its_energy():
    result = solve(3, [0, 1, 2], [1, 2, 0], [[100.0]] * 3, offset=[[0], [5], [2]])
    np.testing.assert_allclose(result.node[:, 0], [300, 300, 305])
    np.testing.assert_allclose(result.boundary_heat, 700)


@pytest.mark.parametrize("turned", range(8))
def test_one_branch_stands_for_as_many_as_are_like_it_at_either_end(turned):
    """Three equal heated branches beside a fourth, each to a node of its own and on, in any sense."""
    sense = [-1.0 if turned >> k & 1 else 1.0 for k in range(3)]

    def mixed(copies, at):
        ends = [(0, 2 + j) for j in range(copies)] + [(2 + j, 1) for j in range(copies)] + [(0, 1), (1, 0)]
        kind = [0] * copies + [1] * copies + [2, 2]
        signs = [sense[k] if i != len(ends) - 1 else 1.0 for i, k in enumerate(kind)]
        start, end = zip(
            *((a, b) if sign > 0 else (b, a) for (a, b), sign in zip(ends, signs, strict=True)), strict=True
        )
        capacity = np.array([[20.0]] * (2 * copies) + [[40.0], [100.0]]) * np.reshape(signs, (-1, 1))
        offset = np.array([[10.0]] * copies + [[0.0]] * (copies + 2))
        at = [(a, b) if sign > 0 else (b, a) for (a, b), sign in zip(at, signs, strict=True)]
        program = streams.program(2 + copies, start, end, [], [], *np.transpose(at))
        rows = np.ones_like(capacity), np.zeros((0, 1)), offset, np.zeros((2 + copies, 1))
        return streams.solve(program, capacity, *rows, np.array([0]), np.array([[300.0]]))

    whole = mixed(3, [(1.0, 1.0)] * 8)
    one = mixed(1, [(3.0, 1.0), (1.0, 3.0), (1.0, 1.0), (1.0, 1.0)])
    np.testing.assert_allclose(whole.node[:, 0], [300, 306, 310, 310, 310], atol=1e-9)
    np.testing.assert_allclose(one.node[:, 0], [300, 306, 310], atol=1e-9)
    np.testing.assert_allclose(one.boundary_heat, whole.boundary_heat, rtol=1e-12)


def test_node_sources_heat_the_stream():
    source = np.array([[0], [250.0]])
    result = solve(2, [0, 1], [1, 0], [[50.0]] * 2, source=source)
    np.testing.assert_allclose(result.node[1], 305)
    np.testing.assert_allclose(result.boundary_heat, 250)


@pytest.mark.parametrize("direction", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_exchanger_carries_heat_between_loops_in_every_direction(direction):
    hot, cold, effectiveness, heat = 200 * direction[0], 500 * direction[1], 0.8, 4e3
    capacity = np.array([[hot], [hot], [cold], [cold]])
    offset = np.array([[0], [heat / 200], [0], [0]])
    kwargs = exchanger(hot, cold, effectiveness)
    result = solve(4, [0, 1, 2, 3], [1, 0, 3, 2], capacity, offset=offset, fixed=((2,), ((300.0,),)), **kwargs)
    inlet = result.inlet
    np.testing.assert_allclose(result.boundary_heat, heat, rtol=1e-12)
    np.testing.assert_allclose(effectiveness * 200 * (inlet[0] - inlet[2]), heat, rtol=1e-10)


def test_mixing_is_the_mean_weighted_by_capacity():
    result = solve(4, [0, 1, 2], [2, 2, 3], [[30.0], [10.0], [40.0]], fixed=((0, 1), ((300.0,), (340.0,))))
    np.testing.assert_allclose(result.node[[2, 3], 0], 310)


@pytest.mark.parametrize("trickle", [0.0, 1e-9, -1e-9])
def test_dead_leg_takes_its_neighbours_temperature(trickle):
    result = solve(4, [0, 1, 1], [1, 0, 2], [[1e3], [1e3], [trickle]], offset=[[10], [0], [0]])
    np.testing.assert_allclose(result.node[:3, 0], [300, 310, 310], atol=1e-6)
    assert np.isfinite(result.node).all()


def test_plant_at_rest_has_the_fixed_temperature():
    result = solve(3, [0, 1], [1, 2], np.zeros((2, 1)), fixed=((0,), ((310.0,),)))
    np.testing.assert_allclose(result.node, 310)


def random_ring(seed, n, scenarios):
    """Rings that share node 0: balanced flows in either direction, with heat and losses."""
    rng = np.random.default_rng(seed)
    start, end, capacity = [], [], []
    for _ in range(3):
        path = [0, *rng.permutation(np.arange(1, n))[: rng.integers(1, n)]]
        start += path
        end += path[1:] + path[:1]
        capacity += [rng.normal(0, 1e4, scenarios)] * len(path)
    return np.array(start), np.array(end), np.array(capacity), rng


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(2, 25))
def test_energy_is_conserved(seed, n):
    start, end, capacity, rng = random_ring(seed, n, 3)
    offset, source = rng.uniform(-5, 10, capacity.shape), rng.uniform(0, 1e3, (n, 3))
    source[np.setdiff1d(np.arange(n), start)] = 0
    fixed = ((0,), ((300.0, 310.0, 290.0),))
    result = solve(n, start, end, capacity, rng.uniform(0.9, 1, capacity.shape), offset, source, fixed)
    gain = (np.abs(capacity) * (result.outlet - result.inlet)).sum(axis=0) + source.sum(axis=0)
    scale = (np.abs(capacity) * np.abs(result.outlet - result.inlet)).sum(axis=0) + source.sum(axis=0)
    assert (np.abs(result.boundary_heat.sum(axis=0) - gain) <= 1e-12 * scale).all()


def test_batch_equals_loop_of_singles_bitwise_and_nan_stays_alone():
    start, end, capacity, rng = random_ring(5, 20, 18)
    offset = rng.uniform(0, 10, capacity.shape)
    capacity[:, 4] = np.nan
    batch = solve(20, start, end, capacity, 1.0, offset)
    assert np.isnan(batch.outlet[:, 4]).any() and np.isfinite(np.delete(batch.node, 4, axis=1)).all()
    for s in np.delete(np.arange(18), 4):
        one = solve(20, start, end, capacity[:, s : s + 1], 1.0, offset[:, s : s + 1])
        np.testing.assert_array_equal(one.node[:, 0], batch.node[:, s])
        np.testing.assert_array_equal(one.boundary_heat[:, 0], batch.boundary_heat[:, s])


@pytest.mark.parametrize("step", [1e-3, 1.0, 60.0, 1e9])
def test_a_node_that_stores_heat_follows_the_implicit_step(step):
    """One tank in a through-flow: C dT/dt = G (T_in - T), whose implicit step is known; an infinite step is steady."""
    rate, heat = 100.0, 5e4
    p = streams.program(3, [0, 1], [1, 2], [], [])
    parts = [np.full((2, 1), rate), np.ones((2, 1)), np.zeros((0, 1)), np.zeros((2, 1)), np.zeros((3, 1))]
    storage = np.array([[0.0], [heat / step], [0.0]])
    before = np.array([[300.0], [320.0], [300.0]])
    result = streams.solve(p, *parts, np.array([0]), np.array([[300.0]]), storage, before)
    expected = (heat / step * 320.0 + rate * 300.0) / (heat / step + rate)
    np.testing.assert_allclose(result.node[1], expected, rtol=1e-12)


def test_parameters_of_a_wrong_height_are_refused():
    p = streams.program(3, [0, 1], [1, 2], [], [])
    parts = [np.ones((2, 1)), np.ones((1, 1)), np.zeros((0, 1)), np.zeros((2, 1)), np.zeros((3, 1))]
    with pytest.raises(ValueError, match="their heights must be"):
        streams.solve(p, *parts, np.array([0]), np.array([[300.0]]))
