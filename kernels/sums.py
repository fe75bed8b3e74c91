"""Sums of rows by group, in an order that is fixed by the groups alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from twin.kernels.arrays import Array
from twin.kernels.cell import Ints1, Reals2, kernel


class Groups(NamedTuple):
    """Terms by group: those of group g stand from first[g] to first[g + 1]. row: the row that each is read from."""

    first: Ints1
    row: Ints1


def grouped(group: ArrayLike, row: ArrayLike, count: int) -> tuple[Groups, Array]:
    """Terms sorted into `count` groups, those of each in the order given, and where each term stood."""
    group, row = np.asarray(group, np.int64), np.asarray(row, np.int64)
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(count + 1))
    return Groups(first.astype(np.int32), row[order].astype(np.int32)), order


@kernel
def weighted(g, s, terms: Groups, weight: Reals2, solved: Reals2, out: Reals2):
    """Sum of weight times solved rows of a group; terms of `weight` stand as those of the groups."""
    total = 0.0
    for u in range(terms.first[g], terms.first[g + 1]):
        total += weight[u, s] * solved[terms.row[u], s]
    out[g, s] = total
