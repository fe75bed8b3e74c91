"""Computed air in the plant: the fields of its rooms and the coupling loop take turns until no inlet moves.

The plant gives a field what moves and heats its air: flows of racks and coolers, supply temperatures, heat of all that
stands in the room. The field gives back what racks breathe and coolers draw, and how much air goes astray.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from twin import columns
from twin.air.exchange import NO_PLACES, faults, imposed
from twin.air.field import Averaged, Loads, average, beside, flow, inherit
from twin.air.geometry import Geometry
from twin.air.mesh import meshes, rooms
from twin.air.response import Response, RoomAir, informed
from twin.columns import Array
from twin.elements import Status
from twin.facility.files import LayoutError
from twin.kernels.arrays import home
from twin.kernels.finite_volume import Flow, Physics
from twin.plant.compile import Plant
from twin.solver.steady import Solution, steady

log = logging.getLogger("twin")

Progress = Callable[[str], Any] | None
MOST_LEAK = 0.02
"""Share of the coolers' air through closed faces above which a warning is due."""

SAME = 1e-3
"""Share by which what is imposed on two rooms may differ if they are to be the same air."""


@dataclass(frozen=True)
class Mixed:
    """Rooms as mixed nodes whose recirculation and bypass the layout gives."""


@dataclass(frozen=True)
class FiniteVolume:
    """Computed air in cells of `cell` [m], in the named rooms or in all whose racks and coolers have places.

    Steady is an average over flushes of the room, until twice the standard error of every inlet is below `tolerance`
    [K]. Field and plant take turns, at most `turns`, until inlets move by less than that; where `coarse`, first on
    cells of twice the size. `turbulence` is smagorinsky or zero_equation.
    """

    cell: float = 0.2
    tolerance: float = 0.5
    rooms: tuple[str, ...] = ()
    coarse: bool = True
    turns: int = 4
    turbulence: Literal["smagorinsky", "zero_equation"] = "smagorinsky"
    precision: Literal["float32", "float64"] = "float32"


Air = Mixed | FiniteVolume | Response


@dataclass(frozen=True)
class Aired:
    """A solved plant with the air of its rooms; `stopped` if that was interrupted before its error bars were met."""

    plant: Plant
    solution: Solution
    rooms: tuple[RoomAir, ...] = ()
    stopped: bool = False


def solve(plant: Plant, air: Air, device: str = "cpu", progress: Progress = None) -> Aired:
    """Solve a plant with its air mixed, computed, or as a response carries it.

    Raises LayoutError where rooms cannot be meshed or carry unbalanced flows.
    """
    if isinstance(air, Response):
        plant = air.carried(plant)
    base = steady(plant, device=device)
    if not isinstance(air, FiniteVolume) or not (base.status == Status.OK).any():
        return Aired(plant, base)
    names = air.rooms or tuple(rooms(plant.facility))
    if not names:
        raise LayoutError(plant.facility.source, [NO_PLACES])
    solution, fields = base, {}
    found: dict[str, RoomAir] = {}
    for cell, groups in _levels(plant, base, air, names):
        for turn in range(air.turns):
            for k, group in enumerate(groups):
                say = _said(progress, f"{group.title}: {cell:g} m cells, turn {turn + 1}")
                tolerance = air.tolerance if cell == air.cell else 2.0 * air.tolerance
                try:
                    last = _turn(plant, solution, group, fields.get(k), air, tolerance, home(device), say, found)
                except KeyboardInterrupt:
                    if len(found) < len(names):
                        raise
                    return Aired(plant, solution, _sorted(found, names), stopped=True)
                fields[k], stopped = last
                if stopped:
                    break
            aired = _sorted(found, names)
            plant = informed(plant, solution, aired)
            solution = steady(plant, device=device)
            moved = max(r.moved for r in aired)
            log.debug("%g m cells, turn %d: inlets moved by %.2f K", cell, turn + 1, moved)
            if any(r.mean.stopped for r in aired):
                return Aired(plant, solution, aired, stopped=True)
            if moved < 2.0 * air.tolerance:
                break
    return Aired(plant, solution, _sorted(found, names))


