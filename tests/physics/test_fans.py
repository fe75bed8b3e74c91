"""Fans of rooms and racks: the affinity laws, staging, and the heat and the weight of what they move.

Flow follows speed, power its cube and the density [ASHRAE HVAC S&E (2020), ch. 21: fan laws 1a and 1c].
"""

import numpy as np
import pytest
from physics.benches import bench, holder, limit, mover, of

import twin

DENSITY = 101325.0 * 1.008 / (287.042 * 297.15 * (1 + 0.008 / 0.621945))
"""Of room air at 24 degC and 8 g/kg at sea level, kg/m3 [ASHRAE Fundamentals, ch. 1, eq. 26]: 1.182."""
CP = 1006.0


def hall(rack, wall="", room="recirculation: 0, bypass: 0", scenarios=None, kind="fan_wall"):
    """One rack and one group of fans in a room on chilled water of 12 degC."""
    layout = bench(
        f"hall: {{type: room, {room}}}\n"
        + f"rack: {{type: rack, nameplate: 50 kW, cords: 1, room: hall, shelf_fixed_loss: 0, "
        f"shelf_proportional_loss: 0, shelf_square_loss: 0, {rack}}}\n"
        + f"wall: {{type: {kind}, room: hall, set_point: 20 degC, air_flow: 4 m3/s, water_flow: 4 kg/s{wall}}}\n"
        + holder(12)
        + "pump: {type: pump, head: 60 kPa, rated_flow: 20 L/s}",
        "cool.out > wall.supply\nwall.return > pump.in\npump.out > cool.in\ntank.port > cool.out",
    )
    return twin.solve(layout, scenarios or {})


STEADY = "it_power: 30 kW, other_power: 1 kW, min_fan_speed: 1, air_flow: 2 m3/s"
"""A rack that draws its rated air flow whatever it draws of power."""


def test_a_fan_wall_at_half_flow_takes_an_eighth_of_its_power():
    drawn = np.array([4.0, 2.0, 1.0])
    result = hall(STEADY, ", fan_power: 8 kW, min_fan_speed: 0.1", scenarios={"rack.air_flow": drawn})
    np.testing.assert_allclose(of(result, "crah_air_flow"), drawn * DENSITY, rtol=1e-6)
    np.testing.assert_allclose(
        of(result, "crah_fan_power"), 8e3 * DENSITY / 1.2 * np.array([1, 1 / 8, 1 / 64]), rtol=1e-6
    )


def test_fans_do_not_turn_slower_than_their_least_speed():
    result = hall(STEADY, ", fan_power: 8 kW, min_fan_speed: 0.4", scenarios={"rack.air_flow": [0.5]})
    assert of(result, "crah_air_flow") == pytest.approx(0.4 * 4 * DENSITY, rel=1e-6)
    assert of(result, "crah_fan_power") == pytest.approx(8e3 * DENSITY / 1.2 * 0.064, rel=1e-6)
    default = hall(STEADY, ", fan_power: 8 kW", scenarios={"rack.air_flow": [0.5]})
    assert of(default, "crah_fan_power") == pytest.approx(8e3 * DENSITY / 1.2 * 0.027, rel=1e-6)


def test_the_fewest_fans_run_and_share_the_flow():
    """Of four units of 4 m3/s one carries 3.9, two 4.1, three 9 m3/s, and four no more than 16."""
    drawn = np.array([3.9, 4.1, 9.0, 16.0, 20.0])
    result = hall(STEADY, ", units: 4, fan_power: 8 kW", scenarios={"rack.air_flow": drawn})
    units, carried = np.array([1, 2, 3, 4, 4]), np.minimum(drawn, 16.0)
    assert of(result, "crah_running").tolist() == units.tolist()
    np.testing.assert_allclose(of(result, "crah_air_flow"), carried * DENSITY, rtol=1e-6)
    speed = carried / (4 * units)
    np.testing.assert_allclose(of(result, "crah_fan_power"), units * 8e3 * DENSITY / 1.2 * speed**3, rtol=1e-6)
    asked, most = limit(result, "crah_air_flow", "wall")
    np.testing.assert_allclose(asked, drawn / 16, rtol=1e-6)
    np.testing.assert_array_equal(most, 1.0)


def test_the_power_of_room_fans_warms_the_air_before_their_coil():
    result = hall(STEADY, ", fan_power: 10 kW", scenarios={"rack.air_flow": [4.0]})
    power = of(result, "crah_fan_power")
    assert of(result, "crah_duty") == pytest.approx(30e3 + power, rel=1e-6)
    rise = of(result, "room_return_temperature") - of(result, "crah_supply_temperature")
    assert rise == pytest.approx(30e3 / (CP * 4 * DENSITY), rel=1e-6)
    assert of(result, "crah_supply_temperature") == pytest.approx(293.15)


@pytest.mark.parametrize(("kind", "power"), [("crah", 4e3), ("fan_wall", 2.5e3)])
def test_what_fans_take_unless_stated(kind, power):
    result = hall(STEADY, kind=kind, scenarios={"rack.air_flow": [4.0]})
    assert of(result, "crah_fan_power") == pytest.approx(power * DENSITY / 1.2, rel=1e-6)


# ---- fans in racks -----------------------------------------------------------------------------------------------

