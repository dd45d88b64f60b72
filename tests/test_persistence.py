"""Copies and pickles made while training and after it."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor

X = np.random.default_rng(0).normal(size=(40, 4))
PARAMS = {"tol": 0, "random_state": 0, "batch_size": 8, "warm_start": True}
PARAMS["n_iter_no_change"] = np.inf


def dumped(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


WAYS = {
    "pickle": lambda estimator: pickle.loads(pickle.dumps(estimator)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "joblib": dumped,
    "slim": lambda estimator: estimator.without_training_state(),
}


def outputs(estimator):
    return (getattr(estimator, "transform", None) or estimator.predict)(X)


class Checkpoints:
    """A callback that copies the second epoch in all ways, and trains some copies there."""

    def __init__(self):
        self.copies = []

    def __reduce__(self):
        return type(self), ()  # a copy of an estimator need not hold the copies before it

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name != "epoch" or context.task_id != 1:
            return
        for source in (estimator, fitted_estimator):
            for way, make in WAYS.items():
                self.copies.append((way, make(source), outputs(source)))
                if way != "slim":
                    make(source).set_callbacks().set_params(max_iter=1).fit(X, X[:, 0])

    def teardown(self, estimator, context):
        pass


@pytest.mark.skipif(not hasattr(NeuralClassifier, "set_callbacks"), reason="needs callbacks")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("cls", "way"),
    [
        (NeuralRegressor, {}),
        (NeuralRegressor, {"averaging": 0.9, "dropout": 0.2}),
        (NeuralRegressor, {"early_stopping": True, "averaging": 0.9}),
        (NeuralRegressor, {"solver": "lbfgs"}),
        (AutoencoderTransformer, {"variational": True}),
        (
            NeuralRegressor,
            {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 1.0},
        ),
    ],
    ids=str,
)
def test_checkpoints_predict_the_same_go_on_and_leave_the_fit_alone(cls, way):
    params = {**PARAMS, "hidden_layer_sizes": (6,), "max_iter": 4, **way}
    checkpoints = Checkpoints()
    whole = cls(**params).fit(X, X[:, 0])
    network = cls(**params).set_callbacks(checkpoints).fit(X, X[:, 0])
    assert_array_equal(outputs(network), outputs(whole))
    assert network.history_["loss"] == whole.history_["loss"]
    for kind, made, expected in checkpoints.copies:
        assert_array_equal(outputs(made), expected)
        assert made.network_ is made._trainer.network
        assert made.n_iter_ == len(made.loss_curve_) == 2
        if kind != "slim":
            made.set_callbacks().set_params(max_iter=2).fit(X, X[:, 0])
            if made.solver != "lbfgs":  # which forgets the curvature
                assert made.loss_curve_ == whole.loss_curve_
                if not made.early_stopping:
                    assert_array_equal(outputs(made), outputs(whole))


@pytest.mark.parametrize(("averaging", "share"), [(None, 1 / 3), (0.9, 1 / 5)])
def test_a_copy_for_deployment_predicts_the_same_in_less_space(averaging, share):
    network = NeuralRegressor((300, 100), **PARAMS, averaging=averaging, max_iter=1)
    network.fit(X, X[:, 0])
    slim = network.without_training_state()
    loaded = pickle.loads(pickle.dumps(slim))
    for other in (slim, loaded, copy.copy(slim), copy.deepcopy(slim)):
        assert_array_equal(other.predict(X), network.predict(X))
        assert (other.t_, other.history_) == (network.t_, network.history_)
        assert other.network_ is other._trainer.network
    assert len(pickle.dumps(slim)) < (share + 0.02) * len(pickle.dumps(network))


def test_a_copy_for_deployment_cannot_go_on_but_start_anew():
    network = NeuralRegressor((5,), **PARAMS, max_iter=2).fit(X, X[:, 0])
    slim, before = network.without_training_state(), network.predict(X)
    for train in (slim.fit, slim.partial_fit):
        with pytest.raises(ValueError, match=r"copy without its training state.*start anew"):
            train(X, X[:, 0])
        assert_array_equal(slim.predict(X), before)
    slim.set_params(warm_start=False).fit(X, X[:, 0]).partial_fit(X, X[:, 0])
    assert_array_equal(network.predict(X), before)


def test_training_a_copy_leaves_the_original_alone():
    network = NeuralRegressor((5,), **PARAMS, max_iter=2).fit(X, X[:, 0])
    before = network.predict(X)
    other = copy.copy(network).partial_fit(X, X[:, 0])
    assert_array_equal(network.predict(X), before)
    assert (network.n_iter_, other.n_iter_) == (2, 3)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda p: p[:-1], r"shape \(30,\)"),
        (lambda p: p[None], r"shape \(1, 31\)"),
        (lambda p: p.astype(np.float32), "type float32"),
        (lambda p: np.where(np.arange(len(p)) == 3, np.nan, p), "not finite"),
        (lambda p: p.tolist(), "got list"),
        (lambda p: None, "got NoneType"),
    ],
)
def test_damaged_weights_are_refused(change, found):
    network = NeuralRegressor((5,), max_iter=1, tol=0).fit(X[:, :4], X[:, 0]).network_
    state = network.__getstate__()
    assert state["params"].shape == (31,)
    state["params"] = change(network.params)
    with pytest.raises(ValueError, match=found):
        object.__new__(type(network)).__setstate__(state)
