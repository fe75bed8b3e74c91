"""Sources, converters, cords and loads: shares, losses, reactive power and peaks, from the default sheets."""

import numpy as np
import pytest

import twin
from twin.components import REGISTRY

MVA = 1e6


def layout(parts, connections, site="dry_bulb: 20 degC", more=""):
    lines = "\n".join(f"  {p}" for p in parts)
    links = "\n".join(f"  - [power, {c}]" for c in connections)
    return f"version: 1\nname: train\nsite: {{{site}}}\n{more}components:\n{lines}\nconnections:\n{links}\n"


def rows(result, name):
    """Values of the first scenario by element."""
    array = result[name]
    return dict(zip(array[array.dims[0]].values, array.values[:, 0], strict=True))


def limited(result, name):
    """Value and bound by element."""
    m = result.margins
    at = np.flatnonzero(m.name == name)
    return {m.element[k]: (m.value[k, 0], m.bound[k, 0]) for k in at}


def volts(result, element):
    m = result.margins
    return float(m.value[(m.name == "voltage") & (m.element == element)][0, 0])


# ---- sources -----------------------------------------------------------------------------------------------------


def test_generators_on_one_board_share_by_their_ratings():
    parts = [
        "a: {type: generator, rating: 3 MW, in_service: true}",
        "b: {type: generator, rating: 1 MW, in_service: true}",
        "board: {type: switchboard}",
        "load: {type: house_load, power: 2 MW}",
    ]
    found = twin.solve(layout(parts, ["a.out, board.in", "b.out, board.in", "board.out, load.feed"]))
    power = rows(found, "generator_power")
    assert power["a"] == pytest.approx(1.5e6, rel=1e-4)
    assert power["b"] == pytest.approx(0.5e6, rel=1e-4)
    assert limited(found, "generator_rating")["b"] == pytest.approx((0.5e6, 1e6), rel=1e-4)
    assert limited(found, "generator_peak")["a"] == pytest.approx((1.5e6, 3e6), rel=1e-4)


def test_a_grid_is_10_gw_beside_a_generator_that_stands_by_by_itself():
    parts = [
        "grid: {type: utility, voltage: 415 V}",
        "own: {type: generator}",
        "board: {type: switchboard}",
        "load: {type: house_load, power: 2 MW}",
    ]
    text = layout(parts, ["grid.out, board.in", "own.out, board.in", "board.out, load.feed"])
    assert rows(twin.solve(text), "generator_power")["own"] == 0.0
    on = twin.solve(text, overrides={"own.in_service": True})
    assert rows(on, "generator_power")["own"] == pytest.approx(2e6 * 2.5e6 / (1e10 + 2.5e6), rel=1e-3)


def test_a_contract_bounds_what_the_meter_reads_and_voltages_of_sources_are_the_sheets():
    parts = ["grid: {type: utility, contract: 1 MW}", "load: {type: house_load}"]
    found = twin.solve(layout(parts, ["grid.out, load.feed"]))
    assert limited(found, "utility_contract")["grid"] == pytest.approx((50e3, 1e6))
    assert found.plant.voltage[0] == 34.5e3
    assert found.figures.contract_power[0] == 1e6


# ---- converters --------------------------------------------------------------------------------------------------


UPS = REGISTRY["ups"]


def ups(how="", power="600 kW", factor="0.8", scenarios=None):
    parts = [
        "grid: {type: utility, voltage: 415 V}",
        "board: {type: switchboard, rating: 1 MW}",
        f"ups: {{type: ups{how}}}",
        f"load: {{type: house_load, power: {power}, power_factor: {factor}}}",
    ]
    links = ["grid.out, board.in", "board.out, ups.in", "ups.out, load.feed"]
    return twin.solve(layout(parts, links), scenarios)


def test_a_ups_of_the_default_sheet_loses_and_turns_reactive_power_into_its_own():
    """1 MW of 0.6 % + 1.2 % k + 1.4 % k^2, taking its power at 0.99; its load's reactive power stays behind it."""
    found, k = ups(), 0.6
    loss = 1e6 * (0.006 + 0.012 * k + 0.014 * k * k)
    assert loss == pytest.approx(18240.0)
    assert rows(found, "ups_loss")["ups"] == pytest.approx(loss, rel=1e-9)
    assert rows(found, "ups_loading")["ups"] == pytest.approx(0.6, rel=1e-9)
    assert rows(found, "switchboard_loading")["board"] == pytest.approx((600e3 + loss) / 0.99 / 1e6, rel=1e-5)
    assert limited(found, "ups_loading")["ups"][1] == 1.0
    assert limited(found, "ups_peak")["ups"][1] == 1.25


def test_a_converter_holds_its_output_voltage():
    found = ups(", output_voltage: 1.02")
    assert volts(found, "ups.out") == pytest.approx(1.02, abs=1e-5)


