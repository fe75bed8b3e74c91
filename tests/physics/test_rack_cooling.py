"""Junctions of a solved rack: the measured cold plate, heat sinks, the worst chip, throttles, and a rack's flow.

One chip of a constant power (no leakage) on its plate, so that its temperature over the coolant's is R P.
"""

import numpy as np
import pytest

import twin
from twin import columns
from twin.domains import compute
from twin.results.figures import figures
from twin.results.limits import margins
from twin.solver.steady import steady
from twin.study.bound import rescale

PLATE_PG25 = {
    0.5: 0.0325, 0.6: 0.0300, 0.7: 0.0280, 0.8: 0.0265, 0.9: 0.0255, 1.0: 0.0245, 1.2: 0.0230,
    1.4: 0.0220, 1.6: 0.0214, 1.8: 0.0209, 2.0: 0.0204, 2.2: 0.0200, 2.4: 0.0197,
}  # fmt: skip
PLATE_WATER = {2.0: 0.0172, 3.0: 0.0160, 4.0: 0.0154, 5.0: 0.0151}
"""Case to inlet, K/W, by L/min: OCP OAI 1 kW cold plate, figures 7 and 8, as recorded in Modelica Buildings."""

EVEN = "maldistribution: 0, power_spread: 0, interface_spread: 0"
PLAIN = "chip_power: 1 kW, chip_idle: 0 W, leakage_share: 0, junction_to_case: 0 K/W"
LPM = 1e-3 / 60


def loop(*fields, fluid="water", supply=30, scenarios=None, racks=None, pump="rated_flow: 1 L/s"):
    racks = racks or {"r": fields}
    parts = "".join(f"  {n}: {{type: liquid_rack, cords: 1, {', '.join(f)}}}\n" for n, f in racks.items())
    links = "".join(
        f"  - [power, grid.out, {n}.feed]\n  - [coolant, dry.out, {n}.supply]\n  - [coolant, {n}.return, pump.in]\n"
        for n in racks
    )
    text = f"""
version: 1
name: loop
site: {{dry_bulb: 10 degC}}
components:
  grid: {{type: utility, voltage: 415 V}}
{parts}  tank: {{type: expansion_tank, fluid: {fluid}}}
  pump: {{type: pump, {pump}}}
  dry: {{type: dry_cooler, set_point: {supply} degC, duty: 1 MW, flow: 20 kg/s, drop: 10 kPa}}
connections:
  - [power, grid.out, pump.feed]
  - [power, grid.out, dry.feed]
  - [coolant, tank.port, pump.in]
  - [coolant, pump.out, dry.in]
{links}"""
    found = twin.solve(text, scenarios)
    assert found.ok
    np.testing.assert_allclose(found["rack_supply_temperature"].values, 273.15 + supply, atol=1e-3)
    return found


def of(result, name):
    return result[f"rack_{name}"].values[0]


def over(result, worst=False):
    """Rise of the mean or the worst junction over the coolant that enters."""
    return of(result, "worst_junction_temperature" if worst else "junction_temperature") - of(
        result, "supply_temperature"
    )


# ---- cold plates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fluid", "points"), [("pg25", PLATE_PG25), ("water", PLATE_WATER)])
def test_a_solved_rack_has_the_measured_resistance_of_its_cold_plates(fluid, points):
    """All 17 points of the OCP 1 kW module within 0.8 mK/W, through the solve, at the kilowatt of the tests.

    The two constants of the law were fitted to these points: worst 0.63 mK/W, mean 0.29 mK/W of all, 0.36 of PG25.
    """
    given = ("accelerators: 1, plates: 1, liquid_fraction: 1", PLAIN, EVEN)
    flows = np.array(list(points)) * LPM
    found = loop(*given, fluid=fluid, scenarios={"r.flow_limiter": flows})
    np.testing.assert_allclose(over(found) / 1e3, list(points.values()), atol=0.8e-3)
    assert np.abs(over(found) / 1e3 - list(points.values())).mean() < 0.4e-3


