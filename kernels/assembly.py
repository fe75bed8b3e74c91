"""LLVM's assembly language: instructions, and what they are made of where lanes are walked together.

What is the same in all lanes is a number, what is not a vector. A line is what grows by a step from lane to lane, as
the last index of a kernel does: its places in memory stand side by side.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

import numpy as np

REAL = {"float32": "float", "float64": "double"}
INT, BOOL = "i64", "i1"

_SIZE = {"i32": 4, "float": 4, "double": 8}

_DECIDED = {"eq": operator.eq, "ne": operator.ne}
"""Comparisons of known integers, which choose between the halves of a cell of two kinds."""

ONE, LINE, MANY = range(3)
"""How a number differs between lanes: not at all, by the same step from each to the next, or in any way."""


class Scalar(Exception):
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


class Text:
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

    @contextmanager
    def vectors(self, width: int) -> Iterator[list[bool]]:
        """Write what follows in vectors: [True], which becomes [False] where that cannot be, and nothing is written.

        Nothing else may be under way in vectors.
        """
        came: list[bool] = [True]
        before = len(self.lines), len(self.variables), self.slots, self.block
        self.width = width
        try:
            yield came
        except Scalar:
            came[0] = False
            del self.lines[before[0] :], self.variables[before[1] :]
            self.slots, self.block, self.ended = before[2], before[3], False
        self.width, self.mask = 1, None

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
        """The address of an element."""
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
                raise Scalar  # lanes would meet at one element
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
            raise Scalar
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
