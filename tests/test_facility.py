"""Layouts: repeats, overrides, cases, faults told at once with their address, and everything that is shipped."""

import gc
import itertools
import re
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import twin
from twin.app.cli import app
from twin.columns import LIMITS, MAXIMUM, LimitKind
from twin.components import REGISTRY as KINDS
from twin.facility.addresses import RENAMED, split
from twin.facility.build import build
from twin.facility.files import parse_text, repeats
from twin.facility.sections import Agents, Serving
from twin.plant.compile import compile
from twin.plant.wiring import Wiring

HALLS = twin.shipped()
SMALL_HALLS = [name for name in HALLS if name != "campus_1gw"]
slow_campus = [pytest.param(n, marks=pytest.mark.slow) if n == "campus_1gw" else n for n in HALLS]

POWER = """
version: 1
name: power
site: {dry_bulb: 20 degC}
components:
  grid: {type: utility, voltage: 415 V}
  p1: {type: pdu, rating: 100 kW}
  r1: {type: rack, it_power: 20 kW, nameplate: 30 kW, cords: 1}
  r2: {type: rack, it_power: 30 kW, nameplate: 30 kW, cords: 1}
connections:
  - [power, grid.out, p1.in]
  - [power, p1.out, r1.feed]
  - [power, p1.out, r2.feed]
cases:
  busy: {rack.it_power: 25 kW, r2.it_power: 28 kW}
"""


def faults(text, case=None, overrides=None):
    with pytest.raises(twin.LayoutError) as error:
        compile(twin.load(text, case, overrides))
    return "\n".join(error.value.faults)


def power(**raw):
    data = yaml.safe_load(POWER)
    data["components"] |= raw
    return data


# ---- repeats -----------------------------------------------------------------------------------------------------


def test_repeats_expand_to_all_combinations():
    block = """
repeat:
  - over: {row: 1..2, side: [a, b], k: -1..0}
    components:
      "x{row}{side}{k + 2:02d}":
        {type: house_load, power: "{row * 10 + k} kW", at: ["{row / 2} m", "{(k + 1) % 2} m", 0 m]}
    connections:
      - [power, p1.out, "x{row}{side}{k + 2:02d}.feed"]
"""
    facility = twin.load(POWER + block)
    expected = {f"x{r}{s}{k + 2:02d}" for r, s, k in itertools.product((1, 2), "ab", (-1, 0))}
    assert expected == {n for n, p in facility.components.items() if p.kind == "house_load"}
    assert facility.components["x2b01"].power == pytest.approx(19e3)
    assert facility.components["x2b02"].at == (1.0, 1.0, 0.0)
    assert facility.count()["house_load"] == 8


def test_a_text_may_have_several_braces_and_any_other_sign():
    block = """
repeat:
  - over: {a: [p, q], b: 1..2}
    components: {"x{a}{b}": {type: house_load, power: "{b}{b + 1}.{b:02d} kW"}, "100 %s {a} {b}%": {type: house_load}}
    connections: [[power, p1.out, "x{a}{b}.feed"], [power, p1.out, "100 %s {a} {b}%.feed"]]
"""
    parts = twin.load(POWER + block).components
    assert parts["xq2"].power == pytest.approx(23.02e3)
    assert {"100 %s p 1%", "100 %s q 2%"} <= set(parts)


def test_braces_follow_every_variable_that_they_name():
    """A text is kept while its variables stay, also where one axis overrules another for some of its values."""
    block = """
repeat:
  - over: {a: 1..2, side: [{s: p, a: 7}, {s: q}], k: 1..2}
    components: {"{s}{k}{a}{k}": {type: house_load, power: "{a * 10 + k} kW", at: ["{k} m", "{a} m", 0 m]}}
    connections: [[power, p1.out, "{s}{k}{a}{k}.feed"]]
"""
    data = yaml.safe_load(block)
    turns = list(repeats(data, faults := []))[1:]
    names = [name for components, _ in turns for name in components]
    assert names == ["p171", "p272", "q111", "q212", "p171", "p272", "q121", "q222"]
    powers = [raw["power"] for components, _ in turns for raw in components.values()]
    assert powers == [f"{n} kW" for n in (71, 72, 11, 12, 71, 72, 21, 22)]
    assert [links[0][2] for _, links in turns] == [f"{name}.feed" for name in names]
    assert [raw["at"][:2] for components, _ in turns for raw in components.values()][-1] == ["2 m", "2 m"]
    assert faults == []


def test_a_variable_that_reads_as_a_sum_is_one_where_it_is_set():
    data = yaml.safe_load('repeat: [{over: {s: [{k-1: x}, {t: y}], k: 1..2}, components: {"{k-1}{k}": {}}}]')
    assert [name for components, _ in repeats(data, []) for name in components] == ["x1", "x2", "01", "12"]


def test_what_differs_by_its_place_only_is_checked_once(monkeypatch):
    checked = []
    check = KINDS["house_load"].check
    monkeypatch.setattr(KINDS["house_load"], "check", lambda part, name: checked.append(name) or check(part, name))
    block = """
repeat:
  - over: {k: 1..3}
    components:
      "hall{k}": {type: room}
      "l{k}": {type: house_load, power: 1 kW, room: "hall{k}", at: ["{k} m", 0 m, 0 m]}
    connections: [[power, p1.out, "l{k}.feed"]]
"""
    parts = twin.load(POWER + block).components
    assert checked == ["l1"]
    assert [(parts[f"l{k}"].room, parts[f"l{k}"].at[0], parts[f"l{k}"].power) for k in (1, 2, 3)] == [
        ("hall1", 1.0, 1e3),
        ("hall2", 2.0, 1e3),
        ("hall3", 3.0, 1e3),
    ]
    with pytest.raises(twin.LayoutError) as error:
        twin.load(POWER + block.replace("1 kW", "1 kg"))
    assert len([fault for fault in error.value.faults if "'1 kg'" in fault]) == 3


def test_a_repeat_equals_the_same_written_out():
    data = yaml.safe_load(POWER)
    for name in ("r1", "r2"):
        del data["components"][name]
    data["connections"] = data["connections"][:1]
    data["repeat"] = [
        {
            "over": {"k": "1..2"},
            "components": {"r{k}": {"type": "rack", "it_power": "{k * 10 + 10} kW", "nameplate": "30 kW", "cords": 1}},
            "connections": [["power", "p1.out", "r{k}.feed"]],
        }
    ]
    assert build("power", data).components == twin.load(POWER).components
    assert build("power", data).hash == twin.load(POWER).hash


