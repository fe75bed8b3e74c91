"""Flow and pressure in pipe networks by Newton's method on node pressures.

The global gradient method [Todini & Pilati, 1988]: each branch's law, drop(m), is linearised, m' = m + y (p_i - p_j -
drop(m)) with y = 1 / slope, and mass balance at the nodes gives a symmetric positive definite system, which is solved
here for the change of pressure, so that rounding in large conductances cannot unbalance a node. Along the step the
content's derivative is sum (drop - available) d, below zero at its start; where it ends above zero by more than that,
the step ends where a law that rises with the square has it at zero.

A branch may be a controller, which keeps its flow between bounds: a pressure-independent valve or a pump in flow mode
delivers at most its set flow, a check valve at least none. It is at a bound while the pressure across it would carry it
beyond, and obeys its law otherwise. Which of them are at a bound comes out of the same iteration: all that are wrong
switch together, or one by one where that does not make fewer wrong (block principal pivoting [Judice & Pires, 1994]).
The rule has no memory; laws that rise make the problem convex and its answer unique.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from twin.kernels import elimination
from twin.kernels.arrays import Array, copied, fetch, numbers
from twin.kernels.cell import LANES, Int, Ints1, Ints2, Real, Reals1, Reals2, Reals3, at, cell, kernel, real, rows
from twin.kernels.elimination import Program, eliminate_symmetric
from twin.kernels.friction import CHURCHILL, darcy
from twin.kernels.launch import Call, bind
from twin.kernels.rows import SIDE, Rows, Table, gather

PROXIMAL = 1e-6  # conductance of a controller at a bound over its flow / pressure scale; vanishes with the change
GROUND = 1e-12  # relative addition to the diagonal; keeps parts that only controllers join solvable
STIFFEST = 1e-11  # smallest slope over pressure scale / flow scale
CALM = 3e-2  # change of flow over the largest flow below which a single controller may switch
PATIENCE = 5.0  # steps in which all wrong controllers switch although they do not become fewer
RESTARTS = 5.0  # times that, with none wrong, the fewest wrong are counted anew
SURE = 1e-3  # change of flow over the largest flow from which what laws miss tells how far the solution is
SHORTEST = 1e-6  # minimum length of a step
TINY = 1e-12  # kg/s, below which friction is a straight line
HUGE = 1e30  # a bound that is none

FRICTIONLESS = -1
"""In place of a friction law: branches without friction."""

NONE = np.zeros((0, 1))


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes joined by branches, and how the pressure [Pa] drops along each at mass flow m [kg/s] from start to end.

        square m|m| + λ(Re, rough) friction m|m| + factor m|m|^(exponent - 1)
        - min(ceiling, shutoff - quadratic m|m| - quartic m|m|³),  Re = reynolds |m|

    Parameters are (rows, 1|S); `square` has a row for each branch, the others for those that their index names. Laws
    must rise with m: exponents are 1 or more, or negative with a negative factor and `straight` above 0.
    """

    n: int
    start: np.ndarray  # (m,)
    end: np.ndarray  # (m,)
    square: np.ndarray
    pipe: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # branches with friction
    friction: np.ndarray = field(default_factory=lambda: NONE)  # L / (2 ρ A² D)
    reynolds: np.ndarray = field(default_factory=lambda: NONE)  # D / (A μ)
    rough: np.ndarray = field(default_factory=lambda: NONE)  # ε / D
    powered: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # branches with a power law
    factor: np.ndarray = field(default_factory=lambda: NONE)
    exponent: np.ndarray = field(default_factory=lambda: NONE)
    straight: np.ndarray = field(default_factory=lambda: NONE)  # flow below which its law is its tangent there, or 0
    pump: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # branches with a pump
    shutoff: np.ndarray = field(default_factory=lambda: NONE)
    quadratic: np.ndarray = field(default_factory=lambda: NONE)
    quartic: np.ndarray = field(default_factory=lambda: NONE)
    ceiling: np.ndarray = field(default_factory=lambda: NONE)  # inf where the pump is not throttled
    control: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # branches whose flow has bounds
    min_flow: np.ndarray = field(default_factory=lambda: NONE)  # -inf without
    max_flow: np.ndarray = field(default_factory=lambda: NONE)  # inf without
    model: int = CHURCHILL


@dataclass(frozen=True, eq=False)
class Result:
    """Flows and pressures and how they converged, per scenario."""

    mass_flow: np.ndarray  # (m, S) kg/s, positive from start to end
    pressure: np.ndarray  # (n, S) Pa
    converged: np.ndarray  # (S,)
    iterations: np.ndarray  # (S,)
    limited: np.ndarray  # (m, S) controllers that obey their law, short of their maximum flow


