"""Moisture of rooms: wet coils, their water, the balance, humidifiers, drying with reheat; by hand."""

import numpy as np
import pytest
from physics.benches import bench, holder, limit, of
from physics.test_towers import vapour
from scipy.optimize import brentq

import twin

K, P = 273.15, 101325.0
L, CP, CV = 2.501e6, 1006.0, 1860.0
"""J/kg and J/(kg K) of ASHRAE Fundamentals, ch. 1."""


def ratio(dew, pressure=P):
    """Humidity ratio of air of a dew point above freezing [ASHRAE Fundamentals, ch. 1, eq. 20 and 6]."""
    return 0.621945 * vapour(dew) / (pressure - vapour(dew))


def dew(w):
    return brentq(lambda t: ratio(t) - w, 0.01, 50)


def hall(room="dew_point: 23 degC", coil="set_point: null", more="", site="dry_bulb: 30 degC, wet_bulb: 24 degC",
         water=10.0, heat=200e3, scenarios=None):  # fmt: skip
    """A room with a rack and a cooler on water that a large chiller holds; fans take no power."""
    parts = f"""
        hall: {{type: room, {room}}}
        {holder(water)}
        r: {{type: rack, it_power: {heat} W, nameplate: 1 MW, cords: 1, room: hall, air_flow: 20 m3/s, fan_power: 0 W,
           air_rise: 10 K}}
        cooler: {{type: crah, room: hall, capacity: 1 MW, conductance: 20 kW/K, air_flow: 15 m3/s, water_flow: 10 kg/s,
                fan_power: 0 W, water_drop: 1 kPa, {coil}}}
        pump: {{type: pump, shutoff: 2 MPa, rated_flow: 50 m3/s, control: flow, flow: 0.01 m3/s}}
        {more}
    """
    joints = "cool.out > cooler.supply\ncooler.return > pump.in\npump.out > cool.in\ntank.port > pump.in"
    result = twin.solve(bench(parts, joints, site), scenarios or {})
    assert result.ok and (np.abs(result.solution.audit) < 1e-8).all()
    return result


def state(result, k=0):
    """Dew point of the room, air entering and leaving the coil, water entering [degC], air [kg/s]."""
    names = "room_dew_point", "room_return_temperature", "crah_supply_temperature"
    found = [float(of(result, n)[k]) - K for n in names]
    return *found, float(of(result, "chiller_supply_temperature")[k]) - K, float(of(result, "crah_air_flow")[k])


# ---- wet coils ---------------------------------------------------------------------------------------------------


def segments(t, w, water, air, rate, outside, inside, n=300):
    """Total and latent duty of a counterflow coil, piece by piece, each dry or wet by itself."""

    def march(out):
        a, h, x, tw, total, latent = t, w, 0.0, out, 0.0, 0.0
        for _ in range(n):
            cp = CP + CV * h
            surface = (outside * a + inside * tw) / (outside + inside)
            if surface >= dew(h):
                q = outside / n * (a - surface)
                a, x = a - q / (air * cp), 0.0
            else:
                enthalpy = CP * a + h * (L + CV * a)
                held = lambda s: CP * s + ratio(s) * (L + CV * s)  # noqa: E731
                surface = brentq(lambda s: outside / cp * (enthalpy - held(s)) - inside * (s - tw), tw - 1, a)  # noqa: B023
                q = inside / n * (surface - tw)
                b = a - outside / n * (a - surface) / (air * cp)
                new = (enthalpy - q / air - CP * b) / (L + CV * b)
                x, a, h = air * (h - new) * (L + CV * b), b, new
            tw, total, latent = tw - q / rate, total + q, latent + x
        return tw - water, total, latent

    return march(brentq(lambda out: march(out)[0], water + 0.05, t - 0.05, xtol=1e-3))[1:]


