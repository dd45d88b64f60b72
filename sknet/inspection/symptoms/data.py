"""What may be wrong with the data: scales, constant features, leaks, labels, padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

from ...estimators.base import BaseNeuralEstimator
from ...inputs import Sequences
from ...typing import Array
from .finding import Finding

#: Largest deviation of a feature divided by the median, and largest mean or deviation, above which
#: Adam with its default rate loses much accuracy on scikit-learn's data sets.
_RATIO, _OFFSET = 30.0, 30.0
#: How well one feature alone may predict before it is suspected to give the target away.
_LEAK = 0.995
#: Share of rows with a twin of another label that is doubted, and share of padded steps.
_DISAGREEMENT, _PADDING = 0.05, 0.6
_MOST_FEATURES = 500


def symptoms_of_data(estimator: BaseNeuralEstimator, x: Any, y: Array | None) -> Iterator[Any]:
    """Yield what is wrong with the inputs and targets of a network.

    Parameters
    ----------
    estimator : BaseNeuralEstimator
        A fitted estimator.
    x : ndarray of shape (n_samples, n_features), sparse matrix or Sequences
        What its network takes.
    y : ndarray or None
        The targets.

    Yields
    ------
    finding : Finding
        One for each thing that is wrong.
    """
    names = getattr(estimator, "feature_names_in_", None)
    is_table = isinstance(x, np.ndarray) and len(estimator.network_.input_shape) == 1
    if isinstance(x, Sequences):
        yield from _padding(estimator, x)
    if is_table and _takes_numbers(estimator.network_):
        yield from _scales(x, names)
        yield from _constant(x, names)
    if y is None or np.ndim(y) != 1:
        return
    classes = getattr(estimator, "classes_", None)
    if classes is not None:
        yield from _rare_classes(estimator, y)
    else:
        yield from _target_scale(estimator, y)
    if isinstance(x, np.ndarray):
        if classes is not None:
            yield from _disagreement(x, y)
        if is_table and x.shape[1] <= _MOST_FEATURES:
            yield from _leaks(x, y, classes is not None, names)


def _takes_numbers(network):
    """Tell whether scales matter to the first layer that does something to its input."""
    for _, layer in network.layer.sublayers():
        kind = type(layer).__name__
        if kind in ("Dense", "Residual", "Sequential", "ContractiveDense"):
            return True
        if kind not in ("Flatten", "Dropout", "GaussianNoise", "MaskingNoise", "Reshape"):
            return False
    return False


def _named(position, names):
    return f"feature {position}" if names is None else f"feature {str(names[position])!r}"


def _scales(x, names):
    deviation, mean = x.std(axis=0), np.abs(x.mean(axis=0))
    # Indicators are as they should be, however rare.
    used = (deviation > 0) & ~np.all((x == 0) | (x == 1), axis=0)
    if not used.any():
        return
    where = np.flatnonzero(used)
    widest, middle = where[deviation[used].argmax()], np.median(deviation[used])
    ratio = deviation[widest] / middle
    farthest = where[np.maximum(mean, deviation)[used].argmax()]
    offset = max(mean[farthest], deviation[farthest])
    if ratio > _RATIO:
        yield Finding(
            "unscaled_features",
            "The features are on very different scales.",
            f"The standard deviation of {_named(widest, names)} is {ratio:,.0f} times the median "
            "of all.",
            "Put a StandardScaler before the network in a Pipeline.",
            float(ratio),
        )
    elif offset > _OFFSET:
        yield Finding(
            "unscaled_features",
            "Features are far from 0.",
            f"{_named(farthest, names).capitalize()} has a mean of {mean[farthest]:,.4g} and a "
            f"standard deviation of {deviation[farthest]:,.4g}.",
            "Put a StandardScaler before the network in a Pipeline.",
            float(offset),
        )


def _constant(x, names):
    constant = np.flatnonzero(np.ptp(x, axis=0) == 0)
    if len(constant) and len(constant) < x.shape[1] and len(constant) > 0.2 * x.shape[1]:
        yield Finding(
            "constant_features",
            "Many features are constant.",
            f"{len(constant)} of {x.shape[1]} features do not vary, such as "
            f"{_named(constant[0], names)}.",
            "Leave them out, by sklearn.feature_selection.VarianceThreshold.",
            len(constant) / x.shape[1],
        )


def _target_scale(estimator, y):
    y = np.asarray(y, dtype=float)
    if getattr(estimator, "standardize_target", True) or not np.std(y):
        return
    scale = max(np.std(y), abs(np.mean(y)))
    if scale > _OFFSET or scale < 1 / _OFFSET:
        yield Finding(
            "target_scale",
            "The target is far from unit scale, and is not standardized.",
            f"y has a mean of {np.mean(y):,.4g} and a standard deviation of {np.std(y):,.4g}.",
            "Set standardize_target=True.",
            float(scale),
        )


def _rare_classes(estimator, y):
    labels, counts = np.unique(y, return_counts=True)
    if not estimator.early_stopping:
        return
    held = counts.min() * estimator.validation_fraction
    if held < 2:
        yield Finding(
            "rare_classes",
            "A class is too rare for the part of the rows that is held out.",
            f"Class {labels[counts.argmin()]} has {counts.min()} rows, about {held:.1f} of which "
            "are held out.",
            "Raise validation_fraction, pass X_val and y_val, or join rare classes.",
            float(held),
        )


def _disagreement(x, y):
    """Count rows that have a twin with another label."""
    _, twin = np.unique(x, axis=0, return_inverse=True)
    twin = twin.ravel()
    order = np.lexsort((y, twin))
    groups, labels = twin[order], np.asarray(y)[order]
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    ends = np.r_[starts[1:], len(groups)] - 1
    differs = labels[starts] != labels[ends]
    share = np.sum((ends - starts + 1)[differs]) / len(y)
    if share > _DISAGREEMENT:
        yield Finding(
            "labels_disagree",
            "Equal rows have different labels.",
            f"{share:.0%} of the rows have a twin with another label.",
            "Look for mistakes in the labels, or for a feature that is missing.",
            float(share),
        )


def _leaks(x, y, are_labels, names):
    """Look for a feature that alone predicts the target."""
    score_of = _label_score if are_labels else _rank_correlation
    varying = np.flatnonzero(np.ptp(x, axis=0) > 0)
    scores = [score_of(x[:, i], y) for i in varying]
    if not scores or max(scores) <= _LEAK:
        return
    best = int(np.argmax(scores))
    how = "a balanced accuracy of" if are_labels else "a rank correlation of"
    yield Finding(
        "leakage",
        "One feature alone predicts the target: it may hold what is not known in advance.",
        f"{_named(varying[best], names).capitalize()} reaches {how} {scores[best]:.3f}.",
        "Check when the feature becomes known; leave it out if that is after the target.",
        float(scores[best]),
    )


def _rank_correlation(column, y):
    return abs(spearmanr(column, np.asarray(y, dtype=float))[0])


def _label_score(column, y):
    """Return the balanced accuracy of a small tree on one feature, 0 where it must be low."""
    labels, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    order = np.lexsort((codes, column))
    n_changes = np.count_nonzero(np.diff(codes[order]))
    if counts.min() < 3 or n_changes > 2 * len(labels) + 0.02 * len(y):
        return 0.0
    tree = DecisionTreeClassifier(max_leaf_nodes=max(4, 2 * len(labels)), random_state=0)
    return cross_val_score(tree, column[:, None], y, cv=3, scoring="balanced_accuracy").mean()


def _padding(estimator, sequences):
    """Estimate the share of padded steps in batches drawn at random."""
    size = estimator.batch_size
    size = min(200, len(sequences.lengths)) if size == "auto" else size
    rng = np.random.default_rng(0)
    batches = [rng.choice(sequences.lengths, size) for _ in range(20)]
    share = 1 - np.mean([batch.mean() / batch.max() for batch in batches])
    if share > _PADDING:
        yield Finding(
            "padding",
            "Most steps of the batches are padding.",
            f"Sequences have {np.median(sequences.lengths):.0f} steps as a rule and up to "
            f"{sequences.lengths.max()}: {share:.0%} of a batch of {size} is padding.",
            "Cut the longest sequences, or use smaller batches.",
            float(share),
        )
