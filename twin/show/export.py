"""Scenes as files: which endings there are, what each needs, and that nothing is half-written."""

from __future__ import annotations

import io
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twin.api import Result, solve
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.facility.layout import Layout
from twin.facility.output import target, whole
from twin.show import gltf, html, usd
from twin.show.scene import vtk
from twin.show.scene.render import ready
from twin.show.scene.scene import Scene, scenario_text

ENDINGS = {
    "png": (".png",),
    "gif": (".gif",),
    "html": (".html",),
    "glb": (".glb",),
    "usd": usd.ENDINGS,
    "vtk": (".vtp", ".vtk", ".vtm", ".vti", ".npz"),
}
"""Endings of files by what they hold: a picture, several in turn, a page, glTF, OpenUSD, meshes and fields."""

FIELDS = (".vti", ".npz")
"""Endings of computed air alone."""

SECONDS_A_FRAME = 0.8


def kind_of(path: Path, to: str | None) -> str:
    """What a file holds by its ending, which must be of `to` if that is given. Raises LayoutError."""
    known = [k for k, endings in ENDINGS.items() if path.suffix in endings]
    if to is not None and to not in ENDINGS:
        raise LayoutError(f"output {path}", [f"no {to!r}; there are {', '.join(ENDINGS)}"])
    if not known and to is None:
        there = ", ".join(e for endings in ENDINGS.values() for e in endings)
        raise LayoutError(f"output {path}", [f"a scene is written as {there}"])
    return to or known[0]


def check(path: str | Path, to: str | None = None) -> tuple[Path, str]:
    """The path and what it is to hold, if that can be written there; raises as `Scene.save` does, before any work."""
    path = Path(path)
    kind = kind_of(path, to)
    path = target(path, ENDINGS[kind])
    parts = path.with_suffix("")
    if path.suffix == ".vtm" and parts.exists():
        others = [p.name for p in parts.glob("*") if not p.name.startswith(f"{parts.name}_")]
        if others or not parts.is_dir():
            what = f"holds other things, such as {others[0]}" if others else "is no folder"
            fault = f"its parts go to {parts}, which exists and {what}; name another file"
            raise LayoutError(f"output {path}", [fault])
    if kind == "usd":
        usd.ready()
    if kind in ("png", "gif"):
        ready("png")
    if kind == "vtk" and path.suffix != ".npz":
        ready("vtk")
    if kind == "gif" and find_spec("PIL") is None:
        raise LayoutError(f"output {path}", ['moving pictures need Pillow: pip install "aifactory-twin[viz]"'])
    return path, kind


def save(scene: Scene, path: str | Path, to: str | None = None) -> Path:
    """Write a scene by the ending of a path; see `Scene.save`."""
    path, kind = check(path, to)
    room = field_room(scene, path) if path.suffix in FIELDS else ""
    with whole(path) as partial:
        _write(scene, partial, kind, room)
    return path


def field_room(scene: Scene, path: Path) -> str:
    """The computed room whose air a file holds: the only one, or as the file is called, such as air.hall.vti."""
    rooms, named = [r.room for r in scene.result.rooms], path.stem.rpartition(".")[2]
    if named in rooms or len(rooms) == 1:
        return named if named in rooms else rooms[0]
    what = "holds the air of one computed room"
    if not rooms:
        raise LayoutError(f"output {path}", [f"{what}: there are none; solve with air=FiniteVolume(...)"])
    example = f"{path.stem}.{rooms[0]}{path.suffix}"
    raise LayoutError(f"output {path}", [f"{what}: say of which, such as {example}; there are {', '.join(rooms)}"])


def export(
    layout: str | Path | Layout | Facility | Result,
    path: str | Path,
    to: str | None = None,
    scenario: int = 0,
    color: str | None = None,
) -> Path:
    """Write a facility to `path` by its ending, as `result.scene(color=color, scenario=scenario).save(path)` does.

    layout: as `twin.solve` takes it, or a Result. to: "png", "gif", "html", "glb", "usd" or "vtk", which the ending
    must then be of. The path comes back. Raises LayoutError for what cannot be written, and RenderError without PyVista
    or OpenGL where these are needed.

    >>> export("gb300_hall", "hall.png")
    """
    path, kind = check(path, to)
    result = layout if isinstance(layout, Result) else solve(layout)
    return save(Scene(result, color, scenario), path, kind)


def _write(scene: Scene, path: Path, kind: str, room: str) -> None:
    """Write a scene in one or several files."""
    if kind == "png":
        path.write_bytes(picture(scene))
    elif kind == "gif":
        path.write_bytes(moving(scene))
    elif kind == "html":
        path.write_text(html.page(scene), "utf-8")
    elif kind == "glb":
        path.write_bytes(gltf.glb(scene))
    elif kind == "usd":
        usd.write(scene, path)
    elif path.suffix in FIELDS:
        vtk.save_field(scene, room, path)
    elif path.suffix == ".vtm":
        vtk.save_blocks(scene.blocks, path)
    else:
        vtk.save(vtk.mesh(scene), path)


def picture(scene: Scene) -> bytes:
    """A scene as a PNG."""
    plotter, data = scene.draw(off_screen=True), io.BytesIO()
    try:
        plotter.screenshot(data)
    finally:
        plotter.close()
    return data.getvalue()


def moving(scene: Scene) -> bytes:
    """A scene as a GIF: a picture of each frame that has a solution; LayoutError where there is none but one."""
    frames = [f for f in scene.frames if not scene.result.status[f]]
    if len(frames) < 2:
        told = f"only {scenario_text(scene.result, frames[0])!r}" if frames else "none"
        raise LayoutError("export gif", [f"needs several scenarios with a solution; there is {told}"])
    image: Any = import_module("PIL.Image")
    pictures = [image.open(io.BytesIO(picture(scene.of(f)))).convert("P", palette=1, colors=256) for f in frames]
    data = io.BytesIO()
    more = {"save_all": True, "append_images": pictures[1:], "duration": round(1000 * SECONDS_A_FRAME), "loop": 0}
    pictures[0].save(data, "GIF", **more)
    return data.getvalue()
