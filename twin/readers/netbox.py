"""Inventories of NetBox as a first layout: racks with what their devices draw, on the feeds that they have.

CSV files, told apart by their columns: racks, devices, power panels, power feeds, power ports, power outlets, cables;
sites and locations are read over. They have the columns of NetBox's bulk import (4.x) or those of the export of its
tables, which call the same otherwise. Device types are YAML files as in the community's library, for devices whose
ports stand in no file. The plant around the racks is assumed, as for a table.
[https://github.com/netbox-community/netbox, netbox/dcim/forms/bulk_import.py, tables/*.py and models/power.py, 4.6]
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from twin.readers.imported import Imported, UnreadableError
from twin.readers.racks import Rack, around

SOURCE = "NetBox"
KINDS = {
    "cables": ({"side_a_name", "side_b_name"},),
    "power feeds": ({"power_panel", "name", "supply", "phase", "voltage", "amperage"},),
    "devices": ({"device_type", "role", "site"}, {"name", "type", "role", "site", "rack"}),
    "power ports": ({"device", "name", "allocated_draw"},),
    "power outlets": ({"device", "name", "power_port"},),
    "racks": ({"site", "name", "u_height"},),
    "locations": ({"site", "name", "slug"}, {"site", "name", "racks", "devices"}),
    "sites": ({"name", "slug", "status"}, {"name", "status", "region"}),
    "power panels": ({"site", "name"},),
}
"""Columns by which files are told apart, of either form, the first that fits."""

EXPORTED = {
    "height": "u_height",
    "termination_a": "side_a_name",
    "termination_b": "side_b_name",
    "device_a": "side_a_device",
    "device_b": "side_b_device",
}
"""Columns of exported tables, as the bulk import calls them where it has another word."""

CHOICES = ("status", "type", "supply", "phase")
"""Columns whose words an exported table writes large."""

THREE_PHASE = 1.732
"""NetBox's own factor of the power of three phases."""

LIVE = ("", "active")
"""Status of feeds, racks and devices that are taken over."""

Row = dict[str, str]


def is_inventory(header: Sequence[str]) -> bool:
    """Whether a header is that of any file of NetBox."""
    return bool(_kind(header))


def _kind(header: Sequence[str]) -> str:
    columns = set(map(_column, header))
    return next((kind for kind, forms in KINDS.items() if any(needed <= columns for needed in forms)), "")


def _column(heading: str) -> str:
    """A column as the bulk import calls it: "Maximum draw (W)" is maximum_draw."""
    name = re.sub(r"\s*\([^)]*\)$", "", heading.strip()).lower().replace(" ", "_")
    return EXPORTED.get(name, name)


def read(paths: Sequence[Path]) -> Imported:
    """Files of an inventory as a layout. Raises UnreadableError for all that is wrong with them.

    A rack draws what the power ports of its devices are allocated, where that is not stated their maximum, as NetBox
    itself counts; its cords are the feeds that name it or that are cabled to its devices. A feed is rated what NetBox
    calls its available power: voltage times current times its highest utilisation, in VA at a power factor of 1.
    """
    return _Inventory(paths).layout()


