"""Velocity of air on a staggered grid: advection, diffusion, buoyancy and the pressure's push, as point functions.

Cells are (scenario and z, y, x), velocities stand on their lower faces. Each scenario has nz + 1 layers of ny + 1 rows
of nx + 4 numbers: two ghosts before and after x, so that the inner loop has no edge, and one more layer and row for the
last faces. In y and z a ghost is a x own + b of its side: no slip (-1, twice the wall's velocity), slip (1, 0).

    u* = u + dt (a G - b G before + c G before that + implicit ν ∇²u - ∇p),    G = -∇·(u u) + ∇·(ν ∇u) + lift T

after Adams and Bashforth. Momentum is carried by Koren's limited third-order upwind, with the second-order rule, or by
central differences, with the third-order rule, which damps what these leave to swing: it is stable while air crosses
less than 0.72 of a cell in a step, the second-order rule never is [Durran, Mon. Weather Rev. 119 (1991) 702]. Mass
fluxes through the faces of a velocity's own cell are the sums of its neighbours', so that what conserves mass conserves
momentum and, of central differences, kinetic energy; what comes in through a side of the box comes straight, and what
leaves it leaves as it is [Harlow & Welch, Phys. Fluids 8 (1965) 2182; Verstappen & Veldman, J. Comput. Phys. 187 (2003)
343; Koren, in Vreugdenhil & Koren (eds.), Numerical Methods for Advection-Diffusion Problems, 1993].
"""

from typing import NamedTuple

from twin.kernels.cell import Int, Ints1, Real, Reals1, Reals2, Reals3, cell, family, kernel

X, Y, Z = AXES = (0, 1, 2)
"""Directions; arrays have them in the order z, y, x."""

LIMITED, CENTRAL = range(2)
"""How velocity is carried."""

INVERSE, CENTRES, BEFORE, AFTER = range(4)
"""Rows of an axis: 1 / width of a cell, 1 / distance of the centres at a face, shares of the cells at a face."""

STEP, NOW, THEN, A, B, C, LAST = range(7)
"""Columns of a scenario's clock: time step, weights of the second-order rule and of the third-order one, last step."""

PARTS = 8
"""Parts of a row of cells that are looked at in parallel."""


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
    """Implicit diffusion as 0 or 1; lift [m/s²/K]; κ = rest [m²/s] + share ν."""

    implicit: Real
    lift: Real
    share: Real
    rest: Real


class Pulled(NamedTuple):
    """Faces that something pulls at: places (m,), numbers (m, S), and the reach of walls (m,) [m].

    `beside` is 1 where a closed face lies beside one, before and after it along x, y and z, (m, 6).
    """

    layer: Ints1
    row: Ints1
    column: Ints1
    rate: Reals2
    loss: Reals2
    target: Reals2
    wall: Reals2
    reach: Reals1
    beside: Reals2


@cell
def limited(up, centre, down):
    """Half of Koren's limited slope: third order where smooth, none at an extremum."""
    a = centre - up
    b = down - centre
    s = 0.5 if b > 0.0 else -0.5
    return s * max(0.0, min(2.0 * abs(b), min(4.0 * s * a, s * (a + 2.0 * b) * 0.6666666666666666)))


@cell
def carried(velocity, scheme, far, near, beyond, further):
    """Flow through a face per area: values far and near are on its lower side, beyond and further on the upper.

    The scheme is LIMITED or CENTRAL.
    """
    if scheme == CENTRAL:
        return velocity * (0.5 * (near + beyond))
    forth = velocity > 0.0
    up = far if forth else further
    centre = near if forth else beyond
    down = beyond if forth else near
    return velocity * (centre + limited(up, centre, down))


# ---- one stencil for three directions ----------------------------------------------------------------------------


@cell
def along(f, r, j, i, axis, n):
    """What stands n places further along an axis."""
    if axis == X:
        return f[r, j, i + n]
    if axis == Y:
        return f[r, j + n, i]
    return f[r + n, j, i]


@cell
def corner(f, r, j, i, axis, n, own):
    """What stands n places further along an axis and one place back along another."""
    if axis == X:
        return along(f, r, j, i + n, own, -1)
    if axis == Y:
        return along(f, r, j + n, i, own, -1)
    return along(f, r + n, j, i, own, -1)


