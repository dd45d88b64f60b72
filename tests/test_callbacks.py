"""scikit-learn's callbacks: on the estimators, in pipelines and in searches."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor

HAS_CALLBACKS = parse_version(sklearn.__version__) >= parse_version("1.9")
needs_callbacks = pytest.mark.skipif(not HAS_CALLBACKS, reason="needs scikit-learn 1.9")
ESTIMATORS = [NeuralClassifier, NeuralRegressor, AutoencoderTransformer]
PARAMS = {"hidden_layer_sizes": (8,), "max_iter": 6, "tol": 0, "random_state": 0}


@pytest.fixture(scope="module")
def data():
    return make_classification(60, 5, random_state=0)


class Recorder:
    """Writes down what is called; stops after an epoch or raises in it, if told so."""

    def __init__(self, stop_at=None, raise_at=None, error=RuntimeError):
        self.calls, self.epochs = [], []
        self.stop_at, self.raise_at, self.error = stop_at, raise_at, error

    def setup(self, estimator, context):
        self.calls.append("setup")

    def on_fit_task_begin(self, estimator, context, **kwargs):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.calls.append(f"end {context.task_name}")
        if context.task_name != "epoch":
            return False
        method = "transform" if hasattr(fitted_estimator, "transform") else "predict"
        self.epochs.append(getattr(fitted_estimator, method)(X))
        if len(self.epochs) == self.raise_at:
            raise self.error("from the callback")
        return len(self.epochs) == self.stop_at

    def teardown(self, estimator, context):
        self.calls.append("teardown")


@pytest.mark.skipif(HAS_CALLBACKS, reason="older scikit-learn only")
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_without_support_the_method_is_absent_and_fit_works(cls, data):
    assert not hasattr(cls(), "set_callbacks")
    assert cls(**PARAMS).fit(*data).n_iter_ == 6


@needs_callbacks
@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_hooks_are_called_around_each_epoch(cls, solver, data):
    recorder = Recorder()
    network = cls(**PARAMS, solver=solver).set_callbacks(recorder).fit(*data)
    epochs = ["begin epoch", "end epoch"] * 6
    assert recorder.calls == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    plain = cls(**PARAMS, solver=solver).fit(*data)
    assert network.loss_curve_ == plain.loss_curve_


@needs_callbacks
@pytest.mark.parametrize("params", [{}, {"averaging": 0.9}, {"solver": "lbfgs"}], ids=str)
def test_the_fitted_estimator_predicts_as_of_its_epoch(params, data):
    recorder = Recorder()
    NeuralRegressor(**PARAMS, **params).set_callbacks(recorder).fit(*data)
    for epoch in (1, 3, 6):
        network = NeuralRegressor(**{**PARAMS, **params, "max_iter": epoch}).fit(*data)
        assert_array_equal(recorder.epochs[epoch - 1], network.predict(data[0]))


@needs_callbacks
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_hook_that_returns_true_stops(solver, data):
    recorder = Recorder(stop_at=3)
    network = NeuralClassifier(**PARAMS, solver=solver).set_callbacks(recorder).fit(*data)
    assert network.n_iter_ == len(network.loss_curve_) == 3
    assert recorder.calls[-2:] == ["end fit", "teardown"]
    short = NeuralClassifier(**{**PARAMS, "max_iter": 3}, solver=solver).fit(*data)
    assert_array_equal(network.predict_proba(data[0]), short.predict_proba(data[0]))


@needs_callbacks
def test_callbacks_are_torn_down_after_an_error_and_the_estimator_is_as_before(data):
    recorder = Recorder(raise_at=2)
    network = NeuralClassifier(**PARAMS).set_callbacks(recorder)
    with pytest.raises(RuntimeError, match="from the callback"):
        network.fit(*data)
    assert recorder.calls[-1] == "teardown"
    assert not hasattr(network, "network_")
    assert [name for name in vars(network) if "ctx" in name or "teardown" in name] == []
    assert network.set_callbacks().fit(*data).n_iter_ == 6


@needs_callbacks
def test_an_interruption_in_a_callback_keeps_the_model_so_far(data):
    recorder = Recorder(raise_at=2, error=KeyboardInterrupt)
    network = NeuralClassifier(**PARAMS).set_callbacks(recorder)
    with pytest.warns(UserWarning, match="interrupted"):
        network.fit(*data)
    assert network.n_iter_ == 2
    assert recorder.calls[-1] == "teardown"
    assert network.predict(data[0]).shape == (60,)


@needs_callbacks
def test_callbacks_work_in_a_pipeline_and_a_search(data):
    recorder = Recorder(stop_at=2)
    network = NeuralClassifier(**PARAMS).set_callbacks(recorder)
    pipeline = make_pipeline(StandardScaler(), network).fit(*data)
    assert pipeline[-1].n_iter_ == 2
    network = NeuralClassifier(**PARAMS).set_callbacks(Recorder())
    search = GridSearchCV(
        make_pipeline(StandardScaler(), network), {"neuralclassifier__alpha": [0.1, 1.0]}, cv=2
    ).fit(*data)
    assert search.best_estimator_[-1].n_iter_ == 6


@needs_callbacks
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_progress_bar_runs_alone_in_a_pipeline_and_in_a_search(cls, data, capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    network = cls(**PARAMS)
    network.set_callbacks(ProgressBar()).fit(*data)
    assert cls.__name__ in capsys.readouterr().out
    pipeline = make_pipeline(StandardScaler(), cls(**PARAMS)).set_callbacks(ProgressBar())
    pipeline.fit(*data)
    assert cls.__name__ in capsys.readouterr().out
    pipeline.set_callbacks()
    grid = {f"{cls.__name__.lower()}__alpha": [0.1, 1.0]}
    for n_jobs in (1, 2):
        search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs).set_callbacks(ProgressBar())
        search.fit(*data)
        assert "GridSearchCV" in capsys.readouterr().out


@needs_callbacks
@pytest.mark.parametrize("weighted", [False, True])
def test_a_scoring_monitor_logs_a_score_an_epoch(weighted, data):
    pandas = pytest.importorskip("pandas")
    from sklearn.callback import ScoringMonitor

    X, y = data
    weight = np.linspace(0.1, 2, 60) if weighted else None
    monitor = ScoringMonitor(scoring="accuracy")
    network = NeuralClassifier(**PARAMS, early_stopping=True).set_callbacks(monitor)
    network.fit(X, y, weight, X_val=X, y_val=y)
    frame = monitor.get_logs().data_as_pandas
    assert isinstance(frame, pandas.DataFrame)
    scores = frame.loc[frame["task_name"] == "epoch"].sort_values("task_id")["accuracy"]
    assert len(scores) == 6
    for epoch in (2, 6):
        network = NeuralClassifier(**{**PARAMS, "max_iter": epoch}).fit(X, y, weight)
        expected = accuracy_score(y, network.predict(X), sample_weight=weight)
        assert scores.iloc[epoch - 1] == pytest.approx(expected)


@needs_callbacks
def test_clones_share_the_callbacks_and_pickles_keep_them(data):
    import pickle

    recorder = Recorder()
    network = NeuralClassifier(**PARAMS).set_callbacks(recorder)
    sklearn.clone(network).fit(*data)
    assert recorder.calls.count("end epoch") == 6
    assert pickle.loads(pickle.dumps(network)).fit(*data).n_iter_ == 6
