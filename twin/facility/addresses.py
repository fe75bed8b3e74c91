"""Addresses: the one way to name a field of a layout, in files, scenarios and studies.

Where several reach one field, each later source wins over the earlier: catalogue, component, case, override, scenario.
Within one source the narrower wins, in whatever order they stand: a component by its name (`r1.it_power` or
`rack[r1].it_power`) over a catalogue model, that over a type, that over a dimension. Two that are equally narrow and
say different things are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple, TypeVar

from twin.facility.files import hint

_ADDRESS = re.compile(r"^(?P<head>[A-Za-z0-9_.\-]+?)(\[(?P<name>[^\]]+)\])?\.(?P<field>[A-Za-z_]\w*)$")

T = TypeVar("T")


class Unknown(ValueError):
    """An address means nothing that is there."""


class Address(NamedTuple):
    """`head.field` or `head[name].field`: head is a section, a component, or what a group of components is called."""

    head: str
    name: str | None
    field: str


def split(text: str) -> Address:
    """The parts of an address: `kind.field`, `kind[name].field`, `name.field` or `section.field`.

    Raises ValueError for what is none.
    """
    match = _ADDRESS.match(text)
    if not match:
        raise ValueError(f"{text!r} is not an address such as site.dry_bulb, rack.it_power or rack[r01].it_power")
    return Address(match["head"], match["name"], match["field"])


def choose(
    text: str,
    names: Collection[str],
    groups: Callable[[str], Sequence[str]],
    sections: Collection[str] = (),
) -> list[str]:
    """Names of the components that an address means.

    names: of all components. groups: what a component may be called together with others, from narrow to broad:
    catalogue model, type, dimension. sections: of the layout, for the hint. Raises ValueError where it means another
    type, Unknown where it means nothing.
    """
    head, name, _ = split(text)
    if name is not None:
        if name in names and head not in groups(name):
            raise ValueError(f"{text}: {name} is no {head}")
        chosen = [name] if name in names else []
    else:
        chosen = [head] if head in names else [n for n in names if head in groups(n)]
    if not chosen:
        known = [*sections, *names, *{group for n in names for group in groups(n)}]
        raise Unknown(f"{text}: nothing here is called {name or head!r}{hint(name or head, known)}")
    return chosen


def breadth(text: str, names: Collection[str], groups: Iterable[Sequence[str]]) -> int:
    """How broad an address is: 0 for a component by its name, then the last place that its head has in any groups."""
    head, name, _ = split(text)
    if name is not None or head in names:
        return 0
    return max(1 + place for group in groups for place, word in enumerate(group) if word == head)


def settle(
    given: Iterable[tuple[str, int, Sequence[str], T]], same: Callable[[T, T], bool]
) -> tuple[dict[str, dict[str, T]], list[str]]:
    """Values of one source by field and component, and a sentence for each two that are equally narrow and differ.

    given: addresses with their breadth, the components that they mean, and their value.
    """
    settled: dict[str, dict[str, tuple[str, int, T]]] = {}
    faults = []
    for text, width, chosen, value in sorted(given, key=lambda row: -row[1]):
        field = settled.setdefault(split(text).field, {})
        for n in chosen:
            other, equal, said = field.get(n, (text, -1, value))
            if equal == width and not same(said, value):
                faults.append(f"{text}: {other} says otherwise and is as narrow; keep one")
                break
            field[n] = text, width, value
    return {field: {n: row[2] for n, row in rows.items()} for field, rows in settled.items()}, faults


RENAMED = {
    "arrivals": "arrival_rate",
    "hits": "hit_rate",
    "largest_instance": "max_instance_size",
    "least_cells": "min_cells",
    "least_clock": "min_clock",
    "least_fan": "min_fan_speed",
    "least_flow": "min_flow",
    "least_opening": "min_opening",
    "least_pumps": "min_pumps",
    "most_first_token": "max_ttft",
    "most_flow": "max_flow",
    "most_return": "max_return_temperature",
    "most_speed": "max_speed",
    "most_supply": "max_supply_temperature",
    "most_temperature": "max_return_temperature",
    "most_token_time": "max_tpot",
    "most_velocity": "max_velocity",
    "retrieval": "retrieval_time",
    "software": "software_time",
    "spread": "scv",
    "think": "think_time",
    "tool": "tool_time",
}
"""Fields by the names that they had before version 0.2, and their names now."""


REPLACED = {"clock_exponent": ("voltage_slope", "min_voltage", "uncore_share")}
"""Fields that others stand in place of since version 0.2, which mean something else."""


def meant(field: str, known: Collection[str]) -> str:
    """The end of a message about an unknown field: its name now, what stands in its place, or what was meant."""
    now, others = RENAMED.get(field), REPLACED.get(field, ())
    if others and set(others) <= set(known):
        return f"; in its place there are {', '.join(others)}"
    return f"; it is now called {now!r}" if now in known else hint(field, known)
