"""Kernels as LLVM's assembly language, in vectors of the processor that runs them.

A kernel becomes one function of one address, of 64-bit words: the domain, then for each array where it lies and its
extents but the first, and for each number the number. Cells are written out where they are called. A kernel of two
indices and more walks the last one in vectors, one of a single index its loops over LANES: what is the same in all
lanes stays a number, what is not becomes a vector, and where lanes part, both ways are gone under a mask. So a kernel
is in vectors whatever LLVM thinks of its loops, in the order of operations that it has alone.
"""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from twin.kernels.subset import BITS, MATH, Cell, Kernel, nodes, over_lanes

REAL = {"float32": "float", "float64": "double"}
INT, BOOL = "i64", "i1"

_BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
_COMPARE = {
    ast.Gt: ("ogt", "sgt"),
    ast.GtE: ("oge", "sge"),
    ast.Lt: ("olt", "slt"),
    ast.LtE: ("ole", "sle"),
    ast.Eq: ("oeq", "eq"),
    ast.NotEq: ("une", "ne"),
}
_DECIDED = {"eq": operator.eq, "ne": operator.ne}
"""Comparisons of known integers, which choose between the halves of a cell of two kinds."""
_KNOWN = {"true": True, "false": False}
_INTRINSIC = {"sqrt", "exp", "log", "sin", "cos", "pow", "floor", "fabs"}
"""Functions that LLVM knows; the others are called in the C library."""

ONE, LINE, MANY = range(3)
"""How a number differs between lanes: not at all, by the same step from each to the next, or in any way."""


class _Scalar(Exception):
    """What has no vectors: a loop whose rounds differ between lanes."""


class Value(NamedTuple):
    """A number: its text and type, and how it differs between lanes; of a line the text is that of the first lane."""

    text: str
    type: str
    lanes: int = ONE
    step: str = "1"


class View(NamedTuple):
    """An array: its address, type of its elements in memory, and its extents but the first."""

    address: str
    element: str
    extents: tuple[str, ...]


class Slot(NamedTuple):
    """A variable: where it is kept, its type, how it differs between lanes, and its number."""

    address: str
    type: str
    lanes: int
    number: int


Meaning: TypeAlias = "Value | View | Slot"


@dataclass
class _Frame:
    """A cell that is being written out: where it returns to, what it has returned, and in which lanes."""

    exit: str
    returned: list[Slot] = field(default_factory=list)
    done: Slot | None = None


