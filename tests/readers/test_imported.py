"""Layouts from files of other programs: topologies of DPS, inventories of NetBox, networks of pandapower, tables."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import twin
from twin import columns
from twin.readers.imported import Names, UnreadableError

DPS = Path(__file__).parent / "dps"
NETBOX = Path(__file__).parent / "netbox"
GRID = Path(__file__).parent / "grids" / "hall.json"
TOPOLOGY, DEVICES = DPS / "topology.json", DPS / "devices.yaml"

TABLE = """\
name,room,x,y,kW,feeds,loop
R1,Hall 1,1,2,120,PDU A;PDU B,L1
R2,Hall 1,2,2,110,PDU A; PDU B,L1
S1,Hall 1,1,6,15,PDU A/PDU B,
S2,Hall 2,,,12,,
"""


def altered(tmp_path, change):
    """The topology with something changed in it."""
    data = json.loads(TOPOLOGY.read_text())
    change(data)
    path = tmp_path / "topology.json"
    path.write_text(json.dumps(data))
    return path


def entity(data, name):
    return next(e for e in data["Entities"] if e["Name"] == name)


def test_the_topology_of_the_demonstration_site_has_the_bound_of_its_layout():
    made = twin.imported(TOPOLOGY, DEVICES)
    result = twin.solve(twin.load(made.text))
    found, own = twin.bound(result)[0], twin.bound("dps_demo")[0]
    assert found.density == pytest.approx(own.density, rel=1e-9) == pytest.approx(93.75e3, rel=1e-5)
    assert found.limit.name == own.limit.name == "utility_contract"
    assert sorted(result["rack_power"].values.ravel()) == pytest.approx([90e3] * 8)
    assert result.plant.facility.components["Rack-3"].accelerators == 72
    assert result.facility.dark(["FloorPDU-3"]).dark == ("Rack-3", "Rack-7")
    assert len(made.told) == 1 and "limits of heat are ignored" in made.told[0]


def test_a_layout_reads_back_as_it_was_written(tmp_path):
    made = twin.imported(TOPOLOGY, DEVICES)
    assert yaml.safe_load(made.text) == made.spec
    assert made.text.startswith("# Imported from NVIDIA DPS.\n# - ")


@pytest.mark.parametrize(("policy", "watts"), [("GB300-High", 5000), ("GB300-Med", 3200), ("GB300-Low", 1600)])
def test_a_policy_holds_nodes(policy, watts):
    made = twin.imported(TOPOLOGY, DEVICES, policy=policy)
    racks = [c for c in made.spec["components"].values() if c["type"] == "rack"]
    assert {c["it_power"] for c in racks} == {f"{18 * watts / 1e3:g} kW"}
    assert {c["nameplate"] for c in racks} == {"90 kW"}


def test_limits_of_both_versions_and_of_devices_are_taken_the_least(tmp_path):
    def change(data):
        limit = entity(data, "Utility").pop("OperatingLimit")
        entity(data, "Utility")["Constraints"] = {"PowerValue": limit["PowerValue"], "PowerFactor": 0.9}
        entity(data, "FloorPDU-2")["OperatingLimit"] = {"PowerValue": {"Value": 300000, "Type": "W"}}
        entity(data, "Rack-1")["StaticLoad"] = {"Value": 2000, "Type": "W"}
        entity(data, "Rack-2")["Color"] = "red"

    made = twin.imported(altered(tmp_path, change), DEVICES)
    parts = made.spec["components"]
    assert (parts["Utility"]["contract"], parts["FloorPDU-2"]["rating"]) == ("750 kW", "300 kW")
    assert (parts["Rack-1"]["it_power"], parts["Rack-1"]["nameplate"]) == ("92 kW", "92 kW")
    told = "\n".join(made.told)
    assert "PowerFactor 0.9 of its limit is not taken over" in told and "not taken over: Color" in told


def test_a_rack_of_two_parents_has_two_cords(tmp_path):
    def change(data):
        links = {e["Name"]: e for e in data["Topology"]["Entities"]}
        links["FloorPDU-2"]["Children"].append("Rack-1")

    made = twin.imported(altered(tmp_path, change), DEVICES)
    assert made.spec["components"]["Rack-1"]["cords"] == 2
    assert any("Rack-1: has 2 parents" in t for t in made.told)
    result = twin.solve(twin.load(made.text))
    assert float(result["pdu_power"].sel(pdu="FloorPDU-1")[0]) == pytest.approx(135e3)


def test_all_that_is_wrong_with_a_topology_is_told_at_once(tmp_path):
    def change(data):
        entity(data, "Rack-1")["Type"] = "Rack"
        data["Topology"]["Entities"][0]["Children"].append("nobody")

    with pytest.raises(UnreadableError) as found:
        twin.imported(altered(tmp_path, change), DEVICES)
    assert len(found.value.faults) == 2
    assert "Rack-1: type 'Rack' is none of PowerDomain" in str(found.value) and "nobody: is in the topology" in str(
        found.value
    )
    cases = [
        (lambda d: entity(d, "node-001").update(Model="DGX"), "node-001: no device file has ComputerSystem DGX"),
        (lambda d: entity(d, "Utility").pop("Name"), "Utility: is in the topology and no entity"),
        (lambda d: d["Topology"]["Entities"][1]["Children"].append("Utility"), "feeds itself"),
        (lambda d: d["Topology"].pop("Entities"), "is no topology of DPS"),
        (
            lambda d: entity(d, "Utility")["OperatingLimit"]["PowerValue"].update(Type="kW"),
            "limit in 'kW'; only W is known",
        ),
    ]
    for change, told in cases:
        with pytest.raises(UnreadableError, match=told):
            twin.imported(altered(tmp_path, change), DEVICES)
    with pytest.raises(UnreadableError, match="no policy 'Best'; there are GB300-High"):
        twin.imported(TOPOLOGY, DEVICES, policy="Best")


def test_a_table_of_racks_becomes_a_hall_that_solves(tmp_path):
    path = tmp_path / "racks.csv"
    path.write_text(TABLE)
    made = twin.imported(path)
    result = twin.solve(twin.load(made.text))
    assert result.ok and not (result.margins.relative < -1e-7).any()
    assert float(result["rack_power"].sum()) == pytest.approx(257e3)
    assert (
        result.facility.components["R2"].at == (2.0, 2.0, 0.0)
        and result.facility.components["R2"].kind == "liquid_rack"
    )
    assert result.facility.dark(["PDU_A"]).dark == () and set(result.facility.dark(["PDU_A"]).reduced) == {
        "R1",
        "R2",
        "S1",
    }
    assert result.facility.components["S2"].at[1] > 6.0
    for lost in ("PDU_A", "PDU_B"):  # each feed alone carries all of its racks
        alone = twin.solve(twin.load(made.text, overrides={f"{lost}.in_service": False}))
        assert float(alone["pdu_loading"].max()) <= 1.0
    told = "\n".join(made.told)
    for sentence in ("1 racks have no place", "name no feed (S2", "there is no UPS", "Hall 1 is Hall_1"):
        assert sentence in told
    hot = np.asarray(twin.bound(result)[0].scale)
    assert hot > 1.0


def test_all_that_is_wrong_with_a_table_is_told_by_line(tmp_path):
    path = tmp_path / "racks.csv"
    path.write_text("name,room,x,y,kW,colour\nR1,a,1,,-3,red\nR1,a,1,2,ten,\n,a,1,2,5,\nR2,a\n")
    with pytest.raises(UnreadableError) as found:
        twin.imported(path)
    assert [f.partition(":")[0] for f in found.value.faults] == [
        "line 1",
        "line 2",
        "line 2",
        "line 3",
        "line 3",
        "line 4",
        "line 5",
    ]
    for told in (
        "column 'colour' is none of name, room",
        "kw -3 is outside 0",
        "give both x and y",
        "kw 'ten' is no number",
    ):
        assert told in str(found.value)
    for text in ("", "a,b\n1,2\n", "name,kW\n"):
        path.write_text(text)
        with pytest.raises(UnreadableError, match=r"needs the columns name and kw|has no racks|none of NetBox"):
            twin.imported(path)


def netbox(tmp_path, **changes):
    """The inventory with some files changed; None leaves one out."""
    for file in NETBOX.iterdir():
        change = changes.get(file.stem, lambda text: text)
        if change is not None:
            (tmp_path / file.name).write_text(change(file.read_text()))
    return twin.imported(tmp_path)


HEADINGS = {
    "device_type": "Type",
    "u_height": "Height",
    "maximum_draw": "Maximum draw (W)",
    "allocated_draw": "Allocated draw (W)",
    "power_panel": "Power Panel",
    "power_port": "Power Port",
    "max_utilization": "Max Utilization",
    "side_a_name": "Termination A",
    "side_b_name": "Termination B",
    "side_a_device": "Device A",
    "side_b_device": "Device B",
}


def as_exported(text):
    """A table of the bulk import as `All data (CSV)` of the same table has it, in netbox/dcim/tables of version 4.6."""
    rows = list(csv.DictReader(io.StringIO(text)))
    gone = ("side_a_type", "side_b_type", "side_a_power_panel", "slug")
    columns = [c for c in rows[0] if c not in gone]
    made = io.StringIO()
    table = csv.writer(made)
    table.writerow([HEADINGS.get(c, c.capitalize()) for c in columns])
    for row in rows:
        large = {c: row[c].capitalize() for c in ("status", "type", "phase") if c in row}
        large |= {"supply": row["supply"].upper()} if "supply" in row else {}
        large |= {"u_height": f"{row['u_height']}U"} if "u_height" in row else {}
        large |= {"max_utilization": f"{row['max_utilization']}%"} if "max_utilization" in row else {}
        table.writerow([(row | large)[c] for c in columns])
    return made.getvalue()


def test_exported_tables_are_the_same_inventory(tmp_path):
    tables = ("racks", "devices", "power_panels", "power_feeds", "power_ports", "power_outlets", "cables")
    made = netbox(tmp_path, **dict.fromkeys(tables, as_exported))
    feeds = (tmp_path / "power_feeds.csv").read_text()
    assert feeds.startswith("Site,Power Panel,Location,Rack,Name,Status,Type,Supply") and "Three-phase" in feeds
    same = twin.imported(NETBOX)
    assert (made.spec["components"], made.spec["connections"]) == (same.spec["components"], same.spec["connections"])
    assert made.told == same.told


def test_an_inventory_of_netbox_becomes_a_hall_that_solves():
    made = twin.imported(NETBOX)
    result = twin.solve(twin.load(made.text))
    assert result.ok and not (result.margins.relative < -1e-7).any()
    racks = result["rack_power"].isel(scenario=0)
    assert racks.sizes["rack"] == 40
    assert float(racks.sel(rack="R07")) == pytest.approx(4 * 2 * 1400)  # allocated before maximum, all ports
    assert float(racks.sel(rack="R01")) == pytest.approx(4 * 2 * 1400 + 2 * 350)
    parts = result.facility.components
    assert parts["R07"].nameplate == pytest.approx(4 * 2 * 3300) and parts["R07"].cords == 2
    available = 415 * 63 * 0.8 * 1.732  # as NetBox has it
    assert parts["R07-A"].rating == pytest.approx(available, rel=1e-9)
    assert result.facility.fed_by("R40")[:1] and {"R40-A", "R40-B", "PP-A", "PP-B"} <= set(
        result.facility.fed_by("R40")
    )
    assert result.facility.dark(["PP-A"]).dark == () and len(result.facility.dark(["PP-A"]).reduced) == 40
    assert (parts["R05"].room, parts["R25"].room) == ("Hall_1", "Hall_2")
    told = "\n".join(made.told)
    for sentence in ("1 racks that are not active", "1 devices that are not active", "40 cords are on primary and 40"):
        assert sentence in told


def test_feeds_are_those_that_name_a_rack_or_are_cabled_to_its_devices(tmp_path):
    bare = {"cables": None}  # of R40 the feeds name no rack
    unnamed = {"power_feeds": lambda t: re.sub(r",R\d\d,(R\d\d-[AB])", r",,\1", t)}
    for k, (changes, racks) in enumerate(((bare, ["R01"]), (unnamed, ["R01", "R40"]))):
        folder = tmp_path / str(k)
        folder.mkdir()
        made = netbox(folder, **changes)
        for rack in racks:
            fed = {a for kind, a, b in made.spec["connections"] if kind == "power" and b == f"{rack}.feed"}
            assert fed == {f"{rack}-A.out", f"{rack}-B.out"}


def test_without_allocated_draws_the_maximum_counts_and_silent_devices_are_told(tmp_path):
    made = netbox(
        tmp_path,
        node_x=lambda t: t.replace(", allocated_draw: 1400", ""),
        power_ports=lambda t: t.replace("650,350", ","),
    )
    racks = {n: c for n, c in made.spec["components"].items() if c.get("type") == "rack"}
    assert racks["R07"]["it_power"] == "26.4 kW"
    assert any("count as nothing: R01-switch" in t for t in made.told)


def test_all_that_is_wrong_with_an_inventory_is_told(tmp_path):
    cases = [
        ({"racks": None}, "no file has the columns site, name and u_height"),
        ({"devices": lambda t: t.replace(",R01,4,", ",R77,4,")}, "rack 'R77' is in no table of racks"),
        (
            {"power_feeds": lambda t: t.replace(",415,63,80", ",many,63,80", 1)},
            "power_feeds.csv: line 2: voltage 'many' is no number",
        ),
        ({"sites": lambda t: "Name,Colour\nDC1,red\n"}, "sites.csv: is no table of NetBox that is known"),
        ({"racks": lambda t: t + t.splitlines()[1] + "\n"}, "is also the name of racks.csv: line 2; rename one"),
        ({"node_x": lambda t: "- 1\n"}, "node_x.yaml: is no device type"),
        ({"cables": lambda t: t + "x,y\n"}, "has 2 cells, the header 9"),
    ]
    for k, (changes, told) in enumerate(cases):
        folder = tmp_path / str(k)
        folder.mkdir()
        with pytest.raises(UnreadableError, match=told):
            netbox(folder, **changes)


def test_names_are_made_different():
    names = Names()
    assert [names["PDU A"], names["PDU/A"], names["PDU A"], names["ß.1"]] == ["PDU_A", "PDU_A_2", "PDU_A", "ß_1"]


def command(*args):
    code = f"import sys; sys.argv = ['twin', *{args!r}]\nfrom twin.app.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_imports_by_the_command_line(tmp_path):
    out = tmp_path / "hall.yaml"
    done = command("import", str(TOPOLOGY), str(DEVICES), "-o", str(out))
    assert done.returncode == 0 and "limits of heat are ignored" in done.stderr
    assert twin.load(out).name == "dps_demo"
    (tmp_path / "damaged.json").write_text(TOPOLOGY.read_text()[:500])
    for files, told in (
        ([tmp_path / "damaged.json"], "is no JSON"),
        ([tmp_path / "none.json"], "no such file"),
        ([DEVICES], "give a topology or tables"),
        ([TOPOLOGY], "no device file has"),
    ):
        wrong = command("import", *map(str, files), "-o", str(tmp_path / "new.yaml"))
        assert wrong.returncode == 2 and told in wrong.stderr and wrong.stdout == ""
    assert not (tmp_path / "new.yaml").exists()
    again = command("import", str(TOPOLOGY), str(DEVICES), "-o", str(out))
    assert again.returncode == 2 and "exists; --force replaces it" in again.stderr


# ---- pandapower ----------------------------------------------------------------------------------------------------


def network(tmp_path, name):
    """A file of pandapower, the sample or one of its own, and its network."""
    pp = pytest.importorskip("pandapower")
    if name == "sample":
        return GRID, pp.from_json(str(GRID))
    import pandapower.networks

    net = getattr(pandapower.networks, name)()
    pp.to_json(net, str(tmp_path / f"{name}.json"))
    return tmp_path / f"{name}.json", net


def at_buses(result, made):
    """Voltages [pu] that a solved import has at pandapower's buses with a load."""
    joints = {}
    for _, *ends in made.spec["connections"]:
        joints.setdefault(ends[0], set()).update(ends)
    meets = {port: ends for ends in joints.values() for port in ends}
    size = abs(result.solution[columns.bus.voltage][:, 0])
    return {
        int(port.split(".")[0].removeprefix("load_")): v
        for name, v in zip(result.plant.bus_names, size, strict=True)
        for port in meets.get(name, ())
        if port.startswith("load_")
    }


