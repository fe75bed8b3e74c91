"""One scenario of a plant at several loads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from twin.facility.scenarios import uniform
from twin.plant.compile import Plant, compile
from twin.serving.tokens import at_work


def at_levels(plant: Plant, scenario: int, levels: ArrayLike) -> Plant:
    """One scenario of a plant as many times as there are levels, its racks that serve at work for that share."""
    levels = np.asarray(levels, float)
    given = {a: np.full(len(levels), v[scenario]) for a, v in plant.coordinates.items()}
    loaded = compile(plant.facility, given or uniform(plant.facility, len(levels)), plant.classes)
    share = np.ones((len(loaded.engine.stream), len(levels)))
    for _, rows in loaded.platforms():
        share[rows] = levels
    e = loaded.engine
    busy = replace(e, utilisation=e.utilisation * share, host_utilisation=e.host_utilisation * share)
    return at_work(replace(loaded, engine=busy))
