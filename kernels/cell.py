"""One Python source for CPU and GPU: cells in LLVM's language for the one, as CUDA C++ for the other.

A cell is a scalar Python function; a kernel is a cell that is run once for every index of a domain. Its parameters
without annotation are the index, the annotated ones its arguments: `Real`, `Int`, arrays of them, or records, which are
NamedTuples of these:

    class Line(NamedTuple):
        slope: Real
        x: Reals1

    @kernel
    def scale(i, line: Line, out: Reals1):
        out[i] = line.slope * line.x[i]

    bind(scale, (n,), Line(2.0, x), out)()

On the CPU a kernel and its cells become one function in LLVM's language (`llvm`), whose build lies in the user's cache
folder (`store`) under a hash of all that it depends on, so that no edit can leave a stale one (`cpu`). Literals take
the precision of the run. On the GPU the same functions are printed as C++ text, types being left to the compiler's
`auto`, and built by NVRTC through `cupy.RawModule` (`cuda`).

A kernel must not read at one index what it writes at another, and arrays must not overlap: `bind` refuses that.
The subset: assignment, if, while, for over range, break, continue, return; arithmetic, comparison, conditional
expression; array elements and fields of records; min, max, abs, real, at; functions of math; other cells. A name keeps
the type of its first value, and lives in the block where that stands. Anything else is a `SubsetError` that names file
and line, raised where the cell is defined, or, in this package, where it is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from types import FunctionType
from typing import Any, TypeVar, overload

from twin.kernels.cpu import native
from twin.kernels.cuda import function_text
from twin.kernels.subset import (
    LANES,
    Argument,
    Cell,
    Int,
    Ints1,
    Ints2,
    Kernel,
    Real,
    Reals1,
    Reals2,
    Reals3,
    SubsetError,
    at,
    real,
    rows,
)

__all__ = [
    "LANES",
    "REGISTRY",
    "Argument",
    "Cell",
    "Int",
    "Ints1",
    "Ints2",
    "Kernel",
    "Real",
    "Reals1",
    "Reals2",
    "Reals3",
    "SubsetError",
    "at",
    "cell",
    "family",
    "kernel",
    "real",
    "routine",
    "rows",
    "warm_up",
]

AnyCell = TypeVar("AnyCell", bound=Cell)

REGISTRY: list[Kernel] = []
"""All kernels, for `warm_up` and for the checks."""


def cell(function: FunctionType) -> Cell:
    """A function for kernels to call, inlined wherever it is. Raises SubsetError for code outside the subset."""
    return _checked(Cell(function))


def routine(function: FunctionType) -> Cell:
    """A cell that is called and not copied: for long scalar functions, whose many copies would be slow to compile."""
    return _checked(Cell(function, inline=False))


@overload
def kernel(function: FunctionType, /) -> Kernel: ...
@overload
def kernel(*, lanes: int) -> Callable[[FunctionType], Kernel]: ...
def kernel(function: FunctionType | None = None, /, *, lanes: int = 1) -> Kernel | Callable[[FunctionType], Kernel]:
    """A function to be run over a domain; `lanes` is what suits its batches on the CPU.

    Raises SubsetError for code outside the subset.
    """
    return _registered(function, lanes) if function else lambda f: _registered(f, lanes)


def family(**constants: Mapping[str, int]) -> Callable[[FunctionType], dict[Any, Kernel]]:
    """Kernels of one function, one for each value of a constant that it takes by name only, or of several.

    `family(axis={"x": 0, "y": 1})` on a function `step` gives kernels step_x and step_y by their values; with more than
    one constant they are by tuples of values. What a constant decides is decided when they are defined: branches,
    elements of a tuple, `(u, v)[axis]`. A loop over a tuple of the module, `for t in AXES`, is unrolled likewise, in
    any kernel or cell.
    """

    def members(function: FunctionType) -> dict[Any, Kernel]:
        kernels = {}
        for choice in product(*(values.items() for values in constants.values())):
            given = dict(zip(constants, (value for _, value in choice), strict=True))
            name = "_".join([function.__name__, *(suffix for suffix, _ in choice)])
            key = tuple(given.values()) if len(given) > 1 else choice[0][1]
            kernels[key] = _registered(function, 1, given, name)
        return kernels

    return members


def _registered(
    function: FunctionType, lanes: int, constants: Mapping[str, int] | None = None, name: str = ""
) -> Kernel:
    k = _checked(Kernel(function, lanes, constants, name))
    REGISTRY.append(k)
    return k


def _checked(c: AnyCell) -> AnyCell:
    """The same cell; one that is not of this package, whose tests print all of its own, is printed once as C++, so that
    what is outside the subset is refused now.
    """
    if not c.own.__module__.startswith("twin."):
        function_text(c)
    return c


def warm_up(precisions: Sequence[str] = ("float64",)) -> int:
    """Compile every kernel of the modules that are loaded, for batches and alone; returns how many builds are ready."""
    return len([native(k, p, n) for k in REGISTRY for p in precisions for n in sorted({1, k.lanes})])