@pytest.mark.parametrize(
    "name", ["sample", "simple_mv_open_ring_net", "create_cigre_network_lv", "create_cigre_network_mv", "mv_oberrhein"]
)
def test_networks_of_pandapower_are_solved_as_pandapower_does(tmp_path, name):
    path, net = network(tmp_path, name)
    import pandapower as pp

    made = twin.imported(path)
    result = twin.solve(twin.load(made.text))
    pp.runpp(net, calculate_voltage_angles=True, tolerance_mva=1e-11, numba=False)
    found = at_buses(result, made)
    assert set(found) >= set(net.load.bus[net.load.in_service & (net.load.p_mw > 0)]) - {6}  # one bus with bus 2
    assert max(abs(v - net.res_bus.vm_pu[bus]) for bus, v in found.items()) < 1e-8
    solved = result.dataset.isel(scenario=0)
    for kind, component, table in (("line", "feeder", net.line), ("trafo", "transformer", net.trafo)):
        for row in table.index[table.in_service]:
            own = solved[f"{component}_loading"].sel({component: f"{kind}_{row}"})
            assert float(own) * 100 == pytest.approx(net[f"res_{kind}"].loading_percent[row], abs=1e-6)
    assert float(solved["utility_power"].sum()) / 1e6 == pytest.approx(net.res_ext_grid.p_mw.sum(), abs=1e-7)


