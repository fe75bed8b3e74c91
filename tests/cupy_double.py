"""Stands in for CuPy where there is no GPU: arrays that mix with NumPy's as little as CuPy's do, kernels built by g++.

What CuPy 14 refuses is refused: NumPy arrays among device arrays, `where=` and `initial=`, `ufunc.at`, conversion by
`np.asarray`, functions that it lacks. Kernels run as the CUDA text that the GPU would get, one thread after the other.
"""

import ctypes
import shutil
import subprocess
from functools import cache
from types import SimpleNamespace

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from twin.kernels.cuda import shim_source

FUNCTIONS = """
zeros zeros_like ones_like full_like empty empty_like arange asarray array where clip concatenate stack
broadcast_to shape copyto take_along_axis cumsum unique bincount interp flatnonzero isfinite real imag angle
atleast_1d ravel any all max min sum searchsorted
"""
"""Functions of NumPy that the solve calls and that CuPy 14.2 has too; `full` and `ones` with like= it refuses."""


def inner(x, loose=False):
    """What a device array holds; NumPy's arrays are refused."""
    if isinstance(x, Array):
        return x.a
    if isinstance(x, np.ndarray) and not loose:
        raise TypeError("Implicit conversion to a device array")
    if isinstance(x, (tuple, list)):
        return type(x)(inner(v, loose) for v in x)
    if isinstance(x, (int, float)) and type(x) not in (bool, int, float) and not isinstance(x, np.generic):
        raise TypeError(f"{type(x).__name__} among device arrays")
    return x


def outer(x):
    if isinstance(x, np.ndarray):
        return Array(x)
    if isinstance(x, np.generic):
        return Array(np.asarray(x))
    return type(x)(outer(v) for v in x) if isinstance(x, (tuple, list)) else x


class Array(NDArrayOperatorsMixin):
    """An array on the device."""

    __cuda_array_interface__ = True

    def __init__(self, a):
        self.a = a

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        if Stream.capturing is not None:
            raise RuntimeError(f"{ufunc.__name__} while a graph is captured")
        if method != "__call__" or kwargs:
            raise TypeError(f"{ufunc.__name__}: {method} {kwargs}")
        return outer(ufunc(*(inner(x) for x in inputs), **({"out": tuple(o.a for o in out)} if out else {})))

    def __array_function__(self, func, types, args, kwargs):
        name = func.__name__
        known = name in FUNCTIONS.split() and "initial" not in kwargs and ("where" not in kwargs or name == "copyto")
        if not known or any(t is np.ndarray for t in types):
            raise TypeError(f"{name} of {types} with {sorted(kwargs)}")
        if name in ("clip", "interp") and not isinstance(args[0], Array):
            raise TypeError(f"{name} of {type(args[0])}")
        if name == "where" and not isinstance(args[0], (Array, np.bool_)):
            raise TypeError(f"condition of type {type(args[0])}")
        loose = name in ("asarray", "array")
        found = func(*inner(args, loose), **{k: inner(v) for k, v in kwargs.items()})
        return found if name == "shape" else outer(found)

    def __getitem__(self, key):
        return outer(self.a[inner(key)])

    def __setitem__(self, key, value):
        self.a[inner(key)] = inner(value)

    def __getattr__(self, name):
        if name in ("shape", "dtype", "ndim", "size", "nbytes", "strides", "itemsize", "flags"):
            return getattr(self.a, name)
        if name in ("real", "imag", "T"):
            return Array(getattr(self.a, name))
        if name in ("copy", "astype", "reshape", "ravel", "transpose", "view", "any", "all", "max", "min", "sum"):
            return lambda *args, **kwargs: outer(getattr(self.a, name)(*inner(args), **kwargs))
        raise AttributeError(name)

    def __setattr__(self, name, value):
        if name in ("real", "imag"):
            setattr(self.a, name, inner(value))
        else:
            super().__setattr__(name, value)

    @property
    def data(self):
        return SimpleNamespace(ptr=self.a.ctypes.data)

    def get(self):
        return self.a.copy()

    def __len__(self):
        return len(self.a)

    def __iter__(self):
        return (outer(x) for x in self.a)

    def __bool__(self):
        return bool(self.a)

    def __int__(self):
        return int(self.a)

    def __float__(self):
        return float(self.a)


class Stream:
    """Keeps the launches of a capture, and replays them."""

    capturing = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def record(self):
        return self

    def wait_event(self, event):
        assert Stream.capturing is not None and event is not None

    def begin_capture(self):
        Stream.capturing = []

    def end_capture(self):
        calls, Stream.capturing = Stream.capturing, None
        return SimpleNamespace(launch=lambda: [call() for call in calls])


def contiguous(x, kind=None):
    return Array(np.array(inner(x), kind, order="C"))


MODULE = SimpleNamespace(
    ndarray=Array,
    is_available=lambda: True,
    asarray=lambda x, kind=None: Array(np.array(inner(x, True), kind)),
    ascontiguousarray=contiguous,
    empty=lambda shape, kind=float: Array(np.full(shape, np.ones(1, kind)[0])),
    zeros=lambda shape, kind=float: Array(np.zeros(shape, kind)),
    empty_like=lambda x: Array(np.ones_like(x.a)),
    get_default_memory_pool=lambda: SimpleNamespace(free_bytes=lambda: 0),
    cuda=SimpleNamespace(
        Stream=Stream,
        runtime=SimpleNamespace(
            getDeviceProperties=lambda _: {"name": b"stand-in"},
            memGetInfo=lambda: (MODULE.memory, MODULE.memory),
        ),
    ),
    memory=2**28,
)


def compiler(folder):
    """In place of the launcher's `_cuda_function`: the kernel's CUDA text built by g++ into a folder."""

    @cache
    def function(k, precision, _options):
        source, library = folder / f"{k.name}.cpp", folder / f"{k.name}_{precision}.so"
        source.write_text(shim_source(k, precision))
        subprocess.run(
            ["g++", "-std=c++17", "-O2", "-ffp-contract=off", "-shared", "-fPIC", str(source), "-o", str(library)],
            check=True,
        )
        run = ctypes.CDLL(str(library)).run
        number = {"float32": ctypes.c_float, "float64": ctypes.c_double}[precision]

        def launch(_grid, _block, args):
            flat = []
            for v in args:
                if isinstance(v, Array):
                    flat.append(ctypes.c_void_p(v.data.ptr))
                else:
                    flat.append(ctypes.c_int(int(v)) if isinstance(v, np.int32) else number(float(v)))
            if Stream.capturing is not None:
                Stream.capturing.append(lambda: run(*flat))
            else:
                run(*flat)

        return launch

    return function


def there():
    """Whether kernels can be built here."""
    return shutil.which("g++") is not None
