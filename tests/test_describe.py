"""What types, models and sections say of themselves is what layouts take and results hold."""

import inspect
import re
import subprocess
import sys

import own_equipment
import pytest
from conftest import SMALL
from test_cli import run

import twin
from twin.components import REGISTRY
from twin.plant.compile import compile

SECTIONS = ("site", "serving", "economics", "limits")
KINDS = sorted(kind for kind, cls in REGISTRY.items() if cls.__module__.startswith("twin."))


def column(description, table, k=0):
    return [row[k] for row in description.tables.get(table, ((),))[1:]]


@pytest.mark.parametrize("name", [*KINDS, *SECTIONS])
def test_no_field_is_without_a_meaning(name):
    fields = twin.describe(name).tables["fields"]
    assert not [row[0] for row in fields[1:] if len(row[-1]) < 5]


def test_the_curves_of_chillers_are_listed_with_ratings_and_boxes():
    rows = {row[0]: row[1:] for row in twin.describe("chiller_curves").tables["curves"]}
    assert len(rows) == 1 + 5 + 303
    york = ("centrifugal", "water", "constant", "2,275 kW", "6.32", "4.4 to 8.9 degC", "12.8 to 29.4 degC")
    assert rows["york_yk"] == york
    unsized = ("scroll", "air", "constant", "", "", "4.4 to 12.2 degC", "23.9 to 46.1 degC")
    assert rows["copper_scroll_air_unsized"] == unsized


@pytest.mark.parametrize("cls", [*(REGISTRY[kind] for kind in KINDS), *own_equipment.TYPES], ids=lambda cls: cls.kind)
def test_every_type_says_its_ports_and_fields_also_one_of_ones_own(cls, monkeypatch):
    name = cls.kind
    monkeypatch.setitem(REGISTRY, name, cls)
    found = twin.describe(name)
    assert column(found, "ports") == list(cls.ports)
    assert {f.partition(".")[0] for f in column(found, "fields")} == set(cls.model_fields)
    assert found.text == inspect.cleandoc(cls.__doc__)
    assert name in repr(found) and f"<b>{name}</b>" in found._repr_html_()


@pytest.mark.parametrize("name", sorted(twin.catalogue()))
def test_every_model_shows_the_values_of_its_entry_and_their_kinds(name):
    entry = twin.catalogue()[name]
    shown = {row[0]: row[1:3] for row in twin.describe(name).tables["fields"][1:]}
    assert all(shown[f] == (str(v["value"]), v["kind"]) for f, v in entry["fields"].items())
    assert name in column(twin.describe(entry["type"]), "models")


@pytest.mark.parametrize("layout", [SMALL, "gb300_hall", "h200_hall", "frontier", "summit", "dps_demo"])
def test_results_and_limits_are_those_that_a_plant_of_such_equipment_has(layout):
    plant = compile(twin.load(layout))
    pages = [twin.describe(kind) for kind in plant.facility.count()]
    told = {row[:2] for page in pages for row in page.tables.get("results", ((),))[1:]}
    assert told >= {(r.name, r.value.column.unit) for r in plant.reports}
    assert {n for page in pages for n in column(page, "limits")} >= {x.name for x in plant.limits}


@pytest.mark.parametrize("name", [*KINDS, *SECTIONS])
def test_defaults_stand_in_the_unit_that_is_told_beside_them(name):
    for _, default, unit, bounds, _ in twin.describe(name).tables["fields"][1:]:
        if default[:1].isdigit() and " " in default and unit != "fraction":
            assert default.partition(" ")[2] == unit
        if bounds.startswith(("from 0 ", "above 0 ")) and unit != "fraction":
            assert bounds.partition(" 0 ")[2].split(",")[0] == unit


def test_a_cdu_on_its_page():
    page = repr(twin.describe("cdu"))
    for words in (
        "tcs_supply +coolant +required",
        "feed +power +required +several feeds",
        "set_point +40 degC +degC +from 1.85 degC, up to 66.85 degC +supply to the racks; none: valve open",
        "control +head +speed, head, flow",
        "deschutes +Open 2 MW unit",
        "cdu_supply_temperature +K +coolant to the racks",
        "cdu_set_point +at most, an aim",
        "pump_suction +at least",
    ):
        assert re.search(words, page)
    assert max(map(len, page.split("\n\nmodels")[0].splitlines())) <= 160


def test_models_inside_a_section_have_their_fields_too():
    fields = {row[0]: row[1:4] for row in twin.describe("serving").tables["fields"][1:]}
    assert fields["agents.tool_time"] == ("1 s", "s", "above 0 s")
    assert fields["mode"] == ("table", "", "table, physics")


def test_an_unknown_name_is_told_with_the_one_that_was_meant():
    with pytest.raises(twin.LayoutError, match="no type, model or section 'gb300_nvl'; did you mean 'gb300_nvl72'"):
        twin.describe("gb300_nvl")
    code, out, err = run("describe", "cdoo")
    assert (code, out) == (2, "") and "describe: no type, model or section 'cdoo'" in err
    assert run("describe", "site")[1].startswith("site: section\n")


def test_the_life_of_a_transformer_takes_a_unit():
    assert twin.components.Transformer(life="25 years").life == 25 * twin.units.YEAR


def test_help_shows_every_public_name():
    shown = set(re.findall(r"`(\w+)`", twin.__doc__))
    assert shown >= set(twin.__all__)
    done = subprocess.run(
        [sys.executable, "-c", "import twin; help(twin)"], capture_output=True, text=True, timeout=120
    )
    assert "least cost per token" in done.stdout and "solve(" in done.stdout