def solve(
    network: Network,
    nodes: Array,
    pressure: Array,
    guess: Array,
    demand: Array | None = None,
    tolerance: float = 1e-9,
    limit: int = 300,
    scale: float = 1e5,
) -> Result:
    """Mass flows [kg/s] (m, S) and node pressures [Pa] (n, S) of pipe networks in steady flow.

    `pressure` (k, 1|S) holds at `nodes`, one or more in each separate part; `demand` (n, 1|S) [kg/s] is drawn at nodes.
    `guess` (m, 1|S) starts the iteration, `scale` [Pa] is a typical pressure difference.

    A scenario has converged when every controller obeys the rule and either the next step could move no flow by more
    than `tolerance` of the largest (what branches miss of their laws, as flows, sums to less), or no flow has moved by
    more and every branch that is not at a bound keeps its law to 1000 `tolerance` of the largest drop. Where all come
    to rest, the largest flow counts as a hundredth of the flows guessed and set. A scenario whose flows are not finite
    stops, one with parameters that are no numbers does not begin. Raises ValueError for parameters of a wrong height.
    """
    g, m, n, c = network, len(network.start), network.n, len(network.control)
    straight = g.straight if len(g.straight) else np.zeros((len(g.powered), 1), like=guess)
    drawn = np.zeros((n, 1), like=guess) if demand is None else demand
    laws = (g.square, g.friction, g.reynolds, g.rough, g.factor, g.exponent, straight)
    pumps = (g.shutoff, g.quadratic, g.quartic, g.ceiling)
    parts = [numbers(p) for p in (*laws, *pumps, g.min_flow, g.max_flow, guess, pressure, drawn)]
    rows = (len(g.pipe),) * 3 + (len(g.powered),) * 3 + (len(g.pump),) * 4 + (c, c, m, len(nodes), n)
    for part, height in zip(parts, (m, *rows), strict=True):
        if part.ndim != 2 or len(part) != height:
            raise ValueError(f"a parameter is {part.shape}, not ({height}, scenarios)")
    structure = fetch((g.start, g.end, g.pipe, g.powered, g.pump, g.control, nodes))
    layout = _layout(
        n,
        *(np.asarray(rows, np.int64).tobytes() for rows in structure),
        tuple(len(p) for p in parts),
        tuple(p.shape[1] > 1 for p in parts),
    )
    settings = Settings(g.model, tolerance, scale, limit)
    lay = partial(layout.lay, settings)
    flow, nodal, free, good, turns = layout.rows.run(parts, (m, n, c, 1, 1), layout.work, lay, settings)
    limited = np.zeros(flow.shape, bool, like=flow)
    limited[g.control] = free > 0
    return Result(flow, nodal, good[0] > 0, turns[0].astype(np.int64), limited)


@lru_cache(maxsize=32)
def _layout(n, start, end, pipe, powered, pump, control, nodes, heights, varies, times=None):
    """The layout of networks that differ in their numbers only; cached by content."""
    start, end, *groups, nodes = (np.frombuffer(a, np.int64) for a in (start, end, pipe, powered, pump, control, nodes))
    times = np.ones(len(start)) if times is None else np.frombuffer(times, float).copy()
    return _Layout(n, start, end, groups, nodes, heights, varies, times)


class Net(NamedTuple):
    """Branches and controllers as kernels take them; nodes are positions in the order of elimination."""

    branches: Int
    controllers: Int
    pipes: Int  # branches with friction
    powers: Int  # branches with a power law
    pumps: Int
    guess: Int  # first row of the flows guessed
    pressure: Int  # first row of the pressures held
    demand: Int  # first row of what nodes draw
    start: Ints1  # (branches,)
    end: Ints1  # (branches,)
    law: Ints2  # (branches, 5) first row of each law's parameters, the controller; -1 for none
    control: Ints1  # (controllers,) their branches
    times: Reals1  # (branches,) how many equal ones each stands for
    held: Ints1  # (n,) row of its pressure where a node is held, else -1


class Settings(NamedTuple):
    """Friction law, tolerance of flows, typical pressure difference [Pa], maximum steps."""

    model: Int
    tolerance: Real
    scale: Real
    limit: Int


SETTINGS = Settings(CHURCHILL, 1e-9, 1e5, 300)


class Work(NamedTuple):
    """Numbers of a block of lanes, (blocks, rows, LANES); `x` is the right-hand side, then the change of pressure."""

    param: Reals3
    branch: Reals3
    control: Reals3
    node: Reals3
    pivot: Reals3
    x: Reals3
    lower: Reals3
    lane: Reals3