def test_later_repeats_see_names_of_earlier_ones_and_clashes_are_told():
    block = '\nrepeat:\n  - over: {k: 1..2}\n    components:\n      "r{k}": {type: house_load}\n'
    text = faults(POWER + block)
    assert "r1: duplicate name" in text
    assert "r2: duplicate name" in text


@pytest.mark.parametrize(
    "over",
    ["{k: 1..x}", "{k: 1..3000000}", "{a: 1..1000, b: 1..1001}", "{k: 7}"],
)
def test_a_bad_range_is_a_fault(over):
    assert "repeat block 1" in faults(POWER + f"\nrepeat:\n  - over: {over}\n    components: {{}}\n")


@pytest.mark.parametrize("expression", ["k.__class__", "open('x')", "k ** 99", "q", "[k]", "k / 0"])
def test_expressions_do_sums_and_nothing_else(expression):
    block = f'\nrepeat:\n  - over: {{k: 1..2}}\n    components:\n      "y{{{expression}}}": {{type: house_load}}\n'
    assert "repeat block 1" in faults(POWER + block)


@pytest.mark.parametrize(
    ("over", "names"),
    [
        ("[01, 02, 08, 09, 010]", ["01", "010", "02", "08", "09"]),
        ("08..11", ["08", "09", "10", "11"]),
        ("8..11", ["10", "11", "8", "9"]),
        ("[1.10, 1.1, 1e3, 0x1F, 1_000, 1:30]", ["0x1F", "1.1", "1.10", "1:30", "1_000", "1e3"]),
        ("[on, off, yes, no, true, True, 2024-01-01]", ["2024-01-01", "True", "no", "off", "on", "true", "yes"]),
        ("[99999999999999999999]", ["99999999999999999999"]),
    ],
)
def test_what_a_loop_runs_over_names_what_it_spells(over, names):
    block = f'\nrepeat:\n  - over: {{n: {over}}}\n    components: {{"x{{n}}": {{type: room}}}}\n'
    assert sorted(n[1:] for n in twin.load(POWER + block).components if n.startswith("x")) == names


def test_a_loops_text_is_a_number_of_ten_digits_in_sums():
    block = """
repeat:
  - over: {n: [08, 010], s: [a]}  # not base 8
    components:
      "x{n}{s}{n + 1:03d}": {type: house_load, power: "{n * 10} kW", at: ["{n:d} m", 0 m, 0 m]}
    connections:
      - [power, p1.out, "x{n}{s}{n + 1:03d}.feed"]
"""
    parts = twin.load(POWER + block).components
    assert {n: (p.power, p.at[0]) for n, p in parts.items() if n.startswith("x")} == {
        "x08a009": (80e3, 8.0),
        "x010a011": (100e3, 10.0),
    }


def test_two_names_that_become_one_are_told():
    block = '\nrepeat:\n  - over: {a: [1], b: [1]}\n    components: {"x{a}": {type: room}, "x{b}": {type: room}}\n'
    assert "repeat block 1: two of x{a}, x{b} become one name" in faults(POWER + block)


# ---- what YAML's older rules would read otherwise ----------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["0101", "1.10", "on", "no", "null", "true", "1e3", "0x1F", "1_000", "1:30", "-0", "7"]
)
def test_a_name_is_what_is_written(name):
    text = POWER.replace("r1", name)
    facility = twin.load(text, overrides={f"rack[{name}].it_power": "9 kW"})
    assert facility.components[name].it_power == 9e3
    assert name in facility.fed_by(name) or "p1" in facility.fed_by(name)
    room = text.replace(
        f"  {name}: {{", f"  house: {{type: house_load, room: {name}2}}\n  {name}2: {{type: room}}\n  {name}: {{"
    )
    room = room.replace("connections:", "connections:\n  - [power, p1.out, house.feed]")
    assert twin.load(room).components["house"].room == f"{name}2"


@pytest.mark.parametrize(
    ("written", "number"), [("072", 72), ("0072", 72), ("+72", 72), ("1_000", 1000), ("72", 72), ("'072'", 72)]
)
def test_whole_numbers_are_decimal(written, number):
    cooler = KINDS["dry_cooler"].model_validate(parse_text("x", f"units: {written}"))
    assert cooler.units == number


@pytest.mark.parametrize(
    "written", ["0o72", "0x48", "0b1001", "1:12", "7e1", "true", "yes", "seven", "1.5", "1.10", ".inf"]
)
def test_what_is_no_whole_number_is_refused(written):
    text = POWER.replace("p1:", f"spare: {{type: dry_cooler, units: {written}}}\n  p1:")
    told = faults(text)
    assert told.startswith("dry_cooler spare: units: ") and written in told


def test_plain_numbers_are_decimal():
    site = {"design_pue": "1.10"}, {"design_pue": 1.1}
    assert [twin.load(POWER, overrides={f"site.{k}": v for k, v in s.items()}).site.design_pue for s in site] == [
        1.1,
        1.1,
    ]
    assert twin.load(POWER.replace("site: {", "site: {design_pue: 01.10, ")).site.design_pue == 1.1


@pytest.mark.parametrize("word", ["true", "off", "yes", "no", "on", "false", "True"])
def test_switches_take_the_words_of_yaml(word):
    assert twin.load(POWER.replace("rating: 100 kW", f"rating: 100 kW, in_service: {word}")).components[
        "p1"
    ].in_service == (word in ("true", "yes", "on", "True"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: !!int 072\n", "line 1: '072' is not what its tag says"),
        ("a: !!binary aGk=\n", "without tags and merge keys"),
        ("<<: {a: 1}\n", "without tags and merge keys"),
        ("a:\n\tb: 1\n", "line 2: while scanning for the next token"),
        ("a:\n\tb: 1\n", "tabs do not indent, write spaces"),
        ("a: \x00\n", "control characters are not allowed"),
        ("a: 1\n---\na: 2\n", "line 2: expected a single document"),
        ("? [a]\n: 1\n", "line 1: a name must be plain text"),
        ("a: 1\n'a': 2\n", "line 2: duplicate name 'a', first on line 1"),
        ("a: " + "[" * 900 + "]" * 900 + "\n", "is nested too deeply"),
        ("a: " + "{" * 5000 + "\n", "nesting depth"),
        ("a: &b0 [1]\n" + "".join(f"b{i}: &b{i + 1} [*b{i}]\n" for i in range(99)), "is nested too deeply"),
        ("a: &b0 [1]\n" + "".join(f"b{i}: &b{i + 1} [{f'*b{i}, ' * 9}]\n" for i in range(30)), "expand without end"),
    ],
)
def test_what_no_layout_is_written_in_is_one_line(text, says):
    told = faults(text)
    assert says in told
    assert "\n" not in told


