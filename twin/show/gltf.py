"""GLB files: named, pickable equipment with its numbers, Y up, metres; scenarios as frames of an animation.

Core glTF 2.0 without extensions, so that every viewer opens it: equipment of one shape and colour shares a mesh, and
since core glTF animates no colours, each frame is a skin over the equipment with a texture of its own, one pixel of
LEVELS colours for each thing, and an animation that shows one skin at a time by its scale.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.columns import Array
from twin.show.scene import air, meshes, stage
from twin.show.scene.paint import LOST, UNKNOWN, rgb
from twin.show.scene.places import Things
from twin.show.scene.routes import Runs
from twin.show.scene.scene import scenario_text
from twin.show.scene.shapes import PAINTS, Solid, box, shape

if TYPE_CHECKING:
    from twin.show.scene.scene import Scene

LEVELS = 64
"""Colours of a scale that bodies and frames have; as many meshes of one shape at most."""

WIDTH, NEAR = 1024, 0.5
"""Pixels of a row of the frames' textures, and gaps between things that share a rectangle, over their width."""

FLOAT, USHORT, UINT, UBYTE = 5126, 5123, 5125, 5121
BODY, PIPES = "body", "pipes"
"""The material of bodies and the node of pipes that a page colours."""

POINTS, INDICES = 34962, 34963
LINES = 1
NEAREST, CLAMP = 9728, 33071
Z_TO_Y = (-0.7071067811865476, 0.0, 0.0, 0.7071067811865476)
"""The turn from Z up to Y up."""

Json = dict[str, Any]


