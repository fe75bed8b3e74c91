"""EPANET input files (`.inp`) as text: sections, words, numbers, times, patterns, curves and simple controls."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from twin.readers.text import hint

Line = tuple[int, list[str]]
"""Number of a line in its file, and its words."""

SECTIONS = (
    *("TITLE", "JUNCTIONS", "RESERVOIRS", "TANKS", "PIPES", "PUMPS", "VALVES", "DEMANDS", "STATUS", "PATTERNS"),
    *("CURVES", "EMITTERS", "LEAKAGE", "CONTROLS", "RULES", "OPTIONS", "TIMES", "ENERGY", "REPORT", "REACTIONS"),
    *("QUALITY", "SOURCES", "MIXING", "ROUGHNESS", "COORDINATES", "VERTICES", "LABELS", "BACKDROP", "TAGS", "END"),
)
"""All sections of EPANET 2.0 to 2.3; a file has the first four letters or more."""

UNREAD = {
    "RULES": "RULE IF AND OR THEN ELSE PRIO",
    "ENERGY": "GLOB PUMP DEMA",
    "REPORT": "PAGE STAT SUMM MESS ENER NODE LINK FILE ELEV DEMA HEAD PRES QUAL LENG DIAM FLOW VELO SETT REAC F-FA",
    "REACTIONS": "ORDE BULK WALL TANK GLOB LIMI ROUG",
    "BACKDROP": "DIME UNIT FILE OFFS",
    "TAGS": "NODE LINK",
}
"""Beginnings of lines in sections that change no flow at the start: what begins otherwise belongs elsewhere."""

UNREAD_NUMBERS = {"COORDINATES": (1, 2), "VERTICES": (1, 2), "LABELS": (0, 1), "QUALITY": (-1,)}
"""Places of numbers in lines of other such sections."""


class InputFile:
    """Lines of an EPANET input file by section; `name` stands in messages.

    ValueError for sections that are not known, lines that cannot belong to theirs, and a file without a network.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.sections: dict[str, list[Line]] = {}
        section = ""
        for number, line in enumerate(text.splitlines(), 1):
            content = line.split(";")[0].strip().strip("\x1a")
            if content.startswith("["):
                section = self._section(number, content.strip("[] ").upper())
                if section == "END":
                    break
            elif content:
                words = [w.strip('"') for w in re.findall(r'"[^"]*"|\S+', content)]
                self.sections.setdefault(section, []).append((number, words))
        if not self.rows("JUNCTIONS") and not self.rows("PIPES"):
            raise ValueError(f"{name}: no [JUNCTIONS] or [PIPES]: not an EPANET file")
        if self.rows(""):
            raise self.error(self.rows("")[0][0], "stands before any [SECTION]")
        self._check_unread()

    def _section(self, line: int, name: str) -> str:
        """The section of a heading."""
        for section in SECTIONS:
            if name.startswith(section[:4]):
                return section
        raise self.error(line, f"section [{name}] is {hint(name, SECTIONS)}")

    def _check_unread(self) -> None:
        """ValueError for a line that cannot belong to a section that is not read."""
        for section, beginnings in UNREAD.items():
            for line, words in self.rows(section):
                if not words[0].upper().startswith(tuple(beginnings.split())):
                    raise self.error(line, f"{' '.join(words)}: no line of [{section}]; known are {beginnings}")
        for section, places in UNREAD_NUMBERS.items():
            for line, words in self.rows(section):
                for place in places:
                    self.number(line, words, place)

    def rows(self, section: str, most: int | None = None) -> list[Line]:
        """Lines of a section, none where the file does not have it; ValueError for one of more than `most` words."""
        rows = self.sections.get(section, [])
        for line, words in rows:
            if most is not None and len(words) > most:
                raise self.error(line, f"{' '.join(words)}: {words[most]!r} is more than a line of [{section}] has")
        return rows

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
        for line, words in self.rows("PATTERNS"):
            numbers = [self.number(line, words, k) for k in range(1, len(words))]
            patterns.setdefault(words[0], []).extend(numbers)
        return patterns

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """Points of each curve, in the units of the file."""
        curves: dict[str, list[tuple[float, float]]] = {}
        for line, words in self.rows("CURVES", 3):
            curves.setdefault(words[0], []).append((self.number(line, words, 1), self.number(line, words, 2)))
        return curves

    def controls(self) -> list[Control]:
        """Simple controls in their order; ValueError for what is none."""
        return [self._control(line, words) for line, words in self.rows("CONTROLS", 8)]

    def _control(self, line: int, words: list[str]) -> Control:
        """The control of a line."""
        form = "LINK name OPEN|CLOSED|number AT TIME|CLOCKTIME time, or IF NODE name ABOVE|BELOW number"
        capitals = [w.upper() for w in words]

        def is_one_of(place: int, *known: str) -> bool:
            return place < len(words) and capitals[place].startswith(tuple(k[:4] for k in known))

        if len(words) >= 6 and is_one_of(0, "LINK", "PIPE", "PUMP", "VALVE"):
            link, status = words[1:3]
            if capitals[3] == "AT" and is_one_of(4, "TIME", "CLOCKTIME") and len(words) <= 7:
                time = self.seconds(line, words[5:])
                return Control(line, link, status, time=time, by_clock=is_one_of(4, "CLOCKTIME"))
            if (
                len(words) == 8
                and capitals[3] == "IF"
                and is_one_of(4, "NODE", "JUNCTION", "TANK", "RESERVOIR")
                and is_one_of(6, "ABOVE", "BELOW")
            ):
                level = self.number(line, words, 7)
                return Control(line, link, status, node=words[5], level=level, above=is_one_of(6, "ABOVE"))
        raise self.error(line, f"{' '.join(words)}: a control is {form}")


@dataclass(frozen=True)
class Control:
    """A simple control: a status or number that a link is given at a time, or by the level or pressure at a node."""

    line: int
    """Where it stands in the file."""
    link: str
    status: str
    """OPEN, CLOSED or a number, as it stands."""
    node: str | None = None
    """None where it acts at a time."""
    level: float = math.nan
    """Level or pressure from which it acts, in the unit of the file."""
    above: bool = False
    """Whether it acts above that level."""
    time: float = math.nan
    """When it acts [s]."""
    by_clock: bool = False
    """Whether that is the time of day."""


def seconds(words: list[str]) -> float:
    """A time [s]: hours, hours:minutes:seconds, or with a unit or AM, PM; ValueError for what is none."""
    if not 1 <= len(words) <= 2:
        raise ValueError(words)
    parts, unit = [float(x) for x in words[0].split(":")], words[1].upper() if len(words) == 2 else ""
    if len(parts) > 3 or min(parts) < 0 or not math.isfinite(sum(parts)):
        raise ValueError(words)
    scale = {"": 3600.0, "SEC": 1.0, "MIN": 60.0, "HOU": 3600.0, "DAY": 86400.0}.get(unit[:3])
    if len(parts) == 1 and scale is not None:
        return math.floor(parts[0] * scale + 0.5)
    time = sum(p * s for p, s in zip(parts, (3600.0, 60.0, 1.0), strict=False))
    if unit and (unit not in ("AM", "PM") or time >= 13 * 3600.0):
        raise ValueError(words)
    noon = 43200.0 if unit == "PM" and time < 43200.0 else -43200.0 if unit == "AM" and time >= 43200.0 else 0.0
    return math.floor(time + noon + 0.5)
