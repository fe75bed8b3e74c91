"""A written result and back: beside the dataset its layout, solved columns, computed air and response, in groups.

Readers of the dataset find it at the root, as if there were nothing else. The group `solved` has the layout as JSON and
every solved column, (row, scenario); `air/ROOM` the mean fields of a computed room on its cells and faces and what was
imposed on them; `response/ROOM` how its inlets answer. What follows from these (figures, margins, pictures) is worked
out again by the same code, so that a file is read by the version that wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.air.averaging import TimeAverage
from twin.air.exchange import rows
from twin.air.field import Loads
from twin.air.geometry import Geometry
from twin.air.mesh import meshes
from twin.air.response import Response, Room, RoomAir
from twin.air.turns import Air, AirSolution, FiniteVolume, Mixed
from twin.columns import column
from twin.facility.document import document, restored
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.facility.scenarios import Scenarios
from twin.facility.scenarios import read as read_scenarios
from twin.kernels.later import later
from twin.plant.compile import Plant, compile
from twin.results.limits import Binding
from twin.serving.tokens import at_work
from twin.solver.steady import Idle, Solution

if TYPE_CHECKING:
    import xarray as xr
else:
    xr = later("xarray")

ENGINES: dict[str, dict[str, Any]] = {".nc": {"engine": "h5netcdf"}, ".zarr": {"engine": "zarr", "consolidated": False}}
"""How xarray reads a file, by its ending."""

SCENARIO = ("scenario",)
RACK, COOLER = ("rack", *SCENARIO), ("cooler", *SCENARIO)

AVERAGES = {
    "inlet": (RACK, "K", "mean air at the inlet of each rack"),
    "error": (RACK, "K", "half the 95 % confidence interval of the inlet"),
    "intake": (COOLER, "K", "mean air that each cooler draws"),
    "heat_in": (SCENARIO, "W", "heat that the air was given"),
    "heat_out": (SCENARIO, "W", "heat that coolers took"),
    "leak": (SCENARIO, "1", "air through closed faces over what the coolers move"),
    "outcome": (SCENARIO, "1", "how the average ended, numbers of `Outcome`"),
}
"""Fields of a `TimeAverage` that are arrays: dimensions, unit, meaning."""

LOADS = {
    "rack_flow": (RACK, "m3 s-1", "air through each rack"),
    "rack_heat": (RACK, "W", "heat that each rack gives to its air"),
    "cooler_flow": (COOLER, "m3 s-1", "air through each cooler"),
    "supply": (COOLER, "K", "air that leaves each cooler"),
    "spread": (SCENARIO, "W", "heat without a place, below the ceiling"),
    "density": (SCENARIO, "kg m-3", "density of the air"),
}
"""Fields of `Loads` that are arrays."""

MEANS = {
    "u": (("z", "y", "x_face"), "m s-1", "mean air velocity along x"),
    "v": (("z", "y_face", "x"), "m s-1", "mean air velocity along y"),
    "w": (("z_face", "y", "x"), "m s-1", "mean air velocity along z"),
    "T": (("z", "y", "x"), "K", "mean air temperature less 293.15 K"),
    "nu": (("z", "y", "x"), "m2 s-1", "mean viscosity of the air"),
}
"""Mean fields of a room."""

ANSWERS = {
    "recirculation": (("one",), "1", "share of the racks' air that has gone round"),
    "bypass": (("one",), "1", "share of the coolers' air that goes by"),
    "excess": (("one",), "1", "cooler air over what the two shares call for"),
    "warmer": (("cooler", "one"), "K", "intake of each cooler above the mixed return"),
    "temperature": (("rack", "one"), "K", "air at the inlet of each rack"),
    "rise": (("rack", "one"), "K", "rise of the air across each rack"),
    "supplied": (("cooler", "one"), "K", "air that leaves each cooler"),
    "heat": (("rack", "source"), "1", "answer of each inlet to the rise across each rack"),
    "supply": (("rack", "cooler"), "1", "answer of each inlet to the air that leaves each cooler"),
    "flow": (("rack", "one"), "kg s-1", "air through each rack"),
}
"""Fields of a `Room` of a response that are arrays."""

OF_SCENARIOS = ("status", "iterations", "residual", "audit", "restless")
"""Fields of a solution that are one number a scenario."""

ASTRAY = (("engine", "offset"), ("fan", "offset"), ("zone", "recirculation"), ("zone", "bypass"), ("zone", "excess"))
"""Inputs of a plant that its computed air has set."""


class Stored(NamedTuple):
    """What a file holds of a result. `response` is that of its computed air, None where there is none.

    scenarios: None for the layout's own. symmetry: whether the first of what is alike was solved for all.
    """

    facility: Facility
    scenarios: Scenarios | None
    symmetry: bool
    air_solution: AirSolution
    air: Air
    dataset: xr.Dataset
    response: Response | None
    limit: Binding | None


# ---- to groups ---------------------------------------------------------------------------------------------------


def groups(
    solved: AirSolution, air: Air, response: Response | None, limit: Binding | None, symmetry: bool
) -> dict[str, xr.Dataset]:
    """All that a file has beside the dataset, by group.

    limit: what binds when racks grow denser, if known. symmetry: whether the first of what is alike was solved for all.
    """
    found = {"solved": _solved(solved, air, limit, symmetry)}
    found |= {f"air/{room.room}": _air(room) for room in solved.rooms}
    for name, room in response.rooms.items() if response else ():
        variables = _variables(ANSWERS, room)
        found[f"response/{name}"] = xr.Dataset(variables, {"rack": list(room.racks), "cooler": list(room.coolers)})
    return found


def _solved(solved: AirSolution, air: Air, limit: Binding | None, symmetry: bool) -> xr.Dataset:
    """Layout and solved columns; columns of as many rows share a dimension."""
    plant, solution = solved.plant, solved.solution
    table = lambda a: ((f"row_{len(a)}", "scenario"), np.broadcast_to(a, (len(a), plant.scenarios)))  # noqa: E731
    variables: dict[str, Any] = {"document": ((), np.array(json.dumps(document(plant.facility)), object))}
    for name in OF_SCENARIOS:
        variables[name] = (SCENARIO, getattr(solution, name))
    for name, values in zip(Idle._fields, solution.idle or (), strict=False):
        variables[f"idle.{name}"] = (SCENARIO, values)
    for item, values in solution.columns.items():
        variables[item.name] = (*table(values), {"units": item.unit, "long_name": item.meaning})
    if solved.rooms:
        variables |= {f"plant.{kind}.{name}": table(getattr(getattr(plant, kind), name)) for kind, name in ASTRAY}
    attrs = {
        "air": json.dumps({"model": type(air).__name__} | (asdict(air) if isinstance(air, FiniteVolume) else {})),
        "rooms": json.dumps([room.room for room in solved.rooms]),
        "answering": json.dumps(list(air.rooms) if isinstance(air, Response) else []),
        "addresses": json.dumps(list(plant.coordinates)),
        "symmetry": int(symmetry),
        "stopped": int(solved.stopped),
        "seconds": solution.seconds,
        "device": solution.device,
        "limit": json.dumps(limit),
    }
    return xr.Dataset(variables, attrs=attrs)


def _air(room: RoomAir) -> xr.Dataset:
    """Mean fields of a room, its averages and what was imposed; coordinates from the room's own corner [m]."""
    g, mean = room.geometry, room.mean
    variables = _variables(AVERAGES, mean) | _variables(LOADS, room.loads)
    for name, (dims, unit, text) in MEANS.items():
        variables[name] = (("scenario", *dims), mean.fields[name], {"units": unit, "long_name": text})
    heat = np.array(list(room.loads.solids.values())).reshape(-1, room.loads.scenarios)
    variables["solid_heat"] = (("solid", "scenario"), heat, {"units": "W", "long_name": "heat of solid parts"})
    coordinates: dict[str, Any] = {"rack": [t.name for t in g.racks], "cooler": [t.name for t in g.coolers]}
    coordinates["solid"] = list(room.loads.solids)
    for axis in "xyz":
        edges = g.grid.edges(axis)
        coordinates |= {axis: 0.5 * (edges[1:] + edges[:-1]), f"{axis}_face": edges}
    numbers = {n: getattr(mean, n) for n in ("flushes", "seconds", "divergence")}
    attrs = {"cell": room.cell, "moved": room.moved.tolist(), **numbers}
    return xr.Dataset(variables, coordinates, attrs)


