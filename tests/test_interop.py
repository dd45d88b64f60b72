"""Files that hold no code: what `sknet.save` writes, `sknet.load` reads as it was."""

import pickle
import subprocess
import sys
from collections import OrderedDict
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from inspect import isabstract, isclass
from itertools import islice
from math import inf, nan
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupShuffleSplit,
    LeavePOut,
    PredefinedSplit,
    RepeatedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import sknet
from sknet import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralOutlierDetector,
    NeuralRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknet.interop import UnreadableFileError, register, trusted_types
from sknet.interop.allowed import _PARTS, CLASSES, Allowed
from sknet.interop.decoding import Decoding
from sknet.interop.encoding import Encoding
from sknet.layers import GRU, Dense, Parallel
from sknet.losses import SquaredError
from sknet.optimizers import SGD, Adam
from sknet.preprocessing import SquashingScaler, TableEncoder, TokenizerTransformer

from .fuzzing import names
from .fuzzing.parameters import LAYERS
from .fuzzing.state import difference, state_of

X = np.random.default_rng(0).normal(size=(40, 4))
TARGET, BITS = X[:, 0], (X[:, 0] > 0).astype(int)
LABELS = np.where(BITS, "yes", "no")
TEXTS = ["some words", "other words", "some other words", "no words"] * 10
FRAME = pd.DataFrame(X[:, :2], columns=["a", "b"]).assign(
    kind=np.where(BITS, "u", "v"), day=pd.date_range("2020-01-01", periods=40)
)
BRIEF = {"max_iter": 2, "tol": 0, "random_state": 0, "n_iter_no_change": inf}
GOING_ON = {**BRIEF, "warm_start": True, "batch_size": 16}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "estimator.sknet"


def saved(estimator, path, **arguments):
    sknet.save(estimator, path, **arguments)
    return sknet.load(path)


def outputs(estimator, X):
    for name in ("predict_proba", "predict", "transform", "perplexity"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)


