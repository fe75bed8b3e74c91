"""The few element kinds that solvers know; components lower themselves into these.

Shapes: n is the number of rows, s the number of scenarios, or 1 where a value is the same in all. Node, bus, stream
and row numbers are integers (n,), every other number is (n, s). Coolant and air share one numbering of nodes; streams
are all pipes and then all vents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np

from twin.columns import Array, Column, Index, LimitKind, Ref, Total
from twin.kernels import power_flow, streams
from twin.kernels.subset import Table

NAN = np.full((1, 1), np.nan)
ZERO = np.zeros((1, 1))
ONE = np.ones((1, 1))

POWER_BASE = 1e6
"""Base of the per-unit system, VA, on every bus of the plant."""

VENT = 1 << 40
"""Vents are numbered from here while components are lowered, and after all pipes once the plant is compiled."""


class Status(IntEnum):
    """What became of a scenario."""

    OK = 0
    NOT_CONVERGED = 1
    HYDRAULIC = 2
    ELECTRICAL = 3
    INVALID = 4
    OVERHEATED = 5
    UNBALANCED = 6


REASONS = {
    Status.OK: "",
    Status.NOT_CONVERGED: "the coupling loop did not settle",
    Status.HYDRAULIC: "pipe flow found no solution",
    Status.ELECTRICAL: "power flow found no solution: the load is beyond what the network can carry",
    Status.INVALID: "the solution is not a finite number",
    Status.UNBALANCED: "electricity in and heat out differ",
    Status.OVERHEATED: "no steady temperature: the plant cannot reject the heat",
}


MANY = 64
"""Scenarios from which rows are added one by one, which takes less memory than running sums; bits are the same."""


def total(rows: Array, counts: Array | None = None) -> Array:
    """Sum over rows in a fixed order, (scenario,); np.sum picks its order from the number of scenarios.

    counts: how many equal ones each row stands for (row,), one each if not given.
    """
    if counts is not None and (counts != 1.0).any():
        rows = rows * counts[:, None]
    if not len(rows):
        return np.zeros(rows.shape[-1], like=rows)
    if rows.shape[-1] < MANY or rows.dtype != float or not isinstance(rows, np.ndarray):
        return np.cumsum(rows, axis=0)[-1]
    added = rows[0].copy()
    for row in rows[1:]:
        added += row
    return added


def largest(rows: Array) -> Array:
    """Largest of non-negative rows, (scenario,), 0 where there are none."""
    return rows.max(axis=0) if len(rows) else np.zeros(rows.shape[-1], like=rows)


class Element(Table):
    """A table of rows of one kind; the domains' kernels read its arrays."""

    @classmethod
    def real_columns(cls) -> tuple[str, ...]:
        """Its fields of numbers, (row, scenario)."""
        return tuple(f.name for f in fields(cls) if str(f.type).startswith("Array"))  # type: ignore[arg-type]

    @classmethod
    def index_columns(cls) -> tuple[str, ...]:
        """Its fields of row numbers, (row,)."""
        return tuple(f.name for f in fields(cls) if f.type == "Index")  # type: ignore[arg-type]


# ---- coolant -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pipe(Element):
    """A coolant branch: dp = (lambda L/D + zeta) m|m| / (2 rho A²) + quadratic m|m| + power sign(m) |m|^exponent.

    start, end: nodes (n,). length [m], diameter [m], roughness [m], zeta [1]: the straight run and its fittings (n, s).
    quadratic [Pa s²/kg²], power [Pa (s/kg)^exponent], exponent [1]: what data sheets give (n, s).
    set_flow: volume flow that is held [m3/s], NaN where the pipe is free (n, s).
    """

    start: Index
    end: Index
    length: Array = field(default_factory=lambda: ZERO)
    diameter: Array = field(default_factory=lambda: ONE)
    roughness: Array = field(default_factory=lambda: ZERO)
    zeta: Array = field(default_factory=lambda: ZERO)
    quadratic: Array = field(default_factory=lambda: ZERO)
    power: Array = field(default_factory=lambda: ZERO)
    exponent: Array = field(default_factory=lambda: np.full((1, 1), 1.85))
    set_flow: Array = field(default_factory=lambda: NAN)


