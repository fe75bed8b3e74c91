"""Equipment of a layout as OpenUSD assets in the form of NVIDIA's AI-factory profile, AIF-Entity 0.2.0 and 0.1.0.

Each asset is a folder: NAME/usd/NAME.usda over three layers of properties, connection points and geometry, with a
thumbnail. Attributes have the names, types and units of that profile (`layouts/openusd/aif_attributes.csv`): mm for
sizes, K or degC, kW or W, L/s, m3/s or CFM as each says. What the twin does not know is declared without a value.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twin import columns
from twin.api import Result, solve
from twin.columns import Array
from twin.components.base import Component
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.facility.layout import Layout
from twin.facility.output import target, whole
from twin.fluids import fluid
from twin.plant.wiring import Wiring
from twin.results.dataset import reason
from twin.show.gltf import png
from twin.show.scene.paint import rgb
from twin.show.scene.routes import DEPTH, Flows
from twin.show.scene.shapes import PAINTS, Solid, shape
from twin.show.scene.stage import COLOURS
from twin.show.usd import Author, ready
from twin.units import parse

PROFILE, PROFILE_VERSION = "AIF-Entity", "0.2.0"
CATEGORY = "Q671224"
"""Data centre, the entry of Wikidata that the assets are filed under."""

DENSITY = 500.0
"""Of equipment whose weight is not known [kg/m3], which the asset then says."""

CLEARANCE = 0.0
"""Before connection points, of which nothing is known [m]."""

GPM, CFM = 264.172 * 60, 2118.88
"""US gallons a minute, and cubic feet a minute, of a m3/s."""

FLUIDS = {"water": "water", "pg25": "glycol_water_25", "pg30": "glycol_water_30", "pg50": "glycol_water_50"}
"""Names of coolants there; others are not named."""

SIDE = 256
"""Width and height of thumbnails, in pixels."""

Facts = Mapping[str, Any]


class Asset(NamedTuple):
    """What becomes an asset: a component that stands for all of its model.

    name: of the asset. component, part: what stands for its model. kind: the class of the profile. size: its width,
    depth and height [m].
    """

    name: str
    component: str
    part: Component
    kind: str
    size: tuple[float, float, float]


def assets(
    layout: str | Path | Layout | Facility | Result, folder: str | Path, weights: Mapping[str, float] | None = None
) -> list[Path]:
    """Write an asset for each model of a CDU, compute rack, CRAH and UPS into a new folder; the root layers come back.

    layout: as `twin.solve` takes it, or a Result, whose first scenario's numbers go into it. weights: of models [kg];
    where one is not given it is taken as 500 kg/m3 of the volume, and the asset says so. Written whole or not at all.
    Raises LayoutError where the folder exists, where the layout has no such equipment, for a weight that is none, and
    without usd-core.

    >>> twin.assets("gb300_hall", "assets")
    """
    ready()
    if Path(folder).exists():
        raise LayoutError(f"output {folder}", ["exists; name a new folder"])
    folder = target(folder)
    result = layout if isinstance(layout, Result) else solve(layout)
    facility = result.facility
    if not result.ok:
        raise LayoutError(facility.name, [f"assets: {reason(*result.part(0))}"])
    found = _found(result)
    if not found:
        raise LayoutError(facility.name, ["assets: no CDU, compute rack, CRAH or UPS in it"])
    known = dict(weights or {})
    if wrong := [n for n, w in known.items() if n not in facility.models.values() or not w > 0]:
        raise LayoutError("assets", [f"weights: {wrong[0]}: give kilograms above 0 of a model of the layout"])
    with whole(folder) as partial:
        partial.mkdir()
        for asset in found:
            _write(result, asset, partial, known.get(facility.models[asset.component]))
    return [folder / a.name / "usd" / f"{a.name}.usda" for a in found]


def _found(result: Result) -> list[Asset]:
    """The first component of each model that has a class, and of those of a model that differ, by name of the model."""
    seen, names = dict[object, Asset](), set[str]()
    for name, part in result.facility.components.items():
        model = result.facility.models[name]
        fields = part.model_dump(exclude={"at", "room", "facing", "size"})
        key = model, part.extent if part.way[1] == "y" else part.extent[1::-1], repr(sorted(fields.items()))
        if not part.asset_class or key in seen or min(part.extent) <= 0:
            continue
        x, y, z = part.extent
        wide = (x, y, z) if part.way[1] == "y" else (y, x, z)
        words = "_".join(w for w in re.split(r"[^A-Za-z0-9]+", model) if w) or "equipment"
        chosen, k = f"Twin_{words}", 1
        while chosen in names:
            k += 1
            chosen = f"Twin_{words}_{k}"
        names.add(chosen)
        seen[key] = Asset(chosen, name, part, part.asset_class, wide)
    return sorted(seen.values(), key=lambda asset: asset.name)


@cache
def attributes(kind: str) -> tuple[tuple[str, str, str], ...]:
    """Names, types and units of the attributes of a class, those of all classes first."""
    text = (files("twin.layouts") / "openusd" / "aif_attributes.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return tuple((r["attribute"], r["type"], r["unit"]) for r in rows if r["class"] in ("core", kind))


# ---- what the twin knows -----------------------------------------------------------------------------------------


def _facts(result: Result, asset: Asset, weight: float, told: str) -> Facts:
    """Values by attribute, without their prefix."""
    width, depth, height = (1e3 * x for x in asset.size)
    core = {
        "manufacturer": "unknown",
        "modelNumber": result.facility.models[asset.component],
        "overallGeometryDimensions": (width, depth, height),
        "weight": weight,
        "height": height,
        "width": width,
        "depth": depth,
        "assetVersion": version("aifactory-twin"),
        "assetClass": asset.kind,
        "simreadyVersion": PROFILE_VERSION,
        "assetDescription": told,
        "connectsToModelDocumentation": f"layout {result.facility.name}, {result.facility.hash}",
        "assetCreationDate": date.today().isoformat(),
    }
    own = {"CDU": _cdu, "compute rack": _rack, "CRAH": _crah, "UPS": _ups}[asset.kind](result, asset)
    return {f"aif:core:{k}": v for k, v in core.items()} | {f"aif:spec:{k}": v for k, v in own.items() if v is not None}


def _solved(result: Result, asset: Asset, name: str) -> float | None:
    """A variable of the Dataset in the first scenario, None where there is none."""
    data, dimension = result.dataset, asset.part.dimension
    if name not in data or asset.component not in data[dimension].values:
        return None
    value = float(data[name].sel({dimension: asset.component}).values[0])
    return value if np.isfinite(value) else None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _frequency(result: Result, name: str, port: str) -> float | None:
    """Of the supply at a port [Hz], if the layout states one and no other; None where the current is direct."""
    bus = _bus(result, name, port)
    if bus < 0 or result.plant.direct[bus] == 1:
        return None
    spec: Any = result.facility.spec
    texts = {e["frequency"] for part in ("components", "catalogue") for e in spec[part].values() if "frequency" in e}
    found = {parse(str(text), "frequency") for text in texts}
    return found.pop() if len(found) == 1 else None


def _bus(result: Result, name: str, port: str) -> int:
    """The bus at a port, by way of its first cord, -1 where there is none."""
    root, bus = Wiring.of(result.facility).root, {key: i for i, key in enumerate(result.plant.bus_keys)}
    here = (name, port)
    for kind, a, b in result.facility.connections:
        if kind == "power" and here in (a, b):
            for end in (here, b if a == here else a):
                if (at := bus.get(root.get(end, end), -1)) >= 0:
                    return at
    return -1


def _volts(result: Result, name: str, port: str) -> float | None:
    """Nominal voltage at a port [V]."""
    at = _bus(result, name, port)
    return float(result.plant.voltage[at]) if at >= 0 and np.isfinite(result.plant.voltage[at]) else None


def _cdu(result: Result, asset: Asset) -> dict[str, Any]:
    part: Any = asset.part
    density = float(fluid(part.tcs_fluid).density(part.set_point or 313.15))
    share = np.linspace(0.0, 1.4, 8)
    head = part.shutoff * (1 - part.quadratic * share**2 - part.quartic * share**4)
    curve = [(q * part.rated_flow, h / 1e3) for q, h in zip(share.tolist(), head.tolist(), strict=True) if h >= 0]
    most = part.max_flow or 1.1 * part.tcs_flow
    return {
        "coolingType": "liquid to liquid",
        "referenceFacilityCoolantTemperature": _solved(result, asset, "cdu_facility_supply_temperature"),
        "referenceTechnologyCoolantFlowRate": part.tcs_flow / density * 60e3,
        "referenceSecondaryCoolantTemperature": part.set_point,
        "totalHeatDissipated": _scaled(_solved(result, asset, "cdu_duty"), 1e-3),
        "nominalCoolingCapacity": part.capacity / 1e3,
        "nominalFlow": part.tcs_flow / density,
        "maximumFlow": most / density,
        "pumpFlowCurve": curve,
        "numberOfPumps": part.pumps,
        "workingFluidPumps": part.tcs_fluid,
        "nominalVoltage": _volts(result, asset.component, "feed"),
        "frequency": _frequency(result, asset.component, "feed"),
        "powerRating": _scaled(part.constant_power, 1e-3),
        "incomingPowerFeeds": float(part.cords),
    }


def _rack(result: Result, asset: Asset) -> dict[str, Any]:
    part: Any = asset.part
    liquid, air = (_solved(result, asset, f"rack_heat_to_{way}") for way in ("liquid", "air"))
    heat = (liquid or 0.0) + (air or 0.0)
    return {
        "namePlatePower": round(part.nameplate),
        "heatCaptureRatio": 100 * (liquid or 0.0) / heat if heat else None,
        "numGPUs": int(part.accelerators) if float(part.accelerators).is_integer() else None,
        "liquidCooling": _scaled(liquid, 1e-3),
        "airCooling": _scaled(air, 1e-3),
    }


def _crah(result: Result, asset: Asset) -> dict[str, Any]:
    part: Any = asset.part
    width, _, height = asset.size
    face = part.outlet or (width, height)
    density = float(fluid("water").density(288.15))
    return {
        "faceArea": face[0] * face[1],
        "nominalCoolingCapacity": part.units * part.capacity / 1e3,
        "flowRate": part.units * part.water_flow / density * GPM,
        "nominalAirVolume": part.units * part.air_flow * CFM,
        "fanMotorPowerMax": part.fan_power / 1e3,
        "numberOfFans": part.units,
        "electricalNominalVoltage": _volts(result, asset.component, "feed"),
        "electricalFrequency": _frequency(result, asset.component, "feed"),
        "electricalPowerRating": part.units * part.fan_power / 1e3,
    }


def _ups(result: Result, asset: Asset) -> dict[str, Any]:
    part: Any = asset.part
    return {
        "upsRating": part.rating / 1e3,
        "outputActivePower": part.rating / 1e3,
        "electricalInputVoltage": part.voltage_in,
        "electricalInputFrequency": _frequency(result, asset.component, "in"),
        "inputPowerFactor": part.power_factor,
        "outputVoltage": part.voltage_out,
    }


# ---- connection points -------------------------------------------------------------------------------------------


class Point(NamedTuple):
    """Where a service meets an asset: domain, direction, system, how it is parted, and what is known of it."""

    name: str
    domain: str
    direction: str
    system: str
    disconnect: str
    place: tuple[float, float, float]
    facts: dict[str, tuple[str, Any]]


def points(result: Result, asset: Asset) -> list[Point]:
    """Connection points of an asset, in the units of the profile: L/s, degC, Pa gauge, V, W, m3/s."""
    found, flows = list[Point](), Flows(result, 0)
    width, depth, height = asset.size
    for carrier in ("coolant", "power"):
        ports = [n for n, p in asset.part.ports.items() if p.carrier == carrier]
        for k, port in enumerate(ports):
            at = ((k + 1) / (len(ports) + 1) * width - width / 2, (DEPTH[carrier] - 0.5) * depth, height)
            made = _thermal if carrier == "coolant" else _electrical
            found.append(made(result, asset, port, at, flows))
    if asset.kind in ("compute rack", "CRAH"):
        found += _airflow(result, asset)
    return found


def _thermal(result: Result, asset: Asset, port: str, at: tuple[float, float, float], flows: Flows) -> Point:
    end, part = (asset.component, port), asset.part
    wiring = Wiring.of(result.facility)
    name = wiring.fluids.get(wiring.loop_of.get(wiring.root.get(end, end), -1), "water")
    warm, flow = flows.temperature(end), abs(flows.into(end))
    node = {key: i for i, key in enumerate(result.plant.node_keys)}.get(wiring.root.get(end, end), -1)
    pressure = float(result.solution[columns.node.pressure][node, 0]) if node >= 0 else np.nan
    outside = float(np.ravel(result.plant.site.pressure)[0])
    direction = "return" if "return" in port else "supply"
    system = port.partition("_")[0].upper() if "_" in port else "CHW" if asset.kind == "CRAH" else "TCS"
    service = {"CHW": "liq"}.get(system, system.lower())
    facts = {
        "designFlowRate": ("float", flow / float(fluid(name).density(warm)) * 1e3 if np.isfinite(warm) else None),
        "designTemperature": ("float", warm - 273.15 if np.isfinite(warm) else None),
        "operatingPressure": ("float", pressure - outside if np.isfinite(pressure) else None),
        "fluidType": ("token", FLUIDS.get(name)),
    }
    disconnect = "quick_disconnect" if part.shapes_air == "rack" else "flanged"
    return Point(f"twin_{service}_{direction}_01", "thermal", direction, system, disconnect, at, facts)


def _electrical(result: Result, asset: Asset, port: str, at: tuple[float, float, float], flows: Flows) -> Point:
    part: Any = asset.part
    power = getattr(part, "nameplate", None) or getattr(part, "rating", None) or getattr(part, "constant_power", None)
    at_bus = _bus(result, asset.component, port)
    direct = at_bus >= 0 and result.plant.direct[at_bus] == 1
    factor = None if direct else getattr(part, "power_factor", None)
    facts = {
        "nominalVoltage": ("float", _volts(result, asset.component, port)),
        "frequency": ("float", _frequency(result, asset.component, port)),
        "connectorType": ("token", "hardwired"),
        "ratedPower": ("float", power),
        "powerFactor": ("float", factor if port != "out" else None),
    }
    direction = "output" if port == "out" else "input"
    name = f"twin_electrical_nominal_voltage_{port}"
    return Point(name, "electrical", direction, "power", "hardwired", at, facts)


def _airflow(result: Result, asset: Asset) -> list[Point]:
    """Where air enters and leaves a rack or cooler."""
    part: Any = asset.part
    width, depth, height = asset.size
    rack = asset.kind == "compute rack"
    rated = (1 if rack else part.units) * part.air_flow
    ends = (("intake", "input", -0.5 if rack else 0.5), ("outflow", "output", 0.5 if rack else -0.5))
    warm = {
        "intake": _solved(result, asset, "rack_inlet_temperature") if rack else None,
        "outflow": None if rack else _solved(result, asset, "crah_supply_temperature"),
    }
    found = []
    for name, direction, side in ends if rated > 0 else ():
        facts = {
            "interfaceWidth": ("float", width),
            "interfaceHeight": ("float", height),
            "designAirflowRate": ("float", rated),
            "designTemperature": ("float", None if warm[name] is None else warm[name] - 273.15),  # type: ignore[operator]
        }
        at = (0.0, side * depth, height / 2)
        found.append(
            Point(f"twin_airvent_{name}_01", "airflow", direction, "equipment_cooling", "open_vent", at, facts)
        )
    return found


# ---- files -------------------------------------------------------------------------------------------------------


def _write(result: Result, asset: Asset, folder: Path, weight: float | None) -> None:
    """An asset with its layers and thumbnail."""
    home = folder / asset.name / "usd"
    (home / "layers").mkdir(parents=True)
    mass = weight or DENSITY * float(np.prod(asset.size))
    guess = "" if weight else f" Its weight is not known: {DENSITY:.0f} kg/m3 of its volume is assumed."
    told = (
        f"{asset.part.kind.replace('_', ' ')} {result.facility.models[asset.component]} of {result.facility.name}; "
        f"attributes without a value are not known.{guess}"
    )
    _properties(asset, _facts(result, asset, mass, told), home)
    _connections(asset, points(result, asset), home)
    _geometry(asset, home)
    _root(result, asset, mass, home)
    thumbs = home / ".thumbs" / "256x256"
    thumbs.mkdir(parents=True)
    (thumbs / f"{asset.name}.usda.png").write_bytes(_thumbnail(asset))


def _begun(asset: Asset) -> tuple[Author, Any]:
    """A layer with the asset's prim."""
    author = Author()
    for key, value in (("upAxis", "Z"), ("metersPerUnit", 1.0), ("kilogramsPerUnit", 1.0)):
        author.layer.pseudoRoot.SetInfo(key, value)
    top = author.prim(author.layer.pseudoRoot, asset.name)
    author.layer.defaultPrim = top.name
    return author, top


