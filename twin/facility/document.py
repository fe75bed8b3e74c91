"""A facility as one plain mapping that says everything, and back: what a written result is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from twin.facility.build import build
from twin.facility.catalogue import catalogue
from twin.facility.files import Raw
from twin.facility.graph import Facility


def document(facility: Facility) -> Raw:
    """All that `restored` takes, for JSON: components and sections as the case and the overrides left them.

    `shipped` are the catalogue's entries that components are made of, as they are today.
    """
    spec: Raw = dict(facility.spec)
    own = spec["catalogue"]
    used = set(facility.models.values()) | {str(entry.get("base")) for entry in own.values()}
    shipped = {n: _entry(catalogue()[n]) for n in sorted(used - set(own)) if n in catalogue()}
    return _plain(
        {
            "source": facility.source,
            "name": facility.name,
            "description": facility.description,
            "cases": facility.cases,
            "connections": [[c, ".".join(a), ".".join(b)] for c, a, b in facility.connections],
            "shipped": shipped,
            "spec": spec,
        }
    )


def restored(data: Raw) -> Facility:
    """The facility of a `document`, of the same hash. Raises LayoutError for what this program cannot build."""
    return replace(build(data["source"], layout(data)), cases=data["cases"], spec=data["spec"])


def changed(facility: Facility, case: str | None, overrides: Mapping[str, object]) -> Facility:
    """The facility with one of its cases and other values by address, as `load` takes them. Raises LayoutError."""
    data = document(facility)
    made = build(data["source"], layout(data) | {"cases": data["cases"]}, case, overrides)
    return replace(made, spec={**made.spec, "catalogue": facility.spec["catalogue"]})


def layout(data: Raw) -> Raw:
    """A `document` in the structure of a layout's file, without cases."""
    spec = data["spec"]
    sections = {k: v for k, v in spec.items() if k not in ("links", "ignore", "catalogue")}
    return {
        "version": 1,
        "name": data["name"],
        "description": data["description"],
        **sections,
        "limits": {"ignore": list(spec["ignore"])},
        "catalogue": data["shipped"] | spec["catalogue"],
        "connections": data["connections"],
    }


def _entry(shipped: Raw) -> Raw:
    """A catalogue entry as layouts write it."""
    return {"type": shipped["type"]} | {k: v["value"] for k, v in shipped["fields"].items()}


def _plain(value: Any) -> Any:
    """The value with lists for tuples and Python's numbers for NumPy's."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
