"""Layout file and catalogue to a validated facility graph; every fault is reported at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import eq
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Protocol, TypeVar, get_args, runtime_checkable

from pydantic import BaseModel, ValidationError

from twin.components.base import REGISTRY, Component, Model
from twin.components.hall import Room
from twin.facility import plugins
from twin.facility.addresses import Unknown, breadth, choose, meant, settle, split
from twin.facility.catalogue import catalogue
from twin.facility.collector import paused
from twin.facility.files import LONGEST_NAME, MOISTURE, LayoutError, Raw, hint, parse_text, read_text, repeats, spelled
from twin.facility.graph import Facility
from twin.facility.sections import MODELS
from twin.facility.structure import Connection
from twin.facility.structure import faults as wiring
from twin.units import outside, parse

M = TypeVar("M", bound=Model)

PLACES = ("at", "size")
"""Fields that say where a component stands, by which validated ones differ."""

OWN = "twin.components."
"""Where the types of this package are, which take any text for a room; those of others may judge it."""

_BUILDING = Lock()
"""Held while a model is built, which pydantic leaves to its first use."""


def _read(model: type[M], fields: object) -> M:
    """A model of fields. Raises ValidationError."""
    if not model.__pydantic_complete__:
        with _BUILDING:
            model.model_rebuild()
    return model.model_validate(fields)


def _messages(error: ValidationError, where: str, model: type[Model]) -> Iterator[str]:
    for fault in error.errors():
        path = ".".join(str(p) for p in fault["loc"] if p != "[key]")
        message = fault["msg"].removeprefix("Value error, ")
        known = _holder(model, fault["loc"]).model_fields
        if fault["type"] == "extra_forbidden":
            message = f"unknown field{meant(str(fault['loc'][-1]), known)}"
        if isinstance(fault["input"], (str, int, float)) and message.startswith("Input should"):
            message = f"{fault['input']!r}{message.removeprefix('Input')}"
        about = known.get(str(fault["loc"][-1])) if fault["loc"] else None
        if fault["type"] == "missing" and about is not None and about.description:
            message = f"{message}: {about.description}"
        message = (about and outside(fault, about)) or message
        yield f"{where}: {path}: {message}" if path else f"{where}: {message}"


def _holder(model: type[BaseModel], path: Sequence[object]) -> type[BaseModel]:
    """The model, `model` or one inside it, whose field a path ends in."""
    for part in path[:-1]:
        inner = model.model_fields.get(str(part))
        model = next(_models(inner.annotation), model) if inner else model
    return model


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


class _Builder:
    """Turns raw component mappings into validated components, validating equal ones once."""

    def __init__(self, local: Raw, faults: list[str], cache: Mapping[str, Component | None] | None = None) -> None:
        self.local, self.faults = local, faults
        self.cache = dict(cache or {})
        self._alike = dict[str, Component]()

    def entry(self, name: str, seen: tuple[str, ...] = ()) -> tuple[str, Raw]:
        """Type and plain fields of a catalogue entry, bases resolved."""
        if name in seen:
            raise ValueError(f"catalogue {name}: cyclic reference {' -> '.join([*seen, name])}")
        if name in self.local:
            if not isinstance(self.local[name], dict):
                raise ValueError(f"catalogue {name}: is not a mapping with `type` or `base`")
            own = dict(self.local[name])
            base = own.pop("base", None)
            kind = own.pop("type", None)
            if base is not None:
                base_kind, fields = self.entry(str(base), (*seen, name))
                return kind or base_kind, fields | own
            if kind is None:
                raise ValueError(f"catalogue {name}: needs `type` or `base`")
            return kind, own
        if name in catalogue():
            shipped = catalogue()[name]
            return shipped["type"], {k: v["value"] for k, v in shipped["fields"].items()}
        raise ValueError(f"unknown model {name!r}{hint(name, [*self.local, *catalogue()])}")

    def build(self, name: str, raw: object) -> Component | None:
        if not isinstance(raw, dict):
            self.faults.append(f"component {name}: is not a mapping with `type` or `model`")
            return None
        alike = dict(raw)
        places = {k: alike.pop(k) for k in PLACES if k in alike}
        plain = alike
        if isinstance(room := alike.get("room"), str):
            places["room"], alike = room, alike | {"room": ""}
        written = repr(alike)
        part = self._alike.get(written)
        if part is None:
            part = self._valid(name, plain, written)
        return None if part is None else self._placed(name, part, places)

    def _valid(self, name: str, plain: Raw, written: str) -> Component | None:
        """The component of fields without places; without a fault it stands for all that differ by their room only."""
        key, before = repr(sorted(plain.items(), key=lambda kv: str(kv[0]))), len(self.faults)
        if key not in self.cache:
            self.cache[key] = part = self._validate(name, plain)
            if part and len(self.faults) == before and type(part).__module__.startswith(OWN):
                self._alike[written] = part
        return self.cache[key]

    def _validate(self, name: str, raw: Raw) -> Component | None:
        try:
            fields = dict(raw)
            kind, model = fields.pop("type", None), fields.pop("model", None)
            if model is not None:
                base_kind, base = self.entry(str(model))
                kind, fields = kind or base_kind, base | fields
            cls = _known(kind, "model")
        except ValueError as error:
            self.faults.append(f"component {name}: {error}")
            return None
        try:
            part = _read(cls, fields)
        except ValidationError as error:
            self.faults.extend(_messages(error, f"{kind} {name}", cls))
            return None
        self.faults.extend(f"{kind} {fault}" for fault in part.check(name))
        return part

    def _placed(self, name: str, part: Component, places: Raw) -> Component:
        update = {}
        for key, value in places.items():
            try:
                if key == "room":
                    update[key] = value
                elif not isinstance(value, list) or len(value) != 3:
                    raise ValueError("give three lengths, x y z")
                else:
                    update[key] = tuple([parse(v, "length") for v in value])
            except ValueError as error:
                self.faults.append(f"{part.kind} {name}: {key}: {error}")
        placed = part.model_copy(update=update) if update else part
        if told := placed.check_place(name):
            self.faults.extend(f"{part.kind} {fault}" for fault in told)
        return placed


def _known(kind: object, other: str) -> type[Component]:
    """The type called so; ValueError for another, and for none beside `other`, which could name one."""
    if kind is None:
        raise ValueError(f"needs `type` or `{other}`")
    if not isinstance(kind, str) or kind not in REGISTRY:
        raise ValueError(f"unknown type {kind!r}{hint(kind, sorted(REGISTRY))}")
    return REGISTRY[kind]


def _section(data: Raw, key: str, model: type[Model], faults: list[str]) -> Any:
    try:
        return _read(model, data[key])
    except ValidationError as error:
        faults.extend(_messages(error, key, model))
        return model()


def _connect(raw: list, parts: Mapping[str, Component], faults: list[str]) -> list[Connection]:
    joined = []
    for item in raw:
        if isinstance(item, dict):
            item = [item.get("carrier"), item.get("from"), item.get("to")]
        if (
            not isinstance(item, list)
            or len(item) != 3
            or not (isinstance(item[0], str) and isinstance(item[1], str) and isinstance(item[2], str))
        ):
            faults.append(f"connection {item!r}: write [carrier, component.port, component.port]")
            continue
        carrier, ends = str(item[0]), []
        for text in map(str, item[1:]):
            name, _, port = text.rpartition(".")
            part = parts.get(name)
            spec = part.ports.get(port) if part is not None else None
            if spec is not None and spec.carrier == carrier:
                ends.append((name, port))
            elif spec is not None:
                faults.append(f"connection {item}: port {text} carries {spec.carrier}, not {carrier}")
            elif part is not None:
                likely = hint(port, part.ports) or "; ports: " + ", ".join(part.ports)
                faults.append(f"connection {item}: {part.kind} {name} has no port {port!r}{likely}")
            else:
                faults.append(f"connection {item}: no component {name!r}{hint(name, parts)}")
        if len(ends) == 2:
            if ends[0] == ends[1]:
                faults.append(f"connection {item}: joins a port to itself")
            joined.append((carrier, ends[0], ends[1]))
    return joined


def _rooms(parts: Mapping[str, Component], unclear: Callable[[str], bool], faults: list[str]) -> None:
    rooms = {n: p for n, p in parts.items() if isinstance(p, Room)}
    for name, part in parts.items():
        if part.indoors and part.room is None:
            faults.append(f"{part.kind} {name}: room: name the room whose air it moves")
        if part.room is not None and part.room not in rooms and not unclear(part.room):
            faults.append(f"{part.kind} {name}: room: no room {part.room!r}{hint(part.room, rooms)}")
        for other in part.opens:
            if other == name or (other not in parts and not unclear(other)):
                faults.append(f"{part.kind} {name}: opens: no other component {other!r}{hint(other, parts)}")


# ---- layouts -----------------------------------------------------------------------------------------------------


SECTIONS = (
    "version",
    "name",
    "description",
    "site",
    "serving",
    "economics",
    "limits",
    "catalogue",
    "components",
    "repeat",
    "connections",
    "cases",
)


@dataclass(frozen=True)
class _Draft:
    """What a layout says, before it is validated: components, their connections, sections, catalogue.

    whole: whether all components are known, as no repeat block is at fault.
    """

    raws: Raw
    links: list[Any]
    sections: dict[str, Raw]
    local: Raw
    whole: bool
    labelled: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def labels(self, name: str) -> tuple[str, ...]:
        """What a component is called together with others: model, type, dimension; nothing if its type is unclear."""
        raw = self.raws[name]
        if not isinstance(raw, dict):
            return ()
        key = repr((raw.get("type"), raw.get("model")))
        if key not in self.labelled:
            model = raw.get("model")
            try:
                kind = raw.get("type") or _Builder(self.local, []).entry(str(model))[0]
                self.labelled[key] = (str(model or kind), kind, _known(kind, "model").dimension)
            except ValueError:
                self.labelled[key] = ()
        return self.labelled[key]

    def given(self, values: Raw, faults: list[str]) -> _Draft:
        """The same with other values by address; see `twin.facility.addresses` for which of them wins."""
        chosen_sections, rows = {key: dict(section) for key, section in self.sections.items()}, []
        moisture = [f"site.{name}" for name in MOISTURE if f"site.{name}" in values]
        if len(moisture) > 1:
            faults.append(f"{' and '.join(moisture)} both state the moisture; keep one")
        for address, value in values.items():
            try:
                head, name, fieldname = split(address)
            except ValueError as error:
                faults.append(str(error))
                continue
            if head in chosen_sections and name is None:
                if address in moisture:
                    for other in MOISTURE:
                        chosen_sections[head].pop(other, None)
                chosen_sections[head][fieldname] = value
                continue
            try:
                chosen = choose(address, self.raws, self.labels, chosen_sections)
                rows.append((address, breadth(address, self.raws, map(self.labels, chosen)), chosen, value))
            except Unknown as error:
                if self.whole and all(map(self.labels, self.raws)):
                    faults.append(str(error))
            except ValueError as error:
                if name is None or self.labels(name):
                    faults.append(str(error))
        settled, clashes = settle(rows, eq)
        faults.extend(clashes)
        raws = dict(self.raws)
        for fieldname, wanted in settled.items():
            for n, value in wanted.items():
                if isinstance(raws[n], dict):
                    raws[n] = {**raws[n], fieldname: value}
        return replace(self, raws=raws, sections=chosen_sections, labelled={})


class _Valid(NamedTuple):
    """A draft that was validated: components, joined ports, sections, and what is wrong."""

    draft: _Draft
    parts: dict[str, Component]
    joined: list[Connection]
    sections: dict[str, Any]
    cache: Mapping[str, Component | None]
    faults: list[str]


def _validated(draft: _Draft, before: _Valid | None = None) -> _Valid:
    """All that is wrong with a draft. What is as in `before` is taken from there."""
    builder = _Builder(draft.local, [], before and before.cache)
    faults = builder.faults
    raws, kept = draft.raws, before.draft.raws if before else {}
    built = {n: builder.build(n, raws[n]) for n in sorted(raws) if not before or kept[n] is not raws[n]}
    read = {key: _section(draft.sections, key, model, faults) for key, model in MODELS.items()}
    if before and not built:
        return _Valid(draft, before.parts, before.joined, read, builder.cache, faults)
    both = {**before.parts, **built} if before else built
    parts = {n: part for n in sorted(both) if (part := both[n]) is not None}
    broken = set(raws) - set(parts)

    def unclear(name: str) -> bool:
        return name in broken or (not draft.whole and name not in raws)

    sure = draft.whole and not broken
    links = draft.links if sure else [link for link in draft.links if not any(map(unclear, _ends(link)))]
    joined = _connect(links, parts, faults)
    if sure and len(joined) == len(links):
        faults.extend(wiring(parts, joined))
    _rooms(parts, unclear, faults)
    return _Valid(draft, parts, joined, read, builder.cache, faults)


def _ends(link: Any) -> list[str]:
    """Names of the components that a connection would join."""
    ends = link[1:] if isinstance(link, list) else [link.get("from"), link.get("to")] if isinstance(link, dict) else []
    return [str(end).rpartition(".")[0] for end in ends]


@runtime_checkable
class Written(Protocol):
    """A layout that is put together in Python, see `twin.Layout`."""

    name: str

    def to_dict(self) -> Raw:
        """The structure of its file."""
        ...

    def to_yaml(self) -> str:
        """The text of its file."""
        ...


def load(
    layout: str | Path | Written, case: str | None = None, overrides: Mapping[str, object] | None = None
) -> Facility:
    """Read, validate and join a layout, and check what each of its cases would make of it.

    layout: a shipped layout by name, a YAML file, YAML text with a newline in it, or a `twin.Layout`. case: one of its
    cases, which is applied. overrides: values with units by address, as in files, which win over the case. Equipment of
    other packages is known by their entry points, see `twin.facility.plugins`. Raises LayoutError with every fault.

    >>> twin.load("gb300_hall", overrides={"site.dry_bulb": "38 degC"})
    """
    if isinstance(layout, Written):
        return build(layout.name, layout.to_dict(), case, overrides)
    if isinstance(layout, str) and "\n" in layout:
        source, text = "layout", layout
    else:
        source, text = read_text(layout)
    return build(source, parse_text(source, text), case, overrides)


@paused()
def build(source: str, data: Raw, case: str | None = None, overrides: Mapping[str, object] | None = None) -> Facility:
    """A facility from the parsed mapping of a layout; see `load`."""
    plugins.types()
    catalogue()  # a package's faulty entry is told once, not where it is used
    faults: list[str] = [f"unknown section {k!r}{hint(k, SECTIONS)}" for k in data if k not in SECTIONS]
    if data.get("version") != 1 or isinstance(data["version"], bool):
        faults.append(f"version: {data.get('version')!r} is not supported; write `version: 1`")
    for key in SECTIONS:
        kind = {"connections": list, "repeat": list, "version": int}.get(key, dict)
        kind = (str, int, float) if key in ("name", "description") else kind
        if data.get(key) is not None and not isinstance(data[key], kind):
            what = {dict: "a mapping", list: "a list", int: "a whole number"}.get(kind, "text")
            raise LayoutError(source, [f"{key}: must be {what}"])
    draft = _draft(data, faults)
    _offered(draft, faults)
    cases = {str(name): values for name, values in (data.get("cases") or {}).items()}
    own = {str(address): value for address, value in (overrides or {}).items()}
    valid = _validated(draft.given(_case(source, cases, case), []).given(own, faults))
    plain = _validated(draft.given(own, [])) if case is not None and valid.faults else valid
    faults.extend(fault for fault in valid.faults if fault in plain.faults)
    for name in cases:
        with_case = draft.given(_case(source, cases, name), told := [])
        if name == case:
            told += [fault for fault in valid.faults if fault not in plain.faults]
        else:
            told += [fault for fault in _validated(with_case, valid).faults if fault not in plain.faults]
        faults.extend(f"case {name}: {fault}" for fault in told)
    if faults:
        raise LayoutError(source, faults)
    chosen = valid.draft
    name = source.removesuffix(".yaml") if data.get("name") in (None, "") else spelled(data["name"])
    limits = valid.sections["limits"]
    spec = {
        "components": chosen.raws,
        "links": sorted(str((c, a, b) if a <= b else (c, b, a)) for c, a, b in valid.joined),
        "ignore": limits.ignore,
        **{key: section for key, section in chosen.sections.items() if key != "limits"},
        "catalogue": draft.local,
    }
    return Facility(
        name,
        source,
        str(data.get("description") or ""),
        valid.sections["site"],
        valid.parts,
        tuple(sorted(valid.joined)),
        {n: str(chosen.raws[n].get("model") or chosen.raws[n].get("type")) for n in valid.parts},
        valid.sections["serving"],
        valid.sections["economics"],
        limits.ignore,
        cases,
        spec,
    )


def _draft(data: Raw, faults: list[str]) -> _Draft:
    """The parts of a layout, names of components judged."""
    raws: Raw = {}
    links: list[Any] = []
    before = len(faults)
    for components, connections in repeats(data, faults):
        for name, raw in ((str(n), r) for n, r in components.items()):
            if name in raws:
                faults.append(f"component {name}: duplicate name")
            elif not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
                faults.append(f"component {name!r:.{LONGEST_NAME}}: give it a name of 1 to {LONGEST_NAME} characters")
            raws[name] = raw
        links.extend(connections)
    whole = not any(fault.startswith("repeat block") for fault in faults[before:])
    if not raws and not faults:
        faults.append("components: there are none")
    local = {str(name): entry for name, entry in (data.get("catalogue") or {}).items()}
    return _Draft(raws, links, {key: dict(data.get(key) or {}) for key in MODELS}, local, whole)


def _offered(draft: _Draft, faults: list[str]) -> None:
    """Faults in the layout's own catalogue; what components are made of is told at these."""
    builder = _Builder(draft.local, [])
    used = {str(raw.get("model")) for raw in draft.raws.values() if isinstance(raw, dict)}
    used |= {str(entry.get("base")) for entry in draft.local.values() if isinstance(entry, dict)}
    for name in draft.local:
        try:
            kind, fields = builder.entry(name)
            if name in used:
                continue
            cls = _known(kind, "base")
        except ValueError as error:
            said = str(error)
            faults.append(said if said.startswith("catalogue") else f"catalogue {name}: {said}")
            continue
        try:
            _read(cls, fields)
        except ValidationError as error:
            told = zip(_messages(error, f"catalogue {name}", cls), error.errors(), strict=True)
            faults.extend(line for line, fault in told if fault["loc"] and fault["type"] != "missing")


def _case(source: str, cases: Raw, case: str | None) -> Raw:
    if case is None:
        return {}
    if case not in cases:
        raise LayoutError(source, [f"no case {case!r}{hint(case, cases)}; cases: {', '.join(cases) or 'none'}"])
    if not isinstance(cases[case], dict):
        raise LayoutError(source, [f"case {case}: must map addresses to values"])
    return {str(address): value for address, value in cases[case].items()}
