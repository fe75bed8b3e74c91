"""The sections of a layout that are no components: what is served, at which prices, which limits count."""

from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from twin.columns import LIMITS
from twin.components.base import REGISTRY, Model
from twin.components.hall import Site
from twin.facility.catalogue import energy, physics
from twin.facility.files import hint
from twin.facility.shapes import Shape
from twin.units import (
    YEAR,
    CarbonIntensity,
    Data,
    DataRate,
    Fraction,
    MoneyPerEnergy,
    MoneyPerPower,
    MoneyPerPowerTime,
    MoneyPerTime,
    MoneyPerToken,
    MoneyPerVolume,
    Number,
    Time,
)


class Agents(Model):
    """Agents that the factory serves: chains of turns with tools between them, so many users or arrivals."""

    turns: int = Field(8, ge=1, le=1000, description="readings and writings of a request, a tool between two")
    hit_rate: Fraction = Field(0.0, ge=0, le=1, description="share of the input that a cache holds")
    routing: Fraction = Field(1.0, ge=0, le=1, description="share of the hits that reach where the cache lies")
    tool_time: Time = Field(1.0, gt=0, description="of a tool call, mean")
    retrieval_time: Time = Field(0.05, gt=0, description="from memory or a store, each turn")
    software_time: Time = Field(0.01, gt=0, description="of the orchestrator, each turn")
    scv: Number = Field(1.0, ge=0, le=100, description="squared coefficient of variation of the tokens written")
    retrievers: int | None = Field(None, ge=1, le=10**6, description="retrievals at once; no bound if not given")
    orchestrators: int | None = Field(None, ge=1, le=10**6, description="requests that software handles at once")
    users: int | None = Field(None, ge=1, le=10**7, description="in a closed loop; or give arrival_rate")
    arrival_rate: Number | None = Field(None, gt=0, description="requests/s at random; or give users")
    think_time: Time = Field(0.0, ge=0, description="of a user between requests")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.users is None) == (self.arrival_rate is None):
            raise ValueError("give either users or arrival_rate")
        return self


class Serving(Model):
    """What the tokens are made of, at which interactivity, and how many are requested."""

    model: str = Field("DeepSeek-R1-0528", description="language model that is served")
    models: dict[str, Shape] = Field({}, description="in physics: models of one's own, shapes by name")
    input_tokens: int = Field(1024, gt=0, description="read by a request")
    output_tokens: int = Field(1024, gt=0, description="written by a request")
    interactivity: Number = Field(116.7, gt=0, description="tokens/s/user")
    availability: Fraction = Field(
        1.0, gt=0, le=1, description="share of the year in which tokens are served; the plant idles in the rest"
    )
    clock_exponent: Number | None = Field(
        None, ge=0, le=2, description="throughput over clock, of measured fronts; that of the physics if not given"
    )
    mode: Literal["table", "physics"] = Field("table", description="measured fronts, or the physics fitted to them")
    precision: Literal["fp8", "fp4"] | None = Field(None, description="of the weights; the platform's lowest if unset")
    power: Literal["rated", "measured"] = Field(
        "rated", description="of chips at work: rated, or as measured of what their steps wait for, work and read"
    )
    drafts: int | None = Field(
        None, ge=0, le=7, description="tokens drafted a step, in physics; what the model itself drafts if not given"
    )
    engine: str | None = Field(None, description="serving stack, in physics; the platform's own if not given")
    host_cache: Data = Field(0.0, ge=0, description="what each accelerator may keep in its host, in physics")
    storage_cache: Data = Field(0.0, ge=0, description="what it may keep in a store beyond that")
    storage_rate: DataRate = Field(0.0, ge=0, description="at which it reads that store")
    max_instance_size: int | None = Field(None, ge=1, description="accelerators of a decode instance, in physics")
    demand: tuple[Fraction, ...] | None = Field(
        None, description="share of the capacity that is requested in each hour of a day, or in any equal parts of it"
    )
    max_ttft: Time | None = Field(None, gt=0, description="objective: time to a first token")
    max_tpot: Time | None = Field(None, gt=0, description="objective: time per token")
    agents: Agents | None = Field(None, description="in physics: agents that visit the layers of the factory")
    objective_share: Fraction = Field(0.99, gt=0, lt=1, description="share of requests that meet the objectives")

    @field_validator("demand", mode="before")
    @classmethod
    def _parts(cls, given: Any) -> Any:
        return (given,) if isinstance(given, (str, int, float)) else given

    @model_validator(mode="after")
    def _whole(self) -> Self:
        faults = self.faults()
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def faults(self) -> list[str]:
        """What only the whole section shows, one sentence each."""
        faults = []
        if self.demand is not None and not (self.demand and all(0.0 <= x <= 1.0 for x in self.demand)):
            faults.append("demand: give shares of the capacity between 0 and 1, one for each part of a day")
        if self.demand is None and (self.max_ttft is not None or self.max_tpot is not None):
            faults.append("demand: objectives judge what is sold of a demand; give one, such as [1.0]")
        if self.storage_cache > 0 and not self.storage_rate > 0:
            faults.append("storage_cache: give a storage_rate to read it with")
        faults += [f"models: {n} is shipped; give yours another name" for n in self.models if n in physics()["models"]]
        if self.mode == "physics" and self.clock_exponent is not None:
            faults.append(
                "clock_exponent: is of measured fronts; in physics the roofline says how tokens follow the clock"
            )
        if self.mode == "table":
            own: dict[str, Any] = dict.fromkeys(("engine", "drafts", "precision", "max_instance_size"))
            own |= dict.fromkeys(("host_cache", "storage_cache", "storage_rate"), 0.0)
            own = ({} if self.max_ttft is not None else own) | {"agents": None, "models": {}}
            given = [name for name, usual in own.items() if getattr(self, name) != usual]
            faults += [f"{name}: is read by physics; write `mode: physics`" for name in given]
        return faults


