"""Many scenarios of which some outputs are kept: the numbers of a plain solve, in the memory of what is asked for."""

import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from conftest import SMALL

import twin
from twin.air.turns import AirSolution, FiniteVolume
from twin.columns import FIGURES
from twin.elements import Status, total
from twin.facility.scenarios import read
from twin.plant.compile import compile
from twin.results import dataset as datasets
from twin.results.limits import exceeded, tightest
from twin.solver import pace
from twin.solver.pace import Pace, duration
from twin.solver.steady import steady
from twin.study import parts, stream

COUNT = 21
NEVER = {3, 8, 9, 10, 11}
"""Scenarios that cannot be, a whole chunk of four among them."""

MIXED = {
    "site.dry_bulb": [np.nan if i in NEVER else 270.0 + 2.2 * i for i in range(COUNT)],
    "rack.utilisation": np.linspace(0.2, 1.0, COUNT),
    "cdu.in_service": [0.0 if i % 5 == 4 else 1.0 for i in range(COUNT)],
    "trim.in_service": [0.0 if i % 7 == 6 else 1.0 for i in range(COUNT)],
    "serving.interactivity": np.resize([60.0, 100.0, 400.0], COUNT),
    "economics.works": np.resize([0.0, 0.0, 0.0, 0.0, 2.0], COUNT),
    "scenario": np.arange(COUNT).astype("M8[D]"),
}
"""Sound, impossible and lost scenarios, with different topologies, terms and prices."""

ENTRIES = ["pue", "yearly_cost", "rack_power", "rack_recommended_margin", "warnings", "iterations"]
"""Variables of several kinds."""

UNITS = {"temperature": "K", "fraction": "1", "power": "W", "pressure": "Pa"}


@pytest.fixture(scope="module")
def hall():
    return twin.load(SMALL.replace("wet_bulb: 20 degC", "relative_humidity: 40 %"))


@pytest.fixture(scope="module")
def whole(hall):
    return twin.solve(hall, MIXED)


@pytest.fixture
def chunks(monkeypatch):
    """Chunks of four scenarios, and how many each has had."""
    sizes = []
    inner = parts.solve_air

    def noted(plant, *rest):
        sizes.append(plant.scenarios)
        return inner(plant, *rest)

    monkeypatch.setattr(stream, "CHUNK", 4)
    monkeypatch.setattr(parts, "solve_air", noted)
    return sizes


def same(found, known):
    """Check variables of two datasets bit for bit."""
    for name in found.variables:
        a, b = found[name], known[name]
        assert (a.dims, a.dtype, a.attrs) == (b.dims, b.dtype, b.attrs), name
        np.testing.assert_array_equal(a.values, b.values, err_msg=name)
        if a.dtype == float:
            assert (np.signbit(a.values) == np.signbit(b.values)).all(), name


# ---- what is asked for -------------------------------------------------------------------------------------------


def test_every_variable_is_that_of_a_plain_solve_whatever_the_chunks(hall, whole, chunks):
    """Of scenarios that cannot be, that lose a loop, and that are sound."""
    names = [str(name) for name in whole.dataset.data_vars]
    kept = twin.solve(hall, MIXED, outputs=names)
    assert chunks == [4, 4, 4, 4, 4, 1]
    assert set(kept.variables) == set(whole.dataset.variables)
    same(kept, whole.dataset)
    states = {Status(int(s)) for s in kept["status"].values}
    assert {Status.OK, Status.INVALID} < states, "there must be others than sound and impossible ones"
    told = {k: v for k, v in kept.attrs.items() if k != "wall_seconds"}
    assert told == {k: v for k, v in whole.dataset.attrs.items() if k != "wall_seconds"}
    assert kept.attrs["wall_seconds"] > 0


@pytest.mark.parametrize("name", ENTRIES)
def test_one_variable_brings_status_and_reason_and_no_other(hall, whole, name, chunks):
    kept = twin.solve(hall, MIXED, outputs=[name])
    assert set(kept.data_vars) == {name, "status", "reason"}
    assert set(kept.coords) == {str(d) for d in whole[name].dims} | {a for a in MIXED if a != "scenario"}
    same(kept, whole.dataset)


