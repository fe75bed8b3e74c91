"""Anderson's acceleration of passes: what it makes of linear maps, of swings and of jumps, and when it does nothing."""

from itertools import pairwise

import numpy as np
import pytest
import tables

from twin.domains.between import Nodes, Turn
from twin.domains.thermal import Valves
from twin.solver import acceleration
from twin.solver.acceleration import FARTHEST, Anderson, Mix, Past, Points


class Mixed:
    """Passes x -> g(x) of a state (row, scenario), mixed as `Mixing` binds them; `nodes` rows are temperatures."""

    def __init__(self, start, memory=2, nodes=1, free=9.0):
        rows, lanes = start.shape
        self.point = tables.table(Points, start.shape, begun=start)
        self.turn, self.mix = (
            tables.table(Turn, (1, lanes), free=free),
            tables.table(Mix, (1, lanes), size=np.inf, age=-1, length=np.inf, farthest=np.inf),
        )
        self.factor, self.weight = np.zeros((memory * memory, lanes)), np.zeros((memory, lanes))
        gaps, steps = np.full((2, memory * rows, lanes), np.nan)
        self.past = Past(nodes, rows, memory, np.ones(rows), gaps, steps)

    def go(self, new):
        """A pass has come to `new`; where the next begins."""
        p, size = self.point, self.point.begun.shape
        p.gone[...] = new
        tables.run(acceleration.differ, size, p, self.past)
        one = (1, size[1])
        tables.run(acceleration.measure, one, self.past, p, self.mix)
        tables.run(acceleration.weigh, one, self.past, p, self.turn, self.mix, self.factor, self.weight)
        tables.run(acceleration.mingle, size, self.past, self.weight, self.mix, p)
        return p.begun.copy()

    def passes(self, g, count):
        """Where each of `count` passes of a map began."""
        points = [self.point.begun.copy()]
        for _ in range(count):
            points.append(self.go(g(points[-1])))
        return points


def linear(rates):
    """A map with the rates of approach `rates` to 1, turned so that every row takes part in all."""
    turned = np.linalg.qr(np.arange(1.0, 1.0 + len(rates) ** 2).reshape(len(rates), -1) ** 0.5)[0]
    matrix = turned @ np.diag(rates) @ turned.T
    return lambda x: 1.0 + matrix @ (x - 1.0)


@pytest.mark.parametrize("rates", [[0.55], [-0.95], [0.5, -0.9], [0.45, -0.3, -0.95]])
def test_a_linear_map_of_as_many_ways_as_the_memory_is_solved_at_once(rates):
    """Once `memory` differences are known: after so many passes, and the first."""
    start = np.linspace(1.2, 1.7, len(rates))[:, None]
    points = Mixed(start, len(rates)).passes(linear(rates), len(rates) + 2)
    assert np.abs(points[len(rates) + 1] - 1.0).max() < 1e-6
    assert np.abs(points[len(rates)] - 1.0).max() > 0.02


def test_of_two_states_that_follow_each_other_it_finds_the_middle():
    points = Mixed(np.array([[0.4], [0.8]])).passes(lambda x: np.array([[2.0], [4.0]]) - x, 3)
    np.testing.assert_allclose(points[-1], [[1.0], [2.0]], rtol=1e-9)


def test_passes_that_close_in_fast_are_plain():
    for rate, plain in ((0.29, True), (0.31, False)):
        mixed = Mixed(np.array([[2.0]]), 1)
        points = mixed.passes(lambda x: 1.0 + rate * (x - 1.0), 4)  # noqa: B023
        assert (points[-1] == 1.0 + rate * (points[-2] - 1.0)).all() == plain


def test_passes_are_plain_until_coolers_are_free_and_the_memory_is_full():
    g, start = linear([0.4, -0.9]), np.array([[2.0], [3.0]])
    plain = Mixed(start, free=1.0).passes(g, 8)
    assert all((b == g(a)).all() for a, b in pairwise(plain))
    free = Mixed(start).passes(g, 3)
    assert [(b == g(a)).all() for a, b in pairwise(free)] == [True, True, False]


def test_what_was_before_a_jump_is_forgotten():
    """A gap five times as large begins a memory of its own; one three times as large goes on with the old.

    They point back, as those do that pass where they would stand still.
    """
    for jump, plain in ((-5.0, True), (-3.0, False)):
        mixed = Mixed(np.array([[1.0]]), 1)
        for gap in (0.1, 0.099, 0.098):
            begun = mixed.point.begun.copy()
            mixed.weight[...] = 0.0
            mixed.go(begun + gap)
            mixed.point.begun[...] = begun + gap
        begun = mixed.point.begun.copy()
        after = mixed.go(begun + jump * 0.098)
        assert (after == begun + jump * 0.098).all() == plain


def test_steps_that_would_go_too_far_are_not_taken():
    for rate, plain in ((0.59, False), (0.61, True)):
        weight = rate / (1.0 - rate)  # of the only difference
        mixed = Mixed(np.array([[2.0]]), 1)
        points = mixed.passes(lambda x: 1.0 + rate * (x - 1.0), 2)  # noqa: B023
        assert (weight > FARTHEST) == plain
        assert (points[-1] == 1.0 + rate * (points[-2] - 1.0)).all() == plain


