"""The hardware catalogue: every entry is valid and sourced, and racks draw what is published of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import twin.layouts
import yaml
from tables import element, run, table
from twin.kernels.exchangers import conductance, counterflow

import twin
import twin.components.compute
import twin.components.cooling
import twin.components.electrical
from twin import columns, fluids
from twin.components import curves
from twin.components.base import REGISTRY, Component
from twin.domains import compute, rejection
from twin.elements import Engine
from twin.plant.compile import compile
from twin.units import parse, quantity

HARDWARE = Path(str(twin.layouts.__file__)).parent / "hardware"
KINDS = {"measured", "vendor", "analyst", "derived", "model", "unpublished"}
FILES = {p.name: yaml.safe_load(p.read_text("utf-8")) for p in sorted(HARDWARE.glob("*.yaml"))}
ENTRIES = {name: (file, entry) for file, data in FILES.items() for name, entry in data.items() if name != "sources"}


def build(name: str, **fields: Any) -> Component:
    entry = ENTRIES[name][1]
    values = {k: v["value"] for k, v in entry["fields"].items()} | fields
    return REGISTRY[entry["type"]].model_validate(values)


PLANT = """
version: 1
components:
  utility: {type: utility, voltage: 415 V}
  tested: {type: TYPE}
  LOOP
connections:
  - [power, utility.out, tested.feed]
  JOINED
