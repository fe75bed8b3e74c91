"""EPANET input files (`.inp`) as text: sections, numbers, options with their units, patterns and curves."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

Line = tuple[int, list[str]]
"""Number of a line in its file, and its words."""

FOOT = 0.3048
"""m."""

WATER = 1000.0
"""Density of water to which SPECIFIC GRAVITY is relative, kg/m³."""

VISCOSITY = 1.1e-5 * FOOT**2
"""Kinematic viscosity of water to which VISCOSITY is relative, m²/s."""

CUBIC_FOOT = FOOT**3
"""m³."""

FLOW = {
    "CFS": CUBIC_FOOT,
    "GPM": 231 * 0.0254**3 / 60,
    "MGD": 231e6 * 0.0254**3 / 86400,
    "IMGD": 4546.09 / 86400,
    "AFD": 43560 * CUBIC_FOOT / 86400,
    "LPS": 1e-3,
    "LPM": 1e-3 / 60,
    "MLD": 1e3 / 86400,
    "CMH": 1 / 3600,
    "CMD": 1 / 86400,
    "CMS": 1.0,
}
"""Flow units in m³/s; the first five go with feet, inches and psi."""

HEADLOSS = ("H-W", "D-W", "C-M")
"""Laws of head loss: Hazen-Williams, Darcy-Weisbach, Chezy-Manning."""

PSI = FOOT / 0.4333
"""Head of one psi of water, m."""

PRESSURE = {"PSI": PSI, "KPA": PSI / 6.895, "METERS": 1.0}
"""Heads of the units of pressure, m of water."""

LIFT = 8.814 * FOOT * CUBIC_FOOT
"""Head times flow of one horsepower, m⁴/s, as EPANET rounds it."""

_TWO_WORDS = ("SPECIFIC GRAVITY", "DEMAND MULTIPLIER", "EMITTER EXPONENT", "DEMAND MODEL", "QUALITY TIMESTEP")
_SECTIONS = (
    *("TITLE", "JUNCTIONS", "RESERVOIRS", "TANKS", "PIPES", "PUMPS", "VALVES", "DEMANDS", "STATUS", "PATTERNS"),
    *("CURVES", "EMITTERS", "CONTROLS", "RULES", "OPTIONS", "TIMES", "END"),
)


class InputFile:
    """Lines of an EPANET input file by section; `name` stands in messages. ValueError if it has no network."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.sections: dict[str, list[Line]] = {}
        section = ""
        for number, line in enumerate(text.splitlines(), 1):
            content = line.split(";")[0].strip().strip("\x1a")
            if content.startswith("["):
                section = content.strip("[]").upper()
                section = next((s for s in _SECTIONS if s.startswith(section[:4])), section)
                if section == "END":
                    break
            elif content:
                words = [w.strip('"') for w in re.findall(r'"[^"]*"|\S+', content)]
                self.sections.setdefault(section, []).append((number, words))
        if not self.rows("JUNCTIONS") and not self.rows("PIPES"):
            raise ValueError(f"{name}: no [JUNCTIONS] or [PIPES]: not an EPANET file")

    def rows(self, section: str) -> list[Line]:
        """Lines of a section, none where the file does not have it."""
        return self.sections.get(section, [])

    def error(self, line: int, reason: str) -> ValueError:
        """A ValueError that names file and line."""
        return ValueError(f"{self.name}:{line}: {reason}")

    def number(self, line: int, words: list[str], place: int, default: float | None = None) -> float:
        """The number at a place of a line, or `default` where the line ends before; ValueError for what is none."""
        if place >= len(words) and default is not None:
            return default
        try:
            value = float(words[place])
        except (IndexError, ValueError):
            fault = f"{words[place]!r} is not" if place < len(words) else "the line ends before"
            raise self.error(line, f"{' '.join(words)}: {fault} a number") from None
        if not math.isfinite(value):
            raise self.error(line, f"{' '.join(words)}: {words[place]} is not finite")
        return value

    def seconds(self, line: int, words: list[str]) -> float:
        """The time [s] that words of a line state; ValueError for what is none."""
        try:
            return seconds(words)
        except ValueError:
            raise self.error(line, f"{' '.join(words)!r} is not a time") from None

    def patterns(self) -> dict[str, list[float]]:
        """Factors of each time pattern."""
        patterns: dict[str, list[float]] = {}
        for name, numbers in self._numbers("PATTERNS"):
            patterns.setdefault(name, []).extend(numbers)
        return patterns

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """Points of each curve, in the units of the file."""
        curves: dict[str, list[tuple[float, float]]] = {}
        for name, numbers in self._numbers("CURVES"):
            curves.setdefault(name, []).extend(zip(numbers[::2], numbers[1::2], strict=False))
        return curves

    def _numbers(self, section: str) -> list[tuple[str, list[float]]]:
        """Name and numbers of each line of a section."""
        rows = self.rows(section)
        return [(words[0], [self.number(line, words, k) for k in range(1, len(words))]) for line, words in rows]


@dataclass(frozen=True)
class Options:
    """What [OPTIONS] and [TIMES] say: units in SI, properties of the liquid, and the start of the simulation."""

    units: str
    """Name of the flow unit."""
    headloss: str
    """H-W, D-W or C-M."""
    length: float
    """Unit of lengths and heads [m]."""
    diameter: float
    """Unit of diameters [m]."""
    roughness: float
    """Unit of Darcy-Weisbach's roughness [m]."""
    flow: float
    """Unit of flow [m³/s]."""
    pressure: float
    """Unit of pressure [m of water]."""
    power: float
    """Unit of pump power, as head times flow of water [m⁴/s]."""
    density: float
    """Of the liquid [kg/m³]."""
    kinematic_viscosity: float
    """Of the liquid [m²/s]."""
    demand_multiplier: float
    """Factor on all demands."""
    emitter_exponent: float
    """Exponent of pressure in the flow of emitters."""
    default_pattern: str
    """Name of the pattern of demands that name none."""
    pattern_step: float
    """Time for which a factor of a pattern holds [s]."""
    pattern_start: float
    """Time in the patterns at which the simulation starts [s]."""
    start_clocktime: float
    """Time of day at which the simulation starts [s]."""


