"""The coupling loop: compute, hydraulics, air, heat and electricity until nothing moves."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from twin import columns
from twin.block import Block
from twin.columns import Array, Column, Index, Ref, Solved, Total
from twin.domains.between import COLDEST, FREE, HOTTEST
from twin.domains.electrical import Results, Train
from twin.elements import Status, System, total
from twin.fluids import saturation_pressure
from twin.kernels import power_flow
from twin.kernels.arrays import called, fetch, home, max_scenarios, send
from twin.plant.compile import Plant
from twin.plant.wiring import Kept
from twin.solver.acceleration import DEFAULT, Anderson
from twin.solver.program import Program

log = logging.getLogger("twin")

Progress = Callable[[str], object]
"""Called now and then with what long work is doing."""

WIDTHS = (1, 4, 8, 16, 32, 64, 128)
"""Scenarios that a program may work on at once."""

NEAR = 250_000
"""Numbers that blocks of more than `SEVERAL` scenarios may hold: those of larger ones would leave the nearest cache."""

SEVERAL = 16

CACHED = 8_000_000
"""Numbers that a block may hold: those of larger ones would come from main memory in every pass."""

BALANCE = 1e-6
"""Largest share of the electricity that may be missing in the heat."""


class Idle(NamedTuple):
    """What a plant uses while nothing is served, (scenario,) each; NaN where that is not known.

    facility_power, it_power: at the meter and of the racks [W]. grid, generated: of the utilities and of the generators
    [W]. fuel_price, fuel_carbon: of the generators' fuel [$/s, kg/s]. water: make-up [kg/s].
    """

    facility_power: Array
    it_power: Array
    grid: Array
    generated: Array
    fuel_price: Array
    fuel_carbon: Array
    water: Array


@dataclass(frozen=True)
class Solution:
    """A solved plant.

    plant: what was solved. columns: what was solved, (row, scenario) each. status: of every scenario, see `Status`
    (scenario,). iterations: passes (scenario,). residual: largest change in the last pass [1] (scenario,). audit:
    (electricity in - heat out) / electricity in [1] (scenario,). restless: node that moved most in the last pass
    (scenario,). seconds: wall time. device: where it was solved. idle: what is used in hours in which nothing is
    served, None where there are none.
    """

    plant: Plant
    columns: Solved
    status: Array
    iterations: Array
    residual: Array
    audit: Array
    restless: Array
    seconds: float
    device: str = "cpu"
    idle: Idle | None = None

    def __getitem__(self, ref: Ref | Column) -> Array:
        """A solved column, or some of its rows, (row, scenario)."""
        return self.columns[ref] if isinstance(ref, Column) else self.columns[ref.column][ref.rows]

    def sum(self, ref: Ref | Column, factor: Array | None = None) -> Array:
        """Sum of a solved column, or of some of its rows, times a factor (row, 1|S), over the whole plant (scenario,).

        A row counts as often as it stands for others.
        """
        values = self[ref] if factor is None else self[ref] * factor
        return total(values, self.plant.counts[ref.kind] if isinstance(ref, Column) else self.plant.times(ref))

    def total(self, heading: Total) -> Array:
        """Sum of all powers tallied under a heading [W], (scenario,)."""
        parts = [self.sum(t.power) for t in self.plant.tallies if t.total is heading]
        return total(np.array(parts)) if parts else np.zeros(self.plant.scenarios)


def like(plant: Plant, other: Plant) -> Plant:
    """The other plant, which differs in numbers of its racks and pipes alone, to be solved with what the first is."""
    if plant.scenarios == other.scenarios:
        vars(other)["bound"] = vars(plant).setdefault("bound", Kept())
    return other


Bindable = TypeVar("Bindable")


def steady(
    plant: Plant,
    start: Solution | None = None,
    tolerance: float = 1e-9,
    passes: int = 200,
    device: str = "cpu",
    accelerate: Anderson | None = DEFAULT,
    finished: Callable[[int], object] | None = None,
    only: Index | None = None,
) -> Solution:
    """Solve power, coolant, heat and air of all scenarios together.

    Gauss-Seidel over the domains. A scenario has settled when no temperature moves by more than `tolerance` x 300 K
    and no power by more than `tolerance` of the largest; it is then kept as it is, so that its answer does not
    depend on its neighbours, and the next takes its place in the block. `start`: a solution of the same scenarios to go
    on from. `accelerate`: how passes are mixed that approach their end slowly or swing, None for plain passes. Where
    nothing takes the heat away, nodes have no steady temperature: they are lost, NaN, racks there trip, and the rest of
    the plant is solved; a plant that settles without any of its racks is overheated. The solution is in main memory,
    wherever the `device` (see `kernels.arrays.home`) solved it. `finished` is called with the number of scenarios that
    have just ended, now and then. only: scenarios to be solved; of others nothing is known, and their status is not
    OK. Raises DeviceError for a device that is not there.
    """
    began, xp = time.perf_counter(), home(device)
    run = _Run(plant, tolerance, passes, None if start is None else start.columns, accelerate, finished, only)
    for scenarios in run.groups:
        run.solve(scenarios, xp)
    return run.solution(xp, began)


def by_topology(plant: System) -> list[Index]:
    """Scenarios whose power trains have one topology, group by group."""
    found = np.zeros((plant.scenarios, 0), np.int64)
    for island in plant.islands:
        number = np.zeros(plant.scenarios, np.int64)
        for i, chosen in enumerate(power_flow.topologies(island.network, island.voltage, plant.scenarios)):
            number[chosen] = i
        found = np.column_stack([found, number])
    _, group = np.unique(found, axis=0, return_inverse=True)
    order = np.argsort(np.ravel(group), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(np.ravel(group)[order])) + 1)


def numbers(plant: System) -> int:
    """About how many numbers a block holds of each scenario."""
    return 90 * len(plant.engine.stream) + 40 * len(plant.start) + 30 * len(plant.line.start)


def width(plant: System, scenarios: int, xp: ModuleType) -> int:
    """Lanes for so many scenarios: on the CPU as many as stay in its cache, on a GPU as its memory holds."""
    if xp is not np:
        return min(scenarios, max_scenarios(2 * numbers(plant), xp))
    each = numbers(plant)
    most = max(n for n in WIDTHS if n == 1 or n * each <= (CACHED if n <= SEVERAL else NEAR))
    return min(most, next((n for n in WIDTHS if n >= scenarios), most))


class _Bound:
    """What a plant has been bound to; kept for its next solve where it has one scenario, and for those of its like."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.taken = plant, dict[tuple[object, ...], Any]()

    def get(self, kind: Callable[..., Bindable], lanes: int, xp: ModuleType, *more: object) -> Bindable:
        """A program or the like, bound for lanes, a library and more; taken out, as another thread needs its own."""
        key = kind, lanes, xp is np, *more
        if key not in self.taken:
            kept = vars(self.plant).get("bound", {})
            found = kept.pop(key, None)
            if found is not None and found.block.plant is not self.plant:
                found.block.renew(self.plant)
            self.taken[key] = found or kind(self.plant, lanes, xp, *more)
        return self.taken[key]

    def keep(self) -> None:
        """Put back what the next solve may use."""
        if self.plant.scenarios == 1 or "bound" in vars(self.plant):
            vars(self.plant).setdefault("bound", Kept()).update(self.taken)


