"""Power flow: closed forms, conservation, islands, reference solutions."""

from pathlib import Path

import numpy as np
import pytest
from twin.kernels import power_flow

CASE = Path(__file__).parents[1] / "cases" / "facility_150"


def feeder(series, n=2, start=(0,), end=(1,), shunt=0.0, ratio=1.0, slack=(0,)):
    shape = (len(start), 1)
    series = np.broadcast_to(np.asarray(series, complex), np.broadcast_shapes(np.shape(series), shape))
    shunt, ratio = np.full(shape, shunt, complex), np.full(shape, ratio, complex)
    return power_flow.Network(n, np.array(start), np.array(end), series, shunt, shunt, ratio, np.array(slack))


def facility():
    """The network of the case on `base` MVA, its load and its branches' pi model."""
    t = np.load(CASE / "network.npz")
    base, kv = t["load__p_mw"].sum(), t["bus__vn_kv"]
    impedance = kv[t["line__from"]] ** 2 / base
    line = impedance / (t["line__r_ohm"] + 1j * t["line__x_ohm"])
    charging = 1j * np.pi * 60 * t["line__c_nf"] * 1e-9 * impedance
    scale = base / t["trafo__sn_mva"] * (t["trafo__vn_lv_kv"] / kv[t["trafo__lv"]]) ** 2
    z, r = t["trafo__vk_percent"] / 100, t["trafo__vkr_percent"] / 100
    trafo = 1 / ((r + 1j * np.sqrt(z**2 - r**2)) * scale)
    y, g = t["trafo__i0_percent"] / 100, t["trafo__pfe_kw"] / 1e3 / t["trafo__sn_mva"]
    magnetising = (g - 1j * np.sqrt(y**2 - g**2)) / (2 * scale)
    ratio = t["trafo__vn_hv_kv"] / kv[t["trafo__hv"]] / (t["trafo__vn_lv_kv"] / kv[t["trafo__lv"]])
    column = [
        a[:, None] for a in (np.r_[line, trafo], np.r_[charging, magnetising], np.r_[np.ones(len(line)), ratio] + 0j)
    ]
    start, end = np.r_[t["line__from"], t["trafo__hv"]], np.r_[t["line__to"], t["trafo__lv"]]
    network = power_flow.Network(len(kv), start, end, column[0], column[1], column[1], column[2], t["source__bus"])
    power = np.zeros((len(kv), 1), complex)
    np.add.at(power, t["load__bus"], (t["load__p_mw"] + 1j * t["load__q_mvar"])[:, None] / base)
    return network, power, t["source__vm_pu"][:, None] + 0j, base


@pytest.mark.parametrize("power", [0, 0.1, 0.5 + 0.2j, -0.4 + 0.1j])
def test_two_buses_satisfy_the_biquadratic(power):
    impedance = 0.02 + 0.06j
    result = power_flow.solve(feeder([[1 / impedance]]), [[1.05]], np.array([[0], [power]]), tolerance=1e-13)
    b = 2 * np.real(np.conj(impedance) * power) - 1.05**2
    square = (-b + np.sqrt(b**2 - 4 * abs(impedance * power) ** 2)) / 2
    assert result.converged.all()
    np.testing.assert_allclose(abs(result.voltage[1]) ** 2, square, atol=1e-11)


def test_direct_current_is_the_real_case():
    resistance, power = 0.05, np.linspace(-1, 3, 9)
    result = power_flow.solve(feeder([[1 / resistance]]), [[1.0]], np.stack((0 * power, power)), tolerance=1e-13)
    np.testing.assert_allclose(result.voltage[1], (1 + np.sqrt(1 - 4 * resistance * power)) / 2, atol=1e-11)


def test_tap_divides_the_voltage():
    result = power_flow.solve(feeder([[10 - 30j]], ratio=1.1), [[1.1]], np.zeros((2, 1)))
    np.testing.assert_allclose(result.voltage[1], 1.0)


