import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sknet.tabular.folds import make_folds
from sknet.tabular.rows import DistinctRows


def distinct_rows(n):
    return DistinctRows(np.arange(n, dtype=np.float32)[:, None], np.zeros(n))


def test_rows_that_are_the_same_are_one_row_of_the_sum_of_their_weights():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, (200, 3)).astype(np.float32)
    y, weight = X.sum(axis=1), rng.integers(0, 3, 200).astype(float)
    rows = rng.permutation(200)[:150]
    found, totals = DistinctRows(X, y).merged(rows, weight)
    table = np.column_stack([X, y])
    expected, number = np.unique(table[rows], axis=0, return_inverse=True)
    sums = np.bincount(number.ravel(), weight[rows])
    order = np.lexsort(table[found].T[::-1])
    assert_array_equal(table[found][order], expected[sums > 0])
    assert_array_equal(totals[order], sums[sums > 0])


def test_the_order_of_distinct_rows_depends_on_what_they_hold_alone():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 4)).astype(np.float32), rng.normal(size=50)
    order = rng.permutation(50)
    plain, mixed = DistinctRows(X, y), DistinctRows(X[order], y[order])
    assert_array_equal(X[plain.first], X[order][mixed.first])
    assert plain.merged(np.arange(50), None)[1] is None


def test_zero_and_minus_zero_are_the_same():
    X = np.array([[0.0], [-0.0]], np.float32)
    assert len(DistinctRows(X, np.array([1.0, 1.0])).first) == 1
    assert len(DistinctRows(X, np.array([1.0, 2.0])).first) == 2


def test_random_folds_hold_all_classes_in_proportion_and_each_row_once():
    strata = np.repeat([0, 1, 2], [50, 7, 1])
    folds = make_folds(5, None, 0, distinct_rows(58), strata, strata, None)
    assert_array_equal(np.sort(np.concatenate([fold.held for fold in folds])), np.arange(58))
    for fold in folds:
        assert_array_equal(np.sort(np.r_[fold.train, fold.held]), np.arange(58))
        first, second, _ = np.bincount(strata[fold.held], minlength=3)
        assert first == 10 and second in (1, 2)


def test_rows_that_are_the_same_are_held_out_together():
    X = np.repeat(np.arange(20, dtype=np.float32), 3)[:, None]
    for fold in make_folds(4, None, 0, DistinctRows(X, X), X, None, None):
        assert not set(X[fold.train, 0]) & set(X[fold.held, 0])


@pytest.mark.parametrize("times, together", [(4, True), (5, False)])
def test_rows_of_tables_of_few_kinds_are_held_out_one_by_one(times, together):
    X = np.repeat(np.arange(20, dtype=np.float32), times)[:, None]
    folds = make_folds(4, None, 0, DistinctRows(X, X), X, None, None)
    for fold in folds:
        shared = set(X[fold.train, 0]) & set(X[fold.held, 0])
        assert not shared if together else len(shared) > 10
    # Rows of weight 0 do not count, and weights are no rows.
    weight = np.tile(np.r_[np.zeros(times - 1), 7.0], 20)
    for fold in make_folds(4, None, 0, DistinctRows(X, X, weight), X, None, None, weight):
        assert not set(X[fold.train, 0]) & set(X[fold.held, 0])


def test_rows_that_differ_in_the_target_alone_are_held_out_one_by_one():
    X = np.repeat(np.arange(2, dtype=np.float32), 40)[:, None]
    y = np.tile([0, 0, 0, 1], 20)
    for fold in make_folds(4, None, 0, DistinctRows(X, y), y, y, None):
        assert set(X[fold.train, 0]) == set(X[fold.held, 0]) == {0.0, 1.0}
        assert_array_equal(np.bincount(y[fold.held]), [15, 5])
    # A row of weight 0 is no rival.
    rows = np.tile(np.arange(20, dtype=np.float32), 2)[:, None]
    twice = DistinctRows(rows, np.repeat([0, 1], 20))
    assert twice.has_rivals.all()
    weight = np.repeat([1.0, 0.0], 20)
    assert not DistinctRows(rows, np.repeat([0, 1], 20), weight).has_rivals.any()


def test_a_row_that_is_most_of_a_fold_and_has_another_target_as_well_is_warned_of():
    X, y = np.array([[0], [0], [1], [1]], np.float32), np.array([0, 1, 0, 1])
    with pytest.warns(UserWarning, match="One row has 67% of all weights, and occurs with"):
        make_folds(4, None, 0, DistinctRows(X, y), y, y, None, np.array([20.0, 4, 3, 3]))


def test_more_members_go_through_other_folds_and_change_none_before():
    few = make_folds(3, 3, 7, distinct_rows(30), None, None, None)
    many = make_folds(3, 6, 7, distinct_rows(30), None, None, None)
    for one, other in zip(few, many[:3], strict=True):
        assert one.seed == other.seed
        assert_array_equal(one.held, other.held)
    assert len({fold.seed for fold in many}) == 6
    assert {tuple(f.held) for f in many[3:]}.isdisjoint({tuple(f.held) for f in few})


def test_masks_and_positions_are_splits():
    mask = np.arange(10) < 4
    (fold,) = make_folds([(~mask, mask)], None, 0, distinct_rows(10), np.zeros(10), None, None)
    assert_array_equal(fold.held, np.arange(4))


def test_no_cv_is_five_folds_as_in_scikit_learn():
    assert len(make_folds(None, None, 0, distinct_rows(30), None, None, None, None)) == 5


def test_one_row_cannot_be_split():
    with pytest.raises(ValueError, match="n_samples=1"):
        make_folds(5, None, 0, distinct_rows(1), np.zeros(1), None, None)


def test_groups_without_weight_have_no_part_in_the_folds_of_the_others():
    groups = np.repeat(np.arange(6), 5)
    weight = np.where(groups < 4, 1.0, 0.0)
    folds = make_folds(4, None, 0, distinct_rows(30), np.zeros(30), None, groups, weight)
    assert len(folds) == 4
    for fold in folds:
        assert len(np.unique(groups[fold.held[weight[fold.held] > 0]])) == 1


def test_parts_without_weight_are_refused():
    weight = np.r_[np.ones(5), np.zeros(5)]
    split = [(np.arange(5), np.arange(5, 10))]
    with pytest.raises(ValueError, match="of weight above 0"):
        make_folds(split, None, 0, distinct_rows(10), np.zeros(10), None, None, weight)
