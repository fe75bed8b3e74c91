"""Compartments of a room: air between closed faces and imposed flows, of which as much must enter as leaves."""

from __future__ import annotations

import numpy as np

from twin.air.geometry import Geometry, plane
from twin.elements import Array, Index
from twin.kernels.connected import connected


def unbalanced(g: Geometry, flows: Array) -> list[str]:
    """Compartments that gain or lose air, a sentence each; `flows` [m³/s] are those of racks, then coolers, (m, S)."""
    label = compartments(g)
    net, moved = _balance(g, label, flows)
    faults = []
    for k, s in np.argwhere(np.abs(net) > 1e-6 * np.maximum(moved.max(axis=0, initial=0.0), 1e-9)):
        verb = "gains" if net[k, s] > 0 else "loses"
        place = ", ".join(f"{v:.1f}" for v in _centre(g, np.argwhere(label == k)))
        faults.append(f"the sealed compartment around ({place}) m {verb} {abs(net[k, s]):.2f} m³/s; open a way out")
    return sorted(set(faults))


def compartments(g: Geometry) -> Index:
    """Number of each cell's compartment, (z, y, x), between closed faces and imposed flows; -1 in solids."""
    nz, ny, nx = g.grid.shape
    number = np.arange(nz * ny * nx).reshape(nz, ny, nx)
    closed = [c.copy() for c in g.closed]
    for t in g.movers:
        closed[t.axis][tuple(t.driven.T)] = True
    start, end = [], []
    for d, mask in enumerate(closed):
        axis = 2 - d
        passable = ~mask[plane(axis, slice(1, -1))]
        start.append(np.delete(number, -1, axis)[passable])
        end.append(np.delete(number, 0, axis)[passable])
    label = connected(number.size, np.concatenate(start), np.concatenate(end)).reshape(number.shape)
    return np.where(g.solid, -1, label)


def _balance(g: Geometry, label: Index, flows: Array) -> tuple[Array, Array]:
    """Air that driven faces bring into every compartment, less what they take, and the sum of both [m³/s], (k, S)."""
    net, moved = np.zeros((2, label.max() + 1, flows.shape[1]))
    for t, flow in zip([*g.racks, *g.coolers], flows, strict=True):
        axis = 2 - t.axis
        for number in np.unique(t.driven[:, axis]):
            behind = t.driven[t.driven[:, axis] == number]
            before = behind - np.eye(3, dtype=int)[axis]
            for cells, sign in ((before, -t.sign), (behind, t.sign)):
                compartment = label[tuple(cells.T)]
                faces = np.bincount(compartment[compartment >= 0], minlength=len(net))
                share = (faces / len(behind))[:, None] * flow
                net += sign * share
                moved += np.abs(share)
    return net, moved


def _centre(g: Geometry, cells: Index) -> list[float]:
    """Mean place (x, y, z) [m] of cells (m, 3), unweighted."""
    widths = (g.grid.x, g.grid.y, g.grid.z)
    number = cells.mean(axis=0)[::-1]
    return [float(np.interp(i, np.arange(len(w)), np.cumsum(w) - w / 2)) for i, w in zip(number, widths, strict=True)]
