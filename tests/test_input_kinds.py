"""What X and y may be."""

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import _get_feature_names

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.layers import Dense, Dropout, Flatten

PARAMS = {"hidden_layer_sizes": (6,), "max_iter": 5, "tol": 0, "random_state": 0}
ESTIMATORS = [NeuralClassifier, NeuralRegressor, AutoencoderTransformer]


@pytest.fixture(scope="module")
def integers():
    rng = np.random.default_rng(0)
    return rng.integers(0, 2, size=(60, 4)), np.arange(60) % 3


def outputs(estimator, X):
    for name in ("predict_proba", "predict", "transform"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)


def fitted(cls, X, y):
    return cls(**PARAMS).fit(X, y)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "convert",
    [
        np.ndarray.tolist,
        lambda X: [tuple(row) for row in X.tolist()],
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X: X[::-1][::-1],
        lambda X: X.astype(object),
        *[lambda X, d=d: X.astype(d) for d in ("?", "i1", "u1", "i2", "u4", "i8", "f8", ">f8")],
    ],
)
def test_the_form_of_x_does_not_change_the_bits(cls, convert, integers):
    X, y = integers
    expected = outputs(fitted(cls, X.astype(float), y), X.astype(float))
    assert_array_equal(outputs(fitted(cls, convert(X), y), convert(X)), expected)
    assert expected.dtype == np.float64


@pytest.mark.parametrize("wrap", [np.asarray, pd.DataFrame])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("cls", [NeuralClassifier, NeuralRegressor])
def test_unaligned_arrays_as_messages_hold_them_give_the_same_bits(cls, solver, wrap):
    X = np.random.default_rng(0).normal(size=(60, 5))
    y = (X[:, 0] > 0).astype(float)
    unaligned = np.frombuffer(b"." + X.tobytes(), offset=1).reshape(X.shape)
    assert not unaligned.flags.aligned
    aligned, other = [
        cls(**PARAMS, solver=solver).fit(wrap(rows), y).network_.params for rows in (X, unaligned)
    ]
    assert_array_equal(other, aligned)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_float32_stays_and_float16_becomes_float64(cls, dtype, integers):
    X, y = integers
    network = fitted(cls, X.astype(dtype), y)
    expected = np.float32 if dtype == "f4" else np.float64
    assert outputs(network, X.astype(dtype)).dtype == network.network_.params.dtype == expected
    assert outputs(network, X.astype(float)).dtype == expected


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("library", ["polars", "nullable", "pyarrow types", "pyarrow"])
def test_float32_columns_stay_whatever_the_library(cls, library, integers):
    X, y = integers[0].astype(np.float32), integers[1]
    pandas = pytest.importorskip("pandas")
    arrow = pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    table = {
        "polars": lambda: pytest.importorskip("polars").DataFrame(X, schema=list("abcd")),
        "nullable": lambda: frame.astype("Float32"),
        "pyarrow types": lambda: frame.astype("float[pyarrow]"),
        "pyarrow": lambda: arrow.table(dict(frame)),
    }[library]()
    network = fitted(cls, table, y)
    assert network.network_.dtype == outputs(network, table).dtype == np.float32
    assert_array_equal(outputs(network, table), outputs(fitted(cls, X, y), X))


def test_a_single_column_of_float64_makes_all_float64(integers):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(integers[0].astype(np.float32)).astype("Float32")
    frame[0] = frame[0].astype("Float64")
    assert (
        fitted(NeuralClassifier, frame.set_axis(list("abcd"), axis=1), integers[1]).network_.dtype
        == np.float64
    )


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_parameter_dtype_rules_over_that_of_x(cls, integers):
    X, y = integers
    network = cls(**PARAMS, dtype="float32").fit(X.astype(float), y)
    assert outputs(network, X.astype(float)).dtype == np.float32
    same = cls(**PARAMS).fit(X.astype(np.float32), y)
    assert_array_equal(outputs(network, X), outputs(same, X))


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_read_only_memory_maps_are_taken_and_left_as_they_are(cls, dtype, integers, tmp_path):
    X, y = integers[0].astype(dtype), integers[1].astype(float)
    weight = np.ones(60)
    joblib.dump((X, y, weight), tmp_path / "data")
    X_map, y_map, weight_map = joblib.load(tmp_path / "data", mmap_mode="r")
    assert isinstance(X_map, np.memmap)
    network = cls(**PARAMS).fit(X_map, y_map, weight_map)
    assert_array_equal(outputs(network, X_map), outputs(cls(**PARAMS).fit(X, y, weight), X))
    assert_array_equal(X_map, integers[0])