"""
LOOP = "pump: {type: pump}\n  tank: {type: expansion_tank, fluid: pg25}"
JOINED = """- [power, utility.out, pump.feed]
  - [coolant, pump.out, tested.supply]
  - [coolant, tested.return, pump.in]
  - [coolant, tank.port, pump.in]"""


def engine(part: Any) -> Engine:
    """The engine that a rack lowers itself to, its fans in air of 1.2 kg/m3."""
    liquid = "supply" in part.ports
    text = (
        PLANT.replace("TYPE", part.kind)
        .replace("LOOP", LOOP if liquid else "")
        .replace("JOINED", JOINED if liquid else "")
    )
    facility = twin.load(text)
    placed = part.model_copy(update={"voltage": None, "cords": 1})
    plant = compile(replace(facility, components=dict(facility.components) | {"tested": placed}))
    thin = 1.2 / plant.site.room_density
    e = plant.engine
    return replace(e, fan_flow=e.fan_flow * thin, fan_power=e.fan_power * thin)


@cache
def _solved(name: str, inlet: float, fields: tuple[tuple[str, Any], ...]) -> dict[str, float]:
    part: Any = build(name, **dict(fields))
    T = inlet + 273.15
    flow, cp, k = 1.2 * part.air_flow, 1006.0, 0.026
    if part.kind == "liquid_rack":
        fluid = fluids.FLUIDS["pg25"]
        flow, cp, k = part.rated_flow, float(fluid.heat_capacity(T)), float(fluid.conductivity(T))
    cooled = table(compute.Cooling, inlet=T, flow=flow, cp=cp, conductivity=k, fed=1.0, level=1.0)
    solved, roots = table(columns.engine), table(compute.Roots)
    roots.packed_reals[...] = np.nan
    own, given = table(compute.Constants), element(engine(part))
    run(compute.prepare, (1, 1), given, own)
    run(compute.racks, (1, 1), given, own, cooled, roots, solved, times=8)
    return {name: float(getattr(solved, name)[0, 0]) for name in columns.engine.real_columns()}


def rack(name: str, inlet: float = 30.0, **fields: Any) -> dict[str, float]:
    """Solved columns of one rack at rated flow with coolant or air at `inlet` degC."""
    return _solved(name, inlet, tuple(fields.items()))


# ---- form --------------------------------------------------------------------------------------------------------


def test_names_are_unique_across_files():
    assert len(ENTRIES) == sum(len(data) - 1 for data in FILES.values())


@pytest.mark.parametrize("name", ENTRIES)
def test_entry_is_valid(name):
    part = build(name)
    assert part.check(name) == []
    entry = ENTRIES[name][1]
    assert set(entry) == {"type", "about", "fields"}
    assert entry["about"]
    assert not set(entry["fields"]) - set(type(part).model_fields)


@pytest.mark.parametrize("name", ENTRIES)
def test_every_value_has_a_kind_and_a_source_and_lies_in_its_range(name):
    file, entry = ENTRIES[name]
    model = REGISTRY[entry["type"]]
    for field, fact in entry["fields"].items():
        where = f"{name}.{field}"
        assert not set(fact) - {"value", "kind", "source", "range"}, where
        assert fact["kind"] in KINDS, where
        assert FILES[file]["sources"][fact["source"]], where
        unit = quantity(model.model_fields[field])
        number = isinstance(fact["value"], (int, float)) and not isinstance(fact["value"], bool)
        if fact["kind"] == "unpublished" and (unit or number):
            assert "range" in fact, where
        if "range" in fact:
            low, value, high = (
                parse(v, unit.dimension) if unit else float(v)
                for v in (fact["range"][0], fact["value"], fact["range"][1])
            )
            assert low <= value <= high and low < high, where


@pytest.mark.parametrize("file", FILES)
def test_every_source_is_used(file):
    data = FILES[file]
    used = {fact["source"] for name, e in data.items() if name != "sources" for fact in e["fields"].values()}
    assert used == set(data["sources"])


# ---- racks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gpu", "cpu", "power"), [(0.0, 0.0, 95.87), (0.79, 0.33, 307.33), (1.0, 1.0, 378.60)], ids=["idle", "hpl", "peak"]
)
def test_frontier_cabinet_draws_the_published_power(gpu, cpu, power):
    got = rack("frontier_cabinet", utilisation=gpu, host_utilisation=cpu)["power"] / 1e3
    assert got == pytest.approx(power, abs=0.006)


def test_frontier_losses_match_the_published_chain():
    idle = rack("frontier_cabinet", utilisation=0.0)
    peak = rack("frontier_cabinet")
    assert idle["power"] - 32 * 250 - 128 * 626.26 == pytest.approx(idle["loss"], rel=1e-9)
    assert 74 * idle["loss"] / 1e6 == pytest.approx(0.571, abs=0.002)
    assert 74 * peak["loss"] / 1e6 == pytest.approx(1.809, abs=0.002)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("gb200_nvl72", 120, 132), ("gb300_nvl72", 132, 142), ("vr_nvl72", 190, 230), ("kyber_nvl144", 590, 660)],
)
@pytest.mark.parametrize("inlet", [35.0, 40.0])
def test_nvl_rack_draws_its_published_power_at_full_load_without_throttling(name, low, high, inlet):
    solved = rack(name, inlet)
    assert low <= solved["power"] / 1e3 <= high
    assert solved["clock_lost"] < 0.001
    assert solved["power"] <= solved["nameplate"] * 1.001


def test_gb300_peak_and_heat_split_are_the_published_ones():
    solved = rack("gb300_nvl72", 37.5)
    assert solved["peak"] / 1e3 == pytest.approx(155, rel=0.01)
    assert 0.87 <= solved["heat_liquid"] / solved["power"] <= 0.90
    assert solved["heat_liquid"] / 18 / 1e3 == pytest.approx(6.9, rel=0.04)


def test_gb200_edp_peak_and_heat_split_are_the_published_ones():
    part: Any = build("gb200_nvl72")
    assert part.nameplate * part.peak_factor == pytest.approx(192e3, rel=1e-3)
    assert part.nameplate * part.liquid_fraction == pytest.approx(115e3, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("hgx_h100_rack", 10.2),
        ("hgx_h200_rack", 10.2),
        ("hgx_b200_rack", 14.3),
        ("hgx_b300_rack", 15.1),
        ("mi300x_rack", 10.8),
        ("mi325x_rack", 13.2),
        ("mi355x_rack", 16.4),
    ],
)
def test_air_cooled_rack_draws_four_systems_maximum(name, system):
    solved = rack(name, 25.0)
    assert solved["power"] / 4e3 == pytest.approx(system, rel=2e-3)
    assert solved["heat_liquid"] == 0
    assert rack(name, 35.0)["clock_lost"] < 0.001


@pytest.mark.parametrize("name", ["hgx_h100_rack", "hgx_h200_rack"])
def test_air_cooled_hopper_runs_at_measured_temperatures(name):
    solved = rack(name, 25.0)
    assert 54 <= solved["junction_mean"] - 273.15 <= 72


def test_air_cooled_mi300x_runs_at_logged_temperatures():
    """65 to 83 degC at the cap of 750 W in a public log, in air of 25 degC as assumed."""
    assert 65 <= rack("mi300x_rack", 25.0)["junction_mean"] - 273.15 <= 83


def test_liquid_cooled_mi355x_draws_what_its_reference_design_does_at_the_warmest_coolant():
    """About 14 kW a system, 268.8 L/min of PG25 for 128 accelerators, coolant of at most 43 degC."""
    part: Any = build("mi355x_liquid_rack")
    assert rack("mi355x_liquid_rack", 37.5)["power"] / 16e3 == pytest.approx(14.0, rel=2e-3)
    hottest = rack("mi355x_liquid_rack", part.max_supply_temperature - 273.15)
    assert hottest["clock_lost"] < 0.001 and hottest["junction"] <= part.junction_limit
    litres = 128 * 2.1 / 60e3
    assert part.rated_flow == pytest.approx(litres * float(fluids.FLUIDS["pg25"].density(293.15)), rel=0.02)


@pytest.mark.parametrize(
    ("name", "systems", "chip", "fans"),
    [("mi300x_rack", 4, 750, 835), ("mi325x_rack", 4, 1000, 1113), ("mi355x_rack", 4, 1400, 1442)],
)
def test_the_margin_of_amd_racks_is_what_their_parts_leave(name, systems, chip, fans):
    """Chips, 912 W beside them and fans that follow the air, through supplies of 96 %, leave no more than its range."""
    fact = ENTRIES[name][1]["fields"]["other_power"]
    low, high = (parse(x, "power") for x in fact["range"])
    parts = rack(name, 25.0, other_power=f"{low} W")["power"] / systems
    assert (8 * chip + 912) / 0.96 < parts < (8 * chip + 912 + fans) / 0.95
    part: Any = build(name)
    assert low == pytest.approx(systems * 912 - part.hosts * part.host_power)
    assert high == part.other_power


@pytest.mark.parametrize("name", [n for n, (_, e) in ENTRIES.items() if e["type"] in ("rack", "liquid_rack")])
def test_idle_rack_draws_no_more_than_a_full_one(name):
    assert 0 < rack(name, utilisation=0.0)["power"] <= rack(name)["power"]


@pytest.mark.parametrize("name", ["network_rack", "storage_rack", "vera_cpu_rack"])
def test_given_power_counts_no_loss_twice(name):
    part: Any = build(name)
    solved = rack(name)
    assert solved["power"] == pytest.approx(part.it_power)
    assert solved["loss"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "pue", "low", "high"),
    [
        ("hgx_h200_rack", 1.3, 1.68, 1.78),
        ("gb200_nvl72", 1.1, 2.04, 2.16),
        ("gb300_nvl72", 1.1, 2.09, 2.33),
        ("mi300x_rack", 1.3, 1.79, 1.81),
        ("mi325x_rack", 1.3, 2.18, 2.20),
        ("mi355x_rack", 1.3, 2.65, 2.72),
    ],
)
def test_provisioned_power_per_accelerator_is_the_published_one(name, pue, low, high):
    part: Any = build(name)
    assert low <= (part.nameplate / part.accelerators + part.network_share) * pue / 1e3 <= high


@pytest.mark.parametrize(("name", "published"), [("mi300x_rack", 1.39), ("mi325x_rack", 1.69), ("mi355x_rack", 2.09)])
def test_it_power_per_accelerator_is_the_published_one(name, published):
    part: Any = build(name)
    assert (rack(name, 25.0)["power"] / 32 + part.network_share) / 1e3 == pytest.approx(published, rel=0.005)


AMD = ["mi300x_rack", "mi325x_rack", "mi355x_rack", "mi355x_liquid_rack"]
SERVES = """
version: 1
site: {dry_bulb: 25 degC}
serving: {interactivity: 40, mode: MODE}
components:
  utility: {type: utility, voltage: 415 V}
  r: {model: RACK}
  LOOP
