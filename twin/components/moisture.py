"""Humidifiers of rooms."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from twin import columns
from twin.columns import limits, totals
from twin.components.base import Component, InService, Look, Port, Table, Write, draw, limit, price, report
from twin.elements import Gain, Tally
from twin.elements import Humidifier as Element
from twin.fluids import humidity_ratio_from_dew_point
from twin.units import Fraction, MassFlow, Power, Temperature

BOILING = 2.257e6 + 4186.0 * 85.0
"""Heat that makes steam of 100 degC of water of 15 degC, J/kg [steam tables]."""

SPRAYING = 14.4e3
"""Electricity of high-pressure pumps, J/kg of vapour: 4 W for a kilogram an hour, of which makers state 4 to 8."""


class Humidifier(Component):
    """Gives vapour to the air of its room, so that the dew point does not fall below `set_point`.

    Isothermal ones boil water by electricity; adiabatic ones spray it into the air, which gives the heat of
    vaporisation and so is cooled [ASHRAE HVAC Systems and Equipment (2020), ch. 22]. It works in rooms that are
    ventilated: others keep their stated dew point.
    """

    in_service: InService = True
    method: Literal["isothermal", "adiabatic"] = Field("isothermal", description="steam, or spray and wetted media")
    set_point: Temperature = Field(278.65, ge=250, le=300, description="dew point of the room that it holds at least")
    capacity: MassFlow = Field(0.01, gt=0, description="vapour at full output")
    efficiency: Fraction = Field(0.95, gt=0, le=1, description="heat in the steam over electricity; isothermal ones")
    power: Power | None = Field(None, ge=0, description="electrical at full output; follows from the method if none")
    flushed: Fraction = Field(0.1, ge=0, lt=1, description="share of the water that is drained against scale")
    ports: ClassVar[dict[str, Port]] = {"feed": Port("power", cords=True)}
    heading: ClassVar[str] = "cooling"
    legend: ClassVar[str] = "air handling"
    look: ClassVar[Look] = "cabinet"
    indoors: ClassVar[bool] = True
    airs_room: ClassVar[bool] = True
    shapes_air: ClassVar[str] = "nothing"  # type: ignore[assignment]
    box: ClassVar[tuple[float, float, float]] = (0.6, 0.4, 1.2)

    def check(self, name: str) -> list[str]:
        faults, least = super().check(name), BOILING * self.capacity
        if self.method == "isothermal" and self.power is not None and self.power < least:
            what = f"{self.power / 1e3:g} kW does not boil {self.capacity:g} kg/s, which takes {least / 1e3:.1f} kW"
            faults.append(f"{name}: power: {what}; raise it, or leave it out")
        return faults

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        boils = np.array([[m == "isothermal"] for m in t["method"]])
        own = np.where(boils, BOILING / t.efficiency, SPRAYING)
        rows = write(
            Element(
                t.room.zone,
                humidity_ratio_from_dew_point(t.set_point, t.site.pressure),
                t.capacity * t.in_service,
                np.where(np.isnan(t.power), own, t.power / t.capacity),
                1.0 / (1.0 - t.flushed),
                t.names,
            )
        )
        of = columns.humidifier
        draw(t, write, of.power[rows], totals.humidification)
        write(Gain(t.room.exhaust, of.heat[rows]))
        write(Tally(totals.water, of.water[rows]))
        limit(t, write, limits.humidification, of.loading[rows], 1.0)
        report(t, write, "vapour", of.flow[rows], "vapour given to the air")
        report(t, write, "power", of.power[rows], "electrical power", picture="power")
        report(t, write, "water", of.water[rows], "water used")
        price(t, write)
