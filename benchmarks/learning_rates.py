"""The rate that learning_rate_range suggests, compared with the best of a grid.

On the ten tables of benchmarks/tables.py, standardized, and on MNIST a network of 64 units is
trained for 15 epochs, by Adam and with batches of 64 rows, with each rate of the grid; the best
one is that of the least validation loss. Run it with

    python benchmarks/learning_rates.py
"""

import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknet import NeuralClassifier, NeuralRegressor
from sknet.inspection import learning_rate_range

DATA = Path(__file__).parent.parent / "examples" / "data"
GRID = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
N_ROWS = 3000


def data_sets():
    """Yield name, scaled features, target and whether that is a class."""
    for path in sorted((DATA / "tables").glob("*.npz")):
        with np.load(path) as data:
            X, y, is_class = data["X"], data["y"], str(data["task"]) != "regression"
        rows = np.random.default_rng(0).permutation(len(X))[:N_ROWS]
        X = np.nan_to_num(StandardScaler().fit_transform(X[rows].astype(float)))
        yield path.stem, X, y[rows], is_class
    with np.load(DATA / "mnist_5k.npz") as data:
        yield "mnist_5k", data["X"][::3].reshape(-1, 28 * 28) / 255, data["y"][::3], True


def main():
    """Print the rates of each data set and their ratio."""
    warnings.simplefilter("ignore")
    print(f"{'':<22}{'best of grid':>14}{'suggested':>12}{'ratio':>8}")
    ratios = []
    for name, X, y, is_class in data_sets():
        kind = NeuralClassifier if is_class else NeuralRegressor
        model = kind((64,), batch_size=64, max_iter=15, tol=0, random_state=0)
        X_train, X_val, y_train, y_val = train_test_split(X, y, random_state=0)
        suggestion = learning_rate_range(model, X_train, y_train, random_state=0).suggestion
        losses = []
        for rate in GRID:
            fitted = clone(model).set_params(learning_rate_init=rate)
            fitted.fit(X_train, y_train, X_val=X_val, y_val=y_val)
            losses.append(fitted.history_["validation_loss"][-1])
        best = GRID[int(np.nanargmin(losses))]
        ratios.append(suggestion / best)
        print(f"{name:<22}{best:>14.0e}{suggestion:>12.1e}{ratios[-1]:>8.2f}", flush=True)
    near = sum(1 / 3 <= ratio <= 3 for ratio in ratios)
    print(f"\nWithin a factor of three: {near} of {len(ratios)}")


if __name__ == "__main__":
    main()
