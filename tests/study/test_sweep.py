"""Sweeps: what is stored is what a solve gives, whoever solves it, and in whatever order and pieces."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import SMALL
from sweeps import files, over, small_chunks

import twin
from twin.study import store, sweep
from twin.study.sweep_file import read_sweep


@pytest.fixture(autouse=True)
def chunks(monkeypatch):
    small_chunks(monkeypatch)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A store of `ask`, finished, to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        small_chunks(patch)
        path = tmp_path_factory.mktemp("finished") / "s.zarr"
        ask(SMALL).run(path)
    return path


@pytest.fixture
def stored(finished, tmp_path):
    """A finished store of one's own."""
    return Path(shutil.copytree(finished, tmp_path / "s.zarr"))


def ask(small, **more):
    return twin.sweep(small, over=over(), samples=16, outputs=["figures", "limits", "rack_power"], **more)


def test_what_is_stored_is_what_a_solve_gives(small, stored):
    asked, found = ask(small), twin.open_sweep(stored)
    solved = twin.solve(small, dict(asked.design.columns), outputs=["figures", "limits", "rack_power"])
    assert found.ok and found.size == asked.size == 48
    for name, values in solved.data_vars.items():
        ours = found.dataset[name].transpose(*values.dims)
        np.testing.assert_array_equal(ours.values, values.values, name)
        assert ours.attrs == {k: v for k, v in values.attrs.items() if k not in ("flag_values", "flag_meanings")} or (
            name == "status"
        )
    for address in asked.design.columns:
        np.testing.assert_array_equal(found[address].values, solved[address].values)
        assert found[address].attrs["units"] == solved[address].attrs["units"]
    assert found.dataset["rack_power"].sel(rack="r3").dims == ("scenario",)


def test_one_variable_is_that_of_the_dataset(stored):
    found = twin.open_sweep(stored)
    alone = {name: found[name] for name in ("pue", "rack_power", "tightest_limit", "status", "limit_exceeded")}
    alone["site.dry_bulb"] = found["site.dry_bulb"]
    for name, values in alone.items():
        assert values.dtype == found.dataset[name].dtype, name
        np.testing.assert_array_equal(values.values, found.dataset[name].values, name)
    with pytest.raises(twin.LayoutError, match="did you mean 'pue'"):
        found["pux"]


def test_any_zarr_reader_finds_names_and_numbers(stored):
    found, plain = twin.open_sweep(stored), xr.open_zarr(stored, consolidated=False)
    np.testing.assert_array_equal(plain["numbers"].sel(number="pue").values, found["pue"].values)
    np.testing.assert_array_equal(plain["rack_power"].sel(rack="r1").values, found["rack_power"].sel(rack="r1").values)
    np.testing.assert_array_equal(plain["texts"].sel(text="element").values, found["element"].values)
    assert (plain["status"].values == 0).all()


@pytest.mark.parametrize("executor", [1, 2, ThreadPoolExecutor(2)], ids=["one process", "two", "threads"])
def test_bits_do_not_depend_on_who_solves(small, finished, tmp_path, executor):
    ask(small).run(tmp_path / "there.zarr", executor=executor)
    assert files(tmp_path / "there.zarr") == files(finished)


def test_bits_depend_neither_on_chunks_nor_on_their_order(small, finished, tmp_path, monkeypatch):
    asked, first = ask(small), twin.open_sweep(finished).dataset
    for size in (5, 48):
        monkeypatch.setattr(sweep, "CHUNK", size)
        xr.testing.assert_identical(asked.run(tmp_path / f"{size}.zarr").dataset, first)
    backwards = asked._store(tmp_path / "b.zarr", True)
    for number in reversed(range(backwards.chunks)):
        sweep.solve_chunk(str(backwards.path), number)
    xr.testing.assert_identical(twin.open_sweep(backwards.path).dataset, first)


