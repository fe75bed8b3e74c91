"""Pure array functions and compiled loops; imports nothing of twin."""

import os
import tempfile
from functools import cache
from pathlib import Path


@cache
def cache_folder() -> Path:
    """Where generated and compiled code lies: a folder of the user's, or a temporary one where that cannot be written.

    Beside the sources it would outlive an uninstall and shadow the next install as a namespace package.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    folder = Path(home) / "aifactory-twin" / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.gettempdir())
