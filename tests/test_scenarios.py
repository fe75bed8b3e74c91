"""Scenarios: faults have their place and leave the others alone, and tables of all kinds say the same."""

import subprocess
import sys
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import SMALL
from pydantic import Field

import twin
from twin.components import Component
from twin.elements import Status
from twin.facility.scenarios import read
from twin.plant.compile import compile
from twin.solver.steady import steady
from twin.units import Fraction, Power

HOURS = 12
DRY = 283.15 + 8 * np.sin(np.arange(HOURS) / 4)
BAD = 5
REST = np.arange(HOURS) != BAD

POWER = """
version: 1
name: power
site: {dry_bulb: 20 degC}
components:
  grid: {type: utility, voltage: 415 V}
  chips: {type: rack, nameplate: 30 kW, cords: 1, accelerators: 4, chip_power: 900 W}
  given: {type: rack, it_power: 20 kW, nameplate: 30 kW, cords: 1}
connections:
  - [power, grid.out, chips.feed]
  - [power, grid.out, given.feed]
"""


def with_bad(values, value):
    """The values with another in one place."""
    return [value if i == BAD else v for i, v in enumerate(values)]


@pytest.fixture(scope="module")
def hall():
    return twin.load(SMALL)


@pytest.fixture(scope="module")
def sound(hall):
    return twin.solve(hall, {"site.dry_bulb": DRY, "site.dew_point": DRY - 4})


# ---- one that cannot be ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (DRY[BAD] + 0.1, r"site: dew_point 17.69 degC is above dry_bulb 17.59 degC by 0.10 K; cut it at the dry bulb"),
        (373.05, r"site.dew_point: 99.9 degC is outside its bounds, at most 56.85 degC"),
        (np.nan, r"site.dew_point: nan is not a finite number"),
        (None, r"site.dew_point: None is not a number"),
        (17.0, r"site.dew_point: -256.1 degC is outside its bounds, at least -73.15 degC; numbers are in K"),
        ("17 dgC", r"site.dew_point: '17 dgC' has an unknown unit 'dgC'; temperature takes K"),
    ],
    ids=["above the dry bulb", "out of bounds", "missing", "nothing", "Celsius", "no unit"],
)  # fmt: skip
def test_a_scenario_that_cannot_be_is_invalid_and_leaves_its_neighbours_alone(hall, sound, value, told):
    result = twin.solve(hall, {"site.dry_bulb": DRY, "site.dew_point": with_bad(DRY - 4, value)})
    assert not result.ok
    assert list(np.flatnonzero(result["status"].values)) == [BAD] and result["status"][BAD] == Status.INVALID
    assert result["reason"].values[BAD].startswith(told) and (result["reason"].values[REST] == "").all()
    assert result.explain(BAD) == result["reason"].values[BAD]
    for name in result.dataset.data_vars:
        found, before = result[name], sound[name]
        if "scenario" in found.dims and found.dtype.kind == "f":
            assert np.isnan(found.isel(scenario=BAD)).all(), name
            np.testing.assert_array_equal(found.isel(scenario=REST), before.isel(scenario=REST), err_msg=name)
    assert result["limit_exceeded"].values[BAD] and not result["limit_exceeded"].values[REST].any()


def test_what_was_given_stays_with_the_results(hall):
    given = with_bad(DRY - 4, 373.05)
    result = twin.solve(hall, {"site.dry_bulb": DRY, "site.dew_point": given})
    np.testing.assert_array_equal(result["site.dew_point"], given)
    np.testing.assert_array_equal(result["site.dry_bulb"], DRY)


@pytest.mark.parametrize(
    ("address", "good", "bad", "told"),
    [
        ("site.relative_humidity", 0.5, 50.0, "site.relative_humidity: 5000 % is outside its bounds, at most 100 %"),
        ("site.elevation", 0.0, 6000.0, "site.elevation: 6 km is outside its bounds, at most 5 km"),
        ("site.pressure", 1e5, 8e4, "site: pressure 80 kPa is 79% of the standard atmosphere's at elevation 0 m; give"),
        ("rack.it_power", 1e5, -1.0, "rack.it_power: -1 W is outside its bounds, at least 0 kW"),
        ("cdu.conductance", 1e5, 1e100, "cdu.conductance: 1e+100 is out of reach; give 0 or a size from 1e-30 to"),
        ("pump.head", 1e5, 9e5, "pump pump: head: 900000 Pa is above the shut-off head 300000 Pa"),
        ("ups.in_service", 1, 2, "ups.in_service: 2: give 0 or 1"),
        ("pump.pumps", 2, 1.5, "pump.pumps: 1.5: give whole numbers"),
        ("cdu.set_point", 313.15, 40.0, "cdu.set_point: -233.1 degC is outside its bounds, at least"),
        ("serving.interactivity", 100.0, -1.0, "serving.interactivity: -1 is outside its bounds, above 0"),
        ("economics.discount_rate", 0.05, 0.9, "economics.discount_rate: 90 % is outside its bounds, at most 50 %"),
    ],
)
def test_every_bad_value_has_its_place_and_alone_is_refused(hall, address, good, bad, told):
    batch = read(hall, {address: [good, bad, good]})
    assert list(batch.invalid) == [1]
    assert batch.invalid[1].reason.startswith(told) and batch.invalid[1].values == {address: bad}
    for alone in (bad, [bad], [bad, bad]):
        with pytest.raises(twin.LayoutError) as error:
            read(hall, {address: alone})
        assert str(error.value).startswith("layout: " + told)


