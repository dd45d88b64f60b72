"""Interrupts calls at random moments and looks at what they leave behind.

    python -m tests.interruptions --moments 1000 --seed 0

A timer interrupts `fit`, `partial_fit` or `predict` as Ctrl-C does, between any two bytecodes.
After each interruption the settings of BLAS, NumPy, scikit-learn and warnings have to be those of
before, all lists of ``history_`` as long as ``n_iter_`` says, and the estimator as it was, or
fitted with finite predictions, and ready to train again.
"""

import argparse
import signal
import warnings
from functools import cache
from itertools import product
from time import perf_counter

import numpy as np
import sklearn
from threadpoolctl import threadpool_info, threadpool_limits

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.layers import LSTM, Conv2D, Flatten

N_SAMPLES = 64
_RNG = np.random.default_rng(0)
ROWS = _RNG.normal(size=(N_SAMPLES, 6))
IMAGES = _RNG.normal(size=(N_SAMPLES, 20, 20, 8)).astype(np.float32)
SERIES = _RNG.normal(size=(N_SAMPLES, 7, 3))
LABELS = (ROWS[:, 0] + ROWS[:, 1] > 0).astype(int)
SHARED = {"tol": 0, "max_iter": 4, "batch_size": 16, "random_state": 0}


class Watcher:
    """A callback that copies and predicts."""

    def setup(self, estimator, context):
        """Take no notice."""

    def on_fit_task_begin(self, estimator, context):
        """Take no notice."""

    def on_fit_task_end(self, estimator, context, *, X, fitted_estimator):
        """Predict."""
        fitted_estimator.predict(X)

    def teardown(self, estimator, context):
        """Take no notice."""


def _watched():
    network = NeuralRegressor((5,), averaging=0.9, **SHARED)
    return network.set_callbacks(Watcher()) if hasattr(network, "set_callbacks") else network


def _convolutional():
    layers = [Conv2D(32, 3), Conv2D(32, 3), Flatten()]
    return NeuralClassifier(layers=layers, **{**SHARED, "batch_size": 64, "max_iter": 1})


#: Estimators by name, each with its X.
CASES = {
    "dense": (lambda: NeuralClassifier((8, 8), dropout=0.2, **SHARED), ROWS),
    "early stopping": (
        lambda: NeuralClassifier((8,), early_stopping=True, averaging=0.8, **SHARED),
        ROWS,
    ),
    "scorer": (
        lambda: NeuralRegressor((8,), early_stopping=True, scoring="r2", **SHARED),
        ROWS,
    ),
    "callbacks": (_watched, ROWS),
    "lbfgs": (lambda: NeuralRegressor((8,), solver="lbfgs", **SHARED), ROWS),
    "lstm": (lambda: NeuralClassifier(layers=[LSTM(6)], **SHARED), SERIES),
    "lanes": (_convolutional, IMAGES),
    "variational": (lambda: AutoencoderTransformer(2, (5,), variational=True, **SHARED), ROWS),
}


def _fit(estimator, X):
    estimator.fit(X, LABELS)


def _fit_again(estimator, X):
    estimator.set_params(warm_start=True).fit(X, LABELS)


def _partial_fit(estimator, X):
    estimator.set_params(early_stopping=False)
    for _ in range(3):
        estimator.partial_fit(X, LABELS)


def _outputs(estimator, X):
    for name in ("predict_proba", "predict", "transform"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)


#: What is interrupted by name; whether the estimator is fitted before.
CALLS = {
    "fit": (_fit, False),
    "fit again": (_fit, True),
    "warm fit": (_fit_again, True),
    "partial_fit": (_partial_fit, False),
    "partial_fit after fit": (_partial_fit, True),
    "predict": (_outputs, True),
}

PAIRS = [
    (case, call)
    for case, call in product(CASES, CALLS)
    if case != "lbfgs" or not call.startswith("partial_fit")
]


def settings():
    """Return the settings that a call has to leave as they were."""
    threads = {lib["filepath"]: lib["num_threads"] for lib in threadpool_info()}
    return {
        "BLAS": threads,
        "NumPy's errors": np.geterr(),
        "scikit-learn": sklearn.get_config(),
        "warnings": list(warnings.filters),
    }


def interrupt(function, seconds):
    """Call a function and interrupt it after some seconds."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        function()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGALRM, before)


def _prepared(case, call):
    """Return a function without arguments to interrupt, and its estimator."""
    make, X = CASES[case]
    function, is_fitted = CALLS[call]
    estimator = make()
    if is_fitted:
        estimator.fit(X, LABELS)
    return (lambda: function(estimator, X)), estimator


@cache
def _seconds(case, call):
    _prepared(case, call)[0]()  # all is imported and warm
    function, _ = _prepared(case, call)
    begin = perf_counter()
    function()
    return perf_counter() - begin


def faults(case, call, share):
    """Interrupt a call at a share of its duration, and list what is wrong after it."""
    seconds = max(share * _seconds(case, call), 1e-6)
    function, estimator = _prepared(case, call)
    before = settings()
    interrupt(function, seconds)
    found = [
        f"{key} was {before[key]}, is {now}"
        for key, now in settings().items()
        if now != before[key]
    ]
    found += _broken(estimator, CASES[case][1])
    return [f"{case}, {call} at {share:.4f}: {fault}" for fault in found]


def _broken(estimator, X):
    """List what is wrong with an estimator whose training may have been interrupted."""
    found = []
    if hasattr(estimator, "network_"):
        lengths = {name: len(values) for name, values in estimator.history_.items()}
        if set(lengths.values()) - {estimator.n_iter_}:
            found.append(f"history_ has lists of {lengths}, n_iter_ is {estimator.n_iter_}")
        if estimator.best_iter_ > estimator.n_iter_:
            found.append(f"best_iter_ is {estimator.best_iter_} of {estimator.n_iter_}")
        if not np.isfinite(_outputs(estimator, X)).all():
            found.append("predictions are not finite")
        if estimator._trainer.network is not estimator.network_:
            found.append("the trainer has another network")
        if set(vars(estimator)) & set(estimator._of_training):
            found.append("attributes of training are left")
    try:
        estimator.fit(X, LABELS)
    except Exception as error:
        found.append(f"fit fails after it: {error!r}")
    return found


def run(n_moments, seed):
    """Interrupt calls at random moments.

    Parameters
    ----------
    n_moments : int
        Number of interruptions.
    seed : int
        Seed of the moments.

    Returns
    -------
    found : list of str
        What was wrong.
    """
    rng, found = np.random.default_rng(seed), []
    with warnings.catch_warnings(), threadpool_limits(2, user_api="blas"):
        warnings.simplefilter("ignore")
        for _ in range(n_moments):
            case, call = PAIRS[rng.integers(len(PAIRS))]
            found += faults(case, call, rng.uniform())
    return found


def _main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--moments", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    found = run(arguments.moments, arguments.seed)
    print(*found, sep="\n")
    print(f"{arguments.moments} interruptions, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(_main())
