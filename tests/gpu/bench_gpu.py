"""Kernels on a GPU, device-resident: scenarios per second beside two floors, printed as a table for RESULTS.md.

One thread a scenario. The memory floor moves each work array once per step, and inputs and outputs once, at the copy
bandwidth measured here; the issue floor is that of one launch without work. Run `python tests/gpu/bench_gpu.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import kernel_arguments
import numpy as np
from twin.kernels import launch

import twin
from twin.coupling import steady
from twin.plant import compile

SIZES = {"chord": 65536, "gradient": 16384, "balance": 16384}


def seconds(cupy, call, rounds=5):
    """Median time of a call by the device's clock."""
    call()
    taken = []
    for _ in range(rounds):
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        begin.record()
        call()
        end.record()
        end.synchronize()
        taken.append(1e-3 * cupy.cuda.get_elapsed_time(begin, end))
    return float(np.median(taken))


def main():
    try:
        import cupy
    except ImportError:
        print("no CuPy here")
        return
    if not cupy.is_available():
        print("no GPU here")
        return
    one, other = cupy.zeros(2**27), cupy.empty(2**27)
    bandwidth = 2 * one.nbytes / seconds(cupy, lambda: cupy.copyto(other, one))
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    print(f"{name}, copy {bandwidth / 1e12:.2f} TB/s\n")
    print("| kernel | scenarios | ms | scenarios/s | memory floor, ms |\n|---|---:|---:|---:|---:|")
    for k in kernel_arguments.BATCHED:
        size = SIZES[k.name]
        _, args = kernel_arguments.batch(k, size)
        domain, spread = kernel_arguments.spread(k, args, size, cupy)
        arrays = [a for a in spread if isinstance(a, cupy.ndarray)]
        call = launch.bind(k, domain, *spread)
        taken = seconds(cupy, call)
        turns = dict(zip(k.args, spread, strict=True)).get("turns")
        steps = float(turns.mean()) if turns is not None else 3.0
        work = sum(a.nbytes for a in arrays if a.ndim == 3 and a.shape[0] == size)
        floor = (sum(a.nbytes for a in arrays) - work + 2 * steps * work) / bandwidth
        print(f"| {k.name} | {size:,} | {1e3 * taken:.1f} | {size / taken:,.0f} | {1e3 * floor:.1f} |")
    print("\n| layout | scenarios | GPU, s | CPU, s | scenarios/s on the GPU |\n|---|---:|---:|---:|---:|")
    for layout, size in (("gb300_hall", 4096), ("frontier", 1024)):
        bulbs = np.linspace(280, 303, size)
        plant = compile(twin.load(layout), {"site.dry_bulb": bulbs, "site.wet_bulb": bulbs - 4.0})
        steady(plant, device="cuda")
        there, here = steady(plant, device="cuda").seconds, steady(plant).seconds
        print(f"| {layout} | {size:,} | {there:.2f} | {here:.2f} | {size / there:,.0f} |")


if __name__ == "__main__":
    main()