def test_a_cold_plate_is_spreading_conduction_and_half_of_its_bulk_rise():
    """2.1 mK/W + 0.0071 / k + 1 / (2 m cp), water of 30 degC: k = 0.6155 W/m/K, cp = 4180 J/kg/K [IAPWS]."""
    given = ("accelerators: 1, plates: 1, liquid_fraction: 1, chip_power: 10 W, chip_idle: 0 W, leakage_share: 0", EVEN)
    flows = np.array([0.5, 5.0, 50.0]) * LPM
    found = loop(*given, "junction_to_case: 0 K/W", scenarios={"r.flow_limiter": flows})
    mass = of(found, "flow")
    np.testing.assert_allclose(mass, 995.65 * flows, rtol=1e-3)
    np.testing.assert_allclose(over(found) / 10, 0.0021 + 0.0071 / 0.6155 + 0.5 / (mass * 4180), rtol=2e-3)
    joined = loop(*given, scenarios={"r.flow_limiter": flows})  # 18 mK/W of junction to case if none is given
    np.testing.assert_allclose(over(joined) - over(found), 10 * 0.018, rtol=1e-6)


def test_plates_share_the_flow_of_their_rack_and_more_chips_bring_more_plates():
    given = (
        "accelerators: 4, liquid_fraction: 1",
        PLAIN,
        EVEN,
        "flow_limiter: 8 L/min",
        "plate_spread: 0 K/W, plate_conduction: 0 1/m",
    )
    few, many = loop(*given, "plates: 4"), loop(*given, "plates: 8")
    each = of(few, "flow")[0] / 4
    assert over(few)[0] / 1e3 == pytest.approx(0.5 / (each * 4180), rel=2e-3)
    assert over(many)[0] / 1e3 == pytest.approx(1.0 / (each * 4180), rel=2e-3)
    doubled = loop(*given, "plates: 4, chip_scale: 2")
    assert over(doubled)[0] / 1e3 == pytest.approx(1.0 / (each * 4180), rel=2e-3)
    weak = loop(*given, "plates: 4, power_scale: 0.1"), loop(*given, "power_scale: 0.1")  # 72 plates if none are given
    assert over(weak[1])[0] / over(weak[0])[0] == pytest.approx(18.0, rel=1e-3)


def test_the_worst_chip_has_less_flow_more_power_and_a_worse_interface():
    """5 % less flow, 5 % more power, 10 % more of junction to case, the default spreads, one after another."""
    plain = ("accelerators: 1, plates: 1, liquid_fraction: 1, chip_power: 1 kW, chip_idle: 0 W, leakage_share: 0",)
    plain = (*plain, "flow_limiter: 2 L/min", "plate_spread: 0 K/W, plate_conduction: 0 1/m")
    flow = loop(*plain, "junction_to_case: 0 K/W, power_spread: 0")
    assert over(flow, True)[0] / over(flow)[0] == pytest.approx(1 / 0.95, rel=1e-6)
    power = loop(*plain, "junction_to_case: 0 K/W, maldistribution: 0")
    assert over(power, True)[0] / over(power)[0] == pytest.approx(1.05, rel=1e-6)
    joint = loop(*plain, "maldistribution: 0, power_spread: 0")
    assert over(joint, True)[0] - over(joint)[0] == pytest.approx(1e3 * 0.1 * 0.018, rel=1e-6)
    all_three, bulk = loop(*plain), over(flow)[0] / 1e3
    assert over(all_three, True)[0] == pytest.approx(1050 * (bulk / 0.95 + 1.1 * 0.018), rel=1e-6)