def test_shards_share_a_store_and_leave_nothing_out(small, finished, tmp_path):
    asked, parts = ask(small), tmp_path / "parts.zarr"
    assert 0 < asked.run(parts, shard=(2, 3)).done < 48
    for i in (3, 1):
        asked.run(parts, shard=(i, 3))
    assert files(parts) == files(finished)
    for n in (1, 2, 3, 7):
        assert [k for i in range(n) for k in sweep.part(6, (i + 1, n))] == list(range(6))
    for shard in ((0, 3), (4, 3)):
        with pytest.raises(twin.LayoutError, match="give i/n"):
            asked.run(tmp_path / "no.zarr", shard=shard)
    assert not (tmp_path / "no.zarr").exists()


def test_a_grid_has_an_axis_for_each_that_was_varied(small, stored):
    cube = twin.open_sweep(stored).grid()
    assert dict(cube["pue"].sizes) == {"cdu.set_point": 3, "sample": 16}
    assert cube["rack_power"].dims == ("rack", "cdu.set_point", "sample")
    at = cube["pue"].sel({"cdu.set_point": 313.15}).isel(sample=5)
    alone = twin.solve(small, {"cdu.set_point": [313.15], "site.dry_bulb": [at["site.dry_bulb"].item()]})
    assert at.item() == alone["pue"].item()


def test_plants_of_different_shape_stand_in_one_dataset(small, tmp_path):
    cases = small + "cases:\n  warm: {site.dry_bulb: 40 degC, site.wet_bulb: 25 degC}\n"
    asked = twin.sweep(
        cases, over={"case": "null, warm", "rack.model": ["gb300_nvl72"], "cdu.set_point": "38..40 degC/2"}
    )
    found = asked.run(tmp_path / "s.zarr")
    assert len(asked.groups) == 2
    assert found["case"].values.tolist() == ["null", "null", "warm", "warm"]
    warm = twin.solve(cases, {"cdu.set_point": [311.15, 313.15]}, case="warm")
    np.testing.assert_array_equal(found["pue"].values[2:], warm["pue"].values)
    assert found.grid()["pue"].dims == ("case", "rack.model", "cdu.set_point") or found.grid()["pue"].dims == (
        "case",
        "cdu.set_point",
    )


def test_two_layouts_have_the_elements_of_both(small, tmp_path):
    path = tmp_path / "fewer.yaml"
    path.write_text(small.replace("{r: 1..8}", "{r: 1..7}"))
    other = tmp_path / "all.yaml"
    other.write_text(small)
    found = twin.sweep(path, over={"layout": [str(other), str(path)]}, outputs=["rack_power", "pue"]).run()
    power = found["rack_power"]
    assert power.sizes["rack"] == 8 and np.isnan(power.sel(rack="r8").values).tolist() == [False, True]
    assert found["pue"].values[0] == twin.solve(small)["pue"].item()


def test_a_bound_in_every_scenario(small):
    found = twin.sweep(small, over={"site.dry_bulb": "20..40 degC/2"}, bound=True).run()
    solved = twin.solve(small, {"site.dry_bulb": [293.15, 313.15]}, outputs=["bound"])
    for name in ("density_scale", "sustainable_density", "binding_limit", "binding_element"):
        np.testing.assert_array_equal(found[name].values, solved[name].values)


def test_a_scenario_that_cannot_be_has_a_reason_and_the_others_stand(small):
    table = pd.DataFrame({"site.dry_bulb": [300.0, 310.0, 290.0], "site.wet_bulb": [295.0, 290.0, 299.0]})
    found = twin.sweep(small, table=table).run()
    assert found.counts() == {"ok": 2, "invalid": 1}
    ((status, count, first, reason),) = found.failures()
    assert (status, count, first) == ("invalid", 1, 2) and "wet_bulb" in reason
    assert np.isnan(found["pue"].values[2])
    np.testing.assert_array_equal(found["pue"].values[:2], twin.solve(small, table[:2])["pue"].values)
    assert found["site.dry_bulb"].values[2] == 290.0


