"""Direct solution of (shift + scale ∇²) x = b on a box, by diagonalising each axis once.

The second difference of an axis with its ends, A = V diag(λ) V⁻¹, is symmetric in the measure of the cells' widths, so
that V⁻¹ = Vᵀ diag(width): three products of small matrices forth, a division, three back [Lynch, Rice & Thomas, Numer.
Math. 6 (1964) 185]. Widths may vary along every axis. Uniform axes that are long take the cosine transform instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.fft import dct, idct

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


def axis(widths: Any, ends: tuple[float, float] = (WALL, WALL), faces: bool = False) -> Axis:
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

    def __init__(self, z: Axis, y: Axis, x: Axis, kind: Any = np.float64, like: Any = None) -> None:
        self.kind, self.axes = np.dtype(kind), (z, y, x)
        move = (lambda a: a) if like is None else (lambda a: np.asarray(a, like=like))
        self.forth, self.back = (
            [
                None if m is None else move(np.ascontiguousarray(m, self.kind))
                for m in (getattr(a, d) for a in self.axes)
            ]
            for d in ("forth", "back")
        )
        self.values = move(z.values[:, None, None] + y.values[:, None] + x.values)

    def inverse(self, shift: Any = 0.0, scale: Any = 1.0) -> Any:
        """1 / (shift + scale λ) of every mode, 0 where there is none; shift and scale broadcast to (..., z, y, x)."""
        whole = shift + scale * self.values
        least = 1e-12 * np.abs(whole).max()
        there = np.abs(whole) > least
        return (there / np.where(there, whole, 1.0)).astype(self.kind)

    def solve(self, b: Any, inverse: Any, work: Any) -> Any:
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


def _turned(x: Any, out: Any, at: int, matrix: Any, back: int) -> tuple[Any, Any]:
    """A field with one axis turned by a matrix, or by the cosine transform, and the array that is now free."""
    if matrix is None:
        turn = idct if back else dct
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
