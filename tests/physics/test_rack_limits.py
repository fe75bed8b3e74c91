"""What racks may breathe by ASHRAE's classes at any height, and what coolant they may take and give."""

import numpy as np
import pytest
from physics.benches import bench, holder, limit, mover, of

import twin

K = 273.15
CLASSES = {
    "A1": (15.0, 32.0, 300.0),
    "A2": (10.0, 35.0, 300.0),
    "A3": (5.0, 40.0, 175.0),
    "A4": (5.0, 45.0, 125.0),
    "H1": (5.0, 25.0, 500.0),
}
"""Allowable inlet dry bulb, degC, and metres per kelvin of fall above 900 m [ASHRAE TC 9.9, 2021]."""


@pytest.fixture(scope="module", params=CLASSES)
def hall(request):
    rack = "rack: {type: rack, it_power: 1 kW, nameplate: 1 kW, air_flow: 0.1 m3/s, cords: 1, room: hall, "
    rack += f"air_class: {request.param}}}"
    result = twin.solve(
        bench(f"hall: {{type: room, ventilation: 1 m3/s}}\n{rack}", ""),
        {"site.elevation": [0.0, 900.0, 2000.0, 3000.0]},
    )
    return (*CLASSES[request.param], result)


def test_the_inlet_limit_of_a_class_falls_with_height_above_nine_hundred_metres(hall):
    """At 2,000 m A2 allows 35 - 1,100 / 300 = 31.33 degC."""
    _, most, metres, result = hall
    value, bound = limit(result, "rack_air_inlet", "rack")
    np.testing.assert_allclose(bound - K, [most, most, most - 1100 / metres, most - 2100 / metres], atol=1e-9)
    np.testing.assert_allclose(value, of(result, "rack_inlet_temperature"))


def test_the_inlet_must_not_be_colder_than_its_class_at_any_height(hall):
    least, _, _, result = hall
    value, bound = limit(result, "rack_air_inlet_cold", "rack")
    np.testing.assert_allclose(bound - K, least)
    np.testing.assert_allclose(value, of(result, "rack_inlet_temperature"))


def test_racks_are_of_class_a2_unless_stated_and_without_air_of_none():
    parts = """
        hall: {type: room, ventilation: 1 m3/s}
        rack: {type: rack, it_power: 1 kW, nameplate: 1 kW, air_flow: 0.1 m3/s, cords: 1, room: hall}
        still: {type: rack, it_power: 1 kW, nameplate: 1 kW, air_flow: 0 m3/s, cords: 1, room: hall}
    """
    result = twin.solve(bench(parts, ""))
    assert limit(result, "rack_air_inlet", "rack")[1] == pytest.approx(35 + K)
    names = set(result.margins.element[result.margins.name == "rack_air_inlet"])
    assert names == {"rack"} or not np.isfinite(limit(result, "rack_air_inlet", "still")[1]).any()


def test_coolant_of_racks_has_its_limits():
    """45 degC in and 65 degC out unless stated; the least flow grows with the chips and with their power."""
    layout = bench(
        holder(30)
        + "rack: {type: liquid_rack, it_power: 60 kW, nameplate: 60 kW, liquid_fraction: 1, cords: 1, "
        + "min_flow: 1.2 kg/s, tray_drop: 1 Pa}\n"
        + mover(1e-3),
        "cool.out > rack.supply\nrack.return > pump.in\npump.out > cool.in\ntank.port > cool.out",
    )
    result = twin.solve(layout, {"rack.chip_scale": [1.0, 1.5], "rack.power_scale": [1.0, 1.2]})
    supply, most = limit(result, "coolant_supply", "rack")
    assert (most == 45 + K).all() and supply == pytest.approx(30 + K, abs=1e-3)
    out, most = limit(result, "coolant_return", "rack")
    assert (most == 65 + K).all()
    np.testing.assert_allclose(out - supply, 60e3 * np.array([1, 1.8]) / (4180 * of(result, "rack_flow")), rtol=2e-3)
    flow, least = limit(result, "rack_flow", "rack")
    np.testing.assert_allclose(least, [1.2, 2.16])
    np.testing.assert_allclose(flow, of(result, "rack_flow"))


def test_the_share_of_heat_that_liquid_takes():
    """87 % unless stated; the rest warms the air of the room."""
    layout = bench(
        "hall: {type: room, ventilation: 2 m3/s}\n"
        + holder(30)
        + "rack: {type: liquid_rack, it_power: 50 kW, nameplate: 60 kW, cords: 1, room: hall}\n"
        + mover(1e-3),
        "cool.out > rack.supply\nrack.return > pump.in\npump.out > cool.in\ntank.port > cool.out",
    )
    result = twin.solve(layout)
    assert of(result, "rack_heat_to_liquid") == pytest.approx(43.5e3)
    assert of(result, "heat_to_liquid") == pytest.approx(43.5e3) and of(result, "heat_to_air") == pytest.approx(6.5e3)
    room = of(result, "room_return_temperature") - 293.15
    assert room == pytest.approx(6.5e3 / (2 * 1.19796 * 1006), rel=1e-4)
