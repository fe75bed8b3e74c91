"""The ledger against what a solve shows: parts of the meter, sides and layers of limits, units of figures, rescaling.

What is written here by hand stands in `twin/columns.py` once, so that a line changed there by mistake fails here.
"""

import numpy as np
import pytest

import twin
from twin import columns
from twin.columns import FIGURES, LimitKind, Total, limits
from twin.components.base import draw
from twin.results.figures import figures
from twin.results.limits import fullest, margins
from twin.show.summary import headlines
from twin.solver.steady import steady
from twin.study.bound import rescale


def site(parts, links, **how):
    head = "version: 1\nname: ledger\nsite: {dry_bulb: 20 degC}\ncomponents:\n"
    joints = "".join(f"  - [{link}]\n" for link in links)
    return twin.solve(head + "".join(f"  {p}\n" for p in parts) + "connections:\n" + joints, **how)


# ---- the meter ---------------------------------------------------------------------------------------------------


def test_racks_cooling_house_and_losses_are_each_their_equipment_and_add_up_to_the_meter(small):
    """Lamps of 10 kW and a battery of 3 kW beside eight racks, pumps, a CDU, fans, a dry cooler and two chillers."""
    more = "  lamps: {type: house_load, power: 10 kW}\n  cell: {type: battery, standby: 3 kW}\n"
    text = small.replace("  hall: {type: room}\n", f"  hall: {{type: room}}\n{more}")
    found = twin.solve(text + "  - [power, board.out, lamps.feed]\n  - [power, board.out, cell.feed]\n")
    assert found.ok
    value = lambda *names: sum(float(found[n].values.sum()) for n in names)  # noqa: E731
    cooling = ("pump_power", "cdu_pump_power", "crah_fan_power", "dry_cooler_power", "chiller_power")
    assert min(value(n) for n in cooling) > 500
    f = found.figures
    assert f.it_power[0] == pytest.approx(value("rack_power"), rel=1e-12)
    assert f.cooling_power[0] == pytest.approx(value(*cooling), rel=1e-12)
    assert f.other_power[0] == pytest.approx(13e3, rel=1e-12)
    losses = value("transformer_loss", "switchboard_loss", "ups_loss", "busway_loss")
    assert f.electrical_loss[0] == pytest.approx(losses, rel=1e-12)
    assert f.it_power + f.cooling_power + f.other_power + f.electrical_loss == pytest.approx(f.facility_power, rel=1e-9)
    assert f.facility_power[0] == pytest.approx(value("utility_power"), rel=1e-12)


def test_the_facility_draws_what_utilities_and_generators_deliver():
    parts = (
        "grid: {type: utility, voltage: 415 V}",
        "own: {type: generator, rating: 500 kW, in_service: true}",
        "a: {type: house_load, power: 30 kW}",
        "b: {type: house_load, power: 20 kW}",
    )
    found = site(parts, ("power, grid.out, a.feed", "power, own.out, b.feed"))
    assert found.figures.facility_power[0] == pytest.approx(50e3, rel=1e-6)
    assert float(found["generator_power"].values[0, 0]) == pytest.approx(20e3, rel=1e-6)
    assert found.solution.total(columns.totals.grid)[0] == pytest.approx(30e3, rel=1e-6)


def test_what_is_in_the_meter_is_in_one_of_its_figures():
    with pytest.raises(ValueError, match="would be in no figure"):
        draw(type("Lamps", (), {"kind": "lamps"}), None, None, Total("lamps", name="lamps"))
    with pytest.raises(ValueError, match="part of it_power, cooling_power, other_power, electrical_loss"):
        Total("lamps", "lamp_power")


def test_a_scenario_without_solution_has_no_figures():
    parts = (
        "grid: {type: utility, voltage: 415 V}",
        "wire: {type: feeder, voltage: 415 V, ampacity: 100 kA}",
        "a: {type: house_load, power: 10 kW}",
    )
    found = site(parts, ("power, grid.out, wire.in", "power, wire.out, a.feed"), scenarios={"a.power": [1e4, 1e9]})
    assert not found.ok
    for name in ("facility_power", "other_power", "electrical_loss"):
        np.testing.assert_array_equal(np.isfinite(getattr(found.figures, name)), [True, False], err_msg=name)
    np.testing.assert_array_equal(np.isfinite(found.figures.annual.total), [True, False])


# ---- limits ------------------------------------------------------------------------------------------------------

