"""What a sweep asks: columns of values by address, whose rows are scenarios, and the facilities that these are of."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.columns import Array, Index
from twin.facility.build import load
from twin.facility.document import changed
from twin.facility.files import LayoutError, spelled
from twin.facility.graph import Facility
from twin.facility.scenarios import Scenarios, declarations, read, uniform
from twin.facility.tables import LABELS, Given, numbers, tabulate
from twin.kernels.later import later
from twin.study.axes import LARGEST, WORDS, Chance, Choice, axis
from twin.units import quantity

if TYPE_CHECKING:
    from scipy import stats
else:
    stats = later("scipy.stats")

SAMPLES = 1024
"""Points of the distributions if their number is not given."""

SAMPLE = "sample"
"""The axis along which distributions are drawn."""


class Dimension(NamedTuple):
    """An axis of a grid: what it is called, the addresses that vary along it, and how many values it has."""

    name: str
    addresses: tuple[str, ...]
    size: int


@dataclass(frozen=True)
class Design:
    """Scenarios of a sweep, one a row.

    columns: by address (S,): SI numbers of what may vary, objects of what shapes the plant, "layout" and "case" among
    them. dimensions: of the grid whose points the rows are, the last the fastest; empty where they are none. labels:
    what the scenarios are called (S,), None if by number. notes: what to know about it.
    """

    columns: Mapping[str, Array]
    dimensions: tuple[Dimension, ...] = ()
    labels: Array | None = None
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many scenarios there are."""
        return len(next(iter(self.columns.values()), np.zeros(1)))


def grid(
    facility: Facility,
    over: Mapping[str, object],
    zips: Sequence[Mapping[str, Any]] = (),
    samples: int | None = None,
    seed: int = 0,
) -> Design:
    """Every combination of the values of some axes.

    over: axes by address, see `axes.axis`. zips: axes of several addresses whose values go together, which may be
    labelled as scenarios of `twin.solve` are. samples: points of all distributions together, SAMPLES if not given, by
    a scrambled Sobol' sequence [Owen, J. Complexity 14 (1998) 466]; other axes are crossed with them. Raises
    LayoutError with all faults.
    """
    faults: list[str] = []
    choices, chances = list[tuple[str, list[Choice]]](), list[Chance]()
    for address, given in over.items():
        made = _caught(faults, lambda address=address, given=given: axis(facility, address, given))
        if isinstance(made, Chance):
            chances.append(made)
        elif made is not None:
            choices.append((address, [made]))
    for table in zips:
        made = _caught(faults, lambda table=table: _zipped(facility, table))
        choices += [] if made is None else [made]
    names = [c.address for _, axes in choices for c in axes] + [c.address for c in chances]
    faults += [f"{n}: is given twice" for n in dict.fromkeys(names) if names.count(n) > 1]
    if not names and not faults:
        faults.append("nothing varies: give axes in `over`, a table or a design")
    points, notes = _points(len(chances), samples, seed, faults)
    sizes = [(name, tuple(c.address for c in axes), len(axes[0].values)) for name, axes in choices]
    dimensions = [Dimension(*size) for size in sizes if size[2] > 1] or [Dimension(*size) for size in sizes[:1]]
    if chances:
        dimensions.append(Dimension(SAMPLE, tuple(c.address for c in chances), len(points)))
    total = math.prod(d.size for d in dimensions)
    if total > LARGEST:
        shape = " x ".join(f"{d.size:,} of {d.name}" for d in dimensions)
        faults.append(f"{total:,} scenarios ({shape}) are more than the {LARGEST:,} of a sweep; give fewer values")
    if faults:
        raise LayoutError(f"sweep of {facility.name}", faults)
    places = np.unravel_index(np.arange(total), tuple(d.size for d in dimensions))
    place = {d.name: at for d, at in zip(dimensions, places, strict=True)}
    one = np.zeros(total, np.int64)
    columns = {c.address: c.values[place.get(name, one)] for name, axes in choices for c in axes}
    for i, chance in enumerate(chances):
        columns[chance.address] = np.array(chance.distribution.ppf(points[:, i]), float)[place[SAMPLE]]
    return Design(columns, tuple(dimensions), None, notes)


def _caught(faults: list[str], make: Callable[[], Any]) -> Any:
    """What is made, or None and what is wrong."""
    try:
        return make()
    except LayoutError as error:
        faults.extend(error.faults)
    except ValueError as error:
        faults.append(str(error))
    return None


def _zipped(facility: Facility, table: Mapping[str, Any]) -> tuple[str, list[Choice]]:
    """Axes of addresses whose values go together."""
    axes = [axis(facility, address, given) for address, given in table.items() if address != LABELS]
    chances = [c.address for c in axes if isinstance(c, Chance)]
    if chances:
        raise ValueError(f"{chances[0]}: a distribution is drawn by itself; take it out of the zip")
    choices = [c for c in axes if isinstance(c, Choice)]
    lengths = {c.address: len(c.values) for c in choices}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{a} {n}" for a, n in lengths.items()) or "none"
        raise ValueError(f"zip: values that go together are equally many, not {told}")
    return ", ".join(lengths), choices


def _points(count: int, samples: int | None, seed: int, faults: list[str]) -> tuple[Array, tuple[str, ...]]:
    """Points of the unit cube (samples, count), and what to know about them."""
    if not count:
        if samples is not None:
            faults.append("samples: nothing is drawn; give a distribution, such as uniform(30 degC, 40 degC)")
        return np.zeros((0, 0)), ()
    number = SAMPLES if samples is None else samples
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        faults.append(f"seed: give a whole number from 0, not {seed!r}")
        return np.zeros((1, count)), ()
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= LARGEST:
        faults.append(f"samples: give a whole number from 1 to {LARGEST:,}, not {samples!r}")
        return np.zeros((1, count)), ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the number is no power of two: told in notes
        generator: Any = stats.qmc.Sobol
        points = generator(count, scramble=True, seed=np.random.default_rng(seed)).random(number)
    near = 2 ** round(math.log2(number))
    told = f"samples: {number:,} points of a Sobol' sequence are not balanced; {near:,} are"
    return np.clip(points, 1e-12, 1.0 - 1e-12), () if number == near else (told,)


