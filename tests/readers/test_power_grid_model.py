"""power-grid-model files are read as power-grid-model solves them; what is not understood is refused by name."""

import json
from itertools import product

import numpy as np
import pytest

import twin
from twin.readers import power_grid_model

GRID = {
    "node": [{"id": k, "u_rated": u} for k, u in enumerate((10500.0, 10500.0, 400.0, 400.0, 400.0), 1)],
    "line": [
        {"id": 10, "from_node": 1, "to_node": 2, "r1": 0.25, "x1": 0.2, "c1": 1e-6, "tan1": 0.01, "i_n": 400.0},
        {"id": 11, "from_node": 3, "to_node": 4, "r1": 0.01, "x1": 0.005, "c1": 0.0, "tan1": 0.0, "i_n": 1000.0},
        {"id": 12, "from_node": 4, "to_node": 5, "r1": 1e-3, "x1": 1e-3, "c1": 0.0, "tan1": 0.0, "i_n": 1000.0},
    ],
    "transformer": [
        dict(id=20, from_node=2, to_node=3, u1=10750.0, u2=420.0, sn=1e6, uk=0.06, pk=8000.0, i0=0.01, p0=900.0,
             winding_from=2, winding_to=1, clock=5, tap_side=0, tap_pos=2, tap_min=-5, tap_max=5, tap_nom=0,
             tap_size=250.0)
    ],
    "sym_load": [
        {"id": 30, "node": 4, "status": 1, "type": 0, "p_specified": 2e5, "q_specified": 5e4},
        {"id": 31, "node": 5, "status": 1, "type": 1, "p_specified": 1e5, "q_specified": 2e4},
        {"id": 32, "node": 3, "status": 0, "type": 0, "p_specified": 9e9, "q_specified": 5e4},
    ],
    "sym_gen": [{"id": 40, "node": 3, "status": 1, "type": 0, "p_specified": 3e4, "q_specified": 1e3}],
    "shunt": [{"id": 50, "node": 3, "status": 1, "g1": 0.001, "b1": 0.02, "g0": 0.0, "b0": 0.0}],
    "source": [{"id": 60, "node": 1, "status": 1, "u_ref": 1.03, "u_ref_angle": 0.1, "sk": 5e8, "rx_ratio": 0.2}],
}  # fmt: skip


GENERIC = {"id": 21, "from_node": 2, "to_node": 3, "r1": 0.001, "x1": 0.02, "g1": 0.001, "b1": 0.02, "k": 1.03,
           "theta": 0.3, "sn": 1e6}  # fmt: skip
LINKED = {"line": GRID["line"][:2], "link": [{"id": 12, "from_node": 4, "to_node": 5}]}
OPEN = ((0, 0), (0, 1), (1, 0))
BRANCHES = ("line", "link", "generic_branch", "transformer")


def grid_file(tmp_path, **changes):
    data = json.loads(json.dumps(GRID | changes))
    for table in BRANCHES:
        data[table] = [{"from_status": 1, "to_status": 1} | row for row in data.get(table, ())]
    document = {"version": "1.0", "type": "input", "is_batch": False, "attributes": {}, "data": data}
    path = tmp_path / "grid.json"
    path.write_text(json.dumps(document))
    return path


def agree(path, tolerance=1e-11):
    """Ours and power-grid-model's answer to a file are the same; ours comes back."""
    model = pytest.importorskip("power_grid_model")
    from power_grid_model.utils import json_deserialize

    grid = model.PowerGridModel(json_deserialize(path.read_text()), system_frequency=50.0)
    theirs = grid.calculate_power_flow(error_tolerance=tolerance)
    ours = twin.power_flow(path)
    assert int(ours["status"][0]) == 0
    lit = theirs["node"]["energized"] == 1
    vm_pu, va_degree = (ours[name].values[: len(lit), 0] for name in ("vm_pu", "va_degree"))
    np.testing.assert_array_equal(np.isfinite(vm_pu), lit)
    np.testing.assert_allclose(vm_pu[lit], theirs["node"]["u_pu"][lit], atol=10 * tolerance)
    np.testing.assert_allclose(np.radians(va_degree[lit]), theirs["node"]["u_angle"][lit], atol=10 * tolerance)
    of_trafos = [theirs[name] for name in ("generic_branch", "transformer") if name in theirs]
    trafos = {name: np.concatenate([t[name] for t in of_trafos]) for name in ("p_from", "q_to", "loading")}
    for table, result, ends in (("line", theirs["line"], ("from", "to")), ("trafo", trafos, ("hv", "lv"))):
        k, mine = len(result["loading"]), np.nan_to_num(ours[f"{table}_loading_percent"].values[:, 0]) / 100
        np.testing.assert_allclose(mine[:k], result["loading"], rtol=1e-6, atol=1e-9)
        for name, power in ((f"p_{ends[0]}_mw", result["p_from"]), (f"q_{ends[1]}_mvar", result["q_to"])):
            mine = ours[f"{table}_{name}"].values[:k, 0]
            np.testing.assert_allclose(1e6 * mine, power, rtol=1e-6, atol=0.01, err_msg=name)
    return ours