def test_a_line_that_is_open_can_be_closed_in_the_layout(tmp_path):
    made = twin.imported(GRID)
    standby = made.spec["components"]["line_4"]
    assert standby["in_service"] is False and made.spec["components"]["grid_0"]["voltage_set_point"] == 1.02
    result = twin.solve(twin.load(made.text), {"line_4.in_service": [False, True]})
    flow = result["feeder_power"].sel(feeder="line_4").values
    assert flow[0] == 0 and abs(flow[1]) > 1e3


def test_what_is_named_as_a_line_is_gets_a_name_of_its_own(tmp_path):
    pp = pytest.importorskip("pandapower")
    net = pp.from_json(str(GRID))
    pp.create_impedance(net, 1, 2, 0.01, 0.05, 10.0)
    pp.to_json(net, str(tmp_path / "net.json"))
    made = twin.imported(tmp_path / "net.json")
    (added,) = set(made.spec["components"]) - set(twin.imported(GRID).spec["components"])
    assert added.startswith("line_0_") and any(t.startswith(f"{added} states no largest current") for t in made.told)
    found = at_buses(twin.solve(twin.load(made.text)), made)
    pp.runpp(net, calculate_voltage_angles=True, tolerance_mva=1e-11, numba=False)
    assert max(abs(v - net.res_bus.vm_pu[bus]) for bus, v in found.items()) < 1e-8


