import math
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.neural_network import MLPRegressor
from sklearn.utils._param_validation import InvalidParameterError

from sknet import NeuralRegressor
from sknet.layers import Dense, Dropout
from sknet.optimizers import AdamW
from sknet.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    FlatCosine,
    FunctionSchedule,
    InverseTime,
    InvScaling,
    LogCosine,
    OneCycle,
    PiecewiseConstant,
    Polynomial,
    Progress,
    Schedule,
    Step,
    get_schedule,
)

ROWS, STEPS, EPOCHS = 40, 4, 10
every_name = pytest.mark.parametrize("name", SCHEDULES)


def at(epochs, planned=EPOCHS):
    return Progress(epochs / planned, epochs, round(epochs * ROWS), 1 / STEPS)


def training():
    """The progress at the start of every step of a training, summed up as a loop does."""
    epochs = 0.0
    for step in range(EPOCHS * STEPS):
        yield Progress(step / (EPOCHS * STEPS), epochs, step * ROWS // STEPS, 1 / STEPS)
        epochs += 1 / STEPS


@pytest.mark.parametrize("schedule", [Constant(), Adaptive()], ids=repr)
def test_constant_and_adaptive_stay_at_one(schedule):
    assert [schedule.factor(progress) for progress in training()] == [1.0] * EPOCHS * STEPS


def test_adaptive_divides_by_five_as_scikit_learn_does():
    assert (Adaptive().shrink, Adaptive().min_learning_rate) == (0.2, 1e-6)


@pytest.mark.parametrize("power_t", [0.0, 0.5, 1.0])
def test_invscaling_falls_once_an_epoch_with_the_rows_seen(power_t):
    factors = [InvScaling(power_t=power_t).factor(progress) for progress in training()]
    expected = [1 / (ROWS * epoch + 1) ** power_t for epoch in range(EPOCHS) for _ in range(STEPS)]
    np.testing.assert_allclose(factors, expected, rtol=1e-14)


def test_invscaling_gives_the_rates_of_scikit_learn():
    X, y = np.arange(80.0).reshape(ROWS, 2) / 80, np.linspace(0, 1, ROWS)
    mlp = MLPRegressor(solver="sgd", learning_rate="invscaling", learning_rate_init=0.01)
    for epoch in range(1, 5):
        mlp.partial_fit(X, y)
        rate = 0.01 * InvScaling().factor(at(float(epoch)))
        assert rate == pytest.approx(mlp._optimizer.learning_rate, rel=1e-14)


@pytest.mark.parametrize(
    "epochs, expected",
    [(0.0, 1.0), (2.75, 1.0), (3.0, 0.1), (5.99, 0.1), (6.0, 0.01), (9.5, 0.001)],
)
def test_step_drops_at_the_end_of_every_period(epochs, expected):
    assert Step(drop=0.1, every=3).factor(at(epochs)) == pytest.approx(expected, rel=1e-14)


def test_step_drops_in_time_when_the_epochs_are_summed_up_from_steps():
    epochs = 0.0
    for _ in range(10):
        epochs += 0.1
    assert epochs < 1.0  # what makes this a test
    assert Step(drop=0.5, every=1).factor(Progress(0.5, epochs, 30, 0.1)) == 0.5


def test_step_takes_periods_of_part_of_an_epoch():
    factors = [Step(drop=0.5, every=0.5).factor(at(quarter / 4)) for quarter in range(6)]
    assert factors == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize("epochs, expected", [(0.0, 1.0), (0.5, 0.9), (1.0, 0.81), (2.0, 0.6561)])
def test_exponential_decays_at_every_step(epochs, expected):
    assert Exponential(decay=0.81).factor(at(epochs)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    "fraction, wave",
    [(0.0, 1.0), (0.25, (1 + math.sqrt(0.5)) / 2), (1 / 3, 0.75), (0.5, 0.5), (1.0, 0.0)],
)
@pytest.mark.parametrize("final", [0.0, 0.1, 1.0])
def test_cosine_is_half_a_wave_from_one_to_final(fraction, wave, final):
    factor = Cosine(final=final).factor(Progress(fraction, 3.0, 120, 0.25))
    assert factor == pytest.approx(final + (1 - final) * wave, rel=1e-12, abs=1e-16)


@pytest.mark.parametrize(
    "fraction, wave",
    [(0.0, 1.0), (0.3, 1.0), (0.5, 1.0), (2 / 3, 0.75), (0.75, 0.5), (5 / 6, 0.25), (1.0, 0.0)],
)
@pytest.mark.parametrize("final", [0.0, 0.1])
def test_flat_cosine_falls_in_the_second_half(fraction, wave, final):
    factor = FlatCosine(final=final).factor(Progress(fraction, 3.0, 120, 0.25))
    assert factor == pytest.approx(final + (1 - final) * wave, rel=1e-12, abs=1e-16)


def test_flat_cosine_without_a_flat_part_is_the_cosine():
    for progress in training():
        flat = FlatCosine(flat_fraction=0.0, final=0.2).factor(progress)
        assert flat == pytest.approx(Cosine(final=0.2).factor(progress), rel=1e-12)


@pytest.mark.parametrize("n_cycles", [1, 2, 4, 6])
def test_log_cosine_has_waves_of_doubling_length(n_cycles):
    schedule, total = LogCosine(n_cycles=n_cycles), 2**n_cycles - 1
    for cycle in range(n_cycles):
        # In a cycle that starts at 2**c - 1 of `total`, log2 is c + 1/4, c + 1/2, c + 3/4.
        for part, expected in ((0, 0.0), (0.25, 0.5), (0.5, 1.0), (0.75, 0.5), (1, 0.0)):
            fraction = (2 ** (cycle + part) - 1) / total
            factor = schedule.factor(Progress(fraction, 1.0, 40, 0.25))
            assert factor == pytest.approx(expected, abs=1e-12)


def test_log_cosine_is_the_published_formula_of_four_cycles():
    for t in np.linspace(0, 1, 50):
        expected = (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t))) / 2
        assert LogCosine().factor(Progress(t, 1.0, 40, 0.25)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "fraction, expected",
    [
        (0.0, 1 / 25),
        (0.1, 1 / 25 + 24 / 25 * 0.25),
        (0.15, (1 / 25 + 1) / 2),
        (0.3, 1.0),
        (0.3 + 0.7 / 3, 0.75 + 0.25 / 250_000),
        (0.65, (1 + 1 / 250_000) / 2),
        (1.0, 1 / 250_000),
    ],
)
def test_one_cycle_rises_and_falls_along_cosines(fraction, expected):
    factor = OneCycle().factor(Progress(fraction, 3.0, 120, 0.25))
    assert factor == pytest.approx(expected, rel=1e-10)


