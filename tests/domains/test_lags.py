"""What domains take from each other in a pass is of that pass, wherever it can be."""

import numpy as np
import pytest
import tables
from twin.kernels.sums import Groups

import twin
from twin import columns
from twin.domains import hydraulic, thermal
from twin.domains.hydraulic import Controls
from twin.domains.rejection import Inflow
from twin.elements import Bypass
from twin.plant.compile import compile
from twin.solver.program import Program


@pytest.mark.parametrize("alike", [1.0, 3.0])
def test_a_bypass_expects_what_is_asked_of_others_and_flows_where_nothing_is_or_where_they_are_short(alike):
    """Pipe 0 is the bypass; 1 is held, 2 short of what is asked, 3 free and leaving, 4 free and arriving.

    Of several bypasses that are alike each expects of the others what is asked of them.
    """
    asked = tables.table(Controls, (5, 1), target=np.array([[9.0], [5.0], [7.0], [np.nan], [np.nan]]))
    asked.free[2] = 1.0
    relief = tables.table(Bypass, (1, 1), pipe=0)
    groups = Groups(np.array([0, 5], np.int32), np.arange(5, dtype=np.int32), np.full(5, alike))
    sign, flow = np.array([[1.0], [1.0], [1.0], [-1.0], [1.0]]), np.array([[0.5], [4.0], [6.0], [10.0], [2.0]])
    out = np.zeros((1, 1))
    tables.run(hydraulic.expect, (1, 1), relief, groups, sign, flow, asked, out)
    assert out[0, 0] == 0.5 + (alike - 1.0) * 9.0 + alike * (5.0 + 6.0 + 2.0)


def test_to_coolers_comes_what_their_streams_bring_and_water_of_their_sink_within_150_and_420_kelvin():
    stream = tables.table(columns.stream, (3, 1), inlet=np.array([[310.0], [500.0], [295.0]]))
    rows = np.arange(2, dtype=np.int32)
    unit = thermal.Unit(rows, rows, np.array([2, -1], np.int32))
    at = tables.table(Inflow, (2, 1), sink=280.0)
    tables.run(thermal.arrived, (2, 1), unit, stream, at)
    np.testing.assert_array_equal(at.inlet[:, 0], [310.0, 420.0])
    np.testing.assert_array_equal(at.sink[:, 0], [295.0, 280.0])


@pytest.mark.parametrize("hall", ["gb300_hall", "h200_hall"])
def test_five_passes_bring_temperatures_that_were_moved_by_a_kelvin_back_to_a_microkelvin(hall):
    """With powers of coolers and heat capacities of the pass before, 40 and 300 times as much was left."""
    program = Program(compile(twin.load(hall), {"site.dry_bulb": np.full(4, 283.15)}), 4, accelerate=None)
    program.take(0)
    program.load(np.arange(4), np.arange(4))
    for _ in range(20):
        program.one_pass()
    now, outdoor = program.now.temperature, program.plant.outdoor
    settled = now.copy()
    step = np.random.default_rng(1).uniform(-1.0, 1.0, now.shape)
    step[outdoor] = 0.0
    now += step
    for _ in range(5):
        program.one_pass()
    assert np.abs(now - settled).max() < 1e-6
