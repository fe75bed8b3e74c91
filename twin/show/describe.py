"""What a type, a catalogue model or a section of layouts is: ports, fields, results, limits, on one page."""

from __future__ import annotations

import html
import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from twin.components.base import REGISTRY, Component
from twin.components.curves import every_curve
from twin.components.hall import Room, Site
from twin.elements import Limit, Report
from twin.facility import plugins
from twin.facility.catalogue import catalogue
from twin.facility.files import LayoutError, hint
from twin.facility.graph import Facility
from twin.facility.scenarios import read
from twin.facility.sections import MODELS, Economics, Serving
from twin.fluids import FREEZING
from twin.plant.lowering import Lowering
from twin.plant.symmetry import alone
from twin.show.text import table
from twin.units import DIMENSIONS, quantity

CURVES = "chiller_curves"
"""What lists the curves that a chiller may name."""

ROOM = "its room"
"""Where a component stands while it is asked what it writes."""

Rows = tuple[tuple[str, ...], ...]
"""A table of texts, its header first."""


@dataclass(frozen=True, repr=False)
class Description:
    """A type, catalogue model or section of layouts, as text and in notebooks as tables.

    name: as layouts call it. what: what it is: "type", "section", or "model of" its type. text: its meaning. tables: by
    name, each with a header: roles, ports, fields, models, results (variables of the dataset), limits; those with rows.

    >>> twin.describe("cdu").tables["limits"]
    """

    name: str
    what: str
    text: str
    tables: Mapping[str, Rows]

    def __repr__(self) -> str:
        tables = (f"{name}\n{table(rows)}" for name, rows in self.tables.items())
        return "\n\n".join([f"{self.name}: {self.what}", self.text, *tables])

    def _repr_html_(self) -> str:
        row = lambda cells, tag: "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"  # noqa: E731
        parts = [f"<b>{html.escape(self.name)}</b>: {html.escape(self.what)}<p>{html.escape(self.text)}</p>"]
        for name, (head, *rows) in self.tables.items():
            body = "".join(row(cells, "td") for cells in rows)
            parts.append(f"<b>{html.escape(name)}</b><table>{row(head, 'th')}{body}</table>")
        return "".join(parts)


def describe(name: str) -> Description:
    """What a type, a catalogue model or a section of layouts is, on one page.

    name: such as "cdu", "gb300_nvl72", "site", or "chiller_curves", which lists what a chiller's `curve` may be.
    Results and limits are those that one piece of equipment writes by itself; buses and coolant loops have limits of
    their own. Raises LayoutError for another name.

    >>> twin.describe("cdu")
    """
    plugins.types()
    if name in REGISTRY:
        return _type(name, REGISTRY[name])
    if name in catalogue():
        return _model(name, catalogue()[name])
    if name in MODELS:
        fields = tuple(_fields(MODELS[name]))
        return Description(
            name, "section", inspect.cleandoc(MODELS[name].__doc__ or ""), {"fields": (_FIELDS, *fields)}
        )
    if name == CURVES:
        text = "Published curves of electric chillers, to be named by the field `curve` of a chiller."
        return Description(name, "performance curves", text, {"curves": curve_rows()})
    known = [*REGISTRY, *catalogue(), *MODELS, CURVES]
    raise LayoutError("describe", [f"no type, model or section {name!r}{hint(name, known)}"])


def curve_rows() -> Rows:
    """All shipped curves of chillers: what each is, its rating, and the box in which it holds."""
    rows = []
    for name, c in every_curve().items():
        size = "" if c.capacity is None else f"{c.capacity / 1e3:,.0f} kW"
        cop = "" if c.cop is None else f"{c.cop:.2f}"
        boxes = (f"{a - FREEZING:.1f} to {b - FREEZING:.1f} degC" for a, b in (c.leaving_range, c.entering_range))
        rows.append((name, c.compressor or "", c.condenser, c.speed or "", size, cop, *boxes))
    return (("curve", "compressor", "condenser", "speed", "capacity", "COP", "leaving water", "entering"), *rows)


def _type(name: str, cls: type[Component]) -> Description:
    models = {n: entry for n, entry in catalogue().items() if entry["type"] == name}
    parts = [cls.model_validate({}), *(_instance(entry) for entry in models.values())]
    about = tuple((n, str(entry.get("about", ""))) for n, entry in models.items())
    tables = {
        **_connections(cls),
        "fields": (_FIELDS, *_ordered(cls)),
        "models": (("model", "about"), *about),
        **_written(parts),
    }
    return _page(name, "type", inspect.cleandoc(cls.__doc__ or ""), tables)


def _model(name: str, entry: Mapping[str, Any]) -> Description:
    cls, stated = REGISTRY[entry["type"]], entry["fields"]
    fields = [
        (n, str(stated[n]["value"]), str(stated[n]["kind"]), *rest) if n in stated else (n, default, "", *rest)
        for n, default, *rest in _ordered(cls)
    ]
    head = ("field", "value", "kind", *_FIELDS[2:])
    tables = {**_connections(cls), "fields": (head, *fields), **_written([_instance(entry)])}
    return _page(name, f"model of {entry['type']}", str(entry.get("about", "")), tables)


