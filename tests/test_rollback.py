import pickle
import threading

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification

from sknet import NeuralClassifier, NeuralOutlierDetector, TabularClassifier
from sknet.layers import (
    BatchNorm,
    Branch,
    ColumnBranches,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePool1D,
    PositionalEmbedding,
    Reshape,
    Sequential,
)
from sknet.optimizers import Adam
from sknet.schedules import Cosine
from sknet.training import Trainer

RNG = np.random.default_rng(0)
X, y = RNG.standard_normal((30, 4)), np.arange(30) % 2
CODES = RNG.integers(0, 5, (40, 6))
LABELS = CODES[:, 0] > 2
WRONG = np.vstack([CODES[:-1], [[0, 0, 0, 0, 0, 9]]])
BRIEF = {"max_iter": 2, "tol": 0, "random_state": 0, "batch_size": 10, "averaging": 0.9}

BRANCHES = [Branch([0], [Embedding(2)]), Branch([5], [Embedding(2)])]
EMBEDDINGS = {
    "size given": [Embedding(3, input_dim=5), Flatten()],
    "size found": [Embedding(3), GlobalAveragePool1D()],
    "reshaped": [Reshape((2, 3)), Embedding(2), Flatten()],
    "inside": [Sequential([Embedding(2)]), Flatten()],
    "branches": [ColumnBranches(BRANCHES)],
}


def refuses_unchanged(network, call, match):
    """Check the error, and that all of the estimator is as it was, to the bit."""
    before = pickle.dumps(vars(network))
    with pytest.raises(ValueError, match=match):
        call(network)
    assert pickle.dumps(vars(network)) == before


@pytest.mark.parametrize("layers", EMBEDDINGS.values(), ids=EMBEDDINGS)
def test_a_code_out_of_range_in_the_last_row_is_refused_before_the_first_step(layers):
    network = NeuralClassifier(layers=layers, **BRIEF).fit(CODES, LABELS)
    told = r"expects codes, whole numbers from 0 to 4, got 9"
    refuses_unchanged(network, lambda n: n.partial_fit(WRONG, LABELS), told)
    network.set_params(warm_start=True)
    refuses_unchanged(network, lambda n: n.fit(WRONG, LABELS), told)
    refuses_unchanged(
        network,
        lambda n: n.fit(CODES, LABELS, X_val=WRONG, y_val=LABELS),
        f"In the validation set: .*{told}",
    )
    network.fit(CODES, LABELS, X_val=CODES, y_val=LABELS)


def test_a_sequence_that_is_too_long_is_refused_before_the_first_step():
    sequences, labels = [CODES[i, : 3 + i] for i in range(4)], [0, 1, 0, 1]
    layers = [Embedding(3), PositionalEmbedding(max_length=6), GlobalAveragePool1D()]
    network = NeuralClassifier(layers=layers, **{**BRIEF, "batch_size": 1})
    network.fit(sequences, labels)
    longer = [*sequences[:3], np.zeros(9, int)]
    told = "at most max_length=6 steps, got 9"
    refuses_unchanged(network, lambda n: n.partial_fit(longer, labels), told)
    network.set_params(warm_start=True)
    refuses_unchanged(
        network, lambda n: n.fit(sequences, labels, X_val=longer, y_val=labels), told
    )


@pytest.mark.parametrize(
    "params",
    [
        {"learning_rate_init": -1},
        {"class_weight": "even"},
        {"learning_rate_init": np.inf},
        {"alpha": np.nan},
        {"alpha": True},
        {"max_iter": True},
        {"solver": Adam(epsilon=np.nan)},
        {"solver": Adam(beta_1="a")},
        {"learning_rate": Cosine(final=-3)},
    ],
    ids=str,
)
def test_a_later_partial_fit_validates_all_parameters(params):
    network = NeuralClassifier((3,), **BRIEF).fit(X, y).set_params(**params)
    told = r"The '\w+' parameter of \w+ must be"
    refuses_unchanged(network, lambda n: n.partial_fit(X, y), told)
    with pytest.raises(ValueError, match=told):
        NeuralClassifier((3,), **{**BRIEF, **params}).fit(X, y)


def test_partial_fit_refuses_a_scorer_that_it_does_not_need():
    told = "'no_score' is not a valid scoring value"
    network = NeuralClassifier((3,), **BRIEF).fit(X, y).set_params(scoring="no_score")
    refuses_unchanged(network, lambda n: n.partial_fit(X, y), told)


class Failing(Dense):
    """Dense layer that cannot train while `fails` is set on the class."""

    fails = False

    def forward(self, x, training=False, mask=None):
        if self.fails and training:
            raise ValueError("out of order")
        return super().forward(x, training, mask)


@pytest.mark.parametrize("averaging", [None, 0.9])
def test_an_error_in_the_first_batch_leaves_weights_averages_and_generators(
    averaging, monkeypatch
):
    layers = [BatchNorm(), Failing(3)]
    network = NeuralClassifier(layers=layers, **{**BRIEF, "averaging": averaging}).fit(X, y)
    network.set_params(warm_start=True)
    monkeypatch.setattr(Failing, "fails", True)
    refuses_unchanged(network, lambda n: n.partial_fit(X, y), "out of order")
    refuses_unchanged(network, lambda n: n.fit(X, y), "out of order")


def test_a_failed_fit_leaves_the_random_state_of_the_user():
    state = np.random.RandomState(0)
    network = NeuralClassifier(layers=[Reshape((7,))], random_state=state)
    with pytest.raises(ValueError, match="target_shape"):
        network.fit(X, y)
    assert state.randint(2**31) == np.random.RandomState(0).randint(2**31)


@pytest.mark.parametrize(
    "network",
    [
        NeuralClassifier((4,), max_iter=3, tol=0, random_state=0),
        NeuralOutlierDetector(hidden_layer_sizes=(4,), max_iter=3, tol=0, random_state=0),
        TabularClassifier(hidden_layer_sizes=(4,), max_iter=3, cv=2, random_state=0),
    ],
)
def test_two_threads_cannot_fit_one_estimator(network, monkeypatch):
    X, y = make_classification(60, 5, random_state=0)
    refused, begun = [], []

    def also_fit():
        try:
            network.fit(X[:, :3], y)
        except RuntimeError as error:
            refused.append(str(error))

    def slow(trainer, *arguments):  # the other thread comes while this one trains
        if not begun:
            begun.append(threading.Thread(target=also_fit))
            begun[0].start()
            begun[0].join()
        return run_epoch(trainer, *arguments)

    run_epoch = Trainer._run_epoch
    monkeypatch.setattr(Trainer, "_run_epoch", slow)
    network.fit(X, y)
    name = type(network).__name__
    assert refused == [
        f"This {name} is being fitted in another thread. Wait for it, or fit a clone."
    ]
    monkeypatch.undo()
    alone = clone(network).fit(X, y)
    np.testing.assert_array_equal(network.predict(X), alone.predict(X))
    assert network.n_features_in_ == 5 and network.n_iter_ == 3
    network.fit(X[:, :3], y)
    assert network.n_features_in_ == 3
