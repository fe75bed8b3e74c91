"""Temperature, or another scalar, carried by air: limited advection and turbulent diffusion; see `momentum`.

    T+ = T + dt (a G(T) - b G(T before) + implicit κ ∇²T),    G = -∇·(u T) + ∇·(κ ∇T),    κ = rest + share ν

`open` says through which lower faces of a cell heat may diffuse: 1 for x, 2 for y, 4 for z, added up. Blocked faces
carry no flow, and nothing must diffuse through a panel that separates a cold aisle from a hot one.
"""

from typing import NamedTuple

from twin.kernels.cell import Int, Ints1, Reals2, Reals3, cell, kernel
from twin.kernels.momentum import CENTRES, INVERSE, NOW, STEP, THEN, Air, Mesh, Scheme, carried


class Held(NamedTuple):
    """Cells drawn towards a target at a rate [1/s] and heated by a source [K/s]: places (m,), numbers (m, S)."""

    layer: Ints1
    row: Ints1
    column: Ints1
    rate: Reals2
    target: Reals2
    source: Reals2


@cell
def open_z(code):
    """1 where heat diffuses through the face below."""
    return 1.0 if code > 3.5 else 0.0


@cell
def open_y(code):
    """1 where heat diffuses through the face before in y."""
    rest = code - 4.0 * open_z(code)
    return 1.0 if rest > 1.5 else 0.0


@cell
def open_x(code):
    """1 where heat diffuses through the face before in x."""
    rest = code - 4.0 * open_z(code)
    return rest - 2.0 * open_y(code)


@kernel
def transport(
    q, j, i, air: Air, open: Reals3, old: Reals3, new: Reals3, mesh: Mesh, clock: Reals2, side: Reals2, scheme: Scheme
):
    """The scalar of cell (q, j, i) after the step."""
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    jm = max(j - 1, 0)
    jp = min(j + 1, mesh.ny - 1)
    rm = r - 1 if k > 0 else r
    rp = r + 1 if k < mesh.nz - 1 else r
    south_a = side[2, 6] if j == 0 else 1.0
    south_b = side[2, 7] if j == 0 else 0.0
    north_a = side[3, 6] if j == mesh.ny - 1 else 1.0
    north_b = side[3, 7] if j == mesh.ny - 1 else 0.0
    below_a = side[4, 6] if k == 0 else 1.0
    below_b = side[4, 7] if k == 0 else 0.0
    above_a = side[5, 6] if k == mesh.nz - 1 else 1.0
    above_b = side[5, 7] if k == mesh.nz - 1 else 0.0
    far_south_a = side[2, 6] if j < 2 else 1.0
    far_south_b = side[2, 7] if j < 2 else 0.0
    far_north_a = side[3, 6] if j > mesh.ny - 3 else 1.0
    far_north_b = side[3, 7] if j > mesh.ny - 3 else 0.0
    far_below_a = side[4, 6] if k < 2 else 1.0
    far_below_b = side[4, 7] if k < 2 else 0.0
    far_above_a = side[5, 6] if k > mesh.nz - 3 else 1.0
    far_above_b = side[5, 7] if k > mesh.nz - 3 else 0.0
    to_south = mesh.y[CENTRES, j]
    to_north = mesh.y[CENTRES, j + 1]
    per_y = mesh.y[INVERSE, j]
    to_below = mesh.z[CENTRES, k]
    to_above = mesh.z[CENTRES, k + 1]
    per_z = mesh.z[INVERSE, k]
    now = clock[s, NOW]
    then = clock[s, THEN]
    dt = clock[s, STEP]
    c = air.T[r, j, i + 2]
    d = air.T[r, j, i + 1]
    e = air.T[r, j, i + 3]
    south = air.T[r, jm, i + 2] * south_a + south_b
    north = air.T[r, jp, i + 2] * north_a + north_b
    below = air.T[rm, j, i + 2] * below_a + below_b
    above = air.T[rp, j, i + 2] * above_a + above_b
    west = carried(air.u[r, j, i + 2], 0.0, air.T[r, j, i], d, c, e)
    east = carried(air.u[r, j, i + 3], 0.0, d, c, e, air.T[r, j, i + 4])
    far = air.T[r, max(j - 2, 0), i + 2] * far_south_a + far_south_b
    low = carried(air.v[r, j, i + 2], 0.0, far, south, c, north)
    far = air.T[r, min(j + 2, mesh.ny - 1), i + 2] * far_north_a + far_north_b
    high = carried(air.v[r, j + 1, i + 2], 0.0, south, c, north, far)
    far = air.T[r - 2 if k > 1 else r - k, j, i + 2] * far_below_a + far_below_b
    under = carried(air.w[r, j, i + 2], 0.0, far, below, c, above)
    top = r + 2 if k < mesh.nz - 2 else r + mesh.nz - 1 - k
    far = air.T[top, j, i + 2] * far_above_a + far_above_b
    over = carried(air.w[r + 1, j, i + 2], 0.0, below, c, above, far)
    own = open[k, j, i + 2]
    half = 0.5 * scheme.share
    n = air.nu[r, j, i + 2]
    ease = open_x(own) * (scheme.rest + half * (n + air.nu[r, j, i + 1])) * mesh.x[CENTRES, i + 2] * (c - d)
    heat = (
        open_x(open[k, j, i + 3]) * (scheme.rest + half * (n + air.nu[r, j, i + 3])) * mesh.x[CENTRES, i + 3] * (e - c)
    )
    spread = (heat - ease) * mesh.x[INVERSE, i + 2]
    ease = open_y(own) * (scheme.rest + half * (n + air.nu[r, jm, i + 2])) * to_south * (c - south)
    heat = open_y(open[k, j + 1, i + 2]) * (scheme.rest + half * (n + air.nu[r, jp, i + 2])) * to_north * (north - c)
    spread += (heat - ease) * per_y
    ease = open_z(own) * (scheme.rest + half * (n + air.nu[rm, j, i + 2])) * to_below * (c - below)
    heat = open_z(open[k + 1, j, i + 2]) * (scheme.rest + half * (n + air.nu[rp, j, i + 2])) * to_above * (above - c)
    spread += (heat - ease) * per_z
    g = (west - east) * mesh.x[INVERSE, i + 2] + (low - high) * per_y + (under - over) * per_z
    g += (1.0 - scheme.implicit) * spread
    gain = now * g - then * old[r, j, i + 2] + scheme.implicit * spread
    new[r, j, i + 2] = c + dt * gain
    old[r, j, i + 2] = g


