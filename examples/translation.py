"""Dates of many languages to ISO 8601, and numbers to English words, by one small translator.

7,000 dates from 1900 to 2050 as people write them in nine languages, such as "donderdag 24 maart
1949", become "1949-03-24", character by character; and 7,000 numbers below a million become words,
such as "forty-three thousand, one hundred and twenty-four". 1,000 of each are held out: no such
date and no such number has been learned from. An encoder reads the source, a decoder writes the
target, and attention between them tells where it looks. With the seed 0, 98.2 % of the dates and
99.8 % of the numbers are exactly right. Run it with

    python examples/translation.py [--output DIRECTORY] [--quick] [--seeds 0]
"""

import argparse
import csv
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from sknet import NeuralTranslator
from sknet.initializers import RandomNormal
from sknet.inspection import AttentionDisplay
from sknet.layers import (
    Embedding,
    LayerNorm,
    PositionalEmbedding,
    TransformerBlock,
    TransformerDecoderBlock,
)
from sknet.preprocessing import TokenizerTransformer

DATA = Path(__file__).parent / "data"
#: Files, their columns of sources and targets, and what a token of a target is.
TASKS = {
    "dates": ("dates.tsv", "date", "iso", "char"),
    "numbers": ("number_words.tsv", "number", "words", "word"),
}
SHOWN = {"dates": "donderdag 24 maart 1949", "numbers": "43124"}
EPOCHS = {"dates": 14, "numbers": 8}


def load_data(task, quick=False):
    """Return sources and targets to learn from, and 1,000 to be judged by."""
    name, source, target, _ = TASKS[task]
    with open(DATA / name, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    X, y = ([row[column] for row in rows] for column in (source, target))
    n_train = 300 if quick else len(rows) - 1000
    n_test = 8 if quick else 1000
    return X[:n_train], y[:n_train], X[-n_test:], y[-n_test:]


def layers(block):
    """Return the layers of one side, vectors of 64 features."""
    embedding = Embedding(64, embeddings_initializer=RandomNormal(stddev=1.0))
    return [embedding, PositionalEmbedding("sinusoidal"), block, LayerNorm()]


def build_model(task, seed, quick=False):
    """Return a translator whose encoder and decoder have one block each."""
    target_tokenizer = TASKS[task][3]
    if target_tokenizer == "word":  # punctuation stays with its word, so spaces join them again
        target_tokenizer = TokenizerTransformer("word", lowercase=False, token_pattern=r"\S+")
    return NeuralTranslator(
        source_tokenizer="char",
        target_tokenizer=target_tokenizer,
        encoder=layers(TransformerBlock(4, intermediate_dim=128)),
        decoder=layers(TransformerDecoderBlock(4, intermediate_dim=128)),
        learning_rate_init=3e-3,
        max_iter=2 if quick else EPOCHS[task],
        random_state=seed,
    )


def exact(model, X, y):
    """Return the share of sources whose target is written exactly, in percent."""
    return 100 * np.mean(model.predict(X) == np.array(y, dtype=object))


def compare(task, seeds, quick):
    """Fit a translator with each seed and print its figures; return the first one."""
    X_train, y_train, X_test, y_test = load_data(task, quick)
    models = []
    for seed in seeds:
        start = time.perf_counter()
        model = build_model(task, seed, quick).fit(X_train, y_train)
        seconds = time.perf_counter() - start
        greedy = exact(model, X_test, y_test)
        beam = exact(model.set_params(beam_size=4), X_test, y_test)
        token, perplexity = model.score(X_test, y_test), model.perplexity(X_test, y_test)
        label = f"{task}, seed {seed}"
        print(
            f"{label:<16} {greedy:>7.1f} % {beam:>7.1f} % {100 * token:>7.1f} % "
            f"{perplexity:>10.3f} {seconds:>6.1f}",
            flush=True,
        )
        models.append(model)
    return models[0]


def show(task, model, quick):
    """Print some held-out sources, what is written, and how sure the model is."""
    _, _, X, y = load_data(task, quick)
    print()
    for source, target, candidates in zip(X[:4], y[:4], model.candidates(X[:4]), strict=True):
        written, log_p = candidates[0]
        mark = "" if written == target else f", wrong: {target}"
        print(f"  {source}  ->  {written} (probability {np.exp(log_p):.2f}{mark})")


def draw_attention(models, path):
    """Draw where the decoders look while they write."""
    figure, grid = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained", width_ratios=[8, 5])
    for axes, (task, model) in zip(grid, models.items(), strict=True):
        AttentionDisplay.from_estimator(model, [SHOWN[task]], ax=axes, colorbar=False)
        axes.set(xlabel="source", ylabel="target", title=task)
    figure.suptitle("How much each token of the target looks at each character of the source")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(arguments=None):
    """Train both translators, print their figures and draw their attention."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    print(f"{'held-out exact:':<16} {'greedy':>9} {'beam of 4':>9} {'tokens':>8}", end=" ")
    print(f"{'perplexity':>10} {'fit s':>7}\n{'-' * 66}")
    models = {task: compare(task, options.seeds, options.quick) for task in TASKS}
    for task, model in models.items():
        show(task, model, options.quick)
    draw_attention(models, options.output / "translation.png")


if __name__ == "__main__":
    main()
