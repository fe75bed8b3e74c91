"""What a result becomes outside the program: a file that opens again, a picture of it, tables."""

import os
import subprocess
import sys
from dataclasses import fields

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xarray as xr
from closet import ROOM
from conftest import SMALL
from typer.testing import CliRunner

import twin
from twin import api
from twin.air import field as room
from twin.air import turns
from twin.app.cli import app
from twin.elements import Status
from twin.facility.files import LayoutError
from twin.results import tables
from twin.show.scene import render
from twin.study import bound as densities

QUICK = twin.FiniteVolume(cell=0.2, tolerance=2.0, coarse=False, turns=1)
ENDINGS = pytest.mark.parametrize("ending", [".nc", ".zarr"])


def cli(*arguments):
    """Exit code, stdout and stderr of the command line."""
    run = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    return run.exit_code, run.stdout, run.stderr


def same(a, b):
    """Whether two results agree in every number and every text, bit for bit."""
    xr.testing.assert_identical(a.dataset, b.dataset)
    numbers = [n for n, v in b.dataset.variables.items() if v.dtype.kind not in "UO"]
    assert all(a.dataset[n].dtype == b.dataset[n].dtype for n in numbers)
    for f in fields(a.figures):
        pair = getattr(a.figures, f.name), getattr(b.figures, f.name)
        for x, y in zip(*pair, strict=True) if f.name == "annual" else (pair,):
            np.testing.assert_array_equal(x, y)
    for column, values in b.solution.columns.items():
        np.testing.assert_array_equal(a.solution[column], values)
    for scenario in range(b.plant.scenarios):
        assert repr(a.worst(scenario)) == repr(b.worst(scenario)) and a.tightest(scenario) == b.tightest(scenario)
    assert (a.facility.hash, a.facility.cases, repr(a)) == (b.facility.hash, b.facility.cases, repr(b))
    return True


@pytest.fixture(scope="module")
def aired():
    return twin.solve(ROOM, {"crah.set_point": [293.15, 297.15]}, air=QUICK)


@pytest.fixture
def idle(monkeypatch):
    """Nothing may be solved: neither a plant, nor air, nor its response, nor a bound."""

    def solved(*arguments, **options):
        raise AssertionError("something is solved")

    homes = [(turns, "steady"), (densities, "steady"), (turns, "average"), (room.Flow, "step")]
    for home, name in [*homes, (api, "response"), (api, "find_bound")]:
        monkeypatch.setattr(home, name, solved)


# ---- files that open again ---------------------------------------------------------------------------------------


@ENDINGS
def test_a_written_result_opens_as_it_was_solved(small, tmp_path, ending):
    """A case, an override, a catalogue entry of the layout's own, three scenarios of which one has no solution."""
    own = "  own: {base: wide}\n  wide: {base: gb300_nvl72, it_power: 120 kW}\n"
    text = small.replace("repeat:", f"cases:\n  warm: {{cdu.set_point: 42 degC}}\ncatalogue:\n{own}repeat:")
    text = text.replace("model: gb300_nvl72", "model: own")
    facility = twin.load(text, case="warm", overrides={"cdu[cdu].capacity": "1.2 MW"})
    dry_out = {"cdu.set_point": [313.15, 315.0, 313.15], "dry_cooler.flow": [120.0, 120.0, 1e-3]}
    result = twin.solve(facility, dry_out | {"own.it_power": [120e3, 120e3, 590e3]})
    assert result["status"].values.tolist() == [0, 0, Status.OVERHEATED]
    opened = twin.open_result(result.write(tmp_path / f"hall{ending}"))
    assert same(opened, result)
    assert opened.air == twin.Mixed() and opened.plant.facility is opened.facility
    with xr.open_dataset(tmp_path / f"hall{ending}", **({"consolidated": False} if ending == ".zarr" else {})) as data:
        assert set(data) == set(result.dataset)


@ENDINGS
def test_idle_hours_open_as_they_were_solved(small, tmp_path, ending):
    """Of scenarios without any, and of two with racks that are alike in other ways."""
    given = {"serving.availability": [1.0, 0.9, 0.8], "r1.utilisation": [1.0, 1.0, 0.5]}
    result = twin.solve(small, given)
    opened = twin.open_result(result.write(tmp_path / f"idle{ending}"))
    assert same(opened, result) and np.isfinite(opened.figures.idle_power).tolist() == [False, True, True]


