"""Computed air in the plant: the fields of its rooms and the coupling loop take turns until no inlet moves.

The plant gives a field what moves and heats its air: flows of racks and coolers, supply temperatures, heat of all that
stands in the room. The field gives back what racks breathe and coolers draw, and how much air recirculates or bypasses.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from types import ModuleType
from typing import Literal, NamedTuple, get_args

import numpy as np

from twin import columns
from twin.air.averaging import Averaging, Course, Outcome, TimeAverage, average
from twin.air.exchange import NO_PLACES, faults, imposed, known
from twin.air.field import Loads, concatenate, map_fields, start_flow
from twin.air.geometry import Geometry
from twin.air.mesh import listed, meshes, moving, rooms
from twin.air.response import Response, RoomAir, informed, unsettled
from twin.columns import Array, Index
from twin.elements import Status
from twin.facility.files import LayoutError, hint
from twin.kernels.arrays import home
from twin.kernels.finite_volume import Flow, Momentum, Physics, Turbulence
from twin.plant.compile import Plant
from twin.solver.steady import Solution, steady
from twin.units import parse

log = logging.getLogger("twin")

Progress = Callable[[str], object] | None
"""What is called with a line of text now and then, if anything."""

MAX_LEAK = 0.02
"""Share of the coolers' air through closed faces above which a warning is due."""

SAME_AIR = 1e-3
"""Share by which what is imposed on two rooms may differ if they are to have the same air."""

FIRST_WINDOW, NEXT_WINDOW = 2.0, 1.0
"""Flushes without drift before an average begins: of a field from rest, and of one that goes on from another."""

USUAL_TURNS, USUAL_FLUSHES = 2, 8
"""Turns on cells of one size, and flushes in each, that are usual: for the time that is left."""

COARSER = 2.0
"""Cell size and tolerance of a coarse start over those of the final cells."""

MAX_MOVE = 2.0
"""How far inlets may move in the last turn, in tolerances."""


CHOICES = {
    "momentum": get_args(Momentum),
    "turbulence": tuple(t for t in get_args(Turbulence) if t != "none"),
    "precision": ("float32", "float64"),
}
"""What some attributes of `FiniteVolume` may be."""


@dataclass(frozen=True)
class Mixed:
    """Rooms as mixed nodes whose recirculation and bypass the layout gives."""


@dataclass(frozen=True)
class FiniteVolume:
    """Computed air by finite volumes. `cell` and `tolerance` may be text with a unit, such as "0.4 m".

    Raises LayoutError for what cannot be.

    Attributes
    ----------
    cell
        Size of a cell [m]; what depends on it is told by a second size.
    tolerance
        Half of the 95 % confidence interval that every inlet's mean may have [K]; field and plant take turns until
        inlets move by less than twice as much.
    rooms
        Rooms whose air is computed; all in which racks and coolers have places if none are named. All that moves their
        air must have a place there.
    coarse
        Whether to begin on cells of twice the size.
    turns
        Greatest number of turns of field and plant on cells of one size.
    momentum
        How velocity is carried: by "central" differences, which keep kinetic energy, or by "limited" upwind ones, which
        damp it.
    turbulence
        Model of the eddies that cells do not hold: "smagorinsky", "wale", "vreman", "dynamic" (Smagorinsky's with a
        constant that the flow gives), or "zero_equation", the model of Chen and Xu for rooms.
    precision
        Of the fields.
    """

    cell: float = 0.4
    tolerance: float = 0.5
    rooms: tuple[str, ...] = ()
    coarse: bool = True
    turns: int = 4
    momentum: Momentum = "central"
    turbulence: Turbulence = "dynamic"
    precision: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        faults: list[str] = []
        for name, quantity in (("cell", "length"), ("tolerance", "temperature_difference")):
            object.__setattr__(self, name, _positive(name, getattr(self, name), quantity, faults))
        if isinstance(self.rooms, (tuple, list)) and all(isinstance(n, str) and n for n in self.rooms):
            object.__setattr__(self, "rooms", tuple(self.rooms))
            twice = sorted({n for n in self.rooms if self.rooms.count(n) > 1})
            faults += [f"rooms: {listed(twice)} given twice"] if twice else []
        else:
            faults.append(f"rooms: {self.rooms!r}: give a list of names, such as ['hall']")
        if not isinstance(self.coarse, bool):
            faults.append(f"coarse: {self.coarse!r}: give true or false")
        if not isinstance(self.turns, int) or isinstance(self.turns, bool) or self.turns < 1:
            faults.append(f"turns: {self.turns!r}: give a whole number from 1")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                faults.append(f"{name}: {getattr(self, name)!r} is none of {', '.join(choices)}")
        if faults:
            raise LayoutError("FiniteVolume", faults)