def test_figures_stand_for_all_of_them(hall, whole):
    kept = twin.solve(hall, MIXED, outputs=("figures", "cdu_duty"))
    assert set(kept.data_vars) == {*FIGURES, "cdu_duty", "status", "reason"}
    same(kept, whole.dataset)


def test_limits_are_the_tightest_of_every_scenario(hall, whole, chunks):
    kept = twin.solve(hall, MIXED, outputs=["limits"])
    assert set(kept.data_vars) == {*datasets.LIMITS, "status", "reason"}
    table = whole.table("scenarios")
    assert list(kept["tightest_limit"].values) == list(table["tightest_limit"])
    assert list(kept["element"].values) == list(table["element"])
    np.testing.assert_array_equal(100.0 * kept["relative_margin"], table["relative_margin [%]"])
    np.testing.assert_array_equal(kept["limit_exceeded"], whole["limit_exceeded"])
    for i in range(COUNT):
        one, found = kept.isel(scenario=i), whole.worst(i)[0]
        assert (one["tightest_limit"], one["element"], one["relative_margin"]) == (
            found.name,
            found.element,
            found.relative,
        )
        np.testing.assert_array_equal([one["value"], one["bound"]], [found.value, found.bound])
        assert str(one["unit"].values) == UNITS[found.dimension]
    np.testing.assert_array_equal(tightest(whole.solution).exceeded, exceeded(whole.margins))


def test_a_plant_without_limits_has_none():
    bare = """
version: 1
name: bare
site: {dry_bulb: 20 degC}
limits: {ignore: [utility_contract, voltage, rack_air_inlet, rack_air_inlet_cold, junction_temperature, throttling]}
components:
  grid: {type: utility, voltage: 415 V}
  chips: {type: rack, nameplate: 30 kW, cords: 1, accelerators: 4, chip_power: 900 W}
connections:
  - [power, grid.out, chips.feed]
"""
    result = twin.solve(bare)
    kept = twin.solve(bare, outputs=["limits"])
    assert not result.worst() and not kept["limit_exceeded"].item()
    assert kept["tightest_limit"].item() == kept["element"].item() == kept["unit"].item() == ""
    assert np.isnan([kept["value"].item(), kept["bound"].item(), kept["relative_margin"].item()]).all()


IDLE = {"pue": ("tightest", "warnings"), "limits": ("figures", "warnings"), "rack_power": ("figures", "tightest")}


@pytest.mark.parametrize("name", IDLE)
def test_nothing_is_worked_out_that_is_not_asked_for(hall, monkeypatch, name):
    def refuse(*_):
        raise AssertionError("nobody asked")

    for other in IDLE[name]:
        monkeypatch.setattr(datasets, other, refuse)
    assert twin.solve(hall, outputs=[name])["element" if name == "limits" else name].size


def test_a_chunk_has_as_many_scenarios_as_its_memory_holds(hall, chunks, monkeypatch):
    (_, plant), *_ = parts.plants(hall)
    one = parts.column_bytes(plant)
    assert one == 8 * sum(len(v) for v in steady(plant).columns.values()) < parts.column_bytes(compile(hall))
    monkeypatch.setattr(stream, "MEMORY", 3 * one)
    twin.solve(hall, {"site.dry_bulb": np.full(7, 300.0)}, outputs=["pue"])
    monkeypatch.setattr(stream, "MEMORY", one // 2)
    twin.solve(hall, {"site.dry_bulb": np.full(2, 300.0)}, outputs=["pue"])
    assert chunks == [3, 1, 3, 1, 1]


def test_computed_air_is_averaged_in_all_scenarios_at_once(hall, chunks, monkeypatch):
    monkeypatch.setattr(
        parts, "solve_air", lambda plant, *_: chunks.append(plant.scenarios) or AirSolution(plant, steady(plant))
    )
    twin.solve(hall, {"site.dry_bulb": np.full(7, 300.0)}, outputs=["pue", "rack_inlet_error"], air=FiniteVolume())
    assert chunks == [7]
    with pytest.raises(twin.LayoutError, match="no 'rack_inlet_error'"):
        twin.solve(hall, outputs=["rack_inlet_error"])


# ---- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        (["puu"], "no 'puu'; did you mean 'pue'?"),
        (["pue", "rack_pwer"], "no 'rack_pwer'; did you mean 'rack_power'?"),
        (["figure"], "no 'figure'; did you mean 'figures'?"),
        (["zzz"], """no 'zzz'; there are "figures", "limits", "bound", and the variables of a result's dataset"""),
        ([["pue"]], "no ['pue']; did you mean 'pue'?"),
        ([7], """no 7; there are "figures", "limits", "bound", and the variables of a result's dataset"""),
        ("pue", """'pue' is no list of names; give names, such as outputs=["figures", "limits"]"""),
        (7, """7 is no list of names; give names, such as outputs=["figures", "limits"]"""),
        ([], """is empty; give names, such as outputs=["figures", "limits"]"""),
    ],
)
def test_outputs_that_there_are_not_are_refused_before_any_solving(hall, chunks, outputs, told):
    with pytest.raises(twin.LayoutError) as error:
        twin.solve(hall, MIXED, outputs=outputs)
    assert str(error.value) == f"outputs: {told}" and not chunks


