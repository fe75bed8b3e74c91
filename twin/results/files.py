"""Results on disk: netCDF and Zarr."""

from __future__ import annotations

import io
from pathlib import Path

import h5netcdf
import xarray as xr
from xarray.backends import H5NetCDFStore
from zarr.core.buffer import Buffer
from zarr.storage import MemoryStore

from twin.facility.output import target, whole


def write(data: xr.Dataset, path: str | Path) -> Path:
    """Write to .nc (netCDF4) or .zarr (v3), whole or not at all; the path comes back.

    Raises LayoutError for another ending, for what is no Zarr store, and for what the system refuses.
    """
    path = target(path, (".nc", ".zarr"))
    text = {n: v.astype(object) for n, v in data.variables.items() if v.dtype.kind in "UO"}
    data = data.assign({n: v for n, v in text.items() if n in data}).assign_coords(
        {n: v for n, v in text.items() if n in data.coords}
    )
    with whole(path) as partial:
        if path.suffix == ".nc":
            _write_netcdf(data.assign(limit_exceeded=data["limit_exceeded"].astype("i1")), partial)
        else:
            _write_zarr(data, partial)
    return path


def _write_netcdf(data: xr.Dataset, path: Path) -> None:
    """By way of memory: HDF5 ends the process where closing a file fails, as on a full disk."""
    image = io.BytesIO()
    with h5netcdf.File(image, "w") as store:
        data.dump_to_store(H5NetCDFStore(store))
    path.write_bytes(image.getbuffer())


def _write_zarr(data: xr.Dataset, path: Path) -> None:
    """By way of memory: Zarr's threads go on writing when one of them has failed, or the user interrupts."""
    kept: dict[str, Buffer] = {}
    data.to_zarr(MemoryStore(kept), zarr_format=3, consolidated=False, mode="w")
    for key, value in kept.items():
        (path / key).parent.mkdir(parents=True, exist_ok=True)
        (path / key).write_bytes(value.to_bytes())
