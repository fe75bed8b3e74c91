"""Units at the surface: "132 kW" -> 132000.0, from a closed table, and the typed aliases that fields declare.

Factors are those of NIST SP 811 (2008), appendix B, with British thermal units of the International Table, conventional
columns of water and mercury, and US gallons; binary prefixes are those of IEC 80000-13.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

LARGEST = 1e30
"""Of the numbers that are computed with, in SI units; its inverse is the smallest beside 0."""

BEYOND = f"is out of reach; give 0 or a size from {1 / LARGEST:g} to {LARGEST:g} in SI units"

HOUR = 3600.0
"""s."""
DAY = 24 * HOUR
"""s."""
YEAR = 365.25 * DAY
"""Julian year, s."""
MONTH = YEAR / 12
"""s."""
GALLON = 3.785411784e-3
"""US gallon, m³."""
FOOT = 0.3048
"""m."""
BTU = 1055.05585262
"""British thermal unit of the International Table, J."""
POUND = 0.45359237
"""Avoirdupois, kg."""
WATER = 9.80665
"""Conventional millimetre of water, Pa."""
MERCURY = 133.3224
"""Conventional millimetre of mercury, Pa."""
TON = 12e3 * BTU / HOUR
"""Ton of refrigeration, W."""
RANKINE = 5 / 9
"""Interval of the Rankine and Fahrenheit scales, K."""

_TIMES = {"s": 1.0, "h": HOUR, "day": DAY, "month": MONTH, "year": YEAR}
_POWERS = {"W": 1.0, "kW": 1e3, "MW": 1e6}


@dataclass(frozen=True)
class Dimension:
    """One row of the table of units."""

    name: str
    """Words for messages; with underscores the key of `DIMENSIONS`."""
    units: Mapping[str, float]
    """Factor to SI of every unit that may be written."""
    example: str
    """A quantity as one writes it, for messages."""
    screen: tuple[str, ...]
    """Units that `format` chooses from by size, rising."""
    table: str
    """Unit of a column of numbers with fixed decimals."""
    cf: str
    """SI unit as CF and UDUNITS spell it; what is counted, tokens for one, has none."""
    plain: bool = False
    """Whether a bare number may stand for the quantity."""
    offsets: Mapping[str, float] = field(default_factory=dict)
    """SI value of zero in units that count from elsewhere."""

    @property
    def listing(self) -> str:
        """The first few units, for a message."""
        names = [u for u in self.units if u]
        return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "") if names else "a plain number"


def _table(rows: Iterable[Dimension]) -> Mapping[str, Dimension]:
    return MappingProxyType({row.name.replace(" ", "_"): row for row in rows})


DIMENSIONS = _table(
    [
        Dimension(
            "power",
            {
                "W": 1.0,
                "kW": 1e3,
                "MW": 1e6,
                "GW": 1e9,
                "mW": 1e-3,
                "hp": 745.699872,
                "ton": TON,
                "tons": TON,
                "Btu/h": BTU / HOUR,
                "kBtu/h": 1e3 * BTU / HOUR,
                "MBH": 1e3 * BTU / HOUR,
                "MMBtu/h": 1e6 * BTU / HOUR,
            },
            "132 kW",
            ("W", "kW", "MW", "GW"),
            "kW",
            "W",
        ),
        Dimension(
            "energy",
            {
                "J": 1.0,
                "kJ": 1e3,
                "MJ": 1e6,
                "GJ": 1e9,
                "Wh": HOUR,
                "kWh": 1e3 * HOUR,
                "MWh": 1e6 * HOUR,
                "GWh": 1e9 * HOUR,
                "Btu": BTU,
                "kBtu": 1e3 * BTU,
                "MMBtu": 1e6 * BTU,
            },
            "500 kWh",
            ("J", "Wh", "kWh", "MWh", "GWh"),
            "kWh",
            "J",
        ),
        Dimension(
            "temperature",
            {"K": 1.0, "degC": 1.0, "degF": RANKINE, "degR": RANKINE},
            "35 degC",
            ("degC",),
            "degC",
            "K",
            offsets={"degC": 273.15, "degF": 459.67 * 5 / 9},
        ),
        Dimension(
            "temperature difference",
            {"K": 1.0, "mK": 1e-3, "degC": 1.0, "degF": RANKINE, "degR": RANKINE},
            "5 K",
            ("K",),
            "K",
            "K",
        ),
        Dimension("per temperature", {"1/K": 1.0, "%/K": 0.01}, "0.01 1/K", ("1/K",), "1/K", "K-1"),
        Dimension("per length", {"1/m": 1.0, "1/mm": 1e3}, "0.007 1/m", ("1/m",), "1/m", "m-1"),
        Dimension(
            "mass flow",
            {
                "kg/s": 1.0,
                "g/s": 1e-3,
                "kg/min": 1 / 60,
                "kg/h": 1 / HOUR,
                "t/h": 1e3 / HOUR,
                "lb/s": POUND,
                "lb/min": POUND / 60,
                "lb/h": POUND / HOUR,
            },
            "20.6 kg/s",
            ("kg/s",),
            "kg/s",
            "kg s-1",
        ),
        Dimension(
            "volume flow",
            {
                "m3/s": 1.0,
                "m3/min": 1 / 60,
                "m3/h": 1 / HOUR,
                "CMH": 1 / HOUR,
                "cmh": 1 / HOUR,
                "L/s": 1e-3,
                "L/min": 1e-3 / 60,
                "L/h": 1e-3 / HOUR,
                "l/s": 1e-3,
                "l/min": 1e-3 / 60,
                "l/h": 1e-3 / HOUR,
                "lpm": 1e-3 / 60,
                "LPM": 1e-3 / 60,
                "gpm": GALLON / 60,
                "GPM": GALLON / 60,
                "gal/min": GALLON / 60,
                "cfm": FOOT**3 / 60,
                "CFM": FOOT**3 / 60,
                "ft3/min": FOOT**3 / 60,
            },
            "150 L/min",
            ("L/min", "m3/h", "m3/s"),
            "m3/h",
            "m3 s-1",
        ),
        Dimension(
            "pressure",
            {
                "Pa": 1.0,
                "hPa": 100.0,
                "kPa": 1e3,
                "MPa": 1e6,
                "mbar": 100.0,
                "bar": 1e5,
                "atm": 101325.0,
                "psi": 6894.757293,
                "psia": 6894.757293,
                "mmH2O": WATER,
                "mH2O": 1e3 * WATER,
                "inH2O": 25.4 * WATER,
                "ftH2O": 304.8 * WATER,
                "mmHg": MERCURY,
                "inHg": 25.4 * MERCURY,
            },
            "150 kPa",
            ("Pa", "kPa", "MPa"),
            "kPa",
            "Pa",
        ),
        Dimension(
            "length",
            {"m": 1.0, "mm": 1e-3, "cm": 1e-2, "um": 1e-6, "km": 1e3, "in": 0.0254, "ft": FOOT},
            "2.5 m",
            ("um", "mm", "m", "km"),
            "m",
            "m",
        ),
        Dimension(
            "area", {"m2": 1.0, "cm2": 1e-4, "mm2": 1e-6, "ft2": FOOT**2}, "12 m2", ("mm2", "cm2", "m2"), "m2", "m2"
        ),
        Dimension(
            "volume",
            {"m3": 1.0, "L": 1e-3, "l": 1e-3, "mL": 1e-6, "gal": GALLON, "ft3": FOOT**3},
            "24 L",
            ("mL", "L", "m3"),
            "m3",
            "m3",
        ),
        Dimension(
            "velocity",
            {
                "m/s": 1.0,
                "km/h": 1 / 3.6,
                "ft/s": FOOT,
                "ft/min": FOOT / 60,
                "fpm": FOOT / 60,
                "mph": 5280 * FOOT / HOUR,
            },
            "2.4 m/s",
            ("m/s",),
            "m/s",
            "m s-1",
        ),
        Dimension("voltage", {"V": 1.0, "mV": 1e-3, "kV": 1e3}, "415 V", ("mV", "V", "kV"), "V", "V"),
        Dimension("current", {"A": 1.0, "mA": 1e-3, "kA": 1e3}, "400 A", ("mA", "A", "kA"), "A", "A"),
        Dimension(
            "resistance",
            {"ohm": 1.0, "kohm": 1e3, "mohm": 1e-3, "uohm": 1e-6},
            "12 mohm",
            ("uohm", "mohm", "ohm"),
            "mohm",
            "ohm",
        ),
        Dimension(
            "resistance per length",
            {"ohm/m": 1.0, "ohm/km": 1e-3, "mohm/m": 1e-3, "uohm/m": 1e-6, "ohm/kft": 1e-3 / FOOT},
            "0.32 ohm/km",
            ("ohm/km",),
            "ohm/km",
            "ohm m-1",
        ),
        Dimension(
            "apparent power",
            {"VA": 1.0, "kVA": 1e3, "MVA": 1e6, "GVA": 1e9},
            "3 MVA",
            ("VA", "kVA", "MVA"),
            "kVA",
            "V A",
        ),
        Dimension(
            "reactive power", {"var": 1.0, "kvar": 1e3, "Mvar": 1e6}, "400 kvar", ("var", "kvar", "Mvar"), "kvar", "V A"
        ),
        Dimension(
            "capacitance",
            {"F": 1.0, "mF": 1e-3, "uF": 1e-6, "nF": 1e-9, "pF": 1e-12},
            "40 uF",
            ("nF", "uF", "mF", "F"),
            "uF",
            "F",
        ),
        Dimension(
            "capacitance per length",
            {"F/m": 1.0, "uF/km": 1e-9, "nF/km": 1e-12},
            "210 nF/km",
            ("nF/km", "uF/km"),
            "nF/km",
            "F m-1",
        ),
        Dimension(
            "frequency",
            {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
            "60 Hz",
            ("Hz", "kHz", "MHz", "GHz"),
            "Hz",
            "Hz",
        ),
        Dimension("fraction", {"": 1.0, "%": 0.01}, "0.95", ("%",), "%", "1", plain=True),
        Dimension("number", {"": 1.0}, "4", ("",), "", "1", plain=True),
        Dimension(
            "time",
            {
                "s": 1.0,
                "ms": 1e-3,
                "min": 60.0,
                "h": HOUR,
                "hour": HOUR,
                "hours": HOUR,
                "day": DAY,
                "days": DAY,
                "month": MONTH,
                "months": MONTH,
                "year": YEAR,
                "years": YEAR,
            },
            "30 s",
            ("ms", "s", "min", "h", "days", "years"),
            "s",
            "s",
        ),
        Dimension("speed", {"rev/s": 1.0, "rpm": 1 / 60}, "1450 rpm", ("rpm",), "rpm", "s-1"),
        Dimension(
            "thermal resistance", {"K/W": 1.0, "mK/W": 1e-3, "K/kW": 1e-3}, "0.02 K/W", ("mK/W", "K/W"), "mK/W", "K W-1"
        ),
        Dimension(
            "conductance",
            {"W/K": 1.0, "kW/K": 1e3, "MW/K": 1e6, "Btu/h/degF": BTU / HOUR / RANKINE},
            "313 kW/K",
            ("W/K", "kW/K", "MW/K"),
            "kW/K",
            "W K-1",
        ),
        Dimension(
            "thermal conductivity",
            {"W/m/K": 1.0, "W/(m K)": 1.0, "Btu/h/ft/degF": BTU / HOUR / FOOT / RANKINE},
            "0.6 W/m/K",
            ("W/m/K",),
            "W/m/K",
            "W m-1 K-1",
        ),
        Dimension(
            "heat transfer coefficient",
            {
                "W/m2/K": 1.0,
                "W/(m2 K)": 1.0,
                "kW/m2/K": 1e3,
                "kW/(m2 K)": 1e3,
                "Btu/h/ft2/degF": BTU / HOUR / FOOT**2 / RANKINE,
            },
            "4 kW/m2/K",
            ("W/m2/K", "kW/m2/K"),
            "kW/m2/K",
            "W m-2 K-1",
        ),
        Dimension(
            "fouling resistance",
            {"m2 K/W": 1.0, "m2K/W": 1.0, "m2.K/W": 1.0, "h ft2 degF/Btu": HOUR * FOOT**2 * RANKINE / BTU},
            "1e-5 m2 K/W",
            ("m2 K/W",),
            "m2 K/W",
            "m2 K W-1",
        ),
        Dimension(
            "flow per power",
            {
                "m3/s/W": 1.0,
                "L/min/kW": 1e-3 / 60 / 1e3,
                "lpm/kW": 1e-3 / 60 / 1e3,
                "L/s/kW": 1e-6,
                "cfm/kW": FOOT**3 / 60 / 1e3,
                "gpm/kW": GALLON / 60 / 1e3,
                "gpm/ton": GALLON / 60 / TON,
            },
            "1.5 L/min/kW",
            ("L/min/kW",),
            "L/min/kW",
            "m3 s-1 W-1",
        ),
        Dimension("money", {"$": 1.0, "k$": 1e3, "M$": 1e6, "B$": 1e9}, "3.5 M$", ("$", "k$", "M$", "B$"), "$", "USD"),
        Dimension(
            "money per energy",
            {"$/J": 1.0, "$/kWh": 1 / (1e3 * HOUR), "$/MWh": 1 / (1e6 * HOUR), "c/kWh": 0.01 / (1e3 * HOUR)},
            "0.08 $/kWh",
            ("$/kWh",),
            "$/kWh",
            "USD J-1",
        ),
        Dimension(
            "money per power",
            {"$/W": 1.0, "$/kW": 1e-3, "$/MW": 1e-6, "k$/kW": 1.0, "k$/MW": 1e-3, "M$/MW": 1.0},
            "11 M$/MW",
            ("$/MW", "$/kW", "M$/MW"),
            "$/kW",
            "USD W-1",
        ),
        Dimension(
            "money per power time",
            {f"$/{p}-{t}": 1 / (_POWERS[p] * _TIMES[t]) for t in ("month", "year", "day") for p in ("kW", "MW")}
            | {"$/W-s": 1.0},
            "12 $/kW-month",
            ("$/kW-month",),
            "$/kW-month",
            "USD W-1 s-1",
        ),
        Dimension(
            "money per volume", {"$/m3": 1.0, "$/L": 1e3, "$/gal": 1 / GALLON}, "2.5 $/m3", ("$/m3",), "$/m3", "USD m-3"
        ),
        Dimension(
            "money per time",
            {f"$/{t}": 1 / s for t, s in _TIMES.items()} | {"M$/year": 1e6 / YEAR},
            "3 $/h",
            ("$/h",),
            "$/h",
            "USD s-1",
        ),
        Dimension(
            "carbon intensity",
            {"kg/J": 1.0, "g/kWh": 1e-3 / (1e3 * HOUR), "kg/kWh": 1 / (1e3 * HOUR), "kg/MWh": 1 / (1e6 * HOUR)},
            "380 g/kWh",
            ("g/kWh",),
            "g/kWh",
            "kg J-1",
        ),
        Dimension(
            "money per token",
            {"$/token": 1.0, "$/Mtok": 1e-6, "$/Gtok": 1e-9},
            "0.4 $/Mtok",
            ("$/Mtok",),
            "$/Mtok",
            "USD",
        ),
        Dimension(
            "data",
            {
                "B": 1.0,
                "kB": 1e3,
                "MB": 1e6,
                "GB": 1e9,
                "TB": 1e12,
                "MiB": 2.0**20,
                "GiB": 2.0**30,
                "TiB": 2.0**40,
            },
            "64 GB",
            ("GB", "TB"),
            "GB",
            "byte",
        ),
        Dimension(
            "data rate",
            {"B/s": 1.0, "GB/s": 1e9, "TB/s": 1e12, "Gb/s": 1e9 / 8, "Tb/s": 1e12 / 8},
            "50 GB/s",
            ("GB/s", "TB/s"),
            "GB/s",
            "byte s-1",
        ),
        Dimension(
            "rate",
            {"tok/s": 1.0, "ktok/s": 1e3, "Mtok/s": 1e6, "Gtok/s": 1e9},
            "2500 tok/s",
            ("tok/s", "ktok/s", "Mtok/s", "Gtok/s"),
            "tok/s",
            "s-1",
        ),
    ]
)
UNITS: Mapping[str, Mapping[str, float]] = MappingProxyType({k: d.units for k, d in DIMENSIONS.items()})
"""Factor to SI of every unit, by dimension (temperature scales also have an offset)."""

System = Literal["si", "us"]
"""Units of the screen: those of SI, or US customary ones as engineers there read them."""

US: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "temperature": ("degF", 5 / 9),
        "temperature_difference": ("degF", 5 / 9),
        "mass_flow": ("lb/h", 0.45359237 / HOUR),
        "volume_flow": ("gpm", GALLON / 60),
        "pressure": ("psi", 6894.757293),
        "length": ("ft", FOOT),
        "area": ("ft2", FOOT**2),
        "volume": ("gal", GALLON),
        "velocity": ("ft/s", FOOT),
        "cooling": ("tons", 12e3 * BTU / HOUR),
        "water": ("gal/day", GALLON / DAY),
    }
)
"""US unit and its size in SI by dimension, what is missing being as in SI; heat taken away and water used besides."""

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TEXT = re.compile(rf"\s*(\$?)\s*({_NUMBER})\s*((?:(?:1/)?[^\d\s,.+-].*?)?)\s*")


def _dimension(name: str) -> Dimension:
    try:
        return DIMENSIONS[name]
    except KeyError:
        raise KeyError(f"no dimension {name!r}; there are {', '.join(DIMENSIONS)}") from None


_CHARACTERS = {
    **dict.fromkeys("\N{MICRO SIGN}\N{GREEK SMALL LETTER MU}", "u"),
    **dict.fromkeys("\N{GREEK CAPITAL LETTER OMEGA}\N{OHM SIGN}", "ohm"),
    **dict.fromkeys("\N{DEGREE SIGN}\N{MASCULINE ORDINAL INDICATOR}", "deg"),
    "\N{SUPERSCRIPT TWO}": "2",
    "\N{SUBSCRIPT TWO}": "2",
    "\N{SUPERSCRIPT THREE}": "3",
    "\N{CENT SIGN}": "c",
    "\N{MIDDLE DOT}": " ",
}
"""Characters that are read as others."""

_TRANSLATION = str.maketrans(_CHARACTERS)

_WORDS = {
    **dict.fromkeys(("celsius", "c"), "degC"),
    **dict.fromkeys(("fahrenheit", "f"), "degF"),
    **dict.fromkeys(("meter", "metre"), "m"),
    **dict.fromkeys(("liter", "litre"), "L"),
    **dict.fromkeys(("inch", "inche"), "in"),
    **dict.fromkeys(("foot", "feet"), "ft"),
    **dict.fromkeys(("ampere", "amp"), "A"),
    **dict.fromkeys(("second", "sec"), "s"),
    **dict.fromkeys(("hour", "hr"), "h"),
    **dict.fromkeys(("year", "yr"), "year"),
    **dict.fromkeys(("tr", "rt"), "ton"),
    **{"watt": "W", "joule": "J", "pascal": "Pa", "volt": "V", "ohm": "ohm", "hertz": "Hz", "bar": "bar"},
    **{"kelvin": "K", "gallon": "gal", "pound": "lb", "lb": "lb", "gram": "g", "micron": "um"},
    **{"minute": "min", "min": "min", "percent": "%", "dollar": "$", "cent": "c", "token": "tok", "byte": "B"},
}
"""Symbols by the words, without the s of a plural, that people write for them."""

_PREFIXES = {
    "": "",
    **{"kilo": "k", "mega": "M", "giga": "G", "milli": "m", "micro": "u"},
    **{"k": "k", "M": "M", "G": "G", "m": "m", "u": "u"},
}
_GAUGE = ("psig", "psi(g)", "barg", "bar(g)", "kPag", "kPa(g)")


def _symbol(word: str) -> str:
    """The symbol that a word stands for, of the same size: kilowatts and kWatt are kW; another word as it is."""
    for prefix, symbol in _PREFIXES.items():
        begin, rest = word[: len(prefix)], word[len(prefix) :].lower()
        known = _WORDS.get(rest) or _WORDS.get(rest.removesuffix("s"))
        if known and (not prefix or len(rest) > 2) and (begin if len(prefix) == 1 else begin.lower()) == prefix:
            return symbol + known
    return word


def _spelled(unit: str) -> str:
    """A unit with symbols for words, digits for powers, and strokes for `per`."""
    unit = re.sub(r"\^|\*\*|\bdeg(?:rees?)?\s+", "", unit)
    unit = re.sub(r"\s*(?:\bper\b|/)\s*", "/", unit)
    unit = re.sub("[A-Za-z]+", lambda m: _symbol(m[0]), unit)
    return re.sub("(?<=/)degC", "K", unit)


def _folded(unit: str) -> str:
    """A unit in lower case but for what tells sizes apart: milli and mega before, bits and bytes at the end."""

    def fold(m: re.Match[str]) -> str:
        word, last = m[0], len(m[0]) - 1
        kept = {i for i, c in enumerate(word) if (i == 0 and c in "mM") or (i == last and c in "bB")}
        return "".join(c if i in kept else c.lower() for i, c in enumerate(word))

    return re.sub("[A-Za-z]+", fold, unit)


def _same(unit: str, expected: Dimension) -> str | None:
    """The unit of a dimension that another spelling, case or plural surely means: one of the same size."""
    spelled = _spelled(unit)
    if spelled in expected.units:
        return spelled
    sizes = {size for u, size in expected.units.items() if u.lower() == spelled.lower()}
    alike = [u for u in expected.units if _folded(u) == _folded(spelled)]
    return alike[0] if alike and len(sizes) == 1 else None


def _mismatch(unit: str, expected: Dimension) -> str:
    """Why a unit does not fit: another dimension's, another spelling of one that fits, or none that is taken."""
    for d in DIMENSIONS.values():
        if unit in d.units:
            return f"has a unit of {d.name}, expected {expected.name} ({expected.listing})"
    taken = ", ".join(u for u in expected.units if u) or "no unit"
    if unit in _GAUGE:
        return f"counts from the pressure of the air; write an absolute pressure or a difference in {taken}"
    same = _same(unit, expected)
    hint = f"did you mean {same!r}?" if same else f"{expected.name} takes {taken}"
    return f"has an unknown unit {unit!r}; {hint}"


