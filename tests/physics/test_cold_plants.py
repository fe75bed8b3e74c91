"""What plants do in cold weather: chillers that are protected, set points reset, economisers; by hand."""

import re

import numpy as np
import pytest
from physics.benches import bench, counterflow, crossflow, heater, of
from physics.test_chillers import plr, power, run
from physics.test_dry_coolers import density
from physics.test_dry_coolers import inside as coil_film
from scipy.optimize import brentq

import twin

K = 273.15


def cold(x, y, part=0.8, more="", name="york_yk", **scenarios):
    """Power and part load of a chiller that may be protected, at leaving x and entering y."""
    result = run(name, [x], [y], [part], more, **{"one.min_entering": [240.0], **scenarios})
    return of(result, "chiller_power")[0], of(result, "chiller_fan_speed")[0]


# ---- what protects chillers --------------------------------------------------------------------------------------


def test_condenser_water_is_blended_up_to_the_least_that_may_enter():
    """15 degC of 13: the machine takes what its curves say at 15, to the watt what they would at an inlet of 15."""
    taken, p = cold(7.0, 13.0, **{"one.min_entering": [15 + K]})
    assert taken == pytest.approx(power("york_yk", 7.0, 15.0, p), rel=1e-4)
    assert cold(7.0, 16.0, **{"one.min_entering": [15 + K]})[0] == pytest.approx(power("york_yk", 7, 16, p), rel=1e-2)


def test_a_warning_tells_what_enters_a_condenser_after_it_was_blended():
    """12 degC leaves, 3.1 K warmer than was measured: 1.6 % of power a kelvin. Water of 10 degC enters at 15."""
    result = run("york_yk", [12.0], [10.0], [0.8], **{"one.min_entering": [15 + K]})
    (told,) = [text for text in result.warnings[0] if "its law was measured" in text]
    assert told.startswith("one: leaving water 12.0 degC, outside 4.4 degC to 8.9 degC") and told.endswith("±5 %")


def test_unless_stated_condensers_take_in_nothing_below_12_8_degrees():
    layout = bench(
        f"tank: {{type: expansion_tank}}\n{heater(2e5)}"
        "one: {type: air_chiller, set_point: 7 degC, flow: 10 kg/s, drop: 1 Pa}\n"
        "pump: {type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, control: flow, flow: 0.01 m3/s}",
        "rack.return > one.in\none.out > pump.in\npump.out > rack.supply\ntank.port > pump.in",
    )
    air = np.array([-30.0, 0.0, 12.8, 15.0]) + K
    taken = of(twin.solve(layout, {"site.dry_bulb": air, "site.wet_bulb": air - 0.3}), "chiller_power")
    assert taken[0] == taken[1] == pytest.approx(taken[2], rel=1e-6) and taken[3] > 1.01 * taken[2]


def test_the_lift_of_a_chiller_may_have_a_least():
    """11 K above 7 degC: condenser water of 13 counts as 18."""
    taken, p = cold(7.0, 13.0, more=", min_lift: 11 K")
    assert taken == pytest.approx(power("york_yk", 7.0, 18.0, p), rel=1e-4)


def test_below_their_least_part_load_chillers_cycle():
    """30 % unless 15: at a tenth of the load a third of the time, at the power of 30 %."""
    taken, p = cold(7.0, 20.0, 0.1, more=", min_part_load: 30 %")
    full = power("york_yk", 7, 20, 1) / plr("york_yk", 1)
    assert taken == pytest.approx(full * plr("york_yk", 0.3) * p / 0.3, rel=1e-4)


def test_hot_gas_loads_a_chiller_to_its_least_unloading():
    taken, p = cold(7.0, 20.0, 0.2, more=", min_unloading: 40 %")
    full = power("york_yk", 7, 20, 1) / plr("york_yk", 1)
    assert 0.15 < p < 0.4 and taken == pytest.approx(full * plr("york_yk", 0.4), rel=1e-4)


