"""Tests of plain functions as parts: they are copied, pickled and searched like any component."""

import pickle
import subprocess
import sys
from copy import copy, deepcopy
from functools import partial
from threading import Lock

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet import NeuralRegressor, functions
from sknet.activations import FunctionActivation
from sknet.compatibility import cloudpickle
from sknet.functions import wrong_slopes
from sknet.layers import Dense, Dropout
from sknet.losses import FunctionLoss
from sknet.optimizers import AdamW
from sknet.schedules import FunctionSchedule

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X[:, 0] - X[:, 1]


def sine(x):
    return np.sin(x)


def local_parts():
    """Parameters all of which hold functions that no name finds."""
    return {
        "loss": FunctionLoss(lambda y, p: (p - y) ** 2 / 2, lambda y, p: p - y),
        "layers": [
            Dense(4, activation=FunctionActivation(lambda x: x**3, lambda x: 3 * x**2)),
            Dropout(0.1, schedule=lambda progress: 1 - progress),
        ],
        "solver": AdamW(weight_decay_schedule=lambda progress: 1 - progress),
        "learning_rate": lambda progress: 1 - progress / 2,
        "scoring": lambda y, prediction: -np.mean(np.abs(y - prediction)),
    }


def model(**parameters):
    return NeuralRegressor(max_iter=2, tol=0, random_state=0, **parameters)


@pytest.mark.parametrize("pickler", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
def test_local_functions_are_pickled_and_training_resumes_exactly(pickler):
    parts = local_parts()
    network = model(**parts, warm_start=True, early_stopping=True).fit(X, Y)
    loaded = pickle.loads(pickler.dumps(network))
    np.testing.assert_array_equal(loaded.predict(X), network.predict(X))
    np.testing.assert_array_equal(loaded.fit(X, Y).predict(X), network.fit(X, Y).predict(X))
    assert loaded.history_["validation_score"] == network.history_["validation_score"]


def test_clones_and_copies_keep_the_functions_themselves():
    loss = FunctionLoss(partial(np.subtract), lambda y, p: p)
    for same in (clone(loss), copy(loss), deepcopy(loss)):
        assert (same.value, same.gradient) == (loss.value, loss.gradient)
    network = model(**local_parts())
    for same in (clone(network), deepcopy(network)):
        assert same.learning_rate is network.learning_rate
        assert same.loss.value is network.loss.value
    layer = network.layers[1]
    assert deepcopy(layer).schedule is layer.schedule
    assert copy(layer).schedule(0.25) == 0.75


def test_functions_with_a_name_are_pickled_by_it():
    activation = FunctionActivation(sine, np.cos)
    assert b"test_functions" in pickle.dumps(activation)
    assert pickle.loads(pickle.dumps(activation)).f is sine


def test_one_function_stays_one():
    def schedule(progress):
        return 1.0

    loaded = pickle.loads(pickle.dumps([FunctionSchedule(schedule), FunctionSchedule(schedule)]))
    assert loaded[0].function is loaded[1].function


def test_functions_that_cannot_be_pickled_are_refused_by_name():
    lock = Lock()
    loss = FunctionLoss(lambda y, p: lock, lambda y, p: p)
    with pytest.raises(TypeError, match=r"^value of FunctionLoss cannot be pickled .*Define it"):
        pickle.dumps(loss)
    deepcopy(loss)


def test_code_of_another_python_is_refused(monkeypatch):
    pickled = pickle.dumps(FunctionSchedule(lambda progress: 1.0))
    monkeypatch.setattr(functions, "version_info", (3, 99, 0))
    with pytest.raises(ValueError, match=r"by value with Python 3\.\d+, and this is .* 3\.99"):
        pickle.loads(pickled)


NOTEBOOK = """
import pickle, sys
import numpy as np
from sknet import NeuralRegressor
from sknet.activations import FunctionActivation
from sknet.compatibility import cloudpickle
from sknet.layers import Dense, Layer
from sknet.losses import FunctionLoss

class Halve(Layer):
    def build(self, input_shape):
        return input_shape
    def forward(self, x, training=False, mask=None):
        return np.multiply(x, 0.5, out=self._work("out", x.shape))
    def backward(self, grad_output, input_grad=True):
        grad_output *= 0.5
        return grad_output

def value(y, prediction):
    return (prediction - y) ** 2

def gradient(y, prediction):
    return 2 * (prediction - y)

def cube(x):
    return x**3

X = np.linspace(-1, 1, 12).reshape(6, 2)
parts = {"max_iter": 2, "tol": 0, "random_state": 0, "loss": FunctionLoss(value, gradient)}
activation = FunctionActivation(cube, lambda x: 3 * x**2)
plain = NeuralRegressor(activation=activation, **parts).fit(X, X[:, 0])
own = NeuralRegressor(layers=[Dense(3), Halve()], **parts).fit(X, X[:, 0])
found = [pickle.dumps(plain), cloudpickle.dumps(own), plain.predict(X), own.predict(X)]
sys.stdout.buffer.write(pickle.dumps([X, *found]))
"""


def test_what_a_notebook_defines_is_loaded_elsewhere():
    run = subprocess.run([sys.executable, "-c", NOTEBOOK], capture_output=True, check=True)
    inputs, *pickled, plain, own = pickle.loads(run.stdout)
    networks = [pickle.loads(each) for each in pickled]
    np.testing.assert_array_equal(networks[0].predict(inputs), plain)
    np.testing.assert_array_equal(networks[1].predict(inputs), own)


def test_processes_search_over_functions():
    squares, cubes = (
        FunctionLoss(lambda y, p: (p - y) ** 2, lambda y, p: 2 * (p - y)),
        FunctionLoss(lambda y, p: np.abs(p - y) ** 3, lambda y, p: 3 * (p - y) * np.abs(p - y)),
    )
    parts = {**local_parts(), "learning_rate_init": 0.05}
    grid = {"loss": [squares, cubes], "learning_rate": ["constant", lambda progress: 1 - progress]}
    scores = [
        GridSearchCV(model(**parts), grid, cv=2, n_jobs=n_jobs, error_score="raise")
        .fit(X, Y)
        .cv_results_["mean_test_score"]
        for n_jobs in (1, 2)
    ]
    np.testing.assert_array_equal(*scores)
    assert len(set(scores[0])) == 4


def test_wrong_slopes_are_found_where_the_function_is_finite():
    x = np.array([1.0, 2.0, 3.0, -1.0])
    step = 1e-6
    with np.errstate(invalid="ignore"):
        low, high = np.log(x - step), np.log(x + step)
    width = np.full(4, 2 * step)
    assert wrong_slopes(1 / x, low, high, width) == []
    ((place, slope, difference),) = wrong_slopes(
        1 / x + np.array([0, 1e-3, 0, 5.0]), low, high, width
    )
    assert (place, slope) == (1, 0.501)
    assert difference == pytest.approx(0.5, abs=1e-8)
    assert [row for row, _, _ in wrong_slopes(x * np.nan, low, high, width)] == [0, 1, 2]
