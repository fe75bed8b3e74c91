"""The app's server: what the page is told, answers in the order in which sliders ask, and what is downloaded.

All work is done by one thread, one piece after the other: of the questions that come while one is answered the last is
next, and those before it are forgotten. What takes longer, such as the sustainable density and curves, waits until
nothing moves.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from twin import api
from twin.app.web import screen
from twin.app.web.controls import Control, addresses, clash, control, joined
from twin.app.web.controls import controls as ruled
from twin.app.web.whatif import Answer, Change, WhatIf
from twin.facility.document import document, layout
from twin.facility.files import LayoutError
from twin.show.html import answer, fragment, readings
from twin.show.report import DIAGRAMS, report, svg
from twin.show.scene import paint
from twin.show.scene.render import RenderError
from twin.show.scene.scene import Scene

log = logging.getLogger("twin")

HOST = "127.0.0.1"
"""The only address that is listened to: that of this machine to itself."""

REST = 0.15
"""Seconds without a question after which what takes longer is worked out."""

MISSING = 'the app needs trame: pip install "aifactory-twin[app]"'

DOWNLOADS = {
    "png": ("picture", "image/png"),
    "html": ("page to turn and pick", "text/html"),
    "glb": ("GLB", "model/gltf-binary"),
    "usda": ("OpenUSD", "text/plain"),
    "nc": ("dataset", "application/x-netcdf"),
    "yaml": ("layout", "application/yaml"),
    "report": ("report", "text/html"),
}
"""What is seen, as files: what they are, and their MIME type."""

QUESTIONS = ("values", "out", "back", "color", "show_start", "selected", "tab", "curve_x", "curve_y", "diagram")
"""States of the page to which there is an answer."""


class App:
    """The app of one facility.

    color: a variable as `Result.scene` has it. sliders: addresses and their ranges as text, beside those of the rules.
    Raises LayoutError for bad input and where trame is missing.
    """

    def __init__(self, whatif: WhatIf, color: str | None = None, sliders: Sequence[tuple[str, str]] = ()) -> None:
        self.whatif = whatif
        whatif.controls = {c.address: c for c in ruled(whatif.facility)}
        for address, text in sliders:
            whatif.controls = joined(whatif.controls, self._control(address, text))
        self.server = new_server()
        if color:
            paint.variable(whatif.at_start, color)  # which is there in answers too
        self.scene = Scene(whatif.computed or whatif.at_start, color)
        self.pipes, self.page = self.scene.coolant, fragment(self.scene)
        self._pool = ThreadPoolExecutor(1)
        self._asked, self._answered, self._number = asyncio.Event(), 0.0, 0
        self._last: tuple[Change, Answer] = (Change(), whatif.start)
        self._seen = self.scene
        self.state: Any = self.server.state
        self._begin()

    # ---- what the page is told at first --------------------------------------------------------------------------

    def _begin(self) -> None:
        facility, state = self.whatif.facility, self.state
        state.trame__title = f"{self.scene.name} - twin"
        state.update(
            {
                "title": self.scene.name,
                "about": facility.description,
                "page": self.page,
                "groups": [],
                "values": {},
                "out": [],
                "back": [],
                "color": self.scene.color,
                "colors": [{"title": screen.words(n), "value": n} for n in paint.names(self.whatif.at_start)],
                "selected": "",
                "names": list(facility.components),
                "more": [a for a in addresses(facility) if a not in self.whatif.controls],
                "add": None,
                "fail_on_click": False,
                "show_start": False,
                "tab": "limits",
                "curve_x": "site.dry_bulb",
                "curve_y": "usd_per_million_tokens" if self.whatif.at_start.figures.tokens_per_s[0] > 0 else "pue",
                "curves": [{"title": v, "value": k} for k, v in screen.CURVES.items()],
                "curve": "",
                "diagram": None,
                "diagrams": [{"title": v, "value": k} for k, v in DIAGRAMS],
                "drawing": "",
                "downloads": [{"kind": k, "what": v} for k, (v, _) in DOWNLOADS.items()],
                "problem": "",
                "busy": "",
            }
        )
        self._list_controls()
        state.update(self._told(self.whatif.start, self.scene.color, False))
        state.update({"element": {}, "bound": None, "readings": None, "settled": False, "working": False})

    def _list_controls(self) -> None:
        """Sliders by group, and where each of them is."""
        by_group = dict[str, list[dict[str, Any]]]()
        for c in self.whatif.controls.values():
            unit = c.shown(c.low).partition(" ")[2]
            row = c._asdict() | {"unit": unit, "digits": _digits(c)}
            by_group.setdefault(c.group, []).append(row)
        before = self.state.values or {}
        self.state.values = {a: before.get(a, c.start) for a, c in self.whatif.controls.items()}
        self.state.groups = [{"name": name, "controls": rows} for name, rows in by_group.items()]

    def _control(self, address: str, text: str = "") -> Control:
        """A new slider. Raises LayoutError for one that moves the same as another."""
        new = control(self.whatif.facility, address, text)
        if other := clash(self.whatif.facility, self.whatif.controls, new):
            raise LayoutError(f"slider {address}", [f"the slider of {other} moves the same"])
        return new

    # ---- answers -------------------------------------------------------------------------------------------------

    def _ask(self, **_: object) -> None:
        """The page asks something."""
        state = self.state
        state.problem, state.working = "", True
        state.color = state.color or self.scene.color
        self._asked.set()

    def _leave_start(self, **_: object) -> None:
        """What is moved is shown."""
        self.state.show_start = False

    def change(self) -> Change:
        """What the page has changed."""
        state = self.state
        return Change(self.whatif.moved(state.values), tuple(state.out), tuple(state.back))

    def _answer(self, change: Change, color: str, show_start: bool) -> dict[str, Any]:
        """All that an answer puts on the page."""
        before, known = self._last
        found = known if before == change else self.whatif.solve(change)
        self._last = change, found
        return self._told(found, color, show_start)

    def _told(self, found: Answer, color: str, show_start: bool) -> dict[str, Any]:
        began = time.perf_counter()
        if color != self.scene.color:
            self.scene = Scene(self.whatif.at_start, color)
        shown = self.whatif.start if show_start else found
        cards = screen.cards(self.whatif, shown)
        told = {
            "cards": cards,
            "limits": screen.limits(self.whatif, shown),
            "command": self.whatif.command(found),
            "changed": bool(found.change),
        }
        self._seen = self.scene if shown.result is None else self.scene.showing(shown.result)
        self._number += 1
        told["answer"] = answer(self._seen, self.pipes, shown.reason)
        told["told"] = screen.told(self.whatif, shown, self._seen.marks.lost)
        spoken = "; ".join(f"{c['label']} {c['text']}" for c in cards)
        seconds = found.seconds + time.perf_counter() - began
        return told | {"aloud": spoken, "ms": round(1e3 * seconds), "settled": False, "working": False}

    async def serve(self) -> None:
        """Answer for as long as the server runs."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            state = self.state
            asked = self.change(), state.color or self.scene.color, state.show_start
            await self._put(lambda asked=asked: self._answer(*asked))
            self._answered = time.monotonic()
            for work in (self._element, self._readings, self._bound, self._curve, self._diagram, self._settled):
                if not await self._rests(0.0 if work == self._element else REST):
                    break
                await self._put(work)

    async def _rests(self, seconds: float) -> bool:
        """Whether nothing is asked, for so long after the last answer."""
        wait = self._answered + seconds - time.monotonic()
        if wait <= 0.0:
            return not self._asked.is_set()
        try:
            await asyncio.wait_for(self._asked.wait(), wait)
        except TimeoutError:
            return True
        return False

    async def _put(self, work: Callable[[], dict[str, Any]]) -> None:
        """Do some work and put what it says on the page."""
        with self._telling():
            told = await asyncio.get_running_loop().run_in_executor(self._pool, work)
            with self.state as state:
                state.update(told)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What goes wrong is said on the page, and what should not have is logged too."""
        try:
            yield
        except (LayoutError, RenderError) as error:
            told = str(error)
        except Exception as error:  # a fault of this program: the page says so and goes on
            log.exception("twin app")
            told = f"this failed: {type(error).__name__}: {error}"
        else:
            return
        with self.state as state:
            state.problem = told

    # ---- what waits until nothing moves --------------------------------------------------------------------------

    def _shown(self) -> Answer:
        return self.whatif.start if self.state.show_start else self._last[1]

    def _element(self) -> dict[str, Any]:
        name = self.state.selected or ""
        return {"element": screen.element(self.whatif, self._shown(), name) if name else {}}

    def _readings(self) -> dict[str, Any]:
        known = readings(self._seen) if self._shown().ok else {"kW": [], "degC": []}
        return {"readings": known | {"of": self._number}}

    def _bound(self) -> dict[str, Any]:
        found = self._shown()
        return {"bound": screen.sustainable(found.result)[1] if found.result is not None and found.ok else None}

    def _curve(self) -> dict[str, Any]:
        state = self.state
        if state.tab != "curve" or state.curve_x not in self.whatif.controls:
            return {}
        plot = screen.curve(self.whatif, self._shown().change, state.curve_x, state.curve_y)
        return {"curve": svg(plot, f"{screen.CURVES[state.curve_y]} along {self.whatif.controls[state.curve_x].label}")}

    def _diagram(self) -> dict[str, Any]:
        if not self.state.diagram:
            return {"drawing": ""}
        return {"drawing": svg(getattr(self._result().plot, self.state.diagram)(), dict(DIAGRAMS)[self.state.diagram])}

    def _settled(self) -> dict[str, Any]:
        return {"settled": True}

    def _result(self) -> api.Result:
        """What is seen, as a layout of its own."""
        found = self._shown()
        if not found.change:
            return self.whatif.computed or self.whatif.at_start
        if not found.ok:
            raise LayoutError(self.whatif.facility.name, [found.reason])
        return api.solve(self.whatif.loaded(found), air=self.whatif.air)

    # ---- what the page does --------------------------------------------------------------------------------------

    def pick(self, name: str) -> None:
        """A piece of equipment is picked in the scene, or "" where nothing stands: it is told of, or fails."""
        self.state.selected = name
        if name and self.state.fail_on_click:
            self.toggle(name)

    def toggle(self, name: str) -> None:
        """Take equipment out of service as a fault, or put it back."""
        state, on = self.state, self.whatif.in_service(self.change(), name)
        if on is None:
            state.problem = f"{name} has no switch: it cannot be taken out of service"
        elif name in state.out or name in state.back:
            state.out = [n for n in state.out if n != name]
            state.back = [n for n in state.back if n != name]
        elif on:
            state.out = [*state.out, name]
        else:
            state.back = [*state.back, name]

    def reset(self) -> None:
        """Back to the start."""
        self.state.out, self.state.back, self.state.show_start = [], [], False
        self.state.values = {a: c.start for a, c in self.whatif.controls.items()}

    def add(self, address: str | None) -> None:
        """A slider for another address."""
        if not address:
            return
        with self._telling():
            self.whatif.controls = joined(self.whatif.controls, self._control(address))
            self._list_controls()
            self.state.more = [a for a in self.state.more if a != address]
            self.state.add = None

    async def download(self, kind: str) -> bytes | None:
        """What is seen, as the bytes of a file; None where it cannot be written, which the page then says."""
        with self.state as state:
            state.busy = f"writing the {DOWNLOADS[kind][0]}"
        found = None
        with self._telling():
            found = await asyncio.get_running_loop().run_in_executor(self._pool, self._written, kind)
        with self.state as state:
            state.busy = ""
        return found

    def _written(self, kind: str) -> bytes:
        """The bytes of a file."""
        result = self._result()
        if kind == "yaml":
            text: str = yaml.safe_dump(layout(document(result.facility)), sort_keys=False, allow_unicode=True)
            return text.encode()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / self.file_name(kind)
            if kind == "report":
                report(result, path)
            elif kind == "nc":
                result.write(path)
            else:
                Scene(result, self.state.color).save(path)
            return path.read_bytes()

    def file_name(self, kind: str) -> str:
        """What a download is called."""
        return f"{self.whatif.facility.name}_report.html" if kind == "report" else f"{self.whatif.facility.name}.{kind}"

    # ---- the server ----------------------------------------------------------------------------------------------

    def run(self, port: int, ready: Callable[[str], object]) -> None:
        """Serve until interrupted; `ready` is given the address once the page can be opened. Port 0 is any free one."""
        from twin.app.web.page import build

        state, server = self.state, self.server
        server.enable_module(_module(Path(str(files("twin.app.web")))))
        for name, call in {"pick": self.pick, "toggle": self.toggle, "reset": self.reset}.items():
            server.trigger(name)(call)
        server.trigger("add")(self.add)
        server.trigger("download")(self.download)
        state.change(*QUESTIONS)(self._ask)
        state.change("values", "out", "back")(self._leave_start)
        build(server, self)
        server.controller.on_server_bind.add(_guard)

        tasks = list[asyncio.Task[None]]()

        def begun(**_: object) -> None:
            tasks.append(asyncio.get_running_loop().create_task(self.serve()))
            ready(f"http://{HOST}:{server.port}/")

        server.controller.on_server_ready.add(begun)
        os.environ["WSLINK_READY_MSG"] = ""  # else it stands on stdout
        server.start(port, host=HOST, open_browser=False, show_connection_info=False, timeout=0, disable_logging=True)


def _digits(c: Control) -> int:
    """Decimals of a slider's steps."""
    return next((n for n in range(6) if abs(round(c.step, n) - c.step) < 1e-9 * c.step), 6)