class _Text:
    """The body of a function: blocks of instructions, and the variables that they use.

    width: lanes that are walked together. mask: those of them that a statement is for; all if there is none. wide:
    variables, by number, that an earlier writing found to differ between lanes.
    """

    def __init__(self, precision: str, lanes: int, wide: set[int]) -> None:
        self.precision, self.real, self.lanes = precision, REAL[precision], lanes
        self.lines: list[str] = []
        self.variables: list[str] = []
        self.declared: dict[str, None] = {}
        self.functions: dict[tuple[object, ...], tuple[str, list[str]]] = {}
        self.wide, self.again = wide, False
        self.width, self.mask = 1, None
        self.count = self.slots = 0
        self.block, self.ended = "%start", False

    # ---- blocks and variables ------------------------------------------------------------------------------------

    def name(self, kind: str = "v") -> str:
        """A new name."""
        self.count += 1
        return f"%{kind}{self.count}"

    def add(self, line: str) -> None:
        """An instruction."""
        self.lines.append(f"  {line}")

    def new(self, type: str, instruction: str, lanes: int = ONE) -> Value:
        """An instruction's result."""
        name = self.name()
        self.lines.append(f"  {name} = {instruction}")
        return Value(name, type, lanes)

    def begin(self, label: str) -> None:
        """Go on in a new block, from the one before unless that has ended."""
        self.jump(label)
        self.lines.append(f"{label[1:]}:")
        self.block, self.ended = label, False

    def jump(self, label: str) -> None:
        """End a block."""
        if not self.ended:
            self.add(f"br label {label}")
        self.ended = True

    def choose(self, test: Value, then: str, otherwise: str) -> None:
        """End a block by a test."""
        self.add(f"br i1 {test.text}, label {then}, label {otherwise}")
        self.ended = True

    def slot(self, type: str, lanes: int) -> Slot:
        """A new variable."""
        name, self.slots = self.name("x"), self.slots + 1
        lanes = MANY if self.width > 1 and (lanes or self.slots in self.wide) else ONE
        self.variables.append(f"  {name} = alloca {self.of(type, lanes)}")
        return Slot(name, type, lanes, self.slots)

    def put(self, slot: Slot, value: Value, mask: Value | None = None) -> None:
        """Give a variable a value, where a mask is true if there is one."""
        if slot.lanes == ONE and (value.lanes or mask):
            self.wide.add(slot.number)
            self.again = True
            return
        if slot.lanes:
            value = self.spread(value)
        if mask:
            value = self.select(mask, value, self.get(slot))
        self.add(f"store {self.of(slot.type, slot.lanes)} {value.text}, ptr {slot.address}")

    def get(self, slot: Slot) -> Value:
        """The value of a variable."""
        return self.new(slot.type, f"load {self.of(slot.type, slot.lanes)}, ptr {slot.address}", slot.lanes)

    @contextmanager
    def under(self, mask: Value | None) -> Iterator[None]:
        """Statements for the lanes of a mask."""
        before, self.mask = self.mask, mask
        yield
        self.mask = before

    # ---- numbers -------------------------------------------------------------------------------------------------

    def of(self, type: str, lanes: int) -> str:
        """A type as a vector where lanes differ."""
        return f"<{self.width} x {type}>" if lanes else type

    def constant(self, value: float | bool) -> Value:
        """A number that is known."""
        if isinstance(value, bool):
            return Value(str(value).lower(), BOOL)
        if isinstance(value, int):
            return Value(str(value), INT)
        bits = np.float64(np.dtype(self.precision).type(value)).view(np.uint64)
        return Value(f"0x{int(bits):016X}", self.real)

    def spread(self, v: Value) -> Value:
        """A number as a vector."""
        if v.lanes == MANY:
            return v
        if v.lanes == ONE and not v.text.startswith("%"):
            return Value(f"splat ({v.type} {v.text})", v.type, MANY)
        whole = self.of(v.type, MANY)
        first = self.new(v.type, f"insertelement {whole} poison, {v.type} {v.text}, i64 0", MANY)
        same = self._first_of(first)
        if v.lanes == ONE:
            return same
        step = self.spread(Value(v.step, v.type))
        places = ", ".join(f"{v.type} {lane}" for lane in range(self.width))
        on = self.new(v.type, f"mul {whole} {step.text}, <{places}>", MANY)
        return self.new(v.type, f"add {whole} {same.text}, {on.text}", MANY)

    def _first_of(self, v: Value) -> Value:
        whole = self.of(v.type, MANY)
        shuffle = f"shufflevector {whole} {v.text}, {whole} poison, <{self.width} x i32> zeroinitializer"
        return self.new(v.type, shuffle, MANY)

    def lane(self, v: Value, lane: int) -> Value:
        """What a number is in a lane."""
        if v.lanes == ONE:
            return v
        v = self.spread(v)
        return self.new(v.type, f"extractelement {self.of(v.type, MANY)} {v.text}, i64 {lane}")

    def gathered(self, values: Sequence[Value]) -> Value:
        """A vector of numbers."""
        whole, text = self.of(values[0].type, MANY), "poison"
        for i, v in enumerate(values):
            text = self.new(v.type, f"insertelement {whole} {text}, {v.type} {v.text}, i64 {i}").text
        return Value(text, values[0].type, MANY)

    def alike(self, *values: Value) -> list[Value]:
        """Numbers in the same lanes, of one type: reals if one is."""
        if len({v.type for v in values}) > 1:
            values = tuple(map(self.to_real, values))
        return list(map(self.spread, values)) if any(v.lanes for v in values) else list(values)

    def op(self, instruction: str, *values: Value, type: str | None = None) -> Value:
        """An instruction of numbers of one type, lane by lane."""
        values = tuple(self.alike(*values))
        whole, lanes = self.of(values[0].type, values[0].lanes), values[0].lanes
        return self.new(type or values[0].type, f"{instruction} {whole} {', '.join(v.text for v in values)}", lanes)

    def cast(self, how: str, v: Value, type: str) -> Value:
        """A number as another type."""
        v = self.spread(v) if v.lanes else v
        return self.new(type, f"{how} {self.of(v.type, v.lanes)} {v.text} to {self.of(type, v.lanes)}", v.lanes)

    def to_real(self, v: Value) -> Value:
        """A number as a real."""
        if v.type == self.real:
            return v
        if v.lanes == ONE and v.type == INT and not v.text.startswith("%"):
            return self.constant(float(v.text))
        return self.cast("uitofp" if v.type == BOOL else "sitofp", v, self.real)

    def arithmetic(self, op: str, a: Value, b: Value) -> Value:
        """A sum, difference, product or quotient."""
        if a.type == b.type == INT:
            if ONE in (a.lanes, b.lanes) and LINE in (a.lanes, b.lanes):
                return self._line(op, a, b)
            return self.op(f"{op} nsw", a, b)
        return self.op(f"f{op}", a, b)

    def _line(self, op: str, a: Value, b: Value) -> Value:
        """Arithmetic of a line and what is the same in all lanes."""
        if op == "sub" and a.lanes == ONE:
            return self.op("sub nsw", a, b)
        first = self.arithmetic(op, a._replace(lanes=ONE), b._replace(lanes=ONE))
        line, other = (a, b) if a.lanes else (b, a)
        step = line.step if op != "mul" else self.arithmetic("mul", Value(line.step, INT), other).text
        return Value(first.text, INT, LINE, other.text if op == "mul" and line.step == "1" else step)

    def compare(self, ops: tuple[str, str], a: Value, b: Value) -> Value:
        """Whether a comparison holds, by its names among reals and among integers."""
        a, b = self.alike(a, b)
        if ops[1] in _DECIDED and a.type == INT and all(v.text.lstrip("-").isdigit() for v in (a, b)):
            return self.constant(_DECIDED[ops[1]](int(a.text), int(b.text)))
        return self.op(f"fcmp {ops[0]}" if a.type == self.real else f"icmp {ops[1]}", a, b, type=BOOL)

    def select(self, test: Value, a: Value, b: Value) -> Value:
        """The first of two numbers where a test holds, the second elsewhere."""
        a, b = self.alike(a, b)
        if test.lanes or a.lanes:
            a, b = self.spread(a), self.spread(b)
        given = f"{self.of(BOOL, test.lanes)} {test.text}"
        kind = self.of(a.type, a.lanes)
        return self.new(a.type, f"select {given}, {kind} {a.text}, {kind} {b.text}", a.lanes)

    def both(self, a: Value | None, b: Value) -> Value:
        """Where two masks are true; None is true everywhere."""
        return self.op("and", a, b) if a else b

    def inverse(self, test: Value) -> Value:
        """Where a test does not hold."""
        return self.op("xor", test, self.constant(True))

    def any(self, test: Value) -> Value:
        """Whether a test holds in any lane."""
        name = f"llvm.vector.reduce.or.v{self.width}i1"
        self.declared[f"declare i1 @{name}(<{self.width} x i1>)"] = None
        return self.new(BOOL, f"call i1 @{name}({self.of(BOOL, MANY)} {test.text})")

    def intrinsic(self, name: str, *given: Value) -> Value:
        """A function of LLVM's, of numbers of one type."""
        given = tuple(self.alike(*given))
        type, lanes = given[0].type, given[0].lanes
        short = f"v{self.width}" * bool(lanes) + {"float": "f32", "double": "f64"}[type]
        whole = self.of(type, lanes)
        self.declared[f"declare {whole} @llvm.{name}.{short}({', '.join([whole] * len(given))})"] = None
        passed = ", ".join(f"{whole} {v.text}" for v in given)
        return self.new(type, f"call {whole} @llvm.{name}.{short}({passed})", lanes)

    def library(self, name: str, *given: Value) -> Value:
        """A function of the C library, called lane by lane."""
        name += "f" * (self.real == "float")
        kinds = ", ".join([self.real] * len(given))
        self.declared[f"declare {self.real} @{name}({kinds}) memory(none) nounwind willreturn"] = None

        def call(values: Sequence[Value]) -> Value:
            passed = ", ".join(f"{v.type} {v.text}" for v in values)
            return self.new(self.real, f"call {self.real} @{name}({passed})")

        if not any(v.lanes for v in given):
            return call(given)
        return self.gathered([call([self.lane(v, i) for v in given]) for i in range(self.width)])

    def floored(self, a: Value, b: Value) -> tuple[Value, Value]:
        """Quotient and remainder of integers as Python has them, rounded down."""
        q, r, zero = self.op("sdiv", a, b), self.op("srem", a, b), self.constant(0)
        apart = self.op("xor", self.compare(("", "slt"), r, zero), self.compare(("", "slt"), b, zero))
        off = self.op("and", apart, self.compare(("", "ne"), r, zero))
        less, more = self.arithmetic("sub", q, self.constant(1)), self.arithmetic("add", r, b)
        return self.select(off, less, q), self.select(off, more, r)

    def bits(self, name: str, x: Value) -> Value:
        """Parts of a real, see `subset.BITS`."""
        word, mantissa, bias = ("i64", 52, 1023) if self.real == "double" else ("i32", 23, 127)
        shifter, plain = 1.5 * 2.0**mantissa, 2.0**mantissa
        if name == "nearest":
            up = self.arithmetic("add", x, self.constant(shifter))
            return self.arithmetic("sub", up, self.constant(shifter))
        if name == "place":  # by way of 32 bits, which every processor converts in vectors
            return self.cast("sext", self.cast("fptosi", x, "i32"), INT)
        if name == "two_to":
            raw = self.cast("bitcast", self.arithmetic("add", x, self.constant(shifter + bias)), word)
            return self.cast("bitcast", self.op("shl", raw, Value(str(mantissa), word)), self.real)
        raw = self.cast("bitcast", x, word)
        if name == "exponent":
            high = self.op("lshr", raw, Value(str(mantissa), word))
            whole = self.op("or", high, Value(str((bias + mantissa) << mantissa), word))
            return self.arithmetic("sub", self.cast("bitcast", whole, self.real), self.constant(plain + bias))
        low = self.op("and", raw, Value(str((1 << mantissa) - 1), word))
        return self.cast("bitcast", self.op("or", low, Value(str(bias << mantissa), word)), self.real)

    # ---- arrays --------------------------------------------------------------------------------------------------

    def offset(self, view: View, places: Sequence[Value]) -> Value:
        """Where an element stands in an array."""
        found = places[0]
        for extent, place in zip(view.extents, places[1:], strict=True):
            found = self.arithmetic("add", self.arithmetic("mul", found, Value(extent, INT)), place)
        return found

    def address(self, view: View, offset: Value) -> str:
        return self.new("ptr", f"getelementptr {view.element}, ptr {view.address}, i64 {offset.text}").text

    def load(self, view: View, places: Sequence[Value]) -> Value:
        """An element of an array."""
        offset = self.offset(view, places)
        if offset.lanes == ONE or (offset.lanes == LINE and offset.step == "1"):
            found = self._row(view, offset)
        elif self.mask is None:
            each = [self._row(view, self._at(offset, i)) for i in range(self.width)]
            found = self.gathered(each)
        else:
            found = self._masked_gather(view, offset)
        return self.cast("sext", found, INT) if view.element == "i32" else found

    def _at(self, offset: Value, lane: int) -> Value:
        """An offset in a lane."""
        if offset.lanes == LINE:
            on = self.arithmetic("mul", Value(offset.step, INT), self.constant(lane))
            return self.arithmetic("add", offset._replace(lanes=ONE), on)
        return self.lane(offset, lane)

    def _row(self, view: View, offset: Value) -> Value:
        """Elements side by side, or one."""
        address, whole = self.address(view, offset), self.of(view.element, offset.lanes)
        size = _SIZE[view.element]
        if offset.lanes == ONE or self.mask is None:
            return self.new(view.element, f"load {whole}, ptr {address}, align {size}", min(offset.lanes, 1) * MANY)
        name, mask = f"llvm.masked.load.{self._short(view.element)}.p0", self.of(BOOL, MANY)
        self.declared[f"declare {whole} @{name}(ptr, i32, {mask}, {whole})"] = None
        given = f"ptr {address}, i32 {size}, {mask} {self.mask.text}, {whole} zeroinitializer"
        return self.new(view.element, f"call {whole} @{name}({given})", MANY)

    def _short(self, type: str) -> str:
        return f"v{self.width}" + {"float": "f32", "double": "f64"}.get(type, type)

    def _masked_gather(self, view: View, offset: Value) -> Value:
        assert self.mask
        offset, whole, mask = self.spread(offset), self.of(view.element, MANY), self.of(BOOL, MANY)
        pointers = self.of("ptr", MANY)
        at = f"getelementptr {view.element}, ptr {view.address}, {self.of(INT, MANY)} {offset.text}"
        address = self.new("ptr", at, MANY).text
        name = f"llvm.masked.gather.{self._short(view.element)}.v{self.width}p0"
        self.declared[f"declare {whole} @{name}({pointers}, i32, {mask}, {whole})"] = None
        given = f"{pointers} {address}, i32 {_SIZE[view.element]}, {mask} {self.mask.text}, {whole} zeroinitializer"
        return self.new(view.element, f"call {whole} @{name}({given})", MANY)

    def store(self, view: View, places: Sequence[Value], value: Value) -> None:
        """Set an element of an array."""
        offset, size = self.offset(view, places), _SIZE[view.element]
        value = self.cast("trunc", value, "i32") if view.element == "i32" else self.to_real(value)
        if offset.lanes == ONE:
            if value.lanes or self.mask:
                raise _Scalar  # lanes would meet at one element
            self.add(f"store {value.type} {value.text}, ptr {self.address(view, offset)}, align {size}")
            return
        value = self.spread(value)
        whole, mask = self.of(value.type, MANY), self.of(BOOL, MANY)
        if offset.lanes == LINE and offset.step == "1":
            address = self.address(view, offset)
            if self.mask is None:
                self.add(f"store {whole} {value.text}, ptr {address}, align {size}")
                return
            name = f"llvm.masked.store.{self._short(value.type)}.p0"
            self.declared[f"declare void @{name}({whole}, ptr, i32, {mask})"] = None
            self.add(f"call void @{name}({whole} {value.text}, ptr {address}, i32 {size}, {mask} {self.mask.text})")
            return
        for i in range(self.width):
            address, one = self.address(view, self._at(offset, i)), self.lane(value, i)
            if self.mask is None:
                self.add(f"store {one.type} {one.text}, ptr {address}, align {size}")
            else:
                set_, on = self.name("set"), self.name("on")
                self.choose(self.lane(self.mask, i), set_, on)
                self.begin(set_)
                self.add(f"store {one.type} {one.text}, ptr {address}, align {size}")
                self.begin(on)

    # ---- loops ---------------------------------------------------------------------------------------------------

    def loop(self, first: Value, last: Value, body: Callable[[Value, str, str], None], step: int = 1) -> None:
        """Run `body(index, where it goes on, where it ends)` from first to before last."""
        if first.lanes or last.lanes:
            raise _Scalar
        head, inside, onward, end = (self.name(part) for part in ("head", "body", "next", "end"))
        name = self.name("i")
        self.variables.append(f"  {name} = alloca {INT}")
        index = Slot(name, INT, ONE, 0)
        self.put(index, first)
        self.begin(head)
        at = self.get(index)
        self.choose(self.compare(("", "slt" if step > 0 else "sgt"), at, last), inside, end)
        self.begin(inside)
        body(at, onward, end)
        self.begin(onward)
        self.put(index, self.arithmetic("add", self.get(index), self.constant(step)))
        self.jump(head)
        self.begin(end)


