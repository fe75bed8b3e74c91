"""Python's collector of garbage stands still where many objects are made that all stay: it would find none of them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """No search for cycles of garbage meanwhile, in any thread; a collector that was off before stays off.

    A context, or a decorator of what is called.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