connections:
  - [power, utility.out, r.feed]
  JOINED
"""
COOLED = "pump: {type: pump, rated_flow: 8 L/s}\n  tank: {type: expansion_tank, fluid: pg25}"
COOLED += "\n  dry: {type: dry_cooler, flow: 10 kg/s, set_point: 35 degC}"
LED = """- [power, utility.out, pump.feed]
  - [power, utility.out, dry.feed]
  - [coolant, pump.out, dry.in]
  - [coolant, dry.out, r.supply]
  - [coolant, r.return, pump.in]
  - [coolant, tank.port, pump.in]"""


@pytest.mark.parametrize("mode", ["table", "physics"])
@pytest.mark.parametrize("name", AMD)
def test_amd_racks_serve_in_a_layout(name, mode):
    """At 40 tokens/s/user, within all limits."""
    liquid = build(name).kind == "liquid_rack"
    text = SERVES.replace("MODE", mode).replace("RACK", name)
    text = text.replace("LOOP", COOLED if liquid else "").replace("JOINED", LED if liquid else "")
    found = twin.solve(text)
    assert found.ok and found.figures.tokens_per_s[0] > 0
    assert found.worst()[0].margin >= 0
    assert found.figures.accelerators[0] == (128 if liquid else 32)
    assert found.figures.it_power[0] == pytest.approx(rack(name, 35.0 if liquid else 25.0)["power"], rel=0.02)


# ---- curves of chillers ------------------------------------------------------------------------------------------

COPPER = list(
    csv.DictReader(s for s in (HARDWARE / "curves" / "copper.csv").read_text("utf-8").splitlines() if s[0] != "#")
)
GRID = np.linspace(0, 1, 33)


def test_names_of_copper_machines_say_what_they_are_and_are_all_different():
    """copper_COMPRESSOR_CONDENSER[_variable]_CAPACITY, and a number from 2 on where several would be called so."""
    counts: dict[str, int] = {}
    for row in COPPER:
        size = f"{float(row['capacity [kW]']):.0f}kw" if row["capacity [kW]"] else "unsized"
        speed = ["variable"] if row["speed"] == "variable" else []
        plain = "_".join(["copper", row["compressor"], row["condenser"], *speed, size])
        counts[plain] = counts.get(plain, 0) + 1
        assert row["name"] == (plain if counts[plain] == 1 else f"{plain}_{counts[plain]}")
    assert len({row["name"] for row in COPPER} | set(curves.chiller_curves())) == len(COPPER) + 5 == 308
    assert len({row["copper number"] for row in COPPER}) == 303


@pytest.mark.parametrize("row", COPPER, ids=lambda row: row["name"])
def test_a_copper_machine_is_sane_in_its_box(row):
    """Positive everywhere, within 5 % of its rating at the reference, and below 85 % of Carnot with approaches."""
    cap, eir, plr = ([float(v) for k, v in row.items() if k.startswith(q + " ") and "[kW]" not in k] for q in SETS)
    x0, x1, y0, y1 = (float(row[f"{q} {end} [degC]"]) for q in ("leaving", "entering") for end in ("from", "to"))
    f = lambda c, x, y: c[0] + c[1] * x + c[2] * x**2 + c[3] * y + c[4] * y**2 + c[5] * x * y  # noqa: E731
    x, y = x0 + GRID[:, None] * (x1 - x0), y0 + GRID * (y1 - y0)
    assert x0 < x1 and y0 < y1 and f(cap, x, y).min() > 0 and f(eir, x, y).min() > 0
    reference = float(row["leaving [degC]"]), float(row["entering [degC]"])
    assert f(cap, *reference) == pytest.approx(1, abs=0.05) and f(eir, *reference) == pytest.approx(1, abs=0.05)
    p = 0.1 + 0.9 * GRID
    assert (plr[0] + plr[1] * p + plr[2] * p**2).min() > 0 and sum(plr) == pytest.approx(1, abs=0.05)
    if row["cop [1]"]:
        approach = 13.0 if row["condenser"] == "air" else 7.0
        carnot = (x + 271.15) / np.maximum(y + approach - x + 2, 3)
        assert (float(row["cop [1]"]) / f(eir, x, y) / carnot).max() <= 0.85


SETS = ("capacity", "input", "part load")


def test_a_copper_machine_is_read_as_its_row_says():
    """Row of number 290 of the library, EnergyPlus' Carrier 30XA240, 801.6 kW at COP 3 [Modelica Buildings]."""
    (name,) = (row["name"] for row in COPPER if row["copper number"] == "290")
    c = curves.copper_curve(name)
    assert name == "copper_screw_air_802kw" and c.capacity == pytest.approx(801.6e3) and c.cop == 3.0
    assert c.input_curve[:4] == pytest.approx((-0.3078657246, 0.0607254323, 0.000999675, 0.0391939439), rel=1e-6)
    assert c.input_curve[5] == pytest.approx(-0.0021290772, rel=1e-6)
    assert (c.compressor, c.condenser, c.speed) == ("screw", "air", None)
    assert (c.leaving, c.entering) == pytest.approx((273.15 + 6.67, 273.15 + 35.0))
    assert len(curves.every_curve()) == 308


