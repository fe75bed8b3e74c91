"""The highest sustainable rack density, and the limit that binds there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np

from twin import columns
from twin.columns import Array
from twin.elements import Status
from twin.facility.graph import Facility
from twin.plant.compile import Plant, compile
from twin.results.limits import Binding, Margins, binding, exceeded, margins, worst
from twin.serving.tokens import at_work
from twin.solver.steady import Progress, Solution, like, steady

log = logging.getLogger("twin")

Scale = Literal["chips", "chip_power"]

MAX_SCALE = 20.0
"""Scale beyond which the search for a bound stops."""


MIN_SCALE = 0.01
"""Scale below which nothing is called sustainable."""


class Computed(NamedTuple):
    """A bound members with the response of the air, solved again with the air computed there.

    `difference` is the largest change of a rack's inlet [K]; `margin` is the smallest relative margin to a limit.
    """

    difference: float
    margin: float
    limit: Binding | None


@dataclass(frozen=True)
class Bound:
    """Highest sustainable scale of the racks; `limit` is what binds there, None if nothing did up to MAX_SCALE.

    `table` holds the tightest element of every limit at the bound; `density` is W per scaled rack. `computed` says what
    the air's full flow makes of it, where it has been computed.
    """

    scale: float
    basis: Scale
    racks: str
    density: float
    limit: Binding | None
    table: tuple[Binding, ...]
    solution: Solution
    reason: str = ""
    computed: Computed | None = None


def scaled_rows(plant: Plant) -> Array:
    """Racks whose density is in question: those with accelerators, or all if none has any."""
    chips = np.any(plant.engine.chips > 0, axis=1)
    return chips if np.any(chips) else np.ones(len(plant.engine.stream), bool)


def rescale(plant: Plant, factor: float | Array, rows: Array, basis: Scale) -> Plant:
    """The plant with the chips per rack, or the power per chip, of some racks multiplied, by one factor or one each.

    More chips bring more trays in parallel, so the tray's resistance falls; ratings stay. `factor` is a number or of
    shape (scenario,).
    """
    factors = np.where(rows[:, None], np.atleast_1d(np.asarray(factor, float)), 1.0)
    return like(plant, _rescaled(plant, factors, basis))


def _rescaled(plant: Plant, factors: Array, basis: Scale) -> Plant:
    """The plant with factors (rack, 1|S) on its racks."""
    engine = plant.engine
    if basis == "chip_power":
        return _requiring(replace(plant, engine=replace(engine, power_scale=engine.power_scale * factors)), factors)
    exponent = plant.pipe.exponent
    width = max(plant.pipe.power.shape[1], np.shape(exponent)[1] if np.ndim(exponent) == 2 else 1, factors.shape[1])
    power = np.broadcast_to(plant.pipe.power, (len(plant.pipe.power), width)).copy()
    liquid = engine.stream < len(plant.pipe.start)
    pipes = engine.stream[liquid]
    power[pipes] = power[pipes] / factors[liquid] ** np.broadcast_to(exponent, power.shape)[pipes]
    scaled = replace(engine, chip_scale=engine.chip_scale * factors)
    return _paying(_requiring(replace(plant, engine=scaled, pipe=replace(plant.pipe, power=power)), factors), factors)


def _requiring(plant: Plant, factors: Array) -> Plant:
    """The plant with the bounds that grow with scaled racks, such as the coolant flow that they need."""
    limits = (x if x.engine is None else replace(x, bound=x.bound * factors[x.engine]) for x in plant.limits)
    return replace(plant, limits=tuple(limits))


def _paying(plant: Plant, factors: Array) -> Plant:
    """The plant with the capital of scaled racks."""
    of, one = dict(zip(plant.engine.names, factors, strict=True)), np.ones(factors.shape[1])
    costs = (replace(x, capital=x.capital * np.array([of.get(n, one) for n in x.elements])) for x in plant.costs)
    return replace(plant, costs=tuple(costs))


def densest(facility: Facility, progress: Progress | None = None) -> Bound:
    """The bound of all racks of a facility as laid out, scaling chips; see `bound`."""
    return bound(at_work(compile(facility)), progress=progress)


class _Point(NamedTuple):
    scale: float
    solution: Solution
    margins: Margins
    ok: bool


def bound(
    plant: Plant,
    basis: Scale = "chips",
    rows: Array | None = None,
    racks: str = "all",
    start: Solution | None = None,
    progress: Progress | None = None,
    tolerance: float = 1e-6,
) -> Bound:
    """Highest scale at which one scenario converges and keeps every limit.

    Each solve says where each limit would be met if its margin went on as a straight line; the nearest such scale,
    kept inside the bracket, is solved next, each from a cold start, so that a bound does not depend on the way to it.
    Where three such scales do not halve the bracket, its middle is next.
    `plant` has one scenario; `start` is its solution at scale 1. Raises ValueError for another basis.
    """
    if basis not in get_args(Scale):
        raise ValueError(f"scale {basis!r} is none of {', '.join(get_args(Scale))}")
    rows = scaled_rows(plant) if rows is None else rows

    def at(scale: float) -> _Point:
        solution = steady(rescale(plant, scale, rows, basis))
        good = bool(solution.status[0] == Status.OK)
        m = margins(solution)
        if progress:
            progress(f"scale {scale:.4f}")
        return _Point(scale, solution, m, good and not exceeded(m, 0.0)[0])

    first = _Point(1.0, start, margins(start), False) if start is not None else at(1.0)
    if start is not None:
        first = first._replace(ok=bool(start.status[0] == Status.OK) and not exceeded(first.margins, 0.0)[0])
    low, high = (first, None) if first.ok else (None, first)
    last, step = first, 1.15 if first.ok else 1 / 1.15
    point, spans = at(step), list[float]()
    for _ in range(60):
        if point.ok:
            low = point if low is None or point.scale > low.scale else low
        else:
            high = point if high is None or point.scale < high.scale else high
        if low is not None and high is not None and high.scale - low.scale <= tolerance * low.scale:
            break
        if low is not None and high is None and low.scale >= MAX_SCALE:
            break
        if low is None and high is not None and high.scale < MIN_SCALE:
            return _nothing(first, high, basis, racks)
        if low is not None and high is not None:
            spans.append(high.scale - low.scale)
        if low is not None and high is not None and len(spans) > 3 and spans[-1] > 0.5 * spans[-4]:
            last, point = point, at(0.5 * (low.scale + high.scale))  # lines across a jump point nowhere
        else:
            last, point = point, at(_next(last, point, low, high, tolerance))
    if low is None:
        return _nothing(first, high or first, basis, racks)
    return _finish(plant, low, high, basis, rows, racks)


def _next(a: _Point, b: _Point, low: _Point | None, high: _Point | None, tolerance: float) -> float:
    """Scale to try next: the nearest straight-line crossing of two points, kept inside the bracket."""
    floor = low.scale if low else 0.0
    ceiling = high.scale if high else 1.6 * (low.scale if low else 1.0)
    guess = np.nan
    usable = all(p.solution.status[0] == Status.OK for p in (a, b)) and a.scale != b.scale
    if usable and len(a.margins.relative) == len(b.margins.relative):
        slope = (b.margins.relative[:, 0] - a.margins.relative[:, 0]) / (b.scale - a.scale)
        falling = slope < -1e-12
        if falling.any():
            guess = float(np.min((b.scale - b.margins.relative[:, 0] / np.where(falling, slope, -1.0))[falling]))
    width = ceiling - floor
    if not np.isfinite(guess):
        return 0.5 * (floor + ceiling) if low and high else ceiling if low else 0.5 * ceiling
    inset = min(0.3 * tolerance * max(floor, 1e-3), 0.5 * width)
    if low and high and width < 4 * tolerance * floor:
        return 0.5 * (floor + ceiling)
    below = low is None or guess >= ceiling or low.scale < guess - inset
    step = guess - inset if below else guess + inset
    lowest = floor + inset if floor else max(0.02 * ceiling, 0.9 * MIN_SCALE)
    return float(np.clip(step, lowest, ceiling - (inset if high else 0.0)))


def _nothing(first: _Point, lowest: _Point, basis: Scale, racks: str) -> Bound:
    """No density is sustainable: the limit exceeded both at the given and at the lowest density, or no solution."""
    if lowest.solution.status[0] != Status.OK:
        reason = f"no solution at scale {lowest.scale:.3g}"
        return Bound(0.0, basis, racks, 0.0, None, worst(lowest.margins), lowest.solution, reason)
    broken = lowest.margins.relative[:, 0] < 0
    if first.solution.status[0] == Status.OK and np.any(broken & (first.margins.relative[:, 0] < 0)):
        broken &= first.margins.relative[:, 0] < 0
    row = int(np.argmin(np.where(broken, first.margins.relative[:, 0], np.inf)))
    tight = binding(lowest.margins, row)
    reason = f"{tight.name} at {tight.element} is exceeded at every density"
    return Bound(0.0, basis, racks, 0.0, tight, worst(lowest.margins), lowest.solution, reason)


def _finish(plant: Plant, low: _Point, high: _Point | None, basis: Scale, rows: Array, racks: str) -> Bound:
    count = int(rows.sum())
    density = float(low.solution[columns.engine.power][rows, 0].sum()) / max(count, 1)
    if high is None:
        return Bound(low.scale, basis, racks, density, None, worst(low.margins), low.solution, "nothing binds")
    broken = np.flatnonzero(high.margins.relative[:, 0] < 0)
    if len(broken) and len(high.margins.relative) == len(low.margins.relative):
        # Past a jump many limits fail together; the one that was nearest before it is the cause.
        row = int(broken[np.argmin(low.margins.relative[broken, 0])])
        limit = binding(low.margins, row)
    else:
        limit = Binding("solver", "plant", 0.0, 0.0, 0.0, "fraction", 0.0)
    return Bound(low.scale, basis, racks, density, limit, worst(low.margins), low.solution, "")


def classes(plant: Plant) -> dict[str, Array]:
    """Rows of the scaled racks by class: catalogue model or type."""
    rows = scaled_rows(plant)
    names = plant.engine.names
    label = plant.facility.models
    groups: dict[str, Array] = {}
    for i in np.flatnonzero(rows):
        groups.setdefault(label[names[i]], np.zeros(len(rows), bool))[i] = True
    return dict(sorted(groups.items()))


def each_rack(plant: Plant) -> dict[str, Array]:
    """Rows of the scaled racks one by one."""
    rows, names = scaled_rows(plant), plant.engine.names
    return {names[i]: np.arange(len(rows)) == i for i in np.flatnonzero(rows)}


def rows_of_racks(plant: Plant) -> dict[str, Array]:
    """Rows of the scaled racks by the row that they stand in: one room, one facing, one line across it."""
    rows, names, parts = scaled_rows(plant), plant.engine.names, plant.facility.components
    groups: dict[tuple[object, ...], list[int]] = {}
    for i in np.flatnonzero(rows):
        part = parts[names[i]]
        if part.at is not None:
            across = round(part.at["xyz".index(part.way[1])], 2)
            groups.setdefault((part.room or "", part.way, across), []).append(int(i))
    return {
        f"{names[members[0]]} to {names[members[-1]]}": np.isin(np.arange(len(rows)), members)
        for members in groups.values()
    }


GROUPS: dict[str, Callable[[Plant], dict[str, Array]]] = {"class": classes, "row": rows_of_racks, "rack": each_rack}
"""Groups of racks whose density is bounded by itself, the others as laid out."""