def _bare(value: str | Real, d: Dimension) -> float:
    """A number without a unit, where the dimension has none."""
    if not isinstance(value, str) and not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    if not d.plain:
        unit = d.example.partition(" ")[2]
        raise ValueError(f"{value} needs a unit, write e.g. '{value} {unit}'")
    return _checked(float(value), value)


def _checked(value: float, shown: object) -> float:
    """The value. Raises ValueError for what is not finite or cannot be computed with."""
    if not math.isfinite(value):
        raise ValueError(f"{shown!r} is not a finite number")
    if out_of_reach(value):
        raise ValueError(f"{shown!r} {BEYOND}")
    return value


def out_of_reach(value: Any) -> Any:
    """Whether SI values, a number or an array, are so large or small that products of them would overflow."""
    size = abs(value)
    return (size > LARGEST) | ((size > 0) & (size < 1.0 / LARGEST))


@lru_cache(maxsize=65536)
def _parse(text: str, dimension: str) -> float:
    d = _dimension(dimension)
    match = _TEXT.fullmatch(text.translate(_TRANSLATION))
    if match is None:
        if re.match(r"\s*[-+]?\.?(nan|inf)", text, re.IGNORECASE):
            raise ValueError(f"{text!r} is not a finite number")
        raise ValueError(f"{text!r} is not a number with a unit, write e.g. {d.example!r}")
    dollar, number, unit = match.groups()
    unit = (dollar + " ".join(unit.split())).replace("USD", "$")
    if unit not in d.units:
        if not unit:
            return _bare(number, d)
        raise ValueError(f"{text.strip()!r} {_mismatch(unit, d)}")
    return _checked(float(number) * d.units[unit] + d.offsets.get(unit, 0.0), text.strip())


