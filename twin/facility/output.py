"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

from twin.facility.files import LayoutError

FRESH = 60.0
"""Seconds for which an empty folder may be that of a writer who is about to begin."""


def target(path: str | Path, endings: Sequence[str] = ()) -> Path:
    """A target as a path; LayoutError, before any work, where it could not be written. Any ending if none are given."""
    path = Path(path)
    fault = ""
    try:
        if endings and path.suffix not in endings:
            fault = f"ending {path.suffix!r} is not {' or '.join(endings)}"
        elif not path.parent.is_dir():
            fault = f"no folder {path.parent}"
        elif not os.access(path.parent, os.W_OK | os.X_OK):
            fault = f"folder {path.parent} cannot be written to"
        elif path.suffix == ".zarr" and path.exists() and not (path / "zarr.json").is_file():
            fault = "exists and is no Zarr store; remove it first"
        elif path.suffix != ".zarr" and path.exists() and not path.is_file():
            fault = "is a folder; name a file" if path.is_dir() else "is a device or a pipe; name a file"
    except OSError as error:
        fault = error.strerror or str(error)
    if fault:
        raise LayoutError(f"output {path}", [fault])
    return path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file or folder that becomes `path` once the block ends well: in a hidden folder beside it.

    What else lies there then, such as the parts of a .vtm, moves along. If the block fails all is as it was. What
    writers of the same target left behind when they were killed is removed. LayoutError for what the system refuses.

    >>> with whole(Path("hall.txt")) as partial: partial.write_text("racks")
    """
    lock = None
    try:
        _tidy(path)
        folder = Path(tempfile.mkdtemp(".part", _prefix(path), path.parent))
        try:
            lock = _lock(folder)
            yield folder / path.name
            with ThreadPoolExecutor() as pool:
                list(pool.map(_sync, filter(Path.is_file, folder.rglob("*"))))
            _move(folder, path.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise LayoutError(f"output {path}", [error.strerror or str(error)]) from error
    finally:
        if lock is not None:
            os.close(lock)


def _prefix(path: Path) -> str:
    return f".{path.name[:40]}."  # whole names could be too long with what is added


def _tidy(path: Path) -> None:
    """Remove what killed writers of a path left: nobody holds its lock."""
    for part in path.parent.glob("*.part"):
        if not part.name.startswith(_prefix(path)) or not part.is_dir():
            continue
        lock = _lock(part)
        if lock is not None:
            with suppress(OSError):  # others tidy up as well
                if any(part.iterdir()) or time.time() - part.stat().st_mtime > FRESH:
                    shutil.rmtree(part)
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """A lock of a folder, which the system takes back from whoever dies; None where another has it or there is none."""
    if os.name != "posix":
        return None
    fcntl = import_module("fcntl")
    handle = None
    try:
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if handle is not None:
            os.close(handle)
        return None
    return handle


def _sync(file: Path) -> None:
    """Have a file on the disk; some systems find only now that it is full."""
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _move(folder: Path, parent: Path) -> None:
    """Move all that lies in a folder to another one, files last, or nothing; folders that stand there make way."""
    moved: list[tuple[Path, Path]] = []

    def move(source: Path, target: Path) -> None:
        source.replace(target)
        moved.append((source, target))

    items = sorted(folder.iterdir(), key=Path.is_file)
    old = folder / ".old"
    old.mkdir()
    try:
        for item in items:
            if (parent / item.name).is_dir():
                move(parent / item.name, old / item.name)
            move(item, parent / item.name)
    except OSError:
        for source, target in reversed(moved):
            with suppress(OSError):
                target.replace(source)
        raise
