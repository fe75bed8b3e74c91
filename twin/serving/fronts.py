"""Table mode: tokens that accelerators serve at a chosen interactivity, from measured fronts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np

from twin.elements import Array


@dataclass(frozen=True)
class Front:
    """Best measured points of one model, platform and sequence mix, interactivity rising, rate falling.

    `interactivity` [tokens/s/user] and `rate` [input plus output tokens/s per accelerator] have shape (point,);
    `precision` and `source` name where each point comes from.
    """

    model: str
    platform: str
    isl: int
    osl: int
    interactivity: Array
    rate: Array
    precision: tuple[str, ...] = ()
    source: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        x, y = self.interactivity, self.rate
        if not (len(x) and np.all(np.diff(x) > 0) and np.all(np.diff(y) < 0) and np.all(y > 0)):
            raise ValueError(f"front of {self.platform}: interactivity must rise while a positive rate falls")

    def throughput(self, interactivity: Any) -> Array:
        """Tokens/s per accelerator at `interactivity` [tokens/s/user], same shape.

        The logarithm of the rate is linear between points; the first rate holds below the front, and nothing
        can be served above it.
        """
        return np.exp(np.interp(interactivity, self.interactivity, np.log(self.rate), right=-np.inf))


def front(
    rows: Iterable[Any],
    model: str,
    platform: str,
    isl: int = 1024,
    osl: int = 1024,
    until: str | None = None,
) -> Front:
    """Non-dominated rows of one model, platform and sequence mix, measured up to the ISO date `until`.

    Rows are dicts or records with model, platform, isl, osl, interactivity [tokens/s/user], tokens_per_s_per_gpu,
    precision, source and date. Raises ValueError that lists what exists where nothing matches.
    """
    rows = [row for row in rows if until is None or row["date"] <= until]
    for field, wanted in (("model", model), ("platform", platform)):
        rows = _only(rows, field, wanted)
    chosen = [row for row in rows if (row["isl"], row["osl"]) == (isl, osl)]
    if not chosen:
        mixes = sorted({f"{row['isl']}/{row['osl']}" for row in rows})
        raise ValueError(f"serving: no rows of {model} on {platform} with {isl}/{osl} tokens; there are {_join(mixes)}")
    best = _non_dominated(chosen)
    x, y = np.array([(row["interactivity"], row["tokens_per_s_per_gpu"]) for row in best], float).T
    labels = (tuple(str(row[name]) for row in best) for name in ("precision", "source"))
    return Front(model, platform, isl, osl, x, y, *labels)


def tokens_per_s(
    front: Front,
    accelerators: Any,
    clock: Any,
    interactivity: Any,
    availability: Any = 1.0,
    exponent: Any = 1.0,
) -> Array:
    """Tokens/s that racks serve, shape (rack, scenario):  T = n · T(I) · clockᵉ · availability.

    `clock` is the mean clock over the clock of the measured runs. At exponent 1 tokens follow the clock, as in
    prefill; decode, bound by memory, loses less [arXiv 2609.11133].
    """
    share = np.power(clock, exponent) * np.asarray(availability)
    return np.asarray(accelerators) * front.throughput(interactivity) * share


class Comparison(NamedTuple):
    """Two platforms at equal interactivity; pairs are (a, b), ratios say how many times better b is."""

    rate: tuple[Array, Array]
    tokens_per_s_per_mw: tuple[Array, Array]
    usd_per_million_tokens: tuple[Array, Array]
    rate_ratio: Array
    power_ratio: Array
    cost_ratio: Array


def compare(a: Front, b: Front, interactivity: Any, kw_a: Any, kw_b: Any, usd_a: Any, usd_b: Any) -> Comparison:
    """Tokens/s per MW and $ per million tokens of a and b at `interactivity` [tokens/s/user].

    Power is all-in kW and price $/h, each per accelerator:  T/MW = 1000 T / kW,  $/M = $ / (0.0036 T), so that
    with R = T_b / T_a  the ratio per MW is R kW_a / kW_b and the ratio of cost is R $_a / $_b. Where a serves
    nothing the ratios are infinite, where neither does they are NaN.
    """
    rates = a.throughput(interactivity), b.throughput(interactivity)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = rates[1] / rates[0]
        cost = np.divide(usd_a, 0.0036 * rates[0]), np.divide(usd_b, 0.0036 * rates[1])
    per_mw = 1e3 * rates[0] / kw_a, 1e3 * rates[1] / kw_b
    return Comparison(rates, per_mw, cost, ratio, ratio * kw_a / kw_b, ratio * usd_a / usd_b)


def _non_dominated(rows: Sequence[Any]) -> list[Any]:
    """Rows that no other row beats or equals in both axes, interactivity rising."""
    best: list[Any] = []
    for row in sorted(rows, key=_rank):
        if not best or row["tokens_per_s_per_gpu"] > best[-1]["tokens_per_s_per_gpu"]:
            best.append(row)
    return best[::-1]


def _rank(row: Any) -> tuple:
    # Precision and source settle exact ties, so that labels do not depend on the order of rows.
    point = -float(row["interactivity"]), -float(row["tokens_per_s_per_gpu"])
    if not np.all(np.isfinite(point)):
        raise ValueError(f"serving: a row of {row['source']} has no interactivity or throughput")
    return *point, str(row["precision"]), str(row["source"])


def _only(rows: list[Any], field: str, wanted: str) -> list[Any]:
    found = [row for row in rows if row[field] == wanted]
    if found:
        return found
    names = sorted({str(row[field]) for row in rows})
    close = get_close_matches(wanted, names, 1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(f"serving: no measured rows with {field} {wanted!r}; {hint}there are {_join(names)}")


def _join(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
