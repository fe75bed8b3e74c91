"""Power networks as the electrical part of a layout: the same pi models, by the components that layouts have.

Buses become the joints of what meets at them, external grids utilities, lines feeders, transformers transformers, and
what is drawn at a bus a house load. Per unit is turned into the fields from which `Feeder` and `Transformer` make the
same per unit again, so that voltages and flows are those of the network.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from twin.readers.imported import Imported, Names, UnreadableError
from twin.readers.records import DEAD, PV, Index, PowerNetwork

UNLIMITED = 1e6
"""Ampacity of a line that states none [A]."""

AGREE = 1e-9
"""What may be lost where numbers of a network are compared [pu or rad]."""

FEW = 3
"""Faults of one kind that are told one by one."""


def layout(network: PowerNetwork, frequency: float, source: str) -> Imported:
    """A network as a layout of utilities, transformers, feeders and loads.

    frequency [Hz]: of the network. Raises UnreadableError for what layouts have no component for: generators that hold
    a voltage, loads that give active or reactive power, shunts, loads of constant impedance, lines with a tap or with
    negative or conducting parts, and transformers that turn the voltages of a ring against each other.
    """
    return _Grid(network, frequency, source).layout()


class _Grid:
    """A network on its way to a layout."""

    def __init__(self, network: PowerNetwork, frequency: float, source: str) -> None:
        self.network, self.frequency, self.source = network, frequency, source
        self.faults, self.told, self.names = list[str](), list[str](), Names()
        self.parts, self.ports = dict[str, dict[str, Any]](), defaultdict[int, list[str]](list)

    def layout(self) -> Imported:
        """The layout; UnreadableError with all that it cannot hold."""
        net = self.network
        self._check()
        reached = self._oriented()
        self._utilities(reached)
        for k in np.flatnonzero(np.isfinite(net.series) & (net.series != 0)):
            if {int(net.start[k]), int(net.end[k])} <= set(reached):
                (self._transformer if net.trafo[k] else self._feeder)(int(k), reached)
        self._loads(reached)
        if self.faults:
            raise UnreadableError(net.name, self.faults)
        left = [self._bus(i) for i in range(len(net.bus)) if i not in reached]
        if left:
            self.told.append(f"{len(left):,} buses without supply are left out: {_few(left)}")
        title = Names()[net.name.removesuffix(".json")]
        spec = {
            "version": 1,
            "name": title,
            "description": f"Power network of {len(reached):,} buses, imported from {self.source}",
            "components": self.parts,
            "connections": [["power", first, port] for first, *others in self._joints() for port in others],
        }
        return Imported(title, self.source, spec, tuple([*self.told, *self._always()]))

    def _joints(self) -> Iterator[list[str]]:
        """Ports at each bus, those first that feed it: what is fed is connected to one of them."""
        for ports in self.ports.values():
            yield sorted(ports, key=lambda port: not port.endswith(".out"))

    def _always(self) -> Iterator[str]:
        """What holds for every network."""
        yield "buses are the joints of what meets at them; their names stand in the names of loads"
        yield "feeders are 1 km long with the impedance and capacitance of the whole line"
        yield "transformers are pi models with the impedances that the network solves; vector groups have no effect"
        yield "there is no room, rack or cooling: this is the electrical part, to be joined with the rest of a layout"

    # ---- what is no part of a layout -----------------------------------------------------------------------------

    def _bus(self, i: int) -> str:
        return f"bus {self.network.bus[i]}"

    def _fault(self, what: list[str], told: str) -> None:
        if what:
            self.faults.append(f"{_few(what)}: {told}")

    def _check(self) -> None:
        """Faults of buses: all that a layout's loads and utilities are not."""
        net = self.network
        at = lambda rows: [self._bus(int(i)) for i in np.flatnonzero(rows)]  # noqa: E731
        live = net.kind != DEAD
        self._fault(at(net.kind == PV), "a generator holds its voltage; utilities alone do in an import")
        self._fault(at(live & (net.shunt != 0)), "has a shunt or a load of constant impedance, which layouts have not")
        gives = live & ((net.load.real < 0) | (net.load.imag < 0) | ((net.load.real == 0) & (net.load.imag != 0)))
        self._fault(at(gives), "gives active or reactive power in all; a layout's loads take both")
        if net.taps is not None:
            self.told.append("taps stay at their positions: layouts have no tap changers")

    def _oriented(self) -> dict[int, int]:
        """Buses that have supply, each with its place in the order from the external grids; faults of rings that turn.

        Branches in service carry supply; those that are open lie between buses that have it, or are left out.
        """
        net = self.network
        ends = defaultdict[int, list[tuple[int, float]]](list)
        for k in np.flatnonzero(net.in_service & (net.series != 0)):
            turn = float(np.angle(net.ratio[k]))
            ends[int(net.start[k])].append((int(net.end[k]), -turn))
            ends[int(net.end[k])].append((int(net.start[k]), turn))
        slack = [int(i) for i in self._grids()]
        base = np.angle(net.initial[slack[0]]) if slack else 0.0
        angle = {i: float(np.angle(net.initial[i]) - base) for i in slack}
        order, turned = list(angle), list[str]()
        for i in order:
            for other, turn in ends[i]:
                if other not in angle:
                    angle[other] = angle[i] + turn
                    order.append(other)
                elif abs(np.exp(1j * angle[other]) - np.exp(1j * (angle[i] + turn))) > AGREE:
                    turned.append(self._bus(other))
        self._fault(
            list(dict.fromkeys(turned)),
            "is fed with angles that differ: phase shifters in a ring, or grids that lead; layouts have neither",
        )
        return {i: k for k, i in enumerate(order)}

    def _grids(self) -> Index:
        """Buses with an external grid in service."""
        net = self.network
        return np.unique(net.gen_bus[net.gen_in_service & (net.kind[net.gen_bus] != DEAD)])

    # ---- components ----------------------------------------------------------------------------------------------

    def _add(self, name: str, part: dict[str, Any], **ports: int) -> str:
        """A component, and the buses at which its ports are; its name comes back, another if `name` is taken."""
        own = self.names[f"{name} {len(self.parts)}" if name in self.parts else name]
        self.parts[own] = part
        for port, bus in ports.items():
            self.ports[bus].append(f"{own}.{port}")
        return own

    def _utilities(self, reached: dict[int, int]) -> None:
        net = self.network
        for i in self._grids():
            held = np.unique(net.gen_voltage[net.gen_in_service & (net.gen_bus == i)])
            if len(held) > 1:
                self._fault([self._bus(int(i))], "external grids hold different voltages")
            part = {"type": "utility", "voltage": _unit(float(net.vn_kv[i]), "kV"), "voltage_set_point": float(held[0])}
            self._add(f"grid_{net.bus[i]}", part, out=int(i))
        if not reached:
            self.faults.append("has no external grid in service")

    def _ohms(self, k: int) -> tuple[complex, complex, float]:
        """Series impedance [ohm] and shunt admittance [S] of a branch, and the rated voltage at its end [kV]."""
        net, kv = self.network, float(self.network.vn_kv[self.network.end[k]])
        base = kv**2 / net.base_mva
        return complex(base / net.series[k]), complex(net.charging[k] / base), kv

    def _feeder(self, k: int, reached: dict[int, int]) -> None:
        net = self.network
        name, (z, y, kv) = f"line_{net.branch[k]}", self._ohms(k)
        if net.ratio[k] != 1 or abs(net.vn_kv[net.start[k]] / kv - 1) > 1e-3:
            self._fault([name], "joins two voltages, as no feeder does")
        if z.real < 0 or z.imag < 0 or y.real != 0 or y.imag < 0:
            self._fault([name], "has a negative resistance, reactance or capacitance, or conducts to earth")
        amperes = float(net.rating[k]) * net.base_mva * 1e3 / (np.sqrt(3.0) * kv)
        first, last = sorted((int(net.start[k]), int(net.end[k])), key=reached.__getitem__)
        part = {
            "type": "feeder",
            "voltage": _unit(kv, "kV"),
            "length": "1 km",
            "resistance": _unit(z.real, "ohm/km"),
            "reactance": _unit(z.imag, "ohm/km"),
            "capacitance": _unit(y.imag / (2 * np.pi * self.frequency) * 1e9, "nF/km"),
            "frequency": _unit(self.frequency, "Hz"),
            "ampacity": _unit(amperes if np.isfinite(amperes) else UNLIMITED, "A"),
        }
        own = self._add(name, part | self._service(k), **{"in": first, "out": last})
        if not np.isfinite(amperes):
            self.told.append(f"{own} states no largest current: its ampacity is {UNLIMITED:g} A")

    def _transformer(self, k: int, reached: dict[int, int]) -> None:
        net = self.network
        name, rating = f"trafo_{net.branch[k]}", float(net.rating[k])
        z, y = complex(rating / net.series[k]), complex(net.charging[k] / rating)
        if z.real < 0 or z.imag < 0 or y.real < 0 or y.imag > 0:
            self._fault([name], "has a negative resistance or reactance, or capacitance to earth")
        part = {
            "type": "transformer",
            "rating": _unit(rating * net.base_mva, "MVA"),
            "voltage_in": _unit(float(net.vn_kv[net.start[k]]), "kV"),
            "voltage_out": _unit(float(net.vn_kv[net.end[k]]), "kV"),
            "impedance": abs(z),
            "load_loss": z.real,
            "no_load_loss": y.real,
            "no_load_current": abs(y),
            "tap": float(abs(net.ratio[k])),
        }
        self._add(name, part | self._service(k), **{"in": int(net.start[k]), "out": int(net.end[k])})

    def _service(self, k: int) -> dict[str, Any]:
        return {} if self.network.in_service[k] else {"in_service": False}

    def _loads(self, reached: dict[int, int]) -> None:
        """What is drawn at each bus, and nothing at ends where else nothing is connected."""
        net = self.network
        for i in reached:
            power, label = complex(net.load[i]) * net.base_mva, net.bus[i] if net.bus[i] != -1 else "open_end"
            if power:
                part = {
                    "type": "house_load",
                    "power": _unit(power.real, "MW"),
                    "power_factor": power.real / abs(power),
                }
                self._add(f"load_{label}", part, feed=i)
            elif len(self.ports[i]) < 2:
                self._add(f"end_{label}", {"type": "house_load", "power": "0 W"}, feed=i)


def _unit(value: float, name: str) -> str:
    """A quantity as layouts write it, with all of its digits."""
    return f"{float(value)!r} {name}"


def _few(names: list[str]) -> str:
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more
