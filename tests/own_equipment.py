"""Equipment that the package does not know: one class each, with numbers of unnamed makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from twin import columns, fluids
from twin.columns import MAXIMUM, Array, Column, LimitKind, Total, limits, totals
from twin.components import (
    Component,
    Conductor,
    CoolingPath,
    Crah,
    FluidName,
    Port,
    Pumped,
    Rack,
    Rejecter,
    Table,
    Write,
    constant,
    derive,
    draw,
    films,
    limit,
    price,
    reject,
    report,
    warm_room,
)
from twin.elements import Anchor, Cooler, Driver, Exchange, Heat, Medium, Pipe, Response, Vent
from twin.units import (
    Conductance,
    Fraction,
    Length,
    MassFlow,
    Number,
    Power,
    Pressure,
    ResistancePerLength,
    Temperature,
    TemperatureDifference,
    ThermalResistance,
    Voltage,
    VolumeFlow,
)

DENSITY = 820.0
OIL = fluids.add(
    fluids.Fluid(
        # Round class values of an unnamed synthetic hydrocarbon; inputs of a test, no one's data sheet.
        "immersion_oil",
        centre=313.15,
        scale=30.0,
        min_temperature=273.15,
        max_temperature=373.15,
        freezing=223.15,
        rho=(DENSITY, -20.0),
        cp=(2200.0, 100.0),
        log_mu=(np.log(8e-3), -0.9),
        k=(0.135, -0.003),
    )
)


# ---- a tank of dielectric ----------------------------------------------------------------------------------------


class bath:
    """What a bath adds to the ledger."""

    rise = Column("temperature_difference", "rise of the dielectric over the boards")
    flow = Column("volume_flow", "dielectric over the boards")


class bath_limits:
    """Its limits."""

    bath_temperature = LimitKind(MAXIMUM, "dielectric leaving the boards")
    bath_rise = LimitKind(MAXIMUM, "rise of the dielectric over the boards")
    bath_flow = LimitKind(MAXIMUM, "dielectric that the tank's weir passes")
    bath_duty = LimitKind(MAXIMUM, "heat that the tank's exchanger passes", "cooling", "{kind}_duty")


class OilBath(Rack, Pumped):
    """Boards in a bath of dielectric, which a pump drives through a plate exchanger; chips give their heat to it.

    The case of a chip is warmer than the bath by its heat sink's resistance; the bath warms by P / (m cp).
    """

    fluid: FluidName = Field("immersion_oil", description="the dielectric, a name of `twin.fluids`")
    bath_resistance: ThermalResistance = Field(0.03, ge=0, le=1, description="heat sink to bath; class value, an input")
    liquid_fraction: Fraction = Field(0.97, ge=0, le=1, description="the rest leaves the lid; class value, an input")
    bath_drop: Pressure = Field(15e3, gt=0, description="boards and weir at the pump's rated flow; an input")
    exchanger_drop: Pressure = Field(25e3, gt=0, description="of the dielectric at the pump's rated flow; an input")
    conductance: Conductance = Field(20e3, gt=0, description="UA of the exchanger at the rated flows; an input")
    film_balance: Number = Field(0.3, gt=0, le=100, description="film of the dielectric over that of water; an input")
    water_flow: MassFlow = Field(2.0, gt=0, description="rated, facility side")
    water_drop: Pressure = Field(40e3, gt=0, description="exchanger and open valve at rated flow")
    set_point: Temperature | None = Field(313.15, ge=275, le=340, description="dielectric to the boards")
    capacity: Power = Field(120e3, gt=0, description="of the exchanger")
    max_bath_temperature: Temperature = Field(333.15, ge=280, le=370, description="class value; the maker's, if known")
    max_bath_rise: TemperatureDifference = Field(20.0, gt=0, le=60)
    max_bath_flow: VolumeFlow = Field(6e-3, gt=0)
    min_flow: MassFlow = Field(1.0, ge=0, description="over the boards as laid out")
    shutoff: Pressure = Field(150e3, gt=0)
    rated_flow: VolumeFlow = Field(4e-3, gt=0)
    head: Pressure = Field(30e3, gt=0)

    kind: ClassVar[str] = "oil_bath"
    dimension: ClassVar[str] = "oil_bath"
    legend: ClassVar[str] = "immersion"
    ports: ClassVar[dict[str, Port]] = Rack.ports | {"supply": Port("coolant"), "return": Port("coolant")}
    box: ClassVar[tuple[float, float, float]] = (2.4, 1.1, 1.4)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        warm, driven, cool = t.inner("warm"), t.inner("driven"), t.inner("cool")
        rated = 1000.0 * t.rated_flow
        write(Anchor(warm, 120e3 + 0 * t.capacity))
        write(Medium(warm, t["fluid"]))
        cls.pump(t, write, Pipe(warm, driven, quadratic=0.01 * t.shutoff / rated**2))
        hot = write(Pipe(driven, cool, quadratic=t.exchanger_drop / rated**2))
        cold = write(Pipe(t.node("supply"), t.node("return"), quadratic=t.water_drop / t.water_flow**2))
        boards = write(Pipe(cool, warm, quadratic=t.bath_drop / rated**2))
        film = films(t.conductance, t.film_balance)
        exchange = write(
            Exchange(hot, cold, *film, DENSITY * t.rated_flow, t.water_flow, set_point=t.set_point,
                     min_flow=0.02 * t.water_flow, max_flow=3.0 * t.water_flow)
        )  # fmt: skip
        intake = write(Vent(t.room.inlet, t.node("exhaust")))
        path = CoolingPath(boards, cool, t.liquid_fraction, plate_spread=t.bath_resistance)
        rows = cls.engine(t, write, intake, path)
        write(Heat(boards, columns.engine.heat_liquid[rows]))
        s, duty = columns.stream, columns.exchange.duty[exchange]
        rise = derive(write, bath.rise, (s.outlet[boards], 1.0), (s.inlet[boards], -1.0))
        flow = derive(write, bath.flow, (s.flow[boards], 1.0 / DENSITY))
        limit(t, write, limits.rack_flow, s.flow[boards], t.min_flow * t.chip_scale, engine=rows)
        limit(t, write, bath_limits.bath_temperature, s.outlet[boards], t.max_bath_temperature)
        limit(t, write, bath_limits.bath_rise, rise, t.max_bath_rise)
        limit(t, write, bath_limits.bath_flow, flow, t.max_bath_flow)
        limit(t, write, bath_limits.bath_duty, duty, t.capacity)
        report(t, write, "duty", duty, "heat passed to facility water")
        report(t, write, "bath_rise", rise, "rise of the dielectric over the boards")
        report(t, write, "bath_flow", flow, "dielectric over the boards")
        report(t, write, "bath_temperature", s.outlet[boards], "dielectric leaving the boards")


# ---- a chiller that heat drives ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Absorption:
    """Single-effect machines in parallel: Q = Q_r (T_g - T_g0) / (T_gr - T_g0) [1 - b (T_c - T_cr)], driven by Q / COP.

    T_g is the driving water, T_g0 where the machine stops, T_c the cooling water; the generator takes no more than
    `effect` of what cools that water to T_g0. All (n, 1|S): temperatures [K], capacity and power [W], b [1/K].
    """

    set_point: Array
    capacity: Array
    count: Array
    cop: Array
    driving: Array
    stops: Array
    cooling: Array
    fade: Array
    effect: Array
    power: Array

    def respond(self, inlet, flow, cp, sink, running=None, driver: Driver | None = None) -> Response:
        assert driver is not None
        hot = np.maximum(driver.inlet - self.stops, 0.0)
        thin = np.clip(1.0 - self.fade * (sink - self.cooling), 0.0, 1.2)
        one = self.capacity * np.minimum(hot / (self.driving - self.stops), 1.2) * thin
        supplied = self.cop * self.effect * driver.flow * driver.cp * hot
        available = np.minimum(self.count * one, supplied)
        required = np.maximum(flow * cp * (inlet - self.set_point), 0.0)
        duty = np.minimum(required, available)
        off = inlet <= self.set_point - 1e-6
        short = np.where(required > available, 1.0 - available / np.maximum(required, 1e-9), 0.0)
        part = duty / np.maximum(self.count * self.capacity, 1e-9)
        return Response(
            slope=np.where(off, 1.0 - 1e-9, short),
            offset=np.where(off, 1e-9, 1.0 - short) * self.set_point,
            power=self.count * self.power * part,
            water=0.0 * duty,
            loading=np.where(required > 0, required / np.maximum(available, 1e-3 * required + 1e-9), 0.0),
            running=np.where(duty > 0, np.ceil(part * self.count), 0.0),
            speed=part,
            warning=1.0 * ((duty > 0) & (driver.inlet < self.stops + 2.0)),
            driven=duty / self.cop,
        )


class AbsorptionChiller(Rejecter):
    """A single-effect lithium-bromide chiller that hot water drives, COP 0.7 [ASHRAE Handbook Refrigeration, ch. 18].

    Its cooling loop takes the chilled water's heat, the driving heat and the pumps' power.
    """

    capacity: Power = Field(200e3, gt=0, description="of one unit at the rating")
    cop: Number = Field(0.7, gt=0, lt=1, description="0.65 to 0.75 single effect [ASHRAE Refrigeration, ch. 18]")
    driving: Temperature = Field(353.15, ge=330, le=400, description="driving water at the rating; class value")
    stops: Temperature = Field(333.15, ge=300, le=370, description="driving water at which it stops; class value")
    cooling: Temperature = Field(303.15, ge=280, le=320, description="cooling water at the rating")
    fade: Number = Field(0.03, ge=0, le=0.2, description="capacity lost per kelvin of warmer cooling water; an input")
    generator: Fraction = Field(0.7, gt=0, le=1, description="effectiveness of the generator; an input")
    fan_power: Power = Field(2e3, ge=0, description="solution and refrigerant pumps of one unit")
    hot_flow: MassFlow = Field(10.0, gt=0, description="rated, one unit")
    hot_drop: Pressure = Field(40e3, gt=0)
    cooling_flow: MassFlow = Field(25.0, gt=0, description="rated, one unit")
    cooling_drop: Pressure = Field(50e3, gt=0)
    set_point: Temperature | None = Field(283.15, ge=275, le=300, description="leaving chilled water")

    legend: ClassVar[str] = "heat-driven cooling"
    ports: ClassVar[dict[str, Port]] = Rejecter.ports | {
        name: Port("coolant") for name in ("cond_in", "cond_out", "gen_in", "gen_out")
    }

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        side = lambda start, end, drop, flow: write(  # noqa: E731
            Pipe(t.node(start), t.node(end), quadratic=drop / (t.units * flow) ** 2)
        )
        sink = side("cond_in", "cond_out", t.cooling_drop, t.cooling_flow)
        driver = side("gen_in", "gen_out", t.hot_drop, t.hot_flow)
        law = Absorption(
            t.set_point, t.capacity, t.units, t.cop, t.driving, t.stops, t.cooling, t.fade, t.generator, t.fan_power
        )
        rows = reject(t, write, cls.pipe(t, write), law, sink=sink, driver=driver)
        report(t, write, "driving_temperature", columns.stream.inlet[driver], "driving water entering")
        limit(t, write, limits.coolant_supply, columns.stream.inlet[sink], t.cooling + 10.0)
        assert len(rows) == t.n


# ---- a rear door that is a chiller -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compression:
    """A compressor that holds the air behind a rack: P = Q / COP, COP = share of T_e / (T_c - T_e)."""

    set_point: Array
    capacity: Array
    share: Array
    approach: Array

    def respond(self, inlet, flow, cp, sink, running=None) -> Response:
        required = np.maximum(flow * cp * (inlet - self.set_point), 0.0)
        duty, off = np.minimum(required, self.capacity), inlet <= self.set_point
        cold, warm = self.set_point - self.approach, sink + self.approach
        cop = self.share * cold / np.maximum(warm - cold, 5.0)
        short = np.where(required > self.capacity, 1.0 - self.capacity / np.maximum(required, 1e-9), 0.0)
        slope, offset = np.where(off, 1.0 - 1e-9, short), np.where(off, 1e-9, 1.0 - short) * self.set_point
        part, zero = duty / self.capacity, 0.0 * duty
        return Response(slope, offset, duty / cop, zero, required / self.capacity, 1.0 * (duty > 0), part, zero)


class ChillerDoor(Component):
    """A rear door with a compressor of its own, which gives its heat to a water loop."""

    capacity: Power = Field(30e3, gt=0)
    set_point: Temperature = Field(297.15, ge=280, le=320, description="air behind the door")
    carnot: Fraction = Field(0.4, gt=0, le=0.8, description="COP over Carnot's; class value, an input")
    approach: TemperatureDifference = Field(8.0, gt=0, le=20, description="on both sides; class value, an input")
    water_flow: MassFlow = Field(1.0, gt=0, description="rated")
    water_drop: Pressure = Field(30e3, gt=0)

    legend: ClassVar[str] = "air handling"
    heading: ClassVar[str] = "cooling"
    shapes_air: ClassVar = "nothing"
    cools_room: ClassVar[bool] = True
    set_point_role: ClassVar = "air"
    box: ClassVar[tuple[float, float, float]] = (0.6, 0.4, 2.2)
    ports: ClassVar[dict[str, Port]] = {
        "inlet": Port("air"),
        "cond_in": Port("coolant"),
        "cond_out": Port("coolant"),
        "feed": Port("power", cords=True),
    }

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        water = write(Pipe(t.node("cond_in"), t.node("cond_out"), quadratic=t.water_drop / t.water_flow**2))
        air = write(Vent(t.node("inlet"), t.room.exhaust))
        rows = write(Cooler(air, water, Compression(t.set_point, t.capacity, t.carnot, t.approach)))
        write(Heat(water, columns.cooler.rejected[rows]))
        draw(t, write, columns.cooler.power[rows], totals.air_handling)
        limit(t, write, limits.capacity, columns.cooler.loading[rows], 1.0)
        report(t, write, "duty", columns.cooler.duty[rows], "heat taken from the rack's air")
        report(t, write, "power", columns.cooler.power[rows], "compressor power", picture="power")
        report(t, write, "outlet", columns.stream.outlet[air], "air behind the door", picture="temperature")
        price(t, write)


# ---- a busway of another make ------------------------------------------------------------------------------------


class rail:
    """What a rail adds to the ledger."""

    joint = Column("temperature", "warmest joint")
    drop = Column("voltage", "voltage lost along the rail")


JOINT = LimitKind(MAXIMUM, "warmest joint of a rail", name="joint_temperature")
DROP = LimitKind(MAXIMUM, "voltage lost along a rail", name="rail_voltage_drop")


class PowerRail(Conductor):
    """A DC rail whose joints warm by their share of its loss, above the air that stands around it."""

    voltage: Voltage = Field(800.0, gt=0)
    length: Length = Field(15.0, gt=0)
    resistance: ResistancePerLength = Field(7.5e-6, ge=0)
    joint_resistance: ThermalResistance = Field(0.02, gt=0, le=10, description="of the joints, per loss of the rail")
    max_joint_temperature: Temperature = Field(363.15, ge=300, le=420, description="class value; an input")
    max_drop: Voltage = Field(16.0, gt=0, description="2 % of 800 V")
    direct: ClassVar[bool] = True

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        rows = cls.line(t, write)
        around = columns.node.temperature[t.room.exhaust]
        joint = derive(write, rail.joint, (around, 1.0), (columns.line.loss[rows], t.joint_resistance))
        ends = (columns.bus.voltage[t.node(port)] for port in ("in", "out"))
        drop = derive(write, rail.drop, *((end, sign * t.voltage) for end, sign in zip(ends, (1.0, -1.0), strict=True)))
        limit(t, write, JOINT, joint, t.max_joint_temperature)
        limit(t, write, DROP, drop, t.max_drop)
        report(t, write, "joint_temperature", joint, "warmest joint", picture="temperature")
        report(t, write, "voltage_drop", drop, "voltage lost along the rail")


# ---- small ones --------------------------------------------------------------------------------------------------


class RowCooler(Crah):
    """A cooler between racks, under a dimension of its own."""

    kind: ClassVar[str] = "row_cooler"
    dimension: ClassVar[str] = "row_cooler"
    legend: ClassVar[str] = "in-row cooling"


class gas_totals:
    """A heading of its own."""

    humidifiers = Total("steam humidifiers", "cooling_power")


class Steamer(Component):
    """A steam humidifier: a stated power under a heading of its own, which warms its room."""

    power: Power = Field(100e3, ge=0)
    ports: ClassVar[dict[str, Port]] = {"feed": Port("power", cords=True)}

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        power = constant(write, t.power)
        draw(t, write, power, gas_totals.humidifiers)
        warm_room(t, write, power)


TYPES = (OilBath, AbsorptionChiller, ChillerDoor, PowerRail, RowCooler, Steamer)
__all__ = ["OIL", "TYPES"]


# ---- layouts -----------------------------------------------------------------------------------------------------

TANKS = """
version: 1
name: tanks
description: Oil baths on DC rails, cooled by a dry cooler
site: {dry_bulb: 25 degC}
serving:
  mode: physics
  input_tokens: 8192
  interactivity: 40
  agents: {turns: 4, hit_rate: 50 %, tool_time: 5 s, users: 2000, think_time: 30 s}
