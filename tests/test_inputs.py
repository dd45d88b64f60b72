import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import coo_matrix, csc_matrix, csr_matrix
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralRegressor,
)
from sknet.base import Workspace
from sknet.inputs import Sequences, as_inputs, as_sequences, infer_shape, readable, sequence_list
from sknet.layers import (
    GRU,
    LSTM,
    Activation,
    AveragePool1D,
    BatchNorm,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePool1D,
    GlobalMaxPool1D,
    MaxPool1D,
    MaxPool2D,
    Sequential,
    TransformerBlock,
    UpSampling1D,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FEATURES = 3


def draw_sequences(n=40, features=FEATURES, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = [rng.normal(label, 1.0, (rng.integers(2, 9), features)) for label in y]
    return X, np.array(["low", "high"])[y]


def draw_tokens(n=40, size=12, seed=0):
    """Sequences of ids; those of the second class hold more of the upper half."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = [
        rng.integers(1, size // 2 + 1, rng.integers(2, 9)) + label * (size // 2 - 1) for label in y
    ]
    return X, y


def model(layers, **parameters):
    parameters = {"max_iter": 25, "learning_rate_init": 0.03, "random_state": 0, **parameters}
    return NeuralClassifier(layers=layers, **parameters)


def as_object_array(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


# What is a sequence, and how they are padded.


def test_padding_puts_zeros_behind_each_sequence_and_marks_its_steps():
    items = [np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])]
    sequences = as_sequences(items, (None, 2), np.float64, "Network")
    x, mask = sequences.padded(Workspace(2, np.float64))
    assert sequences.shape == x.shape == (2, 3, 2)
    np.testing.assert_array_equal(x[0], [[1, 2], [0, 0], [0, 0]])
    np.testing.assert_array_equal(x[1], items[1])
    np.testing.assert_array_equal(mask, [[True, False, False], [True, True, True]])


def test_sequences_of_one_length_have_no_mask():
    sequences = as_sequences([np.ones((2, 1))] * 3, (None, 1), np.float64, "Network")
    assert sequences.padded(Workspace(3, np.float64))[1] is None


def test_a_selection_of_sequences_is_a_view_padded_to_its_own_longest():
    items = [np.full((n, 1), n, dtype=float) for n in (1, 4, 2)]
    sequences = as_sequences(items, (None, 1), np.float64, "Network")
    chosen = sequences[np.array([2, 0])]
    assert chosen.values is sequences.values
    np.testing.assert_array_equal(
        chosen.padded(Workspace(2, np.float64))[0][..., 0], [[2, 2], [1, 0]]
    )


@pytest.mark.parametrize(
    ("X", "shape"),
    [
        ([[1.0, 2.0], [3.0, 4.0]], None),
        (np.ones((4, 3)), None),
        (pd.DataFrame(np.ones((4, 3))), None),
        (np.ones((4, 3, 2)), (3, 2)),
        ([np.ones((3, 2)), np.ones((3, 2))], (3, 2)),
        ([np.ones((3, 2)), np.ones((5, 2))], (None, 2)),
        ([[1, 2, 3], [4]], (None,)),
        ([np.array([1, 2]), np.array([3])], (None,)),
        ([[1.5, 2.0], [3.0]], (None, 1)),
        ([[1, 2], [3.5]], (None, 1)),  # no order of the rows decides
        ([[3.5], [1, 2]], (None, 1)),
        ([np.array([1, 2]), np.float32([3])], (None, 1)),
        ([[True, False], [2]], (None,)),
        (as_object_array([as_object_array([1, 2]), [3]]), (None,)),
        (pd.Series([[1.0, 2.0], [3.0]]), (None, 1)),
        (pl.Series([[1, 2], [3]]), (None,)),
        (pd.Series([[1.0, 2.0], [3.0, 4.0]]), None),  # as a list of rows
        ([pd.DataFrame(np.ones((2, 3))), pd.DataFrame(np.ones((1, 3)))], (None, 3)),
        (as_object_array([np.ones((2, 2)), np.ones((1, 2))]), (None, 2)),
        ([np.ones((3, 4, 4, 1)), np.ones((2, 4, 4, 1))], (None, 4, 4, 1)),
    ],
)
def test_the_shape_of_a_sample_is_read_from_x(X, shape):
    assert infer_shape(readable(X, "Network")) == shape


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[[1, 2], [3, 4]], [[1, 2], [1]]], r"item 1 differs.*"),
        ([[[1], [2, 3]]], r"in the sequence at position 0; item 1 differs"),
        ([[[1, 2]], [[[1, 2]]] * 2], r"one of shape \(2, 1, 2\) at position 1"),
        ([[[1, 2]] * 2, [1]], r"one of shape \(1,\) at position 1"),
        ([["a", "b"], ["c"]], r"strings at position 0 in the sequence at position 0"),
        ([[1], np.zeros(2, "M8[D]")], r"dates in the sequence at position 1"),
        ([1, [2, 3]], r"item 1 differs"),
        (
            pd.DataFrame({n: [[1, 2], [1]] for n in "st"}),
            r"sequences in columns .s., .t.\. .*to_list",
        ),
        ([], r"Found array with 0 sample\(s\) \(shape=\(0,\)\)"),
        (np.ones((0, 2, 2)), r"Found array with 0 sample\(s\) \(shape=\(0, 2, 2\)\)"),
    ],
)
def test_lists_that_hold_no_sequences_are_refused_by_their_position(X, message):
    network = model([GRU(2)], max_iter=1, tol=0).fit([np.ones((2, 2)), np.ones((1, 2))], [0, 1])
    calls = [
        lambda: model([GRU(2)]).fit(X, [0, 1][: len(X)]),
        lambda: network.predict(X),
        lambda: network.network_.activations(X, 0),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call()


def test_no_samples_of_native_shape_are_refused_as_no_rows_are():
    X = np.ones((4, 3, 3, 1))
    network = AutoencoderTransformer(
        encoder=[Conv2D(2, 2)], input_shape=(3, 3, 1), max_iter=1, tol=0
    ).fit(X)
    for call in (network.fit, network.transform, network.score):
        with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
            call(X[:0])


def test_a_series_of_sequences_is_taken_like_a_list():
    X, y = draw_sequences(12)
    expected = model([GRU(2)], max_iter=2, tol=0, early_stopping=True).fit(X, y)
    for series in (pd.Series(X, index=range(5, 17)), as_object_array(X)):
        network = model([GRU(2)], max_iter=2, tol=0, early_stopping=True).fit(series, y)
        np.testing.assert_array_equal(network.predict_proba(series), expected.predict_proba(X))


def test_a_table_of_one_column_of_sequences_is_taken_like_a_list():
    pyarrow = pytest.importorskip("pyarrow")
    X, y = draw_sequences(12)
    expected = model([GRU(2)], max_iter=2, tol=0).fit(X, y).predict_proba(X)
    lists = [x.tolist() for x in X]
    forms = [
        pd.DataFrame({"series": X}),
        pl.DataFrame({"series": lists}),
        pl.Series(lists),
        pyarrow.table({"series": lists}),
        pyarrow.array(lists),
    ]
    for form in forms:
        network = model([GRU(2)], max_iter=2, tol=0).fit(form, y)
        np.testing.assert_array_equal(network.predict_proba(form), expected)
        assert not hasattr(network, "feature_names_in_")
    with pytest.raises(ValueError, match="sequences in columns 'a', 'b'"):
        model([GRU(2)]).fit(pd.DataFrame({"a": X, "b": X}), y)


def walks(n_steps, n_features):
    """Return series that change smoothly from step to step, each feature by itself."""
    steps = np.random.default_rng(0).normal(size=(10, n_steps, n_features))
    return np.cumsum(steps, axis=1)


def test_steps_that_stand_where_channels_belong_are_warned_of():
    y = np.arange(10) % 2
    for n_channels in (1, 3):
        X = walks(60, n_channels)
        swapped = X.swapaxes(1, 2)
        message = rf"\({n_channels}, 60\) look like series of 60 steps .*from_channels_first"
        with pytest.warns(UserWarning, match=message):
            model([GRU(2)], max_iter=1, tol=0).fit(swapped, y)
        model([GRU(2)], max_iter=1, tol=0).fit(X, y)


def test_wide_samples_that_need_no_swap_are_not_warned_of():
    y, noise = np.arange(10) % 2, np.random.default_rng(0).normal(size=(10, 3, 60))
    spectra = np.cumsum(walks(12, 60), axis=2)  # smooth in both directions
    for X in (noise, spectra, np.zeros((10, 3, 60)), walks(60, 30).swapaxes(1, 2)):
        model([GRU(2)], max_iter=1, tol=0).fit(X, y)
    model([Flatten()], max_iter=1, tol=0).fit(walks(60, 3).swapaxes(1, 2), y)


@pytest.mark.parametrize(
    ("form", "part", "value"),
    [
        *((form, "indices", value) for form in ("csr", "csc", "bsr") for value in (-1, 77)),
        *((form, "indptr", value) for form in ("csr", "csc", "bsr") for value in (-5, 10**6)),
        *(("coo", part, value) for part in ("row", "col") for value in (-1, 77)),
    ],
)
def test_a_sparse_matrix_whose_places_lie_outside_of_it_is_refused(form, part, value):
    X = np.eye(6)
    network = NeuralClassifier((2,), max_iter=1, tol=0, random_state=0).fit(X, [0, 1] * 3)
    wrong = csr_matrix(X).asformat(form)
    places = getattr(wrong, part).copy()
    places[2] = value
    setattr(wrong, part, places)
    for call in (network.predict, lambda X: network.fit(X, [0, 1] * 3)):
        with pytest.raises(ValueError, match=r"cannot read this sparse X .* anew"):
            call(wrong)
    sound = csr_matrix(X).asformat(form)
    np.testing.assert_array_equal(network.predict_proba(sound), network.predict_proba(X))


@pytest.mark.parametrize("make", [csr_matrix, csc_matrix, coo_matrix])
def test_duplicates_of_a_sparse_matrix_are_summed_before_its_values_are_checked(make):
    rows, columns = [0, 0, 1, 2, 2], [1, 1, 0, 2, 2]

    def twice(values):  # a matrix whose constructor does not sum
        if make is coo_matrix:
            return coo_matrix((values, (rows, columns)), shape=(3, 3))
        inner, outer = (columns, rows) if make is csr_matrix else (rows, columns)
        order = np.argsort(outer, kind="stable")
        starts = np.searchsorted(np.array(outer)[order], np.arange(4))
        return make((np.array(values)[order], np.array(inner)[order], starts), shape=(3, 3))

    within = twice([-0.5, 1.0, 0.25, 2.0, -1.0])
    before = within.data.copy()
    network = AutoencoderTransformer(
        hidden_layer_sizes=(2,), loss="log_loss", max_iter=2, tol=0, random_state=0
    )
    code = network.fit(within).transform(within)
    np.testing.assert_array_equal(within.data, before)
    dense = within.toarray()
    np.testing.assert_allclose(clone(network).fit(dense).transform(dense), code)
    with pytest.raises(ValueError, match=r"expects X in \[0, 1\], got values from .* to 1\.6"):
        network.fit(twice([0.8, 0.8, 0.25, 0.5, 0.5]))
    with pytest.raises(ValueError, match=r"infinity .* in column 1\. "):
        network.transform(twice([1e308, 1e308, 0, 0, 0]))


@pytest.mark.parametrize("layer", [1.5, None, [0], b"cells"])
def test_a_layer_is_found_by_an_int_or_a_name(layer):
    network = model([("cells", GRU(2))], max_iter=1, tol=0).fit(np.ones((2, 2, 2)), [0, 1])
    for method in (network.network_.activations, network.network_.attention_weights):
        with pytest.raises(ValueError, match=r"found by an int, .* or a str, .*; got "):
            method(np.ones((2, 2, 2)), layer)


def test_channels_first_are_told_from_channels_last():
    X, y = np.random.default_rng(0).random((4, 3, 8, 8)), [0, 1, 0, 1]
    right = "sknet.preprocessing.from_channels_first"
    for layer in (Conv2D(2, 5), MaxPool2D(5)):
        with pytest.raises(ValueError, match=rf"at least 5 x 5 .* got 3 x 8\. .*{right}"):
            model([layer, Flatten()]).fit(X, y)
    with pytest.warns(UserWarning, match=rf"\(3, 8, 8\) look like images .*{right}"):
        model([Conv2D(2, 3), Flatten()], max_iter=1, tol=0).fit(X, y)
    network = model([Conv2D(2, 5), Flatten()], max_iter=1, tol=0).fit(np.moveaxis(X, 1, -1), y)
    with pytest.raises(ValueError, match=rf"input_shape=\(8, 8, 3\), .*{right}"):
        network.predict(X)


def test_whole_numbers_in_lists_want_an_embedding():
    with pytest.raises(ValueError, match=r"got \(None,\)\. Put an Embedding before it for codes"):
        model([GRU(2)]).fit([[1, 2], [3]], [0, 1])
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        model([GRU(2)]).fit(memoryview(np.ones(4)), [0, 1] * 2)


@pytest.mark.parametrize(
    ("layers", "warned"),
    [
        ([4, Dense(3)], True),
        ([4, Dense(3, "sigmoid")], True),
        ([Dense(3), Activation("logistic")], True),
        ([Sequential([4, Dense(3)])], True),
        ([Dense(3), BatchNorm()], False),
        ([Dense(3, "relu")], False),
        ([Dense(5)], False),
        ([Dense(5), Activation("logistic")], False),
    ],
)
def test_an_output_layer_of_the_user_is_warned_of(layers, warned, recwarn):
    X = np.random.default_rng(0).random((6, 2))
    model(layers, max_iter=1, tol=0).fit(X, [0, 1, 2] * 2)
    told = [str(warning.message) for warning in recwarn]
    assert len(told) == warned
    assert all("NeuralClassifier adds the output layer" in each for each in told)


def test_an_output_layer_over_tokens_is_warned_of():
    layers = [Embedding(2), GRU(2, return_sequences=True)]
    brief = {"max_iter": 1, "tol": 0}
    width = NeuralLanguageModel(layers=layers, **brief).fit(["abc"]).n_outputs_
    with pytest.warns(UserWarning, match="NeuralLanguageModel adds the output layer"):
        NeuralLanguageModel(layers=[*layers, Dense(width)], **brief).fit(["abc"])
    NeuralLanguageModel(layers=[*layers, Dense(width - 1)], **brief).fit(["abc"])


def test_a_code_as_wide_as_the_data_is_no_output_layer():
    X = np.random.default_rng(0).random((6, 4))
    layers = {"encoder": [4, Dense(2)], "decoder": [4, Dense(4)]}
    AutoencoderTransformer(2, max_iter=1, tol=0, **layers).fit(X)  # warns of nothing


@pytest.mark.parametrize(
    "parameters",
    [
        {"activation": "softmax"},
        {"layers": [Dense(3, "softmax")]},
        {"layers": [Activation("softmax")]},
    ],
)
def test_softmax_belongs_to_the_output_layer(parameters):
    with pytest.warns(UserWarning, match="NeuralClassifier adds the output layer, and"):
        NeuralClassifier(**parameters, max_iter=1, tol=0).fit([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize(("n", "bound"), [(2**64, "64 bits"), (10**400, "a float")])
def test_sizes_that_no_array_has_are_refused(n, bound):
    for layer in (GRU(n), Dense(n), Conv1D(n, 1), UpSampling1D(n)):
        with pytest.raises(ValueError, match=f"Got 10.* too large for {bound}, instead"):
            model([layer]).fit(np.ones((2, 3, 4)), [0, 1])


@pytest.mark.parametrize("n", [2**40, 2**62])
def test_layers_larger_than_the_memory_are_named(n):
    X, y = np.ones((2, 3, 4)), [0, 1]
    for layers, name in (
        ([GRU(n)], "GRU"),
        ([Flatten(), 5, n], "Dense"),
        ([Conv1D(n, 1), GRU(1)], "C"),
    ):
        with pytest.raises(ValueError, match=rf"\({name}.* needs .* weights, .* MB of memory"):
            model(layers).fit(X, y)
    with pytest.raises(ValueError, match=r"MB of memory to work on an array of shape \(2, "):
        model([UpSampling1D(n), GRU(1)]).fit(X, y)


def test_text_is_not_a_list_of_sequences():
    assert sequence_list(["a text", "another"]) is None


# Estimators take them in every form.


def forms_of(X):
    """The same sequences as a list, an object array and nested lists."""
    return [X, as_object_array(X), [x.tolist() for x in X]]


def test_sequences_of_unequal_length_are_taken_in_every_form():
    X, y = draw_sequences()
    fitted = [model([LSTM(6)]).fit(form, y) for form in forms_of(X)]
    expected = fitted[0].predict_proba(X)
    for other, form in zip(fitted[1:], forms_of(X)[1:], strict=True):
        np.testing.assert_array_equal(other.predict_proba(form), expected)
    assert fitted[0].score(X, y) > 0.9
    assert set(fitted[0].predict(X)) == {"low", "high"}


@pytest.mark.parametrize(
    "layers",
    [
        [LSTM(5)],
        [GRU(5, return_sequences=True), GlobalMaxPool1D()],
        [Conv1D(5, 3, padding="same", activation="relu"), GlobalAveragePool1D()],
        [Dense(4), TransformerBlock(2), GlobalAveragePool1D()],
    ],
)
def test_each_sequence_is_predicted_as_if_it_were_alone(layers):
    X, y = draw_sequences()
    clf = model(layers, batch_size=8, max_iter=3).fit(X, y)
    together = clf.decision_function(X)
    alone = [clf.decision_function([x])[0] for x in X]
    np.testing.assert_allclose(together, alone, rtol=1e-10)


def test_padding_by_hand_with_a_mask_equals_padding_inside():
    X, y = draw_tokens()
    padded = np.zeros((len(X), 12), dtype=int)
    for row, x in zip(padded, X, strict=True):
        row[: len(x)] = x
    layers = [Embedding(4, mask_zero=True), LSTM(5)]
    inside = model(layers, batch_size=10).fit(X, y)
    by_hand = model(layers, batch_size=10).fit(padded, y)
    np.testing.assert_allclose(inside.predict_proba(X), by_hand.predict_proba(padded), rtol=1e-9)


def test_native_arrays_need_no_input_shape():
    rng = np.random.default_rng(0)
    y = np.arange(30) % 3
    X = rng.normal(size=(30, 6, 6, 1)) + y[:, None, None, None]
    layers = [Conv2D(4, 3, activation="relu"), MaxPool2D(2), Flatten()]
    native = model(layers).fit(X, y)
    rows = model(layers, input_shape=(6, 6, 1)).fit(X.reshape(30, -1), y)
    np.testing.assert_array_equal(native.predict_proba(X), rows.predict_proba(X.reshape(30, -1)))
    np.testing.assert_array_equal(native.predict_proba(X), native.predict_proba(X.reshape(30, -1)))
    np.testing.assert_array_equal(native.predict_proba(X), native.predict_proba(list(X)))
    assert native.n_features_in_ == 36


def test_a_free_time_axis_takes_arrays_of_any_length():
    rng = np.random.default_rng(0)
    y = np.arange(20) % 2
    X = rng.normal(size=(20, 7, FEATURES)) + y[:, None, None]
    clf = model([GRU(4)], input_shape=(None, FEATURES)).fit(X, y)
    assert not hasattr(clf, "n_features_in_")
    shorter = clf.predict_proba(X[:, :5])
    np.testing.assert_allclose(shorter, clf.predict_proba([x[:5] for x in X]), rtol=1e-10)
    np.testing.assert_allclose(shorter, clf.predict_proba(X[:, :5].reshape(20, -1)), rtol=1e-10)
    assert clf.network_.output_shape == (1,)


def test_rows_of_a_table_keep_their_number_of_columns():
    X = np.random.default_rng(0).normal(size=(20, 8))
    clf = model([GRU(4)], input_shape=(None, 1)).fit(X, np.arange(20) % 2)
    assert clf.n_features_in_ == 8
    with pytest.raises(ValueError, match="X has 6 features, but NeuralClassifier is expecting 8"):
        clf.predict(X[:, :6])
    assert clf.predict(X[:, :6, None]).shape == (20,)


def test_numbers_of_unequal_length_are_sequences_of_one_feature():
    X = [x[:, 0] for x in draw_sequences()[0]]
    y = [x.mean() for x in X]
    reg = NeuralRegressor(layers=[LSTM(4)], max_iter=3, random_state=0).fit(X, y)
    assert reg.network_.input_shape == (None, 1)
    assert reg.predict(X).shape == (len(X),)


def test_token_arrays_may_be_of_any_length_with_a_free_axis():
    X, y = draw_tokens()
    padded = np.zeros((len(X), 9), dtype=int)
    for row, x in zip(padded, X, strict=True):
        row[: len(x)] = x
    clf = model([Embedding(4, mask_zero=True), GRU(4)], input_shape=(None,)).fit(padded, y)
    longer = np.pad(padded, [(0, 0), (0, 5)])
    np.testing.assert_allclose(clf.predict_proba(longer), clf.predict_proba(padded), rtol=1e-10)


# Together with the rest of scikit-learn.


def test_sequences_go_through_cross_validation_and_grid_search():
    X, y = draw_sequences()
    clf = model([("cells", LSTM(4))])
    assert cross_val_score(clf, X, y, cv=3).mean() > 0.7
    assert cross_val_predict(clf, as_object_array(X), y, cv=3).shape == (len(X),)
    search = GridSearchCV(clf, {"layers__cells__units": [2, 5]}, cv=2).fit(X, y)
    assert search.best_estimator_.network_["cells"].units in (2, 5)


def test_scalers_work_in_front_of_an_input_shape():
    rng = np.random.default_rng(0)
    y = np.arange(30) % 2
    X = rng.normal(50, 20, size=(30, 16)) + 40 * y[:, None]
    layers = [("conv", Conv2D(3, 3, activation="relu")), Flatten()]
    pipe = make_pipeline(StandardScaler(), model(layers, input_shape=(4, 4, 1)))
    grid = {"neuralclassifier__layers__conv__filters": [2, 4]}
    search = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    assert search.score(X, y) > 0.9


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"dtype": "float32"}])
def test_sequences_take_weights_validation_sets_and_early_stopping(options):
    X, y = draw_sequences(60)
    weight = np.ones(60)
    weight[::7] = 0
    clf = model([LSTM(4)], class_weight="balanced", **options)
    if not options:
        clf.fit(X, y, weight, X_val=X[:10], y_val=y[:10])
        assert len(clf.history_["validation_loss"]) == clf.n_iter_
    else:
        clf.fit(X, y, weight)
    assert clf.score(X, y) > 0.8


def test_zero_weights_equal_absent_sequences():
    X, y = draw_sequences()
    kept = np.arange(40) % 3 > 0
    a = model([GRU(3)], max_iter=4).fit(X, y, kept.astype(float))
    b = model([GRU(3)], max_iter=4).fit([x for x, k in zip(X, kept, strict=True) if k], y[kept])
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-9)


def test_training_on_sequences_resumes_exactly():
    X, y = draw_sequences()
    whole = model([LSTM(4)], max_iter=6, batch_size=16).fit(X, y)
    halves = model([LSTM(4)], max_iter=3, batch_size=16, warm_start=True).fit(X, y)
    halves = pickle.loads(pickle.dumps(halves)).fit(X, y)
    np.testing.assert_array_equal(whole.predict_proba(X), halves.predict_proba(X))


def test_partial_fit_takes_chunks_of_other_lengths():
    X, y = draw_sequences()
    clf = model([LSTM(4)])
    clf.partial_fit(X[:20], y[:20], classes=["high", "low"])
    clf.partial_fit([x[:3] for x in X[20:]], y[20:])
    assert clf.predict(X).shape == (40,)


def test_a_native_input_may_follow_a_table_and_the_other_way_round():
    X = np.random.default_rng(0).normal(size=(20, 6))
    y = np.arange(20) % 2
    clf = model([GRU(3)], input_shape=(None, 2), max_iter=2)
    clf.fit(pd.DataFrame(X, columns=list("abcdef")), y)
    assert list(clf.feature_names_in_) == list("abcdef")
    clf.fit(X.reshape(20, 3, 2), y)
    assert not hasattr(clf, "feature_names_in_")
    assert not hasattr(clf, "n_features_in_")


# The number of tokens reaches the embedding.


def test_an_embedding_reads_the_number_of_tokens_from_the_data():
    X, y = draw_tokens()
    layers = [("table", Embedding(4)), LSTM(3)]
    clf = model(layers).fit(X, y)
    assert clf.network_["table"].input_dim == max(map(max, X)) + 1
    assert layers[0][1].input_dim is None
    assert clone(clf).get_params()["layers__table__input_dim"] is None


def test_an_embedding_that_read_the_data_goes_on_training():
    X, y = draw_tokens()
    clf = model([Embedding(4), LSTM(3)], warm_start=True, max_iter=2).fit(X, y)
    few = [np.minimum(x, 3) for x in X]
    n_params = clf.network_.n_params
    clf.fit(few, y)
    assert clf.network_.n_params == n_params


def test_an_unknown_token_is_refused_and_loses_nothing():
    X, y = draw_tokens()
    clf = model([Embedding(4), LSTM(3)], max_iter=2).fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match=r"Embedding.*99"):
        clf.predict([*X[:-1], np.array([99])])
    np.testing.assert_array_equal(clf.predict_proba(X), before)


# Looking inside.


def test_activations_are_the_outputs_of_a_layer_for_all_samples():
    X, y = draw_sequences()
    clf = model([("cells", LSTM(4, return_sequences=True)), ("pool", GlobalMaxPool1D())]).fit(X, y)
    network = clf.network_
    steps = network.activations(X, "cells")
    longest = max(map(len, X))
    assert steps.shape == (40, longest, 4)
    pooled = network.activations(X, 1)
    by_hand = [steps[i, : len(x)].max(axis=0) for i, x in enumerate(X)]
    np.testing.assert_allclose(pooled, by_hand, rtol=1e-12)
    raw = pooled @ network["output"].kernel_ + network["output"].bias_
    np.testing.assert_allclose(raw[:, 0], clf.decision_function(X), rtol=1e-9)
    np.testing.assert_array_equal(network.activations(X, "pool"), pooled)
    np.testing.assert_array_equal(network.activations(X, -2), pooled)


def test_activations_do_not_depend_on_the_chunks(monkeypatch):
    X, y = draw_sequences()
    network = (
        model([("cells", GRU(4, return_sequences=True)), GlobalMaxPool1D()]).fit(X, y).network_
    )
    whole = network.activations(X, "cells")
    monkeypatch.setattr("sknet.network._CHUNK_ELEMENTS", 200)
    np.testing.assert_allclose(network.activations(X, "cells"), whole, rtol=1e-12)


def test_attention_weights_add_up_to_one_over_the_real_steps():
    X, y = draw_sequences()
    layers = [Dense(4), ("block", TransformerBlock(2)), GlobalAveragePool1D()]
    network = model(layers, max_iter=2).fit(X, y).network_
    weights = network.attention_weights(X, "block__attention")
    longest = max(map(len, X))
    assert weights.shape == (40, 2, longest, longest)
    for i, x in enumerate(X):
        np.testing.assert_allclose(weights[i, :, : len(x), : len(x)].sum(axis=-1), 1, rtol=1e-12)
        assert not weights[i, :, : len(x), len(x) :].any()


@pytest.mark.parametrize("layer", ["nothing", "cells__nothing", 7, -3])
def test_an_unknown_layer_is_told_with_those_that_exist(layer):
    X, y = draw_sequences()
    network = model([("cells", LSTM(4))], max_iter=1).fit(X, y).network_
    with pytest.raises(ValueError, match=r"The network has no layer"):
        network.activations(X, layer)


def test_attention_weights_of_another_layer_are_refused():
    X, y = draw_sequences()
    network = model([("cells", LSTM(4))], max_iter=1).fit(X, y).network_
    with pytest.raises(ValueError, match="'cells' is of type LSTM; only layers of type"):
        network.attention_weights(X, "cells")


# Bad input says so.


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (
            [np.ones((3, 2)), np.ones((4, 3))],
            r"sequences of shape \(None, 3\), got one of shape \(3, 2\) at position 0",
        ),
        ([np.ones((3, 3)), np.ones((0, 3))], r"at least one step; the one at position 1 is empty"),
        ([np.ones((3, 3)), np.full((2, 3), np.nan)], "Input X contains NaN"),
        ([np.ones((3, 3)), np.full((2, 3), np.inf)], "Input X contains infinity"),
        (
            np.ones((2, 4, 5)),
            r"expects samples of input_shape=\(None, 3\), got samples of shape \(4, 5\)",
        ),
        (np.ones((2, 7)), r"holds 3 values a step, but X has 7 features"),
        (np.ones((2, 3, 3, 1)), r"expects samples of input_shape"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_before_and_after_fit(X, message):
    good, y = draw_sequences()
    clf = model([LSTM(3)], input_shape=(None, 3), max_iter=1)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, [0, 1])
    assert not hasattr(clf, "network_")
    clf.fit(good, y)
    before = clf.predict_proba(good)
    with pytest.raises(ValueError, match=message):
        clf.predict(X)
    np.testing.assert_array_equal(clf.predict_proba(good), before)


def test_an_estimator_of_one_length_refuses_sequences_of_others():
    rng = np.random.default_rng(0)
    clf = model([LSTM(3)], max_iter=1).fit(rng.normal(size=(10, 5, 3)), np.arange(10) % 2)
    with pytest.raises(ValueError, match=r"samples of shape \(5, 3\), got sequences of unequal"):
        clf.predict([np.ones((5, 3)), np.ones((4, 3))])
    with pytest.raises(ValueError, match=r"input_shape=\(5, 3\), got samples of shape \(4, 3\)"):
        clf.predict(np.ones((2, 4, 3)))


def test_plain_hidden_layers_refuse_sequences():
    X, y = draw_sequences()
    with pytest.raises(ValueError, match=r"got sequences of unequal length. Give it layers"):
        NeuralClassifier().fit(X, y)


def test_layers_that_need_a_length_refuse_sequences_of_any():
    X, y = draw_sequences()
    with pytest.raises(ValueError, match=r"Flatten\) expects sequences of one length"):
        model([Flatten()]).fit(X, y)


@pytest.mark.parametrize("shape", [(3, None), (None, None), (None,), (0, 3), ("a", 3), ()])
def test_an_input_shape_that_cannot_be_is_refused(shape):
    X, y = draw_sequences()
    with pytest.raises(ValueError, match=r"input_shape|sequences of shape"):
        model([LSTM(3)], input_shape=shape).fit(X, y)


def test_inputs_of_a_network_are_checked_like_those_of_an_estimator():
    assert isinstance(as_inputs([[1, 2], [3]], (None,), np.float32, "Network"), Sequences)
    rows = as_inputs(np.ones((2, 3, 4)), (3, 4), np.float32, "Network")
    assert rows.shape == (2, 12)
    assert rows.dtype == np.float32


@pytest.mark.parametrize(
    "layers",
    [
        [Conv1D(4, 3, activation="relu"), GlobalMaxPool1D()],
        [Conv1D(4, 3), GlobalAveragePool1D()],
        [MaxPool1D(3), LSTM(2)],
        [AveragePool1D(3), GRU(2)],
        [Conv1D(4, 4, strides=2, dilation_rate=2), Dense(2), TransformerBlock(1), LSTM(3)],
    ],
)
def test_a_sequence_too_short_for_a_window_is_treated_alike_alone_and_in_a_batch(layers):
    X = [np.random.default_rng(n).normal(size=(n, 2)) for n in (1, 3, 9, 4, 2)]
    clf = model(layers, max_iter=2).fit(X, [0, 1, 0, 1, 0])
    alone = [clf.decision_function([x])[0] for x in X]
    np.testing.assert_allclose(clf.decision_function(X), alone, rtol=1e-10)


@pytest.mark.parametrize(
    "X, message",
    [
        (pd.DataFrame(np.ones((4, 4)), columns=list("abca")), "column 'a' more than once. Rename"),
        (pl.DataFrame({"a": [1.0] * 4}).lazy(), r"has not been evaluated. Pass X.collect\(\)"),
        (pd.DataFrame, "the class DataFrame. Pass an array"),
        (str, "the class str. Pass an array"),
    ],
)
@pytest.mark.parametrize("estimator", [NeuralRegressor(), AutoencoderTransformer(2)])
def test_what_is_no_table_of_numbers_is_refused(estimator, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        estimator.fit(X, np.ones(4))


def test_a_sparse_matrix_holds_no_sequences():
    X = [np.ones((3, 2)), np.ones((4, 2))] * 3
    network = NeuralRegressor(layers=[Dense(2), GlobalMaxPool1D()], max_iter=1, tol=0)
    network.fit(X, np.arange(6))
    with pytest.raises(TypeError, match="Sparse data was passed for X"):
        network.predict(csr_matrix(np.ones((2, 6))))
