"""Jumpers: branches of so little impedance that arithmetic loses what flows around them, such as closed breakers.

A balance is known to the rounding of the largest admittance at its bus, and the elimination of a stiff pair of buses
leaves of all other admittances what that rounding spares. Buses that jumpers join are therefore solved as one. The
drops along jumpers follow from the currents that must pass them, L drop = current with the Laplacian L of the jumpers
alone, which keeps all digits; what the drops change in the currents of everything else is taken into the next solve. A
pass leaves about 1 / STIFF of the last error, so that the network is solved as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import SuperLU, splu

from twin.kernels import newton
from twin.kernels import power_flow as chord
from twin.kernels.connected import connected
from twin.readers.records import DEAD, PV, Array, Complex, Index, Mask, PowerNetwork

STIFF = 1e6
"""Admittance of a jumper over the largest of everything else at the buses that it joins."""

LEAST = 1e6
"""Admittance below which no branch is a jumper [pu]."""

ALONE = 1e9
"""The same where jumpers are all that there is [pu]."""


@dataclass(frozen=True, eq=False)
class Jumpers:
    """The jumpers of a network; the network without them, and that in which each group of joined buses is one bus."""

    branch: Index
    """Jumpers, position among the branches, (jumper,)."""
    apart: PowerNetwork
    """All buses, without jumpers; what these charge is at the buses."""
    joined: PowerNetwork
    """One bus for each group."""
    node: Index
    """Bus of `joined` for each bus, (bus,)."""
    first: Index
    """Bus of each group whose voltage is that of `joined`: the one that holds a voltage, if any does, (node,)."""
    others: Index
    """All other buses of groups, whose drops are solved for, (other,)."""
    laplacian: SuperLU
    """Of the jumpers between `others`, factored."""

    def loads(self, load: Complex) -> Complex:
        """Sums (node, scenario) of what buses consume (bus, scenario)."""
        return _sums(self.node, load, len(self.first))

    def kinds(self, kind: Index) -> Index:
        """Kinds (bus, scenario) of the buses from those of `joined` (node, scenario)."""
        wide, own = kind[self.node], self.apart.kind[:, None]
        is_other = np.isin(np.arange(len(self.node)), self.others)[:, None]
        return np.where(is_other & (wide != DEAD), own, wide)

    def drops(
        self, network: chord.Network, injection: Complex, voltage: Complex, drop: Complex
    ) -> tuple[Complex, Complex]:
        """Drops to each bus [pu] (bus,), and the power that `joined` misses by them [pu] (node,), of one scenario.

        `network` is `apart` as kernels take it, `injection` [pu] (bus,) what is generated less what is consumed,
        `voltage` [pu] (node,) that of `joined`, and `drop` (bus,) the drops as far as they are known.
        """
        as_one, new = voltage[self.node], np.zeros(len(self.node), complex)
        new[self.others] = self.laplacian.solve(self._currents(network, injection, as_one + drop)[self.others])
        together, now = (self._currents(network, injection, v) for v in (as_one, as_one + new))
        return new, voltage * np.conj(_sums(self.node, now - together, len(self.first)))

    def _currents(self, network: chord.Network, injection: Complex, voltage: Complex) -> Complex:
        """Currents [pu] that go from the buses into jumpers (bus,), 0 without a voltage."""
        live = voltage != 0
        left = injection - newton.balance(network, self.apart.shunt, voltage[:, None])[:, 0]
        return np.where(live, np.conj(left / np.where(live, voltage, 1.0)), 0)


def find(net: PowerNetwork) -> Jumpers | None:
    """The jumpers of a network; None where it has none.

    Branches with a tap are none, and none joins two buses of which each holds a voltage.
    """
    size, stiff = _sizes(net)
    candidates = np.flatnonzero(stiff & (net.ratio == 1))
    chosen = _chosen(net, size, candidates) if len(candidates) else []
    if not chosen:
        return None
    n = len(net.bus)
    node = connected(n, net.start[chosen], net.end[chosen])
    first, holders = np.full(node.max() + 1, n), np.flatnonzero(net.kind >= PV)
    np.minimum.at(first, node, np.arange(n))
    first[node[holders]] = holders
    inside = (size > 0) & (node[net.start] == node[net.end]) & (net.ratio == 1)
    half = np.where(inside, net.charging / 2, 0)
    charged = net.shunt + _sums(net.start, half, n) + _sums(net.end, half, n)
    apart = replace(net, in_service=net.in_service & ~inside, shunt=charged)
    others = np.setdiff1d(np.arange(n), first)
    return Jumpers(
        branch=np.flatnonzero(inside),
        apart=apart,
        joined=_joined(apart, node.astype(np.int64), first),
        node=node.astype(np.int64),
        first=first,
        others=others,
        laplacian=_laplacian(net, np.flatnonzero(inside), others),
    )


def left(net: PowerNetwork) -> bool:
    """Whether a branch may be as stiff as a jumper and is none, as it has a tap."""
    return bool((_sizes(net)[1] & (net.ratio != 1)).any())


def _sizes(net: PowerNetwork) -> tuple[Array, Mask]:
    """Admittances [pu] of branches between two buses, 0 where nothing passes, and which may be jumpers', (branch,)."""
    live = net.in_service & (net.kind[net.start] != DEAD) & (net.kind[net.end] != DEAD) & (net.start != net.end)
    size = np.where(live & np.isfinite(net.series), np.abs(net.series), 0.0)
    return size, size >= min(ALONE, max(STIFF * size[size > 0].min(initial=np.inf), LEAST))


