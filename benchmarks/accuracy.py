"""Accuracy on real data: every figure that the examples are held to, three seeds each.

The networks and the splits are those of the examples; all settings were chosen on parts of the
training data. It prints the figure of each seed, their median, the bar, and the seconds of a fit.
Run it with

    python benchmarks/accuracy.py [--tasks digits spoken ...] [--seeds 0 1 2] [--gunpoint FILE]

GunPoint, of the UCR archive, is not part of the examples' data: FILE is an .npz of `X_train`
(50, 1, 150), `y_train`, `X_test` (150, 1, 150) and `y_test`.
"""

import argparse
import platform
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, root_mean_squared_error

import sknet
from sknet import NeuralClassifier
from sknet.layers import Activation, BatchNorm, Conv1D, GlobalMaxPool1D
from sknet.preprocessing import from_channels_first

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

warnings.filterwarnings("ignore", category=ConvergenceWarning)


@dataclass
class Figure:
    """What one model reaches: a number for each seed, and what it is to be.

    Parameters
    ----------
    name : str
        What is measured.
    values : list of float
        One a seed.
    bar : float
        What the median is compared with.
    seconds : list of float
        Of each fit.
    lower_is_better : bool, default=False
        Whether the median is to be at most, instead of at least, the bar.
    decimals : int, default=1
        Decimal places to show.
    average : callable, default=numpy.median
        What of the values is compared with the bar, and shown in the column "median".
    """

    name: str
    values: list
    bar: float
    seconds: list
    lower_is_better: bool = False
    decimals: int = 1
    average: Callable = np.median

    def is_reached(self):
        """Tell whether the median is as good as the bar."""
        sign = -1 if self.lower_is_better else 1
        return sign * self.average(self.values) >= sign * self.bar - 1e-9

    def __str__(self):
        shown = "  ".join(f"{value:>7.{self.decimals}f}" for value in self.values)
        relation = "<=" if self.lower_is_better else ">="
        return (
            f"{self.name:<42} {shown}  {self.average(self.values):>8.{self.decimals}f}  "
            f"{relation} {self.bar:<7.{self.decimals}f} {np.median(self.seconds):>6.1f}  "
            f"{'yes' if self.is_reached() else 'NO'}"
        )


def fit_each(make, seeds, *data):
    """Fit a model with each seed; return the models and the seconds that the fits took."""
    models, seconds = [make(seed) for seed in seeds], []
    for model in models:
        start = time.perf_counter()
        model.fit(*data)
        seconds.append(time.perf_counter() - start)
    return models, seconds


def measure(name, bar, make, data, seeds, score, **options):
    """Fit a model with each seed and score it on the held-out part; return the `Figure`."""
    X_train, X_test, y_train, y_test = data
    models, seconds = fit_each(make, seeds, X_train, y_train)
    values = [score(y_test, model.predict(X_test)) for model in models]
    return Figure(name, values, bar, seconds, **options)


def percent_right(truth, predicted):
    """Return the accuracy in percent."""
    return 100 * accuracy_score(truth, predicted)


def digits(seeds):
    """Yield the figure of handwritten digits."""
    import image_recognition as example

    data = example.load_data()
    yield measure("MNIST, CNN", 98.0, example.build_model, data, seeds, percent_right)


def by_kind(name, bars, example, data, seeds, **options):
    """Yield the figures of an example with networks of several kinds."""
    for kind, bar in bars.items():
        make = partial(example.build_model, kind)
        yield measure(f"{name}, {kind}", bar, make, data, seeds, percent_right, **options)


def spoken(seeds):
    """Yield the figures of spoken digits."""
    import spoken_digits as example

    bars = {"cnn": 99.0, "gru": 98.0}
    yield from by_kind("spoken digits", bars, example, example.load_data()[:4], seeds)


def speakers(seeds):
    """Yield the figures of the Japanese vowels."""
    import speaker_recognition as example

    bars = dict(zip(example.NETWORKS, (98.0, 97.0), strict=True))
    yield from by_kind("Japanese vowels", bars, example, example.load_data(), seeds)


