"""Racks: chips with clock, cap and leakage, their hosts, converters, fans and cold plates."""

from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from twin import columns
from twin.columns import Index, Real, limits, totals
from twin.components.base import (
    AIR_DENSITY,
    Component,
    Facing,
    InService,
    Look,
    Port,
    ShapesAir,
    Table,
    Write,
    caution,
    draw,
    finite_or,
    limit,
    price,
    report,
    shut,
    stay_dry,
)
from twin.components.classes import LOOP, AirClassName, LoopClassName, air_envelopes, coolant_class
from twin.components.electrical import fit_losses, gains
from twin.domains.compute import CAP_TOLERANCE
from twin.elements import Engine, Gain, Guideline, Heat, Intake, Level, Pipe, Service, Serving, Tally, Vent
from twin.units import (
    YEAR,
    DataRate,
    Fraction,
    Length,
    MassFlow,
    Number,
    PerLength,
    PerTemperature,
    Power,
    Pressure,
    Temperature,
    TemperatureDifference,
    ThermalResistance,
    Time,
    Voltage,
    VolumeFlow,
)

RISE_BAND = 1.1
"""Rise of the air over what fans aim at, beyond which they are said to miss it."""

SPILL = 1.0
"""Heat that cold plates may leave to the air untold, W: that of rounding."""

FLOORED = "a cap below the floor of the chips' voltage: from there clocks, and tokens, fall faster than power"
"""What is told of racks whose cap takes more than voltage has to give."""

MAX_CLOCK_LOST = 1e-3
"""Share of the clock below which its loss to temperature does not count as throttling."""


class CoolingPath(NamedTuple):
    """What cools the chips of racks.

    stream: the pipe or vent that takes their heat (n,). node: where it comes from (n,). liquid_fraction: share of the
    rack's heat that leaves with coolant (n, s). plates: cold plates that share the flow, NaN for one per accelerator
    (n, s). plate_spread: spreading resistance [K/W] (n, s). plate_conduction: over the coolant's conductivity [1/m]
    (n, s). sink_resistance: of a heat sink at the rated air flow [K/W] (n, s). plate_heat: that the rack's plates
    take at most [W] (n, s). plate_temperature: junction of a mean chip at which they take no more [K] (n, s).
    """

    stream: Index
    node: Index
    liquid_fraction: Real = 0.0
    plates: Real = np.nan
    plate_spread: Real = 0.0
    plate_conduction: Real = 0.0
    sink_resistance: Real = 0.0
    plate_heat: Real = np.inf
    plate_temperature: Real = np.inf


def _pairs(value: object) -> object:
    """Several pairs, or one pair as the only one of several."""
    single = isinstance(value, (list, tuple)) and len(value) > 0 and not isinstance(value[0], (list, tuple))
    return (value,) if single else value


Spans = Annotated[tuple[tuple[Length, Length], ...], BeforeValidator(_pairs)]
"""Pairs of heights; a single pair may stand by itself."""


