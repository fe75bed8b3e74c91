"""Serving by physics: models on platforms as the shipped tables have them, and the best that a platform can do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from twin.elements import Array
from twin.facility.catalogue import physics
from twin.facility.files import hint
from twin.serving.models import find_model
from twin.serving.points import Served, at_interactivity, prompt, user_speed
from twin.serving.roofline import (
    Chip,
    Fit,
    Instance,
    Model,
    Precision,
    Server,
    decode_step,
    interactivity,
    prefill_rate,
)
from twin.serving.stations import delay, open_network, queue

CLOCKS = np.linspace(0.05, 1.2, 231)
"""Clocks at which physics is computed; those between are interpolated."""

STEP, FAR = 1.05, 40
"""Factor between the interactivities at which `nearby` computes, those between being interpolated; and of how many of
them below one at which nothing is served it takes the shares by clock."""

COARSE = np.linspace(0.05, 1.2, 24)
"""Clocks at which it does."""

MAX_INSTANCE = 64
"""Accelerators of the largest decode instance that `best` tries, a power of two."""


class Point(NamedTuple):
    """An operating point of serving: what is served, on what, and how fast for each user."""

    model: str | Model
    """Model, one of `layouts/serving/physics.yaml` by name, or one that `derive_model` made."""
    platform: str
    """Platform, one of `calibrated_platforms`."""
    isl: int
    """Input tokens of a request."""
    osl: int
    """Output tokens of a request."""
    interactivity: float
    """Tokens/s/user."""


@dataclass(frozen=True)
class Options:
    """How a platform serves. Example: Options(drafts=0, engine="sglang")."""

    precision: Precision | None = None
    """Precision of the weights; None is that of the model if it has one, else the lowest that the platform has."""
    drafts: int | None = None
    """Tokens drafted a step; None is as many as the model's own layers draft."""
    max_gpus: int | None = None
    """Most accelerators of a decode instance; None is as many as were measured."""
    engine: str | None = None
    """Serving stack, one of `calibrated_engines`; None for the first of these that runs on the platform."""
    host_cache: float = 0.0
    """KV cache that each accelerator may keep in its host, B."""
    storage_cache: float = 0.0
    """KV cache that each accelerator may keep in storage, B."""
    storage_rate: float = 0.0
    """Bandwidth of each accelerator to storage, B/s."""


DEFAULT = Options()


def server(
    model: str | Model,
    platform: str,
    isl: int,
    osl: int,
    instance: Instance,
    host_cache: float = 0.0,
    storage_cache: float = 0.0,
    storage_rate: float = 0.0,
) -> Server:
    """A `model` on a `platform` whose serving was calibrated, with the factors of the instance's engine.

    The model is given by name, or made by `derive_model`. `isl` and `osl` are input and output tokens of a request;
    `storage_cache` [B] per accelerator is what lies beyond the host's `host_cache` [B], read with `storage_rate` [B/s].
    Raises ValueError for what is not known or cannot be.
    Example: server("DeepSeek-R1-0528", "gb300", 8192, 512, Instance(8, "best", "fp4", 4)).
    """
    table, engine = physics(), instance.engine or default_engine(platform)
    model = model_of(model)
    for kind, name, known in (
        ("platform", platform, calibrated_platforms()),
        ("engine", engine, calibrated_engines()),
    ):
        if name not in known:
            raise ValueError(f"serving: no physics of {kind} {name!r}{hint(name, known)}; there are {', '.join(known)}")
    if engine not in calibrated_engines(platform):
        raise ValueError(
            f"serving: engine: {engine} does not run on {platform}; there are {', '.join(calibrated_engines(platform))}"
        )
    chip = dict(table["chips"][platform])
    peak = {k: chip.pop(k) for k in ("fp8", "fp4") if k in chip}
    fit = table["fits"]["shared"] | table["fits"][platform]
    factor = {"drafts": 1.0, "latency": 1.0, "prefill": 1.0} | table["engines"][engine]
    latency = factor["latency"] * (fit.pop("eight", 1.0) if instance.precision == "fp8" else 1.0)
    fit["accepted"] = {n: 1.0 + factor["drafts"] * (a - 1.0) for n, a in fit["accepted"].items()}
    for kind in ("fixed", "far"):
        fit[kind] = {way: latency * t for way, t in fit.get(kind, {}).items()}
    fit["prefill"] = {p: factor["prefill"] * share for p, share in fit["prefill"].items()}
    fit["polls"] = tuple(factor["polls"]) if platform in factor.get("polled", ()) else (1, 1)
    fit["residual"] = tuple((float(a), float(b)) for a, b in fit.get("residual", ()))
    return Server(
        model,
        Chip(platform, peak=peak, **chip),
        Fit(**{k: v for k, v in fit.items() if k != "eight"}),
        replace(instance, engine=engine),
        isl,
        osl,
        host_cache,
        storage_cache,
        storage_rate,
    )