class _Run:
    """One solve: what has been found of its scenarios so far."""

    def __init__(
        self,
        plant: Plant,
        tolerance: float,
        passes: int,
        start: Solved | None,
        accelerate: Anderson | None,
        finished: Callable[[int], object] | None = None,
        only: Index | None = None,
    ) -> None:
        self.plant, self.tolerance, self.passes, self.start = plant, tolerance, passes, start
        self.accelerate, self.finished = accelerate, finished
        size = plant.scenarios
        self.bound = _Bound(plant)
        self.columns: Solved = {}
        self.status = np.full(size, int(Status.NOT_CONVERGED))
        self.taken, self.restless = np.zeros((2, size), int)
        self.residual = np.full(size, np.inf)
        self.ended = 0
        groups = by_topology(plant)
        if only is not None:
            groups = [scenarios[np.isin(scenarios, only)] for scenarios in groups]
        self.groups = [scenarios for scenarios in groups if len(scenarios)]

    def solve(self, scenarios: Index, xp: ModuleType) -> None:
        """Solve scenarios that share a topology, each in a lane of its own until it has settled."""
        lanes = width(self.plant, len(scenarios), xp)
        program = self.bound.get(Program, lanes, xp, self.start is None, self.accelerate)
        program.take(int(scenarios[0]))
        waiting = scenarios[lanes:]
        at = np.resize(scenarios[:lanes], lanes)
        busy = np.arange(lanes) < len(scenarios)
        done = np.zeros(lanes, int)
        program.load(np.arange(lanes), at, self.start)
        turn = 0
        while busy.any():
            program.one_pass()
            done, turn = done + 1, turn + 1
            moved = fetch(program.moved.most[0])
            free = fetch(program.turn.free[0]) >= FREE
            ended = busy & (((moved < self.tolerance) & free) | (done >= self.passes))
            left = int(busy.sum() - ended.sum()) + len(waiting)
            log.debug("pass %d: residual %.2e, %d scenarios left", turn, float(moved[busy].max()), left)
            if not ended.any():
                continue
            self._keep(program, np.flatnonzero(ended), at[ended], done[ended], moved[ended])
            busy &= ~ended
            idle = np.flatnonzero(~busy)
            if len(waiting) and (len(idle) >= lanes // 4 or not busy.any()):
                idle = idle[: len(waiting)]
                at[idle], waiting = waiting[: len(idle)], waiting[len(idle) :]
                program.load(idle, at[idle], self.start)
                busy[idle], done[idle] = True, 0

    def _peaks(self, xp: ModuleType) -> None:
        """What the power train carries at its peaks."""
        for scenarios in self.groups:
            lanes = width(self.plant, len(scenarios), xp)
            self.bound.get(Peaks, lanes, xp).solve(scenarios, self.columns)
        self.bound.keep()

    def _keep(self, program: Program, lanes: Index, scenarios: Index, done: Array, moved: Array) -> None:
        """Take what lanes have found."""
        b = program.block
        if not self.columns:
            self.solved = np.empty((len(b.solved), self.plant.scenarios))
            self.columns = {c: self.solved[b.part(c)] for c in b.columns()}
            self.owner = np.empty(self.plant.scenarios, int)
        place = slice(self.ended, self.ended + len(lanes))
        self.solved[:, place], self.owner[place] = fetch(b.solved[:, send(lanes, b.xp)]), scenarios
        self.ended = place.stop
        self.taken[scenarios], self.residual[scenarios] = done, moved
        self.restless[scenarios] = fetch(program.moved.restless[0])[lanes]
        flow, power = (fetch(x.good[0])[lanes] > 0 for x in (program.loops, program.train))
        faults = np.where(power, np.where(flow, int(Status.OK), int(Status.HYDRAULIC)), int(Status.ELECTRICAL))
        unsettled = (moved >= self.tolerance) & (faults == int(Status.OK))
        self.status[scenarios] = np.where(unsettled, int(Status.NOT_CONVERGED), faults)
        if self.finished is not None:
            self.finished(len(scenarios))

    def _sort(self) -> None:
        """Put scenarios, kept as they ended, in their order, row by row; of those that were not solved all is NaN."""
        place = np.full(self.plant.scenarios, -1)
        place[self.owner[: self.ended]] = np.arange(self.ended)
        if (place == np.arange(len(place))).all():
            return
        for row in self.solved:
            row[...] = np.where(place < 0, np.nan, row[place])

    def solution(self, xp: ModuleType, began: float) -> Solution:
        """All scenarios, with what follows from their solved columns."""
        self._sort()
        plant, kept, status = self.plant, self.columns, self.status
        lost = kept[columns.node.lost] > 0
        known = np.isfinite(kept[columns.node.temperature]) | lost
        for finite in (known, np.isfinite(kept[columns.source.power])):
            status = np.where(finite.all(axis=0), status, int(Status.INVALID))
        overheated = lost.any(axis=0) & tripped(plant, lost).all(axis=0) & (status == int(Status.OK))
        status = np.where(overheated, int(Status.OVERHEATED), status)
        _forget(plant, kept, lost)
        self._peaks(xp)
        kept[columns.node.boiling] = kept[columns.node.pressure] - _boiling(kept[columns.node.temperature])
        audit = _audit(plant, kept)
        unbalanced = (status == int(Status.OK)) & ~(np.abs(audit) < BALANCE) & ~lost.any(axis=0)
        status = np.where(unbalanced, int(Status.UNBALANCED), status)
        if plant.invalid:
            rows = list(plant.invalid)
            status[rows], self.taken[rows], self.residual[rows], audit[rows] = int(Status.INVALID), 0, np.nan, np.nan
        seconds = time.perf_counter() - began
        return Solution(plant, kept, status, self.taken, self.residual, audit, self.restless, seconds, called(xp))


def tripped(plant: System, lost: Array) -> Array:
    """Racks that trip as the coolant or air that comes to them is lost, (rack, scenario)."""
    e = plant.engine
    return lost[e.node] | lost[plant.end[e.stream]] | lost[e.breathes]


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


class Peaks:
    """The power train of a plant at its peaks, in a block."""

    def __init__(self, plant: System, lanes: int, xp: ModuleType) -> None:
        k = columns
        self.block = b = Block(plant, lanes, xp)
        kinds = (k.bus, k.line, k.converter, k.source)
        self.bus, self.line, self.converter, self.source = (b.work(kind, b.rows_of(kind)) for kind in kinds)
        self.train = Train(b, Results(self.bus, self.line, self.converter, self.source), peak=True)
        self.drawn = {load.peak.column for load in plant.load}

    def solve(self, scenarios: Index, solved: Solved) -> None:
        """Loadings and voltages of scenarios that share a topology into the peaks of what was solved.

        They are infinite and zero where the network cannot carry the peaks.
        """
        b, k = self.block, columns
        self.train.take(int(scenarios[0]))
        for first in range(0, len(scenarios), b.lanes):
            chosen = scenarios[first : first + b.lanes]
            at, every = np.resize(chosen, b.lanes), np.arange(b.lanes)
            b.begin(every, at)
            b.load(every, at)
            for column in self.drawn:
                b.column(column)[...] = send(np.ascontiguousarray(solved[column][:, at]), b.xp)
            for call in self.train.stages:
                call()
            good = fetch(self.train.good[0]) > 0
            for column, value, failed in (
                (k.line.peak, self.line.loading, np.inf),
                (k.converter.peak, self.converter.loading, np.inf),
                (k.source.peak, self.source.power, np.inf),
                (k.bus.peak, self.bus.voltage, 0.0),
            ):
                solved[column][:, chosen] = np.where(good, fetch(value), failed)[:, : len(chosen)]


def _boiling(temperature: Array) -> Array:
    """Pressure at which coolant boils, Pa, of its shape: that of water, which no glycol mixture reaches."""
    return saturation_pressure(np.clip(temperature, COLDEST, HOTTEST))


def _audit(plant: System, solved: Solved) -> Array:
    """(Electricity in - heat out) / electricity in, per scenario: heat leaves by coolers and to outdoor air.

    The heat of vaporisation that moist air and people bring is no electricity, and is left out of what leaves.
    """
    drawn = total(solved[columns.source.power], plant.counts[columns.source])
    out = solved[columns.audit.boundary][0] + solved[columns.audit.cooler][0] - solved[columns.audit.latent][0]
    return (drawn - out) / np.maximum(np.maximum(np.abs(drawn), np.abs(out)), 1.0)
