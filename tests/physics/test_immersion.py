"""Immersion tanks and in-row coolers: bath, chips, exchanger, walls, pump, limits and what is refused, by hand."""

import numpy as np
import pytest
from physics.benches import bench, counterflow, crossflow, holder, limit, of

import twin
from twin import fluids

PAO_TABLE = {
    "density": {4.7: 800.0, 41.1: 779.0, 71.1: 759.0},
    "heat_capacity": {-0.6: 2103.0, 42.0: 2280.0},
    "conductivity": {60.4: 0.1444},
}
"""Polyalphaolefin of the Modelica library ThermoS by degC: kg/m3, J/(kg K), W/(m K)."""

EVEN = "maldistribution: 0, power_spread: 0, interface_spread: 0"
CHIPS = f"accelerators: 64, chip_power: 1 kW, chip_idle: 0 W, leakage_share: 0, hosts: 0, other_power: 0 W, {EVEN}"
CHIPS += ", shelf_fixed_loss: 0, shelf_proportional_loss: 0, shelf_square_loss: 0"
CHIPS += ", throttle_temperature: 140 degC, junction_limit: 140 degC"
WATER = "pump: {type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, head: 100 kPa}\n"
STILL = "pump: {type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, control: flow, flow: 2.4 L/s}\n"
LOOP = "cool.out > oil.supply\noil.return > pump.in\npump.out > cool.in\ntank.port > cool.out"


def bath(fields="", scenarios=None, room="", supply=30, water=WATER):
    """One tank of 64 chips of a kilowatt in a room of its own, on water of 30 degC."""
    where = ", room: hall" if room else ""
    more = f"hall: {{type: room, {room}}}\n" if room else ""
    tank = f"oil: {{type: immersion_tank, cords: 1, nameplate: 80 kW, {CHIPS}{where}, {fields or 'utilisation: 1'}}}\n"
    return twin.solve(bench(more + tank + water + holder(supply), LOOP), scenarios or {})


def tank(result, name):
    return of(result, f"immersion_tank_{name}")


def cp(kelvin):
    """J/(kg K): 2133 + 3.391 t [ACHP, Brine.h]."""
    return 2133.0 + 3.391 * (kelvin - 273.15)


# ---- the dielectric ----------------------------------------------------------------------------------------------


def test_the_dielectric_is_the_polyalphaolefin_of_achp():
    """rho 808.1 - 0.6872 t, cp 2133 + 3.391 t, k 0.1466 - 0.0001088 t, mu of two exponentials, t in degC."""
    t, oil = np.linspace(0.0, 80.0, 41), fluids.fluid("pao2")
    T = t + 273.15
    np.testing.assert_allclose(oil.density(T), 808.1 - 0.6872 * t, rtol=1e-9)
    np.testing.assert_allclose(oil.heat_capacity(T), 2133.0 + 3.391 * t, rtol=1e-9)
    np.testing.assert_allclose(oil.conductivity(T), 0.1466 - 0.0001088 * t, rtol=1e-9)
    viscosity = 0.004166 * np.exp(-0.09615 * t) + 0.01148 * np.exp(-0.02563 * t)
    np.testing.assert_allclose(oil.viscosity(T), viscosity, rtol=2.1e-3)
    assert oil.freezing == pytest.approx(273.15 - 54)


@pytest.mark.parametrize(("what", "within"), [("density", 6.5e-3), ("heat_capacity", 1.5e-2), ("conductivity", 0.031)])
def test_another_table_of_polyalphaolefin_agrees(what, within):
    found = {t: float(getattr(fluids.fluid("pao2"), what)(t + 273.15)) for t in PAO_TABLE[what]}
    for t, published in PAO_TABLE[what].items():
        assert found[t] == pytest.approx(published, rel=within)


# ---- bath and chips ----------------------------------------------------------------------------------------------


