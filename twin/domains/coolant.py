"""Properties of what fills the pipes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin import columns
from twin.block import Block
from twin.columns import Array
from twin.domains.between import Coolant, Nodes, Streams, upstream
from twin.fluids import MAX_TERMS, fluid
from twin.kernels.cell import Ints1, Reals2, cell, kernel
from twin.kernels.elementary import exp
from twin.kernels.launch import Call
from twin.kernels.numbers import clip
from twin.kernels.subset import Packed
from twin.kernels.sums import Groups, grouped

COLDEST, HOTTEST, CENTRE, SCALE, DENSITY = range(5)
HEAT_CAPACITY, LOG_VISCOSITY, CONDUCTIVITY = (DENSITY + k * MAX_TERMS for k in (1, 2, 3))
"""Columns of a fluid's numbers; from `DENSITY` on the coefficients of its polynomials, ascending powers."""


class Filling(NamedTuple):
    """What fills the pipes.

    fluid: row of its numbers, loop: which it belongs to (pipe,). numbers: see `DENSITY` (fluid, columns).
    """

    fluid: Ints1
    loop: Ints1
    numbers: Reals2


@cell
def polynomial(f, first, T, filling: Filling):
    """Polynomial of a fluid whose coefficients stand from `first` on, at a temperature [K]; its ends hold beyond."""
    inside = clip(T, filling.numbers[f, COLDEST], filling.numbers[f, HOTTEST])
    x = (inside - filling.numbers[f, CENTRE]) / filling.numbers[f, SCALE]
    value = filling.numbers[f, first + MAX_TERMS - 1]
    for k in range(1, MAX_TERMS):
        value = value * x + filling.numbers[f, first + MAX_TERMS - 1 - k]
    return value


@kernel
def heat_capacities(g, s, pipes: Groups, fluids: Ints1, filling: Filling, net: Streams, temperature: Reals2,
                    out: Reals2):  # fmt: skip
    """Specific heat of each loop, at the mean of the nodes that its pipes join.

    One for the loop, so that m cp is conserved at nodes; a mean of inlets would jump where a pipe at rest turns.
    """
    total = 0.0
    count = 0.0
    for u in range(pipes.first[g], pipes.first[g + 1]):
        e = pipes.row[u]
        total += pipes.times[u] * (0.5 * (temperature[net.start[e], s] + temperature[net.end[e], s]))
        count += pipes.times[u]
    out[g, s] = polynomial(fluids[g], HEAT_CAPACITY, total / count, filling)


@kernel
def properties(e, s, filling: Filling, net: Streams, flow: Reals2, now: Nodes, cp: Reals2, out: Coolant):
    """Properties of the coolant in a pipe at its inlet; cp is that of the loop."""
    f = filling.fluid[e]
    T = upstream(e, s, net, flow, now)
    out.density[e, s] = polynomial(f, DENSITY, T, filling)
    out.viscosity[e, s] = exp(polynomial(f, LOG_VISCOSITY, T, filling))
    out.conductivity[e, s] = polynomial(f, CONDUCTIVITY, T, filling)
    out.cp[e, s] = cp[filling.loop[e], s]


@kernel
def renew(k, s, pipe: Ints1, filling: Filling, cp: Reals2, out: Coolant):
    """Specific heat of the loop in some pipes."""
    out.cp[pipe[k], s] = cp[filling.loop[pipe[k]], s]


def stages(b: Block, net: Streams, flow: Array, now: Packed, raw: Array, out: Packed) -> tuple[list[Call], list[Call]]:
    """Properties of all pipes, and once a pass's temperatures are known, `raw`, specific heats behind valves.

    What a valve asks for is asked of the next pass, whose specific heats these are.
    """
    pipes, media = len(b.plant.pipe.start), b.plant.medium
    if not pipes:
        return [], []
    names = [m.fluid for m in media]
    of, loop, fluids = np.zeros(pipes, int), np.zeros(pipes, int), list[int]()
    for f, medium in enumerate(media):
        loops, number = np.unique(medium.loop, return_inverse=True)
        of[medium.pipes], loop[medium.pipes] = f, len(fluids) + number
        fluids += [f] * len(loops)
    filling = Filling(b.integers(of), b.integers(loop), b.numbers(np.array([_numbers(n) for n in names])))
    members, _ = grouped(loop, np.arange(pipes), len(fluids), b.plant.counts[columns.pipe])
    cp = b.zeros(len(fluids))
    loops = b.groups(members), b.integers(fluids), filling, net
    cold = b.plant.exchange.cold
    behind = np.unique(cold[cold < pipes])
    return [
        *b.bind(heat_capacities, len(fluids), *loops, now.temperature, cp),
        *b.bind(properties, pipes, filling, net, flow, now, cp, out),
    ], [
        *b.bind(heat_capacities, len(fluids), *loops, raw, cp),
        *b.bind(renew, len(behind), b.integers(behind), filling, cp, out),
    ]


def _numbers(name: str) -> list[float]:
    """The numbers of a fluid in the order of `DENSITY`."""
    f = fluid(name)
    padded = (c + (0.0,) * (MAX_TERMS - len(c)) for c in (f.rho, f.cp, f.log_mu, f.k))
    return [f.min_temperature, f.max_temperature, f.centre, f.scale, *(c for part in padded for c in part)]
