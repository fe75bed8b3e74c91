"""Water coils in air, and rooms of mixed air: recirculation, bypass, excess, ventilation, by hand."""

import numpy as np
import pytest
from physics.benches import bench, counterflow, crossflow, holder, limit, mover, of

import twin

DENSITY = 101325.0 * 1.008 / (287.042 * 297.15 * (1 + 0.008 / 0.621945))
"""Of room air at 24 degC and 8 g/kg, kg/m3 [ASHRAE Fundamentals, ch. 1, eq. 26]: 1.182."""
OUTDOOR = 1.19796
"""Of the weather, 20 degC and wet bulb 15 degC."""
CP = 1006.0
RACK = "type: rack, nameplate: 50 kW, cords: 1, it_power: 30 kW, other_power: 1 kW, min_fan_speed: 1, air_flow: 4 m3/s"


def hall(wall, room="recirculation: 0, bypass: 0", scenarios=None, water="control: flow, flow: 4 L/s", more=""):
    """One rack that draws a steady flow, one cooler on water of 12 degC."""
    layout = bench(
        f"hall: {{type: room, {room}}}\nrack: {{{RACK}, room: hall}}\n"
        + f"wall: {{type: crah, room: hall, air_flow: 4 m3/s, water_flow: 4 kg/s, fan_power: 0 W, {wall}}}\n"
        + more
        + holder(12)
        + f"pump: {{type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, {water}}}",
        "cool.out > wall.supply\nwall.return > pump.in\npump.out > cool.in\ntank.port > cool.out",
    )
    return twin.solve(layout, scenarios or {})


# ---- coils -------------------------------------------------------------------------------------------------------


def ua(rated, air, water, fouling=0.0, balance=0.5, n=0.8):
    """Air film half the water film, both ~ m^0.8: 1/UA = 1/(1.5 UA a^0.8) + 1/(3 UA w^0.8) + R, a and w over rated.

    The air film resists twice as much as the water film, as finned coils do [ASHRAE HVAC S&E (2020), ch. 23], unless
    another balance or exponent is stated.
    """
    return 1 / (1 / ((1 + balance) * rated * air**n) + 1 / ((1 + 1 / balance) * rated * water**n) + fouling)


def check(
    result, rated, kind="crah", air_rated=4.0 * 1.2, water_rated=4.0, fouling=0.0, air=None, law=crossflow, **films
):
    """Compare the duty of coils without valve with that of a law at their flows and inlets."""
    duty, leaving = of(result, f"{kind}_duty"), of(result, f"{kind}_supply_temperature")
    air = of(result, "crah_air_flow") if air is None else air
    water = of(result, f"{kind}_water_flow")
    C_air, C_water = CP * air, 4189.0 * water  # at 12 to 20 degC
    for k in range(len(duty)):
        f = fouling[k] if np.ndim(fouling) else fouling
        e = law(ua(rated, air[k] / air_rated, water[k] / water_rated, f, **films), C_air[k], C_water[k])
        entering = leaving[k] + duty[k] / C_air[k]
        assert duty[k] == pytest.approx(e * min(C_air[k], C_water[k]) * (entering - 285.15), rel=1.5e-3)


def test_a_coil_passes_its_textbook_duty_at_its_rating_and_at_half_of_either_flow():
    flows = {"rack.air_flow": [4.06, 4.0, 2.0, 4.0, 1.5], "pump.flow": np.array([4.0, 4.0, 4.0, 1.0, 0.8]) * 1e-3}
    result = hall("set_point: null, conductance: 6 kW/K", scenarios=flows)
    np.testing.assert_allclose(of(result, "crah_duty"), 30e3, rtol=1e-6)
    check(result, 6e3)


def test_a_coil_may_be_in_counterflow():
    flows = {"pump.flow": np.array([4.0, 1.5]) * 1e-3}
    result = hall("set_point: null, conductance: 6 kW/K, arrangement: counterflow", scenarios=flows)
    check(result, 6e3, law=counterflow)


