"""The store of a sweep: one zarr v3 group, packed, whose chunks of scenarios are whole or missing.

Numbers of scenarios stand in one array (number, scenario), texts in one (text, scenario), what elements report in an
array each; parameters in one (parameter, scenario), and the facilities as JSON. The status of a chunk is written last:
a chunk whose status is there is complete. Every file of an array has a checksum, and is written beside its place and
moved there, so that a writer who is killed leaves the old chunk or the new one.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.columns import Array, Index
from twin.elements import Status
from twin.facility.document import document, restored
from twin.facility.files import LayoutError
from twin.facility.output import target, whole
from twin.kernels.later import later
from twin.study.design import Design, Dimension, Group

if TYPE_CHECKING:
    import xarray as xr
    import zarr
    from zarr import codecs
else:
    xr, zarr, codecs = map(later, ("xarray", "zarr", "zarr.codecs"))

CHUNK = 4096
"""Scenarios of a chunk: what is solved, written and resumed at a time."""

FORMAT = 1
"""Version of how sweeps are stored."""

PENDING = -1
"""Status of a scenario that has not been solved yet."""

PART = 2**24
"""Bytes that a file of an array with elements may have."""

TEXT, NUMBER, FLAG, WHOLE = "text", "number", "flag", "whole"
"""Kinds of variables; flags are yes or no, whole numbers counts."""

DAMAGED = (ValueError, RuntimeError, KeyError, OSError, IndexError, TypeError)
"""What decoding of a file raises that is not as it was written."""


@dataclass(frozen=True)
class Variable:
    """A variable of the dataset: its kind, its dimensions but for the scenario, and its attributes."""

    name: str
    kind: str
    dims: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    """What every scenario has: variables, and by dimension the names of elements or places of cells [m]."""

    variables: tuple[Variable, ...]
    labels: Mapping[str, tuple[str | float, ...]]

    @classmethod
    def of(cls, datasets: Iterable[xr.Dataset], skip: Iterable[str]) -> Template:
        """The variables of any of these datasets but for some, with the elements of all of them."""
        found, labels, left_out = dict[str, Variable](), dict[str, dict[str | float, None]](), set(skip)
        for data in datasets:
            for name, v in data.data_vars.items():
                if name in left_out or "scenario" not in v.dims:
                    continue
                others = tuple(str(d) for d in v.dims if d != "scenario")
                kind = {"b": FLAG, "i": WHOLE, "u": WHOLE, "f": NUMBER}.get(v.dtype.kind, TEXT)
                attributes = {k: x for k, x in v.attrs.items() if isinstance(x, (str, int, float, list))}
                found.setdefault(str(name), Variable(str(name), kind, others, attributes))
                for d in others:
                    labels.setdefault(d, {}).update(dict.fromkeys(data[d].values.tolist()))
        return cls(tuple(found.values()), {d: tuple(sorted(names)) for d, names in labels.items()})

    def plain(self, text: bool) -> list[Variable]:
        """Variables of scenarios alone: texts, or all others."""
        return [v for v in self.variables if not v.dims and (v.kind == TEXT) == text]

    @property
    def tables(self) -> list[Variable]:
        """Variables of elements and cells."""
        return [v for v in self.variables if v.dims]


class Store:
    """A sweep on disk; see `create` and `open_store`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.group = zarr.open_group(path, mode="r+", zarr_format=3)
        self.attributes: dict[str, Any] = dict(self.group.attrs)
        arrays: dict[str, Any] = dict(self.group.arrays())
        self._arrays = {name: array.with_config({"write_empty_chunks": True}) for name, array in arrays.items()}
        self.size, self.chunk = int(self.attributes["size"]), int(self.attributes["chunk"])
        rows = self.attributes["variables"]
        variables = [Variable(name, kind, tuple(dims), attributes) for name, kind, dims, attributes in rows]
        labels = {d: tuple(names) for d, names in self.attributes["labels"].items()}
        self.template = Template(tuple(variables), labels)

    # ---- what was asked ------------------------------------------------------------------------------------------

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.size // self.chunk)

    def rows(self, number: int) -> slice:
        """The scenarios of a chunk."""
        return slice(number * self.chunk, min((number + 1) * self.chunk, self.size))

    @cached_property
    def columns(self) -> dict[str, Array]:
        """Values of what may vary by address, SI (S,)."""
        names = self.attributes["parameters"]
        values = self._read("parameters", (slice(None), slice(None))) if names else ()
        return dict(zip(names, values, strict=True))

    @cached_property
    def group_of(self) -> Index:
        """The group of each scenario (S,)."""
        return self._read("group", slice(None)).astype(np.int64)

    @cached_property
    def labels(self) -> Array | None:
        """What the scenarios are called (S,), None if by number."""
        return self._read("label", slice(None)).astype(object) if "label" in self._arrays else None

    @property
    def shapes(self) -> list[dict[str, Any]]:
        """What shapes the plant of each group, by address, as it was written."""
        return self.attributes["groups"]

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Axes of the grid that the scenarios are; none where they are no grid."""
        return tuple(Dimension(name, tuple(addresses), size) for name, addresses, size in self.attributes["dimensions"])

    def group_at(self, number: int) -> Group:
        """A group, its facility restored."""
        text = self._read("document", slice(number, number + 1))
        facility = restored(json.loads(str(text[0])))
        return Group(self.shapes[number], facility, np.flatnonzero(self.group_of == number))

    # ---- chunks --------------------------------------------------------------------------------------------------

    def write(self, number: int, status: Array, parts: Iterable[tuple[Index, xr.Dataset]]) -> None:
        """Write a chunk: the status of its scenarios (n,), and variables of some of them each, by place in the chunk.

        Where a part lacks a variable or an element its values are NaN or empty.
        """
        packed = self._blank(len(status)) if self.complete(number) is not None else self.read(number)
        status = status.copy()
        for at, data in parts:
            self._pack(packed, at, data)
            status[at] = data["status"].values
        rows = self.rows(number)
        for name, values in packed.items():
            self._arrays[name][..., rows] = values
        self._arrays["status"][rows] = status

    def read(self, number: int) -> dict[str, Array]:
        """Arrays of a chunk. Raises one of DAMAGED for what is not as it was written."""
        return {n: self._arrays[n][..., self.rows(number)] for n in self._packs()}

    def complete(self, number: int) -> str | None:
        """Why a chunk cannot be read, None if it can; "" where it was never finished."""
        rows = self.rows(number)
        try:
            if (self._arrays["status"][rows] == PENDING).all():
                return ""
            for name in self._packs():
                array = self._arrays[name]
                for place in np.ndindex(*(-(-n // c) for n, c in zip(array.shape[:-1], array.chunks, strict=False))):
                    key = array.metadata.encode_chunk_key((*place, number))
                    if not (self.path / name / key).is_file():
                        return f"{name}/{key} is missing"
            self.read(number)
        except DAMAGED as error:
            return str(error) or type(error).__name__
        return None

    def status(self) -> Array:
        """Status of every scenario (S,), PENDING for those of chunks that are not there."""
        found = np.full(self.size, PENDING, np.int8)
        for number in range(self.chunks):
            with suppress(*DAMAGED):
                found[self.rows(number)] = self._arrays["status"][self.rows(number)]
        return found

    def status_of(self, number: int) -> Array:
        """Status of the scenarios of a chunk (n,)."""
        return np.asarray(self._arrays["status"][self.rows(number)])

    def values(self, name: str) -> Array:
        """A variable of scenarios alone, of all of them (S,). Raises LayoutError for a damaged chunk."""
        for pack, variables in (("numbers", self.template.plain(False)), ("texts", self.template.plain(True))):
            place = next((i for i, v in enumerate(variables) if v.name == name), None)
            if place is not None:
                return _typed(variables[place], self._whole(pack, place))
        raise KeyError(name)

    def table(self, name: str) -> Array:
        """A variable of elements or cells, (element, S) or (z, y, x, S). Raises LayoutError for a damaged chunk."""
        variable = next(v for v in self.template.tables if v.name == name)
        return _typed(variable, self._whole(name, slice(None)))

    def packed(self, pack: str) -> Array:
        """All rows of an array. Raises LayoutError for a damaged chunk."""
        return self._whole(pack, slice(None))

    def typed(self, variable: Variable, values: Array) -> Array:
        """Values as the dataset has them."""
        return _typed(variable, values)

    def _whole(self, pack: str, place: int | slice) -> Array:
        """A row of an array, or all, chunk by chunk."""
        array = self._arrays[pack]
        shape = array.shape[1:] if isinstance(place, int) else array.shape
        found = np.empty(shape, array.dtype)
        for number in range(self.chunks):
            rows = self.rows(number)
            try:
                found[..., rows] = array[place, rows]
            except DAMAGED as error:
                raise LayoutError(str(self.path), [self.damage(number, str(error))]) from error
        return found

    def damage(self, number: int, why: str) -> str:
        """The sentence for a chunk that cannot be read."""
        rows = self.rows(number)
        remedy = "run the sweep again, which solves these alone"
        return f"chunk {number} (scenarios {rows.start:,} to {rows.stop - 1:,}) is damaged: {why}; {remedy}"

    def _read(self, name: str, at: Any) -> Array:
        """What was asked. Raises LayoutError where it is damaged: it is nowhere else."""
        try:
            return np.asarray(self._arrays[name][at])
        except DAMAGED as error:
            told = f"{name} is damaged: {error}; remove the store and begin anew"
            raise LayoutError(str(self.path), [told]) from error

    def _packs(self) -> list[str]:
        """Names of the arrays that a chunk fills, but for its status."""
        return [n for n in ("numbers", "texts", *(v.name for v in self.template.tables)) if n in self._arrays]

    def _blank(self, count: int) -> dict[str, Array]:
        """Arrays of a chunk with nothing in them."""
        made = dict[str, Array]()
        for name in self._packs():
            array = self._arrays[name]
            text = array.dtype.kind not in "fiu"
            shape = (*array.shape[:-1], count)
            made[name] = np.full(shape, "", object) if text else np.full(shape, np.nan)
        return made

    def _pack(self, packed: dict[str, Array], at: Index, data: xr.Dataset) -> None:
        """Place the values of some scenarios in the arrays of a chunk."""
        for pack, text in (("numbers", False), ("texts", True)):
            for i, variable in enumerate(self.template.plain(text)):
                if variable.name in data:
                    packed[pack][i, at] = data[variable.name].values
        for variable in self.template.tables:
            if variable.name in data:
                values = data[variable.name].transpose(*variable.dims, "scenario").values
                packed[variable.name][(*self._places(variable, data), at)] = values

    def _places(self, variable: Variable, data: xr.Dataset) -> tuple[Any, ...]:
        """Where the elements or cells of a dataset stand in an array, as an index of it before the scenarios."""
        places = []
        for d in variable.dims:
            known = {n: i for i, n in enumerate(self.template.labels[d])}
            places.append(np.array([known[n] for n in data[d].values.tolist()], np.int64))
        return np.ix_(*places, np.zeros(1, np.int64))[:-1]

    # ---- who writes ----------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self, chunks: range) -> Iterator[None]:
        """Hold chunks, which no other process may then write; what killed writers left behind is removed.

        Raises LayoutError where another holds any of them.
        """
        lock = _locked(self.path, chunks)
        try:
            for part in self.path.rglob("*.partial"):
                with suppress(OSError):
                    if len(chunks) == self.chunks:
                        part.unlink()
            yield
        finally:
            if lock is not None:
                _HELD.discard(_key(self.path))
                os.close(lock)


_HELD = set[str]()
"""Stores that this process writes: locks of the system do not keep a process from itself."""


def _key(path: Path) -> str:
    return str(path.resolve())


def _locked(path: Path, chunks: range) -> int | None:
    """A handle that holds chunks for writing; None where the system has no locks or there are none to hold."""
    if os.name != "posix" or not chunks:
        return None
    fcntl, busy = import_module("fcntl"), False
    handle = os.open(path.parent / f".{path.name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if _key(path) in _HELD:
            busy = True
        else:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, len(chunks), chunks.start)
    except OSError:
        busy = True
    if busy:
        os.close(handle)
        raise LayoutError(str(path), ["another run is writing these scenarios; wait for it, or give each a --shard"])
    _HELD.add(_key(path))
    return handle


def _typed(variable: Variable, values: Array) -> Array:
    """Values as the dataset has them."""
    if variable.kind == TEXT:
        return values.astype(object)
    if variable.kind == FLAG:
        return np.nan_to_num(values).astype(bool)
    return values


# ---- new stores, and those that are there ------------------------------------------------------------------------


def create(
    path: str | Path,
    design: Design,
    groups: Sequence[Group],
    template: Template,
    asked: Mapping[str, Any],
    chunk: int = CHUNK,
    text: Callable[[object], str] = str,
) -> Store:
    """A new store in which nothing is solved yet, whole or not at all.

    asked: what else the sweep is, plain data. text: how what shapes a plant is written. Raises LayoutError for a path
    that cannot be written, and one that is taken.
    """
    path = target(path, (".zarr",))
    if path.exists():
        raise LayoutError(str(path), ["exists"])
    size, digest = design.size, fingerprint(design, groups, template, asked)
    numeric = {a: c for a, c in design.columns.items() if c.dtype.kind != "O"}
    group_of = np.zeros(size, np.int32)
    for i, group in enumerate(groups):
        group_of[group.rows] = i
    attributes = {
        "twin_sweep": FORMAT,
        "twin_version": version("aifactory-twin"),
        "title": groups[0].facility.name,
        "fingerprint": digest,
        "size": size,
        "chunk": chunk,
        "dimensions": [list(d) for d in design.dimensions],
        "notes": list(design.notes),
        "parameters": list(numeric),
        "groups": [{a: text(v) for a, v in g.shape.items()} for g in groups],
        "layouts": [[g.facility.source, g.facility.hash] for g in groups],
        "variables": [[v.name, v.kind, list(v.dims), dict(v.attributes)] for v in template.variables],
        "labels": {d: list(names) for d, names in template.labels.items()},
        **asked,
    }
    with whole(path) as partial:
        root = zarr.open_group(partial, mode="w", zarr_format=3, attributes=attributes)
        flat, along = (size,), ("scenario",)
        status = {"flag_values": [PENDING, *map(int, Status)], "flag_meanings": flag_meanings()}
        _array(root, "status", flat, (chunk,), "i1", along, PENDING, status)
        _filled(root, "group", group_of, along)
        _filled(root, "document", np.array([json.dumps(document(g.facility)) for g in groups], object), ("group_no",))
        if numeric:
            stacked = np.stack([np.asarray(c, float) for c in numeric.values()])
            _filled(root, "parameters", stacked, ("parameter", "scenario"), (len(numeric), 64 * chunk))
            _filled(root, "parameter", np.array(list(numeric), object), ("parameter",))
        if design.labels is not None:
            _filled(root, "label", np.array([str(x) for x in design.labels], object), along, (64 * chunk,))
        for pack, row, kind in (("numbers", "number", False), ("texts", "text", True)):
            names = [v.name for v in template.plain(kind)]
            if names:
                shape, chunks = (len(names), size), (len(names), chunk)
                _array(root, pack, shape, chunks, "string" if kind else "f8", (row, "scenario"), "" if kind else np.nan)
                _filled(root, row, np.array(names, object), (row,))
        for v in template.tables:
            first, *counts = (len(template.labels[d]) for d in v.dims)
            parts = (min(first, max(PART // (8 * chunk * math.prod(counts)), 1)), *counts, chunk)
            dtype, fill = ("string", "") if v.kind == TEXT else ("f8", np.nan)
            _array(root, v.name, (first, *counts, size), parts, dtype, (*v.dims, "scenario"), fill, v.attributes)
        for d, names in template.labels.items():
            _filled(root, d, np.array(names, object if isinstance(names[0], str) else float), (d,))
    return Store(path)


def fingerprint(design: Design, groups: Sequence[Group], template: Template, asked: Mapping[str, Any]) -> str:
    """What a store was made for: layouts, scenarios, and what is kept of them."""
    digest = hashlib.sha256(json.dumps([asked, [v.name for v in template.variables]], sort_keys=True).encode())
    for group in groups:
        digest.update(group.facility.hash.encode())
        digest.update(np.ascontiguousarray(group.rows).tobytes())
    for address, column in design.columns.items():
        digest.update(address.encode())
        if column.dtype.kind != "O":
            digest.update(np.ascontiguousarray(column, float).tobytes())
    if design.labels is not None:
        digest.update("\n".join(map(str, design.labels)).encode())
    return digest.hexdigest()[:32]


def open_store(path: str | Path) -> Store:
    """The store of a sweep. Raises LayoutError for what is none, or one of another version."""
    path = Path(path)
    if not (path / "zarr.json").is_file():
        told = "is no store of a sweep" if path.exists() else "no such store"
        raise LayoutError(str(path), [told])
    try:
        attributes = json.loads((path / "zarr.json").read_text("utf-8")).get("attributes", {})
    except (OSError, ValueError) as error:
        raise LayoutError(str(path), [f"zarr.json cannot be read: {error}"]) from error
    if "twin_sweep" not in attributes:
        raise LayoutError(str(path), ["is no store of a sweep; twin.open_result reads results"])
    written, here = attributes.get("twin_version"), version("aifactory-twin")
    if (attributes["twin_sweep"], written) != (FORMAT, here):
        remedy = "run the sweep into another store; xarray.open_zarr reads what is in this one"
        raise LayoutError(str(path), [f"was written by version {written}, this is {here}; {remedy}"])
    try:
        return Store(path)
    except DAMAGED as error:
        raise LayoutError(str(path), [f"cannot be read: {error}"]) from error


def flag_meanings() -> str:
    """Names of the values that a status has, as the CF conventions write them."""
    return " ".join(["pending", *(s.name.lower() for s in Status)])


def _array(
    root: zarr.Group,
    name: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    dtype: str,
    dims: tuple[str, ...],
    fill: object,
    attributes: Mapping[str, Any] | None = None,
) -> zarr.Array[Any]:
    """An array whose files have checksums: texts compressed, numbers, which hardly compress, as they are."""
    packed = codecs.ZstdCodec(level=1, checksum=True) if dtype == "string" else codecs.Crc32cCodec()
    return root.create_array(
        name,
        shape=shape,
        chunks=tuple(max(c, 1) for c in chunks),
        dtype=dtype,
        compressors=[packed],
        fill_value=fill,
        dimension_names=dims,
        attributes=dict(attributes or {}),
    )


def _filled(
    root: zarr.Group, name: str, values: Array, dims: tuple[str, ...], chunks: tuple[int, ...] | None = None
) -> None:
    """An array with values, in one file if no chunks are given."""
    text = values.dtype.kind == "O"
    dtype, fill = ("string", "") if text else (values.dtype.str[1:], 0)
    sizes = tuple(min(c, n) for c, n in zip(chunks or values.shape, values.shape, strict=True))
    _array(root, name, values.shape, sizes, dtype, dims, fill)[...] = values
