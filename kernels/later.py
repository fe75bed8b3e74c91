"""Libraries that are imported when something of them is first used: a short command waits for none that it spares.

if TYPE_CHECKING:
import xarray as xr
else:
xr = later("xarray")
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


class _Later(ModuleType):
    """A module that knows its name only, until something of it is asked for."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # what importlib and inspect ask of any module
            raise AttributeError(name)
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)
        return value


def later(name: str) -> ModuleType:
    """A module by name, imported at its first use; raises ModuleNotFoundError then if it is not there."""
    return _Later(name)