def _page(name: str, what: str, text: str, tables: Mapping[str, Rows]) -> Description:
    return Description(name, what, text, {n: rows for n, rows in tables.items() if len(rows) > 1})


def _instance(entry: Mapping[str, Any]) -> Component:
    return REGISTRY[entry["type"]].model_validate({n: field["value"] for n, field in entry["fields"].items()})


# ---- ports, roles, fields ----------------------------------------------------------------------------------------


def _connections(cls: type[Component]) -> dict[str, Rows]:
    """Roles that are not those of every component, and ports."""
    named = [n for n in Component.__annotations__ if n in Component.__class_vars__ and n not in _SHAPES]
    roles = [(n, str(getattr(cls, n))) for n in named if getattr(cls, n)]
    ports = [
        (n, p.carrier, "required" if p.required else "", "several feeds" if p.cords else "joins" if p.joins else "")
        for n, p in cls.ports.items()
    ]
    return {"roles": (("role", ""), *roles), "ports": (("port", "carrier", "", ""), *ports)}


_SHAPES = ("abstract", "kind", "structural", "ports", "passages", "sources", "box", "front")
"""Class attributes of components that are no roles, or stand elsewhere on the page."""

_FIELDS = ("field", "default", "unit", "bounds", "meaning")


def _ordered(cls: type[Component]) -> list[tuple[str, ...]]:
    """Fields of a type, those of every component last."""
    return sorted(_fields(cls), key=lambda row: row[0] in Component.model_fields)


def _fields(model: type[BaseModel], inside: str = "") -> Iterator[tuple[str, ...]]:
    """Name, default, unit, bounds and meaning of every field; fields of a model inside come after it."""
    for name, info in model.model_fields.items():
        yield inside + name, _default(info), _unit(info), _bounds(info), info.description or ""
        for inner in _models(info.annotation):
            yield from _fields(inner, f"{inside}{name}.")


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.default
    if value is None or value in ((), {}):
        return "none"
    return _shown(info, value)


def _shown(info: FieldInfo, value: Any) -> str:
    found = quantity(info)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return found.beside(value, info.get_default()) if found else f"{value:,}"
    return str(value)


def _unit(info: FieldInfo) -> str:
    """What values are: their unit, or that they are shares, numbers, or texts of which one is taken."""
    found = quantity(info)
    if found:
        return found.unit_of(info.get_default()) or DIMENSIONS[found.dimension].name
    kinds = set(_leaves(info.annotation))
    return "true, false" if bool in kinds else "number" if kinds & {int, float} else "text" if str in kinds else ""


def _leaves(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _leaves(part)


def _bounds(info: FieldInfo) -> str:
    """Choices, or the range, such as "0 W to 2 MW" or "above 0 W"."""
    choices = [c for part in _leaves(info.annotation) if get_origin(part) is Literal for c in get_args(part)]
    if choices:
        return ", ".join(map(str, choices))
    limits = {key: getattr(m, key) for m in info.metadata for key in ("ge", "gt", "le", "lt") if hasattr(m, key)}
    words = {"ge": "from {}", "gt": "above {}", "le": "up to {}", "lt": "below {}"}
    return ", ".join(words[key].format(_shown(info, limits[key])) for key in words if key in limits)


# ---- results and limits ------------------------------------------------------------------------------------------


def _written(parts: Iterable[Component]) -> dict[str, Rows]:
    """Variables and limits that equipment writes, as each part tells when it is lowered alone."""
    results: dict[str, tuple[str, ...]] = {}
    limits: dict[tuple[str, str], tuple[str, ...]] = {}
    for part in parts:
        for element in _lowered(part):
            if isinstance(element, Report):
                results[element.name] = (element.name, element.value.column.unit, element.long_name)
            elif isinstance(element, Limit):
                side = "at most" if element.kind.sense > 0 else "at least"
                row = (element.name, f"{side}, an aim" if element.kind.aim else side, element.kind.meaning)
                limits[element.name, element.kind.meaning] = row
    head = (("variable", "unit", "meaning"), ("limit", "", "meaning"))
    return {"results": (head[0], *results.values()), "limits": (head[1], *limits.values())}


def _lowered(part: Component) -> Iterator[Report | Limit]:
    """What a component writes alone in a room of its own, each of its feeds at a bus of its own."""
    name = part.kind
    feeds = [(p.carrier, (name, port), ("", f":{port}")) for port, p in part.ports.items() if p.cords]
    parts = {name: part}
    if not isinstance(part, Room):
        parts = {ROOM: Room.model_validate({}), name: part.model_copy(update={"room": ROOM})}
    facility = Facility(
        name,
        name,
        "",
        Site.model_validate({}),
        parts,
        tuple(feeds),
        {each: stated.kind for each, stated in parts.items()},
        Serving.model_validate({}),
        Economics.model_validate({}),
        (),
        {},
        {},
    )
    lowering = Lowering(facility, read(facility, {}), alone(facility))
    lowering.lower()
    for kind in (Report, Limit):
        yield from (element for element in lowering.parts.get(kind, ()) if name in element.elements)