def test_the_bath_warms_by_its_heat_over_its_flow_and_is_held_where_it_enters():
    """64 kW into some 3.9 kg/s of 2.28 kJ/(kg K): 7 K above the 40 degC that the valve holds."""
    found = bath("wall_conductance: 0 W/K", {"oil.utilisation": [1.0, 0.5]})
    np.testing.assert_allclose(tank(found, "heat_to_liquid"), [64e3, 32e3], rtol=1e-6)
    np.testing.assert_allclose(tank(found, "heat_to_air"), 0.0, atol=1e-9)
    np.testing.assert_allclose(tank(found, "supply_temperature"), 313.15, atol=1e-6)
    warmth = tank(found, "bath_temperature") - 313.15
    expected = tank(found, "heat_to_liquid") / (tank(found, "flow") * cp(313.15 + warmth / 2))
    np.testing.assert_allclose(warmth, expected, rtol=2e-3)
    assert 6.5 < warmth[0] < 7.5


def test_a_chip_is_warmer_than_the_bath_by_its_joint_its_sink_and_half_the_rise():
    """0.018 + 0.026 + 1 / (2 m cp) K/W unless stated."""
    found = bath("wall_conductance: 0 W/K", {"oil.sink_resistance": [0.026, 0.06]})
    half = 0.5 / (tank(found, "flow") / 64 * cp(316.6))
    over = tank(found, "junction_temperature") - tank(found, "supply_temperature")
    np.testing.assert_allclose(over, 1e3 * (0.018 + np.array([0.026, 0.06]) + half), rtol=1e-3)
    np.testing.assert_allclose(tank(bath("wall_conductance: 0 W/K"), "junction_temperature")[0], 313.15 + over[0])


def test_what_is_not_given_to_the_bath_warms_the_room():
    found = bath("liquid_fraction: 0.9")
    assert tank(found, "heat_to_air") == pytest.approx(6.4e3) and tank(found, "heat_to_liquid") == pytest.approx(57.6e3)


# ---- walls -------------------------------------------------------------------------------------------------------


def test_walls_lose_heat_to_the_room_and_water_takes_the_rest():
    """40 W/K unless stated, along the way to the pump: C (T - T_room) (1 - exp(-UA / C)); no other heat is there."""
    outdoors = 293.15
    for fields, UA in (("utilisation: 1", 40.0), ("wall_conductance: 2 kW/K", 2e3)):
        found = bath(fields)
        C = tank(found, "flow") * cp(0.5 * (tank(found, "bath_temperature") + 313.15))
        lost = C * (tank(found, "bath_temperature") - outdoors) * (1 - np.exp(-UA / C))
        shaft = 0.9 * tank(found, "pump_power")
        np.testing.assert_allclose(tank(found, "duty"), 64e3 + shaft - lost, rtol=5e-4)
        assert abs(found.figures.energy_audit[0]) < 1e-8
        assert lost == pytest.approx(UA * (tank(found, "bath_temperature") - outdoors), rel=0.15)


def test_coolers_of_the_room_take_what_the_walls_lose():
    unit = "wall: {type: in_row_cooler, room: hall}\n"
    text = bench(
        f"hall: {{type: room}}\noil: {{type: immersion_tank, cords: 1, room: hall, nameplate: 80 kW, {CHIPS}}}\n"
        + unit
        + WATER
        + holder(15),
        LOOP + "\ncool.out > wall.supply\nwall.return > pump.in",
    )
    found = twin.solve(text)
    C = tank(found, "flow") * cp(0.5 * (tank(found, "bath_temperature") + 313.15))
    warm = tank(found, "bath_temperature") - of(found, "room_return_temperature")
    lost = C * warm * (1 - np.exp(-40.0 / C))
    motor = 0.1 * tank(found, "pump_power")
    assert of(found, "crah_duty") == pytest.approx(lost + motor + of(found, "crah_fan_power"), rel=1e-4)
    assert abs(found.figures.energy_audit[0]) < 1e-8


# ---- pump --------------------------------------------------------------------------------------------------------