def test_what_layouts_have_no_component_for_is_refused_by_bus_and_branch(tmp_path):
    pp = pytest.importorskip("pandapower")
    net = pp.from_json(str(GRID))
    pp.create_gen(net, 1, 0.1)
    pp.create_shunt(net, 2, 0.5)
    pp.create_sgen(net, 3, 3.0)
    net.trafo.loc[1, "shift_degree"] = 30.0
    pp.create_line_from_parameters(net, 3, 4, 0.1, 0.1, 0.1, 0.0, 1.0)
    net.line.loc[0, "g_us_per_km"] = 1.0
    path = tmp_path / "net.json"
    pp.to_json(net, str(path))
    with pytest.raises(UnreadableError) as found:
        twin.imported(path)
    for told in (
        "bus 1: a generator holds its voltage",
        "bus 2: has a shunt",
        "bus 3: gives active or reactive power",
        "is fed with angles that differ",
        "line_0: has a negative resistance, reactance or capacitance, or conducts",
    ):
        assert told in str(found.value)
    net.ext_grid["in_service"] = False
    pp.to_json(net, str(path))
    with pytest.raises(UnreadableError, match=r"slack|external grid"):
        twin.imported(path)
    with pytest.raises(UnreadableError, match="takes no device files and no policy"):
        twin.imported(GRID, policy="x")
