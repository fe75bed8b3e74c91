"""Arguments for every shipped kernel: small ones for the checks of the builds, batches for the GPU."""

from functools import partial
from pathlib import Path
from typing import get_type_hints
from zlib import crc32

import feeders
import numpy as np
from twin.kernels import (
    boundaries,
    compensation,
    connected,
    elimination,
    exchangers,
    finite_volume,
    friction,
    momentum,
    newton,
    outages,
    pipe_flow,
    poisson,
    power_flow,
    rows,
    streams,
    subset,
    transport,
    turbulence,
)
from twin.kernels.arrays import add
from twin.kernels.moist_air import MoistAir
from twin.kernels.subset import Kind, Packed, Table
from twin.kernels.sums import Groups

import twin.solver.program  # noqa: F401  its kernels, and those of all domains
from twin.domains import chillers, rejection, towers

LAWS = {
    rejection.dry_cooler: rejection.DryCooler,
    towers.york: towers.YorkTower,
    towers.merkel: towers.MerkelTower,
    chillers.chiller: chillers.Chiller,
}
"""Kernels of heat rejection, and whose they are."""

BATCHED = {
    power_flow.chord: ("batch_voltage",),
    pipe_flow.gradient: ("out_flow", "out_pressure", "out_good", "out_turns"),
    streams.balance: ("out_node", "out_outlet"),
}
"""Kernels that run one scenario a thread, and what they give."""


def changed(k, args, change):
    """Arguments with `change(name, value)` for each number and array, those of records too."""
    out = []
    for p, value in zip(k.takes, args, strict=True):
        if isinstance(value, Packed):
            parts = change(f"{p}_reals", value.packed_reals), change(f"{p}_index", value.packed_index)
            out.append(Packed(value.packed_kind, *parts))
        elif p in k.records:
            out.append(type(value)(*(change(f"{p}_{f}", v) for f, v in zip(value._fields, value, strict=True))))
        else:
            out.append(change(p, value))
    return out


def arrays(k, args, change):
    """Arguments with their arrays changed."""
    return changed(k, args, lambda _, v: change(v) if isinstance(v, np.ndarray) else v)


def recorded(k, module, solve, precision):
    """Domain and arguments that a solver hands to its kernel, work arrays blank."""
    seen = []
    keep, module.bind = module.bind, lambda _, domain, *args, **__: lambda: seen.append((domain, args))
    try:
        solve()
    finally:
        module.bind = keep
        pipe_flow._layout.cache_clear()  # it has kept calls that only record
    domain, args = seen[-1]
    real = lambda a: np.zeros_like(a, precision) if a.ndim == 3 else a.astype(precision)  # noqa: E731
    return domain, arrays(k, args, lambda a: real(a) if a.dtype.kind == "f" else a)


