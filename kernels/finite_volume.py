"""Air in a box: a projection method on a staggered grid, one direct pressure solve a step, all scenarios at once.

    u* from u, T and p (`momentum`), drawn towards what racks, tiles, walls and fans impose (`resist`);
    ∇²φ = ∇·u* / dt (`poisson`);   u = u* - dt ∇φ,   p = p + φ;   T from the new u (`transport`).

The pressure is carried along, so that the face drag, implicit in time, and the constant-coefficient pressure equation
agree at the steady state, where φ = 0: a blocked face is then tight, whatever the time step [van Kan, SIAM J. Sci.
Stat. Comput. 7 (1986) 870].
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from twin.kernels import boundaries, momentum, poisson, transport, turbulence
from twin.kernels.arrays import fetch, send
from twin.kernels.boundaries import SOLID, Cells, Faces, Grid, Sides
from twin.kernels.launch import Call, bind, record
from twin.kernels.momentum import Air, Mesh, Pulled, Scheme
from twin.kernels.transport import Held
from twin.kernels.turbulence import Eddies, Window

log = logging.getLogger("twin")

Array = np.ndarray
Stage = list[Call]

MODELS = {
    "smagorinsky": turbulence.smagorinsky,
    "wale": turbulence.wale,
    "vreman": turbulence.vreman,
    "dynamic": turbulence.smagorinsky,
    "zero_equation": turbulence.zero_equation,
}
"""Kernels of the models of turbulence."""

Momentum = Literal["limited", "central"]
Turbulence = Literal["smagorinsky", "wale", "vreman", "dynamic", "zero_equation", "none"]

CONSTANTS = {"smagorinsky": 0.15, "wale": 0.5, "vreman": 0.07, "dynamic": 1.0, "zero_equation": 0.03874}
"""Constants of the models of turbulence as published for cells that resolve no wall.

Cs of Smagorinsky between the 0.1 of channels and the 0.17 of isotropic turbulence [Pope, Turbulent Flows, 2000, ch.
13], Cw of WALE, for isotropic turbulence [Nicoud & Ducros 1999], c of Vreman, 2.5 Cs² of Cs 0.17 [Vreman 2004], and
Chen & Xu's [1998]. The dynamic model finds its own.
"""

KARMAN = 0.41
"""Growth of the eddies' length with the distance to a wall, Kármán's constant."""

COURANT = 0.5
"""Largest share of a cell that air crosses in a step."""

REFRESH = 10
"""Steps between looks at the time step and the wall friction."""

EARLY = 40
"""Steps from rest, in which every one is looked at."""

MARGIN = {"limited": 1.5, "central": 2.2}
"""By how much explicit diffusion stays below h² / 4 ν, of which the second-order rule allows all, the third 6 / 11."""

CALM = 20.0
"""By how much implicit diffusion may pass it: the trapezoidal rule damps no ripples of longer steps."""

MAX_GROWTH = 1.2
"""Factor by which a step may grow from one look to the next."""

MAX_RATIO = 3.0
"""Factor from which a step that is longer than the last begins anew, by Euler's rule."""

MAX_SHIFTS = 8
"""Time steps for which implicit diffusion keeps its factors."""

WINDOW = (2**24, 2**16)
"""Cells whose motion the dynamic model filters at once, on a GPU and on the CPU, where they stay in its caches."""

MIN_WINDOW = 8
"""Planes of such cells at least: those beside them are filtered twice."""

GRAVITY = 9.81
AIR_VISCOSITY = 1.5e-5
"""Kinematic viscosity of air at 20 degC, m²/s."""


@dataclass(frozen=True)
class Physics:
    """What air is and how it is modelled.

    `viscosity` and `diffusivity` [m²/s] are laminar; `lift` [m/s²/K] is gravity over the reference temperature.
    `turbulence` is one of MODELS, or none; `constant` is its own (see CONSTANTS), published if None, and of no use to
    the dynamic model. `stratification` damps the eddies of all models but zero_equation where warm air lies on cold.
    `momentum` is carried by limited upwind or by central differences, which keep kinetic energy. `implicit` solves
    laminar diffusion with the direct solver, second order in time. `wall_law` gives walls the friction of the
    logarithmic law, and none if False.
    """

    viscosity: float = AIR_VISCOSITY
    diffusivity: float = AIR_VISCOSITY / 0.71
    lift: float = GRAVITY / 293.15
    turbulence: Turbulence = "dynamic"
    constant: float | None = None
    turbulent_prandtl: float = 0.9
    stratification: bool = True
    momentum: Momentum = "central"
    implicit: bool = False
    wall_law: bool = True

    @property
    def published(self) -> float:
        """The model's constant, as published if none is given."""
        return CONSTANTS.get(self.turbulence, 0.0) if self.constant is None else self.constant


