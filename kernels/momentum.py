"""Velocity of air on a staggered grid: advection, diffusion, buoyancy and the pressure's push, as point functions.

Cells are (scenario and z, y, x), velocities stand on their lower faces. Each scenario has nz + 1 layers of ny + 1 rows
of nx + 4 numbers: two ghosts before and after x, so that the inner loop has no edge, and one more layer and row for the
last faces. In y and z a ghost is a x own + b of its side: no slip (-1, twice the wall's velocity), slip (1, 0).

    u* = u + dt (a G(u) - b G(u before) + implicit ν ∇²u - ∇p),    G = -∇·(u u) + ∇·(ν ∇u) + lift T

after Adams and Bashforth, a = 1 + dt / 2 dt_before. Momentum is carried by Koren's limited third-order upwind or by
central differences; mass fluxes through the faces of a velocity's own cell are the sums of its neighbours', so that
what conserves mass conserves momentum [Harlow & Welch, Phys. Fluids 8 (1965) 2182; Koren, in Vreugdenhil & Koren
(eds.), Numerical Methods for Advection-Diffusion Problems, 1993].
"""

from typing import NamedTuple

from twin.kernels.cell import Int, Ints1, Real, Reals1, Reals2, Reals3, cell, kernel

INVERSE, CENTRES, BEFORE, AFTER = range(4)
"""Rows of an axis: 1 / width of a cell, 1 / distance of the centres at a face, shares of the cells at a face."""

STEP, NOW, THEN = range(3)
"""Columns of a scenario's clock: time step, and the weights a and b."""

PARTS = 8
"""Parts of a row of cells that are looked at beside each other."""


class Air(NamedTuple):
    """Fields with ghosts, (S (nz + 1), ny + 1, nx + 4): velocities [m/s], temperature [K], viscosity, pressure."""

    u: Reals3
    v: Reals3
    w: Reals3
    T: Reals3
    nu: Reals3
    p: Reals3


class Mesh(NamedTuple):
    """Tables of the axes, rows INVERSE to AFTER by place in the arrays, and how many cells they have."""

    x: Reals2
    y: Reals2
    z: Reals2
    nx: Int
    ny: Int
    nz: Int


class Scheme(NamedTuple):
    """Central differences and implicit diffusion as 0 or 1; lift [m/s²/K]; κ = rest [m²/s] + share ν."""

    central: Real
    implicit: Real
    lift: Real
    share: Real
    rest: Real


class Pulled(NamedTuple):
    """Faces that something pulls at: places (m,), numbers (m, S), and the reach of walls (m,) [m]."""

    layer: Ints1
    row: Ints1
    column: Ints1
    rate: Reals2
    loss: Reals2
    target: Reals2
    wall: Reals2
    reach: Reals1


@cell
def limited(up, centre, down):
    """Half of Koren's limited slope: third order where smooth, none at an extremum."""
    a = centre - up
    b = down - centre
    s = 0.5 if b > 0.0 else -0.5
    return s * max(0.0, min(2.0 * abs(b), min(4.0 * s * a, s * (a + 2.0 * b) * 0.6666666666666666)))


@cell
def carried(velocity, central, far, near, beyond, further):
    """Flow through a face per area: values far and near are on its lower side, beyond and further on the upper."""
    forth = velocity > 0.0
    up = far if forth else further
    centre = near if forth else beyond
    down = beyond if forth else near
    third = centre + limited(up, centre, down)
    return velocity * (third + central * (0.5 * (near + beyond) - third))


