"""On a GPU: kernels compute the same bits as on the CPU under --fmad=false, a graph replays them; else skipped."""

import kernel_arguments
import numpy as np
import pytest
import solves
from closet import ROOM
from twin.kernels import cell, launch, pipe_flow, streams

import twin

cupy = pytest.importorskip("cupy", reason="no CuPy here: pip install -e '.[cuda13]'")
if not cupy.is_available():
    pytest.skip("no GPU here", allow_module_level=True)

TRANSCENDENTAL = ("gradient", "factors", "newton", "wall_law")
"""Kernels that call exp, log, pow, sin or cos, which differ from the CPU's in the last place."""

SEQUENTIAL = (pipe_flow.gradient, streams.balance)
"""Kernels whose small arguments share one work array among scenarios, as on the CPU; see the test of batches."""


def on_gpu(k, args):
    return kernel_arguments.arrays(k, args, cupy.asarray)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("k", [k for k in cell.REGISTRY if k not in SEQUENTIAL], ids=lambda k: k.name)
def test_a_kernel_gives_the_cpus_bits(k, precision):
    domain, args = kernel_arguments.arguments(k, precision)
    launch.bind(k, domain, *args)()
    _, again = kernel_arguments.arguments(k, precision)
    again = on_gpu(k, again)
    launch.bind(k, domain, *again, options=("--fmad=false",))()
    expected, found = kernel_arguments.outputs(k, args), kernel_arguments.outputs(k, again)
    for name, value in expected.items():
        if k.name in TRANSCENDENTAL:
            scale = 1e-10 if precision == "float64" else 1e-3
            np.testing.assert_allclose(cupy.asnumpy(found[name]), value, rtol=scale, atol=scale, err_msg=name)
        else:
            np.testing.assert_array_equal(cupy.asnumpy(found[name]), value, err_msg=name)


@pytest.mark.parametrize("k", kernel_arguments.BATCHED, ids=lambda k: k.name)
def test_a_batch_agrees_with_the_cpu(k):
    domain, args = kernel_arguments.batch(k, 200)
    spread_domain, spread = kernel_arguments.spread(k, args, 200, cupy)
    launch.bind(k, spread_domain, *spread)()
    launch.bind(k, domain, *args, lanes=k.lanes)()
    mine, theirs = k.flatten(args), k.flatten(spread)
    for name in kernel_arguments.BATCHED[k]:
        if name != "out_turns":
            found = cupy.asnumpy(theirs[name])[:, :200]
            np.testing.assert_allclose(found, mine[name][:, :200], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("layout", twin.shipped())
def test_a_gpu_gives_the_cpus_answers(layout):
    solves.compare(layout)


def test_a_gpu_gives_the_cpus_answers_for_chips_that_draw_what_they_serve():
    solves.compare("gb300_hall", solves.SERVED)


def test_a_gpu_gives_the_cpus_air():
    """Every step of a room at rest that starts to move, those from look to look replayed as one graph."""
    import bench_air

    flows = [bench_air.ours(bench_air.Hall(), 0.2, np.float64, 2, xp) for xp in (np, cupy)]
    for flow in flows:
        flow.step(80)
    for name in "uvwTp":
        here, there = (cupy.asnumpy(cupy.asarray(flow.view(name))) for flow in flows)
        np.testing.assert_allclose(there, here, rtol=1e-6, atol=1e-8, err_msg=name)
    assert np.abs(flows[1].divergence()).max() < 1e-10


def test_a_room_on_a_gpu_is_the_cpus(tmp_path):
    path = tmp_path / "closet.yaml"
    path.write_text(ROOM)
    air = twin.FiniteVolume(cell=0.2, tolerance=0.4, coarse=False, turns=2)
    here, there = (twin.solve(path, air=air, device=d).dataset for d in ("cpu", "cuda"))
    assert np.abs(there["rack_inlet_temperature"] - here["rack_inlet_temperature"]).max() < 0.4
    assert abs(there["air_heat_imbalance"].item()) < 5e-3


def test_a_recorded_graph_replays():
    k = next(iter(kernel_arguments.BATCHED))
    _, args = kernel_arguments.batch(k, 64)
    spread_domain, spread = kernel_arguments.spread(k, args, 64, cupy)
    named = k.flatten(spread)
    call = launch.bind(k, spread_domain, *spread)
    call()
    once = named["batch_voltage"].copy()
    named["batch_voltage"][:] = 0
    named["progress_turns"][:] = 0
    launch.record([[call]], on_gpu=True)()
    cupy.cuda.Device().synchronize()
    cupy.testing.assert_array_equal(named["batch_voltage"], once)
