# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own equipment
#
# What does it take to solve a hall with equipment that the program does not know? A new type is one class: its
# numbers with units, its ports, and `lower`, which writes what solvers know. Nothing else is edited. Two types
# follow, neither of which comes with the program: a tank in which boards hang in a dielectric, and a chiller that is
# driven by the heat of racks. Their numbers are round inputs of no maker.

# %%
from dataclasses import dataclass
from typing import ClassVar

import matplotlib.pyplot as plt
import numpy as np
from pydantic import Field

import twin
from twin import columns, fluids
from twin.columns import MAXIMUM, Column, LimitKind, limits
from twin.components import (
    CoolingPath,
    FluidName,
    Port,
    Pumped,
    Rack,
    Rejecter,
    Table,
    Write,
    derive,
    films,
    limit,
    reject,
    report,
)
from twin.elements import Anchor, Exchange, Heat, Medium, Pipe, Response, Vent
from twin.units import (
    Conductance,
    Fraction,
    MassFlow,
    Number,
    Power,
    Pressure,
    Temperature,
    TemperatureDifference,
    ThermalResistance,
    VolumeFlow,
)

# %% [markdown]
# ## A fluid
#
# Properties are polynomials in (T - centre) / scale, viscosity by its logarithm. What is not positive and finite
# between `min_temperature` and `max_temperature` is refused, and so is a layout that names a fluid which nobody added.

# %%
oil = fluids.add(
    fluids.Fluid(
        "oil",
        centre=313.15,
        scale=30.0,
        min_temperature=273.15,
        max_temperature=373.15,
        freezing=223.15,
        rho=(820.0, -20.0),
        cp=(2200.0, 100.0),
        log_mu=(np.log(8e-3), -0.9),
        k=(0.135, -0.003),
    )
)
print(f"at 40 degC: {oil.density(313.15):.0f} kg/m3, Prandtl number {oil.prandtl(313.15):.0f}")

# %% [markdown]
# ## A tank
#
# A tank is a `Rack`, so that chips, clocks, tokens and money are there, and it is `Pumped`, so that a pump is.
# `lower` sees all tanks of a layout at once: `t.capacity` is a column, (tank, scenario), and `t.node("supply")` the
# nodes of a port. `write` adds rows of an element and returns their numbers, by which others refer to them:
# `columns.stream.outlet[boards]` is the solved temperature of the bath.
#
# Limits and quantities of its own go into the ledger: a `Column` has a quantity of `twin.units`, a `LimitKind` a
# side. The rise of the bath is made of two solved columns by `derive`.


# %%
class bath:
    rise = Column("temperature_difference", "rise of the dielectric over the boards")


class bath_limits:
    bath_rise = LimitKind(MAXIMUM, "rise of the dielectric over the boards")
    bath_temperature = LimitKind(MAXIMUM, "dielectric leaving the boards")
    tank_duty = LimitKind(MAXIMUM, "heat that the tank's exchanger passes", layer="cooling")


