"""twin.pipe_flow: references, conservation, scenarios, bad input."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from twin.networks import read_pipe_network

CASES = Path(__file__).parent / "cases"


def loop(racks=100):
    return read_pipe_network(CASES / f"loop_{racks}" / "loop.json.gz")


@pytest.mark.parametrize("racks", [100, 1000])
def test_loops_equal_their_references(racks):
    with gzip.open(CASES / f"loop_{racks}" / "reference.json.gz") as file:
        expected = json.load(file)
    result = twin.pipe_flow(CASES / f"loop_{racks}" / "loop.json.gz")
    flow = np.r_[expected["pipe_m"], expected["rack_m"]]
    np.testing.assert_allclose(result.pipe_mdot_from_kg_per_s[:, 0], flow, rtol=1e-8)
    np.testing.assert_allclose(result.p_bar[:, 0] * 1e5, expected["node_p_pa"], atol=1e-3)
    np.testing.assert_allclose(result.t_k[:, 0], expected["node_t_k"], atol=1e-4)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 2**31))
def test_mass_and_energy_are_conserved(seed):
    rng, net = np.random.default_rng(seed), loop()
    walls = rng.uniform(0, 50, len(net.branch))
    net = replace(net, conductance=walls, friction=str(rng.choice(["churchill", "swamee-jain", "colebrook"])))
    heat = net.heat[:, None] * rng.uniform(0, 2, (len(net.heat), 3))
    zeta = net.zeta[:, None] * rng.lognormal(0, 0.5, (len(net.zeta), 3))
    result = twin.pipe_flow(net, qext_w=heat, zeta=zeta)
    assert (result.status == 0).all()
    drawn = result.mdot_kg_per_s.values
    assert np.abs(drawn[~np.isfinite(net.held)]).max() < 1e-8 and np.abs(drawn.sum(axis=0)).max() < 1e-8
    m, cp = result.pipe_mdot_from_kg_per_s.values, net.heat_capacity
    gained = m * cp * (result.pipe_t_to_k - result.pipe_t_from_k).values
    boundary = cp * (drawn * result.t_k.values).sum(axis=0)
    np.testing.assert_allclose(gained.sum(axis=0), boundary, rtol=1e-9)


def test_a_pipe_loses_heat_by_its_wall_as_the_exponential_does():
    net = loop()
    net = replace(net, conductance=np.full(len(net.branch), 40.0), heat=np.zeros(len(net.branch)))
    result = twin.pipe_flow(net)
    m = np.abs(result.pipe_mdot_from_kg_per_s.values)
    first, last = result.pipe_t_from_k.values, result.pipe_t_to_k.values
    ahead = result.pipe_mdot_from_kg_per_s.values >= 0
    inlet, outlet = np.where(ahead, first, last), np.where(ahead, last, first)
    expected = 293.15 + (inlet - 293.15) * np.exp(-40.0 / (m * net.heat_capacity))
    np.testing.assert_allclose(outlet, expected, rtol=1e-12)


def test_order_of_scenarios_changes_nothing_and_a_bad_one_stays_alone():
    net, rng = loop(), np.random.default_rng(3)
    zeta = net.zeta[:, None] * rng.lognormal(0, 0.3, (len(net.zeta), 300))
    good = twin.pipe_flow(net, zeta=zeta)
    order = rng.permutation(300)
    np.testing.assert_array_equal(twin.pipe_flow(net, zeta=zeta[:, order]).t_k, good.t_k[:, order])
    zeta[5, 7] = np.nan
    result = twin.pipe_flow(net, zeta=zeta)
    assert np.flatnonzero(result.status).tolist() == [7] and result.status[7] == 2
    assert np.isnan(result.p_bar[:, 7]).all()
    others = np.delete(np.arange(300), 7)
    np.testing.assert_array_equal(result.p_bar[:, others], good.p_bar[:, others])


def test_what_is_cut_off_is_not_served():
    net = loop()
    rack = len(net.branch) - 1
    ends = [net.start[rack], net.end[rack]]
    shut = np.isin(net.start, ends) | np.isin(net.end, ends)
    shut[rack] = False
    net = replace(net, min_flow=np.where(shut, 0.0, -np.inf), max_flow=np.where(shut, 0.0, np.inf))
    demand = np.zeros(len(net.junction))
    demand[ends[0]] = 3.0
    result = twin.pipe_flow(net, mdot_kg_per_s=demand)
    assert result.status.values.tolist() == [0]
    assert np.isnan(result.p_bar.values[ends]).all() and np.isfinite(np.delete(result.p_bar.values, ends)).all()
    np.testing.assert_allclose(result.mdot_kg_per_s.values[ends], 0.0, atol=1e-9)
    np.testing.assert_allclose(result.pipe_mdot_from_kg_per_s[rack], 0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"zeta": np.ones(3)}, "zeta is .branch, scenario. with 322 rows"),
        ({"mdot_kg_per_s": np.ones((222, 2)), "zeta": np.ones((322, 3))}, "scenarios where others have"),
        ({"friction": "moody"}, "friction 'moody' is none of churchill"),
    ],
)
def test_bad_input_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        twin.pipe_flow(loop(), **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"held": np.full(222, np.nan)}, "no junction whose pressure is given"),
        ({"diameter": np.zeros(322)}, "Ms0: diameter out of range"),
        ({"min_flow": np.full(322, 2.0), "max_flow": np.full(322, 1.0)}, "Ms0: flow bounds out of range"),
    ],
)
def test_networks_that_cannot_be_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(loop(), **change)


def test_a_loop_file_of_another_format_is_refused(tmp_path):
    for text, message in (
        ("{}", "not a facility-loop/1 file"),
        ('{"format": "loop/2"}', "'loop/2' is not facility-loop/1"),
    ):
        path = tmp_path / "loop.json"
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            twin.pipe_flow(path)