TYPES: dict[str, tuple[str, Callable[[Author, Any], Any]]] = {
    "string": ("String", lambda a, v: str(v)),
    "float": ("Float", lambda a, v: float(v)),
    "int": ("Int", lambda a, v: int(v)),
    "token": ("Token", lambda a, v: str(v)),
    "float3": ("Float3", lambda a, v: a.gf.Vec3f(*map(float, v))),
    "float2[]": ("Float2Array", lambda a, v: a.vt.Vec2fArray([a.gf.Vec2f(*map(float, x)) for x in v])),
    "float3[]": ("Float3Array", lambda a, v: a.vt.Vec3fArray([a.gf.Vec3f(*map(float, x)) for x in v])),
}
"""Types of OpenUSD, and values as they take them."""


def _set(author: Author, prim: Any, name: str, kind: str, value: Any) -> None:
    """An attribute of its type, without a value where none is known."""
    of, made = TYPES[kind]
    author.set(prim, name, of, None if value is None else made(author, value)).custom = True


def _properties(asset: Asset, facts: Facts, home: Path) -> None:
    author, top = _begun(asset)
    for name, kind, _ in attributes(asset.kind):
        _set(author, top, name, kind, facts.get(name))
    _saved(author, home / "layers" / f"{asset.name}_Properties.usda")