def test_the_films_of_a_coil_may_be_stated():
    flows = {"rack.air_flow": [4.0, 2.0, 4.0, 2.0], "pump.flow": np.array([4.0, 4.0, 1.0, 1.0]) * 1e-3}
    even = hall("set_point: null, conductance: 6 kW/K, film_balance: 2", scenarios=flows)
    check(even, 6e3, balance=2.0)
    flat = hall("set_point: null, conductance: 6 kW/K, film_exponent: 0.5", scenarios=flows)
    check(flat, 6e3, n=0.5)


def test_units_of_coolers_add_up():
    flows = {"rack.air_flow": [4.0, 4.0, 8.0], "wall.fouling": [0.0, 2e-4, 1e-4]}
    result = hall("set_point: null, conductance: 6 kW/K, units: 2, min_fan_speed: 0.1, area: 10 m2", scenarios=flows)
    fouling = np.array([0.0, 2e-4, 1e-4]) / 20
    check(result, 12e3, air_rated=9.6, water_rated=8.0, fouling=fouling)


def test_fouling_of_a_coil_is_over_the_area_of_a_typical_one():
    result = hall("set_point: null, conductance: 6 kW/K", scenarios={"wall.fouling": [0.0, 1e-4, 5e-4]})
    check(result, 6e3, fouling=np.array([0.0, 1e-4, 5e-4]) / 1.5)
    other = hall("set_point: null, conductance: 6 kW/K, clean_u: 1 kW/m2/K", scenarios={"wall.fouling": [1e-4, 5e-4]})
    check(other, 6e3, fouling=np.array([1e-4, 5e-4]) / 6)


VALVE = "control: head, head: 100 kPa"


def test_the_valve_of_a_coil_takes_just_the_water_that_holds_the_air():
    result = hall("set_point: 20 degC, conductance: 6 kW/K", scenarios={"rack.it_power": [15e3, 30e3]}, water=VALVE)
    np.testing.assert_allclose(of(result, "crah_supply_temperature"), 293.15)
    check(result, 6e3)


def test_the_valve_of_a_coil_leaks_a_fiftieth_and_opens_to_three_times_its_rated_flow():
    little = hall("set_point: 50 degC, conductance: 6 kW/K", scenarios={"rack.it_power": [500.0]}, water=VALVE)
    assert of(little, "crah_water_flow") == pytest.approx(0.02 * 4, rel=1e-6)
    much = hall("set_point: 12.5 degC", water="control: head, head: 1 MPa", scenarios={"rack.it_power": [90e3]})
    assert of(much, "crah_water_flow") == pytest.approx(3 * 4, rel=1e-6)
    stated = "conductance: 6 kW/K, min_opening: 0.05, max_opening: 1.5"
    little = hall(f"set_point: 50 degC, {stated}", scenarios={"rack.it_power": [500.0]}, water=VALVE)
    assert of(little, "crah_water_flow") == pytest.approx(0.05 * 4, rel=1e-6)
    much = hall(
        f"set_point: 12.5 degC, {stated}", water="control: head, head: 1 MPa", scenarios={"rack.it_power": [90e3]}
    )
    assert of(much, "crah_water_flow") == pytest.approx(1.5 * 4, rel=1e-6)
    # wide open it drops 60 kPa at its rated flow
    limited = hall("set_point: 12.5 degC", water="control: head, head: 60 kPa", scenarios={"rack.it_power": [90e3]})
    assert of(limited, "crah_water_flow") == pytest.approx(4, rel=1e-3)


def test_the_capacity_of_coolers_counts_their_units():
    result = hall("set_point: 20 degC, units: 3, capacity: 9 kW", water=VALVE)
    duty, most = limit(result, "crah_capacity", "wall")
    assert most == pytest.approx(27e3) and duty == pytest.approx(30e3)


