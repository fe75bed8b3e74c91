"""Parameters of a kernel as the rows of one table: those that all scenarios have in common once, those that vary whole.

Scenarios are laid out a chunk at a time, so that their parameters stay in cache, and a kernel copies the rows of its
block of lanes before it iterates on them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from twin.kernels.cell import LANES, cell
from twin.kernels.launch import blocks

SIDE = 4
"""Scenarios in a SIMD block on the CPU."""

CHUNK = 256
"""Scenarios that are laid out together."""

MOST_KEPT = 4
"""Buffers of a table, by size, that are kept for the next call."""


class Rows:
    """Where the parts of a parameter table stand, and the buffers that calls share."""

    def __init__(self, heights: Sequence[int], varies: Sequence[bool]) -> None:
        self.first = [int(i) for i in np.cumsum([0, *heights])]
        self.varies, counts = tuple(varies), [0, 0]
        self.source = np.empty(self.first[-1], np.int32)
        for block, varied in enumerate(varies):
            own = counts[varied] + np.arange(heights[block], dtype=np.int32)
            self.source[self.first[block] : self.first[block + 1]] = -1 - own if varied else own
            counts[varied] += heights[block]
        self.common, self.varied = counts
        self.kept: dict[Any, Any] = {}

    def run(self, parts: Sequence[Any], heights: Sequence[int], lay: Callable[..., Any], key: Any = None) -> list[Any]:
        """Outputs of `heights` rows, (h, S) each, of a kernel over all scenarios of the parts, each (rows, 1|S).

        `lay(count, lanes, common, varied, out)` binds the kernel for so many blocks; calls of one `key` may share it.
        """
        size = max(p.shape[1] for p in parts)
        if size <= CHUNK:
            return self._chunk(parts, size, heights, lay, key)
        whole = [np.empty((h, size)) for h in heights]
        for first in range(0, size, CHUNK):
            part = slice(first, min(first + CHUNK, size))
            few = [p[:, part] if p.shape[1] > 1 else p for p in parts]
            for a, found in zip(whole, self._chunk(few, part.stop - first, heights, lay, key), strict=True):
                a[:, part] = found
        return whole

    def _chunk(self, parts: Any, size: int, heights: Sequence[int], lay: Any, key: Any) -> list[Any]:
        count, lanes = blocks(size, SIDE)
        # Taken out while they are used: another thread lays out buffers of its own.
        name = count, lanes, key
        kept = self.kept.pop(name, None)
        if kept is None:
            common, varied = np.empty((self.common, 1)), np.empty((self.varied, count * lanes))
            out = [np.empty((h, count * lanes)) for h in heights]
            kept = common, varied, out, lay(count, lanes, common[:, 0], varied, out)
        common, varied, out, call = kept
        for chosen, into in ((False, common), (True, varied[:, :size])):
            some = [p for p, v in zip(parts, self.varies, strict=True) if v == chosen]
            if some:
                np.concatenate(some, out=into)
        varied[:, size:] = varied[:, size - 1 : size]
        call()
        found = [a[:, :size].copy() for a in out]
        if len(self.kept) < MOST_KEPT:
            self.kept[name] = kept
        return found


@cell
def gather(w, first, rows, source, common, varied, param):
    """Copy the parameters of a block of lanes: row r is source[r] of `common`, or -1 - source[r] of `varied`."""
    for r in range(rows):
        s = source[r]
        if s >= 0:
            for j in range(LANES):
                param[w, r, j] = common[s]
        else:
            for j in range(LANES):
                param[w, r, j] = varied[-1 - s, first + j]
