"""Three-phase balanced or direct-current power flow with constant-power loads, in per unit.

Buses consume power S, slack buses hold their voltage. The bus currents Y V = -conj(S / V) are solved by chord Newton,

    (Y - D) V <- slack - conj(S / V) - D V,    D = d(-conj(S / V)) / dV at a mean load of the base case

in real 2 x 2 blocks, since D turns with the conjugate of V. With D = 0, where no base is given, this is the fixed point
that contracts wherever a feeder is operated [Giraldo et al., arXiv 2403.04578, 2024]; with it, it takes two thirds of
the steps. One factor per topology, one substitution per step, scenarios in lanes. Slack buses are unit rows, so that
islands, each with slack buses of its own, stand side by side in one matrix. Direct current is the case of real
admittances.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from twin.kernels import elimination
from twin.kernels.arrays import Array, copied, fetch, max_scenarios, namespace, send
from twin.kernels.cell import LANES, Int, Ints1, Real, Reals1, Reals2, Reals3, at, cell, kernel, rows
from twin.kernels.connected import connected
from twin.kernels.elimination import A11, A12, A21, A22, PairFactor, Program, subtract_pair
from twin.kernels.launch import bind, blocks
from twin.kernels.rows import SIDE


@dataclass(frozen=True, eq=False)
class Network:
    """Buses and pi-model branches; parameters are (branch, 1|S) in per unit."""

    n: int
    start: np.ndarray  # (m,) bus at the start of each branch
    end: np.ndarray  # (m,) bus at its end
    series: np.ndarray  # complex series admittance, 0 = out of service
    shunt_start: np.ndarray  # complex shunt admittance at the start, on the line's side of the tap
    shunt_end: np.ndarray  # complex shunt admittance at the end
    ratio: np.ndarray  # complex off-nominal tap ratio at the start
    slack: np.ndarray  # (k,) buses whose voltage is given


@dataclass(frozen=True, eq=False)
class Result:
    """Bus voltages and how they converged, per scenario."""

    voltage: np.ndarray  # (n, S) complex, 0 where no slack bus feeds the bus
    converged: np.ndarray  # (S,)
    iterations: np.ndarray  # (S,)
    energised: np.ndarray  # (n, S)


def solve(
    network: Network,
    slack_voltage: Array,
    power: Array,
    tolerance: float = 1e-10,
    max_iterations: int = 100,
    base: Array | None = None,
    precision: str = "float64",
) -> Result:
    """Bus voltages [pu], shape (n, S), that serve `power` [pu, consumed] (n, 1|S) from `slack_voltage` (k, 1|S).

    A scenario stops when no voltage moves by more than `tolerance`, and is marked as not converged when that takes
    more than `max_iterations` or its voltages cease to be finite. A bus with no path to a slack bus of non-zero
    voltage is not energised: its voltage is 0 and its load is not served. `base` (n,) is the load of the base case,
    about which the steps are linearised. `precision` float32 screens: it steps in single precision to `tolerance` and
    once more in double from the currents that the loads then inject. Branch currents, differences of voltages, follow
    from those injections to 1e-6 of themselves, which single precision alone would leave to rounding. It is meant for
    GPUs: on a CPU double precision is the faster.
    """
    slack_voltage = np.asarray(fetch(slack_voltage), complex)
    power = np.asarray(power, complex) if namespace(power) is np else power
    widths = (network.series, network.ratio, network.shunt_start, network.shunt_end, slack_voltage, power)
    scenarios = max(value.shape[1] for value in widths)
    energised, groups = _parted(network, slack_voltage, scenarios)
    slack_voltage = elimination.wide(slack_voltage, scenarios, complex)
    power = _wide(power, scenarios)
    if len(groups) == 1:
        f = _factored(network, 0, energised[:, 0], base)
        voltage, converged, iterations = f.solve(slack_voltage, power, tolerance, max_iterations, precision)
        return Result(voltage, converged, iterations, np.broadcast_to(energised, voltage.shape))
    voltage = np.zeros((network.n, scenarios), complex, like=power)
    converged, iterations = (np.zeros(scenarios, kind, like=power) for kind in (bool, np.int64))
    for chosen in groups:
        s = int(chosen[0])
        f = _factored(network, s, energised[:, min(s, energised.shape[1] - 1)], base)
        mine = np.asarray(chosen, like=power)
        results = f.solve(slack_voltage[:, chosen], power[:, mine], tolerance, max_iterations, precision)
        voltage[:, mine], converged[mine], iterations[mine] = results
    return Result(voltage, converged, iterations, np.broadcast_to(energised, voltage.shape))


MEAN = 0.7
"""Share of the base load about which steps are linearised."""

MAX_KEPT = 16
"""Factors of a network, and small batches of a factor, that are kept for the next call."""

BLOCK = 16
"""Scenarios in a SIMD block on the CPU."""


Steps: TypeAlias = Callable[[Array, Array, Array | None], tuple[Array, Array, Array]]
"""Slack voltages, loads and voltages to begin with, or None, to voltages, whether converged, and steps."""


class Buses(NamedTuple):
    """What a topology knows of its buses, by position in the order of elimination; `idle` and `swing` by bus."""

    bus: Ints1  # (n,)
    kind: Ints1  # (n,) LOAD, SLACK or DEAD
    seat: Ints1  # (n,) row of its voltage among those of the slack buses
    droop_re: Reals1  # (n,)
    droop_im: Reals1  # (n,)
    idle: Reals2  # (n, 2) voltage without load
    swing: Reals2  # (n, 4) change of voltage with the load and with its square
    lead: Int  # row of the slack voltage that scales the start
    inverse_base: Real  # one over the base load, 0 without


class Batch(NamedTuple):
    """Complex numbers of all scenarios, (row, S, 2): given voltages of slack buses, loads, voltages."""

    slack: Reals3
    load: Reals3
    voltage: Reals3


class Progress(NamedTuple):
    """How far each lane is, (blocks, LANES): its last move, 1 while it moves, its steps."""

    gap: Reals2
    alive: Reals2
    turns: Reals2


class Stop(NamedTuple):
    """When to stop: the move of a voltage [pu], and the number of steps."""

    tolerance: Real
    limit: Int


@dataclass(frozen=True, eq=False)
class Factor:
    """One topology, factored: solve as many scenarios on it as you like."""

    network: Network
    program: elimination.Program
    matrix: elimination.PairFactor  # of Y - D
    bus: np.ndarray  # (n,) the bus at each position
    kind: np.ndarray  # (n,) LOAD, SLACK or DEAD at each position
    droop: np.ndarray  # (2, n) D at each position
    idle: np.ndarray  # (n,) complex voltages without load from slack buses at 1 pu
    swing: np.ndarray  # (n, 2) complex change of voltage with load over base load, and with its square
    base: float  # the base load's active power, 0 without a base

    def solve(self, slack_voltage, power, tolerance=1e-10, limit=100, precision="float64"):
        """Voltages (n, S), whether converged (S,) and steps (S,), for complex (k, S) and (n, S)."""
        if precision == "float64":
            return self._run(slack_voltage, power, tolerance, limit, np.complex128)
        rough, good, turns = self._run(slack_voltage, power, tolerance, limit, np.complex64)
        return self._run(slack_voltage, power, tolerance, 1, np.complex128, rough)[0], good, turns + 1

    def _run(self, slack_voltage, power, tolerance, limit, kind, begin=None):
        """Steps in one precision, from the voltages `begin`, or from those of the base case's curve."""
        scenarios = power.shape[1]
        if namespace(power) is not np:
            return self._threads(slack_voltage, power, tolerance, limit, kind, begin)
        key = scenarios, kind, tolerance, limit
        if scenarios > BLOCK:
            return self._batch(*key, power)(slack_voltage, power, begin)
        # Taken out while it is used: another thread lays out buffers of its own.
        batch = self._kept.pop(key, None) or self._batch(*key, None)
        voltage, good, turns = batch(slack_voltage, power, begin)
        voltage = voltage.copy()
        if len(self._kept) < MAX_KEPT:
            self._kept[key] = batch
        return voltage, good, turns

    def _batch(
        self, scenarios, kind, tolerance, limit, given: Array | None
    ) -> Callable[[Array, Array, Array | None], tuple[Array, Array, Array]]:
        """A solve of so many scenarios with its buffers laid out; the loads `given` are one of them where they fit."""
        n, (count, lanes) = self.network.n, blocks(scenarios, BLOCK)
        padded = count * lanes
        load = given if given is not None and _fits(given, padded, kind) else np.zeros((n, padded), kind)
        held, voltage = np.zeros((len(self.network.slack), padded), kind), np.empty((n, padded), kind)
        scalar = held.real.dtype
        gap, alive, turns = (np.zeros((count, lanes), scalar) for _ in range(3))
        batch = Batch(_pairs(held), _pairs(load), _pairs(voltage))
        arrays = (batch, np.zeros((1, 6 * n, lanes), scalar), Progress(gap, alive, turns))
        stop = Stop(tolerance, limit)
        calls = [bind(chord, (count,), *self._fixed(kind), *arrays, 0, warm, stop, lanes=lanes) for warm in (0, 1)]

        def run(slack_voltage: Array, power: Array, begin: Array | None) -> tuple[Array, Array, Array]:
            rows: list[tuple[Array, Array]] = [(held, slack_voltage)]
            if load is not given:
                rows.append((load, power))  # type: ignore[arg-type]
            if begin is not None:
                rows.append((voltage, begin))
            for mine, theirs in rows:
                mine[:, :scenarios] = theirs
                mine[:, scenarios:] = mine[:, :1]
            turns[:] = 0
            calls[begin is not None]()
            good, steps = gap.ravel()[:scenarios] <= tolerance, turns.ravel()[:scenarios].astype(np.int64)
            return voltage[:, :scenarios], good, steps

        return run

    def _threads(self, slack_voltage, power, tolerance, limit, kind, begin):
        """A solve on a GPU: one thread a scenario, scenarios contiguous in the work array."""
        xp, n, size = namespace(power), self.network.n, power.shape[1]
        scalar = np.dtype(kind).type(0).real.dtype
        fixed = copied(self._copies.setdefault(kind, _Copies()), self._fixed(kind), power)
        voltage, good, turns = xp.empty((n, size), kind), xp.empty(size, bool), xp.empty(size, np.int64)
        chunk = max_scenarios(10 * n + 2 * len(self.network.slack), xp)
        for first in range(0, size, chunk):
            part = slice(first, min(first + chunk, size))
            load = xp.ascontiguousarray(power[:, part], kind)
            held = xp.asarray(np.ascontiguousarray(slack_voltage[:, part], kind))
            reached = xp.empty_like(load) if begin is None else xp.ascontiguousarray(begin[:, part], kind)
            lanes = load.shape[1]
            gap, alive, steps = (xp.zeros((lanes, 1), scalar) for _ in range(3))
            work = xp.zeros((6 * n, 1, lanes), scalar).transpose(2, 0, 1)
            arrays = (Batch(_pairs(held), _pairs(load), _pairs(reached)), work, Progress(gap, alive, steps))
            bind(chord, (lanes,), *fixed, *arrays, 1, int(begin is not None), Stop(tolerance, limit))()
            voltage[:, part], good[part] = reached, gap[:, 0] <= tolerance
            turns[part] = steps[:, 0].astype(np.int64)
        return voltage, good, turns

    def _fixed(self, kind) -> tuple[elimination.Program, elimination.PairFactor, Buses]:
        """What all scenarios share, as the kernel takes it."""
        scalar = np.dtype(kind).type(0).real.dtype
        matrix = elimination.PairFactor(*(np.asarray(m, scalar) for m in self.matrix))
        idle, swing = _pairs(np.ascontiguousarray(self.idle, kind)), np.ascontiguousarray(self.swing, kind).view(scalar)
        droop = (np.asarray(d, scalar) for d in self.droop)
        lead = self._lead, self.inverse_base
        buses = Buses._make([self.bus, self.kind, self.seat, *droop, idle, swing, *lead])
        return self.program, matrix, buses

    @cached_property
    def _copies(self):
        """Owners of what lies on a GPU, by precision."""
        return {}

    def linear(self, rhs):
        """The solution (2 n, k) of (Y - D) v = rhs in real and imaginary parts, rows 2 i and 2 i + 1 of bus i."""
        n, k = self.network.n, rhs.shape[1]
        count, lanes = blocks(k, BLOCK)
        place = (2 * self.bus[:, None] + np.arange(2)).ravel()
        x = elimination.laid(np.asarray(rhs, float)[place], count, lanes)
        bind(elimination.substitute_pairs, (count,), self.program, self.matrix, x, lanes=lanes)()
        out = np.empty((2 * n, k))
        out[place] = np.moveaxis(x, 1, 0).reshape(2 * n, -1)[:, :k]
        return out

    @cached_property
    def _kept(self):
        """Small batches with their buffers, by size."""
        return {}

    @cached_property
    def inverse_base(self):
        """One over the base load, 0 without one."""
        return 1.0 / self.base if self.base else 0.0

    @cached_property
    def seat(self):
        """Row of the slack voltages at each position, 0 where it is none."""
        row = np.zeros(self.network.n, np.int32)
        row[self.network.slack] = np.arange(len(self.network.slack))
        return row[self.bus]

    @cached_property
    def _lead(self):
        """Row of the first slack bus that is live, whose voltage scales the start."""
        live = np.flatnonzero(np.isin(self.network.slack, self.bus[self.kind == SLACK]))
        return int(live[0]) if len(live) else 0


