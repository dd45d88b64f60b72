"""How much of a training step is products of matrices, and how fast these could be."""

import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from math import prod
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from machine import n_cores, table
from threadpoolctl import threadpool_limits

import sknet.blas
from sknet.lanes import run_in_lanes

SECONDS = 0.05  # spent on each way to multiply
EPOCHS = 4


class Product(NamedTuple):
    """Shapes and layouts of the factors of one product, stacks of matrices included."""

    a: tuple
    b: tuple
    a_transposed: bool
    b_transposed: bool

    @property
    def flops(self):
        """Additions and multiplications."""
        return 2 * prod(self.a) * self.b[-1] * max(1, prod(self.b[:-2]) // prod(self.a[:-2]))

    def factors(self):
        """Return arrays that are laid out like the factors."""
        pairs = (self.a, self.a_transposed), (self.b, self.b_transposed)
        arrays = []
        for shape, transposed in pairs:
            laid_out = (*shape[:-2], shape[-1], shape[-2]) if transposed else shape
            values = np.random.default_rng(0).standard_normal(laid_out, dtype=np.float32)
            arrays.append(values.swapaxes(-1, -2) if transposed else values)
        return arrays


def _product_of(a, b):
    transposed = [x.strides[-2] < x.strides[-1] and x.shape[-1] > 1 for x in (a, b)]
    return Product(a.shape, b.shape, *transposed)


class Recorder:
    """Counts the products that are made, and the time that the main thread spends in them.

    Attributes
    ----------
    counts : Counter
        How often each `Product` was made, in all threads.
    seconds : float
        Time in products, in the thread of the recorder.
    """

    def __init__(self):
        self.counts, self.seconds = Counter(), 0.0
        self._thread, self._lock = threading.get_ident(), threading.Lock()

    def watching(self, function):
        """Return a function that multiplies, with its products recorded."""

        def multiply(a, b, *arguments, **options):
            if np.ndim(a) < 2 or np.ndim(b) < 2:
                return function(a, b, *arguments, **options)
            with self._lock:
                self.counts[_product_of(a, b)] += 1
            begin = time.perf_counter()
            try:
                return function(a, b, *arguments, **options)
            finally:
                if threading.get_ident() == self._thread:
                    self.seconds += time.perf_counter() - begin

        return multiply


@contextmanager
def recorded():
    """Record all products of matrices of sknet in the block; yields the `Recorder`."""
    recorder, inner, outer = Recorder(), np.matmul, sknet.blas.matmul
    # What sknet.blas.matmul is made of is one product, that of its caller, in whatever thread.
    sknet.blas.np = SimpleNamespace(**vars(np))
    modules = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("sknet.") and getattr(module, "matmul", None) is outer
    ]
    np.matmul = recorder.watching(inner)
    for module in modules:
        module.matmul = recorder.watching(outer)
    try:
        yield recorder
    finally:
        np.matmul, sknet.blas.np = inner, np
        for module in modules:
            module.matmul = outer


def best_seconds(product):
    """Return the shortest time of a product: on all threads of BLAS, or one each on all cores."""
    a, b = product.factors()
    n = n_cores()
    results = [np.matmul(a, b) for _ in range(n)]
    found = [_seconds_of(lambda: np.matmul(a, b, out=results[0]))]
    with threadpool_limits(1, user_api="blas"):
        times = max(1, int(1e-3 / max(found[0], 1e-7)))

        def multiply(lane):
            for _ in range(times):
                np.matmul(a, b, out=results[lane])

        found.append(_seconds_of(lambda: run_in_lanes(multiply, n, n - 1)) / (n * times))
    return min(found)


def _seconds_of(function):
    seconds, end = [], time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        begin = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds))


def profile(name, case):
    """Print the products of a step of a case, their share of it, and their best rate."""
    rows = case.data()
    fitted = case.model(EPOCHS).fit(rows.X, rows.y)
    step = np.median(fitted.history_["seconds"][1:]) / case.steps
    with recorded() as recorder:
        seconds = sum(case.model(EPOCHS).fit(rows.X, rows.y).history_["seconds"])
    time.sleep(0.3)
    best = {product: best_seconds(product) for product in recorder.counts}
    per_step = {product: count / case.steps / EPOCHS for product, count in recorder.counts.items()}
    flops = sum(n * product.flops for product, n in per_step.items())
    ideal = sum(n * best[product] for product, n in per_step.items())
    print(f"\n{name}: a step takes {1e3 * step:.3f} ms and {flops / 1e6:.1f} MFLOP in products.")
    print(f"  products: {100 * recorder.seconds / seconds:.0f} % of the time of a step")
    print(f"  rate of the whole step: {flops / step / 1e9:.1f} GFLOP/s")
    print(f"  rate of its products alone, the best way: {flops / ideal / 1e9:.1f} GFLOP/s")
    print(f"  the step reaches {100 * ideal / step:.0f} % of that\n")
    largest = sorted(per_step, key=lambda product: -per_step[product] * best[product])[:12]
    cells = [
        [
            f"{product.a}{'T' * product.a_transposed} @ {product.b}{'T' * product.b_transposed}",
            f"{per_step[product]:.1f}",
            f"{product.flops / 1e6:.2f}",
            f"{product.flops / best[product] / 1e9:.1f}",
            f"{1e6 * per_step[product] * best[product]:.0f}",
        ]
        for product in largest
    ]
    print(table(["product", "a step", "MFLOP", "GFLOP/s", "us a step"], cells))
