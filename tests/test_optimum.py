"""Least cost per token within all limits, and what a token costs besides money."""

from dataclasses import replace

import numpy as np
import pytest

import twin
from twin.facility.files import LayoutError
from twin.results.figures import figures
from twin.results.limits import exceeded, margins
from twin.study import optimum


def test_it_is_as_cheap_as_the_best_of_a_grid():
    """Coolant and air temperatures of the hall on a hot day, against 21 x 21 what-ifs; prices make cooling count."""
    day = {"site.dry_bulb": "35 degC", "economics.electricity": "0.5 $/kWh"}
    ranges = {"supply_temperature": (298.15, 318.15), "fan_wall.set_point": (290.15, 303.15)}
    found = twin.optimum("gb300_hall", ranges, overrides=day)
    a, b = (x.ravel() for x in np.meshgrid(*(np.linspace(*r, 21) for r in ranges.values())))
    grid = twin.solve("gb300_hall", {"cdu.set_point": a, "fan_wall.set_point": b}, overrides=day)
    good = (grid.solution.status == 0) & ~exceeded(margins(grid.solution))
    cost = np.where(good, figures(grid.solution).usd_per_million_tokens, np.inf)
    assert np.isfinite(cost.min()) and cost[np.isfinite(cost)].max() > 1.0005 * cost.min()
    assert found.usd_per_million_tokens <= cost.min() * (1.0 + 1e-5)
    assert found.tightest.relative >= -1e-7
    again = {
        "cdu.set_point": [found.values["supply_temperature"]],
        "fan_wall.set_point": [found.values[list(ranges)[1]]],
    }
    same = twin.solve("gb300_hall", again, overrides=day)
    assert figures(same.solution).usd_per_million_tokens[0] == pytest.approx(found.usd_per_million_tokens, rel=1e-9)


def test_it_is_no_dearer_than_the_densest_point():
    found = twin.optimum("gb300_hall", ["rack_density", "power_cap"])
    assert found.gain > -1e-6
    assert 0.2 < found.distance <= 1.6
    assert found.densest.limit.name == "utility_contract"
    assert found.values["rack_density"] == found.density
    assert found.tried > 300


def test_a_point_is_solved_once_and_counted_each_time(monkeypatch):
    """The layout's own point, the densest and the best of the round before are in every round."""
    solved, steady = [], optimum.steady
    monkeypatch.setattr(optimum, "steady", lambda plant: solved.append(plant.scenarios) or steady(plant))
    found = twin.optimum("gb300_hall", {"fan_wall.set_point": (290.15, 303.15)})
    assert found.tried == optimum.ROUNDS * (optimum.POINTS + 3)
    assert solved[1] <= optimum.POINTS + 2  # the first is the layout's own, before any round
    assert max(solved[2:-1]) <= optimum.POINTS and solved[-1] == 1


def test_what_is_varied_is_one_address_where_that_means_just_it():
    hall = twin.load("gb300_hall")
    assert optimum._addresses(hall, "power_cap") == ["rack.power_cap"]
    assert optimum._addresses(hall, "supply_temperature") == ["cdu.set_point"]
    renamed = replace(hall, components={"cdu" if n == "cdu1" else n: p for n, p in hall.components.items()})
    addresses = optimum._addresses(replace(renamed, models={"cdu": "cdu"} | dict(hall.models)), "supply_temperature")
    assert "cdu.set_point" in addresses and len(addresses) == hall.count()["cdu"]


def test_where_no_point_keeps_the_limits_it_says_so():
    found = twin.optimum("gb300_hall", {"fan_wall.set_point": (325.0, 330.0)})
    assert found.reason == "no point keeps every limit"
    assert np.isinf(found.usd_per_million_tokens)
    assert found.tightest is None


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (["rack_densty"], "'rack_densty' has no range of its own.*did you mean 'rack_density'"),
        (["cdu.set_point"], r"'cdu.set_point' has no range of its own; give \(low, high\)"),
        ({"clock": (1.0, 0.5)}, "'clock'.*give a range that rises"),
        ({"cdu.set_pont": (290.0, 310.0)}, "did you mean 'set_point'"),
        ({"rack.platform": (0.0, 1.0)}, "platform"),
        ({"site.dry_blub": (290.0, 310.0)}, "dry_blub"),
        ({}, "give at least one variable"),
    ],
)
def test_what_cannot_be_varied_is_told(over, words):
    with pytest.raises(LayoutError, match=words):
        twin.optimum("gb300_hall", over)


