"""Layout file and catalogue to a validated facility graph; every fault is reported at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, get_args, runtime_checkable

from pydantic import BaseModel, ValidationError

from twin.components.base import REGISTRY, Component, Model
from twin.components.hall import Room, Site
from twin.facility import plugins
from twin.facility.addresses import choose, meant, split
from twin.facility.catalogue import catalogue
from twin.facility.files import MOISTURE, LayoutError, Raw, hint, parse_text, read_text, repeats
from twin.facility.graph import Facility
from twin.facility.sections import Economics, Limits, Serving
from twin.facility.structure import Connection
from twin.facility.structure import faults as wiring
from twin.units import outside, parse

PLACES = ("at", "size")


def _messages(error: ValidationError, where: str, model: type[Model]) -> Iterator[str]:
    for fault in error.errors():
        path = ".".join(str(p) for p in fault["loc"])
        message = fault["msg"].removeprefix("Value error, ")
        known = _holder(model, fault["loc"]).model_fields
        if fault["type"] == "extra_forbidden":
            message = f"unknown field{meant(str(fault['loc'][-1]), known)}"
        field = known.get(str(fault["loc"][-1])) if fault["loc"] else None
        message = (field and outside(fault, field)) or message
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

    def __init__(self, local: Raw, faults: list[str]) -> None:
        self.local, self.faults = local, faults
        self.cache: dict[str, Component | None] = {}

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
        raw = dict(raw)
        places = {k: raw.pop(k) for k in PLACES if k in raw}
        key = repr(sorted(raw.items(), key=lambda kv: str(kv[0])))
        if key not in self.cache:
            self.cache[key] = self._validate(name, raw)
        part = self.cache[key]
        if part is None:
            return None
        return self._placed(name, part, places)

    def _validate(self, name: str, raw: Raw) -> Component | None:
        try:
            fields = dict(raw)
            kind, model = fields.pop("type", None), fields.pop("model", None)
            if model is not None:
                base_kind, base = self.entry(str(model))
                kind, fields = kind or base_kind, base | fields
            if kind is None:
                raise ValueError("needs `type` or `model`")
            if not isinstance(kind, str) or kind not in REGISTRY:
                raise ValueError(f"unknown type {kind!r}{hint(kind, _kinds())}")
        except ValueError as error:
            self.faults.append(f"component {name}: {error}")
            return None
        cls = REGISTRY[kind]
        try:
            part = cls.model_validate(fields)
        except ValidationError as error:
            self.faults.extend(_messages(error, f"{kind} {name}", cls))
            return None
        self.faults.extend(f"{kind} {fault}" for fault in part.check(name))
        return part

    def _placed(self, name: str, part: Component, places: Raw) -> Component:
        update = {}
        for key, value in places.items():
            try:
                if not isinstance(value, list) or len(value) != 3:
                    raise ValueError("give three lengths, x y z")
                update[key] = tuple(parse(v, "length") for v in value)
            except ValueError as error:
                self.faults.append(f"{part.kind} {name}: {key}: {error}")
        placed = part.model_copy(update=update) if update else part
        self.faults.extend(f"{part.kind} {fault}" for fault in placed.check_place(name))
        return placed


def _kinds() -> list[str]:
    return sorted(REGISTRY)


def _section(data: Raw, key: str, model: type[Model], faults: list[str]) -> Any:
    try:
        return model.model_validate(data.get(key) or {})
    except ValidationError as error:
        faults.extend(_messages(error, key, model))
        return model()


def _connect(raw: list, parts: Mapping[str, Component], faults: list[str]) -> list[Connection]:
    joined = []
    for item in raw:
        if isinstance(item, dict):
            item = [item.get("carrier"), item.get("from"), item.get("to")]
        if not isinstance(item, list) or len(item) != 3:
            faults.append(f"connection {item!r}: write [carrier, component.port, component.port]")
            continue
        carrier, ends = str(item[0]), []
        for text in item[1:]:
            name, _, port = str(text).rpartition(".")
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


def _rooms(parts: Mapping[str, Component], faults: list[str]) -> None:
    rooms = [n for n, p in parts.items() if isinstance(p, Room)]
    for name, part in parts.items():
        if part.indoors and part.room is None:
            faults.append(f"{part.kind} {name}: room: name the room whose air it moves")
        if part.room is not None and part.room not in rooms:
            faults.append(f"{part.kind} {name}: room: no room {part.room!r}{hint(part.room, rooms)}")


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
    """Read, validate and join a layout.

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


