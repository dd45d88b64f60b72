"""What recurrent layers share."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval, StrOptions

from ...base import Workspace
from ...blas import matmul
from ...initializers import INITIALIZERS, Initializer
from ...regularization import OF_KERNELS
from ...typing import Array, Shape
from ..base import OF_TRAINING
from ..dropout import Dropout, SpatialDropout1D
from ..spatial.axes import LayerOverSteps
from .packing import AllSteps, arrange_steps


class RecurrentLayer(LayerOverSteps):
    """Base class of layers that carry a state from step to step.

    Here is what they have in common: the order of steps, masks, noise, and all products of
    matrices. What a step multiplies by kernels lies in one row, [x_t, 1, h_{t-1}], the 1 for the
    bias, so that one product gives the sums of the gates. A subclass says what a step makes of
    them. While training it also keeps the slopes, the partial derivatives of the step, so that
    `backward` only has to multiply them by gradients.

    Arrays of gates are (gates, rows, U): each gate lies in one piece, which elementwise
    arithmetic is fastest on. Their gradients are (rows, gates * U), ready for products.
    """

    _parameter_constraints = {
        "units": [Interval(Integral, 1, None, closed="left")],
        "return_sequences": ["boolean"],
        "go_backwards": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "recurrent_dropout": [Interval(Real, 0, 1, closed="left")],
        "use_bias": ["boolean"],
        "kernel_initializer": [StrOptions(set(INITIALIZERS)), Initializer],
        "recurrent_initializer": [StrOptions(set(INITIALIZERS)), Initializer],
        "bias_initializer": [StrOptions(set(INITIALIZERS)), Initializer],
        **OF_KERNELS,
        **OF_TRAINING,
    }

    #: Arrays of shape (rows, U) that a step works with, gates and slopes, and where gates begin.
    _n_slots, _first_gate = 1, 0
    #: For each gate the block of the kernels that it is computed with, and a factor for its sum.
    _gates = ((0, 1.0),)
    #: Products that give the sums: of which gates, whether of inputs, and whether of states.
    _products = ((slice(0, 1), True, True),)
    #: Blocks of the kernel that the first blocks of the gradients of the gates belong to; their
    #: last ones belong to the recurrent kernel, in its order.
    _input_blocks = (0,)
    #: Number of blocks of the gradients of the gates.
    _n_gradients = 1
    #: Names of the scratch memory that carries on more than the state from step to step.
    _carried = ()
    #: Whether a part of the state reaches the next one without passing the recurrent kernel.
    _carries_state = False

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is with either dropout."""
        return self.dropout > 0 or self.recurrent_dropout > 0

    @property
    def is_causal(self) -> bool:
        """Whether there is an output for every step, from the first one on."""
        return self.return_sequences and not self.go_backwards

    def build(self, input_shape: Shape) -> Shape:
        """Declare the weights for inputs of shape (T, F)."""
        self._check_axes(input_shape)
        n_steps, features = input_shape
        width = len(self._input_blocks) * self.units
        self.add_weight("kernel", (features, width), self.kernel_initializer, decay=True)
        shape = (self.units, width)
        self.add_weight("recurrent_kernel", shape, self.recurrent_initializer, decay=True)
        if self.use_bias:
            shape, initializer = self._bias(width)
            self.add_weight("bias", shape, initializer, fan=(features, width))
        self._make_parts()
        return (n_steps, self.units) if self.return_sequences else (self.units,)

    def _bias(self, width):
        """Return shape and initializer of the bias."""
        return (width,), self.bias_initializer

    def _make_parts(self):
        """Make what has scratch memory of its own."""
        self._input_noise = SpatialDropout1D(self.dropout)
        self._state_noise = Dropout(self.recurrent_dropout)

    def replicate(self) -> Self:
        """Return a copy that shares the weights and has no scratch memory."""
        copy = super().replicate()
        copy._make_parts()
        return copy

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory and noise."""
        super().allocate(batch_size, dtype, rng)
        self._input_noise.allocate(batch_size, dtype, rng)
        self._state_noise.allocate(batch_size, dtype, rng)
        # For arrays whose size has nothing to do with the batch.
        self._work_of_weights = Workspace(0, dtype)
        self._plan = (None, None)

    def scratch_sizes(self, n_steps: int) -> Iterator[Any]:
        """Yield the elements that a sample takes: outputs, and rows and states of each step."""
        yield from super().scratch_sizes(n_steps)
        n_steps, features = self.input_shape_[0] or n_steps, self.input_shape_[1]
        # An array a step, since only those of one step have to fit the cache at a time.
        yield from [features + 1 + 2 * self.units] * n_steps

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask, in the order of the outputs; None if only the last is returned."""
        if mask is None or not self.return_sequences:
            return None
        return mask[:, ::-1] if self.go_backwards else mask

    # Memory

    def _packed(self, name, width):
        """Return scratch memory for packed rows."""
        # The workspace makes its memory for the largest batch, which is the first axis for it.
        n, n_steps = self._shape
        memory = self._work(name, (n, n_steps * width)).reshape(n * n_steps, width)
        return memory[: self._steps.n_rows]

    def _shared_slots(self, name, n_slots):
        """List, for each step, the same scratch memory, (slots, rows of the step, U)."""
        memory = self._work(name, (self._shape[0], n_slots * self.units))
        return self._steps.shared_slots(memory.reshape(-1), n_slots, self.units)

    def _kept_slots(self, name, n_slots):
        """List the same, with memory of its own for each step while training."""
        if not self._training:
            return self._shared_slots(name, n_slots)
        memory = self._packed(name, n_slots * self.units)
        return self._steps.own_slots(memory.reshape(-1), n_slots, self.units)

    def _memory(self, name):
        """Return scratch memory for what is carried from step to step beside the state."""
        return self._work(name, (self._shape[0], self.units))

    def _state_memory(self):
        """Return scratch memory for the states, with those before the first step."""
        n, n_steps = self._shape
        memory = self._work("states", (n, (n_steps + 1) * self.units)).reshape(-1, self.units)
        memory[: self._steps.n_sequences] = self._start_of("state")
        return memory[: self._steps.n_sequences + self._steps.n_rows]

    def _start_of(self, name):
        """Return what is carried from before the first step, in the order of packed rows."""
        start = self._start.get(name)
        return 0.0 if start is None else self._steps.sort(start)

    def _start_gradient(self, name):
        """Return the gradient of what the run back began from: "state" or a name of `_carried`."""
        return self._steps.unsort(self._memory(f"grad_{name}"))

    # Forward

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Run the steps; return the state after each of them, or after the last."""
        return self._run_from({}, x, training, mask)

    def advance(self, x: Array, memory: dict[str, Any], mask: Array | None = None) -> Array:
        """Run the next steps from the state in memory; return the state after each of them."""
        self._check_causal()
        if mask is not None and not mask.all():
            return self._advance_masked(x, memory, mask)
        out = self._run_from(memory, x)
        memory["state"] = out[:, -1].copy()
        memory.update((name, self._memory(name).copy()) for name in self._carried)
        return out

    def _advance_masked(self, x, memory, mask):
        """Advance step by step; where a step is masked, the state stays as it is."""
        out = np.empty((*x.shape[:2], self.units), x.dtype)
        for step in range(x.shape[1]):
            before, masked = dict(memory), ~mask[:, step]
            self.advance(x[:, step : step + 1], memory)
            for name, values in memory.items():
                values[masked] = before[name][masked] if name in before else 0.0
            out[:, step] = memory["state"]
        return out

    def _run_from(self, start, x, training=False, mask=None):
        """Run the steps from what is in `start`, one row a sequence, by name; else from zero."""
        self._start = start
        n, n_steps = self._shape = x.shape[:2]
        steps = self._steps = arrange_steps(self._shape, mask, self.go_backwards)
        self._training = training
        self._draw_scales()
        self._rows = self._packed("rows", self._columns(True, True).stop)
        steps.pack(self._input_noise.forward(x, training), self._rows[:, : len(self.kernel_)])
        self._rows[:, len(self.kernel_) : -self.units] = 1.0  # what the bias is multiplied by
        self._states = self._state_memory()
        self._run()
        if self.return_sequences:
            out = self._work("out", (n, n_steps, self.units))
            steps.outputs(self._states, out)
        else:
            out = self._work("out", (n, self.units))
            steps.last(self._states, out)
        return out

    def _draw_scales(self):
        """Draw what states are multiplied by at each step, one mask a sequence."""
        self._scales = None
        if self._training and self._state_noise.is_stochastic:
            ones = self._work("ones", (self._shape[0], self.units))
            ones[...] = 1.0
            scale = self._state_noise.forward(ones, training=True)
            self._scales = self._steps.heads(self._steps.sort(scale))

    def _columns(self, inputs, states):
        """Return the columns of rows [x_t, 1, h_{t-1}] that a product takes, the 1 always."""
        features = len(self.kernel_)
        stop = features + self.use_bias
        return slice(0 if inputs else features, stop + self.units if states else stop)

    def _run(self):
        """Run the steps forward."""
        kernels = [self._joint_kernel(*product) for product in self._products]
        # Slicing takes as long as arithmetic on small arrays. The same shapes get the same memory,
        # as long as no other shape has been asked for meanwhile, so a plan serves again.
        key = (*self._shape, self._training) if isinstance(self._steps, AllSteps) else None
        if key is None or key != self._plan[0]:
            self._plan, self._plan_back = (key, self._plan_run(kernels)), None
        scales = self._scales or [None] * len(self._steps.counts)
        for scale, (before, row, products, views) in zip(scales, self._plan[1], strict=True):
            if scale is None:
                np.copyto(row, before)
            else:
                np.multiply(before, scale, out=row)
            for rows, kernel, sums in products:
                np.matmul(rows, kernel, out=sums)
            self._step(*views)

    def _plan_run(self, kernels):
        """List (state before, where to put it, products, views for `_step`) of each step."""
        before, rows = self._steps.before(self._states), self._steps.blocks(self._rows)
        slots = self._kept_slots("slots", self._n_slots)
        plan = []
        for state, row, slot, view in zip(before, rows, slots, self._views(slots), strict=True):
            gates = slot[self._first_gate :]
            products = [
                (row[:, self._columns(*of)], kernel, gates[which])
                for kernel, (which, *of) in zip(kernels, self._products, strict=True)
            ]
            plan.append((state, row[:, -self.units :], products, view))
        return plan

    def _joint_kernel(self, which, inputs, states):
        """Return kernel, bias and recurrent kernel of some gates as one: (gates, columns, U)."""
        columns = self._columns(inputs, states)
        gates = self._gates[which]
        shape = (len(gates), columns.stop - columns.start, self.units)
        joint = self._work_of_weights(f"kernel of {which}", shape)
        for (block, factor), kernel in zip(gates, joint, strict=True):
            block = self._block(block)
            if inputs:
                np.multiply(self.kernel_[:, block], factor, out=kernel[: len(self.kernel_)])
            if states:
                recurrent = self.recurrent_kernel_[:, block]
                np.multiply(recurrent, factor, out=kernel[-self.units :])
            if self.use_bias:
                bias = self._bias_of(block, inputs, states)
                np.multiply(bias, factor, out=kernel[len(self.kernel_) if inputs else 0])
        return joint

    def _block(self, index):
        return slice(index * self.units, (index + 1) * self.units)

    def _bias_of(self, block, inputs, states):
        """Return the bias that a product of inputs, of states or of both brings along."""
        return self.bias_[block]

    # Backward

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Assign the gradients of the weights; return that of x."""
        self._grad_gates = self._packed("grad_gates", self._n_gradients * self.units)
        self._run_back(grad_output)
        self._assign_gradients()
        return self._grad_of_inputs() if input_grad else None

    def _run_back(self, grad_output):
        """Run the steps backward."""
        steps = self._steps
        memory = self._work("grad_state", (self._shape[0], self.units))
        memory[...] = 0.0
        grads = [None] * len(steps.counts)
        if self.return_sequences:
            grads = steps.output_grads(grad_output)
        else:
            ends = steps.sort(grad_output)
            memory[: len(ends)] = ends
        if self._plan_back is None:
            self._plan_back = self._plan_run_back(memory)
        self._start_back()
        # Of a kernel whose rows lie apart, each product would make a copy of its own.
        transposed = self._work_of_weights("transposed", self.recurrent_kernel_.shape[::-1])
        np.copyto(transposed, self.recurrent_kernel_.T)
        for position in reversed(range(len(grads))):
            grad, grad_gates, to_state, views = self._plan_back[position]
            if grads[position] is not None:
                grad += grads[position]
            self._step_back(grad, *views)
            if position == 0 and not self._start:  # the state before is zero, whatever the weights
                break
            matmul(grad_gates, transposed, to_state)
            if self._scales is not None:
                to_state *= self._scales[position]
            if self._carries_state:
                grad += to_state

    def _plan_run_back(self, memory):
        """List (gradient of the state, those of the gates, their product, views) of each step."""
        steps = self._steps
        grads = to_states = steps.heads(memory)
        if self._carries_state:
            to_states = [slots[0] for slots in self._shared_slots("to_state", 1)]
        of_states = steps.blocks(self._of_states(self._grad_gates))
        grad_gates = steps.blocks(self._grad_gates)
        views = self._views_back(self._kept_slots("slots", self._n_slots), grad_gates)
        return list(zip(grads, of_states, to_states, views, strict=True))

    def _start_back(self):
        """Prepare what goes back from step to step beside the gradient of the state."""

    def _of_inputs(self, grad_gates):
        """View the blocks that belong to the kernel."""
        return grad_gates[:, : len(self._input_blocks) * self.units]

    def _of_states(self, grad_gates):
        """View the blocks that belong to the recurrent kernel."""
        return grad_gates[:, -len(self._input_blocks) * self.units :]

    def _assign_gradients(self):
        features = len(self.kernel_)
        of_inputs, of_states = self._of_inputs(self._grad_gates), self._of_states(self._grad_gates)
        if len(self._input_blocks) == self._n_gradients:
            to_inputs = to_states = self._product("joint", of_inputs, True, True)
        else:
            to_inputs = self._product("inputs", of_inputs, True, False)
            to_states = self._product("states", of_states, False, True)
        self.recurrent_kernel_grad_[...] = to_states[-self.units :]
        for position, block in enumerate(self._input_blocks):
            here = self._block(position)
            self.kernel_grad_[:, self._block(block)] = to_inputs[:features, here]
        if self.use_bias:
            self._assign_bias(to_inputs[features], to_states[-self.units - 1])

    def _product(self, name, grads, inputs, states):
        """Return the gradient of kernels that rows have been multiplied by."""
        rows = self._rows[:, self._columns(inputs, states)]
        # Transposed: products that are longer than wide can be shared between threads.
        out = self._work_of_weights(name, (grads.shape[1], rows.shape[1]))
        return matmul(grads.T, rows, out).T

    def _assign_bias(self, of_inputs, of_states):
        self.bias_grad_[...] = of_inputs

    def _grad_of_inputs(self):
        kernel = self._work_of_weights("ordered", self.kernel_.shape)
        for position, block in enumerate(self._input_blocks):
            kernel[:, self._block(position)] = self.kernel_[:, self._block(block)]
        rows = self._packed("grad_rows", len(kernel))
        matmul(self._of_inputs(self._grad_gates), kernel.T, rows)
        grad_x = self._work("grad_x", (*self._shape, len(kernel)))
        self._steps.unpack(rows, grad_x)
        return self._input_noise.backward(grad_x)
