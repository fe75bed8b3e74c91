"""How far a solve of many scenarios is."""

from __future__ import annotations

import time

from twin.solver.steady import Progress

INTERVAL = 0.5
"""Seconds between two lines of progress, at least."""


class Pace:
    """Tells how many of `total` scenarios are done, how fast, and how long the rest will take; nothing of a single one.

    done: scenarios that have ended.

    >>> pace = Pace(1_000_000, print)
    >>> pace.advance(4096)  # half a second later, and so on: 4,096 of 1,000,000 scenarios, 1,310/s, 13 min left
    """

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total, self.done, self._progress = total, 0, progress
        self._began = self._told = time.monotonic()

    def advance(self, count: int) -> None:
        """So many scenarios more have ended."""
        self.done += count
        now = time.monotonic()
        if self._progress is None or self.total == 1 or now - self._told < INTERVAL:
            return
        self._told = now
        rate = self.done / (now - self._began)
        left = duration((self.total - self.done) / rate)
        speed = f"{float(f'{rate:.3g}'):,.0f}" if rate >= 100 else f"{rate:.3g}"
        self._progress(f"{self.done:,} of {self.total:,} scenarios, {speed}/s, {left} left")


def duration(seconds: float) -> str:
    """Seconds as people say them, such as 45 s, 12 min or 3.5 h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 99.5 * 60 else f"{seconds / 3600:.1f} h"
