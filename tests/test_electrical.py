"""Closed forms of the power train: converter layers, DC rows, dual cords, deratings and the power balance."""

import numpy as np
import pytest

import twin
from twin import columns
from twin.domains import electrical

ROW = """
version: 1
name: row
site: {dry_bulb: 20 degC}
components:
  hall: {type: room}
  grid: {type: utility, voltage: 415 V}
  ups: {type: ups, rating: 1 MW, room: hall, fixed_loss: 0.006, proportional_loss: 0.012, square_loss: 0.014}
  bus: {type: busway, length: 30 m, ampacity: 2 kA, room: hall}
  load: {type: house_load, power: 400 kW}
  tank: {type: expansion_tank}
  pump: {type: pump}
  chiller: {type: air_chiller, set_point: 10 degC, flow: 20 kg/s}
  fan: {type: fan_wall, units: 4, room: hall}
connections:
  - [power, grid.out, ups.in]
  - [power, ups.out, bus.in]
  - [power, bus.out, load.feed]
  - [power, grid.out, pump.feed]
  - [power, grid.out, chiller.feed]
  - [power, grid.out, fan.feed]
  - [coolant, tank.port, pump.in]
  - [coolant, pump.out, chiller.in]
  - [coolant, chiller.out, fan.supply]
  - [coolant, fan.return, pump.in]
"""

DIRECT = """
version: 1
name: direct
site: {dry_bulb: 20 degC}
components:
  grid: {type: utility, voltage: 415 V}
  rect: {type: rectifier, rating: 1 MW}
  bus: {type: dc_busway, length: 100 m, resistance: 20 uohm/m}
  load: {type: house_load, power: 600 kW}
connections:
  - [power, grid.out, rect.in]
  - [power, rect.out, bus.in]
  - [power, bus.out, load.feed]
"""

TWO_SIDES = """
version: 1
name: two_sides
site: {dry_bulb: 20 degC}
components:
  grid: {type: utility, voltage: 415 V}
  a: {type: pdu, rating: 500 kW}
  b: {type: pdu, rating: 500 kW}
  both: {type: rack, it_power: 100 kW, nameplate: 110 kW, cords: 2}
  only: {type: rack, it_power: 40 kW, nameplate: 50 kW, cords: 1}
connections:
  - [power, grid.out, a.in]
  - [power, grid.out, b.in]
  - [power, a.out, both.feed]
  - [power, b.out, both.feed]
  - [power, a.out, only.feed]
"""

STEP_DOWN = """
version: 1
name: step_down
site: {dry_bulb: 20 degC}
components:
  grid: {type: utility, voltage: 34.5 kV}
  tx: {type: transformer, rating: 1 MVA}
  load: {type: house_load, power: 600 kW}
connections:
  - [power, grid.out, tx.in]
  - [power, tx.out, load.feed]
"""


def solve(text, scenarios=None, **overrides):
    return twin.solve(twin.load(text, overrides={k.replace("__", "."): v for k, v in overrides.items()}), scenarios)


def value(result, name):
    return result[name].values[0]


def limits(result, name):
    """Elements and margins of a limit in the first scenario."""
    m = result.margins
    return dict(zip(m.element[m.name == name], m.margin[m.name == name, 0], strict=True))


# ---- converters --------------------------------------------------------------------------------------------------


def test_a_converter_takes_its_output_and_its_three_losses():
    power = np.array([0.0, 1e3, 250e3, 500e3, 1e6, 1.3e6])
    result = solve(ROW, {"load.power": power})
    delivered = power + value(result, "busway_loss")
    k = delivered / 1e6
    np.testing.assert_allclose(
        value(result, "ups_power"), delivered + 1e6 * (0.006 + 0.012 * k + 0.014 * k**2), rtol=1e-9
    )
    np.testing.assert_allclose(value(result, "ups_loading"), k, rtol=1e-9, atol=1e-12)


