"""What the estimators share: the walk of a fit, and prediction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import nullcontext
from copy import copy
from math import inf
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..activations import ACTIVATIONS, ActivationName
from ..activations import Activation as ActivationFunction
from ..base import Component, copied, same
from ..compatibility import CallbackSupportMixin
from ..initialization import initialize_from_data
from ..inputs import Sequences, in_shape
from ..layers import Dense, Flatten, Sequential
from ..layers.composite import named_layers, takes_sparse
from ..losses import get_loss
from ..network import Network
from ..optimizers import LBFGS, OPTIMIZERS, Optimizer, get_optimizer
from ..schedules import SCHEDULES, Schedule, get_schedule
from ..settings import single_threaded_blas
from ..training import Plan, Trainer
from ..warning import warn
from .architecture import (
    hidden_sizes,
    plain_layers,
    warn_of_channels_first,
    warn_of_own_output,
    warn_of_swapped_axes,
)
from .attributes import FittedAttributes
from .block_training import BlockTraining
from .combinations import ParameterChecks
from .diagram import diagram_of
from .loop import TrainingLoop
from .mismatch import warn_of_mismatch
from .persistence import Persistence
from .rollback import restored_on_error
from .stopping import Patience
from .trained_weights import TrainedWeights
from .unfreezing import changes_of_training
from .validation import DataValidation


class BaseNeuralEstimator(
    FittedAttributes,
    BlockTraining,
    TrainingLoop,
    ParameterChecks,
    DataValidation,
    Persistence,
    TrainedWeights,
    CallbackSupportMixin,
    Component,
    BaseEstimator,
    ABC,
):
    """Base class of the estimators.

    A fit goes: validate, encode y, build, split, train, finish. Subclasses say how y is encoded
    (`_encode_target`), and how raw predictions are read (their ``predict...`` methods).
    """

    _list_parameters = ("layers",)
    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [ActivationName(), ActivationFunction],
        "layers": [list, tuple, None],
        "input_shape": [tuple, list, None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "normalization": [StrOptions({"batch", "layer"}), None],
        "solver": [StrOptions(set(OPTIMIZERS)), Optimizer, LBFGS],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions(set(SCHEDULES)), Schedule, callable],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {inf})],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "scoring": [str, callable],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "clip_value": [Interval(Real, 0, None, closed="neither"), None],
        "accumulation_steps": [Interval(Integral, 1, None, closed="left")],
        "averaging": [Interval(Real, 0, 1, closed="neither"), None],
        "shuffle": ["boolean"],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "dtype": [
            StrOptions({"float32", "float64"}),
            Options(type, {np.float32, np.float64}),
            None,
        ],
    }
    #: Losses that the name `loss` may stand for.
    _losses = {}
    #: Whether the targets are numbers, which a validation set may have on another scale.
    _has_numeric_target = False
    #: Shape of the places at each of which the network predicts; None for one prediction a sample.
    _grid = None
    #: Part of the network that `Pretrained` takes; if empty, all but the output layer.
    _body = ""
    #: How samples are mixed, where an estimator has no such parameter.
    mixing = None
    #: Largest number of rows of a step for ``batch_size="auto"``.
    _auto_batch_size = 200

    @classmethod
    def _registry(cls, parameter):
        """Return the classes that the names stand for which a parameter may be."""
        if parameter == "loss":
            return cls._losses
        families = {"solver": OPTIMIZERS, "learning_rate": SCHEDULES, "activation": ACTIVATIONS}
        return families.get(parameter, {})

    def _store(self, arguments):
        """Store the arguments of ``__init__``, given as its ``locals()``."""
        for name, value in arguments.items():
            if name != "self":
                setattr(self, name, value)

    @abstractmethod
    def _encode_target(self, data, reset):
        """Replace the y of `data` by what the loss takes.

        With `reset`, learn ``_target`` (a `Target`) from it; otherwise check y against it.
        """

    def _scale_target(self, data, validation, reset):
        """Bring the targets to the scale at which the network learns them; by default none.

        With `reset`, learn the scale from the training rows, `data`.
        """

    def _standardize(self, data, name="y"):
        """Bring the targets of some rows to the scale that has been learned."""

    def _fit(self, X, y, sample_weight, X_val, y_val, sample_weight_val, blocks=None):
        deadline = self._deadline()
        resume = self.warm_start and hasattr(self, "network_")
        with restored_on_error(self), single_threaded_blas():
            self._check_parameters()
            with blocks.named() if blocks else nullcontext():
                data = self._check_data(X, y, sample_weight, reset=not resume)
            if resume:
                self._check_same_network()
                self._check_inputs(data)
            else:
                self._start(data)
            if blocks is not None:
                data = self._as_blocks(data, blocks)
            validation = self._check_validation(X_val, y_val, sample_weight_val)
            if validation is not None:
                self._check_inputs(validation.data, "In the validation set: ")
                self._warn_of_mismatch(data, validation.data)
            elif self.early_stopping:
                validation = self._split(data, X, y, sample_weight)
            self._scale_target(data, validation, reset=not resume)
            if not resume:
                self._initialize_from(data)
            self._mean_weight = data.mean_weight
            plan = self._plan(data, self.max_iter, deadline)
            self._train(data, validation, plan, X, y, sample_weight)
        return self

    def _warn_of_mismatch(self, data, validation):
        warn_of_mismatch(type(self).__name__, data, validation, self._has_numeric_target)

    def _partial_fit(self, X, y, sample_weight):
        if self.early_stopping:
            raise ValueError(
                "partial_fit makes one pass over the rows it is given and cannot stop early; set "
                "early_stopping=False."
            )
        first = not hasattr(self, "network_")
        with restored_on_error(self), single_threaded_blas():
            if not first:  # scikit-learn validates the parameters of the first call
                self._validate_params()
            self._check_parameters()
            data = self._check_data(X, y, sample_weight, reset=first)
            if first:
                self._start(data)
            else:
                self._check_same_network()
                self._check_inputs(data)
            self._scale_target(data, None, reset=first)
            if first:
                self._initialize_from(data)
                self._mean_weight = data.mean_weight
            plan = self._plan(data, 1, None)
            try:
                for epoch in self._trainer.run(data, plan):
                    self._record(epoch, None)
                    self._should_stop(epoch, plan)
            finally:
                self._finish()
        return self

    def _check_inputs(self, data, where=""):
        """Let the layers of a built network refuse inputs before the first step."""
        try:
            self.network_.layer.adapt(in_shape(data.used_X, self._input_shape))
            self._try_lengths(data.used_X)
        except ValueError as error:
            raise ValueError(f"{where}{error}") from None

    def _try_lengths(self, X):
        """Run the shortest and the longest sequence, which layers may refuse."""
        if None not in self._input_shape:
            return
        lengths = X.lengths if isinstance(X, Sequences) else [0]
        for row in {int(np.argmin(lengths)), int(np.argmax(lengths))}:
            self.network_.predict(X[row : row + 1])

    def _start(self, data):
        """Make the network, the trainer and an empty history."""
        weights_seed, training_seed, self._split_seed, self._data_seed = self._seeds()
        self._loss = self._make_loss()
        hidden = self._hidden_layers()
        # As the user has written them: what adapts to the data may find other data on resumption.
        self._architecture = clone(hidden, safe=False), self.input_shape
        self._adapt(Sequential(hidden), data)
        output = self._output_layer(hidden, self._loss.build(self._target))
        layer = self._joined([*hidden, ("output", output)])
        self.network_: Network = Network(layer, self._input_shape, data.X.dtype, weights_seed)
        self._check_network()
        warn_of_swapped_axes(self.network_, data.used_X)
        self._try_lengths(data.used_X)
        self.n_outputs_: int = self.network_.output_shape[-1]
        self._trainer = Trainer(
            self.network_,
            self._training_loss(self._loss),
            get_optimizer(self.solver),
            training_seed,
        )
        self._patience = Patience()
        self._converged = False
        self.history_: dict[str, list[float]] = {}
        self.n_iter_ = self.best_iter_ = 0

    def _adapt(self, layer, data):
        """Let layers fill in what was left open, before they are built."""
        names = getattr(self, "feature_names_in_", None)
        if names is not None and len(self._input_shape) == 1:
            layer.resolve_names(names)
        layer.adapt(in_shape(data.used_X, self._input_shape))

    def _make_loss(self):
        return get_loss(self.loss, self._losses)

    def _training_loss(self, loss):
        """Return what the trainer minimizes, of the loss of rows."""
        return loss

    def _output_layer(self, hidden, width):
        """Return the layer that follows the hidden ones, for `width` raw outputs."""
        return Dense(width)

    def _joined(self, layers):
        """Return the layers of the whole network as one."""
        return Sequential(layers)

    def _seeds(self):
        """Draw seeds of weights, training, hold-out and weights from data by `random_state`."""
        state = self.random_state
        if isinstance(state, np.random.RandomState):
            state = state.randint(2**32, size=4, dtype=np.uint32).tolist()
        elif state is not None:
            state = int(state)
        # None takes fresh entropy: NumPy's global generator is neither read nor advanced.
        return np.random.SeedSequence(state).spawn(4)

    def _hidden_layers(self):
        """Return the user's layers, copied, or the plain ones, as (name, layer) pairs."""
        if self.layers is not None:
            pairs = named_layers(copied(list(self.layers), "layers"), self.activation)
            if any(name == "output" for name, _ in pairs):
                raise ValueError(
                    f"layers: 'output' is the name of the layer that {type(self).__name__} adds; "
                    "choose another name."
                )
            return pairs
        sizes = hidden_sizes(self.hidden_layer_sizes)
        options = (self.activation, self.normalization, self.dropout)
        return [*self._flattening(), *plain_layers(sizes, *options)]

    def _flattening(self):
        """Return what makes rows of samples that have several axes, for plain layers."""
        return [("flatten", Flatten())] if len(self._input_shape) > 1 else []

    def _check_network(self):
        shape = self.network_.output_shape
        if shape[:-1] != (self._grid or ()):
            self._refuse_places(dict(self.network_.layer.sublayers())["output"].input_shape_)
        self._check_noise(get_optimizer(self.solver))
        warn_of_channels_first(self.network_)
        if self.layers is not None and "layers" in self._list_parameters:
            built = self.network_.layer.sublayers()[:-1]
            widths = {shape[-1], self._target.n_outputs, *self._target.n_classes}
            warn_of_own_output(built, widths, type(self).__name__)
        elif self.activation == "softmax" and "layers" in self._list_parameters:
            warn(
                "activation='softmax' is that of the hidden layers, which it hardly suits; "
                f"{type(self).__name__} adds the output layer, and its softmax, by itself."
            )

    def _refuse_places(self, shape):
        raise ValueError(
            f"The layers end with outputs of shape {shape}; the output layer needs one vector "
            "a sample. Put a Flatten or a global pooling at the end of layers."
        )

    def _check_noise(self, optimizer):
        if isinstance(optimizer, LBFGS) and self.network_.layer.is_stochastic:
            raise ValueError(
                "solver='lbfgs' needs a loss without noise; remove dropout and noise layers, or "
                "choose another solver."
            )
        self._refuse_kernel_constraints(optimizer)

    def _check_same_network(self):
        """Refuse to resume training with another architecture; follow the other parameters."""
        if not isinstance(self._trainer, Trainer):
            raise ValueError(
                f"This {type(self).__name__} is a copy without its training state, for prediction "
                "alone. Train the estimator that it was made of, or set warm_start=False, or use "
                "clone, to start anew."
            )
        hidden = self._hidden_layers()
        changes = None
        if not same(hidden, self._architecture[0]):
            changes = changes_of_training(hidden, self._architecture[0])
            if changes is None:
                raise ValueError(
                    f"{type(self).__name__} cannot resume training with other layers than it has "
                    "been fitted with; set warm_start=False, or use clone, to start anew."
                )
        self._check_same_form()
        # Changes go to a copy: should a later check fail, the trainer is still as it was.
        self._trainer, self._patience = copy(self._trainer), copy(self._patience)
        if changes:
            self._architecture = clone(hidden, safe=False), self._architecture[1]
            self.network_ = self.network_.rebuilt(clone(self.network_.layer).set_params(**changes))
            self._trainer.use_network(self.network_)
        loss = self._make_loss()
        if not same(loss, self._loss):
            if loss.build(self._target) != self.network_.output_shape[-1]:
                raise ValueError(
                    f"{type(self).__name__} cannot resume training with loss={self.loss!r}, which "
                    "needs another output layer; set warm_start=False, or use clone, to start "
                    "anew."
                )
            self._loss, self._trainer.loss = loss, self._training_loss(loss)
        optimizer = get_optimizer(self.solver)
        if not same(optimizer, self._trainer.optimizer):
            self._check_noise(optimizer)
            self._trainer.use_optimizer(optimizer)

    def _check_same_form(self):
        for name, (value, present) in self._form().items():
            if not same(value, present):
                raise ValueError(
                    f"{type(self).__name__} was fitted with {name}={present} and cannot resume "
                    f"training with {name}={value}; set warm_start=False, or use clone, to start "
                    "anew."
                )

    def _form(self):
        """Return by name what cannot change once there is a network, as it is now and was."""
        present = self.network_.dtype
        return {
            "input_shape": (self.input_shape, self._architecture[1]),
            "dtype": (np.dtype(self.dtype or present), present),
        }

    def _initialize_from(self, data):
        """Set the weights that depend on the training rows."""
        initialize_from_data(self.network_, data, self._data_seed)
        self._set_initial_bias(data)

    def _set_initial_bias(self, data):
        output = dict(self.network_.layer.sublayers())["output"]
        if hasattr(output, "bias_"):
            bias = self._initial_bias(data.used_y, data.used_weight)
            with np.errstate(over="ignore"):
                output.bias_[:] = bias
            if not np.isfinite(output.bias_).all():
                self._refuse_start()

    def _refuse_start(self):
        name = "y" if self.__sklearn_tags__().target_tags.required else "X"
        raise ValueError(
            f"{self._public_name} cannot start {type(self._loss).__name__} at {name}, whose "
            f"mean or spread overflows {self.network_.dtype}. Scale {name}."
        )

    def _initial_bias(self, y, sample_weight):
        return self._loss.initial_bias(y, sample_weight)

    def _plan(self, data, max_epochs, deadline):
        schedule = get_schedule(self.learning_rate)
        self._check_penalty()
        auto = min(self._auto_batch_size, data.n_rows)
        batch_size = auto if self.batch_size == "auto" else self.batch_size
        if batch_size > data.n_rows:
            warn(
                f"batch_size={batch_size} is larger than the {data.n_rows} training rows; all "
                "rows make one batch.",
            )
        epochs = self._trainer.epochs
        return Plan(
            schedule=schedule,
            learning_rate=float(self.learning_rate_init),
            batch_size=int(batch_size),
            max_epochs=int(max_epochs),
            horizon=epochs + max_epochs if max_epochs > 1 else max(self.max_iter, epochs + 1),
            alpha=float(self.alpha),
            clip_norm=None if self.clip_norm is None else float(self.clip_norm),
            clip_value=None if self.clip_value is None else float(self.clip_value),
            accumulation_steps=int(self.accumulation_steps),
            mixing=self._made_mixing(data),
            averaging=None if self.averaging is None else float(self.averaging),
            shuffle=bool(self.shuffle),
            mean_weight=self._mean_weight,
            deadline=deadline,
        )

    def _check_penalty(self):
        """Refuse weights of rows by which nothing can be divided."""
        if self._mean_weight == inf:
            raise ValueError("sample_weight times class_weight overflows; scale them down.")
        with np.errstate(all="ignore"):
            penalty = self.network_.dtype.type(np.float64(self.alpha) / self._mean_weight)
        if not np.isfinite(penalty):
            raise ValueError(
                f"alpha={self.alpha!r} is divided by the mean of sample_weight, which is too "
                f"small for that in {self.network_.dtype}. Scale sample_weight, or set alpha=0."
            )

    def _raw_predictions(self, X):
        """Return the network's raw outputs for X."""
        self._require_fit()
        return self.network_._outputs(self._check_X(X))

    def _require_fit(self):
        if not hasattr(self, "network_"):  # scikit-learn's check takes a tenth of one prediction
            check_is_fitted(self, "network_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = self.input_shape is not None or self.layers is not None
        tags.input_tags.sparse = self._takes_sparse()
        return tags

    def _takes_sparse(self):
        if self.input_shape is not None or self.mixing is not None:
            return False
        # Without hidden layers it is the output layer that takes X.
        nothing_hidden = self.layers is None or (
            isinstance(self.layers, list | tuple) and len(self.layers) == 0
        )
        return nothing_hidden or takes_sparse(self.layers)

    def _sk_visual_block_(self):
        """Show the layers inside the estimator in scikit-learn's HTML diagram."""
        return diagram_of(self)
