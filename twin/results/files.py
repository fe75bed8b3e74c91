"""Results on disk: netCDF and Zarr."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from twin.facility.files import LayoutError


def write(data: xr.Dataset, path: str | Path, groups: Mapping[str, xr.Dataset] | None = None) -> Path:
    """Write to .nc (netCDF4) or .zarr (v3), and `groups` beside it, next to the target first, then rename."""
    path = Path(path)
    if path.suffix not in (".nc", ".zarr"):
        raise LayoutError(str(path), [f"output {path.name}: ending {path.suffix!r} is neither .nc nor .zarr"])
    if not path.parent.is_dir():
        raise LayoutError(str(path), [f"output: no folder {path.parent}"])
    if path.suffix == ".zarr" and path.exists() and not (path / "zarr.json").is_file():
        raise LayoutError(str(path), ["output exists and is no Zarr store; remove it first"])
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    old = partial.with_suffix(".old")
    try:
        for group, part in {"": data, **(groups or {})}.items():
            part, mode = _as_objects(part), "a" if group else "w"
            if path.suffix == ".nc":
                flags = {n: v.astype("i1") for n, v in part.items() if v.dtype == bool}
                part.assign(flags).to_netcdf(partial, group=group or None, mode=mode, engine="h5netcdf")
            else:
                part.to_zarr(partial, group=group or None, zarr_format=3, consolidated=False, mode=mode)
        if path.suffix == ".zarr" and path.exists():
            path.replace(old)
        partial.replace(path)
    finally:
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(partial, ignore_errors=True)
        partial.unlink(missing_ok=True)
    return path


def _as_objects(data: xr.Dataset) -> xr.Dataset:
    """The dataset with text of any length."""
    text = {n: v.astype(object) for n, v in data.variables.items() if v.dtype.kind in "UO"}
    data = data.assign({n: v for n, v in text.items() if n in data})
    return data.assign_coords({n: v for n, v in text.items() if n in data.coords})