def _sorted(found: dict[str, RoomAir], names: Sequence[str]) -> tuple[RoomAir, ...]:
    return tuple(found[n] for n in names if n in found)


@dataclass(frozen=True)
class _Alike:
    """Rooms of one geometry, whose scenarios are those of one field, each different one once.

    `column` (room, S) is the column of the field for each room and scenario, and `first` what stands for each column,
    an index into the rooms' scenarios one after another.
    """

    rooms: dict[str, Geometry]
    column: Array
    first: Array

    @property
    def geometry(self) -> Geometry:
        """That of the first room."""
        return next(iter(self.rooms.values()))

    @property
    def title(self) -> str:
        """What progress calls the rooms."""
        name, *others = self.rooms
        return f"{name} and {len(others)} like it" if others else name


def _levels(
    plant: Plant, base: Solution, air: FiniteVolume, names: tuple[str, ...]
) -> list[tuple[float, list[_Alike]]]:
    """Cell sizes from coarse to fine, with the rooms. Raises LayoutError for rooms that cannot be, or cannot balance.

    A coarser start that cannot part what stands in a room is left out.
    """
    levels = [(air.cell, meshes(plant.facility, names, air.cell))]
    if air.coarse:
        try:
            levels.insert(0, (2.0 * air.cell, meshes(plant.facility, names, 2.0 * air.cell)))
        except LayoutError as error:
            log.debug("no coarser start: %s", error)
    told: dict[str, None] = {}
    found = []
    for cell, groups in levels:
        alike = []
        for group in groups:
            each = [imposed(plant, base, n, g)[2] for n, g in group.items()]
            told |= {
                f"room {n}: {f}": None for (n, g), x in zip(group.items(), each, strict=True) for f in faults(x, g)
            }
            column, first = _columns(beside(each).table)
            alike.append(_Alike(group, column.reshape(len(group), -1), first))
        found.append((cell, alike))
    if told:
        raise LayoutError(plant.facility.source, list(told))
    return found


def _columns(table: Array) -> tuple[Array, Array]:
    """Columns that are the same but for `SAME`: the number of each one's kind, and the first of every kind."""
    kind, first = np.full(table.shape[1], -1), []
    for c in range(table.shape[1]):
        if kind[c] < 0:
            near = np.abs(table - table[:, c : c + 1]).max(axis=0, initial=0.0) < SAME
            kind[near & (kind < 0)] = len(first)
            first.append(c)
    return kind, np.array(first)


def _said(progress: Progress, label: str) -> Progress:
    return (lambda text: progress(f"{label}: {text}")) if progress else None


def _turn(
    plant: Plant,
    solution: Solution,
    alike: _Alike,
    last: Flow | None,
    air: FiniteVolume,
    tolerance: float,
    xp: Any,
    progress: Progress,
    found: dict[str, RoomAir],
) -> tuple[Flow, bool]:
    """Put the averages of rooms' air at what the plant's solution imposes into `found`, going on from the last field.

    The field comes back, and whether the average was stopped.
    """
    g = alike.geometry
    each = {n: imposed(plant, solution, n, own) for n, own in alike.rooms.items()}
    loads: Loads = beside([x[2] for x in each.values()]).picked(alike.first)
    field = flow(g, loads, Physics(turbulence=air.turbulence), kind=air.precision, xp=xp)
    if last is not None:
        inherit(field, last)
    spin_up = 3.0 if last is None else 1.0
    mean: Averaged = average(field, g, loads, tolerance=tolerance, spin_up=spin_up, progress=progress)
    for (name, (engine, fan, own)), column in zip(each.items(), alike.column, strict=True):
        part = mean.picked(column)
        before = found[name].mean.inlet if name in found else solution[columns.engine.air_inlet][engine]
        moved = float(np.abs(part.inlet - before).max(initial=0.0))
        found[name] = RoomAir(name, alike.rooms[name], engine, fan, own, part, moved)
        if part.leak.max() > MOST_LEAK:
            log.warning(
                "room %s: %.1f %% of its air passes closed faces; its openings are too narrow",
                name,
                100 * part.leak.max(),
            )
    return field, mean.stopped