def test_the_worst_chip_leaks_by_its_own_temperature():
    given = (
        "accelerators: 1, plates: 1, liquid_fraction: 1, flow_limiter: 2 L/min, chip_power: 1 kW, chip_idle: 200 W",
    )
    found = loop(*given, "leakage_share: 0.2, leakage_slope: 0.012 1/K, leakage_temperature: 70 degC", supply=40)
    mean, worst = over(found)[0], over(found, True)[0]
    work, T0 = 800.0, 343.15
    at = lambda rise: work + 200 * np.exp(0.012 * (of(found, "supply_temperature")[0] + rise - T0))  # noqa: E731
    bulk = mean / at(mean) - 0.018 - 0.0021
    conduction = bulk - 0.5 / (of(found, "flow")[0] * 4179)
    assert conduction == pytest.approx(0.0071 / 0.630, rel=0.02)
    resistance = 0.018 * 1.1 + 0.0021 + conduction + (bulk - conduction) / 0.95
    assert worst == pytest.approx(1.05 * resistance * at(worst), rel=1e-3)


# ---- heat sinks --------------------------------------------------------------------------------------------------


def test_a_heat_sink_improves_with_the_air_to_the_power_of_0_8():
    """40 mK/W at rated air flow, turbulent [Dittus & Boelter]; the air itself warms by half of its rise on the way."""
    text = f"""
version: 1
name: sink
site: {{dry_bulb: 24 degC, dew_point: -60 degC}}
components:
  grid: {{type: utility, voltage: 415 V}}
  r: {{type: rack, cords: 1, accelerators: 1, air_flow: 0.1 m3/s, air_rise: 10 K, {EVEN}, chip_power: 100 W,
       chip_idle: 0 W, leakage_share: 0, junction_to_case: 0 K/W, min_fan_speed: 0.05}}
connections: [[power, grid.out, r.feed]]
"""
    found = twin.solve(text, {"rack.other_power": [0.0, 300.0, 900.0]})
    flow = of(found, "air_flow")
    rise = of(found, "junction_temperature") - of(found, "inlet_temperature")
    assert flow[-1] / flow[0] > 2
    np.testing.assert_allclose(rise / 100, 0.04 * (0.1 * 1.2 / flow) ** 0.8 + 0.5 / (flow * 1006), rtol=1e-3)


# ---- throttles ---------------------------------------------------------------------------------------------------


def test_a_hot_chip_gives_way_smoothly_at_its_throttle_temperature():
    """P = P1 - w ln(1 + exp((P1 - P2) / w)), w a hundredth of full power, P2 what holds the worst chip at 89 degC."""
    supply = np.array([45.0, 60.0, 62.0, 66.0])
    given = ("accelerators: 1, plates: 1, liquid_fraction: 1, flow_limiter: 2 L/min", EVEN)
    given = (*given, "chip_power: 1 kW, chip_idle: 0 W, leakage_share: 0, junction_to_case: 0.01 K/W")
    each = [loop(*given, supply=t) for t in supply]
    for t, found in zip(supply, each, strict=True):
        resistance = over(found)[0] / (of(found, "power")[0] - of(found, "conversion_loss")[0])
        most = (89.0 - t) / resistance
        power = 1e3 - 10 * np.logaddexp(0, (1e3 - most) / 10)
        assert of(found, "power")[0] - of(found, "conversion_loss")[0] == pytest.approx(power, rel=1e-5)
        clock = of(found, "clock")[0]
        assert 200 + 800 * clock * (1 - 1.6 * (1 - clock)) ** 2 == pytest.approx(power, rel=1e-4)
    assert of(each[-1], "clock")[0] < 0.99


