"""CDUs, heat exchangers and room coolers: what passes heat from one stream to another."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from twin.components.base import Component, Facing, Port, Write, draw, limit, price, report
from twin.components.coolant import Pumped
from twin.elements import Anchor, Exchange, Fan, Heat, Medium, Pipe, Ref, Vent
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


class Cdu(Pumped):
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
    constant_power: Power | None = Field(
        None, ge=0, description="total electrical power if it does not follow the pumps"
    )
    tcs_fluid: Literal["water", "pg20", "pg25"] = "pg25"
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

    def check(self, name: str) -> list[str]:
        if self.running is not None and self.running > self.units:
            return [f"{name}: running: {self.running:g} is more than the {self.units} installed"]
        return super().check(name)

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
    facing: Facing = Field("-x", description="where the outlet points")
    outlet: tuple[Length, Length] | None = Field(None, description="width and height of the outlet; the face if none")
    intake: Literal["back", "top"] = Field("back", description="where the air is drawn in")
    structural: ClassVar[frozenset[str]] = Component.structural | {"facing", "outlet", "intake"}
    ports: ClassVar[dict[str, Port]] = {"supply": Port("coolant"), "return": Port("coolant")}
    heading: ClassVar[str] = "cooling"
    front: ClassVar[str] = "x"

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

    indoors: ClassVar[bool] = True

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        middle = t.inner("coil")
        blown = write(Vent(t.room.exhaust, middle))
        hot = write(Vent(middle, t.room.supply))
        fans = write(
            Fan(
                blown,
                hot,
                t.room.zone,
                t.air_flow * t.site.room_density,
                t.fan_power * t.site.room_density / 1.2,
                t.units,
                t.least_fan,
                0.0 * t.air_flow,
            )
        )
        power = Ref("fan.power", fans)
        draw(t, write, power, "air_handling")
        write(Heat(blown, power))
        cls.coil(t.times("capacity conductance water_flow air_flow area", t.units), write, hot)
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