def _connections(asset: Asset, found: list[Point], home: Path) -> None:
    author, top = _begun(asset)
    scope = author.prim(top, "ConnectionPoints", "Scope")
    space = "simready:connectionPoint:"
    for point in found:
        prim = author.prim(scope, point.name)
        author.set(prim, "purpose", "Token", "guide", uniform=True)
        author.at(prim, np.array(point.place))
        base = {"domain": point.domain, "direction": point.direction, "system": point.system}
        for name, value in (base | {"disconnectType": point.disconnect}).items():
            _set(author, prim, space + name, "token", value)
        _set(author, prim, f"{space}serviceClearance", "float", CLEARANCE)
        for name, (kind, value) in point.facts.items():
            if value is not None:
                _set(author, prim, f"{space}{point.domain}:{name}", kind, value)
    _saved(author, home / "layers" / f"{asset.name}_ConnectionPoints.usda")


def _geometry(asset: Asset, home: Path) -> None:
    author, top = _begun(asset)
    group = author.prim(top, "Geometry")
    for paint, solid in _solids(asset).items():
        colour = COLOURS.get(asset.part.legend, PAINTS["body"]) if paint == "body" else PAINTS[paint]
        made = author.mesh(group, paint, solid, np.array([rgb(colour)]))
        normals = np.repeat(_normals(solid), solid.sizes, axis=0)
        values = author.vt.Vec3fArray.FromNumpy(np.ascontiguousarray(normals, np.float32))
        author.set(made, "normals", "Normal3fArray", values, interpolation="faceVarying")
    _saved(author, home / "layers" / f"{asset.name}_Geometry.usda")


