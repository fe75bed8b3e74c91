"""Layouts put together in Python, component by component or from a table; the same structure as a file has."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import yaml
from pydantic import BaseModel

from twin.components.base import REGISTRY, Component
from twin.facility import plugins
from twin.facility.addresses import choose, split
from twin.facility.build import build
from twin.facility.catalogue import catalogue as hardware
from twin.facility.files import LARGEST_FILE, LayoutError, Raw, hint, repeats
from twin.facility.graph import Facility
from twin.facility.sections import MODELS
from twin.units import quantity, si_unit

Types = Mapping[str, type[Component] | None]
"""Classes of components by name, None where that is unclear."""


class Layout:
    """A layout that is put together in Python; `twin.load`, `solve`, `bound`, `optimum` and `worth` take it as a file.

    name, description: what it is. site, serving, economics, limits, catalogue: sections as mappings, as in files.

    Numbers are SI (K, Pa, kg/s, W, $, s; shares between 0 and 1); texts have units as in files: `it_power=132e3` and
    `it_power="132 kW"` are the same. Faults are told by `build`, all at once; a name that is taken and an unknown type
    are told where they stand.

    >>> hall = twin.Layout("small", site={"dry_bulb": "25 degC"})
    >>> hall.add("grid", "utility", voltage="415 V")
    >>> for k in range(4): hall.add(f"r{k}", "gb300_nvl72"); hall.connect("grid.out", f"r{k}.feed")
    """

    def __init__(
        self,
        name: str,
        *,
        description: str = "",
        site: Mapping[str, object] | None = None,
        serving: Mapping[str, object] | None = None,
        economics: Mapping[str, object] | None = None,
        limits: Mapping[str, object] | None = None,
        catalogue: Mapping[str, object] | None = None,
    ) -> None:
        given = {"site": site, "serving": serving, "economics": economics, "limits": limits, "catalogue": catalogue}
        self.name = name
        self._data: Raw = {"version": 1, "name": name}
        self._data |= {"description": description} if description else {}
        self._data |= {key: _plain(key, value) for key, value in given.items() if value is not None}
        self._data |= {"components": {}, "connections": []}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Layout:
        """A layout from the structure that a YAML file has, to which more may be added. Numbers are SI.

        data: sections `version`, `name`, `site`, `components`, `connections`, ... Raises LayoutError for what is no
        mapping of plain data.

        >>> twin.Layout.from_dict({"version": 1, "components": {"grid": {"type": "utility"}}})
        """
        try:
            plain = _plain("layout", data)
        except RecursionError as error:
            raise LayoutError("layout", ["contains itself, or is nested without end"]) from error
        if not isinstance(plain, dict):
            raise LayoutError("layout", ["is not a mapping of layout sections"])
        layout = cls(str(plain.get("name") or "layout"))
        layout._data = plain
        return layout

    @classmethod
    def from_table(cls, table: Any, name: str = "layout", **terms: Any) -> Layout:
        """A layout whose first components are the rows of a table; see `add_table`.

        table: as there. name, terms: as `Layout` takes them.

        >>> twin.Layout.from_table("racks.csv", site={"dry_bulb": "35 degC"})
        """
        layout = cls(name, **terms)
        layout.add_table(table)
        return layout

    def add(self, name: str, kind: str, /, **fields: object) -> str:
        """Add a component; its name comes back.

        name: by which connections call it. kind: a type, such as "cdu", or a catalogue model, such as "gb300_nvl72".
        fields: in SI, or as texts with units. Raises LayoutError for a name that is taken and an unknown kind.
        """
        plugins.types()
        as_type, as_model = kind in REGISTRY, kind in self._catalogue or kind in hardware()
        if as_type == as_model:
            known = hint(kind, [*REGISTRY, *self._catalogue, *hardware()])
            what = "both a type and a model; rename the model" if as_type else f"neither a type nor a model{known}"
            raise LayoutError(self.name, [f"component {name}: {kind!r} is {what}"])
        components = self._section("components", dict)
        if name in components:
            raise LayoutError(self.name, [f"component {name}: duplicate name"])
        if "type" in fields or "model" in fields:
            raise LayoutError(self.name, [f"component {name}: is {kind} already; leave out `type` and `model`"])
        components[name] = {"type" if as_type else "model": kind, **_plain(f"component {name}", fields)}
        return name

    def connect(self, start: str, end: str) -> None:
        """Join two ports, each as component.port; they say themselves whether power, coolant or air passes."""
        self._section("connections", list).append([start, end])

    def case(self, name: str, values: Mapping[str, object]) -> None:
        """Add an operating point: values by address, such as {"site.dry_bulb": "38 degC"}.

        Raises LayoutError for a name that is taken.
        """
        cases = self._section("cases", dict)
        if name in cases:
            raise LayoutError(self.name, [f"case {name}: duplicate name"])
        cases[name] = _plain(f"case {name}", values)

    def add_table(self, table: Any) -> None:
        """Add a component for each row of a table, connected as the row says.

        table: a DataFrame, a list of mappings, or the path of a CSV file with a header. Columns: `name`; `type` or
        `model`; ports, such as `feed` or `supply`, whose cells are the ports to which they are joined, parted by
        commas ("bus_a1.out, bus_b1.out"); all others are fields. Cells that are empty or NaN say nothing. Numbers are
        SI but in a CSV file, which needs units; lists there are written as in YAML: "[1 m, 2 m, 0 m]". Raises
        LayoutError with the row of every fault.
        """
        plugins.types()
        source, rows = _rows(table)
        components, links, faults = self._section("components", dict), [], []
        added: Raw = {}
        for place, row in rows:
            cells = {str(k).strip(): _cell(v) for k, v in row.items()}
            raw = _plain(place, {k: v for k, v in cells.items() if v is not None})
            name = str(raw.pop("name", ""))
            if not name:
                faults.append(f"{place}: needs `name`")
            elif name in components or name in added:
                faults.append(f"{place}: component {name}: duplicate name")
            cls = self._type(raw)
            for port in [k for k in raw if cls is not None and k in cls.ports]:
                links += [[end.strip(), f"{name}.{port}"] for end in str(raw.pop(port)).split(",")]
            added[name] = raw
        if faults:
            raise LayoutError(source, faults)
        components.update(added)
        self._section("connections", list).extend(links)

    def to_dict(self) -> Raw:
        """The structure of the layout's file: plain data, quantities as texts with units."""
        data = {key: value for key, value in self._data.items() if value not in ({}, [])}
        types = {name: self._type(raw) for name, raw in self._parts().items()}
        for key, model in MODELS.items():
            if isinstance(data.get(key), dict):
                data[key] = _with_units(data[key], model)
        for key in ("catalogue", "components"):
            if isinstance(data.get(key), dict):
                data[key] = self._stated(data[key])
        if isinstance(data.get("repeat"), list):
            data["repeat"] = [self._turned(block) for block in data["repeat"]]
        if isinstance(data.get("connections"), list):
            data["connections"] = [_joined(link, types) for link in data["connections"]]
        if isinstance(data.get("cases"), dict):
            data["cases"] = {name: self._case(values, types) for name, values in data["cases"].items()}
        return data

    def to_yaml(self) -> str:
        """The text of the layout's file, which gives the same facility to the last bit."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True, width=120)

    def build(self, case: str | None = None, overrides: Mapping[str, object] | None = None) -> Facility:
        """The validated facility; case and overrides as `twin.load` takes them. Raises LayoutError with every fault."""
        return build(self.name, self.to_dict(), case, overrides)

    def __repr__(self) -> str:
        return f"<Layout {self.name}: {len(self._parts()):,} components>"

    # ---- what is made of what was given --------------------------------------------------------------------------

    def _section(self, key: str, kind: type) -> Any:
        if self._data.get(key) is None:
            self._data[key] = kind()
        if not isinstance(self._data[key], kind):
            raise LayoutError(self.name, [f"{key}: must be a {'mapping' if kind is dict else 'list'}"])
        return self._data[key]

    @property
    def _catalogue(self) -> Raw:
        local = self._data.get("catalogue")
        return local if isinstance(local, dict) else {}

    def _parts(self) -> Raw:
        """Components as written, those of repeat blocks included; what is wrong with these is told by `build`."""
        whole = all(
            isinstance(self._data.get(k) or kind(), kind) for k, kind in (("components", dict), ("repeat", list))
        )
        turns = repeats(self._data, []) if whole else ()
        return {str(name): raw for components, _ in turns for name, raw in components.items()}

    def _type(self, raw: object, depth: int = 0) -> type[Component] | None:
        """The class of a component or of an entry of the catalogue; None if it is unclear, which `build` tells."""
        if not isinstance(raw, dict) or depth > len(self._catalogue) + 1:
            return None
        kind, model = raw.get("type"), str(raw.get("model", raw.get("base")))
        if kind is not None:
            return REGISTRY.get(str(kind))
        return self._type(self._catalogue[model] if model in self._catalogue else hardware().get(model), depth + 1)

    def _stated(self, parts: Raw) -> Raw:
        """Components or entries of the catalogue, with units."""
        types = {name: self._type(raw) for name, raw in parts.items()}
        return {name: raw if (cls := types[name]) is None else _with_units(raw, cls) for name, raw in parts.items()}

    def _turned(self, block: Any) -> Any:
        whole = isinstance(block, dict) and isinstance(block.get("components"), dict)
        return block | {"components": self._stated(block["components"])} if whole else block

    def _case(self, values: Any, types: Types) -> Any:
        """The values of a case, with the units of the fields that their addresses name."""
        if not isinstance(values, dict):
            return values
        parts = self._parts()
        groups = lambda n: (str(parts[n].get("model")), c.kind, c.dimension) if (c := types[n]) else ()  # noqa: E731
        stated = {}
        for address, value in values.items():
            try:
                head, name, field = split(str(address))
                chosen = [] if head in MODELS and name is None else choose(str(address), parts, groups, MODELS)
            except ValueError:  # which `build` tells
                stated[address] = value
                continue
            models = [types[n] for n in chosen] or [MODELS[head]]
            model = next((m for m in models if m is not None and field in m.model_fields), None)
            stated[address] = value if model is None else _with_units({field: value}, model)[field]
        return stated


def _joined(link: Any, types: Types) -> Any:
    """A connection of two ports with its carrier: that of the first port that is known."""
    if not isinstance(link, list) or len(link) != 2:
        return link
    for end in link:
        name, _, port = str(end).rpartition(".")
        cls = types.get(name)
        if cls is not None and port in cls.ports:
            return [cls.ports[port].carrier, *link]
    return ["power", *link]


def _plain(place: str, value: Any) -> Any:
    """A copy of plain data: numbers, texts, lists and mappings of them, whatever holds them. LayoutError for others."""
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(place, value.tolist())
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {k if isinstance(k, (str, int, float)) else str(k): _plain(f"{place}: {k}", v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(place, v) for v in value]
    what = type(value).__name__
    raise LayoutError("layout", [f"{place}: {what} {value!r:.40} is no number, text, list or mapping"])


def _with_units(raw: Raw, model: type[BaseModel]) -> Raw:
    """The fields of a section or component, numbers in SI as texts with units."""
    out: Raw = {}
    for name, value in raw.items():
        info = model.model_fields.get(str(name))
        dimension = quantity(info) if info else None
        if info and isinstance(value, dict):
            out[name] = _inside(value, info.annotation)
        else:
            out[name] = value if dimension is None else _texts(value, si_unit(dimension.dimension))
    return out


def _inside(value: Raw, annotation: object) -> Raw:
    """A mapping that is a model of its own, or that has one under each name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _with_units(value, annotation)
    for part in get_args(annotation):
        if get_args(annotation)[0] is str and isinstance(part, type) and issubclass(part, BaseModel):
            return {k: _with_units(v, part) if isinstance(v, dict) else v for k, v in value.items()}
        value = _inside(value, part)
    return value


