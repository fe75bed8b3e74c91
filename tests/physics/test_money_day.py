"""Days of demand, bounds and what more of something is worth, on a facility whose power and money are linear.

Eight H200 of 700 W, 100 W idle, 745.2 tokens/s at 116.7 tokens/s/user, no losses, so that everything scales by hand.
"""

import numpy as np
import pytest
from scipy.stats import gamma

import twin
from twin.serving import Instance, Options, best, points, roofline, server
from twin.serving.platforms import Point, max_prefill_load
from twin.show.summary import summary

TOKENS, HOURS = 8 * 93.15, 8766


def layout(serving="", economics="", rack="", contract="contract: 1 MW", count=8):
    return f"""
version: 1
name: linear
site: {{dry_bulb: 20 degC}}
economics: {{{economics}}}
serving: {{{serving}}}
components:
  grid: {{type: utility, voltage: 415 V, {contract}}}
  r: {{type: rack, cords: 1, accelerators: {count}, platform: h200, chip_power: 700 W, chip_idle: 100 W,
       leakage_slope: 0 1/K, sink_resistance: 0.1 mK/W, junction_to_case: 0.1 mK/W, air_flow: 20 m3/s,
       shelf_fixed_loss: 0, shelf_proportional_loss: 0, shelf_square_loss: 0,
       nameplate: 10 kW{rack}}}
connections: [[power, grid.out, r.feed]]
"""


# ---- a day -------------------------------------------------------------------------------------------------------


def test_a_day_is_the_mean_of_its_parts_by_hand():
    """Half, all and none of the chips at work: 800 W of idling and 4,800 W of work by the share."""
    prices = "demand_charge: 10 $/kW-month, staff: 2 $/h, token_price: 3 $/Mtok"
    found = twin.solve(layout("demand: [0.5, 1.0, 0.0]", prices, contract="contract: 9 MW"))
    day = found.day()
    assert day.capacity == pytest.approx(TOKENS, rel=1e-6)
    assert day.tokens_per_s == pytest.approx(TOKENS / 2, rel=1e-6)
    assert day.facility_power == pytest.approx(800 + 4800 * 0.5, rel=1e-6)
    assert day.peak_power == pytest.approx(5600, rel=1e-6)
    assert day.idle_power == pytest.approx(800, rel=1e-6)
    assert float(day.annual.energy) == pytest.approx(3.2 * HOURS * 0.07, rel=1e-6)
    assert float(day.annual.demand) == pytest.approx(120 * 9e3)
    assert day.carbon == pytest.approx(3.2 * 0.369 / 3600, rel=1e-6)
    assert day.income == pytest.approx(TOKENS / 2 * 31.5576 * 3 * 0.625, rel=1e-6)
    cost = 3.2 * HOURS * 0.07 + 120 * 9e3 + 2 * HOURS
    assert day.usd_per_million_tokens == pytest.approx(cost / (TOKENS / 2 * 31.5576), rel=1e-6)
    assert day.gross_margin_usd_per_mw_year == pytest.approx((day.income - cost) / 3.2e-3, rel=1e-6)
    told = summary(found, None)["demand"]
    assert told["carbon_t_per_year"] == pytest.approx(3.2 * HOURS * 0.369e-3, rel=1e-6)
    assert told["turned_away_share"] == 0 and told["sold_share"] == pytest.approx(0.5)


def test_demand_without_a_contract_is_charged_by_the_highest_part_of_the_day():
    text = layout("demand: [0.5, 0.75]", "demand_charge: 10 $/kW-month").replace(", contract: 1 MW", "")
    assert float(twin.solve(text).day().annual.demand) == pytest.approx(120 * (0.8 + 4.8 * 0.75), rel=1e-6)


def test_prefill_keeps_its_objective_up_to_a_load_that_a_queue_gives():
    """One instance, M/G/1 whose service varies by a half: the gamma of the mean and variance of wait and service.

    Wait: half of 1.5 of M/M/1's, probability rho of waiting [Allen & Cunneen].
    """
    model = ("DeepSeek-R1-0528", "h200", 1024, 1024)
    s = server(*model, Instance(1))
    alone = 1024 / (float(roofline.prefill_rate(s)) * 8)
    for most, share in ((0.35, 0.99), (0.5, 0.95), (0.6, 0.99)):
        rho = max_prefill_load(Point(*model, 60.0), 8, most, share, options=Options(drafts=0))
        assert 0.1 < rho < 0.99
        factor, left = 0.75, (1 - rho) / alone
        mean = 0.18 + factor * rho / left + alone
        variance = factor**2 * rho * (2 - rho) / left**2 + 0.5 * alone**2
        assert gamma(mean**2 / variance, scale=variance / mean).ppf(share) == pytest.approx(most, rel=1e-3)


