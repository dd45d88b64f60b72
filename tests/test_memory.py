import tracemalloc

import numpy as np
import pytest

from sknet.testing.memory import peak_of


def test_the_peak_counts_what_is_held_at_a_time():
    def one_after_the_other():
        for _ in range(3):
            np.empty(1_000_000, np.uint8)

    assert 1_000_000 <= peak_of(one_after_the_other) < 1_100_000


def test_what_was_held_before_does_not_count():
    tracemalloc.start()
    try:
        kept = np.empty(1_000_000, np.uint8)
        assert peak_of(lambda: kept.fill(0)) < 10_000
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_tracing_ends_with_the_call_even_if_it_fails():
    with pytest.raises(ZeroDivisionError):
        peak_of(lambda: 1 / 0)
    assert not tracemalloc.is_tracing()
