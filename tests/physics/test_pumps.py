"""Pumps: curve, affinity, parallel numbers, staging, efficiency, and where their power goes, by closed forms.

Curve of one pump at speed s: p = s² p0 (1 - a x² - b x⁴), x = V / (s V_r) [affinity laws: ASHRAE HVAC S&E, ch. 44].
"""

import numpy as np
import pytest
from physics.benches import bench, holder, limit, of

import twin

P0, VR, A, B = 500e3, 0.02, 0.61, 0.13
"""The shape of the Vertiv XDU1350's published head: 1 - 0.61 x² - 0.13 x⁴."""
PUMP = "type: pump, shutoff: 500 kPa, rated_flow: 20 L/s, quadratic: 0.61, quartic: 0.13, pump_efficiency: 0.7, "
PUMP += "drive_efficiency: 0.9, stage_up: 2"
RING = "cool.out > load.in\nload.out > pump.in\npump.out > cool.in\ntank.port > cool.out"
CP, RHO = 4180.74, 997.137
"""Water at 25 degC, IAPWS-95."""


def station(more, load="{type: valve, flow_coefficient: 72 m3/h}", scenarios=None):
    return twin.solve(bench(holder(25) + f"load: {load}\npump: {{{PUMP}, {more}}}", RING), scenarios or {})


def volume(result):
    return of(result, "pump_flow") / RHO


def inner(v):
    """What a station itself loses: 1 % of the shut-off head at the rated flow of one pump, in water of 1,000 kg/m3."""
    return 0.01 * P0 * RHO / 1000 * (v / VR) ** 2


def outer(result, kv=0.02):
    """Pressure that the valve takes: dp = 1 bar rho / 1,000 kg/m3 (V / K_v)² [IEC 60534-2-1]."""
    return 1e5 * RHO / 1000 * (volume(result) / kv) ** 2


def curve(v, speed=1.0, pumps=1):
    x = v / (pumps * speed * VR)
    return speed**2 * P0 * (1 - A * x**2 - B * x**4)


@pytest.mark.parametrize("most", [1.0, 0.8])
def test_at_full_speed_a_pump_runs_where_its_curve_meets_the_resistance(most):
    result = station(
        f"control: speed, max_speed: {most}", scenarios={"load.flow_coefficient": [5e-3, 1e-2, 2e-2, 4e-2]}
    )
    v, kv = volume(result), np.array([5e-3, 1e-2, 2e-2, 4e-2])
    np.testing.assert_allclose(curve(v, most), inner(v) + outer(result, kv), rtol=6e-4)
    np.testing.assert_allclose(of(result, "pump_speed"), most)
    np.testing.assert_allclose(of(result, "pump_power"), curve(v, most) * v / 0.7 / 0.9, rtol=1e-3)


def test_the_published_external_head_of_a_cdu_is_its_curve():
    """Vertiv XDU1350 [data sheet SL-70799]: 500, 478, 420, 330, 130 kPa at 0, 25, 50, 75, 100 % flow, within 5 % of p0.

    Read from the layout's own default of the two terms.
    """
    layout = bench(
        holder(25) + "load: {type: valve}\npump: {type: cdu, control: speed, shutoff: 500 kPa, rated_flow: 20 L/s, "
        "tcs_drop: 0 Pa, tcs_fluid: water, stage_up: 2, set_point: 25 degC, expansion: 3 bar}\n"
        "other: {type: expansion_tank}\nfar: {type: air_chiller, set_point: 15 degC, flow: 10 kg/s}\n"
        "mover: {type: pump}",
        """
        pump.tcs_supply > load.in
        load.out > pump.tcs_return
        cool.out > pump.fws_supply
        pump.fws_return > mover.in
        mover.out > cool.in
        tank.port > cool.in
        far.out > far.in
        other.port > far.in
        """,
    ).replace("cool: {type: air_chiller, set_point: 25", "cool: {type: air_chiller, set_point: 20")
    result = twin.solve(
        layout, {"load.flow_coefficient": np.array([0.25, 0.5, 0.75, 1.0]) * 0.02 / np.sqrt([4.78, 4.2, 3.3, 1.3])}
    )
    np.testing.assert_allclose(of(result, "cdu_flow") / RHO / 0.02, [0.25, 0.5, 0.75, 1.0], atol=0.03)


