"""A small Transformer that writes like Shakespeare, character by character.

The first nine tenths of a million characters of his plays to learn from, the last tenth to judge
by: 2,000 steps, a minute or so. The text that the network writes is saved. Shown are how surprised
it is at each character of a passage that it never saw, what it expected in its place, and where
its heads look. Run it with

    python examples/shakespeare.py [--output DIRECTORY] [--quick] [--seeds 0]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from sknet import NeuralLanguageModel
from sknet.inspection import AttentionDisplay
from sknet.layers import Embedding, LayerNorm, PositionalEmbedding, TransformerBlock
from sknet.schedules import Cosine

DATA = Path(__file__).parent / "data" / "tinyshakespeare.txt"
CONTEXT, BATCH, STEPS = 64, 12, 2000
# Where the passages begin that are looked into, of the held-out text.
PASSAGE, LINES = "PROSPERO:\nTwelve year since", "In the dark backward and abysm of time"
PROMPTS = ["ROMEO:\n", "First Citizen:\n", "To be, or not to be"]


def load_data(quick=False):
    """Return the text to learn from and the text to be judged by."""
    text = DATA.read_text()
    cut = len(text) * 9 // 10
    return (text[:4_000], text[-1_000:]) if quick else (text[:cut], text[cut:])


def texts_of(text, quick=False):
    """Return the text, and its beginning again, for one epoch of exactly STEPS steps.

    A text of n characters makes a window for each CONTEXT of its n + 1 tokens, the end included.
    """
    if quick:
        return [text]
    missing = STEPS * BATCH - -(-(len(text) + 1) // CONTEXT)
    return [text, text[: missing * CONTEXT - 1]]


def build_model(seed):
    """Return a language model of four blocks, for one epoch over `texts_of` the text."""
    blocks = [(f"block_{i}", TransformerBlock(num_heads=4, causal=True)) for i in range(1, 5)]
    position = PositionalEmbedding(max_length=CONTEXT)
    return NeuralLanguageModel(
        layers=[Embedding(128), position, *blocks, LayerNorm()],
        context_length=CONTEXT,
        solver="adamw",
        learning_rate=Cosine(warmup=0.05),
        learning_rate_init=1e-3,
        max_iter=1,
        batch_size=BATCH,
        random_state=seed,
    )


def timed_fit(model, *data, **parameters):
    """Fit and return the seconds it took."""
    start = time.perf_counter()
    model.fit(*data, **parameters)
    return time.perf_counter() - start


def train_network(seeds, quick):
    """Fit the network with each seed; print the table, return the first."""
    train, test = load_data(quick)
    print(f"{len(train):,} characters to learn from, {len(test):,} to be judged by")
    print(f"Nats a character: in windows of {CONTEXT} without overlap, the first of each with")
    print(f"hardly any context; by `score`, with {CONTEXT // 2} to {CONTEXT} characters before\n")
    print(f"{'model':<24} {'windows':>8} {'score':>8} {'steps':>7} {'fit s':>7}\n{'-' * 58}")
    models = []
    for seed in seeds:
        model = build_model(seed)
        seconds = timed_fit(model, texts_of(train, quick), X_val=[test])  # decides nothing
        loss, score = model.history_["validation_loss"][-1], -model.score([test])
        steps = -(-model.t_ // BATCH)
        print(
            f"{f'Transformer, seed {seed}':<24} {loss:>8.3f} {score:>8.3f} {steps:>7.0f} "
            f"{seconds:>7.1f}",
            flush=True,
        )
        models.append(model)
    return models[0]


def write(model, length, path):
    """Write texts, save them, and print the first."""
    start = time.perf_counter()
    texts = [
        model.generate(prompt, max_length=length, temperature=0.8, random_state=0)
        for prompt in PROMPTS
    ]
    seconds = time.perf_counter() - start
    path.write_text(f"\n\n{'-' * 40}\n\n".join(texts) + "\n")
    print(f"\n{len(texts) * length:,} characters in {seconds:.1f} s, at temperature 0.8:\n")
    print(texts[0])


def encode(model, text):
    """Return the ids of the characters of a text."""
    return model.tokenizer_.encode([text])[0]


def next_characters(model, text, start):
    """Return the probabilities of what follows, for each place from `start` on: (n, characters).

    Each is given a full context; the columns stand for the ids from 1 on.
    """
    ids = encode(model, text)[start - CONTEXT : -1]
    raw = model.network_.predict(np.lib.stride_tricks.sliding_window_view(ids, CONTEXT))
    p = np.exp(raw[:, -1].astype(float))
    return p / p.sum(axis=1, keepdims=True)


def read_passage(model, text, begin, length):
    """Return the passage of the text that begins so, the ids of it, and `next_characters`."""
    start = text.index(begin)
    shown = text[start : start + length]
    p = next_characters(model, text[start - CONTEXT : start + length], CONTEXT)
    return shown, encode(model, shown), p


def visible(character):
    """Return what stands for a character in a picture."""
    return {"\n": "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}", " ": "\N{OPEN BOX}"}.get(
        character, character
    )


def draw_surprise(model, text, path, n_lines):
    """Write a passage, each character coloured by how surprising it is."""
    lines = text[text.index(PASSAGE) :].splitlines(keepends=True)[:n_lines]
    _, ids, p = read_passage(model, text, PASSAGE, sum(map(len, lines)))
    nats = -np.log(p[np.arange(len(ids)), ids - 1])
    grid = np.full((len(lines), max(map(len, lines))), np.nan)
    colors, scale = plt.get_cmap("YlOrRd"), plt.Normalize(0, 7)
    figure, axes = plt.subplots(figsize=(9, 0.24 * n_lines + 1.3), layout="constrained")
    values = iter(nats)
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            value = grid[row, column] = next(values)
            axes.text(
                column, row, "\N{RETURN SYMBOL}" if character == "\n" else character,
                ha="center", va="center", family="DejaVu Sans Mono", in_layout=False,
                color="white" if scale(value) > 0.65 else "black",
            )  # fmt: skip
    picture = axes.imshow(grid, cmap=colors, norm=scale, aspect="auto")
    axes.set_title(f"A held-out passage, {nats.mean():.2f} nats a character")
    axes.axis("off")
    figure.colorbar(
        picture, ax=axes, location="bottom", shrink=0.5, aspect=50, extend="max",
        label=f"surprise in nats: -log p(character, given the {CONTEXT} before)",
    )  # fmt: skip
    save(figure, path)


def draw_expected(model, text, path, n_lines, n_columns=46, n_ranks=6):
    """Draw the likeliest characters at each place of a passage, and mark those that came."""
    shown, ids, p = read_passage(model, text, LINES, n_columns * n_lines)
    names = [*map(visible, model.tokenizer_.tokens_), "end"]
    ranked = np.argsort(-p, axis=1)[:, :n_ranks]
    falling = np.take_along_axis(p, ranked, axis=1)
    figure, rows = plt.subplots(
        n_lines, 1, figsize=(11, 2.2 * n_lines + 0.6), layout="constrained", squeeze=False
    )
    for number, axes in enumerate(rows.flat):
        first = number * n_columns
        part = slice(first, first + n_columns)
        picture = axes.imshow(falling[part].T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for (place, rank), id in np.ndenumerate(ranked[part] + 1):
            came = id == ids[first + place]
            axes.text(
                place, rank, names[id], ha="center", va="center", family="DejaVu Sans Mono",
                fontsize=9, in_layout=False,
                color="white" if falling[first + place, rank] > 0.55 else "black",
            )  # fmt: skip
            if came:
                box = {"fill": False, "ec": "tab:red", "lw": 1.6}
                axes.add_patch(plt.Rectangle((place - 0.46, rank - 0.46), 0.92, 0.92, **box))
        axes.set_xticks(range(n_columns), map(visible, shown[part]), family="DejaVu Sans Mono")
        axes.set_yticks(range(n_ranks), [f"{rank}." for rank in range(1, n_ranks + 1)])
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
    figure.colorbar(picture, ax=rows, aspect=30, label="probability")
    figure.suptitle(
        f"Above each column is the character that came; in it are the {n_ranks} likeliest, given "
        "those before (red: it was among them)"
    )
    save(figure, path)


def draw_attention(model, text, path, block):
    """Draw where the heads of a block look while a line is read."""
    line = text[text.index(LINES) :].splitlines()[0]
    figure, grid = plt.subplots(2, 2, figsize=(9.8, 9.6), layout="constrained")
    weights = model.network_.attention_weights(encode(model, line)[None], f"{block}__attention")
    for head, axes in enumerate(grid.flat):
        AttentionDisplay(weights[0, head], tokens=[*line]).plot(axes, colorbar=False)
        axes.set_title(f"head {head + 1}")
    figure.suptitle(f"The heads of {block.replace('_', ' ')} while a held-out line is read")
    save(figure, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Train, write, and draw what the network expects in a text that it never saw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save the results")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    model = train_network(options.seeds, options.quick)
    write(model, 50 if options.quick else 500, options.output / "shakespeare.txt")
    _, test = load_data()
    draw_surprise(
        model, test, options.output / "shakespeare_surprise.png", 6 if options.quick else 23
    )
    draw_expected(
        model, test, options.output / "shakespeare_expected.png", 1 if options.quick else 3
    )
    draw_attention(model, test, options.output / "shakespeare_attention.png", "block_2")
    print(f"\nText and pictures of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