class _OptionLines:
    """The last line of each option."""

    def __init__(self, file: InputFile) -> None:
        self.file = file
        self.lines: dict[str, tuple[int, list[str], int]] = {}
        for line, words in file.rows("OPTIONS"):
            first_two = " ".join(w.upper() for w in words[:2])
            place = 2 if first_two in _TWO_WORDS else 1
            self.lines[first_two if place == 2 else words[0].upper()] = (line, words, place)
        for line, words, place in self.lines.values():
            if len(words) <= place:
                raise file.error(line, f"{' '.join(words)}: no value")

    def word(self, option: str, default: str) -> str:
        """Value of an option as it stands."""
        if option not in self.lines:
            return default
        _, words, place = self.lines[option]
        return words[place]

    def choice(self, option: str, default: str, known: tuple[str, ...]) -> str:
        """Value of an option in capitals; ValueError if it is not one of those known."""
        value = self.word(option, default).upper()
        if value not in known:
            raise self.error(option, f"{option} {value} is none of {', '.join(known)}")
        return value

    def number(self, option: str, default: float) -> float:
        """Value of an option that is a number."""
        return self.file.number(*self.lines[option]) if option in self.lines else default

    def error(self, option: str, reason: str) -> ValueError:
        """A ValueError that names file and line of an option."""
        return self.file.error(self.lines[option][0], reason)


def read_options(file: InputFile) -> Options:
    """The options of a file; ValueError, naming file and line, for those that are unknown or out of range."""
    options = _OptionLines(file)
    units = options.choice("UNITS", "GPM", tuple(FLOW))
    headloss = options.choice("HEADLOSS", "H-W", HEADLOSS)
    if options.word("DEMAND MODEL", "DDA").upper() != "DDA":
        raise options.error("DEMAND MODEL", "demands that depend on pressure (PDA) are not read")
    us_customary = list(FLOW).index(units) < 5
    length = FOOT if us_customary else 1.0
    pressure = PRESSURE[options.choice("PRESSURE", "PSI" if us_customary else "METERS", tuple(PRESSURE))]
    density = WATER * options.number("SPECIFIC GRAVITY", 1.0)
    viscosity = options.number("VISCOSITY", 1.0)
    kinematic_viscosity = viscosity * VISCOSITY if viscosity > 1e-3 else viscosity * length**2
    demand_multiplier = options.number("DEMAND MULTIPLIER", 1.0)
    emitter_exponent = options.number("EMITTER EXPONENT", 0.5)
    for line, words in file.rows("DEMANDS"):
        if words[0].upper() == "MULTIPLY":
            demand_multiplier = file.number(line, words, 1)
    if not (emitter_exponent > 0 and density > 0 and kinematic_viscosity > 0):
        raise ValueError(f"{file.name}: emitter exponent, specific gravity and viscosity must be positive")
    pattern_step, pattern_start, start_clocktime = _times(file)
    return Options(
        units=units,
        headloss=headloss,
        length=length,
        diameter=FOOT / 12 if us_customary else 1e-3,
        roughness=1e-3 * FOOT if us_customary else 1e-3,
        flow=FLOW[units],
        pressure=pressure,
        power=LIFT if us_customary else LIFT / 0.7457,
        density=density,
        kinematic_viscosity=kinematic_viscosity,
        demand_multiplier=demand_multiplier,
        emitter_exponent=emitter_exponent,
        default_pattern=options.word("PATTERN", "1"),
        pattern_step=pattern_step,
        pattern_start=pattern_start,
        start_clocktime=start_clocktime,
    )


def _times(file: InputFile) -> tuple[float, float, float]:
    """Step and start of patterns and the time of day at the start [s]."""
    times = {"PATTERN TIMESTEP": 3600.0, "PATTERN START": 0.0, "START CLOCKTIME": 0.0}
    for line, words in file.rows("TIMES"):
        name = " ".join(words[:2]).upper()
        if name in times:
            times[name] = file.seconds(line, words[2:])
    step, start, clocktime = times.values()
    if step <= 0:
        raise ValueError(f"{file.name}: PATTERN TIMESTEP must be positive")
    return step, start, clocktime


def seconds(words: list[str]) -> float:
    """A time [s]: hours, hours:minutes:seconds, or with a unit or AM, PM; ValueError for what is none."""
    if not words:
        return 0.0
    unit = words[1].upper() if len(words) > 1 else ""
    parts = [float(x) for x in re.split(":", words[0])]
    if len(parts) == 1:
        scale = {"SEC": 1.0, "MIN": 60.0, "DAY": 86400.0}.get(unit[:3], 3600.0)
        noon = 43200.0 if unit == "PM" and parts[0] < 12 else -43200.0 if unit == "AM" and parts[0] == 12 else 0.0
        return parts[0] * scale + noon
    time = sum(p * s for p, s in zip(parts, (3600.0, 60.0, 1.0), strict=False))
    if unit == "AM" and parts[0] == 12:
        return time - 43200.0
    return time + (43200.0 if unit == "PM" and parts[0] < 12 else 0.0)
