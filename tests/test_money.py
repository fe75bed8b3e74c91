"""Tariffs, sources, leases, rent and days of demand, on solved facilities."""

import numpy as np
import pytest

import twin
from twin.money.cost import YEAR, annuity
from twin.show.summary import summary

KWH = 3.6e6
DAY = [0.4, 0.4, 0.6, 0.9, 1.0, 1.0, 0.8, 0.6]


def solved(layout="gb300_hall", **overrides):
    return twin.solve(layout, overrides={k.replace("__", "."): v for k, v in overrides.items()})


def told(result):
    return summary(result, None)


def test_energy_costs_and_gives_off_the_mean_of_its_sources():
    mix = {
        "ppa_wind": {"share": "30 %", "price": "0.05 $/kWh"},
        "gas_turbine": {"share": "25 %", "price": "0.09 $/kWh"},
        "grid_deu": {},
    }
    found = solved(economics__sources=mix)
    kwh = float(found.figures.facility_power[0]) * YEAR / KWH
    assert found.figures.annual.energy[0] == pytest.approx(kwh * (0.3 * 0.05 + 0.25 * 0.09 + 0.45 * 0.07))
    s = told(found)
    assert s["carbon_kg_per_mwh"] == pytest.approx(0.3 * 11 + 0.25 * 531 + 0.45 * 381)
    parts = s["supply"]
    assert sum(p["mw"] for p in parts.values()) == pytest.approx(s["facility_power_mw"])
    assert sum(p["usd_per_year"] for p in parts.values()) == pytest.approx(s["usd_per_year"]["energy"])


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"ppa_wnd": {"share": "30 %"}, "grid_usa": {}}, "'ppa_wnd' is not known; did you mean 'ppa_wind'"),
        ({"ppa_wind": {"share": "30 %"}, "grid_usa": {"share": "60 %"}}, "shares add up to 0.9"),
        ({"ppa_wind": {}, "grid_usa": {}}, "ppa_wind and grid_usa both take the rest"),
        ({"ppa_wind": {"share": "30 %", "price": 0.05}, "grid_usa": {}}, "0.05 needs a unit"),
        ({"own_dam": {}}, "'own_dam' is not known; give its carbon"),
    ],
)
def test_a_mix_that_is_none_is_told(sources, words):
    with pytest.raises(twin.LayoutError, match=words):
        solved(economics__sources=sources)


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"rain": {"share": "30 %"}, "potable": {"share": "60 %"}}, "water_sources: shares add up to 0.9"),
        ({"rain": {}, "potable": {}}, "water_sources: rain and potable both take the rest"),
        ({"rain": {}, "potable": {"share": "100 %"}}, "water_sources: rain takes the rest, and there is none"),
        ({"sea": {}}, r"water_sources.sea: 'sea' should be"),
        ({"rain": {"share": "30 %", "price": 1.0}, "potable": {}}, "needs a unit"),
    ],
)
def test_origins_of_water_that_are_none_are_told(sources, words):
    with pytest.raises(twin.LayoutError, match=words):
        solved(economics__water_sources=sources)


def test_generators_pay_their_own_fuel():
    layout = """
version: 1
name: island
components:
  grid: {type: utility, voltage: 415 V}
  genset: {type: generator, rating: 100 kW, in_service: true, energy_price: 0.3 $/kWh, carbon: 700 g/kWh}
  own: {type: pdu, rating: 100 kW}
  board: {type: pdu, rating: 100 kW}
  r1: {type: rack, it_power: 20 kW, nameplate: 30 kW, cords: 1}
  r2: {type: rack, it_power: 30 kW, nameplate: 30 kW, cords: 1}
connections:
  - [power, grid.out, board.in]
  - [power, board.out, r1.feed]
  - [power, genset.out, own.in]
  - [power, own.out, r2.feed]
"""
    found = twin.solve(layout)
    s = told(found)
    grid, own = s["supply"]["grid"], s["supply"]["generators"]
    assert own["mw"] == pytest.approx(float(found["generator_power"].sum()) / 1e6)
    assert own["usd_per_year"] == pytest.approx(own["mw"] * 1e3 * 8766 * 0.3)
    assert own["carbon_kg_per_mwh"] == pytest.approx(700)
    assert s["usd_per_year"]["energy"] == pytest.approx(grid["usd_per_year"] + own["usd_per_year"])
    whole = 1e-3 * (grid["mw"] * 369 + own["mw"] * 700) * 8766
    assert s["carbon_t_per_year"] == pytest.approx(whole)