def model_of(model: str | Model) -> Model:
    """A model, by name where it is one that ships. ValueError for a name that is not known."""
    return find_model(model) if isinstance(model, str) else model


def draft_tokens(model: str | Model, platform: str, options: Options = DEFAULT) -> int:
    """Tokens drafted a step: what `options` say, or as many as the model's own layers draft.

    0 unless asked for where an engine was not measured with drafts on the platform.
    """
    engine = physics()["engines"].get(engine_of(platform, options), {})
    own = 0 if platform in engine.get("undrafted", ()) else model_of(model).drafts
    return own if options.drafts is None else options.drafts


def calibrated_platforms() -> list[str]:
    """Platforms whose serving was calibrated. Example: calibrated_platforms()."""
    return [name for name, chip in physics()["chips"].items() if name in physics()["fits"] and "domain" in chip]


def calibrated_engines(platform: str | None = None) -> list[str]:
    """Serving stacks whose factors were calibrated, all or those that run on a platform; the first is the reference.

    Example: calibrated_engines("mi355x").
    """
    engines = {name: row for name, row in physics()["engines"].items() if name not in ("source", "notes")}
    return [name for name, row in engines.items() if platform is None or platform in row["serves"]]


def default_engine(platform: str) -> str:
    """The serving stack that is taken on a platform if none is named. Example: default_engine("mi355x")."""
    return next(iter(calibrated_engines(platform)), calibrated_engines()[0])


def engine_of(platform: str, options: Options = DEFAULT) -> str:
    """The serving stack that `options` name, or that is taken on a platform."""
    return options.engine or default_engine(platform)


def is_shared(engine: str) -> bool:
    """Whether accelerators take turns at prefill and decode under an engine; others have accelerators for each."""
    return bool(physics()["engines"].get(engine, {}).get("shared", False))


def deployment(
    model: str | Model, platform: str, isl: int, osl: int, gpus: int = 1, options: Options = DEFAULT
) -> Server:
    """A platform's instance of so many accelerators, laid out as its engine and `options` say.

    Raises ValueError as `server` does. Example: deployment("DeepSeek-R1-0528", "gb300", 1024, 1024, 8).
    """
    engine, precision = engine_of(platform, options), weight_precision(model, platform, options.precision)
    verified = 1 + draft_tokens(model, platform, options)
    instance = Instance(gpus, "best", precision, verified, engine=engine, shared=is_shared(engine))
    tiers = options.host_cache, options.storage_cache, options.storage_rate
    return server(model, platform, isl, osl, instance, *tiers)


