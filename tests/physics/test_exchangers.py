"""Plate exchangers and CDUs: effectiveness-NTU and films that follow the flow, by hand at rated and other flows."""

import numpy as np
import pytest
from physics.benches import bench, counterflow, heater, holder, limit, mover, of, rise

import twin

PLATE = bench(
    holder(20)
    + "hot_tank: {type: expansion_tank}\n"
    + "plate: {type: heat_exchanger, conductance: 30 kW/K, hot_flow: 8 kg/s, cold_flow: 12 kg/s}\n"
    + heater(200e3)
    + mover(8e-3)
    + "\n"
    + mover(12e-3, "colder"),
    """
    pump.out > rack.supply
    rack.return > plate.hot_in
    plate.hot_out > pump.in
    hot_tank.port > pump.in
    cool.out > plate.cold_in
    plate.cold_out > colder.in
    colder.out > cool.in
    tank.port > cool.in
    """,
)


def films(ua, balance, hot, cold, exponent, fouling=0.0):
    """1/UA = 1/hA_hot + 1/hA_cold + R, hA ~ (m / m_rated)^n [Incropera, 7th ed., eq. 11.1], hot over cold = balance."""
    hot_film, cold_film = ua * (1 + balance), ua * (1 + 1 / balance)
    return 1 / (1 / (hot_film * hot**exponent) + 1 / (cold_film * cold**exponent) + fouling)


def met(result, ua, hot_rated, cold_rated, balance=1.0, exponent=0.8, fouling=0.0, n=1.0):
    """Check duty and effectiveness of a plate against UA and films per unit of which `n` run."""
    hot, cold = of(result, "heat_exchanger_hot_flow"), of(result, "heat_exchanger_cold_flow")
    duty = of(result, "heat_exchanger_duty")
    ends = [of(result, f"heat_exchanger_{e}") for e in ("hot_inlet", "hot_outlet", "cold_inlet", "cold_outlet")]
    C_hot, C_cold = duty / (ends[0] - ends[1]), duty / (ends[3] - ends[2])
    np.testing.assert_allclose(C_hot / hot, 4182, rtol=2e-3)
    np.testing.assert_allclose(C_cold / cold, 4182, rtol=2e-3)
    found = of(result, "heat_exchanger_effectiveness")
    for k in range(len(hot)):
        each = lambda x, k=k: x[k] if np.ndim(x) else x  # noqa: E731
        args = (each(balance), hot[k] / hot_rated / each(n), cold[k] / cold_rated / each(n), each(exponent))
        expected = counterflow(each(n) * films(ua, *args, each(fouling)), C_hot[k], C_cold[k])
        assert found[k] == pytest.approx(expected, rel=2e-4)
        assert duty[k] == pytest.approx(expected * min(C_hot[k], C_cold[k]) * (ends[0] - ends[2])[k], rel=2e-4)
    return duty


def test_a_plate_passes_its_textbook_duty_at_and_off_its_rating():
    hot = np.array([8.0, 4.0, 8.0, 4.0, 12.0, 16.0]) * 1e-3
    cold = np.array([12.0, 12.0, 6.0, 6.0, 3.0, 20.0]) * 1e-3
    result = twin.solve(PLATE, {"pump.flow": hot, "colder.flow": cold})
    duty = met(result, 30e3, 8.0, 12.0)
    # pumps add less than a kilowatt to the rack's heat
    np.testing.assert_allclose(duty, 200e3, atol=2.5e3)


def test_a_film_that_is_stronger_on_one_side_cares_for_the_flow_of_the_other():
    hot = np.array([4.0, 8.0, 4.0, 8.0]) * 1e-3
    cold = np.array([12.0, 6.0, 12.0, 6.0]) * 1e-3
    balance = np.array([4.0, 4.0, 0.25, 0.25])
    result = twin.solve(PLATE, {"pump.flow": hot, "colder.flow": cold, "plate.film_balance": balance})
    met(result, 30e3, 8.0, 12.0, balance)


def test_films_follow_the_flow_by_their_exponent():
    exponent = np.array([0.0, 0.4, 0.6, 1.0])
    more = {"pump.flow": np.full(4, 4e-3), "colder.flow": np.full(4, 6e-3), "plate.film_exponent": exponent}
    met(twin.solve(PLATE, more), 30e3, 8.0, 12.0, 1.0, exponent)


