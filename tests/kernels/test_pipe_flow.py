"""Pipe flow: conservation, closed forms, controllers, reference solution."""

import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin.kernels import friction, pipe_flow

CASE = Path(__file__).parents[1] / "cases" / "loop_100"
PASSIVE = np.nan


def power_law(factor, exponent=2.0, head=0.0, laminar=0.0):
    """The law factor |m|^(exponent - 1) m + laminar m - head as a function, and as the kernel's parameters."""
    factor = np.asarray(factor, float)
    shape = np.broadcast_shapes(factor.shape, np.shape(head))
    every, full = np.arange(shape[0]), lambda x: np.broadcast_to(np.asarray(x, float), shape)
    parameters = dict(
        square=np.zeros((shape[0], 1)),
        **dict(powered=every, factor=full(factor), exponent=full(exponent), straight=full(0)),
        **dict(pump=every, shutoff=full(head), quadratic=full(0), quartic=full(0), ceiling=full(np.inf)),
        **dict(pipe=every, friction=full(laminar * 1e-12 / 64), reynolds=full(1e-12), rough=full(0)),
    )

    def law(m):
        rate = factor * np.abs(m) ** (exponent - 1)
        return (rate + laminar) * m - head, exponent * rate + laminar

    return SimpleNamespace(at=law, parameters=parameters)


def solve(start, end, law, set_flow, guess=1.0, nodes=(0,), pressure=((2e5,),), n=None, min_flow=None):
    start, end, set_flow = np.array(start), np.array(end), np.asarray(set_flow, float)
    n = n or max(start.max(), end.max()) + 1
    guess = np.broadcast_to(guess, set_flow.shape)
    min_flow = np.where(set_flow == 0, 0.0, -np.inf) if min_flow is None else np.broadcast_to(min_flow, set_flow.shape)
    control = np.flatnonzero((np.isfinite(set_flow) | (min_flow > -np.inf)).any(axis=1))
    max_flow = np.where(np.isnan(set_flow), np.inf, set_flow)
    bounds = dict(control=control, min_flow=min_flow[control], max_flow=max_flow[control])
    network = pipe_flow.Network(n, start, end, **law.parameters, **bounds)
    result = pipe_flow.solve(network, np.array(nodes), np.array(pressure), guess)
    return result, imbalance(start, end, n, nodes, result.mass_flow), result.pressure[start] - result.pressure[end]


def imbalance(start, end, n, nodes, mass_flow):
    net = np.zeros((n, mass_flow.shape[1]))
    np.add.at(net, start, mass_flow)
    np.add.at(net, end, -mass_flow)
    net[list(nodes)] = 0
    return np.abs(net).max(axis=0)


def header(branches, pumps=1):
    """A pump (or several) from node 0 to 1, then branches of a pipe 1 -> k and a controller k -> 0."""
    every = np.arange(branches)
    start = np.r_[np.zeros(pumps, int), np.ones(branches, int), every + 2]
    return start, np.r_[np.ones(pumps, int), every + 2, np.zeros(branches, int)]


def header_law(branches, pumps=1, exponent=2.0, seed=0):
    rng = np.random.default_rng(seed)
    factor = np.r_[np.full(pumps, 1e5 / branches**2), rng.uniform(1e3, 3e4, branches), np.full(branches, 5e3)]
    head = np.r_[np.full(pumps, 2e5), np.zeros(2 * branches)]
    return power_law(factor[:, None], exponent, head[:, None])


def header_flows(branches, set_flow, pumps=1):
    set_flow = np.atleast_2d(set_flow)
    return np.vstack((np.full((pumps + branches, set_flow.shape[1]), PASSIVE), set_flow))


def loop():
    with gzip.open(CASE / "loop.json.gz") as file, gzip.open(CASE / "reference.json.gz") as expected:
        return json.load(file), json.load(expected)


def swamee_jain(branches, fluid):
    length, d, rough, zeta = (
        np.array([b[k] for b in branches])[:, None] for k in ("length_m", "d_m", "rough_m", "zeta")
    )
    area, viscosity = np.pi * d**2 / 4, fluid["viscosity_pa_s"]
    square = 1 / (2 * fluid["density_kg_m3"] * area**2)
    pipe = np.flatnonzero(length[:, 0] > 0)
    law = dict(friction=square * length / d, reynolds=d / (area * viscosity), rough=rough / d)
    law = {k: v[pipe] for k, v in law.items()}
    return SimpleNamespace(parameters=dict(square=square * zeta, pipe=pipe, **law, model=friction.SWAMEE_JAIN))


