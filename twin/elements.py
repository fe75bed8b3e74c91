"""The few element kinds that solvers know; components lower themselves into these.

Every field is an array whose first axis counts rows and whose last axis, if present, counts scenarios
(length 1 where a value is the same in all). Node, bus and stream numbers are plain integer arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from twin.kernels import power_flow, streams

Array = NDArray[Any]
Index = NDArray[Any]
"""Row, node, bus or stream numbers, one-dimensional."""
NAN = np.full((1, 1), np.nan)
ZERO = np.zeros((1, 1))
ONE = np.ones((1, 1))

POWER_BASE = 1e6
"""Base of the per-unit system, VA, on every bus of the plant."""


class Status(IntEnum):
    """What became of a scenario."""

    OK = 0
    NOT_CONVERGED = 1
    HYDRAULIC = 2
    ELECTRICAL = 3
    INVALID = 4
    OVERHEATED = 5
    UNBALANCED = 6


def total(rows: Array) -> Array:
    """Sum over rows in a fixed order, (scenario,); np.sum picks its order from the number of scenarios."""
    return np.cumsum(rows, axis=0)[-1] if len(rows) else np.zeros(rows.shape[-1], like=rows)


def largest(rows: Array) -> Array:
    """Largest of non-negative rows, (scenario,), 0 where there are none."""
    return rows.max(axis=0) if len(rows) else np.zeros(rows.shape[-1], like=rows)


VENT = 1 << 40
"""Vents are numbered from here while components are lowered, and after all pipes once the plant is whole."""

REASONS = {
    Status.OK: "",
    Status.NOT_CONVERGED: "the coupling loop did not settle",
    Status.HYDRAULIC: "pipe flow found no solution",
    Status.ELECTRICAL: "power flow found no solution: the load is beyond what the network can carry",
    Status.INVALID: "the solution is not a finite number",
    Status.UNBALANCED: "electricity in and heat out differ",
    Status.OVERHEATED: "no steady temperature: the plant cannot reject the heat",
}


class Ref(NamedTuple):
    """Rows of a solved column, such as the power of pumps 3 to 7."""

    quantity: str
    rows: Array


# ---- coolant -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pipe:
    """A coolant branch: friction and fittings, plus `quadratic` m|m| and `power` |m|^exponent sign(m) in Pa."""

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
class Pump:
    """Parallel equal pumps in a pipe: p = s² p0 (1 - a x² - b x⁴), x = Q / (n s Qr).

    `set_head` holds a pressure rise (NaN: none), `speed` is the largest speed; `stage_flow` is the volume flow
    that one pump takes before the next starts; efficiency is hydraulic, drive is motor times converter.
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
    least: Array
    stage_flow: Array
    fixed_power: Array


@dataclass(frozen=True)
class Bypass:
    """A pipe that opens just enough for its end node to receive a least volume flow."""

    pipe: Index
    least: Array


@dataclass(frozen=True)
class Anchor:
    """Where a closed loop takes its pressure from."""

    node: Index
    pressure: Array


@dataclass(frozen=True)
class Medium:
    """Which fluid fills the loop that a node belongs to."""

    node: Index
    fluid: list[str]


# ---- heat --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heat:
    """Heat into the outflow of a stream: share of a solved power."""

    stream: Index
    power: Ref
    share: Array = field(default_factory=lambda: ONE)


@dataclass(frozen=True)
class Gain:
    """Heat into a node: share of a solved power, given off by what `names` says, if anything."""

    node: Index
    power: Ref
    share: Array = field(default_factory=lambda: ONE)
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Loss:
    """Heat exchange of a stream with a node of known temperature through a wall, W/K."""

    stream: Index
    node: Index
    conductance: Array


@dataclass(frozen=True)
class Exchange:
    """Two streams exchange heat through films; a set point holds the hot outlet by throttling the cold flow."""

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
    least_flow: Array = field(default_factory=lambda: ZERO)
    most_flow: Array = field(default_factory=lambda: np.full((1, 1), np.inf))


class Law(Protocol):
    """How a unit that rejects heat answers its inlet: the exact local affine outlet and what it costs."""

    set_point: Any

    def respond(self, inlet: Array, flow: Array, cp: Any, sink: Array, running: Array | None) -> Any:
        """Affine outlet and consumption for inlet [K], flow [kg/s] and sink [K], all (unit, scenario)."""
        ...


@dataclass(frozen=True)
class Cooler:
    """A stream cooled by a law; `sink` is the stream that takes the heat, None for outdoor air.

    Where `installed` is given, units that do not run are shut off and the pipe resists accordingly.
    """

    stream: Index
    sink: Index | None
    law: Law
    installed: Array | None = None


# ---- hall air ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Vent:
    """An air stream between two nodes; its flow comes from an Intake, a Fan or a Zone."""

    start: Index
    end: Index


@dataclass(frozen=True)
class Intake:
    """Air drawn by equipment: a solved mass flow through a chain of vents."""

    vent: Index
    zone: Index
    flow: Ref


@dataclass(frozen=True)
class Fan:
    """Cooler fans of a zone: they match the racks' demand times `excess`, staged, up to `rated_flow` each.

    They draw air warmer than the room's return by `offset` [K] where the room's air has been computed.
    """

    vent: Index
    coil: Index
    zone: Index
    rated_flow: Array
    power: Array
    installed: Array
    least_speed: Array
    offset: Array