class Out(NamedTuple):
    """Answers, (row, S): flows, pressures, 1 where a controller obeys its law, 1 where converged, steps."""

    flow: Reals2
    pressure: Reals2
    free: Reals2
    good: Reals2
    turns: Reals2


class _Layout:
    """Tables of a network's structure, and the rows of its parameters."""

    def __init__(self, n, start, end, groups, nodes, heights, varies, times) -> None:
        program, m, control = elimination.program(n, start, end), len(start), groups[3]
        self.rows = Rows(heights, varies)
        first, c = self.rows.first, len(control)
        position = np.empty(n, np.int32)
        position[program.order] = np.arange(n, dtype=np.int32)
        law, held = np.full((m, 5), -1, np.int32), np.full(n, -1, np.int32)
        for kind, (branches, block) in enumerate(zip(groups, (1, 4, 7, 11), strict=True)):
            law[branches, kind] = first[block] + np.arange(len(branches))
        law[control, CONTROLLER] = np.arange(c)
        held[position[nodes]] = first[14] + np.arange(len(nodes))
        counts = (m, c, *(len(g) for g in groups[:3]), *first[13:16])
        control = np.ascontiguousarray(control, np.int32)
        net = Net._make([*counts, position[start], position[end], law, control, times, held])
        self.tables = program, net, self.rows.source
        self.work = (first[-1], FLOW.width * m, STATE.width * c, n, n, n, len(program.row), PEAK + 1)  # heights of Work

    def parts(self) -> Iterator[tuple[str, int, int]]:
        """Parameters by name, with the first and the next of their rows."""
        names = [*PARTS.split(), "guess", "pressure", "demand"]
        yield from zip(names, self.rows.first[:-1], self.rows.first[1:], strict=True)

    def lay(self, settings, count, lanes, apart, common, varied, work, out):
        """The kernel bound over blocks of lanes."""
        program, net, source = copied(self, self.tables, common)
        table = Table(len(source), source, common, varied)
        return bind(gradient, (count,), program, net, table, Work(*work), Out(*out), settings, apart, lanes=lanes)


PARTS = "square friction reynolds rough factor exponent straight shutoff quadratic quartic ceiling min_flow max_flow"
"""Parameters of laws in the order of the table's rows; flows guessed, pressures held and what nodes draw follow."""


def structure(
    n: int, ends: tuple[Array, Array], groups: Sequence[Array], nodes: Array, times: Array | None = None
) -> _Layout:
    """The layout of networks that differ in their numbers only, each number one per scenario.

    ends: nodes at both ends of branches. groups: branches with friction, with a power law, with pumps, and those whose
    flow has bounds. nodes: where pressures are held. times: of branches and nodes that are alike one stands for all,
    so many branches each (branches,); balances and norms are those of the whole network.
    """
    m, (pipe, powered, pump, control) = len(ends[0]), groups
    heights = (m, *(len(pipe),) * 3, *(len(powered),) * 3, *(len(pump),) * 4, *(len(control),) * 2, m, len(nodes), n)
    arrays = (np.ascontiguousarray(a, np.int64).tobytes() for a in (*ends, *groups, nodes))
    return _layout(
        n, *arrays, heights, (True,) * len(heights), np.ones(m).tobytes() if times is None else times.tobytes()
    )


def bound(layout: _Layout, param: Array, out: Out, settings: Settings = SETTINGS) -> Call:
    """The solver bound to parameters (rows, S) and answers of its own, a call to be replayed."""
    return layout.rows.bound(param, layout.work, partial(layout.lay, settings), list(out))


# ---- the solver --------------------------------------------------------------------------------------------------

PIPE, POWER, PUMP, BOUNDS, CONTROLLER = range(5)
"""Columns of `Net.law`."""

FLOW, PREVIOUS, HEADLOSS, GRADIENT, MIN_GRADIENT, BOUND_CONDUCTANCE = rows(6)
"""Rows of a branch: flow, flow before the step, headloss, its gradient, its minimum, conductance at a bound."""

CONDUCTANCE = PREVIOUS
"""While the matrix is assembled, one over the gradient."""

MIN_FLOW_HEADLOSS, MAX_FLOW_HEADLOSS, STATE, WANTED, NEXT = rows(5)
"""Rows of a controller: headloss at its bounds, state (-1 or 1 at a bound, 0 free), what pressures want, the next."""

LANE = range(16)
LEVEL, ALIVE, FEWEST, FRESH, PATIENT, STEP, WRONG, LAST, BEFORE, AFTER, HEADLOSSES, MISS, LOOSE, ERROR, CHANGE, PEAK = (
    LANE
)
"""Rows of `lane`; those from WRONG are counted anew in each step."""

