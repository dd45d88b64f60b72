"""The simple recurrent layer."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import StrOptions

from ...activations import get_activation
from ...initializers import Initializer
from ...regularization import KernelConstraint, Regularizer
from ...typing import NamedInitializer
from .recurrent import RecurrentLayer


class SimpleRNN(RecurrentLayer):
    """Simple recurrent layer: the state is a dense layer of the input and the last state.

    h_t = activation(x_t @ kernel + h_{t-1} @ recurrent_kernel + bias), from h_0 = 0.
    Input shape (T, F), output shape (U,), or (T, U) with `return_sequences`.

    Masked steps, wherever they are, leave the state as it is: the output is that of the
    sequence without them.

    Parameters
    ----------
    units : int
        Size U of the state, at least 1.
    activation : {"tanh", "relu"}, default="tanh"
        Activation function.
    return_sequences : bool, default=False
        Whether to return the state after each step instead of the last one.
    go_backwards : bool, default=False
        Whether to start at the end of the sequence; the outputs are then in this order, too.
    dropout : float, default=0.0
        Probability that an input is set to zero while training, in [0, 1); the same inputs at
        all steps of a sequence.
    recurrent_dropout : float, default=0.0
        The same for the elements of the last state, where the recurrent kernel multiplies them.
    use_bias : bool, default=True
        Whether to add a bias.
    kernel_initializer : str or sknet.initializers.Initializer, default="glorot_uniform"
        Start of the kernel.
    recurrent_initializer : str or sknet.initializers.Initializer, default="orthogonal"
        Start of the recurrent kernel.
    bias_initializer : str or sknet.initializers.Initializer, default="zeros"
        Start of the bias.
    kernel_regularizer : sknet.regularization.Regularizer, default=None
        Penalty on the kernels, such as ``L1L2(l1=1e-4)``, in addition to `alpha`.
    kernel_constraint : str or sknet.regularization.KernelConstraint, default=None
        What the kernels are brought back to after each step: max_norm, non_negative, unit_norm, or
        an object.
    learning_rate_factor : float, default=1.0
        Multiplies the learning rate of the weights, above 0. L-BFGS takes no notice of it.
    trainable : bool, default=True
        Whether training changes the weights.

    Attributes
    ----------
    kernel_ : ndarray of shape (F, U)
        Weights of the inputs.
    recurrent_kernel_ : ndarray of shape (U, U)
        Weights of the state.
    bias_ : ndarray of shape (U,)
        Bias.

    References
    ----------
    Elman (1990), Finding structure in time, Cognitive Science 14,
    :doi:`10.1207/s15516709cog1402_1`.
    Gal and Ghahramani (2016), A theoretically grounded application of dropout in recurrent
    neural networks, :arxiv:`1512.05287`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import SimpleRNN
    >>> model = NeuralClassifier(layers=[SimpleRNN(16)], input_shape=(20, 3))
    """

    _parameter_constraints = {
        **RecurrentLayer._parameter_constraints,
        "activation": [StrOptions({"tanh", "relu"})],
    }

    def __init__(
        self,
        units: int,
        activation: Literal["tanh", "relu"] = "tanh",
        *,
        return_sequences: bool = False,
        go_backwards: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        use_bias: bool = True,
        kernel_initializer: NamedInitializer | Initializer | Literal["auto"] = "glorot_uniform",
        recurrent_initializer: NamedInitializer | Initializer = "orthogonal",
        bias_initializer: NamedInitializer | Initializer = "zeros",
        kernel_regularizer: Regularizer | None = None,
        kernel_constraint: KernelConstraint | None = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.units = units
        self.activation = activation
        self.return_sequences = return_sequences
        self.go_backwards = go_backwards
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def _make_parts(self):
        super()._make_parts()
        self._activation = get_activation(self.activation)

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory, noise and the activation."""
        super().allocate(batch_size, dtype, rng)
        self._activation.allocate(batch_size, dtype)

    def _views(self, slots):
        return [(slot[0], after) for slot, after in zip(slots, self._after(), strict=True)]

    def _after(self):
        return self._steps.after(self._states)

    def _step(self, gate, after):
        self._activation.forward(gate, after, training=True)

    def _views_back(self, slots, grad_gates):
        return list(zip(grad_gates, self._after(), strict=True))

    def _step_back(self, grad, grad_gate, after):
        np.copyto(grad_gate, grad)
        self._activation.backward(grad_gate, after)
