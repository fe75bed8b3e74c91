"""Kernels on the CPU: what LLVM builds of them, kept in the user's cache folder, and called through one address."""

from __future__ import annotations

import ctypes
import hashlib
import pickle
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple, TypeAlias

import llvmlite.binding as llvm
import numpy as np
from twin.kernels.llvm import assembly
from twin.kernels.store import store
from twin.kernels.subset import PYTHON, Facts, Kernel

Function: TypeAlias = Callable[[int], None]
"""A build, called with the address of its arguments."""

_LOCK = RLock()
"""Held while a build is made or loaded."""


class Machine(NamedTuple):
    """The processor and what builds for it: its name, features, SIMD width in bytes, and LLVM's machine and engine."""

    name: str
    features: str
    vector: int
    target: Any
    engine: Any


@cache
def machine() -> Machine:
    """The processor of this machine."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, found = llvm.get_host_cpu_name(), llvm.get_host_cpu_features()
    features = found.flatten()
    triple = llvm.Target.from_default_triple()
    target = triple.create_target_machine(cpu=name, features=features, opt=3, reloc="static", codemodel="jitdefault")
    vector = next((size for feature, size in (("avx512f", 64), ("avx", 32)) if found.get(feature)), 16)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), triple.create_target_machine())
    return Machine(name, features, vector, target, engine)


@cache
def _made_by() -> str:
    """What a build depends on beside its kernel: the processor, LLVM, and the text of what writes kernels for it."""
    here = Path(__file__).parent
    texts = [(here / name).read_bytes() for name in ("cpu.py", "llvm.py", "subset.py")]
    made = repr((machine()[:3], version("llvmlite"), PYTHON))
    return hashlib.sha256(b"".join([made.encode(), *texts])).hexdigest()


class Build(NamedTuple):
    """What is kept of a kernel: what its text says of its parameters, and machine code."""

    facts: Facts
    code: bytes


@cache
def native(k: Kernel, precision: str, lanes: int = 1) -> Function:
    """A kernel built for the CPU."""
    symbol = _symbol(k, precision, lanes)
    with _LOCK:
        build = _kept(symbol)
        if build is None:
            width = machine().vector // np.dtype(precision).itemsize
            build = Build(k.facts, machine_code(assembly(k, precision, lanes, width, symbol)))
            store().write(symbol, pickle.dumps(tuple(build)))
        return _loaded(symbol, build.code)


def recall(k: Kernel, precision: str, lanes: int) -> None:
    """Give a kernel what an earlier build has found of it, so that its text need not be read."""
    if "facts" not in vars(k):
        build = _kept(_symbol(k, precision, lanes))
        if build:
            k.facts = build.facts


@cache
def _kept(symbol: str) -> Build | None:
    """What an earlier run has kept."""
    raw = store().read(symbol)
    return raw and Build(*pickle.loads(raw))


def _symbol(k: Kernel, precision: str, lanes: int) -> str:
    key = f"{k.digest} {precision} {lanes} {_made_by()}"
    return f"{k.name}_{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def machine_code(text: str) -> bytes:
    """Machine code of LLVM's assembly language, as an object file."""
    module = llvm.parse_assembly(text)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = False  # vectors stand in the text
    passes = llvm.create_pass_builder(machine().target, options)
    passes.getModulePassManager().run(module, passes)
    return machine().target.emit_object(module)


def _loaded(symbol: str, code: bytes) -> Function:
    """The function of an object file."""
    engine = machine().engine
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address(symbol))


class Bound:
    """A build with its arguments: called, it runs."""

    def __init__(self, function: Function, words: np.ndarray, kept: Sequence[object]) -> None:
        self.function, self.words, self.kept = function, words, kept
        self.address = words.ctypes.data

    def __call__(self) -> None:
        """Run."""
        self.function(self.address)


def bound(k: Kernel, precision: str, lanes: int, domain: Sequence[int], named: dict[str, Any]) -> Bound:
    """A build bound to a domain and to arguments by their flat names."""
    words: list[int] = [int(n) for n in domain]
    for a, v in named.items():
        kind = k.kinds[a]
        if kind.ndim:
            words += [v.ctypes.data, *v.shape[1:]]
        elif kind.real:
            words.append(int(np.array(v, precision).view(f"uint{8 * np.dtype(precision).itemsize}")))
        else:
            words.append(int(v))
    held = np.array(words, np.uint64 if min(words, default=0) >= 0 else np.int64)
    return Bound(native(k, precision, lanes), held, list(named.values()))