def test_only_what_failed_or_is_missing_is_solved_again(small, tmp_path, monkeypatch):
    table = pd.DataFrame({"site.dry_bulb": np.linspace(290, 310, 20), "site.wet_bulb": [295.0] * 20})
    path = tmp_path / "s.zarr"
    found = twin.sweep(small, table=table).run(path)
    bad = int((found.status != 0).sum())
    assert 0 < bad < 20
    before, solved = files(path), []
    real = sweep.asked
    monkeypatch.setattr(sweep, "asked", lambda f, s, *a, **k: (solved.append(s.size), real(f, s, *a, **k))[1])
    sweep.run(found.store)
    assert solved == []
    sweep.run(found.store, failed=True)
    assert sum(solved) == bad and files(path) == before


def test_a_store_is_read_while_it_is_written(small, tmp_path):
    asked = ask(small)
    kept = asked._store(tmp_path / "s.zarr", True)
    sweep.solve_chunk(str(kept.path), 1)
    found = twin.open_sweep(kept.path)
    assert found.counts() == {"pending": 40, "ok": 8}
    assert np.isfinite(found["pue"].values).sum() == 8 and found.dataset["pue"].notnull().sum() == 8
    assert found.status[8] == 0 and found.status[0] == store.PENDING
    assert found.damaged() == {}  # what was never finished is no damage


def test_progress_tells_how_far_it_is_and_what_failed(small, monkeypatch):
    monkeypatch.setattr("twin.solver.pace.INTERVAL", 0.0)
    table = pd.DataFrame({"site.dry_bulb": np.linspace(290, 310, 20), "site.wet_bulb": [295.0] * 20})
    told = []
    twin.sweep(small, table=table).run(progress=told.append)
    assert told[0].startswith("8 of 20 scenarios, ")
    assert any(", failed " in text and "(invalid " in text for text in told)


def test_another_sweep_is_kept_out_of_a_store(small, stored):
    path, before = stored, files(stored)
    others = {
        "more scenarios": twin.sweep(small, over=over(), samples=32, outputs=["figures", "limits", "rack_power"]),
        "other values": twin.sweep(small, over=over(), samples=16, seed=1, outputs=["figures", "limits", "rack_power"]),
        "other outputs": twin.sweep(small, over=over(), samples=16),
        "another layout": ask(small.replace("r: 1..8", "r: 1..7")),
    }
    said = {
        "more scenarios": "holds a sweep of 48 scenarios, this one has 96",
        "other values": "other values of its scenarios",
        "other outputs": "keeps other outputs",
        "another layout": "holds a sweep of layout",
    }
    for name, other in others.items():
        with pytest.raises(twin.LayoutError, match=said[name]):
            other.run(path)
    with pytest.raises(twin.LayoutError, match="exists"):
        ask(small).run(path, resume=False)
    assert files(path) == before


def test_a_store_of_another_version_is_refused(stored):
    path = stored
    text = json.loads((path / "zarr.json").read_text())
    text["attributes"]["twin_version"] = "0.0.1"
    (path / "zarr.json").write_text(json.dumps(text))
    with pytest.raises(twin.LayoutError, match=r"was written by version 0\.0\.1, this is"):
        twin.open_sweep(path)


@pytest.mark.parametrize("what", ["nothing", "a folder", "a result"])
def test_what_is_no_store_is_told(small, tmp_path, what):
    path = tmp_path / "s.zarr"
    if what == "a folder":
        path.mkdir()
    if what == "a result":
        twin.solve(small).write(path)
    with pytest.raises(twin.LayoutError, match="no such store" if what == "nothing" else "is no store of a sweep"):
        twin.open_sweep(path)
    if what == "a result":
        with pytest.raises(twin.LayoutError, match="is no store of a sweep"):
            ask(small).run(path)


