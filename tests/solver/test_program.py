"""What a pass does between its domains: when units are kept, when a scenario has settled, when a node is lost."""

from types import SimpleNamespace

import numpy as np
import pytest
import tables
from twin.kernels.sums import grouped

import twin
from twin.columns import node
from twin.domains.between import Nodes, Turn
from twin.plant.compile import compile
from twin.solver import program, steady
from twin.solver.acceleration import Mix
from twin.solver.program import Moved
from twin.solver.steady import alike, width

PASSES = np.arange(40.0)


def begun(moved, trusted=1.0, **columns):
    """What scenarios may do in a pass, by how far they moved in the one before."""
    turn = tables.table(Turn, np.shape(moved), trusted=trusted, **columns)
    tables.run(program.count, np.shape(moved), tables.table(Moved, np.shape(moved), most=moved), turn)
    return turn


def test_units_rise_from_the_8th_pass_and_stay_from_the_12th():
    turn = begun(np.ones((1, 40)), passes=PASSES)
    np.testing.assert_array_equal(turn.rising[0], PASSES >= 8)
    np.testing.assert_array_equal(turn.frozen[0], PASSES >= 12)
    np.testing.assert_array_equal(turn.passes[0], PASSES + 1)


def test_coolers_are_trusted_in_the_first_passes_until_a_scenario_is_calm():
    turn = begun(np.ones((1, 40)), passes=PASSES, free=1.0)
    np.testing.assert_array_equal(turn.trusted[0], PASSES < 6)
    np.testing.assert_array_equal(turn.free[0], np.where(PASSES < 6, 1.0, 2.0))
    moved = np.array([[np.inf, 0.011, 0.009, 0.0]])
    np.testing.assert_array_equal(begun(moved, passes=3.0).trusted[0], [1, 1, 0, 0])
    np.testing.assert_array_equal(begun(moved, trusted=0.0, passes=3.0).trusted[0], 0.0)


def gone(raw, temperature, solved, was, lost=0.0, stray=0.0):
    """How far a pass went in one scenario with two kinds of powers: the rows 1 and 2, and 3; they are measured by 0."""
    nodes = tables.table(Nodes, (len(raw), 1), temperature=np.c_[temperature], lost=np.c_[lost])
    watched, _ = grouped([0, 0, 1], [1, 2, 3], 2)
    drawn, _ = grouped([0], [0], 1)
    out, was = tables.table(Moved), np.c_[was].astype(float)
    mix = tables.table(Mix, stray=stray)
    given = (nodes, 2, watched, drawn, np.c_[solved].astype(float), was, mix, out)
    tables.run(program.settled, (1, 1), len(raw), np.c_[raw].astype(float), *given)
    np.testing.assert_array_equal(was[:, 0], solved[1:])
    return out.most[0, 0], out.restless[0, 0]


def test_temperatures_are_measured_by_300_kelvin_and_the_largest_change_is_named():
    most, restless = gone([300.0, 313.0, 290.0], [300.0, 310.0, 291.0], [1e3, 1, 2, 3], [1, 2, 3])
    assert most == pytest.approx(3.0 / 300.0)
    assert restless == 1


def test_powers_of_a_kind_are_added_up_and_measured_by_what_is_drawn():
    most, _ = gone([300.0], [300.0], [1000.0, 110.0, 45.0, 8.0], [100.0, 50.0, 5.0])
    assert most == pytest.approx((10.0 + 5.0) / 1000.0)
    most, _ = gone([300.0], [300.0], [0.5, 0.0, 0.0, 0.25], [0.0, 0.0, 0.0])
    assert most == 0.25  # never by less than a watt


def test_valves_that_stray_keep_a_scenario_from_settling():
    assert gone([300.0], [300.0], [1e3, 1, 2, 3], [1, 2, 3], stray=0.02)[0] == 0.02


def test_a_lost_node_does_not_keep_a_scenario_from_settling():
    most, restless = gone([300.0, 400.0], [300.0, 310.0], [1e3, 1, 2, 3], [1, 2, 3], [0.0, 1.0])
    assert (most, restless) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("raw", "solved"),
    [
        ([np.nan], [1.0, 1, 2, 3]),
        ([300.0], [np.nan, 1, 2, 3]),
        ([300.0], [1.0, np.nan, 2, 3]),
        ([np.inf], [1.0, 1, 2, 3]),
    ],
)
def test_what_is_no_number_has_not_settled(raw, solved):
    assert gone(raw, [300.0], solved, [1, 2, 3])[0] == np.inf


def test_a_node_is_lost_after_eight_passes_in_a_row_that_were_too_hot():
    nodes, out = tables.table(Nodes, (1, 4), temperature=400.0), tables.table(node, (1, 4))
    lost = []
    for turn_number in range(12):
        raw = np.array([[430.0, 430.0 if turn_number != 5 else 419.0, 421.0, 420.0]])
        tables.run(program.advance, (1, 4), raw, nodes, out)
        lost.append(nodes.lost[0].copy())
    np.testing.assert_array_equal(np.sum(lost, axis=0), [5, 0, 5, 0])
    tables.run(program.advance, (1, 4), np.full((1, 4), 300.0), nodes, out)
    np.testing.assert_array_equal(nodes.lost[0], [1, 0, 1, 0])  # what is lost stays so
    np.testing.assert_array_equal(out.lost[0], [1, 0, 1, 0])


def test_temperatures_stay_within_150_and_420_kelvin():
    nodes, out = tables.table(Nodes, (1, 3), temperature=300.0), tables.table(node, (1, 3))
    raw = np.array([[320.0, 500.0, 100.0]])
    tables.run(program.advance, (1, 3), raw, nodes, out)
    np.testing.assert_array_equal(nodes.temperature[0], [320.0, 420.0, 150.0])
    np.testing.assert_array_equal(out.temperature, raw)


def test_answers_find_their_columns_whatever_waits_on_the_shelf(monkeypatch):
    """The first group of a topology is a single scenario, in a narrower block than what follows."""
    in_service = np.ones(40)
    in_service[7] = 0.0
    given = {"tx_a1.in_service": in_service, "site.dry_bulb": np.linspace(270.0, 300.0, 40)}
    plant = compile(twin.load("gb300_hall"), given)
    assert [len(group) for group in alike(plant)] == [1, 39]
    whole = steady.steady(plant)
    monkeypatch.setattr(steady, "SHELF", 2)
    again = steady.steady(plant)
    for column, values in whole.columns.items():
        np.testing.assert_array_equal(again[column], values)


def test_a_block_is_as_wide_as_what_waits_and_as_the_cache_allows():
    few = lambda n: SimpleNamespace(stream=range(n), start=range(n))  # noqa: E731
    hall, campus = (SimpleNamespace(engine=few(n), start=range(2 * n), line=few(n)) for n in (80, 9000))
    assert [width(hall, n, np) for n in (1, 3, 16, 17, 5000)] == [1, 4, 16, 16, 16]
    assert [width(campus, n, np) for n in (1, 3, 5000)] == [1, 4, 4]