@pytest.mark.parametrize("given", [[], {"site.dry_bulb": []}, {"site.dry_bulb": [np.nan, np.nan]}])
def test_scenarios_that_cannot_be_are_refused_in_a_line(hall, given):
    with pytest.raises(twin.LayoutError) as error:
        twin.solve(hall, given, outputs=["pue"])
    assert "\n" not in str(error.value)


def test_terms_that_cannot_be_served_are_refused_before_any_solving(hall, chunks):
    with pytest.raises(twin.LayoutError, match="with 1000/1024 tokens"):
        twin.solve(hall, {"serving.input_tokens": [1024] * 9 + [1000]}, outputs=["pue"])
    assert not chunks


def test_results_too_large_to_keep_are_refused_with_their_size_and_the_remedy(monkeypatch):
    def refuse(*_):
        raise AssertionError("solved")

    hall = twin.load("gb300_hall")
    solved = twin.solve(hall).parts
    monkeypatch.setattr(parts, "solve_air", refuse)
    count = 400_000
    size = count * parts.column_bytes(compile(hall)) / 1e9
    assert size > 8.0
    given = {"site.dry_bulb": np.full(count, 300.0)}
    told = (
        f"gb300_hall.yaml: scenarios: 400,000 scenarios with all their columns take {size:.0f} GB, more than the 8 GB "
        'that are kept; keep what is needed of them, such as outputs=["figures", "limits"]'
    )
    with pytest.raises(twin.LayoutError) as error:
        twin.solve(hall, given, symmetry=False)
    assert str(error.value) == told
    kept = twin.api.Result(hall, read(hall, given), solved, twin.Mixed())
    for too_large in ("dataset", "solution", "margins"):
        with pytest.raises(twin.LayoutError) as error:
            getattr(kept, too_large)
        assert str(error.value) == told


# ---- how far it is -----------------------------------------------------------------------------------------------


def test_progress_tells_the_rate_and_the_time_left_twice_a_second_at_most(monkeypatch):
    now = SimpleNamespace(time=0.0)
    monkeypatch.setattr(pace.time, "monotonic", lambda: now.time)
    told = []
    counted = Pace(1_000_000, told.append)
    for _ in range(32):
        now.time += 0.125
        counted.advance(164)
    assert len(told) == 8
    assert told[-1] == "5,248 of 1,000,000 scenarios, 1,310/s, 13 min left"
    nearly = Pace(8_000, told.append)
    now.time += 2.0
    nearly.advance(6_000)
    assert told.pop() == "6,000 of 8,000 scenarios, 3,000/s, 1 s left"
    alone = Pace(1, told.append)
    now.time += 9.0
    alone.advance(1)
    assert len(told) == 8, "one scenario is no progress"
    Pace(9, None).advance(9)
    assert [duration(s) for s in (0.4, 44.6, 99.6, 5900, 7200)] == ["0 s", "45 s", "2 min", "98 min", "2.0 h"]