def test_demand_is_charged_by_contract_where_there_is_one():
    layout = """
version: 1
name: two
economics: {demand_charge: 10 $/kW-month}
components:
  a: {type: utility, voltage: 415 V, contract: 100 kW}
  b: {type: utility, voltage: 415 V}
  p: {type: pdu, rating: 100 kW}
  q: {type: pdu, rating: 100 kW}
  r1: {type: rack, it_power: 20 kW, nameplate: 30 kW, cords: 1}
  r2: {type: rack, it_power: 30 kW, nameplate: 30 kW, cords: 1}
connections:
  - [power, a.out, p.in]
  - [power, p.out, r1.feed]
  - [power, b.out, q.in]
  - [power, q.out, r2.feed]
"""
    found = twin.solve(layout)
    drawn = float(found["utility_power"].sel(utility="b")[0])
    assert found.figures.annual.demand[0] == pytest.approx((100e3 + drawn) / 1e3 * 120)


def test_a_scenario_without_solution_has_no_money():
    found = twin.solve("gb300_hall", {"gb300_nvl72.it_power": [1e5, 3e6]})
    bad = int(np.flatnonzero(found.solution.status != 0)[0])
    s = summary(found, None, bad)
    assert s["supply"] == {} and all(v is None for v in s["usd_per_year"].values())
    assert all(v is None for v in s["utilisation"].values()) and s["demand"] is None


def test_works_are_those_of_the_racks_as_laid_out():
    own = solved().figures.annual.capital
    assert solved(gb300_nvl72__rack_cap="60 kW").figures.annual.capital == pytest.approx(own)
    nameplate = 64 * 142e3 + 8 * 35e3 + 4 * 25e3
    assert told(solved())["usd_per_year"]["works capital"] == pytest.approx(8.0 * nameplate * annuity(0.08, 14 * YEAR))


def test_a_tenant_owns_racks_and_leases_the_rest():
    own, tenant = (told(s) for s in (solved(), solved(economics__colocation="198 $/kW-month")))
    lease = tenant["usd_per_year"]["lease"]
    assert lease == pytest.approx(198 * 12 * (64 * 142 + 8 * 35 + 4 * 25))
    assert tenant["usd_per_year"]["servers capital"] == own["usd_per_year"]["servers capital"]
    assert not any(k.startswith(("cooling", "electrical", "facility")) for k in tenant["usd_per_year"])
    total = sum(tenant["usd_per_year"].values())
    assert tenant["usd_per_accelerator_hour"] == pytest.approx(total / 4608 / 8766)


def test_a_tenant_of_racks_alone_is_told_the_lease():
    layout = """
version: 1
name: cage
economics: {colocation: 200 $/kW-month}
components:
  grid: {type: utility, voltage: 415 V, capital: 0 $}
  r1: {type: rack, it_power: 20 kW, nameplate: 30 kW, cords: 1}
connections: [[power, grid.out, r1.feed]]
"""
    assert told(twin.solve(layout))["usd_per_year"]["lease"] == pytest.approx(200 * 12 * 30)


def test_rent_is_the_published_one_unless_given():
    assert told(solved())["rent_usd_per_accelerator_hour"] == pytest.approx(5.0)
    given = told(solved(economics__rent="4 $/h"))
    assert given["rent_break_even"] == pytest.approx(given["usd_per_accelerator_hour"] / 4.0)
    assert told(solved("frontier"))["rent_usd_per_accelerator_hour"] is None


def test_income_counts_inputs_by_their_value():
    terms = {"economics__token_price": "2 $/Mtok", "economics__input_value": "0.25"}
    s = told(solved(**terms))
    rate, power = s["tokens_per_s"], s["facility_power_mw"]
    income = rate * YEAR * (0.5 * 2e-6 + 0.5 * 0.25 * 2e-6)
    assert s["gross_margin_usd_per_mw_year"] == pytest.approx((income - sum(s["usd_per_year"].values())) / power)
    assert s["usd_per_million_output_tokens"] == pytest.approx(2 * s["usd_per_million_tokens"])
    assert told(solved())["gross_margin_usd_per_mw_year"] is None


# ---- demand ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mean():
    return solved(serving__demand=DAY, economics__demand_charge="12 $/kW-month").day()


def test_a_day_sells_what_is_asked_up_to_the_capacity(mean):
    assert mean.tokens_per_s == pytest.approx(np.mean(DAY) * mean.capacity, rel=1e-6)
    assert mean.idle_power < mean.facility_power < mean.peak_power
    full = solved().figures
    assert mean.capacity == pytest.approx(full.tokens_per_s[0], rel=1e-6)
    assert mean.peak_power == pytest.approx(full.facility_power[0], rel=1e-6)


