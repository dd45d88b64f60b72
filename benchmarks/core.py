"""Speed and memory of dense networks beside scikit-learn's MLP, and PyTorch where installed.

All train the same network on batches of the same size, in one process, in turns, with Adam; it
prints the median time of a step and the median of the ratios of neighbouring runs. Run it with

    python benchmarks/core.py [--repeats 9] [--no-torch]
"""

import argparse
import platform
import subprocess
import sys
import time
import tracemalloc
import warnings
from itertools import pairwise

import numpy as np
import scipy
import sklearn
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

import sknet
from sknet import NeuralClassifier

warnings.filterwarnings("ignore", category=ConvergenceWarning)

# rows, features, hidden layers, batch, classes, epochs of one run
CASES = [
    (2000, 20, (100,), 200, 2, 50),
    (10000, 20, (64, 64), 128, 2, 10),
    (20000, 100, (256, 128), 256, 2, 5),
    (10000, 784, (512, 256), 256, 10, 3),
]
# Seconds before each run: threads of BLAS and OpenMP that have nothing to do keep their core busy
# for a while, and that should not count against whoever comes next.
PAUSE = 0.3


def make_data(rows, features, classes, dtype):
    """Return standardized rows and labels."""
    X, y = make_classification(rows, features, n_informative=10, n_classes=classes, random_state=0)
    return ((X - X.mean(axis=0)) / X.std(axis=0)).astype(dtype), y


def fit_estimator(estimator, X, y, hidden, batch, epochs):
    """Return the seconds of a fit and the loss of its last epoch."""
    model = estimator(
        hidden, batch_size=batch, max_iter=epochs, tol=0.0, n_iter_no_change=10**6, random_state=0
    )
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start, model.loss_


def fit_torch(X, y, hidden, batch, epochs):
    """Return the seconds of the same training in PyTorch and the loss of its last epoch."""
    import torch

    torch.manual_seed(0)
    dtype = torch.from_numpy(X).dtype
    classes = int(y.max()) + 1
    widths = [X.shape[1], *hidden, classes if classes > 2 else 1]
    layers = []
    for fan_in, fan_out in pairwise(widths):
        layers += [torch.nn.Linear(fan_in, fan_out, dtype=dtype), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    if classes > 2:
        loss_function, target = torch.nn.CrossEntropyLoss(), torch.from_numpy(y)
    else:
        loss_function = torch.nn.BCEWithLogitsLoss()
        target = torch.from_numpy(y.reshape(-1, 1)).to(dtype)
    optimizer = torch.optim.Adam(network.parameters(), weight_decay=0, fused=True)
    rows = torch.from_numpy(X)
    start = time.perf_counter()
    for _ in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(rows)).split(batch):
            optimizer.zero_grad(set_to_none=True)
            loss = loss_function(network(rows[chosen]), target[chosen])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
    return time.perf_counter() - start, total / len(rows)


def contestants(with_torch):
    """Return the functions that train, by name."""
    found = {
        "sknet": lambda *job: fit_estimator(NeuralClassifier, *job),
        "scikit-learn": lambda *job: fit_estimator(MLPClassifier, *job),
    }
    try:
        import torch  # noqa: F401
    except ImportError:
        return found
    return {**found, "PyTorch": fit_torch} if with_torch else found


