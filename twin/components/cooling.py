"""Pumps, pipes, CDUs, heat exchangers, room coolers and the units that reject heat outdoors."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from twin.components.base import Component, Port, Write, constant, draw, limit, price, report, warm_room
from twin.components import rejection
from twin.elements import NAN, Anchor, Bypass, Cooler, Exchange, Fan, Gain, Heat, Loss, Medium, Pipe, Pump, Ref, Tally, Vent
from twin.units import (
    Area,
    Conductance,
    FoulingResistance,
    Fraction,
    Length,
    MassFlow,
    Number,
    Power,
    Pressure,
    Temperature,
    TemperatureDifference,
    Velocity,
    VolumeFlow,
)

TYPICAL_U = 4000.0
"""W/m2/K of a clean plate exchanger, used to read a fouling resistance when no area is given."""


def film(conductance: Any, balance: float = 1.0) -> tuple[Any, Any]:
    """Split a rated UA into the films hA of both sides, hot over cold = balance."""
    return conductance * (1.0 + balance), conductance * (1.0 + 1.0 / balance)


def _fouling(t: Any) -> Any:
    area = np.where(np.isfinite(t.area), t.area, t.conductance / TYPICAL_U)
    return t.fouling / area


# ---- hydraulics --------------------------------------------------------------------------------------------------


class CoolantPipe(Component):
    """A straight run with fittings; Darcy-Weisbach with Churchill's friction factor; loses heat to its room."""

    length: Length = Field(10.0, gt=0)
    diameter: Length = Field(0.1, gt=0)
    roughness: Length = Field(4.5e-5, ge=0)
    zeta: Number = Field(0.0, ge=0, description="sum of fitting loss coefficients")
    wall_conductance: Conductance = Field(0.0, ge=0, description="whole pipe to the air of its room")
    most_velocity: Velocity = Field(2.4, gt=0)
    ports: ClassVar[dict[str, Port]] = {"in": Port("coolant"), "out": Port("coolant")}
    heading: ClassVar[str] = "cooling"
    kind: ClassVar[str] = "pipe"
    dimension: ClassVar[str] = "pipe"

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        rows = write(
            Pipe(
                t.node("in"), t.node("out"), length=t.length, diameter=t.diameter, roughness=t.roughness, zeta=t.zeta
            )
        )
        write(Loss(rows, t.room.exhaust, t.wall_conductance))
        report(t, write, "pipe_flow", Ref("stream.flow", rows), "kg s-1", "coolant flow")
        report(t, write, "pipe_velocity", Ref("pipe.velocity", rows), "m s-1", "mean coolant velocity")
        limit(t, write, "loop_velocity", Ref("pipe.velocity", rows), t.most_velocity, dimension="velocity")
        price(t, write)


class Valve(Component):
    """Equal-percentage valve K_v(y) = K_vs R^(y-1), R = 50, or a pressure-independent flow setting."""

    flow_coefficient: VolumeFlow = Field(100 / 3600.0, gt=0, description="K_vs: flow at 1 bar, fully open")
    opening: Fraction = Field(1.0, ge=0, le=1)
    flow_limiter: VolumeFlow | None = Field(None, ge=0, description="pressure-independent flow setting")
    ports: ClassVar[dict[str, Port]] = {"in": Port("coolant"), "out": Port("coolant")}
    heading: ClassVar[str] = "cooling"

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        factor = t.flow_coefficient * np.maximum(50.0 ** (t.opening - 1.0), 1e-4)
        rows = write(Pipe(t.node("in"), t.node("out"), quadratic=1e5 / (1000.0 * factor) ** 2, set_flow=t.flow_limiter))
        report(t, write, "valve_flow", Ref("stream.flow", rows), "kg s-1", "coolant flow")
        price(t, write)


