"""The power train: utility, transformers, conductors, boards, UPS, rectifiers, batteries, generators."""

from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from twin import columns
from twin.columns import Array, Index, Real, Ref, limits, totals
from twin.components.base import (
    Component,
    InService,
    Look,
    Model,
    Passage,
    Port,
    Table,
    Write,
    constant,
    draw,
    limit,
    price,
    report,
    warm_room,
)
from twin.elements import POWER_BASE, Converter, Fuel, Level, Line, Source, Tally
from twin.units import (
    YEAR,
    ApparentPower,
    CapacitancePerLength,
    CarbonIntensity,
    Current,
    Fraction,
    Frequency,
    Length,
    MoneyPerEnergy,
    Power,
    ResistancePerLength,
    Time,
    Voltage,
    parse,
)

GRID = 1e10
"""Strength of the utility beside generators on its bus, VA: 10 MVA of reactive power lower its voltage by 1e-9."""

LARGEST_LOAD = 2.0
"""Of a converter over its rating, where its efficiency is stated."""

LARGEST_LOSS = 0.5
"""Each of the three losses of a converter over its rating."""

TIE = 1e-6
"""Per-unit reactance on its own rating of a piece that is only a switch: a board, a panel."""


STANDBY = (
    "whether it comes into service after a loss: by itself, as static switches, ATS and ring breakers do, or by hand, "
    "before what is planned"
)
Standby = Annotated[Literal["none", "automatic", "manual"], Field(description=STANDBY)]
"""What equipment that is out of service does when other equipment is lost; `study.contingencies` closes it."""

EMERGENCY = "load over the rating that it bears for hours after a loss; as `continuous_factor` if not given"


def nominal(t: Table, write: Write, port: str, voltage: Array, direct: bool = False) -> None:
    """State the nominal voltage [V] that a port expects, and whether it is direct."""
    write(Level(t.node(port), voltage, np.broadcast_to(direct, (t.n,)), t.names))


def branch(
    t: Table, write: Write, impedance: Array, rating: Array, shunt: Array | complex = 0j, ratio: Real = 1.0
) -> Index:
    """A line from port `in` to port `out`, with its loading limits and its loss as heat where it stands.

    impedance, shunt: on POWER_BASE [pu], complex. rating [VA]. ratio: of the tap at `in` [1]. Returns its rows.
    """
    full = 0j * rating + 0 * impedance
    line = Line(t.node("in"), t.node("out"), impedance, shunt + full, ratio + full, rating / POWER_BASE, t.in_service)
    rows = write(line)
    report(t, write, "loading", columns.line.loading[rows], f"{t.kind} current over rating")
    report(t, write, "power", columns.line.power[rows], f"active power into the {t.kind}", picture="power")
    report(t, write, "loss", columns.line.loss[rows], f"{t.kind} loss")
    bearing(t, write, columns.line.loading[rows])
    limit(t, write, limits.peak, columns.line.peak[rows], t.trip_factor)
    warm_room(t, write, columns.line.loss[rows])
    write(Tally(totals.electrical_loss, columns.line.loss[rows]))
    price(t, write)
    return rows


def bearing(t: Table, write: Write, loading: Ref) -> None:
    """Bound loadings [1] of a table by its `continuous_factor`, for hours after a loss by its `emergency_factor`."""
    limit(t, write, limits.loading, loading, t.continuous_factor, emergency=t.emergency_factor)


class Utility(Component):
    """The grid at the meter: an ideal source; `contract` bounds the demand."""

    metered: ClassVar[bool] = True

    voltage: Voltage = Field(34.5e3, gt=0, description="nominal, line to line, at the meter")
    voltage_set_point: Fraction = Field(1.0, ge=0.9, le=1.1, description="voltage held, over that")
    contract: Power = Field(float("inf"), gt=0, description="largest demand under the utility contract")
    in_service: InService = True
    ports: ClassVar[dict[str, Port]] = {"out": Port("power")}
    sources: ClassVar[tuple[str, ...]] = ("out",)
    heading: ClassVar[str] = "electrical"
    legend: ClassVar[str] = "power train"
    look: ClassVar[Look] = "substation"
    box: ClassVar[tuple[float, float, float]] = (3.0, 3.0, 3.0)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        nominal(t, write, "out", t.voltage)
        rows = write(Source(t.node("out"), t.voltage_set_point, GRID + 0 * t.voltage, t.in_service))
        write(Tally(totals.grid, columns.source.power[rows]))
        write(Tally(totals.contract, constant(write, t.contract)))
        report(t, write, "power", columns.source.power[rows], "active power from the grid", picture="power")
        report(t, write, "reactive_power", columns.source.reactive[rows], "reactive power from the grid")
        limit(t, write, limits.utility_contract, columns.source.power[rows], t.contract)
        price(t, write)