def _solids(asset: Asset) -> dict[str, Solid]:
    """The shape of an asset with its origin at the middle of its foot, the front to -y."""
    part, (width, depth, _) = asset.part, asset.size
    units = int(getattr(part, part.units_field, 1)) if part.units_field else 1
    made = shape(part.look, asset.size, "-y", units)
    shift = np.array([width / 2, depth / 2, 0.0])
    return {paint: s._replace(points=s.points - shift) for paint, s in made.items()}


def _normals(solid: Solid) -> Array:
    """Outward unit normals of polygons (polygon, 3), by Newell's sum over their corners."""
    ends = np.cumsum(solid.sizes)
    found = np.empty((len(solid.sizes), 3))
    for k, (end, size) in enumerate(zip(ends.tolist(), solid.sizes.tolist(), strict=True)):
        own = solid.points[solid.corners[end - size : end]]
        sums = np.cross(own, np.roll(own, -1, axis=0)).sum(axis=0)
        found[k] = sums / np.linalg.norm(sums)
    return found


def _root(result: Result, asset: Asset, mass: float, home: Path) -> None:
    author, top = _begun(asset)
    top.SetInfo("kind", "component")
    author.label(top, asset.kind.replace(" ", "_"))
    layer = author.layer
    parts = ("Properties", "ConnectionPoints", "Geometry")
    layer.subLayerPaths = [f"./layers/{asset.name}_{p}.usda" for p in parts]
    flat = {
        "asset_name": asset.name,
        "asset_type": "equipment",
        "source_file": f"{asset.name}.usda",
        "usd_date_generated": date.today().isoformat(),
    }
    provenance = flat | {
        "author": f"aifactory-twin {version('aifactory-twin')}",
        "asset_license": "not stated",
        "category": asset.kind,
        "qcode": CATEGORY,
        "rigid_body_count": 0,
        "asset_extents": author.gf.Vec3f(*map(float, asset.size)),
        "mass": float(mass),
    }
    layer.customLayerData = flat | {"SimReady_Metadata": provenance}
    _saved(author, home / f"{asset.name}.usda")


