"""Speakers told apart by how they say a vowel: series of unequal length, by two networks.

Nine men say the Japanese vowels /ae/; each utterance is a series of 12 cepstrum coefficients over
7 to 29 steps of time. 270 utterances to learn from, 370 to be judged by, as their authors split
them. A list of arrays goes in as it is: the networks pad the series and leave the padding out of
all they compute. Shown are some series, who is taken for whom, and a map of the utterances as the
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
from sklearn.decomposition import PCA
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.pipeline import make_pipeline

from sknet import NeuralClassifier
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


def draw_series(X, y, path, speakers=(0, 4), n_shown=5):
    """Draw utterances of two speakers, scaled as the networks see them."""
    longest = max(len(series) for series in X)
    figure, grid = plt.subplots(
        2, n_shown, figsize=(11, 4.6), sharex=True, sharey=True, layout="constrained"
    )
    for row, speaker in zip(grid, speakers, strict=True):
        of_speaker = np.flatnonzero(y == speaker)
        chosen = of_speaker[np.linspace(0, len(of_speaker) - 1, n_shown).astype(int)]
        for axes, i in zip(row, chosen, strict=True):
            picture = axes.pcolormesh(
                np.arange(len(X[i]) + 1), np.arange(13) + 0.5, X[i].T,
                cmap="RdBu_r", vmin=-3, vmax=3,
            )  # fmt: skip
            axes.set(xlim=(0, longest), yticks=[1, 4, 8, 12])
            axes.spines[["top", "right"]].set_visible(False)
        row[0].set_ylabel(f"speaker {speaker}\ncoefficient")
    for axes in grid[-1]:
        axes.set_xlabel("step")
    figure.colorbar(picture, ax=grid, label="deviations from the mean", extend="both")
    figure.suptitle(f"{n_shown} utterances each of two speakers")
    save(figure, path)


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
    """Lay out the utterances by what each network's pooling gives; mistakes are crossed."""
    figure, row = plt.subplots(1, len(models), figsize=(11, 5.2), layout="constrained")
    for axes, (kind, model) in zip(row, models.items(), strict=True):
        network = model[-1].network_
        pooled = network.activations(model[:-1].transform(X), "summary")
        pca = PCA(2, random_state=0).fit(pooled)
        places, wrong = pca.transform(pooled), model.predict(X) != y
        axes.scatter(*places.T, c=y, cmap="tab10", vmax=9, s=18, alpha=0.8, linewidths=0)
        axes.scatter(*places[wrong].T, c="black", marker="x", s=50, label="not recognized")
        for speaker in np.unique(y):
            axes.text(
                *np.median(places[y == speaker], axis=0),
                str(speaker),
                fontsize=13,
                weight="bold",
                ha="center",
                va="center",
                color=plt.get_cmap("tab10")(speaker),
                bbox={"boxstyle": "circle,pad=0.2", "fc": "white", "ec": "0.5", "alpha": 0.85},
            )
        share = pca.explained_variance_ratio_.sum()
        axes.set(
            title=f"{kind}: {pooled.shape[1]} numbers an utterance",
            xlabel=f"first two principal components, {100 * share:.0f} % of the variance",
            xticks=[],
            yticks=[],
        )
        axes.legend(loc="upper right", fontsize=9)
    figure.suptitle(f"{len(y)} test utterances of {len(set(y))} speakers after the pooling")
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
    X_train, X_test, y_train, y_test = load_data(options.quick)
    scaled = StepwiseTransformer().fit_transform(X_train)
    draw_series(scaled, y_train, options.output / "speakers_series.png")
    draw_confusion(models, X_test, y_test, options.output / "speakers_confusion.png")
    draw_map(models, X_test, y_test, options.output / "speakers_map.png")
    print(f"\nPictures of the networks of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