def test_turns_of_prefill_keep_their_objective_up_to_a_load_of_the_same_queue():
    """One instance that takes turns: as above, prompts in it for the share of the time that they take of it."""
    model = ("DeepSeek-R1-0528", "mi325x", 8192, 1024)
    served = best(*model, 30.0)
    s = server(*model, Instance(int(served.gpus), verified=4, shared=True))
    b, steps = float(served.requests), 1 if served.requests < points.MANY else s.fit.polls[1]
    alone = 8192 / (float(roofline.prefill_rate(s)) * 8)
    used = b * float(points.user_speed(s, b)) / 1024 * alone
    assert s.instance.gpus == 8 and 0.2 < used < 0.8
    least = 0.075 + steps / 2 * float(roofline.step_time(s, b))
    for most, share in ((1.0, 0.9), (1.2, 0.95)):
        rho = used * max_prefill_load(Point(*model, 30.0), 8, most, share)
        assert 0.05 < rho < 0.99 * used
        mean, left = least + 0.75 * rho * alone / (1 - rho) + alone, (1 - rho) / alone
        variance = 0.75**2 * rho * (2 - rho) / left**2 + 0.5 * alone**2
        assert gamma(mean**2 / variance, scale=variance / mean).ppf(share) == pytest.approx(most, rel=1e-3)


def test_what_is_asked_beyond_the_objective_is_turned_away():
    given = "mode: physics, interactivity: 60, drafts: 0, demand: [1.0, 0.2], max_ttft: 0.35 s"
    day = twin.solve(layout(given)).day()
    within = max_prefill_load(
        Point("DeepSeek-R1-0528", "h200", 1024, 1024, 60.0), 8, 0.35, 0.99, options=Options(drafts=0)
    )
    assert day.within == pytest.approx(within, rel=1e-6) and 0.2 < within < 0.95
    np.testing.assert_allclose(day.sold, [within, 0.2])
    assert day.tokens_per_s == pytest.approx(day.capacity * (within + 0.2) / 2, rel=1e-6)
    assert day.facility_power == pytest.approx(800 + 4800 * (1 + 0.2 / within) / 2, rel=1e-5)


def test_a_token_time_is_an_interactivity():
    ask = lambda t: twin.solve(layout(f"demand: [1.0], max_tpot: {t} ms")).day().within  # noqa: E731
    assert ask(8.56) == 0.0 and ask(8.58) == 1.0  # 116.7 tokens/s are 8.569 ms


# ---- bounds ------------------------------------------------------------------------------------------------------


def test_racks_grow_into_the_contract():
    """50 kW hold 8.929 times 5.6 kW, in chips as in power per chip."""
    for basis in ("chips", "chip_power"):
        found = twin.bound(layout(contract="contract: 50 kW"), scale=basis)[0]
        assert found.limit.name == "utility_contract"
        assert found.scale == pytest.approx(50 / 5.6, rel=3e-6)
        assert found.density == pytest.approx(50e3, rel=3e-6)


def test_a_search_without_a_limit_ends_at_twenty():
    found = twin.bound(layout(contract="contract: 100 MW"))[0]
    assert found.limit is None and found.reason == "nothing binds"
    assert 20 <= found.scale < 32


def test_margins_are_relative_to_their_bound_and_kelvins_to_a_hundred():
    found = twin.solve(layout())
    m = found.margins
    at = lambda name: [float(getattr(m, k)[m.name == name][0, 0]) for k in ("margin", "relative")]  # noqa: E731
    assert at("utility_contract") == pytest.approx([1e6 - 5600, 1 - 5.6e-3], rel=1e-6)
    assert at("rack_air_inlet") == pytest.approx([15.0, 0.15])
    assert at("rack_air_inlet_cold") == pytest.approx([10.0, 0.10])
    assert at("throttling") == pytest.approx([1e-3, 0.05], rel=1e-2)  # never of less than 0.02
    assert found.worst()[0].relative <= 0.05


def test_coolant_stays_two_kelvin_above_its_freezing():
    text = """
version: 1
name: cold
site: {dry_bulb: 5 degC}
components:
  grid: {type: utility, voltage: 415 V}
  r: {type: liquid_rack, cords: 1, it_power: 20 kW, flow_limiter: 20 L/min}
  tank: {type: expansion_tank}
  pump: {type: pump}
  dry: {type: dry_cooler, set_point: 25 degC, flow: 2 kg/s, duty: 100 kW, air_flow: 12 m3/s}
connections:
  - [power, grid.out, r.feed]
  - [power, grid.out, pump.feed]
  - [power, grid.out, dry.feed]
  - [coolant, tank.port, pump.in]
  - [coolant, pump.out, dry.in]
  - [coolant, dry.out, r.supply]
  - [coolant, r.return, pump.in]
"""
    m = twin.solve(text).margins
    assert float(m.bound[m.name == "coolant_freezing"][0, 0]) == pytest.approx(275.15)


# ---- worth -------------------------------------------------------------------------------------------------------