def test_loop_equals_its_reference():
    loop_, expected = loop()
    index = {name: k for k, name in enumerate(loop_["nodes"])}
    branches, plant = loop_["pipes"] + loop_["racks"], loop_["plant"]
    start, end = ([index[b[k]] for b in branches] for k in ("a", "b"))
    pressure = [[plant["p_return_pa"] + plant["dp_pa"]], [plant["p_return_pa"]]]
    nodes = [index[plant["supply"]], index[plant["ret"]]]
    law = swamee_jain(branches, loop_["fluid"])
    result, balance, _ = solve(start, end, law, np.full((len(start), 1), PASSIVE), nodes=nodes, pressure=pressure)
    assert result.converged.all() and result.iterations.max() <= 25
    reference = np.r_[expected["pipe_m"], expected["rack_m"]]
    np.testing.assert_allclose(result.mass_flow[:, 0], reference, rtol=1e-8)
    np.testing.assert_allclose(result.pressure[:, 0], expected["node_p_pa"], atol=1e-2)
    assert balance < 1e-9 * reference.max()


@pytest.mark.parametrize("exponent", [1.0, 1.85, 2.0])
@pytest.mark.parametrize("guess", [0.0, 1e-3, 1.0, -1.0, 1e3])
def test_branches_in_series_and_parallel_have_a_closed_form(exponent, guess):
    factor = np.array([3e3, 5e3, 2e4])
    law = power_law(factor[:, None], exponent)
    result, balance, _ = solve([0, 1, 1], [1, 2, 2], law, [[PASSIVE]] * 3, guess, (0, 2), ((3e5,), (1e5,)))
    parallel = np.sum(factor[1:] ** (-1 / exponent)) ** -exponent
    total = (2e5 / (factor[0] + parallel)) ** (1 / exponent)
    assert result.converged.all()
    np.testing.assert_allclose(result.mass_flow[0], total, rtol=1e-8)
    assert balance < 1e-9 * total


def test_pumps_in_series_add_head_and_in_parallel_add_flow():
    law = power_law(np.array([[1e3], [1e3], [5e3]]), head=np.array([[1e5], [1e5], [0]]))
    series, _, _ = solve([0, 1, 2], [1, 2, 0], law, [[PASSIVE]] * 3)
    np.testing.assert_allclose(series.mass_flow, np.sqrt(2e5 / 7e3), rtol=1e-8)
    parallel, _, _ = solve([0, 0, 1], [1, 1, 0], law, [[PASSIVE]] * 3)
    np.testing.assert_allclose(parallel.mass_flow[2], np.sqrt(1e5 / (5e3 + 1e3 / 4)), rtol=1e-8)


@pytest.mark.parametrize("laminar", [0.0, 10.0])
def test_flow_rests_or_reverses_with_the_pressure(laminar):
    law = power_law(np.array([[1e4], [1e4]]), laminar=laminar)
    pressure = np.array([[2e5, 2e5, 2e5], [1e5, 2e5, 3e5]])
    result, _, _ = solve([0, 1], [1, 2], law, np.full((2, 3), PASSIVE), 1.0, (0, 2), pressure)
    assert result.converged.all()
    assert (result.mass_flow[:, 0] > 0).all()
    np.testing.assert_allclose(result.mass_flow[:, 1], 0, atol=1e-9)
    np.testing.assert_allclose(result.mass_flow[:, 2], -result.mass_flow[:, 0], rtol=1e-9)


@pytest.mark.parametrize("branches", [1, 10, 3000])
@pytest.mark.parametrize("exponent", [1.85, 2.0])
def test_controllers_hold_their_flow_until_the_pump_saturates(branches, exponent):
    start, end = header(branches)
    law = header_law(branches, exponent=exponent)
    wanted = np.random.default_rng(1).uniform(0.2, 1, (branches, 1)) * [0.0, 0.1, 1, 2, 20]
    set_flow = header_flows(branches, wanted)
    result, balance, available = solve(start, end, law, set_flow)
    assert result.converged.all() and result.iterations.max() <= 40
    assert (balance <= 1e-9 * np.maximum(np.abs(result.mass_flow).max(axis=0), 1e-2)).all()
    assert not result.limited[:, :2].any() and result.limited[1 + branches :, 4].all()
    obeys_the_rule(result, law, set_flow, available)