class Generator(Component):
    """On-site generation; out of service in normal operation, shares a bus with other sources by rating.

    Its energy costs fuel and upkeep of its own, and gives off what its fuel does; diesel's 2.68 kg of carbon dioxide a
    litre [IPCC 2006 Guidelines, vol. 2] at 3.6 kWh a litre are 0.74 kg/kWh.
    """

    voltage: Voltage = Field(415.0, gt=0, description="line to line, held at its bus")
    rating: Power = Field(2.5e6, gt=0, description="largest active power, sustained: continuous or prime [ISO 8528-1]")
    standby_rating: Power | None = Field(
        None, gt=0, description="largest for hours after a loss, its emergency standby power; the rating if not given"
    )
    in_service: InService = False
    standby: Standby = "none"
    energy_price: MoneyPerEnergy = Field(0.3 / 3.6e6, ge=0, description="fuel and upkeep; an input, 0.05 to 0.4 $/kWh")
    carbon: CarbonIntensity = Field(0.74 / 3.6e6, ge=0, description="of its energy; diesel if not given")
    ports: ClassVar[dict[str, Port]] = {"out": Port("power")}
    sources: ClassVar[tuple[str, ...]] = ("out",)
    heading: ClassVar[str] = "electrical"
    legend: ClassVar[str] = "power train"
    look: ClassVar[Look] = "generator"
    box: ClassVar[tuple[float, float, float]] = (2.5, 7.0, 3.0)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        nominal(t, write, "out", t.voltage)
        rows = write(Source(t.node("out"), 1.0 + 0 * t.voltage, t.rating, t.in_service))
        write(Fuel(columns.source.power[rows], t.energy_price, t.carbon))
        report(t, write, "power", columns.source.power[rows], "active power of the generator", picture="power")
        limit(t, write, limits.generator_rating, columns.source.power[rows], t.rating, emergency=t.standby_rating)
        limit(t, write, limits.generator_peak, columns.source.peak[rows], t.rating, emergency=t.standby_rating)
        price(t, write)


class Transformer(Component):
    """Two windings as a pi branch, tap at the start (high) side [IEC 60076-1; pandapower `trafo`, pi model].

    Series z = u_k S_b/S_n, r = load loss S_b/S_n; no-load loss and magnetising current as a shunt halved to both
    ends. Above 1,000 m the rating falls by 0.4 % per 100 m [IEC 60076-2, air-cooled].
    """

    rating: ApparentPower = Field(3e6, gt=0, description="of its windings, up to 1,000 m")
    voltage_in: Voltage = Field(34.5e3, gt=0, description="nominal, line to line, high side")
    voltage_out: Voltage = Field(415.0, gt=0, description="nominal, line to line, low side")
    impedance: Fraction = Field(0.0575, gt=0, le=0.3, description="short-circuit voltage u_k")
    load_loss: Fraction = Field(0.0055, ge=0, le=0.1, description="copper loss at rating")
    no_load_loss: Fraction = Field(0.001, ge=0, le=0.1, description="core loss over the rating")
    no_load_current: Fraction = Field(0.005, ge=0, le=0.2, description="current without load over the rated one")
    tap: Fraction = Field(1.0, ge=0.8, le=1.2, description="off-nominal ratio at the high side")
    continuous_factor: Fraction = Field(1.0, gt=0, le=2, description="continuous load over the rating")
    emergency_factor: Fraction | None = Field(None, gt=0, le=5, description=EMERGENCY)
    trip_factor: Fraction = Field(1.5, gt=0, le=5, description="short peak over the rating that trips")
    in_service: InService = True
    standby: Standby = "none"
    life: Time = Field(30 * YEAR, gt=0, description="depreciation life")
    ports: ClassVar[dict[str, Port]] = {"in": Port("power"), "out": Port("power")}
    heading: ClassVar[str] = "electrical"
    legend: ClassVar[str] = "power train"
    look: ClassVar[Look] = "transformer"
    box: ClassVar[tuple[float, float, float]] = (2.2, 2.0, 2.4)

    def check(self, name: str) -> list[str]:
        if self.load_loss > self.impedance:
            return [f"{name}: load_loss: {self.load_loss} exceeds the impedance {self.impedance}"]
        return super().check(name)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        nominal(t, write, "in", t.voltage_in)
        nominal(t, write, "out", t.voltage_out)
        own = POWER_BASE / t.rating
        impedance = (t.load_loss + 1j * np.sqrt(t.impedance**2 - t.load_loss**2)) * own
        current = np.maximum(t.no_load_current, t.no_load_loss)
        shunt = (t.no_load_loss - 1j * np.sqrt(current**2 - t.no_load_loss**2)) / own
        rating = t.rating * (1.0 - 4e-5 * np.maximum(t.site.elevation - 1000.0, 0.0))
        branch(t, write, impedance, rating, shunt, t.tap)


