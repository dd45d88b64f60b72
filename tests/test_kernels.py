"""The compiled kernels against those of NumPy, and against exact values."""

from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknet import kernels
from sknet.activations import ReLU, Tanh
from sknet.base import Workspace
from sknet.kernels import numpy_kernels
from sknet.losses import LogLoss, Target
from sknet.optimizers import SGD, Group
from sknet.settings import single_threaded_blas

from . import kernel_calls, kernel_fuzz
from .kernel_calls import ACTIVATIONS

extension = kernel_fuzz.extension
pytestmark = pytest.mark.skipif(extension is None, reason="sknet was installed without kernels")
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SHAPES = [(1, 1), (3, 1), (7, 3), (50, 10), (13, 63), (9, 64), (6, 65), (300, 40), (5, 3000)]


def levels():
    """List the levels of processors whose kernels run here."""
    found = []
    for level in ("generic", "x86_64_v3", "x86_64_v4"):
        try:
            before = extension.use_level(None)
            extension.use_level(level)
        except (AttributeError, ValueError):
            continue
        found.append(level)
        extension.use_level(before)
    return found


@pytest.fixture(params=levels())
def level(request):
    """Run the kernels of a level."""
    before = extension.use_level(None)
    extension.use_level(request.param)
    yield request.param
    extension.use_level(before)


def assert_near(call, n_units, scale=0.0):
    """Check a call of both: within some units in the last place of values, or of `scale`."""
    value, ours = call.run(extension)
    reference, theirs = call.run(numpy_kernels)
    eps = n_units * np.finfo(ours[0].dtype).eps
    for a, b in zip(ours, theirs, strict=True):
        assert_allclose(a, b, rtol=eps, atol=eps * scale, equal_nan=True)
    if isinstance(reference, float):
        assert_allclose(value, reference, rtol=eps, atol=eps * scale)


def test_both_have_the_same_kernels():
    for name in kernels.KERNELS:
        assert callable(getattr(extension, name))
        assert callable(getattr(numpy_kernels, name))


@every_dtype
@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "lion"])
@pytest.mark.parametrize("size", [0, 1, 7, 100])
@pytest.mark.parametrize("wild", [False, True])
def test_updates_have_the_bits_of_numpy(level, name, size, dtype, wild, rng=None):
    rng = np.random.default_rng(size)
    for _ in range(4):
        call = kernel_calls.update(rng, name, size, dtype, wild)
        for ours, theirs in zip(call.run(extension)[1], call.run(numpy_kernels)[1], strict=True):
            assert_array_equal(ours, theirs)


@every_dtype
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_near_those_of_numpy(level, name, dtype):
    rng = np.random.default_rng(0)
    for shape in [*SHAPES, (2, 3, 4), (0, 4)]:
        for in_place in (False, True):
            call = kernel_calls.activation(rng, name, shape, dtype, in_place=in_place)
            # The argument of GELU's exponential is large where its values are small.
            assert_near(call, 100 if name == "gelu" else 16, scale=0.1)


@every_dtype
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_are_near_those_of_numpy(level, name, dtype):
    rng = np.random.default_rng(1)
    for shape in [*SHAPES, (2, 3, 4), (0, 4)]:
        assert_near(kernel_calls.derivative(rng, name, shape, dtype), 8, scale=shape[0] + 1)


@every_dtype
@pytest.mark.parametrize("shape", [(1, 1), (5, 2), (50, 10), (7, 65), (3, 1000), (0, 3)])
def test_losses_are_near_those_of_numpy(level, shape, dtype):
    rng = np.random.default_rng(2)
    for make in (kernel_calls.softmax, kernel_calls.sigmoid):
        for _ in range(8):
            assert_near(make(rng, shape, dtype), 64, scale=1.0)