@kernel
def momentum_x(q, j, i, air: Air, old: Reals3, new: Reals3, mesh: Mesh, clock: Reals2, side: Reals2, scheme: Scheme):
    """Velocity u* on the face before cell i + 1."""
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    jm = max(j - 1, 0)
    jp = min(j + 1, mesh.ny - 1)
    rm = r - 1 if k > 0 else r
    rp = r + 1 if k < mesh.nz - 1 else r
    south_a = side[2, 0] if j == 0 else 1.0
    south_b = side[2, 1] if j == 0 else 0.0
    north_a = side[3, 0] if j == mesh.ny - 1 else 1.0
    north_b = side[3, 1] if j == mesh.ny - 1 else 0.0
    below_a = side[4, 0] if k == 0 else 1.0
    below_b = side[4, 1] if k == 0 else 0.0
    above_a = side[5, 0] if k == mesh.nz - 1 else 1.0
    above_b = side[5, 1] if k == mesh.nz - 1 else 0.0
    far_south_a = side[2, 0] if j < 2 else 1.0
    far_south_b = side[2, 1] if j < 2 else 0.0
    far_north_a = side[3, 0] if j > mesh.ny - 3 else 1.0
    far_north_b = side[3, 1] if j > mesh.ny - 3 else 0.0
    far_below_a = side[4, 0] if k < 2 else 1.0
    far_below_b = side[4, 1] if k < 2 else 0.0
    far_above_a = side[5, 0] if k > mesh.nz - 3 else 1.0
    far_above_b = side[5, 1] if k > mesh.nz - 3 else 0.0
    to_north = mesh.y[CENTRES, j + 1]
    to_south = mesh.y[CENTRES, j]
    per_y = mesh.y[INVERSE, j]
    to_above = mesh.z[CENTRES, k + 1]
    to_below = mesh.z[CENTRES, k]
    per_z = mesh.z[INVERSE, k]
    dt = clock[s, STEP]
    now = clock[s, NOW]
    then = clock[s, THEN]
    c = air.u[r, j, i + 3]
    d = air.u[r, j, i + 2]
    e = air.u[r, j, i + 4]
    south = air.u[r, jm, i + 3] * south_a + south_b
    north = air.u[r, jp, i + 3] * north_a + north_b
    below = air.u[rm, j, i + 3] * below_a + below_b
    above = air.u[rp, j, i + 3] * above_a + above_b
    before = mesh.x[BEFORE, i + 3]
    after = mesh.x[AFTER, i + 3]
    west = carried(0.5 * (d + c), scheme.central, air.u[r, j, i + 1], d, c, e)
    east = carried(0.5 * (c + e), scheme.central, d, c, e, air.u[r, j, i + 5])
    far = air.u[r, max(j - 2, 0), i + 3] * far_south_a + far_south_b
    flow = before * air.v[r, j, i + 2] + after * air.v[r, j, i + 3]
    low = carried(flow, scheme.central, far, south, c, north)
    far = air.u[r, min(j + 2, mesh.ny - 1), i + 3] * far_north_a + far_north_b
    flow = before * air.v[r, j + 1, i + 2] + after * air.v[r, j + 1, i + 3]
    high = carried(flow, scheme.central, south, c, north, far)
    far = air.u[r - 2 if k > 1 else r - k, j, i + 3] * far_below_a + far_below_b
    flow = before * air.w[r, j, i + 2] + after * air.w[r, j, i + 3]
    under = carried(flow, scheme.central, far, below, c, above)
    top = r + 2 if k < mesh.nz - 2 else r + mesh.nz - 1 - k
    far = air.u[top, j, i + 3] * far_above_a + far_above_b
    flow = before * air.w[r + 1, j, i + 2] + after * air.w[r + 1, j, i + 3]
    over = carried(flow, scheme.central, below, c, above, far)
    n0 = air.nu[r, j, i + 2]
    n1 = air.nu[r, j, i + 3]
    both = n0 + n1
    n2 = 0.25 * (both + air.nu[r, jm, i + 2] + air.nu[r, jm, i + 3])
    n3 = 0.25 * (both + air.nu[r, jp, i + 2] + air.nu[r, jp, i + 3])
    n4 = 0.25 * (both + air.nu[rm, j, i + 2] + air.nu[rm, j, i + 3])
    n5 = 0.25 * (both + air.nu[rp, j, i + 2] + air.nu[rp, j, i + 3])
    spread = (n1 * (e - c) * mesh.x[INVERSE, i + 3] - n0 * (c - d) * mesh.x[INVERSE, i + 2]) * mesh.x[CENTRES, i + 3]
    spread += (n3 * (north - c) * to_north - n2 * (c - south) * to_south) * per_y
    spread += (n5 * (above - c) * to_above - n4 * (c - below) * to_below) * per_z
    g = (west - east) * mesh.x[CENTRES, i + 3] + (low - high) * per_y + (under - over) * per_z
    g += (1.0 - scheme.implicit) * spread
    push = scheme.implicit * spread - (air.p[r, j, i + 3] - air.p[r, j, i + 2]) * mesh.x[CENTRES, i + 3]
    new[r, j, i + 3] = c + dt * (now * g - then * old[r, j, i + 3] + push)
    old[r, j, i + 3] = g


