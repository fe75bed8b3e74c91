"""Flow and pressure in pipe networks by Newton's method on node pressures.

The global gradient method [Todini & Pilati, 1988]: each branch's law, drop(m), is linearised, m' = m + y (p_i - p_j -
drop(m)) with y = 1 / slope, and mass balance at the nodes gives a symmetric positive definite system, which is solved
here for the change of pressure, so that rounding in large conductances cannot unbalance a node. Along the step the
content's derivative is sum (drop - available) d, below zero at its start; where it ends above zero by more than that,
the step ends where a law that rises with the square has it at zero.

A branch may be a controller, which keeps its flow between bounds: a pressure-independent valve or a pump in flow mode
delivers at most its set flow, a check valve at least none. It is at a bound while the pressure across it would carry it
beyond, and obeys its law otherwise. Which of them are at a bound is found by the same iteration: all that are wrong
switch together, or one by one where that does not make fewer wrong (block principal pivoting [Judice & Pires, 1994]).
The rule has no memory; laws that rise make the problem convex and its answer unique.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np
from twin.kernels import elimination
from twin.kernels.arrays import beside, fetch, numbers
from twin.kernels.cell import LANES, Int, Ints1, Ints2, Real, Reals1, Reals2, Reals3, cell, kernel, real
from twin.kernels.elimination import eliminate_symmetric
from twin.kernels.friction import CHURCHILL, darcy
from twin.kernels.launch import bind
from twin.kernels.rows import SIDE, Rows, gather

PROXIMAL = 1e-6  # conductance of a controller at a bound over its flow / pressure scale; vanishes with the change
GROUND = 1e-12  # relative addition to the diagonal; keeps parts that only controllers join solvable
STIFFEST = 1e-11  # smallest slope over pressure scale / flow scale
CALM = 3e-2  # change of flow over the largest flow below which a single controller may switch
PATIENCE = 5.0  # steps in which all wrong controllers switch although they do not become fewer
RESTARTS = 5.0  # times that, with none wrong, the fewest wrong are counted anew
SURE = 1e-3  # change of flow over the largest flow from which what laws miss tells how far the solution is
SHORTEST = 1e-6  # least length of a step
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
    least: np.ndarray = field(default_factory=lambda: NONE)  # -inf without
    most: np.ndarray = field(default_factory=lambda: NONE)  # inf without
    model: int = CHURCHILL


@dataclass(frozen=True, eq=False)
class Result:
    """Flows and pressures and how they were found, per scenario."""

    mass_flow: np.ndarray  # (m, S) kg/s, positive from start to end
    pressure: np.ndarray  # (n, S) Pa
    converged: np.ndarray  # (S,)
    iterations: np.ndarray  # (S,)
    limited: np.ndarray  # (m, S) controllers that obey their law, short of the most they should carry


def solve(network, nodes, pressure, guess, demand=None, tolerance=1e-9, limit=300, scale=1e5) -> Result:
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
    parts = [numbers(p) for p in (*laws, *pumps, g.least, g.most, guess, pressure, drawn)]
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
    settings = g.model, tolerance, scale, limit
    lay = partial(layout.lay, settings)
    flow, nodal, free, good, turns = layout.rows.run(parts, (m, n, c, 1, 1), layout.work, lay, settings)
    limited = np.zeros(flow.shape, bool, like=flow)
    limited[g.control] = free > 0
    return Result(flow, nodal, good[0] > 0, turns[0].astype(np.int64), limited)


@lru_cache(maxsize=32)
def _layout(n, start, end, pipe, powered, pump, control, nodes, heights, varies):
    """The layout of networks that are alike but for their numbers; cached by content."""
    start, end, *groups, nodes = (np.frombuffer(a, np.int64) for a in (start, end, pipe, powered, pump, control, nodes))
    return _Layout(n, start, end, groups, nodes, heights, varies)


class _Layout:
    """Tables of a network's structure, and the rows of its parameters."""

    def __init__(self, n, start, end, groups, nodes, heights, varies) -> None:
        p, m, control = elimination.program(n, start, end), len(start), groups[3]
        self.rows = Rows(heights, varies)
        first = self.rows.first
        position = np.empty(n, np.int32)
        position[p.order] = np.arange(n, dtype=np.int32)
        kinds, held = np.full((m, 5), -1, np.int32), np.full(n, -1, np.int32)
        for kind, (branches, block) in enumerate(zip(groups, (1, 4, 7, 11), strict=True)):
            kinds[branches, kind] = first[block] + np.arange(len(branches))
        kinds[control, 4] = np.arange(len(control))
        held[position[nodes]] = first[14] + np.arange(len(nodes))
        self.tables = (p.column, p.row, p.target, p.order, p.slot, position[start], position[end])
        self.tables = (*self.tables, kinds, np.ascontiguousarray(control, np.int32), held, self.rows.source)
        c = len(control)
        self.counts = (n, m, c, *(len(g) for g in groups[:3]), first[-1], *first[13:16])
        self.work = (first[-1], 6 * m, 5 * c, n, n, n, len(p.row), len(LANE))

    def lay(self, settings, count, lanes, apart, arrays):
        """The kernel bound over blocks of lanes."""
        tables = beside(self, self.tables, arrays[0])
        return bind(gradient, (count,), *tables, *arrays, *self.counts, apart, *settings, lanes=lanes)


