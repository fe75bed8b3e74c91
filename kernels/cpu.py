"""Kernels on the CPU: what LLVM builds of them, kept in the user's cache folder, and called through one address."""

from __future__ import annotations

import ctypes
import hashlib
import pickle
from collections.abc import Sequence
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

Function: TypeAlias = Any
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
    texts = [(here / name).read_bytes() for name in ("assembly.py", "cpu.py", "llvm.py", "subset.py")]
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
    return Build(*pickle.loads(raw)) if raw else None


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
    """A build with its arguments, 64-bit words: called, it runs."""

    def __init__(self, function: Function, words: Sequence[int], kept: object) -> None:
        self.function, self.words, self.kept = function, np.array(words, np.int64), kept
        self.address = self.words.ctypes.data

    def __call__(self) -> None:
        """Run."""
        self.function(self.address)


_REPLAY = """
define void @replay(ptr %at) {
entry:
  %count = load i64, ptr %at
  %last = getelementptr i64, ptr %at, i64 %count
  %none = icmp eq i64 %count, 0
  br i1 %none, label %end, label %loop
loop:
  %here = phi ptr [ %at, %entry ], [ %next, %loop ]
  %first = getelementptr i64, ptr %here, i64 1
  %next = getelementptr i64, ptr %here, i64 2
  %function = load ptr, ptr %first
  %given = load ptr, ptr %next
  call void %function(ptr %given)
  %done = icmp eq ptr %next, %last
  br i1 %done, label %end, label %loop
end:
  ret void
}
"""
"""Calls each of the functions, with an address for each, whose addresses stand behind their number of words."""


@cache
def _replay() -> Function:
    with _LOCK:
        return _loaded("replay", machine_code(_REPLAY))


def replayed(calls: Sequence[Bound]) -> Bound:
    """Bound builds as one."""
    words = [w for c in calls for w in (ctypes.cast(c.function, ctypes.c_void_p).value or 0, c.address)]
    return Bound(_replay(), [len(words), *words], list(calls))


def bound(k: Kernel, precision: str, lanes: int, domain: Sequence[int], named: dict[str, Any]) -> Bound:
    """A build bound to a domain and to arguments by their flat names."""
    words: list[int] = [int(n) for n in domain]
    for a, v in named.items():
        kind = k.kinds[a]
        if kind.ndim:
            words += [v.ctypes.data, *v.shape[1:]]
        elif kind.real:
            words.append(int(np.array(v, precision).view(f"int{8 * np.dtype(precision).itemsize}")))
        else:
            words.append(int(v))
    return Bound(native(k, precision, lanes), words, list(named.values()))
