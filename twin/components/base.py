"""What every equipment type shares: declared numbers, ports, and one method that lowers a whole table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from twin.elements import Array, Constant, Cost, Gain, Limit, Load, Ref, Report, Tally
from twin.units import Fraction, Length, Money, Time

YEAR = 365.25 * 86400.0

Write = Callable[[Any], Array]
Facing = Literal["+x", "-x", "+y", "-y"]
REGISTRY: dict[str, type[Component]] = {}


@dataclass(frozen=True)
class Port:
    """A connection point: carrier 'power', 'coolant' or 'air'; `cords` lets several feeds meet without joining."""

    carrier: str
    required: bool = True
    cords: bool = False


class Model(BaseModel):
    """Strict and frozen: an unknown field is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Component(Model):
    """One piece of equipment. Subclasses declare numbers with units once and lower them to elements."""

    at: tuple[Length, Length, Length] | None = Field(None, description="position in the hall, x y z of the base")
    size: tuple[Length, Length, Length] | None = Field(None, description="width, depth and height")
    room: str | None = Field(None, description="the room it stands in; outdoors if none")
    cords: int = Field(1, ge=1, le=8, description="feeds it can have")
    shares: tuple[Fraction, ...] | None = Field(None, description="of the cords, in the order of their names")
    capital: Money = Field(0.0, ge=0, description="purchase and installation")
    life: Time = Field(15 * YEAR, gt=0, description="depreciation life")
    upkeep: Fraction = Field(0.03, ge=0, le=1, description="maintenance per year, share of capital")

    abstract: ClassVar[bool] = False
    indoors: ClassVar[bool] = False
    structural: ClassVar[frozenset[str]] = frozenset({"at", "size", "room", "cords", "shares"})
    kind: ClassVar[str] = ""
    dimension: ClassVar[str] = ""
    heading: ClassVar[str] = "facility"
    ports: ClassVar[dict[str, Port]] = {}
    box: ClassVar[tuple[float, float, float]] = (1.0, 1.0, 2.0)
    front: ClassVar[str] = "y"

    @property
    def extent(self) -> tuple[float, float, float]:
        """Lengths along x, y and z, m: its `size`, or the box of its type turned to where it faces."""
        turned = getattr(self, "facing", "-y")[1] != self.front
        x, y, z = self.box
        return self.size or ((y, x, z) if turned else (x, y, z))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__name__.startswith("_") or cls.__dict__.get("abstract", False):
            return
        if "kind" not in cls.__dict__:
            cls.kind = "".join("_" + c.lower() if c.isupper() else c for c in cls.__name__).lstrip("_")
        if "dimension" not in cls.__dict__:
            cls.dimension = cls.kind
        REGISTRY[cls.kind] = cls

    @classmethod
    def lower(cls, t: Any, write: Write) -> None:
        """Write the elements of all instances, columns (instance, scenario)."""

    def check(self, name: str) -> list[str]:
        """Faults that only the whole component shows, one sentence each."""
        shares = self.shares
        if shares is not None and (len(shares) != self.cords or abs(sum(shares) - 1) > 1e-6 or min(shares) < 0):
            return [f"{name}: shares: give {self.cords} shares, none negative, that add up to 1"]
        return []

    def check_place(self, name: str) -> list[str]:
        """Faults of where and how large it stands, one sentence each."""
        return []


def column(value: Any, n: int = 1) -> Array:
    """A number or array as a (n, 1) column."""
    return np.broadcast_to(np.asarray(value, float).reshape(-1, 1), (n, 1))


def curve(t: Any) -> tuple[Array, Array, Array]:
    """Loss coefficients of a converter table: fixed, proportional, square, each (n, 1|S)."""
    return t.fixed_loss, t.proportional_loss, t.square_loss


def draw(t: Any, write: Write, power: Ref, heading: str, power_factor: Any = 0.95, peak: Ref | None = None) -> None:
    """Connect consumers to the buses on their `feed` ports and tally what they take."""
    row, bus, share = t.feeds("feed")
    factor = np.clip(power_factor + np.zeros((t.n, 1)), 1e-3, 1.0)
    tangent = np.tan(np.arccos(factor[row]))
    peak = peak or power
    names = [t.names[i] for i in row]
    write(Load(bus, names, Ref(power.quantity, power.rows[row]), Ref(peak.quantity, peak.rows[row]), share, tangent))
    write(Tally(heading, power))


def warm_room(t: Any, write: Write, power: Ref, share: Any = 1.0) -> None:
    """Put a share of a power as heat into the room of each unit (outdoors if it has none)."""
    write(Gain(t.room.exhaust, power, np.broadcast_to(np.asarray(share, float), (t.n, 1)), t.names))


def price(t: Any, write: Write) -> None:
    """Write the cost rows of a table."""
    write(Cost(t.names, t.heading, t.capital, t.life, t.upkeep))


def report(t: Any, write: Write, name: str, value: Ref, unit: str, long_name: str) -> None:
    """Show a solved column to users under the component's dimension."""
    write(Report(t.dimension, name, t.names, value, unit, long_name))


def constant(write: Write, value: Any) -> Ref:
    """Given numbers (n, 1|S) as rows that can be referred to."""
    return Ref("constant", write(Constant(np.asarray(value, float))))


def limit(
    t: Any,
    write: Write,
    name: str,
    value: Ref,
    bound: Any,
    *,
    sense: int = 1,
    dimension: str = "fraction",
    basis: str = "sustained",
    domain: str = "thermal",
) -> None:
    """Bound a solved column for every unit; a bound that is not finite never binds."""
    bound = np.broadcast_to(np.asarray(bound, float), (t.n, np.shape(bound)[-1] if np.ndim(bound) else 1))
    write(Limit(name, t.names, value, bound, sense, dimension, basis, domain))
