"""Anomaly detection: abnormal fetal heart-rate recordings, found without examples of any.

2,126 cardiotocograms, described by 22 measures of heart rate and contractions. Obstetricians
called 1,655 of them normal, 295 suspect and 176 pathological. A variational autoencoder sees
normal ones alone, and learns their joint distribution. Recordings that it finds improbable are
reported as abnormal. Its scores are compared with those of scikit-learn's detectors, whose
settings, like its own, were chosen on recordings that no figure here is measured on: the labels do
nothing else but judge. Shown are the ROC curves, the scores with a threshold, and what is odd
about single recordings. Run it with

    python examples/anomaly_detection.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import RocCurveDisplay, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.svm import OneClassSVM

from sknet import AutoencoderTransformer

DATA = Path(__file__).parent / "data" / "tables" / "cardiotocography.npz"
STATES = ("normal", "suspect", "pathological")
COLORS = ("tab:blue", "tab:orange", "tab:red")
#: Part of normal recordings that may raise an alarm.
FALSE_ALARMS = 0.05

#: What the measures are that the last picture may name.
MEANINGS = {
    "LB": "baseline, beats a minute",
    "AC": "accelerations",
    "FM": "movements",
    "UC": "contractions",
    "ASTV": "abnormal short-term variability, %",
    "MSTV": "short-term variability",
    "ALTV": "abnormal long-term variability, %",
    "MLTV": "long-term variability",
    "DL": "light decelerations",
    "DS": "severe decelerations",
    "DP": "prolonged decelerations",
    "DR": "repetitive decelerations",
    "Width": "width of histogram",
    "Min": "minimum of histogram",
    "Max": "maximum of histogram",
    "Nmax": "peaks of histogram",
    "Nzeros": "zeros of histogram",
    "Mode": "mode of histogram",
    "Mean": "mean of histogram",
    "Median": "median of histogram",
    "Variance": "variance of histogram",
    "Tendency": "skew of histogram",
}


def load_data():
    """Return X_train, X_held_out, X_test, states, names.

    The first two are normal recordings: to learn from, and to choose a threshold by. Half of
    those that are not normal were for choosing settings, together with those held out; the
    other half is in X_test.
    """
    with np.load(DATA) as data:
        X, y, names = data["X"], data["y"], data["feature_names"]
    halves = {"test_size": 0.5, "random_state": 0}
    X_train, rest = train_test_split(X[y == 0], test_size=0.4, random_state=0)
    X_held_out, normal = train_test_split(rest, **halves)
    parts = [normal, *(train_test_split(X[y == state], **halves)[1] for state in (1, 2))]
    return (
        X_train,
        X_held_out,
        np.concatenate(parts),
        np.repeat(range(3), [*map(len, parts)]),
        names,
    )


def to_normal():
    """Return a scaling that makes each measure normally distributed: many are very skewed."""
    return QuantileTransformer(n_quantiles=200, output_distribution="normal")


def build_model(seed, quick=False):
    """Return a pipeline of the scaling and the autoencoder.

    Scaled measures have the variance 1; `beta` says how much of it is noise.
    """
    network = AutoencoderTransformer(
        n_components=8,
        hidden_layer_sizes=(64, 32),
        activation="gelu",
        variational=True,
        beta=0.1,
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=3e-3,
        max_iter=5 if quick else 100,
        tol=0,
        n_iter_no_change=np.inf,
        batch_size=32,
        dtype="float32",
        random_state=seed,
    )
    return make_pipeline(to_normal(), network)


class PCAReconstruction(PCA):
    """Principal components, whose scores are minus the errors of the reconstruction."""

    def score_samples(self, X):
        """Return minus the squared error of each row."""
        return -np.sum((X - self.inverse_transform(self.transform(X))) ** 2, axis=1)


def other_models(seed, quick=False):
    """Return scikit-learn's detectors, each with the scaling that suits it better."""
    forest = IsolationForest(n_estimators=20 if quick else 300, random_state=seed)
    return {
        "PCA": make_pipeline(StandardScaler(), PCAReconstruction(3)),
        "local outlier factor": make_pipeline(
            StandardScaler(), LocalOutlierFactor(5, novelty=True)
        ),
        "one-class SVM": make_pipeline(to_normal(), OneClassSVM(nu=0.3)),
        "isolation forest": make_pipeline(to_normal(), forest),
    }


def areas(states, scores):
    """Return the areas under the ROC curves: pathological and suspect against normal."""
    found = []
    for state in (2, 1):
        rows = (states == 0) | (states == state)
        found.append(roc_auc_score(states[rows] == state, -scores[rows]))
    return found


