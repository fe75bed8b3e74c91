"""GLB files: valid to the Khronos validator, and read back with names, places, numbers and colours."""

import json
import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

import twin
from twin.show import gltf
from twin.show.scene import paint

REQUIRED = "TWIN_REQUIRE_VIEWERS" in os.environ


class Glb:
    """A GLB file as it is read by others: JSON, accessors, and a place in the world for each node."""

    def __init__(self, data):
        magic, version, length = struct.unpack("<4sII", data[:12])
        assert (magic, version, length) == (b"glTF", 2, len(data))
        size, kind = struct.unpack("<I4s", data[12:20])
        assert kind == b"JSON"
        self.json = json.loads(data[20 : 20 + size])
        assert struct.unpack("<I4s", data[20 + size : 28 + size]) == (len(data) - 28 - size, b"BIN\0")
        self.binary = data[28 + size :]
        self.nodes = {n["name"]: n for n in self.json["nodes"]}

    def view(self, k):
        view = self.json["bufferViews"][k]
        return self.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def accessor(self, k):
        a = self.json["accessors"][k]
        kind = {5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}[a["componentType"]]
        wide = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[a["type"]]
        flat = np.frombuffer(self.view(a["bufferView"]), kind, a["count"] * wide, a.get("byteOffset", 0))
        return flat.reshape(-1, wide) if wide > 1 else flat

    def points(self, name):
        """Points of a node, Y up."""
        node = self.nodes[name]
        primitives = self.json["meshes"][node["mesh"]]["primitives"]
        own = np.concatenate([self.accessor(p["attributes"]["POSITION"]) for p in primitives])
        x, y, z = (own + np.array(node.get("translation", (0, 0, 0)))).T
        root = self.json["nodes"][self.json["scenes"][0]["nodes"][0]]
        np.testing.assert_allclose(root["rotation"], (-(0.5**0.5), 0, 0, 0.5**0.5), atol=1e-6)
        return np.stack([x, z, -y], axis=1)  # that turn

    def colour(self, name, paint):
        """Base colour of one paint of a node, as linear light."""
        primitives = self.json["meshes"][self.nodes[name]["mesh"]]["primitives"]
        materials = [self.json["materials"][p["material"]] for p in primitives]
        (own,) = [m for m in materials if paint(m["name"])]
        return np.array(own["pbrMetallicRoughness"]["baseColorFactor"][:3])


