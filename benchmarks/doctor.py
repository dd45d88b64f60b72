"""How often sknet.inspection.diagnose is right: 25 fits with a known fault, 25 without one.

Each faulty fit has one fault that must be found; a finding of another name in it is not counted
against the doctor, as one fault often has several symptoms. In a healthy fit any finding is false.
Precision is the share of fits with findings that are faulty, recall the share of faulty fits in
which the fault is found. Run it with

    python benchmarks/doctor.py
"""

import warnings

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
    make_friedman1,
    make_moons,
    make_regression,
)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.initializers import RandomNormal
from sknet.inspection import diagnose
from sknet.layers import (
    GRU,
    LSTM,
    BatchNorm,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool1D,
    GlobalMaxPool1D,
    LayerNorm,
    MaxPool2D,
    PositionalEmbedding,
    Residual,
    TransformerBlock,
)

SEED = {"random_state": 0}
DIGITS = {"input_shape": (8, 8, 1)}


def classifier(*arguments, **parameters):
    """Return a classifier of a fixed seed."""
    return NeuralClassifier(*arguments, **{**SEED, **parameters})


def regressor(*arguments, **parameters):
    """Return a regressor of a fixed seed."""
    return NeuralRegressor(*arguments, **{**SEED, **parameters})


def scaled(model):
    """Return a pipeline that scales the features."""
    return make_pipeline(StandardScaler(), model)


def digits(n=700):
    """Return scaled digits, as rows of 64 pixels."""
    X, y = load_digits(return_X_y=True)
    return X[:n] / 16, y[:n]


