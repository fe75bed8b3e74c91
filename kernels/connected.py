"""What hangs together: the connected components of a graph."""

import numpy as np
from twin.kernels.cell import Int, Ints1, cell, kernel
from twin.kernels.launch import bind


def connected(n: int, start, end) -> np.ndarray:
    """Number of the component that each of n nodes is in, (n,), when the pairs (start[k], end[k]) are joined.

    Components are numbered in the order of their first nodes: connected(4, [1], [3]) = [0, 1, 2, 1].
    """
    label = np.arange(n, dtype=np.int32)
    ends = (np.ascontiguousarray(x, np.int32) for x in (start, end))
    bind(unite, (1,), n, len(start), *ends, label)()
    return label


@cell
def root(i, label):
    """The first node that is known to hang together with node i; the way there is halved."""
    while label[i] != i:
        label[i] = label[label[i]]
        i = label[i]
    return i


@kernel
def unite(_all, n: Int, pairs: Int, one: Ints1, other: Ints1, label: Ints1):
    """Join the trees of the nodes of each pair, then number these [Tarjan & van Leeuwen, J. ACM 31 (1984) 245].

    Labels are those of each node itself at first, then of a node before it in its tree, at last of its component.
    """
    for k in range(pairs):
        a = root(one[k], label)
        b = root(other[k], label)
        if a < b:
            label[b] = a
        else:
            label[a] = b
    count = 0
    for i in range(n):
        if label[i] == i:
            label[i] = count
            count += 1
        else:
            label[i] = label[label[i]]