FLOOR, AT_MIN, AT_MAX, AT_START = range(4)
"""Flows at which the laws are evaluated first."""


@cell
def resist(w, e, model, net: Net, work: Work):
    """Headloss of branch e at its flow, and its gradient."""
    for j in range(LANES):
        q = abs(work.branch[w, at(e, FLOW), j])
        work.branch[w, at(e, HEADLOSS), j] = work.param[w, e, j] * q * work.branch[w, at(e, FLOW), j]
        work.branch[w, at(e, GRADIENT), j] = 2.0 * work.param[w, e, j] * q
    r = net.law[e, PIPE]
    if r >= 0 and model != FRICTIONLESS:
        for j in range(LANES):
            q = max(abs(work.branch[w, at(e, FLOW), j]), TINY)
            reynolds = q * work.param[w, r + net.pipes, j]
            factor, elasticity = darcy(reynolds, work.param[w, r + 2 * net.pipes, j], model)
            steep = work.param[w, r, j] * factor * q
            work.branch[w, at(e, HEADLOSS), j] += steep * work.branch[w, at(e, FLOW), j]
            work.branch[w, at(e, GRADIENT), j] += steep * (2.0 + elasticity)
    r = net.law[e, POWER]
    if r >= 0:
        for j in range(LANES):
            exponent = work.param[w, r + net.powers, j]
            falls = model == FRICTIONLESS and exponent < 1.0
            factor = 0.0 if falls else work.param[w, r, j]
            flow = work.branch[w, at(e, FLOW), j]
            low = work.param[w, r + 2 * net.powers, j]
            q = flow if low <= 0.0 or flow > low else low
            steep = factor * math.pow(abs(q), exponent - 1.0)
            tilt = steep * exponent
            work.branch[w, at(e, HEADLOSS), j] += steep * q + tilt * (flow - q)
            work.branch[w, at(e, GRADIENT), j] += tilt
    r = net.law[e, PUMP]
    if r >= 0:
        for j in range(LANES):
            q = abs(work.branch[w, at(e, FLOW), j])
            quadratic = work.param[w, r + net.pumps, j]
            quartic = work.param[w, r + 2 * net.pumps, j]
            fall = q * (quadratic + quartic * q * q)
            rise = work.param[w, r, j] - fall * work.branch[w, at(e, FLOW), j]
            steep = 2.0 * q * (quadratic + 2.0 * quartic * q * q)
            ceiling = work.param[w, r + 3 * net.pumps, j]
            work.branch[w, at(e, HEADLOSS), j] -= ceiling if ceiling < rise else rise
            work.branch[w, at(e, GRADIENT), j] += 0.0 if ceiling < rise else steep


@cell
def at_bounds(w, net: Net, work: Work):
    """Controllers at a bound: a law whose linearisation gives their set flow and moves it little."""
    for c in range(net.controllers):
        e = net.control[c]
        r = net.law[e, BOUNDS]
        for j in range(LANES):
            state = work.control[w, at(c, STATE), j]
            if state != 0.0:
                bound = work.param[w, r + net.controllers, j] if state > 0.0 else work.param[w, r, j]
                y = work.branch[w, at(e, BOUND_CONDUCTANCE), j]
                across = work.node[w, net.start[e], j] - work.node[w, net.end[e], j]
                work.branch[w, at(e, HEADLOSS), j] = across + (work.branch[w, at(e, FLOW), j] - bound) / y
                work.branch[w, at(e, GRADIENT), j] = 1.0 / y


@cell
def advance(w, e, net: Net, work: Work):
    """The whole Newton step of branch e."""
    i = net.start[e]
    k = net.end[e]
    for j in range(LANES):
        y = work.branch[w, at(e, CONDUCTANCE), j]
        flow = work.branch[w, at(e, FLOW), j]
        flux = flow + y * (work.node[w, i, j] - work.node[w, k, j] - work.branch[w, at(e, HEADLOSS), j])
        trial = flux + y * (work.x[w, i, j] - work.x[w, k, j])
        trial = trial if work.lane[w, ALIVE, j] > 0.0 else flow
        across = work.node[w, i, j] + work.x[w, i, j] - (work.node[w, k, j] + work.x[w, k, j])
        work.lane[w, BEFORE, j] += net.times[e] * ((work.branch[w, at(e, HEADLOSS), j] - across) * (trial - flow))
        work.lane[w, CHANGE, j] = max(work.lane[w, CHANGE, j], abs(trial - flow))
        work.lane[w, PEAK, j] = max(work.lane[w, PEAK, j], abs(trial))
        work.branch[w, at(e, PREVIOUS), j] = flow
        work.branch[w, at(e, FLOW), j] = trial


