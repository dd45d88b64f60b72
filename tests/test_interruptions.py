import signal

import numpy as np
import pytest

from sknet import NeuralClassifier, NeuralRegressor

from .interruptions import run


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
def test_interruptions_at_random_moments_leave_no_trace():
    assert run(20, seed=0) == []


class Interrupting(list):
    """Stands in for a list of ``history_``; interrupts whoever reads it."""

    def __iter__(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["learning_rate", "seconds"])
def test_an_interruption_within_recording_leaves_lists_of_one_length(name):
    X = np.random.default_rng(0).normal(size=(20, 3))
    network = NeuralRegressor((4,), max_iter=2, tol=0, warm_start=True).fit(X, X[:, 0])
    network.history_[name] = Interrupting(network.history_[name])
    with pytest.warns(UserWarning, match="interrupted"):
        network.fit(X, X[:, 0])
    assert {len(values) for values in network.history_.values()} == {2} == {network.n_iter_}
    assert np.isfinite(network.predict(X)).all()


@pytest.mark.parametrize("averaging", [None, 0.9])
def test_an_interruption_of_a_scorer_predicts_with_the_weights_that_predict(averaging):
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = (X[:, 0] > 0).astype(int)
    params = {"tol": 0, "random_state": 0, "averaging": averaging, "batch_size": 8}
    calls = []

    def scorer(estimator, X, y):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return 0.0

    network = NeuralClassifier((4,), scoring=scorer, max_iter=9, **params)
    with pytest.warns(UserWarning, match="interrupted"):
        network.fit(X, y, X_val=X, y_val=y)
    expected = NeuralClassifier((4,), max_iter=3, **params).fit(X, y)
    np.testing.assert_array_equal(network.predict_proba(X), expected.predict_proba(X))


def test_an_interrupted_partial_fit_that_has_trained_nothing_leaves_the_estimator_as_it_was():
    X = np.random.default_rng(0).normal(size=(40, 3))
    params = {"tol": 0, "random_state": 0, "max_iter": 3, "averaging": 0.5}
    network = NeuralRegressor((4,), **params).fit(X, X[:, 0])
    before = network.predict(X)
    network._trainer.optimizer.update = None  # fails in the first step
    with pytest.raises(TypeError):
        network.partial_fit(X, X[:, 0])
    np.testing.assert_array_equal(network.predict(X), before)
    assert len(network.loss_curve_) == network.n_iter_ == 3
