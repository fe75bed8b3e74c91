"""Laws of coolers that are written for whole arrays and have no kernel: equipment of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.block import Block
from twin.columns import Array
from twin.domains.between import COLDEST, HOTTEST, Streams
from twin.elements import Cooler, Driver
from twin.kernels.arrays import send
from twin.kernels.launch import Call
from twin.kernels.subset import Packed


def foreign(b: Block, c: Cooler, net: Streams, flow: Array, temperature: Array, coolant: Packed, at: Packed,
            answer: Packed) -> Call:  # fmt: skip
    """A call of such a law at temperatures of nodes: what comes to its units in, their answer out.

    Units that run at least and at most are those of a pass before where `at` says so; the law is asked again with them.
    """
    d = None if c.driver is None else send(c.driver, b.xp)

    def driver(k: Array) -> Driver:
        start, end = (np.clip(temperature[n], COLDEST, HOTTEST) for n in (net.start[k], net.end[k]))
        return Driver(np.where(flow[k] >= 0, start, end), np.abs(flow[k]), coolant.cp[k])

    def call() -> None:
        law: Any = b.select(c.law)
        given = at.inlet, at.flow, at.cp, at.sink
        heat = {} if d is None else {"driver": driver(d)}
        r = law.respond(*given, None, **heat)
        running = np.clip(r.running, at.least, at.most)
        other = running != r.running
        if other.any():
            again = law.respond(*given, running, **heat)
            r = r._replace(**{f: np.where(other, getattr(again, f), getattr(r, f)) for f in r._fields})
        for field in r._fields:
            getattr(answer, field)[...] = getattr(r, field)

    return call