@every_dtype
@pytest.mark.parametrize("shape", [(1, 1), (5, 2), (50, 10), (7, 65), (70, 70), (3, 1000)])
def test_layers_are_near_those_of_numpy(level, shape, dtype):
    rng = np.random.default_rng(7)
    for _ in range(4):
        assert_near(kernel_calls.row_norm(rng, shape, dtype), 64, scale=1.0)
        assert_near(kernel_calls.row_norm_backward(rng, shape, dtype), 64, scale=20.0 * shape[0])
        assert_near(kernel_calls.blend(rng, shape, dtype), 8, scale=1.0)
        assert_near(kernel_calls.blend_backward(rng, shape, dtype), 16, scale=shape[0])
        assert_near(kernel_calls.channel_sums(rng, shape, dtype), 64, scale=10.0 * shape[0])
        assert_near(kernel_calls.channel_linear(rng, shape, dtype), 16, scale=30.0)
        assert_near(kernel_calls.channel_gradient(rng, shape, dtype), 16, scale=30.0)
        assert_near(kernel_calls.softmax_of_keys(rng, shape, dtype), 32)
        assert_near(kernel_calls.waves(rng, shape, dtype), 64, scale=10.0)
        assert_near(kernel_calls.waves_backward(rng, shape, dtype), 64, scale=20.0 * shape[0])
        assert_near(kernel_calls.add_by_code(rng, shape, dtype), 8, scale=shape[0])
        assert_near(kernel_calls.dropout_backward(rng, shape, dtype), 1)


@pytest.mark.parametrize("code", [-1, 7])
@pytest.mark.parametrize("functions", [kernels, numpy_kernels])
def test_codes_out_of_range_are_refused_also_where_numpy_adds(functions, code):
    rows, codes, table = np.ones((4, 6))[:, ::2], np.array([0, 1, code, 2]), np.zeros((7, 3))
    with pytest.raises(ValueError, match="add_by_code: a code is no row of the table"):
        functions.add_by_code(rows, codes, table, {})
    assert not table.any()


@every_dtype
@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (7, 10), (13, 33), (900, 5), (0, 3)])
def test_dense_layers_are_near_those_of_numpy(level, shape, dtype):
    rng = np.random.default_rng(14)
    for make in (kernel_calls.dense, kernel_calls.dense_back):
        for _ in range(12):
            assert_near(make(rng, shape, dtype), 64, scale=20.0 * (shape[0] + 1))


@every_dtype
@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (7, 10), (30, 33), (300, 5), (0, 3)])
def test_gradients_of_dense_networks_are_near_those_of_numpy(level, shape, dtype):
    rng = np.random.default_rng(16)
    for _ in range(20):
        call = kernel_calls.dense_gradient(rng, shape, dtype)
        (value, ours), (reference, theirs) = call.run(extension), call.run(numpy_kernels)
        tolerance = 1000 * np.finfo(dtype).eps
        assert_allclose(value, reference, rtol=tolerance)
        scale = np.abs(theirs[0]).max(initial=1.0)
        assert_allclose(ours[0], theirs[0], rtol=0, atol=tolerance * scale)


@every_dtype
def test_a_loss_that_is_not_finite_leaves_the_gradient_of_a_network_alone(level, dtype):
    call = kernel_calls.dense_gradient(np.random.default_rng(0), (7, 4), dtype)
    call.arguments[0][3] = np.nan
    call.arguments[4][:] = 3.0
    for functions in (extension, numpy_kernels):
        value, written = call.run(functions)
        assert not np.isfinite(value)
        assert_array_equal(written[0], 3.0)


@every_dtype
@pytest.mark.skipif(not kernels.MULTIPLIES, reason="BLAS multiplies at this level")
def test_rows_of_a_dense_layer_have_the_same_bits_wherever_they_stand(dtype):
    rng = np.random.default_rng(15)
    x, kernel, bias = (rng.normal(size=s).astype(dtype) for s in ((20, 700), (700, 37), 37))
    options = kernels.RELU, x, kernel, bias, np.empty((20, 37), dtype), None, 0.0, 0.0, None
    extension.dense(*options)
    for rows in (slice(1), slice(3, 14)):
        out = np.empty((len(x[rows]), 37), dtype)
        extension.dense(kernels.RELU, x[rows], kernel, bias, out, None, 0.0, 0.0, None)
        assert_array_equal(out, options[4][rows])


