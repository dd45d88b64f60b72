"""Fuzz the boundary of the compiled kernels: wrong calls end in TypeError or ValueError.

``python -m tests.kernel_fuzz --calls 100000`` makes calls that fit and spoils most of them: by
other shapes, types, layouts and orders in memory, read-only outputs, arrays that overlap, wrong
numbers. A call has to succeed or to raise one of the two errors; it may write its outputs alone,
and nothing if it raises. All arrays lie between guards, which are looked at after each call.
"""

import argparse
import sys
from importlib import import_module

import numpy as np
from threadpoolctl import threadpool_limits

from sknet.kernels import numpy_kernels
from sknet.settings import single_threaded_blas

from . import kernel_calls

try:  # also where NumPy's kernels were chosen
    extension = import_module("sknet.kernels._extension")
except ModuleNotFoundError:
    extension = None

_GUARD = 64  # bytes on each side of an array
_FILL = 0xA5
#: Kernels that draw other numbers than NumPy's, whose results do not count where they fail, whose
#: sums overflow elsewhere where the values are wild, or that do not look at what is masked.
_INCOMPARABLE = ("dropout", "read_codes", "row_norm", "row_norm_backward", "add_by_code")
_INCOMPARABLE += ("softmax_of_keys", "max_unpool", "mix_rows", *kernel_calls.CONVOLUTIONS)
_INCOMPARABLE += ("channel_sums", "channel_linear", "channel_gradient")
_INCOMPARABLE += ("dense", "dense_back", "dense_gradient", "multiply", "waves_backward")


class Guarded:
    """Array between guards, which tell whether something was written beside it.

    Parameters
    ----------
    array : ndarray
        Its values, type and shape.
    """

    def __init__(self, array):
        self.memory = np.full(array.nbytes + 2 * _GUARD, _FILL, np.uint8)
        inside = self.memory[_GUARD : _GUARD + array.nbytes]
        self.array = inside.view(array.dtype).reshape(array.shape)
        self.array[...] = array

    def is_intact(self):
        """Tell whether the guards are as they were."""
        sides = self.memory[:_GUARD], self.memory[len(self.memory) - _GUARD :]
        return all((side == _FILL).all() for side in sides)


def _other_size(rng, array):
    n = max(0, array.size + int(rng.choice([-1, 1, 7])))
    return np.resize(array, n) if array.size else np.zeros(n, array.dtype)


def _misaligned(rng, array):
    if array.dtype == object:
        return array
    memory = np.zeros(array.nbytes + 1, np.uint8)
    out = memory[1:].view(array.dtype).reshape(array.shape)
    out[...] = array
    return out


def _strided(rng, array):
    wide = np.repeat(array, 2, axis=-1) if array.ndim else array
    return wide[..., ::2] if array.ndim else array


def _read_only(rng, array):
    out = array.copy()
    out.flags.writeable = False
    return out


def _of_another_type(rng, array):
    if array.dtype == object:
        return array
    with np.errstate(all="ignore"):
        return array.astype(rng.choice(["f2", "f4", "f8", "i4", "i8", "?", ">f4", ">f8"]))


#: Ways to spoil an array.
SPOILED = [
    _other_size,
    _misaligned,
    _strided,
    _read_only,
    lambda rng, a: a[..., None],
    lambda rng, a: a.reshape(-1)[:0],
    lambda rng, a: a.reshape(-1)[0] if a.size else None,
    lambda rng, a: np.array(a.reshape(-1)[:1].sum()),
    lambda rng, a: a.T,
    lambda rng, a: a[::-1] if a.ndim else a,
    _of_another_type,
    lambda rng, a: a.astype(object),
    lambda rng, a: a.tolist(),
    lambda rng, a: None,
    lambda rng, a: "array",
]
NUMBERS = [None, "1", np.nan, np.inf, -1.0, 1e300, 10**400, 2**70, -7, 3.5, np.float64(2), [], 1j]


