"""A digital twin of AI factories: power, coolant, heat and air in one solve, tokens and cost out of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.airflow import FiniteVolume, Mixed
    from twin.dataset import Result, bound, solve
    from twin.facility import Facility, load
    from twin.inlets import Response
    from twin.layout import LayoutError, catalogue, shipped
    from twin.limits import Bound
    from twin.networks import contingencies, pipe_flow, power_flow
    from twin.schemas import schema
    from twin.search import optimum
    from twin.value import worth

_HOMES = {
    "FiniteVolume": "airflow",
    "Mixed": "airflow",
    "Response": "inlets",
    "Result": "dataset",
    "bound": "dataset",
    "solve": "dataset",
    "Facility": "facility",
    "LayoutError": "layout",
    "catalogue": "layout",
    "load": "facility",
    "schema": "schemas",
    "shipped": "layout",
    "Bound": "limits",
    "contingencies": "networks",
    "optimum": "search",
    "worth": "value",
    "pipe_flow": "networks",
    "power_flow": "networks",
}

__all__ = [
    "Bound",
    "Facility",
    "FiniteVolume",
    "LayoutError",
    "Mixed",
    "Response",
    "Result",
    "bound",
    "catalogue",
    "contingencies",
    "load",
    "optimum",
    "pipe_flow",
    "power_flow",
    "schema",
    "shipped",
    "solve",
    "worth",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'twin' has no attribute {name!r}")
    value = getattr(import_module(f"twin.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
