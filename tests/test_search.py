"""Tuning in two processes: nested parameters, whole lists of layers, solver objects."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.layers import Dense, Dropout, LayerNorm, Sequential
from sknet.optimizers import SGD, Adam

PARAMS = {"max_iter": 30, "tol": 0, "random_state": 0, "learning_rate_init": 0.02}


@pytest.fixture(scope="module")
def data():
    return load_iris(return_X_y=True)


def model(**params):
    return make_pipeline(StandardScaler(), NeuralClassifier(**{**PARAMS, **params}))


def search(pipeline, grid, data, kind=GridSearchCV, **options):
    prefixed = {f"neuralclassifier__{name}": values for name, values in grid.items()}
    result = kind(pipeline, prefixed, cv=3, n_jobs=2, error_score="raise", **options).fit(*data)
    assert result.best_score_ > 0.85
    return result


def test_units_of_a_layer_by_position(data):
    found = search(model(layers=[Dense(4, "relu"), 3]), {"layers__0__units": [1, 12]}, data)
    units = found.best_params_["neuralclassifier__layers__0__units"]
    assert found.best_estimator_[-1].coefs_[0].shape == (4, units)


def test_activation_and_trainable_of_a_layer_by_name(data):
    grid = {
        "layers__hidden__activation": ["tanh", "relu"],
        "layers__hidden__trainable": [False, True],
    }
    pipeline = model(layers=[("hidden", Dense(8))])
    found = search(pipeline, grid, data)
    assert len(set(found.cv_results_["mean_test_score"])) > 1
    assert pipeline[-1].layers[0][1].get_params() == Dense(8).get_params()
    frozen = clone(pipeline).set_params(neuralclassifier__layers__hidden__trainable=False)
    fitted = frozen.fit(*data)[-1]
    start = clone(frozen).set_params(neuralclassifier__max_iter=1).fit(*data)[-1]
    assert_array_equal(fitted.coefs_[0], start.coefs_[0])


def test_whole_lists_of_layers(data):
    lists = [[Dense(4, "relu")], [("wide", Dense(16)), LayerNorm()], [8, Dropout(0.1), 8], []]
    found = search(model(), {"layers": lists}, data)
    assert found.cv_results_["mean_test_score"].shape == (4,)


def test_whole_lists_of_layers_together_with_parameters_inside(data):
    lists = [[("a", Dense(4))], [("a", Dense(4)), 5]]
    found = search(model(), {"layers": lists, "layers__a__units": [2, 7]}, data)
    chosen = found.best_params_["neuralclassifier__layers__a__units"]
    assert found.best_estimator_[-1].coefs_[0].shape == (4, chosen)
    assert [item[0][1].units for item in lists] == [4, 4]


def test_parameters_inside_composite_layers(data):
    layers = [("block", Sequential([("first", Dense(4, "tanh")), Dropout(0.1)]))]
    grid = {"layers__block__layers__first__units": [2, 8], "layers__block__layers__1__rate": [0.2]}
    found = search(model(layers=layers), grid, data)
    assert found.best_estimator_[-1].network_.n_params > 0


def test_parameters_of_solver_and_schedule_objects_and_the_objects_themselves(data):
    search(
        model(solver=SGD(), learning_rate_init=0.1),
        {"solver__momentum": [0.0, 0.9], "solver__nesterov": [True, False]},
        data,
    )
    search(
        model(),
        {
            "solver": [SGD(momentum=0.9), Adam(beta_1=0.8), "adamw"],
            "learning_rate": ["constant", "cosine"],
        },
        data,
    )


def test_random_search(data):
    space = {"layers__0__units": range(4, 12), "alpha": np.logspace(-5, 0, 20)}
    search(
        model(layers=[8]),
        {"alpha": space["alpha"]},
        data,
        RandomizedSearchCV,
        n_iter=3,
        random_state=0,
    )
    search(model(layers=[Dense(8)]), space, data, RandomizedSearchCV, n_iter=3, random_state=0)


def test_halving_over_epochs(data):
    found = search(
        model(),
        {"hidden_layer_sizes": [(2,), (8,), (16,)]},
        data,
        HalvingGridSearchCV,
        resource="neuralclassifier__max_iter",
        min_resources=10,
        max_resources=60,
        random_state=0,
    )
    assert found.n_resources_[0] == 10
    assert len(found.n_resources_) == 2
    assert found.best_estimator_[-1].n_iter_ == found.n_resources_[-1]
    plain = HalvingGridSearchCV(
        NeuralClassifier(**PARAMS),
        {"alpha": [1e-4, 1.0]},
        cv=3,
        n_jobs=2,
        resource="max_iter",
        min_resources=5,
        max_resources=20,
        random_state=0,
    ).fit(*data)
    assert plain.best_estimator_.n_iter_ <= 20


def test_two_processes_find_what_one_finds(data):
    grid = {"neuralclassifier__hidden_layer_sizes": [(4,), (16, 8)]}
    one, two = (GridSearchCV(model(dropout=0.1), grid, cv=3, n_jobs=n).fit(*data) for n in (1, 2))
    assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    assert_array_equal(one.predict_proba(data[0]), two.predict_proba(data[0]))


def test_regressors_and_autoencoders_are_searched_too(data):
    X, y = data
    for network in (NeuralRegressor(**PARAMS), AutoencoderTransformer(**PARAMS)):
        found = GridSearchCV(network, {"activation": ["relu", "tanh"]}, cv=3, n_jobs=2).fit(X, y)
        assert np.isfinite(found.best_score_)


def test_out_of_fold_predictions(data):
    p = cross_val_predict(model(), *data, cv=3, n_jobs=2, method="predict_log_proba")
    assert p.shape == (150, 3)