def standardized(load):
    """Return a data set of scikit-learn with standardized features."""
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def sequences(n=200, longest=12, seed=0):
    """Return sequences of unequal length, and whether their mean is above 0."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, longest + 1, n)
    shift = rng.choice([-1, 1], n)
    X = [rng.normal(s * 0.7, 1, size=(k, 2)) for s, k in zip(shift, lengths, strict=True)]
    return X, (shift > 0).astype(int)


def tokens(n=300, seed=0):
    """Return sequences of codes, and whether a 3 is among them."""
    X = np.random.default_rng(seed).integers(1, 9, (n, 10))
    return X, (X == 3).any(axis=1).astype(int)


def faulty():
    """Yield the name of each fault, a model, and its training data."""
    X, y = load_wine(return_X_y=True)
    yield "unscaled_features", classifier(), X, y
    yield "unscaled_features", classifier((50, 50)), *load_breast_cancer(return_X_y=True)
    moved = standardized(load_diabetes)[0] + 1000
    yield "unscaled_features", regressor(max_iter=50), moved, load_diabetes().target
    X, y = standardized(load_iris)
    wide = np.hstack([X, np.zeros((len(X), 6))])
    yield "constant_features", classifier(max_iter=100), wide, y
    X, y = load_digits(return_X_y=True)
    yield "constant_features", classifier(max_iter=50), np.hstack([X / 16, np.ones_like(X)]), y
    X, y = standardized(load_diabetes)
    yield "target_scale", regressor(standardize_target=False), X, y
    yield "target_scale", regressor(standardize_target=False), X, y * 1e-5
    X, y = standardized(load_wine)
    yield "leakage", classifier(), np.column_stack([X, y + 0.01 * X[:, 0]]), y
    X, y = standardized(load_diabetes)
    given = np.column_stack([X, (y - 150) / 77])
    yield "leakage", regressor(max_iter=100), given, y
    X, y = standardized(load_iris)
    few = np.r_[np.arange(100), 100:106]
    yield "rare_classes", classifier(early_stopping=True, max_iter=30), X[few], y[few]
    X, y = digits()
    kept = np.flatnonzero((y != 3) | (np.cumsum(y == 3) <= 8))
    yield "rare_classes", classifier(early_stopping=True, max_iter=30), X[kept], y[kept]
    X, y = standardized(load_iris)
    yield "labels_disagree", classifier(), np.vstack([X, X[:40]]), np.r_[y, (y[:40] + 1) % 3]
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (300, 3)).astype(float)
    yield "labels_disagree", classifier(), X, rng.integers(0, 2, 300)
    X, y = sequences()
    X[0] = np.random.default_rng(0).normal(size=(300, 2))
    long = classifier(layers=[LSTM(8)], input_shape=(None, 2), max_iter=3, tol=0)
    yield "padding", long, X, y
    X, y = digits()
    deep = [Dense(32, activation="logistic") for _ in range(10)]
    yield "vanishing_gradients", classifier(layers=deep, max_iter=20), X, y
    loud = [
        Dense(64, activation="identity", kernel_initializer=RandomNormal(stddev=1.0))
        for _ in range(8)
    ]
    yield (
        "exploding_gradients",
        classifier(layers=loud, max_iter=10, learning_rate_init=1e-5),
        X,
        y,
    )
    yield "dead_units", classifier((64, 64), learning_rate_init=1.0, max_iter=20), X, y
    yield (
        "dead_units",
        classifier((64,), solver="sgd", learning_rate_init=30.0, max_iter=20),
        X,
        y,
    )
    yield "saturated_units", classifier((64,), activation="tanh", max_iter=30), X * 160, y
    yield (
        "saturated_units",
        classifier((64,), activation="tanh", learning_rate_init=1.0, max_iter=30),
        X,
        y,
    )
    norm = classifier(layers=[Dense(16), BatchNorm()], batch_size=2, max_iter=5, tol=0)
    yield "tiny_batches", norm, X[:200], y[:200]
    yield "rate_too_low", classifier(learning_rate_init=1e-6, max_iter=50), X, y
    yield (
        "rate_too_high",
        classifier((32,), activation="tanh", learning_rate_init=3.0, max_iter=40, tol=0),
        X,
        y,
    )
    yield "too_little_training", classifier(max_iter=8, learning_rate_init=3e-3), X, y
    X, y = make_classification(150, 40, n_informative=3, flip_y=0.3, random_state=0)
    yield "overfitting", classifier((100, 100), alpha=0, max_iter=300), X, y


def healthy():
    """Yield models without a fault, and their training data."""
    for load in (load_iris, load_wine, load_breast_cancer):
        yield scaled(classifier(max_iter=400)), *load(return_X_y=True)
        yield scaled(classifier((32, 32), solver="lbfgs", alpha=1.0)), *load(return_X_y=True)
    X, y = load_diabetes(return_X_y=True)
    yield scaled(regressor((8,), alpha=100.0, max_iter=200)), X, y
    yield scaled(regressor((8,), alpha=100.0, loss="huber", max_iter=200)), X, y
    X, y = digits()
    yield classifier(alpha=1.0, max_iter=200), X, y
    yield classifier((64, 64), dropout=0.2, early_stopping=True), X, y
    yield classifier((64,), normalization="batch", max_iter=60), X, y
    yield classifier((64,), activation="tanh", learning_rate="cosine", max_iter=100), X, y
    convolutional = [Conv2D(16, 3, activation="relu"), MaxPool2D(2), Flatten(), Dropout(0.3)]
    yield classifier(layers=convolutional, max_iter=80, learning_rate_init=3e-3, **DIGITS), X, y
    plain = [Dense(64, activation="relu"), LayerNorm(), Dense(32, activation="relu")]
    yield classifier(layers=plain, max_iter=80), X, y
    residual = [64, *[Residual([Dense(64, activation="relu")]) for _ in range(4)]]
    yield classifier(layers=residual, max_iter=60), X, y
    yield regressor((64,), max_iter=300), *make_friedman1(600, noise=0.5, random_state=0)
    yield scaled(regressor((16,), max_iter=500)), *make_regression(300, 8, noise=5, random_state=0)
    yield classifier((32, 32), max_iter=400), *make_moons(400, noise=0.2, random_state=0)
    X, y = make_classification(500, 10, n_informative=6, random_state=0)
    yield scaled(classifier((32,), alpha=1.0, max_iter=200)), X, y
    X, y = sequences()
    read = {"input_shape": (None, 2), "learning_rate_init": 0.01}
    yield classifier(layers=[LSTM(8)], max_iter=60, **read), X, y
    yield classifier(layers=[GRU(8)], max_iter=60, **read), X, y
    series = [Conv1D(8, 3, activation="relu", padding="same"), GlobalMaxPool1D()]
    yield classifier(layers=series, max_iter=100, **read), X, y
    X, y = tokens()
    mean = [Embedding(8), GlobalAveragePool1D(), Dense(8, activation="relu")]
    read = {"input_shape": (None,), "learning_rate_init": 0.01}
    yield classifier(layers=mean, max_iter=150, **read), X, y
    places = PositionalEmbedding(kind="sinusoidal")
    block = [Embedding(8), places, TransformerBlock(2), GlobalAveragePool1D()]
    yield classifier(layers=block, max_iter=60, **read), X, y
    yield AutoencoderTransformer(8, (32,), max_iter=150, **SEED), digits()[0], None


def findings(model, X, y):
    """Fit on three quarters of the rows; return the names of what is found."""
    if y is None:
        return list(diagnose(model.fit(X), X).to_dict())
    parts = train_test_split(X, y, random_state=0, test_size=0.25)
    X_train, X_val, y_train, y_val = parts
    model.fit(X_train, y_train)
    return list(diagnose(model, X_train, y_train, X_val=X_val, y_val=y_val).to_dict())


def main():
    """Print what is found in each fit, and precision and recall."""
    warnings.simplefilter("ignore")
    n_found = n_faulty = n_false = n_healthy = 0
    for name, model, X, y in faulty():
        found = findings(model, X, y)
        n_faulty, n_found = n_faulty + 1, n_found + (name in found)
        print(
            f"{'found ' if name in found else 'MISSED'} {name:<22} {', '.join(found)}", flush=True
        )
    for model, X, y in healthy():
        found = findings(model, X, y)
        n_healthy, n_false = n_healthy + 1, n_false + bool(found)
        print(
            f"{'FALSE ' if found else 'none  '} {str(model)[:60]!r} {', '.join(found)}", flush=True
        )
    print(
        f"\n{n_faulty} faulty fits, {n_found} faults found: recall {n_found / n_faulty:.2f}\n"
        f"{n_healthy} healthy fits, {n_false} with findings: precision "
        f"{n_found / max(1, n_found + n_false):.2f}"
    )


if __name__ == "__main__":
    main()
