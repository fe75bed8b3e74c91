"""How sure an answer is: what of a layout is not known, between what its figures therefore lie, and what leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.columns import FIGURES, Array, Figure, Index
from twin.elements import Status
from twin.facility.addresses import split
from twin.facility.build import load
from twin.facility.catalogue import catalogue, energy_ranges
from twin.facility.files import LayoutError, hint
from twin.facility.graph import Facility
from twin.facility.layout import Layout
from twin.facility.scenarios import SECTIONS, declarations, dimension, select
from twin.kernels.later import later
from twin.solver.steady import Progress
from twin.study.axes import LARGEST, Choice, Distribution, axis
from twin.study.design import Design
from twin.study.sweep import sweep
from twin.study.swept import SweepResult
from twin.units import DIMENSIONS, format, is_whole, quantity, si_unit

if TYPE_CHECKING:
    import pandas as pd
    from scipy import stats

    from twin.show.plots import uncertainty as plots
else:
    pd, stats, plots = map(later, ("pandas", "scipy.stats", "twin.show.plots.uncertainty"))

DENSITY, DRAWN, PROVISIONED = "sustainable_density", "tokens_per_mw", "tokens_per_provisioned_mw"

OUTPUTS = (DENSITY, DRAWN, PROVISIONED, "usd_per_million_tokens", "pue")
"""What is told unless said otherwise."""

OWN = {
    DENSITY: Figure("W", "highest sustainable power of a rack", "kW per rack", 1e-3, ",.1f", "sustainable density"),
    DRAWN: Figure("s-1 MW-1", "tokens served over power drawn", "tokens/s", 1.0, ",.0f", "throughput per MW drawn"),
    PROVISIONED: Figure(
        "s-1 MW-1", "tokens served over power provisioned", "tokens/s", 1.0, ",.0f", "throughput per MW provisioned"
    ),
    "usd_per_million_tokens": Figure("USD", "cost of a million tokens", "$", 1.0, ".4f", "cost of a million tokens"),
}
"""Figures that are no headline figures, or are called otherwise here."""

PERCENTILES = (10.0, 50.0, 90.0)
"""Of each figure: it is below its P90 in nine of ten cases, whether that is good or bad."""

ENDS = (0.05, 0.95)
"""Quantiles that stand for low and high of a distribution without ends."""

FEWEST = 8
"""Base samples that are asked at least."""

RESAMPLES, CONFIDENCE = 256, 0.95
"""Of the bootstrap that gives indices their errors."""

COMPLETE = 0.5
"""Share of the base samples below which indices are not told."""

COPIES = 16
"""Times that incomplete base samples are asked for at least, see `indices`."""

ALIKE, NOISE = 0.2, 4.0
"""Correlation of what is drawn independently that is told; below NOISE / sqrt(n) it says nothing."""

LEADING, MOST_LEADING = 0.05, 3
"""Share of the variance from which an input is told to lead, and how many are."""

EDGE = 1e-12
"""How far samples stay from 0 and 1, where some distributions have no end."""


# ---- what is not known -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Input:
    """A value that is not known.

    address: what it is called, as a sweep takes it where it is one address. addresses: of a sweep, which all have the
    value together. nominal: as the layout has it, low, high: between what it lies, in SI units. dimension: one of
    `twin.units.DIMENSIONS`. distribution: how it is drawn, as text. draw: the same as `scipy.stats` has it. kind,
    source: of the catalogue, or that the user gave it.
    """

    address: str
    addresses: tuple[str, ...]
    nominal: float
    low: float
    high: float
    dimension: str
    distribution: str
    draw: Distribution
    kind: str
    source: str

    @property
    def unit(self) -> str:
        """SI unit of nominal, low and high."""
        return si_unit(self.dimension)

    @property
    def words(self) -> str:
        """What it is called in a sentence."""
        head, name, field = split(self.address)
        return f"{field.replace('_', ' ')} of {name or head}"

    @property
    def texts(self) -> tuple[str, str, str]:
        """Nominal, low and high for the screen, in one unit."""
        d, unit = DIMENSIONS[self.dimension], format(self.high, self.dimension).partition(" ")[2]
        ends = (self.nominal, self.low, self.high)
        nominal, low, high = (f"{(x - d.offsets.get(unit, 0.0)) / d.units[unit]:.4g} {unit}".strip() for x in ends)
        return nominal, low, high


@dataclass(frozen=True, repr=False)
class Uncertainties:
    """What of a layout is not known; a sequence of `Input`, which prints as a table.

    layout: its name. inputs: what varies. left_out: address and reason of each uncertain value that does not. notes:
    what else to know.
    """

    layout: str
    inputs: tuple[Input, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    def __iter__(self) -> Iterator[Input]:
        return iter(self.inputs)

    def __getitem__(self, address: str | int) -> Input:
        if isinstance(address, int):
            return self.inputs[address]
        known = {i.address: i for i in self.inputs}
        if address not in known:
            told = dict(self.left_out).get(address)
            reason = f"is not varied: {told}" if told else f"is no uncertain value{hint(address, known)}"
            raise LayoutError(self.layout, [f"{address}: {reason}"])
        return known[address]

    def to_dataframe(self) -> pd.DataFrame:
        """One row an input by address: nominal, low and high in the SI unit beside them, distribution, kind, source."""
        names = ("nominal", "low", "high", "unit", "distribution", "kind", "source")
        columns = {name: [getattr(i, name) for i in self.inputs] for name in names}
        return pd.DataFrame(columns, pd.Index([i.address for i in self.inputs], name="address"))

    def rows(self) -> list[tuple[str, ...]]:
        """The table as texts, its head first."""
        head = ("address", "nominal", "low", "high", "drawn", "kind", "source")
        return [head, *((i.address, *i.texts, i.distribution, i.kind, i.source) for i in self.inputs)]

    def __repr__(self) -> str:
        return f"<Uncertainties of {self.layout}: {len(self)} inputs, {len(self.left_out)} not varied>"

    def __str__(self) -> str:
        rows = self.rows()
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        return self.to_dataframe().to_html()


def uncertainties(
    layout: str | Path | Layout | Facility,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Uncertainties:
    """Every value of the catalogue that a layout takes from there and that has a range: what is not known of it.

    layout, case, overrides: as `twin.solve` takes them. A value is drawn uniformly over its range, whole numbers from
    all in it, and is the same for all components that have it from one entry. What the layout, a case or an override
    states is the user's word and does not vary; neither does what shapes the plant, see `left_out`. Raises LayoutError.

    >>> print(twin.uncertainties("gb300_hall"))
    """
    facility = _facility(layout, case, overrides)
    inputs, left_out, notes = list[Input](), list[tuple[str, str]](), list[str]()
    for entry, users in entries(facility).items():
        for field, fact in catalogue()[entry]["fields"].items():
            name = f"{entry}.{field}"
            own = [n for n, stated in users.items() if field not in stated]
            if "range" not in fact:
                if own and fact["kind"] == "unpublished":
                    left_out.append((name, f"is {fact['value']!r}, no number"))
                continue
            if not own:
                left_out.append((name, _stated(facility, list(users), field, fact)))
                continue
            addresses = _addresses(facility, own, field)
            name = addresses[0] if len(addresses) == 1 else name
            declared = declarations(facility, addresses[0])
            if not declared:
                left_out.append((name, "shapes the plant, which is the same in all scenarios"))
                continue
            low, high = _ends(declared[0], fact["range"])
            nominal = float(getattr(facility.components[own[0]], field))
            whole = is_whole(declared[0])
            draw = stats.randint(int(low), int(high) + 1) if whole else stats.uniform(low, high - low)
            text = "uniform, whole" if whole else "uniform"
            said = fact["kind"], catalogue()[entry]["sources"][fact["source"]]
            known = dimension(facility, addresses[0])
            made = Input(name, addresses, nominal, low, high, known, text, draw, *said)
            if not low <= nominal <= high:
                notes.append(f"{name}: {made.texts[0]} of the layout is outside {' to '.join(made.texts[1:])}")
            inputs.append(made)
    for name, source in facility.economics.sources.items():
        if source.carbon is None and name in energy_ranges():
            told = f"{' to '.join(energy_ranges()[name])}: is part of a mix, which is the same in all scenarios"
            left_out.append((f"economics.sources.{name}.carbon", told))
    return Uncertainties(facility.name, tuple(inputs), tuple(left_out), tuple(notes))


def _facility(layout: Any, case: str | None, overrides: Mapping[str, object] | None) -> Facility:
    if isinstance(layout, Facility):
        if case or overrides:
            raise LayoutError(layout.name, ["case and overrides are given to load"])
        return layout
    return load(layout, case, overrides)


def entries(facility: Facility) -> dict[str, dict[str, set[str]]]:
    """Components by the shipped entry that they come from, with the fields that the layout states of each."""
    found: dict[str, dict[str, set[str]]] = {}
    spec: Any = facility.spec
    local = spec["catalogue"]
    for name in facility.components:
        raw = spec["components"][name]
        stated, entry = set(raw), raw.get("model")
        while entry in local:
            stated |= set(local[entry])
            entry = local[entry].get("base")
        if entry in catalogue():
            found.setdefault(str(entry), {})[name] = stated
    return found


def _addresses(facility: Facility, names: Sequence[str], field: str) -> tuple[str, ...]:
    """The fewest addresses that mean a field of these components and of no other."""
    found = list[str]()
    for model in dict.fromkeys(facility.models[n] for n in names):
        own = [n for n in names if facility.models[n] == model]
        each = [f"{facility.components[n].kind}[{n}].{field}" for n in own]
        found += [f"{model}.{field}"] if _selected(facility, f"{model}.{field}") == set(own) else each
    return tuple(found)


def _selected(facility: Facility, address: str) -> set[str]:
    """Components that an address means, none if it cannot be one, as where a model has a space in its name."""
    try:
        return set(select(facility, address))
    except ValueError:
        return set()


def _ends(declared: Any, given: Sequence[object]) -> tuple[float, float]:
    """Both ends of a range in SI units."""
    known = quantity(declared)
    low, high = (known.parse(x) if known else float(str(x)) for x in given)
    return low, high


def _stated(facility: Facility, names: Sequence[str], field: str, fact: Mapping[str, Any]) -> str:
    """That the layout states a value itself, and which of them are outside the range of the catalogue."""
    declared = type(facility.components[names[0]]).model_fields[field]
    low, high = _ends(declared, fact["range"])
    values = {float(v) for n in names if (v := getattr(facility.components[n], field)) is not None}
    outside = sorted(v for v in values if not low <= v <= high)
    known = quantity(declared)
    told = ", ".join(known.format(v) if known else f"{v:g}" for v in outside)
    return "is stated by the layout" + (f", {told} outside {fact['range'][0]} to {fact['range'][1]}" if told else "")


# ---- samples and indices -----------------------------------------------------------------------------------------


class Sample(NamedTuple):
    """Two independent sets of points of the inputs, as `scipy.stats.sobol_indices` has them; a, b: (input, n)."""

    a: Array
    b: Array

    @property
    def points(self) -> Array:
        """All points to solve: A, B, and of each input the points A with the values of B in it, (input, n (d + 2))."""
        d, n = self.a.shape
        pages = np.tile(self.a, (d, 1, 1))
        at = np.arange(d)
        pages[at, at] = self.b[at]
        return np.concatenate([self.a, self.b, np.moveaxis(pages, 0, 1).reshape(d, d * n)], axis=1)

    def parted(self, values: Array) -> tuple[Array, Array, Array]:
        """Values at the points as those at A (n,), at B (n,) and at the others (input, n)."""
        d, n = self.a.shape
        return values[:n], values[n : 2 * n], values[2 * n : (d + 2) * n].reshape(d, n)


def sample(draws: Sequence[Distribution], n: int, seed: int = 0) -> Sample:
    """Points of so many independent distributions, from one scrambled Sobol' sequence of twice as many dimensions.

    [Saltelli et al., Computer Physics Communications 181 (2010) 259, section 5], as `scipy.stats.sobol_indices` draws
    them. n: a power of two, of which a sequence is balanced.
    """
    generator: Any = stats.qmc.Sobol
    both = generator(2 * len(draws), seed=np.random.default_rng(seed), bits=64).random(n).T
    both = np.clip(both, EDGE, 1.0 - EDGE).reshape(2, len(draws), n)
    a, b = (np.array([np.asarray(d.ppf(q), float) for d, q in zip(draws, part, strict=True)]) for part in both)
    return Sample(a, b)


def alike(points: Sample) -> tuple[int, int, float]:
    """The two inputs, which may be one in A and in B, whose drawn values are correlated most, and by how much.

    A Sobol' sequence of many dimensions is even in all pairs of them only after many points [Joe & Kuo, SIAM J. Sci.
    Comput. 30 (2008) 2635]: before, some pairs go together, and a total index is off by as much.
    """
    with np.errstate(all="ignore"):
        found = np.abs(np.nan_to_num(np.corrcoef(np.concatenate(points))))
    np.fill_diagonal(found, 0.0)
    first, second = np.unravel_index(np.argmax(found), found.shape)
    d = len(points.a)
    return int(first) % d, int(second) % d, float(found.max())


class Indices(NamedTuple):
    """Shares of the variance of a figure that its inputs explain, each (input,), and half-widths at 95 %.

    first: alone [S_i]. total: with all that they do together with others [S_Ti]. together: 1 less the sum of `first`,
    what only several together explain, and its error. samples: base samples that they are computed of.
    """

    first: Array
    first_error: Array
    total: Array
    total_error: Array
    together: tuple[float, float]
    samples: int


def indices(a: Array, b: Array, ab: Array, seed: int = 0, resamples: int = RESAMPLES) -> Indices:
    """First-order and total Sobol' indices by the estimators of `scipy.stats.sobol_indices`, with errors.

        S_i = mean(f_B (f_AB_i - f_A)) / V     S_Ti = mean((f_A - f_AB_i)^2) / (2 V)     V = var(f_A, f_B)

    [Saltelli et al. (2010), table 2 (b) and (f), the latter by Jansen, Computer Physics Communications 117 (1999) 35].
    a, b (n,), ab (input, n): values at the points of a `Sample`, n a power of two. A base sample, that is one point of
    A with its companions, counts if all its values are finite. Errors are half the middle 95 % of resampled base
    samples [Efron & Tibshirani, An Introduction to the Bootstrap (1993)], of a seed. Raises ValueError where fewer
    than half of the base samples are complete.

    >>> indices(f(points.a), f(points.b), np.array([f(x) for x in ...])).total
    """
    n = len(a)
    rows = np.flatnonzero(np.isfinite(a) & np.isfinite(b) & np.isfinite(ab).all(axis=0))
    if len(rows) < max(COMPLETE * n, 2):
        raise ValueError(f"{len(rows):,} of {n:,} base samples are complete, which are too few")
    if np.ptp(np.concatenate([a[rows], b[rows], ab[:, rows].ravel()])) == 0:
        none = np.zeros(len(ab))
        return Indices(none, none, none, none, (0.0, 0.0), len(rows))
    # scipy takes powers of two alone: so many that each complete base sample stands in them almost equally often
    every = rows if len(rows) == n else rows[np.arange(COPIES * n) % len(rows)]
    found, rng = _estimate(a, b, ab, every), np.random.default_rng(seed)
    drawn = np.array([_estimate(a, b, ab, rows[rng.integers(len(rows), size=n)]) for _ in range(resamples)])
    drawn = np.concatenate([drawn, 1.0 - drawn.sum(axis=2, keepdims=True)], axis=2)
    tail = 0.5 * (1.0 - CONFIDENCE)
    spread = 0.5 * np.ptp(np.quantile(drawn, [tail, 1.0 - tail], axis=0), axis=0) * np.sqrt(n / len(rows))
    (first, total), (first_error, total_error) = found, spread[:, :-1]
    together = float(1.0 - first.sum()), float(spread[0, -1])
    return Indices(first, first_error, total, total_error, together, len(rows))


def _estimate(a: Array, b: Array, ab: Array, rows: Index) -> Array:
    """First-order and total indices of some base samples, (2, input)."""
    pages = ab[:, None, rows]
    pages = np.repeat(pages, 2, axis=0) if len(ab) == 1 else pages  # scipy does not take one input
    given = {"f_A": a[None, rows], "f_B": b[None, rows], "f_AB": pages}
    found = stats.sobol_indices(func=given, n=len(rows))  # type: ignore[arg-type]
    return np.array([found.first_order, found.total_order])[:, : len(ab)]


# ---- the study ---------------------------------------------------------------------------------------------------


class Range(NamedTuple):
    """Percentiles of a figure in SI units: it is below `p90` in nine of ten cases."""

    p10: float
    p50: float
    p90: float


class Swing(NamedTuple):
    """A figure with one input at its low, as it is, and at its high, all others as the layout has them [SI]; NaN for
    what has no solution.
    """

    input: Input
    low: float
    nominal: float
    high: float

    @property
    def size(self) -> float:
        """How far apart they are [SI]."""
        known = [x for x in self[1:] if np.isfinite(x)]
        return max(known, default=0.0) - min(known, default=0.0)


@dataclass(frozen=True, repr=False)
class Uncertainty:
    """How sure figures are. `explain` says it in words, `plot` draws it.

    inputs: what varied. outputs: names of the figures. n: base samples, see `sample`. seed: of them. sweep: all
    scenarios that were solved: A, B, those of each input, then the layout as it is, each input at its low, each at its
    high.
    """

    inputs: Uncertainties
    outputs: tuple[str, ...]
    n: int
    seed: int
    sweep: SweepResult

    @cached_property
    def _points(self) -> Sample:
        empty = np.empty((len(self.inputs), self.n))
        return Sample(empty, empty)

    def values(self, output: str) -> Array:
        """A figure in every scenario of the sweep in SI units, NaN where there is no solution (scenario,)."""
        if output not in self.outputs:
            raise LayoutError(self.inputs.layout, [f"no output {output!r}{hint(output, self.outputs)}"])
        return self._values[output]

    @cached_property
    def _values(self) -> dict[str, Array]:
        made = dict[str, Array]()
        for output in self.outputs:
            found = {name: np.asarray(self.sweep[name].values, float) for name in _needed(output)}
            with np.errstate(all="ignore"):
                values = _made(output, found)
            made[output] = np.where((self.sweep.status == Status.OK) & np.isfinite(values), values, np.nan)
        return made

    def drawn(self, output: str) -> Array:
        """A figure in the 2 n scenarios that are drawn independently, those that have it (scenario,)."""
        values = self.values(output)[: 2 * self.n]
        return values[np.isfinite(values)]

    def range(self, output: str) -> Range:
        """P10, P50 and P90 of a figure, of the scenarios that have it."""
        values = self.drawn(output)
        return Range(*(np.percentile(values, PERCENTILES).tolist() if len(values) else [np.nan] * 3))

    @cached_property
    def _indices(self) -> dict[str, Indices | str]:
        """Indices of each figure, or why there are none."""
        found = dict[str, Indices | str]()
        for output in self.outputs:
            try:
                found[output] = indices(*self._points.parted(self.values(output)), seed=self.seed)
            except ValueError as error:
                found[output] = str(error)
        return found

    def indices(self, output: str) -> Indices:
        """Sobol' indices of a figure, inputs in the order of `inputs`.

        Raises LayoutError where fewer than half of the base samples are complete.
        """
        self.values(output)
        found = self._indices[output]
        if isinstance(found, str):
            raise LayoutError(self.inputs.layout, [f"{output}: {found}; narrow what leads to draws that cannot be"])
        return found

    def nominal(self, output: str) -> float:
        """A figure of the layout as it is, other values as they are nominal."""
        return float(self.values(output)[(len(self.inputs) + 2) * self.n])

    def tornado(self, output: str) -> list[Swing]:
        """Each input moved alone from its low to its high, the largest swing first."""
        d, now = len(self.inputs), self.nominal(output)
        low, high = self.values(output)[(d + 2) * self.n + 1 :].reshape(2, d)
        swings = [Swing(i, a, now, b) for i, a, b in zip(self.inputs, low.tolist(), high.tolist(), strict=True)]
        return sorted(swings, key=lambda s: -s.size)

    def to_dataframe(self, output: str) -> pd.DataFrame:
        """One row an input by address: indices and their errors, and the figure at its low and high, SI."""
        found, swings = self.indices(output), {s.input.address: s for s in self.tornado(output)}
        names = [i.address for i in self.inputs]
        columns = {name: getattr(found, name) for name in ("first", "first_error", "total", "total_error")}
        columns |= {end: [getattr(swings[a], end) for a in names] for end in ("low", "high")}
        return pd.DataFrame(columns, pd.Index(names, name="address")).sort_values("total", ascending=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """What has no solution, and what that means for the numbers; then what is to be known of the inputs."""
        size, failures = self.sweep.size, self.sweep.failures(3)
        told = list[str]()
        if failures:
            why = "; ".join(f"{count:,} {status.replace('_', ' ')}: {reason}" for status, count, _, reason in failures)
            bad = int((self.sweep.status != Status.OK).sum())
            told.append(f"{bad:,} of {size:,} scenarios have no solution ({why}); percentiles are of the others")
        for output in self.outputs:
            found = self._indices[output]
            if isinstance(found, str):
                told.append(f"{figure(output).label}: no indices: {found}")
            elif found.samples < self.n:
                told.append(
                    f"{figure(output).label}: indices are of the {found.samples:,} of {self.n:,} base samples "
                    "that have all their values"
                )
        return (*told, *self.inputs.notes)

    def explain(self, output: str | None = None) -> str:
        """A figure in two sentences: its range, and what leads; all figures, a line each, if none is given."""
        if output is None:
            return "\n".join(self.explain(name) for name in self.outputs)
        (p10, p50, p90), about = self.range(output), figure(output)
        ends = " to ".join(f"{about.factor * p:{about.form}}" for p in (p10, p90))
        label = about.label[0].upper() + about.label[1:]
        if not np.isfinite(p50):
            return f"{label} has no value in any case."
        told = [f"{label} is {about.text(p50)}, {ends} in eight of ten cases."]
        none = float(np.mean(self.drawn(output) == 0.0)) if output == DENSITY else 0.0
        if none > 0:
            told.append(f"In {_share(none)} of them no density is sustainable, which counts as 0.")
        return " ".join([*told, self._leads(output)])

    def _leads(self, output: str) -> str:
        """The sentence that says what explains the variance of a figure."""
        found = self._indices[output]
        if isinstance(found, str):
            return f"What leads is not told: {found}."
        if not found.total.any():
            return f"None of the {len(self.inputs)} inputs changes it."
        order = np.argsort(-found.first, kind="stable")[:MOST_LEADING]
        lead = [k for k in order.tolist() if found.first[k] >= LEADING]
        parts = [f"{_share(float(found.first[k]))} (±{100 * found.first_error[k]:.0f})" for k in lead]
        told = "no input alone explains 5 % of its variance"
        if lead:
            told = f"{self.inputs[lead[0]].words} explains {parts[0]} of its variance"
            others = zip(lead[1:], parts[1:], strict=True)
            told = ", ".join([told, *(f"{self.inputs[k].words} {part}" for k, part in others)])
        rest = np.delete(found.first, lead)
        together, error = found.together
        others = [f"all others {_share(float(rest.sum()))}"] if len(rest) else []
        others += [f"several together {_share(together)}"] if together > max(error, LEADING) else []
        return f"{told[0].upper()}{told[1:]}{'; ' if others else ''}{' and '.join(others)}."

    @property
    def plot(self) -> plots.UncertaintyPlots:
        """Plots of it: `plot.tornado("pue")`, `plot.indices("pue")`; they need the extra `plots`."""
        return plots.UncertaintyPlots(self)

    def __str__(self) -> str:
        return "\n".join([self.explain(), *self.notes])

    def __repr__(self) -> str:
        counted = f"{len(self.inputs)} inputs, {self.sweep.size:,} scenarios"
        return f"<Uncertainty of {self.inputs.layout}: {', '.join(self.outputs)}; {counted}>"


def _share(value: float) -> str:
    """A share in percent."""
    return "less than 1 %" if value < 0.01 else f"{100 * value:.0f} %"


def figure(output: str) -> Figure:
    """What a figure is called and shown in. Raises KeyError for what is none."""
    return OWN[output] if output in OWN else FIGURES[output]


def _needed(output: str) -> tuple[str, ...]:
    """Variables of the dataset that a figure is made of."""
    return {DRAWN: ("tokens_per_s", "facility_power"), PROVISIONED: ("tokens_per_s", "provisioned_power")}.get(
        output, (output,)
    )


def _made(output: str, found: Mapping[str, Array]) -> Array:
    """A figure of its variables."""
    first, *others = (found[name] for name in _needed(output))
    return first / (others[0] / 1e6) if others else first


def uncertainty(
    layout: str | Path | Layout | Facility,
    n: int = 1024,
    *,
    over: Mapping[str, object] | None = None,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] = OUTPUTS,
    store: str | Path | None = None,
    executor: Any = None,
    seed: int = 0,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Uncertainty:
    """How sure figures of a layout are, and which of the values that are not known lead: n (d + 2) scenarios of d.

    n: base samples, a power of two. over: inputs by address beside those of `uncertainties`, or in place of them: a
    distribution as `twin.sweep` takes it, or one value at which an input is held. inputs: which of `uncertainties`
    vary, all if not given, none for (); the others stay as the layout has them. outputs: headline figures, and
    sustainable_density, tokens_per_mw and tokens_per_provisioned_mw. store, executor, device: as `Sweep.run` takes
    them; all scenarios are one sweep, which a store keeps and goes on with. seed: of the samples. case, overrides: as
    `twin.solve` takes them. progress: called with how far it is. Inputs are independent of each other.

    A scenario that cannot be has no figures: percentiles are of the others, indices of those base samples all of whose
    scenarios have them, see `notes`. Raises LayoutError with all faults.

    >>> print(twin.uncertainty("gb300_hall", 256, outputs=["pue"]))
    """
    facility = _facility(layout, case, overrides)
    faults = list[str]()
    if not isinstance(n, int) or n < FEWEST or n & (n - 1):
        faults.append(f"n: give a power of two from {FEWEST}, such as 1024, not {n!r}")
    names = [outputs] if isinstance(outputs, str) else list(outputs)
    known = {*FIGURES, *OWN}
    faults += [f"outputs: no {x!r}{hint(str(x), known) or '; see twin.solve'}" for x in names if x not in known]
    faults += [] if names else ["outputs: is empty"]
    listed = uncertainties(facility)
    chosen, held = _asked(facility, listed, over or {}, inputs, faults)
    if not chosen and not faults:
        faults.append("nothing is uncertain: no value of the catalogue has a range; give distributions in `over`")
    if not faults and n * (len(chosen) + 2) > LARGEST:
        faults.append(f"n: {n:,} samples of {len(chosen)} inputs are more than {LARGEST:,} scenarios; give fewer")
    for i in chosen:
        _axes(facility, i.addresses, i.draw, faults)
    if faults:
        raise LayoutError(f"uncertainty of {facility.name}", list(dict.fromkeys(faults)))
    points = sample([i.draw for i in chosen], n, seed)
    design = _design(chosen, held, points)
    asked = sweep(facility, design=design, outputs=("figures",), bound=DENSITY in names, progress=progress)
    found = asked.run(store, executor=executor, device=device, progress=progress)
    notes = (*listed.notes, *_few(chosen, points))
    return Uncertainty(replace(listed, inputs=tuple(chosen), notes=notes), tuple(names), n, seed, found)


def _few(inputs: Sequence[Input], points: Sample) -> Iterator[str]:
    """What to know where there are too few points for so many inputs."""
    first, second, r = alike(points)
    n = points.a.shape[1]
    if r > max(ALIKE, NOISE / np.sqrt(n)):
        pair = " and ".join(dict.fromkeys(inputs[k].address for k in (first, second)))
        told = f"n: {n:,} samples of {len(inputs)} inputs are few: what is drawn independently of {pair} is correlated"
        yield f"{told} by {r:.2f}, and shares may be wrong by as much; give {2 * n:,} or more"


def _design(inputs: Sequence[Input], held: Mapping[str, float], points: Sample) -> Design:
    """All scenarios: the points, then the layout as it is, each input at its low, each at its high."""
    d, every = len(inputs), points.points
    columns = dict[str, Array]()
    for k, i in enumerate(inputs):
        alone = np.full(2 * d + 1, i.nominal)
        alone[[1 + k, 1 + d + k]] = i.low, i.high
        columns |= dict.fromkeys(i.addresses, np.concatenate([every[k], alone]))
    size = every.shape[1] + 2 * d + 1
    return Design(columns | {address: np.full(size, value) for address, value in held.items()})


def _asked(
    facility: Facility, listed: Uncertainties, over: Mapping[str, object], only: Sequence[str] | None, faults: list[str]
) -> tuple[list[Input], dict[str, float]]:
    """The inputs that vary, and values at which others are held; what is wrong goes to `faults`."""
    known = {i.address: i for i in listed}
    left_out = dict(listed.left_out)
    for name in () if only is None else only:
        if name not in known:
            why = left_out.get(name)
            faults.append(f"inputs: {name}: " + (why or f"is no uncertain value{hint(name, known)}"))
    chosen = {a: i for a, i in known.items() if only is None or a in only}
    held = dict[str, float]()
    for address, given in over.items():
        addresses = known[address].addresses if address in known else (address,)
        axes = _axes(facility, addresses, given, faults)
        if not axes:
            continue
        own = _means(facility, addresses)
        for other, i in list(chosen.items()):
            theirs = _means(facility, i.addresses)
            if theirs <= own:
                del chosen[other]
            elif theirs & own:
                faults.append(f"over: {address}: is a part of {other}, which moves as one; give that")
        made = axes[0]
        if isinstance(made, Choice):
            if made.values.dtype == object or len(made.values) != 1:
                faults.append(f"over: {address}: give a distribution, or one value that holds it")
            else:
                held |= dict.fromkeys(addresses, float(made.values[0]))
            continue
        low, high = _reach(made.distribution)
        nominal = _now(facility, own, made.distribution)
        units = dimension(facility, address if address not in known else addresses[0])
        text = made.text if isinstance(given, str) else getattr(getattr(given, "dist", None), "name", "given")
        chosen[address] = Input(
            address, addresses, nominal, low, high, units, text, made.distribution, "given", "given in `over`"
        )
    return list(chosen.values()), held


def _axes(facility: Facility, addresses: Sequence[str], given: object, faults: list[str]) -> list[Any]:
    """The axis of each address; none where something is wrong, which goes to `faults`."""
    try:
        return [axis(facility, address, given) for address in addresses]
    except LayoutError as error:
        faults.extend(error.faults)
    except ValueError as error:
        faults.append(str(error))
    return []


def _means(facility: Facility, addresses: Sequence[str]) -> frozenset[tuple[str, str]]:
    """The fields of sections and components that addresses mean."""
    found = set[tuple[str, str]]()
    for address in addresses:
        head, name, field = split(address)
        section = head in SECTIONS and name is None
        found |= {(head, field)} if section else {(n, field) for n in select(facility, address)}
    return frozenset(found)


def _reach(draw: Distribution) -> tuple[float, float]:
    """Low and high of a distribution: its ends, or what nine of ten lie between."""
    known: Any = draw
    ends = np.array(known.support() if hasattr(draw, "support") else (draw.ppf(0.0), draw.ppf(1.0)), float)
    low, high = np.where(np.isfinite(ends), ends, np.array([draw.ppf(q) for q in ENDS], float)).tolist()
    return low, high


def _now(facility: Facility, means: frozenset[tuple[str, str]], draw: Distribution) -> float:
    """What the layout has, the median of the distribution where that is nothing or differs."""
    parts: dict[str, Any] = {s: getattr(facility, s) for s in SECTIONS} | dict(facility.components)
    values = {getattr(parts[head], field) for head, field in means}
    value = values.pop() if len(values) == 1 else None
    return float(draw.ppf(0.5)) if value is None else float(value)
