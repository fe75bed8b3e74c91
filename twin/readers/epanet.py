"""EPANET input files (`.inp`, versions 2.0 to 2.3): the network as it stands at the start of the simulation.

Patterns, statuses and simple controls are applied. Read are pipes (Hazen-Williams, Darcy-Weisbach, Chezy-Manning),
check valves, pumps with curves of one or three points or of constant power, throttle, flow-control, pressure-breaker,
-reducing and -sustaining valves, reservoirs, tanks, emitters and, of version 2.3, leakage of pipes and emitters without
backflow [Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133, 2020]. Words count by their first letters, as in
EPANET; sections, options and words that are not known are refused, and so is what is not read and would change flows:
demands that depend on pressure, general-purpose and positional valves that are not closed, longer pump curves. Rules
act from the first rule time step on and not at the start. Gravity is EPANET's 32.2 ft/s².
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from twin.readers.inp import Control, InputFile
from twin.readers.inp_options import CUBIC_FOOT, DAY, FOOT, WATER, read_options
from twin.readers.records import Controls, PipeNetwork, Regulators
from twin.readers.text import decoded, hint

GRAVITY = 32.2 * FOOT
"""m/s²."""

STATUS = ("OPEN", "CLOSED")
"""Statuses of links; words may begin with them."""

PUMP_WORDS = ("HEAD", "POWER", "SPEED", "PATTERN")
"""What a pump's line may say, by the first four letters."""

VALVES = ("TCV", "FCV", "PRV", "PSV", "PBV")
"""Valves that are read: throttle, flow control, pressure reducing, pressure sustaining, pressure breaker."""

UNREAD_VALVES = ("GPV", "PCV")
"""Valves that are read only if they are closed: general purpose, positional control."""

OPEN_LOSS = 0.01
"""What a valve without minor loss drops, Pa s/kg: a micrometre of head for each litre per second."""

ORIFICE = 0.6 * math.sqrt(2.0 * GRAVITY)
"""Flow of a leak over its area and the root of its head, m^(1/2)/s; 0.6 is EPANET's coefficient of discharge."""

