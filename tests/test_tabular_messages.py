"""Tests of errors and warnings of the estimators for tables: they name what users have."""

import warnings

import numpy as np
import pandas as pd
import pytest

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