def test_set_points_are_reset_by_the_weather():
    """7 degC from 25 degC outdoors, 12 at 5 and below, straight between."""
    more = ", cold_set_point: 12 degC"
    air = np.array([35.0, 25.0, 15.0, 5.0, -20.0])
    layout = bench(
        f"tank: {{type: expansion_tank}}\n{heater(2e5)}"
        f"one: {{type: air_chiller, set_point: 7 degC, flow: 10 kg/s, drop: 1 Pa{more}}}\n"
        "pump: {type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, control: flow, flow: 0.01 m3/s}",
        "rack.return > one.in\none.out > pump.in\npump.out > rack.supply\ntank.port > pump.in",
    )
    weather = {"site.dry_bulb": air + K, "site.wet_bulb": air - 1 + K}
    found = of(twin.solve(layout, weather), "chiller_supply_temperature") - K
    np.testing.assert_allclose(found, [7, 7, 9.5, 12, 12], atol=1e-6)
    own = twin.solve(layout.replace(more, more + ", reset_cold: 0 degC, reset_warm: 30 degC"), weather)
    np.testing.assert_allclose(
        of(own, "chiller_supply_temperature") - K, [7, 7 + 5 / 6, 9.5, 12 - 5 / 6, 12], atol=1e-6
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("cold_set_point: 12 degC, set_point: null", "one: cold_set_point: state the set_point too"),
        ("reset_cold: 30 degC", "one: reset_warm: must be above reset_cold"),
        ("min_lift: -3 K", "min_lift"),
        ("min_part_load: 0", "min_part_load"),
        ("min_unloading: 1.5", "min_unloading"),
        ("min_entering: 12", "needs a unit"),
        ("cold_set_point: 90 degC", "cold_set_point"),
    ],
)
def test_protection_and_resets_that_cannot_be_are_refused(fields, words):
    layout = bench("one: {type: air_chiller, " + fields + "}", "one.out > one.in")
    with pytest.raises(twin.LayoutError, match=words):
        twin.load(layout)


# ---- water-side economisers --------------------------------------------------------------------------------------

UA, FLOW, TOWER = 200e3, 50.0, 60.0


def economised(more="", tower=10.0, heat=1e6, flow=FLOW, sink_flow=TOWER, mover=""):
    """A loop with a rack's heat, an economiser and a chiller behind it; tower water held by a dry cooler."""
    parts = f"""
        tank: {{type: expansion_tank}}
        {heater(heat)}
        free: {{type: water_economiser, conductance: {UA} W/K, flow: {FLOW} kg/s, cold_flow: {TOWER} kg/s,
               set_point: 15 degC, drop: 10 kPa, cold_drop: 10 kPa{more}}}
        one: {{type: air_chiller, set_point: 15 degC, flow: 100 kg/s, drop: 10 kPa, min_entering: 240 K}}
        pump: {{type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, control: flow, flow: {flow / 999} m3/s}}
        other: {{type: expansion_tank}}
        dry: {{type: dry_cooler, set_point: {tower} degC, flow: 500 kg/s, units: 20, drop: 0.001 Pa}}
        mover: {{type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, control: flow,
                flow: {sink_flow / 999.5} m3/s{mover}}}
    """
    joints = """
        rack.return > free.in
        free.out > one.in
        one.out > pump.in
        pump.out > rack.supply
        tank.port > pump.in
        free.cold_out > mover.in
        mover.out > dry.in
        dry.out > free.cold_in
        other.port > mover.in
    """
    return twin.solve(bench(parts, joints, "dry_bulb: -5 degC, wet_bulb: -6 degC"))


def effect(hot, cold, balance=1.0, exponent=0.8, fouling=0.0, units=1):
    """Effectiveness on the chilled side: films at both flows [kg/s] by the rating, counterflow."""
    own = units * UA * (1 + balance) * (hot / units / FLOW) ** exponent
    other = units * UA * (1 + 1 / balance) * (cold / units / TOWER) ** exponent
    ua = 1 / (1 / own + 1 / other + fouling)
    C, Cs = hot * 4186, cold * 4193
    return counterflow(ua, C, Cs) * min(C, Cs) / C


def temperatures(result, sink=10.0):
    inlet = of(result, "economiser_return_temperature")[0] - K
    outlet = of(result, "economiser_supply_temperature")[0] - K
    return inlet, outlet, (inlet - outlet) / (inlet - sink)


