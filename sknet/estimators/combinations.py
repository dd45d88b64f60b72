"""Checks of the parameters that are each valid and do not go together."""

from functools import cache
from inspect import signature
from numbers import Integral

import numpy as np

from ..base import same
from ..layers import Embedding, Layer
from ..layers.composite import nested_items
from ..mixing import get_mixing
from ..optimizers import LBFGS
from ..places import Places
from .architecture import hidden_sizes


class ParameterChecks:
    """Refuses parameters that contradict each other or would be ignored without a word."""

    def _check_parameters(self):
        """Check what can be checked of the parameters before the data is looked at."""
        self._refuse_fitted_layers()
        self._refuse_options_of_steps()
        self._check_combinations()
        self._make_scorer()  # refuses the name of no scorer

    def _check_combinations(self):
        """Refuse parameters that are each valid and do not go together."""
        if self.layers is not None:
            self._refuse_plain_options("layers")

    def _refuse_plain_options(self, *lists):
        """Refuse what is for plain hidden layers where the user has written all layers.

        Parameters
        ----------
        *lists : str
            Names of the parameters that hold the layers.
        """
        written = " and ".join(f"{name}=..." for name in lists)
        for name, kind in (
            ("dropout", "Dropout"),
            ("normalization", "BatchNorm or LayerNorm"),
            ("hidden_layer_sizes", "Dense"),
        ):
            if not self._is_default(name):
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is for the plain hidden layers; with "
                    f"{written}, put {kind} layers into the list."
                )
        if not self._is_default("activation") and not self._uses_activation(lists):
            raise ValueError(
                f"activation={self.activation!r} is for the plain hidden layers and for layers "
                f"that are written as ints; with {written}, which has none of them, give it to "
                "the layers."
            )

    def _uses_activation(self, lists):
        """Tell whether layers that the user has written take the estimator's activation."""
        items = (item for name in lists for _, item in nested_items(getattr(self, name), name))
        return any(isinstance(item, Integral) for item in items)

    def _is_default(self, name):
        """Tell whether a parameter is as the class, or one that it derives from, has it."""
        value, defaults = getattr(self, name), _defaults(type(self), name)
        if name == "hidden_layer_sizes":
            value, defaults = hidden_sizes(value), map(hidden_sizes, defaults)
        return any(same(value, default) for default in defaults)

    def _refuse_fitted_layers(self):
        for name in self._list_parameters:
            for path, item in nested_items(getattr(self, name), name):
                if isinstance(item, Layer) and item.has_been_built:
                    raise ValueError(
                        f"{path} ({type(item).__name__}) belongs to a fitted network, whose "
                        f"weights {type(self).__name__} would not keep. To start from them "
                        "put sknet.layers.Pretrained(estimator) into the list; to train new "
                        "weights write a new layer."
                    )

    def _refuse_options_of_steps(self):
        if self.solver != "lbfgs" and not isinstance(self.solver, LBFGS):
            return
        for name in ("clip_norm", "clip_value", "accumulation_steps", "averaging", "mixing"):
            if name in self._get_param_names() and not self._is_default(name):
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is for solvers that train by steps; with "
                    f"solver={self.solver!r}, leave it out."
                )

    def _refuse_kernel_constraints(self, optimizer):
        """Refuse constraints of kernels where the optimizer chooses its own steps."""
        bound = [part for part in self.network_.layer.walk() if part.kernel_constraint is not None]
        if isinstance(optimizer, LBFGS) and bound:
            raise ValueError(
                "solver='lbfgs' knows no constraints of kernels; leave out the kernel_constraint "
                f"of {bound[0]._label()}, or choose another solver."
            )

    def _made_mixing(self, data):
        """Return what mixes samples, or refuse what cannot be mixed."""
        mixing = get_mixing(self.mixing)
        if mixing is None:
            return None
        has_places = isinstance(data.y, Places)
        found = None
        if any(isinstance(part, Embedding) for part in self.network_.layer.walk()):
            found = "codes for an Embedding"
        elif not isinstance(data.X, np.ndarray):
            found = "sequences of any length"
        elif not (isinstance(data.y, np.ndarray) or has_places):
            found = "label sequences"
        elif has_places and (data.y.positions is not None or np.ptp(data.y.lengths) > 0):
            found = "padded sequences"
        if found is not None:
            raise ValueError(
                f"mixing={self.mixing!r} expects samples of one shape, an array of numbers, and "
                f"targets of one shape, got {found}. Leave it out."
            )
        mixing.check(self._input_shape, self.network_.output_shape[:-1] if has_places else None)
        return mixing


@cache
def _defaults(cls, name):
    """Return the defaults of a parameter of a class and of those that it derives from."""
    signatures = [signature(c.__init__).parameters for c in cls.__mro__ if "__init__" in vars(c)]
    return [parameters[name].default for parameters in signatures if name in parameters]
