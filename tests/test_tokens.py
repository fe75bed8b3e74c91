"""What racks draw to serve, and caps on whole racks: laws of the coupled solve."""

import numpy as np
import pytest

import twin
from twin import columns
from twin.plant.compile import compile
from twin.results.figures import figures
from twin.results.limits import exceeded, margins
from twin.serving.platforms import prefill_share
from twin.serving.tokens import at_work, level, point, rates
from twin.show.summary import summary
from twin.solver.steady import steady
from twin.study.bound import rescale, scaled_rows
from twin.study.levels import at_levels


def solved(layout="gb300_hall", scenarios=None, **overrides):
    given = {k.replace("__", "."): v for k, v in overrides.items()}
    return twin.solve(layout, scenarios, overrides=given)


def chips(result):
    """Mean power of the accelerators of the racks that serve, W (scenario,)."""
    rows = result.plant.serving[0].engine
    return result.solution[columns.engine.chip_power][rows].mean(axis=0)


@pytest.mark.parametrize("mode", ["table", "physics"])
def test_chips_draw_what_their_level_says(mode):
    """Without leakage, whose temperature the level does not tell, the solve hands it through."""
    found = solved(serving__power="measured", serving__mode=mode, gb300_nvl72__leakage_share="0")
    share = level(found.facility.serving, "gb300", 1.0)
    assert 0.4 < share < 0.6  # more than half of a step waits at that speed
    assert chips(found) == pytest.approx(share * 1400.0, rel=1e-6)


def test_long_inputs_keep_chips_busy_reading():
    """Of inputs alone nearly all accelerators read, which draw what was measured of prefill."""
    terms = {"serving__mode": "physics", "serving__interactivity": "60", "serving__input_tokens": 8192}
    power = [chips(solved(serving__power="measured", serving__output_tokens=n, **terms))[0] for n in (8, 64, 1024)]
    assert power[0] == pytest.approx(0.886 * 1400.0, rel=0.03)
    assert min(power) > 0.7 * 1400.0


def test_an_air_cooled_hopper_decodes_at_the_power_that_was_measured():
    """137 to 300 W of 700 W in decode [arXiv 2605.11999]; those in prefill draw more."""
    terms = twin.load("h200_hall").serving
    reading = prefill_share(point(terms, "h200"), rates(terms, "h200", 1.0)[0])
    whole = chips(solved("h200_hall", serving__power="measured"))[0]
    decode = (whole - reading * 550.0) / (1.0 - reading)
    assert 137.0 < decode < 300.0


def test_fewer_requests_draw_less_and_the_same_tokens_cost_fewer_joules():
    speeds = (40.0, 75.0, 116.7, 200.0)
    found = [solved(serving__power="measured", serving__interactivity=str(v)) for v in speeds]
    assert (np.diff([chips(r)[0] for r in found]) < 0).all()
    rated = solved(serving__interactivity="200")
    assert found[-1].figures.tokens_per_s[0] == pytest.approx(rated.figures.tokens_per_s[0], rel=1e-6)
    assert found[-1].figures.facility_power[0] < 0.85 * rated.figures.facility_power[0]


def test_a_slower_clock_holds_fewer_requests_and_draws_less_for_each():
    facility = twin.load("gb300_hall", overrides={"serving.power": "measured", "serving.mode": "physics"})
    clocks = np.array([0.7, 0.85, 1.0])
    solution = steady(at_work(compile(facility, {"gb300_nvl72.clock": clocks})))
    rows = solution.plant.serving[0].engine
    served = rates(facility.serving, "gb300", solution[columns.engine.clock][rows])[0]  # by Little's law as requests
    assert (np.diff(served.mean(axis=0)) > 0).all()
    rated = steady(compile(facility, {"gb300_nvl72.clock": clocks}))
    power, full = (s[columns.engine.chip_power][rows].mean(axis=0) for s in (solution, rated))
    assert (np.diff(power) > 0).all() and (power < 0.95 * full).all()


def test_measured_power_settles_as_fast_and_bit_for_bit_alone():
    facility = twin.load("gb300_hall", overrides={"serving.power": "measured"})
    weather = {"site.dry_bulb": np.array([296.15, 303.15, 313.15])}
    many = steady(at_work(compile(facility, weather)))
    assert (many.iterations <= 15).all()
    one = steady(at_work(compile(facility, {"site.dry_bulb": weather["site.dry_bulb"][1:2]})))
    np.testing.assert_array_equal(many[columns.engine.power][:, 1], one[columns.engine.power][:, 0])