def test_capacities_are_of_one_kind_of_ton():
    """Scrolls of one compressor or a few are between 30 kW and 1.4 MW; as tons some would be of 2.9 MW."""
    largest = max(float(r["capacity [kW]"] or 0) for r in COPPER if r["compressor"] == "scroll")
    assert largest == pytest.approx(1325.8, rel=1e-3)


def test_copper_machines_are_read_only_if_asked_for(monkeypatch):
    """No hall that ships asks for one; a name of one does."""

    def unread():
        raise RuntimeError("copper.csv was read")

    monkeypatch.setattr(curves, "copper_rows", unread)
    for path in sorted((HARDWARE.parent / "halls").glob("*.yaml")):
        twin.load(path)
    build("york_yk", curve="trane_rthc")
    with pytest.raises(RuntimeError, match="was read"):
        build("york_yk", curve="copper_screw_water_511kw")


def test_a_name_that_is_mistyped_gets_the_nearest():
    layout = "version: 1\ncomponents: {c: {type: air_chiller, curve: copper_screw_air_803kw}}"
    with pytest.raises(twin.LayoutError, match=r"air_chiller c: curve: .* did you mean 'copper_screw_air_802kw'\?"):
        twin.load(layout)
    with pytest.raises(twin.LayoutError, match="and 303 more that `twin describe chiller_curves` lists"):
        twin.load(layout)


