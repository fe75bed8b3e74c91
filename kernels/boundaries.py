"""A box of cells and what stands in the way of its air, as a person lists it and as tables that kernels read.

Faces (m, 3) and cells (m, 3) are z, y, x, a face standing before the cell of its numbers. The arrays of `momentum` have
ghosts, so that what lies at z, y, x is found at `GHOSTS` further.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import scipy
from twin.kernels import momentum

Array = np.ndarray
Ends = tuple[float, float]

GHOSTS = np.array([0, 0, 2])
"""Where the first cell stands in the arrays, z, y, x."""

SOLID = 1e30
"""A rate [1/s] that sets a velocity or a temperature within one step."""

SLIP: Ends = (1.0, 0.0)
NO_SLIP: Ends = (-1.0, 0.0)


def stretched(length: float, cells: int, strength: float = 1.2) -> Array:
    """Widths of cells that crowd at both ends, edges after tanh(strength s), s from -1 to 1 [m]."""
    edges = np.tanh(strength * np.linspace(-1.0, 1.0, cells + 1)) / np.tanh(strength)
    return 0.5 * length * np.diff(edges)


@dataclass(frozen=True, eq=False)
class Grid:
    """Widths of the cells along x, y, z [m]."""

    x: Array
    y: Array
    z: Array

    @classmethod
    def uniform(cls, size: Sequence[float], cell: float) -> Grid:
        """A box of (x, y, z) [m] in cells of about one size."""
        counts = [max(3, round(s / cell)) for s in size]
        return cls(*(np.full(n, s / n) for n, s in zip(counts, size, strict=True)))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells along z, y, x."""
        return len(self.z), len(self.y), len(self.x)

    @property
    def volume(self) -> Array:
        """Volume of the cells, m³, (z, y, x)."""
        return self.z[:, None, None] * self.y[:, None] * self.x

    def edges(self, axis: str) -> Array:
        """Coordinates of the faces along an axis, m."""
        return np.r_[0.0, np.cumsum(getattr(self, axis))]


@dataclass(frozen=True)
class Faces:
    """Faces of one direction that do more than carry air: u is drawn towards `target` at rate + loss |u|.

    `at` holds z, y, x of each face (m, 3), a face standing before the cell of its numbers; rates are (m, 1|S) [1/s],
    losses [1/m], targets [m/s].
    """

    at: Array = field(default_factory=lambda: np.zeros((0, 3), np.int32))
    rate: Array = field(default_factory=lambda: np.zeros((0, 1)))
    loss: Array = field(default_factory=lambda: np.zeros((0, 1)))
    target: Array = field(default_factory=lambda: np.zeros((0, 1)))

    def closed(self, shape: tuple[int, ...]) -> Array:
        """Where no air passes, (z, y, x) of faces."""
        mask = np.zeros(shape, bool)
        shut = (self.rate >= SOLID).all(axis=1) & (self.target == 0).all(axis=1)
        mask[tuple(self.at[shut].T)] = True
        return mask


@dataclass(frozen=True)
class Cells:
    """Cells that are drawn towards `target` [K] at `rate` [1/s] and heated by `source` [K/s], all (m, 1|S)."""

    NUMBERS: ClassVar = ("rate", "target", "source")
    at: Array = field(default_factory=lambda: np.zeros((0, 3), np.int32))
    rate: Array = field(default_factory=lambda: np.zeros((0, 1)))
    target: Array = field(default_factory=lambda: np.zeros((0, 1)))
    source: Array = field(default_factory=lambda: np.zeros((0, 1)))


@dataclass(frozen=True)
class Sides:
    """Ghost factors (a, b) of the six sides x0, x1, y0, y1, z0, z1 for u, v, w and T: ghost = a own + b."""

    u: tuple[Ends, ...] = (SLIP,) * 6
    v: tuple[Ends, ...] = (SLIP,) * 6
    w: tuple[Ends, ...] = (SLIP,) * 6
    T: tuple[Ends, ...] = (SLIP,) * 6

    def table(self) -> Array:
        """(6, 8): pairs for u, v, w and T."""
        return np.concatenate([np.array(c, float) for c in (self.u, self.v, self.w, self.T)], axis=1)


# ---- as kernels take them ------------------------------------------------------------------------------------------


def columns(at: Array) -> list[Array]:
    """Where places (m, 3) stand in the arrays: layers, rows and columns."""
    return [np.ascontiguousarray(c, np.int32) for c in (at + GHOSTS).T]