def test_a_station_loses_its_hundredth_by_the_density_of_its_coolant():
    """Nothing else in the ring resists: 5 kPa rho / 1,000 kg/m3 at the rated flow, a quarter of that at half of it."""
    v = np.array([0.01, 0.02])
    for fluid, rho in (("water", RHO), ("pg25", 1017.7745)):
        ring = "cool.out > pump.in\npump.out > cool.in\ntank.port > cool.out"
        layout = bench(holder(25, fluid=fluid) + f"pump: {{{PUMP}, control: flow, flow: 20 L/s}}", ring)
        result = twin.solve(layout, {"pump.flow": v})
        np.testing.assert_allclose(of(result, "pump_flow"), rho * v, rtol=2e-5)
        taken = of(result, "pump_power") * 0.7 * 0.9 / v
        np.testing.assert_allclose(taken, 5e3 * rho / 1000 * (v / VR) ** 2, rtol=3e-4)


def test_a_held_head_is_met_at_the_speed_of_the_affinity_laws():
    """The speed s solves p = s² p0 - a p0 q² - b p0 q⁴ / s²."""
    result = station("control: head, head: 200 kPa", scenarios={"load.flow_coefficient": [2e-3, 6e-3, 9e-3, 1.2e-2]})
    v, s = volume(result), of(result, "pump_speed")
    assert s[0] == pytest.approx(np.sqrt(0.4), rel=0.02) and s[0] < s[1] < s[2] < s[3] < 1
    np.testing.assert_allclose(curve(v, s), 200e3, rtol=1e-4)
    np.testing.assert_allclose(200e3, inner(v) + outer(result, np.array([2e-3, 6e-3, 9e-3, 1.2e-2])), rtol=1e-4)
    np.testing.assert_allclose(of(result, "pump_power"), 200e3 * v / 0.7 / 0.9, rtol=1e-4)


def test_a_pump_without_quartic_term_needs_the_square_root_of_a_sum():
    result = station("control: head, head: 200 kPa", scenarios={"pump.quartic": [0.0], "load.flow_coefficient": [1e-2]})
    v = volume(result)
    np.testing.assert_allclose(of(result, "pump_speed"), np.sqrt(0.4 + A * (v / VR) ** 2), rtol=1e-4)


def test_half_the_speed_moves_half_the_flow_for_an_eighth_of_the_power():
    result = station("control: speed", scenarios={"pump.max_speed": [1.0, 0.5]})
    v, power = volume(result), of(result, "pump_power")
    assert v[0] / v[1] == pytest.approx(2.0, rel=1e-4) and power[0] / power[1] == pytest.approx(8.0, rel=1e-4)


def test_parallel_pumps_share_the_flow():
    """Three on one curve at full speed: each carries a third."""
    result = station("control: speed, pumps: 3, min_pumps: 3", "{type: valve, flow_coefficient: 216 m3/h}")
    v = volume(result)
    np.testing.assert_allclose(curve(v, pumps=3), inner(v) + outer(result, 0.06), rtol=2e-4)
    assert of(result, "pump_running") == 3


def test_the_next_pump_starts_where_the_rule_says():
    """At `stage_up` times the rated flow, or where a pump at full speed holds its head no longer, 2 % before."""
    v = np.array([0.5, 1.19, 1.21, 2.39, 2.41, 9.0]) * VR
    by_flow = station(
        "control: flow, flow: 1 L/s, pumps: 4, max_speed: 1.2",
        scenarios={"pump.flow": v, "pump.stage_up": np.full(6, 1.2), "load.flow_coefficient": np.full(6, 1.0)},
    )
    assert of(by_flow, "pump_running").tolist() == [1, 1, 2, 2, 3, 4]
    # 0.4 p0 is held up to x² = (sqrt(a² + 4 b 0.6) - a) / 2 b: x = 0.918 of the rated flow
    x = np.sqrt((np.sqrt(A**2 + 4 * B * 0.6) - A) / (2 * B))
    kv = np.array([0.97, 0.99]) * x * VR / np.sqrt(2.0 * 1000 / RHO - 0.05 * x**2)
    held = station("control: head, head: 200 kPa, pumps: 2", scenarios={"load.flow_coefficient": kv})
    assert of(held, "pump_running").tolist() == [1, 2]
    np.testing.assert_allclose(volume(held) / VR / x, [0.97, 0.99], rtol=2e-3)


