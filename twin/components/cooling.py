"""CDUs, heat exchangers and room coolers: what passes heat from one stream to another."""

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from twin import columns
from twin.columns import Array, Index, Real, limits, totals
from twin.components.base import (
    AIR_DENSITY,
    Component,
    Facing,
    InService,
    Look,
    Passage,
    Port,
    SetPointRole,
    ShapesAir,
    Table,
    Write,
    draw,
    finite_or,
    limit,
    price,
    report,
    shut,
    stay_dry,
)
from twin.components.classes import COLDEST_WATER, WATER, WaterClassName, coolant_class
from twin.components.coolant import FluidName, Pumped
from twin.elements import Anchor, Exchange, Fan, Heat, Medium, Pipe, Vent
from twin.elements import Coil as MoistCoil
from twin.fluids import humidity_ratio_from_dew_point
from twin.units import (
    Area,
    Conductance,
    FoulingResistance,
    Fraction,
    HeatTransferCoefficient,
    Length,
    MassFlow,
    Number,
    Power,
    Pressure,
    Temperature,
    VolumeFlow,
)


def films(conductance: Array, balance: Real = 1.0) -> tuple[Array, Array]:
    """Films hA [W/K] of the hot and the cold side, whose ratio is `balance`, of a UA [W/K] at the rated flows.

    1/UA = 1/hA_hot + 1/hA_cold.
    """
    return conductance * (1.0 + balance), conductance * (1.0 + 1.0 / balance)


HELD = 0.5
"""How far from its set point a temperature may be and still count as held, K: the usual band of valve control."""


def wall_fouling(t: Table, conductance: Array) -> Array:
    """Resistance of the fouled wall [K/W]: the fouling resistance over the area, which is UA over U if not stated."""
    return t.fouling / finite_or(t.area, conductance / t.clean_u)