def test_where_none_can_be_all_are_refused_and_counted(hall):
    with pytest.raises(twin.LayoutError, match=r"site: dew_point .* by 4.00 K; .* \(scenario 0 and 11 more\)$"):
        compile(hall, {"site.dry_bulb": DRY, "site.dew_point": DRY + 4})


def test_an_address_that_means_nothing_refuses_the_batch(hall):
    with pytest.raises(twin.LayoutError, match="did you mean 'dew_point'"):
        compile(hall, {"site.dry_bulb": with_bad(DRY, np.nan), "site.dew_pont": DRY})


def test_every_one_of_many_values_is_checked(hall):
    """The shut-off head is 300 kPa."""
    heads = np.linspace(100e3, 250e3, 1500)
    heads[1400] = 301e3
    found = read(hall, {"pump[pump].head": heads})
    assert list(found.invalid) == [1400]
    assert "is above the shut-off head 300000 Pa" in found.invalid[1400].reason
    assert found.columns["head"]["pump"][1400] == heads[0], "a neighbour is solved in its place"
    assert np.array_equal(np.delete(found.columns["head"]["pump"], 1400), np.delete(heads, 1400))


class Demanding(Component):
    """Refuses high powers: at once, or only where it is asked for by another field."""

    watts: Power = Field(1e3, ge=0, description="drawn")
    highest: Power = Field(5e3, ge=0, description="that it may draw")
    strict: Fraction = Field(0.0, ge=0, le=1, description="above 0 the highest holds")
    seen: ClassVar[list[tuple[float, float]]] = []

    def check(self, name):
        if self.strict > 0:
            self.seen.append((self.strict, self.watts))
            return [f"{name}: watts: {self.watts:g} is too much"] if self.watts > self.highest else []
        return super().check(name)


class Wholesale(Demanding):
    """The same, by a mapping of all of its fields."""

    def check(self, name):
        own = vars(self)
        return [f"{name}: watts: too much"] if own["strict"] > 0 and own["watts"] > own["highest"] else []


def demanding(kind):
    return twin.load(POWER.replace("  given:", f"  own: {{type: {kind}}}\n  given:"))


def test_a_check_is_asked_once_for_each_set_of_what_it_reads():
    """Where `strict` is 0 it reads no power, so that the many powers there are one set of values."""
    many = np.linspace(1e3, 9e3, 400)
    given = {"own.watts": np.tile(many, 2), "own.strict": np.repeat([0.0, 1.0], 400), "own.capital": np.arange(800.0)}
    Demanding.seen.clear()
    found = read(demanding("demanding"), given)
    assert sorted(found.invalid) == [i for i in range(800) if given["own.strict"][i] and given["own.watts"][i] > 5e3]
    assert found.invalid[799].reason == "demanding own: watts: 9000 is too much"
    Demanding.seen.clear()
    read(demanding("demanding"), given | {"own.watts": np.tile(np.repeat([1e3, 2e3], 200), 2)})
    assert len(Demanding.seen) <= 4, "a price that no check reads makes no other set of values"


def test_a_check_that_reads_everything_at_once_is_asked_of_every_value():
    found = read(demanding("wholesale"), {"own.watts": [1e3, 9e3, 2e3], "own.strict": 1.0})
    assert list(found.invalid) == [1]


def test_components_of_one_type_are_checked_as_each_is_laid_out():
    with pytest.raises(twin.LayoutError, match=r"^layout: rack given: rack_cap: does nothing where it_power is given"):
        read(twin.load(POWER), {"rack.rack_cap": 25e3})
    assert read(twin.load(POWER), {"chips.rack_cap": 25e3}).invalid == {}


def test_what_many_components_share_is_told_once_in_a_reason(hall):
    found = read(hall, {"gb300_nvl72.chip_idle": [100.0, 4e3]})
    assert found.invalid[1].reason.startswith("liquid_rack r1 (and 7 more): chip_idle: 4000 W exceeds chip_power")


