"""One source, many builds: what a kernel computes is the same in Python, LLVM and C++, bit for bit."""

import ctypes
import importlib.util
import math
import os
import shutil
import subprocess
import textwrap
from tempfile import NamedTemporaryFile
from typing import NamedTuple

import kernel_arguments
import numpy as np
import pytest
from twin.kernels import cell, launch
from twin.kernels.cell import LANES, Int, Ints1, Real, Reals1, Reals2, Reals3, SubsetError, at, kernel, real, rows
from twin.kernels.cuda import cuda_source, shim_source
from twin.kernels.subset import Packed, Table

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


def arguments(k, precision):
    """Domain and arguments that run a kernel through its branches; fresh arrays at each call."""
    if k is not everything:
        return kernel_arguments.arguments(k, precision)
    n, T = 23, np.random.default_rng(0).normal(size=(23, 17)).astype(precision)
    table = np.minimum(np.arange(n + 1) * 2, 31).astype(np.int32)
    return (n, 17), [T, np.zeros_like(T), table, n, 0.3]


def test_kernels_have_names_of_their_own():
    names = [k.name for k in cell.REGISTRY]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("k", KERNELS.values(), ids=KERNELS)
def test_the_cuda_text_built_by_gcc_equals_the_cpu_bitwise(k, precision, tmp_path):
    run = build(k, precision, tmp_path)
    domain, args = arguments(k, precision)
    launch.bind(k, domain, *args)()
    _, again = arguments(k, precision)
    number = {"float32": ctypes.c_float, "float64": ctypes.c_double}[precision]
    flat = launch.flatten(k, precision, domain, again, lambda a: ctypes.c_void_p(a.ctypes.data))
    cast = {ctypes.c_void_p: lambda v: v, np.int32: lambda v: ctypes.c_int(int(v))}
    run(*(cast.get(type(v), lambda v: number(float(v)))(v) for v in flat))
    for name, value in kernel_arguments.outputs(k, args).items():
        np.testing.assert_array_equal(value, kernel_arguments.outputs(k, again)[name], err_msg=name)
    assert any((np.abs(v) > 0).any() for v in kernel_arguments.outputs(k, args).values())


@pytest.mark.parametrize("k", kernel_arguments.BATCHED, ids=lambda k: k.name)
def test_a_layout_for_the_gpu_gives_what_blocks_of_lanes_do(k, tmp_path):
    """One thread a scenario, scenarios contiguous in memory, through the C++ text: the same numbers as in lanes."""
    domain, args = kernel_arguments.batch(k, 37)
    spread_domain, spread = kernel_arguments.spread(k, args, 37)
    run = build(k, "float64", tmp_path)
    flat = launch.flatten(k, "float64", spread_domain, spread, lambda a: ctypes.c_void_p(a.ctypes.data))
    run(
        *(
            ctypes.c_int(int(v)) if type(v) is np.int32 else ctypes.c_double(v) if isinstance(v, float) else v
            for v in flat
        )
    )
    launch.bind(k, domain, *args, lanes=k.lanes)()
    mine, theirs = k.flatten(args), k.flatten(spread)
    for name in kernel_arguments.BATCHED[k]:
        ours, other = mine[name], theirs[name]
        np.testing.assert_array_equal(other[:, :37], ours[:, :37], err_msg=name)
        assert np.abs(ours).max() > 0


@pytest.mark.parametrize("k", KERNELS.values(), ids=KERNELS)
def test_plain_python_equals_the_cpu(k):
    domain, args = arguments(k, "float64")
    launch.bind(k, domain, *args)()
    _, again = arguments(k, "float64")
    launch.plain(k, domain, *again)
    for name, value in kernel_arguments.outputs(k, args).items():
        np.testing.assert_allclose(value, kernel_arguments.outputs(k, again)[name], rtol=1e-13, atol=1e-13)


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


# ---- records and rows --------------------------------------------------------------------------------------------


class Line(NamedTuple):
    slope: Real
    x: Reals1
    count: Int
    unused: Ints1


