"""Direct solution of (shift + scale ∇²) x = b on a box, by diagonalising each axis once.

The second difference of an axis with its ends, A = V diag(λ) V⁻¹, is symmetric in the measure of the cells' widths, so
that V⁻¹ = Vᵀ diag(width): three products of small matrices forth, a division, three back [Lynch, Rice & Thomas, Numer.
Math. 6 (1964) 185]. Widths may vary along every axis. Uniform axes that are long take the cosine transform instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
import scipy
from numpy.typing import ArrayLike, DTypeLike
from twin.kernels.cell import Int, Reals2, Reals3, kernel
from twin.kernels.launch import Call, bind

LONG = 200
"""Cells of a uniform axis between walls from which the cosine transform beats the product."""

WALL, FIXED = 1.0, -1.0
"""A ghost's factor: the gradient vanishes at the end (also: no flow), or the value does."""


@dataclass(frozen=True, eq=False)
class Axis:
    """One direction, diagonalised: eigenvalues λ (n,) <= 0, and how to turn values into modes and back."""

    values: np.ndarray
    forth: np.ndarray | None  # (n, n), None where the cosine transform does it
    back: np.ndarray | None


def axis(widths: ArrayLike, ends: tuple[float, float] = (WALL, WALL), faces: bool = False) -> Axis:
    """The second difference over cells of these widths [m], a ghost beyond each end being `ends` x the end's value.

    With `faces` the unknowns are the inner faces, between values 0 at the outer ones, as for a velocity along its own
    axis; `ends` is then ignored.
    """
    d = np.asarray(widths, float)
    if faces:
        n, measure = len(d) - 1, 0.5 * (d[1:] + d[:-1])
        links = 1.0 / d
        diagonal, off = -(links[1:] + links[:-1]), links[1:-1]
    else:
        n, measure = len(d), d
        links = 2.0 / (d[1:] + d[:-1])
        outer = (1.0 - np.asarray(ends)) / d[[0, -1]]
        diagonal, off = -(np.r_[outer[0], links] + np.r_[links, outer[1]]), links
    if not faces and n > LONG and ends == (WALL, WALL) and np.ptp(d) < 1e-12 * d[0]:
        return Axis(-((2.0 / d[0] * np.sin(0.5 * np.pi * np.arange(n) / n)) ** 2), None, None)
    root = np.sqrt(measure)
    matrix = np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1)
    values, modes = np.linalg.eigh(matrix / root[:, None] / root)
    return Axis(np.minimum(values, 0.0), modes.T * root, modes / root[:, None])