class MinimumFlowBypass(Component):
    """A line that opens just enough for what its outlet joins to carry at least `least_flow`."""

    least_flow: VolumeFlow = Field(0.1, gt=0)
    drop: Pressure = Field(20e3, gt=0, description="wide open, at the least flow")
    ports: ClassVar[dict[str, Port]] = {"in": Port("coolant"), "out": Port("coolant")}
    heading: ClassVar[str] = "cooling"
    kind: ClassVar[str] = "bypass"
    dimension: ClassVar[str] = "bypass"

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        zero = 0.0 * t.least_flow
        resistance = t.drop / (1000.0 * t.least_flow) ** 2
        rows = write(Pipe(t.node("in"), t.node("out"), quadratic=resistance, set_flow=zero))
        write(Bypass(rows, t.least_flow))
        report(t, write, "bypass_flow", Ref("stream.flow", rows), "kg s-1", "flow past the consumers")
        price(t, write)


class ExpansionTank(Component):
    """Gives a closed loop its pressure and names its fluid."""

    pressure: Pressure = Field(200e3, gt=0, description="absolute")
    fluid: Literal["water", "pg25"] = "water"
    ports: ClassVar[dict[str, Port]] = {"port": Port("coolant")}
    heading: ClassVar[str] = "cooling"

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        write(Anchor(t.node("port"), t.pressure))
        write(Medium(t.node("port"), t["fluid"]))
        price(t, write)


class _Pumped(Component):
    """Parallel equal pumps: p = s² p0 (1 - a x² - b x⁴), x = Q/(n s Qr); heat to the fluid = shaft power.

    The smallest number runs that carries the flow, each below `stage_up` times its rated flow and able to hold the
    head at full speed.
    """

    shutoff: Pressure = Field(300e3, gt=0, description="pressure rise at zero flow, full speed")
    rated_flow: VolumeFlow = Field(0.03, gt=0, description="per pump")
    quadratic: Number = Field(0.5, ge=0, le=2, description="a: fall of the curve at rated flow")
    quartic: Number = Field(0.1, ge=0, le=2, description="b")
    most_speed: Fraction = Field(1.0, gt=0, le=1.2)
    pump_efficiency: Fraction = Field(0.75, gt=0, le=1)
    drive_efficiency: Fraction = Field(0.90, gt=0, le=1, description="motor times converter")
    pumps: int = Field(1, ge=1, le=64, description="installed")
    least_pumps: int = Field(1, ge=1, le=64)
    stage_up: Fraction = Field(1.2, gt=0, le=4, description="flow over rated flow at which the next pump starts")
    control: Literal["speed", "head", "flow"] = "head"
    head: Pressure = Field(150e3, gt=0, description="pressure rise held by `control: head`")
    flow: VolumeFlow | None = Field(None, gt=0, description="flow held by `control: flow`")

    @classmethod
    def check(cls, name: str, part: Component) -> list[str]:
        faults = []
        if part.quadratic + part.quartic <= 0:
            faults.append(f"{name}: quadratic: the pump curve has zero slope; give a fall at rated flow above 0")
        if part.quadratic + part.quartic >= 2:
            faults.append(f"{name}: quadratic: the pump curve is negative at rated flow")
        if part.control == "flow" and part.flow is None:
            faults.append(f"{name}: flow: `control: flow` needs a flow")
        if part.control == "head" and part.head > part.shutoff * part.most_speed**2:
            faults.append(f"{name}: head: {part.head:g} Pa is above the shut-off head {part.shutoff:g} Pa")
        if part.least_pumps > part.pumps:
            faults.append(f"{name}: least_pumps: {part.least_pumps} is more than the {part.pumps} installed")
        return faults

    @classmethod
    def pump(cls, t: Any, write: Write, start: Any, end: Any, drop: Any, heading: str = "pumps") -> Any:
        """Write the pumps of a table between two nodes with an internal `quadratic` drop; returns pipe rows."""
        controls = np.array([[c] for c in t["control"]])
        pipe = write(Pipe(start, end, quadratic=drop, set_flow=np.where(controls == "flow", t.flow, np.nan)))
        rows = write(
            Pump(
                pipe=pipe,
                shutoff=t.shutoff,
                rated_flow=t.rated_flow,
                quadratic=t.quadratic,
                quartic=t.quartic,
                speed=t.most_speed,
                set_head=np.where(controls == "head", t.head, np.nan),
                efficiency=t.pump_efficiency,
                drive=t.drive_efficiency,
                installed=t.pumps,
                least=t.least_pumps,
                stage_flow=t.rated_flow * t.stage_up,
                fixed_power=getattr(t, "constant_power", NAN) + 0 * t.shutoff,
            )
        )
        power = Ref("pump.power", rows)
        draw(t, write, power, heading)
        write(Heat(pipe, Ref("pump.shaft", rows)))
        warm_room(t, write, Ref("pump.drive_loss", rows))
        report(t, write, f"{t.dimension}_speed", Ref("pump.speed", rows), "1", "pump speed over nominal")
        report(t, write, f"{t.dimension}_running", Ref("pump.running", rows), "1", "pumps running")
        report(t, write, f"{t.dimension}_pump_power", power, "W", "pump power")
        report(t, write, f"{t.dimension}_flow", Ref("stream.flow", pipe), "kg s-1", "flow through the pumps")
        limit(t, write, "pump_head", Ref("pump.demand", rows), 1.0, domain="hydraulic")
        return pipe


