"""Temperature, or another scalar, carried by air: limited advection and turbulent diffusion; see `momentum`.

    T+ = T + dt (a G(T) - b G(T before) + implicit κ ∇²T),    G = -∇·(u T) + ∇·(κ ∇T),    κ = rest + share ν

`open` says through which lower faces of a cell heat may diffuse: 1 for x, 2 for y, 4 for z, added up. Blocked faces
carry no flow, and nothing must diffuse through a panel that separates a cold aisle from a hot one.
"""

from twin.kernels.cell import Int, Ints1, Real, Reals2, Reals3, cell, kernel
from twin.kernels.momentum import CENTRES, INVERSE, NOW, STEP, THEN, carried


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
    q,
    j,
    i,
    u: Reals3,
    v: Reals3,
    w: Reals3,
    nu: Reals3,
    T: Reals3,
    open: Reals3,
    old: Reals3,
    new: Reals3,
    clock: Reals2,
    x: Reals2,
    y: Reals2,
    z: Reals2,
    side: Reals2,
    ny: Int,
    nz: Int,
    share: Real,
    rest: Real,
    implicit: Real,
):
    """The scalar of cell (q, j, i) after the step."""
    s = q // nz
    k = q - s * nz
    r = q + s
    jm = max(j - 1, 0)
    jp = min(j + 1, ny - 1)
    rm = r - 1 if k > 0 else r
    rp = r + 1 if k < nz - 1 else r
    south_a = side[2, 6] if j == 0 else 1.0
    south_b = side[2, 7] if j == 0 else 0.0
    north_a = side[3, 6] if j == ny - 1 else 1.0
    north_b = side[3, 7] if j == ny - 1 else 0.0
    below_a = side[4, 6] if k == 0 else 1.0
    below_b = side[4, 7] if k == 0 else 0.0
    above_a = side[5, 6] if k == nz - 1 else 1.0
    above_b = side[5, 7] if k == nz - 1 else 0.0
    far_south_a = side[2, 6] if j < 2 else 1.0
    far_south_b = side[2, 7] if j < 2 else 0.0
    far_north_a = side[3, 6] if j > ny - 3 else 1.0
    far_north_b = side[3, 7] if j > ny - 3 else 0.0
    far_below_a = side[4, 6] if k < 2 else 1.0
    far_below_b = side[4, 7] if k < 2 else 0.0
    far_above_a = side[5, 6] if k > nz - 3 else 1.0
    far_above_b = side[5, 7] if k > nz - 3 else 0.0
    to_south = y[CENTRES, j]
    to_north = y[CENTRES, j + 1]
    per_y = y[INVERSE, j]
    to_below = z[CENTRES, k]
    to_above = z[CENTRES, k + 1]
    per_z = z[INVERSE, k]
    now = clock[s, NOW]
    then = clock[s, THEN]
    dt = clock[s, STEP]
    c = T[r, j, i + 2]
    d = T[r, j, i + 1]
    e = T[r, j, i + 3]
    south = T[r, jm, i + 2] * south_a + south_b
    north = T[r, jp, i + 2] * north_a + north_b
    below = T[rm, j, i + 2] * below_a + below_b
    above = T[rp, j, i + 2] * above_a + above_b
    west = carried(u[r, j, i + 2], 0.0, T[r, j, i], d, c, e)
    east = carried(u[r, j, i + 3], 0.0, d, c, e, T[r, j, i + 4])
    far = T[r, max(j - 2, 0), i + 2] * far_south_a + far_south_b
    low = carried(v[r, j, i + 2], 0.0, far, south, c, north)
    far = T[r, min(j + 2, ny - 1), i + 2] * far_north_a + far_north_b
    high = carried(v[r, j + 1, i + 2], 0.0, south, c, north, far)
    far = T[r - 2 if k > 1 else r - k, j, i + 2] * far_below_a + far_below_b
    under = carried(w[r, j, i + 2], 0.0, far, below, c, above)
    top = r + 2 if k < nz - 2 else r + nz - 1 - k
    far = T[top, j, i + 2] * far_above_a + far_above_b
    over = carried(w[r + 1, j, i + 2], 0.0, below, c, above, far)
    own = open[k, j, i + 2]
    half = 0.5 * share
    n = nu[r, j, i + 2]
    ease = open_x(own) * (rest + half * (n + nu[r, j, i + 1])) * x[CENTRES, i + 2] * (c - d)
    heat = open_x(open[k, j, i + 3]) * (rest + half * (n + nu[r, j, i + 3])) * x[CENTRES, i + 3] * (e - c)
    spread = (heat - ease) * x[INVERSE, i + 2]
    ease = open_y(own) * (rest + half * (n + nu[r, jm, i + 2])) * to_south * (c - south)
    heat = open_y(open[k, j + 1, i + 2]) * (rest + half * (n + nu[r, jp, i + 2])) * to_north * (north - c)
    spread += (heat - ease) * per_y
    ease = open_z(own) * (rest + half * (n + nu[rm, j, i + 2])) * to_below * (c - below)
    heat = open_z(open[k + 1, j, i + 2]) * (rest + half * (n + nu[rp, j, i + 2])) * to_above * (above - c)
    spread += (heat - ease) * per_z
    g = (west - east) * x[INVERSE, i + 2] + (low - high) * per_y + (under - over) * per_z
    g += (1.0 - implicit) * spread
    gain = now * g - then * old[r, j, i + 2] + implicit * spread
    new[r, j, i + 2] = c + dt * gain
    old[r, j, i + 2] = g


