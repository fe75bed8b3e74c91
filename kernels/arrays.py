"""Where arrays live: in main memory as NumPy's, on a GPU as CuPy's.

NumPy's functions dispatch to the library of their arguments, so that code written against it runs in both homes;
`like=` makes new arrays where others live. What the two do not share (sums by group, subsets of arguments) is here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from twin.kernels.cell import Int, Ints2, Kernel, Reals2, kernel
from twin.kernels.launch import LARGEST, bind
from twin.kernels.subset import Argument

Array: TypeAlias = np.ndarray
"""An array in either home."""

Tables = TypeVar("Tables", bound=tuple[object, ...])

DEVICES = ("auto", "cpu", "cuda")
"""Names of homes: main memory, the GPU, or the GPU where there is one."""


class DeviceError(RuntimeError):
    """A device is not available."""


def home(device: str = "auto") -> ModuleType:
    """The library of the arrays of a device: numpy or cupy. Raises DeviceError for a GPU that cannot be used."""
    if device not in DEVICES:
        raise DeviceError(f"device {device!r} is none of {', '.join(DEVICES)}")
    if device == "cpu":
        return np
    why = "no CUDA device is found"
    try:
        cupy = import_module("cupy")
        if cupy.is_available():
            return cupy
    except ImportError:
        why = "CuPy is not installed; pip install 'aifactory-twin[cuda13]'"
    if device == "cuda":
        raise DeviceError(f"device cuda: {why}")
    return np


def called(xp: ModuleType) -> str:
    """What the device of a library is called: cpu, or the GPU's name."""
    return "cpu" if xp is np else xp.cuda.runtime.getDeviceProperties(0)["name"].decode()


def namespace(*arrays: object) -> ModuleType:
    """The library of arrays that live together."""
    return import_module("cupy") if any(hasattr(a, "__cuda_array_interface__") for a in arrays) else np


def send(tree: object, xp: ModuleType) -> Any:
    """A tree of dataclasses, tuples, lists and dicts with its numbers in the arrays of another library.

    Dataclasses of `kernels`, which hold structure, stay as they are; see `copied`.
    """
    return tree if xp is np else _mapped(tree, lambda a: xp.asarray(a) if isinstance(a, np.ndarray) else a)


def fetch(tree: object) -> Any:
    """A tree with all its arrays in main memory."""
    return _mapped(tree, lambda a: a.get() if hasattr(a, "get") and hasattr(a, "dtype") else a)


def each_array(tree: Any, change: Callable[[Any], object]) -> Any:
    """A tree with `change` made to its arrays in main memory."""
    return _mapped(tree, lambda a: change(a) if isinstance(a, np.ndarray) else a)


def _mapped(tree: Any, change: Callable[[Any], object]) -> Any:
    if isinstance(tree, np.ndarray) or hasattr(tree, "dtype"):
        return tree if getattr(tree.dtype, "kind", "") == "O" else change(tree)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(_mapped(v, change) for v in tree))
    if isinstance(tree, (tuple, list)):
        return type(tree)(_mapped(v, change) for v in tree)
    if isinstance(tree, Mapping):
        return {k: _mapped(v, change) for k, v in tree.items()}
    if isinstance(tree, SimpleNamespace):
        return SimpleNamespace(**{k: _mapped(v, change) for k, v in vars(tree).items()})
    if is_dataclass(tree) and not isinstance(tree, type) and not type(tree).__module__.startswith("twin.kernels"):
        return replace(tree, **{f.name: _mapped(getattr(tree, f.name), change) for f in fields(tree)})
    return tree


_SENT: WeakKeyDictionary[object, Any] = WeakKeyDictionary()


def copied(owner: object, tables: Tables, array: Array) -> Tables:
    """Tables in main memory as arrays where `array` lives; the copies are kept as long as their owner."""
    xp = namespace(array)
    if xp is np:
        return tables
    if owner not in _SENT:
        _SENT[owner] = send(tables, xp)
    return _SENT[owner]


# ---- what NumPy and CuPy do not share ----------------------------------------------------------------------------


def filled(shape: int | tuple[int, ...], value: ArrayLike, kind: DTypeLike = float, like: Array | None = None) -> Array:
    """An array of one value where `like` lives: NumPy's `full` and `ones` hand CuPy's an argument it does not know."""
    out = np.empty(shape, kind, like=like)
    out[...] = value
    return out


def numbers(x: Any) -> Any:
    """Numbers as an array of reals, single ones as a scalar; arrays of reals as they are, wherever they live."""
    if getattr(getattr(x, "dtype", None), "kind", "") == "f" and (x.ndim or not isinstance(x, np.ndarray)):
        return x
    return np.asarray(x, float)[()]


def share(part: Array, whole: Array, floor: ArrayLike = 0.0, otherwise: float = 0.0) -> Array:
    """Part / whole where whole lies above `floor`, else `otherwise`."""
    there = whole > floor
    return np.where(there, part / np.where(there, whole, 1.0), otherwise)


def add_rows(out: Array, row: Array, values: Array) -> Array:
    """Add rows of `values` (k, 1|S) to rows of out (n, S), in their order; out comes back.

    `row` is (k,), or (k, S) where scenarios differ. The order makes sums the same bits wherever they are taken.
    """
    xp, (k, size) = namespace(out), (len(row), out.shape[1])
    if xp is np:
        np.add.at(out, row if row.ndim == 1 else (row, np.arange(size)), values)
        return out
    if out.dtype.kind == "c":
        for part in ("real", "imag"):
            setattr(out, part, add_rows(xp.ascontiguousarray(getattr(out, part)), row, getattr(values, part)))
        return out
    if k and size:
        rows = xp.ascontiguousarray(row if row.ndim == 2 else row[:, None], np.int32)
        terms = xp.ascontiguousarray(np.broadcast_to(values, (k, values.shape[1])), out.dtype)
        bind(add, (size,), rows, terms, out, k, int(terms.shape[1] > 1), int(rows.shape[1] > 1))()
    return out


@kernel
def add(s, row: Ints2, values: Reals2, out: Reals2, k: Int, wide: Int, many: Int):
    """Add rows of values to the rows of `out` that `row` names, in one scenario; 0 steps over a single column."""
    for r in range(k):
        out[row[r, s * many], s] += values[r, s * wide]


def flattened(values: Collection[ArrayLike], shape: tuple[int, ...], xp: ModuleType) -> Array:
    """Numbers that broadcast to a shape, copied and flat, (value, 1, element)."""
    out = xp.zeros((len(values), 1, math.prod(shape)))
    for row, value in zip(out, values, strict=True):
        row[0] = np.broadcast_to(xp.asarray(value, float), shape).reshape(-1)
    return out


def elementwise(k: Kernel, *args: ArrayLike, tables: tuple[Argument, ...] = ()) -> Array:
    """What a kernel (r, s, *args, out, *tables) makes of numbers, broadcast to one shape; of scalars a scalar."""
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    xp = namespace(*args)
    *flat, out = flattened((*args, 0.0), shape, xp)
    if out.size:
        bind(k, out.shape, *flat, out, *send(tables, xp))()
    return out.reshape(shape)[()]


def max_scenarios(rows: int, xp: ModuleType) -> int:
    """Scenarios with so many numbers each that fit into half of a GPU's free memory at once."""
    free, _ = xp.cuda.runtime.memGetInfo()
    free += xp.get_default_memory_pool().free_bytes()
    return max(1, min(int(0.5 * free / 8 / max(rows, 1)), LARGEST // max(rows, 1)))
