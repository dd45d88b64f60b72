import math
import pickle

import numpy as np
import pytest
from scipy import integrate, special
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

from sknet.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Activation,
    FunctionActivation,
    HardSigmoid,
    HardSwish,
    Identity,
    LeakyReLU,
    Logistic,
    Mish,
    ReLU,
    ReLU6,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
    get_activation,
)
from sknet.testing.memory import peak_of


def leaky(slope):
    return lambda x: np.where(x > 0, x, slope * x)


def elu(alpha, scale=1.0):
    return lambda x: scale * np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.vectorize(math.tanh)((2 / math.pi) ** 0.5 * (x + 0.044715 * x**3)))


REFERENCES = [
    pytest.param(Identity(), lambda x: 1.0 * x, id="identity"),
    pytest.param(Logistic(), special.expit, id="logistic"),
    pytest.param(Tanh(), np.vectorize(math.tanh), id="tanh"),
    pytest.param(ReLU(), leaky(0.0), id="relu"),
    pytest.param(LeakyReLU(), leaky(0.01), id="leaky_relu"),
    pytest.param(LeakyReLU(0.0), leaky(0.0), id="leaky_relu-0"),
    pytest.param(LeakyReLU(0.3), leaky(0.3), id="leaky_relu-0.3"),
    pytest.param(LeakyReLU(1), leaky(1.0), id="leaky_relu-1"),
    pytest.param(ELU(), elu(1.0), id="elu"),
    pytest.param(ELU(0.0), elu(0.0), id="elu-0"),
    pytest.param(ELU(0.5), elu(0.5), id="elu-0.5"),
    pytest.param(ELU(2.0), elu(2.0), id="elu-2"),
    pytest.param(SELU(), elu(1.67326324235437728, 1.05070098735548049), id="selu"),
    pytest.param(GELU(), gelu_tanh, id="gelu"),
    pytest.param(GELU(approximate=False), lambda x: x * special.ndtr(x), id="gelu-exact"),
    pytest.param(SiLU(), lambda x: x * special.expit(x), id="silu"),
    pytest.param(Mish(), lambda x: x * np.tanh(np.logaddexp(0, x)), id="mish"),
    pytest.param(Softplus(), lambda x: np.logaddexp(0, x), id="softplus"),
    pytest.param(ReLU6(), lambda x: np.minimum(leaky(0.0)(x), 6), id="relu6"),
    pytest.param(HardSigmoid(), lambda x: np.clip((x + 3) / 6, 0, 1), id="hard_sigmoid"),
    pytest.param(HardSwish(), lambda x: x * np.clip((x + 3) / 6, 0, 1), id="hard_swish"),
    pytest.param(Softsign(), lambda x: x / (1 + np.abs(x)), id="softsign"),
]
every_activation = pytest.mark.parametrize(
    "activation", [pytest.param(case.values[0], id=case.id) for case in REFERENCES]
)
with_reference = pytest.mark.parametrize("activation, reference", REFERENCES)
EXTREMES = [1e4, 1e3, 100.0, 88.0, 50.0, 20.0, 10.0]


def fresh(activation, n_rows, dtype=np.float64):
    activation = clone(activation)
    activation.allocate(n_rows, dtype)
    return activation


def sample(shape=(50, 8), dtype=np.float64, seed=0):
    x = np.random.default_rng(seed).normal(scale=3.0, size=shape)
    # The central differences of the tests must not straddle a kink at 0.
    return np.where(np.abs(x) < 1e-3, 0.5, x).astype(dtype)


def derivative(activation, x):
    activation = fresh(activation, len(x), x.dtype)
    out = activation.forward(x, np.empty_like(x), training=True)
    return activation.backward(np.ones_like(x), out)


def test_every_name_has_a_reference():
    tested = {type(case.values[0]) for case in REFERENCES}
    assert set(ACTIVATIONS.values()) == tested | {Softmax}


