"""The coupling loop: compute, hydraulics, air, heat and electricity until nothing moves."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from twin import columns
from twin.columns import Array, Column, Ref, Solved, Total
from twin.domains import compute, electrical, hydraulic, mixed_air, thermal
from twin.elements import Status, System, largest, total
from twin.fluids import saturation_pressure
from twin.kernels.arrays import add_rows, called, fetch, filled, home, send, share
from twin.plant.compile import Plant

log = logging.getLogger("twin")

Progress = Callable[[str], object]
"""Called now and then with what long work is doing."""

RISE, FREEZE = 8, 12
"""Passes from which the numbers of running pumps, cells and chillers only rise, and from which they are kept: of two
numbers that would follow each other without end the larger stays, whatever the way there."""

HALF = 30
"""Pass from which temperatures, flows and valves go half the way only: what would swing without end then settles."""

TRUST = 6
"""First passes, in which coolers are taken to hold their set points.

A plant can have two steady states, one with its valves throttled and one with them wide open and its coolers short: the
first is reached whenever the coolers have the capacity for it."""

PHYSICAL = (150.0, 420.0)
"""Temperatures between passes stay within this, K: a loop whose coolers all stand still has no temperature."""


MAX_RISE = 500.0
"""Temperature rise of a stream at which it is cut off, K: one that stands still has none."""

RUNAWAY = 8
"""Passes in a row for which a node is too hot before it is lost, one that has no steady temperature: no swing is."""

BALANCE = 1e-6
"""Largest share of the electricity that may be missing in the heat."""


@dataclass(frozen=True)
class State:
    """Where the loop starts from.

    node: temperatures [K] (node, scenario). flow: of streams [kg/s] (stream, scenario). target: cold flows of valves
    [kg/s] and held: whether these hold their set points (exchange, scenario). cold: coolers whose inlet lay below their
    set point (cooler, scenario). running: pumps (pump, scenario). hot: passes in a row that nodes are too hot, kept
    from RUNAWAY on (node, scenario). columns: what was solved.
    """

    node: Array
    flow: Array
    target: Array
    held: Array
    cold: Array
    running: Array
    hot: Array
    columns: Solved


@dataclass(frozen=True)
class Solution:
    """A solved plant.

    plant: what was solved. columns: what was solved, (row, scenario) each. status: of every scenario, see `Status`
    (scenario,). iterations: passes (scenario,). residual: largest change in the last pass [1] (scenario,). audit:
    (electricity in - heat out) / electricity in [1] (scenario,). restless: node that moved most in the last pass
    (scenario,). seconds: wall time. state: to go on from, None of a solution that was read from a file. device: where
    it was solved.
    """

    plant: Plant
    columns: Solved
    status: Array
    iterations: Array
    residual: Array
    audit: Array
    restless: Array
    seconds: float
    state: State | None
    device: str = "cpu"

    def __getitem__(self, ref: Ref | Column) -> Array:
        """A solved column, or some of its rows, (row, scenario)."""
        return self.columns[ref] if isinstance(ref, Column) else self.columns[ref.column][ref.rows]

    def total(self, heading: Total) -> Array:
        """Sum of all powers tallied under a heading [W], (scenario,)."""
        parts = [total(self[t.power]) for t in self.plant.tallies if t.total is heading]
        return total(np.array(parts)) if parts else np.zeros(self.plant.scenarios)


def begin(plant: System) -> State:
    """A state to start from: rated flows, mild temperatures."""
    size, pipes, like = plant.scenarios, len(plant.pipe.start), plant.start_temperature
    zeros = lambda rows, kind=float: np.zeros((rows, size), kind, like=like)  # noqa: E731
    flow = zeros(len(plant.start)) + 1.0
    e, pump = plant.exchange, plant.pump
    controls = np.isfinite(e.set_point)
    for rows, value in (
        (pump.pipe, pump.rated_flow * 1000.0 * pump.installed),
        (e.hot, e.rated_hot),
        (e.cold, e.rated_cold),
    ):
        inside = rows < pipes
        flow[rows[inside]] = np.broadcast_to(value, (len(rows), value.shape[1]))[inside]
    count = sum(len(c.stream) for c in plant.cooler)
    k, idle = (
        columns,
        {
            columns.line.loss: zeros(len(plant.line.start)),
            columns.converter.loss: zeros(len(plant.converter.input)),
            columns.fan.power: zeros(len(plant.fan.vent)),
        },
    )
    idle |= {c: zeros(count) for c in (k.cooler.power, k.cooler.rejected, k.cooler.driven, k.cooler.running)}
    idle |= {c: zeros(len(pump.pipe)) for c in (k.pump.power, k.pump.shaft, k.pump.drive_loss)}
    idle |= {d.column: zeros(_rows(plant)) for d in plant.derived}
    return State(
        node=plant.start_temperature.copy(),
        flow=flow,
        target=np.where(controls, e.rated_cold, np.nan) + zeros(len(e.hot)),
        held=np.broadcast_to(controls, (len(e.hot), size)).copy(),
        cold=zeros(count, bool),
        running=np.broadcast_to(pump.installed, (len(pump.pipe), size)).copy(),
        hot=zeros(plant.nodes, int),
        columns=idle,
    )


HOST = tuple(f.name for f in fields(Plant) if f.name not in {f.name for f in fields(System)})
"""What of a plant stays in main memory: it is read before the solve and after."""


def steady(
    plant: Plant, start: State | None = None, tolerance: float = 1e-9, passes: int = 100, device: str = "cpu"
) -> Solution:
    """Solve power, coolant, heat and air of all scenarios together.

    Gauss-Seidel over the domains. A scenario has settled when no temperature moves by more than `tolerance` x 300 K
    and no power by more than `tolerance` of the largest; it is then kept as it is, so that its answer does not
    depend on its neighbours. Where nothing takes the heat away, nodes have no steady temperature: they are lost, NaN,
    racks there trip, and the rest of the plant is solved; a plant that loses all of its racks so is overheated. The
    solution is in main memory, wherever the `device` (see `kernels.arrays.home`) solved
    it. Raises DeviceError for a device that is not there.
    """
    began, xp = time.perf_counter(), home(device)
    if xp is np:
        return replace(_settle(plant, start, tolerance, passes), seconds=time.perf_counter() - began)
    bare = dict.fromkeys(HOST, ())
    moved = replace(send(replace(plant, **bare), xp), **{f: getattr(plant, f) for f in HOST})
    solution = fetch(replace(_settle(moved, send(start, xp), tolerance, passes), plant=None))
    return replace(solution, plant=plant, device=called(xp), seconds=time.perf_counter() - began)


def _settle(plant: Plant, start: State | None, tolerance: float, passes: int) -> Solution:
    state = replace(start, hot=0 * start.hot) if start else begin(plant)  # what was lost then may be cooled now
    size, like = plant.scenarios, plant.start_temperature
    done = np.zeros(size, bool, like=like)
    status, taken = filled(size, int(Status.NOT_CONVERGED), int, like=like), np.zeros(size, int, like=like)
    residual = filled(size, np.inf, like=like)
    restless, before = np.zeros(size, int, like=like), state
    kept: Solved = {}
    fed = _fed(plant)
    trust = TRUST if start is None and plant.cooler else 0
    for turn in range(passes):
        new, faults = _pass(plant, state, fed, turn, turn < trust)
        moved = _moved(state, new.columns)
        moved = np.where(np.isfinite(moved), moved, np.inf)
        for column, value in new.columns.items():
            if column not in kept:
                kept[column] = np.broadcast_to(value, (value.shape[0], size)).copy()
            np.copyto(kept[column], value, where=~done)
        residual = np.where(done, residual, moved)
        taken = np.where(done, taken, turn + 1)
        status = np.where(done, status, faults)
        done |= (moved < tolerance) & (turn > trust)
        log.debug("pass %d: residual %.2e, %d of %d settled", turn + 1, float(residual.max()), int(done.sum()), size)
        before, state = state, _halfway(state, new) if turn >= HALF else new
        if done.all():
            break
    else:
        restless = np.argmax(np.abs(state.node - before.node), axis=0)
    status = np.where(~done & (status == int(Status.OK)), int(Status.NOT_CONVERGED), status)
    lost = kept[columns.node.lost] > 0
    known = np.isfinite(kept[columns.node.temperature]) | lost
    for finite in (known, np.isfinite(kept[columns.source.power])):
        status = np.where(finite.all(axis=0), status, int(Status.INVALID))
    unsettled = (status == int(Status.NOT_CONVERGED)) | tripped(plant, lost).all(axis=0)
    unsettled &= (status == int(Status.OK)) | (status == int(Status.NOT_CONVERGED))
    status = np.where(lost.any(axis=0) & unsettled, int(Status.OVERHEATED), status)
    _forget(plant, kept, lost)
    kept |= _peaks(plant, kept)
    kept[columns.node.boiling] = kept[columns.node.pressure] - _boiling(kept[columns.node.temperature])
    audit = _audit(kept)
    unbalanced = (status == int(Status.OK)) & ~(np.abs(audit) < BALANCE) & ~lost.any(axis=0)
    status = np.where(unbalanced, int(Status.UNBALANCED), status)
    if plant.invalid:
        rows = list(plant.invalid)
        status[rows], taken[rows], residual[rows], audit[rows] = int(Status.INVALID), 0, np.nan, np.nan
    return Solution(plant, kept, status, taken, residual, audit, restless, 0.0, state)


def tripped(plant: System, lost: Array) -> Array:
    """Racks that trip as the coolant or air that comes to them is lost, (rack, scenario)."""
    e = plant.engine
    return lost[e.node] | lost[plant.end[e.stream]] | lost[e.breathes]


def _sunk(plant: System, lost: Array) -> Array:
    """Coolers that trip as the stream that should take their heat is lost, (cooler, scenario)."""
    none = lambda n: np.zeros((n, lost.shape[1]), bool, like=lost)  # noqa: E731
    return np.concatenate(
        [none(0), *(none(len(c.stream)) if c.sink is None else lost[plant.start[c.sink]] for c in plant.cooler)]
    )


def _forget(plant: System, kept: Solved, lost: Array) -> None:
    """Lost nodes, and the streams from and to them, have no temperatures."""
    streams = lost[plant.start] | lost[plant.end]
    for column, rows in (
        (columns.node.temperature, lost),
        (columns.stream.inlet, streams),
        (columns.stream.outlet, streams),
        (columns.engine.air_inlet, lost[plant.engine.breathes]),
    ):
        kept[column][rows] = np.nan


def _halfway(old: State, new: State) -> State:
    """The state between two."""
    mean = lambda a, b: 0.5 * (a + b)  # noqa: E731
    node, flow, target = mean(old.node, new.node), mean(old.flow, new.flow), mean(old.target, new.target)
    return replace(new, node=node, flow=flow, target=target)


def _fed(plant: System) -> Solved:
    """1 where a rack, pump, fan, cooler or stated load is in service and fed, 0 where not, (row, 1|S) by its power."""
    counts = {
        columns.engine.power: len(plant.engine.stream),
        columns.pump.power: len(plant.pump.pipe),
        columns.fan.power: len(plant.fan.vent),
        columns.cooler.power: sum(len(c.stream) for c in plant.cooler),
        columns.given.power: len(plant.constant),
    }
    width = max(plant.live.shape[1], *(load.in_service.shape[1] for load in plant.load), 1)
    fed = {c: filled((n, width), 1.0, like=plant.start_temperature) for c, n in counts.items()}
    for load in plant.load:
        if load.power.column in fed:
            _, live = electrical.shares(plant, load)
            fed[load.power.column][load.power.rows] = live
    return fed


def _pass(plant: System, state: State, fed: Solved, turn: int, trusted: bool) -> tuple[State, Array]:
    """One turn over the domains: the state after it, and the status of every scenario (scenario,)."""
    pipes, k = len(plant.pipe.start), columns
    solved = state.columns | {k.given.power: plant.constant * fed[k.given.power]}
    fluid = thermal.properties(plant, state.node, state.flow)
    lost = state.hot >= RUNAWAY
    solved |= _racks(plant, state, fluid, fed[k.engine.power] * ~tripped(plant, lost))
    controls = _controls(plant, state, fluid, fed[k.pump.power], turn)
    coolant = hydraulic.flow(plant, hydraulic.Coolant(fluid.density, fluid.viscosity), controls, state.flow[:pipes])
    solved |= coolant.columns
    for column in (k.pump.power, k.pump.shaft, k.pump.drive_loss, k.pump.running):
        solved[column] = solved[column] * fed[k.pump.power]
    gains = _gains(plant, solved)
    vents, fans = mixed_air.vents(plant, solved, gains, fed[k.fan.power])
    solved |= fans
    flow = np.concatenate([coolant.flow, vents])
    warmth = _warmth(plant, solved, flow)
    into = np.where(flow >= 0, plant.end[:, None], plant.start[:, None])
    sources = add_rows(gains.copy(), into, warmth)
    held = state.held & ~coolant.limited[plant.exchange.cold]
    kept = state.columns[k.cooler.running] if turn >= RISE else None
    control = thermal.Control(held, state.cold, kept, turn >= FREEZE, trusted)
    working = fed[k.cooler.power] * ~_sunk(plant, lost)
    warm = thermal.temperatures(plant, flow, fluid.cp, state.node, control, sources, working)
    rise = np.minimum(share(warmth, np.abs(flow) * fluid.cp, 1e-9 * fluid.cp), MAX_RISE)
    solved |= warm.columns
    solved |= {
        k.node.temperature: warm.node,
        k.stream.inlet: warm.inlet,
        k.stream.outlet: warm.outlet + rise,
        k.stream.flow: flow,
    }
    solved[k.engine.air_inlet] = warm.node[plant.engine.breathes] + _offset(plant, warm.node, solved)
    power = electrical.voltages(plant, solved)
    solved |= power.columns
    solved |= _derived(plant, solved)
    faults = np.where(coolant.converged, int(Status.OK), int(Status.HYDRAULIC))
    faults = np.where(power.converged, faults, int(Status.ELECTRICAL))
    solved[k.node.lost] = 1.0 * lost
    hot = np.where(lost, state.hot, np.where(warm.node <= PHYSICAL[1], 0, state.hot + 1))
    node = np.clip(warm.node, *PHYSICAL)
    return State(node, flow, warm.target, warm.held, warm.cold, controls.running, hot, solved), faults


def _controls(plant: System, state: State, fluid: thermal.Properties, fed: Array, turn: int) -> hydraulic.Controls:
    """What valves, bypasses and pumps ask of the flow; pumps that are not `fed` (pump, scenario) stand still."""
    target = np.where(np.isfinite(plant.pipe.set_flow), plant.pipe.set_flow * fluid.density, np.nan)
    cold, rows = plant.exchange.cold, plant.pump.pipe
    target[cold] = np.where(np.isfinite(state.target), state.target, target[cold])
    if len(plant.relief.pipe):
        target[plant.relief.pipe] = hydraulic.relief(plant, state.flow, fluid.density)
    running = state.running
    if turn < FREEZE and len(rows):
        staged = hydraulic.stage(plant.pump, state.flow[rows] / fluid.density[rows])
        running = staged if turn < RISE else np.maximum(staged, running)
    target[rows] = np.where(fed > 0, target[rows], 0.0)
    return hydraulic.Controls(target, running, _closed(plant, state))


def _closed(plant: System, state: State) -> Array:
    """Factor on the resistance of pipes whose bank of units is partly shut off, (pipe, scenario)."""
    factor, begin = filled((len(plant.pipe.start), plant.scenarios), 1.0, like=state.node), 0
    for cooler in plant.cooler:
        rows = slice(begin, begin + len(cooler.stream))
        begin = rows.stop
        if cooler.installed is not None:
            running = state.columns[columns.cooler.running][rows]
            factor[cooler.stream] = (cooler.installed / np.where(running > 0, running, cooler.installed)) ** 2
    return factor


def _racks(plant: System, state: State, fluid: thermal.Properties, fed: Array) -> Solved:
    e = plant.engine
    stream = e.stream
    liquid = stream < len(plant.pipe.start)
    conductivity = filled((len(stream), plant.scenarios), 1.0, like=state.node)
    conductivity[liquid] = fluid.conductivity[stream[liquid]]
    upstream = np.where(state.flow[stream] >= 0, plant.start[stream][:, None], plant.end[stream][:, None])
    offset = _offset(plant, state.node, state.columns)
    inlet = np.take_along_axis(state.node, upstream, axis=0) + np.where(liquid[:, None], 0.0, offset)
    coolant = compute.Coolant(inlet, state.flow[stream], fluid.cp[stream], conductivity)
    return compute.racks(e, coolant, fed, _level(plant, state))


def _level(plant: System, state: State) -> Array | float:
    """Share of its rated power that a chip at work draws at its clock so far, (rack, scenario)."""
    if not plant.work:
        return 1.0
    shape = len(plant.engine.stream), plant.scenarios
    clock = np.broadcast_to(state.columns.get(columns.engine.clock, plant.engine.clock), shape)
    level = filled(shape, 1.0, like=state.node)
    for work in plant.work:
        at = work.engine[:, None], work.scenarios
        level[at] = np.interp(clock[at], work.clock, work.level)
    return level


def _offset(plant: System, node: Array, solved: Solved) -> Array:
    """How much warmer than its room's mixed inlet each rack breathes, K (rack, scenario)."""
    e = plant.engine
    offset = np.broadcast_to(e.offset, (len(e.stream), plant.scenarios))
    if not plant.inlets or columns.stream.outlet not in solved:
        return offset
    offset = offset.copy()
    for room in plant.inlets:
        rows = room.engine
        heat, flow = solved[columns.engine.heat_air][rows], solved[columns.engine.air_flow][rows]
        rise = share(heat, flow * compute.AIR_HEAT)
        inlet = room.temperature - node[e.breathes[rows]]
        for weights, moved in (
            (room.heat, rise - room.rise),
            (room.supply, solved[columns.stream.outlet][room.coil] - room.supplied),
        ):
            for k in range(weights.shape[1]):
                inlet = inlet + weights[:, k : k + 1] * moved[k]  # in a fixed order, unlike a matrix product
        offset[rows] = inlet
    return offset