@pytest.mark.filterwarnings("ignore:TableEncoder:UserWarning")
@pytest.mark.parametrize(
    ("estimator", "X", "y"),
    [
        (NeuralClassifier((3,), **GOING_ON), X, LABELS),
        (NeuralClassifier((3,), averaging=0.9, early_stopping=True, **GOING_ON), X, BITS),
        (NeuralClassifier((3,), dropout=0.2, solver=SGD(), **GOING_ON), X, BITS),
        (NeuralRegressor((3,), dropout=0.2, dtype=np.float32, **GOING_ON), X, TARGET),
        (NeuralRegressor((3,), standardize_target=True, **GOING_ON), X, 9 * TARGET + 7),
        (NeuralRegressor((3,), loss=SquaredError(), solver="lbfgs", **GOING_ON), X, TARGET),
        (AutoencoderTransformer(2, (3,), variational=True, noise=0.1, **GOING_ON), X, None),
        (NeuralLanguageModel(max_iter=1, warm_start=True, random_state=0), TEXTS[:4], None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_loaded_network_predicts_and_goes_on_with_the_same_bits(estimator, X, y, path):
    seed = np.random.RandomState(3)
    estimator = clone(estimator).set_params(random_state=seed).fit(X, y)
    loaded = saved(estimator, path)
    pickled = pickle.loads(pickle.dumps(estimator))
    assert difference(state_of(pickled), state_of(loaded)) == ""
    assert_array_equal(outputs(loaded, X), outputs(estimator, X))
    assert_array_equal(outputs(loaded.fit(X, y), X), outputs(estimator.fit(X, y), X))
    assert loaded.loss_curve_ == estimator.loss_curve_
    if hasattr(estimator, "partial_fit") and not estimator.early_stopping:
        arguments = (X,) if y is None else (X, y)
        loaded.partial_fit(*arguments)
        assert_array_equal(outputs(loaded, X), outputs(estimator.partial_fit(*arguments), X))


@pytest.mark.parametrize(
    ("estimator", "X", "y"),
    [
        (TabularClassifier(cv=2, max_iter=2, random_state=0), FRAME, LABELS),
        (TabularRegressor(cv=2, max_iter=2, random_state=0), FRAME, TARGET),
        (TableEncoder(), FRAME, BITS),
        (SquashingScaler(), X, None),
        (TokenizerTransformer(), TEXTS, None),
        (TokenizerTransformer("byte"), TEXTS, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_tables_and_transformers_give_the_same_bits(estimator, X, y, path):
    estimator = clone(estimator).fit(X, y)
    loaded = saved(estimator, path)
    assert_array_equal(outputs(loaded, X), outputs(estimator, X))
    if hasattr(estimator, "members_"):
        ask = getattr(loaded, "predict_interval", None) or loaded.predict_set
        of_old = getattr(estimator, "predict_interval", None) or estimator.predict_set
        assert_array_equal(ask(X), of_old(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("kind", "samples"),
    [("table", "X"), ("images", "IMAGES"), ("series", "SERIES"), ("tokens", "TOKENS")],
)
def test_networks_of_every_layer_come_back(kind, samples, path):
    X, y = vars(names)[samples], np.arange(12.0)
    for layers in LAYERS[kind]:
        network = NeuralRegressor(layers=eval(layers, vars(names)), **BRIEF).fit(X, y)
        assert_array_equal(saved(network, path).predict(X), network.predict(X), layers)


def test_every_class_has_a_name_of_its_own():
    packages = ["activations", "initializers", "layers", "losses", "optimizers", "preprocessing"]
    packages = [getattr(sknet, name) for name in [*packages, "schedules"]]
    public = [getattr(package, name) for package in packages for name in package.__all__]
    classes = {each for each in public if isclass(each) and not isabstract(each)}
    allowed = Allowed()
    for cls in classes | set(_PARTS):
        assert CLASSES[allowed.name_of(cls)] is cls
        assert f"{cls.__module__}.{cls.__qualname__}" in trusted_types()
    assert len(set(CLASSES.values())) == len(CLASSES) > len(classes)


def test_estimators_that_are_not_fitted_come_back(path):
    layers = [("first", Dense(3, "relu")), 4, GRU(2, return_sequences=True)]
    for estimator in (
        NeuralClassifier(layers=layers, class_weight={0: 0.5, 1: 2}, solver=Adam(beta_1=0.8)),
        NeuralRegressor(np.array([3, 4]), dtype=np.float32, random_state=np.random.RandomState(1)),
        TableEncoder(categorical_features=["a", 3]),
    ):
        loaded = saved(estimator, path)
        assert type(loaded) is type(estimator)
        assert difference(state_of(estimator), state_of(loaded)) == ""


def through_entries(value):
    allowed = Allowed()
    encoding = Encoding(allowed, True)
    root = encoding.value(value, "value")
    members = dict(encoding.members())

    class Source:
        read = staticmethod(members.__getitem__)

    return Decoding(allowed, Source).decode(encoding.entries, root)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(10**300),
        0.1,
        -0.0,
        inf,
        -inf,
        nan,
        "a\ud800\n",
        b"\x00\xff",
        1 + 2j,
        [1, (2, [3.0]), {}],
        {1: "a", None: "b", (1, 2): "c", 0.5: {"d"}},
        frozenset({1, 2}),
        slice(1, None, 2),
        range(3, 9, 2),
        date(2020, 1, 2),
        datetime(2020, 1, 2, 3, 4, 5, 6),
        timedelta(1, 2, 3),
        Decimal("0.10"),
        Fraction(1, 3),
        np.float32(0.1),
        np.int64(-3),
        np.bool_(True),
        np.str_("a"),
        np.datetime64("2020-01-02T03"),
        np.dtype("<f4"),
        np.dtype("O"),
        np.float64,
        int,
    ],
    ids=repr,
)
def test_values_come_back_as_they_were(value):
    found = through_entries([value])[0]
    assert type(found) is type(value)
    assert repr(found) == repr(value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(8)[::2],
        np.array(3, dtype=">i2"),
        np.zeros((3, 0), bool),
        np.array(["a", "bcd"]),
        np.array(["2020", "NaT"], "M8[s]"),
        np.array([nan, -0.0, inf], np.float16),
        np.array([["a", None], [1, 2.5]], object),
        np.array([(1, 2), None], object),
        np.array(["a", "longer"], np.dtypes.StringDType()),
    ],
    ids=repr,
)
def test_arrays_come_back_as_they_were(array):
    found = through_entries(array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.flags.f_contiguous == array.flags.f_contiguous or array.ndim < 2
    assert found.flags.writeable
    assert repr(found.tolist()) == repr(array.tolist())


@pytest.mark.parametrize("source", ["MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"])
def test_random_generators_go_on_and_spawn_the_same(source):
    generator = np.random.Generator(getattr(np.random, source)(7))
    generator.integers(9, size=3, dtype=np.int32)
    generator.spawn(2)
    found = through_entries(generator)
    assert_array_equal(found.normal(size=5), generator.normal(size=5))
    assert_array_equal(found.spawn(1)[0].random(3), generator.spawn(1)[0].random(3))
    state = np.random.RandomState(5)
    state.normal()
    assert_array_equal(through_entries(state).normal(size=700), state.normal(size=700))


def test_what_is_shared_stays_shared():
    array, inner = np.arange(3), [1]
    found = through_entries({"a": array, "b": [array, inner], "c": inner, "d": [1]})
    assert found["a"] is found["b"][0]
    assert found["b"][1] is found["c"] is not found["d"]


def test_the_same_estimator_gives_the_same_file(path, tmp_path):
    network = NeuralClassifier((3,), **BRIEF).fit(X, LABELS)
    loaded = saved(network, path)
    sknet.save(loaded, tmp_path / "again.sknet")
    assert path.read_bytes() == (tmp_path / "again.sknet").read_bytes()
    assert np.load(path)["arrays/0"].size  # NumPy reads the arrays by itself


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (NeuralRegressor((50,), averaging=0.9, warm_start=True, **BRIEF), TARGET),
        (AutoencoderTransformer(2, (50,), warm_start=True, **BRIEF), None),
        (
            make_pipeline(SquashingScaler(), NeuralClassifier((50,), warm_start=True, **BRIEF)),
            BITS,
        ),
    ],
    ids=repr,
)
def test_a_file_without_training_state_predicts_the_same_and_is_smaller(estimator, y, path):
    estimator = clone(estimator).fit(X, y)
    sknet.save(estimator, path)
    whole = path.stat().st_size
    slim = saved(estimator, path, training_state=False)
    assert_array_equal(outputs(slim, X), outputs(estimator, X))
    assert path.stat().st_size < 0.6 * whole
    network = slim[-1] if hasattr(slim, "steps") else slim
    assert network.history_ == {}
    assert network.loss_curve_ == []
    with pytest.raises(ValueError, match="without its training state"):
        slim.fit(X, y)
    assert (estimator[-1] if hasattr(slim, "steps") else estimator).history_["loss"]


def test_a_slim_file_of_a_table_predicts_the_same(path):
    model = TabularRegressor(cv=2, max_iter=2, random_state=0).fit(FRAME, TARGET)
    slim = saved(model, path, training_state=False)
    assert_array_equal(slim.predict(FRAME), model.predict(FRAME))
    assert_array_equal(slim.predict_interval(FRAME), model.predict_interval(FRAME))
    assert slim.members_[0].history_ == {}


PARTS = [
    make_pipeline(SquashingScaler(), NeuralRegressor((3,), **BRIEF)),
    make_pipeline(
        ColumnTransformer(
            [
                ("numbers", StandardScaler(), make_column_selector(dtype_include=float)),
                ("kinds", OneHotEncoder(sparse_output=False), ["kind"]),
            ]
        ),
        NeuralRegressor((3,), **BRIEF),
    ),
    TransformedTargetRegressor(
        make_pipeline(TableEncoder(), NeuralRegressor((3,), **BRIEF)), transformer=StandardScaler()
    ),
]


@pytest.mark.parametrize("pipeline", PARTS, ids=["sknet", "columns", "target"])
def test_pipelines_come_back(pipeline, path):
    if pipeline is not PARTS[0]:
        pytest.importorskip("skops")
    data = X if pipeline is PARTS[0] else FRAME
    pipeline = clone(pipeline).fit(data, TARGET)
    assert_array_equal(saved(pipeline, path).predict(data), pipeline.predict(data))


def test_without_skops_a_sentence_names_it(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ImportError, match=r"StandardScaler of scikit-learn.*pip install skops"):
        sknet.save(make_pipeline(StandardScaler()), path)
    assert not path.exists()


def test_skops_trusts_all_that_estimators_consist_of():
    skops = pytest.importorskip("skops.io")
    pipeline = make_pipeline(TableEncoder(), NeuralClassifier((3,), averaging=0.9, **BRIEF))
    for estimator in (
        pipeline.fit(FRAME, LABELS),
        TabularClassifier(cv=2, max_iter=1, random_state=0).fit(FRAME, LABELS),
        NeuralLanguageModel(max_iter=1, random_state=0).fit(TEXTS[:4]),
    ):
        content = skops.dumps(estimator)
        assert set(skops.get_untrusted_types(data=content)) <= set(trusted_types())
        data = FRAME if hasattr(estimator, "classes_") else TEXTS[:4]
        loaded = skops.loads(content, trusted=trusted_types())
        assert_array_equal(outputs(loaded, data), outputs(estimator, data))


def test_requests_of_metadata_come_back(path):
    from sklearn import config_context

    with config_context(enable_metadata_routing=True):
        network = NeuralRegressor((3,), **BRIEF).set_fit_request(sample_weight=True)
        loaded = saved(network.fit(X, TARGET), path)
        found = loaded.get_metadata_routing().fit.requests
    assert found["sample_weight"] is True


class Own(Dense):
    """A layer of the user's own."""

    def forward(self, x, training=False, mask=None):
        return super().forward(x, training, mask)


@pytest.mark.parametrize(
    "cv",
    [
        StratifiedKFold(3, shuffle=True, random_state=np.random.RandomState(0)),
        RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
        TimeSeriesSplit(3, gap=1),
        GroupShuffleSplit(3, random_state=0),
        LeavePOut(39),
        PredefinedSplit(np.arange(40) % 3),
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_splitters_of_scikit_learn_come_back(cv, path):
    sknet.save(TabularClassifier(cv=cv), path)
    loaded = sknet.load(path).cv
    assert type(loaded) is type(cv)
    groups = np.arange(40) % 5 if isinstance(cv, GroupShuffleSplit) else None
    expected = list(islice(cv.split(X, BITS, groups), 9))
    for found, parts in zip(loaded.split(X, BITS, groups), expected, strict=False):
        assert_array_equal(np.hstack(found), np.hstack(parts))


def test_scorers_of_scikit_learn_come_back(path):
    scorer = make_scorer(fbeta_score, beta=2)
    sknet.save(NeuralClassifier(scoring=scorer, early_stopping=True, **BRIEF).fit(X, BITS), path)
    loaded = sknet.load(path)
    assert loaded.scoring(loaded, X, BITS) == scorer(loaded, X, BITS)


def test_layers_of_ones_own_are_named_explicitly(path, monkeypatch):
    monkeypatch.setattr("sknet.interop.allowed._registered", {})
    network = NeuralRegressor(layers=[Own(3)], **BRIEF).fit(X, TARGET)
    with pytest.raises(TypeError, match=r"\.layers: Own\(.*sknet\.interop\.register or trusted"):
        sknet.save(network, path)
    sknet.save(network, path, trusted=[Own])
    with pytest.raises(UnreadableFileError, match=r"Own', which sknet does not know.*trusted"):
        sknet.load(path)
    assert_array_equal(sknet.load(path, trusted=[Own]).predict(X), network.predict(X))
    assert register(Own) is Own
    assert type(sknet.load(path).layers[0]) is Own
    assert f"{__name__}.Own" in trusted_types()


@pytest.mark.parametrize(
    ("wrong", "error", "match"),
    [
        (lambda path: sknet.save(NeuralRegressor, path), TypeError, "expects an estimator"),
        (lambda path: sknet.save([1], path), TypeError, "expects an estimator, got list"),
        (lambda path: sknet.save(NeuralRegressor(), 3), TypeError, "the path of a file, got int"),
        (lambda path: sknet.save(NeuralRegressor(), path.parent), ValueError, "is a folder"),
        (lambda path: sknet.save(NeuralRegressor(), path / "a"), ValueError, "finds no folder"),
        (lambda path: sknet.load(path.parent), ValueError, "is a folder"),
        (lambda path: sknet.load(path), FileNotFoundError, "No such file"),
        (lambda path: sknet.load(b""), TypeError, "the path of a file, got bytes"),
        (
            lambda path: sknet.save(NeuralRegressor(scoring=lambda *_: 0), path),
            TypeError,
            r"NeuralRegressor\.scoring: <function.* is unknown to a file without code",
        ),
        (
            lambda path: sknet.save(NeuralRegressor(class_of_own()), path),
            ValueError,
            "contains itself",
        ),
        (lambda path: register(3), TypeError, "Only classes and functions"),
        (lambda path: register(lambda: 0), ValueError, "no name of its own"),
        (lambda path: sknet.save(NeuralRegressor(OrderedDict()), path), TypeError, "OrderedDict"),
    ],
)
def test_wrong_uses_are_refused_and_leave_no_file(wrong, error, match, path):
    with pytest.raises(error, match=match):
        wrong(path)
    assert list(path.parent.iterdir()) == []


def class_of_own():
    """Return a list that contains itself."""
    items = []
    items.append(items)
    return items


def nested(n_levels):
    items = []
    for _ in range(n_levels):
        items = [items]
    return items


@pytest.mark.parametrize("n_levels", [98, 5000])
def test_what_can_be_saved_can_be_loaded(n_levels, path):
    estimator = NeuralRegressor(nested(n_levels))
    if n_levels < 100:
        assert saved(estimator, path).hidden_layer_sizes == nested(n_levels)
        return
    with pytest.raises(
        ValueError, match="hidden_layer_sizes: objects are nested in more than 100"
    ):
        sknet.save(estimator, path)


def test_of_a_search_the_best_estimator_is_saved(path):
    pytest.importorskip("skops")
    search = GridSearchCV(NeuralRegressor((3,), **BRIEF), {"alpha": [0.1]}, cv=2).fit(X, TARGET)
    with pytest.raises(TypeError, match=r"a GridSearchCV that holds .*best_estimator_"):
        sknet.save(search, path)
    loaded = saved(search.best_estimator_, path)
    assert_array_equal(loaded.predict(X), search.predict(X))


class Callback:
    """Does nothing."""

    def setup(self, estimator, context):
        pass

    on_fit_task_begin = on_fit_task_end = teardown = setup


@pytest.mark.skipif(not hasattr(NeuralRegressor, "set_callbacks"), reason="needs callbacks")
def test_callbacks_are_left_out_of_slim_files_alone(path):
    network = NeuralRegressor((3,), **BRIEF).fit(X, TARGET)
    network._skl_callbacks = [Callback()]
    with pytest.raises(TypeError, match=r"NeuralRegressor\._skl_callbacks: .*Callback is unknown"):
        sknet.save(network, path)
    slim = saved(network, path, training_state=False)
    assert not hasattr(slim, "_skl_callbacks")
    assert network._skl_callbacks


def test_arrays_that_joblib_has_mapped_are_saved(path, tmp_path):
    network = NeuralRegressor((3,), **BRIEF).fit(X, TARGET)
    joblib.dump(network, tmp_path / "mapped")
    mapped = joblib.load(tmp_path / "mapped", mmap_mode="r")
    assert_array_equal(saved(mapped, path).predict(X), network.predict(X))


def test_an_error_while_saving_leaves_the_old_file(path):
    sknet.save(NeuralRegressor(), path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        sknet.save(NeuralRegressor(scoring=print), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links, modes and signals of POSIX")
def test_a_file_keeps_its_mode_and_a_link_stays_one(path, tmp_path):
    sknet.save(NeuralRegressor(), path)
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    sknet.save(NeuralClassifier(), link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert type(sknet.load(path)) is NeuralClassifier


@pytest.mark.skipif(sys.platform == "win32", reason="needs links, modes and signals of POSIX")
def test_killed_saves_leave_a_whole_file():
    # A process of its own, as a fork needs one without threads.
    command = [sys.executable, "-m", "tests.killed_saves", "--kills", "4"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_pickle_is_refused(path):
    path.write_bytes(pickle.dumps(NeuralRegressor()))
    with pytest.raises(UnreadableFileError, match=r"'estimator\.sknet': File is not a zip file\."):
        sknet.load(path)


TWO_COLUMNS = pd.DataFrame({"price": np.arange(20.0), "sold": np.arange(20) % 2})
UNEQUAL = [np.arange(2.0 * n).reshape(n, 2) / 10 for n in (3, 5, 4, 3, 6)]
TWO_EPOCHS = {"max_iter": 2, "tol": 0, "random_state": 0}


@pytest.mark.parametrize(
    ("model", "X", "y"),
    [
        (
            NeuralRegressor(loss={"price": "squared_error", "sold": "log_loss"}, **TWO_EPOCHS),
            np.arange(40.0).reshape(20, 2) / 40,
            TWO_COLUMNS,
        ),
        (
            NeuralClassifier(
                layers=[GRU(3, return_sequences=True)], input_shape=(None, 2), **TWO_EPOCHS
            ),
            UNEQUAL,
            [np.arange(len(x)) % 2 for x in UNEQUAL],
        ),
        (
            AutoencoderTransformer(
                2, encoder=[GRU(3)], decoder=[GRU(3, return_sequences=True)], **TWO_EPOCHS
            ),
            UNEQUAL,
            None,
        ),
        (
            NeuralOutlierDetector(1, **TWO_EPOCHS),
            np.arange(40.0).reshape(20, 2) / 40,
            None,
        ),
        (
            NeuralRegressor(layers=[Parallel([[], [3, 2]]), 4], **TWO_EPOCHS),
            np.arange(40.0).reshape(20, 2) / 40,
            np.arange(20.0),
        ),
    ],
    ids=["columns", "places", "codes of sequences", "outliers", "branches"],
)
def test_networks_of_each_form_come_back_and_resume_with_the_same_bits(model, X, y, tmp_path):
    model.fit(X, y)
    sknet.save(model, tmp_path / "model")
    loaded = sknet.load(tmp_path / "model")
    method = "predict" if hasattr(model, "predict") else "reconstruct"
    for _ in range(2):
        for one, other in zip(
            np.asarray(getattr(model, method)(X), dtype=object),
            np.asarray(getattr(loaded, method)(X), dtype=object),
            strict=True,
        ):
            assert_array_equal(one, other)
        model.set_params(warm_start=True).fit(X, y)
        loaded.set_params(warm_start=True).fit(X, y)


def test_a_conversion_without_onnx_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    network = NeuralClassifier(max_iter=1, tol=0).fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(ImportError, match=r"needs onnx here, .* Install it: pip install onnx\."):
        sknet.interop.to_onnx(network)
