"""A solution as one labelled xarray.Dataset."""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from twin import columns
from twin.air.averaging import Outcome
from twin.air.field import REFERENCE
from twin.air.response import RoomAir
from twin.air.turns import AirSolution
from twin.columns import FIGURES, Array, Index
from twin.elements import REASONS, Report, Status
from twin.facility import plugins
from twin.facility.files import LayoutError, hint
from twin.facility.scenarios import cf_unit_of
from twin.facility.sections import Serving
from twin.fluids import saturation_pressure
from twin.kernels.later import later
from twin.money.yearly import yearly
from twin.plant.compile import Plant
from twin.results import envelopes, room_indices
from twin.results.figures import figures
from twin.results.limits import tightest
from twin.results.warnings import warnings
from twin.serving.tokens import describe, terms_by_scenario
from twin.solver.steady import Solution
from twin.units import cf_unit

LIMITS = {
    "tightest_limit": "limit with the least relative margin",
    "element": "where the tightest limit is",
    "value": "of what the tightest limit bounds",
    "bound": "of the tightest limit",
    "unit": "of value and bound",
    "relative_margin": "to the tightest limit over a scale of its bound, negative beyond it",
    "limit_exceeded": "whether any limit is passed",
}
"""Variables that `limits` stands for, and what they are."""

BOUND = {
    "density_scale": ("1", "highest sustainable scale of the racks, 0 where none is"),
    "sustainable_density": ("W", "power of a rack at that scale"),
    "binding_limit": ("", 'limit that binds there, "" where none does'),
    "binding_element": ("", "where it binds"),
}
"""Variables that `bound` stands for: unit and meaning."""

OTHER_NAMES = '; there are "figures", "limits", "bound", and the variables of a result\'s dataset'
"""What is told of a name that resembles none."""

GROUPS: dict[str, Mapping[str, object]] = {"figures": FIGURES, "limits": LIMITS, "bound": BOUND}
"""Names that stand for several variables."""

ALWAYS = ("status", "reason")
"""Variables that come along with whatever is asked for."""

OTHERS = ("yearly_cost", *ALWAYS, "warnings", "iterations", *LIMITS)
"""Variables that every layout has, beside its figures."""

INLET_ERROR, INTAKE = "inlet_error", "intake_temperature"
"""Endings of what computed air adds to the elements that draw it."""

ROOMS = {
    "air_flushes": ("1", "flushes of the room that were computed"),
    "air_heat_imbalance": ("1", "heat that coolers took over heat given"),
    "air_unplaced_heat": ("W", "heat without a place, below the ceiling"),
    "air_leak": ("1", "air through closed faces over what coolers move"),
    "air_divergence": ("1", "largest net flow of a cell over the inflow"),
    "air_last_change": ("K", "largest change of an inlet in the last turn"),
}
"""What computed air adds by room: unit and meaning."""

OUTCOME = "air_outcome"
"""How the average of every computed room ended."""

FIELDS = "fields"
"""What stands for the mean air temperature in the cells of every computed room."""

if TYPE_CHECKING:
    import xarray as xr
else:
    xr = later("xarray")


def choose(plants: Iterable[Plant], outputs: Sequence[str], computed: bool) -> frozenset[str]:
    """Names of the variables that outputs mean, which may be names of GROUPS too; status and reason come along.

    plants: in one of which at least each is known. computed: whether air is computed. Raises LayoutError for what is no
    sequence of names, and for unknown ones.
    """
    told = 'give names, such as outputs=["figures", "limits"]'
    if isinstance(outputs, str) or not isinstance(outputs, Iterable):
        raise LayoutError("outputs", [f"{outputs!r} is no list of names; {told}"])
    names = list(outputs)
    if not names:
        raise LayoutError("outputs", [f"is empty; {told}"])
    known = {*FIGURES, *OTHERS, *BOUND, *((FIELDS, OUTCOME, *ROOMS) if computed else ())}
    for plant in plants:
        known.update(r.name for r in plant.reports)
        known.update(*map(envelopes.titles, plant.guidelines), room_indices.titles(plant))
        if computed:
            parts = plant.facility.components
            known |= {f"{parts[n].dimension}_{INLET_ERROR}" for n in plant.engine.names}
            known |= {f"{parts[n].dimension}_{INTAKE}" for n in plant.fan.names}
    unknown = [n for n in names if not isinstance(n, str) or (n not in known and n not in GROUPS)]
    if unknown:
        there = (*GROUPS, *sorted(known))
        raise LayoutError("outputs", [f"no {n!r}{hint(n, there) or OTHER_NAMES}" for n in unknown])
    return frozenset(ALWAYS).union(*(GROUPS.get(n, (n,)) for n in names))


