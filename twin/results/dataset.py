"""A solution as one labelled xarray.Dataset."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from twin import columns
from twin.air.field import REFERENCE
from twin.air.response import RoomAir
from twin.air.turns import AirSolution
from twin.columns import FIGURES, Array
from twin.elements import REASONS, Status
from twin.facility import plugins
from twin.facility.scenarios import cf_unit_of
from twin.fluids import saturation_pressure
from twin.kernels.later import later
from twin.money.yearly import yearly
from twin.results import envelopes
from twin.results.figures import figures
from twin.results.limits import exceeded, margins
from twin.results.warnings import warnings
from twin.serving.tokens import describe, terms_by_scenario
from twin.solver.steady import Solution

if TYPE_CHECKING:
    import xarray as xr
else:
    xr = later("xarray")


def dataset(air: AirSolution) -> xr.Dataset:
    """Everything reported, labelled: dims `scenario`, `rack`, `cdu`, ...; SI with CF `units`; provenance in attrs."""
    solution, plant = air.solution, air.solution.plant
    variables: dict[str, Any] = {}
    names: dict[str, list[str]] = {}
    for item in plant.reports:
        names.setdefault(item.dimension, []).extend(item.elements)
    labels = {d: sorted(set(v)) for d, v in names.items()}
    where = {d: {n: i for i, n in enumerate(v)} for d, v in labels.items()}
    for item in plant.reports:
        if item.name not in variables:
            empty = np.full((len(labels[item.dimension]), plant.scenarios), np.nan)
            attrs = {"units": item.value.column.unit, "long_name": item.long_name}
            variables[item.name] = ((item.dimension, "scenario"), empty, attrs)
        rows = [where[item.dimension][n] for n in item.elements]
        variables[item.name][1][rows] = np.where(solution.status == Status.OK, solution[item.value], np.nan)
    for item in envelopes.variables(solution):
        if item.name not in variables:
            empty = np.full((len(labels[item.dimension]), plant.scenarios), item.missing, item.values.dtype)
            variables[item.name] = ((item.dimension, "scenario"), empty, item.attributes)
        rows = [where[item.dimension][n] for n in item.elements]
        variables[item.name][1][rows] = item.values
    numbers = figures(solution)
    for name, figure in FIGURES.items():
        attrs = {"units": figure.unit, "long_name": figure.meaning}
        variables[name] = ("scenario", np.array(getattr(numbers, name), float), attrs)
    items = yearly(solution, numbers.annual)
    cost = {"units": "USD a-1", "long_name": "yearly cost by item"}
    variables["yearly_cost"] = (("cost_item", "scenario"), np.array(list(items.values())), cost)
    labels["cost_item"] = list(items)
    status = np.array([int(s) for s in solution.status], np.int8)
    flags = {"flag_values": [int(s) for s in Status], "flag_meanings": " ".join(s.name.lower() for s in Status)}
    variables["status"] = ("scenario", status, flags)
    variables["reason"] = ("scenario", np.array([reason(solution, i) for i in range(plant.scenarios)], object))
    texts = np.array(["; ".join(told) for told in warnings(solution)], object)
    variables["warnings"] = ("scenario", texts, {"long_name": "what to know beside the numbers"})
    variables["iterations"] = ("scenario", solution.iterations)
    variables["limit_exceeded"] = ("scenario", exceeded(margins(solution)))
    variables |= _rooms(air, labels, where)
    coordinates: dict[str, Any] = dict(labels)
    for address, values in plant.coordinates.items():
        unit = cf_unit_of(plant.facility, address)
        given = np.array(values)
        given[list(plant.invalid)] = [scenario.values[address] for scenario in plant.invalid.values()]
        coordinates[address] = ("scenario", given, {"long_name": address, "units": unit})
    if plant.labels is not None:
        coordinates["scenario"] = plant.labels
    return xr.Dataset(variables, coordinates, provenance(solution))


def _rooms(air: AirSolution, labels: dict[str, list[str]], where: dict[str, dict[str, int]]) -> dict[str, Any]:
    """What computed rooms add: the error bar of every rack's inlet, the return of every cooler, heat and mass."""
    if not air.rooms:
        return {}
    parts, size = air.plant.facility.components, air.plant.scenarios
    bar, drawn = "twice the standard error of the inlet", "air drawn by the cooler"
    by_equipment: dict[str, Any] = {}
    for room in air.rooms:
        for things, values, ending, text in (
            (room.geometry.racks, room.mean.error, "inlet_error", bar),
            (room.geometry.coolers, room.mean.intake, "intake_temperature", drawn),
        ):
            for thing, row in zip(things, values, strict=True):
                dimension = parts[thing.name].dimension
                if dimension not in labels:
                    labels[dimension] = sorted(n for n, p in parts.items() if p.dimension == dimension)
                    where[dimension] = {n: i for i, n in enumerate(labels[dimension])}
                empty = np.full((len(labels[dimension]), size), np.nan)
                attrs = {"units": "K", "long_name": text}
                own = by_equipment.setdefault(f"{dimension}_{ending}", ((dimension, "scenario"), empty, attrs))
                own[1][where[dimension][thing.name]] = row
    names = [room.room for room in air.rooms]
    labels["computed_room"] = names
    table = lambda values: np.array([np.broadcast_to(v, air.plant.scenarios) for v in values], float)  # noqa: E731
    by_room = {
        "air_flushes": ([r.mean.flushes for r in air.rooms], "1", "flushes of the room that were computed"),
        "air_heat_imbalance": ([r.mean.imbalance for r in air.rooms], "1", "heat that coolers took over heat given"),
        "air_unplaced_heat": ([r.loads.spread for r in air.rooms], "W", "heat without a place, below the ceiling"),
        "air_leak": ([r.mean.leak for r in air.rooms], "1", "air through closed faces over what coolers move"),
        "air_divergence": ([r.mean.divergence for r in air.rooms], "1", "largest net flow of a cell over the inflow"),
        "air_last_change": ([r.moved for r in air.rooms], "K", "largest change of an inlet in the last turn"),
    }
    rooms = {
        k: (("computed_room", "scenario"), table(v), {"units": u, "long_name": t}) for k, (v, u, t) in by_room.items()
    }
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


def provenance(solution: Solution) -> dict[str, str | float]:
    """Where a dataset comes from: layout and its hash, versions, device, precision, time."""
    facility, added = solution.plant.facility, plugins.types()
    served = [terms for terms, _ in terms_by_scenario(solution.plant)[:STATED]]
    return {
        "title": facility.name,
        "layout": facility.source,
        "layout_hash": facility.hash,
        "moisture": solution.plant.moisture,
        "twin_version": version("aifactory-twin"),
        **({"plugins": ", ".join(sorted(set(added.values())))} if added else {}),
        "numpy_version": np.__version__,
        "python_version": platform.python_version(),
        "device": solution.device,
        "precision": "float64",
        "wall_seconds": solution.seconds,
        "serving": "; ".join(describe(terms, solution.plant) for terms in served),
    }


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
