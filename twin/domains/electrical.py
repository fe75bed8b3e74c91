"""Power flow through the islands that converters part, loads first, DC before AC."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin import columns
from twin.block import Block, stacked
from twin.columns import Array
from twin.elements import POWER_BASE, Converter, Island, Load, System
from twin.kernels import power_flow
from twin.kernels.arrays import add_rows
from twin.kernels.cell import Ints1, Reals2, Reals3, cell, kernel
from twin.kernels.power_flow import IM, RE
from twin.kernels.subset import Packed, Table
from twin.kernels.sums import Groups, grouped


def shares(plant: System, load: Load) -> tuple[Array, Array]:
    """Share of a consumer's power on each of its live cords, and whether it has one and is in service, (cord, 1|S).

    Live cords share in the ratio of their shares; if only cords of share 0 are live, they take over equally.
    """
    live = plant.live[load.bus] * load.in_service
    stated, equal = _normal(load, load.share * live), _normal(load, live)
    return np.where(stated > 0, stated, np.where(_sum(load, stated) > 0, 0.0, equal)), _sum(load, live) > 0


def _sum(load: Load, weight: Array) -> Array:
    """Sum of a weight over the cords of each consumer, for each cord."""
    rows = load.power.rows
    count = int(rows.max()) + 1 if len(rows) else 0
    return add_rows(np.zeros((count, weight.shape[1]), like=weight), rows, weight)[rows]


def _normal(load: Load, weight: Array) -> Array:
    sums = _sum(load, weight)
    return weight / np.where(sums > 0, sums, 1.0)


# ---- one island --------------------------------------------------------------------------------------------------


def _in_parallel(plant: System, island: Island) -> power_flow.Network:
    """The network of an island in which each branch is all those that its row stands for, in parallel.

    A bus is all those that it stands for, too: their currents balance together.
    """
    parts = ((columns.line, island.line), (columns.source, island.source), (columns.converter, island.converter))
    counts = np.concatenate([plant.counts[kind][rows] for kind, rows in parts])[:, None]
    n = island.network
    if (counts == 1.0).all():
        return n
    return replace(n, series=counts * n.series, shunt_start=counts * n.shunt_start, shunt_end=counts * n.shunt_end)


class Demand(NamedTuple):
    """What consumers draw on their cords: share of a solved power, and reactive over active power [1] (cord, lanes)."""

    share: Reals2
    tangent: Reals2


class Behind(NamedTuple):
    """What converters take [W], and reactive over active power [1] (converter, lanes)."""

    taken: Reals2
    tangent: Reals2


@kernel
def demand(i, s, cords: Groups, drawn: Demand, feeding: Groups, behind: Behind, solved: Reals2, out: Reals3):
    """Complex power drawn at a bus, and at all like it, by consumers and by the converters that it feeds, per unit."""
    active = 0.0
    reactive = 0.0
    for u in range(cords.first[i], cords.first[i + 1]):
        power = cords.times[u] * (drawn.share[u, s] * solved[cords.row[u], s])
        active += power
        reactive += power * drawn.tangent[u, s]
    for u in range(feeding.first[i], feeding.first[i + 1]):
        c = feeding.row[u]
        power = feeding.times[u] * behind.taken[c, s]
        active += power
        reactive += power * behind.tangent[c, s]
    out[i, s, RE] = active / POWER_BASE
    out[i, s, IM] = reactive / POWER_BASE


class Branches(Table):
    """Branches of an island per unit: admittances, own and mutual at the start and at the end, (branch, scenario)."""

    own_start_re: Reals2
    own_start_im: Reals2
    mutual_start_re: Reals2
    mutual_start_im: Reals2
    mutual_end_re: Reals2
    mutual_end_im: Reals2
    own_end_re: Reals2
    own_end_im: Reals2


class Joined(NamedTuple):
    """Buses at both ends of branches, and the row that each has among all of its kind."""

    start: Ints1
    end: Ints1
    row: Ints1


@cell
def entering(vr, vi, own_re, own_im, wr, wi, mutual_re, mutual_im):
    """Complex power that enters a branch at a voltage V, W being that of its other end: V conj(own V + mutual W)."""
    cr = own_re * vr - own_im * vi + mutual_re * wr - mutual_im * wi
    ci = own_re * vi + own_im * vr + mutual_re * wi + mutual_im * wr
    return vr * cr + vi * ci, vi * cr - vr * ci


@cell
def at_start(l, s, branch: Branches, joined: Joined, voltage: Reals3):
    """Complex power into the start of a branch, per unit."""
    vr = voltage[joined.start[l], s, RE]
    vi = voltage[joined.start[l], s, IM]
    wr = voltage[joined.end[l], s, RE]
    wi = voltage[joined.end[l], s, IM]
    mutual_re = branch.mutual_start_re[l, s]
    mutual_im = branch.mutual_start_im[l, s]
    return entering(vr, vi, branch.own_start_re[l, s], branch.own_start_im[l, s], wr, wi, mutual_re, mutual_im)


@cell
def at_end(l, s, branch: Branches, joined: Joined, voltage: Reals3):
    """Complex power into the end of a branch, per unit."""
    vr = voltage[joined.end[l], s, RE]
    vi = voltage[joined.end[l], s, IM]
    wr = voltage[joined.start[l], s, RE]
    wi = voltage[joined.start[l], s, IM]
    mutual_re = branch.mutual_end_re[l, s]
    mutual_im = branch.mutual_end_im[l, s]
    return entering(vr, vi, branch.own_end_re[l, s], branch.own_end_im[l, s], wr, wi, mutual_re, mutual_im)


@kernel
def line_flows(l, s, branch: Branches, joined: Joined, voltage: Reals3, rating: Reals2, out: columns.line):
    """Current over rating, power and loss of lines."""
    pa, qa = at_start(l, s, branch, joined, voltage)
    pb, qb = at_end(l, s, branch, joined, voltage)
    i = joined.start[l]
    k = joined.end[l]
    va = math.sqrt(voltage[i, s, RE] * voltage[i, s, RE] + voltage[i, s, IM] * voltage[i, s, IM])
    vb = math.sqrt(voltage[k, s, RE] * voltage[k, s, RE] + voltage[k, s, IM] * voltage[k, s, IM])
    ia = math.sqrt(pa * pa + qa * qa) / (va if va > 0.0 else 1.0)
    ib = math.sqrt(pb * pb + qb * qb) / (vb if vb > 0.0 else 1.0)
    r = joined.row[l]
    out.loading[r, s] = max(ia, ib) / rating[r, s]
    out.power[r, s] = abs(pa) * POWER_BASE
    out.loss[r, s] = (pa + pb) * POWER_BASE


@kernel
def deliver(l, s, branch: Branches, joined: Joined, voltage: Reals3, out: columns.source):
    """Power of sources, behind their ties."""
    p, q = at_start(l, s, branch, joined, voltage)
    out.power[joined.row[l], s] = p * POWER_BASE
    out.reactive[joined.row[l], s] = q * POWER_BASE


@kernel
def convert(l, s, branch: Branches, joined: Joined, voltage: Reals3, c: Converter, on: Reals2, out: columns.converter):
    """What converters give and take: P_in = P_out + S (a + b k + c k²), k = P_out / S."""
    given, _reactive = at_start(l, s, branch, joined, voltage)
    r = joined.row[l]
    output = given * POWER_BASE
    k = output / c.rating[r, s]
    lost = c.rating[r, s] * (c.fixed[r, s] + k * (c.proportional[r, s] + k * c.square[r, s]))
    taken = on[r, s] * (output + lost)
    out.output[r, s] = output
    out.power[r, s] = taken
    out.loading[r, s] = k
    out.loss[r, s] = taken - output


@kernel
def energise(i, s, row: Ints1, voltage: Reals3, out: columns.bus):
    """Voltage magnitudes of buses, per unit."""
    re = voltage[i, s, RE]
    im = voltage[i, s, IM]
    out.voltage[row[i], s] = math.sqrt(re * re + im * im)


@kernel
def trust(l, s, good: Reals2):
    """Nothing has failed yet."""
    good[l, s] = 1.0


@kernel
def agree(l, s, gap: Reals2, tolerance: Reals2, good: Reals2):
    """Whether the power flow of an island settled in a scenario, so far that of all islands."""
    good[l, s] = good[l, s] if gap[l, s] <= tolerance[0, 0] else 0.0


class Results(NamedTuple):
    """Ledgers that a power flow fills."""

    bus: Packed
    line: Packed
    converter: Packed
    source: Packed


class Train:
    """The power train of a plant in a block: its islands solved one after the other, loads first.

    stages: the power flow, at the peaks if `peak`, into the ledgers `out`. good: 1 where all islands were solved (1,
    lanes). `take` sets the topology.
    """

    def __init__(self, b: Block, out: Results, peak: bool = False) -> None:
        plant, c = b.plant, b.plant.converter
        self.plant, self.good = plant, b.zeros(1)
        self.islands = [power_flow.Bound(_in_parallel(plant, i), b.lanes, b.xp) for i in plant.islands]
        converters, on = b.table(c), b.given(c.in_service * plant.live[c.input])
        reactive = b.given(np.where((plant.direct[c.input] == 1)[:, None], 0.0, c.tangent))
        rating, tolerance = b.given(plant.line.rating), b.numbers(np.full((1, 1), power_flow.TOLERANCE))
        self.stages = b.bind(trust, 1, self.good)
        for island, bound in zip(plant.islands, self.islands, strict=True):
            count = len(island.bus)
            for axis, part in ((RE, np.real), (IM, np.imag)):
                start = np.repeat(part(island.voltage[:1]), island.network.n, axis=0)
                b.given(part(island.voltage), bound.slack[:, :, axis])
                b.state(start, bound.voltage[:, :, axis])
            cords, drawn, feeding = _demand(b, island, peak)
            behind = Behind(out.converter.power, reactive)
            self.stages += [
                *b.bind(demand, count, cords, drawn, feeding, behind, b.solved, bound.load),
                bound.call,
                *b.bind(agree, 1, bound.gap, tolerance, self.good),
            ]
            parts = (
                (island.line, line_flows, (rating, out.line)),
                (island.source, deliver, (out.source,)),
                (island.converter, convert, (converters, on, out.converter)),
            )
            first = 0
            for rows, kernel_, more in parts:
                branches = slice(first, first + len(rows))
                joined = Joined(*map(b.integers, (island.network.start[branches], island.network.end[branches], rows)))
                table = b.table(_branches(island.network, branches))
                self.stages += b.bind(kernel_, len(rows), table, joined, bound.voltage, *more)
                first += len(rows)
            self.stages += b.bind(energise, count, b.integers(island.bus), bound.voltage, out.bus)

    def take(self, scenario: int) -> None:
        """Work on the topology of a scenario."""
        for island, bound in zip(self.plant.islands, self.islands, strict=True):
            bound.take(island.voltage, scenario, self.plant.scenarios)


def _demand(b: Block, island: Island, peak: bool) -> tuple[Groups, Demand, Groups]:
    """Cords by the buses of an island, what they draw, and the converters that its buses feed."""
    plant, count = b.plant, len(island.bus)
    place = np.full(len(plant.voltage), -1)
    place[island.bus] = np.arange(count)
    bus, rows, share, tangent = [np.zeros(0, int)], [np.zeros(0, int)], list[Array](), list[Array]()
    times = [np.zeros(0)]
    for load in plant.load:
        mine = np.flatnonzero(place[load.bus] >= 0)
        ref = load.peak if peak else load.power
        bus.append(place[load.bus[mine]])
        rows.append(b.rows(ref)[mine])
        times.append(plant.times(ref)[mine])
        share.append(shares(plant, load)[0][mine])
        alternating = (plant.direct[load.bus[mine]] != 1)[:, None]
        tangent.append(np.broadcast_to(load.tangent, (len(load.bus), load.tangent.shape[1]))[mine] * alternating)
    cords, order = grouped(np.concatenate(bus), np.concatenate(rows), count, np.concatenate(times))
    behind = np.flatnonzero(place[plant.converter.input] >= 0)
    equal = plant.counts[columns.converter][behind]
    feeding, _ = grouped(place[plant.converter.input[behind]], behind, count, equal)
    weights = (b.given(stacked(w)[order]) for w in (share, tangent))
    return b.groups(cords), Demand(*weights), b.groups(feeding)


def _branches(network: power_flow.Network, part: slice) -> Branches:
    """Admittances of some branches of a network."""
    table = Branches()
    own = [(np.real(y[part]), np.imag(y[part])) for y in power_flow.admittances(network)]
    for name, values in zip(Branches.real_columns(), (x for pair in own for x in pair), strict=True):
        setattr(table, name, values)
    return table