def best(
    model: str | Model,
    platform: str,
    isl: int,
    osl: int,
    interactivity: ArrayLike,
    clock: ArrayLike = 1.0,
    options: Options = DEFAULT,
) -> Served:
    """The most that a platform serves at an `interactivity` [tokens/s/user], whatever the size of its instances.

    model, platform: by name, or a model that `derive_model` made. isl, osl: tokens in and out of a request. Sizes of
    decode instances are powers of two, the largest of equal ones. `interactivity` and `clock`, a share of the peak
    rates, broadcast to the shape of what comes back. options: how it is served. Raises ValueError as `server` does, and
    for an interactivity that is not positive. Example: best("DeepSeek-R1-0528", "gb300", 1024, 1024, 40.0).total.
    """
    model, chip = model_of(model), _chip(platform)
    if options.max_gpus is not None and options.max_gpus < 1:
        raise ValueError(f"serving: the largest instance should have at least 1 accelerator, not {options.max_gpus}")
    if not (np.asarray(interactivity) > 0).all():
        raise ValueError("serving: the interactivity should be more than 0 tokens/s")
    largest = min(options.max_gpus or MAX_INSTANCE, max(chip.get("domain", 1), chip.get("reach", 1)))
    sizes = [2**k for k in range(6, -1, -1) if 2**k <= largest and model.splits(2**k)]  # the largest first: it counts
    each = (deployment(model, platform, isl, osl, gpus, options) for gpus in sizes)
    served = [at_interactivity(s, interactivity, clock) for s in each]
    pick = np.argmax([x.total for x in served], axis=0)
    return Served(*(np.choose(pick, [getattr(x, name) for x in served]) for name in Served._fields))


def weight_precision(model: str | Model, platform: str, precision: str | None = None) -> Precision:
    """The `precision` given, or that in which a model is published, or else the lowest that a platform has."""
    four = model_of(model).mxfp4 or "fp4" in _chip(platform)
    return cast(Precision, precision or ("fp4" if four else "fp8"))


def _chip(platform: str) -> dict[str, Any]:
    """Numbers of a calibrated platform; none of another."""
    return physics()["chips"].get(platform, {}) if platform in calibrated_platforms() else {}


class Rates(NamedTuple):
    """What a platform serves at some clocks."""

    total: Array
    """Input and output tokens/s per accelerator, of the shape of the clock."""
    ttft: Array
    """Time to first token, s, of the shape of the clock; infinite where nothing is served."""
    reason: str
    """Why nothing is served at clock 1; empty if something is."""


def best_at_clocks(point: Point, clock: ArrayLike, options: Options = DEFAULT) -> Rates:
    """`best` at an operating point and any number of clocks, interpolated between `CLOCKS`.

    Rates are interpolated in their logarithm; a clock below `CLOCKS` serves nothing. Raises ValueError as `best` does.
    Example: best_at_clocks(Point("DeepSeek-R1-0528", "gb300", 1024, 1024, 60.0), [0.8, 0.9]).total.
    """
    clock = np.asarray(clock, float)
    served, reason = _tabulate(point, options)
    total, ttft = served.total, served.ttft
    rate = np.interp(clock, CLOCKS, np.log(np.where(total > 0, total, 1.0)))
    there = (clock >= CLOCKS[0]) & (np.interp(clock, CLOCKS, (total > 0).astype(float)) >= 1.0 - 1e-9)
    wait = np.interp(clock, CLOCKS, np.where(np.isfinite(ttft), ttft, 0.0))
    return Rates(np.where(there, np.exp(rate), 0.0), np.where(there, wait, np.inf), reason)


def waiting_at_clocks(point: Point, clock: ArrayLike, options: Options = DEFAULT) -> Array:
    """Share of decode in which accelerators wait at an operating point and any number of clocks, same shape.

    Example: waiting_at_clocks(Point("DeepSeek-R1-0528", "gb300", 1024, 1024, 60.0), [0.8, 0.9]).
    """
    return np.interp(np.asarray(clock, float), COARSE, nearby(point, options).waiting)


class Nearby(NamedTuple):
    """What physics serves at an operating point, read off between points a twentieth of the interactivity apart."""

    total: float
    """Input and output tokens/s per accelerator at the nominal clock, 0 where nothing is served."""
    shares: Array
    """Tokens/s at the clocks `COARSE` over those at the nominal one; beyond what is served, of the last that is."""
    waiting: Array
    """Share of decode in which accelerators wait at these clocks."""
    steepness: float
    """Fall of ln total over the rise of ln interactivity, that before where the next point serves nothing."""