def test_aliases_stand_for_what_they_name():
    text = POWER.replace("r1: {type: rack,", "r1: &r {type: rack,")
    text = re.sub(r"  r2: .*", "  r2: *r", text)
    parts = twin.load(text.replace("r1.feed", "r1.feed")).components
    assert parts["r1"] == parts["r2"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "net.inp",
            b"[JUNCTIONS]\n",
            "net.inp: is an EPANET network and no layout; in Python twin.pipe_flow('net.inp')",
        ),
        ("case.m", b"function mpc = two\n", "is a MATPOWER case and no layout; in Python twin.power_flow('case.m')"),
        (
            "net.json",
            b'{"_module": "pandapower.auxiliary"}',
            "is a pandapower network and no layout; in Python twin.power_flow",
        ),
        ("pgm.json", b'{"version": "1.0", "is_batch": false}', "is a power-grid-model input and no layout"),
        ("loop.json", b'{"format": "facility-loop/1"}', "is a facility loop and no layout; in Python twin.pipe_flow"),
        ("loop.json.gz", b"\x1f\x8b", "twin.pipe_flow('loop.json.gz')"),
        ("utf16.yaml", POWER.encode("utf-16"), "utf16.yaml: is UTF-16 text; save it as UTF-8"),
        ("latin.yaml", b"version: 1\nname: caf\xe9\n", "latin.yaml: line 2: is no UTF-8 text"),
        ("bytes.yaml", b"version: 1\x00", "bytes.yaml: unacceptable character"),
        ("empty.yaml", b"", "empty.yaml: is not a mapping of layout sections"),
    ],
)
def test_a_file_that_is_no_layout_says_what_it_is(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(twin.LayoutError) as error:
        twin.load(tmp_path / name)
    assert says in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("content", [POWER.encode("utf-8-sig"), POWER.replace("\n", "\r\n").encode()])
def test_marks_and_line_ends_of_other_systems_change_nothing(tmp_path, content):
    (tmp_path / "power.yaml").write_bytes(content)
    assert twin.load(tmp_path / "power.yaml").hash == twin.load(POWER).hash


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 5000 + ".yaml", "a\x00b"])
def test_a_path_that_cannot_be_is_one_line(name):
    with pytest.raises(twin.LayoutError) as error:
        twin.load(name)
    assert len(str(error.value)) < 600


def test_names_have_up_to_a_hundred_characters():
    name = "x" * 100
    assert name in twin.load(POWER.replace("r1", name)).components
    assert "give it a name of 1 to 100 characters" in faults(POWER.replace("r1", f"{name}x"))
    assert "give it a name of 1 to 100 characters" in faults(POWER.replace("  r1:", '  "r\\e1": {type: room}\n  r1:'))


def test_long_names_and_values_are_refused_in_a_line_of_their_own():
    long = "x" * 900
    text = POWER.replace("  p1:", f"  {long}: {{type: room}}\n  p1:").replace("rating: 100 kW", f"rating: {long}")
    with pytest.raises(twin.LayoutError) as error:
        twin.load(text)
    lines = str(error.value).splitlines()
    assert len(lines) == 2 and max(map(len, lines)) < 600
    assert "give it a name of 1 to 100 characters" in str(error.value)


# ---- overrides and cases -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "racks"),
    [
        ("rack[r2].it_power", {"r2"}),
        ("r2.it_power", {"r2"}),
        ("rack.it_power", {"r1", "r2"}),
        ("gb300_nvl72.it_power", {"r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"}),
        ("liquid_rack.it_power", {"r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"}),
    ],
)
def test_overrides_reach_what_they_name(address, racks, small):
    text = POWER if len(racks) < 3 else small
    facility = twin.load(text, overrides={address: "11 kW"})
    assert {n for n, p in facility.components.items() if getattr(p, "it_power", None) == 11e3} == racks


def test_an_override_may_name_an_entry_of_the_layouts_own_catalogue():
    facility = twin.load("dsx_row", overrides={"row_rack.it_power": "99 kW", "panel.rating": "400 kW"})
    assert {p.it_power for p in facility.components.values() if p.kind == "rack"} == {99e3}
    assert {p.rating for p in facility.components.values() if p.kind == "pdu"} == {400e3}


def test_an_override_of_the_site_and_the_terms():
    facility = twin.load(
        POWER,
        overrides={"site.dry_bulb": "30 degC", "serving.interactivity": 50, "economics.electricity": "0.1 $/kWh"},
    )
    assert facility.site.dry_bulb == pytest.approx(303.15)
    assert facility.serving.interactivity == 50
    assert facility.economics.electricity == pytest.approx(0.1 / 3.6e6)


def test_stating_one_moisture_replaces_the_other():
    text = POWER.replace("dry_bulb: 20 degC", "dry_bulb: 20 degC, wet_bulb: 15 degC")
    facility = twin.load(text, overrides={"site.relative_humidity": "40 %"})
    assert facility.site.wet_bulb is None
    assert facility.site.relative_humidity == pytest.approx(0.4)
    assert facility.site.dry_bulb == pytest.approx(293.15)


def test_the_order_of_a_case_is_kept_and_overrides_win():
    busy = twin.load(POWER, "busy")
    assert [busy.components[r].it_power for r in ("r1", "r2")] == [25e3, 28e3]
    own = twin.load(POWER, "busy", {"r1.it_power": "12 kW"})
    assert [own.components[r].it_power for r in ("r1", "r2")] == [12e3, 28e3]


def test_a_scenario_equals_the_override(small):
    field, values = "rack.utilisation", (0.4, 0.9)
    batch = twin.solve(twin.load(small), {field: values})
    for i, v in enumerate(values):
        one = twin.solve(twin.load(small, overrides={field: v}))
        assert batch.figures.facility_power[i] == one.figures.facility_power[0]


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("rack.it_power", ("rack", None, "it_power")),
        ("rack[r1].it_power", ("rack", "r1", "it_power")),
        ("cdu.1.head", ("cdu.1", None, "head")),
    ],
)
def test_addresses_split(address, parts):
    assert split(address) == parts


@pytest.mark.parametrize("address", ["rack", "rack.", ".it_power", "rack[].it_power", "rack it_power", ""])
def test_what_is_no_address_is_told(address):
    with pytest.raises(ValueError, match="is not an address"):
        split(address)
    assert "is not an address" in faults(POWER, overrides={address: 1})


