"""Axes of a sweep: what one address of a layout takes, as lists, ranges and distributions, and as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from twin.columns import Array
from twin.facility.addresses import split
from twin.facility.files import LayoutError, hint, parse_value
from twin.facility.graph import Facility
from twin.facility.scenarios import declarations, out_of_bounds
from twin.facility.tables import numbers
from twin.kernels.later import later
from twin.results.limits import DIFFERENCES
from twin.units import parse, quantity, si_unit

if TYPE_CHECKING:
    from scipy import stats
else:
    stats = later("scipy.stats")

WORDS = ("layout", "case")
"""Axes that are no addresses: whole layouts, and cases of a layout."""

LARGEST = 10_000_000
"""Scenarios that a sweep may have, and values of an axis."""

TAIL = 1e-9
"""Odds below which a distribution may reach beyond the bounds of a field."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(
    rf"^(?P<low>{_NUMBER})\s*(?P<first>[^\d\s.][^.]*?)?\s*\.\.\s*(?P<high>{_NUMBER})\s*(?P<unit>.*?)\s*(?:/\s*(?P<count>\d+))?$"
)
_CALL = re.compile(r"^(?P<name>[a-z]+)\s*\((?P<terms>.*)\)$", re.DOTALL)


@runtime_checkable
class Distribution(Protocol):
    """What `scipy.stats` calls a frozen distribution."""

    def ppf(self, q: Any) -> Any:
        """Quantiles: values below which the shares `q` lie."""
        ...


class Form(NamedTuple):
    """A distribution as text: what its terms are, and of which of them the quantity is that of a difference."""

    terms: tuple[str, ...]
    differences: frozenset[int] = frozenset()
    numbers: frozenset[int] = frozenset()


FORMS = {
    "uniform": Form(("low", "high")),
    "loguniform": Form(("low", "high")),
    "triangular": Form(("low", "mode", "high")),
    "normal": Form(("mean", "standard deviation", "low", "high"), differences=frozenset({1})),
    "lognormal": Form(("median", "geometric standard deviation", "low", "high"), numbers=frozenset({1})),
}
"""Distributions by name; the ends of the last two may be left out."""


class Choice(NamedTuple):
    """An axis of fixed values of one address: SI numbers (n,), or what overrides take of what shapes the plant."""

    address: str
    values: Array


class Chance(NamedTuple):
    """An axis that is drawn at random: a distribution of SI values, and how it was written."""

    address: str
    distribution: Distribution
    text: str


def axis(facility: Facility, address: str, given: object) -> Choice | Chance:
    """The axis of an address.

    given: one value or several, as `twin.solve` takes them; a text: a range `36..46 degC/11` of so many values, `1..6`
    of whole numbers, a list `30 degC, 35 degC`, or a distribution such as `uniform(120 kW, 150 kW)`, see FORMS; or a
    frozen distribution of `scipy.stats` in SI units. Raises ValueError for what is none of these, for an address that
    the layout does not have, and for values out of the bounds of its field.

    >>> axis(hall, "cdu.set_point", "36..46 degC/11").values
    """
    declared = [] if address in WORDS else declarations(facility, address)
    if not declared:
        if _is_distribution(given):
            raise ValueError(f"{address}: shapes the plant and takes a list of values, no distribution")
        return Choice(address, _structural(facility, address, given))
    if _is_distribution(given):
        chance = _chance(address, given, _dimension(declared[0]))
        ends = np.array(chance.distribution.ppf([TAIL, 1.0 - TAIL]), float)
        if (fault := out_of_bounds(address, declared, ends)) or not ends[0] < ends[1]:
            raise ValueError(fault or f"{address}: {chance.text}: give a range that rises")
        return chance
    try:
        values = _numbers(given, declared[0])
    except ValueError as error:
        raise ValueError(f"{address}: {error}") from None
    if fault := out_of_bounds(address, declared, values):
        raise ValueError(fault)
    return Choice(address, values)


def _is_distribution(given: object) -> bool:
    return bool(_CALL.match(given.strip())) if isinstance(given, str) else isinstance(given, Distribution)


def _dimension(declared: Any) -> str:
    known = quantity(declared)
    return known.dimension if known else "number"


def _numbers(given: object, declared: Any) -> Array:
    """SI values (n,) of a field."""
    if isinstance(given, str):
        found = _RANGE.match(given.strip())
        if found:
            return _range(given, found, _dimension(declared))
        given = [word.strip() for word in given.split(",")]
    if not hasattr(given, "__len__") or isinstance(given, str):
        given = [given]
    known = quantity(declared)
    if known is None and not hasattr(given, "dtype"):
        given = [parse_value("axis", x) if isinstance(x, str) else x for x in given]  # type: ignore[union-attr]
    values, unread = numbers(given, known)
    if unread:
        raise ValueError(next(iter(unread.values())))
    return values


