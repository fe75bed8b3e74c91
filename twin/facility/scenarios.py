"""Scenario parameters: addresses and SI values to columns of fields, checked as the layout is."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from pydantic.fields import FieldInfo

from twin import fluids
from twin.columns import Array, Index, Real
from twin.components.base import Component
from twin.components.hall import DEFAULT_HUMIDITY, Fault, air_pressure, contradictions
from twin.facility.addresses import breadth, choose, meant, settle, split
from twin.facility.files import MOISTURE, LayoutError
from twin.facility.graph import Facility
from twin.facility.tables import Given, Numbers, numbers, tabulate
from twin.units import BEYOND, Quantity, cf_unit, is_whole, out_of_reach, quantity

WET_BULB_ALONE = "wet_bulb of the scenarios; dry_bulb of the layout, at most that of air without moisture"

WHOLE = ("demand",)
"""Fields of sections that are several numbers."""

STRUCTURAL = {"voltage"}
"""Dimensions that shape the plant and are the same in all scenarios."""

SECTIONS = ("site", "serving", "economics")
"""Sections whose numbers may vary."""

MODEL = "model"
"""Of a component, its entry of the catalogue."""

REASONS = 5
"""How many different faults of a scenario its reason tells."""

BOUNDS = (
    ("ge", np.less, "at least"),
    ("gt", np.less_equal, "above"),
    ("le", np.greater, "at most"),
    ("lt", np.greater_equal, "below"),
)
"""Names that declarations give to bounds, when these are passed, and what they say."""

Columns = dict[str, dict[str, Array]]


class Invalid(NamedTuple):
    """A scenario whose values cannot be: why, and the values as given, by address."""

    reason: str
    values: dict[str, float]


class Scenarios(NamedTuple):
    """What a plant is compiled for.

    columns: by field and component (S,). site: fields of the site, numbers or (S,). size: S. coordinates: SI values by
    address (S,). labels: what the scenarios are called (S,), None if by number. invalid: by number the scenarios whose
    values cannot be; columns, site and coordinates have those of a neighbour in their place. moisture: where that of
    the weather comes from.
    """

    columns: Columns
    site: dict[str, Real]
    size: int
    coordinates: dict[str, Array]
    labels: Array | None
    invalid: dict[int, Invalid]
    moisture: str

    def part(self, at: slice | Index) -> Scenarios:
        """Some of the scenarios, by number, in that order."""
        number = {int(k): i for i, k in enumerate(np.arange(self.size)[at])} if self.invalid else {}
        taken: dict[int, Array] = {}

        def pick(values: Array) -> Array:
            """Those of an array, which many components may share: they then share what comes of it."""
            if id(values) not in taken:
                taken[id(values)] = values[at]
            return taken[id(values)]

        return Scenarios(
            {field: {n: pick(v) for n, v in rows.items()} for field, rows in self.columns.items()},
            {field: v if np.size(v) == 1 else np.asarray(v)[at] for field, v in self.site.items()},
            len(np.arange(self.size)[at]),
            {address: v[at] for address, v in self.coordinates.items()},
            None if self.labels is None else self.labels[at],
            {number[i]: known for i, known in self.invalid.items() if i in number},
            self.moisture,
        )


class _Target(NamedTuple):
    """What an address means: a field of the section `head`, or of the components with these names, as declared."""

    head: str
    field: str
    names: list[str]
    declared: list[FieldInfo]


def read(facility: Facility, given: Given) -> Scenarios:
    """What scenarios make of a facility; see `tables.tabulate` for what they may be.

    Those whose values cannot be are told, and the others stand. Raises LayoutError for what is no address, no number
    that may vary or of another length, and where no scenario can be.
    """
    try:
        table, labels = tabulate(given)
    except ValueError as error:
        raise LayoutError(facility.source, [str(error)]) from None
    targets: dict[str, _Target] = {}
    values: dict[str, Numbers] = {}
    faults: list[str] = []
    for address, value in table.items():
        try:
            targets[address] = _target(facility, address)
            values[address] = numbers(value, quantity(targets[address].declared[0]))
        except ValueError as error:
            faults.append(str(error) if address in str(error) else f"{address}: {error}")
    lengths = {a: len(n.values) for a, n in values.items()} | ({} if labels is None else {"labels": len(labels)})
    size = max(lengths.values(), default=1)
    if any(n not in (1, size) for n in lengths.values()) or (labels is not None and len(labels) != size):
        faults.append(f"scenarios have different lengths: {', '.join(f'{a} {n}' for a, n in lengths.items())}")
    stated = [a for a, t in targets.items() if t.head == "site" and t.field in MOISTURE]
    if len(stated) > 1:
        faults.append(f"{' and '.join(stated)} both state the moisture; keep one")
    if faults:
        raise LayoutError(facility.source, list(dict.fromkeys(faults)))
    return _possible(facility, targets, values, size)._replace(labels=labels)


def _possible(facility: Facility, targets: dict[str, _Target], given: dict[str, Numbers], size: int) -> Scenarios:
    """Scenarios of which those that cannot be have the values of the first that can."""
    faults = [f for a, t in targets.items() for f in _outside(a, t.declared, given[a])]
    values, _ = _replaced(facility, {a: n.values for a, n in given.items()}, faults, size)
    columns, site, _ = _placed(facility, targets, values, size)
    faults += [*_inconsistent(facility, columns), *(_impossible(site) if weather(targets) else ())]
    values, bad = _replaced(facility, values, faults, size)
    columns, site, moisture = _placed(facility, targets, values, size)
    wide = {a: np.broadcast_to(v, (size,)) for a, v in values.items()}
    as_given = {a: np.broadcast_to(n.values, (size,)) for a, n in given.items()}
    invalid = {}
    for i in np.flatnonzero(bad).tolist():
        sentences = [f.tell(i) for f in faults if np.broadcast_to(f.where, size)[i]]
        reason = "; ".join(LayoutError("", sentences).messages(REASONS))
        invalid[i] = Invalid(reason, {a: float(v[i]) for a, v in as_given.items()})
    return Scenarios(columns, site, size, wide, None, invalid, moisture)


def _replaced(
    facility: Facility, values: Mapping[str, Array], faults: list[Fault], size: int
) -> tuple[dict[str, Array], Array]:
    """Values in which scenarios with a fault have those of the first without, and which these are (scenario,).

    Raises LayoutError where every scenario has a fault.
    """
    bad = np.zeros(size, bool)
    for fault in faults:
        bad |= fault.where
    if bad.all():
        raise LayoutError(facility.source, [_told(f, size) for f in faults if f.where.any()])
    good = int(np.argmin(bad))
    return {a: v if len(v) == 1 else np.where(bad, v[good], v) for a, v in values.items()}, bad


def _told(fault: Fault, size: int) -> str:
    """A fault where it occurs first, and in which scenarios it occurs."""
    rows = np.flatnonzero(fault.where)
    others = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
    place = f" (scenario {rows[0]}{others})" if len(fault.where) == size > 1 else ""
    return fault.tell(int(rows[0])) + place


def _target(facility: Facility, address: str) -> _Target:
    """What an address means; ValueError for what means nothing or may not vary."""
    head, name, field = split(address)
    declared = declarations(facility, address)
    if head in SECTIONS and name is None:
        if not declared:
            raise ValueError(f"{address}: is no number that may vary; change it in the layout, a case or an override")
        return _Target(head, field, [], declared)
    if not declared:
        raise ValueError(f"{address}: {field} shapes the plant; change it in the layout, by a case or an override")
    return _Target("", field, select(facility, address), declared)


def declarations(facility: Facility, address: str) -> list[FieldInfo]:
    """How the field that an address means is declared, of each type that it means; none where it shapes the plant, so
    that it is the same in all scenarios. Raises ValueError where the address means nothing.
    """
    head, name, field = split(address)
    if head in SECTIONS and name is None:
        fields = type(getattr(facility, head)).model_fields
        if field not in fields:
            raise ValueError(f"{address}: no such field{meant(field, fields)}")
        info = fields[field]
        return [] if field in WHOLE or (quantity(info) is None and not is_whole(info)) else [info]
    if field == MODEL:
        choose(address, facility.components, lambda n: groups(facility, n), SECTIONS)
        return []
    types = dict.fromkeys(type(facility.components[n]) for n in select(facility, address))
    return [cls.model_fields[field] for cls in types] if all(varies(cls, field) for cls in types) else []


def out_of_bounds(address: str, declared: list[FieldInfo], values: Array) -> str:
    """The first fault of SI values (n,) that are no numbers, or out of the bounds of a field; "" if there is none."""
    faults = (f for f in _outside(address, declared, Numbers(values, {})) if f.where.any())
    return next((f.tell(int(np.argmax(f.where))) for f in faults), "")


def _placed(
    facility: Facility, targets: Mapping[str, _Target], values: Mapping[str, Array], size: int
) -> tuple[Columns, dict[str, Real], str]:
    """Columns by field and component, the fields of the site, and where the moisture of its air comes from."""
    layout: dict[str, Real] = {k: v for k, v in facility.site if v is not None}
    own = next((f for f in MOISTURE if f in layout), None)
    varied = {t.field: values[a] for a, t in targets.items() if t.head == "site"}
    components = facility.components
    parts = []
    for address, target in targets.items():
        if target.names:
            width = breadth(address, components, (groups(facility, n) for n in target.names))
            parts.append((address, width, target.names, np.broadcast_to(values[address], (size,))))
    columns, clashes = settle(parts, np.array_equal)
    if clashes:
        raise LayoutError(facility.source, clashes)
    stated = next((f for f in MOISTURE if f in varied), None)
    site = layout | varied
    if stated == "wet_bulb" and "dry_bulb" not in varied:
        site["dry_bulb"] = np.minimum(layout["dry_bulb"], fluids.driest(site["wet_bulb"], air_pressure(site)))
        site["dry_bulb"] = np.maximum(site["dry_bulb"], np.minimum(site["wet_bulb"], layout["dry_bulb"]))
        return columns, {k: v for k, v in site.items() if k == stated or k != own}, WET_BULB_ALONE
    if stated:
        return columns, {k: v for k, v in site.items() if k == stated or k != own}, f"{stated} of the scenarios"
    if own is None:
        return columns, site, f"relative humidity of {DEFAULT_HUMIDITY:.0%}, as none is stated"
    if "dry_bulb" in varied and own == "dew_point":
        site[own] = np.minimum(layout[own], site["dry_bulb"])
        return columns, site, "dew point of the layout, at most the dry bulb"
    if "dry_bulb" in varied and own == "wet_bulb":
        site[own] = _wet_bulb(layout, site)
        return columns, site, "humidity ratio of the layout, at most saturation"
    return columns, site, f"{own} of the layout"


def _wet_bulb(layout: Mapping[str, Real], site: Mapping[str, Real]) -> Array:
    """Wet bulb [K] of the layout's air, warmed or cooled to the dry bulb that scenarios give, at their pressure.

    It keeps its humidity ratio; cooled below its dew point it is saturated, its wet bulb the dry bulb.
    """
    dry, p, before = site["dry_bulb"], air_pressure(site), air_pressure(layout)
    ratio = fluids.humidity_ratio_from_wet_bulb(layout["dry_bulb"], layout["wet_bulb"], before)
    same = (dry == layout["dry_bulb"]) & (p == before)
    return np.where(same, layout["wet_bulb"], fluids.wet_bulb(dry, ratio, p))


def groups(facility: Facility, name: str) -> tuple[str, ...]:
    """What a component may be called together with others: its catalogue model, its type, its dimension."""
    part = facility.components[name]
    return facility.models[name], part.kind, part.dimension


def select(facility: Facility, address: str) -> list[str]:
    """Names of the components that an address means and that have its field.

    Raises ValueError where it means none, or none of them has the field.
    """
    parts, field = facility.components, split(address).field
    chosen = choose(address, parts, lambda n: groups(facility, n), SECTIONS)
    having = [n for n in chosen if field in type(parts[n]).model_fields]
    if not having:
        likely = meant(field, type(parts[chosen[0]]).model_fields)
        raise ValueError(f"{address}: {parts[chosen[0]].kind} has no field {field!r}{likely}")
    return having


def varies(cls: type[Component], field: str) -> bool:
    """Whether a field of a component may differ between scenarios."""
    info = cls.model_fields[field]
    declared = quantity(info)
    if field in cls.structural or (declared is not None and declared.dimension in STRUCTURAL):
        return False
    return declared is not None or info.annotation in (int, float, bool)


def weather(addresses: Iterable[str]) -> bool:
    """Whether addresses vary anything of the site."""
    return any(split(address).head == "site" for address in addresses)


def _outside(address: str, declared: list[FieldInfo], given: Numbers) -> Iterator[Fault]:
    """What is no finite number, or out of the bounds of the fields that an address means."""
    v, unread = given
    finite = np.isfinite(v)
    yield Fault(~finite, lambda i: f"{address}: {unread.get(i) or f'{v[i]:g} is not a finite number'}")
    yield Fault(finite & out_of_reach(v), lambda i: f"{address}: {v[i]:g} {BEYOND}")
    for info in declared:
        if info.annotation is bool:
            yield Fault(finite & ~np.isin(v, (0.0, 1.0)), lambda i: f"{address}: {v[i]:g}: give 0 or 1")
        elif is_whole(info):
            yield Fault(finite & (v != np.round(v)), lambda i: f"{address}: {v[i]:g}: give whole numbers")
        for bound, beyond, words in bounds(info):
            tell = partial(_beyond, address, v, info, words, bound)
            yield Fault(finite & beyond(v, bound), tell)


def bounds(info: FieldInfo) -> list[tuple[float, Callable[..., Array], str]]:
    """The bounds of a field, when they are passed, and what they say."""
    named = [(getattr(rule, name, None), beyond, words) for rule in info.metadata for name, beyond, words in BOUNDS]
    return [(bound, beyond, words) for bound, beyond, words in named if bound is not None]


def _beyond(address: str, values: Array, info: FieldInfo, words: str, bound: float, scenario: int) -> str:
    """The sentence for a value out of bounds, with what was meant if degrees Celsius would be within them."""
    value = float(values[scenario])
    text = f"{address}: {_shown(value, info)} is outside its bounds, {words} {_shown(bound, info)}"
    warm = quantity(info) == Quantity("temperature") and not any(b(value + 273.15, x) for x, b, _ in bounds(info))
    return f"{text}; numbers are in K, write '{value:g} degC' if that is meant" if warm else text


def _shown(value: float, info: FieldInfo) -> str:
    declared = quantity(info)
    return declared.format(value) if declared else f"{value:g}"


def _inconsistent(facility: Facility, columns: Columns) -> Iterator[Fault]:
    """The layout's own checks on what scenarios make of components, once for those that no check can tell apart."""
    changed: dict[str, list[str]] = {}
    for field, rows in columns.items():
        for n in rows:
            changed.setdefault(n, []).append(field)
    given = {id(values): values for rows in columns.values() for values in rows.values()}
    content = {number: values.tobytes() for number, values in given.items()}
    checks: dict[object, list[_Check]] = {}
    for n, fields in changed.items():
        part = facility.components[n]
        alike = checks.setdefault((type(part), *((f, content[id(columns[f][n])]) for f in fields)), [])
        check = next((c for c in alike if c.holds_of(part)), None)
        if check is None:
            check = _Check(part, n, fields, np.stack([columns[f][n] for f in fields]))
            alike.append(check)
        if check.bad.any():
            yield Fault(check.bad, partial(_checked, part, n, fields, check.values))