def test_idle_hours_are_those_of_mixed_rooms_where_air_is_computed():
    chips = "accelerators: 8, platform: h200, chip_power: 700 W, chip_idle: 100 W, sink_resistance: 1 mK/W"
    text = ROOM.replace("it_power: 8 kW", chips).replace("components:", "serving: {availability: 0.9}\ncomponents:", 1)
    mixed, computed = twin.solve(text), twin.solve(text, air=QUICK)
    carried = twin.solve(text, air=computed.response)
    for found in (computed, carried):
        np.testing.assert_array_equal(found.figures.idle_power, mixed.figures.idle_power)
        mean = 0.9 * found.figures.facility_power + 0.1 * mixed.figures.idle_power
        np.testing.assert_allclose(found.figures.mean_power, mean)


@ENDINGS
def test_computed_air_opens_with_its_fields_and_its_response(aired, tmp_path, ending):
    opened = twin.open_result(aired.write(tmp_path / f"air{ending}"))
    assert same(opened, aired) and opened.air == QUICK
    xr.testing.assert_identical(opened.field("hall"), aired.field("hall"))
    carried = [twin.solve(ROOM, {"crah.set_point": [299.15]}, air=r.response) for r in (opened, aired)]
    xr.testing.assert_equal(*(r.dataset.drop_vars("iterations") for r in carried))
    again = twin.open_result(carried[0].write(tmp_path / f"carried{ending}"))
    assert same(again, carried[0]) and isinstance(again.air, twin.Response)


def test_air_that_was_interrupted_opens_as_such(tmp_path):
    def stop(text):
        if "±" in text:
            raise KeyboardInterrupt

    result = twin.solve(ROOM, air=QUICK, progress=stop)
    opened = twin.open_result(result.write(tmp_path / "stopped.nc"))
    assert opened.air_solution.stopped and opened.air_solution.rooms[0].mean.stopped
    with xr.open_dataset(tmp_path / "stopped.nc") as kept:
        assert kept.attrs["interrupted"].startswith("computed air is the average so far")


@ENDINGS
def test_what_was_solved_is_written_opened_and_drawn_without_solving(aired, tmp_path, ending, request):
    """The same scene and nothing computed twice: racks, plant, the air's cells, the limit that is marked."""
    pytest.importorskip("pyvista")
    path = aired.write(tmp_path / f"air{ending}")
    request.getfixturevalue("idle")
    opened = twin.open_result(path)
    for scenario in (0, 1):
        a, b = (r.scene(scenario=scenario).blocks for r in (opened, aired))
        assert a.keys() == b.keys() and "air of hall" in b.keys()  # noqa: SIM118 - blocks are no mapping
        for one, other in zip(a, b, strict=True):
            assert one.bounds == other.bounds
            for name in other.cell_data:
                np.testing.assert_array_equal(one.cell_data[name], other.cell_data[name])
        assert opened.binding(scenario) == aired.binding(scenario) == aired.worst(scenario)[0]
    again = twin.open_result(opened.write(tmp_path / f"again{ending}"))
    assert same(again, aired)


def test_a_picture_of_a_file_is_the_picture_of_the_solve(tmp_path):
    """By the command line, byte for byte, with the limit that binds when racks grow denser."""
    pytest.importorskip("pyvista")
    if render.gl_libraries() and not any(render.gl_libraries().values()):
        pytest.skip("no OpenGL library")
    calls = (["solve", "dps_demo", "-o", "dps.nc"], ["export", "dps.nc", "--to", "png", "-o", "file.png"])
    calls += (["export", "dps_demo", "--to", "png", "-o", "layout.png"],)
    clean = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
    for call in calls:
        code = f"import sys; sys.argv = {['twin', *call]!r}\nfrom twin.app.cli import main; main()"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=clean)
        assert done.returncode in (0, 3), done.stderr
    assert (tmp_path / "file.png").read_bytes() == (tmp_path / "layout.png").read_bytes()
    opened = twin.open_result(tmp_path / "dps.nc")
    assert opened.binding() == opened.held == twin.bound("dps_demo")[0].limit


