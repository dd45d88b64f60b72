"""Training: the step, the epoch, and the full-batch path of L-BFGS."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from math import isfinite, prod
from time import perf_counter
from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs
from sklearn.base import clone

from .batches import Batches, Data
from .dense_step import DenseStep
from .losses.base import Loss
from .network import Network
from .optimizers import Optimizer
from .optimizers.lbfgs import LBFGS
from .schedules import Progress
from .settings import single_threaded_blas
from .step import Step, adding_parts
from .typing import Array, Function

#: Rows of which the loss is evaluated at a time, and elements of their outputs.
_ROWS, _ELEMENTS = 1024, 2**22


@dataclass
class Epoch:
    """What one pass over the training set did.

    Attributes
    ----------
    loss : float
        Weighted mean loss of the rows, penalty included, each taken before its step.
    learning_rate : float
        Rate of the last step.
    seconds : float
        Duration.
    complete : bool
        Whether every row was seen: False after an interruption or when time was up.
    interrupted : bool
        Whether the user pressed Ctrl-C.
    diverged : bool
        Whether an output, a loss or a gradient was not finite; the weights are those of the last
        step whose outputs and loss were.
    """

    loss: float
    learning_rate: float
    seconds: float
    complete: bool = True
    interrupted: bool = False
    diverged: bool = False


@dataclass
class Plan:
    """How to train: what may change from one run of a trainer to the next.

    Attributes
    ----------
    schedule : Schedule
        Shape of the rate over the training.
    learning_rate : float
        The rate that the schedule's factor multiplies.
    batch_size : int
        Rows of a step.
    max_epochs : int
        Epochs after which to end; iterations for L-BFGS.
    horizon : float
        Epochs since the initialization at which the schedule comes to its end.
    alpha : float
        L2 penalty: alpha / 2 times the sum of squared kernels is added to the sum of row losses.
    clip_norm : float or None
        Largest norm of the gradient.
    clip_value : float or None
        Largest absolute value of its elements, which are clipped first.
    accumulation_steps : int
        Batches whose gradients make one step.
    mixing : Mixing or None
        How the samples of a batch are mixed.
    averaging : float or None
        Decay of the exponential average of the weights.
    shuffle : bool
        Whether the rows are taken in a new order each epoch.
    mean_weight : float
        Mean sample weight; weights count relative to it.
    deadline : float or None
        Time (of `time.perf_counter`) at which to stop, in the middle of an epoch if need be.
    """

    schedule: object
    learning_rate: float
    batch_size: int
    max_epochs: int
    horizon: float
    alpha: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None
    accumulation_steps: int = 1
    mixing: object = None
    averaging: float | None = None
    shuffle: bool = True
    mean_weight: float = 1.0
    deadline: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.deadline is not None and perf_counter() > self.deadline


class Trainer:
    """Trains a network; keeps all that an exact resumption needs.

    Parameters
    ----------
    network : Network
        Trained in place.
    loss : Loss
        Built for the target.
    optimizer : Optimizer or LBFGS
        How a gradient changes the weights.
    random_state : numpy.random.SeedSequence
        Seed of the order of the rows and of the noise.

    Attributes
    ----------
    epochs : float
        Passes over the data so far; a part of one counts as that part.
    samples : int
        Rows seen so far.
    rate_scale : float
        What an adaptive schedule has multiplied the rate by.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        optimizer: Optimizer | LBFGS,
        random_state: np.random.SeedSequence,
    ) -> None:
        self.network: Network = network
        self.loss = loss
        order_seed, noise_seed = random_state.spawn(2)
        self.order_rng: np.random.Generator = np.random.default_rng(order_seed)
        self.noise_rng: np.random.Generator = np.random.default_rng(noise_seed)
        self.epochs: float = 0.0
        self.samples: int = 0
        self.rate_scale: float = 1.0
        self._updates = 0
        self._average = None
        self._unfinished = None
        self.use_optimizer(optimizer)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._average is not None:  # joblib may have mapped it read-only
            self._average = np.array(self._average)
        self._check_vectors()

    def _check_vectors(self):
        """Refuse pickled vectors that do not fit the weights."""
        moments = getattr(self.optimizer, "_moments", [])
        n_params, n_moved = self.network.n_params, self.network.n_trainable
        expected = [(self._average, n_params), (self._unfinished, n_params)]
        for vector, n in expected + [(moment, n_moved) for moment in moments]:
            is_array = isinstance(vector, np.ndarray)
            if vector is None or (is_array and vector.shape == (n,)):
                continue
            found = f"shape {vector.shape}" if is_array else type(vector).__name__
            raise ValueError(
                f"The pickled state of training expects vectors of shape ({n},), got {found}; the "
                "file is damaged: load another copy, or fit again."
            )

    def use_optimizer(self, optimizer: Optimizer | LBFGS) -> None:
        """Train with an optimizer from here on, from moments of zero.

        Parameters
        ----------
        optimizer : Optimizer or LBFGS
            How a gradient changes the weights.
        """
        self.optimizer = optimizer
        self._is_built = not isinstance(optimizer, Optimizer)

    def use_network(self, network: Network) -> None:
        """Train another network of the same layers from here on, from moments of zero.

        Parameters
        ----------
        network : Network
            Has the weights of the present one, laid out in another way.
        """
        for name in ("_average", "_unfinished"):
            vector = getattr(self, name)
            if vector is not None:
                setattr(self, name, network.laid_out(vector, self.network))
        self.network = network
        self.use_optimizer(clone(self.optimizer))

    def start_here(self) -> None:
        """Let training go on from the weights that stand in the network."""
        self._average = self._unfinished = None

    def built_optimizer(self) -> Optimizer:
        """Return the optimizer, bound to the parameters.

        It is built after the first gradient, for whose products memory is needed once.

        Returns
        -------
        optimizer : Optimizer
            Ready for `update`.
        """
        if not self._is_built:
            groups = [group for group in self.network.groups if group.rate_factor > 0]
            self.optimizer.build(self.network.params[: self.network.n_trainable], groups)
            self._is_built = True
        return self.optimizer

    def run(self, data: Data, plan: Plan) -> Iterator[Any]:
        """Train by steps, yielding after each epoch.

        Parameters
        ----------
        data : Data
            Training rows.
        plan : Plan
            How to train.

        Yields
        ------
        epoch : Epoch
            What happened. The network's weights are those of the last step until `finish`.
        """
        self._take_up(plan)
        batches = data.batches(plan.batch_size, plan.mean_weight)
        suits = DenseStep.suits(self, plan, batches.batch_size)
        step = (DenseStep if suits else Step)(self, plan, batches.batch_size)
        for _ in range(plan.max_epochs):
            epoch = self._run_epoch(batches, step, plan)
            yield epoch
            if not epoch.complete:
                return

    def _run_epoch(self, batches, step, plan):
        begin, start, n_rows = perf_counter(), self.epochs, batches.n_rows
        epoch = Epoch(0.0, 0.0, 0.0)
        seen, n_batches = 0, len(batches)
        n_together = min(plan.accumulation_steps, n_batches)
        length = n_together / n_batches
        try:
            with single_threaded_blas():
                drawn = batches(self.order_rng if plan.shuffle else None)
                for number, (x, y, weight) in enumerate(drawn, start=1):
                    moves = number % n_together == 0 or number == n_batches
                    progress = self._progress(plan, length)
                    epoch.learning_rate = rate = self._rate(plan, progress)
                    loss, finite = step(x, y, weight, rate, progress, moves)
                    n = len(y)
                    epoch.loss += loss * n
                    seen += n
                    if not finite:
                        epoch.diverged = True
                        break
                    self.samples += n
                    self.epochs = start + seen / n_rows
                    if moves and plan.averaging is not None:
                        self._update_average(plan.averaging)
                    if plan.is_over:
                        break
        except KeyboardInterrupt:
            epoch.interrupted = True
        if epoch.diverged or not step.is_sound():
            step.restore()
            epoch.diverged = True
        epoch.loss = epoch.loss / seen if seen else float("nan")
        epoch.complete = seen == batches.n_rows and not epoch.diverged
        epoch.seconds = perf_counter() - begin
        return epoch

    def _progress(self, plan, length):
        return Progress(min(self.epochs / plan.horizon, 1.0), self.epochs, self.samples, length)

    def _rate(self, plan, progress):
        return plan.learning_rate * self.rate_scale * plan.schedule.factor(progress)

    def minimize(self, data: Data, plan: Plan, tol: float, on_iteration: Function) -> bool:
        """Train by L-BFGS on all rows at once.

        SciPy owns this loop, so what is done after each iteration is passed in.

        Parameters
        ----------
        data : Data
            Training rows.
        plan : Plan
            How to train; the schedule and the rate play no part.
        tol : float
            Largest element of the projected gradient at which to stop.
        on_iteration : callable
            Given the `Epoch` after each iteration; returns True to stop.

        Returns
        -------
        converged : bool
            Whether the optimizer stopped by itself.
        """
        self.go_on()
        self._average = None  # L-BFGS has no use for one
        batches = Batches(data, data.n_rows, plan.mean_weight)
        x, y, weight = next(iter(batches()))
        step = Step(self, plan, batches.batch_size)
        begin, clock = self.epochs, [perf_counter()]
        params = self.network.params
        reached = params.copy()  # the trial points of a line search lie elsewhere

        def value_and_gradient(trial):
            step.params[:] = trial
            loss = step.gradient(x, y, weight)
            if not isfinite(loss):
                step.trained_grads.fill(loss)
            return loss, step.trained_grads

        def after_iteration(found, loss):
            if not isfinite(loss):
                return True
            step.params[:] = found
            reached[:] = params
            self.epochs += 1
            self.samples += data.n_rows
            now = perf_counter()
            epoch = Epoch(float(loss), 1.0, now - clock[0])
            clock[0] = now
            return on_iteration(epoch) or plan.is_over

        step.looks_at_outputs = True
        try:
            with single_threaded_blas():
                result = self.optimizer.minimize(
                    value_and_gradient, step.params.copy(), plan.max_epochs, tol, after_iteration
                )
        finally:
            params[:] = reached
        if self.epochs == begin:  # already at a minimum: one evaluation, no iteration
            self.epochs += 1
            on_iteration(Epoch(float(result.fun), 1.0, 0.0))
        return bool(result.success)

    def evaluate(self, data: Data) -> float:
        """Return the weighted mean loss of some rows, without the penalty on the weights.

        Parameters
        ----------
        data : Data
            Rows, encoded as for training.

        Returns
        -------
        loss : float
            Mean loss.
        """
        loss = copy(self.loss)
        rows = self._rows_of_evaluation(data.X)
        loss.allocate(rows, self.network.dtype)
        total = 0.0
        adding = self._adding_replica(rows)
        for x, y, weight in Batches(data, rows, data.mean_weight)():
            raw = self.network.predict(x)
            value, _ = loss.value_and_gradient(raw, y, weight)
            total += (value + adding(x, weight)) * len(y)
        return total / data.n_rows

    def _rows_of_evaluation(self, X):
        """Return how many rows are evaluated at a time."""
        shape = self.network.output_shape
        if None in shape or adding_parts(self.network):
            return min(_ROWS, self.network.chunk_rows(X))
        return max(1, min(_ROWS, _ELEMENTS // prod(shape)))

    def _adding_replica(self, rows):
        """Return a function of a batch that gives what layers add to its loss."""
        if not adding_parts(self.network):
            return lambda x, weight: 0.0
        replica = self.network.replica(rows)
        parts = adding_parts(replica)

        def added(x, weight):
            for part in parts:
                part.row_weights = weight
            with single_threaded_blas():
                replica.forward(x)
            return sum(part.added_loss for part in parts)

        return added

    def carried(self) -> list[Array]:
        """Return what a step changes beside the parameters that the optimizer moves.

        Returns
        -------
        vectors : list of ndarray
            Moving averages of layers, and the average of the weights if any. Not copied.
        """
        beside = self.network.params[self.network.n_trainable :]
        return [vector for vector in (beside, self._average) if vector is not None and len(vector)]

    def _take_up(self, plan):
        self.go_on()
        if plan.averaging is None:
            self._average = None
        elif self._average is None:
            self._average, self._updates = self.network.params.copy(), 0

    def _update_average(self, decay):
        # The first averages are short: a decay of 0.999 would keep the random start for long.
        self._updates += 1
        decay = min(decay, self._updates / (self._updates + 9))
        self._average *= decay
        get_blas_funcs("axpy", (self._average,))(self.network.params, self._average, a=1 - decay)

    @property
    def is_finished(self) -> bool:
        """Whether weights that predict stand in the place of the last step's."""
        return self._unfinished is not None

    def finish(self, best: Array | None = None) -> None:
        """Put in place the weights that predict; the last step's are kept for resumption.

        Parameters
        ----------
        best : ndarray of shape (n_params,), default=None
            The weights to predict with; by default the average, or else the last.
        """
        if best is None and self.is_finished:
            return  # they are in place, and may be the best ones
        chosen = self._average if best is None else best
        if chosen is not None:
            if self._unfinished is None:  # written down before it is changed
                self._unfinished = self.network.params.copy()
            self.network.params[:] = chosen

    @property
    def generators(self) -> tuple[np.random.Generator, np.random.Generator]:
        """Random generators that training advances."""
        return self.order_rng, self.noise_rng

    def go_on(self) -> None:
        """Put the weights of the last step in place again."""
        if self._unfinished is not None:
            self.network.params[:] = self._unfinished
            self._unfinished = None


@dataclass
class EndedTraining:
    """What is left of a `Trainer` that cannot go on.

    Attributes
    ----------
    network : Network
        The trained network.
    samples : int
        Rows seen.
    generators : tuple
        Its random generators, of which there are none.
    """

    network: object
    samples: int
    generators: tuple[()] = ()
