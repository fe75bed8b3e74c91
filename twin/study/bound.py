"""The highest sustainable rack density, and the limit that binds there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np

from twin import columns
from twin.columns import Array, Index
from twin.elements import Status
from twin.facility.graph import Facility
from twin.facility.scenarios import Scenarios, read
from twin.plant.compile import Plant, compile
from twin.plant.symmetry import partitions
from twin.results.dataset import BOUND
from twin.results.limits import Binding, Margins, binding, exceeded, margins, worst
from twin.serving.tokens import at_work
from twin.solver.steady import Progress, Solution, like, steady
from twin.study.parts import plants

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
    (_, plant), *_ = plants(facility)
    return bound(plant, progress=progress)


def bound(
    plant: Plant,
    basis: Scale = "chips",
    rows: Array | None = None,
    racks: str = "all",
    progress: Progress | None = None,
    tolerance: float = 1e-6,
) -> Bound:
    """Highest scale at which the one scenario of a plant converges and keeps every limit; see `bounds`."""
    return bounds(plant, basis, rows, progress, tolerance).at(0, racks)


def bounds(
    plant: Plant,
    basis: Scale = "chips",
    rows: Array | None = None,
    progress: Progress | None = None,
    tolerance: float = 1e-6,
) -> Bounds:
    """Highest scale of the racks at which each scenario converges and keeps every limit.

    Each solve says where each limit would be met if its margin went on as a straight line; the nearest such scale,
    kept inside the bracket, is solved next, each from a cold start, so that a bound does not depend on the way to it.
    Where three such scales do not halve the bracket, its middle is next. Every scenario has a bracket of its own; the
    scales of a round are solved together. rows: racks in question, see `scaled_rows`. Raises ValueError for another
    basis.
    """
    if basis not in get_args(Scale):
        raise ValueError(f"scale {basis!r} is none of {', '.join(get_args(Scale))}")
    search = _Search(plant, basis, scaled_rows(plant) if rows is None else rows, tolerance)
    for turn in range(MOST_TURNS):
        if not search.open.any():
            break
        search.turn()
        if progress:
            left = int(search.open.sum())
            single = f"scale {search.scale[0]:.4f}"
            progress(single if plant.scenarios == 1 else f"bound: round {turn + 1}, {left:,} scenarios left")
    return search.found()


MOST_TURNS = 60
"""Scales that are tried for a scenario at most."""


@dataclass(frozen=True)
class Bounds:
    """Highest sustainable scales of the racks of every scenario, and what binds there.

    scale: 0 where nothing is sustainable, NaN where there is no solution (scenario,). density: power per scaled rack
    [W] (scenario,). limits: what binds in each scenario, None where nothing does. reasons: why there is no bound, ""
    where there is one. solution, margins: at the bound or, where nothing is sustainable, at the lowest scale tried.
    """

    basis: Scale
    scale: Array
    density: Array
    limits: Sequence[Binding | None]
    reasons: Sequence[str]
    solution: Solution
    margins: Margins

    def variables(self) -> dict[str, tuple[str, Array, dict[str, str]]]:
        """The bounds as variables of a Dataset, see `results.dataset.BOUND`."""
        name, element = ([getattr(x, field) if x else "" for x in self.limits] for field in ("name", "element"))
        density = np.where(np.isnan(self.scale), np.nan, self.density)
        values = (self.scale, density, np.array(name, object), np.array(element, object))
        return {
            title: ("scenario", value, {"long_name": text} | ({"units": unit} if unit else {}))
            for (title, (unit, text)), value in zip(BOUND.items(), values, strict=True)
        }

    def at(self, scenario: int, racks: str = "all") -> Bound:
        """The bound of one scenario."""
        i, table = scenario, worst(self.margins, scenario)
        numbers = float(np.nan_to_num(self.scale[i])), self.basis, racks, float(self.density[i])
        return Bound(*numbers, self.limits[i], table, self.solution, self.reasons[i])


SOLVER = Binding("solver", "plant", 0.0, 0.0, 0.0, "fraction", 0.0)
"""What binds where no limit does, but the plant has no solution at a higher scale."""

Label = tuple[str, str, int]
"""A limited element: name of the limit, element, and which of the rows with these names it is."""


def _labels(m: Margins) -> Iterator[Label]:
    """Labels of the rows of margins."""
    seen = Counter[tuple[str, str]]()
    for name in zip(m.name.tolist(), m.element.tolist(), strict=True):
        seen[name] += 1
        yield *name, seen[name]


class _Search:
    """Brackets of the scale in every scenario.

    open: whether the search goes on. scale: the one to try next. last: the one before. low, high: highest scale that
    keeps all limits, and lowest that does not, NaN for none (scenario,). spans: widths of the last four brackets (4,
    scenario). row: number of each label in what follows. at_first, at_last, at_low, at_high: relative margins at the
    first scale, at the one before, and at both ends, (limit, scenario), infinite where a limit was not there. ok_first,
    ok_last, ok_high: whether there was a solution.
    """

    def __init__(self, plant: Plant, basis: Scale, rows: Array, tolerance: float) -> None:
        self.plant, self.rows, self.tolerance = plant, rows, tolerance
        self.basis: Scale = basis
        size = plant.scenarios
        self.open, self.scale = np.ones(size, bool), np.ones(size)
        self.open[list(plant.invalid)] = False
        self.low, self.high, self.last = np.full((3, size), np.nan)
        self.ok_first, self.ok_last, self.ok_high = np.zeros((3, size), bool)
        self.turns, self.spans = 0, np.full((4, size), np.nan)
        self.row = dict[Label, int]()
        self.at_first, self.at_last, self.at_low, self.at_high = (np.full((0, size), np.inf) for _ in range(4))

    def solved(self, scale: Array, chosen: Index) -> tuple[Solution, Margins]:
        """Scenarios at scales (scenario,), and their margins."""
        solution = steady(rescale(self.plant, scale, self.rows, self.basis), only=chosen)
        return solution, margins(solution, at=chosen)

    def turn(self) -> None:
        """Solve the next scale of every open scenario."""
        chosen = np.flatnonzero(self.open)
        solution, m = self.solved(self.scale, chosen)
        now = self._lined_up(m, chosen)
        ok = solution.status == Status.OK
        keeps = np.zeros(len(ok), bool)
        keeps[chosen] = ~exceeded(m, 0.0)
        good, tried = ok & keeps & self.open, self.scale.copy()
        if self.turns == 0:
            self.at_first, self.ok_first = now, ok
        self._narrow(tried, now, ok, good)
        with np.errstate(all="ignore"):
            step = np.where(good, GROWTH, 1.0 / GROWTH) if self.turns == 0 else self._next(tried, now, ok)
        self.last[chosen], self.ok_last[chosen] = tried[chosen], ok[chosen]
        self.at_last[:, chosen] = now[:, chosen]
        self.scale[chosen] = step[chosen]
        self.turns += 1
        both = np.isfinite(self.low) & np.isfinite(self.high)
        met = both & (self.high - self.low <= self.tolerance * self.low)
        free = np.isnan(self.high) & (self.low >= MAX_SCALE)
        none = np.isnan(self.low) & (self.high < MIN_SCALE)
        self.open &= ~(met | free | none)

    def _lined_up(self, m: Margins, chosen: Index) -> Array:
        """Relative margins (limit, scenario) of chosen scenarios, in the order in which limits were first met."""
        place = [self.row.setdefault(label, len(self.row)) for label in _labels(m)]
        more = np.full((len(self.row) - len(self.at_last), self.plant.scenarios), np.inf)
        if len(more):
            grown = (np.concatenate([a, more]) for a in (self.at_first, self.at_last, self.at_low, self.at_high))
            self.at_first, self.at_last, self.at_low, self.at_high = grown
        now = np.full(self.at_last.shape, np.inf)
        now[np.array(place, int)[:, None], chosen] = m.relative
        return now

    def _narrow(self, tried: Array, now: Array, ok: Array, good: Array) -> None:
        """Take what has been solved for an end of the bracket."""
        up = good & ~(tried <= self.low)
        down = self.open & ~good & ~(tried >= self.high)
        self.low, self.high = np.where(up, tried, self.low), np.where(down, tried, self.high)
        self.at_low[:, up], self.at_high[:, down] = now[:, up], now[:, down]
        self.ok_high = np.where(down, ok, self.ok_high)
        span = np.where(self.open, self.high - self.low, np.nan)
        found = np.isfinite(span)
        self.spans[:, found] = np.concatenate([self.spans[1:, found], span[None, found]])

    def _next(self, tried: Array, now: Array, ok: Array) -> Array:
        """Scale to try next: the nearest crossing, kept inside the bracket, or the bracket's middle (scenario,)."""
        guess = self._crossing(tried, now, ok)
        low, high = np.isfinite(self.low), np.isfinite(self.high)
        floor = np.where(low, self.low, 0.0)
        ceiling = np.where(high, self.high, 1.6 * np.where(low, self.low, 1.0))
        width, middle = ceiling - floor, 0.5 * (floor + ceiling)
        inset = np.minimum(0.3 * self.tolerance * np.maximum(floor, 1e-3), 0.5 * width)
        below = ~low | (guess >= ceiling) | (self.low < guess - inset)
        step = np.where(below, guess - inset, guess + inset)
        lowest = np.where(floor > 0.0, floor + inset, np.maximum(0.02 * ceiling, 0.9 * MIN_SCALE))
        step = np.clip(step, lowest, ceiling - np.where(high, inset, 0.0))
        without_guess = np.where(low & high, middle, np.where(low, ceiling, 0.5 * ceiling))
        step = np.where(np.isnan(guess), without_guess, step)
        stuck = np.isfinite(self.spans[0]) & (self.spans[3] > 0.5 * self.spans[0])  # lines across a jump lead nowhere
        narrow = np.isfinite(guess) & (width < 4.0 * self.tolerance * floor)
        return np.where(low & high & (stuck | narrow), middle, step)

    def _crossing(self, tried: Array, now: Array, ok: Array) -> Array:
        """Lowest scale at which a straight line through the last two margins meets zero, NaN for none (scenario,)."""
        slope = (now - self.at_last) / (tried - self.last)
        falling = slope < -1e-12
        crossing = np.where(falling, tried - now / slope, np.inf).min(axis=0)
        usable = ok & self.ok_last & (tried != self.last) & np.isfinite(crossing)
        return np.where(usable, crossing, np.nan)

    def found(self) -> Bounds:
        """The bounds of all scenarios, each solved there once more."""
        size, none = self.plant.scenarios, np.isnan(self.low)
        at = np.where(none, np.where(np.isnan(self.high), 1.0, self.high), self.low)
        solution, m = self.solved(at, np.arange(size))
        labels, rows = list(self.row), {label: row for row, label in enumerate(_labels(m))}
        limits, reasons = zip(*(self._binds(i, m, labels, rows) for i in range(size)), strict=True)
        power, count = solution[columns.engine.power], self.plant.counts[columns.engine]
        density = (power * count[:, None])[self.rows].sum(axis=0) / max(float(count[self.rows].sum()), 1.0)
        scale = np.where(none, np.where(solution.status == Status.OK, 0.0, np.nan), at)
        return Bounds(self.basis, scale, np.where(none, 0.0, density), limits, reasons, solution, m)

    def _binds(
        self, i: int, m: Margins, labels: Sequence[Label], rows: Mapping[Label, int]
    ) -> tuple[Binding | None, str]:
        """The limit that binds in scenario i, as it is in margins at its bound, and why there is no bound.

        labels: of what the search knows (limit,). rows: of the margins, by label.

        Past a jump many limits fail together: the one that was nearest before it is the cause. Where nothing is
        sustainable it is one that is exceeded both as laid out and at the lowest scale.
        """
        none = np.isnan(self.low[i])
        if i in self.plant.invalid:
            return None, self.plant.invalid[i].reason
        if none and not self.ok_high[i]:
            return None, f"no solution at scale {self.high[i]:.3g}"
        if not none and np.isnan(self.high[i]):
            return None, "nothing binds"
        broken = self.at_high[:, i] < 0
        if none:
            both = broken & (self.at_first[:, i] < 0)
            broken = both if self.ok_first[i] and both.any() else broken
        if not broken.any():
            return SOLVER, ""
        before = self.at_first if none else self.at_low
        label = labels[int(np.argmin(np.where(broken, before[:, i], np.inf)))]
        limit = binding(m, rows[label], i) if label in rows else None
        return limit, f"{label[0]} at {label[1]} is exceeded at every density" if none else ""