class _Check:
    """A component's own check, asked once for each set of values of what it reads on its way: it can depend on no more.

    values: of its fields that vary (field, S). read: names of what it reads of the component. bad: where it finds
    faults (S,).
    """

    def __init__(self, part: Component, name: str, fields: list[str], values: Array) -> None:
        self.values, self.read, self._part = values, set[str](), part
        asked, varied = self._noting(_changed(part, fields, values[:, 0])), list[str]()
        stated, own = dict(vars(part)), object.__getattribute__(asked, "__dict__")
        while True:
            first, at = _different(values[[fields.index(f) for f in varied]])
            bad = np.zeros(len(first), bool)
            for k, row in enumerate(values[:, first].T.tolist()):
                own.clear()
                own.update(stated, **_typed(part, fields, row))
                bad[k] = bool(asked.check(name))
            more = [f for f in fields if f not in varied and not self.read.isdisjoint((f, "__dict__"))]
            if not more:
                break
            varied += more
        self.bad = bad[at]

    def _noting(self, part: Component) -> Component:
        """The component, which from now on adds the names of what is read of it to `read`."""
        note, get = self.read.add, object.__getattribute__

        def noted(part: Component, name: str) -> object:
            note(name)
            return get(part, name)

        cls, own = type(part), {"__getattribute__": noted, "__module__": __name__}
        noting = ABCMeta.__new__(type(cls), f"_{cls.__name__}", (cls,), own)  # no type of layouts: nothing to validate
        object.__setattr__(part, "__class__", noting)
        return part

    def holds_of(self, part: Component) -> bool:
        """Whether it finds the same of another component of the type with the same values in its varied fields."""
        mine, other = vars(self._part), vars(part)
        return "__dict__" not in self.read and all(mine[f] == other[f] for f in self.read.intersection(mine))


