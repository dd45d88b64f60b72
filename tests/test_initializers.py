import math

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

from sknet import NeuralClassifier
from sknet.initializers import (
    INITIALIZERS,
    Constant,
    HeNormal,
    Initializer,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    VarianceScaling,
    Zeros,
    get_initializer,
)
from sknet.layers import Dense

SHAPE, FAN_IN, FAN_OUT = (300, 200), 50, 150
# With fans that differ from the shape: 2 / (50 + 150), 2 / 50 and 1 / 50.
VARIANCES = {"glorot": 0.01, "he": 0.04, "lecun": 0.02}
every_name = pytest.mark.parametrize("name", INITIALIZERS)


def fill(initializer, shape=SHAPE, fan_in=FAN_IN, fan_out=FAN_OUT, dtype=np.float64, seed=0):
    out = np.full(shape, np.nan, dtype)
    assert initializer(np.random.default_rng(seed), shape, fan_in, fan_out, out) is None
    return out


@pytest.mark.parametrize("rule", VARIANCES)
def test_scaled_normal_weights_are_plain_normal_of_the_right_variance(rule):
    weights = fill(get_initializer(f"{rule}_normal"))
    stddev = math.sqrt(VARIANCES[rule])
    assert weights.mean() == pytest.approx(0.0, abs=5 * stddev / math.sqrt(weights.size))
    assert weights.var() == pytest.approx(VARIANCES[rule], rel=0.03)
    for sigmas in (1.0, 2.0, 3.0):
        beyond = np.mean(np.abs(weights) > sigmas * stddev)
        assert beyond == pytest.approx(math.erfc(sigmas / math.sqrt(2)), rel=0.25)


@pytest.mark.parametrize("rule", VARIANCES)
def test_scaled_uniform_weights_fill_their_interval(rule):
    weights = fill(get_initializer(f"{rule}_uniform"))
    limit = math.sqrt(3 * VARIANCES[rule])
    assert 0.999 * limit < weights.max() <= limit
    assert -0.999 * limit > weights.min() >= -limit
    assert weights.var() == pytest.approx(VARIANCES[rule], rel=0.03)
    assert np.mean(weights < limit / 2) == pytest.approx(0.75, abs=0.01)


def test_variance_scaling_takes_fans_below_one_as_one():
    weights = fill(HeNormal(), fan_in=0)
    assert weights.var() == pytest.approx(2.0, rel=0.03)


def test_variance_scaling_can_be_subclassed():
    class Wide(VarianceScaling):
        scale = 3.0
        fan = "average"
        distribution = "uniform"

    weights = fill(get_initializer(Wide()))
    assert weights.var() == pytest.approx(0.03, rel=0.03)
    assert np.abs(weights).max() <= 0.3


def test_random_normal_has_its_mean_and_stddev():
    weights = fill(RandomNormal(mean=2.0, stddev=0.5))
    assert weights.mean() == pytest.approx(2.0, abs=0.02)
    assert weights.std() == pytest.approx(0.5, rel=0.02)
    assert fill(RandomNormal()).std() == pytest.approx(0.05, rel=0.02)


def test_random_normal_of_stddev_0_is_its_mean():
    np.testing.assert_array_equal(fill(RandomNormal(mean=0.5, stddev=0)), 0.5)


def test_random_uniform_fills_its_interval():
    weights = fill(RandomUniform(minval=1.0, maxval=3.0))
    assert 1.0 <= weights.min() < 1.001
    assert 2.999 < weights.max() <= 3.0
    assert weights.mean() == pytest.approx(2.0, abs=0.02)
    assert np.abs(fill(RandomUniform())).max() <= 0.05


def test_random_uniform_refuses_an_empty_interval():
    with pytest.raises(ValueError, match=r"minval=2.0 and maxval=1.0"):
        fill(RandomUniform(2.0, 1.0))


def test_zeros_and_ones():
    np.testing.assert_array_equal(fill(Zeros()), np.zeros(SHAPE))
    np.testing.assert_array_equal(fill(Ones()), np.ones(SHAPE))


@pytest.mark.parametrize("value", [0.25, 3, [1.0, 2.0, 3.0], np.arange(6.0).reshape(2, 3)])
def test_constant_gives_its_value(value):
    expected = np.broadcast_to(np.array(value, float), (2, 3))
    np.testing.assert_array_equal(fill(Constant(value), (2, 3)), expected)


def test_constant_says_which_shape_does_not_fit():
    with pytest.raises(ValueError, match=r"shape \(2, 3\), got one of shape \(4,\)"):
        fill(Constant([1.0, 2.0, 3.0, 4.0]), (2, 3))


