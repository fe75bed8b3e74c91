"""Air solver against exact solutions, published cavities and its own laws."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from twin.kernels import finite_volume, poisson
from twin.kernels.boundaries import NO_SLIP, SLIP, SOLID, Cells, Faces, Grid, Sides, stretched
from twin.kernels.finite_volume import Flow, Physics

REFERENCE = json.loads((Path(__file__).parents[1] / "cases" / "cavities" / "published.json").read_text())
LAMINAR = dict(turbulence="none", implicit=True, wall_law=False)


def run(flow, until):
    while flow.time.min() < until:
        flow.step(20)
    return flow


# ---- exact solutions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fourier", "centre", "mean"),
    [(0.01, 0.999186, 0.774324), (0.05, 0.772312, 0.495912), (0.1, 0.474487, 0.302118), (0.5, 0.00915699, 0.00582952)],
)
def test_a_slab_cools_as_fourier_says(fourier, centre, mean):
    """Unit slab from 1, faces at 0 [Carslaw & Jaeger]; the cube's centre is the slab's, cubed."""
    n, steps = 65, 1200
    wall = (NO_SLIP, NO_SLIP)
    for sides, axes, power in (
        (wall + (SLIP,) * 4, (np.full(n, 1 / n), np.ones(1), np.ones(1)), 1),
        (wall * 3, None, 3),
    ):
        if power == 3:
            n = 33
            axes = (np.full(n, 1 / n),) * 3
        flow = Flow(
            Grid(*axes), physics=Physics(diffusivity=1.0, lift=0.0, **LAMINAR), sides=Sides(T=sides), kind=np.float64
        )
        flow.fields[3][:] = 1.0
        flow.step(steps // power, dt=fourier / (steps // power))
        T = flow.view("T")[0]
        middle = tuple(k // 2 for k in T.shape)
        assert T[middle] == pytest.approx(centre**power, rel=6e-3, abs=2e-4)
        assert T.mean() == pytest.approx(mean**power, rel=6e-3, abs=2e-4)


def test_steady_conduction_and_a_duct_by_the_direct_solver():
    """Unit cube with unit source: centre 0.0562128, mean 0.0201685; square duct: mean 0.0351443, f Re 56.908."""
    fixed = (poisson.FIXED, poisson.FIXED)
    a = poisson.axis(stretched(1.0, 61), fixed)
    box = poisson.Box(a, a, a)
    x = box.solve(-np.ones((61, 61, 61)), box.inverse(), np.empty((61, 61, 61)))
    volume = Grid(*(stretched(1.0, 61),) * 3).volume
    assert x[30, 30, 30] == pytest.approx(0.0562128, rel=2e-3)
    assert (x * volume).sum() == pytest.approx(0.0201685, rel=2e-3)
    duct = poisson.Box(poisson.axis([1.0]), a, a)
    x = duct.solve(-np.ones((1, 61, 61)), duct.inverse(), np.empty((1, 61, 61)))
    mean = (x * volume[:1] / volume[:1].sum()).sum()
    assert mean == pytest.approx(0.0351443, rel=2e-3)
    assert x.max() / mean == pytest.approx(2.09626, rel=2e-3)
    assert 2.0 / mean == pytest.approx(56.908, rel=2e-3)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(7, 9, 11), (3, 4, 240)])
def test_the_direct_solver_inverts_the_second_difference(shape, kind):
    """Between walls, long axes by the cosine transform; what it returns has the wanted Laplacian."""
    rng = np.random.default_rng(0)
    b = rng.normal(size=shape).astype(kind)
    b -= b.mean()
    box = poisson.Box(*(poisson.axis(np.full(n, 0.1)) for n in shape), kind=kind)
    x = box.solve(b.copy(), box.inverse(), np.empty_like(b)).astype(float)
    pads = [[(int(a == k), int(a == k)) for a in range(3)] for k in range(3)]
    laplacian = sum(np.diff(np.pad(x, pad, mode="edge"), 2, axis=k) for k, pad in enumerate(pads)) / 0.01
    np.testing.assert_allclose(laplacian, b, atol=4e-4 if kind == np.float32 else 1e-11)


def test_convection_at_a_slabs_faces_is_a_ghost_between_wall_and_fixed():
    """First root of ζ tan ζ = Bi: 0.860334 at Bi 1, as the decay of the slowest mode."""
    n = 200
    factor = (1 - 0.5 / n / 2) / (1 + 0.5 / n / 2)  # half a slab's Biot number of 1 over half the width
    values = poisson.axis(np.full(n, 1 / n), (factor, factor)).values
    assert np.sqrt(-values.max()) / 2 == pytest.approx(_root(0.25), rel=1e-4)
    factor = (1 - 2.0 / n / 2) / (1 + 2.0 / n / 2)
    values = poisson.axis(np.full(n, 1 / n), (factor, factor)).values
    assert np.sqrt(-values.max()) / 2 == pytest.approx(0.860334, rel=1e-4)


def _root(biot):
    low, high = 1e-6, np.pi / 2 - 1e-9
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if middle * np.tan(middle) < biot else (low, middle)
    return low


def order(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


def test_a_manufactured_temperature_converges_with_order_two():
    """T = 1 + cos(pi x) cos(pi y) cos(pi z) exp(-t), with 3 pi² alpha = 1, needs no source."""
    errors = []
    for n in (8, 16, 32):
        x = (np.arange(n) + 0.5) / n
        exact = np.cos(np.pi * x[:, None, None]) * np.cos(np.pi * x[:, None]) * np.cos(np.pi * x)
        physics = Physics(diffusivity=1 / (3 * np.pi**2), lift=0.0, **LAMINAR)
        flow = Flow(Grid(*(np.full(n, 1 / n),) * 3), physics=physics, kind=np.float64)
        flow.view("T")[0] = 1 + exact
        flow.step(2 * n, dt=0.5 / (2 * n))
        errors.append(np.abs(flow.view("T")[0] - 1 - exact * np.exp(-0.5)).max())
    assert (order(errors) > 1.9).all()


def test_a_decaying_vortex_converges_with_order_two():
    """u = sin x cos y exp(-2 nu t), v = -cos x sin y exp(-2 nu t) between slippery walls."""
    nu, errors = 0.1, []
    for n in (8, 16, 32):
        h = np.pi / n
        faces, cells = np.arange(n + 1) * h, (np.arange(n) + 0.5) * h
        physics = Physics(viscosity=nu, diffusivity=nu, lift=0.0, momentum="central", **LAMINAR)
        flow = Flow(Grid(np.full(n, h), np.full(n, h), np.ones(1)), physics=physics, kind=np.float64)
        u = np.sin(faces) * np.cos(cells[:, None])
        flow.view("u")[0, 0], flow.view("v")[0, 0] = u, -u.T
        x, y = cells, cells[:, None]
        flow.view("p")[0, 0] = (np.cos(2 * x) + np.cos(2 * y)) / 4
        flow.step(4 * n, dt=1.0 / (4 * n))
        errors.append(np.abs(flow.view("u")[0, 0] - u * np.exp(-2 * nu)).max())
        assert np.abs(flow.divergence()).max() < 1e-12
    assert (order(errors) > 1.8).all()


# ---- published cavities ------------------------------------------------------------------------------------------


def lid(reynolds, n, until):
    d = stretched(1.0, n)
    wall = (NO_SLIP, NO_SLIP, SLIP, SLIP, NO_SLIP)
    physics = Physics(viscosity=1 / reynolds, diffusivity=1 / reynolds, lift=0.0, **LAMINAR)
    sides = Sides(u=(*wall, (-1.0, 2.0)), w=(*wall, NO_SLIP))
    flow = run(Flow(Grid(d, np.ones(1), d), physics=physics, sides=sides, kind=np.float64), until)
    at = np.r_[0.0, np.cumsum(d) - 0.5 * d, 1.0]
    u, w = flow.view("u")[0, :, 0, n // 2], flow.view("w")[0, n // 2, 0]
    return CubicSpline(at, np.r_[0.0, u, 1.0]), CubicSpline(at, np.r_[0.0, w, 0.0])


@pytest.mark.parametrize(("reynolds", "n", "until"), [("100", 64, 20), ("400", 64, 40)])
def test_a_driven_cavity_is_ghias(reynolds, n, until):
    """Within 2 % of the lid's speed of Ghia, Ghia & Shin, whose v at Re 100 is 3 % below later spectral solutions."""
    table = REFERENCE["ghia_1982"]
    u, v = lid(float(reynolds), n, until)
    for found, at, name in ((u, "y", "u"), (v, "x", "v")):
        for place, value in zip(table[at], table[name][reynolds], strict=True):
            if value is not None:
                assert found(place) == pytest.approx(value, abs=0.02)


