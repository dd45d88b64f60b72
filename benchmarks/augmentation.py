"""Handwritten digits from 500 labels: what MixUp, CutMix, erasing and other augmentation bring.

Prints the accuracy on 4,000 held-out digits, the mean and the standard deviation of five seeds,
each of which draws other training digits. Run: python benchmarks/augmentation.py
"""

from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from sknet import NeuralClassifier
from sknet.layers import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    RandomErasing,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Rescaling,
)

DATA = Path(__file__).parents[1] / "examples" / "data" / "mnist_5k.npz"
SEEDS = range(5)
CASES = {
    "nothing": ([], None),
    "erasing": ([RandomErasing(0.5, area=(0.02, 0.2))], None),
    "MixUp": ([], "mixup"),
    "CutMix": ([], "cutmix"),
    "shift, turn, zoom": ([RandomTranslation(), RandomRotation(0.03), RandomZoom(0.1)], None),
}


def network(augmentation, mixing, seed):
    """Return a small convolutional network."""
    layers = [
        Rescaling(),
        *augmentation,
        Conv2D(16, 3, activation="relu"),
        MaxPool2D(2),
        Conv2D(32, 3, activation="relu"),
        MaxPool2D(2),
        Flatten(),
        Dropout(0.3),
        Dense(64, activation="relu"),
    ]
    return NeuralClassifier(
        layers=layers,
        mixing=mixing,
        batch_size=50,
        learning_rate="one_cycle",
        learning_rate_init=3e-3,
        max_iter=60,
        dtype="float32",
        random_state=seed,
    )


def scores(augmentation, mixing):
    """Return the accuracy for each seed."""
    with np.load(DATA) as data:
        X, y = data["X"], data["y"]
    found = []
    for seed in SEEDS:
        parts = train_test_split(
            X, y, train_size=500, test_size=4000, stratify=y, random_state=seed
        )
        X_train, X_test, y_train, y_test = parts
        model = network(augmentation, mixing, seed).fit(X_train, y_train)
        found.append(model.score(X_test, y_test))
    return np.array(found)


def main():
    """Print a table."""
    plain = None
    for name, case in CASES.items():
        found = scores(*case)
        plain = found if plain is None else plain
        gains = 100 * (found - plain)
        print(
            f"{name:18} {100 * found.mean():6.2f} % +- {100 * found.std():.2f}, "
            f"gain {gains.mean():+.2f} +- {gains.std():.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
