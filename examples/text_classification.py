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
from sknet.inspection import (
    AttentionDisplay,
    ErrorsDisplay,
    SaliencyDisplay,
    TrainingDisplay,
)
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
    display = TrainingDisplay.from_estimator({kind: models[kind] for kind in NETWORKS})
    save(display.figure_, path)


def words(tokenizer, text):
    """Return the tokens of a text as they are written in it."""
    return re.findall(WORD, text)[: tokenizer.length_]


def draw_attention(model, text, path):
    """Draw where the words of a message look, in each head of the Transformer."""
    figure, grid = plt.subplots(2, 2, figsize=(9.5, 9.2), layout="constrained")
    for head, axes in enumerate(grid.flat):
        AttentionDisplay.from_estimator(
            model,
            [text],
            "block",
            head=head,
            tokens=words(model[0], text),
            ax=axes,
            colorbar=False,
        )
        axes.set_title(f"head {head + 1}")
        axes.label_outer()
    probability = model.predict_proba([text])[0, 1]
    figure.suptitle(f"A message with a spam probability of {probability:.3f}")
    save(figure, path)


def draw_words(model, texts, path):
    """Draw which words speak for spam, and which for ham."""
    figure, row = plt.subplots(1, len(texts), figsize=(14, 8), layout="constrained")
    for text, axes in zip(texts, row, strict=True):
        tokens = words(model[0], text)
        SaliencyDisplay.from_estimator(model, [text], target="spam", tokens=tokens, ax=axes)
    save(figure, path)


def draw_mistakes(model, X, y, path):
    """Write the messages that are mistaken, the most confident mistakes first."""
    display = ErrorsDisplay.from_estimator(model, X, y, n_shown=12)
    save(display.figure_, path)


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
    _, X_test, _, y_test = load_data()
    texts = [next(text for text in X_test if text.startswith(start)) for start in SHOWN]
    draw_attention(transformer, texts[0], options.output / "spam_attention.png")
    draw_words(recurrent, texts, options.output / "spam_words.png")
    draw_mistakes(recurrent, X_test, y_test, options.output / "spam_mistakes.png")
    print(f"\nPictures of the networks of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
