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

MOST_KEPT, SMALL = 4, 16
"""Buffers of a table that are kept for the next call, and the scenarios that they may have."""


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
        whole, buffers = [np.empty((h, size)) for h in heights], {}
        for first in range(0, size, CHUNK):
            part = slice(first, min(first + CHUNK, size))
            few = [p[:, part] if p.shape[1] > 1 else p for p in parts]
            found = self._chunk(few, part.stop - first, heights, lay, key, buffers)
            for a, b in zip(whole, found, strict=True):
                a[:, part] = b
        return whole

    def _chunk(self, parts: Any, size: int, heights: Any, lay: Any, key: Any, buffers: dict[Any, Any]) -> list[Any]:
        """Outputs of one chunk, views of buffers: `buffers` of this call, or small ones that are kept for the next."""
        count, lanes = blocks(size, SIDE)
        name = count, lanes, key
        # Taken out while they are used: another thread lays out buffers of its own.
        held = buffers.get(name) or self.kept.pop(name, None)
        if held is None:
            common, varied = np.empty((self.common, 1)), np.empty((self.varied, count * lanes))
            out = [np.empty((h, count * lanes)) for h in heights]
            held = common, varied, out, lay(count, lanes, common[:, 0], varied, out)
        common, varied, out, call = held
        for chosen, into in ((False, common), (True, varied[:, :size])):
            some = [p for p, v in zip(parts, self.varies, strict=True) if v == chosen]
            if some:
                np.concatenate(some, out=into)
        varied[:, size:] = varied[:, size - 1 : size]
        call()
        if count * lanes > SMALL:
            buffers[name] = held
            return [a[:, :size] for a in out]
        found = [a[:, :size].copy() for a in out]
        while len(self.kept) >= MOST_KEPT:
            self.kept.pop(next(iter(self.kept)), None)
        self.kept[name] = held
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