@pytest.mark.parametrize("door", ["", "set_point: 22 degC, "])
def test_a_rear_door_cools_what_its_rack_exhausts(door):
    """Alone in a room it takes all: its air turns round between rack and door."""
    layout = bench(
        f"hall: {{type: room}}\nrack: {{{RACK}, room: hall}}\n"
        + f"door: {{type: rear_door, {door or 'set_point: null, '}conductance: 5 kW/K, air_flow: 3 m3/s, "
        + "water_flow: 2 kg/s, room: hall, water_drop: 40 kPa}\n"
        + holder(12)
        + "pump: {type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, head: 80 kPa}",
        "rack.exhaust ~ door.inlet\ncool.out > door.supply\ndoor.return > pump.in\n"
        "pump.out > cool.in\ntank.port > cool.out",
    )
    result = twin.solve(layout)
    assert of(result, "rear_door_duty") == pytest.approx(30e3, rel=1e-6)
    check(result, 5e3, "rear_door", 3.0 * 1.2, 2.0, air=of(result, "rack_air_flow"))
    assert of(result, "room_return_temperature") == pytest.approx(of(result, "rear_door_supply_temperature")[0])
    assert of(result, "rack_inlet_temperature") == pytest.approx(of(result, "rear_door_supply_temperature")[0])
    if door:
        assert of(result, "rear_door_supply_temperature") == pytest.approx(295.15)
    else:
        assert of(result, "rear_door_water_flow") == pytest.approx(2.0 * np.sqrt(2), rel=1e-3)


# ---- rooms -------------------------------------------------------------------------------------------------------

COLD = "set_point: 20 degC, conductance: 60 kW/K, units: 4"


def room(text, scenarios=None, more=""):
    return hall(COLD, text, scenarios, water="control: head, head: 100 kPa", more=more)


def test_recirculated_air_comes_from_the_hot_side():
    """T_inlet = (1 - r) T_supply + r T_return; racks of 4 m3/s call for (1 - r) of that."""
    r = np.array([0.0, 0.1, 0.3])
    result = room("bypass: 0", {"hall.recirculation": r})
    supply, inlet, back = (of(result, f"room_{k}_temperature") for k in ("supply", "inlet", "return"))
    np.testing.assert_allclose(supply, 293.15)
    np.testing.assert_allclose(inlet, (1 - r) * supply + r * back, atol=1e-6)
    np.testing.assert_allclose(of(result, "crah_air_flow"), (1 - r) * 4 * DENSITY, rtol=1e-6)
    np.testing.assert_allclose(back - supply, 30e3 / (CP * (1 - r) * 4 * DENSITY), rtol=1e-6)
    np.testing.assert_allclose(of(result, "rack_inlet_temperature"), inlet)


def test_bypassing_air_is_moved_in_vain():
    """Coolers move D / (1 - b); what they draw back is cooler by that."""
    b = np.array([0.0, 0.2, 0.5])
    result = room("recirculation: 0", {"hall.bypass": b})
    np.testing.assert_allclose(of(result, "crah_air_flow"), 4 * DENSITY / (1 - b), rtol=1e-6)
    rise = of(result, "room_return_temperature") - of(result, "room_supply_temperature")
    np.testing.assert_allclose(rise, 30e3 * (1 - b) / (CP * 4 * DENSITY), rtol=1e-6)


def test_both_fractions_and_the_excess():
    more = {"hall.recirculation": [0.1, 0.1], "hall.bypass": [0.2, 0.2], "hall.excess": [1.0, 1.5]}
    result = room("{}".format("recirculation: 0"), more)
    np.testing.assert_allclose(of(result, "crah_air_flow"), np.array([1.0, 1.5]) * 0.9 / 0.8 * 4 * DENSITY, rtol=1e-6)
    supply, inlet, back = (of(result, f"room_{k}_temperature") for k in ("supply", "inlet", "return"))
    np.testing.assert_allclose(inlet, 0.9 * supply + 0.1 * back, atol=1e-6)


def test_the_fractions_of_a_room_unless_stated_are_a_twentieth_and_a_tenth():
    assert of(room("excess: 1"), "crah_air_flow") == pytest.approx(0.95 / 0.9 * 4 * DENSITY, rel=1e-6)


