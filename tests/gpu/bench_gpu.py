"""Kernels, whole solves and hall air on a GPU, device-resident, printed as tables for RESULTS.md.

Kernels of networks run one thread a scenario: the memory floor moves each work array once per step, and inputs and
outputs once, at the copy bandwidth measured here. Hall air is the hall of `benchmarks/bench_air.py`, 288,000 cells;
its steps from look to look are one CUDA graph. Run `python tests/gpu/bench_gpu.py [air]`.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import bench_air
import kernel_arguments
import numpy as np
from twin.kernels import launch, poisson
from twin.kernels.finite_volume import REFRESH

import twin
from twin.plant.compile import compile
from twin.solver.steady import steady

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


def hall_air(cupy):
    """The hall alone and in batches, its air after 400 s beside the CPU's, and what each kernel of a step takes."""
    hall = bench_air.Hall()
    print("\n| hall air | scenarios | us a step | of it the graph | G cell-steps/s |\n|---|---:|---:|---:|---:|")
    for kind, scenarios in ((np.float32, 1), (np.float32, 64), (np.float64, 1), (np.float64, 16)):
        flow = bench_air.ours(hall, 0.1, kind, scenarios, cupy)
        flow.step(60)
        steps = 400 if scenarios == 1 else 80
        taken = seconds(cupy, lambda flow=flow, steps=steps: flow.step(steps)) / steps
        graph = seconds(cupy, lambda flow=flow: flow._run(REFRESH, True), 20) / REFRESH
        rate = scenarios * np.prod(flow.grid.shape) / taken / 1e9
        name = np.dtype(kind).name
        print(f"| {name} | {scenarios} | {1e6 * taken:.0f} | {1e6 * graph:.0f} | {rate:.2f} |")
        if (kind, scenarios) == (np.float32, 1):
            listed = [call for stage in flow._stages[0] for call in stage]
    print("\n| kernel of a step, float32 | us |\n|---|---:|")
    names = {id(launch._cuda_function(k, "float32", ())): k.name for k in (*kernel_arguments.AIR, poisson.product)}
    for call in listed:
        repeated = launch.record([[call]] * 20, on_gpu=True)
        print(f"| {names[id(call.func)]} | {1e6 * seconds(cupy, repeated) / 20:.1f} |")
    flow = bench_air.ours(hall, 0.1, np.float32, 1, cupy)
    flow.step(60)
    cupy.cuda.Device().synchronize()
    began, then, steps = time.perf_counter(), flow.time[0], flow.steps
    while flow.time[0] < then + 400.0:
        flow.step(REFRESH)
    cupy.cuda.Device().synchronize()
    spent = time.perf_counter() - began
    worst = np.abs(flow.divergence()).max() / (hall.tile_speed * 7.2)
    print(f"\n400 s of hall air: {spent:.2f} s on the GPU, {flow.steps - steps:,} steps, divergence {worst:.0e}")


def main():
    try:
        import cupy
    except ImportError:
        print("no CuPy here")
        return
    if not cupy.is_available():
        print("no GPU here")
        return
    if "air" in sys.argv[1:]:
        hall_air(cupy)
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
        named = k.flatten(spread)
        arrays = [a for a in named.values() if isinstance(a, cupy.ndarray)]
        call = launch.bind(k, domain, *spread)
        taken = seconds(cupy, call)
        turns = named.get("progress_turns", named.get("out_turns"))
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
    hall_air(cupy)


if __name__ == "__main__":
    main()