LOW, HIGH = rows(2)


@cell.cell
def along(i, line: Line):
    return line.slope * line.x[i] + real(line.count)


@kernel
def recorded(i, line: Line, out: Reals1, scale: Real):
    out[at(i, LOW)] = along(i, line)
    out[at(i, HIGH)] = scale * line.x[i]


cell.REGISTRY.remove(recorded)


def test_a_record_is_one_parameter_of_which_the_printers_see_what_is_used(tmp_path):
    """Arguments by place of the record's fields; the field that nothing uses need not fit."""
    line, out = Line(2.0, np.arange(3.0), 1, None), np.zeros(6)
    assert (recorded.takes, recorded.args) == (
        ["line", "out", "scale"],
        ["line_slope", "line_x", "line_count", "out", "scale"],
    )
    launch.bind(recorded, (3,), line, out, 10.0)()
    np.testing.assert_array_equal(out, [1, 0, 3, 10, 5, 20])
    again = np.zeros(6)
    launch.plain(recorded, (3,), line, again, 10.0)
    np.testing.assert_array_equal(again, out)
    third, run = np.zeros(6), build(recorded, "float64", tmp_path)
    flat = launch.flatten(recorded, "float64", (3,), (line, third, 10.0), lambda a: ctypes.c_void_p(a.ctypes.data))
    run(*(ctypes.c_double(v) if type(v) is np.float64 else ctypes.c_int(v) if type(v) is np.int32 else v for v in flat))
    np.testing.assert_array_equal(third, out)


def test_something_else_than_the_record_is_refused():
    with pytest.raises(TypeError, match="recorded: line is tuple, not Line"):
        launch.bind(recorded, (3,), (2.0, np.zeros(3), 1, None), np.zeros(6), 10.0)


RECORDS = """
class A(NamedTuple):
    x: Reals1

class B(NamedTuple):
    x: Reals1

@cell
def first(a: A):
    return a.x[0]

@kernel
def k(i, a: A, b: B, out: Reals1):
"""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("out[i] = a.z[i]", "A has no such field"),
        ("out[i] = first(b)", "a of first is A"),
        ("out[i] = first(out)", "a of first is A"),
        ("out[i] = first(a, b)", "first takes 1 arguments"),
        ("c = a", "field by field"),
        ("a = 1.0", "field by field"),
        ("a_x = 1.0; out[i] = a_x * a.x[i]", "a_x is a field of a record as well"),
        ("out[at(i, 1)] = 1.0", "one of the module's rows"),
    ],
)
def test_records_and_rows_out_of_place_are_refused(line, says):
    with pytest.raises(SubsetError, match=rf"\.py:\d+: .*{says}"):
        make(f"{RECORDS}    {line}")


# ---- tables ------------------------------------------------------------------------------------------------------


class Springs(Table):
    node: Ints1
    force: Reals2
    length: Reals2
    stiffness: Reals2


class Screws(Table):
    node: Ints1
    force: Reals2
    length: Reals2
    stiffness: Reals2


class Coils(Springs):
    """Springs by another name."""


class Longer(Springs):
    turns: Reals2


@cell.cell
def stretched(k, s, spring: Springs):
    return spring.force[k, s] / spring.stiffness[k, s]


@kernel
def stretch(k, s, spring: Springs, out: Springs, by_node: Reals2):
    out.length[k, s] = spring.length[k, s] + stretched(k, s, spring)
    by_node[spring.node[k], s] = out.length[k, s] * out.force[k, s]


cell.REGISTRY.remove(stretch)


def springs(kind=Springs, rows=4, scenarios=3, precision="float64"):
    """A random table of a kind."""
    values = np.random.default_rng(2).uniform(1, 2, (len(kind.real_columns()), rows, scenarios)).astype(precision)
    return Packed(kind, values, np.random.default_rng(3).permutation(rows).astype(np.int32)[None])


