"""The command that opens the app."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from twin.app.common import (
    WRITTEN,
    AirModel,
    AirOption,
    AirSets,
    Case,
    Cell,
    Fault,
    Layout,
    Sets,
    air_model,
    overrides,
    progressing,
)

live = typer.Typer()

COLOR_HELP = "What equipment is coloured by at first, as `twin export` has it."


@live.command()
def app(
    layout: Layout,
    case: Case = None,
    sets: Sets = None,
    sliders: Annotated[
        list[str] | None,
        typer.Option("--slider", metavar="ADDRESS[=RANGE]", help="Another one, such as utility.contract='8..15 MW'."),
    ] = None,
    air: AirOption = AirModel.mixed,
    cell: Cell = "0.4 m",
    air_sets: AirSets = None,
    color: Annotated[str | None, typer.Option("--color", help=COLOR_HELP, show_default=False)] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of this machine; 0 for any free one.")] = 8080,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address and open nothing.")] = False,
) -> None:
    """Open a layout in the browser with sliders that answer while they move, and equipment that fails by a click.

    The page is served to this machine alone and asks nothing of any other. Computed air is solved once; answers are
    those of its response. Ctrl-C ends it.

    twin app gb300_hall --slider utility.contract='8..15 MW'
    """
    from twin.app.web.server import App, check_port, new_server
    from twin.app.web.whatif import WhatIf

    if layout.endswith(WRITTEN):
        raise Fault(layout, "is what was solved; the app solves again and takes a layout")
    model = air_model(air, cell, air_sets)
    wanted = [(address.strip(), text.strip()) for address, _, text in (s.partition("=") for s in sliders or ())]
    new_server()  # what is missing for it is told before any work
    check_port(port)
    with progressing(f"opening {layout}") as progress:
        opened = App(WhatIf(layout, case, overrides(sets), model, progress), color, wanted)

    def ready(address: str) -> None:
        typer.echo(f"{address} shows {layout}; Ctrl-C ends it")
        sys.stdout.flush()
        if not no_browser and _has_display():
            typer.launch(address)

    opened.run(port, ready)


def _has_display() -> bool:
    """Whether a browser would have somewhere to be seen."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
