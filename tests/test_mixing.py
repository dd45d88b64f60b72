"""Mixtures of samples, against the loss of mixed targets written out."""

import pickle

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet import NeuralClassifier, NeuralRegressor, load, save
from sknet.layers import (
    LSTM,
    Activation,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Masking,
)
from sknet.mixing import CutMix, MixUp, get_mixing
from sknet.optimizers import SGD


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_mixtures_are_weighted_means_of_partners():
    x = draw(500, 3, 4)
    before = x.copy()
    mixed, partners, shares = MixUp(0.5).mix(x, np.random.default_rng(1))
    np.testing.assert_array_equal(x, before)
    assert sorted(partners) == list(range(500))
    factors = shares[:, None, None]
    np.testing.assert_allclose(mixed, factors * x + (1 - factors) * x[partners], atol=1e-12)
    assert stats.kstest(shares, stats.beta(0.5, 0.5).cdf).pvalue > 1e-6


@pytest.mark.parametrize("shape", [(12, 10, 2), (30, 3)])
def test_rectangles_come_from_partners_and_the_share_is_what_is_left(shape):
    x = draw(400, *shape)
    mixed, partners, shares = CutMix().mix(x, np.random.default_rng(1))
    own = (mixed == x).all(axis=-1)
    other = (mixed == x[partners]).all(axis=-1)
    assert (own | other).all()
    apart = partners != np.arange(400)
    left = own[apart].reshape(apart.sum(), -1).mean(axis=1)
    np.testing.assert_allclose(left, shares[apart], atol=1e-12)
    for mask in ~own[apart][:50]:  # what was replaced is a box
        sides = [
            mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)).sum()
            for axis in range(mask.ndim)
        ]
        assert np.prod(sides) == mask.sum()
    assert shares.min() + 1e-9 > 0 and 0.4 < shares.mean() < 0.85


def one_step(model, X, y, weight=None):
    """Return the weights before and after one step with SGD, and what was drawn."""
    model = clone(model).set_params(max_iter=1, tol=0, batch_size=len(X), alpha=0.0)
    start = clone(model).set_params(mixing=None, learning_rate_init=1e-300)
    start.fit(X, y, weight)
    return start, model.fit(X, y, weight)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_a_step_descends_the_loss_of_mixed_probabilities(name, weighted):
    X, y = draw(8, 12), np.arange(8) % 3
    weight = np.array([1.0, 2, 1, 1, 3, 1, 0.2, 1]) if weighted else None
    model = NeuralClassifier(
        layers=[Flatten()],
        input_shape=(4, 3),
        mixing=name,
        solver=SGD(momentum=0.0),
        learning_rate_init=0.1,
        random_state=0,
        dtype="float64",
    )
    start, moved = one_step(model, X, y, weight)
    trained = np.random.SeedSequence(0).spawn(4)[1].spawn(2)[1]
    mixed, partners, shares = get_mixing(name).mix(
        X.reshape(8, 4, 3), np.random.default_rng(trained)
    )
    rows = mixed.reshape(8, 12)
    own = np.ones(8) if weight is None else weight / weight.mean()
    one_hot = np.eye(3)[y]
    kernel, bias = start.coefs_[0], start.intercepts_[0]
    logits = rows @ kernel + bias
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    first, second = (own * shares)[:, None], (own[partners] * (1 - shares))[:, None]
    grad = (first * (p - one_hot) + second * (p - one_hot[partners])) / 8
    np.testing.assert_allclose(moved.coefs_[0], kernel - 0.1 * rows.T @ grad, atol=1e-10)
    loss = -(first * one_hot + second * one_hot[partners]) * np.log(p)
    assert moved.loss_ == pytest.approx(loss.sum() / 8, rel=1e-10)


