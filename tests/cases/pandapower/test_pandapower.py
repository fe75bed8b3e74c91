"""A pandapower network is read as pandapower solves it: voltages, flows, losses, loadings, tap positions."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import twin
from twin.readers import pandapower
from twin.readers.records import PQ, PV

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "expected.json").read_text())


def agree(result, expected, only=None):
    for name, values in expected.items():
        table, _, column = name.rpartition(".")
        values = np.array([np.nan if v is None else v for v in values])
        if table == "res_bus":
            mine = result[column]
        elif table in ("res_line", "res_trafo"):
            mine = result[f"{table[4:]}_{column}"][: len(values)]
        elif table == "res_gen":
            mine = result[f"gen_{column}"][1:]
        elif table == "res_ext_grid":
            mine = result[f"gen_{column}"][:1]
        else:
            continue
        mine = mine.values[:, 0]
        if name in ("res_bus.p_mw", "res_bus.q_mvar"):
            # pandapower reports the share of each fused bus, and nothing for the buses that it numbers last
            chosen = ~np.isin(result.bus.values, [20, 21, 33, 41])
            mine, values = mine[chosen], values[chosen]
        if name in ("res_bus.p_mw", "res_bus.q_mvar", "res_line.loading_percent", "res_line.i_from_ka"):
            mine, values = np.nan_to_num(mine), np.nan_to_num(values)
        np.testing.assert_allclose(mine, values, rtol=1e-8, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("model", ["t", "pi"])
def test_voltages_and_flows_are_pandapowers(model):
    agree(twin.power_flow(pandapower.read(HERE / "plant.json", model)), EXPECTED[f"{model} model"])


def test_tap_changers_come_to_rest_where_pandapowers_do():
    expected = EXPECTED["tap control"]
    result = twin.power_flow(HERE / "plant.json", tap_control=True)
    assert result.tap_pos.values.tolist() == [[expected["tap_pos"][0]]]
    agree(result, expected)


def test_every_scenario_has_taps_of_its_own():
    net = pandapower.read(HERE / "plant.json")
    net = replace(net, kind=np.where(net.kind == PV, PQ, net.kind), gen_power=0 * net.gen_power)
    share = np.array([0.05, 1.0, 5.0])
    load = np.zeros(len(net.label))
    load[np.unique(net.node, return_index=True)[1]] = np.real(net.load[: net.node.max() + 1]) * net.base_mva
    together = twin.power_flow(net, p_mw=load[:, None] * share, tap_control=True)
    for k, one in enumerate(share):
        alone = twin.power_flow(net, p_mw=load[:, None] * one, tap_control=True)
        np.testing.assert_array_equal(together.tap_pos[:, k], alone.tap_pos[:, 0])
        np.testing.assert_array_equal(together.vm_pu[:, k], alone.vm_pu[:, 0])
        low = together.vm_pu.sel(bus=9)[k]
        assert 1.02 <= low <= 1.035 or together.tap_pos[0, k] in (-9, 9)
    assert len(set(together.tap_pos.values.ravel())) > 1


def test_refusals_name_file_table_and_row(tmp_path):
    text = (HERE / "plant.json").read_text()
    document = json.loads(text)
    table = json.loads(document["_object"]["load"]["_object"])
    table["data"][2][table["columns"].index("const_i_p_percent")] = 30.0
    document["_object"]["load"]["_object"] = json.dumps(table)
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match=r"broken\.json: load 2: constant current is not read"):
        twin.power_flow(path)
    path.write_text('{"_class": "something else"}')
    with pytest.raises(ValueError, match="not a power-grid-model input file"):
        twin.power_flow(path)
    with pytest.raises(ValueError, match="trafo_model 'x' is neither t nor pi"):
        pandapower.read(HERE / "plant.json", "x")