class Rack(Component):
    """An air-cooled rack. Power = shelf(board(chips + hosts + other) + inner + fans), see `domains.compute`.

    `it_power` overrides all of that with a given power at the feed. Chip counts and power scale together with
    `chip_scale` (more chips of the same power) or `power_scale` (the same chips, each drawing more).
    """

    platform: str = Field("", description="serving platform of the accelerators, such as gb300; empty if none")
    in_service: InService = True
    accelerators: Number = Field(0.0, ge=0, le=2000, description="how many it holds")
    chip_power: Power = Field(700.0, ge=0, le=10e3, description="per accelerator at full clock and load")
    chip_idle: Power = Field(100.0, ge=0, le=5e3, description="per accelerator, idle")
    chip_scale: Number = Field(1.0, ge=0, le=100, description="multiplies accelerators and all that goes with them")
    power_scale: Number = Field(1.0, ge=0, le=100, description="multiplies power per chip")
    utilisation: Fraction = Field(1.0, ge=0, le=1, description="share of the time in which chips work")
    clock: Fraction = Field(1.0, gt=0, le=1.2, description="locked clock over nominal")
    power_cap: Power | None = Field(None, gt=0, description="cap per accelerator")
    min_power_cap: Power | None = Field(None, gt=0, description="lowest that the driver of its accelerators takes")
    rack_cap: Power | None = Field(
        None, gt=0, description="cap of the whole rack at its feed, kept by clocks; it is then provisioned with that"
    )
    voltage_slope: Number = Field(1.6, ge=0.2, le=5, description="of the core over the clock, near nominal; 0.9 to 2.2")
    min_voltage: Fraction = Field(0.80, ge=0.5, le=1, description="of the core at low clocks; 0.68 to 0.86")
    uncore_share: Fraction = Field(
        0.2, ge=0, le=0.8, description="of active power, that follows no clock: memory, links; 0.1 to 0.3"
    )
    leakage_share: Fraction = Field(0.15, ge=0, le=0.5, description="of chip power at its reference; 0.1 to 0.2")
    leakage_slope: PerTemperature = Field(0.010, ge=0, le=0.05, description="unpublished, 0.008 to 0.015 1/K")
    leakage_temperature: Temperature = Field(333.15, ge=250, le=400, description="reference of leakage_share")
    junction_to_case: ThermalResistance = Field(
        0.018, ge=0, le=1, description="with interface; unpublished, 0.016 to 0.02"
    )
    junction_limit: Temperature = Field(360.15, ge=300, le=420, description="highest operating junction temperature")
    throttle_temperature: Temperature = Field(362.15, ge=300, le=420, description="junction where the clock gives way")
    min_clock: Fraction = Field(0.17, gt=0, le=1, description="lowest clock; 345 of 1,980 MHz of an H100 SXM")
    sink_resistance: ThermalResistance = Field(0.04, ge=0, le=1, description="heat sink to air at rated air flow")
    maldistribution: Fraction = Field(0.05, ge=0, lt=0.5, description="worst chip's shortfall of flow; 0.02 to 0.10")
    power_spread: Fraction = Field(0.05, ge=0, lt=0.5, description="worst chip's excess power; 0.02 to 0.08")
    interface_spread: Fraction = Field(0.10, ge=0, lt=1, description="worst interface; 0.05 to 0.25")
    hosts: Number = Field(0.0, ge=0, le=2000, description="CPUs that it holds")
    host_power: Power = Field(300.0, ge=0, le=2e3, description="of one at full load")
    host_idle: Power = Field(90.0, ge=0, le=2e3, description="of one, idle")
    host_utilisation: Fraction | None = Field(None, ge=0, le=1, description="as `utilisation` if not given")
    other_power: Power = Field(0.0, ge=0, le=1e6, description="memory, links, switches behind the board converters")
    inner_power: Power = Field(0.0, ge=0, le=1e6, description="load between board converters and shelves")
    board_rating: Power = Field(1e5, gt=0, description="output of the converters on all boards")
    board_fixed_loss: Fraction = Field(0.0, ge=0, le=0.5, description="loss at no load, over the rating")
    board_proportional_loss: Fraction = Field(0.0, ge=-0.5, le=0.5, description="loss in proportion to load")
    board_square_loss: Fraction = Field(0.0, ge=-0.5, le=0.5, description="loss with the load's square")
    shelf_rating: Power = Field(66e3, gt=0, description="output of all power shelves")
    shelf_fixed_loss: Fraction = Field(0.0045, ge=0, le=0.5, description="loss at no load, over the rating")
    shelf_proportional_loss: Fraction = Field(0.010, ge=-0.5, le=0.5, description="loss in proportion to load")
    shelf_square_loss: Fraction = Field(0.017, ge=-0.5, le=0.5, description="loss with the load's square")
    fan_power: Power = Field(0.0, ge=0, le=1e5, description="all rack fans at rated air flow")
    air_flow: VolumeFlow = Field(0.0, ge=0, le=50, description="rated air flow")
    air_rise: TemperatureDifference = Field(14.0, gt=0, le=60, description="of the air, that the fans aim at")
    min_fan_speed: Fraction = Field(0.3, gt=0, le=1, description="lowest over rated")
    facing: Facing = Field("-y", description="where the front points, which draws the air")
    air_span: Spans = Field((), description="heights between which air passes, one pair or several; all if none")
    air_width: Length | None = Field(None, gt=0, description="width of its front where air passes; all if none")
    leak_area: Fraction = Field(
        0.0, ge=0, le=0.5, description="open share of its front beside that, by blanks and chassis; 0 to 0.1"
    )
    network_share: Power = Field(
        0.0, ge=0, description="network power per accelerator outside this rack, for kW per GPU"
    )
    sandboxes: Number | None = Field(None, ge=0, description="tools of agents that run at once on its CPUs")
    network_rate: DataRate | None = Field(None, ge=0, description="caches that it can carry between accelerators")
    storage_rate: DataRate | None = Field(None, ge=0, description="caches that it can read and write")
    peak_factor: Number = Field(1.0, ge=1, le=3, description="EDP peak over sustained power")
    it_power: Power | None = Field(None, ge=0, le=2e6, description="power at the feed, instead of the chip model")
    nameplate: Power = Field(10e3, gt=0, le=2e6, description="power that is provisioned for it")
    power_factor: Fraction = Field(0.98, gt=0, le=1, description="at its feed")
    voltage: Voltage | None = Field(None, gt=0, description="checked against the bus, if given")
    cords: int = Field(2, ge=1, le=8, description="feeds it can have")
    air_class: AirClassName = Field("A2", description="of ASHRAE, for its air")
    life: Time = Field(4 * YEAR, gt=0, description="depreciation life")

    structural: ClassVar[frozenset[str]] = Component.structural | {"facing", "air_span", "air_width", "leak_area"}
    kind: ClassVar[str] = "rack"
    dimension: ClassVar[str] = "rack"
    heading: ClassVar[str] = "servers"
    tenant: ClassVar[bool] = True
    legend: ClassVar[str] = "rack"
    look: ClassVar[Look] = "rack"
    asset_class: ClassVar[str] = "compute rack"
    sheltered: ClassVar[bool] = True
    shapes_air: ClassVar[ShapesAir] = "rack"
    ports: ClassVar[dict[str, Port]] = {
        "feed": Port("power", cords=True),
        "exhaust": Port("air", required=False),
    }
    box: ClassVar[tuple[float, float, float]] = (0.6, 1.2, 2.3)

    @model_validator(mode="before")
    @classmethod
    def _fit(cls, data: object) -> object:
        return fit_losses(fit_losses(data, "shelf_"), "board_")

    def check(self, name: str) -> list[str]:
        faults = super().check(name)
        if self.chip_idle > self.chip_power:
            faults.append(f"{name}: chip_idle: {self.chip_idle:g} W exceeds chip_power {self.chip_power:g} W")
        faults += self._check_front(name)
        if self.power_cap is not None and self.min_power_cap is not None and self.power_cap < self.min_power_cap:
            lowest = f"{self.min_power_cap:g} W, the lowest that its driver takes"
            faults.append(f"{name}: power_cap: {self.power_cap:g} W is below {lowest}")
        if self.it_power is not None and self.rack_cap is not None:
            faults.append(f"{name}: rack_cap: does nothing where it_power is given")
        return [*faults, *gains(self, name, "shelf_", 1.2), *gains(self, name, "board_", 1.2)]

    def _check_front(self, name: str) -> list[str]:
        """What is wrong with where its air passes."""
        faults, before = [], 0.0
        width, height = self.extent[1 if self.way[1] == "x" else 0], self.extent[2]
        for low, high in self.air_span:
            if not before <= low < high <= height:
                faults.append(
                    f"{name}: air_span: {low:g} to {high:g} m: give heights upwards, one above the other, "
                    f"within its {height:g} m"
                )
            before = high
        if self.air_width is not None and self.air_width > width:
            faults.append(f"{name}: air_width: {self.air_width:g} m is more than its {width:g} m")
        if self.leak_area > 0 and not self.air_span and self.air_width is None:
            faults.append(f"{name}: leak_area: air passes its whole front; give `air_span`, beside which it leaks")
        return faults

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        intake = write(Vent(t.room.inlet, t.node("exhaust")))
        cls.engine(t, write, intake, CoolingPath(intake, t.room.inlet, sink_resistance=t.sink_resistance))

    @classmethod
    def engine(cls, t: Table, write: Write, intake: Index, path: CoolingPath) -> Index:
        """Write racks with their load, air, limits and reports; returns their rows.

        `intake` are the vents of their fans, `path` is what cools their chips.
        """
        whole = np.ones((t.n, 1))
        rows = write(
            Engine(
                stream=path.stream,
                node=path.node,
                breathes=t.room.inlet,
                offset=0.0 * whole,
                chips=t.accelerators,
                chip_power=t.chip_power,
                chip_idle=t.chip_idle,
                chip_scale=t.chip_scale,
                power_scale=t.power_scale,
                utilisation=t.utilisation,
                clock=t.clock,
                cap=finite_or(t.power_cap, np.inf),
                rack_cap=finite_or(t.rack_cap, np.inf),
                voltage_slope=t.voltage_slope,
                min_voltage=t.min_voltage,
                uncore_share=t.uncore_share,
                leakage_share=t.leakage_share,
                leakage_slope=t.leakage_slope,
                leakage_temperature=t.leakage_temperature,
                junction_to_case=t.junction_to_case,
                throttle_temperature=t.throttle_temperature,
                min_clock=t.min_clock,
                plate_spread=path.plate_spread * whole,
                plate_conduction=path.plate_conduction * whole,
                sink_resistance=path.sink_resistance * whole,
                sink_flow=np.maximum(t.air_flow * AIR_DENSITY, 1e-9),
                maldistribution=t.maldistribution,
                power_spread=t.power_spread,
                interface_spread=t.interface_spread,
                hosts=t.hosts,
                host_power=t.host_power,
                host_idle=t.host_idle,
                host_utilisation=finite_or(t.host_utilisation, t.utilisation),
                other_power=t.other_power,
                board_fixed=t.board_fixed_loss * t.board_rating,
                board_proportional=t.board_proportional_loss,
                board_square=t.board_square_loss / t.board_rating,
                inner_power=t.inner_power,
                shelf_fixed=t.shelf_fixed_loss * t.shelf_rating,
                shelf_proportional=t.shelf_proportional_loss,
                shelf_square=t.shelf_square_loss / t.shelf_rating,
                fan_power=t.fan_power * t.site.room_density / AIR_DENSITY,
                fan_flow=t.air_flow * t.site.room_density,
                fan_rise=t.air_rise,
                min_fan_speed=t.min_fan_speed,
                liquid_fraction=path.liquid_fraction * whole,
                plate_heat=path.plate_heat * whole,
                plate_temperature=path.plate_temperature * np.where(t.accelerators > 0, 1.0, np.inf),
                plates=np.maximum(finite_or(path.plates * whole, t.accelerators), 1.0),
                peak_factor=t.peak_factor,
                it_power=t.it_power,
                nameplate=t.nameplate,
                names=t.names,
            )
        )
        power = columns.engine.power[rows]
        draw(t, write, power, totals.it, t.power_factor, columns.engine.peak[rows])
        cls.levels(t, write)
        moving = np.any(t.air_flow > 0, axis=1, keepdims=True)
        air = columns.engine.heat_air[rows]
        write(Intake(intake, t.room.zone, columns.engine.air_flow[rows]))
        write(Heat(intake, air, 1.0 * moving))
        write(Gain(t.node("exhaust"), air, 1.0 - moving))
        write(Tally(totals.heat_to_air, air))
        write(Tally(totals.heat_to_liquid, columns.engine.heat_liquid[rows]))
        write(Tally(totals.conversion_loss, columns.engine.loss[rows]))
        platforms = t["platform"]
        serves = [i for i, p in enumerate(platforms) if p]
        if serves:
            write(Serving(rows[serves], [platforms[i] for i in serves], t.network_share[serves]))
        for name, capacity in (("cpu", t.sandboxes), ("network", t.network_rate), ("storage", t.storage_rate)):
            stated = np.isfinite(capacity).all(axis=1)
            if stated.any():
                write(Service(name, rows[stated], (capacity * t.chip_scale)[stated]))
        cls.judge(t, write, rows)
        price(t.times("capital", t.chip_scale), write)
        return rows

    @classmethod
    def levels(cls, t: Table, write: Write) -> None:
        """State the voltages that racks expect at their feeds, where they do."""
        row, bus, _ = t.feeds("feed")
        voltage = t.voltage[row]
        given = np.isfinite(voltage[:, 0])
        if given.any():
            write(Level(bus[given], voltage[given], np.full(int(given.sum()), -1), [t.names[i] for i in row[given]]))

    @classmethod
    def judge(cls, t: Table, write: Write, rows: Index) -> None:
        """Write the limits and reports of racks that are rows of the engine."""
        chips = np.where(t.accelerators > 0, 0.0, np.inf)
        allowable, recommended = air_envelopes(t["air_class"], t.site.elevation)
        breathes = np.where(t.air_flow > 0, 0.0, np.inf)
        inlet = columns.engine.air_inlet[rows]
        e = columns.engine
        limit(t, write, limits.junction_temperature, e.junction[rows], t.junction_limit + chips)
        limit(t, write, limits.rack_air_inlet, inlet, allowable.hottest + breathes)
        limit(t, write, limits.rack_air_inlet_cold, inlet, allowable.coldest - breathes)
        judged = (t.air_flow > 0) * t.in_service
        air = (inlet, judged, allowable, recommended, t.room.zone)
        write(Guideline(t.dimension, "air_class", t.names, t["air_class"], *air))
        for kind, power, cap in (
            (limits.power_cap, e.chip_power, t.power_cap + chips),
            (limits.rack_cap, e.power, t.rack_cap),
        ):
            limit(t, write, kind, power[rows], finite_or(cap, np.inf) * (1.0 + CAP_TOLERANCE))
        still = (t.air_flow <= 0.0).all(axis=1) & (t.room.zone >= 0)
        text = "no `air_flow`: its heat reaches the air of its room without its fans, and its inlet is not judged"
        caution(t.only(still), write, e.heat_air[rows[still]], text)
        caution(t, write, e.at_floor[rows], FLOORED)
        limit(t, write, limits.rack_air_rise, e.air_rise[rows], RISE_BAND * t.air_rise + breathes)
        limit(t, write, limits.throttling, e.clock_lost[rows], MAX_CLOCK_LOST + chips)
        report(t, write, "power", e.power[rows], "rack power at its feed", picture="power")
        for name, column, text in (
            ("junction_temperature", e.junction_mean, "mean chip junction temperature"),
            ("worst_junction_temperature", e.junction, "junction temperature of the worst chip"),
            ("clock", e.clock, "chip clock over nominal"),
            ("chip_power", e.chip_power, "mean power of an accelerator"),
            ("heat_to_liquid", e.heat_liquid, "heat into the coolant"),
            ("heat_to_air", e.heat_air, "heat into the room air"),
            ("conversion_loss", e.loss, "loss of shelves and board converters"),
            ("air_flow", e.air_flow, "air drawn by the rack fans"),
            ("air_rise", e.air_rise, "rise of the air that the rack fans draw"),
        ):
            report(t, write, name, column[rows], text)
        report(t, write, "inlet_temperature", inlet, "air entering the rack", picture="temperature")


