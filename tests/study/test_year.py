"""A year of weather: its sums against the hours, by hand, and what cannot be a year."""

from dataclasses import replace

import numpy as np
import pytest
from cases.weather import synthetic
from conftest import SMALL

import twin
from twin.study.year import DESIGN, loads, profile


@pytest.fixture(scope="module")
def weather():
    return twin.weather("synthetic_temperate")


@pytest.fixture(scope="module")
def plain(weather):
    return twin.year(SMALL, weather)


@pytest.fixture(scope="module")
def solved(weather):
    outputs = ["figures", "limits"]
    return twin.solve(SMALL, weather.scenarios(), outputs=outputs)


def test_shipped_years_are_what_their_formula_says():
    for name in synthetic.CLIMATES:
        assert (synthetic.FOLDER / f"{name}.epw.gz").read_bytes() == synthetic.packed(name)
        air = twin.weather(name).dry_bulb - 273.15
        assert len(air) == 8760 and abs(air.mean() - synthetic.CLIMATES[name]["mean"]) < 1.5
        assert twin.weather(name).location.source.startswith("synthetic")


def test_sums_are_those_of_the_hours(plain, solved):
    hour = 3600.0
    energy, it = (float(solved[n].sum()) * hour for n in ("facility_power", "it_power"))
    assert plain.energy == pytest.approx(energy, rel=1e-12) and plain.it_energy == pytest.approx(it, rel=1e-12)
    assert plain.pue == pytest.approx(energy / it, rel=1e-12)
    assert plain.tokens == pytest.approx(float(solved["tokens_per_s"].sum()) * hour, rel=1e-12)
    assert plain.cue == pytest.approx(float(solved["carbon"].sum()) * hour / it, rel=1e-12)
    assert plain.peak[0] == float(solved["facility_power"].max())
    assert plain.peak[1] == solved["scenario"].values[int(solved["facility_power"].values.argmax())]
    assert plain.failed == 0 and plain.notes == ()
    beyond = float(plain.hours["limit_exceeded"].sum())
    assert beyond == float(solved["limit_exceeded"].sum())


def test_pue_of_the_year_is_no_mean_of_hourly_ratios(weather):
    share = np.where(np.arange(8760) < 4380, 0.2, 1.0)
    found = twin.year(SMALL, weather, load=share)
    energy, it = (float(found.hours[n].sum()) for n in ("facility_power", "it_power"))
    assert found.pue == pytest.approx(energy / it, rel=1e-12)
    assert float(found.hours["pue"].mean()) > found.pue + 0.003


def test_end_uses_are_the_meter(plain):
    assert sum(plain.end_uses.values()) == pytest.approx(plain.energy, rel=1e-9)
    everything = plain.partial_pue(*(u for u in plain.end_uses if u != "it"))
    assert everything == pytest.approx(plain.pue, rel=1e-9)
    assert plain.partial_pue() == 1.0
    assert 1.0 + plain.mechanical_load + plain.end_uses["electrical_loss"] / plain.it_energy + plain.end_uses[
        "house"
    ] / plain.it_energy == pytest.approx(plain.pue, rel=1e-9)
    loss = plain.end_uses["electrical_loss"]
    assert plain.electrical_loss == pytest.approx(loss / (loss + plain.it_energy))


def test_tue_counts_what_is_lost_inside_racks(plain, solved):
    """Shelves and board converters are the figure `conversion_loss`; fans follow the cube of their speed by hand."""
    facility = twin.load(SMALL)
    rack = next(p for p in facility.components.values() if getattr(p, "accelerators", 0))
    solution = twin.solve(SMALL, {"site.dry_bulb": [283.15]})
    speed = solution["rack_air_flow"].values / (rack.air_flow * 1.2)
    assert 0.0 < speed.mean() < 1.2 and rack.fan_power > 0
    inside = float(solved["conversion_loss"].sum()) * 3600.0
    fans = plain.sum("rack_overhead") - inside
    at_most = 8 * rack.fan_power * 8760 * 3600.0
    assert 0.0 < fans < 1.1 * at_most
    assert plain.itue == pytest.approx(plain.it_energy / (plain.it_energy - plain.sum("rack_overhead")))
    assert plain.tue == pytest.approx(plain.pue * plain.itue)


def test_inputs_are_none_unless_given(plain, weather):
    assert plain.erf == plain.ref == 0.0 and np.isnan(plain.wue_source)
    found = twin.year(SMALL, weather, heat_used=100e3, renewable=0.25, source_water=2.0 / 3.6e6)
    assert found.erf == pytest.approx(100e3 * 8760 * 3600 / found.energy)
    assert found.ref == pytest.approx(0.25)
    assert found.wue_source == pytest.approx(found.wue + 2.0 / 3.6e6 * found.pue)


