"""Handwritten digits found pixel by pixel on real texture, by a convolutional network.

Two digits of MNIST lie on each canvas of 64 x 64 pixels, a part of a photograph in grey: black on
bright ground, white on dark. For each pixel the network says whether it belongs to a digit. Digits
and regions of the photographs that it is judged by were not in training. The measure is the
intersection over union (IoU) of the true and the predicted pixels. The network reaches a mean of
0.94 over digits and ground after about a minute, 0.88 for digits alone; the best threshold of the
brightness 0.53. Run it with

    python examples/segmentation.py [--output DIRECTORY] [--quick] [--seeds 0]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images

from sknet import NeuralClassifier, PlacewiseScorer
from sknet.layers import Conv2D, Residual, UpSampling2D

DATA = Path(__file__).parent / "data" / "mnist_5k.npz"
SIZE = 64  # pixels of a canvas along a side
DIGITS = 2  # on a canvas
INK = 0.4  # from this share of ink on, a pixel belongs to the digit


def load_parts():
    """Return (digits, photographs) to train on, and others to test on."""
    with np.load(DATA) as data:
        digits = np.random.default_rng(0).permutation(data["X"]) / 255
    photographs = [image.mean(axis=2) / 255 for image in load_sample_images().images]
    cuts = [image.shape[1] * 2 // 3 for image in photographs]
    left = [image[:, :cut] for image, cut in zip(photographs, cuts, strict=True)]
    right = [image[:, cut:] for image, cut in zip(photographs, cuts, strict=True)]
    return (digits[:4000], left), (digits[4000:], right)


def paint(n_samples, digits, photographs, seed):
    """Return canvases (n, 64, 64, 1), and which of their pixels belong to digits (n, 64, 64)."""
    rng = np.random.default_rng(seed)
    X = np.empty((n_samples, SIZE, SIZE, 1), np.float32)
    y = np.zeros((n_samples, SIZE, SIZE), bool)
    for canvas, is_digit in zip(X[..., 0], y, strict=True):
        photograph = photographs[rng.integers(len(photographs))]
        row, column = (rng.integers(n - SIZE + 1) for n in photograph.shape)
        canvas[:] = photograph[row : row + SIZE, column : column + SIZE]
        for digit in digits[rng.integers(len(digits), size=DIGITS)]:
            row, column = rng.integers(SIZE - 27, size=2)
            box = slice(row, row + 28), slice(column, column + 28)
            ink = float(canvas[box].mean() < 0.5)
            canvas[box] += digit * (ink - canvas[box])
            is_digit[box] |= digit > INK
    return X, y


def build_model(seed, quick=False):
    """Return a network that looks at a canvas at three scales.

    The convolutions of stride 2 halve it and `UpSampling2D` doubles it again; `Residual` adds
    what was found on the way to the finer scale.
    """

    def convolution(filters, strides=1):
        return Conv2D(filters, 3, strides=strides, padding="same", activation="relu")

    coarse = [convolution(32, strides=2), convolution(32), UpSampling2D(2), convolution(16)]
    middle = [convolution(16, strides=2), Residual(coarse), UpSampling2D(2), convolution(8)]
    return NeuralClassifier(
        layers=[convolution(8), ("scales", Residual(middle)), convolution(8)],
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=0.01,
        batch_size=16,
        max_iter=2 if quick else 12,
        n_iter_no_change=np.inf,
        random_state=seed,
        dtype="float32",
    )


def overlaps(y, predicted):
    """Return the IoU of the ground and of the digits."""
    return np.array([np.sum(a & b) / np.sum(a | b) for a, b in ((~y, ~predicted), (y, predicted))])


def best_threshold(X, y):
    """Return what the best threshold of the brightness finds: of the dark or the bright pixels."""
    levels = np.linspace(0, 1, 21)
    found = [X[..., 0] < level for level in levels] + [X[..., 0] > level for level in levels]
    return max(found, key=lambda pixels: overlaps(y, pixels).mean())


def print_row(name, y, predicted, seconds=0.0):
    """Print a line of the table."""
    ground, digits = overlaps(y, predicted)
    right = 100 * np.mean(y == predicted)
    mean = (ground + digits) / 2
    print(f"{name:<24}{mean:8.3f}{digits:8.3f}{ground:8.3f}{right:10.1f} %{seconds:8.1f}")


def draw(X, y, predicted, path, n_shown=6):
    """Draw canvases, the true pixels of their digits, and the predicted ones."""
    figure, grid = plt.subplots(3, n_shown, figsize=(9.5, 5.2), layout="constrained")
    rows = {"canvas": X[..., 0], "truth": y, "prediction": predicted}
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name, fontsize=11)
        for axis, image in zip(axes, images, strict=False):
            axis.imshow(image, cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
    figure.suptitle("Digits and regions of photographs that were not in training")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Train on some digits and regions, and find others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    train, test = load_parts()
    X_train, y_train = paint(64 if options.quick else 900, *train, seed=1)
    X_test, y_test = paint(32 if options.quick else 300, *test, seed=2)
    print(f"{'IoU':<24}{'mean':>8}{'digits':>8}{'ground':>8}{'right':>12}{'fit s':>8}\n{'-' * 68}")
    print_row("threshold", y_test, best_threshold(X_test, y_test))
    for seed in options.seeds:
        start = time.perf_counter()
        model = build_model(seed, options.quick).fit(X_train, y_train)
        seconds = time.perf_counter() - start
        predicted = model.predict(X_test)
        print_row(f"network, seed {seed}", y_test, predicted, seconds)
    score = PlacewiseScorer("jaccard_macro")(model, X_test[:100], y_test[:100])
    print(f"\nmean IoU of the first 100 canvases, by a scorer of scikit-learn: {score:.3f}")
    draw(X_test, y_test, predicted, options.output / "segmentation.png")


if __name__ == "__main__":
    main()
