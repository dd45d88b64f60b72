"""Training: the step, the epoch, and the full-batch path of L-BFGS."""

from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from math import isfinite, sqrt
from time import perf_counter

import numpy as np
from scipy.linalg import get_blas_funcs

from .base import Workspace
from .batches import Batches
from .blas import single_threaded_blas
from .layers.in_lanes import put_in_lanes
from .optimizers import Optimizer
from .schedules import Progress


@dataclass
class Epoch:
    """What one pass over the training set did.

    Attributes
    ----------
    number : int
        Epochs since the weights were initialized, this one and broken off ones included.
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
        Whether a loss or gradient was not finite; the weights are those before it.
    """

    number: int
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
    averaging: float | None = None
    shuffle: bool = True
    mean_weight: float = 1.0
    deadline: float | None = None

    @property
    def is_over(self):
        """Whether the time is up."""
        return self.deadline is not None and perf_counter() > self.deadline


class _Step:
    """One step of training: forward, loss, backward, update."""

    def __init__(self, trainer, plan, batch_size):
        network = trainer.network
        self.trainer = trainer
        self.grads = np.zeros_like(network.params)
        self.network = network.replica(batch_size, trainer.noise_rng, self.grads)
        put_in_lanes(self.network.layer, batch_size, network.dtype, trainer.noise_rng)
        self.params = network.params[: network.n_trainable]
        self.trained_grads = self.grads[: network.n_trainable]
        self.loss = trainer.loss
        self.loss.allocate(batch_size, network.dtype)
        self._adding = _adding_parts(self.network)
        self._work = Workspace(batch_size, network.dtype)
        if None not in network.output_shape:  # else outputs have as many steps as the batch
            self._work("grad_raw", (batch_size, *network.output_shape))
        decayed = [g.where for g in network.groups if g.decay and g.rate_factor > 0]
        self._kernels = [(network.params[where], self.grads[where]) for where in decayed]
        self._add_scaled = get_blas_funcs("axpy", dtype=network.dtype)
        self._penalty = plan.alpha / plan.mean_weight
        self._clip_norm = plan.clip_norm
        self._longest_step = float(np.finfo(network.dtype).max) ** 0.5

    def __call__(self, x, y, sample_weight, learning_rate):
        """Return the loss before the step and whether loss and gradient were finite."""
        loss = self.gradient(x, y, sample_weight)
        finite = isfinite(loss) and self._clip(learning_rate)
        if finite:
            self.trainer.built_optimizer().update(self.params, self.trained_grads, learning_rate)
        return loss, finite

    def gradient(self, x, y, sample_weight):
        """Put the gradient of the batch's penalized loss into `grads`; return the loss."""
        for part in self._adding:
            part.row_weights = sample_weight
        raw = self.network.forward(x, training=True)
        out = self._work("grad_raw", raw.shape)
        loss, grad = self.loss.value_and_gradient(raw, y, sample_weight, out)
        loss += sum(part.added_loss for part in self._adding)
        self.network.backward(grad)
        return loss + self._penalize(self._penalty / len(y))

    def _penalize(self, factor):
        if factor == 0:
            return 0.0
        squares = 0.0
        for kernels, grads in self._kernels:
            squares += float(np.dot(kernels, kernels))
            self._add_scaled(kernels, grads, a=factor)
        return 0.5 * factor * squares

    def _clip(self, learning_rate):
        # One pass tells that every element is finite and that a step of this rate leaves the
        # weights finite: an update never spoils them.
        norm = sqrt(np.dot(self.trained_grads, self.trained_grads))
        if self._clip_norm is not None and norm > self._clip_norm:
            self.trained_grads *= self._clip_norm / norm
            norm = self._clip_norm if isfinite(norm) else norm
        return learning_rate * max(norm, 1.0) < self._longest_step


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
    passes : int
        Passes begun so far, those that were broken off included.
    samples : int
        Rows seen so far.
    rate_scale : float
        What an adaptive schedule has multiplied the rate by.
    """

    def __init__(self, network, loss, optimizer, random_state):
        self.network = network
        self.loss = loss
        order_seed, noise_seed = random_state.spawn(2)
        self.order_rng = np.random.default_rng(order_seed)
        self.noise_rng = np.random.default_rng(noise_seed)
        self.epochs = 0.0
        self.passes = 0
        self.samples = 0
        self.rate_scale = 1.0
        self._updates = 0
        self._average = None
        self._unfinished = None
        self.use_optimizer(optimizer)

    def __setstate__(self, state):
        self.__dict__.update(state)
        if self._average is not None:  # joblib may have mapped it read-only
            self._average = np.array(self._average)

    def use_optimizer(self, optimizer):
        """Train with an optimizer from here on, from moments of zero.

        Parameters
        ----------
        optimizer : Optimizer or LBFGS
            How a gradient changes the weights.
        """
        self.optimizer = optimizer
        self._is_built = not isinstance(optimizer, Optimizer)

    def built_optimizer(self):
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

    def run(self, data, plan):
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
        batches = Batches(data, plan.batch_size, plan.mean_weight)
        step = _Step(self, plan, batches.batch_size)
        for _ in range(plan.max_epochs):
            epoch = self._run_epoch(batches, step, plan)
            yield epoch
            if not epoch.complete:
                return

    def _run_epoch(self, batches, step, plan):
        begin, start = perf_counter(), self.epochs
        self.passes += 1
        epoch = Epoch(self.passes, 0.0, 0.0, 0.0)
        seen = 0
        try:
            with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
                for x, y, weight in batches(self.order_rng if plan.shuffle else None):
                    epoch.learning_rate = self._rate(plan, 1 / len(batches))
                    loss, finite = step(x, y, weight, epoch.learning_rate)
                    epoch.loss += loss * len(y)
                    seen += len(y)
                    if not finite:
                        epoch.diverged = True
                        break
                    self.samples += len(y)
                    self.epochs = start + seen / batches.n_rows
                    self._update_average(plan.averaging)
                    if plan.is_over:
                        break
        except KeyboardInterrupt:
            epoch.interrupted = True
        epoch.loss = epoch.loss / seen if seen else float("nan")
        epoch.complete = seen == batches.n_rows and not epoch.diverged
        epoch.seconds = perf_counter() - begin
        return epoch

    def _rate(self, plan, length):
        done = Progress(min(self.epochs / plan.horizon, 1.0), self.epochs, self.samples, length)
        return plan.learning_rate * self.rate_scale * plan.schedule.factor(done)

    def minimize(self, data, plan, tol, on_iteration):
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
        batches = Batches(data, data.n_rows, plan.mean_weight)
        x, y, weight = next(iter(batches()))
        step = _Step(self, plan, batches.batch_size)
        begin, clock = self.epochs, [perf_counter()]
        reached = step.params.copy()  # the trial points of a line search lie elsewhere

        def value_and_gradient(params):
            step.params[:] = params
            return step.gradient(x, y, weight), step.trained_grads

        def after_iteration(params, loss):
            if not isfinite(loss):
                return True
            reached[:] = step.params[:] = params
            self.epochs += 1
            self.passes += 1
            self.samples += data.n_rows
            now = perf_counter()
            epoch = Epoch(self.passes, float(loss), 1.0, now - clock[0])
            clock[0] = now
            return on_iteration(epoch) or plan.is_over

        try:
            with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
                result = self.optimizer.minimize(
                    value_and_gradient, reached, plan.max_epochs, tol, after_iteration
                )
            if np.isfinite(result.x).all():
                reached[:] = result.x
        finally:
            step.params[:] = reached
        if self.epochs == begin:  # already at a minimum: one evaluation, no iteration
            self.epochs += 1
            self.passes += 1
            on_iteration(Epoch(self.passes, float(result.fun), 1.0, 0.0))
        return bool(result.success)

    def evaluate(self, data):
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
        rows = self.network.chunk_rows(data.X) if None in self.network.output_shape else 1024
        loss.allocate(rows, self.network.dtype)
        total = 0.0
        adding = self._adding_replica(rows)
        for x, y, weight in Batches(data, rows, data.mean_weight)():
            raw = self.network.predict(x)
            with np.errstate(over="ignore", invalid="ignore"):
                value, _ = loss.value_and_gradient(raw, y, weight)
            total += (value + adding(x, weight)) * len(y)
        return total / data.n_rows

    def _adding_replica(self, rows):
        """Return a function of a batch that gives what layers add to its loss."""
        if not _adding_parts(self.network):
            return lambda x, weight: 0.0
        replica = self.network.replica(rows)
        parts = _adding_parts(replica)

        def added(x, weight):
            for part in parts:
                part.row_weights = weight
            with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
                replica.forward(x)
            return sum(part.added_loss for part in parts)

        return added

    def _take_up(self, plan):
        """Go back to the weights of the last step, if others were put in their place."""
        if self._unfinished is not None:
            self.network.params[:] = self._unfinished
            self._unfinished = None
        if plan.averaging is None:
            self._average = None
        elif self._average is None:
            self._average, self._updates = self.network.params.copy(), 0

    def _update_average(self, decay):
        if decay is None:
            return
        # The first averages are short: a decay of 0.999 would keep the random start for long.
        self._updates += 1
        decay = min(decay, self._updates / (self._updates + 9))
        self._average *= decay
        get_blas_funcs("axpy", (self._average,))(self.network.params, self._average, a=1 - decay)

    @contextmanager
    def averaged(self):
        """Put the averaged weights in place for the block, if there are any.

        Yields
        ------
        None
            While the average is in place.
        """
        if self._average is None:
            yield
            return
        last = self.network.params.copy()
        self.network.params[:] = self._average
        try:
            yield
        finally:
            self.network.params[:] = last

    def finish(self, best=None):
        """Put in place the weights that predict; the last step's are kept for resumption.

        Parameters
        ----------
        best : ndarray of shape (n_params,), default=None
            The weights to predict with; by default the average, or else the last.
        """
        chosen = self._average if best is None else best
        if chosen is not None:
            self._unfinished = self.network.params.copy()
            self.network.params[:] = chosen


def _adding_parts(network):
    return [part for part in network.layer.walk() if part.adds_loss]
