"""EnergyPlus weather files (`.epw`): hours of a place, typical or measured, and the design conditions of its header."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin import fluids
from twin.columns import Array
from twin.readers.text import decoded

CELSIUS = 273.15
"""Zero of degrees Celsius, K."""


class Field(NamedTuple):
    """A field of a record: its place, what it is called there, what marks it as missing (that or more), the range it
    lies in, and factor and offset to SI.
    """

    place: int
    name: str
    missing: float
    low: float
    high: float
    factor: float = 1.0
    offset: float = 0.0


FIELDS = {
    "dry_bulb": Field(6, "dry bulb temperature", 99.9, -70.0, 70.0, 1.0, CELSIUS),
    "dew_point": Field(7, "dew point temperature", 99.9, -70.0, 70.0, 1.0, CELSIUS),
    "relative_humidity": Field(8, "relative humidity", 999.0, 0.0, 110.0, 0.01),
    "pressure": Field(9, "atmospheric pressure", 999999.0, 31e3, 120e3),
    "horizontal_infrared": Field(12, "horizontal infrared radiation", 9999.0, 0.0, 9999.0),
    "ghi": Field(13, "global horizontal radiation", 9999.0, 0.0, 9999.0),
    "dni": Field(14, "direct normal radiation", 9999.0, 0.0, 9999.0),
    "dhi": Field(15, "diffuse horizontal radiation", 9999.0, 0.0, 9999.0),
    "wind_direction": Field(20, "wind direction", 999.0, 0.0, 360.0),
    "wind_speed": Field(21, "wind speed", 999.0, 0.0, 120.0),
}
"""Fields that are read, by the names they have here; places, markers and ranges are those of the format's data
dictionary, but for the highest wind speed [EnergyPlus, Auxiliary Programs, EPW CSV Format]."""

HEADER = (
    "LOCATION",
    "DESIGN CONDITIONS",
    "TYPICAL/EXTREME PERIODS",
    "GROUND TEMPERATURES",
    "HOLIDAYS/DAYLIGHT SAVING",
    "COMMENTS",
    "DATA PERIODS",
)
"""How lines of the header begin."""

DAYS = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
"""Days of a leap year before each month, and of all."""

WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""Days of the week."""

LEAP_DAY = 31 + 28
"""Place of 29 February among them."""

Line = tuple[int, Sequence[str]]
"""Number of a line, and its fields."""


@dataclass(frozen=True)
class Location:
    """Where the weather is: names as in the file, latitude and longitude [deg], north and east positive, `time_zone`
    [h ahead of UTC], `elevation` [m].
    """

    city: str
    state: str
    country: str
    source: str
    station: str
    latitude: float
    longitude: float
    time_zone: float
    elevation: float