_SIZE = {"i32": 4, "float": 4, "double": 8}


class _Printer:
    """One cell, written into a text where it is called."""

    def __init__(self, c: Cell, text: _Text, given: Sequence[Value | View], frame: _Frame) -> None:
        self.cell, self.text, self.frame, self.base = c, text, frame, text.mask
        self.stored = _stored(c)
        self.scopes: list[dict[str, Meaning]] = [{}]
        self.loops: list[tuple[str, str]] = []
        for name, value in zip(c.flat, given, strict=True):
            if name in self.stored and isinstance(value, Value):
                self._assign(name, value, c.tree)
            else:
                self.scopes[0][name] = value

    def write(self) -> None:
        """The statements of the cell."""
        self._block(self.cell.tree.body)

    def _block(self, body: Sequence[ast.stmt], names: dict[str, Meaning] | None = None) -> None:
        t = self.text
        self.scopes.append(dict(names or {}))
        before = t.mask
        for node in body:
            if t.ended:
                break
            self._statement(node)
            if self.frame.done and not t.ended:
                t.mask = t.both(before, t.inverse(t.get(self.frame.done)))
        t.mask = before
        self.scopes.pop()

    def _found(self, name: str) -> Meaning | None:
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)

    def _statement(self, node: ast.stmt) -> None:
        t, x = self.text, self._value
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                return
            case ast.Expr(value=ast.Call() as call):
                self._called(call)
            case ast.Return(value=value):
                self._returned(value)
            case ast.Assign(targets=[ast.Tuple(elts=parts)], value=value):
                for part, one in zip(parts, self._values(value), strict=True):
                    assert isinstance(part, ast.Name)
                    self._assign(part.id, one, node)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=array)) if self._array(array):
                self.scopes[-1][name] = self._array(array)  # pyright: ignore[reportArgumentType]
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assign(name, x(value), node)
            case ast.Assign(targets=[ast.Subscript() as target], value=value):
                found = x(value)
                t.store(*self._place(target), found)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op) if type(op) in _BINARY:
                before = x(target)
                self._assign(name, t.arithmetic(_BINARY[type(op)], before, x(node.value)), node)
            case ast.AugAssign(target=ast.Subscript() as target, op=op) if type(op) in _BINARY:
                view, places = self._place(target)
                new = x(node.value)
                t.store(view, places, t.arithmetic(_BINARY[type(op)], t.load(view, places), new))
            case ast.If():
                self._if(node)
            case ast.While(orelse=[]):
                self._while(node)
            case ast.For(target=ast.Name(id=name), iter=ast.Call(args=bounds), orelse=[]):
                self._for(node, name, bounds)
            case ast.Break() | ast.Continue():
                if t.mask:
                    raise _Scalar
                t.jump(self.loops[-1][isinstance(node, ast.Break)])
            case _:
                self.cell.fail(node, "outside the kernel subset")

    def _for(self, node: ast.For, name: str, bounds: list[ast.expr]) -> None:
        t = self.text
        if t.width == 1 and over_lanes(node) and self._in_lanes(node, name):
            return
        first, last, step = self._range(bounds)

        def body(at: Value, onward: str, end: str) -> None:
            self.loops.append((onward, end))
            done = self.frame.done
            self._block(node.body, {name: at})
            if self.frame.done is not done:
                raise _Scalar  # some lanes have returned in a loop that the others go on with
            self.loops.pop()

        t.loop(first, last, body, step)

    def _in_lanes(self, node: ast.For, name: str) -> bool:
        """Write a loop over LANES as vectors; False where it cannot be."""
        t = self.text
        stored = {n.id for s in node.body for n in nodes(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        if any(self._found(n) for n in stored):
            return False
        if t.lanes == 1:
            self._block(node.body, {name: t.constant(0)})
            return True
        mark = len(t.lines), len(t.variables), t.slots, t.block
        t.width = t.lanes
        try:
            self._block(node.body, {name: Value("0", INT, LINE)})
        except _Scalar:
            del t.lines[mark[0] :], t.variables[mark[1] :]
            t.slots, t.block, t.ended = mark[2], mark[3], False
            self.scopes = self.scopes[: len(self.scopes) - 1]
            return False
        finally:
            t.width, t.mask = 1, None
        return True

    def _range(self, bounds: list[ast.expr]) -> tuple[Value, Value, int]:
        parts = [self._value(b) for b in bounds[:2]]
        first, last = (self.text.constant(0), parts[0]) if len(parts) == 1 else parts
        return first, last, ast.literal_eval(bounds[2]) if len(bounds) == 3 else 1

    def _assign(self, name: str, value: Value, node: ast.AST) -> None:
        t, slot = self.text, self._found(name)
        if slot is None:
            if self.stored[name] == 1 and name not in self.cell.flat:
                self.scopes[-1][name] = value
                return
            self.scopes[-1][name] = slot = t.slot(value.type, value.lanes)
            t.put(slot, value)
            return
        if not isinstance(slot, Slot):
            self.cell.fail(node, f"{name} is not a variable")
        if slot.type == t.real:
            value = t.to_real(value)
        elif slot.type != value.type:
            self.cell.fail(node, f"{name} has the type of its first value")
        t.put(slot, value, t.mask)

    def _returned(self, value: ast.expr | None) -> None:
        t, frame = self.text, self.frame
        found = [] if value is None else self._values(value)
        if not frame.returned:
            frame.returned = [t.slot(v.type, v.lanes) for v in found]
        parted = t.mask is not None and t.mask is not self.base
        for slot, v in zip(frame.returned, found, strict=True):
            t.put(slot, t.to_real(v) if slot.type == t.real else v, t.mask if parted else None)
        if not parted:
            t.jump(frame.exit)
            return
        assert t.mask
        if frame.done is None:
            name = t.name("x")
            t.variables += [f"  {name} = alloca {t.of(BOOL, MANY)}"]
            # cleared where the cell begins: it may stand in a loop
            frame.done = Slot(name, BOOL, MANY, 0)
            self.frame_begins(frame.done)
        t.add(f"store {t.of(BOOL, MANY)} {t.op('or', t.get(frame.done), t.mask).text}, ptr {frame.done.address}")

    def frame_begins(self, done: Slot) -> None:
        """Clear the record of lanes that have returned where the cell begins."""
        whole = self.text.of(BOOL, MANY)
        self.text.lines.insert(self.start, f"  store {whole} zeroinitializer, ptr {done.address}")

    def _if(self, node: ast.If) -> None:
        t, test = self.text, self._truth(node.test)
        if test.text in _KNOWN:
            self._block(node.body if _KNOWN[test.text] else node.orelse)
            return
        if test.lanes:
            self._under(t.both(t.mask, test), lambda: self._block(node.body))
            if node.orelse:
                mask = t.both(t.mask, t.inverse(test))
                self._under(mask, lambda: self._block(node.orelse))
            return
        then, otherwise, end = (t.name(part) for part in ("then", "else", "end"))
        t.choose(test, then, otherwise if node.orelse else end)
        t.begin(then)
        self._block(node.body)
        t.jump(end)
        if node.orelse:
            t.begin(otherwise)
            self._block(node.orelse)
            t.jump(end)
        t.begin(end)

    def _under(self, mask: Value, write: Callable[[], None]) -> None:
        """Statements for the lanes of a mask, skipped where there are none."""
        t = self.text
        some, end = t.name("some"), t.name("end")
        t.choose(t.any(mask), some, end)
        t.begin(some)
        with t.under(mask):
            write()
        t.begin(end)

    def _while(self, node: ast.While) -> None:
        t = self.text
        head, inside, end = (t.name(part) for part in ("head", "body", "end"))
        t.begin(head)
        test = self._truth(node.test)
        if test.lanes or t.mask:
            raise _Scalar
        t.choose(test, inside, end)
        t.begin(inside)
        self.loops.append((head, end))
        done = self.frame.done
        self._block(node.body)
        if self.frame.done is not done:
            raise _Scalar
        self.loops.pop()
        t.jump(head)
        t.begin(end)

    # ---- expressions ---------------------------------------------------------------------------------------------

    def _value(self, node: ast.expr) -> Value:
        t, x = self.text, self._value
        match node:
            case ast.Name(id=name):
                return self._reading(node, name)
            case ast.Constant(value=bool() | int() | float() as v):
                return t.constant(v)
            case ast.BinOp(op=ast.Pow(), left=base, right=ast.Constant(value=2)):
                found = x(base)
                return t.arithmetic("mul", found, found)
            case ast.BinOp(op=ast.FloorDiv() | ast.Mod() as op):
                return t.floored(x(node.left), x(node.right))[isinstance(op, ast.Mod)]
            case ast.BinOp(op=op) if type(op) in _BINARY:
                a, b = x(node.left), x(node.right)
                if isinstance(op, ast.Div) and a.type == b.type == INT:
                    self.cell.fail(node, "integers are divided by //")
                return t.arithmetic(_BINARY[type(op)], a, b)
            case ast.UnaryOp(op=ast.USub()):
                found = x(node.operand)
                return t.op("fneg", found) if found.type == t.real else t.arithmetic("sub", t.constant(0), found)
            case ast.UnaryOp(op=ast.Not()):
                return t.inverse(self._truth(node.operand))
            case ast.BoolOp():
                return self._joined(node)
            case ast.Compare() if all(type(o) in _COMPARE for o in node.ops):
                values = [x(v) for v in (node.left, *node.comparators)]
                first, *others = (
                    t.compare(_COMPARE[type(o)], a, b) for o, (a, b) in zip(node.ops, pairwise(values), strict=True)
                )
                for test in others:
                    first = t.op("and", first, test)
                return first
            case ast.IfExp():
                return self._either(self._truth(node.test), node.body, node.orelse)
            case ast.Subscript():
                return t.load(*self._place(node))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="math"), attr=f), keywords=[]) if f in MATH:
                given = [t.to_real(x(a)) for a in node.args]
                return t.intrinsic(f, *given) if f in _INTRINSIC else t.library(f, *given)
            case ast.Call(func=ast.Name(id="real"), args=[value], keywords=[]):
                return t.to_real(x(value))
            case ast.Call(func=ast.Name(id="min" | "max" as f), args=[first, second], keywords=[]):
                a, b = t.alike(x(first), x(second))
                return t.select(t.compare(_COMPARE[ast.Lt if f == "min" else ast.Gt], b, a), b, a)
            case ast.Call(func=ast.Name(id="abs"), args=[value], keywords=[]):
                found = x(value)
                if found.type == t.real:
                    return t.intrinsic("fabs", found)
                below = t.compare(("", "slt"), found, t.constant(0))
                return t.select(below, t.arithmetic("sub", t.constant(0), found), found)
            case ast.Call(func=ast.Name(id=f), args=[value], keywords=[]) if self.cell.names.get(f) in BITS:
                return t.bits(f, t.to_real(x(value)))
            case ast.Call(func=ast.Name(), keywords=[]):
                return self._called(node)[0]
        return self.cell.fail(node, "outside the kernel subset")

    def _truth(self, node: ast.expr) -> Value:
        found = self._value(node)
        return found if found.type == BOOL else self.text.compare(("une", "ne"), found, self.text.constant(0))

    def _joined(self, node: ast.BoolOp) -> Value:
        """Tests joined by and or or; those that read no array are all made."""
        t, both = self.text, isinstance(node.op, ast.And)
        found = self._truth(node.values[0])
        for value in node.values[1:]:
            if found.text in _KNOWN:
                found = self._truth(value) if _KNOWN[found.text] == both else found
            elif _pure(self.cell, value):
                found = t.op("and" if both else "or", found, self._truth(value))
            else:
                end = ast.Constant(not both)
                found = self._either(found, *((value, end) if both else (end, value)))
        return found

    def _either(self, test: Value, one: ast.expr, other: ast.expr) -> Value:
        """One of two values by a test; what reads arrays is worked out only where it is chosen."""
        t = self.text
        if test.text in _KNOWN:
            return self._value(one if _KNOWN[test.text] else other)
        if _pure(self.cell, one) and _pure(self.cell, other):
            return t.select(test, self._value(one), self._value(other))
        if test.lanes:
            values = [self._apart(mask, node) for mask, node in ((test, one), (t.inverse(test), other))]
            return t.select(test, *values)
        then, otherwise, end = (t.name(part) for part in ("then", "else", "end"))
        t.choose(test, then, otherwise)
        t.begin(then)
        a, a_end, mark = self._value(one), t.block, len(t.lines)
        t.jump(end)
        t.begin(otherwise)
        b = self._value(other)
        if (a.type, a.lanes) != (b.type, b.lanes) or a.lanes == LINE:
            many = max(a.lanes, b.lanes)
            after, t.lines = t.lines[mark:], t.lines[:mark]
            changed = t.to_real(a) if a.type != b.type else a
            changed = t.spread(changed) if many else changed
            t.lines += after
            b = t.to_real(b) if a.type != b.type else b
            a, b = changed, t.spread(b) if many else b
        b_end = t.block
        t.begin(end)
        whole = t.of(a.type, a.lanes)
        return t.new(a.type, f"phi {whole} [ {a.text}, {a_end} ], [ {b.text}, {b_end} ]", a.lanes)

    def _apart(self, test: Value, node: ast.expr) -> Value:
        """A value that is worked out for some lanes only."""
        t = self.text
        if _pure(self.cell, node):
            return self._value(node)
        found: list[Slot] = []

        def write() -> None:
            value = self._value(node)
            found.append(t.slot(value.type, MANY))
            t.put(found[0], value)

        self._under(t.both(t.mask, test), write)
        return t.get(found[0])

    def _reading(self, node: ast.AST, name: str) -> Value:
        found = self._found(name)
        if isinstance(found, Slot):
            return self.text.get(found)
        if isinstance(found, Value):
            return found
        value = self.text.lanes if name == "LANES" else self.cell.names.get(name)
        if type(value) in (int, float):
            assert isinstance(value, (int, float))
            return self.text.constant(value)
        return self.cell.fail(node, "unknown here; give it a value before the block where it is set")

    def _place(self, node: ast.Subscript) -> tuple[View, list[Value]]:
        view = self._array(node.value.id) if isinstance(node.value, ast.Name) else None
        if view is None:
            self.cell.fail(node, "no array here")
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return view, [self._value(p) for p in places]

    def _array(self, name: str) -> View | None:
        found = self._found(name)
        return found if isinstance(found, View) else None

    def _values(self, node: ast.expr) -> Sequence[Value]:
        """The numbers of a tuple, or that a cell returns."""
        if isinstance(node, ast.Tuple):
            return [self._value(v) for v in node.elts]
        if isinstance(node, ast.Call) and isinstance(self.cell.names.get(getattr(node.func, "id", "")), Cell):
            return self._called(node)
        return [self._value(node)]

    def _called(self, node: ast.Call) -> Sequence[Value]:
        """What a cell returns: one that is inline is written out here, a routine called."""
        callee = self.cell.names.get(getattr(node.func, "id", ""))
        if not isinstance(callee, Cell):
            self.cell.fail(node, "outside the kernel subset")
        t = self.text
        given = [(isinstance(a, ast.Name) and self._array(a.id)) or self._value(a) for a in node.args]
        if not callee.inline:
            return _routine(callee, t, given)
        frame = _Frame(t.name("back"))
        return _written(callee, t, given, frame)