def parse(text: object, dimension: str) -> float:
    """Value in SI of a number with its unit: parse("132 kW", "power") = 132000.0.

    Fractions and plain numbers may come without a unit. Raises ValueError with the fix: a missing unit, a unit of
    another dimension, an unknown unit with the nearest known one, or a number that is not finite or too large or small
    to compute with; KeyError for a dimension that the table does not have.
    """
    if isinstance(text, str):
        return _parse(text, dimension)
    if isinstance(text, Real) and not isinstance(text, bool):
        return _bare(text, _dimension(dimension))
    raise ValueError(f"{text!r} is not a quantity, write e.g. {_dimension(dimension).example!r}")


def _either(units: Iterable[str]) -> str:
    """Regular expression of units in all characters that are read as theirs."""
    written = {u: "|".join([u, *(c for c, same in _CHARACTERS.items() if same == u)]) for u in _CHARACTERS.values()}
    plain = {re.escape(u): f"(?:{either})" for u, either in written.items()} | {"\\-": "-"}
    parts = re.compile("|".join(map(re.escape, sorted(plain, key=len, reverse=True))))
    longest_first = sorted(units, key=len, reverse=True)
    return "|".join(parts.sub(lambda m: plain[m.group()], re.escape(u)) for u in longest_first)


def _pattern(d: Dimension) -> str:
    """Regular expression of what `parse` reads, for JSON Schema."""
    forms = [rf"{_NUMBER}\s*(?:{_either(d.units)})"]
    dollars = [u[1:] for u in d.units if u.startswith("$")]
    if dollars:
        named = [u.replace("$", "USD") for u in d.units if "$" in u]
        forms.append(rf"\$\s*{_NUMBER}\s*(?:{_either(dollars)})")
        forms.append(rf"{_NUMBER}\s*(?:{_either(named)})")
    return rf"^\s*(?:{'|'.join(forms)})\s*$"


