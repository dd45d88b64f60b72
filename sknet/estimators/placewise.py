"""Estimators whose networks predict at each place: at the steps of a sequence, at pixels."""

from math import prod

import numpy as np
from sklearn.utils import check_X_y

from ..batches import Data
from ..inputs import Sequences, in_shape, sequence_list
from ..layers import Sequential
from ..layers.base import build_layer
from ..losses.placewise import PlacewiseLoss
from ..network import Network
from ..places import Layout, real_rows
from ..settings import single_threaded_blas
from ..weights import check_weights
from .scoring import PlacewiseScorer


class PlacewiseTargets:
    """Folds targets with a value at each place into rows, and unfolds what is made of them.

    If the layers end with one vector a sample, y means what it means without this class. If they
    end with several axes, (T, F) or (H, W, F), y has a value at each of these places.
    """

    #: Shape of the places of one output, None for any number of steps; None without places.
    _grid = None

    def _check_data(self, X, y, sample_weight, reset, training=True, name="sample_weight"):
        if reset:
            self._grid = None
        if self._grid is None and not (reset and self._may_have_places(y)):
            return super()._check_data(X, y, sample_weight, reset, training, name)
        checked = self._check_X_alone(X, reset)
        network = None if reset else self.network_
        if reset:
            shape, network = self._try_layers(checked)
            if len(shape) < 2:
                self._check_has_no_places(y, shape)
                return super()._check_data(X, y, sample_weight, reset, training, name)
            self._grid = shape[:-1]
        layout = self._layout(network, checked)
        return self._placed(checked, y, sample_weight, layout, reset, training, name)

    def _kept_target(self, y):
        is_large = isinstance(self.loss, dict) or sequence_list(y) is not None or _n_axes(y) > 2
        return None if y is None or is_large else np.array(self._readable_y(y))

    def _may_have_places(self, y):
        by_columns = isinstance(self.loss, dict)  # then y is a frame
        return self.layers is not None and y is not None and not by_columns and _has_axes(y)

    def _try_layers(self, X):
        """Return the shape that the layers end with, and a network of them if it has to run."""
        layer = Sequential(self._hidden_layers())
        self._adapt(layer, Data(X, None))
        shape = build_layer(layer, "", self._input_shape)
        if len(shape) < 2 or not (None in shape or _marks_steps(layer)):
            return shape, None
        return shape, Network(layer, self._input_shape, X.dtype, 0)

    def _check_has_no_places(self, y, shape):
        is_ragged = sequence_list(y) is not None and len({len(item) for item in y}) > 1
        if is_ragged or _n_axes(y) > 2:
            found = "a list of arrays of unequal length" if is_ragged else f"shape {np.shape(y)}"
            raise ValueError(
                f"{type(self).__name__} expects y with one value or one row a sample, as its "
                f"layers end with one vector a sample, of shape {shape}; got {found}. To predict "
                "at each step or pixel, leave out layers that join them, such as Flatten and "
                "global pooling, and set return_sequences=True in recurrent layers."
            )

    def _refuse_places(self, shape):
        places = ", ".join("T" if n is None else str(n) for n in shape[:-1])
        raise ValueError(
            f"The layers end with outputs of shape {shape}; the output layer needs one vector a "
            "sample, or a y with a value at each of these places. Put a Flatten or a global "
            f"pooling at the end of layers, or give a y of shape (n_samples, {places})."
        )

    def _layout(self, network, X, masks=True):
        """Return where the outputs for X have places, and with `masks` which count."""
        first, *tail = self._grid
        steps = np.full(X.shape[0], first) if first is not None else _output_steps(network, X)
        is_real = None
        if masks and network is not None and _marks_steps(network.layer):
            chunks = _masks(network, X)
            is_real = np.concatenate([_known(steps[rows], mask) for rows, _, mask in chunks])
            is_real = np.repeat(is_real, prod(tail))
        return Layout(steps, tail, isinstance(X, Sequences), is_real)

    def _placed(self, X, y, sample_weight, layout, reset, training, name):
        """Return the data of samples whose y has a value at each place."""
        owner = type(self).__name__
        y = layout.fold(y, "y", owner)
        if not len(y):
            raise ValueError(
                f"{owner} expects a step that is real; its layers mark every step of X as padding."
            )
        y = self._readable_y(y)
        _, y = check_X_y(
            np.zeros((len(y), 1)), y, estimator=self, multi_output=True, **self._y_checks()
        )
        weight = self._place_weights(sample_weight, layout, name)
        rows = None if weight is None or weight.all() else np.flatnonzero(weight)
        flat = Data(X, y, weight, rows)
        self._encode_target(flat, reset)
        self._weigh_target(flat, training)
        places = layout.place(flat.y, flat.sample_weight)
        rows = None if places.totals.all() else np.flatnonzero(places.totals)
        return Data(X, places, places.totals, rows)

    def _place_weights(self, sample_weight, layout, name):
        """Return a weight for each place that counts, of weights of samples or of places."""
        owner = type(self).__name__
        if sample_weight is None:
            return None
        if not _has_axes(sample_weight):
            weight = check_weights(sample_weight, np.empty(len(layout)), name, owner)
            return np.repeat(weight, layout.lengths)
        weight = layout.fold(sample_weight, name, owner)
        return check_weights(weight, np.empty(len(weight)), name, owner)

    def _check_weight(self, sample_weight, X, name):
        if self._grid is not None and _has_axes(sample_weight):
            return sample_weight  # checked where it was folded
        return super()._check_weight(sample_weight, X, name)

    def _training_loss(self, loss):
        return loss if self._grid is None else PlacewiseLoss(loss)

    def _read(self, X, read):
        """Return what a function makes of the raw outputs for X, in the form of y."""
        if self._grid is None:
            return read(self._raw_predictions(X))
        X = self._check_X(X)
        network = self.network_
        layout = self._layout(network, X, masks=False)
        # Sequences of one length lie together: there is less padding to compute.
        order = np.argsort(layout.steps, kind="stable")
        n, parts = network.chunk_rows(X), []
        with single_threaded_blas():
            for start in range(0, len(order), n):
                rows = order[start : start + n]
                parts.append(read(real_rows(network.predict(X[rows]), layout.counts[rows])))
        if isinstance(parts[0], list | tuple):
            return type(parts[0])(
                layout.unfold(np.concatenate(each), order) for each in zip(*parts, strict=True)
            )
        return layout.unfold(np.concatenate(parts), order)

    def _judged(self, X, y, sample_weight):
        """Return predictions, targets and weights to compare, one row a place that counts."""
        predicted = self.predict(X)
        if self._grid is None:
            return predicted, y, sample_weight
        rows, y, weight = self._as_rows_of_places(X, y, sample_weight)
        return rows(predicted), y, weight

    def _as_rows_of_places(self, X, y, sample_weight):
        """Return what makes rows of predictions for X, and targets and weights in this form."""
        self._require_fit()
        if self._grid is None:
            raise ValueError(
                f"This {type(self).__name__} was fitted to one value or one row of y a sample, "
                "and has no places. Score it by scikit-learn's scorers themselves."
            )
        layout, name = self._layout(self.network_, self._check_X(X)), type(self).__name__
        y = layout.fold(y, "y", name)
        weight = self._place_weights(sample_weight, layout, "sample_weight")
        return lambda predicted: layout.fold(predicted, "X", name), y, weight

    def _make_scorer(self):
        scorer = super()._make_scorer()
        of_samples = self._grid is not None and hasattr(scorer, "_score_func")
        return PlacewiseScorer(scorer) if of_samples else scorer