MIXED = """
version: 1
name: mixed
site: {dry_bulb: 20 degC}
catalogue: {big: {type: rack, it_power: 9 kW, cords: 1}, small: {type: liquid_rack, cords: 1}}
components:
  grid: {type: utility, voltage: 415 V}
  tank: {type: expansion_tank}
  pump: {type: pump, head: 90 kPa}
  cooler: {type: dry_cooler}
  air: {model: big}
  other: {type: liquid_rack, cords: 1}
  s1: {model: small}
  s2: {model: small}
repeat:
  - over: {n: [other, s1, s2]}
    connections:
      - [power, grid.out, "{n}.feed"]
      - [coolant, cooler.out, "{n}.supply"]
      - [coolant, "{n}.return", pump.in]
connections:
  - [power, grid.out, air.feed]
  - [power, grid.out, pump.feed]
  - [power, grid.out, cooler.feed]
  - [coolant, pump.out, cooler.in]
  - [coolant, tank.port, pump.in]
"""
"""Racks of two types that share a dimension, two of them of a model."""


def test_the_narrower_address_wins_in_any_order():
    given = {"rack.utilisation": 0.1, "liquid_rack.utilisation": 0.2, "small.utilisation": 0.3, "s1.utilisation": 0.4}
    wanted = {"air": 0.1, "other": 0.2, "s2": 0.3, "s1": 0.4}
    for order in itertools.permutations(given):
        turned = {address: given[address] for address in order}
        case = yaml.safe_dump({"cases": {"mixed": turned}}, sort_keys=False)
        for facility in (twin.load(MIXED, overrides=turned), twin.load(MIXED + case, "mixed")):
            assert {n: facility.components[n].utilisation for n in wanted} == wanted
        varied = compile(twin.load(MIXED), {address: [value] for address, value in turned.items()})
        assert varied.engine.utilisation[:, 0].tolist() == [0.2, 0.4, 0.3, 0.1]  # other, s1, s2, then air


def test_of_two_equally_narrow_addresses_that_differ_neither_wins():
    twice = {"r1.it_power": "11 kW", "rack[r1].it_power": "12 kW"}
    assert "rack[r1].it_power: r1.it_power says otherwise" in faults(POWER, overrides=twice)
    assert "case busy: rack[r2].it_power: r2.it_power says otherwise" in faults(
        POWER.replace("r2.it_power: 28 kW", "r2.it_power: 28 kW, 'rack[r2].it_power': 29 kW")
    )
    with pytest.raises(twin.LayoutError, match="it_power says otherwise"):
        compile(twin.load(POWER), {"r1.it_power": [1e3, 2e3], "rack[r1].it_power": [1e3, 3e3]})
    same = twin.load(POWER, overrides={"r1.it_power": "11 kW", "rack[r1].it_power": "11 kW"})
    assert same.components["r1"].it_power == 11e3
    compile(twin.load(POWER), {"r1.it_power": [1e3, 2e3], "rack[r1].it_power": [1e3, 2e3]})


def test_a_later_source_wins_however_broad_its_address():
    own = twin.load(POWER, "busy", {"rack.it_power": "12 kW"})
    assert {own.components[r].it_power for r in ("r1", "r2")} == {12e3}
    varied = twin.solve(own, {"rack.it_power": [13e3]})
    assert varied.figures.it_power[0] == pytest.approx(26e3)


def test_two_moistures_of_one_source_are_refused():
    given = {"site.wet_bulb": "10 degC", "site.dew_point": "5 degC"}
    assert "site.wet_bulb and site.dew_point both state the moisture" in faults(POWER, overrides=given)


def test_a_value_is_quoted_as_it_stands():
    for value in (r"\x", r"\g<1>", "\x7f", "\\"):
        assert f"in_service: {value!r} should be a valid boolean" in faults(POWER, overrides={"r1.in_service": value})


# ---- scenarios ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenarios", "found"),
    [
        ({"rack.it_pwer": [1.0]}, "rack.it_pwer"),
        ({"r9.it_power": [1.0]}, "r9.it_power"),
        ({"site.dry_blub": [300.0]}, "site.dry_blub"),
        ({"rack.it_power": [-1.0]}, "outside its bounds"),
        ({"rack.it_power": [float("nan")]}, "nan is not a finite number"),
        ({"rack.it_power": [1e3, 2e3], "site.dry_bulb": [290.0, 291.0, 292.0]}, "different lengths"),
        ({"it_power": [1e3]}, "is not an address"),
    ],
)
def test_a_bad_scenario_is_told_before_anything_is_solved(scenarios, found):
    with pytest.raises(twin.LayoutError, match=found):
        compile(twin.load(POWER), scenarios)


@pytest.mark.parametrize(
    "scenarios",
    [
        {"site.wet_bulb": [320.0]},  # above the dry bulb
        {"rack.cords": [2.0]},  # structural fields are taken and left unused
        {"rack.platform": [1.0]},
        {"rack.air_class": [1.0]},
        {"r1.at": [1.0]},
    ],
)
def test_a_scenario_that_cannot_be_is_told(scenarios):
    with pytest.raises(twin.LayoutError):
        compile(twin.load(POWER), scenarios)


def test_what_a_facility_keeps_changes_no_plant(small):
    """Plants of one facility after another are those of facilities of their own, bit for bit."""
    facility = twin.load(small)
    varied = {"site.dry_bulb": [290.0, 300.0]}, {"r1.in_service": [0.0, 1.0]}, {"hall.dew_point_margin": [1.0, 3.0]}
    for scenarios in ({}, *varied, *reversed(varied), {}):
        kept, anew = compile(facility, scenarios), compile(twin.load(small), scenarios)
        assert kept.node_names == anew.node_names and kept.bus_names == anew.bus_names
        for part in ("engine", "pipe", "vent", "line", "converter", "source", "zone", "fan", "pump", "exchange"):
            for field, value in vars(getattr(kept, part, kept)).items():
                if isinstance(value, np.ndarray):
                    np.testing.assert_array_equal(value, getattr(getattr(anew, part, anew), field))
        for mine, other in zip(kept.limits, anew.limits, strict=True):
            np.testing.assert_array_equal(mine.bound, other.bound)


def test_numbers_of_a_layout_are_not_changed_by_what_lowers_them():
    facility = twin.load(POWER)
    column = Wiring.of(facility).groups["rack"].stated["it_power"]
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 0.0
    assert np.isnan(Wiring.of(facility).groups["rack"].stated["voltage"]).all()


def test_equal_equipment_with_equal_values_is_checked_once(monkeypatch):
    """Whether one address or several give them; the answer names each."""
    facility, checked = twin.load(POWER.replace("r2: {type: rack, it_power: 30", "r2: {type: rack, it_power: 20")), []
    check = KINDS["rack"].check
    monkeypatch.setattr(KINDS["rack"], "check", lambda part, name: checked.append(name) or check(part, name))
    caps = [100.0, 2000.0, 100.0]
    plant = compile(facility, {"r1.chip_idle": list(caps), "r2.chip_idle": list(caps)})
    assert len(checked) == 5  # once for what it reads, two sets of values, and each of the two racks where it is told
    assert set(plant.invalid) == {1}
    assert "rack r1 (and 1 more): chip_idle" in plant.invalid[1].reason