class Box:
    """The three axes of a box, for fields (..., z, y, x) of one precision."""

    def __init__(self, z: Axis, y: Axis, x: Axis, kind: DTypeLike = np.float64, xp: ModuleType = np) -> None:
        self.kind, self.axes, self.xp = np.dtype(kind), (z, y, x), xp
        self.forth = [self._matrix(a.forth, len(a.values), 1) for a in self.axes]
        self.back = [self._matrix(a.back, len(a.values), 0) for a in self.axes]
        self.values = xp.asarray(z.values[:, None, None] + y.values[:, None] + x.values)

    def _matrix(self, m: np.ndarray | None, n: int, forth: int) -> np.ndarray | None:
        """A transform where it is used; the cosine transform is a matrix too on a GPU."""
        if m is None and self.xp is np:
            return None
        whole = scipy.fft.dct(np.eye(n), axis=1 - forth, norm="ortho") if m is None else m
        return self.xp.asarray(np.ascontiguousarray(whole, self.kind))

    def inverse(self, shift: float | np.ndarray = 0.0, scale: float | np.ndarray = 1.0) -> np.ndarray:
        """1 / (shift + scale λ) of every mode, 0 where there is none; shift and scale broadcast to (..., z, y, x)."""
        whole = shift + scale * self.values
        floor = 1e-12 * np.abs(whole).max()
        there = np.abs(whole) > floor
        return (there / np.where(there, whole, 1.0)).astype(self.kind)

    def calls(self, b: np.ndarray, inverse: np.ndarray, work: np.ndarray) -> list[Call]:
        """`solve` of fixed arrays as bound calls, which on a GPU can become part of a graph."""
        if self.xp is np:
            return [lambda: self.solve(b, inverse, work)]
        s, nz, ny, nx = b.shape
        weight = inverse.reshape(nz, ny * nx)
        calls, x, other = [], b, work
        for direction, matrices in ((0, self.forth), (1, self.back)):
            for at in (2, 1, 0):
                rows, columns, many = ((nz * ny, nx, s), (ny, nx, s * nz), (nz, ny * nx, s))[2 - at]
                own = matrices[at]
                assert own is not None
                matrix = own.T[None].copy() if at == 2 else own[None]
                field, out = (a.reshape(many, rows, columns) for a in (x, other))
                left, right = (field, matrix) if at == 2 else (matrix, field)
                sizes = (rows, columns, left.shape[2], int(at == 2), int(at == 0 and direction == 0))
                domain = (many, -(-rows // ROWS), -(-columns // 2))
                calls.append(bind(product, domain, left, right, weight, out, *sizes))
                x, other = other, x
        return calls

    def solve(self, b: np.ndarray, inverse: np.ndarray, work: np.ndarray) -> np.ndarray:
        """The solution, in place of b (..., z, y, x); `work` is another array of its shape."""
        x, other = b, work
        for direction, matrices in ((0, self.forth), (1, self.back)):
            for at in (2, 1, 0):
                x, other = _turned(x, other, at, matrices[at], direction)
            if direction == 0:
                x *= inverse
        if x is not b:
            b[...] = x
        return b


ROWS = 4
"""Rows of a product that one thread computes, of two columns each: what it loads it then uses more than once."""


@kernel
def product(
    s,
    r,
    c,
    left: Reals3,
    right: Reals3,
    weight: Reals2,
    out: Reals3,
    rows: Int,
    columns: Int,
    n: Int,
    first: Int,
    weighted: Int,
):
    """Four rows and two columns of out[s] = left @ right, one of the two being the same in all s: right if `first`.

    Where `weighted` the result is multiplied by `weight`. At the edges the last row or column is computed twice.
    """
    a = s * first
    b = s - a
    r0 = 4 * r
    r1 = min(r0 + 1, rows - 1)
    r2 = min(r0 + 2, rows - 1)
    r3 = min(r0 + 3, rows - 1)
    d = min(c + (columns + 1) // 2, columns - 1)
    p0 = 0.0
    p1 = 0.0
    p2 = 0.0
    p3 = 0.0
    q0 = 0.0
    q1 = 0.0
    q2 = 0.0
    q3 = 0.0
    for m in range(n):
        x = right[b, m, c]
        y = right[b, m, d]
        l0 = left[a, r0, m]
        l1 = left[a, r1, m]
        l2 = left[a, r2, m]
        l3 = left[a, r3, m]
        p0 += l0 * x
        p1 += l1 * x
        p2 += l2 * x
        p3 += l3 * x
        q0 += l0 * y
        q1 += l1 * y
        q2 += l2 * y
        q3 += l3 * y
    if weighted == 1:
        p0 *= weight[r0, c]
        p1 *= weight[r1, c]
        p2 *= weight[r2, c]
        p3 *= weight[r3, c]
        q0 *= weight[r0, d]
        q1 *= weight[r1, d]
        q2 *= weight[r2, d]
        q3 *= weight[r3, d]
    out[s, r0, c] = p0
    out[s, r1, c] = p1
    out[s, r2, c] = p2
    out[s, r3, c] = p3
    out[s, r0, d] = q0
    out[s, r1, d] = q1
    out[s, r2, d] = q2
    out[s, r3, d] = q3


def _turned(
    x: np.ndarray, out: np.ndarray, at: int, matrix: np.ndarray | None, back: int
) -> tuple[np.ndarray, np.ndarray]:
    """A field with one axis turned by a matrix, or by the cosine transform, and the array that is now free."""
    if matrix is None:
        turn = scipy.fft.idct if back else scipy.fft.dct
        return turn(x, axis=at - 3, norm="ortho", overwrite_x=True).astype(x.dtype, copy=False), out  # type: ignore[union-attr]
    nz, ny, nx = x.shape[-3:]
    if at == 2:
        flat = (-1, nz * ny, nx)  # a product for each scenario: one of all would round as their number wills
        np.matmul(x.reshape(flat), matrix.T, out=out.reshape(flat))
    elif at == 1:
        np.matmul(matrix, x.reshape(-1, ny, nx), out=out.reshape(-1, ny, nx))
    else:
        np.matmul(matrix, x.reshape(-1, nz, ny * nx), out=out.reshape(-1, nz, ny * nx))
    return out, x
