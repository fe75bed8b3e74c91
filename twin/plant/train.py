"""The power train as islands: which buses stand together, in which order they are solved, which of them are live."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import NamedTuple, TypeVar

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.columns import Array, Index
from twin.elements import POWER_BASE, Converter, Island, Level, Line, Source
from twin.kernels import power_flow

Switched = TypeVar("Switched", Line, Converter, Source)

TIE = 1e-6
"""Per-unit reactance, on its own rating, between a regulated source and its bus."""


def voltages(levels: Level, n: int, names: list[str], faults: list[str]) -> tuple[Array, Array]:
    """Nominal voltage of every bus, V, and 1 where it is direct; faults where components disagree."""
    voltage, direct, who = np.full(n, np.nan), np.full(n, -1), [""] * n
    for bus, value, dc, name in zip(levels.bus, levels.voltage[:, 0], levels.direct, levels.names, strict=True):
        if np.isnan(voltage[bus]):
            voltage[bus], who[bus] = value, name
        elif abs(value / voltage[bus] - 1) > 1e-3:
            faults.append(
                f"bus {names[bus]}: {who[bus]} expects {voltage[bus]:g} V but {name} expects {value:g} V; "
                "set both to the same voltage or put a transformer between"
            )
        if dc >= 0 and direct[bus] >= 0 and dc != direct[bus]:
            faults.append(f"bus {names[bus]}: {who[bus]} and {name} join AC and DC; put a rectifier between")
        direct[bus] = max(direct[bus], dc)
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
    _, island = connected_components(coo_array((np.ones(len(ls)), (ls, le)), shape=(n, n)), directed=False)
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
    dark = np.flatnonzero(~_live(Train(_closed(line), _closed(converter), _closed(source)), n)[:, 0])
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
    patterns, which = np.unique(stacked, axis=1, return_inverse=True)
    a, b = len(line.start), len(line.start) + len(converter.input)
    columns = []
    for pattern in patterns.T:
        on = np.flatnonzero(pattern[:a])
        s, e = line.start[on], line.end[on]
        _, group = connected_components(coo_array((np.ones(len(s)), (s, e)), shape=(n, n)), directed=False)
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
    return np.stack(columns, 1)[:, np.ravel(which)] if columns else np.ones((n, 1), bool)


def _island(bus: Index, train: Train, live: Array) -> Island:
    """One network: its buses, and a slack bus behind a tie for every source and converter output in it."""
    line, converter, source = train
    number = {int(b): i for i, b in enumerate(bus)}
    inside = lambda ends: np.array([k for k, e in enumerate(ends.astype(int)) if int(e) in number], np.int64)  # noqa: E731
    lines, sources, outputs = inside(line.start), inside(source.bus), inside(converter.output)
    local = lambda ends: np.array([number[int(e)] for e in ends], np.int64)  # noqa: E731
    behind = np.concatenate([local(source.bus[sources]), local(converter.output[outputs])]).astype(np.int64)
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
        start=np.concatenate([local(line.start[lines]), slack]).astype(np.int64),
        end=np.concatenate([local(line.end[lines]), behind]).astype(np.int64),
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
