"""Temperature, or another scalar, carried by air: limited advection and turbulent diffusion; see `momentum`.

    T+ = T + dt (a G(T) - b G(T before) + implicit κ ∇²T),    G = -∇·(u T) + ∇·(κ ∇T),    κ = rest + share ν

`open` says through which lower faces of a cell heat may diffuse: 1 for x, 2 for y, 4 for z, added up. Blocked faces
carry no flow, and nothing must diffuse through a panel that separates a cold aisle from a hot one.
"""

from typing import NamedTuple

from twin.kernels.cell import Int, Ints1, Reals2, Reals3, cell, kernel
from twin.kernels.momentum import (
    AXES,
    CENTRES,
    INVERSE,
    LIMITED,
    NOW,
    STEP,
    THEN,
    Air,
    Mesh,
    Scheme,
    X,
    Y,
    along,
    carried,
    ghost,
    neighbour,
    reach,
)

SCALAR = 6
"""Column of the ghost factors of the scalar; those of u, v and w begin at 0, 2 and 4."""


class Held(NamedTuple):
    """Cells drawn towards a target at a rate [1/s] and heated by a source [K/s]: places (m,), numbers (m, S)."""

    layer: Ints1
    row: Ints1
    column: Ints1
    rate: Reals2
    target: Reals2
    source: Reals2


@cell
def opened(code, axis):
    """1 where heat diffuses through the face before in an axis."""
    upward = 1.0 if code > 3.5 else 0.0
    rest = code - 4.0 * upward
    across = 1.0 if rest > 1.5 else 0.0
    if axis == X:
        return rest - 2.0 * across
    if axis == Y:
        return across
    return upward


@kernel
def transport(
    q,
    j,
    h,
    air: Air,
    open: Reals3,
    old: Reals3,
    new: Reals3,
    mesh: Mesh,
    clock: Reals2,
    side: Reals2,
    scheme: Scheme,
):
    """The scalar of a cell after the step; x is the last index, z the first."""
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    i = h + 2
    now = clock[s, NOW]
    then = clock[s, THEN]
    dt = clock[s, STEP]
    c = air.T[r, j, i]
    n = air.nu[r, j, i]
    own = open[k, j, i]
    half = 0.5 * scheme.share
    spread = 0.0
    g = 0.0
    for t in AXES:
        v = (air.u, air.v, air.w)[t]
        at_t = (i, j, k)[t]
        widths = (mesh.x, mesh.y, mesh.z)[t]
        last = (mesh.nx, mesh.ny, mesh.nz)[t] - 1
        one_down = reach(t, -1, at_t, last)
        two_down = reach(t, -2, at_t, last)
        one_up = reach(t, 1, at_t, last)
        two_up = reach(t, 2, at_t, last)
        a1, b1 = ghost(side, t, SCALAR, -1, at_t, last)
        a2, b2 = ghost(side, t, SCALAR, -2, at_t, last)
        a3, b3 = ghost(side, t, SCALAR, 1, at_t, last)
        a4, b4 = ghost(side, t, SCALAR, 2, at_t, last)
        to_lower = widths[CENTRES, at_t]
        to_upper = widths[CENTRES, at_t + 1]
        per = widths[INVERSE, at_t]
        lower = neighbour(air.T, r, j, i, t, one_down, a1, b1)
        upper = neighbour(air.T, r, j, i, t, one_up, a3, b3)
        far = neighbour(air.T, r, j, i, t, two_down, a2, b2)
        under = carried(v[r, j, i], LIMITED, far, lower, c, upper)
        further = neighbour(air.T, r, j, i, t, two_up, a4, b4)
        over = carried(along(v, r, j, i, t, 1), LIMITED, lower, c, upper, further)
        nearer = scheme.rest + half * (n + along(air.nu, r, j, i, t, one_down))
        beyond = scheme.rest + half * (n + along(air.nu, r, j, i, t, one_up))
        ease = opened(own, t) * nearer * to_lower * (c - lower)
        heat = opened(along(open, k, j, i, t, 1), t) * beyond * to_upper * (upper - c)
        spread += (heat - ease) * per
        g += (under - over) * per
    g += (1.0 - scheme.implicit) * spread
    gain = now * g - then * old[r, j, i] + scheme.implicit * spread
    new[r, j, i] = c + dt * gain
    old[r, j, i] = g


@kernel
def exchange(s, c, cells: Held, T: Reals3, given: Reals2, clock: Reals2, layers: Int):
    """Cells drawn towards a target at a rate [1/s] and heated by a source [K/s]; `given` [K/s] is what that gave."""
    r = s * layers + cells.layer[c]
    before = T[r, cells.row[c], cells.column[c]]
    dt = clock[s, STEP]
    after = (before + dt * (cells.rate[c, s] * cells.target[c, s] + cells.source[c, s])) / (1.0 + dt * cells.rate[c, s])
    T[r, cells.row[c], cells.column[c]] = after
    given[c, s] += after - before


@cell
def reflect(f, r, j, nx, side, column):
    """Fill the two ghosts before and the two after a row of numbers in cells: a own + b of their side."""
    f[r, j, 1] = side[0, column] * f[r, j, 2] + side[0, column + 1]
    f[r, j, 0] = side[0, column] * f[r, j, 3] + side[0, column + 1]
    f[r, j, nx + 2] = side[1, column] * f[r, j, nx + 1] + side[1, column + 1]
    f[r, j, nx + 3] = side[1, column] * f[r, j, nx] + side[1, column + 1]


@kernel
def ghosts(q, j, air: Air, side: Reals2, mesh: Mesh):
    """Fill the ghosts in x of a row: of faces along x with what the walls' faces hold, else after the sides."""
    r = q + q // mesh.nz
    air.u[r, j, 1] = air.u[r, j, 2]
    air.u[r, j, mesh.nx + 3] = air.u[r, j, mesh.nx + 2]
    reflect(air.v, r, j, mesh.nx, side, 2)
    reflect(air.w, r, j, mesh.nx, side, 4)
    reflect(air.T, r, j, mesh.nx, side, SCALAR)


@kernel
def mirrored(q, j, nu: Reals3, mesh: Mesh):
    """Fill the ghosts in x of a row of viscosities."""
    r = q + q // mesh.nz
    nu[r, j, 1] = nu[r, j, 2]
    nu[r, j, mesh.nx + 2] = nu[r, j, mesh.nx + 1]