@kernel
def exchange(
    s,
    c,
    layer: Ints1,
    row: Ints1,
    column: Ints1,
    rate: Reals2,
    target: Reals2,
    source: Reals2,
    T: Reals3,
    given: Reals2,
    clock: Reals2,
    layers: Int,
):
    """Cells drawn towards a target at a rate [1/s] and heated by a source [K/s]; `given` [K/s] is what that gave."""
    r = s * layers + layer[c]
    before = T[r, row[c], column[c]]
    dt = clock[s, STEP]
    after = (before + dt * (rate[c, s] * target[c, s] + source[c, s])) / (1.0 + dt * rate[c, s])
    T[r, row[c], column[c]] = after
    given[c, s] += after - before


@kernel
def ghosts(q, j, u: Reals3, v: Reals3, w: Reals3, T: Reals3, side: Reals2, nx: Int, nz: Int):
    """Fill the ghosts in x of a row: of faces along x with what the walls' faces hold, else after the sides."""
    r = q + q // nz
    u[r, j, 1] = u[r, j, 2]
    u[r, j, nx + 3] = u[r, j, nx + 2]
    v[r, j, 1] = side[0, 2] * v[r, j, 2] + side[0, 3]
    v[r, j, 0] = side[0, 2] * v[r, j, 3] + side[0, 3]
    v[r, j, nx + 2] = side[1, 2] * v[r, j, nx + 1] + side[1, 3]
    v[r, j, nx + 3] = side[1, 2] * v[r, j, nx] + side[1, 3]
    w[r, j, 1] = side[0, 4] * w[r, j, 2] + side[0, 5]
    w[r, j, 0] = side[0, 4] * w[r, j, 3] + side[0, 5]
    w[r, j, nx + 2] = side[1, 4] * w[r, j, nx + 1] + side[1, 5]
    w[r, j, nx + 3] = side[1, 4] * w[r, j, nx] + side[1, 5]
    T[r, j, 1] = side[0, 6] * T[r, j, 2] + side[0, 7]
    T[r, j, 0] = side[0, 6] * T[r, j, 3] + side[0, 7]
    T[r, j, nx + 2] = side[1, 6] * T[r, j, nx + 1] + side[1, 7]
    T[r, j, nx + 3] = side[1, 6] * T[r, j, nx] + side[1, 7]


@kernel
def mirrored(q, j, nu: Reals3, nx: Int, nz: Int):
    """Fill the ghosts in x of a row of viscosities."""
    r = q + q // nz
    nu[r, j, 1] = nu[r, j, 2]
    nu[r, j, nx + 2] = nu[r, j, nx + 1]
