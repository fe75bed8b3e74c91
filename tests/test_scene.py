import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from closet import ROOM

import twin

pytest.importorskip("pyvista")

from twin.show.scene import air as scene_air
from twin.show.scene import hall, render


@pytest.fixture(scope="module")
def result():
    return twin.solve("gb300_hall")


def in_a_process(code, **environment):
    """Run Python, without a display unless given one; a crash of VTK then stays in that process."""
    clean = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "VTK_DEFAULT_OPENGL_WINDOW")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=clean | environment)


def picture_size(path):
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:])


def test_every_placed_component_is_one_box(result):
    boxes = hall.boxes(result)
    placed = [n for n, p in result.facility.components.items() if p.at is not None and p.kind != "room"]
    assert set(boxes.names) <= set(placed)
    racks = {n for n, p in result.facility.components.items() if p.dimension == "rack" and p.at is not None}
    assert {n for n, is_rack in zip(boxes.names, boxes.racks, strict=True) if is_rack} == racks


def test_boxes_carry_the_dataset(result):
    boxes = hall.boxes(result)
    for name in ("r101", "net1"):
        row = boxes.names.index(name)
        here = result.dataset.sel(rack=name).isel(scenario=0)
        assert boxes.temperature[row] == pytest.approx(float(here["rack_inlet_temperature"]) - 273.15)
        assert boxes.power[row] == pytest.approx(float(here["rack_power"]) / 1e3)


@pytest.mark.parametrize("ending", ["vtp", "vtk"])
def test_a_mesh_reads_back(result, tmp_path, ending):
    import pyvista as pv

    path = hall.export(result, tmp_path / f"hall.{ending}", "vtk")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    boxes, data = hall.boxes(result), pv.read(path)
    assert data.n_cells == 6 * len(boxes.names)
    assert list(data.field_data["names"]) == list(boxes.names)
    np.testing.assert_array_equal(data.cell_data["name_id"][::6], np.arange(len(boxes.names)))
    kinds = data.field_data["kinds"]
    assert [kinds[i] for i in data.cell_data["kind_id"][::6]] == list(boxes.kinds)
    np.testing.assert_allclose(data.cell_data["temperature_degC"][::6], boxes.temperature)
    np.testing.assert_allclose(data.cell_data["power_kW"][::6], boxes.power)


def test_blocks_read_back_by_kind(result, tmp_path):
    import pyvista as pv

    path = hall.export(result, tmp_path / "hall.vtm", "vtk")
    data, boxes = pv.read(path), hall.boxes(result)
    assert sorted(data.keys()) == sorted(set(boxes.kinds))
    assert sum(block.n_cells for block in data) == 6 * len(boxes.names)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hall", "hall.vtm"]


@pytest.fixture(scope="module")
def with_air(tmp_path_factory):
    path = tmp_path_factory.mktemp("closet") / "closet.yaml"
    path.write_text(ROOM)
    return twin.solve(path, air=twin.FiniteVolume(cell=0.2, tolerance=2.0, coarse=False, turns=1))


def test_computed_air_reads_back_where_the_room_is(with_air, tmp_path):
    import pyvista as pv

    data = pv.read(hall.export(with_air, tmp_path / "closet.vtm", "vtk"))
    air, field = data["air of hall"], with_air.field("hall").isel(scenario=0)
    np.testing.assert_allclose(air.bounds, (10.0, 16.0, 5.0, 7.0, 0.0, 2.8))
    np.testing.assert_allclose(air.cell_data["temperature_degC"], field["temperature"].values.ravel() - 273.15)
    cell = air.find_containing_cell((12.5, 5.5, 1.0))
    here = field.sel(x=2.5, y=0.5, z=1.0, method="nearest")
    np.testing.assert_allclose(air.cell_data["velocity_m_per_s"][cell], [here[f"velocity_{c}"] for c in "xyz"])


def test_computed_air_is_cut_across_the_rows(with_air):
    import pyvista as pv

    (cut,) = scene_air.cuts(with_air, pv)
    assert np.ptp(cut.bounds[2:4]) == 0.0
    assert cut.bounds[0] == 10.0
    assert np.isfinite(cut.cell_data["temperature_degC"]).all()
    assert cut.area == pytest.approx(6.0 * 2.8, abs=0.5)


def test_boxes_enclose_their_volume(result):
    boxes = hall.boxes(result)
    assert hall.mesh(boxes).volume == pytest.approx(boxes.size.prod(axis=1).sum())
    assert (hall.mesh(boxes).compute_normals().cell_data["Normals"][:, 2] > 0.9).sum() == len(boxes.names)


@pytest.fixture
def untried():
    """No trial window was made yet."""
    render.window.cache_clear()
    yield
    render.window.cache_clear()


