"""How inlets of racks depend on the heat of racks and the supply of coolers, with the air's mean flow frozen.

A scalar in a steady flow is linear in its sources: M T = b, with upwind advection and eddy diffusion between cells.
The inlet of rack i weighs cells by g_i, so that T_i = g_i · M⁻¹ b = λ_i · b with Mᵀ λ_i = g_i: one adjoint solve for
each rack gives how much every watt in every place warms it [Giles & Pierce, Flow Turb. Comb. 65 (2000) 393].

Counted per kelvin of temperature rise across the racks instead of per watt, the sensitivity does not change as long as
all flows grow in proportion, and is that of the frozen flow where none grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import scipy

from twin.air.geometry import Geometry, plane
from twin.elements import Array, Index
from twin.kernels.finite_volume import Physics

TURBULENT_PRANDTL = Physics().turbulent_prandtl

TOLERANCE = 1e-6
"""Relative residual to which the adjoint fields are solved."""

MAX_ITERATIONS = 500
"""Iterations within which an adjoint field must be solved."""


class Sensitivity(NamedTuple):
    """How the inlets of R racks change with the rise across racks and the supply of C coolers.

    Attributes
    ----------
    heat
        Change of the inlet of rack i per kelvin of temperature rise across rack j [K/K], (R, R).
    supply
        Change of the inlet of rack i per kelvin of the supply of cooler j [K/K], (R, C).
    """

    heat: Array
    supply: Array


def sensitivity(g: Geometry, fields: Mapping[str, Array], flow: Array) -> Sensitivity:
    """Sensitivity of the rack inlets of a room with its mean flow frozen.

    `fields` are mean velocities u, v, w on faces [m/s] and viscosity nu in cells [m²/s], (z, y, x); `flow` is the air
    through each rack [m³/s], (R,). With Mᵀ λ_i = g_i and cells k of weights s_k in rack j or cooler j,

        heat_ij = flow_j Σ s_k λ_i,k        supply_ij = Σ λ_i,k

    Raises RuntimeError where the adjoint field cannot be solved.
    """
    volume = g.grid.volume.ravel()
    adjoint = _Adjoint(scipy.sparse.csc_array(_transport(g, fields).T))
    racks = [_weights(g, volume, t.cells) for t in g.racks]
    coolers = [_numbers(g, t.cells) for t in g.coolers]
    heat, supply = np.zeros((len(racks), len(racks))), np.zeros((len(racks), len(coolers)))
    for i, t in enumerate(g.racks):
        right = np.zeros(len(volume))
        inlet, weights = _weights(g, volume, t.upstream)
        right[inlet] = weights
        field = adjoint.solve(right)
        heat[i] = [q * (field[cells] @ share) for q, (cells, share) in zip(flow, racks, strict=True)]
        supply[i] = [field[cells].sum() for cells in coolers]
    return Sensitivity(heat, supply)


def _numbers(g: Geometry, cells: Index) -> Index:
    """Numbers of cells (m, 3) in flattened fields, (m,)."""
    return np.asarray(np.ravel_multi_index(tuple(cells.T), g.grid.shape))


def _weights(g: Geometry, volume: Array, cells: Index) -> tuple[Index, Array]:
    """Numbers of cells (m, 3) in flattened fields, and their shares in the volume of all of them, (m,)."""
    numbers = _numbers(g, cells)
    return numbers, volume[numbers] / volume[numbers].sum()


def _transport(g: Geometry, fields: Mapping[str, Array]) -> scipy.sparse.coo_array:
    """M of cells [m³/s], (cell, cell); rows of cells whose temperature is set are those of the identity."""
    low, high, forward, backward = _conductances(g, fields)
    fixed = g.solid.ravel().copy()
    for t in g.coolers:
        fixed[_numbers(g, t.cells)] = True
    rows, columns, values = np.r_[high, low], np.r_[low, high], -np.r_[forward, backward]
    keep = ~fixed[rows] & (values != 0.0)
    rows, columns, values = rows[keep], columns[keep], values[keep]
    size = fixed.size
    diagonal = np.where(fixed, 1.0, -np.bincount(rows, values, minlength=size))
    diagonal = np.where(diagonal > 0, diagonal, 1.0)  # a cell that nothing reaches keeps to itself
    cells = np.arange(size)
    return scipy.sparse.coo_array(
        (np.r_[values, diagonal], (np.r_[rows, cells], np.r_[columns, cells])), shape=(size, size)
    )


def _conductances(g: Geometry, fields: Mapping[str, Array]) -> tuple[Index, Index, Array, Array]:
    """Of every inner face: the cells before and behind it, and what the one gives the other, each way [m³/s], (face,).

    Upwind advection and eddy diffusion: max(±u A, 0) + (ν / Pr_t) A / Δ, nothing through closed faces.
    """
    number = np.arange(g.grid.volume.size).reshape(g.grid.shape)
    widths = (g.grid.z[:, None, None], g.grid.y[:, None], g.grid.x)
    low, high, forward, backward = [], [], [], []
    for d, name in enumerate("uvw"):
        axis = 2 - d
        inner = plane(axis, slice(1, -1))
        area = np.prod(np.broadcast_arrays(*(widths[a] for a in range(3) if a != axis)), axis=0)
        closed = g.closed[d][inner]
        flow = np.where(closed, 0.0, fields[name][inner] * area)
        width = widths[axis] * np.ones(g.grid.shape)
        distance = 0.5 * (np.delete(width, -1, axis) + np.delete(width, 0, axis))
        nu = 0.5 * (np.delete(fields["nu"], -1, axis) + np.delete(fields["nu"], 0, axis)) / TURBULENT_PRANDTL
        mixing = np.where(closed, 0.0, nu * area / distance)
        low.append(np.delete(number, -1, axis).ravel())
        high.append(np.delete(number, 0, axis).ravel())
        forward.append((np.maximum(flow, 0.0) + mixing).ravel())
        backward.append((np.maximum(-flow, 0.0) + mixing).ravel())
    return np.concatenate(low), np.concatenate(high), np.concatenate(forward), np.concatenate(backward)


class _Adjoint:
    """Solves with one sparse matrix (n, n) for many right-hand sides: BiCGStab, preconditioned by incomplete LU."""

    def __init__(self, matrix: scipy.sparse.csc_array) -> None:
        self.matrix = matrix
        factors = scipy.sparse.linalg.spilu(matrix, drop_tol=1e-2, fill_factor=10, permc_spec="MMD_AT_PLUS_A")
        self.preconditioner = scipy.sparse.linalg.LinearOperator(matrix.shape, factors.solve)

    def solve(self, right: Array) -> Array:
        """The field of a right-hand side, both (n,). Raises RuntimeError where it does not converge."""
        field, fault = scipy.sparse.linalg.bicgstab(
            self.matrix, right, rtol=TOLERANCE, M=self.preconditioner, maxiter=MAX_ITERATIONS
        )
        if fault:
            raise RuntimeError("the response of a room's air could not be solved")
        return field
