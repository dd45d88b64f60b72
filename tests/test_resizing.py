"""Resizing against integrals and interpolation written out; gray images without channels."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sknet import NeuralClassifier, NeuralRegressor
from sknet.layers import Conv2D, Dropout, Flatten, Masking, RandomCrop, Rescaling, Resizing
from sknet.network import Network
from sknet.testing import check_layer


def dense_area(length, n_out):
    """Return the means over new cells of functions that are constant on old ones, by sums."""
    fine = np.repeat(np.eye(length), n_out, axis=0)  # each old cell in n_out parts
    return fine.reshape(n_out, length, length).mean(axis=1)


def dense_bilinear(length, n_out):
    """Return what NumPy's interpolation makes of each unit vector."""
    centers = (np.arange(n_out) + 0.5) * length / n_out - 0.5
    columns = [np.interp(centers, np.arange(length), unit) for unit in np.eye(length)]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("size", [(4, 6), (7, 3), (1, 1), (5, 11), (10, 6)])
@pytest.mark.parametrize(
    ("interpolation", "dense"), [("area", dense_area), ("bilinear", dense_bilinear)]
)
def test_resizing_is_a_dense_matrix(size, interpolation, dense):
    rng = np.random.default_rng(0)
    x, grad = rng.normal(size=(3, 5, 6, 2)), rng.normal(size=(3, *size, 2))
    matrix = np.kron(dense(5, size[0]), dense(6, size[1]))  # (pixels out, pixels in)
    replica = Network(Resizing(*size, interpolation=interpolation), x.shape[1:]).replica(3)
    out = replica.forward(x, training=True)
    expected = matrix @ x.reshape(3, 30, 2)
    np.testing.assert_allclose(out.reshape(3, -1, 2), expected, atol=1e-12)
    back = replica.layer.backward(grad.copy())
    expected = matrix.T @ grad.reshape(3, -1, 2)
    np.testing.assert_allclose(back.reshape(3, 30, 2), expected, atol=1e-12)


def test_an_area_keeps_the_mean_and_one_size_is_a_square():
    x = np.random.default_rng(0).normal(size=(2, 9, 7, 3))
    network = Network(Resizing(4, interpolation="area"), x.shape[1:])
    out = network.predict(x)
    assert out.shape == (2, 4, 4, 3)
    np.testing.assert_allclose(out.mean(axis=(1, 2)), x.mean(axis=(1, 2)), atol=1e-12)


@pytest.mark.parametrize(
    "layer",
    [Resizing(3), Resizing(6, 2, interpolation="area"), Rescaling(), Rescaling(2, offset=-1.0)],
    ids=str,
)
def test_they_keep_the_contract(layer):
    check_layer(layer, (5, 4, 2))


def test_rescaling_brings_pixels_to_the_unit_interval():
    pixels = np.array([[0.0, 51.0, 255.0]])
    np.testing.assert_allclose(Network(Rescaling(), (3,)).predict(pixels), [[0, 0.2, 1]])
    centered = Network(Rescaling(1 / 127.5, offset=-1.0), (3,)).predict(pixels)
    np.testing.assert_allclose(centered, [[-1, -0.6, 1]])
    check_layer(Rescaling(0.1), (4, 2), sequence=True)


def gray_images(n=12):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 6, 5)), np.arange(n) % 2


@pytest.mark.parametrize("input_shape", [None, (6, 5), (6, 5, 1)])
def test_gray_images_get_their_channel_axis(input_shape):
    X, y = gray_images()
    layers = [Rescaling(1.0), Dropout(0.1), Resizing(4), Conv2D(3, 3), Flatten()]
    options = {"max_iter": 3, "tol": 0, "random_state": 0}
    model = NeuralClassifier(layers=layers, input_shape=input_shape, **options).fit(X, y)
    same = NeuralClassifier(layers=layers, input_shape=(6, 5, 1), **options).fit(X[..., None], y)
    assert model.network_.input_shape == (6, 5, 1)
    np.testing.assert_array_equal(model.predict_proba(X), same.predict_proba(X[..., None]))
    np.testing.assert_array_equal(model.predict_proba(X[..., None]), same.predict_proba(X))
    np.testing.assert_array_equal(model.network_.predict(X), same.network_.predict(X))


def test_sequences_of_vectors_keep_their_two_axes():
    X, _ = gray_images()
    model = NeuralRegressor(layers=[Flatten(), 3], max_iter=1, tol=0).fit(X, X[:, 0, 0])
    assert model.network_.input_shape == (6, 5)


def test_the_size_of_images_can_be_searched():
    X, y = gray_images()
    model = NeuralClassifier(
        layers=[("size", Resizing(3)), Flatten(), 4], max_iter=2, tol=0, random_state=0
    )
    search = GridSearchCV(model, {"layers__size__height": [2, 4]}, cv=2).fit(X, y)
    assert search.best_estimator_.network_["size"].output_shape_[0] in (2, 4)


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (Resizing(0), (4, 4, 1), "The 'height' parameter of Resizing must be"),
        (Resizing(3, interpolation="cubic"), (4, 4, 1), "The 'interpolation' parameter of Resizi"),
        (Resizing(3), (None, 4, 1), "(Resizing) expects images of one size, got (None, 4, 1)."),
        (Resizing(3), (16,), "(Resizing) expects inputs of shape (height, width, channels), got"),
        (Rescaling("1"), (16,), "The 'scale' parameter of Rescaling must be"),
    ],
)
def test_wrong_uses_have_a_sentence(layer, shape, sentence):
    with pytest.raises(ValueError) as caught:
        Network(layer, shape, path="layers__0")
    assert sentence in str(caught.value)


@pytest.mark.parametrize("layer", [Resizing(4), RandomCrop(4)])
def test_masked_rows_are_refused_as_the_output_has_others(layer):
    X = np.random.default_rng(0).normal(size=(6, 8, 8, 1))
    X[::2, 5:] = 0.0
    network = NeuralClassifier(layers=[Masking(), layer, Flatten()], max_iter=1, tol=0)
    with pytest.raises(ValueError, match=f"{type(layer).__name__}.*images without masked rows"):
        network.fit(X, np.arange(6) % 2)
