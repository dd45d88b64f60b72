"""Spoken digits, recordings of unequal length, by a recurrent and a convolutional network.

3,000 recordings of six speakers as log-mel spectrograms, of 12 to 100 frames each. They go into
the networks as they are, a list of arrays (frames, bands): the padding that batches need is made
and masked inside. 2,700 to learn from, and the official test set of 300 to be judged by. Shown are
the recordings, what is misheard, how much of a recording has to be heard, by which frames a digit
is recognized, and how training went. Run it with

    python examples/spoken_digits.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn import config_context
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.pipeline import Pipeline

from sknet import NeuralClassifier
from sknet.inspection import SaliencyDisplay, TrainingDisplay
from sknet.layers import (
    GRU,
    Activation,
    BatchNorm,
    Bidirectional,
    Conv1D,
    Dropout,
    GlobalMaxPool1D,
    MaxPool1D,
)
from sknet.preprocessing import StepwiseTransformer

DATA = Path(__file__).parent / "data" / "spoken_digits_logmel.npz"
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
NAMES = {"gru": "bidirectional GRU", "cnn": "CNN"}


def load_data(quick=False):
    """Return recordings X_train, X_test, digits y_train, y_test, and the test set's speakers."""
    with np.load(DATA) as data:
        low, high, y, is_test = data["low"], data["high"], data["y"], data["take"] < 5
        values = low + data["X"].astype(np.float32) / 255 * (high - low)
        X = [frames[:length] for frames, length in zip(values, data["length"], strict=True)]
        takes, speakers = data["take"], data["speaker_names"][data["speaker"]]
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    if quick:
        train, test = train[::6], test[takes[test] < 1]
    return [X[i] for i in train], [X[i] for i in test], y[train], y[test], speakers[test]


def convolution(filters):
    """Return layers that look at five frames at a time."""
    return [
        Conv1D(filters, 5, padding="same", use_bias=False),
        BatchNorm(),
        Activation("relu"),
    ]


def make_layers(kind):
    """Return the layers of the recurrent or the convolutional network."""
    if kind == "gru":
        return [("ears", Bidirectional(GRU(64))), Dropout(0.3)]
    return [
        *convolution(64),
        MaxPool1D(2, padding="same"),
        *convolution(96),
        MaxPool1D(2, padding="same"),
        *convolution(128),
        GlobalMaxPool1D(),
        Dropout(0.4),
    ]


def build_model(kind, seed, quick=False):
    """Return a pipeline of the scaling and a network for sequences of any length.

    Layers, rate and epochs were chosen on 600 of the training recordings.
    """
    network = NeuralClassifier(
        layers=make_layers(kind),
        input_shape=(None, 32),
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=5e-3,
        max_iter=4 if quick else 12,
        batch_size=64,
        scoring="accuracy",
        dtype="float32",
        random_state=seed,
    )
    return Pipeline([("scaler", StepwiseTransformer()), ("network", network)])


def fit(model, X_train, y_train, X_test, y_test):
    """Fit and return the seconds; the test set is watched for the curves, and decides nothing."""
    start = time.perf_counter()
    with config_context(enable_metadata_routing=True):
        model.set_params(transform_input=["X_val"])  # scaled as X is
        model["network"].set_fit_request(X_val=True, y_val=True)
        model.fit(X_train, y_train, X_val=X_test, y_val=y_test)
    return time.perf_counter() - start


def compare(seeds, quick, X_train, X_test, y_train, y_test):
    """Fit both networks with each seed and print the table; return those of the first seed."""
    print(f"{len(X_train):,} recordings to learn from, {len(X_test):,} to be judged by\n")
    print(f"{'network':<20} {'seed':>4} {'accuracy':>10} {'fit s':>7}\n{'-' * 44}")
    models = {}
    for kind, name in NAMES.items():
        accuracies = []
        for seed in seeds:
            model = build_model(kind, seed, quick)
            seconds = fit(model, X_train, y_train, X_test, y_test)
            accuracies.append(model.score(X_test, y_test))
            models.setdefault(kind, model)
            print(
                f"{name:<20} {seed:>4} {100 * accuracies[-1]:>8.1f} % {seconds:>7.1f}", flush=True
            )
        if len(seeds) > 1:
            print(f"{name:<20} {'all':>4} {100 * np.median(accuracies):>8.1f} %  median")
    return models


def show_spectrogram(axes, frames):
    """Draw one recording, low bands at the bottom, dark where it is silent."""
    n_frames, n_bands = frames.shape
    axes.imshow(
        frames.T,
        extent=(0, n_frames, 0, n_bands),
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-15,
        vmax=4,
    )


