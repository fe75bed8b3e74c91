"""Layouts put together in Python are those of files, to the last bit, with the same faults."""

import csv
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import SMALL
from test_cli import GOOD

import twin

RACKS = [{"name": f"r{k}", "model": "tray", "feed": "grid.out", "supply": "cdu.tcs_supply"} for k in (1, 2)]


def built(quantities=True):
    """The layout of `GOOD`, component by component; in SI numbers if not in texts with units."""
    number = lambda text, si: text if quantities else si  # noqa: E731
    tray = {"type": "liquid_rack", "it_power": number("130 kW", 130e3), "nameplate": number("132 kW", 132000)}
    tray |= {"cords": 1, "platform": "gb300", "accelerators": 72, "junction_limit": number("126 degC", 399.15)}
    tray |= {"throttle_temperature": number("126.5 degC", 399.65)}
    layout = twin.Layout("small", site={"dry_bulb": number("25 degC", 298.15)}, catalogue={"tray": tray})
    layout.add("grid", "utility", voltage=number("415 V", 415), contract=number("1 MW", np.float64(1e6)))
    layout.add("r1", "tray")
    layout.add("r2", "tray", it_power=number("120 kW", np.int64(120_000)))
    layout.add("cdu", "cdu", capacity=number("400 kW", 4e5), control="head", head=number("90 kPa", 90e3))
    layout.add("tank", "expansion_tank")
    layout.add("pump", "pump", control="head", head=number("150 kPa", 150e3))
    layout.add("cooler", "dry_cooler")
    for name in ("r1", "r2", "cdu", "pump", "cooler"):
        layout.connect("grid.out", f"{name}.feed")
    for name in ("r1", "r2"):
        layout.connect("cdu.tcs_supply", f"{name}.supply")
        layout.connect(f"{name}.return", "cdu.tcs_return")
    layout.connect("cooler.out", "cdu.fws_supply")
    layout.connect("cdu.fws_return", "pump.in")
    layout.connect("pump.out", "cooler.in")
    layout.connect("tank.port", "pump.in")
    layout.case("hot", {"site.dry_bulb": number("38 degC", 311.15)})
    return layout


def plain(table):
    """The layout of `GOOD` without its racks, and these from a table."""
    data = yaml.safe_load(GOOD)
    data["components"] = {n: c for n, c in data["components"].items() if n not in ("r1", "r2")}
    data["connections"] = [link for link in data["connections"] if not re.search(r"\br\d\.", str(link))]
    layout = twin.Layout.from_dict(data)
    layout.add_table(table)
    return layout


# ---- equal to files ----------------------------------------------------------------------------------------------


def test_a_layout_in_texts_has_the_content_of_its_file():
    assert built().build().hash == twin.load(GOOD).hash
    assert built().build("hot").hash == twin.load(GOOD, "hot").hash


@pytest.mark.parametrize("case", [None, "hot"])
def test_numbers_are_si_and_solve_as_the_file_does_to_the_last_bit(case):
    by_hand, file = twin.solve(built(quantities=False), case=case), twin.solve(GOOD, case=case)
    assert by_hand.dataset.equals(file.dataset)


@pytest.mark.parametrize("name", [n for n in twin.shipped() if n != "campus_1gw"])
def test_shipped_layouts_come_back_from_plain_data_and_from_text(name):
    from twin.facility.files import parse_text, read_text

    layout = twin.Layout.from_dict(parse_text(*read_text(name)))
    assert layout.build().hash == twin.load(layout.to_yaml()).hash == twin.load(name).hash


def test_components_of_repeat_blocks_are_joined_to_by_name():
    layout = twin.Layout.from_dict(yaml.safe_load(SMALL))
    layout.add("r9", "gb300_nvl72", room="hall", cords=1)
    layout.connect("bus.out", "r9.feed")
    layout.connect("r9.supply", "r1.supply")
    layout.connect("r9.return", "r1.return")
    assert ("coolant", ("r9", "supply"), ("r1", "supply")) in layout.build().connections


def test_every_call_that_takes_a_layout_takes_one_of_python():
    layout = built()
    assert twin.load(layout, overrides={"site.dry_bulb": "30 degC"}).site.dry_bulb == 303.15
    assert twin.bound(layout)[0].scale == twin.bound(GOOD)[0].scale
    assert twin.worth(layout, 0.4).margin == twin.worth(GOOD, 0.4).margin


def test_numbers_in_lists_sections_and_models_inside_are_si_too():
    layout = built()
    layout.add("hall", "room", at=(1, 2.5, 0.0), length=9)
    layout.case("dear", {"economics.electricity": 3e-8, "tray.power_cap": 900, "cdu[cdu].set_point": 310})
    data = layout.to_dict()
    assert data["components"]["hall"] == {"type": "room", "at": ["1 m", "2.5 m", "0.0 m"], "length": "9 m"}
    dear = {"economics.electricity": "3e-08 $/J", "tray.power_cap": "900 W", "cdu[cdu].set_point": "310 K"}
    assert data["cases"]["dear"] == dear
    other = twin.Layout("x", economics={"sources": {"wind": {"price": 1e-8}}}, serving={"agents": {"think_time": 2}})
    assert other.to_dict()["economics"]["sources"]["wind"]["price"] == "1e-08 $/J"
    assert other.to_dict()["serving"]["agents"] == {"think_time": "2 s"}


def test_what_was_given_is_copied():
    data = yaml.safe_load(GOOD)
    before = repr(data)
    layout = twin.Layout.from_dict(data)
    layout.add("more", "cdu")
    layout.to_dict()["components"].clear()
    assert repr(data) == before
    assert "more" in layout.to_dict()["components"]


# ---- tables ------------------------------------------------------------------------------------------------------