catalogue:
  hgx_tank:
    type: oil_bath
    platform: h200
    accelerators: 32
    chip_power: 700 W
    chip_idle: 75 W
    hosts: 8
    host_power: 350 W
    other_power: 6 kW
    nameplate: 40 kW
    capital: 800 k$
    cords: 1
components:
  utility: {type: utility, voltage: 415 V, contract: 1 MW, at: [0 m, -6 m, 0 m]}
  rect: {type: rectifier, rating: 400 kW, room: hall}
  rail: {type: power_rail, ampacity: 500 A, room: hall, at: [0 m, 4 m, 3 m], size: [12 m, 0.3 m, 0.2 m]}
  hall: {type: room, at: [0 m, 0 m, 0 m], length: 14 m, width: 8 m, ventilation: 3 m3/s}
  steam: {type: steamer, power: 2 kW, room: hall}
  water: {type: expansion_tank}
  pump: {type: pump, shutoff: 200 kPa, rated_flow: 12 L/s, head: 90 kPa}
  dry: {type: dry_cooler, duty: 400 kW, air_flow: 40 m3/s, flow: 12 kg/s, fan_power: 15 kW, set_point: 32 degC,
        at: [18 m, 0 m, 0 m]}
repeat:
  - over: {k: 1..4}
    components:
      "tank{k}": {model: hgx_tank, room: hall, at: ["{(k - 1) * 3} m", 1 m, 0 m]}
    connections:
      - [power, rail.out, "tank{k}.feed"]
      - [coolant, dry.out, "tank{k}.supply"]
      - [coolant, "tank{k}.return", pump.in]
