"""Results on disk: netCDF and Zarr."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import xarray as xr

from twin.facility.files import LayoutError


def write(data: xr.Dataset, path: str | Path) -> Path:
    """Write to .nc (netCDF4) or .zarr (v3) next to the target first, then rename."""
    path = Path(path)
    if path.suffix not in (".nc", ".zarr"):
        raise LayoutError(str(path), [f"output {path.name}: ending {path.suffix!r} is neither .nc nor .zarr"])
    if not path.parent.is_dir():
        raise LayoutError(str(path), [f"output: no folder {path.parent}"])
    if path.suffix == ".zarr" and path.exists() and not (path / "zarr.json").is_file():
        raise LayoutError(str(path), ["output exists and is no Zarr store; remove it first"])
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    old = partial.with_suffix(".old")
    text = {n: v.astype(object) for n, v in data.variables.items() if v.dtype.kind in "UO"}
    data = data.assign({n: v for n, v in text.items() if n in data}).assign_coords(
        {n: v for n, v in text.items() if n in data.coords}
    )
    try:
        if path.suffix == ".nc":
            data.assign(limit_exceeded=data["limit_exceeded"].astype("i1")).to_netcdf(partial, engine="h5netcdf")
        else:
            data.to_zarr(partial, zarr_format=3, consolidated=False, mode="w")
            if path.exists():
                path.replace(old)
        partial.replace(path)
    finally:
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(partial, ignore_errors=True)
        partial.unlink(missing_ok=True)
    return path
