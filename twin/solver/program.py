"""A plant bound for a block of scenarios: the stages of a pass, as calls over fixed buffers that a pass replays."""

from __future__ import annotations

from functools import partial
from types import ModuleType

import numpy as np

from twin import columns
from twin.block import Block
from twin.columns import Array, Index, Solved
from twin.domains import coolant, mixed_air
from twin.domains.between import COLDEST, FREE, HOTTEST, Coolant, Nodes, Streams, Turn, Units
from twin.domains.compute import AIR_HEAT, Racks
from twin.domains.electrical import Results, Train, shares
from twin.domains.hydraulic import Loops
from twin.domains.thermal import STROKE, Temperatures, Valves
from twin.elements import System
from twin.kernels.arrays import fetch, send
from twin.kernels.cell import Int, Ints1, Reals2, kernel, real
from twin.kernels.launch import Call, record
from twin.kernels.numbers import INF, clip, finite
from twin.kernels.subset import Packed, Table
from twin.kernels.sums import Groups, grouped
from twin.solver.acceleration import DEFAULT, Anderson, Mix, Mixing

QUIET = 1e-6
"""Movement below which a number of units that is kept is let go once, to see whether its cycle comes again."""

TRUST, CALM = 6, 1e-2
"""First passes, in which coolers are taken to hold their set points, and the movement below which that ends sooner.

A plant can have two steady states, one with its valves throttled and one with them wide open and its coolers short: the
first is reached whenever the coolers have the capacity for it."""

RUNAWAY = 4
"""Passes in a row for which a node is too hot before it is lost, one that has no steady temperature: no swing is."""

WATCHED = (
    columns.engine.power,
    columns.cooler.power,
    columns.pump.power,
    columns.line.loss,
    columns.converter.loss,
    columns.fan.power,
)
"""Powers that must have settled."""


class Moved(Table):
    """How far a pass went, (1, scenario).

    most: largest change of a temperature that is not lost over 300 K, or of a power over the largest; infinite where
    it is no number. restless: the node that moved most.
    """

    most: Reals2
    restless: Reals2


@kernel
def count(l, s, moved: Moved, out: Turn):
    """A pass begins: what units and coolers may do in it."""
    trusted = out.trusted[l, s] > 0.0 and out.passes[l, s] < TRUST and moved.most[l, s] >= CALM
    out.trusted[l, s] = 1.0 if trusted else 0.0
    out.free[l, s] += 0.0 if trusted else 1.0
    out.passes[l, s] += 1.0


@kernel
def keep(u, s, row: Ints1, solved: Reals2, turn: Turn, moved: Moved, out: Units):
    """The number of a group's units below which a pass may not go.

    A number that falls and then rises as far again would do so without end: the larger is kept. What led there may have
    been on the way only: once all is quiet it is let go, and kept for good if the cycle comes again. What ran while
    coolers were trusted does not count.
    """
    running = solved[row[u], s]
    there = running > 0.0
    last = out.last[u, s] if there else running
    peak = out.peak[u, s]
    least = out.least[u, s]
    again = running > last and peak > 0.0 and running >= peak
    least = max(least, peak) if again else least
    peak = max(peak, last) if running < last else (running if running > last and peak > 0.0 else peak)
    try_out = moved.most[0, s] <= QUIET and least > out.tried[u, s]
    out.tried[u, s] = least if try_out else out.tried[u, s]
    early = turn.free[0, s] < FREE
    out.last[u, s] = running if there else out.last[u, s]
    out.peak[u, s] = 0.0 if early else peak
    out.least[u, s] = 0.0 if try_out or early else least


@kernel
def wait(l, s, groups: Int, units: Units, out: Moved):
    """A scenario has not settled while units are kept that were not let go."""
    waits = 0.0
    for u in range(groups):
        waits = 1.0 if units.least[u, s] > units.tried[u, s] else waits
    out.most[l, s] = max(out.most[l, s], QUIET) if waits > 0.0 else out.most[l, s]


