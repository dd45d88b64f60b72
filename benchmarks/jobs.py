"""Whole jobs beside scikit-learn, PyTorch, JAX and skorch, where they are installed.

The time of a fit to a certain loss, of a grid search, of the first fit in a new process and of
predictions; the memory of a fit; how the time of a fit grows with rows, features and width. Run it
with

    python benchmarks/jobs.py [--parts search predict ...] [--repeats 5]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
from cases import CASES
from machine import description, n_cores, table
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from speed import LIBRARIES, PAUSE, contestants, load
from threadpoolctl import threadpool_info, threadpool_limits

from sknet import NeuralClassifier

warnings.filterwarnings("ignore", category=ConvergenceWarning)


def in_turns(functions, repeats):
    """Call functions in turns, once without counting; return the median seconds by name."""
    seconds = {name: [] for name in functions}
    for _ in range(repeats + 1):
        for name, function in functions.items():
            time.sleep(PAUSE)
            begin = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - begin)
    return {name: float(np.median(values[1:])) for name, values in seconds.items()}


def print_times(title, times, unit=1.0, name="seconds"):
    """Print times, and what they are of the first one."""
    base = next(iter(times.values()))
    rows = [[kind, f"{value / unit:.4g}", f"{value / base:.2f}"] for kind, value in times.items()]
    print(f"\n{title}\n\n{table(['', name, '/ sknet'], rows)}", flush=True)


def make_data(rows, features, classes=2, dtype=np.float32):
    """Return standardized rows and labels."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, features), dtype=np.float32).astype(dtype)
    return X, (X[:, :10] @ rng.standard_normal((10, classes))).argmax(axis=1)


def same_loss(repeats):
    """Time a training, all that comes before the first step included, down to one loss.

    All start from the same weights and take the same batches, so they need the same epochs.
    """
    for name, target in (("mlp_small", 0.05), ("mlp_medium", 0.05), ("lstm", 2.0)):
        case = CASES[name]
        losses = case.model(60).fit(*_given(case)).history_["loss"]
        epochs = next((i + 1 for i, loss in enumerate(losses) if loss <= target), len(losses))
        reached = {}

        def train(kind, case=case, epochs=epochs, reached=reached):
            libraries = [kind] if kind in LIBRARIES else []
            contestant = contestants(case, libraries)[kind]  # JAX compiles anew
            begin = time.perf_counter()
            reached.setdefault(kind, [[], 0.0])
            reached[kind][1] = contestant.train(epochs)[1][-1]
            reached[kind][0].append(time.perf_counter() - begin)

        kinds = ["sknet", *(kind for kind, module in LIBRARIES.items() if load(module))]
        kinds += ["sklearn"] * case.has_sklearn
        for _ in range(repeats):
            for kind in kinds:
                time.sleep(PAUSE)
                train(kind)
        title = f"Training of {name}, {epochs} epochs, to the loss " + ", ".join(
            f"{loss:.4f} ({kind})" for kind, (_, loss) in reached.items()
        )
        print_times(title, {kind: float(np.median(s)) for kind, (s, _) in reached.items()})


def _given(case):
    rows = case.data()
    return rows.X, rows.y


def search(repeats):
    """Time a grid search of 12 candidates by 3 folds on digits, on two processes."""
    X, y = load_digits(return_X_y=True)
    X /= 16.0
    sizes, alphas, rates = [(50,), (100,), (100, 50)], [1e-4, 1e-2], [1e-3, 1e-2]
    grid = {"hidden_layer_sizes": sizes, "alpha": alphas, "learning_rate_init": rates}
    options = {"max_iter": 50, "tol": 0.0, "n_iter_no_change": 100, "random_state": 0}
    jobs = {
        "sknet": (NeuralClassifier(dtype="float32", **options), grid, X),
        "sknet, float64": (NeuralClassifier(**options), grid, X),
        "scikit-learn, float64": (MLPClassifier(**options), grid, X),
        "scikit-learn, float32": (MLPClassifier(**options), grid, X.astype(np.float32)),
    }
    try:
        net = skorch_classifier(max_epochs=50)
    except ImportError:
        print("\nskorch is not installed.")
    else:
        grid = {"module__hidden": sizes, "optimizer__weight_decay": alphas, "lr": rates}
        jobs["skorch"] = (net, grid, X.astype(np.float32))
    scores = {}

    def run(name):
        estimator, grid, X = jobs[name]
        scores[name] = GridSearchCV(estimator, grid, cv=3, n_jobs=2).fit(X, y).best_score_

    times = in_turns({name: (lambda name=name: run(name)) for name in jobs}, repeats)
    shown = ", ".join(f"{name} {100 * score:.1f} %" for name, score in scores.items())
    print_times(f"GridSearchCV, 12 candidates, 3 folds, 50 epochs; best score {shown}", times)


def skorch_classifier(max_epochs):
    """Return skorch's classifier of digits, with scikit-learn's defaults."""
    import torch
    from skorch import NeuralNetClassifier
    from torch import nn

    class Digits(nn.Module):
        def __init__(self, hidden=(100,)):
            super().__init__()
            widths, layers = [64, *hidden], []
            for fan_in, fan_out in pairwise(widths):
                layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
            self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 10))

        def forward(self, X):
            return self.layers(X)

    return NeuralNetClassifier(
        Digits,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        batch_size=200,
        max_epochs=max_epochs,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )


