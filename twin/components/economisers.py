"""Economisers: what cools by the weather before compressors do."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from twin.components.base import Passage, Port, Table, Write, shut
from twin.components.cooling import wall_fouling
from twin.components.outdoor import AirChiller, Rejecter, rated_film, reject
from twin.domains import economisers, rejection
from twin.elements import Pipe
from twin.fluids import fluid
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


class WaterEconomiser(Rejecter):
    """Water-side economiser: plate exchangers that cool chilled water with the water of towers, before the chillers.

    It holds the set point where it can, and does what it can where it cannot, the chillers the rest; one that is not
    `integrated` takes all of the load or none, as one piped in parallel with the chillers does. Tower water that is
    warmer than what comes back does not warm it.
    """

    conductance: Conductance = Field(500e3, gt=0, description="UA of one at the rated flows")
    cold_flow: MassFlow = Field(100.0, gt=0, description="rated, tower water, one unit")
    cold_drop: Pressure = Field(30e3, gt=0, description="tower water, at rated flow")
    drop: Pressure = Field(30e3, gt=0, description="chilled water, at rated flow")
    integrated: bool = Field(True, description="whether it works together with the chillers")
    min_difference: TemperatureDifference = Field(
        1.0, ge=0, le=20, description="of returning chilled water above tower water, from which it works"
    )
    set_point: Temperature | None = Field(280.0, ge=270, le=340, description="leaving chilled water")
    film_exponent: Number = Field(0.8, ge=0, le=1, description="of the films over the flows")
    film_balance: Number = Field(1.0, gt=0, le=100, description="hot film over cold film at the rated flows")
    fouling: FoulingResistance = Field(0.0, ge=0, le=0.01, description="resistance of both sides")
    area: Area | None = Field(None, gt=0, description="that fouling counts on; UA over `clean_u` if not given")
    clean_u: HeatTransferCoefficient = Field(4000.0, gt=0, description="U without fouling")
    limits_capacity: bool = Field(False, description="true if no chiller follows it")
    ports: ClassVar[dict[str, Port]] = {
        **{"in": Port("coolant"), "out": Port("coolant")},
        **{"cold_in": Port("coolant"), "cold_out": Port("coolant")},
    }
    passages: ClassVar[tuple[Passage, ...] | None] = (Passage("in", "out"), Passage("cold_in", "cold_out"))
    kind: ClassVar[str] = "water_economiser"
    dimension: ClassVar[str] = "economiser"
    box: ClassVar[tuple[float, float, float]] = (1.0, 3.0, 2.5)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        resistance = t.cold_drop / (t.units * t.cold_flow) ** 2
        cold = write(Pipe(t.node("cold_in"), t.node("cold_out"), quadratic=resistance, set_flow=shut(t)))
        cp = np.array([fluid(name).heat_capacity(COOL) for name in t.fluids("cold_in")])[:, None]
        conductance = t.units * t.conductance
        law = economisers.WaterEconomiser(
            set_point=cls.held(t),
            conductance=conductance,
            rated_flow=t.units * t.flow,
            rated_sink=t.units * t.cold_flow * cp,
            film_ratio=1.0 / t.film_balance,
            exponent=t.film_exponent,
            fouling=wall_fouling(t, conductance),
            min_difference=t.min_difference,
            integrated=t.integrated,
        )
        reject(t, write, cls.pipe(t, write), law, sink=cold, powered=False)


COOL = 285.0
"""Temperature at which the capacity rate of an economiser's rated tower water is taken, K."""


class FreeCoolingChiller(AirChiller):
    """Air-cooled chiller with a coil in front of its evaporator, which outdoor air cools first.

    The coil is rated by `free_cooling` with coolant entering at `free_cooling_water` and air at `free_cooling_air`; its
    fans follow the cube law, beside those of the condensers, which the curves count.
    """

    free_cooling: Power = Field(1.0e6, gt=0, description="duty of the coil of one unit at its rating")
    free_cooling_water: Temperature = Field(293.15, ge=270, le=340, description="entering coolant, at the rating")
    free_cooling_air: Temperature = Field(278.15, ge=230, le=330, description="dry bulb, at the rating")
    coil_air_flow: VolumeFlow = Field(120.0, gt=0, description="one unit, at the rating")
    coil_fan_power: Power = Field(45e3, ge=0, description="one unit at full speed")
    coil_drop: Pressure = Field(40e3, gt=0, description="coolant side at rated flow")
    min_difference: TemperatureDifference = Field(
        4.0, ge=0, le=20, description="of entering coolant above the air, from which the coil works"
    )
    min_fan_speed: Fraction = Field(0.1, gt=0, le=1, description="lowest over full speed")
    kind: ClassVar[str] = "free_cooling_chiller"
    dimension: ClassVar[str] = "chiller"

    def check(self, name: str) -> list[str]:
        if self.free_cooling_water <= self.free_cooling_air:
            return [f"{name}: free_cooling_air: must be below free_cooling_water"]
        try:
            air = self.coil_air_flow * rejection.rated_density(self.free_cooling_air)
            leaving = self.free_cooling_water - self.free_cooling / (self.flow * rejection.WATER_CP)
            rejection.from_rating(self.free_cooling, self.free_cooling_water, leaving, self.free_cooling_air, air)
        except ValueError as error:
            return [f"{name}: coil_air_flow: {error}"]
        return super().check(name)

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        middle = t.inner("evaporator")
        total = (t.units * t.flow) ** 2
        coil = write(Pipe(t.node("in"), middle, quadratic=t.coil_drop / total, set_flow=shut(t)))
        reject(t, write, coil, cls.coil(t), part="free_cooling")
        evaporator = write(Pipe(middle, t.node("out"), quadratic=t.drop / total))
        reject(t, write, evaporator, cls.machine(t))

    @classmethod
    def coil(cls, t: Table) -> rejection.DryCooler:
        """Performance of the coils."""
        density = rejection.rated_density(t.free_cooling_air)
        air = t.coil_air_flow * density
        cp = np.array(
            [fluid(name).heat_capacity(T) for name, T in zip(t.fluids("in"), t.free_cooling_water, strict=True)]
        )
        leaving = t.free_cooling_water - t.free_cooling / (t.flow * cp)
        rating = t.free_cooling_water, leaving, t.free_cooling_air, air
        return rejection.DryCooler(
            set_point=cls.held(t),
            conductance=rejection.from_rating(t.free_cooling, *rating),
            rated_flow=t.flow,
            rated_air_flow=air,
            fan_power=t.coil_fan_power,
            count=t.units,
            ambient=t.site.intake,
            density=t.site.intake_density / density,
            min_speed=t.min_fan_speed,
            min_gap=t.min_difference,
            rated_film=rated_film(t, "in", t.free_cooling_water),
            warmth=t.site.intake / t.free_cooling_air,
        )
