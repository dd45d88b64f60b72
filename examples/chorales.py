"""Bach's chorales, four voices written note by note by a recurrent network.

229 chorales to learn from, 77 to be judged by, both read eighth by eighth: the notes of soprano,
alto, tenor and bass, in turn, are the tokens of a language model. It continues a chorale of Bach,
sets three voices under one of his melodies, and writes one of its own; shown are these, and which
intervals, leaps and ranges it has learnt. With mido installed they are saved as MIDI files, too.
Run it with

    python examples/chorales.py [--output DIRECTORY] [--quick] [--seeds 0]
"""

import argparse
import time
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from sknet import NeuralLanguageModel
from sknet.layers import GRU, Dropout, Embedding

try:
    import mido
except ImportError:
    mido = None

DATA = Path(__file__).parent / "data" / "jsb_chorales.npz"
VOICES = {
    "soprano": "tab:red", "alto": "tab:orange", "tenor": "tab:green", "bass": "tab:blue",
}  # fmt: skip
BAR = 8  # eighths
# Each voice has tokens of its own, for silence and for the notes of its range (MIDI numbers), so
# that the network knows who sings.
LOWEST, HIGHEST = np.array([60, 52, 46, 36]), np.array([81, 74, 69, 66])
FIRST = np.cumsum([0, *(HIGHEST - LOWEST + 2)])[:-1]
NOTES = np.concatenate([[0, *range(a, b + 1)] for a, b in zip(LOWEST, HIGHEST, strict=True)])
TEMPERATURE, SHOWN = 0.7, 0  # of the chorales that are drawn; which one of the test part
SAMPLES = {"n_samples": 64, "max_length": 4 * 16 * BAR}
# Semitones above the bass, octaves left out, that sound at rest.
CONSONANT = [0, 3, 4, 7, 8, 9]
INTERVALS = ["1", "m2", "M2", "m3", "M3", "4", "TT", "5", "m6", "M6", "m7", "M7"]


def load_data(quick=False, test="test"):
    """Return the chorales to learn from and those to be judged by: arrays (eighths, 4 voices).

    The file holds sixteenths; only one change of note in a hundred falls between two eighths. It
    does not tell a note sung twice from one held; 0 is silence.
    """
    parts = []
    with np.load(DATA) as data:
        for part, n_shown in (("train", 12), (test, 4)):
            chorales = np.split(data[part].astype(int), data[f"{part}_offsets"][1:-1])
            parts.append([c[::2] for c in (chorales[:n_shown] if quick else chorales)])
    return parts


def transposed(chorales, shifts):
    """Return the chorales in other keys too, where all voices stay within their ranges."""
    moved = [np.where(c > 0, c + shift, 0) for c in chorales for shift in shifts]
    return [c for c in moved if np.all((c == 0) | ((c >= LOWEST) & (c <= HIGHEST)))]


def encode(chorale):
    """Return the tokens of a chorale, voice by voice of each eighth."""
    return (np.where(chorale > 0, chorale - LOWEST + 1, 0) + FIRST).ravel()