@kernel
def momentum_y(q, jj, i, air: Air, old: Reals3, new: Reals3, mesh: Mesh, clock: Reals2, side: Reals2, scheme: Scheme):
    """Velocity v* on the face before cell jj + 1."""
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    j = jj + 1
    rm = r - 1 if k > 0 else r
    rp = r + 1 if k < mesh.nz - 1 else r
    below_a = side[4, 2] if k == 0 else 1.0
    below_b = side[4, 3] if k == 0 else 0.0
    above_a = side[5, 2] if k == mesh.nz - 1 else 1.0
    above_b = side[5, 3] if k == mesh.nz - 1 else 0.0
    far_below_a = side[4, 2] if k < 2 else 1.0
    far_below_b = side[4, 3] if k < 2 else 0.0
    far_above_a = side[5, 2] if k > mesh.nz - 3 else 1.0
    far_above_b = side[5, 3] if k > mesh.nz - 3 else 0.0
    before = mesh.y[BEFORE, j]
    after = mesh.y[AFTER, j]
    per_y = mesh.y[INVERSE, j]
    per_y_south = mesh.y[INVERSE, j - 1]
    to_south = mesh.y[CENTRES, j]
    to_above = mesh.z[CENTRES, k + 1]
    to_below = mesh.z[CENTRES, k]
    per_z = mesh.z[INVERSE, k]
    dt = clock[s, STEP]
    now = clock[s, NOW]
    then = clock[s, THEN]
    c = air.v[r, j, i + 2]
    d = air.v[r, j - 1, i + 2]
    e = air.v[r, j + 1, i + 2]
    west = air.v[r, j, i + 1]
    east = air.v[r, j, i + 3]
    below = air.v[rm, j, i + 2] * below_a + below_b
    above = air.v[rp, j, i + 2] * above_a + above_b
    south = carried(0.5 * (d + c), scheme.central, air.v[r, max(j - 2, 0), i + 2], d, c, e)
    north = carried(0.5 * (c + e), scheme.central, d, c, e, air.v[r, min(j + 2, mesh.ny), i + 2])
    flow = before * air.u[r, j - 1, i + 2] + after * air.u[r, j, i + 2]
    low = carried(flow, scheme.central, air.v[r, j, i], west, c, east)
    flow = before * air.u[r, j - 1, i + 3] + after * air.u[r, j, i + 3]
    high = carried(flow, scheme.central, west, c, east, air.v[r, j, i + 4])
    far = air.v[r - 2 if k > 1 else r - k, j, i + 2] * far_below_a + far_below_b
    flow = before * air.w[r, j - 1, i + 2] + after * air.w[r, j, i + 2]
    under = carried(flow, scheme.central, far, below, c, above)
    top = r + 2 if k < mesh.nz - 2 else r + mesh.nz - 1 - k
    far = air.v[top, j, i + 2] * far_above_a + far_above_b
    flow = before * air.w[r + 1, j - 1, i + 2] + after * air.w[r + 1, j, i + 2]
    over = carried(flow, scheme.central, below, c, above, far)
    n0 = air.nu[r, j - 1, i + 2]
    n1 = air.nu[r, j, i + 2]
    both = n0 + n1
    n2 = 0.25 * (both + air.nu[r, j - 1, i + 1] + air.nu[r, j, i + 1])
    n3 = 0.25 * (both + air.nu[r, j - 1, i + 3] + air.nu[r, j, i + 3])
    n4 = 0.25 * (both + air.nu[rm, j - 1, i + 2] + air.nu[rm, j, i + 2])
    n5 = 0.25 * (both + air.nu[rp, j - 1, i + 2] + air.nu[rp, j, i + 2])
    spread = (n1 * (e - c) * per_y - n0 * (c - d) * per_y_south) * to_south
    spread += (n3 * (east - c) * mesh.x[CENTRES, i + 3] - n2 * (c - west) * mesh.x[CENTRES, i + 2]) * mesh.x[
        INVERSE, i + 2
    ]
    spread += (n5 * (above - c) * to_above - n4 * (c - below) * to_below) * per_z
    g = (south - north) * to_south + (low - high) * mesh.x[INVERSE, i + 2] + (under - over) * per_z
    g += (1.0 - scheme.implicit) * spread
    push = scheme.implicit * spread - (air.p[r, j, i + 2] - air.p[r, j - 1, i + 2]) * to_south
    new[r, j, i + 2] = c + dt * (now * g - then * old[r, j, i + 2] + push)
    old[r, j, i + 2] = g