class PumpStation(_Pumped):
    """Pumps of a loop."""

    ports: ClassVar[dict[str, Port]] = {
        "in": Port("coolant"),
        "out": Port("coolant"),
        "feed": Port("power", cords=True),
    }
    heading: ClassVar[str] = "cooling"
    kind: ClassVar[str] = "pump"
    dimension: ClassVar[str] = "pump"

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        cls.pump(t, write, t.node("in"), t.node("out"), 0.01 * t.shutoff / (1000.0 * t.rated_flow) ** 2)
        price(t, write)


# ---- exchangers --------------------------------------------------------------------------------------------------


class Cdu(_Pumped):
    """Liquid-to-liquid coolant distribution unit: pumps, a plate exchanger, a valve on the facility side.

    The valve throttles facility water so that the technology coolant leaves at `set_point`.
    """

    capacity: Power = Field(1.3e6, gt=0)
    conductance: Conductance = Field(313e3, gt=0, description="UA at the rated flows")
    tcs_flow: MassFlow = Field(20.6, gt=0, description="rated, technology side")
    fws_flow: MassFlow = Field(20.6, gt=0, description="rated, facility side")
    tcs_drop: Pressure = Field(80e3, ge=0, description="exchanger and filter at rated flow")
    fws_drop: Pressure = Field(84e3, gt=0, description="exchanger and open valve at rated flow")
    least_opening: Fraction = Field(0.02, ge=0, le=1, description="least facility flow over rated")
    set_point: Temperature | None = Field(313.15, ge=275, le=340, description="supply to the racks; none: valve open")
    film_exponent: Number = Field(0.8, ge=0, le=1)
    fouling: FoulingResistance = Field(0.0, ge=0, le=0.01)
    area: Area | None = Field(None, gt=0)
    most_flow: MassFlow | None = Field(None, gt=0, description="largest technology flow; 1.1 times rated if not given")
    constant_power: Power | None = Field(None, ge=0, description="total electrical power if it does not follow the pumps")
    tcs_fluid: Literal["water", "pg25"] = "pg25"
    expansion: Pressure | None = Field(300e3, gt=0, description="built-in expansion vessel, absolute; none without")
    quadratic: Number = Field(0.61, ge=0, le=2)
    quartic: Number = Field(0.13, ge=0, le=2)
    ports: ClassVar[dict[str, Port]] = {
        "tcs_supply": Port("coolant"),
        "tcs_return": Port("coolant"),
        "fws_supply": Port("coolant"),
        "fws_return": Port("coolant"),
        "feed": Port("power", cords=True),
    }
    heading: ClassVar[str] = "cooling"
    kind: ClassVar[str] = "cdu"
    dimension: ClassVar[str] = "cdu"
    box: ClassVar[tuple[float, float, float]] = (0.9, 1.2, 2.3)

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        middle = t.inner("pump")
        sealed = np.isfinite(t.expansion[:, 0])
        if sealed.any():
            write(Anchor(t.node("tcs_return")[sealed], t.expansion[sealed]))
        write(Medium(t.node("tcs_return"), t["tcs_fluid"]))
        pumped = cls.pump(t, write, t.node("tcs_return"), middle, t.tcs_drop / t.tcs_flow**2, "cdus")
        hot = write(Pipe(middle, t.node("tcs_supply"), quadratic=1.0 / t.tcs_flow**2))
        cold = write(Pipe(t.node("fws_supply"), t.node("fws_return"), quadratic=t.fws_drop / t.fws_flow**2))
        films = film(t.conductance)
        exchange = write(
            Exchange(
                hot,
                cold,
                *films,
                t.tcs_flow,
                t.fws_flow,
                exponent=t.film_exponent,
                fouling=_fouling(t),
                set_point=t.set_point,
                least_flow=t.least_opening * t.fws_flow,
            )
        )
        supply = Ref("node.temperature", t.node("tcs_supply"))
        duty = Ref("exchange.duty", exchange)
        most = np.where(np.isfinite(t.most_flow), t.most_flow, 1.1 * t.tcs_flow)
        limit(t, write, "cdu_duty", duty, t.capacity, dimension="power")
        limit(t, write, "cdu_flow", Ref("stream.flow", pumped), most, dimension="mass_flow")
        limit(t, write, "dew_point", supply, t.room.dew_point, sense=-1, dimension="temperature")
        for name, value, unit, text in (
            ("cdu_duty", duty, "W", "heat passed to facility water"),
            ("cdu_effectiveness", Ref("exchange.effectiveness", exchange), "1", "effectiveness of the exchanger"),
            ("cdu_facility_flow", Ref("stream.flow", cold), "kg s-1", "facility water flow"),
            ("cdu_supply_temperature", supply, "K", "coolant to the racks"),
            ("cdu_return_temperature", Ref("node.temperature", t.node("tcs_return")), "K", "coolant from the racks"),
            ("cdu_facility_supply_temperature", Ref("stream.inlet", cold), "K", "facility water in"),
            ("cdu_facility_return_temperature", Ref("stream.outlet", cold), "K", "facility water out"),
        ):
            report(t, write, name, value, unit, text)
        price(t, write)


