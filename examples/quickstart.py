"""The main job: a scaler and a network in a Pipeline, tuned by GridSearchCV, on real data.

Breast cancer, digits and diabetes, which come with scikit-learn: networks are tuned over hidden
layer sizes, penalty, activation and dropout, and compared with scikit-learn's MLP, tuned over
those of them that it has. Then an autoencoder lays out the digits on a plane. Run it with

    python examples/quickstart.py [--output DIRECTORY] [--quick]
"""

import argparse
import time
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.inspection import EmbeddingDisplay

# The networks are stopped where the search leaves them, converged or not.
warnings.filterwarnings("ignore", category=ConvergenceWarning)


def jobs():
    """Yield (name, X, y, scaler, our network, scikit-learn's, grid) for each data set."""
    yield (
        "breast cancer",
        *load_breast_cancer(return_X_y=True),
        StandardScaler(),
        NeuralClassifier(random_state=0),
        MLPClassifier(random_state=0),
        {"hidden_layer_sizes": [(50,), (100,), (64, 64)], "alpha": [1e-4, 1.0]},
    )
    yield (
        "digits",
        *load_digits(return_X_y=True),
        MinMaxScaler(),
        NeuralClassifier(random_state=0),
        MLPClassifier(random_state=0),
        {
            "hidden_layer_sizes": [(128,), (128, 128)],
            "activation": ["relu", "tanh"],
            "dropout": [0.0, 0.3],
        },
    )
    yield (
        "diabetes",
        *load_diabetes(return_X_y=True),
        StandardScaler(),
        NeuralRegressor(learning_rate_init=0.01, early_stopping=True, random_state=0),
        MLPRegressor(learning_rate_init=0.01, early_stopping=True, random_state=0),
        {
            "hidden_layer_sizes": [(50,), (100,), (64, 64)],
            "activation": ["relu", "tanh"],
            "alpha": [1e-4, 10.0],
        },
    )


def make_search(scaler, network, grid, quick):
    """Put a scaler and a network into a pipeline and a search over what the network knows."""
    model = make_pipeline(scaler, network.set_params(max_iter=20) if quick else network)
    step = model.steps[-1][0]
    known = {name: values for name, values in grid.items() if name in network.get_params()}
    grid = {f"{step}__{name}": values[: 1 if quick else None] for name, values in known.items()}
    return GridSearchCV(model, grid, cv=2 if quick else 3)


def with_progress_bar(search):
    """Show a progress bar where scikit-learn (1.9) and rich are there to draw it."""
    try:
        import rich  # noqa: F401
        from sklearn.callback import ProgressBar
    except ImportError:
        return search
    return search.set_callbacks(ProgressBar(max_propagation_depth=0))


def timed_fit(model, X, y):
    """Fit and return the seconds it took."""
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start


def compare(name, X, y, scaler, network, mlp, grid, quick):
    """Tune both on one part of a split, score them on the other; return a row of the table."""
    stratify = y if name != "diabetes" else None
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, random_state=0, stratify=stratify
    )
    print(f"\n{name}: {X.shape[0]} rows, {X.shape[1]} features", flush=True)
    row = {"name": name}
    for who, model in (("sknet", network), ("mlp", mlp)):
        search = make_search(scaler, model, grid, quick)
        seconds = timed_fit(
            with_progress_bar(search) if who == "sknet" else search, X_train, y_train
        )
        row[who] = {
            "score": search.score(X_test, y_test),
            "fit": search.refit_time_,
            "search": seconds,
            "candidates": len(search.cv_results_["params"]),
            "chosen": {k.split("__")[-1]: v for k, v in search.best_params_.items()},
        }
    return row


def print_table(rows):
    """Print scores and times side by side."""
    print(
        "\nEach tuned by GridSearchCV over the parameters it knows; score is accuracy, or R^2 for"
    )
    print("diabetes, on the held-out quarter; fit is the seconds of the best candidate's fit.\n")
    print(f"{'data':<14} {'model':<6} {'score':>6} {'fit s':>6} {'search s':>9} {'of':>3}  chosen")
    print("-" * 96)
    for row in rows:
        for who, label in (("sknet", "sknet"), ("mlp", "MLP")):
            found = row[who]
            chosen = ", ".join(f"{name}={value}" for name, value in found["chosen"].items())
            print(
                f"{row['name'] if who == 'sknet' else '':<14} {label:<6} {found['score']:>6.3f} "
                f"{found['fit']:>6.2f} {found['search']:>9.1f} {found['candidates']:>3}  {chosen}"
            )


def draw_map(path, quick):
    """Lay out the digits by an autoencoder with a code of two numbers; save the picture."""
    X, y = load_digits(return_X_y=True)
    network = AutoencoderTransformer(
        n_components=2,
        hidden_layer_sizes=(128, 64, 32),
        activation="gelu",
        learning_rate="one_cycle",
        learning_rate_init=5e-3,
        max_iter=5 if quick else 120,
        batch_size=64,
        dtype="float32",
        random_state=0,
    )
    model = make_pipeline(MinMaxScaler(), network).fit(X)
    display = EmbeddingDisplay.from_estimator(model, X, y, layer="encoder")
    display.ax_.set_title("1,797 digits of 64 pixels, each as two numbers (labels not used)")
    display.figure_.savefig(path, dpi=120)
    error = -model.score(X)
    print(
        f"\nAutoencoder: mean squared error {error:.4f} of pixels in [0, 1]; map saved to {path}"
    )


def main(arguments=None):
    """Run the comparison and draw the map."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save the picture")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    rows = [compare(*job, options.quick) for job in jobs()]
    print_table(rows)
    draw_map(options.output / "digits_map.png", options.quick)
    print(f"All in {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