def test_targets_of_regressors_are_mixed_by_their_gradient():
    X, y = draw(6, 3), draw(6, 2, seed=1)
    model = NeuralRegressor(
        (),
        mixing=MixUp(1.0),
        solver=SGD(momentum=0.0),
        learning_rate_init=0.1,
        standardize_target=False,
        random_state=0,
    )
    start, moved = one_step(model, X, y)
    trained = np.random.SeedSequence(0).spawn(4)[1].spawn(2)[1]
    mixed, partners, shares = MixUp(1.0).mix(X, np.random.default_rng(trained))
    targets = shares[:, None] * y + (1 - shares[:, None]) * y[partners]
    error = mixed @ start.coefs_[0] + start.intercepts_[0] - targets
    expected = start.coefs_[0] - 0.1 * mixed.T @ error / 6
    np.testing.assert_allclose(moved.coefs_[0], expected, atol=1e-10)


def images(n=24):
    return draw(n, 6, 6), np.arange(n) % 2


def conv(**params):
    layers = [Conv2D(3, 3, activation="relu"), BatchNorm(), Dropout(0.2), Flatten()]
    options = {"mixing": "cutmix", "max_iter": 4, "tol": 0, "batch_size": 10, "random_state": 0}
    return NeuralClassifier(layers=layers, **(options | params))


def test_validation_is_left_as_it_is_and_inference_is_not_mixed():
    X, y = images()
    model = conv().fit(X, y, X_val=X, y_val=y)
    loss = -np.log(model.predict_proba(X)[np.arange(len(y)), y]).mean()
    assert model.history_["validation_loss"][-1] == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize("mixing", ["mixup", CutMix(0.5)])
def test_training_resumes_exactly_and_survives_files(mixing, tmp_path):
    X, y = images()
    whole = conv(mixing=mixing).fit(X, y)
    half = conv(mixing=mixing, max_iter=2, warm_start=True).fit(X, y)
    save(half, tmp_path / "half.sknet")
    for copy in (pickle.loads(pickle.dumps(half)), load(tmp_path / "half.sknet"), half):
        np.testing.assert_array_equal(copy.fit(X, y).network_.params, whole.network_.params)
    assert whole.loss_ != conv(mixing=None).fit(X, y).loss_


def test_mixing_is_searched_and_trains_by_partial_fit():
    X, y = images()
    search = GridSearchCV(conv(), {"mixing": [None, "mixup", MixUp(1.0)]}, cv=2).fit(X, y)
    assert len(search.cv_results_["mean_test_score"]) == 3
    model = conv(mixing=MixUp()).set_params(mixing__alpha=0.7)
    assert model.partial_fit(X, y).n_iter_ == 1
    assert clone(model).mixing.alpha == 0.7


@pytest.mark.parametrize(
    ("params", "X", "sentence"),
    [
        ({"mixing": "cutmix"}, draw(8, 4), "mixing='cutmix' expects images or sequences of one "),
        ({"mixing": "mix"}, draw(8, 4), "The 'mixing' parameter of NeuralClassifier must be"),
        ({"mixing": MixUp(0.0)}, draw(8, 4), "The 'alpha' parameter of MixUp must be"),
        (
            {"mixing": "mixup"},
            sparse.csr_array(np.eye(8)),
            "Sparse data was passed for X, but dense data is required",
        ),
        (
            {"mixing": "mixup", "layers": [Embedding(3, input_dim=9), Flatten()]},
            np.ones((8, 4)),
            "targets of one shape, got codes for an Embedding. Leave it out.",
        ),
        ({"mixing": "mixup", "solver": "lbfgs"}, draw(8, 4), "mixing='mixup' is for solvers that"),
    ],
)
def test_what_cannot_be_mixed_has_a_sentence(params, X, sentence):
    model = NeuralClassifier(**params)
    with pytest.raises((TypeError, ValueError)) as caught:
        model.fit(X, np.arange(8) % 2)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_targets_of_pixels_are_mixed_by_their_losses_or_cut(name, weighted):
    X, y = draw(6, 4, 5, 3), np.random.default_rng(1).integers(3, size=(6, 4, 5))
    weight = np.random.default_rng(2).integers(1, 4, (6, 4, 5)) / 2 if weighted else None
    model = NeuralClassifier(
        layers=[Activation("identity")],
        mixing=name,
        solver=SGD(momentum=0.0),
        learning_rate_init=0.1,
        random_state=0,
        dtype="float64",
    )
    start, moved = one_step(model, X, y, weight)
    trained = np.random.SeedSequence(0).spawn(4)[1].spawn(2)[1]
    mixed, partners, shares = get_mixing(name).mix(X, np.random.default_rng(trained))
    own = np.ones(y.shape) if weight is None else weight / weight.mean()
    factors = shares[:, None, None] * np.ones(y.shape)
    if name == "cutmix":
        factors = (mixed == X).all(axis=-1).astype(float)
    first, second = factors * own, (1 - factors) * own[partners]
    one_hot, kernel, bias = np.eye(3)[y], start.coefs_[0], start.intercepts_[0]
    logits = mixed @ kernel + bias
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    grad = first[..., None] * (p - one_hot) + second[..., None] * (p - one_hot[partners])
    grad = np.einsum("nhwc,nhwk->ck", mixed, grad) / y.size
    np.testing.assert_allclose(moved.coefs_[0], kernel - 0.1 * grad, atol=1e-10)
    terms = first[..., None] * one_hot + second[..., None] * one_hot[partners]
    assert moved.loss_ == pytest.approx(-(terms * np.log(p)).sum() / y.size, rel=1e-10)


