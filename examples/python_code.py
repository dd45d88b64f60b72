"""A recurrent network that writes Python.

It reads modules of the standard library as they are installed, without comments and docstrings:
nothing is downloaded, and all figures depend on the version of Python. Its tokens are the most
common pieces of code, and single characters for the rest. It is tested on other modules and
compared with gzip and lzma: nats a character tell how far a text can be compressed. Code that the
network writes is saved; printed is how much of it parses and how much is copied, and shown where
real code surprises it. Run it with

    python examples/python_code.py [--output DIRECTORY] [--quick] [--seeds 0]
"""

import argparse
import ast
import gzip
import io
import keyword
import lzma
import platform
import re
import sysconfig
import textwrap
import time
import tokenize
import warnings
from collections import Counter
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import logsumexp

from sknet import NeuralLanguageModel
from sknet.layers import GRU, Dropout, Embedding

SIZES = 2_000, 100_000  # characters of the modules that are read
N_PIECES, CONTEXT = 512, 64
# Folders of tests, of tables, of programs, and of what is not of the standard library.
LEFT_OUT = {
    "test", "tests", "encodings", "pydoc_data", "distutils", "ensurepip", "idlelib", "lib2to3",
    "turtledemo", "site-packages", "dist-packages",
}  # fmt: skip
PROMPTS = ["def ", "class ", "import ", "    def __init__(self", "for ", "if __name__"]
KINDS = ("keyword", "operator", "spacing", "name", "string", "number")


def simplify(source):
    """Return a module without comments and docstrings, in one style, a tab for each indent."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, described) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    text = ast.unparse(tree) + "\n"
    return re.sub("^(?: {4})+", lambda indent: "\t" * (len(indent[0]) // 4), text, flags=re.M)


def load_data(quick=False, first_held=12):
    """Return the modules to learn from and those to be judged by: texts by names.

    They are the public modules of the standard library that are neither short nor long nor tables
    of numbers; of the sorted names every 25th is held out.
    """
    folder, texts = Path(sysconfig.get_paths()["stdlib"]), {}
    for path in sorted(folder.glob("[a-c]*.py") if quick else folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if any(part in LEFT_OUT or part.startswith(("_", "config-")) for part in parts):
            continue
        source = path.read_bytes()
        text = simplify(source.decode()) if source.isascii() else ""
        n_digits = sum(map(str.isdigit, text))
        if text.isascii() and SIZES[0] <= len(text) <= SIZES[1] and n_digits < len(text) / 20:
            texts[".".join(parts)] = text
        if quick and len(texts) == 14:
            break
    test = dict(list(texts.items())[first_held::25])
    train = {name: text for name, text in texts.items() if name not in test}
    return {name: text[:1200] if quick else text for name, text in train.items()}, test


class PieceTokenizer:
    """Cuts code into its commonest pieces, as long as possible, and characters between them.

    Parameters
    ----------
    texts : iterable of str
        Code, in ASCII, in which the pieces are counted.
    """

    def __init__(self, texts):
        words = r"\n\t*|[ ._]?[A-Za-z]+|[^\sA-Za-z]+ ?"
        counts = Counter(piece for text in texts for piece in re.findall(words, text))
        saved = {p: (len(p) - 1) * count for p, count in counts.items() if len(p) > 1}
        common = sorted(saved, key=lambda piece: (-saved[piece], piece))[:N_PIECES]
        # The line break comes last: the largest token has to occur in the texts to learn from.
        characters = map(chr, (9, *range(32, 127)))
        self.pieces = [*dict.fromkeys([*characters, *common]), "\n"]
        self.ids = {piece: id for id, piece in enumerate(self.pieces)}
        longest_first = sorted(self.pieces, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first)))

    def split(self, text):
        """Return the pieces of a text."""
        return self.pattern.findall(text)

    def encode(self, text):
        """Return the tokens of a text."""
        return np.array([self.ids[piece] for piece in self.split(text)])

    def decode(self, tokens):
        """Return the text of some tokens."""
        return "".join(self.pieces[token] for token in tokens)


def build_model(seed, quick=False):
    """Return a language model of one recurrent layer.

    Tokens, layer and rate were chosen on other modules, held out of those to learn from.
    """
    return NeuralLanguageModel(
        tokenizer=None,
        context_length=CONTEXT,
        layers=[Embedding(64), GRU(64 if quick else 256, return_sequences=True), Dropout(0.1)],
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=5e-3,
        max_iter=1 if quick else 2,
        batch_size=16,
        random_state=seed,
    )


def compressed_nats(compress, text, known=""):
    """Return the nats a character that a compressor needs for a text after a known one."""
    n_bytes = len(compress((known + text).encode())) - len(compress(known.encode()))
    return n_bytes * 8 * np.log(2) / len(text)


def print_row(name, nats, seconds=None):
    """Print a line of the table."""
    seconds = "" if seconds is None else f"{seconds:.1f}"
    print(f"{name:<38} {nats:>9.3f} {nats / np.log(2):>9.2f} {seconds:>7}", flush=True)


def compare(seeds, quick):
    """Compress, and fit the network with each seed; print the table, return the first."""
    train, test = load_data(quick)
    known, text = "".join(train.values()), "".join(test.values())
    print(f"Python {platform.python_version()}: {len(train)} modules of {len(known):,} characters")
    print(textwrap.fill(f"to learn from; {len(text):,} of {', '.join(test)} to be judged by", 88))
    print()
    print(
        f"{'held-out modules, a character':<38} {'nats':>9} {'bits':>9} {'fit s':>7}\n{'-' * 66}"
    )
    print_row("gzip", compressed_nats(gzip.compress, text))
    print_row("lzma", compressed_nats(lzma.compress, text))
    print_row("lzma, after the training files", compressed_nats(lzma.compress, text, known))
    tokenizer, models = PieceTokenizer(train.values()), []
    rows, held_out = ([tokenizer.encode(x) for x in part.values()] for part in (train, test))
    for seed in seeds:
        models.append(build_model(seed, quick))
        start = time.perf_counter()
        models[-1].fit(rows)
        seconds = time.perf_counter() - start
        print_row(
            f"GRU, seed {seed}", -models[-1].score_samples(held_out).sum() / len(text), seconds
        )
    return models[0], tokenizer, train, test


def blocks_of(text):
    """Return the statements at the left margin with all that belongs to them.

    The last one is left out: a text may end in its midst.
    """
    begin = r"\n(?=[A-Za-z_@#\"'])(?!(?:else|elif|except|finally)\b)"
    return [block for block in re.split(begin, textwrap.dedent(text))[:-1] if block.strip()]


def parses(block):
    """Tell whether Python's parser takes a piece of code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of strange escapes and comparisons
            ast.parse(block)
    except (SyntaxError, ValueError):
        return False
    return True