@kernel
def settled(l, s, nodes: Int, raw: Reals2, now: Nodes, kinds: Int, watched: Groups, drawn: Groups, solved: Reals2,
           was: Reals2, mix: Mix, out: Moved):  # fmt: skip
    """How far temperatures and powers have moved. watched: powers of each kind; drawn: what they are measured by.

    In a pass that began at a mixture of others, what valves ask for may not have moved either.
    """
    most = 0.0
    restless = 0.0
    wrong = 0.0
    for n in range(nodes):
        there = now.lost[n, s] <= 0.0
        gap = abs(raw[n, s] - now.temperature[n, s]) if there else 0.0
        wrong += 0.0 * gap
        restless = real(n) if gap > most else restless
        most = gap if gap > most else most
    most = most / 300.0
    scale = 0.0
    for u in range(drawn.first[0], drawn.first[1]):
        scale += drawn.times[u] * solved[drawn.row[u], s]
    scale = max(scale, 1.0)
    for c in range(kinds):
        total = 0.0
        for u in range(watched.first[c], watched.first[c + 1]):
            new = solved[watched.row[u], s]
            total += watched.times[u] * abs(new - was[u, s])
            was[u, s] = new
        wrong += 0.0 * total
        most = max(most, total / scale)
    most = max(most, mix.stray[l, s])
    out.most[l, s] = most if finite(wrong + scale) else INF
    out.restless[l, s] = restless


@kernel
def advance(n, s, raw: Reals2, now: Nodes, out: columns.node):
    """Temperatures for the next pass. A node that is too hot for RUNAWAY passes in a row is lost."""
    T = raw[n, s]
    lost = now.lost[n, s]
    out.temperature[n, s] = T
    out.lost[n, s] = lost
    hot = now.hot[n, s] if lost > 0.0 else (0.0 if T <= HOTTEST else now.hot[n, s] + 1.0)
    now.hot[n, s] = hot
    now.lost[n, s] = 1.0 if hot >= RUNAWAY else 0.0
    now.temperature[n, s] = clip(T, COLDEST, HOTTEST)