@pytest.mark.parametrize(("rate", "plain"), [(3.5, True), (-0.8, False)])
def test_a_mixture_that_lies_against_the_gap_is_not_taken(rate, plain):
    """Passes that run away from where they would stand still are not brought back to it, those that swing are."""
    points = Mixed(np.array([[1.02]]), 1).passes(lambda x: 1.0 + rate * (x - 1.0), 2)
    assert (points[-1] == 1.0 + rate * (points[-2] - 1.0)).all() == plain
    assert (abs(points[-1] - 1.0).max() < 1e-9) == (not plain)


def test_what_creeps_is_hastened_by_one_gap_then_three_and_seven_but_no_more_than_three_kelvin():
    creeping = Mixed(np.array([[1.0]]), 1)
    points = np.ravel(creeping.passes(lambda x: x + 1e-4, 12))
    np.testing.assert_allclose(np.diff(points)[:5] / 1e-4, [1, 2, 4, 8, 16], rtol=1e-6)
    assert np.diff(points).max() == pytest.approx(1e-2 + 1e-4)
    wide = np.ravel(Mixed(np.array([[1.0]]), 1).passes(lambda x: x + 0.011, 6))
    np.testing.assert_allclose(np.diff(wide), 0.011)  # gaps of more than that do not creep


def test_what_has_turned_creeps_anew():
    mixed = Mixed(np.array([[1.0]]), 1)
    mixed.passes(lambda x: x + 1e-4, 5)
    assert mixed.mix.reach[0, 0] == pytest.approx(15.0)
    mixed.go(mixed.point.begun - 1e-4)
    assert (mixed.mix.reach[0, 0], mixed.mix.beyond[0, 0]) == (0.0, 0.0)


def test_a_mixture_behind_which_the_gap_doubled_halves_the_steps_of_those_that_follow():
    for factor, farthest in ((1.9, np.inf), (2.1, 0.5)):
        mixed = Mixed(np.array([[0.4]]), 1)
        mixed.passes(lambda x: 2.0 - x, 2)
        length = mixed.mix.length[0, 0]
        assert 0.0 < length < np.inf
        mixed.mix.size[...] = 0.01
        mixed.go(mixed.point.begun + 0.1 * factor)
        assert mixed.mix.farthest[0, 0] == farthest * length


def test_valves_of_a_mixture_may_not_stray():
    mixed = Mixed(np.array([[1.0, 1.0], [1.0, 1.0]]), 1)
    mixed.mix.mixed[0] = [1.0, 0.0]
    mixed.go(np.array([[1.4, 1.4], [1.1, 1.1]]))
    np.testing.assert_allclose(mixed.mix.stray[0], [0.1, 0.0])


def test_scenarios_have_weights_of_their_own_and_one_nan_stays_alone():
    rate, start = np.array([[0.5], [-0.9]]), np.array([[1.2, 1.8, np.nan, 1.3], [1.1, 2.5, 1.0, 1.9]])
    g = lambda x: 1.0 + rate * (x - 1.0)  # noqa: E731
    together = Mixed(start).passes(g, 6)
    for i in (0, 1, 3):
        alone = Mixed(start[:, [i]]).passes(g, 6)
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_array_equal(a[:, [i]], b)


def test_what_passes_have_come_to_is_over_300_kelvin_and_over_rated_flows_and_goes_back_so():
    raw, nodes = (
        np.array([[330.0], [600.0], [300.0]]),
        tables.table(Nodes, (3, 1), lost=np.array([[0.0], [0.0], [1.0]])),
    )
    rated, valves = np.array([[4.0], [5.0]]), tables.table(Valves, (2, 1), target=np.array([[6.0], [np.nan]]))
    point, mix = tables.table(Points, (5, 1)), tables.table(Mix, mixed=1.0)
    tables.run(acceleration.come_nodes, (3, 1), raw, nodes, point)
    tables.run(acceleration.come_valves, (2, 1), 3, rated, valves, point)
    np.testing.assert_allclose(point.gone[:, 0], [1.1, 1.4, 0.0, 1.5, 0.0])
    nodes.temperature[...], point.begun[...] = 310.0, np.array([[1.0], [2.0], [1.0], [0.5], [0.5]])
    tables.run(acceleration.go_nodes, (3, 1), point, mix, nodes)
    tables.run(acceleration.go_valves, (2, 1), 3, rated, point, mix, valves)
    np.testing.assert_array_equal(nodes.temperature[:, 0], [300.0, 420.0, 310.0])
    np.testing.assert_array_equal(valves.target[:, 0], [2.0, np.nan])
    mix.mixed[...], point.begun[...] = 0.0, 1.2
    tables.run(acceleration.go_nodes, (3, 1), point, mix, nodes)
    tables.run(acceleration.go_valves, (2, 1), 3, rated, point, mix, valves)
    assert nodes.temperature[0, 0] == 300.0 and valves.target[0, 0] == 2.0


@pytest.mark.parametrize("memory", [0, 6])
def test_a_memory_that_cannot_be_is_refused(memory):
    with pytest.raises(ValueError, match=f"memory {memory} is not one of 1 to 5"):
        Anderson(memory)