def _different(values: Array) -> tuple[Index, Index]:
    """The first scenario of each set of values (row, S), and which of these every scenario has, (S,)."""
    if not len(values):
        return np.zeros(1, np.int64), np.zeros(values.shape[1], np.int64)
    _, first, at = np.unique(values, axis=1, return_index=True, return_inverse=True)
    return first, at.ravel()


def _checked(part: Component, name: str, fields: list[str], values: Array, scenario: int) -> str:
    """What is wrong with a component as a scenario has it; values are (field, scenario)."""
    found = _changed(part, fields, values[:, scenario]).check(name)
    return "; ".join(f"{part.kind} {sentence}" for sentence in found)


def _changed(part: Component, fields: list[str], values: Array) -> Component:
    """A component with the values of a scenario."""
    return part.model_copy(update=_typed(part, fields, values.tolist()))


def _typed(part: Component, fields: list[str], values: list[float]) -> dict[str, object]:
    """Values of fields as the component has them: whole numbers, yes or no, or reals."""
    own = ((f, getattr(part, f), v) for f, v in zip(fields, values, strict=True))
    return {f: type(now)(v) if isinstance(now, int) else v for f, now, v in own}


def _impossible(site: Mapping[str, Real]) -> Iterator[Fault]:
    """What cannot be in the weather."""
    for fault in contradictions(site):
        yield Fault(fault.where, lambda i, fault=fault: f"site: {fault.tell(i)}")


def uniform(facility: Facility, count: int) -> dict[str, Array]:
    """So many scenarios that all are the layout as it stands."""
    return {"site.dry_bulb": np.full(count, facility.site.dry_bulb)}


def dimension(facility: Facility, address: str) -> str:
    """The dimension of what an address means, "number" for plain numbers."""
    head, name, field = split(address)
    if head in SECTIONS and name is None:
        declared = quantity(type(getattr(facility, head)).model_fields[field])
    else:
        declared = quantity(type(facility.components[select(facility, address)[0]]).model_fields[field])
    return declared.dimension if declared else "number"


def cf_unit_of(facility: Facility, address: str) -> str:
    """The SI unit in which scenarios give an address, as the CF conventions write it."""
    return cf_unit(dimension(facility, address))
