"""What all commands share: options, faults as lines and exit codes, progress on stderr."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from twin.air.turns import FiniteVolume, Mixed
    from twin.api import Result

SOLVER_FAILED, BAD_INPUT, EXCEEDED, INTERRUPTED = 1, 2, 3, 130
PATIENCE = 2.0
"""Seconds of work before a line of progress shows."""

WIDTH = 79
"""Characters of that line."""


class Fault(ValueError):
    """Bad options, quantity like the faults of a layout: where, and one sentence each."""

    def __init__(self, source: str, *faults: str) -> None:
        self.source, self.faults = source, list(faults)
        super().__init__("\n".join(f"{source}: {fault}" for fault in faults))


class Commands(TyperGroup):
    """Turns what goes wrong into one line per fault and an exit code."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Where options are read."""
        _open_streams()
        with _faults_told():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Where a command runs."""
        with _faults_told():
            return super().invoke(ctx)


@contextmanager
def _faults_told() -> Iterator[None]:
    code = BAD_INPUT
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt as error:
        text, code = str(error) or "interrupted", INTERRUPTED
    except BrokenPipeError:
        text, code = "", INTERRUPTED
    except OSError as error:
        if error.errno is None:
            raise
        text = f"{error.filename or 'output'}: {error.strerror}"
    except ValueError as error:
        if not hasattr(error, "faults"):
            raise
        text = str(error)
    else:
        return
    for stream in (sys.stderr, sys.stdout):
        with suppress(OSError):
            stream.write(f"{text}\n" if text and stream is sys.stderr else "")
        if _refuses(stream):  # the end of the process would fail on what it still holds
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    raise typer.Exit(code) from None


def _refuses(stream: TextIO) -> bool:
    """Whether a stream cannot be rid of what was written to it."""
    try:
        stream.flush()
    except OSError:
        return True
    return False


def _open_streams() -> None:
    """Refuse a closed stdout, and open a closed stderr: the next file that is opened would stand in for them."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stderr.write("output: is closed; send it to a file, or to /dev/null\n")
        sys.exit(BAD_INPUT)


class Scale(StrEnum):
    """What grows when racks grow denser."""

    chips = "chips"
    chip_power = "chip_power"


class Device(StrEnum):
    """Where a solve runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class AirModel(StrEnum):
    """How the air of rooms is computed."""

    mixed = "mixed"
    finite_volume = "finite_volume"


class Per(StrEnum):
    """Groups of racks that are made denser by themselves."""

    class_ = "class"
    row = "row"
    rack = "rack"


class Units(StrEnum):
    """Units on the screen."""

    si = "si"
    us = "us"


class Kind(StrEnum):
    """What a scene is exported to."""

    png = "png"
    gif = "gif"
    html = "html"
    glb = "glb"
    usd = "usd"
    vtk = "vtk"


class View(StrEnum):
    """What the camera takes in."""

    site = "site"
    hall = "hall"
    row = "row"
    plant = "plant"
    top = "top"


class ShownAir(StrEnum):
    """How computed air is drawn."""

    slices = "slices"
    isosurfaces = "isosurfaces"
    streamlines = "streamlines"
    nothing = "nothing"


WRITTEN = (".nc", ".zarr")
"""Endings of written results."""

TABLES = (".xlsx", ".csv", ".parquet")
"""Endings of tables."""

CELL = "0.4 m"
"""Size of the air's cells if none is given, that of `FiniteVolume`, which is not imported for it."""