class EnergySource(Model):
    """One source of the electricity drawn from the utility: its share, the rest if none is given."""

    share: Fraction | None = Field(None, gt=0, le=1, description="of the energy; one source may take the rest")
    price: MoneyPerEnergy | None = Field(None, ge=0, description="`electricity` if not given")
    carbon: CarbonIntensity | None = Field(None, ge=0, description="that of `layouts/energy` if not given")


class WaterSource(Model):
    """Water of one origin: its share of the make-up, the rest if none is given."""

    share: Fraction | None = Field(None, gt=0, le=1, description="of the make-up water; one origin may take the rest")
    price: MoneyPerVolume | None = Field(None, ge=0, description="`water` if not given")


WaterOrigin = Literal["potable", "reclaimed", "rain"]


class Part(NamedTuple):
    """A source of electricity with its share, price [$/J] and carbon [kg/J]."""

    name: str
    share: float
    price: float
    carbon: float


class Economics(Model):
    """Prices and terms that are not those of one component."""

    discount_rate: Fraction = Field(0.08, ge=0, le=0.5, description="yearly")
    electricity: MoneyPerEnergy = Field(0.07 / 3.6e6, ge=0, description="price of the energy drawn")
    demand_charge: MoneyPerPowerTime = Field(0.0, ge=0, description="on the contract, or on the demand without one")
    water: MoneyPerVolume = Field(3.0, ge=0, description="input: no public price is known")
    water_sources: dict[WaterOrigin, WaterSource] = Field({}, description="of the make-up water; all potable if none")
    carbon: CarbonIntensity = Field(
        0.369 / 3.6e6, ge=0, description="of the energy drawn; the default is the United States' mix of 2023"
    )
    sources: dict[str, EnergySource] = Field({}, description="mix of the energy drawn, by names of `layouts/energy`")
    works: MoneyPerPower = Field(
        0.0, ge=0, description="shell, installation, engineering: what no component carries, by nameplate of racks"
    )
    works_life: Time = Field(14 * YEAR, gt=0, description="depreciation life of these")
    staff: MoneyPerTime = Field(0.0, ge=0, description="operation of the facility")
    other: MoneyPerTime = Field(0.0, ge=0, description="insurance, taxes, land lease")
    colocation: MoneyPerPowerTime | None = Field(
        None,
        gt=0,
        description="lease by nameplate of racks of space, power, cooling, water instead of owning",
    )
    rent: MoneyPerTime | None = Field(
        None, gt=0, description="of an accelerator instead of owning; the published price of its platform if not given"
    )
    token_price: MoneyPerToken | None = Field(None, ge=0, description="of an output token")
    input_value: Fraction = Field(0.25, ge=0, le=1, description="price of an input token over that of an output token")
    capital_recovery: Literal["annuity"] = Field("annuity", description="how capital is spread over its life")

    @field_validator("sources", "water_sources", mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        return {n: {} if s is None else s for n, s in given.items()} if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _mixed(self) -> Self:
        for name, source in self.sources.items():
            if source.carbon is None and name not in energy():
                raise ValueError(f"sources: {name!r} is not known{hint(name, energy())}; give its carbon")
        _whole("sources", {n: s.share for n, s in self.sources.items()})
        _whole("water_sources", {n: s.share for n, s in self.water_sources.items()})
        return self

    @property
    def origins(self) -> dict[str, tuple[float, float]]:
        """Share and price [$/m3] of the make-up water of each origin; shares add up to 1."""
        shares = _shares({n: s.share for n, s in self.water_sources.items()}) or {"potable": 1.0}
        own = {n: s.price for n, s in self.water_sources.items() if s.price is not None}
        return {name: (share, own.get(name, self.water)) for name, share in shares.items()}

    @property
    def mix(self) -> tuple[Part, ...]:
        """Sources of the energy drawn from the utility; their shares add up to 1."""
        if not self.sources:
            return (Part("grid", 1.0, self.electricity, self.carbon),)
        shares = _shares({n: s.share for n, s in self.sources.items()})
        return tuple(
            Part(
                name,
                shares[name],
                self.electricity if s.price is None else s.price,
                energy()[name] if s.carbon is None else s.carbon,
            )
            for name, s in self.sources.items()
        )

    def mean(self, quantity: str) -> float:
        """Mean `price` [$/J] or `carbon` [kg/J] of the mix."""
        return sum(part.share * getattr(part, quantity) for part in self.mix)

    def income(self, isl: Any, osl: Any) -> Any:
        """Price of a token, $, mean of so many inputs and outputs, of their shape; None where none is stated."""
        if self.token_price is None:
            return None
        return self.token_price * (osl + self.input_value * isl) / (isl + osl)


def _whole(field: str, shares: dict[str, float | None]) -> None:
    """ValueError where shares, of which one may be the rest, do not add up to 1."""
    rests = [n for n, share in shares.items() if share is None]
    given = sum(share or 0.0 for share in shares.values())
    if len(rests) > 1:
        raise ValueError(f"{field}: {' and '.join(rests)} both take the rest; give all but one a share")
    if rests and 1.0 - 1e-9 <= given <= 1.0 + 1e-9:
        raise ValueError(f"{field}: {rests[0]} takes the rest, and there is none; leave it out or lower a share")
    if shares and (given > 1.0 + 1e-9 or (not rests and given < 1.0 - 1e-9)):
        raise ValueError(f"{field}: shares add up to {given:.4g}, not 1; leave out one share to take the rest")


def _shares(given: dict[str, float | None]) -> dict[str, float]:
    """Shares with the rest in the place of None."""
    rest = 1.0 - sum(share or 0.0 for share in given.values())
    return {name: rest if share is None else share for name, share in given.items()}


def limit_names() -> dict[str, tuple[str, ...]]:
    """All limits by name, and the types of equipment that a name tells if it tells one."""
    names: dict[str, tuple[str, ...]] = {}
    for limit in LIMITS:
        for kind in REGISTRY if "{kind}" in limit.name else ():
            name = limit.name.format(kind=kind)
            names[name] = (*names.get(name, ()), kind)
    return names | {limit.name: () for limit in LIMITS if limit.name and "{kind}" not in limit.name}


class Limits(Model):
    """Which limits do not count in this layout."""

    ignore: tuple[str, ...] = Field((), description="limits by name, as results call them")

    @field_validator("ignore", mode="before")
    @classmethod
    def _one(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("ignore")
    @classmethod
    def _known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        known = limit_names()
        unknown = [name for name in given if name not in known]
        if unknown:
            raise ValueError("; ".join(f"no limit {name!r}{hint(name, known)}" for name in unknown))
        return given


MODELS: dict[str, type[Model]] = {"site": Site, "serving": Serving, "economics": Economics, "limits": Limits}
"""Sections whose fields have addresses, by their name in a layout."""
