import json
import os
import pty
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from twin.app.cli import app
from twin.show import summary

GOOD = """\
version: 1
name: small
description: Two liquid-cooled racks, one CDU, one dry cooler
site: {dry_bulb: 25 degC}
catalogue:
  tray: {type: liquid_rack, it_power: 130 kW, nameplate: 132 kW, cords: 1, platform: gb300, accelerators: 72,
         junction_limit: 126 degC, throttle_temperature: 126.5 degC}
components:
  grid: {type: utility, voltage: 415 V, contract: 1 MW}
  r1: {model: tray}
  r2: {model: tray, it_power: 120 kW}
  cdu: {type: cdu, capacity: 400 kW, control: head, head: 90 kPa}
  tank: {type: expansion_tank}
  pump: {type: pump, control: head, head: 150 kPa}
  cooler: {type: dry_cooler}
connections:
  - [power, grid.out, r1.feed]
  - [power, grid.out, r2.feed]
  - [power, grid.out, cdu.feed]
  - [power, grid.out, pump.feed]
  - [power, grid.out, cooler.feed]
  - [coolant, cdu.tcs_supply, r1.supply]
  - [coolant, cdu.tcs_supply, r2.supply]
  - [coolant, r1.return, cdu.tcs_return]
  - [coolant, r2.return, cdu.tcs_return]
  - [coolant, cooler.out, cdu.fws_supply]
  - [coolant, cdu.fws_return, pump.in]
  - [coolant, pump.out, cooler.in]
  - [coolant, tank.port, pump.in]
cases:
  hot: {site.dry_bulb: 38 degC}
"""

TANK = ("  tank: {type: expansion_tank}\n", "  - [coolant, tank.port, pump.in]\n")

FAULTY = {
    "unknown type": ([("type: dry_cooler", "type: dry_coler")], ["cooler", "type", "dry_cooler"]),
    "unknown field": ([("capacity: 400 kW", "capcity: 400 kW")], ["cdu", "capcity", "capacity"]),
    "missing port": ([("  - [coolant, cooler.out, cdu.fws_supply]\n", "")], ["cdu", "fws_supply", "not connected"]),
    "two feeds, one cord": (
        [("connections:\n", "connections:\n  - [power, grid.out, r1.feed]\n")],
        ["r1", "feed", "cords"],
    ),
    "no pressure reference": ([(TANK[0], ""), (TANK[1], "")], ["fws_return", "pressure reference"]),
    "pump of zero slope": (
        [("head: 150 kPa", "head: 150 kPa, quadratic: 0, quartic: 0")],
        ["pump", "quadratic", "slope"],
    ),
    "bare number": ([("capacity: 400 kW", "capacity: 400000")], ["cdu", "capacity", "kW"]),
    "wrong dimension": ([("control: head, head: 150 kPa", "control: flow, flow: 20 kW")], ["pump", "flow", "power"]),
    "nan": ([("it_power: 120 kW", "it_power: nan kW")], ["r2", "it_power", "finite"]),
    "yaml nan": ([("it_power: 120 kW", "utilisation: .nan")], ["r2", "utilisation", "finite"]),
    "negative capacity": ([("capacity: 400 kW", "capacity: -400 kW")], ["cdu", "capacity", "-400 kW"]),
    "duplicate names": ([("  tank:", "  r1: {model: tray}\n  tank:")], ["r1", "duplicate"]),
    "cyclic reference": (
        [("  tray: {type: liquid_rack,", "  a: {base: tray}\n  tray: {base: a,")],
        ["r1", "cyclic", "tray"],
    ),
    "cyclic alias": ([("cases:\n", "cases: &c\n  loop: *c\n")], ["line 3", "recursive"]),
    "object tag": ([("25 degC", "!!python/object/apply:os.system ['touch made']")], ["line 4", "tag"]),
    "no yaml": ([("components:", "components: {[")], ["line 10"]),
    "bad case": ([("site.dry_bulb: 38", "sight.dry_bulb: 38")], ["sight", "site"]),
}


