"""What every equipment type shares: declared numbers, ports, roles, and one method that lowers a whole table."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from twin.columns import Array, Column, Entry, Index, LimitKind, Ref, Total, given, limits, zone
from twin.elements import ONE, Caution, Constant, Cost, Derived, Element, Gain, Limit, Load, Report, Tally, Weather
from twin.units import YEAR, Fraction, Length, Money, Time

Facing = Literal["+x", "-x", "+y", "-y"]
ShapesAir = Literal["rack", "cooler", "solid", "screen", "nothing"]
Look = Literal[
    "cabinet", "rack", "cdu", "fan_wall", "door", "tub", "pumps", "tank", "dry_cooler", "tower", "chiller",
    "transformer", "generator", "substation", "busway", "run", "panel", "floor", "none",
]  # fmt: skip
SetPointRole = Literal["coolant", "air", ""]
InService = Annotated[bool, Field(description="whether it runs; equipment out of service stands still")]
AIR_DENSITY = 1.2
"""Of the air at which equipment is rated, kg/m3."""

REGISTRY: "dict[str, type[Component]]" = {}
"""Equipment types by the name that layouts call them."""


@dataclass(frozen=True)
class Port:
    """A connection point.

    carrier: "power", "coolant" or "air". required: whether it must be connected. cords: whether several feeds may meet
    there without joining. joins: whether several feeds may join there.
    """

    carrier: str
    required: bool = True
    cords: bool = False
    joins: bool = False


class Passage(NamedTuple):
    """A way through a component: from port `start` to port `end`, and back unless it is `one_way`."""

    start: str
    end: str
    one_way: bool = False


class Model(BaseModel):
    """Strict and frozen: an unknown field is a fault. A text may look like a number, a number is not true or false.

    Models of this package are built when they are first used; those of others where they stand, which tells what is
    wrong with them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, defer_build=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.__module__.partition(".")[0] != __name__.partition(".")[0]:
            cls.model_rebuild(raise_errors=False)

    @field_validator("*", mode="before")
    @classmethod
    def _counted(cls, value: object, info: ValidationInfo) -> object:
        declared = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and any(t in (int, float) for t in (declared, *get_args(declared))):
            raise ValueError(f"{str(value).lower()} is no number")
        return value


# ---- what `lower` is given ---------------------------------------------------------------------------------------


class Write(Protocol):
    """Adds the rows of an element; returns their numbers, (n,)."""

    def __call__(self, element: Element, of: Index | None = None) -> Index:
        """Row numbers of the element, by which others refer to it.

        of: the instance of the table that each row belongs to (n,), where they are not one for each, in their order.
        """
        ...


class RoomNodes(NamedTuple):
    """The air around each instance, (instance,): nodes of its room, outdoors where it has none.

    supply: air that coolers deliver. inlet: air that racks breathe. exhaust: air that returns. zone: row of the room,
    -1 outdoors. dew_point_margin: by which coolant must stay above the dew point there [K], (instance, 1|S).
    """

    supply: Index
    inlet: Index
    exhaust: Index
    zone: Index
    dew_point_margin: Array


class Table(Protocol):
    """All instances of one type. A numeric field is an attribute: its column, SI, NaN for none, (instance, 1|S)."""

    @property
    def names(self) -> list[str]:
        """Names of the instances."""
        ...

    @property
    def n(self) -> int:
        """How many instances there are."""
        ...

    @property
    def kind(self) -> str:
        """The type's name in layouts."""
        ...

    @property
    def dimension(self) -> str:
        """The dimension of the Dataset that its reports share."""
        ...

    @property
    def heading(self) -> str:
        """The heading of its yearly cost."""
        ...

    @property
    def tenant(self) -> bool:
        """Whether the tenant of a colocation owns it."""
        ...

    @property
    def site(self) -> Weather:
        """The weather of all scenarios."""
        ...

    @property
    def outdoor(self) -> int:
        """The node of outdoor air."""
        ...

    @property
    def room(self) -> RoomNodes:
        """The air around each instance: its room, or outdoors."""
        ...

    @property
    def own(self) -> RoomNodes:
        """The air of each instance, where these are rooms."""
        ...

    def __getattr__(self, field: str) -> Array:
        """Column of a numeric field, (instance, 1|S)."""
        ...

    def __getitem__(self, field: str) -> list[Any]:
        """Values of a field that is no number, one per instance."""
        ...

    def __contains__(self, field: str) -> bool:
        """Whether the type has a numeric field of that name."""
        ...

    def node(self, port: str) -> Index:
        """Node (coolant, air) or bus (power) of a port of each instance."""
        ...

    def fluids(self, port: str) -> list[str]:
        """Name of the fluid that fills the coolant loop of a port, of each instance."""
        ...

    def inner(self, tag: str) -> Index:
        """A node inside each instance."""
        ...

    def feeds(self, port: str) -> tuple[Index, Index, Array]:
        """Instance and bus of every feed (feed,), and its share (feed, 1), which add up to one in each instance."""
        ...

    def only(self, rows: Array) -> "Table":
        """The table of those instances for which `rows` (instance,) is true."""
        ...

    def times(self, fields: str, factor: Array) -> "Table":
        """The table with some columns multiplied."""
        ...


