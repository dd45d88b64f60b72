"""Income: strings, holes and probabilities that can be trusted.

The census of 1994 (Becker and Kohavi 1996, doi:10.24432/C5XW20) asks 48,842 people for their age,
work, education and family; who earns more than 50,000 dollars a year is to be told, with a
probability. Categories are strings, and in three columns some are missing. TabularClassifier
takes the frame as it is and is compared with scikit-learn's boosted trees and with a logistic
regression. The official test set of 16,281 people is used; 5,000 of the others train.

    python examples/income.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import json
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import CalibrationDisplay
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from sknet import TabularClassifier
from sknet.inspection import ImportancesDisplay

DATA = Path(__file__).parent / "data" / "tables" / "adult.npz"
COLORS = {"logistic regression": "0.55", "boosted trees": "tab:orange", "network": "tab:blue"}


def load_data(quick):
    """Return the tables and labels to train on and to test."""
    data = np.load(DATA)
    table = pd.DataFrame(data["X"], columns=data["feature_names"].tolist())
    for column, levels in json.loads(str(data["categories"])).items():
        table[column] = table[column].map(dict(enumerate(levels))).astype("category")
    earns = np.array(["<= 50K", "> 50K"])[data["y"]]
    is_test = data["split"] == 1
    n_rows, n_tested = (300, 500) if quick else (5000, None)
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(~is_test))[:n_rows]
    tested = np.flatnonzero(is_test)[:n_tested]
    return table.iloc[chosen], table.iloc[tested], earns[chosen], earns[tested]


def build_model(seed=0, quick=False):
    """Return the network, with default parameters."""
    options = {"cv": 2, "max_iter": 10} if quick else {"n_jobs": 2}
    return TabularClassifier(random_state=seed, **options)


def build_references(table):
    """Return the models that the network is compared with."""
    categories = list(table.select_dtypes("category"))
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), categories),
        remainder=StandardScaler(),
    )
    number = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), categories),
        remainder="passthrough",
    )
    trees = HistGradientBoostingClassifier(
        categorical_features=range(len(categories)), random_state=0
    )
    return {
        "logistic regression": make_pipeline(encode, LogisticRegression(max_iter=2000)),
        "boosted trees": make_pipeline(number, trees),
    }


def calibration_error(is_rich, probability, n_bins=10):
    """Return the mean distance of predicted and observed parts, in bins of as many people."""
    bins = np.array_split(np.argsort(probability), n_bins)
    gaps = [abs(probability[rows].mean() - is_rich[rows].mean()) for rows in bins]
    return 100 * np.average(gaps, weights=[len(rows) for rows in bins])


def compare(data, seeds, quick):
    """Fit the models and print their figures; return the first network and all probabilities."""
    X_train, X_test, y_train, y_test = data
    is_rich = y_test == "> 50K"
    print(f"{len(y_train):,} people to train, {len(y_test):,} to test.\n")
    print(f"{'':<22}{'error %':>9}{'log loss':>10}{'ROC AUC':>9}{'calibr. %':>11}{'fit s':>7}")
    models = build_references(X_train)
    models |= {f"network, seed {seed}": build_model(seed, quick) for seed in seeds}
    probabilities = {}
    for name, model in models.items():
        begin = time.perf_counter()
        model.fit(X_train, y_train)
        seconds = time.perf_counter() - begin
        probability = model.predict_proba(X_test)[:, 1]
        print(
            f"{name:<22}{100 * np.mean(model.predict(X_test) != y_test):9.2f}"
            f"{log_loss(is_rich, probability):10.4f}{roc_auc_score(is_rich, probability):9.4f}"
            f"{calibration_error(is_rich, probability):11.2f}{seconds:7.1f}",
            flush=True,
        )
        probabilities.setdefault(name.split(",")[0], probability)
    network = models[f"network, seed {seeds[0]}"]
    print(f"\nAccuracy that the first network expects from its folds: {network.oof_score_:.4f}")
    sets = network.predict_set(X_test, coverage=0.95)
    hold = 100 * sets[np.arange(len(sets)), is_rich.astype(int)].mean()
    single = 100 * np.mean(sets.sum(axis=1) == 1)
    print(f"Of the sets for 95 %, {hold:.1f} % hold the true label, {single:.0f} % it alone.")
    return network, probabilities


def draw(path, model, is_rich, probabilities):
    """Draw calibration curves and the importance of the columns."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    for name, probability in probabilities.items():
        CalibrationDisplay.from_predictions(
            is_rich, probability, n_bins=10, name=name, color=COLORS[name], ax=axes[0]
        )
    axes[0].set(title="Calibration", ylabel="part that earn as much")
    ImportancesDisplay.from_estimator(model, ax=axes[1])
    axes[1].set_xlabel("share of the growth of the loss when permuted")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare the models and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the networks")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    data = load_data(options.quick)
    model, probabilities = compare(data, options.seeds, options.quick)
    draw(options.output / "income.png", model, data[3] == "> 50K", probabilities)
    print(f"\nPicture saved to {options.output}. All in {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