def _saved(author: Author, path: Path) -> None:
    path.write_text(author.layer.ExportToString(), "utf-8")


def _thumbnail(asset: Asset) -> bytes:
    """The front of an asset as a PNG: its polygons from the back to the front, as the rectangles around them."""
    names = ["ground", *PAINTS]
    body = COLOURS.get(asset.part.legend, PAINTS["body"])
    table = np.array([rgb("#f7f9fa"), *(rgb(body if n == "body" else PAINTS[n]) for n in PAINTS)], np.uint8)
    pixels = np.zeros((SIDE, SIDE), np.uint8)
    width, _, height = asset.size
    scale = 0.9 * SIDE / max(width, height)
    drawn = []
    for paint, solid in _solids(asset).items():
        for end, size in zip(np.cumsum(solid.sizes).tolist(), solid.sizes.tolist(), strict=True):
            own = solid.points[solid.corners[end - size : end]]
            drawn.append((float(own[:, 1].mean()), names.index(paint), own[:, [0, 2]]))
    for _, colour, flat in sorted(drawn, key=lambda d: -d[0]):
        (x0, z0), (x1, z1) = flat.min(axis=0), flat.max(axis=0)
        left, right = (round(SIDE / 2 + x * scale) for x in (x0, x1))
        top, bottom = (round(SIDE / 2 + (height / 2 - z) * scale) for z in (z1, z0))
        pixels[top:bottom, left : max(right, left + 1)] = colour
    return png(pixels, table)