def test_warm_coolant_leaks_throttles_and_costs_tokens_less_than_clock():
    warmer = {"cdu.set_point": [313.15, 330.0, 340.0], "dry_cooler.set_point": [309.15, 325.0, 335.0]}
    warmer["trim.set_point"] = warmer["dry_cooler.set_point"]
    table, physics = (solved(scenarios=warmer, serving__mode=mode) for mode in ("table", "physics"))
    clock = table["rack_clock"].where(table["rack_clock"] > 0).mean("rack").values
    assert (np.diff(clock) < -0.02).all()
    lost = [r["tokens_per_s"].values / float(r["tokens_per_s"][0]) for r in (table, physics)]
    assert (np.diff(lost[0]) < 0).all() and (np.diff(lost[1]) < 0).all()
    assert (lost[1][1:] > clock[1:] / clock[0]).all()  # decode waits for memory, which keeps its clock
    np.testing.assert_allclose(lost[0], lost[1], rtol=1e-3)
    assert (np.diff(table["rack_worst_junction_temperature"].max("rack").values[:2]) > 5).all()


def test_a_rack_without_feed_serves_nothing_and_its_share_is_lost():
    facility = {"bus_a11.in_service": [1, 0], "bus_b11.in_service": [1, 0]}
    found = solved(scenarios=facility, serving__power="measured")
    lost = 1.0 - float(found["tokens_per_s"][1] / found["tokens_per_s"][0])
    assert lost == pytest.approx(4 / 64, rel=1e-6)


@pytest.mark.parametrize("cap", [75e3, 90e3, 110e3, 130e3])
@pytest.mark.parametrize("dry_bulb", [296.15, 313.15])
def test_a_capped_rack_draws_its_cap(cap, dry_bulb):
    found = solved(scenarios={"gb300_nvl72.rack_cap": [cap], "site.dry_bulb": [dry_bulb]})
    rows = found.plant.serving[0].engine
    np.testing.assert_allclose(found.solution[columns.engine.power][rows], cap, rtol=1e-3)
    assert (found.solution[columns.engine.clock][rows] < 1).all()


def test_a_cap_that_does_not_bind_changes_nothing_but_what_is_provisioned():
    free, wide = solved(), solved(gb300_nvl72__rack_cap="141 kW")
    assert wide.figures.facility_power[0] == pytest.approx(free.figures.facility_power[0], rel=1e-9)
    lost = 64 * (142e3 - 141e3) * 1.12
    assert free.figures.provisioned_power[0] - wide.figures.provisioned_power[0] == pytest.approx(lost)


def test_a_denser_rack_keeps_its_cap_and_slower_clocks():
    plant = solved(gb300_nvl72__rack_cap="110 kW").plant
    rows = scaled_rows(plant)
    found = [steady(rescale(plant, factor, rows, "chips")) for factor in (1.0, 1.2)]
    racks = plant.serving[0].engine
    for solution in found:
        np.testing.assert_allclose(solution[columns.engine.power][racks], 110e3, rtol=1e-3)
        assert not exceeded(margins(solution)).any()
    clocks = [s[columns.engine.clock][racks].mean() for s in found]
    assert clocks[1] < 0.95 * clocks[0]


def test_a_cap_beside_a_given_power_is_refused():
    with pytest.raises(twin.LayoutError, match="rack_cap: does nothing where it_power is given"):
        solved(network_rack__rack_cap="20 kW")


def test_a_cap_below_the_least_clock_is_told():
    found = solved(gb300_nvl72__rack_cap="30 kW")
    assert found.worst()[0].name == "rack_cap" and found.worst()[0].relative < 0


def test_capped_racks_give_more_tokens_from_provisioned_power():
    free, capped = solved(), solved(gb300_nvl72__rack_cap="110 kW")
    rate = [r.figures.tokens_per_s_per_mw("provisioned")[0] for r in (free, capped)]
    assert rate[1] > 1.1 * rate[0]
    assert capped.figures.tokens_per_s[0] < free.figures.tokens_per_s[0]


FRONT = [20.0, 40.0, 75.0, 116.7, 200.0, 400.0]


@pytest.mark.parametrize("mode", ["table", "physics"])
def test_a_batch_over_terms_equals_the_singles_bit_for_bit(mode):
    prices = np.linspace(0.05, 0.2, 6)
    many = twin.solve(
        "gb300_hall",
        {"serving.interactivity": FRONT, "economics.electricity": prices / 3.6e6},
        overrides={"serving.mode": mode, "serving.power": "measured"},
    )
    assert (np.diff(many["tokens_per_s"]) < 0).all() and many["tokens_per_s"][-1] == 0
    for k in (1, 3):
        terms = {"serving__interactivity": str(FRONT[k]), "economics__electricity": f"{prices[k]} $/kWh"}
        one = solved(serving__mode=mode, serving__power="measured", **terms)
        for name in ("tokens_per_s", "usd_per_million_tokens", "facility_power"):
            assert float(one[name][0]) == pytest.approx(float(many[name][k]), rel=1e-12), name
        assert summary(many, None, k)["serving"] == summary(one, None)["serving"]


