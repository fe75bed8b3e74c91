"""Eddy viscosity of air in rooms, cell by cell; see `momentum` for the grid."""

import math

from twin.kernels.cell import Int, Real, Reals3, kernel
from twin.kernels.momentum import INVERSE, Air, Mesh, Pulled


@kernel
def smagorinsky(q, j, i, air: Air, length: Reals3, mesh: Mesh, laminar: Real):
    """Kinematic viscosity ν = laminar + l² |S|, |S|² = 2 S:S [Smagorinsky, Mon. Weather Rev. 91 (1963) 99].

    `length` l is Cs times the cell's size, and no more than 0.41 of the distance to a wall.
    """
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    jm = max(j - 1, 0)
    jp = min(j + 1, mesh.ny - 1)
    rm = r - 1 if k > 0 else r
    rp = r + 1 if k < mesh.nz - 1 else r
    b = mesh.y[INVERSE, j]
    c = mesh.z[INVERSE, k]
    a = mesh.x[INVERSE, i + 2]
    dx = a * (air.u[r, j, i + 3] - air.u[r, j, i + 2])
    dy = b * (air.v[r, j + 1, i + 2] - air.v[r, j, i + 2])
    dz = c * (air.w[r + 1, j, i + 2] - air.w[r, j, i + 2])
    uy = b * (air.u[r, jp, i + 2] + air.u[r, jp, i + 3] - air.u[r, jm, i + 2] - air.u[r, jm, i + 3])
    uz = c * (air.u[rp, j, i + 2] + air.u[rp, j, i + 3] - air.u[rm, j, i + 2] - air.u[rm, j, i + 3])
    vx = a * (air.v[r, j, i + 3] + air.v[r, j + 1, i + 3] - air.v[r, j, i + 1] - air.v[r, j + 1, i + 1])
    vz = c * (air.v[rp, j, i + 2] + air.v[rp, j + 1, i + 2] - air.v[rm, j, i + 2] - air.v[rm, j + 1, i + 2])
    wx = a * (air.w[r, j, i + 3] + air.w[r + 1, j, i + 3] - air.w[r, j, i + 1] - air.w[r + 1, j, i + 1])
    wy = b * (air.w[r, jp, i + 2] + air.w[r + 1, jp, i + 2] - air.w[r, jm, i + 2] - air.w[r + 1, jm, i + 2])
    xy = uy + vx
    xz = uz + wx
    yz = vz + wy
    strain = 2.0 * (dx * dx + dy * dy + dz * dz) + 0.0625 * (xy * xy + xz * xz + yz * yz)
    air.nu[r, j, i + 2] = laminar + length[k, j, i + 2] * length[k, j, i + 2] * math.sqrt(strain)


@kernel
def zero_equation(q, j, i, air: Air, length: Reals3, mesh: Mesh, laminar: Real):
    """Kinematic viscosity ν = laminar + 0.03874 |U| l, l the wall's distance [Chen & Xu, 1998]."""
    s = q // mesh.nz
    r = q + s
    a = 0.5 * (air.u[r, j, i + 2] + air.u[r, j, i + 3])
    b = 0.5 * (air.v[r, j, i + 2] + air.v[r, j + 1, i + 2])
    c = 0.5 * (air.w[r, j, i + 2] + air.w[r + 1, j, i + 2])
    air.nu[r, j, i + 2] = laminar + 0.03874 * length[q - s * mesh.nz, j, i + 2] * math.sqrt(a * a + b * b + c * c)


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