def draw_spectrograms(X, y, speakers, path, speaker="nicolas"):
    """Draw a recording of each digit by one speaker, all on one scale of time."""
    chosen = [np.flatnonzero((y == digit) & (speakers == speaker))[0] for digit in range(10)]
    figure, grid = plt.subplots(
        2, 5, figsize=(11, 4.4), sharex=True, sharey=True, layout="constrained"
    )
    for axes, i in zip(grid.flat, chosen, strict=True):
        show_spectrogram(axes, X[i])
        axes.set_title(WORDS[y[i]], fontsize=11)
        axes.set_facecolor("0.93")
    axes.set(xlim=(0, max(len(X[i]) for i in chosen)), yticks=[0, 16, 32])
    figure.supxlabel("frame", fontsize=10)
    figure.supylabel("mel band", fontsize=10)
    figure.suptitle(f"{speaker.title()} saying the ten digits: log-mel spectrograms")
    save(figure, path)


def draw_confusion(models, X, y, path):
    """Draw which digits each network takes for which."""
    figure, grid = plt.subplots(1, 2, figsize=(10.5, 5.4), layout="constrained")
    for axes, (kind, model) in zip(grid, models.items(), strict=True):
        heard = model.predict(X)
        display = ConfusionMatrixDisplay.from_predictions(
            y, heard, display_labels=WORDS, ax=axes, cmap="Blues", colorbar=False
        )
        for count in display.text_[display.confusion_matrix == 0]:
            count.set_text("")
        n_wrong = np.sum(heard != y)
        axes.set(title=f"{NAMES[kind]}: {n_wrong} of {len(y)} misheard")
        axes.set(xlabel="heard", ylabel="spoken")
        axes.tick_params(axis="x", rotation=45)
    save(figure, path)


def beginnings(X, fraction):
    """Return the first part of each recording, at least one frame."""
    return [frames[: max(1, round(fraction * len(frames)))] for frames in X]


def draw_hearing(models, X, y, path):
    """Draw how accuracy rises as the networks hear more of each recording."""
    fractions = np.linspace(0.05, 1, 20)
    figure, axes = plt.subplots(figsize=(6, 4.2), layout="constrained")
    for kind, model in models.items():
        right = [np.mean(model.predict(beginnings(X, part)) == y) for part in fractions]
        axes.plot(100 * fractions, 100 * np.array(right), "o-", label=NAMES[kind])
    axes.axhline(10, color="0.6", linestyle=":", label="chance")
    axes.set(title="recordings understood, in percent", xlabel="percent of the recording heard")
    axes.legend()
    save(figure, path)


def draw_saliency(model, X, y, speakers, path, speaker="jackson"):
    """Draw which frames and bands speak for the digit that the network hears."""
    digits = [4, 5, 6, 7]
    figure, grid = plt.subplots(2, 4, figsize=(11.5, 5), layout="constrained")
    for (above, below), digit in zip(grid.T, digits, strict=True):
        sample = np.flatnonzero((y == digit) & (speakers == speaker))[0]
        show_spectrogram(above, X[sample])
        above.set_title(f'"{WORDS[digit]}"')
        SaliencyDisplay.from_estimator(model, X, sample=sample, ax=below)
        below.invert_yaxis()
    figure.suptitle(f"{speaker.title()}'s words, and what the {NAMES['gru']} hears them by")
    save(figure, path)


def draw_learning(models, path):
    """Draw loss and accuracy of both networks over the epochs."""
    named = {NAMES[kind]: model for kind, model in models.items()}
    figure, (losses, scores) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    TrainingDisplay.from_estimator(named, ax=losses)
    TrainingDisplay.from_estimator(named, ax=scores, metric="score")
    scores.set_ylabel("share of the test recordings understood")
    save(figure, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Fit both networks and draw what they hear."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the networks")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    X_train, X_test, y_train, y_test, speakers = load_data(options.quick)
    models = compare(options.seeds, options.quick, X_train, X_test, y_train, y_test)

    def path(name):
        return options.output / f"spoken_{name}.png"

    draw_spectrograms(X_test, y_test, speakers, path("spectrograms"))
    draw_confusion(models, X_test, y_test, path("confusion"))
    draw_hearing(models, X_test, y_test, path("hearing"))
    draw_saliency(models["gru"], X_test, y_test, speakers, path("saliency"))
    draw_learning(models, path("learning"))
    print(f"\nPictures of the networks of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
