"""Hours in which nothing is served: what a plant uses then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from twin.elements import Status
from twin.money.yearly import served_share, used
from twin.plant.compile import Plant
from twin.solver.steady import Solution, like, steady


def with_idle_hours(solution: Solution, plant: Plant, device: str = "cpu") -> Solution:
    """A solution with what its plant uses while nothing is served, in scenarios that have such hours.

    plant: what was solved, its rooms mixed. It is solved again in these scenarios alone, with no chips or hosts at work
    in racks that serve; where tokens are served all year, nothing is. device: see `steady`.
    """
    some = np.flatnonzero((served_share(plant) < 1.0) & (solution.status == Status.OK))
    if not len(some):
        return solution
    return replace(solution, idle=used(steady(at_rest(plant), device=device, only=some)))


def at_rest(plant: Plant) -> Plant:
    """The plant with no chips or hosts at work in racks that serve."""
    works = np.ones((len(plant.engine.stream), 1))
    for _, rows in plant.platforms():
        works[rows] = 0.0
    e = plant.engine
    rest = replace(e, utilisation=e.utilisation * works, host_utilisation=e.host_utilisation * works)
    return like(plant, replace(plant, engine=rest))
