"""One Python source for CPU and GPU: cells compiled by Numba, and printed as CUDA C++ for CuPy.

A cell is a scalar Python function; a kernel is a cell that is run once for every index of a domain. Its parameters
without annotation are the index, the annotated ones its arguments, `Real`, `Int` or arrays of them:

    @kernel
    def scale(i, x: Reals1, factor: Real):
        x[i] = factor * x[i]

    bind(scale, (n,), x, 2.0)()

On the CPU a kernel and its cells become one generated module in the user's cache folder, named by the hash of its text,
so that no edit elsewhere can leave a stale build. Cells are inlined by force (without it Numba vectorises nothing) and
literals take the precision of the run. On the GPU the same functions are printed as C++ text, types being left to the
compiler's `auto`, and built by NVRTC through `cupy.RawModule`.

A kernel must not read at one index what it writes at another, and arrays must not overlap: `bind` refuses that.
The subset: assignment, if, while, for over range, break, continue, return; arithmetic, comparison, conditional
expression; array elements; min, max, abs, real; functions of math; other cells. A name keeps the type of its first
value, and lives in the block where that stands. Anything else is a `SubsetError` that names file and line.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sys
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from numba import config
from twin.kernels import cache_folder

MATH = ("sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "atan2", "pow", "floor", "fabs")
PRECISIONS = {"float32": "float", "float64": "double"}


class SubsetError(SyntaxError):
    """Code that a cell cannot hold, with file and line."""


class Kind:
    """What an argument is: a number, or an array, of the run's real type or of 32-bit integers."""

    def __init__(self, real: bool, ndim: int = 0) -> None:
        self.real, self.ndim = real, ndim


if TYPE_CHECKING:
    Real: TypeAlias = float
    Int: TypeAlias = int
    Reals1: TypeAlias = Any
    Reals2: TypeAlias = Any
    Reals3: TypeAlias = Any
    Reals4: TypeAlias = Any
    Ints1: TypeAlias = Any
    Ints2: TypeAlias = Any
else:
    Real, Int = Kind(True), Kind(False)
    Reals1, Reals2, Reals3, Reals4 = (Kind(True, n) for n in (1, 2, 3, 4))
    Ints1, Ints2 = Kind(False, 1), Kind(False, 2)

LANES = 1
"""Scenarios that one call of a kernel walks together, set by the build: a SIMD block on the CPU, one on the GPU."""

FIELD = 3
"""Indices of kernels over fields, whose innermost loop is vectorised; others are vectorised over lanes."""

_BUILDING = Lock()

REGISTRY: list[Kernel] = []
"""All kernels, for `warm_up` and for the checks."""


def real(value: Any) -> float:
    """An integer as a number of the run's precision."""
    return float(value)


class Cell:
    """A function of the subset; called in plain Python it runs as written."""

    def __init__(self, function: Callable[..., Any], inline: bool = True) -> None:
        self.function, self.name, self.__doc__ = function, function.__name__, function.__doc__
        self.inline = inline
        lines, self.line = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        tree.decorator_list, tree.returns = [], None
        self.tree, self.file = tree, Path(inspect.getsourcefile(function) or "?").name
        self.params = [a.arg for a in tree.args.args]

    def __call__(self, *args: Any) -> Any:
        """Run as plain Python."""
        return self.function(*args)

    @property
    def names(self) -> dict[str, Any]:
        """What the names of its module mean."""
        return self.function.__globals__

    def cells(self) -> list[Cell]:
        """Cells that it calls, callees first, each once."""
        found: list[Cell] = []
        for node in ast.walk(self.tree):
            called = self.names.get(_called(node))
            if isinstance(called, Cell):
                found += [c for c in [*called.cells(), called] if c not in found]
        names = [self.name, *(c.name for c in found)]
        for name in names:
            if names.count(name) > 1:
                raise SubsetError(f"{self.file}:{self.line}: {self.name}: two cells are called {name}")
        return found

    def fail(self, node: Any, why: str) -> Any:
        """Raise a SubsetError that points at a node."""
        line = self.line + getattr(node, "lineno", 1) - 1
        raise SubsetError(f"{self.file}:{line}: {why}: `{ast.unparse(node)}`")


class Kernel(Cell):
    """A cell run over a domain of one to three indices, the last one contiguous in memory."""

    def __init__(self, function: Callable[..., Any], lanes: int = 1) -> None:
        super().__init__(function)
        self.lanes = lanes
        marks = {a.arg: a.annotation for a in self.tree.args.args}
        self.index = [p for p in self.params if marks[p] is None]
        self.args = [p for p in self.params if marks[p] is not None]
        self.kinds: dict[str, Kind] = {p: eval(ast.unparse(marks[p]), self.names) for p in self.args}  # type: ignore[arg-type]
        if not 1 <= len(self.index) <= 3:
            raise SubsetError(f"{self.file}:{self.line}: {self.name} needs one to three index parameters")
        self.written = _written(self)
        REGISTRY.append(self)