class OilBath(Rack, Pumped):
    """Boards in a bath of dielectric, which a pump drives through a plate exchanger to facility water."""

    fluid: FluidName = Field("oil", description="the dielectric")
    liquid_fraction: Fraction = Field(0.97, ge=0, le=1, description="the rest leaves through the lid")
    bath_resistance: ThermalResistance = Field(0.03, ge=0, le=1, description="heat sink to bath, per chip")
    bath_drop: Pressure = Field(15e3, gt=0, description="boards at the pump's rated flow")
    exchanger_drop: Pressure = Field(25e3, gt=0, description="dielectric at the pump's rated flow")
    conductance: Conductance = Field(20e3, gt=0, description="UA of the exchanger at the rated flows")
    water_flow: MassFlow = Field(2.0, gt=0, description="rated, facility side")
    water_drop: Pressure = Field(40e3, gt=0)
    set_point: Temperature = Field(313.15, ge=275, le=340, description="dielectric to the boards")
    capacity: Power = Field(60e3, gt=0, description="of the exchanger")
    max_bath_temperature: Temperature = Field(333.15, ge=280, le=370)
    max_bath_rise: TemperatureDifference = Field(20.0, gt=0, le=60)
    min_flow: MassFlow = Field(2.0, ge=0, description="over the boards as laid out; grows with them")
    shutoff: Pressure = Field(150e3, gt=0)
    rated_flow: VolumeFlow = Field(4e-3, gt=0)
    head: Pressure = Field(30e3, gt=0)

    legend: ClassVar[str] = "immersion"
    ports: ClassVar[dict[str, Port]] = Rack.ports | {"supply": Port("coolant"), "return": Port("coolant")}

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        warm, driven, cool = t.inner("warm"), t.inner("driven"), t.inner("cool")
        rated = oil.density(t.set_point) * t.rated_flow
        write(Anchor(warm, np.full((t.n, 1), 120e3)))
        write(Medium(warm, t["fluid"]))
        cls.pump(t, write, Pipe(warm, driven, quadratic=0.01 * t.shutoff / rated**2))
        hot = write(Pipe(driven, cool, quadratic=t.exchanger_drop / rated**2))
        cold = write(Pipe(t.node("supply"), t.node("return"), quadratic=t.water_drop / t.water_flow**2))
        boards = write(Pipe(cool, warm, quadratic=t.bath_drop / rated**2))
        rated_both = (rated, t.water_flow)
        exchange = write(
            Exchange(
                hot, cold, *films(t.conductance, 0.3), *rated_both, set_point=t.set_point, max_flow=3 * t.water_flow
            )
        )
        path = CoolingPath(boards, cool, t.liquid_fraction, plate_spread=t.bath_resistance)
        racks = cls.engine(t, write, write(Vent(t.room.inlet, t.node("exhaust"))), path)
        write(Heat(boards, columns.engine.heat_liquid[racks]))

        s = columns.stream
        rise = derive(write, bath.rise, (s.outlet[boards], 1.0), (s.inlet[boards], -1.0))
        limit(t, write, bath_limits.bath_rise, rise, t.max_bath_rise)
        limit(t, write, bath_limits.bath_temperature, s.outlet[boards], t.max_bath_temperature)
        limit(t, write, bath_limits.tank_duty, columns.exchange.duty[exchange], t.capacity)
        limit(t, write, limits.rack_flow, s.flow[boards], t.min_flow * t.chip_scale, engine=racks)
        report(t, write, "bath_rise", rise, "rise of the dielectric over the boards")
        report(t, write, "bath_temperature", s.outlet[boards], "dielectric leaving the boards", picture="temperature")


# %% [markdown]
# A layout uses the type by its kind, and an entry of its `catalogue` gives a model its numbers.

# %%
tanks = """
version: 1
name: tanks
site: {dry_bulb: 25 degC}
catalogue:
  hgx_tank: {type: oil_bath, platform: h200, accelerators: 32, chip_power: 700 W, chip_idle: 75 W, hosts: 8,
             host_power: 350 W, other_power: 6 kW, nameplate: 40 kW, cords: 1, capital: 800 k$}
components:
  utility: {type: utility, voltage: 415 V, contract: 1 MW}
  hall: {type: room, ventilation: 3 m3/s}
  water: {type: expansion_tank}
  pump: {type: pump, shutoff: 200 kPa, rated_flow: 12 L/s, head: 90 kPa}
  dry: {type: dry_cooler, duty: 400 kW, air_flow: 40 m3/s, flow: 12 kg/s, fan_power: 15 kW, set_point: 32 degC}
repeat:
  - over: {k: 1..4}
    components:
      "tank{k}": {model: hgx_tank, room: hall}
    connections:
      - [power, utility.out, "tank{k}.feed"]
      - [coolant, dry.out, "tank{k}.supply"]
      - [coolant, "tank{k}.return", pump.in]
connections:
  - [power, utility.out, pump.feed]
  - [power, utility.out, dry.feed]
  - [coolant, water.port, pump.in]
  - [coolant, pump.out, dry.in]
"""
result = twin.solve(twin.load(tanks))
print(result.tightest())

