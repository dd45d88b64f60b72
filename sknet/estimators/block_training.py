"""Training on rows that come block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_X_y

from ..batches import Data
from ..blocks import BlockData, Blocks
from ..optimizers.lbfgs import LBFGS
from .holdout import hold_out
from .survey import Survey, joined, taken


def trains_by_steps(estimator: Any) -> bool:
    """Tell `available_if` whether training on parts of the rows is possible: not by L-BFGS.

    Parameters
    ----------
    estimator : BaseNeuralEstimator
        The estimator.

    Returns
    -------
    available : bool
        True.

    Raises
    ------
    AttributeError
        If the solver is L-BFGS.
    """
    solver = estimator.solver  # which may be anything
    if isinstance(solver, LBFGS) or (isinstance(solver, str) and solver == "lbfgs"):
        raise AttributeError(
            "partial_fit and fit_blocks need a solver that trains by steps, not lbfgs."
        )
    return True


class BlockTraining:
    """Mixin of estimators that can be trained on blocks of rows, read again in every epoch."""

    #: Whether the first pass over blocks has to keep all rows.
    _surveys_all = False

    def _fit_blocks(self, blocks, X_val, y_val, sample_weight_val):
        name = type(self).__name__
        blocks = Blocks(blocks, name, self.__sklearn_tags__().target_tags.required)
        self._surveyed = survey = Survey(blocks, self._kept_target, self._surveys_all)
        if self.early_stopping and X_val is None and not self._can_hold_out(blocks, survey):
            del self._surveyed
            raise ValueError(
                f"{name}.fit_blocks with early_stopping=True can hold out rows of blocks that are "
                "reached by position, with one row of X and of y a sample. Pass X_val."
            )
        try:
            validation = X_val, y_val, sample_weight_val
            return self._fit(*survey.sample, *validation, blocks)
        finally:
            self.__dict__.pop("_surveyed", None)

    def _kept_target(self, y):
        """Return the targets of a block to keep in the first pass, None if they are large."""

    def _can_hold_out(self, blocks, survey):
        is_plain = survey.y is not None or not blocks.has_target
        return blocks.have_positions and is_plain and not self._surveys_all

    def _split(self, data, X, y, sample_weight):
        """Hold rows out for validation: the same as `fit` would of all rows together."""
        if not isinstance(data, BlockData):
            return super()._split(data, X, y, sample_weight)
        survey, is_sampled = self._surveyed, data.X is data.sample.X
        rows, strata, names = np.arange(data.n_given), None, None
        if survey.sample_weight is not None:
            rows = np.flatnonzero(survey.sample_weight)
        if not is_sampled:
            rows = rows if data.rows is None else data.rows
            strata, names = self._strata(data.y[rows])
        kept, held = hold_out(rows, self.validation_fraction, self._split_seed, strata, names)
        in_sample = np.arange(survey.n_sample) if data.sample.rows is None else data.sample.rows
        data.sample.rows = in_sample[~np.isin(in_sample * survey.step, held)]
        data.rows = data.sample.rows if is_sampled else kept
        data.sizes = survey.counted(kept)
        data.held = survey.located(held)
        found = [
            [taken(each, data.held[number]) for each in rows]
            for number, rows in data.blocks.read()
            if len(data.held[number])
        ]
        return self._check_validation(*map(joined, zip(*found, strict=True)))

    def _as_blocks(self, data, blocks):
        """Return the rows of all blocks to train on; `data` are those of the sample."""
        survey = self._surveyed
        if survey.y is None or self._grid is not None:  # the sample stands for all
            share = data.n_rows / survey.n_sample
            whole, sizes = data, np.rint(survey.sizes * share).astype(np.intp)
        else:
            whole = self._whole_target(survey, data.X.dtype)
            sizes = survey.sizes if whole.rows is None else survey.counted(whole.rows)

        def encode(number, rows):
            with blocks.named(number):
                block = self._check_data(*rows, reset=False, training=False)
                self._check_inputs(block)
                self._standardize(block)
            return block

        return BlockData(
            whole.X,
            whole.y,
            whole.sample_weight,
            whole.rows,
            sample=data,
            sizes=sizes,
            n_given=int(survey.sizes.sum()),
            blocks=blocks,
            encode=encode,
        )

    def _whole_target(self, survey, dtype):
        """Return the encoded targets and the weights of all rows, without X."""
        n_rows = len(survey.y)
        X = np.broadcast_to(np.zeros(1, dtype), (n_rows, 1))
        checks = {"multi_output": True, **self._y_checks()}
        _, y = check_X_y(np.zeros((n_rows, 1)), survey.y, estimator=self, **checks)
        weight = self._check_weight(survey.sample_weight, X, "sample_weight")
        rows = None if weight is None or weight.all() else np.flatnonzero(weight)
        data = Data(X, y, weight, rows)
        self._encode_target(data, reset=False)
        self._weigh_target(data, training=True)
        return data