DAMAGE = {
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-9]),
    "empty": lambda file: file.write_bytes(b""),
    "a bit flipped": lambda file: file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:]),
    "removed": Path.unlink,
}


@pytest.mark.parametrize("array", ["numbers/c/0/2", "texts/c/0/2", "rack_power/c/0/2", "status/c/2"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_chunk_is_told_and_solved_again(stored, array, damage):
    path, before = stored, files(stored)
    DAMAGE[damage](path / array)
    found = twin.open_sweep(path)
    lost = array.startswith("status")
    assert found.done == (40 if lost else 48)
    if not lost:
        assert list(found.damaged()) == [2]
    if not lost and damage != "removed":
        with pytest.raises(twin.LayoutError, match=r"chunk 2 \(scenarios 16 to 23\) is damaged"):
            found.dataset  # noqa: B018
    sweep.run(found.store)
    assert files(path) == before


def test_damaged_parameters_are_told(stored):
    path = stored
    (path / "parameters" / "c" / "0" / "0").write_bytes(b"nonsense")
    with pytest.raises(twin.LayoutError, match=r"parameters is damaged: .*begin anew"):
        twin.open_sweep(path).dataset  # noqa: B018


def test_two_writers_do_not_share_chunks(stored):
    kept = twin.open_sweep(stored).store
    with kept.writing(range(2, 4)), pytest.raises(twin.LayoutError, match="another run is writing"):
        sweep.run(kept)
    sweep.run(kept)


@pytest.mark.parametrize(
    ("path", "says"),
    [("s.nc", "ending '.nc' is not"), ("no/folder/s.zarr", "no folder"), ("/proc/s.zarr", "No such|cannot be written")],
)
def test_an_unwritable_store_is_told_before_anything_is_solved(small, tmp_path, monkeypatch, path, says):
    asked = ask(small)
    monkeypatch.setattr(sweep, "solve_chunk", None)
    with pytest.raises(twin.LayoutError, match=says):
        asked.run(tmp_path / path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("executor", [0, -1, "many", True])
def test_what_solves_nothing_is_no_executor(small, tmp_path, executor):
    with pytest.raises(twin.LayoutError, match="executor"):
        ask(small).run(tmp_path / "s.zarr", executor=executor)
    assert os.listdir(tmp_path) == []


def test_unknown_outputs_and_models_of_air_are_told(small):
    with pytest.raises(twin.LayoutError, match="did you mean 'pue'"):
        twin.sweep(small, over=over(), outputs=["pux"])
    with pytest.raises(twin.LayoutError, match="both say what is asked"):
        twin.sweep(small, over=over(), table={"site.dry_bulb": [300.0]})
    with pytest.raises(twin.LayoutError, match="no model of air"):
        twin.sweep(small, over=over(), air="windy")


def test_a_table_of_labels_is_labelled(small):
    table = pd.DataFrame({"site.dry_bulb": [300.0, 310.0]}, index=["mild", "hot"])
    found = twin.sweep(small, table=table, outputs=["pue"]).run()
    assert found["pue"].sel(scenario="hot").item() == found["pue"].values[1]
    frame = found.to_dataframe()
    assert frame.loc["hot", "site.dry_bulb"] == 310.0 and frame.loc["mild", "pue"] == found["pue"].values[0]
    with pytest.raises(twin.LayoutError, match="no grid"):
        found.grid()


def test_a_sweep_of_a_design(small):
    design = twin.Design({"site.dry_bulb": np.array([300.0, 310.0])})
    found = twin.sweep(small, design=design).run()
    np.testing.assert_array_equal(
        found["pue"].values, twin.solve(small, {"site.dry_bulb": [300.0, 310.0]})["pue"].values
    )


def test_axes_of_one_value_each_are_one_scenario(small):
    asked = twin.sweep(small, over={"cdu.set_point": "40 degC", "site.dry_bulb": ["30 degC"]})
    assert (
        asked.size == 1
        and asked.run()["pue"].values
        == twin.solve(small, {"cdu.set_point": [313.15], "site.dry_bulb": [303.15]})["pue"].values
    )


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"over": {"cdu.set_point": ["40 degC"]}}, "over: stand in the sweep file"),
        ({"bound": True, "seed": 5}, "bound and seed: stand in the sweep file"),
        ({"outputs": ["figures"]}, "outputs: stand in the sweep file"),
    ],
)
def test_what_a_sweep_file_says_is_not_said_beside_it(tmp_path, more, says):
    (tmp_path / "s.yaml").write_text("layout: gb300_hall\nover: {site.dry_bulb: [20 degC]}\n")
    with pytest.raises(twin.LayoutError, match=says):
        twin.sweep(tmp_path / "s.yaml", **more)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("layout:\n", "layout: give a name, or a file"),
        ("layout: gb300_hall\ncase: [hot_day]\n", "case: give a name"),
        ("layout: gb300_hall\nweather: [a.epw]\n", "weather: give a name, or a file"),
        ("layout: gb300_hall\ntable: 5\n", "table: give a name, or a file"),
        ("layout: gb300_hall\nzip: [3]\n", "zip: give a list of mappings"),
        ("layout: gb300_hall\nbound: 'no'\n", "bound: give true or false"),
        ("layout: gb300_hall\nover: {case: []}\n", "case: give a list of values, one or more"),
        ("layout: gb300_hall\nseed: 1.5\nover: {site.dry_bulb: 'uniform(20 degC, 30 degC)'}\n", "seed: give a whole"),
        ("layout: gb300_hall\nsamples: true\nover: {site.dry_bulb: 'uniform(20 degC, 30 degC)'}\n", "samples: give a"),
        ("layout: gb300_hall\nair: {cell: 0.4 m, cels: 0.4 m}\n", "s.yaml: unknown key air.cels; did you mean 'cell'"),
        ("layout: gb300_hall\nair: {cell: 4 kW}\n", "s.yaml: air.cell: '4 kW' has a unit of power"),
        ("layout: gb300_hall\nair: {cell: 0.4 m}\ncell: 0.2 m\n", "air: give mixed, finite_volume and its cell, or a"),
        ("layout: gb300_hall\nair: {cell: 0.4 m, rooms: hall}\n", "s.yaml: air.rooms: 'hall': give a list of names"),
        ("layout: gb300_hall\nair: {cell: 0.4 m, rooms: [hall, hall]}\n", "s.yaml: air.rooms: hall given twice"),
        ("layout: gb300_hall\nair: finite_volume\n", "air: give mixed, finite_volume and its cell, or a"),
        ("layout: gb300_hall\nair: finite_volume\ncell: 4 kW\n", "s.yaml: air.cell: '4 kW' has a unit of power"),
        ("layout: gb300_hall\ncell: 0.2 m\n", "air: give mixed, finite_volume and its cell, or a"),
    ],
)
def test_a_sweep_file_with_a_fault_is_told_in_one_line(tmp_path, text, says):
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(twin.LayoutError, match=says):
        twin.sweep(tmp_path / "s.yaml")


