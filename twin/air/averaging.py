"""Statistically steady air of a room: mean fields over flushes, with an error for every inlet.

The flow is unsteady, so that a steady answer is one that is steady on average. It begins when nothing drifts any more,
and goes on until what racks breathe is known to a tolerance, at a confidence of 95 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from twin.air.field import MIN_FLOW, REFERENCE, Loads
from twin.air.geometry import Geometry
from twin.elements import Array, Index, total
from twin.kernels.arrays import fetch
from twin.kernels.boundaries import GHOSTS
from twin.kernels.finite_volume import Flow

MAX_FLUSH = 600.0
"""Longest time that counts as one flush, s: a room whose coolers stand still has none."""

PARTS = 4
"""Parts of a window in which nothing may drift."""

STRIDE = 10
"""Time steps between two samples of an average."""

FIELDS = ("u", "v", "w", "T", "nu")
"""Fields that are averaged: velocities [m/s], temperature over the reference [K], viscosity [m²/s]."""


@dataclass(frozen=True)
class Averaging:
    """How long an average goes on, counted in flushes: the time in which coolers move the room's free volume once.

    Attributes
    ----------
    tolerance
        Half of the 95 % confidence interval that the mean of every inlet and probe may have [K], and how far they may
        drift in a window.
    window
        Flushes in which nothing may drift before the average begins; see `drifting`.
    max_spin_up
        Flushes after which it begins though something drifts.
    min_batches, max_batches
        Least and greatest number of batches of one flush that are averaged.
    """

    tolerance: float = 0.1
    window: float = 2.0
    max_spin_up: float = 20.0
    min_batches: int = 5
    max_batches: int = 30


class Outcome(IntEnum):
    """How an average ended; a scenario whose plant has no solution has none."""

    SETTLED = 0
    ERROR_ABOVE_TOLERANCE = 1
    STILL_DRIFTING = 2
    STILL_MOVING = 3
    INTERRUPTED = 4
    NOT_SOLVED = 5


class Course(NamedTuple):
    """How far an average is: flushes done, flushes it is expected to take, largest error so far [K], NaN before any."""

    flushes: float
    expected: float
    error: float


@dataclass(frozen=True)
class TimeAverage:
    """Statistically steady air of a room in S scenarios: means over flushes with their 95 % confidence intervals.

    Attributes
    ----------
    inlet, error
        Air at each rack's inlet and half of its confidence interval [K], (rack, S).
    intake
        Mean of what each cooler draws, from the heat that it took [K], (cooler, S).
    probe, probe_error
        Air at each probe and its error [K], (probe, S).
    flushes
        Flushes that were computed, spin-up included.
    seconds
        Time of the field at the end [s].
    heat_in
        Heat that the air was given [W], (S,).
    heat_out
        Heat that coolers took, less what the air itself lost meanwhile [W], (S,).
    leak
        Air through closed faces over what the coolers move, (S,).
    divergence
        Largest net flow of a cell over what the coolers move.
    fields
        Mean u, v, w, T and nu (see `FIELDS`) without ghost cells, velocities on faces, (S, z, y, x).
    outcome
        How it ended, numbers of `Outcome`, (S,).
    """

    inlet: Array
    error: Array
    intake: Array
    probe: Array
    probe_error: Array
    flushes: float
    seconds: float
    heat_in: Array
    heat_out: Array
    leak: Array
    divergence: float
    fields: dict[str, Array]
    outcome: Array

    def select(self, columns: Index) -> TimeAverage:
        """The averages of some scenarios, numbers (k,), in their order."""
        first = columns[0]
        along = slice(first, first + len(columns)) if (columns == first + np.arange(len(columns))).all() else columns
        rows = {n: getattr(self, n)[:, along] for n in ("inlet", "error", "intake", "probe", "probe_error")}
        heat = {n: getattr(self, n)[along] for n in ("heat_in", "heat_out", "leak", "outcome")}
        return replace(self, **rows, **heat, fields={k: v[along] for k, v in self.fields.items()})

    @property
    def stopped(self) -> bool:
        """Whether it was interrupted."""
        return bool((self.outcome == Outcome.INTERRUPTED).any())

    @property
    def imbalance(self) -> Array:
        """Heat that coolers took over heat given, less one, (S,)."""
        return self.heat_out / np.maximum(self.heat_in, 1e-9) - 1.0


class Observer:
    """Reads temperatures of a flow: at the inlets of racks, then at probes (x, y, z) [m].

    Attributes
    ----------
    cells
        Cells of all groups one after another, z, y, x, (m, 3).
    weights
        Share of each cell in the volume of its group, an array (n,) for each group.
    """

    def __init__(self, g: Geometry, probes: Sequence[Sequence[float]] = ()) -> None:
        groups = [t.upstream for t in g.racks]
        groups += [_cell_of(g, p) for p in probes]
        self.cells = np.concatenate(groups) if groups else np.zeros((0, 3), int)
        volumes = [g.grid.volume[tuple(cells.T)] for cells in groups]
        self.weights = [v / v.sum() for v in volumes]

    def read(self, flow: Flow) -> Array:
        """Mean temperature of each group [K], (group, S)."""
        index = tuple(flow.xp.asarray(a) for a in self.cells.T)
        T = np.asarray(fetch(flow.view("T")[(slice(None), *index)]), float).T
        means, first = [], 0
        for weights in self.weights:
            means.append(weights @ T[first : first + len(weights)])
            first += len(weights)
        return np.array(means).reshape(len(self.weights), flow.scenarios) + REFERENCE


def _cell_of(g: Geometry, point: Sequence[float]) -> Index:
    """The cell of a point (x, y, z) [m], or the nearest where that lies outside, (1, 3)."""
    place = [
        int(np.clip(np.searchsorted(g.grid.edges(c), p) - 1, 0, n - 1))
        for c, p, n in zip("xyz", point, g.grid.shape[::-1], strict=True)
    ]
    return np.array([place[::-1]])


class _HeatBalance(NamedTuple):
    """What happened to heat in some time: gain of each listed cell [K], (cell, S); time [s], (S,); stored [J], (S,)."""

    gained: Array
    seconds: Array
    stored: Array


class _Sampler:
    """Steps a flow and sums what is averaged, batch by batch.

    Attributes
    ----------
    flush
        Time of one flush [s].
    batches
        Mean temperatures of the observer's groups in every whole batch [K], each (group, S).
    settling
        The same of every part of the time before, and of the room's air last.
    balance
        Heat of all whole batches; None before the first.
    """

    def __init__(self, flow: Flow, g: Geometry, loads: Loads, probes: Sequence[Sequence[float]]) -> None:
        self.flow, self.g, self.loads = flow, g, loads
        self.moved = np.maximum(loads.cooler_flow.sum(axis=0), 1e-6)
        self.flush = min(float((g.grid.volume * ~g.solid).sum() / self.moved.min()), MAX_FLUSH)
        self.observer = Observer(g, probes)
        self.batches: list[Array] = []
        self.settling: list[Array] = []
        self.balance: _HeatBalance | None = None
        self.begin = flow.time.min()
        self._sums: dict[str, Array] = {}
        self._samples = 0

    @property
    def elapsed(self) -> float:
        """Time of the flow since the sampler was made [s]."""
        return self.flow.time.min() - self.begin

    @property
    def error(self) -> Array:
        """Half of the 95 % confidence interval of the mean of batches [K], (group, S); see `uncertainty`."""
        return uncertainty(self.batches)

    def start(self) -> None:
        """Count heat from here."""
        self._time, self._given = self.flow.time.copy(), self.flow.given.copy()
        self._stored = _stored_heat(self.flow, self.g, self.loads)

    def settle(self, flushes: float, report: Callable[[], object]) -> None:
        """Go on by some flushes that count for no average; `report` is called on the way."""
        air = self.g.grid.volume * ~self.g.solid
        whole = lambda flow: (np.asarray(fetch(flow.view("T")), float) * air).sum(axis=(1, 2, 3)) / air.sum()  # noqa: E731
        read = lambda flow: np.vstack([self.observer.read(flow), whole(flow)])  # noqa: E731
        self.settling.append(self._mean(flushes, read, report))

    def _mean(self, flushes: float, read: Callable[[Flow], Array], report: Callable[[], object]) -> Array:
        """Mean over some flushes of what is read (group, S)."""
        flow = self.flow
        total = seconds = np.zeros(())
        until = flow.time.min() + flushes * self.flush
        while flow.time.min() < until:
            before = flow.time.copy()
            flow.step(STRIDE)
            total = total + read(flow) * (flow.time - before)
            seconds = seconds + (flow.time - before)
            report()
        return total / seconds

    def add_batch(self, report: Callable[[], object]) -> None:
        """Go on by one flush; `report` is called on the way."""
        flow = self.flow

        def read(flow: Flow) -> Array:
            self._samples += 1
            for name in FIELDS:
                self._sums[name] = self._sums.get(name, 0.0) + flow.view(name)
            return self.observer.read(flow)

        mean = self._mean(1.0, read, report)
        stored = _stored_heat(flow, self.g, self.loads) - self._stored
        self.balance = _HeatBalance(flow.given - self._given, flow.time - self._time, stored)
        self.batches.append(mean)

    def average(self, outcome: Array) -> TimeAverage:
        """What has been sampled."""
        assert self.balance is not None
        flow, g, loads = self.flow, self.g, self.loads
        mean, error, racks = np.mean(self.batches, axis=0), self.error, len(g.racks)
        mean_fields = {c: np.asarray(fetch(a), float) / self._samples for c, a in self._sums.items()}
        taken, heat_out, heat_in = _heat(flow, g, loads, self.balance)
        running = loads.cooler_flow > MIN_FLOW
        warming = np.where(running, taken, 0.0) / (loads.capacity * np.maximum(loads.cooler_flow, MIN_FLOW))
        return TimeAverage(
            inlet=mean[:racks],
            error=error[:racks],
            intake=loads.supply + warming,
            probe=mean[racks:],
            probe_error=error[racks:],
            flushes=float(self.elapsed / self.flush),
            seconds=float(flow.time.min()),
            heat_in=heat_in,
            heat_out=heat_out,
            leak=_leak(g, mean_fields, self.moved),
            divergence=float(np.abs(flow.divergence())[:, ~g.solid].max() / float(np.max(self.moved))),
            fields=mean_fields,
            outcome=outcome,
        )


def average(
    flow: Flow,
    g: Geometry,
    loads: Loads,
    probes: Sequence[Sequence[float]] = (),
    averaging: Averaging = Averaging(),
    watch: Callable[[Course], object] | None = None,
) -> TimeAverage:
    """Step a flow until the mean inlet temperatures are known to a tolerance.

    The average begins when no inlet, no probe (x, y, z) [m] and not the air as a whole drifts any more (`drifting`), or
    after `averaging.max_spin_up` flushes. A batch is one flush of the room, its free volume over the coolers' flow.
    `min_batches` to `max_batches` of them are averaged, until half of the 95 % confidence interval of every inlet and
    probe is below `tolerance` [K]; `outcome` of the result says whether that came about. Ctrl-C ends the average with
    the batches that are whole; before the first one it raises KeyboardInterrupt with a word on that. `watch` is called
    after every few steps with how far it is.

    >>> average(flow, room, loads, averaging=Averaging(tolerance=0.5)).inlet
    """
    sampler = _Sampler(flow, g, loads, probes)
    report = _reporter(sampler, averaging, watch)
    restless = np.ones(flow.scenarios, bool)
    interrupted = False
    try:
        while restless.any() and sampler.elapsed < averaging.max_spin_up * sampler.flush:
            sampler.settle(averaging.window / PARTS, report)
            inlets, whole = ([rows[part] for rows in sampler.settling] for part in (slice(-1), slice(-1, None)))
            restless = drifting(inlets, averaging.tolerance) | drifting(whole, averaging.tolerance)
        sampler.start()
        while len(sampler.batches) < averaging.max_batches:
            sampler.add_batch(report)
            error = sampler.error.max(axis=0, initial=0.0)
            if len(sampler.batches) >= averaging.min_batches and (error < averaging.tolerance).all():
                break
    except KeyboardInterrupt:
        if not sampler.batches:
            raise KeyboardInterrupt("interrupted before the first average of the air: there is none to keep") from None
        interrupted = True
    uncertain = ~(sampler.error.max(axis=0, initial=0.0) < averaging.tolerance)
    outcome = np.where(restless, Outcome.STILL_DRIFTING, np.where(uncertain, Outcome.ERROR_ABOVE_TOLERANCE, 0))
    return sampler.average(np.where(interrupted, Outcome.INTERRUPTED, outcome).astype(np.int8))


def uncertainty(batches: Sequence[Array]) -> Array:
    """Half of the 95 % confidence interval of the mean of batches, each of the same shape; infinite with a single one.

    Student's t of batch means, which are taken as independent [Law, Simulation Modeling and Analysis, ch. 9].
    """
    n = len(batches)
    if n < 2:
        return np.full(np.shape(batches[0]), np.inf)
    return stdtrit(n - 1, 0.975) * np.std(batches, axis=0, ddof=1) / np.sqrt(n)


def drifting(parts: Sequence[Array], tolerance: float) -> Array:
    """Whether temperatures drift in the last PARTS of means over equal times [K], each (group, S); (S,).

    The mean of the later half then differs from that of the earlier one by more than a tolerance [K]. A flow that is
    statistically steady is not still, and of many inlets that swing one always seems to drift: all that differ so are
    seen together, and drift if they differ by more than the parts of a half do, both as sums of squares. One that
    drifts among many that swing as much is not told from these.
    """
    if len(parts) < PARTS:
        return np.ones(parts[0].shape[1] if parts else 1, bool)
    last = np.array(parts[-PARTS:])
    early, late = last[: PARTS // 2], last[PARTS // 2 :]
    moved = np.abs(late.mean(axis=0) - early.mean(axis=0))
    scatter = 0.5 * (np.ptp(early, axis=0) ** 2 + np.ptp(late, axis=0) ** 2)
    beyond = moved > tolerance
    return total(moved**2 * beyond) > total(scatter * beyond)


def _reporter(
    sampler: _Sampler, averaging: Averaging, watch: Callable[[Course], object] | None
) -> Callable[[], object]:
    """A function that tells how far an average is."""

    def report() -> None:
        if watch is None:
            return
        done, batches = float(sampler.elapsed / sampler.flush), len(sampler.batches)
        spin_up = max(averaging.window, averaging.window / PARTS * len(sampler.settling))
        error = float(sampler.error.max(initial=0.0)) if batches > 1 else np.nan
        required = averaging.min_batches
        if np.isfinite(error):
            wanted = batches * (error / averaging.tolerance) ** 2
            required = min(max(wanted, averaging.min_batches), averaging.max_batches)
        watch(Course(done, max(spin_up + required, done), error))

    return report


# ---- balances ----------------------------------------------------------------------------------------------------


def _leak(g: Geometry, mean_fields: dict[str, Array], moved: Array) -> Array:
    """Mean flow through closed faces between cells with air, over what the coolers move [m³/s] (S,); (S,)."""
    leak, free = np.zeros(len(moved)), ~g.solid
    widths = [g.grid.z[:, None, None], g.grid.y[:, None], g.grid.x]
    for d, name in enumerate("uvw"):
        axis = 2 - d
        area = np.prod(np.broadcast_arrays(*(w for a, w in enumerate(widths) if a != axis)), axis=0)
        inner = (slice(None),) * axis + (slice(1, -1),)
        closed = g.closed[d][inner] & np.delete(free, -1, axis) & np.delete(free, 0, axis)
        leak += (np.abs(mean_fields[name][:, *inner]) * area * closed).sum(axis=(1, 2, 3))
    return leak / moved


def _stored_heat(flow: Flow, g: Geometry, loads: Loads) -> Array:
    """Heat of the room's air over that at the reference temperature, J, (S,)."""
    T = np.asarray(fetch(flow.view("T")), float)
    return loads.capacity * (T * (g.grid.volume * ~g.solid)).sum(axis=(1, 2, 3))


def _heat(flow: Flow, g: Geometry, loads: Loads, balance: _HeatBalance) -> tuple[Array, Array, Array]:
    """Heat [W] that each cooler took (cooler, S), that all took less the air's own loss, and that was given (S,)."""
    gained, (*columns, rate, _, _) = fetch((balance.gained, flow.cells))
    cells = np.stack(columns, axis=1) - GHOSTS
    power = loads.capacity * gained.astype(float) * g.grid.volume[tuple(cells.T)][:, None] / balance.seconds
    row = np.full(g.grid.shape, -1)
    row[tuple(cells.T)] = np.arange(len(cells))
    taken = np.array([-power[row[tuple(t.cells.T)]].sum(axis=0) for t in g.coolers]).reshape(-1, flow.scenarios)
    heat_in = np.where(rate > 0, 0.0, power).sum(axis=0)
    return taken, taken.sum(axis=0) + balance.stored / balance.seconds, heat_in
