"""Products have the bits of one thread, and the user's threads are left as they were."""

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from sknet import blas
from sknet.blas import matmul
from sknet.settings import single_threaded_blas

# (M, K, N): small, thin, one inner, wide, long, and above all thresholds
SHAPES = [
    (3, 4, 5),
    (1, 3000, 900),
    (300, 1, 200),
    (200, 150, 300),
    (700, 90, 64),
    (256, 400, 512),
]


def threads():
    return {lib["filepath"]: lib["num_threads"] for lib in threadpool_info()}


def make(shape, dtype, transposed=(False, False)):
    rng = np.random.default_rng(1)
    m, k, n = shape
    a = rng.normal(size=(k, m)).T if transposed[0] else rng.normal(size=(m, k))
    b = rng.normal(size=(n, k)).T if transposed[1] else rng.normal(size=(k, n))
    return a.astype(dtype, order="K"), b.astype(dtype, order="K")


def multiply(a, b):
    out = np.empty((len(a), b.shape[1]), a.dtype)
    with single_threaded_blas():
        assert matmul(a, b, out) is out
    return out


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_bits_do_not_depend_on_the_threads_that_blas_may_use(shape, transposed, dtype):
    a, b = make(shape, dtype, transposed)
    with threadpool_limits(1, user_api="blas"):
        alone = multiply(a, b)
    with threadpool_limits(2, user_api="blas"):
        np.testing.assert_array_equal(multiply(a, b), alone)
    exact = a.astype(float) @ b.astype(float)
    tolerance = np.finfo(dtype).eps * shape[1] * 10
    np.testing.assert_allclose(alone, exact, atol=tolerance)


def test_the_users_threads_are_restored_also_after_an_error():
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        with single_threaded_blas(), single_threaded_blas():
            blas_threads = [
                lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
            ]
            assert set(blas_threads) <= {1}
        assert threads() == before
        with pytest.raises(ZeroDivisionError), single_threaded_blas():
            1 / 0  # noqa: B018
        assert threads() == before


def test_threads_stay_off_while_another_fit_runs():
    a, b = make((400, 300, 250), "float64")
    expected = multiply(a, b)
    inside, leave = threading.Event(), threading.Event()

    def other_fit():
        with single_threaded_blas():
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=other_fit)
    with threadpool_limits(2, user_api="blas"):
        other.start()
        inside.wait(10)
        asked = []
        multiply_on_all = blas._threads._multiply_on_all
        blas._threads._multiply_on_all = lambda *args: asked.append(multiply_on_all(*args))
        try:
            np.testing.assert_array_equal(multiply(a, b), expected)
        finally:
            del blas._threads._multiply_on_all
            leave.set()
            other.join()
    assert not asked


def test_fits_that_overlap_in_two_threads_leave_the_setting_as_it_was():
    first_leaves, second_inside, end = threading.Event(), threading.Event(), threading.Event()
    inside = []

    def first():
        with single_threaded_blas():
            second_inside.wait(10)
        first_leaves.set()
        end.wait(10)  # the thread that began the limit lives on, as in a pool

    def second():
        with single_threaded_blas():
            second_inside.set()
            first_leaves.wait(10)
            inside.append(threads())

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        workers = [threading.Thread(target=first), threading.Thread(target=second)]
        for worker in workers:
            worker.start()
        workers[1].join()
        after = threads()
        end.set()
        workers[0].join()
    assert after == before
    (inside,) = inside
    blas_paths = [lib["filepath"] for lib in threadpool_info() if lib["user_api"] == "blas"]
    assert all(inside[path] == 1 for path in blas_paths)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("n_threads", [2, 3])
def test_the_bits_are_the_same_on_threads_of_our_own(n_threads, transposed, dtype):
    a, b = make((700, 400, 512), dtype, transposed)
    with threadpool_limits(1, user_api="blas"):
        alone = multiply(a, b)
    out = np.empty_like(alone)
    with threadpool_limits(n_threads, user_api="blas"), single_threaded_blas():
        assert blas.spare_threads() == n_threads - 1
        matmul(a, b, out)
    np.testing.assert_array_equal(out, alone)


def test_products_that_waited_for_a_busy_core_let_the_next_ones_do_without(monkeypatch):
    a, b = make((700, 400, 512), "float32")
    expected, calls = multiply(a, b), []
    on_all = blas._Threads._multiply_on_all

    def slow(self, *args):
        calls.append(args)
        on_all(self, *args)
        time.sleep(0.2)

    monkeypatch.setattr(blas, "_threads", blas._Threads())
    out = np.empty_like(expected)
    with threadpool_limits(2, user_api="blas"), single_threaded_blas():
        assert blas.spare_threads() == 1
        matmul(a, b, out)  # with the trial
        blas._threads._late = blas._threads._rest = 0
        monkeypatch.setattr(blas._Threads, "_multiply_on_all", slow)
        for _ in range(3):
            matmul(a, b, out)
        n_first = len(calls)
        for _ in range(20):
            matmul(a, b, out)
            np.testing.assert_array_equal(out, expected)
    assert len(calls) == n_first == 3