def _digits(value: float) -> str:
    text = f"{value:.4g}" if 1e-4 <= abs(value) < 1e4 or value == 0 or not math.isfinite(value) else f"{value:,.0f}"
    return f"{value:.3g}" if 0 < abs(value) < 1e-4 else text


def si_unit(dimension: str) -> str:
    """SI unit of a dimension as `parse` reads it, "1" for plain numbers: si_unit("mass_flow") = "kg/s".

    Raises KeyError for a dimension that the table does not have.
    """
    d = _dimension(dimension)
    return next((u for u, factor in d.units.items() if u and factor == 1.0 and u not in d.offsets), "1")


def cf_unit(dimension: str) -> str:
    """SI unit of a dimension as CF and UDUNITS spell it, for datasets: cf_unit("mass_flow") = "kg s-1".

    Money is "USD". Raises KeyError for a dimension that the table does not have.
    """
    return _dimension(dimension).cf


def format(value: float, dimension: str, decimals: int | None = None, system: System = "si") -> str:
    """SI value with a unit, for the screen: format(132000.0, "power") = "132 kW".

    The unit and the digits suit the size of the number. With `decimals` they are those of a column of a table, so many
    decimals in one unit per dimension: format(9137e3, "power", 1) = "9,137.0 kW". What is infinite is "unlimited".
    With system "us" it is one of `US`: format(308.15, "temperature", system="us") = "95 degF". Raises KeyError for a
    dimension that the table does not have.
    """
    d = _dimension(dimension)
    if math.isinf(value):
        return "unlimited"
    if system == "us" and dimension in US:
        return us(value - d.offsets.get("degF", 0.0), dimension, decimals)
    if decimals is not None:
        return f"{(value - d.offsets.get(d.table, 0.0)) / d.units[d.table]:,.{decimals}f} {d.table}".strip()
    fitting = [u for u in d.screen if abs(value) >= 0.99995 * d.units[u]] if math.isfinite(value) else []
    unit = fitting[-1] if fitting else d.screen[0]
    if not fitting and value == 0 and not d.offsets:
        unit = d.example.partition(" ")[2] or unit
    return f"{_digits((value - d.offsets.get(unit, 0.0)) / d.units[unit])} {unit}".strip()