@pytest.mark.parametrize("running", [True, False])
def test_the_collector_of_garbage_is_left_as_it_was(running):
    before = gc.isenabled()
    try:
        (gc.enable if running else gc.disable)()
        compile(twin.load(POWER), {"rack.it_power": [1e3]})
        assert gc.isenabled() == running
        with pytest.raises(twin.LayoutError):
            twin.load(POWER.replace("rack", "rakc"))
        assert gc.isenabled() == running
    finally:
        (gc.enable if before else gc.disable)()


def test_a_scenario_reaches_what_an_override_reaches(small):
    compile(twin.load(small), {"gb300_nvl72.utilisation": [0.5, 1.0]})


# ---- faults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (("type: pdu", "type: pud"), "did you mean 'pdu'?"),
        (("rating: 100 kW", "ratng: 100 kW"), "did you mean 'rating'?"),
        (("grid.out, p1.in", "gird.out, p1.in"), "no component 'gird'; did you mean 'grid'?"),
        (("p1.out, r1.feed", "p1.out, r1.fed"), "no port 'fed'; did you mean 'feed'?"),
        (("components:", "componets:"), "did you mean 'components'?"),
        (("type: utility", "model: mv_feeder_34k"), "did you mean 'mv_feeder_34kv'?"),
        (("cords: 1}\nconnections", "cords: 1, room: hal}\n  hall: {type: room}\nconnections"), "did you mean 'hall'?"),
    ],
)
def test_a_slip_of_the_pen_is_met_with_a_proposal(change, found):
    assert found in faults(POWER.replace(*change, 1))


@pytest.mark.parametrize(
    ("overrides", "found"),
    [
        ({"rck.it_power": "1 kW"}, "did you mean 'rack'?"),
        ({"rack[r9].it_power": "1 kW"}, "'r9'"),
        ({"rack.it_pwer": "1 kW"}, "did you mean 'it_power'?"),
        ({"rack.it_power": 1000}, "kW"),
        ({"rack.it_power": "20 kg/s"}, "it_power"),
        ({"site.dry_blub": "1 degC"}, "did you mean 'dry_bulb'?"),
        ({"sight.dry_bulb": "1 degC"}, "did you mean 'site'?"),
    ],
)
def test_a_bad_override_is_met_with_its_address(overrides, found):
    assert found in faults(POWER, overrides=overrides)


def test_an_unknown_case_names_those_there_are():
    assert "no case 'bussy'; did you mean 'busy'?; cases: busy" in faults(POWER, "bussy")


def test_all_faults_are_told_at_once():
    data = power(
        r1={"type": "rack", "it_power": "4000 kW", "nameplate": "30 kW"},
        r2={"type": "rak"},
        p2={"type": "pdu", "rating": 5},
        p3={"type": "pdu", "raiting": "5 kW"},
    )
    data["site"]["wet_bulb"] = "30 degC"
    data["connections"].append(["power", "grid.out", "p9.in"])
    data["colour"] = "red"
    data["version"] = 2
    with pytest.raises(twin.LayoutError) as error:
        build("power.yaml", data)
    text = str(error.value)
    for word in ("r1: it_power", "unknown type 'rak'", "p2: rating", "raiting", "wet_bulb", "p9", "colour", "version"):
        assert word in text, word
    assert len(error.value.faults) == 8
    assert all(line.startswith("power.yaml: ") for line in text.splitlines())


def test_a_long_list_of_faults_is_cut_on_screen_only():
    with pytest.raises(twin.LayoutError) as error:
        build("power", power(**{f"x{i:03d}": {"type": f"nothing_{i}"} for i in range(100)}))
    assert len(error.value.faults) == 100
    assert str(error.value).endswith("... and 75 more")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (POWER.replace("  p1:", "  p1: {type: pdu}\n  p1:"), "duplicate name 'p1'"),
        (POWER.replace("p1.in]", "r1.feed]"), "r1: port feed has 2 feeds but 1 cord"),
        (POWER + "  - not a mapping\n", "line"),
        (POWER.replace("[power, grid.out, p1.in]", "[coolant, grid.out, p1.in]"), "carries power, not coolant"),
        (POWER.replace("[power, grid.out, p1.in]", "[power, grid.out]"), "write [carrier"),
        (POWER.replace("  - [power, grid.out, p1.in]\n", ""), "p1: port in is not connected"),
        (POWER.replace("p1: {type: pdu", "p1: {type: pdu, voltage: 480 V"), "expects 480 V but"),
        (POWER.replace("r1: {type: rack", "r1: {type: rack, voltage: 800 V"), "800 V"),
        ("just a word\n", "not a mapping"),
    ],
)
def test_what_cannot_be_is_told(text, found):
    assert found in faults(text)


def test_each_that_expects_another_voltage_is_told_beside_the_first():
    text = POWER.replace("r1: {type: rack,", "r1: {type: rack, voltage: 400 V,").replace(
        "r2: {type: rack,", "r2: {type: rack, voltage: 240 V,"
    )
    told = [line for line in faults(text).splitlines() if " V but " in line]
    assert len(told) == 2
    assert len({line.partition(" expects ")[0] for line in told}) == 1


def test_two_voltages_on_a_bus_are_a_fault():
    with pytest.raises(twin.LayoutError, match=r"4\d\d V but"):
        compile(twin.load(POWER.replace("p1: {type: pdu", "p1: {type: pdu, voltage: 400 V")))


def test_what_many_elements_share_is_told_once(small):
    text = small.replace(
        "model: gb300_nvl72, room: hall", "model: gb300_nvl72, room: hall, hosts: '1 kg', nameplate: '10{r} kW'"
    )
    with pytest.raises(twin.LayoutError) as error:
        twin.load(text)
    assert len(error.value.faults) == 8
    assert str(error.value).count("r1 (and 7 more): hosts") == 1


def test_connections_that_miss_alike_are_told_once(small):
    with pytest.raises(twin.LayoutError) as error:
        twin.load(small.replace('"r{r}.supply"', '"r{r}.suply"'))
    assert len(error.value.faults) == len(set(error.value.faults)) == 8
    assert (
        str(error.value)
        .splitlines()[0]
        .endswith("r1.suply'] (and 7 more): liquid_rack r1 has no port 'suply'; did you mean 'supply'?")
    )


def test_a_text_of_a_loop_has_no_arithmetic():
    block = "\nrepeat:\n  - over: {s: [a, b]}\n    components: {'x{s + 1}': {type: room}}\n"
    assert faults(POWER + block).startswith("repeat block 1: {s + 1}: s is text, which has no arithmetic")