GROWTH = 1.15
"""Factor between the first two scales."""


def scaled_racks(plant: Plant) -> list[str]:
    """Names of all racks whose density is in question, in the order of the plant."""
    names = [plant.engine.names[i] for i in np.flatnonzero(scaled_rows(plant))]
    return [member for name in names for member in plant.classes.members(name)]


def classes(facility: Facility, racks: Sequence[str]) -> dict[str, list[str]]:
    """Racks by class: catalogue model or type."""
    groups: dict[str, list[str]] = {}
    for name in racks:
        groups.setdefault(facility.models[name], []).append(name)
    return dict(sorted(groups.items()))


def each_rack(facility: Facility, racks: Sequence[str]) -> dict[str, list[str]]:
    """Racks one by one."""
    return {name: [name] for name in sorted(racks)}


def rows_of_racks(facility: Facility, racks: Sequence[str]) -> dict[str, list[str]]:
    """Racks by the row that they stand in: one room, one facing, one line across it."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for name in sorted(racks):
        part = facility.components[name]
        if part.at is not None:
            across = round(part.at["xyz".index(part.way[1])], 2)
            groups.setdefault((part.room or "", part.way, across), []).append(name)
    return {f"{members[0]} to {members[-1]}": members for members in groups.values()}


GROUPS: dict[str, Callable[[Facility, Sequence[str]], dict[str, list[str]]]] = {
    "class": classes,
    "row": rows_of_racks,
    "rack": each_rack,
}
"""Groups of racks whose density is bounded by itself, the others as laid out."""


def of_groups(
    facility: Facility,
    given: Scenarios | None,
    groups: Mapping[str, Collection[str]],
    basis: Scale = "chips",
    progress: Progress | None = None,
    whole: Plant | None = None,
) -> list[Bound]:
    """The bound of each group of racks by name, the others as laid out, in one scenario; see `bound`.

    given: the scenario, None for the layout's own. whole: the plant in which all of these racks are solved one by one,
    if there is one already. Groups that are alike in all but names have one bound, which is searched once: its
    `solution` is that of the first.
    """
    found, known = list[Bound](), dict[bytes, tuple[list[str], Bound]]()
    scenario = read(facility, {}) if given is None else given
    for title, names in groups.items():
        say = (lambda text, title=title: progress(f"{title}: {text}")) if progress else None
        if whole is not None:
            found.append(bound(whole, basis, np.isin(whole.engine.names, list(names)), title, say))
            continue
        ((_, own),) = partitions(facility, scenario, dict.fromkeys(names, 0))
        if own.signature not in known:
            plant = at_work(compile(facility, given, own))
            rows = np.isin(plant.engine.names, list(names))
            known[own.signature] = own.names, bound(plant, basis, rows, title, say)
        theirs, like_it = known[own.signature]
        found.append(_renamed(like_it, title, dict(zip(theirs, own.names, strict=True))))
    return found


def _renamed(found: Bound, racks: str, names: Mapping[str, str]) -> Bound:
    """The bound of other racks that are like those of a bound, by the names of what is like in both."""

    def other(limit: Binding) -> Binding:
        component, dot, place = limit.element.partition(".")
        return limit._replace(element=names.get(component, component) + dot + place)

    limit = found.limit and other(found.limit)
    return replace(found, racks=racks, limit=limit, table=tuple(map(other, found.table)))
