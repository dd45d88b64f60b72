"""Fuzz sknet: random calls end in success or in a sentence, and a failed call changes nothing.

``python -m tests.fuzz --sequences 20000`` prints one example of each kind of failure, and exits
with 1 if there is any. ``--only N`` shows the sequence of a number and what becomes of it.
"""

import argparse
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from time import perf_counter

from .fuzzing.sequences import write_sequence
from .fuzzing.shrinking import shrink
from .fuzzing.verdicts import run


def failures_of(seed, number):
    """Return the kind and the detail of each failure of a sequence."""
    return [(failure.kind, failure.detail) for failure in run(write_sequence(seed, number))]


def fuzz(seed, n_sequences, n_jobs=1):
    """Yield the failures of each sequence, in the order of their numbers."""
    work, numbers = partial(failures_of, seed), range(n_sequences)
    if n_jobs == 1:
        yield from map(work, numbers)
        return
    with ProcessPoolExecutor(n_jobs) as pool:
        yield from pool.map(work, numbers, chunksize=50)


def collect(seed, n_sequences, n_jobs=1):
    """Return for each kind of failure a list of the numbers of sequences and details."""
    found = defaultdict(list)
    for number, failures in enumerate(fuzz(seed, n_sequences, n_jobs)):
        for kind, detail in failures:
            found[kind].append((number, detail))
    return found


def describe(seed, found):
    """Return a text of the kinds of failures, each with a short script, frequent ones first."""
    parts = []
    for kind, cases in sorted(found.items(), key=lambda item: -len(item[1])):
        rule, _, place = kind
        number, detail = cases[0]
        parts.append(
            f"{len(cases)} x {rule}{place and ' in '}{place}: {detail[:300]}\n"
            f"{shrink(write_sequence(seed, number), kind)}\n"
            f"# --seed {seed} --only {number}\n"
        )
    return "\n".join(parts)


def main(arguments=None):
    """Run the fuzzer from the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--sequences", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="number of the only sequence to run")
    parser.add_argument("--jobs", type=int, default=1, help="number of processes")
    options = parser.parse_args(arguments)
    if options.only is not None:
        return show(options.seed, options.only)
    start = perf_counter()
    found = collect(options.seed, options.sequences, options.jobs)
    seconds = perf_counter() - start
    print(describe(options.seed, found))
    total = sum(map(len, found.values()))
    print(
        f"{options.sequences} sequences in {seconds:.0f} s: {total} failures of {len(found)} kinds"
    )
    return int(total > 0)


def show(seed, number):
    """Print the sequence of a number and what is wrong with it, and return the exit code."""
    sequence = write_sequence(seed, number)
    print(f"from tests.fuzzing.names import *\n\n{sequence}\n")
    failures = run(sequence)
    for failure in failures:
        print(f"{failure.rule}: {failure.detail}\n    in {failure.place}\n    {failure.call}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