class HeatExchanger(Component):
    """Plate exchanger between two loops, counterflow effectiveness-NTU; `running` of several in parallel."""

    conductance: Conductance = Field(2e6, gt=0, description="UA of one at the rated flows")
    hot_flow: MassFlow = Field(100.0, gt=0, description="rated, one unit")
    cold_flow: MassFlow = Field(100.0, gt=0)
    hot_drop: Pressure = Field(30e3, gt=0, description="at rated flow")
    cold_drop: Pressure = Field(30e3, gt=0)
    units: int = Field(1, ge=1, le=64, description="installed in parallel")
    running: Number | None = Field(None, gt=0, le=64, description="in use; all if not given")
    film_exponent: Number = Field(0.8, ge=0, le=1)
    film_balance: Number = Field(1.0, gt=0, le=100, description="hot film over cold film at the rated flows")
    fouling: FoulingResistance = Field(0.0, ge=0, le=0.01)
    area: Area | None = Field(None, gt=0)
    ports: ClassVar[dict[str, Port]] = {
        "hot_in": Port("coolant"),
        "hot_out": Port("coolant"),
        "cold_in": Port("coolant"),
        "cold_out": Port("coolant"),
    }
    heading: ClassVar[str] = "cooling"
    box: ClassVar[tuple[float, float, float]] = (1.0, 3.0, 2.5)

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        n = np.where(np.isfinite(t.running), t.running, t.units)
        hot = write(Pipe(t.node("hot_in"), t.node("hot_out"), quadratic=t.hot_drop / (n * t.hot_flow) ** 2))
        cold = write(Pipe(t.node("cold_in"), t.node("cold_out"), quadratic=t.cold_drop / (n * t.cold_flow) ** 2))
        films = film(t.conductance * n, t.film_balance)
        rows = write(
            Exchange(
                hot,
                cold,
                *films,
                n * t.hot_flow,
                n * t.cold_flow,
                exponent=t.film_exponent,
                fouling=_fouling(t) / n,
            )
        )
        report(t, write, "heat_exchanger_duty", Ref("exchange.duty", rows), "W", "heat passed")
        report(t, write, "heat_exchanger_effectiveness", Ref("exchange.effectiveness", rows), "1", "effectiveness")
        report(t, write, "heat_exchanger_hot_flow", Ref("stream.flow", hot), "kg s-1", "hot side flow")
        report(t, write, "heat_exchanger_cold_flow", Ref("stream.flow", cold), "kg s-1", "cold side flow")
        report(t, write, "heat_exchanger_hot_outlet", Ref("stream.outlet", hot), "K", "hot side outlet")
        report(t, write, "heat_exchanger_hot_inlet", Ref("stream.inlet", hot), "K", "hot side inlet")
        report(t, write, "heat_exchanger_cold_inlet", Ref("stream.inlet", cold), "K", "cold side inlet")
        report(t, write, "heat_exchanger_cold_outlet", Ref("stream.outlet", cold), "K", "cold side outlet")
        price(t, write)


