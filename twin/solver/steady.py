"""The coupling loop: compute, hydraulics, air, heat and electricity until nothing moves."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace

import numpy as np

from twin.domains import compute, electrical, hydraulic, thermal
from twin.domains import mixed_air as air
from twin.elements import Array, Plant, Ref, Status, largest, total
from twin.kernels.arrays import add_rows, called, fetch, filled, home, send, share

log = logging.getLogger("twin")

RISE, FREEZE = 8, 12
"""Passes from which the numbers of running pumps, cells and chillers only rise, and from which they are kept: of two
numbers that would follow each other without end the larger stays, whatever the way there."""

TRUST = 6
"""First passes, in which coolers are taken to hold their set points.

A plant can have two steady states, one with its valves throttled and one with them wide open and its coolers short: the
first is found whenever the coolers have the capacity for it."""

PHYSICAL = (150.0, 420.0)
"""Temperatures between passes stay within this, K: a loop whose coolers all stand still has no temperature."""


MOST_RISE = 500.0
"""Largest temperature rise told of a stream, K: one that stands still has none."""

BALANCE = 1e-6
"""Largest share of the electricity that may be missing in the heat."""


@dataclass(frozen=True)
class State:
    """Where the loop starts from: temperatures [K], flows [kg/s], valve targets and staging."""

    node: Array
    flow: Array
    target: Array
    held: Array
    cold: Array
    running: Array
    columns: dict[str, Array]


@dataclass(frozen=True)
class Solution:
    """Solved columns (row, scenario) by quantity, status of every scenario, and the state to go on from."""

    plant: Plant
    columns: dict[str, Array]
    status: Array
    iterations: Array
    residual: Array
    audit: Array
    seconds: float
    state: State
    device: str = "cpu"

    def __getitem__(self, ref: Ref) -> Array:
        """Rows of a solved column, (row, scenario)."""
        return self.columns[ref.quantity][ref.rows]

    def total(self, heading: str) -> Array:
        """Sum of all powers tallied under a heading, (scenario,)."""
        parts = [total(self[t.power]) for t in self.plant.tallies if t.heading == heading]
        return total(np.array(parts)) if parts else np.zeros(self.plant.scenarios)


def begin(plant: Plant) -> State:
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
    idle = {
        "line.loss": zeros(len(plant.line.start)),
        "converter.loss": zeros(len(plant.converter.input)),
        "fan.power": zeros(len(plant.fan.vent)),
    }
    idle |= {f"cooler.{k}": zeros(count) for k in ("power", "rejected", "running")}
    idle |= {f"pump.{k}": zeros(len(pump.pipe)) for k in ("power", "shaft", "drive_loss")}
    return State(
        node=plant.start_temperature.copy(),
        flow=flow,
        target=np.where(controls, e.rated_cold, np.nan) + zeros(len(e.hot)),
        held=np.broadcast_to(controls, (len(e.hot), size)).copy(),
        cold=zeros(count, bool),
        running=np.broadcast_to(pump.installed, (len(pump.pipe), size)).copy(),
        columns=idle,
    )


HOST = ("facility", "coordinates", "limits", "reports", "tallies", "costs", "fuels", "serving", "services")
"""What of a plant stays in main memory: it is read before the solve and after."""


def steady(
    plant: Plant, start: State | None = None, tolerance: float = 1e-9, most: int = 100, device: str = "cpu"
) -> Solution:
    """Solve power, coolant, heat and air of all scenarios together.

    Gauss-Seidel over the domains. A scenario has settled when no temperature moves by more than `tolerance` x 300 K
    and no power by more than `tolerance` of the largest; it is then kept as it is, so that its answer does not
    depend on its neighbours. The solution is in main memory, wherever the `device` (see `kernels.arrays.home`) solved
    it. Raises DeviceError for a device that is not there.
    """
    began, xp = time.perf_counter(), home(device)
    if xp is np:
        return _steady(plant, start, tolerance, most, began)
    bare = dict.fromkeys(HOST, ())
    moved = replace(send(replace(plant, **bare), xp), **{f: getattr(plant, f) for f in HOST})
    found = _steady(moved, send(start, xp), tolerance, most, began)
    found = fetch(replace(found, plant=None))
    return replace(found, plant=plant, device=called(xp), seconds=time.perf_counter() - began)


def _steady(plant: Plant, start: State | None, tolerance: float, most: int, began: float) -> Solution:
    state = start or begin(plant)
    size, like = plant.scenarios, plant.start_temperature
    done = np.zeros(size, bool, like=like)
    status, passes = filled(size, int(Status.NOT_CONVERGED), int, like=like), np.zeros(size, int, like=like)
    residual = filled(size, np.inf, like=like)
    kept: dict[str, Array] | None = None
    fed = _fed(plant)
    best = state
    trust = TRUST if start is None and plant.cooler else 0
    for turn in range(most):
        best, columns, faults = _pass(plant, state, fed, turn, turn < trust)
        moved = _moved(state, columns)
        moved = np.where(np.isfinite(moved), moved, np.inf)
        if kept is None:
            kept = {k: np.broadcast_to(v, (v.shape[0], size)).copy() for k, v in columns.items()}
        for name, value in columns.items():
            np.copyto(kept[name], value, where=~done)
        residual = np.where(done, residual, moved)
        passes = np.where(done, passes, turn + 1)
        status = np.where(done, status, faults)
        done |= (moved < tolerance) & (turn > trust)
        log.debug("pass %d: residual %.2e, %d of %d settled", turn + 1, float(residual.max()), int(done.sum()), size)
        if done.all():
            break
        state = best
    assert kept is not None
    status = np.where(~done & (status == int(Status.OK)), int(Status.NOT_CONVERGED), status)
    hottest = largest(kept["node.temperature"])
    status = np.where((status == int(Status.NOT_CONVERGED)) & (hottest > PHYSICAL[1]), int(Status.OVERHEATED), status)
    for name in ("node.temperature", "source.power"):
        status = np.where(np.isfinite(kept[name]).all(axis=0), status, int(Status.INVALID))
    kept |= _peaks(plant, kept)
    audit = _audit(plant, kept)
    status = np.where((status == int(Status.OK)) & ~(np.abs(audit) < BALANCE), int(Status.UNBALANCED), status)
    return Solution(plant, kept, status, passes, residual, audit, time.perf_counter() - began, best)


def _fed(plant: Plant) -> dict[str, Array]:
    """1 where a rack, pump, fan, cooler or constant load has a live feed, 0 where not, (row, 1|S) by quantity."""
    coolers = sum(len(c.stream) for c in plant.cooler)
    counts = {
        "engine.power": len(plant.engine.stream),
        "pump.power": len(plant.pump.pipe),
        "fan.power": len(plant.fan.vent),
        "cooler.power": coolers,
        "constant": len(plant.constant),
    }
    fed = {name: filled((n, plant.live.shape[1]), 1.0, like=plant.start_temperature) for name, n in counts.items()}
    for load in plant.load:
        if load.power.quantity in fed:
            _, live = electrical.shares(plant, load)
            fed[load.power.quantity][load.power.rows] = live
    return fed


def _pass(
    plant: Plant, state: State, fed: dict[str, Array], turn: int, trusted: bool
) -> tuple[State, dict[str, Array], Array]:
    pipes = len(plant.pipe.start)
    columns = dict(state.columns) | {"constant": plant.constant * fed["constant"]}
    fluid = thermal.properties(plant, state.node, state.flow)
    columns |= _engines(plant, state, fluid, fed["engine.power"])
    target = np.where(np.isfinite(plant.pipe.set_flow), plant.pipe.set_flow * fluid.density, np.nan)
    cold = plant.exchange.cold
    target[cold] = np.where(np.isfinite(state.target), state.target, target[cold])
    if len(plant.relief.pipe):
        target[plant.relief.pipe] = hydraulic.relief(plant, state.flow, fluid.density)
    running = state.running
    if turn < FREEZE and len(plant.pump.pipe):
        rows = plant.pump.pipe
        staged = hydraulic.stage(plant.pump, state.flow[rows] / fluid.density[rows])
        running = staged if turn < RISE else np.maximum(staged, running)
    target[plant.pump.pipe] = np.where(fed["pump.power"] > 0, target[plant.pump.pipe], 0.0)
    hydro = hydraulic.solve(
        plant, target, fluid.density, fluid.viscosity, running, _closed(plant, state), state.flow[:pipes]
    )
    columns |= hydro.columns
    for name in ("power", "shaft", "drive_loss", "running"):
        columns[f"pump.{name}"] = columns[f"pump.{name}"] * fed["pump.power"]
    gains = _gains(plant, columns)
    vents, fans = air.solve(plant, columns, gains, fed["fan.power"])
    columns |= fans
    flow = np.concatenate([hydro.flow, vents])
    held = state.held & ~hydro.limited[cold]
    warmth = _warmth(plant, columns, flow)
    into = np.where(flow >= 0, plant.end[:, None], plant.start[:, None])
    sources = add_rows(gains.copy(), into, warmth)
    staging = (state.columns["cooler.running"] if turn >= RISE else None, turn >= FREEZE, trusted)
    warm = thermal.solve(
        plant, columns, flow, fluid.cp, state.node, held, state.cold, sources, fed["cooler.power"], *staging
    )
    rise = np.minimum(share(warmth, np.abs(flow) * fluid.cp, 1e-9 * fluid.cp), MOST_RISE)
    columns |= warm.columns
    columns |= {
        "node.temperature": warm.node,
        "stream.inlet": warm.inlet,
        "stream.outlet": warm.outlet + rise,
        "stream.flow": flow,
    }
    columns["engine.air_inlet"] = warm.node[plant.engine.breathes] + _offset(plant, warm.node, columns)
    columns |= {"audit.boundary": warm.audit["boundary"][None], "audit.cooler": warm.audit["cooler"][None]}
    power = electrical.solve(plant, columns)
    columns |= power.columns
    faults = np.where(hydro.converged, int(Status.OK), int(Status.HYDRAULIC))
    faults = np.where(power.converged, faults, int(Status.ELECTRICAL))
    return (
        State(np.clip(warm.node, *PHYSICAL), flow, warm.target, warm.held, warm.cold, running, columns),
        columns,
        faults,
    )


def _closed(plant: Plant, state: State) -> Array:
    """Factor on the resistance of pipes whose bank of units is partly shut off, (pipe, scenario)."""
    factor, begin = filled((len(plant.pipe.start), plant.scenarios), 1.0, like=state.node), 0
    for cooler in plant.cooler:
        rows = slice(begin, begin + len(cooler.stream))
        begin = rows.stop
        if cooler.installed is not None:
            running = state.columns["cooler.running"][rows]
            factor[cooler.stream] = (cooler.installed / np.where(running > 0, running, cooler.installed)) ** 2
    return factor


def _engines(plant: Plant, state: State, fluid: thermal.Properties, fed: Array) -> dict[str, Array]:
    e = plant.engine
    stream = e.stream
    liquid = stream < len(plant.pipe.start)
    conductivity = filled((len(stream), plant.scenarios), 1.0, like=state.node)
    conductivity[liquid] = fluid.conductivity[stream[liquid]]
    upstream = np.where(state.flow[stream] >= 0, plant.start[stream][:, None], plant.end[stream][:, None])
    offset = _offset(plant, state.node, state.columns)
    inlet = np.take_along_axis(state.node, upstream, axis=0) + np.where(liquid[:, None], 0.0, offset)
    return compute.solve(e, inlet, state.flow[stream], fluid.cp[stream], conductivity, fed, _level(plant, state))


def _level(plant: Plant, state: State) -> Array | float:
    """Share of its rated power that a chip at work draws at its clock so far, (rack, scenario)."""
    if not plant.work:
        return 1.0
    shape = len(plant.engine.stream), plant.scenarios
    clock = np.broadcast_to(state.columns.get("engine.clock", plant.engine.clock), shape)
    level = filled(shape, 1.0, like=state.node)
    for work in plant.work:
        at = work.engine[:, None], work.scenarios
        level[at] = np.interp(clock[at], work.clock, work.level)
    return level


def _offset(plant: Plant, node: Array, columns: dict[str, Array]) -> Array:
    """How much warmer than its room's mixed inlet each rack breathes, K (rack, scenario)."""
    e = plant.engine
    offset = np.broadcast_to(e.offset, (len(e.stream), plant.scenarios))
    if not plant.inlets or "stream.outlet" not in columns:
        return offset
    offset = offset.copy()
    for room in plant.inlets:
        rows = room.engine
        rise = share(columns["engine.heat_air"][rows], columns["engine.air_flow"][rows] * compute.AIR_HEAT)
        inlet = room.temperature - node[e.breathes[rows]]
        for weights, moved in (
            (room.heat, rise - room.rise),
            (room.supply, columns["stream.outlet"][room.coil] - room.supplied),
        ):
            for k in range(weights.shape[1]):
                inlet = inlet + weights[:, k : k + 1] * moved[k]  # in a fixed order, unlike a matrix product
        offset[rows] = inlet
    return offset