# ---- the solver --------------------------------------------------------------------------------------------------
# Rows of `branch`, six for each: flow, flow before the step, drop, slope, least slope, conductance at a bound.
# Rows of `control`, five for each: drop at the least and at the most flow, state (-1 or 1 at a bound, 0 free), the
# state that the pressures want, the next state.

LANE = range(16)
LEVEL, ALIVE, FEWEST, FRESH, PATIENT, STEP, WRONG, LAST, BEFORE, AFTER, DROPS, MISS, LOOSE, ERROR, CHANGE, PEAK = LANE
"""Rows of `lane`; those from WRONG are counted anew in each step."""

FLOOR, AT_LEAST, AT_MOST, AT_START = range(4)
"""Flows at which the laws are evaluated first."""


@cell
def resist(w, e, kinds, pipes, powers, pumps, model, param, branch):
    """Drop and slope of branch e at its flow."""
    for j in range(LANES):
        q = abs(branch[w, 6 * e, j])
        branch[w, 6 * e + 2, j] = param[w, e, j] * q * branch[w, 6 * e, j]
        branch[w, 6 * e + 3, j] = 2.0 * param[w, e, j] * q
    r = kinds[e, 0]
    if r >= 0 and model != FRICTIONLESS:
        for j in range(LANES):
            q = max(abs(branch[w, 6 * e, j]), TINY)
            rate, bend = darcy(q * param[w, r + pipes, j], param[w, r + 2 * pipes, j], model)
            steep = param[w, r, j] * rate * q
            branch[w, 6 * e + 2, j] += steep * branch[w, 6 * e, j]
            branch[w, 6 * e + 3, j] += steep * (2.0 + bend)
    r = kinds[e, 1]
    if r >= 0:
        for j in range(LANES):
            falls = model == FRICTIONLESS and param[w, r + powers, j] < 1.0
            factor = 0.0 if falls else param[w, r, j]
            flow = branch[w, 6 * e, j]
            low = param[w, r + 2 * powers, j]
            q = flow if low <= 0.0 or flow > low else low
            steep = factor * math.pow(abs(q), param[w, r + powers, j] - 1.0)
            tilt = steep * param[w, r + powers, j]
            branch[w, 6 * e + 2, j] += steep * q + tilt * (flow - q)
            branch[w, 6 * e + 3, j] += tilt
    r = kinds[e, 2]
    if r >= 0:
        for j in range(LANES):
            q = abs(branch[w, 6 * e, j])
            fall = q * (param[w, r + pumps, j] + param[w, r + 2 * pumps, j] * q * q)
            rise = param[w, r, j] - fall * branch[w, 6 * e, j]
            steep = 2.0 * q * (param[w, r + pumps, j] + 2.0 * param[w, r + 2 * pumps, j] * q * q)
            held = param[w, r + 3 * pumps, j]
            branch[w, 6 * e + 2, j] -= held if held < rise else rise
            branch[w, 6 * e + 3, j] += 0.0 if held < rise else steep