BLOWN = "other_power: 20 kW, inner_power: 0 W, fan_power: 2 kW, air_flow: 2 m3/s, air_rise: 12 K, min_fan_speed: 0.2"


def test_rack_fans_hold_the_rise_of_their_air_and_take_the_cube_of_their_speed():
    """s = P / (cp m dT), P = load + P_fan s³."""
    load = np.array([10e3, 20e3, 25e3])
    result = hall(BLOWN, scenarios={"rack.other_power": load})
    power, speed = of(result, "rack_power"), of(result, "rack_air_flow") / (2 * DENSITY)
    np.testing.assert_allclose(power - load, 2e3 * DENSITY / 1.2 * speed**3, rtol=1e-6)
    np.testing.assert_allclose(speed, power / (CP * 2 * DENSITY * 12), rtol=1e-6)
    assert (speed > 0.2).all() and (speed < 1).all()
    inlet, outlet = of(result, "rack_inlet_temperature"), of(result, "room_return_temperature")
    np.testing.assert_allclose((outlet - inlet)[1:], 12.0, atol=1e-4)  # at 10 kW room fans at their least mix in


def test_rack_fans_turn_between_their_least_and_their_full_speed():
    load = np.array([1e3, 60e3])
    result = hall(BLOWN, scenarios={"rack.other_power": load})
    np.testing.assert_allclose(of(result, "rack_air_flow"), np.array([0.2, 1.0]) * 2 * DENSITY, rtol=1e-6)
    fan = 2e3 * DENSITY / 1.2
    np.testing.assert_allclose(of(result, "rack_power") - load, [fan * 0.008, fan], rtol=1e-6)


def test_a_heat_sink_resists_by_the_air_flow_to_the_eight_tenths():
    """R = R_rated (m_rated / m)^0.8, rated in air of 1.2 kg/m3 [Incropera, 7th ed., eq. 8.60: Nu ~ Re^0.8].

    The sink stands in air that a tenth of the flow each has warmed half way: 1 / (2 m cp).
    """
    chip = "accelerators: 10, chip_power: 500 W, chip_idle: 0 W, leakage_share: 0, junction_to_case: 0.01 K/W, "
    chip += "sink_resistance: 0.04 K/W, throttle_temperature: 140 degC, air_flow: 1 m3/s, air_rise: 8 K, "
    chip += "min_fan_speed: 0.1"
    result = hall(chip, scenarios={"rack.other_power": [0.0, 1e3, 2e3]})
    moved = of(result, "rack_air_flow")
    assert moved.min() < 0.7 and moved.max() < 1.1 * DENSITY
    resistance = (of(result, "rack_junction_temperature") - of(result, "rack_inlet_temperature")) / 500
    np.testing.assert_allclose(resistance, 0.04 * (1.2 / moved) ** 0.8 + 0.5 / (moved / 10 * CP) + 0.01, rtol=1e-5)


# ---- the worst chip ----------------------------------------------------------------------------------------------


def test_the_worst_chip_lacks_flow_draws_more_and_has_the_worst_interface():
    """R = R_s + c / k + 1 / (2 m cp (1 - y)) + R_jc (1 + z), times (1 + w) the power: 20 plates share 0.4 L/s."""
    rack = "type: liquid_rack, nameplate: 10 kW, cords: 1, liquid_fraction: 1, accelerators: 20, plates: 20, "
    rack += "chip_power: 400 W, chip_idle: 0 W, leakage_share: 0, junction_to_case: 0.02 K/W, "
    rack += "throttle_temperature: 140 degC, tray_drop: 1 Pa"
    layout = bench(
        holder(25) + f"rack: {{{rack}}}\n" + mover(4e-4),
        "cool.out > rack.supply\nrack.return > pump.in\npump.out > cool.in\ntank.port > cool.out",
    )
    one = np.eye(3) * [0.2, 0.1, 0.3]
    names = ("maldistribution", "power_spread", "interface_spread")
    scenarios = {
        f"rack.{n}": np.r_[0.0, one[:, i], one.sum(axis=0)[i], default]
        for i, (n, default) in enumerate(zip(names, (0.05, 0.05, 0.10), strict=True))
    }
    found = twin.solve(layout, scenarios)
    y, w, z = (np.array(scenarios[f"rack.{n}"]) for n in names)
    plate = of(found, "rack_flow") / 20
    C = (
        of(found, "rack_heat_to_liquid")
        / (of(found, "rack_return_temperature") - of(found, "rack_supply_temperature"))
        / 20
    )
    np.testing.assert_allclose(C / plate, 4180, rtol=2e-3)
    k = 0.606629
    inlet = of(found, "rack_supply_temperature")
    mean = 0.0021 + 0.0071 / k + 0.5 / C + 0.02
    np.testing.assert_allclose(of(found, "rack_junction_temperature") - inlet, 400 * mean, rtol=1e-4)
    worst = (0.0021 + 0.0071 / k + 0.5 / (C * (1 - y)) + 0.02 * (1 + z)) * (1 + w)
    np.testing.assert_allclose(of(found, "rack_worst_junction_temperature") - inlet, 400 * worst, rtol=1e-4)
    plain = twin.solve(layout)
    rise = of(plain, "rack_worst_junction_temperature") - of(plain, "rack_supply_temperature")
    assert rise == pytest.approx(400 * worst[-1], rel=1e-4)