# %% [markdown]
# The tank has variables along its own dimension, with units, and so in every file that is written.

# %%
result.dataset[["oil_bath_bath_temperature", "oil_bath_bath_rise"]]

# %% [markdown]
# ## How dense
#
# More chips in each tank: their heat grows, the flow that they need too, and the tank's own limits are searched with
# all others.

# %%
bound = result.bound
print(f"{bound.density / 1e3:.1f} kW per tank, {bound.scale:.3f} times today's, held by {bound.limit.name}")
for b in bound.table[:5]:
    print("  ".join(f"{text:20s}" for text in b.texts))

# %% [markdown]
# Fields of the type are addresses. A warmer bath warms the chips, and the dry cooler's fans rest.

# %%
set_point = np.linspace(308.15, 323.15, 31)
warmer = twin.solve(twin.load(tanks), {"oil_bath.set_point": set_point, "dry.set_point": set_point - 6.0})
data = warmer.dataset.isel(oil_bath=0)
figure, left = plt.subplots(figsize=(8, 4))
left.plot(set_point - 273.15, data["oil_bath_junction_temperature"] - 273.15, label="mean junction")
left.plot(set_point - 273.15, data["oil_bath_bath_temperature"] - 273.15, label="dielectric leaving")
left.set(xlabel="dielectric to the boards, degC", ylabel="degC")
right = left.twinx()
right.plot(set_point - 273.15, data["pue"], "k:", label="PUE")
right.set_ylabel("PUE")
_ = figure.legend(loc="upper center", ncols=3)
print(f"PUE {float(data['pue'][0]):.4f} at 35 degC, {float(data['pue'][-1]):.4f} at 50 degC")

# %% [markdown]
# ## A chiller that heat drives
#
# A unit that takes heat out of a stream has a law: an object with a `set_point` and a `respond`, which answers inlets
# with the line of its outlet, outlet = slope inlet + offset, and with what it takes. A law of a unit that heat drives
# is given that stream as well. `reject` writes the rest: what the unit draws, takes from the driving stream and gives
# to the cooling loop, its limit on capacity and its reports.
#
# Single-effect machines have a COP of about 0.7 [ASHRAE Handbook Refrigeration, ch. 18]; capacity here falls in a
# straight line to where the driving water is too cool.


# %%
@dataclass(frozen=True)
class Absorption:
    """Q = Q_r (T_g - T_0) / (T_r - T_0) at most, driven by Q / COP."""

    set_point: np.ndarray
    capacity: np.ndarray
    cop: np.ndarray
    driving: np.ndarray
    stops: np.ndarray
    effectiveness: np.ndarray
    power: np.ndarray

    def respond(self, inlet, flow, cp, sink, running=None, driver=None):
        hot = np.maximum(driver.inlet - self.stops, 0.0)
        supplied = self.cop * self.effectiveness * driver.flow * driver.cp * hot
        available = np.minimum(self.capacity * np.minimum(hot / (self.driving - self.stops), 1.2), supplied)
        required = np.maximum(flow * cp * (inlet - self.set_point), 0.0)
        duty, off = np.minimum(required, available), inlet <= self.set_point
        short = 1.0 - np.minimum(available / np.maximum(required, 1e-9), 1.0)
        return Response(
            slope=np.where(off, 1.0 - 1e-9, short),
            offset=np.where(off, 1e-9, 1.0 - short) * self.set_point,
            power=self.power * duty / self.capacity,
            water=0.0 * duty,
            loading=required / np.maximum(available, 1.0),
            running=1.0 * (duty > 0),
            speed=duty / self.capacity,
            warning=0.0 * duty,
            driven=duty / self.cop,
        )