def us(value: float, key: str, decimals: int | None = None) -> str:
    """SI value, counted from zero, in the unit of `US`: us(3516.85, "cooling", 1) = "1.0 tons"."""
    unit, size = US[key]
    return f"{_digits(value / size) if decimals is None else f'{value / size:,.{decimals}f}'} {unit}"


@dataclass(frozen=True)
class Quantity:
    """Marks a float field as a quantity: read from a string with a unit, kept in SI.

    Example: Annotated[float, Quantity("power")].
    """

    dimension: str
    """One of `DIMENSIONS`."""

    @property
    def unit(self) -> str:
        """The unit of the dimension's example, empty for plain numbers."""
        return _dimension(self.dimension).example.partition(" ")[2]

    def unit_of(self, value: object) -> str:
        """The unit that the screen gives a value; that of the example for none, zero and what needs no unit."""
        if self.unit and isinstance(value, (int, float)) and value and math.isfinite(value):
            return self.format(value).partition(" ")[2]
        return self.unit

    def beside(self, value: float, default: object) -> str:
        """The SI value for the screen, zero in the unit that a default has there."""
        unit = self.unit_of(default)
        return f"0 {unit}" if unit and value == 0 and not _dimension(self.dimension).offsets else self.format(value)

    def parse(self, text: object) -> float:
        """SI value of a string with a unit; see `parse`."""
        return parse(text, self.dimension)

    def format(self, value: float) -> str:
        """The SI value for the screen."""
        return format(value, self.dimension)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.parse, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        d = _dimension(self.dimension)
        text = {"type": "string", "pattern": _pattern(d), "examples": [d.example], "title": f"{d.name}: {d.listing}"}
        return {"anyOf": [{"type": "number"}, text]} if d.plain else text