@with_reference
@pytest.mark.parametrize("shape", [(6, 5), (4, 3, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("training", [False, True])
def test_forward_equals_reference(activation, reference, shape, training):
    x = sample(shape)
    before = x.copy()
    out = np.empty_like(x)
    returned = fresh(activation, shape[0]).forward(x, out, training)
    assert returned is out
    np.testing.assert_allclose(out, reference(before), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(x, before)


@with_reference
@pytest.mark.parametrize("shape", [(40, 10), (4, 10, 10), (2, 2, 10, 10)])
def test_derivative_equals_central_difference_of_reference(activation, reference, shape):
    x = sample(shape)
    step = 1e-5
    expected = (reference(x + step) - reference(x - step)) / (2 * step)
    np.testing.assert_allclose(derivative(activation, x), expected, rtol=1e-6, atol=1e-9)


@every_activation
def test_backward_multiplies_the_gradient_in_place(activation):
    x = sample()
    grad = np.random.default_rng(1).normal(size=x.shape)
    expected = grad * derivative(activation, x)
    activation = fresh(activation, len(x))
    out = activation.forward(x, np.empty_like(x), training=True)
    kept = out.copy()
    returned = activation.backward(grad, out)
    assert returned is grad
    np.testing.assert_allclose(grad, expected, rtol=1e-13)
    np.testing.assert_array_equal(out, kept)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(6, 5), (2, 3, 4, 5)])
def test_an_activation_of_plain_functions_is_what_they_are(shape, dtype):
    ours = FunctionActivation(np.tanh, lambda x: 1 - np.tanh(x) ** 2)
    x = sample(shape, dtype)
    for activation in (ours, pickle.loads(pickle.dumps(ours)), get_activation(ours)):
        fitted = fresh(activation, len(x), dtype)
        inside = x.copy()
        assert fitted.forward(inside, inside, training=True) is inside
        np.testing.assert_array_equal(inside, np.tanh(x))
        tolerance = 1e-5 if dtype == np.float32 else 1e-12
        expected = derivative(Tanh(), x)
        np.testing.assert_allclose(derivative(activation, x), expected, tolerance, tolerance)


def test_functions_of_other_types_and_with_kinks_are_taken():
    get_activation(FunctionActivation(lambda x: np.clip(x, 0, 6), lambda x: (x > 0) & (x < 6)))
    get_activation(FunctionActivation(lambda x: (x + 1).tolist(), lambda x: np.ones(x.shape, int)))


def test_functions_are_not_given_what_they_could_write_to_in_the_check():
    for parts in [(lambda x: np.exp(x, out=x), np.exp), (np.exp, lambda x: np.exp(x, out=x))]:
        with pytest.raises(ValueError, match="writes to x; let it compute in an array of"):
            get_activation(FunctionActivation(*parts))


@every_activation
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_place_equals_out_of_place(activation, dtype):
    x = sample(dtype=dtype)
    apart, within = fresh(activation, len(x), dtype), fresh(activation, len(x), dtype)
    out = apart.forward(x, np.empty_like(x), training=True)
    inside = x.copy()
    assert within.forward(inside, inside, training=True) is inside
    np.testing.assert_array_equal(inside, out)
    grads = np.ones_like(x), np.ones_like(x)
    np.testing.assert_array_equal(within.backward(grads[0], inside), apart.backward(grads[1], out))


@every_activation
def test_prediction_does_not_disturb_what_backward_needs(activation):
    x, other = sample(seed=0), sample(seed=1)
    expected = derivative(activation, x)
    activation = fresh(activation, len(x))
    out = activation.forward(x, np.empty_like(x), training=True)
    activation.forward(other, np.empty_like(other), training=False)
    np.testing.assert_array_equal(activation.backward(np.ones_like(x), out), expected)


@with_reference
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sign", [-1, 1])
def test_extreme_values_neither_warn_nor_overflow(activation, reference, dtype, sign):
    x = sign * np.array([EXTREMES, EXTREMES], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        activation = fresh(activation, 2, dtype)
        out = activation.forward(x, np.empty_like(x), training=True)
        grad = activation.backward(np.ones_like(x), out)
    tolerance = 50 * np.finfo(dtype).eps
    np.testing.assert_allclose(
        out, reference(x.astype(np.float64)), rtol=tolerance, atol=20 * tolerance
    )
    far = x.astype(np.float64)
    slope = (reference(far + 1e-4) - reference(far - 1e-4)) / 2e-4
    np.testing.assert_allclose(grad, slope, rtol=1e-3, atol=1e-3)


@every_activation
def test_nan_is_passed_on(activation):
    x = np.array([[1.0, np.nan, -1.0]])
    out = fresh(activation, 1).forward(x, np.empty_like(x), training=True)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(x))


@every_activation
def test_float32_is_near_float64(activation):
    x = sample(dtype=np.float32)
    results = []
    for dtype in (np.float32, np.float64):
        part = fresh(activation, len(x), dtype)
        values = x.astype(dtype)
        out = part.forward(values, np.empty_like(values), training=True)
        results.append((out, part.backward(np.ones_like(out), out)))
    assert results[0][0].dtype == results[0][1].dtype == np.float32
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5, atol=2e-6)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-5, atol=5e-6)


