"""Targets of a transcriber: a sequence of labels for each sample, shorter than its steps."""

from __future__ import annotations

import numpy as np

from ..batches import Data
from ..losses import Target
from ..places import Transcripts
from ..typing import Array
from .placewise import PlacewiseTargets
from .transcription import LabelSequences


class TranscriptTargets(PlacewiseTargets):
    """Mixin of an estimator whose y has labels in order, at no known steps."""

    def _check_data(self, X, y, sample_weight, reset, training=True, name="sample_weight"):
        checked = self._check_X_alone(X, reset)
        network = None if reset else self.network_
        if reset:
            shape, network = self._try_layers(checked)
            if len(shape) != 2:
                self._refuse_places(shape)
            self._grid = shape[:-1]
            self._sequences = LabelSequences(type(self).__name__).fit(y)
            self.classes_: Array = self._sequences.classes
            self._target = Target("sequences", 1, (len(self.classes_),))
        weight = self._check_weight(sample_weight, checked, name)
        places = self._transcripts(y, self._layout(network, checked))
        self._check_room(places)
        rows = None if weight is None or weight.all() else np.flatnonzero(weight)
        return Data(checked, places, weight, rows)

    def _transcripts(self, y, layout):
        codes, lengths = self._sequences.encode(y)
        if len(lengths) != len(layout):
            self._refuse_lengths(len(layout), len(lengths))
        starts = np.cumsum(lengths) - lengths
        return Transcripts(codes, starts, lengths, layout.place(np.empty(layout.lengths.sum())))

    def _refuse_lengths(self, n_samples, n_sequences):
        raise ValueError(
            f"{type(self).__name__} expects a label sequence in y for each sample of X, got "
            f"{n_samples} samples and {n_sequences} label sequences."
        )

    def _check_room(self, places):
        """Refuse label sequences that no path of the output can read as."""
        same = np.zeros(len(places.values) + 1, np.intp)
        np.cumsum(places.values[1:] == places.values[:-1], out=same[1:-1])
        same[-1] = same[-2] if len(same) > 1 else 0
        stops = places.starts + np.maximum(places.lengths, 1) - 1
        repeated = np.where(places.lengths > 0, same[np.minimum(stops, len(same) - 1)], 0)
        repeated = np.where(places.lengths > 0, repeated - same[places.starts], 0)
        lacking = places.outputs.lengths - places.lengths - repeated
        if (lacking < 0).any():
            row = int(np.argmax(lacking < 0))
            n_labels, n_same = int(places.lengths[row]), int(repeated[row])
            raise ValueError(
                f"{type(self).__name__} expects an output step for each label, and one more for "
                f"each that follows itself: {n_labels + n_same} for the {n_labels} labels at "
                f"position {row}, got {int(places.outputs.lengths[row])}. Use less pooling and "
                "smaller strides, or leave such samples out."
            )

    def _encode_target(self, data, reset):
        """Do nothing: `_check_data` has."""

    def _training_loss(self, loss):
        return loss

    # Scorers compare whole sequences, and weights are those of samples: there are no values at
    # places, as in other estimators of this kind.
    def _make_scorer(self):
        return super(PlacewiseTargets, self)._make_scorer()

    def _check_weight(self, sample_weight, X, name):
        return super(PlacewiseTargets, self)._check_weight(sample_weight, X, name)

    def _initial_bias(self, y, sample_weight):
        return self._loss.initial_bias(y)

    def _refuse_samples(self, X, shape):
        """Refuse nothing: the layers that stand in for None take sequences."""

    def _refuse_places(self, shape):
        raise ValueError(
            f"{type(self).__name__} expects layers that give a vector for each step, of shape "
            f"(T, F), got {shape}. Set return_sequences=True in recurrent layers, and leave out "
            "layers that join steps."
        )
