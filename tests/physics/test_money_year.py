"""A year's money, carbon and figures of small facilities by hand, prices and lives from the default sheets.

Capital recovery at 8 %: 0.30192 in 4 years, 0.12130 in 14, 0.11683 in 15, 0.08883 in 30 [compound interest tables,
Park, Contemporary Engineering Economics, app. C]. A year has 8,766 hours.
"""

from dataclasses import replace

import numpy as np
import pytest

import twin
from twin.elements import Status
from twin.money.cost import annuity
from twin.money.yearly import used
from twin.results.figures import figures
from twin.results.warnings import warnings
from twin.show.screen import screen
from twin.show.summary import summary
from twin.solver.steady import Idle

RACK = """type: rack, cords: 1, accelerators: 8, platform: h200, chip_power: 700 W, chip_idle: 100 W,
    leakage_slope: 0 1/K, sink_resistance: 1 mK/W, air_flow: 5 m3/s, shelf_fixed_loss: 0, shelf_proportional_loss: 0,
    shelf_square_loss: 0, nameplate: 10 kW"""
"""Eight H200 of 700 W and nothing else: 5.6 kW, and 745.2 tokens/s at 116.7 tokens/s/user."""

TOKENS = 8 * 93.15


def site(economics="", rack="", more="", links="", sections="", **how):
    text = f"""
version: 1
name: money
site: {{dry_bulb: 20 degC, design_pue: 1.3}}
economics: {{{economics}}}
{sections}
components:
  grid: {{type: utility, voltage: 415 V{more}}}
  r: {{{RACK}{rack}}}
connections:
  - [power, grid.out, r.feed]
{links}"""
    return twin.solve(text, **how)


def wet(rack, sections=""):
    """A rack on a tower, which evaporates and blows down."""
    return f"""
version: 1
name: wet
site: {{dry_bulb: 30 degC, wet_bulb: 20 degC}}
economics: {{}}
{sections}
components:
  grid: {{type: utility, voltage: 415 V}}
  r: {{type: liquid_rack, cords: 1, liquid_fraction: 1, {rack}}}
  tank: {{type: expansion_tank}}
  pump: {{type: pump, rated_flow: 4 L/s}}
  tower: {{type: tower, flow: 10 kg/s}}
connections:
  - [power, grid.out, r.feed]
  - [power, grid.out, pump.feed]
  - [power, grid.out, tower.feed]
  - [coolant, tank.port, pump.in]
  - [coolant, pump.out, tower.in]
  - [coolant, tower.out, r.supply]
  - [coolant, r.return, pump.in]
"""


def year(result):
    return {k: float(np.ravel(v)[0]) for k, v in result.figures.annual._asdict().items()}


# ---- capital -----------------------------------------------------------------------------------------------------


def test_annuities_are_those_of_the_interest_tables():
    years = 365.25 * 86400 * np.array([4, 14, 15, 30])
    np.testing.assert_allclose(annuity(0.08, years), [0.30192, 0.12130, 0.11683, 0.08883], atol=6e-6)
    np.testing.assert_allclose(annuity(0.05, years[:1]), [0.28201], atol=6e-6)
    assert annuity(0.0, years[0]) == 0.25


def test_racks_are_paid_off_in_four_years_plant_in_fifteen_transformers_in_thirty():
    """At 8 %, with 3 % of upkeep."""
    parts = ", capital: 200 k$"
    found = twin.solve(f"""
version: 1
name: lives
components:
  grid: {{type: utility, capital: 50 k$}}
  tx: {{type: transformer, capital: 100 k$}}
  r: {{{RACK}{parts}}}
connections: [[power, grid.out, tx.in], [power, tx.out, r.feed]]
""")
    cost = year(found)
    assert cost["capital"] == pytest.approx(200e3 * 0.301921 + 50e3 * 0.116830 + 100e3 * 0.088827, rel=1e-5)
    assert cost["upkeep"] == pytest.approx(0.03 * 350e3)
    items = summary(found, None)["usd_per_year"]
    assert items["servers capital"] == pytest.approx(200e3 * 0.301921, rel=1e-5)
    assert items["electrical capital"] == pytest.approx(50e3 * 0.116830 + 100e3 * 0.088827, rel=1e-5)
    assert items["electrical upkeep"] == pytest.approx(0.03 * 150e3)


def test_denser_racks_cost_more():
    assert year(site(rack=", capital: 100 k$, chip_scale: 2"))["upkeep"] == pytest.approx(6e3)


