"""Pictures and meshes, and what is said where no window can be made."""

import os
import struct
import subprocess
import sys

import numpy as np
import pytest

import twin

pytest.importorskip("pyvista")

from twin.show.scene import render, stage
from twin.show.scene.labels import looking


def in_a_process(code, **environment):
    """Run Python, without a display unless given one; a crash of VTK then stays in that process."""
    clean = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "VTK_DEFAULT_OPENGL_WINDOW")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=clean | environment)


def picture_size(path):
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:])


# ---- pictures ----------------------------------------------------------------------------------------------------


def pixels(path):
    import pyvista as pv

    values = np.asarray(pv.read(path).active_scalars).reshape(stage.WINDOW[1], stage.WINDOW[0], -1)
    return values[::-1, :, :3].astype(int)


def near(picture, colour, by=24):
    """Where a picture has a colour such as "#c8102e"."""
    return np.abs(picture - np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])).sum(axis=-1) < by


VIEWS = ({}, {"view": "row"}, {"view": "plant", "color": "loading"}, {"view": "top"})


@pytest.mark.parametrize("options", VIEWS, ids=str)
def test_a_picture_shows_the_scene_between_its_words(result, tmp_path, options):
    picture = pixels(result.scene(**options).save(tmp_path / "hall.png"))
    middle = picture[int((1 - stage.HEADER) * 900) : int((1 - stage.FOOTER) * 900)]
    drawn = ~near(middle, stage.GROUND, 12)
    assert drawn.mean() > 0.05
    assert len(np.unique(middle.reshape(-1, 3) // 16, axis=0)) > 30
    bar = picture[840:870, int(0.71 * 1600) : int(0.96 * 1600)]
    assert len(np.unique(bar.reshape(-1, 3), axis=0)) > 100  # the colour bar
    assert near(picture[30:80, 40:400], stage.INK, 60).sum() > 300  # the title


def test_what_binds_is_red_and_what_is_past_a_limit_orange(result, tmp_path):
    plain = pixels(result.scene().save(tmp_path / "plain.png"))[120:760]
    assert near(plain, stage.RED).sum() > 800 and near(plain, stage.ORANGE).sum() < 20
    hot = twin.solve("gb300_hall", {"site.dry_bulb": [323.15]})
    over = pixels(hot.scene().save(tmp_path / "hot.png"))[120:760]
    assert near(over, stage.ORANGE).sum() > 200


def test_labels_cover_nothing(result):
    scene = result.scene()
    points = scene.points_of("site")
    view = looking(stage.direction("site", points), points, stage.STAGE, stage.WINDOW)
    view.take(view.rectangles(scene.things.low, scene.things.low + scene.things.size))
    before = view.taken.copy()
    for name in ("hall", "electrical room", "a rather long name of a room"):
        at = view.place(name, 17, points[0])
        middle = view.project(at[None])[0]
        half = np.array([0.5 * 17 * len(name), 17]) / 2
        (x0, y0), (x1, y1) = ((middle - half) / 4).astype(int), ((middle + half) / 4).astype(int)
        assert not before[y0 : y1 + 1, x0 : x1 + 1].any()
        before = view.taken.copy()


def test_a_view_fills_its_part_of_the_picture():
    points = np.random.default_rng(0).uniform(-20, 30, (100, 3))
    for direction in stage.VIEWS.values():
        view = looking(np.array(direction), points, stage.STAGE, stage.WINDOW)
        share = view.project(points) / np.array(stage.WINDOW)
        x, y, width, height = stage.STAGE
        middle = (share.min(axis=0) + share.max(axis=0)) / 2
        np.testing.assert_allclose(middle, (x, y), atol=1e-6)
        assert np.max(np.ptp(share, axis=0) / (width, height)) == pytest.approx(1.0)


def test_a_gif_has_a_picture_of_each_scenario(weathers, tmp_path):
    image = pytest.importorskip("PIL.Image")
    moving = image.open(weathers.scene().save(tmp_path / "hall.gif"))
    assert moving.n_frames == 3 and moving.size == stage.WINDOW
    first = np.asarray(moving.convert("RGB"))
    moving.seek(2)
    assert (np.asarray(moving.convert("RGB")) != first).any()
    with pytest.raises(twin.LayoutError, match="export gif: needs several scenarios with a solution; there is only"):
        weathers.scene(frames=[1]).save(tmp_path / "one.gif")


def test_a_campus_is_drawn_as_its_halls(tmp_path):
    scene = twin.solve("campus_1gw").scene()
    assert scene.detail == "rooms" and scene.told == ("so many rooms are drawn as blocks",)
    picture = pixels(scene.save(tmp_path / "campus.png"))
    assert (~near(picture[120:760], stage.GROUND, 12)).mean() > 0.05


# ---- meshes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["vtp", "vtk"])
def test_a_mesh_reads_back(result, tmp_path, ending):
    import pyvista as pv

    scene = result.scene()
    data = pv.read(scene.save(tmp_path / f"hall.{ending}"))
    assert [p.name for p in tmp_path.iterdir()] == [f"hall.{ending}"]
    things, owner = scene.things, data.cell_data["name_id"]
    assert list(data.field_data["names"]) == list(things.names)
    kinds = data.field_data["kinds"]
    first = [np.argmax(owner == i) for i in range(len(things.names))]
    assert [kinds[k] for k in data.cell_data["kind_id"][first]] == list(things.kinds)
    value = data.cell_data["rack inlet temperature [degC]"]
    np.testing.assert_allclose(value, scene.shown_values[owner])
    i = things.row["r303"]
    own = data.extract_cells(np.flatnonzero(owner == i)).bounds
    np.testing.assert_allclose(own[::2], things.low[i], atol=1e-4)
    np.testing.assert_allclose(own[1::2], things.low[i] + things.size[i], atol=1e-4)


def test_blocks_read_back_by_kind(result, tmp_path):
    import pyvista as pv

    scene = result.scene()
    data = pv.read(scene.save(tmp_path / "hall.vtm"))
    assert {*scene.things.kinds, "pipes", "cables", "rooms"} == set(data.keys())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hall", "hall.vtm"]
    cdus = data["cdu"]
    row = list(cdus.field_data["names"]).index("cdu3")
    duty = cdus.cell_data["cdu_duty"][np.argmax(cdus.cell_data["name_id"] == row)]
    assert duty == pytest.approx(float(result["cdu_duty"].sel(cdu="cdu3")[0]))
    assert data["pipes"].cell_data["temperature_K"].max() == pytest.approx(scene.coolant.temperature.max())


def test_computed_air_reads_back_where_the_room_is(with_air, tmp_path):
    import pyvista as pv

    data = pv.read(with_air.scene().save(tmp_path / "closet.vtm"))
    air, field = data["air of hall"], with_air.field("hall").isel(scenario=0)
    np.testing.assert_allclose(air.bounds, (10.0, 16.0, 5.0, 7.0, 0.0, 2.8))
    np.testing.assert_allclose(air.cell_data["temperature_degC"], field["temperature"].values.ravel() - 273.15)
    cell = air.find_containing_cell((12.5, 5.5, 1.0))
    here = field.sel(x=2.5, y=0.5, z=1.0, method="nearest")
    np.testing.assert_allclose(air.cell_data["velocity_m_per_s"][cell], [here[f"velocity_{c}"] for c in "xyz"])
    for ending in ("vti", "npz"):
        path = with_air.scene().save(tmp_path / f"air.{ending}")
        read = pv.read(path).cell_data if ending == "vti" else np.load(path)
        np.testing.assert_allclose(read["temperature_degC"].ravel(), air.cell_data["temperature_degC"])
    edges = np.load(path)
    assert (edges["x"][0], edges["z"][-1]) == pytest.approx((10.0, 2.8))


def test_fields_name_their_room(result, tmp_path):
    with pytest.raises(twin.LayoutError, match="holds the air of one computed room: there are none; solve with air="):
        result.scene().save(tmp_path / "air.vti")


@pytest.mark.parametrize("kind", ["slices", "isosurfaces", "streamlines"])
def test_computed_air_is_drawn(with_air, tmp_path, kind):
    without = pixels(with_air.scene(air=()).save(tmp_path / "without.png"))
    drawn = pixels(with_air.scene(air=(kind,)).save(tmp_path / "with.png"))
    assert (np.abs(drawn - without)[120:760].sum(axis=-1) > 20).mean() > 0.005
    scene = with_air.scene(air=(kind,))
    assert scene.scale.title == "air, and rack inlets [°C]"
    low, high = np.nanpercentile(with_air.field("hall")["temperature"].values - 273.15, [2, 98])
    assert scene.scale.low <= low and scene.scale.high >= high


def test_a_slice_goes_across_the_rows(with_air):
    from twin.show.scene import air

    ((room, cut),) = air.shown(with_air, "slices")
    assert room == "hall"
    assert np.ptp(cut.bounds[2:4]) == 0.0 and cut.bounds[0] == 10.0
    assert cut.area == pytest.approx(6.0 * 2.8, abs=0.5)
    ((_, surface),) = air.shown(with_air, "isosurfaces")
    assert len(np.unique(np.round(surface.point_data[air.TEMPERATURE], 3))) == 3


def test_what_a_scene_cannot_be_is_refused(result, tmp_path):
    for options, told in (
        ({"view": "hal"}, "scene: view: no 'hal'; did you mean 'hall'"),
        ({"scenario": 3}, "scene: scenario 3 is none of the 1 there are, counted from 0"),
        ({"frames": [0, 7]}, "scene: scenario 7 is none"),
        ({"color": "inlet"}, "gb300_hall: color: nothing is called 'inlet'"),
    ):
        with pytest.raises(twin.LayoutError, match=told):
            result.scene(**options)
    with pytest.raises(twin.LayoutError, match=r"a scene is written as .png, .gif, .html, .glb"):
        result.scene().save(tmp_path / "hall.stl")
    with pytest.raises(twin.LayoutError, match=r"ending '.png' is not .glb"):
        twin.export(result, tmp_path / "hall.png", "glb")
    with pytest.raises(twin.LayoutError, match="no folder"):
        result.scene().save(tmp_path / "none" / "hall.glb")
    assert list(tmp_path.iterdir()) == []


def test_a_written_result_is_drawn_as_it_was(weathers, tmp_path):
    again = twin.open_result(weathers.write(tmp_path / "hall.nc"))
    one, other = (r.scene(scenario=2).save(tmp_path / f"{k}.glb") for k, r in enumerate((weathers, again)))
    assert one.read_bytes() == other.read_bytes()


# ---- windows -----------------------------------------------------------------------------------------------------


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
        assert picture_size(path) == stage.WINDOW
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
        twin.export(result, tmp_path / "hall.png")
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
        twin.export(result, tmp_path / "hall.vtp", "vtk")


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
    assert len(np.unique(pv.read(path).cell_data["name_id"])) == 14


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
    assert picture_size(tmp_path / "hall.png") == stage.WINDOW


def test_the_command_view_says_in_one_line_that_there_is_no_display():
    code = "import sys; from twin.app.cli import main; sys.argv = ['twin', 'view', 'dsx_row']; main()"
    done = in_a_process(code)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("view: ") and done.stderr.count("\n") == 1