@pytest.mark.parametrize(
    ("room", "water", "fouling", "heat"),
    [
        ("dew_point: 23 degC", 10.0, 0.0, 200e3),
        ("dew_point: 17 degC", 12.0, 0.0, 200e3),
        ("dew_point: 21 degC", 10.0, 4e-4, 110e3),
    ],
)
def test_a_cold_coil_in_a_damp_hall_takes_water(room, water, fouling, heat):
    """Against the same coil piece by piece: 5 % in total, what one slope of saturated air costs; and mass for mass."""
    coil = f"set_point: null, arrangement: counterflow, fouling: {fouling} m2K/W, area: 10 m2"
    result = hall(room, coil, water=water, heat=heat)
    point, inlet, outlet, entering, air = state(result)
    flow = float(of(result, "crah_water_flow")[0])
    films = 1.5 * 20e3 * (air / 18) ** 0.8, 1 / ((10 / flow) ** 0.8 / 60e3 + fouling / 10)  # air over water: a half
    total, latent = segments(inlet, ratio(point), entering, air, flow * 4190, *films)
    assert of(result, "crah_duty") == pytest.approx(total, rel=0.05)
    assert of(result, "crah_latent_duty") == pytest.approx(latent, rel=0.08)
    assert of(result, "crah_latent_duty") > 0.02 * of(result, "crah_duty")
    assert of(result, "crah_duty") - of(result, "crah_latent_duty") == pytest.approx(heat, rel=1e-6)
    gone = of(result, "crah_condensate")
    assert of(result, "crah_latent_duty") == pytest.approx(gone * (L + CV * outlet), rel=1e-3)
    assert of(result, "room_condensate") == pytest.approx(gone)
    assert of(result, "chiller_duty") > heat + 0.9 * of(result, "crah_latent_duty")


def test_a_coil_above_the_dew_point_is_dry():
    result = hall("dew_point: 9.9 degC")
    assert of(result, "crah_condensate") == 0 and of(result, "crah_latent_duty") == 0
    assert of(result, "crah_duty") == pytest.approx(200e3, rel=1e-6)


def test_a_valve_holds_its_set_point_over_a_wet_coil_too():
    result = hall("dew_point: 23 degC", "set_point: 24 degC")
    assert state(result)[2] == pytest.approx(24.0, abs=1e-5) and of(result, "crah_condensate") > 0
    same = hall("dew_point: 23 degC", scenarios={"pump.flow": of(result, "crah_water_flow") / 999.7})
    assert state(same)[2] == pytest.approx(24.0, abs=0.02)  # as much water without a valve
    dry = hall("dew_point: 5 degC", "set_point: 24 degC")
    assert of(result, "crah_water_flow") > of(dry, "crah_water_flow")


# ---- the balance of a room ---------------------------------------------------------------------------------------


def outdoors(dry, wet):
    held = ratio(wet)
    return ((2501 - 2.326 * wet) * held - 1.006 * (dry - wet)) / (2501 + 1.86 * dry - 4.186 * wet)


def ventilating(cubic, dry, wet):
    """Dry air, kg/s: the density of outdoor air, eq. 26."""
    w = outdoors(dry, wet)
    return cubic * P / (287.042 * (dry + K) * (1 + w / 0.621945))


def test_ventilation_brings_what_coils_take():
    for coil in ("set_point: null", "set_point: 24 degC"):
        result = hall("ventilation: 2 m3/s", coil)
        inside = ratio(state(result)[0])
        brought = ventilating(2, 30, 24) * (outdoors(30, 24) - inside)
        assert brought > 0.002 and of(result, "room_condensate") == pytest.approx(brought, rel=2e-3)


def test_people_breathe_eighty_grams_an_hour():
    result = hall("ventilation: 0.5 m3/s, people: 20", water=18.0, site="dry_bulb: 15 degC, wet_bulb: 8 degC")
    expected = outdoors(15, 8) + 20 * 0.08 / 3600 / ventilating(0.5, 15, 8)
    assert of(result, "room_condensate") == 0
    assert ratio(state(result)[0]) == pytest.approx(expected, rel=5e-4)


def test_a_room_without_ventilation_keeps_what_is_stated():
    result = hall("dew_point: 12 degC", water=12.5, site="dry_bulb: 35 degC, wet_bulb: 30 degC")
    assert state(result)[0] == pytest.approx(12.0, abs=1e-3)


