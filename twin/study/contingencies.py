"""What fails: the loss of every element, what really switches then, and what is left of racks, limits and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from twin import columns
from twin.air.turns import Mixed
from twin.columns import Array, Index, limits
from twin.elements import Status
from twin.facility.build import load
from twin.facility.files import LayoutError, hint
from twin.facility.graph import Facility
from twin.facility.scenarios import read, uniform
from twin.kernels.later import later
from twin.money import yearly as money
from twin.plant.orbits import orbits
from twin.plant.symmetry import FEW
from twin.results.dataset import reason
from twin.results.figures import figures
from twin.results.limits import TOLERANCE, Margins, margins
from twin.serving.tokens import check_served, lengths
from twin.solver.pace import Pace
from twin.solver.steady import Progress, Solution
from twin.study.bound import bounds
from twin.study.parts import solve
from twin.study.stream import MEMORY
from twin.study.transfers import Switching, Transfer, elements, units

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = later("pandas")

Mode = Literal["fault", "planned"]
"""How equipment is lost: at once, so that only what is automatic switches, or isolated and switched by hand first."""

THEN = ", then "
"""Between what was isolated and what failed during its maintenance, in the name of a loss."""

LARGEST = 200_000
"""Losses that are solved at most."""

DARK, SLOWED = 1e-6, 1e-3
"""Share of its power below which a rack is dark, and of its clock that it has lost from which it is throttled."""


class Loss(NamedTuple):
    """What is lost together: names as they are told, and the changes by address. lost: components that are out whole.
    before: those of them that were isolated by hand before the rest failed.
    """

    name: str
    changes: Mapping[str, float]
    lost: tuple[str, ...]
    before: tuple[str, ...] = ()


class Passed(NamedTuple):
    """A limit that is passed: its name, the element, value and bound in SI units, and of which dimension these are."""

    limit: str
    element: str
    value: float
    bound: float
    dimension: str


class Contingency(NamedTuple):
    """What becomes of a facility after a loss.

    verdict: "survived"; "emergency" where a limit for continuous load is passed and none for hours after a loss;
    "limited" where a limit is passed; "throttled" and "dark" where racks are slower, or without power or tripped;
    "failed" without solution, for a `reason`. closed: standby equipment that came into service. interrupted, bridged:
    consumers that were without power until then, and those among them behind a battery. unserved: power of racks that
    is not drawn [W]. racks_dark, racks_throttled: how many. junction, coolant_supply, air_inlet: the highest [K], NaN
    for none. loading: the highest, over the rating [1], at loaded; voltage: the lowest [1], at sagging. passed: limits,
    the worst first, of a fault those for hours before those for continuous load. tokens_lost [1/s], usd_lost [$/h].
    alike: how many losses are the same under other names.
    """

    name: str
    mode: Mode
    verdict: str
    closed: tuple[str, ...]
    interrupted: int
    bridged: int
    unserved: float
    racks_dark: int
    racks_throttled: int
    junction: float
    coolant_supply: float
    air_inlet: float
    loading: float
    loaded: str
    voltage: float
    sagging: str
    passed: tuple[Passed, ...]
    tokens_lost: float
    usd_lost: float
    reason: str = ""
    alike: int = 1


VERDICTS = ("failed", "dark", "throttled", "limited", "emergency", "survived")
"""Verdicts, the worst first."""


@dataclass(frozen=True, repr=False)
class Contingencies:
    """Every loss that was asked for; rows in the order of the layout. solved: how many were solved."""

    facility: Facility
    rows: tuple[Contingency, ...]
    solved: int

    def __iter__(self) -> Iterator[Contingency]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> Contingency:
        """The loss of a name, a fault if both were asked for. Raises LayoutError for another."""
        found = next((r for r in self.rows if r.name == name), None)
        if found is None:
            told = hint(name, [r.name for r in self.rows])
            raise LayoutError(self.facility.name, [f"contingencies: no loss of {name!r}{told}"])
        return found

    @cached_property
    def counts(self) -> dict[str, int]:
        """Losses by verdict, the worst first."""
        found = [r.verdict for r in self.rows]
        return {v: found.count(v) for v in VERDICTS if v in found}

    @property
    def worst(self) -> tuple[Contingency, ...]:
        """Losses, the worst first: by verdict, then by what is not served, then by how far a limit is passed."""
        return tuple(sorted(self.rows, key=lambda r: (VERDICTS.index(r.verdict), -r.unserved, -r.tokens_lost)))

    @property
    def concurrently_maintainable(self) -> bool | None:
        """Whether each element can be taken out by hand with no rack darker or slower and no limit passed; None where
        no planned loss was asked for.
        """
        return self._all("planned", ("survived",))

    @property
    def fault_tolerant(self) -> bool | None:
        """Whether each fault leaves every rack as it was, within limits for hours after a loss; None where no fault was
        asked for. Faults during maintenance are not among them.
        """
        return self._all("fault", ("survived", "emergency"))

    def _all(self, mode: Mode, borne: tuple[str, ...]) -> bool | None:
        rows = [r for r in self.rows if r.mode == mode and THEN not in r.name]
        return all(r.verdict in borne for r in rows) if rows else None

    def table(self) -> pd.DataFrame:
        """A row for each loss, SI."""
        rows = [{**r._asdict(), "passed": "; ".join(f"{p.limit} at {p.element}" for p in r.passed)} for r in self.rows]
        return pd.DataFrame(rows).assign(closed=[", ".join(r.closed) for r in self.rows]).set_index(["name", "mode"])

    def __repr__(self) -> str:
        counted = ", ".join(f"{n:,} {verdict}" for verdict, n in self.counts.items())
        return f"<Contingencies of {self.facility.name}: {len(self):,} losses, {counted}>"


def contingencies(
    layout: Any,
    order: int = 1,
    groups: Sequence[Sequence[str]] = (),
    pairs: Sequence[tuple[str, str]] | None = None,
    *,
    modes: Sequence[Mode] = ("fault", "planned"),
    names: Iterable[str] | None = None,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    symmetry: bool = True,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Contingencies:
    """The loss of every electrical, hydraulic and cooling element, with what switches then.

    layout, case, overrides: as `twin.load` takes them. order: 1 for every element by itself, 2 for a fault of any
    during the maintenance of any other as well. groups: elements with a common cause, which are lost together. pairs:
    (isolated, failed) elements, instead of all pairs of order 2. modes: as a "fault" or "planned", see `Mode`; a pair
    is a fault. names: of elements, all if not given; of equipment that stands for several units, one unit is lost,
    unless it is in a group. symmetry: whether losses that are the same under other names are solved once. device,
    progress: see `twin.solve`.

    What switches: racks with several cords share what is left; equipment with `standby: automatic` comes into service
    where that brings power back, with `manual` before what is planned; pumps, chillers and towers that stand by are
    staged in. Batteries bridge and serve nothing in the steady state after. Raises LayoutError for bad input and for a
    layout that has no solution as it stands.

    >>> twin.contingencies("gb300_hall")["tx_a1"].verdict
    """
    facility = layout if isinstance(layout, Facility) else load(layout, case, overrides)
    check_served(facility)
    alike, losses = _losses(facility, order, groups, pairs, names, symmetry)
    _check_modes(modes)
    if len(losses) * len(modes) > LARGEST:
        told = f"{len(losses):,} losses are more than the {LARGEST:,} that are solved; give pairs, groups or names"
        raise LayoutError("contingencies", [told])
    fault: Sequence[Mode] = ("fault",)
    asked: list[tuple[Loss, Mode]] = [(loss, mode) for loss in losses for mode in (fault if loss.before else modes)]
    effects, solved = after(facility, asked, device, progress)
    rows = list[Contingency]()
    for (loss, mode), (transfer, effect) in zip(asked, effects, strict=True):
        rows += _rows(loss, mode, transfer, effect, alike.get(loss.name))
    order_of = {n: i for i, n in enumerate(facility.components)}
    rows.sort(key=lambda r: (order_of.get(r.name.split(",")[0].split(" ")[0], len(order_of)), r.name))
    return Contingencies(facility, tuple(rows), solved)


def after(
    facility: Facility, asked: Sequence[tuple[Loss, Mode]], device: str = "cpu", progress: Progress | None = None
) -> tuple[list[tuple[Transfer, Effect]], int]:
    """What switches after each loss and what becomes of the facility then; and how many different ones were solved.

    Raises LayoutError for a facility that has no solution as it stands.
    """
    switching = Switching(facility)
    transfers = [_switched(switching, loss, mode) for loss, mode in asked]
    changes = [transfer.changes | dict(loss.changes) for transfer, (loss, _) in zip(transfers, asked, strict=True)]
    different = list({tuple(sorted(c.items())): c for c in ({}, *changes)}.values())
    number = {tuple(sorted(c.items())): i for i, c in enumerate(different)}
    effects = _effects(facility, different, device, progress)
    found = [effects[number[tuple(sorted(c.items()))]] for c in changes]
    return list(zip(transfers, found, strict=True)), len(different) - 1


# ---- what is lost ------------------------------------------------------------------------------------------------

Alike = Mapping[str, Sequence[tuple[str, Callable[[str], str]]]]
"""Losses that are the same as one, by its name: their names, and what its names are called there."""


def _single(facility: Facility, name: str, whole: bool = False) -> tuple[str, dict[str, float], tuple[str, ...]]:
    """The loss of an element: how it is told, its changes, and the component where it is out whole."""
    count, field = units(facility, name), facility.components[name].units_field
    if count > 1 and not whole:
        return f"{name} (1 of {count})", {f"{name}.{field}": count - 1.0}, ()
    return name, {f"{name}.in_service": 0.0}, (name,)


def _losses(
    facility: Facility,
    order: int,
    groups: Sequence[Sequence[str]],
    pairs: Sequence[tuple[str, str]] | None,
    names: Iterable[str] | None,
    symmetry: bool,
) -> tuple[Alike, list[Loss]]:
    """Losses to be solved, and those that are the same as one of them."""
    every, faults = elements(facility), list[str]()
    chosen = every if names is None else list(names)
    asked = [*chosen, *(n for g in groups for n in g), *(n for p in pairs or () for n in p)]
    for n in dict.fromkeys(asked):
        if n not in facility.components:
            faults.append(f"no component {n!r}{hint(n, facility.components)}")
        elif n not in every:
            faults.append(f"{n}: cannot be lost: it is out of service, a rack, or has no `in_service`")
    if order not in (1, 2):
        faults.append(f"order {order}: is 1 or 2")
    faults += ["a group has at least two elements" for g in groups if len(set(g)) < 2]
    if faults:
        raise LayoutError("contingencies", faults)
    alike, losses = dict[str, list[tuple[str, Callable[[str], str]]]](), list[Loss]()
    for orbit in orbits(facility, chosen) if symmetry else ([(n, str)] for n in chosen):
        first, *others = ((member[0], member[1]) for member in orbit)
        told, changes, lost = _single(facility, first[0])
        losses.append(Loss(told, changes, lost))
        alike[told] = [(_single(facility, n)[0], called) for n, called in others]
    couples = pairs if pairs is not None else (permutations(chosen, 2) if order == 2 else ())
    for isolated, failed in couples:
        one, two = _single(facility, isolated), _single(facility, failed)
        if isolated == failed:
            raise LayoutError("contingencies", [f"pair of {isolated} with itself"])
        losses.append(Loss(f"{one[0]}{THEN}{two[0]}", one[1] | two[1], (*one[2], *two[2]), one[2]))
        if len(losses) > LARGEST:
            break
    for group in groups:
        parts = [_single(facility, n, whole=True) for n in dict.fromkeys(group)]
        changes = {a: v for _, c, _ in parts for a, v in c.items()}
        losses.append(Loss(", ".join(group), changes, tuple(n for *_, lost in parts for n in lost)))
    return alike, losses


def _check_modes(modes: Sequence[str]) -> None:
    wrong = [m for m in modes if m not in ("fault", "planned")]
    if wrong or not modes:
        raise LayoutError("contingencies", [f"modes: {wrong[0] if wrong else 'none'!r} is neither fault nor planned"])


def _switched(switching: Switching, loss: Loss, mode: Mode) -> Transfer:
    """What switches after a loss; what was isolated first was switched by hand."""
    if not loss.before:
        return switching.after(loss.lost, mode == "planned")
    return switching.after(loss.lost, mode == "planned", switching.after(loss.before, True))


# ---- what becomes of it ------------------------------------------------------------------------------------------


class Effect(NamedTuple):
    """What a solution says after changes, beside what the facility is without them."""

    status: int
    reason: str
    numbers: Mapping[str, float]
    places: Mapping[str, str]
    passed: tuple[Passed, ...]
    emergency: tuple[Passed, ...]


def _effects(
    facility: Facility, changes: Sequence[Mapping[str, float]], device: str, progress: Progress | None
) -> list[Effect]:
    """What becomes of the facility after each set of changes; the first are none."""
    addresses = list(dict.fromkeys(a for c in changes for a in c))
    stated = {a: _stated(facility, a) for a in addresses}
    given = {a: np.array([c.get(a, stated[a]) for c in changes]) for a in addresses}
    scenarios = read(facility, given or uniform(facility, len(changes)))
    pace, found = Pace(len(changes), progress), dict[int, Effect]()
    one_by_one = len(facility.components) < FEW  # a plant for each set of classes would cost more than it saves
    parts = [*solve(facility, scenarios, Mixed(), device, progress, pace.advance, not one_by_one, MEMORY)]
    first, at = next((p.air.solution, int(np.argmin(p.scenarios))) for p in parts if 0 in p.scenarios)
    if first.status[at] != Status.OK:
        told = f"contingencies: no solution as it stands: {reason(first, at)}"
        raise LayoutError(facility.source, [told])
    base = _Base(first, at)
    for part in parts:
        solution = part.air.solution
        own = base.of(solution)
        continuous, after = margins(solution), margins(solution, emergency=True)
        for i, number in enumerate(part.scenarios.tolist()):
            found[number] = own.effect(solution, i, continuous, after)
    return [found[i] for i in range(len(changes))]


def _stated(facility: Facility, address: str) -> float:
    name, _, field = address.rpartition(".")
    return float(getattr(facility.components[name], field))


class _Base:
    """Racks and tokens without any loss, by name of the rack."""

    def __init__(self, solution: Solution, at: int) -> None:
        e, members = solution.plant.engine.names, solution.plant.classes.members
        self.power, self.clock = dict[str, float](), dict[str, float]()
        power, clock = solution[columns.engine.power][:, at], solution[columns.engine.clock][:, at]
        for name, p, c in zip(e, power.tolist(), clock.tolist(), strict=True):
            for member in members(name):
                self.power[member], self.clock[member] = p, c
        f = figures(solution)
        self.tokens = float(f.tokens_per_s[at])
        price = money.priced(solution.plant).income(*lengths(solution.plant))
        per_token = float(f.usd_per_million_tokens[at]) / 1e6 if price is None else float(np.ravel(price)[0])
        self.price = per_token if np.isfinite(per_token) else 0.0

    def of(self, solution: Solution) -> _Against:
        """It beside the rows of a solution."""
        names = solution.plant.engine.names
        rows = np.array([[self.power[n], self.clock[n]] for n in names]).reshape(len(names), 2).T
        return _Against(self, rows[0], rows[1], figures(solution).tokens_per_s)


class _Against(NamedTuple):
    """The facility without a loss: its racks in the rows of a solution (rack,), whose tokens [1/s] are (scenario,)."""

    base: _Base
    power: Array
    clock: Array
    tokens: Array

    def effect(self, solution: Solution, i: int, continuous: Margins, after: Margins) -> Effect:
        """What becomes of a scenario."""
        e, k = solution.plant.engine, columns.engine
        count = solution.plant.counts[k]
        status, why = int(solution.status[i]), reason(solution, i)
        if status == Status.OVERHEATED:  # nothing takes the heat away: every rack trips
            numbers = {"unserved": float((self.power * count).sum()), "racks_dark": float(count[self.power > 0].sum())}
            numbers |= {"racks_throttled": 0.0, "tokens_lost": self.base.tokens}
            numbers["usd_lost"] = numbers["tokens_lost"] * self.base.price * 3600.0
            return Effect(status, why, numbers, {}, (), ())
        if status != Status.OK:
            return Effect(status, why, {}, {}, (), ())
        power, clock = solution[k.power][:, i], solution[k.clock][:, i]
        works = self.power > 0
        dark = works & (power <= DARK * self.power)
        slow = works & ~dark & (clock < (1.0 - SLOWED) * self.clock)
        warm = ~dark & works
        liquid = warm & (e.stream < len(solution.plant.pipe.start))
        lost = np.maximum(self.power - power, 0.0) * (dark | slow)
        tokens = max(self.base.tokens - float(self.tokens[i]), 0.0)
        numbers = {
            "unserved": float((lost * count).sum()),
            "racks_dark": float((dark * count).sum()),
            "racks_throttled": float((slow * count).sum()),
            "junction": _highest(solution[k.junction][:, i][warm]),
            "coolant_supply": _highest(solution[columns.stream.inlet][e.stream[liquid], i]),
            "air_inlet": _highest(solution[k.air_inlet][:, i][warm]),
            "tokens_lost": tokens if tokens > 1e-9 * self.base.tokens else 0.0,
        }
        numbers["usd_lost"] = numbers["tokens_lost"] * self.base.price * 3600.0
        places = dict[str, str]()
        for name, kinds, sign, place in (
            ("loading", (limits.loading,), 1.0, "loaded"),
            ("voltage", (limits.undervoltage,), -1.0, "sagging"),
        ):
            rows = np.flatnonzero([kind in kinds for kind in continuous.kind])
            values = sign * continuous.value[rows, i]
            at = rows[int(np.nanargmax(values))] if np.isfinite(values).any() else None
            numbers[name] = np.nan if at is None else float(continuous.value[at, i])
            places[place] = "" if at is None else str(continuous.element[at])
        return Effect(int(Status.OK), "", numbers, places, _passed(continuous, i), _passed(after, i))


def _highest(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else np.nan


def _passed(m: Margins, i: int) -> tuple[Passed, ...]:
    """Limits that are passed in a scenario, the worst element of each, the worst first."""
    rows: Index = np.flatnonzero(m.relative[:, i] < -TOLERANCE)
    found = dict[str, Passed]()
    for row in rows[np.argsort(m.relative[rows, i], kind="stable")].tolist():
        name = str(m.name[row])
        numbers = float(m.value[row, i]), float(m.bound[row, i])
        found.setdefault(name, Passed(name, str(m.element[row]), *numbers, str(m.dimension[row])))
    return tuple(found.values())


def _rows(
    loss: Loss,
    mode: Mode,
    transfer: Transfer,
    effect: Effect,
    others: Sequence[tuple[str, Callable[[str], str]]] | None,
) -> Iterator[Contingency]:
    """The row of a loss, and of each that is the same under other names."""
    alike = 1 + len(others or ())
    for name, called in ((loss.name, str), *(others or ())):
        yield _row(name, mode, transfer, effect, called, alike)


def _row(
    name: str, mode: Mode, transfer: Transfer, effect: Effect, called: Callable[[str], str], alike: int
) -> Contingency:
    def place(text: str) -> str:
        component, dot, port = text.partition(".")
        return called(component) + dot + port

    n = effect.numbers
    first = effect.emergency if mode == "fault" else ()
    at = {(p.limit, p.element) for p in first}
    every = (*first, *(p for p in effect.passed if (p.limit, p.element) not in at))
    passed = tuple(p._replace(element=place(p.element)) for p in every)
    numbers = {
        field: n.get(field, np.nan) for field in ("junction", "coolant_supply", "air_inlet", "loading", "voltage")
    }
    return Contingency(
        name=name,
        mode=mode,
        verdict=verdict(effect, mode),
        closed=tuple(called(c) for c in transfer.closed),
        interrupted=len(transfer.interrupted),
        bridged=len(transfer.bridged),
        unserved=n.get("unserved", np.nan),
        racks_dark=int(n.get("racks_dark", 0)),
        racks_throttled=int(n.get("racks_throttled", 0)),
        **numbers,
        loaded=place(effect.places.get("loaded", "")),
        sagging=place(effect.places.get("sagging", "")),
        passed=passed,
        tokens_lost=n.get("tokens_lost", np.nan),
        usd_lost=n.get("usd_lost", np.nan),
        reason=effect.reason,
        alike=alike,
    )


def verdict(effect: Effect, mode: Mode) -> str:
    """The worst that is so; planned losses last, so that limits for hours are of no help there."""
    n = effect.numbers
    if effect.status not in (Status.OK, Status.OVERHEATED):
        return "failed"
    if n["racks_dark"]:
        return "dark"
    if n["racks_throttled"]:
        return "throttled"
    if effect.emergency or (effect.passed and mode == "planned"):
        return "limited"
    return "emergency" if effect.passed else "survived"


# ---- secure density ----------------------------------------------------------------------------------------------


class Secure(NamedTuple):
    """The density at which every single loss is survived.

    scale: of the racks, 0 where none is. density: W per rack. contingency: the loss that binds, "" for none: what binds
    is the facility as it stands. limit, element: what binds then.
    """

    scale: float
    density: float
    contingency: str
    mode: str
    limit: str
    element: str


def secure(
    layout: Any,
    *,
    modes: Sequence[Mode] = ("fault", "planned"),
    groups: Sequence[Sequence[str]] = (),
    names: Iterable[str] | None = None,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Secure:
    """The highest density at which every single loss keeps all racks and all limits for continuous load.

    layout, modes, groups, names, case, overrides, progress: as `contingencies` takes them. Raises LayoutError.

    >>> twin.secure("gb300_hall").contingency
    """
    facility = layout if isinstance(layout, Facility) else load(layout, case, overrides)
    check_served(facility)
    _check_modes(modes)
    _, losses = _losses(facility, 1, groups, None, names, True)
    switching = Switching(facility)
    titles, changes = [("", "")], [dict[str, float]()]
    for loss in losses:
        for mode in modes:
            change = _switched(switching, loss, mode).changes | dict(loss.changes)
            if change not in changes:
                titles.append((loss.name, mode))
                changes.append(change)
    addresses = list(dict.fromkeys(a for c in changes for a in c))
    given = {a: np.array([c.get(a, _stated(facility, a)) for c in changes]) for a in addresses}
    best: tuple[float, float, int, str, str] | None = None
    for part in solve(facility, read(facility, given or uniform(facility, 1)), Mixed(), memory=MEMORY):
        found = bounds(part.air.plant, progress=progress)
        scales = np.nan_to_num(found.scale)
        i = int(np.argmin(scales))
        at, limit = int(part.scenarios[i]), found.limits[i]
        name, element = (limit.name, limit.element) if limit else (found.reasons[i], "")
        if best is None or (scales[i], at) < (best[0], best[2]):
            best = float(scales[i]), float(found.density[i]) if scales[i] > 0 else 0.0, at, name, element
    assert best is not None
    return Secure(best[0], best[1], *titles[best[2]], best[3], best[4])