@cell
def reach(axis, n, place, last):
    """N places along an axis, less where the first or the last one is nearer; ghosts in x are there to be read."""
    if axis == X:
        return n
    return max(n, -place) if n < 0 else min(n, last - place)


@cell
def ghost(side, axis, column, n, place, last):
    """Factors of the number n places along an axis: a, b where it is a ghost of that side, a own + b, else 1, 0."""
    if axis != X and place + n < 0:
        return side[2 * axis, column], side[2 * axis, column + 1]
    if axis != X and place + n > last:
        return side[2 * axis + 1, column], side[2 * axis + 1, column + 1]
    return 1.0, 0.0


@cell
def neighbour(f, r, j, i, axis, n, a, b):
    """The number n places along an axis, or that ghost of the last one."""
    value = along(f, r, j, i, axis, n)
    return value if axis == X else value * a + b


@family(own={"x": X, "y": Y, "z": Z}, carry={"limited": LIMITED, "central": CENTRAL})
def momentum(
    q,
    m,
    h,
    air: Air,
    old: Reals3,
    older: Reals3,
    new: Reals3,
    mesh: Mesh,
    clock: Reals2,
    side: Reals2,
    scheme: Scheme,
    *,
    own,
    carry,
):
    """Velocity along `own` on the face before a cell, after the step; x the last index, z the first."""
    layers = mesh.nz - 1 if own == Z else mesh.nz
    s = q // layers
    k = q - s * layers + (1 if own == Z else 0)
    r = s * (mesh.nz + 1) + k
    j = m + (1 if own == Y else 0)
    i = h + (3 if own == X else 2)
    f = (air.u, air.v, air.w)[own]
    place = (i, j, k)[own]
    table = (mesh.x, mesh.y, mesh.z)[own]
    count = (mesh.nx, mesh.ny, mesh.nz)[own]
    back = reach(own, -2, place, count)
    ahead = reach(own, 2, place, count)
    before = table[BEFORE, place]
    after = table[AFTER, place]
    between = table[CENTRES, place]
    per = table[INVERSE, place]
    per_before = table[INVERSE, place - 1]
    dt = clock[s, STEP]
    c = f[r, j, i]
    d = along(f, r, j, i, own, -1)
    e = along(f, r, j, i, own, 1)
    low = carried(0.5 * (d + c), carry, along(f, r, j, i, own, back), d, c, e)
    high = carried(0.5 * (c + e), carry, d, c, e, along(f, r, j, i, own, ahead))
    n0 = along(air.nu, r, j, i, own, -1)
    n1 = air.nu[r, j, i]
    both = n0 + n1
    spread = (n1 * (e - c) * per - n0 * (c - d) * per_before) * between
    g = (low - high) * between
    for t in AXES:
        if t != own:
            v = (air.u, air.v, air.w)[t]
            at_t = (i, j, k)[t]
            widths = (mesh.x, mesh.y, mesh.z)[t]
            last = (mesh.nx, mesh.ny, mesh.nz)[t] - 1
            edge = 2 if t == X else 0
            one_down = reach(t, -1, at_t, last)
            two_down = reach(t, -2, at_t, last)
            one_up = reach(t, 1, at_t, last)
            two_up = reach(t, 2, at_t, last)
            a1, b1 = ghost(side, t, 2 * own, -1, at_t, last)
            a2, b2 = ghost(side, t, 2 * own, -2, at_t, last)
            a3, b3 = ghost(side, t, 2 * own, 1, at_t, last)
            a4, b4 = ghost(side, t, 2 * own, 2, at_t, last)
            to_lower = widths[CENTRES, at_t]
            to_upper = widths[CENTRES, at_t + 1]
            per_t = widths[INVERSE, at_t]
            lower = neighbour(f, r, j, i, t, one_down, a1, b1)
            upper = neighbour(f, r, j, i, t, one_up, a3, b3)
            far = neighbour(f, r, j, i, t, two_down, a2, b2)
            speed = before * along(v, r, j, i, own, -1) + after * v[r, j, i]
            under = carried(speed, carry, far, lower, c, upper)
            under = min(speed, 0.0) * c if at_t == edge else under
            further = neighbour(f, r, j, i, t, two_up, a4, b4)
            speed_over = before * corner(v, r, j, i, t, 1, own) + after * along(v, r, j, i, t, 1)
            over = carried(speed_over, carry, lower, c, upper, further)
            over = max(speed_over, 0.0) * c if at_t == last + edge else over
            n2 = 0.25 * (both + corner(air.nu, r, j, i, t, one_down, own) + along(air.nu, r, j, i, t, one_down))
            n3 = 0.25 * (both + corner(air.nu, r, j, i, t, one_up, own) + along(air.nu, r, j, i, t, one_up))
            spread += (n3 * (upper - c) * to_upper - n2 * (c - lower) * to_lower) * per_t
            g += (under - over) * per_t
    if own == Z:
        warmth = after * along(air.T, r, j, i, own, -1) + before * air.T[r, j, i]
        g += (1.0 - scheme.implicit) * spread + scheme.lift * warmth
    else:
        g += (1.0 - scheme.implicit) * spread
    push = scheme.implicit * spread - (air.p[r, j, i] - along(air.p, r, j, i, own, -1)) * between
    last_g = old[r, j, i]
    if carry == CENTRAL:
        change = clock[s, A] * g - clock[s, B] * last_g + clock[s, C] * older[r, j, i]
        new[r, j, i] = c + dt * (change + push)
        older[r, j, i] = last_g
    else:
        change = clock[s, NOW] * g - clock[s, THEN] * last_g
        new[r, j, i] = c + dt * (change + push)
    old[r, j, i] = g


