"""Data larger than the memory: a memory map, batches of a Parquet file, a sparse matrix.

Each part runs in a process of its own, whose data segment (RLIMIT_DATA) may grow by no more than
`--limit` once a small network of the same kind has been fitted, so that the libraries have the
memory they need. That limit counts all memory that a process allocates for itself, and none of the
pages of a mapped file, which the system may drop at any time; a limit of the address space
(RLIMIT_AS) would refuse the map itself, and one of the resident set is not enforced by Linux. The
peak printed is that of the resident memory without pages of files (RssAnon), read a hundred times
a second, beyond what was there before. Run it with

    python benchmarks/large_data.py [--parts memmap parquet csr] [--limit 250] [--gigabytes 1]
"""

import argparse
import gc
import multiprocessing
import sys
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from machine import description

from sknet import NeuralClassifier

try:
    import resource
except ImportError:  # not on Windows
    resource = None

FEATURES = 500
CHUNK = 20_000  # rows written at a time
STATUS = Path("/proc/self/status")


def status(field):
    """Return a size in the process's status, in bytes; 0 where the system does not tell."""
    if STATUS.exists():
        for line in STATUS.read_text().splitlines():
            if line.startswith(f"{field}:"):
                return 1024 * int(line.split()[1])
    return 0


class Peak:
    """The largest resident memory in a block, files' pages left out, beyond that at its start."""

    def __enter__(self):
        gc.collect()
        self._start = self._largest = status("RssAnon")
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._begin = time.perf_counter()
        self._watcher.start()
        return self

    def _watch(self):
        while not self._done.wait(0.01):
            self._largest = max(self._largest, status("RssAnon"))

    def __exit__(self, *error):
        self.seconds = time.perf_counter() - self._begin
        self._done.set()
        self._watcher.join()
        self.megabytes = (max(self._largest, status("RssAnon")) - self._start) / 1e6


@contextmanager
def limited(megabytes):
    """Let the data segment grow by no more than so much in the block."""
    if resource is None or not status("VmData"):
        print("  no limit, as this system has none for the data segment")
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    soft = status("VmData") + int(megabytes * 1e6)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def labels(X):
    """Return the class of each row: the sign of a sum of a few features."""
    return (X[:, :5].sum(axis=1) > 0).astype(np.int64)


def classifier(**options):
    """Return the network that is trained."""
    options = {"max_iter": 1, "batch_size": 256, "random_state": 0, **options}
    return NeuralClassifier((128,), **options)


def report(name, size, peak, model, limit):
    """Print what a part took."""
    parameters = 2 * model.network_.params.nbytes / 1e6
    print(
        f"{name}: {size}; {peak.seconds:.1f} s; peak {peak.megabytes:.0f} MB beyond the start, "
        f"of which twice the parameters are {parameters:.0f}; limit {limit:.0f}; "
        f"loss {model.loss_:.3f}",
        flush=True,
    )


def memmap(options, folder):
    """Fit on a float32 memory map that is larger than the limit, for one epoch and for two."""
    n = int(options.gigabytes * 1e9 / (4 * FEATURES))
    path, rng = folder / "X.npy", np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, "w+", np.float32, (n, FEATURES))
    y = np.empty(n, np.int64)
    for start in range(0, n, CHUNK):
        part = slice(start, min(start + CHUNK, n))
        X[part] = rng.standard_normal((part.stop - start, FEATURES), dtype=np.float32)
        y[part] = labels(X[part])
    X.flush()
    del X
    classifier().fit(np.load(path, mmap_mode="r")[:1000], y[:1000])
    for epochs in (1, 2):
        with limited(options.limit), Peak() as peak:
            X = np.load(path, mmap_mode="r")
            model = classifier(max_iter=epochs, tol=0.0).fit(X, y)
        size = f"{n:,} x {FEATURES}, {path.stat().st_size / 1e6:.0f} MB, epochs: {epochs}"
        report("memory map", size, peak, model, options.limit)
    with limited(options.limit):
        try:
            np.array(X)
        except MemoryError:
            print("  the limit holds: a copy of the map was refused")
        else:
            print("  the map is smaller than the limit: give it more gigabytes")


def parquet(options, folder):
    """Train by `partial_fit` on batches of a Parquet file."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        print("Parquet: pyarrow is not installed")
        return
    features, rng, path = 50, np.random.default_rng(0), folder / "X.parquet"
    n = int(options.gigabytes * 1e9 / 2 / (4 * features))
    names = [f"x{i}" for i in range(features)]
    writer = None
    for start in range(0, n, CHUNK):
        X = rng.standard_normal((min(CHUNK, n - start), features), dtype=np.float32)
        columns = dict(zip(names, X.T.copy(), strict=True), y=labels(X))
        rows = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, rows.schema)
        writer.write_table(rows)
    writer.close()

    def batches():
        # Without threads, whose reads ahead and stacks would come on top.
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=CHUNK, use_threads=False):
                columns = [batch.column(name).to_numpy() for name in names]
                X = np.stack(columns, axis=1)
                yield X, batch.column("y").to_numpy()

    pa.set_memory_pool(pa.system_memory_pool())  # the default one reserves much more than it uses
    X, y = next(batches())
    classifier().partial_fit(X, y, classes=[0, 1])
    model = classifier()
    with limited(options.limit), Peak() as peak:
        for X, y in batches():
            model.partial_fit(X, y, classes=[0, 1])
    size = f"{n:,} x {features}, {path.stat().st_size / 1e6:.0f} MB, batches of {CHUNK:,}"
    report("Parquet", size, peak, model, options.limit)


def csr(options, folder):
    """Fit on a CSR matrix of 100,000 x 50,000 that has 50 values a row."""
    from scipy.sparse import csr_array

    n, features, per_row = 100_000, 50_000, 50
    rng = np.random.default_rng(0)
    columns = rng.integers(0, features, n * per_row).astype(np.int32)
    values = rng.standard_normal(n * per_row, dtype=np.float32)
    starts = np.arange(0, n * per_row + 1, per_row, dtype=np.int32)
    X = csr_array((values, columns, starts), shape=(n, features))
    X.sum_duplicates()
    y = (X @ rng.standard_normal(features, dtype=np.float32) > 0).astype(np.int64)
    classifier().fit(X[:1000], y[:1000])
    with limited(options.limit), Peak() as peak:
        model = classifier().fit(X, y)
    held = (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / 1e6
    size = f"{n:,} x {features:,}, {held:.0f} MB sparse, {4e-6 * n * features:,.0f} MB dense"
    report("CSR matrix", size, peak, model, options.limit)


PARTS = {"memmap": memmap, "parquet": parquet, "csr": csr}


def run(name, options):
    """Run one part, its files in a temporary directory."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        PARTS[name](options, Path(folder))


def main(arguments=None):
    """Run what was asked for; return how many parts failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--limit", type=float, default=250.0, help="megabytes; default 250")
    parser.add_argument(
        "--gigabytes", type=float, default=1.0, help="of the map, and twice the Parquet file"
    )
    parser.add_argument("--folder", type=Path, help="where to put the files for the time being")
    options = parser.parse_args(arguments)
    print(description(), flush=True)
    failed = 0
    for name in options.parts:
        process = multiprocessing.get_context("spawn").Process(target=run, args=(name, options))
        process.start()
        process.join()
        if process.exitcode != 0:
            print(f"{name} FAILED", flush=True)
            failed += 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
