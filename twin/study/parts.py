"""Scenarios of a facility by what is alike in them: each group is one plant, in which what is alike is solved once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.air.response import Response
from twin.air.turns import Air, AirSolution, FiniteVolume
from twin.air.turns import solve as solve_air
from twin.block import Block
from twin.columns import Index
from twin.facility.graph import Facility
from twin.facility.scenarios import Scenarios, read
from twin.plant.compile import Plant, compile
from twin.plant.symmetry import NO_MARKS, alone, partitions
from twin.serving.tokens import at_work
from twin.solver.steady import Progress
from twin.study.idle import with_idle_hours


class Part(NamedTuple):
    """Scenarios with the same classes: their numbers (scenario,) and their solution."""

    scenarios: Index
    air: AirSolution


def plants(
    facility: Facility,
    given: Scenarios | None = None,
    marks: Mapping[str, int] = NO_MARKS,
    symmetry: bool = True,
    memory: float = np.inf,
) -> Iterator[tuple[Index, Plant]]:
    """Plants of scenarios, those with the same classes together, with their numbers; of the layout's own if not given.

    marks: numbers of components, which are alike only if these are equal too, by name. symmetry: whether what is alike
    is solved once. memory: bytes that the solved columns of a plant may take.
    """
    scenarios = read(facility, {}) if given is None else given
    groups = partitions(facility, scenarios, marks) if symmetry else [(np.arange(scenarios.size), alone(facility))]
    for chosen, classes in groups:
        own = given if given is None or len(chosen) == given.size else given.part(chosen)
        plant = at_work(compile(facility, own, classes))
        most = len(chosen) if np.isinf(memory) else max(int(memory // column_bytes(plant)), 1)
        if most >= len(chosen):
            yield chosen, plant
            continue
        for begin in range(0, len(chosen), most):
            some = chosen[begin : begin + most]
            yield some, at_work(compile(facility, scenarios.part(some), classes))


def column_bytes(plant: Plant) -> int:
    """Bytes of the solved columns of one scenario."""
    return 8 * len(Block(plant, 1).solved)


def solve(
    facility: Facility,
    given: Scenarios | None,
    air: Air,
    device: str = "cpu",
    progress: Progress | None = None,
    finished: Callable[[int], object] | None = None,
    symmetry: bool = True,
    memory: float = np.inf,
) -> Iterator[Part]:
    """Solutions of scenarios, see `plants` and `air.turns.solve`.

    Racks and coolers of a room whose air is carried by a response differ in how they answer and are solved by
    themselves; where air is computed, everything is. Hours in which nothing is served are solved with rooms mixed.
    """
    marks = of_response(facility, air)
    if isinstance(air, FiniteVolume):
        symmetry, memory = False, np.inf
    for chosen, plant in plants(facility, given, marks, symmetry, memory):
        solved = solve_air(plant, air, device, progress, finished)
        yield Part(chosen, replace(solved, solution=with_idle_hours(solved.solution, plant, device)))


def of_response(facility: Facility, air: Air) -> dict[str, int]:
    """A number of its own for every rack and cooler of rooms whose air a response carries, by name."""
    rooms = air.rooms.values() if isinstance(air, Response) else ()
    apart = {name for room in rooms for name in (*room.racks, *room.coolers)}
    return {name: i for i, name in enumerate(sorted(n for n in apart if n in facility.components))}