@with_reference
def test_small_values_are_exact_to_rounding_in_float32(activation, reference):
    lowest = -5.0 if isinstance(activation, GELU) else -85.0
    x = np.linspace(lowest, -3, 200, dtype=np.float32).reshape(-1, 1)
    out = fresh(activation, len(x), np.float32).forward(x, np.empty_like(x))
    exact = reference(x.astype(np.float64))
    # The argument of GELU's exponential is about 17 at -5, so its rounding counts 17 times.
    np.testing.assert_allclose(out, exact, rtol=3e-6 if isinstance(activation, GELU) else 1e-6)


@pytest.mark.parametrize(
    ("activation", "slope"),
    [
        (Logistic(), lambda x: special.expit(x) * special.expit(-x)),
        (SiLU(), lambda x: special.expit(x) * (1 + x * special.expit(-x))),
        (Softplus(), special.expit),
    ],
    ids=repr,
)
def test_small_derivatives_are_exact_to_rounding_in_float32(activation, slope):
    x = np.linspace(-85, -3, 200, dtype=np.float32).reshape(-1, 1)
    np.testing.assert_allclose(derivative(activation, x), slope(x.astype(np.float64)), rtol=1e-6)


@every_activation
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_that_grows_with_the_batch_is_allocated_after_the_first_call(activation, dtype):
    x = sample((4096, 64), dtype)
    activation = fresh(activation, len(x), dtype)
    out, grad = np.empty_like(x), np.ones_like(x)

    def step():
        activation.forward(x, out, training=True)
        activation.backward(grad, out)
        activation.forward(x[:1000], out[:1000])

    step()
    assert peak_of(step) < x.nbytes / 4


@every_activation
def test_short_long_and_differently_shaped_batches_agree(activation):
    x = sample((30, 4))
    expected = fresh(activation, 30).forward(x, np.empty_like(x))
    activation = fresh(activation, 10)
    for rows in (10, 3, 30, 1):
        out = activation.forward(x[:rows], np.empty((rows, 4)), training=True)
        np.testing.assert_array_equal(out, expected[:rows])
    wide = activation.forward(x.reshape(10, 12), np.empty((10, 12)))
    np.testing.assert_array_equal(wide.reshape(30, 4), expected)
    empty = np.empty((0, 4))
    assert activation.forward(empty, empty).shape == (0, 4)


@every_activation
def test_pickle_and_clone_compute_the_same(activation):
    x = sample()
    original = fresh(activation, len(x))
    expected = original.forward(x, np.empty_like(x), training=True)
    loaded = pickle.loads(pickle.dumps(original))
    np.testing.assert_array_equal(loaded.forward(x, np.empty_like(x)), expected)
    assert len(pickle.dumps(original)) < x.nbytes
    assert loaded.get_params() == clone(original).get_params() == activation.get_params()


def test_derivatives_at_zero_are_those_of_the_left_side():
    zero = np.zeros((1, 1))
    assert derivative(ReLU(), zero) == 0.0
    assert derivative(LeakyReLU(0.2), zero) == 0.2
    assert derivative(ELU(0.5), zero) == 0.5