_DATA = """
import numpy as np
X = np.random.default_rng(0).standard_normal((2000, 20), dtype=np.float32)
y = (X[:, 0] > 0).astype(int)
"""
FIRST_FITS = {
    "sknet": "from sknet import NeuralClassifier as C; C(max_iter=10).fit(X, y)",
    "scikit-learn": (
        "from sklearn.neural_network import MLPClassifier as C; C(max_iter=10).fit(X, y)"
    ),
    "PyTorch": """
import torch
from torch import nn
network = nn.Sequential(nn.Linear(20, 100), nn.ReLU(), nn.Linear(100, 1))
optimizer = torch.optim.Adam(network.parameters(), fused=True)
x, target = torch.from_numpy(X), torch.from_numpy(y[:, None]).float()
for _ in range(10):
    for chosen in torch.randperm(2000).split(200):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(network(x[chosen]), target[chosen])
        loss.backward()
        optimizer.step()
""",
    "JAX": """
import jax, jax.numpy as jnp
rng = np.random.default_rng(0)
w = [jnp.array(rng.standard_normal(s, dtype=np.float32) / 5) for s in ((20, 100), (100, 1))]
m, v = [0 * p for p in w], [0 * p for p in w]
def loss(w, x, y):
    z = (jax.nn.relu(x @ w[0]) @ w[1])[:, 0]
    return (jax.nn.softplus(z) - y * z).mean()
@jax.jit
def step(w, m, v, t, x, y):
    g = jax.grad(loss)(w, x, y)
    m = [0.9 * a + 0.1 * b for a, b in zip(m, g)]
    v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g)]
    rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return [p - rate * a / (jnp.sqrt(b) + 1e-8) for p, a, b in zip(w, m, v)], m, v
t = 0
for _ in range(10):
    order = rng.permutation(2000)
    for i in range(0, 2000, 200):
        t += 1
        w, m, v = step(w, m, v, t, X[order[i : i + 200]], y[order[i : i + 200]])
jax.block_until_ready(w)
""",
}


@contextmanager
def new_processes():
    """Give the block a function that runs code in a new process, with bytecode cached."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(code):
            command = [sys.executable, "-W", "ignore", "-c", code]
            subprocess.run(command, check=True, capture_output=True, env=environment)

        yield run


def first_fit(repeats):
    """Time new processes that import a library and fit once, ten epochs of a small network."""
    installed = {name for name, module in LIBRARIES.items() if load(module)}
    codes = {k: c for k, c in FIRST_FITS.items() if k in installed or k not in LIBRARIES}
    codes["NumPy alone, no fit"] = ""
    with new_processes() as run:
        turns = {k: (lambda code=code: run(_DATA + code)) for k, code in codes.items()}
        times = in_turns(turns, repeats)
    print_times("First fit in a new process, imports included", times)


def predict(repeats):
    """Time `predict` of one row and of 100,000."""
    for dtype in (np.float32, np.float64):
        X, y = make_data(100_000, 20, dtype=dtype)
        models = {
            "sknet": NeuralClassifier(max_iter=2, random_state=0).fit(X[:2000], y[:2000]),
            "scikit-learn": MLPClassifier(max_iter=2, random_state=0).fit(X[:2000], y[:2000]),
        }
        functions = {name: model.predict for name, model in models.items()}
        if load(LIBRARIES["PyTorch"]):
            functions["PyTorch"] = torch_predict(dtype)
        for n, calls in ((1, 500), (100_000, 3)):

            def call(function, X=X[:n], calls=calls):
                for _ in range(calls):
                    function(X)

            turns = {name: (lambda f=f, call=call: call(f)) for name, f in functions.items()}
            times = in_turns(turns, repeats)
            times = {name: value / calls for name, value in times.items()}
            title = f"predict of {n} rows of 20 features, 100 hidden units, {dtype.__name__}"
            print_times(title, times, 1e-6, "microseconds")


def torch_predict(dtype):
    """Return a function that predicts with a network of 100 hidden units in PyTorch."""
    import torch
    from torch import nn

    network = nn.Sequential(nn.Linear(20, 100), nn.ReLU(), nn.Linear(100, 1))
    network.to(torch.from_numpy(np.empty(0, dtype)).dtype).eval()

    def function(X):
        with torch.inference_mode():
            return (network(torch.from_numpy(X))[:, 0] > 0).numpy()

    return function


def peak_of_fit(fit):
    """Return the largest memory that a call holds by tracemalloc, in MB."""
    tracemalloc.start()
    try:
        fit()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def memory(repeats):
    """Print the peak of fit beyond X: by precision, and by numbers of batches and epochs."""
    rows = []
    for dtype, given in (("float32", "float32"), ("float32", "float64"), (None, "float64")):
        X, y = make_data(20_000, 300, 10, given)
        options = {"max_iter": 1, "dtype": dtype, "random_state": 0}
        model = NeuralClassifier((1000, 1000), **options)
        NeuralClassifier((1000, 1000), **options).fit(X[:400], y[:400])
        peak = peak_of_fit(lambda model=model, X=X, y=y: model.fit(X, y))
        network = model.network_
        size = network.dtype.itemsize / 1e6
        copy = 0.0 if given == network.dtype else X.size * size
        parameters = 4 * network.n_params * size
        cells = [peak, copy, parameters, peak - copy - parameters]
        rows.append([f"{given}, computing in {network.dtype}", *(f"{c:.1f}" for c in cells)])
    print("\nPeak memory of fit beyond X in MB: 20,000 rows of 300, two layers of 1,000 units\n")
    print(table(["X", "peak", "copy of X", "4 x parameters", "the rest"], rows))

    rows = []
    for name, case in CASES.items():
        data = case.data()
        network = case.model(1).fit(data.X, data.y).network_
        cells = [4 * network.n_params * 4 / 1e6]
        for batches, epochs in ((2, 1), (4, 1), (4, 4)):
            n = min(batches * case.batch, case.n_rows)
            X, y = data.X[:n], None if data.y is None else data.y[:n]
            if name == "text":
                X = X.astype(np.float32)
            cells.append(peak_of_fit(lambda X=X, y=y, e=epochs, c=case: c.model(e).fit(X, y)))
        rows.append([name, *(f"{cell:.1f}" for cell in cells)])
    print("\nPeak memory of fit beyond X in MB, float32\n")
    header = ["case", "4 x parameters", "2 batches", "4 batches", "4 batches, 4 epochs"]
    print(table(header, rows), flush=True)


def imports(repeats):
    """Time imports: what sknet adds to importing scikit-learn's MLP."""
    codes = ("import sklearn.neural_network", "import sklearn.neural_network, sknet")
    with new_processes() as run:
        turns = {code: (lambda code=code: run(code)) for code in codes}
        without, with_sknet = in_turns(turns, 2 * repeats).values()
    print(f"\nImporting sknet adds {(with_sknet - without) * 1e3:.0f} ms to scikit-learn's MLP.")