def test_a_file_may_hold_many_scenarios_of_which_one_is_exported(aired, tmp_path):
    pv = pytest.importorskip("pyvista")
    path = aired.write(tmp_path / "two.nc")
    for scenario in (0, 1):
        target = tmp_path / f"{scenario}.vtp"
        assert cli("export", path, "--to", "vtk", "-o", target, "--scenario", scenario)[0] == 0
        data, scene = pv.read(target), aired.scene(scenario=scenario)
        shown = data.cell_data[scene.variable.title.replace("°C", "degC")]
        np.testing.assert_allclose(shown, scene.shown_values[data.cell_data["name_id"]])
        rack = scene.things.row[str(aired["rack_inlet_temperature"].rack[0].item())]
        inlet = float(aired["rack_inlet_temperature"][0, scenario]) - 273.15
        np.testing.assert_allclose(shown[data.cell_data["name_id"] == rack], inlet)
    code, _, err = cli("export", path, "--to", "vtk", "-o", tmp_path / "x.vtp", "--scenario", 2)
    assert (code, err) == (2, "--scenario: 2 is none of the 2 there are, counted from 0\n")


# ---- files that are refused --------------------------------------------------------------------------------------


def refused(path):
    with pytest.raises(LayoutError) as error:
        twin.open_result(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_no_result_of_this_version_is_refused_in_one_line(small, tmp_path):
    assert "no such file" in refused(tmp_path / "none.nc")
    assert "ending '.yaml' is none of a written result: .nc or .zarr" in refused(tmp_path / "hall.yaml")
    result = twin.solve(small)
    path = result.write(tmp_path / "whole.nc")
    (tmp_path / "part.nc").write_bytes(path.read_bytes()[:5000])
    assert "part.nc: cannot be read as a written result" in refused(tmp_path / "part.nc")
    foreign = xr.Dataset({"x": ("y", [1.0, 2.0])})
    foreign.to_netcdf(tmp_path / "foreign.nc", engine="h5netcdf")
    assert "foreign.nc: was not written by twin; xarray.open_dataset reads" in refused(tmp_path / "foreign.nc")
    result.dataset.assign_attrs(twin_version="0.1.0").drop_vars("limit_exceeded").to_netcdf(
        tmp_path / "old.nc", engine="h5netcdf"
    )
    assert "old.nc: was written by version 0.1.0, this is" in refused(tmp_path / "old.nc")
    result.dataset.drop_vars("limit_exceeded").to_netcdf(tmp_path / "bare.nc", engine="h5netcdf")
    assert "bare.nc: has a dataset only, no solution; solve again" in refused(tmp_path / "bare.nc")
    (tmp_path / "empty.zarr").mkdir()
    assert "empty.zarr: cannot be read as a written result" in refused(tmp_path / "empty.zarr")


def test_options_of_a_solve_are_refused_beside_a_file(small, tmp_path):
    path = twin.solve(small).write(tmp_path / "hall.nc")
    given = ("--case", "hot", "--set", "site.dry_bulb=3 degC", "--air", "mixed", "--cell", "1 m")
    code, _, err = cli("export", path, "--to", "vtk", "-o", tmp_path / "x.vtp", *given)
    assert (code, err) == (
        2,
        f"{path}: --case and --set and --air and --cell: for layouts only; this is what was solved\n",
    )
    assert cli("export", tmp_path / "no.nc", "--to", "vtk", "-o", tmp_path / "x.vtp")[0] == 2
    assert not (tmp_path / "x.vtp").exists()


# ---- tables ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warm():
    return twin.solve(SMALL, {"cdu.set_point": [313.15, 315.15]})


def test_tables_have_the_numbers_of_the_dataset_in_the_units_of_the_screen(warm):
    """Set points of 40 and 42 degC, and of each scenario the rows of all racks after its number."""
    racks, data = warm.table("rack"), warm.dataset
    assert racks.index.names == ["scenario", "rack"] and len(racks) == 16
    for scenario in (0, 1):
        here = racks.loc[(scenario, "r1")]
        there = data.sel(rack="r1").isel(scenario=scenario)
        assert here["rack_power [kW]"] == pytest.approx(float(there["rack_power"]) / 1e3, rel=1e-12)
        assert here["rack_supply_temperature [degC]"] == pytest.approx(40.0 + 2.0 * scenario, abs=1e-6)
        assert here["rack_clock [%]"] == pytest.approx(100.0 * float(there["rack_clock"]))
    bare = [title for title in racks if "[" not in title]
    assert bare == ["rack_required_loop_class", "rack_shi"]  # words and indices have no unit
    cases = warm.table("scenarios")
    assert cases["cdu.set_point [degC]"].tolist() == pytest.approx([40.0, 42.0])
    assert cases["facility_power [MW]"].tolist() == pytest.approx((warm.figures.facility_power / 1e6).tolist())
    assert cases["pue"].tolist() == warm.figures.pue.tolist() and cases["status"].tolist() == ["ok", "ok"]
    assert cases["tightest_limit"].tolist() == [warm.worst(i)[0].name for i in (0, 1)]
    cost = warm.table("cost_item")["yearly_cost [USD a-1]"]
    assert cost.loc[1].sum() == pytest.approx(warm.figures.annual.total[1])


def test_one_scenario_is_indexed_by_name_alone(small):
    result = twin.solve(small)
    assert result.table("rack").index.name == "rack" and result.table("limits").index.names == ["limit", "element"]
    assert list(result.table("cdu").index) == ["cdu"]


def test_limits_are_all_there_the_tightest_first(warm):
    table = warm.table("limits")
    assert len(table) == warm.margins.relative.size
    for scenario in (0, 1):
        rows = table.loc[scenario].reset_index()
        tight = warm.worst(scenario)[0]
        assert rows.loc[0, ["limit", "element"]].tolist() == [tight.name, tight.element]
        assert rows["relative_margin [%]"].iloc[0] == pytest.approx(100.0 * tight.relative)
        supply = rows[(rows["limit"] == "coolant_supply") & (rows["element"] == "r1")].iloc[0]
        assert [supply["value"], supply["unit"]] == [pytest.approx(40.0 + 2.0 * scenario, abs=1e-6), "degC"]
        assert supply["margin"] == pytest.approx(supply["bound"] - supply["value"]) and supply["margin_unit"] == "K"


def test_the_schedule_names_every_component_with_place_and_rating(warm):
    table = warm.table("equipment")
    assert list(table.index) == sorted(warm.facility.components)
    rack = table.loc["r3"]
    assert rack[["kind", "model", "room"]].tolist() == ["liquid_rack", "gb300_nvl72", "hall"]
    assert rack[["x [m]", "y [m]", "z [m]"]].tolist() == [3.0, 1.0, 0.0]
    assert table.loc["tx", ["rated_by", "rating", "unit"]].tolist() == ["rating", 2500.0, "kVA"]
    assert table.loc["bus", ["rated_by", "rating", "unit"]].tolist() == ["ampacity", 3000.0, "A"]
    assert table.loc["utility", ["rated_by", "rating", "unit"]].tolist() == ["contract", 2000.0, "kW"]
    assert table.loc["tank", "rated_by"] == "" and np.isnan(table.loc["tank", ["rating", "x [m]"]].astype(float)).all()


def test_computed_air_is_in_the_tables(aired):
    racks = aired.table("rack")
    assert racks.loc[(1, "r1"), "rack_inlet_error [K]"] == float(aired["rack_inlet_error"].sel(rack="r1")[1])
    drawn = aired.table("crah")["crah_intake_temperature [degC]"]
    assert drawn.tolist() == pytest.approx((aired["crah_intake_temperature"].values[0] - 273.15).tolist())
    assert "air_unplaced_heat [kW]" in aired.table("computed_room")


def test_an_unknown_table_is_refused_with_those_there_are(warm):
    with pytest.raises(
        LayoutError, match=r"table: no 'racks'; did you mean 'rack'\?; there are equipment, limits, scen"
    ):
        warm.table("racks")
    with pytest.raises(LayoutError, match="table: no 'scenario'; did you mean 'scenarios'"):
        warm.table("scenario")


def test_a_workbook_has_a_sheet_for_each_table(tmp_path):
    path = tmp_path / "hall.xlsx"
    path.write_text("old")
    assert cli("solve", "dps_demo", "--no-bound", "-o", path)[0] in (0, 3)
    sheets, result = pd.read_excel(path, sheet_name=None), twin.solve("dps_demo")
    assert list(sheets)[:3] == ["equipment", "limits", "scenarios"] and {"rack", "cost_item"} <= set(sheets)
    for name, sheet in sheets.items():
        expected = result.table(name).reset_index()
        assert list(sheet) == list(expected) and len(sheet) == len(expected)
    np.testing.assert_allclose(sheets["rack"]["rack_power [kW]"], result.table("rack")["rack_power [kW]"])
    assert [p.name for p in tmp_path.iterdir()] == ["hall.xlsx"]


def test_sheets_hold_numbers_times_and_truth_and_nothing_for_what_is_missing(tmp_path):
    times = pd.DatetimeIndex(["2026-01-01 06:00", "2026-07-01"], name="scenario")
    columns = {"x": [1.5, np.nan], "n": [1, 2], "ok": [True, False], "text": ["<a & b>", ""], "far": [np.inf, -np.inf]}
    tables.write({"all": pd.DataFrame(columns, index=times)}, tmp_path / "all.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "all.xlsx")["all"].values)
    assert rows[0] == ("scenario", *columns)
    assert rows[1] == (times[0].to_pydatetime(), 1.5, 1, True, "<a & b>", "inf")
    assert rows[2] == (times[1].to_pydatetime(), None, 2, False, None, "-inf")


def test_more_rows_than_a_sheet_has_are_refused_with_what_to_write(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_SHEET_ROWS", 3)
    with pytest.raises(LayoutError, match=r"rack has 3 rows and a sheet 3; write .csv or .parquet, or pick another"):
        tables.write({"rack": pd.DataFrame({"x": range(3)})}, tmp_path / "hall.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "reader"), [(".csv", pd.read_csv), (".parquet", pd.read_parquet)])
def test_one_table_a_file(tmp_path, warm, ending, reader):
    one, all_of_them = tmp_path / f"racks{ending}", tmp_path / f"hall{ending}"
    assert warm.write(one, "rack") == one
    pd.testing.assert_frame_equal(reader(one), warm.table("rack").reset_index())
    assert [p.name for p in tmp_path.iterdir()] == [one.name]
    assert cli("solve", "dps_demo", "--no-bound", "-o", all_of_them)[0] in (0, 3)
    written = sorted(p.name for p in tmp_path.iterdir() if p != one)
    result = twin.solve("dps_demo")
    assert written == sorted(f"hall_{name}{ending}" for name in tables.names(result.dataset))
    assert reader(tmp_path / f"hall_limits{ending}")["element"][0] == result.worst()[0].element
    assert cli("solve", "dps_demo", "--no-bound", "-o", all_of_them, "--table", "equipment")[0] in (0, 3)
    assert reader(all_of_them)["name"].tolist() == sorted(result.facility.components)


def test_tables_that_cannot_be_written_are_one_line_and_leave_nothing(tmp_path, monkeypatch):
    path = tmp_path / "hall.csv"
    for arguments, says in (
        (("-o", path, "--table", "rcak"), "dps_demo: table: no 'rcak'; did you mean 'rack'?; there are"),
        (
            ("-o", tmp_path / "hall.nc", "--table", "rack"),
            "--table: rack: give -o FILE with one of .xlsx, .csv, .parquet",
        ),
        (("--table", "rack"), "--table: rack: give -o FILE with one of .xlsx, .csv, .parquet"),
        (("-o", tmp_path / "hall.txt"), "hall.txt: ending '.txt' is not .nc or .zarr or .xlsx or .csv or .parquet"),
    ):
        code, _, err = cli("solve", "dps_demo", "--no-bound", *arguments)
        assert code == 2 and says in err and err.count("\n") == 1
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    for ending, package in ((".xlsx", "openpyxl"), (".parquet", "pyarrow")):
        code, _, err = cli("solve", "dps_demo", "-o", tmp_path / f"hall{ending}")
        assert (code, err.count("\n")) == (2, 1) and f'needs {package}: pip install "aifactory-twin[tables]"' in err
    monkeypatch.setattr(tables, "WRITERS", {".csv": fails})
    code, _, err = cli("solve", "dps_demo", "--no-bound", "-o", path)
    assert (code, err) == (2, f"output {path}: No space left on device\n")
    assert list(tmp_path.iterdir()) == []


def fails(frames, path):
    path.write_text("half")
    raise OSError(28, "No space left on device")