def _range(text: str, found: re.Match[str], dimension: str) -> Array:
    """Evenly spaced values, both ends included."""
    unit = found["unit"] or found["first"] or ""
    low, high = (
        parse(f"{found[end]} {own or unit}".strip(), dimension)
        for end, own in (("low", found["first"]), ("high", found["unit"]))
    )
    if found["count"] is None:
        if unit or low != round(low) or high != round(high):
            raise ValueError(f"{text!r}: say how many values, such as {text.strip()}/11")
        if abs(high - low) > LARGEST:
            raise ValueError(f"{text!r}: a range has at most {LARGEST:,} values")
        return np.arange(low, high + 1.0) if low <= high else np.arange(low, high - 1.0, -1.0)
    if not 2 <= int(found["count"]) <= LARGEST:
        raise ValueError(f"{text!r}: a range has 2 to {LARGEST:,} values")
    return np.linspace(low, high, int(found["count"]))


def _chance(address: str, given: object, dimension: str) -> Chance:
    """The axis of a distribution."""
    if not isinstance(given, str):
        assert isinstance(given, Distribution)
        return Chance(address, given, repr(given))
    found = _CALL.match(given.strip())
    assert found is not None
    name, terms = found["name"], [term.strip() for term in found["terms"].split(",")]
    form = FORMS.get(name)
    if form is None:
        raise ValueError(f"{address}: no distribution {name!r}{hint(name, FORMS)}; there are {', '.join(FORMS)}")
    least = len(form.terms) - (2 if form.terms[-1] == "high" and len(form.terms) == 4 else 0)
    if len(terms) not in (least, len(form.terms)):
        raise ValueError(f"{address}: {name} takes {', '.join(form.terms)}")
    difference = DIFFERENCES.get(dimension, dimension)
    kinds = ["number" if i in form.numbers else difference if i in form.differences else dimension for i in range(4)]
    try:
        values = [parse(term, kind) for term, kind in zip(terms, kinds, strict=False)]
    except ValueError as error:
        raise ValueError(f"{address}: {given.strip()}: {error}") from None
    try:
        return Chance(address, _made(name, values), given.strip())
    except ValueError as error:
        raise ValueError(f"{address}: {given.strip()}: {error}") from None


def _made(name: str, v: Sequence[float]) -> Distribution:
    """The distribution of a name with these terms. ValueError for terms that it cannot have."""
    if name in ("uniform", "loguniform", "triangular") and not v[0] < v[-1]:
        raise ValueError("give a range that rises")
    if name in ("loguniform", "lognormal") and not v[0] > 0:
        raise ValueError("has a logarithm: give values above 0")
    if name == "uniform":
        return stats.uniform(v[0], v[1] - v[0])
    if name == "loguniform":
        return stats.loguniform(v[0], v[1])
    if name == "triangular":
        if not v[0] <= v[1] <= v[2]:
            raise ValueError("give low, mode, high in this order")
        return stats.triang((v[1] - v[0]) / (v[2] - v[0]), v[0], v[2] - v[0])
    if not v[1] > (1.0 if name == "lognormal" else 0.0) or (len(v) > 2 and not v[2] < v[3]):
        above = "above 1" if name == "lognormal" else "above 0"
        raise ValueError(f"give a {FORMS[name].terms[1]} {above}, and ends that rise")
    if name == "normal":
        ends = [(x - v[0]) / v[1] for x in v[2:]]
        return stats.truncnorm(*ends, loc=v[0], scale=v[1]) if ends else stats.norm(v[0], v[1])
    if len(v) > 2:
        low, high = np.log(np.divide(v[2:], v[0])) / np.log(v[1])
        return _Exponential(stats.truncnorm(low, high), v[0], v[1])
    return stats.lognorm(np.log(v[1]), scale=v[0])


class _Exponential(NamedTuple):
    """A truncated lognormal distribution: that of median * deviation ** x, x truncated normal."""

    exponent: Distribution
    median: float
    deviation: float

    def ppf(self, q: Any) -> Any:
        return self.median * self.deviation ** self.exponent.ppf(q)


def _structural(facility: Facility, address: str, given: object) -> Array:
    """Values of what shapes the plant as overrides take them, objects (n,)."""
    if isinstance(given, str):
        found = _RANGE.match(given.strip())
        field = None if address in WORDS else split(address).field
        if found and field is not None and field != "model":
            dimension = _structural_dimension(facility, address)
            numeric = _range(given, found, dimension)
            unit = si_unit(dimension)
            given = [f"{v!r} {unit}" if unit else int(v) if v == round(v) else v for v in numeric.tolist()]
        else:
            given = [_plain(address, word.strip()) for word in given.split(",")]
    elif not isinstance(given, Sequence):
        given = np.asarray(given, object).ravel().tolist()
    if not given or any(isinstance(v, list | dict) for v in given):
        raise ValueError(f"{address}: give a list of values, one or more")
    values = np.empty(len(given), object)
    values[:] = given
    return values


def _structural_dimension(facility: Facility, address: str) -> str:
    """The dimension of a field that shapes the plant, "number" where it has none."""
    head, name, field = split(address)
    if name is None and hasattr(facility, head):
        return _dimension(type(getattr(facility, head)).model_fields[field])
    types = (type(p) for n, p in facility.components.items() if field in type(p).model_fields)
    return next((_dimension(cls.model_fields[field]) for cls in types), "number")


def _plain(address: str, word: str) -> object:
    """A word of a list as a file would have it; of layouts and cases always text, but for null."""
    if address in WORDS:
        return None if word == "null" else word
    try:
        return parse_value(address, word)
    except LayoutError:
        return word