def quantity(annotation: Any) -> Quantity | None:
    """The Quantity in an annotation, a pydantic FieldInfo, a metadata list or an optional of one; None without."""
    if isinstance(annotation, Quantity):
        return annotation
    if isinstance(annotation, (list, tuple)):
        parts: Iterable[object] = annotation
    elif hasattr(annotation, "metadata") and hasattr(annotation, "annotation"):
        parts = (*annotation.metadata, annotation.annotation)
    else:
        parts = (*getattr(annotation, "__metadata__", ()), *get_args(annotation))
    return next((q for q in map(quantity, parts) if q), None)


def is_whole(info: Any) -> bool:
    """Whether a pydantic FieldInfo declares whole numbers, or an optional one."""
    return info.annotation in (int, int | None)


def outside(fault: Mapping[str, Any], annotation: object) -> str | None:
    """Sentence for a pydantic fault about a bound, in the user's units: "4 MW is above 600 kW"; None if other."""
    bounded, context = quantity(annotation), fault.get("ctx") or {}
    words = {"ge": "is below", "gt": "is not above", "le": "is above", "lt": "is not below"}
    for key, word in words.items():
        if bounded and key in context:
            value = fault["input"] if isinstance(fault["input"], str) else bounded.format(fault["input"])
            return f"{value} {word} {bounded.format(context[key])}"
    return None