@dataclass(frozen=True)
class Pump(Element):
    """Parallel equal pumps in a pipe: p = s² p0 (1 - a x² - b x⁴), x = Q / (n s Qr).

    pipe: the pipe they stand in (n,). shutoff: p0, pressure rise of one at no flow and nominal speed [Pa] (n, s).
    rated_flow: Qr of one [m3/s] (n, s). quadratic, quartic: a and b [1] (n, s). speed: highest over nominal [1] (n, s).
    set_head: pressure rise that is held [Pa], NaN for none (n, s). efficiency: hydraulic [1] (n, s). drive: efficiency
    of motor times converter [1] (n, s). installed, min_running: pumps [1] (n, s). stage_flow: volume flow of one from
    which the next starts [m3/s] (n, s). fixed_power: electrical power whatever they do [W], NaN for none (n, s).
    """

    pipe: Index
    shutoff: Array
    rated_flow: Array
    quadratic: Array
    quartic: Array
    speed: Array
    set_head: Array
    efficiency: Array
    drive: Array
    installed: Array
    min_running: Array
    stage_flow: Array
    fixed_power: Array


@dataclass(frozen=True)
class Bypass(Element):
    """A pipe that opens just enough for its end node to receive a volume flow.

    pipe: which (n,). min_flow: what the end node receives at least [m3/s] (n, s).
    """

    pipe: Index
    min_flow: Array


@dataclass(frozen=True)
class Anchor(Element):
    """Where a closed loop takes its pressure from.

    node: which (n,). pressure: absolute [Pa] (n, s).
    """

    node: Index
    pressure: Array


@dataclass(frozen=True)
class Medium(Element):
    """Which fluid fills the loop that a node belongs to.

    node: which (n,). fluid: name in `twin.fluids` (n).
    """

    node: Index
    fluid: list[str]


# ---- heat --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heat(Element):
    """Heat into the outflow of a stream.

    stream: which (n,). power: the solved power that it comes from [W] (n). share: of that power [1] (n, s).
    """

    stream: Index
    power: Ref
    share: Array = field(default_factory=lambda: ONE)


@dataclass(frozen=True)
class Gain(Element):
    """Heat into a node.

    node: which (n,). power: the solved power that it comes from [W] (n). share: of that power [1] (n, s).
    names: what gives it off, if anything (n or 0).
    """

    node: Index
    power: Ref
    share: Array = field(default_factory=lambda: ONE)
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Loss(Element):
    """Heat exchange of a stream with a node around it, through a wall.

    stream, node: which (n,). conductance: of the whole wall [W/K] (n, s).
    """

    stream: Index
    node: Index
    conductance: Array


@dataclass(frozen=True)
class Exchange(Element):
    """Two streams exchange heat through films; a set point holds the hot outlet by throttling the cold flow.

    hot, cold: streams (n,). film_hot, film_cold: hA of the films at the rated flows [W/K] (n, s). rated_hot,
    rated_cold: those flows [kg/s] (n, s). exponent: of a film over its flow [1] (n, s). fouling: resistance of the
    wall [K/W] (n, s). crossflow: 1 for crossflow, 0 for counterflow [1] (n, s). set_point: outlet that is held [K],
    NaN for none (n, s). min_flow, max_flow: cold flow that the valve passes [kg/s] (n, s).
    """

    hot: Index
    cold: Index
    film_hot: Array
    film_cold: Array
    rated_hot: Array
    rated_cold: Array
    exponent: Array = field(default_factory=lambda: np.full((1, 1), 0.8))
    fouling: Array = field(default_factory=lambda: ZERO)
    crossflow: Array = field(default_factory=lambda: ZERO)
    set_point: Array = field(default_factory=lambda: NAN)
    min_flow: Array = field(default_factory=lambda: ZERO)
    max_flow: Array = field(default_factory=lambda: np.full((1, 1), np.inf))


class Response(NamedTuple):
    """What a unit that takes heat out of a stream does at given inputs; every field (n, scenario).

    outlet = slope inlet + offset: slope [1], offset [K]. power: of all running units [W]. water: make-up [kg/s].
    loading: required over available duty [1]. running: units [1]. speed: time-averaged fan speed over nominal, part
    load of a chiller [1]. warning: 1 outside the box of
    validity [1]. driven: heat taken from the stream that drives it [W].
    """

    slope: Array
    offset: Array
    power: Array
    water: Array
    loading: Array
    running: Array
    speed: Array
    warning: Array
    driven: Array | float = 0.0