def _positive(name: str, value: object, quantity: str, faults: list[str]) -> float:
    """A number in SI units or text with a unit, above 0; a fault and 1 for what is none."""
    try:
        number = parse(value, quantity) if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    except ValueError as error:
        faults.append(f"{name}: {error}")
        return 1.0
    if not 0.0 < number < np.inf:
        faults.append(f"{name}: {value!r}: give a number above 0")
    return number


Air = Mixed | FiniteVolume | Response
"""How the air of rooms is modelled."""

MODELS = {"mixed": Mixed, "finite_volume": FiniteVolume}
"""Models of air by the names that the command line knows."""


def model(air: object) -> Air:
    """A model of air: the value itself, a new one for its name, `Mixed()` for None. Raises LayoutError for all else.

    >>> model("finite_volume")
    """
    if air is None:
        return Mixed()
    if isinstance(air, Air):
        return air
    if isinstance(air, str) and air in MODELS:
        return MODELS[air]()
    raise LayoutError(
        "air",
        [
            f"{air!r} is no model of air{hint(air, MODELS)}; give {' or '.join(map(repr, MODELS))}, "
            "Mixed(), FiniteVolume(cell=...), or the `response` of a result with computed air"
        ],
    )


@dataclass(frozen=True)
class AirSolution:
    """A solved plant with the air of its rooms.

    Attributes
    ----------
    plant
        The plant that was solved, with recirculation, bypass and inlets as the fields have them.
    solution
        Its steady state.
    rooms
        Computed air, a record for each room; none where rooms are mixed.
    stopped
        Whether the air was interrupted before its errors were below the tolerance.
    """

    plant: Plant
    solution: Solution
    rooms: tuple[RoomAir, ...] = ()
    stopped: bool = False


def solve(
    plant: Plant,
    air: Air,
    device: str = "cpu",
    progress: Progress = None,
    finished: Callable[[int], object] | None = None,
) -> AirSolution:
    """Solve a plant with its air mixed, computed, or as a response carries it to other scenarios.

    `device` is cpu, cuda or auto; `progress` is called with lines of text, `finished` with the number of scenarios
    whose mixed or carried air has just been solved. An interrupt (Ctrl-C) ends the computation
    with the averages that there are, if every room has one. Without a solution of the mixed plant no field is computed.
    Raises LayoutError where rooms cannot be meshed, carry unbalanced flows, or have air moved by what has no place.

    >>> solve(plant, FiniteVolume(cell=0.2)).rooms[0].mean.inlet
    """
    if isinstance(air, Response):
        plant = air.carried(plant)
    now = AirSolution(plant, steady(plant, device=device, finished=finished))
    if not isinstance(air, FiniteVolume) or not (now.solution.status == Status.OK).any():
        return now
    names = air.rooms or tuple(rooms(plant.facility))
    if not names:
        raise LayoutError(plant.facility.source, [NO_PLACES])
    there = plant.zone.names
    if unknown := [
        f"air: no room {n!r}{hint(n, there) or f'; there are {listed(there)}'}" for n in names if n not in there
    ]:
        raise LayoutError(plant.facility.source, unknown)
    if not air.rooms and (others := sorted(moving(plant.facility) - set(names))):
        log.warning("air: mixed in %s, in which no rack or cooler has a place", listed(others))
    if hopeless := [n for n in names if not known(plant, now.solution, n).any()]:
        log.warning("air: not computed in %s, as nothing takes the heat away there", listed(hopeless))
        names = tuple(n for n in names if n not in hopeless)
    if not names:
        return now
    levels = _levels(now, air, names)
    run = _Run(air, names, device, home(device), _Watch(progress, levels))
    for level in levels:
        now = _settle(now, level, run)
        if now.stopped:
            break
    _tell(run)
    return replace(now, rooms=run.averages)


def _tell(run: _Run) -> None:
    """Warnings of rooms whose air is not what was asked for."""
    for room in run.averages:
        if room.mean.leak.max() > MAX_LEAK:
            log.warning(
                "room %s: %.1f %% of its air passes closed faces; its openings are too narrow",
                room.room,
                100 * room.mean.leak.max(),
            )
        for text, scenarios in unsettled(room):
            size = room.mean.outcome.size
            log.warning("%s%s", text, f" in {len(scenarios):,} of {size:,} scenarios" if size > 1 else "")


@dataclass(frozen=True)
class _Run:
    """What all turns share: the request, and the last field and average of every room.

    Attributes
    ----------
    fields
        Flows by the names of the rooms that share them.
    rooms
        Computed air by room.
    """

    air: FiniteVolume
    names: tuple[str, ...]
    device: str
    xp: ModuleType
    watch: _Watch
    fields: dict[tuple[str, ...], Flow] = field(default_factory=dict)
    rooms: dict[str, RoomAir] = field(default_factory=dict)

    @property
    def averages(self) -> tuple[RoomAir, ...]:
        """Computed air of the rooms that have some, in the order of their names."""
        return tuple(self.rooms[n] for n in self.names if n in self.rooms)