def test_the_pump_holds_40_kilopascals_over_bath_exchanger_and_pipes():
    """25 kPa + 15 kPa + a hundredth of 150 kPa at 4 kg/s, by the square; Q dp / 0.75 / 0.9 is its power, of cooling."""
    found = bath("wall_conductance: 0 W/K")
    flow = 4.0 * np.sqrt(40e3 / (25e3 + 15e3 + 1.5e3 + 1.0))
    assert tank(found, "flow") == pytest.approx(flow, rel=1e-4)
    density = 808.1 - 0.6872 * (tank(found, "bath_temperature") - 273.15)
    assert tank(found, "pump_power") == pytest.approx(flow / density * 40e3 / 0.75 / 0.9, rel=2e-3)
    assert found.figures.cooling_power[0] > tank(found, "pump_power")[0]
    assert found.figures.system_power[0] == pytest.approx(64e3 + tank(found, "pump_power")[0])
    x = tank(found, "flow") / density / (tank(found, "speed") * 5e-3)
    assert tank(found, "speed") ** 2 * 150e3 * (1 - 0.5 * x**2 - 0.1 * x**4) == pytest.approx(40e3, rel=2e-3)
    assert tank(found, "suction_pressure") == pytest.approx(101325.0)
    assert tank(found, "discharge_pressure") - tank(found, "suction_pressure") < 40e3


def test_a_pump_that_stands_still_cools_no_chips():
    found = bath("", {"oil.in_service": [0.0]})
    assert tank(found, "flow")[0] == pytest.approx(0.0, abs=1e-9) and tank(found, "facility_flow")[0] < 1e-2
    assert tank(found, "power")[0] == 0.0


# ---- exchanger ---------------------------------------------------------------------------------------------------


def test_the_exchanger_is_counterflow_with_a_thicker_film_of_dielectric():
    """1/UA = 1/(1.3 UA h^0.8) + 1/((1 + 1/0.3) UA c^0.8) + R UA/U: 12 kW/K at 4 and 2.4 kg/s, U 600 W/(m2 K)."""
    given = {"pump.flow": np.array([2.4e-3, 1.2e-3, 2.4e-3]), "oil.fouling": [0.0, 0.0, 2e-4]}
    found = bath("wall_conductance: 0 W/K, set_point: null", given, water=STILL)
    for k, fouling in enumerate((0.0, 0.0, 2e-4)):
        hot, cold = tank(found, "flow")[k], tank(found, "facility_flow")[k]
        UA = 1 / (
            1 / (1.3 * 12e3 * (hot / 4.0) ** 0.8)
            + 1 / ((1 + 1 / 0.3) * 12e3 * (cold / 2.4) ** 0.8)
            + fouling / (12e3 / 600.0)
        )
        C = hot * cp(0.5 * (tank(found, "bath_temperature")[k] + tank(found, "supply_temperature")[k]))
        expected = counterflow(UA, C, cold * 4179.5)
        assert tank(found, "effectiveness")[k] == pytest.approx(expected, rel=2e-3)
    assert tank(found, "duty")[0] == pytest.approx(64e3 + 0.9 * tank(found, "pump_power")[0], rel=1e-6)


def test_the_valve_opens_to_three_times_its_rated_flow_and_leaks_a_fiftieth():
    wide = bath("set_point: 31 degC", water=WATER.replace("100 kPa", "1 MPa"))
    assert tank(wide, "facility_flow") == pytest.approx(3 * 2.4, rel=1e-6)
    assert any("oil: immersion_tank_set_point" in w for w in wide.warnings[0])
    shut = bath("set_point: 50 degC, utilisation: 0", supply=20)
    assert tank(shut, "facility_flow") == pytest.approx(0.02 * 2.4, rel=1e-6)
    open_ = bath("set_point: null", water=WATER.replace("100 kPa", "50 kPa"))
    assert tank(open_, "facility_flow") == pytest.approx(2.4, rel=1e-3)  # 50 kPa at its rated flow


# ---- limits ------------------------------------------------------------------------------------------------------