class AbsorptionChiller(Rejecter):
    """A single-effect chiller between driving water, chilled water and a cooling loop."""

    capacity: Power = Field(150e3, gt=0, description="at the rated driving temperature")
    cop: Number = Field(0.7, gt=0, lt=1, description="0.65 to 0.75 single effect")
    driving: Temperature = Field(353.15, ge=330, le=400, description="driving water at the rating")
    stops: Temperature = Field(333.15, ge=300, le=370, description="driving water at which it stops")
    effectiveness: Fraction = Field(0.7, gt=0, le=1, description="of the generator")
    fan_power: Power = Field(2e3, ge=0, description="of its pumps")
    set_point: Temperature | None = Field(285.15, ge=275, le=300, description="leaving chilled water")
    side_flow: MassFlow = Field(20.0, gt=0, description="rated, of driving and cooling water")
    side_drop: Pressure = Field(50e3, gt=0)

    legend: ClassVar[str] = "heat-driven cooling"
    ports: ClassVar[dict[str, Port]] = Rejecter.ports | {
        name: Port("coolant") for name in ("cond_in", "cond_out", "gen_in", "gen_out")
    }

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        resistance = t.side_drop / t.side_flow**2
        sink = write(Pipe(t.node("cond_in"), t.node("cond_out"), quadratic=resistance))
        driver = write(Pipe(t.node("gen_in"), t.node("gen_out"), quadratic=resistance))
        law = Absorption(t.set_point, t.capacity, t.cop, t.driving, t.stops, t.effectiveness, t.fan_power)
        reject(t, write, cls.pipe(t, write), law, sink=sink, driver=driver)
        report(t, write, "driving_temperature", columns.stream.inlet[driver], "driving water entering")


# %%
heat_driven = """
version: 1
name: heat_driven
site: {dry_bulb: 20 degC}
components:
  utility: {type: utility, voltage: 415 V, contract: 2 MW}
  hall: {type: room, recirculation: 0, bypass: 0}
  absorber: {type: absorption_chiller}
  hot_water: {type: expansion_tank}
  hot_pump: {type: pump, shutoff: 400 kPa, rated_flow: 12 L/s, head: 180 kPa}
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
  - over: {fed: [hot_pump, cold_pump, sink_pump, absorber, hot_cooler, sink, handler]}
    connections:
      - [power, utility.out, "{fed}.feed"]
connections:
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
cooled = twin.solve(twin.load(heat_driven))
print(cooled.tightest())
duty, driven = (float(cooled[f"absorption_chiller_{x}"][0, 0]) for x in ("duty", "driving_heat"))
print(f"{duty / 1e3:.1f} kW of cold from {driven / 1e3:.1f} kW of heat; audit {cooled.figures.energy_audit[0]:.0e}")

# %% [markdown]
# Racks that return cooler water drive it less: it is loaded more and more, until it cannot carry the hall.

# %%
leaving = 273.15 + np.linspace(57.0, 66.0, 19)
swept = twin.solve(twin.load(heat_driven), {"hot_cooler.set_point": leaving})
unit = swept.dataset.isel(absorption_chiller=0)
figure, axes = plt.subplots(figsize=(8, 4))
axes.plot(unit["absorption_chiller_driving_temperature"] - 273.15, unit["absorption_chiller_loading"], "o-")
axes.axhline(1.0, color="0.6", lw=1)
_ = axes.set(xlabel="driving water, degC", ylabel="required over available cold")
print(f"{int((unit['status'] == 0).sum())} of {len(leaving)} have a steady state; without: {unit['reason'].values[0]}")

# %% [markdown]
# ## For everyone
#
# In a package of its own the types are known to every layout and to the command line. Its `pyproject.toml` says where
# they are, and where catalogue entries are that have units, kinds and sources as those in `layouts/hardware`:
#
# ```toml
# [project.entry-points."aifactory_twin.components"]
# tanks = "our_tanks.types"        # a module: importing it defines the classes
#
# [project.entry-points."aifactory_twin.catalogue"]
# tanks = "our_tanks.entries"      # a package with .yaml files
# ```
#
# After `pip install our-tanks`, `twin solve tanks.yaml` works as it does for what is shipped; results name the
# package and its version. A package that cannot be imported, or takes a name that is taken, is one line that says so.

# %% [markdown]
# **So: one class and one catalogue entry; solver, limits, density, pictures and the command line then treat the new
# equipment as what is shipped.**
