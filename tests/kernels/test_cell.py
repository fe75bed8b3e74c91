"""One source, many builds: what a kernel computes is the same in Python, Numba and C++, bit for bit."""

import ctypes
import math
import os
import shutil
import subprocess
import sys
import textwrap
from functools import partial

import numpy as np
import pytest
from twin.kernels import cell, elimination, launch, newton, pipe_flow, power_flow, streams
from twin.kernels.cell import LANES, Int, Ints1, Real, Reals1, Reals2, Reals3, SubsetError, kernel, real
from twin.kernels.cuda import cuda_source, shim_source

HALF = 0.5
KERNELS = {k.name: k for k in cell.REGISTRY}
PRECISIONS = ["float64", "float32"]
REQUIRED = bool(os.environ.get("TWIN_REQUIRE_COMPILERS"))
"""Set by .ci/run, where a compiler that is missing is a failure."""


@cell.cell
def limited(a, b):
    p = a * b
    return 2.0 * p / (a + b) if p > 0.0 else 0.0


@cell.cell
def both(a, b):
    return a + b, a - b


@kernel
def everything(i, j, T: Reals2, out: Reals2, table: Ints1, n: Int, f: Real):
    """Every construct of the subset at once."""
    if i == 0 or i == n - 1:
        out[i, j] = T[i, j]
        return
    s = 0.0
    for k in range(table[i], table[i + 1]):
        if k == 3:
            continue
        s += T[(k + i) % n, j] * real(k // 2)
    for k in range(3, -1, -1):
        if k < 2:
            break
        s -= 0.25 * real(k)
    while s > 10.0:
        s *= HALF
    up, down = both(T[i, j], f)
    new = max(up, 0.1) if not (down > 1.0 and up < 2.0) else min(down, 0.3)
    delete = math.sqrt(abs(s) + 1.0)
    out[i, j] = new + f * limited(T[i, j] - T[i - 1, j], T[i + 1, j] - T[i, j]) - delete + s**2


KERNELS["everything"] = everything


def build(k, precision, folder):
    """The CUDA text of a kernel as g++ builds it."""
    if shutil.which("g++") is None:
        assert not REQUIRED, "no g++"
        pytest.skip("no g++ here")
    source, library = folder / f"{k.name}.cpp", folder / f"{k.name}_{precision}.so"
    source.write_text(shim_source(k, precision))
    flags = ["-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-Wall", "-Wno-unused-variable", "-Werror"]
    subprocess.run(["g++", *flags, str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library)).run


def recorded(module, solve, precision):
    """Domain and arguments that a solver hands to its kernel, work arrays blank."""
    seen = []
    keep, module.bind = module.bind, lambda _, domain, *args, **__: lambda: seen.append((domain, args))
    try:
        solve()
    finally:
        module.bind = keep
    domain, args = seen[-1]
    real = lambda a: np.zeros_like(a, precision) if a.ndim == 3 else a.astype(precision)  # noqa: E731
    return domain, [real(a) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in args]


def loops(rng, start, end, precision):
    """Pipes, valves, pumps and controllers of all kinds; blocks of one lane."""
    pipe_flow._layout.cache_clear()
    m, column = len(start), lambda low, high, n: rng.uniform(low, high, (n, 1))
    groups = np.split(rng.permutation(m)[: 4 * (m // 4)], 4)
    few = m // 4
    network = pipe_flow.Network(
        **dict(n=30, start=start, end=end, square=column(10, 1e3, m)),
        **dict(pipe=groups[0], friction=column(100, 1e3, few), reynolds=column(10, 1e5, few)),
        **dict(rough=column(0, 1e-3, few), powered=groups[1], factor=column(10, 100, few)),
        **dict(exponent=column(1, 2, few), pump=groups[2], shutoff=column(1e4, 1e5, few)),
        **dict(quadratic=column(1, 50, few), quartic=column(0, 1, few), ceiling=column(5e3, 1e5, few)),
        **dict(control=groups[3], least=np.where(column(0, 1, few) < 0.4, 0.0, -np.inf)),
        **dict(most=np.where(rng.random((few, 3)) < 0.7, 1.0, np.inf)),
        model=pipe_flow.SWAMEE_JAIN,
    )
    anchor = np.array([0]), np.array([[2e5]])
    solve = partial(pipe_flow.solve, network, *anchor, np.ones((m, 1)), column(0, 0.1, 30), tolerance=1e-5)
    return recorded(pipe_flow, solve, precision)


def mixing(rng, start, end, precision):
    """Streams in both directions, at rest, and coupled."""
    p = streams.program(30, start, end, [3, 8], [8, 3])
    m = len(start)
    capacity = rng.normal(0, 1e3, (m, 3)) * (rng.random((m, 3)) < 0.9)
    parts = [capacity, rng.uniform(0.5, 1, (m, 1)), rng.uniform(0, 0.5, (2, 1)), rng.uniform(0, 5, (m, 3))]
    parts += [rng.uniform(0, 10, (30, 1)), np.array([0]), np.array([[300.0]])]
    solve = partial(streams.solve, p, *parts, rng.uniform(0, 100, (30, 1)), np.full((30, 1), 290.0))
    return recorded(streams, solve, precision)


def arguments(k, precision):
    """Domain and arguments that run a kernel through its branches; fresh arrays at each call."""
    rng = np.random.default_rng(0)
    if k is everything:
        n, T = 23, rng.normal(size=(23, 17)).astype(precision)
        table = np.minimum(np.arange(n + 1) * 2, 31).astype(np.int32)
        return (n, 17), [T, np.zeros_like(T), table, n, 0.3]
    every = np.arange(29)
    start, end = np.r_[every, rng.integers(0, 30, 12)], np.r_[every + 1, rng.integers(0, 30, 12)]
    p = elimination.program(30, start, end)
    if k is pipe_flow.factors:
        re = np.geomspace(1, 1e7, 60).reshape(20, 3).astype(precision)
        return (20, 3), [re, rng.uniform(0, 1e-2, 20).astype(precision), np.zeros_like(re), pipe_flow.COLEBROOK]
    if k is pipe_flow.gradient:
        return loops(rng, start, end, precision)
    if k is streams.balance:
        return mixing(rng, start, end, precision)
    if k in (elimination.solve_numbers, elimination.solve_symmetric):
        both = [len(p.row)] * (2 if k is elimination.solve_numbers else 1)
        parts = [rng.normal(size=(3, m, 1)).astype(precision) for m in (30, *both, 30)]
        parts[0] += 20
        return (3,), [p.column, p.row, p.target, *parts, 30]
    if k is elimination.substitute_pairs:
        reals = [rng.normal(size=4 * m).astype(precision) for m in (30, len(p.row), len(p.row))]
        return (3,), [p.column, p.row, *reals, rng.normal(size=(3, 60, 1)).astype(precision), 30]
    if k is elimination.factor_pairs:
        parts = [rng.normal(size=(3, 4 * m, 1)).astype(precision) for m in (p.n, len(p.row), len(p.row))]
        parts[0][:, ::4] += 20
        parts[0][:, 3::4] += 20
        return (3,), [p.column, p.row, p.target, *parts, p.n]
    if k is newton.newton:
        kind = np.full(30, newton.PQ, np.int32)
        kind[[4, 9, 20]] = newton.SLACK, newton.PV, newton.DEAD
        tables = (p.order, p.column, p.row, p.target, p.slot, p.flipped)
        ends = (start.astype(np.int32), end.astype(np.int32))
        branch = rng.uniform(5, 20, (len(start), 4, 2))
        branch[:, 1:3] *= -1
        branch[..., 1] *= -1
        shunt, given = rng.uniform(0, 0.01, (30, 2)), rng.uniform(-0.3, 0.1, (30, 2, 2))
        voltage = np.full((30, 2, 2), (1.0, 0.0))
        scratch = [np.zeros((2, 4 * m, 1)) for m in (30, len(p.row), len(p.row))]
        arrays = [branch.reshape(-1, 8), shunt, given, voltage, *scratch, np.zeros((2, 180, 1)), *np.zeros((2, 2, 1))]
        arrays = [np.ascontiguousarray(a, precision) for a in arrays]
        return (2,), [*tables, *ends, kind, *arrays, 30, len(start), 1, 1e-5, 6]
    series = rng.uniform(5, 20, (len(start), 1)) - 20j
    zero, one = np.zeros_like(series), np.ones_like(series)
    network = power_flow.Network(30, start, end, series, zero, zero, one, np.array([4]))
    f = power_flow.factor(network, np.ones(30, bool), np.full(30, 0.02 + 0.01j))
    reals = [np.asarray(m, precision) for m in (*f.matrix, *f.droop)]
    pairs = [np.stack([v.real, v.imag], -1).astype(precision) for v in (f.idle, f.swing)]
    load = rng.uniform(0, 0.05, (30, 5, 2)).astype(precision)
    held = np.full((1, 5, 2), (1.0, 0.0)).astype(precision)
    scratch = [np.zeros((5, 180, 1)), np.zeros((30, 5, 2)), *(np.zeros((5, 1)) for _ in range(3))]
    scratch = [a.astype(precision) for a in scratch]
    numbers = [0, 30, 1, f.inverse_base, 1e-5, 40]
    return (5,), [*f.tables, *reals, f.bus, f.kind, f.seat, *pairs, held, load, *scratch, *numbers]


def outputs(k, args):
    named = dict(zip(k.args, args, strict=True))
    return {a: named[a] for a in sorted(k.written)}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("k", KERNELS.values(), ids=KERNELS)
def test_the_cuda_text_built_by_gcc_equals_numba_bitwise(k, precision, tmp_path):
    run = build(k, precision, tmp_path)
    domain, args = arguments(k, precision)
    launch.bind(k, domain, *args)()
    _, again = arguments(k, precision)
    number = {"float32": ctypes.c_float, "float64": ctypes.c_double}[precision]
    flat = launch.flatten(k, precision, domain, again, lambda a: ctypes.c_void_p(a.ctypes.data))
    cast = {ctypes.c_void_p: lambda v: v, np.int32: lambda v: ctypes.c_int(int(v))}
    run(*(cast.get(type(v), lambda v: number(float(v)))(v) for v in flat))
    for name, value in outputs(k, args).items():
        np.testing.assert_array_equal(value, outputs(k, again)[name], err_msg=name)
    assert any(np.abs(v).max() > 0 for v in outputs(k, args).values())


@pytest.mark.parametrize("k", KERNELS.values(), ids=KERNELS)
def test_plain_python_equals_numba(k):
    domain, args = arguments(k, "float64")
    launch.bind(k, domain, *args)()
    _, again = arguments(k, "float64")
    launch.plain(k, domain, *again)
    for name, value in outputs(k, args).items():
        np.testing.assert_allclose(value, outputs(k, again)[name], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("k", cell.REGISTRY, ids=lambda k: k.name)
def test_no_double_hides_in_single_precision(k):
    assert cell.wide_reals(k) == set()


def test_a_double_in_single_precision_is_found():
    @kernel
    def leaking(i, x: Reals1):
        twice = 2 * x[i]
        x[i] = twice

    cell.REGISTRY.remove(leaking)
    assert ("leaking", "twice") in {(c, v.partition(".")[0]) for c, v in cell.wide_reals(leaking)}


def nvrtc():
    """NVRTC from its wheel, through ctypes: no GPU and no driver."""
    try:
        import nvidia
    except ImportError:
        nvidia = None
    folders = [os.path.join(p, "cu13", "lib") for p in getattr(nvidia, "__path__", [])]
    folders += [os.path.join(p, "cuda_nvrtc", "lib") for p in getattr(nvidia, "__path__", [])]
    for folder in folders:
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if name.startswith("libnvrtc.so"):
                return ctypes.CDLL(os.path.join(folder, name))
    assert not REQUIRED, "no NVRTC; install nvidia-cuda-nvrtc"
    return None


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("k", [*cell.REGISTRY], ids=lambda k: k.name)
def test_nvrtc_compiles_every_kernel_for_sm_90(k, precision):
    library = nvrtc()
    if library is None:
        pytest.skip("no NVRTC here: pip install nvidia-cuda-nvrtc")
    program = ctypes.c_void_p()
    source = cuda_source(k, precision).encode()
    assert library.nvrtcCreateProgram(ctypes.byref(program), source, b"kernel.cu", 0, None, None) == 0
    options = (ctypes.c_char_p * 2)(b"--std=c++17", b"--gpu-architecture=sm_90")
    failed = library.nvrtcCompileProgram(program, 2, options)
    size = ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    assert failed == 0, log.value.decode()
    assert library.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0
    assert size.value > 1000


STEP = 7


@kernel
def hiding(i, x: Reals1):
    STEP = 1.0
    STEP += 1.0
    x[i] = STEP


@kernel
def meeting(b, x: Reals2, out: Reals1):
    for j in range(LANES):
        out[b] += x[b, j]


cell.REGISTRY.remove(meeting)


# ---- lanes -------------------------------------------------------------------------------------------------------


@kernel
def running(b, x: Reals3, n: Int):
    for k in range(1, n):
        for j in range(LANES):
            before = x[b, k - 1, j]
            x[b, k, j] += before * 0.5
            x[b, k, j] = max(x[b, k, j], before)


@pytest.mark.parametrize("lanes", [1, 3, 8])
def test_lanes_compute_what_single_scenarios_do(lanes):
    x = np.random.default_rng(1).normal(size=(2, 9, lanes))
    alone = np.ascontiguousarray(np.moveaxis(x, 2, 1).reshape(-1, 9, 1))
    launch.bind(running, (2,), x, 9, lanes=lanes)()
    launch.bind(running, (2 * lanes,), alone, 9)()
    np.testing.assert_array_equal(np.moveaxis(x, 2, 1).reshape(-1, 9, 1), alone)


def test_an_index_past_the_end_is_found_in_a_checked_build():
    script = """
        import numpy as np
        from tests_cell_probe import past
        from twin.kernels.launch import bind
        bind(past, (3,), np.zeros(3))()
    """
    probe = """
        from twin.kernels.cell import Reals1, kernel
        @kernel
        def past(i, x: Reals1):
            x[i + 1] = 1.0
    """
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        with open(os.path.join(folder, "tests_cell_probe.py"), "w") as file:
            file.write(textwrap.dedent(probe))
        env = os.environ | {"NUMBA_BOUNDSCHECK": "1", "PYTHONPATH": folder, "XDG_CACHE_HOME": folder}
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env=env, capture_output=True, text=True)
    assert "IndexError" in done.stderr


# ---- refusals ----------------------------------------------------------------------------------------------------


def make(body):
    """A kernel from source text, in a file that inspect can read."""
    import importlib.util
    from tempfile import NamedTemporaryFile

    head = "import math\nfrom twin.kernels.cell import Int, Ints1, Real, Reals1, kernel\n\n@kernel\n"
    with NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(head + textwrap.dedent(body).strip() + "\n")
    spec = importlib.util.spec_from_file_location("probe", file.name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.k
    cell.REGISTRY.remove(found)
    return found


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("x[i] = [1.0, 2.0][0]", "outside the kernel subset"),
        ("x[i] = print(1.0)", "outside the kernel subset"),
        ("x[i] = math.gamma(2.0)", "outside the kernel subset"),
        ("x[i] = x[i] @ x[i]", "outside the kernel subset"),
        ("with x: pass", "outside the kernel subset"),
        ("import os", "outside the kernel subset"),
        ("x[i] = nowhere", "unknown here"),
        ("for k in range(0, 4, 2): x[i] = 1.0", "steps by 1 or -1"),
        ("for k in (1, 2): x[i] = 1.0", "outside the kernel subset"),
        ("x[i] = 1.0 if x is x else 0.0", "outside the kernel subset"),
    ],
)
def test_code_outside_the_subset_names_file_and_line(line, says):
    k = make(f"def k(i, x: Reals1):\n    {line}")
    with pytest.raises(SubsetError, match=rf"\.py:6: .*{says}"):
        cuda_source(k, "float64")


def test_lanes_that_would_meet_are_refused():
    with pytest.raises(SubsetError, match="lanes would meet"):
        cell.numba_source(meeting, "float64", 4)


def test_a_local_hides_a_number_of_the_module():
    x = np.zeros(1)
    launch.bind(hiding, (1,), x)()
    assert x[0] == 2.0


def test_a_name_of_an_inner_block_is_not_read_outside():
    k = make("def k(i, x: Reals1):\n    if x[i] > 0.0:\n        y = 1.0\n    x[i] = y")
    with pytest.raises(SubsetError, match="give it a value before"):
        cuda_source(k, "float64")


def test_arrays_that_overlap_are_refused():
    T = np.zeros((24, 17))
    table = np.zeros(25, np.int32)
    with pytest.raises(ValueError, match="out is written and overlaps T"):
        launch.bind(everything, (23, 17), T[:-1], T[1:], table, 23, 0.3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({0: np.zeros((5, 5), np.float32)}, "all float32 or all float64"),
        ({0: np.zeros(5)}, "T is 1-dimensional"),
        ({2: np.zeros(9)}, "table is 1-dimensional float64, not 1-dimensional int32"),
        ({0: np.zeros((5, 10))[:, ::2]}, "contiguous"),
    ],
)
def test_arguments_of_the_wrong_kind_are_refused(change, says):
    args = [np.zeros((5, 5)), np.zeros((5, 5)), np.zeros(9, np.int32), 5, 0.3]
    for place, value in change.items():
        args[place] = value
    with pytest.raises(TypeError, match=says):
        launch.bind(everything, (5, 5), *args)


def test_a_number_of_arguments_that_does_not_fit_is_refused():
    with pytest.raises(TypeError, match="2 extents and 5 arguments"):
        launch.bind(everything, (5,), np.zeros((5, 5)))


def test_a_recording_replays_on_the_cpu():
    x = np.ones((1, 3, 1))
    replay = launch.record([launch.bind(running, (1,), x, 3)] * 2, on_gpu=False)
    replay()
    np.testing.assert_allclose(x[0, :, 0], [1.0, 2.0, 2.75])