class Box(NamedTuple):
    """What a law is valid for.

    what: the quantity in words. dimension: of `twin.units`. value, low, high: it and its range, in SI units, (n,
    scenario) or one for all. power: how far power may be off outside, relative, likewise; None is not known.
    """

    what: str
    dimension: str
    value: Array
    low: Array | float
    high: Array | float
    power: Array | float | None = None

    @property
    def outside(self) -> Array:
        """Where the value is outside the range by more than rounding."""
        return (self.value < self.low - 1e-9) | (self.value > self.high + 1e-9)


class Driver(NamedTuple):
    """The stream whose heat drives a unit: inlet [K], flow [kg/s], cp [J/(kg K)], all (n, scenario)."""

    inlet: Array
    flow: Array
    cp: Array


class Law(Protocol):
    """How a unit that takes heat out of a stream answers its inlet: the exact local affine outlet and what it takes.

    set_point: outlet that is held [K], NaN for none (n, s). A law of a unit that is driven by heat takes a `driver`
    too. A law that warns may say of what: `boxes(inlet, outlet, sink)` [K] returns the `Box`es that it is valid in.
    """

    @property
    def set_point(self) -> Array:
        """Outlet that is held [K], NaN for none (n, s)."""
        ...

    def respond(self, inlet: Array, flow: Array, cp: Array, sink: Array, running: Array | None) -> Response:
        """Response to inlet [K], flow [kg/s], specific heat [J/(kg K)] and sink [K], all (n, scenario).

        `running` keeps the number of units of an earlier response, None stages them anew.
        """
        ...


@dataclass(frozen=True)
class Cooler(Element):
    """A stream cooled by a law.

    stream: which (n,). sink: the stream whose inlet takes the heat (n,), None for outdoor air. law: how (n).
    installed: units that are shut off when they do not run, so that the pipe resists more [1] (n, s); None if none is.
    driver: the stream whose heat drives it (n,), None for none. names: of the coolers (n). part: which of several of a
    component they are. ahead: 1 where others follow, so that it is not taken to hold its set point before that is
    known (n, s), None if none do.
    """

    stream: Index
    sink: Index | None
    law: Law
    installed: Array | None = None
    driver: Index | None = None
    names: list[str] = field(default_factory=list)
    part: str = ""
    ahead: Array | None = None


# ---- room air ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Vent(Element):
    """An air stream between two nodes; its flow comes from an Intake, a Fan or a Zone.

    start, end: nodes (n,).
    """

    start: Index
    end: Index


@dataclass(frozen=True)
class Intake(Element):
    """Air drawn by equipment.

    vent: first of the chain that it flows through (n,). zone: row of the room it comes from, -1 outdoors (n,).
    flow: the solved mass flow [kg/s] (n).
    """

    vent: Index
    zone: Index
    flow: Ref


@dataclass(frozen=True)
class Fan(Element):
    """Room fans: those of a zone match its racks' demand times `excess`, staged, up to `rated_flow` each.

    vent, coil: the streams into the coil and out of it (n,). zone: row of the room (n,). rated_flow: of one unit at
    full speed [kg/s] (n, s). power: of one unit at full speed [W] (n, s). installed: units [1] (n, s). min_speed: over
    nominal [1] (n, s). offset: how much warmer than the room's return they draw where its air is computed [K] (n, s).
    names: of the coolers (n).
    """

    vent: Index
    coil: Index
    zone: Index
    rated_flow: Array
    power: Array
    installed: Array
    min_speed: Array
    offset: Array
    names: list[str]


@dataclass(frozen=True)
class Inlets(Element):
    """Inlets of the r racks of a computed room, and how they answer rises across racks and supplies of c coolers.

    T = T0 + heat (dT - dT0) + supply (Ts - Ts0). engine: rows of the racks (r,). coil: streams of the coolers (c,).
    temperature: T0 [K] (r, s). rise: dT0 [K] (r, s). supplied: Ts0 [K] (c, s). heat [1] (r, r). supply [1] (r, c).
    """

    engine: Index
    coil: Index
    temperature: Array
    rise: Array
    supplied: Array
    heat: Array
    supply: Array


