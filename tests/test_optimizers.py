import copy
import math
import pickle

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der
from sklearn.base import clone
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils._param_validation import InvalidParameterError

from sknet import NeuralClassifier, load, save
from sknet.layers import Conv2D, Embedding, Flatten
from sknet.network import Network
from sknet.optimizers import (
    LAMB,
    LBFGS,
    OPTIMIZERS,
    SGD,
    SGDW,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Group,
    Lion,
    Muon,
    Nadam,
    Optimizer,
    RAdam,
    RMSprop,
    get_optimizer,
)
from sknet.optimizers import base as module
from sknet.schedules import Progress
from sknet.testing.optimizers import check_optimizer

RATE = 0.03
VARIANTS = [
    SGD(),
    SGD(nesterov=False),
    SGD(momentum=0.0),
    RMSprop(),
    RMSprop(momentum=0.9),
    Adam(),
    Adam(beta_1=0.0),
    Adam(beta_1=np.float64(0.8), epsilon=np.float64(1e-6)),
    AdamW(),
    AdamW(weight_decay=0.0),
    Nadam(),
    Lion(),
    Lion(weight_decay=0.1),
    SGDW(),
    SGDW(momentum=0.0, weight_decay=0.0),
    AdaGrad(),
    AMSGrad(),
    RAdam(),
    RAdam(beta_2=0.9),
    LAMB(),
    LAMB(weight_decay=0.0),
    Muon(),
]


@pytest.fixture
def problem():
    rng = np.random.default_rng(3)
    return rng.normal(size=12), rng.normal(size=(25, 12))


def trajectory(optimizer, start, gradients, groups=None, rate=RATE):
    params = start.copy()
    optimizer.build(params, groups or [Group(slice(0, len(params)), 1.0, True)])
    rows = []
    for gradient in gradients:
        optimizer.update(params, gradient.copy(), rate)
        rows.append(params.copy())
    return np.array(rows)


def scalar_trajectory(rule, start, gradients):
    """Run a rule (p, g, t, state) -> p on every parameter by itself, in Python floats."""
    columns = []
    for p, column in zip(start.tolist(), gradients.T.tolist(), strict=True):
        state, path = {"m": 0.0, "v": 0.0, "b": 0.0}, []
        for t, g in enumerate(column, start=1):
            p = rule(p, g, t, state)
            path.append(p)
        columns.append(path)
    return np.array(columns).T


def rmsprop_rule(p, g, t, s, rho=0.9, epsilon=1e-7, momentum=0.0):
    s["v"] = rho * s["v"] + (1 - rho) * g * g
    s["b"] = momentum * s["b"] + RATE * g / math.sqrt(s["v"] + epsilon)
    return p - s["b"]


def rmsprop_momentum_rule(p, g, t, s):
    return rmsprop_rule(p, g, t, s, rho=0.8, epsilon=1e-3, momentum=0.7)


def adamw_rule(p, g, t, s, beta_1=0.9, beta_2=0.999, decay=0.2):
    s["m"] = beta_1 * s["m"] + (1 - beta_1) * g
    s["v"] = beta_2 * s["v"] + (1 - beta_2) * g * g
    m_hat, v_hat = s["m"] / (1 - beta_1**t), s["v"] / (1 - beta_2**t)
    # epsilon is zero here and negligible in the optimizer it is compared with
    return p - RATE * decay * p - RATE * m_hat / math.sqrt(v_hat)


def nadam_rule(p, g, t, s, mu=0.9, nu=0.999, epsilon=1e-3):
    s["m"] = mu * s["m"] + (1 - mu) * g
    s["v"] = nu * s["v"] + (1 - nu) * g * g
    m_hat = mu * s["m"] / (1 - mu ** (t + 1)) + (1 - mu) * g / (1 - mu**t)
    v_hat = s["v"] / (1 - nu**t)
    return p - RATE * m_hat / (math.sqrt(v_hat) + epsilon)


def lion_rule(p, g, t, s, beta_1=0.9, beta_2=0.99, decay=0.3):
    c = beta_1 * s["m"] + (1 - beta_1) * g
    s["m"] = beta_2 * s["m"] + (1 - beta_2) * g
    return p - RATE * (math.copysign(1.0, c) + decay * p)


def sgdw_rule(p, g, t, s, momentum=0.9, decay=0.2):
    # Loshchilov and Hutter, algorithm 1, with Nesterov's momentum as Keras writes it.
    s["m"] = momentum * s["m"] - RATE * g
    return p - RATE * decay * p + momentum * s["m"] - RATE * g


