"""Denoising handwritten digits: a convolutional autoencoder compared with classical filters.

To each pixel of a digit, between 0 and 1, normal noise of standard deviation 0.3 is added. The
autoencoder has learnt from 4,000 clean digits: in training it adds such noise itself, and learns
to remove it. It is compared with filters of SciPy and with the projection on principal components,
all set on the training digits, by 1,000 noisy digits. Run it with

    python examples/denoising.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter, median_filter
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from sknet import AutoencoderTransformer
from sknet.inspection import ReconstructionDisplay
from sknet.layers import Conv2D, Conv2DTranspose, Dense, Reshape

DATA = Path(__file__).parent / "data" / "mnist_5k.npz"
NOISE = 0.3


def load_data(quick=False):
    """Return X_train, X_test: rows of 784 pixels from 0 to 1."""
    with np.load(DATA) as data:
        X, y = data["X"].reshape(-1, 28 * 28), data["y"]
    X = np.divide(X, 255, dtype=np.float32)
    X_train, X_test = train_test_split(X, test_size=1000, stratify=y, random_state=0)
    return (X_train[:400], X_test[:100]) if quick else (X_train, X_test)


def with_noise(X, seed=0, deviation=NOISE):
    """Return the rows with normal noise, not clipped."""
    rng = np.random.default_rng(seed)
    return (X + rng.normal(0, deviation, X.shape)).astype(np.float32)


def build_model(seed, quick=False):
    """Return a convolutional autoencoder that learns to remove noise.

    Each convolution of stride 2 halves the image, each transposed one doubles it. Layers, code,
    rate and epochs were chosen on a fifth of the training digits.
    """
    halving = {"kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"}
    return AutoencoderTransformer(
        n_components=128,
        encoder=[Conv2D(16, **halving), Conv2D(32, **halving)],
        decoder=[
            Dense(7 * 7 * 32, activation="relu"),
            Reshape((7, 7, 32)),
            Conv2DTranspose(16, **halving),
            Conv2DTranspose(1, 3, strides=2, padding="same"),
        ],
        input_shape=(28, 28, 1),
        noise=NOISE,
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=3e-3,
        batch_size=32,
        max_iter=2 if quick else 20,
        n_iter_no_change=np.inf,
        dtype="float32",
        random_state=seed,
    )


def squared_error(X, denoised):
    """Return the mean squared error, over rows and pixels."""
    return np.mean((X - denoised) ** 2, dtype=np.float64)


def filtered(method, X, **parameters):
    """Filter each row as an image."""
    images = X.reshape(-1, 28, 28)
    return method(images, axes=(1, 2), **parameters).reshape(X.shape)


def candidates(X_train):
    """Return for each classical method its functions from noisy to denoised rows."""

    def projection(n_components):
        pca = PCA(n_components, svd_solver="full").fit(X_train)
        return lambda X: pca.inverse_transform(pca.transform(X))

    return {
        "median filter": [
            lambda X, size=size: filtered(median_filter, X, size=size) for size in (2, 3, 5)
        ],
        "Gaussian filter": [
            lambda X, sigma=sigma: filtered(gaussian_filter, X, sigma=sigma)
            for sigma in (0.6, 0.7, 0.8, 0.9, 1.0, 1.2)
        ],
        "principal components": [projection(n) for n in (20, 40, 60, 80)],
    }


def classical_methods(X_train, n_shown=1000):
    """Return the best of each kind, judged by training digits with noise of another seed."""
    clean = X_train[:n_shown]
    noisy = with_noise(clean, seed=1)
    return {
        name: min(functions, key=lambda denoise: squared_error(clean, denoise(noisy)))
        for name, functions in candidates(X_train).items()
    }


def print_row(name, error, noisy_error, seconds=None):
    """Print a line of the table."""
    shown = "" if seconds is None else f"{seconds:.1f}"
    print(f"{name:<24} {error:>9.5f} {100 * (1 - error / noisy_error):>8.1f} % {shown:>7}")


def compare(X_train, clean, noisy, classical, seeds, quick):
    """Print the table; return the first network."""
    noisy_error = squared_error(clean, noisy)
    print(f"{'squared error':<34} {'below':>9} {'fit s':>8}\n{'-' * 53}")
    print_row("noisy", noisy_error, noisy_error)
    for name, denoise in classical.items():
        print_row(name, squared_error(clean, denoise(noisy)), noisy_error)
    models, errors = [], []
    for seed in seeds:
        start = time.perf_counter()
        models.append(build_model(seed, quick).fit(X_train))
        seconds = time.perf_counter() - start
        errors.append(squared_error(clean, models[-1].reconstruct(noisy)))
        print_row(f"autoencoder, seed {seed}", errors[-1], noisy_error, seconds)
    if len(seeds) > 1:
        print_row("autoencoder, median", np.median(errors), noisy_error)
    return models[0]


def draw_digits(clean, noisy, model, path, n_shown):
    """Draw digits: noisy, as the network restores them, and as they were."""
    display = ReconstructionDisplay.from_estimator(
        model, noisy, targets=clean, n_samples=n_shown, image_shape=(28, 28)
    )
    display.ax_.set_title(f"Test digits, noise of {NOISE}")
    save(display.figure_, path)


def draw_strengths(clean, classical, model, path):
    """Draw the errors over the strength of the noise; all methods were set at one strength."""
    deviations = np.linspace(0.05, 0.8, 9)
    methods = {
        "left as it is": lambda X: X,
        **classical,
        "autoencoder": model.reconstruct,
    }
    figure, axes = plt.subplots(figsize=(6.5, 4.4), layout="constrained")
    styles = ("k:", "C1--", "C2--", "C4--", "C0-")
    for (name, denoise), style in zip(methods.items(), styles, strict=True):
        errors = [squared_error(clean, denoise(with_noise(clean, 0, d))) for d in deviations]
        axes.semilogy(deviations, errors, style, label=name)
    axes.axvline(NOISE, color="0.8", zorder=0, label="all were set for this noise")
    axes.set(
        title="Test digits", xlabel="standard deviation of the noise", ylabel="mean squared error"
    )
    axes.legend(loc="lower right", fontsize=9)
    save(figure, path)


def save(figure, path):
    """Write a picture."""
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare the methods and draw what they restore."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the network")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    X_train, clean = load_data(options.quick)
    noisy = with_noise(clean)
    classical = classical_methods(X_train)
    model = compare(X_train, clean, noisy, classical, options.seeds, options.quick)
    path, n_shown = options.output / "denoising_digits.png", 3 if options.quick else 10
    draw_digits(clean, noisy, model, path, n_shown)
    draw_strengths(clean[:300], classical, model, options.output / "denoising_strengths.png")
    print(f"\nPictures of the network of seed {options.seeds[0]} saved to {options.output}/")


if __name__ == "__main__":
    main()
