"""Draw the pictures of the user guide into docs/images. Run: python docs/make_figures.py"""

import re
import subprocess
import sys
import warnings
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import NeuralClassifier, NeuralRegressor
from sknet.inspection import TrainingDisplay
from sknet.losses import Quantile
from sknet.schedules import (
    Constant,
    Cosine,
    Exponential,
    FlatCosine,
    InvScaling,
    LogCosine,
    OneCycle,
    Progress,
    Step,
)

DOCS = Path(__file__).resolve().parent
IMAGES = DOCS / "images"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Pictures that the code of the user guide draws, just as it stands there, by page.
DRAWN_BY_THE_GUIDE = {
    "images": ["filters.png"],
    "sequences": ["speakers.png"],
    "forecasting": ["forecast.png"],
    "text": ["attention.png"],
    "mixed_columns": ["embeddings.png"],
    "autoencoders": ["denoised.png"],
    "generation": ["samples.png", "next_letters.png"],
}
#: Pictures that examples draw.
DRAWN_BY_EXAMPLES = {
    "variational_digits.py": "digits_plane.png",
    "chorales.py": "chorales_rolls.png",
    "income.py": "income.png",
    "house_prices.py": "house_prices.png",
    "forecasting_with_covariates.py": "bicycles.png",
    "translation.py": "translation.png",
    "digit_strings.py": "digit_strings.png",
}


def save(figure, name):
    """Write one picture."""
    figure.savefig(IMAGES / name, dpi=100, pil_kwargs={"optimize": True})
    plt.close(figure)
    print(f"{name}: {(IMAGES / name).stat().st_size / 1000:.0f} kB")


def draw_schedules(n_epochs=100, n_rows=1000, batch_size=100):
    """Draw the factor of each schedule that is a function of progress alone."""
    steps = n_rows // batch_size
    done = np.arange(n_epochs * steps) / steps
    progress = [Progress(e / n_epochs, e, round(e * n_rows), 1 / steps) for e in done]
    drawn = [
        ("constant", Constant()),
        ("constant, warmup=10", Constant(warmup=10)),
        ("invscaling, power_t=0.5", InvScaling()),
        ("invscaling, power_t=0.1", InvScaling(power_t=0.1)),
        ("exponential, decay=0.98", Exponential()),
        ("step, drop=0.5, every=20", Step(every=20)),
        ("cosine", Cosine()),
        ("cosine, warmup=10", Cosine(warmup=10)),
        ("one_cycle", OneCycle()),
        ("flat_cosine", FlatCosine()),
        ("log_cosine", LogCosine()),
    ]
    pairs = [drawn[start : start + 2] for start in range(0, len(drawn), 2)]
    figure, grid = plt.subplots(
        2, 3, figsize=(8, 4.4), sharex=True, sharey=True, layout="constrained"
    )
    for axes, schedules in zip(grid.flat, pairs, strict=True):
        for (label, schedule), style in zip(schedules, ("-", "--"), strict=False):
            axes.plot(done, [schedule.factor(p) for p in progress], style, label=label)
        axes.legend(
            fontsize=8, loc="upper right" if schedules[0][0] != "constant" else "lower right"
        )
        axes.set(ylim=(-0.03, 1.4), yticks=[0, 0.25, 0.5, 0.75, 1])
        axes.grid(alpha=0.3)
    figure.suptitle(f"Schedules over {n_epochs} epochs of {n_rows:,} rows, {steps} steps each")
    figure.supxlabel("epochs done")
    figure.supylabel("rate / learning_rate_init")
    save(figure, "schedules.png")


def make_wave(n_samples=600, random_state=0):
    """Return points of a wave whose noise grows to the right."""
    rng = np.random.default_rng(random_state)
    x = rng.uniform(0, 6, n_samples)
    y = np.sin(x) + rng.normal(scale=0.05 + 0.1 * x)
    return x.reshape(-1, 1), y