def spam(seeds):
    """Yield the figures of the text messages, against TF-IDF with a linear SVM."""
    import text_classification as example

    data = X_train, X_test, y_train, y_test = example.load_data()
    baseline = example.build_baseline().fit(X_train, y_train)
    bars = dict.fromkeys(example.NETWORKS, percent_right(y_test, baseline.predict(X_test)))
    yield from by_kind("text messages", bars, example, data, seeds, decimals=2)


def temperatures(seeds):
    """Yield by how many percent the error of the forecasts is under that of persistence."""
    import forecasting as example

    for season, bar in ((False, 13.0), (True, 14.0)):
        X, y, _ = example.load_data(season)
        train, test = slice(-example.TEST_DAYS), slice(-example.TEST_DAYS, None)
        n_channels = X.shape[1] // example.WINDOW
        persistence = root_mean_squared_error(y[test], X[test, -n_channels])
        make = partial(
            example.build_model, X.shape[1], **example.choose_parameters(X[train], y[train], False)
        )
        yield measure(
            f"temperatures, % under persistence{', season' if season else ''}",
            bar,
            make,
            (X[train], X[test], y[train], y[test]),
            seeds,
            lambda truth, found, to=persistence: (
                100 * (1 - root_mean_squared_error(truth, found) / to)
            ),
        )


def ratings(seeds):
    """Yield the error of the ratings of movies."""
    import recommendation as example

    train, test = example.load_data(quick=False)
    yield measure(
        "MovieLens, RMSE",
        0.88,
        example.build_model,
        (train, test, train["rating"], test["rating"]),
        seeds,
        root_mean_squared_error,
        lower_is_better=True,
        decimals=4,
    )


def names(seeds):
    """Yield the nats a letter of held-out names, their ends counted."""
    import names as example

    train, test = example.load_data()
    for kind, bar in {"GRU": 2.00, "Transformer": 2.02}.items():
        values, seconds = [], []
        for seed in seeds:
            model = example.build_model(kind, seed)
            seconds.append(example.timed_fit(model, train))
            values.append(-model.score(test))
        yield Figure(f"names, {kind}, nats a letter", values, bar, seconds, True, 3)


def shakespeare(seeds):
    """Yield the nats a character of Shakespeare, in windows without overlap and as scored."""
    import shakespeare as example

    train, test = example.load_data()
    losses, scores, seconds = [], [], []
    for seed in seeds:
        model = example.build_model(seed)
        seconds.append(example.timed_fit(model, example.texts_of(train), X_val=[test]))
        losses.append(model.history_["validation_loss"][-1])
        scores.append(-model.score([test]))
    yield Figure("Shakespeare, nats a character, windows", losses, 1.91, seconds, True, 3)
    yield Figure("Shakespeare, nats a character, score", scores, 1.91, seconds, True, 3)


def variational(seeds):
    """Yield the evidence lower bound of test digits, in nats, of 64 draws each."""
    import variational_digits as example

    X_train, X_test, _, _ = example.load_data()
    models, seconds = fit_each(example.build_model, seeds, example.with_shifts(X_train))
    values = [model.score_samples(X_test, n_draws=64).mean() for model in models]
    yield Figure("black and white MNIST, bound in nats", values, -100.0, seconds, decimals=2)


def anomalies(seeds):
    """Yield the areas under the ROC curves of cardiotocograms, against PCA's."""
    import anomaly_detection as example

    X_train, _, X_test, states, _ = example.load_data()
    pca = example.other_models(seed=0)["PCA"].fit(X_train)
    bars = example.areas(states, pca.score_samples(X_test))
    models, seconds = fit_each(example.build_model, seeds, X_train)
    found = [example.areas(states, model.score_samples(X_test)) for model in models]
    for state, values, bar in zip(
        ("pathological", "suspect"), np.transpose(found), bars, strict=True
    ):
        name = f"cardiotocograms, {state}, ROC AUC"
        yield Figure(name, list(values), bar, seconds, decimals=4)