def test_pumps_that_are_too_few_are_told_by_the_speed_they_would_need():
    result = station("control: head, head: 450 kPa, max_speed: 1", "{type: valve, flow_coefficient: 72 m3/h}")
    value, bound = limit(result, "pump_head", "pump")
    q = volume(result) / VR
    needed = np.sqrt(0.5 * (0.9 + A * q**2 + np.sqrt((0.9 + A * q**2) ** 2 + 4 * B * q**4)))
    assert bound == 1.0 and value == pytest.approx(needed, rel=1e-4) and value > 1.05
    more = {"load.flow_coefficient": [1e-2]}
    spare = station("control: head, head: 200 kPa, pumps: 2, max_speed: 1.1", scenarios=more)
    assert of(spare, "pump_running") == 1
    value, _ = limit(spare, "pump_head", "pump")
    q = volume(spare) / VR / 2  # both pumps could run
    needed = np.sqrt(0.5 * (0.4 + A * q**2 + np.sqrt((0.4 + A * q**2) ** 2 + 4 * B * q**4)))
    assert value == pytest.approx(needed / 1.1, rel=1e-4)


def test_a_flow_that_is_not_reached_is_told_by_its_share():
    result = station("control: flow, flow: 40 L/s")
    value, _ = limit(result, "pump_head", "pump")
    assert value == pytest.approx(0.04 / volume(result), rel=1e-4) and value > 1.3
    assert curve(volume(result)) == pytest.approx(inner(volume(result)) + outer(result), rel=6e-4)


def test_shaft_power_warms_the_coolant_and_the_drives_loss_the_room():
    layout = bench(
        "hall: {type: room, ventilation: 1 m3/s}\n"
        + holder(25)
        + f"pump: {{{PUMP}, control: flow, flow: 10 L/s, room: hall}}\n"
        + "load: {type: valve, flow_coefficient: 18 m3/h}",
        RING,
    )
    result = twin.solve(layout)
    v, power = 0.01, of(result, "pump_power")
    shaft = power * 0.9
    assert shaft == pytest.approx((inner(v) + outer(result, 0.005)) * v / 0.7, rel=1e-4)
    rise = of(result, "chiller_return_temperature") - of(result, "chiller_supply_temperature")
    assert rise == pytest.approx(shaft / (of(result, "pump_flow") * CP), rel=3e-4)
    room = of(result, "room_return_temperature") - 293.15
    assert room == pytest.approx((power - shaft) / (1.0 * 1.19796 * 1006.0), rel=1e-4)


@pytest.mark.parametrize(("stated", "shaft"), [(9000.0, None), (100.0, 100.0)])
def test_a_cdu_whose_power_is_stated_takes_it_and_warms_its_coolant_by_the_shafts_part(stated, shaft):
    """Frontier's units take a constant 8.47 kW [RAPS]; the shaft takes what the flow needs, or all of it."""
    layout = bench(
        "hall: {type: room, ventilation: 1 m3/s}\n"
        + holder(20)
        + "rack: {type: liquid_rack, it_power: 90 kW, nameplate: 90 kW, liquid_fraction: 1, cords: 1, "
        + "rated_flow: 10 kg/s}\n"
        + "cdu: {type: cdu, control: flow, flow: 10 L/s, tcs_flow: 10 kg/s, tcs_drop: 120 kPa, tcs_fluid: water, "
        + f"constant_power: {stated} W, room: hall, set_point: 25 degC, pump_efficiency: 0.7, shutoff: 900 kPa}}\n"
        + "pump: {type: pump, rated_flow: 30 L/s, head: 100 kPa}",
        """
        cdu.tcs_supply > rack.supply
        rack.return > cdu.tcs_return
        cool.out > cdu.fws_supply
        cdu.fws_return > pump.in
        pump.out > cool.in
        tank.port > cool.in
        """,
    )
    result = twin.solve(layout)
    assert of(result, "cdu_pump_power") == stated
    needed = (120e3 + 80e3) * (of(result, "cdu_flow") / 10) ** 2 * 0.01 / 0.7  # its own drop and the rack's
    wanted = shaft or needed
    room = of(result, "room_return_temperature") - 293.15
    assert (stated - wanted) == pytest.approx(room * 1.19796 * 1006.0, abs=25)
    assert of(result, "cdu_duty") == pytest.approx(90e3 + wanted, abs=25)
