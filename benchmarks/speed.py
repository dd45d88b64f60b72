"""Speed of a training step beside scikit-learn, PyTorch and JAX, where they are installed.

Every case of `cases.py` is trained by all of them from the same weights on the same batches, in
one process, in turns. A turn is a training from the start: its first epoch is not counted, as
memory and threads are made there, nor is what comes before it. It prints the median time of a step
with the quartiles, and the median ratio of neighbouring turns; and it fails if the losses of some
epoch do not agree, as then the work is not the same. Run it with

    python benchmarks/speed.py [--cases cnn_digits lstm ...] [--repeats 9] [--markdown FILE]

`--profile CASE ...` prints instead how much of a step of sknet is products of matrices, and how
far that is from the rate at which this machine multiplies matrices of these shapes.
"""

import argparse
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
from cases import CASES, initial_network
from machine import description, table
from sklearn.exceptions import ConvergenceWarning

warnings.filterwarnings("ignore", category=ConvergenceWarning)
warnings.filterwarnings("ignore", message="Using padding='same' with even kernel lengths")

EPOCHS = 4  # of a turn; the first is not counted
#: Seconds before each turn: threads of BLAS and OpenMP that have nothing to do keep their core
#: busy for a while, and that should not count against whoever comes next.
PAUSE = 0.3
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"
LIBRARIES = {"PyTorch": "with_torch", "JAX": "with_jax"}


def load(module):
    """Return a module of this folder, or None where its library is not installed."""
    try:
        return import_module(module)
    except ImportError:
        return None


class Sknet:
    """Trains one case with sknet, through `fit`.

    Parameters
    ----------
    case : Case
        What to train.
    rows : Rows
        What to train it on.
    dtype : str, default="float32"
        Precision.
    """

    def __init__(self, case, rows, dtype="float32"):
        self.case, self.rows, self.dtype = case, rows, dtype

    def train(self, epochs):
        """Train for some epochs; return the seconds and the loss of each."""
        model = self.case.model(epochs, dtype=self.dtype).fit(self.rows.X, self.rows.y)
        return model.history_["seconds"], model.history_["loss"]


def contestants(case, libraries):
    """Return by name who trains a case; names end in 64 for double precision."""
    rows = case.data()
    start = initial_network(case, rows)
    found = {"sknet": Sknet(case, rows)}
    for name in libraries:
        module = load(LIBRARIES[name])
        if module is not None:
            found[name] = module.Contestant(case, rows, start)
    if case.has_sklearn:
        module = import_module("with_sklearn")
        found["sklearn"] = module.Contestant(case, rows, start)
        found["sknet64"] = Sknet(case, rows, "float64")
        found["sklearn64"] = module.Contestant(case, rows, start, "float64")
    return found


class Result:
    """What was measured of one case.

    Parameters
    ----------
    name : str
        Name of the case.

    Attributes
    ----------
    times : dict of ndarray of shape (n_turns, EPOCHS - 1)
        By contestant, the seconds of a step.
    losses : dict of list of float
        By contestant, the losses of the epochs.
    """

    def __init__(self, name, repeats, libraries):
        self.name, self.case = name, CASES[name]
        found = contestants(self.case, libraries)
        times, self.losses = {kind: [] for kind in found}, {}
        for contestant in found.values():  # compiles, and tries products on threads
            contestant.train(2)
        for _ in range(repeats):
            for kind, contestant in found.items():
                time.sleep(PAUSE)
                seconds, self.losses[kind] = contestant.train(EPOCHS)
                times[kind].append(seconds[1:])
        self.times = {kind: np.array(seconds) / self.case.steps for kind, seconds in times.items()}

    def step(self, kind):
        """Return the median milliseconds of a step, and the quartiles, as text."""
        if kind not in self.times:
            return ""
        low, median, high = (1e3 * np.quantile(self.times[kind], q) for q in (0.25, 0.5, 0.75))
        digits = max(0, 2 - int(np.floor(np.log10(median))))
        return f"{median:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"

    def ratio(self, kind, base="sknet"):
        """Return the median over the turns of a contestant's time over sknet's."""
        if kind not in self.times:
            return np.nan
        medians = {name: np.median(self.times[name], axis=1) for name in (kind, base)}
        return float(np.median(medians[kind] / medians[base]))

    def difference(self):
        """Return the largest difference of an epoch's loss from sknet's, in first losses."""
        largest = 0.0
        for kind, losses in self.losses.items():
            ours = self.losses["sknet64" if kind.endswith("64") else "sknet"]
            largest = max(largest, np.abs(np.subtract(losses, ours)).max() / ours[0])
        return largest

    @property
    def agrees(self):
        """Whether all losses are the same within the case's tolerance."""
        return self.difference() <= self.case.tolerance