UPPER = {
    "junction_temperature", "throttling", "power_cap", "rack_cap", "rack_air_inlet", "coolant_supply", "coolant_return",
    "cdu_duty", "cdu_flow", "crah_capacity", "crah_air_flow", "room_temperature", "pump_head", "loop_velocity",
    "utility_contract",
    "generator_rating", "generator_peak", "air_chiller_capacity", "dry_cooler_capacity", "busway_loading",
    "busway_peak", "switchboard_loading", "switchboard_peak", "transformer_loading", "transformer_peak", "ups_loading",
    "ups_peak", "feeder_loading", "feeder_peak",
}  # fmt: skip
"""What must not be more than its bound."""

LOWER = {
    "rack_air_inlet_cold", "rack_flow", "dew_point", "power_feed", "coolant_freezing", "coolant_boiling",
    "pump_suction", "flow_reversed",
}  # fmt: skip
"""What must not be less."""

COOLING = {"cdu_duty", "crah_capacity", "crah_air_flow", "air_chiller_capacity", "dry_cooler_capacity"}
ENERGY = {"utility_contract"} | {f"{n}_loading" for n in ("busway", "switchboard", "transformer", "ups", "feeder")}


def test_limits_bound_from_their_side_and_measure_their_layer(small):
    whole = twin.solve(small.replace("limits_capacity: false", "limits_capacity: true"))
    rest = site(
        (
            "grid: {type: utility, voltage: 415 V}",
            "own: {type: generator, rating: 500 kW, in_service: true}",
            "hall: {type: room, max_return_temperature: 60 degC, ventilation: 5 m3/s}",
            "r: {type: rack, cords: 1, accelerators: 8, power_cap: 700 W, rack_cap: 25 kW, "
            "air_flow: 1.5 m3/s, room: hall}",
            "wire: {type: feeder, voltage: 415 V}",
            "open: {type: feeder, voltage: 415 V, in_service: false}",
            "a: {type: house_load, power: 10 kW}",
            "dark: {type: rack, cords: 1, it_power: 1 kW, nameplate: 1 kW}",
        ),
        (
            *("power, own.out, r.feed", "power, grid.out, wire.in", "power, wire.out, a.feed"),
            *("power, wire.out, open.in", "power, open.out, dark.feed"),
        ),
    )
    seen = set()
    for m in (whole.margins, rest.margins):
        for name, layer, value, bound, margin in zip(m.name, m.layer, m.value, m.bound, m.margin, strict=True):
            seen.add(name)
            assert layer == ("cooling" if name in COOLING else "energy" if name in ENERGY else ""), name
            if name != "voltage":
                assert (name in UPPER) != (name in LOWER), name
                side = 1 if name in UPPER else -1
                assert margin == pytest.approx(side * (bound - value), rel=1e-12), name
    assert seen == (UPPER | LOWER | {"voltage"})
    m = rest.margins
    assert m.margin[m.name == "power_feed"] == pytest.approx(-1.0)  # of the rack whose cable is out of service
    assert not set(m.element[m.name == "feeder_loading"]) & {"open"}  # what is out of service is not judged
    assert m.margin[(m.name == "rack_cap") | (m.name == "generator_rating")].min() > 0


def test_voltages_are_bounded_from_both_sides():
    parts = (
        "grid: {type: utility, voltage: 34.5 kV}",
        "tx: {type: transformer}",
        "a: {type: house_load, power: 10 kW}",
    )
    found = site(parts, ("power, grid.out, tx.in", "power, tx.out, a.feed"), scenarios={"tx.tap": [0.9, 1.0, 1.1]})
    m, u = found.margins, 1 / np.array([0.9, 1.0, 1.1])
    low, high = (m.margin[(m.name == "voltage") & (m.bound[:, 0] == bound)] for bound in (0.95, 1.05))
    np.testing.assert_allclose(low.min(axis=0), np.minimum(u, 1.0) - 0.95, atol=2e-3)
    np.testing.assert_allclose(high.min(axis=0), 1.05 - np.maximum(u, 1.0), atol=2e-3)


def test_layers_are_as_full_as_their_fullest_part(small):
    """A contract of 2 MW, then of 1.3 MW, a UPS of 1.6 MW; a CDU of 1.3 MW and coolers of 100 kW each."""
    found = twin.solve(small, {"utility.contract": [2e6, 1.3e6]})
    value = lambda name: float(found[name].values[..., 0].max())  # noqa: E731
    ups, contract = value("ups_loading"), value("utility_power") / np.array([2e6, 1.3e6])
    assert contract[0] < ups < contract[1]
    assert [fullest(found.margins, k)["energy"] for k in (0, 1)] == pytest.approx([ups, contract[1]], rel=1e-9)
    assert value("cdu_duty") / 1.3e6 > value("chiller_loading") > 0
    assert fullest(found.margins)["cooling"] == pytest.approx(value("cdu_duty") / 1.3e6, rel=1e-9)
    bare = site(
        ("grid: {type: utility, voltage: 415 V}", "a: {type: house_load, power: 10 kW}"), ("power, grid.out, a.feed",)
    )
    assert fullest(bare.margins) == {"energy": 0.0, "cooling": 0.0}


