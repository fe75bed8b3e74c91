"""EPANET input files (`.inp`, versions 2.0 to 2.3): the network as it stands at the start of the simulation.

Patterns, controls at time 0 and on tank levels, and statuses are applied. Read are pipes (Hazen-Williams,
Darcy-Weisbach, Chezy-Manning), check valves, pumps with curves of one or three points or of constant power, throttle,
flow-control, pressure-breaker, -reducing and -sustaining valves, reservoirs, tanks and emitters [Rossman et al., EPANET
2.2 User Manual, EPA/600/R-20/133, 2020]. Gravity is EPANET's 32.2 ft/s².
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.readers.inp import CUBIC_FOOT, FOOT, WATER, InputFile, read_options
from twin.readers.records import PipeNetwork, Regulators
from twin.readers.text import decoded

GRAVITY = 32.2 * FOOT
"""m/s²."""

STATUS = ("OPEN", "CLOSED", "CV")
"""Statuses of pipes."""

VALVES = ("TCV", "FCV", "PRV", "PSV", "PBV")
"""Valves that are read: throttle, flow control, pressure reducing, pressure sustaining, pressure breaker."""

UNREAD_VALVES = ("GPV", "PCV")
"""Valves that are read only if they are closed: general purpose, positional control."""

OPEN_LOSS = 0.01
"""What a valve without minor loss drops, Pa s/kg: a micrometre of head for each litre per second."""

START_HEAD, MAX_HEAD = 30.0, 1000.0
"""Head at which a pump of constant power is taken to start, and above which it does not lift, m: without flow it would
have no limit."""


def read(path: str | Path) -> PipeNetwork:
    """The network of a file; ValueError, naming file, line and what is wrong, for what cannot be read."""
    path = Path(path)
    try:
        return _Reader(InputFile(path.name, decoded(path))).network()
    except (IndexError, ArithmeticError, ValueError) as error:
        if str(error).startswith(path.name):
            raise
        raise ValueError(f"{path.name}: cannot be read: {error}") from error


@dataclass
class _Link:
    """A pipe, pump, valve or emitter; changed while statuses, controls and settings are applied."""

    kind: str
    """pipe, pump or valve."""
    line: int
    """Where it stands in the file."""
    start: int
    """Node at its start."""
    end: int
    """Node at its end."""
    status: str = "OPEN"
    """OPEN, CLOSED, CV for a check valve, or ACTIVE for a valve at its setting."""
    diameter: float = 1.0
    """m."""
    zeta: float = 0.0
    """Loss coefficient."""
    length: float = 0.0
    """With Darcy-Weisbach friction [m]."""
    roughness: float = 0.0
    """m."""
    factor: float = 0.0
    """Of the power law [Pa / (kg/s)^exponent]."""
    exponent: float = 2.0
    """Of the power law."""
    shutoff: float = 0.0
    """Pressure rise without flow [Pa]."""
    min_flow: float = -math.inf
    """m³/s."""
    max_flow: float = math.inf
    """m³/s."""
    valve: str = ""
    """Type of a valve."""
    setting: float = math.nan
    """Of a valve, in the unit of the file."""
    held_head: float | None = None
    """Head above its node that a valve holds [m]."""
    lift: float | None = None
    """Head times flow of a pump of constant power [m⁴/s]."""
    curve: tuple[float, float, float] | None = None
    """Head curve h = h0 - b q^n of a pump: h0 [m], b [m / (kg/s)^n], n."""
    pattern_speed: float | None = None
    """Speed of a pump by its pattern."""


class _Reader:
    """Nodes and links of a file, in SI units but for volume flows, and what becomes of them at the start."""

    def __init__(self, file: InputFile) -> None:
        self.file = file
        self.options = read_options(file)
        self.patterns, self.curves = file.patterns(), file.curves()
        self.nodes: dict[str, int] = {}
        self.elevation: list[float] = []
        self.demand: list[float] = []
        self.held: list[float] = []
        self.links: dict[str, _Link] = {}
        self.weight = self.options.density * GRAVITY
        units, headloss = self.options.units, self.options.headloss
        self.notes = [f"{units}, head loss {headloss}; g 32.2 ft/s²; as at the start of the simulation"]

    def network(self) -> PipeNetwork:
        """The network at the start of the simulation."""
        self._add_junctions()
        self._add_demands()
        self._add_reservoirs_and_tanks()
        self._add_links()
        self._apply_statuses()
        self._apply_settings()
        self._limit_tanks()
        self._add_emitters()
        options, links = self.options, list(self.links.values())
        column = lambda field: np.array([getattr(link, field) for link in links])  # noqa: E731
        return PipeNetwork(
            name=self.file.name,
            density=options.density,
            viscosity=options.kinematic_viscosity * options.density,
            heat_capacity=4186.0,
            gravity=GRAVITY,
            friction="swamee-jain",
            junction=np.array(list(self.nodes)),
            elevation=np.array(self.elevation),
            demand=np.array(self.demand) * options.density,
            held=np.array(self.held) * self.weight,
            supply=np.full(len(self.nodes), np.nan),
            branch=np.array(list(self.links)),
            kind=column("kind"),
            start=column("start").astype(np.int64),
            end=column("end").astype(np.int64),
            length=column("length"),
            diameter=column("diameter"),
            roughness=column("roughness"),
            zeta=column("zeta"),
            factor=column("factor"),
            exponent=column("exponent"),
            shutoff=column("shutoff"),
            quadratic=np.zeros(len(links)),
            min_flow=column("min_flow") * options.density,
            max_flow=column("max_flow") * options.density,
            heat=np.zeros(len(links)),
            conductance=np.zeros(len(links)),
            ambient=np.full(len(links), 293.15),
            notes=tuple(self.notes),
            regulators=self._regulators(),
        )

    def _regulators(self) -> Regulators | None:
        """Valves that hold a pressure, as the head over their junction says."""
        branches, heads, sustaining = [], [], []
        for k, link in enumerate(self.links.values()):
            if link.held_head is not None and link.status == "ACTIVE":
                sustains = link.valve == "PSV"
                branches.append(k)
                heads.append(self.elevation[link.start if sustains else link.end] + link.held_head)
                sustaining.append(sustains)
        if not branches:
            return None
        return Regulators(np.array(branches), np.array(heads) * self.weight, np.array(sustaining))

    # ---- nodes ---------------------------------------------------------------------------------------------------

    def _add_node(self, line: int, name: str, elevation: float, demand: float, held: float) -> None:
        """Add a node: elevation [m], demand [m³/s], and its given head [m] or NaN."""
        if name in self.nodes:
            raise self.file.error(line, f"node {name} stands twice")
        self.nodes[name] = len(self.nodes)
        self.elevation.append(elevation)
        self.demand.append(demand)
        self.held.append(held)

    def _node(self, line: int, name: str) -> int:
        """Position of a node."""
        if name not in self.nodes:
            raise self.file.error(line, f"no node {name}")
        return self.nodes[name]

    def _pattern_factor(self, line: int, pattern: str | None) -> float:
        """The factor of a pattern at the start of the simulation, 1 without one."""
        if not pattern:
            return 1.0
        if pattern not in self.patterns:
            raise self.file.error(line, f"no pattern {pattern}")
        values = self.patterns[pattern]
        if not values:
            raise self.file.error(line, f"pattern {pattern} has no values")
        return values[int(self.options.pattern_start // self.options.pattern_step) % len(values)]

    def _drawn(self, line: int, demand: float, pattern: str | None) -> float:
        """Volume flow [m³/s] of a demand in the unit of the file."""
        if pattern is None and self.options.default_pattern in self.patterns:
            pattern = self.options.default_pattern
        return demand * self.options.flow * self.options.demand_multiplier * self._pattern_factor(line, pattern)

    def _add_junctions(self) -> None:
        for line, words in self.file.rows("JUNCTIONS"):
            base = self.file.number(line, words, 2, 0.0)
            drawn = self._drawn(line, base, words[3] if len(words) > 3 else None)
            elevation = self.file.number(line, words, 1, 0.0) * self.options.length
            self._add_node(line, words[0], elevation, drawn, np.nan)

    def _add_demands(self) -> None:
        """Demand categories, which replace the demand of their junction."""
        sources = {words[0] for _, words in [*self.file.rows("RESERVOIRS"), *self.file.rows("TANKS")]}
        replaced = set()
        for line, words in self.file.rows("DEMANDS"):
            name = words[0]
            if name.upper() == "MULTIPLY" or name in sources:
                continue
            k = self._node(line, name)
            self.demand[k] = self.demand[k] if name in replaced else 0.0
            replaced.add(name)
            self.demand[k] += self._drawn(line, self.file.number(line, words, 1), words[2] if len(words) > 2 else None)

    def _add_reservoirs_and_tanks(self) -> None:
        number, length = self.file.number, self.options.length
        for line, words in self.file.rows("RESERVOIRS"):
            pattern = words[2] if len(words) > 2 else None
            head = number(line, words, 1) * length * self._pattern_factor(line, pattern)
            self._add_node(line, words[0], head, 0.0, head)
        for line, words in self.file.rows("TANKS"):
            bottom = number(line, words, 1) * length
            self._add_node(line, words[0], bottom, 0.0, bottom + number(line, words, 2, 0.0) * length)

    def _add_emitters(self) -> None:
        """Outflow c p^γ at a junction: a branch to where the pressure is none."""
        options, last = self.options, {words[0]: (line, words) for line, words in self.file.rows("EMITTERS")}
        for line, words in last.values():
            k, rate = self._node(line, words[0]), self.file.number(line, words, 1) * options.flow * options.density
            if rate <= 0:
                continue
            height, name = self.elevation[k], f"emitter {words[0]}"
            self._add_node(line, name, height, 0.0, height)
            exponent = 1.0 / options.emitter_exponent
            pressure = options.pressure / (options.density / WATER)
            link = self._add_link(line, [name, words[0], name], "valve")
            link.factor, link.exponent = self.weight * pressure / rate**exponent, exponent

    # ---- links ---------------------------------------------------------------------------------------------------

    def _add_link(self, line: int, words: list[str], kind: str) -> _Link:
        """Add the link that words of a line name, with its two nodes."""
        if len(words) < 3:
            raise self.file.error(line, f"{' '.join(words)}: a link has a name and two nodes")
        if words[0] in self.links:
            raise self.file.error(line, f"link {words[0]} stands twice")
        link = _Link(kind, line, self._node(line, words[1]), self._node(line, words[2]))
        self.links[words[0]] = link
        return link

    def _add_links(self) -> None:
        for line, words in self.file.rows("PIPES"):
            self._add_pipe(line, words)
        for line, words in self.file.rows("PUMPS"):
            self._add_pump(line, words)
        for line, words in self.file.rows("VALVES"):
            self._add_valve(line, words)

    def _add_pipe(self, line: int, words: list[str]) -> None:
        status = next((w.upper() for w in words[6:] if w.upper() in STATUS), "OPEN")
        numbers = [w for w in words[6:] if w.upper() not in STATUS]
        length, diameter, roughness = (self.file.number(line, words, k) for k in (3, 4, 5))
        zeta = self.file.number(line, numbers, 0, 0.0)
        link = self._add_link(line, words, "pipe")
        link.diameter, link.zeta, link.status = diameter * self.options.diameter, zeta, status
        if not (length > 0 and diameter > 0 and (roughness > 0 or self.options.headloss == "D-W")):
            raise self.file.error(line, f"pipe {words[0]}: length, diameter and roughness must be positive")
        self._set_friction(link, length * self.options.length, roughness)

    def _set_friction(self, link: _Link, length: float, roughness: float) -> None:
        """Give a pipe its loss: length [m], roughness in the unit of its law; factors are Pa over (kg/s)^n."""
        if self.options.headloss == "D-W":
            link.length, link.roughness = length, roughness * self.options.roughness
            return
        L, d, unit = length / FOOT, link.diameter / FOOT, self.options.density * CUBIC_FOOT
        if self.options.headloss == "H-W":
            n, factor = 1.852, 4.727 * L / roughness**1.852 / d**4.871
        else:
            n, factor = 2.0, (4.0 * roughness / (1.49 * math.pi * d**2)) ** 2 * (d / 4.0) ** -1.333 * L
        link.factor, link.exponent = self.weight * FOOT * factor / unit**n, n

    def _add_pump(self, line: int, words: list[str]) -> None:
        properties = {words[k].upper(): words[k + 1] for k in range(3, len(words) - 1, 2)}
        link = self._add_link(line, words, "pump")
        link.min_flow = 0.0
        if "POWER" in properties:
            link.lift = self.file.number(line, [properties["POWER"]], 0) * self.options.power
            if link.lift <= 0:
                raise self.file.error(line, f"pump {words[0]}: POWER must be positive")
            link.diameter, link.exponent = _diameter(link.lift / START_HEAD), -1.0
        else:
            self._set_head_curve(line, words[0], link, properties)
        if "PATTERN" in properties:  # its speed goes before any other
            link.pattern_speed = self._pattern_factor(line, properties["PATTERN"])
        self._set_speed(link, self.file.number(line, [properties["SPEED"]], 0) if "SPEED" in properties else 1.0)

    def _set_head_curve(self, line: int, name: str, link: _Link, properties: dict[str, str]) -> None:
        """Give a pump its curve h = h0 - b q^n, through three points or the one at its design flow."""
        if "HEAD" not in properties:
            raise self.file.error(line, f"pump {name}: has neither HEAD nor POWER")
        points = self.curves.get(properties["HEAD"])
        if not points:
            raise self.file.error(line, f"pump {name}: no curve {properties['HEAD']}")
        if len(points) == 1:
            (q, h), = points  # fmt: skip
            points = [(0.0, 4 * h / 3), (q, h), (2 * q, 0.0)]
        if len(points) != 3 or points[0][0] != 0:
            count = len(points)
            raise self.file.error(line, f"pump {name}: head curves have one point, or three from flow 0, not {count}")
        (_, h0), (q1, h1), (q2, h2) = points
        if not (h0 > h1 > h2 and 0 < q1 < q2):
            raise self.file.error(line, f"pump {name}: its head must fall with its flow")
        n = math.log((h0 - h2) / (h0 - h1)) / math.log(q2 / q1)
        unit, length = self.options.density * self.options.flow, self.options.length
        link.diameter = _diameter(q1 * self.options.flow)
        link.curve = (h0 * length, (h0 - h1) * length / (q1 * unit) ** n, n)

    def _set_speed(self, link: _Link, speed: float) -> None:
        """Affinity laws: h = s² h0 - s^(2 - n) b q^n; a pump of no speed is shut."""
        speed = speed if link.pattern_speed is None else link.pattern_speed
        link.status = "OPEN" if speed > 0 else "CLOSED"
        s = speed if speed > 0 else 1.0
        if link.lift is not None:
            lift = link.lift * s**3
            link.min_flow, link.factor = lift / MAX_HEAD, -lift * self.options.density * self.weight
        elif link.curve is not None:
            h0, b, n = link.curve
            link.shutoff, link.factor = self.weight * s**2 * h0, self.weight * s ** (2.0 - n) * b
            link.exponent = n

    def _add_valve(self, line: int, words: list[str]) -> None:
        if len(words) < 6:
            raise self.file.error(line, f"{' '.join(words)}: a valve has name, two nodes, diameter, type and setting")
        diameter = self.file.number(line, words, 3) * self.options.diameter
        zeta = self.file.number(line, words, 6, 0.0)
        link = self._add_link(line, words, "valve")
        link.diameter, link.zeta, link.valve, link.status = diameter, zeta, words[4].upper(), "ACTIVE"
        if link.valve in VALVES:
            link.setting = self.file.number(line, words, 5)
        elif link.valve not in UNREAD_VALVES:
            raise self.file.error(line, f"valve {words[0]}: type {link.valve} is none of {', '.join(VALVES)}")

    # ---- the start of the simulation -----------------------------------------------------------------------------

    def _apply_statuses(self) -> None:
        """Statuses, and controls that hold at the start."""
        orders = [(line, words, False) for line, words in self.file.rows("STATUS") if len(words) > 1]
        for line, words in self.file.rows("CONTROLS"):
            capitals = [w.upper() for w in words]
            links = ("LINK", "PIPE", "PUMP", "VALVE")
            if len(words) >= 6 and capitals[0] in links and self._holds(line, words, capitals):
                orders.append((line, words[1:3], True))
        for line, words, by_control in orders:
            self._apply_status(line, words, by_control)
        if self.file.rows("RULES"):
            self.notes.append("rules are not applied")

    def _apply_status(self, line: int, words: list[str], by_control: bool) -> None:
        """Give a link a status, or a number that is a speed or a setting."""
        if words[0] not in self.links:
            raise self.file.error(line, f"no link {words[0]}")
        link, status = self.links[words[0]], words[1].upper()
        is_word = status in ("OPEN", "CLOSED")
        if link.status == "CV":
            raise self.file.error(line, f"pipe {words[0]}: a check valve has no status")
        if link.kind == "pump" and (not is_word or status == "OPEN" or link.pattern_speed is not None):
            self._set_speed(link, 1.0 if is_word else self.file.number(line, words, 1))
        elif is_word:
            link.status = status
        elif link.kind == "valve":
            link.setting, link.status = self.file.number(line, words, 1), "ACTIVE"
        elif by_control:
            link.status = "OPEN" if self.file.number(line, words, 1) > 0 else "CLOSED"

    def _holds(self, line: int, words: list[str], capitals: list[str]) -> bool:
        """Whether a simple control acts at the start: at time 0, or by the level of a tank."""
        if capitals[3] == "AT" and capitals[4] == "TIME":
            return self.file.seconds(line, words[5:]) == 0.0
        if capitals[3] == "AT" and capitals[4] == "CLOCKTIME":
            return self.file.seconds(line, words[5:]) == self.options.start_clocktime
        if capitals[3] == "IF" and capitals[4] in ("NODE", "TANK", "JUNCTION", "RESERVOIR") and len(words) >= 8:
            k = self._node(line, words[5])
            if math.isnan(self.held[k]):
                self.notes.append(f"control of {words[1]} by the pressure at {words[5]} is not applied")
                return False
            level, threshold = self.held[k] - self.elevation[k], self.file.number(line, words, 7) * self.options.length
            return level >= threshold if capitals[6] == "ABOVE" else level <= threshold
        return False

    def _apply_settings(self) -> None:
        """What settings and statuses make of the links."""
        for name, link in self.links.items():
            if link.valve in UNREAD_VALVES and link.status != "CLOSED":
                unread = f"valve {name}: {link.valve} is not read unless it is closed; known are {', '.join(VALVES)}"
                raise self.file.error(link.line, unread)
            if link.status == "ACTIVE":
                self._apply_setting(link)
            if link.kind == "valve" and link.zeta == 0:
                link.factor, link.exponent = OPEN_LOSS, 1.0
            if link.status == "CV":
                link.min_flow = 0.0
            if link.status == "CLOSED":
                link.min_flow, link.max_flow = 0.0, 0.0

    def _apply_setting(self, link: _Link) -> None:
        """What the setting of a valve means."""
        options, setting = self.options, link.setting
        match link.valve:
            case "TCV":
                link.zeta = setting
            case "FCV":
                link.max_flow = setting * options.flow
            case "PRV" | "PSV":
                link.min_flow, link.held_head = 0.0, setting * options.pressure * WATER / options.density
            case "PBV":
                link.shutoff, link.zeta = -setting * options.pressure * WATER * GRAVITY, 0.0

    def _limit_tanks(self) -> None:
        """Nothing flows into a tank that is full, or out of one that is empty."""
        for line, words in self.file.rows("TANKS"):
            level, low = self.file.number(line, words, 2, 0.0), self.file.number(line, words, 3, 0.0)
            high = self.file.number(line, words, 4, math.inf) if len(words) > 4 else math.inf
            full, empty = level >= high and "YES" not in map(str.upper, words[8:]), level <= low
            tank = self.nodes[words[0]]
            for link in self.links.values():
                ahead = link.end == tank
                if not (ahead or link.start == tank) or not (full or empty) or link.kind == "valve":
                    continue
                if ahead == full:
                    link.max_flow = min(link.max_flow, 0.0)
                    link.min_flow = min(link.min_flow, 0.0)
                else:
                    link.min_flow = max(link.min_flow, 0.0)


def _diameter(flow: float) -> float:
    """Diameter [m] in which a flow [m³/s] runs at 1 m/s, where the solver starts."""
    return math.sqrt(4.0 * flow / math.pi)