def test_a_curve_without_capacity_or_cop_asks_for_them(small):
    machine = "chiller: {type: air_chiller, "
    named = small.replace(machine, machine + "curve: copper_scroll_air_unsized, ")
    with pytest.raises(twin.LayoutError) as error:
        twin.load(named)
    assert "chiller: capacity: the curve has none; give that of one unit" in str(error.value)
    assert "chiller: cop: the curve has none; give that of one unit at the reference of the curve" in str(error.value)
    solved = twin.solve(named.replace("unsized", "unsized, capacity: 800 kW, cop: 3")).dataset.sel(chiller="chiller")
    # at 10 degC in air of 30 degC: 1.02138 + 0.37021 + 0.02333 - 0.11680 - 0.05832 - 0.08068 = 1.1591 of 800 kW
    assert (solved.chiller_duty / solved.chiller_loading).item() == pytest.approx(927.3e3, rel=1e-3)


# ---- cooling -----------------------------------------------------------------------------------------------------


def test_the_dry_cooler_meets_its_rating_in_a_plant(small):
    """BAC TDFS1238N: 2,931 kW from 46.1 to 40.55 degC with air at 35 degC, fans 117.7 kW."""
    text = small.replace("type: dry_cooler, flow: 120 kg/s, fan_power: 117 kW", "model: bac_tdfs1238n")
    data = yaml.safe_load(text)
    data["site"] = {"dry_bulb": "35 degC", "relative_humidity": "0 %"}
    plant = twin.solve(twin.load(yaml.safe_dump(data))).plant
    law = next(c.law for c in plant.cooler if isinstance(c.law, rejection.DryCooler))
    rate = 2.931e6 / 5.55
    answer = replace(law, set_point=np.array([[np.nan]])).respond(319.25, law.rated_flow, rate / law.rated_flow)
    assert rate * (319.25 - answer.slope * 319.25 - answer.offset) == pytest.approx(2.931e6, rel=2e-3)
    assert answer.power == pytest.approx(117.7e3, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "duty", "hot_out", "fws_in", "approach"),
    [
        ("vertiv_xdu1350", 1368e3, 40.0, 36.0, 4.0),
        ("deschutes", 2e6, 29.8, 26.8, 3.0),
        ("stulz_1200", 1200e3, 40.0, 36.0, 4.0),
    ],
)
def test_cdu_passes_its_rating_at_its_approach(name, duty, hot_out, fws_in, approach):
    part: Any = build(name)
    hot, cold = part.tcs_flow * 3965, part.fws_flow * 4180
    ratio = min(hot, cold) / max(hot, cold)
    hot_in = hot_out + duty / hot
    passed = counterflow(part.conductance / min(hot, cold), ratio) * min(hot, cold) * (hot_in - fws_in)
    assert passed == pytest.approx(duty, rel=0.03)
    assert hot_out - fws_in == pytest.approx(approach)


