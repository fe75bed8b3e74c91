"""Pure array functions and compiled loops; imports nothing of twin."""

import os
from pathlib import Path

from numba import config

setattr(config, "SLP_VECTORIZE", 1)  # noqa: B010, as below; lanes are unrolled for it

# Compiled code beside the sources would outlive an uninstall and shadow the next install as a namespace package.
if not getattr(config, "CACHE_DIR", ""):
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    setattr(config, "CACHE_DIR", str(Path(home) / "aifactory-twin" / "kernels"))  # noqa: B010, numba sets it at run time