def test_works_are_paid_by_nameplate_over_fourteen_years():
    found = site("works: 12 M$/MW")
    assert year(found)["capital"] == pytest.approx(12.0 * 10e3 * 0.121297, rel=1e-5)
    assert summary(found, None)["usd_per_year"]["works capital"] == pytest.approx(12.0 * 10e3 * 0.121297, rel=1e-5)


# ---- what is used ------------------------------------------------------------------------------------------------


def test_energy_and_carbon_of_the_united_states_mix():
    """0.07 $/kWh and 369 g/kWh [codecarbon, 2023] of 5.6 kW."""
    found = site()
    assert found.figures.facility_power[0] == pytest.approx(5600, rel=1e-6)
    assert year(found)["energy"] == pytest.approx(5.6 * 8766 * 0.07, rel=1e-6)
    assert found.figures.carbon[0] == pytest.approx(5.6 * 0.369 / 3600, rel=1e-6)
    s = summary(found, None)
    assert s["carbon_t_per_year"] == pytest.approx(5.6 * 8766 * 0.369e-3, rel=1e-6)
    assert s["carbon_kg_per_mwh"] == pytest.approx(369)
    assert s["carbon_g_per_million_tokens"] == pytest.approx(5.6 * 369 / 3600 / TOKENS * 1e6, rel=1e-6)


def test_a_generator_of_the_default_sheet_burns_diesel():
    """0.3 $/kWh and 2.68 kg a litre at 3.6 kWh a litre [IPCC 2006 Guidelines, vol. 2]: 0.74 kg/kWh."""
    assert pytest.approx(0.744, abs=1e-3) == 2.68 / 3.6
    found = twin.solve(f"""
version: 1
name: island
components:
  own: {{type: generator, in_service: true}}
  r: {{{RACK}}}
connections: [[power, own.out, r.feed]]
""")
    assert year(found)["energy"] == pytest.approx(5.6 * 8766 * 0.3, rel=1e-6)
    assert found.figures.carbon[0] == pytest.approx(5.6 * 0.74 / 3600, rel=1e-6)


def test_demand_is_charged_by_the_month_on_the_contract_or_the_demand():
    assert year(site("demand_charge: 12 $/kW-month"))["demand"] == pytest.approx(12 * 12 * 5.6, rel=1e-6)
    fixed = site("demand_charge: 12 $/kW-month", more=", contract: 9 kW")
    assert year(fixed)["demand"] == pytest.approx(12 * 12 * 9)


def test_staff_and_other_cost_is_paid_by_the_hour():
    assert year(site("staff: 50 $/h, other: 0.01 M$/year"))["other"] == pytest.approx(50 * 8766 + 10e3)


def test_water_costs_three_dollars_a_cubic_metre():
    """Of a tower that evaporates and blows down, and nothing of a tenant's."""
    text = wet("it_power: 200 kW, flow_limiter: 200 L/min, nameplate: 250 kW")
    found = twin.solve(text)
    flow = found.figures.water[0]
    assert flow == pytest.approx(found["tower_water"].values[0, 0]) and flow > 0.05
    assert year(found)["water"] == pytest.approx(flow / 1000 * 31557600 * 3.0)
    s = summary(found, None)
    assert s["water_m3_per_day"] == pytest.approx(flow / 1000 * 86400)
    assert year(twin.solve(text.replace("economics: {}", "economics: {colocation: 200 $/kW-month}")))["water"] == 0.0


def test_a_lease_is_paid_by_the_month_on_the_nameplate():
    found = site("colocation: 198 $/kW-month, works: 12 M$/MW")
    assert year(found)["lease"] == pytest.approx(198 * 12 * 10)
    assert year(found)["capital"] == 0.0


def test_the_mix_is_paid_and_counted_by_its_shares():
    """Wind of 11 g/kWh [IPCC AR5] at 0.05 $/kWh, the rest of the grid at 0.07 and 369 g/kWh."""
    found = site("sources: {ppa_wind: {share: 40 %, price: 0.05 $/kWh}, grid_usa: {}}")
    assert year(found)["energy"] == pytest.approx(5.6 * 8766 * (0.4 * 0.05 + 0.6 * 0.07), rel=1e-6)
    s = summary(found, None)
    assert s["carbon_kg_per_mwh"] == pytest.approx(0.4 * 11 + 0.6 * 369)
    assert s["supply"]["ppa_wind"]["mw"] == pytest.approx(0.4 * 5.6e-3, rel=1e-6)
    assert s["supply"]["ppa_wind"]["usd_per_year"] == pytest.approx(0.4 * 5.6 * 8766 * 0.05, rel=1e-6)
    assert s["supply"]["grid_usa"]["carbon_kg_per_mwh"] == pytest.approx(369)


