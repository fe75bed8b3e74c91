"""What equipment is coloured by: a variable of the results on a scale that fits it, and what is lost, over or binds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin import columns
from twin.columns import Array
from twin.domains.electrical import shares
from twin.facility.files import LayoutError, hint
from twin.results.limits import TOLERANCE, margins
from twin.serving.tokens import chips_at_work, rates, terms_by_scenario
from twin.show.shown import shown
from twin.solver.steady import Solution

if TYPE_CHECKING:
    from twin.api import Result
    from twin.results.limits import Binding

DEFAULT = "rack_inlet_temperature"
"""What pictures are coloured by if nothing is named."""

INLETS = "_inlet_temperature"
"""Ending of what racks of other types are coloured by."""

MARGIN, TOKENS = "margin", "tokens_per_s"
"""Variables that are worked out for pictures: the least margin of each component, and what each rack serves."""

MAPS = {
    "heat": ("#2c4a9e", "#4f86c0", "#8fc0d8", "#d3e6e4", "#fbf3c4", "#fdcf84", "#f58f53", "#dc4a35", "#a3142c"),
    "even": ("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"),
}
"""Colours from low to high: of temperatures and loadings from blue over pale yellow to red, which stay apart for those
who do not see red from green, and of all else even in lightness [viridis, van der Walt & Smith 2015]."""

COLD_TO_HOT = ("K", "degC", "°C", "%")
"""Units of what is drawn from blue to red."""

LEAST_RANGE = {"°C": 2.0, "K": 2.0, "%": 2.0}
"""Least range of a scale by its unit; of others a share of their size."""

UNKNOWN, LOST = "#c9cdd2", "#3a3f45"
"""Colours of what has no such number, and of what has no power."""

SHARES = ("loading", "clock", "effectiveness", "fan_speed", "speed")
"""Endings of variables that are shown in percent."""


class Scale(NamedTuple):
    """Colours of numbers from `low` to `high` in round steps; title: what they are, with the unit."""

    low: float
    high: float
    steps: int
    title: str
    colours: tuple[str, ...]

    @property
    def ticks(self) -> list[str]:
        """Numbers at the ends and between, with as many decimals as they need."""
        step = (self.high - self.low) / self.steps
        decimals = next((n for n in range(9) if abs(round(step, n) - step) < 1e-9 * abs(step)), 9)
        return [f"{self.low + k * step:,.{decimals}f}" for k in range(self.steps + 1)]

    def rgb(self, values: Array) -> Array:
        """Red, green and blue, bytes, (..., 3), of numbers (...); of what is no number UNKNOWN."""
        share = np.clip((np.asarray(values, float) - self.low) / (self.high - self.low), 0.0, 1.0)
        known = np.isfinite(share)
        stops = np.array([rgb(c) for c in self.colours], float)
        at = np.where(known, share, 0.0) * (len(stops) - 1)
        mixed = np.stack([np.interp(at, np.arange(len(stops)), stops[:, k]) for k in range(3)], axis=-1)
        return np.where(known[..., None], np.round(mixed), rgb(UNKNOWN)).astype(np.uint8)

    @property
    def table(self) -> Array:
        """The colours of 256 equal steps of the scale, (256, 3) bytes."""
        return self.rgb(self.low + (self.high - self.low) * np.arange(256) / 255)


class Variable(NamedTuple):
    """Numbers of components by scenario, in the unit of the screen.

    name: as it was asked for. title: what it is, with the unit. unit: of the screen. values: (component, scenario) of
    `elements`.
    """

    name: str
    title: str
    unit: str
    elements: tuple[str, ...]
    values: Array

    def of(self, names: tuple[str, ...]) -> Array:
        """Numbers of some components (name, scenario), NaN where there are none."""
        row = {n: i for i, n in enumerate(self.elements)}
        empty = np.full(self.values.shape[1], np.nan)
        return np.array([self.values[row[n]] if n in row else empty for n in names]).reshape(len(names), -1)


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of a colour such as "#c8102e"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


# ---- variables ---------------------------------------------------------------------------------------------------


def names(result: Result) -> list[str]:
    """What equipment may be coloured by: variables of the Dataset, their endings that several types share, and more."""
    shared = {_ending(name, dimension) for name, dimension in result.by_element.items()}
    return sorted({*result.by_element, *shared, MARGIN, TOKENS})


def _ending(name: str, dimension: str) -> str:
    return name.removeprefix(f"{dimension}_")


def default(result: Result) -> str:
    """What a layout is coloured by if nothing is named: rack inlets, where there are none any inlets, else margins."""
    inlets = any(n.endswith(INLETS) for n in result.by_element)
    return DEFAULT if DEFAULT in result.by_element else INLETS.lstrip("_") if inlets else MARGIN


def variable(result: Result, name: str, unit: str = "") -> Variable:
    """A variable by its name in the Dataset ("rack_power"), or all of that ending ("power", "loading"), or "margin".

    "margin" is the least margin of each component to any of its limits [%], "tokens_per_s" what each rack serves.
    unit: of the screen, where it is not to be chosen by the size of the numbers. Raises LayoutError for another name,
    with the nearest that there is.
    """
    if name == MARGIN:
        return _collected(result, MARGIN, "least margin to a limit [%]", "%", _least_margins)
    if name == TOKENS:
        return _collected(result, TOKENS, "tokens/s", "1/s", _served)
    found = sorted(n for n, d in result.by_element.items() if name in (n, _ending(n, d)))
    if not found:
        known = names(result)
        there = hint(name, known) or f"; there are {', '.join(known)}"
        raise LayoutError(result.facility.name, [f"color: nothing is called {name!r}{there}"])
    data, elements, values = result.variables(found).variables, [], []  # which, unlike items, carry no coordinates
    for each in found:
        elements += data[data[each].dims[0]].values.tolist()
        values.append(data[each].values.astype(float))
    joined, attributes = np.concatenate(values), data[found[0]].attrs
    if attributes.get("units") == "1" and name.endswith(SHARES):
        return Variable(name, f"{name.replace('_', ' ')} [%]", "%", tuple(elements), 100 * joined)
    told = shown(found[0], joined, attributes, unit=unit)
    words = name.replace("_", " ")
    return Variable(name, f"{words} [{told.unit}]" if told.unit else words, told.unit, tuple(elements), told.values)


def _owner(result: Result, element: str) -> str:
    """The component that an element is or belongs to: buses, ports and cords are called after theirs."""
    name = element
    while name and name not in result.facility.components:
        name = name.rpartition(".")[0]
    return name or element


def _collected(
    result: Result, name: str, title: str, unit: str, of: Callable[[Result, Solution], dict[str, Array]]
) -> Variable:
    """Numbers that are worked out of solutions, by component (scenario of the part,), of all scenarios."""
    found = dict[str, Array]()
    for part in result.parts:
        for component, values in of(result, part.air.solution).items():
            found.setdefault(component, np.full(result.size, np.nan))[part.scenarios] = values
    return Variable(name, title, unit, tuple(found), np.array([*found.values()]).reshape(len(found), -1))


def _least_margins(result: Result, solution: Solution) -> dict[str, Array]:
    """The least margin of each component to any of its limits [%]."""
    least, m = dict[str, Array](), margins(solution)
    for element, relative in zip(m.element.tolist(), m.relative, strict=True):
        for owner in _owners(result, solution, element):
            least[owner] = np.minimum(least.get(owner, np.inf), relative)
    return {name: np.where(np.isfinite(values), 100 * values, np.nan) for name, values in least.items()}


def _owners(result: Result, solution: Solution, element: str) -> set[str]:
    """The components that an element and all that it stands for are or belong to."""
    return {_owner(result, name) for name in solution.plant.classes.elements(element)}


def _served(result: Result, solution: Solution) -> dict[str, Array]:
    """Tokens that each rack serves [1/s]."""
    plant, size = solution.plant, solution.plant.scenarios
    chips, clock, busy = chips_at_work(solution)
    served = np.full(chips.shape, np.nan)
    for platform, rows in plant.platforms():
        for terms, own in terms_by_scenario(plant):
            at = np.ix_(rows, own) if len(own) < size else np.ix_(rows, np.arange(size))
            served[at] = chips[at] * busy[at] * rates(terms, platform, clock[at])[0] * terms.availability
    each = zip(plant.engine.names, served / plant.counts[columns.engine][:, None], strict=True)
    return {name: values for first, values in each for name in plant.classes.members(first)}


# ---- scales ------------------------------------------------------------------------------------------------------


def scale(told: Variable, values: Array | None = None) -> Scale:
    """A scale that fits the numbers, from one round number to another; of `values` if others are drawn."""
    known = told.values if values is None else values
    colours = MAPS["heat" if told.unit in COLD_TO_HOT else "even"][:: -1 if told.name == MARGIN else 1]
    return Scale(*fit(known[np.isfinite(known)], told.unit), told.title, colours)


def fit(values: Array, unit: str = "") -> tuple[float, float, int]:
    """Round ends of a scale around numbers, and its round steps, at most six; 0 and 1 without any."""
    if not values.size:
        return 0.0, 1.0, 4
    low, high = float(values.min()), float(values.max())
    least = LEAST_RANGE.get(unit, 0.02 * max(abs(low), abs(high), 1e-12))
    if high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    step = 10.0 ** np.floor(np.log10((high - low) / 4))
    step *= next(k for k in (1, 2, 2.5, 5, 10) if (high - low) / (k * step) <= 5)
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    return first * float(step), last * float(step), last - first


# ---- what is wrong -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Marks:
    """Components that pictures mark.

    lost: out of service or without power. over: past a limit. binds: the component at which a limit binds, "" where
    nothing is limited. limit: that limit. word: "binding" where it is what binds when racks grow denser, else
    "tightest" as things are.
    """

    lost: frozenset[str]
    over: frozenset[str]
    binds: str
    limit: Binding | None
    word: str

    @property
    def phrase(self) -> str:
        """What binds in words."""
        return f"{self.limit.name.replace('_', ' ')} at {self.limit.element}" if self.limit else ""


def marks(result: Result, scenario: int = 0, lost: frozenset[str] | None = None) -> Marks:
    """What is lost, over a limit and binds in one scenario; `lost` if it is known already."""
    lost = lost_in(result, [scenario])[0] if lost is None else lost
    if result.status[scenario]:
        return Marks(lost, frozenset(), "", None, "tightest")
    solution, i = result.part(scenario)
    over, m = set[str](), margins(solution, at=np.array([i]))
    for row in np.flatnonzero(m.relative[:, 0] < -TOLERANCE):
        over.update(_owners(result, solution, str(m.element[row])))
    limit = result.binding(scenario)
    word = "binding" if result.held is not None or "bound" in vars(result) else "tightest"
    return Marks(lost, frozenset(over), _owner(result, limit.element) if limit else "", limit, word)


def lost_in(result: Result, scenarios: Sequence[int]) -> list[frozenset[str]]:
    """Names of what is out of service or has no power in each of some scenarios, racks that draw none among them."""
    given = result.scenarios.columns.get("in_service", {}) if result.scenarios is not None else {}
    on = {name: np.broadcast_to(values, result.size) > 0.5 for name, values in given.items()}
    stated = result.facility.out_of_service - on.keys()
    dark: dict[int, set[str]] = {}
    for part in result.parts:
        solution = part.air.solution
        unfed, dead = _unfed(solution), _dead(solution)
        names, power = solution.plant.engine.names, solution[columns.engine.power]
        for i, number in enumerate(part.scenarios.tolist()):
            if number in scenarios:
                still = () if solution.status[i] else (names[k] for k in np.flatnonzero(power[:, i] == 0.0).tolist())
                firsts = {*still, *unfed(i)}
                dark[number] = {n for first in firsts for n in solution.plant.classes.members(first)} | dead(i)
    return [frozenset(stated | {n for n, live in on.items() if not live[s]} | dark[s]) for s in scenarios]


def _unfed(solution: Solution) -> Callable[[int], Iterable[str]]:
    """Consumers without a live feed, the first of all that are alike, by the scenario's number."""
    fed = [(load.names, shares(solution.plant, load)[1]) for load in solution.plant.load]

    def found(i: int) -> Iterable[str]:
        return (names[k] for names, on in fed for k in np.flatnonzero(~on[:, min(i, on.shape[1] - 1)]).tolist())

    return found


def _dead(solution: Solution) -> Callable[[int], set[str]]:
    """Conductors that no source reaches, by the scenario's number."""
    plant = solution.plant

    def found(i: int) -> set[str]:
        live = plant.live[:, min(i, plant.live.shape[1] - 1)]
        if live.all():
            return set()
        bus, root, dark = dict(zip(plant.bus_keys, live.tolist(), strict=True)), plant.classes.wiring.root, set[str]()
        for name, part in plant.facility.components.items():
            ports = [(name, p) for p, port in part.ports.items() if port.carrier == "power" and not port.cords]
            reached = [bus[key] for key in (plant.classes.place(root.get(p, p)) for p in ports) if key in bus]
            dark |= {name} if reached and not any(reached) else set()
        return dark

    return found