@cell
def measure(w, e, net: Net, work: Work):
    """Tally how branch e misses its law, or the bound that it is at, after the step."""
    i = net.start[e]
    k = net.end[e]
    r = net.law[e, BOUNDS]
    c = net.law[e, CONTROLLER]
    if c < 0:
        for j in range(LANES):
            loss = work.branch[w, at(e, HEADLOSS), j]
            across = work.node[w, i, j] + work.x[w, i, j] - (work.node[w, k, j] + work.x[w, k, j])
            miss = loss - across
            steep = max(work.branch[w, at(e, GRADIENT), j], work.branch[w, at(e, MIN_GRADIENT), j])
            moved = work.branch[w, at(e, FLOW), j] - work.branch[w, at(e, PREVIOUS), j]
            work.lane[w, AFTER, j] += net.times[e] * (miss * moved)
            work.lane[w, HEADLOSSES, j] = max(work.lane[w, HEADLOSSES, j], abs(loss))
            work.lane[w, MISS, j] = max(work.lane[w, MISS, j], abs(miss))
            work.lane[w, ERROR, j] += net.times[e] * (abs(miss) / steep)
    else:
        for j in range(LANES):
            loss = work.branch[w, at(e, HEADLOSS), j]
            across = work.node[w, i, j] + work.x[w, i, j] - (work.node[w, k, j] + work.x[w, k, j])
            state = work.control[w, at(c, STATE), j]
            if state == 0.0:
                miss = loss - across
                steep = max(work.branch[w, at(e, GRADIENT), j], work.branch[w, at(e, MIN_GRADIENT), j])
                moved = work.branch[w, at(e, FLOW), j] - work.branch[w, at(e, PREVIOUS), j]
                work.lane[w, AFTER, j] += net.times[e] * (miss * moved)
                work.lane[w, HEADLOSSES, j] = max(work.lane[w, HEADLOSSES, j], abs(loss))
                work.lane[w, MISS, j] = max(work.lane[w, MISS, j], abs(miss))
                work.lane[w, ERROR, j] += net.times[e] * (abs(miss) / steep)
            else:
                bound = work.param[w, r + net.controllers, j] if state > 0.0 else work.param[w, r, j]
                work.lane[w, LOOSE, j] += net.times[e] * abs(work.branch[w, at(e, FLOW), j] - bound)
                work.lane[w, ERROR, j] += net.times[e] * abs(work.branch[w, at(e, FLOW), j] - bound)


@cell
def clip(w, c, slack, net: Net, work: Work):
    """A controller that is free stays within its bounds, and one that comes free starts from its bound; 1 if moved."""
    e = net.control[c]
    r = net.law[e, BOUNDS]
    moved = 0
    for j in range(LANES):
        state = work.control[w, at(c, STATE), j]
        flow = work.branch[w, at(e, FLOW), j]
        min_flow = work.param[w, r, j]
        max_flow = work.param[w, r + net.controllers, j]
        allowed = slack * work.lane[w, LEVEL, j]
        place = flow
        if work.lane[w, ALIVE, j] > 0.0 and work.control[w, at(c, NEXT), j] == 0.0:
            if state == 0.0 and work.control[w, at(c, WANTED), j] == 0.0:
                place = max_flow if flow > max_flow + allowed else (min_flow if flow < min_flow - allowed else flow)
            elif state != 0.0:
                bound = max_flow if state > 0.0 else min_flow
                place = bound if abs(flow - bound) > allowed else flow
        if place != flow and place - place == 0.0:
            work.branch[w, at(e, FLOW), j] = place
            work.lane[w, STEP, j] = 0.0
            moved = 1
    return moved


