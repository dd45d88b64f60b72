"""Batches hold every row once, with what belongs to it."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from sknet.batches import Batches, Data
from sknet.testing.memory import peak_of

X = np.arange(44.0).reshape(22, 2)
Y = np.arange(22)
WEIGHT = np.arange(22) + 1.0


def collect(batches, rng=None):
    parts = [(x.copy(), y.copy(), w if w is None else w.copy()) for x, y, w in batches(rng)]
    return [None if p[0] is None else np.concatenate(p) for p in zip(*parts, strict=True)]


@pytest.mark.parametrize("rows", [None, np.array([0, 3, 4, 9, 20])])
@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 22, 100])
def test_every_row_comes_once_with_its_target_and_weight(rows, shuffled, batch_size):
    batches = Batches(Data(X, Y, WEIGHT, rows), batch_size, mean_weight=2.0)
    x, y, w = collect(batches, np.random.default_rng(0) if shuffled else None)
    chosen = Y if rows is None else rows
    assert sorted(y) == sorted(chosen)
    np.testing.assert_array_equal(x, X[y])
    np.testing.assert_array_equal(w, WEIGHT[y] / 2)
    if not shuffled:
        np.testing.assert_array_equal(y, chosen)


def test_the_last_batch_is_short_and_the_order_is_new_each_time():
    batches, rng = Batches(Data(X, Y), 8), np.random.default_rng(0)
    assert [len(x) for x, _, _ in batches(rng)] == [8, 8, 6] and len(batches) == 3
    assert not np.array_equal(collect(batches, rng)[1], collect(batches, rng)[1])


def test_one_batch_of_all_rows_is_the_array_itself():
    ((x, _, weight),) = Batches(Data(X, Y), 22)(np.random.default_rng(0))
    assert np.shares_memory(x, X) and weight is None


def test_sparse_rows_stay_sparse_and_sparse_targets_become_dense():
    sparse = csr_array(X)
    for x, y, _ in Batches(Data(sparse, sparse), 8)(np.random.default_rng(0)):
        np.testing.assert_array_equal(x.toarray(), y)


def test_an_epoch_allocates_no_more_than_the_order_of_the_rows():
    wide = np.ones((1000, 500))
    batches, rng = Batches(Data(wide, np.arange(1000)), 100), np.random.default_rng(0)
    peaks = []
    for _ in range(2):
        peaks.append(peak_of(lambda: [None for _ in batches(rng)]))
    assert peaks[1] < 100 * 500 * 8 / 4