def obeys_the_rule(result, law, set_flow, available):
    set_flow = np.broadcast_to(set_flow, available.shape)
    controlled, peak = ~np.isnan(set_flow), np.abs(result.mass_flow).max(axis=0)
    holds = controlled & ~result.limited
    tolerance = 1e-6 * np.maximum(np.abs(available).max(), 1e5)
    assert (np.abs(result.mass_flow - set_flow) <= 1e-8 * np.maximum(peak, 1))[holds].all()
    needed = np.where(set_flow == 0, -np.inf, law.at(np.where(controlled, set_flow, 0))[0])
    assert (available >= needed - tolerance)[holds].all()
    assert (np.abs(law.at(result.mass_flow)[0] - available) <= tolerance)[~holds].all()
    assert (result.mass_flow < set_flow)[result.limited].all()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999, 1.0, 1.001, 2.0])
def test_a_pump_in_flow_mode_meets_controllers_in_series(share):
    branches = 50
    wanted = np.random.default_rng(2).uniform(0.2, 1, (branches, 1))
    set_flow = header_flows(branches, wanted)
    set_flow[0] = share * wanted.sum()
    start, end = header(branches)
    law = header_law(branches)
    result, balance, available = solve(start, end, law, set_flow)
    assert result.converged.all() and balance <= 1e-9 * wanted.sum()
    np.testing.assert_allclose(result.mass_flow[0], min(share, 1) * wanted.sum(), rtol=1e-8, atol=1e-9)
    obeys_the_rule(result, law, set_flow, available)


@pytest.mark.parametrize("branches", [1, 3000])
def test_without_head_flow_stops(branches):
    start, end = header(branches)
    law = power_law(np.r_[1e5 / branches**2, np.full(2 * branches, 5e3)][:, None])
    result, _, _ = solve(start, end, law, header_flows(branches, np.ones((branches, 1))))
    assert result.converged.all() and result.limited[1 + branches :].all()
    np.testing.assert_allclose(result.mass_flow, 0, atol=1e-6 * branches)


def test_separate_loops_solve_side_by_side():
    law = power_law(np.array([[1e3], [4e3], [1e3], [4e3]]), head=np.array([[1e5], [0], [2e5], [0]]))
    result, _, _ = solve([0, 1, 2, 3], [1, 0, 3, 2], law, [[PASSIVE]] * 4, nodes=(0, 2), pressure=((1e5,), (3e5,)))
    np.testing.assert_allclose(result.mass_flow[:, 0], np.sqrt([20, 20, 40, 40]), rtol=1e-8)
    np.testing.assert_allclose(result.pressure[[0, 2], 0], [1e5, 3e5])


def test_batch_equals_loop_of_singles_bitwise_and_nan_stays_alone():
    start, end = header(300)
    wanted = np.random.default_rng(3).uniform(0.2, 1, (300, 20)) * np.linspace(0.1, 5, 20)
    law, guess = header_law(300), np.ones((601, 20))
    guess[1:301, 7] = np.nan
    batch, _, _ = solve(start, end, law, header_flows(300, wanted), guess)
    assert np.flatnonzero(~batch.converged).tolist() == [7]
    for s in np.delete(np.arange(20), 7):
        one, _, _ = solve(start, end, law, header_flows(300, wanted[:, s : s + 1]))
        np.testing.assert_array_equal(one.mass_flow[:, 0], batch.mass_flow[:, s])
        np.testing.assert_array_equal(one.pressure[:, 0], batch.pressure[:, s])


def random_network(rng, n, exponent, laminar):
    """A tree with as many chords, a third of the branches with a head, drops of 1e2 to 1e6 Pa at 1 kg/s."""
    start = np.r_[np.arange(1, n), rng.integers(0, n, n)]
    end = np.r_[[rng.integers(0, i) for i in range(1, n)], rng.integers(0, n, n)]
    head = np.where(rng.random((len(start), 1)) < 0.3, rng.uniform(0, 3e5, (len(start), 1)), 0)
    return start, end, power_law(10 ** rng.uniform(2, 6, (len(start), 1)), exponent, head, laminar)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(3, 30), st.sampled_from([1.0, 1.75, 1.85, 2.0]))
def test_every_passive_network_converges_and_conserves_mass(seed, n, exponent):
    start, end, law = random_network(np.random.default_rng(seed), n, exponent, 10.0)
    result, balance, available = solve(start, end, law, np.full((len(start), 2), PASSIVE), n=n)
    assert result.converged.all()
    assert (balance <= 1e-9 * np.maximum(np.abs(result.mass_flow).max(axis=0), 1e-3)).all()
    np.testing.assert_allclose(law.at(result.mass_flow)[0], available, atol=1e-6 * 3e5)