TOLERANCE, LIMIT = 1e-10, 100
"""Move of a voltage [pu] at which a solve stops, and the steps that it may take."""


class Bound:
    """Steps of a network laid out for so many scenarios, a call to be replayed from the voltages as they are.

    load, slack, voltage: complex numbers as pairs, (row, scenario, 2). gap: last move of a voltage [pu] (1, scenario).
    The topology is what `take` was given last.
    """

    def __init__(self, network: Network, scenarios: int, xp: ModuleType) -> None:
        self.network, n = network, network.n
        width = next(w for w in (BLOCK, SIDE, 1) if scenarios % w == 0) if xp is np else 1
        count = scenarios // width
        program = elimination.program(n, network.start, network.end)
        fill = len(program.row)
        self.load, self.voltage = (xp.zeros((n, scenarios, 2)) for _ in range(2))
        self.slack = xp.zeros((len(network.slack), scenarios, 2))
        gap, alive, turns = (xp.zeros((count, width)) for _ in range(3))
        self.gap = gap.reshape(1, scenarios)
        self.matrix = elimination.PairFactor(*(xp.zeros(4 * k) for k in (n, fill, fill)))
        seat = np.zeros(n, np.int32)
        seat[network.slack] = np.arange(len(network.slack))
        bus, kind = send((np.ascontiguousarray(program.order, np.int32), np.zeros(n, np.int32)), xp)
        droop = xp.zeros((2, n))
        arrays = bus, kind, send(seat[program.order], xp), *droop
        self.buses = Buses._make([*arrays, xp.zeros((n, 2)), xp.zeros((n, 4)), 0, 0.0])
        apart = xp is not np
        work = xp.zeros((6 * n, 1, count)).transpose(2, 0, 1) if apart else np.zeros((1, 6 * n, width))
        rows = Batch(self.slack, self.load, self.voltage), work, Progress(gap, alive, turns)
        program = send(program, xp)
        call = program, self.matrix, self.buses, *rows, int(apart), 1, Stop(TOLERANCE, LIMIT)
        self.call = bind(chord, (count,), *call, lanes=width)

    def take(self, slack_voltage: Array, s: int, scenarios: int) -> None:
        """Work on the topology of scenario s of so many, with slack voltages (k, 1|S)."""
        energised, _ = _parted(self.network, slack_voltage, scenarios)
        f = _factored(self.network, s, energised[:, min(s, energised.shape[1] - 1)], None)
        for mine, theirs in zip(self.matrix, f.matrix, strict=True):
            mine[...] = send(theirs, namespace(mine))
        for mine, theirs in ((self.buses.kind, f.kind), (self.buses.droop_re, f.droop[0])):
            mine[...] = send(np.ascontiguousarray(theirs, mine.dtype), namespace(mine))
        self.buses.droop_im[...] = send(np.ascontiguousarray(f.droop[1]), namespace(self.buses.droop_im))