def test_losses_of_converters_and_busways_heat_their_room():
    inside, outside = solve(ROW), solve(ROW.replace("room: hall, fixed_loss", "fixed_loss"))
    lost, warmth = value(inside, "ups_loss")[0], value(inside, "busway_loss")[0]
    for result, heat in ((inside, lost + warmth), (outside, warmth)):
        fans = value(result, "crah_fan_power")[0]
        assert value(result, "crah_duty")[0] == pytest.approx(heat + fans, rel=1e-6)
    assert lost > 13e3


def test_an_idle_converter_draws_its_fixed_loss_and_a_dead_one_nothing():
    idle = solve(ROW, {"load.power": [0.0]})
    assert value(idle, "ups_power")[0] == pytest.approx(6e3, rel=1e-3)
    dead = solve(ROW, ups__in_service=False)
    assert value(dead, "ups_power")[0] == 0.0
    assert value(dead, "ups_loss")[0] == 0.0


def test_efficiency_points_are_fitted():
    k = np.array([0.25, 0.5, 0.75, 1.0])
    eta = k / (k + 0.006 + 0.012 * k + 0.014 * k**2)
    points = "{" + ", ".join(f"{a}: {b:.9f}" for a, b in zip(k, eta, strict=True)) + "}"
    fitted = ROW.replace("fixed_loss: 0.006, proportional_loss: 0.012, square_loss: 0.014", f"efficiency: {points}")
    assert value(solve(fitted), "ups_loss")[0] == pytest.approx(value(solve(ROW), "ups_loss")[0], rel=1e-6)


# ---- direct current ----------------------------------------------------------------------------------------------


def test_a_dc_row_sags_as_the_closed_form():
    power, V0, R = np.array([1e3, 100e3, 300e3, 600e3, 900e3]), 800.0, 100 * 20e-6
    result = solve(DIRECT, {"load.power": power})
    V = (V0 + np.sqrt(V0**2 - 4 * R * power)) / 2
    current = power / V
    np.testing.assert_allclose(value(result, "dc_busway_loss"), R * current**2, rtol=1e-4)
    buses = result.plant.bus_names
    found = result.solution[columns.bus.voltage][[i for i, n in enumerate(buses) if n in ("bus.out", "load.feed")]]
    np.testing.assert_allclose(found[0] * V0, V, rtol=1e-5)
    np.testing.assert_allclose(value(result, "dc_busway_loading"), current / 6000.0, rtol=1e-5)


def test_a_dc_row_past_its_nose_fails_alone():
    nose = 800.0**2 / (4 * 100 * 2e-3)  # 800 kW
    result = solve(
        DIRECT.replace("20 uohm/m", "2 mohm/m"),
        {"load.power": np.array([0.9, 1.1]) * nose},
    )
    assert result.solution.status[0] == 0
    assert result.solution.status[1] != 0
    assert result["reason"].values[1]


def test_a_rectifier_takes_reactive_power_by_its_power_factor_alone():
    solved = solve(DIRECT, load__power_factor="0.5").solution  # direct current has no reactive load
    ratio = solved[columns.source.reactive][0, 0] / solved[columns.source.power][0, 0]
    assert ratio == pytest.approx(np.tan(np.arccos(0.99)), rel=1e-4)


# ---- cords -------------------------------------------------------------------------------------------------------


