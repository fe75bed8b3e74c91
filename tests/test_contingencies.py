"""Loss of branches of networks with generators: each answer is the power flow of the network without the branch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import twin
from twin.networks import power
from twin.networks.power import STATES, contingencies, read_power_network
from twin.readers import pandapower
from twin.readers.records import PQ, PV, SLACK, PowerNetwork

CASES = Path(__file__).parent / "cases" / "ieee"


def case(name):
    return read_power_network(CASES / f"{name}.m")


def european(name, folder):
    """A network that comes with pandapower."""
    pp = pytest.importorskip("pandapower")
    networks = pytest.importorskip("pandapower.networks")
    pp.to_json(getattr(networks, name)(), str(folder / f"{name}.json"))
    return pandapower.read(folder / f"{name}.json")


def narrow(net):
    """Reactive limits 0.02 pu beside what generators give; every fourth is above its own, every fourth below."""
    q = twin.power_flow(net)["gen_q_mvar"].values[:, 0] / net.base_mva
    holds, moved = net.kind[net.gen_bus] == PV, q + 0.025 * np.resize([0, -1, 0, 1], len(q))
    return replace(
        net, gen_max_q=np.where(holds, moved + 0.02, np.inf), gen_min_q=np.where(holds, moved - 0.02, -np.inf)
    )


def outages(net, lost, limited=False, tolerance=1e-8):
    """Voltages (bus, outage), 0 without supply, and success."""
    parts = list(power._outages(net, np.asarray(lost), limited, tolerance))
    voltage = np.concatenate([np.where(p.energised, p.voltage, 0) for p in parts], axis=1)
    return voltage, np.concatenate([p.converged for p in parts])


def alone(net, branch, limited=False):
    """The same as one power flow without the branch."""
    result = twin.power_flow(replace(net, in_service=net.in_service & (np.arange(len(net.start)) != branch)),
        enforce_q_limits=limited)  # fmt: skip
    voltage = result["vm_pu"].values[:, 0] * np.exp(1j * np.radians(result["va_degree"].values[:, 0]))
    return np.nan_to_num(voltage), STATES[int(result["status"][0])] == "ok"


def agree(net, lost, limited=False, atol=1e-8):
    """The number of outages that are solved, all of them as power flows are."""
    voltage, good = outages(net, lost, limited)
    for k, branch in enumerate(lost):
        expected, solved = alone(net, branch, limited)
        assert good[k] == solved, f"branch {branch}"
        if solved:
            np.testing.assert_allclose(voltage[:, k], expected, rtol=0, atol=atol, err_msg=f"branch {branch}")
    return int(good.sum())


@pytest.mark.parametrize("name", ["case14", "case30", "case118"])
def test_every_loss_is_the_power_flow_without_the_branch(name):
    net = case(name)
    assert agree(net, np.flatnonzero(net.in_service)) == net.in_service.sum()


@pytest.mark.parametrize(("name", "step"), [("case14", 1), ("case30", 1), ("case118", 6)])
def test_within_reactive_limits_too(name, step):
    net = narrow(case(name))
    lost = np.flatnonzero(net.in_service)[::step]
    solved = agree(net, lost, limited=True)
    within, good = outages(net, lost, limited=True)
    beyond, also = outages(net, lost)
    moved = np.abs(within - beyond)[:, good & also].max(axis=0) > 1e-4
    assert 0.5 * len(lost) < solved and 0.9 * solved < moved.sum()
    holds = net.kind == PV
    held = [np.isclose(np.abs(v[holds & (v != 0)]), np.abs(b[holds & (v != 0)]), atol=1e-9).mean()
            for v, b in zip(within[:, good].T, beyond[:, good].T, strict=True)]  # fmt: skip
    assert len(np.unique(np.round(held, 3))) > 3, "different generators at their limits"


def test_limits_that_are_far_change_nothing():
    net = case("case30")
    wide = replace(net, gen_max_q=np.full(len(net.gen_bus), 1e3), gen_min_q=np.full(len(net.gen_bus), -1e3))
    every = np.flatnonzero(net.in_service)
    np.testing.assert_array_equal(outages(wide, every, True)[0], outages(net, every)[0])


def test_a_large_network_as_power_flows_one_by_one(tmp_path):
    net = european("case1354pegase", tmp_path)
    lost = np.flatnonzero(net.in_service)[3::71]
    assert agree(net, lost) == len(lost) == 28


@pytest.mark.slow
def test_a_very_large_network_as_power_flows_one_by_one(tmp_path):
    net = european("case9241pegase", tmp_path)
    lost = np.flatnonzero(net.in_service)[3::400]
    assert agree(net, lost) == len(lost) == 41


@pytest.mark.slow
def test_a_large_network_within_its_reactive_limits(tmp_path):
    net = european("case1354pegase", tmp_path)
    lost = np.flatnonzero(net.in_service)[::40]
    assert agree(net, lost, limited=True) == len(lost) == 50


def test_losses_equal_pandapowers():
    pp, networks = pytest.importorskip("pandapower"), pytest.importorskip("pandapower.networks")
    net = networks.case14()
    mine = pandapower_network(net, pp)
    voltage, good = outages(mine, np.arange(len(mine.start)))
    assert good.all()
    for k, (table, row) in enumerate(
        [*(("line", r) for r in net.line.index), *(("trafo", r) for r in net.trafo.index)]
    ):
        net[table].loc[row, "in_service"] = False
        pp.runpp(net, tolerance_mva=1e-9, numba=False, trafo_model="t")
        net[table].loc[row, "in_service"] = True
        expected = net.res_bus.vm_pu.values * np.exp(1j * np.radians(net.res_bus.va_degree.values))
        np.testing.assert_allclose(voltage[:, k], np.nan_to_num(expected), rtol=0, atol=1e-8)


def pandapower_network(net, pp):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        pp.to_json(net, str(Path(folder) / "net.json"))
        return pandapower.read(Path(folder) / "net.json")


@pytest.mark.parametrize("limited", [False, True])
def test_bits_do_not_depend_on_which_outages_are_asked_for_or_at_once(monkeypatch, limited):
    net = narrow(case("case30"))
    every = np.flatnonzero(net.in_service)
    whole, good = outages(net, every, limited)
    chosen = np.random.default_rng(1).permutation(len(every))[:17]
    part, also = outages(net, every[chosen], limited)
    np.testing.assert_array_equal(part, whole[:, chosen])
    np.testing.assert_array_equal(also, good[chosen])
    monkeypatch.setattr(power, "AT_ONCE", 5 * len(net.start))
    np.testing.assert_array_equal(outages(net, every, limited)[0], whole)
    np.testing.assert_array_equal(outages(net, every[3:4], limited)[0], whole[:, 3:4])


def ring(**more):
    """Slack, load, generator in a ring; behind a bridge a load with a generator of its own."""
    start, end = np.array([(0, 1), (1, 2), (2, 0), (2, 3), (3, 4)]).T
    zero, ones = np.zeros(5, complex), np.ones(3)
    fields = dict(
        name="ring", base_mva=10.0, bus=np.arange(5) + 1, vn_kv=np.full(5, 20.0),
        kind=np.array([SLACK, PQ, PV, PQ, PV]), load=np.array([0, 0.3 + 0.1j, 0.1, 0.25, 0.05]), shunt=zero,
        start=start, end=end, branch=np.array(["a", "b", "c", "d", "e"]), trafo=np.zeros(5, bool),
        series=np.full(5, 1 / (0.01 + 0.05j)), charging=np.full(5, 0.01j), ratio=np.ones(5, complex),
        rating=np.full(5, 1.0), in_service=np.ones(5, bool), gen_bus=np.array([0, 2, 4]),
        gen_power=np.array([0, 0.2, 0.1]), gen_voltage=np.array([1.0, 1.01, 1.02]), gen_min_q=-ones, gen_max_q=ones,
        gen_in_service=np.ones(3, bool), initial=np.ones(5, complex),
    )  # fmt: skip
    return PowerNetwork(**(fields | more))


def test_what_a_bridge_feeds_is_told_as_unserved():
    result = contingencies(ring())
    np.testing.assert_allclose(result["unserved_mw"], [0, 0, 0, 3.0, 0.5], atol=1e-12)
    assert (result["status"] == 0).all()
    assert result["contingency"].values.tolist() == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("limited", [False, True])
def test_the_dataset_tells_what_power_flows_do(limited):
    net = narrow(ring()) if limited else ring()
    result = contingencies(net, enforce_q_limits=limited)
    for k in range(5):
        flow = twin.power_flow(replace(net, in_service=np.arange(5) != k), enforce_q_limits=limited)
        vm_pu, loading = flow["vm_pu"].values[:, 0], flow["line_loading_percent"].values[:, 0].copy()
        loading[k] = -1
        assert result["vm_min_pu"].values[k] == pytest.approx(np.nanmin(vm_pu), abs=1e-8)
        assert result["vm_min_bus"].values[k] == net.bus[np.nanargmin(vm_pu)]
        assert result["loading_max_percent"].values[k] == pytest.approx(np.nanmax(loading), rel=1e-6)
        assert result["loading_max_branch"].values[k] == net.branch[np.nanargmax(loading)]


def test_a_loss_without_a_solution_has_a_status_and_the_others_stand():
    heavy = ring(load=np.array([0, 3.0 + 0.4j, 0.1, 0.25, 0.05]), series=np.full(5, 1 / 0.25j))
    result = contingencies(heavy)
    told = [STATES[int(s)] for s in result["status"]]
    assert told == ["not_converged", "not_converged", "not_converged", "ok", "ok"]
    assert np.isnan(result["vm_min_pu"].values[:3]).all() and np.isfinite(result["vm_min_pu"].values[3:]).all()
    assert result["unserved_mw"].values[3] == pytest.approx(3.0)


def test_a_base_case_without_a_solution_leaves_each_loss_to_a_power_flow():
    """The load is more than the ring carries, and the loss of the bridge takes enough of it."""
    net = ring(load=np.array([0, 0.3 + 0.1j, 0.1, 25.0, 0.05]))
    result = contingencies(net)
    assert [STATES[int(s)] for s in result["status"]] == ["not_converged"] * 3 + ["ok", "not_converged"]
    assert result["unserved_mw"].values[3] == pytest.approx(250.5)


def test_limits_that_a_file_does_not_allow_to_follow_are_refused():
    net = replace(ring(), refuses=(("enforce_q_limits", "no limits in the file"),))
    with pytest.raises(ValueError, match="ring: enforce_q_limits: no limits in the file"):
        contingencies(net, enforce_q_limits=True)
    assert len(contingencies(net)["status"]) == 5


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        contingencies(tmp_path / "none.m")
    with pytest.raises(ValueError, match=r"'\.txt' is neither \.m"):
        (tmp_path / "case.txt").write_text("x")
        contingencies(tmp_path / "case.txt")


def test_a_large_network_is_solved_within_its_reactive_limits(tmp_path):
    """Newton goes on from the last solution when generators change; from the file's angles it came to nothing."""
    net = european("case1354pegase", tmp_path)
    result, free = twin.power_flow(net, enforce_q_limits=True), twin.power_flow(net)
    assert STATES[int(result["status"][0])] == "ok"
    left = np.abs(result["vm_pu"] - free["vm_pu"]).values[net.kind == PV, 0] > 1e-9
    assert left.sum() == 25
    assert (result["vm_pu"].values[net.kind == PV, 0][left] < free["vm_pu"].values[net.kind == PV, 0][left]).any()


