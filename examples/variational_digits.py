"""Digits drawn by a variational autoencoder: a density of images that can be sampled.

4,000 images of MNIST, their pixels black or white, each also moved by a pixel in the eight
directions. A network learns what a code of 20 normal numbers looks like as a digit, and the
evidence lower bound says how probable, at least, it makes digits that it has not seen. Shown are
digits that it draws, the way from one digit to another, and the map of all digits that a second
network with a code of two numbers makes. Run it with

    python examples/variational_digits.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split

from sknet import AutoencoderTransformer
from sknet.inspection import EmbeddingDisplay, LatentDisplay

DATA = Path(__file__).parent / "data" / "mnist_5k.npz"


def load_data(quick=False):
    """Return X_train, X_test, y_train, y_test: rows of 784 pixels, 0 or 1, and digits."""
    with np.load(DATA) as data:
        X, y = data["X"].reshape(-1, 28 * 28), data["y"]
    X = (X / 255 >= 0.5).astype(np.float32)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=1000, stratify=y, random_state=0
    )
    if quick:
        return X_train[:300], X_test[:100], y_train[:300], y_test[:100]
    return X_train, X_test, y_train, y_test


def with_shifts(X):
    """Return the images, and after them the same moved by a pixel in eight directions."""
    padded = np.pad(X.reshape(-1, 28, 28), ((0, 0), (1, 1), (1, 1)))
    offsets = [(1, 1), *((i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1))]
    return np.concatenate([padded[:, i : i + 28, j : j + 28] for i, j in offsets]).reshape(-1, 784)


def build_model(seed, quick=False, **parameters):
    """Return the autoencoder, with some parameters changed.

    Widths, rate and epochs were chosen by the bound of some of the training digits.
    """
    model = AutoencoderTransformer(
        n_components=20,
        hidden_layer_sizes=(512, 256),
        activation="gelu",
        variational=True,
        loss="log_loss",
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=2e-3,
        max_iter=12,
        tol=0,
        n_iter_no_change=np.inf,
        batch_size=100,
        dtype="float32",
        random_state=seed,
    ).set_params(**parameters)
    return model.set_params(max_iter=1) if quick else model


def bound_of_independent_pixels(X_train, X_test):
    """Return the mean log-likelihood under pixels that know nothing of one another."""
    ink = (X_train.sum(axis=0) + 1) / (len(X_train) + 2)
    return np.mean(X_test @ np.log(ink) + (1 - X_test) @ np.log1p(-ink))


def compare(seeds, quick):
    """Fit the models and print their bounds; return the first of 20 components and that of 2."""
    X_train, X_test, _, _ = load_data(quick)
    print(f"{len(X_train):,} digits to learn from, {len(X_test):,} to be judged by")
    print("Evidence lower bound of a digit, in nats (greater is better):\n")
    print(f"{'model':<30} {'training':>9} {'test':>9} {'fit s':>7}\n{'-' * 58}")
    pixels = [bound_of_independent_pixels(X_train, X) for X in (X_train, X_test)]
    print_row("independent pixels", pixels, 0)

    shifted, fitted, bounds = with_shifts(X_train), {}, []
    plans = {"20 components, no shifts": (seeds[0], X_train, {"max_iter": 30})}
    plans |= {f"20 components, seed {seed}": (seed, shifted, {}) for seed in seeds}
    # Two numbers cannot tell both what a digit looks like and where it stands.
    plane = {"n_components": 2, "max_iter": 40, "dropout": 0.1}
    plans["2 components, no shifts"] = (seeds[0], X_train, plane)
    parts = X_train[: 100 if quick else 1000], X_test
    for name, (seed, X, parameters) in plans.items():
        fitted[name] = build_model(seed, quick, **parameters)
        start = time.perf_counter()
        fitted[name].fit(X)
        seconds = time.perf_counter() - start
        found = [fitted[name].score_samples(part).mean() for part in parts]
        print_row(name, found, seconds)
        if "seed" in name:
            bounds.append(found[1])
    if len(seeds) > 1:
        print(f"\nMedian of {len(seeds)} seeds on test digits: {np.median(bounds):.2f} nats")
    return fitted[f"20 components, seed {seeds[0]}"], fitted["2 components, no shifts"]


def print_row(name, bounds, seconds):
    """Print a line of the table."""
    print(f"{name:<30} {bounds[0]:>9.2f} {bounds[1]:>9.2f} {seconds:>7.1f}", flush=True)


def mosaic(images, n_columns, gap=2):
    """Return one picture of many images, row by row, with white between them."""
    cells = np.pad(images.reshape(-1, n_columns, 28, 28), ((0, 0), (0, 0), (0, gap), (0, gap)))
    rows, columns, height, width = cells.shape
    picture = cells.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)
    return picture[: len(picture) - gap, : columns * width - gap]


def show(axes, picture, title=None, **options):
    """Show a picture in grey levels, white where nothing is drawn."""
    axes.imshow(picture, cmap="gray_r", vmin=0, vmax=1, **options)
    axes.set(title=title, xticks=[], yticks=[])


def draw_map(model, X, y, path):
    """Draw the codes of test digits, and what the points of the plane decode to."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 6), layout="constrained")
    EmbeddingDisplay(model.transform(X), y=y).plot(left)
    LatentDisplay.from_estimator(model, X, size=20, ax=right)
    left.set(title="the codes of test digits", xlabel="component 0", ylabel="component 1")
    left.set(xlim=right.get_xlim(), ylim=right.get_ylim())
    right.set_title("the digits that stand there")
    save(figure, path)


def draw_samples(model, X, path, seed=0, size=9):
    """Draw new digits next to real ones."""
    n_digits = size * size
    real = np.random.default_rng(seed).choice(len(X), n_digits, replace=False)
    figure, axes = plt.subplots(1, 2, figsize=(11, 5.8), layout="constrained")
    show(axes[0], mosaic(model.sample(n_digits, random_state=seed), size), "drawn by the network")
    show(axes[1], mosaic(X[real], size), "written by people: test digits")
    save(figure, path)


def draw_ways(model, X, y, path, pairs=((3, 8), (4, 9), (1, 7), (0, 6), (2, 5)), n_steps=11):
    """Draw what lies between the codes of two test digits."""
    rows = []
    for pair in pairs:
        begin, end = model.transform(np.stack([X[np.argmax(y == digit)] for digit in pair]))
        part = np.linspace(0, 1, n_steps)[:, None]
        rows.append(model.inverse_transform((1 - part) * begin + part * end))
    figure, axes = plt.subplots(figsize=(9.5, 4.7), layout="constrained")
    show(axes, mosaic(np.concatenate(rows), n_steps))
    axes.set_title("On the line from one code to another")
    save(figure, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Fit the autoencoders, print their bounds, and draw what they have learnt."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    model, plane = compare(options.seeds, options.quick)
    _, X, _, y = load_data(options.quick)
    draw_samples(model, X, options.output / "digits_drawn.png")
    draw_ways(model, X, y, options.output / "digits_between.png")
    draw_map(plane, X, y, options.output / "digits_plane.png")
    print(f"\nPictures of the networks of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
