"""What this machine can draw: PyVista, and an OpenGL window for pictures off screen."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

LIBRARIES = ("libEGL.so.1", "libOSMesa.so.8", "libOSMesa.so.6")
"""OpenGL libraries with which VTK can draw off screen, any of them."""

WINDOW = "VTK_DEFAULT_OPENGL_WINDOW"
"""Environment variable that names the class of VTK's windows."""

SETTINGS = (WINDOW, "VTK_EGL_DEVICE_INDEX", "DISPLAY")
"""Environment variables by which VTK chooses a window."""

HEADLESS = ("vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow")
"""Classes of windows that need no display."""

NO_VIZ = '3D output needs PyVista: pip install "aifactory-twin[viz]"'
NO_GL = (
    "no OpenGL window for off-screen pictures can be made: install the Debian packages libegl1 libegl-mesa0 "
    "libgl1-mesa-dri libgl1, or libosmesa6"
)

TRIAL = """
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
import vtkmodules.vtkRenderingOpenGL2
window = vtkRenderWindow()
window.SetOffScreenRendering(1)
window.SetSize(8, 8)
window.AddRenderer(vtkRenderer())
window.Render()
print(window.GetClassName())
"""
"""A picture in a process of its own, since VTK crashes where it cannot make a window; prints the window's class."""

PATIENCE = 60.0
"""Seconds after which a trial is given up."""


NO_SHADERS = "MESA_SHADER_CACHE_DISABLE"
"""Tells Mesa to keep no shaders in the user's caches: it maps that file, and a full disk would then end the process."""


class RenderError(RuntimeError):
    """Drawing is not possible here; one sentence with the remedy."""


def gl_libraries() -> dict[str, bool]:
    """Libraries for off-screen pictures, and whether the loader finds them; empty where VTK brings its own."""
    return {name: _loads(name) for name in LIBRARIES} if sys.platform.startswith("linux") else {}


def ready(to: str) -> None:
    """Raise RenderError if "png" or "vtk" cannot be written here."""
    if find_spec("pyvista") is None:
        raise RenderError(NO_VIZ)
    if to == "png":
        window()


@cache
def window() -> str:
    """The class of the window that VTK makes for pictures, as a trial found; RenderError if it makes none."""
    os.environ.setdefault(NO_SHADERS, "true")
    command = [sys.executable, "-P", "-c", TRIAL]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise RenderError(f"{NO_GL}; a trial did not end in {PATIENCE:.0f} s") from None
    if done.returncode:
        given = [f"{name}={os.environ[name]} is set" for name in SETTINGS if os.environ.get(name)]
        raised = done.stderr.splitlines()[-1:] if done.returncode == 1 else []  # by Python, which names a library
        raise RenderError("; ".join([NO_GL, *given, *raised]))
    made = done.stdout.strip()
    if made in HEADLESS:
        os.environ.setdefault(WINDOW, made)  # else VTK looks for a display again, and says that there is none
    return made


def pyvista() -> ModuleType:
    """PyVista. Raises RenderError if it is missing."""
    ready("vtk")
    return import_module("pyvista")


def _loads(library: str) -> bool:
    """Whether the loader finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