def test_an_invalid_scenario_is_invalid_on_a_bound_plant_too(hall):
    plant = compile(hall, {"rack.utilisation": [0.5, 7.0]})
    solution = steady(plant)
    assert list(solution.status) == [Status.OK, Status.INVALID]
    assert np.isnan(solution.audit[1]) and solution.iterations[1] == 0
    with pytest.raises(twin.LayoutError, match=r"rack.utilisation: 700 % is outside its bounds, at most 100 %"):
        plant.checked()


def test_studies_refuse_ranges_whose_ends_cannot_be(hall):
    with pytest.raises(twin.LayoutError, match=r"rack.utilisation: 150 % is outside its bounds"):
        twin.optimum(hall, over={"rack.utilisation": (0.5, 1.5)})


# ---- tables ------------------------------------------------------------------------------------------------------

VALUES = {"site.dry_bulb": [293.15, 303.15], "rack.utilisation": [0.5, 1.0]}
TIMES = np.array(["2024-07-01T12", "2024-07-01T13"], "M8[s]")

TABLES = {
    "texts": {"site.dry_bulb": ["20 degC", "30 degC"], "rack.utilisation": ["50 %", 1]},
    "arrays": {a: np.array(v) for a, v in VALUES.items()},
    "frame": pd.DataFrame(VALUES),
    "nullable frame": pd.DataFrame(VALUES).convert_dtypes(),
    "frame of texts": pd.DataFrame({"site.dry_bulb": ["68 degF", "30 degC"], "rack.utilisation": ["0.5", "1"]}),
    "list": [{"site.dry_bulb": "20 degC", "rack.utilisation": 0.5}, {"site.dry_bulb": 303.15, "rack.utilisation": 1}],
    "tuple": tuple(dict(zip(VALUES, row, strict=True)) for row in zip(*VALUES.values(), strict=True)),
    "dataset": xr.Dataset({a: ("hour", v) for a, v in VALUES.items()}),
    "dataset with units": xr.Dataset(
        {
            "site.dry_bulb": ("hour", [20.0, 30.0], {"units": "degC"}),
            "rack.utilisation": ("hour", [50.0, 100.0], {"units": "%"}),
        }
    ),
    "coordinates": xr.Dataset(
        coords={a: ("scenario", v, {"units": u}) for (a, v), u in zip(VALUES.items(), "K1", strict=True)}
    ),
    "series": {a: pd.Series(v) for a, v in VALUES.items()},
}


@pytest.mark.parametrize("table", TABLES)
def test_tables_of_all_kinds_say_the_same(hall, table):
    found, known = read(hall, TABLES[table]), read(hall, VALUES)
    assert found.size == 2 and found.labels is None and not found.invalid
    for address, values in known.coordinates.items():
        np.testing.assert_allclose(found.coordinates[address], values, rtol=1e-14)


@pytest.mark.parametrize(
    "table",
    [
        VALUES | {"scenario": TIMES},
        pd.DataFrame(VALUES, index=TIMES),
        pd.DataFrame(VALUES, index=pd.DatetimeIndex(TIMES, tz="Europe/Vienna")),
        pd.DataFrame(VALUES | {"scenario": TIMES}),
        xr.Dataset({a: ("time", v) for a, v in VALUES.items()}, {"time": TIMES}),
        {a: pd.Series(v, TIMES) for a, v in VALUES.items()},
        VALUES | {"site.dry_bulb": xr.DataArray(VALUES["site.dry_bulb"], {"time": TIMES}, ("time",))},
    ],
    ids=["key", "frame", "time zone", "column", "dataset", "series", "array"],
)
def test_an_index_labels_the_scenarios(hall, table):
    labels = read(hall, table).labels
    assert labels is not None
    np.testing.assert_array_equal(labels, TIMES)


def test_labels_are_those_of_the_results_and_survive_a_file(hall, tmp_path):
    result = twin.solve(hall, pd.DataFrame(VALUES, index=["cold", "warm"]))
    assert list(result["scenario"].values) == ["cold", "warm"]
    assert result.dataset.sel(scenario="warm")["site.dry_bulb"].item() == 303.15
    times = twin.solve(hall, VALUES | {"scenario": TIMES})
    for name in ("out.nc", "out.zarr"):
        more = {"engine": "zarr", "consolidated": False} if name == "out.zarr" else {}
        with xr.open_dataset(times.write(tmp_path / name), **more) as back:
            np.testing.assert_array_equal(back["scenario"].values.astype("M8[s]"), TIMES)