def test_dew_point_limits_follow_the_room():
    """Coolant of 20 degC in a hall that the weather makes damp: 2 K above the dew point unless stated."""
    more = """
        cdu: {type: cdu, set_point: 20 degC, room: hall}
        r2: {type: liquid_rack, it_power: 100 kW, nameplate: 150 kW, room: hall}
    """
    parts = more.replace("cdu:", "cdu:", 1)
    layout = bench(
        f"hall: {{type: room, ventilation: 1 m3/s, dew_point_margin: 3 K}}\n{holder(12)}" + parts
        + "cooler: {type: crah, room: hall, set_point: null}\n"
        + "pump: {type: pump, shutoff: 2 MPa, rated_flow: 50 m3/s, control: flow, flow: 0.02 m3/s}",
        """cool.out > cdu.fws_supply
        cool.out > cooler.supply
        cdu.fws_return > pump.in
        cooler.return > pump.in
        pump.out > cool.in
        tank.port > pump.in
        cdu.tcs_supply > r2.supply
        cdu.tcs_return > r2.return""",
        "dry_bulb: 28 degC, wet_bulb: 22 degC",
    )  # fmt: skip
    result = twin.solve(layout, {"site.wet_bulb": np.array([22.0, 12.0]) + K})
    _, bound = limit(result, "dew_point", "cdu")
    room = of(result, "room_dew_point")
    np.testing.assert_allclose(bound, room + 3.0)
    assert bound[0] - bound[1] > 3


def test_the_dew_point_that_limits_coolant_is_that_of_the_room_it_comes_to():
    layout = bench(
        "a: {type: room, dew_point: 8 degC}\nb: {type: room, dew_point: 14 degC}\n"
        "wet: {type: liquid_rack, nameplate: 1 kW, it_power: 1 kW, cords: 1, room: b}\n"
        + holder(20)
        + "own: {type: fan_wall, room: b}\n"
        + "pump: {type: pump, shutoff: 2 MPa, rated_flow: 50 m3/s, control: flow, flow: 0.001 m3/s}",
        "cool.out > wet.supply\nwet.return > own.supply\nown.return > pump.in\n"
        "pump.out > cool.in\ntank.port > cool.out",
    )
    assert limit(twin.solve(layout), "dew_point", "wet")[1] - K == pytest.approx(16.0, abs=1e-3)


# ---- humidifiers -------------------------------------------------------------------------------------------------

COLD = "dry_bulb: -10 degC, wet_bulb: -11 degC"


def humidified(more="", room="ventilation: 1 m3/s", **how):
    return hall(
        room, "set_point: 20 degC", f"hum: {{type: humidifier, room: hall, capacity: 0.02 kg/s{more}}}", COLD, **how
    )


def outside():
    """Dry air [kg/s] of 1 m3/s of the cold weather, and its humidity ratio, by the twin's psychrometry (over ice)."""
    f = twin.fluids
    w = float(f.humidity_ratio_from_wet_bulb(263.15, 262.15, P))
    return float(f.air_density(263.15, w, P)) / (1 + w), w


def test_steam_holds_the_dew_point_with_the_power_that_boils_its_water():
    """5.5 degC unless stated; 15 to 100 degC and 2,257 kJ/kg over 0.95; a tenth of the water is drained."""
    for more, point, efficiency, flushed in (
        ("", 5.5, 0.95, 0.1),
        (", set_point: 8 degC, efficiency: 0.8, flushed: 0.3", 8.0, 0.8, 0.3),
    ):
        result = humidified(more)
        moved, w = outside()
        flow = moved * (ratio(point) - w)
        assert state(result)[0] == pytest.approx(point, abs=2e-3)
        assert of(result, "humidifier_vapour") == pytest.approx(flow, rel=1e-3)
        electricity = flow * (2.257e6 + 4186 * 85) / efficiency
        assert of(result, "humidifier_power") == pytest.approx(electricity, rel=1e-3)
        assert of(result, "humidifier_water") == of(result, "water") == pytest.approx(flow / (1 - flushed), rel=1e-3)
        leaves = moved * CP * (state(result)[1] + 10)  # with the air that goes out
        assert of(result, "crah_duty") == pytest.approx(200e3 + electricity - flow * L - leaves, rel=2e-3)