class Cdu(Pumped):
    """Liquid-to-liquid coolant distribution unit: pumps, a plate exchanger, a valve on the facility side.

    The valve throttles facility water so that the technology coolant leaves at `set_point`.
    """

    capacity: Power = Field(1.3e6, gt=0, description="heat that it may pass")
    conductance: Conductance = Field(313e3, gt=0, description="UA at the rated flows")
    tcs_flow: MassFlow = Field(20.6, gt=0, description="rated, technology side")
    fws_flow: MassFlow = Field(20.6, gt=0, description="rated, facility side")
    tcs_drop: Pressure = Field(80e3, ge=0, description="exchanger and filter at rated flow")
    fws_drop: Pressure = Field(84e3, gt=0, description="exchanger and open valve at rated flow")
    min_opening: Fraction = Field(0.02, ge=0, le=1, description="minimum facility flow over rated")
    max_opening: Number = Field(3.0, gt=0, le=10, description="flow over rated beyond which the valve does not open")
    set_point: Temperature | None = Field(313.15, ge=275, le=340, description="supply to the racks; none: valve open")
    film_exponent: Number = Field(0.8, ge=0, le=1, description="of the films over the flows")
    film_balance: Number = Field(1.0, gt=0, le=100, description="hot film over cold film at the rated flows")
    fouling: FoulingResistance = Field(0.0, ge=0, le=0.01, description="resistance of both sides")
    area: Area | None = Field(None, gt=0, description="that fouling counts on; UA over `clean_u` if not given")
    clean_u: HeatTransferCoefficient = Field(
        4000.0, gt=0, description="U without fouling; plate exchangers 3 to 6 kW/m2/K"
    )
    max_flow: MassFlow | None = Field(None, gt=0, description="maximum technology flow; 1.1 times rated if not given")
    constant_power: Power | None = Field(
        None, ge=0, description="total electrical power if it does not follow the pumps"
    )
    water_class: WaterClassName | None = Field(
        None, description="of ASHRAE, for the facility water that it gets; none: unchecked"
    )
    tcs_fluid: FluidName = Field("pg25", description="a name of `twin.fluids`")
    expansion: Pressure | None = Field(300e3, gt=0, description="built-in expansion vessel, absolute; none without")
    quadratic: Number = Field(0.61, ge=0, le=2, description="a: fall of the pumps' curve at rated flow")
    quartic: Number = Field(0.13, ge=0, le=2, description="b: that with the fourth power of the flow")
    ports: ClassVar[dict[str, Port]] = {
        "tcs_supply": Port("coolant"),
        "tcs_return": Port("coolant"),
        "fws_supply": Port("coolant"),
        "fws_return": Port("coolant"),
        "feed": Port("power", cords=True),
    }
    passages: ClassVar[tuple[Passage, ...] | None] = (
        Passage("tcs_supply", "tcs_return"),
        Passage("fws_supply", "fws_return"),
    )
    heading: ClassVar[str] = "cooling"
    legend: ClassVar[str] = "CDU"
    look: ClassVar[Look] = "cdu"
    asset_class: ClassVar[str] = "CDU"
    set_point_role: ClassVar[SetPointRole] = "coolant"
    sheltered: ClassVar[bool] = True
    holds_pressure: ClassVar[bool] = True
    kind: ClassVar[str] = "cdu"
    dimension: ClassVar[str] = "cdu"
    box: ClassVar[tuple[float, float, float]] = (0.9, 1.2, 2.3)

    def fills(self) -> dict[str, str]:
        return {"tcs_return": self.tcs_fluid}

    def holds(self) -> dict[str, float]:
        return {} if self.expansion is None else {"tcs_return": self.expansion}

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        middle = t.inner("pump")
        sealed = np.isfinite(t.expansion[:, 0])
        if sealed.any():
            write(Anchor(t.node("tcs_return")[sealed], t.expansion[sealed]))
        write(Medium(t.node("tcs_return"), t["tcs_fluid"]))
        inside = Pipe(t.node("tcs_return"), middle, quadratic=t.tcs_drop / t.tcs_flow**2)
        pumped = cls.pump(t, write, inside, totals.cdus)
        hot = write(Pipe(middle, t.node("tcs_supply"), quadratic=1.0 / t.tcs_flow**2))
        facility = Pipe(t.node("fws_supply"), t.node("fws_return"), quadratic=t.fws_drop / t.fws_flow**2)
        cold = write(replace(facility, set_flow=shut(t)))
        exchange = write(
            Exchange(
                hot,
                cold,
                *films(t.conductance, t.film_balance),
                t.tcs_flow,
                t.fws_flow,
                exponent=t.film_exponent,
                fouling=wall_fouling(t, t.conductance),
                set_point=t.set_point,
                min_flow=t.min_opening * t.fws_flow * t.in_service,
                max_flow=t.max_opening * t.fws_flow * t.in_service,
            )
        )
        supply = columns.node.temperature[t.node("tcs_supply")]
        duty = columns.exchange.duty[exchange]
        limit(t, write, limits.cdu_duty, duty, t.capacity)
        limit(t, write, limits.set_point, supply, finite_or(t.set_point, np.inf) + HELD)
        limit(t, write, limits.cdu_flow, columns.stream.flow[pumped], finite_or(t.max_flow, 1.1 * t.tcs_flow))
        stay_dry(t, write, supply)
        water = columns.stream.inlet[cold]
        allowable = coolant_class(t, write, "water_class", water, WATER, COLDEST_WATER)
        limit(t, write, limits.facility_water_class, water, allowable.hottest)
        limit(t, write, limits.facility_water_class_cold, water, allowable.coldest)
        for name, value, text in (
            ("duty", duty, "heat passed to facility water"),
            ("effectiveness", columns.exchange.effectiveness[exchange], "effectiveness of the exchanger"),
            ("facility_flow", columns.stream.flow[cold], "facility water flow"),
            ("return_temperature", columns.node.temperature[t.node("tcs_return")], "coolant from the racks"),
            ("facility_supply_temperature", water, "facility water in"),
            ("facility_return_temperature", columns.stream.outlet[cold], "facility water out"),
        ):
            report(t, write, name, value, text)
        report(t, write, "supply_temperature", supply, "coolant to the racks", picture="temperature")
        price(t, write)