def test_coordinates_of_results_are_scenarios_again(hall):
    first = twin.solve(hall, VALUES)
    again = twin.solve(hall, first.dataset.coords.to_dataset()[["site.dry_bulb", "rack.utilisation"]])
    np.testing.assert_array_equal(again["pue"], first["pue"])


def test_pandas_is_not_imported_for_what_it_did_not_make():
    code = """
import builtins, sys
known = builtins.__import__
def refuse(name, *rest, **more):
    if name.split(".")[0] == "pandas":
        raise ImportError(name)
    return known(name, *rest, **more)
builtins.__import__ = refuse
from twin.facility import tables
print(tables.tabulate({"site.dry_bulb": [300.0]}).values, "pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "{'site.dry_bulb': [300.0]} False\n", done.stderr


GRID = xr.Dataset({"site.dry_bulb": (("x", "y"), np.full((2, 2), 300.0))})
LEVELS = pd.DataFrame(VALUES, index=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)]))
UNEVEN = {"site.dry_bulb": pd.Series([1.0, 2.0], ["a", "b"]), "rack.utilisation": pd.Series([1.0, 2.0], ["b", "a"])}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ([1, 2], "scenarios: give a mapping of addresses to values, a DataFrame or Dataset .*, not a list of int"),
        (3.5, "scenarios: give a mapping .*, not 3.5"),
        ("site.dry_bulb", "scenarios: give a mapping .*, not 'site.dry_bulb'"),
        ([], "scenarios: give a mapping .*, not nothing"),
        (pd.Series([1.0]), "scenarios: give a mapping .*, not a Series"),
        ([{"site.dry_bulb": 300.0}, {}], "scenarios: site.dry_bulb is given, but not in scenario 1; give it in all"),
        (pd.DataFrame([[1.0, 2.0]]), "scenarios: 0 is not an address such as site.dry_bulb"),
        (pd.DataFrame([[1.0, 2.0]], columns=["a.b", "a.b"]), "scenarios: two columns are called 'a.b'"),
        (pd.DataFrame({"site.dry_bulb": []}), "site.dry_bulb: give one number, or one for each scenario"),
        (GRID, "scenarios: stack the dimensions x, y into one first"),
        (LEVELS, "scenarios: an index of several levels labels nothing"),
        (UNEVEN, "scenarios: values have different indices; align them first"),
        (VALUES | {"scenario": ["a"]}, "scenarios have different lengths: .*, labels 1"),
        ({"site.dry_bulb": np.zeros((2, 2))}, "site.dry_bulb: give one number, or one for each scenario"),
        ({"site.dry_bulb": [[1, 2], [3]]}, "site.dry_bulb: give one number, or one for each scenario"),
        ({"site.dry_bulb": TIMES}, "site.dry_bulb: give one number, or one for each scenario"),
        ({"site.dry_bulb": [1 + 2j]}, "site.dry_bulb: give one number, or one for each scenario"),
        ({"site.dry_bulb": "30"}, "site.dry_bulb: 30 needs a unit, write e.g. '30 degC'"),
        ({"site.dry_bulb": ["30 kW"] * 2}, "site.dry_bulb: '30 kW' has a unit of power, expected temp"),
        (
            xr.Dataset({"site.dry_bulb": ("x", [1.0], {"units": "kW"})}),
            "site.dry_bulb: '0 kW' has a unit of power, expected temperature",
        ),
    ],
)
def test_what_is_no_table_of_scenarios_is_told_in_a_line(hall, table, told):
    with pytest.raises(twin.LayoutError, match=f"^layout: {told}") as error:
        twin.solve(hall, table)
    assert "\n" not in str(error.value)


def test_a_wet_bulb_alone_lowers_the_layouts_dry_bulb_to_air_without_moisture_and_says_so(small):
    """psychrolib 2.5.0: at 98.95 kPa air without moisture of 16.77 degC has a wet bulb of 4.00 degC."""
    result = twin.solve(
        small.replace("{dry_bulb:", "{elevation: 200 m, dry_bulb:"), {"site.wet_bulb": [277.15, 293.15]}
    )
    dry = result.plant.site.dry_bulb[0] - 273.15
    assert dry[1] == pytest.approx(30.0) and dry[0] == pytest.approx(16.77, abs=0.01)
    (text,) = [t for t in result.warnings[0] if t.startswith("site:")]
    assert text == (
        "site: dry_bulb 16.8 degC instead of 30.0 degC, of which no air has a wet bulb of 4.0 degC; give both"
    )
    assert not [t for t in result.warnings[1] if t.startswith("site:")]
    both = twin.solve(small, {"site.wet_bulb": [277.15, 293.15], "site.dry_bulb": 303.15})
    assert [int(s) for s in both.solution.status] == [4, 0] and "air without moisture" in both["reason"].values[0]