def test_a_sweep_file_states_all_of_computed_air(tmp_path):
    file = tmp_path / "s.yaml"
    for text, air in (
        ("", twin.Mixed()),
        ("air: finite_volume\ncell: 0.4 m\n", twin.FiniteVolume(0.4)),
        ("air: {cell: 0.2 m}\n", twin.FiniteVolume(0.2)),
        (
            "air: {cell: 0.4 m, rooms: [hall], tolerance: 0.3 K, turbulence: wale, turns: 2}\n",
            twin.FiniteVolume(0.4, 0.3, ("hall",), turbulence="wale", turns=2),
        ),
    ):
        file.write_text(f"layout: gb300_hall\n{text}over: {{site.dry_bulb: [20 degC]}}\n")
        assert read_sweep(file)["air"] == air


def test_layouts_of_an_axis_are_as_seen_from_the_folder_of_the_file(tmp_path):
    (tmp_path / "mine.yaml").write_text(SMALL)
    (tmp_path / "s.yaml").write_text("layout: mine.yaml\nover: {layout: [mine.yaml, gb300_hall]}\n")
    assert len(twin.sweep(tmp_path / "s.yaml").groups) == 2


def test_a_plant_of_which_no_row_can_be_is_named():
    table = {"case": [None, "hot_day"], "site.dry_bulb": [303.15, 293.15], "site.dew_point": [278.15, 299.15]}
    with pytest.raises(twin.LayoutError, match=r"scenarios of case hot_day \(the first is 1\) can be: .*dew"):
        twin.sweep("gb300_hall", table=table)