@pytest.mark.parametrize(
    ("more", "films"),
    [
        ("", {}),
        (", film_balance: 2", {"balance": 2.0}),
        (", film_exponent: 0.4", {"exponent": 0.4}),
        (", fouling: 0.0001 m2K/W, area: 50 m2", {"fouling": 2e-6}),
        (", units: 2", {"units": 2}),
    ],
)
def test_an_economiser_takes_what_it_can_and_the_chiller_the_rest(more, films):
    """1 MW of 50 kg/s would have to be 10.2 K colder in it; the tower water is too warm for that."""
    for flow, sink in ((50.0, 60.0), (40.0, 30.0)):
        result = economised(more, tower=13.0, flow=flow, sink_flow=sink)
        inlet, outlet, found = temperatures(result, 13.0)
        assert 15 < outlet < inlet and of(result, "economiser_running") == 1
        assert found == pytest.approx(effect(flow, sink, **films), rel=2e-3)
        assert of(result, "economiser_loading") == pytest.approx((inlet - 15) / (inlet - outlet), rel=1e-3)
        assert of(result, "chiller_duty") + of(result, "economiser_duty") == pytest.approx(1e6, rel=1e-2)
        assert of(result, "chiller_power") > 0


def test_an_economiser_that_is_able_to_holds_the_set_point_and_the_chiller_stands_still():
    result = economised(tower=5.0)
    _, outlet, _ = temperatures(result)
    assert outlet == pytest.approx(15.0, abs=1e-6) and of(result, "chiller_power") == 0
    assert of(result, "economiser_loading") < 1


def test_one_that_is_not_integrated_takes_all_or_nothing():
    half, whole = (economised(", integrated: false", tower=t) for t in (13.0, 5.0))
    assert of(half, "economiser_duty") == pytest.approx(0, abs=10) and of(half, "economiser_running") == 0
    assert of(half, "chiller_duty") == pytest.approx(1e6, rel=1e-2)
    assert of(whole, "chiller_power") == 0 and of(whole, "economiser_running") == 1


def test_one_that_is_not_integrated_stays_off_where_its_load_would_warm_the_tower_water_too_far():
    """Idle tower water is cold enough for all of the load, over several kelvins of weather, and loaded it is not."""
    parts = """
        hall: {type: room}
        rack: {model: hgx_h200_rack, cords: 1, room: hall}
        unit: {type: crah, room: hall, set_point: 24 degC}
        tank: {type: expansion_tank}
        pump: {type: pump, shutoff: 200 kPa, rated_flow: 10 L/s, control: head, head: 120 kPa}
        economiser: {type: water_economiser, set_point: 14 degC, conductance: 20 kW/K, flow: 2 kg/s, cold_flow: 2 kg/s,
                     integrated: false}
        chiller: {type: air_chiller, flow: 3 kg/s, capacity: 60 kW, cop: 3.2, set_point: 14 degC}
        other: {type: expansion_tank}
        mover: {type: pump, shutoff: 200 kPa, rated_flow: 10 L/s, control: head, head: 100 kPa}
        towers: {type: tower, flow: 2 kg/s, units: 2, fan_power: 2 kW, set_point: 8 degC, limits_capacity: false}
    """
    joints = """
        chiller.out > unit.supply
        unit.return > pump.in
        tank.port > pump.in
        pump.out > economiser.in
        economiser.out > chiller.in
        economiser.cold_out > mover.in
        mover.out > towers.in
        towers.out > economiser.cold_in
        other.port > mover.in
    """
    dry = np.arange(5.0, 25.0, 0.25)
    weather = {"site.dry_bulb": dry + K, "site.relative_humidity": np.full(len(dry), 0.6)}
    result = twin.solve(bench(parts, joints), weather)
    assert result.ok and (np.abs(result.solution.audit) < 1e-8).all()
    runs = of(result, "economiser_running")
    assert runs[0] == 1 and runs[-1] == 0 and np.count_nonzero(np.diff(runs)) == 1
    able = of(result, "economiser_loading")[runs > 0]
    assert able[0] < able[-1] <= 1


def test_warm_tower_water_warms_nothing_and_a_small_difference_is_left_alone():
    for more, tower in (("", 28.0), (", min_difference: 0 K", 28.0), (", min_difference: 3 K", 18.0)):
        result = economised(more, tower=tower)
        assert of(result, "economiser_duty") == pytest.approx(0, abs=10)
        assert of(result, "economiser_running") == 0 and of(result, "economiser_loading") == 0
    assert of(economised(tower=18.0), "economiser_duty") > 1e5  # a kelvin suffices unless stated


