"""Solution to xarray.Dataset, and the Result that users hold."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from twin.air.field import REFERENCE
from twin.air.response import RoomAir
from twin.air.turns import AirSolution
from twin.elements import REASONS, Status
from twin.facility.scenarios import si_unit
from twin.fluids import saturation_pressure
from twin.money.yearly import yearly
from twin.results.figures import figures
from twin.results.limits import exceeded, margins
from twin.serving.tokens import asked, stated
from twin.solver.steady import Solution

KPIS = {
    "facility_power": ("W", "power at the utility meter"),
    "system_power": ("W", "power of racks and CDUs"),
    "it_power": ("W", "power of racks at their feeds"),
    "pue": ("1", "power usage effectiveness"),
    "heat_to_liquid": ("W", "rack heat into coolant"),
    "heat_to_air": ("W", "rack heat into room air"),
    "conversion_loss": ("W", "losses of rack shelves and board converters"),
    "electrical_loss": ("W", "losses of the power train up to the racks"),
    "cooling_power": ("W", "pumps, CDUs, air handling and heat rejection"),
    "provisioned_power": ("W", "nameplate of racks and network times PUE"),
    "tokens_per_s": ("s-1", "tokens served"),
    "usd_per_mw_year": ("USD MW-1 a-1", "yearly cost per MW drawn"),
    "usd_per_million_tokens": ("USD", "cost of a million tokens"),
    "usd_per_million_output_tokens": ("USD", "cost of a million output tokens, inputs going free"),
    "margin_per_mw_year": ("USD MW-1 a-1", "income less yearly cost per MW drawn; none without a price of tokens"),
    "first_token": ("s", "longest time to a first token; known to physics only"),
    "energy_audit": ("1", "(electricity in - heat out) / electricity in"),
    "water": ("kg s-1", "make-up water"),
    "carbon": ("kg s-1", "carbon dioxide equivalent of the energy drawn"),
}


def dataset(aired: AirSolution) -> xr.Dataset:
    """Everything reported, labelled: dims `scenario`, `rack`, `cdu`, ...; SI with CF `units`; provenance in attrs."""
    solution, plant = aired.solution, aired.solution.plant
    variables: dict[str, Any] = {}
    names: dict[str, list[str]] = {}
    for item in plant.reports:
        names.setdefault(item.dimension, []).extend(item.elements)
    labels = {d: sorted(set(v)) for d, v in names.items()}
    where = {d: {n: i for i, n in enumerate(v)} for d, v in labels.items()}
    for item in plant.reports:
        if item.name not in variables:
            empty = np.full((len(labels[item.dimension]), plant.scenarios), np.nan)
            attrs = {"units": item.unit, "long_name": item.long_name}
            variables[item.name] = ((item.dimension, "scenario"), empty, attrs)
        rows = [where[item.dimension][n] for n in item.elements]
        variables[item.name][1][rows] = np.where(solution.status == Status.OK, solution[item.value], np.nan)
    numbers = figures(solution)
    for name, (unit, text) in KPIS.items():
        variables[name] = ("scenario", np.array(getattr(numbers, name), float), {"units": unit, "long_name": text})
    items = yearly(solution, numbers.annual)
    cost = {"units": "USD a-1", "long_name": "yearly cost by item"}
    variables["yearly_cost"] = (("cost_item", "scenario"), np.array(list(items.values())), cost)
    labels["cost_item"] = list(items)
    status = np.array([int(s) for s in solution.status], np.int8)
    flags = {"flag_values": [int(s) for s in Status], "flag_meanings": " ".join(s.name.lower() for s in Status)}
    variables["status"] = ("scenario", status, flags)
    variables["reason"] = ("scenario", np.array([reason(solution, i) for i in range(plant.scenarios)], object))
    variables["iterations"] = ("scenario", solution.iterations)
    variables["limit_exceeded"] = ("scenario", exceeded(margins(solution)))
    variables |= _aired(aired, labels, where)
    coordinates: dict[str, Any] = dict(labels)
    for address, values in plant.coordinates.items():
        unit = si_unit(plant.facility, address)
        coordinates[address] = ("scenario", np.array(values), {"long_name": address, "units": unit})
    return xr.Dataset(variables, coordinates, provenance(solution))


def _aired(aired: AirSolution, labels: dict[str, list[str]], where: dict[str, dict[str, int]]) -> dict[str, Any]:
    """What computed rooms add: the error bar of every rack's inlet, the return of every cooler, heat and mass."""
    if not aired.rooms:
        return {}
    shape = lambda dimension: np.full((len(labels.get(dimension, ())), aired.plant.scenarios), np.nan)  # noqa: E731
    error, intake = shape("rack"), shape("crah")
    for room in aired.rooms:
        for rows, things, values, dimension in (
            (error, room.geometry.racks, room.mean.error, "rack"),
            (intake, room.geometry.coolers, room.mean.intake, "crah"),
        ):
            rows[[where[dimension][t.name] for t in things]] = values
    names = [room.room for room in aired.rooms]
    labels["computed_room"] = names
    table = lambda values: np.array([np.broadcast_to(v, aired.plant.scenarios) for v in values], float)  # noqa: E731
    by_room = {
        "air_flushes": ([r.mean.flushes for r in aired.rooms], "1", "flushes of the room that were computed"),
        "air_heat_imbalance": ([r.mean.imbalance for r in aired.rooms], "1", "heat that coolers took over heat given"),
        "air_leak": ([r.mean.leak for r in aired.rooms], "1", "air through closed faces over what coolers move"),
        "air_divergence": ([r.mean.divergence for r in aired.rooms], "1", "largest net flow of a cell over the inflow"),
        "air_last_change": ([r.moved for r in aired.rooms], "K", "largest change of an inlet in the last turn"),
    }
    told = {
        k: (("computed_room", "scenario"), table(v), {"units": u, "long_name": t}) for k, (v, u, t) in by_room.items()
    }
    bar = {"units": "K", "long_name": "twice the standard error of the inlet"}
    drawn = {"units": "K", "long_name": "air drawn by the cooler"}
    return told | {
        "rack_inlet_error": (("rack", "scenario"), error, bar),
        "crah_intake_temperature": (("crah", "scenario"), intake, drawn),
    }