def draw_intervals():
    """Draw what the quantile and the gaussian loss predict."""
    X, y = make_wave()
    X_new, y_new = make_wave(4000, random_state=1)
    x = np.linspace(0, 6, 200).reshape(-1, 1)
    common = {
        "activation": "tanh",
        "learning_rate": "cosine",
        "learning_rate_init": 0.01,
        "max_iter": 300,
        "n_iter_no_change": np.inf,
        "random_state": 0,
    }
    quantiles = NeuralRegressor((32, 32), loss=Quantile([0.05, 0.5, 0.95]), **common)
    gaussian = NeuralRegressor((32, 32), loss="gaussian", **common)
    models = [make_pipeline(StandardScaler(), model) for model in (quantiles, gaussian)]

    def interval(model, X):
        if model["neuralregressor"].loss == "gaussian":
            mean, std = model.predict(X, return_std=True)
            return mean - 1.645 * std, mean, mean + 1.645 * std
        return model.predict(X).T

    figure, grid = plt.subplots(1, 2, figsize=(9, 3.9), sharey=True, layout="constrained")
    names = ["Quantile([0.05, 0.5, 0.95])", '"gaussian": mean ± 1.645 std']
    for axes, model, name in zip(grid, models, names, strict=True):
        model.fit(X, y)
        low, middle, high = interval(model, x)
        new_low, _, new_high = interval(model, X_new)
        share = np.mean((new_low <= y_new) & (y_new <= new_high))
        axes.scatter(X, y, s=4, color="0.55", label="training rows")
        axes.fill_between(x[:, 0], low, high, alpha=0.25, label="predicted 90 % interval")
        axes.plot(x, middle, label="median" if "Quantile" in name else "mean")
        axes.plot(x, np.sin(x), "k:", label="the curve behind the data")
        axes.set(
            title=f"{name}\n{share:.1%} of {len(y_new):,} new rows inside", xlabel="x", ylabel="y"
        )
        axes.title.set_fontsize(10)
    grid[0].legend(fontsize=8, loc="lower left")
    save(figure, "intervals.png")


def draw_learning_curve():
    """Draw the history of a network that overfits, and the epoch that early stopping keeps."""
    X, y = load_digits(return_X_y=True)
    X_train, X_val, y_train, y_val = train_test_split(
        X / 16, y, train_size=300, random_state=0, stratify=y
    )
    network = NeuralClassifier(
        (64,),
        alpha=0,
        learning_rate_init=0.01,
        batch_size=32,
        early_stopping=True,
        n_iter_no_change=30,
        tol=0,
        random_state=0,
    )
    network.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    display = TrainingDisplay.from_estimator(network)
    display.ax_.set_title(
        f"300 digits to train on: training stops after {network.n_iter_} epochs and keeps the "
        f"weights of epoch {network.best_iter_}",
        fontsize=9,
    )
    save(display.figure_, "learning_curve.png")


def draw_guide():
    """Run the code of pages of the user guide and keep the pictures that it saves."""
    with TemporaryDirectory() as folder, chdir(folder):
        Path("examples").symlink_to(DOCS.parent / "examples")
        for page, names in DRAWN_BY_THE_GUIDE.items():
            code = BLOCK.findall((DOCS / "guide" / f"{page}.md").read_text())
            with redirect_stdout(StringIO()):
                exec("\n".join(code), {"__name__": page})
            for name in names:
                keep(name, 900, 256)


def draw_inspection():
    """Run the code of the page on inspection and keep its picture."""
    code = BLOCK.findall((DOCS / "inspection.md").read_text())
    with TemporaryDirectory() as folder, chdir(folder), redirect_stdout(StringIO()):
        exec("\n".join(code), {"__name__": "inspection"})
        # Few colours would tint what is almost white.
        Image.open("inspection.png").save(IMAGES / "inspection.png", optimize=True)


def keep(path, width, n_colors):
    """Keep a picture, at most so wide and in so many colours: a third of its size."""
    target = IMAGES / Path(path).name
    with Image.open(path) as picture:
        picture = picture.convert("RGB")
        picture.thumbnail((width, picture.height), Image.Resampling.LANCZOS)
        palette = picture.quantize(n_colors, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette.save(target, optimize=True)
    print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")


def draw_examples():
    """Run examples, two minutes each, and keep a picture of theirs."""
    with TemporaryDirectory() as folder:
        for script, name in DRAWN_BY_EXAMPLES.items():
            command = [sys.executable, DOCS.parent / "examples" / script, "--output", folder]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            keep(Path(folder) / name, 800, 64)


def main():
    """Draw them all."""
    warnings.simplefilter("error", ConvergenceWarning)
    IMAGES.mkdir(exist_ok=True)
    draw_schedules()
    draw_intervals()
    draw_learning_curve()
    draw_guide()
    draw_inspection()
    draw_examples()


if __name__ == "__main__":
    main()
