"""What the checks of memory share."""

import tracemalloc


def peak_of(call):
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
    tracing = tracemalloc.is_tracing()
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