@every_dtype
@pytest.mark.parametrize("shape", [(1, 1), (5, 2), (40, 70), (0, 3)])
def test_products_are_those_of_numpy(shape, dtype):
    rng = np.random.default_rng(12)
    with single_threaded_blas():  # which finds BLAS
        for _ in range(8):
            call = kernel_calls.multiply(rng, shape, dtype)
            ours, theirs = (call.run(f)[1][0] for f in (extension, numpy_kernels))
            assert_allclose(ours, theirs, rtol=0, atol=200 * np.finfo(dtype).eps)


@every_dtype
@pytest.mark.parametrize("shape", [(1, 1), (5, 2), (2, 70), (0, 3), (3, 0)])
def test_maxima_of_windows_are_those_of_numpy(level, shape, dtype):
    rng = np.random.default_rng(11)
    for wild in (False, True) * 8:
        call = kernel_calls.max_pool(rng, shape, dtype, wild)
        assert_array_equal(call.run(extension)[1][0], call.run(numpy_kernels)[1][0])
        call = kernel_calls.max_unpool(rng, shape, dtype)
        grad = call.run(extension)[1][1]
        assert_allclose(grad, call.run(numpy_kernels)[1][1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("window", "row", "column"),
    [([[7, 7], [7, 7]], 0, 0), ([[0, 7], [7, 0]], 1, 0), ([[0, 7], [0, 7]], 0, 1)],
)
def test_of_equal_elements_the_first_along_the_last_axis_has_the_gradient(window, row, column):
    x = np.array(window, np.float32).reshape(1, 2, 2, 1)
    out, grad = np.zeros((1, 1, 1, 1), np.float32), np.ones((1, 1, 1, 1), np.float32)
    places, grad_x = np.zeros(out.shape, np.uint8), np.zeros_like(x)
    assert extension.max_pool(x, out, places, (2, 2), (2, 2), None)
    extension.max_unpool(grad, grad_x, places, x, out, (2, 2), (2, 2), None)
    expected = np.zeros((2, 2))
    expected[row, column] = 1
    assert_array_equal(grad_x.reshape(2, 2), expected)


@every_dtype
@pytest.mark.parametrize("shape", [(1, 1), (5, 2), (2, 1500), (0, 3), (3, 0)])
def test_mixtures_of_rows_are_near_those_of_numpy(level, shape, dtype):
    rng = np.random.default_rng(10)
    for _ in range(8):
        assert_near(kernel_calls.mix_rows(rng, shape, dtype), 8, scale=20.0)


@every_dtype
@pytest.mark.parametrize("name", kernel_calls.CONVOLUTIONS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (6, 16), (5, 33), (2, 450), (0, 3), (3, 0)])
def test_convolutions_are_near_those_of_numpy(level, name, shape, dtype):
    rng = np.random.default_rng(3)
    for _ in range(5):
        call = kernel_calls.convolution(rng, shape, dtype, name=name)
        assert_near(call, 64, scale=max(10.0, shape[1]))


@every_dtype
def test_products_of_windows_do_not_depend_on_the_rows_beside_them(level, dtype):
    rng = np.random.default_rng(4)
    x, kernel = rng.normal(size=(5, 9, 7)).astype(dtype), rng.normal(size=(3, 7, 20)).astype(dtype)
    whole, parts = np.zeros((2, 5, 7, 20), dtype)
    extension.correlate(x, kernel, whole, (1,), (1,), Workspace(5, dtype))
    for part in (slice(0, 1), slice(1, 3), slice(3, 5)):
        extension.correlate(x[part], kernel, parts[part], (1,), (1,), Workspace(5, dtype))
    if level != "generic":  # which leaves it to BLAS
        assert_array_equal(whole, parts)


@every_dtype
@pytest.mark.parametrize("shape", [(1, 1), (5, 2), (50, 10), (7, 65), (0, 3)])
def test_steps_are_near_those_of_numpy(level, shape, dtype):
    rng = np.random.default_rng(9)
    for make in (kernel_calls.lstm_step, kernel_calls.gru_step):
        assert_near(make(rng, shape, dtype), 32, scale=1.0)
    for make in (kernel_calls.lstm_step_back, kernel_calls.gru_step_back):
        assert_near(make(rng, shape, dtype), 8, scale=10.0)