@dataclass(frozen=True)
class Design:
    """Air of one annual frequency or return period, as scenarios of `twin.solve` by address; empty where not stated.

    cooling: dry bulb with mean coincident wet bulb. evaporation: wet bulb with mean coincident dry bulb.
    dehumidification: dew point with mean coincident dry bulb. heating: dry bulb. humidification: dew point of the
    cold with mean coincident dry bulb. hottest, coldest: highest and lowest dry bulb of a year.
    """

    cooling: Mapping[str, float] = field(default_factory=dict)
    evaporation: Mapping[str, float] = field(default_factory=dict)
    dehumidification: Mapping[str, float] = field(default_factory=dict)
    heating: Mapping[str, float] = field(default_factory=dict)
    humidification: Mapping[str, float] = field(default_factory=dict)
    hottest: Mapping[str, float] = field(default_factory=dict)
    coldest: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class WeatherFile:
    """The records of an EPW file, one value each (record,), NaN where the file marks it as missing.

    time: start of the interval, local standard time, in the file's own years. dry_bulb, dew_point [K],
    relative_humidity [1], pressure [Pa]. wet_bulb [K]: computed from dry bulb, dew point and the file's pressure.
    wind_speed [m/s], wind_direction [deg from north]. Means over the interval [W/m2]: ghi, dni, dhi (global horizontal,
    direct normal, diffuse horizontal radiation), horizontal_infrared. name: of the file. location: where. first_day: of
    the week, on which the file says that it begins, "" if it does not.

    >>> twin.weather("dulles.epw").design["0.4%"].evaporation
    """

    name: str
    location: Location
    time: Array
    dry_bulb: Array
    dew_point: Array
    wet_bulb: Array
    relative_humidity: Array
    pressure: Array
    wind_speed: Array
    wind_direction: Array
    ghi: Array
    dni: Array
    dhi: Array
    horizontal_infrared: Array
    design_line: Line = (0, ())
    first_day: str = ""

    def scenarios(self, *fields: str) -> dict[str, Array]:
        """Every record as a scenario of `twin.solve`, labelled by its time: these fields of the site.

        Dry bulb, dew point and pressure if none are named. A record in which one is missing becomes a scenario with
        status `invalid`. Raises ValueError for a field that the site does not have, or no record.

        >>> twin.solve("gb300_hall", twin.weather("dulles.epw").scenarios())
        """
        known = ("dry_bulb", "wet_bulb", "dew_point", "relative_humidity", "pressure")
        for name in fields:
            if name not in known:
                raise ValueError(f"{self.name}: {name!r} is no field of the site; there are {', '.join(known)}")
        fields = fields or ("dry_bulb", "dew_point", "pressure")
        for name in fields:
            if np.isnan(getattr(self, name)).all():
                raise ValueError(
                    f"{self.name}: no record has a {name}; name the fields that it has, of {', '.join(known)}"
                )
        return {"scenario": self.time} | {f"site.{name}": getattr(self, name) for name in fields}

    @cached_property
    def design(self) -> Mapping[str, Design]:
        """Design conditions of the header, the first set of them: "99.6%", "99%" (the cold), "0.4%", "1%", "2%" (the
        heat), "mean" and "n5", "n10", "n20", "n50": extremes of a mean year and of so many years. Empty where the
        file states none. Raises ValueError for a line that is not as ASHRAE has them since 2009.
        """
        return _design(self.name, *self.design_line)

    def __repr__(self) -> str:
        place = self.location
        return f"<WeatherFile {self.name}: {place.city}, {place.country}, {len(self.time):,} records>"


def weather(path: str | Path) -> WeatherFile:
    """Read an EPW file, gzipped or not: the weather of a place hour by hour, in SI units.

    path: of the file, or the name of a year that is shipped, `synthetic_temperate` or `synthetic_desert`, which are
    made by a formula and measured nowhere. Records are stamped with the end of their hour in the file, and with its
    start here. Raises ValueError, with the line, for what is no EPW file or has records that are missing, out of order
    or no numbers.

    >>> twin.solve("gb300_hall", twin.weather("dulles.epw").scenarios())["pue"].mean()
    """
    path = Path(path)
    try:
        text = decoded(_shipped(path) or path)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path.name}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    header = _header(path.name, lines)
    begin, periods = header["DATA PERIODS"]
    rows = [line.split(",") for line in lines[begin:]]
    short = next((i for i, row in enumerate(rows) if len(row) <= FIELDS["wind_speed"].place), None)
    if short is not None:
        raise ValueError(f"{path.name}:{begin + 1 + short}: a record of {len(rows[short])} fields; an EPW file has 35")
    columns = {name: _column(path.name, begin, rows, f) for name, f in FIELDS.items()}
    ratio = fluids.humidity_ratio_from_dew_point(columns["dew_point"], columns["pressure"])
    return WeatherFile(
        name=path.name,
        location=_location(path.name, *header["LOCATION"]),
        time=_time(path.name, begin, rows, periods),
        wet_bulb=fluids.wet_bulb(columns["dry_bulb"], ratio, columns["pressure"]),
        design_line=header.get("DESIGN CONDITIONS", (0, ())),
        first_day=_first_day(periods),
        **columns,
    )


def _shipped(path: Path) -> Path | None:
    """A file that is shipped under a plain name, None for any other."""
    folder = resources.files("twin.layouts") / "weather"
    found = Path(str(folder)) / f"{path}.epw.gz"
    return found if len(path.parts) == 1 and not path.exists() and found.is_file() else None


