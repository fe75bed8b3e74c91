"""Scenarios of a facility by what is alike in them: each group is one plant, in which what is alike is solved once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from twin.air.response import Response
from twin.air.turns import Air, AirSolution, FiniteVolume
from twin.air.turns import solve as solve_air
from twin.columns import Index
from twin.facility.graph import Facility
from twin.facility.scenarios import Scenarios, read
from twin.plant.compile import Plant, compile
from twin.plant.symmetry import NO_MARKS, alone, partitions
from twin.serving.tokens import at_work
from twin.solver.steady import Progress


class Part(NamedTuple):
    """Scenarios with the same classes: their numbers (scenario,) and their solution."""

    scenarios: Index
    air: AirSolution


def plants(
    facility: Facility, given: Scenarios | None = None, marks: Mapping[str, int] = NO_MARKS, symmetry: bool = True
) -> list[tuple[Index, Plant]]:
    """Plants of scenarios, those with the same classes together, with their numbers; of the layout's own if not given.

    marks: numbers of components, which are alike only if these are equal too, by name. symmetry: whether what is alike
    is solved once.
    """
    scenarios = read(facility, {}) if given is None else given
    groups = partitions(facility, scenarios, marks) if symmetry else [(np.arange(scenarios.size), alone(facility))]
    found = list[tuple[Index, Plant]]()
    for chosen, classes in groups:
        own = given if given is None or len(chosen) == given.size else given.part(chosen)
        found.append((chosen, at_work(compile(facility, own, classes))))
    return found


def solve(
    facility: Facility,
    given: Scenarios | None,
    air: Air,
    device: str = "cpu",
    progress: Progress | None = None,
    finished: Callable[[int], object] | None = None,
    symmetry: bool = True,
) -> tuple[Part, ...]:
    """Solutions of scenarios, see `plants` and `air.turns.solve`.

    Racks and coolers of a room whose air is carried by a response differ in how they answer and are solved by
    themselves; where air is computed, everything is.
    """
    apart = set[str]()
    if isinstance(air, Response):
        apart.update(*((*room.racks, *room.coolers) for room in air.rooms.values()))
    marks = {name: i for i, name in enumerate(sorted(apart & set(facility.components)))}
    groups = plants(facility, given, marks, symmetry and not isinstance(air, FiniteVolume))
    return tuple(Part(chosen, solve_air(plant, air, device, progress, finished)) for chosen, plant in groups)
