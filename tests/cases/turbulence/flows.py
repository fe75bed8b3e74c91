"""Turbulent flows with published numbers, on a box of equal cells; see README.md."""

import time
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from twin.kernels.boundaries import SOLID, Cells, Faces, Grid
from twin.kernels.finite_volume import GRAVITY, Flow, Physics

STRIDE = 10
"""Steps between samples of an average."""


class Found(NamedTuple):
    """What a flow shows, by name, and what it cost."""

    values: dict
    cells: int
    steps: int
    seconds: float


def column(count, value):
    return np.full((count, 1), float(value))


def side(grid, axis, end):
    """Faces of one side of a box, z, y, x, (m, 3), and where each is along z [m]."""
    shape = list(grid.shape)
    place = [np.arange(n) for n in shape]
    place[2 - "xyz".index(axis)] = np.array([0 if end == 0 else shape[2 - "xyz".index(axis)]])
    at = np.stack([m.ravel() for m in np.meshgrid(*place, indexing="ij")], axis=1)
    heights = 0.5 * (grid.edges("z")[1:] + grid.edges("z")[:-1])
    return at, heights[np.minimum(at[:, 0], shape[0] - 1)]


def blown(at, speed):
    """Faces with an imposed velocity [m/s], (m,)."""
    return Faces(at, column(len(at), SOLID), column(len(at), 0.0), np.asarray(speed, float)[:, None])


def gliding(grid, axis, *ends):
    """Sides that let no air pass and do not rub: faces that are held still and yet no walls."""
    at = np.concatenate([side(grid, axis, end)[0] for end in ends])
    return Faces(at, column(len(at), 0.1 * SOLID), column(len(at), 0.0), column(len(at), 0.0))


def joined(*parts):
    """Several lists of faces as one."""
    return Faces(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("at", "rate", "loss", "target")))


def blows(flow, speed, rough):
    """What to call after every few steps: air comes in turbulent, and leaves as it arrives at the far side.

    `speed` and `rough` are of the air that comes in at the near side, its mean and the root mean square of its
    fluctuation (face,). Fluctuations are as large and last as long as half a unit of length, the slot's width or the
    step's height: filtered noise [Klein, Sadiki & Janicka, J. Comput. Phys. 186 (2003) 652]. Air leaves forwards only,
    and as much as comes in.
    """
    rng = np.random.default_rng(1)
    faces, shape = flow.faces[0], flow.grid.shape[:2]
    last = flow.grid.shape[2] + 2
    out, into = faces.column == last, faces.column == 2
    eddy = 0.25 / float(flow.grid.x[0])
    kept, then = np.zeros(shape), [float(flow.time[0])]

    def each(flow):
        noise = gaussian_filter(rng.standard_normal(shape), eddy, mode=("nearest", "wrap"))
        share = np.exp((then[0] - float(flow.time[0])) / 0.5)
        kept[...] = share * kept + np.sqrt(1.0 - share**2) * noise / noise.std()
        then[0] = float(flow.time[0])
        faces.target[into, 0] = speed + rough * kept.ravel()
        released(flow, out, into)

    return each


def released(flow, out, into):
    """Let air leave through the far side across x as it arrives there."""
    faces, u = flow.faces[0], flow.fields[0]
    at = faces.layer[out], faces.row[out]
    arrives = np.maximum(u[(*at, faces.column[out] - 1)], 0.0)[:, None]
    sides = sum(float(abs(f.target).sum()) for f in flow.faces[1:])
    total = faces.target[into].sum() + sides
    faces.target[out] = arrives * (total / max(arrives.sum(), 1e-6))


def mean(flow, until, names, each=lambda flow: None):
    """Means over time and over y of fields until a time, in the middle of cells, by name: (z, x)."""
    sums, weight = dict.fromkeys(names, 0.0), 0.0
    while flow.time[0] < until:
        before = flow.time[0]
        flow.step(STRIDE)
        each(flow)
        for name in names:
            sums[name] = sums[name] + (flow.time[0] - before) * np.asarray(flow.view(name)[0], float).mean(axis=1)
        weight += flow.time[0] - before
    means = {name: total / weight for name, total in sums.items()}
    if "u" in means:
        means["u"] = 0.5 * (means["u"][:, 1:] + means["u"][:, :-1])
    return means