def test_every_part_of_a_day_is_a_solve_of_its_own(mean):
    loads = sorted(set(DAY))
    found = twin.solve("gb300_hall", {"gb300_nvl72.utilisation": loads}).figures
    weights = [DAY.count(x) / len(DAY) for x in loads]
    assert mean.facility_power == pytest.approx(float(found.facility_power @ weights), rel=1e-9)
    assert mean.annual.energy == pytest.approx(float(found.annual.energy @ weights), rel=1e-9)


def test_idle_hours_make_tokens_dearer_and_joules_more(mean):
    full = solved(economics__demand_charge="12 $/kW-month").figures
    assert mean.usd_per_million_tokens > 1.2 * full.usd_per_million_tokens[0]
    assert mean.facility_power / mean.tokens_per_s > full.facility_power[0] / full.tokens_per_s[0]
    assert mean.annual.demand == pytest.approx(12.5e3 * 12 * 12)  # on the contract, whatever is drawn


def test_objectives_turn_away_what_they_cannot_keep():
    day = lambda **more: solved("h200_hall", serving__demand=[1.0], **more).day()  # noqa: E731
    firsts = (0.19, 0.3, 0.6, 2.0)
    found = [day(serving__max_ttft=f"{t} s") for t in firsts]
    assert (np.diff([d.within for d in found]) >= 0).all()
    assert found[0].within == 0.0 and found[0].tokens_per_s == 0 and "first tokens of h200" in found[0].reason
    assert 0.9 < found[-1].within < 1.0
    slow = day(serving__max_tpot="5 ms")
    assert slow.within == 0.0 and "ask for an interactivity of 200" in slow.reason
    assert day(serving__max_tpot="9 ms").within == 1.0


def test_slower_clocks_keep_objectives_for_fewer():
    terms = {"serving__demand": [1.0], "serving__max_ttft": "0.3 s"}
    fast, slow = (solved("h200_hall", rack__clock=c, **terms).day().within for c in ("1.0", "0.8"))
    assert slow < 0.9 * fast


def test_chips_at_the_load_that_keeps_objectives_are_as_many_as_the_demand_needs():
    terms = {"serving__demand": [0.4], "serving__max_ttft": "0.3 s"}
    found = solved("h200_hall", **terms).day()
    busy = solved("h200_hall", rack__utilisation=str(0.4 / found.within)).figures
    assert 0.5 < found.within < 0.95
    assert found.facility_power == pytest.approx(float(busy.facility_power[0]), rel=1e-6)
    assert found.tokens_per_s == pytest.approx(0.4 * found.capacity, rel=1e-6)


def test_every_scenario_has_its_own_day():
    days = {"site.dry_bulb": [313.15, 300.15], "economics.electricity": [0.2 / KWH, 0.07 / KWH]}
    many = twin.solve("gb300_hall", days | {"site.dew_point": 285.15}, overrides={"serving.demand": DAY})
    for i, (bulb, price) in enumerate([("40 degC", "0.2 $/kWh"), ("27 degC", "0.07 $/kWh")]):
        weather = {"site__dry_bulb": bulb, "site__dew_point": "12 degC"}
        alone = solved(serving__demand=DAY, economics__electricity=price, **weather).day()
        assert many.day(i).facility_power == pytest.approx(alone.facility_power, rel=1e-9)
        assert many.day(i).usd_per_million_tokens == pytest.approx(alone.usd_per_million_tokens, rel=1e-9)


def test_nothing_served_is_nothing_sold():
    found = solved(serving__demand=[0.7], serving__interactivity="3000").day()
    assert found.within == 0 and found.tokens_per_s == 0 and "beyond the front" in found.reason
    assert found.usd_per_million_tokens == np.inf


def test_where_physics_serves_nothing_objectives_are_not_judged():
    found = solved("h200_hall", serving__demand=[1.0], serving__interactivity="174", serving__max_ttft="5 s").day()
    assert found.within == 1.0 and found.reason == "first tokens of h200 are not known"


def test_no_demand_is_no_day():
    assert solved().day() is None
    assert told(solved())["demand"] is None


@pytest.mark.parametrize(("demand", "words"), [([], "give shares"), ([0.5, 1.5], "between 0 and 1")])
def test_a_demand_that_is_none_is_told(demand, words):
    with pytest.raises(twin.LayoutError, match=words):
        twin.load("gb300_hall", overrides={"serving.demand": demand})