def geometric_mean(ratios):
    """Return the geometric mean of those that are known."""
    ratios = np.array([ratio for ratio in ratios if np.isfinite(ratio)])
    return float(np.exp(np.log(ratios).mean())) if len(ratios) else np.nan


def show(ratio):
    """Return a ratio as text, nothing where there is none."""
    return f"{ratio:.2f}" if np.isfinite(ratio) else ""


def frameworks_table(results, libraries):
    """Return the table of all cases beside PyTorch and JAX."""
    header = ["case", "sknet", *libraries, *(f"{name} / sknet" for name in libraries)]
    rows = []
    for result in results:
        ratios = [show(result.ratio(name)) for name in libraries]
        loss = f"{100 * result.difference():.2g} %{'' if result.agrees else ' NOT THE SAME'}"
        rows.append([result.name, *map(result.step, ("sknet", *libraries)), *ratios, loss])
    means = [show(geometric_mean(r.ratio(name) for r in results)) for name in libraries]
    rows.append(["geometric mean", *[""] * (1 + len(libraries)), *means, ""])
    return table([*header, "losses differ by"], rows)


def sklearn_table(results):
    """Return the table of the cases that scikit-learn's MLP can be."""
    kinds = {
        "sknet": "sknet, float32",
        "sklearn": "scikit-learn, float32",
        "sknet64": "sknet, float64",
        "sklearn64": "scikit-learn, float64",
    }
    pairs = {
        "float32": ("sklearn", "sknet"),
        "float64": ("sklearn64", "sknet64"),
        "float64 / float32": ("sklearn64", "sknet"),
    }
    results = [result for result in results if "sklearn" in result.times]
    rows = []
    for result in results:
        ratios = [show(result.ratio(*pair)) for pair in pairs.values()]
        rows.append([result.name, *map(result.step, kinds), *ratios])
    means = [show(geometric_mean(r.ratio(*pair) for r in results)) for pair in pairs.values()]
    rows.append(["geometric mean", *[""] * len(kinds), *means])
    return table(["case", *kinds.values(), *(f"ratio, {name}" for name in pairs)], rows)


def report(results, libraries):
    """Return both tables with what there is to know about them, in Markdown."""
    parts = [
        description(),
        "Milliseconds of a step, median and quartiles, in float32; ratios are the median of those "
        "of neighbouring turns, above 1 where sknet is faster.",
        frameworks_table(results, libraries),
    ]
    if any("sklearn" in result.times for result in results):
        parts += [
            "The networks that scikit-learn's MLP can be. The last ratio is for a user whose X is "
            'float64 and who sets `dtype="float32"`.',
            sklearn_table(results),
        ]
    return "\n\n".join(parts)


def write_section(path, text):
    """Put a text between the marks of a file; where there are none, at its end."""
    old = path.read_text() if path.exists() else ""
    before, _, rest = old.partition(BEGIN)
    after = rest.partition(END)[2] or "\n"
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def main(arguments=None):
    """Run what was asked for; return how many cases were not the same work for all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE",
        help=f"default: all of {', '.join(CASES)}",
    )  # fmt: skip
    parser.add_argument("--repeats", type=int, default=9, help="turns of each contestant")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables here")
    parser.add_argument(
        "--profile", nargs="+", choices=CASES, metavar="CASE", help="profile sknet's steps instead"
    )
    options = parser.parse_args(arguments)
    if options.profile:
        profile = import_module("products").profile
        for name in options.profile:
            profile(name, CASES[name])
        return 0
    libraries = [name for name, module in LIBRARIES.items() if load(module) is not None]
    results = []
    for name in options.cases:
        results.append(Result(name, options.repeats, libraries))
        ratios = ", ".join(f"{kind} {results[-1].ratio(kind):.2f}" for kind in results[-1].times)
        print(f"{name}: {ratios}", file=sys.stderr, flush=True)
    text = report(results, libraries)
    print(text)
    if options.markdown is not None:
        write_section(options.markdown, text)
    return sum(not result.agrees for result in results)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
