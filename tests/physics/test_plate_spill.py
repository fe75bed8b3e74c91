"""What cold plates cannot take: how much of it there is, where it goes, what gives way first, and who is told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from physics.benches import bench, holder, limit, of

import twin

EVEN = "maldistribution: 0, power_spread: 0, interface_spread: 0"
CHIP = (
    "accelerators: 1, plates: 1, chip_power: 1 kW, chip_idle: 0 W, leakage_share: 0, junction_to_case: 0.02 K/W, "
    f"rated_flow: 0.05 kg/s, throttle_temperature: 140 degC, {EVEN}"
)
CP = 4179.5
"""Of water at 30 to 40 degC, J/(kg K) [IAPWS]."""
PUMP = "pump: {type: pump, rated_flow: 1 L/s, shutoff: 300 kPa, head: 100 kPa}\n"
LOOP = "cool.out > rack.supply\nrack.return > pump.in\npump.out > cool.in\ntank.port > cool.out"


def rack(fields, scenarios=None, supply=30, room="", more="", joints=""):
    """One rack on water of a temperature, outdoors unless a room is stated."""
    where = ", room: hall" if room else ""
    parts = f"hall: {{type: room, {room}}}\n" if room else ""
    parts += f"rack: {{type: liquid_rack, cords: 1, nameplate: 200 kW, {fields}{where}}}\n"
    return twin.solve(bench(parts + more + PUMP + holder(supply), LOOP + joints), scenarios or {})


def rise(flow, power=1e3):
    """Mean junction over water of 30 degC: 0.02 + 0.0021 + 0.0071 / 0.6155 + 1 / (2 m cp) K/W."""
    return power * (0.02 + 0.0021 + 0.0071 / 0.6155 + 0.5 / (flow * CP))


# ---- how much ----------------------------------------------------------------------------------------------------


def test_plates_take_what_they_are_rated_for_and_the_rest_warms_the_air():
    """87 kW of 100 for the coolant: plates of 60 kW leave 27 to the air, beside the 13 of what has no plates."""
    found = rack("it_power: 100 kW", {"rack.max_liquid_heat": [100e3, 87e3, 60e3, 10e3]})
    np.testing.assert_allclose(of(found, "rack_heat_to_liquid"), [87e3, 87e3, 60e3, 10e3])
    np.testing.assert_allclose(of(found, "rack_spill"), [0, 0, 27e3, 77e3], atol=1e-9)
    np.testing.assert_allclose(of(found, "rack_heat_to_air"), [13e3, 13e3, 40e3, 90e3])
    warmth = of(found, "rack_return_temperature") - of(found, "rack_supply_temperature")
    np.testing.assert_allclose(warmth, of(found, "rack_heat_to_liquid") / (of(found, "rack_flow") * CP), rtol=2e-3)


def test_more_chips_bring_more_plates_and_stronger_chips_do_not():
    given_ = {"rack.chip_scale": [1.0, 1.5, 1.0], "rack.power_scale": [1.0, 1.0, 1.5]}
    found = rack("it_power: 100 kW, max_liquid_heat: 60 kW", given_)
    np.testing.assert_allclose(of(found, "rack_heat_to_liquid"), [60e3, 90e3, 60e3])
    np.testing.assert_allclose(of(found, "rack_power"), [100e3, 150e3, 150e3])


def test_plates_take_at_most_what_holds_the_mean_junction_at_its_limit():
    """(T_s - T_in) / R: of the heat for the coolant the share (T_s - T_in) / (R P), all of it where R P is less."""
    limits = np.array([120.0, 66.0, 50.0, 40.0, 30.0, 27.0])
    found = rack(f"{CHIP}, liquid_fraction: 0.9", {"rack.plate_temperature": limits + 273.15})
    over = rise(of(found, "rack_flow"))
    asked = 0.9 * of(found, "rack_power")
    assert 35.5 < over[0] < 36
    np.testing.assert_allclose(of(found, "rack_junction_temperature") - 303.15, over, rtol=5e-4)
    share = np.clip((limits - 30.0) / over, 0.0, 1.0)
    np.testing.assert_allclose(of(found, "rack_heat_to_liquid"), share * asked, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(of(found, "rack_spill"), (1 - share) * asked, rtol=2e-3, atol=1e-6)
    assert of(found, "rack_spill")[0] == 0.0 and (np.diff(of(found, "rack_spill")) >= 0).all()


def test_of_a_stated_power_plates_take_what_its_junctions_leave():
    """Half the power that the rack would draw warms chips by half; then half as much again is too much."""
    whole = rack(f"{CHIP}, liquid_fraction: 1")
    full, over = of(whole, "rack_power")[0], of(whole, "rack_junction_temperature")[0] - 303.15
    found = rack(
        f"{CHIP}, liquid_fraction: 1, plate_temperature: {30 + 0.6 * over} degC",
        {"rack.it_power": np.array([0.5, 0.6, 0.9, 1.2]) * full},
    )
    np.testing.assert_allclose(of(found, "rack_heat_to_liquid") / full, [0.5, 0.6, 0.6, 0.6], rtol=1e-5)
    np.testing.assert_allclose(of(found, "rack_spill") / full, [0.0, 0.0, 0.3, 0.6], atol=1e-5)


def test_the_lower_of_both_limits_holds():
    found = rack(
        f"{CHIP}, liquid_fraction: 1, plate_temperature: 50 degC", {"rack.max_liquid_heat": [5e3, 700.0, 300.0]}
    )
    able = 20.0 / rise(of(found, "rack_flow")) * of(found, "rack_power")
    np.testing.assert_allclose(of(found, "rack_heat_to_liquid"), np.minimum(able, [5e3, 700.0, 300.0]), rtol=1e-3)
    assert 300 < able[0] < 1300


def test_spill_begins_without_a_jump():
    """Over a hundredth of a kelvin around the junction it grows from nothing, by its slope."""
    plain = rack(f"{CHIP}, liquid_fraction: 1")
    T, power = of(plain, "rack_junction_temperature")[0], of(plain, "rack_power")[0]
    below = np.linspace(-0.01, 0.01, 9)
    found = rack(f"{CHIP}, liquid_fraction: 1", {"rack.plate_temperature": T - below})
    np.testing.assert_allclose(of(found, "rack_spill"), np.maximum(below, 0) / (T - 303.15) * power, atol=2e-3)


# ---- what gives way first ----------------------------------------------------------------------------------------


def test_clocks_give_way_before_plates_and_spill_what_clocks_cannot_save():
    """At one temperature for both, a chip that can slow down spills nothing; one that must run spills the rest."""
    both = CHIP.replace("throttle_temperature: 140", "throttle_temperature: 50") + ", liquid_fraction: 1"
    both += ", plate_temperature: 50 degC"
    slow, fast = rack(both), rack(f"{both}, min_clock: 1")
    assert of(slow, "rack_spill")[0] < 1e-3 and told(slow) == [[]] and of(slow, "rack_clock")[0] < 0.85
    assert of(slow, "rack_junction_temperature")[0] == pytest.approx(323.15, abs=1e-6)
    assert of(fast, "rack_clock")[0] == 1.0
    over = rise(of(fast, "rack_flow"))[0]
    assert of(fast, "rack_spill")[0] == pytest.approx((1 - 20.0 / over) * of(fast, "rack_power")[0], rel=2e-3)


def test_junctions_are_told_as_if_plates_took_all():
    """The air cools no chip: it has no resistance of its own here."""
    plain = rack(f"{CHIP}, liquid_fraction: 1")
    found = rack(f"{CHIP}, liquid_fraction: 1", {"rack.plate_temperature": [400.0, 320.0], "rack.max_liquid_heat": 400})
    for name in ("rack_junction_temperature", "rack_worst_junction_temperature", "rack_clock", "rack_chip_power"):
        np.testing.assert_allclose(of(found, name), of(plain, name)[0], rtol=1e-6)


# ---- where it goes -----------------------------------------------------------------------------------------------

COOLER = "wall: {type: crah, room: hall, set_point: 20 degC, conductance: 30 kW/K, units: 4, capacity: 15 kW}\n"
THERE = "\ncool.out > wall.supply\nwall.return > pump.in"
WIDE = PUMP.replace("1 L/s", "20 L/s")


def hall(fields, scenarios):
    fans = "air_flow: 4 m3/s, fan_power: 2 kW, min_fan_speed: 0.1, air_rise: 12 K"
    parts = "hall: {type: room, recirculation: 0.1}\n"
    parts += f"rack: {{type: liquid_rack, room: hall, cords: 1, {fans}, {fields}}}\n"
    return twin.solve(bench(parts + COOLER + WIDE + holder(12), LOOP + THERE), scenarios)


def test_fans_move_what_is_spilled_and_coolers_of_the_room_take_it():
    found = hall("it_power: 100 kW, nameplate: 200 kW", {"rack.max_liquid_heat": [90e3, 70e3, 47e3]})
    air = of(found, "rack_heat_to_air")
    np.testing.assert_allclose(air, [13e3, 30e3, 53e3])
    np.testing.assert_allclose(of(found, "rack_air_flow"), air / (1006 * 12), rtol=1e-6)
    np.testing.assert_allclose(of(found, "crah_duty") - of(found, "crah_fan_power"), air, rtol=1e-6)
    np.testing.assert_allclose(found.figures.heat_to_air, air)
    duty, most = limit(found, "crah_capacity", "wall")
    np.testing.assert_allclose(duty, of(found, "crah_duty"))
    np.testing.assert_allclose(most, 60e3)
    assert (np.abs(found.figures.energy_audit) < 1e-8).all()


def test_air_that_fans_cannot_carry_is_a_warmer_inlet():
    """All air is delivered; a tenth comes from behind, which spill makes hotter: limits of the air see it."""
    found = hall("it_power: 100 kW, nameplate: 200 kW", {"rack.max_liquid_heat": [90e3, 10e3]})
    inlet, bound = limit(found, "rack_air_inlet", "rack")
    flow = of(found, "rack_air_flow")
    assert of(found, "rack_air_rise")[1] == pytest.approx(90e3 / (flow[1] * 1006), rel=1e-9)
    assert flow[1] == pytest.approx(flow.max()) and of(found, "rack_air_rise")[1] > 18
    assert inlet[1] > inlet[0] + 0.5 and bound[0] == pytest.approx(308.15)


def test_fans_draw_more_for_what_is_spilled_and_a_cap_of_the_rack_holds_all_the_same():
    fields = (
        "accelerators: 72, chip_power: 1 kW, hosts: 0, other_power: 0 W, nameplate: 200 kW, rated_flow: 2 kg/s, "
        "throttle_temperature: 140 degC, min_clock: 0.1"
    )
    free = hall(fields, {"rack.plate_temperature": [400.0, 298.15]})
    speed = of(free, "rack_air_flow") / 4 / (of(free, "rack_air_flow")[0] / 4)
    assert speed[1] > 1.2
    grown = of(free, "rack_power") - of(free, "rack_conversion_loss")
    assert grown[1] > grown[0] + 30
    cap = 60e3
    for limited in ({"rack.plate_temperature": [298.15, 290.15]}, {"rack.max_liquid_heat": [40e3, 10e3]}):
        held = hall(f"{fields}, rack_cap: {cap} W", limited)
        assert (of(held, "rack_spill") > 1e3).all()
        np.testing.assert_allclose(of(held, "rack_power"), cap, rtol=2e-4)


# ---- energy ------------------------------------------------------------------------------------------------------

WIDTH = 8


def numbers(low, high):
    return st.lists(
        st.integers(0, 1000).map(lambda k: low + (high - low) * k / 1000), min_size=WIDTH, max_size=WIDTH
    ).map(np.array)


@settings(max_examples=20, deadline=None)
@given(
    power=numbers(1e3, 180e3), part=numbers(0, 1), most=numbers(1, 200e3), junction=numbers(300, 400),
    supply=numbers(285, 330), scale=numbers(0.3, 2),
)  # fmt: skip
def test_heat_to_liquid_and_to_air_are_the_power_whatever_plates_can(power, part, most, junction, supply, scale):
    given_ = {
        "rack.it_power": power, "rack.liquid_fraction": part, "rack.max_liquid_heat": most, "rack.chip_scale": scale,
        "rack.plate_temperature": junction, "cool.set_point": supply,
    }  # fmt: skip
    found = rack("accelerators: 72", given_)
    liquid, air, spill = (of(found, f"rack_{name}") for name in ("heat_to_liquid", "heat_to_air", "spill"))
    np.testing.assert_allclose(liquid + air, of(found, "rack_power"), rtol=1e-12)
    np.testing.assert_allclose(liquid + spill, part * of(found, "rack_power"), rtol=1e-9, atol=1e-6)
    assert (spill >= 0).all() and (liquid >= -1e-9).all() and (liquid <= most * scale * (1 + 1e-12) + 1e-9).all()
    assert (np.abs(found.figures.energy_audit) < 1e-7).all()


def test_a_batch_of_racks_that_spill_has_the_bits_of_its_scenarios_alone():
    many = {"rack.plate_temperature": [400.0, 320.0, 305.0], "rack.max_liquid_heat": [500.0, 2e3, 300.0]}
    batch = rack(f"{CHIP}, liquid_fraction: 0.9", many)
    for k in range(3):
        alone = rack(f"{CHIP}, liquid_fraction: 0.9", {name: [values[k]] for name, values in many.items()})
        for name in ("rack_spill", "rack_heat_to_liquid", "rack_power", "rack_return_temperature"):
            assert of(batch, name)[k] == of(alone, name)[0]


# ---- who is told -------------------------------------------------------------------------------------------------


def told(found):
    return [[w for w in texts if "cold plates cannot take" in w] for texts in found.warnings]


def test_spill_is_told_with_the_rack_and_its_size_and_bounds_nothing():
    found = rack("it_power: 100 kW", {"rack.max_liquid_heat": [60e3, 100e3]})
    first, second = told(found)
    assert len(first) == 1 and first[0].startswith("rack: plate_spill: 27.0 kW, at most 0.0 kW") and not second
    assert "plate_spill" not in found.margins.name
    unlimited = rack("it_power: 100 kW")
    assert told(unlimited) == [[]] and of(unlimited, "rack_spill")[0] == 0.0
    assert rack("it_power: 100 kW, max_liquid_heat: 60 kW").bound.limit.name != "plate_spill"


def test_a_junction_of_a_rack_without_accelerators_is_refused():
    with pytest.raises(twin.LayoutError, match=r"rack: plate_temperature: no accelerators.*give `max_liquid_heat`"):
        rack("it_power: 100 kW, accelerators: 0, plate_temperature: 80 degC")
    with pytest.raises(twin.LayoutError, match="max_liquid_heat"):
        rack("it_power: 100 kW, max_liquid_heat: 0 kW")