connections:
  - [power, utility.out, rect.in]
  - [power, rect.out, rail.in]
  - [power, utility.out, pump.feed]
  - [power, utility.out, dry.feed]
  - [power, utility.out, steam.feed]
  - [coolant, water.port, pump.in]
  - [coolant, pump.out, dry.in]
"""
"""Tanks, a rail, a humidifier: chips, tokens, agents, money, a picture."""

HEAT = """
version: 1
name: heat_driven
description: Warm-water racks drive an absorption chiller that cools the air of a hall
site: {dry_bulb: 20 degC}
catalogue:
  single_effect: {type: absorption_chiller, capacity: 150 kW, set_point: 12 degC}
components:
  utility: {type: utility, voltage: 415 V, contract: 2 MW}
  hall: {type: room, recirculation: 0, bypass: 0}
  hot_water: {type: expansion_tank}
  hot_pump: {type: pump, shutoff: 400 kPa, rated_flow: 12 L/s, head: 180 kPa}
  absorber: {model: single_effect}
  hot_cooler: {type: dry_cooler, duty: 900 kW, water_in: 80 degC, water_out: 65 degC, air_in: 35 degC,
               air_flow: 40 m3/s, flow: 12 kg/s, set_point: 65 degC}
  cold_water: {type: expansion_tank}
  cold_pump: {type: pump, shutoff: 200 kPa, rated_flow: 5 L/s, head: 120 kPa}
  handler: {type: crah, units: 4, room: hall, set_point: 22 degC, conductance: 8 kW/K, capacity: 60 kW,
            air_flow: 4 m3/s, water_flow: 2 kg/s}
  sink_water: {type: expansion_tank}
  sink_pump: {type: pump, shutoff: 450 kPa, rated_flow: 25 L/s, head: 120 kPa}
  sink: {type: dry_cooler, duty: 600 kW, water_in: 36 degC, water_out: 30 degC, air_in: 22 degC, air_flow: 80 m3/s,
         flow: 25 kg/s, set_point: 28 degC}