def compare(seeds, quick):
    """Fit all models and print their figures; return the first network and all scores."""
    X_train, X_held_out, X_test, states, _ = load_data()
    counts = ", ".join(f"{np.sum(states == i)} {name}" for i, name in enumerate(STATES))
    print(f"{len(X_train):,} normal recordings to learn from; to be judged by: {counts}")
    print("The threshold is such that 5 % of other normal recordings raise an alarm.\n")
    print(f"{'':<22}{'area under ROC curve':>23}{'alarms, %':>27}")
    print(
        f"{'model':<22}" + "".join(f"{n:>13}" for n in (*STATES[:0:-1], *STATES)) + f"{'fit s':>8}"
    )
    models = other_models(seeds[0], quick)
    models.update({f"autoencoder, seed {seed}": build_model(seed, quick) for seed in seeds})
    all_scores, figures = {}, []
    for name, model in models.items():
        start = time.perf_counter()
        model.fit(X_train)
        seconds = time.perf_counter() - start
        scores = model.score_samples(X_test)
        alarm = scores < np.quantile(model.score_samples(X_held_out), FALSE_ALARMS)
        row = [*areas(states, scores), *(100 * alarm[states == i].mean() for i in range(3))]
        print_row(name, row, f"{seconds:8.1f}")
        all_scores.setdefault(name.split(",")[0], scores)
        if "seed" in name:
            figures.append(row)
    if len(seeds) > 1:
        print_row("autoencoder, median", np.median(figures, axis=0))
    print_doubt(states, all_scores, 3 if quick else 300)
    return models[f"autoencoder, seed {seeds[0]}"], all_scores


def print_row(name, row, seconds=""):
    """Print a line of the table."""
    found = "".join(f"{part:>13.1f}" for part in row[2:])
    print(f"{name:<22}{row[0]:>13.4f}{row[1]:>13.4f}{found}{seconds}", flush=True)


def print_doubt(states, scores, n_samples):
    """Print how far the network's lead would move if others had been recorded."""
    rng = np.random.default_rng(0)
    samples = rng.integers(len(states), size=(n_samples, len(states)))
    drawn = {
        name: np.array([areas(states[rows], found[rows])[0] for rows in samples])
        for name, found in scores.items()
    }
    print("\nAUC (pathological) of the network less the others', with a 95 % bootstrap interval:")
    for name in list(drawn)[:-1]:
        lead = drawn["autoencoder"] - drawn[name]
        low, high = np.quantile(lead, [0.025, 0.975])
        print(f"  {name:<22}{lead.mean():+.4f}, from {low:+.4f} to {high:+.4f}")


def draw_roc(states, scores, path):
    """Draw the ROC curves of all models."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 5.2), sharey=True, layout="constrained")
    for axes, state in zip(panels, (2, 1), strict=True):
        rows = (states == 0) | (states == state)
        for name, found in scores.items():
            RocCurveDisplay.from_predictions(
                states[rows] == state, -found[rows], name=name, ax=axes
            )
        axes.set_title(f"{STATES[state]} against normal")
    save(figure, path)


def draw_scores(model, path):
    """Draw the distribution of the scores of each state, and the threshold."""
    _, X_held_out, X_test, states, _ = load_data()
    errors = -model.score_samples(X_test)
    threshold = np.quantile(-model.score_samples(X_held_out), 1 - FALSE_ALARMS)
    bins = np.linspace(errors.min(), errors.max(), 60)
    figure, panels = plt.subplots(3, 1, figsize=(8, 5.4), sharex=True, layout="constrained")
    for state, axes in enumerate(panels):
        rows = states == state
        over = np.mean(errors[rows] > threshold)
        axes.hist(errors[rows], bins, color=COLORS[state])
        axes.axvline(threshold, color="black", ls="--", lw=1)
        axes.set_ylabel("recordings")
        axes.set_title(f"{STATES[state]}: {100 * over:.0f} % over the threshold", fontsize=11)
    panels[0].text(threshold, 0.9 * panels[0].get_ylim()[1], " threshold", va="top")
    panels[-1].set_xlabel("minus score_samples")
    save(figure, path)


def draw_oddities(model, path, n_worst=6):
    """Draw which measures of single pathological recordings are reproduced worst."""
    *_, X_test, states, names = load_data()
    X = X_test[states == 2]
    order = np.argsort(model.score_samples(X))
    ranks = {"the oddest of all": 0, "in the middle": len(X) // 2, "the least odd": -1}
    scaling, network = model
    figure, panels = plt.subplots(3, 1, figsize=(9, 7.6), layout="constrained")
    for axes, (title, rank) in zip(panels, ranks.items(), strict=True):
        row = X[order[[rank]]]
        scaled = scaling.transform(row)
        guess = network.reconstruct(scaled)
        expected = scaling.inverse_transform(guess)
        # Several scaled values can mean the same, as many recordings have a 0.
        error = np.where(np.isclose(row, expected), 0, np.square(scaled - guess))[0]
        worst = np.argsort(error)[: -n_worst - 1 : -1]
        axes.barh([MEANINGS[names[i]] for i in worst], error[worst], color="tab:red")
        for place, i in enumerate(worst):
            text = f" {row[0, i]:.3g}, expected {expected[0, i]:.3g}"
            axes.text(error[i], place, text, va="center", fontsize=9)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.3 * error.max())
        axes.set_title(f"{title}: score {network.score_samples(scaled)[0]:.0f}", fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("squared error, scaled")
    figure.suptitle("Three pathological recordings: the measures reproduced worst")
    save(figure, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare the detectors, and draw what they find."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    model, scores = compare(options.seeds, options.quick)
    states = load_data()[3]
    draw_roc(states, scores, options.output / "anomalies_roc.png")
    draw_scores(model, options.output / "anomalies_scores.png")
    draw_oddities(model, options.output / "anomalies_measures.png")
    print(f"\nPictures of the network of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