class Flow:
    """Air in motion: fields (scenario and z, y, x) with ghosts, and `step`.

    Temperatures are relative to the reference. The fields are arrays of `xp` and of precision `kind`.
    """

    def __init__(
        self,
        grid: Grid,
        scenarios: int = 1,
        *,
        faces: tuple[Faces, Faces, Faces] = (Faces(), Faces(), Faces()),
        cells: Cells = Cells(),
        physics: Physics = Physics(),
        sides: Sides = Sides(),
        kind: DTypeLike = np.float32,
        xp: ModuleType = np,
    ) -> None:
        self.grid, self.scenarios, self.physics, self.kind, self.xp = grid, scenarios, physics, np.dtype(kind), xp
        nz, ny, nx = grid.shape
        self.padded = (scenarios * (nz + 1), ny + 1, nx + 4)
        new = lambda: xp.zeros(self.padded, self.kind)  # noqa: E731
        self.u, self.v, self.w, self.T, self.p, self.nu = (new() for _ in range(6))
        self._u, self._v, self._w, self._T = (new() for _ in range(4))
        self._old = [new() for _ in range(4)]
        self._older = [new() for _ in range(3)] if physics.momentum == "central" else []
        self._phi = xp.zeros((scenarios * nz, ny, nx), self.kind)
        self.nu[...] = physics.viscosity
        self._rows = xp.zeros((scenarios * nz, ny * momentum.PARTS, 3), self.kind)
        self._fineness = sum(getattr(grid, c).min() ** -2 for c in "xyz")
        self.clock = xp.zeros((scenarios, 7), self.kind)
        self._before = np.zeros((2, scenarios))
        self.time, self.steps, self.started = np.zeros(scenarios), 0, False
        ghosts = ((grid.x, 2), (grid.y, 0), (grid.z, 0))
        self._tables = [xp.asarray(boundaries.axis_table(*g).astype(self.kind)) for g in ghosts]
        self._mesh = Mesh._make([*self._tables, nx, ny, nz])
        self._side = xp.asarray(sides.table().astype(self.kind))
        self._open = xp.asarray(boundaries.diffusive(grid, faces).astype(self.kind))
        self._length = xp.asarray(self._eddy_length(faces).astype(self.kind))
        self._filtered: list[Array] = []
        if physics.turbulence == "dynamic":
            self._near, self._length = self._length, new()
            self._window = min(max(WINDOW[xp is np] // (ny * nx), MIN_WINDOW), scenarios * nz)
            sizes = turbulence.MOMENTS * (self._window + 4), 2 * (self._window + 2)
            self._filtered = [xp.zeros((n, ny, nx + 2), self.kind) for n in sizes]
        self.faces = [self._pulled(d, faces) for d in range(3)]
        self.cells = send(
            Held._make([*boundaries.columns(cells.at), *(self._wide(getattr(cells, c)) for c in Cells.NUMBERS)]), xp
        )
        self.given = xp.zeros((max(len(cells.at), 1), scenarios), self.kind)
        self._min_rate = self._driven(faces, cells, sides)
        self._boxes(sides)
        self._stages = [self._bound(odd) for odd in (False, True)]
        self._looks = [[self._rubbed(odd), *self._found(odd)] for odd in (False, True)]
        self._speeds = [self._watched(odd) for odd in (False, True)]
        self._graph: Call | None = None
        self._wanted: ArrayLike | None = None
        self._shortened = False

    # ---- laying out ------------------------------------------------------------------------------------------

    def _wide(self, numbers: Array) -> Array:
        """Numbers (m, 1|S) as kernels take them, (m, S)."""
        return np.array(np.broadcast_to(np.minimum(numbers, SOLID), (len(numbers), self.scenarios)), self.kind)

    def _pulled(self, d: int, faces: tuple[Faces, Faces, Faces]) -> Pulled:
        """Faces of direction d that are listed or lie along walls, each once."""
        part, near, reach, beside = faces[d], np.zeros((0, 3), int), np.zeros(0), np.zeros((0, 6))
        if self.physics.wall_law:
            near, reach, beside = boundaries.along_walls(self.grid, faces, d)
        at, which = np.unique(np.concatenate([part.at, near]), axis=0, return_inverse=True)
        listed, walls = np.split(which.ravel(), [len(part.at)])
        rate, loss, target, wall = np.zeros((4, len(at), self.scenarios), self.kind)
        for column, numbers in ((rate, part.rate), (loss, part.loss), (target, part.target)):
            column[listed] = self._wide(numbers)
        distance = np.zeros(len(at), self.kind)
        distance[walls] = reach
        closed = np.zeros((len(at), 6), self.kind)
        closed[walls] = beside
        return send(Pulled._make([*boundaries.columns(at), rate, loss, target, wall, distance, closed]), self.xp)

    def _driven(self, faces: tuple[Faces, Faces, Faces], cells: Cells, sides: Sides) -> Array:
        """Minimum of `rates` [1/s], (S,), by what will move air at rest: imposed speeds, moving walls, warmth, heat."""
        widths = [getattr(self.grid, c).min() for c in "xyz"]
        lift = self.physics.lift / (COURANT * widths[2])
        warm = np.maximum(self._largest(cells.target * (cells.rate > 0)), 0.5 * max(abs(b) for _, b in sides.T))
        rate = np.maximum(np.sqrt(lift * warm), np.cbrt(lift * self._largest(cells.source)))
        for part, side, width in zip(faces, (sides.u, sides.v, sides.w), widths, strict=True):
            speed = np.maximum(self._largest(part.target), 0.5 * max(abs(b) for _, b in side))
            rate = np.maximum(rate, speed / (COURANT * width))
        return rate

    def _largest(self, rows: Array) -> Array:
        """Largest size in each scenario of rows (m, 1|S)."""
        return np.broadcast_to(np.abs(rows), (len(rows), self.scenarios)).max(axis=0, initial=0.0)

    def _eddy_length(self, faces: tuple[Faces, Faces, Faces]) -> Array:
        """Length of the eddies that cells do not hold, or what bounds it, in the arrays' shape [m]."""
        (nz, ny, nx), p = self.grid.shape, self.physics
        free, distance = p.published * np.cbrt(self.grid.volume), boundaries.from_walls(self.grid, faces)
        near = KARMAN * distance
        lengths = {"zero_equation": distance, "dynamic": near, "smagorinsky": np.minimum(free, near)}
        length = np.zeros((nz + 1, ny + 1, nx + 4))
        length[:nz, :ny, 2 : nx + 2] = lengths.get(p.turbulence, free)
        return length

    def _boxes(self, sides: Sides) -> None:
        """The direct solvers: of the pressure, and of what diffuses implicitly between its own sides."""
        g = (self.grid.z, self.grid.y, self.grid.x)
        make = lambda *axes: poisson.Box(*axes, kind=self.kind, xp=self.xp)  # noqa: E731
        self._pressure = make(*map(poisson.axis, g))
        self._inverse = self._pressure.inverse()
        self._diffusion = []
        if self.physics.implicit:
            for c, pairs in enumerate((sides.u, sides.v, sides.w, sides.T)):
                ends = [(pairs[2 * d][0], pairs[2 * d + 1][0]) for d in (2, 1, 0)]
                axes = (poisson.axis(g[d], ends[d], faces=c == 2 - d) for d in range(3))
                self._diffusion.append(make(*axes))
        self._shifts: dict[tuple[int, bytes], Array] = {}

    def _bound(self, odd: bool) -> list[Stage]:
        """The stages of a step, each of calls that do not need each other.

        What is current and what is next change places from step to step.
        """
        here, there = self._air(odd), self._air(not odd)
        (nz, ny, nx), s, p, mesh = self.grid.shape, self.scenarios, self.physics, self._mesh
        share = 0.0 if p.turbulence == "none" else 1.0 / p.turbulent_prandtl
        scheme = Scheme(float(p.implicit), p.lift, share, p.diffusivity - share * p.viscosity)
        fixed, rows, layers = (mesh, self.clock, self._side, scheme), (s * nz, ny), nz + 1
        carry = momentum.CENTRAL if p.momentum == "central" else momentum.LIMITED
        stages = [[bind(transport.ghosts, rows, here, self._side, mesh)]]
        if p.turbulence != "none":
            stages += [[self._eddies(here)], [bind(transport.mirrored, rows, self.nu, mesh)]]
        domains = (*rows, nx - 1), (s * nz, ny - 1, nx), (s * (nz - 1), ny, nx)
        older = self._older or [there.p] * 3  # limited momentum has no use for it
        moved = [
            bind(momentum.momentum[d, carry], domain, here, self._old[d], older[d], there[d], *fixed)
            for d, domain in zip(momentum.AXES, domains, strict=True)
        ]
        stages.append(moved)
        if p.wall_law and not p.implicit:
            stages.append(
                [
                    bind(
                        momentum.part[d, carry],
                        (s, len(pulled.rate)),
                        pulled,
                        here,
                        self._old[d],
                        there[d],
                        mesh,
                        self.clock,
                    )
                    for d, pulled in zip(momentum.AXES, self.faces, strict=True)
                    if self._host(pulled.beside).any()
                ]
            )
        if p.implicit:
            stages.append(
                [lambda c=c: self._diffuse(c, here[c], there[c]) for c in range(3) if self._diffusion[c].values.size]
            )
        stages.append(
            [
                bind(momentum.resist, (s, len(pulled.rate)), pulled, before, after, self.clock, layers)
                for before, after, pulled in zip(here[:3], there[:3], self.faces, strict=True)
                if len(pulled.rate)
            ]
        )
        phi, work = self._phi, there.T.ravel()[: self._phi.size].reshape(self._phi.shape)
        stages.append([bind(momentum.divergence, (*rows, nx), there, phi, self.clock, mesh)])
        boxed = [a.reshape(s, nz, ny, nx) for a in (phi, work)]
        stages += [[call] for call in self._pressure.calls(boxed[0], self._inverse, boxed[1])]
        stages.append(
            [
                bind(momentum.correct_x, (*rows, nx - 1), phi, there, self.clock, mesh),
                bind(momentum.correct, (*rows, nx), phi, there, self.clock, mesh),
            ]
        )
        moving = there._replace(T=here.T)
        scalar = (moving, self._open, self._old[3], there.T, *fixed)
        stages.append([bind(transport.transport, (*rows, nx), *scalar)])
        if p.implicit:
            stages.append([lambda: self._diffuse(3, here.T, there.T)])
        if len(self.cells.rate):
            at = (s, len(self.cells.rate))
            stages.append([bind(transport.exchange, at, self.cells, there.T, self.given, self.clock, layers)])
        return [*stages, [bind(momentum.settle, (s,), self.clock)]]

    def _air(self, odd: bool) -> Air:
        """The fields as kernels take them: those that are current in even steps, or in odd ones."""
        moving = (self._u, self._v, self._w, self._T) if odd else (self.u, self.v, self.w, self.T)
        return Air(*moving, self.nu, self.p)

    def _watched(self, odd: bool) -> Call:
        """The call that sees how fast the air is."""
        (nz, ny, _), s = self.grid.shape, self.scenarios
        return bind(momentum.courant, (s * nz, ny * momentum.PARTS), self._air(odd), self._rows, self._mesh)

    def _rubbed(self, odd: bool) -> Stage:
        """The calls that find the friction at walls."""
        if not self.physics.wall_law:
            return []
        fixed = self.grid.shape[0] + 1, self.physics.viscosity
        return [
            bind(turbulence.wall_law, (self.scenarios, len(p.rate)), p, a, *fixed)
            for p, a in zip(self.faces, self._air(odd)[:3], strict=True)
            if len(p.rate)
        ]

    def _eddies(self, air: Air) -> Call:
        (nz, ny, nx), p = self.grid.shape, self.physics
        lift = p.lift / p.turbulent_prandtl if p.stratification else 0.0
        own = nz + 1 if p.turbulence == "dynamic" else 0
        eddies = Eddies(p.viscosity, p.published, lift, own)
        return bind(MODELS[p.turbulence], (self.scenarios * nz, ny, nx), air, self._length, self._mesh, eddies)

    def _found(self, odd: bool) -> list[Stage]:
        """The calls that find the lengths of eddies which the flow itself gives."""
        if self.physics.turbulence != "dynamic":
            return []
        (nz, ny, nx), mesh, (given, sums) = self.grid.shape, self._mesh, self._filtered
        every, air, found = self.scenarios * nz, self._air(odd), []
        sizes = len(given) // turbulence.MOMENTS, len(sums) // 2
        for begin in range(0, every, self._window):
            end = min(begin + self._window, every)
            (low, high), (first, last) = ((max(begin - n, 0), min(end + n, every)) for n in (2, 1))
            seen, summed = Window(low, 0, 0, sizes[0]), Window(first, low, *sizes)
            used = Window(begin, first, sizes[1], 0)
            found += [
                [bind(turbulence.moments, (high - low, ny, nx), air, mesh, given, seen)],
                [bind(turbulence.ended, given.shape[:2], given, mesh)],
                [bind(turbulence.stresses, (last - first, ny, nx), given, mesh, sums, summed)],
                [bind(turbulence.ended, sums.shape[:2], sums, mesh)],
                [bind(turbulence.dynamic, (end - begin, ny, nx), sums, self._near, mesh, self._length, used)],
            ]
        return found

    # ---- stepping --------------------------------------------------------------------------------------------

    def _diffuse(self, c: int, before: Array, after: Array) -> None:
        """The change of a field by the explicit part becomes that of half the diffusion implicit."""
        nz, ny, nx = self.grid.shape
        first = slice(int(c == 2), nz), slice(int(c == 1), ny), slice(2 + int(c == 0), nx + 2)
        whole = (self.scenarios, nz + 1, ny + 1, nx + 4)
        old, new = (a.reshape(whole)[:, *first] for a in (before, after))
        nu = self.physics.viscosity if c < 3 else self.physics.diffusivity
        key = c, self._dt.tobytes()
        if key not in self._shifts:
            if len(self._shifts) > MAX_SHIFTS:
                self._shifts.clear()
            scale = -0.5 * nu * self.xp.asarray(self._dt)[:, None, None, None]
            self._shifts[key] = self._diffusion[c].inverse(1.0, scale)
        change = new - old
        correction = self._diffusion[c].solve(change, self._shifts[key], self.xp.empty_like(change))
        new[...] = old + correction

    def step(self, count: int = 1, dt: ArrayLike | None = None) -> None:
        """Go on by so many steps, of `dt` [s] (1|S) or as long as the flow allows.

        Raises ValueError for a time step that is not above 0.
        """
        if dt is not None and not (np.asarray(dt) > 0).all():
            raise ValueError(f"dt: {dt} s: give a time step above 0 s")
        changed = dt is not None and (self._wanted is None or not np.array_equal(dt, self._wanted))
        self._wanted = dt
        while count > 0:
            early = self.steps < EARLY
            look = early or changed or self.steps % REFRESH == 0
            changed = False
            if look:
                self._pace(dt)
            n = min(count, 1 if early else REFRESH - self.steps % REFRESH)
            self._run(n, look)
            self._before = np.stack([self._dt, self._dt if n > 1 else self._before[0]])
            self.steps += n
            self.time += n * self._dt
            count -= n

    def _run(self, count: int, look: bool) -> None:
        """So many steps of one length, after a look at walls and eddies; on a GPU they are one graph."""
        whole = count == REFRESH and self.xp is not np and not self.physics.implicit
        if whole and self._graph is not None:
            self._graph()
            return
        stages = list(self._looks[self.steps % 2]) if look else []
        stages += [stage for k in range(count) for stage in self._stages[(self.steps + k) % 2]]
        run = record(stages, on_gpu=whole)
        if whole:
            self._graph = run
        run()

    def _pace(self, dt: ArrayLike | None) -> None:
        """Set the time step from the flow as it is."""
        rate = self.rates()
        allowed = 1.0 / np.maximum(rate, 1e-9)
        if dt is not None:
            if not self._shortened and (np.asarray(dt) > allowed * (1 + 1e-6)).any():
                log.warning("time step %g s shortened to %g s, which the flow allows", np.max(dt), allowed.min())
                self._shortened = True
            allowed = np.minimum(dt, allowed)
        elif self.started:
            allowed = np.minimum(allowed, MAX_GROWTH * self._dt)
        ratio = allowed / self._dt if self.started else np.zeros(self.scenarios)
        self._dt, self.started = np.broadcast_to(allowed, (self.scenarios,)).astype(self.kind).astype(float), True
        anew = ratio > MAX_RATIO
        ratio = np.where(anew, 0.0, ratio)
        self._before = np.where(anew, self._dt, self._before)
        clock = np.stack([self._dt, 1.0 + 0.5 * ratio, 0.5 * ratio, *self._weights(ratio), self._before[0]], axis=1)
        self.clock[...] = self.xp.asarray(clock.astype(self.kind))

    def _weights(self, ratio: Array) -> tuple[Array, ...]:
        """Weights of Adams and Bashforth's third-order rule for steps of any length; of lower order at the start."""
        lower = 1.0 + 0.5 * ratio, 0.5 * ratio, np.zeros_like(ratio)
        if self.steps < 2:
            return lower
        dt, (last, first) = self._dt, self._before
        a = 1.0 + dt * (2.0 * dt + 6.0 * last + 3.0 * first) / (6.0 * last * (last + first))
        b = dt * (2.0 * dt + 3.0 * last + 3.0 * first) / (6.0 * last * first)
        whole = a, b, dt * (2.0 * dt + 3.0 * last) / (6.0 * first * (last + first))
        return tuple(np.where(ratio > 0, x, y) for x, y in zip(whole, lower, strict=True))

    def rates(self) -> Array:
        """One over the longest stable time step of each scenario, 1/s, after Courant and, if explicit, diffusion."""
        p = self.physics
        self._speeds[self.steps % 2]()
        speed, eddy, warm = self._host(self._rows.reshape(self.scenarios, -1, 3).max(axis=1)).T
        rate = np.maximum(speed / COURANT, self._min_rate)
        spread = np.maximum(eddy / min(p.turbulent_prandtl, 1.0), p.diffusivity)
        rate = np.maximum(rate, (1.0 / CALM if p.implicit else MARGIN[p.momentum]) * 4.0 * spread * self._fineness)
        # Buoyancy must not carry air through a cell that stands still now.
        return np.maximum(rate, np.sqrt(p.lift / (COURANT * self.grid.z.min()) * warm))

    def _host(self, a: Array) -> Array:
        return np.asarray(fetch(a), float)

    # ---- looking ---------------------------------------------------------------------------------------------

    @property
    def fields(self) -> tuple[Array, Array, Array, Array]:
        """The current u, v, w and T with their ghosts."""
        odd = self.steps % 2
        return (self._u, self._v, self._w, self._T) if odd else (self.u, self.v, self.w, self.T)

    def view(self, name: str) -> Array:
        """A field without ghosts, (S, z, y, x): u, v, w on faces, T, p, nu in cells."""
        nz, ny, nx = self.grid.shape
        names = dict(zip("uvwT", self.fields, strict=True)) | {"p": self.p, "nu": self.nu}
        whole = names[name].reshape(self.scenarios, nz + 1, ny + 1, nx + 4)
        return whole[:, : nz + (name == "w"), : ny + (name == "v"), 2 : nx + 2 + (name == "u")]

    def divergence(self) -> Array:
        """Net outflow of every cell, m³/s, (S, z, y, x)."""
        g = self.grid
        u, v, w = (self._host(self.view(c)) for c in "uvw")
        along = np.diff(u, axis=3) * g.z[:, None, None] * g.y[:, None]
        across = np.diff(v, axis=2) * g.z[:, None, None] * g.x
        return along + across + np.diff(w, axis=1) * g.y[:, None] * g.x

    @property
    def bytes_per_cell(self) -> float:
        """Memory of the fields and of what a step needs, per cell and scenario."""
        arrays = (self.u, self.v, self.w, self.T, self.p, self.nu, self._u, self._v, self._w, self._T)
        arrays = (*arrays, *self._old, *self._older, *self._filtered, self._phi, self._open, self._length)
        return sum(a.nbytes for a in arrays) / (self.scenarios * np.prod(self.grid.shape))