def compare_training(repeats, with_torch=True):
    """Print one table for each dtype."""
    functions = contestants(with_torch)
    for dtype in (np.float32, np.float64):
        print(f"\nTraining, {dtype.__name__}: microseconds a step, and times sknet's speed")
        print(f"{'rows, features, hidden, batch, classes':<42}", end="")
        print("".join(f"{name:>14}" for name in functions), end="")
        print("".join(f"{'/ ' + name:>14}" for name in functions if name != "sknet"), " losses")
        logs = []
        for rows, features, hidden, batch, classes, epochs in CASES:
            X, y = make_data(rows, features, classes, dtype)
            steps = epochs * -(-rows // batch)
            seconds, losses = {name: [] for name in functions}, {}
            for _ in range(repeats):
                for name, function in functions.items():
                    time.sleep(PAUSE)
                    took, losses[name] = function(X, y, hidden, batch, epochs)
                    seconds[name].append(took)
            times = {name: np.array(values) for name, values in seconds.items()}
            ratios = {n: np.median(t / times["sknet"]) for n, t in times.items() if n != "sknet"}
            logs.append([np.log(ratio) for ratio in ratios.values()])
            print(f"{(rows, features, hidden, batch, classes)!s:<42}", end="")
            print("".join(f"{np.median(t) / steps * 1e6:>14.0f}" for t in times.values()), end="")
            print("".join(f"{ratio:>14.2f}" for ratio in ratios.values()), end="  ")
            print(", ".join(f"{loss:.3f}" for loss in losses.values()), flush=True)
        means = np.exp(np.mean(logs, axis=0))
        print(f"{'geometric mean':<{42 + 14 * len(functions)}}", end="")
        print("".join(f"{mean:>14.2f}" for mean in means))


def compare_prediction():
    """Print the time of predict_proba for one row and for many."""
    X, y = make_data(20000, 20, 2, np.float64)
    models = {
        "sknet": NeuralClassifier(max_iter=5, random_state=0).fit(X[:2000], y[:2000]),
        "scikit-learn": MLPClassifier(max_iter=5, random_state=0).fit(X[:2000], y[:2000]),
    }
    for n, repeats in ((1, 2000), (20000, 40)):
        seconds = {name: [] for name in models}
        for _ in range(repeats):
            for name, model in models.items():
                start = time.perf_counter()
                model.predict_proba(X[:n])
                seconds[name].append(time.perf_counter() - start)
        medians = {name: np.median(values) * 1e6 for name, values in seconds.items()}
        shown = ", ".join(f"{name} {value:.0f} us" for name, value in medians.items())
        print(f"predict_proba of {n} rows: {shown}")


def measure_memory():
    """Print the peak of fit beyond X, in copies of X and of the parameters."""
    print("\nPeak memory of fit beyond X (tracemalloc), MB")
    for dtype, given in (("float32", "float32"), ("float32", "float64"), (None, "float64")):
        X, y = make_data(20000, 300, 10, given)
        model = NeuralClassifier((1000, 1000), max_iter=1, dtype=dtype, random_state=0)
        warmed = NeuralClassifier((1000, 1000), max_iter=1, dtype=dtype, random_state=0)
        warmed.fit(X[:400], y[:400])
        tracemalloc.start()
        model.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        network = model.network_
        size = network.dtype.itemsize
        parameters = 4 * network.n_params * size / 1e6
        copy = 0.0 if given == network.dtype else X.size * size / 1e6
        widths = [layer.output_shape_[0] for _, layer in network.layer.sublayers()]
        # each layer: its output and the gradient of its input; the batch of X; relu's masks
        workspace = 200 * (2 * sum(widths) + 2 * X.shape[1]) * size / 1e6
        workspace += 200 * sum(widths) * (1 + size) / 1e6
        print(
            f"  X {given}, computing in {network.dtype}: {peak:6.1f} = "
            f"copy of X {copy:.1f} + 4 x parameters {parameters:.1f} + rest "
            f"{peak - copy - parameters:.1f} (batch workspace {workspace:.1f}, targets and order "
            f"{len(y) * 8 * 4 / 1e6:.1f})"
        )


def measure_import(repeats=9):
    """Print what importing sknet adds to importing scikit-learn's MLP."""
    codes = ("import sklearn.neural_network", "import sklearn.neural_network, sknet")
    seconds = {code: [] for code in codes}
    for _ in range(repeats):
        for code in codes:
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            seconds[code].append(time.perf_counter() - start)
    without, with_sknet = (min(values) for values in seconds.values())
    print(f"\nImporting sknet adds {(with_sknet - without) * 1e3:.0f} ms to scikit-learn's MLP")


def main():
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9, help="runs of each contestant")
    parser.add_argument("--no-torch", action="store_true", help="leave out PyTorch")
    options = parser.parse_args()
    versions = f"numpy {np.__version__}, scipy {scipy.__version__}"
    versions += f", scikit-learn {sklearn.__version__}, sknet {sknet.__version__}"
    print(f"{platform.machine()}, Python {platform.python_version()}, {versions}")
    compare_training(options.repeats, not options.no_torch)
    compare_prediction()
    measure_memory()
    measure_import()


if __name__ == "__main__":
    main()
