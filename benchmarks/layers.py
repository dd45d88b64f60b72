"""Speed and memory of convolution, recurrence, attention and embeddings beside PyTorch.

Both train the same network on random data in batches of the same size, in float32, in one process,
in turns, with Adam. Run it with

    python benchmarks/layers.py [--repeats 7] [--cases cnn lstm ...]
"""

import argparse
import platform
import time
import tracemalloc
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import sknet
from sknet import NeuralClassifier
from sknet.layers import (
    GRU,
    LSTM,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePool1D,
    MaxPool2D,
    TransformerBlock,
)

warnings.filterwarnings("ignore", category=ConvergenceWarning)

CLASSES = 10
#: Batches of one run: so many that making the network, which sknet's fit includes, hardly counts.
BATCHES = {"cnn": 16, "lstm": 64, "gru": 64, "transformer": 16, "text": 128}
PAUSE = 0.3  # seconds before each run: idle threads of BLAS and OpenMP keep their core for a while
VOCABULARY = 10000

# shape of a sample, rows of a batch, layers
CASES = {
    "cnn": (
        (28, 28, 1),
        128,
        [
            Conv2D(32, 3, activation="relu"),
            MaxPool2D(2),
            Conv2D(64, 3, activation="relu"),
            MaxPool2D(2),
            Flatten(),
            Dense(128, activation="relu"),
        ],
    ),
    "lstm": ((50, 8), 64, [LSTM(64)]),
    "gru": ((50, 8), 64, [GRU(64)]),
    "transformer": (
        (64, 128),
        32,
        [TransformerBlock(4), TransformerBlock(4), GlobalAveragePool1D()],
    ),
    "text": (
        (100,),
        64,
        [
            Embedding(64, input_dim=VOCABULARY, mask_zero=True),
            GlobalAveragePool1D(),
            Dense(64, activation="relu"),
        ],
    ),
}


def make_data(name, batches):
    """Return random inputs and labels for a number of batches."""
    shape, batch, _ = CASES[name]
    rng = np.random.default_rng(0)
    n = batches * batch
    if name == "text":
        X = rng.integers(2, VOCABULARY, (n, *shape))
        X[np.arange(shape[0]) >= rng.integers(20, shape[0] + 1, n)[:, None]] = 0
    else:
        X = rng.normal(size=(n, *shape)).astype(np.float32)
    return X, np.arange(n) % CLASSES


def fit_sknet(name, X, y):
    """Return the seconds of one epoch and its loss."""
    shape, batch, layers = CASES[name]
    model = NeuralClassifier(
        layers=layers,
        input_shape=shape,
        batch_size=batch,
        max_iter=1,
        dtype="float32",
        alpha=0.0,
        random_state=0,
    )
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start, model.loss_


def torch_network(name):
    """Return the same network in PyTorch."""
    import torch
    from torch import nn

    class Recurrent(nn.Module):
        def __init__(self, kind):
            super().__init__()
            self.cells, self.out = kind(8, 64, batch_first=True), nn.Linear(64, CLASSES)

        def forward(self, x):
            return self.out(self.cells(x)[0][:, -1])

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            options = {"dropout": 0.0, "activation": "gelu", "batch_first": True}
            blocks = (
                nn.TransformerEncoderLayer(128, 4, 512, norm_first=True, **options)
                for _ in range(2)
            )
            self.blocks, self.out = nn.Sequential(*blocks), nn.Linear(128, CLASSES)

        def forward(self, x):
            return self.out(self.blocks(x).mean(dim=1))

    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(VOCABULARY, 64)
            self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, CLASSES))

        def forward(self, x):
            real = (x != 0).unsqueeze(-1)
            return self.head((self.table(x) * real).sum(dim=1) / real.sum(dim=1))

    torch.manual_seed(0)
    if name == "cnn":
        return nn.Sequential(
            nn.Conv2d(1, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(1600, 128),
            nn.ReLU(),
            nn.Linear(128, CLASSES),
        )
    if name in ("lstm", "gru"):
        return Recurrent(nn.LSTM if name == "lstm" else nn.GRU)
    return Attention() if name == "transformer" else Text()


def fit_torch(name, X, y):
    """Return the seconds of one epoch in PyTorch and its loss."""
    import torch

    batch = CASES[name][1]
    network = torch_network(name)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    rows, labels = torch.from_numpy(X), torch.from_numpy(y)
    if name == "cnn":  # channels first is its order; as it is faster, its memory is channels last
        rows = rows.movedim(-1, 1)
        network = network.to(memory_format=torch.channels_last)
    start, total = time.perf_counter(), 0.0
    for chosen in torch.randperm(len(rows)).split(batch):
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(network(rows[chosen]), labels[chosen])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(chosen)
    return time.perf_counter() - start, total / len(rows)


def has_torch():
    """Tell whether PyTorch is installed."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return False
    return True


def compare_training(names, repeats):
    """Print the time of a step and the ratio of neighbouring runs."""
    functions = {"sknet": fit_sknet}
    if has_torch():
        functions["PyTorch"] = fit_torch
    print("\nTraining, float32: milliseconds a step, and times sknet's speed")
    header = "".join(f"{name:>12}" for name in functions)
    print(f"{'case':<14}{header}{'ratio':>10}  losses")
    for name in names:
        X, y = make_data(name, BATCHES[name])
        seconds, losses = {kind: [] for kind in functions}, {}
        for _ in range(repeats + 1):
            for kind, function in functions.items():
                time.sleep(PAUSE)
                took, losses[kind] = function(name, X, y)
                seconds[kind].append(took)
        times = {kind: np.array(values[1:]) for kind, values in seconds.items()}
        shown = "".join(f"{np.median(t) / BATCHES[name] * 1e3:>12.2f}" for t in times.values())
        if "PyTorch" in times:
            shown += f"{np.median(times['PyTorch'] / times['sknet']):>10.2f}"
        print(f"{name:<14}{shown}  " + ", ".join(f"{loss:.3f}" for loss in losses.values()))


def measure_memory(names):
    """Print the peak of fit beyond X for two numbers of batches."""
    print("\nPeak memory of sknet's fit beyond X (tracemalloc), MB")
    print(f"{'case':<14}{'4 batches':>12}{'16 batches':>12}{'4 x weights':>14}")
    for name in names:
        peaks = []
        for batches in (4, 16):
            X, y = make_data(name, batches)
            X = X.astype(np.float32)
            fit_sknet(name, X, y)
            tracemalloc.start()
            fit_sknet(name, X, y)
            peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
            tracemalloc.stop()
        shape, _, layers = CASES[name]
        model = NeuralClassifier(layers=layers, input_shape=shape, max_iter=1, dtype="float32")
        weights = 4 * model.fit(X[:20], y[:20]).network_.n_params * 4 / 1e6
        print(f"{name:<14}{peaks[0]:>12.1f}{peaks[1]:>12.1f}{weights:>14.1f}")


def main():
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="runs of each contestant")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options = parser.parse_args()
    print(
        f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, "
        f"sknet {sknet.__version__}"
    )
    compare_training(options.cases, options.repeats)
    measure_memory(options.cases)


if __name__ == "__main__":
    main()
