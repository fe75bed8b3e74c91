"""One scenario of a plant at several loads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from twin.elements import Plant
from twin.facility.scenarios import alike
from twin.plant.compile import compile
from twin.serving.tokens import at_work, platforms


def at_levels(plant: Plant, scenario: int, levels: Any) -> Plant:
    """One scenario of a plant as many times as there are levels, its racks that serve at work for that share."""
    levels = np.asarray(levels, float)
    given = {a: np.full(len(levels), v[scenario]) for a, v in plant.coordinates.items()}
    found = compile(plant.facility, given or alike(plant.facility, len(levels)))
    share = np.ones((len(found.engine.stream), len(levels)))
    for _, rows in platforms(found):
        share[rows] = levels
    e = found.engine
    busy = replace(e, utilisation=e.utilisation * share, host_utilisation=e.host_utilisation * share)
    return at_work(replace(found, engine=busy))