def test_fouling_adds_its_resistance_over_the_area_or_over_that_of_a_typical_plate():
    """R_f / A; a clean plate of 4 kW/m2/K has 30/4 = 7.5 m2."""
    layout = {"plate.fouling": np.array([0.0, 1e-4, 2e-4]), "pump.flow": np.array([8e-3, 4e-3, 8e-3])}
    met(twin.solve(PLATE, layout), 30e3, 8.0, 12.0, fouling=np.array([0.0, 1e-4, 2e-4]) / 7.5)
    other = layout | {"plate.clean_u": np.full(3, 2500.0)}  # 30 kW/K over 2.5 kW/m2/K
    met(twin.solve(PLATE, other), 30e3, 8.0, 12.0, fouling=np.array([0.0, 1e-4, 2e-4]) / 12)
    layout["plate.area"] = np.full(3, 20.0)
    met(twin.solve(PLATE, layout), 30e3, 8.0, 12.0, fouling=np.array([0.0, 1e-4, 2e-4]) / 20)


def test_plates_in_parallel_share_the_flow_and_those_that_rest_pass_none():
    result = twin.solve(PLATE, {"plate.units": np.full(3, 4), "plate.fouling": np.full(3, 1e-4)})
    met(result, 30e3, 8.0, 12.0, n=4.0, fouling=1e-4 / 7.5)
    running = np.array([1.0, 2.0, 3.0])
    more = {"plate.units": np.full(3, 4), "plate.running": running, "plate.fouling": np.full(3, 1e-4)}
    met(twin.solve(PLATE, more), 30e3, 8.0, 12.0, n=running, fouling=1e-4 / 7.5)


# ---- CDUs --------------------------------------------------------------------------------------------------------


FREE = "control: flow, flow: 12 L/s, shutoff: 2 MPa"
HEAD = "control: head, head: 200 kPa, shutoff: 400 kPa"


def cdu(more, scenarios=None, facility=FREE, supply=20.0, heat=200e3):
    """A CDU of 30 kW/K between a rack and a chiller, facility water moved by a pump."""
    layout = bench(
        "hall: {type: room, ventilation: 1 m3/s}\n"  # 11.733 degC at 20 degC and a wet bulb of 15
        + holder(supply)
        + heater(heat, ", room: hall")
        + "cdu: {type: cdu, conductance: 30 kW/K, tcs_flow: 8 kg/s, fws_flow: 12 kg/s, tcs_fluid: water, room: hall, "
        + f"control: flow, flow: 8 L/s, tcs_drop: 1 kPa, rated_flow: 50 m3/s, {more}}}\n"
        + f"pump: {{type: pump, rated_flow: 50 m3/s, pump_efficiency: 0.8, drive_efficiency: 0.9, {facility}}}",
        """
        cdu.tcs_supply > rack.supply
        rack.return > cdu.tcs_return
        cool.out > cdu.fws_supply
        cdu.fws_return > pump.in
        pump.out > cool.in
        tank.port > cool.in
        """,
    )
    return twin.solve(layout, scenarios or {})


def ends(result):
    """Capacity rates of both sides, W/K, and both inlets, K."""
    duty = of(result, "cdu_duty")
    hot, cold = of(result, "cdu_return_temperature"), of(result, "cdu_facility_supply_temperature")
    return (
        duty / (hot - of(result, "cdu_supply_temperature")),
        duty / (of(result, "cdu_facility_return_temperature") - cold),
        hot,
        cold,
    )


@pytest.mark.parametrize(
    ("more", "balance", "fouling"),
    [("", 1.0, 0.0), (", film_balance: 3, fouling: 0.0002 m2K/W, clean_u: 2 kW/m2/K", 3.0, 2e-4 / 15)],
)
def test_a_cdu_with_its_valve_open_passes_its_textbook_duty(more, balance, fouling):
    flows = {"cdu.flow": [8e-3, 4e-3, 8e-3, 4e-3], "pump.flow": [12e-3, 12e-3, 5e-3, 5e-3]}
    result = cdu("set_point: null" + more, flows)
    C_hot, C_cold, hot, cold = ends(result)
    tcs, fws = of(result, "cdu_flow") / 8, of(result, "cdu_facility_flow") / 12
    for k in range(4):
        expected = counterflow(films(30e3, balance, tcs[k], fws[k], 0.8, fouling), C_hot[k], C_cold[k])
        assert of(result, "cdu_effectiveness")[k] == pytest.approx(expected, rel=2e-4)
        assert of(result, "cdu_duty")[k] == pytest.approx(
            expected * min(C_hot[k], C_cold[k]) * (hot - cold)[k], rel=2e-4
        )