def _header(name: str, lines: Sequence[str]) -> dict[str, Line]:
    """Lines of the header, the last of each kind, by how they begin."""
    found: dict[str, Line] = {}
    for number, line in enumerate(lines, 1):
        kind = next((k for k in HEADER if line.strip().upper().startswith(k)), None)
        if number == 1 and kind != "LOCATION":
            raise ValueError(f"{name}:1: not an EPW file: it begins with {line[:30]!r}, not with LOCATION")
        if kind is None:
            raise ValueError(f"{name}:{number}: {line[:30]!r} is no line of an EPW header; DATA PERIODS ends it")
        try:
            found[kind] = number, [word.strip() for word in next(csv.reader([line]))]
        except csv.Error as error:
            raise ValueError(f"{name}:{number}: {kind}: {error}") from None
        if kind == "DATA PERIODS":
            return found
    raise ValueError(f"{name}: not an EPW file: no line DATA PERIODS")


def _location(name: str, line: int, words: Sequence[str]) -> Location:
    numbers = ("latitude", "longitude", "time zone", "elevation")
    if len(words) < 10:
        raise ValueError(f"{name}:{line}: LOCATION ends before {numbers[max(len(words) - 6, 0)]}")
    city, state, country, source, station = words[1:6]
    values = (_number(f"{name}:{line}: {what}", w) for what, w in zip(numbers, words[6:10], strict=True))
    return Location(city, state, country, source, station, *values)