def test_cost_is_that_of_hours_at_one_price(plain, solved):
    mean = float(solved["usd_per_million_tokens"].mean())
    assert plain.usd_per_million_tokens == pytest.approx(mean, rel=0.01)
    energy = plain.energy * twin.load(SMALL).economics.electricity
    assert float(plain.annual.energy) == pytest.approx(energy * 365.25 / 365, rel=2e-3)


def grid(tmp_path, kind, values):
    title = {"carbon": "g/kWh", "price": "$/MWh"}[kind]
    times = np.arange(np.datetime64("2023-01-01", "h"), np.datetime64("2024-01-01", "h"))
    path = tmp_path / f"{kind}.csv"
    path.write_text("\n".join([f"Datetime (UTC),{title}", *(f"{t},{v}" for t, v in zip(times, values, strict=True))]))
    return path


def test_carbon_and_price_are_taken_hour_by_hour(plain, weather, tmp_path):
    hour = np.arange(8760) % 24
    price = np.where(hour < 12, -10.0, 90.0)
    found = twin.year(
        SMALL, weather, price=grid(tmp_path, "price", price), carbon=grid(tmp_path, "carbon", 100.0 + hour)
    )
    power = plain.hours["facility_power"].values
    spent = float((power * price).sum()) * 3600.0 / 3.6e9
    assert found.sum("energy_cost") == pytest.approx(spent, rel=1e-9)
    assert found.sum("carbon") == pytest.approx(float((power * (100.0 + hour)).sum()) * 3600.0 / 3.6e9, rel=1e-9)
    assert any("4380 hours have negative values" in note for note in found.notes)
    assert found.pue == plain.pue


def test_compressors_are_counted_apart_from_the_weather(plain, weather):
    hours = plain.economiser_hours
    assert sum(hours.values()) == 8760
    cold = replace(weather, dry_bulb=np.full(8760, 263.15), dew_point=np.full(8760, 260.15))
    machine = "chiller: {type: air_chiller, set_point: 10 degC, flow: 20 kg/s}"
    without = SMALL.replace(machine, machine.replace("air_chiller", "dry_cooler"))
    assert twin.year(without, cold).economiser_hours == {"weather": 8760.0, "both": 0.0, "compressors": 0.0}
    share = plain.hours["compressor_share"].values
    duty = twin.solve(SMALL, weather.scenarios(), outputs=["chiller_duty", "facility_power"])
    expected = duty["chiller_duty"].sum("chiller") / duty["facility_power"]
    np.testing.assert_allclose(share, expected, rtol=1e-9)


def test_a_load_profile_by_hour_and_weekday(weather):
    week = {"weekday": [0.9] * 24, "saturday": [0.6] * 12 + [0.5] * 12, "sunday": [0.4] * 24}
    found = profile(week, weather).reshape(365, 24)
    assert weather.first_day == "Monday"
    assert (found[0] == 0.9).all() and (found[6] == 0.4).all() and found[5].tolist() == week["saturday"]
    assert (found[7 * 30] == 0.9).all()
    np.testing.assert_array_equal(profile(np.linspace(0, 1, 24), weather), np.tile(np.linspace(0, 1, 24), 365))
    table = np.arange(168).reshape(7, 24) / 168
    np.testing.assert_array_equal(profile(table, weather)[:168], table.ravel())
    np.testing.assert_array_equal(profile(np.linspace(0, 1, 8760), weather), np.linspace(0, 1, 8760))
    later = replace(weather, first_day="Sunday")
    assert (profile(week, later)[:24] == 0.4).all()


def test_load_is_a_share_of_what_the_layout_says(weather):
    text = SMALL.replace("cords: 1, at:", "cords: 1, utilisation: 0.8, at:")
    share = np.tile(np.linspace(0.5, 1.0, 24), 365)
    found = twin.year(text, weather, load=share)
    at = 100
    given = {"site.dry_bulb": [weather.dry_bulb[at]], "site.dew_point": [weather.dew_point[at]]}
    given |= {"site.pressure": [weather.pressure[at]], "rack.utilisation": [0.8 * share[at]]}
    assert found.hours["facility_power"].values[at] == twin.solve(text, given)["facility_power"].item()
    facility = twin.load(text)
    assert list(loads(facility, share)) == ["gb300_nvl72.utilisation"]
    assert loads(facility, np.ones(3)) == {}