def test_braces_without_quotes_in_brackets_are_told():
    block = "\nrepeat:\n  - over: {k: 1..2}\n    components:\n      x{k}: {type: room, at: [{k} m, 0 m, 0 m]}\n"
    assert 'stands in quotes, as "{n} m"' in faults(POWER + block)


def test_the_beginning_of_a_model_is_a_hint(small):
    with pytest.raises(twin.LayoutError, match="called 'gb300'; did you mean 'gb300_nvl72'"):
        twin.load(small, overrides={"gb300.utilisation": 0.5})


def test_two_feeds_of_one_port_may_be_one_too_many():
    line = "- [power, grid.out, p1.in]"
    assert "p1: port in has 2 feeds; keep one, or join them at a" in faults(POWER.replace(line, f"{line}\n  {line}"))


def test_more_running_than_installed_is_a_fault(small):
    text = small.replace("  tank: {", "  towers: {type: tower, units: 4, running: 5}\n  tank: {")
    with pytest.raises(twin.LayoutError, match="towers: running: 5 is more than the 4 installed"):
        twin.load(text)


def test_alternating_and_direct_current_do_not_join():
    rectifier = POWER.replace("p1: {type: pdu, rating: 100 kW}", "p1: {type: dc_busway, voltage: 415 V}")
    text = faults(rectifier)
    assert "AC and DC" in text
    assert "rectifier" in text


def test_converters_in_a_circle_are_told():
    data = power(u1={"type": "ups"}, u2={"type": "ups"}, b={"type": "switchboard"})
    data["connections"] += [
        ["power", "b.out", "u1.in"],
        ["power", "u1.out", "u2.in"],
        ["power", "u2.out", "b.in"],
        ["power", "grid.out", "b.in"],
    ]
    with pytest.raises(twin.LayoutError, match="in a circle"):
        compile(build("power", data))


def test_a_bus_without_a_source_is_told():
    data = power(p9={"type": "pdu"}, b9={"type": "switchboard"}, x={"type": "house_load"})
    data["connections"] += [["power", "b9.out", "p9.in"], ["power", "p9.out", "x.feed"], ["power", "p9.out", "b9.in"]]
    with pytest.raises(twin.LayoutError, match="no path to a utility"):
        compile(build("power", data))


def test_a_closed_loop_needs_a_pressure_reference(small):
    text = small.replace("  tank: {type: expansion_tank, fluid: pg25}\n", "").replace(
        "  - [coolant, tank.port, pump.in]\n", ""
    )
    found = faults(text)
    assert "no pressure reference" in found
    assert "expansion_tank" in found


def test_a_heated_room_needs_something_that_cools_it(small):
    fan = "fan: {type: fan_wall, units: 4, room: "
    found = faults(small.replace(fan + "hall}", fan + "other}\n  other: {type: room}"))
    assert re.search(r"\bhall\b", found)
    assert not re.search(r"\bother\b", found)


# ---- content hash ------------------------------------------------------------------------------------------------


def test_the_hash_is_of_the_content_and_not_of_the_order(small):
    data = yaml.safe_load(small)
    turned = {k: data[k] for k in reversed(data)}
    turned["components"] = dict(reversed(data["components"].items()))
    turned["connections"] = list(reversed(data["connections"]))
    turned["site"] = dict(reversed(data["site"].items()))
    assert build("a", data).hash == build("b", turned).hash
    changed = yaml.safe_load(small)
    changed["components"]["pump"]["pumps"] = 3
    assert build("a", changed).hash != build("a", data).hash
    assert twin.load(small, overrides={"pump.pumps": 3}).hash == build("a", changed).hash


@pytest.mark.parametrize("address", ["site.dry_bulb", "pump.head", "cdu.set_point", "serving.interactivity"])
def test_every_override_changes_the_hash(small, address):
    value = {
        "site.dry_bulb": "31 degC",
        "pump.head": "181 kPa",
        "cdu.set_point": "41 degC",
        "serving.interactivity": 90,
    }
    assert twin.load(small, overrides={address: value[address]}).hash != twin.load(small).hash


def test_ignored_limits_change_the_hash(small):
    assert twin.load(small + "limits: {ignore: [voltage]}\n").hash != twin.load(small).hash
    assert twin.load(small, overrides={"limits.ignore": ["voltage"]}).hash != twin.load(small).hash


# ---- limits that do not count ------------------------------------------------------------------------------------


def test_limits_are_ignored_by_cases_and_overrides_as_by_the_layout():
    cases = POWER.replace("cases:\n", "cases:\n  free: {limits.ignore: [pdu_loading, voltage]}\n")
    layout = POWER + "limits: {ignore: [pdu_loading, voltage]}\n"
    given = {"limits.ignore": ["pdu_loading", "voltage"]}
    for facility in (twin.load(layout), twin.load(cases, "free"), twin.load(POWER, overrides=given)):
        names = {x.name for x in compile(facility).limits}
        assert "pdu_peak" in names and "pdu_loading" not in names
    assert twin.load(layout, overrides={"limits.ignore": []}).ignore == ()


@pytest.mark.parametrize(
    ("ignored", "says"),
    [
        ("[moon_phase]", "limits: ignore: no limit 'moon_phase'"),
        ("[junction_temprature]", "did you mean 'junction_temperature'"),
        ("[pdu_lading]", "did you mean 'pdu_loading'"),
        ("[pdu_capacity]", "limits: ignore: pdu has no limit 'pdu_capacity'; it has pdu_loading, pdu_peak"),
        ("voltge", "no limit 'voltge'; did you mean 'voltage'"),
        ("{voltage: true}", "limits: ignore: "),
        ("[voltage, 5]", "no limit '5'"),
    ],
)
def test_only_known_limits_are_ignored(ignored, says):
    assert says in faults(POWER + f"limits: {{ignore: {ignored}}}\n")
    if "capacity" not in ignored:
        case = POWER.replace("cases:\n", f"cases:\n  free: {{limits.ignore: {ignored}}}\n")
        told = faults(case)
        assert told.startswith("case free: limits: ignore: ") and says.removeprefix("limits: ignore: ") in told


def test_a_limit_of_ones_own_may_be_ignored():
    text = POWER + "limits: {ignore: [rail_glow, pdu_glow]}\n"
    assert "no limit 'rail_glow'" in faults(text)
    mine = [LimitKind(MAXIMUM, "glow of a rail", name=name) for name in ("rail_glow", "{kind}_glow")]
    try:
        assert twin.load(text).ignore == ("rail_glow", "pdu_glow")
        assert "rail_glow" in twin.schema()["properties"]["limits"]["properties"]["ignore"]["items"]["enum"]
    finally:
        for kind in mine:
            LIMITS.remove(kind)