def _variables(table: Mapping[str, tuple[tuple[str, ...], str, str]], source: object) -> dict[str, Any]:
    return {
        name: (dims, np.asarray(getattr(source, name)), {"units": unit, "long_name": text})
        for name, (dims, unit, text) in table.items()
    }


# ---- and back ----------------------------------------------------------------------------------------------------


def read(path: str | Path) -> Stored:
    """What a written file holds. Raises LayoutError for what is no result, or one of another version."""
    path = Path(path)
    if path.suffix not in ENGINES:
        raise LayoutError(str(path), [f"ending {path.suffix!r} is none of a written result: {' or '.join(ENGINES)}"])
    if not path.exists():
        raise LayoutError(str(path), ["no such file"])
    data = _group(path, "")
    written, here = data.attrs.get("twin_version"), version("aifactory-twin")
    if written != here:
        by = f"was written by version {written}, this is {here}: solve again" if written else "was not written by twin"
        raise LayoutError(str(path), [f"{by}; xarray.open_dataset reads what is in it"])
    kept = _group(path, "solved")
    try:
        return _stored(path, data.assign(limit_exceeded=data["limit_exceeded"].astype(bool)), kept)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, LayoutError):
            raise
        raise LayoutError(str(path), [f"is no complete result of this version: {error}"]) from error