@cell
def at_bounds(w, start, end, kinds, controls, states, param, branch, control, node):
    """Controllers at a bound: a law whose linearisation gives their set flow and moves it little."""
    for c in range(states):
        e = controls[c]
        r = kinds[e, 3]
        for j in range(LANES):
            state = control[w, 5 * c + 2, j]
            if state != 0.0:
                bound = param[w, r + states, j] if state > 0.0 else param[w, r, j]
                y = branch[w, 6 * e + 5, j]
                across = node[w, start[e], j] - node[w, end[e], j]
                branch[w, 6 * e + 2, j] = across + (branch[w, 6 * e, j] - bound) / y
                branch[w, 6 * e + 3, j] = 1.0 / y


@cell
def advance(w, e, i, k, branch, node, x, lane):
    """The whole Newton step of branch e."""
    for j in range(LANES):
        y = branch[w, 6 * e + 1, j]
        flow = branch[w, 6 * e, j]
        flux = flow + y * (node[w, i, j] - node[w, k, j] - branch[w, 6 * e + 2, j])
        trial = flux + y * (x[w, i, j] - x[w, k, j])
        trial = trial if lane[w, ALIVE, j] > 0.0 else flow
        across = node[w, i, j] + x[w, i, j] - (node[w, k, j] + x[w, k, j])
        lane[w, BEFORE, j] += (branch[w, 6 * e + 2, j] - across) * (trial - flow)
        lane[w, CHANGE, j] = max(lane[w, CHANGE, j], abs(trial - flow))
        lane[w, PEAK, j] = max(lane[w, PEAK, j], abs(trial))
        branch[w, 6 * e + 1, j] = flow
        branch[w, 6 * e, j] = trial


@cell
def measure(w, e, start, end, kinds, states, param, branch, control, node, x, lane):
    """Tally how branch e misses its law, or the bound that it is at, after the step."""
    i = start[e]
    k = end[e]
    r = kinds[e, 3]
    c = kinds[e, 4]
    if c < 0:
        for j in range(LANES):
            across = node[w, i, j] + x[w, i, j] - (node[w, k, j] + x[w, k, j])
            miss = branch[w, 6 * e + 2, j] - across
            lane[w, AFTER, j] += miss * (branch[w, 6 * e, j] - branch[w, 6 * e + 1, j])
            lane[w, DROPS, j] = max(lane[w, DROPS, j], abs(branch[w, 6 * e + 2, j]))
            lane[w, MISS, j] = max(lane[w, MISS, j], abs(miss))
            lane[w, ERROR, j] += abs(miss) / max(branch[w, 6 * e + 3, j], branch[w, 6 * e + 4, j])
    else:
        for j in range(LANES):
            across = node[w, i, j] + x[w, i, j] - (node[w, k, j] + x[w, k, j])
            state = control[w, 5 * c + 2, j]
            if state == 0.0:
                miss = branch[w, 6 * e + 2, j] - across
                lane[w, AFTER, j] += miss * (branch[w, 6 * e, j] - branch[w, 6 * e + 1, j])
                lane[w, DROPS, j] = max(lane[w, DROPS, j], abs(branch[w, 6 * e + 2, j]))
                lane[w, MISS, j] = max(lane[w, MISS, j], abs(miss))
                lane[w, ERROR, j] += abs(miss) / max(branch[w, 6 * e + 3, j], branch[w, 6 * e + 4, j])
            else:
                bound = param[w, r + states, j] if state > 0.0 else param[w, r, j]
                lane[w, LOOSE, j] += abs(branch[w, 6 * e, j] - bound)
                lane[w, ERROR, j] += abs(branch[w, 6 * e, j] - bound)


@cell
def clip(w, c, e, r, states, slack, param, branch, control, lane):
    """A controller that is free stays within its bounds, and one that comes free starts from its bound; 1 if moved."""
    moved = 0
    for j in range(LANES):
        state = control[w, 5 * c + 2, j]
        flow = branch[w, 6 * e, j]
        least = param[w, r, j]
        most = param[w, r + states, j]
        allowed = slack * lane[w, LEVEL, j]
        place = flow
        if lane[w, ALIVE, j] > 0.0 and control[w, 5 * c + 4, j] == 0.0:
            if state == 0.0 and control[w, 5 * c + 3, j] == 0.0:
                place = most if flow > most + allowed else (least if flow < least - allowed else flow)
            elif state != 0.0:
                bound = most if state > 0.0 else least
                place = bound if abs(flow - bound) > allowed else flow
        if place != flow and place - place == 0.0:
            branch[w, 6 * e, j] = place
            lane[w, STEP, j] = 0.0
            moved = 1
    return moved


