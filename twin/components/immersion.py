"""Immersion tanks: boards in a bath of dielectric, with the pump and the exchanger of the tank."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from twin import columns
from twin.columns import limits, totals
from twin.components.base import Look, Port, SetPointRole, Table, Write, finite_or, limit, report, shut, stay_dry
from twin.components.classes import COLDEST_WATER, WATER, WaterClassName, coolant_class
from twin.components.compute import CoolingPath, Rack
from twin.components.coolant import FluidName, Pumped
from twin.components.cooling import HELD, films, wall_fouling
from twin.elements import Anchor, Exchange, Heat, Loss, Medium, Pipe, Vent
from twin.units import (
    Area,
    Conductance,
    FoulingResistance,
    Fraction,
    HeatTransferCoefficient,
    MassFlow,
    Number,
    Power,
    Pressure,
    Temperature,
    ThermalResistance,
    VolumeFlow,
)

LOST_IN_PUMPS = 0.01
"""Pressure that pumps of a tank lose in their own pipes at its rated flow, over the shut-off head."""


class ImmersionTank(Rack, Pumped):
    """A tank of single-phase dielectric: boards without fans, a pump, a plate exchanger to facility water.

    Chips have T_j = T_bath + P (R_jc + R_s + 1 / (2 m cp)): T_bath is the dielectric that comes to the boards, R_s
    `sink_resistance`, m the dielectric of one chip. The bath is open: its surface stands at the pressure of the site.
    Its walls lose UA (T - T_room) to the room along the way to the pump, as a `pipe` does; the rest goes to facility
    water, of which the valve passes what holds `set_point`.
    """

    fluid: FluidName = Field("pao2", description="the dielectric, a name of `twin.fluids`")
    liquid_fraction: Fraction = Field(1.0, ge=0, le=1, description="share of the heat given to the bath, else to air")
    sink_resistance: ThermalResistance = Field(
        0.026, ge=0, le=1, description="heat sink to the dielectric; 0.015 to 0.04 forced, to 0.1 by buoyancy alone"
    )
    air_flow: VolumeFlow = Field(0.0, ge=0, le=50, description="none: boards in a bath have no fans")
    fan_power: Power = Field(0.0, ge=0, le=1e5, description="none: boards in a bath have no fans")
    bath_flow: MassFlow = Field(4.0, gt=0, description="rated, of the dielectric")
    bath_drop: Pressure = Field(15e3, gt=0, description="boards and weir at the rated flow of the dielectric")
    exchanger_drop: Pressure = Field(25e3, gt=0, description="exchanger at the rated flow of the dielectric")
    min_flow: MassFlow = Field(0.0, ge=0, description="of the dielectric for the rated power")
    wall_conductance: Conductance = Field(
        40.0, ge=0, description="UA of walls and lid to the air of the room; 10 to 100 W/K"
    )
    max_bath_temperature: Temperature = Field(328.15, ge=280, le=370, description="dielectric leaving the boards")
    capacity: Power = Field(100e3, gt=0, description="heat that the exchanger may pass")
    conductance: Conductance = Field(12e3, gt=0, description="UA of the exchanger at the rated flows")
    water_flow: MassFlow = Field(2.4, gt=0, description="rated, facility side")
    water_drop: Pressure = Field(50e3, gt=0, description="exchanger and open valve at rated flow")
    max_water_flow: MassFlow | None = Field(None, gt=0, description="facility water; 1.1 times rated if not given")
    set_point: Temperature | None = Field(313.15, ge=275, le=340, description="dielectric to the boards; none: open")
    min_opening: Fraction = Field(0.02, ge=0, le=1, description="minimum facility flow over rated")
    max_opening: Number = Field(3.0, gt=0, le=10, description="flow over rated beyond which the valve does not open")
    film_exponent: Number = Field(0.8, ge=0, le=1, description="of the films over the flows")
    film_balance: Number = Field(0.3, gt=0, le=100, description="film of the dielectric over that of water; 0.2 to 0.5")
    fouling: FoulingResistance = Field(0.0, ge=0, le=0.01, description="resistance of both sides")
    area: Area | None = Field(None, gt=0, description="that fouling counts on; UA over `clean_u` if not given")
    clean_u: HeatTransferCoefficient = Field(
        600.0, gt=0, description="U without fouling; oil to water 0.3 to 1 kW/m2/K"
    )
    water_class: WaterClassName | None = Field(
        None, description="of ASHRAE, for the facility water that it gets; none: unchecked"
    )
    shutoff: Pressure = Field(150e3, gt=0, description="pressure rise at zero flow, full speed")
    rated_flow: VolumeFlow = Field(5e-3, gt=0, description="per pump")
    head: Pressure = Field(40e3, gt=0, description="pressure rise held by `control: head`")

    kind: ClassVar[str] = "immersion_tank"
    dimension: ClassVar[str] = "immersion_tank"
    legend: ClassVar[str] = "immersion"
    look: ClassVar[Look] = "tub"
    asset_class: ClassVar[str] = ""
    set_point_role: ClassVar[SetPointRole] = "coolant"
    ports: ClassVar[dict[str, Port]] = Rack.ports | {"supply": Port("coolant"), "return": Port("coolant")}
    box: ClassVar[tuple[float, float, float]] = (2.4, 1.1, 1.4)

    def check(self, name: str) -> list[str]:
        fans = [f"{name}: {f}: a tank has no fans; leave it out" for f in ("air_flow", "fan_power") if getattr(self, f)]
        return [*super().check(name), *fans]

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        warm, driven, cool = t.inner("warm"), t.inner("driven"), t.inner("cool")
        write(Anchor(warm, t.site.pressure + 0 * t.capacity))
        write(Medium(warm, t["fluid"]))
        inside = (t.exchanger_drop + LOST_IN_PUMPS * t.shutoff) / t.bath_flow**2
        pumped = cls.pump(t, write, Pipe(warm, driven, quadratic=inside), totals.cdus)
        write(Loss(pumped, t.room.exhaust, t.wall_conductance))
        hot = write(Pipe(driven, cool, quadratic=1.0 / t.bath_flow**2))
        boards = write(Pipe(cool, warm, quadratic=t.bath_drop / t.bath_flow**2))
        facility = t.water_drop / t.water_flow**2
        cold = write(Pipe(t.node("supply"), t.node("return"), quadratic=facility, set_flow=shut(t)))
        exchange = write(
            Exchange(
                hot,
                cold,
                *films(t.conductance, t.film_balance),
                t.bath_flow,
                t.water_flow,
                exponent=t.film_exponent,
                fouling=wall_fouling(t, t.conductance),
                set_point=t.set_point,
                min_flow=t.min_opening * t.water_flow * t.in_service,
                max_flow=t.max_opening * t.water_flow * t.in_service,
            )
        )
        intake = write(Vent(t.room.inlet, t.node("exhaust")))
        path = CoolingPath(boards, cool, t.liquid_fraction, plate_spread=t.sink_resistance)
        rows = cls.engine(t, write, intake, path)
        write(Heat(boards, columns.engine.heat_liquid[rows]))
        s, duty = columns.stream, columns.exchange.duty[exchange]
        bath, supply, water = s.outlet[boards], s.outlet[hot], s.inlet[cold]
        required = t.min_flow * t.chip_scale * t.power_scale * t.in_service
        limit(t, write, limits.bath_temperature, bath, t.max_bath_temperature)
        limit(t, write, limits.rack_flow, s.flow[boards], required, engine=rows)
        limit(t, write, limits.tank_duty, duty, t.capacity)
        limit(t, write, limits.tank_water_flow, s.flow[cold], finite_or(t.max_water_flow, 1.1 * t.water_flow))
        limit(t, write, limits.set_point, supply, finite_or(t.set_point, np.inf) + HELD)
        stay_dry(t, write, water)
        allowable = coolant_class(t, write, "water_class", water, WATER, COLDEST_WATER)
        limit(t, write, limits.facility_water_class, water, allowable.hottest)
        limit(t, write, limits.facility_water_class_cold, water, allowable.coldest)
        report(t, write, "bath_temperature", bath, "dielectric leaving the boards")
        for name, value, text in (
            ("supply_temperature", supply, "dielectric to the boards"),
            ("duty", duty, "heat passed to facility water"),
            ("effectiveness", columns.exchange.effectiveness[exchange], "effectiveness of the exchanger"),
            ("facility_flow", s.flow[cold], "facility water flow"),
            ("facility_supply_temperature", water, "facility water in"),
            ("facility_return_temperature", s.outlet[cold], "facility water out"),
        ):
            report(t, write, name, value, text)