def topologies(network: Network, slack_voltage: Array, scenarios: int) -> list[Array]:
    """Scenarios that have one topology in common, each group an index array."""
    return _parted(network, slack_voltage, scenarios)[1]


class _Copies:
    """Owns the copies of a factor on a GPU."""


def _pairs(x):
    """Complex numbers as a last axis of real and imaginary part."""
    return x.view(x.real.dtype).reshape(*x.shape, 2)


def _wide(power, scenarios):
    if namespace(power) is np:
        return elimination.wide(power, scenarios, complex)
    return power if power.shape[1] == scenarios else np.broadcast_to(power, (len(power), scenarios))


def _fits(given, scenarios, kind):
    """Whether a kernel can read the loads as they lie."""
    if given.shape[1] != scenarios or given.dtype != kind:
        return False
    return given.flags.c_contiguous and given.flags.writeable


_FACTORS: WeakKeyDictionary[Network, dict] = WeakKeyDictionary()
_PARTED: WeakKeyDictionary[Network, tuple] = WeakKeyDictionary()


def _parted(network, slack_voltage, scenarios):
    """Energised buses (n, 1|S) and scenarios of equal topology; the last answer of a network is kept."""
    key = scenarios, slack_voltage.shape[1], np.packbits(slack_voltage != 0).tobytes()
    kept = _PARTED.get(network)
    if kept is None or kept[0] != key:
        energised = live_buses(network, slack_voltage)
        kept = _PARTED[network] = key, energised, _topologies(network, energised, scenarios)
    return kept[1:]