def rows(text):
    return [row | {"return": "cdu.tcs_return", "it_power": p} for row, p in zip(RACKS, text, strict=True)]


def test_a_table_has_a_rack_a_row_whatever_holds_it(tmp_path):
    file = twin.load(GOOD)
    wanted = twin.solve(file).dataset
    path = tmp_path / "racks.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as out:
        writer = csv.DictWriter(out, [*RACKS[0], "return", "it_power", "at"])
        writer.writeheader()
        writer.writerows(rows(("", "120 kW")))
    frame = pd.DataFrame(rows((np.nan, 120e3)))
    for table in (rows((None, "120 kW")), path, str(path), frame, frame.set_index("name")):
        assert twin.solve(plain(table)).dataset.equals(wanted)
    assert plain(path).build().hash == file.hash


def test_a_port_of_a_table_takes_several_ends_and_a_cell_may_be_a_list(tmp_path):
    path = tmp_path / "racks.csv"
    path.write_text('name,type,feed,at,cords\nr1,rack,"a.out, b.out","[1 m, 2 m, 0 m]",2\na,utility,,,\nb,utility,,,\n')
    facility = twin.Layout.from_table(path, "two", site={"dry_bulb": 290}).build()
    assert [a for _, a, b in facility.connections if b == ("r1", "feed")] == [("a", "out"), ("b", "out")]
    assert facility.components["r1"].at == (1.0, 2.0, 0.0)
    assert facility.site.dry_bulb == 290


BAD_TABLES = {
    "a number without a unit in a file": ("name,type,it_power\nr1,rack,130\n", "rack r1: it_power: 130 needs a unit"),
    "no name": ("name,type\n,rack\n", "line 2: needs `name`"),
    "twice": ("name,type\nr1,rack\nr1,rack\n", "line 3: component r1: duplicate name"),
    "short row": ("name,type,feed\nr1,rack\n", "line 2: 2 cells under 3 columns"),
    "other separator": ("name;type\nr1;rack\n", "line 1: a header with `name`, each column once, parted by commas"),
    "column twice": ("name,type,type\nr1,rack,rack\n", "line 1: a header"),
    "unknown column": ("name,type,it_powr\nr1,rack,1 kW\n", "rack r1: it_powr: unknown field; did you mean 'it_power'"),
    "unknown type": ("name,type\nr1,rak\n", "component r1: unknown type 'rak'; did you mean 'rack'"),
    "no type": ("name,it_power\nr1,1 kW\n", "component r1: needs `type` or `model`"),
    "no component": ("name,type,feed\nr1,rack,grid\n", "no component ''"),
    "empty": ("\n\n", "is empty; begin with a header"),
    "open quote": ('name,type\nr1,"rack\n', "line 2"),
}


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_faults_of_a_table_name_its_line_or_component(kind, tmp_path):
    text, message = BAD_TABLES[kind]
    path = tmp_path / "racks.csv"
    path.write_text(text)
    with pytest.raises(twin.LayoutError, match=re.escape(message)):
        twin.Layout.from_table(path).build()


def test_a_faulty_table_adds_nothing():
    layout = built()
    before = layout.to_dict()
    with pytest.raises(twin.LayoutError, match="row 2: component r1: duplicate name"):
        layout.add_table([{"name": "r3", "model": "tray", "feed": "grid.out"}, {"name": "r1", "model": "tray"}])
    assert layout.to_dict() == before


@pytest.mark.parametrize("table", [3, {"name": "r1"}, ["r1"], "no such file.csv"])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(twin.LayoutError):
        twin.Layout.from_table(table)


def test_no_type_has_a_port_that_is_called_like_a_field():
    from twin.components import REGISTRY

    assert not [(k, p) for k, cls in REGISTRY.items() for p in cls.ports if p in {*cls.model_fields, "name", "type"}]


# ---- faults ------------------------------------------------------------------------------------------------------


def test_what_python_adds_wrongly_is_told_where_it_stands():
    layout, endless = built(), {}
    endless["site"] = endless
    for add, message in (
        (lambda: layout.add("r1", "rack"), "small: component r1: duplicate name"),
        (lambda: layout.add("x", "cduu"), "'cduu' is neither a type nor a model; did you mean 'cdu'"),
        (lambda: layout.add("x", "cdu", capacity=object()), "component x: capacity: object"),
        (lambda: layout.add("x", "cdu", type="rack"), "component x: is cdu already; leave out `type` and `model`"),
        (lambda: layout.case("hot", {}), "case hot: duplicate name"),
        (lambda: twin.Layout.from_dict(endless), "contains itself"),
        (lambda: twin.Layout.from_dict([1]), "is not a mapping"),
    ):
        with pytest.raises(twin.LayoutError, match=re.escape(message)):
            add()


def test_build_tells_all_faults_at_once_by_component():
    layout = built()
    layout.add("c2", "cdu", capacity=float("nan"), capcity=3, head=-5.0)
    layout.case("odd", {"cooler.fan_powr": 3.0, "nothing.power": 1})
    with pytest.raises(twin.LayoutError) as caught:
        layout.build()
    text = str(caught.value)
    for message in (
        "small: cdu c2: capacity: 'nan W' is not a finite number",
        "small: cdu c2: capcity: unknown field; did you mean 'capacity'",
        "small: cdu c2: head: -5 Pa is not above 0 kPa",
        "case odd: nothing.power: nothing here is called 'nothing'",
    ):
        assert message in text


def test_the_carrier_of_a_connection_is_that_of_its_ports():
    layout = built()
    layout.connect("cdu.tcs_supply", "grid.out")
    with pytest.raises(twin.LayoutError, match=re.escape("port grid.out carries power, not coolant")):
        layout.build()
