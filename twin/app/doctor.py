"""What this machine can do: libraries, GPU, rendering, extras."""

from __future__ import annotations

import os
import platform
import re
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from twin.show.scene import hall


def examine() -> dict[str, Any]:
    """Everything `twin doctor` tells."""
    return {**_machine(), "gpu": _gpu(), "rendering": _rendering(), "extras": _extras()}


def _machine() -> dict[str, Any]:
    names = ("aifactory-twin", "numpy", "scipy", "numba", "xarray", "networkx", "pydantic", "zarr")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "libraries": {name: _installed(name) for name in names},
    }


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _gpu() -> dict[str, Any]:
    try:
        cuda = import_module("cupy").cuda
        if not cuda.is_available():
            return {"available": False, "device": None, "why": "CuPy finds no CUDA device"}
        return {"available": True, "device": cuda.runtime.getDeviceProperties(0)["name"].decode(), "why": None}
    except ImportError:
        return {"available": False, "device": None, "why": "CuPy is not installed"}
    except Exception as error:  # a broken driver may raise anything, and this command exists to say so
        return {"available": False, "device": None, "why": " ".join(str(error).split())}


def _rendering() -> dict[str, Any]:
    try:
        hall.ready("png")
        why = None
    except hall.RenderError as error:
        why = str(error)
    return {"libraries": hall.gl_libraries(), "pyvista": _installed("pyvista"), "ready": why is None, "why": why}


def _extras() -> dict[str, Any]:
    """Extras of the installed package: which of their packages are missing, and how to get them."""
    found: dict[str, Any] = {}
    for line in requires("aifactory-twin") or ():
        name, extra = re.match(r"[\w.-]+", line), re.search(r"extra == ['\"]([\w-]+)", line)
        if name and extra:
            install = f'pip install "aifactory-twin[{extra[1]}]"'
            entry = found.setdefault(extra[1], {"install": install, "missing": []})
            entry["missing"] += [] if _installed(name[0]) else [name[0]]
    return found