@dataclass(frozen=True)
class Zone(Element):
    """A room as three mixed nodes.

    supply, inlet, exhaust: nodes (n,). forward (supply to inlet), backward (exhaust to inlet), bypassing (supply to
    exhaust), outflow (exhaust to outdoors), inflow (outdoors to supply): vents (n,). recirculation: share of rack
    intake from the exhaust [1] (n, s). bypass: share of cooler air that passes no rack [1] (n, s). excess: cooler air
    over what these two call for [1] (n, s). ventilation: outdoor air [kg/s] (n, s). other_rise: rise of the air that
    fans allow for heat that no rack fan moves [K] (n, s). humidity: ratio of the room's air, where it is stated [1],
    NaN where it follows from a balance (n, s). vapour: that people give off [kg/s] (n, s). names: rooms (n).
    """

    supply: Index
    inlet: Index
    exhaust: Index
    forward: Index
    backward: Index
    bypassing: Index
    outflow: Index
    inflow: Index
    recirculation: Array
    bypass: Array
    excess: Array
    ventilation: Array
    other_rise: Array
    humidity: Array
    vapour: Array
    names: list[str]


@dataclass(frozen=True)
class Coil(Element):
    """An exchange whose hot side is air of a room, from which it takes water where it is colder than the dew point.

    exchange, zone: rows of these (n,). dries_to: humidity ratio of the room that it holds at most by cooling air below
    its set point [1], infinite for none (n, s). reheat: heat that then warms the air up to that at most [W] (n, s).
    """

    exchange: Index
    zone: Index
    dries_to: Array
    reheat: Array


@dataclass(frozen=True)
class Mixing(Element):
    """Coolers that mix outdoor air into the air of a room: as much as their answers' speed says.

    stream, zone: rows of these (n,). share: solved speeds of the coolers [1] (n).
    """

    stream: Index
    zone: Index
    share: Ref


@dataclass(frozen=True)
class Humidifier(Element):
    """What gives vapour to the air of a room, so that it holds a humidity ratio.

    zone: row of the room (n,). humidity: ratio that is held [1] (n, s). capacity: vapour [kg/s], 0 out of service (n,
    s). energy: electrical, for vapour [J/kg] (n, s). flushed: water used over vapour [1] (n, s). names: of these (n).
    """

    zone: Index
    humidity: Array
    capacity: Array
    energy: Array
    flushed: Array
    names: list[str]


# ---- electricity -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Level(Element):
    """Nominal voltage of a bus as one component sees it.

    bus: which (n,). voltage: nominal, line to line or DC [V] (n, s). direct: 1 for DC, 0 for AC, -1 for either (n,).
    names: of the components (n).
    """

    bus: Index
    voltage: Array
    direct: Index
    names: list[str]


@dataclass(frozen=True)
class Source(Element):
    """A bus held at a voltage by the grid or a generator; parallel sources share by rating.

    bus: which (n,). voltage: magnitude held [pu] (n, s). rating [VA] (n, s). in_service: 1 or 0 [1] (n, s).
    """

    bus: Index
    voltage: Array
    rating: Array
    in_service: Array


@dataclass(frozen=True)
class Line(Element):
    """Pi branch, per unit on POWER_BASE.

    start, end: buses (n,). impedance: series [pu], complex (n, s). shunt: admittance in all, half at each end [pu],
    complex (n, s). ratio: tap at the start [1], complex (n, s). rating [pu] (n, s). in_service: 1 or 0 [1] (n, s).
    """

    start: Index
    end: Index
    impedance: Array
    shunt: Array
    ratio: Array
    rating: Array
    in_service: Array


@dataclass(frozen=True)
class Converter(Element):
    """Regulates its output bus; takes P_out + rating (fixed + proportional k + square k²), k = P_out / rating.

    input, output: buses (n,). rating [W] (n, s). fixed, proportional, square: losses over rating [1] (n, s).
    tangent: reactive over active power at the input [1] (n, s). voltage: of the output [pu] (n, s).
    in_service: 1 or 0 [1] (n, s).
    """

    input: Index
    output: Index
    rating: Array
    fixed: Array
    proportional: Array
    square: Array
    tangent: Array
    voltage: Array
    in_service: Array


@dataclass(frozen=True)
class Load(Element):
    """Power drawn from a bus. Cords of one consumer share it in the ratio of `share` among live cords.

    bus: which (n,). names: of the consumers (n). power, peak: solved powers of the consumers [W] (n). share: of the
    consumer's power on this cord [1] (n, s). tangent: reactive over active power [1] (n, s). in_service: 1 or 0, where
    the consumer stands still [1] (n, s).
    """

    bus: Index
    names: list[str]
    power: Ref
    peak: Ref
    share: Array
    tangent: Array
    in_service: Array = field(default_factory=lambda: ONE)