@cell
def switch(w, start, end, kinds, controls, states, allowed, slack, param, branch, control, node, x, lane):
    """Find which controllers are on the wrong side of a bound and switch them, all together or the last alone.

    Pressures tell, and where they do not, across a valve without loss, the flow. One by one they switch only when the
    flows have about settled: that is what makes the pivots finite.
    """
    for c in range(states):
        e = controls[c]
        i = start[e]
        k = end[e]
        r = kinds[e, 3]
        for j in range(LANES):
            excess = slack * lane[w, LEVEL, j]
            above = branch[w, 6 * e, j] > param[w, r + states, j] + excess
            below = branch[w, 6 * e, j] < param[w, r, j] - excess
            across = node[w, i, j] + x[w, i, j] - (node[w, k, j] + x[w, k, j])
            over = across - control[w, 5 * c + 1, j]
            under = control[w, 5 * c, j] - across
            state = control[w, 5 * c + 2, j]
            wanted = 0.0
            if state >= 0.0 and over > (-allowed if state > 0.0 or above else allowed):
                wanted = 1.0
            if state <= 0.0 and under > (-allowed if state < 0.0 or below else allowed):
                wanted = -1.0
            control[w, 5 * c + 3, j] = wanted
            if wanted != state:
                lane[w, WRONG, j] += 1.0
                lane[w, LAST, j] = real(c)
    for j in range(LANES):
        count = lane[w, WRONG, j]
        lane[w, PATIENT, j] = PATIENCE if count < lane[w, FEWEST, j] else lane[w, PATIENT, j] - 1.0
        lane[w, FEWEST, j] = min(count, lane[w, FEWEST, j])
        if count == 0.0 and lane[w, FRESH, j] > 0.0:
            lane[w, FEWEST, j] = real(states + 1)
            lane[w, FRESH, j] -= 1.0
        if lane[w, CHANGE, j] > CALM * lane[w, PEAK, j]:
            lane[w, LAST, j] = -1.0
    for c in range(states):
        for j in range(LANES):
            chosen = lane[w, PATIENT, j] >= 0.0 or lane[w, LAST, j] == real(c)
            if chosen and lane[w, ALIVE, j] > 0.0:
                control[w, 5 * c + 4, j] = control[w, 5 * c + 3, j]
            else:
                control[w, 5 * c + 4, j] = control[w, 5 * c + 2, j]


@cell
def shorten(w, m, kinds, controls, states, tolerance, param, branch, control, lane):
    """Shorten the step where the whole one would not reduce the residual, and keep controllers in bounds; 1 if so."""
    redo = 0
    for j in range(LANES):
        before = lane[w, BEFORE, j]
        after = lane[w, AFTER, j]
        lane[w, STEP, j] = 1.0
        if after > -before and lane[w, CHANGE, j] > tolerance * lane[w, LEVEL, j]:
            lane[w, STEP, j] = max(math.sqrt(before / (before - after)), SHORTEST)
            redo = 1
    if redo == 1:
        for e in range(m):
            c = kinds[e, 4]
            for j in range(LANES):
                whole = lane[w, STEP, j] == 1.0
                if c >= 0:
                    whole = whole or control[w, 5 * c + 2, j] != 0.0
                if not whole:
                    old = branch[w, 6 * e + 1, j]
                    branch[w, 6 * e, j] = old + lane[w, STEP, j] * (branch[w, 6 * e, j] - old)
    for c in range(states):
        e = controls[c]
        redo = max(redo, clip(w, c, e, kinds[e, 3], states, tolerance, param, branch, control, lane))
    return redo


