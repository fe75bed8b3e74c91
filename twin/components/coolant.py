"""Pipes, valves, bypasses, expansion tanks and pumps."""

from dataclasses import replace
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field, GetJsonSchemaHandler

from twin import columns
from twin.columns import Array, Index, Total, limits, totals
from twin.components.base import (
    Component,
    InService,
    Look,
    Port,
    Table,
    Write,
    draw,
    limit,
    price,
    report,
    shut,
    warm_room,
)
from twin.elements import NAN, Anchor, Bypass, Heat, Loss, Medium, Pipe, Pump
from twin.fluids import FLUIDS
from twin.units import Conductance, Fraction, Length, Number, Pressure, Velocity, VolumeFlow

RANGEABILITY = 50.0
SEAT, LEAKAGE = 0.05, 1e-4
"""Opening from which a valve shuts in a straight line, and what passes it shut, both over fully open."""

RATING_DENSITY = 1000.0
"""Of the water with which valves and their like are rated, kg/m3 [IEC 60534-2-1, relative density]."""

SLACK = 1e-3
"""Share of its minimum flow by which a bypass may fall short: that is how well it is held."""

BORE = np.pi / 4.0
"""Cross-section of a `Pipe` that states no diameter, to which its zeta refers, m2."""


def rated_zeta(drop: float | Array, flow: Array) -> Array:
    """Zeta of what loses `drop` [Pa] at `flow` [m3/s] of water of 1000 kg/m3: dp = drop rho / 1000 (Q / flow)²."""
    return 2.0 * BORE**2 * drop / (RATING_DENSITY * flow**2)


def _fluid(name: str) -> str:
    if name not in FLUIDS:
        close = get_close_matches(name, FLUIDS, 1, 0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"no fluid {name!r}; {hint}there are {', '.join(FLUIDS)}")
    return name


class _Choice:
    """Shows editors the fluids that are known when a schema is made."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "enum": list(FLUIDS)}


FluidName = Annotated[str, AfterValidator(_fluid), _Choice()]
"""A coolant by its name in `twin.fluids`; `twin.fluids.add` makes others known."""


class CoolantPipe(Component):
    """A straight run with fittings; Darcy-Weisbach with Churchill's friction factor; loses heat to its room."""

    in_service: InService = True
    length: Length = Field(10.0, gt=0, description="of the run")
    diameter: Length = Field(0.1, gt=0, description="inside")
    roughness: Length = Field(4.5e-5, ge=0, description="of the wall; 0.045 mm is drawn steel")
    zeta: Number = Field(0.0, ge=0, description="sum of fitting loss coefficients")
    wall_conductance: Conductance = Field(0.0, ge=0, description="whole pipe to the air of its room")
    max_velocity: Velocity = Field(2.4, gt=0, description="limit of the mean velocity")
    ports: ClassVar[dict[str, Port]] = {"in": Port("coolant"), "out": Port("coolant")}
    heading: ClassVar[str] = "cooling"
    legend: ClassVar[str] = "cooling plant"
    look: ClassVar[Look] = "run"
    kind: ClassVar[str] = "pipe"
    dimension: ClassVar[str] = "pipe"

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        shape = {"length": t.length, "diameter": t.diameter, "roughness": t.roughness, "zeta": t.zeta}
        rows = write(Pipe(t.node("in"), t.node("out"), **shape, set_flow=shut(t)))
        write(Loss(rows, t.room.exhaust, t.wall_conductance))
        report(t, write, "flow", columns.stream.flow[rows], "coolant flow")
        report(t, write, "velocity", columns.pipe.velocity[rows], "mean coolant velocity")
        limit(t, write, limits.loop_velocity, columns.pipe.velocity[rows], t.max_velocity)
        price(t, write)