# ---- hours in which nothing is served ----------------------------------------------------------------------------

PARTLY = "serving: {availability: 0.75}"
"""Three quarters of the year at 5.6 kW, a quarter at the 0.8 kW of eight idle chips: 4.4 kW on average."""


def test_plants_idle_while_nothing_is_served():
    found = site("demand_charge: 12 $/kW-month, token_price: 2 $/Mtok", sections=PARTLY)
    f, s = found.figures, summary(found, None)
    assert f.facility_power[0] == pytest.approx(5600, rel=1e-6)
    assert f.mean_power[0] == pytest.approx(4400, rel=1e-6)
    assert f.idle_power[0] == pytest.approx(800, rel=1e-6)
    assert s["idle_energy_mwh_per_year"] == pytest.approx(0.25 * 8766 * 0.8e-3, rel=1e-6)
    assert f.tokens_per_s[0] == pytest.approx(0.75 * TOKENS, rel=1e-6)
    assert year(found)["energy"] == pytest.approx(4.4 * 8766 * 0.07, rel=1e-6)
    assert year(found)["demand"] == pytest.approx(12 * 12 * 5.6, rel=1e-6)
    assert s["usd_per_year"]["energy"] == pytest.approx(year(found)["energy"])
    assert s["supply"]["grid"]["mw"] == pytest.approx(4.4e-3, rel=1e-6)
    assert s["supply"]["grid"]["usd_per_year"] == pytest.approx(year(found)["energy"])
    assert s["carbon_t_per_year"] == pytest.approx(4.4 * 8766 * 0.369e-3, rel=1e-6)
    assert s["carbon_kg_per_mwh"] == pytest.approx(369)
    assert s["tokens_per_joule"] == pytest.approx(0.75 * TOKENS / 4400, rel=1e-6)
    paid = 4.4 * 8766 * 0.07 + 144 * 5.6
    assert f.usd_per_million_tokens[0] == pytest.approx(paid / (0.75 * TOKENS * 31.5576), rel=1e-6)
    assert f.pue[0] == pytest.approx(1.0, abs=1e-6)


def test_hosts_idle_with_their_chips():
    """Two hosts of 300 W that idle at 50 W."""
    found = site(rack=", hosts: 2, host_power: 300 W, host_idle: 50 W", sections=PARTLY)
    assert found.figures.facility_power[0] == pytest.approx(6200, rel=1e-6)
    assert found.figures.idle_power[0] == pytest.approx(900, rel=1e-6)


def test_nothing_is_idle_where_tokens_are_served_all_year():
    found = site()
    assert found.solution.idle is None and np.isnan(found.figures.idle_power[0])
    assert found.figures.idle_energy[0] == 0.0
    assert found.figures.mean_power[0] == found.figures.facility_power[0]


def test_only_scenarios_with_idle_hours_are_solved_again():
    """Each has the figures that it has alone, of racks that are alike as of all."""
    more, links = f"}}\n  s: {{{RACK}", "  - [power, grid.out, s.feed]\n"
    shares = [1.0, 0.75, 0.5]
    for symmetry in (True, False):
        found = site(more=more, links=links, scenarios={"serving.availability": shares}, symmetry=symmetry)
        np.testing.assert_allclose(found.figures.idle_power, [np.nan, 1600, 1600], rtol=1e-6)
        np.testing.assert_allclose(found.figures.mean_power, [11200, 8800, 6400], rtol=1e-6)
        energy = np.array([11.2, 8.8, 6.4]) * 8766 * 0.07
        np.testing.assert_allclose(found.figures.annual.energy, energy, rtol=1e-6)
        np.testing.assert_allclose(found.dataset["yearly_cost"].sel(cost_item="energy"), energy, rtol=1e-6)
        assert found.solution.idle is not None and np.isnan(found.solution.idle.grid[0])