@pytest.mark.slow
def test_a_driven_cavity_at_re_1000_has_the_spectral_peaks():
    """Within 1 % of Botella & Peyret, Comput. Fluids 27 (1998) 421; at a time of 45 the peaks still grow by 0.2 %."""
    u, v = lid(1000.0, 100, 70)
    fine = np.linspace(0, 1, 4001)
    peaks = u(fine).min(), v(fine).max(), v(fine).min()
    assert peaks == pytest.approx((-0.38857, 0.37694, -0.52708), rel=0.01)


CAVITIES = [("1e3", 32, 0.4), ("1e4", 40, 0.4), pytest.param("1e5", 72, 0.3, marks=pytest.mark.slow)]
CAVITIES += [pytest.param("1e6", 80, 0.2, marks=pytest.mark.slow)]


@pytest.mark.parametrize(("rayleigh", "n", "until"), CAVITIES)
def test_a_heated_cavity_is_de_vahl_davis(rayleigh, n, until):
    """Nusselt number and peak velocities within 1 % [Int. J. Numer. Methods Fluids 3 (1983) 249], Pr 0.71."""
    row, d, prandtl = REFERENCE["de_vahl_davis_1983"][rayleigh], stretched(1.0, n), 0.71
    wall = (NO_SLIP, NO_SLIP, SLIP, SLIP, NO_SLIP, NO_SLIP)
    sides = Sides(u=wall, w=wall, T=((-1.0, 1.0), (-1.0, -1.0), SLIP, SLIP, SLIP, SLIP))
    physics = Physics(viscosity=prandtl, diffusivity=1.0, lift=float(rayleigh) * prandtl, **LAMINAR)
    flow = run(Flow(Grid(d, np.ones(1), d), physics=physics, sides=sides, kind=np.float64), until)
    at, fine = np.r_[0.0, np.cumsum(d) - 0.5 * d, 1.0], np.linspace(0, 1, 2001)
    u = CubicSpline(at, np.r_[0.0, flow.view("u")[0, :, 0, n // 2], 0.0])(fine).max()
    v = CubicSpline(at, np.r_[0.0, flow.view("w")[0, n // 2, 0], 0.0])(fine).max()
    T = flow.view("T")[0, :, 0]
    hot, cold = (0.5 - T[:, 0]) * 2 / d[0] @ d, (T[:, -1] + 0.5) * 2 / d[0] @ d
    assert hot == pytest.approx(cold, rel=1e-4)
    assert (u, v, hot) == pytest.approx((row["umax"], row["vmax"], row["nu_hot"]), rel=0.01)


def means(flow, seconds, *names):
    """Means of fields over some time, (z, y, x) each: air that is steady on average is not still."""
    total, weight, until = dict.fromkeys(names, 0.0), 0.0, flow.time.min() + seconds
    while flow.time.min() < until:
        before = flow.time.min()
        flow.step(5)
        for name in names:
            total[name] = total[name] + (flow.time.min() - before) * flow.view(name)[0].astype(float)
        weight += flow.time.min() - before
    return [total[name] / weight for name in names]


# ---- laws --------------------------------------------------------------------------------------------------------


def duct(scenarios=1, speed=((0.5,),), **options):
    """Air through a box: in at the left with 10 K above, out at the right, past a half-closed panel."""
    grid = Grid.uniform((2.0, 1.0, 1.0), 0.1)
    nz, ny, nx = grid.shape
    left = np.array([[k, j, 0] for k in range(nz) for j in range(ny)])
    panel = np.array([[k, j, nx // 2] for k in range(nz // 2) for j in range(ny)])
    at = np.concatenate([left, left + np.array([0, 0, nx]), panel])
    speeds = np.asarray(speed, float)
    target = np.repeat(np.concatenate([speeds, np.zeros_like(speeds)]), [2 * len(left), len(panel)], axis=0)
    rate = np.full((len(at), 1), SOLID)
    faces = Faces(at, rate, np.zeros_like(rate), target)
    warm = Cells(
        left, np.repeat(speeds / 0.1, len(left), axis=0), np.full((len(left), 1), 10.0), np.zeros((len(left), 1))
    )
    return Flow(grid, scenarios, faces=(faces, Faces(), Faces()), cells=warm, **options)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_mass_and_heat_are_conserved_and_a_panel_is_tight(kind):
    flow = run(duct(kind=kind, physics=Physics(lift=0.0)), 60.0)
    inflow = 0.5
    assert np.abs(flow.divergence()).max() < 1e-5 * inflow
    u, T = means(flow, 60.0, "u", "T")
    through = u[:, :, 10]
    assert np.abs(through[:5]).sum() * 0.01 < 1e-3 * inflow
    assert through.sum() * 0.01 == pytest.approx(inflow, rel=1e-4)
    out = (u[:, :, -1] * T[:, :, -1]).sum() * 0.01
    assert out == pytest.approx(10 * inflow, rel=5e-3)


def test_heat_is_kept_in_a_closed_box_to_the_last_bit_of_a_source():
    grid = Grid.uniform((1.0, 1.0, 1.0), 0.1)
    at = np.array([[2, 3, 4], [2, 3, 5]])
    nothing = np.zeros((2, 1))
    flow = Flow(grid, cells=Cells(at, nothing, nothing, np.full((2, 1), 2.0)), kind=np.float64)
    run(flow, 5.0)
    held = (flow.view("T")[0] * grid.volume).sum()
    assert held == pytest.approx(flow.time[0] * 2 * 2.0 * 1e-3, rel=1e-9)
    assert np.abs(flow.view("w")).max() > 0.01


def test_a_batch_is_a_loop_of_singles_and_nan_stays_alone():
    speeds = [0.5, 0.2, 0.8]
    batch = duct(3, [speeds])
    broken = duct(3, [[0.5, np.nan, 0.8]])
    for flow in (batch, broken):
        flow.step(60)
    for s, speed in enumerate(speeds):
        single = duct(1, [[speed]])
        single.step(60)
        assert single.time[0] == batch.time[s]
        for name in "uvwT":
            np.testing.assert_array_equal(batch.view(name)[s], single.view(name)[0])
            if s != 1:
                np.testing.assert_array_equal(broken.view(name)[s], single.view(name)[0])
    assert np.isnan(broken.view("T")[1]).any()


def test_a_step_that_is_too_long_is_shortened_and_told(caplog):
    flow = duct()
    with caplog.at_level(logging.WARNING, "twin"):
        flow.step(30, dt=5.0)
    assert "time step 5 s shortened to" in caplog.text
    assert np.isfinite(flow.view("T")).all()
    assert flow.time[0] < 30


def test_a_given_step_counts_at_once_and_must_be_one():
    flow = duct()
    flow.step(45)
    began = flow.time[0]
    flow.step(2, dt=1e-3)
    assert flow.time[0] - began == pytest.approx(2e-3)
    for wrong in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="give a time step above 0 s"):
            flow.step(1, dt=wrong)


def test_steps_of_any_length_are_exact_for_what_grows_with_the_square_of_time():
    """Air that a faint warmth of 1 + 2 t + 3 t² turns in a box: its speed follows the integral, t + t² + t³."""
    n = 8
    physics = Physics(viscosity=0.0, diffusivity=0.0, lift=1e-8, turbulence="none", wall_law=False)
    flow = Flow(Grid(*(np.full(n, 0.1),) * 3), physics=physics, kind=np.float64)
    integral, found = lambda t: t + t**2 + t**3, []
    early = [0.02] * 3 + [0.03, 0.03, 0.02] + [0.025] * 34  # in which every step is looked at
    for dt in early + [0.03] * 8:
        t = flow.time[0]
        for T in flow.fields[3], flow.view("T"):
            T[...] = (1.0 + 2.0 * t + 3.0 * t**2) * (np.arange(T.shape[-1]) > n // 2 + 2 * (T.shape[-1] > n))
        flow.step(1, dt=dt)
        found.append((flow.time[0], flow.view("w")[0, 4, 4, 1]))
    t, w = np.array(found)[2:].T  # by then the rule has what it needs
    np.testing.assert_allclose(np.diff(w) / (w[1] - w[0]), np.diff(integral(t)) / np.diff(integral(t))[0], rtol=1e-6)


def test_air_that_comes_in_through_a_side_comes_straight():
    """Air along a porous floor: w in through it has no u, so that u falls as it is replaced, and does not grow."""
    grid = Grid.uniform((1.0, 1.0, 1.0), 0.1)
    at = np.array([[k, j, i] for k in (0, 10) for j in range(10) for i in range(10)])
    blown = Faces(at, np.full((200, 1), SOLID), np.zeros((200, 1)), np.full((200, 1), 0.5))
    physics = Physics(viscosity=0.0, diffusivity=0.0, lift=0.0, turbulence="none", wall_law=False)
    flow = Flow(grid, faces=(Faces(), Faces(), blown), physics=physics, kind=np.float64)
    flow.view("w")[...] = 0.5
    x, z = np.linspace(0, 1, 11), (np.arange(10) + 0.5) / 10
    flow.view("u")[0] = 0.01 * np.sin(np.pi * x) * np.cos(np.pi * z)[:, None, None]
    before, left = np.abs(flow.view("u")[0, 0]).max(), []
    while flow.time[0] < 4.0:
        flow.step(5)
        left.append(np.abs(flow.view("u")[0, 0]).max() / before)
    assert left[0] < 0.2 and max(left) < 0.3


def still(at):
    """Faces (m, 3) that let no air pass."""
    return Faces(np.asarray(at), *(np.full((len(at), 1), v) for v in (SOLID, 0.0, 0.0)))


def blown(shape, first, speed=1.0):
    """Faces of both ends in x, of layers from a first one on, through which air is blown, (m, 3), and their speed."""
    at = np.array([[k, j, i] for k in range(first, shape[0]) for j in range(shape[1]) for i in (0, shape[2])])
    return at, np.full((len(at), 1), speed)


@pytest.mark.parametrize("momentum", ["limited", "central"])
def test_air_beyond_a_closed_panel_is_not_dragged_along(momentum):
    """Air blows at 1 m/s above a panel; below it nothing moves but by what a projection leaves of the start."""
    grid = Grid.uniform((2.0, 0.6, 1.2), 0.2)
    nz, ny, nx = grid.shape
    at, speed = blown(grid.shape, nz // 2)
    wind = Faces(at, np.full((len(at), 1), SOLID), np.zeros((len(at), 1)), speed)
    panel = still([[nz // 2, j, i] for j in range(ny) for i in range(nx)])
    physics = Physics(lift=0.0, momentum=momentum)
    flow = Flow(grid, faces=(wind, Faces(), panel), physics=physics, kind=np.float64)
    flow.step(6000)
    assert np.abs(flow.view("u")[0, nz // 2 :]).max() > 1.0
    assert np.abs(flow.view("u")[0, : nz // 2]).max() < 0.02


def test_the_top_of_a_block_rubs_as_the_floor_of_the_room_does():
    """The pressure that a duct takes is the same over the box's own floor and over solid cells below it."""
    drop = {}
    for blocked in (0, 2):
        grid = Grid(np.full(20, 0.2), np.full(3, 0.2), np.full(6 + blocked, 0.2))
        solid = np.argwhere(np.arange(6 + blocked)[:, None, None] * np.ones((1, 3, 20)) < blocked)
        walls = [
            still(np.unique(np.concatenate([solid, solid + np.eye(3, dtype=int)[2 - d]]), axis=0))
            if blocked
            else Faces()
            for d in range(3)
        ]
        at, speed = blown(grid.shape, blocked)
        along = np.concatenate([walls[0].at, at]).astype(int)
        target = np.concatenate([walls[0].target, speed])
        walls[0] = Faces(along, np.full((len(along), 1), SOLID), np.zeros((len(along), 1)), target)
        physics = Physics(lift=0.0, turbulence="smagorinsky")
        flow = Flow(grid, faces=tuple(walls), physics=physics, kind=np.float64)
        flow.step(1500)
        p = flow.view("p")[0, blocked:, 1].mean(axis=0)
        drop[blocked] = p[6] - p[16]
    assert drop[2] == pytest.approx(drop[0], rel=0.02) and drop[0] > 0.02


def test_a_fan_works_on_its_curve_and_a_grille_on_its_own():
    """A linear fan curve, dp / rho = 6 (1 - u / 2), and a grille of 12 u |u| / 2 in a closed circuit."""
    grid = Grid.uniform((3.0, 1.0, 1.0), 0.1)
    nz, ny, nx = grid.shape
    low, high = range(nz // 2), range(nz // 2, nz)
    across = lambda layers, i: np.array([[k, j, i] for k in layers for j in range(ny)])  # noqa: E731
    lid = np.array([[nz // 2, j, i] for j in range(ny) for i in range(5, nx - 5)])
    at = np.concatenate([across(low, 12), across(high, 17)])
    half = len(at) // 2
    column = lambda fan, grille: np.repeat([fan, grille], half)[:, None]  # noqa: E731
    faces = Faces(at, column(30.0, 0.0), column(0.0, 60.0), column(2.0, 0.0))
    shut = Faces(lid, np.full((len(lid), 1), SOLID), np.zeros((len(lid), 1)), np.zeros((len(lid), 1)))
    flow = run(Flow(grid, faces=(faces, Faces(), shut), physics=Physics(lift=0.0, wall_law=False)), 40.0)
    u, p = means(flow, 60.0, "u", "p")
    blown, passed = u[low, :, 12], u[high, :, 17]
    assert blown.mean() == pytest.approx(-passed.mean(), rel=1e-5)
    rise = (p[low, :, 12] - p[low, :, 11]).mean()
    drop = (p[high, :, 17] - p[high, :, 16]).mean()
    assert rise == pytest.approx(6.0 * (1.0 - blown.mean() / 2.0), rel=0.08)  # some of it moves the jet
    assert drop == pytest.approx((6.0 * passed**2).mean(), rel=0.08)
    assert 0.3 < blown.mean() < (-3.0 + np.sqrt(9.0 + 144.0)) / 12.0  # bends take some


def test_a_fan_keeps_its_flow_against_a_tile():
    """Quadratic drag K u|u| / (2 h) is a drop of K u²/2: the pressure across a tile follows the tile's law."""
    grid = Grid.uniform((2.0, 0.3, 0.3), 0.1)
    nz, ny, nx = grid.shape
    every = np.array([[k, j, 0] for k in range(nz) for j in range(ny)])
    ends, tile = np.concatenate([every, every + np.array([0, 0, nx])]), every + np.array([0, 0, nx // 2])
    rate = np.r_[np.full(len(ends), SOLID), np.zeros(len(tile))][:, None]
    loss, target = np.zeros_like(rate), np.r_[np.full(len(ends), 0.5), np.zeros(len(tile))][:, None]
    loss[len(ends) :] = 40.0 / (2 * 0.1)
    faces = Faces(np.concatenate([ends, tile]), rate, loss, target)
    physics = Physics(lift=0.0, wall_law=False)
    flow = run(Flow(grid, faces=(faces, Faces(), Faces()), physics=physics, kind=np.float64), 20.0)
    p = flow.view("p")[0, 1, 1]
    assert p[nx // 2 - 1] - p[nx // 2] == pytest.approx(40.0 * 0.5**2 / 2, rel=1e-3)


def test_the_wall_law_gives_the_friction_of_a_smooth_plate():
    """u+ = ln(9.8 y+) / 0.41 holds at the friction that comes back."""
    grid = Grid.uniform((1.0, 1.0, 1.0), 0.1)
    flow = Flow(grid, kind=np.float64)
    flow.view("u")[:] = 0.8
    flow.step(1, dt=1e-6)
    loss, reach = flow.faces[0].wall[:, 0], flow.faces[0].reach
    assert len(reach) == 9 * (10 * 10 - 8 * 8)
    star = 0.8 * np.sqrt(loss * 2.0 * reach)
    np.testing.assert_allclose(0.8 / star, np.log(9.8 * star * reach / 1.5e-5) / 0.41, rtol=1e-5)


def test_memory_is_below_ninety_bytes_a_cell_and_twenty_more_where_the_flow_gives_the_constant_of_eddies():
    grid = Grid.uniform((12.0, 8.0, 3.0), 0.1)
    assert Flow(grid, physics=Physics(turbulence="smagorinsky")).bytes_per_cell < 90
    assert Flow(grid).bytes_per_cell < 110


def test_the_dynamic_model_gives_the_same_bits_whatever_its_windows(monkeypatch):
    """Of two scenarios of eight planes in windows of 3, the third holds two of the first and one of the second."""
    grid, found = Grid.uniform((1.0, 0.6, 0.8), 0.1), []
    for least in (3, 16):
        monkeypatch.setattr(finite_volume, "WINDOW", (1, 1))
        monkeypatch.setattr(finite_volume, "MIN_WINDOW", least)
        flow = Flow(grid, 2)
        for name in "uvw":
            field = flow.view(name)
            field[...] = np.random.default_rng(ord(name)).standard_normal(field.shape)
        flow.step(3)
        found.append(flow.view("nu").copy())
    assert len(np.unique(found[0])) > 100
    assert (found[0] == found[1]).all()
