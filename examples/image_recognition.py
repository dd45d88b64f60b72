"""Handwritten digits: a small convolutional network compared with an MLP and an SVM.

4,000 training and 1,000 test images of MNIST. The rows that scikit-learn's models take go into the
network too: `input_shape` makes images of them. Shown are what the first convolution looks for and
finds, the digits that are misread, and how training went. Run it with

    python examples/image_recognition.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import time
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from sknet import NeuralClassifier
from sknet.inspection import (
    ActivationsDisplay,
    ErrorsDisplay,
    FiltersDisplay,
    TrainingDisplay,
)
from sknet.layers import (
    Activation,
    BatchNorm,
    Conv2D,
    Dropout,
    Flatten,
    MaxPool2D,
    RandomRotation,
    RandomTranslation,
)

DATA = Path(__file__).parent / "data" / "mnist_5k.npz"

# The shortened run stops scikit-learn's MLP early.
warnings.filterwarnings("ignore", category=ConvergenceWarning)


def load_data(quick=False):
    """Return X_train, X_test, y_train, y_test: rows of 784 pixels from 0 to 255, and digits."""
    with np.load(DATA) as data:
        X, y = data["X"].reshape(-1, 28 * 28), data["y"]
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=1000, stratify=y, random_state=0
    )
    if quick:
        return X_train[:500], X_test[:200], y_train[:500], y_test[:200]
    return X_train, X_test, y_train, y_test


def scale_pixels(X):
    """Bring pixels to [0, 1], all by one factor.

    A scaler of columns would blow up the pixels near the edge, which are hardly ever inked.
    """
    return np.divide(X, 255, dtype=np.float32)


def convolution(name, filters, kernel_size):
    """Return layers that find patterns and keep the strongest of each 2 x 2 pixels."""
    return [
        (name, Conv2D(filters, kernel_size, padding="same", use_bias=False)),
        MaxPool2D(2, padding="same"),
        BatchNorm(),
        Activation("relu"),
    ]


def build_model(seed, quick=False):
    """Return a pipeline of the scaling and a network of three convolutions.

    Layers, rate and epochs were chosen on 1,000 of the training digits.
    """
    layers = [
        RandomRotation(0.04),
        RandomTranslation(0.08, 0.08),
        *convolution("strokes", 16, 5),
        *convolution("shapes", 32, 3),
        *convolution("parts", 64, 3),
        Flatten(),
        Dropout(0.4),
    ]
    network = NeuralClassifier(
        layers=layers,
        input_shape=(28, 28, 1),
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=1e-2,
        max_iter=2 if quick else 25,
        batch_size=64,
        scoring="accuracy",
        dtype="float32",
        random_state=seed,
    )
    return make_pipeline(FunctionTransformer(scale_pixels), network)


def other_models(seed, quick=False):
    """Yield names and pipelines of scikit-learn's models for comparison."""
    scaling = FunctionTransformer(scale_pixels)
    max_iter = 5 if quick else 30
    yield (
        "MLPClassifier",
        make_pipeline(scaling, MLPClassifier((256,), max_iter=max_iter, random_state=seed)),
    )
    yield "SVC, rbf kernel", make_pipeline(scaling, SVC(C=10, gamma=0.02))


def timed_fit(model, *data, **parameters):
    """Fit and return the seconds it took."""
    start = time.perf_counter()
    model.fit(*data, **parameters)
    return time.perf_counter() - start


def fit_network(model, X_train, X_test, y_train, y_test):
    """Fit; the test digits are watched for the learning curves, and decide nothing."""
    return timed_fit(
        model,
        X_train,
        y_train,
        neuralclassifier__X_val=scale_pixels(X_test),
        neuralclassifier__y_val=y_test,
    )


def print_row(name, accuracy, seconds):
    """Print a line of the table."""
    print(f"{name:<24} {100 * accuracy:>8.1f} % {seconds:>7.1f}", flush=True)


def compare(seeds, quick):
    """Fit the network with each seed, and the others; print the table, return the first."""
    X_train, X_test, y_train, y_test = load_data(quick)
    print(f"{len(X_train):,} digits to learn from, {len(X_test):,} to be judged by\n")
    print(f"{'model':<24} {'accuracy':>10} {'fit s':>7}\n{'-' * 43}")
    models, accuracies = [], []
    for seed in seeds:
        models.append(build_model(seed, quick))
        seconds = fit_network(models[-1], X_train, X_test, y_train, y_test)
        accuracies.append(models[-1].score(X_test, y_test))
        print_row(f"sknet CNN, seed {seed}", accuracies[-1], seconds)
    for name, model in other_models(seeds[0], quick):
        seconds = timed_fit(model, X_train, y_train)
        print_row(name, model.score(X_test, y_test), seconds)
    if len(seeds) > 1:
        print(f"\nMedian of the CNN over {len(seeds)} seeds: {100 * np.median(accuracies):.1f} %")
    return models[0], X_test, y_test


def draw_confusion(model, X, y, path):
    """Draw which digits are taken for which."""
    figure, axes = plt.subplots(figsize=(5.6, 5.2), layout="constrained")
    display = ConfusionMatrixDisplay.from_predictions(
        y, model.predict(X), ax=axes, cmap="Blues", colorbar=False
    )
    for count in display.text_[display.confusion_matrix == 0]:
        count.set_text("")
    axes.set(title=f"{len(y):,} test digits", xlabel="digit read", ylabel="digit written")
    save(figure, path)


def draw_filters(model, X, y, path, digit=5):
    """Draw the filters of the first convolution, and what each makes of a digit."""
    position = int(np.flatnonzero(y == digit)[0])
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    axes[0].imshow(X[position].reshape(28, 28), cmap="gray_r")
    axes[0].set(title="a test digit", xticks=[], yticks=[])
    FiltersDisplay.from_estimator(model, "strokes", n_columns=4, ax=axes[1])
    axes[1].set_title("the 16 filters of the first convolution")
    ActivationsDisplay.from_estimator(
        model, X, "strokes", sample=position, n_columns=4, ax=axes[2]
    )
    axes[2].set_title("their responses: red above zero, blue below")
    save(figure, path)


def draw_mistakes(model, X, y, path, n_shown):
    """Draw digits that are misread, most confident first."""
    display = ErrorsDisplay.from_estimator(model, X, y, image_shape=(28, 28), n_shown=n_shown)
    save(display.figure_, path)


def draw_learning(model, path):
    """Draw loss, accuracy and learning rate over the epochs."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    TrainingDisplay.from_estimator(model, ax=axes[0], learning_rate=True)
    TrainingDisplay.from_estimator(model, ax=axes[1], metric="score")
    axes[1].set_ylabel("accuracy on test digits")
    save(figure, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare the models and draw what the network has learnt."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    model, X_test, y_test = compare(options.seeds, options.quick)
    draw_confusion(model, X_test, y_test, options.output / "digits_confusion.png")
    draw_filters(model, X_test, y_test, options.output / "digits_filters.png")
    path, n_shown = options.output / "digits_mistakes.png", 8 if options.quick else 16
    draw_mistakes(model, X_test, y_test, path, n_shown)
    draw_learning(model, options.output / "digits_learning.png")
    print(f"\nPictures of the network of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