@pytest.mark.filterwarnings("error")
def test_the_clamp_of_a_throttle_is_smooth_and_silent_about_what_is_unknown():
    """min(a, b) - w ln(1 + exp(-|a - b| / w)), unknown where one of them is, and exact far from where they cross."""
    a, b = np.array([1e3, 1e3, 990.0, 1e18, 1e3, np.nan, 1e3]), np.array([1e3, 990.0, 1e3, 1.0, np.inf, 1e3, np.nan])
    crossed = 990 - 10 * np.log(1 + np.exp(-1))
    expected = [1e3 - 10 * np.log(2), crossed, crossed, 1.0, 1e3, np.nan, np.nan]
    found = [compute.soft_minimum(*pair, 10.0) for pair in zip(a, b, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_a_throttled_worst_chip_stands_at_its_throttle_temperature():
    """With spreads and leakage: 89 degC less what the smooth clamp leaves; the loss of clock is told."""
    given = (
        "accelerators: 1, plates: 1, liquid_fraction: 1, flow_limiter: 1 L/min, chip_power: 1 kW, chip_idle: 200 W",
    )
    found = loop(*given, "junction_limit: 87 degC", supply=60)
    assert of(found, "clock")[0] < 0.9
    assert of(found, "worst_junction_temperature")[0] == pytest.approx(362.15, abs=0.02)
    m = found.margins
    lost = float(m.value[m.name == "throttling"][0, 0])
    assert lost == pytest.approx(1 - of(found, "clock")[0], abs=1e-4)


# ---- coolant -----------------------------------------------------------------------------------------------------


def test_a_rack_resists_by_its_manifold_squared_and_its_trays_to_1_85():
    """20 kPa and 60 kPa at 2.4 kg/s against a rack of a manifold alone, side by side at one pressure."""
    still = "it_power: 200 kW, liquid_fraction: 1"
    found = loop(
        racks={"a": (still,), "b": (still, "manifold_drop: 45 kPa, tray_drop: 0.001 Pa")},
        pump="rated_flow: 4 L/s, shutoff: 200 kPa, head: 60 kPa",
    )
    a, b = found["rack_flow"].values[:, 0]
    drop = 45e3 * (b / 2.4) ** 2
    assert 20e3 * (a / 2.4) ** 2 + 60e3 * (a / 2.4) ** 1.85 == pytest.approx(drop, rel=1e-4)
    assert drop < 59e3 and a < 2.4
    wide = loop(
        racks={"a": (still, "chip_scale: 2"), "b": (still, "manifold_drop: 45 kPa, tray_drop: 0.001 Pa")},
        pump="rated_flow: 4 L/s, shutoff: 200 kPa, head: 60 kPa",
    )
    a, b = wide["rack_flow"].values[:, 0]
    assert 20e3 * (a / 2.4) ** 2 + 60e3 * (a / 4.8) ** 1.85 == pytest.approx(45e3 * (b / 2.4) ** 2, rel=1e-4)


def test_a_rack_gives_its_share_to_the_coolant_and_the_rest_to_the_air():
    """87 % if none is given; the coolant warms by Q / (m cp)."""
    found = loop("it_power: 20 kW, flow_limiter: 20 L/min")
    assert of(found, "heat_to_liquid")[0] == pytest.approx(17.4e3)
    assert of(found, "heat_to_air")[0] == pytest.approx(2.6e3)
    rise = of(found, "return_temperature")[0] - of(found, "supply_temperature")[0]
    assert rise == pytest.approx(17.4e3 / (of(found, "flow")[0] * 4179.5), rel=1e-3)


def test_coolant_limits_are_the_sheets():
    """Supply to 45 degC (W45 [ASHRAE TC 9.9]), return to 65 degC, and a least flow that scales with the rack."""
    found = loop("it_power: 1 kW, flow_limiter: 20 L/min, min_flow: 0.2 kg/s, chip_scale: 1.5, power_scale: 1.2")
    m = found.margins
    bound = lambda name: float(m.bound[m.name == name][0, 0])  # noqa: E731
    assert bound("coolant_supply") == pytest.approx(318.15)
    assert bound("coolant_return") == pytest.approx(338.15)
    assert bound("rack_flow") == pytest.approx(0.2 * 1.5 * 1.2)
    assert float(m.margin[m.name == "rack_flow"][0, 0]) == pytest.approx(of(found, "flow")[0] - 0.36)


def test_a_given_power_warms_chips_by_its_share_of_what_they_would_draw():
    """1 kW of chip behind shelves of 66 kW draws 1,307 W; of 500 W each rise is so much less.

    Shelves that take 500 W give x with x + 297 + 0.01 x + 0.017 x²/66e3 = 500.
    """
    given = ("accelerators: 1, plates: 1, liquid_fraction: 1, flow_limiter: 2 L/min", PLAIN)
    whole, part = loop(*given), loop(*given, "it_power: 500 W")
    assert of(whole, "power")[0] == pytest.approx(1000 + 66e3 * 0.0045 + 0.01 * 1000 + 0.017 * 1e6 / 66e3)
    share = 500 / of(whole, "power")[0]
    for name in (False, True):
        assert over(part, name)[0] == pytest.approx(over(whole, name)[0] * share, rel=1e-3)
    given = 500 - np.roots([0.017 / 66e3, 1.01, 297 - 500]).max()
    assert of(part, "conversion_loss")[0] == pytest.approx(given, rel=1e-9)


@pytest.mark.parametrize(("basis", "field"), [("chips", "chip_scale"), ("chip_power", "power_scale")])
def test_a_rescaled_plant_is_the_layout_of_that_scale(basis, field):
    """Trays, manifolds, least flows and powers, racks and money alike."""
    given = "accelerators: 40, hosts: 4, min_flow: 0.3 kg/s, capital: 100 k$, plates: 40, nameplate: 40 kW"
    plain = loop(given, pump="rated_flow: 4 L/s, shutoff: 200 kPa, head: 60 kPa")
    scaled = loop(given, f"{field}: 1.5", pump="rated_flow: 4 L/s, shutoff: 200 kPa, head: 60 kPa")
    plant = rescale(plain.plant, 1.5, np.ones(1, bool), basis)
    found = steady(plant)
    e = columns.engine
    for column in (e.power, columns.stream.flow, e.junction, e.nameplate):
        np.testing.assert_allclose(found[column], scaled.solution[column], rtol=1e-9, err_msg=column.name)
    bound = lambda m: m.bound[m.name == "rack_flow"]  # noqa: E731
    np.testing.assert_allclose(bound(margins(found)), bound(scaled.margins))
    assert figures(found).annual.total[0] == pytest.approx(scaled.figures.annual.total[0], rel=1e-9)


def test_cooling_power_is_pumps_coolers_and_room_air_and_the_system_is_racks_and_their_units():
    text = """
version: 1
name: unit
site: {dry_bulb: 20 degC}
components:
  grid: {type: utility, voltage: 415 V}
  hall: {type: room}
  r: {type: liquid_rack, cords: 1, it_power: 100 kW, air_flow: 1.5 m3/s, room: hall}
  cdu: {type: cdu, set_point: 35 degC, room: hall}
  tank: {type: expansion_tank}
  pump: {type: pump, rated_flow: 10 L/s}
  dry: {type: dry_cooler, set_point: 25 degC, flow: 10 kg/s}
  fan: {type: fan_wall, units: 2, room: hall}
connections:
  - [power, grid.out, r.feed]
  - [power, grid.out, cdu.feed]
  - [power, grid.out, pump.feed]
  - [power, grid.out, dry.feed]
  - [power, grid.out, fan.feed]
  - [coolant, cdu.tcs_supply, r.supply]
  - [coolant, cdu.tcs_return, r.return]
  - [coolant, tank.port, pump.in]
  - [coolant, pump.out, dry.in]
  - [coolant, dry.out, cdu.fws_supply]
  - [coolant, dry.out, fan.supply]
  - [coolant, cdu.fws_return, pump.in]
  - [coolant, fan.return, pump.in]
"""
    found = twin.solve(text)
    assert found.ok
    value = lambda name: float(found[name].values.sum())  # noqa: E731
    parts = value("cdu_pump_power") + value("pump_power") + value("dry_cooler_power") + value("crah_fan_power")
    assert min(value("cdu_pump_power"), value("pump_power"), value("dry_cooler_power"), value("crah_fan_power")) > 10
    f = found.figures
    assert f.cooling_power[0] == pytest.approx(parts, rel=1e-9)
    assert f.system_power[0] == pytest.approx(100e3 + value("cdu_pump_power"), rel=1e-9)
    assert f.heat_to_liquid[0] == pytest.approx(87e3) and f.heat_to_air[0] == pytest.approx(13e3)
