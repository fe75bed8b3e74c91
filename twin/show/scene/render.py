"""What this machine can draw: PyVista, and an OpenGL library for pictures off screen."""

from __future__ import annotations

import ctypes
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

LIBRARIES = ("libEGL.so.1", "libOSMesa.so.8", "libOSMesa.so.6")
"""OpenGL libraries with which VTK can draw off screen, any of them."""

NO_VIZ = '3D output needs PyVista: pip install "aifactory-twin[viz]"'
NO_GL = (
    "no OpenGL library for off-screen pictures: install the Debian packages libegl1 libegl-mesa0 libgl1-mesa-dri, "
    "or libosmesa6"
)


class RenderError(RuntimeError):
    """Drawing is not possible here; one sentence with the remedy."""


def gl_libraries() -> dict[str, bool]:
    """Libraries for off-screen pictures, and whether the loader finds them; empty where VTK brings its own."""
    return {name: _loads(name) for name in LIBRARIES} if sys.platform.startswith("linux") else {}


def ready(to: str) -> None:
    """Raise RenderError if "png" or "vtk" cannot be written here: VTK would crash without an OpenGL library."""
    if find_spec("pyvista") is None:
        raise RenderError(NO_VIZ)
    libraries = gl_libraries()
    screen = bool(os.environ.get("DISPLAY")) and _loads("libGL.so.1")
    if to == "png" and libraries and not screen and not any(libraries.values()):
        raise RenderError(NO_GL)


def pyvista() -> ModuleType:
    """PyVista, with VTK set to render by EGL where there is no display. Raises RenderError if it is missing."""
    ready("vtk")
    if not os.environ.get("DISPLAY") and gl_libraries().get("libEGL.so.1"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    return import_module("pyvista")


def _loads(library: str) -> bool:
    """Whether the loader finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