class LiquidRack(Rack):
    """A rack with cold plates; `liquid_fraction` of its heat leaves with the coolant.

    Pressure drop = quick disconnects and manifold (square law) + trays (exponent 1.85); trays are as many as
    `chip_scale` says. Cold plate R = spread + conduction/k + 1/(2 m cp) [OCP 1 kW module, 17 points].

    What plates cannot take warms the air of the rack: what exceeds `max_liquid_heat`, and what would bring the mean
    chip above `plate_temperature` [EnergyPlus, pull request 11667]. Clocks give way first, at `throttle_temperature`.
    """

    liquid_fraction: Fraction = Field(0.87, ge=0, le=1, description="share of the heat that leaves with coolant")
    max_liquid_heat: Power | None = Field(
        None, gt=0, description="that its cold plates take at most, more with `chip_scale`; the rest warms its air"
    )
    plate_temperature: Temperature | None = Field(
        None, ge=270, le=420, description="mean junction at which cold plates take no more; the rest warms its air"
    )
    plates: Number = Field(72.0, gt=0, le=5000, description="cold plates in parallel that share the rack flow")
    plate_spread: ThermalResistance = Field(0.0021, ge=0, le=1, description="spreading in the lid and base")
    plate_conduction: PerLength = Field(0.0071, ge=0, le=1, description="divided by the coolant's conductivity")
    rated_flow: MassFlow = Field(2.4, gt=0, le=200, description="of coolant")
    manifold_drop: Pressure = Field(20e3, ge=0, le=1e6, description="manifold and quick disconnects at rated flow")
    tray_drop: Pressure = Field(60e3, gt=0, le=1e6, description="trays at rated flow")
    tray_exponent: Number = Field(1.85, ge=1, le=2, description="of the pressure drop over the flow")
    flow_limiter: VolumeFlow | None = Field(None, gt=0, description="pressure-independent flow setting, if fitted")
    max_supply_temperature: Temperature = Field(318.15, ge=270, le=350, description="warmest coolant allowed")
    loop_class: LoopClassName | None = Field(None, description="of ASHRAE, for its coolant; none: unchecked")
    max_return_temperature: Temperature = Field(338.15, ge=270, le=360, description="of the coolant that leaves")
    min_flow: MassFlow = Field(0.0, ge=0, description="minimum flow for the rated power")

    kind: ClassVar[str] = "liquid_rack"
    dimension: ClassVar[str] = "rack"
    ports: ClassVar[dict[str, Port]] = Rack.ports | {
        "supply": Port("coolant"),
        "return": Port("coolant"),
    }

    def check(self, name: str) -> list[str]:
        faults = super().check(name)
        if self.plate_temperature is not None and self.accelerators <= 0:
            why = "no accelerators, whose junctions it is of; give `max_liquid_heat`"
            faults.append(f"{name}: plate_temperature: {why}")
        return faults

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        pipe = write(
            Pipe(
                t.node("supply"),
                t.node("return"),
                quadratic=t.manifold_drop / t.rated_flow**2,
                power=t.tray_drop / (t.rated_flow * np.maximum(t.chip_scale, 1e-6)) ** t.tray_exponent,
                exponent=t.tray_exponent,
                set_flow=shut(t, t.flow_limiter),
            )
        )
        intake = write(Vent(t.room.inlet, t.node("exhaust")))
        most = {
            "plate_heat": finite_or(t.max_liquid_heat, np.inf),
            "plate_temperature": finite_or(t.plate_temperature, np.inf),
        }
        path = CoolingPath(
            pipe, t.node("supply"), t.liquid_fraction, t.plates, t.plate_spread, t.plate_conduction, **most
        )
        rows = cls.engine(t, write, intake, path)
        write(Heat(pipe, columns.engine.heat_liquid[rows]))
        spill, limited = columns.engine.spill[rows], np.isfinite(t.max_liquid_heat) | np.isfinite(t.plate_temperature)
        if limited.any():
            limit(t, write, limits.plate_spill, spill, np.where(limited, SPILL, np.inf))
        supply, out = columns.node.temperature[t.node("supply")], columns.stream.outlet[pipe]
        flow, required = columns.stream.flow[pipe], t.min_flow * t.chip_scale * t.power_scale * t.in_service
        limit(t, write, limits.coolant_supply, supply, t.max_supply_temperature)
        allowable = coolant_class(t, write, "loop_class", supply, LOOP, -np.inf)
        limit(t, write, limits.loop_class, supply, allowable.hottest)
        limit(t, write, limits.coolant_return, out, t.max_return_temperature)
        limit(t, write, limits.rack_flow, flow, required, engine=rows)
        stay_dry(t, write, supply)
        report(t, write, "spill", spill, "heat that cold plates leave to the room air")
        report(t, write, "flow", flow, "coolant flow")
        report(t, write, "supply_temperature", supply, "coolant entering the rack")
        report(t, write, "return_temperature", out, "coolant leaving the rack")