def test_constant_does_not_broadcast_the_weights():
    with pytest.raises(ValueError, match="Constant expects"):
        fill(Constant(np.ones((5, 2, 3))), (2, 3))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (1, 6), (6, 1), (2, 3, 4), (2, 2, 9)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal_has_orthogonal_rows_or_columns_of_length_gain(shape, gain):
    matrix = fill(Orthogonal(gain), shape).reshape(-1, shape[-1])
    rows, columns = matrix.shape
    gram = matrix.T @ matrix if rows >= columns else matrix @ matrix.T
    np.testing.assert_allclose(gram, gain**2 * np.eye(min(rows, columns)), atol=1e-12)


def test_orthogonal_of_one_axis_is_a_vector_of_length_gain():
    assert np.linalg.norm(fill(Orthogonal(3.0), (7,))) == pytest.approx(3.0)


def test_orthogonal_is_uniformly_distributed():
    # An entry of a uniform 3 x 3 orthogonal matrix is uniform on [-1, 1]; Householder's QR
    # without correction of the signs makes this one never positive.
    entries = [fill(Orthogonal(), (3, 3), seed=seed)[0, 0] for seed in range(600)]
    assert np.mean(entries) == pytest.approx(0.0, abs=0.1)
    assert np.var(entries) == pytest.approx(1 / 3, rel=0.15)


def test_orthogonal_refuses_a_scalar():
    with pytest.raises(ValueError, match="at least one axis"):
        fill(Orthogonal(), ())


@every_name
@pytest.mark.parametrize("shape", [(7,), (4, 6), (3, 3, 2, 5)])
def test_the_same_seed_gives_the_same_weights(name, shape):
    first, second = (fill(get_initializer(name), shape) for _ in range(2))
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", sorted(set(INITIALIZERS) - {"zeros", "ones", "data_points"}))
def test_other_seeds_give_other_weights(name):
    first, second = (fill(get_initializer(name), seed=seed) for seed in range(2))
    assert (first != second).mean() > 0.99


@every_name
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_lower_precision_starts_from_the_same_numbers(name, dtype):
    double, single = (fill(get_initializer(name), dtype=dt) for dt in (np.float64, dtype))
    np.testing.assert_array_equal(single, double.astype(dtype))


@every_name
def test_the_generator_advances_the_same_for_every_dtype(name):
    after = []
    for dtype in (np.float32, np.float64):
        rng = np.random.default_rng(3)
        get_initializer(name)(rng, (5, 3), 5, 3, np.empty((5, 3), dtype))
        after.append(rng.random())
    assert after[0] == after[1]


@every_name
def test_a_view_of_a_flat_vector_is_filled_and_nothing_else(name):
    flat = np.full(20, np.nan)
    get_initializer(name)(np.random.default_rng(0), (3, 4), 3, 4, flat[4:16].reshape(3, 4))
    assert np.isfinite(flat[4:16]).all()
    assert np.isnan(flat[:4]).all() and np.isnan(flat[16:]).all()


@every_name
def test_get_initializer_makes_one_by_name(name):
    made = get_initializer(name)
    assert type(made) is INITIALIZERS[name]
    made._validate_params()


def test_get_initializer_clones_an_instance():
    given = RandomNormal(stddev=0.3)
    made = get_initializer(given)
    assert made is not given
    assert made.get_params() == given.get_params() == clone(given).get_params()


def test_get_initializer_takes_a_class_of_the_user():
    class Ramp(Initializer):
        def _values(self, rng, shape, fan_in, fan_out):
            return np.arange(math.prod(shape)).reshape(shape)

    np.testing.assert_array_equal(fill(get_initializer(Ramp()), (2, 2)), [[0, 1], [2, 3]])


@pytest.mark.parametrize(
    "part",
    [
        RandomNormal(stddev=-1.0),
        RandomNormal(mean="0"),
        RandomUniform(minval=None),
        Orthogonal(gain=-1.0),
        Constant("one"),
    ],
    ids=repr,
)
def test_parameters_out_of_range_are_refused(part):
    with pytest.raises(InvalidParameterError):
        part._validate_params()


@pytest.mark.parametrize("value", [np.nan, np.inf, True, [1.0, np.nan], ["a"], [None]])
def test_a_constant_that_is_no_finite_number_is_refused_by_fit(value):
    network = NeuralClassifier(layers=[Dense(2, kernel_initializer=Constant(value))])
    with pytest.raises(ValueError, match=r"'value' parameter of Constant|Constant expects value"):
        network.fit(np.eye(4), [0, 1, 0, 1])
