"""Eddy viscosity of air in rooms, cell by cell; see `momentum` for the grid.

Models of the smallest eddies see the gradients of velocity across a cell's neighbours. Where warm air lies on cold,
their viscosity is multiplied by √(1 - Ri / Pr), Ri = lift ∂T/∂z / |S|², Pr the turbulent Prandtl number, and is 0 from
Ri = Pr on [Lilly, Tellus 14 (1962) 148; Mason, J. Atmos. Sci. 46 (1989) 1492].
"""

import math
from typing import NamedTuple

from twin.kernels.cell import Int, Real, Reals3, cell, kernel
from twin.kernels.momentum import INVERSE, Air, Mesh, Pulled

MOMENTS = 10
"""Numbers of a cell that the dynamic model filters: three velocities, six strains and the size of strain."""

SIDES = (0, 1, 2)
"""What stands before a cell, the cell, and what stands behind it."""

MAX_CONSTANT = 0.3
"""Largest constant that the dynamic model takes, near twice that of isotropic turbulence."""


class Eddies(NamedTuple):
    """Laminar viscosity [m²/s], a model's constant, lift [m/s²/K] over the turbulent Prandtl number.

    `layers` lie between the lengths of one scenario and those of the next, 0 where all have the same.
    """

    laminar: Real
    constant: Real
    lift: Real
    layers: Int


@cell
def along(air: Air, mesh: Mesh, q, j, i):
    """∂u/∂x, ∂u/∂y and ∂u/∂z in the middle of a cell [1/s]."""
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    jm = max(j - 1, 0)
    jp = min(j + 1, mesh.ny - 1)
    rm = r - 1 if k > 0 else r
    rp = r + 1 if k < mesh.nz - 1 else r
    x = mesh.x[INVERSE, i + 2] * (air.u[r, j, i + 3] - air.u[r, j, i + 2])
    y = air.u[r, jp, i + 2] + air.u[r, jp, i + 3] - air.u[r, jm, i + 2] - air.u[r, jm, i + 3]
    z = air.u[rp, j, i + 2] + air.u[rp, j, i + 3] - air.u[rm, j, i + 2] - air.u[rm, j, i + 3]
    return x, 0.25 * mesh.y[INVERSE, j] * y, 0.25 * mesh.z[INVERSE, k] * z


@cell
def across(air: Air, mesh: Mesh, q, j, i):
    """∂v/∂x, ∂v/∂y and ∂v/∂z in the middle of a cell [1/s]."""
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    rm = r - 1 if k > 0 else r
    rp = r + 1 if k < mesh.nz - 1 else r
    x = air.v[r, j, i + 3] + air.v[r, j + 1, i + 3] - air.v[r, j, i + 1] - air.v[r, j + 1, i + 1]
    y = mesh.y[INVERSE, j] * (air.v[r, j + 1, i + 2] - air.v[r, j, i + 2])
    z = air.v[rp, j, i + 2] + air.v[rp, j + 1, i + 2] - air.v[rm, j, i + 2] - air.v[rm, j + 1, i + 2]
    return 0.25 * mesh.x[INVERSE, i + 2] * x, y, 0.25 * mesh.z[INVERSE, k] * z


@cell
def upward(air: Air, mesh: Mesh, q, j, i):
    """∂w/∂x, ∂w/∂y and ∂w/∂z in the middle of a cell [1/s]."""
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    jm = max(j - 1, 0)
    jp = min(j + 1, mesh.ny - 1)
    x = air.w[r, j, i + 3] + air.w[r + 1, j, i + 3] - air.w[r, j, i + 1] - air.w[r + 1, j, i + 1]
    y = air.w[r, jp, i + 2] + air.w[r + 1, jp, i + 2] - air.w[r, jm, i + 2] - air.w[r + 1, jm, i + 2]
    z = mesh.z[INVERSE, k] * (air.w[r + 1, j, i + 2] - air.w[r, j, i + 2])
    return 0.25 * mesh.x[INVERSE, i + 2] * x, 0.25 * mesh.y[INVERSE, j] * y, z


