"""Hourly files of a grid: greenhouse gas and price of electricity, in UTC, and their hours on another year's axis."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.columns import Array
from twin.readers.text import decoded

CARBON, PRICE = "carbon", "price"
"""What hourly files state: carbon [kg/J], price [$/J]."""

KWH, MWH = 3.6e6, 3.6e9

UNITS = {
    "gco2eq/kwh": (CARBON, 1e-3 / KWH),
    "gco2/kwh": (CARBON, 1e-3 / KWH),
    "g/kwh": (CARBON, 1e-3 / KWH),
    "kg/kwh": (CARBON, 1.0 / KWH),
    "kgco2eq/mwh": (CARBON, 1.0 / MWH),
    "kg/mwh": (CARBON, 1.0 / MWH),
    "lb/mwh": (CARBON, 0.45359237 / MWH),
    "usd/mwh": (PRICE, 1.0 / MWH),
    "$/mwh": (PRICE, 1.0 / MWH),
    "usd/kwh": (PRICE, 1.0 / KWH),
    "$/kwh": (PRICE, 1.0 / KWH),
}
"""Units as headings of columns have them, what they are of, and their factors to SI."""

ACCOUNTING = {"direct": ("direct",), "life_cycle": ("lca", "life cycle", "life-cycle", "lifecycle")}
"""Ways to count greenhouse gas, and the words for them in headings."""

LEAP, COMMON = 8784, 8760
"""Hours of a leap year, and of another."""

LEAP_DAY = 59
"""Day of a leap year that is 29 February, from 0."""


class Aligned(NamedTuple):
    """Values on another time axis (hour,), and what was done to bring them there."""

    values: Array
    notes: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class HourlyFile:
    """A year of hourly values of a grid. kind: "carbon" [kg/J] or "price" [$/J].

    time: start of each hour, UTC, one after another (hour,). values: SI (hour,). column: where they stood in the file.
    """

    name: str
    kind: str
    column: str
    time: Array
    values: Array

    def on(self, time: Array, time_zone: float) -> Aligned:
        """The values at hours of another year.

        time: starts of hours in local standard time, of any years (hour,); date and hour count, the year does not.
        time_zone: hours ahead of UTC. Hours that a shift takes beyond an end of the file come from its other end. Where
        29 February is in one of both only, the file's is left out, or stands for by its 28 February.
        """
        year = int(self.time[len(self.time) // 2].astype("M8[Y]").astype(int)) + 1970
        months, days = time.astype("M8[M]"), time.astype("M8[D]")
        month = months.astype(int) % 12
        day = (days - months).astype(int)
        within = (time - days).astype("m8[s]").astype(float) / 3600.0
        first = np.array([f"{year}-{m + 1:02d}-01" for m in range(12)], "M8[D]")
        lacking = (month == 1) & (day == 28) & ((first[2] - first[1]).astype(int) == 28)
        local = (first[month] + np.where(lacking, 27, day)).astype("M8[s]").astype(float) + 3600.0 * within
        at = np.floor((local - 3600.0 * time_zone - self.time[0].astype("M8[s]").astype(float)) / 3600.0).astype(
            np.int64
        )
        turned = int(((at < 0) | (at >= len(self.time))).sum())
        notes = [f"{self.name}: of {year} in UTC, shifted by {-time_zone:+g} h to local standard time by date and hour"]
        if turned:
            notes.append(f"{self.name}: {turned} hours beyond its end come from its other end")
        if lacking.any():
            notes.append(f"{self.name}: has no 29 February; its 28 February stands for it")
        elif len(self.time) == LEAP and not ((month == 1) & (day == 28)).any():
            notes.append(f"{self.name}: 29 February is left out")
        if (self.values < 0).any():
            notes.append(
                f"{self.name}: {int((self.values < 0).sum())} hours have negative values, which are taken as they are"
            )
        return Aligned(self.values[at % len(self.time)], tuple(notes))

    def __repr__(self) -> str:
        return f"<HourlyFile {self.name}: {self.column}, {len(self.time):,} hours>"


def hourly(path: str | Path, kind: str, accounting: str = "direct") -> HourlyFile:
    """Read a CSV file of a year of hourly carbon intensity or price, gzipped or not.

    path: of the file, whose first line names its columns. Times stand in a column whose heading says UTC, or state
    their offset. kind: "carbon" or "price"; the column is the one whose heading has a unit of that (gCO2eq/kWh,
    USD/MWh, ...). accounting: of carbon, "direct" or "life_cycle", where the file has both. Raises ValueError for a
    file that cannot be read, has no such column, or does not go on hour by hour for a year; negative prices are valid.

    >>> hourly("carbon_PJM_2024.csv", "carbon", "life_cycle").on(weather.time, weather.location.time_zone).values
    """
    path = Path(path)
    if accounting not in ACCOUNTING:
        raise ValueError(f"{path.name}: accounting {accounting!r} is none of {', '.join(ACCOUNTING)}")
    try:
        rows = list(csv.reader(decoded(path).lstrip("\ufeff").splitlines()))
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise ValueError(f"{path.name}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(rows) < 2:
        raise ValueError(f"{path.name}: has no rows below a heading")
    heading = [word.strip() for word in rows[0]]
    column, factor = _column(path.name, heading, kind, accounting)
    clock = _clock(path.name, heading, rows[1])
    times, values = np.empty(len(rows) - 1, "M8[s]"), np.empty(len(rows) - 1)
    for i, row in enumerate(rows[1:]):
        where = f"{path.name}:{i + 2}"
        if len(row) != len(heading):
            raise ValueError(f"{where}: {len(row)} fields, the heading has {len(heading)}")
        times[i] = _time(where, row[clock], "utc" in heading[clock].lower())
        try:
            values[i] = float(row[column])
        except ValueError:
            raise ValueError(f"{where}: {heading[column]}: {row[column]!r} is not a number") from None
        if not np.isfinite(values[i]):
            raise ValueError(f"{where}: {heading[column]}: {row[column]!r} is not a number")
    gaps = np.flatnonzero(np.diff(times).astype(int) != 3600)
    if len(gaps):
        i = int(gaps[0])
        raise ValueError(f"{path.name}:{i + 3}: {times[i + 1]} does not come an hour after {times[i]}")
    if len(times) not in (LEAP, COMMON):
        raise ValueError(f"{path.name}: has {len(times):,} hours; a year has {COMMON:,}, or {LEAP:,}")
    return HourlyFile(path.name, kind, heading[column], times, factor * values)


def _column(name: str, heading: Sequence[str], kind: str, accounting: str) -> tuple[int, float]:
    """Place of the column of a kind, and its factor to SI."""
    found = list[tuple[int, float]]()
    for i, title in enumerate(heading):
        unit = next((u for u in re.split(r"[\s()\[\]]+", title.lower().replace("₂", "2")) if "/" in u), "")
        if unit in UNITS and UNITS[unit][0] == kind:
            found.append((i, UNITS[unit][1]))
    if len(found) > 1 and kind == CARBON:
        found = [(i, f) for i, f in found if any(w in heading[i].lower() for w in ACCOUNTING[accounting])] or found
    if len(found) != 1:
        what = "several columns" if found else "no column"
        units = ", ".join(u for u, (k, _) in UNITS.items() if k == kind)
        raise ValueError(f"{name}: {what} with a {kind}; name one by its unit in the heading: {units}")
    return found[0]


def _clock(name: str, heading: Sequence[str], first: Sequence[str]) -> int:
    """Place of the column of times: one in UTC, or whose times state their offset."""
    for i, title in enumerate(heading):
        if "utc" in title.lower() and "time" in title.lower():
            return i
    for i, text in enumerate(first):
        try:
            if datetime.fromisoformat(text.strip()).tzinfo is not None:
                return i
        except ValueError:
            continue
    raise ValueError(
        f"{name}: no times in UTC; call their column 'Datetime (UTC)', or give offsets as 2024-01-01T00:00+01:00"
    )


def _time(where: str, text: str, utc: bool) -> np.datetime64:
    """A time in UTC."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{where}: {text!r} is no time, such as 2024-01-01 00:00:00") from None
    if found.tzinfo is None and not utc:
        raise ValueError(f"{where}: {text!r} has no offset from UTC")
    plain = found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(plain, "s")