def cell(function: Callable[..., Any]) -> Cell:
    """A function for kernels to call, inlined wherever it is."""
    return Cell(function)


def routine(function: Callable[..., Any]) -> Cell:
    """A cell that is called and not copied: for long scalar functions, whose many copies would be slow to compile."""
    return Cell(function, inline=False)


@overload
def kernel(function: Callable[..., Any], /) -> Kernel: ...
@overload
def kernel(*, lanes: int) -> Callable[[Callable[..., Any]], Kernel]: ...
def kernel(function: Callable[..., Any] | None = None, /, *, lanes: int = 1) -> Any:
    """A function to be run over a domain; `lanes` is what suits its batches on the CPU."""
    return Kernel(function, lanes) if function else lambda f: Kernel(f, lanes)


def _called(node: Any) -> str:
    """The name that a node calls, empty if it does not."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _written(c: Cell) -> set[str]:
    """Parameters whose elements a cell or its callees assign."""
    nodes: list[Any] = [*ast.walk(c.tree)]
    found = {n.value.id for n in nodes if _stored(n)}
    for node in nodes:
        called = c.names.get(_called(node))
        if isinstance(called, Cell):
            inside = _written(called)
            found |= {
                a.id for p, a in zip(called.params, node.args, strict=False) if p in inside and isinstance(a, ast.Name)
            }
    return found & set(c.params)


def _stored(node: Any) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name)


# ---- Numba -------------------------------------------------------------------------------------------------------


class _Precise(ast.NodeTransformer):
    """Literals and constants of the module in the run's precision, annotations gone."""

    def __init__(self, c: Cell, lanes: int) -> None:
        self.cell, self.lanes = c, lanes
        stored = {n.id for n in ast.walk(c.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.own = stored | set(c.params)

    def visit_Constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, float):
            return ast.Call(ast.Name("real", ast.Load()), [node], [])
        return node

    def visit_Name(self, node: ast.Name) -> Any:
        value = self.lanes if node.id == "LANES" else self.cell.names.get(node.id)
        if isinstance(node.ctx, ast.Load) and node.id not in self.own and type(value) in (int, float):
            return self.visit_Constant(ast.Constant(value))
        return node

    def visit_arg(self, node: ast.arg) -> Any:
        node.annotation = None
        return node


class _Lanes(ast.NodeTransformer):
    """Unrolls loops over LANES: each statement for all lanes, what it reads before what it writes.

    Left as a loop, Numba would have to fear that one lane's store changes another's load, and compile scalar code.
    """

    def __init__(self, c: Cell, lanes: int) -> None:
        self.cell, self.lanes = c, lanes

    def visit_For(self, node: ast.For) -> Any:
        body: list[Any] = node.body
        simple = all(isinstance(s, (ast.Assign, ast.AugAssign)) for s in body)
        if ast.unparse(node.iter) != "range(LANES)" or not simple:
            return self.generic_visit(node)
        assert isinstance(node.target, ast.Name)
        for statement in body:
            target = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
            if isinstance(target, ast.Subscript) and not _reads(target.slice, node.target.id):
                self.cell.fail(statement, "lanes would meet at one element")
        own = {name for s in body if isinstance(s, ast.Assign) for name in _names(s.targets[0])}
        return [line for s in node.body for line in self._spread(s, node.target.id, own)]

    def _spread(self, statement: Any, j: str, own: set[str]) -> list[Any]:
        copies = [_Lane(j, lane, own).visit(ast.parse(ast.unparse(statement)).body[0]) for lane in range(self.lanes)]
        target = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
        if _names(target):
            return copies
        reads, writes = [], []
        for lane, copy in enumerate(copies):
            if isinstance(copy, ast.AugAssign):
                place, value = copy.target, ast.BinOp(_read(copy.target), copy.op, copy.value)
            else:
                place, value = copy.targets[0], copy.value
            reads.append(ast.Assign([ast.Name(f"lane__{lane}", ast.Store())], value, lineno=1))
            writes.append(ast.Assign([place], ast.Name(f"lane__{lane}", ast.Load()), lineno=1))
        return reads + writes


class _Lane(ast.NodeTransformer):
    """One lane's copy of a statement: its number for the loop variable, its own names for what the loop assigns."""

    def __init__(self, j: str, lane: int, own: set[str]) -> None:
        self.j, self.lane, self.own = j, lane, own

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id == self.j:
            return ast.Constant(self.lane)
        return ast.Name(f"{node.id}__{self.lane}", node.ctx) if node.id in self.own else node


def _names(target: Any) -> list[str]:
    """Names that an assignment binds, none where it writes an element."""
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    return [t.id for t in parts if isinstance(t, ast.Name)]


def _reads(node: Any, name: str) -> bool:
    """Whether a name stands in an expression."""
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node))


