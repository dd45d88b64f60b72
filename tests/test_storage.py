"""Files of named arrays."""

import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sknet.storage import read_arrays, write_arrays

ARRAYS = {
    "0.kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a b__c.bias": np.array([0.1, -0.0]),
    "turned": np.arange(6.0).reshape(2, 3).T,
}


@pytest.fixture(params=[".npz", ".safetensors"])
def path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"weights{request.param}"


def test_arrays_come_back_as_they_were(path):
    write_arrays(path, ARRAYS)
    found = read_arrays(os.fspath(path))
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert_array_equal(found[name], array)


def test_files_are_those_of_numpy_and_safetensors(path):
    write_arrays(path, ARRAYS)
    if path.suffix == ".npz":
        found = dict(np.load(path, allow_pickle=False))
        np.savez(path, **found)
    else:
        numpy = pytest.importorskip("safetensors.numpy")
        found = numpy.load_file(path)
        numpy.save_file(found, path)
    assert_array_equal(found["turned"], ARRAYS["turned"])
    assert_array_equal(read_arrays(path)["turned"], ARRAYS["turned"])


def test_a_file_is_replaced_whole_or_stays(path, monkeypatch):
    write_arrays(path, {"x": np.ones(2)})

    def full(source, target):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_arrays(path, {"x": np.zeros(3)})
    assert_array_equal(read_arrays(path)["x"], np.ones(2))
    assert list(path.parent.iterdir()) == [path]


def test_a_damaged_file_is_refused_in_a_sentence(path):
    for content in (b"", b"\x80\x05K\x01.", b"PK\x03\x04 and no more"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"^{path.name} holds no arrays as .* save_weights"):
            read_arrays(path)
    write_arrays(path, ARRAYS)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="holds no arrays"):
        read_arrays(path)


def test_nothing_is_unpickled(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, x=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"holds no arrays as numpy\.savez writes them"):
        read_arrays(path)
    array = tmp_path / "array.npy"
    np.save(array, np.ones(3))
    with pytest.raises(ValueError, match="holds no arrays"):
        read_arrays(array.rename(tmp_path / "array.npz"))


def test_other_names_and_missing_files_are_refused(tmp_path):
    for name in ("weights.h5", "weights"):
        with pytest.raises(ValueError, match=r"ends in '\.npz' or '\.safetensors', got 'weights"):
            write_arrays(tmp_path / name, ARRAYS)
    with pytest.raises(TypeError, match="given by its path, got 3"):
        read_arrays(3)
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none.npz")
    assert list(tmp_path.iterdir()) == []


def test_without_safetensors_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"pip install safetensors, or choose .* '\.npz'"):
        write_arrays(tmp_path / "weights.safetensors", ARRAYS)
    assert list(tmp_path.iterdir()) == []
