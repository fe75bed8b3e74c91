"""Eddy viscosity of air in rooms, cell by cell; see `momentum` for the grid."""

import math

from twin.kernels.cell import Int, Ints1, Real, Reals1, Reals2, Reals3, kernel
from twin.kernels.momentum import INVERSE


@kernel
def smagorinsky(
    q,
    j,
    i,
    u: Reals3,
    v: Reals3,
    w: Reals3,
    length: Reals3,
    nu: Reals3,
    x: Reals2,
    y: Reals2,
    z: Reals2,
    ny: Int,
    nz: Int,
    laminar: Real,
):
    """Kinematic viscosity ν = laminar + l² |S|, |S|² = 2 S:S [Smagorinsky, Mon. Weather Rev. 91 (1963) 99].

    `length` l is Cs times the cell's size, and at most 0.41 of the distance to a wall.
    """
    s = q // nz
    k = q - s * nz
    r = q + s
    jm = max(j - 1, 0)
    jp = min(j + 1, ny - 1)
    rm = r - 1 if k > 0 else r
    rp = r + 1 if k < nz - 1 else r
    b = y[INVERSE, j]
    c = z[INVERSE, k]
    a = x[INVERSE, i + 2]
    dx = a * (u[r, j, i + 3] - u[r, j, i + 2])
    dy = b * (v[r, j + 1, i + 2] - v[r, j, i + 2])
    dz = c * (w[r + 1, j, i + 2] - w[r, j, i + 2])
    uy = b * (u[r, jp, i + 2] + u[r, jp, i + 3] - u[r, jm, i + 2] - u[r, jm, i + 3])
    uz = c * (u[rp, j, i + 2] + u[rp, j, i + 3] - u[rm, j, i + 2] - u[rm, j, i + 3])
    vx = a * (v[r, j, i + 3] + v[r, j + 1, i + 3] - v[r, j, i + 1] - v[r, j + 1, i + 1])
    vz = c * (v[rp, j, i + 2] + v[rp, j + 1, i + 2] - v[rm, j, i + 2] - v[rm, j + 1, i + 2])
    wx = a * (w[r, j, i + 3] + w[r + 1, j, i + 3] - w[r, j, i + 1] - w[r + 1, j, i + 1])
    wy = b * (w[r, jp, i + 2] + w[r + 1, jp, i + 2] - w[r, jm, i + 2] - w[r + 1, jm, i + 2])
    xy = uy + vx
    xz = uz + wx
    yz = vz + wy
    strain = 2.0 * (dx * dx + dy * dy + dz * dz) + 0.0625 * (xy * xy + xz * xz + yz * yz)
    nu[r, j, i + 2] = laminar + length[k, j, i + 2] * length[k, j, i + 2] * math.sqrt(strain)


@kernel
def zero_equation(q, j, i, u: Reals3, v: Reals3, w: Reals3, length: Reals3, nu: Reals3, nz: Int, laminar: Real):
    """Kinematic viscosity ν = laminar + 0.03874 |U| l, l the wall's distance [Chen & Xu, 1998]."""
    s = q // nz
    r = q + s
    a = 0.5 * (u[r, j, i + 2] + u[r, j, i + 3])
    b = 0.5 * (v[r, j, i + 2] + v[r, j + 1, i + 2])
    c = 0.5 * (w[r, j, i + 2] + w[r + 1, j, i + 2])
    nu[r, j, i + 2] = laminar + 0.03874 * length[q - s * nz, j, i + 2] * math.sqrt(a * a + b * b + c * c)


@kernel
def wall_law(
    s,
    f,
    layer: Ints1,
    row: Ints1,
    column: Ints1,
    reach: Reals1,
    field: Reals3,
    wall: Reals2,
    layers: Int,
    laminar: Real,
):
    """Friction coefficient over cell size [1/m] of faces along walls, from the logarithmic law u+ = ln(9.8 y+) / 0.41.

    `reach` is a face's distance to its wall [m], half a cell; 0 where there is none. Newton's steps on u+ from the
    seventh-root law [Werner & Wengle, 1991]; u+ = y+ in the viscous layer.
    """
    if reach[f] == 0.0:
        return
    r = s * layers + layer[f]
    re = max(abs(field[r, row[f], column[f]]) * reach[f] / laminar, 1e-6)
    plus = math.sqrt(re)
    if re > 134.0:
        plus = 6.372 * math.pow(re, 0.125)
        for _step in range(2):
            wrong = plus - math.log(9.8 * re / plus) / 0.41
            plus -= wrong / (1.0 + 1.0 / (0.41 * plus))
    wall[f, s] = 0.5 / (plus * plus * reach[f])