class _Watch:
    """Tells how far a run is, and how much time it is likely to take yet."""

    def __init__(self, progress: Progress, levels: Sequence[_Level]) -> None:
        self._progress, self._levels = progress, levels
        self._done, self._began = 0.0, time.perf_counter()

    def average(self, level: _Level, group: _SameRooms, turn: int) -> Callable[[Course], object] | None:
        """What is told of the average of a group."""
        if self._progress is None:
            return None
        progress, whole = self._progress, self._later(level, group, turn)
        before = self._done

        def told(course: Course) -> None:
            self._done = before + group.work(level.cell) * course.flushes
            left = whole + group.work(level.cell) * (course.expected - course.flushes)
            seconds = (time.perf_counter() - self._began) * left / max(self._done, 1e-9)
            error = "" if np.isnan(course.error) else f", ±{course.error:.2f} K"
            where = f"{group.title}, {level.cell:g} m, turn {turn}"
            progress(f"{_rounded(seconds)} left: {where}, flush {course.flushes:.1f}{error}")

        return told

    def _later(self, level: _Level, group: _SameRooms, turn: int) -> float:
        """Work that usually follows an average."""
        once = lambda which, groups: sum(USUAL_FLUSHES * g.work(which.cell) for g in groups)  # noqa: E731
        after = level.groups[level.groups.index(group) + 1 :]
        turns = max(USUAL_TURNS - turn, 0) * once(level, level.groups)
        finer = self._levels[self._levels.index(level) + 1 :]
        return once(level, after) + turns + sum(USUAL_TURNS * once(f, f.groups) for f in finer)


def _rounded(seconds: float) -> str:
    """Time as one reads it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


@dataclass(frozen=True, eq=False)
class _SameRooms:
    """Rooms of one geometry, whose scenarios are those of one field, each different one once.

    Attributes
    ----------
    rooms
        Geometry of each room, equal but for names.
    column
        Column of the field for each scenario of each room, (room, S).
    first
        What stands for each column: an index into the rooms' scenarios one after another, (column,).
    """

    rooms: dict[str, Geometry]
    column: Index
    first: Index

    @property
    def geometry(self) -> Geometry:
        """That of the first room."""
        return next(iter(self.rooms.values()))

    @property
    def title(self) -> str:
        """What progress calls the rooms."""
        name, *others = self.rooms
        return f"{name} and {len(others)} like it" if others else name

    def work(self, cell: float) -> float:
        """Work of a flush over that of others: cells, and steps, which are the more the smaller the cells [m]."""
        return float(np.prod(self.geometry.grid.shape)) * len(self.first) / cell


class _Level(NamedTuple):
    """Rooms on cells of one size [m], in groups that share a field, and the tolerance of their inlets [K]."""

    cell: float
    tolerance: float
    groups: list[_SameRooms]


# ---- turns -------------------------------------------------------------------------------------------------------


def _settle(now: AirSolution, level: _Level, run: _Run) -> AirSolution:
    """Fields and plant in turns on cells of one size, until inlets hardly move."""
    for turn in range(1, run.air.turns + 1):
        now = _turn(now, level, turn, run)
        if now.stopped:
            break
        moved = max(r.moved.max() for r in now.rooms)
        log.debug("%g m cells, turn %d: inlets moved by %.2f K", level.cell, turn, moved)
        if moved < MAX_MOVE * run.air.tolerance:
            return now
    for name, room in run.rooms.items():
        before = room.mean.outcome
        moving = (room.moved >= MAX_MOVE * run.air.tolerance) & (before == Outcome.SETTLED)
        if not room.mean.stopped:
            outcome = np.where(moving, Outcome.STILL_MOVING, before).astype(np.int8)
            run.rooms[name] = replace(room, mean=replace(room.mean, outcome=outcome))
    return now


def _turn(now: AirSolution, level: _Level, turn: int, run: _Run) -> AirSolution:
    """The air of all rooms at what the plant imposes, then the plant with what racks breathe and coolers draw."""
    try:
        for group in level.groups:
            if _average(now, group, level, turn, run).stopped:
                break
    except KeyboardInterrupt as error:
        if without := [name for name in run.names if name not in run.rooms]:
            text = f"interrupted before the air of {listed(without)} had an average: nothing is kept"
            raise KeyboardInterrupt(text) from error
        for name, room in run.rooms.items():
            outcome = np.full_like(room.mean.outcome, Outcome.INTERRUPTED)
            run.rooms[name] = replace(room, mean=replace(room.mean, outcome=outcome))
        return replace(now, rooms=run.averages, stopped=True)
    averages = run.averages
    plant = informed(now.plant, now.solution, averages)
    solution = steady(plant, device=run.device)
    return AirSolution(plant, solution, averages, any(r.mean.stopped for r in averages))


def _average(now: AirSolution, group: _SameRooms, level: _Level, turn: int, run: _Run) -> TimeAverage:
    """Mean air of rooms that share a field, which goes on from their last one; `run` keeps both."""
    g, key = group.geometry, tuple(group.rooms)
    each = {name: imposed(now.plant, now.solution, name, own) for name, own in group.rooms.items()}
    loads = concatenate([imposed_loads for _, _, imposed_loads in each.values()]).select(group.first)
    physics = Physics(turbulence=run.air.turbulence, momentum=run.air.momentum)
    flow = start_flow(g, loads, physics, kind=run.air.precision, xp=run.xp)
    if key in run.fields:
        map_fields(flow, run.fields[key])
    averaging = Averaging(level.tolerance, NEXT_WINDOW if key in run.fields else FIRST_WINDOW)
    mean = average(flow, g, loads, averaging=averaging, watch=run.watch.average(level, group, turn))
    for (name, (engine, fan, own)), column in zip(each.items(), group.column, strict=True):
        part = _of_solved(mean.select(column), known(now.plant, now.solution, name))
        before = run.rooms[name].mean.inlet if name in run.rooms else now.solution[columns.engine.air_inlet][engine]
        moved = np.abs(part.inlet - before).max(axis=0, initial=0.0) * (part.outcome != Outcome.NOT_SOLVED)
        run.rooms[name] = RoomAir(name, level.cell, group.rooms[name], engine, fan, own, part, moved)
    run.fields[key] = flow
    return mean


def _of_solved(mean: TimeAverage, solved: Array) -> TimeAverage:
    """The same; scenarios without a solution, which were computed with another's loads, have no error bar (S,)."""
    outcome = np.where(solved, mean.outcome, Outcome.NOT_SOLVED).astype(np.int8)
    return replace(mean, outcome=outcome, error=np.where(solved, mean.error, np.nan))