LEAK_AREA, LEAK_LENGTH = 1e-6, 100.0
"""Unit of leaks' areas [m²], and units of length of pipe to which they are relative."""

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
    """A pipe, pump, valve, emitter or leak; changed while statuses and controls are applied."""

    name: str
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

    @property
    def sustains(self) -> bool:
        """Whether it is a valve that holds the pressure at its start."""
        return self.valve == "PSV"


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
        self.limited: list[tuple[int, bool, bool]] = []  # tanks: their node, whether full, whether empty
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
        self._add_emitters()
        self._add_leaks()
        if self.file.rows("RULES"):
            self.notes.append("rules act from the first rule time step on, not at the start")
        options, links = self.options, [self._set(link) for link in self.links.values()]
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
            regulators=self._regulators(links),
            controls=self._controls(),
        )

    def _regulators(self, links: list[_Link]) -> Regulators | None:
        """Valves that can hold a pressure."""
        branches = [k for k, link in enumerate(links) if link.valve in ("PRV", "PSV")]
        if not branches:
            return None
        sustaining = np.array([links[k].sustains for k in branches])
        return Regulators(np.array(branches), np.array([self._held(links[k]) for k in branches]), sustaining)

    def _held(self, link: _Link) -> float:
        """Piezometric pressure [Pa] that a link holds: none that it could reach where it is fixed, NaN for no valve."""
        if link.valve not in ("PRV", "PSV"):
            return math.nan
        if link.held_head is None:
            return -math.inf if link.sustains else math.inf
        return (self.elevation[link.start if link.sustains else link.end] + link.held_head) * self.weight

    def _controls(self) -> Controls | None:
        """Controls by the pressure at a junction, with what they make of their links."""
        rows, place = [], {name: k for k, name in enumerate(self.links)}
        for control in self.file.controls():
            node = self._node(control.line, control.node) if control.node else None
            if node is None or not math.isnan(self.held[node]):
                continue
            link = replace(self.links[control.link])
            self._apply_status(control.line, [control.link, control.status], link)
            link = self._set(link)
            pressure = (self.elevation[node] + control.level * self._liquid_pressure()) * self.weight
            zeta = link.zeta if link.valve in ("TCV", "PBV") else math.nan
            flows = link.min_flow * self.options.density, link.max_flow * self.options.density
            law = link.factor, link.exponent, link.shutoff
            rows.append((node, pressure, control.above, place[control.link], zeta, *law, *flows, self._held(link)))
        return Controls(*map(np.array, zip(*rows, strict=True))) if rows else None

    def _liquid_pressure(self) -> float:
        """Unit of pressure as head of the liquid [m]."""
        return self.options.pressure * WATER / self.options.density

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
        factor = self._pattern_factor(line, pattern or self.options.default_pattern)
        return demand * self.options.flow * self.options.demand_multiplier * factor

    def _add_junctions(self) -> None:
        for line, words in self.file.rows("JUNCTIONS", 4):
            base = self.file.number(line, words, 2, 0.0)
            drawn = self._drawn(line, base, words[3] if len(words) > 3 else None)
            elevation = self.file.number(line, words, 1, 0.0) * self.options.length
            self._add_node(line, words[0], elevation, drawn, np.nan)

    def _add_demands(self) -> None:
        """Demand categories, which replace the demand of their junction."""
        sources = {words[0] for _, words in [*self.file.rows("RESERVOIRS"), *self.file.rows("TANKS")]}
        replaced = set()
        for line, words in self.file.rows("DEMANDS", 3):
            name = words[0]
            if name.upper().startswith("MULT") or name in sources:
                continue
            k = self._node(line, name)
            self.demand[k] = self.demand[k] if name in replaced else 0.0
            replaced.add(name)
            self.demand[k] += self._drawn(line, self.file.number(line, words, 1), words[2] if len(words) > 2 else None)

    def _add_reservoirs_and_tanks(self) -> None:
        number, length = self.file.number, self.options.length
        tanks = self.file.rows("TANKS", 9)
        for line, words in [*self.file.rows("RESERVOIRS", 3), *(row for row in tanks if len(row[1]) <= 3)]:
            pattern = words[2] if len(words) > 2 else None
            head = number(line, words, 1) * length * self._pattern_factor(line, pattern)
            self._add_node(line, words[0], head, 0.0, head)
        for line, words in [row for row in tanks if len(row[1]) > 3]:
            bottom, level, low, high, _ = (number(line, words, k) for k in range(1, 6))
            if not low <= level <= high:
                raise self.file.error(line, f"tank {words[0]}: level {level:g} is not within {low:g} and {high:g}")
            overflow = words[8] if len(words) > 8 else "NO"
            overflows = self._choice(line, f"tank {words[0]}", overflow, ("YES", "NO")) == "YES"
            self._add_node(line, words[0], bottom * length, 0.0, (bottom + level) * length)
            self.limited.append((self.nodes[words[0]], level >= high and not overflows, level <= low))

    def _choice(self, line: int, element: str, word: str, known: tuple[str, ...]) -> str:
        """That of the words known with which the word of an element begins."""
        for name in known:
            if word.upper().startswith(name):
                return name
        raise self.file.error(line, f"{element}: {word} is {hint(word, known)}")

    def _add_emitters(self) -> None:
        """Outflow c p^γ at a junction."""
        options, last = self.options, {words[0]: (line, words) for line, words in self.file.rows("EMITTERS", 2)}
        for line, words in last.values():
            rate = self.file.number(line, words, 1) * options.flow * options.density
            name, gamma = f"emitter {words[0]}", options.emitter_exponent
            self._add_outflow(line, name, words[0], rate, self._liquid_pressure(), gamma, options.backflow)

    def _add_leaks(self) -> None:
        """Leakage C (A + m h) h^(1/2) at head h, of pipes whose leaks have an area A that grows by m with the head.

        [FAVAD: May, Pressure dependent leakage, 1994.] Half of it at each end of a pipe, all of it at the one end that
        is a junction, none without pressure.
        """
        area, length = LEAK_AREA * ORIFICE * self.options.density / LEAK_LENGTH, self.options.length
        rates: dict[str, list[float]] = {}
        names = list(self.nodes)
        lengths = {words[0]: (line, words) for line, words in self.file.rows("PIPES")}
        for line, words in {words[0]: (line, words) for line, words in self.file.rows("LEAKAGE", 3)}.values():
            if words[0] not in lengths:
                raise self.file.error(line, f"no pipe {words[0]}")
            long = self.file.number(*lengths[words[0]], 3)
            fixed, growing = (self.file.number(line, words, k) for k in (1, 2))
            if fixed < 0 or growing < 0:
                raise self.file.error(line, f"{' '.join(words)}: leaks have no negative area")
            link = self.links[words[0]]
            ends = [k for k in (link.start, link.end) if math.isnan(self.held[k])]
            for k in ends:
                rate = rates.setdefault(names[k], [line, 0.0, 0.0])
                rate[1] += area * long * fixed / len(ends)
                rate[2] += area * long * growing / length / len(ends)
        for name, (line, fixed, growing) in rates.items():
            self._add_outflow(int(line), f"leakage {name}", name, fixed, 1.0, 0.5, False)
            self._add_outflow(int(line), f"leakage {name} by expansion", name, growing, 1.0, 1.5, False)

    def _add_outflow(
        self, line: int, name: str, node: str, rate: float, head: float, gamma: float, backflow: bool
    ) -> None:
        """A branch to where the pressure is none, whose flow is `rate` [kg/s] at a head [m] and goes with head^γ."""
        k = self._node(line, node)
        if not math.isnan(self.held[k]):
            raise self.file.error(line, f"{name}: {node} is no junction")
        if rate < 0:
            raise self.file.error(line, f"{name}: its coefficient must not be negative")
        if rate == 0:
            return
        height = self.elevation[k]
        self._add_node(line, name, height, 0.0, height)
        link = self._add_link(line, [name, node, name], "valve")
        link.exponent = 1.0 / gamma
        link.factor = self.weight * head / rate**link.exponent
        link.min_flow = -math.inf if backflow else 0.0

    # ---- links ---------------------------------------------------------------------------------------------------

    def _add_link(self, line: int, words: list[str], kind: str) -> _Link:
        """Add the link that words of a line name, with its two nodes."""
        if len(words) < 3:
            raise self.file.error(line, f"{' '.join(words)}: a link has a name and two nodes")
        if words[0] in self.links:
            raise self.file.error(line, f"link {words[0]} stands twice")
        link = _Link(words[0], kind, line, self._node(line, words[1]), self._node(line, words[2]))
        self.links[words[0]] = link
        return link

    def _add_links(self) -> None:
        for line, words in self.file.rows("PIPES", 8):
            self._add_pipe(line, words)
        for line, words in self.file.rows("PUMPS"):
            self._add_pump(line, words)
        for line, words in self.file.rows("VALVES", 7):
            self._add_valve(line, words)

    def _add_pipe(self, line: int, words: list[str]) -> None:
        length, diameter, roughness = (self.file.number(line, words, k) for k in (3, 4, 5))
        has_loss = len(words) == 8 or (len(words) == 7 and words[6][0] in "+-.0123456789")
        zeta = self.file.number(line, words, 6) if has_loss else 0.0
        status = words[-1] if len(words) > 6 + has_loss else "OPEN"
        status = self._choice(line, f"pipe {words[0]}", status, (*STATUS, "CV"))
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
        properties = {}
        for word, value in zip(words[3::2], [*words[4::2], None], strict=False):
            if value is None:
                raise self.file.error(line, f"pump {words[0]}: {word} has no value")
            known = next((name for name in PUMP_WORDS if word.upper().startswith(name[:4])), None)
            if known is None:
                raise self.file.error(line, f"pump {words[0]}: {word} is {hint(word, PUMP_WORDS)}")
            properties[known] = value
        link = self._add_link(line, words, "pump")
        link.min_flow = 0.0
        if "POWER" in properties:
            link.lift = self.file.number(line, [properties["POWER"]], 0) * self.options.power
            if link.lift <= 0:
                raise self.file.error(line, f"pump {words[0]}: POWER must be positive")
            link.diameter, link.exponent = _diameter(link.lift / START_HEAD), -1.0
        else:
            self._set_head_curve(line, words[0], link, properties)
        if "PATTERN" in properties:
            link.pattern_speed = self._pattern_factor(line, properties["PATTERN"])
        self._set_speed(line, link, self.file.number(line, [properties["SPEED"]], 0) if "SPEED" in properties else 1.0)

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

    def _set_speed(self, line: int, link: _Link, speed: float) -> None:
        """Affinity laws: h = s² h0 - s^(2 - n) b q^n; a pump of no speed is shut."""
        if speed < 0:
            raise self.file.error(line, "speeds must not be negative")
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
        """Statuses, patterns of pumps, which go before them, and controls that act at the start."""
        for line, words in self.file.rows("STATUS", 2):
            self._apply_status(line, words, self._link(line, words[0]), by_control=False)
        for link in self.links.values():
            if link.pattern_speed is not None:
                self._set_speed(link.line, link, link.pattern_speed)
        for control in self.file.controls():
            link = self._link(control.line, control.link)
            applied = link if self._acts_at_start(control) else replace(link)  # those that act later are checked too
            self._apply_status(control.line, [control.link, control.status], applied)

    def _link(self, line: int, name: str) -> _Link:
        """The link of a name."""
        if name not in self.links:
            raise self.file.error(line, f"no link {name}")
        return self.links[name]

    def _apply_status(self, line: int, words: list[str], link: _Link, by_control: bool = True) -> None:
        """Give a link, the first of the words, a status, or a number that is a speed or a setting."""
        if len(words) < 2:
            raise self.file.error(line, f"{words[0]}: no status")
        status = next((s for s in STATUS if words[1].upper().startswith(s)), None)
        if link.status == "CV":
            raise self.file.error(line, f"pipe {words[0]}: a check valve has no status")
        if status is None and words[1][0] not in "+-.0123456789":
            raise self.file.error(line, f"{' '.join(words)}: {words[1]} is {hint(words[1], STATUS)}")
        number = math.nan if status else self.file.number(line, words, 1)
        if number < 0:
            raise self.file.error(line, f"{' '.join(words)}: settings must not be negative")
        if link.kind == "pump" and status != "CLOSED":
            self._set_speed(line, link, 1.0 if status else number)
        elif status:
            link.status = status
        elif link.valve in VALVES:
            link.setting, link.status = number, "ACTIVE"
        elif link.kind == "pipe" and by_control:
            link.status = "OPEN" if number > 0 else "CLOSED"
        else:
            raise self.file.error(line, f"{' '.join(words)}: it takes {' or '.join(STATUS)}")

    def _acts_at_start(self, control: Control) -> bool:
        """Whether a control acts before anything is solved: at time 0, or by the level of a tank."""
        if control.node is None:
            return control.time % DAY == self.options.start_clocktime if control.by_clock else control.time == 0.0
        k = self._node(control.line, control.node)
        if math.isnan(self.held[k]):
            return False
        if k not in [tank for tank, _, _ in self.limited]:
            raise self.file.error(control.line, f"{control.node}: a reservoir has no level that could control a link")
        level, threshold = self.held[k] - self.elevation[k], control.level * self.options.length
        return level >= threshold if control.above else level <= threshold

    def _set(self, link: _Link) -> _Link:
        """What status and setting make of a link, and tanks that are full or empty."""
        link = replace(link)
        if link.valve in UNREAD_VALVES and link.status != "CLOSED":
            unread = f"valve {link.name}: {link.valve} is not read unless it is closed; known are {', '.join(VALVES)}"
            raise self.file.error(link.line, unread)
        if link.status == "ACTIVE":
            self._apply_setting(link)
        if link.valve and link.zeta == 0:
            link.factor, link.exponent = OPEN_LOSS, 1.0
        if link.status == "CV":
            link.min_flow = 0.0
        if link.status == "CLOSED":
            link.min_flow, link.max_flow = 0.0, 0.0
        if link.kind != "valve":
            self._limit_by_tanks(link)
        return link

    def _apply_setting(self, link: _Link) -> None:
        """What the setting of a valve means."""
        options, setting = self.options, link.setting
        match link.valve:
            case "TCV":
                link.zeta = setting
            case "FCV":
                link.max_flow = setting * options.flow
            case "PRV" | "PSV":
                link.min_flow, link.held_head = 0.0, setting * self._liquid_pressure()
            case "PBV":
                link.shutoff, link.zeta = -setting * options.pressure * WATER * GRAVITY, 0.0

    def _limit_by_tanks(self, link: _Link) -> None:
        """Nothing flows into a tank that is full, or out of one that is empty."""
        for tank, full, empty in self.limited:
            ahead = link.end == tank
            if not (ahead or link.start == tank) or not (full or empty):
                continue
            if ahead == full:
                link.max_flow = min(link.max_flow, 0.0)
                link.min_flow = min(link.min_flow, 0.0)
            else:
                link.min_flow = max(link.min_flow, 0.0)


def _diameter(flow: float) -> float:
    """Diameter [m] in which a flow [m³/s] runs at 1 m/s, where the solver starts."""
    return math.sqrt(4.0 * flow / math.pi)
