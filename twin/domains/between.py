"""What domains hand to each other in a pass: temperatures and flows as they are, and how far a scenario is."""

from __future__ import annotations

from typing import NamedTuple

from twin.kernels.cell import Ints1, Reals2, cell
from twin.kernels.subset import Table

COLDEST, HOTTEST = 150.0, 420.0
"""Temperatures between passes stay within this, K: a loop whose coolers all stand still has no temperature."""

FREE = 2
"""Passes in which coolers are not taken to hold their set points before a scenario may have settled."""


class Streams(NamedTuple):
    """Nodes at both ends of all streams, pipes first."""

    start: Ints1
    end: Ints1


class Nodes(Table):
    """Nodes between passes, (node, scenario).

    temperature: [K]. hot: passes in a row in which it was too hot. lost: 1 where it has no steady temperature.
    """

    temperature: Reals2
    hot: Reals2
    lost: Reals2


class Coolant(Table):
    """What streams carry, (stream, scenario): density [kg/m3], viscosity [Pa s], conductivity [W/(m K)], cp [J/(kg K)].

    Of air streams cp alone counts.
    """

    density: Reals2
    viscosity: Reals2
    conductivity: Reals2
    cp: Reals2


class Turn(Table):
    """How far scenarios are, (1, scenario).

    passes: begun. trusted: 1 while coolers are taken to hold their set points, free: passes begun since.
    """

    passes: Reals2
    trusted: Reals2
    free: Reals2


class Units(Table):
    """Groups of staged units between passes, pumps, coolers and fans, (group, scenario), see `solver.program.keep`.

    last: number that ran, peak: from which it fell, 0 before. least: number that runs at least, 0 where it is free.
    tried: largest of these that was let go.
    """

    last: Reals2
    peak: Reals2
    least: Reals2
    tried: Reals2


@cell
def upstream(k, s, net: Streams, flow: Reals2, now: Nodes):
    """Temperature at which stream k sets out, K."""
    a = now.temperature[net.start[k], s]
    b = now.temperature[net.end[k], s]
    return a if flow[k, s] >= 0.0 else b
