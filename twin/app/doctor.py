"""What this machine can do: libraries, GPU, rendering, extras."""

from __future__ import annotations

import os
import platform
import re
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any, TypedDict

from twin.kernels.store import store
from twin.show.scene import render

LIBRARIES = ("aifactory-twin", "numpy", "scipy", "llvmlite", "xarray", "networkx", "pydantic", "zarr")
"""Packages whose versions are reported."""


class Gpu(TypedDict):
    """Whether there is a GPU that can be used, its name, and why not if there is none."""

    available: bool
    device: str | None
    why: str | None


class KernelCache(TypedDict):
    """Where compiled kernels are kept, and why they are not."""

    folder: str | None
    why: str | None


class Rendering(TypedDict):
    """OpenGL libraries that were looked for, PyVista's version, and whether a trial picture was drawn, or why not."""

    libraries: dict[str, bool]
    pyvista: str | None
    ready: bool
    why: str | None


class Extra(TypedDict):
    """The command that installs an extra, and which of its packages are missing."""

    install: str
    missing: list[str]


def examine() -> dict[str, Any]:
    """Everything that `twin doctor` reports, as it is written to JSON.

    Keys python, platform, cores, libraries (version or None by package), kernel_cache (`KernelCache`), gpu (`Gpu`),
    rendering (`Rendering`) and extras (`Extra` by name).

    >>> examine()["gpu"]["available"]
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "libraries": {name: _installed(name) for name in LIBRARIES},
        "kernel_cache": _kernel_cache(),
        "gpu": _gpu(),
        "rendering": _rendering(),
        "extras": _extras(),
    }


def _installed(name: str) -> str | None:
    """Version of an installed package, None if it is missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _kernel_cache() -> KernelCache:
    kept = store()
    return {"folder": str(kept.folder) if kept.folder else None, "why": kept.trial() or None}


def _gpu() -> Gpu:
    try:
        cuda = import_module("cupy").cuda
        if not cuda.is_available():
            return {"available": False, "device": None, "why": "CuPy finds no CUDA device"}
        return {"available": True, "device": cuda.runtime.getDeviceProperties(0)["name"].decode(), "why": None}
    except ImportError:
        return {"available": False, "device": None, "why": "CuPy is not installed"}
    except Exception as error:  # a broken driver may raise anything, and this command exists to say so
        return {"available": False, "device": None, "why": " ".join(str(error).split())}


def _rendering() -> Rendering:
    try:
        render.ready("png")
        why = None
    except render.RenderError as error:
        why = str(error)
    return {"libraries": render.gl_libraries(), "pyvista": _installed("pyvista"), "ready": why is None, "why": why}


def _extras() -> dict[str, Extra]:
    """Extras of the installed package by name."""
    extras: dict[str, Extra] = {}
    for line in requires("aifactory-twin") or ():
        name, extra = re.match(r"[\w.-]+", line), re.search(r"extra == ['\"]([\w-]+)", line)
        if name and extra:
            install = f'pip install "aifactory-twin[{extra[1]}]"'
            entry = extras.setdefault(extra[1], {"install": install, "missing": []})
            entry["missing"] += [] if _installed(name[0]) else [name[0]]
    return extras
