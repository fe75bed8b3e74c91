"""How inlets of racks answer the heat of racks and the supply of coolers, with the air's mean flow frozen.

A scalar in a steady flow is linear in its sources: M T = b, with upwind advection and eddy diffusion between cells.
The inlet of rack i weighs cells by g_i, so that T_i = g_i · M⁻¹ b = λ_i · b with Mᵀ λ_i = g_i: one adjoint solve for
each rack tells how much every watt in every place warms it [Giles & Pierce, Flow Turb. Comb. 65 (2000) 393].

Told per kelvin of temperature rise across the racks instead of per watt, the answer does not change as long as all
flows grow alike, and is that of the frozen flow where none grows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import LinearOperator, bicgstab, spilu

from twin.air.geometry import Geometry
from twin.elements import Array
from twin.kernels.finite_volume import Physics

PRANDTL = Physics().turbulent_prandtl
TOLERANCE = 1e-6
"""Relative residual to which the adjoint fields are solved."""


class Response(NamedTuple):
    """Change of the inlet of each rack per kelvin of rise across every rack, (R, R), and of supply, (R, C)."""

    heat: Array
    supply: Array


def respond(g: Geometry, fields: dict[str, Array], flow: Array) -> Response:
    """The response of a room's racks at mean `fields` (z, y, x) of u, v, w and nu; racks draw `flow` [m³/s] (R,).

    Raises RuntimeError where the scalar cannot be solved.
    """
    M = _matrix(g, fields)
    volume = g.grid.volume.ravel()
    flat = lambda at: np.ravel_multi_index(tuple(at.T), g.grid.shape)  # noqa: E731
    adjoint = _Adjoint(csc_array(M.T))
    means = lambda at: (flat(at), volume[flat(at)] / volume[flat(at)].sum())  # noqa: E731
    heated = [means(t.cells) for t in g.racks]
    coolers = [flat(t.cells) for t in g.coolers]
    n = len(g.racks)
    heat, supply = np.zeros((n, n)), np.zeros((n, len(coolers)))
    for i, t in enumerate(g.racks):
        cells, share = means(t.upstream)
        weigh = np.zeros(len(volume))
        weigh[cells] = share
        field = adjoint.solve(weigh)
        heat[i] = [q * (field[cells] @ share) for q, (cells, share) in zip(flow, heated, strict=True)]
        supply[i] = [field[cells].sum() for cells in coolers]
    return Response(heat, supply)


def _matrix(g: Geometry, fields: dict[str, Array]) -> Any:
    """M of cells, m³/s; rows of cells whose temperature is set are those of the identity."""
    nz, ny, nx = g.grid.shape
    number = np.arange(nz * ny * nx).reshape(nz, ny, nx)
    sides = (g.grid.z[:, None, None], g.grid.y[:, None], g.grid.x)
    before, after, there, back = [], [], [], []
    for d, name in enumerate("uvw"):
        axis = 2 - d
        inner: list[Any] = [slice(None)] * 3
        inner[axis] = slice(1, -1)
        area = np.prod(np.broadcast_arrays(*(sides[a] for a in range(3) if a != axis)), axis=0)
        closed = g.closed[d][tuple(inner)]
        flow = np.where(closed, 0.0, fields[name][tuple(inner)] * area)
        low, high = np.delete(number, -1, axis), np.delete(number, 0, axis)
        width = sides[axis] * np.ones(g.grid.shape)
        apart = 0.5 * (np.delete(width, -1, axis) + np.delete(width, 0, axis))
        nu = 0.5 * (np.delete(fields["nu"], -1, axis) + np.delete(fields["nu"], 0, axis)) / PRANDTL
        mixing = np.where(closed, 0.0, nu * area / apart)
        before.append(low.ravel())
        after.append(high.ravel())
        there.append((np.maximum(flow, 0.0) + mixing).ravel())
        back.append((np.maximum(-flow, 0.0) + mixing).ravel())
    a, b, forth, fro = (np.concatenate(x) for x in (before, after, there, back))
    fixed = g.solid.ravel().copy()
    for t in g.coolers:
        fixed[np.ravel_multi_index(tuple(t.cells.T), g.grid.shape)] = True
    rows, columns, values = np.r_[b, a], np.r_[a, b], -np.r_[forth, fro]
    keep = ~fixed[rows] & (values != 0.0)
    rows, columns, values = rows[keep], columns[keep], values[keep]
    size = number.size
    own = np.where(fixed, 1.0, -np.bincount(rows, values, minlength=size))
    own = np.where(own > 0, own, 1.0)  # a cell that nothing reaches keeps to itself
    every = np.arange(size)
    return coo_array((np.r_[values, own], (np.r_[rows, every], np.r_[columns, every])), shape=(size, size))


class _Adjoint:
    """Solves with one matrix for many right-hand sides: stabilised biconjugate gradients, incomplete factors."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        factors = spilu(matrix, drop_tol=1e-2, fill_factor=10, permc_spec="MMD_AT_PLUS_A")
        self.near = LinearOperator(matrix.shape, factors.solve)

    def solve(self, right: Array) -> Array:
        """The field. Raises RuntimeError where none is found."""
        found, fault = bicgstab(self.matrix, right, rtol=TOLERANCE, M=self.near, maxiter=500)
        if fault:
            raise RuntimeError("the response of a room's air could not be solved")
        return found
