"""Reading labels: what is taken and as what, what is refused and how."""

import datetime
import enum
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sknet.estimators.labels import as_labels


class Word(str, enum.Enum):  # noqa: UP042 (str() of it is no value)
    NO = "no"
    YES = "yes"


class Plain(enum.Enum):
    NO = 0


def objects(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


DAYS = np.array(["2020-01-01", "2021-01-01"], "M8[D]")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([1, 2.0, 0], np.array([1.0, 2.0, 0.0])),
        ([True, False], np.array([True, False])),
        (["a", "bc"], np.array(["a", "bc"])),
        ([[0, 1], [1, 0]], np.array([[0, 1], [1, 0]])),
        (range(3), np.arange(3)),
        (objects(1, 0, np.int8(1)), np.array([1, 0, 1])),
        (objects("b", "a"), objects("b", "a")),
        ([Word.NO, Word.YES], objects(Word.NO, Word.YES)),
        (np.array(["b", "a"], dtype=np.dtypes.StringDType()), objects("b", "a")),
        (np.array([2**64 - 1, 0], np.uint64), np.array([2**64 - 1, 0], np.uint64)),
        (sparse.coo_array([[0, 2], [2, 0]]), np.array([[0, 2], [2, 0]])),
        (pd.Series([1, 0], dtype="Int64"), np.array([1, 0])),
        (pd.Series(["b", "a"], dtype="category"), objects("b", "a")),
        (pd.Series([3, 1], dtype="category"), np.array([3, 1])),
        (pd.DataFrame({"u": [True, False], "v": [2, 1]}), np.array([[1, 2], [0, 1]])),
        (DAYS, DAYS),
        (DAYS.tolist(), DAYS),
        (pd.Series(DAYS).tolist(), DAYS.astype("M8[us]")),
        ([datetime.timedelta(days=1)], np.array([86_400_000_000], "m8[us]")),
    ],
)
def test_labels_are_read_as_what_they_are(given, expected):
    labels = as_labels(given)
    assert_array_equal(labels, expected, strict=not isinstance(given, pd.DataFrame))
    assert labels.dtype.kind == expected.dtype.kind


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "y must be an array of labels with one axis or two, got NoneType"),
        ({0, 1}, "got set"),
        ({0: 1}, "got dict"),
        ("word", "got str"),
        (iter([0, 1]), "got list_iterator"),
        (np.zeros((2, 2, 2)), r"got an array of shape \(2, 2, 2\)"),
        (np.zeros((2, 0)), r"got an array of shape \(2, 0\)"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], "got rows of unequal shape"),
        ([[0, 1], [0]], "elements of type list in place of labels; .* MultiLabelBinarizer"),
        ([{0}, {1}], "elements of type set in place of labels"),
        ([1, "?"], "y has labels of several types, int, str; make them all of one type"),
        (["?", 1], "several types, int, str"),
        (pd.Series([1, 2, "?"]), "several types, int, str"),
        (objects(DAYS[0], 1), "several types, datetime64, int"),
        (pd.DataFrame({"u": [0, 1], "v": ["0", "1"]}), "several types, int, str"),
        (["a", None], "Input y contains None, the first at position 1; fill in missing labels"),
        ([[1, 1], [0, None]], "contains None, the first at position 1"),
        (objects("a", np.nan), "Input y contains NaN, the first at position 1"),
        ([0, 1, np.nan], "Input y contains NaN, the first at position 2"),
        (pd.Series([1, pd.NA], dtype=object), "Input y contains <NA>"),
        (pd.Series([1, None], dtype="Int64"), "Input y contains (NaN|<NA>)"),
        (pd.Series(["a", None], dtype="category"), "Input y contains NaN"),
        (np.array(["2020", "NaT"], "M8[Y]"), "Input y contains NaT, the first at position 1"),
        (objects(DAYS[0], pd.NaT), "Input y contains NaT"),
        (np.ma.array([0, 1], mask=[True, False]), "Input y contains masked values"),
        ([0.0, np.inf], "Input y contains infinity"),
        (np.array([1j, 2]), "Complex data not supported"),
        ([1j, 2], "Complex data not supported"),
        ([10**400, 1], "numbers that no type of 64 bits holds together; make them strings"),
        ([10**400, 1.0], "numbers that no type of 64 bits holds"),
        ([Decimal("0.1")], "numbers that no type of 64 bits holds"),
        ([datetime.time(1)], "y has labels of type time; make them strings or integers"),
        ([2**63, -1], "numbers that no type of 64 bits holds"),
        (np.zeros(2, [("a", int)]), "labels of dtype .*; make them strings"),
        ([Plain.NO], "y has labels of type Plain; make them strings or integers"),
        (pd.Series(DAYS).dt.tz_localize("UTC"), "dates with a time zone"),
    ],
)
def test_what_is_no_array_of_labels_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        as_labels(given)


@pytest.mark.parametrize("given", [np.array([b"a"]), [b"a", b"b"], objects(b"a", "b", 1)])
def test_bytes_are_to_be_decoded(given):
    with pytest.raises(TypeError, match=r"bytes is not supported\. Decode them"):
        as_labels(given)


def test_polars_is_read():
    frames = pytest.importorskip("polars")
    assert_array_equal(as_labels(frames.Series(["a", "b"]).cast(frames.Categorical)), ["a", "b"])
    assert_array_equal(as_labels(frames.DataFrame({"u": [0, 1], "v": [1, 1]})), [[0, 1], [1, 1]])
    with pytest.raises(ValueError, match="Input y contains None"):
        as_labels(frames.Series(["a", None]))
    with pytest.raises(ValueError, match="several types, int, str"):
        as_labels(frames.DataFrame({"u": [0, 1], "v": ["0", "1"]}))


def test_the_masked_constant_is_no_array_of_labels():
    with pytest.raises(ValueError, match=r"y must be an array of labels .* got MaskedConstant"):
        as_labels(np.ma.masked)
