"""What a user must be able to rely on: bits, threads, pickles, interruptions, divergence."""

import os
import pickle
import threading

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_info, threadpool_limits

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.layers import Activation, Dense
from sknet.losses import SquaredError

ESTIMATORS = [NeuralClassifier, NeuralRegressor, AutoencoderTransformer]
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 5, "tol": 0, "batch_size": 16}


@pytest.fixture(scope="module")
def data():
    return make_classification(60, 5, random_state=0)


@pytest.fixture(scope="module")
def large():
    return make_classification(600, 300, n_informative=20, n_classes=3, random_state=0)


def outputs(estimator, X):
    for name in ("predict_proba", "predict", "transform"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)


def train(cls, params, X, y, random_state=0):
    return outputs(cls(**params, random_state=random_state).fit(X, y), X)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "params",
    [{}, {"dropout": 0.3}, {"early_stopping": True, "averaging": 0.9}, {"solver": "lbfgs"}],
    ids=str,
)
def test_the_same_seed_gives_the_same_bits_in_any_number_of_processes(cls, params, data):
    jobs = [delayed(train)(cls, {**SMALL, **params}, *data) for _ in range(2)]
    one, two = Parallel(n_jobs=1)(jobs), Parallel(n_jobs=2)(jobs)
    for result in (one[1], *two):
        assert_array_equal(result, one[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads(dtype, solver, data, large):
    wide = {"hidden_layer_sizes": (512, 256), "max_iter": 2, "tol": 0, "solver": solver}
    for params, (X, y) in [(SMALL, data), (wide, large)]:
        results = []
        for n_threads in (1, 2):
            with threadpool_limits(n_threads):
                results.append(train(NeuralClassifier, {**params, "dtype": dtype}, X, y))
        assert_array_equal(results[0], results[1])
    inside = Parallel(n_jobs=2)(
        delayed(train)(NeuralClassifier, {**wide, "dtype": dtype}, *large) for _ in range(2)
    )
    assert_array_equal(inside[0], results[0])


def test_the_number_of_threads_is_left_as_it_was(data):
    def counts():
        return [(lib["filepath"], lib["num_threads"]) for lib in threadpool_info()]

    before = counts()
    network = NeuralClassifier(**SMALL).fit(*data)
    network.predict(data[0])
    with pytest.raises(ValueError):
        NeuralClassifier(**SMALL).fit(data[0], data[1][:5])
    assert counts() == before


@pytest.mark.parametrize("random_state", [None, 0])
def test_the_global_generator_of_numpy_is_neither_read_nor_advanced(random_state, data):
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state(legacy=False)  # noqa: NPY002
    results = []
    for params in ({}, {"dropout": 0.2}, {"early_stopping": True}, {"solver": "lbfgs"}):
        results.append(train(NeuralClassifier, {**SMALL, **params}, *data, random_state))
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    assert_array_equal(before["state"]["key"], after["state"]["key"])
    assert before["state"]["pos"] == after["state"]["pos"]
    np.random.seed(1)  # noqa: NPY002
    again = train(NeuralClassifier, SMALL, *data, random_state)
    assert np.array_equal(again, results[0]) == (random_state == 0)


def test_a_generator_as_random_state_is_advanced_and_repeats_when_seeded_again(data):
    state = np.random.RandomState(0)
    first, second = (train(NeuralClassifier, SMALL, *data, state) for _ in range(2))
    assert not np.array_equal(first, second)
    again = train(NeuralClassifier, SMALL, *data, np.random.RandomState(0))
    assert_array_equal(first, again)


def test_different_seeds_differ(data):
    assert not np.array_equal(*(train(NeuralClassifier, SMALL, *data, s) for s in (0, 1)))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_many_threads_may_predict_at_once(cls, data):
    X, y = data
    X = np.tile(X, (50, 1)) * np.linspace(0.1, 2, 3000)[:, None]
    network = cls(
        hidden_layer_sizes=(64, 32), max_iter=2, tol=0, random_state=0, normalization="batch"
    ).fit(X, np.tile(y, 50))
    parts = [X[i::8] for i in range(8)]
    expected = [outputs(network, part) for part in parts]
    start, wrong = threading.Barrier(8), []

    def work(i):
        start.wait()
        for _ in range(20):
            if not np.array_equal(outputs(network, parts[i]), expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_fits_in_several_threads_do_not_disturb_each_other(data):
    expected = train(NeuralClassifier, SMALL, *data)
    results = Parallel(n_jobs=4, backend="threading")(
        delayed(train)(NeuralClassifier, SMALL, *data) for _ in range(8)
    )
    for result in results:
        assert_array_equal(result, expected)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_pickles_are_exact(cls, protocol, data):
    X, y = data
    for network in (cls(**SMALL, random_state=0), cls(**SMALL, random_state=0).fit(X, y)):
        loaded = pickle.loads(pickle.dumps(network, protocol=protocol))
        assert repr(loaded) == repr(network)
        if hasattr(network, "network_"):
            assert_array_equal(outputs(loaded, X), outputs(network, X))
            assert loaded.history_ == network.history_
            loaded.coefs_[0][:] = 0  # still views of the weights that predict
            assert not np.array_equal(outputs(loaded, X), outputs(network, X))


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_joblib_round_trips_are_exact(cls, mmap_mode, data, tmp_path):
    X, y = data
    network = cls(**SMALL, random_state=0, averaging=0.9).fit(X, y)
    joblib.dump(network, tmp_path / "network.joblib")
    loaded = joblib.load(tmp_path / "network.joblib", mmap_mode=mmap_mode)
    assert_array_equal(outputs(loaded, X), outputs(network, X))
    if mmap_mode is None:  # in "r" the optimizer's state cannot be written, as asked
        loaded.partial_fit(X, y)
        assert_array_equal(outputs(loaded, X), outputs(network.partial_fit(X, y), X))


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
def test_a_pickle_holds_no_training_data(cls, params, data):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 5))
    marked = X.copy()
    marked[::50] = marker = 123456.78125
    network = cls(**{**SMALL, "max_iter": 1, "batch_size": 500, **params}, random_state=0)
    network.fit(X / 10, X[:, 0] > 0, np.ones(5000))
    predicted = outputs(network, marked)
    assert len(predicted) == 5000
    dumped = pickle.dumps(network)
    assert len(dumped) < 20_000
    assert np.float64(marker).tobytes() not in dumped
    assert (X[0, 0] / 10).tobytes() not in dumped


def test_a_pickle_of_another_format_is_refused_with_the_versions(data):
    network = NeuralClassifier(**SMALL).fit(*data)
    for part in (network, network.network_):
        state = part.__getstate__()
        state.update(_sknet_format=99, _sknet_version="7.0")
        with pytest.raises(ValueError, match=r"pickled by sknet 7.0 in format 99; .*reads format"):
            part.__class__.__new__(part.__class__).__setstate__(state)
        state.pop("_sknet_format")
        with pytest.raises(ValueError, match="fit again"):
            part.__class__.__new__(part.__class__).__setstate__(state)


class Interrupting:
    """Raises KeyboardInterrupt the nth time it is asked."""

    def __init__(self, n):
        self.left = n

    def __call__(self):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


class InterruptedLayer(Activation):
    countdown = None

    def forward(self, x, training=False, mask=None):
        if training:
            InterruptedLayer.countdown()
        return super().forward(x, training, mask)


class InterruptedLoss(SquaredError):
    countdown = None

    def value_and_gradient(self, *args, **kwargs):
        InterruptedLoss.countdown()
        return super().value_and_gradient(*args, **kwargs)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_an_interruption_in_a_layer_keeps_the_model_so_far(solver, n, data):
    X, y = data
    InterruptedLayer.countdown = Interrupting(n)
    network = NeuralClassifier(
        layers=[4, InterruptedLayer("tanh")],
        solver=solver,
        batch_size=20,
        max_iter=50,
        tol=0,
        random_state=0,
        warm_start=True,
    )
    with pytest.warns(UserWarning, match="interrupted; the model so far is kept"):
        network.fit(X, y)
    assert network.n_iter_ <= 4
    assert np.isfinite(network.predict_proba(X)).all()
    assert repr(network.loss_)
    assert pickle.loads(pickle.dumps(network)).n_iter_ == network.n_iter_
    assert network.set_params(max_iter=2).fit(X, y).score(X, y) > 0  # goes on


def test_an_interruption_in_a_loss_keeps_the_weights_of_the_last_step(data):
    X, y = data
    params = {**SMALL, "batch_size": 60, "random_state": 0}
    InterruptedLoss.countdown = Interrupting(4)
    network = NeuralRegressor(**params, loss=InterruptedLoss())
    with pytest.warns(UserWarning, match="interrupted"):
        network.fit(X, y)
    expected = NeuralRegressor(**{**params, "max_iter": 3}).fit(X, y)
    assert_array_equal(network.predict(X), expected.predict(X))


@pytest.mark.parametrize("n", [1, 3])
def test_an_interruption_in_a_scorer_keeps_the_best_weights(n, data):
    X, y = data
    interrupt = Interrupting(n)

    def scorer(network, X, y):
        interrupt()
        return network.score(X, y)

    network = NeuralClassifier(**SMALL, early_stopping=True, scoring=scorer, random_state=0)
    with pytest.warns(UserWarning, match="interrupted"):
        network.fit(X, y)
    assert network.n_iter_ == n
    assert len(network.loss_curve_) == n
    assert np.isfinite(network.loss_)
    assert {len(values) for values in network.history_.values()} == {n}
    assert network.predict(X).shape == (60,)


def test_lbfgs_interrupted_within_a_line_search_keeps_the_last_iterate(data):
    X, y = data
    params = {"hidden_layer_sizes": (8,), "solver": "lbfgs", "tol": 0, "random_state": 0}
    params["alpha"] = 1e-4
    for n in range(3, 12):
        InterruptedLoss.countdown = Interrupting(n)
        network = NeuralRegressor(**params, loss=InterruptedLoss())
        with pytest.warns(UserWarning, match="interrupted"):
            network.fit(X, y)
        iterations = network.n_iter_
        if n < 5 and iterations == 0:  # within the very first line search
            continue
        expected = NeuralRegressor(**params, max_iter=iterations).fit(X, y)
        assert_array_equal(network.predict(X), expected.predict(X))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_max_time_stops_cleanly_with_the_model_so_far(solver, data):
    X, y = data
    network = NeuralClassifier(
        max_iter=10**9,
        tol=0,
        n_iter_no_change=np.inf,
        max_time=0.05,
        solver=solver,
        random_state=0,
        alpha=0,
    )
    network.fit(X, y)  # warns of nothing
    assert network.score(X, y) > 0.5
    assert sum(network.history_["seconds"]) < 5
    assert len(network.loss_curve_) == network.n_iter_


def test_max_time_stops_in_the_middle_of_an_epoch(data):
    X, y = data
    network = NeuralClassifier(**{**SMALL, "batch_size": 1}, max_time=1e-9, random_state=0)
    network.fit(X, y)
    assert network.t_ == 1
    assert network.n_iter_ == 1


@pytest.mark.parametrize(
    ("rate", "dtype"),
    [(1e3, "float32"), (1e30, "float32"), (1e3, "float64"), (1e30, "float64"), (1e300, "float64")],
)
def test_a_diverging_loss_ends_the_training_with_finite_weights(dtype, rate, data):
    X, y = data
    network = NeuralRegressor(
        **{**SMALL, "max_iter": 500},
        solver="sgd",
        learning_rate_init=rate,
        dtype=dtype,
        random_state=0,
    )
    with pytest.warns(ConvergenceWarning, match=r"diverged in epoch (\d+) at learning rate 1e\+"):
        network.fit(X, y)
    assert network.n_iter_ < 100
    assert np.isfinite(network.network_.params).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", [{}, {"averaging": 0.5}, {"early_stopping": True}], ids=str)
@pytest.mark.parametrize(
    ("activation", "solver", "rate"),
    [("identity", "sgd", 1e9), ("relu", "sgd", 1e15), ("relu", "adam", 1e9)],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_predictions_are_finite_after_divergence(activation, solver, rate, way, dtype, data):
    network = NeuralRegressor(
        **{**SMALL, "hidden_layer_sizes": (8,) * 4, "max_iter": 12, **way},
        activation=activation,
        solver=solver,
        learning_rate_init=rate,
        dtype=dtype,
        random_state=0,
        standardize_target=False,
    )
    network.fit(*data)
    assert not network.loss_ < 1e30
    assert np.isfinite(network.predict(data[0])).all()
    if not way.get("early_stopping"):
        network.partial_fit(*data)
        assert np.isfinite(network.predict(data[0])).all()


class EndlessLoss(SquaredError):
    countdown = None

    def value_and_gradient(self, raw, *args, **kwargs):
        value, gradient = super().value_and_gradient(raw, *args, **kwargs)
        return (np.inf if next(self.countdown) == 0 else value), gradient


@pytest.mark.parametrize("way", [{}, {"averaging": 0.5}], ids=str)
def test_divergence_goes_back_to_the_last_step_with_a_finite_loss(way, data):
    params = {**SMALL, "batch_size": 60, "random_state": 0, **way}
    EndlessLoss.countdown = iter(range(6, -1, -1))
    network = NeuralRegressor(**{**params, "max_iter": 20}, loss=EndlessLoss())
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 7"):
        network.fit(*data)
    # The seventh step found the weights of the sixth wanting: back to those that it began with.
    expected = NeuralRegressor(**{**params, "max_iter": 5}).fit(*data)
    assert_array_equal(network.predict(data[0]), expected.predict(data[0]))


def test_a_batch_that_overflows_spoils_no_moving_average(data):
    X, y = data
    params = {**SMALL, "normalization": "batch", "random_state": 0, "loss": EndlessLoss()}
    EndlessLoss.countdown = iter(range(4, -1, -1))
    network = NeuralRegressor(**{**params, "max_iter": 1}).fit(X, y)
    before = network.predict(X)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        network.partial_fit(X * 1e6, y)
    assert_array_equal(network.predict(X), before)


def test_an_update_that_overflows_does_not_spoil_the_weights(data):
    # The rate itself is infinite in float32.
    network = NeuralRegressor(**SMALL, solver="sgd", learning_rate_init=1e300, dtype="float32")
    with pytest.warns(ConvergenceWarning, match="diverged"):
        network.fit(*data)
    assert np.isfinite(network.network_.params).all()


def test_a_target_that_overflows_is_reported_by_lbfgs_too(data):
    X, _ = data
    with pytest.warns(ConvergenceWarning, match="diverged"):
        network = NeuralRegressor((4,), solver="lbfgs", random_state=0, standardize_target=False)
        network.fit(X, np.where(np.arange(60) % 2, 1e200, -1e200))
    assert np.isfinite(network.network_.params).all()


def test_a_failed_fit_leaves_the_estimator_as_it_was(data):
    X, y = data
    network = NeuralClassifier(**SMALL, random_state=0)
    with pytest.raises(ValueError):
        network.fit(X, y[:3])
    assert [name for name in vars(network) if name.endswith("_")] == []
    network.fit(X, y)
    before, names = network.predict_proba(X), set(vars(network))
    with pytest.raises(ValueError):
        network.fit(X, y, X_val=X[:, :1], y_val=y)
    assert_array_equal(network.predict_proba(X), before)
    assert set(vars(network)) == names


def test_parameters_are_not_changed_by_fit(data):
    layers = [("hidden", Dense(4)), 3]
    network = NeuralClassifier(layers=layers, max_iter=1, tol=0)
    params = network.get_params()
    network.fit(*data)
    assert network.layers is layers
    assert not hasattr(layers[0][1], "kernel_")
    assert repr(network.get_params()) == repr(params)
    assert repr(clone(network)) == repr(network)


def test_a_child_process_can_train_and_predict(data):
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    network = NeuralClassifier(**SMALL, random_state=0).fit(*data)
    expected = network.predict_proba(data[0])
    results = Parallel(n_jobs=2, backend="multiprocessing")(
        delayed(outputs)(network, data[0]) for _ in range(2)
    )
    for result in results:
        assert_array_equal(result, expected)


def test_training_goes_on_after_joblib_has_mapped_the_model(tmp_path, data):
    X, y = data
    for solver in ("adam", "sgd"):
        network = NeuralRegressor((8,), solver=solver, averaging=0.9, max_iter=3, tol=0)
        network.set_params(random_state=0).fit(X, y)
        joblib.dump(network, tmp_path / "network.joblib")
        mapped = joblib.load(tmp_path / "network.joblib", mmap_mode="r")
        network.partial_fit(X, y)
        mapped.partial_fit(X, y)
        assert_array_equal(mapped.predict(X), network.predict(X))