def decode(tokens):
    """Return the chorale of some tokens; an unfinished last chord is left out."""
    return NOTES[tokens[: len(tokens) // 4 * 4]].reshape(-1, 4)


def build_model(seed, quick=False):
    """Return a language model with a context of four bars.

    Layers, rate and epochs were chosen on the validation part of the data.
    """
    return NeuralLanguageModel(
        tokenizer=None,
        context_length=4 * 4 * BAR,
        layers=[Embedding(64), GRU(256, return_sequences=True), Dropout(0.2)],
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=5e-3,
        max_iter=1 if quick else 2,
        batch_size=8,
        random_state=seed,
    )


def count_events(tokens, lags):
    """Yield each token, the end too, with its contexts: voice, and ever more of the notes before.

    A lag of 4 is the last note of the same voice, one of 1 the note just written.
    """
    end = len(NOTES)
    row = [end] * max(lags) + [*tokens, end]
    for i in range(max(lags), len(row)):
        known = [i % 4, *(row[i - lag] for lag in lags)]
        yield row[i], [tuple(known[:n]) for n in range(1, len(known) + 1)]


def counted_nats(train, test, lags=(4, 1)):
    """Return the nats a token of plain counting, for the contexts of `count_events`.

    What is rarely counted is filled up with what the shorter context says, after Witten and Bell
    (1991), doi:10.1109/18.87000.
    """
    tables = [defaultdict(Counter) for _ in range(len(lags) + 1)]
    for tokens in train:
        for token, contexts in count_events(tokens, lags):
            for table, context in zip(tables, contexts, strict=True):
                table[context][token] += 1
    nats = []
    for token, contexts in (event for tokens in test for event in count_events(tokens, lags)):
        p, row = 1 / (len(NOTES) + 1), []
        for table, context in zip(tables, contexts, strict=True):
            seen = table[context]
            if seen:
                p = (seen[token] + len(seen) * p) / (seen.total() + len(seen))
            row.append(-np.log(p))
        nats.append(row)
    return np.mean(nats, axis=0)


def print_row(name, nats, seconds=None):
    """Print a line of the table."""
    seconds = "" if seconds is None else f"{seconds:.1f}"
    print(f"{name:<44} {nats:>8.3f} {np.exp(nats):>10.2f} {seconds:>7}", flush=True)


def compare(seeds, quick):
    """Count, and fit the network with each seed; print the table, return the first."""
    chorales, held_out = load_data(quick)
    train = [encode(c) for c in transposed(chorales, range(-1, 2) if quick else range(-4, 5))]
    test = [encode(c) for c in held_out]
    print(f"{len(chorales)} chorales to learn from, with their transpositions {len(train):,} of")
    print(
        f"{sum(map(len, train)):,} notes; {len(test)} to be judged by, the ends counted as notes\n"
    )
    print(f"{'model':<44} {'nats/note':>8} {'perplexity':>10} {'fit s':>7}\n{'-' * 73}")
    names = ("of the voice", "after its last note", "... and the note just written")
    for name, nats in zip(names, counted_nats(train, test), strict=True):
        print_row(f"counts of notes {name}", nats)
    models = []
    for seed in seeds:
        models.append(build_model(seed, quick))
        start = time.perf_counter()
        models[-1].fit(train)
        seconds = time.perf_counter() - start
        print_row(f"GRU, seed {seed}", -models[-1].score(test), seconds)
    return models[0], held_out


def harmonize(model, melody, opening, quick):
    """Write alto, tenor and bass under a melody whose opening is given in all voices."""
    tokens = encode(opening)
    for step in range(len(opening), len(opening) + 8 if quick else len(melody)):
        note = encode(np.array([[melody[step], 0, 0, 0]]))[:1]
        tokens = model.generate(
            np.concatenate([tokens, note]),
            max_length=3,
            temperature=TEMPERATURE,
            random_state=step,
        )
        # Should the network end the piece in the midst of a chord, voices fall silent.
        missing = 4 * (step + 1) - len(tokens)
        tokens = np.concatenate([tokens, FIRST[4 - missing :]])
    return decode(tokens)


def write_chorales(model, bach, quick):
    """Return chorales by title: Bach's, and what the network makes of it and of nothing."""
    opening, length = bach[: 2 * BAR], 16 if quick else 4 * len(bach)
    options = {"temperature": TEMPERATURE, "random_state": 0}
    drafts = model.generate([], length, n_samples=8, **options)
    return {
        "Bach": bach,
        "continued": decode(model.generate(encode(opening), length, **options)),
        "harmonized": harmonize(model, bach[:, 0], opening, quick),
        "from scratch": decode(max(drafts, key=len)),
    }


def runs(voice):
    """Yield start, stop and note of the notes of a voice; one that is repeated counts as held."""
    cuts = [0, *(np.flatnonzero(np.diff(voice)) + 1), len(voice)]
    for start, stop in pairwise(cuts):
        if stop > start and voice[start]:
            yield start, stop, int(voice[start])


def save_midi(chorale, path, beats_per_minute=80):
    """Save a chorale as a MIDI file, a track for each voice."""
    file = mido.MidiFile(ticks_per_beat=480)
    for number, (name, voice) in enumerate(zip(VOICES, chorale.T, strict=True)):
        track = file.add_track(name)
        if number == 0:
            track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(beats_per_minute)))
        track.append(mido.Message("program_change", channel=number, program=19))  # an organ
        now = 0
        for start, stop, note in runs(voice):
            for kind, at in (("note_on", start), ("note_off", stop)):
                ticks = (at - now) * file.ticks_per_beat // 2
                track.append(mido.Message(kind, channel=number, note=note, time=int(ticks)))
                now = at
    file.save(path)


def draw_roll(axes, chorale, title):
    """Draw a chorale as a piano roll, voices in their colours."""
    for (name, color), voice in zip(VOICES.items(), chorale.T, strict=True):
        notes = list(runs(voice))
        axes.barh(
            [note for *_, note in notes], [(stop - start) / BAR for start, stop, _ in notes],
            left=[start / BAR for start, *_ in notes], height=1.0, color=color,
            snap=False, label=name,
        )  # fmt: skip
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_yticks([36, 48, 60, 72], ["C2", "C3", "C4", "C5"])
    axes.set(ylim=(35, 82))
    axes.grid(alpha=0.3)


