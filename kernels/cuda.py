"""Kernels as CUDA C++ text, and the same text in a form that g++ builds for the checks that need no GPU."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import isfinite, isnan

from twin.kernels.subset import BITS, MATH, PRECISIONS, Cell, Kernel

_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARE = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!="}
_WORDS = """
alignas alignof and asm auto bool break case catch char class const constexpr continue decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable
namespace new noexcept not nullptr operator or private protected public register return short signed sizeof static
struct switch template this throw true try typedef typeid typename union unsigned using virtual void volatile while
xor real_t View1 View2 View3 Pair Triple pack run FN CALL threadIdx blockIdx blockDim gridDim y0 y1 j0 j1
gamma signbit
"""
_RESERVED = frozenset(_WORDS.split())

PRELUDE = """#define FN __device__ __forceinline__
#define CALL __device__
template <class T> struct View1 { T* __restrict__ p; int s0;
  FN T& operator()(int i) const { return p[i * s0]; } };
template <class T> struct View2 { T* __restrict__ p; int s0, s1;
  FN T& operator()(int i, int j) const { return p[i * s0 + j * s1]; } };
template <class T> struct View3 { T* __restrict__ p; int s0, s1, s2;
  FN T& operator()(int i, int j, int k) const { return p[i * s0 + j * s1 + k * s2]; } };
template <class A, class B> struct Pair { A a; B b; };
template <class A, class B, class C> struct Triple { A a; B b; C c; };
template <class A, class B> FN Pair<A, B> pack(A a, B b) { return {a, b}; }
template <class A, class B, class C> FN Triple<A, B, C> pack(A a, B b, C c) { return {a, b, c}; }
template <class A, class B> FN B bits_(A a) { union { A a; B b; } u; u.a = a; return u.b; }
FN double nearest_(double x) { return (x + 6755399441055744.0) - 6755399441055744.0; }
FN float nearest_(float x) { return (x + 12582912.0f) - 12582912.0f; }
typedef unsigned long long long_t;
FN double two_to_(double k) {
  return bits_<long_t, double>(bits_<double, long_t>(k + (6755399441055744.0 + 1023.0)) << 52); }
FN float two_to_(float k) { return bits_<unsigned, float>(bits_<float, unsigned>(k + (12582912.0f + 127.0f)) << 23); }
FN double exponent_(double x) { return double(int(bits_<double, long_t>(x) >> 52) - 1023); }
FN float exponent_(float x) { return float(int(bits_<float, unsigned>(x) >> 23) - 127); }
FN double mantissa_(double x) {
  return bits_<long_t, double>((bits_<double, long_t>(x) & 0xfffffffffffffull) | 0x3ff0000000000000ull); }
