"""Options and times of EPANET input files: units in SI, properties of the liquid, and the start of the simulation.

What changes flows and is not read is refused, unless it stands at the value that changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.readers.inp import InputFile
from twin.readers.text import hint

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

PRESSURE = {"PSI": PSI, "KPA": PSI / 6.895, "METERS": 1.0, "BAR": PSI / 0.068948, "FEET": FOOT}
"""Heads of the units of pressure, m of water."""

LIFT = 8.814 * FOOT * CUBIC_FOOT
"""Head times flow of one horsepower, m⁴/s, as EPANET rounds it."""

DAY = 86400.0
"""s."""


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
    backflow: bool
    """Whether emitters let in what flows back."""
    default_pattern: str | None
    """Name of the pattern of demands that name none, if there is one."""
    pattern_step: float
    """Time for which a factor of a pattern holds [s]."""
    pattern_start: float
    """Time in the patterns at which the simulation starts [s]."""
    start_clocktime: float
    """Time of day at which the simulation starts [s]."""


OPTIONS = (
    *("UNITS", "HEADLOSS", "PATTERN", "VISCOSITY", "HYDRAULICS", "DEMAND MODEL", "DEMAND MULTIPLIER"),
    *("EMITTER EXPONENT", "SPECIFIC GRAVITY", "BACKFLOW ALLOWED", "EMITTER BACKFLOW", "PRESSURE EXPONENT", "PRESSURE"),
    *("MINIMUM PRESSURE", "REQUIRED PRESSURE", "QUALITY", "DIFFUSIVITY", "TOLERANCE", "MAP", "VERIFY", "SEGMENTS"),
    *("UNBALANCED", "TRIALS", "ACCURACY", "HEADERROR", "FLOWCHANGE", "HTOL", "QTOL", "RQTOL", "CHECKFREQ", "MAXCHECK"),
    "DAMPLIMIT",
)
"""All options of EPANET 2.0 to 2.3; those from MINIMUM PRESSURE on, and the exponent, change nothing computed here."""

TIMES = (
    *("PATTERN TIMESTEP", "PATTERN START", "START", "DURATION", "HYDRAULIC", "QUALITY", "RULE", "MINIMUM", "REPORT"),
    "STATISTIC",
)
"""All words of [TIMES], the first three of them read."""


class _Lines:
    """The last line of each option of a section, by the option's name."""

    def __init__(self, file: InputFile, section: str, known: tuple[str, ...]) -> None:
        self.file = file
        self.lines: dict[str, tuple[int, list[str], int]] = {}
        for line, words in file.rows(section):
            option = named(words, known)
            if option is None:
                raise file.error(line, f"[{section}] {' '.join(words)} is {hint(' '.join(words[:2]), known)}")
            self.lines[option] = (line, words, len(option.split()))

    def word(self, option: str, default: str) -> str:
        """Value of an option as it stands; ValueError where the line ends before."""
        if option not in self.lines:
            return default
        line, words, place = self.lines[option]
        if len(words) <= place:
            raise self.file.error(line, f"{' '.join(words)}: no value")
        return words[place]

    def choice(self, option: str, default: str, known: tuple[str, ...]) -> str:
        """That of the values known with whose name the value begins; M stands for METERS."""
        value = self.word(option, default).upper()
        for name in known:
            if value.startswith(name.replace("METERS", "M")):
                return name
        raise self.error(option, f"{option} {value} is none of {', '.join(known)}")

    def number(self, option: str, default: float) -> float:
        """Value of an option that is a number above zero."""
        if option not in self.lines:
            return default
        value = self.file.number(*self.lines[option])
        if value <= 0:
            raise self.error(option, f"{option} must be positive")
        return value

    def seconds(self, option: str, default: float) -> float:
        """Value of an option that is a time [s]."""
        if option not in self.lines:
            return default
        line, words, _ = self.lines[option]
        return self.file.seconds(line, words[-1:] if words[-1][0] in "0123456789." else words[-2:])

    def error(self, option: str, reason: str) -> ValueError:
        """A ValueError that names file and line of an option."""
        return self.file.error(self.lines[option][0], reason)


