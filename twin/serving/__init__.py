"""From chips to tokens: measured fronts, models, roofline, operating points, queueing, platforms and agents."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twin.facility.catalogue import measured_runs, published_constants
    from twin.facility.shapes import Shape
    from twin.serving.agents import Agent, Pools, request_stations, serve_agents
    from twin.serving.fronts import Front, front
    from twin.serving.models import derive_model, known_models
    from twin.serving.platforms import (
        Options,
        best,
        calibrated_engines,
        calibrated_platforms,
        chip_power,
        power_draw,
        server,
    )
    from twin.serving.points import Served
    from twin.serving.roofline import Instance, Server
    from twin.serving.stations import Load, Station, closed_network, delay, open_network, queue, rate_limit

_HOMES = {
    "Agent": "serving.agents",
    "Front": "serving.fronts",
    "Instance": "serving.roofline",
    "Load": "serving.stations",
    "Options": "serving.platforms",
    "Pools": "serving.agents",
    "Served": "serving.points",
    "Server": "serving.roofline",
    "Shape": "facility.shapes",
    "Station": "serving.stations",
    "best": "serving.platforms",
    "calibrated_engines": "serving.platforms",
    "calibrated_platforms": "serving.platforms",
    "chip_power": "serving.platforms",
    "power_draw": "serving.platforms",
    "closed_network": "serving.stations",
    "delay": "serving.stations",
    "derive_model": "serving.models",
    "front": "serving.fronts",
    "known_models": "serving.models",
    "measured_runs": "facility.catalogue",
    "open_network": "serving.stations",
    "published_constants": "facility.catalogue",
    "queue": "serving.stations",
    "rate_limit": "serving.stations",
    "request_stations": "serving.agents",
    "serve_agents": "serving.agents",
    "server": "serving.platforms",
}

__all__ = [
    "Agent",
    "Front",
    "Instance",
    "Load",
    "Options",
    "Pools",
    "Served",
    "Server",
    "Shape",
    "Station",
    "best",
    "calibrated_engines",
    "calibrated_platforms",
    "chip_power",
    "closed_network",
    "delay",
    "derive_model",
    "front",
    "known_models",
    "measured_runs",
    "open_network",
    "power_draw",
    "published_constants",
    "queue",
    "rate_limit",
    "request_stations",
    "serve_agents",
    "server",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'twin.serving' has no attribute {name!r}")
    value = getattr(import_module(f"twin.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