def pixels(data):
    """Pixels (row, column) and palette of a PNG of few colours."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunks[kind] = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert crc == zlib.crc32(kind + chunks[kind])
        at += 12 + length
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, colour) == (8, 3)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert (rows[:, 0] == 0).all()
    return rows[:, 1:], np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)


def test_things_read_back_with_places_and_numbers(result, tmp_path):
    scene = result.scene()
    glb = Glb(scene.save(tmp_path / "hall.glb").read_bytes())
    things = scene.things
    for i, name in enumerate(things.names):
        low, high = things.low[i], things.low[i] + things.size[i]
        points = glb.points(name)
        turned = np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1)
        assert (turned >= low - 2e-3).all() and (turned <= high + 2e-3).all(), name
    for name in ("r101", "net3", "sto2"):
        told = glb.nodes[name]["extras"]
        here = result.dataset.sel(rack=name).isel(scenario=0)
        assert told["kW"] == pytest.approx(float(here["rack_power"]) / 1e3, abs=0.005)
        assert told["degC"] == pytest.approx(float(here["rack_inlet_temperature"]) - 273.15, abs=0.005)
    assert glb.nodes["binds: utility contract at utility"]["extras"]["element"] == "utility"
    assert glb.json["scenes"][0]["extras"]["variable"] == "rack inlet temperature [°C]"
    assert not {"extensionsUsed", "extensionsRequired"} & set(glb.json)


def test_bodies_have_the_colour_of_their_number(result):
    scene = result.scene(color="loading")
    glb = Glb(gltf.glb(scene))
    table = scene.scale
    for name in ("tx_a1", "ups_b2", "dry_coolers"):
        value = scene.shown_values[scene.things.row[name]]
        own = glb.colour(name, lambda m: m.startswith("loading"))
        exact = gltf.linear(table.rgb(np.array([value]))[0] / 255)
        assert np.abs(own - exact).max() < 0.06, name  # half of one of 64 steps
        assert glb.nodes[name]["extras"]["loading"] == pytest.approx(value, rel=1e-4)
    lost = glb.colour("tx_mech_b", lambda m: m == "lost")
    np.testing.assert_allclose(lost, gltf.linear(np.array(paint.rgb(paint.LOST)) / 255), atol=1e-3)


def test_frames_show_one_after_the_other_with_their_numbers(weathers):
    scene = weathers.scene()
    glb = Glb(gltf.glb(scene))
    told = glb.json["scenes"][0]["extras"]
    low, high = told["range"]
    count, levels = told["frames"]["nodes"], told["frames"]["levels"]
    names = [n["name"] for n in glb.json["nodes"][:count]]
    assert count == 76
    (animation,) = glb.json["animations"]
    seen = []
    for k, channel in enumerate(animation["channels"]):
        assert channel["target"]["path"] == "scale"
        assert glb.json["nodes"][channel["target"]["node"]]["name"] == f"frame {k}"
        sampler = animation["samplers"][channel["sampler"]]
        assert sampler["interpolation"] == "STEP"
        np.testing.assert_array_equal(glb.accessor(sampler["input"]), np.arange(4))
        seen.append(glb.accessor(sampler["output"])[:, 0])
    np.testing.assert_array_equal(seen, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]])
    for k in range(3):
        node = glb.nodes[f"frame {k}"]
        assert node["scale"] == [int(k == 0)] * 3 and node["extras"]["scenario"] == k
        (primitive,) = glb.json["meshes"][node["mesh"]]["primitives"]
        texture = glb.json["materials"][primitive["material"]]["pbrMetallicRoughness"]["baseColorTexture"]["index"]
        image = glb.json["images"][glb.json["textures"][texture]["source"]]
        found, palette = pixels(glb.view(image["bufferView"]))
        step = (high - low) / levels
        values = low + (found.ravel()[:count] + 0.5) * step
        exact = weathers["rack_inlet_temperature"].sel(rack=names)[:, k] - 273.15
        assert np.abs(values - exact.values).max() <= step / 2 + 1e-9
        assert len(palette) == levels + 2  # and what has no number, and what is lost
        # every rack's middle lies over its own pixel
        points, uv = (
            glb.accessor(primitive["attributes"]["POSITION"]),
            glb.accessor(primitive["attributes"]["TEXCOORD_0"]),
        )
        rectangles, at = points.reshape(-1, 4, 3), uv.reshape(-1, 4, 2) / 65535
        for n, name in enumerate(names):
            middle = scene.things.low[scene.things.row[name]] + scene.things.size[scene.things.row[name]] / 2
            top = scene.things.low[scene.things.row[name], 2] + scene.things.size[scene.things.row[name], 2] + 0.02
            inside = (rectangles.min(1)[:, :2] < middle[:2]) & (middle[:2] < rectangles.max(1)[:, :2])
            (r,) = np.flatnonzero(inside.all(1) & (np.abs(rectangles[:, 0, 2] - top) < 1e-4))
            along = rectangles[r, 1] - rectangles[r, 0]
            share = (middle - rectangles[r, 0]) @ along / (along @ along)
            u = at[r, 0] + share * (at[r, 1] - at[r, 0])
            assert int(u[0] * found.shape[1]) + found.shape[1] * int(u[1] * found.shape[0]) == n


def test_every_rack_of_a_row_along_y_has_its_own_pixel():
    from closet import ROOM

    result = twin.solve(twin.load(ROOM), {"r1.it_power": [8e3, 4e3], "r2.it_power": [6e3, 9e3]})
    scene = result.scene(color="rack_power")
    glb = Glb(gltf.glb(scene))
    names = [n["name"] for n in glb.json["nodes"][: glb.json["scenes"][0]["extras"]["frames"]["nodes"]]]
    (primitive,) = glb.json["meshes"][glb.nodes["frame 0"]["mesh"]]["primitives"]
    rectangles = glb.accessor(primitive["attributes"]["POSITION"]).reshape(-1, 4, 3)
    at = glb.accessor(primitive["attributes"]["TEXCOORD_0"]).reshape(-1, 4, 2) / 65535
    for n, name in enumerate(names):
        middle = scene.things.low[scene.things.row[name]] + scene.things.size[scene.things.row[name]] / 2
        (r,) = np.flatnonzero(((rectangles.min(1) < middle) & (middle < rectangles.max(1)))[:, :2].all(1))
        along = rectangles[r, 1] - rectangles[r, 0]
        u = at[r, 0] + (middle - rectangles[r, 0]) @ along / (along @ along) * (at[r, 1] - at[r, 0])
        assert int(u[0] * 2) == n, name


def test_frames_tell_what_is_lost_and_leave_out_what_has_no_solution():
    result = twin.solve("gb300_hall", {"r101.in_service": [0.0, 1.0, 1.0], "site.dry_bulb": [303.15, 303.15, 400.0]})
    assert result.status[2] and not result.status[:2].any()
    scene = result.scene()
    assert scene.frames == (0, 1) and "1 scenarios without solution are left out" in scene.told
    order = gltf._order(scene)
    at = [scene.things.names[i] for i in order].index("r101")
    assert gltf.steps(scene, order, 0)[at] == gltf.LEVELS + 1 > gltf.steps(scene, order, 1)[at]


def test_pipes_have_the_colour_of_their_coolant(result):
    scene = result.scene()
    glb = Glb(gltf.glb(scene))
    (primitive,) = glb.json["meshes"][glb.nodes["pipes"]["mesh"]]["primitives"]
    colours = glb.accessor(primitive["attributes"]["COLOR_0"])[:, :3] / 255
    warm = scene.coolant.temperature[scene.coolant.runs.net] - 273.15
    exact = gltf.linear(scene.coolant_scale.rgb(warm) / 255)
    np.testing.assert_allclose(np.unique(colours, axis=0), np.unique(np.round(255 * exact) / 255, axis=0), atol=1e-9)


def test_the_khronos_validator_finds_nothing(result, weathers, with_air, tmp_path):
    node, script = shutil.which("node"), Path(__file__).parent / "validate.js"
    if node is None or subprocess.run([node, "-e", "require('gltf-validator')"], capture_output=True).returncode:
        if REQUIRED:
            pytest.fail("needs node and gltf-validator, found by NODE_PATH")
        pytest.skip("no gltf-validator")
    files = [
        result.scene(color="loading").save(tmp_path / "plain.glb"),
        weathers.scene().save(tmp_path / "frames.glb"),
        weathers.scene(color="power", frames=[2, 0]).save(tmp_path / "two.glb"),
        with_air.scene(air=("slices", "isosurfaces")).save(tmp_path / "air.glb"),
    ]
    done = subprocess.run([node, str(script), *map(str, files)], capture_output=True, text=True, check=True)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(said) == len(files)
    for one in said:
        assert (one["numErrors"], one["numWarnings"], one["numInfos"]) == (0, 0, 0), one["messages"]
    assert [one["animations"] for one in said] == [0, 1, 1, 0]


def test_a_layout_is_exported_as_its_result_is(tmp_path):
    one = twin.export("dps_demo", tmp_path / "one.glb")
    assert one.read_bytes() == twin.export(twin.solve("dps_demo"), tmp_path / "other.glb").read_bytes()