# ---- compute -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Engine(Element):
    """A rack: chips with clock, caps, leakage and cooling path; hosts and the rest; converters; fans.

    Where it stands: stream: what cools its chips, a pipe or the vent of its fans (n,). node: where that comes from
    (n,). breathes: the air node it draws from (n,). offset: how much warmer than that it breathes where the room's air
    is computed [K] (n, s). names: of the racks (n).

    Chips: chips: accelerators [1] (n, s). chip_power: of one at full clock and load [W] (n, s). chip_idle: of one
    [W] (n, s). chip_scale: multiplies accelerators and what goes with them [1] (n, s). power_scale: multiplies power
    per chip [1] (n, s). utilisation [1] (n, s). clock: set, over nominal [1] (n, s). cap: of one chip [W] (n, s).
    rack_cap: of the rack at its feed [W] (n, s). voltage_slope: of the core over the clock, over nominal [1] (n, s).
    min_voltage: of the core, over nominal [1] (n, s). uncore_share: of active power, that follows no clock [1] (n, s).
    leakage_share: of chip power at leakage_temperature [1] (n, s). leakage_slope [1/K] (n, s). leakage_temperature [K]
    (n, s). throttle_temperature: junction at which the clock gives way [K] (n, s). min_clock [1] (n, s).

    Cooling path: junction_to_case [K/W] (n, s). plate_spread [K/W] (n, s). plate_conduction: over the coolant's
    conductivity [1/m] (n, s). plates: that share the flow [1] (n, s). sink_resistance: of a heat sink at sink_flow
    [K/W] (n, s). sink_flow: air flow of its rating [kg/s] (n, s). maldistribution, power_spread, interface_spread:
    how much worse the worst chip has flow, power and interface [1] (n, s). liquid_fraction: of the heat [1] (n, s).
    plate_heat: that cold plates take at most, infinite for any [W] (n, s). plate_temperature: junction of a mean chip
    at which they take no more, infinite for none [K] (n, s).

    The rest: hosts [1] (n, s). host_power, host_idle: of one [W] (n, s). host_utilisation [1] (n, s). other_power:
    behind the boards' converters [W] (n, s). board_fixed [W], board_proportional [1], board_square [1/W]: their losses
    (n, s). inner_power: between boards and shelves [W] (n, s). shelf_fixed [W], shelf_proportional [1], shelf_square
    [1/W]: losses of the shelves (n, s). fan_power: at full speed [W] (n, s). fan_flow: at full speed [kg/s] (n, s).
    fan_rise: of the air, that fans aim at [K] (n, s). min_fan_speed: over nominal [1] (n, s). peak_factor: peak over
    sustained power [1] (n, s). it_power: at the feed, instead of all that; NaN for none [W] (n, s). nameplate [W] (n,
    s).
    """

    stream: Index
    node: Index
    breathes: Index
    offset: Array
    chips: Array
    chip_power: Array
    chip_idle: Array
    chip_scale: Array
    power_scale: Array
    utilisation: Array
    clock: Array
    cap: Array
    rack_cap: Array
    voltage_slope: Array
    min_voltage: Array
    uncore_share: Array
    leakage_share: Array
    leakage_slope: Array
    leakage_temperature: Array
    junction_to_case: Array
    throttle_temperature: Array
    min_clock: Array
    plate_spread: Array
    plate_conduction: Array
    sink_resistance: Array
    sink_flow: Array
    maldistribution: Array
    power_spread: Array
    interface_spread: Array
    hosts: Array
    host_power: Array
    host_idle: Array
    host_utilisation: Array
    other_power: Array
    board_fixed: Array
    board_proportional: Array
    board_square: Array
    inner_power: Array
    shelf_fixed: Array
    shelf_proportional: Array
    shelf_square: Array
    fan_power: Array
    fan_flow: Array
    fan_rise: Array
    min_fan_speed: Array
    liquid_fraction: Array
    plate_heat: Array
    plate_temperature: Array
    plates: Array
    peak_factor: Array
    it_power: Array
    nameplate: Array
    names: list[str]