RESERVED = frozenset(n for n in vars(Table) if not n.startswith("_"))
"""Names that a table has for itself, which no numeric field may take."""


# ---- components --------------------------------------------------------------------------------------------------


class Component(Model):
    """One piece of equipment. Subclasses declare numbers with units once and lower them to elements.

    Roles, as class attributes, are what the rest of the program knows of a type:

    abstract: whether it is a base of types and no type itself. kind: its name in layouts, by default the class's.
    dimension: of the Dataset, that its reports share. heading: of its yearly cost. tenant: whether the tenant of a
    colocation owns it. legend: its group in pictures, any text. look: what it is drawn as; a "run" of pipe or cable
    is drawn along its route, a "busway" above what it feeds. asset_class: what NVIDIA's AI-factory profile of OpenUSD
    assets calls it, "" for none. shapes_air: what it is to the air of its room: a "rack" breathes at its face (by its
    fields `air_flow` and `facing`, `air_span` and `air_width` if it has them, and as rows of an Engine), a "cooler"
    blows (`facing`, `outlet`, `intake`, and as rows of a Fan), a "solid" is in the way, a "screen" parts it
    (`open_area`), and "nothing" leaves
    it alone. cools_room: whether it is what a room without cooling lacks. airs_room: whether it works only in rooms
    that are ventilated, whose humidity is a balance. holds_pressure: whether it is what a coolant loop without
    pressure lacks. indoors: whether it must stand in a room. set_point_role: what its set point holds, "coolant" to
    racks or room "air", or "". sheltered: whether users are warned where it names no room in a layout that has rooms.
    metered: whether it stands for the utility, whose `contract` can be widened. units_field: the field that says how
    many equal units it stands for, each of which can be lost by itself, "" for one. stores: whether it holds energy
    that bridges the time until something switches. structural: fields that shape the plant and are the same in all
    scenarios. ports: its connection points. passages: what passes from port to port inside it; see `ways` for the
    default. sources: ports at which it is a source of power. box: lengths along x, y and z if it has no size [m].
    front: the axis that box is deep along.
    """

    at: tuple[Length, Length, Length] | None = Field(
        None, description="corner of least x, y, z, in the axes of the site"
    )
    size: tuple[Length, Length, Length] | None = Field(None, description="lengths along x, y, z; its type's if none")
    room: str | None = Field(None, description="the room it stands in; outdoors if none")
    cords: int = Field(1, ge=1, le=8, description="feeds it can have")
    shares: tuple[Fraction, ...] | None = Field(None, description="of the cords, in the order of their names")
    opens: tuple[str, ...] = Field(
        (), description="what standby equipment opens before it closes: the other breakers of a transfer pair"
    )
    capital: Money = Field(0.0, ge=0, description="purchase and installation")
    life: Time = Field(15 * YEAR, gt=0, description="depreciation life")
    upkeep: Fraction = Field(0.03, ge=0, le=1, description="maintenance per year, share of capital")

    abstract: ClassVar[bool] = False
    kind: ClassVar[str] = ""
    dimension: ClassVar[str] = ""
    heading: ClassVar[str] = "facility"
    tenant: ClassVar[bool] = False
    legend: ClassVar[str] = "other"
    look: ClassVar[Look] = "cabinet"
    asset_class: ClassVar[str] = ""
    shapes_air: ClassVar[ShapesAir] = "solid"
    cools_room: ClassVar[bool] = False
    airs_room: ClassVar[bool] = False
    holds_pressure: ClassVar[bool] = False
    indoors: ClassVar[bool] = False
    sheltered: ClassVar[bool] = False
    set_point_role: ClassVar[SetPointRole] = ""
    metered: ClassVar[bool] = False
    units_field: ClassVar[str] = ""
    stores: ClassVar[bool] = False
    structural: ClassVar[frozenset[str]] = frozenset({"at", "size", "room", "cords", "shares", "opens"})
    ports: ClassVar[dict[str, Port]] = {}
    passages: ClassVar[tuple[Passage, ...] | None] = None
    sources: ClassVar[tuple[str, ...]] = ()
    box: ClassVar[tuple[float, float, float]] = (1.0, 1.0, 2.0)
    front: ClassVar[str] = "y"

    @property
    def way(self) -> Facing:
        """Where its front points: its `facing`, or "-y" if it has none."""
        return getattr(self, "facing", "-y")

    @property
    def extent(self) -> tuple[float, float, float]:
        """Lengths along x, y and z, m: its `size`, or the box of its type turned to where it faces."""
        turned = self.way[1] != self.front
        x, y, z = self.box
        return self.size or ((y, x, z) if turned else (x, y, z))

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.__name__.startswith("_") or cls.__dict__.get("abstract", False):
            return
        taken = sorted(RESERVED & set(cls.model_fields) - {"room"})
        if taken:
            raise TypeError(f"{cls.__name__}: a field may not be called {' or '.join(taken)}: tables have that already")
        ends = [(cls.ports.get(p.start), cls.ports.get(p.end), p) for p in cls.passages or ()]
        for start, end, way in ends:
            if start is None or end is None or start.carrier != end.carrier or start.cords or end.cords:
                raise TypeError(f"{cls.__name__}: {way} must join two ports of one carrier, neither of them with cords")
        if any(p not in cls.ports for p in cls.sources):
            raise TypeError(f"{cls.__name__}: sources {cls.sources} must be ports: {', '.join(cls.ports) or 'none'}")
        if cls.look not in get_args(Look):
            raise TypeError(f"{cls.__name__}: look {cls.look!r} is none of {', '.join(get_args(Look))}")
        if "kind" not in cls.__dict__:
            cls.kind = "".join("_" + c.lower() if c.isupper() else c for c in cls.__name__).lstrip("_")
        if "dimension" not in cls.__dict__:
            cls.dimension = cls.kind
        other = REGISTRY.setdefault(cls.kind, cls)
        if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            where = f"{other.__module__}.{other.__qualname__}"
            raise TypeError(f"{cls.__module__}.{cls.__qualname__}: type {cls.kind!r} is {where} already; change `kind`")
        REGISTRY[cls.kind] = cls

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        """Write the elements of all instances, columns (instance, scenario)."""

    @classmethod
    def ways(cls) -> tuple[Passage, ...]:
        """Its passages: those declared, else all ports of one carrier are one, both ways.

        Ports with cords take and pass nothing on, so that the cords of a consumer never join.
        """
        if cls.passages is not None:
            return cls.passages
        first: dict[str, str] = {}
        open_ports = [(name, port.carrier) for name, port in cls.ports.items() if not port.cords]
        ends = [(first.setdefault(carrier, name), name) for name, carrier in open_ports]
        return tuple(Passage(start, end) for start, end in ends if start != end)

    def fills(self) -> dict[str, str]:
        """Fluid with which it fills a coolant loop, by port."""
        return {}

    def holds(self) -> dict[str, float]:
        """Absolute pressure [Pa] that it holds in a coolant loop, by port."""
        return {}

    def check(self, name: str) -> list[str]:
        """Faults that only the whole component shows, one sentence each."""
        shares = self.shares
        if shares is not None and (len(shares) != self.cords or abs(sum(shares) - 1) > 1e-6 or min(shares) < 0):
            return [f"{name}: shares: give {self.cords} shares, none negative, that add up to 1"]
        return []

    def check_place(self, name: str) -> list[str]:
        """Faults of where and how large it stands, one sentence each."""
        return []


