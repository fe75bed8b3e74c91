"""The site, its weather, and rooms with their air."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from twin import columns
from twin.columns import limits
from twin.components.base import Component, Model, ShapesAir, Table, Write, finite_or, limit, report
from twin.elements import Vent, Zone
from twin.units import Fraction, Length, Number, Temperature, TemperatureDifference, VolumeFlow

CLASSES = {
    "A1": (288.15, 305.15, 1 / 300),
    "A2": (283.15, 308.15, 1 / 300),
    "A3": (278.15, 313.15, 1 / 175),
    "A4": (278.15, 318.15, 1 / 125),
    "H1": (288.15, 298.15, 1 / 500),
}
"""Allowable rack inlet dry bulb by ASHRAE class, K, and its fall above 900 m, K/m.

As cited in public secondary sources (TC 9.9, 2021).
"""


class Site(Model):
    """Weather and height. One of wet bulb, relative humidity or dew point states the moisture."""

    dry_bulb: Temperature = Field(303.15, ge=200, le=340, description="outdoor dry bulb")
    wet_bulb: Temperature | None = Field(None, ge=200, le=330, description="outdoor wet bulb")
    relative_humidity: Fraction | None = Field(None, ge=0, le=1, description="of outdoors; 50 % if nothing is given")
    dew_point: Temperature | None = Field(None, ge=200, le=330, description="of outdoor air")
    elevation: Length = Field(0.0, ge=-430, le=5000, description="above sea level")
    recirculation: TemperatureDifference = Field(
        0.0, ge=0, le=20, description="rise of the air that heat rejection draws above the weather"
    )
    design_pue: Number | None = Field(None, ge=1, le=4, description="provisions power; that of the solve if not given")

    @model_validator(mode="after")
    def _moisture(self) -> Site:
        stated = [n for n in ("wet_bulb", "relative_humidity", "dew_point") if getattr(self, n) is not None]
        if len(stated) > 1:
            raise ValueError(f"{' and '.join(stated)} both state the moisture; keep one")
        if self.wet_bulb is not None and self.wet_bulb > self.dry_bulb + 1e-9:
            raise ValueError(
                f"wet_bulb {self.wet_bulb - 273.15:.2f} degC is above dry_bulb {self.dry_bulb - 273.15:.2f} degC"
            )
        if self.dew_point is not None and self.dew_point > self.dry_bulb + 1e-9:
            raise ValueError(
                f"dew_point {self.dew_point - 273.15:.2f} degC is above dry_bulb {self.dry_bulb - 273.15:.2f} degC"
            )
        return self


class Screen(Component):
    """Something thin across the air of a room: panel, door or containment if closed, tile or grille if partly open.

    One of the three lengths of its `size` is 0: the screen lies across that axis.
    """

    open_area: Fraction = Field(0.0, ge=0, le=0.95, description="share that is open; 0 lets nothing through")
    structural: ClassVar[frozenset[str]] = Component.structural | {"open_area"}
    shapes_air: ClassVar[ShapesAir] = "screen"
    box: ClassVar[tuple[float, float, float]] = (0.0, 0.0, 0.0)

    def check_place(self, name: str) -> list[str]:
        if sum(s <= 0 for s in self.extent) != 1:
            return [f"{name}: size: give two lengths and one 0 m, across which the screen lies"]
        return []


class Room(Component):
    """A room as mixed air nodes: coolers feed a supply, racks draw from it, and some air goes astray.

    `recirculation` is the share of rack intake drawn from the hot side, `bypass` the share of cooler air that
    returns without passing a rack: racks that draw D call for (1 - recirculation) D / (1 - bypass), times `excess`,
    which all goes by. When coolers deliver less than that, the racks recirculate the rest.
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
    ventilation: VolumeFlow = Field(0.0, ge=0, description="outdoor air through the room")
    dew_point: Temperature = Field(283.15, ge=230, le=310, description="of the room air; the weather's if ventilated")
    dew_point_margin: TemperatureDifference = Field(2.0, ge=0, le=20, description="of coolant above the dew point")
    max_return_temperature: Temperature | None = Field(None, ge=280, le=345, description="of the return air")

    shapes_air: ClassVar[ShapesAir] = "nothing"
    box: ClassVar[tuple[float, float, float]] = (0.0, 0.0, 0.0)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        supply, inlet, exhaust = t.own.supply, t.own.inlet, t.own.exhaust
        outdoor = np.full(t.n, t.outdoor)
        write(
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
                dew_point=np.where(t.ventilation > 0, np.maximum(t.dew_point, t.site.dew_point), t.dew_point),
                names=t.names,
            )
        )
        report(t, write, "supply_temperature", columns.node.temperature[supply], "air leaving the coolers")
        report(t, write, "inlet_temperature", columns.node.temperature[inlet], "air entering the racks")
        report(t, write, "return_temperature", columns.node.temperature[exhaust], "air returning to the coolers")
        warmest = finite_or(t.max_return_temperature, np.inf)
        limit(t, write, limits.room_temperature, columns.node.temperature[exhaust], warmest)
