"""Strings of spoken digits, of which nobody says where one digit ends, by a network with CTC.

Recordings of single digits of the Free Spoken Digit Dataset are put together to strings of two to
seven digits, each spoken by one of six speakers: 1,200 strings of the training takes to learn
from, and 300 of the official test takes, of which no recording has been learned from. Convolutions
and a bidirectional GRU give probabilities of the ten digits and of a blank four times as slowly as
frames come, and CTC adds up all ways in which the digits may lie in time. The label error rate
counts digits that are inserted, left out or mistaken. With the seed 0 it is 1.8 %. Run it with

    python examples/digit_strings.py [--output DIRECTORY] [--quick] [--seeds 0]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import Pipeline

from sknet import NeuralTranscriber
from sknet.layers import GRU, Activation, BatchNorm, Bidirectional, Conv1D, Dropout
from sknet.preprocessing import StepwiseTransformer

DATA = Path(__file__).parent / "data" / "spoken_digits_logmel.npz"
STRIDE = 4  # frames for each output


def load_recordings():
    """Return recordings (frames, bands), their digits, their speakers, and which are for tests."""
    with np.load(DATA) as data:
        low, high = data["low"], data["high"]
        values = low + data["X"].astype(np.float32) / 255 * (high - low)
        X = [frames[:length] for frames, length in zip(values, data["length"], strict=True)]
        return X, data["y"], data["speaker"], data["take"] < 5


def put_together(recordings, digits, speakers, n, seed):
    """Return n strings of two to seven digits, each of one speaker: frames and texts."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n):
        spoken = np.flatnonzero(speakers == rng.choice(speakers))
        chosen = rng.choice(spoken, rng.integers(2, 8))
        X.append(np.concatenate([recordings[i] for i in chosen]))
        y.append("".join(map(str, digits[chosen])))
    return X, y


def load_data(quick=False):
    """Return strings to learn from, and strings to be judged by."""
    X, digits, speakers, is_test = load_recordings()
    sets = []
    for seed, (part, n) in enumerate([(~is_test, 1200), (is_test, 300)]):
        rows = np.flatnonzero(part)
        n = n // 15 if quick else n
        sets += put_together([X[i] for i in rows], digits[rows], speakers[rows], n, seed)
    return sets


def convolution(filters):
    """Return layers that look at five frames at a time, and leave out every second one."""
    return [
        Conv1D(filters, 5, strides=2, padding="same", use_bias=False),
        BatchNorm(),
        Activation("relu"),
    ]


def build_model(seed, quick=False):
    """Return a pipeline of the scaling and a network for sequences of any length."""
    network = NeuralTranscriber(
        layers=[
            *convolution(64),
            *convolution(96),
            Bidirectional(GRU(64, return_sequences=True)),
            Dropout(0.3),
        ],
        input_shape=(None, 32),
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=5e-3,
        max_iter=2 if quick else 7,
        batch_size=32,
        dtype="float32",
        random_state=seed,
    )
    return Pipeline([("scaler", StepwiseTransformer()), ("network", network)])


def compare(seeds, quick, X_train, y_train, X_test, y_test):
    """Fit a network with each seed and print its label error rates; return the first one."""
    print(f"{len(y_train):,} strings to learn from, {len(y_test):,} to be judged by\n")
    print(f"{'label error rate':<18} {'greedy':>8} {'beam of 8':>10} {'strings':>9} {'fit s':>7}")
    print("-" * 56)
    models = []
    for seed in seeds:
        start = time.perf_counter()
        model = build_model(seed, quick).fit(X_train, y_train)
        seconds = time.perf_counter() - start
        greedy = 100 * (1 - model.score(X_test, y_test))
        right = 100 * np.mean(model.predict(X_test) == np.array(y_test, dtype=object))
        beam = 100 * (1 - model.set_params(network__beam_size=8).score(X_test, y_test))
        label = f"network, seed {seed}"
        print(
            f"{label:<18} {greedy:>6.1f} % {beam:>8.1f} % {right:>7.1f} % {seconds:>7.1f}",
            flush=True,
        )
        models.append(model.set_params(network__beam_size=1))
    return models[0]


def draw_string(model, frames, text, path):
    """Draw a string and, below it, when the network hears which digit."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(11, 5), sharex=True, layout="constrained")
    extent = (0, len(frames), 0, frames.shape[1])
    above.imshow(frames.T, extent=extent, origin="lower", aspect="auto", cmap="magma", vmin=-15)
    heard = model.predict([frames])[0]
    above.set(title=f"spoken: {text}, heard: {heard}", ylabel="mel band")
    [probabilities] = model.predict_proba([frames])
    when = STRIDE * np.arange(len(probabilities))
    for digit, curve in enumerate(probabilities.T[:-1]):
        if curve.max() > 0.3:
            below.plot(when, curve, label=str(digit))
    below.plot(when, probabilities[:, -1], color="0.75", zorder=0, label="blank")
    below.set(xlabel="frame", ylabel="probability", ylim=(-0.02, 1.05))
    below.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(arguments=None):
    """Train, print the label error rates, and draw what is heard when."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    X_train, y_train, X_test, y_test = load_data(options.quick)
    model = compare(options.seeds, options.quick, X_train, y_train, X_test, y_test)
    heard = model.predict(X_test)
    wrong = np.flatnonzero(heard != np.array(y_test, dtype=object))[:5]
    print("\nmisheard:", ", ".join(f"{y_test[i]} as {heard[i]}" for i in wrong) or "none")
    longest = max(range(len(y_test)), key=lambda i: len(set(y_test[i])))
    draw_string(model, X_test[longest], y_test[longest], options.output / "digit_strings.png")


if __name__ == "__main__":
    main()