class HeatExchanger(Component):
    """Plate exchanger between two loops, counterflow effectiveness-NTU; `running` of several in parallel."""

    in_service: InService = True
    conductance: Conductance = Field(2e6, gt=0, description="UA of one at the rated flows")
    hot_flow: MassFlow = Field(100.0, gt=0, description="rated, one unit")
    cold_flow: MassFlow = Field(100.0, gt=0, description="rated, one unit")
    hot_drop: Pressure = Field(30e3, gt=0, description="at rated flow")
    cold_drop: Pressure = Field(30e3, gt=0, description="at rated flow")
    units: int = Field(1, ge=1, le=64, description="installed in parallel")
    running: Number | None = Field(None, gt=0, le=64, description="in use; all if not given")
    film_exponent: Number = Field(0.8, ge=0, le=1, description="of the films over the flows")
    film_balance: Number = Field(1.0, gt=0, le=100, description="hot film over cold film at the rated flows")
    fouling: FoulingResistance = Field(0.0, ge=0, le=0.01, description="resistance of both sides")
    area: Area | None = Field(None, gt=0, description="that fouling counts on; UA over `clean_u` if not given")
    clean_u: HeatTransferCoefficient = Field(
        4000.0, gt=0, description="U without fouling; plate exchangers 3 to 6 kW/m2/K"
    )
    units_field: ClassVar[str] = "units"
    ports: ClassVar[dict[str, Port]] = {
        "hot_in": Port("coolant"),
        "hot_out": Port("coolant"),
        "cold_in": Port("coolant"),
        "cold_out": Port("coolant"),
    }
    passages: ClassVar[tuple[Passage, ...] | None] = (Passage("hot_in", "hot_out"), Passage("cold_in", "cold_out"))
    heading: ClassVar[str] = "cooling"
    box: ClassVar[tuple[float, float, float]] = (1.0, 3.0, 2.5)

    def check(self, name: str) -> list[str]:
        if self.running is not None and self.running > self.units:
            return [f"{name}: running: {self.running:g} is more than the {self.units} installed"]
        return super().check(name)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        n = finite_or(t.running, t.units)
        hot = Pipe(t.node("hot_in"), t.node("hot_out"), quadratic=t.hot_drop / (n * t.hot_flow) ** 2)
        cold = Pipe(t.node("cold_in"), t.node("cold_out"), quadratic=t.cold_drop / (n * t.cold_flow) ** 2)
        hot, cold = (write(replace(side, set_flow=shut(t))) for side in (hot, cold))
        rows = write(
            Exchange(
                hot,
                cold,
                *films(t.conductance * n, t.film_balance),
                n * t.hot_flow,
                n * t.cold_flow,
                exponent=t.film_exponent,
                fouling=wall_fouling(t, t.conductance) / n,
            )
        )
        report(t, write, "duty", columns.exchange.duty[rows], "heat passed")
        report(t, write, "effectiveness", columns.exchange.effectiveness[rows], "effectiveness")
        report(t, write, "hot_flow", columns.stream.flow[hot], "hot side flow")
        report(t, write, "cold_flow", columns.stream.flow[cold], "cold side flow")
        report(t, write, "hot_outlet", columns.stream.outlet[hot], "hot side outlet")
        report(t, write, "hot_inlet", columns.stream.inlet[hot], "hot side inlet")
        report(t, write, "cold_inlet", columns.stream.inlet[cold], "cold side inlet")
        report(t, write, "cold_outlet", columns.stream.outlet[cold], "cold side outlet")
        price(t, write)