def draw_rolls(chorales, path, n_bars=16):
    """Draw the chorales, one below the other."""
    figure, rows = plt.subplots(
        len(chorales), 1, figsize=(11, 9.5), sharex=True, layout="constrained"
    )
    titles = {
        "Bach": "Bach: a chorale of the test part",
        "continued": "the network goes on after two bars of it",
        "harmonized": "the network sets three voices under Bach's soprano, after two bars in full",
        "from scratch": "the network from nothing, the longest of eight",
    }
    for axes, (name, chorale) in zip(rows, chorales.items(), strict=True):
        draw_roll(axes, chorale[: n_bars * BAR], titles[name])
        if name in ("continued", "harmonized"):
            axes.axvspan(0, 2, color="0.9", zorder=0)
    rows[-1].set(xlim=(0, n_bars), xticks=range(n_bars + 1), xlabel="bars from the beginning")
    handles, labels = rows[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    save(figure, path)


def intervals(chorales):
    """Return the share of each interval above the bass, octaves left out."""
    joined = np.concatenate(chorales)
    above, bass = joined[:, :3], joined[:, 3:]
    counts = np.bincount(((above - bass) % 12)[(above > 0) & (bass > 0)], minlength=12)
    return counts / counts.sum()


def leaps(chorales):
    """Return the shares of the steps, in semitones up to 12, by which the upper voices move."""
    sizes = np.concatenate([np.abs(np.diff(c[:, :3], axis=0))[c[1:, :3] > 0] for c in chorales])
    counts = np.bincount(sizes[(sizes > 0) & (sizes <= 12)], minlength=13)[1:]
    return counts / counts.sum()


def draw_learnt(real, written, shuffled, path):
    """Draw intervals, leaps and ranges of Bach's chorales and of those of the network."""
    figure = plt.figure(figsize=(11, 6.2), layout="constrained")
    axes = figure.subplot_mosaic([["intervals", "leaps"], ["ranges", "ranges"]])
    kinds = (("Bach, test part", real, "0.3"), ("network", written, "tab:red"),
             ("Bach, each voice shuffled", shuffled, "0.8"))  # fmt: skip
    for shift, (name, chorales, color) in zip((-0.28, 0, 0.28), kinds, strict=True):
        for panel, measure in (("intervals", intervals), ("leaps", leaps)):
            shares = 100 * measure(chorales)
            axes[panel].bar(np.arange(12) + shift, shares, 0.28, color=color, label=name)
    axes["intervals"].set_xticks(range(12), INTERVALS)
    axes["intervals"].set(
        title="Intervals above the bass, in percent",
        xlabel="m minor, M major, TT tritone; octaves are left out",
    )
    axes["leaps"].legend()
    axes["leaps"].set_xticks(range(12), range(1, 13))
    axes["leaps"].set(title="Moves of the upper voices, in percent", xlabel="semitones")
    for i, (voice, color) in enumerate(VOICES.items()):
        for chorales, filled in ((real, True), (written, False)):
            notes = np.concatenate(chorales)[:, i]
            shares = np.bincount(notes[notes > 0], minlength=84) / max(np.count_nonzero(notes), 1)
            look = {"alpha": 0.35, "fill": True} if filled else {"lw": 1.6}
            label = f"{voice}, {'Bach' if filled else 'network'}"
            axes["ranges"].stairs(
                100 * shares, np.arange(85) - 0.5, color=color, label=label, **look
            )
    axes["ranges"].set_xticks([36, 48, 60, 72, 84], ["C2", "C3", "C4", "C5", "C6"])
    axes["ranges"].set(title="Notes of each voice, in percent", xlim=(34, 84))
    axes["ranges"].legend(ncols=2, fontsize=9)
    save(figure, path)


def shuffle_voices(chorales, rng):
    """Return chorales in which each voice keeps its notes, but at random places."""
    return [rng.permuted(chorale, axis=0) for chorale in chorales]


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Fit the network, let it write chorales, and show what it has learnt of music."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save the files")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    model, held_out = compare(options.seeds, options.quick)

    chorales = write_chorales(model, held_out[SHOWN], options.quick)
    draw_rolls(chorales, options.output / "chorales_rolls.png")
    if mido is None:
        print("\nmido is not installed: no MIDI files.")
    else:
        for name, chorale in chorales.items():
            save_midi(chorale, options.output / f"chorale_{name.lower().replace(' ', '_')}.mid")

    # Drawn as they come, without a lower temperature, to be compared with Bach's.
    size = {"n_samples": 4, "max_length": 64} if options.quick else SAMPLES
    written = [decode(tokens) for tokens in model.generate([], random_state=1, **size)]
    written = [chorale for chorale in written if len(chorale)]
    shuffled = shuffle_voices(held_out, np.random.default_rng(0))
    print("\nNotes that form a consonance with the bass:", end="")
    for name, kind in (("Bach", held_out), ("network", written), ("Bach, shuffled", shuffled)):
        print(f"  {name} {100 * intervals(kind)[CONSONANT].sum():.1f} %", end="")
    draw_learnt(held_out, written, shuffled, options.output / "chorales_learnt.png")
    print(f"\n\nFiles of the network of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
