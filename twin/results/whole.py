"""A solution of the first of everything that is alike, written out for all components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from twin import columns
from twin.columns import Array, Column, Index, Solved
from twin.elements import Derived, Element, Vent
from twin.facility.files import LayoutError
from twin.plant.compile import Plant
from twin.plant.lowering import OWNED
from twin.solver.steady import Idle, Solution

ONCE = ("status", "iterations", "residual", "audit", "restless")
"""Fields of a solution that are one number a scenario."""


def whole(plant: Plant, parts: Sequence[tuple[Index, Solution]]) -> Solution:
    """The solution of a plant in which nothing stands for anything else, from those of its scenarios.

    parts: numbers of scenarios and their solution. Raises LayoutError where rows that an equipment type has written for
    components that are alike differ, as they do where its `lower` looks at more than the instance that it writes.
    """
    (_, first), *_ = parts
    if len(parts) == 1 and first.plant.classes.component is None:
        return first
    size, solved = plant.scenarios, Solved()
    node = {key: i for i, key in enumerate(plant.node_keys)}
    numbers = {name: np.empty(size, getattr(first, name).dtype) for name in ONCE}
    for chosen, part in parts:
        rows = _rows(plant, part.plant)
        _checked(plant, part.plant, rows, chosen)
        for column, values in part.columns.items():
            if column not in solved:
                solved[column] = np.empty((len(rows[_kind(column)]), size))
            solved[column][:, chosen] = values[rows[_kind(column)]]
        for name, array in numbers.items():
            array[chosen] = getattr(part, name)
        numbers["restless"][chosen] = np.array([node[key] for key in part.plant.node_keys], int)[part.restless]
    seconds = sum(part.seconds for _, part in parts)
    return Solution(plant, solved, seconds=seconds, device=first.device, idle=_idle(size, parts), **numbers)


def _idle(size: int, parts: Sequence[tuple[Index, Solution]]) -> Idle | None:
    """What is used in idle hours, of all scenarios; None where no part has any."""
    if all(part.idle is None for _, part in parts):
        return None
    joined = Idle(*np.full((len(Idle._fields), size), np.nan))
    for chosen, part in parts:
        for name, values in zip(Idle._fields, part.idle or (), strict=False):
            getattr(joined, name)[chosen] = values
    return joined


def narrowed(solution: Solution, plant: Plant, chosen: Index) -> Solution:
    """The inverse of `whole` for chosen scenarios: the solution of a plant of the first of everything that is alike."""
    rows = _rows(solution.plant, plant)
    first = {ledger: np.unique(own, return_index=True)[1] for ledger, own in rows.items()}
    solved = {c: values[np.ix_(first[_kind(c)], chosen)] for c, values in solution.columns.items()}
    numbers = {name: getattr(solution, name)[chosen] for name in ONCE}
    numbers["restless"] = rows[columns.node][numbers["restless"]]
    idle = None if solution.idle is None else Idle(*(values[chosen] for values in solution.idle))
    return Solution(plant, solved, seconds=solution.seconds, device=solution.device, idle=idle, **numbers)


def _kind(column: Column) -> type:
    """What the rows of a column are counted by."""
    return column.kind if column.kind in LEDGERS else Derived


LEDGERS = {*OWNED.values(), columns.node, columns.bus, columns.stream, columns.audit}
"""What rows of solved columns are counted by."""


def _rows(plant: Plant, part: Plant) -> dict[type, Index]:
    """By the ledger of a column: the row of `part` that each row of the plant is solved by."""
    rows = dict[type, Index]()
    for kind, ledger in OWNED.items():
        rows[ledger] = _owned(plant, part, kind)
    vents = rows.pop(Vent) + len(part.pipe.start)
    rows[columns.stream] = np.concatenate([rows[columns.pipe], vents])
    for ledger, keys, own in (
        (columns.node, plant.node_keys, part.node_keys),
        (columns.bus, plant.bus_keys, part.bus_keys),
    ):
        number = {key: i for i, key in enumerate(own)}
        rows[ledger] = np.array([number[part.classes.place(key)] for key in keys], np.int64)
    rows[columns.audit] = np.zeros(1, np.int64)
    return rows


def _owned(plant: Plant, part: Plant, kind: type[Element]) -> Index:
    """Rows of `part` for those of the plant: the n-th of a component is the n-th of the first component like it."""
    wanted, there = plant.owners[kind], part.owners[kind]
    found = dict(zip(zip(there.tolist(), _ordinal(there), strict=True), range(len(there)), strict=True))
    keys = zip(part.classes.firsts[wanted].tolist(), _ordinal(wanted), strict=True)
    try:
        return np.array([found[key] for key in keys], np.int64)
    except KeyError as error:
        raise _unlike(plant, kind, int(error.args[0][0])) from None


def _ordinal(owners: Index) -> list[int]:
    """How many rows of the same owner come before each row."""
    order = np.argsort(owners, kind="stable")
    begin = np.searchsorted(owners[order], owners[order])
    ordinal = np.empty(len(owners), np.int64)
    ordinal[order] = np.arange(len(owners)) - begin
    return ordinal.tolist()


def _checked(plant: Plant, part: Plant, rows: dict[type, Index], chosen: Index) -> None:
    """Raise LayoutError where numbers of rows differ that are solved as one."""
    for f in fields(plant):
        table = getattr(plant, f.name)
        if type(table) not in OWNED or not isinstance(table, Element):
            continue
        kind = type(table)
        at = rows[columns.stream][len(plant.pipe.start) :] if kind is Vent else rows[OWNED[kind]]
        for name in kind.real_columns():
            ours, theirs = _of(table.column_of(name), chosen, plant), getattr(part, f.name).column_of(name)[at]
            same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
            if not same.all():
                raise _unlike(plant, kind, int(plant.owners[kind][np.flatnonzero(~same.all(axis=1))[0]]))


def _of(values: Array, chosen: Index, plant: Plant) -> Array:
    return values[:, chosen] if values.shape[1] == plant.scenarios > 1 else values


def _unlike(plant: Plant, kind: type[Element], owner: int) -> LayoutError:
    name = plant.classes.wiring.names[owner]
    what = f"{name}: its {kind.__name__.lower()} differs from that of what is like it in every field and connection"
    remedy = f"`lower` of {plant.facility.components[name].kind} looks at other instances; solve with symmetry=False"
    return LayoutError(plant.facility.source, [f"{what}: {remedy}"])
