"""Any number of scenarios, solved chunk by chunk, of which only what is asked for is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from twin.air.turns import Air, FiniteVolume
from twin.columns import Index
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.facility.scenarios import Scenarios
from twin.kernels.later import later
from twin.plant.compile import Plant
from twin.results.dataset import BOUND, FIELDS, Joined, choose, dataset, fields, provenance
from twin.serving.tokens import different_terms
from twin.solver.pace import Pace
from twin.solver.steady import Progress
from twin.study.bound import bounds
from twin.study.parts import column_bytes, plants, solve

if TYPE_CHECKING:
    import xarray as xr
else:
    xr = later("xarray")

CHUNK = 4096
"""Scenarios that are solved together at most."""

MEMORY = 2**29
"""Bytes of solved columns that a chunk may have; its plant and its results take about twice as much again."""

LARGEST = 8 * 10**9
"""Bytes of solved columns that a result may have."""

SMALL = 1_000_000
"""Scenarios times components of which no result is too large."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a solve of many scenarios. dataset: what was asked for of those that were done, the first ones."""

    def __init__(self, message: str, dataset: xr.Dataset) -> None:
        super().__init__(message)
        self.dataset = dataset


def stream(
    facility: Facility,
    scenarios: Scenarios,
    outputs: Sequence[str],
    air: Air,
    device: str,
    progress: Progress | None,
    symmetry: bool = True,
) -> xr.Dataset:
    """What is asked for of all scenarios; see `dataset.choose` for `outputs`, and `api.solve` for the rest.

    Every value is that of a solve of all scenarios at once. Computed air (`FiniteVolume`) is averaged in all scenarios
    together: these are one chunk. Raises LayoutError for unknown outputs, before anything is solved, and Interrupted.
    """
    began, total = time.perf_counter(), scenarios.size
    (_, one), *_ = plants(facility, symmetry=symmetry)
    chosen = choose([one], outputs, isinstance(air, FiniteVolume))
    chunk = total if isinstance(air, FiniteVolume) else CHUNK
    pace, kept, done = Pace(total, progress), Joined(total), 0
    try:
        while done < total:
            last = min(done + chunk, total)
            now = scenarios.part(slice(done, last))
            for at, data in asked(facility, now, chosen, air, device, progress, pace.advance, symmetry):
                kept.take(done + at, data)
            done = last
    except KeyboardInterrupt:
        told = f"stopped after {done:,} of {total:,} scenarios"
        raise Interrupted(told, _told(kept.dataset(done), one, scenarios, began)) from None
    return _told(kept.dataset(total), one, scenarios, began)


def asked(
    facility: Facility,
    scenarios: Scenarios,
    chosen: frozenset[str],
    air: Air,
    device: str = "cpu",
    progress: Progress | None = None,
    finished: Callable[[int], object] | None = None,
    symmetry: bool = True,
) -> Iterator[tuple[Index, xr.Dataset]]:
    """The chosen variables of scenarios, those with the same classes at a time, with their numbers."""
    for part in solve(facility, scenarios, air, device, progress, finished, symmetry, MEMORY):
        data = dataset(part.air, chosen)
        if not chosen.isdisjoint(BOUND):
            found = bounds(part.air.plant, progress=progress).variables()
            data = data.assign({name: v for name, v in found.items() if name in chosen})
        if FIELDS in chosen:
            data = data.assign(fields(part.air))
        yield part.scenarios, data


def _told(data: xr.Dataset, one: Plant, scenarios: Scenarios, began: float) -> xr.Dataset:
    """The dataset with where it comes from: as its chunks are, but for what is served and how long it took."""
    served = different_terms(one.facility, scenarios.coordinates)
    device = str(data.attrs.get("device", ""))
    return data.assign_attrs(provenance(one, served, time.perf_counter() - began, device))


def check_size(facility: Facility, scenarios: Scenarios, symmetry: bool = False) -> None:
    """Raises LayoutError where the solved columns of all scenarios would take more memory than LARGEST.

    symmetry: whether they are those of the first of everything that is alike.
    """
    if scenarios.size * len(facility.components) <= SMALL:
        return
    (_, plant), *_ = plants(facility, scenarios.part(slice(0, 1)), symmetry=symmetry)
    size = scenarios.size * column_bytes(plant)
    if size > LARGEST:
        text = f"{scenarios.size:,} scenarios with all their columns take {size / 1e9:,.0f} GB, more than the"
        remedy = 'keep what is needed of them, such as outputs=["figures", "limits"]'
        raise LayoutError(facility.source, [f"scenarios: {text} {LARGEST / 1e9:,.0f} GB that are kept; {remedy}"])
