"""Kernels run where their arrays live: built by LLVM on NumPy's, through CuPy on the GPU's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
from twin.kernels import cpu
from twin.kernels.cuda import cuda_source
from twin.kernels.subset import PRECISIONS, Argument, Kernel, Packed

Call: TypeAlias = Callable[[], object]
"""A kernel, or more of them, with all arguments bound."""

LARGEST = 2**31 - 1
"""Elements an array may have: offsets are 32-bit on the GPU."""


def bind(k: Kernel, domain: Sequence[int], *args: Argument, lanes: int = 1, options: tuple[str, ...] = ()) -> Call:
    """A call of a kernel over `domain`, its arguments checked and laid out once for where their arrays live.

    Raises TypeError for arguments of the wrong number, kind or shape, and ValueError for arrays that overlap with one
    that is written. `lanes` is what LANES means in a build for the CPU; `options` go to NVRTC.
    """
    if len(domain) != len(k.index) or len(args) != len(k.takes):
        raise TypeError(f"{k.name} takes {len(k.index)} extents and {len(k.takes)} arguments: {', '.join(k.takes)}")
    first = _first(args)
    on_cpu = isinstance(first, np.ndarray)
    if on_cpu:
        cpu.recall(k, first.dtype.name if first.dtype.kind == "f" else "float64", lanes)
    named = k.flatten(args)
    arrays = {a: v for a, v in named.items() if k.kinds[a].ndim}
    reals = {v.dtype.name for a, v in arrays.items() if k.kinds[a].real}
    if len(reals) > 1 or not reals <= PRECISIONS.keys():
        raise TypeError(f"{k.name}: arrays of reals are all float32 or all float64, not {', '.join(sorted(reals))}")
    precision = reals.pop() if reals else "float64"
    for a, v in arrays.items():
        _check(k, a, v, on_cpu)
    _apart(k, arrays)
    if on_cpu:
        return cpu.bound(k, precision, lanes, domain, named)
    block = ((128,), (64, 1), (64, 2, 1))[len(domain) - 1]
    grid = tuple(-(-n // b) for n, b in zip(reversed(domain), block, strict=True))
    return partial(_cuda_function(k, precision, options), grid, block, tuple(_flat(k, precision, domain, named)))


def _first(args: Sequence[Argument]) -> Any:
    """An array of reals among arguments, or any array where there is none."""
    found = list[Any]()
    for a in args:
        parts = (a.packed_reals,) if isinstance(a, Packed) else a if isinstance(a, tuple) else (a,)
        found += [p for p in parts if hasattr(p, "dtype") and getattr(p, "ndim", 0)]
    return next((a for a in found if a.dtype.kind == "f"), next(iter(found), None))


def blocks(scenarios: int, lanes: int, few: int = 4) -> tuple[int, int]:
    """Blocks of scenarios and their lanes on the CPU: one a block where there are but few."""
    lanes = lanes if scenarios > few else 1
    return -(-scenarios // lanes), lanes


def flatten(
    k: Kernel,
    precision: str,
    domain: Sequence[int],
    args: Sequence[Argument],
    pointer: Callable[[np.ndarray], object] | None = None,
) -> list[object]:
    """Launch arguments in the order of `signature`; `pointer` turns an array into what the caller passes."""
    return _flat(k, precision, domain, k.flatten(args), pointer)


def _flat(
    k: Kernel,
    precision: str,
    domain: Sequence[int],
    named: Mapping[str, Any],
    pointer: Callable[[np.ndarray], object] | None = None,
) -> list[object]:
    scalar, out = np.dtype(precision).type, list[object](np.int32(n) for n in domain)
    for a, v in named.items():
        kind = k.kinds[a]
        if kind.ndim:
            strides = [np.int32(s // v.itemsize) for s in v.strides]
            out += [pointer(v) if pointer else v, *strides]
        else:
            out.append(scalar(v) if kind.real else np.int32(v))
    return out


def _check(k: Kernel, a: str, v: np.ndarray, on_cpu: bool) -> None:
    kind = k.kinds[a]
    if v.ndim != kind.ndim or (not kind.real and v.dtype != np.int32):
        wanted = f"{kind.ndim}-dimensional {'reals' if kind.real else 'int32'}"
        raise TypeError(f"{k.name}: {a} is {v.ndim}-dimensional {v.dtype}, not {wanted}")
    if v.size > LARGEST:
        raise TypeError(f"{k.name}: {a} has {v.size:,} elements, more than 32-bit offsets reach")
    if on_cpu and not (v.flags.c_contiguous and v.flags.writeable):
        raise TypeError(f"{k.name}: {a} must be a contiguous, writable array")


def _apart(k: Kernel, arrays: dict[str, np.ndarray]) -> None:
    """Refuse arrays that share memory with one that the kernel writes."""
    spans = []
    for a, v in arrays.items():
        start = v.__array_interface__["data"][0] if isinstance(v, np.ndarray) else v.data.ptr
        if v.size:
            spans.append((start, start + v.nbytes, a))
    reached, written = (0, ""), (0, "")  # the furthest ends so far: of all arrays, and of those that are written
    for start, end, a in sorted(spans):
        if start < written[0]:
            raise ValueError(f"{k.name}: {written[1]} is written and overlaps {a}")
        if a in k.written:
            if start < reached[0]:
                raise ValueError(f"{k.name}: {a} is written and overlaps {reached[1]}")
            written = max(written, (end, a))
        reached = max(reached, (end, a))


def record(stages: Sequence[Sequence[Call]], on_gpu: bool) -> Call:
    """Stages of bound calls replayed as one: a CUDA graph on the GPU, on the CPU one call of all that stand together.

    The calls of a stage do not need each other, and may run at once.
    """
    if not on_gpu:
        calls = [call for stage in stages for call in stage]
        whole: list[Call] = []
        for native, group in groupby(calls, lambda call: isinstance(call, cpu.Bound)):
            together = list(group)
            whole += [cpu.replayed(together)] if native else together  # pyright: ignore[reportArgumentType]
        return whole[0] if len(whole) == 1 else lambda: [call() for call in whole] and None
    cupy = import_module("cupy")
    stream, *others = (cupy.cuda.Stream() for _ in range(max(map(len, stages))))
    with stream:
        stream.begin_capture()
        for first, *rest in filter(None, stages):
            begin, parallel = stream.record(), list(zip(others, rest, strict=False))
            for other, call in parallel:
                other.wait_event(begin)
                with other:
                    call()
            first()
            for other, _ in parallel:
                stream.wait_event(other.record())
        graph = stream.end_capture()
    return lambda: graph.launch()  # in the current stream, and so in order with what else is done to the arrays


def plain(k: Kernel, domain: Sequence[int], *args: Argument) -> None:
    """Run a kernel as the Python that it is, one index at a time: slow, for a debugger."""
    for index in np.ndindex(*domain):
        k.function(*index, *args)


@cache
def _cuda_function(k: Kernel, precision: str, options: tuple[str, ...]) -> Callable[..., None]:
    cupy = import_module("cupy")
    module = cupy.RawModule(code=cuda_source(k, precision), options=("--std=c++17", *options))
    function = module.get_function("run")
    function.compile()  # now, so that the capture of a graph only records
    return function