@pytest.mark.parametrize("side", [0, 1])
def test_power_grid_model_files_give_what_it_computes(tmp_path, side):
    trafo = [GRID["transformer"][0] | {"tap_side": side, "tap_size": 250.0 if side == 0 else 8.0}]
    agree(grid_file(tmp_path, transformer=trafo))
    agree(grid_file(tmp_path, **LINKED, transformer=trafo), 2e-8)  # their rounding, of 1e8 pu


@pytest.mark.parametrize(
    ("table", "row", "status"), [*product(BRANCHES, (0,), OPEN), *product(("line",), (1, 2), OPEN)], ids=str
)
def test_a_branch_open_at_one_end_keeps_what_it_draws_from_the_other(tmp_path, table, row, status):
    changes = LINKED if table == "link" else {"generic_branch": [GENERIC]} if table == "generic_branch" else {}
    rows = [r | {"c1": 1e-5} if table == "line" else dict(r) for r in (GRID | changes)[table]]
    rows[row] |= dict(zip(("from_status", "to_status"), status, strict=True))
    agree(grid_file(tmp_path, **changes | {table: rows}), 2e-8 if table == "link" else 1e-11)


def test_an_open_cable_raises_its_node_by_its_charging_current(tmp_path):
    """10 uF at 10.5 kV and 50 Hz give 0.346 Mvar, which 4 ohm take for 1.26 %: 0.9865 pu instead of 0.9739."""
    node = [{"id": i, "u_rated": 10500.0} for i in (1, 2, 5)]
    feeder = {"id": 3, "from_node": 1, "to_node": 2, "r1": 2.0, "x1": 4.0, "c1": 1e-6, "tan1": 0.0}
    cable = {"id": 7, "from_node": 2, "to_node": 5, "r1": 0.25, "x1": 0.2, "c1": 1e-5, "tan1": 0.0, "to_status": 0}
    load = {"id": 9, "node": 2, "status": 1, "type": 0, "p_specified": 1e6, "q_specified": 2e5}
    source = {"id": 4, "node": 1, "status": 1, "u_ref": 1.0, "sk": 1e14}
    more = dict(node=node, sym_load=[load], source=[source], transformer=[], sym_gen=[], shunt=[])
    path = grid_file(tmp_path, line=[feeder, cable], **more)
    found = twin.power_flow(path)
    assert found.bus.values.tolist() == ["1", "2", "5", "source 4"]
    base, v = 10.5**2, 1.0 + 0j  # ohm, pu of 1 MVA
    half = 0.5j * 2 * np.pi * 50 * base * np.array([1e-6, 1e-5])
    drawn = half.sum() + 1 / (1 / half[1] + (0.25 + 0.2j) / base)
    for _ in range(60):
        v = (1 - (2 + 4j) / base * np.conj((1 + 0.2j) / v)) / (1 + (2 + 4j) / base * drawn)
    assert abs(v) == pytest.approx(0.9865, abs=5e-5)
    np.testing.assert_allclose(found.vm_pu.values[1:3, 0], [abs(v), np.nan], atol=1e-8)
    mvar = -np.imag(drawn - half[0]) * abs(v) ** 2
    assert found.line_q_from_mvar.values[1, 0] == pytest.approx(mvar, rel=1e-7)
    assert found.line_q_to_mvar.values[1, 0] == pytest.approx(0, abs=1e-9)
    loads = np.array([0, 1.0, 0, 0])
    np.testing.assert_array_equal(twin.power_flow(path, loads, 0.2 * loads)["vm_pu"], found["vm_pu"])


@pytest.mark.parametrize(
    "tap",
    [
        {"tap_pos": 9}, {"tap_pos": -7}, {"tap_pos": None, "tap_nom": 1}, {"tap_nom": None}, {"uk_max": 0.12},
        {"tap_min": 0, "tap_max": 0}, {"tap_min": 5, "tap_max": -5}, {"tap_min": 5, "tap_max": -5, "tap_pos": 9},
        {"pk_max": 2e4}, {"uk_min": 0.12, "tap_pos": -2}, {"uk_min": 0.12}, {"tap_nom": 3, "uk_min": 0.12},
        {"uk_max": 0.1, "tap_pos": 9}, {"tap_min": 5, "tap_max": -5, "uk_max": 0.1, "tap_pos": -1},
        {"tap_min": 5, "tap_max": -5, "uk_min": 0.1},
    ],
    ids=str,
)  # fmt: skip
def test_taps_stay_in_their_range_and_impedances_follow_them(tmp_path, tap):
    row = {name: value for name, value in (GRID["transformer"][0] | tap).items() if value is not None}
    agree(grid_file(tmp_path, transformer=[row]))