class _Coil(Component):
    """A water coil in an air stream, crossflow; the valve holds the air outlet at `set_point`."""

    capacity: Power = Field(100e3, gt=0)
    conductance: Conductance = Field(12e3, gt=0, description="UA at the rated flows")
    air_flow: VolumeFlow = Field(8.0, gt=0, description="rated, one unit")
    water_flow: MassFlow = Field(4.0, gt=0, description="rated")
    water_drop: Pressure = Field(60e3, gt=0, description="coil and open valve at rated flow")
    set_point: Temperature | None = Field(297.15, ge=275, le=330, description="air leaving the coil")
    fouling: FoulingResistance = Field(0.0, ge=0, le=0.01)
    area: Area | None = Field(None, gt=0)
    ports: ClassVar[dict[str, Port]] = {"supply": Port("coolant"), "return": Port("coolant")}
    heading: ClassVar[str] = "cooling"

    @classmethod
    def coil(cls, t: Any, write: Write, hot: Any) -> Any:
        """Write the water side and the exchange with air stream `hot`; returns exchange rows."""
        cold = write(Pipe(t.node("supply"), t.node("return"), quadratic=t.water_drop / t.water_flow**2))
        rows = write(
            Exchange(
                hot,
                cold,
                *film(t.conductance, 0.5),
                t.air_flow * 1.2,
                t.water_flow,
                fouling=_fouling(t),
                crossflow=1.0 + 0 * t.capacity,
                set_point=t.set_point,
                least_flow=0.02 * t.water_flow,
            )
        )
        duty = Ref("exchange.duty", rows)
        limit(t, write, "crah_capacity", duty, t.capacity, dimension="power")
        report(t, write, f"{t.dimension}_duty", duty, "W", "heat taken from the air")
        report(t, write, f"{t.dimension}_water_flow", Ref("stream.flow", cold), "kg s-1", "water flow")
        report(t, write, f"{t.dimension}_supply_temperature", Ref("stream.outlet", hot), "K", "air leaving the coil")
        return rows


class Crah(_Coil):
    """Computer-room air handler or fan wall: fans (cube law) before a chilled-water coil.

    Fans follow the racks' demand times the room's excess; a unit stands for `units` equal ones, of which the
    smallest number runs that carries the flow at full speed.
    """

    fan_power: Power = Field(4e3, ge=0, description="one unit at rated air flow")
    units: int = Field(1, ge=1, le=1000)
    least_fan: Fraction = Field(0.3, gt=0, le=1)
    ports: ClassVar[dict[str, Port]] = _Coil.ports | {"feed": Port("power", cords=True)}
    kind: ClassVar[str] = "crah"
    dimension: ClassVar[str] = "crah"
    box: ClassVar[tuple[float, float, float]] = (1.0, 2.5, 2.3)

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        middle = t.inner("coil")
        blown = write(Vent(t.room.exhaust, middle))
        hot = write(Vent(middle, t.room.supply))
        fans = write(
            Fan(blown, hot, t.room.zone, t.air_flow * t.site.density, t.fan_power * t.site.density / 1.2, t.units, t.least_fan)
        )
        power = Ref("fan.power", fans)
        draw(t, write, power, "air_handling")
        write(Heat(blown, power))
        cls.coil(t.times("capacity conductance water_flow air_flow", t.units), write, hot)
        report(t, write, "crah_fan_power", power, "W", "fan power of the running units")
        report(t, write, "crah_running", Ref("fan.running", fans), "1", "units running")
        report(t, write, "crah_air_flow", Ref("stream.flow", hot), "kg s-1", "air flow")
        limit(t, write, "crah_air_flow", Ref("fan.demand", fans), 1.0)
        price(t, write)