class _File:
    """A GLB in the making: JSON, and the bytes that it refers to."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.json: dict[str, list[Json]] = {
            key: [] for key in ("nodes", "meshes", "materials", "accessors", "bufferViews", "images", "textures")
        }
        self._materials: dict[Any, int] = {}

    def add(self, kind: str, entry: Json) -> int:
        self.json[kind].append(entry)
        return len(self.json[kind]) - 1

    def view(self, data: bytes, target: int | None = None) -> int:
        self.bytes += b"\0" * (-len(self.bytes) % 4)
        entry = {"buffer": 0, "byteOffset": len(self.bytes), "byteLength": len(data)}
        self.bytes += data
        return self.add("bufferViews", entry | ({} if target is None else {"target": target}))

    def accessor(self, data: Array, kind: str, component: int, target: int | None, **more: Any) -> int:
        entry = {"bufferView": self.view(data.tobytes(), target), "componentType": component, "count": len(data)}
        return self.add("accessors", entry | {"type": kind} | more)

    def points(self, points: Array) -> int:
        data = np.ascontiguousarray(points, "<f4")
        ends = {"min": _short(data.min(axis=0)), "max": _short(data.max(axis=0))}
        return self.accessor(data, "VEC3", FLOAT, POINTS, **ends)

    def indices(self, rows: Array) -> int:
        small = rows.size == 0 or rows.max() < 65535
        data = np.ascontiguousarray(rows.ravel(), "<u2" if small else "<u4")
        return self.accessor(data, "SCALAR", USHORT if small else UINT, INDICES)

    def colours(self, colours: Array) -> int:
        """Vertex colours (vertex, 3) bytes, as the linear light that glTF wants."""
        light = np.column_stack([np.round(255 * linear(colours / 255)), np.full(len(colours), 255)])
        return self.accessor(np.ascontiguousarray(light, np.uint8), "VEC4", UBYTE, POINTS, normalized=True)

    def material(self, name: str, colour: str, opacity: float = 1.0) -> int:
        """A matt material of a colour such as "#c8102e"; that called BODY is told by its extras."""
        if (name, colour, opacity) not in self._materials:
            factor = [*(round(float(c), 4) for c in linear(np.array(rgb(colour)) / 255)), opacity]
            surface = {"baseColorFactor": factor, "metallicFactor": 0, "roughnessFactor": 0.8}
            entry: Json = {"name": name, "pbrMetallicRoughness": surface}
            if name == BODY:
                entry["extras"] = {"body": True}
            if opacity < 1.0:
                entry |= {"alphaMode": "BLEND", "doubleSided": True}
            self._materials[name, colour, opacity] = self.add("materials", entry)
        return self._materials[name, colour, opacity]

    def data(self, more: Json) -> bytes:
        """The whole file."""
        self.bytes += b"\0" * (-len(self.bytes) % 4)
        kept = {key: entries for key, entries in self.json.items() if entries}
        text = json.dumps(more | kept | {"buffers": [{"byteLength": len(self.bytes)}]}, separators=(",", ":"))
        told = text.encode()
        told += b" " * (-len(told) % 4)
        length = 12 + 8 + len(told) + 8 + len(self.bytes)
        head = struct.pack("<4sII", b"glTF", 2, length) + struct.pack("<I4s", len(told), b"JSON")
        return head + told + struct.pack("<I4s", len(self.bytes), b"BIN\0") + bytes(self.bytes)


def _short(values: Array) -> list[float]:
    """Single-precision numbers as they are written shortest."""
    return [int(x) if x == int(x) else float(str(x)) for x in values.astype(np.float32)]


def linear(share: Array) -> Array:
    """Linear light of sRGB, both 0 to 1 [IEC 61966-2-1]."""
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def glb(scene: Scene, viewer: bool = False) -> bytes:
    """A scene as the bytes of a GLB file; for the viewer of web pages, which colours bodies itself, without frames."""
    file = _File()
    frames = scene.frames if len(scene.frames) > 1 and not viewer else ()
    order = _order(scene) if frames else []
    _equipment(file, scene, order, plain=viewer)
    _surroundings(file, scene)
    if not viewer:
        _mark(file, scene)
    animations = _frames(file, scene, frames, order) if order else []
    children = list(range(len(file.json["nodes"])))
    root = file.add("nodes", {"name": scene.result.facility.name, "rotation": Z_TO_Y, "children": children})
    told = {
        "title": scene.title,
        "summary": scene.line,
        "variable": scene.variable.title,
        "range": [scene.scale.low, scene.scale.high],
        **({"frames": {"levels": LEVELS, "nodes": len(order)}} if order else {}),
        "layout_hash": scene.result.facility.hash,
        **({"placed_by_rule": scene.told} if scene.told else {}),
    }
    more: Json = {
        "asset": {"version": "2.0", "generator": f"aifactory-twin {version('aifactory-twin')}"},
        "scene": 0,
        "scenes": [{"name": scene.title, "nodes": [root], "extras": told}],
    }
    if animations:
        more["samplers"] = [{"magFilter": NEAREST, "minFilter": NEAREST, "wrapS": CLAMP, "wrapT": CLAMP}]
        more["animations"] = animations
    return file.data(more)


# ---- what stands there -------------------------------------------------------------------------------------------


def _equipment(file: _File, scene: Scene, order: Sequence[int], plain: bool) -> None:
    """A node for each thing, whose mesh it shares with all of its shape and colour; all bodies alike if `plain`.

    order: numbers of things that frames colour, which come first, in that order.
    """
    things, values, lost = scene.things, scene.shown_values, set(scene.lost_rows.tolist())
    share = (values - scene.scale.low) / (scene.scale.high - scene.scale.low)
    level = np.where(np.isfinite(share) & (not order), np.clip(share * LEVELS, 0, LEVELS - 1), -1).astype(int)
    table = _levels(scene)
    legends = stage.colours(things)
    told, nodes = numbers(scene), dict[int, Json]()
    for key, rows in meshes.shaped(things, scene.detail != "full").items():
        parts = {
            paint: (file.points(solid.points), file.indices(solid.triangles)) for paint, solid in shape(*key).items()
        }
        made = dict[tuple[str, str], int]()
        for i in rows:
            if plain:
                body = (BODY, UNKNOWN)
            elif i in lost:
                body = ("lost", LOST)
            elif level[i] >= 0:
                body = (f"{scene.color} {level[i] + 1} of {LEVELS}", "#{:02x}{:02x}{:02x}".format(*table[level[i]]))
            else:
                body = (things.legends[i], legends.get(things.legends[i], UNKNOWN))
            if body not in made:
                made[body] = file.add("meshes", {"name": things.kinds[i], "primitives": _primitives(file, parts, body)})
            at = [int(x) if x == int(x) else x for x in np.round(things.low[i], 3).tolist()]
            nodes[i] = {"name": things.names[i], "mesh": made[body], "translation": at}
            nodes[i] |= {"extras": told[i]} if told[i] else {}
    for i in [*order, *sorted(set(nodes) - set(order))]:
        file.add("nodes", nodes[i])


def _primitives(file: _File, parts: dict[str, tuple[int, int]], body: tuple[str, str]) -> list[Json]:
    """Parts of a shape, its body in a colour and the rest in its paints."""
    return [
        {
            "attributes": {"POSITION": points},
            "indices": indices,
            "material": file.material(*(body if paint == "body" else (paint, PAINTS[paint]))),
        }
        for paint, (points, indices) in parts.items()
    ]


def numbers(scene: Scene) -> list[Json]:
    """What each thing carries: its power [kW], its temperature [degC], and the variable of the scene if another."""
    things, row = scene.things, scene.things.row
    told: list[Json] = [{} for _ in things.names]
    solution, i = scene.result.part(scene.scenario)
    plant = solution.plant
    for report in plant.reports:
        if not report.picture:
            continue
        values = solution[report.value][:, i].tolist()
        for name, value in zip(report.elements, values, strict=False):
            for member in plant.classes.members(name):
                if member not in row or not np.isfinite(value):
                    continue
                own = told[row[member]]
                if report.picture == "power":
                    own["kW"] = round(own.get("kW", 0.0) + value / 1e3, 2)
                else:
                    own.setdefault("degC", round(value - 273.15, 2))
    already = {report.name for report in plant.reports if report.picture}
    for own, value in zip(told, scene.shown_values.tolist(), strict=True):
        if scene.color not in already and np.isfinite(value):
            own[scene.color] = float(f"{value:.5g}")
    return told


def pipe_points(runs: Runs) -> tuple[Solid, Array]:
    """Pipes, and the route that each of their points is of (point,)."""
    solid, owner = meshes.pipes(runs)
    of_point = np.empty(len(solid.points), np.int64)
    of_point[solid.corners] = np.repeat(owner, solid.sizes)
    return solid, runs.net[of_point]


def _node(file: _File, name: str, solid: Solid, material: int, **attributes: Any) -> None:
    """Polygons as a node."""
    if len(solid.sizes):
        drawn = {"attributes": {"POSITION": file.points(solid.points)} | attributes, "material": material}
        drawn["indices"] = file.indices(solid.triangles)
        file.add("nodes", {"name": name, "mesh": file.add("meshes", {"name": name, "primitives": [drawn]})})


def _lines(file: _File, name: str, ends: Array, colour: str, **more: Any) -> None:
    """Lines between ends (line, 2, 3) as a node."""
    points, rows = np.unique(np.round(ends.reshape(-1, 3), 3), axis=0, return_inverse=True)
    drawn = {
        "attributes": {"POSITION": file.points(points)},
        "indices": file.indices(rows.reshape(-1, 2)),
        "mode": LINES,
        "material": file.material(name, colour),
    }
    file.add("nodes", {"name": name, "mesh": file.add("meshes", {"name": name, "primitives": [drawn]}), **more})


def _surroundings(file: _File, scene: Scene) -> None:
    """Floors, walls, screens, pipes, cables and computed air."""
    things = scene.things
    for floor in things.floors:
        _node(file, floor.name, meshes.floor(floor), file.material("floor", stage.FLOOR))
        _node(file, f"walls of {floor.name}", meshes.walls(floor), file.material("wall", stage.WALL))
    glass = file.material("glass", PAINTS["glass"], 0.25) if things.panels else 0
    for panel in things.panels:
        if panel.size[2] > 0:
            _node(file, panel.name, meshes.sheet(panel), glass)
    if scene.coolant is not None and len(scene.coolant.runs.radius):
        solid, net = pipe_points(scene.coolant.runs)
        warm = scene.coolant.temperature[net] - 273.15
        white = file.material("coolant", "#ffffff")
        _node(file, PIPES, solid, white, COLOR_0=file.colours(scene.coolant_scale.rgb(warm)))
        _node(file, "flow", meshes.arrows(scene.coolant.runs)[0], file.material("arrows", stage.INK))
    if scene.power is not None and len(scene.power.runs.radius):
        _lines(file, "cables", np.stack([scene.power.runs.start, scene.power.runs.end], axis=1), stage.CABLE)
    for kind in scene.air:
        if kind != "streamlines":
            for room, surface in air.shown(scene.result, kind, scene.scenario):
                _air(file, scene, f"{kind} of {room}", surface, 0.85 if kind == "slices" else 0.5)


def _air(file: _File, scene: Scene, name: str, surface: Any, opacity: float) -> None:
    """A surface of air with its temperatures as colours of its corners."""
    solid, warm = air.solid(surface)
    colours = scene.air_scale.rgb(warm)
    _node(file, name, solid, file.material(name, "#ffffff", opacity), COLOR_0=file.colours(colours))


def _mark(file: _File, scene: Scene) -> None:
    """The outline of what binds, with the limit in its extras."""
    things, limit = scene.things, scene.marks.limit
    i = things.row.get(scene.marks.binds)
    if i is None or limit is None:
        return
    around = box(things.low[i] - 0.06, things.low[i] + things.size[i] + 0.06)
    told = {"limit": limit.name, "element": limit.element, "relative_margin": float(f"{limit.relative:.5g}")}
    _lines(file, f"binds: {scene.marks.phrase}", around.points[around.edges], stage.RED, extras=told)


# ---- frames ------------------------------------------------------------------------------------------------------


def _frames(file: _File, scene: Scene, frames: Sequence[int], order: list[int]) -> list[Json]:
    """A skin of each frame over the tops of what has a number, and the animation that shows one after the other.

    order: numbers of these things, each of which has the pixel of its place in it.
    """
    points, texels = _tops(scene.things, order)
    width = min(1 << (len(order) - 1).bit_length(), WIDTH)  # powers of two, as some viewers want them
    height = 1 << (-(-len(order) // width) - 1).bit_length()
    row = texels.min(axis=1, keepdims=True) // width
    u, v = (texels - row * width) / width, np.broadcast_to((row + 0.5) / height, texels.shape)
    at = np.stack([u[:, [0, 1, 1, 0]], v[:, [0, 1, 1, 0]]], axis=-1).reshape(-1, 2)
    position = file.points(points.reshape(-1, 3))
    indices = file.indices(4 * np.arange(len(points))[:, None] + np.array([0, 1, 2, 0, 2, 3]))
    coordinates = file.accessor(np.round(65535 * at).astype("<u2"), "VEC2", USHORT, POINTS, normalized=True)
    times, ends = np.arange(len(frames) + 1, dtype="<f4"), {"min": [0.0], "max": [float(len(frames))]}
    clock = file.accessor(times, "SCALAR", FLOAT, None, **ends)
    count = len(frames)
    table = np.concatenate([_levels(scene), [rgb(UNKNOWN), rgb(LOST)]]).astype(np.uint8)
    once = np.zeros((2 * count + 1, 3), "<f4")  # of which each frame has a window of its own
    once[count] = 1.0
    seen, samplers, channels = file.view(once.tobytes()), [], []
    for k, frame in enumerate(frames):
        pixels = np.zeros(width * height, np.uint8)
        pixels[: len(order)] = steps(scene, order, frame)
        image = file.view(png(pixels.reshape(height, width), table))
        file.add("images", {"bufferView": image, "mimeType": "image/png"})
        file.add("textures", {"source": k, "sampler": 0})
        surface = {"baseColorTexture": {"index": k}, "metallicFactor": 0, "roughnessFactor": 0.8}
        material = file.add("materials", {"pbrMetallicRoughness": surface})
        attributes = {"POSITION": position, "TEXCOORD_0": coordinates}
        mesh = file.add(
            "meshes", {"primitives": [{"attributes": attributes, "indices": indices, "material": material}]}
        )
        extras = {"scenario": frame, "label": scenario_text(scene.result, frame)}
        node = file.add("nodes", {"name": f"frame {k}", "mesh": mesh, "scale": [int(k == 0)] * 3, "extras": extras})
        window = {"bufferView": seen, "byteOffset": 12 * (count - k), "componentType": FLOAT, "count": count + 1}
        if k < count - 1:
            output = file.add("accessors", window | {"type": "VEC3"})
        else:  # the last stays
            output = file.accessor(np.array([[0.0] * 3] * k + [[1.0] * 3] * 2, "<f4"), "VEC3", FLOAT, None)
        samplers.append({"input": clock, "output": output, "interpolation": "STEP"})
        channels.append({"sampler": k, "target": {"node": node, "path": "scale"}})
    return [{"name": "scenarios", "samplers": samplers, "channels": channels}]


def _order(scene: Scene) -> list[int]:
    """Numbers of the things that have a number in any frame, those of a row one after the other."""
    things = scene.things
    known = np.flatnonzero(np.isfinite(scene.values[:, list(scene.frames)]).any(axis=1))
    low, along = np.round(things.low, 3), np.array([0 if way[1] == "y" else 1 for way in things.ways])
    key = lambda i: (along[i], low[i, 1 - along[i]], low[i, along[i]], low[i, 2])  # noqa: E731
    return sorted(known.tolist(), key=key)


def _tops(things: Things, order: Sequence[int]) -> tuple[Array, Array]:
    """Rectangles over the tops of things, and the pixels at which each begins and ends (rectangle, 2).

    Things of one size side by side at one distance share a rectangle, (rectangle, corner, 3) [m].
    """
    low, size = np.round(things.low[order], 3), np.round(things.size[order], 3)
    along = np.array([0 if things.ways[i][1] == "y" else 1 for i in order])
    runs, pitch = list[list[int]](), 0.0
    for k in range(len(order)):
        a = along[k]
        if runs and k % WIDTH and along[k - 1] == a and (size[k - 1] == size[k]).all():
            step, aside = low[k] - low[k - 1], np.delete(low[k] - low[k - 1], a)
            near = 0 < step[a] <= (1 + NEAR) * size[k, a] and not aside.any()
            if near and (len(runs[-1]) == 1 or abs(step[a] - pitch) < 2e-3):
                pitch = step[a]
                runs[-1].append(k)
                continue
        runs.append([k])
    points, texels = np.empty((len(runs), 4, 3)), np.empty((len(runs), 2))
    for n, run in enumerate(runs):
        first, last, a = run[0], run[-1], along[run[0]]
        near, far = low[first].copy(), low[last] + size[last]
        gap = 0.0 if first == last else max(0.0, round(float(low[first + 1, a] - low[first, a] - size[first, a]), 6))
        edge = gap / 2 / (gap + size[first, a])
        texels[n] = (first + edge, last + 1 - edge) if a == 0 else (last + 1 - edge, first + edge)
        x, y, z = (near[0], far[0]), (near[1], far[1]), far[2] + 0.02
        corners = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]
        if a == 1:  # so that the first two corners lie along the row
            corners = [corners[k] for k in (3, 0, 1, 2)]
        points[n] = [(*c, z) for c in corners]
    return points, texels


def _levels(scene: Scene) -> Array:
    """Colours of the LEVELS of the scale, (level, 3) bytes."""
    share = (np.arange(LEVELS) + 0.5) / LEVELS
    return scene.scale.rgb(scene.scale.low + share * (scene.scale.high - scene.scale.low))


def steps(scene: Scene, order: Sequence[int], frame: int) -> Array:
    """Numbers of things in one scenario as LEVELS of their scale (thing,), bytes.

    LEVELS itself stands for what has no number, LEVELS + 1 for what is out of service or has no power.
    """
    values, lost = scene.values[list(order), frame], scene.of(frame).lost_rows
    share = (values - scene.scale.low) / (scene.scale.high - scene.scale.low)
    level = np.where(np.isfinite(share), np.clip(np.nan_to_num(share) * LEVELS, 0, LEVELS - 1), LEVELS)
    return np.where(np.isin(order, lost), LEVELS + 1, level).astype(np.uint8)


def png(pixels: Array, table: Array) -> bytes:
    """A PNG of at most 256 colours: pixels (row, column) count in the table (colour, 3), bytes [ISO/IEC 15948]."""
    height, width = pixels.shape
    lines = np.column_stack([np.zeros(height, np.uint8), pixels]).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", table.tobytes()), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