class Valve(Component):
    """Equal-percentage valve K_v(y) = K_vs R^(y-1), R = 50, or a pressure-independent flow setting.

    dp = 1 bar (rho / 1000 kg/m3) (Q / K_v)² with the density of what flows [IEC 60534-2-1, turbulent flow]. Below an
    opening of SEAT the plug closes on its seat: K_v falls in a straight line to the leakage.
    """

    in_service: InService = True
    flow_coefficient: VolumeFlow = Field(100 / 3600.0, gt=0, description="K_vs: flow at 1 bar, fully open")
    opening: Fraction = Field(1.0, ge=0, le=1, description="share of fully open")
    flow_limiter: VolumeFlow | None = Field(None, ge=0, description="pressure-independent flow setting")
    ports: ClassVar[dict[str, Port]] = {"in": Port("coolant"), "out": Port("coolant")}
    heading: ClassVar[str] = "cooling"
    legend: ClassVar[str] = "cooling plant"
    look: ClassVar[Look] = "run"

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        curve = RANGEABILITY ** (np.maximum(t.opening, SEAT) - 1.0)
        factor = t.flow_coefficient * np.maximum(curve * np.minimum(t.opening / SEAT, 1.0), LEAKAGE)
        rows = write(Pipe(t.node("in"), t.node("out"), zeta=rated_zeta(1e5, factor), set_flow=shut(t, t.flow_limiter)))
        report(t, write, "flow", columns.stream.flow[rows], "coolant flow")
        price(t, write)


class MinimumFlowBypass(Component):
    """A line that opens just enough for what its outlet joins to carry `min_flow` or more."""

    in_service: InService = True
    min_flow: VolumeFlow = Field(0.1, gt=0, description="that it keeps up")
    drop: Pressure = Field(20e3, gt=0, description="wide open, at the minimum flow of water of 1000 kg/m3")
    ports: ClassVar[dict[str, Port]] = {"in": Port("coolant"), "out": Port("coolant")}
    heading: ClassVar[str] = "cooling"
    legend: ClassVar[str] = "cooling plant"
    look: ClassVar[Look] = "none"
    kind: ClassVar[str] = "bypass"
    dimension: ClassVar[str] = "bypass"

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        zero, required = 0.0 * t.min_flow, t.min_flow * t.in_service
        rows = write(Pipe(t.node("in"), t.node("out"), zeta=rated_zeta(t.drop, t.min_flow), set_flow=zero))
        bypass = write(Bypass(rows, required))
        report(t, write, "flow", columns.stream.flow[rows], "flow past the consumers")
        limit(t, write, limits.bypass_flow, columns.bypass.received[bypass], (1.0 - SLACK) * t.min_flow)
        price(t, write)


class ExpansionTank(Component):
    """Gives a closed loop its pressure and names its fluid."""

    pressure: Pressure = Field(200e3, gt=0, description="absolute")
    fluid: FluidName = Field("water", description="a name of `twin.fluids`")
    holds_pressure: ClassVar[bool] = True
    ports: ClassVar[dict[str, Port]] = {"port": Port("coolant")}
    heading: ClassVar[str] = "cooling"
    legend: ClassVar[str] = "cooling plant"
    look: ClassVar[Look] = "tank"

    def fills(self) -> dict[str, str]:
        return {"port": self.fluid}

    def holds(self) -> dict[str, float]:
        return {"port": self.pressure}

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        write(Anchor(t.node("port"), t.pressure))
        write(Medium(t.node("port"), t["fluid"]))
        price(t, write)