class Coil(Component):
    """A water coil in an air stream, crossflow; the valve holds the air outlet at `set_point`."""

    in_service: InService = True
    capacity: Power = Field(100e3, gt=0, description="heat that it may take")
    conductance: Conductance = Field(12e3, gt=0, description="UA at the rated flows")
    air_flow: VolumeFlow = Field(8.0, gt=0, description="rated, one unit")
    water_flow: MassFlow = Field(4.0, gt=0, description="rated")
    water_drop: Pressure = Field(60e3, gt=0, description="coil and open valve at rated flow")
    set_point: Temperature | None = Field(297.15, ge=275, le=330, description="air leaving the coil")
    min_opening: Fraction = Field(0.02, ge=0, le=1, description="minimum water flow over rated")
    max_opening: Number = Field(3.0, gt=0, le=10, description="flow over rated beyond which the valve does not open")
    film_exponent: Number = Field(0.8, ge=0, le=1, description="of the films over the flows")
    film_balance: Number = Field(0.5, gt=0, le=100, description="air film over water film at the rated flows")
    fouling: FoulingResistance = Field(0.0, ge=0, le=0.01, description="resistance of both sides")
    area: Area | None = Field(None, gt=0, description="that fouling counts on; UA over `clean_u` if not given")
    clean_u: HeatTransferCoefficient = Field(
        4000.0, gt=0, description="U without fouling; plate exchangers 3 to 6 kW/m2/K"
    )
    arrangement: Literal["crossflow", "counterflow"] = Field(
        "crossflow", description="of water and air; coils of many rows come near counterflow"
    )
    facing: Facing = Field("-x", description="where the outlet points")
    outlet: tuple[Length, Length] | None = Field(None, description="width and height of the outlet; the face if none")
    intake: Literal["back", "top"] = Field("back", description="where the air is drawn in")
    abstract: ClassVar[bool] = True
    structural: ClassVar[frozenset[str]] = Component.structural | {"facing", "outlet", "intake", "arrangement"}
    ports: ClassVar[dict[str, Port]] = {"supply": Port("coolant"), "return": Port("coolant")}
    heading: ClassVar[str] = "cooling"
    legend: ClassVar[str] = "air handling"
    cools_room: ClassVar[bool] = True
    set_point_role: ClassVar[SetPointRole] = "air"
    front: ClassVar[str] = "x"

    @classmethod
    def coil(cls, t: Table, write: Write, hot: Index) -> Index:
        """Write the water side and the exchange with air stream `hot`; returns exchange rows."""
        water = Pipe(t.node("supply"), t.node("return"), quadratic=t.water_drop / t.water_flow**2)
        cold = write(replace(water, set_flow=shut(t)))
        rows = write(
            Exchange(
                hot,
                cold,
                *films(t.conductance, t.film_balance),
                t.air_flow * AIR_DENSITY,
                t.water_flow,
                exponent=t.film_exponent,
                fouling=wall_fouling(t, t.conductance),
                crossflow=np.array([[a == "crossflow"] for a in t["arrangement"]], float) + 0 * t.capacity,
                set_point=t.set_point,
                min_flow=t.min_opening * t.water_flow * t.in_service,
                max_flow=t.max_opening * t.water_flow * t.in_service,
            )
        )
        cls.moist(t, write, hot, rows)
        duty = columns.exchange.duty[rows]
        limit(t, write, limits.crah_capacity, duty, t.capacity)
        limit(t, write, limits.set_point, columns.stream.outlet[hot], finite_or(t.set_point, np.inf) + HELD)
        report(t, write, "duty", duty, "heat taken from the air")
        report(t, write, "water_flow", columns.stream.flow[cold], "water flow")
        report(
            t,
            write,
            "supply_temperature",
            columns.stream.outlet[hot],
            "air leaving the coil",
            picture="temperature",
        )
        return rows

    @classmethod
    def moist(cls, t: Table, write: Write, hot: Index, exchange: Index) -> None:
        """Coils of rooms take water from air where they are colder than its dew point."""
        inside = t.room.zone >= 0
        if inside.any():
            part, of = t.only(inside), np.flatnonzero(inside)
            drying = "max_dew_point" in part
            dew = part.max_dew_point if drying else np.full((part.n, 1), np.nan)
            limit_of = humidity_ratio_from_dew_point(finite_or(dew, 283.15), part.site.pressure)
            reheat = part.reheat if drying else np.zeros((part.n, 1))
            wet = write(
                MoistCoil(exchange[inside], part.room.zone, np.where(np.isnan(dew), np.inf, limit_of), reheat), of=of
            )
            if drying and np.isfinite(dew).any():
                heat = columns.coil.reheat[wet]
                draw(part, write, heat, totals.air_handling)
                write(Heat(hot[inside], heat))
                limit(part, write, limits.drying, columns.zone.dew_point[part.room.zone], finite_or(dew, np.inf) + HELD)
                report(part, write, "reheat", heat, "heat that warms air which was cooled to dry it", picture="")
            report(part, write, "condensate", columns.coil.condensate[wet], "water taken from the air")
            report(part, write, "latent_duty", columns.coil.latent[wet], "heat of that water, part of the duty")