def loops(rng, start, end, precision):
    """Pipes, valves, pumps and controllers of all kinds; blocks of one lane."""
    pipe_flow._layout.cache_clear()
    m, column = len(start), lambda low, high, n: rng.uniform(low, high, (n, 1))
    groups = np.split(rng.permutation(m)[: 4 * (m // 4)], 4)
    few = m // 4
    network = pipe_flow.Network(
        **dict(n=30, start=start, end=end, square=column(10, 1e3, m)),
        **dict(pipe=groups[0], friction=column(100, 1e3, few), reynolds=column(10, 1e5, few)),
        **dict(rough=column(0, 1e-3, few), powered=groups[1], factor=column(10, 100, few)),
        **dict(
            exponent=column(1, 2, few), straight=column(-1, 0.1, few), pump=groups[2], shutoff=column(1e4, 1e5, few)
        ),
        **dict(quadratic=column(1, 50, few), quartic=column(0, 1, few), ceiling=column(5e3, 1e5, few)),
        **dict(control=groups[3], min_flow=np.where(column(0, 1, few) < 0.4, 0.0, -np.inf)),
        **dict(max_flow=np.where(rng.random((few, 3)) < 0.7, 1.0, np.inf)),
        model=friction.SWAMEE_JAIN,
    )
    anchor = np.array([0]), np.array([[2e5]])
    solve = partial(pipe_flow.solve, network, *anchor, np.ones((m, 1)), column(0, 0.1, 30), tolerance=1e-5)
    return recorded(pipe_flow.gradient, pipe_flow, solve, precision)


def mixing(rng, start, end, precision):
    """Streams in both directions, at rest, and coupled."""
    p = streams.program(30, start, end, [3, 8], [8, 3])
    m = len(start)
    capacity = rng.normal(0, 1e3, (m, 3)) * (rng.random((m, 3)) < 0.9)
    parts = [capacity, rng.uniform(0.5, 1, (m, 1)), rng.uniform(0, 0.5, (2, 1)), rng.uniform(0, 5, (m, 3))]
    parts += [rng.uniform(0, 10, (30, 1)), np.array([0]), np.array([[300.0]])]
    solve = partial(streams.solve, p, *parts, rng.uniform(0, 100, (30, 1)), np.full((30, 1), 290.0))
    return recorded(streams.balance, streams, solve, precision)


def lost(rng, start, end, precision):
    """Outages of a meshed network with generators; two of its branches are bridges, and one ends at its own bus."""
    kind = np.full(30, newton.PQ)
    kind[[4, 9, 20]] = newton.SLACK, newton.PV, newton.DEAD
    series = rng.uniform(1, 3, (len(start), 1)) - 10j
    series[(start == 20) | (end == 20)] = 0
    zero, one = np.zeros_like(series), np.ones_like(series)
    network = power_flow.Network(30, start, end, series, zero, zero + 0.01j, one, np.array([4]))
    topology = compensation.topology(network, np.full(30, 0.01j), kind != newton.DEAD)
    base = topology.base(kind, rng.uniform(-0.1, 0.02, 30) - 0.02j, np.ones(30, complex))
    k, which = compensation.compensated, np.arange(28, 40)
    domain, args = recorded(k, compensation, partial(base.solve, which, 1e-5), precision)
    share = base._outages(which).share.astype(precision)
    return domain, changed(k, args, lambda name, value: share if name == "outages_share" else value)


AIR = (
    *(
        *momentum.momentum.values(),
        *momentum.part.values(),
        momentum.resist,
        momentum.divergence,
        momentum.courant,
    ),
    *(
        momentum.correct_x,
        momentum.correct,
        transport.transport,
        transport.exchange,
        transport.ghosts,
        transport.mirrored,
    ),
    *(momentum.settle, turbulence.smagorinsky, turbulence.wale, turbulence.vreman, turbulence.zero_equation),
    *(turbulence.moments, turbulence.ended, turbulence.stresses, turbulence.dynamic, turbulence.wall_law),
)


def air(k, rng, precision):
    """What a small stretched room with walls, a fan, a block and a heated cell hands to a kernel, its fields random."""
    seen, keep = {}, finite_volume.bind
    finite_volume.bind = lambda kernel, domain, *args, **_: lambda: seen.setdefault(kernel, (domain, args))
    try:
        at = np.array([[1, 2, 3], [2, 0, 1]])
        fan = [rng.uniform(0, 2, (2, 1)) for _ in range(3)]
        block = np.argwhere(np.ones((2, 2, 2), bool)) + np.array([1, 2, 5])
        faces = []
        for d in range(3):
            shut = np.unique(np.concatenate([block, block + np.eye(3, dtype=int)[2 - d]]), axis=0)
            numbers = (np.full((len(shut), 1), v) for v in (boundaries.SOLID, 0.0, 0.0))
            parts = (np.concatenate(pair) for pair in zip(fan, numbers, strict=True))
            faces.append(boundaries.Faces(np.concatenate([at, shut]), *parts))
        heat = boundaries.Cells(at, *(rng.uniform(0, 2, (2, 1)) for _ in range(3)))
        grid = boundaries.Grid(*(rng.uniform(0.5, 1.5, n) for n in (9, 5, 4)))
        for model in finite_volume.MODELS:
            carried = "limited" if model == "zero_equation" else "central"
            physics = finite_volume.Physics(turbulence=model, momentum=carried)
            sides = boundaries.Sides(u=(boundaries.NO_SLIP,) * 6, T=((-1.0, 0.5),) * 6)
            flow = finite_volume.Flow(
                grid, 2, faces=tuple(faces), cells=heat, physics=physics, sides=sides, kind=precision
            )
            flow.step(1, dt=0.1)
    finally:
        finite_volume.bind = keep
    domain, args = seen[k]

    def field(name, a):
        if not isinstance(a, np.ndarray):
            return a
        if name == "open":
            return np.floor(rng.uniform(0, 8, a.shape)).astype(precision)
        return np.ascontiguousarray(rng.normal(size=a.shape), precision) if a.ndim == 3 else a.copy()

    return domain, changed(k, args, field)


def moist_air(precision):
    return towers.MOIST_AIR._replace(vapour=towers.MOIST_AIR.vapour.astype(precision))


def law(k, rng, shape, precision):
    """Units of a law between idle and overloaded, as its kernel takes them."""
    warm = dict(set_point=(290, 300), wet_bulb=(280, 295), ambient=(282, 305), dry_bulb=(285, 300), held=(278, 285))
    warm |= dict(inlet=(285, 312), sink=(285, 305), leaving=(280, 290), entering=(290, 305), rated_wet_bulb=(293, 298))
    many = dict(conductance=(1e5, 1e6), fan_power=(1e4, 1e5), size=(1e6, 3e6), pressure=(8e4, 1e5), cp=(3800, 4200))
    many |= dict(rated_flow=(50, 100), rated_air_flow=(100, 400), flow=(0, 400), air=(50, 90), rated_ua=(5e4, 2e5))
    few = dict(count=(1, 4), cells=(2, 9), cycles=(2, 6), stage_miss=(0, 3), min_cells=(1, 2), max_cop=(9, 15))
    few |= dict(fouling=(0, 1e-8), drift=(0, 1e-3), least=(0, 3), most=(3, 9), stage_heat=(1e6, 3e6))
    few |= dict(min_speed=(0.1, 0.4), saturation=(0, 1), free_convection=(0, 0.2), approach=(5, 13))
    few |= dict(growth=(0.01, 0.03), entering_rate=(0.01, 0.03))

    def table(kind):
        columns = {n: rng.uniform(*(warm | many | few).get(n, (0.5, 1.0)), shape) for n in kind.real_columns()}
        for name in ("cells", "min_cells", "count", "least", "most"):
            if name in columns:
                columns[name] = np.round(columns[name])
        for name in ("coldest", "coolest"):
            if name in columns:
                columns[name], columns["warmest"], columns["hottest"] = (np.full(shape, t) for t in (5.0, 9.0, 25.0))
        if kind is rejection.Roots or "running" in columns:
            for name in ("running",) if "running" in columns else columns:
                columns[name] = np.where(rng.random(shape) < 0.5, np.nan, columns[name])
        reals = np.array(list(columns.values()), precision)
        return subset.Packed(kind, reals, np.zeros((0, 0), np.int32))

    kinds = [LAWS.get(k, kind) if p == "law" else kind for p, kind in k.records.items() if p != "air"]
    return [*map(table, kinds), *([moist_air(precision)] if "air" in k.records else [])]


ELEMENTWISE = ("twin.domains.", "twin.solver.", "twin.kernels.sums")
"""Modules whose kernels run over (row, scenario): `elementwise` makes arguments for those that have none here."""

ROWS, SCENARIOS = 6, 5
"""Domain of the kernels over (row, scenario)."""

WINDOW, SIZE = 12, 160
"""How many rows an index chooses from, and the extent of what is indexed."""

WARM = ("temperature", "inlet", "outlet", "sink", "bulb", "set_point", "throttle", "reference", "raw", "now")
"""Parts of names of what is some 300 K."""

FLAGS = ("fed", "on", "held", "lost", "free", "trusted", "cold", "trips", "good", "crossflow")
"""Reals that are 0 or 1."""

UNKNOWN = ("set_point", "set_flow", "set_head", "target", "it_power", "rack_cap", "fixed_power", "which")
"""Reals that may be NaN where a law reads them: what is not stated. All of `Roots`, too."""

EXTENTS = {("reach", "pipes"): 20, ("level", "clocks"): 9, ("pass_heat", "count"): ROWS}
EXTENTS |= {("differ", "rows"): ROWS, ("mingle", "rows"): ROWS, ("measure", "rows"): ROWS}
"""Whole numbers that kernels are given, where 2 will not do."""

SINGLE = ("settled", "measure", "weigh", "rest", "wait")
"""Kernels of one row."""


MOIST = {"humidity": (0.004, 0.02), "dries_to": (0.004, 0.02), "pressure": (8e4, 1.05e5), "air": (295, 310)}
MOIST |= {"water": (280, 290), "outside": (2e4, 4e4), "inside": (3e4, 8e4), "flow": (5, 20), "rate": (2e4, 6e4)}
MOIST |= {
    "between": (280, 295),
    "low": (0.002, 0.004),
    "high": (0.02, 0.03),
    "moisture": (0, 1e-3),
    "vapour": (0, 1e-4),
}
MOIST |= {"taken": (0, 1e-3), "ventilation": (0, 1.0), "fresh": (0, 1.0), "capacity": (0, 1e-2), "energy": (1e4, 3e6)}
"""Ranges of what kernels are given that take moist air."""


def reals(rng, name, shape, roots=False, moist=False):
    """Random numbers that a name may stand for."""
    if moist and name in MOIST:
        values = rng.uniform(*MOIST[name], shape)
        return np.where(rng.random(shape) < 0.3, np.nan, values) if name in ("between", "low", "high") else values
    if name in FLAGS:
        return 1.0 * (rng.random(shape) < 0.6)
    if name == "which":
        return np.floor(rng.uniform(-1, 4, shape))
    warm = any(part in name for part in WARM)
    values = rng.uniform(285, 330, shape) if warm else rng.uniform(0.1, 3.0, shape)
    return np.where(rng.random(shape) < 0.3, np.nan, values) if roots or name in UNKNOWN else values


def rows_of(rng, name, place):
    """Random row numbers, so that no two rows are written at once; some are none where that is allowed.

    Each of a table's columns, and each parameter, chooses from rows of its own by its `place`.
    """
    if name == "follows":
        return rng.integers(0, 2, SIZE).astype(np.int32)
    index = np.resize(2 + WINDOW * place + rng.permutation(WINDOW), SIZE).astype(np.int32)
    return np.where(np.arange(SIZE) % 3 == 0, -1, index).astype(np.int32) if name in ("sink", "place") else index


def argument(rng, k, kind, name, place, precision):
    """A random argument of a kernel over (row, scenario), by its kind and name."""
    made, moist = partial(np.ascontiguousarray, dtype=precision), "air" in k.records
    if kind is MoistAir:
        return moist_air(precision)
    if kind is Groups:
        first = np.minimum(3 * np.arange(SIZE + 1) // 2, SIZE - 1).astype(np.int32)
        return Groups(first, rows_of(rng, name, 0), made(rng.integers(1, 4, SIZE)))
    if isinstance(kind, Kind) and not kind.ndim:
        return rng.uniform(0.1, 3.0) if kind.real else EXTENTS.get((k.name, name), 2)
    if isinstance(kind, Kind) and kind.real:
        if kind.ndim == 1:
            return made(np.sort(rng.uniform(0.1, 3.0, SIZE)))
        return made(reals(rng, name, (SIZE, SIZE, 2)[: kind.ndim], moist=moist))
    if isinstance(kind, Kind):
        return rows_of(rng, name, place)
    if issubclass(kind, Table):
        columns, index = kind.real_columns(), kind.index_columns()
        values = np.array([reals(rng, c, (SIZE, SCENARIOS), "Roots" in kind.__name__, moist) for c in columns])
        chosen = np.array([rows_of(rng, c, i) for i, c in enumerate(index)]).reshape(len(index), SIZE)
        return Packed(kind, made(values), np.ascontiguousarray(chosen, np.int32))
    return kind(*(argument(rng, k, v, f, i, precision) for i, (f, v) in enumerate(get_type_hints(kind).items())))


def elementwise(k, precision):
    """Domain and arguments of a kernel over (row, scenario), made of the annotations and names of what it takes."""
    rng = np.random.default_rng(crc32(k.name.encode()))
    kinds = [k.records.get(p) or k.kinds[p] for p in k.takes]
    given = [argument(rng, k, kind, p, i, precision) for i, (p, kind) in enumerate(zip(k.takes, kinds, strict=True))]
    return (1 if k.name in SINGLE else ROWS, SCENARIOS), given


def arguments(k, precision):
    """Domain and arguments that run a kernel through its branches; fresh arrays at each call."""
    rng = np.random.default_rng(0)
    every = np.arange(29)
    start, end = np.r_[every, rng.integers(0, 30, 12)], np.r_[every + 1, rng.integers(0, 30, 12)]
    p = elimination.program(30, start, end)
    if k is friction.factors:
        re = np.geomspace(1, 1e7, 60).reshape(20, 3).astype(precision)
        return (20, 3), [re, rng.uniform(0, 1e-2, 20).astype(precision), np.zeros_like(re), friction.COLEBROOK]
    if k is elimination.minimum_degree:
        nodes = elimination.Nodes(*np.full((len(elimination.Nodes._fields), 30), -1, np.int32))
        made = [np.zeros(size, np.int32) for size in (30, 31, 300)]
        return (1,), [30, 300, *elimination._neighbours(30, start, end), nodes, *made]
    if k is compensation.deepest:
        return (1,), [30, p.column, p.row, np.zeros(30, np.int32), np.zeros(1, np.int32)]
    if k is compensation.compensated:
        return lost(rng, start, end, precision)
    if k is outages.search:
        ends, by_bus = np.stack([start, end], 1), np.argsort(np.stack([start, end], 1).ravel(), kind="stable")
        begin = np.searchsorted(ends.ravel()[by_bus], np.arange(31))
        around = [begin, ends[:, ::-1].ravel()[by_bus], np.repeat(np.arange(len(start)), 2)[by_bus]]
        of = outages.Search(np.where(np.arange(30) == 4, 0, -1).astype(np.int32), *np.zeros((4, 30), np.int32))
        given = [np.ascontiguousarray(a, np.int32) for a in ([4], *around)]
        return (1,), [1, *given, of, *np.zeros((2, len(start)), np.int32)]
    if k is connected.unite:
        return (1,), [
            30,
            12,
            *(np.ascontiguousarray(x[-12:], np.int32) for x in (start, end)),
            np.arange(30, dtype=np.int32),
        ]
    if k is elimination.pairs:
        first = np.r_[0, np.cumsum(np.diff(p.column) * (np.diff(p.column) - 1) // 2)].astype(np.int32)
        return (30,), [p.column, p.row, first, np.zeros_like(p.target)]
    if k is poisson.product:
        left, right, weight = rng.normal(size=(2, 9, 7)), rng.normal(size=(1, 7, 11)), rng.normal(size=(9, 11))
        arrays = [np.ascontiguousarray(a, precision) for a in (left, right, weight, np.zeros((2, 9, 11)))]
        return (2, 3, 6), [*arrays, 9, 11, 7, 1, 1]
    if k in AIR:
        return air(k, rng, precision)
    if k in LAWS or k is chillers.performances:
        return (3, 5), law(k, rng, (3, 5), precision)
    if k in (exchangers.counter_flows, exchangers.cross_flows, exchangers.film_conductances, towers.liquid_gases):
        return (5, 7), [rng.uniform(0.1, 3.0, (5, 7)).astype(precision) for _ in k.takes]
    if k is towers.equivalents:
        columns = (rng.uniform(270, 300, (5, 7)), rng.uniform(1e4, 1e5, (5, 7)), np.zeros((5, 7)))
        return (5, 7), [*(c.astype(precision) for c in columns), moist_air(precision)]
    if str(k.names["__name__"]).startswith(ELEMENTWISE):
        return elementwise(k, precision)
    if k is add:
        row = rng.integers(0, 6, (20, 3)).astype(np.int32)
        return (3,), [row, rng.normal(size=(20, 3)).astype(precision), np.zeros((6, 3), precision), 20, 1, 1]
    if k is pipe_flow.gradient:
        return loops(rng, start, end, precision)
    if k is streams.balance:
        return mixing(rng, start, end, precision)
    if k is power_flow.entering:
        ends, volts = (a.astype(np.int32) for a in (start, end)), rng.uniform(0.5, 1, (2, 30, 5))
        given = [rng.normal(size=(len(start), 8)), *volts, *np.zeros((2, len(start), 5))]
        return (len(start), 5), [*ends, *(a.astype(precision) for a in given)]
    if k is elimination.substitute_pairs:
        reals = [rng.normal(size=4 * m).astype(precision) for m in (30, len(p.row), len(p.row))]
        return (3,), [p, elimination.PairFactor(*reals), rng.normal(size=(3, 60, 1)).astype(precision)]
    if k is elimination.factor_pairs:
        parts = [rng.normal(size=(3, 4 * m, 1)).astype(precision) for m in (p.n, len(p.row), len(p.row))]
        parts[0][:, ::4] += 20
        parts[0][:, 3::4] += 20
        return (3,), [p, *parts]
    if k is newton.newton:
        kind = np.full(30, newton.PQ, np.int32)
        kind[[4, 9, 20]] = newton.SLACK, newton.PV, newton.DEAD
        ends = (start.astype(np.int32), end.astype(np.int32))
        branch = rng.uniform(5, 20, (len(start), 1, 2)) * np.array([[1.0], [-1.0], [-1.0], [1.0]]) * [1.0, -1.0]
        grid = newton.Grid(len(start), *ends, branch.reshape(-1, 8), kind, rng.uniform(0, 0.01, (30, 2)))
        given, voltage = rng.uniform(-0.3, 0.1, (30, 2, 2)), np.full((30, 2, 2), (1.0, 0.0))
        state = newton.State(given, voltage, *np.zeros((2, 2, 1)))
        heights = (120, 4 * len(p.row), 4 * len(p.row), 60, 120)
        args = [p, grid, state, newton.Work(*(np.zeros((2, m, 1)) for m in heights)), 1, 1e-5, 6]
        return (2,), real(k, args, precision)
    series = rng.uniform(5, 20, (len(start), 1)) - 20j
    zero, one = np.zeros_like(series), np.ones_like(series)
    network = power_flow.Network(30, start, end, series, zero, zero, one, np.array([4]))
    f = power_flow.factor(network, np.ones(30, bool), np.full(30, 0.02 + 0.01j))
    load, slack = rng.uniform(0, 0.05, (30, 5, 2)), np.full((1, 5, 2), (1.0, 0.0))
    batch = power_flow.Batch(slack, load, np.zeros((30, 5, 2)))
    progress = power_flow.Progress(*(np.zeros((5, 1)) for _ in range(3)))
    args = [*f._fixed(np.complex128), batch, np.zeros((5, 180, 1)), progress, 1, 0, power_flow.Stop(1e-5, 40)]
    return (5,), real(k, args, precision)


def real(k, args, precision):
    """Arguments with fresh arrays, those of reals in a precision."""
    return arrays(k, args, lambda a: np.array(a, precision if a.dtype.kind == "f" else a.dtype, order="C"))


def outputs(k, args):
    """The arrays that a kernel writes, by name."""
    named = k.flatten(args)
    return {a: named[a] for a in sorted(k.written)}


def batch(k, scenarios):
    """Domain and arguments of many scenarios in lanes: the feeder of 1,000 buses, or the loop of 100 racks.

    All scenarios are one chunk, as they are on a GPU.
    """
    keep, rows.CHUNK = rows.CHUNK, scenarios
    try:
        return _batch(k, scenarios)
    finally:
        rows.CHUNK = keep


def _batch(k, scenarios):
    rng = np.random.default_rng(0)
    if k is power_flow.chord:
        f = feeders.feeder("facility_1000/radial")
        factor = power_flow.factor(f.network, np.ones(f.network.n, bool), f.power)
        power = f.power * rng.uniform(0.3, 1.1, (1, scenarios))
        held = np.repeat(f.slack, scenarios, axis=1)
        keep, seen = power_flow.bind, []
        power_flow.bind = lambda _, domain, *args, **__: lambda: seen.append((domain, args))
        try:
            factor._batch(scenarios, np.complex128, 1e-8, 100, None)(held, power, None)
        finally:
            power_flow.bind = keep
        return seen[-1][0], list(seen[-1][1])
    from twin.networks.controls import at_start
    from twin.networks.pipes import FRICTION, _area, _branches, read_pipe_network

    net = read_pipe_network(Path(__file__).parent / "cases" / "loop_100" / "loop.json.gz")
    zeta = net.zeta[:, None] * rng.lognormal(0, 0.2, (1, scenarios))
    branches = _branches(net, at_start(net, zeta), FRICTION["swamee-jain"])
    anchors, guess = np.flatnonzero(np.isfinite(net.held)), (net.density * _area(net))[:, None]
    solve = partial(pipe_flow.solve, branches, anchors, net.held[anchors, None], guess, tolerance=1e-8)
    if k is pipe_flow.gradient:
        pipe_flow._layout.cache_clear()
        return recorded(pipe_flow.gradient, pipe_flow, solve, "float64")
    capacity = solve().mass_flow * net.heat_capacity
    p = streams.program(len(net.junction), net.start, net.end, [], [])
    parts = [capacity, np.ones((len(net.branch), 1)), np.zeros((0, 1)), net.heat[:, None] / np.abs(capacity)]
    parts += [np.zeros((len(net.junction), 1)), anchors[:1], np.array([[300.0]])]
    return recorded(streams.balance, streams, partial(streams.solve, p, *parts), "float64")


def spread(k, args, scenarios, xp=np):
    """Domain and arguments with one thread a scenario: work arrays (scenario, row, 1), scenarios contiguous."""

    def each(name, value):
        if name == "apart":
            return 1
        if not isinstance(value, np.ndarray):
            return value
        if value.ndim == 3 and value.shape[0] == 1 and value.shape[2] == k.lanes:
            return xp.zeros((value.shape[1], 1, scenarios)).transpose(2, 0, 1)
        if name.startswith("progress_"):
            return xp.zeros((scenarios, 1))
        return xp.asarray(value).copy()

    out = changed(k, args, each)
    named = k.flatten(out)
    assert all(named[a].shape[-1] >= scenarios for a in k.written if a.startswith("out_"))
    return (scenarios,), out