def share(found):
    """Return how many are true, as a text."""
    found = list(found)
    return f"{sum(found):,} of {len(found):,} ({100 * np.mean(found or [0]):.0f} %)"


def write(model, tokenizer, train, test, quick, path):
    """Write code and save it; tell how much of it parses, and how much is copied.

    A block is a statement at the left margin with all that belongs to it; lines of 20 characters
    or more count as learnt by heart if they stand in a module that was learnt from.
    """
    n_samples, length = (1, 60) if quick else (6, 400)
    start, texts = time.perf_counter(), []
    for seed, prompt in enumerate(PROMPTS):
        written = model.generate(
            tokenizer.encode(prompt),
            length,
            temperature=0.6,
            n_samples=n_samples,
            random_state=seed,
        )
        texts += [tokenizer.decode(tokens) for tokens in written]
    seconds = time.perf_counter() - start
    path.write_text(f"\n\n{'#' * 40}\n\n".join(texts).expandtabs(4) + "\n")
    print(f"\n{sum(map(len, texts)):,} characters written in {seconds:.1f} s, at temperature 0.6")
    print(f"\n{'code':<10} {'blocks that parse':>22} {'lines learnt by heart':>22}\n{'-' * 56}")
    known = {line.strip() for text in train.values() for line in text.splitlines()}
    for name, code in (("written", texts), ("held-out", list(test.values()))):
        blocks = [block for text in code for block in blocks_of(text)]
        lines = [line.strip() for text in code for line in text.splitlines()[:-1]]
        lines = [line for line in lines if len(line) >= 20]
        print(
            f"{name:<10} {share(map(parses, blocks)):>22} {share(x in known for x in lines):>22}"
        )
    best = max(texts, key=lambda text: sum(map(parses, blocks_of(text))))
    print(f"\nThe text with the most blocks that parse:\n\n{best.expandtabs(4)}")


def surprise(model, tokenizer, text):
    """Return the pieces of a text, and -log p of each given all before it."""
    ids = tokenizer.encode(text) + 1
    raw = model.network_.predict(np.r_[model.n_outputs_, ids[:-1]][None])[0].astype(float)
    log_p = raw - logsumexp(raw, axis=1, keepdims=True)
    return tokenizer.split(text), -log_p[np.arange(len(ids)), ids - 1]