def test_published_efficiencies_are_fitted_by_least_squares():
    """A supply of 88.6, 92.4, 94.5, 96.4 and 95.6 % at 5, 10, 20, 50 and 100 % [ASPIRE, published measurements].

    The loss over the rating, k (1/eta - 1), is a parabola in k by least squares.
    """
    points = {0.05: 0.886, 0.1: 0.924, 0.2: 0.945, 0.5: 0.964, 1.0: 0.956}
    k, eta = np.array(list(points)), np.array(list(points.values()))
    square, slope, fixed = np.polyfit(k, k * (1 / eta - 1), 2)
    told = ", ".join(f"{a}: {b}" for a, b in points.items())
    power = np.array([100e3, 500e3, 1e6])
    found = ups(f", efficiency: {{{told}}}", scenarios={"load.power": power})
    x = power / 1e6
    np.testing.assert_allclose(found["ups_loss"].values[0], 1e6 * (fixed + slope * x + square * x * x), rtol=1e-9)
    np.testing.assert_allclose(power / (power + found["ups_loss"].values[0]), [0.924, 0.964, 0.956], atol=0.005)


def test_a_fitted_converter_never_gains_when_idle():
    """Points whose parabola meets 0 below 0 keep no fixed loss."""
    fixed, slope, square = -0.002, 0.03, -0.005
    told = ", ".join(f"{k}: {k / (k + fixed + slope * k + square * k * k)}" for k in (0.25, 0.5, 1.0))
    found = ups(f", efficiency: {{{told}}}", scenarios={"load.power": [500e3]})
    assert found["ups_loss"].values[0, 0] == pytest.approx(1e6 * (slope * 0.5 + square * 0.25), rel=1e-6)


def test_efficiencies_are_fractions_or_percents_up_to_twice_the_rating():
    fractions, percents = {0.5: 0.95, 1.0: 0.96, 2.0: 0.94}, {"50 %": "95 %", "100 %": "96 %", "200 %": "94 %"}
    assert UPS.model_validate({"efficiency": fractions}) == UPS.model_validate({"efficiency": percents})
    with pytest.raises(ValueError, match=r"efficiency: load fractions, such as 0.25 or 25 %, are in \(0, 2\]"):
        UPS.model_validate({"efficiency": {0.5: 0.95, 1.0: 0.96, 2.05: 0.94}})


def test_efficiencies_ask_for_losses_up_to_half_of_the_rating():
    asked = {loss: {k: k / (k + loss) for k in (0.25, 0.5, 1.0)} for loss in (0.499, 0.55)}
    assert UPS.model_validate({"efficiency": asked[0.499]}).fixed_loss == pytest.approx(0.499)
    with pytest.raises(ValueError, match="efficiency: the points ask for losses above 50% of the rating"):
        UPS.model_validate({"efficiency": asked[0.55]})


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ("{25: 0.95, 50: 0.965, 100: 0.96}", "ups ups: efficiency: load fractions, such as 0.25"),
        ("{0.25: 95, 0.5: 96, 1: 96}", "ups ups: efficiency: load fractions"),
        ("{0.5: 0.95, 0.50: 0.96, 1: 0.96}", "ups ups: efficiency: a load fraction stands twice"),
        ("{0.5: good, 0.7: 0.96, 1: 0.96}", "ups ups: efficiency: points are load fraction: efficiency; 'good'"),
        ("{0.25: 0.999, 0.5: 0.97, 1: 1}", "ups ups: the losses turn negative at"),
    ],
)
def test_a_fault_of_efficiencies_names_them(points, says):
    with pytest.raises(twin.LayoutError) as error:
        ups(f", efficiency: {points}")
    assert says in str(error.value)
    assert "fixed_loss" not in str(error.value)


# ---- cords and loads ---------------------------------------------------------------------------------------------


def corded(shares, scenarios=None):
    parts = [
        "grid: {type: utility, voltage: 415 V}",
        "a: {type: pdu}",
        "b: {type: pdu}",
        "c: {type: pdu}",
        f"r: {{type: rack, it_power: 90 kW, nameplate: 110 kW, cords: 3, shares: {shares}}}",
    ]
    links = ["grid.out, a.in", "grid.out, b.in", "grid.out, c.in", "a.out, r.feed", "b.out, r.feed", "c.out, r.feed"]
    return twin.solve(layout(parts, links), scenarios)["pdu_power"].values


def test_live_cords_share_in_the_ratio_of_their_shares_and_spare_ones_take_over_alike():
    lost = {"a.in_service": [1.0, 0.0, 0.0], "b.in_service": [1.0, 1.0, 0.0]}
    expected = np.array([[60, 0, 0], [30, 90, 0], [0, 0, 90]]) * 1e3
    np.testing.assert_allclose(corded([2 / 3, 1 / 3, 0], lost), expected, rtol=1e-6, atol=1e-3)
    spare = corded([1, 0, 0], {"a.in_service": [1.0, 0.0]})
    np.testing.assert_allclose(spare, np.array([[90, 0], [0, 45], [0, 45]]) * 1e3, rtol=1e-6, atol=1e-3)


