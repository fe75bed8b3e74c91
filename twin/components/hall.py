"""The site, its weather, and rooms with their air."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import ClassVar, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from twin import columns, fluids
from twin.columns import Array, Real, limits
from twin.components.base import Component, Look, Model, ShapesAir, Table, Write, finite_or, limit, report
from twin.elements import Vent, Zone
from twin.fluids import humidity_ratio_from_dew_point
from twin.units import Fraction, Length, Number, Pressure, Temperature, TemperatureDifference, VolumeFlow, format

ROUNDING = 0.01
"""By how much a wet bulb may lie below that of dry air, K: formulas of psychrometry differ by this."""

PRESSURES = (0.85, 1.1)
"""Share of the standard atmosphere within which the weather of a place stays.

Of the pressures reduced to sea level that were measured, the lowest is 870 hPa and the highest 1,084 hPa [World
Meteorological Organization, World Weather and Climate Extremes Archive].
"""


DEFAULT_HUMIDITY = 0.5
"""Relative humidity of a site that states no moisture."""


class Fault(NamedTuple):
    """What cannot be in some scenarios: in which (1|S,), and a sentence for one of them."""

    where: Array
    tell: Callable[[int], str]


class Site(Model):
    """Weather and height. One of wet bulb, relative humidity or dew point states the moisture."""

    dry_bulb: Temperature = Field(303.15, ge=200, le=340, description="outdoor dry bulb")
    wet_bulb: Temperature | None = Field(None, ge=200, le=330, description="outdoor wet bulb")
    relative_humidity: Fraction | None = Field(None, ge=0, le=1, description="of outdoors; 50 % if nothing is given")
    dew_point: Temperature | None = Field(None, ge=200, le=330, description="of outdoor air")
    elevation: Length = Field(0.0, ge=-430, le=5000, description="above sea level")
    pressure: Pressure | None = Field(
        None, ge=45e3, le=115e3, description="of the air; the standard atmosphere's at this elevation if not given"
    )
    recirculation: TemperatureDifference = Field(
        0.0, ge=0, le=20, description="rise of the air that heat rejection draws above the weather"
    )
    design_pue: Number | None = Field(None, ge=1, le=4, description="provisions power; that of the solve if not given")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        stated = [n for n in ("wet_bulb", "relative_humidity", "dew_point") if getattr(self, n) is not None]
        if len(stated) > 1:
            raise ValueError(f"{' and '.join(stated)} both state the moisture; keep one")
        faults = [f.tell(0) for f in contradictions({n: v for n, v in self if v is not None}) if f.where.any()]
        if faults:
            raise ValueError("; ".join(faults))
        return self


def air_pressure(site: Mapping[str, Real]) -> Array:
    """Pressure of the outdoor air [Pa] that a site states, or of the standard atmosphere at its elevation."""
    return np.asarray(site["pressure"] if "pressure" in site else fluids.pressure_at(site["elevation"]), float)


def contradictions(site: Mapping[str, Real]) -> Iterator[Fault]:
    """What of the fields of a site cannot be together, numbers or one for each scenario (1|S,).

    A wet bulb lies between the dry bulb and that of air without moisture, a dew point not above the dry bulb.
    """
    names = [n for n in ("dry_bulb", "wet_bulb", "dew_point", "pressure", "elevation") if n in site]
    *rows, p = np.broadcast_arrays(*(np.atleast_1d(np.asarray(site[n], float)) for n in names), air_pressure(site))
    given = dict(zip(names, rows, strict=True))
    dry, height = given["dry_bulb"], given["elevation"]
    for name in ("wet_bulb", "dew_point"):
        if name in given:
            yield Fault(given[name] > dry + 1e-9, partial(_above, name, given[name], dry))
    if "wet_bulb" in given:
        driest = fluids.wet_bulb(dry, 0.0, p)
        short = given["wet_bulb"] < driest - ROUNDING
        short &= fluids.humidity_ratio_from_wet_bulb(dry, given["wet_bulb"], p) <= 0.0
        yield Fault(short, partial(_too_dry, given["wet_bulb"], driest, dry, p))
    if "pressure" in given:
        share = p / fluids.pressure_at(height)
        yield Fault((share < PRESSURES[0]) | (share > PRESSURES[1]), partial(_elsewhere, p, share, height))


def _degrees(kelvin: float) -> str:
    return f"{kelvin - 273.15:.2f} degC"


def _above(name: str, value: Array, dry: Array, i: int) -> str:
    by = f"by {value[i] - dry[i]:.2f} K; cut it at the dry bulb, where air is saturated"
    return f"{name} {_degrees(value[i])} is above dry_bulb {_degrees(dry[i])} {by}"


def _too_dry(wet: Array, driest: Array, dry: Array, pressure: Array, i: int) -> str:
    air = f"that of air without moisture at dry_bulb {_degrees(dry[i])} and {format(pressure[i], 'pressure')}"
    return f"wet_bulb {_degrees(wet[i])} is below {_degrees(driest[i])}, {air}; give that or more, or the dew_point"


def _elsewhere(pressure: Array, share: Array, height: Array, i: int) -> str:
    place = f"{share[i]:.0%} of the standard atmosphere's at elevation {format(height[i], 'length')}"
    remedy = "give the elevation too, and the pressure as measured there, not reduced to sea level"
    return f"pressure {format(pressure[i], 'pressure')} is {place}; {remedy}"


class Screen(Component):
    """Something thin across the air of a room: panel, door or containment if closed, tile or grille if partly open.

    One of the three lengths of its `size` is 0: the screen lies across that axis.
    """

    open_area: Fraction = Field(0.0, ge=0, le=0.95, description="share that is open; 0 lets nothing through")
    structural: ClassVar[frozenset[str]] = Component.structural | {"open_area"}
    shapes_air: ClassVar[ShapesAir] = "screen"
    look: ClassVar[Look] = "panel"
    box: ClassVar[tuple[float, float, float]] = (0.0, 0.0, 0.0)

    def check_place(self, name: str) -> list[str]:
        if sum(s <= 0 for s in self.extent) != 1:
            return [f"{name}: size: give two lengths and one 0 m, across which the screen lies"]
        return []


BREATH = 80e-3 / 3600.0
"""Vapour that a person at moderate office work gives off, kg/s: 55 W latent [ASHRAE Fundamentals (2021), ch. 18]."""


class Room(Component):
    """A room as mixed air nodes: coolers feed a supply, racks draw from it, and some air goes astray.

    `recirculation` is the share of rack intake drawn from the hot side, `bypass` the share of cooler air that
    returns without passing a rack: racks that draw D call for (1 - recirculation) D / (1 - bypass), times `excess`,
    which all goes by. When coolers deliver less than that, the racks recirculate the rest.

    Moisture: a room that is ventilated has the humidity at which outdoor air, people and humidifiers bring as much
    vapour as coils take; one that is not keeps its stated `dew_point`, whatever coils take from it.
    """

    length: Length = Field(20.0, gt=0, description="along x")
    width: Length = Field(12.0, gt=0, description="along y")
    height: Length = Field(4.0, gt=0, description="floor to ceiling")
    recirculation: Fraction = Field(0.05, ge=0, lt=1, description="share of rack intake from the hot side")
    bypass: Fraction = Field(0.1, ge=0, lt=1, description="share of cooler air that passes no rack")
    excess: Fraction = Field(1.0, ge=1, le=3, description="cooler air over what the two fractions call for")
    structural: ClassVar[frozenset[str]] = Component.structural | {"length", "width", "height"}
    other_rise: TemperatureDifference = Field(
        10.0, gt=0, le=60, description="of the air, that coolers allow for heat that no rack fan moves"
    )
    ventilation: VolumeFlow = Field(0.0, ge=0, description="outdoor air through the room, leakage included")
    dew_point: Temperature = Field(
        283.15, ge=230, le=310, description="of the returning air as stated; follows from a balance if ventilated"
    )
    people: Number = Field(0.0, ge=0, le=10_000, description="in the room, who give off 80 g/h of vapour each")
    dew_point_margin: TemperatureDifference = Field(2.0, ge=0, le=20, description="of coolant above the dew point")
    max_return_temperature: Temperature | None = Field(None, ge=280, le=345, description="of the return air")

    shapes_air: ClassVar[ShapesAir] = "nothing"
    look: ClassVar[Look] = "floor"
    box: ClassVar[tuple[float, float, float]] = (0.0, 0.0, 0.0)

    def check(self, name: str) -> list[str]:
        faults = super().check(name)
        if self.people > 0 and self.ventilation <= 0:
            faults.append(f"{name}: people: a room without `ventilation` keeps its `dew_point`; give it ventilation")
        return faults

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        supply, inlet, exhaust = t.own.supply, t.own.inlet, t.own.exhaust
        outdoor = np.full(t.n, t.outdoor)
        stated = humidity_ratio_from_dew_point(t.dew_point, t.site.pressure)
        zone = write(
            Zone(
                supply,
                inlet,
                exhaust,
                forward=write(Vent(supply, inlet)),
                backward=write(Vent(exhaust, inlet)),
                bypassing=write(Vent(supply, exhaust)),
                outflow=write(Vent(exhaust, outdoor)),
                inflow=write(Vent(outdoor, supply)),
                recirculation=t.recirculation,
                bypass=t.bypass,
                excess=t.excess,
                ventilation=t.ventilation * t.site.density,
                other_rise=t.other_rise,
                humidity=np.where(t.ventilation > 0, np.nan, stated),
                vapour=t.people * BREATH,
                names=t.names,
            )
        )
        water = columns.zone
        report(t, write, "dew_point", water.dew_point[zone], "dew point of the returning air")
        report(t, write, "condensate", water.condensate[zone], "water that coils take from the air")
        report(t, write, "supply_temperature", columns.node.temperature[supply], "air leaving the coolers")
        report(t, write, "inlet_temperature", columns.node.temperature[inlet], "air entering the racks")
        report(t, write, "return_temperature", columns.node.temperature[exhaust], "air returning to the coolers")
        warmest = finite_or(t.max_return_temperature, np.inf)
        limit(t, write, limits.room_temperature, columns.node.temperature[exhaust], warmest)