@cell
def switch(w, allowed, slack, net: Net, work: Work):
    """Find which controllers are on the wrong side of a bound and switch them, all together or the last alone.

    Pressures decide, and where they do not, across a valve without loss, the flow. One by one they switch only when the
    flows have about settled: that is what makes the pivots finite.
    """
    for c in range(net.controllers):
        e = net.control[c]
        i = net.start[e]
        k = net.end[e]
        r = net.law[e, BOUNDS]
        for j in range(LANES):
            excess = slack * work.lane[w, LEVEL, j]
            above = work.branch[w, at(e, FLOW), j] > work.param[w, r + net.controllers, j] + excess
            below = work.branch[w, at(e, FLOW), j] < work.param[w, r, j] - excess
            across = work.node[w, i, j] + work.x[w, i, j] - (work.node[w, k, j] + work.x[w, k, j])
            over = across - work.control[w, at(c, MAX_FLOW_HEADLOSS), j]
            under = work.control[w, at(c, MIN_FLOW_HEADLOSS), j] - across
            state = work.control[w, at(c, STATE), j]
            wanted = 0.0
            if state >= 0.0 and over > (-allowed if state > 0.0 or above else allowed):
                wanted = 1.0
            if state <= 0.0 and under > (-allowed if state < 0.0 or below else allowed):
                wanted = -1.0
            work.control[w, at(c, WANTED), j] = wanted
            if wanted != state:
                work.lane[w, WRONG, j] += net.times[e]
                work.lane[w, LAST, j] = real(c)
    for j in range(LANES):
        count = work.lane[w, WRONG, j]
        patient = work.lane[w, PATIENT, j] - 1.0
        work.lane[w, PATIENT, j] = PATIENCE if count < work.lane[w, FEWEST, j] else patient
        work.lane[w, FEWEST, j] = min(count, work.lane[w, FEWEST, j])
        if count == 0.0 and work.lane[w, FRESH, j] > 0.0:
            work.lane[w, FEWEST, j] = HUGE
            work.lane[w, FRESH, j] -= 1.0
        if work.lane[w, CHANGE, j] > CALM * work.lane[w, PEAK, j]:
            work.lane[w, LAST, j] = -1.0
    for c in range(net.controllers):
        for j in range(LANES):
            chosen = work.lane[w, PATIENT, j] >= 0.0 or work.lane[w, LAST, j] == real(c)
            if chosen and work.lane[w, ALIVE, j] > 0.0:
                work.control[w, at(c, NEXT), j] = work.control[w, at(c, WANTED), j]
            else:
                work.control[w, at(c, NEXT), j] = work.control[w, at(c, STATE), j]


@cell
def shorten(w, tolerance, net: Net, work: Work):
    """Shorten the step where the whole one would not reduce the residual, and keep controllers in bounds; 1 if so."""
    redo = 0
    for j in range(LANES):
        before = work.lane[w, BEFORE, j]
        after = work.lane[w, AFTER, j]
        work.lane[w, STEP, j] = 1.0
        climbs = before < 0.0 and after > -before  # a step that does not set out downhill is rounding
        if climbs and work.lane[w, CHANGE, j] > tolerance * work.lane[w, LEVEL, j]:
            work.lane[w, STEP, j] = max(math.sqrt(before / (before - after)), SHORTEST)
            redo = 1
    if redo == 1:
        for e in range(net.branches):
            c = net.law[e, CONTROLLER]
            for j in range(LANES):
                whole = work.lane[w, STEP, j] == 1.0
                if c >= 0:
                    whole = whole or work.control[w, at(c, STATE), j] != 0.0
                if not whole:
                    previous = work.branch[w, at(e, PREVIOUS), j]
                    step = work.lane[w, STEP, j] * (work.branch[w, at(e, FLOW), j] - previous)
                    work.branch[w, at(e, FLOW), j] = previous + step
    for c in range(net.controllers):
        redo = max(redo, clip(w, c, tolerance, net, work))
    return redo


@cell
def begin(w, first, program: Program, net: Net, table: Table, work: Work, out: Out, settings: Settings):
    """Pressures, flows and states to start from, and what counts as much and as little."""
    for r in range(PEAK + 1):
        for j in range(LANES):
            work.lane[w, r, j] = 0.0
    for j in range(LANES):
        work.lane[w, ALIVE, j] = 1.0
    for r in range(table.rows):
        for j in range(LANES):
            if work.param[w, r, j] != work.param[w, r, j]:
                work.lane[w, ALIVE, j] = 0.0
    for k in range(program.n):
        r = net.held[k] if net.held[k] >= 0 else net.pressure
        for j in range(LANES):
            work.node[w, k, j] = work.param[w, r, j]
    for c in range(net.controllers):
        r = net.law[net.control[c], BOUNDS]
        for j in range(LANES):
            max_flow = work.param[w, r + net.controllers, j]
            work.control[w, at(c, STATE), j] = 0.0
            if max_flow < HUGE:
                work.control[w, at(c, STATE), j] = 1.0
                work.lane[w, BEFORE, j] += net.times[net.control[c]] * abs(max_flow)
    for e in range(net.branches):
        r = net.law[e, BOUNDS]
        for j in range(LANES):
            flow = work.param[w, net.guess + e, j]
            if r >= 0 and work.param[w, r + net.controllers, j] < HUGE:
                flow = work.param[w, r + net.controllers, j]
            work.branch[w, at(e, PREVIOUS), j] = flow
            if abs(flow) < HUGE:
                work.lane[w, LEVEL, j] = max(work.lane[w, LEVEL, j], abs(flow))
    for j in range(LANES):
        level = max(work.lane[w, LEVEL, j], work.lane[w, BEFORE, j])
        work.lane[w, LEVEL, j] = level if level > 0.0 else 1.0
        work.lane[w, FEWEST, j] = HUGE
        work.lane[w, FRESH, j] = RESTARTS
        work.lane[w, PATIENT, j] = PATIENCE
        out.good[0, first + j] = 0.0
        out.turns[0, first + j] = 0.0
    for e in range(net.branches):
        for j in range(LANES):
            size = abs(work.branch[w, at(e, PREVIOUS), j])
            if size >= HUGE or size != size:
                size = 0.0
            level = work.lane[w, LEVEL, j]
            work.branch[w, at(e, BOUND_CONDUCTANCE), j] = PROXIMAL / settings.scale * (size + 1e-3 * level)
            work.branch[w, at(e, FLOW), j] = settings.tolerance * (size if size > 0.0 else level)