def _factored(network, s, energised, base) -> Factor:
    """The factor of the network as it is in scenario s; kept as long as the network is."""
    kept = _FACTORS.setdefault(network, {})
    key = s, energised.tobytes(), None if base is None else np.asarray(base).tobytes()
    result = kept.get(key) or factor(_column(network, s), energised, base)
    if len(kept) < MAX_KEPT:
        kept[key] = result
    return result


def factor(network: Network, energised: Array, base: Array | None = None) -> Factor:
    """Factor one topology (parameters of width 1): voltages without load and, with a `base` load, the chord by it."""
    n = network.n
    kind = np.where(energised, LOAD, DEAD).astype(np.int32)
    kind[network.slack] = np.where(energised[network.slack], SLACK, DEAD)
    zero, still = np.zeros(n, complex), np.zeros((n, 2), complex)
    flat = _factor(network, kind, zero, np.ones(n, complex), still, 0.0)
    unit = np.ones((len(network.slack), 1), complex)
    idle = flat.solve(unit, zero[:, None], 1e-12)[0][:, 0]
    if base is None:
        return _factor(network, kind, zero, idle, still, 0.0)
    base = np.where(kind == LOAD, np.asarray(base, complex).ravel(), 0)
    total = float(np.cumsum(np.real(base))[-1])
    shares = np.array([MEAN, 1.0])
    voltage, good, _ = flat.solve(np.repeat(unit, 2, axis=1), base[:, None] * shares, 1e-9)
    if not (good[0] and total > 0):
        return _factor(network, kind, zero, idle, still, 0.0)
    safe = np.where(kind == LOAD, voltage[:, 0], 1.0)
    droop = np.conj(-MEAN * base) / np.conj(safe) ** 2
    secant = (voltage - idle[:, None]) / shares
    curve = (secant[:, 1] - secant[:, 0]) / (1.0 - MEAN) if good[1] else zero
    swing = np.stack([secant[:, 0] - MEAN * curve, curve], axis=1)
    return _factor(network, kind, droop, idle, swing, total)