def _gains(plant: Plant, columns: dict[str, Array]) -> Array:
    """Heat that equipment gives straight to nodes, W (node, scenario)."""
    total = np.zeros((plant.nodes, plant.scenarios), like=plant.start_temperature)
    for gain in plant.gain:
        add_rows(total, gain.node, gain.share * columns[gain.power.quantity][gain.power.rows])
    return total


def _warmth(plant: Plant, columns: dict[str, Array], flow: Array) -> Array:
    """Heat given to streams on their way, W (stream, scenario).

    Coolers of a room that draw warmer air than others take heat that these do not.
    """
    total = np.zeros((len(plant.start), plant.scenarios), like=plant.start_temperature)
    for item in plant.heat:
        add_rows(total, item.stream, item.share * columns[item.power.quantity][item.power.rows])
    fan, zones = plant.fan, len(plant.zone.supply)
    C = compute.AIR_HEAT * flow[fan.vent]
    given, moved = (add_rows(np.zeros((zones, plant.scenarios), like=C), fan.zone, x) for x in (C * fan.offset, C))
    return add_rows(total, fan.vent, C * (fan.offset - share(given, moved)[fan.zone]))


def _moved(old: State, columns: dict[str, Array]) -> Array:
    """Largest change of a temperature over 300 K, or of a power over the largest, per scenario."""
    worst = largest(np.abs(columns["node.temperature"] - old.node)) / 300.0
    scale = np.maximum(total(columns["source.power"]), 1.0)
    for name in ("engine.power", "cooler.power", "pump.power", "line.loss", "converter.loss", "fan.power"):
        if name in old.columns and name in columns and len(columns[name]):
            worst = np.maximum(worst, total(np.abs(columns[name] - old.columns[name])) / scale)
    return worst


def _peaks(plant: Plant, columns: dict[str, Array]) -> dict[str, Array]:
    """Loadings and voltages at the EDP peaks: infinite and zero where the network cannot carry them."""
    peak = electrical.solve(plant, columns, peak=True)
    over = lambda name: np.where(peak.converged, peak.columns[name], np.inf)  # noqa: E731
    return {
        "line.peak": over("line.loading"),
        "converter.peak": over("converter.loading"),
        "source.peak": over("source.power"),
        "bus.peak": np.where(peak.converged, peak.columns["bus.voltage"], 0.0),
    }


def _audit(plant: Plant, columns: dict[str, Array]) -> Array:
    """(Electricity in - heat out) / electricity in, per scenario: heat leaves by coolers and to outdoor air."""
    drawn = total(columns["source.power"])
    out = columns["audit.boundary"][0] + columns["audit.cooler"][0]
    return (drawn - out) / np.maximum(np.maximum(np.abs(drawn), np.abs(out)), 1.0)