def adagrad_rule(p, g, t, s, epsilon=1e-3):
    s["v"] += g * g
    return p - RATE * g / (math.sqrt(s["v"]) + epsilon)


def amsgrad_rule(p, g, t, s, beta_1=0.9, beta_2=0.9, epsilon=1e-3):
    s["m"] = beta_1 * s["m"] + (1 - beta_1) * g
    s["v"] = beta_2 * s["v"] + (1 - beta_2) * g * g
    s["b"] = max(s["b"], s["v"])
    m_hat, v_hat = s["m"] / (1 - beta_1**t), s["b"] / (1 - beta_2**t)
    return p - RATE * m_hat / (math.sqrt(v_hat) + epsilon)


def radam_rule(p, g, t, s, beta_1=0.9, beta_2=0.9, epsilon=1e-3):
    # Liu et al., algorithm 2.
    s["v"] = beta_2 * s["v"] + (1 - beta_2) * g * g
    s["m"] = beta_1 * s["m"] + (1 - beta_1) * g
    m_hat = s["m"] / (1 - beta_1**t)
    longest = 2 / (1 - beta_2) - 1
    length = longest - 2 * t * beta_2**t / (1 - beta_2**t)
    if length <= 4:
        return p - RATE * m_hat
    adaptive = math.sqrt(s["v"] / (1 - beta_2**t))
    r = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    return p - RATE * math.sqrt(r) * m_hat / (adaptive + epsilon)


@pytest.mark.parametrize("optimizer", VARIANTS, ids=repr)
def test_every_optimizer_keeps_the_contract(optimizer):
    rate = 0.5 if isinstance(optimizer, AdaGrad) else 0.05
    check_optimizer(optimizer, learning_rate=rate)


