"""Digits recognized from few labels: an autoencoder learns from those that have none.

Of 4,000 handwritten digits only 100 are labelled, ten a class. An autoencoder is trained on all
4,000, whose labels it does not see: it is to restore digits of which 80 % of the pixels are set to
0. Its encoder starts a classifier, which is trained further on the labelled digits. It is compared
with the same layers from random weights, on 1,000 other digits. How each of the classifiers is
trained (rate, and dropout of random weights) is chosen by cross-validation on the labelled digits
alone. The dense network gains from such a start. The same is done with convolutions, whose
autoencoder removes normal noise instead; they know of neighbourhoods from the outset, and rather
lose by it. Run it with

    python examples/few_labels.py [--output DIRECTORY] [--quick] [--seeds 0 1 2 3 4]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, train_test_split

from sknet import AutoencoderTransformer, NeuralClassifier
from sknet.inspection import FiltersDisplay, ReconstructionDisplay
from sknet.layers import Conv2D, Conv2DTranspose, Dense, Dropout, Flatten, Pretrained, Reshape

DATA = Path(__file__).parent / "data" / "mnist_5k.npz"
N_COMPONENTS = 64
MASKED = 0.8
KINDS = ("dense", "convolutional")

#: What the autoencoders are to remove, and how many epochs they are trained.
NOISE = {"dense": {"noise": MASKED, "noise_type": "masking"}, "convolutional": {"noise": 0.8}}
EPOCHS = {"dense": 20, "convolutional": 10}

#: What every network shares; the schedule has an end, and is run to it.
TRAINING = {
    "input_shape": (28, 28, 1),
    "solver": "adamw",
    "learning_rate": "one_cycle",
    "n_iter_no_change": np.inf,
    "dtype": "float32",
}


def load_data(quick=False):
    """Return X_train, X_test, y_train, y_test: rows of pixels in [0, 1], and digits."""
    with np.load(DATA) as data:
        X, y = data["X"].reshape(-1, 28 * 28), data["y"]
    X = np.divide(X, 255, dtype=np.float32)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=1000, stratify=y, random_state=0
    )
    if quick:
        return X_train[:400], X_test[:200], y_train[:400], y_test[:200]
    return X_train, X_test, y_train, y_test


def draw_labels(y, n_labels, seed):
    """Return the rows that are labelled: equally many of each class, at random."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.permutation(np.flatnonzero(y == digit))[: n_labels // 10] for digit in range(10)]
    )


def hidden_layers(kind, dropout):
    """Return the layers before the code."""
    if kind == "dense":
        return [Flatten(), 512, Dropout(dropout), 256, Dropout(dropout)]
    halving = {"kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"}
    return [Conv2D(16, **halving), Conv2D(32, **halving), Flatten(), Dropout(dropout)]


def decoder(kind):
    """Return the layers after the code."""
    if kind == "dense":
        return [256, 512]
    doubling = {"kernel_size": 3, "strides": 2, "padding": "same"}
    return [
        Dense(7 * 7 * 32, activation="relu"),
        Reshape((7, 7, 32)),
        Conv2DTranspose(16, activation="relu", **doubling),
        Conv2DTranspose(1, **doubling),
    ]


def build_autoencoder(kind, seed, quick=False):
    """Return an autoencoder that restores masked or noisy digits.

    Noise, code, rate and epochs were chosen on a fifth of the training digits.
    """
    return AutoencoderTransformer(
        N_COMPONENTS,
        encoder=hidden_layers(kind, dropout=0.2),
        decoder=decoder(kind),
        **NOISE[kind],
        learning_rate_init=2e-3,
        batch_size=64,
        max_iter=2 if quick else EPOCHS[kind],
        random_state=seed,
        **TRAINING,
    )


def build_classifier(layers, seed, quick=False):
    """Return a classifier of given layers, trained as long whatever they are."""
    return NeuralClassifier(
        layers=layers,
        batch_size=20,
        max_iter=5 if quick else 40,
        random_state=seed,
        **TRAINING,
    )


def from_scratch(kind, X, y, seed, quick=False):
    """Return a classifier of random weights; dropout and rate are cross-validated."""

    def layers(dropout):
        return [*hidden_layers(kind, dropout), Dense(N_COMPONENTS)]

    options = {"layers": [layers(rate) for rate in ([0.2] if quick else [0.0, 0.2, 0.5])]}
    return choose(options, build_classifier(None, seed, quick), X, y, quick)


def from_autoencoder(autoencoder, X, y, seed, quick=False):
    """Return a classifier that starts from an encoder; the rate is cross-validated."""
    classifier = build_classifier([Pretrained(autoencoder, trainable=True)], seed, quick)
    return choose({}, classifier, X, y, quick)


def choose(options, classifier, X, y, quick):
    """Fit with the options that do best in cross-validation on the same labelled rows."""
    grid = {**options, "learning_rate_init": [3e-3] if quick else [1e-3, 3e-3]}
    return GridSearchCV(classifier, grid, cv=2 if quick else 5).fit(X, y).best_estimator_