def test_selu_keeps_mean_0_and_variance_1_of_normal_values():
    def moment(power):
        def integrand(z):
            value = fresh(SELU(), 1).forward(np.array([[z]]), np.empty((1, 1)))[0, 0]
            return value**power * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

        return sum(integrate.quad(integrand, *ends)[0] for ends in ((-12, 0), (0, 12)))

    assert moment(1) == pytest.approx(0.0, abs=1e-9)
    assert moment(2) == pytest.approx(1.0, abs=1e-9)


def test_approximate_gelu_is_within_its_documented_distance_of_the_exact_one():
    x = np.linspace(-8, 8, 4001).reshape(-1, 1)
    exact, approximate = (
        fresh(GELU(approximate=flag), len(x)).forward(x, np.empty_like(x))
        for flag in (False, True)
    )
    assert 1e-4 < np.abs(exact - approximate).max() < 5e-4


def test_numpy_scalars_as_parameters_keep_float32():
    x = sample(dtype=np.float32)
    for part in (LeakyReLU(np.float64(0.01)), ELU(np.float64(1.5))):
        assert derivative(part, x).dtype == np.float32


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_get_activation_makes_one_by_name(name):
    assert type(get_activation(name)) is ACTIVATIONS[name]
    assert get_activation(name) is not get_activation(name)


def test_get_activation_of_none_is_the_identity():
    assert isinstance(get_activation(None), Identity)


def test_get_activation_knows_the_logistic_by_two_names():
    assert isinstance(get_activation("logistic"), Logistic)
    assert isinstance(get_activation("sigmoid"), Logistic)


def test_get_activation_clones_an_instance():
    given = fresh(LeakyReLU(0.2), 4)
    made = get_activation(given)
    assert made is not given
    assert made.negative_slope == 0.2
    assert not hasattr(made, "_work")


class Cube(Activation):
    initializer = "lecun_uniform"

    def __init__(self, factor=1.0):
        self.factor = factor

    def forward(self, x, out, training=False):
        if training:
            slope = self._work("derivative", x.shape)
            np.square(x, out=slope)
            slope *= 3 * self.factor
        np.power(x, 3, out=out)
        out *= self.factor
        return out

    def backward(self, grad, out):
        return np.multiply(grad, self._work("derivative", grad.shape), out=grad)


def test_get_activation_takes_a_class_of_the_user():
    made = get_activation(Cube(factor=2.0))
    assert isinstance(made, Cube)
    x = np.array([[1.0, -2.0]])
    made.allocate(1, np.float64)
    np.testing.assert_allclose(made.forward(x, np.empty_like(x), training=True), [[2.0, -16.0]])
    np.testing.assert_allclose(made.backward(np.ones((1, 2)), x), [[6.0, 24.0]])


@pytest.mark.parametrize(
    "part",
    [LeakyReLU(-0.1), LeakyReLU(1.5), LeakyReLU("a"), ELU(-1.0), ELU(None), GELU("tanh")],
    ids=repr,
)
def test_parameters_out_of_range_are_refused(part):
    with pytest.raises(InvalidParameterError):
        part._validate_params()


@every_activation
def test_parameters_in_range_are_accepted(activation):
    activation._validate_params()


def test_selu_starts_with_lecuns_kernels_and_all_others_with_glorots():
    found = {name: activation.initializer for name, activation in ACTIVATIONS.items()}
    assert found.pop("selu") == "lecun_normal"
    assert set(found.values()) == {"glorot_uniform"}


def test_softmax_is_that_of_scipy_with_the_jacobian_of_the_formula():
    x, grad = sample((6, 3, 5)), sample((6, 3, 5), seed=1)
    activation = fresh(Softmax(), 6)
    out = activation.forward(x, np.empty_like(x), training=True)
    p = special.softmax(x, axis=-1)
    np.testing.assert_allclose(out, p, rtol=1e-12)
    jacobian = p[..., None] * (np.eye(5) - p[..., None, :])
    expected = np.einsum("ntij,ntj->nti", jacobian, grad)
    np.testing.assert_allclose(activation.backward(grad.copy(), out), expected, atol=1e-12)
    huge = np.array([[1e4, 0.0, -1e4]])
    np.testing.assert_array_equal(fresh(Softmax(), 1).forward(huge, huge), [[1, 0, 0]])