def test_the_open_valve_of_a_cdu_drops_its_pressure_by_the_square():
    flows = np.array([12e-3, 6e-3])
    result = cdu("set_point: null, fws_drop: 84 kPa", {"pump.flow": flows})
    np.testing.assert_allclose(rise(result, flows), 84e3 * (of(result, "cdu_facility_flow") / 12) ** 2, rtol=2e-4)


def test_the_valve_of_a_cdu_takes_just_the_facility_water_that_holds_the_supply():
    exponent, fouling = np.array([0.8, 0.6, 0.8]), np.array([0.0, 0.0, 2e-4])
    scenarios = {"cdu.film_exponent": exponent, "cdu.fouling": fouling}
    result = cdu("set_point: 30 degC", scenarios, facility=HEAD)
    np.testing.assert_allclose(of(result, "cdu_supply_temperature"), 303.15)
    C_hot, C_cold, hot, cold = ends(result)
    tcs, fws = of(result, "cdu_flow") / 8, of(result, "cdu_facility_flow") / 12
    for k in range(3):
        ua = films(30e3, 1.0, tcs[k], fws[k], exponent[k], fouling[k] / 7.5)
        duty = counterflow(ua, C_hot[k], C_cold[k]) * min(C_hot[k], C_cold[k]) * (hot - cold)[k]
        assert duty == pytest.approx(200e3, rel=1e-3)


def test_the_valve_of_a_cdu_stays_between_its_least_opening_and_three_times_its_rated_flow():
    """Unless other shares of it are stated."""
    pump = "control: head, head: 2 MPa, shutoff: 4 MPa"
    cold = cdu("set_point: 66 degC, min_opening: 0.05", facility=pump, heat=10e3)
    assert of(cold, "cdu_facility_flow") == pytest.approx(0.05 * 12, rel=1e-6)
    default = cdu("set_point: 66 degC", facility=pump, heat=2e3)
    assert of(default, "cdu_facility_flow") == pytest.approx(0.02 * 12, rel=1e-6)
    hot = cdu("set_point: 21 degC, fws_drop: 84 kPa", facility=pump)
    assert of(hot, "cdu_facility_flow") == pytest.approx(3 * 12, rel=1e-6)
    other = cdu("set_point: 21 degC, fws_drop: 84 kPa, max_opening: 1.75", facility=pump)
    assert of(other, "cdu_facility_flow") == pytest.approx(1.75 * 12, rel=1e-6)


def test_limits_of_a_cdu():
    """Its capacity, its flow up to 1.1 times rated unless stated, and 2 K above the room's dew point of 12 degC."""
    result = cdu("set_point: 30 degC, capacity: 150 kW", facility=HEAD)
    duty, most = limit(result, "cdu_duty", "cdu")
    assert duty == of(result, "cdu_duty") and most == 150e3
    flow, most = limit(result, "cdu_flow", "cdu")
    assert flow == of(result, "cdu_flow") and most == pytest.approx(8.8)
    supply, least = limit(result, "dew_point", "cdu")
    assert supply == of(result, "cdu_supply_temperature") and least == pytest.approx(273.15 + 11.733 + 2.0, abs=2e-3)
    other = cdu("set_point: 30 degC, max_flow: 9.5 kg/s", facility=HEAD)
    assert limit(other, "cdu_flow", "cdu")[1] == pytest.approx(9.5)


def test_a_deschutes_unit_meets_its_data_sheet():
    """2 MW, 31.48 kg/s of PG25 and 32.30 kg/s of water at 26.8 degC: returns at 45.9 and 41.6 degC [OCP, 2026].

    The layout's default film exponent and no fouling; 3 K approach.
    """
    layout = bench(
        holder(26.8)
        + heater(2e6)
        + "cdu: {model: deschutes, control: flow, flow: 0.0312 m3/s, set_point: null}\n"
        + mover(32.30e-3 / 0.9967),
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
    assert of(result, "cdu_flow") == pytest.approx(31.48, rel=0.01)
    assert of(result, "cdu_supply_temperature") - 273.15 == pytest.approx(29.8, abs=0.3)
    assert of(result, "cdu_return_temperature") - 273.15 == pytest.approx(45.9, abs=0.5)
    assert of(result, "cdu_facility_return_temperature") - 273.15 == pytest.approx(41.6, abs=0.4)
    assert of(result, "cdu_effectiveness") == pytest.approx(0.843, abs=0.005)