# ---- rooms on cells ----------------------------------------------------------------------------------------------


def _levels(base: AirSolution, air: FiniteVolume, names: Sequence[str]) -> list[_Level]:
    """Rooms on coarse cells where requested, then on fine ones, grouped by what the mixed plant imposes on them.

    A coarser start that cannot part what stands in a room is left out. Raises LayoutError for rooms that cannot be
    meshed, or whose flows do not balance.
    """
    facility = base.plant.facility
    meshed = [(air.cell, air.tolerance, meshes(facility, names, air.cell))]
    if air.coarse:
        cell = COARSER * air.cell
        try:
            meshed.insert(0, (cell, COARSER * air.tolerance, meshes(facility, names, cell)))
        except LayoutError as error:
            log.debug("no coarser start: %s", error)
    levels, messages = [], []
    for cell, tolerance, groups in meshed:
        each = [_group(base, geometries) for geometries in groups]
        levels.append(_Level(cell, tolerance, [group for group, _ in each]))
        messages += [text for _, texts in each for text in texts]
    if messages:
        raise LayoutError(facility.source, list(dict.fromkeys(messages)))
    for row, name in enumerate(base.plant.zone.names):
        if name in names and (base.plant.zone.ventilation[row] > 0).any():
            log.warning("room %s: its ventilation has no place and is no part of its computed air", name)
    return levels


def _group(base: AirSolution, geometries: dict[str, Geometry]) -> tuple[_SameRooms, list[str]]:
    """Rooms of one geometry with the columns of their field, and what is wrong with their flows."""
    loads: list[Loads] = [imposed(base.plant, base.solution, name, g)[2] for name, g in geometries.items()]
    column, first = _columns(concatenate(loads).normalised)
    messages = [
        f"room {name}: {text}"
        for (name, g), own in zip(geometries.items(), loads, strict=True)
        for text in faults(base.plant, base.solution, name, g, own)
    ]
    return _SameRooms(geometries, column.reshape(len(geometries), -1), first), messages


def _columns(table: Array) -> tuple[Index, Index]:
    """Kind of every column of a table (row, n), those of one kind equal but for `SAME_AIR`, and the first of each kind.

    The shapes are (n,) and (kind,).
    """
    kind, first = np.full(table.shape[1], -1), []
    for c in range(table.shape[1]):
        if kind[c] < 0:
            near = np.abs(table - table[:, c : c + 1]).max(axis=0, initial=0.0) < SAME_AIR
            kind[near & (kind < 0)] = len(first)
            first.append(c)
    return kind, np.array(first)
