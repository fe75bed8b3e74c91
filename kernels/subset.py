"""The subset of Python that CPU and GPU share: its types, and functions of it as trees for the printers.

A record, a NamedTuple of arrays and numbers, is one parameter of a kernel or cell. The printers see it flattened: of
each record the fields that a function uses, itself or through what it calls, as parameters of their own.
"""

from __future__ import annotations

import ast
import hashlib
import math
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from dis import opmap
from functools import cache, cached_property, partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, SupportsInt, TypeAlias, TypeVar, cast, get_type_hints

import numpy as np

MATH = ("sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "atan2", "pow", "floor", "fabs")
PYTHON = sys.version_info[:2]
"""Whose byte code tells one text of a cell from another."""

PRECISIONS = {"float32": "float", "float64": "double"}

Argument: TypeAlias = "np.ndarray | float | tuple[Argument, ...] | Packed"
"""What a kernel is called with: arrays, numbers, records of them, and tables."""

Node = TypeVar("Node", bound=ast.AST)


class SubsetError(SyntaxError):
    """Code that a cell cannot hold, with file and line."""


class Kind(NamedTuple):
    """What an argument is: a number, or an array, of the run's real type or of 32-bit integers."""

    real: bool
    ndim: int = 0


if TYPE_CHECKING:
    Real: TypeAlias = float
    Int: TypeAlias = int
    Reals1: TypeAlias = np.ndarray
    Reals2: TypeAlias = np.ndarray
    Reals3: TypeAlias = np.ndarray
    Ints1: TypeAlias = np.ndarray
    Ints2: TypeAlias = np.ndarray
else:
    Real, Int = Kind(True), Kind(False)
    Reals1, Reals2, Reals3 = (Kind(True, n) for n in (1, 2, 3))
    Ints1, Ints2 = Kind(False, 1), Kind(False, 2)

LANES = 1
"""Scenarios that one call of a kernel walks together, set by the build: a SIMD block on the CPU, one on the GPU."""


def real(value: float) -> float:
    """An integer as a number of the run's precision."""
    return float(value)


def nearest(x: float) -> float:
    """The integer next to x, of two the even one; |x| < 2^22."""
    return (x + 6755399441055744.0) - 6755399441055744.0


def two_to(k: float) -> float:
    """2^k for an integer k of -126 to 127, in double precision of -1022 to 1023."""
    return 2.0**k


def exponent(x: float) -> float:
    """The integer k of x = m 2^k, 1 <= m < 2, of a positive normal number."""
    return float(math.frexp(x)[1] - 1)


def mantissa(x: float) -> float:
    """The m of x = m 2^k, 1 <= m < 2, of a positive normal number."""
    return 2.0 * math.frexp(x)[0]


def place(x: Any) -> int:
    """A whole real as an index, 0 <= x < 2^31."""
    return int(x)


BITS = (nearest, two_to, exponent, mantissa, place)
"""Parts of numbers that kernels build from bits, and an index of a real; see `bits`."""


class Table:
    """Numbers of many elements of one kind: a kernel takes them as one parameter and reads `table.column[row, s]`.

    A subclass says what its columns are. Packed for kernels, all real ones are one array (column, row, scenario), and
    all indices one (column, row), so that a kernel of fifty columns takes two pointers. Of a table that it writes it
    takes the columns apart, or compilers would have to fear that they overlap.
    """

    @classmethod
    def real_columns(cls) -> tuple[str, ...]:
        """Names of the columns of reals, (row, scenario) each: what is annotated Reals2, unless a subclass says."""
        return _marked(cls, Kind(True, 2))

    @classmethod
    def index_columns(cls) -> tuple[str, ...]:
        """Names of the columns of integers, (row,) each: what is annotated Ints1, unless a subclass says."""
        return _marked(cls, Kind(False, 1))

    def column_of(self, name: str) -> Any:
        """The numbers of a column."""
        return getattr(self, name)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A column that `column_of` works out."""


@cache
def _marked(table: type[Table], kind: Kind) -> tuple[str, ...]:
    """Annotations of a class that are of a kind."""
    return tuple(name for name, mark in get_type_hints(table).items() if mark == kind)


class Packed:
    """A table as kernels take it. Its columns are attributes, views of the two arrays."""

    def __init__(self, kind: type[Table], reals: np.ndarray, index: np.ndarray) -> None:
        self.packed_kind, self.packed_reals, self.packed_index = kind, reals, index

    def part(self, name: str) -> np.ndarray:
        """What kernels take of it: all reals, all indices, or a column."""
        whole = {"reals": self.packed_reals, "index": self.packed_index}
        return whole[name] if name in whole else getattr(self, name)

    def __getattr__(self, name: str) -> np.ndarray:
        kind = vars(self)["packed_kind"]
        for names, array in ((kind.real_columns(), "packed_reals"), (kind.index_columns(), "packed_index")):
            if name in names:
                return vars(self)[array][names.index(name)]
        raise AttributeError(f"{kind.__name__} has no column {name!r}")


class Row(int):
    """One of the `width` rows that a table has for each of its elements; see `rows`."""

    width: int

    def __new__(cls, place: int, width: int) -> Row:
        """The row at a place."""
        row = super().__new__(cls, place)
        row.width = width
        return row


def rows(width: int) -> tuple[Row, ...]:
    """The rows that a table has for each of its elements, to be given names: `FLOW, HEADLOSS = rows(2)`."""
    return tuple(Row(place, width) for place in range(width))


def at(element: SupportsInt, row: Row) -> int:
    """Where a row of an element stands in its table: `at(e, HEADLOSS)` is 2 e + 1."""
    return row.width * int(element) + row


def source(function: FunctionType) -> ast.FunctionDef:
    """The tree of a function, the caller's own; `inspect` would read its text token by token."""
    tree = _sources(function.__code__.co_filename)[function.__code__.co_firstlineno]
    return tree if not tree.args.kwonlyargs else pickle.loads(pickle.dumps(tree))


@cache
def _sources(file: str) -> dict[int, ast.FunctionDef]:
    """The functions of a file by their first line, that of a decorator."""
    functions, blocks = [], [ast.parse(Path(file).read_bytes()).body]
    for block in blocks:
        functions += [s for s in block if isinstance(s, ast.FunctionDef)]
        blocks += [s.body for s in block if isinstance(s, (ast.FunctionDef, ast.ClassDef))]
    return {min([f.lineno, *(d.lineno for d in f.decorator_list)]): f for f in functions}


class Facts(NamedTuple):
    """What the text of a cell says of its parameters.

    used: the fields of each record that it reads or hands on, in the record's order. apart: tables of which it takes
    the columns apart. written: flat parameters whose elements it or its callees assign.
    """

    used: dict[str, list[str]]
    apart: set[str]
    written: set[str]


class Cell:
    """A function of the subset; called in plain Python it runs as written. Its text is read when it is first needed."""

    def __init__(
        self,
        function: FunctionType,
        inline: bool = True,
        constants: Mapping[str, int] | None = None,
        name: str = "",
    ) -> None:
        self.constants, self.own = constants or {}, function
        self.function: Any = partial(function, **self.constants) if constants else function
        self.name, self.__doc__, self.inline = name or function.__name__, function.__doc__, inline
        code = function.__code__
        self.line, self.file = code.co_firstlineno, Path(code.co_filename).name
        self.names: dict[str, object] = function.__globals__
        self.params = list(code.co_varnames[: code.co_argcount])
        named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        if list(named) != list(self.constants):
            self.fail(source(function).args, "parameters by name only are the constants of a family")
        self.meanings = {p: self._meaning(function.__annotations__.get(p)) for p in self.params}
        self.records: dict[str, Any] = {p: m for p, m in self.meanings.items() if _is_record(m)}

    @cached_property
    def tree(self) -> ast.FunctionDef:
        """The function for its constants, with the fields of its records as parameters."""
        tree = source(self.own)
        if self.constants or any(
            isinstance(s, ast.For) and isinstance(s.iter, ast.Name) for s in statements(tree.body)
        ):
            tree = _Special(self.names, self.constants, tree).visit(tree)
        every = nodes(tree)
        self.facts = Facts({}, self._apart(every), set())
        self.facts = self.facts._replace(used=self._used(every))
        tree = _Flat(self).whole(tree, {n.id for n in every if isinstance(n, ast.Name)})
        self._check_lanes(tree)
        self.facts = self.facts._replace(written=self._written(tree))
        return tree

    @cached_property
    def facts(self) -> Facts:
        """What the text says of the parameters; builds keep it, so that the text need not be read again."""
        return self.tree and vars(self)["facts"]

    @property
    def used(self) -> dict[str, list[str]]:
        """Fields of each record; see `Facts`."""
        return self.facts.used

    @property
    def apart(self) -> set[str]:
        """Tables in columns; see `Facts`."""
        return self.facts.apart

    @property
    def written(self) -> set[str]:
        """Parameters with elements that are assigned; see `Facts`."""
        return self.facts.written

    @property
    def flat(self) -> list[str]:
        """Parameters, the fields of its records as parameters of their own."""
        return list(self.marks)

    @cached_property
    def marks(self) -> dict[str, Kind | None]:
        """What each flat parameter is; None for an index, or a number of a cell."""
        marks: dict[str, Kind | None] = {}
        for p, mark in self.meanings.items():
            if p in self.records:
                kinds = _kinds(self.records[p], p in self.apart)
                marks |= {f"{p}_{f}": kinds[f] for f in self.used[p]}
            else:
                marks[p] = mark if isinstance(mark, Kind) else None
        return marks

    def __call__(self, *args: Any) -> Any:
        """Run as plain Python."""
        return self.function(*args)

    def _meaning(self, mark: object) -> object:
        return eval(mark, self.names) if isinstance(mark, str) else mark

    def _check_lanes(self, tree: ast.FunctionDef) -> None:
        """Refuse loops whose lanes would meet at one element."""
        for loop in filter(over_lanes, nodes(tree)):
            assert isinstance(loop, ast.For) and isinstance(loop.target, ast.Name)
            for n in (n for s in loop.body for n in nodes(s) if isinstance(n, ast.Subscript)):
                names = [m.id for m in nodes(n.slice) if isinstance(m, ast.Name)]
                if isinstance(n.ctx, ast.Store) and loop.target.id not in names:
                    self.fail(n, "lanes would meet at one element")

    def _apart(self, every: list[ast.AST]) -> set[str]:
        """Tables of which an element is assigned, here or by what is called."""
        stored = {v.value.id for v in map(_stored, every) if v and isinstance(v.value, ast.Name)}
        handed = ((self.names[_called(node)], *pair) for node in every for pair in self.handed(node))
        given = {g.id for c, p, g in handed if isinstance(c, Cell) and p in c.apart and isinstance(g, ast.Name)}
        return stored & set(self.records) | given

    def _used(self, every: list[ast.AST]) -> dict[str, list[str]]:
        """The fields of each record that the function reads or hands on, in the record's order; see `_kinds`."""
        kinds = {p: _kinds(r, p in self.apart) for p, r in self.records.items()}
        used: dict[str, set[str]] = {p: set() for p in self.records}
        for node in every:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in used:
                field = self._part(node.value.id, node.attr)
                if not field:
                    self.fail(node, f"{self.records[node.value.id].__name__} has no such field")
                used[node.value.id].add(field)
            for param, given in self.handed(node):
                callee = self.names[_called(node)]
                assert isinstance(callee, Cell)
                wanted = callee.records.get(param)
                mine = self.records.get(given.id) if isinstance(given, ast.Name) else None
                if wanted is not mine:
                    self.fail(node, f"{param} of {callee.name} is {wanted.__name__ if wanted else 'no record'}")
                if isinstance(given, ast.Name) and mine:
                    if issubclass(mine, Table) and (given.id in self.apart) != (param in callee.apart):
                        self.fail(node, f"{given.id} is written, and {callee.name} takes tables that are read only")
                    used[given.id] |= set(callee.used[param])
        return {p: [f for f in kinds[p] if f in fields] for p, fields in used.items()}

    def _part(self, param: str, name: str) -> str:
        """The part of a record or table that holds a field; empty if there is no such field."""
        record = self.records[param]
        if not issubclass(record, Table):
            return name if name in _kinds(record) else ""
        if name in record.index_columns():
            return "index"
        return "" if name not in record.real_columns() else name if param in self.apart else "reals"

    def handed(self, node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
        """Parameters of the cell that a node calls, if it calls one, and what it is given for them."""
        callee = self.names.get(_called(node))
        if isinstance(callee, Cell) and isinstance(node, ast.Call):
            if len(node.args) != len(callee.params):
                self.fail(node, f"{callee.name} takes {len(callee.params)} arguments")
            yield from zip(callee.params, node.args, strict=True)

    def _written(self, tree: ast.FunctionDef) -> set[str]:
        """Parameters whose elements it or its callees assign."""
        stored = set()
        for node in nodes(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
                stored.add(node.value.id)
            callee = self.names.get(_called(node))
            if isinstance(callee, Cell) and isinstance(node, ast.Call):
                given = zip(callee.flat, node.args, strict=True)
                stored |= {a.id for p, a in given if p in callee.written and isinstance(a, ast.Name)}
        return stored & set(self.flat)

    @cached_property
    def digest(self) -> str:
        """A hash of all that a build of it depends on: its code, the numbers, types and cells that it names."""
        code = self.own.__code__
        texts = [c for c in code.co_consts if c != self.own.__doc__]
        named = [(n, _identity(self.names[n])) for n in _globals(code) if n in self.names]
        kinds = [(p, _identity(m)) for p, m in self.meanings.items()]
        words = code.co_code, code.co_varnames, code.co_names
        whole = (self.name, self.inline, self.constants, words, texts, named, kinds)
        return hashlib.sha256(repr(whole).encode()).hexdigest()

    def cells(self) -> list[Cell]:
        """Cells that it calls, callees first, each once."""
        calls: list[Cell] = []
        for node in nodes(self.tree):
            callee = self.names.get(_called(node))
            if isinstance(callee, Cell):
                calls += [c for c in [*callee.cells(), callee] if c not in calls]
        names = [self.name, *(c.name for c in calls)]
        for name in names:
            if names.count(name) > 1:
                raise SubsetError(f"{self.file}:{self.line}: {self.name}: two cells are called {name}")
        return calls

    def fail(self, node: ast.AST, why: str) -> NoReturn:
        """Raise a SubsetError that points at a node."""
        raise SubsetError(f"{self.file}:{getattr(node, 'lineno', self.line)}: {why}: `{ast.unparse(node)}`")


class Kernel(Cell):
    """A cell run over a domain of one to three indices, the last one contiguous in memory."""

    def __init__(
        self,
        function: FunctionType,
        lanes: int = 1,
        constants: Mapping[str, int] | None = None,
        name: str = "",
    ) -> None:
        super().__init__(function, constants=constants, name=name)
        self.lanes = lanes
        self.takes = [p for p in self.params if p in self.records or isinstance(self.meanings[p], Kind)]
        self.index = [p for p in self.params if p not in self.takes]
        if not 1 <= len(self.index) <= 3:
            raise SubsetError(f"{self.file}:{self.line}: {self.name} needs one to three index parameters")

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """What each flat parameter but the indices is."""
        return {p: mark for p, mark in self.marks.items() if mark is not None}

    @property
    def args(self) -> list[str]:
        """The flat parameters but the indices."""
        return list(self.kinds)

    def flatten(self, args: Sequence[Argument]) -> dict[str, Any]:
        """Arguments by their flat names: numbers and arrays, records as those of their fields that are used."""
        named: dict[str, Any] = {}
        for p, value in zip(self.takes, args, strict=True):
            if p not in self.records:
                named[p] = value
            elif isinstance(value, Packed) and _packs(value.packed_kind, self.records[p]):
                named |= {f"{p}_{f}": value.part(f) for f in self.used[p]}
            elif isinstance(value, self.records[p]) and not isinstance(value, Table):
                named |= {f"{p}_{f}": getattr(value, f) for f in self.used[p]}
            else:
                given = value.packed_kind if isinstance(value, Packed) else type(value)
                wanted = f"{'a packed ' * issubclass(self.records[p], Table)}{self.records[p].__name__}"
                raise TypeError(f"{self.name}: {p} is {given.__name__}, not {wanted}")
        return named


def _globals(code: CodeType) -> list[str]:
    """Names of the module that byte code reads."""
    found, extended = dict[str, None](), 0
    for operation, argument in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        whole = argument | extended
        extended = whole << 8 if operation == opmap["EXTENDED_ARG"] else 0
        if operation == opmap["LOAD_GLOBAL"]:
            found[code.co_names[whole >> 1]] = None
    return list(found)


def _identity(value: object) -> object:
    """What a build depends on of a value that a cell names."""
    if isinstance(value, Cell):
        return value.digest
    if isinstance(value, Row):
        return int(value), value.width
    if _is_record(value):
        kind = cast("type", value)
        return kind.__name__, [list(_kinds(kind, apart).items()) for apart in (False, True)], _columns(kind)
    if isinstance(value, (int, float, tuple, Kind)):
        return repr(value)
    return getattr(value, "__name__", "")


def _columns(kind: type) -> object:
    return (kind.real_columns(), kind.index_columns()) if issubclass(kind, Table) else ()


def nodes(tree: ast.AST) -> list[ast.AST]:
    """A tree's nodes that have fields, each before what it holds; faster than `ast.walk`."""
    out = [tree]
    for node in out:
        for field in node._fields:
            value = getattr(node, field, None)
            if type(value) is list:
                out += [v for v in value if isinstance(v, ast.AST)]
            elif isinstance(value, ast.AST) and value._fields:
                out.append(value)
    return out


def over_lanes(node: ast.AST) -> bool:
    """Whether a loop walks LANES."""
    match node:
        case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[ast.Name(id="LANES")])):
            return True
    return False


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements and those within them, in their order."""
    for statement in body:
        yield statement
        yield from statements(getattr(statement, "body", []))
        yield from statements(getattr(statement, "orelse", []))


@cache
def _packs(kind: type[Table], record: Any) -> bool:
    """Whether tables of a kind may be taken for a record: one of that kind, or of a base with the same columns."""
    if not issubclass(kind, record):
        return False
    return kind.real_columns() == record.real_columns() and kind.index_columns() == record.index_columns()


@cache
def _kinds(record: type, apart: bool = False) -> dict[str, Any]:
    """What the parts of a record or table are: a table that is written comes apart in its columns."""
    if not issubclass(record, Table):
        return get_type_hints(record)
    columns = dict.fromkeys(record.real_columns(), Kind(True, 2)) if apart else {"reals": Kind(True, 3)}
    return columns | {"index": Kind(False, 2)}


def _stored(node: ast.AST) -> ast.Attribute | None:
    """The field of a record whose element a node assigns, if it does."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Attribute):
        return node.value
    return None


def _is_record(mark: object) -> bool:
    return isinstance(mark, type) and (
        (issubclass(mark, tuple) and hasattr(mark, "_fields")) or issubclass(mark, Table)
    )


def _called(node: ast.AST) -> str:
    """The name that a node calls, empty if it does not."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


class _Special(ast.NodeTransformer):
    """A function for given constants: loops over a tuple of the module unrolled, what constants decide decided.

    A name that first stands in such a loop is one of each round.
    """

    def __init__(self, names: dict[str, object], constants: Mapping[str, int], whole: ast.AST) -> None:
        self.names, self.constants, self.whole = names, constants, whole
        self.rounds: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.constants:
            return ast.copy_location(ast.Constant(self.constants[node.id]), node)
        return ast.copy_location(ast.Name(self.rounds.get(node.id, node.id), node.ctx), node)

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        values = self.names.get(node.iter.id) if isinstance(node.iter, ast.Name) else None
        if not isinstance(values, tuple) or not isinstance(node.target, ast.Name):
            return self.generic_visit(node)
        inside = {id(n) for s in node.body for n in nodes(s)}
        bound = [n for n in nodes(self.whole) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        own = {n.id for n in bound if id(n) in inside} - {n.id for n in bound if id(n) not in inside}
        body, out = pickle.dumps(node.body), list[ast.stmt]()  # copies faster than deepcopy
        for value in values:
            special = _Special(self.names, {**self.constants, node.target.id: value}, self.whole)
            special.rounds = {n: f"{n}_{value}" for n in own}
            out += special.block(pickle.loads(body))
        return out

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        truth = self._decided(node.test)
        return self.generic_visit(node) if truth is None else self.block(node.body if truth else node.orelse)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        truth = self._decided(node.test)
        return self.generic_visit(node) if truth is None else self.visit(node.body if truth else node.orelse)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Tuple) and isinstance(node.slice, ast.Name) and node.slice.id in self.constants:
            return self.visit(node.value.elts[self.constants[node.slice.id]])
        return self.generic_visit(node)

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Statements, those that constants rule out gone."""
        out: list[ast.stmt] = []
        for statement in body:
            special = self.visit(statement)
            out += special if isinstance(special, list) else [special]
        return out

    def _decided(self, test: ast.expr) -> bool | None:
        """The truth of a comparison of constants; None where a constant has no part in it."""
        names = [n.id for n in ast.walk(test) if isinstance(n, ast.Name)]
        known = {n: self.constants.get(n, self.names.get(n)) for n in names}
        if not known.keys() & self.constants.keys() or not all(type(v) is int for v in known.values()):
            return None
        return bool(eval(ast.unparse(test), {}, known))


class _Flat(ast.NodeTransformer):
    """A function with the fields of its records as names, and rows as numbers."""

    def __init__(self, c: Cell) -> None:
        self.cell = c

    def whole(self, tree: ast.FunctionDef, own: set[str]) -> ast.FunctionDef:
        for name in self.cell.marks.keys() - set(self.cell.params):
            if name in own or name in self.cell.params:
                self.cell.fail(tree, f"{name} is a field of a record as well")
        tree.name = self.cell.name
        tree.args.args, tree.args.kwonlyargs, tree.args.kw_defaults = [ast.arg(p) for p in self.cell.marks], [], []
        tree.body = [self.visit(s) for s in tree.body]
        tree.decorator_list, tree.returns = [], None
        return tree

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """An element of a column: the column's number and the indices pick it from the packed table."""
        match node.value:
            case ast.Attribute(value=ast.Name(id=name), attr=column) if self._is_table(name):
                table, part = self.cell.records[name], self.cell._part(name, column)
                place = self.visit(node.slice)
                if part in ("reals", "index"):
                    columns = table.real_columns() if part == "reals" else table.index_columns()
                    indices = place.elts if isinstance(place, ast.Tuple) else [place]
                    place = ast.Tuple([ast.Constant(columns.index(column)), *indices], ast.Load())
                flat = ast.Subscript(ast.Name(f"{name}_{part}", ast.Load()), place, node.ctx)
                return ast.fix_missing_locations(ast.copy_location(flat, node))
        self.generic_visit(node)
        return node

    def _is_table(self, name: str) -> bool:
        return name in self.cell.records and issubclass(self.cell.records[name], Table)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and self._is_table(node.value.id):
            self.cell.fail(node, "a column of a table is read element by element")
        if isinstance(node.value, ast.Name) and node.value.id in self.cell.records:
            return ast.copy_location(ast.Name(f"{node.value.id}_{node.attr}", node.ctx), node)
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.cell.records:
            self.cell.fail(node, "a record is read field by field, or handed on whole")
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if self.cell.names.get(_called(node)) is at:
            return self._row(node)
        given: list[ast.expr] = []
        for value in node.args:
            callee = self.cell.names.get(_called(node))
            if isinstance(value, ast.Name) and value.id in self.cell.records and isinstance(callee, Cell):
                fields = callee.used[callee.params[node.args.index(value)]]
                given += [ast.copy_location(ast.Name(f"{value.id}_{f}", ast.Load()), value) for f in fields]
            else:
                given.append(self.visit(value))
        node.args = given
        return node

    def _row(self, node: ast.Call) -> ast.expr:
        element, row = node.args if len(node.args) == 2 else (node, node)
        number = self.cell.names.get(row.id) if isinstance(row, ast.Name) else None
        if not isinstance(number, Row):
            self.cell.fail(node, "at takes an element and one of the module's rows")
        place = ast.BinOp(ast.Constant(number.width), ast.Mult(), self.visit(element))
        whole = ast.BinOp(place, ast.Add(), ast.Constant(int(number))) if number else place
        return ast.fix_missing_locations(ast.copy_location(whole, node))