def compression(seeds):
    """Yield by how many percent the error of an autoencoder is under that of PCA."""
    import compression as example

    for kind, bar in {"digits": 50.0, "mnist": 38.0}.items():
        values, seconds = [], []
        for seed in seeds:
            X_train, X_test, _, _ = example.load_data(kind, seed)
            start = time.perf_counter()
            model = example.fit(kind, example.build_model(kind, seed), X_train)
            seconds.append(time.perf_counter() - start)
            linear = example.project(example.linear_model(kind, X_train), X_test)
            error = example.squared_error(X_test, model.reconstruct(X_test))
            values.append(100 * (1 - error / example.squared_error(X_test, linear)))
        name = f"{kind} in {example.N_COMPONENTS[kind]} numbers, % under PCA"
        yield Figure(name, values, bar, seconds)


def denoising(seeds):
    """Yield by how many percent the error of a denoised digit is under that of a noisy one."""
    import denoising as example

    X_train, clean = example.load_data()
    models, seconds = fit_each(example.build_model, seeds, X_train)
    values = []
    for seed, model in zip(seeds, models, strict=True):
        noisy = example.with_noise(clean, seed)
        error = example.squared_error(clean, model.reconstruct(noisy))
        values.append(100 * (1 - error / example.squared_error(clean, noisy)))
    yield Figure("denoised MNIST, % under the noise", values, 88.0, seconds)


def few_labels(seeds):
    """Yield what an encoder gains on random weights, in points; five seeds are to be asked for.

    Seconds are those of all that is fitted. Convolutions have no bar to reach.
    """
    import few_labels as example

    data = example.load_data()
    for kind, bar in zip(example.KINDS, (2.0, -np.inf), strict=True):
        gains, seconds = [], []
        for seed in seeds:
            start = time.perf_counter()
            *_, (scratch, encoder) = example.fit_both(kind, data, seed)
            seconds.append(time.perf_counter() - start)
            gains.append(100 * (encoder - scratch))
        yield Figure(f"100 labels, {kind}, points (mean)", gains, bar, seconds, average=np.mean)


def build_gunpoint(seed):
    """Return a small fully convolutional network for series of one channel."""
    layers = []
    for filters, kernel_size in ((32, 8), (64, 5), (32, 3)):
        layers += [
            Conv1D(filters, kernel_size, padding="same", use_bias=False),
            BatchNorm(),
            Activation("relu"),
        ]
    return NeuralClassifier(
        layers=[*layers, GlobalMaxPool1D()],
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=5e-3,
        max_iter=100,
        batch_size=10,
        dtype="float32",
        random_state=seed,
    )


def gunpoint(seeds, path):
    """Yield the figure of GunPoint, whose series come standardized."""
    with np.load(path) as data:
        X_train, X_test = (from_channels_first(data[name]) for name in ("X_train", "X_test"))
        data = X_train, X_test, data["y_train"], data["y_test"]
    yield measure("GunPoint, CNN", 99.0, build_gunpoint, data, seeds, percent_right)


TASKS = {
    task.__name__: task
    for task in (
        digits,
        spoken,
        speakers,
        spam,
        temperatures,
        ratings,
        names,
        shakespeare,
        variational,
        anomalies,
        compression,
        denoising,
        few_labels,
    )
}


def main(arguments=None):
    """Run the tasks that were asked for; return how many bars were missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--tasks", nargs="+", choices=TASKS, default=list(TASKS), help="default: all"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    parser.add_argument("--gunpoint", type=Path, metavar="FILE", help="the data of GunPoint")
    options = parser.parse_args(arguments)
    tasks = [TASKS[name] for name in options.tasks]
    if options.gunpoint is not None:
        tasks.append(lambda seeds: gunpoint(seeds, options.gunpoint))

    versions = f"numpy {np.__version__}, scikit-learn {sklearn.__version__}"
    print(f"{platform.machine()}, Python {platform.python_version()}, {versions}, ", end="")
    print(f"sknet {sknet.__version__}\n")
    seeds = "  ".join(f"{f'seed {seed}':>7}" for seed in options.seeds)
    print(f"{'':<42} {seeds}  {'median':>8}  {'bar':<10} {'fit s':>6}  reached")
    missed = 0
    for task in tasks:
        for figure in task(options.seeds):
            print(figure, flush=True)
            missed += not figure.is_reached()
    return missed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