def refactor(f: Factor, network: Network) -> Factor:
    """The factor of a network with other branches in service and the same buses, linearised and started as `f` is."""
    kind, droop = np.empty_like(f.kind), np.empty(network.n, complex)
    kind[f.bus], droop[f.bus] = f.kind, f.droop[0] + 1j * f.droop[1]
    return _factor(network, kind, droop, f.idle, f.swing, f.base)


def _factor(network, kind, droop, idle, swing, base) -> Factor:
    """The factored matrix Y - D, with unit rows for slack buses and for buses that are not energised."""
    own_start, mutual_start, mutual_end, own_end = (a[:, 0] for a in admittances(network))
    solved = kind == LOAD
    at_start, at_end = solved[network.start], solved[network.end]
    diagonal = np.where(solved, 0j, 1)
    np.add.at(diagonal, network.start, np.where(at_start, own_start, 0))
    np.add.at(diagonal, network.end, np.where(at_end, own_end, 0))
    own = np.flatnonzero((network.start == network.end) & at_start)
    np.add.at(diagonal, network.start[own], mutual_start[own] + mutual_end[own])
    program = elimination.program(network.n, network.start, network.end)
    turned = np.stack([np.stack([droop.real, droop.imag], -1), np.stack([droop.imag, -droop.real], -1)], -2)
    off = (_block(np.where(live, m, 0)) for live, m in ((at_start, mutual_start), (at_end, mutual_end)))
    matrix = program.factor_pairs(_block(diagonal) + turned, *off)
    order = program.order
    shape = np.ascontiguousarray(np.stack([droop.real, droop.imag])[:, order])
    return Factor(network, program, matrix, order, kind[order], shape, idle, swing, base)


def _block(y):
    """Complex numbers (m,) as real 2 x 2 matrices (m, 2, 2)."""
    return np.stack([np.stack([y.real, -y.imag], -1), np.stack([y.imag, y.real], -1)], -2)