Power = Annotated[float, Quantity("power")]
Energy = Annotated[float, Quantity("energy")]
Temperature = Annotated[float, Quantity("temperature")]
TemperatureDifference = Annotated[float, Quantity("temperature_difference")]
PerTemperature = Annotated[float, Quantity("per_temperature")]
PerLength = Annotated[float, Quantity("per_length")]
MassFlow = Annotated[float, Quantity("mass_flow")]
VolumeFlow = Annotated[float, Quantity("volume_flow")]
Pressure = Annotated[float, Quantity("pressure")]
Length = Annotated[float, Quantity("length")]
Area = Annotated[float, Quantity("area")]
Volume = Annotated[float, Quantity("volume")]
Velocity = Annotated[float, Quantity("velocity")]
Voltage = Annotated[float, Quantity("voltage")]
Current = Annotated[float, Quantity("current")]
Resistance = Annotated[float, Quantity("resistance")]
ResistancePerLength = Annotated[float, Quantity("resistance_per_length")]
ApparentPower = Annotated[float, Quantity("apparent_power")]
ReactivePower = Annotated[float, Quantity("reactive_power")]
Capacitance = Annotated[float, Quantity("capacitance")]
CapacitancePerLength = Annotated[float, Quantity("capacitance_per_length")]
Frequency = Annotated[float, Quantity("frequency")]
Fraction = Annotated[float, Quantity("fraction")]
Number = Annotated[float, Quantity("number")]
Time = Annotated[float, Quantity("time")]
Speed = Annotated[float, Quantity("speed")]
ThermalResistance = Annotated[float, Quantity("thermal_resistance")]
Conductance = Annotated[float, Quantity("conductance")]
ThermalConductivity = Annotated[float, Quantity("thermal_conductivity")]
FoulingResistance = Annotated[float, Quantity("fouling_resistance")]
HeatTransferCoefficient = Annotated[float, Quantity("heat_transfer_coefficient")]
FlowPerPower = Annotated[float, Quantity("flow_per_power")]
Money = Annotated[float, Quantity("money")]
MoneyPerEnergy = Annotated[float, Quantity("money_per_energy")]
MoneyPerPower = Annotated[float, Quantity("money_per_power")]
MoneyPerPowerTime = Annotated[float, Quantity("money_per_power_time")]
MoneyPerVolume = Annotated[float, Quantity("money_per_volume")]
MoneyPerTime = Annotated[float, Quantity("money_per_time")]
MoneyPerToken = Annotated[float, Quantity("money_per_token")]
CarbonIntensity = Annotated[float, Quantity("carbon_intensity")]
Data = Annotated[float, Quantity("data")]
DataRate = Annotated[float, Quantity("data_rate")]
Rate = Annotated[float, Quantity("rate")]