def test_a_table_that_is_read_is_packed_and_one_that_is_written_comes_apart_in_its_columns():
    assert stretch.takes == ["spring", "out", "by_node"]
    assert stretch.args == ["spring_reals", "spring_index", "out_force", "out_length", "by_node"]
    assert stretch.written == {"out_length", "by_node"}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_table_is_one_parameter_to_every_build(precision, tmp_path):
    run = build(stretch, precision, tmp_path)
    spring, by_node, outs = springs(precision=precision), [np.zeros((4, 3), precision) for _ in range(3)], []
    for _ in range(3):
        outs.append(springs(precision=precision))
    launch.bind(stretch, (4, 3), spring, outs[0], by_node[0])()
    launch.plain(stretch, (4, 3), spring, outs[1], by_node[1])
    given = (spring, outs[2], by_node[2])
    flat = launch.flatten(stretch, precision, (4, 3), given, lambda a: ctypes.c_void_p(a.ctypes.data))
    run(*(ctypes.c_int(int(v)) if type(v) is np.int32 else v for v in flat))
    expected = spring.length + spring.force / spring.stiffness
    for out, nodes in zip(outs, by_node, strict=True):
        np.testing.assert_allclose(out.length, expected, rtol=2e-7)
        np.testing.assert_array_equal(out.length, outs[0].length)
        np.testing.assert_array_equal(nodes[spring.node], out.length * out.force)
        np.testing.assert_array_equal(out.stiffness, spring.stiffness)


def test_columns_of_a_packed_table_are_views_by_name():
    spring = springs()
    spring.force[...] = 7.0
    assert (spring.packed_reals[0] == 7.0).all()
    np.testing.assert_array_equal(spring.node, spring.packed_index[0])
    with pytest.raises(AttributeError, match="Springs has no column 'colour'"):
        _ = spring.colour


@pytest.mark.parametrize("other", [springs(Screws), springs(Longer), Springs(), np.zeros((4, 3))])
def test_a_table_of_another_kind_is_refused(other):
    kind = other.packed_kind.__name__ if isinstance(other, Packed) else type(other).__name__
    with pytest.raises(TypeError, match=f"stretch: spring is {kind}, not a packed Springs"):
        launch.bind(stretch, (4, 3), other, springs(), np.zeros((4, 3)))


def test_a_table_of_a_kind_with_the_same_columns_will_do():
    by_node = np.zeros((2, 4, 3))
    for kind, out in zip((Springs, Coils), by_node, strict=True):
        launch.bind(stretch, (4, 3), springs(kind), springs(kind), out)()
    np.testing.assert_array_equal(by_node[0], by_node[1])


def test_a_written_column_must_not_overlap_what_is_read():
    spring = springs()
    with pytest.raises(ValueError, match="out_length is written and overlaps spring_reals"):
        launch.bind(stretch, (4, 3), spring, spring, np.zeros((4, 3)))


TABLES = """
class A(Table):
    node: Ints1
    x: Reals2

@cell
def first(k, s, a: A):
    return a.x[k, s]

@cell
def put(k, s, a: A):
    a.x[k, s] = 1.0

@kernel
def k(k, s, a: A, out: Reals2):
"""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("out[k, s] = a.z[k, s]", "A has no such field: `a.z`"),
        ("a.z[k, s] = 1.0", "A has no such field: `a.z`"),
        ("a.x[k, s] = first(k, s, a)", "a is written, and first takes tables that are read only"),
        ("put(k, s, a); out[k, s] = first(k, s, a)", "a is written, and first takes tables that are read only"),
        ("out[k, s] = first(k, s, out)", "a of first is A"),
        ("c = a.x", "read element by element"),
        ("c = a", "field by field"),
    ],
)
def test_tables_out_of_place_are_refused(line, says):
    with pytest.raises(SubsetError, match=rf"\.py:\d+: .*{says}"):
        make(f"from twin.kernels.subset import Table\n{TABLES}    {line}")


def test_a_table_that_a_cell_writes_comes_apart_in_its_caller():
    k = make(f"from twin.kernels.subset import Table\n{TABLES}    put(k, s, a); out[k, s] = a.x[k, s]").k
    assert k.args == ["a_x", "out"]
    assert k.written == {"a_x", "out"}


