"""Forecasting: tomorrow's minimum temperature from the last four weeks, with an interval.

The series is Melbourne's daily minimum temperature, 1981 to 1990. The last 365 days are held out.
A network is chosen by GridSearchCV over TimeSeriesSplit, on the days before them only, and
compared with persistence (tomorrow is like today) and with a linear autoregression. It is fitted
twice: from the temperatures alone, and with the day of the year as two further channels of the
window. A second network with the quantile loss then gives an interval. Run it with

    python examples/forecasting.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import NeuralRegressor
from sknet.inspection import IntervalDisplay
from sknet.layers import GRU, Conv1D
from sknet.losses import Quantile
from sknet.preprocessing import sliding_windows

DATA = Path(__file__).parent / "data" / "daily_min_temperatures.csv"
WINDOW = 28
TEST_DAYS = 365
QUANTILES = [0.1, 0.5, 0.9]

CONV = Conv1D(16, 5, padding="causal", activation="relu")
CANDIDATES = {
    "layers": [[GRU(8)], [GRU(16)], [CONV, GRU(16)]],
    "learning_rate_init": [5e-3, 2e-2],
}


def load_data(season):
    """Return the windows (N, 28 * channels), the day after each, and its date.

    With `season`, every day brings along the sine and cosine of the day of the year after it.
    """
    table = pd.read_csv(DATA, parse_dates=["time"])
    series = table[["value"]]
    if season:
        tomorrow = table["time"] + pd.Timedelta(days=1)
        angle = 2 * np.pi * tomorrow.dt.day_of_year / 365.25
        series = series.assign(sine=np.sin(angle), cosine=np.cos(angle))
    X, y = sliding_windows(series, WINDOW, target="value")  # (N, 28, channels), (N,)
    return X.reshape(len(X), -1), y, table["time"].to_numpy()[WINDOW:]


def build_model(n_features, seed=0, quick=False, **parameters):
    """Return a pipeline of a scaler and a recurrent network over the window."""
    network = NeuralRegressor(
        layers=[GRU(16)],
        input_shape=(WINDOW, n_features // WINDOW),
        learning_rate="one_cycle",
        learning_rate_init=2e-2,
        batch_size=64,
        max_iter=3 if quick else 20,
        tol=0,
        dtype="float32",
        random_state=seed,
    )
    return make_pipeline(StandardScaler(), network.set_params(**parameters))


def choose_parameters(X, y, quick):
    """Choose the network by its forecasts of the last three years of the training part."""
    splits = TimeSeriesSplit(n_splits=2 if quick else 3, test_size=TEST_DAYS)
    grid = {
        f"neuralregressor__{name}": values[: 1 if quick else None]
        for name, values in CANDIDATES.items()
    }
    model = build_model(X.shape[1], quick=quick)
    score = "neg_root_mean_squared_error"
    search = GridSearchCV(model, grid, scoring=score, cv=splits, refit=False).fit(X, y)
    return {name.split("__")[-1]: value for name, value in search.best_params_.items()}


def compare(season, seeds, quick):
    """Choose and fit the network; return its forecasts and a table of errors."""
    X, y, dates = load_data(season)
    X_train, X_test, y_train, y_test = (
        X[:-TEST_DAYS],
        X[-TEST_DAYS:],
        y[:-TEST_DAYS],
        y[-TEST_DAYS:],
    )
    start = time.perf_counter()
    chosen = choose_parameters(X_train, y_train, quick)
    seconds = time.perf_counter() - start
    print(f"\n{'With the day of the year' if season else 'Temperatures alone'}: chosen {chosen}")
    print(f"in {seconds:.0f} s by the forecasts of the years before the last.")

    channels = X.shape[1] // WINDOW
    yesterday = X_test[:, -channels]
    linear = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 4, 11)))
    linear.fit(X_train, y_train)
    persistence = root_mean_squared_error(y_test, yesterday)
    print_row("persistence", persistence, persistence)
    print_row(
        "linear autoregression",
        root_mean_squared_error(y_test, linear.predict(X_test)),
        persistence,
    )
    errors, forecasts = [], []
    for seed in seeds:
        model = build_model(X.shape[1], seed, quick, **chosen)
        start = time.perf_counter()
        model.fit(X_train, y_train)
        seconds = time.perf_counter() - start
        forecasts.append(model.predict(X_test))
        errors.append(root_mean_squared_error(y_test, forecasts[-1]))
        print_row(f"network, seed {seed}", errors[-1], persistence, seconds)
    if len(seeds) > 1:
        print_row("network, median", np.median(errors), persistence)
    return {
        "parameters": chosen,
        "dates": dates[-TEST_DAYS:],
        "truth": y_test,
        "yesterday": yesterday,
        "linear": linear.predict(X_test),
        "network": forecasts[0],
        "train": (X_train, y_train),
        "test": X_test,
    }


def print_row(name, error, persistence, seconds=None):
    """Print one row of the table of errors."""
    fit = "" if seconds is None else f"  fit {seconds:4.1f} s"
    gain = 100 * (1 - error / persistence)
    print(
        f"  {name:<22} RMSE {error:.3f} degrees, {gain:5.1f} % under persistence{fit}", flush=True
    )


def fit_interval(found, seed, quick):
    """Fit the chosen network to three quantiles and print how often the interval holds."""
    X_train, y_train = found["train"]
    parameters = {**found["parameters"], "loss": Quantile(QUANTILES)}
    model = build_model(X_train.shape[1], seed, quick, **parameters)
    quantiles = model.fit(X_train, y_train).predict(found["test"])  # (365, 3)
    low, high = quantiles[:, 0], quantiles[:, -1]
    inside = np.mean((low <= found["truth"]) & (found["truth"] <= high))
    print(
        f"\nInterval between the quantiles {QUANTILES[0]} and {QUANTILES[-1]}: "
        f"{100 * inside:.1f} % of the held-out days lie inside\n"
        f"(80 % are meant to); it is {np.mean(high - low):.1f} degrees wide on average."
    )
    return quantiles


def draw_forecast(path, found, quantiles):
    """Draw four months of forecasts with their interval."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.dates as mdates
    import matplotlib.pyplot as plt

    part = slice(-TEST_DAYS, -TEST_DAYS + 120)
    dates, truth = found["dates"][part], found["truth"][part]
    low, high = quantiles[part, 0], quantiles[part, -1]
    figure, axes = plt.subplots(figsize=(10, 4.4), layout="constrained")
    axes.fill_between(dates, low, high, color="tab:blue", alpha=0.2, lw=0, label="80 % interval")
    axes.plot(dates, found["network"][part], color="tab:blue", lw=1.6, label="forecast")
    axes.plot(dates, truth, "o", color="black", ms=3.2, label="measured")
    outside = (truth < low) | (truth > high)
    axes.plot(dates[outside], truth[outside], "o", color="tab:red", ms=4.2, label="outside")
    axes.set(
        title="Minimum temperature in Melbourne, forecast a day ahead",
        ylabel="degrees Celsius",
        xlim=(dates[0], dates[-1]),
        ylim=(min(low.min(), truth.min()) - 1, max(high.max(), truth.max()) + 3.2),
    )
    axes.xaxis.set_major_locator(mdates.DayLocator((1, 15)))
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%d %b %Y"))
    axes.legend(loc="upper right", ncols=4, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_interval(path, found, quantiles):
    """Draw all intervals of the held-out year, in the order of the forecasts."""
    display = IntervalDisplay.from_predictions(
        found["truth"], quantiles[:, [0, -1]], coverage=0.8, n_samples=TEST_DAYS
    )
    display.ax_.set(xlabel="days, by the forecast", ylabel="degrees Celsius")
    display.figure_.savefig(path, dpi=110)


def main(arguments=None):
    """Compare the forecasts, fit the interval and draw both pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the networks")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    compare(False, options.seeds, options.quick)
    found = compare(True, options.seeds, options.quick)
    quantiles = fit_interval(found, options.seeds[0], options.quick)
    draw_forecast(options.output / "forecast.png", found, quantiles)
    draw_interval(options.output / "forecast_interval.png", found, quantiles)
    print(f"Pictures saved to {options.output}. All in {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