def test_racks_short_of_cooler_air_recirculate_the_rest():
    """One fan of 4 m3/s, racks of 6: a third comes from the hot side."""
    scenarios = {"rack.air_flow": [6.0], "rack.it_power": [20e3]}
    result = hall("set_point: 20 degC, conductance: 60 kW/K", scenarios=scenarios, water="control: head, head: 100 kPa")
    supply, inlet, back = (of(result, f"room_{k}_temperature") for k in ("supply", "inlet", "return"))
    assert inlet == pytest.approx((2 * supply + back) / 3, abs=1e-6)
    assert of(result, "crah_air_flow") == pytest.approx(4 * DENSITY, rel=1e-6)


def test_heat_that_no_rack_fan_moves_calls_for_air_at_ten_kelvin():
    """Unless another rise is stated."""
    rack = "still: {type: rack, nameplate: 50 kW, cords: 1, it_power: 20 kW, air_flow: 0 m3/s, room: hall}\n"
    result = room("recirculation: 0, bypass: 0", {"rack.air_flow": [4.0]}, rack)
    assert of(result, "crah_air_flow") == pytest.approx(4 * DENSITY + 20e3 / (CP * 10), rel=1e-6)
    rise = of(result, "room_return_temperature") - of(result, "room_supply_temperature")
    assert rise == pytest.approx(50e3 / (CP * of(result, "crah_air_flow")), rel=1e-6)
    other = room("recirculation: 0, bypass: 0, other_rise: 16 K", {"rack.air_flow": [4.0]}, rack)
    assert of(other, "crah_air_flow") == pytest.approx(4 * DENSITY + 20e3 / (CP * 16), rel=1e-6)


def test_ventilation_joins_the_supply_and_leaves_from_the_hot_side():
    """2 m3/s of weather at 20 degC beside fans that deliver what the rack draws."""
    result = hall(
        "set_point: 16 degC, conductance: 60 kW/K",
        "recirculation: 0, bypass: 0, ventilation: 2 m3/s",
        water="control: head, head: 100 kPa",
    )
    fresh, fans = 2 * OUTDOOR, 4 * DENSITY
    supply = (fresh * 293.15 + fans * 289.15) / (fresh + fans)
    assert of(result, "crah_air_flow") == pytest.approx(fans, rel=1e-6)
    assert of(result, "room_supply_temperature") == pytest.approx(supply, abs=1e-4)
    assert of(result, "room_return_temperature") == pytest.approx(supply + 30e3 / (CP * (fresh + fans)), abs=1e-4)


def test_a_room_may_be_warm_up_to_its_limit():
    result = room("max_return_temperature: 33 degC")
    value, bound = limit(result, "room_temperature", "hall")
    assert bound == pytest.approx(306.15) and value == of(result, "room_return_temperature")


def test_coolant_must_stay_above_the_dew_point_of_its_room_by_a_margin():
    """10 degC and 2 K unless stated; that of the weather counts where it ventilates, 11.733 degC at 20/15 degC."""
    rack = "wet: {type: liquid_rack, nameplate: 1 kW, it_power: 1 kW, cords: 1, room: hall}\n"
    bounds = []
    for text in (
        "excess: 1",
        "dew_point: 14 degC, dew_point_margin: 3 K",
        "ventilation: 1 m3/s",
        "ventilation: 1 m3/s, dew_point: 14 degC",
        "dew_point: 5 degC",
    ):
        layout = bench(
            f"hall: {{type: room, {text}}}\nrack: {{{RACK}, room: hall}}\n"
            + rack
            + holder(20)
            + "own: {type: fan_wall, room: hall}\n"
            + mover(1e-3),
            "cool.out > wet.supply\nwet.return > own.supply\nown.return > pump.in\n"
            "pump.out > cool.in\ntank.port > cool.out",
        )
        bounds.append(limit(twin.solve(layout), "dew_point", "wet")[1][0] - 273.15)
    assert bounds == pytest.approx([12.0, 17.0, 13.733, 13.733, 7.0], abs=2e-3)