@pytest.mark.parametrize(
    ("scenarios", "words"),
    [
        ({"serving.interactivty": [1.0]}, "no such field; did you mean 'interactivity'"),
        ({"serving.interactivity": [-1.0]}, "outside its bounds"),
        ({"serving.mode": [1.0]}, "is no number that may vary"),
        ({"serving.demand": [0.5]}, "is no number that may vary"),
        ({"economics.sources": [1.0]}, "is no number that may vary"),
        ({"serving.input_tokens": [1.5]}, "give whole numbers"),
        ({"economics.discount_rate": [0.9]}, "outside its bounds"),
        ({"serving.input_tokens": [2000, 1024]}, "no rows of DeepSeek-R1-0528 on gb300 with 2000/1024 tokens"),
    ],
)
def test_terms_that_cannot_vary_are_told(scenarios, words):
    with pytest.raises(twin.LayoutError, match=words):
        twin.solve("gb300_hall", scenarios)


def test_results_state_the_precision_of_every_platform():
    """GB300's front at 40 and at 116.7 tokens/s/user was measured in four bits, H200's in eight."""
    for layout, kind in (("gb300_hall", "fp4 on gb300"), ("h200_hall", "fp8 on h200")):
        for mode in ("table", "physics"):
            assert summary(solved(layout, serving__mode=mode), None)["serving"].endswith(kind)
    lower = solved(serving__mode="physics", serving__precision="fp8")
    assert lower.dataset.attrs["serving"].endswith("fp8 on gb300")


TOLD = ("usd_per_million_tokens", "gross_margin_usd_per_mw_year", "rent_break_even", "carbon_kg_per_mwh")


def test_every_price_of_a_batch_counts_in_its_own_scenario():
    varied = {
        "economics.discount_rate": [0.04, 0.12],
        "economics.works": [0.0, 10.0],
        "economics.colocation": [100.0, 300.0],
        "economics.token_price": [1e-6, 2e-6],
        "economics.rent": [1e-3, 2e-3],
        "economics.demand_charge": [0.0, 1e-6],
        "economics.water": [1.0, 9.0],
        "economics.carbon": [1e-8, 1e-7],
        "economics.staff": [0.1, 0.3],
    }
    for address, values in varied.items():
        many = twin.solve("h200_hall", {address: values})
        told = [summary(many, None, i) for i in (0, 1)]
        assert told[0] != told[1], address
        for i, value in enumerate(values):
            alone = summary(twin.solve("h200_hall", {address: [value]}), None)
            for key in TOLD:
                got, want = told[i][key], alone[key]
                assert (got is want is None) or got == pytest.approx(want, rel=1e-12), (address, key)


@pytest.mark.parametrize("mode", ["table", "physics"])
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("serving__model", "DeepSeek-R1-0582", "did you mean 'DeepSeek-R1-0528'"),
        ("gb300_nvl72__platform", "gb30", "did you mean 'gb300'"),
    ],
)
def test_unknown_platform_or_model_is_told_with_what_was_meant(mode, field, value, words):
    with pytest.raises(twin.LayoutError, match=words):
        solved(serving__mode=mode, **{field: value})


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"engine": "dynamo-tr", "mode": "physics"}, "did you mean 'dynamo-trt'"),
        ({"engine": "sglang"}, "engine: is read by physics"),
        ({"precision": "fp4"}, "precision: is read by physics"),
        ({"storage_cache": "1 TB", "mode": "physics"}, "give a storage_rate"),
        ({"max_ttft": "1 s"}, "objectives judge what is sold of a demand"),
        ({"max_ttft": "1 s", "demand": [1.0], "engine": "foo"}, "no physics of engine 'foo'"),
    ],
)
def test_terms_without_effect_or_sense_are_told(terms, words):
    with pytest.raises(twin.LayoutError, match=words):
        solved("h200_hall", **{f"serving__{k}": v for k, v in terms.items()})


# ---- agents ------------------------------------------------------------------------------------------------------

