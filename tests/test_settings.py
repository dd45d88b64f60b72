"""The user's settings neither matter nor change."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from threadpoolctl import OpenBLASController, threadpool_info, threadpool_limits

from sknet import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralRegressor,
    settings,
)
from sknet.layers import Embedding, TransformerBlock
from sknet.settings import isolated, single_threaded_blas

X = np.random.default_rng(0).normal(size=(40, 5))
Y = (X[:, 0] > 0).astype(int)
SHORT = {"max_iter": 2, "tol": 0, "random_state": 0}
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def blas_threads():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


@isolated
def interrupted_at_the_end(*exits):
    """Leave blocks without their end, as an interruption on entering ``__exit__`` does."""
    for _ in exits:
        single_threaded_blas().__enter__()
    warnings.catch_warnings().__enter__()
    warnings.simplefilter("error", BytesWarning)
    sklearn.config_context(skip_parameter_validation=True, assume_finite=True).__enter__()
    np.seterr(over="raise")
    assert set(blas_threads()) == {1}
    raise KeyboardInterrupt


def test_settings_come_back_where_a_block_has_lost_its_end():
    with threadpool_limits(2, user_api="blas"):
        before, errors = blas_threads(), np.geterr()
        filters, config = list(warnings.filters), sklearn.get_config()
        with pytest.raises(KeyboardInterrupt):
            interrupted_at_the_end(1, 2)
        assert blas_threads() == before
        assert np.geterr() == errors
        assert warnings.filters == filters
        assert sklearn.get_config() == config


def interrupted_scorer(estimator, X, y):
    warnings.catch_warnings().__enter__()
    warnings.simplefilter("ignore")
    sklearn.config_context(assume_finite=True).__enter__()
    raise KeyboardInterrupt


def test_settings_come_back_where_training_ends_with_the_interruption():
    filters, config = list(warnings.filters), sklearn.get_config()
    model = NeuralClassifier((4,), early_stopping=True, scoring=interrupted_scorer, **SHORT)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, Y)
    assert warnings.filters == filters
    assert sklearn.get_config() == config


def test_the_next_call_makes_up_for_one_that_restored_nothing():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        settings.blas_setting.take(settings._Holder())  # which is forgotten
        assert set(blas_threads()) == {1}
        with single_threaded_blas():
            assert set(blas_threads()) == {1}
        assert blas_threads() == before


def test_the_setting_is_taken_once_a_fit(monkeypatch):
    taken, take = [], settings.blas_setting.take
    monkeypatch.setattr(settings.blas_setting, "take", lambda h: (taken.append(h), take(h)))
    NeuralClassifier((4,), early_stopping=True, scoring="accuracy", **SHORT).fit(X, Y)
    assert len(taken) == 1


class Child:
    """A callback that forks and looks at BLAS in the child."""

    def __init__(self):
        self.found = []

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X, fitted_estimator):
        mp = multiprocessing.get_context("fork")
        queue = mp.Queue()
        process = mp.Process(target=look, args=(queue, fitted_estimator, X))
        process.start()
        self.found.append((queue.get(timeout=60), fitted_estimator.predict(X)))
        process.join(timeout=60)

    def teardown(self, estimator, context):
        pass


def look(queue, estimator, X):
    threads = blas_threads()
    queue.put((threads, estimator.predict(X), blas_threads()))


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(NeuralClassifier, "set_callbacks"), reason="needs callbacks")
def test_a_child_forked_within_a_fit_has_the_users_setting():
    child = Child()
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        NeuralRegressor((4,), **SHORT).set_callbacks(child).fit(X, Y)
        assert blas_threads() == before
    assert len(child.found) == 3
    for (at_start, predicted, at_end), expected in child.found:
        assert at_start == at_end == before
        assert_array_equal(predicted, expected)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
def test_a_prediction_in_a_signal_handler_cannot_deadlock():
    rows = np.random.default_rng(0).normal(size=(700, 300)).astype(np.float32)
    network = NeuralRegressor((512,), batch_size=700, **SHORT).fit(rows, rows[:, 0])
    expected, found = network.predict(rows), []

    def predict(number, frame):
        found.append(network.predict(rows))

    before = signal.signal(signal.SIGALRM, predict)
    try:
        with threadpool_limits(2, user_api="blas"):
            for seconds in np.linspace(1e-4, 4e-3, 10):
                signal.setitimer(signal.ITIMER_REAL, seconds)
                assert_array_equal(network.predict(rows), expected)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert found
    for each in found:
        assert_array_equal(each, expected)


@pytest.mark.parametrize("comes_first", [True, False])
def test_a_prediction_in_the_midst_of_changing_the_setting_has_the_same_bits(
    comes_first, monkeypatch
):
    rows = np.random.default_rng(0).normal(size=(700, 300)).astype(np.float32)
    network = NeuralRegressor((512,), batch_size=700, **SHORT).fit(rows, rows[:, 0])
    expected, found, change = network.predict(rows), [], settings._Libraries.write

    def interrupted(libraries, *args):
        if not comes_first:
            change(libraries, *args)
        with monkeypatch.context() as patch:
            patch.setattr(settings._Libraries, "write", change)
            found.append(network.predict(rows))
        if comes_first:
            change(libraries, *args)

    monkeypatch.setattr(settings._Libraries, "write", interrupted)
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        assert_array_equal(network.predict(rows), expected)
        assert blas_threads() == before
    assert found
    for each in found:
        assert_array_equal(each, expected)


def test_a_prediction_takes_no_lock_of_threadpoolctls():
    state = getattr(OpenBLASController, "_SHARED_STATE", None)
    if state is None:
        pytest.skip("older threadpoolctl has none")
    network = NeuralRegressor((200,), **SHORT).fit(X, Y)
    thread = threading.Thread(target=network.predict, args=(X,), daemon=True)
    with state.lock:
        thread.start()
        thread.join(timeout=60)
        assert not thread.is_alive()


def test_a_prediction_may_hold_the_lock_that_another_one_waits_for():
    network = NeuralRegressor((200,), **SHORT).fit(X, Y)
    done = []
    with settings.blas_setting.lock:
        network.predict(X)  # in this thread: reentrant
        other = threading.Thread(target=lambda: done.append(network.predict(X)))
        other.start()
    other.join(timeout=60)
    assert len(done) == 1


AT_EXIT = """
import atexit, numpy as np
from threadpoolctl import threadpool_limits
from sknet import NeuralRegressor
from sknet.layers import Conv2D, Flatten
X = np.random.default_rng(0).normal(size=(64, 20, 20, 8)).astype(np.float32)
def train(n_threads):
    with threadpool_limits(n_threads, user_api="blas"):
        layers = [Conv2D(32, 3), Conv2D(32, 3), Flatten()]
        network = NeuralRegressor(layers=layers, max_iter=1, tol=0, random_state=0)
        return network.fit(X, X[:, 0, 0, 0]).predict(X)
