"""EPANET input files are read as EPANET solves them; what cannot be read is said with file and line."""

import json
from pathlib import Path

import numpy as np
import pytest

import twin
from twin.readers.inp_options import FLOW, FOOT

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "expected.json").read_text())
UNITS = {"mixed": ("LPS", 1.0, 1000.0), "darcy": ("GPM", FOOT, 1020.0), "manning": ("CMH", 1.0, 1000.0)}
UNITS |= {"regulated": ("LPS", 1.0, 1000.0)}


def flows(result, unit, density):
    """Flows of all links by name, in the unit of the file."""
    named = {}
    for kind in {"pipe", "pump", "valve"} & set(result.dims):
        values = result[f"{kind}_mdot_from_kg_per_s"].values[:, 0] / density / FLOW[unit]
        named |= dict(zip(result[kind].values.tolist(), values, strict=True))
    return named


@pytest.mark.parametrize("name", UNITS)
def test_heads_and_flows_are_epanets(name):
    unit, long, density = UNITS[name]
    result, expected = twin.pipe_flow(HERE / f"{name}.inp"), EXPECTED[name]
    assert result.status.values.tolist() == [0]
    named = flows(result, unit, density)
    peak = max(map(abs, expected["flow"].values()))
    for link, flow in expected["flow"].items():
        assert abs(named[link] - flow) <= 2e-5 * peak, link
    for node, head in expected["head"].items():
        assert abs(result.head_m.sel(junction=node).item() / long - head) <= 1e-5 * 300, node


@pytest.mark.parametrize("name", ["mixed", "regulated"])
def test_demands_are_scenarios(name):
    net = twin.networks.read_pipe_network(HERE / f"{name}.inp")
    share = np.array([0.1, 0.5, 1.0, 1.7])
    result = twin.pipe_flow(net, mdot_kg_per_s=net.demand[:, None] * share)
    for k, factor in enumerate(share):
        one = twin.pipe_flow(net, mdot_kg_per_s=net.demand * factor)
        np.testing.assert_array_equal(result.p_bar[:, k], one.p_bar[:, 0])
    assert (result.status == 0).all()
    balance = result.mdot_kg_per_s.sum("junction")
    np.testing.assert_allclose(balance, 0.0, atol=1e-7)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("P1   J1     J2     420", "P1   J1     J2     long", r"net\.inp:\d+: P1 J1 J2 long .*'long' is not a number"),
        ("P1   J1     J2", "P1   J1     J77", r"net\.inp:\d+: no node J77"),
        ("P2   J2     J3     310", "P1   J2     J3     310", r"net\.inp:\d+: link P1 stands twice"),
        ("P2   J2     J3     310", "P2   J2     J3     -310", r"pipe P2: length, diameter and roughness must be pos"),
        ("TCV   12 ", "GPV   big", r"net\.inp:\d+: valve V2: GPV is not read unless"),
        ("FCV   3.5", "XYZ   3.5", r"net\.inp:\d+: valve V1: type XYZ is none of TCV"),
        ("HEAD big", "HEAD none", r"net\.inp:\d+: pump U1: no curve none"),
        ("Units              LPS", "Units              XYZ", r"net\.inp:\d+: UNITS XYZ is none of CFS"),
        ("4.0     day", "4.0     night", r"net\.inp:\d+: no pattern night"),
        (
            "[JUNCTIONS]",
            "[JUNK]",
            r"net\.inp:4: section \[JUNK\] is not known; known are TITLE",
        ),
        (" big     15   40", " big     15   60", r"pump U1: its head must fall with its flow"),
    ],
)
def test_bad_files_are_refused_with_file_and_line(tmp_path, old, new, message):
    text = (HERE / "mixed.inp").read_text()
    assert old in text
    path = tmp_path / "net.inp"
    path.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=message):
        twin.pipe_flow(path)


def test_what_is_no_network_is_refused(tmp_path):
    for name, message in (
        ("none.inp", "no such file"),
        ("empty.inp", "not an EPANET file"),
        ("net.txt", "neither .inp"),
    ):
        path = tmp_path / name
        if name != "none.inp":
            path.write_text("")
        with pytest.raises(ValueError, match=message):
            twin.pipe_flow(path)


@pytest.mark.parametrize(
    ("old", "new", "link", "flow"),
    [
        ("LINK P9 OPEN AT TIME 0", "PIPE P9 OPEN AT CLOCKTIME 12 AM", None, None),
        ("LINK P9 OPEN AT TIME 0", "LINK P9 CLOSED AT TIME 0", "P9", 0.0),
        ("LINK U2 CLOSED IF NODE T1 ABOVE 3.5", "PUMP U2 CLOSED IF TANK T1 ABOVE 3.5", None, None),
        ("SPEED 1.05", "SPEED 0", "U1", 0.0),
        ("J1   12.0       0.0", '"J1"   12.0       0.0', None, None),
    ],
)
def test_other_ways_to_write_the_same_and_statuses_that_shut(tmp_path, old, new, link, flow):
    text = (HERE / "mixed.inp").read_text()
    assert old in text
    path = tmp_path / "net.inp"
    path.write_text(text.replace(old, new))
    first, result = (flows(twin.pipe_flow(f), "LPS", 1000.0) for f in (HERE / "mixed.inp", path))
    if link is None:
        assert result == first
    else:
        assert abs(result[link] - flow) < 1e-6 and abs(first[link]) > 0.1


def test_nothing_flows_into_a_tank_that_is_full(tmp_path):
    text = (HERE / "mixed.inp").read_text().replace("55.0       4.0    0.5  8.0", "20.0       8.0    0.5  8.0")
    path = tmp_path / "net.inp"
    path.write_text(text)
    assert abs(flows(twin.pipe_flow(path), "LPS", 1000.0)["P5"]) < 1e-6
    path.write_text(text.replace("8.0    0.5  8.0", "8.0    0.5  9.0"))
    assert flows(twin.pipe_flow(path), "LPS", 1000.0)["P5"] > 1.0