def _written(c: Cell, t: _Text, given: Sequence[Value | View], frame: _Frame) -> list[Value]:
    """What a cell returns, written out in a text."""
    printer = _Printer(c, t, given, frame)
    printer.start = len(t.lines)
    printer.write()
    t.begin(frame.exit)
    return [t.get(slot) for slot in frame.returned]


def _routine(c: Cell, t: _Text, given: Sequence[Value | View]) -> list[Value]:
    """What a routine returns, called lane by lane."""
    numbers = [v for v in given if isinstance(v, Value)]
    if len(numbers) < len(given):
        c.fail(c.tree, "a routine takes numbers")
    key = c, *(v.type if v.text.startswith("%") else v for v in numbers)
    if key not in t.functions:
        t.functions[key] = "", []
        t.functions[key] = _function(c, t, numbers, f"@{c.name}.{len(t.functions)}")
    head, types = t.functions[key]
    symbol = head.split("(")[0].split()[-1]
    whole = f"{{ {', '.join(types)} }}"
    passed = [v for v in numbers if v.text.startswith("%")]

    def call(values: Sequence[Value]) -> list[Value]:
        found = t.new("", f"call {whole} {symbol}({', '.join(f'{v.type} {v.text}' for v in values)})").text
        return [t.new(type, f"extractvalue {whole} {found}, {i}") for i, type in enumerate(types)]

    if not any(v.lanes for v in passed):
        return call(passed)
    each = [call([t.lane(v, i) for v in passed]) for i in range(t.width)]
    return [t.gathered(values) for values in zip(*each, strict=True)]


