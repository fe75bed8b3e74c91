"""What a pass does between its domains: when units are kept, when a scenario has settled, when a node is lost."""

from types import SimpleNamespace

import numpy as np
import pytest
import tables
from twin.kernels.sums import grouped

import twin
from twin.columns import cooler, node, pump
from twin.domains import hydraulic, rejection
from twin.domains.between import Nodes, Turn, Units
from twin.plant.compile import compile
from twin.solver import program, steady
from twin.solver.acceleration import Mix
from twin.solver.program import Moved
from twin.solver.steady import by_topology, width

PASSES = np.arange(40.0)


def begun(moved, trusted=1.0, **columns):
    """What scenarios may do in a pass, by how far they moved in the one before."""
    turn = tables.table(Turn, np.shape(moved), trusted=trusted, **columns)
    tables.run(program.count, np.shape(moved), tables.table(Moved, np.shape(moved), most=moved), turn)
    return turn


def kept(numbers, moved=1.0, free=2.0):
    """Least numbers of a group whose units ran in these numbers, pass after pass, and the table at the end."""
    units, least = tables.table(Units), []
    every = np.broadcast_arrays(numbers, moved, free)
    for number, far, passes in zip(*every, strict=True):
        turn = tables.table(Turn, free=passes)
        given = (np.array([0], np.int32), np.array([[float(number)]]), turn, tables.table(Moved, most=far))
        tables.run(program.keep, (1, 1), *given, units)
        least.append(units.least[0, 0])
    return least, units


@pytest.mark.parametrize(
    ("numbers", "least"),
    [
        ([2, 3, 2, 3, 3], [0, 0, 0, 3, 3]),  # a cycle of two keeps the larger
        ([5, 7, 6, 5, 7], [0, 0, 0, 0, 7]),  # and so does one of three
        ([8, 3, 5, 4, 4], [0, 0, 0, 0, 0]),  # a swing that dies away comes to rest by itself
        ([8, 3, 5, 4, 5], [0, 0, 0, 0, 5]),  # or keeps what it has last come back to
        ([2, 3, 4, 3, 2], [0, 0, 0, 0, 0]),
        ([2, 0, 2, 0, 2], [0, 0, 0, 0, 0]),  # what stands still has no number
    ],
)
def test_a_number_that_has_fallen_and_risen_as_far_again_is_kept(numbers, least):
    assert kept(numbers)[0] == least
    assert kept(numbers, free=1.0)[0] == [0] * len(numbers)


def test_what_ran_while_coolers_were_trusted_is_no_part_of_a_cycle():
    """What ran in a pass is known in the next, the first of which coolers are free in."""
    assert kept([3, 2, 3], free=[0, 1, 2])[0] == [0, 0, 0]
    assert kept([3, 2, 3], free=[0, 2, 3])[0] == [0, 0, 3]


def test_units_that_are_kept_are_let_go_once_when_all_is_quiet():
    least, units = kept([3, 2, 3, 3, 3, 3], [1, 1, 1, 1e-5, 1e-6, 1])
    assert least == [0, 0, 3, 3, 0, 0]
    assert units.tried[0, 0] == 3.0
    least, _ = kept([3, 2, 3, 3, 2, 3, 3, 3], [1, 1, 1, 1e-6, 1, 1, 1e-6, 1e-9])
    assert least == [0, 0, 3, 0, 0, 3, 3, 3]  # the cycle has come again


def test_a_scenario_has_not_settled_while_units_are_kept_that_were_not_let_go():
    for least, tried, most in ((3.0, 0.0, 1e-6), (3.0, 3.0, 1e-12), (0.0, 0.0, 1e-12)):
        units = tables.table(Units, (2, 1), least=[[0.0], [least]], tried=[[0.0], [tried]])
        moved = tables.table(Moved, most=1e-12)
        tables.run(program.wait, (1, 1), 2, units, moved)
        assert moved.most[0, 0] == most


def test_units_of_one_scenario_do_not_know_those_of_another():
    units, turn = tables.table(Units, (1, 2)), tables.table(Turn, (1, 2), free=2.0)
    for numbers in ([2.0, 3.0], [3.0, 3.0], [2.0, 3.0], [3.0, 3.0]):
        given = (np.array([0], np.int32), np.array([numbers]), turn, tables.table(Moved, (1, 2), most=1.0))
        tables.run(program.keep, (1, 2), *given, units)
    np.testing.assert_array_equal(units.least, [[3.0, 0.0]])


def test_coolers_are_trusted_in_the_first_passes_until_a_scenario_is_calm():
    turn = begun(np.ones((1, 40)), passes=PASSES, free=1.0)
    np.testing.assert_array_equal(turn.trusted[0], PASSES < 6)
    np.testing.assert_array_equal(turn.free[0], np.where(PASSES < 6, 1.0, 2.0))
    np.testing.assert_array_equal(turn.passes[0], PASSES + 1)
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


