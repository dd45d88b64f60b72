import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.model_selection import KFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.estimators.mismatch import count_foreign

TABLES = [load_breast_cancer, load_diabetes, load_iris, load_wine]
BRIEF = {"hidden_layer_sizes": (3,), "max_iter": 1, "tol": 0, "random_state": 0}

every_table = pytest.mark.parametrize("load", TABLES)
every_scaler = pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler, RobustScaler])


@every_table
@every_scaler
def test_rows_that_missed_the_scaler_are_foreign(load, scaler):
    X, validation = train_test_split(load().data, random_state=0)
    n_off, n_columns = count_foreign(scaler().fit_transform(X), validation)
    if load is load_diabetes and scaler is MinMaxScaler:
        pytest.skip("its columns lie within [-0.2, 0.2]: MinMaxScaler hardly moves the medians")
    assert n_off > 0
    assert n_columns == X.shape[1]


@every_table
@pytest.mark.parametrize("size", [10, 20, 0.25])
def test_rows_of_an_honest_split_are_not_foreign(load, size):
    data = load()
    for seed in range(5):
        X, validation = train_test_split(data.data, test_size=size, random_state=seed)
        scaler = StandardScaler().fit(X)
        assert count_foreign(X, validation)[0] == 0
        assert count_foreign(scaler.transform(X), scaler.transform(validation))[0] == 0
        # Other precision, other last bits.
        rounded = StandardScaler().fit(X.astype(np.float32)).transform(validation.astype("f4"))
        assert count_foreign(scaler.transform(X), rounded)[0] == 0


@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes])
def test_folds_in_the_order_of_the_rows_are_not_foreign(load):
    X, y = load(return_X_y=True)
    for rows, held in KFold(3).split(X):
        assert count_foreign(X[rows], X[held])[0] == 0
        if load is load_diabetes:
            assert count_foreign(y[rows, None], y[held, None])[0] == 0


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: rng.standard_normal((n, 1)),
        lambda rng, n: rng.lognormal(0, 1, (n, 1)),
        lambda rng, n: rng.standard_cauchy((n, 1)),
        lambda rng, n: (rng.random((n, 1)) > 0.75).astype(float),
        lambda rng, n: np.where(rng.random((n, 1)) > 0.4, 0, rng.random((n, 1))),
        lambda rng, n: np.full((n, 1), 3.0),
    ],
)
def test_one_column_of_any_distribution_is_not_foreign_to_itself(draw):
    rng = np.random.default_rng(0)
    assert not any(count_foreign(draw(rng, 100), draw(rng, 20))[0] for _ in range(20))


def test_a_trend_that_goes_on_is_not_foreign():
    time = np.arange(100.0)[:, None]
    assert count_foreign(time[:75], time[75:]) == (0, 1)
    assert count_foreign(time[:25], time[75:]) == (1, 1)


@pytest.mark.parametrize("spread", [0.12, 1.0])
def test_columns_within_the_training_range_are_foreign_by_their_spread(spread):
    # Raw lengths and weights of mean 0.1 to 0.5 lie inside the range of the scaled ones.
    rng = np.random.default_rng(0)
    X = rng.normal([0.5, 0.4, 0.1, 0.2], spread * np.array([1, 0.8, 0.3, 0.6]), (400, 4))
    X, validation = X[:300], X[300:]
    scaler = StandardScaler().fit(X)
    scaled = scaler.transform(X), scaler.transform(validation)
    small = spread < 1
    assert count_foreign(scaled[0], validation) == (4 * small, 4)
    assert count_foreign(X, scaled[1]) == (4 * small, 4)
    assert count_foreign(*scaled) == (0, 4)


def test_windows_of_a_series_that_becomes_calm_are_not_foreign():
    steps = np.random.default_rng(0).standard_normal((1000, 1))
    steps[800:] /= 6
    windows = np.lib.stride_tricks.sliding_window_view(steps[:, 0], 5)
    assert count_foreign(windows[:790], windows[800:]) == (0, 5)
    assert count_foreign(steps[:800], steps[800:]) == (0, 1)


def test_missing_values_are_left_out():
    X = np.random.default_rng(0).standard_normal((200, 3))
    X[::3, 0] = X[:, 2] = np.nan
    assert count_foreign(X[:150], X[150:]) == (0, 2)
    assert count_foreign(X[:150], 10 * X[150:] + 90) == (2, 2)


def test_few_rows_are_not_judged():
    X = np.random.default_rng(0).standard_normal((50, 2))
    assert count_foreign(X, X[:9] + 100) == (0, 0)
    assert count_foreign(X, X[:10] + 100) == (2, 2)


def test_a_pipeline_that_leaves_x_val_unscaled_is_told_what_to_do():
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), NeuralClassifier(**BRIEF))
    told = r'X_val lies far from X in 4 of 4 .* transform_input=\["X_val"\]\) and metadata routing'
    with pytest.warns(UserWarning, match=told):
        pipeline.fit(X, y, neuralclassifier__X_val=X, neuralclassifier__y_val=y)
    with pytest.warns(UserWarning, match="AutoencoderTransformer: X_val lies far"):
        AutoencoderTransformer(**BRIEF).fit(StandardScaler().fit_transform(X), X_val=X)


def test_a_target_that_is_left_unscaled_is_named():
    X, y = load_diabetes(return_X_y=True)
    scaled = TransformedTargetRegressor(NeuralRegressor(**BRIEF), transformer=StandardScaler())
    with pytest.warns(UserWarning, match=r"y_val lies far from y in 1 of 1 .* pass y_val scaled"):
        scaled.fit(X, y, X_val=X, y_val=y)
    NeuralRegressor(**BRIEF).fit(X, y, X_val=X, y_val=y)  # warns of nothing


def test_rows_of_weight_zero_and_sparse_rows_do_not_count():
    X, y = load_iris(return_X_y=True)
    far = np.vstack([X, X + 1000])
    weight = np.repeat([1.0, 0.0], len(X))
    network = NeuralClassifier(**BRIEF)
    network.fit(X, y, X_val=far, y_val=np.tile(y, 2), sample_weight_val=weight)