def spoil(rng, call):
    """Return the arguments of a call, one or two of them wrong or in another place."""
    arguments = list(call.arguments)
    for _ in range(rng.integers(1, 3)):
        arrays = [i for i, a in enumerate(arguments) if isinstance(a, np.ndarray)]
        numbers = [i for i, a in enumerate(arguments) if isinstance(a, int | float)]
        tuples = [i for i, a in enumerate(arguments) if isinstance(a, tuple)]
        choice = rng.random()
        if choice < 0.55 and arrays:
            i = rng.choice(arrays)
            arguments[i] = SPOILED[rng.integers(len(SPOILED))](rng, arguments[i])
        elif choice < 0.75 and len(arrays) > 1:
            i, j = rng.choice(arrays, 2, replace=False)
            shift = int(rng.integers(0, 3))
            flat = arguments[j].reshape(-1)
            arguments[i] = arguments[j] if not shift else flat[: max(0, flat.size - shift)]
        elif choice < 0.85 and tuples:
            i = rng.choice(tuples)
            wrong = [0, 2, 7, 2**40, *NUMBERS]
            entries = [wrong[rng.integers(len(wrong))], *arguments[i][1:]]
            arguments[i] = tuple(entries) if rng.random() < 0.9 else arguments[i] + (1,)
        elif choice < 0.9 and numbers:
            arguments[rng.choice(numbers)] = NUMBERS[rng.integers(len(NUMBERS))]
        elif choice < 0.95:
            arguments.pop(rng.integers(len(arguments)))
            break  # or another argument would stand where the last one did
        else:
            arguments.append(None)
            break
    return arguments


def fault_of(rng, n):
    """Make one call; return what is wrong with how it ended, or None."""
    call = kernel_calls.any_call(rng, wild=rng.random() < 0.5)
    guarded = {i: Guarded(a) for i, a in enumerate(call.arguments) if isinstance(a, np.ndarray)}
    fitting = [guarded[i].array if i in guarded else a for i, a in enumerate(call.arguments)]
    call = call._replace(arguments=fitting)
    spoiled = rng.random() < 0.8
    arguments = spoil(rng, call) if spoiled else call.arguments
    before = {i: g.memory.copy() for i, g in guarded.items()}
    expected = None if spoiled else call.run(numpy_kernels)[1]
    error = None
    with np.errstate(all="ignore"):
        try:
            getattr(extension, call.name)(*arguments)
        except Exception as caught:
            error = caught
    changed = {i for i, g in guarded.items() if (g.memory != before[i]).any()}
    fault = _fault(call, error, spoiled, changed)
    if not all(g.is_intact() for g in guarded.values()):
        fault = "wrote beside an array"
    if fault is None and expected is not None and call.name not in _INCOMPARABLE:
        written = [arguments[i] for i in call.outputs if arguments[i] is not None]
        pairs = list(zip(written, expected, strict=True))
        pairs = pairs[:1] if call.name == "deactivate" else pairs
        if not all(np.array_equal(np.isfinite(a), np.isfinite(b)) for a, b in pairs):
            fault = "overflows elsewhere"
    return fault and f"call {n}: {call.name} {fault}"


def _fault(call, error, spoiled, changed):
    """Return what is wrong with the error of a call, or with the arguments that it changed."""
    if error is None:
        return None if spoiled or changed <= set(call.outputs) else "wrote an argument"
    if not spoiled:
        return f"refused arguments that fit: {error!r}"
    # Some calls are left to NumPy, which has its own words and may find out late.
    is_ours = str(error).startswith(call.name)
    if not isinstance(error, TypeError | ValueError | OverflowError):
        return f"raised {error!r}"
    return "wrote something and raised" if is_ours and changed else None


def faults(seed, n_calls):
    """Yield what is wrong, of so many calls."""
    rng = np.random.default_rng(seed)
    with threadpool_limits(3, user_api="blas"), single_threaded_blas():  # kernels use 3 threads
        for n in range(n_calls):
            fault = fault_of(rng, n)
            if fault is not None:
                yield fault


def main(arguments=None):
    """Run the fuzzer from the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.kernel_fuzz", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if extension is None:
        print("sknet was installed without compiled kernels")
        return True
    print(f"kernels: {extension.use_level(None)}")
    found = list(faults(options.seed, options.calls))
    print(*found[:50], f"{len(found)} faults in {options.calls:,} calls", sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