def _read(node: Any) -> Any:
    return ast.parse(ast.unparse(node), mode="eval").body


def numba_source(k: Kernel, precision: str, lanes: int = 1) -> str:
    """The module that Numba compiles: cells, kernel and the loop over the domain, `run`."""
    out = ["import math", "import numba as nb", "import numpy as np", "", f"real = np.{precision}"]
    for c in [*k.cells(), k]:
        tree = _Precise(c, lanes).visit(_Lanes(c, lanes).visit(ast.parse(ast.unparse(c.tree))))
        if c is k and len(k.index) == FIELD:
            _row(tree.body[0], k.index[-1], k.written)
        ast.fix_missing_locations(tree)
        kept = "forceinline=True, " if c.inline else ""
        out += ["", "", f"@nb.njit({kept}error_model='numpy', _nrt=False)", ast.unparse(tree)]
    outer = k.index[:-1] if len(k.index) == FIELD else k.index
    loops = [f"{'    ' * (d + 1)}for {i} in range(n{d}):" for d, i in enumerate(outer)]
    passed = [*outer, "n2", *k.args] if len(k.index) == FIELD else [*outer, *k.args]
    call = f"{'    ' * (len(outer) + 1)}{k.name}({', '.join(passed)})"
    domain = [f"n{d}" for d in range(len(k.index))]
    types = ["nb.int64"] * len(domain) + [_numba_type(k.kinds[a], precision) for a in k.args]
    out += ["", "", f"@nb.njit(nb.void({', '.join(types)}), cache=True, nogil=True, error_model='numpy', _nrt=False)"]
    out += [f"def run({', '.join([*domain, *k.args])}):", *loops, call, ""]
    return "\n".join(out)


def _row(function: Any, i: str, written: set[str]) -> None:
    """Turn the function of one index into that of a row: what does not depend on the last index is done once.

    LLVM could not take it out of the loop, for fear that the row written is also what was read.
    """
    once, each, varying = [], [], {i, *written}
    bound = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    for s in function.body:
        names = _names(s.targets[0]) if isinstance(s, ast.Assign) else []
        free = names and all(bound.count(n) == 1 for n in names) and not any(_reads(s.value, v) for v in varying)
        (once if free else each).append(s)
        if not free:
            varying |= {n.id for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    head = ast.parse(f"for {i} in range(length__):\n    pass").body[0]
    assert isinstance(head, ast.For)
    head.body = each
    function.body = [*once, head]
    at = next(k for k, a in enumerate(function.args.args) if a.arg == i)
    function.args.args[at] = ast.arg("length__")


def _numba_type(kind: Kind, precision: str) -> str:
    scalar = f"nb.{precision}" if kind.real else "nb.int32"
    if not kind.ndim:
        return scalar if kind.real else "nb.int64"
    return f"{scalar}[{', '.join([':'] * (kind.ndim - 1) + ['::1'])}]"


@cache
def numba_module(k: Kernel, precision: str, lanes: int = 1) -> Any:
    """The compiled module of a kernel; its `run` takes the domain and the arguments."""
    source = numba_source(k, precision, lanes)
    name = f"{k.name}_{precision}_{lanes}_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    path = cache_folder() / f"{name}.py"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8") as file:
            file.write(source)
        Path(file.name).replace(path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Numba finds its cached code by this name
    with _BUILDING:
        # Lanes are unrolled for the vectoriser of straight code, which would spoil the loops of fields for the other.
        config.SLP_VECTORIZE = int(len(k.index) < FIELD)  # type: ignore[attr-defined]
        spec.loader.exec_module(module)
    return module


def warm_up(precisions: Sequence[str] = ("float64",)) -> int:
    """Compile every kernel of the modules that are loaded, for batches and alone; returns how many builds are ready."""
    return len([numba_module(k, p, n) for k in REGISTRY for p in precisions for n in sorted({1, k.lanes})])


def wide_reals(k: Kernel) -> set[tuple[str, str]]:
    """Names that are double where the run is single precision, as (cell, name): an integer times a real, say."""
    names: dict[str, Any] = {}
    exec(numba_source(k, "float32").replace("cache=True, ", ""), names)
    found = set()
    for c in [*k.cells(), k]:
        for build in names[c.name].overloads.values():
            types = build.type_annotation.typemap
            found |= {(c.name, v) for v, t in types.items() if "float64" in str(t) and not v.startswith("$const")}
    return found