@kernel
def momentum_z(q, j, i, air: Air, old: Reals3, new: Reals3, mesh: Mesh, clock: Reals2, side: Reals2, scheme: Scheme):
    """Velocity w* on the face below cell q + 1; `lift` [m/s²/K] is gravity over the reference temperature."""
    s = q // (mesh.nz - 1)
    k = q - s * (mesh.nz - 1) + 1
    r = s * (mesh.nz + 1) + k
    jm = max(j - 1, 0)
    jp = min(j + 1, mesh.ny - 1)
    south_a = side[2, 4] if j == 0 else 1.0
    south_b = side[2, 5] if j == 0 else 0.0
    north_a = side[3, 4] if j == mesh.ny - 1 else 1.0
    north_b = side[3, 5] if j == mesh.ny - 1 else 0.0
    far_south_a = side[2, 4] if j < 2 else 1.0
    far_south_b = side[2, 5] if j < 2 else 0.0
    far_north_a = side[3, 4] if j > mesh.ny - 3 else 1.0
    far_north_b = side[3, 5] if j > mesh.ny - 3 else 0.0
    before = mesh.z[BEFORE, k]
    after = mesh.z[AFTER, k]
    per_z = mesh.z[INVERSE, k]
    per_z_below = mesh.z[INVERSE, k - 1]
    to_below = mesh.z[CENTRES, k]
    to_north = mesh.y[CENTRES, j + 1]
    to_south = mesh.y[CENTRES, j]
    per_y = mesh.y[INVERSE, j]
    dt = clock[s, STEP]
    now = clock[s, NOW]
    then = clock[s, THEN]
    c = air.w[r, j, i + 2]
    d = air.w[r - 1, j, i + 2]
    e = air.w[r + 1, j, i + 2]
    west = air.w[r, j, i + 1]
    east = air.w[r, j, i + 3]
    south = air.w[r, jm, i + 2] * south_a + south_b
    north = air.w[r, jp, i + 2] * north_a + north_b
    under = carried(0.5 * (d + c), scheme.central, air.w[r - min(k, 2), j, i + 2], d, c, e)
    over = carried(0.5 * (c + e), scheme.central, d, c, e, air.w[r + min(mesh.nz - k, 2), j, i + 2])
    flow = before * air.u[r - 1, j, i + 2] + after * air.u[r, j, i + 2]
    low = carried(flow, scheme.central, air.w[r, j, i], west, c, east)
    flow = before * air.u[r - 1, j, i + 3] + after * air.u[r, j, i + 3]
    high = carried(flow, scheme.central, west, c, east, air.w[r, j, i + 4])
    far = air.w[r, max(j - 2, 0), i + 2] * far_south_a + far_south_b
    flow = before * air.v[r - 1, j, i + 2] + after * air.v[r, j, i + 2]
    front = carried(flow, scheme.central, far, south, c, north)
    far = air.w[r, min(j + 2, mesh.ny - 1), i + 2] * far_north_a + far_north_b
    flow = before * air.v[r - 1, j + 1, i + 2] + after * air.v[r, j + 1, i + 2]
    back = carried(flow, scheme.central, south, c, north, far)
    n0 = air.nu[r - 1, j, i + 2]
    n1 = air.nu[r, j, i + 2]
    both = n0 + n1
    n2 = 0.25 * (both + air.nu[r - 1, j, i + 1] + air.nu[r, j, i + 1])
    n3 = 0.25 * (both + air.nu[r - 1, j, i + 3] + air.nu[r, j, i + 3])
    n4 = 0.25 * (both + air.nu[r - 1, jm, i + 2] + air.nu[r, jm, i + 2])
    n5 = 0.25 * (both + air.nu[r - 1, jp, i + 2] + air.nu[r, jp, i + 2])
    spread = (n1 * (e - c) * per_z - n0 * (c - d) * per_z_below) * to_below
    spread += (n3 * (east - c) * mesh.x[CENTRES, i + 3] - n2 * (c - west) * mesh.x[CENTRES, i + 2]) * mesh.x[
        INVERSE, i + 2
    ]
    spread += (n5 * (north - c) * to_north - n4 * (c - south) * to_south) * per_y
    g = (under - over) * to_below + (low - high) * mesh.x[INVERSE, i + 2] + (front - back) * per_y
    g += (1.0 - scheme.implicit) * spread + scheme.lift * (after * air.T[r - 1, j, i + 2] + before * air.T[r, j, i + 2])
    push = scheme.implicit * spread - (air.p[r, j, i + 2] - air.p[r - 1, j, i + 2]) * to_below
    new[r, j, i + 2] = c + dt * (now * g - then * old[r, j, i + 2] + push)
    old[r, j, i + 2] = g