def test_cords_share_alike_and_the_one_left_takes_all():
    both, lost = solve(TWO_SIDES), solve(TWO_SIDES, b__in_service=False)
    np.testing.assert_allclose(both["pdu_power"].values[:, 0], [90e3, 50e3], rtol=1e-6)
    np.testing.assert_allclose(lost["pdu_power"].values[:, 0], [140e3, 0.0], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(both["rack_power"].values, lost["rack_power"].values)


def test_a_rack_without_a_feed_is_dark_and_says_so():
    result = solve(TWO_SIDES, a__in_service=False)
    power = dict(zip(result.dataset["rack"].values, result["rack_power"].values[:, 0], strict=True))
    assert power == {"both": pytest.approx(100e3), "only": 0.0}
    dark = limits(result, "power_feed")
    assert dark["only"] < 0
    assert dark.get("both", 0.0) >= 0
    assert result["limit_exceeded"].values[0]
    assert not limits(solve(TWO_SIDES), "power_feed")


def test_outages_as_scenarios_equal_outages_in_the_layout():
    batch = solve(TWO_SIDES, {"a.in_service": [1.0, 0.0, 1.0, 0.0], "b.in_service": [1.0, 1.0, 0.0, 0.0]})
    for i, (a, b) in enumerate([(True, True), (False, True), (True, False), (False, False)]):
        one = solve(TWO_SIDES, a__in_service=a, b__in_service=b)
        for name in ("pdu_power", "rack_power", "utility_power"):
            np.testing.assert_array_equal(one[name].values[:, 0], batch[name].values[:, i])


# ---- parameters as scenarios -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("tx.rating", (2.5e6, 3e6)),
        ("tx.impedance", (0.05, 0.06)),
        ("board.rating", (2e6, 3e6)),
        ("ups.square_loss", (0.01, 0.02)),
        ("bus.length", (10.0, 20.0)),
        ("bus.in_service", (1.0, 0.0)),
        ("tx.tap", (0.975, 1.025)),
        ("tx.no_load_loss", (0.001, 0.002)),
        ("ups.rating", (1.6e6, 2e6)),
        ("ups.output_voltage", (0.98, 1.02)),
        ("bus.ampacity", (2.5e3, 3e3)),
        ("rack.power_factor", (0.95, 0.98)),
    ],
)
def test_parameters_as_scenarios_equal_the_singles(small, address, values):
    batch = solve(small, {address: np.array(values)})
    for i, v in enumerate(values):
        one = solve(small, {address: np.array([v])})
        for name in ("utility_power", "ups_loading", "busway_loss", "transformer_loss"):
            np.testing.assert_array_equal(one[name].values[:, 0], batch[name].values[:, i])


# ---- transformers and the whole ----------------------------------------------------------------------------------


def test_a_transformer_is_rated_lower_in_thin_air():
    low, edge, high = (
        value(solve(STEP_DOWN, site__elevation=f"{h} m"), "transformer_loading")[0] for h in (0, 1000, 2500)
    )
    assert low == edge
    assert high == pytest.approx(low / (1 - 0.4e-2 * 15), rel=1e-9)


def test_a_transformer_loses_its_two_losses():
    result = solve(STEP_DOWN, load__power="1 W", load__power_factor="1")
    assert value(result, "transformer_loss")[0] == pytest.approx(1e-3 * 1e6, rel=1e-3)
    result = solve(STEP_DOWN, load__power="1 MW", load__power_factor="1")
    low = [i for i, n in enumerate(result.plant.bus_names) if n in ("tx.out", "load.feed")]
    V = result.solution[columns.bus.voltage][low][0, 0]
    expected = 0.0055 * 1e6 / V**2 + 1e-3 * 1e6 * (1 + V**2) / 2
    assert value(result, "transformer_loss")[0] == pytest.approx(expected, rel=1e-3)


def test_power_factor_draws_current_but_no_energy():
    whole, poor = (solve(STEP_DOWN, load__power_factor=f"{x}") for x in (1, 0.8))
    assert value(poor, "transformer_loading")[0] > 1.2 * value(whole, "transformer_loading")[0]
    assert value(poor, "utility_power")[0] == pytest.approx(value(whole, "utility_power")[0], rel=0.01)


@pytest.mark.parametrize("text", [ROW, DIRECT, TWO_SIDES, STEP_DOWN])
def test_the_meter_reads_loads_and_losses(text):
    assert_balance(solve(text))


@pytest.mark.parametrize(
    "hall", ["small", "gb300_hall", "gb300_hall_800vdc", "h200_hall", "frontier", "summit", "dsx_row", "dps_demo"]
)
def test_the_meter_reads_loads_and_losses_of_whole_halls(hall, small):
    assert_balance(solve(small if hall == "small" else hall))


def assert_balance(result):
    solved = result.solution
    loads = 0.0
    for load in result.plant.load:
        share, _ = electrical.shares(result.plant, load)
        loads += (solved[load.power] * share)[:, 0].sum()
    losses = solved[columns.line.loss][:, 0].sum() + solved[columns.converter.loss][:, 0].sum()
    assert solved[columns.source.power][:, 0].sum() == pytest.approx(loads + losses, rel=1e-9)