def of_table(facility: Facility, given: Given) -> Design:
    """A design whose scenarios are the rows of a table.

    given: as `twin.solve` takes scenarios; "layout", "case" and addresses of what shapes the plant may be among its
    columns. Raises LayoutError for what is no such table.
    """
    source = f"sweep of {facility.name}"
    try:
        values, labels = tabulate(given)
    except ValueError as error:
        raise LayoutError(source, [str(error)]) from None
    if not values:
        raise LayoutError(source, ["table: has no columns"])
    faults, columns = list[str](), dict[str, Array]()
    for address, value in values.items():
        column = _caught(faults, lambda address=address, value=value: _column(facility, address, value))
        if column is not None:
            columns[address] = column
    lengths = {a: len(c) for a, c in columns.items()} | ({} if labels is None else {"labels": len(labels)})
    size = max(lengths.values(), default=1)
    if any(n not in (1, size) for n in lengths.values()):
        faults.append(f"table: columns have different lengths: {', '.join(f'{a} {n}' for a, n in lengths.items())}")
    if size > LARGEST:
        faults.append(f"table: {size:,} rows are more than the {LARGEST:,} scenarios of a sweep")
    if faults:
        raise LayoutError(source, faults)
    return Design({a: np.broadcast_to(c, (size,)) for a, c in columns.items()}, (), labels)


def _column(facility: Facility, address: str, value: Any) -> Array:
    """A column of a table: SI numbers, or objects of what shapes the plant (n,)."""
    declared = [] if address in WORDS else declarations(facility, address)
    if declared:
        found, unread = numbers(value, quantity(declared[0]))
        if unread:
            row = min(unread)
            more = f" and {len(unread) - 1:,} more rows" if len(unread) > 1 else ""
            raise ValueError(f"{address}: row {row}{more}: {unread[row]}")
        return found
    items = [value] if isinstance(value, str) or not hasattr(value, "__len__") else list(value)
    column = np.empty(len(items), object)
    column[:] = [None if isinstance(x, float) and math.isnan(x) else getattr(x, "item", lambda x=x: x)() for x in items]
    return column


# ---- the facilities of a design ----------------------------------------------------------------------------------


class Group(NamedTuple):
    """Scenarios of one facility: what shapes it, by address, the facility, and the numbers of the scenarios (n,)."""

    shape: Mapping[str, object]
    facility: Facility
    rows: Index


def shaping(design: Design) -> list[str]:
    """Addresses of a design that shape the plant."""
    return [a for a, column in design.columns.items() if column.dtype.kind == "O"]


def codes(design: Design) -> tuple[list[tuple[object, ...]], Index]:
    """Each different combination of what shapes the plant, as first met, and which of them each scenario has (S,)."""
    columns = [design.columns[a] for a in shaping(design)]
    code = np.zeros(design.size, np.int64)
    for column in columns:
        known = dict[str, int]()
        own = np.array([known.setdefault(repr(x), len(known)) for x in column], np.int64)
        code = code * len(known) + own
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return [tuple(column[i] for column in columns) for i in first[order].tolist()], place[code.ravel()]


def groups(
    layout: Any,
    design: Design,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    progress: Callable[[str], object] | None = None,
) -> list[Group]:
    """The facilities of a design, each with its scenarios; see `load` for layout, case and overrides.

    What the design says of the plant's shape wins over case and overrides. Raises LayoutError with the faults of all.
    """
    names, (shapes, code) = shaping(design), codes(design)
    made, faults = list[Group](), list[str]()
    for i, values in enumerate(shapes):
        shape = dict(zip(names, values, strict=True))
        told = ", ".join(f"{a} {spelled(v)}" for a, v in shape.items())
        if progress and len(shapes) > 1:
            progress(f"plant {i + 1:,} of {len(shapes):,}")
        try:
            facility = _facility(shape, layout, case, dict(overrides or {}))
            unlike = [a for a in design.columns if a not in shape and not declarations(facility, a)]
            if unlike:
                raise ValueError(f"{unlike[0]}: shapes the plant here")
        except LayoutError as error:
            faults += [f"{told}: {fault}" if told else fault for fault in error.messages()]
        except ValueError as error:
            faults.append(f"{told}: {error}" if told else str(error))
        else:
            made.append(Group(shape, facility, np.flatnonzero(code == i)))
    if faults:
        raise LayoutError("sweep", faults)
    return made


def _facility(shape: Mapping[str, object], layout: Any, case: str | None, overrides: dict[str, object]) -> Facility:
    """The facility of a combination of what shapes it."""
    chosen, case_of = shape.get("layout", layout), shape.get("case", case)
    if case_of is not None and not isinstance(case_of, str):
        raise ValueError(f"case: {case_of!r} is no name of a case")
    values = overrides | {a: v for a, v in shape.items() if a not in WORDS}
    if not isinstance(chosen, Facility):
        return load(chosen, case_of, values)  # type: ignore[arg-type]
    return changed(chosen, case_of, values) if case_of or values else chosen


def scenarios(group: Group, columns: Mapping[str, Array]) -> Scenarios:
    """What the scenarios of a group make of its facility; columns: of the whole design. Raises LayoutError."""
    given = {a: columns[a][group.rows] for a in columns if a not in group.shape}
    return read(group.facility, given or uniform(group.facility, len(group.rows)))