class Program:
    """All stages of a pass, bound.

    stages: calls by what they work out. one_pass: all of them over all lanes, on a GPU as one graph. trust: whether
    coolers are taken to hold their set points in the first passes. accelerate: how passes are mixed.
    """

    def __init__(
        self,
        plant: System,
        lanes: int,
        xp: ModuleType = np,
        trust: bool = True,
        accelerate: Anderson | None = DEFAULT,
    ) -> None:
        self.plant, self.block = plant, Block(plant, lanes, xp)
        b, k, self.fed = self.block, columns, supplied(plant)
        net = Streams(b.integers(plant.start), b.integers(plant.end))
        fluid = b.work(Coolant, len(plant.start))
        fluid.cp[...] = AIR_HEAT
        self.now, self.turn, self.moved = b.work(Nodes, plant.nodes), b.work(Turn, 1), b.work(Moved, 1)
        self.flow, self.raw = b.column(k.stream.flow), b.zeros(plant.nodes)
        valves = b.work(Valves, len(plant.exchange.hot))
        self.valves = valves
        self._states(valves)
        self.mixing = Mixing(b, accelerate, self.raw, self.now, self.turn, valves)
        properties, renewing = coolant.stages(b, net, self.flow, self.now, self.raw, fluid)
        staged = [b.rows(c[np.arange(len(b.column(c)))]) for c in (k.pump.running, k.cooler.running, k.fan.running)]
        groups = sum(map(len, staged))
        units = b.roots(Units, groups, 0.0)
        loops = Loops(b, fluid, self.flow, valves.target, self.fed[k.pump.power], units)
        racks = Racks(b, net, self.flow, self.now, fluid, self.fed[k.engine.power], self.raw, self.turn)
        heat = Temperatures(
            b, net, self.flow, self.now, fluid, loops.asked.free, self.turn, units, self.fed[k.cooler.power], self.raw,
            valves, renewing,
        )  # fmt: skip
        self.roots, self.laws = racks.roots, heat.roots
        results = Results(*map(b.ledger, (k.bus, k.line, k.converter, k.source)))
        self.train, self.loops = Train(b, results), loops
        b.state(plant.constant * self.fed[k.given.power], b.column(k.given.power))
        b.state(plant.engine.clock, b.column(k.engine.clock))
        b.state(np.full((1, 1), 1.0 if trust and plant.cooler else 0.0), self.turn.trusted)
        self.stages: dict[str, list[Call]] = {
            "turn": [
                *b.bind(count, 1, self.moved, self.turn),
                *b.bind(keep, groups, b.integers(np.concatenate(staged)), b.solved, self.turn, self.moved, units),
            ],
            "coolant": properties,
            "racks": racks.stages,
            "controls": loops.asking,
            "flow": loops.flowing,
            "air": [
                *heat.gaining,
                *mixed_air.stages(b, heat.gains, self.fed[k.fan.power], self.flow, groups - len(staged[2]), units),
            ],
            "heat": [*heat.warming, *heat.stages, *racks.after],
            "power": self.train.stages,
            "derived": [derived(b)] if plant.derived else [],
            "settled": [*self._settling(), *b.bind(wait, 1, groups, units, self.moved), *loops.finish],
        }
        calls = [call for stage in self.stages.values() for call in stage]
        bound = all(isinstance(call, partial) for call in calls)
        self.one_pass = record([[call] for call in calls], on_gpu=xp is not np and bound)

    def _states(self, valves: Packed) -> None:
        """Where scenarios start from: rated flows, mild temperatures."""
        b, plant, e = self.block, self.plant, self.plant.exchange
        b.state(plant.start_temperature, self.now.temperature)
        b.state(np.zeros((plant.nodes, 1)), self.now.hot)
        b.state(np.zeros((plant.nodes, 1)), self.now.lost)
        b.state(np.zeros((1, 1)), self.turn.passes)
        b.state(np.zeros((1, 1)), self.turn.free)
        b.state(np.full((1, 1), np.inf), self.moved.most)
        controls = np.isfinite(e.set_point)
        b.state(np.where(controls, e.rated_cold, np.nan), valves.target)
        b.state(1.0 * controls, valves.held)
        b.state(np.full((len(e.hot), 1), STROKE), valves.stroke)
        b.state(np.zeros((len(e.hot), 1)), valves.way)
        for name in ("root", "slope"):
            b.state(np.full((len(e.hot), 1), np.nan), getattr(valves, name))
        pump, pipes = plant.pump, len(plant.pipe.start)
        rated = [(pump.pipe, pump.rated_flow * 1000.0 * pump.installed), (e.hot, e.rated_hot), (e.cold, e.rated_cold)]
        flow = np.ones((len(plant.start), max(v.shape[1] for _, v in rated)))
        for rows, value in rated:
            inside = rows < pipes
            flow[rows[inside]] = np.broadcast_to(value, (len(rows), value.shape[1]))[inside]
        b.state(flow, self.flow)

    def _settling(self) -> list[Call]:
        b, plant, k = self.block, self.plant, columns
        rows = [self.block.rows(c[np.arange(len(b.column(c)))]) for c in WATCHED]
        kind = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
        times = np.concatenate([plant.counts[c.kind] for c in WATCHED])
        terms, _ = grouped(kind, np.concatenate(rows), len(rows), times)
        sources = b.rows(k.source.power[np.arange(len(plant.source.bus))])
        scale, _ = grouped(np.zeros(len(sources), int), sources, 1, plant.counts[k.source])
        groups = len(rows), b.groups(terms), b.groups(scale)
        was = b.state(np.zeros((len(kind), 1)))
        mixing = self.mixing
        return [
            *mixing.before,
            *b.bind(settled, 1, plant.nodes, self.raw, self.now, *groups, b.solved, was, mixing.mix, self.moved),
            *b.bind(advance, plant.nodes, self.raw, self.now, b.ledger(k.node)),
            *mixing.after,
        ]

    def load(self, lanes: Index, scenarios: Index, start: Solved | None = None) -> None:
        """Put scenarios into lanes, at their start or where they were."""
        b = self.block
        b.solved[:, send(lanes, b.xp)] = 0.0
        b.begin(lanes, scenarios)
        if start is not None:
            self._resume(lanes, scenarios, start)
        b.load(lanes, scenarios)

    def _resume(self, lanes: Index, scenarios: Index, start: Solved) -> None:
        """Go on from what was solved: temperatures, flows and numbers of units, and roots as far as they are known."""
        b, k, e = self.block, columns, self.plant.exchange
        for column in b.columns():
            value = start[column]
            self._put(b.column(column), lanes, value[:, scenarios if value.shape[1] > 1 else [0]])
        of = lambda column: fetch(b.column(column))[:, lanes]  # noqa: E731
        warm = np.clip(of(k.node.temperature), COLDEST, HOTTEST)
        cold = np.abs(of(k.stream.flow))[e.cold]
        fetched = fetch(self.valves.target)[:, lanes]
        rack = k.engine
        for buffer, values in (
            (self.now.temperature, np.where(np.isnan(warm), fetch(self.now.temperature)[:, lanes], warm)),
            (self.valves.target, np.where(np.isnan(fetched), fetched, cold)),
            (self.valves.root, cold),
            (self.roots.requested, of(rack.junction_mean)),
            (self.roots.mean, of(rack.junction_mean)),
            (self.roots.worst, of(rack.junction)),
            (self.roots.feed, of(rack.power)),
        ):
            self._put(buffer, lanes, values)
        for rows, roots in self.laws:
            self._put(roots.speed, lanes, of(k.cooler.speed)[rows])

    def _put(self, buffer: Array, lanes: Index, values: Array) -> None:
        buffer[:, send(lanes, self.block.xp)] = send(np.ascontiguousarray(values), self.block.xp)

    def take(self, scenario: int) -> None:
        """Work on the topology of the power train in a scenario."""
        self.train.take(scenario)