@cell
def squared(xx, yy, zz, xy, xz, yz):
    """|S|² = 2 S:S [1/s²] of strains."""
    return 2.0 * (xx * xx + yy * yy + zz * zz) + 4.0 * (xy * xy + xz * xz + yz * yz)


@cell
def strained(ux, uy, uz, vx, vy, vz, wx, wy, wz):
    """|S|² [1/s²] of gradients."""
    return squared(ux, vy, wz, 0.5 * (uy + vx), 0.5 * (uz + wx), 0.5 * (vz + wy))


@cell
def damped(air: Air, mesh: Mesh, q, j, i, strain, lift):
    """What stratification leaves of an eddy viscosity: √(1 - Ri / Pr) where air is stable, else 1."""
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    rm = r - 1 if k > 0 else r
    rp = r + 1 if k < mesh.nz - 1 else r
    warmer = 0.5 * mesh.z[INVERSE, k] * (air.T[rp, j, i + 2] - air.T[rm, j, i + 2])
    stable = max(lift * warmer, 0.0)
    return math.sqrt(max(1.0 - stable / max(strain, 1e-12), 0.0))


@kernel
def smagorinsky(q, j, i, air: Air, length: Reals3, mesh: Mesh, eddies: Eddies):
    """Kinematic viscosity ν = laminar + l² |S|, |S|² = 2 S:S [Smagorinsky, Mon. Weather Rev. 91 (1963) 99].

    `length` l is Cs times the cell's size, and no more than 0.41 of the distance to a wall; one for all scenarios, or
    one for each.
    """
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    ux, uy, uz = along(air, mesh, q, j, i)
    vx, vy, vz = across(air, mesh, q, j, i)
    wx, wy, wz = upward(air, mesh, q, j, i)
    strain = strained(ux, uy, uz, vx, vy, vz, wx, wy, wz)
    left = damped(air, mesh, q, j, i, strain, eddies.lift)
    own = length[k + s * eddies.layers, j, i + 2]
    air.nu[r, j, i + 2] = eddies.laminar + own * own * math.sqrt(strain) * left


@kernel
def wale(q, j, i, air: Air, length: Reals3, mesh: Mesh, eddies: Eddies):
    """ν = laminar + l² (Sd:Sd)^1.5 / ((S:S)^2.5 + (Sd:Sd)^1.25).

    Sd is the traceless symmetric part of the squared gradient. It sees rotation as well as strain, and falls to nothing
    at a wall and in plain shear [Nicoud & Ducros, Flow Turb. Comb. 62 (1999) 183]. `length` l is Cw times the cell's
    size.
    """
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    ux, uy, uz = along(air, mesh, q, j, i)
    vx, vy, vz = across(air, mesh, q, j, i)
    wx, wy, wz = upward(air, mesh, q, j, i)
    strain = strained(ux, uy, uz, vx, vy, vz, wx, wy, wz)
    xx = ux * ux + uy * vx + uz * wx
    yy = vx * uy + vy * vy + vz * wy
    zz = wx * uz + wy * vz + wz * wz
    xy = 0.5 * (ux * uy + uy * vy + uz * wy + vx * ux + vy * vx + vz * wx)
    xz = 0.5 * (ux * uz + uy * vz + uz * wz + wx * ux + wy * vx + wz * wx)
    yz = 0.5 * (vx * uz + vy * vz + vz * wz + wx * uy + wy * vy + wz * wy)
    third = (xx + yy + zz) / 3.0
    # What follows is of order (1/s)^5 and would underflow in float32 were it not scaled by the gradient.
    scale = max(0.5 * strain + (uy - vx) * (uy - vx) + (uz - wx) * (uz - wx) + (vz - wy) * (vz - wy), 1e-12)
    turned = 0.5 * squared(xx - third, yy - third, zz - third, xy, xz, yz) / (scale * scale)
    even = 0.5 * strain / scale
    root = math.sqrt(turned)
    rate = turned * root / max(even * even * math.sqrt(even) + turned * math.sqrt(root), 1e-12)
    left = damped(air, mesh, q, j, i, strain, eddies.lift)
    own = length[k + s * eddies.layers, j, i + 2]
    air.nu[r, j, i + 2] = eddies.laminar + own * own * rate * math.sqrt(scale) * left


