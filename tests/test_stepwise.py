import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknet import NeuralClassifier
from sknet.layers import GRU
from sknet.preprocessing import StepwiseTransformer


@pytest.fixture
def sequences():
    rng = np.random.default_rng(0)
    return [rng.normal([3, -40], [2, 9], (n, 2)) for n in (4, 7, 1, 12)]


def test_each_feature_is_scaled_over_the_steps_of_all_sequences(sequences):
    scaled = StepwiseTransformer().fit_transform(sequences)
    steps = np.concatenate(sequences)
    expected = (steps - steps.mean(axis=0)) / steps.std(axis=0)
    assert [len(each) for each in scaled] == [4, 7, 1, 12]
    np.testing.assert_allclose(np.concatenate(scaled), expected, rtol=1e-12)


def test_arrays_stay_arrays_and_object_arrays_become_lists(sequences):
    X = np.random.default_rng(0).normal(5, 2, (6, 3, 2))
    scaled = StepwiseTransformer(MinMaxScaler()).fit_transform(X)
    assert scaled.shape == X.shape
    np.testing.assert_allclose(scaled.min(axis=(0, 1)), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.max(axis=(0, 1)), 1)
    as_objects = np.empty(4, dtype=object)
    as_objects[:] = sequences
    model = StepwiseTransformer().fit(sequences)
    for a, b in zip(model.transform(as_objects), model.transform(sequences), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_number_of_features_may_change(sequences):
    reduced = StepwiseTransformer(PCA(1)).fit_transform(sequences)
    assert [each.shape for each in reduced] == [(4, 1), (7, 1), (1, 1), (12, 1)]


def test_numbers_are_sequences_of_one_feature():
    scaled = StepwiseTransformer().fit_transform([np.array([1.0, 3.0]), np.array([5.0])])
    np.testing.assert_allclose(np.concatenate(scaled)[:, 0], [-np.sqrt(1.5), 0, np.sqrt(1.5)])


def test_inverse_transform_gives_the_sequences_back(sequences):
    model = StepwiseTransformer().fit(sequences)
    for given, back in zip(
        sequences, model.inverse_transform(model.transform(sequences)), strict=True
    ):
        np.testing.assert_allclose(back, given, rtol=1e-12)
    assert not hasattr(StepwiseTransformer(SimpleImputer()), "nothing")
    assert not hasattr(StepwiseTransformer(OnlyForward()), "inverse_transform")


class OnlyForward(StandardScaler):
    inverse_transform = property()


def test_missing_values_can_be_imputed():
    X = [np.array([[1.0], [np.nan]]), np.array([[3.0]])]
    filled = StepwiseTransformer(SimpleImputer()).fit_transform(X)
    np.testing.assert_array_equal(filled[0], [[1], [2]])


def test_it_stands_before_a_network_and_can_be_tuned(sequences):
    X, y = sequences * 5, [0, 1, 0, 1] * 5
    model = make_pipeline(
        StepwiseTransformer(MinMaxScaler()), NeuralClassifier(layers=[GRU(3)], max_iter=2, tol=0)
    )
    model.set_params(stepwisetransformer__transformer__feature_range=(-1, 1)).fit(X, y)
    scaler = model[0].transformer_
    assert scaler.feature_range == (-1, 1)
    assert model.predict(X).shape == (20,)
    assert not hasattr(clone(model)[0], "transformer_")


def test_pickles_transform_the_same(sequences):
    model = StepwiseTransformer().fit(sequences)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.transform(sequences)[3], model.transform(sequences)[3])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((3, 2)), r"expects sequences of shape .*, got \(3, 2\). A table needs no"),
        ([np.ones((3, 2)), np.ones((3, 4))], r"got shape \(3, 2\) at position 0 and \(3, 4\)"),
        ([], "at least one series"),
        ([np.array(["a"])], "expects numbers"),
    ],
)
def test_what_are_no_sequences_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        StepwiseTransformer().fit(X)


def test_transform_before_fit_says_so(sequences):
    with pytest.raises(NotFittedError):
        StepwiseTransformer().transform(sequences)
