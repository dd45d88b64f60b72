"""Several machines: searches and members on a dask cluster of two processes, and dask-ml."""

import os
import signal
from itertools import chain

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.utils.fixes import parse_version

from sknet import NeuralClassifier, TabularClassifier

from .test_docs import ROOT, run

X, Y = make_classification(120, 5, flip_y=0.2, random_state=0)
NETWORK = NeuralClassifier((6,), max_iter=3, tol=0, random_state=0)
MEMBERS = TabularClassifier(n_members=2, hidden_layer_sizes=(8,), max_iter=2, random_state=0)
SEARCH = GridSearchCV(NETWORK, {"alpha": [1e-4, 1.0], "learning_rate_init": [1e-3, 0.03]}, cv=2)


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes, and a client of them."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with (
        distributed.LocalCluster(**options, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def assert_same_search(found, expected):
    name = "mean_test_score"
    assert_array_equal(found.cv_results_[name], expected.cv_results_[name])
    assert found.best_params_ == expected.best_params_
    params = [search.best_estimator_.network_.params for search in (found, expected)]
    assert_array_equal(*params)


def test_a_search_on_a_cluster_gives_the_bits_of_a_local_one(cluster):
    expected = clone(SEARCH).fit(X, Y)
    with joblib.parallel_config(backend="dask"):
        found = clone(SEARCH).fit(X, Y)
    assert_same_search(found, expected)


def test_members_on_a_cluster_have_the_bits_of_local_ones(cluster):
    expected = clone(MEMBERS).fit(X, Y).predict_proba(X)
    with joblib.parallel_config(backend="dask"):
        found = clone(MEMBERS).fit(X, Y)
    assert_array_equal(found.predict_proba(X), expected)


def test_cross_validation_on_a_cluster(cluster):
    expected = cross_val_predict(NETWORK, X, Y, cv=2, method="predict_proba")
    with joblib.parallel_config(backend="dask"):
        found = cross_val_predict(NETWORK, X, Y, cv=2, method="predict_proba")
    assert_array_equal(found, expected)


def killing(marker, here):
    """Return a scorer that kills the first worker that it runs on."""

    def score(estimator, X, y):
        if os.getpid() != here:
            try:
                marker.touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return estimator.score(X, y)

    return score


def test_a_search_survives_the_death_of_a_worker(cluster, tmp_path):
    # Arrays that only one worker has would die with it.
    X_long, y_long = np.tile(X, (4, 1)), np.tile(Y, 4)
    splits = list(KFold(2).split(X_long))
    marker = tmp_path / "killed"
    before = set(cluster.run(os.getpid).values())
    search = clone(SEARCH).set_params(cv=splits)
    expected = clone(search).fit(X_long, y_long)
    search.set_params(scoring=killing(marker, os.getpid()))
    arrays = [X_long, y_long, *chain.from_iterable(splits)]
    with joblib.parallel_config(backend="dask", scatter=arrays):
        found = search.fit(X_long, y_long)
    assert marker.exists()
    cluster.wait_for_workers(2)
    assert len(before & set(cluster.run(os.getpid).values())) == 1
    assert_same_search(found, expected)


@pytest.mark.filterwarnings("ignore")  # Ray warns of itself
def test_searches_and_members_on_ray_have_the_bits_of_local_ones(monkeypatch):
    ray = pytest.importorskip("ray")
    register = pytest.importorskip("ray.util.joblib").register_ray
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # else it writes a file to the home folder
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        register()
        with joblib.parallel_config(backend="ray"):
            search, members = clone(SEARCH).fit(X, Y), clone(MEMBERS).fit(X, Y)
    finally:
        ray.shutdown()
    assert_same_search(search, clone(SEARCH).fit(X, Y))
    assert_array_equal(members.predict_proba(X), clone(MEMBERS).fit(X, Y).predict_proba(X))


# dask-ml


@pytest.fixture(params=["array", "frame"])
def collections(request):
    """X and y of dask in three parts, and what the parts are in memory."""
    if request.param == "array":
        da = pytest.importorskip("dask.array")
        return da.from_array(X, chunks=(40, 5)), da.from_array(Y, chunks=40), X
    dd = pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame(X, columns=list("abcde"))
    y = dd.from_pandas(pd.Series(Y), npartitions=3)
    return dd.from_pandas(frame, npartitions=3), y, frame


def test_incremental_trains_by_partial_fit(cluster, collections):
    wrappers = pytest.importorskip("dask_ml.wrappers")
    parts, y, rows = collections
    model = wrappers.Incremental(clone(NETWORK), shuffle_blocks=False)
    model.fit(parts, y, classes=[0, 1])
    expected = clone(NETWORK)
    for start in (0, 40, 80):
        expected.partial_fit(rows[start : start + 40], Y[start : start + 40], classes=[0, 1])
    assert_array_equal(model.estimator_.network_.params, expected.network_.params)
    assert_array_equal(model.predict(parts).compute(), expected.predict(rows))


def test_parallel_post_fit_predicts_part_by_part(cluster, collections):
    wrappers = pytest.importorskip("dask_ml.wrappers")
    parts, _, rows = collections
    model = wrappers.ParallelPostFit(clone(NETWORK)).fit(rows, Y)
    expected = clone(NETWORK).fit(rows, Y)
    assert_array_equal(model.predict(parts).compute(), expected.predict(rows))
    assert_array_equal(model.predict_proba(parts).compute(), expected.predict_proba(rows))


def test_hyperband_trains_by_partial_fit(cluster):
    selection = pytest.importorskip("dask_ml.model_selection")
    distributed = pytest.importorskip("distributed")
    if parse_version(distributed.__version__) >= parse_version("2025.2"):
        pytest.skip("dask-ml 2025.1.0 searches with dask of its own time, up to 2025.1.0")
    da = pytest.importorskip("dask.array")
    grid = {"alpha": [1e-4, 1e-2, 1.0], "learning_rate_init": [1e-3, 1e-2, 0.1]}
    search = selection.HyperbandSearchCV(NETWORK, grid, max_iter=3, random_state=0)
    search.fit(da.from_array(X, chunks=(40, 5)), da.from_array(Y, chunks=40), classes=[0, 1])
    assert search.best_params_["alpha"] in grid["alpha"]
    assert search.best_estimator_.n_iter_ == max(search.cv_results_["partial_fit_calls"])


def test_partitions_are_blocks(cluster):
    dd = pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame(X, columns=list("abcde")).assign(y=Y)

    class Partitions:
        table = dd.from_pandas(frame, npartitions=3)

        def __len__(self):
            return self.table.npartitions

        def __getitem__(self, position):
            rows = self.table.get_partition(position).compute()
            return rows.drop(columns="y"), rows["y"]

    found = clone(NETWORK).fit_blocks(Partitions())
    parts = [(frame.iloc[i : i + 40, :5], Y[i : i + 40]) for i in (0, 40, 80)]
    expected = clone(NETWORK).fit_blocks(parts)
    assert_array_equal(found.network_.params, expected.network_.params)


# The libraries warn of one another's changes.
@pytest.mark.filterwarnings("ignore")
def test_the_page_on_several_machines_runs(tmp_path, monkeypatch):
    pytest.importorskip("dask_ml")
    monkeypatch.chdir(tmp_path)
    run((ROOT / "docs" / "many_machines.md").read_text(), "many_machines.md")