@pytest.mark.parametrize(
    ("optimizer", "rule"),
    [
        (RMSprop(), rmsprop_rule),
        (RMSprop(rho=0.8, epsilon=1e-3, momentum=0.7), rmsprop_momentum_rule),
        (AdamW(weight_decay=0.2, epsilon=1e-30), adamw_rule),
        (Nadam(epsilon=1e-3), nadam_rule),
        (Lion(weight_decay=0.3), lion_rule),
        (SGDW(weight_decay=0.2), sgdw_rule),
        (AdaGrad(epsilon=1e-3), adagrad_rule),
        (AMSGrad(beta_2=0.9, epsilon=1e-3), amsgrad_rule),
        (RAdam(beta_2=0.9, epsilon=1e-3), radam_rule),
    ],
    ids=repr,
)
def test_steps_equal_the_published_formula(optimizer, rule, problem):
    expected = scalar_trajectory(rule, *problem)
    np.testing.assert_allclose(trajectory(optimizer, *problem), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("epsilon", [1e-8, 1e-2])
def test_adam_equals_scikit_learn_step_by_step(epsilon, problem):
    start, gradients = problem
    reference = start.copy()
    sklearn_adam = AdamOptimizer([reference], RATE, beta_1=0.8, beta_2=0.99, epsilon=epsilon)
    steps = trajectory(Adam(beta_1=0.8, beta_2=0.99, epsilon=epsilon), start, gradients)
    for gradient, step in zip(gradients, steps, strict=True):
        sklearn_adam.update_params([reference], [gradient])
        np.testing.assert_allclose(step, reference, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_equals_scikit_learn_step_by_step_when_the_rate_changes(momentum, nesterov, problem):
    start, gradients = problem
    reference, params = start.copy(), start.copy()
    sklearn_sgd = SGDOptimizer([reference], RATE, momentum=momentum, nesterov=nesterov)
    optimizer = SGD(momentum=momentum, nesterov=nesterov)
    optimizer.build(params, [Group(slice(0, len(params)), 1.0, True)])
    for i, gradient in enumerate(gradients):
        sklearn_sgd.learning_rate = RATE / (1 + i)
        sklearn_sgd.update_params([reference], [gradient])
        optimizer.update(params, gradient.copy(), RATE / (1 + i))
        np.testing.assert_allclose(params, reference, rtol=1e-12, atol=1e-13)


def test_adamw_without_decay_is_adam(problem):
    np.testing.assert_array_equal(
        trajectory(AdamW(weight_decay=0.0), *problem), trajectory(Adam(), *problem)
    )


def test_lion_moves_every_parameter_by_the_rate(problem):
    start, gradients = problem
    path = np.vstack([start, trajectory(Lion(), start, gradients)])
    np.testing.assert_allclose(np.abs(np.diff(path, axis=0)), RATE, rtol=1e-12)
    np.testing.assert_array_equal(np.sign(path[0] - path[1]), np.sign(gradients[0]))


def test_lion_leaves_parameters_that_never_had_a_gradient(problem):
    start, gradients = problem
    gradients[:, 4] = 0.0
    assert np.all(trajectory(Lion(), start, gradients)[:, 4] == start[4])


def test_adamw_decays_by_the_rate_of_the_group():
    params = np.array([2.0, 2.0, 2.0])
    optimizer = AdamW(weight_decay=0.5)
    groups = [Group(slice(0, 1), 1.0, True), Group(slice(1, 2), 0.25, True)]
    optimizer.build(params, [*groups, Group(slice(2, 3), 1.0, False)])
    optimizer.update(params, np.zeros(3), 0.1)
    np.testing.assert_allclose(params, [2.0 * 0.95, 2.0 * (1 - 0.0125), 2.0], rtol=1e-15)


@pytest.mark.parametrize("kind", [AdamW, Lion])
def test_weight_decay_follows_its_schedule(kind):
    optimizer = kind(weight_decay=0.5, weight_decay_schedule="flat_cosine")
    params = np.array([2.0])
    optimizer.build(params, [Group(slice(0, 1), 1.0, True)])
    shares = []
    for fraction in (0.25, 0.75, 1.0):
        params[:] = 2.0
        optimizer.update(params, np.zeros(1), 0.1, Progress(fraction, 1.0, 100, 0.1))
        shares.append(1 - params[0] / 2.0)
    np.testing.assert_allclose(shares, [0.05, 0.025, 0.0], atol=1e-15)  # half a cosine


def test_groups_may_come_in_any_order_and_leave_gaps(problem):
    start, gradients = problem
    groups = [Group(slice(8, None), 1.0, True), Group(slice(None, 4), 1.0, True)]
    path = trajectory(Adam(), start, gradients, groups)
    whole = trajectory(Adam(), start, gradients)
    assert np.all(path[:, 4:8] == start[4:8])
    np.testing.assert_array_equal(
        np.delete(path, range(4, 8), 1), np.delete(whole, range(4, 8), 1)
    )


@pytest.mark.parametrize(("optimizer", "n_pieces"), [(Adam(), 2), (AdamW(), 3)], ids=repr)
def test_neighbouring_groups_that_are_treated_alike_are_one_piece(optimizer, n_pieces):
    groups = [
        Group(slice(0, 2), 1.0, True),
        Group(slice(2, 4), 1.0, True),
        Group(slice(4, 6), 1.0, False),
        Group(slice(6, 8), 0.5, False),
        Group(slice(8, 8), 1.0, False),
    ]
    optimizer.build(np.zeros(8), groups[::2] + groups[1::2])
    assert len(optimizer._pieces) == n_pieces


@pytest.mark.parametrize("optimizer", VARIANTS, ids=repr)
def test_pieces_give_the_same_bits_whatever_their_length(optimizer, problem, monkeypatch):
    start, gradients = problem
    whole = trajectory(clone(optimizer), start, gradients)
    monkeypatch.setattr(module, "_PIECE_BYTES", 5 * 8)
    np.testing.assert_array_equal(trajectory(clone(optimizer), start, gradients), whole)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [SGD(), RMSprop(momentum=0.9), Adam(), Lion()], ids=repr)
def test_no_moment_becomes_subnormal_under_zero_gradients(optimizer, dtype):
    params, tiny = np.ones(3, dtype), np.finfo(dtype).tiny
    optimizer = clone(optimizer)
    optimizer.build(params, [Group(slice(0, 3), 1.0, True)])
    optimizer.update(params, np.ones(3, dtype), RATE)
    for moment in optimizer._moments:
        moment *= 1e13 * float(tiny)
    for _ in range(1000):
        optimizer.update(params, np.zeros(3, dtype), 0.0)
        assert all(np.all((m == 0) | (np.abs(m) >= tiny)) for m in optimizer._moments)


@pytest.mark.parametrize("copy_of", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_in_the_middle_goes_on_by_itself(copy_of, problem):
    start, gradients = problem
    expected = trajectory(Nadam(), start, gradients)
    optimizer = Nadam()
    params = trajectory(optimizer, start, gradients[:10])[-1]
    duplicate = copy_of(optimizer)
    optimizer.update(params.copy(), np.ones(12), 1.0)
    for gradient, row in zip(gradients[10:], expected[10:], strict=True):
        duplicate.update(params, gradient.copy(), RATE)
        np.testing.assert_array_equal(params, row)


def rosenbrock(x):
    return rosen(x), rosen_der(x)


@pytest.mark.parametrize("maxcor", [3, 10])
def test_lbfgs_equals_scipy_on_rosenbrock(maxcor):
    start = np.array([1.3, 0.7, 0.8, 1.9])
    path, expected = [], []
    result = LBFGS(maxcor=maxcor).minimize(
        rosenbrock, start, max_iter=200, tol=1e-7, callback=lambda x, f: path.append((*x, f))
    )
    reference = minimize(
        rosen,
        start,
        jac=rosen_der,
        method="L-BFGS-B",
        options={"maxiter": 200, "gtol": 1e-7, "maxcor": maxcor, "maxfun": 15000},
        callback=lambda x: expected.append((*x, rosen(x))),
    )
    np.testing.assert_array_equal(result.x, reference.x)
    np.testing.assert_array_equal(path, expected)
    assert (result.nit, result.nfev) == (reference.nit, reference.nfev)
    np.testing.assert_allclose(result.x, 1.0, atol=1e-4)


def test_lbfgs_may_be_given_the_same_gradient_array_again_and_again():
    start, buffer = np.array([-1.2, 1.0]), np.empty(2)

    def reusing(x):
        buffer[:] = rosen_der(x)
        return rosen(x), buffer

    ours, expected = (LBFGS().minimize(f, start, 100, 1e-8) for f in (reusing, rosenbrock))
    np.testing.assert_array_equal(ours.x, expected.x)
    assert not np.shares_memory(ours.jac, buffer)


def test_lbfgs_stops_when_the_callback_returns_true():
    losses = []

    def stop_at_third(x, loss):
        losses.append(loss)
        return len(losses) == 3

    result = LBFGS().minimize(rosenbrock, np.zeros(4), 100, 1e-8, stop_at_third)
    assert len(losses) == result.nit == 3
    assert result.fun == losses[-1] == rosen(result.x)


def test_lbfgs_stops_at_max_iter():
    result = LBFGS().minimize(rosenbrock, np.zeros(4), max_iter=2, tol=1e-8)
    assert result.nit == 2


def test_lbfgs_stops_at_max_fun():
    result = LBFGS(max_fun=4).minimize(rosenbrock, np.zeros(4), max_iter=100, tol=1e-8)
    assert 4 <= result.nfev < 10
    assert not result.success


def test_lbfgs_works_in_float64_and_leaves_the_start_alone():
    start = np.zeros(3, np.float32)

    def in_float32(x):
        assert x.dtype == np.float64
        return np.float32(rosen(x)), rosen_der(x).astype(np.float32)

    result = LBFGS().minimize(in_float32, start, max_iter=50, tol=1e-4)
    assert result.x.dtype == np.float64
    assert np.all(start == 0)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "adamw", "nadam", "lion", "lbfgs"])
