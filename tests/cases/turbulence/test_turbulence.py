"""Turbulent flows against published numbers; README.md has those of all models on two grids."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from twin.kernels.boundaries import Grid
from twin.kernels.finite_volume import Flow, Physics

sys.path.insert(0, str(Path(__file__).parent))

import flows

PUBLISHED = json.loads(Path(__file__).with_name("published.json").read_text())
MODELS = ["smagorinsky", "wale", "vreman", "dynamic"]


def vortex(cells, **physics):
    """Largest and mean error of the vortex's dissipation over its published peak."""
    table = PUBLISHED["taylor_green"]
    found = flows.taylor_green(cells, table["time"], **physics)
    wrong = np.abs(found.values["dissipation"] - table["dissipation"]) / table["peak"]
    print(f"vortex, {cells}^3, {physics}: {wrong.max():.1%} at most, {wrong.mean():.1%}, {found.seconds:.0f} CPU s")
    return wrong.max(), wrong.mean()


def test_central_momentum_keeps_kinetic_energy_and_limited_loses_it():
    """Air without viscosity in a closed box, any field without divergence: by one pressure solve, then 2 turnovers."""
    kept = {}
    for momentum in ("central", "limited"):
        physics = Physics(
            viscosity=0.0, diffusivity=0.0, lift=0.0, turbulence="none", wall_law=False, momentum=momentum
        )
        flow = Flow(Grid.uniform((1.0, 1.2, 0.8), 0.05), physics=physics, kind=np.float64)
        rng = np.random.default_rng(3)
        for name, axis in (("u", 2), ("v", 1), ("w", 0)):
            field = flow.view(name)[0]
            inner = tuple(slice(1, -1) if a == axis else slice(None) for a in range(3))
            field[inner] = rng.standard_normal(field[inner].shape)
        flow.step(1, dt=1e-6)
        flow.view("p")[...] = 0.0  # what took the divergence away in that step
        before = flows.kinetic(flow)
        flow.step(200, dt=2e-3)
        kept[momentum] = flows.kinetic(flow) / before
    assert kept["central"] == pytest.approx(1.0, abs=5e-3)
    assert kept["limited"] < 0.7


@pytest.mark.parametrize("turbulence", MODELS)
def test_models_see_no_more_eddies_than_there_are(turbulence):
    """What turns as a rigid body has none but by WALE and Vreman; plain shear only by Smagorinsky's fixed constant."""
    grid = Grid.uniform((1.0, 1.0, 1.0), 0.1)
    physics = Physics(viscosity=1e-5, lift=0.0, turbulence=turbulence, wall_law=False)
    middle, inner = (np.arange(10) + 0.5) * 0.1 - 0.5, (slice(2, -2),) * 3

    def eddies(u, v):
        flow = Flow(grid, physics=physics, kind=np.float64)
        flow.view("u")[0], flow.view("v")[0] = u, v
        flow.step(1, dt=1e-9)
        return flow.view("nu")[0][inner] - 1e-5

    spin = eddies(-3.0 * middle[None, :, None], 3.0 * middle[None, None, :])
    shear = eddies(3.0 * middle[:, None, None], 0.0)
    if turbulence in ("wale", "vreman"):
        assert spin.min() > 1e-4
    else:
        assert np.abs(spin).max() < 1e-9
    if turbulence == "smagorinsky":
        assert shear.min() > 1e-4
    else:
        assert np.abs(shear).max() < 1e-9


def test_eddies_are_as_published_in_a_flow_by_hand():
    """u = 2 x + y, v = -2 y: |S|² = 17, S:S = 8.5, Sd:Sd = 32 / 3 of the squared gradient, Vreman's B = 16 h⁴ of 9."""
    grid, h = Grid.uniform((1.0, 1.0, 1.0), 0.1), 0.1
    edges, middle = np.linspace(0, 1, 11), (np.arange(10) + 0.5) * h
    turned = 32.0 / 3.0
    for turbulence, wanted in (
        ("smagorinsky", (0.15 * h) ** 2 * np.sqrt(17.0)),
        ("vreman", 0.07 * h**2 * np.sqrt(16.0 / 9.0)),
        ("wale", (0.5 * h) ** 2 * turned**1.5 / (8.5**2.5 + turned**1.25)),
    ):
        physics = Physics(viscosity=1e-5, lift=0.0, turbulence=turbulence, wall_law=False)
        flow = Flow(grid, physics=physics, kind=np.float64)
        flow.view("u")[0], flow.view("v")[0] = 2.0 * edges + middle[:, None], -2.0 * edges[None, :, None] + 0.0 * middle
        flow.step(1, dt=1e-9)
        np.testing.assert_allclose(flow.view("nu")[0, 4:6, 4:6, 4:6] - 1e-5, wanted, rtol=1e-6)