def test_a_shard_without_chunks_holds_none(stored):
    kept = store.open_store(stored)
    with kept.writing(range(0, 1)), kept.writing(range(1, 1)):
        pass


def test_texts_flags_and_passed_limits_are_drawn_where_they_are(tmp_path):
    """Lines over texts that do not all have each share one scale; flags are drawn; what passes a limit is hatched."""
    pytest.importorskip("matplotlib")
    table = {
        "case": [None, None, "hot_day", "hot_day"],
        "site.dry_bulb": [293.15, 303.15, 303.15, 311.15],
    }
    found = twin.sweep("gb300_hall", table=table).run()
    axes = found.plot(x="case", by="site.dry_bulb").axes[0]
    labels = [t.get_text() for t in axes.get_xticklabels()]
    lines = [line.get_xdata().tolist() for line in axes.get_lines()]
    assert len(labels) == 2 and lines == [[0], [0, 1], [1]]
    found.plot(y="limit_exceeded", x="site.dry_bulb").write(tmp_path / "flags.png")
    with pytest.raises(twin.LayoutError, match="is a text or has a value for each element"):
        found.plot(y=next(v.name for v in found.store.template.variables if v.kind == "text"))


def test_what_passes_a_limit_is_hatched():
    """The map is told of as hatched, and drawn so, where points pass a limit and nowhere else."""
    agg = pytest.importorskip("matplotlib.backends.backend_agg")
    over = {"cdu.set_point": ["36 degC", "47 degC"], "site.dry_bulb": "20..24 degC/3"}
    found = twin.sweep("gb300_hall", over=over).run()
    passed = found.grid()["limit_exceeded"].transpose("site.dry_bulb", "cdu.set_point").values
    assert passed.any() and not passed.all()
    plot = found.plot.map(x="cdu.set_point", by="site.dry_bulb")
    assert "hatched" in plot.axes[0].get_title(loc="left")
    (hatched,) = [c for c in plot.axes[0].collections if c.get_hatch()]
    assert (np.ma.getmaskarray(hatched.get_array()).reshape(passed.shape) == ~passed).all()
    canvas = agg.FigureCanvasAgg(plot.figure)
    canvas.draw()
    rows = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    box = plot.axes[0].get_window_extent()
    height = rows.shape[0]
    inside = rows[int(height - box.y1) + 4 : int(height - box.y0) - 4, int(box.x0) + 4 : int(box.x1) - 4]
    white = (inside > 200).all(-1)
    middle = inside.shape[1] // 2
    left, right = white[:, : middle - 4].mean(), white[:, middle + 4 :].mean()
    assert (left > 0.01, right > 0.01) == (bool(passed[:, 0].any()), bool(passed[:, 1].any()))


def test_processes_side_by_side_have_one_thread_of_linear_algebra_each(monkeypatch):
    """Two that each wait for threads of their own on the same cores take ten times as long."""
    for library in ("OPENBLAS", "OMP", "MKL"):
        monkeypatch.delenv(f"{library}_NUM_THREADS", raising=False)
    with sweep._pool(2).opened() as processes:
        assert processes.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == "1"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    with sweep._pool(2).opened() as processes:
        assert processes.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == "3"