def test_the_written_order_of_an_edge_does_not_change_the_hash(small):
    data = yaml.safe_load(small)
    turned = data | {"connections": [[c, b, a] for c, a, b in data["connections"]]}
    assert build("a", turned).hash == build("a", data).hash


# ---- what is shipped ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hall", slow_campus)
def test_every_shipped_layout_loads_and_compiles(hall):
    facility = twin.load(hall)
    plant = compile(facility)
    assert plant.scenarios == 1
    assert facility.description
    assert facility.name == hall
    assert set(facility.graph) == set(facility.components)


@pytest.mark.parametrize(("hall", "case"), [(h, c) for h in SMALL_HALLS for c in twin.load(h).cases])
def test_every_shipped_case_is_solved(hall, case):
    result = twin.solve(hall, case=case)
    assert result.ok, result.dataset["reason"].values[0]
    assert abs(result.figures.energy_audit[0]) < 1e-6


@pytest.mark.parametrize("hall", SMALL_HALLS)
def test_every_shipped_layout_keeps_its_limits_by_default(hall):
    result = twin.solve(hall)
    assert result.ok
    assert not result["limit_exceeded"].values[0], result.tightest()


@pytest.mark.parametrize("hall", HALLS)
def test_the_schema_accepts_every_shipped_layout(hall):
    SCHEMA.validate(raw(hall))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"colour": "red"},
        {"components": {"a": {}}},
        {"connections": [["power", "a.out"]]},
        {"repeat": [{}]},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(change):
    data = yaml.safe_load(POWER) | change
    assert list(SCHEMA.iter_errors(data))
    with pytest.raises(twin.LayoutError):
        build("power", data)


def test_the_schema_is_sound():
    jsonschema.Draft202012Validator.check_schema(twin.schema())


SCHEMA = jsonschema.Draft202012Validator(twin.schema())


def raw(hall):
    return yaml.safe_load((files("twin.layouts") / "halls" / f"{hall}.yaml").read_text("utf-8"))


EXEMPT = {"feeder", "busway", "dc_busway", "pipe", "house_load", "valve", "bypass"}
"""Kinds that run from one place to another, or stand nowhere."""


@pytest.mark.parametrize("hall", HALLS)
def test_every_rack_and_unit_has_a_place(hall):
    missing = [n for n, p in twin.load(hall).components.items() if p.at is None and p.kind not in EXEMPT]
    assert missing == []


@pytest.mark.parametrize("hall", HALLS)
def test_no_two_units_stand_at_one_spot(hall):
    spots = {}
    for name, part in twin.load(hall).components.items():
        if part.at is not None and part.kind not in ("room", "screen"):
            spots.setdefault(part.at, []).append(name)
    assert [names for names in spots.values() if len(names) > 1] == []


@pytest.mark.parametrize(
    ("part", "more", "fits"),
    [
        ({"type": "cdu", "model": "vertiv_xdu1350"}, {}, True),
        ({"type": "cdu", "model": "gb300_nvl72"}, {}, False),
        ({"type": "cdu", "model": "one_of_ours"}, {}, True),
        ({"type": "cdu", "raiting": "1 kW"}, {}, False),
        ({"model": "vertiv_xdu1350", "raiting": "1 kW"}, {}, False),
        ({"type": "cdu", "base": "vertiv_xdu1350"}, {}, False),
        ({"type": "room"}, {"catalogue": {"x": {"base": "vertiv_xdu1350", "set_point": "40 degC"}}}, True),
        ({"type": "room"}, {"catalogue": {"x": {"base": "vertiv_xdu1350", "set_pont": "40 degC"}}}, False),
        ({"type": "room"}, {"catalogue": {"x": {"type": "ups", "base": "vertiv_xdu1350"}}}, False),
        ({"type": "room"}, {"limits": {"ignore": ["voltage", "ups_loading"]}}, True),
        ({"type": "room"}, {"limits": {"ignore": ["moon_phase"]}}, False),
        ({"type": "room"}, {"serving": {"agents": {"users": 5}}}, True),
        ({"type": "room"}, {"serving": {"agents": {"userz": 5}}}, False),
        ({"type": "room"}, {"cases": {"hot": {"site.dry_bulb": "40 degC"}}}, True),
        ({"type": "room"}, {"cases": {"hot": {"dry_bulb": "40 degC"}}}, False),
        ({"type": "ups", "efficiency": {0.25: "94 %", 0.5: 0.96, 1.0: 0.96}}, {}, True),
    ],
)
def test_the_schema_offers_what_a_type_takes(part, more, fits):
    found = list(SCHEMA.iter_errors({"version": 1, "components": {"x": part}} | more))
    assert (not found) == fits


def test_the_schema_offers_the_models_of_a_type_alone():
    rules = twin.schema()["properties"]["components"]["additionalProperties"]["allOf"]
    (cdu,) = (rule["then"] for rule in rules if rule["if"]["properties"] == {"type": {"const": "cdu"}})
    offered = cdu["allOf"][1]["properties"]["model"]["anyOf"][0]["enum"]
    assert offered == sorted(n for n, entry in twin.catalogue().items() if entry["type"] == "cdu")


# ---- faults that others follow from ------------------------------------------------------------------------------


