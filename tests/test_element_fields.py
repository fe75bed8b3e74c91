"""Every number of an element, a plant and a solution says its unit and its shape."""

import inspect
import re
from dataclasses import fields, is_dataclass

import pytest

from twin import columns, elements
from twin.plant.compile import Plant
from twin.solver.steady import Solution
from twin.units import DIMENSIONS

TABLES = [c for _, c in inspect.getmembers(elements, inspect.isclass) if c.__module__ == "twin.elements"]
TABLES = [c for c in TABLES if is_dataclass(c) or hasattr(c, "_fields")] + [Plant, Solution]


def own_fields(table):
    """Name and annotation of the fields that a class adds to its bases."""
    if is_dataclass(table):
        above = {f.name for base in table.__mro__[1:] if is_dataclass(base) for f in fields(base)}
        return [(f.name, str(f.type)) for f in fields(table) if f.name not in above]
    return list(table.__annotations__.items())


def described(text, name):
    """The sentence or sentences of a docstring that describe a field."""
    return [s for s in re.split(r"(?<=[.:])\s+(?=[a-z_]+[:, \[])|\.\s+|\.$", text) if re.search(rf"\b{name}\b", s)]


@pytest.mark.parametrize("table", TABLES, ids=lambda c: c.__name__)
def test_every_field_has_a_unit_and_a_shape(table):
    text = " ".join(inspect.getdoc(table).split())
    for name, kind in own_fields(table):
        assert described(text, name), f"{table.__name__}.{name} is not described"
        if kind in ("Array", "Index", "Array | None", "Index | None"):
            start = re.search(rf"(?<![\w.]){name}\b", text).start()
            assert re.search(r"\[[^\]]+\]|\([a-zA-Z0-9, |_*]+\)|\(\w+,\)", text[start:]), (
                f"{table.__name__}.{name} has no unit or shape"
            )


@pytest.mark.parametrize("column", columns.COLUMNS.values(), ids=lambda c: c.name)
def test_every_column_has_a_quantity_of_the_table_of_units_and_a_meaning(column):
    assert column.quantity in DIMENSIONS
    assert column.meaning and column.unit


def test_names_of_columns_figures_and_limits_are_single():
    kinds = [v.name for v in vars(columns.limits).values() if isinstance(v, columns.LimitKind)]
    assert {n for n in kinds if kinds.count(n) > 1} == {"voltage", "power_feed"}  # from both sides; racks and others
    keys = [f.key for f in columns.FIGURES.values()]
    assert len(set(keys)) == len(keys)


def test_a_reference_to_a_column_survives_copies():
    import copy
    import pickle

    for column in (columns.engine.power, columns.bus.voltage):
        assert pickle.loads(pickle.dumps(column)) is column
        assert copy.deepcopy({column: 1}) == {column: 1}