Layout = Annotated[str, typer.Argument(help="A shipped layout (see `twin list`) or a YAML file.", show_default=False)]
Case = Annotated[str | None, typer.Option("--case", help="Apply one of the layout's cases.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="ADDRESS=VALUE", help="Such as site.dry_bulb='38 degC'.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout and nothing else.")]
Basis = Annotated[Scale, typer.Option("--scale", help="Denser by more chips a rack, or by more power a chip.")]
AirOption = Annotated[AirModel, typer.Option("--air", help="Rooms as mixed nodes, or their air computed in cells.")]
Cell = Annotated[str, typer.Option("--cell", help="Size of the air's cells, such as '0.2 m'.")]
AirSets = Annotated[
    list[str] | None,
    typer.Option(
        "--air-set",
        metavar="NAME=VALUE",
        help="Of computed air: rooms=hall, tolerance='0.3 K', momentum=limited, turbulence=wale, turns=6, coarse=no.",
    ),
]
File = Annotated[Path | None, typer.Argument(help="File to write.", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
UnitsOption = Annotated[Units, typer.Option("--units", help="On the screen: SI, or US customary (degF, gpm, psi).")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="File to write.", show_default=False)]


# ---- what all commands share -------------------------------------------------------------------------------------


def overrides(sets: Iterable[str] | None) -> dict[str, object]:
    """Addresses and values of `--set`; `null` takes a value away, lists and mappings are as in files."""
    values: dict[str, object] = {}
    faults = []
    for text in sets or ():
        address, equals, value = (part.strip() for part in text.partition("="))
        if not (address and equals and value):
            faults.append(f"{text!r} is not ADDRESS=VALUE, such as site.dry_bulb='38 degC'")
        elif address in values:
            faults.append(f"{text!r}: {address} is set twice")
        values[address] = _value(text, value, faults)
    if faults:
        raise Fault("--set", *faults)
    return values


def _value(text: str, value: str, faults: list[str]) -> object:
    """None for null, a list or mapping as in files, or the text."""
    if not value.startswith(("[", "{")):
        return None if value == "null" else value
    from twin.facility.files import LayoutError, parse_value

    try:
        return parse_value("--set", value)
    except LayoutError:
        faults.append(f"{text!r}: is no list or mapping, such as [0.5, 1.0] or {{users: 100}}")
    return None


@contextmanager
def progressing(label: str) -> Iterator[Callable[[str], None]]:
    """One line on stderr, rewritten with the seconds so far; nothing if stderr is no terminal or the work is short."""
    if not sys.stderr.isatty() or logging.getLogger("twin").isEnabledFor(logging.DEBUG):
        yield lambda text: None
        return
    shown, done, began = [label], threading.Event(), time.monotonic()

    def rewrite() -> None:
        wait = PATIENCE
        while not done.wait(wait):
            line = f"{time.monotonic() - began:.0f} s, {shown[0]}"
            sys.stderr.write(f"\r{line:<{WIDTH}.{WIDTH}}")
            sys.stderr.flush()
            wait = 0.5
        if wait != PATIENCE:
            sys.stderr.write(f"\r{'':{WIDTH}}\r")
            sys.stderr.flush()

    thread = threading.Thread(target=rewrite, daemon=True)
    thread.start()
    try:
        yield lambda text: shown.__setitem__(0, f"{label}, {text}")
    finally:
        done.set()
        thread.join()


def print_json(data: object) -> None:
    """Plain data on stdout; raises ValueError for numbers that JSON cannot hold."""
    import json

    typer.echo(json.dumps(data, indent=2, allow_nan=False))


def parsed(option: str, text: str, dimension: str) -> float:
    """SI value of an option's text. Raises Fault."""
    from twin.units import parse

    try:
        return parse(text, dimension)
    except ValueError as error:
        raise Fault(option, str(error)) from error


def air_model(air: AirModel, cell: str, sets: list[str] | None) -> Mixed | FiniteVolume:
    """The model of air that options mean. Raises Fault for what no computation of air has."""
    from twin.air.turns import FiniteVolume, Mixed

    if air == AirModel.mixed:
        if sets:
            raise Fault("--air-set", f"{sets[0]!r} is of computed air: give --air finite_volume too")
        return Mixed()
    names = [f.name for f in fields(FiniteVolume) if f.name != "cell"]
    given: dict[str, object] = {}
    for text in sets or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or name not in names:
            raise Fault("--air-set", f"{text!r} is not NAME=VALUE with one of {', '.join(names)}")
        if name in given:
            raise Fault("--air-set", f"{text!r}: {name} is set twice")
        given[name] = _air_value(name, value)
    return FiniteVolume(parsed("--cell", cell, "length"), **given)  # type: ignore[arg-type]


def _air_value(name: str, value: str) -> object:
    """A value as `FiniteVolume` takes it."""
    if name == "rooms":
        return tuple(room.strip() for room in value.split(","))
    if name == "coarse":
        return {"yes": True, "true": True, "no": False, "false": False}.get(value.lower(), value)
    return int(value) if name == "turns" and value.isascii() and value.isdigit() else value


def solved(
    layout: str,
    case: str | None,
    sets: list[str] | None,
    device: Device = Device.cpu,
    air: AirModel = AirModel.mixed,
    cell: str = "",
    air_sets: list[str] | None = None,
) -> Result:
    """Solve a layout as the options say, with progress on stderr. Raises Fault for a device that there is not."""
    from twin.api import solve
    from twin.kernels.arrays import DeviceError

    model = air_model(air, cell, air_sets)
    try:
        with progressing(f"solving {layout}") as progress:
            given = {"device": device.value, "air": model, "progress": progress}
            result = solve(layout, case=case, overrides=overrides(sets), **given)
    except DeviceError as error:
        raise Fault("--device", str(error)) from error
    if result.stopped:
        typer.echo("interrupted: the air is the average so far, see its error bars", err=True)
    return result


def settled(result: Result, scenario: int = 0) -> None:
    """End with exit code 1 and the reason if a scenario has no solution."""
    from twin.results.dataset import reason

    if result.status[scenario]:
        typer.echo(f"{result.facility.source}: {reason(*result.part(scenario))}", err=True)
        raise typer.Exit(SOLVER_FAILED)
