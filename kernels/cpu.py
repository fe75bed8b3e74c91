"""Kernels on the CPU: generated Python, and what Numba compiles of it, which is kept in the user's cache folder."""

from __future__ import annotations

import ast
import hashlib
import math
import pickle
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from types import FunctionType, ModuleType
from typing import Any, ParamSpec, TypeAlias, TypeVar

import llvmlite
import numba
import numpy as np
from numba import config
from numba.core.compiler import CompileResult
from numba.core.compiler_lock import global_compiler_lock
from numba.core.serialize import dumps
from twin.kernels.store import store
from twin.kernels.subset import BITS, Cell, Kernel, Kind, source, statements

ROWS = 2
"""Indices from which a kernel's innermost loop is vectorised; those of one are vectorised over lanes."""

Assignment: TypeAlias = ast.Assign | ast.AugAssign

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


class _Precise(ast.NodeTransformer):
    """Literals and constants of the module in the run's precision."""

    def __init__(self, c: Cell, lanes: int) -> None:
        self.cell, self.lanes = c, lanes
        stored = {n.id for n in ast.walk(c.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.own = stored | set(c.flat)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, float):
            return node
        if math.isfinite(node.value):
            return ast.Call(ast.Name("real", ast.Load()), [node], [])
        size = ast.Name("nan__" if math.isnan(node.value) else "inf__", ast.Load())
        return ast.UnaryOp(ast.USub(), size) if node.value < 0 else size

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self.lanes if node.id == "LANES" else self.cell.names.get(node.id)
        if isinstance(node.ctx, ast.Load) and node.id not in self.own and type(value) in (int, float):
            assert isinstance(value, (int, float))
            return self.visit_Constant(ast.Constant(value))
        return node


class _Lanes(ast.NodeTransformer):
    """Unrolls loops over LANES: each statement for all lanes, what it reads before what it writes.

    Left as a loop, Numba would have to fear that one lane's store changes another's load, and compile scalar code.
    """

    def __init__(self, c: Cell, lanes: int) -> None:
        self.cell, self.lanes = c, lanes

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        body = _laned(node)
        if not body:
            return self.generic_visit(node)
        assert isinstance(node.target, ast.Name)
        own = {name for s in body if isinstance(s, ast.Assign) for name in _names(s.targets[0])}
        return [line for s in body for line in self._spread(s, node.target.id, own)]

    def _spread(self, statement: Assignment, j: str, own: set[str]) -> list[ast.stmt]:
        copies = [_Lane(j, lane, own).visit(ast.parse(ast.unparse(statement)).body[0]) for lane in range(self.lanes)]
        if _names(_target(statement)):
            return copies
        reads: list[ast.stmt] = []
        writes: list[ast.stmt] = []
        for lane, copy in enumerate(copies):
            value, place = copy.value, _target(copy)
            if isinstance(copy, ast.AugAssign):
                value = ast.BinOp(ast.parse(ast.unparse(place), mode="eval").body, copy.op, value)
            reads.append(ast.Assign([ast.Name(f"lane__{lane}", ast.Store())], value, lineno=1))
            writes.append(ast.Assign([place], ast.Name(f"lane__{lane}", ast.Load()), lineno=1))
        return reads + writes


def _laned(node: ast.For) -> list[Assignment]:
    """The assignments of a loop over LANES; none where it does more, or walks something else."""
    match node.iter:
        case ast.Call(func=ast.Name(id="range"), args=[ast.Name(id="LANES")]):
            simple = [s for s in node.body if isinstance(s, (ast.Assign, ast.AugAssign))]
            return simple if len(simple) == len(node.body) else []
    return []


def _target(statement: Assignment) -> ast.expr:
    return statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]


def check_lanes(c: Cell) -> None:
    """Raise SubsetError where the lanes of a loop would meet."""
    for node in statements(c.tree.body):
        for statement in _laned(node) if isinstance(node, ast.For) else []:
            assert isinstance(node, ast.For) and isinstance(node.target, ast.Name)
            target = _target(statement)
            if isinstance(target, ast.Subscript) and not _reads(target.slice, node.target.id):
                c.fail(statement, "lanes would meet at one element")


class _Lane(ast.NodeTransformer):
    """One lane's copy of a statement: its number for the loop variable, its own names for what the loop assigns."""

    def __init__(self, j: str, lane: int, own: set[str]) -> None:
        self.j, self.lane, self.own = j, lane, own

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == self.j:
            return ast.Constant(self.lane)
        return ast.Name(f"{node.id}__{self.lane}", node.ctx) if node.id in self.own else node


