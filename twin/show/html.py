"""A scene as one page of HTML that opens offline: to turn, zoom, pick and step through, in any browser with WebGL 2."""

from __future__ import annotations

import base64
import json
import zlib
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.columns import Array
from twin.show.gltf import glb, numbers, pipe_points
from twin.show.scene import paint, stage
from twin.show.scene.labels import looking
from twin.show.scene.paint import LOST, UNKNOWN, Scale
from twin.show.scene.routes import Routes, temperatures
from twin.show.scene.scene import scenario_text

if TYPE_CHECKING:
    from twin.show.scene.scene import Scene

VIEW_NAMES = {"site": "Site", "hall": "Hall", "row": "Row", "plant": "Plant", "top": "Plan"}

ICON = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
"""An empty icon, so that no browser asks for one."""


@cache
def asset(name: str) -> str:
    """A file of the viewer."""
    return (files("twin.show.viewer") / name).read_text("utf-8")


def document(title: str, body: str, style: str = "", script: str = "", class_: str = "") -> str:
    """A whole page; nothing in it is loaded from anywhere."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="{ICON}"><title>{escape(title)}</title><style>{style}</style></head>\n'
        f'<body class="{class_}">{body}\n<script>{script}</script></body></html>\n'
    )


def page(scene: Scene) -> str:
    """A page with the scene alone."""
    start = 'document.querySelectorAll(".twin-scene").forEach((host) => { twinScene(host); });'
    style = asset("viewer.css")
    return document(scene.title, fragment(scene), style, asset("viewer.js") + start, "twin-page")


def fragment(scene: Scene, heading: str = "h1") -> str:
    """The scene as an element of a page that has the viewer's style and script."""
    data = scene_data(scene)
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    buttons = "".join(
        f'<button type="button" data-view="{v["name"]}">{VIEW_NAMES[v["name"]]}</button>' for v in data["views"]
    )
    names = "".join(f"<option>{escape(n)}</option>" for n in scene.things.names)
    count = len(data["frames"])
    frame = data["frame"]
    frames = (
        f'<label>Scenario <input class="twin-frames" type="range" min="0" max="{count - 1}" value="{frame}" '
        f'aria-label="scenario"><span class="twin-frame-label">{escape(data["frames"][frame]["label"])}</span></label>'
        if count > 1
        else ""
    )
    keys = "".join(f'<li style="--c:{colour}">{escape(label)}</li>' for label, colour in scene.legend)
    bars = "".join(map(_bar, reversed(scene.scales), reversed(_bar_names(scene))))
    still = [f"Pipes and air are those of {data['frames'][frame]['label']}."] if count > 1 else []
    told = "".join(f"<p>{escape(text)}</p>" for text in (*scene.told, *still))
    label = escape(f"{scene.title}: {scene.line}. Arrow keys turn, plus and minus zoom, 0 resets.")
    listed = f"names-of-{scene.result.facility.hash}"
    return (
        f'<section class="twin-scene"><header><{heading}>{escape(scene.name)}</{heading}>'
        f'<p class="twin-line">{escape(scene.line)}</p></header>'
        f'<div class="twin-tools">{buttons}<label>Find <input type="search" class="twin-find" list="{listed}" '
        f'placeholder="name" aria-label="find equipment"></label><datalist id="{listed}">{names}</datalist>'
        f"{frames}</div>"
        f'<div class="twin-stage"><canvas tabindex="0" role="img" aria-label="{label}"></canvas>'
        '<div class="twin-overlay" aria-hidden="true"></div></div>'
        f'<p class="twin-told" aria-live="polite"></p><div class="twin-keys"><ul>{keys}</ul>{bars}{told}</div>'
        f'<script type="application/json">{text}</script></section>'
    )


def _bar_names(scene: Scene) -> list[str]:
    """What the viewer calls the bars of a scene's scales, to change them."""
    return [
        "things" if s is scene.scale else "coolant" if s.title.startswith("coolant") else "air" for s in scene.scales
    ]


def _bar(scale: Scale, name: str) -> str:
    """A colour bar with its numbers; name: by which the viewer finds it."""
    stops = f"linear-gradient(90deg,{','.join(scale.colours)})"
    ticks = "".join(f"<span>{tick}</span>" for tick in scale.ticks)
    inside = f'<span>{escape(scale.title)}</span><i style="background:{stops}"></i><div>{ticks}</div>'
    return f'<div class="twin-bar" data-of="{name}">{inside}</div>'


def hexes(colours: Array) -> list[str]:
    """Bytes (n, 3) as colours of the web."""
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in np.asarray(colours).tolist()]


def rounded(values: Array) -> list[float | None]:
    """Numbers of five digits, None where there are none."""
    given = np.asarray(values, float)
    known = np.isfinite(given) & (given != 0.0)
    digits = 10.0 ** (4.0 - np.floor(np.log10(np.abs(given, where=known, out=np.ones_like(given)))))
    return [v if v - v == 0.0 else None for v in (np.round(given * digits) / digits).tolist()]


