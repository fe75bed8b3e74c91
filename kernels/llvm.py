"""Kernels as LLVM's assembly language, in vectors of the processor that runs them.

A kernel becomes one function of one address, of 64-bit words: the domain, then for each array where it lies and its
extents but the first, and for each number the number. Cells are written out where they are called. A kernel of two
indices and more walks the last one in vectors, one of a single index its loops over LANES: what is the same in all
lanes stays a number, what is not becomes a vector, and where lanes part, both ways are gone under a mask. So a kernel
is in vectors whatever LLVM thinks of its loops, in the order of operations that it has alone.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from twin.kernels.assembly import BOOL, INT, LINE, MANY, Meaning, Scalar, Slot, Text, Value, View
from twin.kernels.subset import BITS, MATH, Cell, Kernel, nodes, over_lanes

_BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
_COMPARE = {
    ast.Gt: ("ogt", "sgt"),
    ast.GtE: ("oge", "sge"),
    ast.Lt: ("olt", "slt"),
    ast.LtE: ("ole", "sle"),
    ast.Eq: ("oeq", "eq"),
    ast.NotEq: ("une", "ne"),
}
_KNOWN = {"true": True, "false": False}
_INTRINSIC = {"sqrt", "exp", "log", "sin", "cos", "pow", "floor", "fabs"}
"""Functions that LLVM knows; the others are called in the C library."""


@dataclass
class _Frame:
    """A cell that is being written out: where it returns to, what it has returned, and in which lanes."""

    exit: str
    returned: list[Slot] = field(default_factory=list)
    done: Slot | None = None


class _Printer:
    """One cell, written into a text where it is called."""

    def __init__(self, c: Cell, text: Text, given: Sequence[Value | View], frame: _Frame) -> None:
        self.cell, self.text, self.frame, self.base = c, text, frame, text.mask
        self.stored = _stored(c)
        self.scopes: list[dict[str, Meaning]] = [{}]
        self.loops: list[tuple[str, str]] = []
        self.begins = len(text.lines)
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
                    raise Scalar
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
                raise Scalar  # some lanes have returned in a loop that the others go on with
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
        depth, loops, done = len(self.scopes), len(self.loops), self.frame.done
        with t.vectors(t.lanes) as came:
            self._block(node.body, {name: Value("0", INT, LINE)})
            if self.frame.done is not done:
                raise Scalar  # some lanes have returned, and not the others
        del self.scopes[depth:], self.loops[loops:]
        self.frame.done = done
        return came[0]

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
            frame.done = Slot(name, BOOL, MANY, 0)
            self._cleared(frame.done)
        t.add(f"store {t.of(BOOL, MANY)} {t.op('or', t.get(frame.done), t.mask).text}, ptr {frame.done.address}")

    def _cleared(self, done: Slot) -> None:
        """Nothing has returned where the cell begins, which may stand in a loop."""
        whole = self.text.of(BOOL, MANY)
        self.text.lines.insert(self.begins, f"  store {whole} zeroinitializer, ptr {done.address}")

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
            raise Scalar
        t.choose(test, inside, end)
        t.begin(inside)
        self.loops.append((head, end))
        done = self.frame.done
        self._block(node.body)
        if self.frame.done is not done:
            raise Scalar
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


def _written(c: Cell, t: Text, given: Sequence[Value | View], frame: _Frame) -> list[Value]:
    """What a cell returns, written out in a text."""
    _Printer(c, t, given, frame).write()
    t.begin(frame.exit)
    return [t.get(slot) for slot in frame.returned]


def _routine(c: Cell, t: Text, given: Sequence[Value | View]) -> list[Value]:
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


def _function(c: Cell, t: Text, numbers: Sequence[Value], symbol: str) -> tuple[str, list[str]]:
    """A routine as a function of its numbers that are not known; its text, and types of what it returns."""
    own = Text(t.precision, 1, set())
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
        t = Text(precision, lanes, wide)
        text = _whole(k, t, width if len(k.index) > 1 else 1, symbol)
        if not t.again:
            return text


def _whole(k: Kernel, t: Text, width: int, symbol: str) -> str:
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


def _domain(k: Kernel, t: Text, width: int, given: dict[str, Value | View], at: list[Value]) -> None:
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
    with t.vectors(width) as came:
        t.loop(t.constant(0), whole, lambda i, *_: inner(Value(i.text, INT, LINE)), width)
    t.loop(whole if came[0] else t.constant(0), extent, inner)


def _entry(params: list[str], symbol: str) -> list[str]:
    """The function that takes an address."""
    lines, names = [f"define void @{symbol}(ptr %at) nounwind {{"], []
    for i, p in enumerate(params):
        type = p.split()[0]
        lines.append(f"  %a{i} = getelementptr i64, ptr %at, i64 {i}")
        lines.append(f"  %v{i} = load {type}, ptr %a{i}")
        names.append(f"{type} %v{i}")
    return [*lines, f"  call void @body({', '.join(names)})", "  ret void", "}"]