@cell
def evaluate(w, net: Net, work: Work, settings: Settings):
    """The laws at the flows of FLOOR to AT_START in turn, for minimum gradients and headlosses at bounds."""
    for stage in range(4):
        for e in range(net.branches):
            r = net.law[e, BOUNDS]
            c = net.law[e, CONTROLLER]
            if c < 0 and (stage == AT_MIN or stage == AT_MAX):
                continue
            resist(w, e, FRICTIONLESS if stage == FLOOR else settings.model, net, work)
            for j in range(LANES):
                if stage == FLOOR:
                    stiff = STIFFEST * settings.scale / work.lane[w, LEVEL, j]
                    work.branch[w, at(e, MIN_GRADIENT), j] = max(work.branch[w, at(e, GRADIENT), j], stiff)
                    start = work.param[w, r, j] if c >= 0 else work.branch[w, at(e, PREVIOUS), j]
                    work.branch[w, at(e, FLOW), j] = start
                if stage == AT_MIN:
                    bounded = (
                        work.param[w, r, j] > -HUGE and work.param[w, r, j] < work.param[w, r + net.controllers, j]
                    )
                    loss = work.branch[w, at(e, HEADLOSS), j]
                    work.control[w, at(c, MIN_FLOW_HEADLOSS), j] = loss if bounded else -HUGE
                    work.branch[w, at(e, FLOW), j] = work.param[w, r + net.controllers, j]
                if stage == AT_MAX:
                    max_flow = work.param[w, r + net.controllers, j]
                    loss = work.branch[w, at(e, HEADLOSS), j] if work.param[w, r, j] < max_flow else -HUGE
                    work.control[w, at(c, MAX_FLOW_HEADLOSS), j] = loss if max_flow < HUGE else HUGE
                    work.branch[w, at(e, FLOW), j] = work.branch[w, at(e, PREVIOUS), j]


@cell
def assemble(w, program: Program, net: Net, work: Work):
    """The symmetric matrix of the mass balances at nodes, and what is out of balance there."""
    for u in range(program.column[program.n]):
        for j in range(LANES):
            work.lower[w, u, j] = 0.0
    for k in range(program.n):
        for j in range(LANES):
            work.pivot[w, k, j] = 0.0
            work.x[w, k, j] = 0.0
        r = net.demand + program.order[k]
        for j in range(LANES):
            work.x[w, k, j] -= work.param[w, r, j]
    for e in range(net.branches):
        i = net.start[e]
        k = net.end[e]
        for j in range(LANES):
            y = 1.0 / max(work.branch[w, at(e, GRADIENT), j], work.branch[w, at(e, MIN_GRADIENT), j])
            drive = work.node[w, i, j] - work.node[w, k, j] - work.branch[w, at(e, HEADLOSS), j]
            flux = work.branch[w, at(e, FLOW), j] + y * drive
            work.x[w, i, j] -= net.times[e] * flux
            work.x[w, k, j] += net.times[e] * flux
            work.branch[w, at(e, CONDUCTANCE), j] = y
        if i != k:
            for j in range(LANES):
                work.pivot[w, i, j] += net.times[e] * work.branch[w, at(e, CONDUCTANCE), j]
                work.pivot[w, k, j] += net.times[e] * work.branch[w, at(e, CONDUCTANCE), j]
            if net.held[i] < 0 and net.held[k] < 0:
                t = program.slot[e]
                for j in range(LANES):
                    work.lower[w, t, j] -= net.times[e] * work.branch[w, at(e, CONDUCTANCE), j]
    for k in range(program.n):
        if net.held[k] >= 0:
            for j in range(LANES):
                work.pivot[w, k, j] = 1.0
                work.x[w, k, j] = 0.0
        else:
            for j in range(LANES):
                pivot = work.pivot[w, k, j]
                work.x[w, k, j] = work.x[w, k, j] if pivot != 0.0 else 0.0
                work.pivot[w, k, j] = pivot * (1.0 + GROUND) if pivot != 0.0 else 1.0