def segmentation(**params):
    X = draw(12, 6, 6, 1)
    layers = [Conv2D(3, 3, padding="same", activation="relu"), BatchNorm(), Dropout(0.2)]
    options = {"mixing": "cutmix", "max_iter": 4, "tol": 0, "batch_size": 5, "random_state": 0}
    return NeuralClassifier(layers=layers, **(options | params)), X, (X[..., 0] > 0).astype(int)


@pytest.mark.parametrize("loss", ["log_loss", "dice"])
@pytest.mark.parametrize("mixing", ["mixup", "cutmix"])
def test_segmentation_resumes_exactly(mixing, loss):
    model, X, y = segmentation(mixing=mixing, loss=loss)
    whole = clone(model).fit(X, y)
    half = clone(model).set_params(max_iter=2, warm_start=True).fit(X, y)
    half = pickle.loads(pickle.dumps(half)).fit(X, y)
    np.testing.assert_array_equal(half.network_.params, whole.network_.params)
    assert half.loss_ != segmentation(mixing=None, loss=loss)[0].fit(X, y).loss_


def test_rows_of_weight_zero_have_no_part_in_cut_targets():
    model, X, y = segmentation(random_state=1)
    weight = np.ones(y.shape)
    weight[3], weight[:, 2:] = 0, 0
    y[3] = 1 - y[3]
    assert np.isfinite(model.fit(X, y, weight).loss_)


def test_targets_of_other_places_than_pixels_cannot_be_cut():
    _, X, y = segmentation()
    model = NeuralClassifier(layers=[Conv2D(3, 3, strides=2, padding="same")], max_iter=1)
    with pytest.raises(
        ValueError, match="each of the 6 x 6 pixels or steps that it cuts, got 3 x"
    ):
        model.set_params(mixing="cutmix").fit(X, y[:, ::2, ::2])
    model.set_params(mixing="mixup", tol=0).fit(X, y[:, ::2, ::2])


def test_padded_sequences_are_not_mixed():
    X, y = draw(6, 5, 2), np.arange(30).reshape(6, 5) % 2
    X[2, 3:] = 0
    with pytest.raises(ValueError, match="targets of one shape, got padded sequences"):
        NeuralClassifier(layers=[Masking(), Dense(3)], mixing="mixup").fit(X, y)


def test_sequences_of_unequal_length_are_not_mixed():
    X = [draw(n, 2) for n in (3, 4, 2, 5)]
    model = NeuralClassifier(layers=[LSTM(3)], mixing="mixup")
    with pytest.raises(ValueError, match="got sequences of any length"):
        model.fit(X, [0, 1, 0, 1])