def _column(network, s):
    """The network as it is in scenario s, parameters of width 1."""
    pick = lambda a: a[:, min(s, a.shape[1] - 1)][:, None]  # noqa: E731
    fields = {f: pick(getattr(network, f)) for f in ("series", "shunt_start", "shunt_end", "ratio")}
    return replace(network, **fields)


def _topologies(network, energised, scenarios):
    """Scenarios of equal branches and energised buses, each group an index array."""
    parts = [network.series, network.shunt_start, network.shunt_end, network.ratio, energised]
    parts = [a for a in parts if a.shape[1] > 1]
    if not parts:
        return [np.arange(scenarios)]
    bits = np.concatenate([np.ascontiguousarray(a.T).view(np.uint8).reshape(scenarios, -1) for a in parts], axis=1)
    _, inverse = np.unique(bits, axis=0, return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(inverse.ravel()[order])) + 1)


def branch_power(network: Network, voltage: Array) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Complex power [pu] entering each branch at its start and at its end, each (m, S); their sum is its loss."""
    first, last, *own = copied(network, (network.start, network.end, *admittances(network)), voltage)
    start, end = voltage[first], voltage[last]
    own_start, mutual_start, mutual_end, own_end = own
    return _entering(start, own_start, mutual_start, end), _entering(end, own_end, mutual_end, start)


def branch_size(network: Network, voltage: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Apparent power [pu] entering each branch at its start and at its end, (m, S), for parameters of width 1."""
    ends = (np.ascontiguousarray(a, np.int32) for a in (network.start, network.end))
    parts = np.stack([a[:, 0] for a in admittances(network)], axis=1).view(float)
    scenarios = voltage.shape[1]
    sizes = np.empty((len(parts), scenarios)), np.empty((len(parts), scenarios))
    volts = np.ascontiguousarray(np.real(voltage)), np.ascontiguousarray(np.imag(voltage))
    bind(entering, (len(parts), scenarios), *ends, parts, *volts, *sizes)()
    return sizes


@cell
def size(vr, vi, wr, wi, y, e, own, mutual):
    """Size of V (Y V + Y' W)*, |V| |Y V + Y' W|."""
    re = y[e, own] * vr - y[e, own + 1] * vi + (y[e, mutual] * wr - y[e, mutual + 1] * wi)
    im = y[e, own] * vi + y[e, own + 1] * vr + (y[e, mutual] * wi + y[e, mutual + 1] * wr)
    return math.sqrt((vr * vr + vi * vi) * (re * re + im * im))


@kernel
def entering(e, s, here: Ints1, there: Ints1, y: Reals2, re: Reals2, im: Reals2, at_start: Reals2, at_end: Reals2):
    """Apparent power that enters branch e at both ends; `y` is as in newton.Grid."""
    i = here[e]
    k = there[e]
    at_start[e, s] = size(re[i, s], im[i, s], re[k, s], im[k, s], y, e, 0, 2)
    at_end[e, s] = size(re[k, s], im[k, s], re[i, s], im[i, s], y, e, 6, 4)


def admittances(network: Network) -> tuple[Array, Array, Array, Array]:
    """The entries of each branch's admittance matrix, own and mutual at the start, mutual and own at the end."""
    live = network.series != 0
    shunt_start, shunt_end = np.where(live, network.shunt_start, 0), np.where(live, network.shunt_end, 0)
    ratio = network.ratio
    own_start = (network.series + shunt_start) / (np.real(ratio) ** 2 + np.imag(ratio) ** 2)
    return own_start, -network.series / np.conj(ratio), -network.series / ratio, network.series + shunt_end


def _entering(voltage: Array, own: Array, mutual: Array, other: Array) -> NDArray[np.complex128]:
    """V (own V + mutual V')*, of real products: how NumPy rounds complex ones depends on how an array is laid out."""
    current = _product(own, voltage) + _product(mutual, other)
    return _product(voltage, current.conj())


def _product(a: Array, b: Array) -> NDArray[np.complex128]:
    (a_re, a_im), (b_re, b_im) = ((np.real(x), np.imag(x)) for x in (a, b))
    out: Any = a * b  # of the right shape, in the right library
    out.real[...], out.imag[...] = a_re * b_re - a_im * b_im, a_re * b_im + a_im * b_re
    return out


