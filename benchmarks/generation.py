"""Time of writing text with a language model: linear in its length, thanks to what is kept.

A Transformer and a recurrent network, both with a context of 64 characters, write 100 to 500
characters, in turns. Each hundred is the difference between two lengths of one turn; shown are the
medians and, in brackets, the quartiles. The same text is then written by a loop that reads the
whole context anew for each character: it must agree character for character. Run it with

    python benchmarks/generation.py [--repeats 15]
"""

import argparse
import platform
import time
from pathlib import Path

import numpy as np

import sknet
from sknet import NeuralLanguageModel
from sknet.estimators.generation import draw
from sknet.layers import GRU, Embedding, LayerNorm, PositionalEmbedding, TransformerBlock

DATA = Path(__file__).parents[1] / "examples" / "data" / "tinyshakespeare.txt"
CONTEXT = 64
LENGTHS = (100, 200, 300, 400, 500)
PROMPT = "First Citizen:\n"
# Few likely characters to draw from: the end of the text, which is rare, is never among them.
TEMPERATURE, TOP_K = 0.8, 10

NETWORKS = {
    "Transformer, 4 blocks of width 128": [
        Embedding(128),
        PositionalEmbedding(max_length=CONTEXT),
        *[TransformerBlock(num_heads=4, causal=True) for _ in range(4)],
        LayerNorm(),
    ],
    "GRU of 256 units": [Embedding(64), GRU(256, return_sequences=True)],
}


def fit_model(layers):
    """Return a language model after a few steps: what it writes takes as long as good text."""
    model = NeuralLanguageModel(
        layers=layers, context_length=CONTEXT, max_iter=1, batch_size=12, random_state=0
    )
    return model.fit([DATA.read_text()[:30_000]])


def generate(model, length):
    """Write a text, prompt included, of so many characters more."""
    return model.generate(
        PROMPT, max_length=length, temperature=TEMPERATURE, top_k=TOP_K, random_state=0
    )


def generate_anew(model, length):
    """Write the same text, but read the whole context again for each character."""
    rng = np.random.default_rng(0)
    start = model.n_outputs_  # id of the end, which also stands before a text
    written = list(model.tokenizer_.encode([PROMPT])[0])
    context = [start, *written]
    for _ in range(length):
        if len(context) > CONTEXT:  # a full context is cut to its last half
            context = context[CONTEXT - CONTEXT // 2 :]
        logits = model.network_.predict(np.array([context]))[:, -1].astype(float)
        logits[:, 0] = -np.inf  # the unknown character is never written
        id = 1 + draw(logits, rng, TEMPERATURE, TOP_K)[0]  # the first output stands for id 1
        written.append(id)
        context.append(id)
    return model.tokenizer_.inverse_transform([written])[0]


def seconds_of(function, *arguments):
    """Return the seconds of a call and its result."""
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def measure(model, repeats):
    """Return the seconds of each length in each turn, (repeats, n_lengths)."""
    seconds_of(generate, model, LENGTHS[0])  # warms up
    return np.array(
        [[seconds_of(generate, model, length)[0] for length in LENGTHS] for _ in range(repeats)]
    )


def print_row(name, seconds):
    """Print milliseconds: the median of each column, and its quartiles."""
    low, median, high = 1e3 * np.quantile(seconds, [0.25, 0.5, 0.75], axis=0)
    shown = [f"{m:.0f} ({a:.0f}-{b:.0f})" for a, m, b in zip(low, median, high, strict=True)]
    print(f"{name:<14}" + "".join(f"{cell:>17}" for cell in shown), flush=True)


def report(name, model, repeats):
    """Print the times of a network, and whether both ways write the same."""
    longest = LENGTHS[-1]
    text = generate(model, longest)
    took, same = seconds_of(generate_anew, model, longest)
    if len(text) != len(PROMPT) + longest:
        raise RuntimeError(f"The text ended after {len(text)} characters.")
    seconds = measure(model, repeats)
    hundreds = np.diff(seconds, axis=1, prepend=0)
    median = np.median(seconds, axis=0)
    print(f"\n{name}")
    print_row("all so far", seconds)
    print_row("each hundred", hundreds)
    print(f"{'us a character':<14}", end="")
    print("".join(f"{1e6 * t / n:>17.0f}" for t, n in zip(median, LENGTHS, strict=True)))
    low, ratio, high = np.quantile(hundreds[:, -1] / hundreds[:, 0], [0.25, 0.5, 0.75])
    print(f"last hundred / first hundred: {ratio:.2f} ({low:.2f}-{high:.2f})")
    print(
        f"context read anew: {1e3 * took:.0f} ms for {longest}, {took / median[-1]:.1f} times as "
        f"long; {'the same' if same == text else 'ANOTHER'} text"
    )
    return same == text


def main(arguments=None):
    """Time both networks; return how many wrote another text without what is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15, help="turns (default: 15)")
    options = parser.parse_args(arguments)
    print(f"{platform.machine()}, numpy {np.__version__}, sknet {sknet.__version__}\n")
    print(f"{'milliseconds':<14}" + "".join(f"{length:>17}" for length in LENGTHS))
    agree = [report(name, fit_model(layers), options.repeats) for name, layers in NETWORKS.items()]
    return agree.count(False)


if __name__ == "__main__":
    raise SystemExit(main())