def test_a_megawatt_and_a_percent_are_worth_what_the_tokens_bring_less_what_they_cost():
    """At 1 $ per million: 5.6 kW more earn 745.2 tokens/s and cost their energy, racks and upkeep; 10 $/kW-month."""
    text = layout(
        economics="demand_charge: 10 $/kW-month, staff: 2 $/h", rack=", capital: 1 k$", contract="contract: 50 kW"
    )
    found = twin.worth(text, 1.0)
    income, racks = TOKENS * 31.5576, 1e3 * (0.301921 + 0.03)
    energy = 5.6 * HOURS * 0.07
    each = income - racks - energy
    scale = 50 / 5.6
    assert found.margin == pytest.approx(scale * each - 120 * 50 - 2 * HOURS, rel=1e-4)
    assert found.margin_per_mw == pytest.approx(found.margin / 0.05, rel=1e-5)
    assert found.million_tokens_per_mw_year == pytest.approx(income / 5.6e-3, rel=1e-5)
    assert found.megawatt == pytest.approx(each / 5.6e-3 - 120e3, rel=1e-3)
    work = 4.8 * HOURS * 0.07  # 0.8 kW of idling are paid either way
    assert found.availability == pytest.approx((income - work) * 0.01, rel=1e-5)
    assert found.kelvin == pytest.approx(0.0, abs=1e-3)
    partly = twin.worth(layout("availability: 0.9", contract="contract: 50 kW"), 1.0)
    assert partly.availability == pytest.approx((income - work) * 0.01, rel=1e-5)
    energy = (0.9 * 5.6 + 0.1 * 0.8) * HOURS * 0.07
    assert partly.margin == pytest.approx(scale * (0.9 * income - energy), rel=1e-4)


def test_all_idle_in_the_hours_of_a_day_in_which_nothing_is_served():
    """A quarter of the year at 0.8 kW, the rest at the 3.2 kW of the demand; the contract is charged all year."""
    prices = "demand_charge: 10 $/kW-month, token_price: 3 $/Mtok"
    given = "demand: [0.5, 1.0, 0.0], availability: 0.75"
    day = twin.solve(layout(given, prices, contract="contract: 9 MW")).day()
    assert day.tokens_per_s == pytest.approx(0.75 * TOKENS / 2, rel=1e-6)
    assert day.facility_power == pytest.approx(0.75 * 3200 + 0.25 * 800, rel=1e-6)
    assert day.peak_power == pytest.approx(5600, rel=1e-6)
    assert float(day.annual.energy) == pytest.approx((0.75 * 3.2 + 0.25 * 0.8) * HOURS * 0.07, rel=1e-6)
    assert float(day.annual.demand) == pytest.approx(120 * 9e3)
    assert day.carbon == pytest.approx((0.75 * 3.2 + 0.25 * 0.8) * 0.369 / 3600, rel=1e-6)
    assert day.income == pytest.approx(0.75 * TOKENS / 2 * 31.5576 * 3 * 0.625, rel=1e-6)


def test_idle_power_is_that_of_nothing_asked():
    day = twin.solve(layout("demand: [0.5, 1.0]")).day()
    assert day.idle_power == pytest.approx(800, rel=1e-6)


def test_a_day_scales_the_work_that_the_layout_has():
    """Chips at 60 % of their work: 0.6 of 4.8 kW and of the tokens when all is asked for."""
    day = twin.solve(layout("demand: [1.0, 0.5]", rack=", utilisation: 0.6")).day()
    assert day.facility_power == pytest.approx(800 + 4800 * 0.6 * 0.75, rel=1e-6)
    assert day.tokens_per_s == pytest.approx(TOKENS * 0.6 * 0.75, rel=1e-6)


def test_a_kelvin_is_worth_what_half_of_one_to_either_side_changes():
    """Warmer chips behind a CDU leak more: the margin of the layout at 40.5 degC less that at 39.5."""
    text = """
version: 1
name: warm
site: {dry_bulb: 20 degC}
components:
  grid: {type: utility, voltage: 415 V, contract: 60 kW}
  r: {type: liquid_rack, cords: 1, accelerators: 32, plates: 32, platform: h200, nameplate: 30 kW, liquid_fraction: 1}
  cdu: {type: cdu, set_point: 40 degC, min_opening: 0}
  tank: {type: expansion_tank}
  pump: {type: pump, rated_flow: 4 L/s}
  dry: {type: dry_cooler, set_point: 25 degC, flow: 10 kg/s}
connections:
  - [power, grid.out, r.feed]
  - [power, grid.out, cdu.feed]
  - [power, grid.out, pump.feed]
  - [power, grid.out, dry.feed]
  - [coolant, cdu.tcs_supply, r.supply]
  - [coolant, cdu.tcs_return, r.return]
  - [coolant, tank.port, pump.in]
  - [coolant, pump.out, dry.in]
  - [coolant, dry.out, cdu.fws_supply]
  - [coolant, cdu.fws_return, pump.in]
"""
    f = twin.solve(text, {"cdu.set_point": [312.65, 313.65]}).figures
    low, high = f.tokens_per_s * 31.5576 - f.annual.total
    assert high - low < -1.0
    assert twin.worth(text, 1.0).kelvin == pytest.approx(high - low, rel=1e-3)