def named(words: list[str], known: tuple[str, ...]) -> str | None:
    """That of the names known with which a line begins, each of its words by its first letters, as in EPANET."""
    for name in known:
        first, *second = name.split()
        letters = [first[: 5 if first.startswith("HEAD") else 4], *(word[:3] for word in second)]
        if len(words) >= len(letters) and all(w.upper().startswith(x) for w, x in zip(words, letters, strict=False)):
            return name
    return None


def read_options(file: InputFile) -> Options:
    """The options of a file; ValueError, naming file and line, for those that are unknown or out of range."""
    options, times = _Lines(file, "OPTIONS", OPTIONS), _Lines(file, "TIMES", TIMES)
    units = options.choice("UNITS", "GPM", (*FLOW, "SI"))
    units = "LPS" if units == "SI" else units
    headloss = options.choice("HEADLOSS", "H-W", HEADLOSS)
    if options.choice("DEMAND MODEL", "DDA", ("DDA", "PDA")) != "DDA":
        raise options.error("DEMAND MODEL", "demands that depend on pressure (PDA) are not read")
    if options.choice("HYDRAULICS", "SAVE", ("USE", "SAVE")) != "SAVE":
        raise options.error("HYDRAULICS", "flows from another file (HYDRAULICS USE) are not read")
    us_customary = list(FLOW).index(units) < 5
    pressure = options.choice("PRESSURE", "PSI" if us_customary else "METERS", tuple(PRESSURE))
    if pressure in (("KPA", "METERS") if us_customary else ("PSI",)):
        also = "PSI or FEET" if us_customary else "METERS, KPA or BAR"
        unclear = f"PRESSURE {pressure} beside UNITS {units} is read in two ways by versions of EPANET; write {also}"
        raise options.error("PRESSURE", unclear)
    length = FOOT if us_customary else 1.0
    viscosity = options.number("VISCOSITY", 1.0)
    demand_multiplier = options.number("DEMAND MULTIPLIER", 1.0)
    for line, words in file.rows("DEMANDS"):
        if words[0].upper().startswith("MULT"):
            demand_multiplier = file.number(line, words, 1)
    backflow = [options.choice(o, "YES", ("YES", "NO")) for o in ("BACKFLOW ALLOWED", "EMITTER BACKFLOW")]
    pattern_step = times.seconds("PATTERN TIMESTEP", 3600.0)
    if pattern_step <= 0:
        raise times.error("PATTERN TIMESTEP", "PATTERN TIMESTEP must be positive")
    return Options(
        units=units,
        headloss=headloss,
        length=length,
        diameter=FOOT / 12 if us_customary else 1e-3,
        roughness=1e-3 * FOOT if us_customary else 1e-3,
        flow=FLOW[units],
        pressure=PRESSURE[pressure],
        power=LIFT if us_customary else LIFT / 0.7457,
        density=WATER * options.number("SPECIFIC GRAVITY", 1.0),
        kinematic_viscosity=viscosity * VISCOSITY if viscosity > 1e-3 else viscosity * length**2,
        demand_multiplier=demand_multiplier,
        emitter_exponent=options.number("EMITTER EXPONENT", 0.5),
        backflow="NO" not in backflow,
        default_pattern=_default_pattern(file, options),
        pattern_step=pattern_step,
        pattern_start=times.seconds("PATTERN START", 0.0),
        start_clocktime=times.seconds("START", 0.0) % DAY,
    )


def _default_pattern(file: InputFile, options: _Lines) -> str | None:
    """Name of the pattern of demands that name none; 1 where it is not said, and none where there is no 1."""
    name, patterns = options.word("PATTERN", "1"), file.patterns()
    if name not in patterns and name != "1":
        raise options.error("PATTERN", f"no pattern {name}")
    return name if name in patterns else None