repeat:
  - over: {r: 1..8}
    components:
      "r{r}": {type: liquid_rack, it_power: 70 kW, nameplate: 80 kW, room: hall, air_flow: 1 m3/s, cords: 1,
               max_supply_temperature: 70 degC, max_return_temperature: 86 degC, rated_flow: 1.2 kg/s}
    connections:
      - [power, utility.out, "r{r}.feed"]
      - [coolant, hot_pump.out, "r{r}.supply"]
      - [coolant, "r{r}.return", absorber.gen_in]
connections:
  - [power, utility.out, hot_pump.feed]
  - [power, utility.out, cold_pump.feed]
  - [power, utility.out, sink_pump.feed]
  - [power, utility.out, absorber.feed]
  - [power, utility.out, hot_cooler.feed]
  - [power, utility.out, sink.feed]
  - [power, utility.out, handler.feed]
  - [coolant, absorber.gen_out, hot_cooler.in]
  - [coolant, hot_cooler.out, hot_pump.in]
  - [coolant, hot_water.port, hot_pump.in]
  - [coolant, cold_pump.out, absorber.in]
  - [coolant, absorber.out, handler.supply]
  - [coolant, handler.return, cold_pump.in]
  - [coolant, cold_water.port, cold_pump.in]
  - [coolant, sink_pump.out, absorber.cond_in]
  - [coolant, absorber.cond_out, sink.in]
  - [coolant, sink.out, sink_pump.in]
  - [coolant, sink_water.port, sink_pump.in]