def test_limits_of_a_tank_are_its_bath_its_exchanger_its_water_and_its_flow():
    found = bath("min_flow: 2 kg/s, chip_scale: 1.1, power_scale: 1.2")
    bath_, most = limit(found, "bath_temperature", "oil")
    assert most == pytest.approx(328.15) and bath_ == tank(found, "bath_temperature")
    duty, most = limit(found, "tank_duty", "oil")
    assert most == pytest.approx(100e3) and duty == tank(found, "duty")
    water, most = limit(found, "tank_water_flow", "oil")
    assert most == pytest.approx(1.1 * 2.4) and water == tank(found, "facility_flow")
    flow, least = limit(found, "rack_flow", "oil")
    assert least == pytest.approx(2 * 1.1 * 1.2) and flow == tank(found, "flow")
    assert limit(bath("max_water_flow: 3 kg/s"), "tank_water_flow", "oil")[1] == pytest.approx(3.0)
    aired = bath(room="ventilation: 1 m3/s")
    wet, driest = limit(aired, "dew_point", "oil")
    assert driest == pytest.approx(of(aired, "room_dew_point") + 2) and wet == pytest.approx(303.15)
    classed = bath("water_class: W32")
    assert limit(classed, "facility_water_class", "oil")[1] == pytest.approx(305.15)


def test_a_tank_too_warm_for_its_water_passes_its_limit():
    found = bath("", {"cool.set_point": [303.15, 323.15]})
    assert tank(found, "bath_temperature")[1] > 328.15
    assert list(found["limit_exceeded"].values) == [False, True]


def test_fans_of_a_tank_are_refused():
    for field, value in (("air_flow", "1 m3/s"), ("fan_power", "1 kW")):
        with pytest.raises(twin.LayoutError, match=f"oil: {field}: a tank has no fans; leave it out"):
            bath(f"{field}: {value}")
    with pytest.raises(twin.LayoutError, match="no fluid 'pao4'; did you mean 'pao2'"):
        bath("fluid: pao4")


def test_tanks_in_a_batch_have_the_bits_of_each_alone():
    many = {"oil.set_point": [308.15, 313.15, 318.15], "oil.utilisation": [0.4, 0.7, 1.0]}
    batch = bath("", many)
    for k in range(3):
        alone = bath("", {name: [values[k]] for name, values in many.items()})
        for name in ("bath_temperature", "flow", "duty", "junction_temperature", "facility_flow"):
            assert tank(batch, name)[k] == tank(alone, name)[0]


TWO = """
version: 1
name: two
site: {dry_bulb: 20 degC}
components:
  grid: {type: utility, voltage: 415 V}
  hall: {type: room}
  row: {type: in_row_cooler, room: hall, set_point: 27 degC, units: 2}
  water: {type: expansion_tank}
  pump: {type: pump, shutoff: 250 kPa, rated_flow: 15 L/s, head: 120 kPa}
  dry: {type: dry_cooler, duty: 400 kW, air_flow: 40 m3/s, flow: 12 kg/s, set_point: 25 degC}
repeat:
  - over: {k: 1..3}
    components:
      "oil{k}": {model: hgx_h200_tank, room: hall, cords: 1}
      "rack{k}": {type: liquid_rack, it_power: 20 kW, nameplate: 20 kW, rated_flow: 0.6 kg/s, air_flow: 1 m3/s,
                  max_liquid_heat: 12 kW, cords: 1, room: hall}
    connections:
      - [power, grid.out, "oil{k}.feed"]
      - [power, grid.out, "rack{k}.feed"]
      - [coolant, dry.out, "oil{k}.supply"]
      - [coolant, "oil{k}.return", pump.in]
      - [coolant, dry.out, "rack{k}.supply"]
      - [coolant, "rack{k}.return", pump.in]
connections:
  - [power, grid.out, row.feed]
  - [power, grid.out, pump.feed]
  - [power, grid.out, dry.feed]
  - [coolant, dry.out, row.supply]
  - [coolant, row.return, pump.in]
  - [coolant, pump.out, dry.in]
  - [coolant, water.port, pump.in]
"""


