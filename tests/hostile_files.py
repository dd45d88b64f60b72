"""Mutate files of `sknet.save`: each loads or is refused in a sentence, and nothing is run.

``python -m tests.hostile_files --mutations 20000`` prints one example of each kind of failure, and
exits with 1 if there is any. ``--only N`` shows the mutation of a number. Half of the mutations
are made inside the members, whose checksums are then made right again.
"""

import argparse
import io
import json
import random
import sys
import tempfile
import tracemalloc
from collections import defaultdict
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from warnings import catch_warnings, simplefilter
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo, is_zipfile

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknet
from sknet.interop import UnreadableFileError
from sknet.layers import LSTM, BatchNorm, Branch, Conv2D, Dense, Embedding, Flatten, MaxPool2D
from sknet.preprocessing import TableEncoder, TokenizerTransformer

#: Peak of memory: this much for each byte of the file, and something for what it runs.
BYTES_PER_BYTE, BYTES_OF_ANY = 100, 4 * 2**20
#: Calls that no file may lead to.
FORBIDDEN = ("os.system", "subprocess.Popen", "pickle.find_class", "exec", "socket.connect")
_NUMBERS = (-1, 0, 1, 2, 7, 255, 2**31, 2**63, 10**18, 10**200, 0.5, 1e308, True, None, "", "a")
_KINDS = ("list", "dict", "object", "array", "tuple", "named", "objects", "generator", "skops")


@cache
def samples():
    """Return files of several fitted estimators, small ones."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))
    y = (X[:, 0] > 0).astype(int)
    brief = {"max_iter": 1, "tol": 0, "random_state": 0}
    image = [Conv2D(2, 2), BatchNorm(), MaxPool2D(1), Flatten(), Dense(3, activation="relu")]
    branches = [Branch(slice(0, 2), [Dense(2)])]
    table = np.array(list(zip(X[:, 0], np.where(y, "u", "v"), strict=True)), dtype=object)
    words = [Embedding(2), LSTM(2, return_sequences=True)]
    codes = [Embedding(2, input_dim=3), LSTM(2)]
    estimators = [
        sknet.NeuralClassifier((3,), averaging=0.9, **brief).fit(X, np.where(y, "no", "yes")),
        sknet.NeuralRegressor(layers=image, input_shape=(2, 2, 1), **brief).fit(X, X[:, 0]),
        sknet.NeuralRegressor(layers=branches, **brief).fit(X, X[:, 0]),
        sknet.NeuralClassifier(layers=codes, **brief).fit((X > 0).astype(int), y),
        sknet.AutoencoderTransformer(2, (3,), **brief).fit(X),
        sknet.NeuralLanguageModel(layers=words, **brief).fit(["ab ba"] * 4),
        sknet.TabularClassifier(hidden_layer_sizes=(2,), cv=2, max_iter=1, random_state=0).fit(
            table, y
        ),
        TableEncoder().fit(table, y),
        TokenizerTransformer().fit(["some words", "other words"]),
    ]
    if find_spec("skops"):
        scaled = make_pipeline(StandardScaler(), sknet.NeuralRegressor((2,), **brief))
        estimators.append(scaled.fit(X, X[:, 0]))
    repr(estimators)  # scikit-learn imports what it needs for that
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.sknet"
        return [_saved(estimator, path) for estimator in estimators]


def _saved(estimator, path):
    sknet.save(estimator, path)
    return path.read_bytes()


def members_of(content):
    """Return the members of a file by name."""
    with ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members, compression=ZIP_STORED):
    """Return the file of members, whose manifest has their right checksums."""
    members = dict(members)
    manifest = json.loads(members.pop("manifest.json"))
    if isinstance(manifest, dict):
        manifest["sha256"] = {name: sha256(each).hexdigest() for name, each in members.items()}
    file = io.BytesIO()
    with ZipFile(file, "w", compression) as archive:
        for name, each in {**members, "manifest.json": json.dumps(manifest).encode()}.items():
            archive.writestr(ZipInfo(name), each, compression)
    return file.getvalue()


def mutated(seed, number):
    """Return a file that is damaged in one way or a few."""
    rng = random.Random(f"{seed} {number}")
    content = rng.choice(samples())
    if rng.random() < 0.25:
        return damaged(rng, content)
    members = members_of(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        change = rng.choice((change_json, change_json, change_json, change_array, change_members))
        change(rng, members)
    return packed(members, ZIP_DEFLATED if rng.random() < 0.02 else ZIP_STORED)


def damaged(rng, content):
    """Return bytes that are cut, overwritten, doubled or put elsewhere."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        place, length = rng.randrange(len(content) + 1), rng.choice((1, 2, 4, 8, 100))
        some = rng.choice((rng.randbytes(length), b"\xff" * length, bytes(length), b""))
        content[place : place + rng.choice((0, length))] = some
    return bytes(content[: rng.randrange(len(content) + 1)] if rng.random() < 0.2 else content)