def test_an_economiser_comes_in_over_a_kelvin():
    """Half of its effect at 1.5 K, or half a kelvin above what is stated."""
    for more, tower, least in (("", 18.3, 1.0), (", min_difference: 3 K", 16.3, 3.0)):
        inlet, _, found = temperatures(economised(more, tower=tower), tower)
        part = inlet - tower - least
        assert 0.3 < part < 0.7 and found == pytest.approx(part * effect(FLOW, TOWER), rel=3e-3)


def test_what_an_economiser_takes_warms_the_tower_water():
    result = economised(tower=13.0)
    assert of(result, "dry_cooler_duty") == pytest.approx(of(result, "economiser_duty"), rel=2e-3)


def test_an_economiser_that_stands_still_leaves_a_loop_at_rest_as_it_is():
    """The tower water stands: what the chiller then does is what it would do without an economiser."""
    result = economised(mover=", in_service: false")
    assert of(result, "economiser_running") == 0 and of(result, "economiser_duty") == pytest.approx(0, abs=10)
    assert of(result, "chiller_duty") == pytest.approx(1e6, rel=1e-2)
    cold = economised(", min_difference: 0 K", heat=10.0, mover=", in_service: false")
    assert cold.ok and of(cold, "economiser_duty") == pytest.approx(0, abs=10)


# ---- free-cooling chillers ---------------------------------------------------------------------------------------


def free_cooling(dry, heat=1e6, flow=69.0, **more):
    parts = f"""
        tank: {{type: expansion_tank}}
        {heater(heat)}
        one: {{type: free_cooling_chiller, set_point: 16 degC, flow: 69 kg/s, drop: 10 kPa, free_cooling: 1 MW,
              free_cooling_water: 20 degC, free_cooling_air: 5 degC, coil_air_flow: 120 m3/s, coil_fan_power: 45 kW}}
        pump: {{type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, control: flow, flow: {flow / 998.5} m3/s}}
    """
    for field, value in more.items():
        parts = re.sub(rf"{field}: [^,}}]*", f"{field}: {value}", parts)
    joints = "rack.return > one.in\none.out > pump.in\npump.out > rack.supply\ntank.port > pump.in"
    return twin.solve(bench(parts, joints, f"dry_bulb: {dry} degC, dew_point: 200 K"))


def coil(inlet, ambient, flow, speed=1.0):
    """Effectiveness on the coolant: the rating gives UA, films follow flow and temperature as those of dry coolers."""
    C, rated = 69 * 4183.0, 120 * density(5.0)
    wanted = 1e6 / (min(C, rated * 1020) * 15)
    ua = brentq(lambda x: crossflow(x, C, rated * 1020) - wanted, 1e3, 1e8)
    air = 120 * density(ambient) * speed
    w = 3 * ua * (flow / 69) ** 0.85 * coil_film(inlet) / coil_film(20.0)
    a = 1.5 * ua * (air / rated) ** 0.8 * ((ambient + K) / (5 + K)) ** (0.88 - 0.79 * 0.8)
    now, other = flow * 4183.0, air * 1020
    return crossflow(1 / (1 / w + 1 / a), now, other) * min(now, other) / now


def test_a_free_cooling_chiller_at_its_rating_and_off_it():
    """20 degC at 69 kg/s and air of 5 degC: 1 MW, all that it has; at 10 degC less, the compressor does the rest."""
    rated = free_cooling(5.0, heat=1.2e6)
    inlet = of(rated, "chiller_free_cooling_return_temperature")[0] - K
    assert of(rated, "chiller_free_cooling_duty")[0] == pytest.approx(1e6 * (inlet - 5) / 15, rel=3e-3)
    for dry in (10.0, 14.0):
        result = free_cooling(dry)
        inlet, outlet = (of(result, f"chiller_free_cooling_{w}_temperature")[0] - K for w in ("return", "supply"))
        expected = coil(inlet, dry, of(result, "chiller_free_cooling_flow")[0])
        assert inlet - outlet == pytest.approx(expected * (inlet - dry), rel=2e-3)
        assert of(result, "chiller_free_cooling_power") == pytest.approx(45e3 * density(dry) / density(5.0), rel=1e-4)
        assert of(result, "chiller_duty") > 0 and of(result, "chiller_power") > 0
        assert of(result, "cooling_power") > of(result, "chiller_power") + of(result, "chiller_free_cooling_power")


