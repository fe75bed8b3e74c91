"""EPANET input files (`.inp`, versions 2.0 to 2.3): the network as it stands at the start of the simulation.

Patterns, controls at time 0 and on tank levels, and statuses are applied. Read are pipes (Hazen-Williams,
Darcy-Weisbach, Chezy-Manning), check valves, pumps with curves of one or three points or of constant power, throttle,
flow-control, pressure-breaker, -reducing and -sustaining valves, reservoirs, tanks and emitters [Rossman et al., EPANET
2.2 User Manual, EPA/600/R-20/133, 2020]. Gravity is EPANET's 32.2 ft/s².
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from twin.readers.records import PipeNetwork, Regulators
from twin.readers.text import decoded

FOOT = 0.3048
GRAVITY = 32.2 * FOOT
WATER = 1000.0
VISCOSITY = 1.1e-5 * FOOT**2
"""Kinematic viscosity of water to which VISCOSITY is relative, m²/s."""

_CUBIC_FOOT = FOOT**3
FLOW = {
    "CFS": _CUBIC_FOOT,
    "GPM": 231 * 0.0254**3 / 60,
    "MGD": 231e6 * 0.0254**3 / 86400,
    "IMGD": 4546.09 / 86400,
    "AFD": 43560 * _CUBIC_FOOT / 86400,
    "LPS": 1e-3,
    "LPM": 1e-3 / 60,
    "MLD": 1e3 / 86400,
    "CMH": 1 / 3600,
    "CMD": 1 / 86400,
    "CMS": 1.0,
}
"""Flow units in m³/s; the first five go with feet, inches and psi."""

STATUS = ("OPEN", "CLOSED", "CV")
PSI = FOOT / 0.4333
"""Head of one psi of water, m."""

PRESSURE = {"PSI": PSI, "KPA": PSI / 6.895, "METERS": 1.0}
"""Heads of the units of pressure, m of water."""

LIFT = 8.814 * FOOT * _CUBIC_FOOT
"""Head times flow of one horsepower, m⁴/s, as EPANET rounds it."""

OPEN_LOSS = 0.01
"""What a valve without minor loss drops, Pa s/kg: a micrometre of head for each litre per second."""

USUAL, HIGHEST = 30.0, 1000.0
"""Head at which a pump of constant power is taken to start, and above which it does not lift, m: without flow it would
have no limit."""


def read(path: str | Path) -> PipeNetwork:
    """The network of a file; ValueError, naming file, line and what is wrong, for what cannot be read."""
    path = Path(path)
    try:
        return _Reader(path.name, decoded(path)).network()
    except (IndexError, ArithmeticError, ValueError) as error:
        if str(error).startswith(path.name):
            raise
        raise ValueError(f"{path.name}: cannot be read: {error}") from error


class _Reader:
    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.sections: dict[str, list[tuple[int, list[str]]]] = {}
        section = ""
        for number, line in enumerate(text.splitlines(), 1):
            content = line.split(";")[0].strip().strip("\x1a")
            if content.startswith("["):
                section = content.strip("[]").upper()
                section = next((s for s in _SECTIONS if s.startswith(section[:4])), section)
                if section == "END":
                    break
            elif content:
                tokens = [t.strip('"') for t in re.findall(r'"[^"]*"|\S+', content)]
                self.sections.setdefault(section, []).append((number, tokens))
        if not self.rows("JUNCTIONS") and not self.rows("PIPES"):
            raise ValueError(f"{name}: no [JUNCTIONS] or [PIPES]: not an EPANET file")
        self._options()
        self.patterns = self._series("PATTERNS", 1)
        self.curves = self._series("CURVES", 2)
        self.nodes: dict[str, int] = {}
        self.elevation: list[float] = []
        self.demand: list[float] = []
        self.held: list[float] = []
        self.links: dict[str, dict[str, Any]] = {}
        self.notes = [f"{self.units}, head loss {self.loss}; g 32.2 ft/s²; as at the start of the simulation"]

    def rows(self, section: str) -> list[tuple[int, list[str]]]:
        return self.sections.get(section, [])

    def fail(self, line: int, why: str) -> ValueError:
        return ValueError(f"{self.name}:{line}: {why}")

    def number(self, line: int, tokens: list[str], place: int, default: float | None = None) -> float:
        """The number at a place of a line."""
        if place >= len(tokens) and default is not None:
            return default
        try:
            value = float(tokens[place])
        except (IndexError, ValueError):
            got = f"{tokens[place]!r} is not" if place < len(tokens) else "the line ends before"
            raise self.fail(line, f"{' '.join(tokens)}: {got} a number") from None
        if not math.isfinite(value):
            raise self.fail(line, f"{' '.join(tokens)}: {tokens[place]} is not finite")
        return value

    def _options(self) -> None:
        said = {}
        for line, tokens in self.rows("OPTIONS"):
            words = [t.upper() for t in tokens]
            two = " ".join(words[:2])
            known = two if two in _TWO_WORDS else words[0]
            said[known] = (line, tokens, 2 if two in _TWO_WORDS else 1)
        for line, tokens, place in said.values():
            if len(tokens) <= place:
                raise self.fail(line, f"{' '.join(tokens)}: no value")
        text = lambda key, default: said[key][1][said[key][2]].upper() if key in said else default  # noqa: E731
        value = lambda key, default: self.number(*said[key]) if key in said else default  # noqa: E731
        self.units, self.loss = text("UNITS", "GPM"), text("HEADLOSS", "H-W")
        if self.units not in FLOW:
            raise self.fail(said["UNITS"][0], f"UNITS {self.units} is none of {', '.join(FLOW)}")
        if self.loss not in ("H-W", "D-W", "C-M"):
            raise self.fail(said["HEADLOSS"][0], f"HEADLOSS {self.loss} is none of H-W, D-W, C-M")
        if text("DEMAND MODEL", "DDA") != "DDA":
            raise self.fail(said["DEMAND MODEL"][0], "demands that depend on pressure (PDA) are not read")
        american = list(FLOW).index(self.units) < 5
        self.long, self.wide = (FOOT, FOOT / 12) if american else (1.0, 1e-3)
        self.rough = 1e-3 * FOOT if american else 1e-3
        unit = text("PRESSURE", "PSI" if american else "METERS")
        if unit not in PRESSURE:
            raise self.fail(said["PRESSURE"][0], f"PRESSURE {unit} is none of {', '.join(PRESSURE)}")
        self.flow, self.pressure = FLOW[self.units], PRESSURE[unit]
        self.horsepower = LIFT if american else LIFT / 0.7457
        gravity = value("SPECIFIC GRAVITY", 1.0)
        thick = value("VISCOSITY", 1.0)
        self.density = WATER * gravity
        self.kinematic = thick * VISCOSITY if thick > 1e-3 else thick * self.long**2
        self.multiplier, self.exponent = value("DEMAND MULTIPLIER", 1.0), value("EMITTER EXPONENT", 0.5)
        for line, tokens in self.rows("DEMANDS"):
            if tokens[0].upper() == "MULTIPLY":
                self.multiplier = self.number(line, tokens, 1)
        if not (self.exponent > 0 and self.density > 0 and self.kinematic > 0):
            raise ValueError(f"{self.name}: emitter exponent, specific gravity and viscosity must be positive")
        self.pattern = said["PATTERN"][1][1] if "PATTERN" in said else "1"
        times = {"PATTERN TIMESTEP": 3600.0, "PATTERN START": 0.0, "START CLOCKTIME": 0.0}
        for line, tokens in self.rows("TIMES"):
            if " ".join(tokens[:2]).upper() in times:
                times[" ".join(tokens[:2]).upper()] = self.seconds(line, tokens[2:])
        self.step, self.begin, self.clock = times.values()
        if self.step <= 0:
            raise ValueError(f"{self.name}: PATTERN TIMESTEP must be positive")

    def seconds(self, line: int, words: list[str]) -> float:
        """A time of a line."""
        try:
            return _seconds(words)
        except ValueError:
            raise self.fail(line, f"{' '.join(words)!r} is not a time") from None

    def _series(self, section: str, columns: int) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for line, tokens in self.rows(section):
            numbers = [self.number(line, tokens, k) for k in range(1, len(tokens))]
            pairs = zip(numbers[::2], numbers[1::2], strict=False)
            found.setdefault(tokens[0], []).extend(numbers if columns == 1 else pairs)
        return found

    def factor(self, line: int, pattern: str | None) -> float:
        """The first value of a pattern."""
        if not pattern:
            return 1.0
        if pattern not in self.patterns:
            raise self.fail(line, f"no pattern {pattern}")
        values = self.patterns[pattern]
        if not values:
            raise self.fail(line, f"pattern {pattern} has no values")
        return values[int(self.begin // self.step) % len(values)]

    def network(self) -> PipeNetwork:
        self._junctions()
        self._links()
        self._states()
        self._emitters()
        links = list(self.links.values())
        column = lambda key, default: np.array([link.get(key, default) for link in links])  # noqa: E731
        weight, nodes, m = self.density * GRAVITY, len(self.nodes), len(links)
        return PipeNetwork(
            name=self.name,
            density=self.density,
            viscosity=self.kinematic * self.density,
            heat_capacity=4186.0,
            gravity=GRAVITY,
            friction="swamee-jain",
            junction=np.array(list(self.nodes)),
            elevation=np.array(self.elevation),
            demand=np.array(self.demand) * self.density,
            held=np.array(self.held) * weight,
            supply=np.full(nodes, np.nan),
            branch=np.array(list(self.links)),
            kind=column("kind", "pipe"),
            start=column("start", 0).astype(np.int64),
            end=column("end", 0).astype(np.int64),
            length=column("length", 0.0) if self.loss == "D-W" else np.zeros(m),
            diameter=column("diameter", 1.0),
            roughness=column("roughness", 0.0) if self.loss == "D-W" else np.zeros(m),
            zeta=column("zeta", 0.0),
            factor=column("factor", 0.0),
            exponent=column("exponent", 2.0),
            shutoff=column("shutoff", 0.0),
            quadratic=np.zeros(m),
            min_flow=column("least", -np.inf) * self.density,
            max_flow=column("most", np.inf) * self.density,
            heat=np.zeros(m),
            conductance=np.zeros(m),
            ambient=np.full(m, 293.15),
            notes=tuple(self.notes),
            regulators=self._regulators(weight),
        )

    def _regulators(self, weight: float) -> Regulators | None:
        """Valves that hold a pressure, as the head over their junction says."""
        links = list(self.links.values())
        rows = [k for k, link in enumerate(links) if "holds" in link and link["status"] == "ACTIVE"]
        if not rows:
            return None
        sustains = np.array([links[k]["valve"] == "PSV" for k in rows])
        at = [links[k]["start" if s else "end"] for k, s in zip(rows, sustains, strict=True)]
        head = [self.elevation[i] + links[k]["holds"] for i, k in zip(at, rows, strict=True)]
        return Regulators(np.array(rows), np.array(head) * weight, sustains)

    def _node(self, line: int, name: str, elevation: float, demand: float, held: float) -> None:
        if name in self.nodes:
            raise self.fail(line, f"node {name} stands twice")
        self.nodes[name] = len(self.nodes)
        self.elevation.append(elevation)
        self.demand.append(demand)
        self.held.append(held)

    def _junctions(self) -> None:
        usual = self.pattern if self.pattern in self.patterns else None
        for line, t in self.rows("JUNCTIONS"):
            base, pattern = self.number(line, t, 2, 0.0), t[3] if len(t) > 3 else usual
            drawn = base * self.flow * self.multiplier * self.factor(line, pattern)
            self._node(line, t[0], self.number(line, t, 1, 0.0) * self.long, drawn, np.nan)
        renewed, above = set(), {t[0] for _, t in [*self.rows("RESERVOIRS"), *self.rows("TANKS")]}
        for line, t in self.rows("DEMANDS"):
            if t[0].upper() == "MULTIPLY" or t[0] in above:
                continue
            k = self.at(line, t[0])
            self.demand[k] = self.demand[k] if t[0] in renewed else 0.0
            renewed.add(t[0])
            pattern = t[2] if len(t) > 2 else usual
            self.demand[k] += self.number(line, t, 1) * self.flow * self.multiplier * self.factor(line, pattern)
        for line, t in self.rows("RESERVOIRS"):
            head = self.number(line, t, 1) * self.long * self.factor(line, t[2] if len(t) > 2 else None)
            self._node(line, t[0], head, 0.0, head)
        for line, t in self.rows("TANKS"):
            bottom = self.number(line, t, 1) * self.long
            self._node(line, t[0], bottom, 0.0, bottom + self.number(line, t, 2, 0.0) * self.long)

    def at(self, line: int, name: str) -> int:
        """A node's number."""
        if name not in self.nodes:
            raise self.fail(line, f"no node {name}")
        return self.nodes[name]

    def _link(self, line: int, t: list[str], **values: Any) -> dict[str, Any]:
        if len(t) < 3:
            raise self.fail(line, f"{' '.join(t)}: a link has a name and two nodes")
        if t[0] in self.links:
            raise self.fail(line, f"link {t[0]} stands twice")
        link = {"start": self.at(line, t[1]), "end": self.at(line, t[2]), "line": line, **values}
        self.links[t[0]] = link
        return link

    def _links(self) -> None:
        for line, t in self.rows("PIPES"):
            status = next((x.upper() for x in t[6:] if x.upper() in STATUS), "OPEN")
            numbers = [x for x in t[6:] if x.upper() not in STATUS]
            length, diameter, rough = (self.number(line, t, k) for k in (3, 4, 5))
            zeta = self.number(line, numbers, 0, 0.0)
            link = self._link(line, t, kind="pipe", diameter=diameter * self.wide, zeta=zeta, status=status)
            if not (length > 0 and diameter > 0 and (rough > 0 or self.loss == "D-W")):
                raise self.fail(line, f"pipe {t[0]}: length, diameter and roughness must be positive")
            link |= self._friction(length * self.long, diameter * self.wide, rough)
        for line, t in self.rows("PUMPS"):
            self._pump(line, t)
        for line, t in self.rows("VALVES"):
            self._valve(line, t)

    def _friction(self, length: float, diameter: float, rough: float) -> dict[str, float]:
        """Loss of a pipe; factors are Pa over (kg/s)^n."""
        weight = self.density * GRAVITY
        if self.loss == "D-W":
            return {"length": length, "roughness": rough * self.rough}
        L, d, unit = length / FOOT, diameter / FOOT, self.density * _CUBIC_FOOT
        if self.loss == "H-W":
            n, factor = 1.852, 4.727 * L / rough**1.852 / d**4.871
        else:
            n, factor = 2.0, (4.0 * rough / (1.49 * math.pi * d**2)) ** 2 * (d / 4.0) ** -1.333 * L
        return {"factor": weight * FOOT * factor / unit**n, "exponent": n}

    def _pump(self, line: int, t: list[str]) -> None:
        said = {t[k].upper(): t[k + 1] for k in range(3, len(t) - 1, 2)}
        link = self._link(line, t, kind="pump", least=0.0, status="OPEN")
        if "POWER" in said:
            lift = self.number(line, [said["POWER"]], 0) * self.horsepower
            if lift <= 0:
                raise self.fail(line, f"pump {t[0]}: POWER must be positive")
            link |= {"lift": lift, "diameter": _width(lift / USUAL), "exponent": -1.0}
            self._paced(line, link, said)
            return
        if "HEAD" not in said:
            raise self.fail(line, f"pump {t[0]}: has neither HEAD nor POWER")
        points = self.curves.get(said["HEAD"])
        if not points:
            raise self.fail(line, f"pump {t[0]}: no curve {said['HEAD']}")
        if len(points) == 1:
            (q, h), = points  # fmt: skip
            points = [(0.0, 4 * h / 3), (q, h), (2 * q, 0.0)]
        if len(points) != 3 or points[0][0] != 0:
            raise self.fail(line, f"pump {t[0]}: head curves have one point, or three from flow 0, not {len(points)}")
        (_, h0), (q1, h1), (q2, h2) = points
        if not (h0 > h1 > h2 and 0 < q1 < q2):
            raise self.fail(line, f"pump {t[0]}: its head must fall with its flow")
        n = math.log((h0 - h2) / (h0 - h1)) / math.log(q2 / q1)
        unit = self.density * self.flow
        link["diameter"] = _width(q1 * self.flow)
        link |= {"curve": (h0 * self.long, (h0 - h1) * self.long / (q1 * unit) ** n, n)}
        self._paced(line, link, said)

    def _paced(self, line: int, link: dict[str, Any], said: dict[str, str]) -> None:
        """Give a pump its speed; that of a pattern goes before any other."""
        if "PATTERN" in said:
            link["paced"] = self.factor(line, said["PATTERN"])
        self._speed(link, self.number(line, [said["SPEED"]], 0) if "SPEED" in said else 1.0)

    def _speed(self, link: dict[str, Any], speed: float) -> None:
        """Affinity laws: h = s² h0 - s^(2 - n) b q^n; a pump of no speed is shut."""
        speed = link.get("paced", speed)
        link["status"] = "OPEN" if speed > 0 else "CLOSED"
        weight, s = self.density * GRAVITY, speed if speed > 0 else 1.0
        if "lift" in link:
            lift = link["lift"] * s**3
            link |= {"least": lift / HIGHEST, "factor": -lift * self.density * weight}
            return
        h0, b, n = link["curve"]
        link |= {"shutoff": weight * s**2 * h0, "factor": weight * s ** (2.0 - n) * b, "exponent": n}

    def _valve(self, line: int, t: list[str]) -> None:
        if len(t) < 6:
            raise self.fail(line, f"{' '.join(t)}: a valve has name, two nodes, diameter, type and setting")
        kind, diameter = t[4].upper(), self.number(line, t, 3) * self.wide
        zeta = self.number(line, t, 6, 0.0)
        link = self._link(line, t, kind="valve", diameter=diameter, zeta=zeta, minor=zeta, valve=kind, status="ACTIVE")
        if kind not in _SETTINGS:
            known = ", ".join(_SETTINGS)
            if kind not in ("GPV", "PCV"):
                raise self.fail(line, f"valve {t[0]}: type {kind} is none of {known}")
            link["unread"] = f"valve {t[0]}: {kind} is not read unless it is closed; known are {known}"
        else:
            link["setting"] = self.number(line, t, 5)

    def _states(self) -> None:
        """Statuses, controls that hold at the start, and what both make of the links."""
        orders = [(line, t, False) for line, t in self.rows("STATUS") if len(t) > 1]
        for line, t in self.rows("CONTROLS"):
            words = [x.upper() for x in t]
            if len(t) >= 6 and words[0] in ("LINK", "PIPE", "PUMP", "VALVE") and self._holds(line, t, words):
                orders.append((line, t[1:3], True))
        for line, t, controls in orders:
            if t[0] not in self.links:
                raise self.fail(line, f"no link {t[0]}")
            link, word = self.links[t[0]], t[1].upper()
            if link["status"] == "CV":
                raise self.fail(line, f"pipe {t[0]}: a check valve has no status")
            if link["kind"] == "pump" and (word not in ("CLOSED", "OPEN") or word == "OPEN" or "paced" in link):
                self._speed(link, 1.0 if word in ("OPEN", "CLOSED") else self.number(line, t, 1))
            elif word in ("OPEN", "CLOSED"):
                link["status"] = word
            elif link["kind"] == "valve":
                link |= {"setting": self.number(line, t, 1), "status": "ACTIVE"}
            elif controls:
                link["status"] = "OPEN" if self.number(line, t, 1) > 0 else "CLOSED"
        if self.rows("RULES"):
            self.notes.append("rules are not applied")
        for link in self.links.values():
            if "unread" in link and link["status"] != "CLOSED":
                raise self.fail(link["line"], link["unread"])
            if link["status"] == "ACTIVE":
                link |= _SETTINGS[link["valve"]](self, link["setting"])
            if link["kind"] == "valve" and link["zeta"] == 0:
                link |= {"factor": OPEN_LOSS, "exponent": 1.0}
            if link["status"] == "CV":
                link["least"] = 0.0
            if link["status"] == "CLOSED":
                link |= {"least": 0.0, "most": 0.0}
        self._tanks()

    def _tanks(self) -> None:
        """Nothing flows into a tank that is full, or out of one that is empty."""
        for line, t in self.rows("TANKS"):
            level, low = self.number(line, t, 2, 0.0), self.number(line, t, 3, 0.0)
            high, spills = self.number(line, t, 4, math.inf) if len(t) > 4 else math.inf, "YES" in map(str.upper, t[8:])
            full, empty = level >= high and not spills, level <= low
            for link in self.links.values():
                ahead = link["end"] == self.nodes[t[0]]
                if (ahead or link["start"] == self.nodes[t[0]]) and (full or empty) and link["kind"] != "valve":
                    bound = "most" if ahead == full else "least"
                    link[bound] = (
                        min(link.get("most", 0.0), 0.0) if bound == "most" else max(link.get("least", 0.0), 0.0)
                    )
                    if bound == "most" and link.get("least", 0.0) > 0.0:
                        link["least"] = 0.0

    def _holds(self, line: int, t: list[str], words: list[str]) -> bool:
        """Whether a simple control acts at the start: at time 0, or by the level of a tank."""
        if words[3] == "AT" and words[4] == "TIME":
            return self.seconds(line, t[5:]) == 0.0
        if words[3] == "AT" and words[4] == "CLOCKTIME":
            return self.seconds(line, t[5:]) == self.clock
        if words[3] == "IF" and words[4] in ("NODE", "TANK", "JUNCTION", "RESERVOIR") and len(t) >= 8:
            k = self.at(line, t[5])
            if math.isnan(self.held[k]):
                self.notes.append(f"control of {t[1]} by the pressure at {t[5]} is not applied")
                return False
            level, mark = self.held[k] - self.elevation[k], self.number(line, t, 7) * self.long
            return level >= mark if words[6] == "ABOVE" else level <= mark
        return False

    def _emitters(self) -> None:
        """Outflow c p^γ at a junction: a branch to where the pressure is none."""
        weight = self.density * GRAVITY
        last = {t[0]: (line, t) for line, t in self.rows("EMITTERS")}
        for line, t in last.values():
            k, rate = self.at(line, t[0]), self.number(line, t, 1) * self.flow * self.density
            if rate <= 0:
                continue
            height, name = self.elevation[k], f"emitter {t[0]}"
            self._node(line, name, height, 0.0, height)
            n = 1.0 / self.exponent
            unit = self.pressure / (self.density / WATER)
            law = {"factor": weight * unit / rate**n, "exponent": n, "status": "OPEN"}
            self._link(line, [name, t[0], name], kind="valve", **law)