def change_json(rng, members):
    """Change something in the model: a number, a name, a kind, an entry or the text."""
    try:
        document = json.loads(members["model.json"])
        entries = document["entries"]
        entry = rng.choice(entries)
        place = rng.randrange(len(entry))
    except (ValueError, LookupError, TypeError, RecursionError):
        members["model.json"] = damaged(rng, members.get("model.json", b"{}"))
        return
    way = rng.randrange(10)
    if way < 3:
        entry[place] = rng.choice(_NUMBERS)
    elif way == 3:
        entry[place] = [rng.choice((-1, rng.randrange(len(entries)), 10**9, "nan", "x", 1.5))]
    elif way == 4:
        entry[0] = rng.choice(_KINDS)
    elif way == 5 and len(entry) > 1:
        del entry[place]
    elif way == 6:
        other = rng.choice(entries)
        entry[place] = rng.choice(other)
    elif way == 7:
        entry.insert(place, rng.choice(("posix.system", "__class__", "fit", {"a": 1}, [[1]], [0])))
    elif way == 8:
        entries.insert(rng.randrange(len(entries)), list(entry))
    else:
        members["model.json"] = damaged(rng, members["model.json"])
        return
    members["model.json"] = json.dumps(document).encode()


def change_skops(rng, members):
    """Change what skops reads: the names of classes and modules, or an array."""
    inner = members_of(members["skops/0.skops"])
    if rng.random() < 0.5:
        schema = inner["schema.json"].decode("latin-1")
        old = rng.choice(("StandardScaler", "sklearn", "ObjectNode", "numpy", "dtype", "1"))
        new = rng.choice(("Popen", "subprocess", "os", "ReduceNode", "FunctionNode", "-1", "{"))
        inner["schema.json"] = schema.replace(old, new, rng.choice((1, -1))).encode("latin-1")
    else:
        name = rng.choice(list(inner))
        inner[name] = rng.choice((damaged(rng, inner[name]), pickled_array()))
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        for name, data in inner.items():
            archive.writestr(name, data)
    members["skops/0.skops"] = file.getvalue()


def change_array(rng, members):
    """Change an array: its header, its values, or what it is."""
    names = [name for name in members if name.startswith("arrays/")]
    if "skops/0.skops" in members and is_zipfile(io.BytesIO(members["skops/0.skops"])):
        change_skops(rng, members)
    if not names:
        return
    name = rng.choice(names)
    way = rng.randrange(6)
    if way == 0:
        members[name] = damaged(rng, members[name])
    elif way == 1:
        members[name] = pickled_array()
    elif way == 2:
        shape = rng.choice(
            ("(10000000000,)", "(0, 10000000000)", "(-1,)", "()", "(2,)", "5", "((((")
        )
        dtype = rng.choice(("<f8", "|O", "<U999999999", "<f4", "|V0", "<M8[s]"))
        header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
        start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
        members[name] = start + header + members[name][128:]
    else:
        try:
            array = np.load(io.BytesIO(members[name]))
            array = rng.choice(
                (array[..., None], array.ravel()[1:], array.astype("S4"), array * np.nan)
            )
        except Exception:  # it is no array any more
            array = np.zeros(rng.choice((0, 1, 5)))
        file = io.BytesIO()
        np.save(file, array)
        members[name] = file.getvalue()