def _function(c: Cell, t: _Text, numbers: Sequence[Value], symbol: str) -> tuple[str, list[str]]:
    """A routine as a function of its numbers that are not known; its text, and types of what it returns."""
    own = _Text(t.precision, 1, set())
    own.functions, own.declared = t.functions, t.declared
    names = [Value(f"%p{i}", v.type) if v.text.startswith("%") else v for i, v in enumerate(numbers)]
    params = ", ".join(f"{v.type} {v.text}" for v in names if v.text.startswith("%"))
    found = _written(c, own, names, _Frame(own.name("back")))
    types = [v.type for v in found]
    whole, made = f"{{ {', '.join(types)} }}", "poison"
    for i, v in enumerate(found):
        made = own.new("", f"insertvalue {whole} {made}, {v.type} {v.text}, {i}").text
    head = f"define internal {whole} {symbol}({params}) noinline nounwind {{\nentry:"
    return "\n".join(
        [head, *own.variables, "  br label %start", "start:", *own.lines, f"  ret {whole} {made}", "}"]
    ), types


@cache
def _stored(c: Cell) -> Counter[str]:
    """How often each name is given a value."""
    every = nodes(c.tree)
    loops = [n.target for n in every if isinstance(n, ast.For)]
    names = [n.id for n in every if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n not in loops]
    return Counter(names)


