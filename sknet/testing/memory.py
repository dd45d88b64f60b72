"""What the checks of memory share."""

from __future__ import annotations

import gc
import tracemalloc

from ..typing import Function


def peak_of(call: Function) -> int:
    """Measure the most memory that a call holds at a time beyond what was held before it.

    Parameters
    ----------
    call : callable
        What to measure, called without arguments.

    Returns
    -------
    n_bytes : int
        The peak. NumPy reports its arrays to the tracing, so they count.
    """
    collecting, tracing = gc.isenabled(), tracemalloc.is_tracing()
    gc.disable()
    # Python keeps freed objects for the next ones and counts them as held: let it have enough.
    [((0,) * (2 + n % 9), (n,), {n: n}, [n], float(n)) for n in range(3000)]
    if not tracing:
        tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not tracing:
            tracemalloc.stop()
        if collecting:
            gc.enable()