def change_members(rng, members):
    """Change which members there are, or what the manifest says."""
    name = rng.choice(list(members))
    way = rng.randrange(6)
    if way == 0 and name != "manifest.json":
        del members[name]
    elif way == 1:
        members[rng.choice(("../evil", "/etc/x", "arrays/99.npy", "code.py", "A" * 300))] = b"x"
    elif way == 2:
        members["model.json"] = b"[" * rng.choice((10, 100_000)) + members.get("model.json", b"")
    elif way == 3:
        members["manifest.json"] = json.dumps(rng.choice(([], {}, {"format": 2}, 3))).encode()
    elif way == 4:
        members["model.json"] = b'{"root": [0], "entries": [["list", ' + b"9" * 5000 + b"]]}"
    else:
        members[name] = pickled_array()
        if name == "manifest.json":
            members[name] = b"{}"


class Planted:
    """Runs something when it is unpickled."""

    def __reduce__(self):
        return print, ("run",)


@cache
def pickled_array():
    """Return an npy file of objects, which runs something if it is loaded with pickle."""
    file = io.BytesIO()
    np.save(file, np.array([Planted()], dtype=object), allow_pickle=True)
    return file.getvalue()


class Watch:
    """Notes which forbidden calls are made while it is on."""

    def __init__(self):
        self.on, self.seen = False, []
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if self.on and event in FORBIDDEN:
            self.seen.append(event)


@cache
def watch():
    """Return the watch of this process: an audit hook cannot be taken off."""
    return Watch()


def failure_of(content, path):
    """Load a file; return what is wrong about how that ends, or an empty text."""
    path.write_bytes(content)
    limit = BYTES_PER_BYTE * len(content) + BYTES_OF_ANY
    watched = watch()
    watched.on, watched.seen = True, []
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    found = ""
    try:
        with catch_warnings():
            simplefilter("ignore")
            sknet.load(path)
    except UnreadableFileError as error:
        if "\n" in str(error) or not str(error).endswith(".") or len(str(error)) > 800:
            found = f"no sentence: {str(error)[:200]}"
    except BaseException as error:
        found = f"{type(error).__name__}: {str(error)[:200]}"
    watched.on = False
    peak = tracemalloc.get_traced_memory()[1] - before
    if watched.seen:
        return f"runs {watched.seen[0]}"
    return found or (f"memory: {peak} bytes for {len(content)}" if peak > limit else "")


def collect(seed, numbers):
    """Return for each kind of failure a list of the numbers of mutations and details."""
    samples(), pickled_array()
    found = defaultdict(list)
    tracemalloc.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            for number in numbers:
                failure = failure_of(mutated(seed, number), Path(folder) / "file.sknet")
                if failure:
                    found[failure.partition(":")[0]].append((number, failure))
    finally:
        tracemalloc.stop()
    return found


def main(arguments=None):
    """Run the mutations from the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile_files", description=__doc__)
    parser.add_argument("--mutations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="number of the only mutation to run")
    options = parser.parse_args(arguments)
    numbers = range(options.mutations) if options.only is None else [options.only]
    start = perf_counter()
    found = collect(options.seed, numbers)
    for kind, cases in found.items():
        number, detail = cases[0]
        print(f"{len(cases)} x {kind}, such as --seed {options.seed} --only {number}: {detail}")
    total = sum(map(len, found.values()))
    print(f"{len(numbers)} files in {perf_counter() - start:.0f} s: {total} failures")
    return int(total > 0)


if __name__ == "__main__":
    sys.exit(main())