class Conductor(Component):
    """A length of cable or busbar as a pi branch; ampacity with the continuous rule of the electrical code."""

    abstract: ClassVar[bool] = True

    length: Length = Field(50.0, gt=0, description="of the run")
    resistance: ResistancePerLength = Field(70e-6, ge=0, description="of a phase")
    reactance: ResistancePerLength = Field(118e-6, ge=0, description="of a phase")
    capacitance: CapacitancePerLength = Field(0.0, ge=0, description="of a phase")
    frequency: Frequency = Field(60.0, gt=0, description="of the supply")
    ampacity: Current = Field(600.0, gt=0, description="current that it may carry")
    voltage: Voltage = Field(34.5e3, gt=0, description="nominal, line to line")
    continuous_factor: Fraction = Field(1.0, gt=0, le=2, description="continuous load over ampacity")
    emergency_factor: Fraction | None = Field(None, gt=0, le=5, description=EMERGENCY)
    trip_factor: Fraction = Field(1.25, gt=0, le=5, description="short peak over ampacity that trips")
    in_service: InService = True
    standby: Standby = "none"
    ports: ClassVar[dict[str, Port]] = {"in": Port("power"), "out": Port("power")}
    heading: ClassVar[str] = "electrical"
    legend: ClassVar[str] = "power train"
    look: ClassVar[Look] = "run"
    direct: ClassVar[bool] = False
    box: ClassVar[tuple[float, float, float]] = (0.3, 0.3, 0.2)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        cls.line(t, write)

    @classmethod
    def line(cls, t: Table, write: Write) -> Index:
        """Write the lines of a table with their limits and reports; returns their rows."""
        for port in ("in", "out"):
            nominal(t, write, port, t.voltage, cls.direct)
        base = t.voltage**2 / POWER_BASE
        reactance = 0.0 if cls.direct else t.reactance
        impedance = np.maximum(t.resistance, 1e-9) * t.length / base + 1j * reactance * t.length / base
        shunt = 0j if cls.direct else 2j * np.pi * t.frequency * t.capacitance * t.length * base
        rating = t.ampacity * t.voltage * (1.0 if cls.direct else np.sqrt(3.0))
        return branch(t, write, impedance, rating, shunt)


class Feeder(Conductor):
    """Medium-voltage cable."""

    capacitance: CapacitancePerLength = Field(0.25e-9, ge=0, description="of a phase")


class Busway(Conductor):
    """Low-voltage busway with the 80 % continuous rule; impedance of the run to its load centre."""

    voltage: Voltage = Field(415.0, gt=0, description="nominal, line to line")
    length: Length = Field(15.0, gt=0, description="of the run, up to its load centre")
    resistance: ResistancePerLength = Field(50e-6, ge=0, description="of a phase")
    reactance: ResistancePerLength = Field(25e-6, ge=0, description="of a phase")
    ampacity: Current = Field(1250.0, gt=0, description="current that it may carry")
    continuous_factor: Fraction = Field(0.8, gt=0, le=2, description="continuous load over ampacity")
    trip_factor: Fraction = Field(1.0, gt=0, le=5, description="short peak over ampacity that trips")
    look: ClassVar[Look] = "busway"


class DcBusway(Conductor):
    """800 V DC busway; resistance of the loop."""

    voltage: Voltage = Field(800.0, gt=0, description="nominal, between the poles")
    length: Length = Field(15.0, gt=0, description="of the run, up to its load centre")
    resistance: ResistancePerLength = Field(7.5e-6, ge=0, description="of both poles, out and back")
    ampacity: Current = Field(6000.0, gt=0, description="current that it may carry")
    continuous_factor: Fraction = Field(0.8, gt=0, le=2, description="continuous load over ampacity")
    trip_factor: Fraction = Field(1.0, gt=0, le=5, description="short peak over ampacity that trips")
    look: ClassVar[Look] = "busway"
    direct: ClassVar[bool] = True