def derived(b: Block) -> Call:
    """Columns that types add to the ledger; what is drawn or given off by one is that of the pass before."""
    items, begin = list[tuple[Array, Array, list[tuple[Array, Index]]]](), 0
    for item in b.plant.derived:
        rows = slice(begin, begin + len(item.constant))
        begin = rows.stop
        terms = [
            (b.given(np.broadcast_to(f, (len(item.constant), f.shape[1]))), send(b.rows(t), b.xp))
            for t, f in zip(item.terms, item.factors, strict=True)
        ]
        constant = b.given(np.broadcast_to(item.constant, item.constant.shape))
        items.append((b.column(item.column)[rows], constant, terms))

    def call() -> None:
        for out, constant, terms in items:
            value = constant
            for factor, rows in terms:
                value = value + factor * b.solved[rows]
            out[...] = value

    return call


def supplied(plant: System) -> Solved:
    """1 where a rack, pump, fan, cooler or stated load is in service and fed, 0 where not, (row, 1|S) by its power."""
    counts = {
        columns.engine.power: len(plant.engine.stream),
        columns.pump.power: len(plant.pump.pipe),
        columns.fan.power: len(plant.fan.vent),
        columns.cooler.power: sum(len(c.stream) for c in plant.cooler),
        columns.given.power: len(plant.constant),
    }
    width = max(plant.live.shape[1], *(load.in_service.shape[1] for load in plant.load), 1)
    fed = {c: np.ones((n, width)) for c, n in counts.items()}
    for load in plant.load:
        if load.power.column in fed:
            _, live = shares(plant, load)
            fed[load.power.column][load.power.rows] = live
    return fed
