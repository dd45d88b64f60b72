"""Speakers told apart by how they say a vowel: series of unequal length, by two networks.

Nine men say the Japanese vowels /ae/; each utterance is a series of 12 cepstrum coefficients over
7 to 29 steps of time. 270 utterances to learn from, 370 to be judged by, as their authors split
them. A list of arrays goes in as it is: the networks pad the series and leave the padding out of
all they compute. Shown are who is taken for whom, and a map of the utterances as the
network sees them. Run it with

    python examples/speaker_recognition.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.pipeline import make_pipeline

from sknet import NeuralClassifier
from sknet.inspection import EmbeddingDisplay
from sknet.layers import (
    GRU,
    Activation,
    BatchNorm,
    Bidirectional,
    Conv1D,
    Dropout,
    GaussianNoise,
    GlobalMaxPool1D,
    SpatialDropout1D,
)
from sknet.preprocessing import StepwiseTransformer, from_channels_first, from_nan_padded

DATA = Path(__file__).parent / "data" / "japanese_vowels.npz"


def load_data(quick=False):
    """Return X_train, X_test, y_train, y_test: lists of (steps, 12) arrays, speakers 0 to 8."""
    with np.load(DATA) as data:
        parts = {name: data[name] for name in ("X_train", "X_test", "y_train", "y_test")}
    # (utterances, coefficients, steps), with missing values after the end of an utterance
    X_train, X_test = (
        from_nan_padded(from_channels_first(parts[name])) for name in ("X_train", "X_test")
    )
    return X_train, X_test, parts["y_train"], parts["y_test"]


def convolutional_layers():
    """Return layers that look for short patterns and note how strongly each was found."""
    layers = []
    for _ in range(2):
        layers += [
            Conv1D(96, 3, padding="same", use_bias=False),
            BatchNorm(),
            Activation("relu"),
            SpatialDropout1D(0.4),
        ]
    return [*layers, ("summary", GlobalMaxPool1D()), Dropout(0.4)]


def recurrent_layers():
    """Return layers that read forward and backward, and keep the strongest of what they note.

    The noise in training, a good half of the deviation of a coefficient, makes them ask for more
    than one coefficient of one step.
    """
    return [
        GaussianNoise(0.6),
        Bidirectional(GRU(64, return_sequences=True)),
        SpatialDropout1D(0.4),
        ("summary", GlobalMaxPool1D()),
    ]


NETWORKS = {"convolutional": convolutional_layers, "bidirectional GRU": recurrent_layers}


def build_model(kind, seed, quick=False):
    """Return a pipeline of the scaler and a network of a kind, a key of NETWORKS."""
    network = NeuralClassifier(
        layers=NETWORKS[kind](),
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=3e-3,
        max_iter=4 if quick else 60,
        batch_size=16,
        dtype="float32",
        random_state=seed,
    )
    return make_pipeline(StepwiseTransformer(), network)


def compare(seeds, quick):
    """Fit the networks with each seed; print the table, return those of the first seed."""
    X_train, X_test, y_train, y_test = load_data(quick)
    steps = [len(series) for series in X_train]
    print(
        f"{len(X_train)} utterances of {len(set(y_train))} speakers to learn from, "
        f"{len(X_test)} to be judged by; {min(steps)} to {max(steps)} steps\n"
    )
    print(f"{'network':<28} {'accuracy':>10} {'fit s':>7}\n{'-' * 47}")
    first, medians = {}, {}
    for kind in NETWORKS:
        accuracies = []
        for seed in seeds:
            model = build_model(kind, seed, quick)
            start = time.perf_counter()
            model.fit(X_train, y_train)
            seconds = time.perf_counter() - start
            accuracies.append(model.score(X_test, y_test))
            first.setdefault(kind, model)
            print(
                f"{f'{kind}, seed {seed}':<28} {100 * accuracies[-1]:>8.1f} % {seconds:>7.1f}",
                flush=True,
            )
        medians[kind] = np.median(accuracies)
    if len(seeds) > 1:
        shown = ", ".join(f"{kind} {100 * median:.1f} %" for kind, median in medians.items())
        print(f"\nMedian over {len(seeds)} seeds: {shown}")
    return first


def draw_confusion(models, X, y, path):
    """Draw who is taken for whom, by each network."""
    figure, row = plt.subplots(1, len(models), figsize=(10, 5.3), layout="constrained")
    for axes, (kind, model) in zip(row, models.items(), strict=True):
        predicted = model.predict(X)
        display = ConfusionMatrixDisplay.from_predictions(
            y, predicted, ax=axes, cmap="Blues", colorbar=False
        )
        for count in display.text_[display.confusion_matrix == 0]:
            count.set_text("")
        axes.set(
            title=f"{kind}: {np.sum(predicted != y)} of {len(y)} wrong",
            xlabel="speaker recognized",
            ylabel="speaker",
        )
    save(figure, path)


def draw_map(models, X, y, path):
    """Lay out the utterances by what each network's pooling gives."""
    figure, row = plt.subplots(1, len(models), figsize=(11, 5.2), layout="constrained")
    for axes, (kind, model) in zip(row, models.items(), strict=True):
        EmbeddingDisplay.from_estimator(model, X, y, layer="summary", ax=axes)
        axes.set_title(f"{kind}: two principal components of the pooling")
    figure.suptitle(f"{len(y)} test utterances of {len(set(y))} speakers")
    save(figure, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare the networks and draw the data and what they make of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the networks")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    models = compare(options.seeds, options.quick)
    _, X_test, _, y_test = load_data(options.quick)
    draw_confusion(models, X_test, y_test, options.output / "speakers_confusion.png")
    draw_map(models, X_test, y_test, options.output / "speakers_map.png")
    print(f"\nPictures of the networks of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
