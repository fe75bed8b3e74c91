"""Sums of rows by group, in an order that is fixed by the groups alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from twin.kernels.arrays import Array
from twin.kernels.cell import Ints1, Reals1, Reals2, kernel


class Groups(NamedTuple):
    """Terms by group: those of group g stand from first[g] to first[g + 1].

    row: the row that each is read from. times: how many equal ones it stands for.
    """

    first: Ints1
    row: Ints1
    times: Reals1


def grouped(group: ArrayLike, row: ArrayLike, count: int, times: ArrayLike = 1.0) -> tuple[Groups, Array]:
    """Terms sorted into `count` groups, those of each in the order given, and where each term stood.

    times: how many equal ones a term stands for, one number or (term,).
    """
    group, row = np.asarray(group, np.int64), np.asarray(row, np.int64)
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(count + 1))
    wide = np.broadcast_to(np.asarray(times, float), group.shape)
    return Groups(first.astype(np.int32), row[order].astype(np.int32), wide[order]), order


@kernel
def weighted(g, s, terms: Groups, weight: Reals2, solved: Reals2, out: Reals2):
    """Sum of weight times solved rows of a group; terms of `weight` stand as those of the groups."""
    total = 0.0
    for u in range(terms.first[g], terms.first[g + 1]):
        total += terms.times[u] * (weight[u, s] * solved[terms.row[u], s])
    out[g, s] = total