"""
"""A chiller that racks drive with their heat."""

AIR = """
version: 1
name: own_air
description: Two air-cooled racks, one behind a door with a compressor, before an in-row cooler
site: {dry_bulb: 5 degC}
components:
  grid: {type: utility, voltage: 415 V, contract: 1 MW}
  hall: {type: room, at: [10 m, 5 m, 0 m], length: 6 m, width: 2 m, height: 2.8 m, recirculation: 0.1, bypass: 0.1}
  r1: {type: rack, it_power: 8 kW, nameplate: 20 kW, air_flow: 0.8 m3/s, air_rise: 10 K, cords: 1, room: hall,
       facing: "-x", size: [1 m, 0.8 m, 2 m], at: [13 m, 5.2 m, 0 m]}
  r2: {type: rack, it_power: 6 kW, nameplate: 20 kW, air_flow: 0.8 m3/s, air_rise: 10 K, cords: 1, room: hall,
       facing: "-x", size: [1 m, 0.8 m, 2 m], at: [13 m, 6 m, 0 m]}
  door: {type: chiller_door, set_point: 24 degC, room: hall, at: [14 m, 5.2 m, 0 m], size: [0.4 m, 0.8 m, 2 m]}
  cooler: {type: row_cooler, air_flow: 2 m3/s, capacity: 60 kW, conductance: 6 kW/K, water_flow: 2 kg/s,
           set_point: 20 degC, facing: "+x", size: [0.6 m, 1.6 m, 1.6 m], at: [10.4 m, 5.2 m, 0 m], room: hall}
  tank: {type: expansion_tank}
  pump: {type: pump, control: head, head: 90 kPa}
  dry: {type: dry_cooler, set_point: 8 degC}
connections:
  - [power, grid.out, r1.feed]
  - [power, grid.out, r2.feed]
  - [power, grid.out, door.feed]
  - [power, grid.out, cooler.feed]
  - [power, grid.out, pump.feed]
  - [power, grid.out, dry.feed]
  - [air, r1.exhaust, door.inlet]
  - [coolant, dry.out, cooler.supply]
  - [coolant, cooler.return, pump.in]
  - [coolant, dry.out, door.cond_in]
  - [coolant, door.cond_out, pump.in]
  - [coolant, pump.out, dry.in]
  - [coolant, tank.port, pump.in]
"""
"""A door and an in-row cooler in a room whose air can be computed."""
LAYOUTS = {"tanks": TANKS, "heat": HEAT, "air": AIR}