class Pdu(Component):
    """A board, panel or floor PDU: a rated point of distribution; `full_load_loss` if it holds a transformer."""

    rating: Power = Field(500e3, gt=0, description="power that it may distribute")
    voltage: Voltage = Field(415.0, gt=0, description="nominal, line to line")
    full_load_loss: Fraction = Field(0.0, ge=0, le=0.1, description="series loss at rating")
    continuous_factor: Fraction = Field(0.8, gt=0, le=2, description="continuous load over the rating")
    emergency_factor: Fraction | None = Field(None, gt=0, le=5, description=EMERGENCY)
    trip_factor: Fraction = Field(1.0, gt=0, le=5, description="short peak over the rating that trips")
    in_service: InService = True
    standby: Standby = "none"
    ports: ClassVar[dict[str, Port]] = {"in": Port("power"), "out": Port("power")}
    heading: ClassVar[str] = "electrical"
    legend: ClassVar[str] = "power train"
    box: ClassVar[tuple[float, float, float]] = (0.9, 0.9, 2.0)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        nominal(t, write, "in", t.voltage)
        nominal(t, write, "out", t.voltage)
        impedance = (t.full_load_loss + 1j * np.maximum(TIE, t.full_load_loss)) * POWER_BASE / t.rating
        branch(t, write, impedance, t.rating)


class Switchboard(Pdu):
    """Main or unit-substation board, where feeds may join."""

    rating: Power = Field(4e6, gt=0, description="power that it may distribute")
    continuous_factor: Fraction = Field(1.0, gt=0, le=2, description="continuous load over the rating")
    ports: ClassVar[dict[str, Port]] = {"in": Port("power", joins=True), "out": Port("power")}
    box: ClassVar[tuple[float, float, float]] = (4.0, 1.2, 2.2)


class PowerConverter(Component):
    """Loss = rating (fixed + proportional k + square k²), k = output / rating, the form UPS makers publish.

    Give either the three coefficients or `efficiency`, a mapping of load fraction to efficiency; the three
    coefficients are then fitted by least squares.
    """

    abstract: ClassVar[bool] = True
    rating: Power = Field(1e6, gt=0, description="output power")
    voltage_in: Voltage = Field(415.0, gt=0, description="nominal, at the input")
    voltage_out: Voltage = Field(415.0, gt=0, description="nominal, at the output")
    fixed_loss: Fraction = Field(0.006, ge=0, le=0.5, description="loss at no load, over the rating")
    proportional_loss: Fraction = Field(0.012, ge=-0.5, le=0.5, description="loss in proportion to load")
    square_loss: Fraction = Field(0.014, ge=-0.5, le=0.5, description="loss with the load's square")
    power_factor: Fraction = Field(0.99, gt=0, le=1, description="at the input")
    output_voltage: Fraction = Field(1.0, ge=0.8, le=1.2, description="regulated output, per unit")
    continuous_factor: Fraction = Field(1.0, gt=0, le=2, description="continuous load over the rating")
    emergency_factor: Fraction | None = Field(None, gt=0, le=5, description=EMERGENCY)
    trip_factor: Fraction = Field(1.25, gt=0, le=5, description="short peak over the rating that trips")
    in_service: InService = True
    standby: Standby = "none"
    ports: ClassVar[dict[str, Port]] = {"in": Port("power"), "out": Port("power")}
    passages: ClassVar[tuple[Passage, ...] | None] = (Passage("in", "out", one_way=True),)
    heading: ClassVar[str] = "electrical"
    legend: ClassVar[str] = "power train"
    direct_out: ClassVar[bool] = False
    box: ClassVar[tuple[float, float, float]] = (3.0, 1.0, 2.0)

    @model_validator(mode="before")
    @classmethod
    def _fit(cls, data: object) -> object:
        return fit_losses(data)

    def check(self, name: str) -> list[str]:
        return [*super().check(name), *gains(self, name, "", self.trip_factor)]

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        nominal(t, write, "in", t.voltage_in)
        nominal(t, write, "out", t.voltage_out, cls.direct_out)
        tangent = np.tan(np.arccos(t.power_factor))
        rows = write(
            Converter(
                t.node("in"),
                t.node("out"),
                t.rating,
                t.fixed_loss,
                t.proportional_loss,
                t.square_loss,
                tangent,
                t.output_voltage,
                t.in_service,
            )
        )
        report(t, write, "loading", columns.converter.loading[rows], f"{t.kind} output over rating")
        report(
            t,
            write,
            "power",
            columns.converter.power[rows],
            f"active power into the {t.kind}",
            picture="power",
        )
        report(t, write, "loss", columns.converter.loss[rows], f"{t.kind} loss")
        bearing(t, write, columns.converter.loading[rows])
        limit(t, write, limits.peak, columns.converter.peak[rows], t.trip_factor)
        warm_room(t, write, columns.converter.loss[rows])
        write(Tally(totals.electrical_loss, columns.converter.loss[rows]))
        price(t, write)