class Pumped(Component):
    """Parallel equal pumps: p = s² p0 (1 - a x² - b x⁴), x = Q/(n s Qr); heat to the fluid = shaft power.

    The smallest number runs that carries the flow, each below `stage_up` times its rated flow and able to hold the
    head at full speed.
    """

    abstract: ClassVar[bool] = True
    in_service: InService = True
    shutoff: Pressure = Field(300e3, gt=0, description="pressure rise at zero flow, full speed")
    rated_flow: VolumeFlow = Field(0.03, gt=0, description="per pump")
    quadratic: Number = Field(0.5, ge=0, le=2, description="a: fall of the curve at rated flow")
    quartic: Number = Field(0.1, ge=0, le=2, description="b: that with the fourth power of the flow")
    max_speed: Fraction = Field(1.0, gt=0, le=1.2, description="over nominal")
    pump_efficiency: Fraction = Field(0.75, gt=0, le=1, description="hydraulic over shaft power")
    drive_efficiency: Fraction = Field(0.90, gt=0, le=1, description="motor times converter")
    pumps: int = Field(1, ge=1, le=64, description="installed")
    min_pumps: int = Field(1, ge=1, le=64, description="kept running")
    stage_up: Fraction = Field(1.2, gt=0, le=4, description="flow over rated flow at which the next pump starts")
    control: Literal["speed", "head", "flow"] = Field("head", description="what the pumps hold")
    head: Pressure = Field(150e3, gt=0, description="pressure rise held by `control: head`")
    flow: VolumeFlow | None = Field(None, gt=0, description="flow held by `control: flow`")
    suction_head: Pressure = Field(
        30e3, ge=0, description="net positive suction head that is required (NPSHr), as pressure; 20 to 60 kPa"
    )

    def check(self, name: str) -> list[str]:
        faults = super().check(name)
        if self.quadratic + self.quartic <= 0:
            faults.append(f"{name}: quadratic: the pump curve has zero slope; give a fall at rated flow above 0")
        if self.quadratic + self.quartic >= 2:
            faults.append(f"{name}: quadratic: the pump curve is negative at rated flow")
        if self.control == "flow" and self.flow is None:
            faults.append(f"{name}: flow: `control: flow` needs a flow")
        if self.control == "head" and self.head > self.shutoff * self.max_speed**2:
            faults.append(f"{name}: head: {self.head:g} Pa is above the shut-off head {self.shutoff:g} Pa")
        if self.min_pumps > self.pumps:
            faults.append(f"{name}: min_pumps: {self.min_pumps} is more than the {self.pumps} installed")
        return faults

    @classmethod
    def pump(
        cls, t: Table, write: Write, inside: Pipe, heading: Total = totals.pumps, power_name: str = "pump_power"
    ) -> Index:
        """Write the pumps of a table into the pipe that has their internal drop; returns pipe rows.

        power_name: of the report of their power.
        """
        controls = np.array([[c] for c in t["control"]])
        pipe = write(replace(inside, set_flow=np.where(controls == "flow", t.flow, np.nan)))
        rows = write(
            Pump(
                pipe=pipe,
                shutoff=t.shutoff,
                rated_flow=t.rated_flow,
                quadratic=t.quadratic,
                quartic=t.quartic,
                speed=t.max_speed,
                set_head=np.where(controls == "head", t.head, np.nan),
                efficiency=t.pump_efficiency,
                drive=t.drive_efficiency,
                installed=t.pumps,
                min_running=t.min_pumps,
                stage_flow=t.rated_flow * t.stage_up,
                fixed_power=(t.constant_power if "constant_power" in t else NAN) + 0 * t.shutoff,
            )
        )
        power = columns.pump.power[rows]
        draw(t, write, power, heading)
        write(Heat(pipe, columns.pump.shaft[rows]))
        warm_room(t, write, columns.pump.drive_loss[rows])
        report(t, write, "speed", columns.pump.speed[rows], "pump speed over nominal")
        report(t, write, "running", columns.pump.running[rows], "pumps running")
        report(t, write, power_name, power, "pump power", picture="power")
        report(t, write, "flow", columns.stream.flow[pipe], "flow through the pumps")
        report(t, write, "suction_pressure", columns.node.pressure[inside.start], "absolute pressure before the pumps")
        report(t, write, "discharge_pressure", columns.node.pressure[inside.end], "absolute pressure behind the pumps")
        limit(t, write, limits.pump_head, columns.pump.demand[rows], 1.0)
        limit(t, write, limits.pump_suction, columns.node.boiling[inside.start], t.suction_head)
        return pipe


class PumpStation(Pumped):
    """Pumps of a loop; a station itself loses a hundredth of the shut-off head at the rated flow of one pump."""

    ports: ClassVar[dict[str, Port]] = {
        "in": Port("coolant"),
        "out": Port("coolant"),
        "feed": Port("power", cords=True),
    }
    heading: ClassVar[str] = "cooling"
    legend: ClassVar[str] = "cooling plant"
    look: ClassVar[Look] = "pumps"
    kind: ClassVar[str] = "pump"
    units_field: ClassVar[str] = "pumps"
    dimension: ClassVar[str] = "pump"

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        inside = Pipe(t.node("in"), t.node("out"), zeta=rated_zeta(0.01 * t.shutoff, t.rated_flow))
        cls.pump(t, write, inside, power_name="power")
        price(t, write)
