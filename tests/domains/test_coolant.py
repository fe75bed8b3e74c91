"""Properties of coolants as kernels compute them: those of `twin.fluids`, at the inlet of each pipe."""

import numpy as np
import pytest
import tables
from twin.kernels.sums import grouped

from twin import fluids
from twin.domains import coolant
from twin.domains.between import Coolant, Nodes, Streams

T = np.linspace(240.0, 420.0, 61)
"""Temperatures beyond both ends of every fluid."""


def filled(name, loop=(0,)):
    """What fills pipes of one fluid."""
    numbers = np.array([coolant._numbers(name)])
    return coolant.Filling(np.zeros(len(loop), np.int32), np.array(loop, np.int32), numbers)


@pytest.mark.parametrize("name", fluids.FLUIDS)
def test_coolant_has_the_properties_of_its_fluid_at_the_inlet(name):
    """The flow goes forth in one half of the scenarios, back in the other."""
    net, count = Streams(np.array([0], np.int32), np.array([1], np.int32)), 2 * len(T)
    nodes = tables.table(Nodes, (2, count), temperature=np.array([np.r_[T, 0 * T], np.r_[0 * T, T]]))
    flow, cp, out = (
        np.r_[1.0 + 0 * T, -1.0 + 0 * T][None],
        np.full((1, count), 4000.0),
        tables.table(Coolant, (1, count)),
    )
    tables.run(coolant.properties, (1, count), filled(name), net, flow, nodes, cp, out)
    medium, inlet = fluids.fluid(name), np.r_[T, T]
    np.testing.assert_allclose(out.density[0], medium.density(inlet), rtol=1e-13)
    np.testing.assert_allclose(out.viscosity[0], medium.viscosity(inlet), rtol=1e-13)
    np.testing.assert_allclose(out.conductivity[0], medium.conductivity(inlet), rtol=1e-13)
    np.testing.assert_array_equal(out.cp, cp)


@pytest.mark.parametrize("name", fluids.FLUIDS)
def test_a_loop_has_the_heat_capacity_at_the_mean_of_the_nodes_that_its_pipes_join(name):
    net = Streams(np.array([0, 1, 2], np.int32), np.array([1, 2, 0], np.int32))
    temperature = np.array([T, T + 3.0, T + 30.0])
    pipes, _ = grouped([0, 1, 0], [0, 1, 2], 2)
    out = np.zeros((2, len(T)))
    loops = np.zeros(2, np.int32)
    tables.run(coolant.heat_capacities, out.shape, pipes, loops, filled(name, (0, 1, 0)), net, temperature, out)
    medium = fluids.fluid(name)
    np.testing.assert_allclose(
        out[0], medium.heat_capacity((2 * temperature[0] + temperature[1] + temperature[2]) / 4), rtol=1e-13
    )
    np.testing.assert_allclose(out[1], medium.heat_capacity((temperature[1] + temperature[2]) / 2), rtol=1e-13)


def test_every_term_of_a_polynomial_counts():
    numbers = np.zeros(coolant.CONDUCTIVITY + fluids.MAX_TERMS)
    numbers[[coolant.COLDEST, coolant.HOTTEST, coolant.CENTRE, coolant.SCALE]] = 250.0, 400.0, 300.0, 40.0
    terms = numbers[coolant.DENSITY : coolant.DENSITY + fluids.MAX_TERMS]
    terms[:] = np.arange(1.0, fluids.MAX_TERMS + 1.0)
    net, nodes = Streams(np.zeros(1, np.int32), np.ones(1, np.int32)), tables.table(Nodes, (2, 1), temperature=320.0)
    filling, out = filled("water")._replace(numbers=numbers[None]), tables.table(Coolant, (1, 1))
    tables.run(coolant.properties, (1, 1), filling, net, np.ones((1, 1)), nodes, np.ones((1, 1)), out)
    np.testing.assert_allclose(out.density, np.polynomial.Polynomial(terms)(0.5), rtol=1e-15)


def test_behind_valves_pipes_have_the_heat_capacity_that_the_next_pass_will_have():
    out = tables.table(Coolant, (3, 1), cp=4000.0)
    pipes, loops = np.array([0, 2], np.int32), filled("water", (1, 0, 0))._replace(loop=np.array([1, 0, 0], np.int32))
    tables.run(coolant.renew, (2, 1), pipes, loops, np.array([[4100.0], [4200.0]]), out)
    np.testing.assert_array_equal(out.cp[:, 0], [4200.0, 4000.0, 4100.0])


def test_a_pipe_has_the_heat_capacity_of_its_loop():
    net = Streams(np.array([0, 0], np.int32), np.array([1, 1], np.int32))
    nodes, out = tables.table(Nodes, (2, 1), temperature=300.0), tables.table(Coolant, (2, 1))
    given = (coolant.Filling(np.zeros(2, np.int32), np.array([1, 0], np.int32), filled("water").numbers), net)
    tables.run(coolant.properties, (2, 1), *given, np.ones((2, 1)), nodes, np.array([[4000.0], [4100.0]]), out)
    np.testing.assert_array_equal(out.cp[:, 0], [4100.0, 4000.0])