def test_a_node_is_lost_after_four_passes_in_a_row_that_were_too_hot():
    nodes, out = tables.table(Nodes, (1, 4), temperature=400.0), tables.table(node, (1, 4))
    lost = []
    for turn_number in range(6):
        raw = np.array([[430.0, 430.0 if turn_number != 2 else 419.0, 421.0, 420.0]])
        tables.run(program.advance, (1, 4), raw, nodes, out)
        lost.append(nodes.lost[0].copy())
    np.testing.assert_array_equal(np.sum(lost, axis=0), [3, 0, 3, 0])
    tables.run(program.advance, (1, 4), np.full((1, 4), 300.0), nodes, out)
    np.testing.assert_array_equal(nodes.lost[0], [1, 0, 1, 0])  # what is lost stays so
    np.testing.assert_array_equal(out.lost[0], [1, 0, 1, 0])


def test_temperatures_stay_within_150_and_420_kelvin():
    nodes, out = tables.table(Nodes, (1, 3), temperature=300.0), tables.table(node, (1, 3))
    raw = np.array([[320.0, 500.0, 100.0]])
    tables.run(program.advance, (1, 3), raw, nodes, out)
    np.testing.assert_array_equal(nodes.temperature[0], [320.0, 420.0, 150.0])
    np.testing.assert_array_equal(out.temperature, raw)


def test_coolant_that_stands_still_has_no_flow():
    flow = np.array([[500.0, 0.5], [-6e-6, -6e-9], [4e-6, 2e-8], [-40.0, 0.0]])
    tables.run(hydraulic.rest, (1, 2), 4, flow)
    np.testing.assert_array_equal(flow, [[500.0, 0.5], [-6e-6, 0.0], [0.0, 2e-8], [-40.0, 0.0]])


def test_a_loop_without_pumps_comes_to_the_temperature_of_outdoor_air():
    """It had one of its own, made of rounding, which never came to rest."""
    plant = compile(twin.load("gb300_hall"), {"dry_coolers.in_service": [0.0], "site.dry_bulb": [288.15]})
    solved = steady.steady(plant)
    still = solved[node.temperature][plant.end[plant.exchange.cold[:8]], 0]
    assert solved.status[0] == 0
    np.testing.assert_allclose(still, 288.15, atol=1e-6)


def test_a_solve_that_goes_on_stages_its_units_anew():
    """Wherever it goes on from: numbers are those that a fresh solve finds."""
    given = {"site.dry_bulb": np.linspace(255.0, 315.0, 12), "cabinet.utilisation": np.linspace(1.0, 0.3, 12)}
    plant = compile(twin.load("frontier"), given)
    other = compile(twin.load("frontier"), {k: v[::-1] for k, v in given.items()})
    fresh, onwards = steady.steady(plant), steady.steady(plant, start=steady.steady(other))
    assert (fresh.status == 0).all()
    for column in (pump.running, cooler.running):
        np.testing.assert_array_equal(onwards[column], fresh[column])


@pytest.mark.parametrize("last", [0.2, 1.0])
def test_a_root_goes_on_from_the_end_of_its_bracket(last):
    """A first guess that is the end itself told no slope, and was kept for good."""
    low, high, target = 0.2, 1.0, 0.7
    y = rejection.apart(last, low, low, high)
    x, fx = low, low**0.5 - target
    for _ in range(8):
        z = rejection.towards(low, high, x, fx, y, y**0.5 - target)
        x, fx, y = y, y**0.5 - target, z
    assert y == pytest.approx(target**2, abs=1e-9)


def test_answers_find_their_columns_in_whatever_order_they_end():
    """The first group of a topology is a single scenario, in a narrower block than what follows."""
    in_service = np.ones(40)
    in_service[7] = 0.0
    given = {"tx_a1.in_service": in_service, "site.dry_bulb": np.linspace(270.0, 300.0, 40)}
    facility = twin.load("gb300_hall")
    plant = compile(facility, given)
    assert [len(group) for group in by_topology(plant)] == [1, 39]
    whole = steady.steady(plant)
    for i in (0, 7, 39):
        alone = steady.steady(compile(facility, {a: values[i : i + 1] for a, values in given.items()}))
        for column, values in whole.columns.items():
            np.testing.assert_array_equal(values[:, i], alone[column][:, 0])


def test_a_block_is_as_wide_as_what_waits_and_as_the_cache_allows():
    few = lambda n: SimpleNamespace(stream=range(n), start=range(n))  # noqa: E731
    hall, campus = (SimpleNamespace(engine=few(n), start=range(2 * n), line=few(n)) for n in (80, 9000))
    assert [width(hall, n, np) for n in (1, 3, 16, 17, 5000)] == [1, 4, 16, 16, 16]
    assert [width(campus, n, np) for n in (1, 3, 5000)] == [1, 4, 4]