def scene_data(scene: Scene) -> dict[str, Any]:
    """What the viewer is given: words, scales, things, frames, and the meshes as a GLB file."""
    things, legends = scene.things, stage.colours(scene.things)
    frames = list(scene.frames) if scene.scenario in scene.frames else [scene.scenario, *scene.frames]
    places = np.round(np.concatenate([things.low, things.size], axis=1), 3).tolist()
    shown = [rounded(row) for row in scene.values[:, frames]]
    listed = [
        {"name": name, "kind": kind, **told, "low": at[:3], "size": at[3:], "colour": legends.get(legend, UNKNOWN)}
        for name, kind, told, at, legend in zip(
            things.names, things.kinds, numbers(scene), places, things.legends, strict=True
        )
    ]
    points = things.corners
    own = marks_data(scene)
    return {
        "title": scene.title,
        "scale": {
            **{"low": scene.scale.low, "high": scene.scale.high, "title": scene.scale.title},
            **{"unit": scene.variable.unit, "table": hexes(scene.scale.table)},
        },
        "lost": LOST,
        "reach": float(np.linalg.norm(np.ptp(points, axis=0))) + 10.0,
        "views": [_view(scene, name) for name in _views(scene)],
        "view": scene.view,
        "rooms": _rooms(scene),
        "things": [thing | {"values": own} for thing, own in zip(listed, shown, strict=True)],
        "frame": frames.index(scene.scenario),
        "frames": [_frame(scene, f) for f in frames],
        **own,
        "pipes": _pipes(scene),
        "glb": base64.b64encode(zlib.compress(glb(scene, viewer=True), 9)).decode(),
    }


def _pipes(scene: Scene) -> dict[str, Any] | None:
    """Colours of coolant, and which route each point of the pipes is of: how many points of one follow each other."""
    if scene.coolant is None or not len(scene.coolant.runs.radius):
        return None
    _, net = pipe_points(scene.coolant.runs)
    begin = np.flatnonzero(np.diff(net, prepend=-1))
    counts = np.diff(np.append(begin, len(net))).tolist()
    scale = scene.coolant_scale
    table = {"table": hexes(scale.table), "low": scale.low, "high": scale.high}
    return table | {"net": net[begin].tolist(), "points": counts}


def answer(scene: Scene, pipes: Routes | None = None, why: str = "") -> dict[str, Any]:
    """What a page is told of another result of what it shows: values, marks, scales and pipes; see `Scene.showing`.

    pipes: routes that it shows, with the temperatures of the start. why: there is no solution, "" where there is one.
    """
    warm = None
    if pipes is not None:
        now = np.full(len(pipes.names), np.nan) if why else temperatures(scene.result, pipes.names) - 273.15
        both = np.concatenate([now, pipes.temperature - 273.15])
        warm = {"values": rounded(now)} | _told(Scale(*paint.fit(both[np.isfinite(both)], "°C"), "", ()))
    stops = f"linear-gradient(90deg,{','.join(scene.scale.colours)})"
    more = {"title": scene.scale.title, "stops": stops, "unit": scene.variable.unit, "table": hexes(scene.scale.table)}
    known = {"values": rounded(scene.shown_values), "line": scene.line, **marks_data(scene)}
    unknown = {"values": [None] * len(scene.things.names), "line": why, "binds": "", "phrase": "", "over": []}
    return {
        **known,
        **(unknown if why else {}),
        "scale": _told(scene.scale) | more,
        "pipes": warm,
        "legend": scene.legend,
    }


def _told(scale: Scale) -> dict[str, Any]:
    """Ends and numbers of a scale."""
    return {"low": scale.low, "high": scale.high, "ticks": scale.ticks}


def readings(scene: Scene) -> dict[str, list[float | None]]:
    """Power [kW] and temperature [degC] of each thing, which a page tells where one is picked."""
    told = numbers(scene)
    return {key: [own.get(key) for own in told] for key in ("kW", "degC")}


def marks_data(scene: Scene) -> dict[str, Any]:
    """What is marked in the scene's scenario; `dark` counts in the things."""
    row = scene.things.row
    return {
        "binds": scene.marks.binds,
        "phrase": scene.marks.phrase,
        "over": sorted(n for n in scene.marks.over if n in row and n != scene.marks.binds),
        "dark": scene.lost_rows.tolist(),
    }


def _frame(scene: Scene, frame: int) -> dict[str, Any]:
    """Words and marks of one scenario; of one that has no solution that it has none."""
    label = scenario_text(scene.result, frame)
    if scene.result.status[frame]:
        return {"label": label, "line": "no solution", "binds": "", "phrase": "", "over": [], "dark": []}
    other = scene if frame == scene.scenario else scene.of(frame)
    return {"label": label, "line": other.line, **marks_data(other)}


def _views(scene: Scene) -> list[str]:
    """Presets that show different things."""
    return [v for v in VIEW_NAMES if v == scene.view or scene.things.racks.any() or v not in ("hall", "row")]


def _view(scene: Scene, name: str) -> dict[str, Any]:
    """A preset of the camera: where the eye is, and what it takes in: its middle and half its width and height [m]."""
    points = scene.points_of(name)
    seen = looking(stage.direction(name, points), points, (0.5, 0.5, 1.0, 1.0), (100, 100))
    across, along = np.ptp(points @ seen.right) / 2, np.ptp(points @ seen.up) / 2
    middle = np.round(seen.middle, 3).tolist()
    return {"name": name, "eye": seen.eye.tolist(), "middle": middle, "across": float(across), "along": float(along)}


def _rooms(scene: Scene) -> list[dict[str, Any]]:
    """Names of rooms in front of them, of those with racks alone where there are many."""
    floors = scene.things.floors
    racks = {room for room, rack in zip(scene.things.rooms, scene.things.racks, strict=True) if rack}
    many = len(floors) > stage.MAX_NAMED_ROOMS
    return [
        {
            "name": f.name.partition("_")[0] if many else f.name,
            "at": [f.low[0] + 0.12 * f.size[0], f.low[1] + 0.06 * f.size[1], f.low[2]],
        }
        for f in floors
        if not many or f.name in racks
    ]
