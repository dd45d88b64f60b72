"""Tests of errors and warnings of the estimators for tables: they name what users have."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut

from sknet import TabularClassifier, TabularRegressor

FAST = {"hidden_layer_sizes": (4,), "max_iter": 2, "n_members": 2, "random_state": 0}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
FRAME = pd.DataFrame(X, columns=list("abc"))
Y = X[:, 0] + RNG.normal(size=60)
LABELS = np.digitize(Y, [-0.5, 0.5])
MODELS = {TabularClassifier: LABELS, TabularRegressor: Y}


def warned(function):
    """Return the texts of the warnings of a call."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        function()
    return [str(each.message) for each in found]


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(("first", "then"), [(FRAME, X), (X, FRAME)], ids=["frame", "array"])
def test_a_warning_of_names_of_columns_names_the_estimator(kind, first, then):
    model = kind(**FAST).fit(first, MODELS[kind])
    (text,) = warned(lambda: model.predict(then))
    assert "feature names" in text
    assert kind.__name__ in text
    assert "TableEncoder" not in text


def test_a_target_that_overflows_is_named_as_the_user_knows_it():
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = X[:, 0].copy()
    y[37] = 1e200
    model = TabularRegressor(hidden_layer_sizes=(4,), max_iter=2, cv=2, random_state=0)
    with pytest.raises(ValueError, match=r"^TabularRegressor got 1e\+200 in y, so far from"):
        model.fit(X, y)


def test_a_splitter_by_groups_asks_for_them():
    X, y = np.eye(8), [0, 1] * 4
    for cv in (GroupKFold(2), LeaveOneGroupOut()):
        model = TabularClassifier(hidden_layer_sizes=(4,), max_iter=2, cv=cv, random_state=0)
        with pytest.raises(ValueError, match=r"splits by groups, .* pass groups"):
            model.fit(X, y)
        assert len(model.fit(X, y, groups=[0, 0, 0, 0, 1, 1, 1, 1]).members_) == 2


def test_records_are_refused():
    X = np.zeros(8, dtype=[("a", float), ("b", float)])
    with pytest.raises(TypeError, match=r"an array of records. Pass pandas.DataFrame\(X\)"):
        TabularClassifier().fit(X, [0, 1] * 4)
