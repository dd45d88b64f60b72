"""Whether the bits depend on the number of threads, and how far each network can use more.

Every case of `cases.py` is trained for some steps on 1, 2, 3, 5 and 8 threads, whatever the number
of cores, alone and with other processes that keep the cores busy, and in a worker of joblib, which
has one thread. Prints whether all weights have the same bits. Then a fit on one thread tells how
much of its time is in calls that are cut, and in how many parts: a network is at most so much
faster on T threads as if T parts ran at a time, and all else on one thread.

    python benchmarks/threads.py [--cases cnn_digits lstm ...] [--steps 4]
"""

import argparse
import multiprocessing
import sys
import time
import warnings
from collections import Counter
from contextlib import contextmanager
from hashlib import blake2b

from cases import CASES
from joblib import Parallel, delayed
from machine import n_cores, table
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sknet import kernels, lanes

THREADS = (1, 2, 3, 5, 8)
warnings.filterwarnings("ignore", category=ConvergenceWarning)
warnings.filterwarnings("ignore", message="Using padding='same' with even kernel lengths")


def fitted(name, n_steps, n_threads=None):
    """Train a case for some steps; return the digest of its weights."""
    case = CASES[name]
    case.steps = n_steps
    with threadpool_limits(1, user_api="blas"):  # some data are products of matrices
        rows = case.data()
    with threadpool_limits(n_threads, user_api="blas"):
        network = case.model(1).fit(rows.X, rows.y).network_
    return blake2b(network.params).hexdigest()[:12]


def _spin():
    while True:
        pass


@contextmanager
def load():
    """Keep all cores busy with other processes."""
    processes = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(n_cores())]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()


def digests(name, n_steps):
    """Return the digest of the weights by the kind of fit."""
    found = {str(n): fitted(name, n_steps, n) for n in THREADS}
    with load():
        found["2, under load"] = fitted(name, n_steps, 2)
    jobs = Parallel(n_jobs=2)(delayed(fitted)(name, n_steps) for _ in range(2))
    return found | {f"job {i}": digest for i, digest in enumerate(jobs)}


class Parts:
    """Seconds of a fit on one thread in calls that are cut, by their number of parts.

    Attributes
    ----------
    seconds : Counter
        By the number of parts.
    counts : Counter
        Calls, by the number of parts.
    """

    def __init__(self):
        self.seconds, self.counts, self._depth = Counter(), Counter(), 0

    def _watching(self, function, n_parts):
        def watched(*arguments):
            self._depth += 1
            begin = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self._depth -= 1
                n = n_parts(*arguments)
                if not self._depth and n > 1:
                    self.seconds[n] += time.perf_counter() - begin
                    self.counts[n] += 1

        return watched

    @contextmanager
    def recorded(self):
        """Watch all calls in the block."""
        multiply, run = kernels.multiply, lanes.run_in_lanes
        kernels.multiply = self._watching(multiply, _n_panels)
        watched = self._watching(run, lambda function, n, n_helpers: n)
        modules = [
            module
            for name, module in list(sys.modules.items())
            if name.startswith("sknet") and getattr(module, "run_in_lanes", None) is run
        ]
        try:
            for module in modules:
                module.run_in_lanes = watched
            yield
        finally:
            kernels.multiply = multiply
            for module in modules:
                module.run_in_lanes = run

    def gain(self, seconds, n_threads):
        """Return how much faster a fit of so many seconds could at most be on more threads."""
        shared = sum(self.seconds.values())
        cut = sum(s / n * -(-n // n_threads) for n, s in self.seconds.items())
        return seconds / (seconds - shared + cut)


def _n_panels(a, b, out, rows, columns, share_out):
    return -(-out.shape[0] // rows) * -(-out.shape[1] // columns)


def scaling(name, n_steps):
    """Return the row of a case: parts of a step, their share of its time, and possible gains."""
    case, parts = CASES[name], Parts()
    case.steps = n_steps
    rows = case.data()
    with threadpool_limits(1, user_api="blas"):
        case.model(1).fit(rows.X, rows.y)
        with parts.recorded():
            seconds = sum(case.model(2).fit(rows.X, rows.y).history_["seconds"])
    counts = ", ".join(
        f"{count / 2 / n_steps:.0f} of {n}" for n, count in sorted(parts.counts.items())
    )
    share = sum(parts.seconds.values()) / seconds
    gains = [f"{parts.gain(seconds, n):.1f}" for n in (2, 4, 8, 16, 64)]
    return [name, counts, f"{100 * share:.0f} %", *gains]


def main():
    """Run it from the command line; return how many cases have bits that depend on threads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--steps", type=int, default=4)
    options = parser.parse_args()
    cells, n_wrong = [], 0
    for name in options.cases:
        found = digests(name, options.steps)
        same = len(set(found.values())) == 1
        n_wrong += not same
        print(name, "same bits" if same else found, flush=True)
        cells.append(scaling(name, options.steps))
    print(
        f"\nFor threads {', '.join(map(str, THREADS))}, under load and in jobs: {n_wrong} differ."
    )
    threads = [f"{n} threads" for n in (2, 4, 8, 16, 64)]
    print(table(["case", "cut calls a step", "their share", *threads], cells))
    return n_wrong


if __name__ == "__main__":
    sys.exit(min(main(), 1))