def test_a_generator_burns_less_while_nothing_is_served():
    """0.3 $/kWh and 0.74 kg/kWh of 4.4 kW."""
    found = twin.solve(f"""
version: 1
name: island
{PARTLY}
components:
  own: {{type: generator, in_service: true}}
  r: {{{RACK}}}
connections: [[power, own.out, r.feed]]
""")
    assert year(found)["energy"] == pytest.approx(4.4 * 8766 * 0.3, rel=1e-6)
    assert found.figures.carbon[0] == pytest.approx(4.4 * 0.74 / 3600, rel=1e-6)
    own = summary(found, None)["supply"]["generators"]
    assert own["mw"] == pytest.approx(4.4e-3, rel=1e-6)
    assert own["usd_per_year"] == pytest.approx(year(found)["energy"])
    assert own["carbon_kg_per_mwh"] == pytest.approx(740)


def test_water_of_a_year_is_less_by_that_of_idle_hours():
    """The mean of what the tower takes with all chips at work and with none, over the mean power of the racks."""
    text = wet("accelerators: 64, platform: h200, nameplate: 60 kW", "serving: {availability: 0.6}")
    ends = twin.solve(text.replace("0.6", "1.0"), {"r.utilisation": [1.0, 0.0]}).figures
    found = twin.solve(text)
    assert ends.water[0] > 1.2 * ends.water[1] > 0
    water, racks = (0.6 * x[0] + 0.4 * x[1] for x in (ends.water, ends.it_power))
    assert found.figures.water[0] == pytest.approx(water, rel=1e-6)
    assert found.figures.wue[0] == pytest.approx(water / racks, rel=1e-6)
    assert year(found)["water"] == pytest.approx(water / 1000 * 31557600 * 3.0, rel=1e-6)
    potable = summary(found, None)["water_supply"]["potable"]
    assert potable["m3_per_day"] == pytest.approx(water / 1000 * 86400, rel=1e-6)
    assert potable["usd_per_year"] == pytest.approx(year(found)["water"])


def test_racks_whose_power_is_stated_do_not_idle_and_are_told():
    found = site(rack=", it_power: 5 kW", sections=PARTLY)
    told = "r: its `it_power` is drawn in idle hours too, in which no tokens are served"
    assert list(found.warnings) == [(told,)]
    assert found.figures.idle_power[0] == pytest.approx(found.figures.facility_power[0], rel=1e-9)
    assert list(site(rack=", it_power: 5 kW").warnings) == list(site(sections=PARTLY).warnings) == [()]


def test_idle_hours_without_a_solution_are_told_and_cost_nothing_known():
    found = site(sections=PARTLY).part()[0]
    blank = replace(found, idle=Idle(*np.full((len(Idle._fields), 1), np.nan)))
    (told,) = warnings(blank)
    assert told == ("no solution with nothing at work: energy and cost of idle hours are not known",)
    assert np.isnan(figures(blank).annual.energy[0]) and np.isnan(figures(blank).idle_energy[0])
    assert warnings(found) == [()]
    unsettled = replace(found, status=np.array([Status.NOT_CONVERGED]))
    assert np.isnan(used(unsettled)).all() and np.isfinite(used(found)).all()


# ---- figures -----------------------------------------------------------------------------------------------------


def test_figures_are_what_their_names_say():
    found = site("staff: 1 $/h, token_price: 2 $/Mtok", more=", contract: 8 kW")
    f, s = found.figures, summary(found, None)
    paid = 8766 + 5.6 * 8766 * 0.07
    assert f.tokens_per_s[0] == pytest.approx(TOKENS, rel=1e-6)
    assert f.usd_per_mw_year[0] == pytest.approx(paid / 5.6e-3, rel=1e-6)
    assert f.usd_per_million_tokens[0] == pytest.approx(paid / (TOKENS * 31.5576), rel=1e-6)
    assert f.usd_per_million_output_tokens[0] == pytest.approx(2 * paid / (TOKENS * 31.5576), rel=1e-6)
    income = TOKENS * 31.5576 * 2 * (1 + 0.25) / 2  # inputs are worth a quarter of outputs
    assert f.income[0] == pytest.approx(income, rel=1e-6)
    assert f.gross_margin_usd_per_mw_year[0] == pytest.approx((income - paid) / 5.6e-3, rel=1e-6)
    per_mw = {"provisioned": TOKENS / (10e-3 * 1.3), "drawn": TOKENS / 5.6e-3, "contract": TOKENS / 8e-3}
    assert s["tokens_per_s_per_mw"] == pytest.approx(per_mw, rel=1e-6)
    assert s["million_tokens_per_mw_year"] == pytest.approx(TOKENS * 31.5576 / 5.6e-3, rel=1e-6)
    assert s["tokens_per_joule"] == pytest.approx(TOKENS / 5600, rel=1e-6)
    assert s["tpot_ms"] == pytest.approx(1e3 / 116.7)
    assert s["usd_per_accelerator_hour"] == pytest.approx(paid / 8 / 8766, rel=1e-6)
    assert s["income_usd_per_accelerator_hour"] == pytest.approx(income / 8 / 8766, rel=1e-6)
    assert s["rent_usd_per_accelerator_hour"] == 2.9  # July 2026, contracts
    assert s["rent_break_even"] == pytest.approx(paid / 8 / 8766 / 2.9, rel=1e-6)
    assert s["pue"] == pytest.approx(1.0, abs=1e-6)


