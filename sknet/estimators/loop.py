"""The estimator's part of training: recording, scoring, stopping, callbacks."""

from __future__ import annotations

from copy import copy
from math import inf, isfinite, isnan, nan
from numbers import Real
from reprlib import repr as brief
from time import perf_counter

from sklearn.exceptions import ConvergenceWarning

from ..optimizers import LBFGS
from ..schedules import Adaptive, Constant, InvScaling
from ..settings import restore_after_interruption
from ..warning import warn
from .metrics import as_scorer, check_takes_weight
from .progress import make_progress


class TrainingLoop:
    """Runs the trainer and decides after each epoch whether to continue."""

    n_iter_: int
    _after_divergence = "Lower learning_rate_init, scale X or set clip_norm"

    @property
    def _public_name(self):
        """Name of the estimator that the user has, for warnings."""
        return type(self).__name__

    def _train(self, data, validation, plan, X, y, sample_weight):
        """Train until the plan is done or there is a reason to stop, then finish."""
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        task = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        state = {"reconstruction_attributes": self._reconstruct}
        context = self._init_callback_context(max_subtasks=plan.max_epochs)
        context.call_on_fit_task_begin(**task)
        self._scorer = self._make_scorer()
        self._check_scorer(self._scorer)
        self._start_judging(validation)

        done, scored = len(self.loss_curve_), self._scorer is not None
        progress = make_progress(self.verbose, done + plan.max_epochs, scored)
        watched = hasattr(self, "_skl_callbacks")  # else a task an epoch would be for nobody

        def begin():
            if watched:
                return context.subcontext(task_name="epoch").call_on_fit_task_begin(**task)

        def end(epoch, epoch_task):
            self._record(epoch, validation)
            if progress:
                progress.show(self.history_)
            stop = self._should_stop(epoch, plan)
            return (watched and epoch_task.call_on_fit_task_end(**task, **state)) or stop

        try:
            if isinstance(self._trainer.optimizer, LBFGS):
                self._minimize(data, plan, lambda epoch: end(epoch, begin()))
            else:
                self._run_epochs(data, plan, begin, end)
            self._judge_result(data)
        except KeyboardInterrupt:
            restore_after_interruption()
            self._warn_of_interruption()
        finally:
            self._finish()
            if progress:
                progress.close()
        context.call_on_fit_task_end(**task, **state)

    def _start_judging(self, validation):
        """Prepare to tell progress, and where a training is resumed, what there is to beat."""
        self._best_params = None
        self._patience = copy(self._patience)
        if self._converged:  # asked to go on after training had stopped by itself
            self._patience.count = 0
        self._converged = False
        if self._scorer and validation is not None and validation.sample_weight is not None:
            check_takes_weight(self._scorer, self.scoring)
        if self.history_ and (self.early_stopping or (validation and self._scorer)):
            # The scorer may refuse, and is to do so before the first step.
            score = self._validate(validation, {})
        if self.early_stopping and self.history_:
            # The score so far may be of other validation rows.
            self._patience.best = score
            self._best_params = self.network_.params.copy()
            self._best_epoch = self.best_iter_
        elif self.history_:
            losses = self.history_["loss"]
            self._patience.best = max((-loss for loss in losses if not isnan(loss)), default=-inf)

    def _run_epochs(self, data, plan, begin, end):
        epochs = self._trainer.run(data, plan)
        for _ in range(plan.max_epochs):
            task = begin()
            if end(next(epochs), task):
                return
        # A schedule with a horizon asks for all epochs: nothing to warn of.
        if isinstance(plan.schedule, Constant | InvScaling | Adaptive):
            self._warn_of_max_iter(plan)

    def _minimize(self, data, plan, on_iteration):
        stopped = []

        def remember(epoch):
            stopped.append(on_iteration(epoch))
            return stopped[-1]

        converged = self._trainer.minimize(data, plan, self.tol, remember)
        if not converged and not any(stopped):
            self._warn_of_lbfgs(plan, len(stopped))

    def _warn_of_max_iter(self, plan):
        if self.tol > 0 and self.n_iter_no_change < inf:  # else all epochs were asked for
            warn(
                f"{self._public_name} reached max_iter={plan.max_epochs} and has not converged; "
                f"{self._scale_advice() or 'raise max_iter or learning_rate_init'}.",
                ConvergenceWarning,
            )

    def _warn_of_lbfgs(self, plan, n_iterations):
        if n_iterations >= plan.max_epochs:
            self._warn_of_max_iter(plan)
            return
        if isfinite(self.loss_):
            reason = "found no lower loss, or reached max_fun evaluations"
            remedy = "scale X and y, or raise max_fun of sknet.optimizers.LBFGS"
            remedy = self._scale_advice() or remedy
        else:
            reason = f"diverged in iteration {self.n_iter_}: the loss is not finite"
            remedy = self._scale_advice() or "scale X and y"
        warn(f"{self._public_name}: lbfgs {reason}; {remedy}.", ConvergenceWarning)

    def _scale_advice(self):
        """Return what to do about a target of another scale than networks expect, if it is."""
        return ""

    def _judge_result(self, data):
        """Warn of a training that has ended as planned and has learned nothing."""

    def _warn_of_interruption(self):
        warn(
            f"{self._public_name}.fit was interrupted; the model so far is kept.",
        )

    def _make_scorer(self):
        if isinstance(self.scoring, type):
            name = self.scoring.__name__
            raise ValueError(f"scoring must be a name or a scorer, got the class {name}.")
        return None if self.scoring == "loss" else as_scorer(self, self.scoring)

    def _check_scorer(self, scorer):
        """Refuse a scorer that cannot judge predictions of the fitted target."""

    def _record(self, epoch, validation):
        """Write down an epoch and judge it."""
        number, history = len(self.loss_curve_) + 1, {"loss": epoch.loss}
        try:
            if validation is not None:
                self._trainer.finish()
                self._validate(validation, history)
            self._judge(number, history)
        finally:  # an epoch is written down even if its scoring is interrupted
            self._trainer.go_on()
            history.update(learning_rate=epoch.learning_rate, seconds=epoch.seconds)
            self._append(number, history)

    def _judge(self, number, history):
        """Tell whether the epoch brought progress, and keep the weights of the best."""
        if not self.early_stopping:
            self._patience.update(-history["loss"], self.tol)
            return
        improved = self._patience.update(history["validation_score"], self.tol)
        if improved or self._best_params is None:
            self._best_params = self.network_.params.copy()
            self._best_epoch = number

    def _append(self, number, history):
        """Add an epoch to `history_`; what an epoch does not know is NaN."""
        unknown = [nan] * (number - 1)
        extended = {
            name: [*self.history_.get(name, unknown), history.get(name, nan)]
            for name in {**self.history_, **history}
        }
        # At once: an interruption finds all attributes before or after the epoch.
        self.__dict__.update(history_=extended, n_iter_=number, best_iter_=number)

    def _validate(self, validation, history):
        loss = history["validation_loss"] = self._trainer.evaluate(validation.data)
        is_scored = self._scorer is not None and isfinite(loss)  # else scorers raise errors
        score = self._as_float(self._scored(validation) if is_scored else -loss)
        history["validation_score"] = score
        is_first = not any(map(isnan, self.history_.get("validation_score", [])))
        if isnan(score) and isfinite(loss) and is_first:
            warn(
                f"{self._public_name}: scoring={self.scoring!r} gave NaN for the validation "
                "set; such an epoch is never the best."
            )
        return score

    def _scored(self, validation):
        weight = validation.sample_weight
        options = {} if weight is None else {"sample_weight": weight}
        try:
            return self._scorer(self, validation.X, validation.y, **options)
        except (AttributeError, TypeError, ValueError) as error:
            if not isinstance(self.scoring, str):  # a function of the user's
                raise
            reason = str(error).replace(type(self).__name__, self._public_name)
            raise ValueError(
                f"{self._public_name} cannot be judged by scoring={self.scoring!r} on this "
                f"target: {reason.rstrip('.')}. Choose another scorer, or 'loss'."
            ) from error

    def _as_float(self, score):
        """Return what a scorer gives as a float, if it is a number."""
        try:
            score = getattr(score, "item", lambda: score)()  # an array of one number is one
            if isinstance(score, Real):
                return float(score)
        except (ValueError, OverflowError):
            pass
        raise ValueError(
            f"scoring must return a number, got {brief(score)} ({type(score).__name__}) from "
            f"{self.scoring!r}."
        )

    def _should_stop(self, epoch, plan):
        """Tell whether to stop after this epoch, warning where that is not what was planned."""
        if epoch.interrupted:
            self._warn_of_interruption()
        if epoch.diverged:
            remedy = self._after_divergence
            if self._scale_advice():
                remedy = f"Note that {self._scale_advice()}"
            warn(
                f"{self._public_name} diverged in epoch {self.n_iter_} at learning rate "
                f"{epoch.learning_rate:.3g}: an output, the loss, its gradient or the step is not "
                f"finite. The last weights with a finite loss are kept. {remedy}.",
                ConvergenceWarning,
            )
        if not epoch.complete or plan.is_over:
            return True
        return self._patience.count > self.n_iter_no_change and self._is_converged(plan)

    def _is_converged(self, plan):
        """Lower the rate of an adaptive schedule once more, or stop."""
        if isinstance(self._trainer.optimizer, LBFGS) and not self.early_stopping:
            return False  # L-BFGS has its own test of convergence
        if plan.schedule.has_end and not self.early_stopping:
            return False  # the last epochs, at small rates, are what the others were for
        rate = plan.learning_rate * self._trainer.rate_scale
        schedule = plan.schedule
        if isinstance(schedule, Adaptive) and rate > schedule.min_learning_rate:
            self._trainer.rate_scale *= schedule.shrink
            self._patience.count = 0
            return False
        self._converged = True
        return True

    def _finish(self):
        """Put the weights in place that predict, and drop what only training needs."""
        best = self.__dict__.get("_best_params")
        if best is not None:
            # An interruption may have kept the last epoch out of the history.
            self.best_iter_: int = min(self._best_epoch, self.n_iter_)
        self._trainer.finish(best)
        for name in self._of_training:
            self.__dict__.pop(name, None)

    def _reconstruct(self):
        """Return the attributes of an estimator that is fitted as of now, for callbacks."""
        state = self._copied_training()
        if not state["_trainer"].is_finished:
            state["_trainer"].finish()
        return state

    def _deadline(self):
        return None if self.max_time is None else perf_counter() + self.max_time