def crossing(values, places, level):
    """Where values that fall first pass a level."""
    k = int(np.argmax(values < level))
    share = (values[k - 1] - level) / (values[k - 1] - values[k])
    return places[k - 1] + share * (places[k] - places[k - 1])


def started(flow, until, each=lambda flow: None):
    """Step a flow to the time at which its average begins; the CPU time before."""
    began = time.process_time()
    while flow.time[0] < until:
        flow.step(STRIDE)
        each(flow)
    return began


# ---- Taylor and Green's vortex -----------------------------------------------------------------------------------


def taylor_green(cells, times, **physics):
    """Dissipation of the vortex at Reynolds number 1,600 at some times, `cells` along a period; an octant is computed.

    The vortex keeps its planes of symmetry, on which no air passes and none rubs: sides of a box of half a period.
    """
    n = cells // 2
    h = np.pi / n
    model = Physics(viscosity=1 / 1600, diffusivity=1 / 1600, lift=0.0, wall_law=False, **physics)
    flow = Flow(Grid(*(np.full(n, h),) * 3), physics=model)
    faces, centres = np.arange(n + 1) * h, (np.arange(n) + 0.5) * h
    along = lambda a: (a, a[:, None], a[:, None, None])  # noqa: E731
    (fx, fy, _), (cx, cy, cz) = along(faces), along(centres)
    flow.view("u")[0] = np.sin(fx) * np.cos(cy) * np.cos(cz)
    flow.view("v")[0] = -np.cos(cx) * np.sin(fy) * np.cos(cz)
    flow.view("p")[0] = (np.cos(2 * cx) + np.cos(2 * cy)) * (np.cos(2 * cz) + 2) / 16
    t, energy, began = [0.0], [kinetic(flow)], time.process_time()
    while flow.time[0] < max(times) + 0.2:
        flow.step(5)
        t.append(flow.time[0])
        energy.append(kinetic(flow))
    seconds = time.process_time() - began
    rate = [(np.interp(k - 0.1, t, energy) - np.interp(k + 0.1, t, energy)) / 0.2 for k in times]
    return Found({"dissipation": np.array(rate), "energy": np.interp(times, t, energy)}, n**3, flow.steps, seconds)


def kinetic(flow):
    """Mean kinetic energy of a box of equal cells [m²/s²]; a face at a side has half a cell."""
    total = 0.0
    for axis, name in ((2, "u"), (1, "v"), (0, "w")):
        square = np.moveaxis(np.asarray(flow.view(name)[0], float) ** 2, axis, 0)
        total += square[1:-1].mean(axis=(1, 2)).sum() + 0.5 * (square[0].mean() + square[-1].mean())
    return 0.5 * total / flow.grid.shape[0]


# ---- jets --------------------------------------------------------------------------------------------------------

COFLOW, ASIDE = 0.1, 0.03
"""Speeds of the air that comes with a jet and from the sides, over the jet's: it entrains some from somewhere."""


