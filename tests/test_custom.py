"""Custom classes that break the contract: each is told of by name, and leaves the data alone."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array

from sknet import NeuralClassifier, NeuralRegressor
from sknet.activations import Activation
from sknet.initializers import Initializer
from sknet.layers import (
    GRU,
    Conv1D,
    Dense,
    GlobalAveragePool1D,
    Lambda,
    Layer,
    Residual,
    Scaling,
)
from sknet.layers import Activation as ActivationLayer
from sknet.losses import LogLoss, Loss
from sknet.mixing import Mixing
from sknet.optimizers import Optimizer
from sknet.regularization import KernelConstraint, Regularizer
from sknet.schedules import Schedule

X = np.random.default_rng(0).normal(size=(40, 4))
TARGET, BITS = X[:, 0], (X[:, 0] > 0).astype(int)


class First(Layer):
    """The first columns, and what may be wrong with them."""

    def __init__(self, n=3, shape=None, out=None, grad=None):
        self.n, self.shape, self.out, self.grad = n, shape, out, grad

    def build(self, input_shape):
        return (self.n,) if self.shape is None else self.shape

    def forward(self, x, training=False, mask=None):
        return x[:, : self.n] if self.out is None else self.out(x)

    def backward(self, grad_output, input_grad=True):
        if self.grad is not None:
            return self.grad(grad_output)
        n_left = self.input_shape_[-1] - self.n
        return np.pad(grad_output, [(0, 0), (0, n_left)])


class Doubled(First):
    """Twice what the layer computes, and its width."""

    def build(self, input_shape):
        (n,) = super().build(input_shape)
        return (2 * n,)

    def forward(self, x, training=False, mask=None):
        return np.repeat(super().forward(x, training, mask), 2, axis=1)

    def backward(self, grad_output, input_grad=True):
        return super().backward(grad_output.reshape(len(grad_output), -1, 2).sum(axis=2))


def zeroed(x):
    x *= 0
    return x


WRONG = {
    "no shape": (
        {"shape": 3},
        r"build has to return the shape of an output, a tuple of",
    ),
    "names": ({"shape": ("a",)}, r"build .* a tuple of int, got \('a',\)\."),
    "width": (
        {"shape": (7,)},
        r"forward .* shape \(40, 7\), as build said, got shape",
    ),
    "rows": ({"out": lambda x: x[:1, :3]}, r"forward .* got shape \(1, 3\) and dtype"),
    "nothing": ({"out": lambda x: None}, r"forward .* as build said, got None\."),
    "complex": ({"out": lambda x: x[:, :3] * 1j}, "forward .* dtype complex128"),
    "gradient": (
        {"grad": lambda grad: grad},
        r"backward .* of shape \(40, 4\), the gradient of its input, got shape \(40, 3\)",
    ),
    "no gradient": ({"grad": lambda grad: None}, r"backward .* got None\."),
    "in place": ({"n": 4, "out": zeroed}, "forward must not write to its input"),
}


@pytest.mark.parametrize(("parameters", "match"), WRONG.values(), ids=WRONG)
def test_what_breaks_the_contract_is_told_of_by_name(parameters, match):
    layers = [Dense(4), ("own", First(**parameters)), Dense(2, activation="relu")]
    with pytest.raises(ValueError, match=rf"Layer 'layers__own' \(First\): {match}"):
        NeuralClassifier(layers=layers, max_iter=2).fit(X, BITS)


def test_the_users_data_cannot_be_written():
    kept = X.copy()
    layers = [Residual([First(4, out=zeroed)])]
    with pytest.raises(ValueError, match=r"\(First\): forward must not write to its input"):
        NeuralRegressor(layers=layers, max_iter=2).fit(X, TARGET)
    np.testing.assert_array_equal(X, kept)


def test_calls_of_super_are_not_checked():
    model = NeuralRegressor(layers=[Dense(4), Doubled(2)], max_iter=2, tol=0).fit(X, TARGET)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(ValueError, match=r"\(Doubled\): forward .* \(40, 4\), as build said"):
        NeuralRegressor(layers=[Doubled(2, out=lambda x: x[:, :1])], max_iter=2).fit(X, TARGET)


@pytest.mark.parametrize("function", [lambda x: None, lambda x: x * 1j])
def test_functions_of_a_lambda_return_real_numbers(function):
    with pytest.raises(
        ValueError, match="expects a function that returns real numbers, got dtype"
    ):
        layers = [Lambda(function, lambda x, grad: grad)]
        NeuralRegressor(layers=layers, max_iter=2).fit(X, TARGET)


class OwnLoss(Loss):
    def __init__(self, found):
        self.found = found

    def value_and_gradient(self, raw, y, sample_weight=None, out=None):
        return self.found(raw - y)


class OwnActivation(Activation):
    def __init__(self, out=None, grad=None):
        self.out, self.grad = out, grad

    def forward(self, x, out, training=False):
        return x if self.out is None else self.out(x)

    def backward(self, grad, out):
        return grad if self.grad is None else self.grad(grad)


class OwnOptimizer(Optimizer):
    def __init__(self, found):
        self.found = found

    def _step(self, grads, moments, out, rate, constants):
        return self.found(grads)


class OwnSchedule(Schedule):
    def _factor(self, progress):
        return -1.0


class OwnConstraint(KernelConstraint):
    def apply(self, kernel):
        return np.abs(kernel)


class OwnPenalty(Regularizer):
    def penalty(self, kernel, grad):
        grad += kernel


class OwnMixing(Mixing):
    def _blend(self, x, partners, shares):
        x *= 0.5
        return x, shares


class OwnInitializer(Initializer):
    def __init__(self, found):
        self.found = found

    def _values(self, rng, shape, fan_in, fan_out):
        return self.found(shape)


PARTS = [
    (
        {"layers": [Dense(3, kernel_initializer=OwnInitializer(lambda shape: None))]},
        r"OwnInitializer\._values .* broadcast to the shape \(4, 3\) of the weights, got None",
    ),
    (
        {"layers": [Dense(3, kernel_initializer=OwnInitializer(lambda shape: np.eye(3, 4)))]},
        r"OwnInitializer\._values has to return real numbers that broadcast",
    ),
    ({"learning_rate": OwnSchedule()}, r"OwnSchedule\._factor .* at least 0, got -1\.0"),
    ({"layers": [Dense(3, kernel_constraint=OwnConstraint())]}, r"apply has to change the kernel"),
    (
        {"layers": [Dense(3, kernel_regularizer=OwnPenalty())]},
        r"penalty has .*, got None",
    ),
    ({"loss": OwnLoss(lambda r: None)}, r"OwnLoss\.value_and_gradient .* a pair, .*, got None"),
    ({"loss": OwnLoss(lambda r: (r, r))}, "a pair, the mean loss as a number and the gradient"),
    ({"loss": OwnLoss(lambda r: (1.0, r[:, 0]))}, r"shape \(40, 1\), like raw, got shape \(40,\)"),
    (
        {"activation": OwnActivation(lambda x: None)},
        r"OwnActivation\.forward .*, like x, got None",
    ),
    ({"activation": OwnActivation(None, lambda g: g[:3])}, r"backward .* got shape \(3, 5\)"),
    ({"solver": OwnOptimizer(lambda g: None)}, r"OwnOptimizer\._step .* like grads, got None"),
    ({"solver": OwnOptimizer(lambda g: g * 1j)}, "like grads, got .* dtype complex128"),
]


@pytest.mark.parametrize(("parameters", "match"), PARTS)
def test_losses_activations_and_optimizers_are_checked_too(parameters, match):
    with pytest.raises(ValueError, match=match):
        given = {"layers": [Dense(5, activation="relu")], **parameters}
        if "activation" in parameters:
            given = {"hidden_layer_sizes": (5,), **parameters}
        NeuralRegressor(max_iter=2, **given).fit(X, TARGET)


def test_mixtures_are_not_written_over_the_samples():
    with pytest.raises(ValueError, match=r"OwnMixing\._blend must not write to x"):
        NeuralClassifier((5,), max_iter=2, mixing=OwnMixing(alpha=0.2)).fit(X, BITS)


class Plain(Layer):
    """Passes its input on."""

    def build(self, input_shape):
        return input_shape

    def forward(self, x, training=False, mask=None):
        return x

    def backward(self, grad_output, input_grad=True):
        return grad_output


class Static(Plain):
    @staticmethod
    def forward(x, training=False, mask=None):
        return x


class OwnDense(Dense):
    def forward(self, x, training=False, mask=None):
        return super().forward(x, training, mask)


class ReadOnlyGradient(Plain):
    def backward(self, grad_output, input_grad=True):
        return np.broadcast_to(grad_output, grad_output.shape)


class Double(Plain):
    def forward(self, x, training=False, mask=None):
        return x * np.float64(1)

    def backward(self, grad_output, input_grad=True):
        return grad_output * np.float64(1)


@pytest.mark.parametrize("layer", [Static(), ReadOnlyGradient(), Double()])
def test_layers_that_pass_on_change_nothing(layer):
    given = {"max_iter": 3, "tol": 0, "random_state": 0, "dtype": "float32"}
    found, expected = (
        NeuralRegressor(layers=[Dense(3), each, Scaling()], **given).fit(X, TARGET).predict(X)
        for each in (layer, Plain())
    )
    np.testing.assert_array_equal(found, expected)


def test_custom_layers_take_sparse_rows():
    sparse = csr_array(np.where(X > 0, X, 0))
    found, expected = (
        NeuralRegressor(layers=[kind(3)], max_iter=2, tol=0, random_state=0).fit(sparse, TARGET)
        for kind in (OwnDense, Dense)
    )
    np.testing.assert_array_equal(found.predict(sparse), expected.predict(sparse))


class Writing:
    """A mixin."""

    def forward(self, x, training=False, mask=None):
        return zeroed(x)


class Mixed(Writing, Plain):
    pass


class Centered(Plain):
    def adapt(self, x):
        x -= x.mean(axis=0)


class WritingLoss(Loss):
    def value_and_gradient(self, raw, y, sample_weight=None, out=None):
        y -= raw
        return float((y**2).mean()), np.multiply(y, -2 / len(y), out=out)


WRITING = [
    {"layers": [Mixed()]},
    {"layers": [Centered()]},
    {"loss": WritingLoss()},
    {"layers": [ActivationLayer(OwnActivation(zeroed))]},
]


@pytest.mark.parametrize("parameters", WRITING)
def test_nothing_of_the_user_is_written(parameters):
    x, y = X.copy(), TARGET.copy()
    with pytest.raises(ValueError, match="must not write to"):
        NeuralRegressor(max_iter=2, **parameters).fit(x, y)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, TARGET)


def test_bools_of_a_layer_are_numbers():
    def predicted(function):
        layers = [First(4, out=function, grad=np.zeros_like), GlobalAveragePool1D()]
        steps = X.reshape(40, 2, 2)
        layers[0].set_params(shape=(2, 2))
        model = NeuralRegressor(layers=layers, max_iter=2, tol=0, random_state=0)
        return model.fit(steps, TARGET).predict(steps)

    found = predicted(lambda x: x > 0)
    np.testing.assert_array_equal(found, predicted(lambda x: (x > 0).astype(float)))
    assert len(np.unique(found)) > 2


class OwnMemory(LogLoss):
    """Returns an array of its own in place of `out`."""

    def value_and_gradient(self, raw, y, sample_weight=None, out=None):
        value, gradient = super().value_and_gradient(raw, y, sample_weight)
        kept = self._work("kept", raw.shape)
        kept[:] = gradient
        return value, kept


@pytest.mark.parametrize(
    ("parameters", "y"),
    [({"mixing": "mixup"}, BITS), ({"layers": [Conv1D(2, 1)]}, np.c_[BITS, 1 - BITS])],
)
def test_a_loss_may_return_memory_of_its_own(parameters, y):
    x = X.reshape(40, 2, 2) if "layers" in parameters else X
    given = {"max_iter": 3, "tol": 0, "random_state": 0, **parameters}
    curves = [
        NeuralClassifier(loss=loss, **given).fit(x, y).loss_curve_
        for loss in (OwnMemory(), LogLoss())
    ]
    assert curves[0] == curves[1]


def test_an_optimizer_may_return_its_gradients():
    def in_place(grads):
        grads *= 0.01
        return grads

    given = {"max_iter": 3, "tol": 0, "random_state": 0}
    found, expected = (
        NeuralRegressor((5,), solver=OwnOptimizer(step), **given).fit(X, TARGET).predict(X)
        for step in (in_place, lambda grads: 0.01 * grads)
    )
    np.testing.assert_array_equal(found, expected)


def test_a_mask_is_one_of_bool():
    class Marking(Plain):
        def compute_mask(self, x, mask):
            return np.ones(x.shape[:2])

    with pytest.raises(
        ValueError, match=r"\(Marking\): compute_mask has to return None, or a mask"
    ):
        NeuralRegressor(layers=[Marking(), GRU(2)]).fit(X.reshape(40, 2, 2), TARGET)