def _output_steps(network, X):
    """Return the number of steps of the output for each sample; lengths met before are known."""
    if isinstance(X, Sequences):
        lengths = X.lengths
    else:
        lengths = np.full(X.shape[0], in_shape(X[:1], network.input_shape).shape[1])
    found, rows, which = np.unique(lengths, return_index=True, return_inverse=True)
    known = network.output_steps
    is_new = np.array([n not in known for n in found.tolist()])
    known.update(zip(found[is_new].tolist(), _counted(network, X, rows[is_new]), strict=True))
    return np.array([known[n] for n in found.tolist()])[which]


def _counted(network, X, rows):
    """Return the number of steps of the output for some samples."""
    if _marks_steps(network.layer):  # what it marks among real steps is no end of a sample
        return [network.predict(X[[row]]).shape[1] for row in rows]
    counts = []
    for chunk, n_steps, mask in _masks(network, X[rows]):
        every = [n_steps] * len(rows[chunk])
        counts += every if mask is None else mask.sum(axis=1).tolist()
    return counts


def _masks(network, X):
    """Yield for each chunk of X its rows, the steps of its outputs, and which are real or None."""
    replica, n = network.replica(1), network.chunk_rows(X)
    with single_threaded_blas():
        for start in range(0, X.shape[0], n):
            rows = slice(start, start + n)
            n_steps = replica.forward(X[rows]).shape[1]
            yield rows, n_steps, replica.layer.compute_mask(None, None)


def _known(n_steps, mask):
    """Return which steps are real, one sample after the other, without those of padding."""
    steps = np.arange(n_steps.max()) < n_steps[:, None]
    return (steps if mask is None else mask & steps)[steps]


def _marks_steps(layer):
    return any(part.marks_steps for part in layer.walk())


def _has_axes(values):
    """Tell whether values are nested: an array of several axes, or a list of arrays or lists."""
    return sequence_list(values) is not None or _n_axes(values) > 1


def _n_axes(values):
    if hasattr(values, "ndim"):
        return values.ndim
    n = 0
    while isinstance(values, list | tuple) and len(values) > 0:
        n, values = n + 1, values[0]
    return n + getattr(values, "ndim", 0)