@pytest.mark.parametrize("source", [{"rx_ratio": 0.0}, {"sk": None}, {"rx_ratio": None, "u_ref_angle": None}], ids=str)
def test_what_is_zero_is_not_left_out(tmp_path, source):
    agree(grid_file(tmp_path, source=[GRID["source"][0] | source]))


def test_generic_branches_are_ohms_and_siemens_at_the_to_side(tmp_path):
    agree(grid_file(tmp_path, generic_branch=[GENERIC], transformer=[]))
    plain = {name: value for name, value in GENERIC.items() if name not in ("k", "theta")}
    agree(grid_file(tmp_path, generic_branch=[plain], transformer=[]))


def test_rows_as_lists_read_like_rows_as_mappings(tmp_path):
    names = list(GRID["node"][0])
    data = json.loads(grid_file(tmp_path).read_text())
    data["attributes"], data["data"]["node"] = {"node": names}, [[r[n] for n in names] for r in GRID["node"]]
    listed = tmp_path / "listed.json"
    listed.write_text(json.dumps(data))
    one, other = twin.power_flow(grid_file(tmp_path)), twin.power_flow(listed)
    np.testing.assert_array_equal(one["vm_pu"], other["vm_pu"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"three_winding_transformer": [{"id": 1}]}, "three_winding_transformer is not read"),
        ({"sym_load": [GRID["sym_load"][0] | {"type": 2}]}, "sym_load: constant current is not read"),
        ({"sym_load": [GRID["sym_load"][0] | {"node": 9}]}, "sym_load 30: there is no node 9"),
        ({"sym_load": [GRID["sym_load"][0] | {"id": 10}]}, "id 10 stands twice"),
        ({"line": [{k: v for k, v in GRID["line"][0].items() if k != "r1"}]}, "line 10 has no r1"),
        ({"line": [GRID["line"][0] | {"x1": None}]}, "line 10 has no x1"),
        ({"line": [GRID["line"][0] | {"x1": "0.2 ohm"}]}, "line 10: x1 is no number: '0.2 ohm'"),
        ({"line": [GRID["line"][0] | {"to_node": 3}]}, "line 10 joins nodes of 10500 V and 400 V"),
        ({"node": [{"id": 1, "u_rated": 1e4}, {"id": 2}]}, "node 2 has no u_rated"),
        ({"node": [{"u_rated": 1e4}]}, "node, row 1 has no id"),
        ({"node": [{"id": 1, "u_rated": 0.0}]}, "u_rated must be above 0"),
        ({"source": [GRID["source"][0] | {"sk": 0.0}]}, "sk must be above 0"),
        ({"transformer": [GRID["transformer"][0] | {"tap_poss": 3}]}, "unknown attribute tap_poss; is it tap_pos"),
        ({"transformer": [GRID["transformer"][0] | {"tap_nom": 7}]}, "20: tap_nom outside of tap_min and tap_max"),
        ({"transformer_tap_regulator": [{"id": 1}]}, "transformer_tap_regulator is not read"),
        ({"nonsense": [{"id": 1}]}, "nonsense is not read"),
    ],
)
def test_grid_files_that_cannot_be_read_are_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        twin.power_flow(grid_file(tmp_path, **changes))


def test_another_json_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a power-grid-model input file"):
        (tmp_path / "other.json").write_text("[1, 2]")
        twin.power_flow(tmp_path / "other.json")


def test_descriptions_beside_the_attributes_are_let_be(tmp_path):
    told = [GRID["shunt"][0] | {"name": "filter", "id_reference": {"table": "shunts", "index": 3}}]
    np.testing.assert_array_equal(
        twin.power_flow(grid_file(tmp_path, shunt=told))["vm_pu"], twin.power_flow(grid_file(tmp_path))["vm_pu"]
    )


def test_every_attribute_of_power_grid_model_is_read_or_harmless():
    pytest.importorskip("power_grid_model")
    from power_grid_model import power_grid_meta_data

    for component, data in power_grid_meta_data["input"].items():
        table = component.value
        if table in power_grid_model.READ:
            declared = {*power_grid_model.READ[table], *power_grid_model.OPTIONAL.get(table, ())}
            assert set(data.dtype.names) == declared | set(power_grid_model.HARMLESS.get(table, ())), table
        else:  # refused by name
            refused = {"asym_line", "three_winding_transformer", "asym_gen", "asym_load", "transformer_tap_regulator"}
            assert table in power_grid_model.IGNORED | refused | {"voltage_regulator"}, table