@dataclass(frozen=True)
class Work(Element):
    """Share of its rated power that chips at work draw in some scenarios, by clock; c clocks, the ends holding.

    engine: rows of the racks (n,). scenarios: which (k,). clock: over nominal, rising [1] (c,). level: share [1] (c,).
    """

    engine: Index
    scenarios: Index
    clock: Array
    level: Array


# ---- what is asked of the solution -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constant(Element):
    """Rows of stated powers that take part as if they had been solved.

    value [W] (n, s).
    """

    value: Array


@dataclass(frozen=True)
class Derived(Element):
    """Rows of a column that a type adds to the ledger: a constant and solved columns times factors.

    column: what is meant. constant: in its unit (n, s). terms: solved columns (n each), peaks not among them. factors:
    of these, in its unit over theirs (n, s each). Rows are numbered through all columns that types add.
    """

    column: Column
    constant: Array
    terms: tuple[Ref, ...]
    factors: tuple[Array, ...]


@dataclass(frozen=True)
class Limit(Element):
    """A solved column must stay on one side of a bound.

    kind: what is limited and from which side. name: of the limit. elements: names of what is limited (n). value: the
    solved column (n). bound: in its units, not finite where nothing binds (n, s). engine: rows of the racks that the
    bound grows with when they are made denser (n,), None if it does not. above: a solved column that the bound is
    measured from (n), None for zero. emergency: the bound for hours after a loss (n, s), None where it is no other.
    """

    kind: LimitKind
    name: str
    elements: list[str]
    value: Ref
    bound: Array
    engine: Index | None = None
    above: Ref | None = None
    emergency: Array | None = None


@dataclass(frozen=True)
class Report(Element):
    """A solved column under the name that users see.

    dimension: of the Dataset, that names `elements` (n). name: of the variable. value: the solved column (n).
    long_name: what it is. picture: "temperature" or "power" if pictures colour the equipment by it, or "".
    """

    dimension: str
    name: str
    elements: list[str]
    value: Ref
    long_name: str
    picture: str = ""


@dataclass(frozen=True)
class Caution(Element):
    """A solved column that is above 0.5 where users are to be warned.

    elements: names (n). value: the solved column (n). text: what is wrong.
    """

    elements: list[str]
    value: Ref
    text: str


class Envelope(NamedTuple):
    """Range of what equipment may take in.

    coldest, hottest: temperature [K] (n, s). driest, dampest: dew point of air [K] (n, s). min_humidity, max_humidity:
    its relative humidity [1] (n, s). Coolant has none of the last four.
    """

    coldest: Array
    hottest: Array
    driest: Array = NAN
    dampest: Array = NAN
    min_humidity: Array = NAN
    max_humidity: Array = NAN


@dataclass(frozen=True)
class Guideline(Element):
    """Equipment that takes in air or coolant within the envelopes of its class in a published guideline.

    dimension: of the Dataset, that names `elements` (n). name: of the field that states the class. classes: as stated,
    None if not (n). temperature: of what is taken in, a solved column (n). judged: 1 where it is, 0 where it stands
    still (n, s). allowable, recommended: envelopes, None where nothing is recommended. zone: rooms whose air it is, -1
    outdoors (n,), None for coolant. ladder: warmest supply of each class of coolant [K], coldest class first.
    """

    dimension: str
    name: str
    elements: list[str]
    classes: list[str | None]
    temperature: Ref
    judged: Array
    allowable: Envelope
    recommended: Envelope | None = None
    zone: Index | None = None
    ladder: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Tally(Element):
    """Powers that are added up under one heading.

    total: the heading. power: the solved powers [W] (n).
    """

    total: Total
    power: Ref


@dataclass(frozen=True)
class Fuel(Element):
    """Power that is made on site.

    power: the solved power [W] (n). price: of its energy [$/J] (n, s). carbon: given off [kg/J] (n, s).
    """

    power: Ref
    price: Array
    carbon: Array


@dataclass(frozen=True)
class Cost(Element):
    """What equipment costs.

    elements: names (n). heading: of the yearly cost. capital [$] (n, s). life [s] (n, s). upkeep: per year over
    capital [1] (n, s). tenant: whether the tenant of a colocation owns it.
    """

    elements: list[str]
    heading: str
    capital: Array
    life: Array
    upkeep: Array
    tenant: bool = False