def axis_table(widths: Array, ghosts: int) -> Array:
    """Inverse widths, inverse distances of centres, and shares of the cells at a face, by place in the arrays."""
    n = len(widths)
    between = 0.5 * (widths[1:] + widths[:-1])
    table = np.ones((4, n + (2 * ghosts or 1)))
    table[momentum.INVERSE, ghosts : ghosts + n] = 1.0 / widths
    faces = slice(ghosts, ghosts + n + 1)
    table[momentum.CENTRES, faces] = 1.0 / np.r_[widths[0], between, widths[-1]]
    table[momentum.BEFORE, faces] = np.r_[0.5, 0.5 * widths[:-1] / between, 0.5]
    table[momentum.AFTER, faces] = np.r_[0.5, 0.5 * widths[1:] / between, 0.5]
    return table


def listed(grid: Grid, faces: tuple[Faces, Faces, Faces]) -> list[Array]:
    """Faces along x, y and z that are listed as closed."""
    shapes = [tuple(n + (a == 2 - d) for a, n in enumerate(grid.shape)) for d in range(3)]
    return [part.closed(shape) for part, shape in zip(faces, shapes, strict=True)]


def shut(grid: Grid, faces: tuple[Faces, Faces, Faces]) -> list[Array]:
    """Closed faces along x, y and z: those listed as such, and the sides of the box but for openings."""
    masks = listed(grid, faces)
    for d, (mask, part) in enumerate(zip(masks, faces, strict=True)):
        opened = np.zeros(mask.shape, bool)
        opened[tuple(part.at.T)] = True
        ends: list[int | slice] = [slice(None)] * 3
        for end in (0, -1):
            ends[2 - d] = end
            mask[tuple(ends)] |= ~opened[tuple(ends)]
    return masks


def diffusive(grid: Grid, faces: tuple[Faces, Faces, Faces]) -> Array:
    """Which lower faces of a cell let heat diffuse, coded as `transport.opened` reads it, in the arrays' shape."""
    nz, ny, nx = grid.shape
    code = np.full((nz + 1, ny + 1, nx + 4), 7.0)
    for d, mask in enumerate(listed(grid, faces)):
        code[: mask.shape[0], : mask.shape[1], 2 : 2 + mask.shape[2]] -= mask * 2.0**d
    return code


def from_walls(grid: Grid, faces: tuple[Faces, Faces, Faces]) -> Array:
    """Distance of every cell's middle to the nearest wall, a side of the box or a closed face [m], (z, y, x)."""
    ends = [np.minimum(e[1:] + e[:-1], 2 * e[-1] - e[1:] - e[:-1]) / 2 for e in (grid.edges(c) for c in "zyx")]
    distance = np.minimum(np.minimum(ends[0][:, None, None], ends[1][:, None]), ends[2])
    near = np.zeros(grid.shape, bool)
    for d, mask in enumerate(listed(grid, faces)):
        low, high = (np.delete(mask, end, 2 - d) for end in (-1, 0))
        near |= low | high
    if near.any():
        sizes = [float(np.mean(getattr(grid, c))) for c in "zyx"]
        distance = np.minimum(distance, scipy.ndimage.distance_transform_edt(~near, sizes) + 0.5 * min(sizes))  # type: ignore[operator]
    return distance


def along_walls(grid: Grid, faces: tuple[Faces, Faces, Faces], d: int) -> tuple[Array, Array, Array]:
    """Inner faces of direction d that run along walls: (m, 3), their distance to these [m], less where two meet (m,).

    And where walls within the box lie beside them, as `Pulled` has it (m, 6).
    """
    closed, own = shut(grid, faces), 2 - d
    total, beside = np.zeros(closed[d].shape), np.zeros((*closed[d].shape, 6), bool)
    for other in {0, 1, 2} - {d}:
        axis = 2 - other
        size = (grid.z, grid.y, grid.x)[axis]
        half = 0.5 * size.reshape([-1 if a == axis else 1 for a in range(3)])
        for end, side in ((0, -1), (1, 0)):
            wall = np.delete(closed[other], side, axis)
            pair = np.delete(wall, -1, own) & np.delete(wall, 0, own)
            inner = [slice(None)] * 3
            inner[own] = slice(1, -1)
            total[tuple(inner)] += pair / half
            beside[*inner, 2 * other + end] = pair
            outermost: list[int | slice] = [slice(None)] * 3
            outermost[axis] = -end  # the side of the box has a ghost that does not rub
            beside[*outermost, 2 * other + end] = False
    total[closed[d]] = 0.0
    at = np.argwhere(total > 0)
    return at, 1.0 / total[tuple(at.T)], beside[tuple(at.T)]
