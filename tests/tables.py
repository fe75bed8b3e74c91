"""Tables for kernels that tests run by themselves."""

import numpy as np
from twin.kernels.launch import bind
from twin.kernels.subset import Packed


def table(kind, shape=(1, 1), **columns):
    """A table of (row, scenario) numbers, zero but for the columns given."""
    index = [np.broadcast_to(columns.pop(n), shape[:1]) for n in kind.index_columns() if n in columns]
    index = np.array(index, np.int32).reshape(len(index), shape[0] if index else 0)
    packed = Packed(kind, np.zeros((len(kind.real_columns()), *shape)), index)
    for name, value in columns.items():
        getattr(packed, name)[...] = value
    return packed


def element(given, scenarios=1):
    """An element as kernels take it."""
    names = [*given.real_columns(), *given.index_columns()]
    columns = {n: given.column_of(n) for n in names}
    rows = max(len(v) for v in columns.values())
    return table(type(given), (rows, scenarios), **columns)


def run(kernel, shape, *arguments, times=1):
    """Run a kernel over rows and scenarios, passes that go on from each other."""
    call = bind(kernel, shape, *arguments)
    for _ in range(times):
        call()