def _rows(plant: System) -> int:
    """Rows of all columns that types add to the ledger."""
    return sum(len(item.constant) for item in plant.derived)


def _derived(plant: System, solved: Solved) -> Solved:
    """Columns that types add to the ledger; what is drawn or given off by one is that of the pass before."""
    added: Solved = {}
    begin, shape = 0, (_rows(plant), plant.scenarios)
    for item in plant.derived:
        value = item.constant
        for term, factor in zip(item.terms, item.factors, strict=True):
            column = added.get(term.column)
            value = value + factor * (solved[term.column] if column is None else column)[term.rows]
        column = added.setdefault(item.column, np.zeros(shape, like=plant.start_temperature))
        column[begin : begin + len(item.constant)] = value
        begin += len(item.constant)
    return added


def _gains(plant: System, solved: Solved) -> Array:
    """Heat that equipment gives straight to nodes, W (node, scenario)."""
    heat = np.zeros((plant.nodes, plant.scenarios), like=plant.start_temperature)
    for gain in plant.gain:
        add_rows(heat, gain.node, gain.share * solved[gain.power.column][gain.power.rows])
    return heat


def _warmth(plant: System, solved: Solved, flow: Array) -> Array:
    """Heat given to streams on their way, W (stream, scenario).

    Coolers of a room that draw warmer air than others take heat that these do not.
    """
    heat = np.zeros((len(plant.start), plant.scenarios), like=plant.start_temperature)
    for item in plant.heat:
        add_rows(heat, item.stream, item.share * solved[item.power.column][item.power.rows])
    fan, zones = plant.fan, len(plant.zone.supply)
    C = compute.AIR_HEAT * flow[fan.vent]
    given, moved = (add_rows(np.zeros((zones, plant.scenarios), like=C), fan.zone, x) for x in (C * fan.offset, C))
    return add_rows(heat, fan.vent, C * (fan.offset - share(given, moved)[fan.zone]))


