"""New first names, written letter by letter by a small recurrent network or a Transformer.

29,494 names given in the United States; 1,000 of them are held out to judge by. The measure is the
log-likelihood: how many nats a letter, or the end of a name, comes as a surprise. The network is
compared with counts of which letters follow which. Shown are new names, the likeliest and the
least likely of the known ones, and what is expected at each letter of a name. Run it with

    python examples/names.py [--output DIRECTORY] [--quick] [--seeds 0] [--network GRU]
"""

import argparse
import time
from collections import Counter, defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from sknet import NeuralLanguageModel
from sknet.layers import (
    GRU,
    Dropout,
    Embedding,
    LayerNorm,
    PositionalEmbedding,
    TransformerBlock,
)

DATA = Path(__file__).parent / "data" / "names.txt"
LONGEST = 15  # letters of a name
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
END = "."  # of a name, in pictures
READ = ["alexzandria", "marymargaret"]  # held-out names to look into


def load_data(quick=False):
    """Return the names to learn from, and 1,000 to be judged by; no name twice."""
    names = np.array(list(dict.fromkeys(DATA.read_text().split())), dtype=object)
    names = np.random.default_rng(0).permutation(names)
    train, test = names[1000:], names[:1000]
    return (train[:1000], test[:200]) if quick else (train, test)


def recurrent_layers():
    """Return layers that carry a state from letter to letter."""
    return [Embedding(32), GRU(128, return_sequences=True), Dropout(0.2)]


def transformer_layers():
    """Return layers in which each letter looks at all letters before it."""
    blocks = [TransformerBlock(num_heads=4, causal=True, dropout=0.1) for _ in range(3)]
    return [Embedding(64), PositionalEmbedding(max_length=LONGEST + 1), *blocks, LayerNorm()]


NETWORKS = {"GRU": (recurrent_layers, 30), "Transformer": (transformer_layers, 18)}


def build_model(kind, seed, quick=False):
    """Return a language model of a kind, a key of NETWORKS.

    Sizes, dropout and epochs were chosen on 1,000 of the training names. The average of the
    weights over the last thousand steps or so predicts better than the last ones.
    """
    layers, max_iter = NETWORKS[kind]
    return NeuralLanguageModel(
        layers=layers(),
        context_length=LONGEST + 1,  # the start and a name
        solver="adamw",
        learning_rate="cosine",
        learning_rate_init=3e-3,
        max_iter=3 if quick else max_iter,
        n_iter_no_change=np.inf,
        batch_size=64,
        averaging=0.9 if quick else 0.999,
        random_state=seed,
    )


class LetterCounts:
    """Probabilities of letters from counts, given the letters before.

    Counts for fewer letters before fill in, the more of it the more letters followed (Witten and
    Bell, 1991): p(letter) = (count + kinds * p(letter | shorter context)) / (total + kinds).

    Parameters
    ----------
    order : int
        Number of letters before that are looked at.
    """

    def __init__(self, order):
        self.order = order

    def fit(self, names):
        """Count the letters of names, and their ends, behind all contexts."""
        self.counts = defaultdict(Counter)
        for letter, context in self._steps(names):
            for start in range(len(context) + 1):
                self.counts[context[start:]][letter] += 1
        self.letters = sorted(self.counts[""])
        return self

    def score(self, names):
        """Return the mean log-likelihood of a letter or end."""
        return np.mean([np.log(self._p(*step)) for step in self._steps(names)])

    def _p(self, letter, context):
        shorter = self._p(letter, context[1:]) if context else 1 / len(self.letters)
        counts = self.counts.get(context)
        if counts is None:
            return shorter
        return (counts[letter] + len(counts) * shorter) / (sum(counts.values()) + len(counts))

    def _steps(self, names):
        for name in names:
            marked = "^" * self.order + name + "$"
            for i in range(self.order, len(marked)):
                yield marked[i], marked[i - self.order : i]


def timed_fit(model, *data, **parameters):
    """Fit and return the seconds it took."""
    start = time.perf_counter()
    model.fit(*data, **parameters)
    return time.perf_counter() - start


def print_row(name, score, seconds):
    """Print a line of the table."""
    print(f"{name:<24} {-score:>14.3f} {np.exp(-score):>11.2f} {seconds:>7.1f}", flush=True)


def compare(kind, seeds, quick):
    """Fit counts, and the network with each seed; print the table, return the first network."""
    train, test = load_data(quick)
    print(f"{len(train):,} names to learn from, {len(test):,} to be judged by\n")
    print(f"{'model':<24} {'nats a letter':>14} {'perplexity':>11} {'fit s':>7}\n{'-' * 59}")
    models = [(f"counts, {order} before", LetterCounts(order)) for order in range(5)]
    models += [(f"{kind}, seed {seed}", build_model(kind, seed, quick)) for seed in seeds]
    scores = []
    for name, model in models:
        seconds = timed_fit(model, train)
        scores.append(model.score(test))
        print_row(name, scores[-1], seconds)
    if len(seeds) > 1:
        print(f"\nMedian over {len(seeds)} seeds: {-np.median(scores[-len(seeds) :]):.3f}")
    return models[-len(seeds)][1], train, test