def test_inputs_count_by_their_number_and_their_value():
    """8,192 in and 1,024 out: one ninth of the tokens are outputs."""
    given = "serving: {model: DeepSeek-R1-0528, input_tokens: 8192, output_tokens: 1024, interactivity: 40}"
    found = site("token_price: 2 $/Mtok, input_value: 0.1", sections=given)
    f = found.figures
    rate = f.tokens_per_s[0]
    assert rate > 0
    assert f.usd_per_million_output_tokens[0] == pytest.approx(9 * f.usd_per_million_tokens[0])
    assert f.income[0] == pytest.approx(rate * 31.5576 * 2 * (1 + 8 * 0.1) / 9, rel=1e-6)


def test_every_accelerator_has_its_share_of_network():
    """55 W each as stated, none if it is not; what racks share beside their nameplate is told with their platform."""
    for given, each in ((", network_share: 55 W", 55.0), ("", 0.0)):
        (group,) = site(rack=given).plant.serving
        assert list(group.platform) == ["h200"]
        np.testing.assert_allclose(group.network, each)


def test_pue_is_the_meter_over_the_racks():
    """1.4 kW of lamps beside 5.6 kW of racks."""
    found = site(links="  - [power, grid.out, lamps.feed]\n", more="}\n  lamps: {type: house_load, power: 1.4 kW")
    assert found.figures.pue[0] == pytest.approx(1.25, rel=1e-6)
    assert found.figures.it_power[0] == pytest.approx(5600, rel=1e-6)


def test_rent_is_the_mean_over_accelerators():
    """Eight H200 at 2.9 $/h and 72 GB300 at 5 $/h [contracts of July 2026]."""
    more = "}\n  s: {type: rack, cords: 1, accelerators: 72, platform: gb300, it_power: 100 kW"
    found = site(links="  - [power, grid.out, s.feed]\n", more=more)
    assert summary(found, None)["rent_usd_per_accelerator_hour"] == pytest.approx((8 * 2.9 + 72 * 5) / 80)


def lines(result):
    """What the screen says, by the word before it."""
    rows = screen(result, None, summary(result, None)).splitlines()
    return {row[:21].strip().split("  ")[0]: row for row in rows}


def test_the_screen_says_whose_rent_it_is_and_of_when():
    shown = lines(site("staff: 8 $/h"))["rent"]
    owned = (8 + 5.6 * 0.07) / 8
    assert f"2.90 $ per accelerator-hour (published, July 2026), owning {owned:.2f}: " in shown
    assert shown.endswith(f"owning is cheaper from {owned / 2.9:.0%} of use")
    stated = site("rent: 1 $/h, staff: 8 $/h")
    assert "1.00 $ per accelerator-hour (stated), owning 1.05: renting is cheaper at any use" in lines(stated)["rent"]
    assert summary(stated, None)["rent_origin"] == "stated"
    unknown = twin.solve(
        "version: 1\ncomponents: {g: {type: utility}, r: {type: rack, cords: 1}}\nconnections: [[power, g.out, r.feed]]"
    )
    assert "rent" not in lines(unknown) and summary(unknown, None)["rent_origin"] is None


def test_the_screen_tells_income_where_tokens_have_a_price():
    priced = lines(site("token_price: 2 $/Mtok"))["income if all sold"]
    hourly = 93.15 * 3600 * 2e-6 * 0.625
    assert f"{hourly:.2f} $ per accelerator-hour, owning 0.05" in priced
    assert "income if all sold" not in lines(site())


def test_the_screen_tells_what_idle_hours_take():
    shown = lines(site(sections="serving: {availability: 0.5}"))["idle hours"]
    assert shown.endswith("4 MWh a year, at 0.001 MW")
    assert "idle hours" not in lines(site())