def test_tanks_and_racks_that_are_alike_are_solved_as_one_with_the_same_answers():
    given = {"site.dry_bulb": [278.15, 293.15], "oil2.utilisation": [1.0, 0.4], "rack3.max_liquid_heat": [12e3, 16e3]}
    once, each = (twin.solve(TWO, given, symmetry=s) for s in (True, False))
    assert once.ok and each.ok
    for name in ("rack_spill", "immersion_tank_bath_temperature", "immersion_tank_duty", "crah_duty", "pump_power"):
        np.testing.assert_allclose(once[name].values, each[name].values, rtol=1e-8, err_msg=name)
    np.testing.assert_allclose(once["rack_spill"].values[:, 1], [5.4e3, 5.4e3, 1.4e3])
    assert (np.abs(once.figures.energy_audit) < 1e-8).all()
    assert any("rack1 and 2 more: plate_spill: 5.4 kW" in w for w in once.warnings[0])


# ---- in-row coolers ----------------------------------------------------------------------------------------------

HOT = "rack: {type: rack, cords: 1, it_power: 20 kW, min_fan_speed: 1, air_flow: 1.4 m3/s, room: hall}"


def row(fields, water="control: flow, flow: 1.2 L/s", scenarios=None):
    parts = "hall: {type: room, recirculation: 0, bypass: 0}\n" + HOT + "\n"
    parts += f"unit: {{type: in_row_cooler, room: hall, {fields}}}\n"
    parts += holder(10) + f"pump: {{type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, {water}}}"
    return twin.solve(
        bench(parts, "cool.out > unit.supply\nunit.return > pump.in\npump.out > cool.in\ntank.port > cool.out"),
        scenarios or {},
    )


def test_an_in_row_cooler_passes_the_duty_of_its_coil_and_one_kilowatt_of_fans():
    """2.5 kW/K at 1.4 m3/s of 1.2 kg/m3 and 1.2 kg/s, crossflow; 1 kW at full speed in air of 1.182 kg/m3."""
    found = row("set_point: null")
    duty, air, water = (of(found, f"crah_{n}")[0] for n in ("duty", "air_flow", "water_flow"))
    UA = 1 / (1 / (1.5 * 2.5e3 * (air / 1.68) ** 0.8) + 1 / (3 * 2.5e3 * (water / 1.2) ** 0.8))
    e = crossflow(UA, 1006 * air, 4190 * water)
    entering = of(found, "crah_supply_temperature")[0] + duty / (1006 * air)
    assert duty == pytest.approx(e * 1006 * air * (entering - 283.15), rel=1.5e-3)
    assert of(found, "crah_fan_power")[0] == pytest.approx(1e3 * air / 1.68, rel=1e-6)
    assert duty == pytest.approx(20e3 + of(found, "crah_fan_power")[0], rel=1e-6)


def test_an_in_row_cooler_holds_22_degrees_and_is_rated_for_30_kilowatts():
    found = row("capacity: 30 kW", water="control: head, head: 100 kPa")
    assert of(found, "crah_supply_temperature") == pytest.approx(295.15)
    assert limit(row("units: 2", water="control: head, head: 100 kPa"), "crah_capacity", "unit")[1] == pytest.approx(
        60e3
    )


def test_an_in_row_cooler_is_as_deep_as_a_rack_and_three_tenths_of_a_metre_wide():
    layout = twin.load(
        bench(
            "hall: {type: room}\nunit: {type: in_row_cooler, room: hall}\n" + holder(10) + WATER,
            "cool.out > unit.supply\nunit.return > pump.in\npump.out > cool.in\ntank.port > cool.out",
        )
    )
    unit = layout.components["unit"]
    assert unit.extent == (1.2, 0.3, 2.0) and unit.shapes_air == "cooler"
    turned = unit.model_copy(update={"facing": "+y"})
    assert turned.extent == (0.3, 1.2, 2.0)
