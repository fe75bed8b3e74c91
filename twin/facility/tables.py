"""What people bring as scenarios: a mapping of addresses, a DataFrame, a Dataset or a list of mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

import numpy as np

from twin.columns import Array
from twin.units import Quantity, cf_unit

if TYPE_CHECKING:
    import pandas as pd

Given: TypeAlias = "Mapping[Any, Any] | Sequence[Mapping[str, Any]] | pd.DataFrame"
"""Values by address, one or one for each scenario; a Dataset is a mapping too."""

LABELS = "scenario"
"""The key of a mapping, or the column of a table, that labels the scenarios."""


class Table(NamedTuple):
    """Values of scenarios by address as they were given, and what the scenarios are called, None if by number."""

    values: dict[str, Any]
    labels: Array | None


class Numbers(NamedTuple):
    """SI values (1|S,), NaN where there is no number, and why not where it was something else."""

    values: Array
    unread: dict[int, str]


def tabulate(given: Given) -> Table:
    """Values by address. Columns of a table and variables of a Dataset are addresses; an index that counts from 0 is no
    label. Raises ValueError for what is no table, has several indices, or does not give every address everywhere.
    """
    indices, frame = [_index(given)], cast(Any, given)
    if isinstance(given, Mapping):
        values: dict[Any, Any] = dict(given)
        values |= {a: v for a, v in getattr(given, "coords", {}).items() if "." in str(a)}
    elif hasattr(frame, "columns") and hasattr(frame, "items"):
        columns = list(frame.items())
        values = dict(columns)
        twice = next((a for i, (a, _) in enumerate(columns) if a in [b for b, _ in columns[:i]]), None)
        if twice is not None:
            raise ValueError(f"scenarios: two columns are called {twice!r}")
    elif isinstance(given, Sequence) and given and all(isinstance(row, Mapping) for row in given):
        values = {a: [_item(row, a, i) for i, row in enumerate(given)] for a in {a: 0 for row in given for a in row}}
    else:
        ways = "addresses to values, a DataFrame or Dataset with addresses as columns, or a list of mappings"
        raise ValueError(f"scenarios: give a mapping of {ways}, not {_called(given)}")
    indices += [_index(v) for v in values.values()]
    labels = values.pop(LABELS, None)
    known = [x for x in map(_labels, indices if labels is None else [labels]) if x is not None]
    if any(not np.array_equal(x, known[0]) for x in known[1:]):
        raise ValueError("scenarios: values have different indices; align them first, or give their numbers alone")
    wrong = next((a for a in values if not isinstance(a, str)), None)
    if wrong is not None:
        raise ValueError(f"scenarios: {wrong!r} is not an address such as site.dry_bulb")
    return Table(values, known[0] if known else None)


def _called(given: object) -> str:
    if isinstance(given, Sequence) and not isinstance(given, str):
        return f"a {type(given).__name__} of {type(given[0]).__name__}" if given else "nothing"
    return f"{given!r:.40}" if isinstance(given, (str, int, float)) else f"a {type(given).__name__}"


def _item(row: Mapping[Any, Any], address: Any, at: int) -> Any:
    if address not in row:
        raise ValueError(f"scenarios: {address} is given, but not in scenario {at}; give it in all")
    return row[address]


def _index(value: Any) -> Any:
    """The index of a Series, a DataFrame, a DataArray or a Dataset; None of anything else."""
    if hasattr(value, "indexes") and hasattr(value, "dims"):
        if len(value.dims) > 1:
            raise ValueError(f"scenarios: stack the dimensions {', '.join(map(str, value.dims))} into one first")
        return next(iter(value.indexes.values()), None)
    index = getattr(value, "index", None)
    return None if callable(index) else index


def _labels(index: Any) -> Array | None:
    """What an index calls the scenarios, as a Dataset can hold it; None of one that counts from 0."""
    if index is None:
        return None
    if getattr(index, "nlevels", 1) > 1:
        raise ValueError("scenarios: an index of several levels labels nothing; reset it, or make it one")
    labels = np.asarray(index if getattr(index, "tz", None) is None else index.tz_localize(None))
    if labels.dtype.kind == "O":
        labels = np.array([str(x) for x in labels], object)
    return None if labels.dtype.kind in "iu" and np.array_equal(labels, np.arange(len(labels))) else labels


def numbers(value: Any, declared: Quantity | None) -> Numbers:
    """SI values of a field with that quantity: numbers, texts with units, or both; numbers of a Series or DataArray are
    in the units that its `attrs` state. Raises ValueError for what is no number or row of numbers.
    """
    try:
        column = np.atleast_1d(np.asarray(value))
        if column.dtype.kind in "US":
            column = np.atleast_1d(np.asarray(value, object))
    except ValueError:
        column = np.zeros((0, 0))
    if column.ndim != 1 or not len(column) or column.dtype.kind not in "biufO":
        raise ValueError("give one number, or one for each scenario")
    unit = getattr(value, "attrs", {}).get("units")
    zero, one = 0.0, 1.0
    if unit is not None and declared is not None and unit != cf_unit(declared.dimension):
        zero, one = declared.parse(f"0 {unit}"), declared.parse(f"1 {unit}")
    if column.dtype.kind != "O":
        return Numbers(zero + (one - zero) * column.astype(float), {})
    unread: dict[int, str] = {}
    found = np.full(len(column), np.nan)
    for i, item in enumerate(column):
        try:
            texts = declared if isinstance(item, str) else None
            found[i] = texts.parse(item) if texts else zero + (one - zero) * float(item)
        except (TypeError, ValueError) as error:
            unread[i] = str(error) if isinstance(item, str) else f"{item} is not a number"
    return Numbers(found, unread)
