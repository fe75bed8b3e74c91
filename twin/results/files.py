"""Results on disk: netCDF and Zarr."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from twin.facility.output import target, whole
from twin.kernels.later import later

if TYPE_CHECKING:
    import h5netcdf
    import xarray as xr
    from xarray import backends
    from zarr import storage
    from zarr.core import buffer
else:
    h5netcdf, xr, backends, storage = map(later, ("h5netcdf", "xarray", "xarray.backends", "zarr.storage"))


def write(data: xr.Dataset, path: str | Path, groups: Mapping[str, xr.Dataset] | None = None) -> Path:
    """Write to .nc (netCDF4) or .zarr (v3), and `groups` beside it, whole or not at all; the path comes back.

    Raises LayoutError for another ending, for what is no Zarr store, and for what the system refuses.
    """
    path = target(path, (".nc", ".zarr"))
    parts = {group: _as_objects(part) for group, part in {"": data, **(groups or {})}.items()}
    with whole(path) as partial:
        (_write_netcdf if path.suffix == ".nc" else _write_zarr)(parts, partial)
    return path


def _write_netcdf(parts: Mapping[str, xr.Dataset], path: Path) -> None:
    """By way of memory: HDF5 ends the process where closing a file fails, as on a full disk."""
    image = io.BytesIO()
    with h5netcdf.File(image, "w") as store:
        for group, part in parts.items():
            flags = {n: v.astype("i1") for n, v in part.items() if v.dtype == bool}
            part.assign(flags).dump_to_store(backends.H5NetCDFStore(store, group=group or None, mode="a"))
    path.write_bytes(image.getbuffer())


def _write_zarr(parts: Mapping[str, xr.Dataset], path: Path) -> None:
    """By way of memory: Zarr's threads go on writing when one of them has failed, or the user interrupts."""
    kept: dict[str, buffer.Buffer] = {}
    for group, part in parts.items():
        mode = "a" if group else "w"
        part.to_zarr(storage.MemoryStore(kept), group=group or None, zarr_format=3, consolidated=False, mode=mode)
    for key, value in kept.items():
        (path / key).parent.mkdir(parents=True, exist_ok=True)
        (path / key).write_bytes(value.to_bytes())


def _as_objects(data: xr.Dataset) -> xr.Dataset:
    """The dataset with text of any length."""
    text = {n: v.astype(object) for n, v in data.variables.items() if v.dtype.kind in "UO"}
    data = data.assign({n: v for n, v in text.items() if n in data})
    return data.assign_coords({n: v for n, v in text.items() if n in data.coords})