@pytest.mark.parametrize("seed", range(60))
def test_controllers_anywhere_obey_the_rule(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 30))
    start, end, law = random_network(rng, n, rng.choice([1.0, 1.75, 1.85, 2.0]), 0.1)
    shape = (len(start), 3)
    wanted = rng.uniform(0, 2, shape) * (rng.random(shape) < 0.9)
    set_flow = np.where(rng.random((len(start), 1)) < 0.4, wanted, PASSIVE)
    result, balance, available = solve(start, end, law, set_flow, n=n)
    assert result.converged.all()
    assert (balance <= 1e-9 * np.maximum(np.abs(result.mass_flow).max(axis=0), 1e-3)).all()
    obeys_the_rule(result, law, set_flow, available)


@pytest.mark.parametrize("head", [-1e5, -1.0, 0.0, 1.0, 1e5])
def test_a_check_valve_carries_flow_one_way_only(head):
    law = power_law(np.full((3, 1), 1e4), head=np.array([[head], [0.0], [0.0]]))
    min_flow = np.array([[-np.inf], [0.0], [-np.inf]])
    result, balance, _ = solve([0, 1, 2], [1, 2, 0], law, [[PASSIVE]] * 3, min_flow=min_flow)
    assert result.converged.all() and balance <= 1e-11
    np.testing.assert_allclose(result.mass_flow[:, 0], np.sqrt(max(head, 0.0) / 3e4), rtol=1e-8, atol=1e-8)
    assert not result.limited.any()


def test_a_check_valve_keeps_a_stopped_pump_from_being_driven_backwards():
    """Two pumps side by side, one without head: its check valve shuts and all flow takes the way round."""
    law = power_law(np.array([[1e3], [1e3], [5e3]]), head=np.array([[1e5], [0.0], [0.0]]))
    min_flow = np.array([[0.0], [0.0], [-np.inf]])
    result, _, _ = solve([0, 0, 1], [1, 1, 0], law, [[PASSIVE]] * 3, min_flow=min_flow)
    np.testing.assert_allclose(result.mass_flow[:, 0], np.sqrt(1e5 / 6e3) * np.array([1, 0, 1]), rtol=1e-8, atol=1e-9)


def test_a_flow_held_from_both_sides_is_held_against_any_pressure():
    law = power_law(np.array([[1e4], [1e4], [1e4]]), head=np.array([[1e5], [0.0], [0.0]]))
    held = np.array([[PASSIVE], [-2.0], [PASSIVE]])
    result, balance, _ = solve([0, 0, 1], [1, 1, 0], law, held, min_flow=np.array([[-np.inf], [-2.0], [-np.inf]]))
    assert result.converged.all() and balance < 1e-9
    np.testing.assert_allclose(result.mass_flow[1], -2.0, rtol=1e-9)


@pytest.mark.parametrize("rough", [0.0, 1e-5, 1e-3, 0.05])
@pytest.mark.parametrize("model", [friction.CHURCHILL, friction.SWAMEE_JAIN, friction.COLEBROOK])
def test_friction_factors_are_those_of_their_sources_and_so_are_their_slopes(model, rough):
    for re in np.geomspace(1, 1e8, 60):
        value, bend = friction.darcy(re, rough, model)
        higher, lower = (friction.darcy(re * f, rough, model)[0] for f in (1 + 1e-6, 1 - 1e-6))
        if min(abs(re - edge) for edge in (700.0, 2000.0, 4000.0)) > 0.01 * re:
            np.testing.assert_allclose(bend, np.log(higher / lower) / 2e-6, atol=2e-7)
        if re < 600:
            np.testing.assert_allclose(value, 64 / re, rtol=1e-12)
        if re > 4001:
            colebrook = 1 / np.sqrt(friction.darcy(re, rough, friction.COLEBROOK)[0])
            missed = colebrook + 2 * np.log10(rough / 3.7 + 2.51 * colebrook / re)
            assert abs(missed) < 1e-9
            np.testing.assert_allclose(value, colebrook**-2, rtol=0.07)


def test_friction_falls_into_place_at_the_edges_of_swamee_jains_transition():
    for edge in (2000.0, 4000.0):
        below, above = (friction.swamee_jain(edge * f, 1e-4)[0] for f in (1 - 1e-9, 1 + 1e-9))
        np.testing.assert_allclose(below, above, rtol=2e-4)