def print_new_names(model, train, test, n_samples):
    """Print names that the model writes at several temperatures, and how many are new."""
    print(f"\nOf {n_samples:,} names that it writes")
    known, held_out = set(train), set(test)
    for temperature in (0.5, 0.8, 1.0, 1.3):
        written = model.generate(
            max_length=LONGEST, temperature=temperature, n_samples=n_samples, random_state=0
        )
        new = [name for name in written if name not in known]
        met = sum(name in held_out for name in new)
        print(
            f"at temperature {temperature}, {100 * len(new) / n_samples:.1f} % are none of those "
            f"it learnt from; {met} are among the held-out ones\n"
            f"    {', '.join(list(dict.fromkeys(new))[:12])}"
        )
    print("\nNew names with a given beginning, at temperature 0.8")
    for prompt in ("ann", "mar", "th", "z"):
        written = model.generate(
            prompt, max_length=LONGEST, temperature=0.8, n_samples=40, random_state=0
        )
        new = [name for name in dict.fromkeys(written) if name not in known]
        print(f"    {prompt + '-':<5} {', '.join(new[:10])}")


def print_extremes(model, names, n=12):
    """Print the names that are likeliest and least likely, as a whole and for their length."""
    total = model.score_samples(names)
    lengths = [len(name) + 1 for name in names]
    print(f"\nOf all {len(names):,} names")
    for measure, scores in (("as a whole", total), ("a letter", total / lengths)):
        order = np.argsort(scores)
        print(f"likeliest {measure}:    {', '.join(names[order[::-1][:n]])}")
        print(f"least likely {measure}: {', '.join(names[order[:n]])}")


def next_letters(model, name):
    """Return the probabilities of a to z and of the end, at each place of a name: (n, 27)."""
    end = model.n_outputs_  # the largest id, which also stands at the start
    ids = np.append(end, model.tokenizer_.encode([name])[0])
    raw = model.network_.predict(ids[None])[0].astype(float)  # for the ids from 1 on
    p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    letters = [model.vocabulary_[letter] for letter in ALPHABET]
    return p[:, np.array([*letters, end]) - 1]


def draw_reading(model, names, path):
    """Draw which letters are expected while names are read, and which come."""
    figure, row = plt.subplots(
        1,
        len(names),
        figsize=(10.5, 7),
        layout="constrained",
        width_ratios=[len(n) for n in names],
    )
    symbols = [*ALPHABET, "end"]
    for axes, name in zip(row, names, strict=True):
        p = next_letters(model, name)
        come = [*map(ALPHABET.index, name), len(ALPHABET)]
        picture = axes.imshow(p.T, cmap="magma_r", vmin=0, vmax=1, aspect="auto")
        for place, symbol in enumerate(come):
            axes.add_patch(
                plt.Rectangle((place - 0.5, symbol - 0.5), 1, 1, fill=False, ec="tab:blue", lw=2)
            )
        axes.set_xticks(range(len(come)), [*name, "end"])
        axes.set_yticks(range(len(symbols)), symbols)
        nats = -np.log(p[range(len(come)), come])
        axes.set(title=f"{name}: {nats.mean():.2f} nats a letter", xlabel="the letter that comes")
        for place, value in enumerate(nats):
            axes.text(place, -1, f"{value:.1f}", ha="center", va="center", fontsize=8)
        axes.set_ylim(len(symbols) - 0.5, -1.5)
        axes.axhline(-0.5, color="0.7", lw=0.8)
    row[0].set_ylabel("the letter that is expected")
    figure.colorbar(picture, ax=row, shrink=0.5, label="probability, given the letters before")
    figure.suptitle(
        "Two held-out names, read letter by letter (blue: what comes; above: its surprise in nats)"
    )
    save(figure, path)


def draw_surprise(model, names, path, n_rows):
    """Write names from the likeliest a letter to the least likely, each letter by its surprise."""
    lengths = np.array([len(name) + 1 for name in names])
    order = np.argsort(-model.score_samples(names) / lengths)
    starts = [0, (len(names) - n_rows) // 2, len(names) - n_rows]
    colors, scale = plt.get_cmap("YlOrRd"), plt.Normalize(0, 7)
    figure, row = plt.subplots(1, 3, figsize=(10.5, 7.2), layout="constrained")
    titles = ("the likeliest", "in the middle", "the least likely")
    for axes, start, title in zip(row, starts, titles, strict=True):
        for line, name in enumerate(names[order[start : start + n_rows]]):
            p = next_letters(model, name)
            come = [*map(ALPHABET.index, name), len(ALPHABET)]
            nats = -np.log(p[range(len(come)), come])
            for place, (letter, value) in enumerate(zip(name + END, nats, strict=True)):
                axes.add_patch(plt.Rectangle((place, line), 1, 0.92, fc=colors(scale(value))))
                axes.text(
                    place + 0.5, line + 0.48, letter, ha="center", va="center", family="monospace",
                    in_layout=False,
                    color="white" if scale(value) > 0.65 else "black",
                )  # fmt: skip
            axes.text(len(come) + 0.4, line + 0.48, f"{nats.mean():.2f}", va="center", fontsize=9)
        axes.set(xlim=(0, LONGEST + 2), ylim=(n_rows, 0), title=title)
        axes.axis("off")
    figure.colorbar(
        plt.cm.ScalarMappable(scale, colors), ax=row, location="bottom", shrink=0.4, aspect=40,
        extend="max", label="surprise in nats: -log p(letter, given those before)",
    )  # fmt: skip
    figure.suptitle(
        f'Held-out names by the mean surprise of a letter ("{END}" is the end of a name)'
    )
    save(figure, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare the models, write names, and draw what is expected in names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    parser.add_argument("--network", choices=NETWORKS, default="GRU", help="default: GRU")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    model, train, test = compare(options.network, options.seeds, options.quick)
    print_new_names(model, train, test, 100 if options.quick else 1000)
    print_extremes(model, np.concatenate([train, test]))
    draw_reading(model, READ, options.output / "names_reading.png")
    path, n_rows = options.output / "names_surprise.png", 8 if options.quick else 24
    draw_surprise(model, test, path, n_rows)
    print(f"\nPictures of the network of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