@kernel
def vreman(q, j, i, air: Air, length: Reals3, mesh: Mesh, eddies: Eddies):
    """ν = laminar + c √(B / (α:α)), α the gradient, B the second invariant of αᵀα weighted by the widths squared.

    It is nothing in flows that have no eddies by their form, plain shear among them [Vreman, Phys. Fluids 16 (2004)
    3670].
    """
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    ux, uy, uz = along(air, mesh, q, j, i)
    vx, vy, vz = across(air, mesh, q, j, i)
    wx, wy, wz = upward(air, mesh, q, j, i)
    strain = strained(ux, uy, uz, vx, vy, vz, wx, wy, wz)
    a = 1.0 / (mesh.x[INVERSE, i + 2] * mesh.x[INVERSE, i + 2])
    b = 1.0 / (mesh.y[INVERSE, j] * mesh.y[INVERSE, j])
    c = 1.0 / (mesh.z[INVERSE, k] * mesh.z[INVERSE, k])
    xx = a * ux * ux + b * uy * uy + c * uz * uz
    yy = a * vx * vx + b * vy * vy + c * vz * vz
    zz = a * wx * wx + b * wy * wy + c * wz * wz
    xy = a * ux * vx + b * uy * vy + c * uz * vz
    xz = a * ux * wx + b * uy * wy + c * uz * wz
    yz = a * vx * wx + b * vy * wy + c * vz * wz
    second = xx * yy - xy * xy + xx * zz - xz * xz + yy * zz - yz * yz
    whole = ux * ux + uy * uy + uz * uz + vx * vx + vy * vy + vz * vz + wx * wx + wy * wy + wz * wz
    left = damped(air, mesh, q, j, i, strain, eddies.lift)
    air.nu[r, j, i + 2] = eddies.laminar + eddies.constant * math.sqrt(max(second, 0.0) / max(whole, 1e-12)) * left


@kernel
def zero_equation(q, j, i, air: Air, length: Reals3, mesh: Mesh, eddies: Eddies):
    """Kinematic viscosity ν = laminar + 0.03874 |U| l, l the wall's distance [Chen & Xu, 1998]."""
    s = q // mesh.nz
    r = q + s
    a = 0.5 * (air.u[r, j, i + 2] + air.u[r, j, i + 3])
    b = 0.5 * (air.v[r, j, i + 2] + air.v[r, j + 1, i + 2])
    c = 0.5 * (air.w[r, j, i + 2] + air.w[r + 1, j, i + 2])
    own = length[q - s * mesh.nz, j, i + 2]
    air.nu[r, j, i + 2] = eddies.laminar + eddies.constant * own * math.sqrt(a * a + b * b + c * c)


# ---- a constant that the flow gives ------------------------------------------------------------------------------
# It is found a window of planes after another, so that what is filtered stays small and near; planes q are of all
# scenarios, one after another. Arrays hold those of a window and what stands beside it, with a ghost at both ends of x.


class Window(NamedTuple):
    """The planes with which a kernel and what it is given begin, and for how many that and `out` have room."""

    begin: Int
    given: Int
    planes: Int
    filled: Int


@cell
def plane(mesh: Mesh, q, c):
    """Plane below a cell, of it or above it, by one of SIDES; at a wall the nearest there is."""
    s = q // mesh.nz
    return s * mesh.nz + min(max(q - s * mesh.nz + c - 1, 0), mesh.nz - 1)


@cell
def weight(n):
    """Share of what stands at one of SIDES in a filter two cells wide, by the trapezoidal rule."""
    return 0.5 if n == 1 else 0.25