def fit_both(kind, data, seed, quick=False, n_labels=100):
    """Return the autoencoder and both classifiers, and their accuracies on the test digits."""
    X_train, X_test, y_train, y_test = data
    autoencoder = build_autoencoder(kind, seed, quick).fit(X_train)
    rows = draw_labels(y_train, n_labels, seed)
    labelled = X_train[rows], y_train[rows]
    classifiers = (
        from_scratch(kind, *labelled, seed, quick),
        from_autoencoder(autoencoder, *labelled, seed, quick),
    )
    accuracies = [model.score(X_test, y_test) for model in classifiers]
    return autoencoder, classifiers, accuracies


def compare(data, seeds, quick):
    """Print the table; return what `fit_both` fits first."""
    print(
        f"{'accuracy with 100 labels':<26} {'scratch':>9} {'encoder':>11} {'points':>8} ", end=""
    )
    print(f"{'s':>6}\n{'-' * 64}")
    fitted = []
    for kind in KINDS:
        accuracies = []
        for seed in seeds:
            start = time.perf_counter()
            *models, found = fit_both(kind, data, seed, quick)
            print_row(f"{kind}, seed {seed}", *found, time.perf_counter() - start)
            fitted.append(models)
            accuracies.append(found)
        if len(seeds) > 1:
            print_row(f"{kind}, mean", *np.mean(accuracies, axis=0))
    return fitted[0]


def print_row(name, scratch, encoder, seconds=None):
    """Print a line of the table."""
    shown = "" if seconds is None else f"{seconds:.1f}"
    print(
        f"{name:<26} {100 * scratch:>7.1f} % {100 * encoder:>9.1f} % "
        f"{100 * (encoder - scratch):>+8.1f} {shown:>7}",
        flush=True,
    )


def learning_curve(classifier, data, numbers, draws):
    """Return accuracies of shape (n_numbers, n_draws) for numbers of labels, drawn anew."""
    X_train, X_test, y_train, y_test = data
    accuracies = []
    for number in numbers:
        for draw in draws:
            rows = draw_labels(y_train, number, draw)
            classifier.fit(X_train[rows], y_train[rows])
            accuracies.append(classifier.score(X_test, y_test))
    return np.reshape(accuracies, (len(numbers), len(draws)))


def draw_accuracy(classifiers, data, quick, path):
    """Draw the accuracy of both classifiers over the number of labels."""
    numbers, draws = ([50, 100], range(1)) if quick else ([50, 100, 200, 500], range(3))
    figure, axes = plt.subplots(figsize=(6.3, 4.2), layout="constrained")
    names = ("from random weights", "from the encoder, trained on all without labels")
    for classifier, name, style in zip(classifiers, names, ("C7o--", "C0o-"), strict=True):
        accuracy = 100 * learning_curve(classifier, data, numbers, draws)
        axes.plot(numbers, accuracy.mean(axis=1), style, label=name)
        axes.fill_between(
            numbers, accuracy.min(axis=1), accuracy.max(axis=1), color=style[:2], alpha=0.15
        )
    axes.set(
        title=f"Dense network of the same layers, {len(data[1]):,} test digits",
        xlabel=f"labelled digits (mean and range of {len(draws)} draws)",
        ylabel="accuracy in percent",
        xscale="log",
    )
    axes.set_xticks(numbers, [str(number) for number in numbers])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    save(figure, path)


def draw_features(autoencoder, scratch, path, n_shown=24):
    """Draw weights of the first layer: learnt from masked digits, and from labelled ones."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, layer, title in zip(
        axes,
        (autoencoder.network_["encoder__1"], scratch.network_["1"]),
        ("digits without labels", "100 labelled digits"),
        strict=True,
    ):
        largest = np.argsort(-np.linalg.norm(layer.kernel_, axis=0))[:n_shown]
        filters = layer.kernel_.T[largest].reshape(-1, 28, 28)
        FiltersDisplay(filters).plot(axis, n_columns=6)
        axis.set_title(f"{n_shown} units of the first layer,\nlearnt from {title}")
    save(figure, path)


def draw_restored(autoencoder, X, path, n_shown=10):
    """Draw what the autoencoder is trained to do, on digits it has not seen."""
    clean = X[:n_shown]
    masked = np.where(np.random.default_rng(0).random(clean.shape) < MASKED, 0, clean)
    display = ReconstructionDisplay.from_estimator(
        autoencoder, masked, targets=clean, n_samples=n_shown, image_shape=(28, 28)
    )
    display.ax_.set_title("Test digits, four in five pixels set to 0")
    save(display.figure_, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare both starts and draw what the autoencoder has learnt."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of labels and weights")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    data = load_data(options.quick)
    autoencoder, classifiers = compare(data, options.seeds, options.quick)
    path = options.output / "few_labels_features.png"
    draw_features(autoencoder, classifiers[0], path)
    draw_restored(autoencoder, data[1], options.output / "few_labels_restored.png")
    draw_accuracy(classifiers, data, options.quick, options.output / "few_labels_accuracy.png")
    print(f"\nPictures of the networks of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