TINY = """
version: 1
name: tiny
components:
  grid: {{type: utility, voltage: 415 V}}
  hall: {{type: room, length: 6 m, width: 6 m, height: 3 m, ventilation: 20 m3/s}}
  r1: {{model: hgx_h200_rack, accelerators: {n}, cords: 1, room: hall}}
connections: [[power, grid.out, r1.feed]]
"""

MORE = """  r2: {model: hgx_h100_rack, cords: 1, room: hall}
connections: [[power, grid.out, r1.feed], [power, grid.out, r2.feed]]"""

AGENTS = {
    "serving__mode": "physics",
    "serving__interactivity": "60",
    "serving__input_tokens": 8192,
    "site__dry_bulb": "24 degC",
}


def solved_agents(agents, **more):
    return summary(solved(serving__agents=agents, **AGENTS, **more), None)


def test_every_layer_that_is_bounded_has_a_utilisation():
    catalogue = {"network_rack__network_rate": "2 TB/s", "storage_rack__storage_rate": "0.5 TB/s"}
    catalogue |= {"gb300_nvl72__sandboxes": "1296"}
    agents = {"turns": 6, "hit_rate": 0.8, "tool_time": "2 s", "arrival_rate": 500}
    agents |= {"retrievers": 400, "orchestrators": 200}
    found = solved_agents(agents, **catalogue)
    used = found["utilisation"]
    assert set(used) == {"compute", "energy", "cooling", "cpu", "memory", "network", "storage", "software"}
    assert used["cpu"] == pytest.approx(500 * 5 * 2.0 / (64 * 1296))
    assert used["memory"] == pytest.approx(500 * 6 * 0.05 / 400)
    assert used["software"] == pytest.approx(500 * 6 * 0.01 / 200)
    cache = 8192 * 35136.0
    assert used["network"] == pytest.approx(500 * 6 * cache * 0.2 / (8 * 2e12))
    assert used["storage"] == pytest.approx(500 * 6 * cache * 0.8 / (4 * 0.5e12))
    assert found["agents"]["requests_per_s"] == pytest.approx(500)
    ends = found["agents"]["end_to_end_s"]
    assert found["agents"]["tools_s"] >= 10 and ends["p50"] < ends["p90"] < ends["p99"]


def test_a_facility_with_agents_draws_what_it_draws_at_their_load():
    asked = {"turns": 6, "hit_rate": 0.8, "tool_time": "2 s", "arrival_rate": 1000}
    result = solved(serving__agents=asked, **AGENTS)
    found = summary(result, None)
    part = found["utilisation"]["compute"]
    power = float(figures(steady(at_levels(result.plant, 0, [part]))).facility_power[0])
    assert 0.1 < part < 0.9
    assert found["agents"]["facility_power_mw"] * 1e6 == pytest.approx(power, rel=0.03)
    assert found["utilisation"]["energy"] == pytest.approx(power / 12.5e6, rel=0.03)


def test_the_agents_of_a_scenario_are_those_of_its_layout_alone():
    terms = AGENTS | {"serving__agents": {"turns": 6, "tool_time": "2 s", "users": 50_000}}
    values = [1296.0, 5.0]
    many = solved(scenarios={"gb300_nvl72.sandboxes": values}, **terms)
    for i, value in enumerate(values):
        alone = summary(solved(gb300_nvl72__sandboxes=str(value), **terms), None)["agents"]
        assert summary(many, None, i)["agents"] == alone


@pytest.mark.parametrize("lost", [{"storage_rack__storage_rate": "0 GB/s"}, {"gb300_nvl72__sandboxes": "0"}])
def test_a_layer_that_is_lost_bears_nothing(lost):
    found = solved_agents({"turns": 6, "hit_rate": 0.8, "users": 1000}, **lost)["agents"]
    assert found["requests_per_s"] == 0 and "without power, or state none" in found["reason"]


@pytest.mark.parametrize("n", [1, 2, 8, 15, 16, 64])
def test_few_accelerators_bear_few_agents_or_none(n):
    """Never more tokens than the accelerators serve; two instances hold the model or there is no pool of each."""
    terms = AGENTS | {"serving__agents": {"turns": 2, "users": 10_000}, "serving__input_tokens": 1024}
    layout = TINY.format(n=n)
    overrides = {k.replace("__", "."): v for k, v in terms.items() if k != "site__dry_bulb"}
    found = summary(twin.solve(layout, overrides=overrides), None)
    rate = found["agents"]["requests_per_s"] * 2 * 2048
    assert rate <= 1.1 * found["tokens_per_s"]
    assert rate > 0.5 * found["tokens_per_s"] if n >= 16 else "too few for two instances" in found["agents"]["reason"]