def _names(target: ast.expr) -> list[str]:
    """Names that an assignment binds, none where it writes an element."""
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    return [t.id for t in parts if isinstance(t, ast.Name)]


def _reads(node: ast.AST, name: str) -> bool:
    """Whether a name stands in an expression."""
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node))


def numba_source(k: Kernel, precision: str, lanes: int = 1) -> str:
    """The module that Numba compiles: cells, kernel and the loop over the domain, `run`."""
    out = ["import math", "import numba as nb", "import numpy as np"]
    called = [f for c in [*k.cells(), k] for f in c.names.values() if any(f is b for b in BITS)]
    bits = sorted({f.__name__ for f in called})  # type: ignore[attr-defined]
    out += [f"from twin.kernels.bits import {', '.join(bits)}"] * bool(bits) + ["", f"real = np.{precision}"]
    out += ["nan__, inf__ = real(math.nan), real(math.inf)"]
    for c in [*k.cells(), k]:
        tree = ast.parse(ast.unparse(c.tree)).body[0]
        tree = _Precise(c, lanes).visit(_Lanes(c, lanes).visit(tree))
        if c is k and len(k.index) >= ROWS:
            _row(tree, k.index[-1], k.written)
        ast.fix_missing_locations(tree)
        kept = "forceinline=True, " if c.inline else ""
        out += ["", "", f"@nb.njit({kept}error_model='numpy', _nrt=False)", ast.unparse(tree)]
    domain = [f"n{d}" for d in range(len(k.index))]
    outer = k.index[:-1] if len(k.index) >= ROWS else k.index
    loops = [f"{'    ' * (d + 1)}for {i} in range(n{d}):" for d, i in enumerate(outer)]
    passed = [*outer, domain[-1], *k.args] if len(k.index) >= ROWS else [*outer, *k.args]
    call = f"{'    ' * (len(outer) + 1)}{k.name}({', '.join(passed)})"
    types = ["nb.int64"] * len(domain) + [_numba_type(k.kinds[a], precision) for a in k.args]
    out += ["", "", "@nb.njit(nogil=True, error_model='numpy', _nrt=False)"]
    out += [f"def run({', '.join([*domain, *k.args])}):", *loops, call]
    return "\n".join([*out, "", "", f"signature = nb.void({', '.join(types)})", ""])