def test_one_cycle_follows_its_parameters():
    schedule = OneCycle(pct_start=0.5, div_factor=10.0, final_div_factor=2.0)
    factors = [schedule.factor(Progress(f, 1.0, 1, 0.1)) for f in (0.0, 0.25, 0.5, 0.75, 1.0)]
    np.testing.assert_allclose(factors, [0.1, 0.55, 1.0, 0.525, 0.05], rtol=1e-12)


def test_one_cycle_without_a_rise_starts_at_the_peak():
    schedule = OneCycle(pct_start=0.0)
    assert schedule.factor(Progress(0.0, 0.0, 0, 0.1)) == 1.0
    assert schedule.factor(Progress(1.0, 10.0, 400, 0.1)) == pytest.approx(4e-6)


def test_the_peak_of_one_cycle_is_the_initial_rate():
    factors = [OneCycle().factor(progress) for progress in training()]
    assert max(factors) == 1.0
    assert factors.index(1.0) == round(0.3 * EPOCHS * STEPS)


@pytest.mark.parametrize(
    "epochs, ramp", [(0.0, 0.125), (0.25, 0.25), (1.0, 0.625), (1.75, 1.0), (2.0, 1.0), (9.0, 1.0)]
)
def test_warmup_is_the_height_of_the_ramp_at_the_end_of_the_step(epochs, ramp):
    assert Constant(warmup=2.0).factor(at(epochs)) == ramp


@every_name
def test_warmup_multiplies_every_schedule(name):
    plain, warmed = SCHEDULES[name](), SCHEDULES[name](warmup=4)
    for step, progress in enumerate(training()):
        ramp = min(1.0, (step + 1) / (4 * STEPS))
        assert warmed.factor(progress) == pytest.approx(ramp * plain.factor(progress), rel=1e-12)