@kernel
def resist(s, f, faces: Pulled, before: Reals3, field: Reals3, clock: Reals2, layers: Int):
    """Face velocities drawn towards a target at rate + (loss + wall) |u| [1/s], implicit in time: racks, tiles, fans.

    |u| is that before the step. Columns of the numbers are scenarios; a huge rate sets the velocity.
    """
    r = s * layers + faces.layer[f]
    pull = clock[s, STEP] * (
        faces.rate[f, s] + (faces.loss[f, s] + faces.wall[f, s]) * abs(before[r, faces.row[f], faces.column[f]])
    )
    field[r, faces.row[f], faces.column[f]] = (field[r, faces.row[f], faces.column[f]] + pull * faces.target[f, s]) / (
        1.0 + pull
    )


@kernel
def divergence(q, j, i, air: Air, out: Reals3, clock: Reals2, mesh: Mesh):
    """Divergence of velocity over the time step [1/s²], for the pressure's change; `out` has no ghosts."""
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    per_y = mesh.y[INVERSE, j]
    per_z = mesh.z[INVERSE, k]
    dt = clock[s, STEP]
    along = (air.u[r, j, i + 3] - air.u[r, j, i + 2]) * mesh.x[INVERSE, i + 2]
    across = (air.v[r, j + 1, i + 2] - air.v[r, j, i + 2]) * per_y
    upward = (air.w[r + 1, j, i + 2] - air.w[r, j, i + 2]) * per_z
    out[q, j, i] = (along + across + upward) / dt


@kernel
def correct_x(q, j, i, phi: Reals3, air: Air, clock: Reals2, mesh: Mesh):
    """Take the gradient of the pressure's change from the face before cell i + 1."""
    s = q // mesh.nz
    dt = clock[s, STEP]
    air.u[q + s, j, i + 3] -= dt * (phi[q, j, i + 1] - phi[q, j, i]) * mesh.x[CENTRES, i + 3]


@kernel
def correct(q, j, i, phi: Reals3, air: Air, clock: Reals2, mesh: Mesh):
    """The same for the faces before cell j and below cell k, and the new pressure; faces at walls stay."""
    s = q // mesh.nz
    k = q - s * mesh.nz
    r = q + s
    to_south = mesh.y[CENTRES, j]
    to_below = mesh.z[CENTRES, k]
    dt = clock[s, STEP]
    here = phi[q, j, i]
    air.v[r, j, i + 2] -= dt * (here - phi[q, max(j - 1, 0), i]) * to_south
    air.w[r, j, i + 2] -= dt * (here - phi[q - 1 if k > 0 else q, j, i]) * to_below
    air.p[r, j, i + 2] += here


@kernel
def settle(s, clock: Reals2):
    """Set the weights of a scenario's next step to those of equal steps."""
    clock[s, NOW] = 1.5
    clock[s, THEN] = 0.5


@kernel
def courant(q, c, air: Air, out: Reals3, mesh: Mesh):
    """Of parts of a row of cells the largest shares that air crosses in a second [1/s], viscosity [m²/s], |T| [K]."""
    s = q // mesh.nz
    j = c // PARTS
    k = q - s * mesh.nz
    r = q + s
    rate = 0.0
    eddy = 0.0
    warm = 0.0
    for m in range((mesh.nx + PARTS - 1 - (c - j * PARTS)) // PARTS):
        i = m * PARTS + (c - j * PARTS)
        along = max(abs(air.u[r, j, i + 2]), abs(air.u[r, j, i + 3])) * mesh.x[INVERSE, i + 2]
        across = max(abs(air.v[r, j, i + 2]), abs(air.v[r, j + 1, i + 2])) * mesh.y[INVERSE, j]
        upward = max(abs(air.w[r, j, i + 2]), abs(air.w[r + 1, j, i + 2])) * mesh.z[INVERSE, k]
        total = along + across + upward
        rate = total if total > rate or total != total else rate
        eddy = max(eddy, air.nu[r, j, i + 2])
        warm = max(warm, abs(air.T[r, j, i + 2]))
    out[q, c, 0] = rate
    out[q, c, 1] = eddy
    out[q, c, 2] = warm