def everything_registered():
    """All kernels with the cells and routines that they call, each once."""
    return {id(c): c for k in cell.REGISTRY for c in (*k.cells(), k)}.values()


@pytest.mark.parametrize("c", everything_registered(), ids=lambda c: c.name)
def test_no_kernel_cell_or_routine_has_more_than_a_dozen_parameters(c):
    assert len(c.params) <= 12


BOTH = (0, 1)


@cell.family(axis={"first": 0, "second": 1})
def summed(i, x: Reals1, y: Reals1, out: Reals1, *, axis):
    one = (x, y)[axis]
    total = 10.0 if axis == 0 else 20.0
    for t in BOTH:
        if t != axis:
            other = (x, y)[t][i]
            total += one[i] * other
        else:
            double = 2.0 * one[i]
            total += double
    out[i] = total


del cell.REGISTRY[-2:]


@pytest.mark.parametrize(("axis", "expected"), [(0, 10 + 3 * 5 + 6), (1, 20 + 3 * 5 + 10)])
def test_a_family_decides_by_its_constant_when_it_is_defined(axis, expected, tmp_path):
    """Branches, elements of tuples and rounds of a loop; what is not chosen is not in the text."""
    k, x, y = summed[axis], np.array([3.0]), np.array([5.0])
    assert k.name == ("summed_first", "summed_second")[axis]
    text = cuda_source(k, "float64")
    assert "?" not in text.partition("cell_summed")[2] and ("20.0" in text) == (axis == 1)
    for run in (launch.bind(k, (1,), x, y, out := np.zeros(1)), lambda: launch.plain(k, (1,), x, y, out)):
        out[:] = 0.0
        run()
        assert out[0] == expected
    build(k, "float64", tmp_path)


def test_a_parameter_by_name_only_without_a_family_is_refused():
    with pytest.raises(SubsetError, match="constants of a family"):
        make("@kernel\ndef k(i, x: Reals1, *, axis):\n    x[i] = real(axis)")


# ---- refusals ----------------------------------------------------------------------------------------------------


def make(body, *names):
    """A module with a kernel from source text, in a file that inspect can read."""
    head = (
        f"import math\nfrom typing import NamedTuple\nfrom twin.kernels.cell import {', '.join([*NAMES, *names])}\n\n"
    )
    with NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(head + textwrap.dedent(body).strip() + "\n")
    spec = importlib.util.spec_from_file_location("probe", file.name)
    module = importlib.util.module_from_spec(spec)
    before = len(cell.REGISTRY)
    try:
        spec.loader.exec_module(module)
    finally:
        del cell.REGISTRY[before:]
    return module


NAMES = ("LANES", "Int", "Ints1", "Real", "Reals1", "Reals2", "at", "cell", "kernel", "real", "rows")


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
    for mark in ("kernel", "cell", "routine"):
        with pytest.raises(SubsetError, match=rf"\.py:7: .*{says}"):
            make(f"@{mark}\ndef k(i, x: Reals1):\n    {line}", "routine")


def test_lanes_that_would_meet_are_refused_where_the_kernel_is_defined():
    with pytest.raises(SubsetError, match=r"\.py:7: lanes would meet"):
        make("@kernel\ndef k(b, x: Reals2, out: Reals1):\n    for j in range(LANES): out[b] += x[b, j]")


def test_a_local_hides_a_number_of_the_module():
    x = np.zeros(1)
    launch.bind(hiding, (1,), x)()
    assert x[0] == 2.0


def test_a_name_of_an_inner_block_is_not_read_outside():
    with pytest.raises(SubsetError, match=r"\.py:9: .*give it a value before"):
        make("@kernel\ndef k(i, x: Reals1):\n    if x[i] > 0.0:\n        y = 1.0\n    x[i] = y")


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
    replay = launch.record([[launch.bind(running, (1,), x, 3)]] * 2, on_gpu=False)
    replay()
    np.testing.assert_allclose(x[0, :, 0], [1.0, 2.0, 2.75])
