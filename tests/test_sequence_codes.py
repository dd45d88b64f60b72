"""Autoencoders of sequences of any length: codes a step, codes a sequence, losses and forms."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sknet import AutoencoderTransformer, NeuralClassifier
from sknet.estimators.codec import Decoder, Encoder, RepeatCode, SequenceCodec
from sknet.inputs import Sequences
from sknet.layers import (
    GRU,
    LSTM,
    Conv1D,
    Dense,
    Flatten,
    MaxPool1D,
    Pretrained,
    Reshape,
    TimeDistributed,
)
from sknet.losses import Huber, LogLoss, SquaredError, Target
from sknet.losses.sequence import SequenceLoss
from sknet.network import Network
from sknet.preprocessing import StepwiseTransformer

SHORT = {"max_iter": 2, "tol": 0, "random_state": 0, "batch_size": 3}
RNG = np.random.default_rng(0)
LENGTHS = [3, 5, 2, 5, 4, 1, 6, 3, 4, 2, 7, 5]
X = [RNG.normal(size=(n, 2)) for n in LENGTHS]
WHOLE = {"encoder": [GRU(5)], "decoder": [GRU(6, return_sequences=True)]}
STEPS = {"encoder": [Conv1D(4, 3, padding="same", activation="tanh")], "decoder": [3]}


def model(n_components=2, **params):
    return AutoencoderTransformer(n_components, **{**SHORT, **params})


def as_sequences(items):
    lengths = np.array([len(item) for item in items])
    return Sequences(np.concatenate(items), np.cumsum(lengths) - lengths, lengths)


# The loss


@pytest.mark.parametrize("weight", [None, np.array([0.5, 2.0, 0.0])], ids=["equal", "weighted"])
@pytest.mark.parametrize("inner", [SquaredError(), Huber(), LogLoss()], ids=repr)
def test_the_loss_of_a_sequence_is_the_mean_over_its_real_steps(inner, weight):
    items = [RNG.random((n, 2)) for n in (3, 1, 4)]
    loss = SequenceLoss(inner)
    kind = "multilabel" if isinstance(inner, LogLoss) else "continuous"
    assert loss.build(Target(kind, 2)) == 2
    loss.allocate(3, np.float64)
    inner.build(Target(kind, 2))
    inner.allocate(4, np.float64)
    raw, y = RNG.normal(size=(3, 4, 2)), as_sequences(items)
    each = [inner.row_losses(r[: len(i)], i).mean() for r, i in zip(raw, items, strict=True)]
    assert_allclose(loss.row_losses(raw, y), each, rtol=1e-12)
    value, gradient = loss.value_and_gradient(raw, y, weight)
    assert value == pytest.approx(np.mean(each if weight is None else weight * each))
    step = 1e-6
    for at in [(0, 2, 1), (1, 0, 0), (2, 3, 0), (1, 1, 0), (0, 3, 1)]:
        shifted = [raw.copy(), raw.copy()]
        shifted[0][at] += step
        shifted[1][at] -= step
        up, down = (loss.value_and_gradient(r, y, weight)[0] for r in shifted)
        assert gradient[at] == pytest.approx((up - down) / (2 * step), abs=1e-8)
    assert (gradient[1, 1:] == 0).all()


def test_the_best_constant_counts_each_sequence_once():
    loss = SequenceLoss(SquaredError())
    loss.build(Target("continuous", 1))
    y = as_sequences([np.array([[1.0], [3.0]]), np.array([[8.0]])])
    assert_allclose(loss.initial_bias(y), [5.0])
    assert_allclose(loss.initial_bias(y, np.array([3.0, 1.0])), [3.5])


# The layers


def test_the_gradient_of_a_whole_network_agrees_with_central_differences():
    parts = [
        ("encoder", Encoder([GRU(3), Dense(2)])),
        ("repeat", RepeatCode()),
        ("decoder", Decoder([GRU(3, return_sequences=True), Dense(2)])),
    ]
    network, y = Network(SequenceCodec(parts), (None, 2), random_state=0), as_sequences(X[:4])
    network.params += 0.3 * RNG.normal(size=network.n_params)
    loss, grads = SequenceLoss(SquaredError()), np.zeros(network.n_params)
    loss.build(Target("continuous", 2))
    loss.allocate(4, np.float64)
    weight = np.array([1.0, 0.5, 2.0, 0.5])
    replica = network.replica(4, grads=grads)
    replica.backward(loss.value_and_gradient(replica.forward(y, training=True), y, weight)[1])

    def value(shift):
        network.params += shift
        found = loss.value_and_gradient(network.predict(y), y, weight)[0]
        network.params -= shift
        return found

    for direction in RNG.normal(size=(5, network.n_params)):
        slope = (value(1e-5 * direction) - value(-1e-5 * direction)) / 2e-5
        assert grads @ direction == pytest.approx(slope, rel=1e-6)


def test_the_code_is_what_each_step_of_the_decoder_reads():
    network = model(**WHOLE).fit(X).network_
    codes, seen = network.predict(as_sequences(X), "encoder"), network.activations(X, "repeat")
    assert_array_equal(seen, np.repeat(codes[:, None], max(LENGTHS), axis=1))


# The estimator


@pytest.mark.parametrize("layers", [WHOLE, STEPS], ids=["whole", "steps"])
def test_codes_reconstructions_and_scores_are_those_of_each_sequence_alone(layers):
    fitted = model(**layers).fit(X)
    codes, found, scores = fitted.transform(X), fitted.reconstruct(X), fitted.score_samples(X)
    assert isinstance(codes, np.ndarray if layers is WHOLE else list)
    for i, x in enumerate(X):
        assert found[i].shape == x.shape
        assert np.shape(codes[i]) == ((2,) if layers is WHOLE else (len(x), 2))
        assert_allclose(fitted.reconstruct([x])[0], found[i], atol=1e-12)
        assert_allclose(fitted.transform([x])[0], codes[i], atol=1e-12)
        assert scores[i] == pytest.approx(-np.sum((x - found[i]) ** 2) / len(x) / 2)
    errors = [np.mean((x - r) ** 2) for x, r in zip(X, found, strict=True)]
    assert fitted.score(X) == pytest.approx(-np.mean(errors))
    weight = np.arange(12.0)
    assert fitted.score(X, sample_weight=weight) == pytest.approx(
        -np.average(errors, weights=weight)
    )


def test_each_step_is_coded_by_plain_layers_too():
    fitted = AutoencoderTransformer(1, (4,), input_shape=(None, 2), **SHORT).fit(X)
    codes = fitted.transform(X)
    assert [code.shape for code in codes] == [(n, 1) for n in LENGTHS]
    with pytest.raises(
        ValueError, match="gives a code for each step, which is no table for pandas"
    ):
        clone(fitted).set_output(transform="pandas").fit_transform(X)
    with pytest.raises(ValueError, match="a code does not tell how many steps"):
        fitted.inverse_transform(np.ones((2, 1)))


def test_training_learns_and_gives_the_loss_it_states():
    t = [np.arange(n) + RNG.uniform(0, 6) for n in LENGTHS * 3]
    waves = [np.column_stack([np.sin(s), np.cos(s)]) for s in t]
    fitted = model(3, **WHOLE).set_params(learning_rate_init=0.02, max_iter=60).fit(waves)
    assert -fitted.score(waves) < 0.05
    still = clone(fitted).set_params(max_iter=1, learning_rate_init=1e-12, alpha=0, batch_size=36)
    still.fit(waves)
    assert still.loss_ == pytest.approx(-np.mean(still.score_samples(waves)), rel=1e-6)


def test_weights_count_as_repeated_sequences():
    weight = np.random.default_rng(1).integers(0, 3, 12)
    repeated = [x for x, n in zip(X, weight, strict=True) for _ in range(n)]
    params = {**WHOLE, "solver": "lbfgs", "max_iter": 5}
    weighted = model(**params).fit(X, sample_weight=weight)
    assert_allclose(
        weighted.score_samples(X), model(**params).fit(repeated).score_samples(X), rtol=1e-6
    )


def test_resumption_pickling_and_hold_out_are_as_for_rows():
    whole = model(**WHOLE, early_stopping=True, max_iter=4).fit(X)
    assert len(whole.validation_scores_) == 4
    plain = model(**WHOLE).fit(X)
    halves = model(**WHOLE, warm_start=True, max_iter=1).fit(X).fit(X)
    assert_array_equal(halves.network_.params, plain.network_.params)
    assert model(**WHOLE).partial_fit(X).partial_fit(X[:5]).n_iter_ == 2
    loaded = pickle.loads(pickle.dumps(plain))
    assert all(map(np.array_equal, loaded.reconstruct(X), plain.reconstruct(X)))
    watched = model(**WHOLE).fit(X, X_val=X[:4])
    assert watched.history_["validation_loss"][-1] == pytest.approx(
        -np.mean(watched.score_samples(X[:4]))
    )


@pytest.mark.parametrize("shape", [(4, 6), (4, 3, 2)])
def test_sequences_of_one_length_in_an_array_come_back_as_one(shape):
    rows = RNG.normal(size=shape)
    for layers in (WHOLE, STEPS):
        fitted = model(input_shape=(None, 2), **layers).fit(rows)
        assert fitted.reconstruct(rows).shape == shape
        listed = fitted.reconstruct(list(rows.reshape(4, 3, 2)))
        assert_allclose(np.reshape(listed, shape), fitted.reconstruct(rows), rtol=1e-12)
        assert fitted.transform(rows).shape == ((4, 2) if layers is WHOLE else (4, 3, 2))


def test_clips_of_any_length_are_taken_where_the_decoder_gives_frames():
    clips = [RNG.normal(size=(n, 2, 2)) for n in (2, 4, 3)]
    encoder = [TimeDistributed([Flatten(), 5])]
    for decoder in ([3], [TimeDistributed([Dense(4), Reshape((2, 2))])]):
        fitted = model(encoder=encoder, decoder=decoder).fit(clips)
        found = fitted.reconstruct(clips)
        assert [part.shape for part in found] == [clip.shape for clip in clips]
        expected = [-np.sum((x - r) ** 2) / len(x) / 2 for x, r in zip(clips, found, strict=True)]
        assert_allclose(fitted.score_samples(clips), expected)
    with pytest.raises(ValueError, match=r"encoder ends with codes of shape \(None, 2, 2\)"):
        model(encoder=[TimeDistributed([Dense(3)])]).fit(clips)


def test_a_pipeline_a_search_and_pretrained_take_them():
    y = np.arange(12) % 2
    pipeline = make_pipeline(StepwiseTransformer(), model(**WHOLE))
    grid = {"autoencodertransformer__encoder__0__units": [3, 4]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X)
    assert search.transform(X).shape == (12, 2)
    start = Pretrained(model(**WHOLE).fit(X))
    assert NeuralClassifier(layers=[start], **SHORT).fit(X, y).predict(X).shape == (12,)


# Refusals


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"encoder": [GRU(3)]}, "decoder=None has no layer that could tell the steps"),
        ({"encoder": [GRU(3)], "decoder": [GRU(3)]}, r"ends with outputs of shape \(3,\)"),
        ({"encoder": [Conv1D(3, 2)], "decoder": [3]}, "return as many steps as they take, but of"),
        ({"encoder": [MaxPool1D(2)], "decoder": [3]}, "return as many steps as they take, but of"),
        (
            {"encoder": [LSTM(3, return_sequences=True, go_backwards=True)], "decoder": [3]},
            "return each step in its place, but move or leave out some",
        ),
        ({**WHOLE, "variational": True}, "variational=True is for samples of one shape"),
        ({**WHOLE, "handle_missing": "ignore"}, "handle_missing='ignore' is for samples of one"),
        ({**WHOLE, "sparsity": 0.1}, "sparsity=0.1 is for samples of one shape"),
        ({**WHOLE, "input_shape": (None,)}, "expects sequences of vectors, got codes of tokens"),
        ({}, "got sequences of unequal length. Give it layers for them, such as encoder="),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_sequences_cannot_be_coded_by_is_refused(params, sentence):
    with pytest.raises(ValueError, match=sentence):
        model(**params).fit(X)


def test_values_of_wrong_sequences_are_named_where_they_are():
    gaps = [*X[:3], np.full((2, 2), np.nan)]
    with pytest.raises(ValueError, match="position 3"):
        model(**WHOLE).fit(gaps)
    with pytest.raises(ValueError, match="expects X in"):
        model(**WHOLE, loss="log_loss").fit(X)