@every_name
@pytest.mark.parametrize("warmup", [0.0, 0.1, 1.0, 1000.0])
def test_no_step_but_those_between_waves_has_rate_zero(name, warmup):
    schedule = SCHEDULES[name](warmup=warmup)
    factors = [schedule.factor(progress) for progress in training()]
    assert max(factors) <= 1.0 and min(factors) >= 0.0
    # Its waves touch 0 where a cycle ends: at 0 and, of the 40 steps here, at 3/15.
    zeros = [0, 8] if name == "log_cosine" else []
    assert [step for step, factor in enumerate(factors) if factor < 1e-12] == zeros


def test_warmup_shorter_than_a_step_changes_nothing():
    assert Constant(warmup=0.1).factor(at(0.0)) == 1.0


@every_name
def test_factors_depend_on_nothing_but_progress(name):
    schedule = SCHEDULES[name](warmup=1.5)
    before = dict(vars(schedule))
    steps = list(training())
    forwards = [schedule.factor(progress) for progress in steps]
    backwards = [schedule.factor(progress) for progress in reversed(steps)]
    assert forwards == backwards[::-1]
    assert vars(schedule) == before
    for copy in (clone(schedule), pickle.loads(pickle.dumps(schedule))):
        assert [copy.factor(progress) for progress in steps] == forwards


@every_name
def test_factors_are_python_floats(name):
    schedule = SCHEDULES[name](warmup=np.float64(3.0))
    progress = Progress(np.float64(0.5), np.float64(5.0), np.int64(200), np.float64(0.25))
    assert type(schedule.factor(progress)) is float


@every_name
def test_every_schedule_accepts_its_defaults(name):
    schedule = get_schedule(name)
    assert type(schedule) is SCHEDULES[name]
    assert schedule.warmup == 0.0
    schedule._validate_params()


@pytest.mark.parametrize(
    "schedule",
    [
        Constant(warmup=-1.0),
        OneCycle(warmup="2"),
        InvScaling(power_t=-0.5),
        Step(drop=0.0),
        Step(drop=1.5),
        Step(every=0),
        Exponential(decay=0.0),
        Exponential(decay=1.1),
        Cosine(final=-0.1),
        Cosine(final=2.0),
        FlatCosine(flat_fraction=1.0),
        FlatCosine(flat_fraction=-0.1),
        FlatCosine(final=1.1),
        LogCosine(n_cycles=0),
        LogCosine(n_cycles=1.5),
        OneCycle(pct_start=1.0),
        OneCycle(div_factor=0.5),
        OneCycle(final_div_factor=0.0),
        Adaptive(shrink=1.0),
        Adaptive(shrink=0.0),
        Adaptive(min_learning_rate=-1.0),
    ],
    ids=repr,
)
def test_parameters_out_of_range_are_refused(schedule):
    with pytest.raises(InvalidParameterError):
        schedule._validate_params()


def test_get_schedule_clones_an_instance():
    given = Cosine(final=0.1, warmup=2.0)
    made = get_schedule(given)
    assert made is not given
    assert made.get_params() == given.get_params()


def test_get_schedule_takes_a_class_of_the_user():
    class Linear(Schedule):
        def _factor(self, progress):
            return 1 - progress.fraction

    assert get_schedule(Linear(warmup=2.0)).factor(at(0.5, planned=2)) == 0.75 * 0.375


def half_wave(progress):
    return 0.5 * (1 + math.cos(math.pi * progress))


def test_a_function_of_the_progress_is_a_schedule():
    for schedule in (half_wave, FunctionSchedule(half_wave)):
        ours, cosine = get_schedule(schedule), Cosine()
        for progress in training():
            assert ours.factor(progress) == pytest.approx(cosine.factor(progress), abs=1e-15)
    warm = FunctionSchedule(lambda progress: np.float32(0.5), warmup=2.0)
    assert warm.factor(at(0.25)) == 0.5 * 0.25  # the ramp at the end of the step