def _joined(net: PowerNetwork, node: Index, first: Index) -> PowerNetwork:
    """A network in which the buses of each node are its first one."""
    held = np.ones(len(net.bus))
    held[net.gen_bus[net.gen_in_service]] = net.gen_voltage[net.gen_in_service]
    holds = net.kind[net.gen_bus] >= PV  # what other generators give is given
    return replace(
        net,
        bus=net.bus[first],
        vn_kv=net.vn_kv[first],
        kind=net.kind[first],
        load=_sums(node, net.load, len(first)),
        shunt=_sums(node, net.shunt, len(first)),
        start=node[net.start],
        end=node[net.end],
        gen_bus=node[net.gen_bus],
        gen_voltage=held[first[node[net.gen_bus]]],
        gen_min_q=np.where(holds, net.gen_min_q, np.imag(net.gen_power)),
        gen_max_q=np.where(holds, net.gen_max_q, np.imag(net.gen_power)),
        initial=net.initial[first],
        label=None,
        node=None,
        taps=None,
    )


def _laplacian(net: PowerNetwork, jumpers: Index, others: Index) -> SuperLU:
    """The factored Laplacian of jumpers (other, other), all further buses at no drop; ValueError if it is singular."""
    row = np.full(len(net.bus), -1)
    row[others] = np.arange(len(others))
    start, end, y = row[net.start[jumpers]], row[net.end[jumpers]], net.series[jumpers]
    entries = [(start, start, y), (end, end, y), (start, end, -y), (end, start, -y)]
    i, k, values = (np.concatenate(part) for part in zip(*entries, strict=True))
    inside = (i >= 0) & (k >= 0)
    shape = (len(others), len(others))
    try:
        return splu(coo_array((values[inside], (i[inside], k[inside])), shape=shape).tocsc())
    except RuntimeError:
        names = ", ".join(map(str, net.branch[jumpers]))
        raise ValueError(f"{net.name}: some of the branches {names} cancel each other; leave those out") from None


def _sums(at: Index, values: Complex, count: int) -> Complex:
    """Sums of values (row, ...) by their place, (count, ...)."""
    total = np.zeros((count, *np.shape(values)[1:]), complex)
    np.add.at(total, at, values)
    return total


@dataclass
class _Group:
    """Buses that jumpers may join."""

    beside: float
    """Largest admittance that leaves it and is no candidate [pu]."""
    taken: float
    """What its buses take and give [pu]."""
    holds: bool
    """Whether one of them holds a voltage."""
    branches: list[int] = field(default_factory=list)
    formed: float = np.inf
    """Least admittance of its branches [pu]."""

    def stiff(self, outside: float) -> bool:
        """Whether its branches are jumpers, where `outside` is the largest candidate that leaves it [pu]."""
        around = max(outside, self.beside)
        return self.formed >= max(STIFF * max(around, self.taken), LEAST if around > 0 else ALONE)


def _chosen(net: PowerNetwork, size: Array, candidates: Index) -> list[int]:
    """Jumpers that join groups, position among the branches; `size` [pu] (branch,) is 0 where nothing passes.

    Groups grow along candidates of falling admittance, so that the branch by which one grows is the largest that leaves
    it.
    """
    taken, beside = np.abs(net.load) + np.abs(net.shunt), np.zeros(len(net.bus))
    np.add.at(taken, net.gen_bus, np.where(net.gen_in_service, np.abs(net.gen_power), 0.0))
    soft = size.copy()
    soft[candidates] = 0.0
    for ends in (net.start, net.end):
        np.maximum.at(beside, ends, soft)
    parent, groups, chosen = np.arange(len(net.bus)), dict[int, _Group](), list[int]()

    def root(bus: int) -> int:
        while parent[bus] != bus:
            parent[bus] = parent[parent[bus]]
            bus = parent[bus]
        return int(bus)

    for e in map(int, candidates[np.argsort(-size[candidates], kind="stable")]):
        ends, own = (root(int(net.start[e])), root(int(net.end[e]))), float(size[e])
        if ends[0] == ends[1]:
            continue
        a, b = (groups.setdefault(g, _Group(float(beside[g]), float(taken[g]), bool(net.kind[g] >= PV))) for g in ends)
        for group in (a, b):
            if group.branches and group.stiff(own):
                chosen += group.branches
        if a.holds and b.holds:
            a.beside, b.beside = max(a.beside, own), max(b.beside, own)
            continue
        parent[ends[1]] = ends[0]
        branches = [*a.branches, *b.branches, e]
        groups[ends[0]] = _Group(max(a.beside, b.beside), a.taken + b.taken, a.holds or b.holds, branches, own)
        del groups[ends[1]]
    for group in groups.values():
        if group.branches and group.stiff(0.0):
            chosen += group.branches
    return sorted(set(chosen))