def test_water_is_drawn_where_it_is_demanded():
    law = power_law(np.array([[1e4], [2e4]]))
    network = pipe_flow.Network(3, np.array([0, 1]), np.array([1, 2]), **law.parameters)
    demand = np.array([[0.0], [1.0], [2.0]])
    result = pipe_flow.solve(network, np.array([0]), np.array([[3e5]]), np.ones((2, 1)), demand)
    np.testing.assert_allclose(result.mass_flow[:, 0], [3.0, 2.0], rtol=1e-9)
    np.testing.assert_allclose(result.pressure[:, 0], [3e5, 3e5 - 9e4, 3e5 - 17e4], rtol=1e-9)


@pytest.mark.parametrize("max_flow", [0.0, 0.1, 5.0])
@pytest.mark.parametrize("drawn", [0.01, 0.459, 1.0, 5.0])
@pytest.mark.parametrize("guess", [0.0, 1.0])
def test_a_controller_that_flow_passes_backwards_is_free(max_flow, drawn, guess):
    """A valve from node 1 to node 0 limits what goes that way; what node 1 draws comes the other way."""
    bounds = dict(control=np.array([0]), min_flow=np.array([[-np.inf]]), max_flow=np.array([[max_flow]]))
    network = pipe_flow.Network(2, np.array([1]), np.array([0]), np.array([[2.0]]), **bounds)
    demand = np.array([[0.0], [drawn]])
    result = pipe_flow.solve(network, np.array([0]), np.array([[2e5]]), np.array([[guess]]), demand)
    assert result.converged.all()
    np.testing.assert_allclose(result.mass_flow, -drawn, rtol=1e-7)
    np.testing.assert_allclose(result.pressure[1], 2e5 - 2 * drawn**2, rtol=1e-9)


@pytest.mark.parametrize(("min_flow", "max_flow", "drawn"), [(-np.inf, 0.5, 1.0), (0.0, np.inf, -1.0)])
def test_demand_that_bounds_do_not_let_through_does_not_converge(min_flow, max_flow, drawn):
    bounds = dict(control=np.array([0]), min_flow=np.array([[min_flow]]), max_flow=np.array([[max_flow]]))
    network = pipe_flow.Network(2, np.array([0]), np.array([1]), np.array([[1e4]]), **bounds)
    demand = np.array([[0.0], [drawn]])
    result = pipe_flow.solve(network, np.array([0]), np.array([[2e5]]), np.array([[1.0]]), demand)
    assert not result.converged.any()


@pytest.mark.parametrize("name", ["square", "min_flow", "max_flow", "factor"])
def test_parameters_that_are_no_numbers_are_flagged_and_stay_alone(name):
    parameters = dict(
        square=np.full((2, 3), 1e4),
        **dict(powered=np.array([0]), factor=np.full((1, 3), 10.0), exponent=np.full((1, 3), 1.8)),
        **dict(control=np.array([1]), min_flow=np.full((1, 3), 0.0), max_flow=np.full((1, 3), np.inf)),
    )
    parameters[name][0, 1] = np.nan
    network = pipe_flow.Network(3, np.array([0, 1]), np.array([1, 2]), **parameters)
    pressure = np.array([[3e5], [1e5]])
    result = pipe_flow.solve(network, np.array([0, 2]), pressure, np.ones((2, 1)))
    assert result.converged.tolist() == [True, False, True]
    np.testing.assert_array_equal(result.mass_flow[:, 0], result.mass_flow[:, 2])


def test_parameters_of_a_wrong_height_are_refused():
    network = pipe_flow.Network(3, np.array([0, 1]), np.array([1, 2]), np.array([[1e4]]))
    with pytest.raises(ValueError, match=r"a parameter is \(1, 1\), not \(2, scenarios\)"):
        pipe_flow.solve(network, np.array([0]), np.array([[2e5]]), np.ones((2, 1)))


def test_a_step_is_shortened_where_it_goes_past_its_descent_and_whole_where_it_has_none():
    """The slope along the step at its start and its end: a step that sets out uphill is rounding."""
    lanes = np.zeros((1, len(pipe_flow.LANE), pipe_flow.LANES))
    lanes[0, pipe_flow.CHANGE] = 1.0
    slopes = {(-1.0, 0.5): 1.0, (-1.0, 3.0): 0.5, (1.0, 5.0): 1.0, (0.0, 0.0): 1.0}
    for (before, after), step in slopes.items():
        lanes[0, pipe_flow.BEFORE], lanes[0, pipe_flow.AFTER] = before, after
        nothing = SimpleNamespace(branches=0, controllers=0)
        redo = pipe_flow.shorten(0, 1e-9, nothing, SimpleNamespace(lane=lanes))
        assert (lanes[0, pipe_flow.STEP] == step).all() and redo == (step < 1)