@cell
def step(w, net: Net, work: Work, settings: Settings):
    """Flows after the step, shortened where the whole one leads nowhere, and the states of controllers."""
    for r in range(WRONG, PEAK + 1):
        for j in range(LANES):
            work.lane[w, r, j] = 0.0
    for again in range(2):
        for e in range(net.branches):
            if again == 0:
                advance(w, e, net, work)
            resist(w, e, settings.model, net, work)
            if again == 0:
                measure(w, e, net, work)
        if again == 0:
            switch(w, settings.tolerance * settings.scale, settings.tolerance, net, work)
            if shorten(w, settings.tolerance, net, work) == 0:
                break


@cell
def settle(w, first, work: Work, out: Out, settings: Settings):
    """Which lanes have converged or have ceased to be finite; 1 if any lane goes on."""
    left = 0
    for j in range(LANES):
        change = work.lane[w, CHANGE, j]
        error = work.lane[w, ERROR, j]
        peak = max(work.lane[w, PEAK, j], 0.01 * work.lane[w, LEVEL, j])
        small = 1e3 * settings.tolerance * max(work.lane[w, HEADLOSSES, j], 1e-3 * settings.scale)
        whole = work.lane[w, STEP, j] == 1.0 and work.lane[w, WRONG, j] == 0.0
        if work.lane[w, ALIVE, j] > 0.0:
            out.turns[0, first + j] += 1.0
            sure = error <= settings.tolerance * work.lane[w, PEAK, j] and change <= SURE * peak
            calm = change <= settings.tolerance * peak and work.lane[w, MISS, j] <= small and error < HUGE
            calm = calm and work.lane[w, LOOSE, j] <= settings.tolerance * peak
            if whole and (sure or calm):
                out.good[0, first + j] = 1.0
                work.lane[w, ALIVE, j] = 0.0
            elif error - error != 0.0:
                work.lane[w, ALIVE, j] = 0.0
            else:
                left = 1
    return left


@cell
def finish(w, first, program: Program, net: Net, work: Work, out: Out, settings: Settings):
    """Flows, pressures, and which controllers obey their law short of their maximum flow."""
    for e in range(net.branches):
        for j in range(LANES):
            out.flow[e, first + j] = work.branch[w, at(e, FLOW), j]
    for k in range(program.n):
        for j in range(LANES):
            out.pressure[program.order[k], first + j] = work.node[w, k, j]
    for c in range(net.controllers):
        e = net.control[c]
        r = net.law[e, BOUNDS]
        for j in range(LANES):
            max_flow = work.param[w, r + net.controllers, j]
            short = work.branch[w, at(e, FLOW), j] < max_flow - settings.tolerance * work.lane[w, PEAK, j]
            free = 1.0 if short and work.control[w, at(c, STATE), j] == 0.0 else 0.0
            out.free[c, first + j] = free if max_flow < HUGE else 0.0


@kernel(lanes=SIDE)
def gradient(b, program: Program, net: Net, table: Table, work: Work, out: Out, settings: Settings, apart: Int):
    """Newton of one block of lanes.

    Blocks share the work arrays on the CPU (`apart` 0), where they follow each other. A lane that has settled stands
    still while its block goes on.
    """
    w = b * apart
    first = b * LANES
    gather(w, first, table, work.param)
    begin(w, first, program, net, table, work, out, settings)
    evaluate(w, net, work, settings)
    at_bounds(w, net, work)
    for _turn in range(settings.limit):
        assemble(w, program, net, work)
        eliminate_symmetric(w, program, work.pivot, work.lower, work.x)
        step(w, net, work, settings)
        for k in range(program.n):
            for j in range(LANES):
                work.node[w, k, j] += work.x[w, k, j] if work.lane[w, ALIVE, j] > 0.0 else 0.0
        for c in range(net.controllers):
            for j in range(LANES):
                work.control[w, at(c, STATE), j] = work.control[w, at(c, NEXT), j]
        at_bounds(w, net, work)
        if settle(w, first, work, out, settings) == 0:
            break
    finish(w, first, program, net, work, out, settings)