class Crah(Coil):
    """Computer-room air handler or fan wall: fans (cube law) before a chilled-water coil.

    Fans follow the racks' demand times the room's excess; a unit stands for `units` equal ones, of which the
    smallest number runs that carries the flow at full speed.
    """

    fan_power: Power = Field(4e3, ge=0, description="one unit at rated air flow")
    units: int = Field(1, ge=1, le=1000, description="installed in parallel")
    min_fan_speed: Fraction = Field(0.3, gt=0, le=1, description="lowest over rated")
    max_dew_point: Temperature | None = Field(
        None, ge=260, le=310, description="of the room, that the coil holds by cooling below its set point; none: any"
    )
    reheat: Power = Field(
        0.0, ge=0, description="electric heater of all units, that warms such air up to the set point"
    )
    units_field: ClassVar[str] = "units"
    ports: ClassVar[dict[str, Port]] = Coil.ports | {"feed": Port("power", cords=True)}
    look: ClassVar[Look] = "fan_wall"
    asset_class: ClassVar[str] = "CRAH"

    kind: ClassVar[str] = "crah"
    dimension: ClassVar[str] = "crah"
    box: ClassVar[tuple[float, float, float]] = (1.0, 2.5, 2.3)

    indoors: ClassVar[bool] = True
    shapes_air: ClassVar[ShapesAir] = "cooler"

    def check(self, name: str) -> list[str]:
        faults = super().check(name)
        if self.max_dew_point is not None and self.set_point is None:
            faults.append(f"{name}: max_dew_point: needs a `set_point`, below which air is cooled to dry it")
        if self.reheat > 0 and self.max_dew_point is None:
            faults.append(f"{name}: reheat: warms air that was cooled to dry it; give `max_dew_point` too")
        return faults

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        middle = t.inner("coil")
        blown = write(Vent(t.room.exhaust, middle))
        hot = write(Vent(middle, t.room.supply))
        fans = write(
            Fan(
                blown,
                hot,
                t.room.zone,
                t.air_flow * t.site.room_density,
                t.fan_power * t.site.room_density / AIR_DENSITY,
                t.units,
                t.min_fan_speed,
                0.0 * t.air_flow,
                t.names,
            )
        )
        power = columns.fan.power[fans]
        draw(t, write, power, totals.air_handling)
        write(Heat(blown, power))
        cls.precool(t, write, blown)
        cls.coil(t.times("capacity conductance water_flow air_flow area", t.units), write, hot)
        report(t, write, "fan_power", power, "fan power of the running units", picture="power")
        report(t, write, "running", columns.fan.running[fans], "units running")
        report(t, write, "air_flow", columns.stream.flow[hot], "air flow")
        limit(t, write, limits.crah_air_flow, columns.fan.demand[fans], 1.0)
        price(t, write)

    @classmethod
    def precool(cls, t: Table, write: Write, blown: Index) -> None:
        """What cools the air that fans draw before the coil does: nothing."""


class FanWall(Crah):
    """Fan wall: EC fans, low pressure drop."""

    fan_power: Power = Field(2.5e3, ge=0, description="one unit at rated air flow")
    kind: ClassVar[str] = "fan_wall"
    dimension: ClassVar[str] = "crah"


class InRowCooler(Crah):
    """In-row cooler: a unit as deep as the racks that it stands between, a coil and EC fans.

    It draws from the hot aisle at its back and blows into the cold aisle at its front; its fans follow the racks as
    those of a `crah` do. Defaults are class values of a unit of 300 mm.
    """

    capacity: Power = Field(30e3, gt=0, description="heat that it may take")
    conductance: Conductance = Field(2.5e3, gt=0, description="UA at the rated flows")
    air_flow: VolumeFlow = Field(1.4, gt=0, description="rated, one unit")
    water_flow: MassFlow = Field(1.2, gt=0, description="rated")
    fan_power: Power = Field(1.0e3, ge=0, description="one unit at rated air flow")
    set_point: Temperature | None = Field(295.15, ge=275, le=330, description="air leaving the coil")
    kind: ClassVar[str] = "in_row_cooler"
    dimension: ClassVar[str] = "crah"
    box: ClassVar[tuple[float, float, float]] = (1.2, 0.3, 2.0)


class RearDoor(Coil):
    """Passive rear-door exchanger on the exhaust of one rack (connect `rack.exhaust` to `door.inlet`)."""

    ports: ClassVar[dict[str, Port]] = Coil.ports | {"inlet": Port("air")}
    look: ClassVar[Look] = "door"
    set_point: Temperature | None = Field(298.15, ge=275, le=330, description="air leaving the door; none: valve open")
    capacity: Power = Field(50e3, gt=0, description="heat that it may take")
    conductance: Conductance = Field(5e3, gt=0, description="UA at the rated flows")
    air_flow: VolumeFlow = Field(2.0, gt=0, description="rated")
    water_flow: MassFlow = Field(1.2, gt=0, description="rated")
    shapes_air: ClassVar[ShapesAir] = "nothing"
    box: ClassVar[tuple[float, float, float]] = (0.6, 0.3, 2.2)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        cls.coil(t, write, write(Vent(t.node("inlet"), t.room.exhaust)))
        price(t, write)
