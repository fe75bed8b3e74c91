"""Parameters of a kernel as the rows of one table: those that all scenarios have in common once, those that vary whole.

Scenarios are laid out a chunk at a time, so that their parameters stay in cache, and a kernel copies the rows of its
block of lanes before it iterates on them.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from twin.kernels.arrays import Array, max_scenarios, namespace
from twin.kernels.cell import LANES, Int, Ints1, Reals1, Reals2, cell
from twin.kernels.launch import Call, blocks

SIDE, NARROW = 8, 4
"""Scenarios that are walked together on the CPU, of many and of few."""

CHUNK = 256
"""Scenarios that are laid out together."""

MAX_KEPT, SMALL = 4, 16
"""Buffers of a table that are kept for the next call, and the scenarios that they may have."""


Lay: TypeAlias = Callable[[int, int, int, Array, Array, list[Array], list[Array]], Call]
"""Binds a kernel to blocks, lanes, whether work arrays are apart, table rows common and varied, work, outputs."""

Key: TypeAlias = tuple[object, ...] | None

Held: TypeAlias = tuple[Array, Array, list[Array], Call]
"""Common and varied rows, outputs, and the call bound to them."""


Buffers: TypeAlias = dict[tuple[int, int, Key], Held]


class Table(NamedTuple):
    """Parameters as kernels take them: row r is source[r] of `common`, or -1 - source[r] of `varied`."""

    rows: Int
    source: Ints1  # (rows,)
    common: Reals1
    varied: Reals2  # (rows, S)


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
        self.kept: Buffers = {}

    def run(
        self, parts: Sequence[Array], heights: Sequence[int], work: Sequence[int], lay: Lay, key: Key = None
    ) -> list[Array]:
        """Outputs of `heights` rows, (h, S) each, of a kernel over all scenarios of the parts, each (rows, 1|S).

        `lay(count, lanes, apart, common, varied, work, out)` binds the kernel for so many blocks: to the common and the
        varied rows of the table, work arrays of `work` rows, and outputs; calls of one `key` may share it.
        """
        xp = namespace(*parts)
        size = max(p.shape[1] for p in parts)
        whole = [xp.empty((h, size)) for h in heights]
        buffers: Buffers = {}
        chunk = CHUNK if xp is np else max_scenarios(self.varied + sum(heights) + sum(work), xp)
        for first in range(0, size, chunk):
            part = slice(first, min(first + chunk, size))
            few = [p[:, part] if p.shape[1] > 1 else p for p in parts]
            on = self._threads if xp is not np else self._blocks
            answers = on(few, part.stop - first, heights, work, lay, key, buffers)
            for a, b in zip(whole, answers, strict=True):
                a[:, part] = b
        return whole

    def bound(self, varied: Array, work: Sequence[int], lay: Lay, out: list[Array]) -> Call:
        """A kernel bound to parameters of which each scenario has its own, (rows, S), and to answers (h, S).

        On the CPU S is a number of whole blocks.
        """
        xp, size = namespace(varied), varied.shape[1]
        common = xp.zeros(1)
        if xp is not np:
            apart = [xp.empty((h, 1, size)).transpose(2, 0, 1) for h in work]
            return lay(size, 1, 1, common, varied, apart, out)
        lanes = next(n for n in (SIDE, NARROW, 1) if size % n == 0)
        return lay(size // lanes, lanes, 0, common, varied, [np.empty((1, h, lanes)) for h in work], out)

    def _fill(self, parts: Sequence[Array], common: Array, varied: Array) -> None:
        for chosen, into in ((False, common), (True, varied)):
            some = [p for p, v in zip(parts, self.varies, strict=True) if v == chosen]
            if some:
                np.concatenate(some, out=into)

    def _threads(
        self,
        parts: list[Array],
        size: int,
        heights: Sequence[int],
        work: Sequence[int],
        lay: Lay,
        key: Key,
        buffers: Buffers,
    ) -> list[Array]:
        """Outputs of one chunk on a GPU: one thread a scenario, scenarios contiguous in its work arrays."""
        xp = namespace(*parts)
        common, varied = xp.empty((self.common, 1)), xp.empty((self.varied, size))
        out = [xp.empty((h, size)) for h in heights]
        apart = [xp.empty((h, 1, size)).transpose(2, 0, 1) for h in work]
        self._fill(parts, common, varied)
        lay(size, 1, 1, common[:, 0], varied, apart, out)()
        return out

    def _blocks(
        self,
        parts: list[Array],
        size: int,
        heights: Sequence[int],
        work: Sequence[int],
        lay: Lay,
        key: Key,
        buffers: Buffers,
    ) -> list[Array]:
        """Outputs of one chunk on the CPU, views of buffers: those of this call, or small ones kept for the next."""
        count, lanes = blocks(size, SIDE)
        name = count, lanes, key
        # Taken out while they are used: another thread lays out buffers of its own.
        held = buffers.get(name) or self.kept.pop(name, None)
        if held is None:
            common, varied = np.empty((self.common, 1)), np.empty((self.varied, count * lanes))
            out = [np.empty((h, count * lanes)) for h in heights]
            shared = [np.empty((1, h, lanes)) for h in work]
            held = common, varied, out, lay(count, lanes, 0, common[:, 0], varied, shared, out)
        common, varied, out, call = held
        self._fill(parts, common, varied[:, :size])
        varied[:, size:] = varied[:, size - 1 : size]
        call()
        if count * lanes > SMALL:
            buffers[name] = held
            return [a[:, :size] for a in out]
        answers = [a[:, :size].copy() for a in out]
        while len(self.kept) >= MAX_KEPT:
            self.kept.pop(next(iter(self.kept)), None)
        self.kept[name] = held
        return answers


@cell
def gather(w, first, table: Table, param):
    """Copy the parameters of a block of lanes into rows of its own."""
    for r in range(table.rows):
        s = table.source[r]
        if s >= 0:
            for j in range(LANES):
                param[w, r, j] = table.common[s]
        else:
            for j in range(LANES):
                param[w, r, j] = table.varied[-1 - s, first + j]