FN float mantissa_(float x) { return bits_<unsigned, float>((bits_<float, unsigned>(x) & 0x7fffffu) | 0x3f800000u); }
FN int place_(real_t x) { return int(x); }
template <class T> FN T min_(T a, T b) { return b < a ? b : a; }
template <class T> FN T max_(T a, T b) { return b > a ? b : a; }
FN real_t abs_(real_t a) { return fabs(a); }
FN int abs_(int a) { return a < 0 ? -a : a; }
FN int floordiv_(int a, int b) { int q = a / b; return q - (a % b != 0 && (a % b < 0) != (b < 0)); }
FN int floormod_(int a, int b) { int r = a % b; return r != 0 && (r < 0) != (b < 0) ? r + b : r; }
"""


class _Printer:
    """One cell as a C++ function template."""

    def __init__(self, c: Cell) -> None:
        self.cell, self.scopes = c, [set(c.flat)]

    def function(self) -> str:
        c = self.cell
        kinds = ", ".join(f"class A{i}" for i in range(len(c.flat)))
        params = ", ".join(f"A{i} {_name(p)}" for i, p in enumerate(c.flat))
        head = (
            f"// {c.file}:{c.line}\ntemplate <{kinds}>\n{'FN' if c.inline else 'CALL'} auto cell_{c.name}({params}) {{"
        )
        return "\n".join([head, *self._block(c.tree.body, 1), "}"])

    def _known(self, name: str) -> bool:
        return any(name in scope for scope in self.scopes)

    def _block(self, body: list[ast.stmt], depth: int, names: Sequence[str] = ()) -> list[str]:
        self.scopes.append(set(names))
        lines = [line for node in body for line in self._statement(node, depth)]
        self.scopes.pop()
        return lines

    def _statement(self, node: ast.AST, depth: int) -> list[str]:
        pad, x = "  " * depth, self._expression
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                return []
            case ast.Expr(value=ast.Call()):
                return [f"{pad}{x(node.value)};"]
            case ast.Return(value=None):
                return [f"{pad}return;"]
            case ast.Return(value=ast.Tuple(elts=parts)) if len(parts) <= 3:
                return [f"{pad}return pack({', '.join(map(x, parts))});"]
            case ast.Return(value=ast.expr() as value):
                return [f"{pad}return {x(value)};"]
            case ast.Assign(targets=[ast.Tuple(elts=parts)]) if all(isinstance(t, ast.Name) for t in parts):
                value, names = x(node.value), [ast.unparse(t) for t in parts]
                if any(map(self._known, names)):
                    self.cell.fail(node, "unpack into new names only")
                self.scopes[-1].update(names)
                return [f"{pad}auto [{', '.join(map(_name, names))}] = {value};"]
            case ast.Assign(targets=[ast.Name(id=name)]) if not self._known(name):
                value = x(node.value)
                self.scopes[-1].add(name)
                return [f"{pad}auto {_name(name)} = {value};"]
            case ast.Assign(targets=[ast.Name() | ast.Subscript() as target]):
                return [f"{pad}{x(target)} = {x(node.value)};"]
            case ast.AugAssign() if type(node.op) in _BINARY:
                return [f"{pad}{x(node.target)} {_BINARY[type(node.op)]}= {x(node.value)};"]
            case ast.If():
                lines = [f"{pad}if ({x(node.test)}) {{", *self._block(node.body, depth + 1)]
                if node.orelse:
                    lines += [f"{pad}}} else {{", *self._block(node.orelse, depth + 1)]
                return [*lines, f"{pad}}}"]
            case ast.While(orelse=[]):
                return [f"{pad}while ({x(node.test)}) {{", *self._block(node.body, depth + 1), f"{pad}}}"]
            case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"), args=bounds), orelse=[]):
                return [self._range(name, node, bounds, pad), *self._block(node.body, depth + 1, [name]), f"{pad}}}"]
            case ast.Break():
                return [f"{pad}break;"]
            case ast.Continue():
                return [f"{pad}continue;"]
        return self.cell.fail(node, "outside the kernel subset")

    def _range(self, name: str, node: ast.For, bounds: list[ast.expr], pad: str) -> str:
        i, parts = _name(name), [self._expression(b) for b in bounds]
        first, last = ("0", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
        step = ast.literal_eval(bounds[2]) if len(bounds) == 3 else 1
        if step == 1:
            return f"{pad}for (int {i} = {first}; {i} < {last}; ++{i}) {{"
        if step == -1:
            return f"{pad}for (int {i} = {first}; {i} > {last}; --{i}) {{"
        return self.cell.fail(node.iter, "range steps by 1 or -1")

    def _expression(self, node: ast.AST) -> str:
        x = self._expression
        match node:
            case ast.Name(id=name):
                return self._reading(node, name)
            case ast.Constant(value=bool(v)):
                return str(v).lower()
            case ast.Constant(value=int(v)):
                return str(v) if v >= 0 else f"({v})"
            case ast.Constant(value=float(v)) if not isfinite(v):
                part = "0.0" if isnan(v) else "1.0" if v > 0 else "-1.0"
                return f"(real_t({part}) / real_t(0.0))"
            case ast.Constant(value=float(v)):
                return f"real_t({v!r})" if v >= 0 else f"(real_t({v!r}))"
            case ast.BinOp(op=ast.Pow(), left=base, right=ast.Constant(value=2)):
                return f"({x(base)} * {x(base)})"
            case ast.BinOp(op=ast.FloorDiv()):
                return f"floordiv_({x(node.left)}, {x(node.right)})"
            case ast.BinOp(op=ast.Mod()):
                return f"floormod_({x(node.left)}, {x(node.right)})"
            case ast.BinOp() if type(node.op) in _BINARY:
                return f"({x(node.left)} {_BINARY[type(node.op)]} {x(node.right)})"
            case ast.UnaryOp(op=ast.USub() | ast.Not()):
                return f"({'-' if isinstance(node.op, ast.USub) else '!'}{x(node.operand)})"
            case ast.BoolOp():
                return f"({(' && ' if isinstance(node.op, ast.And) else ' || ').join(map(x, node.values))})"
            case ast.Compare() if all(type(o) in _COMPARE for o in node.ops):
                terms = pairwise([node.left, *node.comparators])
                tests = [f"{x(a)} {_COMPARE[type(o)]} {x(b)}" for o, (a, b) in zip(node.ops, terms, strict=True)]
                return f"({' && '.join(tests)})"
            case ast.IfExp():
                return f"({x(node.test)} ? {x(node.body)} : {x(node.orelse)})"
            case ast.Subscript(value=ast.Name(id=name)):
                places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
                return f"{_name(name)}({', '.join(map(x, places))})"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="math"), attr=f), keywords=[]) if f in MATH:
                return f"{f}({', '.join(map(x, node.args))})"
            case ast.Call(func=ast.Name(id="real"), args=[value], keywords=[]):
                return f"real_t({x(value)})"
            case ast.Call(func=ast.Name(id="min" | "max" | "abs" as f), keywords=[]):
                return f"{f}_({', '.join(map(x, node.args))})"
            case ast.Call(func=ast.Name(id=f), args=[value], keywords=[]) if self.cell.names.get(f) in BITS:
                return f"{getattr(self.cell.names[f], '__name__')}_({x(value)})"  # noqa: B009
            case ast.Call(func=ast.Name(id=f), keywords=[]) if isinstance(self.cell.names.get(f), Cell):
                return f"cell_{f}({', '.join(map(x, node.args))})"
        return self.cell.fail(node, "outside the kernel subset")

    def _reading(self, node: ast.AST, name: str) -> str:
        if self._known(name):
            return _name(name)
        value = 1 if name == "LANES" else self.cell.names.get(name)
        if type(value) in (int, float):
            assert isinstance(value, (int, float))
            return self._expression(ast.Constant(value))
        return self.cell.fail(node, "unknown here; give it a value before the block where it is set")


@cache
def function_text(c: Cell) -> str:
    """A cell as a C++ function template. Raises SubsetError for what is outside the subset."""
    return _Printer(c).function()


def _name(name: str) -> str:
    return f"{name}_" if name in _RESERVED or name in MATH else name


def signature(k: Kernel) -> list[tuple[str, str]]:
    """C parameters in launch order: the domain, then for each array its pointer and strides, scalars in place."""
    out = [("int", f"n{d}") for d in range(len(k.index))]
    for a in k.args:
        kind, kept = k.kinds[a], "" if a in k.written else "const "
        scalar = "real_t" if kind.real else "int"
        if kind.ndim:
            out += [(f"{kept}{scalar}* __restrict__", f"{a}_p"), *(("int", f"{a}_s{i}") for i in range(kind.ndim))]
        else:
            out.append((scalar, _name(a)))
    return out


def cuda_source(k: Kernel, precision: str) -> str:
    """The CUDA C++ text of a kernel; its entry point is `run`, the last index along x."""
    axes = dict(zip(reversed(k.index), "xyz", strict=False))
    at = [f"{_name(i)} = threadIdx.{a} + blockIdx.{a} * blockDim.{a}" for i, a in axes.items()]
    outside = " || ".join(f"{_name(i)} >= n{d}" for d, i in enumerate(k.index))
    views = []
    for a in (a for a in k.args if k.kinds[a].ndim):
        kind, kept = k.kinds[a], "" if a in k.written else "const "
        parts = ", ".join([f"{a}_p", *(f"{a}_s{i}" for i in range(kind.ndim))])
        views.append(f"  View{kind.ndim}<{kept}{'real_t' if kind.real else 'int'}> {_name(a)}{{{parts}}};")
    entry = f'extern "C" __global__ void run({", ".join(f"{t} {n}" for t, n in signature(k))}) {{'
    call = f"  cell_{k.name}({', '.join(map(_name, [*k.index, *k.args]))});"
    functions = [function_text(c) for c in [*k.cells(), k]]
    body = [entry, f"  const int {', '.join(at)};", f"  if ({outside}) return;", *views, call, "}", ""]
    return "\n".join([f"using real_t = {PRECISIONS[precision]};", PRELUDE, *functions, *body])


# ---- without a GPU -----------------------------------------------------------------------------------------------

_SHIM = """// stands in for the launch: the same text and index arithmetic, no GPU
#include <cmath>
using std::sqrt; using std::exp; using std::log; using std::pow; using std::fabs; using std::floor;
using std::sin; using std::cos; using std::tan; using std::tanh; using std::atan2;
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __global__ static
struct Place { int x, y, z; };
static Place threadIdx, blockIdx, blockDim;
"""


def shim_source(k: Kernel, precision: str, block: tuple[int, int, int] = (32, 4, 2)) -> str:
    """The CUDA text in loops over blocks and threads: for g++, its sanitizers and a debugger."""
    extent = [f"n{d}" for d in reversed(range(len(k.index)))] + ["1", "1"]
    size = [block[m] if m < len(k.index) else 1 for m in range(3)]
    params, names = ", ".join(f"{t} {n}" for t, n in signature(k)), ", ".join(n for _, n in signature(k))
    axes = [*enumerate("xyz")][::-1]
    loops = "".join(f"  for (int {a} = 0; {a} * {size[m]} < {extent[m]}; ++{a})\n" for m, a in axes)
    inner = "".join(f"    for (int t{a} = 0; t{a} < {size[m]}; ++t{a})\n" for m, a in axes)
    text = cuda_source(k, precision).replace('extern "C" __global__ void run(', "static void run_one(")
    sizes = ", ".join(map(str, size))
    return (
        f'{_SHIM}{text}\nextern "C" void run({params}) {{\n  blockDim = {{{sizes}}};\n'
        f"{loops}  {{\n    blockIdx = {{x, y, z}};\n"
        f"{inner}    {{ threadIdx = {{tx, ty, tz}}; run_one({names}); }}\n  }}\n}}\n"
    )
