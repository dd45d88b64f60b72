"""Recurrent layers whose gates decide what to keep and what to forget."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ... import kernels
from ...initializers import Initializer, get_initializer
from ...regularization import KernelConstraint, Regularizer
from ...typing import NamedInitializer
from .recurrent import RecurrentLayer


class _ForgetBias(Initializer):
    """Start of the bias of an LSTM: 1 for the forget gate, another initializer for the rest.

    Parameters
    ----------
    rest : str or Initializer
        Initializer of the other gates.
    """

    def __init__(self, rest: str | Initializer = "zeros") -> None:
        self.rest = rest

    def _values(self, rng, shape, fan_in, fan_out):
        values = np.empty(shape)
        get_initializer(self.rest)(rng, shape, fan_in, fan_out, values)
        units = shape[0] // 4
        values[units : 2 * units] = 1.0
        return values


class LSTM(RecurrentLayer):
    """Long short-term memory.

    With * elementwise, s the logistic sigmoid, and the columns of the kernels and the bias in
    four blocks of U, one for each of the gates i, f, c and o, in Keras's order:

        i = s(x_t @ kernel_i + h_{t-1} @ recurrent_kernel_i + bias_i)
        f = s(x_t @ kernel_f + h_{t-1} @ recurrent_kernel_f + bias_f)
        g = tanh(x_t @ kernel_c + h_{t-1} @ recurrent_kernel_c + bias_c)
        o = s(x_t @ kernel_o + h_{t-1} @ recurrent_kernel_o + bias_o)
        c_t = f * c_{t-1} + i * g
        h_t = o * tanh(c_t)

    from h_0 = c_0 = 0. Input shape (T, F), output shape (U,), the last h, or (T, U) with
    `return_sequences`.

    Masked steps, wherever they are, leave the state as it is: the output is that of the
    sequence without them.

    Parameters
    ----------
    units : int
        Size U of the state, at least 1.
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
    unit_forget_bias : bool, default=True
        Whether the bias of the forget gate starts at 1, whatever `bias_initializer` says, so
        that the layer remembers at first.
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
    kernel_ : ndarray of shape (F, 4 * U)
        Weights of the inputs.
    recurrent_kernel_ : ndarray of shape (U, 4 * U)
        Weights of the state.
    bias_ : ndarray of shape (4 * U,)
        Bias.

    References
    ----------
    Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9,
    :doi:`10.1162/neco.1997.9.8.1735`.
    Gers, Schmidhuber and Cummins (2000), Learning to forget: continual prediction with LSTM,
    Neural Computation 12, :doi:`10.1162/089976600300015015`.
    Gal and Ghahramani (2016), A theoretically grounded application of dropout in recurrent
    neural networks, :arxiv:`1512.05287`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import LSTM
    >>> layers = [LSTM(32, return_sequences=True), LSTM(32, dropout=0.2)]
    >>> model = NeuralClassifier(layers=layers, input_shape=(20, 3))
    """

    _parameter_constraints = {
        **RecurrentLayer._parameter_constraints,
        "unit_forget_bias": ["boolean"],
    }

    # The slots of a step are one free, then g, i, f and o. The sigmoids lie together: one tanh
    # serves all gates, as the sums of the sigmoids come halved. While training the slopes of
    # i, f, c and o then fill all but the fourth, which keeps f.
    _n_slots, _first_gate = 5, 1
    _gates = ((2, 1.0), (0, 0.5), (1, 0.5), (3, 0.5))
    _products = ((slice(0, 4), True, True),)
    _input_blocks = (0, 1, 2, 3)
    _n_gradients = 4
    _carried = ("cell",)

    def __init__(
        self,
        units: int,
        *,
        return_sequences: bool = False,
        go_backwards: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        use_bias: bool = True,
        kernel_initializer: NamedInitializer | Initializer | Literal["auto"] = "glorot_uniform",
        recurrent_initializer: NamedInitializer | Initializer = "orthogonal",
        bias_initializer: NamedInitializer | Initializer = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Regularizer | None = None,
        kernel_constraint: KernelConstraint | None = None,
        learning_rate_factor: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.units = units
        self.return_sequences = return_sequences
        self.go_backwards = go_backwards
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
        self.unit_forget_bias = unit_forget_bias
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.learning_rate_factor = learning_rate_factor
        self.trainable = trainable

    def _bias(self, width):
        shape, initializer = super()._bias(width)
        return shape, _ForgetBias(initializer) if self.unit_forget_bias else initializer

    def _run(self):
        self._memory("cell")[: self._steps.n_sequences] = self._start_of("cell")
        super()._run()

    def _squashed(self):
        """List the memory for tanh(c) and then for d h / d c; kept while training."""
        return [squashed for (squashed,) in self._kept_slots("squashed", 1)]

    def _views(self, slots):
        room = 4 if self._training else 2
        parts = (
            slots,
            self._steps.heads(self._memory("cell")),
            self._squashed(),
            self._steps.after(self._states),
            [self._training] * len(slots),
            self._shared_slots("room", room),
        )
        return list(zip(*parts, strict=True))

    _step = staticmethod(kernels.lstm_step)

    def _start_back(self):
        self._memory("grad_cell")[...] = 0.0

    def _views_back(self, slots, grad_gates):
        parts = (
            slots,
            self._squashed(),
            self._steps.heads(self._memory("grad_cell")),
            grad_gates,
            self._shared_slots("room", 4),
        )
        return list(zip(*parts, strict=True))

    _step_back = staticmethod(kernels.lstm_step_back)


class GRU(RecurrentLayer):
    """Gated recurrent unit.

    With * elementwise, s the logistic sigmoid, and the columns of the kernels and of both rows
    of the bias, b and d, in three blocks of U, one for each of z, r and h, in Keras's order:

        z = s(x_t @ kernel_z + b_z + h_{t-1} @ recurrent_kernel_z + d_z)
        r = s(x_t @ kernel_r + b_r + h_{t-1} @ recurrent_kernel_r + d_r)
        g = tanh(x_t @ kernel_h + b_h + r * (h_{t-1} @ recurrent_kernel_h + d_h))
        h_t = z * h_{t-1} + (1 - z) * g

    from h_0 = 0. The reset gate comes after the product with the state, as in cuDNN, in PyTorch
    and in Keras with ``reset_after=True``. Input shape (T, F), output shape (U,), the last h, or
    (T, U) with `return_sequences`.

    Masked steps, wherever they are, leave the state as it is: the output is that of the
    sequence without them.

    Parameters
    ----------
    units : int
        Size U of the state, at least 1.
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
    kernel_ : ndarray of shape (F, 3 * U)
        Weights of the inputs.
    recurrent_kernel_ : ndarray of shape (U, 3 * U)
        Weights of the state.
    bias_ : ndarray of shape (2, 3 * U)
        Biases of the inputs and of the state.

    References
    ----------
    Cho et al. (2014), Learning phrase representations using RNN encoder-decoder for statistical
    machine translation, :arxiv:`1406.1078`.
    Appleyard, Kocisky and Blunsom (2016), Optimizing performance of recurrent neural networks on
    GPUs, :arxiv:`1604.01946`.
    Gal and Ghahramani (2016), A theoretically grounded application of dropout in recurrent
    neural networks, :arxiv:`1512.05287`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import GRU
    >>> model = NeuralClassifier(layers=[("gru", GRU(32))], input_shape=(None, 3))
    >>> model.set_params(layers__gru__units=16).layers
    [('gru', GRU(units=16))]
    """

    # The slots of a step are what inputs give to h, then z, r, what the state gives to h, and a
    # free one. One tanh serves z and r, as their sums come halved. While training the slopes of h
    # and r then take the place of the two parts of h, and that of z fills the free slot.
    _n_slots, _first_gate = 5, 0
    _gates = ((2, 1.0), (0, 0.5), (1, 0.5), (2, 1.0))
    _products = (
        (slice(0, 1), True, False),
        (slice(1, 3), True, True),
        (slice(3, 4), False, True),
    )
    # The gradients are those of the first part of h, z, r and the second part of h.
    _input_blocks = (2, 0, 1)
    _n_gradients = 4
    _carries_state = True

    def __init__(
        self,
        units: int,
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

    def _bias(self, width):
        return (2, width), self.bias_initializer

    def _bias_of(self, block, inputs, states):
        if inputs and states:
            return self.bias_[0, block] + self.bias_[1, block]
        return self.bias_[0 if inputs else 1, block]

    def _assign_bias(self, of_inputs, of_states):
        for position, block in enumerate(self._input_blocks):
            self.bias_grad_[0, self._block(block)] = of_inputs[self._block(position)]
        self.bias_grad_[1] = of_states

    def _views(self, slots):
        parts = (
            slots,
            self._steps.before(self._states),
            self._steps.after(self._states),
            [self._training] * len(slots),
            self._shared_slots("room", 3),
        )
        return list(zip(*parts, strict=True))

    _step = staticmethod(kernels.gru_step)

    def _views_back(self, slots, grad_gates):
        return list(zip(slots, grad_gates, self._shared_slots("room", 3), strict=True))

    _step_back = staticmethod(kernels.gru_step_back)
