"""Parts of floating-point numbers, as Numba builds them: what the elementary functions are made of.

The same five stand in `cuda.PRELUDE` as C++. Each takes a real of the run's precision and gives one, `place` an index;
see `subset`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


class _Format(NamedTuple):
    """How a real is laid out: its type, that of its bits, bits of the mantissa, and the exponent's bias."""

    real: ir.Type
    bits: ir.IntType
    mantissa: int
    bias: int

    @property
    def shifter(self) -> float:
        """A number so large that what is added to it stands as an integer in the lowest bits."""
        return 1.5 * 2.0**self.mantissa


_FORMATS = {
    types.float64: _Format(ir.DoubleType(), ir.IntType(64), 52, 1023),
    types.float32: _Format(ir.FloatType(), ir.IntType(32), 23, 127),
}


def _of_a_real(build: Callable[[Any, Any, _Format], Any], given: Any = None) -> Any:
    """An intrinsic of one real, which comes back as one, or as the type given."""

    def typed(_context: Any, x: Any) -> Any:
        def generated(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return build(builder, args[0], _FORMATS[x])

        return (given or x)(x), generated

    return intrinsic(typed)


def _two_to(b: Any, x: Any, f: _Format) -> Any:
    bits = b.bitcast(b.fadd(x, ir.Constant(f.real, f.shifter + f.bias)), f.bits)
    return b.bitcast(b.shl(bits, ir.Constant(f.bits, f.mantissa)), f.real)


def _exponent(b: Any, x: Any, f: _Format) -> Any:
    high = b.lshr(b.bitcast(x, f.bits), ir.Constant(f.bits, f.mantissa))
    plain = 2.0**f.mantissa
    whole = b.or_(high, b.bitcast(ir.Constant(f.real, plain), f.bits))
    return b.fsub(b.bitcast(whole, f.real), ir.Constant(f.real, plain + f.bias))


def _mantissa(b: Any, x: Any, f: _Format) -> Any:
    low = b.and_(b.bitcast(x, f.bits), ir.Constant(f.bits, (1 << f.mantissa) - 1))
    return b.bitcast(b.or_(low, ir.Constant(f.bits, f.bias << f.mantissa)), f.real)


def _nearest(b: Any, x: Any, f: _Format) -> Any:
    shifter = ir.Constant(f.real, f.shifter)
    return b.fsub(b.fadd(x, shifter), shifter)


def _place(b: Any, x: Any, _: _Format) -> Any:
    # by way of 32 bits, which every processor converts in SIMD
    return b.sext(b.fptosi(x, ir.IntType(32)), ir.IntType(64))


nearest = _of_a_real(_nearest)
two_to = _of_a_real(_two_to)
exponent = _of_a_real(_exponent)
mantissa = _of_a_real(_mantissa)
place = _of_a_real(_place, types.int64)