@pytest.mark.parametrize(("share", "outside"), [(0.0, 500), (0.25, 478), (0.5, 420), (0.75, 330), (1.0, 130)])
def test_xdu_pump_leaves_the_published_pressure_outside(share, outside):
    part: Any = build("vertiv_xdu1350")
    rise = part.shutoff * (1 - part.quadratic * share**2 - part.quartic * share**4) - part.tcs_drop * share**2
    assert rise / 1e3 == pytest.approx(outside, abs=0.05 * 500)


@pytest.mark.parametrize(
    ("secondary", "primary", "published"),
    [(120, 120, 26.78), (200, 140, 34.78), (280, 180, 44.82), (280, 240, 53.89), (320, 300, 62.94), (360, 400, 73.89)],
)
def test_frontier_cdu_follows_its_published_table(secondary, primary, published):
    part: Any = build("frontier_cdu")
    hot, cold = (gpm * 6.30902e-5 * 997 for gpm in (secondary, primary))
    film = 2 * part.conductance
    UA = conductance(hot, cold, part.tcs_flow, part.fws_flow, film, film, part.film_exponent)
    least, most = min(hot, cold) * 4180, max(hot, cold) * 4180
    assert counterflow(UA / least, least / most) * least / 1e3 == pytest.approx(published, rel=0.05)


FRONTIER_PUMPS = {
    "frontier_cdu": [(68.00, 0), (66.08, 0.008), (62.39, 0.020), (53.22, 0.030), (38.50, 0.040), (0, 0.0573)],
    "frontier_htw_pump": [
        (72.05, 0.0029),
        (71.37, 0.126),
        (68.99, 0.2203),
        (62.73, 0.3167),
        (50.89, 0.4099),
        (37.82, 0.4774),
    ],
    "frontier_ctw_pump": [
        (33.17, 0.0004),
        (33.04, 0.115),
        (31.13, 0.2685),
        (27.87, 0.3454),
        (21.89, 0.4604),
        (17.08, 0.5216),
    ],
}


@pytest.mark.parametrize("name", FRONTIER_PUMPS)
def test_frontier_pump_curve_fits_its_published_points(name):
    part: Any = build(name)
    head, flow = np.array(FRONTIER_PUMPS[name]).T
    x = flow / part.rated_flow
    fitted = part.shutoff * (1 - part.quadratic * x**2 - part.quartic * x**4) / (997 * 9.80665)
    assert np.abs(fitted - head).max() < 0.025 * head.max()


@pytest.mark.parametrize(("wet_bulb", "published"), [(7.28, 13.00), (8.39, 13.88), (4.0, 12.22)])
def test_frontier_tower_follows_its_set_point_law(wet_bulb, published):
    part: Any = build("frontier_tower_cell")
    law = max(part.set_point, part.reset_at_freezing + part.reset_slope * wet_bulb) - 273.15
    assert law == pytest.approx(published, abs=0.02)


# ---- power train -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("ups_double_conversion", (96.2, 97.0, 97.0, 96.9)),
        ("ups_eco", (98.4, 98.9, 99.0, 99.0)),
        ("rectifier_800v", (97.6, 98.2, 98.2, 98.1)),
    ],
)
def test_converter_has_its_efficiencies_at_quarter_loads(name, published):
    part: Any = build(name)
    k = np.array([0.25, 0.5, 0.75, 1.0])
    got = k / (k + part.fixed_loss + part.proportional_loss * k + part.square_loss * k**2)
    assert 100 * got == pytest.approx(published, abs=0.11)


def test_unit_transformer_reaches_its_efficiency_at_half_load():
    part: Any = build("unit_transformer_3mva")
    assert 1 - (part.no_load_loss + part.load_loss * 0.25) / 0.5 == pytest.approx(0.995, abs=5e-4)
