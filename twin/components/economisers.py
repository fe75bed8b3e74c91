"""Economisers: what cools by the weather before compressors do."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from twin import columns
from twin.columns import Array, Index
from twin.components.base import AIR_DENSITY, Look, Passage, Port, Table, Write, finite_or, shut
from twin.components.cooling import Crah, wall_fouling
from twin.components.outdoor import AirChiller, Rejecter, rated_film, reject, warn_of_frost
from twin.domains import economisers, rejection
from twin.domains.compute import AIR_HEAT
from twin.elements import Mixing, Pipe
from twin.fluids import fluid
from twin.kernels.exchangers import crossflow
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
    look: ClassVar[Look] = "cabinet"
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
        reject(t, write, cls.pipe(t, write), law, sink=cold, powered=False, ahead=1.0 - t.limits_capacity)


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
        warn_of_frost(t, write, "in")
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


class AirEconomiser(Crah):
    """Air-side economiser: a room cooler that mixes outdoor air into what it draws, before its coil.

    Mixed air is held below the set point by what the fans warm it at full speed. Outdoor air brings its moisture, see
    `Room`; its limits keep what is too damp, too dry or too warm outside.
    """

    min_outdoor_air: Fraction = Field(0.0, ge=0, le=1, description="share of outdoor air that always comes in")
    max_dry_bulb: Temperature | None = Field(None, ge=250, le=330, description="of outdoor air that is used; none: any")
    max_outdoor_dew_point: Temperature = Field(288.15, ge=230, le=310, description="of outdoor air that is used")
    min_outdoor_dew_point: Temperature | None = Field(None, ge=200, le=300, description="likewise; none: any")
    outdoor_air_power: Power = Field(
        1.5e3, ge=0, description="of fans for filters, louvres and relief, one unit at full outdoor air"
    )
    kind: ClassVar[str] = "air_economiser"
    dimension: ClassVar[str] = "crah"
    airs_room: ClassVar[bool] = True

    def check(self, name: str) -> list[str]:
        faults, least = super().check(name), self.min_outdoor_dew_point
        if least is not None and least >= self.max_outdoor_dew_point:
            faults.append(f"{name}: min_outdoor_dew_point: must be below max_outdoor_dew_point")
        return faults

    @classmethod
    def precool(cls, t: Table, write: Write, blown: Index) -> None:
        flow = t.units * t.air_flow * t.site.density
        law = economisers.AirEconomiser(
            set_point=mixed_to(t),
            outdoor=t.site.dry_bulb,
            dew_point=t.site.dew_point,
            rated_flow=flow,
            fan_power=t.units * t.outdoor_air_power,
            min_share=t.min_outdoor_air * t.in_service,
            max_dry_bulb=finite_or(t.max_dry_bulb, np.where(t.in_service > 0, 1e3, 0.0)),
            max_dew_point=t.max_outdoor_dew_point,
            min_dew_point=finite_or(t.min_outdoor_dew_point, 0.0),
        )
        rows = reject(t, write, blown, law, part="economiser", speed=("outdoor_air", "share of outdoor air"))
        inside = t.room.zone >= 0
        if inside.any():
            share = columns.cooler.speed[rows[inside]]
            write(Mixing(blown[inside], t.room.zone[inside], share), of=np.flatnonzero(inside))


class IndirectEvaporativeCooler(Crah):
    """Indirect evaporative cooler: outdoor air, wetted where that helps, cools room air through plates, before a coil.

    The air streams do not mix. The plates are rated by their `effectiveness` at equal flows of both; outdoor fans
    follow the cube law, and pads bring their air to T_db - saturation (T_db - T_wb) as those of adiabatic coolers do.
    """

    effectiveness: Fraction = Field(0.75, gt=0, lt=1, description="of the plates at rated flows on both sides")
    outdoor_air_flow: VolumeFlow | None = Field(None, gt=0, description="one unit; the air flow of the room if none")
    outdoor_air_power: Power = Field(4e3, ge=0, description="of outdoor fans, one unit at full speed")
    saturation: Fraction = Field(0.8, ge=0, le=1, description="of the pads: share of the wet-bulb depression")
    wetting: Literal["last", "first"] = Field(
        "last", description="whether pads are wetted after outdoor fans are at full speed, or before"
    )
    wet_above: Temperature = Field(278.15, ge=230, le=330, description="dry bulb below which pads are drained")
    cycles: Number = Field(4.0, gt=1, le=20, description="of concentration")
    min_outdoor_speed: Fraction = Field(0.1, gt=0, le=1, description="of outdoor fans, lowest over full speed")
    kind: ClassVar[str] = "indirect_evaporative_cooler"
    dimension: ClassVar[str] = "crah"

    @classmethod
    def precool(cls, t: Table, write: Write, blown: Index) -> None:
        outdoor = finite_or(t.outdoor_air_flow, t.air_flow) * AIR_DENSITY
        room = t.air_flow * AIR_DENSITY
        law = rejection.DryCooler(
            set_point=mixed_to(t),
            conductance=plates(t.effectiveness, room * AIR_HEAT, outdoor * rejection.MOIST_CP),
            rated_flow=room,
            rated_air_flow=outdoor,
            fan_power=t.outdoor_air_power,
            count=t.units * t.in_service,
            ambient=t.site.dry_bulb,
            wet_bulb=t.site.wet_bulb,
            saturation=t.saturation,
            cycles=t.cycles,
            density=t.site.density / AIR_DENSITY,
            film_ratio=np.ones((1, 1)),
            water_exponent=0.8,
            min_speed=t.min_outdoor_speed,
            wets_first=np.array([[w == "first"] for w in t["wetting"]], float),
            wet_above=t.wet_above,
        )
        reject(t, write, blown, law, part="economiser")


def mixed_to(t: Table) -> Array:
    """Temperature to which air is brought before fans warm it [K]: as much below the set point as at full speed."""
    return t.set_point - t.fan_power / (t.air_flow * AIR_DENSITY * AIR_HEAT)


def plates(effectiveness: Array, own: Array, other: Array) -> Array:
    """Conductance [W/K] of plates in crossflow that have an effectiveness at capacity rates [W/K], by the smaller."""
    smaller, larger = np.minimum(own, other), np.maximum(own, other)
    wanted, ratio = np.broadcast_arrays(effectiveness, smaller / larger)
    log = rejection.rising_root(lambda x: crossflow(np.exp(x), ratio) - wanted, np.full(ratio.shape, -9.0), 7.0, 60)
    return np.exp(log) * smaller
