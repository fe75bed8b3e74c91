"""A plant laid out for a block of scenarios: tables that kernels take, and what is to be written into their lanes.

Every number stands in an array of fixed place, its last axis the lanes of the block, so that kernels are bound once and
a pass only replays them. A scenario is loaded by writing what it does not share with others into one lane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from twin import columns
from twin.columns import Array, Column, Index, Ledger, Ref
from twin.elements import System
from twin.kernels.arrays import each_array, namespace, send
from twin.kernels.cell import Kernel
from twin.kernels.launch import Call, bind
from twin.kernels.subset import Argument, Packed, Table
from twin.kernels.sums import Groups, grouped, weighted

PAGE = 2048
"""Rows of states that are set together."""


class Page:
    """Rows of states that all scenarios begin alike: their buffer (PAGE or more, lanes), how many are taken, and from
    which numbers they begin.
    """

    def __init__(self, rows: int, lanes: int, xp: ModuleType) -> None:
        self.buffer, self.starts, self.taken = xp.zeros((rows, lanes)), np.zeros((rows, 1)), 0

    def take(self, start: Array) -> Array:
        """Rows for some numbers (rows, 1)."""
        rows = slice(self.taken, self.taken + len(start))
        self.starts[rows], self.taken = start, rows.stop
        return self.buffer[rows]


class Source(NamedTuple):
    """Where lanes are loaded from: rows of a buffer (rows, lanes), and their numbers in all scenarios (rows, S)."""

    buffer: Array
    values: Array


Follow: TypeAlias = Callable[[System], Array]
"""Numbers (rows, 1|S) of a plant."""


class Block:
    """Buffers of a plant for `lanes` scenarios at a time, in the arrays of a library `xp`.

    solved: all solved columns, (row, lanes). varied: what scenarios do not share, by buffer. states: where each starts
    from. at: the scenario in each lane. prepared: calls that work out what no pass changes, once scenarios are loaded.
    """

    def __init__(self, plant: System, lanes: int, xp: ModuleType = np) -> None:
        self.plant, self.lanes, self.xp = plant, lanes, xp
        self.varied, self.states, self.prepared = dict[int, Source](), list[Source](), list[Call]()
        self._followed, self._pages = list[tuple[Array, Follow]](), list[Page]()
        self.at = np.zeros(lanes, np.int64)
        self._rows, own = _rows(plant), dict.fromkeys(item.column for item in plant.derived)
        self._own_rows = sum(len(item.constant) for item in plant.derived)
        every = [vars(kind)[name] for kind in self._rows for name in kind.real_columns()]
        self._first, count = dict[Column, int](), 0
        for column in (*every, *own):
            self._first[column] = count
            count += self.rows_of(column.kind)
        self.solved = self.zeros(count)

    # ---- buffers -------------------------------------------------------------------------------------------------

    def zeros(self, *shape: int) -> Array:
        """A new buffer of reals, (*shape, lanes)."""
        return self.xp.zeros((*shape, self.lanes))

    def integers(self, values: ArrayLike) -> Array:
        """Row numbers as kernels take them."""
        return send(np.ascontiguousarray(values, np.int32), self.xp)

    def numbers(self, values: Array) -> Array:
        """Reals that all scenarios share, as kernels take them."""
        return send(np.ascontiguousarray(values, np.float64), self.xp)

    def given(self, values: Array | Follow, into: Array | None = None) -> Array:
        """Numbers (rows, 1|S) in a buffer (rows, lanes): what scenarios share at once, others as they are loaded.

        Where they are a function of the plant, `renew` follows them.
        """
        follow = values if callable(values) else None
        values = values(self.plant) if callable(values) else values
        buffer = self.zeros(len(values)) if into is None else into
        if follow is not None:
            self._followed.append((buffer, follow))
        self._give(buffer, values)
        return buffer

    def _give(self, buffer: Array, values: Array) -> None:
        """Take numbers (rows, 1|S) into a buffer: at once, or as scenarios are loaded."""
        self.varied.pop(id(buffer), None)
        if values.shape[1] > 1:
            rows = (len(buffer), values.shape[1])
            self.varied[id(buffer)] = Source(buffer, np.broadcast_to(np.asarray(values, float), rows))
        else:
            buffer[...] = send(np.asarray(values, float), self.xp)

    def state(self, start: Array, into: Array | None = None) -> Array:
        """A buffer (rows, lanes) that passes change and that a scenario begins with `start` (rows, 1|S)."""
        if into is None and start.shape[1] == 1:
            if not self._pages or self._pages[-1].taken + len(start) > len(self._pages[-1].starts):
                self._pages.append(Page(max(PAGE, len(start)), self.lanes, self.xp))
            return self._pages[-1].take(start)
        buffer = self.zeros(len(start)) if into is None else into
        self.states.append(Source(buffer, np.asarray(start, float)))
        return buffer

    # ---- tables --------------------------------------------------------------------------------------------------

    def table(self, element: Table, count: int | None = None) -> Packed:
        """An element as kernels take it; of `count` rows where its numbers may be one for all."""
        names, kind = element.real_columns(), type(element)
        values = [np.atleast_2d(np.asarray(element.column_of(n), float)) for n in names]
        rows = max((len(v) for v in values), default=0) if count is None else count
        reals = self.zeros(len(names), rows)
        part = next((f.name for f in fields(self.plant) if getattr(self.plant, f.name) is element), None)
        for buffer, name, v in zip(reals, names, values, strict=True):
            self.given(np.broadcast_to(v, (rows, v.shape[1])), buffer)
            if part is not None:
                self._followed.append((buffer, partial(_column, part, name)))
        index = [np.asarray(element.column_of(n), np.int32) for n in kind.index_columns()]
        return Packed(kind, reals, self.integers(np.stack(index) if index else np.zeros((0, 0), np.int32)))

    def work(self, kind: type[Table], rows: int) -> Packed:
        """An empty table of working numbers."""
        return _packed(kind, self.zeros(len(kind.real_columns()), rows))

    def roots(self, kind: type[Table], rows: int, start: float = np.nan) -> Packed:
        """A table of numbers that a pass finds and the next starts from; `start` before the first."""
        flat = self.state(np.full((len(kind.real_columns()) * rows, 1), start))
        reals = flat.reshape(len(kind.real_columns()), rows, self.lanes)
        return _packed(kind, reals)

    def ledger(self, kind: type[Ledger]) -> Packed:
        """The solved columns of a kind."""
        names, rows = kind.real_columns(), self._rows[kind]
        first = self._first[vars(kind)[names[0]]] if names else 0
        part = self.solved[first : first + len(names) * rows]
        return _packed(kind, part.reshape(len(names), rows, self.lanes))

    def groups(self, terms: Groups) -> Groups:
        """Terms by group as kernels take them."""
        return Groups(self.integers(terms.first), self.integers(terms.row), self.numbers(terms.times))

    def sums(self, terms: Sequence[tuple[Index, Ref, Array]], counts: Array, out: Array) -> list[Call]:
        """Sums of solved rows by group into `out` (group, lanes); terms: groups, rows, and weights (row, 1|S).

        counts: how many equal ones a group stands for (group,); a sum is that of one of them.
        """
        if not terms:
            return []
        group = np.concatenate([g for g, _, _ in terms])
        rows = np.concatenate([self.rows(r) for _, r, _ in terms])
        weight = stacked([np.broadcast_to(w, (len(g), w.shape[1])) for g, _, w in terms])
        times = np.concatenate([self.plant.times(r) for _, r, _ in terms]) / counts[group]
        found, order = grouped(group, rows, len(counts), times)
        return self.bind(weighted, len(counts), self.groups(found), self.given(weight[order]), self.solved, out)

    def select(self, tree: Any) -> Any:
        """A tree of dataclasses whose arrays are one per scenario (row, S), as the lanes have it."""
        size = self.plant.scenarios
        return send(each_array(tree, lambda a: a[:, self.at] if a.ndim == 2 and a.shape[1] == size > 1 else a), self.xp)

    def rows_of(self, kind: type) -> int:
        """Rows that a kind of solved columns has; columns that types add have those of all of these."""
        return self._rows.get(kind, self._own_rows)

    def column(self, column: Column) -> Array:
        """A solved column, (row, lanes)."""
        return self.solved[self.part(column)]

    def part(self, column: Column) -> slice:
        """Where a solved column stands in `solved`."""
        return slice(self._first[column], self._first[column] + self.rows_of(column.kind))

    def columns(self) -> list[Column]:
        """All columns that have rows in the block."""
        return list(self._first)

    def rows(self, ref: Ref) -> Index:
        """Where rows of a solved column stand in `solved`."""
        return self._first[ref.column] + np.asarray(ref.rows)

    # ---- scenarios -----------------------------------------------------------------------------------------------

    def load(self, lanes: Index, scenarios: Index) -> None:
        """Write what is given of scenarios into lanes."""
        self.at[lanes] = scenarios
        there = send(lanes, self.xp)
        for buffer, values in self.varied.values():
            buffer[:, there] = send(np.ascontiguousarray(values[:, scenarios]), self.xp)
        for call in self.prepared:
            call()

    def renew(self, plant: System) -> None:
        """Take the numbers of a plant of the same structure and as many scenarios, as far as they are others."""
        for buffer, follow in self._followed:
            new = follow(plant)
            if new is not follow(self.plant):
                self._give(buffer, new)
        self.plant = plant

    def begin(self, lanes: Index, scenarios: Index) -> None:
        """Write the states that scenarios start from into lanes."""
        there = send(lanes, self.xp)
        for page in self._pages:
            page.buffer[: page.taken, there] = send(page.starts[: page.taken], self.xp)
        for buffer, start in self.states:
            values = np.ascontiguousarray(start[:, scenarios]) if start.shape[1] > 1 else start
            buffer[:, there] = send(values, self.xp)

    def bind(self, kernel: Kernel, rows: int, *arguments: Argument) -> list[Call]:
        """A kernel bound over rows and lanes; nothing where there are no rows."""
        return [bind(kernel, (rows, self.lanes), *arguments)] if rows else []


def stacked(parts: Sequence[Array]) -> Array:
    """Arrays (row, 1|S) one after the other."""
    width = max((p.shape[1] for p in parts), default=1)
    return np.concatenate([np.zeros((0, width)), *(np.broadcast_to(p, (len(p), width)) for p in parts)])


def _packed(kind: type[Table], reals: Array) -> Packed:
    """A table without columns of integers."""
    return Packed(kind, reals, send(np.zeros((0, 0), np.int32), namespace(reals)))


def _column(part: str, name: str, plant: System) -> Array:
    """A column of one of a plant's tables."""
    return getattr(plant, part).column_of(name)


def _rows(plant: System) -> dict[type[Ledger], int]:
    """Rows of every kind of solved column."""
    k = columns
    return {
        k.engine: len(plant.engine.stream),
        k.node: plant.nodes,
        k.stream: len(plant.start),
        k.pipe: len(plant.pipe.start),
        k.pump: len(plant.pump.pipe),
        k.bypass: len(plant.relief.pipe),
        k.exchange: len(plant.exchange.hot),
        k.cooler: sum(len(c.stream) for c in plant.cooler),
        k.fan: len(plant.fan.vent),
        k.zone: len(plant.zone.supply),
        k.coil: len(plant.coil.exchange),
        k.humidifier: len(plant.humidifier.zone),
        k.line: len(plant.line.start),
        k.converter: len(plant.converter.input),
        k.source: len(plant.source.bus),
        k.bus: len(plant.voltage),
        k.given: len(plant.constant),
        k.audit: 1,
    }