def gains(part: Model, name: str, prefix: str, highest: float) -> list[str]:
    """A fault if a converter's loss is negative anywhere up to the load fraction `highest`."""
    worst = _gain(*(getattr(part, f"{prefix}{k}_loss") for k in ("fixed", "proportional", "square")), highest)
    if worst is None:
        return []
    at = f"the losses turn negative at {worst:.0%} load, more out than in"
    return [f"{name}: {at}; give other {prefix}losses or another {prefix}efficiency"]


@lru_cache(1024)
def _gain(fixed: float, proportional: float, square: float, highest: float) -> float | None:
    """The load fraction up to `highest` at which a converter of these losses [1] gains most; None if it never does."""
    k = np.linspace(0.0, highest, 101)
    loss = fixed + k * (proportional + k * square)
    return None if loss.min() >= -1e-12 else float(k[loss.argmin()])


def fit_losses(data: object, prefix: str = "") -> object:
    """Replace `efficiency` points in raw input by the three loss coefficients, k(1/η - 1) = a + b k + c k²."""
    key = f"{prefix}efficiency"
    if not isinstance(data, dict) or key not in data:
        return data
    data = dict(data)
    points = data.pop(key)
    if not isinstance(points, dict) or len(points) < 3:
        raise ValueError(f"{key}: give at least three points such as {{0.25: 0.96, 0.5: 0.97, 1.0: 0.97}}")
    try:
        load, eta = (np.array([parse(v, "fraction") for v in values]) for values in (points.keys(), points.values()))
    except ValueError as error:
        raise ValueError(f"{key}: points are load fraction: efficiency; {error}") from error
    if not (np.all((load > 0) & (load <= LARGEST_LOAD)) and np.all((eta > 0) & (eta <= 1))):
        raise ValueError(
            f"{key}: load fractions, such as 0.25 or 25 %, are in (0, {LARGEST_LOAD:g}], efficiencies in (0, 1]"
        )
    if len(np.unique(load)) < len(load):
        raise ValueError(f"{key}: a load fraction stands twice")
    a, b, c = np.linalg.lstsq(np.stack([np.ones_like(load), load, load**2], 1), load * (1 / eta - 1), rcond=None)[0]
    if max(a, abs(b), abs(c)) > LARGEST_LOSS:
        raise ValueError(f"{key}: the points ask for losses above {LARGEST_LOSS:.0%} of the rating")
    return data | {
        f"{prefix}fixed_loss": max(float(a), 0.0),
        f"{prefix}proportional_loss": float(b),
        f"{prefix}square_loss": float(c),
    }


class Ups(PowerConverter):
    """Double-conversion or eco-mode UPS."""

    asset_class: ClassVar[str] = "UPS"
    sheltered: ClassVar[bool] = True


class Rectifier(PowerConverter):
    """AC to 800 V DC; regulates its row."""

    voltage_out: Voltage = Field(800.0, gt=0, description="nominal, between the poles")
    fixed_loss: Fraction = Field(0.004, ge=0, le=0.5, description="loss at no load, over the rating")
    proportional_loss: Fraction = Field(0.006, ge=-0.5, le=0.5, description="loss in proportion to load")
    square_loss: Fraction = Field(0.009, ge=-0.5, le=0.5, description="loss with the load's square")
    direct_out: ClassVar[bool] = True


class Battery(Component):
    """Energy storage on a bus. Its charge is held in steady state, so it draws only its standby power."""

    in_service: InService = True
    standby: Power = Field(0.0, ge=0, description="power that floats it and its controls")
    ports: ClassVar[dict[str, Port]] = {"feed": Port("power", cords=True)}
    stores: ClassVar[bool] = True
    heading: ClassVar[str] = "electrical"
    legend: ClassVar[str] = "power train"

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        standby = constant(write, t.standby)
        draw(t, write, standby, totals.house)
        warm_room(t, write, standby)
        price(t, write)


class HouseLoad(Component):
    """Lighting, offices, controls: constant power that becomes heat where it stands."""

    in_service: InService = True
    power: Power = Field(50e3, ge=0, description="drawn all the time")
    power_factor: Fraction = Field(0.95, gt=0, le=1, description="of that power")
    ports: ClassVar[dict[str, Port]] = {"feed": Port("power", cords=True)}
    look: ClassVar[Look] = "none"

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        power = constant(write, t.power)
        draw(t, write, power, totals.house, t.power_factor)
        warm_room(t, write, power)
        price(t, write)
