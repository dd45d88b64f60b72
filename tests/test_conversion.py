"""Series in the forms of other libraries."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from sknet.preprocessing import (
    from_channels_first,
    from_nan_padded,
    pad_sequences,
    sliding_windows,
)


def object_array(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


@pytest.mark.parametrize("shape", [(4, 2, 5), (4, 3, 5, 6), (1, 1, 1), (4, 2, 3, 4, 5), (0, 2, 5)])
def test_channels_of_arrays_go_to_the_end(shape):
    X = np.random.default_rng(0).normal(size=shape).astype("float32")
    converted = from_channels_first(X)
    assert converted.shape == (shape[0], *shape[2:], shape[1])
    assert converted.dtype == "float32" and converted.flags.c_contiguous
    for channel in range(shape[1]):
        assert np.array_equal(converted[..., channel], X[:, channel])
    assert not np.shares_memory(converted, X)


@pytest.mark.parametrize("wrap", [list, tuple, object_array, lambda X: pd.Series(list(X))])
def test_channels_of_series_of_unequal_length_go_to_the_end(wrap):
    series = [np.arange(6.0).reshape(2, 3), np.arange(2.0).reshape(2, 1)]
    first, second = from_channels_first(wrap(series))
    assert np.array_equal(first, [[0, 3], [1, 4], [2, 5]])
    assert np.array_equal(second, [[0, 1]])
    assert first.flags.c_contiguous and not np.shares_memory(second, series[1])


def test_a_list_stays_a_list_also_of_equal_lengths():
    assert [s.shape for s in from_channels_first([np.ones((2, 3))] * 2)] == [(3, 2)] * 2


def test_images_in_a_list_have_their_channels_last():
    images = np.random.default_rng(0).random((4, 3, 5, 6))
    assert np.array_equal(from_channels_first(list(images)), np.moveaxis(images, 1, -1))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((3, 4)), r"got shape \(3, 4\). Give series of one channel an axis"),
        (5, r"got shape \(\)"),
        ([np.zeros((2, 3)), np.zeros((3, 3))], r"\(2, 3\) at position 0 and \(3, 3\) at position"),
        ([np.zeros((2, 3)), np.zeros(3)], r"\(3,\) at position 1"),
        ([True, 2], r"got shape \(\) at position 0"),
        ([np.zeros((2, 3)), np.zeros((2, 3, 4))], r"\(2, 3, 4\) at position 1"),
        ([], "at least one sequence in .*, got none"),
        ("text", "got strings"),
        ([[["a"]]], "got strings in row 0, column 0 in the sequence at position 0"),
        ([[[1, 2], [3]]], "lists of one length and depth in the sequence at position 0; item 1"),
    ],
)
def test_what_has_no_channels_first_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        from_channels_first(X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("step", [(), (2,)])
def test_padding_of_missing_values_is_cut_off(step, dtype):
    series = [np.random.default_rng(n).normal(size=(n, *step)).astype(dtype) for n in (3, 1, 5)]
    X = np.full((3, 7, *step), np.nan, dtype)
    for row, each in zip(X, series, strict=True):
        row[: len(each)] = each
    found = from_nan_padded(X)
    assert [each.dtype for each in found] == [dtype] * 3
    for each, expected in zip(found, series, strict=True):
        assert np.array_equal(each, expected)
        assert not np.shares_memory(each, X)


def test_missing_values_before_the_end_stay():
    [first, second] = from_nan_padded([[np.nan, 1, np.nan, 2, np.nan], [1, 2, 3, 4, 5]])
    assert np.array_equal(first, [np.nan, 1, np.nan, 2], equal_nan=True)
    assert np.array_equal(second, [1, 2, 3, 4, 5])
    # A step of which one feature is there is not padding.
    [only] = from_nan_padded([[[1, 2], [np.nan, np.nan], [3, np.nan], [np.nan, np.nan]]])
    assert np.array_equal(only, [[1, 2], [np.nan, np.nan], [3, np.nan]], equal_nan=True)


def test_arrays_without_missing_values_keep_their_length():
    assert [s.shape for s in from_nan_padded(np.ones((2, 3, 4), dtype=int))] == [(3, 4)] * 2
    assert from_nan_padded(pd.DataFrame({"a": [1, 2], "b": [3, None]}))[1].tolist() == [2]
    assert from_nan_padded(np.ones((0, 3))) == []


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros(3), r"got shape \(3,\)"),
        (np.zeros((1, 2, 3, 4)), r"got shape \(1, 2, 3, 4\)"),
        ([[1.0, 2.0], [np.nan, np.nan]], "got none in the series at position 1"),
        (np.ones((2, 0)), "got none in the series at position 0"),
        ([[1.0], [1.0, 2.0]], "lists of one length and depth; item 1"),
        (np.array([["a"]]), "got strings"),
    ],
)
def test_what_is_not_padded_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        from_nan_padded(X)


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    step=st.sampled_from([(), (1,), (3,), (2, 2)]),
    length=st.none() | st.integers(1, 8),
    value=st.sampled_from([0, -1, 0.5]),
)
def test_sequences_are_padded_at_their_ends(lengths, step, length, value):
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(n, *step)) for n in lengths]
    X = pad_sequences(sequences, length, value=value)
    assert X.shape == (len(lengths), length or max(lengths), *step)
    for row, sequence in zip(X, sequences, strict=True):
        n = min(len(sequence), X.shape[1])
        assert np.array_equal(row[:n], sequence[:n])
        assert (row[n:] == value).all()


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5), flat=st.booleans())
def test_padding_with_nan_and_cutting_it_off_are_inverse(lengths, flat):
    series = [np.arange(float(n)) if flat else np.ones((n, 2)) for n in lengths]
    back = from_nan_padded(pad_sequences(series, value=np.nan))
    assert all(np.array_equal(a, b) for a, b in zip(back, series, strict=True))


@pytest.mark.parametrize(
    ("dtypes", "value", "expected"),
    [
        (["int32", "int32"], 0, "int32"),
        (["uint8", "uint8"], 0, "uint8"),
        (["uint8", "uint8"], -1, "int16"),
        (["uint8", "uint8"], 300, "uint16"),
        (["int64", "int64"], np.nan, "float64"),
        (["float32", "float32"], np.nan, "float32"),
        (["float32", "float64"], 0, "float64"),
    ],
)
def test_the_type_holds_the_values_and_the_padding(dtypes, value, expected):
    sequences = [np.ones(n, dtype) for n, dtype in enumerate(dtypes, start=1)]
    X = pad_sequences(sequences, value=value)
    assert X.dtype == expected
    assert np.array_equal(X[0, 1:], [value], equal_nan=True)


def test_object_arrays_and_lists_of_numbers_are_sequences():
    expected = [[1, 2], [3, 0]]
    for sequences in ([[1, 2], [3]], ((1, 2), (3,)), object_array([[1, 2], [3]])):
        assert pad_sequences(sequences).tolist() == expected


@pytest.mark.parametrize(
    ("sequences", "arguments", "message"),
    [
        ([], {}, "at least one sequence in .*, got none"),
        ([1, 2], {}, r"got shape \(\) at position 0"),
        ([[1], [[1, 2]]], {}, r"shape \(1,\) at position 0 and \(1, 2\) at position 1"),
        (["ab"], {}, "got strings in the sequence at position 0"),
        ("ab", {}, "expects a list of arrays, got str"),
        (3, {}, "expects a list of arrays, got int"),
        ([[1]], {"length": 0}, "'length' parameter"),
        ([[1]], {"value": "a"}, "'value' parameter"),
    ],
)
def test_what_are_no_sequences_is_refused(sequences, arguments, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences, **arguments)


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        ("uint8", 0.1, "float64"),
        ("int8", 1e-8, "float64"),
        ("bool", -99.9, "float64"),
        ("bool", -1, "int8"),
        ("bool", True, "bool"),
        ("uint8", 2049.5, "float32"),
        ("uint8", np.nan, "float32"),
        ("float16", np.nan, "float16"),
        ("float16", 2049, "float32"),
        ("float32", 0.1, "float64"),
        ("float32", np.float32(0.1), "float32"),
        ("uint64", -1, "float64"),
        ("int64", 2**63, "float64"),
    ],
)
def test_the_padding_value_is_never_rounded(dtype, value, expected):
    X = pad_sequences([np.array([1, 0], dtype), np.array([1], dtype)], value=value)
    assert X.dtype == expected and X[0].tolist() == [1, 0] and X[1, 0] == 1
    assert X[1, 1].item() == value or (value != value and np.isnan(X[1, 1]))


@pytest.mark.parametrize(
    ("sequences", "value", "message"),
    [
        ([[2**53 + 1], []], np.nan, "rounds ints beyond 9007199254740992, got 9007199254740993"),
        ([np.array([2**64 - 1], "uint64"), [-1]], 0, "Pass an int as the value"),
        ([[1], []], 10**400, "a value that an array can hold, got 100"),
        ([[1], []], np.timedelta64(1, "D"), "a value that an array can hold"),
        ([[1.0], []], Fraction(1, 3), "a value that an array can hold"),
    ],
)
def test_values_that_no_type_holds_are_refused(sequences, value, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences, value=value)


@pytest.mark.parametrize("length", [2**50, 2**62])
def test_a_length_beyond_memory_is_refused(length):
    with pytest.raises(ValueError, match=f"cannot make 1 sequences of length={length}"):
        pad_sequences([[1]], length=length)


NULLABLE = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [True, False]})


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (pd.DataFrame({"a": [1, 2], "b": [3, 4]}), [[1, 3], [2, 4]]),
        (pl.DataFrame({"a": [1, 2, 5], "b": [3, 4, 6]}), [[1, 3], [2, 4], [5, 6]]),
        (pl.DataFrame({"a": [1, None], "b": [True, False]}), [[1, 1], [None, 0]]),
        (NULLABLE, [[1, 1], [None, 0]]),
        (pd.Series([[1, 2], [3]]), [[1, 2], [3, 0]]),
        (pl.Series([[1, None], [3]]), [[1, None], [3, 0]]),
        ([pd.array([1, None], dtype="Int64"), pd.Series([3])], [[1, None], [3, 0]]),
        ({"a": [1, 2], "b": [3]}.values(), [[1, 2], [3, 0]]),
        (([n] * n for n in (2, 1)), [[2, 2], [1, 0]]),
        ([[Decimal("0.5")], [Fraction(1, 4), True]], [[0.5, 0], [0.25, 1]]),
        (np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]), [[1, None], [3, 4]]),
        (np.ma.array([[1, "?"], [3, 4]], object, mask=[[0, 1], [0, 0]]), [[1, None], [3, 4]]),
    ],
    ids=str,
)
def test_sequences_come_in_many_containers(X, expected):
    assert np.array_equal(pad_sequences(X), np.array(expected, dtype=float), equal_nan=True)


def test_bools_and_ints_of_a_frame_stay_exact():
    X = pad_sequences(pd.DataFrame({"a": [2**53 + 1], "b": [True]}))
    assert X.tolist() == [[2**53 + 1, 1]]


DAYS = pd.date_range("2020-01-01", periods=2)


@pytest.mark.parametrize("take", [pad_sequences, from_nan_padded, lambda X: sliding_windows(X, 1)])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pd.DataFrame({"a": [1, 2], "s": ["x", "y"]}), "strings in column 's'. Convert digits"),
        (pd.DataFrame({"a": [1, 2], "d": DAYS}), "dates in column 'd'. Turn dates into numbers"),
        # As a whole, polars would give the dates as ints.
        (pl.DataFrame({"a": [1, 2], "d": DAYS}), "dates in column 'd'. Turn dates into numbers"),
        (np.array([[1, np.timedelta64(1)]], dtype=object), "time spans in row 0, column 1. Turn"),
        ([[1, pd.NaT], [1, 2]], "dates (in row 0, column|at position) 1.*Turn dates into"),
        ([[1j, 2], [3, 4]], "complex numbers.*real and imaginary parts"),
        ([[10**400, 1], [2, 3]], "one above 1.8e308 (in row 0, column|at position) 0"),
        (csr_matrix(np.eye(2)), r"a sparse matrix\. Pass \w+\.toarray\(\)"),
        ([[b"a", b"b"], [b"c", b"d"]], "bytes.* Convert digits"),
        ([[{}, 1], [2, 3]], "objects of type dict (in row 0, column|at position) 0"),
    ],
)
def test_what_is_no_number_is_refused_in_a_sentence(take, X, message):
    with pytest.raises((TypeError, ValueError), match=f"expects .* in .*, got {message}"):
        take(X)


@pytest.mark.parametrize("take", [pad_sequences, from_channels_first])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        ({3, 4}, r"a set, which has no order. Pass a list, such as sorted\(X\)"),
        ({"a": [1]}, r"a dict. Pass list\(X.values\(\)\)"),
    ],
)
def test_what_has_no_order_is_refused(take, X, message):
    with pytest.raises(ValueError, match=f"expects a list of arrays, got {message}"):
        take(X)


def test_a_memory_view_is_an_array():
    X = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(from_channels_first(memoryview(X)), X.transpose(0, 2, 1))
    with pytest.raises(ValueError, match=r"got shape \(12,\)"):
        from_channels_first(memoryview(np.arange(12.0)))