@pytest.mark.parametrize("more", [{}, {"outputs": ["pue"]}])
def test_every_scenario_that_ends_is_counted(hall, chunks, monkeypatch, more):
    monkeypatch.setattr(pace, "INTERVAL", 0.0)
    told = []
    twin.solve(hall, MIXED, progress=told.append, **more)
    counts = [int(text.split()[0]) for text in told]
    assert counts == sorted(counts) and counts[-1] == COUNT
    assert all(f" of {COUNT} scenarios, " in text and text.endswith(" s left") for text in told)


INTERRUPT = """
import sys
import numpy as np
import twin
from twin.app import cli
from twin.study import stream
stream.CHUNK = 16

def show(text):
    print(text, flush=True)

def many():
    given = {"site.dry_bulb": np.linspace(280.0, 300.0, 100_000)}
    return twin.solve(sys.argv[1], given, outputs=["pue"], progress=show)
"""

CAUGHT = """
try:
    many()
except twin.Interrupted as stop:
    assert isinstance(stop, KeyboardInterrupt)
    known = twin.solve(sys.argv[1], {"site.dry_bulb": stop.dataset["site.dry_bulb"].values[-3:]})
    np.testing.assert_array_equal(stop.dataset["pue"].values[-3:], known["pue"].values)
    print(stop, stop.dataset.sizes["scenario"], int(stop.dataset["status"].sum()))
"""

COMMAND = """
path = sys.argv[1]

@cli.app.command("many")
def command() -> None:
    sys.argv = ["twin", path]
    many()

sys.argv = ["twin", "many"]
cli.main()
"""


def interrupted(tmp_path, code):
    """A process that gets SIGINT after some scenarios: its exit code, the last line of stdout, and stderr."""
    layout = tmp_path / "small.yaml"
    layout.write_text(SMALL, "utf-8")
    command = [sys.executable, "-c", INTERRUPT + code, str(layout)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if int(line.split()[0].replace(",", "")) >= 64:
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=400)
    return process.returncode, (out.splitlines() or [""])[-1], err


def test_an_interrupt_keeps_what_was_done(tmp_path):
    code, line, err = interrupted(tmp_path, CAUGHT)
    assert (code, err) == (0, "")
    words = line.split()
    assert line.startswith("stopped after ") and line.endswith(f" of 100,000 scenarios {words[-2]} 0")
    assert words[2] == f"{int(words[-2]):,}" and int(words[-2]) >= 48 and int(words[-2]) % 16 == 0


def test_the_command_line_tells_in_a_line_how_far_it_was(tmp_path):
    status, _, err = interrupted(tmp_path, COMMAND)
    assert status == 130
    assert err.startswith("stopped after ") and err.endswith(" of 100,000 scenarios\n") and err.count("\n") == 1


def test_an_interrupt_before_the_first_chunk_has_no_scenario(hall, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(parts, "solve_air", stop)
    with pytest.raises(twin.Interrupted, match=f"^stopped after 0 of {COUNT} scenarios$") as error:
        twin.solve(hall, MIXED, outputs=["pue"])
    assert isinstance(error.value.dataset, xr.Dataset) and error.value.dataset.sizes == {"scenario": 0}


def test_an_interrupt_after_two_chunks_has_their_scenarios(hall, monkeypatch):
    calls, solve = [], parts.solve_air

    def stop(*given):
        calls.append(given)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return solve(*given)

    monkeypatch.setattr(stream, "CHUNK", 3)
    monkeypatch.setattr(parts, "solve_air", stop)
    with pytest.raises(twin.Interrupted, match=f"^stopped after 6 of {COUNT} scenarios$") as error:
        twin.solve(hall, MIXED, outputs=["pue"])
    monkeypatch.undo()
    done = error.value.dataset
    assert done.sizes == {"scenario": 6}
    np.testing.assert_array_equal(done["pue"].values, twin.solve(hall, MIXED)["pue"].values[:6])


# ---- the same whatever stands beside it --------------------------------------------------------------------------


def test_sums_of_rows_are_the_same_in_any_number_of_scenarios():
    rows = np.random.default_rng(1).standard_normal((37, 300)) * 1e6
    known = [sum(column[1:].tolist(), column[0]) for column in rows.T]
    for count in (1, 2, 63, 64, 300):
        np.testing.assert_array_equal(total(rows[:, :count]), known[:count])
