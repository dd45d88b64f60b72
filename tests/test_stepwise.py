import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
    TargetEncoder,
)

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
        ([], "at least one sequence in X"),
        ([np.array(["a"])], "expects numbers"),
    ],
)
def test_what_are_no_sequences_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        StepwiseTransformer().fit(X)


def test_transform_before_fit_says_so(sequences):
    with pytest.raises(NotFittedError):
        StepwiseTransformer().transform(sequences)


def test_sparse_steps_are_made_dense():
    codes = [np.array([[2], [0]]), np.array([[1]])]
    listed = StepwiseTransformer(OneHotEncoder()).fit(codes)
    encoded = listed.transform(codes)
    assert [each.tolist() for each in encoded] == [[[0, 0, 1], [1, 0, 0]], [[0, 1, 0]]]
    assert [each.tolist() for each in listed.inverse_transform(encoded)] == [[[2], [0]], [[1]]]
    cube = StepwiseTransformer(OneHotEncoder()).fit_transform(np.array([[[2], [0]], [[1], [0]]]))
    assert cube.tolist() == [[[0, 0, 1], [1, 0, 0]], [[0, 1, 0], [1, 0, 0]]]


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_transformers_may_give_data_frames(sequences, container):
    scaler = StandardScaler().set_output(transform=container)
    scaled = StepwiseTransformer(scaler).fit_transform(sequences)
    np.testing.assert_array_equal(scaled[1], StepwiseTransformer().fit_transform(sequences)[1])


@pytest.mark.parametrize(
    "frame",
    [
        lambda: pd.DataFrame(
            {"a": pd.array([1, None, 3], dtype="Int64"), "b": [True, False, True]}
        ),
        lambda: pl.DataFrame({"a": [1, None, 3], "b": [True, False, True]}),
    ],
)
def test_frames_of_mixed_columns_are_sequences(frame):
    model = StepwiseTransformer(SimpleImputer()).fit([frame(), frame()])
    assert model.transform([frame()])[0].tolist() == [[1, 1], [2, 0], [3, 1]]
    assert model.feature_names_in_.tolist() == ["a", "b"] and model.n_features_in_ == 2
    with pytest.raises(ValueError, match=r"fitted to data frames with the columns \['a', 'b'\]"):
        model.transform([frame()[["b", "a"]]])
    with pytest.raises(ValueError, match=r"same columns, got \['a', 'b'\] .* at position 1"):
        model.fit([frame(), frame()[["b", "a"]]])
    assert not hasattr(model.fit([[[1]]]), "feature_names_in_")


def test_a_generator_is_read_once(sequences):
    scaled = StepwiseTransformer().fit_transform(each for each in sequences)
    assert [len(each) for each in scaled] == [4, 7, 1, 12]


class NeedsY(TransformerMixin, BaseEstimator):
    def fit(self, X, y):
        return self

    def transform(self, X):
        return X


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (
            FunctionTransformer(lambda X: X[1:]),
            r"a row for each of the 24 steps, got shape \(23, 2",
        ),
        (FunctionTransformer(lambda X: X[None]), r"24 steps, got shape \(1, 24, 2\)"),
        (
            FunctionTransformer(lambda X: X.astype(str)),
            "in the output of FunctionTransformer.transform, got strings",
        ),
        (NeedsY(), "has no y for the steps of sequences, but NeedsY needs one"),
        (TargetEncoder(), "but TargetEncoder needs one"),
    ],
)
def test_transformers_that_do_not_go_step_by_step_are_refused(sequences, transformer, message):
    with pytest.raises(ValueError, match=f"StepwiseTransformer .*{message}"):
        StepwiseTransformer(transformer).fit_transform(sequences)


def test_a_sum_over_features_is_one_feature(sequences):
    summed = StepwiseTransformer(FunctionTransformer(lambda X: X.sum(axis=1)))
    assert [each.shape for each in summed.fit_transform(sequences)[:2]] == [(4, 1), (7, 1)]


@pytest.mark.parametrize("transformer", [StandardScaler(), FunctionTransformer()])
@pytest.mark.parametrize("X", [np.ones((2, 4, 3)), [np.ones((2, 3))]])
def test_the_width_of_fit_is_kept(sequences, transformer, X):
    model = StepwiseTransformer(transformer).fit(sequences)
    with pytest.raises(ValueError, match="expects steps of 2 features, as in fit, got 3"):
        model.transform(X)


def test_inverse_transform_keeps_the_width_of_transform(sequences):
    model = StepwiseTransformer(PCA(1)).fit(sequences)
    with pytest.raises(ValueError, match="expects steps of 1 features, as in fit, got 2"):
        model.inverse_transform(sequences)


@pytest.mark.parametrize("X", [[np.ones((0, 2))], np.ones((2, 0, 3)), np.ones((2, 3, 0)), 3, "a"])
def test_what_has_no_steps_is_refused(X):
    with pytest.raises(ValueError, match="StepwiseTransformer expects"):
        StepwiseTransformer().fit(X)


@pytest.mark.parametrize("X", [str, np.ndarray, pd.Series, pl.DataFrame])
def test_a_class_is_no_list_of_sequences(X):
    with pytest.raises(ValueError, match=f"got the class {X.__name__}. Pass all samples"):
        StepwiseTransformer().fit(X)


def test_bools_are_numbers():
    X = np.array([[[True], [False]], [[False], [False]]])
    scaled = StepwiseTransformer(KBinsDiscretizer(2, encode="ordinal", strategy="uniform"))
    assert scaled.fit_transform(X).ravel().tolist() == [1, 0, 0, 0]


def test_numbers_whose_sum_overflows_are_no_reason_to_warn():
    X = np.array([[[1e308], [1e308]], [[-1e308], [-1e308]], [[np.nan], [-1e308]]])
    assert np.isnan(StepwiseTransformer(MaxAbsScaler()).fit_transform(X)[2, 0, 0])
    assert StepwiseTransformer(MaxAbsScaler()).fit_transform(X[:2]).ravel().tolist() == [
        *[1, 1, -1, -1]
    ]
