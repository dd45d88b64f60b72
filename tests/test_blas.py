"""Products have the bits of one thread, and the user's threads are left as they were."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from sknet import blas, kernels, settings
from sknet.blas import matmul
from sknet.kernels import numpy_kernels
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
        try:
            with single_threaded_blas():
                assert settings.blas_setting.n_threads == 1
            np.testing.assert_array_equal(multiply(a, b), expected)
        finally:
            leave.set()
            other.join()


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
@pytest.mark.parametrize("kind", ["compiled", "numpy"])
def test_the_bits_are_those_of_panels_on_any_number_of_threads(
    kind, transposed, dtype, monkeypatch
):
    if kind == "numpy":
        monkeypatch.setattr(kernels, "multiply", numpy_kernels.multiply)
    a, b = make((600, 200, 700), dtype, transposed)
    rows, columns = blas._panel(600, 700)
    expected = np.empty((600, 700), dtype)
    with threadpool_limits(1, user_api="blas"):
        for i, j in product(range(0, 600, rows), range(0, 700, columns)):
            panel = slice(i, i + rows), slice(j, j + columns)
            expected[panel] = a[panel[0]] @ b[:, panel[1]]
    for n_threads in (1, 2, 3, 5, 8):
        with threadpool_limits(n_threads, user_api="blas"):
            np.testing.assert_array_equal(multiply(a, b), expected)


@pytest.mark.parametrize(
    "shape, panel",
    [
        ((200, 255), (200, 255)),
        ((256, 256), (256, 128)),
        ((512, 1024), (512, 512)),
        ((2048, 512), (512, 512)),
        ((1025, 3), (513, 3)),
    ],
)
def test_panels_are_halves_of_the_longer_side(shape, panel):
    assert blas._panel(*shape) == panel


def test_fits_multiply_at_a_time():
    a, b = make((600, 200, 700), "float32")
    expected = multiply(a, b)
    with threadpool_limits(3, user_api="blas"), ThreadPoolExecutor(3) as pool:
        for found in pool.map(lambda _: multiply(a, b), range(30)):
            np.testing.assert_array_equal(found, expected)


def multiply_in(queue, a, b):
    queue.put(multiply(a, b))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_gets_helpers_of_its_own():
    a, b = make((600, 200, 700), "float32")
    context = multiprocessing.get_context("fork")
    with threadpool_limits(2, user_api="blas"):
        expected, queue = multiply(a, b), context.Queue()
        process = context.Process(target=multiply_in, args=(queue, a, b))
        process.start()
        np.testing.assert_array_equal(queue.get(timeout=60), expected)
        process.join(timeout=60)
        assert process.exitcode == 0


def test_other_libraries_multiply_in_lanes():
    class Library:
        internal_api, threading_layer, dynlib = "openblas", "pthreads", object()

    assert settings._products_of(Library) == (0, 0)
    Library.internal_api = "mkl"
    assert settings._products_of(Library) == (0, 0)
