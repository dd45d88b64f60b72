"""Training of the members of an ensemble, several at a time."""

from math import ceil

import numpy as np
from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed

from ..base import brief
from ..compatibility import CallbackSupportMixin
from ..estimators.architecture import hidden_sizes
from ..optimizers import AdamW
from ..settings import restore_after_interruption, single_threaded_blas
from ..warning import warn
from .members import KEEP_BEST, fit_member, rows_of_step
from .network import table_layers

#: Scales of periodic embeddings for tables of many numbers: every other member has none.
FOR_MANY_NUMBERS = (0.0, 0.1, 0.0, 0.3, 0.0, 1.0, 0.0, 3.0)


class Bagging(CallbackSupportMixin):
    """Trains the members that an estimator lacks, by joblib."""

    def _train(self, rows, folds, began):
        """Train the members that there are not yet."""
        n_before = len(self.members_)
        if n_before and len(folds) <= n_before:
            warn(
                f"{type(self).__name__} has {n_before} members; warm_start=True trains more where "
                "n_members is larger.",
            )
        n_jobs = effective_n_jobs(self.n_jobs)
        deadline = None if self.max_time is None else began + self.max_time
        context = self._init_callback_context(max_subtasks=len(folds) - n_before)
        context.call_on_fit_task_begin(estimator=self)
        watched = hasattr(self, "_skl_callbacks")
        steps = [
            context.subcontext(task_name="member") if watched else None for _ in folds[n_before:]
        ]
        tasks = [
            delayed(fit_member)(
                self._template(rows, fold, position),
                rows,
                fold,
                deadline,
                rounds=ceil((len(folds) - position) / n_jobs),
                is_first=position == 0,
                context=steps[position - n_before],
            )
            for position, fold in enumerate(folds)
            if position >= n_before
        ]
        # Backends that do not give results one by one train, too, if not to be interrupted.
        gives_each = get_active_backend()[0].supports_return_generator
        try:
            trained = Parallel(
                n_jobs=self.n_jobs, return_as="generator" if gives_each else "list"
            )(tasks)
            with single_threaded_blas():
                for fold, member in zip(folds[n_before:], trained, strict=True):
                    if member is None:  # the time was up
                        continue
                    if member.was_interrupted:
                        raise KeyboardInterrupt
                    self._add(member, fold)
        except KeyboardInterrupt:
            restore_after_interruption()
            if not self.members_:
                raise
            warn(
                f"{type(self).__name__}.fit was interrupted; the {len(self.members_)} of "
                f"{len(folds)} members that are trained are kept."
            )
        context.call_on_fit_task_end(estimator=self)

    def _add(self, member, fold):
        self.members_.append(member)
        self._held_rows.append(fold.held)
        if self.verbose:
            score = member.best_validation_score_
            seconds = sum(member.history_["seconds"])
            print(
                f"Member {len(self.members_)}: epoch {member.best_iter_} of {member.n_iter_}, "
                f"validation score {score:.6g}, {seconds:.2f} s"
            )

    def _chosen_scales(self):
        """Return the scales of the periodic embeddings, which members take in turn."""
        if isinstance(self.frequency_scale, str):  # "auto"
            n_numbers = self._columns()[0]
            return next(scales for n, scales in self._usual_scales if n_numbers <= n)
        try:
            scales = np.atleast_1d(self.frequency_scale)
        except ValueError:  # sequences of several lengths
            scales = np.array([])
        is_right = scales.ndim == 1 and scales.size and scales.dtype.kind in "iuf"
        if not is_right or not ((scales >= 0) & (scales <= 1e6)).all():
            raise ValueError(
                f"{type(self).__name__} expects frequency_scale as 'auto', a number from 0 to 1e6 "
                f"or a sequence of them, got {brief(self.frequency_scale)}."
            )
        return scales.tolist()

    def _template(self, rows, fold, position):
        """Return a member for a fold that is not fitted."""
        scales = self._chosen_scales()
        batch_size = self.batch_size
        if batch_size == "auto":
            batch_size = rows_of_step(rows.distinct.count(fold.train, rows.sample_weight))
        return self._new_member(
            layers=table_layers(
                self._columns(),
                hidden_sizes(self.hidden_layer_sizes),
                self.activation,
                self.dropout,
                scales[position % len(scales)],
                self._is_wide,
            ),
            solver=AdamW(
                weight_decay=self.weight_decay, beta_2=0.95, weight_decay_schedule="flat_cosine"
            ),
            alpha=0.0,
            batch_size=batch_size,
            learning_rate="log_cosine",
            learning_rate_init=self._learning_rate(),
            max_iter=self.max_iter,
            scoring=self.scoring,
            dtype="float32",
            **KEEP_BEST,
        )