class Joined:
    """Datasets of some of `total` scenarios each, in any order, as one, whose arrays are allocated once.

    All have the same variables and elements. seconds: wall time of all of them.
    """

    def __init__(self, total: int) -> None:
        self.total, self.seconds = total, 0.0
        self._first, self._arrays = xr.Dataset(), dict[str, np.ndarray[Any, Any]]()

    def take(self, at: Index, part: xr.Dataset) -> None:
        """Take the scenarios of these numbers (scenario,)."""
        if not self._arrays:
            self._first = part
            for name, v in part.variables.items():
                if "scenario" in v.dims:
                    shape = (self.total if d == "scenario" else n for d, n in zip(v.dims, v.shape, strict=True))
                    self._arrays[str(name)] = np.empty(tuple(shape), v.dtype)
        for name, array in self._arrays.items():
            array[..., at] = part[name].values
        self.seconds += float(part.attrs["wall_seconds"])

    def dataset(self, done: int) -> xr.Dataset:
        """The first scenarios; an empty dataset of none."""
        if not self._arrays:
            return xr.Dataset(coords={"scenario": np.zeros(0, int)})
        whole = {
            name: (v.dims, self._arrays[str(name)][..., :done] if str(name) in self._arrays else v.values, v.attrs)
            for name, v in self._first.variables.items()
        }
        coordinates = {name: v for name, v in whole.items() if name in self._first.coords}
        variables = {name: v for name, v in whole.items() if name not in coordinates}
        return xr.Dataset(variables, coordinates, self._first.attrs | {"wall_seconds": self.seconds})


def dataset(air: AirSolution, chosen: Collection[str] | None = None) -> xr.Dataset:
    """Everything reported, labelled: dims `scenario`, `rack`, `cdu`, ...; SI with CF `units`; provenance in attrs.

    Elements that are alike have the numbers of the first of them. chosen: names of variables, see `choose`: these alone
    are worked out. The tightest limit of each scenario is there where it is chosen only.
    """
    solution, plant = air.solution, air.solution.plant
    asked = (lambda name: True) if chosen is None else chosen.__contains__
    variables, labels = _by_element(solution, asked)
    if any(map(asked, (*FIGURES, "yearly_cost"))):
        variables |= _figures(solution, labels, asked("yearly_cost"))
    variables |= _states(solution)
    if asked("warnings"):
        texts = np.array(["; ".join(told) for told in warnings(solution, air.rooms)], object)
        variables["warnings"] = ("scenario", texts, {"long_name": "what to know beside the numbers"})
    variables["iterations"] = ("scenario", solution.iterations)
    if any(map(asked, LIMITS)):
        limits = _limits(solution)
        variables |= {"limit_exceeded": limits["limit_exceeded"]} if chosen is None else limits
    variables |= _rooms(air, labels)
    variables = {name: v for name, v in variables.items() if asked(name)}
    used = {d for dims, *_ in variables.values() for d in ([dims] if isinstance(dims, str) else dims)}
    coordinates: dict[str, Any] = {d: names for d, names in labels.items() if d in used}
    for address, values in plant.coordinates.items():
        unit = cf_unit_of(plant.facility, address)
        given = np.array(values)
        given[list(plant.invalid)] = [scenario.values[address] for scenario in plant.invalid.values()]
        coordinates[address] = ("scenario", given, {"long_name": address, "units": unit})
    if plant.labels is not None:
        coordinates["scenario"] = plant.labels
    served = (terms for terms, _ in terms_by_scenario(plant))
    attrs = provenance(plant, served, solution.seconds, solution.device)
    if air.stopped:
        attrs["interrupted"] = "computed air is the average so far, see air_outcome and the inlets' errors"
    return xr.Dataset(variables, coordinates, attrs)