def test_a_function_trains_as_the_schedule_of_its_shape_wherever_one_is_taken():
    X = np.random.default_rng(0).normal(size=(20, 3))

    def weights(schedule):
        layers = [Dense(4, "tanh"), Dropout(0.5, schedule=schedule)]
        solver = AdamW(weight_decay=0.1, weight_decay_schedule=schedule)
        network = NeuralRegressor(
            layers=layers, solver=solver, learning_rate=schedule, max_iter=3, random_state=0
        )
        return network.fit(X, X[:, 0]).network_.params

    np.testing.assert_allclose(weights(half_wave), weights("cosine"), rtol=1e-12)


def test_all_epochs_are_trained_with_a_function():
    X = np.zeros((5, 1))
    network = NeuralRegressor((1,), learning_rate=lambda progress: 1.0, max_iter=30)
    assert network.fit(X, np.zeros(5)).n_iter_ == 30


def test_a_function_is_watched_while_it_trains():
    network = NeuralRegressor(
        (1,), learning_rate=lambda p: -1.0 if 0.3 < p < 0.4 else 1.0, max_iter=10
    )
    with pytest.raises(ValueError, match=r"at a progress of 0\.4 it returned -1\.0|at a .* 0\.3"):
        network.set_params(max_iter=20).fit(np.zeros((5, 1)), np.zeros(5))
    assert not hasattr(network, "network_")


def test_cosine_restarts_follow_the_waves_of_sgdr():
    """T_cur and T_i of the paper, counted up step by step."""
    for growth, shrink, final in ((2.0, 1.0, 0.0), (1.0, 0.5, 0.1), (1.5, 0.9, 0.05)):
        schedule = CosineRestarts(period=1.5, growth=growth, shrink=shrink, final=final)
        current, period, top = 0.0, 1.5, 1.0
        for progress in training():
            expected = final + (top - final) * (1 + math.cos(math.pi * current / period)) / 2
            assert schedule.factor(progress) == pytest.approx(expected, abs=1e-6)
            current += 1 / STEPS
            while current >= period - 1e-9:
                current -= period
                period, top = period * growth, max(top * shrink, final)


def test_triangles_go_up_and_down():
    schedule = Cyclic(period=4, low=0.2, shrink=0.5)
    factors = [schedule.factor(at(epochs)) for epochs in (0, 1, 2, 3, 4, 5, 6, 8)]
    np.testing.assert_allclose(factors, [0.2, 0.6, 1.0, 0.6, 0.2, 0.4, 0.6, 0.2], atol=1e-8)


def test_powers_and_inverses_of_the_time():
    for progress in training():
        done, epochs = progress.fraction, progress.epochs
        assert Polynomial().factor(progress) == pytest.approx(1 - done)
        expected = 0.1 + 0.9 * (1 - done) ** 3
        assert Polynomial(power=3, final=0.1).factor(progress) == pytest.approx(expected)
        assert InverseTime(decay=2.0).factor(progress) == pytest.approx(1 / (1 + 2 * epochs))


def test_pieces_begin_at_their_boundaries():
    schedule = PiecewiseConstant(boundaries=[2, 4.5], factors=[1, 0.3, 2])
    factors = [schedule.factor(at(epochs)) for epochs in (0, 1.99, 2, 4.25, 4.5, 10)]
    assert factors == [1, 1, 0.3, 0.3, 2, 2]


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        (
            PiecewiseConstant(boundaries=[2, 1]),
            "PiecewiseConstant expects boundaries above 0",
        ),
        (PiecewiseConstant(factors=[1.0]), "and one factor of at least 0 more than these; got"),
        (PiecewiseConstant(boundaries=["a"], factors=[1, 1]), "PiecewiseConstant expects"),
        (Polynomial(power=0), "The 'power' parameter of Polynomial must be"),
        (Cyclic(period=0), "The 'period' parameter of Cyclic must be"),
        (CosineRestarts(growth=0.5), "The 'growth' parameter of CosineRestarts must be"),
        (InverseTime(decay=-1), "The 'decay' parameter of InverseTime must be"),
    ],
)
def test_wrong_shapes_have_a_sentence(schedule, sentence):
    with pytest.raises(ValueError) as caught:
        NeuralRegressor((), learning_rate=schedule).fit(np.ones((4, 1)), np.arange(4.0))
    assert sentence in str(caught.value)