def test_carbon_and_water_follow_what_is_drawn():
    """A megawatt-hour at 56 g/kWh is 56 kg; a token has its share of it."""
    from twin.show.summary import summary

    found = twin.solve("h200_hall", overrides={"economics.carbon": "56 g/kWh"})
    told = summary(found, None)
    assert told["carbon_t_per_year"] == pytest.approx(told["facility_power_mw"] * 8766 * 56e-3, rel=1e-9)
    per_second = told["facility_power_mw"] * 1e6 * 56 / 3.6e6
    assert told["carbon_g_per_million_tokens"] == pytest.approx(1e6 * per_second / told["tokens_per_s"], rel=1e-9)
    assert told["tokens_per_joule"] == pytest.approx(told["tokens_per_s"] / told["facility_power_mw"] / 1e6)
    assert told["utilisation"]["energy"] == pytest.approx(told["facility_power_mw"] / 8.0, rel=1e-6)
    assert told["utilisation"]["cooling"] == pytest.approx(0.8250, abs=1e-3)  # of its fullest coils
    assert told["utilisation"]["compute"] == 1.0
    litres = told["water_m3_per_day"] * 1e3 / 86400
    assert told["water_l_per_million_tokens"] == pytest.approx(1e6 * litres / told["tokens_per_s"])


def test_physics_gives_first_tokens_and_says_why_there_are_none():
    from twin.show.summary import summary

    def told(overrides):
        """The figures and warnings of the hall, but that its chillers are warmer than their law was measured."""
        found = summary(twin.solve("h200_hall", overrides=overrides), None)
        return found | {"warnings": [text for text in found["warnings"] if "law was measured" not in text]}

    physics = {"serving.mode": "physics", "serving.interactivity": 60}
    found = told(physics)
    assert 0.1 < found["ttft_s"] < 0.5
    assert found["tpot_ms"] == pytest.approx(1e3 / 60)
    assert "physics" in found["serving"] and not found["warnings"]
    slow = told(physics | {"rack.clock": 0.7})
    assert 0 < slow["tokens_per_s"] < found["tokens_per_s"]
    edge = physics | {"serving.interactivity": 160.3, "rack.clock": 0.6}
    late = told(edge)
    assert late["tokens_per_s"] == 0.0
    assert late["warnings"] == ["h200: no tokens at 160.3 tokens/s/user: beyond the front at their clock"]
    none = told(physics | {"serving.interactivity": 400})
    assert none["tokens_per_s"] == 0.0
    assert none["tpot_ms"] is None
    assert none["warnings"] == ["h200: no tokens at 400 tokens/s/user: beyond the front"]


def test_what_a_megawatt_a_kelvin_and_a_percent_are_worth():
    """Where the contract binds one more megawatt earns more than the mean one, as the building is there already."""
    found = twin.worth("gb300_hall", 0.5)
    assert found.megawatt > found.margin_per_mw > 0
    base = twin.solve("gb300_hall").figures
    revenue = base.tokens_per_s[0] * 365.25 * 86400 / 1e6 * 0.5
    rest = twin.solve("gb300_hall", overrides={"rack.utilisation": "0 %"}).figures
    used = sum(getattr(base.annual, n)[0] - getattr(rest.annual, n)[0] for n in ("energy", "water"))
    assert found.availability == pytest.approx(0.01 * (revenue - used), rel=1e-6)
    assert abs(found.kelvin) < 0.01 * revenue
    cheap = twin.worth("gb300_hall", 0.05)
    assert cheap.margin < 0 < found.margin
    assert cheap.million_tokens_per_mw_year == pytest.approx(found.million_tokens_per_mw_year)


def test_a_contract_that_does_not_bind_is_worth_nothing():
    assert twin.worth("h200_hall", 5.0).megawatt == pytest.approx(0.0, abs=1.0)
    with pytest.raises(LayoutError, match="worth: its racks serve no tokens"):
        twin.worth("h200_hall", 5.0, overrides={"serving.interactivity": 400})