class _Node(NamedTuple):
    total: float
    shares: Array
    waiting: Array


@lru_cache(maxsize=65536)
def nearby(point: Point, options: Options = DEFAULT) -> Nearby:
    """`best` at an operating point, cheap for many of them. Raises ValueError as `best` does.

    Example: nearby(Point("DeepSeek-R1-0528", "gb300", 1024, 1024, 60.0)).total.
    """
    place = np.log(point.interactivity) / np.log(STEP)
    low = int(np.floor(place))
    part, (a, b) = place - low, (_at_node(point[:4], low + k, options) for k in (0, 1))
    total = float(np.exp((1.0 - part) * np.log(a.total) + part * np.log(b.total))) if b.total > 0 else 0.0
    if b.total > 0:
        shares, fall = (1.0 - part) * a.shares + part * b.shares, a.total / b.total
    else:
        nodes = (_at_node(point[:4], k, options) for k in range(low, low - FAR, -1))
        last = next((n for n in nodes if n.total > 0), None)
        shares = COARSE if last is None else last.shares
        fall = _at_node(point[:4], low - 1, options).total / a.total if a.total > 0 else np.inf
    waiting = (1.0 - part) * a.waiting + part * b.waiting
    return Nearby(total, shares / shares[_nominal(COARSE)], waiting, float(np.log(fall) / np.log(STEP)))


@lru_cache(maxsize=65536)
def _at_node(what: tuple[str | Model, str, int, int], node: int, options: Options) -> _Node:
    """What is served at a point of `nearby`; at clocks at which nothing is tokens follow the clock from the lowest."""
    served = best(*what, STEP**node, COARSE, options)
    total, nominal = served.total, float(served.total[_nominal(COARSE)])
    if not nominal > 0:
        return _Node(0.0, COARSE, served.waiting)
    lowest = int(np.flatnonzero(total > 0)[0])
    shares = np.where(total > 0, total, total[lowest] * COARSE / COARSE[lowest]) / nominal
    return _Node(nominal, shares, served.waiting)


def _nominal(clocks: Array) -> int:
    """Where the nominal clock stands."""
    return int(np.argmin(np.abs(clocks - 1.0)))


def throughput_error(point: Point, options: Options = DEFAULT) -> float:
    """Factor less one within which physics is expected to tell nine of ten throughputs at a stated interactivity.

    (1 + e_T) (1 + e_I)^k - 1, with the errors of throughput and of speed at known users of runs that were left out of
    the fits, by platform and engine, and k the steepness of the front there: what speed is missed by moves along it.
    Infinite where nothing is served, NaN for a platform without runs. Example:
    throughput_error(Point("DeepSeek-R1-0528", "gb300", 1024, 1024, 60.0)).
    """
    known = physics()["errors"].get(point.platform, {})
    speed, rate = known.get(engine_of(point.platform, options), known.get("all", (np.nan, np.nan)))
    return float((1.0 + rate) * (1.0 + speed) ** max(nearby(point, options).steepness, 0.0) - 1.0)


def clock_share(point: Point, clock: ArrayLike, options: Options = DEFAULT) -> Array:
    """Tokens/s at a `clock` over those at the nominal one, same shape, by physics.

    Where physics serves nothing at a clock tokens follow the clock; beyond the speed at which it serves anything, they
    do what they do at the last that it serves. Example:
    clock_share(Point("DeepSeek-R1-0528", "gb300", 1024, 1024, 60.0), 0.9).
    """
    clock = np.asarray(clock, float)
    slow = np.minimum(clock / COARSE[0], 1.0)
    return np.interp(clock, COARSE, nearby(point, options).shares) * slow


@lru_cache(maxsize=4096)
def _tabulate(point: Point, options: Options) -> tuple[Served, str]:
    served = best(*point, clock=CLOCKS, options=options)
    return served, str(served.reason[_nominal(CLOCKS)])


