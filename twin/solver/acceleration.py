"""Passes mixed with those before, so that what approaches slowly or swings ends: Anderson's acceleration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twin import columns
from twin.block import Block
from twin.columns import Array
from twin.domains.between import COLDEST, FREE, HOTTEST, Nodes, Turn
from twin.domains.thermal import Valves
from twin.kernels.cell import Int, Reals1, Reals2, cell, kernel, real
from twin.kernels.launch import Call
from twin.kernels.numbers import INF, clip, known
from twin.kernels.subset import Packed, Table

MOST_MEMORY = 5
"""Largest memory: more passes than that tell of other valves and units."""

EQUAL = 1e-10
"""Share by which the squares of differences are raised, so that those of one direction share the weight."""

FARTHEST = 1.5
"""Largest weight of a difference: farther steps leave what the passes have seen."""

STRAIGHT = 0.9
"""Cosine of the angle between two gaps from which they point the same way."""

STRIDE = 1e-2
"""How far a pass may begin beyond where the one before ended, and the gap below which it does, 3 K."""

LEAST = 1e-12
"""A gap that is none."""

DOUBLED = 2.0
"""Factor by which a gap may grow behind a mixture."""

SLOW = 0.3
"""Factor by which gaps shrink at least in passes that need no help."""

GROWTH = 4.0
"""Factor by which a gap grows where something else has begun: what was before is then forgotten."""

WARM = 300.0
"""What temperatures are measured by, K."""

LEAST_RATED = 1e-9
"""Smallest flow that others are measured by, kg/s."""


@dataclass(frozen=True)
class Anderson:
    """Anderson's acceleration of passes: from the last ones, the point where a linear map would stand still.

    A pass takes temperatures and what valves ask for, x, to g(x), a gap f = g - x. Where gaps do not shrink to `SLOW`
    of what they were, the next pass begins at g - sum_i w_i (g_i - g_{i-1}), with the weights for which
    f - sum_i w_i (f_i - f_{i-1}) is least, over the last `memory` differences, 1 to 5: type II of Walker & Ni, SIAM J.
    Numer. Anal. 49 (2011) 1715, after Anderson, J. ACM 12 (1965) 547. Of two states that follow each other it finds the
    middle. Weights are `FARTHEST` at most, and each scenario has its own. A mixture that lies against the gap is one
    that passes run away from, and is not taken. Where there is none and gaps point the same way pass after pass, the
    next one begins at g + r f, with r of 1, 3, 7, ...: what creeps comes sooner to where it ends or turns. Raises
    ValueError for another memory.

    >>> steady(plant, accelerate=Anderson(memory=3))
    """

    memory: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.memory <= MOST_MEMORY:
            raise ValueError(f"Anderson: memory {self.memory} is not one of 1 to {MOST_MEMORY} passes")


DEFAULT = Anderson()
"""What `steady` does unless it is told otherwise."""


class Points(Table):
    """What passes hand on, (row, scenario): temperatures over 300 K, then flows that valves ask for over rated ones.

    begun: where this pass began. gone: where it has come to. gap: gone - begun, lag: that of the pass before. last:
    where that one had come to.
    """

    begun: Reals2
    gone: Reals2
    gap: Reals2
    lag: Reals2
    last: Reals2


class Mix(Table):
    """How passes are mixed, (1, scenario).

    mixed: 1 where a pass begins elsewhere than the one before ended. stray: largest gap of a flow in such a pass. size:
    sum of squares of the gaps of the pass before. age: differences that are known, negative before the first. beyond:
    gaps by which a pass begins beyond where the one before ended, reach: what these were last, 0 once gaps turn.
    length: largest change by a mixture, infinite without. farthest: what it may be, half of the last one behind which
    the gap doubled.
    """

    mixed: Reals2
    beyond: Reals2
    reach: Reals2
    length: Reals2
    farthest: Reals2
    stray: Reals2
    size: Reals2
    age: Reals2


class Past(NamedTuple):
    """How the last passes differed: `memory` differences of `rows` numbers each, the newest first.

    Those of `nodes` come before those of valves. times: how many equal ones a row stands for (rows,). gaps, steps:
    differences of gaps and of what passes have come to (memory x rows, scenario).
    """

    nodes: Int
    rows: Int
    memory: Int
    times: Reals1
    gaps: Reals2
    steps: Reals2


@kernel
def come_nodes(n, s, raw: Reals2, now: Nodes, out: Points):
    """Temperatures that a pass has come to; lost nodes have none."""
    out.gone[n, s] = 0.0 if now.lost[n, s] > 0.0 else clip(raw[n, s], COLDEST, HOTTEST) / WARM


@kernel
def come_valves(x, s, nodes: Int, rated: Reals2, valve: Valves, out: Points):
    """Flows that valves have come to ask for."""
    target = valve.target[x, s]
    out.gone[nodes + x, s] = target / rated[x, s] if known(target) else 0.0


@kernel
def differ(r, s, out: Points, past: Past):
    """Gap of a pass, and by how much gaps and points differ from those before."""
    for i in range(past.memory - 1):
        older = (past.memory - 1 - i) * past.rows + r
        past.gaps[older, s] = past.gaps[older - past.rows, s]
        past.steps[older, s] = past.steps[older - past.rows, s]
    gap = out.gone[r, s] - out.begun[r, s]
    past.gaps[r, s] = gap - out.lag[r, s]
    past.steps[r, s] = out.gone[r, s] - out.last[r, s]
    out.gap[r, s] = gap
    out.lag[r, s] = gap
    out.last[r, s] = out.gone[r, s]


@kernel
def measure(l, s, past: Past, point: Points, out: Mix):
    """How far what valves ask for moved in a pass that began at a mixture, whose flows need not suit temperatures."""
    stray = 0.0
    for r in range(past.nodes, past.rows):
        stray = max(stray, abs(point.gap[r, s]))
    out.stray[l, s] = stray if out.mixed[l, s] > 0.0 else 0.0


@cell
def fitted(s, past: Past, point: Points, factor, weight):
    """Weights of the differences by which least is left of the gap; 1 where there are any that are not too large.

    They are found by the Cholesky factor of their normal equations, whose rows stand in `factor`.
    """
    rows = past.rows
    memory = past.memory
    good = 1.0
    for i in range(memory):
        for j in range(i + 1):
            total = 0.0
            for r in range(rows):
                total += past.times[r] * (past.gaps[i * rows + r, s] * past.gaps[j * rows + r, s])
            total *= 1.0 + EQUAL if i == j else 1.0
            for k in range(j):
                total -= factor[i * memory + k, s] * factor[j * memory + k, s]
            good = good if i != j or total > 0.0 else 0.0
            there = math.sqrt(total) if i == j and total > 0.0 else 1.0
            factor[i * memory + j, s] = there if i == j else total / factor[j * memory + j, s]
        total = 0.0
        for r in range(rows):
            total += past.times[r] * (past.gaps[i * rows + r, s] * point.gap[r, s])
        for k in range(i):
            total -= factor[i * memory + k, s] * weight[k, s]
        weight[i, s] = total / factor[i * memory + i, s]
    for back in range(memory):
        i = memory - 1 - back
        total = weight[i, s]
        for k in range(i + 1, memory):
            total -= factor[k * memory + i, s] * weight[k, s]
        total = total / factor[i * memory + i, s]
        weight[i, s] = total
        good = good if abs(total) <= FARTHEST else 0.0
    return good


@kernel
def weigh(l, s, past: Past, point: Points, turn: Turn, out: Mix, factor: Reals2, weight: Reals2):
    """Weights of the differences, or how far beyond its end the next pass begins where there are none.

    There are no weights while coolers are trusted, where the gap grows or shrinks fast, before `memory` differences are
    known, where one would be too large, and where the mixture would lie against the gap.
    """
    memory = past.memory
    size = 0.0
    widest = 0.0
    for r in range(past.rows):
        size += past.times[r] * (point.gap[r, s] * point.gap[r, s])
        widest = max(widest, abs(point.gap[r, s]) if r < past.nodes else 0.0)
    before = out.size[l, s]
    grown = not (size <= GROWTH * GROWTH * before)
    slow = size > SLOW * SLOW * before
    out.size[l, s] = size
    age = min(out.age[l, s] + 1.0, real(memory))
    age = min(age, 0.0) if grown or turn.free[l, s] < FREE else age
    out.age[l, s] = age
    ready = slow and age >= real(memory)
    good = fitted(s, past, point, factor, weight) > 0.0
    turned = 0.0
    ahead = size
    length = 0.0
    for r in range(past.rows):
        turned += past.times[r] * (past.gaps[r, s] * point.gap[r, s])
        shift = 0.0
        for i in range(memory):
            shift += weight[i, s] * past.steps[i * past.rows + r, s]
        ahead -= past.times[r] * (shift * point.gap[r, s])
        length = max(length, abs(shift))
    along = size - turned  # the gap times the one before
    good = ready and good and ahead > 0.0
    failed = size > DOUBLED * DOUBLED * before
    farthest = min(out.farthest[l, s], 0.5 * out.length[l, s]) if failed else out.farthest[l, s]
    part = farthest / length if length > farthest else 1.0
    for i in range(memory):
        weight[i, s] = part * weight[i, s] if good else 0.0
    straight = along > STRAIGHT * math.sqrt(size) * math.sqrt(before)
    creeps = ready and not good and straight and widest < STRIDE
    reach = out.reach[l, s] if along > 0.0 else 0.0
    reach = min(2.0 * reach + 1.0, STRIDE / max(widest, LEAST)) if creeps else reach
    out.reach[l, s] = reach
    out.beyond[l, s] = reach if creeps else 0.0
    out.length[l, s] = part * length if good else INF
    out.farthest[l, s] = farthest
    out.mixed[l, s] = 1.0 if good or creeps else 0.0


@kernel
def mingle(r, s, past: Past, weight: Reals2, mix: Mix, out: Points):
    """Where the next pass begins: what passes have come to, less the weighted differences, or beyond it."""
    total = out.gone[r, s] + mix.beyond[0, s] * out.gap[r, s]
    for i in range(past.memory):
        w = weight[i, s]
        total -= w * past.steps[i * past.rows + r, s] if w != 0.0 else 0.0
    out.begun[r, s] = total


@kernel
def go_nodes(n, s, point: Points, mix: Mix, now: Nodes):
    """Temperatures where the next pass begins, where that is a mixture."""
    mixed = mix.mixed[0, s] > 0.0 and now.lost[n, s] <= 0.0
    T = now.temperature[n, s]
    now.temperature[n, s] = clip(WARM * point.begun[n, s], COLDEST, HOTTEST) if mixed else T


@kernel
def go_valves(x, s, nodes: Int, rated: Reals2, point: Points, mix: Mix, valve: Valves):
    """What valves ask for where the next pass begins, where that is a mixture; flows remain positive."""
    target = valve.target[x, s]
    begun = point.begun[nodes + x, s]
    mixed = mix.mixed[0, s] > 0.0 and known(target) and begun > 0.0
    valve.target[x, s] = begun * rated[x, s] if mixed else target


class Mixing:
    """Anderson's acceleration of a plant in a block, or plain passes.

    mix: how passes are mixed. before: calls once a pass is done, which measure it. after: calls that begin the next
    pass elsewhere.
    """

    def __init__(self, b: Block, accelerate: Anderson | None, raw: Array, now: Packed, turn: Packed,
                 valves: Packed) -> None:  # fmt: skip
        e, nodes = b.plant.exchange, b.plant.nodes
        self.mix = b.work(Mix, 1)
        self.before, self.after = list[Call](), list[Call]()
        if accelerate is None:
            return
        count, memory = len(e.hot), accelerate.memory
        rows = nodes + count
        times = b.numbers(np.concatenate([b.plant.counts[columns.node], b.plant.counts[columns.exchange]]))
        mix = self.mix
        starts = (mix.mixed, 0.0), (mix.reach, 0.0), (mix.length, np.inf), (mix.farthest, np.inf), (mix.size, np.inf)
        for column, start in (*starts, (mix.age, -2.0)):
            b.state(np.full((1, 1), start), column)
        point, past = (
            b.work(Points, rows),
            Past(nodes, rows, memory, times, *(b.zeros(memory * rows) for _ in range(2))),
        )
        factor, weight = b.zeros(memory * memory), b.zeros(memory)
        rated = b.given(np.maximum(e.rated_cold, LEAST_RATED))
        self.before = [
            *b.bind(come_nodes, nodes, raw, now, point),
            *b.bind(come_valves, count, nodes, rated, valves, point),
            *b.bind(differ, rows, point, past),
            *b.bind(measure, 1, past, point, self.mix),
        ]
        self.after = [
            *b.bind(weigh, 1, past, point, turn, self.mix, factor, weight),
            *b.bind(mingle, rows, past, weight, self.mix, point),
            *b.bind(go_nodes, nodes, point, self.mix, now),
            *b.bind(go_valves, count, nodes, rated, point, self.mix, valves),
        ]
