"""Files of others: each is refused in a sentence, and nothing in it is run."""

import io
import json
import re
import tracemalloc
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pytest

import sknet
from sknet import NeuralRegressor
from sknet.interop import UnreadableFileError

from .hostile_files import Planted, collect, members_of, packed, pickled_array

X = np.random.default_rng(0).normal(size=(20, 3))


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "network.sknet"
    network = NeuralRegressor((4,), averaging=0.9, max_iter=1, tol=0, random_state=0)
    sknet.save(network.fit(X, X[:, 0]), path)
    return path.read_bytes()


def refusal(content, path):
    """Return why a file is refused, in a sentence, with little memory taken."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFileError) as caught:
            sknet.load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20 + 50 * len(content)
    assert re.fullmatch(r"sknet\.load refuses 'file': [^\n]{5,600}\.", str(caught.value))
    return str(caught.value)


def with_model(content, change):
    """Return the file after a change of its entries, with its checksums right."""
    members = members_of(content)
    document = json.loads(members["model.json"])
    changed = change(document["entries"])
    if changed is not None:
        document = {"root": [len(changed) - 1], "entries": changed}
    members["model.json"] = json.dumps(document).encode()
    return packed(members)


def with_member(content, name, data):
    return packed(members_of(content) | {name: data})


def objects(entries, name):
    return [entry for entry in entries if entry[:2] == ["object", name]]


def set_attribute(name, attribute, value):
    def change(entries):
        for entry in objects(entries, name):
            entry[entry.index(attribute) + 1] = value

    return change


def add_attribute(name, attribute, value):
    def change(entries):
        for entry in objects(entries, name):
            entry += [attribute, value]

    return change


def replace_array(shape_of_params, array):
    """Return what replaces the first array of a shape by another one."""

    def change(content):
        members = members_of(content)
        for name, data in members.items():
            if name.endswith(".npy") and np.load(io.BytesIO(data)).shape == shape_of_params:
                file = io.BytesIO()
                np.save(file, array)
                return packed(members | {name: file.getvalue()})

    return change


def lots_of_lists(entries):
    """Lists of two references to the list before: no end of lists in few bytes."""
    return [["list"]] + [["list", [n], [n]] for n in range(60)]


def nested_lists(entries):
    return [["list"]] + [["list", [n]] for n in range(5000)]


def npy(header, data=b""):
    header = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


HEADER = "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}".format
NETWORK, DENSE, TRAINER = "sknet.network.Network", "sknet.layers.Dense", "sknet.training.Trainer"
ESTIMATOR = "sknet.estimators.NeuralRegressor"
N_WEIGHTS = 3 * 4 + 4 + 4 + 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda e: [["object", "subprocess.Popen", "args", "ls"]], "names 'subprocess.Popen'"),
        (lambda e: [["named", "os.system"]], "names 'os.system'"),
        (lambda e: [["object", "builtins.object"]], "an object of 'builtins.object'"),
        (lambda e: [["object", "numpy.memmap"]], "names 'numpy.memmap'"),
        (lambda e: [["named", "builtins.int"]], "no estimator"),
        (set_attribute("sknet.base.Workspace", "n_rows", "a"), "int is expected where a str is"),
        (lambda e: [["reduce", "os.system", "ls"]], "a kind that sknet does not know"),
        (add_attribute(DENSE, "colour", 3), "Dense has no parameter 'colour'"),
        (add_attribute(DENSE, "forward", 3), "Dense cannot have an attribute 'forward'"),
        (add_attribute(DENSE, "__class__", 3), "Dense cannot have an attribute '__class__'"),
        (add_attribute(DENSE, "units", 3), "have no names, or the same ones"),
        (set_attribute(DENSE, "units", -3), "'units' parameter of Dense must be"),
        (set_attribute(DENSE, "units", 10**9), r"weights as an array of shape \(\d+,\)"),
        (set_attribute(DENSE, "units", 10**100), r"."),
        (set_attribute(NETWORK, "params", None), "got NoneType"),
        (set_attribute(NETWORK, "_sknet_format", 999), "in format 999"),
        (set_attribute(TRAINER, "network", None), "."),
        (set_attribute(ESTIMATOR, "network_", None), "lacks its network"),
        (lots_of_lists, "repeated too often"),
        (nested_lists, "nested in more than 100 levels"),
        (lambda e: [["list", [0]]], "an entry that is not there yet"),
        (lambda e: [["list", [-1]]], "an entry that is not there yet"),
        (lambda e: [["array", 0], ["dict", [0], 1]], "unhashable"),
        (lambda e: [["dict", 1, 2, 1, 3]], "a key twice"),
        (lambda e: [["array", "../../etc/passwd"]], "int is expected where a str is"),
        (lambda e: [["array", 77]], "no member 'arrays/77.npy'"),
        (lambda e: [["objects", "O", 1, 10**12, "a"]], "a shape that it cannot have"),
        (lambda e: [["scalar", "<U999999999", "00"]], "."),
        (lambda e: [["dtype", "O,O"]], "a dtype that sknet does not know"),
        (lambda e: [["bytes", 3]], "."),
        (lambda e: {"a": 1}, "entries are no list"),
        (lambda e: [[]], "of another form"),
        (lambda e: [["list", {"a": 1}]], "of another form"),
        (lambda e: [["tuple", 1], ["generator", [0], None]], "dict is expected"),
    ],
)
def test_entries_that_save_does_not_write_are_refused(change, match, content, tmp_path):
    found = refusal(with_model(content, change), tmp_path / "file")
    assert re.search(match, found), found


def test_positions_of_generators_are_checked(content, tmp_path):
    # NumPy would read past the end of its state.
    state = np.random.RandomState(0).get_state(legacy=False)
    key = [["dtype", "<u4"], ["list", *state["state"]["key"].tolist()]]
    entries = [
        *key,
        ["dict", "key", [1], "pos", 10**6],
        ["dict", "bit_generator", "MT19937", "state", [2], "has_gauss", 0, "gauss", 0.0],
        ["random_state", [3]],
    ]
    found = refusal(with_model(content, lambda _: entries), tmp_path / "file")
    assert "at a position that it does not have" in found


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (replace_array((N_WEIGHTS,), np.zeros(N_WEIGHTS + 1)), rf"shape \({N_WEIGHTS},\)"),
        (replace_array((N_WEIGHTS,), np.full(N_WEIGHTS, np.nan)), "."),
        (replace_array((N_WEIGHTS,), np.zeros(N_WEIGHTS, np.float32)), "."),
        (lambda c: with_member(c, "arrays/0.npy", pickled_array()), r"dtype object"),
        (lambda c: with_member(c, "arrays/0.npy", npy(HEADER("<f8", "(10**9,)"))), "."),
        (
            lambda c: with_member(c, "arrays/0.npy", npy(HEADER("<f8", "(1000000000,)"))),
            "a shape that it cannot have",
        ),
        (
            lambda c: with_member(c, "arrays/0.npy", npy(HEADER("<f8", "(0, 1000000000)"))),
            "a shape that it cannot have",
        ),
        (
            lambda c: with_member(c, "arrays/0.npy", npy(HEADER("<f8", "(2,)"), b"12345678")),
            r"claims shape \(2,\) and dtype float64, and has 8 bytes",
        ),
        (lambda c: with_member(c, "arrays/0.npy", npy("(" * 5000)), "."),
        (lambda c: with_member(c, "model.json", b"[" * 10**6), "."),
        (lambda c: with_member(c, "model.json", b'{"root": 1, "root": 2}'), "something twice"),
        (lambda c: with_member(c, "model.json", b'{"root": NaN}'), "holds NaN"),
        (lambda c: with_member(c, "model.json", b"9" * 10**5), "."),
        (lambda c: with_member(c, "model.json", b"\xff\xfe"), "."),
        (lambda c: with_member(c, "model.json", b"[]"), "of another form"),
        (
            lambda c: with_member(c, "../evil", b""),
            r"a member '\.\./evil', which no file of sknet",
        ),
        (lambda c: with_member(c, "code.py", b""), "a member 'code.py'"),
        (lambda c: c[: len(c) // 2], "."),
        (lambda c: b"", "."),
        (lambda c: c.replace(b'"units", 4', b'"units", 5', 1), "Bad CRC-32|checksum"),
        (lambda c: packed(members_of(c), ZIP_DEFLATED), "is compressed"),
    ],
)
def test_members_that_save_does_not_write_are_refused(change, match, content, tmp_path):
    found = refusal(change(content), tmp_path / "file")
    assert re.search(match, found), found


def repacked(members, **changes):
    """Return a file of members with the manifest as it is."""
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for name, data in {**members, **changes}.items():
            archive.writestr(name, data)
    return file.getvalue()


def test_checksums_and_versions_are_checked(content, tmp_path):
    members = members_of(content)
    model = members["model.json"].replace(b'"units", 4', b'"units", 5', 1)
    found = refusal(repacked(members, **{"model.json": model}), tmp_path / "file")
    assert "the checksum of 'model.json' is not that of its content" in found
    manifest = json.loads(members["manifest.json"]) | {"format": 2, "sknet": "9.9"}
    changed = {"manifest.json": json.dumps(manifest)}
    found = refusal(repacked(members, **changed), tmp_path / "file")
    assert "written by sknet '9.9' in format 2, and this version reads format 1" in found


def test_two_members_of_one_name_are_refused(content, tmp_path):
    file = io.BytesIO(content)
    with ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("model.json", b"{}")
    assert "two members called 'model.json'" in refusal(file.getvalue(), tmp_path / "file")


def test_transformers_of_scikit_learn_are_checked_by_skops(content, tmp_path):
    skops = pytest.importorskip("skops.io")
    harmless = members_of(skops.dumps(np.zeros(3)))
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        for name, data in harmless.items():
            is_array = name.endswith(".npy")
            archive.writestr(name, npy(HEADER("<f8", "(1000000000,)")) if is_array else data)
    members = members_of(content)
    members["model.json"] = b'{"root": [0], "entries": [["skops", 0]]}'
    for inner, match in [
        (file.getvalue(), "a shape that it cannot have"),
        (skops.dumps(Planted()), "Untrusted|untrusted"),
        (b"PK", "."),
    ]:
        found = refusal(packed(members | {"skops/0.skops": inner}), tmp_path / "file")
        assert re.search(match, found), found


def test_random_mutations_are_refused_in_a_sentence_or_load():
    assert collect(seed=1, numbers=range(40)) == {}