def test_spray_takes_the_heat_of_vaporisation_from_the_air():
    spray = humidified(", method: adiabatic")
    flow = of(spray, "humidifier_vapour")
    assert of(spray, "humidifier_power") == pytest.approx(flow * 14.4e3, rel=1e-6)
    stated = humidified(", method: adiabatic, power: 2 kW")
    assert of(stated, "humidifier_power") == pytest.approx(flow / 0.02 * 2e3, rel=1e-3)
    leaves = outside()[0] * CP * (state(spray)[1] + 10)
    assert of(spray, "crah_duty") == pytest.approx(200e3 + flow * 14.4e3 - flow * L - leaves, rel=2e-3)


def test_a_humidifier_that_is_too_small_is_told():
    result = humidified(scenarios={"hum.capacity": [0.002]})
    moved, w = outside()
    assert of(result, "humidifier_vapour") == pytest.approx(0.002)
    assert float(twin.fluids.humidity_ratio_from_dew_point(of(result, "room_dew_point")[0], P)) == pytest.approx(
        w + 0.002 / moved, rel=1e-3
    )
    wanted = 100 * moved * (ratio(5.5) - w) / 0.002
    told = [t for t in result.warnings[0] if t.startswith("hum: humidification:")]
    assert len(told) == 1 and float(told[0].split()[2]) == pytest.approx(wanted, rel=1e-3)


def test_one_out_of_service_gives_nothing_and_two_share():
    none = humidified(", in_service: false")
    assert of(none, "humidifier_vapour") == 0 and of(none, "humidifier_power") == 0
    two = hall("ventilation: 1 m3/s", "set_point: 20 degC", "one: {type: humidifier, room: hall, capacity: 0.01 kg/s}\n"
               "two: {type: humidifier, room: hall, capacity: 0.03 kg/s}", COLD)  # fmt: skip
    one, other = of(two, "humidifier_vapour", "one"), of(two, "humidifier_vapour", "two")
    assert other == pytest.approx(3 * one) and one + other == pytest.approx(of(humidified(), "humidifier_vapour"))


def test_the_dampest_set_point_of_a_room_holds():
    how = "{type: humidifier, room: hall, capacity: 0.02 kg/s, set_point: %s degC}"
    two = hall("ventilation: 1 m3/s", "set_point: 20 degC", f"one: {how % 8}\ntwo: {how % 4}", COLD)
    assert state(two)[0] == pytest.approx(8.0, abs=2e-3)


# ---- drying with reheat ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("people", [0, 100])
def test_a_cooler_dries_its_room_and_warms_the_air_again(people):
    """Held to 17 degC by air that leaves the coil colder than the 24 degC it supplies; the heater makes up for that."""
    room = f"ventilation: 2 m3/s, people: {people}"
    result = hall(room, "set_point: 24 degC, max_dew_point: 17 degC, reheat: 200 kW", water=6.0)
    wet = hall(room, "set_point: 24 degC", water=6.0)
    assert state(wet)[0] > 18 and state(result)[0] < 17.1
    _, inlet, outlet, _, air = state(result)
    assert outlet == pytest.approx(24.0, abs=1e-4)
    reheat = of(result, "crah_reheat")
    assert reheat > 10e3
    sensible = of(result, "crah_duty") - of(result, "crah_latent_duty")
    assert sensible - reheat == pytest.approx(air * CP * (inlet - 24), rel=1e-4)
    # the air leaves as if exp(-NTU) of it went by a wet surface
    brought = ventilating(2, 30, 24) * (outdoors(30, 24) - ratio(17.0)) + people * 0.08 / 3600
    past = np.exp(-1.5 * 20e3 * (air / 18) ** 0.8 / (air * (CP + CV * ratio(17.0))))
    surface = dew(ratio(17.0) - brought / air / (1 - past))
    left = surface + (inlet - surface) * past
    assert inlet - sensible / (air * CP) == pytest.approx(left, abs=0.02)
    assert of(result, "cooling_power") - of(wet, "cooling_power") > reheat


