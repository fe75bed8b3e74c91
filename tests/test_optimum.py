"""The operating point of least cost: no worse than any of a grid, within all limits, and told where it cannot be."""

import numpy as np
import pytest

import twin
from twin.figures import figures
from twin.layout import LayoutError
from twin.limits import exceeded, margins


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
    ],
)
def test_what_cannot_be_varied_is_told(over, words):
    with pytest.raises(LayoutError, match=words):
        twin.optimum("gb300_hall", over)