# ---- what `lower` writes -----------------------------------------------------------------------------------------


def wide(value: ArrayLike, n: int) -> Array:
    """A number or column as (n, 1|S)."""
    value = np.asarray(value, float)
    return np.broadcast_to(value, (n, value.shape[-1] if value.ndim else 1))


def draw(
    t: Table, write: Write, power: Ref, heading: Total, power_factor: ArrayLike = 0.95, peak: Ref | None = None
) -> None:
    """Connect consumers to the buses on their `feed` ports and add what they take up under a heading.

    power, peak: solved powers [W] (instance). power_factor [1]. Raises ValueError for a heading that is no part of the
    meter's breakdown, since the power would then be in the meter and in no figure.
    """
    _called(t, heading)
    if not heading.part:
        raise ValueError(f"{t.kind}: what is drawn under {heading.name!r} would be in no figure; give it a part")
    row, bus, share = t.feeds("feed")
    factor = np.clip(np.asarray(power_factor) + np.zeros((t.n, 1)), 1e-3, 1.0)
    tangent = np.tan(np.arccos(factor[row]))
    peak = peak or power
    names = [t.names[i] for i in row]
    on = t.in_service[row] if "in_service" in t else ONE
    write(Load(bus, names, power.column[power.rows[row]], peak.column[peak.rows[row]], share, tangent, on))
    write(Tally(heading, power))