def test_limits_measure_known_layers_from_one_of_two_sides():
    with pytest.raises(ValueError, match="one of energy, cooling"):
        LimitKind(columns.MAXIMUM, "heat", "heat")
    kinds = [k for k in vars(limits).values() if isinstance(k, LimitKind)]
    assert len(kinds) == 50 and {k.sense for k in kinds} == {1, -1}


# ---- figures -----------------------------------------------------------------------------------------------------


def test_figures_are_told_in_the_units_of_their_keys():
    parts = (
        "grid: {type: utility, voltage: 415 V}",
        "r: {type: rack, cords: 1, accelerators: 8, platform: h200, it_power: 8 kW, nameplate: 10 kW}",
    )
    found = site(parts, ("power, grid.out, r.feed",))
    told = headlines(found.figures)
    assert told["facility_power_mw"] == pytest.approx(8e-3, rel=1e-6)
    assert told["it_power_mw"] == told["heat_to_air_mw"] == pytest.approx(8e-3, rel=1e-6)
    assert told["carbon_t_per_year"] == pytest.approx(8 * 8766 * 0.369e-3, rel=1e-6)
    assert told["tokens_per_s"] == pytest.approx(float(found.figures.tokens_per_s[0]))
    assert told["accelerators"] == 8
    wet = figures(found.solution).__dict__ | {"water": np.array([2.0]), "ttft": np.array([0.25])}
    told = headlines(type(found.figures)(**wet))
    assert told["water_m3_per_day"] == pytest.approx(2.0 * 86.4)  # kg/s
    assert told["ttft_s"] == 0.25
    assert {k for k in told if k.endswith("_mw")} == {
        f"{n}_mw"
        for n in (
            *("facility_power", "system_power", "it_power", "cooling_power", "other_power", "electrical_loss"),
            *("conversion_loss", "heat_to_liquid", "heat_to_air", "provisioned_power", "mean_power", "idle_power"),
        )
    }


def test_the_screen_shows_figures_in_the_same_units():
    shown = {"facility_power": (1234567.0, "1.235 MW"), "water": (1.0, "86.4 m3/day"), "carbon": (0.01, "316 t/year")}
    shown |= {"pue": (1.07, "1.0700"), "tokens_per_s": (12345.6, "12,346"), "ttft": (0.256, "0.26 s")}
    for name, (value, text) in shown.items():
        assert FIGURES[name].text(value) == text
        assert FIGURES[name].text(np.nan) == FIGURES[name].text(None) == "-"


# ---- rescaling ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("basis", "bought"), [("chips", 2.5), ("chip_power", 2.0)])
def test_rescaled_racks_need_flow_and_money_for_themselves_alone(basis, bought):
    """Of two racks alike one is made half as large again: its least flow grows, and with chips its price."""
    rack = "{type: liquid_rack, cords: 1, accelerators: 8, plates: 8, min_flow: 0.2 kg/s, capital: 100 k$}"
    found = site(
        (
            "grid: {type: utility, voltage: 415 V}",
            f"a: {rack}",
            f"b: {rack}",
            "tank: {type: expansion_tank}",
            "pump: {type: pump, rated_flow: 4 L/s}",
            "dry: {type: dry_cooler, set_point: 30 degC, flow: 10 kg/s}",
        ),
        [f"power, grid.out, {n}.feed" for n in ("a", "b", "pump", "dry")]
        + [f"coolant, {x}" for x in ("tank.port, pump.in", "pump.out, dry.in")]
        + [f"coolant, {x}" for n in "ab" for x in (f"dry.out, {n}.supply", f"{n}.return, pump.in")],
    )
    after = steady(rescale(found.plant, 1.5, np.array([True, False]), basis))
    m = margins(after)
    at = dict(zip(m.element[m.name == "rack_flow"], m.bound[m.name == "rack_flow"][:, 0], strict=True))
    assert at == pytest.approx({"a": 0.3, "b": 0.2})
    upkeep = figures(after).annual.upkeep[0]
    assert upkeep - found.figures.annual.upkeep[0] == pytest.approx(0.03 * 100e3 * (bought - 2.0))
    chips = after[columns.engine.chips][:, 0]
    assert chips == pytest.approx([12, 8] if basis == "chips" else [8, 8])
    power, before = (x[columns.engine.power][:, 0] for x in (after, found.solution))
    assert power[0] / before[0] > 1.2 and power[1] == pytest.approx(before[1], rel=0.02)
