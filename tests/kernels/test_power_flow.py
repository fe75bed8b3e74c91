"""Power flow: closed forms, conservation, islands, reference solutions."""

import feeders
import numpy as np
import pytest
from twin.kernels import power_flow

FEEDERS = ["facility_150", "facility_1000/radial", "facility_1000/meshed"]


def feeder(series, n=2, start=(0,), end=(1,), shunt=0.0, ratio=1.0, slack=(0,)):
    shape = (len(start), 1)
    series = np.broadcast_to(np.asarray(series, complex), np.broadcast_shapes(np.shape(series), shape))
    shunt, ratio = np.full(shape, shunt, complex), np.full(shape, ratio, complex)
    return power_flow.Network(n, np.array(start), np.array(end), series, shunt, shunt, ratio, np.array(slack))


def facility(name="facility_150"):
    """The network of a case, its load, its slack voltage, and the base in MVA."""
    f = feeders.feeder(name)
    return f.network, f.power, f.slack, f.base


def slack_power(network, voltage, power):
    """Complex power [pu] that each slack bus injects, (k, S): what enters its branches, and its own load."""
    at_start, at_end = power_flow.branch_power(network, voltage)
    total = np.array(np.broadcast_to(power, voltage.shape), complex)
    for ends, flow in ((network.start, at_start), (network.end, at_end)):
        rows = np.flatnonzero(np.isin(ends, network.slack))
        np.add.at(total, ends[rows], flow[rows])
    return total[network.slack]


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


@pytest.mark.parametrize("name", FEEDERS)
@pytest.mark.parametrize("linearised", [False, True], ids=["fixed point", "chord"])
def test_facility_equals_its_reference(name, linearised):
    network, power, slack, base = facility(name)
    expected = feeders.tables(name)[1]
    result = power_flow.solve(network, slack, power, tolerance=1e-12, base=power if linearised else None)
    np.testing.assert_allclose(abs(result.voltage[:, 0]), expected["vm_pu"], atol=1e-9)
    np.testing.assert_allclose(np.degrees(np.angle(result.voltage[:, 0])), expected["va_deg"], atol=1e-8)
    source = base * slack_power(network, result.voltage, power)[0, 0]
    np.testing.assert_allclose([source.real, source.imag], [expected["source_p_mw"], expected["source_q_mvar"]], 1e-9)
    loss = base * sum(power_flow.branch_power(network, result.voltage)).real.ravel()
    np.testing.assert_allclose(loss, np.r_[expected["line_loss_mw"], expected["trafo_loss_mw"]], atol=1e-8)


@pytest.mark.parametrize("name", FEEDERS)
def test_scenarios_of_the_facility_equal_their_reference_and_singles_bitwise(name):
    f = feeders.feeder(name)
    expected = f.expected["scen_v"]
    count = len(expected)
    power = np.repeat(f.power, count, axis=1)
    power[f.tables["load__bus"]] *= feeders.load_cases(f.tables, count)
    for base in (None, f.power):
        result = power_flow.solve(f.network, f.slack, power, base=base)
        np.testing.assert_allclose(result.voltage.T, expected, atol=1e-9)
        assert result.iterations.max() <= 15
        for s in range(count):
            one = power_flow.solve(f.network, f.slack, power[:, s : s + 1], base=base)
            np.testing.assert_array_equal(one.voltage[:, 0], result.voltage[:, s])
            losses = [sum(power_flow.branch_power(f.network, v)) for v in (one.voltage, result.voltage)]
            np.testing.assert_array_equal(losses[0][:, 0], losses[1][:, s])


@pytest.mark.parametrize("name", FEEDERS)
def test_the_chord_takes_fewer_steps_than_the_fixed_point(name):
    f = feeders.feeder(name)
    power = f.power * np.linspace(0.3, 1.1, 30)
    steps = [power_flow.solve(f.network, f.slack, power, 1e-8, base=b).iterations.mean() for b in (None, f.power)]
    assert steps[1] <= 0.8 * steps[0]


@pytest.mark.parametrize("scenarios", [1, 20])
@pytest.mark.parametrize("name", ["facility_1000/radial", "facility_1000/meshed"])
def test_single_precision_screens_with_currents_from_injections(name, scenarios):
    f = feeders.feeder(name)
    power = f.power * np.linspace(0.3, 1.1, scenarios)
    exact, screened = (
        power_flow.solve(f.network, f.slack, power, t, base=f.power, precision=p)
        for t, p in ((1e-12, "float64"), (1e-6, "float32"))
    )
    assert screened.converged.all()
    assert np.abs(screened.voltage - exact.voltage).max() < 1e-6
    flows = [power_flow.branch_power(f.network, r.voltage)[0] for r in (exact, screened)]
    size = np.maximum(np.abs(flows[0]), 1e-5)
    assert (np.abs(flows[1] - flows[0]) / size).max() < 1e-5


def test_power_is_conserved():
    network, power, slack, _ = facility()
    voltage = power_flow.solve(network, slack, power, tolerance=1e-13).voltage
    loss = sum(power_flow.branch_power(network, voltage)).sum()
    np.testing.assert_allclose(slack_power(network, voltage, power).sum(), loss + power.sum(), atol=1e-9)


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