def test_facility_equals_its_reference():
    network, power, slack, base = facility()
    expected = np.load(CASE / "solution.npz")
    result = power_flow.solve(network, slack, power, tolerance=1e-12)
    np.testing.assert_allclose(abs(result.voltage[:, 0]), expected["vm_pu"], atol=1e-9)
    np.testing.assert_allclose(np.degrees(np.angle(result.voltage[:, 0])), expected["va_deg"], atol=1e-8)
    source = base * power_flow.slack_power(network, result.voltage, power)[0, 0]
    np.testing.assert_allclose([source.real, source.imag], [expected["source_p_mw"], expected["source_q_mvar"]], 1e-9)
    loss = base * sum(power_flow.branch_power(network, result.voltage)).real.ravel()
    np.testing.assert_allclose(loss, np.r_[expected["line_loss_mw"], expected["trafo_loss_mw"]], atol=1e-9)


def test_scenarios_of_the_facility_equal_their_reference_and_singles_bitwise():
    network, power, slack, _ = facility()
    rng = np.random.default_rng(1)
    bus = np.load(CASE / "network.npz")["load__bus"]
    common, own = rng.uniform(0.3, 1.1, (10000, 1)), rng.uniform(0.9, 1.1, (10000, len(bus)))
    power = np.repeat(power, 20, axis=1)
    power[bus] *= (common * own)[:20].T
    result = power_flow.solve(network, slack, power)
    np.testing.assert_allclose(result.voltage.T, np.load(CASE / "solution.npz")["scen_v"], atol=1e-9)
    assert result.iterations.max() <= 15
    for s in range(20):
        one = power_flow.solve(network, slack, power[:, s : s + 1])
        np.testing.assert_array_equal(one.voltage[:, 0], result.voltage[:, s])
        losses = [sum(power_flow.branch_power(network, v)) for v in (one.voltage, result.voltage)]
        np.testing.assert_array_equal(losses[0][:, 0], losses[1][:, s])


def test_power_is_conserved():
    network, power, slack, _ = facility()
    voltage = power_flow.solve(network, slack, power, tolerance=1e-13).voltage
    loss = sum(power_flow.branch_power(network, voltage)).sum()
    np.testing.assert_allclose(power_flow.slack_power(network, voltage, power).sum(), loss + power.sum(), atol=1e-9)


def test_nan_and_collapse_stay_alone():
    network, power, slack, _ = facility()
    power = np.repeat(power, 40, axis=1)
    good = power_flow.solve(network, slack, power)
    power[100, 3], power[:, 20] = np.nan, 1e3 * power[:, 20]
    bad = power_flow.solve(network, slack, power)
    assert np.flatnonzero(~bad.converged).tolist() == [3, 20]
    others = np.delete(np.arange(40), [3, 20])
    np.testing.assert_array_equal(bad.voltage[:, others], good.voltage[:, others])


def test_buses_without_supply_are_not_energised():
    series = np.array([[10.0, 10, 0, 10], [10, 0, 10, 10]]) + 0j
    slack = np.array([[1.0, 1, 1, 0]])
    result = power_flow.solve(feeder(series, 3, (0, 1), (1, 2)), slack, np.full((3, 1), 0.1))
    assert result.converged.all()
    assert result.energised.T.tolist() == [[True] * 3, [True, True, False], [True, False, False], [False] * 3]
    assert (result.voltage[~result.energised] == 0).all()
    full = power_flow.solve(feeder([[10], [10]], 3, (0, 1), (1, 2)), [[1.0]], np.full((3, 1), 0.1))
    np.testing.assert_array_equal(result.voltage[:, :1], full.voltage)


def test_islands_keep_to_themselves():
    alone = power_flow.solve(feeder([[20.0]]), [[1.0]], np.array([[0], [0.5]]))
    both = power_flow.solve(
        feeder([[20.0], [5.0]], 4, (0, 2), (1, 3), slack=(0, 2)), [[1.0], [0.9]], np.array([[0], [0.5], [0], [0.3]])
    )
    np.testing.assert_allclose(both.voltage[:2], alone.voltage, atol=1e-10)