def live_buses(network: Network, slack_voltage: Array) -> Array:
    """Whether a slack bus of non-zero voltage reaches each bus, (n, 1|S); searched once per distinct pattern."""
    width = max(network.series.shape[1], slack_voltage.shape[1])
    closed = np.broadcast_to(network.series != 0, (len(network.start), width))
    live = np.broadcast_to(slack_voltage != 0, (len(network.slack), width))
    bits = np.packbits(np.concatenate((closed, live)), axis=0)
    _, first, inverse = np.unique(bits, axis=1, return_index=True, return_inverse=True)
    patterns = [_reached(network, closed[:, s], live[:, s]) for s in first]
    return np.stack(patterns, axis=1)[:, inverse.ravel() if len(first) > 1 else slice(None)]


def _reached(network, closed, live):
    label = connected(network.n, network.start[closed], network.end[closed])
    return np.isin(label, label[network.slack[live]])


LOAD, SLACK, DEAD = 1, 2, 0

RE, IM = range(2)
"""Parts of a complex number."""

SLOPE_RE, SLOPE_IM, CURVE_RE, CURVE_IM = range(4)
"""Columns of `Buses.swing`."""

CURRENT_RE, CURRENT_IM, VOLTAGE_RE, VOLTAGE_IM, LOAD_RE, LOAD_IM = rows(6)
"""What the work array holds of each position: right-hand side, voltage, load (of slack buses their own voltage)."""


@cell
def inject(w, k, buses: Buses, work):
    """Add the current of the load at position k, less the chord's part, to its right-hand side."""
    droop_re = buses.droop_re[k]
    droop_im = buses.droop_im[k]
    for j in range(LANES):
        re = work[w, at(k, VOLTAGE_RE), j]
        im = work[w, at(k, VOLTAGE_IM), j]
        p = work[w, at(k, LOAD_RE), j]
        q = work[w, at(k, LOAD_IM), j]
        s = 1.0 / (re * re + im * im)
        work[w, at(k, CURRENT_RE), j] += droop_re * re + droop_im * im - (p * re + q * im) * s
        work[w, at(k, CURRENT_IM), j] += droop_im * re - droop_re * im - (p * im - q * re) * s


@cell
def given(w, b, k, first, buses: Buses, batch: Batch, work, progress: Progress):
    """Lay out what is given at position k: the load, which adds to the block's total, or the slack voltage."""
    i = buses.bus[k]
    if buses.kind[k] == SLACK:
        for j in range(LANES):
            work[w, at(k, LOAD_RE), j] = batch.slack[buses.seat[k], first + j, RE]
            work[w, at(k, LOAD_IM), j] = batch.slack[buses.seat[k], first + j, IM]
    if buses.kind[k] == LOAD:
        for j in range(LANES):
            work[w, at(k, LOAD_RE), j] = batch.load[i, first + j, RE]
            work[w, at(k, LOAD_IM), j] = batch.load[i, first + j, IM]
            progress.gap[b, j] += work[w, at(k, LOAD_RE), j]
    if buses.kind[k] == DEAD:
        for j in range(LANES):
            work[w, at(k, LOAD_RE), j] = 0.0
            work[w, at(k, LOAD_IM), j] = 0.0


@cell
def start(w, b, k, first, buses: Buses, batch: Batch, work, progress: Progress):
    """Start position k from the base case's curve: idle + swing (x, x²), turned with the leading slack voltage."""
    i = buses.bus[k]
    a0 = buses.idle[i, RE]
    a1 = buses.idle[i, IM]
    c0 = buses.swing[i, SLOPE_RE]
    c1 = buses.swing[i, SLOPE_IM]
    d0 = buses.swing[i, CURVE_RE]
    d1 = buses.swing[i, CURVE_IM]
    for j in range(LANES):
        h0 = batch.slack[buses.lead, first + j, RE]
        h1 = batch.slack[buses.lead, first + j, IM]
        square = h0 * h0 + h1 * h1
        share = progress.gap[b, j] * buses.inverse_base / (square if square > 0.0 else 1.0)
        re = a0 + share * (c0 + share * d0)
        im = a1 + share * (c1 + share * d1)
        work[w, at(k, CURRENT_RE), j] = 0.0
        work[w, at(k, CURRENT_IM), j] = 0.0
        work[w, at(k, VOLTAGE_RE), j] = (
            re * batch.slack[buses.lead, first + j, RE] - im * batch.slack[buses.lead, first + j, IM]
        )
        work[w, at(k, VOLTAGE_IM), j] = (
            re * batch.slack[buses.lead, first + j, IM] + im * batch.slack[buses.lead, first + j, RE]
        )