def reason(solution: Solution, scenario: int) -> str:
    """Why a scenario failed, naming the domain and the worst element; empty if it did not."""
    status = Status(int(solution.status[scenario]))
    if status == Status.OK:
        return ""
    text = REASONS[status]
    if status == Status.ELECTRICAL and len(solution.columns["bus.voltage"]):
        size = np.nan_to_num(solution.columns["bus.voltage"][:, scenario], nan=0.0)
        return f"{text} (lowest voltage {size.min():.3f} pu at {solution.plant.bus_names[int(size.argmin())]})"
    if status == Status.OVERHEATED:
        return (
            f"{text} (at {solution.plant.node_names[int(solution.columns['node.temperature'][:, scenario].argmax())]})"
        )
    return f"{text} (residual {solution.residual[scenario]:.1e} after {solution.iterations[scenario]} passes)"


STATED = 20
"""Different terms of serving that a dataset names; its coordinates have them all."""


def provenance(solution: Solution) -> dict[str, Any]:
    """Where a dataset comes from: layout and its hash, versions, device, precision, time."""
    facility = solution.plant.facility
    return {
        "title": facility.name,
        "layout": facility.source,
        "layout_hash": facility.hash,
        "twin_version": version("aifactory-twin"),
        "numpy_version": np.__version__,
        "python_version": platform.python_version(),
        "device": solution.device,
        "precision": "float64",
        "wall_seconds": solution.seconds,
        "serving": "; ".join(stated(terms, solution.plant) for terms, _ in asked(solution.plant)[:STATED]),
    }


def _field(room: RoomAir, dew_point: Any) -> xr.Dataset:
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


UNITS = {
    "temperature": (1.0, "K"),
    "power": (1e3, "kW"),
    "fraction": (0.01, "%"),
    "mass_flow": (1.0, "kg/s"),
    "velocity": (1.0, "m/s"),
    "pressure": (1e3, "kPa"),
}


def show(value: float, dimension: str, difference: bool = False) -> str:
    """A limited value for the screen."""
    if not np.isfinite(value):
        return "unlimited"
    if dimension == "temperature" and not difference:
        return f"{value - 273.15:.1f} degC"
    factor, unit = UNITS[dimension]
    return f"{value / factor:,.1f} {unit}"
