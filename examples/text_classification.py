"""Spam among text messages, found by a recurrent network and by a Transformer, from raw text.

5,169 different messages, of which one in eight is spam; a fifth is kept to judge by. A pipeline
takes the texts as they are: its tokenizer numbers the words, an embedding gives each a vector.
Both networks are compared with TF-IDF and a linear support vector machine. Shown are the errors of
each, how training went, where the Transformer looks in a message, and which words make a message
spam to the recurrent network. Run it with

    python examples/text_classification.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import csv
import re
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import ConfusionMatrixDisplay, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sknet import NeuralClassifier
from sknet.layers import (
    GRU,
    Bidirectional,
    Dropout,
    Embedding,
    GlobalAveragePool1D,
    GlobalMaxPool1D,
    LayerNorm,
    PositionalEmbedding,
    SpatialDropout1D,
    TransformerBlock,
)
from sknet.preprocessing import TokenizerTransformer

DATA = Path(__file__).parent / "data" / "sms_spam.csv"
WORD = r"[^\W\d]+|\d|[^\w\s]"  # or a digit, or a sign


def load_data(quick=False):
    """Return X_train, X_test, y_train, y_test: texts, and "ham" or "spam"; no text twice."""
    labels = {}
    with DATA.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            labels.setdefault(row["text"], row["label"])
    X, y = np.array([*labels], dtype=object), np.array([*labels.values()])
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.2, stratify=y, random_state=0
    )
    if quick:
        return X_train[:500], X_test[:100], y_train[:500], y_test[:100]
    return X_train, X_test, y_train, y_test


def recurrent_layers():
    """Return layers that read forward and backward and keep the strongest of what they note."""
    return [
        Embedding(48, mask_zero=True),
        SpatialDropout1D(0.5),
        Bidirectional(GRU(32, return_sequences=True)),
        GlobalMaxPool1D(),
        Dropout(0.5),
    ]


def transformer_layers():
    """Return layers in which each word looks at all others, and the mean over the words."""
    return [
        Embedding(48, mask_zero=True),
        PositionalEmbedding(),
        Dropout(0.4),
        ("block", TransformerBlock(num_heads=4, intermediate_dim=96, dropout=0.2)),
        LayerNorm(),
        GlobalAveragePool1D(),
        Dropout(0.4),
    ]


NETWORKS = {"bidirectional GRU": recurrent_layers, "Transformer": transformer_layers}
BASELINE = "TF-IDF and linear SVM"

# Beginnings of test messages to look at: three of spam, the last of them a joke, and one of ham.
SHOWN = ["Free Msg: get", "Win the newest", "Latest News! Police", "Did u find a sitter"]


def build_model(kind, seed, quick=False):
    """Return a pipeline of the tokenizer and a network of a kind, a key of NETWORKS."""
    network = NeuralClassifier(
        layers=NETWORKS[kind](),
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=3e-3,
        max_iter=4,
        batch_size=32,
        dtype="float32",
        random_state=seed,
    )
    # Words that occur only once become "unknown", which so is learnt as well.
    tokenizer = TokenizerTransformer(max_length=64, min_count=2, token_pattern=WORD)
    return make_pipeline(tokenizer, network)


def build_baseline():
    """Return what the networks are compared with."""
    return make_pipeline(TfidfVectorizer(), LinearSVC())


def timed_fit(model, *data, **parameters):
    """Fit and return the seconds it took."""
    start = time.perf_counter()
    model.fit(*data, **parameters)
    return time.perf_counter() - start


def fit_network(model, X_train, X_test, y_train, y_test):
    """Fit; the test messages are watched for the learning curves, and decide nothing."""
    tokens = model[:-1].fit(X_train).transform(X_test)
    return timed_fit(
        model, X_train, y_train, neuralclassifier__X_val=tokens, neuralclassifier__y_val=y_test
    )


def judge(name, predicted, y, seconds):
    """Print a line of the table; return the accuracy."""
    accuracy, f1 = np.mean(predicted == y), f1_score(y, predicted, pos_label="spam")
    print(f"{name:<26} {100 * accuracy:>8.2f} % {f1:>8.3f} {seconds:>7.1f}", flush=True)
    return accuracy


def compare(seeds, quick):
    """Fit the baseline, and the networks with each seed; print the table, return the first."""
    X_train, X_test, y_train, y_test = load_data(quick)
    print(f"{len(X_train):,} messages to learn from, {len(X_test):,} to be judged by\n")
    print(f"{'model':<26} {'accuracy':>10} {'spam F1':>8} {'fit s':>7}\n{'-' * 54}")
    first = {BASELINE: build_baseline()}
    seconds = timed_fit(first[BASELINE], X_train, y_train)
    judge(BASELINE, first[BASELINE].predict(X_test), y_test, seconds)
    medians = {}
    for kind in NETWORKS:
        accuracies = []
        for seed in seeds:
            model = build_model(kind, seed, quick)
            seconds = fit_network(model, X_train, X_test, y_train, y_test)
            predicted = model.predict(X_test)
            accuracies.append(judge(f"{kind}, seed {seed}", predicted, y_test, seconds))
            first.setdefault(kind, model)
        medians[kind] = np.median(accuracies)
    if len(seeds) > 1:
        shown = ", ".join(f"{kind} {100 * median:.2f} %" for kind, median in medians.items())
        print(f"\nMedian over {len(seeds)} seeds: {shown}")
    return first


def draw_confusion(models, X, y, path):
    """Draw what each model takes for what."""
    figure, row = plt.subplots(1, len(models), figsize=(11, 3.9), layout="constrained")
    for axes, (name, model) in zip(row, models.items(), strict=True):
        predicted = model.predict(X)
        ConfusionMatrixDisplay.from_predictions(
            y, predicted, ax=axes, cmap="Blues", colorbar=False, text_kw={"fontsize": 14}
        )
        axes.set(title=f"{name}: {np.sum(predicted != y)} wrong", xlabel="taken for", ylabel="is")
    figure.suptitle(f"{len(y):,} test messages")
    save(figure, path)


def draw_learning(models, path):
    """Draw the losses of the networks over the epochs."""
    figure, row = plt.subplots(
        1, len(NETWORKS), figsize=(9, 3.6), sharey=True, layout="constrained"
    )
    for axes, kind in zip(row, NETWORKS, strict=True):
        history = models[kind][-1].history_
        epochs = np.arange(1, len(history["loss"]) + 1)
        axes.semilogy(epochs, history["loss"], label="training, with dropout")
        axes.semilogy(epochs, history["validation_loss"], label="test")
        axes.set(title=kind, xlabel="epoch")
        axes.grid(alpha=0.3)
        axes.legend()
        axes.xaxis.get_major_locator().set_params(integer=True)
    row[0].set_ylabel("log loss")
    save(figure, path)


def words(tokenizer, text):
    """Return the tokens of a text as they are written in it."""
    return re.findall(WORD, text)[: tokenizer.length_]


def find(start):
    """Return the test message that starts so, and its label."""
    _, X, _, y = load_data()
    return next(pair for pair in zip(X, y, strict=True) if pair[0].startswith(start))


def draw_attention(model, text, path):
    """Draw where the words of a message look, in each head of the Transformer."""
    tokenizer, network = model[0], model[-1].network_
    tokens = words(tokenizer, text)
    ids, n = tokenizer.transform([text]), len(tokens)
    weights = network.attention_weights(ids, "block")[0, :, :n, :n]  # (heads, from, to)
    figure, grid = plt.subplots(2, 2, figsize=(9.5, 9.2), layout="constrained")
    for head, (axes, values) in enumerate(zip(grid.flat, weights, strict=True), start=1):
        picture = axes.imshow(values, cmap="magma_r", vmin=0, vmax=weights.max())
        axes.set_title(f"head {head}")
        axes.set(xlabel="... looks at this one", ylabel="this word ...")
        axes.set_xticks(range(n), tokens, rotation=90)
        axes.set_yticks(range(n), tokens)
        axes.label_outer()
    figure.colorbar(picture, ax=grid, shrink=0.5, label="share of the attention")
    probability = model.predict_proba([text])[0, 1]
    figure.suptitle(
        f"A message that the Transformer gives a spam probability of {probability:.3f}"
    )
    save(figure, path)


def influences(model, text):
    """Return the tokens of a text, and what each adds to the log odds of spam.

    That is by how much they fall when the token is left out.
    """
    ids = model[0].transform([text])[0]
    tokens = words(model[0], text)
    without = np.array([np.append(np.delete(ids, i), 0) for i in range(len(tokens))])
    whole = model[-1].decision_function(ids[None])
    return tokens, whole - model[-1].decision_function(without)


def draw_words(model, texts, labels, path, n_columns=104):
    """Write messages, each word coloured by what it adds to the log odds of spam."""
    probabilities = model.predict_proba(texts)[:, 1]
    colors = plt.get_cmap("RdBu_r")
    limit, line, size = 3.0, 0.0, 10.5
    figure, axes = plt.subplots(figsize=(10.2, 6), layout="constrained")
    for text, label, probability in zip(texts, labels, probabilities, strict=True):
        title = f"{label}, to the network spam with probability {probability:.3f}"
        axes.text(0, line, title, fontsize=size, weight="bold")
        line, column = line + 1.35, 0
        for token, value in zip(*influences(model, text), strict=True):
            if column + len(token) > n_columns:
                line, column = line + 1.35, 0
            share = 0.5 + 0.45 * np.clip(value / limit, -1, 1)
            axes.text(
                column, line, token, family="monospace", fontsize=size,
                color="white" if abs(share - 0.5) > 0.3 else "black",
                bbox={"boxstyle": "round,pad=0.12", "fc": colors(share), "ec": "none"},
            )  # fmt: skip
            column += len(token) + 1
        line += 2.2
    figure.set_figheight(0.24 * line + 0.9)
    axes.set(xlim=(0, n_columns), ylim=(line - 1.5, -1))
    axes.axis("off")
    scale = plt.cm.ScalarMappable(plt.Normalize(-limit, limit), colors)
    figure.colorbar(
        scale, ax=axes, location="bottom", shrink=0.5, aspect=40, extend="both",
        label="what a word adds to the log odds of spam",
    )  # fmt: skip
    save(figure, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare the models and draw what the networks have learnt."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the networks")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    models = compare(options.seeds, options.quick)
    _, X_test, _, y_test = load_data(options.quick)
    draw_confusion(models, X_test, y_test, options.output / "spam_confusion.png")
    draw_learning(models, options.output / "spam_learning.png")
    recurrent, transformer = (models[kind] for kind in NETWORKS)
    texts, labels = zip(*map(find, SHOWN), strict=True)
    draw_attention(transformer, texts[0], options.output / "spam_attention.png")
    draw_words(recurrent, texts, labels, options.output / "spam_words.png")
    print(f"\nPictures of the networks of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