@cell
def forth(w, program: Program, factor: PairFactor, buses: Buses, work):
    """Right-hand sides, and their substitution forth through the lower factor."""
    for k in range(program.n):
        if buses.kind[k] == LOAD:
            inject(w, k, buses, work)
        if buses.kind[k] == SLACK:
            for j in range(LANES):
                work[w, at(k, CURRENT_RE), j] = work[w, at(k, LOAD_RE), j]
                work[w, at(k, CURRENT_IM), j] = work[w, at(k, LOAD_IM), j]
        for u in range(program.column[k], program.column[k + 1]):
            subtract_pair(w, at(program.row[u], CURRENT_RE), at(k, CURRENT_RE), work, factor.lower, u)


@cell
def back(w, b, program: Program, factor: PairFactor, work, progress: Progress):
    """Substitution back through the upper factor, which moves the voltages of the lanes that have not settled."""
    for j in range(LANES):
        progress.gap[b, j] = 0.0
    for m in range(program.n):
        k = program.n - 1 - m
        for u in range(program.column[k], program.column[k + 1]):
            subtract_pair(w, at(k, CURRENT_RE), at(program.row[u], VOLTAGE_RE), work, factor.upper, u)
        d0 = factor.pivot[at(k, A11)]
        d1 = factor.pivot[at(k, A12)]
        d2 = factor.pivot[at(k, A21)]
        d3 = factor.pivot[at(k, A22)]
        for j in range(LANES):
            re = d0 * work[w, at(k, CURRENT_RE), j] + d1 * work[w, at(k, CURRENT_IM), j]
            im = d2 * work[w, at(k, CURRENT_RE), j] + d3 * work[w, at(k, CURRENT_IM), j]
            work[w, at(k, CURRENT_RE), j] = 0.0
            work[w, at(k, CURRENT_IM), j] = 0.0
            dr = progress.alive[b, j] * (re - work[w, at(k, VOLTAGE_RE), j])
            di = progress.alive[b, j] * (im - work[w, at(k, VOLTAGE_IM), j])
            progress.gap[b, j] = max(progress.gap[b, j], abs(dr) + abs(di))
            work[w, at(k, VOLTAGE_RE), j] += dr
            work[w, at(k, VOLTAGE_IM), j] += di


@kernel(lanes=BLOCK)
def chord(
    b,
    program: Program,
    factor: PairFactor,
    buses: Buses,
    batch: Batch,
    work: Reals3,
    progress: Progress,
    apart: Int,
    warm: Int,
    stop: Stop,
):
    """Chord Newton of one block of lanes on a common factor.

    Blocks share `work` on the CPU (`apart` 0), where they follow each other. The start is that of the base case, see
    `start`, or with `warm` 1 what `batch.voltage` holds. `progress.gap` is the last move of a lane, NaN or above the
    tolerance where it did not settle; a lane that has settled stands still while its block goes on.
    """
    first = b * LANES
    w = b * apart
    for j in range(LANES):
        progress.gap[b, j] = 0.0
        progress.alive[b, j] = 1.0
    for k in range(program.n):
        given(w, b, k, first, buses, batch, work, progress)
    for k in range(program.n):
        start(w, b, k, first, buses, batch, work, progress)
        if warm == 1:
            i = buses.bus[k]
            for j in range(LANES):
                work[w, at(k, VOLTAGE_RE), j] = batch.voltage[i, first + j, RE]
                work[w, at(k, VOLTAGE_IM), j] = batch.voltage[i, first + j, IM]
    for _turn in range(stop.limit):
        forth(w, program, factor, buses, work)
        back(w, b, program, factor, work, progress)
        left = 0
        for j in range(LANES):
            gap = progress.gap[b, j]
            progress.turns[b, j] += progress.alive[b, j]
            if progress.alive[b, j] > 0.0 and gap > stop.tolerance and gap - gap == 0.0:
                left += 1
            else:
                progress.alive[b, j] = 0.0
        if left == 0:
            break
    for k in range(program.n):
        i = buses.bus[k]
        for j in range(LANES):
            re = work[w, at(k, VOLTAGE_RE), j]
            im = work[w, at(k, VOLTAGE_IM), j]
            batch.voltage[i, first + j, RE] = re
            batch.voltage[i, first + j, IM] = im
            progress.gap[b, j] += 0.0 * (re + im)
