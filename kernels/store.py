"""Where builds of kernels are kept: a private folder of the user's, whose files are checked before they are run."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import stat
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

log = logging.getLogger("twin.kernels")

DIGEST = hashlib.sha256().digest_size
"""Bytes at the start of a file that vouch for the others."""

ABANDONED = 3600.0
"""Seconds after which a file that was never finished is removed."""


class Store:
    """Builds by name in one folder, never in the way of a solve: what cannot be read is built anew.

    `distrust` says why what lies there is not run, `fault` why the first build that was to be kept could not be; empty
    if there is no such reason.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.distrust = self.fault = ""
        try:
            self.folder = _of_the_user()
            for part in (self.folder.parent, self.folder):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.distrust = self.distrust or _unsafe(part)
        except (OSError, RuntimeError) as error:
            self.distrust = _reason(error)

    def read(self, name: str) -> bytes | None:
        """What was written under a name; None if there is nothing, or not all of it as it was written."""
        if self.folder is None or self.distrust:
            return None
        try:
            raw = (self.folder / name).read_bytes()
        except OSError:
            return None
        return raw[DIGEST:] if hashlib.sha256(raw[DIGEST:]).digest() == raw[:DIGEST] else None

    def write(self, name: str, payload: bytes) -> None:
        """Keep a payload under a name; the first time that this fails, a line on stderr says so."""
        if self.fault:
            return
        try:
            self._keep(name, hashlib.sha256(payload).digest() + payload)
        except OSError as error:
            self.fault = _reason(error)
            text = "compiled kernels cannot be kept in %s, so that every run compiles them anew: %s"
            log.warning(text, self.folder or "the cache folder", self.fault)

    def trial(self) -> str:
        """Why nothing could be kept now, found by trying; empty if it could."""
        try:
            self._keep("trial", bytes(4096))
            assert self.folder is not None
            (self.folder / "trial").unlink(missing_ok=True)
        except OSError as error:
            return _reason(error)
        return ""

    def _keep(self, name: str, raw: bytes) -> None:
        if self.folder is None or self.distrust:
            raise OSError(self.distrust)
        for part in self.folder.glob("*.part"):
            with suppress(FileNotFoundError):  # others tidy up as well
                if time.time() - part.stat().st_mtime > ABANDONED:
                    part.unlink()
        part, build = self.folder / f"{name}.{os.getpid()}.part", self.folder / name
        try:
            part.write_bytes(raw)
            if build.is_dir() and not build.is_symlink():  # of a damaged cache, in which nothing else is kept
                shutil.rmtree(build)
            part.replace(build)
        finally:
            part.unlink(missing_ok=True)


@cache
def store() -> Store:
    """The user's store."""
    return Store()


def mend() -> Store:
    """The user's store, emptied and made private where others could write to it."""
    old = store()
    if old.folder is not None and old.distrust:
        with suppress(OSError):  # what stays in the way is told by the new one
            for part in (old.folder.parent, old.folder):
                part.chmod(0o700)
            shutil.rmtree(old.folder)
    store.cache_clear()
    return store()


def _of_the_user() -> Path:
    """The folder, among the user's caches.

    Beside the sources it would outlive an uninstall and shadow the next install as a namespace package.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or "")
    return (home if home.is_absolute() else Path.home() / ".cache") / "aifactory-twin" / "kernels"


def _unsafe(folder: Path) -> str:
    """Why what lies in a folder must not be run: it is of another user, or others may write to it."""
    found = folder.stat()
    if os.name == "posix" and found.st_uid not in (os.geteuid(), 0):
        return f"{folder} belongs to another user; name a folder of yours in XDG_CACHE_HOME"
    if os.name == "posix" and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others may write to {folder}; `twin warmup` empties it and makes it private"
    return ""


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
