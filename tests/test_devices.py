"""The whole solve where arrays live on a GPU, through a stand-in for CuPy: the answers of the CPU."""

import os
import sys

import cupy_double
import numpy as np
import pytest
import solves
from closet import ROOM
from twin.kernels import arrays, launch

import twin
from twin.columns import bus, engine, line, node, source
from twin.elements import Status
from twin.plant.compile import compile
from twin.solver.steady import steady

REQUIRED = bool(os.environ.get("TWIN_REQUIRE_COMPILERS"))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    if not cupy_double.there():
        assert not REQUIRED, "no g++"
        pytest.skip("no g++ here")
    return cupy_double.compiler(tmp_path_factory.mktemp("kernels"))


@pytest.fixture
def device(compiled, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", cupy_double.MODULE)
    monkeypatch.setattr(launch, "_cuda_function", compiled)
    return cupy_double.MODULE


@pytest.mark.parametrize("layout", [n for n in twin.shipped() if n != "campus_1gw"])
def test_a_device_gives_the_cpus_answers(layout, device):
    assert solves.compare(layout).device == "stand-in"


def test_a_device_gives_the_cpus_answers_for_chips_that_draw_what_they_serve(device):
    assert solves.compare("gb300_hall", solves.SERVED).device == "stand-in"


def test_a_device_tells_scenarios_that_cannot_be(device):
    plant = compile(twin.load("dsx_row"), {"site.dry_bulb": [300.0, np.nan, 301.0]})
    here, there = steady(plant), steady(plant, device="cuda")
    assert list(there.status) == list(here.status) == [Status.OK, Status.INVALID, Status.OK]
    assert np.isnan(there.audit[1])


def test_a_device_parts_scenarios_by_topology_and_by_memory(device, monkeypatch):
    """Feeds in and out of service, two scenarios at a time, one that cannot be fed."""
    facility = twin.load("gb300_hall")
    feeds = [n for n, p in facility.components.items() if p.kind == "ups"]
    values = {f"{feeds[0]}.in_service": [1, 0, 1, 1, 0], "site.dry_bulb": [300.0, 301.0, 302.0, 303.0, 304.0]}
    values["rack.it_power"] = [1e5, 1e5, 1e5, 3e6, 1e5]
    plant = compile(facility, values)
    here = steady(plant)
    monkeypatch.setattr(arrays, "max_scenarios", lambda *_: 2)
    for module in ("kernels.rows", "kernels.power_flow", "solver.steady"):
        monkeypatch.setattr(f"twin.{module}.max_scenarios", lambda *_: 2)
    there = steady(plant, device="cuda")
    np.testing.assert_array_equal(there.status, here.status)
    assert 0 < (here.status == 0).sum() < 5
    good = here.status == 0
    for column in (node.temperature, engine.power, bus.voltage, line.power, source.power):
        np.testing.assert_allclose(there[column][:, good], here[column][:, good], rtol=1e-9, err_msg=column.name)


def test_a_device_gives_the_cpus_air(device, tmp_path):
    """A room's air, its average, and the plant with it; most steps are replayed from one graph."""
    path = tmp_path / "closet.yaml"
    path.write_text(ROOM)
    still = {"momentum": "limited"}  # central momentum keeps eddies, which rounding sets on other ways
    air = twin.FiniteVolume(cell=0.25, tolerance=2.0, coarse=False, turns=1, precision="float64", **still)
    here, there = (twin.solve(path, air=air, device=d) for d in ("cpu", "cuda"))
    for name in ("rack_inlet_temperature", "crah_intake_temperature", "air_heat_imbalance"):
        np.testing.assert_allclose(there.dataset[name], here.dataset[name], rtol=1e-6, atol=1e-6, err_msg=name)
    assert there.dataset.attrs["device"] == "stand-in"
    there.field("hall")


def test_sums_are_the_same_bits_in_both_homes(device):
    rng = np.random.default_rng(0)
    row, values = rng.integers(0, 5, 40), rng.normal(size=(40, 7)) * 10.0 ** rng.integers(-8, 8, (40, 1))
    varied = rng.integers(0, 5, (40, 7))
    for rows in (row, varied):
        for some in (values, values[:, :1], values + 1j * values[::-1]):
            expected = np.zeros((5, 7), some.dtype)
            np.add.at(expected, (rows if rows.ndim == 2 else rows[:, None], np.arange(7)), some)
            here = arrays.add_rows(np.zeros((5, 7), some.dtype), rows, some)
            there = arrays.add_rows(device.zeros((5, 7), some.dtype), device.asarray(rows), device.asarray(some))
            np.testing.assert_array_equal(here, expected)
            np.testing.assert_array_equal(there.get(), expected)


def test_a_device_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(arrays.DeviceError, match=r"CuPy is not installed; pip install 'aifactory-twin\[cuda13\]'"):
        twin.solve("dsx_row", device="cuda")
    with pytest.raises(arrays.DeviceError, match="auto, cpu, cuda"):
        twin.solve("dsx_row", device="tpu")
    assert twin.solve("dsx_row", device="auto").dataset.attrs["device"] == "cpu"