def test_agents_have_the_availability_of_what_serves_them():
    whole, half = (
        solved_agents({"users": 10**6}, serving__availability=a)["agents"]["requests_per_s"] for a in ("1", "0.5")
    )
    assert half == pytest.approx(0.5 * whole, rel=0.03)


def test_agents_of_two_platforms_are_refused():
    other = TINY.format(n=32).replace("connections: [[power, grid.out, r1.feed]]", MORE)
    terms = {k.replace("__", "."): v for k, v in AGENTS.items() if k != "site__dry_bulb"}
    terms |= {"serving.agents": {"users": 5}, "serving.interactivity": "30", "serving.input_tokens": 1024}
    found = summary(twin.solve(other, overrides=terms), None)
    assert found["agents"]["reason"] == "agents are served by one platform at a time, not h100 and h200"


def test_a_facility_beyond_its_limits_while_it_idles_bears_nothing():
    found = solved_agents({"users": 5}, utility__contract="1 MW")["agents"]
    assert found["requests_per_s"] == 0 and "even while it idles" in found["reason"]


def test_a_scenario_that_there_is_not_is_told():
    result = solved()
    for scenario in (-1, 3):
        with pytest.raises(IndexError, match=f"no scenario {scenario}; there are 1"):
            result.day(scenario)


@pytest.mark.parametrize("users", [1, 2_001, 10_000_000])
@pytest.mark.parametrize("lengths", [(16, 4096), (8192, 64)])
def test_any_number_of_users_has_an_answer(users, lengths):
    terms = AGENTS | {"serving__input_tokens": lengths[0], "serving__output_tokens": lengths[1]}
    agents = {"hit_rate": 0.5, "users": users, "think_time": "30 s"}
    found = summary(solved(serving__agents=agents, **terms), None)["agents"]
    assert found["reason"] == "" and found["requests_per_s"] > 0
    whole = found["requests_per_s"] * (30.0 + found["end_to_end_s"]["mean"])
    assert whole == pytest.approx(users, rel=1e-3)


def test_all_in_the_cache_needs_no_prefill():
    assert solved_agents({"hit_rate": 1.0, "users": 100})["agents"]["reason"] == ""


def test_a_layer_that_is_too_narrow_is_named():
    few = solved_agents({"turns": 6, "hit_rate": 0.8, "tool_time": "2 s", "users": 50_000}, gb300_nvl72__sandboxes="20")
    assert few["agents"]["binds"] == "cpu" and few["utilisation"]["cpu"] > 0.99
    assert few["agents"]["requests_per_s"] <= 64 * 20 / (5 * 2.0) * (1 + 1e-9)
    more = solved_agents({"turns": 6, "tool_time": "2 s", "arrival_rate": 1e5})
    assert "are beyond the" in more["agents"]["reason"] and more["agents"]["requests_per_s"] == 0.0


def test_half_of_the_racks_at_work_bears_half_the_agents():
    asked = {"turns": 4, "hit_rate": 0.5, "users": 10**6}
    whole, half = (solved_agents(asked, gb300_nvl72__utilisation=u) for u in ("1", "0.5"))
    ratio = whole["agents"]["requests_per_s"] / half["agents"]["requests_per_s"]
    assert ratio == pytest.approx(2.0, rel=0.03)


def test_agents_without_tokens_say_why():
    found = summary(solved(**(AGENTS | {"serving__agents": {"users": 10}, "serving__interactivity": "900"})), None)
    assert found["agents"]["reason"] == "gb300: no tokens at 900 tokens/s/user: beyond the front"
    assert found["agents"]["requests_per_s"] == 0 and found["tokens_per_s"] == 0


@pytest.mark.parametrize(
    ("agents", "more", "words"),
    [
        ({"users": 10, "arrival_rate": 3}, {}, "give either users or arrival_rate"),
        ({"users": 10, "tool_time": 2}, {}, "2 needs a unit"),
        ({"users": 10}, {"serving__mode": "table"}, "write `mode: physics`"),
        ({"users": 0}, {}, "users"),
    ],
)
def test_agents_that_cannot_be_are_told(agents, more, words):
    with pytest.raises(twin.LayoutError, match=words):
        summary(solved(**(AGENTS | {"serving__agents": agents} | more)), None)


def test_figures_of_the_same_hall_agree_between_scenarios_and_layouts():
    given = solved(serving__power="measured", site__dry_bulb="35 degC")
    batch = solved(scenarios={"site.dry_bulb": [308.15, 300.0]}, serving__power="measured")
    assert figures(batch.solution).tokens_per_s[0] == pytest.approx(given.figures.tokens_per_s[0], rel=1e-12)