def build(source: str, data: Raw, case: str | None = None, overrides: Mapping[str, object] | None = None) -> Facility:
    """A facility from the parsed mapping of a layout; see `load`."""
    plugins.types()
    faults: list[str] = [f"unknown section {k!r}{hint(k, SECTIONS)}" for k in data if k not in SECTIONS]
    if data.get("version") != 1 or isinstance(data["version"], bool):
        faults.append(f"version: {data.get('version')!r} is not supported; write `version: 1`")
    for key in SECTIONS:
        kind = {"connections": list, "repeat": list, "version": int, "name": str, "description": str}.get(key, dict)
        if data.get(key) is not None and not isinstance(data[key], kind):
            what = {dict: "a mapping", list: "a list", int: "a whole number", str: "text"}[kind]
            raise LayoutError(source, [f"{key}: must be {what}"])
    raws: Raw = {}
    links: list[Any] = []
    for components, connections in repeats(data, faults):
        truths = [n for n in components if isinstance(n, bool)]
        faults.extend(f"component {n}: on, off, yes and no are truth values in YAML; quote it" for n in truths)
        for name, raw in ((str(n), r) for n, r in components.items()):
            if name in raws:
                faults.append(f"component {name}: duplicate name")
            if not name.strip():
                faults.append("components: a name is empty")
            raws[name] = raw
        links.extend(connections)
    cases = {str(name): case for name, case in (data.get("cases") or {}).items()}
    local = {str(name): entry for name, entry in (data.get("catalogue") or {}).items()}
    if not raws and not faults:
        faults.append("components: there are none")
    site_raw = {k: dict(data.get(k) or {}) for k in ("site", "serving", "economics")}
    _offered(source, _Builder(local, faults), cases, case, raws, site_raw, faults)
    for address, value in (_case(source, cases, case) | dict(overrides or {})).items():
        _override(address, value, raws, site_raw, local, faults)
    builder = _Builder(local, faults)
    parts = {name: part for name in sorted(raws) if (part := builder.build(name, raws[name])) is not None}
    site = _section(site_raw, "site", Site, faults)
    serving = _section(site_raw, "serving", Serving, faults)
    economics = _section(site_raw, "economics", Economics, faults)
    limits = _section(data, "limits", Limits, faults)
    broken = set(raws) - set(parts)
    links = [l for l in links if not _touches(l, broken)] if broken else links
    joined = _connect(links, parts, faults)
    if not broken:
        faults.extend(wiring(parts, joined))
    _rooms(parts, faults)
    if faults:
        raise LayoutError(source, faults)
    name = str(data.get("name") or source.removesuffix(".yaml"))
    spec = {
        "components": raws,
        "links": sorted(str((c, a, b) if a <= b else (c, b, a)) for c, a, b in joined),
        "ignore": limits.ignore,
        **site_raw,
        "catalogue": local,
    }
    return Facility(
        name,
        source,
        str(data.get("description") or ""),
        site,
        parts,
        tuple(sorted(joined)),
        {n: str(raws[n].get("model") or raws[n].get("type")) for n in parts},
        serving,
        economics,
        limits.ignore,
        cases,
        spec,
    )


def _offered(
    source: str, builder: _Builder, cases: Raw, chosen: str | None, raws: Raw, sections: Raw, faults: list[str]
) -> None:
    """Faults in what the layout offers and this load does not use: catalogue entries, other cases."""
    for name in builder.local:
        try:
            builder.entry(name)
        except ValueError as error:
            faults.append(str(error))
    for name in cases:
        own_faults: list[str] = []
        if name != chosen:
            for address, value in _case(source, cases, name).items():
                _override(
                    address, value, dict(raws), {k: dict(v) for k, v in sections.items()}, builder.local, own_faults
                )
        faults.extend(f"case {name}: {fault}" for fault in own_faults)


def _touches(link: Any, names: set[str]) -> bool:
    ends = link[1:] if isinstance(link, list) else [link.get("from"), link.get("to")] if isinstance(link, dict) else []
    return any(str(end).rpartition(".")[0] in names for end in ends)


def _case(source: str, cases: Raw, case: str | None) -> Raw:
    if case is None:
        return {}
    if case not in cases:
        raise LayoutError(source, [f"no case {case!r}{hint(case, cases)}; cases: {', '.join(cases) or 'none'}"])
    if not isinstance(cases[case], dict):
        raise LayoutError(source, [f"case {case}: must map addresses to values"])
    return dict(cases[case])


def _override(address: str, value: object, raws: Raw, sections: Raw, local: Raw, faults: list[str]) -> None:
    try:
        head, name, fieldname = split(str(address))
    except ValueError as error:
        faults.append(str(error))
        return
    if head in sections and name is None:
        section = sections[head]
        if head == "site" and fieldname in MOISTURE:
            for other in MOISTURE:
                section.pop(other, None)
        section[fieldname] = value
        return
    builder = _Builder(local, [])
    try:
        chosen = choose(str(address), raws, lambda n: _labels(builder, raws[n]), sections)
    except ValueError as error:
        faults.append(str(error))
        return
    for n in chosen:
        if isinstance(raws[n], dict):
            raws[n] = {**raws[n], fieldname: value}


def _labels(builder: _Builder, raw: object) -> set[str]:
    """Names under which a raw component can be addressed as a group: kind, dimension, model."""
    if not isinstance(raw, dict):
        return set()
    try:
        model = raw.get("model")
        kind = str(raw.get("type") or builder.entry(str(model))[0])
    except ValueError:
        return set()
    labels = {kind} | ({str(model)} if model else set())
    return labels | ({REGISTRY[kind].dimension} if kind in REGISTRY else set())
