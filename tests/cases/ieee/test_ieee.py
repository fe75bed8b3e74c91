"""Published networks: voltages, losses and the slack's power are those of an independent Newton."""

import csv
from pathlib import Path

import numpy as np
import pytest

import twin
from twin.networks import read_power_network
from twin.readers.records import SLACK

HERE = Path(__file__).parent
EXPECTED = {
    "case14": (13.393272, 232.393272),
    "case30": (2.443803, 25.973803),
    "case118": (132.862872, 513.862872),
    "case33bw": (0.202677, 3.917677),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_case_equals_the_reference(name):
    net = read_power_network(HERE / f"{name}.m")
    result = twin.power_flow(net)
    with (HERE / f"{name}.csv").open() as file:
        rows = [tuple(map(float, row)) for row in list(csv.reader(file))[1:]]
    bus, vm, va = np.array(rows).T
    np.testing.assert_array_equal(result["bus"], bus)
    np.testing.assert_allclose(result["vm_pu"].values[:, 0], vm, atol=1e-9)
    np.testing.assert_allclose(result["va_degree"].values[:, 0], va, atol=1e-7)
    loss = result["line_pl_mw"].sum() + result["trafo_pl_mw"].sum()
    assert float(loss) == pytest.approx(EXPECTED[name][0], abs=1e-6)
    slack = np.flatnonzero(net.kind[net.gen_bus] == SLACK)
    assert float(result["gen_p_mw"][slack, 0].sum()) == pytest.approx(EXPECTED[name][1], abs=1e-6)
