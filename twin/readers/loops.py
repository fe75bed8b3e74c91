"""Facility loops (`facility-loop/1`, JSON or gzipped JSON): a plant, mains, row headers and racks."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np

from twin.readers.records import PipeNetwork

FORMAT = "facility-loop/1"


class _Fluid(TypedDict):
    density_kg_m3: float
    viscosity_pa_s: float  # dynamic
    cp_j_kgk: float


class _Plant(TypedDict):
    supply: str  # node
    ret: str  # node
    p_return_pa: float
    dp_pa: float
    t_supply_k: float


class _Branch(TypedDict):
    id: str
    a: str  # node at the start
    b: str  # node at the end
    length_m: float
    d_m: float
    rough_m: float
    zeta: NotRequired[float]
    heat_w: NotRequired[float]


class _Loop(TypedDict):
    format: str
    fluid: _Fluid
    plant: _Plant
    nodes: list[str]
    pipes: list[_Branch]
    racks: list[_Branch]


def read(path: str | Path) -> PipeNetwork:
    """The network of a file; ValueError, naming file and what is wrong, for what is not of the format.

    `plant` holds its supply node at p_return_pa + dp_pa and t_supply_k, its return node at p_return_pa; `racks` are
    fittings without length that add heat_w to their stream.
    """
    path = Path(path)
    raw = path.read_bytes()
    try:
        data: _Loop = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
        if data["format"] != FORMAT:
            raise ValueError(f"{path.name}: format {data['format']!r} is not {FORMAT}")
        return _network(path.name, data)
    except (KeyError, TypeError, OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path.name}: not a {FORMAT} file: {error}") from None


def _network(name: str, data: _Loop) -> PipeNetwork:
    plant, fluid, branches = data["plant"], data["fluid"], data["pipes"] + data["racks"]
    index = {node: k for k, node in enumerate(data["nodes"])}
    column = lambda key: np.array([float(branch.get(key, 0.0)) for branch in branches])  # noqa: E731
    nodes, m = len(index), len(branches)
    held, supply = np.full(nodes, np.nan), np.full(nodes, np.nan)
    held[index[plant["supply"]]] = plant["p_return_pa"] + plant["dp_pa"]
    held[index[plant["ret"]]] = plant["p_return_pa"]
    supply[index[plant["supply"]]] = plant["t_supply_k"]
    return PipeNetwork(
        name=name,
        density=fluid["density_kg_m3"],
        viscosity=fluid["viscosity_pa_s"],
        heat_capacity=fluid["cp_j_kgk"],
        gravity=9.80665,
        friction="swamee-jain",
        junction=np.array(data["nodes"]),
        elevation=np.zeros(nodes),
        demand=np.zeros(nodes),
        held=held,
        supply=supply,
        branch=np.array([branch["id"] for branch in branches]),
        kind=np.array(["pipe"] * m),
        start=np.array([index[branch["a"]] for branch in branches]),
        end=np.array([index[branch["b"]] for branch in branches]),
        length=column("length_m"),
        diameter=column("d_m"),
        roughness=column("rough_m"),
        zeta=column("zeta"),
        factor=np.zeros(m),
        exponent=np.full(m, 2.0),
        shutoff=np.zeros(m),
        quadratic=np.zeros(m),
        min_flow=np.full(m, -np.inf),
        max_flow=np.full(m, np.inf),
        heat=column("heat_w"),
        conductance=np.zeros(m),
        ambient=np.full(m, 293.15),
        notes=("friction by Swamee and Jain, 64 / Re below 2000",),
    )