class FanWall(Crah):
    """Fan wall: EC fans, low pressure drop."""

    fan_power: Power = Field(2.5e3, ge=0)
    kind: ClassVar[str] = "fan_wall"
    dimension: ClassVar[str] = "crah"


class RearDoor(_Coil):
    """Passive rear-door exchanger on the exhaust of one rack (connect `rack.exhaust` to `door.inlet`)."""

    ports: ClassVar[dict[str, Port]] = _Coil.ports | {"inlet": Port("air")}
    set_point: Temperature | None = Field(298.15, ge=275, le=330)
    capacity: Power = Field(50e3, gt=0)
    conductance: Conductance = Field(5e3, gt=0)
    air_flow: VolumeFlow = Field(2.0, gt=0)
    water_flow: MassFlow = Field(1.2, gt=0)
    box: ClassVar[tuple[float, float, float]] = (0.6, 0.3, 2.2)

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        cls.coil(t, write, write(Vent(t.node("inlet"), t.room.exhaust)))
        price(t, write)


# ---- heat rejection ----------------------------------------------------------------------------------------------


def _reject(t: Any, write: Write, stream: Any, law: Any, sink: Any = None, installed: Any = None) -> Any:
    """Write a cooler on a stream with its power, water, limits and reports; returns its rows."""
    free = sink is None
    rows = write(Cooler(stream, sink, law, installed))
    power = Ref("cooler.power", rows)
    draw(t, write, power, "heat_rejection")
    outdoor = np.full(t.n, t.site.outdoor)
    if free:
        write(Gain(outdoor, power))
    else:
        write(Heat(sink, Ref("cooler.rejected", rows)))
    report(t, write, f"{t.dimension}_duty", Ref("cooler.duty", rows), "W", "heat taken from the coolant")
    report(t, write, f"{t.dimension}_power", power, "W", "fan or compressor power of the running units")
    report(t, write, f"{t.dimension}_loading", Ref("cooler.loading", rows), "1", "wanted over available duty")
    report(t, write, f"{t.dimension}_running", Ref("cooler.running", rows), "1", "units running")
    report(t, write, f"{t.dimension}_fan_speed", Ref("cooler.speed", rows), "1", "fan speed over nominal")
    report(t, write, f"{t.dimension}_water", Ref("cooler.water", rows), "kg s-1", "make-up water")
    report(t, write, f"{t.dimension}_supply_temperature", Ref("stream.outlet", stream), "K", "coolant leaving")
    report(t, write, f"{t.dimension}_return_temperature", Ref("stream.inlet", stream), "K", "coolant entering")
    report(t, write, f"{t.dimension}_warning", Ref("cooler.warning", rows), "1", "outside the box of validity")
    report(t, write, f"{t.dimension}_flow", Ref("stream.flow", stream), "kg s-1", "coolant flow")
    judged = (t.limits_capacity > 0.5) & np.isfinite(t.set_point)
    limit(t, write, f"{t.kind}_capacity", Ref("cooler.loading", rows), np.where(judged, 1.0, np.inf))
    write(Tally("water", Ref("cooler.water", rows)))
    price(t, write)
    return rows