@dataclass(frozen=True)
class Service(Element):
    """What racks have for agents in addition to accelerators.

    name: of the layer, such as cpu. engine: rows of the racks (n,). capacity: tools that run at once, or [B/s] (n, s).
    """

    name: str
    engine: Index
    capacity: Array


@dataclass(frozen=True)
class Serving(Element):
    """Accelerators that serve tokens.

    engine: rows of the racks (n,). platform: of the accelerators (n). network: power of each outside [W] (n, s).
    """

    engine: Index
    platform: list[str]
    network: Array


# ---- what solvers see --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Island(Element):
    """AC or DC buses that converters of one depth feed: one network, whose slack buses are sources or outputs.

    bus, line, source, converter: rows of these that belong to it (k,). network: of the kernel. voltage: of the slack
    buses [pu], complex (k, s).
    """

    bus: Index
    network: power_flow.Network
    line: Index
    source: Index
    converter: Index
    voltage: Array


@dataclass(frozen=True)
class Weather(Element):
    """The site as scenarios have it; every field (1, s).

    dry_bulb, wet_bulb, dew_point [K]. humidity: ratio [1]. pressure [Pa]. elevation [m]. intake, wet_intake: dry and
    wet bulb of the air that heat rejection draws, recirculation included [K]. density, intake_density: of outdoor air
    and of that air [kg/m3]. room_density: of the air that room fans move [kg/m3].
    """

    dry_bulb: Array
    wet_bulb: Array
    dew_point: Array
    humidity: Array
    pressure: Array
    elevation: Array
    intake: Array
    wet_intake: Array
    density: Array
    intake_density: Array
    room_density: Array


class Filling(NamedTuple):
    """Pipes filled with one fluid: its name in `twin.fluids`, the pipes (k,) and the loop that each belongs to (k,)."""

    fluid: str
    pipes: Index
    loop: Index


@dataclass(frozen=True)
class System(Element):
    """Every array that solvers read, N nodes, B buses, S scenarios; elements are merged, one table per kind.

    scenarios: S. counts: how many equal ones each row stands for, by the ledger of its columns (rows,); of rooms by
    Zone, of columns that types add by Derived. site: the weather. nodes: N, of coolant and air. outdoor: the node
    of outdoor air. start, end: nodes of all streams, pipes first (streams,). pipe, pump, relief, exchange, loss,
    fan, zone, coil, humidifier, engine, line, converter, source: tables. anchor: nodes of known pressure (loops,),
    pressure: there [Pa] (loops, s). medium: pipes by fluid. cooler, heat, gain, mixing, intake, load, inlets, work:
    tables as components wrote them. follow: vents whose flow is what arrives at their start (k,). constant: stated
    powers [W] (k, s). derived: of columns that types add. islands: of the power train in the order of solution,
    loads first. live: whether a bus has a path to a source (B, s). voltage: nominal [V] (B,). direct: 1 for DC
    (B,). streams: elimination program of stream temperatures. coolant: nodes of coolant (k,). start_temperature:
    where solves start from [K] (N, S).
    """

    scenarios: int
    counts: Mapping[type, Array]
    site: Weather
    nodes: int
    outdoor: int
    start: Index
    end: Index
    pipe: Pipe
    pump: Pump
    relief: Bypass
    anchor: Index
    pressure: Array
    medium: tuple[Filling, ...]
    exchange: Exchange
    cooler: tuple[Cooler, ...]
    loss: Loss
    heat: tuple[Heat, ...]
    gain: tuple[Gain, ...]
    intake: tuple[Intake, ...]
    fan: Fan
    zone: Zone
    coil: Coil
    mixing: tuple[Mixing, ...]
    humidifier: Humidifier
    inlets: tuple[Inlets, ...]
    follow: Index
    engine: Engine
    work: tuple[Work, ...]
    constant: Array
    derived: tuple[Derived, ...]
    load: tuple[Load, ...]
    line: Line
    converter: Converter
    source: Source
    islands: tuple[Island, ...]
    live: Array
    voltage: Array
    direct: Index
    streams: streams.StreamProgram
    coolant: Index
    start_temperature: Array

    def times(self, ref: Ref) -> Array:
        """How many equal ones rows of a solved column stand for, (n,)."""
        kind = ref.column.kind
        return self.counts[kind if kind in self.counts else Derived][ref.rows]