def test_eddies_fade_where_warm_air_lies_on_cold():
    """√(1 - Ri / Pr): half at Ri of 0.75 Pr, none beyond Pr, all where warm air lies below."""
    grid, shear = Grid.uniform((1.0, 1.0, 1.0), 0.1), 2.0
    middle = (np.arange(10) + 0.5) * 0.1
    physics = Physics(viscosity=1e-5, lift=0.03, turbulence="smagorinsky", turbulent_prandtl=0.8, wall_law=False)
    for richardson, left in ((0.6, 0.5), (0.9, 0.0), (-0.5, 1.0), (0.0, 1.0)):
        flow = Flow(grid, physics=physics, kind=np.float64)
        flow.view("u")[0] = shear * middle[:, None, None]
        flow.view("T")[0] = richardson * shear**2 / 0.03 * middle[:, None, None]
        flow.step(1, dt=1e-9)
        found = flow.view("nu")[0, 4:6, 4:6, 4:6] - 1e-5
        np.testing.assert_allclose(found, left * (0.15 * 0.1) ** 2 * shear, rtol=1e-5, atol=1e-9)


def test_the_dynamic_constant_of_a_resolved_vortex():
    """C² = L:M / M:M of Germano's identity by NumPy, from the same gradients, in the middle of the vortex."""
    n = 12
    h = np.pi / n
    physics = Physics(viscosity=1e-3, lift=0.0, turbulence="dynamic", wall_law=False)
    flow = Flow(Grid(*(np.full(n, h),) * 3), physics=physics, kind=np.float64)
    e, c = np.arange(n + 1) * h, (np.arange(n) + 0.5) * h
    flow.view("u")[0] = np.sin(e) * np.cos(c)[:, None] * np.cos(2 * c)[:, None, None]
    flow.view("v")[0] = -np.cos(c) * np.sin(e)[:, None] * np.cos(2 * c)[:, None, None]
    flow.step(1, dt=1e-9)
    u = [
        0.5 * (np.delete(a, 0, k) + np.delete(a, -1, k))
        for a, k in ((flow.view(x)[0], k) for x, k in zip("uvw", (2, 1, 0), strict=True))
    ]
    grad = np.array([[np.gradient(a, h, axis=2 - d) for d in range(3)] for a in u])
    for m, (name, k) in enumerate(zip("uvw", (2, 1, 0), strict=True)):
        grad[m, m] = np.diff(flow.view(name)[0], axis=k) / h
    S = 0.5 * (grad + grad.swapaxes(0, 1))
    size = lambda S: np.sqrt(2 * (S**2).sum(axis=(0, 1)))  # noqa: E731

    def filtered(a):
        for axis in (-1, -2, -3):
            a = 0.25 * np.roll(a, 1, axis) + 0.5 * a + 0.25 * np.roll(a, -1, axis)
        return a

    L = np.array([[filtered(a * b) - filtered(a) * filtered(b) for b in u] for a in u])
    L -= np.eye(3)[:, :, None, None, None] * np.trace(L) / 3
    wide = filtered(S)
    M = 2 * h**2 * (filtered(size(S) * S) - 4 * size(wide) * wide)
    box = lambda a: sum(np.roll(a, (i, j, k), (0, 1, 2)) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1))  # noqa: E731
    square = np.clip(box((L * M).sum(axis=(0, 1))) / box((M * M).sum(axis=(0, 1))), 0.0, 0.09)
    wanted = square * h**2 * size(S)
    inner = (slice(4, 8),) * 3
    assert wanted[inner].max() > 5e-5
    np.testing.assert_allclose(flow.view("nu")[0][inner] - 1e-3, wanted[inner], rtol=1e-6, atol=1e-9)