def _number(what: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{what}: {text!r} is not a number") from None


def _floats(name: str, begin: int, rows: Sequence[Sequence[str]], place: int, what: str) -> Array:
    """Numbers at a place of every record, NaN where it is blank."""
    texts = [row[place].strip() or "nan" for row in rows]
    try:
        return np.array(texts, float)
    except ValueError:
        return np.array([_number(f"{name}:{begin + 1 + i}: {what}", text) for i, text in enumerate(texts)])


def _column(name: str, begin: int, rows: Sequence[Sequence[str]], f: Field) -> Array:
    """SI values of a field, NaN where they are missing."""
    value = _floats(name, begin, rows, f.place, f.name)
    value[value >= f.missing] = np.nan
    wrong = np.flatnonzero((value < f.low) | (value > f.high))
    if len(wrong):
        fault = (
            f"{f.name} {value[wrong[0]]:g} is outside {f.low:g} to {f.high:g}; write {f.missing:g} where it is missing"
        )
        raise ValueError(f"{name}:{begin + 1 + wrong[0]}: {fault}")
    return f.offset + f.factor * value


def _time(name: str, begin: int, rows: Sequence[Sequence[str]], periods: Sequence[str]) -> Array:
    """Starts of the intervals of all records, which must fill the file's periods one after another."""
    per_hour, bounds = _periods(name, begin, periods)
    what = ("year", "month", "day", "hour")
    year, month, day, hour = (_floats(name, begin, rows, i, w) for i, w in enumerate(what))
    wrong = ~((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (hour >= 1) & (hour <= 24))
    for part in (year, month, day, hour):
        wrong |= part != np.round(part)
    year, month, day, hour = (np.where(wrong, 1, part).astype(int) for part in (year, month, day, hour))
    months = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    days = months.astype("M8[D]") + (day - 1)
    wrong |= days.astype("M8[M]") != months
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ValueError(f"{name}:{begin + 1 + at}: no date and hour from 1 to 24: {','.join(rows[at][:4])}")
    place = 24 * (DAYS[month - 1] + day - 1) + hour - 1
    at = _break(place, per_hour, bounds)
    if at is not None:
        after = f"after {','.join(rows[at - 1][:4])}, " if at else ""
        here = ",".join(rows[at][:4]) if at < len(rows) else "the end of the file"
        fault = f"{after}{here}: records are missing or out of order, or DATA PERIODS states others"
        raise ValueError(f"{name}:{begin + 1 + at}: {fault}")
    within = np.arange(len(rows)) % per_hour * (3600 // per_hour)
    return days.astype("M8[s]") + (3600 * (hour - 1) + within)


def _first_day(words: Sequence[str]) -> str:
    """The day of the week that the first period begins with, "" if none is stated."""
    named = [w.strip().capitalize() for w in words[4:5]]
    return next((w for w in named if w in WEEK), "")


def _periods(name: str, line: int, words: Sequence[str]) -> tuple[int, list[tuple[int, int]]]:
    """Records per hour, and first and last hour of every period in a leap year."""
    number = lambda w: int(w) if w.isdigit() else 0  # noqa: E731
    count, per_hour = (number(w) for w in [*words, "", ""][1:3])
    dates = [re.fullmatch(r"(\d+)\s*/\s*(\d+)(?:\s*/\s*\d+)?", w) for w in words[3:]]
    ends = [[number(part) for part in date.groups()] for date in dates if date]
    if not count or len(ends) != 2 * count or per_hour not in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60):
        raise ValueError(f"{name}:{line}: DATA PERIODS: give their number, records per hour, and first and last days")
    if any(not (1 <= m <= 12 and 1 <= d <= 31) for m, d in ends):
        raise ValueError(f"{name}:{line}: DATA PERIODS: a first or last day is no month/day")
    days = [int(DAYS[m - 1]) + d - 1 for m, d in ends]
    return per_hour, [(24 * a, 24 * b + 23) for a, b in zip(days[::2], days[1::2], strict=True)]


def _break(place: Array, per_hour: int, periods: Sequence[tuple[int, int]]) -> int | None:
    """The first record that does not follow from the one before; one past the last if that is too early."""
    if not len(place) or place[0] != periods[0][0]:
        return 0
    before, after = place[:-1], place[1:]
    full = np.arange(1, len(place)) % per_hour == 0
    leap = (before == 24 * LEAP_DAY - 1) & (after == 24 * LEAP_DAY + 24)
    year = (before == 24 * DAYS[-1] - 1) & (after == 0)
    jump = np.zeros(len(before), bool)
    for (_, end), (start, _) in pairwise(periods):
        jump |= (before == end) & (after == start)
    follows = np.where(full, (after == before + 1) | leap | year | jump, after == before)
    if not follows.all():
        return int(np.argmin(follows)) + 1
    return None if place[-1] == periods[-1][1] and len(place) % per_hour == 0 else len(place)


# ---- design conditions -------------------------------------------------------------------------------------------


def _design(name: str, line: int, words: Sequence[str]) -> dict[str, Design]:
    """The first design conditions of a header, as ASHRAE has stated them since 2009.

    Heating has 15 values, or 16 with the wind shelter factor of 2021; cooling 32; extremes 16, or 15 since the extreme
    wet bulb went to the end of cooling [ASHRAE Handbook Fundamentals (2009 to 2021), chapter 14, table 1].
    """
    if "Heating" not in words:
        return {}
    at = [words.index(part) for part in ("Heating", "Cooling", "Extremes") if part in words]
    again = [i - 2 for i, w in enumerate(words) if w == "Heating" and i > at[0]]
    ends = [*at[1:], min(again, default=len(words))]
    parts = [list(words[a + 1 : b]) for a, b in zip(at, ends, strict=True)]
    lengths = [len(p) for p in parts]
    if len(parts) < 3 or lengths[0] not in (15, 16) or lengths[1] != 32 or lengths[2] not in (15, 16):
        fault = (
            f"design conditions of {lengths} values; known are 15 or 16 of heating, 32 of cooling, 15 or 16 extremes"
        )
        raise ValueError(f"{name}:{line}: {fault}")
    cold, hot, extreme = ([_number(f"{name}:{line}: design conditions", w or "nan") for w in part] for part in parts)
    found = {
        f"{100 - share:g}%": Design(
            heating=_air(dry_bulb=cold[1 + i]),
            humidification=_air(dry_bulb=cold[5 + 3 * i], dew_point=cold[3 + 3 * i]),
        )
        for i, share in enumerate((0.4, 1.0))
    }
    found |= {
        f"{share:g}%": Design(
            cooling=_air(dry_bulb=hot[2 + 2 * i], wet_bulb=hot[3 + 2 * i]),
            evaporation=_air(dry_bulb=hot[9 + 2 * i], wet_bulb=hot[8 + 2 * i]),
            dehumidification=_air(dry_bulb=hot[18 + 3 * i], dew_point=hot[16 + 3 * i]),
        )
        for i, share in enumerate((0.4, 1.0, 2.0))
    }
    mean = len(extreme) - 12
    years = {"mean": mean, "n5": mean + 4, "n10": mean + 6, "n20": mean + 8, "n50": mean + 10}
    return found | {
        n: Design(hottest=_air(dry_bulb=extreme[i + 1]), coldest=_air(dry_bulb=extreme[i])) for n, i in years.items()
    }


def _air(**celsius: float) -> dict[str, float]:
    """Fields of the site [K]; nothing where one is not stated."""
    state = {f"site.{name}": CELSIUS + value for name, value in celsius.items()}
    return state if all(np.isfinite(v) for v in state.values()) else {}
