"""Results of network solvers as labelled Datasets: one row for each element, one column for each scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.kernels.later import later

if TYPE_CHECKING:
    import xarray as xr
else:
    xr = later("xarray")


class Variable(NamedTuple):
    """A variable of a Dataset."""

    dim: str
    """Dimension of its rows, such as bus or pipe."""
    values: NDArray[np.floating]
    """Numbers in `units`, shape (dim, scenario)."""
    units: str
    """CF units."""
    long_name: str
    """Meaning."""


def status_flags(states: Sequence[str]) -> dict[str, object]:
    """CF attributes of a status that counts the names `states` from 0."""
    return {"flag_values": list(range(len(states))), "flag_meanings": " ".join(states)}


def label(
    variables: Mapping[str, Variable],
    status: NDArray[np.integer],
    states: Sequence[str],
    coordinates: Mapping[str, ArrayLike],
    attributes: Mapping[str, object],
) -> xr.Dataset:
    """The Dataset of named variables and of `status` (scenario,), NaN in scenarios whose status is not 0."""
    solved = status == 0
    columns = {
        name: ((v.dim, "scenario"), np.where(solved, v.values, np.nan), {"units": v.units, "long_name": v.long_name})
        for name, v in variables.items()
    }
    flags = ("scenario", status.astype(np.int8), status_flags(states))
    return xr.Dataset({**columns, "status": flags}, dict(coordinates), dict(attributes))
