"""Any number of scenarios, solved chunk by chunk, of which only what is asked for is kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.air.turns import Air, FiniteVolume
from twin.air.turns import solve as solve_air
from twin.block import Block
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.facility.scenarios import Scenarios
from twin.kernels.later import later
from twin.plant.compile import Plant, compile
from twin.results.dataset import choose, dataset, provenance
from twin.serving.tokens import at_work, different_terms
from twin.solver.pace import Pace
from twin.solver.steady import Progress

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
    facility: Facility, scenarios: Scenarios, outputs: Sequence[str], air: Air, device: str, progress: Progress | None
) -> xr.Dataset:
    """What is asked for of all scenarios; see `dataset.choose` for `outputs`, and `api.solve` for the rest.

    Every value is that of a solve of all scenarios at once. Computed air (`FiniteVolume`) is averaged in all scenarios
    together: these are one chunk. Raises LayoutError for unknown outputs, before anything is solved, and Interrupted.
    """
    began, total = time.perf_counter(), scenarios.size
    one = compile(facility, scenarios.part(0, 1))
    chosen = choose(one, outputs, isinstance(air, FiniteVolume))
    chunk = total if isinstance(air, FiniteVolume) else max(1, min(CHUNK, MEMORY // column_bytes(one)))
    pace, kept, done = Pace(total, progress), _Kept(total), 0
    try:
        while done < total:
            last = min(done + chunk, total)
            plant = at_work(compile(facility, scenarios.part(done, last)))
            kept.take(done, dataset(solve_air(plant, air, device, progress, pace.advance), chosen))
            done = last
    except KeyboardInterrupt:
        told = f"stopped after {done:,} of {total:,} scenarios"
        raise Interrupted(told, _told(kept.dataset(done), one, scenarios, began)) from None
    return _told(kept.dataset(total), one, scenarios, began)


def _told(data: xr.Dataset, one: Plant, scenarios: Scenarios, began: float) -> xr.Dataset:
    """The dataset with where it comes from: as its chunks are, but for what is served and how long it took."""
    served = different_terms(one.facility, scenarios.coordinates)
    device = str(data.attrs.get("device", ""))
    return data.assign_attrs(provenance(one, served, time.perf_counter() - began, device))


def column_bytes(plant: Plant) -> int:
    """Bytes of the solved columns of one scenario."""
    return 8 * len(Block(plant, 1).solved)


def check_size(facility: Facility, scenarios: Scenarios) -> None:
    """Raises LayoutError where the solved columns of all scenarios would take more memory than LARGEST."""
    if scenarios.size * len(facility.components) <= SMALL:
        return
    size = scenarios.size * column_bytes(compile(facility, scenarios.part(0, 1)))
    if size > LARGEST:
        text = f"{scenarios.size:,} scenarios with all their columns take {size / 1e9:,.0f} GB, more than the"
        remedy = 'keep what is needed of them, such as outputs=["figures", "limits"]'
        raise LayoutError(facility.source, [f"scenarios: {text} {LARGEST / 1e9:,.0f} GB that are kept; {remedy}"])


class _Kept:
    """Variables and coordinates of `total` scenarios, in arrays that are allocated once."""

    def __init__(self, total: int) -> None:
        self.total, self.first, self.arrays = total, xr.Dataset(), dict[str, np.ndarray[Any, Any]]()

    def take(self, begin: int, part: xr.Dataset) -> None:
        """Scenarios from `begin` on."""
        if not self.arrays:
            self.first = part
            for name, v in part.variables.items():
                if "scenario" in v.dims:
                    shape = (self.total if d == "scenario" else n for d, n in zip(v.dims, v.shape, strict=True))
                    self.arrays[str(name)] = np.empty(tuple(shape), v.dtype)
        for name, array in self.arrays.items():
            array[..., begin : begin + part.sizes["scenario"]] = part[name].values

    def dataset(self, done: int) -> xr.Dataset:
        """The first scenarios; an empty dataset of none."""
        if not self.arrays:
            return xr.Dataset(coords={"scenario": np.zeros(0, int)})
        whole = {
            name: (v.dims, self.arrays[str(name)][..., :done] if str(name) in self.arrays else v.values, v.attrs)
            for name, v in self.first.variables.items()
        }
        coordinates = {name: v for name, v in whole.items() if name in self.first.coords}
        return xr.Dataset(
            {name: v for name, v in whole.items() if name not in coordinates}, coordinates, self.first.attrs
        )
