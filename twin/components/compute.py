"""Racks: chips with clock, cap and leakage, their hosts, converters, fans and cold plates."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from twin.components.base import YEAR, Component, Facing, Port, Write, draw, limit, price, report
from twin.components.electrical import fit_losses, gains
from twin.components.hall import AIR_DENSITY, CLASSES
from twin.elements import Engine, Gain, Heat, Intake, Level, Pipe, Ref, Service, Serving, Tally, Vent
from twin.units import (
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

CAP_HELD = 1e-3
"""By which share a rack may pass its cap: that is how well clocks hold it."""


class Rack(Component):
    """An air-cooled rack. Power = shelf(board(chips + hosts + other) + inner + fans), see `domains.compute`.

    `it_power` overrides all of that with a given power at the feed. Chip counts and power scale together with
    `chip_scale` (more chips of the same power) or `power_scale` (the same chips, each drawing more).
    """

    platform: str = Field("", description="serving platform of the accelerators, such as gb300; empty if none")
    accelerators: Number = Field(0.0, ge=0, le=2000)
    chip_power: Power = Field(700.0, ge=0, le=10e3, description="per accelerator at full clock and load")
    chip_idle: Power = Field(100.0, ge=0, le=5e3, description="per accelerator, idle")
    chip_scale: Number = Field(1.0, ge=0, le=100, description="multiplies accelerators and all that goes with them")
    power_scale: Number = Field(1.0, ge=0, le=100, description="multiplies power per chip")
    utilisation: Fraction = Field(1.0, ge=0, le=1)
    clock: Fraction = Field(1.0, gt=0, le=1.2, description="locked clock over nominal")
    power_cap: Power | None = Field(None, gt=0, description="cap per accelerator")
    rack_cap: Power | None = Field(
        None, gt=0, description="cap of the whole rack at its feed, kept by clocks; it is then provisioned with that"
    )
    clock_exponent: Number = Field(2.4, ge=1, le=4, description="dynamic power over clock; unpublished, 2 to 3")
    leakage_share: Fraction = Field(0.15, ge=0, le=0.5, description="of chip power at its reference; 0.1 to 0.2")
    leakage_slope: PerTemperature = Field(0.010, ge=0, le=0.05, description="unpublished, 0.008 to 0.015 1/K")
    leakage_temperature: Temperature = Field(333.15, ge=250, le=400, description="reference of leakage_share")
    junction_to_case: ThermalResistance = Field(
        0.018, ge=0, le=1, description="with interface; unpublished, 0.016 to 0.02"
    )
    junction_limit: Temperature = Field(360.15, ge=300, le=420, description="highest operating junction temperature")
    throttle_temperature: Temperature = Field(362.15, ge=300, le=420, description="junction where the clock gives way")
    least_clock: Fraction = Field(0.3, gt=0, le=1, description="lowest clock under throttling")
    sink_resistance: ThermalResistance = Field(0.04, ge=0, le=1, description="heat sink to air at rated air flow")
    maldistribution: Fraction = Field(0.05, ge=0, lt=0.5, description="worst chip's shortfall of flow; 0.02 to 0.10")
    power_spread: Fraction = Field(0.05, ge=0, lt=0.5, description="worst chip's excess power; 0.02 to 0.08")
    interface_spread: Fraction = Field(0.10, ge=0, lt=1, description="worst interface; 0.05 to 0.25")
    hosts: Number = Field(0.0, ge=0, le=2000)
    host_power: Power = Field(300.0, ge=0, le=2e3)
    host_idle: Power = Field(90.0, ge=0, le=2e3)
    host_utilisation: Fraction | None = Field(None, ge=0, le=1, description="as `utilisation` if not given")
    other_power: Power = Field(0.0, ge=0, le=1e6, description="memory, links, switches behind the board converters")
    inner_power: Power = Field(0.0, ge=0, le=1e6, description="load between board converters and shelves")
    board_rating: Power = Field(1e5, gt=0)
    board_fixed_loss: Fraction = Field(0.0, ge=0, le=0.5)
    board_proportional_loss: Fraction = Field(0.0, ge=-0.5, le=0.5)
    board_square_loss: Fraction = Field(0.0, ge=-0.5, le=0.5)
    shelf_rating: Power = Field(66e3, gt=0)
    shelf_fixed_loss: Fraction = Field(0.0045, ge=0, le=0.5)
    shelf_proportional_loss: Fraction = Field(0.010, ge=-0.5, le=0.5)
    shelf_square_loss: Fraction = Field(0.017, ge=-0.5, le=0.5)
    fan_power: Power = Field(0.0, ge=0, le=1e5, description="all rack fans at rated air flow")
    air_flow: VolumeFlow = Field(0.0, ge=0, le=50, description="rated air flow")
    air_rise: TemperatureDifference = Field(14.0, gt=0, le=60, description="of the air, that the fans aim at")
    least_fan: Fraction = Field(0.3, gt=0, le=1)
    facing: Facing = Field("-y", description="where the front points, which draws the air")
    air_span: tuple[Length, Length] | None = Field(None, description="heights between which air passes; all if none")
    network_share: Power = Field(
        0.0, ge=0, description="network power per accelerator outside this rack, for kW per GPU"
    )
    sandboxes: Number | None = Field(None, ge=0, description="tools of agents that run at once on its CPUs")
    network_rate: DataRate | None = Field(None, ge=0, description="caches that it can carry between accelerators")
    storage_rate: DataRate | None = Field(None, ge=0, description="caches that it can read and write")
    peak_factor: Number = Field(1.0, ge=1, le=3, description="EDP peak over sustained power")
    it_power: Power | None = Field(None, ge=0, le=2e6, description="power at the feed, instead of the chip model")
    nameplate: Power = Field(10e3, gt=0, le=2e6)
    power_factor: Fraction = Field(0.98, gt=0, le=1)
    voltage: Voltage | None = Field(None, gt=0, description="checked against the bus, if given")
    cords: int = Field(2, ge=1, le=8)
    air_class: Literal["A1", "A2", "A3", "A4", "H1"] = "A2"
    life: Time = Field(4 * YEAR, gt=0)

    structural: ClassVar[frozenset[str]] = Component.structural | {"facing", "air_span"}
    kind: ClassVar[str] = "rack"
    dimension: ClassVar[str] = "rack"
    heading: ClassVar[str] = "servers"
    ports: ClassVar[dict[str, Port]] = {
        "feed": Port("power", cords=True),
        "exhaust": Port("air", required=False),
    }
    box: ClassVar[tuple[float, float, float]] = (0.6, 1.2, 2.3)

    @model_validator(mode="before")
    @classmethod
    def _fit(cls, data: Any) -> Any:
        return fit_losses(fit_losses(data, "shelf_"), "board_")

    def check(self, name: str) -> list[str]:
        faults = super().check(name)
        if self.chip_idle > self.chip_power:
            faults.append(f"{name}: chip_idle: {self.chip_idle:g} W exceeds chip_power {self.chip_power:g} W")
        if self.it_power is not None and self.rack_cap is not None:
            faults.append(f"{name}: rack_cap: does nothing where it_power is given")
        return [*faults, *gains(self, name, "shelf_", 1.2), *gains(self, name, "board_", 1.2)]

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        intake = write(Vent(t.room.inlet, t.node("exhaust")))
        cls.engine(t, write, intake, intake, t.room.inlet, 0.0)

    @classmethod
    def engine(cls, t: Any, write: Write, stream: Any, intake: Any, node: Any, liquid_fraction: Any) -> Any:
        """Write the engine cooled by `stream`, its load, its air, its limits and its reports; returns its rows."""
        whole = np.ones((t.n, 1))
        rows = write(
            Engine(
                stream=stream,
                node=node,
                breathes=t.room.inlet,
                offset=0.0 * whole,
                chips=t.accelerators,
                chip_power=t.chip_power,
                chip_idle=t.chip_idle,
                chip_scale=t.chip_scale,
                power_scale=t.power_scale,
                utilisation=t.utilisation,
                clock=t.clock,
                cap=np.where(np.isfinite(t.power_cap), t.power_cap, np.inf),
                rack_cap=np.where(np.isfinite(t.rack_cap), t.rack_cap, np.inf),
                clock_exponent=t.clock_exponent,
                leakage_share=t.leakage_share,
                leakage_slope=t.leakage_slope,
                leakage_temperature=t.leakage_temperature,
                junction_to_case=t.junction_to_case,
                throttle_temperature=t.throttle_temperature,
                least_clock=t.least_clock,
                plate_spread=getattr(t, "plate_spread", 0 * whole),
                plate_conduction=getattr(t, "plate_conduction", 0 * whole),
                sink_resistance=0 * whole if hasattr(t, "plate_spread") else t.sink_resistance,
                sink_flow=np.maximum(t.air_flow * AIR_DENSITY, 1e-9),
                maldistribution=t.maldistribution,
                power_spread=t.power_spread,
                interface_spread=t.interface_spread,
                hosts=t.hosts,
                host_power=t.host_power,
                host_idle=t.host_idle,
                host_utilisation=np.where(np.isfinite(t.host_utilisation), t.host_utilisation, t.utilisation),
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
                fan_least=t.least_fan,
                liquid_fraction=liquid_fraction * whole,
                plates=np.maximum(getattr(t, "plates", t.accelerators), 1.0),
                peak_factor=t.peak_factor,
                it_power=t.it_power,
                nameplate=t.nameplate,
            )
        )
        power = Ref("engine.power", rows)
        draw(t, write, power, "it", t.power_factor, Ref("engine.peak", rows))
        cls._levels(t, write)
        moving = np.any(t.air_flow > 0, axis=1, keepdims=True)
        air = Ref("engine.heat_air", rows)
        write(Intake(intake, t.room.zone, Ref("engine.air_flow", rows)))
        write(Heat(intake, air, 1.0 * moving))
        write(Gain(t.node("exhaust"), air, 1.0 - moving))
        write(Tally("heat_to_air", air))
        write(Tally("heat_to_liquid", Ref("engine.heat_liquid", rows)))
        write(Tally("conversion_loss", Ref("engine.loss", rows)))
        platforms = t["platform"]
        serves = [i for i, p in enumerate(platforms) if p]
        if serves:
            write(Serving(rows[serves], [platforms[i] for i in serves], t.network_share[serves]))
        for name, capacity in (("cpu", t.sandboxes), ("network", t.network_rate), ("storage", t.storage_rate)):
            stated = np.isfinite(capacity).all(axis=1)
            if stated.any():
                write(Service(name, rows[stated], (capacity * t.chip_scale)[stated]))
        cls._judge(t, write, rows)
        price(t.times("capital", t.chip_scale), write)
        return rows

    @classmethod
    def _levels(cls, t: Any, write: Write) -> None:
        row, bus, _ = t.feeds("feed")
        voltage = t.voltage[row]
        given = np.isfinite(voltage[:, 0])
        if given.any():
            write(Level(bus[given], voltage[given], np.full(int(given.sum()), -1), [t.names[i] for i in row[given]]))

    @classmethod
    def _judge(cls, t: Any, write: Write, rows: Any) -> None:
        chips = np.where(t.accelerators > 0, 0.0, np.inf)
        classes = [CLASSES[c] for c in t["air_class"]]
        coldest, hottest, thin = (np.array([c[k] for c in classes])[:, None] for k in (0, 1, 2))
        hottest = hottest - thin * np.maximum(t.site.elevation - 900.0, 0.0)
        breathes = np.where(t.air_flow > 0, 0.0, np.inf)
        inlet = Ref("engine.air_inlet", rows)
        limit(
            t,
            write,
            "junction_temperature",
            Ref("engine.junction", rows),
            t.junction_limit + chips,
            dimension="temperature",
        )
        limit(t, write, "rack_air_inlet", inlet, hottest + breathes, dimension="temperature")
        limit(t, write, "rack_air_inlet_cold", inlet, coldest - breathes, sense=-1, dimension="temperature")
        most = np.where(np.isfinite(t.rack_cap), t.rack_cap, np.inf)
        limit(t, write, "rack_cap", Ref("engine.power", rows), most * (1.0 + CAP_HELD), dimension="power")
        limit(t, write, "throttling", Ref("engine.clock_lost", rows), 0.001 + chips)
        for name, quantity, unit, text in (
            ("rack_power", "power", "W", "rack power at its feed"),
            ("rack_junction_temperature", "junction_mean", "K", "mean chip junction temperature"),
            ("rack_worst_junction_temperature", "junction", "K", "junction temperature of the worst chip"),
            ("rack_clock", "clock", "1", "chip clock over nominal"),
            ("rack_heat_to_liquid", "heat_liquid", "W", "heat into the coolant"),
            ("rack_heat_to_air", "heat_air", "W", "heat into the room air"),
            ("rack_conversion_loss", "loss", "W", "loss of shelves and board converters"),
            ("rack_air_flow", "air_flow", "kg s-1", "air drawn by the rack fans"),
        ):
            report(t, write, name, Ref(f"engine.{quantity}", rows), unit, text)
        report(t, write, "rack_inlet_temperature", inlet, "K", "air entering the rack")


class LiquidRack(Rack):
    """A rack with cold plates; `liquid_fraction` of its heat leaves with the coolant.

    Pressure drop = quick disconnects and manifold (square law) + trays (exponent 1.85); trays are as many as
    `chip_scale` says. Cold plate R = spread + conduction/k + 1/(2 m cp) [OCP 1 kW module, 17 points].
    """

    liquid_fraction: Fraction = Field(0.87, ge=0, le=1)
    plates: Number = Field(72.0, gt=0, le=5000, description="cold plates in parallel that share the rack flow")
    plate_spread: ThermalResistance = Field(0.0021, ge=0, le=1, description="spreading in the lid and base")
    plate_conduction: PerLength = Field(0.0071, ge=0, le=1, description="divided by the coolant's conductivity")
    rated_flow: MassFlow = Field(2.4, gt=0, le=200)
    manifold_drop: Pressure = Field(20e3, ge=0, le=1e6, description="manifold and quick disconnects at rated flow")
    tray_drop: Pressure = Field(60e3, gt=0, le=1e6, description="trays at rated flow")
    tray_exponent: Number = Field(1.85, ge=1, le=2)
    flow_limiter: VolumeFlow | None = Field(None, gt=0, description="pressure-independent flow setting, if fitted")
    most_supply: Temperature = Field(318.15, ge=270, le=350, description="warmest coolant allowed")
    most_return: Temperature = Field(338.15, ge=270, le=360)
    least_flow: MassFlow = Field(0.0, ge=0, description="least flow for the rated power")

    kind: ClassVar[str] = "liquid_rack"
    dimension: ClassVar[str] = "rack"
    ports: ClassVar[dict[str, Port]] = Rack.ports | {
        "supply": Port("coolant"),
        "return": Port("coolant"),
    }

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        pipe = write(
            Pipe(
                t.node("supply"),
                t.node("return"),
                quadratic=t.manifold_drop / t.rated_flow**2,
                power=t.tray_drop / (t.rated_flow * np.maximum(t.chip_scale, 1e-6)) ** t.tray_exponent,
                exponent=t.tray_exponent,
                set_flow=t.flow_limiter,
            )
        )
        intake = write(Vent(t.room.inlet, t.node("exhaust")))
        rows = cls.engine(t, write, pipe, intake, t.node("supply"), t.liquid_fraction)
        write(Heat(pipe, Ref("engine.heat_liquid", rows)))
        supply, out = Ref("node.temperature", t.node("supply")), Ref("stream.outlet", pipe)
        limit(t, write, "coolant_supply", supply, t.most_supply, dimension="temperature")
        limit(t, write, "coolant_return", out, t.most_return, dimension="temperature")
        limit(
            t,
            write,
            "rack_flow",
            Ref("stream.flow", pipe),
            t.least_flow * t.chip_scale * t.power_scale,
            sense=-1,
            dimension="mass_flow",
        )
        limit(t, write, "dew_point", supply, t.room.dew_point, sense=-1, dimension="temperature")
        report(t, write, "rack_flow", Ref("stream.flow", pipe), "kg s-1", "coolant flow")
        report(t, write, "rack_supply_temperature", supply, "K", "coolant entering the rack")
        report(t, write, "rack_return_temperature", out, "K", "coolant leaving the rack")