def warm_room(t: Table, write: Write, power: Ref, share: ArrayLike = 1.0) -> None:
    """Put a share of a power as heat into the room of each instance, outdoors if it has none."""
    write(Gain(t.room.exhaust, power, np.broadcast_to(np.asarray(share, float), (t.n, 1)), t.names))


def price(t: Table, write: Write) -> None:
    """Write what the instances of a table cost."""
    write(Cost(t.names, t.heading, t.capital, t.life, t.upkeep, t.tenant))


def report(t: Table, write: Write, name: str, value: Ref, long_name: str, picture: str = "") -> None:
    """Show a solved column to users along the type's dimension, as the variable called dimension_name.

    Its unit is the column's. picture: "temperature" or "power" if pictures colour the equipment by it.
    """
    write(Report(t.dimension, f"{t.dimension}_{name}", t.names, value, long_name, picture))


def derive(write: Write, column: Column, *terms: tuple[Ref, ArrayLike], constant: ArrayLike = 0.0) -> Ref:
    """Rows of a column of the type's own, made of others: a constant plus each solved column times its factor.

    Such as the rise of a coolant: `derive(write, bath.rise, (stream.outlet[pipe], 1.0), (stream.inlet[pipe], -1.0))`.
    Terms are of the same number of instances n; factors and constant are numbers or (n, 1|S). Peaks are no terms: they
    are solved after all else. Raises ValueError for a column that is one of the ledger's or has no name.
    """
    if not column.name or column.home == Column.__module__:
        raise ValueError(f"{column.name or 'a column'}: declare a column of your own, as an attribute of a class")
    n = len(terms[0][0].rows)
    factors = tuple(wide(factor, n) for _, factor in terms)
    return column[write(Derived(column, wide(constant, n), tuple(ref for ref, _ in terms), factors))]


def _called(t: Table, entry: Entry) -> None:
    if not entry.name:
        what = f"{t.kind}: {type(entry).__name__}({entry.meaning!r})"
        raise ValueError(f"{what} has no name; make it an attribute of a class or give it `name`")


def caution(t: Table, write: Write, value: Ref, text: str) -> None:
    """Warn users where a solved column is above 0.5."""
    write(Caution(t.names, value, text))


def constant(write: Write, value: ArrayLike) -> Ref:
    """Stated powers [W], or flags for a `caution`, (n, 1|S), as rows that can be referred to."""
    return given.power[write(Constant(np.asarray(value, float)))]


def limit(
    t: Table,
    write: Write,
    kind: LimitKind,
    value: Ref,
    bound: ArrayLike,
    engine: Index | None = None,
    emergency: ArrayLike | None = None,
) -> None:
    """Bound a solved column for every instance in service; a bound that is not finite never binds.

    `engine` are the rows of the racks with whose density the bound grows. emergency: the bound for hours after a loss,
    NaN where it is no other.
    """
    _called(t, kind)
    loose = None if emergency is None else np.where(np.isnan(emergency), bound, emergency)
    if "in_service" in t and not t.in_service.all():
        bound = np.where(t.in_service > 0, bound, np.inf)
        loose = None if loose is None else np.where(t.in_service > 0, loose, np.inf)
    after = None if loose is None else wide(loose, t.n)
    write(Limit(kind, kind.name.format(kind=t.kind), t.names, value, wide(bound, t.n), engine, emergency=after))


def stay_dry(t: Table, write: Write, temperature: Ref) -> None:
    """Coolant of every instance that stands in a room stays above the dew point of its air."""
    inside = t.room.zone >= 0
    if inside.any():
        part, kind = t.only(inside), limits.dew_point
        margin = np.where(part.in_service > 0, part.room.dew_point_margin, -np.inf)
        value, above = temperature.column[temperature.rows[inside]], zone.dew_point[part.room.zone]
        write(Limit(kind, kind.name, part.names, value, margin, above=above))


def shut(t: Table, flow: ArrayLike = np.nan) -> Array:
    """Flow that pipes of each instance hold (n, 1|S): none out of service, else `flow`, NaN for free ones."""
    return np.where(t.in_service > 0, flow, 0.0)


def finite_or(value: Array, other: ArrayLike) -> Array:
    """A column, with another's values where it states none."""
    return np.where(np.isfinite(value), value, other)