@kernel(lanes=SIDE)
def gradient(
    b,
    column: Ints1,
    row: Ints1,
    target: Ints1,
    order: Ints1,
    slot: Ints1,
    start: Ints1,
    end: Ints1,
    kinds: Ints2,
    controls: Ints1,
    held: Ints1,
    source: Ints1,
    common: Reals1,
    varied: Reals2,
    param: Reals3,
    branch: Reals3,
    control: Reals3,
    node: Reals3,
    pivot: Reals3,
    x: Reals3,
    lower: Reals3,
    lane: Reals3,
    out_flow: Reals2,
    out_pressure: Reals2,
    out_free: Reals2,
    good: Reals2,
    turns: Reals2,
    n: Int,
    m: Int,
    states: Int,
    pipes: Int,
    powers: Int,
    pumps: Int,
    rows: Int,
    at_guess: Int,
    at_pressure: Int,
    at_demand: Int,
    apart: Int,
    model: Int,
    tolerance: Real,
    scale: Real,
    limit: Int,
):
    """Newton of one block of lanes; `start`, `end` and nodes are positions in the order of elimination.

    Blocks share the work arrays on the CPU (`apart` 0), where they follow each other. A lane that has settled stands
    still while its block goes on.
    """
    w = b * apart
    first = b * LANES
    gather(w, first, rows, source, common, varied, param)
    for r in range(PEAK + 1):
        for j in range(LANES):
            lane[w, r, j] = 0.0
    for j in range(LANES):
        lane[w, ALIVE, j] = 1.0
    for r in range(rows):
        for j in range(LANES):
            if param[w, r, j] != param[w, r, j]:
                lane[w, ALIVE, j] = 0.0
    for k in range(n):
        r = held[k] if held[k] >= 0 else at_pressure
        for j in range(LANES):
            node[w, k, j] = param[w, r, j]
    for c in range(states):
        r = kinds[controls[c], 3]
        for j in range(LANES):
            control[w, 5 * c + 2, j] = 0.0
            if param[w, r + states, j] < HUGE:
                control[w, 5 * c + 2, j] = 1.0
                lane[w, BEFORE, j] += abs(param[w, r + states, j])
    for e in range(m):
        r = kinds[e, 3]
        for j in range(LANES):
            flow = param[w, at_guess + e, j]
            if r >= 0 and param[w, r + states, j] < HUGE:
                flow = param[w, r + states, j]
            branch[w, 6 * e + 1, j] = flow
            if abs(flow) < HUGE:
                lane[w, LEVEL, j] = max(lane[w, LEVEL, j], abs(flow))
    for j in range(LANES):
        level = max(lane[w, LEVEL, j], lane[w, BEFORE, j])
        lane[w, LEVEL, j] = level if level > 0.0 else 1.0
        lane[w, FEWEST, j] = real(m + 1)
        lane[w, FRESH, j] = RESTARTS
        lane[w, PATIENT, j] = PATIENCE
        good[0, first + j] = 0.0
        turns[0, first + j] = 0.0
    for e in range(m):
        for j in range(LANES):
            size = abs(branch[w, 6 * e + 1, j])
            if size >= HUGE or size != size:
                size = 0.0
            branch[w, 6 * e + 5, j] = PROXIMAL / scale * (size + 1e-3 * lane[w, LEVEL, j])
            branch[w, 6 * e, j] = tolerance * (size if size > 0.0 else lane[w, LEVEL, j])
    for stage in range(4):
        for e in range(m):
            r = kinds[e, 3]
            c = kinds[e, 4]
            if c < 0 and (stage == AT_LEAST or stage == AT_MOST):
                continue
            resist(w, e, kinds, pipes, powers, pumps, FRICTIONLESS if stage == FLOOR else model, param, branch)
            for j in range(LANES):
                if stage == FLOOR:
                    branch[w, 6 * e + 4, j] = max(branch[w, 6 * e + 3, j], STIFFEST * scale / lane[w, LEVEL, j])
                    branch[w, 6 * e, j] = param[w, r, j] if c >= 0 else branch[w, 6 * e + 1, j]
                if stage == AT_LEAST:
                    bounded = param[w, r, j] > -HUGE and param[w, r, j] < param[w, r + states, j]
                    control[w, 5 * c, j] = branch[w, 6 * e + 2, j] if bounded else -HUGE
                    branch[w, 6 * e, j] = param[w, r + states, j]
                if stage == AT_MOST:
                    drop = branch[w, 6 * e + 2, j] if param[w, r, j] < param[w, r + states, j] else -HUGE
                    control[w, 5 * c + 1, j] = drop if param[w, r + states, j] < HUGE else HUGE
                    branch[w, 6 * e, j] = branch[w, 6 * e + 1, j]
    at_bounds(w, start, end, kinds, controls, states, param, branch, control, node)
    for _turn in range(limit):
        for u in range(column[n]):
            for j in range(LANES):
                lower[w, u, j] = 0.0
        for k in range(n):
            for j in range(LANES):
                pivot[w, k, j] = 0.0
                x[w, k, j] = 0.0
            r = at_demand + order[k]
            for j in range(LANES):
                x[w, k, j] -= param[w, r, j]
        for e in range(m):
            i = start[e]
            k = end[e]
            for j in range(LANES):
                y = 1.0 / max(branch[w, 6 * e + 3, j], branch[w, 6 * e + 4, j])
                flux = branch[w, 6 * e, j] + y * (node[w, i, j] - node[w, k, j] - branch[w, 6 * e + 2, j])
                x[w, i, j] -= flux
                x[w, k, j] += flux
                branch[w, 6 * e + 1, j] = y
            if i != k:
                for j in range(LANES):
                    pivot[w, i, j] += branch[w, 6 * e + 1, j]
                    pivot[w, k, j] += branch[w, 6 * e + 1, j]
                if held[i] < 0 and held[k] < 0:
                    t = slot[e]
                    for j in range(LANES):
                        lower[w, t, j] -= branch[w, 6 * e + 1, j]
        for k in range(n):
            if held[k] >= 0:
                for j in range(LANES):
                    pivot[w, k, j] = 1.0
                    x[w, k, j] = 0.0
            else:
                for j in range(LANES):
                    x[w, k, j] = x[w, k, j] if pivot[w, k, j] != 0.0 else 0.0
                    pivot[w, k, j] = pivot[w, k, j] * (1.0 + GROUND) if pivot[w, k, j] != 0.0 else 1.0
        eliminate_symmetric(w, column, row, target, pivot, lower, x, n)
        for r in range(WRONG, PEAK + 1):
            for j in range(LANES):
                lane[w, r, j] = 0.0
        for again in range(2):
            for e in range(m):
                if again == 0:
                    advance(w, e, start[e], end[e], branch, node, x, lane)
                resist(w, e, kinds, pipes, powers, pumps, model, param, branch)
                if again == 0:
                    measure(w, e, start, end, kinds, states, param, branch, control, node, x, lane)
            if again == 0:
                switch(
                    w,
                    start,
                    end,
                    kinds,
                    controls,
                    states,
                    tolerance * scale,
                    tolerance,
                    param,
                    branch,
                    control,
                    node,
                    x,
                    lane,
                )
                if shorten(w, m, kinds, controls, states, tolerance, param, branch, control, lane) == 0:
                    break
        for k in range(n):
            for j in range(LANES):
                node[w, k, j] += x[w, k, j] if lane[w, ALIVE, j] > 0.0 else 0.0
        for c in range(states):
            for j in range(LANES):
                control[w, 5 * c + 2, j] = control[w, 5 * c + 4, j]
        at_bounds(w, start, end, kinds, controls, states, param, branch, control, node)
        left = 0
        for j in range(LANES):
            change = lane[w, CHANGE, j]
            peak = max(lane[w, PEAK, j], 0.01 * lane[w, LEVEL, j])
            small = 1e3 * tolerance * max(lane[w, DROPS, j], 1e-3 * scale)
            whole = lane[w, STEP, j] == 1.0 and lane[w, WRONG, j] == 0.0
            if lane[w, ALIVE, j] > 0.0:
                turns[0, first + j] += 1.0
                sure = lane[w, ERROR, j] <= tolerance * lane[w, PEAK, j] and change <= SURE * peak
                calm = change <= tolerance * peak and lane[w, MISS, j] <= small and lane[w, ERROR, j] < HUGE
                calm = calm and lane[w, LOOSE, j] <= tolerance * peak
                if whole and (sure or calm):
                    good[0, first + j] = 1.0
                    lane[w, ALIVE, j] = 0.0
                elif lane[w, ERROR, j] - lane[w, ERROR, j] != 0.0:
                    lane[w, ALIVE, j] = 0.0
                else:
                    left = 1
        if left == 0:
            break
    for e in range(m):
        for j in range(LANES):
            out_flow[e, first + j] = branch[w, 6 * e, j]
    for k in range(n):
        for j in range(LANES):
            out_pressure[order[k], first + j] = node[w, k, j]
    for c in range(states):
        e = controls[c]
        r = kinds[e, 3]
        for j in range(LANES):
            most = param[w, r + states, j]
            short = branch[w, 6 * e, j] < most - tolerance * lane[w, PEAK, j]
            free = 1.0 if short and control[w, 5 * c + 2, j] == 0.0 else 0.0
            out_free[c, first + j] = free if most < HUGE else 0.0
