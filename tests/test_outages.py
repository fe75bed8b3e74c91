"""What happens when power, air or coolant is taken away: nothing works for free and nothing is hidden."""

import numpy as np
import pytest

import twin
from twin import columns
from twin.elements import Status
from twin.results.limits import margins


def solve(text, scenarios=None, **overrides):
    return twin.solve(twin.load(text, overrides={k.replace("__", "."): v for k, v in overrides.items()}), scenarios)


def exceeded(result, name, scenario=0, aims=False):
    m = margins(result.solution, aims)
    return bool((m.relative[m.name == name, scenario] < 0).any())


def test_a_dark_site_draws_nothing(small):
    result = solve(small, {"utility.in_service": np.array([1.0, 0.0])})
    power = result["utility_power"].values[0]
    assert power[0] > 1e5 and abs(power[1]) < 1e-6
    assert result["rack_power"].values[:, 1].max() == 0
    assert exceeded(result, "power_feed", 1) and not exceeded(result, "power_feed", 0)


@pytest.mark.parametrize("unit", ["pump", "cdu", "chiller", "chw_pump", "fan"])
def test_cooling_without_power_does_not_cool(small, unit):
    text = small.replace(f"[power, board.out, {unit}.feed]", f"[power, own.out, {unit}.feed]")
    text = text.replace(
        "  tank: {type: expansion_tank, fluid: pg25}",
        "  own: {type: pdu, rating: 1 MW, in_service: false}\n  tank: {type: expansion_tank, fluid: pg25}",
    ).replace("  - [power, tx.out, board.in]", "  - [power, tx.out, board.in]\n  - [power, board.out, own.in]")
    result = solve(text)
    assert exceeded(result, "power_feed", aims=True) and not exceeded(result, "power_feed")
    hot = result.solution[columns.node.temperature].max() > 273.15 + 100
    assert result.solution.status[0] != Status.OK or hot or exceeded(result, "rack_air_inlet")
    lit = solve(text, own__in_service=True)
    assert lit.ok and not exceeded(lit, "power_feed", aims=True)


def test_a_standby_cord_takes_over(small):
    text = small.replace("cords: 1, at:", "cords: 2, shares: [1, 0], at:").replace(
        "  bus: {type: busway, ampacity: 3 kA, room: hall}",
        "  bus: {type: busway, ampacity: 3 kA, room: hall}\n  spare: {type: busway, ampacity: 3 kA, room: hall}",
    )
    text = text.replace(
        '      - [power, bus.out, "r{r}.feed"]',
        '      - [power, bus.out, "r{r}.feed"]\n      - [power, spare.out, "r{r}.feed"]',
    ).replace("  - [power, ups.out, bus.in]", "  - [power, ups.out, bus.in]\n  - [power, ups.out, spare.in]")
    result = solve(text, {"bus.in_service": np.array([1.0, 0.0])})
    names = list(result.dataset["busway"].values)
    power = result["busway_power"].values[[names.index("bus"), names.index("spare")]]
    assert power[0, 0] > 0 and abs(power[1, 0]) < 1.0
    assert power[1, 1] == pytest.approx(power[0, 0], rel=1e-3)
    assert not exceeded(result, "power_feed", 1)


def test_coolant_that_runs_backwards_is_told(small):
    text = small.replace('"r{r}.supply"]', '"r{r}.X"]').replace('"r{r}.return"]', '"r{r}.supply"]')
    result = solve(text.replace('"r{r}.X"]', '"r{r}.return"]'))
    right = solve(small)
    assert exceeded(result, "rack_flow") and not exceeded(right, "rack_flow")
    np.testing.assert_allclose(
        result["rack_junction_temperature"].values, right["rack_junction_temperature"].values, atol=0.05
    )


def test_a_rack_without_coolant_overheats_in_the_open(small):
    result = solve(small, r1__flow_limiter="0.000001 L/s")
    hot = result["rack_worst_junction_temperature"].sel(rack="r1").item()
    assert 400 < hot < 1000 or result["rack_clock"].sel(rack="r1").item() < 0.9
    assert exceeded(result, "junction_temperature")


def test_warm_air_goes_round_a_dry_cooler(small):
    result = solve(small, site__dry_bulb="50 degC", rack__utilisation="0.05")
    assert result["dry_cooler_duty"].values[0, 0] >= -1.0
    assert result["dry_cooler_power"].values[0, 0] == 0


def test_a_generator_beside_the_grid_does_not_take_its_load(small):
    text = small.replace(
        "  tank: {type: expansion_tank, fluid: pg25}",
        "  gen: {type: generator, rating: 100 kW, in_service: true}\n  tank: {type: expansion_tank, fluid: pg25}",
    )
    text = text.replace(
        "  - [power, tx.out, board.in]", "  - [power, tx.out, board.in]\n  - [power, gen.out, board.in]"
    )
    alone = solve(text, {"gen.in_service": np.array([0.0, 1.0]), "utility.in_service": np.array([1.0, 0.0])})
    assert alone["generator_power"].values[0, 0] == pytest.approx(0.0, abs=1.0)
    assert alone["generator_power"].values[0, 1] > 1e5
    assert exceeded(alone, "generator_rating", 1)


def test_power_that_is_missing_in_the_heat_fails_the_scenario(small, monkeypatch):
    from twin.solver import steady as coupling

    monkeypatch.setattr(coupling, "_audit", lambda plant, solved: np.full(solved[columns.source.power].shape[1], 1e-3))
    result = solve(small)
    assert result.solution.status[0] == Status.UNBALANCED
    assert np.isnan(result.figures.pue[0])
