"""The hot functions, which exist twice: compiled, and in NumPy.

Layers, losses and optimizers call ``kernels.f(...)`` and do not know which runs: the compiled ones
where they are installed. The environment variable ``SKNET_KERNELS`` changes that at the import:

- ``numpy``: the functions of `numpy_kernels`;
- ``c``: the compiled ones, or an ImportError;
- ``generic``, ``x86_64_v2``, ``x86_64_v3`` or ``x86_64_v4``: those for such processors.
"""

import os
import warnings
from importlib import import_module

from . import numpy_kernels
from .numpy_kernels import *  # noqa: F403

#: The names of the kernels.
KERNELS = [name for name in numpy_kernels.__all__ if name.islower()]


_LEVELS = ("generic", "x86_64_v2", "x86_64_v3", "x86_64_v4")


def _chosen(wanted):
    """Return the extension, or None where NumPy's kernels are to run."""
    name = wanted.lower().replace("-", "_")
    if name == "numpy":
        return None
    if name not in ("", "c", *_LEVELS):
        raise _no_level(wanted)
    try:
        extension = import_module(f"{__name__}._extension")
    except ImportError as error:
        if wanted:
            raise ImportError(
                f"SKNET_KERNELS={wanted!r} asks for compiled kernels, and there are none that "
                f"load ({error}). Unset it, or install sknet again where there is a C compiler."
            ) from error
        if not isinstance(error, ModuleNotFoundError):
            warnings.warn(
                f"The compiled kernels of sknet do not load ({error}); NumPy's run, which are "
                "slower. Install sknet again.",
                RuntimeWarning,
                stacklevel=2,
            )
        return None
    if name not in ("", "c"):
        try:
            extension.use_level(name)
        except ValueError:
            raise _no_level(wanted) from None
    return extension


def _no_level(wanted):
    return ImportError(
        "The environment variable SKNET_KERNELS must be 'numpy', 'c', 'generic' or a level that "
        f"this processor has, such as 'x86_64_v3', got {wanted!r}. Set it to one of them, or "
        "unset it."
    )


_extension = _chosen(os.environ.get("SKNET_KERNELS", ""))
if _extension is not None:
    missing = [name for name in KERNELS if not hasattr(_extension, name)]
    if missing:
        raise ImportError(
            f"The compiled kernels are older than sknet: they lack {', '.join(missing)}. Install "
            "sknet again or, in a checkout, run `python hatch_build.py`."
        )
    globals().update({name: getattr(_extension, name) for name in KERNELS})


def use_blas(sgemm: int, dgemm: int) -> None:
    """Tell the compiled kernels how NumPy's BLAS multiplies matrices.

    Parameters
    ----------
    sgemm, dgemm : int
        Addresses of ``cblas_sgemm`` and ``cblas_dgemm`` for integers of 64 bits; 0 where they
        are not known.
    """
    if _extension is not None:
        _extension.use_blas(sgemm, dgemm)


def use_threads(n_threads: int) -> None:
    """Let so many threads share large calls of compiled kernels.

    Parameters
    ----------
    n_threads : int
        Number of threads, the caller's among them.
    """
    if _extension is not None:
        _extension.use_threads(n_threads)


def run_alone(alone: bool) -> None:
    """Let compiled kernels that this thread calls run on no other one.

    Parameters
    ----------
    alone : bool
        Whether to, from now on.
    """
    if _extension is not None:
        _extension.run_alone(alone)


#: Whether compiled kernels run, which have threads of their own.
COMPILED: bool = _extension is not None

#: Whether `dense` multiplies by itself: without fused operations BLAS is faster.
MULTIPLIES: bool = COMPILED and _extension.use_level(None) in ("x86_64_v3", "x86_64_v4")


def description() -> str:
    """Return which kernels run.

    Returns
    -------
    description : str
        "NumPy", or "C" and the level of processors.
    """
    return "NumPy" if _extension is None else f"C, {_extension.use_level(None)}"