@every_dtype
def test_codes_are_whole_numbers_below_the_limit(level, dtype):
    codes = np.zeros(3, np.intp)
    for x, fits in (
        ([0, 9, 3], True),
        ([0, 10, 3], False),
        ([0, -1, 3], False),
        ([0, 0.5, 3], False),
        ([0, np.nan, 3], False),
        ([0, np.inf, 3], False),
    ):
        assert extension.read_codes(np.array(x, dtype), codes, 10, None) is fits
        if fits:
            assert_array_equal(codes, x)


@every_dtype
def test_rows_that_need_more_care_are_told(level, dtype):
    rows = np.random.default_rng(8).normal(size=(4, 30)).astype(dtype)
    for row, value in ((1, 1e7), (2, np.finfo(dtype).max / 4), (3, np.nan)):
        for beta in (np.zeros(30, dtype), None):
            wild = rows.copy()
            wild[row] = value
            call = kernel_calls.row_norm(np.random.default_rng(0), (4, 30), dtype)
            call.arguments[0], call.arguments[2] = wild, beta
            expected = call.run(numpy_kernels)[0]
            assert call.run(extension)[0] is expected
            assert expected is bool(value == 1e7 and beta is None)


@every_dtype
def test_values_that_are_not_finite_pass_as_in_numpy(level, dtype):
    rng = np.random.default_rng(3)
    for name in ACTIVATIONS:
        call = kernel_calls.activation(rng, name, (20, 30), dtype, wild=True)
        assert_same_kinds(call.run(extension)[1], call.run(numpy_kernels)[1])
    for make in (kernel_calls.softmax, kernel_calls.sigmoid):
        call = make(rng, (200, 5), dtype, wild=True)
        assert_same_kinds(call.run(extension)[1], call.run(numpy_kernels)[1])