class _Rejecter(Component):
    units: int = Field(1, ge=1, le=10_000, description="installed in parallel")
    flow: MassFlow = Field(100.0, gt=0, description="rated, one unit")
    drop: Pressure = Field(60e3, gt=0, description="coolant side at rated flow")
    fan_power: Power = Field(30e3, ge=0, description="one unit at full speed")
    set_point: Temperature | None = Field(None, ge=270, le=340, description="leaving coolant; none: full speed")
    limits_capacity: bool = Field(True, description="false for a pre-cooler that another unit follows")
    ports: ClassVar[dict[str, Port]] = {
        "in": Port("coolant"),
        "out": Port("coolant"),
        "feed": Port("power", cords=True),
    }
    heading: ClassVar[str] = "cooling"
    box: ClassVar[tuple[float, float, float]] = (2.4, 10.0, 2.6)

    @classmethod
    def pipe(cls, t: Any, write: Write) -> Any:
        """Coolant side of all units in parallel."""
        return write(Pipe(t.node("in"), t.node("out"), quadratic=t.drop / (t.units * t.flow) ** 2))


class DryCooler(_Rejecter):
    """Coolant to outdoor air through a finned coil; fan power follows the cube law [ASHRAE HVAC S&E, ch. 39].

    The coil is rated by `duty` between `water_in` and `water_out` with air entering at `air_in`.
    """

    duty: Power = Field(2.931e6, gt=0, description="rating of one unit")
    water_in: Temperature = Field(319.25, ge=270, le=380)
    water_out: Temperature = Field(313.7, ge=270, le=380)
    air_in: Temperature = Field(308.15, ge=230, le=340)
    air_flow: VolumeFlow = Field(375.0, gt=0, description="one unit, at the rating")
    saturation: Fraction = Field(0.0, ge=0, le=1, description="adiabatic pads: share of the wet-bulb depression")
    cycles: Number = Field(4.0, gt=1, le=20, description="of concentration")
    fouling: FoulingResistance = Field(0.0, ge=0, le=0.01)
    area: Area | None = Field(None, gt=0)
    least_fan: Fraction = Field(0.1, gt=0, le=1)

    @classmethod
    def check(cls, name: str, part: Component) -> list[str]:
        if not part.water_in > part.water_out > part.air_in:
            return [f"{name}: water_out: the rating must have water_in above water_out above air_in"]
        try:
            rejection.from_rating(part.duty, part.water_in, part.water_out, part.air_in, part.air_flow * 1.2)
        except ValueError as error:
            return [f"{name}: air_flow: {error}"]
        return Component.check(name, part)

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        air = t.air_flow * 1.2
        law = rejection.DryCooler(
            set_point=t.set_point,
            conductance=rejection.from_rating(t.duty, t.water_in, t.water_out, t.air_in, air),
            rated_flow=t.flow,
            rated_air_flow=air,
            fan_power=t.fan_power,
            count=t.units,
            ambient=t.site.intake,
            wet_bulb=t.site.wet_intake,
            saturation=t.saturation,
            cycles=t.cycles,
            density=t.site.density / 1.2,
            fouling=t.fouling / np.where(np.isfinite(t.area), t.area, t.duty / 5.0 / TYPICAL_U),
            least_speed=t.least_fan,
        )
        _reject(t, write, cls.pipe(t, write), law)


class AdiabaticCooler(DryCooler):
    """A dry cooler whose air is first wetted: T = T_db - saturation (T_db - T_wb)."""

    saturation: Fraction = Field(0.8, ge=0, le=1)


