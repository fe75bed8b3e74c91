"""Hall air raced against OpenFOAM on the same hall, and implicit conduction against FiPy, in CPU seconds of one thread.

The hall has 12 x 8 x 3 m in cells of 0.1 m: two rows of ten racks of 5 kW back to back across a cold aisle, a field of
supply tiles in it that gives 94 % of what the racks draw, and returns in the ceiling over the hot sides. OpenFOAM comes
with the Debian package openfoam, FiPy with pip; without them only we run. `--short` takes fewer steps.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent)]

from races import machine  # isort: skip

import numpy as np
import openfoam
from twin.kernels import poisson
from twin.kernels.boundaries import SOLID, Cells, Faces, Grid
from twin.kernels.finite_volume import Flow


@dataclass(frozen=True)
class Hall:
    """Boxes [m], flows [m/s], temperatures [K] and heat of each rack row [W]."""

    size: tuple = (12.0, 8.0, 3.0)
    racks: list = field(
        default_factory=lambda: [((3, 2.4, 0), (9, 3.4, 2.0), -0.288), ((3, 4.6, 0), (9, 5.6, 2.0), 0.288)]
    )
    tiles: tuple = ((3, 3.4), (9, 4.6))
    returns: list = field(default_factory=lambda: [((3, 0.6), (9, 1.8)), ((3, 6.2), (9, 7.4))])
    tile_speed: float = 0.9
    supply: float = 291.15
    start: float = 297.15
    heat: float = 50e3
    capacity: float = 1206.0


def places(low, high, cell, extra=(0, 0, 0)):
    """Cells, or faces with `extra` at the end, of a box, (m, 3) as z, y, x."""
    ranges = [np.arange(round(a / cell), round(b / cell) + e) for a, b, e in zip(low, high, extra, strict=True)]
    return np.stack([m.ravel() for m in np.meshgrid(*ranges[::-1], indexing="ij")], axis=1)


def ours(hall, cell, kind, scenarios=1, xp=np):
    """The hall at rest as our flow, its arrays in the library `xp`."""
    reference = 293.15
    layers = round(hall.size[2] / cell)
    layer = lambda area, k: places((*area[0], k * cell), (*area[1], (k + 1) * cell), cell)  # noqa: E731
    column = lambda n, v: np.full((n, 1), v)  # noqa: E731
    racks = [(places(low, high, cell, (0, 1, 0)), v) for low, high, v in hall.racks]
    at = np.concatenate([p for p, _ in racks])
    speed = np.concatenate([column(len(p), v) for p, v in racks])
    fans = Faces(at, column(len(at), SOLID), column(len(at), 0.0), speed)
    tiles, returns = layer(hall.tiles, 0), np.concatenate([layer(a, layers) for a in hall.returns])
    up = hall.tile_speed * np.r_[np.ones(len(tiles)), np.full(len(returns), len(tiles) / len(returns))][:, None]
    ends = np.concatenate([tiles, returns])
    openings = Faces(ends, column(len(ends), SOLID), column(len(ends), 0.0), up)
    zones = [places(low, high, cell) for low, high, _ in hall.racks]
    warm = hall.heat / hall.capacity / (len(zones[0]) * cell**3)
    at = np.concatenate([tiles, *zones])
    supplied = np.arange(len(at)) < len(tiles)
    cells = Cells(
        at,
        np.where(supplied, SOLID, 0.0)[:, None],
        column(len(at), hall.supply - reference),
        np.where(supplied, 0.0, warm)[:, None],
    )
    faces = (Faces(), fans, openings)
    flow = Flow(Grid.uniform(hall.size, cell), scenarios, faces=faces, cells=cells, kind=kind, xp=xp)
    for T in (flow.T, flow._T):
        T[...] = hall.start - reference
    return flow


def conduction(short):
    """Implicit steps of conduction on 64^3, one face at 1 and its opposite at 0."""
    n, steps = 64, 20 if short else 100
    fixed, free = (-1.0, -1.0), (1.0, 1.0)
    axes = [poisson.axis(np.full(n, 1.0 / n), ends) for ends in (free, free, fixed)]
    box = poisson.Box(*axes, kind=np.float64)
    dt = 20.5 / n**2
    inverse = box.inverse(1.0, -dt)
    T = np.zeros((1, n, n, n))
    work = np.empty_like(T)
    edge = np.zeros((n, n, n))
    edge[:, :, 0] = 2.0 * n**2 * dt

    def run():
        nonlocal T
        for _ in range(steps):
            T = box.solve(T + edge, inverse, work)

    run()
    began = time.process_time()
    run()
    spent = time.process_time() - began
    for _ in range(400 // steps):
        run()
    exact = 1.0 - (np.arange(n) + 0.5) / n
    error = np.abs(T[0] - exact).max()
    rate = n**3 * steps / spent / 1e6
    print(f"conduction 64^3, implicit   ours            {rate:8.1f} M cell-steps/s, error {error:.0e}")
    os.environ.setdefault("FIPY_SOLVERS", "scipy")
    try:
        import fipy
    except ImportError:
        print("conduction 64^3, implicit   FiPy is not installed")
        return
    mesh = fipy.Grid3D(nx=n, ny=n, nz=n, dx=1 / n, dy=1 / n, dz=1 / n)
    theirs = fipy.CellVariable(mesh=mesh, value=0.0)
    theirs.constrain(1.0, mesh.facesLeft)
    theirs.constrain(0.0, mesh.facesRight)
    equation = fipy.TransientTerm() == fipy.DiffusionTerm(coeff=1.0)
    solver = fipy.LinearPCGSolver(tolerance=1e-6, iterations=1000)
    equation.solve(var=theirs, dt=dt, solver=solver)
    began, few = time.process_time(), 2 if short else 10
    for _ in range(few):
        equation.solve(var=theirs, dt=dt, solver=solver)
    slow = n**3 * few / (time.process_time() - began) / 1e6
    print(
        f"conduction 64^3, implicit   FiPy            {slow:8.2f} M cell-steps/s; ours {rate / slow:.0f} times as many"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    print(machine())
    hall, cell, steps = Hall(), 0.1, 60 if short else 400
    rate = {}
    for kind in (np.float32, np.float64):
        flow = ours(hall, cell, kind)
        flow.step(60)
        began, then = time.process_time(), flow.time[0]
        flow.step(steps)
        spent = time.process_time() - began
        count, name = int(np.prod(flow.grid.shape)), np.dtype(kind).name
        rate[name] = (flow.time[0] - then) / spent
        worst = np.abs(flow.divergence()).max() / (hall.tile_speed * 7.2)
        print(
            f"hall, {count:,} cells, {name}  ours {count * steps / spent / 1e6:8.1f} M cell-steps/s, "
            f"{rate[name]:.3f} s of air a CPU second, {flow.bytes_per_cell:.0f} B a cell, divergence {worst:.0e}"
        )
    with tempfile.TemporaryDirectory() as folder:
        spent = openfoam.seconds_per_step(hall, cell, 15 if short else 30, folder)
    if spent:
        theirs = openfoam.STEP / spent
        print(
            f"hall, {count:,} cells, float64  OpenFOAM {count / spent / 1e6:6.2f} M cell-steps/s, "
            f"{theirs:.3f} s of air a CPU second; ours takes {rate['float32'] / theirs:.0f} times less"
        )
    conduction(short)


if __name__ == "__main__":
    main()