def _pure(c: Cell, node: ast.expr) -> bool:
    """Whether an expression reads no array and takes no loop, so that it may be worked out in vain."""
    for part in nodes(node):
        if isinstance(part, ast.Subscript):
            return False
        callee = c.names.get(part.func.id) if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) else None
        if isinstance(callee, Cell) and not _straight(callee):
            return False
    return True


@cache
def _straight(c: Cell) -> bool:
    """Whether a cell is assignments of such expressions alone."""
    body = [s for s in c.tree.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return c.inline and all(
        isinstance(s, (ast.Assign, ast.AugAssign, ast.Return)) and (s.value is None or _pure(c, s.value)) for s in body
    )


def assembly(k: Kernel, precision: str, lanes: int, width: int, symbol: str = "run") -> str:
    """A kernel in LLVM's assembly language, its last index walked in vectors of a width, as a function of a name."""
    wide: set[int] = set()
    while True:
        t = _Text(precision, lanes, wide)
        text = _whole(k, t, width if len(k.index) > 1 else 1, symbol)
        if not t.again:
            return text


def _whole(k: Kernel, t: _Text, width: int, symbol: str) -> str:
    params = [f"{INT} %n{d}" for d in range(len(k.index))]
    given: dict[str, Value | View] = {}
    for a in k.args:
        kind = k.kinds[a]
        element = t.real if kind.real else "i32" if kind.ndim else INT
        if kind.ndim:
            extents = tuple(f"%{a}.{d}" for d in range(1, kind.ndim))
            given[a] = View(f"%{a}", element, extents)
            access = "" if a in k.written else " readonly"
            params += [f"ptr noalias{access} %{a}", *(f"{INT} {e}" for e in extents)]
        else:
            given[a] = Value(f"%{a}", element)
            params.append(f"{element} %{a}")
    _domain(k, t, width, given, [])
    head = f"define internal void @body({', '.join(params)}) noinline nounwind {{\nentry:"
    text = [head, *t.variables, "  br label %start", "start:", *t.lines, "  ret void", "}"]
    functions = [text for text, _ in t.functions.values()]
    return "\n".join([*text, *functions, *_entry(params, symbol), *t.declared, ""])


def _domain(k: Kernel, t: _Text, width: int, given: dict[str, Value | View], at: list[Value]) -> None:
    """The loops over the domain within those that give the indices `at`, and the kernel in them."""
    depth = len(at)
    if depth == len(k.index):
        known = dict(zip(k.index, at, strict=True)) | given
        _written(k, t, [known[p] for p in k.flat], _Frame(t.name("done")))
        return
    extent = Value(f"%n{depth}", INT)
    inner = lambda i, *_: _domain(k, t, width, given, [*at, i])  # noqa: E731
    if depth < len(k.index) - 1 or width == 1:
        t.loop(t.constant(0), extent, inner)
        return
    whole = t.arithmetic("sub", extent, t.op("srem", extent, t.constant(width)))
    mark = len(t.lines), len(t.variables), t.slots, t.block

    def vectors(i: Value, onward: str, end: str) -> None:
        t.width = width
        _domain(k, t, width, given, [*at, Value(i.text, INT, LINE)])
        t.width = 1

    try:
        _strided(t, whole, width, vectors)
        first = whole
    except _Scalar:
        del t.lines[mark[0] :], t.variables[mark[1] :]
        t.slots, t.block, t.ended, t.width, t.mask = mark[2], mark[3], False, 1, None
        first = t.constant(0)
    t.loop(first, extent, inner)


def _strided(t: _Text, last: Value, step: int, body: Callable[[Value, str, str], None]) -> None:
    t.loop(t.constant(0), last, body, step)


def _entry(params: list[str], symbol: str) -> list[str]:
    """The function that takes an address."""
    lines, names = [f"define void @{symbol}(ptr %at) nounwind {{"], []
    for i, p in enumerate(params):
        type = p.split()[0]
        lines.append(f"  %a{i} = getelementptr i64, ptr %at, i64 {i}")
        lines.append(f"  %v{i} = load {type}, ptr %a{i}")
        names.append(f"{type} %v{i}")
    return [*lines, f"  call void @body({', '.join(names)})", "  ret void", "}"]
