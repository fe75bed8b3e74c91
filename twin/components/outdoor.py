"""Dry coolers, towers and chillers: what gives the plant's heat to the weather."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from twin import columns
from twin.columns import Array, Index, limits, totals
from twin.components.base import (
    Component,
    InService,
    Look,
    Passage,
    Port,
    Table,
    Write,
    caution,
    constant,
    draw,
    finite_or,
    limit,
    price,
    report,
    shut,
)
from twin.components.coolant import FluidName
from twin.components.cooling import wall_fouling
from twin.components.curves import NamedChillerCurve, stack
from twin.domains import chillers, rejection, towers
from twin.elements import Cooler, Gain, Heat, Law, Pipe, Tally
from twin.fluids import DRY_AIR_CP, STANDARD_PRESSURE, VAPOUR_CP, air_density, fluid, humidity_ratio_from_wet_bulb
from twin.kernels.arrays import elementwise
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
    part: str = "",
    powered: bool = True,
    speed: tuple[str, str] = ("fan_speed", "fan speed over nominal"),
    ahead: Array | None = None,
) -> Index:
    """Write a cooler on a stream, with what it draws, its water, limits and reports; returns its rows.

    sink: the stream whose inlet takes its heat, outdoor air without one. installed: units that are shut off when they
    do not run. driver: the stream whose heat drives it, none without one. part: which of several coolers of a
    component it is; its reports begin with it, and one that follows has the limit of capacity and the price. powered:
    whether it takes power. speed: name and meaning of the report of what it answers as such. ahead: which are followed
    by others that do the rest (n, 1|S), as all parts of a component are.
    """
    called = f"{part}_" if part else ""
    ahead = np.full((t.n, 1), 1.0) if part else ahead
    rows = write(Cooler(stream, sink, law, installed, driver, t.names, part, ahead))
    power = columns.cooler.power[rows]
    if powered:
        draw(t, write, power, totals.heat_rejection)
    outdoor, driven = np.full(t.n, t.outdoor), columns.cooler.driven[rows]
    if sink is None:
        write(Gain(outdoor, power))
    else:
        write(Heat(sink, columns.cooler.rejected[rows]))
    if driver is not None:
        write(Heat(driver, driven, np.full((t.n, 1), -1.0)))
        report(t, write, f"{called}driving_heat", driven, "heat taken from the stream that drives it")
        if sink is None:
            write(Gain(outdoor, driven))
    report(t, write, f"{called}duty", columns.cooler.duty[rows], "heat taken from the coolant")
    report(t, write, f"{called}loading", columns.cooler.loading[rows], "required over available duty")
    report(t, write, f"{called}running", columns.cooler.running[rows], "units running")
    if powered:
        report(t, write, f"{called}power", power, "fan or compressor power", picture="power")
        report(t, write, f"{called}{speed[0]}", columns.cooler.speed[rows], speed[1])
        report(t, write, f"{called}water", columns.cooler.water[rows], "make-up water")
    report(
        t,
        write,
        f"{called}supply_temperature",
        columns.stream.outlet[stream],
        "coolant leaving",
        picture="temperature",
    )
    report(t, write, f"{called}return_temperature", columns.stream.inlet[stream], "coolant entering")
    report(t, write, f"{called}warning", columns.cooler.warning[rows], "outside the box of validity")
    report(t, write, f"{called}flow", columns.stream.flow[stream], "coolant flow")
    write(Tally(totals.water, columns.cooler.water[rows]))
    if part:
        return rows
    judged = (t.limits_capacity > 0.5) & np.isfinite(t.set_point)
    limit(t, write, limits.capacity, columns.cooler.loading[rows], np.where(judged, 1.0, np.inf))
    price(t, write)
    return rows


def spread(t: Table) -> Array:
    """Which instances run as many units as take least power (instance, 1)."""
    return np.array([[s == "least_power"] for s in t["staging"]])


def rated_film(t: Table, port: str, T: Array, stated: Sequence[str | None] | None = None) -> Array:
    """What films in tubes owe to the coolant at a rating's T [K], see `rejection.film_of`, (instance, 1|S).

    That is the stated one, or what fills the loop of a port.
    """
    names = [s or own for s, own in zip(stated or [None] * t.n, t.fluids(port), strict=True)]
    k, cp, mu = (
        np.array([getattr(fluid(n), name)(row) for n, row in zip(names, T, strict=True)])
        for name in ("conductivity", "heat_capacity", "viscosity")
    )
    return elementwise(rejection.films_of, k, cp, mu)


class Rejecter(Component):
    """Parallel units that take heat out of coolant."""

    abstract: ClassVar[bool] = True
    in_service: InService = True
    units: int = Field(1, ge=1, le=10_000, description="installed in parallel")
    flow: MassFlow = Field(100.0, gt=0, description="rated, one unit")
    drop: Pressure = Field(60e3, gt=0, description="coolant side at rated flow")
    fan_power: Power = Field(30e3, ge=0, description="one unit at full speed")
    set_point: Temperature | None = Field(None, ge=270, le=340, description="leaving coolant; none: full speed")
    cold_set_point: Temperature | None = Field(
        None,
        ge=270,
        le=340,
        description="leaving coolant at `reset_cold` and below; reset by weather up to `reset_warm`",
    )
    reset_cold: Temperature = Field(278.15, ge=230, le=330, description="dry bulb at which the reset ends")
    reset_warm: Temperature = Field(298.15, ge=230, le=330, description="dry bulb from which `set_point` holds")
    limits_capacity: bool = Field(True, description="false for a pre-cooler that another unit follows")
    units_field: ClassVar[str] = "units"
    ports: ClassVar[dict[str, Port]] = {
        "in": Port("coolant"),
        "out": Port("coolant"),
        "feed": Port("power", cords=True),
    }
    heading: ClassVar[str] = "cooling"
    legend: ClassVar[str] = "cooling plant"
    look: ClassVar[Look] = "dry_cooler"
    box: ClassVar[tuple[float, float, float]] = (2.4, 10.0, 2.6)

    def check(self, name: str) -> list[str]:
        faults = super().check(name)
        if self.cold_set_point is not None and self.set_point is None:
            faults.append(f"{name}: cold_set_point: state the set_point too, which it is reset from")
        if self.reset_warm <= self.reset_cold:
            faults.append(f"{name}: reset_warm: must be above reset_cold")
        return faults

    @classmethod
    def held(cls, t: Table) -> Array:
        """Set point [K] as the weather resets it: straight between two dry bulbs [EnergyPlus, OutdoorAirReset]."""
        span = np.maximum(t.reset_warm - t.reset_cold, 1e-9)
        share = np.clip((t.reset_warm - t.site.dry_bulb) / span, 0.0, 1.0)
        return np.where(np.isnan(t.cold_set_point), t.set_point, t.set_point + share * (t.cold_set_point - t.set_point))

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
    wetting: Literal["last", "first"] = Field(
        "last", description="whether pads are wetted after fans are at full speed, or before they go beyond the lowest"
    )
    wet_above: Temperature = Field(278.15, ge=230, le=330, description="dry bulb below which pads are drained")
    cycles: Number = Field(4.0, gt=1, le=20, description="of concentration")
    rated_fluid: FluidName | None = Field(None, description="coolant of the rating; that of the loop if not given")
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
            set_point=cls.held(t),
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
            rated_film=rated_film(t, "in", t.water_in, t["rated_fluid"]),
            warmth=t.site.intake / t.air_in,
            wets_first=np.array([[w == "first"] for w in t["wetting"]], float),
            wet_above=t.wet_above,
        )
        reject(t, write, cls.pipe(t, write), law)
        warn_of_frost(t, write, "in")


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
    dry_bulb: Temperature = Field(308.15, ge=260, le=330, description="of the design, at which fans are rated")
    liquid_to_gas: Number = Field(1.2, gt=0.1, le=5, description="L/G: water over dry air of the design, by mass")
    min_cells: int = Field(1, ge=1, le=1000, description="kept running")
    running: Number | None = Field(None, ge=1, le=1000, description="cells in use; staged if not given")
    stage_heat: Power | None = Field(None, gt=0, description="heat of a cell at which the next starts")
    staging: Literal["fewest", "least_power"] = Field(
        "fewest",
        description="cells that run: the fewest that may, or as many as get `min_cell_flow`, whose fans are slow",
    )
    min_cell_flow: Fraction = Field(
        0.5, gt=0, le=1, description="share of its rated water that a cell must get; by least power"
    )
    stage_miss: TemperatureDifference = Field(0.5, ge=0, le=50, description="over the set point, starts more cells")
    cycles: Number = Field(4.0, gt=1, le=20, description="of concentration")
    drift: Fraction = Field(2e-5, ge=0, le=0.01, description="of the water flow")
    min_fan_speed: Fraction = Field(0.2, gt=0, le=1, description="lowest over full speed")
    free_convection: Fraction = Field(
        0.125, ge=0, le=1, description="share of the full effect with standing fans; default of EnergyPlus"
    )
    basin_heater: Conductance = Field(
        0.0, ge=0, description="electric, of a cell that stands still, per kelvin of air below `basin_temperature`"
    )
    basin_temperature: Temperature = Field(275.15, ge=273.15, le=290, description="kept by the basin heaters")
    reset_slope: Number = Field(0.0, ge=0, le=2, description="of the set point over the wet bulb")
    reset_at_freezing: Temperature | None = Field(None, ge=230, le=330, description="set point law at 0 degC wet bulb")
    kind: ClassVar[str] = "tower"
    look: ClassVar[Look] = "tower"
    dimension: ClassVar[str] = "tower"
    box: ClassVar[tuple[float, float, float]] = (6.0, 6.0, 6.0)

    def check(self, name: str) -> list[str]:
        if self.running is not None and self.running > self.units:
            return [f"{name}: running: {self.running:g} is more than the {self.units} installed"]
        if self.dry_bulb < self.wet_bulb:
            return [f"{name}: dry_bulb: of the design, is below its wet_bulb"]
        return super().check(name)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        law = t.reset_at_freezing + t.reset_slope * (t.site.wet_bulb - 273.15)
        set_point = np.fmax(cls.held(t), law)
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
        humidity = humidity_ratio_from_wet_bulb(t.dry_bulb, t.wet_bulb, STANDARD_PRESSURE)
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
            min_cell_flow=np.where(spread(t), t.min_cell_flow, np.nan),
            min_speed=t.min_fan_speed,
            free_convection=t.free_convection,
            drift=t.drift,
            cycles=t.cycles,
            pressure=t.site.pressure,
            rated_air_flow=t.flow / t.liquid_to_gas,
            rated_cp=DRY_AIR_CP + VAPOUR_CP * humidity,
            rated_density=air_density(t.dry_bulb, humidity, STANDARD_PRESSURE),
            basin_heater=t.basin_heater,
            basin_temperature=t.basin_temperature,
        )


def warn_of_frost(t: Table, write: Write, port: str) -> None:
    """Warn of coils in outdoor air that is colder than what the coolant of a port freezes at."""
    freezing = np.array([fluid(name).freezing for name in t.fluids(port)])[:, None]
    frost = 1.0 * (t.site.dry_bulb < freezing)
    if frost.any():
        text = "outdoor air is below the freezing point of its coolant; a coil without flow would burst"
        caution(t, write, constant(write, frost), text)


ANY = -1e3
"""Lift that no chiller falls below, K."""


class Chiller(Rejecter):
    """Electric chillers: published curves inside their box, an exponential law with a warning outside."""

    abstract: ClassVar[bool] = True
    condenser: ClassVar[Literal["air", "water"]] = "water"
    look: ClassVar[Look] = "chiller"
    curve: NamedChillerCurve = Field(
        "york_yk", validate_default=True, description="a shipped one by name, or written out"
    )  # type: ignore[assignment]

    capacity: Power | None = Field(None, gt=0, description="of one unit at its reference; the curve's if not given")
    cop: Number | None = Field(None, gt=0, le=30, description="of one unit at its reference; the curve's if not given")
    stage_up: Fraction = Field(0.9, gt=0, le=1, description="part load at which the next unit starts")
    staging: Literal["fewest", "least_power"] = Field(
        "fewest", description="units that run: the fewest that may, or as many as take least power"
    )
    min_part_load: Fraction = Field(0.15, gt=0, le=1, description="below which a unit cycles")
    min_unloading: Fraction = Field(0.0, ge=0, le=1, description="part load to which hot gas loads a unit at least")
    min_entering: Temperature = Field(
        285.95, ge=230, le=320, description="of what enters the condenser: colder is blended up or fans slow down"
    )
    min_lift: TemperatureDifference | None = Field(
        None, ge=0, le=40, description="of that above the leaving chilled water; none: any"
    )
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
            set_point=cls.held(t),
            count=t.units,
            curves=stack(t["curve"]),
            ambient=ambient,
            capacity=t.capacity,
            cop=t.cop,
            stage_up=t.stage_up,
            least_power=1.0 * spread(t),
            min_part_load=t.min_part_load,
            min_unloading=t.min_unloading,
            min_entering=t.min_entering,
            min_lift=finite_or(t.min_lift, ANY),
        )


class AirChiller(Chiller):
    """Chillers whose condensers reject to outdoor air; thin air warms more, as if it came in warmer."""

    condenser: ClassVar[Literal["air", "water"]] = "air"
    curve: NamedChillerCurve = Field("carrier_30xa500", validate_default=True, description="by name, or written out")  # type: ignore[assignment]
    kind: ClassVar[str] = "air_chiller"
    dimension: ClassVar[str] = "chiller"

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        reject(t, write, cls.pipe(t, write), cls.machine(t))

    @classmethod
    def machine(cls, t: Table) -> chillers.Chiller:
        """Performance in the air of the site."""
        thin = rejection.AIR_APPROACH * (STANDARD_PRESSURE / t.site.pressure - 1.0)
        return cls.law(t, t.site.intake + thin)


class WaterChiller(Chiller):
    """Chillers whose condensers reject to a water loop; its heat is duty plus compressor power."""

    condenser_flow: MassFlow = Field(120.0, gt=0, description="rated, one unit")
    condenser_drop: Pressure = Field(60e3, gt=0, description="at rated flow")
    ports: ClassVar[dict[str, Port]] = Rejecter.ports | {"cond_in": Port("coolant"), "cond_out": Port("coolant")}
    look: ClassVar[Look] = "cabinet"
    passages: ClassVar[tuple[Passage, ...] | None] = (Passage("in", "out"), Passage("cond_in", "cond_out"))
    kind: ClassVar[str] = "water_chiller"
    dimension: ClassVar[str] = "chiller"

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        resistance = t.condenser_drop / (t.units * t.condenser_flow) ** 2
        condenser = write(Pipe(t.node("cond_in"), t.node("cond_out"), quadratic=resistance, set_flow=shut(t)))
        reject(t, write, cls.pipe(t, write), cls.law(t, np.nan), sink=condenser)
