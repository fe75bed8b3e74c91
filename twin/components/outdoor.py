"""Dry coolers, towers and chillers: what gives the plant's heat to the weather."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from twin import columns
from twin.columns import Array, Index, limits, totals
from twin.components.base import Component, InService, Passage, Port, Table, Write, draw, limit, price, report, shut
from twin.components.cooling import wall_fouling
from twin.components.curves import NamedChillerCurve, stack
from twin.domains import chillers, rejection, towers
from twin.elements import Cooler, Gain, Heat, Law, Pipe, Tally
from twin.fluids import STANDARD_PRESSURE
from twin.units import (
    Area,
    FoulingResistance,
    Fraction,
    HeatTransferCoefficient,
    MassFlow,
    Number,
    Power,
    Pressure,
    Temperature,
    TemperatureDifference,
    VolumeFlow,
)


def reject(
    t: Table,
    write: Write,
    stream: Index,
    law: Law,
    sink: Index | None = None,
    installed: Array | None = None,
    driver: Index | None = None,
) -> Index:
    """Write a cooler on a stream, with what it draws, its water, limits and reports; returns its rows.

    sink: the stream whose inlet takes its heat, outdoor air without one. installed: units that are shut off when they
    do not run. driver: the stream whose heat drives it, none without one.
    """
    rows = write(Cooler(stream, sink, law, installed, driver, t.names))
    power = columns.cooler.power[rows]
    draw(t, write, power, totals.heat_rejection)
    outdoor, driven = np.full(t.n, t.outdoor), columns.cooler.driven[rows]
    if sink is None:
        write(Gain(outdoor, power))
    else:
        write(Heat(sink, columns.cooler.rejected[rows]))
    if driver is not None:
        write(Heat(driver, driven, np.full((t.n, 1), -1.0)))
        report(t, write, "driving_heat", driven, "heat taken from the stream that drives it")
        if sink is None:
            write(Gain(outdoor, driven))
    report(t, write, "duty", columns.cooler.duty[rows], "heat taken from the coolant")
    report(t, write, "power", power, "fan or compressor power", picture="power")
    report(t, write, "loading", columns.cooler.loading[rows], "required over available duty")
    report(t, write, "running", columns.cooler.running[rows], "units running")
    report(t, write, "fan_speed", columns.cooler.speed[rows], "fan speed over nominal")
    report(t, write, "water", columns.cooler.water[rows], "make-up water")
    report(
        t,
        write,
        "supply_temperature",
        columns.stream.outlet[stream],
        "coolant leaving",
        picture="temperature",
    )
    report(t, write, "return_temperature", columns.stream.inlet[stream], "coolant entering")
    report(t, write, "warning", columns.cooler.warning[rows], "outside the box of validity")
    report(t, write, "flow", columns.stream.flow[stream], "coolant flow")
    judged = (t.limits_capacity > 0.5) & np.isfinite(t.set_point)
    limit(t, write, limits.capacity, columns.cooler.loading[rows], np.where(judged, 1.0, np.inf))
    write(Tally(totals.water, columns.cooler.water[rows]))
    price(t, write)
    return rows


class Rejecter(Component):
    """Parallel units that take heat out of coolant."""

    abstract: ClassVar[bool] = True
    in_service: InService = True
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
    legend: ClassVar[str] = "cooling plant"
    box: ClassVar[tuple[float, float, float]] = (2.4, 10.0, 2.6)

    @classmethod
    def pipe(cls, t: Table, write: Write) -> Index:
        """Coolant side of all units in parallel."""
        drop = t.drop / (t.units * t.flow) ** 2
        return write(Pipe(t.node("in"), t.node("out"), quadratic=drop, set_flow=shut(t)))


class DryCooler(Rejecter):
    """Coolant to outdoor air through a finned coil; fan power follows the cube law [ASHRAE HVAC S&E, ch. 39].

    The coil is rated by `duty` between `water_in` and `water_out` with air entering at `air_in`.
    """

    duty: Power = Field(2.931e6, gt=0, description="rating of one unit")
    water_in: Temperature = Field(319.25, ge=270, le=380, description="entering, at the rating")
    water_out: Temperature = Field(313.7, ge=270, le=380, description="leaving, at the rating")
    air_in: Temperature = Field(308.15, ge=230, le=340, description="dry bulb, at the rating")
    air_flow: VolumeFlow = Field(375.0, gt=0, description="one unit, at the rating")
    saturation: Fraction = Field(0.0, ge=0, le=1, description="adiabatic pads: share of the wet-bulb depression")
    cycles: Number = Field(4.0, gt=1, le=20, description="of concentration")
    water_film_exponent: Number = Field(0.85, ge=0, le=1, description="of the film inside tubes over the water flow")
    air_film_exponent: Number = Field(0.8, ge=0, le=1, description="of the film on fins over the air flow")
    film_balance: Number = Field(0.5, gt=0, le=100, description="air film over water film at the rated flows")
    fouling: FoulingResistance = Field(0.0, ge=0, le=0.01, description="resistance of both sides")
    area: Area | None = Field(None, gt=0, description="that fouling counts on; UA over `clean_u` if not given")
    clean_u: HeatTransferCoefficient = Field(4000.0, gt=0, description="U without fouling, on the water side's area")
    min_fan_speed: Fraction = Field(0.1, gt=0, le=1, description="lowest over full speed")

    def check(self, name: str) -> list[str]:
        if not self.water_in > self.water_out > self.air_in:
            return [f"{name}: water_out: the rating must have water_in above water_out above air_in"]
        try:
            air = self.air_flow * rejection.rated_density(self.air_in)
            rejection.from_rating(self.duty, self.water_in, self.water_out, self.air_in, air)
        except ValueError as error:
            return [f"{name}: air_flow: {error}"]
        return super().check(name)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        density = rejection.rated_density(t.air_in)
        air = t.air_flow * density
        conductance = rejection.from_rating(t.duty, t.water_in, t.water_out, t.air_in, air)
        law = rejection.DryCooler(
            set_point=t.set_point,
            conductance=conductance,
            rated_flow=t.flow,
            rated_air_flow=air,
            fan_power=t.fan_power,
            count=t.units,
            ambient=t.site.intake,
            wet_bulb=t.site.wet_intake,
            saturation=t.saturation,
            cycles=t.cycles,
            density=t.site.intake_density / density,
            film_ratio=t.film_balance,
            water_exponent=t.water_film_exponent,
            air_exponent=t.air_film_exponent,
            fouling=wall_fouling(t, conductance),
            min_speed=t.min_fan_speed,
        )
        reject(t, write, cls.pipe(t, write), law)


class AdiabaticCooler(DryCooler):
    """A dry cooler whose air is first wetted: T = T_db - saturation (T_db - T_wb)."""

    saturation: Fraction = Field(0.8, ge=0, le=1, description="of the pads: share of the wet-bulb depression")


class Tower(Rejecter):
    """Open cooling tower; `units` counts its cells, of which the smallest number runs that may carry the load.

    A cell takes up to `stage_heat` before the next starts (its rated flow if not given); more start where fans at full
    speed would miss the set point by more than `stage_miss`; `running` states the number instead. The set point may
    follow the wet bulb: T = max(set_point, reset_at_freezing + reset_slope (T_wb - 0 degC)).
    """

    correlation: Literal["york", "merkel"] = Field("merkel", description="law of approach and range")
    approach: TemperatureDifference = Field(3.9, gt=0, le=20, description="at the design")
    range: TemperatureDifference = Field(5.56, gt=0, le=30, description="of the water, at the design")
    wet_bulb: Temperature = Field(298.71, ge=260, le=310, description="of the design")
    min_cells: int = Field(1, ge=1, le=1000, description="kept running")
    running: Number | None = Field(None, ge=1, le=1000, description="cells in use; staged if not given")
    stage_heat: Power | None = Field(None, gt=0, description="heat of a cell at which the next starts")
    stage_miss: TemperatureDifference = Field(0.5, ge=0, le=50, description="over the set point, starts more cells")
    cycles: Number = Field(4.0, gt=1, le=20, description="of concentration")
    drift: Fraction = Field(2e-5, ge=0, le=0.01, description="of the water flow")
    min_fan_speed: Fraction = Field(0.2, gt=0, le=1, description="lowest over full speed")
    free_convection: Fraction = Field(
        0.125, ge=0, le=1, description="share of the full effect with standing fans; default of EnergyPlus"
    )
    reset_slope: Number = Field(0.0, ge=0, le=2, description="of the set point over the wet bulb")
    reset_at_freezing: Temperature | None = Field(None, ge=230, le=330, description="set point law at 0 degC wet bulb")
    kind: ClassVar[str] = "tower"
    dimension: ClassVar[str] = "tower"
    box: ClassVar[tuple[float, float, float]] = (6.0, 6.0, 6.0)

    def check(self, name: str) -> list[str]:
        if self.running is not None and self.running > self.units:
            return [f"{name}: running: {self.running:g} is more than the {self.units} installed"]
        return super().check(name)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        law = t.reset_at_freezing + t.reset_slope * (t.site.wet_bulb - 273.15)
        set_point = np.fmax(t.set_point, law)
        pipe = cls.pipe(t, write)
        york = np.array([c == "york" for c in t["correlation"]])
        for kind, rows in ((towers.YorkTower, york), (towers.MerkelTower, ~york)):
            if rows.any():
                part = t.only(rows)
                reject(part, write, pipe[rows], cls.law(part, set_point[rows], kind), installed=part.units)

    @classmethod
    def law(cls, t: Table, set_point: Array, kind: type[towers.Tower]) -> towers.Tower:
        """Performance of the towers of a table, after one of the correlations."""
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
            min_cells=t.min_cells,
            running=t.running,
            stage_heat=t.stage_heat,
            stage_miss=t.stage_miss,
            min_speed=t.min_fan_speed,
            free_convection=t.free_convection,
            drift=t.drift,
            cycles=t.cycles,
            pressure=t.site.pressure,
        )


class Chiller(Rejecter):
    """Electric chillers: published curves inside their box, an anchored lift law with a warning outside."""

    abstract: ClassVar[bool] = True
    condenser: ClassVar[Literal["air", "water"]] = "water"
    curve: NamedChillerCurve = Field(
        "york_yk", validate_default=True, description="a shipped one by name, or written out"
    )  # type: ignore[assignment]

    capacity: Power | None = Field(None, gt=0, description="of one unit at its reference; the curve's if not given")
    cop: Number | None = Field(None, gt=0, le=30, description="of one unit at its reference; the curve's if not given")
    stage_up: Fraction = Field(0.9, gt=0, le=1, description="part load at which the next unit starts")
    set_point: Temperature | None = Field(280.0, ge=270, le=340, description="leaving chilled water")
    fan_power: Power = Field(0.0, ge=0, description="counted in the curves")

    def check(self, name: str) -> list[str]:
        faults = super().check(name)
        if self.curve.condenser != self.condenser:
            faults.append(f"{name}: curve: is of a chiller whose condenser is cooled by {self.curve.condenser}")
        for field, example in (("capacity", "1 MW"), ("cop", "5")):
            if getattr(self, field) is None and getattr(self.curve, field) is None:
                remedy = f"give that of one unit at the reference of the curve, such as `{field}: {example}`"
                faults.append(f"{name}: {field}: the curve has none; {remedy}")
        return faults

    @classmethod
    def law(cls, t: Table, ambient: Array | float) -> chillers.Chiller:
        """Performance of the chillers of a table."""
        return chillers.Chiller(
            set_point=t.set_point,
            count=t.units,
            curves=stack(t["curve"]),
            ambient=ambient,
            capacity=t.capacity,
            cop=t.cop,
            stage_up=t.stage_up,
        )


class AirChiller(Chiller):
    """Chillers whose condensers reject to outdoor air; thin air warms more, as if it came in warmer."""

    condenser: ClassVar[Literal["air", "water"]] = "air"
    curve: NamedChillerCurve = Field("carrier_30xa500", validate_default=True, description="by name, or written out")  # type: ignore[assignment]
    kind: ClassVar[str] = "air_chiller"
    dimension: ClassVar[str] = "chiller"

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        thin = rejection.AIR_APPROACH * (STANDARD_PRESSURE / t.site.pressure - 1.0)
        reject(t, write, cls.pipe(t, write), cls.law(t, t.site.intake + thin))


class WaterChiller(Chiller):
    """Chillers whose condensers reject to a water loop; its heat is duty plus compressor power."""

    condenser_flow: MassFlow = Field(120.0, gt=0, description="rated, one unit")
    condenser_drop: Pressure = Field(60e3, gt=0, description="at rated flow")
    ports: ClassVar[dict[str, Port]] = Rejecter.ports | {"cond_in": Port("coolant"), "cond_out": Port("coolant")}
    passages: ClassVar[tuple[Passage, ...] | None] = (Passage("in", "out"), Passage("cond_in", "cond_out"))
    kind: ClassVar[str] = "water_chiller"
    dimension: ClassVar[str] = "chiller"

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        resistance = t.condenser_drop / (t.units * t.condenser_flow) ** 2
        condenser = write(Pipe(t.node("cond_in"), t.node("cond_out"), quadratic=resistance, set_flow=shut(t)))
        reject(t, write, cls.pipe(t, write), cls.law(t, np.nan), sink=condenser)