class Tower(_Rejecter):
    """Open cooling tower; `units` counts its cells, of which the smallest number runs that may carry the load.

    A cell takes up to `stage_heat` before the next starts (its rated flow if not given); `running` states the number
    instead. The set point may follow the wet bulb: T = max(set_point, reset_at_freezing + reset_slope (T_wb - 0 degC)).
    """

    correlation: Literal["york", "merkel"] = "merkel"
    approach: TemperatureDifference = Field(3.9, gt=0, le=20, description="at the design")
    range: TemperatureDifference = Field(5.56, gt=0, le=30)
    wet_bulb: Temperature = Field(298.71, ge=260, le=310, description="of the design")
    least_cells: int = Field(1, ge=1, le=1000)
    running: Number | None = Field(None, ge=1, le=1000, description="cells in use; staged if not given")
    stage_heat: Power | None = Field(None, gt=0, description="heat of a cell at which the next starts")
    cycles: Number = Field(4.0, gt=1, le=20, description="of concentration")
    drift: Fraction = Field(2e-5, ge=0, le=0.01, description="of the water flow")
    least_fan: Fraction = Field(0.2, gt=0, le=1)
    reset_slope: Number = Field(0.0, ge=0, le=2)
    reset_at_freezing: Temperature | None = Field(None, ge=230, le=330, description="set point law at 0 degC wet bulb")
    kind: ClassVar[str] = "tower"
    dimension: ClassVar[str] = "tower"
    box: ClassVar[tuple[float, float, float]] = (6.0, 6.0, 6.0)

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        law = t.reset_at_freezing + t.reset_slope * (t.site.wet_bulb - 273.15)
        set_point = np.fmax(t.set_point, law)
        pipe = cls.pipe(t, write)
        york = np.array([c == "york" for c in t["correlation"]])
        for kind, rows in ((rejection.YorkTower, york), (rejection.MerkelTower, ~york)):
            if rows.any():
                part = t.only(rows)
                _reject(part, write, pipe[rows], cls._law(part, set_point[rows], kind), installed=part.units)

    @classmethod
    def _law(cls, t: Any, set_point: Any, kind: Any) -> Any:
        outlet = t.wet_bulb + t.approach
        return kind(
            set_point=set_point,
            rated_flow=t.flow,
            rated_inlet=outlet + t.range,
            rated_outlet=outlet,
            rated_wet_bulb=t.wet_bulb,
            fan_power=t.fan_power,
            cells=t.units,
            wet_bulb=t.site.wet_intake,
            dry_bulb=t.site.intake,
            least_cells=t.least_cells,
            running=t.running,
            stage_heat=t.stage_heat,
            least_speed=t.least_fan,
            drift=t.drift,
            cycles=t.cycles,
        )


class _Chiller(_Rejecter):
    """Electric chillers: published curves inside their box, an anchored lift law with a warning outside."""

    curve: Literal["carrier_30xa500", "york_yk", "carrier_19ex", "carrier_19xr", "trane_rthc"] = "york_yk"
    capacity: Power | None = Field(None, gt=0, description="of one unit at its reference; the curve's if not given")
    cop: Number | None = Field(None, gt=0, le=30)
    stage_up: Fraction = Field(0.9, gt=0, le=1, description="part load at which the next unit starts")
    set_point: Temperature | None = Field(280.0, ge=270, le=340, description="leaving chilled water")
    fan_power: Power = Field(0.0, ge=0, description="counted in the curves")
    kind: ClassVar[str] = "_chiller"

    @classmethod
    def law(cls, t: Any, ambient: Any) -> Any:
        """Performance of the chillers of a table."""
        return rejection.Chiller(
            set_point=t.set_point,
            count=t.units,
            curves=rejection.stack(t["curve"]),
            ambient=ambient,
            capacity=t.capacity,
            cop=t.cop,
            stage_up=t.stage_up,
        )


class AirChiller(_Chiller):
    """Chillers whose condensers reject to outdoor air."""

    curve: Literal["carrier_30xa500"] = "carrier_30xa500"
    kind: ClassVar[str] = "air_chiller"
    dimension: ClassVar[str] = "chiller"

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        _reject(t, write, cls.pipe(t, write), cls.law(t, t.site.intake))


class WaterChiller(_Chiller):
    """Chillers whose condensers reject to a water loop; its heat is duty plus compressor power."""

    curve: Literal["york_yk", "carrier_19ex", "carrier_19xr", "trane_rthc"] = "york_yk"
    condenser_flow: MassFlow = Field(120.0, gt=0, description="rated, one unit")
    condenser_drop: Pressure = Field(60e3, gt=0)
    ports: ClassVar[dict[str, Port]] = _Rejecter.ports | {"cond_in": Port("coolant"), "cond_out": Port("coolant")}
    kind: ClassVar[str] = "water_chiller"
    dimension: ClassVar[str] = "chiller"

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        resistance = t.condenser_drop / (t.units * t.condenser_flow) ** 2
        condenser = write(Pipe(t.node("cond_in"), t.node("cond_out"), quadratic=resistance))
        _reject(t, write, cls.pipe(t, write), cls.law(t, np.nan), sink=condenser)