expected = train(1)
atexit.register(lambda: print(np.array_equal(train(2), expected)))
"""


def test_a_fit_at_exit_does_without_helper_threads():
    done = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def outputs(estimator):
    names = ("predict_proba", "predict_log_proba", "predict", "transform", "reconstruct", "sample")
    found = []
    for name in names:
        if hasattr(estimator, name):
            argument = {"random_state": 0} if name == "sample" else {"X": X}
            found.append(getattr(estimator, name)(**argument))
    if hasattr(estimator, "score_samples"):
        found.append(estimator.score_samples(X))
    return found


FITS = [
    # Softmax and softplus underflow, squares overflow, updates of Adam underflow.
    lambda: NeuralClassifier((4,), activation="softplus", **SHORT).fit(X * 1e6, Y),
    lambda: NeuralClassifier((4,), early_stopping=True, averaging=0.5, **SHORT).fit(X * 1e-200, Y),
    lambda: NeuralClassifier((4,), dtype="float32", solver="lbfgs", **SHORT).fit(X * 1e18, Y),
    lambda: NeuralRegressor((4,), loss="gaussian", **SHORT).fit(X, X[:, 0] * 1e-160),
    lambda: NeuralRegressor((4,), loss="poisson", solver="rmsprop", **SHORT).fit(X, Y * 1e-300),
    lambda: AutoencoderTransformer(2, (4,), variational=True, **SHORT).fit(X),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("make", FITS)
def test_numpys_error_state_does_not_matter(make):
    expected = outputs(make())
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for found, right in zip(outputs(make()), expected, strict=True):
            assert_array_equal(found, right)
        assert np.geterr()["under"] == "raise"


def test_numpys_error_state_does_not_matter_for_texts():
    layers = [Embedding(4), TransformerBlock(num_heads=2, causal=True)]
    texts = ["tick tock", "tock tick"]

    def run():
        model = NeuralLanguageModel(layers=layers, max_iter=1, random_state=0).fit(texts)
        written = model.generate("t", 5, temperature=1e-3, random_state=0)
        return model.score_samples(texts).tolist(), model.perplexity(texts), written

    expected = run()
    with np.errstate(all="raise"):
        assert run() == expected