def jet(slot, wall, until=120.0, **physics):
    """A plane jet, or with `wall` one along a floor, from a slot `slot` cells wide: spread and decay per slot width.

    The box is 24 slots long and 6 deep; 20 high round a free jet, 12 over a wall jet. Times are in slots over speeds,
    the Reynolds number is 10,000, and air around comes with a tenth of the jet's speed, and from the sides. Spread is
    the slope of the half width, decay that of the squared ratio of velocities, both above the air around, from 8 to 17
    slots: farther out eddies would be as wide as the box is deep.
    """
    length, depth, height = 24, 6, 12 if wall else 20
    grid = Grid.uniform((length, depth, height), 1.0 / slot)
    at, z = side(grid, "x", 0)
    begins = 0.0 if wall else 0.5 * (height - 1.0)
    speed = np.where((z > begins) & (z < begins + 1.0), 1.0, COFLOW)
    out, _ = side(grid, "x", 1)
    along = joined(blown(at, speed), blown(out, np.full(len(out), speed.mean())))
    model = Physics(viscosity=1e-4, diffusivity=1e-4, lift=0.0, **physics)
    top, bottom = (side(grid, "z", end)[0] for end in (1, 0))
    aside = blown(top, np.full(len(top), -ASIDE))
    if not wall:
        aside = joined(aside, blown(bottom, np.full(len(bottom), ASIDE)))
    flow = Flow(grid, faces=(along, gliding(grid, "y", 0, 1), aside), physics=model)
    disturbed(flow)
    each = blows(flow, speed, 0.1 * (speed == 1.0))
    began = started(flow, 0.4 * until, each)
    u = mean(flow, until, "u", each)["u"] - COFLOW
    seconds = time.process_time() - began
    x, z = (0.5 * (e[1:] + e[:-1]) for e in (grid.edges("x"), grid.edges("z")))
    width, peak = [], []
    for k in range(len(x)):
        top = int(np.argmax(u[:, k]))
        upper = crossing(u[top:, k], z[top:], 0.5 * u[top, k])
        width.append(upper if wall else 0.5 * (upper + crossing(u[top::-1, k], -z[top::-1], 0.5 * u[top, k])))
        peak.append(u[top, k])
    far = (x > 8) & (x < 17)
    squared = ((1.0 - COFLOW) / np.array(peak)) ** 2
    values = {"spread": np.polyfit(x[far], np.array(width)[far], 1)[0], "decay": np.polyfit(x[far], squared[far], 1)[0]}
    return Found(values, int(np.prod(grid.shape)), flow.steps, seconds)


def disturbed(flow, size=0.02):
    """Disturb a flow that would else stay even along y; the same way each time."""
    rng = np.random.default_rng(0)
    v = flow.view("v")
    v[..., 1:-1, :] += flow.xp.asarray(size * rng.standard_normal(v[..., 1:-1, :].shape).astype(flow.kind))


# ---- opposed jets ------------------------------------------------------------------------------------------------

DUCT = 4
"""Length of the ducts from which opposed jets come, over the slot's width."""


class Opposed(NamedTuple):
    """How opposed jets move: heights [slots] of the left and the right one a quarter of the way, and where they meet.

    A jet that does not get so far has no height: NaN. Where they meet is told from the middle. `times` are in slots
    over speeds.
    """

    apart: int
    times: np.ndarray
    left: np.ndarray
    right: np.ndarray
    meet: np.ndarray
    seconds: float

    @property
    def centred(self):
        """Share of the time in which they meet in the middle half of their way."""
        return float(np.mean(np.abs(self.meet) < 0.25 * self.apart))

    @property
    def deflection(self):
        """Root mean square of the height of one jet above the other [slots]."""
        return float(np.sqrt(np.nanmean((self.left - self.right) ** 2)))

    @property
    def together(self):
        """Correlation of their heights: -1 where one rises as the other falls."""
        both = np.isfinite(self.left - self.right)
        return float(np.corrcoef(self.left[both], self.right[both])[0, 1])

    @property
    def period(self):
        """Time in which the jets change sides twice [slots over speeds], by what passes half a slot either way."""
        apart = self.left - self.right
        sides = np.sign(apart[np.abs(apart) > 0.5])
        changes = int((np.diff(sides) != 0).sum())
        return 2.0 * (self.times[-1] - self.times[0]) / changes if changes else np.inf