def check_port(port: int) -> None:
    """Raises LayoutError for a port that cannot be listened to."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            why = os.strerror(error.errno or 0).lower()
            told = f"{port} cannot be listened to: {why}; give another, or 0 for any free one"
            raise LayoutError("--port", [told]) from error


def new_server() -> Any:
    """A server of trame. Raises LayoutError where trame is missing."""
    try:
        from trame.app import get_server
        from trame.widgets import vuetify3  # noqa: F401
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("trame"):
            raise
        raise LayoutError("app", [MISSING]) from error
    return get_server("twin", client_type="vue3")


def _module(folder: Path) -> dict[str, Any]:
    """The viewer and the page's own script and style, as trame serves them."""
    return {
        "serve": {"__twin_viewer": str(folder.parent.parent / "show" / "viewer"), "__twin_app": str(folder)},
        "scripts": ["__twin_viewer/viewer.js", "__twin_app/scene.js"],
        "styles": ["__twin_viewer/viewer.css", "__twin_app/page.css"],
        "vue_use": ["twinApp"],
    }


def _guard(bound: Any) -> None:
    """Refuse what pages of another origin ask of this server, their sockets too; tell its own where the session is."""
    from aiohttp import web

    @web.middleware
    async def own(request: Any, handler: Any) -> Any:
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if host.partition(":")[0] not in (HOST, "localhost") or origin not in (None, f"http://{host}"):
            raise web.HTTPForbidden(text="this server answers its own pages only")
        response = await handler(request)
        response.headers["X-Frame-Options"] = "DENY"  # no other page may have clicks made in it
        return response

    async def launcher(request: Any) -> Any:
        """What trame's page asks first: where its session is."""
        return web.json_response({"sessionURL": f"ws://{request.host}/ws"})

    bound.app.middlewares.append(own)
    bound.app.add_routes([web.post("/paraview/", launcher)])