def by_element(air: AirSolution) -> dict[str, str]:
    """Names of the numbers that elements have in a dataset, and the dimension of each."""
    plant, parts = air.solution.plant, air.plant.facility.components
    found = {r.name: r.dimension for r in plant.reports}
    for g in plant.guidelines:
        found |= {} if g.ladder else dict.fromkeys(envelopes.titles(g), g.dimension)
    found |= room_indices.titles(plant)
    for room in air.rooms:
        for things, ending in ((room.geometry.racks, INLET_ERROR), (room.geometry.coolers, INTAKE)):
            found |= {f"{d}_{ending}": d for d in (parts[thing.name].dimension for thing in things)}
        found |= dict.fromkeys((OUTCOME, *ROOMS), "computed_room")
    return found


def _by_element(solution: Solution, asked: Callable[[str], bool]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What is reported of elements, and the names of these by dimension."""
    plant, variables = solution.plant, dict[str, Any]()
    reports = [r for r in plant.reports if asked(r.name)]
    exposed = [*envelopes.variables(solution, asked), *room_indices.variables(solution, asked)]
    names: dict[str, set[str]] = {item.dimension: set() for item in (*reports, *exposed)}
    members = plant.classes.members
    for item in plant.reports:
        if item.dimension in names:
            names[item.dimension].update(*map(members, item.elements))
    labels = {d: sorted(v) for d, v in names.items()}
    where = {d: {n: i for i, n in enumerate(v)} for d, v in labels.items()}
    spread = dict[tuple[str, int], tuple[list[int], list[int]]]()

    def places(item: Report | envelopes.Variable) -> tuple[list[int], list[int]]:
        """Rows of all elements of an item, and the row of it that each has."""
        key = item.dimension, id(item.elements)
        if key not in spread:
            pairs = [(where[item.dimension][m], i) for i, n in enumerate(item.elements) for m in members(n)]
            spread[key] = [row for row, _ in pairs], [i for _, i in pairs]
        return spread[key]

    for item in reports:
        if item.name not in variables:
            empty = np.full((len(labels[item.dimension]), plant.scenarios), np.nan)
            attrs = {"units": item.value.column.unit, "long_name": item.long_name}
            variables[item.name] = ((item.dimension, "scenario"), empty, attrs)
        rows, own = places(item)
        values = np.where(solution.status == Status.OK, solution[item.value], np.nan)
        variables[item.name][1][rows] = values[own]
    for item in exposed:
        if item.name not in variables:
            empty = np.full((len(labels[item.dimension]), plant.scenarios), item.missing, item.values.dtype)
            variables[item.name] = ((item.dimension, "scenario"), empty, item.attributes)
        rows, own = places(item)
        variables[item.name][1][rows] = item.values[own]
    return variables, labels


def _figures(solution: Solution, labels: dict[str, list[str]], by_item: bool) -> dict[str, Any]:
    """Headline figures, and the yearly cost `by_item`."""
    numbers, variables = figures(solution), dict[str, Any]()
    for name, figure in FIGURES.items():
        attrs = {"units": figure.unit, "long_name": figure.meaning}
        variables[name] = ("scenario", np.array(getattr(numbers, name), float), attrs)
    if not by_item:
        return variables
    items = yearly(solution, numbers.annual)
    cost = {"units": "USD a-1", "long_name": "yearly cost by item"}
    variables["yearly_cost"] = (("cost_item", "scenario"), np.array(list(items.values())), cost)
    labels["cost_item"] = list(items)
    return variables


def _states(solution: Solution) -> dict[str, Any]:
    """How the solve of every scenario went, and why those that failed did."""
    status, reasons = solution.status.astype(np.int8), np.full(solution.plant.scenarios, "", object)
    for i in np.flatnonzero(status != Status.OK).tolist():
        reasons[i] = reason(solution, i)
    flags = {"flag_values": [int(s) for s in Status], "flag_meanings": " ".join(s.name.lower() for s in Status)}
    return {"status": ("scenario", status, flags), "reason": ("scenario", reasons)}


def _limits(solution: Solution) -> dict[str, Any]:
    """The tightest limit of every scenario; texts are empty and numbers NaN where nothing is limited."""
    t = tightest(solution)
    units = {d: cf_unit(d) for d in set(t.dimension) - {""}}
    unit = np.array([units.get(d, "") for d in t.dimension], object)
    relative = np.where(t.relative < np.inf, t.relative, np.nan)
    values = dict(zip(LIMITS, (t.name, t.element, t.value, t.bound, unit, relative, t.exceeded), strict=True))
    attrs = {name: {"long_name": text} for name, text in LIMITS.items()}
    attrs["limit_exceeded"] = {}
    attrs["relative_margin"]["units"] = "1"
    return {name: ("scenario", v, attrs[name]) for name, v in values.items()}


def _rooms(air: AirSolution, labels: dict[str, list[str]]) -> dict[str, Any]:
    """What computed rooms add: the error bar of every rack's inlet, the return of every cooler, heat and mass."""
    if not air.rooms:
        return {}
    parts, size = air.plant.facility.components, air.plant.scenarios
    bar, drawn = "half the 95 % confidence interval of the inlet", "air drawn by the cooler"
    by_equipment: dict[str, Any] = {}
    where: dict[str, dict[str, int]] = {}
    for room in air.rooms:
        for things, values, ending, text in (
            (room.geometry.racks, room.mean.error, INLET_ERROR, bar),
            (room.geometry.coolers, room.mean.intake, INTAKE, drawn),
        ):
            for thing, row in zip(things, values, strict=True):
                dimension = parts[thing.name].dimension
                if dimension not in labels:
                    labels[dimension] = sorted(n for n, p in parts.items() if p.dimension == dimension)
                rows = where.setdefault(dimension, {n: i for i, n in enumerate(labels[dimension])})
                empty = np.full((len(labels[dimension]), size), np.nan)
                attrs = {"units": "K", "long_name": text}
                own = by_equipment.setdefault(f"{dimension}_{ending}", ((dimension, "scenario"), empty, attrs))
                own[1][rows[thing.name]] = row
    names = [room.room for room in air.rooms]
    labels["computed_room"] = names
    outcomes = np.array([np.broadcast_to(r.mean.outcome, size) for r in air.rooms])
    flags = {"flag_values": [int(o) for o in Outcome], "flag_meanings": " ".join(o.name.lower() for o in Outcome)}
    table = lambda values: np.array([np.broadcast_to(v, air.plant.scenarios) for v in values], float)  # noqa: E731
    by_room = (
        [r.mean.flushes for r in air.rooms],
        [r.mean.imbalance for r in air.rooms],
        [r.loads.spread for r in air.rooms],
        [r.mean.leak for r in air.rooms],
        [r.mean.divergence for r in air.rooms],
        [r.moved for r in air.rooms],
    )
    rooms = {
        name: (("computed_room", "scenario"), table(values), {"units": unit, "long_name": text})
        for (name, (unit, text)), values in zip(ROOMS.items(), by_room, strict=True)
    }
    rooms[OUTCOME] = (("computed_room", "scenario"), outcomes, flags | {"long_name": "how the average ended"})
    return by_equipment | rooms


def reason(solution: Solution, scenario: int) -> str:
    """Why a scenario failed, naming the domain and the worst element; empty if it did not."""
    status = Status(int(solution.status[scenario]))
    if status == Status.OK:
        return ""
    if scenario in solution.plant.invalid:
        return solution.plant.invalid[scenario].reason
    text = REASONS[status]
    if status == Status.ELECTRICAL and len(solution[columns.bus.voltage]):
        size = np.nan_to_num(solution[columns.bus.voltage][:, scenario], nan=0.0)
        return f"{text} (lowest voltage {size.min():.3f} pu at {solution.plant.bus_names[int(size.argmin())]})"
    if status == Status.OVERHEATED:
        return f"{text} (at {solution.plant.node_names[int(solution[columns.node.temperature][:, scenario].argmax())]})"
    passes = f"residual {solution.residual[scenario]:.1e} after {solution.iterations[scenario]} passes"
    if status == Status.NOT_CONVERGED:
        passes += f", most at {solution.plant.node_names[int(solution.restless[scenario])]}"
    return f"{text} ({passes})"


STATED = 20
"""Different terms of serving that a dataset names; its coordinates have them all."""


def provenance(plant: Plant, served: Iterable[Serving], seconds: float, device: str) -> dict[str, str | float]:
    """Where a dataset comes from: layout and its hash, versions, device, precision, time, and what was served."""
    facility, added = plant.facility, plugins.types()
    return {
        "title": facility.name,
        "layout": facility.source,
        "layout_hash": facility.hash,
        "moisture": plant.moisture,
        "twin_version": version("aifactory-twin"),
        **({"plugins": ", ".join(sorted(set(added.values())))} if added else {}),
        "numpy_version": np.__version__,
        "python_version": platform.python_version(),
        "device": device,
        "precision": "float64",
        "wall_seconds": seconds,
        "alike": plant.classes.summary(),
        "serving": "; ".join(describe(terms, plant) for terms in islice(served, STATED)),
    }


def fields(air: AirSolution) -> xr.Dataset:
    """Mean air temperature in the cells of every computed room, air_ROOM (ROOM_z, ROOM_y, ROOM_x, scenario) [K]."""
    variables, coordinates = dict[str, Any](), dict[str, Any]()
    for room in air.rooms:
        grid, solid = room.geometry.grid, np.where(room.geometry.solid, np.nan, 1.0)
        dims = tuple(f"{room.room}_{axis}" for axis in "zyx")
        values = np.moveaxis(solid * (room.mean.fields["T"] + REFERENCE), 0, -1)
        attrs = {"units": "K", "long_name": f"mean air temperature in {room.room}"}
        variables[f"air_{room.room}"] = ((*dims, "scenario"), values, attrs)
        for dim, axis in zip(dims, "zyx", strict=True):
            edges = grid.edges(axis)
            coordinates[dim] = (dim, 0.5 * (edges[1:] + edges[:-1]), {"units": "m"})
    return xr.Dataset(variables, coordinates)


def field(room: RoomAir, dew_point: Array) -> xr.Dataset:
    """A room's mean fields at the centres of its cells; nothing in solids. `dew_point` is (1|S,) [K]."""
    grid, mean = room.geometry.grid, room.mean.fields
    middle = {c: 0.5 * (grid.edges(c)[1:] + grid.edges(c)[:-1]) for c in "xyz"}
    inside = np.where(room.geometry.solid, np.nan, 1.0)
    dims, variables = ("scenario", "z", "y", "x"), {}
    kelvin = {"units": "K", "long_name": "mean air temperature"}
    variables["temperature"] = (dims, inside * (mean["T"] + REFERENCE), kelvin)
    air, dew = variables["temperature"][1], np.reshape(dew_point, (-1, 1, 1, 1))
    humidity = saturation_pressure(dew) / saturation_pressure(air)
    variables["relative_humidity"] = (dims, humidity, {"units": "1", "long_name": "relative humidity"})
    dry = {"units": "K", "long_name": "temperature above the dew point"}
    variables["dew_point_margin"] = (dims, air - dew, dry)
    for axis, name in zip("xyz", "uvw", strict=True):
        along = dims.index(axis)
        ends = [np.take(mean[name], range(first, mean[name].shape[along] - 1 + first), along) for first in (0, 1)]
        attrs = {"units": "m s-1", "long_name": f"mean air velocity along {axis}"}
        variables[f"velocity_{axis}"] = (dims, inside * 0.5 * (ends[0] + ends[1]), attrs)
    coordinates = {c: (c, v, {"units": "m"}) for c, v in middle.items()}
    return xr.Dataset(variables, coordinates, {"room": room.room, "flushes": room.mean.flushes})