def test_a_room_dry_enough_is_not_reheated_and_one_too_damp_is_told():
    dry = hall("ventilation: 2 m3/s", "set_point: 24 degC, max_dew_point: 22 degC, reheat: 200 kW")
    assert of(dry, "crah_reheat") == 0 and state(dry)[2] == pytest.approx(24.0, abs=1e-4)
    cold = hall("ventilation: 2 m3/s", "set_point: 18 degC, max_dew_point: 17 degC, reheat: 200 kW", water=6.0)
    assert of(cold, "crah_reheat") == 0 and state(cold)[2] == pytest.approx(18.0, abs=1e-4) and state(cold)[0] < 16.9
    damp = hall("ventilation: 2 m3/s", "set_point: 24 degC, max_dew_point: 10 degC, reheat: 5 kW")
    told = [t for t in damp.warnings[0] if t.startswith("cooler: drying:")]
    assert len(told) == 1 and "at most 10.5 degC" in told[0]
    assert of(damp, "crah_reheat") == pytest.approx(5e3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hum: {type: humidifier}", "room"),
        ("hum: {type: humidifier, room: hall, method: steam}", "method"),
        ("hum: {type: humidifier, room: hall, capacity: 20}", "needs a unit"),
        ("hum: {type: humidifier, room: hall, flushed: 1}", "flushed"),
        ("hum: {type: crah, room: hall, max_dew_point: 80 degC}", "max_dew_point"),
        ("other: {type: room, people: -1}", "people"),
        ("other: {type: room, people: 3}", "people: a room without `ventilation` keeps its `dew_point`"),
        ("a: {type: crah, room: hall, reheat: 5 kW}", "reheat: .*give `max_dew_point` too"),
        ("a: {type: crah, room: hall, set_point: null, max_dew_point: 10 degC}", "max_dew_point: needs a `set_point`"),
        (
            "hum: {type: humidifier, room: hall, power: 1 kW}",
            "power: 1 kW does not boil 0.01 kg/s, which takes 26.1 kW",
        ),
    ],
)
def test_humidifiers_that_cannot_be_are_refused(text, words):
    with pytest.raises(twin.LayoutError, match=words):
        twin.load(bench(f"hall: {{type: room}}\n{text}", ""))


def test_moisture_moves_in_rooms_that_are_ventilated_only():
    with pytest.raises(twin.LayoutError, match="hum: room: its room hall is not ventilated"):
        humidified(room="dew_point: 2 degC")


@pytest.mark.parametrize(
    ("coil", "most"),
    [
        ("type: crah, set_point: null", 20),
        ("type: crah, set_point: 18 degC", 50),
        ("type: crah, set_point: 24 degC", 70),
        ("type: crah, set_point: 24 degC, arrangement: counterflow", 100),
        ("type: crah, set_point: 24 degC, max_dew_point: 12 degC, reheat: 60 kW", 40),
        ("type: air_economiser, set_point: 24 degC", 70),
        ("type: indirect_evaporative_cooler, set_point: 24 degC", 70),
    ],
)
def test_rooms_whose_coils_turn_wet_settle_in_all_weathers(coil, most):
    """From cold to hot and damp: coils that are dry, wet in part and as a whole, with valves that move and do not."""
    parts = f"""
        hall: {{type: room, ventilation: 0.5 m3/s, people: 4}}
        rack: {{model: hgx_h200_rack, cords: 1, room: hall}}
        unit: {{{coil}, room: hall}}
        tank: {{type: expansion_tank, fluid: pg25}}
        pump: {{type: pump, shutoff: 200 kPa, rated_flow: 10 L/s, control: head, head: 120 kPa}}
        chiller: {{type: air_chiller, flow: 8 kg/s, capacity: 300 kW, cop: 3.2, set_point: 10 degC}}
    """
    joints = "chiller.out > unit.supply\nunit.return > pump.in\ntank.port > pump.in\npump.out > chiller.in"
    dry = np.arange(-5.0, 45.1, 0.5)
    weather = {"site.dry_bulb": dry + K, "site.relative_humidity": np.full(len(dry), 0.5)}
    result = twin.solve(bench(parts, joints), weather)
    assert result.ok and (np.abs(result.solution.audit) < 1e-8).all()
    assert result.solution.iterations.max() <= most
    taken = of(result, "room_condensate")
    assert taken[0] == 0 and taken[-1] > 0 and np.diff(taken).min() > -1e-9