def _texts(value: Any, unit: str) -> Any:
    if isinstance(value, list):
        return [_texts(v, unit) for v in value]
    return value if unit == "1" or isinstance(value, (str, bool)) or value is None else f"{value!r} {unit}"


# ---- tables ------------------------------------------------------------------------------------------------------


def _rows(table: Any) -> tuple[str, Iterable[tuple[str, Mapping[str, Any]]]]:
    """Name of a table, and its rows with their places."""
    if isinstance(table, (str, Path)):
        return Path(table).name, _read(Path(table))
    if hasattr(table, "columns") and hasattr(table, "to_dict"):
        if not table.columns.is_unique:
            raise LayoutError("table", ["two columns have the same name"])
        table = (table if "name" in table.columns else table.rename_axis("name").reset_index()).to_dict("records")
    rows = list(table) if isinstance(table, Iterable) else [None]
    maps = [(f"row {i}", row) for i, row in enumerate(rows, 1) if isinstance(row, Mapping)]
    if len(maps) < len(rows):
        raise LayoutError("table", ["give a DataFrame, a list of mappings, or the path of a CSV file"])
    return "table", maps


def _read(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows of a CSV file by line, all cells texts."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise LayoutError(path.name, [f"is larger than a layout may be ({LARGEST_FILE >> 20} MB)"])
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LayoutError(path.name, [f"cannot be read as UTF-8 text: {error}"]) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if not header:
                header = [cell.strip() for cell in row]
                if "name" not in header or len(set(header)) < len(header):
                    fault = f"line {reader.line_num}: a header with `name`, each column once, parted by commas"
                    raise LayoutError(path.name, [f"{fault}, not {', '.join(header)}"])
                continue
            if len(row) != len(header):
                fault = f"line {reader.line_num}: {len(row)} cells under {len(header)} columns; quote cells with commas"
                raise LayoutError(path.name, [fault])
            yield f"line {reader.line_num}", {k: _listed(v) for k, v in zip(header, row, strict=True)}
    except csv.Error as error:
        raise LayoutError(path.name, [f"line {reader.line_num}: {error}"]) from error
    if not header:
        raise LayoutError(path.name, ["is empty; begin with a header: name, type or model, fields and ports"])


def _listed(text: str) -> Any:
    """A cell of a file; what begins with a bracket is a list or mapping as in YAML, and numbers stay texts."""
    if not text.strip().startswith(("[", "{")):
        return text
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        return text


def _cell(value: Any) -> Any:
    """A cell of a table, None for one that is empty."""
    if isinstance(value, str):
        return value.strip() or None
    if (
        value is None
        or type(value).__name__ == "NAType"
        or (isinstance(value, (float, np.floating)) and value != value)
    ):
        return None
    return value