@pytest.fixture
def good(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(GOOD)
    return path


def run(*arguments):
    """Exit code, stdout and stderr of the command line in this process."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def process(*arguments, **options):
    """The command line in a process of its own."""
    command = [sys.executable, "-c", "from twin.app.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


# ---- start-up ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--help"], ["solve", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    heavy = ("numpy", "xarray", "networkx", "llvmlite", "pyvista", "scipy", "zarr")
    code = (
        f"import sys\nsys.argv = ['twin', *{arguments!r}]\nfrom twin.app.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (0, "[]")


def test_a_solve_imports_no_more_than_it_uses():
    heavy = ("xarray", "pandas", "networkx", "scipy.sparse", "scipy.linalg", "h5netcdf", "zarr", "pyvista")
    code = (
        "import sys\nsys.argv = ['twin', 'solve', 'gb300_hall']\nfrom twin.app.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr.strip()) == (0, "[]")


# ---- what is printed ---------------------------------------------------------------------------------------------


def test_solve_prints_one_screen(good):
    code, out, err = run("solve", good)
    assert (code, err) == (0, "")
    words = ("facility power", "PUE", "heat to liquid", "cdu_duty", "binding limit", "kW per rack", "tokens/s per MW")
    assert all(word in out for word in (*words, "$ per million tokens", "$ per MW-year", "serving", "energy audit"))
    assert len(out.splitlines()) <= 40
    assert max(map(len, out.splitlines())) <= 120


def test_solve_json_is_one_document_that_agrees_with_the_screen(good):
    code, out, err = run("solve", good, "--json")
    found = json.loads(out)
    assert (code, err, found["status"]) == (0, "", "ok")
    assert found["it_power_mw"] == pytest.approx(0.25)
    assert found["density_scale"] > 1
    assert f"{found['pue']:.4f}" in run("solve", good, "--no-bound")[1]


def test_no_bound_skips_the_search(good):
    assert json.loads(run("solve", good, "--no-bound", "--json")[1])["density_scale"] is None


def test_case_and_set_reach_the_solve(good):
    pue = [json.loads(run("solve", good, "--no-bound", "--json", *more)[1])["pue"] for more in ([], ["--case", "hot"])]
    same = json.loads(run("solve", good, "--no-bound", "--json", "--set", "site.dry_bulb=38 degC")[1])["pue"]
    assert pue[1] == same != pue[0]


@pytest.mark.parametrize("ending", [".nc", ".zarr"])
def test_output_reads_back(good, ending):
    path = good.with_suffix(ending)
    assert run("solve", good, "--no-bound", "-o", path)[0] == 0
    engine = "h5netcdf" if ending == ".nc" else "zarr"
    with xr.open_dataset(path, engine=engine, **({"consolidated": False} if ending == ".zarr" else {})) as data:
        assert float(data["it_power"][0]) == pytest.approx(250e3)
    assert sorted(p.name for p in good.parent.iterdir()) == sorted([good.name, path.name])


def test_bound_has_a_table_of_limits(good):
    code, out, _ = run("bound", good)
    assert code == 0
    assert all(word in out for word in ("racks", "scale", "cdu_duty", "margin", "limits at the bound"))
    found = json.loads(run("bound", good, "--json", "--scale", "chip_power")[1])["bounds"]
    assert [(b["racks"], b["basis"]) for b in found] == [("all", "chip_power")]
    assert found[0]["binding_limit"]["margin"] == pytest.approx(0, abs=1.0)
    assert {"name", "element", "value", "bound", "margin"} <= set(found[0]["limits"][0])


def test_optimum_and_worth_print_a_screen_that_agrees_with_their_json():
    code, out, _ = run("optimum", "gb300_hall")
    found = json.loads(run("optimum", "gb300_hall", "--json")[1])
    assert code == 0 and f"{found['usd_per_million_tokens']:.4f}" in out and "utility_contract" in out
    assert found["densest"]["usd_per_million_tokens"] >= found["usd_per_million_tokens"] * (1 - 1e-8)
    code, out, _ = run("worth", "gb300_hall", "--price", "0.4 $/Mtok")
    value = json.loads(run("worth", "gb300_hall", "--price", "0.4 $/Mtok", "--json")[1])
    assert code == 0 and f"{value['megawatt']:,.0f} $ per year" in out


def test_agents_and_demand_have_their_lines():
    asked = ["--set", "serving.mode=physics", "--set", "serving.agents={users: 5000, tool_time: 2 s}"]
    code, out, _ = run("solve", "gb300_hall", "--no-bound", *asked, "--set", "serving.demand=[0.5, 1.0]")
    assert code == 0
    assert all(word in out for word in ("agents", "layers", "holds the rest back", "75.0% of the capacity sold"))


def test_validate_counts_components(good):
    code, out, _ = run("validate", good)
    assert code == 0
    assert all(word in out for word in ("small.yaml is valid", "liquid rack", "connections", "hot"))


def test_list_names_every_shipped_layout():
    from twin.facility.files import shipped

    code, out, _ = run("list")
    assert code == 0
    rows = out.splitlines()[1:]
    assert [row.split()[0] for row in rows if not row.startswith(" ")] == shipped()
    cases = rows[rows.index(next(row for row in rows if row.startswith("dsx_row"))) + 1 :][:6]
    assert [row.split()[0] for row in cases][:3] == ["edp_1_5", "edp_1_2", "one_lost"]
    assert "rpp4.in_service: false" in cases[2]
    assert max(map(len, rows)) < 150


# ---- layouts of one's own ----------------------------------------------------------------------------------------


def test_cat_prints_a_layout_as_it_is_written(good):
    from twin.facility.files import read_text

    assert run("cat", good) == (0, GOOD, "")
    assert run("cat", "dsx_row") == (0, read_text("dsx_row")[1], "")


def test_copy_writes_a_layout_that_loads_as_the_shipped_one(good):
    import twin

    assert run("copy", "dsx_row")[0] == 0
    assert twin.load("dsx_row.yaml").hash == twin.load("dsx_row").hash
    assert run("copy", "dsx_row", "mine.yml")[0] == 0
    assert Path("mine.yml").read_bytes() == Path("dsx_row.yaml").read_bytes()


def test_new_writes_a_small_layout_that_keeps_its_limits(good):
    import jsonschema
    import yaml

    import twin

    code, out, _ = run("new", "hall.yaml")
    assert (code, "twin solve hall.yaml" in out) == (0, True)
    facility = twin.load("hall.yaml")
    assert set(facility.count()) >= {"room", "liquid_rack", "cdu", "dry_cooler", "utility"}
    assert [n for n in facility.components if n.startswith("r0")] == ["r01", "r02", "r03", "r04"]
    jsonschema.Draft202012Validator(twin.schema()).validate(yaml.safe_load(Path("hall.yaml").read_text()))
    assert run("validate", "hall.yaml")[0] == 0
    for case in (None, *facility.cases):
        result = twin.solve("hall.yaml", case=case)
        assert result.ok and not result["limit_exceeded"].values[0], result.tightest()
        assert abs(result.figures.energy_audit[0]) < 1e-6


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["new", "small.yaml"], "small.yaml: exists; --force replaces it"),
        (["copy", "dsx_row", "small.yaml"], "small.yaml: exists; --force replaces it"),
        (["copy", "small.yaml"], "small.yaml: exists; --force replaces it"),
        (["copy", "dsx_rov"], "did you mean 'dsx_row'"),
        (["copy", "dsx_row", "x.txt"], "ending '.txt' is not .yaml or .yml"),
        (["new", "no/x.yaml"], "no folder no"),
        (["new", "x" * 300 + ".yaml"], "File name too long"),
        (["cat", "small.yml"], "no such file"),
    ],
)
def test_a_layout_is_not_written_over_nor_where_it_cannot_be(good, arguments, says):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "") and says in err
    assert (good.read_text(), [p.name for p in good.parent.iterdir()]) == (GOOD, [good.name])


def test_force_replaces_a_file(good):
    assert run("copy", "dsx_row", good, "--force")[0] == 0
    assert good.read_text() != GOOD
    assert [p.name for p in good.parent.iterdir()] == [good.name]


def test_validate_compiles_every_case(good):
    good.write_text(
        GOOD
        + """\
  cold: {r1.voltage: 480 V}
  free: {limits.ignore: [pump_capacity]}
  odd: {serving.model: Nobody-7B}
"""
    )
    code, out, err = run("validate", good)
    assert (code, out) == (2, "")
    cold, free, odd = err.splitlines()
    assert cold.startswith("small.yaml: case cold: bus ") and "480 V" in cold
    assert free == "small.yaml: case free: limits: ignore: pump has no limit 'pump_capacity'"
    assert odd.startswith("small.yaml: case odd: ") and "Nobody-7B" in odd
    assert run("validate", good, "--case", "hot")[0] == 0


# ---- what is printed, in full ------------------------------------------------------------------------------------


def test_schema_is_json_on_stdout_and_in_a_file(tmp_path):
    code, out, _ = run("schema")
    assert code == 0
    assert run("schema", "-o", tmp_path / "schema.json")[0] == 0
    assert json.loads(out) == json.loads((tmp_path / "schema.json").read_text())
    assert json.loads(out)["properties"]["version"] == {"const": 1}


def test_doctor_reports_libraries_gpu_rendering_and_extras():
    code, out, _ = run("doctor")
    assert code == 0
    words = ("python", "cores", "numpy", "llvmlite", "kernel cache", "GPU", "rendering", "extra viz")
    assert all(word in out for word in words)
    found = json.loads(run("doctor", "--json")[1])
    assert found["kernel_cache"]["why"] or found["kernel_cache"]["folder"] in out
    assert found["extras"]["viz"]["install"] == 'pip install "aifactory-twin[viz]"'
    assert (found["gpu"]["device"] is None) == bool(found["gpu"]["why"])


def test_verbose_logs_on_stderr(good):
    done = process("-v", "solve", good, "--no-bound", "--json")
    assert "twin: pass 1" in done.stderr
    assert json.loads(done.stdout)["status"] == "ok"


def test_json_of_a_facility_that_draws_nothing_has_no_shares_of_its_power():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert summary.per(np.float64(0.0), np.float64(0.0)) is None
    assert summary.per(3.0, 2.0) == 1.5
    assert summary.per(np.nan, 2.0) is None


# ---- exit codes --------------------------------------------------------------------------------------------------


def test_an_exceeded_limit_exits_3(good):
    code, out, _ = run("solve", good, "--set", "cdu.capacity=200 kW")
    assert code == 3
    assert "limit exceeded" in out


def test_nothing_sustainable_exits_3(good):
    code, out, _ = run("bound", good, "--set", "rack.max_supply_temperature=20 degC")
    assert code == 3
    assert "coolant_supply" in out


def test_a_failed_solve_exits_1_with_its_reason(good):
    text = GOOD.replace("  tank:", "  line: {type: feeder, voltage: 415 V, length: 3 km}\n  tank:")
    text = text.replace("grid.out, r1.feed]", "line.out, r1.feed]\n  - [power, grid.out, line.in]")
    good.write_text(text)
    code, out, err = run("solve", good, "--json")
    assert code == 1
    assert json.loads(out)["status"] == "electrical"
    assert "power flow" in err


@pytest.mark.parametrize("name", FAULTY)
@pytest.mark.parametrize("command", ["solve", "validate"])
def test_bad_input_exits_2_naming_file_element_and_field(good, name, command):
    edits, words = FAULTY[name]
    text = GOOD
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    good.write_text(text)
    more = ["--case", "hot"] if name == "bad case" else []
    code, out, err = run(command, good, *more, *(["-o", good.with_suffix(".nc")] if command == "solve" else []))
    assert (code, out) == (2, "")
    assert all(word in err for word in ("small.yaml", *words)), err
    assert "Traceback" not in err
    assert [p.name for p in good.parent.iterdir()] == [good.name]


def test_all_faults_are_told_one_a_line(good):
    good.write_text(GOOD.replace("400 kW", "-400 kW").replace("it_power: 120 kW", "it_power: 120"))
    code, _, err = run("solve", good)
    assert code == 2
    assert len(err.splitlines()) == 2


def test_fifty_megabytes_of_nonsense_are_refused(good):
    good.write_bytes(os.urandom(1 << 20) * 50)
    code, out, err = run("solve", good)
    assert (code, out) == (2, "")
    assert "small.yaml: 50 MB" in err


def test_bytes_that_are_no_text_are_refused(good):
    good.write_bytes(b"\xff\xfe\x00version")
    assert run("validate", good)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["solve", "gb300_hal"], ["gb300_hal", "no such"]),
        (["solve", "nowhere.yaml"], ["nowhere.yaml", "no such file"]),
        (["solve", "small.yaml", "--case", "hott"], ["hott", "hot"]),
        (["solve", "small.yaml", "--set", "dry_bulb"], ["--set", "dry_bulb", "ADDRESS=VALUE"]),
        (["solve", "small.yaml", "--set", "site.dry_bulb=35"], ["site", "dry_bulb", "degC"]),
        (["solve", "small.yaml", "--set", "r1.cords=1", "--set", "r1.cords=2"], ["--set", "r1.cords is set twice"]),
        (["solve", "small.yaml", "--set", "limits.ignore=[voltge]"], ["limits: ignore", "did you mean 'voltage'"]),
        (["solve", "small.yaml", "--set", "limits.ignore=[a"], ["--set", "is no list or mapping"]),
        (["solve", "small.yaml", "--set", "sight.dry_bulb=35 degC"], ["sight", "site"]),
        (["solve", "small.yaml", "-o", "no/such/folder/x.nc"], ["x.nc", "no folder"]),
        (["solve", "small.yaml", "-o", "x.txt"], ["x.txt", ".nc or .zarr"]),
        (["solve", "small.yaml", "--scale", "volts"], ["--scale", "chip_power"]),
        (["export", "small.yaml", "--to", "png", "-o", "x.jpg"], ["x.jpg", ".png"]),
        (["export", "small.yaml", "--to", "vtk", "-o", "no/x.vtp"], ["x.vtp", "no folder"]),
        (["worth", "gb300_hall"], ["give a price", "token_price"]),
        (["worth", "gb300_hall", "--price", "0.4"], ["--price", "0.4 needs a unit", "$/Mtok"]),
        (["optimum", "gb300_hall", "--over", "rack_densty"], ["rack_densty", "did you mean 'rack_density'"]),
        (["schema", "-o", "no/schema.json"], ["schema.json", "no folder"]),
        (["schema", "-o", "x" * 300], ["x" * 300, "name too long"]),
        (["schema", "-o", os.devnull], [os.devnull, "device"]),
        (["validate", "x" * 300], ["x" * 100, "name too long"]),
        (["validate", "small.yaml/x.yaml"], ["small.yaml/x.yaml", "no such file"]),
        (["solv"], ["solv"]),
    ],
)
def test_bad_options_exit_2_and_write_nothing(good, arguments, words):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert all(word in err for word in words), err
    assert "Traceback" not in err
    assert [p.name for p in good.parent.iterdir()] == [good.name]


def test_an_output_that_exists_as_a_folder_is_kept(good):
    target = good.with_suffix(".zarr")
    target.mkdir()
    assert run("solve", good, "-o", target)[0] == 2
    assert list(target.iterdir()) == []


def test_a_store_that_exists_is_written_anew(good):
    target = good.with_suffix(".zarr")
    assert [run("solve", good, "--no-bound", "-o", target)[0] for _ in range(2)] == [0, 0]
    assert [p.name for p in good.parent.iterdir() if p not in (good, target)] == []


# ---- terminals, pipes, signals -----------------------------------------------------------------------------------


def test_a_missing_extra_is_one_line_with_the_pip_command(good):
    code = (
        "import sys\nfrom importlib import util\nfind = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'pyvista' else find(name, *a)\n"
        "from twin.app.cli import main\nmain()"
    )
    command = [sys.executable, "-c", code, "export", str(good), "--to", "vtk", "-o", "x.vtp"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == ['export vtk: 3D output needs PyVista: pip install "aifactory-twin[viz]"']


def test_progress_is_silent_without_a_terminal(good):
    assert process("solve", good).stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_progress_rewrites_one_line_on_a_terminal():
    code = (
        "import time\nfrom twin.app import common\ncommon.PATIENCE = 0.05\n"
        "with common.progressing('work'):\n    time.sleep(0.5)\n"
    )
    master, slave = pty.openpty()
    subprocess.run([sys.executable, "-c", code], stderr=slave, check=True, timeout=60)
    os.close(slave)
    text = os.read(master, 4096).decode()
    os.close(master)
    assert text.startswith("\r0 s, work ")
    assert "\n" not in text
    assert text.endswith("\r")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_interrupt_is_one_line_and_130(good):
    code = (
        "import os, signal, sys\nimport twin.api as d\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "d.solve = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT)\nfrom twin.app.cli import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code, "solve", str(good)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
def test_a_broken_pipe_ends_quietly():
    command = [sys.executable, "-c", "from twin.app.cli import main; main()", "schema"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout and child.stderr
    child.stdout.close()
    error = child.stderr.read()
    child.stderr.close()
    assert (child.wait(60), error) == (130, b"")


CLOSED = """\
import os, sys
for stream in sys.argv.pop(1).split(","):
    os.close(int(stream))
code = "from twin.app.cli import main; main()"
os.execv(sys.executable, [sys.executable, "-c", code, *sys.argv[1:]])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX streams")
@pytest.mark.parametrize(
    ("closed", "code", "error"),
    [("1", 2, "output: is closed; send it to a file, or to /dev/null\n"), ("2", 0, ""), ("1,2", 2, "")],
)
def test_closed_streams_are_refused_or_done_without(tmp_path, closed, code, error):
    target = tmp_path / "schema.json"
    command = [sys.executable, "-c", CLOSED, closed, "schema", "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", error)
    assert [p.name for p in tmp_path.iterdir()] == ([target.name] if code == 0 else [])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["--help"], ["solve", "--help"], ["--version"], ["schema"], ["list"]])
def test_a_full_output_is_one_line(arguments):
    command = [sys.executable, "-c", "from twin.app.cli import main; main()", *arguments]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, "output: No space left on device\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_faults_keep_their_exit_code_where_stderr_is_full():
    command = [sys.executable, "-c", "from twin.app.cli import main; main()", "validate", "nowhere.yaml"]
    with open("/dev/full", "w") as full:
        assert subprocess.run(command, stdout=subprocess.PIPE, stderr=full, timeout=60).returncode == 2


def test_the_file_named_on_the_command_line_is_never_written(good):
    before = Path(good).read_bytes()
    run("solve", good)
    run("validate", good)
    assert Path(good).read_bytes() == before
