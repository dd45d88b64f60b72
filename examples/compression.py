"""Compression: handwritten digits in a few numbers, by an autoencoder and by PCA.

Principal component analysis gives the best linear code of a size. Here an autoencoder is compared
with it at the same size, on digits that neither has seen: 8 numbers for the 8 x 8 digits of
scikit-learn, 32 for the 28 x 28 digits of MNIST, of which 4,000 are to learn from and 1,000 to be
judged by. The network also sees each MNIST digit moved by a pixel in each direction; the
components are those of the digits as they are. Run it with

    python examples/compression.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from sknet import AutoencoderTransformer
from sknet.inspection import ReconstructionDisplay

DATA = Path(__file__).parent / "data" / "mnist_5k.npz"

#: Size of the code of each kind of digits.
N_COMPONENTS = {"digits": 8, "mnist": 32}

#: What is tuned to each: widths, rate, rows of a batch, epochs.
PARAMETERS = {
    "digits": {
        "hidden_layer_sizes": (256, 128),
        "learning_rate_init": 3e-3,
        "batch_size": 32,
        "max_iter": 150,
    },
    "mnist": {
        "hidden_layer_sizes": (512, 256),
        "learning_rate_init": 2e-3,
        "batch_size": 64,
        "max_iter": 10,
    },
}


def load_data(kind, seed=0, quick=False):
    """Return X_train, X_test, y_train, y_test: rows of pixels in [0, 1], and digits.

    The digits are split anew for each seed, those of MNIST once and for all.
    """
    if kind == "digits":
        X, y = load_digits(return_X_y=True)
        X, options = X / 16, {"test_size": 0.2, "random_state": seed}
    else:
        with np.load(DATA) as data:
            X, y = data["X"].reshape(-1, 28 * 28) / 255, data["y"]
        options = {"test_size": 1000, "stratify": y, "random_state": 0}
    X_train, X_test, y_train, y_test = train_test_split(X.astype(np.float32), y, **options)
    if quick:
        return X_train[:250], X_test[:200], y_train[:250], y_test[:200]
    return X_train, X_test, y_train, y_test


def moved(X):
    """Return images of 28 x 28 as they are, and moved by a pixel up, down, left and right."""
    images = np.pad(X.reshape(-1, 28, 28), ((0, 0), (1, 1), (1, 1)))
    corners = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    return np.concatenate([images[:, i : i + 28, j : j + 28] for i, j in corners]).reshape(-1, 784)


def build_model(kind, seed, quick=False, n_components=None):
    """Return an autoencoder of two hidden layers on either side of the code.

    Widths, rate and epochs were chosen on a fifth of the training digits.
    """
    model = AutoencoderTransformer(
        n_components=n_components or N_COMPONENTS[kind],
        activation="gelu",
        solver="adamw",
        learning_rate="one_cycle",
        n_iter_no_change=np.inf,
        dtype="float32",
        random_state=seed,
        **PARAMETERS[kind],
    )
    return model.set_params(max_iter=2) if quick else model


def fit(kind, model, X_train):
    """Fit an autoencoder, to MNIST also moved by a pixel."""
    return model.fit(moved(X_train) if kind == "mnist" else X_train)


def linear_model(kind, X_train, n_components=None):
    """Return the principal components of the same number."""
    return PCA(n_components or N_COMPONENTS[kind], svd_solver="full").fit(X_train)


def project(pca, X):
    """Return the best linear reconstructions."""
    return pca.inverse_transform(pca.transform(X))


def squared_error(X, reconstruction):
    """Return the mean squared error, over rows and pixels."""
    return np.mean((X - reconstruction) ** 2, dtype=np.float64)


def compare(kind, seeds, quick):
    """Print how far the network's error is below that of PCA; return the first network."""
    models, reductions = [], []
    for seed in seeds:
        X_train, X_test, _, _ = load_data(kind, seed, quick)
        start = time.perf_counter()
        models.append(fit(kind, build_model(kind, seed, quick), X_train))
        seconds = time.perf_counter() - start
        linear = squared_error(X_test, project(linear_model(kind, X_train), X_test))
        error = squared_error(X_test, models[-1].reconstruct(X_test))
        reductions.append(100 * (1 - error / linear))
        name = f"{kind} in {N_COMPONENTS[kind]} numbers, seed {seed}"
        print(f"{name:<30} {linear:>9.5f} {error:>9.5f} {reductions[-1]:>8.1f} % {seconds:>7.1f}")
    if len(seeds) > 1:
        print(f"{'median':<30} {'':>19} {np.median(reductions):>8.1f} %")
    return models[0]


def draw_reconstructions(X, y, pca, model, path):
    """Draw a digit of each class, and what is left of it in the code and in the components."""
    shown = np.stack([X[y == digit][0] for digit in range(10)])
    size = round(X.shape[1] ** 0.5)
    figure, axes = plt.subplots(2, 1, figsize=(10, 4.8), layout="constrained")
    ReconstructionDisplay.from_estimator(
        model, shown, n_samples=10, image_shape=(size, size), ax=axes[0]
    )
    components = project(pca, shown)
    ReconstructionDisplay(shown, components, image_shape=(size, size)).plot(axes[1])
    for axis, name, made in zip(
        axes, ("autoencoder", "PCA"), (model.reconstruct(shown), components), strict=True
    ):
        axis.set_title(f"{name}, {pca.n_components_} numbers: {squared_error(shown, made):.4f}")
    save(figure, path)


def draw_sizes(kind, seed, quick, path):
    """Draw the errors of both methods over the size of the code."""
    X_train, X_test, _, _ = load_data(kind, seed, quick)
    sizes = [2, 8] if quick else [1, 2, 4, 8, 16, 32]
    networks, components = [], []
    for size in sizes:
        network = build_model(kind, seed, quick, size).fit(X_train)
        networks.append(squared_error(X_test, network.reconstruct(X_test)))
        components.append(
            squared_error(X_test, project(linear_model(kind, X_train, size), X_test))
        )
    figure, axes = plt.subplots(figsize=(6, 4.2), layout="constrained")
    axes.loglog(sizes, components, "o--", color="tab:gray", label="PCA")
    axes.loglog(sizes, networks, "o-", color="tab:blue", label="autoencoder")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set(
        title="Test digits of 8 x 8 pixels",
        xlabel="numbers a digit is kept in",
        ylabel="mean squared error",
    )
    axes.legend()
    save(figure, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare both methods and draw what is left of the digits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    seed, quick = options.seeds[0], options.quick

    header = f"{'squared error of test digits':<30} {'PCA':>9} {'network':>9} {'below':>10}"
    print(f"{header} {'fit s':>7}\n{'-' * 69}")
    for kind in N_COMPONENTS:
        model = compare(kind, options.seeds, quick)
        X_train, X_test, _, y_test = load_data(kind, seed, quick)
        pca = linear_model(kind, X_train)
        path = options.output / f"compression_{kind}.png"
        draw_reconstructions(X_test, y_test, pca, model, path)
    draw_sizes("digits", seed, quick, options.output / "compression_sizes.png")
    print(f"\nPictures of the networks of seed {seed} saved to {options.output}/")


if __name__ == "__main__":
    main()