def opposed(slot, apart, until=700.0, draw=1, **physics):
    """Two plane jets that blow at each other from slots `apart` slot widths from each other, `slot` cells wide.

    They come from ducts at Reynolds number 5,000 with fluctuations of a twentieth; the box is 24 slots high and 6 deep,
    and air leaves above and below as it arrives there. The first 100 slots over speeds do not count. `draw` is the seed
    of the fluctuations.
    """
    grid = Grid.uniform((apart + 2 * DUCT, 6, 24), 1.0 / slot)
    nz, ny, nx = grid.shape
    duct, low = DUCT * slot, (nz - slot) // 2
    west, _ = side(grid, "x", 0)
    east, _ = side(grid, "x", 1)
    above, below = (side(grid, "z", end)[0] for end in (1, 0))
    begins = (west[:, 0] >= low) & (west[:, 0] < low + slot)
    columns = np.r_[:duct, nx - duct : nx]
    plates = np.meshgrid([low, low + slot], range(ny), columns, indexing="ij")
    plates = np.stack([m.ravel() for m in plates], axis=1)
    leaving = np.full(len(above), 1.0 / nx * slot)
    along = joined(blown(west, 1.0 * begins), blown(east, -1.0 * begins))
    upward = joined(blown(above, leaving), blown(below, -leaving), blown(plates, np.zeros(len(plates))))
    model = Physics(viscosity=1 / 5000, diffusivity=1 / 5000, lift=0.0, **physics)
    flow = Flow(grid, faces=(along, gliding(grid, "y", 0, 1), upward), physics=model)
    disturbed(flow)
    blow, rows = _against(flow, begins, slot, draw), []
    z = 0.5 * (grid.edges("z")[1:] + grid.edges("z")[:-1]) - 12.0
    at = round(0.25 * apart * slot)

    def look(flow):
        u = np.asarray(flow.view("u")[0], float).mean(axis=1)
        heights = []
        for column, sign in ((duct + at, 1.0), (nx - duct - at, -1.0)):
            momentum = np.maximum(sign * u[:, column], 0.0) ** 2 * (np.abs(z) < 2.5)
            heights.append((momentum * z).sum() / momentum.sum() if momentum.any() else np.nan)
        meet = int(np.argmax(u[nz // 2, duct : nx - duct] < 0.0)) / slot - 0.5 * apart
        rows.append((float(flow.time[0]), *heights, meet))

    began = started(flow, 100.0, blow)
    started(flow, until, lambda flow: (blow(flow), look(flow)))
    return Opposed(apart, *np.array(rows).T, time.process_time() - began)


def _against(flow, begins, slot, draw):
    """What to call after every few steps: two jets come in turbulent, air leaves above and below as it arrives."""
    rng, shape = np.random.default_rng(draw), flow.grid.shape[:2]
    along, upward = flow.faces[0], flow.faces[2]
    jets = [(along.column == column, sign) for column, sign in ((2, 1.0), (flow.grid.shape[2] + 2, -1.0))]
    above, below = upward.layer == flow.grid.shape[0], upward.layer == 0
    kept, then = np.zeros((2, *shape)), [float(flow.time[0])]

    def each(flow):
        share = np.exp((then[0] - float(flow.time[0])) / 0.5)
        then[0] = float(flow.time[0])
        for own, (faces, sign) in zip(kept, jets, strict=True):
            noise = gaussian_filter(rng.standard_normal(shape), 0.25 * slot, mode=("nearest", "wrap"))
            own[...] = share * own + np.sqrt(1.0 - share**2) * noise / noise.std()
            along.target[faces, 0] = sign * begins * (1.0 + 0.05 * own.ravel())
        w = flow.fields[2]
        rises = np.maximum(w[upward.layer[above] - 1, upward.row[above], upward.column[above]], 0.0)
        falls = np.maximum(-w[upward.layer[below] + 1, upward.row[below], upward.column[below]], 0.0)
        scale = sum(float(abs(along.target[faces]).sum()) for faces, _ in jets) / max(
            float(rises.sum() + falls.sum()), 1e-6
        )
        upward.target[above, 0], upward.target[below, 0] = scale * rises, -scale * falls

    return each


# ---- displacement ventilation ------------------------------------------------------------------------------------


def displacement(cell, until=1800.0, heat=300.0, interface=1.5, **physics):
    """Height of the interface [m] above a line of heat [W/m] in a room that is supplied along its floor.

    The room is 6 m wide, 1 m deep and 3 m high, the line of heat 0.2 m wide; supply and extract are even over floor
    and ceiling, as much as a line plume carries at the height `interface` by Rouse, Yih & Humphreys. The interface is
    where air beside the plume is half as warm as at the ceiling.
    """
    grid = Grid.uniform((6.0, 1.0, 3.0), cell)
    buoyancy = GRAVITY / 293.15 * heat / 1206.0
    supply = 0.564 * np.cbrt(buoyancy) * interface / 6.0
    floor, _ = side(grid, "z", 0)
    ceiling, _ = side(grid, "z", 1)
    x = 0.5 * (grid.edges("x")[1:] + grid.edges("x")[:-1])
    line = np.abs(x[floor[:, 2]] - 3.0) < 0.1
    source = np.where(line, heat / 1206.0 / (line.sum() * cell**3), 0.0)[:, None]
    # What comes in has the temperature 0, from which temperatures are counted.
    cells = Cells(floor, column(len(floor), supply / cell), column(len(floor), 0.0), source)
    faces = joined(blown(floor, np.full(len(floor), supply)), blown(ceiling, np.full(len(ceiling), supply)))
    model = Physics(lift=GRAVITY / 293.15, **physics)
    flow = Flow(grid, faces=(Faces(), gliding(grid, "y", 0, 1), faces), cells=cells, physics=model)
    disturbed(flow, 0.001)
    began = started(flow, 0.5 * until)
    T = mean(flow, until, ("T",))["T"]
    seconds = time.process_time() - began
    z = 0.5 * (grid.edges("z")[1:] + grid.edges("z")[:-1])
    beside = T[:, np.abs(x - 3.0) > 1.5].mean(axis=1)
    out = heat / 1206.0 / (supply * 6.0)
    return Found(
        {"interface": -crossing(-beside, -z, -0.5 * out), "balance": T[-1].mean() / out},
        int(np.prod(grid.shape)),
        flow.steps,
        seconds,
    )


# ---- a step ------------------------------------------------------------------------------------------------------


def step(cells, until=500.0, **physics):
    """Reattachment [steps] behind a step at Reynolds number 5,100 and expansion ratio 1.2, `cells` along its height.

    The box begins 4 steps before it, is 24 long, 6 high and 4 deep; air comes in with a boundary layer of 1.2 steps
    by the seventh-root law that fluctuates by a tenth, and glides along the ceiling.
    """
    grid = Grid.uniform((24.0, 4.0, 6.0), 1.0 / cells)
    ny = grid.shape[1]
    at, z = side(grid, "x", 0)
    profile = np.clip((z - 1.0) / 1.2, 0.0, 1.0) ** (1 / 7)
    out, _ = side(grid, "x", 1)
    begins = 4 * cells
    block = np.stack([m.ravel() for m in np.meshgrid(range(cells), range(ny), range(begins), indexing="ij")], axis=1)
    shut = lambda d: blown(block + np.eye(3, dtype=int)[d], np.zeros(len(block)))  # noqa: E731
    along = joined(blown(at, profile), blown(out, np.full(len(out), profile.mean())), shut(2))
    across, upward = joined(gliding(grid, "y", 0, 1), shut(1)), joined(gliding(grid, "z", 1), shut(0))
    model = Physics(viscosity=1 / 5100, diffusivity=1 / 5100, lift=0.0, **physics)
    flow = Flow(grid, faces=(along, across, upward), physics=model)
    disturbed(flow)
    each = blows(flow, profile, 0.1 * ((z > 1.0) & (z < 2.2)))
    began = started(flow, 0.4 * until, each)
    u = mean(flow, until, "u", each)["u"][0]
    seconds = time.process_time() - began
    x = 0.5 * (grid.edges("x")[1:] + grid.edges("x")[:-1]) - 4.0
    behind = x > 0.5
    # From the far end upstream: the last place where air on the floor flows back.
    reattached = crossing(u[behind][::-1], x[behind][::-1], 0.0)
    return Found({"reattachment": reattached}, int(np.prod(grid.shape)), flow.steps, seconds)
