"""The power train as islands: which buses stand together, in which order they are solved, which of them are live."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import NamedTuple, TypeVar

import numpy as np

from twin.columns import Array, Index
from twin.elements import POWER_BASE, Converter, Island, Level, Line, Source
from twin.kernels import power_flow
from twin.kernels.connected import connected

Switched = TypeVar("Switched", Line, Converter, Source)

TIE = 1e-6
"""Per-unit reactance, on its own rating, between a regulated source and its bus."""


def voltages(levels: Level, n: int, names: list[str], faults: list[str]) -> tuple[Array, Array]:
    """Nominal voltage of every bus, V, and 1 where it is direct; faults where components disagree."""
    bus, value, direct = levels.bus, levels.voltage[:, 0], np.full(n, -1)
    known = np.flatnonzero(~np.isnan(value))
    of, at = np.unique(bus[known], return_index=True)
    first = np.full(n, -1)  # row that says the voltage of a bus
    first[of] = known[at]
    voltage = np.where(first >= 0, value[first], np.nan) if len(value) else np.full(n, np.nan)
    np.maximum.at(direct, bus, levels.direct)
    apart = np.abs(value / voltage[bus] - 1) > 1e-3
    mixed = (levels.direct >= 0) & (levels.direct != direct[bus])
    before: dict[int, int] = {}
    for row in np.flatnonzero(np.isin(bus, bus[apart | mixed])):
        b, name, who, dc = bus[row], levels.names[row], levels.names[first[bus[row]]], levels.direct[row]
        if apart[row]:
            faults.append(
                f"bus {names[b]}: {who} expects {voltage[b]:g} V but {name} expects {value[row]:g} V; "
                "set both to the same voltage or put a transformer between"
            )
        if dc >= 0 and before.get(b, -1) >= 0 and dc != before[b]:
            faults.append(f"bus {names[b]}: {who} and {name} join AC and DC; put a rectifier between")
        before[b] = max(before.get(b, -1), dc)
    return voltage, direct


class Train(NamedTuple):
    """What the power train consists of."""

    line: Line
    converter: Converter
    source: Source


def islands(train: Train, n: int, size: int, names: list[str], faults: list[str]) -> tuple[tuple[Island, ...], Array]:
    """Networks in the order of solution, loads first, and which buses are live in each scenario."""
    line, converter, source = train
    ls, le = line.start, line.end
    ci, co = converter.input, converter.output
    island = connected(n, ls, le)
    depth = np.zeros(island.max(initial=-1) + 1, int)
    for turn in range(len(depth) + 1):
        deeper = depth.copy()
        np.maximum.at(deeper, island[ci], depth[island[co]] + 1)
        if np.array_equal(deeper, depth):
            break
        if turn == len(depth):
            ring = sorted({names[b] for b in co[depth[island[co]] > len(depth) - 2]})
            faults.append(f"converters feed each other in a circle: {', '.join(ring[:4])}")
            return (), np.ones((n, 1), bool)
        depth = deeper
    live = _live(train, n)
    opened = any(np.any(element.in_service <= 0.5) for element in train)
    whole = _live(Train(_closed(line), _closed(converter), _closed(source)), n) if opened else live
    dark = np.flatnonzero(~whole[:, 0])
    if len(dark):
        faults.append(f"bus {names[dark[0]]} has no path to a utility or generator ({len(dark)} such buses)")
        return (), live
    deepest = depth.max(initial=-1)
    return tuple(_island(np.flatnonzero(depth[island] == d), train, live) for d in range(deepest + 1)), live


def _closed(element: Switched) -> Switched:
    """The element with all of its rows in service."""
    return replace(element, in_service=np.ones_like(element.in_service[:, :1]))


def _live(train: Train, n: int) -> Array:
    """Buses with a path to a source, (bus, 1|S); one search for each distinct pattern of service."""
    line, converter, source = train
    status = [e.in_service for e in train]
    width = max((s.shape[1] for s in status), default=1)
    stacked = np.concatenate([np.broadcast_to(s, (len(s), width)) for s in status]) > 0.5
    number: dict[bytes, int] = {}
    which = [number.setdefault(packed.tobytes(), len(number)) for packed in np.packbits(stacked, axis=0).T]
    patterns = [stacked[:, which.index(k)] for k in range(len(number))]
    a, b = len(line.start), len(line.start) + len(converter.input)
    columns = []
    for pattern in patterns:
        on = np.flatnonzero(pattern[:a])
        group = connected(n, line.start[on], line.end[on])
        lit = np.zeros(group.max(initial=-1) + 1, bool)
        lit[group[source.bus[pattern[b:]]]] = True
        on = pattern[a:b]
        ci, co = converter.input[on], converter.output[on]
        for _ in range(len(lit)):
            before = lit.sum()
            np.logical_or.at(lit, group[co], lit[group[ci]])
            if lit.sum() == before:
                break
        columns.append(lit[group])
    return np.stack(columns, 1)[:, which]


def _island(bus: Index, train: Train, live: Array) -> Island:
    """One network: its buses, and a slack bus behind a tie for every source and converter output in it."""
    line, converter, source = train
    number = np.full(len(live), -1)
    number[bus] = np.arange(len(bus))
    lines, sources, outputs = (np.flatnonzero(number[at] >= 0) for at in (line.start, source.bus, converter.output))
    behind = np.concatenate([number[source.bus[sources]], number[converter.output[outputs]]])
    slack = len(bus) + np.arange(len(behind))
    columns = [getattr(e, f.name) for e in train for f in fields(e) if f.type == "Array"]
    width = max(x.shape[1] for x in (*columns, live))
    wide = lambda x: np.broadcast_to(x, (len(x), width))  # noqa: E731
    awake = wide(converter.in_service[outputs]) * wide(live)[converter.input[outputs]]
    on = np.concatenate([wide(source.in_service[sources]), awake])
    rating = np.concatenate([wide(source.rating[sources]), np.maximum(wide(converter.rating[outputs]), POWER_BASE)])
    tie = on / (1j * TIE * POWER_BASE / rating)
    series = np.concatenate([wide(line.in_service[lines]) / wide(line.impedance[lines]), tie])
    shunt = wide(line.in_service[lines]) * wide(line.shunt[lines]) / 2.0
    shunt = np.concatenate([shunt, np.zeros((len(behind), width))])
    ratio = np.concatenate([wide(line.ratio[lines]), np.ones((len(behind), width))])
    held = np.concatenate([wide(source.voltage[sources]), wide(converter.voltage[outputs])])
    network = power_flow.Network(
        n=len(bus) + len(behind),
        start=np.concatenate([number[line.start[lines]], slack]),
        end=np.concatenate([number[line.end[lines]], behind]),
        series=_narrow(series),
        shunt_start=_narrow(shunt),
        shunt_end=_narrow(shunt),
        ratio=_narrow(ratio),
        slack=slack,
    )
    return Island(bus, network, lines, sources, outputs, _narrow(held + 0j))


def _narrow(x: Array) -> Array:
    """Length 1 along the scenario axis where all scenarios are equal."""
    return np.ascontiguousarray(x[:, :1]) if x.shape[1] > 1 and (x == x[:, :1]).all() else np.ascontiguousarray(x)