def _group(path: Path, group: str) -> xr.Dataset:
    try:
        with xr.open_dataset(path, group=group or None, **ENGINES[path.suffix]) as data:
            return data.load()
    except (OSError, KeyError, ValueError) as error:
        what = "has a dataset only, no solution" if group == "solved" else "cannot be read as a written result"
        raise LayoutError(str(path), [f"{what}; solve again and write it with `Result.write`"]) from error


def _stored(path: Path, data: xr.Dataset, kept: xr.Dataset) -> Stored:
    facility = restored(json.loads(kept["document"].item()))
    addresses = json.loads(kept.attrs["addresses"])
    given = read_scenarios(facility, data.reset_coords(addresses)[addresses]) if addresses else None
    plant = at_work(compile(facility, given))
    options = json.loads(kept.attrs["air"])
    model, names = options.pop("model"), json.loads(kept.attrs["rooms"])
    answering = names or json.loads(kept.attrs["answering"])
    response = Response({n: _answers(_group(path, f"response/{n}")) for n in answering}) if answering else None
    air: Air = Mixed()
    if model == "FiniteVolume":
        air = FiniteVolume(**options)
    elif response is not None:
        air, plant = response, response.carried(plant)
    averages = _averages(path, plant, names)
    if averages:
        for kind, name in ASTRAY:
            part = replace(getattr(plant, kind), **{name: kept[f"plant.{kind}.{name}"].values})
            plant = replace(plant, **{kind: part})
    solved = AirSolution(plant, _solution(plant, kept), averages, bool(kept.attrs["stopped"]))
    limit = json.loads(kept.attrs["limit"])
    symmetry, bound = bool(kept.attrs["symmetry"]), Binding(*limit) if limit else None
    return Stored(facility, given, symmetry, solved, air, data, response if names else None, bound)


def _solution(plant: Plant, kept: xr.Dataset) -> Solution:
    if (len(kept["node.temperature"]), len(kept["stream.flow"])) != (plant.nodes, len(plant.start)):
        raise ValueError("its columns do not fit its layout, as equipment types have changed since")
    solved = {
        column(str(name)): values.values
        for name, values in kept.data_vars.items()
        if values.ndim == 2 and not str(name).startswith("plant.")
    }
    numbers = {n: kept[n].values for n in OF_SCENARIOS}
    idle = Idle(*(kept[f"idle.{n}"].values for n in Idle._fields)) if "idle.grid" in kept else None
    return Solution(plant, solved, seconds=kept.attrs["seconds"], device=kept.attrs["device"], idle=idle, **numbers)


def _averages(path: Path, plant: Plant, names: list[str]) -> tuple[RoomAir, ...]:
    """Computed air of rooms, on the cells that their layout gives."""
    groups = {name: _group(path, f"air/{name}") for name in names}
    cells = {name: float(data.attrs["cell"]) for name, data in groups.items()}
    geometries: dict[str, Geometry] = {}
    for cell in sorted(set(cells.values())):
        for alike in meshes(plant.facility, [n for n in names if cells[n] == cell], cell):
            geometries |= alike
    averages = []
    for name, data in groups.items():
        g, attrs = geometries[name], data.attrs
        engine, fan = rows(plant, g)
        solids = {str(n): data["solid_heat"].values[i] for i, n in enumerate(data["solid"].values)}
        loads = Loads(**{n: data[n].values for n in LOADS}, solids=solids)
        given: dict[str, Any] = {n: data[n].values for n in AVERAGES}
        given |= {n: float(attrs[n]) for n in ("flushes", "seconds", "divergence")}
        none = np.zeros((0, plant.scenarios))
        means = {n: data[n].values for n in MEANS}
        mean = TimeAverage(**given, probe=none, probe_error=none, fields=means)
        averages.append(RoomAir(name, cells[name], g, engine, fan, loads, mean, np.atleast_1d(attrs["moved"])))
    return tuple(averages)


def _answers(data: xr.Dataset) -> Room:
    given: dict[str, Any] = {name: data[name].values for name in ANSWERS}
    return Room(tuple(map(str, data["rack"].values)), tuple(map(str, data["cooler"].values)), **given)