WATCHED = (
    columns.engine.power,
    columns.cooler.power,
    columns.pump.power,
    columns.line.loss,
    columns.converter.loss,
    columns.fan.power,
)
"""Powers that must have settled."""


def _moved(old: State, solved: Solved) -> Array:
    """Largest change of a temperature that is not lost over 300 K, or of a power over the largest, per scenario."""
    moved = np.abs(solved[columns.node.temperature] - old.node)
    worst = largest(np.where(solved[columns.node.lost] > 0, 0.0, moved)) / 300.0
    scale = np.maximum(total(solved[columns.source.power]), 1.0)
    for column in WATCHED:
        if column in old.columns and column in solved and len(solved[column]):
            worst = np.maximum(worst, total(np.abs(solved[column] - old.columns[column])) / scale)
    return worst


def _peaks(plant: System, solved: Solved) -> Solved:
    """Loadings and voltages at the peaks: infinite and zero where the network cannot carry them."""
    peak, k = electrical.voltages(plant, solved, peak=True), columns
    over = lambda column: np.where(peak.converged, peak.columns[column], np.inf)  # noqa: E731
    return {
        k.line.peak: over(k.line.loading),
        k.converter.peak: over(k.converter.loading),
        k.source.peak: over(k.source.power),
        k.bus.peak: np.where(peak.converged, peak.columns[k.bus.voltage], 0.0),
    }


def _boiling(temperature: Array) -> Array:
    """Pressure at which coolant boils, Pa, of its shape: that of water, which no glycol mixture reaches."""
    return saturation_pressure(np.clip(temperature, *PHYSICAL))


def _audit(solved: Solved) -> Array:
    """(Electricity in - heat out) / electricity in, per scenario: heat leaves by coolers and to outdoor air."""
    drawn = total(solved[columns.source.power])
    out = solved[columns.audit.boundary][0] + solved[columns.audit.cooler][0]
    return (drawn - out) / np.maximum(np.maximum(np.abs(drawn), np.abs(out)), 1.0)