class _Inventory:
    """Tables of an inventory, joined by names."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.source = ", ".join(p.name for p in paths)
        self.tables, self.faults, self.told = defaultdict[str, list[Row]](list), list[str](), list[str]()
        self.types = dict[str, dict[str, Any]]()
        for path in paths:
            (self._type if path.suffix in (".yaml", ".yml") else self._table)(path)
        if not self.tables["racks"] and not self.faults:
            self.faults.append("has no racks: no file has the columns site, name and u_height")
        self._raise()
        self.ports = defaultdict[str, list[Row]](list)
        for row in self.tables["power ports"]:
            self.ports[row["device"]].append(row)

    def _raise(self) -> None:
        if self.faults:
            raise UnreadableError(self.source, self.faults)

    def _table(self, path: Path) -> None:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.reader(file))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            self.faults.append(f"{path.name}: is no CSV table: {error}")
            return
        header = list(map(_column, rows[0])) if rows else []
        kind = _kind(header)
        if not kind:
            told = "give it all columns, as its bulk import has them or as `All data (CSV)` of its tables"
            self.faults.append(f"{path.name}: is no table of NetBox that is known; {told}")
            return
        exported = rows[0][header.index("name")].strip() == "Name" if "name" in header else "side_a_type" not in header
        if kind == "devices" and "device_type" not in header:
            header[header.index("type")] = "device_type"
        for line, cells in enumerate(rows[1:], 2):
            if len(cells) != len(header):
                if any(c.strip() for c in cells):
                    self.faults.append(f"{path.name}: line {line}: has {len(cells)} cells, the header {len(header)}")
                continue
            row = {h: c.strip() for h, c in zip(header, cells, strict=True)}
            if exported:
                row |= {h: row[h].lower() for h in CHOICES if h in row}
            self.tables[kind].append(row | {":line": f"{path.name}: line {line}"})

    def _type(self, path: Path) -> None:
        try:
            data = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, yaml.YAMLError) as error:
            self.faults.append(f"{path.name}: is no YAML: {' '.join(str(error).split())}")
            return
        if not isinstance(data, dict) or not {"manufacturer", "model"} <= set(data):
            self.faults.append(f"{path.name}: is no device type: it has no manufacturer and model")
            return
        self.types[str(data["model"])] = data

    def _number(self, row: Row, name: str, other: float | None = None) -> float:
        """A number of a row; a fault where it is none."""
        text = row.get(name, "")
        if not text and other is not None:
            return other
        try:
            return float(text)
        except ValueError:
            self.faults.append(f"{row[':line']}: {name} {text!r} is no number")
            return 0.0

    def layout(self) -> Imported:
        """Racks with what they draw on their feeds, and a plant around them."""
        racks, devices, feeds = (self._live(kind) for kind in ("racks", "devices", "power feeds"))
        for device in devices.values():
            if device.get("rack") and device["rack"] not in racks:
                self.faults.append(
                    f"{device[':line']}: rack {device['rack']!r} is in no table of racks that are active"
                )
        drawn, most = self._draws(devices)
        cords = self._cords(racks, devices, feeds)
        ratings = {name: self._available(feed) for name, feed in feeds.items()}
        found, idle = list[Rack](), list[str]()
        for name, row in racks.items():
            if drawn[name] <= 0:
                idle.append(name)
                continue
            room = row.get("location") or row.get("site") or ""
            found.append(Rack(name, room, None, None, drawn[name] / 1e3, tuple(cords[name]), ""))
        if idle:
            more = f" and {len(idle) - 3:,} more" if len(idle) > 3 else ""
            self.told.append(f"racks whose devices draw nothing are left out: {', '.join(idle[:3])}{more}")
        if not found:
            self.faults.append("no rack has a device whose ports state a draw")
        self._raise()
        kinds = [feeds[f].get("type", "") for cord in cords.values() for f in cord]
        title = next((r["site"] for r in racks.values() if r.get("site")), "netbox")
        made = around(found, title.replace(" ", "_"), SOURCE, ratings, {n: f["power_panel"] for n, f in feeds.items()})
        nameplates = {r.name: max(most[r.name], drawn[r.name]) for r in found}
        parts: dict[str, Any] = {n: dict(c) for n, c in made.spec["components"].items()}
        own = [c for c in parts.values() if c.get("type") == "rack"]
        for rack, part in zip(found, own, strict=True):
            part["nameplate"] = f"{nameplates[rack.name] / 1e3:.10g} kW"
        told = [
            *self.told,
            "racks draw what ports are allocated, where that is not stated their maximum, summed up as NetBox does: "
            "of devices with redundant supplies all count",
            "feeds are rated voltage times current times their highest utilisation, at a power factor of 1",
            f"{kinds.count('primary'):,} cords are on primary and {kinds.count('redundant'):,} on redundant feeds; "
            "these are labels, and live feeds share a rack's power equally",
            *(t for t in made.told if not t.startswith("racks without a room")),
        ]
        return Imported(made.name, SOURCE, dict(made.spec) | {"components": parts}, tuple(told))

    def _live(self, kind: str) -> dict[str, Row]:
        """Active rows of a table by name. NetBox has names apart by site, location or panel; here they are alone."""
        live = [r for r in self.tables[kind] if r.get("status", "") in LIVE]
        if count := len(self.tables[kind]) - len(live):
            self.told.append(f"{count:,} {kind} that are not active are left out")
        found = dict[str, Row]()
        for row in live:
            if row["name"] and row["name"] in found:
                before = found[row["name"]][":line"]
                told = f"{row['name']!r} is also the name of {before}; rename one, or import sites one by one"
                self.faults.append(f"{row[':line']}: {told}")
            found[row["name"] or row[":line"]] = row
        return found

    def _ports(self, device: str, row: Row) -> list[tuple[str, str, str]]:
        """Name, allocated and maximum draw of the ports of a device, of its type where no table has them."""
        if own := self.ports.get(device):
            return [(r["name"], r.get("allocated_draw", ""), r.get("maximum_draw", "")) for r in own]
        of = self.types.get(row["device_type"], {})
        text = lambda value: "" if value is None else str(value)  # noqa: E731
        return [
            (str(p["name"]), text(p.get("allocated_draw")), text(p.get("maximum_draw")))
            for p in of.get("power-ports") or []
        ]

    def _draws(self, devices: Mapping[str, Row]) -> tuple[dict[str, float], dict[str, float]]:
        """What the devices of each rack draw, and at most [W]; strips that pass power on draw nothing themselves."""
        drawn, most = defaultdict[str, float](float), defaultdict[str, float](float)
        strips = {o["device"] for o in self.tables["power outlets"]}
        silent = list[str]()
        for name, device in devices.items():
            rack, outlets = device.get("rack", ""), self.types.get(device["device_type"], {}).get("power-outlets")
            if not rack or name in strips or outlets:
                continue
            stated = False
            for port, allocated, maximum in self._ports(name, device):
                row = {"allocated": allocated, "maximum": maximum, ":line": f"device {name}, port {port}"}
                if not allocated and not maximum:
                    continue
                stated = True
                draw = self._number(row, "allocated" if allocated else "maximum")
                drawn[rack] += draw
                most[rack] += self._number(row, "maximum", draw)
            if not stated:
                silent.append(name)
        if silent:
            more = f" and {len(silent) - 3:,} more" if len(silent) > 3 else ""
            self.told.append(f"devices whose ports state no draw count as nothing: {', '.join(silent[:3])}{more}")
        return drawn, most

    def _cords(
        self, racks: Mapping[str, Row], devices: Mapping[str, Row], feeds: Mapping[str, Row]
    ) -> dict[str, list[str]]:
        """Feeds of each rack: those that name it, and those cabled to a device in it; primary ones first."""
        found = defaultdict[str, list[str]](list)
        for name, feed in feeds.items():
            if feed.get("rack"):
                if feed["rack"] not in racks:
                    self.faults.append(
                        f"{feed[':line']}: rack {feed['rack']!r} is in no table of racks that are active"
                    )
                found[feed["rack"]].append(name)
        for cable in self.tables["cables"]:
            ends = {_end(cable, x): x for x in "ab"}
            if set(ends) != {"powerfeed", "powerport"} or cable.get("status", "connected") not in ("", "connected"):
                continue
            feed, device = cable[f"side_{ends['powerfeed']}_name"], cable.get(f"side_{ends['powerport']}_device", "")
            if feed not in feeds:
                self.told.append(f"a cable of feed {feed!r}, which is not active or in no table, is left out")
            elif rack := devices.get(device, {}).get("rack", ""):
                found[rack].append(feed)
        order = lambda name: (feeds[name].get("type") != "primary", name)  # noqa: E731
        return defaultdict(list, {rack: sorted(dict.fromkeys(own), key=order) for rack, own in found.items()})

    def _available(self, feed: Row) -> float:
        """Available power of a feed as NetBox has it [kVA]."""
        volts, current = abs(self._number(feed, "voltage", 120.0)), self._number(feed, "amperage", 15.0)
        share = self._number(
            {**feed, "max_utilization": feed.get("max_utilization", "").rstrip("%")}, "max_utilization", 80.0
        )
        phases = THREE_PHASE if feed.get("phase") == "three-phase" else 1.0
        return volts * current * share / 100 * phases / 1e3


def _end(cable: Row, side: str) -> str:
    """What an end of a cable is; exported tables do not say, but of feeds, which alone are of no device, and of what
    they end at, which is a power port.
    """
    stated = cable.get(f"side_{side}_type")
    if stated is not None:
        return stated.rpartition(".")[2]
    return "powerport" if cable.get(f"side_{side}_device") else "powerfeed"