def test_densities_are_those_of_the_hottest_hours():
    text, hot = "gb300_hall", twin.weather("synthetic_desert")
    found = twin.year(text, hot, bound=True)
    density = found.hours["sustainable_density"].values
    order = np.sort(density)
    assert [d.share for d in found.densities] == [0.0, 0.004, 0.01, 0.02]
    for d in found.densities:
        assert d.density == order[int(d.share * 8760)] and (density < d.density).sum() <= d.share * 8760
    worst = found.densities[0]
    at = int(np.flatnonzero(found.hours["time"].values == worst.time)[0])
    air = {"site.dry_bulb": hot.dry_bulb[at], "site.dew_point": hot.dew_point[at], "site.pressure": hot.pressure[at]}
    alone = twin.solve(text, {a: [v] for a, v in air.items()}, outputs=["bound"])
    assert alone["sustainable_density"].item() == worst.density
    assert alone["binding_limit"].item() == worst.limit
    assert worst.density < found.densities[3].density < order[-1]
    assert found.design == ()


def test_densities_at_design_conditions_of_the_header(weather):
    """The line of Leesburg, whose 0.4 % is 33.4 degC and whose hottest of twenty years 38.3 degC."""
    line = twin.weather(synthetic.FOLDER.parents[1] / "tests/cases/energyplus/leesburg.epw.gz")
    found = twin.year(SMALL, replace(weather, design_line=line.design_line), bound=True)
    titles = [f"{f} {n}" for f, names in DESIGN.items() for n in names]
    assert [d.condition for d in found.design] == titles
    for d, (f, n) in zip(found.design, [(f, n) for f, names in DESIGN.items() for n in names], strict=True):
        air = getattr(line.design[f], n)
        assert d.dry_bulb == air["site.dry_bulb"]
        alone = twin.solve(SMALL, {a: [v] for a, v in air.items()}, outputs=["bound"])
        assert d.density == alone["sustainable_density"].item()


def test_hours_in_which_nothing_is_served_are_in_the_sums(weather):
    text = SMALL + "serving: {availability: 0.9}\n"
    found, always = twin.year(text, weather), twin.year(SMALL, weather)
    assert found.it_energy < always.it_energy and found.tokens == pytest.approx(0.9 * always.tokens, rel=1e-9)
    assert sum(found.end_uses.values()) == pytest.approx(found.energy, rel=1e-9)
    one = twin.solve(text, {a: v[:1] for a, v in weather.scenarios().items() if a != "scenario"})
    assert found.hours["facility_power"].values[0] == pytest.approx(one["mean_power"].item(), rel=1e-12)


def test_an_hour_without_solution_counts_in_no_sum_and_is_told(weather):
    dew = weather.dew_point.copy()
    dew[7] = weather.dry_bulb[7] + 3.0
    found = twin.year(SMALL, replace(weather, dew_point=dew))
    assert found.failed == 1 and "1 hours without solution count in no sum; the first: hour 7" in found.notes[0]
    rest = np.delete(found.hours["facility_power"].values, 7)
    assert np.isfinite(rest).all() and found.energy == pytest.approx(float(rest.sum()) * 3600.0)


def test_a_weekly_load_without_a_first_day_is_told(weather):
    found = twin.year(SMALL, replace(weather, first_day=""), load={"weekday": [1.0] * 24, "weekend": [0.9] * 24})
    assert "taken to begin on a Monday" in found.notes[0]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"load": 2.0}, "load: give shares from 0 to 1"),
        ({"load": [0.5] * 100}, "load: 100 values; give one share, 24 by hour"),
        ({"load": {"weekday": [1.0] * 24}}, "nothing is said of Saturday"),
        ({"load": {"funday": [1.0] * 24}}, "'funday' is no day"),
        ({"heat_used": 1e12}, "heat_used"),
        ({"heat_used": [1.0] * 5}, "give one number, or 8,760"),
        ({"renewable": 1.5}, "renewable: give shares"),
        ({"source_water": -1e-6}, "source_water: give 0 or more"),
        ({"overrides": {"site.dry_bulb": "45 degC"}}, "site.dry_bulb: come from the weather"),
        ({"carbon": "no.csv"}, "carbon: no.csv: cannot be read"),
        ({"carbon": "no.csv", "accounting": "x"}, "none of direct, life_cycle"),
    ],
)
def test_bad_input_is_told(weather, given, says):
    with pytest.raises(twin.LayoutError) as told:
        twin.year(SMALL, weather, **given)
    assert says in str(told.value)


def test_half_a_year_is_no_year(weather):
    half = {n: getattr(weather, n)[:4380] for n in ("time", "dry_bulb", "dew_point", "wet_bulb", "pressure")}
    with pytest.raises(twin.LayoutError, match="4,380 records from 01-01 to 07-02; a year has 8,760"):
        twin.year(SMALL, replace(weather, **half))
    with pytest.raises(twin.LayoutError, match="cannot be read"):
        twin.year(SMALL, "nowhere.epw")


def test_price_for_carbon_is_refused(weather, tmp_path):
    series = twin.hourly(grid(tmp_path, "price", np.zeros(8760)), "price")
    with pytest.raises(twin.LayoutError, match="has the grid's price"):
        twin.year(SMALL, weather, carbon=series)