@kernel
def moments(m, j, i, air: Air, mesh: Mesh, out: Reals3, window: Window):
    """Velocities in the middle of a cell, its strains and |S|, one after another in `out`, (10 filled, ny, nx + 2)."""
    q = m + window.begin
    r = q + q // mesh.nz
    more = window.filled
    ux, uy, uz = along(air, mesh, q, j, i)
    vx, vy, vz = across(air, mesh, q, j, i)
    wx, wy, wz = upward(air, mesh, q, j, i)
    out[m, j, i + 1] = 0.5 * (air.u[r, j, i + 2] + air.u[r, j, i + 3])
    out[m + more, j, i + 1] = 0.5 * (air.v[r, j, i + 2] + air.v[r, j + 1, i + 2])
    out[m + 2 * more, j, i + 1] = 0.5 * (air.w[r, j, i + 2] + air.w[r + 1, j, i + 2])
    xy = 0.5 * (uy + vx)
    xz = 0.5 * (uz + wx)
    yz = 0.5 * (vz + wy)
    out[m + 3 * more, j, i + 1] = ux
    out[m + 4 * more, j, i + 1] = vy
    out[m + 5 * more, j, i + 1] = wz
    out[m + 6 * more, j, i + 1] = xy
    out[m + 7 * more, j, i + 1] = xz
    out[m + 8 * more, j, i + 1] = yz
    out[m + 9 * more, j, i + 1] = math.sqrt(squared(ux, vy, wz, xy, xz, yz))


@kernel
def ended(q, j, values: Reals3, mesh: Mesh):
    """The ghosts of a row, (..., ny, nx + 2), have what lies beside them."""
    values[q, j, 0] = values[q, j, 1]
    values[q, j, mesh.nx + 1] = values[q, j, mesh.nx]


@kernel
def stresses(m, j, i, given: Reals3, mesh: Mesh, out: Reals3, window: Window):
    """What a filter two cells wide resolves of stress, L:M and M:M of Germano's identity, one after the other in `out`.

    L = filtered (u u) - filtered u filtered u, M = 2 Δ² (filtered (|S| S) - 4 |filtered S| filtered S) [Germano et al.,
    Phys. Fluids A 3 (1991) 1760]; `given` is what `moments` gave, `out` (2 filled, ny, nx + 2).
    """
    q = m + window.begin
    k = q - q // mesh.nz * mesh.nz
    more = window.planes
    u = 0.0
    v = 0.0
    w = 0.0
    uu = 0.0
    vv = 0.0
    ww = 0.0
    uv = 0.0
    uw = 0.0
    vw = 0.0
    xx = 0.0
    yy = 0.0
    zz = 0.0
    xy = 0.0
    xz = 0.0
    yz = 0.0
    mxx = 0.0
    myy = 0.0
    mzz = 0.0
    mxy = 0.0
    mxz = 0.0
    myz = 0.0
    for c in SIDES:
        for b in SIDES:
            row = plane(mesh, q, c) - window.given
            jj = min(max(j + b - 1, 0), mesh.ny - 1)
            for a in SIDES:
                share = weight(c) * weight(b) * weight(a)
                p = given[row, jj, i + a]
                o = given[row + more, jj, i + a]
                e = given[row + 2 * more, jj, i + a]
                u += share * p
                v += share * o
                w += share * e
                uu += share * p * p
                vv += share * o * o
                ww += share * e * e
                uv += share * p * o
                uw += share * p * e
                vw += share * o * e
                sxx = given[row + 3 * more, jj, i + a]
                syy = given[row + 4 * more, jj, i + a]
                szz = given[row + 5 * more, jj, i + a]
                sxy = given[row + 6 * more, jj, i + a]
                sxz = given[row + 7 * more, jj, i + a]
                syz = given[row + 8 * more, jj, i + a]
                size = share * given[row + 9 * more, jj, i + a]
                xx += share * sxx
                yy += share * syy
                zz += share * szz
                xy += share * sxy
                xz += share * sxz
                yz += share * syz
                mxx += size * sxx
                myy += size * syy
                mzz += size * szz
                mxy += size * sxy
                mxz += size * sxz
                myz += size * syz
    wide = 4.0 * math.sqrt(squared(xx, yy, zz, xy, xz, yz))
    width = 1.0 / (mesh.x[INVERSE, i + 2] * mesh.y[INVERSE, j] * mesh.z[INVERSE, k])
    double = 2.0 * math.pow(width, 0.6666666666666666)
    mxx = double * (mxx - wide * xx)
    myy = double * (myy - wide * yy)
    mzz = double * (mzz - wide * zz)
    mxy = double * (mxy - wide * xy)
    mxz = double * (mxz - wide * xz)
    myz = double * (myz - wide * yz)
    # M has no trace but that of rounding, and of the ends of filters at walls: only what is traceless of L counts.
    third = (uu - u * u + vv - v * v + ww - w * w) / 3.0
    lm = (uu - u * u - third) * mxx + (vv - v * v - third) * myy + (ww - w * w - third) * mzz
    out[m, j, i + 1] = lm + 2.0 * ((uv - u * v) * mxy + (uw - u * w) * mxz + (vw - v * w) * myz)
    out[m + window.filled, j, i + 1] = mxx * mxx + myy * myy + mzz * mzz + 2.0 * (mxy * mxy + mxz * mxz + myz * myz)


