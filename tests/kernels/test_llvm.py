"""Kernels in vectors: what lanes do together is what each does alone."""

from typing import NamedTuple

import kernel_arguments  # noqa: F401  every kernel there is
import numpy as np
import pytest
from twin.kernels import cell, cpu, launch
from twin.kernels.cell import LANES, Int, Ints1, Reals1, Reals2, Reals3, kernel, real
from twin.kernels.llvm import assembly
from twin.kernels.subset import place

SCENARIOS = range(1, 20)


@cell.cell
def parted(x, y):
    """Lanes return at three places."""
    if x > 1.0:
        return 2.0 * y
    if x < -1.0:
        return -y
    return x * y


@cell.routine
def called(x):
    """One that is called lane by lane."""
    return 1.0 / x if x > 0.25 else x, 3.0


@kernel
def parting(i, s, x: Reals2, first: Ints1, pairs: Reals3, out: Reals2, wide: Int):
    """Sums over rows, branches in which lanes differ, and places that do."""
    total = 0.0
    for k in range(first[i], first[i + 1]):
        total += x[k, s] * real(k)
    if x[i, s] > 0.5:
        out[i, s] = parted(x[i, s], total)
        total -= x[i, s]
    else:
        total += 1.0
        if total > 2.0:
            out[i, s] = -total
    chosen = x[i, place(min(max(x[i, s] * 3.0, 0.0), real(wide - 1)))]
    before = x[i, s - 1] if s > 0 else 0.25
    inside = s > 0 and x[i, s - 1] > 0.0
    if x[i, s] < -1.5:
        return
    some, three = called(x[i, s])
    odd = real(s % 3) + real((i * 7 - 10) // 3) + real((i * 7 - 10) % 4) + real(abs(s - 2))
    out[i, s] += chosen + before + pairs[i, s, 1] + odd + some * three + (0.125 if inside else total)
    if not inside:
        pairs[i, s, 0] = -out[i, s]


@kernel
def looping(i, s, x: Reals2, out: Reals2):
    """A loop whose rounds differ between lanes."""
    y = x[i, s]
    n = 0
    while y > 0.1:
        y = 0.5 * y
        n += 1
    out[i, s] = real(n)


@kernel(lanes=8)
def marching(b, x: Reals3, rows: Int):
    """Lanes side by side, of which some stand still."""
    for k in range(1, rows):
        for j in range(LANES):
            step = x[b, k - 1, j]
            if step > 0.0:
                x[b, k, j] += 0.5 * step
            x[b, k, j] = max(x[b, k, j], -2.0 if step < -1.0 else step)


del cell.REGISTRY[-3:]


@pytest.mark.parametrize("scenarios", SCENARIOS)
def test_lanes_that_part_do_what_each_does_alone(scenarios):
    rng = np.random.default_rng(scenarios)
    x, first = rng.normal(0, 1.5, (5, scenarios)), np.array([0, 0, 2, 3, 5, 5], np.int32)
    results = []
    for run in (
        lambda *a: launch.bind(parting, (5, scenarios), *a)(),
        lambda *a: launch.plain(parting, (5, scenarios), *a),
    ):
        pairs, out = np.ones((5, scenarios, 2)), np.full((5, scenarios), 7.0)
        run(x, first, pairs, out, scenarios)
        results.append((pairs, out))
    for vectors, alone in zip(*results, strict=True):
        np.testing.assert_array_equal(vectors, alone)


def test_a_kernel_is_in_vectors_unless_the_rounds_of_a_loop_differ():
    assert "<4 x double>" in assembly(parting, "float64", 1, 4)
    assert "<4 x double>" not in assembly(looping, "float64", 1, 4)
    x = np.random.default_rng(0).uniform(0, 4, (3, 9))
    out, alone = np.zeros_like(x), np.zeros_like(x)
    launch.bind(looping, x.shape, x, out)()
    launch.plain(looping, x.shape, x, alone)
    np.testing.assert_array_equal(out, alone)


@kernel
def edge(i, s, x: Reals2, out: Reals2):
    """Reads a place that is not there in its first lane."""
    out[i, s] = x[i, s - 1] if s > 0 else 0.25


del cell.REGISTRY[-1:]


def test_what_a_lane_does_not_read_is_not_read_for_it():
    loads = [line for line in assembly(edge, "float64", 1, 4).splitlines() if "<4 x double>" in line and "load" in line]
    assert [line for line in loads if "declare" not in line and "alloca" not in line and "ptr %x" not in line]
    assert all("llvm.masked.load" in line for line in loads if "ptr %x" not in line)


def test_lanes_of_a_block_that_part_do_what_each_does_alone():
    x = np.random.default_rng(1).normal(size=(2, 9, 8))
    alone = np.ascontiguousarray(np.moveaxis(x, 2, 1).reshape(-1, 9, 1))
    assert "<8 x double>" in assembly(marching, "float64", 8, 4)
    launch.bind(marching, (2,), x, 9, lanes=8)()
    launch.plain(marching, (16,), alone, 9)
    np.testing.assert_array_equal(np.moveaxis(x, 2, 1).reshape(-1, 9, 1), alone)


@pytest.mark.parametrize("k", cell.REGISTRY, ids=lambda k: k.name)
def test_no_double_hides_in_single_precision(k):
    assert "double" not in assembly(k, "float32", k.lanes, 8)


def test_bound_calls_are_replayed_in_their_order():
    x, out = np.full((2, 3), 3.0), np.zeros((2, 3))
    first = launch.bind(looping, (2, 3), x, out)
    second = launch.bind(looping, (2, 3), out, x)
    cpu.replayed([first, second])()
    assert (out == 5.0).all()
    assert (x == 6.0).all()
    cpu.replayed([])()


def test_what_a_build_depends_on_is_in_its_name():
    """Text of the kernel, numbers of its module and cells that it calls; not what it says of itself."""

    def made(source, **names):
        text = f"from twin.kernels.cell import Reals1, cell, kernel\n{source}"
        space = {"__name__": "twin.probe", **names}
        exec(compile(text, "probe", "exec"), space)
        del cell.REGISTRY[-1:]
        return space["k"].digest

    head = "@cell\ndef c(x):\n    return x + {}\n@kernel\ndef k(i, x: Reals1):\n    '''{}'''\n"
    head += "    x[i] = c(STEP * x[i]) {} 1.0\n"
    same = made(head.format("1.0", "It says this.", "+"), STEP=2.0)
    assert made(head.format("1.0", "It says that.", "+"), STEP=2.0) == same
    others = [
        made(head.format("1.5", "It says this.", "+"), STEP=2.0),
        made(head.format("1.0", "It says this.", "-"), STEP=2.0),
        made(head.format("1.0", "It says this.", "+"), STEP=2.5),
    ]
    assert len({same, *others}) == 4


class Ends(NamedTuple):
    """Two fields, of which a kernel may read either."""

    near: Reals1
    far: Reals1


@pytest.mark.parametrize(("one", "other"), [("max(x[i], 1.0)", "min(x[i], 1.0)"), ("e.near[i]", "e.far[i]")])
def test_a_build_depends_on_the_names_of_functions_and_fields(one, other):
    def made(text):
        head = "from twin.kernels.cell import Reals1, kernel\n@kernel\ndef k(i, e: Ends, x: Reals1):\n"
        source = f"{head}    x[i] = {text}\n"
        space = {"__name__": "twin.probe", "Ends": Ends}
        exec(compile(source, "probe", "exec"), space)
        del cell.REGISTRY[-1:]
        return space["k"].digest

    assert made(one) != made(other)