class Draw(NamedTuple):
    """Mean power of an accelerator by what it does, W."""

    rated: float
    """That it is rated for."""
    idle: float
    """Without work."""
    wait: float
    """While a decode step waits: for its fixed latency, its drafts and its links."""
    work: float
    """While a decode step reads memory and computes."""
    read: float
    """In prefill."""

    def mean(self, reading: ArrayLike, waiting: ArrayLike) -> Array:
        """Mean power [W] with a share `reading` of the time in prefill, and of the rest a share `waiting` [1]."""
        read, wait = np.asarray(reading, float), np.asarray(waiting, float)
        return read * self.read + (1.0 - read) * (wait * self.wait + (1.0 - wait) * self.work)


def power_draw(platform: str) -> Draw:
    """What an accelerator of a platform draws at what it does; ValueError for a platform that is not calibrated.

    Example: power_draw("b200").wait.
    """
    known = {n: row for n, row in physics()["power"].items() if n not in ("source", "notes")}
    if platform not in known:
        raise ValueError(f"serving: no power of {platform!r}{hint(platform, known)}; there are {', '.join(known)}")
    return Draw(**known[platform])


def chip_power(s: Server, requests: ArrayLike) -> Array:
    """Mean power of an accelerator [W] that decodes with so many `requests` in its instance, of their shape.

    s: the model on its platform, at the nominal clock; what slower ones save a solved rack finds. P = w P_wait
    + (1 - w) P_work, w the share of a step in which it waits: drafts, parallelism, precision and links enter its power
    as they enter its speed. Of accelerators that prefill in turn, P_read for that part of the time. Fitted to mean
    powers of InferenceX runs, see tests/cases/serving. Example: chip_power(server, 64.0).
    """
    reading = 1.0 - user_speed(s, requests) / interactivity(s, requests)
    return power_draw(s.chip.name).mean(reading, decode_step(s, requests).waiting)


def prefill_share(point: Point, rate: ArrayLike, clock: ArrayLike = 1.0, options: Options = DEFAULT) -> Array:
    """Share of the accelerators that prefill where each serves `rate` [tokens/s], inputs included, on average.

    `rate` and `clock` broadcast. Raises ValueError as `server` does.
    """
    s = deployment(*point[:4], options=options)
    share = np.asarray(rate) * point.isl / (point.isl + point.osl) / prefill_rate(s, np.maximum(clock, CLOCKS[0]))
    return np.minimum(share, 1.0)


def max_prefill_load(
    point: Point,
    accelerators: float,
    max_ttft: float,
    share: float = 0.99,
    clock: float = 1.0,
    options: Options = DEFAULT,
) -> float | None:
    """Highest load, of the most that is served, at which a `share` of first tokens comes within `max_ttft` [s], 0 to 1.

    Prefill is a queue of as many servers as it has instances among the `accelerators` (see `stations.open_network`),
    after the least delay of the engine: in use at that load, or where accelerators take turns, for as much of their
    time as prompts take of it. None where physics serves nothing at the point. Raises ValueError as `best` does, and
    for a share or accelerators that cannot be.
    """
    if not (0.0 < share < 1.0 and accelerators > 0):
        raise ValueError(f"serving: give a share between 0 and 1, and accelerators, not {share:g} and {accelerators:g}")
    served = best(*point, clock, options)
    if not served.total > 0:
        return None
    s = deployment(*point[:4], int(served.gpus), options)
    latency, reading, busy = (float(x) for x in prompt(s, served.requests, clock))
    used = busy if s.instance.shared else 1.0
    readers = 1.0 if s.instance.shared else float(prefill_share(point, served.total, clock, options))
    count = max(int(accelerators * readers / served.gpus), 1)
    stations = [delay("engine", latency, scv=0.0), queue("prefill", reading, count, scv=0.5)]

    def late(load: float) -> bool:
        return open_network(stations, load * used * count / reading).percentile(share) > max_ttft

    low, high = 0.0, 1.0
    if late(1e-6):
        return 0.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if late(middle) else (middle, high)
    return low