def test_optimizers_are_made_by_name(name):
    assert type(get_optimizer(name)).__name__.lower() == name
    assert get_optimizer(name) is not get_optimizer(name)


def test_an_optimizer_object_is_cloned_without_its_state():
    optimizer = Adam(beta_1=0.5)
    optimizer.build(np.zeros(3), [Group(slice(0, 3), 1.0, True)])
    made = get_optimizer(optimizer)
    assert made is not optimizer
    assert vars(made) == {"beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-8}


@pytest.mark.parametrize(
    "invalid",
    [
        Adam(epsilon=0.0),
        Adam(beta_1=1.0),
        Nadam(beta_2=-0.1),
        AdamW(weight_decay=-1.0),
        AdamW(epsilon=0.0),
        Lion(beta_1=1.0),
        RMSprop(epsilon=0.0),
        RMSprop(momentum=1.0),
        SGD(momentum=1.0),
        SGD(nesterov="yes"),
        LBFGS(max_fun=0),
        LBFGS(maxcor=1.5),
    ],
    ids=repr,
)
def test_parameters_out_of_range_are_refused(invalid):
    with pytest.raises(InvalidParameterError):
        invalid._validate_params()


@pytest.mark.parametrize("cls", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_parameter_has_a_constraint_and_valid_defaults(cls):
    assert set(cls._parameter_constraints) == set(cls().get_params())
    cls()._validate_params()


class Plain(Optimizer):
    """Correct gradient descent, which the wrong optimizers below derive from."""

    def _step(self, grads, moments, out, rate, constants):
        return np.multiply(grads, rate, out=out)


class Idle(Plain):
    def update(self, params, grads, learning_rate):
        super().update(params.copy(), grads, learning_rate)


class Ascent(Plain):
    def _step(self, grads, moments, out, rate, constants):
        return super()._step(grads, moments, out, -rate, constants)


class FixedStep(Plain):
    def _step(self, grads, moments, out, rate, constants):
        return super()._step(grads, moments, out, max(rate, 1e-6), constants)


class ThawsFrozen(Plain):
    def build(self, params, groups):
        super().build(params, [g._replace(rate_factor=g.rate_factor or 1.0) for g in groups])


class IgnoresFactor(Plain):
    def build(self, params, groups):
        super().build(params, [g._replace(rate_factor=float(g.rate_factor > 0)) for g in groups])


class LosesMomentum(SGD):
    def __setstate__(self, state):
        super().__setstate__({**state, "_moments": [0 * m for m in state["_moments"]]})


class RemembersMomentum(SGD):
    def build(self, params, groups):
        old = getattr(self, "_moments", None)
        super().build(params, groups)
        self._moments = old or self._moments


class DoubleMoments(SGD):
    def build(self, params, groups):
        super().build(params, groups)
        self._moments = [m.astype(np.float64) for m in self._moments]


class SkipsTheTail(Plain):
    def build(self, params, groups):
        super().build(params, groups)
        self._pieces = self._pieces[:1]


class DependsOnLength(Plain):
    def _step(self, grads, moments, out, rate, constants):
        return super()._step(grads, moments, out, rate / (1.0 + 1e-6 * len(grads)), constants)


class DividesByZero(Plain):
    def _step(self, grads, moments, out, rate, constants):
        with np.errstate(invalid="ignore"):
            return np.divide(rate * grads, np.abs(grads), out=out)


class ForgetsTheStart(Plain):
    def update(self, params, grads, learning_rate):
        super().update(params, grads.copy(), learning_rate)


class Allocates(Plain):
    def _step(self, grads, moments, out, rate, constants):
        return rate * grads


class DecaysAll(AdamW):
    def build(self, params, groups):
        super().build(params, [g._replace(decay=True) for g in groups])


class NeverDecays(AdamW):
    def build(self, params, groups):
        super().build(params, [g._replace(decay=False) for g in groups])


def test_a_plain_optimizer_of_ones_own_passes():
    check_optimizer(Plain())


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (Idle(), "must write to the vector"),
        (Ascent(), "must minimize"),
        (FixedStep(), "learning rate 0"),
        (ThawsFrozen(), "rate_factor 0"),
        (IgnoresFactor(), "multiply the learning rate"),
        (LosesMomentum(), "resume from a pickle"),
        (RemembersMomentum(), "built again"),
        (DoubleMoments(), "moments in the dtype"),
        (SkipsTheTail(), "beside a frozen"),
        (DependsOnLength(), "long vector"),
        (DividesByZero(), "gradient is zero"),
        (ForgetsTheStart(), "put back"),
        (Allocates(), "allocate nothing"),
        (DecaysAll(), "not decay"),
        (NeverDecays(), "must decay"),
    ],
    ids=repr,
)
def test_a_wrong_optimizer_is_rejected(wrong, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_optimizer(wrong)


@pytest.mark.parametrize("wrong", [LBFGS(), Adam, "adam"])
def test_only_optimizer_objects_are_checked(wrong):
    with pytest.raises(TypeError, match="expects an Optimizer object"):
        check_optimizer(wrong)


# Whole arrays

ARRAYS = [
    Group(slice(0, 12), 1.0, True, ((4, 3),)),
    Group(slice(12, 28), 0.5, True, ((2, 1, 3), (10,))),
    Group(slice(28, 32), 1.0, False, ((2, 2),)),
]


def array_problem():
    rng = np.random.default_rng(5)
    return rng.normal(size=32), rng.normal(size=(6, 32))


def adam_ratio(g, t, s, epsilon, beta_1=0.9, beta_2=0.999):
    s["m"] = beta_1 * s["m"] + (1 - beta_1) * g
    s["v"] = beta_2 * s["v"] + (1 - beta_2) * g * g
    return s["m"] / (1 - beta_1**t) / (np.sqrt(s["v"] / (1 - beta_2**t)) + epsilon)


PARTS = [
    (slice(0, 12), (4, 3), 1.0, True),
    (slice(12, 18), (2, 3), 0.5, True),
    (slice(18, 28), None, 0.5, True),  # a vector that decays
    (slice(28, 32), None, 1.0, False),
]


def test_lamb_scales_the_step_of_each_kernel_to_its_norm():
    start, gradients = array_problem()
    found = trajectory(LAMB(weight_decay=0.3), start, gradients, ARRAYS)
    expected, states = start.copy(), [{"m": 0.0, "v": 0.0} for _ in PARTS]
    for t, g in enumerate(gradients, start=1):  # You et al., algorithm 2
        for (where, shape, factor, decays), s in zip(PARTS, states, strict=True):
            w = expected[where]
            u = adam_ratio(g[where], t, s, 1e-6) + 0.3 * decays * w
            trust = np.linalg.norm(w) / np.linalg.norm(u) if shape else 1.0
            expected[where] = w - RATE * factor * trust * u
        np.testing.assert_allclose(found[t - 1], expected, rtol=1e-10, atol=1e-12)


def test_lamb_moves_kernels_of_zeros():
    found = trajectory(
        LAMB(), np.zeros(4), np.ones((1, 4)), [Group(slice(0, 4), 1.0, True, ((2, 2),))]
    )
    np.testing.assert_allclose(found, -RATE, rtol=1e-5)


def test_muon_makes_the_steps_of_kernels_orthogonal():
    start, gradients = array_problem()
    found = trajectory(Muon(momentum=0.8, weight_decay=0.3), start, gradients, ARRAYS)
    expected, states = start.copy(), [{"m": 0.0, "v": 0.0, "b": 0.0} for _ in PARTS]
    for t, g in enumerate(gradients, start=1):
        for (where, shape, factor, decays), s in zip(PARTS, states, strict=True):
            w, rate = expected[where], RATE * factor
            if shape is None:
                step = adam_ratio(g[where], t, s, 1e-8 / np.sqrt(1 - 0.999**t))
            else:  # Jordan's newtonschulz5, on U f(S) V'
                s["b"] = 0.8 * s["b"] + g[where]
                u, values, v = np.linalg.svd((g[where] + 0.8 * s["b"]).reshape(shape), False)
                values = values / np.linalg.norm(values)
                for _ in range(5):
                    values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
                step = 0.2 * np.sqrt(max(shape)) * (u * values @ v).ravel()
            expected[where] = w * (1 - rate * 0.3 * decays) - rate * step
        np.testing.assert_allclose(found[t - 1], expected, rtol=1e-9, atol=1e-10)


def test_networks_tell_the_shapes_of_their_arrays():
    network = Network(Conv2D(3, 2), (4, 4, 2))
    kernel, bias = network.groups
    assert kernel.shapes == ((2, 2, 2, 3),) and bias.shapes == ((3,),)


@pytest.mark.parametrize("solver", ["adagrad", "amsgrad", "radam", "sgdw", "lamb", "muon"])
def test_training_with_the_others_resumes_exactly(solver, tmp_path):
    X, y = np.random.default_rng(0).normal(size=(30, 4, 4, 2)), np.arange(30) % 2
    layers = [Conv2D(3, 2, activation="relu"), Flatten(), 5]
    options = {"layers": layers, "solver": solver, "tol": 0, "batch_size": 8, "random_state": 0}
    whole = NeuralClassifier(max_iter=4, **options).fit(X, y)
    half = NeuralClassifier(max_iter=2, warm_start=True, **options).fit(X, y)
    save(half, tmp_path / "half.sknet")
    for copied in (pickle.loads(pickle.dumps(half)), load(tmp_path / "half.sknet"), half):
        np.testing.assert_array_equal(copied.fit(X, y).network_.params, whole.network_.params)
    assert whole.loss_curve_[-1] < whole.loss_curve_[0]


def test_embeddings_move_as_with_adam():
    network = Network(Embedding(3, input_dim=5), (4,))
    start, gradients = network.params.copy(), np.random.default_rng(0).normal(size=(3, 15))
    groups = [group for group in network.groups if group.rate_factor]
    found = trajectory(Muon(), start, gradients, groups)
    np.testing.assert_allclose(found, trajectory(Adam(), start, gradients, groups), rtol=1e-12)