def test_the_vortex_of_taylor_and_green_decays_as_published():
    """Where it is laminar within 2 %; on 64³ central momentum is within 19 %, limited one within 37 % of the peak."""
    table = PUBLISHED["taylor_green"]
    found = flows.taylor_green(64, table["time"], momentum="central", turbulence="none")
    wrong = (found.values["dissipation"] - table["dissipation"]) / table["peak"]
    assert np.abs(wrong[:2]).max() < 0.02 and np.abs(wrong).max() < 0.19
    assert vortex(64, momentum="limited", turbulence="none")[0] > 0.30


@pytest.mark.slow
def test_the_vortex_on_finer_cells():
    """On 128³ the mean error is below 5 % of the peak without a model, the largest is not."""
    largest, mean = vortex(128, momentum="central", turbulence="none")
    assert largest < 0.13 and mean < 0.05
    largest, mean = vortex(128)
    assert largest < 0.18 and mean < 0.10


@pytest.mark.slow
def test_a_plane_jet_spreads_and_decays_as_published():
    """Within 15 %, and a margin: decays of two draws of its noise are 5 and 13 % too slow."""
    found, table = flows.jet(6, wall=False), PUBLISHED["plane_jet"]
    print(found)
    assert found.values["spread"] == pytest.approx(table["spread"], rel=0.15)
    assert found.values["decay"] == pytest.approx(table["decay"], rel=0.20)


@pytest.mark.slow
@pytest.mark.parametrize(("turbulence", "within"), [("dynamic", 0.45), ("smagorinsky", 0.20)])
def test_a_wall_jet_on_coarse_cells(turbulence, within):
    """Its spread is a quarter off by the default, a tenth by Smagorinsky's constant; its decay a quarter by both."""
    found, table = flows.jet(4, wall=True, turbulence=turbulence), PUBLISHED["wall_jet"]
    print(turbulence, found)
    assert found.values["spread"] == pytest.approx(table["spread"], rel=within)
    assert found.values["decay"] == pytest.approx(table["decay"], rel=0.35)


@pytest.mark.slow
@pytest.mark.parametrize(("turbulence", "within"), [("dynamic", 0.10), ("smagorinsky", 0.30)])
def test_the_layer_under_a_ceiling_stands_where_a_plume_carries_what_comes_in(turbulence, within):
    """Within a tenth by the default, a fifth off by Smagorinsky's constant; an average lasts ten flushes."""
    found = flows.displacement(0.1, turbulence=turbulence)
    print(turbulence, found)
    assert found.values["interface"] == pytest.approx(PUBLISHED["line_plume"]["interface"], rel=within)
    assert found.values["balance"] == pytest.approx(1.0, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("turbulence", "within"), [("dynamic", 0.10), ("vreman", 0.10), ("smagorinsky", 0.15)])
def test_air_behind_a_step_reattaches_as_in_a_direct_simulation(turbulence, within):
    """2 % off by the default, 5 by Vreman's model, 7 by Smagorinsky's constant; margins are of another processor."""
    found = flows.step(8, turbulence=turbulence)
    print(turbulence, found)
    assert found.values["reattachment"] == pytest.approx(PUBLISHED["step"]["reattachment"], rel=within)


@pytest.mark.slow
@pytest.mark.parametrize(("apart", "held"), [(4, "straight"), (8, "deflecting"), (12, "deflecting")])
def test_opposed_jets_pass_each_other_in_turn_where_they_are_far_apart(apart, held):
    """Up to 4 slots apart they stay straight; where they deflect one rises as the other falls, and then they change."""
    limit = PUBLISHED["opposed_jets"][held]
    found = flows.opposed(4, apart, until=500.0)
    told = f"deflection {found.deflection:.2f}, together {found.together:.2f}, period {found.period:.0f}"
    print(f"{apart} slots: centred {found.centred:.2f}, {told}, {found.seconds:.0f} CPU s")
    if held == "straight":
        assert apart <= limit and found.deflection < 0.25
    else:
        assert apart >= limit and found.centred > 0.6
        assert found.deflection > 0.4 and found.together < -0.25 and found.period < 400