#: Rows, features and width of the hidden layer: one of them grows at a time.
GROWTH = {
    "rows": [(n, 20, 100) for n in (1_000, 10_000, 100_000, 1_000_000)],
    "features": [(2_000, n, 100) for n in (10, 100, 1_000, 10_000)],
    "width": [(2_000, 20, n) for n in (10, 100, 1_000, 10_000)],
}


def growth(repeats):
    """Print the time of a fit of one epoch as rows, features and width grow."""
    for axis, sizes in GROWTH.items():
        lines = []
        for size in sizes:
            X, y = make_data(*size[:2])
            models = {
                "sknet": NeuralClassifier(size[2], max_iter=1, random_state=0),
                "scikit-learn": MLPClassifier(size[2], max_iter=1, random_state=0),
            }
            fits = {k: (lambda m=model, X=X, y=y: m.fit(X, y)) for k, model in models.items()}
            times = in_turns(fits, min(repeats, 3))
            ratio = times["scikit-learn"] / times["sknet"]
            cells = (f"{1e3 * value:.4g}" for value in times.values())
            lines.append([f"{max(size) if axis == 'rows' else size[1 + (axis == 'width')]:,}",
                          *cells, f"{ratio:.2f}"])  # fmt: skip
        print(f"\nMilliseconds of a fit of one epoch as the {axis} grow\n")
        print(table([axis, "sknet", "scikit-learn", "ratio"], lines), flush=True)


def threads(repeats):
    """Print how long a step takes by the threads that BLAS may use; fits must not change that."""
    counts = sorted({1, n_cores(), 4 * n_cores()})
    lines = []
    for name in ("mlp_tiny", "mlp_small", "mlp_medium", "mlp_wide"):
        found = contestants(CASES[name], [])
        steps = {(kind, n): [] for kind in ("sknet", "sklearn") for n in counts}
        for _ in range(repeats):
            for kind, n in steps:
                time.sleep(PAUSE)
                with threadpool_limits(n, user_api="blas"):
                    before = threadpool_info()
                    seconds, _ = found[kind].train(3)
                    if threadpool_info() != before:
                        raise RuntimeError(f"{kind} left other numbers of threads behind")
                steps[kind, n] += [1e3 * value / CASES[name].steps for value in seconds[1:]]
        for kind in ("sknet", "sklearn"):
            cells = [f"{np.median(steps[kind, n]):.3g}" for n in counts]
            lines.append([f"{name}, {kind}", *cells])
    print("\nMilliseconds of a step by the number of threads that BLAS may use\n")
    print(table(["", *(str(n) for n in counts)], lines), flush=True)


PARTS = {
    "loss": same_loss,
    "search": search,
    "first_fit": first_fit,
    "predict": predict,
    "memory": memory,
    "imports": imports,
    "growth": growth,
    "threads": threads,
}


def main(arguments=None):
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--repeats", type=int, default=5, help="turns of each contestant")
    options = parser.parse_args(arguments)
    print(description())
    for name in options.parts:
        PARTS[name](options.repeats)


if __name__ == "__main__":
    main()
