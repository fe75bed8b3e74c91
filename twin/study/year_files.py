"""What a year reads and writes: load profiles, and its hours as files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twin.columns import Array
from twin.facility.files import LayoutError
from twin.results import files, tables
from twin.units import parse

if TYPE_CHECKING:
    from twin.study.year import Year

TABLES = (".csv", ".parquet", ".xlsx", ".nc", ".zarr")
"""Endings of files with the hours."""


def load_profile(text: str) -> float | Array:
    """A share such as "80 %", or the numbers of a CSV file: one column or line of them, or 7 lines of 24.

    Raises LayoutError.
    """
    if not text.endswith(".csv"):
        try:
            return parse(text, "fraction")
        except ValueError as error:
            raise LayoutError("load", [f"{error}; or name a .csv file"]) from None
    try:
        raw = Path(text).read_text("utf-8")
        return np.squeeze(np.loadtxt(io.StringIO(raw), delimiter=",", ndmin=1))
    except OSError as error:
        raise LayoutError("load", [f"{text}: {error.strerror}"]) from error
    except ValueError as error:
        raise LayoutError("load", [f"{text}: {error}"]) from error


def write_hours(year: Year, path: Path) -> None:
    """Write the hours, SI: a table, or netCDF and Zarr with units. Raises LayoutError for what cannot be written."""
    if path.suffix in (".nc", ".zarr"):
        files.write(year.hours, path)
    else:
        tables.write({"hours": year.hours.to_dataframe()}, path)
