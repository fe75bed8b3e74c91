"""Laws of the sustainable density: it is a bound, it names what binds, and it does not depend on how it was found."""

from itertools import pairwise

import numpy as np
import pytest

import twin
from twin import columns
from twin.elements import Status
from twin.plant.compile import compile
from twin.results.limits import exceeded, margins
from twin.solver.steady import steady
from twin.study.bound import bound as find
from twin.study.bound import rescale, scaled_rows

# Hall, address of the racks that the bound scales.
HALLS = [("small", "liquid_rack"), ("dps_demo", "rack"), ("dsx_row", "rack"), ("gb300_hall", "liquid_rack")]
FIELD = {"chips": "chip_scale", "chip_power": "power_scale"}


@pytest.fixture
def untrimmed(small):
    """The small facility with a dry cooler alone: warm weather reaches the chips."""
    text = "\n".join(line for line in small.splitlines() if "trim" not in line)
    return text.replace("main.out, cooler.in]", "main.out, cooler.in]\n  - [coolant, cooler.out, cdu.fws_supply]")


def layout(hall, small):
    return small if hall == "small" else hall


def solve(text, scenarios=None, **overrides):
    return twin.solve(twin.load(text, overrides=named(overrides)), scenarios)


def bound(text, scale="chips", **overrides):
    return twin.bound(twin.load(text, overrides=named(overrides)), scale=scale)[0]


def named(overrides):
    return {k.replace("__", "."): v for k, v in overrides.items()}


def margin(result, limit, scenario=0):
    m = result.margins
    rows = (m.name == limit.name) & (m.element == limit.element)
    return m.margin[rows, scenario].min()


@pytest.mark.parametrize("scale", FIELD)
@pytest.mark.parametrize(("hall", "racks"), HALLS)
def test_one_percent_more_passes_the_named_limit_and_a_little_less_keeps_all(hall, racks, scale, small):
    found = bound(layout(hall, small), scale)
    assert found.limit is not None
    assert found.reason == ""
    factors = found.scale * np.array([0.999, 1.01])
    result = solve(layout(hall, small), {f"{racks}.{FIELD[scale]}": factors})
    assert result.ok
    assert exceeded(result.margins).tolist() == [False, True]
    assert margin(result, found.limit, 0) > 0 > margin(result, found.limit, 1)


@pytest.mark.parametrize("scale", FIELD)
@pytest.mark.parametrize(("hall", "racks"), HALLS)
def test_at_the_bound_nothing_is_exceeded_and_the_limit_is_met(hall, racks, scale, small):
    found = bound(layout(hall, small), scale)
    assert min(b.relative for b in found.table) >= -1e-7
    assert found.limit.relative == pytest.approx(0.0, abs=1e-5)
    power = found.solution[columns.engine.power][:, 0]
    chips = found.solution[columns.engine.chips][:, 0] > 0
    assert found.density == pytest.approx(power[chips].mean(), rel=1e-9)


@pytest.mark.parametrize("scale", FIELD)
def test_the_bound_does_not_depend_on_the_density_of_the_layout(small, scale):
    found = [bound(small, scale, **{f"rack__{FIELD[scale]}": str(start)}) for start in (0.3, 1.0, 1.7)]
    for other in found[1:]:
        assert other.limit.name == found[0].limit.name
        assert other.density == pytest.approx(found[0].density, rel=5e-6)