@family(own={"x": X, "y": Y, "z": Z}, carry={"limited": LIMITED, "central": CENTRAL})
def part(s, f, faces: Pulled, air: Air, old: Reals3, new: Reals3, mesh: Mesh, clock: Reals2, *, own, carry):
    """Take back what `momentum` let diffuse through closed faces: beside these is the wall's friction and nothing else.

    Faces are those along `own`, fields as `momentum` had and left them.
    """
    r = s * (mesh.nz + 1) + faces.layer[f]
    j = faces.row[f]
    i = faces.column[f]
    f_own = (air.u, air.v, air.w)[own]
    c = f_own[r, j, i]
    both = along(air.nu, r, j, i, own, -1) + air.nu[r, j, i]
    wrong = 0.0
    for t in AXES:
        if t != own:
            at_t = (i, j, faces.layer[f])[t]
            widths = (mesh.x, mesh.y, mesh.z)[t]
            if faces.beside[f, 2 * t] > 0.5:
                n2 = 0.25 * (both + corner(air.nu, r, j, i, t, -1, own) + along(air.nu, r, j, i, t, -1))
                rubbed = n2 * (c - along(f_own, r, j, i, t, -1)) * widths[CENTRES, at_t]
                wrong -= rubbed * widths[INVERSE, at_t]
            if faces.beside[f, 2 * t + 1] > 0.5:
                n3 = 0.25 * (both + corner(air.nu, r, j, i, t, 1, own) + along(air.nu, r, j, i, t, 1))
                rubbed = n3 * (along(f_own, r, j, i, t, 1) - c) * widths[CENTRES, at_t + 1]
                wrong += rubbed * widths[INVERSE, at_t]
    if carry == CENTRAL:
        new[r, j, i] -= clock[s, STEP] * clock[s, A] * wrong
    else:
        new[r, j, i] -= clock[s, STEP] * clock[s, NOW] * wrong
    old[r, j, i] -= wrong


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
    """Set the weights of a scenario's next step, which is as long as this one; that before may have been another."""
    dt = clock[s, STEP]
    last = clock[s, LAST]
    clock[s, NOW] = 1.5
    clock[s, THEN] = 0.5
    clock[s, A] = 1.0 + (8.0 * dt + 3.0 * last) / (6.0 * (dt + last))
    clock[s, B] = (5.0 * dt + 3.0 * last) / (6.0 * last)
    clock[s, C] = 5.0 * dt * dt / (6.0 * last * (dt + last))
    clock[s, LAST] = dt


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