def test_loads_take_reactive_power_by_their_power_factor():
    """0.95 for lighting, 0.98 for a rack, 0.95 for a battery on standby, each through a board of 500 kW."""
    for load, factor, power in (
        ("{type: house_load, power: 100 kW}", 0.95, 100e3),
        ("{type: rack, it_power: 100 kW, cords: 1}", 0.98, 100e3),
        ("{type: battery, standby: 100 kW}", 0.95, 100e3),
        ("{type: house_load}", 0.95, 50e3),
    ):
        parts = ["grid: {type: utility, voltage: 415 V}", "p: {type: pdu}", f"x: {load}"]
        found = twin.solve(layout(parts, ["grid.out, p.in", "p.out, x.feed"]))
        assert rows(found, "pdu_power")["p"] == pytest.approx(power, rel=1e-9)
        assert rows(found, "pdu_loading")["p"] == pytest.approx(power / factor / 500e3, rel=1e-5)


def test_a_peak_is_judged_where_the_sustained_load_is_carried():
    """EDP peaks of 1.5 times the power pass every part of the train; losses follow them."""
    parts = [
        "grid: {type: utility, voltage: 415 V}",
        "p: {type: pdu}",
        "ups: {type: ups, rating: 500 kW}",
        "x: {type: rack, it_power: 200 kW, peak_factor: 1.5, cords: 1, power_factor: 1}",
    ]
    found = twin.solve(layout(parts, ["grid.out, p.in", "p.out, ups.in", "ups.out, x.feed"]))
    assert limited(found, "ups_peak")["ups"][0] == pytest.approx(0.6, rel=1e-9)
    assert limited(found, "ups_loading")["ups"][0] == pytest.approx(0.4, rel=1e-9)
    taken = 300e3 + 500e3 * (0.006 + 0.012 * 0.6 + 0.014 * 0.36)
    assert limited(found, "pdu_peak")["p"][0] == pytest.approx(taken / 0.99 / 500e3, rel=1e-5)
    parts = ["own: {type: generator, rating: 250 kW, in_service: true}", "p: {type: pdu}", parts[3]]
    found = twin.solve(layout(parts, ["own.out, p.in", "p.out, x.feed"]))
    assert limited(found, "generator_peak")["own"] == pytest.approx((300e3, 250e3), rel=1e-6)
    assert limited(found, "generator_rating")["own"] == pytest.approx((200e3, 250e3), rel=1e-6)


def test_house_loads_and_batteries_warm_their_room_and_count_as_the_houses():
    parts = [
        "hall: {type: room, ventilation: 1 m3/s}",
        "grid: {type: utility, voltage: 415 V}",
        "lamps: {type: house_load, power: 8 kW, room: hall}",
        "store: {type: battery, standby: 4 kW, room: hall}",
    ]
    links, site = ["grid.out, lamps.feed", "grid.out, store.feed"], "dry_bulb: 20 degC, dew_point: 5 degC"
    found = twin.solve(layout(parts, links, site))
    density = 101325 / (287.042 * 293.15) * (1 - 0.378 * 872.6 / 101325)  # moist air, vapour of 872.6 Pa at 5 degC
    humidity = 0.622 * 872.6 / (101325 - 872.6)
    rise = 12e3 / (density * (1006 + 1860 * humidity))
    assert rows(found, "room_return_temperature")["hall"] - 293.15 == pytest.approx(rise, rel=0.01)


def test_small_generators_share_by_their_ratings_too():
    parts = [
        "a: {type: generator, rating: 600 kW, in_service: true}",
        "b: {type: generator, rating: 200 kW, in_service: true}",
        "board: {type: switchboard}",
        "load: {type: house_load, power: 300 kW}",
    ]
    found = twin.solve(layout(parts, ["a.out, board.in", "b.out, board.in", "board.out, load.feed"]))
    assert rows(found, "generator_power")["a"] == pytest.approx(225e3, rel=1e-3)


def test_a_converter_and_its_neighbour_add_their_reactive_power():
    """A UPS at 0.99 and lamps at 0.8 on one board, both lagging."""
    parts = [
        "grid: {type: utility, voltage: 415 V}",
        "board: {type: switchboard, rating: 1 MW}",
        "ups: {type: ups, fixed_loss: 0, proportional_loss: 0, square_loss: 0}",
        "x: {type: house_load, power: 300 kW}",
        "lamps: {type: house_load, power: 100 kW, power_factor: 0.8}",
    ]
    found = twin.solve(
        layout(parts, ["grid.out, board.in", "board.out, ups.in", "ups.out, x.feed", "board.out, lamps.feed"])
    )
    reactive = 300e3 * np.tan(np.arccos(0.99)) + 75e3
    assert rows(found, "switchboard_loading")["board"] == pytest.approx(np.hypot(400e3, reactive) / 1e6, rel=1e-5)