@pytest.mark.parametrize(("dry", "least"), [(15.0, None), (17.0, 2.0)])
def test_a_free_cooling_coil_comes_in_over_a_kelvin(dry, least):
    """4 K above the air unless stated, in duty and in fans."""
    result = free_cooling(dry, coil_fan_power="45 kW" + (f", min_difference: {least} K" if least else ""))
    inlet, outlet = (of(result, f"chiller_free_cooling_{w}_temperature")[0] - K for w in ("return", "supply"))
    part = inlet - dry - (least or 4.0)
    assert 0.3 < part < 0.7
    expected = part * coil(inlet, dry, of(result, "chiller_free_cooling_flow")[0])
    assert inlet - outlet == pytest.approx(expected * (inlet - dry), rel=3e-3)
    assert of(result, "chiller_free_cooling_power") == pytest.approx(
        part * 45e3 * density(dry) / density(5.0), rel=1e-3
    )


def test_cold_air_holds_the_set_point_alone_and_warm_air_is_left_out():
    alone, warm = free_cooling(-10.0), free_cooling(25.0)
    assert of(alone, "chiller_power") == 0 and of(alone, "chiller_supply_temperature") - K == pytest.approx(
        16, abs=1e-5
    )
    speed = of(alone, "chiller_free_cooling_fan_speed")[0]
    assert of(alone, "chiller_free_cooling_power") == pytest.approx(
        45e3 * density(-10) / density(5) * speed**3, rel=1e-4
    )
    assert (
        of(warm, "chiller_free_cooling_duty") == pytest.approx(0, abs=10)
        and of(warm, "chiller_free_cooling_power") == 0
    )


def test_air_below_the_freezing_point_of_coils_is_told():
    """Water 0 degC; dry coolers and free-cooling coils alike."""
    for air, told in ((-1.0, True), (1.0, False)):
        cold = "one: outdoor air is below the freezing point of its coolant; a coil without flow would burst"
        assert (cold in free_cooling(air).warnings[0]) == told
    pg25 = {-12.0: True, -8.0: False}  # freezes at -9.96 degC
    hall = twin.solve("gb300_hall", {"site.dry_bulb": np.array(list(pg25)) + K})
    for warnings, told in zip(hall.warnings, pg25.values(), strict=True):
        assert any(text.startswith("dry_coolers: outdoor air is below") for text in warnings) == told


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"free_cooling_air": "25 degC"}, "one: free_cooling_air: must be below free_cooling_water"),
        ({"coil_air_flow": "20 m3/s"}, "one: coil_air_flow: the rated air flow cannot carry"),
    ],
)
def test_coils_that_cannot_be_are_refused(more, words):
    with pytest.raises(twin.LayoutError, match=words):
        free_cooling(5.0, **more)


# ---- stages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.3, 0.8, 1.4, 1.9, 2.2, 3.1])
def test_chillers_by_least_power_are_as_many_as_take_least(part):
    """Of four, against every number stated by `stage_up`: a York takes least near p = sqrt(a / c) = 0.73."""
    taken, counts = {}, {}
    for units in (1, 2, 3, 4):
        if units < part / 0.999:
            continue
        spread = {"one.stage_up": [0.001]}
        result = run("york_yk", [7.0], [20.0], [part], f", units: {units}, min_part_load: 1 %", **spread)
        taken[units] = float(of(result, "chiller_power")[0])
    best = run("york_yk", [7.0], [20.0], [part], ", units: 4, staging: least_power, min_part_load: 1 %")
    few = run("york_yk", [7.0], [20.0], [part], ", units: 4, min_part_load: 1 %")
    counts = float(of(best, "chiller_running")[0]), float(of(few, "chiller_running")[0])
    assert counts[0] == min(taken, key=taken.get) and counts[1] == np.ceil(part)
    assert of(best, "chiller_power") == pytest.approx(min(taken.values()), rel=1e-3)


def test_chillers_by_least_power_are_no_more_than_there_are():
    """Of 1.9 times what one carries three would take least."""
    both, few = (run("york_yk", [7.0], [20.0], [1.9], f", units: 2{more}") for more in (", staging: least_power", ""))
    assert of(both, "chiller_running") == 2 and of(both, "chiller_power") == of(few, "chiller_power")


def test_stages_that_cannot_be_are_refused():
    with pytest.raises(twin.LayoutError, match="staging"):
        twin.load(bench("one: {type: air_chiller, staging: most}", "one.out > one.in"))
    with pytest.raises(twin.LayoutError, match="min_cell_flow"):
        twin.load(bench("one: {type: tower, min_cell_flow: 0}", "one.out > one.in"))
