"""Table mode: tokens that accelerators serve at a chosen interactivity, from measured fronts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from twin.elements import Array

MISSED, NEAR = 0.8, 8.0
"""Of the fall of ln rate between two points, what nine of ten rates between them miss of a straight line at the most,
and how many times nearer to a point than it is to the next the line is as good as measured: of 97 points of all shipped
fronts, each left out in turn, 90 % lie within."""

REPEATED = 0.01
"""What a run that is measured again is off by, as a factor less one."""

HOLE = 1.5
"""Factor of interactivity between two points of a front beyond which the line between them is no measurement."""


class Row(Protocol):
    """A measured run: a dict, or a record of an array, by the names of the columns of `layouts/serving/fronts.csv`."""

    def __getitem__(self, name: str, /) -> Any:
        """A column: model, platform, isl, osl, interactivity, tokens_per_s_per_gpu, precision, source, date."""
        ...


@dataclass(frozen=True)
class Front:
    """Pareto front of the measured runs of one model, platform and sequence mix.

    Raises ValueError unless interactivity rises while a positive rate falls.
    """

    model: str
    """Model served."""
    platform: str
    """Platform measured."""
    isl: int
    """Input tokens of a request."""
    osl: int
    """Output tokens of a request."""
    interactivity: Array
    """Tokens/s/user, rising, (point,)."""
    rate: Array
    """Input plus output tokens/s per accelerator, falling, (point,)."""
    precision: tuple[str, ...] = ()
    """Precision of the weights of each point."""
    source: tuple[str, ...] = ()
    """Where each point comes from."""

    def __post_init__(self) -> None:
        x, y = self.interactivity, self.rate
        if not (len(x) and np.all(np.diff(x) > 0) and np.all(np.diff(y) < 0) and np.all(y > 0)):
            raise ValueError(f"front of {self.platform}: interactivity must rise while a positive rate falls")

    def throughput(self, interactivity: ArrayLike) -> Array:
        """Tokens/s per accelerator at an `interactivity` [tokens/s/user], same shape.

        The logarithm of the rate is linear between points; the first rate holds below the front, and nothing
        can be served above it. Example: front(measured_runs(), model, "gb300").throughput(60.0).
        """
        return np.exp(np.interp(np.asarray(interactivity, float), self.interactivity, np.log(self.rate), right=-np.inf))

    def error(self, interactivity: ArrayLike) -> Array:
        """Factor less one within which nine of ten rates lie that were left out of their front, of the same shape.

        MISSED of the fall of the logarithm between the two points beside, less near a point, where it was measured; at
        points, and below the first, whose rate can be served, REPEATED. Example: front.error(60.0).
        """
        at, x, y = np.asarray(interactivity, float), self.interactivity, np.log(self.rate)
        k = np.searchsorted(x, at)
        inside = (k > 0) & (k < len(x))
        low, high = np.where(inside, k - 1, 0), np.where(inside, k, 0)
        width = np.where(inside, x[high] - x[low], 1.0)
        part = np.where(inside, (at - x[low]) / width, 0.0)
        near = np.minimum(1.0, NEAR * np.minimum(part, 1.0 - part))
        return np.maximum(np.expm1(MISSED * (y[low] - y[high]) * near), REPEATED)

    def hole(self, interactivity: float) -> tuple[int, int] | None:
        """The points beside an interactivity between which none was measured over a factor of HOLE; None near a point.

        Near is within a part 1 / NEAR of the way. Example: front.hole(140.0).
        """
        x = self.interactivity
        k = int(np.searchsorted(x, interactivity))
        if not 0 < k < len(x) or x[k] <= HOLE * x[k - 1]:
            return None
        part = (interactivity - x[k - 1]) / (x[k] - x[k - 1])
        return (k - 1, k) if NEAR * min(part, 1.0 - part) > 1.0 else None


def front(
    rows: Iterable[Row],
    model: str,
    platform: str,
    isl: int = 1024,
    osl: int = 1024,
    until: str | None = None,
) -> Front:
    """The front of one `model`, `platform` and mix of `isl` and `osl` among `rows`, measured `until` an ISO date.

    It has the rows that no other row equals or exceeds in both interactivity and rate. Raises ValueError that lists
    what exists where nothing matches, and for a row without numbers.
    Example: front(measured_runs(), "DeepSeek-R1-0528", "gb300").
    """
    rows = [row for row in rows if until is None or row["date"] <= until]
    for field, value in (("model", model), ("platform", platform)):
        rows = _select(rows, field, value)
    chosen = [row for row in rows if (row["isl"], row["osl"]) == (isl, osl)]
    if not chosen:
        mixes = sorted({f"{row['isl']}/{row['osl']}" for row in rows})
        raise ValueError(f"serving: no rows of {model} on {platform} with {isl}/{osl} tokens; there are {_join(mixes)}")
    best = _non_dominated(chosen)
    x, y = np.array([(row["interactivity"], row["tokens_per_s_per_gpu"]) for row in best], float).T
    labels = (tuple(str(row[name]) for row in best) for name in ("precision", "source"))
    return Front(model, platform, isl, osl, x, y, *labels)


def _non_dominated(rows: Sequence[Row]) -> list[Row]:
    """Rows that no other row beats or equals in both axes, interactivity rising."""
    best: list[Row] = []
    for row in sorted(rows, key=_rank):
        if not best or row["tokens_per_s_per_gpu"] > best[-1]["tokens_per_s_per_gpu"]:
            best.append(row)
    return best[::-1]


def _rank(row: Row) -> tuple[float, float, str, str]:
    # Precision and source settle exact ties, so that labels do not depend on the order of rows.
    point = -float(row["interactivity"]), -float(row["tokens_per_s_per_gpu"])
    if not np.all(np.isfinite(point)):
        raise ValueError(f"serving: a row of {row['source']} has no interactivity or throughput")
    return *point, str(row["precision"]), str(row["source"])


def _select(rows: list[Row], field: str, value: str) -> list[Row]:
    matches = [row for row in rows if row[field] == value]
    if matches:
        return matches
    names = sorted({str(row[field]) for row in rows})
    close = get_close_matches(value, names, 1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(f"serving: no measured rows with {field} {value!r}; {hint}there are {_join(names)}")


def _join(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