@kernel
def dynamic(m, j, i, given: Reals3, near: Reals3, mesh: Mesh, length: Reals3, window: Window):
    """The length of Smagorinsky's model that the flow itself gives, l² = Δ² (L:M) / (M:M), both sums over neighbours.

    Least squares of Lilly (Phys. Fluids A 4 (1992) 633), over the cell and those around it; the square of the constant
    lies between 0 and 0.3², and l is no more than `near`, 0.41 of the distance to a wall.
    """
    q = m + window.begin
    s = q // mesh.nz
    k = q - s * mesh.nz
    lm = 0.0
    mm = 0.0
    for c in SIDES:
        for b in SIDES:
            row = plane(mesh, q, c) - window.given
            jj = min(max(j + b - 1, 0), mesh.ny - 1)
            for a in SIDES:
                lm += given[row, jj, i + a]
                mm += given[row + window.planes, jj, i + a]
    square = min(max(lm / max(mm, 1e-30), 0.0), MAX_CONSTANT * MAX_CONSTANT)
    width = 1.0 / (mesh.x[INVERSE, i + 2] * mesh.y[INVERSE, j] * mesh.z[INVERSE, k])
    length[q + s, j, i + 2] = min(math.sqrt(square) * math.pow(width, 0.3333333333333333), near[k, j, i + 2])


# ---- walls -------------------------------------------------------------------------------------------------------


@kernel
def wall_law(s, f, faces: Pulled, field: Reals3, layers: Int, laminar: Real):
    """Friction coefficient over cell size [1/m] of faces along walls, from the logarithmic law u+ = ln(9.8 y+) / 0.41.

    `reach` is a face's distance to its wall [m], half a cell; 0 where there is none. Newton's steps on u+ from the
    seventh-root law [Werner & Wengle, 1991]; u+ = y+ in the viscous layer.
    """
    if faces.reach[f] == 0.0:
        return
    r = s * layers + faces.layer[f]
    re = max(abs(field[r, faces.row[f], faces.column[f]]) * faces.reach[f] / laminar, 1e-6)
    plus = math.sqrt(re)
    if re > 134.0:
        plus = 6.372 * math.pow(re, 0.125)
        for _step in range(2):
            wrong = plus - math.log(9.8 * re / plus) / 0.41
            plus -= wrong / (1.0 + 1.0 / (0.41 * plus))
    faces.wall[f, s] = 0.5 / (plus * plus * faces.reach[f])