def _width(flow: float) -> float:
    """Diameter in which a flow [m³/s] runs at 1 m/s, where the solver starts."""
    return math.sqrt(4.0 * flow / math.pi)


def _seconds(words: list[str]) -> float:
    """A time: hours, hours:minutes:seconds, or with a unit or AM, PM."""
    if not words:
        return 0.0
    unit = words[1].upper() if len(words) > 1 else ""
    parts = [float(x) for x in re.split(":", words[0])]
    if len(parts) == 1:
        scale = {"SEC": 1.0, "MIN": 60.0, "DAY": 86400.0}.get(unit[:3], 3600.0)
        late = 43200.0 if unit == "PM" and parts[0] < 12 else -43200.0 if unit == "AM" and parts[0] == 12 else 0.0
        return parts[0] * scale + late
    seconds = sum(p * s for p, s in zip(parts, (3600.0, 60.0, 1.0), strict=False))
    if unit == "AM" and parts[0] == 12:
        return seconds - 43200.0
    return seconds + (43200.0 if unit == "PM" and parts[0] < 12 else 0.0)


_SETTINGS: dict[str, Callable[[_Reader, float], dict[str, float]]] = {
    "TCV": lambda r, value: {"zeta": value},
    "FCV": lambda r, value: {"most": value * r.flow},
    "PRV": lambda r, value: {"least": 0.0, "holds": value * r.pressure * WATER / r.density},
    "PSV": lambda r, value: {"least": 0.0, "holds": value * r.pressure * WATER / r.density},
    "PBV": lambda r, value: {"shutoff": -value * r.pressure * WATER * GRAVITY, "zeta": 0.0},
}
"""What the setting of a valve means."""

_TWO_WORDS = ("SPECIFIC GRAVITY", "DEMAND MULTIPLIER", "EMITTER EXPONENT", "DEMAND MODEL", "QUALITY TIMESTEP")
_SECTIONS = (
    *("TITLE", "JUNCTIONS", "RESERVOIRS", "TANKS", "PIPES", "PUMPS", "VALVES", "DEMANDS", "STATUS", "PATTERNS"),
    *("CURVES", "EMITTERS", "CONTROLS", "RULES", "OPTIONS", "TIMES", "END"),
)
