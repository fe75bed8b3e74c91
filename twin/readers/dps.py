"""Topologies of NVIDIA DPS, the power service of DSX, as layouts: their power tree, nodes summed up to racks.

A topology is JSON: `Entities` (Name, Type, Model, a limit) and `Topology.Entities` (Name, Children). Device files are
YAML lists of {type, model, spec}; watts are those of one device. Up to DPS 0.8 a limit is `Constraints` and policies
stand in the file; from 0.9 it is `OperatingLimit` and policies are bundles of their own. Both are read.
[https://docs.nvidia.com/datacenter/dps, guides on topologies, entities, device specifications and power policies]
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from twin.readers.imported import Imported, Names, UnreadableError, unit

SOURCE = "NVIDIA DPS"
DOMAIN, DISTRIBUTION, SUPPLY, SYSTEM = "PowerDomain", "PowerDistribution", "PowerSupply", "ComputerSystem"
TYPES = (DOMAIN, DISTRIBUTION, SUPPLY, SYSTEM)
KNOWN = {"Type", "Name", "Model", "OperatingLimit", "Constraints", "Policy", "StaticLoad"}
IGNORED = {"Redfish", "TelemetryID", "TelemetryId", "UpdatedAt", "@odata.type", "@odata.id", "Id"}
VOLTAGE = 415.0
"""Of the layout, since DPS knows no voltage [V]."""

NO_LIMITS = ("junction_temperature", "throttling", "rack_air_inlet", "rack_air_inlet_cold", "voltage")
"""Limits that such a layout cannot know: DPS has neither cooling nor impedances."""


def is_topology(data: object) -> bool:
    """Whether parsed JSON is a topology of DPS."""
    return isinstance(data, dict) and isinstance(data.get("Topology"), dict) and "Entities" in data["Topology"]


def read(topology: Path, devices: Sequence[Path] = (), policy: str | None = None) -> Imported:
    """A topology with its device files as a layout.

    Domains are utilities, distributions switchboards, what stands right above nodes racks that draw the sum of their
    nodes: their highest watts, or what a `policy` of the topology allows. Raises UnreadableError for what is wrong with
    the files, all at once.
    """
    return _Topology(_json(topology), _devices(devices), str(topology), policy).layout()


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise UnreadableError(str(path), [f"is no JSON: {error}"]) from error
    if not is_topology(data):
        raise UnreadableError(str(path), ["is no topology of DPS: it has no Topology with Entities"])
    return data


def _devices(paths: Sequence[Path]) -> dict[tuple[str, str], dict[str, Any]]:
    """Specifications by type and model."""
    found, faults = dict[tuple[str, str], dict[str, Any]](), list[str]()
    for path in paths:
        try:
            items = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, OSError) as error:
            raise UnreadableError(str(path), [f"is no YAML: {' '.join(str(error).split())}"]) from error
        if not isinstance(items, list) or not all(isinstance(i, dict) and "type" in i for i in items):
            raise UnreadableError(str(path), ["is no device file of DPS: a list of items with type, model and spec"])
        for item in items:
            key = str(item["type"]), str(item.get("model", ""))
            if key in found:
                faults.append(f"{' '.join(key)} stands twice")
            found[key] = item.get("spec") or {}
    if faults:
        raise UnreadableError(", ".join(map(str, paths)), faults)
    return found


class _Topology:
    """A topology in the making of a layout."""

    def __init__(
        self,
        data: Mapping[str, Any],
        devices: Mapping[tuple[str, str], dict[str, Any]],
        source: str,
        policy: str | None,
    ) -> None:
        self.data, self.devices, self.source, self.policy = data, devices, source, policy
        self.told, self.faults = list[str](), list[str]()
        self.entities = {str(e.get("Name", "")): e for e in data.get("Entities") or []}
        links = data["Topology"]["Entities"]
        self.children = {str(e.get("Name", "")): [str(c) for c in e.get("Children") or []] for e in links}
        self.policies = {str(p.get("Name", "")): p.get("Limits") or [] for p in data.get("Policies") or []}
        self.of = {str(e.get("Name", "")): str(e["Policy"]) for e in links if e.get("Policy")}
        self.parents = defaultdict[str, list[str]](list)
        for name, children in self.children.items():
            for child in children:
                self.parents[child].append(name)
        self._check()

    def _check(self) -> None:
        """Raises UnreadableError for names and types that do not fit."""
        for name in dict.fromkeys([*self.children, *self.parents]):
            if name not in self.entities:
                self.faults.append(f"{name or 'an entity without a name'}: is in the topology and no entity")
            elif self.entities[name].get("Type") not in TYPES:
                told = f"{name}: type {self.entities[name].get('Type')!r} is none of {', '.join(TYPES)}"
                self.faults.append(told)
        strange = sorted({key for e in self.entities.values() for key in e} - KNOWN - IGNORED)
        self.told += [f"keys of entities that were not taken over: {', '.join(strange)}"] if strange else []
        if self.policy is not None and self.policy not in self.policies:
            self.faults.append(f"no policy {self.policy!r}; there are {', '.join(self.policies) or 'none'}")
        if not any(self._type(n) == DOMAIN for n in self.children):
            self.faults.append(f"has no {DOMAIN} that feeds it")
        if ring := self._ring():
            self.faults.append(f"{ring}: feeds itself")
        if self.faults:
            raise UnreadableError(self.source, self.faults)

    def _type(self, name: str) -> str:
        return str(self.entities.get(name, {}).get("Type", ""))

    def _ring(self) -> str:
        """A name that is among what it feeds, "" if none is."""
        for name in self.children:
            seen, front = set[str](), list(self.children[name])
            while front:
                child = front.pop()
                if child == name:
                    return name
                if child not in seen:
                    seen.add(child)
                    front += self.children.get(child, [])
        return ""

    def layout(self) -> Imported:
        """The layout: a utility for each domain, switchboards, racks."""
        names = Names()
        racks = [n for n in self.children if self._is_rack(n)]
        components, connections = dict[str, Any](), list[list[str]]()
        for name in self._walk():
            if self._type(name) == SYSTEM and not self._is_rack(name):
                continue
            if name in racks:
                components[names[name]] = self._rack(name, racks.index(name))
            elif self._type(name) == DOMAIN:
                contract = self._limit(name)
                components[names[name]] = {"type": "utility", "voltage": unit(VOLTAGE, "V")} | (
                    {"contract": unit(contract / 1e3, "kW")} if contract is not None else {}
                )
                if contract is None:
                    self.told.append(f"{name}: has no limit; its utility has no contract")
            else:
                components[names[name]] = self._board(name)
            for parent in self.parents[name]:
                port = "feed" if name in racks else "in"
                connections.append(["power", f"{names[parent]}.out", f"{names[name]}.{port}"])
        if self.faults:
            raise UnreadableError(self.source, self.faults)
        title = str(self.data["Topology"].get("Name") or "dps")
        count = len({n for n in (*self.children, *self.parents) if self._type(n) == SYSTEM})
        self.told += [
            "DPS knows no voltages, impedances, places or cooling: "
            f"all is at {VOLTAGE:.0f} V without drop, racks stand in rows, and limits of heat are ignored",
            *([f"names were changed: {', '.join(names.changed)}"] if names.changed else []),
        ]
        spec = {
            "version": 1,
            "name": Names()[title],
            "description": f"{count:,} nodes in {len(racks):,} racks, imported from a topology of NVIDIA DPS",
            "site": {"dry_bulb": "25 degC"},
            "limits": {"ignore": list(NO_LIMITS)},
            "components": components,
            "connections": connections,
        }
        return Imported(Names()[title], SOURCE, spec, tuple(dict.fromkeys(self.told)))

    def _walk(self) -> Iterator[str]:
        """Names from the domains down, each once."""
        front, seen = [n for n in self.children if self._type(n) == DOMAIN], set[str]()
        while front:
            name = front.pop(0)
            if name not in seen:
                seen.add(name)
                yield name
                front += self.children.get(name, [])
        if left := [n for n in self.children if n not in seen]:
            self.told.append(f"not fed by any domain and left out: {', '.join(left)}")

    def _is_rack(self, name: str) -> bool:
        """What stands right above nodes, or above supplies that only feed nodes; a node that a board feeds itself."""
        below = self.children.get(name, [])
        if self._type(name) == SYSTEM:
            return any(not all(self._type(c) == SYSTEM for c in self.children[p]) for p in self.parents[name])
        if self._type(name) in (DOMAIN, SUPPLY) or not below:
            return False
        direct = all(self._type(c) == SYSTEM for c in below)
        supplied = all(self._type(c) == SUPPLY for c in below) and any(self.children.get(c) for c in below)
        return direct or supplied

    def _nodes(self, name: str) -> list[str]:
        """Nodes of a rack, each once though two supplies feed it."""
        if self._type(name) == SYSTEM:
            return [name]
        found = list[str]()
        for child in self.children.get(name, []):
            found += [child] if self._type(child) == SYSTEM else self._nodes(child)
        return list(dict.fromkeys(found))

    def _spec(self, name: str) -> dict[str, Any]:
        """The specification of an entity's device; a fault if it names one that no file has."""
        entity = self.entities[name]
        model = str(entity.get("Model") or "")
        spec = self.devices.get((self._type(name), model))
        if spec is None and model:
            self.faults.append(f"{name}: no device file has {self._type(name)} {model}")
        return spec or {}

    def _limit(self, name: str) -> float | None:
        """The least of the device's highest load and of the limit of the entity [W]."""
        entity, found = self.entities[name], list[float]()
        spec = self._spec(name) if entity.get("Model") else {}
        if "maxLoadWatts" in spec:
            found.append(float(spec["maxLoadWatts"]))
        stated = entity.get("OperatingLimit") or entity.get("Constraints") or {}
        if power := stated.get("PowerValue"):
            if power.get("Type", "W") != "W":
                self.faults.append(f"{name}: limit in {power['Type']!r}; only W is known")
            else:
                found.append(float(power["Value"]))
        factor = stated.get("PowerFactor")
        if factor not in (None, 1, 1.0):
            self.told.append(f"{name}: PowerFactor {factor} of its limit is not taken over; the limit counts as power")
        return min(found, default=None)

    def _board(self, name: str) -> dict[str, Any]:
        rating, efficiency = self._limit(name), self._spec(name).get("efficiencyFactor", 1.0)
        if rating is None:
            self.faults.append(f"{name}: has no rating: neither maxLoadWatts nor OperatingLimit")
        if efficiency not in (1, 1.0):
            self.told.append(f"{name}: efficiencyFactor {efficiency} is not taken over; it loses nothing")
        limits = {"continuous_factor": 1.0, "trip_factor": 1.0}
        return {"type": "pdu", "rating": unit((rating or 0.0) / 1e3, "kW"), **limits}

    def _rack(self, name: str, number: int) -> dict[str, Any]:
        nodes, draw, chips = self._nodes(name), 0.0, 0
        highest = 0.0
        for node in nodes:
            spec = self._spec(node)
            if "maxLoadWatts" not in spec:
                self.faults.append(f"{node}: its device has no maxLoadWatts")
                continue
            most = float(spec["maxLoadWatts"])
            highest += most
            draw += min(most, self._capped(name, node, most))
            chips += sum(int(d.get("count", 1)) for d in spec.get("devices") or [] if d.get("type") == "GPU")
        static = (self.entities[name].get("StaticLoad") or {}).get("Value", 0.0)
        rating = self._limit(name) if self._type(name) != SYSTEM else None
        if rating is not None and rating < draw + static:
            self.told.append(
                f"{name}: nodes may draw {draw + static:,.0f} W of its {rating:,.0f} W, and are not held to that"
            )
        feeds = len(self.parents[name])
        if feeds > 1:
            self.told.append(f"{name}: has {feeds} parents; they share its power as cords do")
        at = [unit(0.8 * (number % 20), "m"), unit(2.4 * (number // 20), "m"), "0 m"]
        return {
            "type": "rack",
            "accelerators": chips,
            "it_power": unit((draw + static) / 1e3, "kW"),
            "nameplate": unit((highest + static) / 1e3, "kW"),
            "power_factor": 1.0,
            "cords": max(feeds, 1),
            "at": at,
        }

    def _capped(self, rack: str, node: str, most: float) -> float:
        """What a policy allows a node [W]."""
        named = self.policy or self.of.get(node) or self.of.get(rack) or self.entities[node].get("Policy")
        if self.policy is None and named:
            self.told.append(f"policy {named} of nodes is not applied; import with it to hold them to that")
            return most
        for limit in self.policies.get(str(named), []):
            power = limit.get("PowerLimit") or {}
            if limit.get("ElementType") == "Node":
                return float(power["Watts"]) if "Watts" in power else most * float(power.get("Percentage", 100.0)) / 100
            self.told.append(f"policy {named}: limits of {limit.get('ElementType')} are not taken over")
        return most
