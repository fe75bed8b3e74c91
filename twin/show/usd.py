"""OpenUSD stages: metres, Z up, a prim for each thing with its numbers, scenarios as time samples.

Written layer by layer in one change block, which takes a third of the time of the schemas' own calls. Up to MAX_PRIMS
things are prims of their own, which refer to the shape that they share; more are point instancers, one for each shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.columns import Array
from twin.facility.files import LayoutError
from twin.show.gltf import linear, numbers
from twin.show.scene import air, meshes, stage
from twin.show.scene.paint import LOST, UNKNOWN, rgb
from twin.show.scene.scene import scenario_text
from twin.show.scene.shapes import PAINTS, Solid, shape

if TYPE_CHECKING:
    from twin.show.scene.scene import Scene

MAX_PRIMS = 2000
"""Things up to which each is a prim, as viewers pick and list them; beyond they would be slow."""

ENDINGS = (".usd", ".usda", ".usdc", ".usdz")
MISSING = 'OpenUSD needs usd-core: pip install "aifactory-twin[usd]"'

RATE = 1.0
"""Frames a second."""


def ready() -> None:
    """Raises LayoutError where usd-core is not installed."""
    if find_spec("pxr") is None:
        raise LayoutError("export usd", [MISSING])


def write(scene: Scene, path: Path) -> None:
    """Write a scene to .usda, .usdc, .usd (which is .usdc) or .usdz. Raises LayoutError without usd-core."""
    ready()
    layer = _layer(scene)
    if path.suffix != ".usdz":
        _export(layer, path)
        return
    inner = path.with_name("scene.usdc")
    _export(layer, inner)
    try:
        if not import_module("pxr.UsdUtils").CreateNewUsdzPackage(str(inner), str(path)):
            raise OSError(f"OpenUSD could not write {path.name}")
    finally:
        inner.unlink(missing_ok=True)


def _export(layer: Any, path: Path) -> None:
    """Write a layer, by way of bytes where its format is text, so that a full disk is told."""
    if path.suffix == ".usda":
        path.write_text(layer.ExportToString(), "utf-8")
    elif not layer.Export(str(path)):
        raise OSError(f"OpenUSD could not write {path.name}; is the disk full?")


class Author:
    """Short calls of Sdf."""

    def __init__(self) -> None:
        self.sdf, self.gf, self.vt, self.tf = (import_module(f"pxr.{n}") for n in ("Sdf", "Gf", "Vt", "Tf"))
        self.layer = self.sdf.Layer.CreateAnonymous(".usdc")
        self._taken = dict[Any, set[str]]()

    def named(self, parent: Any, name: str) -> str:
        """A name that OpenUSD takes and no other child of the parent has."""
        valid = self.tf.MakeValidIdentifier(name) or "_"
        taken = self._taken.setdefault(parent.path, set())
        chosen, k = valid, 1
        while chosen in taken:
            k += 1
            chosen = f"{valid}_{k}"
        taken.add(chosen)
        return chosen

    def prim(self, parent: Any, name: str, kind: str = "Xform", model: str = "", of: str = "Def") -> Any:
        """A prim of a type; `model` is its place in the model hierarchy."""
        made = self.sdf.PrimSpec(parent, self.named(parent, name), getattr(self.sdf, f"Specifier{of}"), kind)
        if model:
            made.SetInfo("kind", model)
        return made

    def set(self, prim: Any, name: str, kind: str, value: Any, uniform: bool = False, **info: Any) -> Any:
        """An attribute with a value; `None` for one that has time samples only."""
        types, variability = self.sdf.ValueTypeNames, self.sdf.VariabilityUniform
        arguments = (prim, name, getattr(types, kind), *((variability,) if uniform else ()))
        made = self.sdf.AttributeSpec(*arguments)
        if value is not None:
            made.default = value
        if name.startswith("aifactory:"):
            made.custom = True
        for key, item in info.items():
            made.SetInfo(key, item)
        return made

    def colours(self, values: Array) -> Any:
        """Bytes (n, 3) as linear light."""
        return self.vt.Vec3fArray.FromNumpy(np.ascontiguousarray(linear(values / 255), np.float32))

    def mesh(self, parent: Any, name: str, solid: Solid, colours: Array | None, opacity: float = 1.0) -> Any:
        """Polygons, in the colour of their prim above if in none of their own: (1, 3) of all or (polygon, 3) bytes."""
        made, points = self.prim(parent, name, "Mesh"), np.ascontiguousarray(solid.points, np.float32)
        self.set(made, "points", "Point3fArray", self.vt.Vec3fArray.FromNumpy(points))
        self.set(made, "faceVertexCounts", "IntArray", self._ints(solid.sizes))
        self.set(made, "faceVertexIndices", "IntArray", self._ints(solid.corners))
        ends = np.stack([points.min(axis=0), points.max(axis=0)])
        self.set(made, "extent", "Float3Array", self.vt.Vec3fArray.FromNumpy(ends))
        self.set(made, "subdivisionScheme", "Token", "none", uniform=True)
        if colours is not None:
            rate = "constant" if len(colours) == 1 else "uniform"
            self.set(made, "primvars:displayColor", "Color3fArray", self.colours(colours), interpolation=rate)
        if opacity < 1.0:
            see_through = self.vt.FloatArray([opacity])
            self.set(made, "primvars:displayOpacity", "FloatArray", see_through, interpolation="constant")
            self.set(made, "doubleSided", "Bool", True, uniform=True)
        return made

    def _ints(self, values: Array) -> Any:
        return self.vt.IntArray.FromNumpy(np.ascontiguousarray(values, np.int32))

    def at(self, prim: Any, place: Array) -> None:
        """Move a prim [m]."""
        self.set(prim, "xformOp:translate", "Double3", self.gf.Vec3d(*map(float, place)))
        order = self.vt.TokenArray(["xformOp:translate"])
        self.set(prim, "xformOpOrder", "TokenArray", order, uniform=True)

    def label(self, prim: Any, *labels: str) -> None:
        """Semantic labels of the taxonomy `class`."""
        prim.SetInfo("apiSchemas", self.sdf.TokenListOp.Create(["SemanticsLabelsAPI:class"]))
        self.set(prim, "semantics:labels:class", "TokenArray", self.vt.TokenArray(labels))


def _layer(scene: Scene) -> Any:
    """A scene as one layer."""
    author = Author()
    layer, frames = author.layer, scene.frames if len(scene.frames) > 1 else ()
    with author.sdf.ChangeBlock():
        top = layer.pseudoRoot
        for key, value in (("upAxis", "Z"), ("metersPerUnit", 1.0), ("kilogramsPerUnit", 1.0)):
            top.SetInfo(key, value)
        if frames:
            layer.startTimeCode, layer.endTimeCode = 0.0, len(frames) - 1.0
            layer.timeCodesPerSecond = layer.framesPerSecond = RATE
        layer.customLayerData = {
            "title": scene.title,
            "summary": scene.line,
            "variable": scene.variable.title,
            "layout_hash": scene.result.facility.hash,
            **({"frames": author.vt.StringArray([scenario_text(scene.result, f) for f in frames])} if frames else {}),
            **({"placed_by_rule": "; ".join(scene.told)} if scene.told else {}),
        }
        site = author.prim(top, scene.result.facility.name, model="assembly")
        layer.defaultPrim = site.name
        author.set(site, "aifactory:name", "String", scene.result.facility.name)
        groups = _groups(author, scene, site)
        instanced = len(scene.things.names) > MAX_PRIMS
        (_instancers if instanced else _prims)(author, scene, site, groups, frames)
        _surroundings(author, scene, site, groups)
    return layer


def _groups(author: Author, scene: Scene, site: Any) -> dict[str, Any]:
    """A prim for each room with its floor and walls, and one for what stands outdoors."""
    groups = dict[str, Any]()
    for floor in scene.things.floors:
        groups[floor.name] = group = author.prim(site, floor.name, model="group")
        author.set(group, "aifactory:name", "String", floor.name)
        author.label(group, "room")
        author.mesh(group, "floor", meshes.floor(floor), _one(stage.FLOOR))
        author.mesh(group, "walls", meshes.walls(floor), _one(stage.WALL))
    groups[""] = author.prim(site, "outdoors", model="group")
    return groups


def _one(colour: str) -> Array:
    return np.array([rgb(colour)])


def _shapes(author: Author, scene: Scene, parent: Any, of: str) -> list[tuple[Any, list[int]]]:
    """A prim for each shape, whose bodies have no colour of their own, and the things that have it."""
    made = []
    for key, rows in meshes.shaped(scene.things, scene.detail != "full").items():
        prim = author.prim(parent, key[0], of=of)
        for paint, solid in shape(*key).items():
            author.mesh(prim, paint, solid, None if paint == "body" else _one(PAINTS[paint]))
        made.append((prim, rows))
    return made


def _bodies(scene: Scene, frames: Sequence[int]) -> list[Array]:
    """Colours of things (thing, 3) of each scenario, bytes: by number, else by legend; dark where lost."""
    legends = stage.colours(scene.things)
    known = {name: rgb(legends.get(name, UNKNOWN)) for name in set(scene.things.legends)}
    plain = np.array([known[name] for name in scene.things.legends]).reshape(-1, 3)
    found = []
    for frame in frames:
        values = scene.values[:, frame]
        colours = np.where(np.isfinite(values)[:, None], scene.scale.rgb(values), plain)
        colours[scene.of(frame).lost_rows] = rgb(LOST)
        found.append(colours)
    return found


def _prims(author: Author, scene: Scene, site: Any, groups: dict[str, Any], frames: Sequence[int]) -> None:
    """A prim for each thing."""
    things, told = scene.things, numbers(scene)
    known = [bool(np.isfinite(own).any()) for own in scene.values]
    still, *moving = [author.colours(c) for c in _bodies(scene, [scene.scenario, *frames])]
    sdf, vt, layer = author.sdf, author.vt, author.layer
    primvar = f"primvars:{author.tf.MakeValidIdentifier(scene.color)}"
    shapes = author.prim(site, "shapes", "", of="Class")
    for prototype, rows in _shapes(author, scene, shapes, "Def"):
        for i in rows:
            prim = author.prim(groups.get(things.rooms[i], groups[""]), things.names[i], model="component")
            prim.referenceList.prependedItems.append(sdf.Reference("", prototype.path))
            prim.SetInfo("instanceable", True)
            author.at(prim, things.low[i])
            author.label(prim, things.kinds[i])
            author.set(prim, "aifactory:name", "String", things.names[i])
            for key, value in told[i].items():
                author.set(prim, f"aifactory:{key}", "Float", value)
            colour = author.set(
                prim, "primvars:displayColor", "Color3fArray", vt.Vec3fArray([still[i]]), interpolation="constant"
            )
            if not known[i]:
                continue
            value = vt.FloatArray([float(scene.shown_values[i])])
            shown = author.set(prim, primvar, "FloatArray", value, interpolation="constant")
            for k, frame in enumerate(frames):
                layer.SetTimeSample(shown.path, k, vt.FloatArray([float(scene.values[i, frame])]))
                layer.SetTimeSample(colour.path, k, vt.Vec3fArray([moving[k][i]]))


def _instancers(author: Author, scene: Scene, site: Any, groups: dict[str, Any], frames: Sequence[int]) -> None:
    """A point instancer for each shape, with names, numbers and colours as arrays."""
    things, vt = scene.things, author.vt
    primvar = f"primvars:{author.tf.MakeValidIdentifier(scene.color)}"
    still, *moving = _bodies(scene, [scene.scenario, *frames])
    floats = lambda values: vt.FloatArray.FromNumpy(np.ascontiguousarray(values, np.float32))  # noqa: E731
    all_things = author.prim(site, "things", model="group")
    for key, rows in meshes.shaped(things, scene.detail != "full").items():
        many = author.prim(all_things, f"{key[0]}s", "PointInstancer")
        prototype = author.prim(many, "shape")
        for paint, solid in shape(*key).items():
            author.mesh(prototype, paint, solid, None if paint == "body" else _one(PAINTS[paint]))
        author.sdf.RelationshipSpec(many, "prototypes", False).targetPathList.explicitItems = [prototype.path]
        at = np.ascontiguousarray(things.low[rows], np.float32)
        author.set(many, "positions", "Point3fArray", vt.Vec3fArray.FromNumpy(at))
        author.set(many, "protoIndices", "IntArray", vt.IntArray([0] * len(rows)))
        author.set(many, "ids", "Int64Array", vt.Int64Array(list(rows)))
        ends = np.stack([at.min(axis=0), (things.low[rows] + things.size[rows]).max(axis=0)]).astype(np.float32)
        author.set(many, "extent", "Float3Array", vt.Vec3fArray.FromNumpy(ends))
        author.set(many, "aifactory:names", "StringArray", vt.StringArray([things.names[i] for i in rows]))
        author.label(many, *sorted({things.kinds[i] for i in rows}))
        own = scene.values[rows]
        colour = author.set(
            many, "primvars:displayColor", "Color3fArray", author.colours(still[rows]), interpolation="vertex"
        )
        if np.isfinite(own).any():
            shown = author.set(many, primvar, "FloatArray", floats(scene.shown_values[rows]), interpolation="vertex")
            for k, frame in enumerate(frames):
                author.layer.SetTimeSample(shown.path, k, floats(scene.values[rows, frame]))
                author.layer.SetTimeSample(colour.path, k, author.colours(moving[k][rows]))


def _surroundings(author: Author, scene: Scene, site: Any, groups: dict[str, Any]) -> None:
    """Screens, pipes, cables and computed air."""
    glass = [p for p in scene.things.panels if p.size[2] > 0]
    if glass:
        author.mesh(site, "screens", meshes.joined([meshes.sheet(p) for p in glass]), _one(PAINTS["glass"]), 0.25)
    if scene.coolant is not None and len(scene.coolant.runs.radius):
        runs = scene.coolant.runs
        solid, owner = meshes.pipes(runs)
        warm = scene.coolant.temperature[runs.net[owner]] - 273.15
        pipes = author.mesh(site, "pipes", solid, scene.coolant_scale.rgb(warm))
        author.label(pipes, "pipe")
        author.mesh(site, "flow", meshes.arrows(runs)[0], _one(stage.INK))
    if scene.power is not None and len(scene.power.runs.radius):
        author.label(author.mesh(site, "cables", meshes.cables(scene.power.runs), _one(stage.CABLE)), "cable")
    for kind in scene.air:
        if kind == "streamlines":
            continue
        for room, surface in air.shown(scene.result, kind, scene.scenario):
            solid, warm = air.solid(surface)
            each = np.array([part.mean() for part in np.split(warm[solid.corners], np.cumsum(solid.sizes)[:-1])])
            home = groups.get(room, groups[""])
            author.mesh(home, f"{kind} of {room}", solid, scene.air_scale.rgb(each), 0.7)