SETTINGS = (
    {},
    {"DISPLAY": ":99"},
    {"VTK_EGL_DEVICE_INDEX": "99"},
    {"VTK_DEFAULT_OPENGL_WINDOW": "vtkOSOpenGLRenderWindow"},
    {"VTK_DEFAULT_OPENGL_WINDOW": "vtkXOpenGLRenderWindow"},
    {"VTK_DEFAULT_OPENGL_WINDOW": "vtkNoWindow"},
)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_picture_or_one_line_with_the_remedy(tmp_path, settings):
    path = tmp_path / "row.png"
    code = f"import sys; sys.argv = ['twin', 'export', 'dps_demo', '--to', 'png', '-o', {str(path)!r}]\n"
    done = in_a_process(code + "from twin.app.cli import main; main()", **settings)
    if done.returncode == 0:
        assert picture_size(path) == hall.WINDOW
        return
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("export png: ") and "libegl1 libegl-mesa0 libgl1-mesa-dri libgl1, or libosmesa6" in line
    assert all(f"{name}={value} is set" in line for name, value in settings.items())
    assert list(tmp_path.iterdir()) == []


def test_a_crash_of_the_trial_is_an_error_with_the_packages(result, tmp_path, monkeypatch, untried):
    monkeypatch.setattr(render, "TRIAL", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    for name in render.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VTK_EGL_DEVICE_INDEX", "7")
    with pytest.raises(render.RenderError) as found:
        hall.export(result, tmp_path / "hall.png")
    assert str(found.value) == f"{render.NO_GL}; VTK_EGL_DEVICE_INDEX=7 is set"
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_the_trial_lacks_is_named(monkeypatch, untried):
    monkeypatch.setattr(render, "TRIAL", "raise ImportError('libXrender.so.1: cannot open shared object file')")
    with pytest.raises(render.RenderError, match=r"ImportError: libXrender\.so\.1: cannot open shared object file$"):
        render.ready("png")


def test_a_trial_that_hangs_is_given_up(monkeypatch, untried):
    monkeypatch.setattr(render, "TRIAL", "import time; time.sleep(60)")
    monkeypatch.setattr(render, "PATIENCE", 0.2)
    with pytest.raises(render.RenderError, match="did not end"):
        render.ready("png")


def test_a_window_is_tried_once_and_then_asked_for(monkeypatch, untried):
    monkeypatch.setattr(render, "TRIAL", "print('vtkEGLRenderWindow')")
    monkeypatch.setenv(render.WINDOW, "")
    monkeypatch.delenv(render.WINDOW)
    assert render.window() == "vtkEGLRenderWindow"
    assert os.environ[render.WINDOW] == "vtkEGLRenderWindow"
    monkeypatch.setattr(render, "TRIAL", "raise SystemExit(3)")
    assert render.window() == "vtkEGLRenderWindow"


def test_without_pyvista_the_pip_command_is_named(result, tmp_path, monkeypatch):
    monkeypatch.setattr(render, "find_spec", lambda name: None)
    with pytest.raises(render.RenderError, match=r'pip install "aifactory-twin\[viz\]"'):
        hall.export(result, tmp_path / "hall.vtp", "vtk")


def test_a_layout_without_places_cannot_be_drawn(small):
    text = small.replace(', at: ["{r} m", 1 m, 0 m]', "")
    with pytest.raises(render.RenderError, match="place"):
        hall.boxes(twin.solve(twin.load(text)))


def test_a_wrong_ending_is_refused(result, tmp_path):
    with pytest.raises(twin.LayoutError, match=r"\.vtp"):
        hall.export(result, tmp_path / "hall.stl", "vtk")


def test_pictures_keep_no_shaders_in_the_users_caches(tmp_path, monkeypatch):
    """Mesa maps what it keeps into memory: on a full disk the process would end by a bus error."""
    monkeypatch.delenv(render.NO_SHADERS, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    render.window.cache_clear()
    render.window()
    assert not list(tmp_path.glob("mesa*"))


def test_an_export_by_the_command_line_reads_back(tmp_path):
    import pyvista as pv

    path = tmp_path / "row.vtp"
    code = f"import sys; sys.argv = ['twin', 'export', 'dps_demo', '--to', 'vtk', '-o', {str(path)!r}]\n"
    done = in_a_process(code + "from twin.app.cli import main; main()")
    assert (done.returncode, done.stderr) == (0, "")
    assert pv.read(path).n_cells == 6 * 14


def test_a_view_is_a_picture_in_a_notebook_and_one_line_without_a_display(result, tmp_path):
    without = in_a_process(
        "import twin\ntry:\n    twin.view('gb300_hall')\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    assert without.stdout.startswith("RenderError no display for a window; write a picture")
    assert without.stdout.count("\n") == 1
    notebook = in_a_process(
        "import sys, types, twin\n"
        "sys.modules['IPython'] = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=True))\n"
        f"open({str(tmp_path / 'hall.png')!r}, 'wb').write(twin.view('gb300_hall')._repr_png_())"
    )
    assert notebook.returncode == 0, notebook.stderr
    assert picture_size(tmp_path / "hall.png") == hall.WINDOW


def test_the_command_view_says_in_one_line_that_there_is_no_display():
    code = "import sys; from twin.app.cli import main; sys.argv = ['twin', 'view', 'dsx_row']; main()"
    done = in_a_process(code)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("view: ") and done.stderr.count("\n") == 1