@dataclass(frozen=True)
class Inlets:
    """Inlets of a room's racks as its computed air has them, and how they answer rises across racks and supplies.

    T = T0 + heat (ΔT - ΔT0) + supply (Ts - Ts0), all in K; `engine` and `coil` are rows of racks and streams of
    coolers, so that heat is (rack, rack) and supply (rack, cooler).
    """

    engine: Index
    coil: Index
    temperature: Array
    rise: Array
    supplied: Array
    heat: Array
    supply: Array


@dataclass(frozen=True)
class Zone:
    """A room as three mixed nodes: supply, rack inlet, return; `recirculation` and `bypass` are flow fractions."""

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
    dew_point: Array


# ---- electricity -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Level:
    """Nominal voltage of a bus as one component sees it."""

    bus: Index
    voltage: Array
    direct: Index
    names: list[str]


@dataclass(frozen=True)
class Source:
    """A bus held at a voltage by the grid or a generator; parallel sources share by rating."""

    bus: Index
    voltage: Array
    rating: Array
    in_service: Array


@dataclass(frozen=True)
class Line:
    """Pi branch, per unit on POWER_BASE: series impedance, shunt admittance in all, tap ratio at the start."""

    start: Index
    end: Index
    impedance: Array
    shunt: Array
    ratio: Array
    rating: Array
    in_service: Array


@dataclass(frozen=True)
class Converter:
    """Regulates its output bus; takes P_out + rating (fixed + proportional k + square k²), k = P_out / rating."""

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
class Load:
    """Power drawn from a bus. Cords of one consumer share it in the ratio of `share` among live cords."""

    bus: Index
    names: list[str]
    power: Ref
    peak: Ref
    share: Array
    tangent: Array


# ---- compute -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Engine:
    """A rack: chips with their clock, cap, leakage and cooling path; the other load; converters; fans.

    It breathes the air of a node, warmer than that by `offset` [K] where the room's air has been computed.
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
    clock_exponent: Array
    leakage_share: Array
    leakage_slope: Array
    leakage_temperature: Array
    junction_to_case: Array
    throttle_temperature: Array
    least_clock: Array
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
    fan_least: Array
    liquid_fraction: Array
    plates: Array
    peak_factor: Array
    it_power: Array
    nameplate: Array


# ---- what is asked of the solution -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constant:
    """Rows of given numbers that take part as if they had been solved."""

    value: Array


@dataclass(frozen=True)
class Limit:
    """A solved column must stay on one side of a bound; `basis` is 'sustained' or 'peak'."""

    name: str
    elements: list[str]
    value: Ref
    bound: Array
    sense: int = 1
    dimension: str = "fraction"
    basis: str = "sustained"
    domain: str = "thermal"


@dataclass(frozen=True)
class Report:
    """A solved column under the name that users see."""

    dimension: str
    name: str
    elements: list[str]
    value: Ref
    unit: str
    long_name: str


@dataclass(frozen=True)
class Tally:
    """Powers that are added up under one heading, such as 'it' or 'pumps'."""

    heading: str
    power: Ref


@dataclass(frozen=True)
class Fuel:
    """Power that is made on site: what its energy costs [$/J] and the greenhouse gas that it gives off [kg/J]."""

    power: Ref
    price: Array
    carbon: Array


@dataclass(frozen=True)
class Cost:
    """Capital [$], its life [s] and yearly upkeep as a fraction of capital."""

    elements: list[str]
    heading: str
    capital: Array
    life: Array
    upkeep: Array


@dataclass(frozen=True)
class Work:
    """Share of its rated power that chips at work draw in some scenarios, by clock: (node,) each, the ends holding."""

    engine: Index
    scenarios: Index
    clock: Array
    level: Array


@dataclass(frozen=True)
class Service:
    """What racks have for agents beside accelerators: tools that run at once ("cpu"), or B/s that they carry."""

    name: str
    engine: Index
    capacity: Array


@dataclass(frozen=True)
class Serving:
    """Accelerators that serve tokens: platform per row, the engine that runs them, network power of each [W]."""

    engine: Index
    platform: list[str]
    network: Array


# ---- the plant ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """AC or DC islands that converters of one depth feed: one network, its slack buses are sources or outputs."""

    bus: Index
    network: power_flow.Network
    line: Index
    source: Index
    converter: Index
    voltage: Array


@dataclass(frozen=True)
class Plant:
    """Everything below this line is arrays."""

    facility: Any
    scenarios: int
    coordinates: Mapping[str, Array]
    site: SimpleNamespace
    nodes: int
    outdoor: int
    start: Index
    end: Index
    pipe: Pipe
    pump: Pump
    relief: Bypass
    anchor: Index
    pressure: Array
    medium: tuple[tuple[str, Array, Array], ...]
    exchange: Exchange
    cooler: tuple[Cooler, ...]
    loss: Loss
    heat: tuple[Heat, ...]
    gain: tuple[Gain, ...]
    intake: tuple[Intake, ...]
    fan: Fan
    zone: Zone
    inlets: tuple[Inlets, ...]
    follow: Index
    engine: Engine
    work: tuple[Work, ...]
    constant: Array
    load: tuple[Load, ...]
    line: Line
    converter: Converter
    source: Source
    layers: tuple[Layer, ...]
    live: Array
    voltage: Array
    direct: Index
    bus_names: list[str]
    node_names: list[str]
    limits: tuple[Limit, ...]
    reports: tuple[Report, ...]
    tallies: tuple[Tally, ...]
    costs: tuple[Cost, ...]
    fuels: tuple[Fuel, ...]
    serving: tuple[Serving, ...]
    services: tuple[Service, ...]
    streams: streams.StreamProgram
    coolant: Index
    start_temperature: Array