@kernel
def exchange(s, c, cells: Held, T: Reals3, given: Reals2, clock: Reals2, layers: Int):
    """Cells drawn towards a target at a rate [1/s] and heated by a source [K/s]; `given` [K/s] is what that gave."""
    r = s * layers + cells.layer[c]
    before = T[r, cells.row[c], cells.column[c]]
    dt = clock[s, STEP]
    after = (before + dt * (cells.rate[c, s] * cells.target[c, s] + cells.source[c, s])) / (1.0 + dt * cells.rate[c, s])
    T[r, cells.row[c], cells.column[c]] = after
    given[c, s] += after - before


@kernel
def ghosts(q, j, air: Air, side: Reals2, mesh: Mesh):
    """Fill the ghosts in x of a row: of faces along x with what the walls' faces hold, else after the sides."""
    r = q + q // mesh.nz
    air.u[r, j, 1] = air.u[r, j, 2]
    air.u[r, j, mesh.nx + 3] = air.u[r, j, mesh.nx + 2]
    air.v[r, j, 1] = side[0, 2] * air.v[r, j, 2] + side[0, 3]
    air.v[r, j, 0] = side[0, 2] * air.v[r, j, 3] + side[0, 3]
    air.v[r, j, mesh.nx + 2] = side[1, 2] * air.v[r, j, mesh.nx + 1] + side[1, 3]
    air.v[r, j, mesh.nx + 3] = side[1, 2] * air.v[r, j, mesh.nx] + side[1, 3]
    air.w[r, j, 1] = side[0, 4] * air.w[r, j, 2] + side[0, 5]
    air.w[r, j, 0] = side[0, 4] * air.w[r, j, 3] + side[0, 5]
    air.w[r, j, mesh.nx + 2] = side[1, 4] * air.w[r, j, mesh.nx + 1] + side[1, 5]
    air.w[r, j, mesh.nx + 3] = side[1, 4] * air.w[r, j, mesh.nx] + side[1, 5]
    air.T[r, j, 1] = side[0, 6] * air.T[r, j, 2] + side[0, 7]
    air.T[r, j, 0] = side[0, 6] * air.T[r, j, 3] + side[0, 7]
    air.T[r, j, mesh.nx + 2] = side[1, 6] * air.T[r, j, mesh.nx + 1] + side[1, 7]
    air.T[r, j, mesh.nx + 3] = side[1, 6] * air.T[r, j, mesh.nx] + side[1, 7]


@kernel
def mirrored(q, j, nu: Reals3, mesh: Mesh):
    """Fill the ghosts in x of a row of viscosities."""
    r = q + q // mesh.nz
    nu[r, j, 1] = nu[r, j, 2]
    nu[r, j, mesh.nx + 2] = nu[r, j, mesh.nx + 1]