def test_x_y_and_weights_are_not_changed(integers):
    X, y = integers[0].astype(float), integers[1].astype(float)
    weight = np.linspace(0, 3, 60)
    copies = X.copy(), y.copy(), weight.copy()
    for cls in ESTIMATORS:
        cls(**PARAMS, normalization="batch", batch_size=7).fit(X, y, weight)
    for array, copy in zip((X, y, weight), copies, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_names_of_a_frame_are_kept_and_checked(cls, library, integers):
    frames = pytest.importorskip(library)
    X, y = integers[0].astype(float), integers[1]
    frame = frames.DataFrame({name: X[:, i] for i, name in enumerate("abcd")})
    if _get_feature_names(frame) is None:
        pytest.skip(f"this scikit-learn does not read the names of this {library}")
    network = fitted(cls, frame, frames.Series(values=y) if library == "polars" else y)
    assert network.feature_names_in_.tolist() == list("abcd")
    assert_array_equal(outputs(network, frame), outputs(fitted(cls, X, y), X))
    with pytest.raises(ValueError, match="feature names"):
        outputs(network, frame[["b", "a", "c", "d"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        outputs(network, X)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil"])
@pytest.mark.parametrize("interface", ["array", "matrix"])
def test_sparse_x_gives_what_dense_x_gives(cls, form, interface, integers):
    X, y = integers[0].astype(float), integers[1]
    S = getattr(sparse, f"{form}_{interface}")(X)
    dense, from_sparse = fitted(cls, X, y), fitted(cls, S, y)
    assert_allclose(outputs(from_sparse, S), outputs(dense, X), rtol=1e-7, atol=1e-9)
    assert_allclose(outputs(from_sparse, X), outputs(dense, X), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "lbfgs"},
        {"batch_size": 7},
        {"early_stopping": True},
        {"hidden_layer_sizes": 100, "layers": [6]},
        {"hidden_layer_sizes": 100, "layers": [("first", Dense(6)), Dropout(0.5)]},
        {"hidden_layer_sizes": ()},
    ],
)
def test_sparse_x_works_with_every_way_to_train(params, integers):
    X, y = integers[0].astype(float), integers[1]
    S = sparse.csr_array(X)
    dense = NeuralClassifier(**{**PARAMS, **params}).fit(X, y, np.arange(60))
    from_sparse = NeuralClassifier(**{**PARAMS, **params}).fit(S, y, np.arange(60))
    expected = dense.predict_proba(X)
    assert_allclose(from_sparse.predict_proba(S), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array])
def test_sparse_x_is_never_made_dense(container, monkeypatch):
    rng = np.random.default_rng(0)
    # 80 MB if it were dense; and nothing may even ask for it.
    S = container(sparse.random_array((50, 200_000), density=1e-4, random_state=rng))
    for cls in (sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.csc_matrix):
        for name in ("toarray", "todense", "__array__"):
            monkeypatch.setattr(cls, name, None, raising=False)
    y = np.arange(50) % 2
    network = NeuralClassifier((2,), max_iter=2, tol=0, early_stopping=True, batch_size=20)
    assert network.fit(S, y, X_val=S, y_val=y).predict_proba(S).shape == (50, 2)
    network = NeuralRegressor((2,), max_iter=2, tol=0, batch_size=20)
    assert network.fit(S, y, np.arange(50)).predict(S).shape == (50,)


def test_layers_that_take_no_sparse_input_say_so_by_tag_and_error(integers):
    X, y = integers
    network = NeuralClassifier(layers=[Dropout(0.5), 4], max_iter=1, tol=0)
    assert not network.__sklearn_tags__().input_tags.sparse
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        network.fit(sparse.csr_array(X), y)


@pytest.mark.parametrize(
    "labels",
    [["x", "y", "z"], [-5, 3, 10], [2.0, 4.0, 7.0], np.array(["a", "b", "c"], dtype=object)],
    ids=["str", "int", "float", "object"],
)
def test_labels_come_back_as_they_were_given(labels, integers):
    X, codes = integers
    labels = np.asarray(labels)
    network = fitted(NeuralClassifier, X, labels[codes])
    assert_array_equal(network.classes_, labels)
    assert set(network.predict(X)) <= set(labels)
    assert network.predict(X).dtype == labels.dtype
    expected = fitted(NeuralClassifier, X, codes).predict_proba(X)
    assert_array_equal(network.predict_proba(X), expected)
    assert fitted(NeuralClassifier, X, labels[codes].tolist()).score(X, labels[codes]) > 0


def test_boolean_labels_come_back_boolean(integers):
    X, y = integers
    predicted = fitted(NeuralClassifier, X, y == 1).predict(X)
    assert predicted.dtype == bool


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_series_and_frames_of_labels_are_taken(library, integers):
    frames = pytest.importorskip(library)
    X, y = integers
    words = np.array(["one", "two", "three"], dtype=object)[y]
    expected = fitted(NeuralClassifier, X, words).predict_proba(X)
    series = [frames.Series(list(words))]
    if library == "pandas":
        series += [
            frames.Series(list(words), dtype="category"),
            frames.Series(list(words), dtype="string"),
            frames.Series(list(words), index=np.arange(60)[::-1]),
        ]
    for labels in series:
        assert_array_equal(fitted(NeuralClassifier, X, labels).predict_proba(X), expected)
    both = frames.DataFrame({"u": list(words), "v": list(words)})
    network = fitted(NeuralClassifier, X, both)
    assert [list(c) for c in network.classes_] == [["one", "three", "two"]] * 2
    targets = frames.DataFrame({"u": y.astype(float), "v": 2.0 * y})
    assert fitted(NeuralRegressor, X, targets).predict(X).shape == (60, 2)


@pytest.mark.parametrize("cls", [NeuralClassifier, NeuralRegressor])
def test_a_column_of_y_is_taken_with_a_warning(cls, integers):
    X, y = integers
    with pytest.warns(DataConversionWarning, match="column-vector"):
        network = fitted(cls, X, y.reshape(-1, 1))
    assert network.predict(X).shape == (60,)
    assert_array_equal(network.predict(X), fitted(cls, X, y).predict(X))


def test_sparse_multilabel_targets_are_taken(integers):
    X, y = integers
    Y = np.eye(3, dtype=int)[y]
    expected = fitted(NeuralClassifier, X, Y).predict_proba(X)
    assert_array_equal(fitted(NeuralClassifier, X, sparse.csr_array(Y)).predict_proba(X), expected)


@pytest.mark.parametrize("dtype", [int, np.float32])
@pytest.mark.parametrize(
    ("cls", "layers"),
    [
        *[(cls, {}) for cls in ESTIMATORS],
        (NeuralClassifier, {"layers": [("each_row", Dense(3, "tanh")), Flatten()]}),
    ],
)
def test_samples_of_the_input_shape_equal_their_rows(cls, layers, dtype, integers):
    X, y = integers[0].astype(dtype), integers[1]
    params = {**PARAMS, "input_shape": (2, 2), **layers}
    if "layers" in layers:
        del params["hidden_layer_sizes"]
    rows = cls(**params).fit(X, y)
    samples = cls(**params).fit(X.reshape(60, 2, 2), y)
    assert_array_equal(outputs(samples, X.reshape(60, 2, 2)), outputs(rows, X))
    assert_array_equal(outputs(samples, X), outputs(rows, X.reshape(60, 2, 2).tolist()))
    assert samples.n_features_in_ == 4
    held_out = cls(**{**params, "early_stopping": True})
    assert held_out.fit(X.reshape(60, 2, 2), y).n_iter_ == 5
    with pytest.raises(ValueError, match=r"expects samples of input_shape=\(2, 2\)"):
        outputs(rows, X.reshape(60, 1, 4))


@pytest.fixture(scope="module")
def floats():
    return np.random.default_rng(0).normal(size=(60, 4))


@pytest.mark.parametrize("n_rows", [1, 7])
@pytest.mark.parametrize("target", ["two", "three", "labels", "number", "numbers"])
def test_arrays_that_need_no_check_predict_the_bits_of_all_others(target, n_rows, floats):
    X = floats
    values = np.stack([X[:, 0] > X[:, 1], X[:, 2] > X[:, 1]], axis=1)
    targets = {
        "two": values[:, 0],
        "three": values.sum(axis=1),
        "labels": values.astype(int),
        "number": X[:, 0] + 100.0,
        "numbers": X[:, :2] * 3.0,
    }
    cls = NeuralRegressor if target.startswith("number") else NeuralClassifier
    model = fitted(cls, X, targets[target])
    rows = X[:n_rows]
    assert model._check_X(rows) is rows
    for name in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, name):
            expected = getattr(model, name)(rows)
            for other in (rows.tolist(), np.repeat(rows, 2, axis=0)[::2]):
                assert_array_equal(getattr(model, name)(other), expected)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda x: np.full_like(x, np.nan), "contains NaN"),
        (lambda x: np.full_like(x, -np.inf), "contains infinity"),
        (lambda x: x[:, :3].copy(), "expecting 4 features"),
        (lambda x: x[:0], "0 sample"),
        (lambda x: x[0], "Expected 2D array"),
    ],
)
def test_other_arrays_are_refused(change, message, floats):
    model = fitted(NeuralClassifier, floats, floats[:, 0] > 0)
    with pytest.raises(ValueError, match=message):
        model.predict(change(floats[:1]))


def test_finite_values_are_taken_whose_squares_overflow(floats):
    model = fitted(NeuralClassifier, floats, floats[:, 0] > 0)
    with np.errstate(all="raise"):
        assert len(model.predict(np.full_like(floats[:1], 1e200))) == 1


def test_arrays_without_the_names_of_fit_are_warned_of(floats):
    pd = pytest.importorskip("pandas")
    model = fitted(NeuralClassifier, pd.DataFrame(floats).add_prefix("x"), floats[:, 0] > 0)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(floats[:1])