@pytest.mark.parametrize("symmetry", [True, False])
def test_bounds_of_a_batch_are_those_of_its_scenarios_alone(small, symmetry):
    """Each has a bracket of its own; some lose a loop, some bear nothing, and one cannot be."""
    facility = twin.load(small)
    given = {
        "site.dry_bulb": [250.0, 290.0, np.nan, 305.0, 312.0, 300.0],
        "site.relative_humidity": [0.3] * 6,
        "cdu.in_service": [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        "cdu.set_point": [313.15, 313.15, 313.15, 319.15, 313.15, 313.15],
    }
    found = twin.solve(facility, given, outputs=["bound"], symmetry=symmetry)
    whole = twin.solve(facility, given, bound=True, symmetry=symmetry)
    for i in range(6):
        for name in ("density_scale", "sustainable_density", "binding_limit", "binding_element"):
            np.testing.assert_array_equal(whole[name].values[i], found[name].values[i])
        if i == 2:
            assert np.isnan(found["density_scale"][i]) and found["binding_limit"].values[i] == ""
            continue
        alone = twin.bound(twin.solve(facility, {a: v[i : i + 1] for a, v in given.items()}, symmetry=symmetry))[0]
        assert found["density_scale"].values[i] == alone.scale or alone.solution.status[0] != Status.OK
        assert found["binding_limit"].values[i] == (alone.limit.name if alone.limit else "")
        assert found["binding_element"].values[i] == (alone.limit.element if alone.limit else "")
    scales = found["density_scale"].values
    assert scales[0] > 1.0 and scales[3] == 0.0 and np.isnan(scales[5])


def test_racks_that_differ_have_bounds_of_their_own_beside_two_tanks_in_one_loop(small):
    """One of the tanks is the reference of the loop: a class of its own, whatever rack is bounded."""
    spare = "  spare: {type: expansion_tank, fluid: pg25}\n  trim:"
    text = small.replace("  trim:", spare) + "  - [coolant, spare.port, main.out]\n"
    facility = twin.load(text, overrides={"r7.chip_scale": "0.6", "r8.chip_scale": "0.8"})
    scale = {b.racks: b.scale for b in twin.bound(facility, per="rack")}
    assert 0.6 * scale["r7"] == pytest.approx(0.8 * scale["r8"], rel=0.02)
    plant = compile(facility)
    for name in ("r6", "r7", "r8"):
        assert scale[name] == pytest.approx(find(plant, rows=np.array(plant.engine.names) == name).scale, rel=2e-6)


def test_racks_that_are_alike_have_one_bound_and_their_own_names():
    hall = twin.load("gb300_hall")
    found = {b.racks: b for b in twin.bound(hall, per="rack")}
    assert len(found) == 65
    for name in ("r101", "r306", "r808"):
        assert found[name].limit.element == name
        plant = compile(hall)
        alone = find(plant, rows=np.array(plant.engine.names) == name)
        assert found[name].scale == pytest.approx(alone.scale, rel=2e-6)
        assert (found[name].limit.name, found[name].limit.element) == (alone.limit.name, alone.limit.element)
        assert [b.name for b in found[name].table] == [b.name for b in alone.table]
    kinds = {(b.scale, b.limit.name) for b in found.values()}
    assert len(kinds) < 5


WEATHER = (15.0, 24.0, 33.0, 38.0, 42.0, 45.0)
STRICT, LOOSE = 5e-6, 1e-3


# Air in a room is given the density of the air outside, so rack fans work a little less on a hot day: 1e-4 per 3 K.
def in_weather(text, scale):
    found = [bound(text, scale, site__dry_bulb=f"{t} degC", site__dew_point="0 degC") for t in WEATHER]
    for t, f in zip(WEATHER, found, strict=True):
        print(f"{t:5.0f} degC  {f.scale:.6f}  {f.limit.name if f.limit else f.reason}")
    return np.array([f.scale for f in found])


@pytest.mark.parametrize(
    ("scale", "tolerance"),
    [("chips", LOOSE), ("chip_power", STRICT), ("chips", STRICT)],
)
def test_warmer_weather_never_raises_the_bound_of_a_dry_cooler(untrimmed, scale, tolerance):
    scales = in_weather(untrimmed, scale)
    assert (np.diff(scales) <= tolerance * scales[:-1]).all()
    assert scales[-1] < 0.9 * scales[0]


@pytest.mark.parametrize(
    ("scale", "tolerance"),
    [("chips", LOOSE), ("chip_power", STRICT), ("chips", STRICT)],
)
def test_warmer_weather_never_raises_the_bound_of_a_loop_trimmed_by_chillers(small, scale, tolerance):
    scales = in_weather(small.replace("flow: 60 kg/s}", "flow: 60 kg/s, capacity: 400 kW}"), scale)
    assert (np.diff(scales) <= tolerance * scales[:-1]).all()
    assert scales[-2] < 0.95 * scales[0]


# From hot coolant the CDU's valve opens fully, the flow swamps the chiller, and the water stays hot: a second answer.
def test_hot_weather_is_judged_alike_whatever_weather_came_before(small):
    def plant(weather):
        address = {"trim.capacity": "400 kW", "site.dry_bulb": f"{weather} degC", "site.dew_point": "0 degC"}
        return compile(twin.load(small, overrides=address | {"rack.power_scale": "0.2"}))

    before, hot = steady(plant(42)), plant(44)
    alone, after = steady(hot), steady(hot, before)
    assert exceeded(margins(alone))[0] == exceeded(margins(after))[0]


@pytest.mark.parametrize(
    ("address", "values"), [("utility.contract", [0.8, 1.2, 2.0, 4.0]), ("ups.rating", [0.9, 1.3, 1.6, 3.0])]
)
def test_a_higher_rating_never_lowers_the_bound(small, address, values):
    scales = [bound(small, **{address.replace(".", "__"): f"{v} MW"}).scale for v in values]
    assert (np.diff(scales) >= -1e-3).all()  # a larger idle converter loses a little more
    assert scales[-1] > scales[0]


# With very few chips the loop does not settle, and then the reason speaks of the solver.
@pytest.mark.parametrize(("scale", "supply"), [("chips", 46), ("chip_power", 50), ("chips", 50)])
def test_a_limit_passed_at_every_density_gives_nothing_and_says_why(small, scale, supply):
    facility_water = f"{supply - 3} degC"
    found = bound(
        small,
        scale,
        cdu__set_point=f"{supply} degC",
        cooler__set_point=facility_water,
        trim__set_point=facility_water,
    )
    assert found.scale == 0.0
    assert found.density == 0.0
    assert found.limit is not None
    assert found.reason == "coolant_supply at r1 is exceeded at every density"


def test_a_rack_without_a_feed_leaves_no_bound(small):
    found = bound(small, bus__in_service=False)
    assert found.scale == 0.0
    assert "power_feed" in found.reason


def test_no_limit_no_bound():
    found = bound("dps_demo", utility__contract="1 GW", board__rating="1 GW", pdu__rating="1 GW")
    assert found.limit is None
    assert found.reason == "nothing binds"
    assert found.scale >= 20


def test_ignored_limits_do_not_bind(small):
    plain = bound(small)
    freed = bound(small.replace("components:", f"limits: {{ignore: [{plain.limit.name}]}}\ncomponents:", 1))
    assert freed.scale > plain.scale
    assert freed.limit.name != plain.limit.name


def test_each_class_alone_may_be_at_least_as_dense(small):
    mixed = small + "cases: {mixed: {r7.model: gb200_nvl72, r8.model: gb200_nvl72}}\n"
    found = twin.bound(mixed, case="mixed", per="class")
    assert [f.racks for f in found] == ["all", "gb200_nvl72", "gb300_nvl72"]
    assert found[0].scale > 1.0
    for one in found[1:]:
        assert one.scale >= found[0].scale * (1 - 1e-6)
    for one, racks in ((found[1], ("r7", "r8")), (found[2], [f"r{i}" for i in range(1, 7)])):
        factors = one.scale * np.array([0.999, 1.01])
        result = twin.solve(twin.load(mixed, case="mixed"), {f"{r}.chip_scale": factors for r in racks})
        assert exceeded(result.margins).tolist() == [False, True]
        assert margin(result, one.limit, 1) < 0


def test_a_bound_is_found_for_one_scenario(small):
    with pytest.raises(twin.LayoutError, match="one scenario"):
        twin.bound(solve(small, {"site.dry_bulb": np.array([300.0, 310.0])}))


def test_coolant_that_would_freeze_is_a_limit_exceeded(small):
    text = small.replace("fluid: pg25}", "fluid: water}").replace("site: {dry_bulb: 30 degC, wet_bulb: 20 degC}", "")
    text = text.replace("fan_power: 117 kW, set_point: 36 degC", "fan_power: 117 kW")
    result = solve(text, site__dry_bulb="-30 degC", site__relative_humidity="50 %", rack__utilisation="0.1")
    frozen = [b for b in result.worst() if b.name == "coolant_freezing"]
    assert frozen and frozen[0].margin < 0


def test_peaks_beyond_what_the_network_carries_exceed_the_limits(small):
    text = small.replace("ampacity: 3 kA, room: hall", "ampacity: 30 kA, length: 350 m, room: hall")
    text = text.replace("rating: 1.6 MW", "rating: 9 MW") + "limits: {ignore: [voltage]}\n"
    result = solve(text, {"liquid_rack.peak_factor": [1.0, 3.0]})
    assert result.ok
    assert list(np.isinf(result.solution[columns.line.peak]).any(axis=0)) == [False, True]
    assert list(exceeded(result.margins)) == [False, True]


@pytest.mark.parametrize(
    ("hall", "changes"),
    [
        ("frontier", {"site.wet_bulb": "18 degC"}),
        ("frontier", {"site.dry_bulb": "35 degC", "site.wet_bulb": "25 degC"}),
        ("gb300_hall", {"site.dry_bulb": "50 degC"}),
        ("gb300_hall", {"chillers.units": "1"}),
        ("h200_hall", {"chillers.units": "1"}),
    ],
)
def test_a_hundredth_more_violates_the_limit_that_is_named(hall, changes):
    plant = compile(twin.load(hall, overrides=changes))
    found = find(plant)
    assert found.limit is not None and found.limit.name != "solver"
    m = margins(steady(rescale(plant, 1.01 * found.scale, scaled_rows(plant), "chips")))
    rows = (m.name == found.limit.name) & (m.element == found.limit.element)
    lost = m.margin[m.name == "overheated", 0]  # racks that trip take the load with them
    assert m.margin[rows, 0].min() < 0 or lost.min() < 0


def test_warmer_weather_never_raises_the_bound_of_the_towers():
    scales = [
        twin.bound("frontier", overrides={"site.dry_bulb": "35 degC", "site.wet_bulb": f"{t} degC"})[0].scale
        for t in (16, 20, 23, 24, 25, 26)
    ]
    assert all(b <= a * (1 + 1e-5) for a, b in pairwise(scales)), scales


def test_an_unknown_basis_is_refused(small):
    with pytest.raises(ValueError, match="'chipz' is none of chips, chip_power"):
        twin.bound(twin.load(small), scale="chipz")