def _row(function: ast.FunctionDef, i: str, written: set[str]) -> None:
    """Turn the function of one index into that of a row: what does not depend on the last index is done once.

    LLVM could not take it out of the loop, for fear that the row written is also what was read.
    """
    once: list[ast.stmt] = []
    each: list[ast.stmt] = []
    varying = {i, *written}
    bound = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    for s in function.body:
        names = _names(s.targets[0]) if isinstance(s, ast.Assign) else []
        if names and all(bound.count(n) == 1 for n in names) and not any(_reads(s, v) for v in varying):
            once.append(s)
        else:
            each.append(s)
            varying |= {n.id for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    head = ast.parse(f"for {i} in range(length__):\n    pass").body[0]
    assert isinstance(head, ast.For)
    head.body = [_Continued().visit(s) for s in each]
    function.body = [*once, head]
    at = next(k for k, a in enumerate(function.args.args) if a.arg == i)
    function.args.args[at] = ast.arg("length__")


class _Continued(ast.NodeTransformer):
    """Where a kernel returns early, the loop over its row goes on."""

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        return ast.Continue()

    def visit_For(self, node: ast.For) -> ast.stmt:
        return node

    def visit_While(self, node: ast.While) -> ast.stmt:
        return node


def _numba_type(kind: Kind, precision: str) -> str:
    scalar = f"nb.{precision}" if kind.real else "nb.int32"
    if not kind.ndim:
        return scalar if kind.real else "nb.int64"
    return f"{scalar}[{', '.join([':'] * (kind.ndim - 1) + ['::1'])}]"


@cache
def numba_module(k: Kernel, precision: str, lanes: int = 1) -> ModuleType:
    """The compiled module of a kernel; its `run` takes the domain and the arguments."""
    return _built(k, precision, lanes, _Builds)


def _built(k: Kernel, precision: str, lanes: int, builds: type[_Builds]) -> ModuleType:
    module = _module(f"{k.name}_{precision}_{lanes}", numba_source(k, precision, lanes))
    module.run._cache = builds(module.__name__)
    module.run._compiler._customize_flags = _apart
    # Lanes are unrolled for the vectoriser of straight code, which would spoil the loops of fields for the other.
    with _straight_code(vectorised=len(k.index) < ROWS):
        module.run.compile(module.signature)
    module.run.disable_compile()
    return module


def _apart(flags: Any) -> Any:
    """Numba's flags with the promise that arrays do not overlap, which `bind` has checked: it spares loops the test."""
    flags.noalias = True
    return flags


@contextmanager
def _straight_code(vectorised: bool) -> Iterator[None]:
    """Whether Numba vectorises straight code, for what this thread compiles meanwhile; other threads wait.

    Only compilation may stand in it: who makes a dispatcher takes another lock of Numba's before this one.
    """
    with global_compiler_lock:
        before = config.SLP_VECTORIZE  # pyright: ignore[reportAttributeAccessIssue]
        setattr(config, "SLP_VECTORIZE", int(vectorised))  # noqa: B010
        try:
            yield
        finally:
            setattr(config, "SLP_VECTORIZE", before)  # noqa: B010


def _module(name: str, source: str) -> ModuleType:
    """The module of a source text, named by its hash; Numba finds what it compiled of it by this name."""
    name = f"{name}_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    module = sys.modules[name] = ModuleType(name)
    exec(compile(source, f"<{name}>", "exec"), module.__dict__)
    return module


class _Builds:
    """What Numba compiles of a function of a module, by types, processor, versions and settings: a cache as it asks."""

    def __init__(self, module: str) -> None:
        self.module = module

    @property
    def cache_path(self) -> str:
        return str(store().folder)

    def _name(self, signature: object, codegen: Any) -> str:
        made_by = (platform.python_version(), numba.__version__, llvmlite.__version__, np.__version__)
        settings = tuple(getattr(config, name) for name in ("OPT", "LOOP_VECTORIZE", "BOUNDSCHECK"))
        key = repr((signature, codegen.magic_tuple(), made_by, settings, "arrays apart"))
        return f"{self.module}_{hashlib.sha256(key.encode()).hexdigest()[:16]}"

    def load_overload(self, sig: object, target_context: Any) -> CompileResult | None:
        target_context.refresh()
        kept = store().read(self._name(sig, target_context.codegen()))
        return None if kept is None else CompileResult._rebuild(target_context, *pickle.loads(kept))

    def save_overload(self, sig: object, data: Any) -> None:
        if not data.library.has_dynamic_globals:
            store().write(self._name(sig, data.codegen), dumps(data._reduce()))

    def flush(self) -> None:
        """Names tell old builds from new ones."""


class _Fresh(_Builds):
    """The same, of which nothing is taken."""

    def load_overload(self, sig: object, target_context: Any) -> None:
        return None


def compiled(function: Callable[Given, Returned], build: str = "njit") -> Callable[Given, Returned]:
    """A function of whole arrays that Numba compiles at its first call, and keeps where kernels are kept.

    `build` is Numba's decorator: njit, or vectorize for a function of numbers that becomes one of arrays.
    """
    assert isinstance(function, FunctionType)
    tree = source(function)
    tree.decorator_list = []
    head = f"import numba as nb\nimport numpy as np\n\n\n@nb.{build}\n"

    @cache
    def built() -> Callable[Given, Returned]:
        module = _module(function.__name__, head + ast.unparse(tree) + "\n")
        made = getattr(module, function.__name__)
        if build == "vectorize":
            made._dispatcher.cache = _Builds(module.__name__)
        else:
            made._cache = _Builds(module.__name__)
        return made

    @wraps(function)
    def call(*args: Given.args, **named: Given.kwargs) -> Returned:
        return built()(*args, **named)

    return call


def wide_reals(k: Kernel) -> set[tuple[str, str]]:
    """Names that are double where the run is single precision, as (cell, name): an integer times a real, say.

    Compiled anew, since what was kept no longer knows the types of its names; kept as `numba_module` would.
    """
    names = vars(_built(k, "float32", 1, _Fresh))
    wide = set()
    for c in [*k.cells(), k]:
        for build in names[c.name].overloads.values():
            types = build.type_annotation.typemap
            wide |= {(c.name, v) for v, t in types.items() if "float64" in str(t) and not v.startswith("$const")}
    return wide