@pytest.mark.parametrize("name", ["case14", "case30", "case118"])
def test_generators_hold_their_voltage_or_stand_at_the_limit_that_keeps_them_from_it(name):
    net = narrow(case(name))
    result = twin.power_flow(net, enforce_q_limits=True)
    holds = net.kind[net.gen_bus] == PV
    q, lowest, highest = result["gen_q_mvar"].values[:, 0] / net.base_mva, net.gen_min_q, net.gen_max_q
    short = net.gen_voltage - result["vm_pu"].values[net.gen_bus, 0]
    assert (lowest - 1e-7 <= q).all() and (q <= highest + 1e-7).all()
    np.testing.assert_allclose(q[holds & (short > 1e-7)], highest[holds & (short > 1e-7)], atol=1e-9)
    np.testing.assert_allclose(q[holds & (short < -1e-7)], lowest[holds & (short < -1e-7)], atol=1e-9)
    assert 0 < (np.abs(short[holds]) > 1e-7).sum() < holds.sum()


@pytest.mark.parametrize("name", ["case14", "case30", "case118"])
@pytest.mark.parametrize("limited", [False, True])
def test_what_has_a_solution_is_solved_together(monkeypatch, name, limited):
    """Next to nothing but what fails is left to a power flow of its own."""
    net, one_by_one, alone = narrow(case(name)) if limited else case(name), power._one_by_one, []
    lost = np.flatnonzero(net.in_service)
    monkeypatch.setattr(
        power, "_one_by_one", lambda net, lost, *more: alone.extend(lost) or one_by_one(net, lost, *more)
    )
    _, good = outages(net, lost, limited)
    assert set(lost[~good]) <= set(alone)
    assert len(alone) - (~good).sum() <= 0.01 * len(lost)