def draw_surprise(model, tokenizer, name, text, path, n_lines, width=96):
    """Write a piece of held-out code, each token coloured by how surprising it is."""
    lines = text.splitlines(keepends=True)
    first = next((i for i, x in enumerate(lines) if x.startswith(("class ", "def "))), 0)
    before, shown = "".join(lines[:first]), "".join(lines[first : first + n_lines])
    pieces, nats = surprise(model, tokenizer, before + shown)
    start = len(tokenizer.split(before))
    colors, scale = plt.get_cmap("YlOrRd"), plt.Normalize(0, 8)
    n_shown = shown.count("\n")
    figure, axes = plt.subplots(figsize=(11, 0.23 * n_shown + 1.4), layout="constrained")
    line = column = 0
    for piece, value in zip(pieces[start:], nats[start:], strict=True):
        visible = piece.replace("\n", "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}", 1)
        for character in visible:
            n_cells = 4 if character == "\t" else 1
            axes.add_patch(plt.Rectangle((column, line), n_cells, 0.94, fc=colors(scale(value))))
            is_end = character == "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}"
            axes.text(
                column + 0.5, line + 0.5, character.strip(), ha="center", va="center",
                family="DejaVu Sans Mono", fontsize=8 if is_end else 9.5,
                color="white" if scale(value) > 0.65 else "0.5" if is_end else "black",
                clip_on=True,
            )  # fmt: skip
            line, column = (line + 1, 0) if is_end else (line, column + n_cells)
    axes.set(xlim=(0, width), ylim=(n_shown, 0))
    axes.set_title(f"From the held-out module {name}: where code surprises the network")
    axes.axis("off")
    figure.colorbar(
        plt.cm.ScalarMappable(scale, colors), ax=axes, location="bottom", shrink=0.5, aspect=50,
        extend="max", label="surprise in nats: -log p(piece of code, given all before)",
    )  # fmt: skip
    save(figure, path)


def kinds_of(text):
    """Return for each character of a module which kind of token it belongs to."""
    starts = np.cumsum([0, *map(len, text.splitlines(keepends=True))])
    kinds = np.full(len(text), "spacing", dtype="U8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "NAME":
            kind = "keyword" if keyword.iskeyword(token.string) else "name"
        kind = {"OP": "operator", "NUMBER": "number"}.get(kind, kind)
        kind = "string" if "STRING" in kind else kind
        if kind in KINDS:
            start, stop = (starts[row - 1] + column for row, column in (token.start, token.end))
            kinds[start:stop] = kind
    return kinds


def draw_kinds(model, tokenizer, test, path):
    """Draw how surprising the characters of each kind of token are, and how much they make up."""
    kinds, nats = [], []
    for text in test.values():
        pieces, values = surprise(model, tokenizer, text)
        lengths = list(map(len, pieces))
        nats.append(np.repeat(values / lengths, lengths))
        kinds.append(kinds_of(text))
    kinds, nats = np.concatenate(kinds), np.concatenate(nats)
    is_kind = [kinds == kind for kind in KINDS]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained")
    bars = left.barh(KINDS, [nats[i].mean() if i.any() else 0 for i in is_kind], color="tab:red")
    left.bar_label(bars, fmt="%.2f", padding=3)
    left.set(title="Surprise, nats a character", xlim=(0, 1.15 * left.get_xlim()[1]))
    places = np.arange(len(KINDS))
    right.barh(places - 0.2, [100 * i.mean() for i in is_kind], 0.38, color="0.7",
               label="of all characters")  # fmt: skip
    right.barh(places + 0.2, [100 * nats[i].sum() / nats.sum() for i in is_kind], 0.38,
               color="tab:red", label="of all surprise")  # fmt: skip
    right.set_yticks(places, KINDS)
    right.set(title="Share of each kind, in percent")
    right.legend()
    for axes in (left, right):
        axes.invert_yaxis()
    figure.suptitle("Held-out modules by kind of token; a piece's surprise is spread over it")
    save(figure, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Fit the network, let it write code, and show what surprises it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save the files")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    model, tokenizer, train, test = compare(options.seeds, options.quick)
    # Not a .py file: it need not compile.
    path = options.output / "generated_code.txt"
    write(model, tokenizer, train, test, options.quick, path)
    name = max(test, key=lambda name: len(test[name]))
    path, n_lines = options.output / "python_surprise.png", 10 if options.quick else 34
    draw_surprise(model, tokenizer, name, test[name], path, n_lines)
    draw_kinds(model, tokenizer, test, options.output / "python_kinds.png")
    print(f"\nFiles of the network of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