ROOM = """
  hall: {type: room, ventilation: 8 m3/s}
  r3: {type: rack, it_power: 9 kW, cords: 1, room: hall}
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("type: room,", "type: room, recirculation: 10,", "room hall: recirculation: 1000 % is not below 100 %"),
        ("type: room,", "type: roum,", "component hall: unknown type 'roum'; did you mean 'room'?"),
        ("hall: {type: room, ventilation: 8 m3/s}", "hall: [room]", "component hall: is not a mapping"),
        ("rating: 100 kW", "rating: 100", "pdu p1: rating: 100 needs a unit"),
        ("p1: {type: pdu", "p1: {type: pud", "component p1: unknown type 'pud'; did you mean 'pdu'?"),
        ("it_power: 20 kW", "it_power: 20 kg", "rack r1: it_power: '20 kg'"),
        ("type: rack, it_power: 20 kW", "type: rak, it_power: 20 kW", "component r1: unknown type 'rak'"),
        ("[power, grid.out, p1.in]", "[power, grid.out]", "connection ['power', 'grid.out']: write [carrier"),
        (
            "[power, grid.out, p1.in]",
            "{carrier: power, from: grid.out}",
            "connection ['power', 'grid.out', None]: write",
        ),
        ("grid.out, p1.in", "gird.out, p1.in", "connection ['power', 'gird.out', 'p1.in']: no component 'gird'"),
        ("{k: 3..3}", "{k: [null]}", "repeat block 1: None names nothing"),
        ('"r{k}"', '"r{q}"', "repeat block 1: {q}: q is no variable; there are k"),
        ("{k: 3..3}", "{k: 3..x}", "repeat block 1: '3..x' is neither a list nor a range"),
    ],
)
def test_one_fault_is_one_line(old, new, says):
    repeat = ROOM.replace("r3: {", '"r{k}": {').splitlines()[2].strip()
    text = POWER.replace("  p1:", ROOM.splitlines()[1] + "\n  p1:", 1)
    text = text.replace("cases:", "  - [power, p1.out, r3.feed]\ncases:\n  low: {r3.it_power: 5 kW, pdu.rating: 90 kW}")
    text += f"repeat:\n  - over: {{k: 3..3}}\n    components:\n      {repeat}\n"
    twin.load(text)
    assert old in text
    told = faults(text.replace(old, new, 1), overrides={"rack[r1].it_power": "7 kW"} if "r1" not in says else None)
    assert told.startswith(says)
    assert "\n" not in told


# ---- cases -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("{r1.it_powr: 1 kW}", "case low: rack r1: it_powr: unknown field; did you mean 'it_power'?"),
        ("{site.dry_bulb: 500 degC}", "case low: site: dry_bulb: 500 degC is above 66.85 degC"),
        ("{site.dry_blub: 5 degC}", "case low: site: dry_blub: unknown field; did you mean 'dry_bulb'?"),
        ("{rack.it_power: 5}", "case low: rack r1: it_power: 5 needs a unit"),
        ("{rck.it_power: 5 kW}", "case low: rck.it_power: nothing here is called 'rck'; did you mean 'rack'?"),
        ("{it_power: 5 kW}", "case low: 'it_power' is not an address"),
        ("{r1.room: hal}", "case low: rack r1: room: no room 'hal'"),
        ("{r1.type: pdu}", "case low: pdu r1: it_power: unknown field"),
        ("{p1.type: rack}", "case low: rack p1: rating: unknown field"),
        ("{serving.demand: [2.0]}", "case low: serving: demand: give shares"),
        ("{p1.voltage: 480 V}", "case low: bus"),
        ("{r1.utilisation: 2}", "case low: rack r1: utilisation: 200 % is above 100 %"),
        ("[r1]", "case low: must map addresses to values"),
    ],
)
def test_every_case_is_checked_whether_or_not_it_is_asked_for(tmp_path, case, says):
    text = POWER.replace("cases:\n", f"cases:\n  low: {case}\n")
    if "voltage" in case:  # found where the plant is compiled, which `twin validate` does for each case
        (tmp_path / "power.yaml").write_text(text)
        told = CliRunner().invoke(app, ["validate", str(tmp_path / "power.yaml")])
        assert told.exit_code == 2 and says in told.stderr
        return
    for chosen in (None, "busy", "low"):
        assert says in faults(text, chosen)


def test_a_fault_of_the_layout_is_not_one_of_its_cases():
    told = faults(POWER.replace("cords: 1}\n  r2", "cords: 9}\n  r2"))
    assert told == "rack r1: cords: 9 should be less than or equal to 8"


def test_entries_that_no_component_uses_are_checked_too():
    text = (
        POWER + "catalogue: {big: {type: pdu, ratng: 1 kW}, odd: {type: pud}, small: {base: pud}, fine: {type: pdu}}\n"
    )
    told = faults(text)
    assert "catalogue big: ratng: unknown field; did you mean 'rating'?" in told
    assert "catalogue odd: unknown type 'pud'; did you mean 'pdu'?" in told
    assert "catalogue small: unknown model 'pud'" in told
    assert "fine" not in told


# ---- nonsense that once came through -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("site: [1]", "site: must be a mapping"),
        ("serving: x", "serving: must be a mapping"),
        ("name: [x, y]", "name: must be text"),
        ("catalogue: {a: {base: b}, b: {base: a}}", "cyclic reference"),
        ("catalogue: {5: hello}", "catalogue 5: is not a mapping"),
        ("cases: {1: {nowhere.power: 1 kW}}", "case 1: nowhere.power: nothing here is called 'nowhere'"),
        ("cases: {a: 3}", "case a: must map addresses to values"),
        ("repeat: [{over: {i: 1..2}, components: [a]}]", "components must be a mapping"),
        ("repeat: [{over: {i: 5..1}, components: {'x{i}': {type: room}}}]", "i runs over nothing"),
        ("repeat: [{components: {}}]", "needs `over`"),
        ("repeat: [{over: {s: [ab]}, components: {'x{s*99999999}': {type: room}}}]", "repeat block 1"),
    ],
)
def test_sections_of_the_wrong_kind_are_told(lines, says):
    section = lines.partition(":")[0]
    data = yaml.safe_load(POWER) | yaml.safe_load(lines)
    assert section in data
    assert says in faults(yaml.safe_dump(data))


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_field_by_its_old_name_is_refused_and_its_new_name_told(old, new):
    kinds = [kind for kind, model in KINDS.items() if new in model.model_fields]
    data = power(**{f"new_{kind}": {"type": kind, old: 1} for kind in kinds})
    data["serving"] = {old: 1, "agents": {old: 1}}
    told = faults(yaml.safe_dump(data)).count(f"{old}: unknown field; it is now called {new!r}")
    assert told == len(kinds) + (new in Serving.model_fields) + (new in Agents.model_fields) > 0


def test_a_field_that_gave_way_to_others_names_them():
    told = faults(yaml.safe_dump(power(r={"type": "rack", "clock_exponent": 2.4})))
    words = "r: clock_exponent: unknown field; in its place there are voltage_slope, min_voltage, uncore_share"
    assert words in told


def test_an_unquoted_number_is_a_name_like_any_other():
    block = "\nrepeat:\n  - over: {i: 7..7}\n    components: {'{i}': {type: room}}\n"
    assert "component 7: duplicate name" in faults(
        POWER.replace("components:", "components:\n  7: {type: room}", 1) + block
    )


def test_an_empty_layout_is_a_fault():
    assert "components: there are none" in faults("version: 1\nname: nothing\n")


def test_losses_below_zero_are_a_fault():
    text = faults(POWER.replace("p1: {type: pdu, rating: 100 kW}", "p1: {type: ups, fixed_loss: 0, square_loss: -0.4}"))
    assert "the losses turn negative" in text


def test_an_address_of_another_kind_is_a_fault():
    assert "p1 is no ups" in faults(POWER, overrides={"ups[p1].rating": "1 kW"})