def assert_same_kinds(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        for kind in (np.isnan, np.isposinf, np.isneginf):
            assert_array_equal(kind(a), kind(b))


EXACT = {
    "tanh": np.tanh,
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "elu": lambda x: np.where(x > 0, x, 1.5 * np.expm1(np.minimum(x, 0))),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
}


@every_dtype
@pytest.mark.parametrize("name", EXACT)
def test_functions_are_within_units_in_the_last_place(level, name, dtype):
    info = np.finfo(dtype)
    far = 87.0 if dtype == np.float32 else 700.0
    near = np.array([0.0, info.tiny, info.tiny / 4, info.eps, 1e-4, 0.3, 0.34, 0.35, 0.7])
    x = np.concatenate([np.linspace(-far, far, 4001), np.linspace(-3, 3, 4001), near, -near])
    x = x.astype(dtype)[None]
    if name in ("logistic", "softplus"):  # of the subnormal numbers below, NumPy has none either
        x = np.maximum(x, -far + 1)
    out = np.empty_like(x)
    kind, slope, limit = ACTIVATIONS[name]
    extension.activate(kind, x, None, out, None, slope, limit, None)
    exact = EXACT[name](x.astype(np.longdouble))
    unit = np.spacing(np.abs(exact).astype(dtype)).astype(np.longdouble)
    assert np.max(np.abs(out - exact) / unit) < 4


@every_dtype
def test_the_ends_of_the_exponential_are_exact(level, dtype):
    out = np.empty(6, dtype)
    x = np.array([np.inf, -np.inf, np.nan, 1e4, -1e4, 0.0], dtype)
    extension.activate(kernels.LOGISTIC, x, None, out, None, 0.0, 0.0, None)
    assert_array_equal(out, np.array([1, 0, np.nan, 1, 0, 0.5], dtype))
    extension.activate(kernels.TANH, x, None, out, None, 0.0, 0.0, None)
    assert_array_equal(out, np.array([1, -1, np.nan, 1, -1, 0], dtype))
    extension.activate(kernels.SOFTPLUS, x, None, out, None, 0.0, 0.0, None)
    assert_array_equal(out, np.array([np.inf, 0, np.nan, 1e4, 0, np.log(2)], dtype))


@every_dtype
@pytest.mark.parametrize("width", [1, 10, 64, 700])
def test_bits_do_not_depend_on_where_a_batch_is_cut(width, dtype):
    rng = np.random.default_rng(4)
    x, bias = rng.normal(size=(60, width)).astype(dtype), rng.normal(size=width).astype(dtype)
    for kind, slope, limit in ACTIVATIONS.values():
        if kind == kernels.EXACT_GELU:
            continue
        whole, parts = np.empty_like(x), np.empty_like(x)
        extension.activate(kind, x, bias, whole, None, slope, limit, None)
        for part in (slice(0, 1), slice(1, 38), slice(38, 60)):
            extension.activate(kind, x[part], bias, parts[part], None, slope, limit, None)
        assert_array_equal(parts, whole)


def test_rows_without_elements_are_nothing_to_do():
    empty, none = np.zeros((4, 0)), np.zeros(0)
    for kind in range(kernels.EXACT_GELU):
        extension.activate(kind, empty, none, empty, None, 0.0, 0.0, None)
        extension.deactivate(kind, empty, empty, np.zeros(0), 0.0, 0.0, None)
    nothing = np.zeros((0, 0))
    assert extension.softmax_loss(nothing, np.zeros(0, int), None, 0.0, nothing, None) == 0


def test_arrays_that_are_not_contiguous_are_left_to_numpy():
    x = np.random.default_rng(5).normal(size=(6, 8))
    expected = np.maximum(x[:, ::2], 0)
    out = np.empty((6, 4))
    work = ReLU()
    work.allocate(6, np.float64)
    extension.activate(kernels.RELU, x[:, ::2], None, out, None, 0.0, 0.0, work._work)
    assert_array_equal(out, expected)


def xoshiro(state):
    """Yield the numbers of xoshiro128++ from a state of four, as its authors write it."""
    s, mask = list(state), 2**32 - 1

    def rotated(x, k):
        return (x << k | x >> 32 - k) & mask

    while True:
        yield (rotated((s[0] + s[3]) & mask, 7) + s[0]) & mask
        t = s[1] << 9 & mask
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotated(s[3], 11)


def splitmix(seed):
    """Yield the numbers of SplitMix64, as Vigna writes it."""
    mask = 2**64 - 1
    while True:
        seed = seed + 0x9E3779B97F4A7C15 & mask
        z = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        yield z ^ z >> 31


def test_dropout_draws_by_a_published_generator(level):
    # The first numbers that the Rust crate rand_xoshiro and Java's SplittableRandom state.
    published = [641, 1573767, 3222811527, 3517856514, 836907274, 4247214768, 3867114732]
    assert list(islice(xoshiro([1, 2, 3, 4]), 7)) == published
    assert next(splitmix(0)) == 0xE220A8397B1DCDAF

    n, keep = 4096 + 100, 0.7
    seed = int(np.random.default_rng(5).bit_generator.random_raw())
    words = [w for z in islice(splitmix(seed), 32) for w in (z & 0xFFFFFFFF, z >> 32)]
    draws = []
    for chunk, length in ((words[:32], 4096), (words[32:], 104)):
        streams = [xoshiro(chunk[lane::8]) for lane in range(8)]
        draws += [next(stream) for _ in range(length // 8) for stream in streams]
    kept, out = np.zeros(n, bool), np.zeros(n, np.float32)
    x, rng = np.arange(n, dtype=np.float32), np.random.default_rng(5)
    extension.dropout(x, out, kept, rng, keep, 2.0, None)
    assert_array_equal(kept, np.array(draws[:n]) < keep * 2**32)
    assert_array_equal(out, 2 * x * kept)
    grad = np.ones(n, np.float32)
    extension.dropout_backward(grad, kept, 2.0, None)
    assert_array_equal(grad, 2.0 * kept)


def test_kept_elements_are_as_frequent_as_asked_and_independent():
    n, keep = 2**18, 0.3
    kept, out, rng = np.zeros((2, n), bool), np.zeros(n, np.float32), np.random.default_rng(6)
    for row in kept:
        extension.dropout(out, out, row, rng, keep, 1.0, None)
    deviation = (keep * (1 - keep)) ** 0.5
    z = (kept - keep) / deviation
    pairs = [(z[0], z[1])]
    pairs += [(z[0, :-lag], z[0, lag:]) for lag in (1, 2, 3, 4, 7, 8, 9, 16, 32, 64, 4096)]
    sums = [z[0].sum() / n**0.5, z[1].sum() / n**0.5]
    sums += [float(a @ b) / len(a) ** 0.5 for a, b in pairs]
    by_place = z[0].reshape(-1, 64).sum(axis=0) / (n / 64) ** 0.5
    assert np.abs(sums).max() < 4
    assert 20 < (by_place**2).sum() < 130  # of 64 squares of normal values


ONES = np.ones(4)
COUNT = np.zeros(1, np.int64)


def spoiled_network(layer=(3, kernels.RELU, 0, 9), code=2, loss=kernels.OF_CLASSES):
    """Return the arguments of a network of one layer, of three inputs and outputs."""
    arrays = [np.ones((2, 3)), np.array([0, code]), None, np.ones(12), np.zeros(12)]
    layers = np.array([layer], np.int64), np.zeros((1, 3))
    return [*arrays, *layers, np.zeros((2, 12)), 0.0, 0.0, loss, None]


REFUSED = {
    "number of arguments": ("sgd", [ONES], TypeError, "sgd takes 9 arguments, got 1"),
    "no array": (
        "lion",
        [[1.0], ONES, COUNT, ONES, ONES, 1, 1, 1, 1],
        TypeError,
        "lion: argument 0 must be an array",
    ),
    "size": (
        "lion",
        [ONES.copy(), np.ones(5), COUNT, ONES.copy(), None, 1, 1, 1, 1],
        ValueError,
        "lion: argument 1 does not fit the others in size",
    ),
    "overlap": (
        "lion",
        [ONES, ONES, COUNT, ONES.copy(), None, 1, 1, 1, 1],
        ValueError,
        "lion: argument 1 overlaps another one",
    ),
    "number": (
        "lion",
        [ONES.copy(), ONES.copy(), COUNT, ONES.copy(), None, "1", 1, 1, 1],
        TypeError,
        "must be real number, not str",
    ),
    "bias": (
        "activate",
        [kernels.RELU, np.ones((2, 3)), np.ones(2), np.ones((2, 3)), None, 0, 0, None],
        ValueError,
        "activate: argument 2 does not fit the others in size",
    ),
    "axes": (
        "row_norm",
        [np.ones((2, 4)), ONES, None, np.ones((2, 4)), np.ones(2), *[None] * 5],
        ValueError,
        "row_norm: argument 4 does not fit the others in shape",
    ),
    "kind": (
        "activate",
        [99, ONES, None, ONES.copy(), None, 0, 0, None],
        ValueError,
        "activate: argument 0 is no activation",
    ),
    "code": (
        "softmax_loss",
        [np.ones((2, 3)), np.array([0, 3]), None, 0.0, np.ones((2, 3)), None],
        ValueError,
        "softmax_loss: argument 1 has a code that is out of range",
    ),
    **{
        name: ("dense_gradient", spoiled_network(**changes), ValueError, sentence)
        for name, changes, sentence in (
            ("layer", {"layer": (4, kernels.RELU, 0, 9)}, "argument 5 has a layer that does not"),
            ("kernel", {"layer": (3, kernels.RELU, -1, 9)}, "argument 5 has a layer that does"),
            ("bias", {"layer": (3, kernels.RELU, 0, 10)}, "argument 5 has a layer that does not"),
            ("activation", {"layer": (3, kernels.EXACT_GELU, 0, 9)}, "argument 5 has a layer"),
            ("class", {"code": 3}, "argument 1 has a code that is out of range"),
            ("loss", {"loss": 3}, "argument 10 is no loss of such targets and outputs"),
            ("outputs", {"loss": kernels.SQUARED}, "argument 10 is no loss of such targets"),
        )
    },
    "codes": (
        "softmax_loss",
        [np.ones((2, 3)), np.array([0.0, 1.0]), None, 0.0, np.ones((2, 3)), None],
        TypeError,
        "softmax_loss: argument 1 must have integers",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_arguments_that_do_not_fit_are_refused(case):
    name, arguments, kind, sentence = REFUSED[case]
    with pytest.raises(kind, match=sentence.replace("(", r"\(")):
        getattr(extension, name)(*arguments)
    assert_array_equal(ONES, 1)


def test_an_output_that_is_read_only_is_refused():
    out = np.ones(4)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="activate: argument 3 is an output, but read-only"):
        extension.activate(kernels.RELU, ONES, None, out, None, 0, 0, None)


def test_random_calls_end_well_or_in_an_error():
    assert list(kernel_fuzz.faults(seed=1, n_calls=400)) == []


def test_threads_get_the_same_bits():
    calls = [
        kernel_calls.update(np.random.default_rng(i), "adam", 50_000, np.float32) for i in (1, 2)
    ]
    expected = [call.run(extension)[1] for call in calls]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda call: call.run(extension)[1], calls * 4))
    for ours, theirs in zip(found, expected * 4, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert_array_equal(a, b)


def test_the_environment_chooses_the_kernels(monkeypatch):
    before = extension.use_level(None)
    assert kernels._chosen("numpy") is None
    assert kernels._chosen("c") is kernels._chosen("") is extension
    try:
        assert kernels._chosen("generic").use_level(None) == "generic"
        assert kernels._chosen(before.replace("_", "-").upper()).use_level(None) == before
    finally:
        extension.use_level(before)
    with pytest.raises(ImportError, match=r"SKNET_KERNELS must be 'numpy', .*, got 'fastest'"):
        kernels._chosen("fastest")


def test_without_the_extension_numpy_runs_unless_it_is_asked_for(monkeypatch):
    def missing(name):
        raise error

    error = ModuleNotFoundError("No module")
    monkeypatch.setattr(kernels, "import_module", missing)
    assert kernels._chosen("") is None
    with pytest.raises(ImportError, match="SKNET_KERNELS='c' asks for compiled kernels"):
        kernels._chosen("c")
    with pytest.raises(ImportError, match="must be 'numpy'"):
        kernels._chosen("fastest")
    error = ImportError("wrong symbols")
    with pytest.warns(RuntimeWarning, match=r"do not load \(wrong symbols\); NumPy's run"):
        assert kernels._chosen("") is None


class Doubled(Tanh):
    def forward(self, x, out, training=False):
        return np.multiply(super().forward(x, out, training), 2.0, out=out)


class Backwards(SGD):
    def _step(self, grads, moments, out, rate, constants):
        return np.multiply(grads, -rate, out=out)


class Halved(LogLoss):
    def _label_losses(self, raw, y, losses, slopes):
        super()._label_losses(raw, y, losses, slopes)
        losses *= 0.5


def test_what_subclasses_of_compiled_ones_write_counts():
    activation = Doubled()
    activation.allocate(1, np.float64)
    out = activation.forward_biased(np.array([[0.5, 1.0]]), np.array([0.5, -1.0]))
    assert_allclose(out, [[2 * np.tanh(1.0), 0.0]])
    optimizer, params = Backwards(momentum=0.0), np.zeros(2)
    optimizer.build(params, [Group(slice(0, 2), 1.0, True)])
    optimizer.update(params, np.ones(2), 0.5)
    assert_array_equal(params, 0.5)
    values = []
    for loss in (LogLoss(), Halved()):
        loss.build(Target("binary", 1, (2,)))
        loss.allocate(1, np.float64)
        values.append(loss.value_and_gradient(np.zeros((1, 1)), np.array([1]))[0])
    assert values[1] == values[0] / 2
