"""Training on rows that come block by block: `fit_blocks`."""

import pickle
from itertools import chain

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.utils.fixes import parse_version

from sknet import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralOutlierDetector,
    NeuralRegressor,
    NeuralTranscriber,
    NeuralTranslator,
)
from sknet.blocks import Blocks
from sknet.estimators.survey import Survey
from sknet.initializers import DataPoints, UnitVariance
from sknet.layers import GRU, CrossAttention, Dense, Embedding
from sknet.testing.memory import peak_of

X, LABELS = make_classification(
    96, 5, n_informative=3, n_classes=3, n_clusters_per_class=1, flip_y=0.2, random_state=0
)
TARGET = 100 + 7 * X[:, 0] + np.random.default_rng(0).standard_normal(96)
WEIGHT = np.linspace(0.5, 3, 96)
PARAMS = {
    "hidden_layer_sizes": (6,),
    "max_iter": 3,
    "tol": 0,
    "batch_size": 16,
    "random_state": 0,
}
FROM_DATA = {"kernel_initializer": UnitVariance(), "bias_initializer": DataPoints()}
TEXTS = ["tick tock", "tick tick tock", "tock", "cuckoo"] * 4


class Readers:
    """Blocks that are read when they are asked for, by position; it writes down which."""

    def __init__(self, *rows, size=32):
        self.rows, self.size, self.asked = rows, size, []

    def __len__(self):
        return -(-len(self.rows[0]) // self.size)

    def __getitem__(self, position):
        self.asked.append(position)
        part = slice(position * self.size, (position + 1) * self.size)
        return tuple(each[part] for each in self.rows)


class Loader:
    """Batches in the order of an iterator that starts anew, as a DataLoader has them."""

    def __init__(self, blocks):
        self.blocks = blocks

    def __iter__(self):
        return iter([list(self.blocks[i]) for i in range(len(self.blocks))])


def assert_same_training(a, b):
    assert_array_equal(a.network_.params, b.network_.params)
    for name in ("loss", "validation_loss", "learning_rate"):
        assert a.history_.get(name) == b.history_.get(name)


def sequences(n=24):
    rng = np.random.default_rng(0)
    X = [rng.standard_normal((rng.integers(3, 7), 2)) for _ in range(n)]
    return X, [np.cumsum(x[:, 0]) > 0 for x in X]


def frame():
    return pd.DataFrame({"price": TARGET, "kind": np.array(["a", "b", "c"])[LABELS]})


PLACES = {"layers": [GRU(4, return_sequences=True)], **PARAMS, "hidden_layer_sizes": (100,)}
RECURRENT = [Embedding(4), GRU(4, return_sequences=True)]
ONE_BLOCK = {
    "classifier": (NeuralClassifier(**PARAMS, class_weight="balanced"), (X, LABELS, WEIGHT)),
    "rows left out": (NeuralClassifier(**PARAMS), (X, LABELS, WEIGHT * (LABELS > 0))),
    "strings": (NeuralClassifier(**PARAMS), (X, np.array(["x", "y", "z"])[LABELS])),
    "multilabel": (NeuralClassifier(**PARAMS), (X, (X[:, :2] > 0).astype(int))),
    "options": (
        NeuralRegressor(**PARAMS, dropout=0.2, averaging=0.9, learning_rate="one_cycle"),
        (X, TARGET, WEIGHT),
    ),
    "data for the weights": (
        NeuralRegressor(layers=[Dense(5, **FROM_DATA)]),
        (X.astype(np.float32), TARGET),
    ),
    "frames": (NeuralRegressor(loss={"price": "huber", "kind": "log_loss"}), (X, frame())),
    "sparse": (NeuralClassifier(layers=[]), (csr_array(X), LABELS)),
    "places": (NeuralClassifier(**PLACES), sequences()),
    "autoencoder": (AutoencoderTransformer(**PARAMS), (X, None, WEIGHT)),
    "outliers": (NeuralOutlierDetector(**PARAMS), (X,)),
    "transcriptions": (
        NeuralTranscriber([GRU(4, return_sequences=True)]),
        (sequences()[0], ["ab", "b", "a"] * 8, np.linspace(1, 2, 24)),
    ),
    "translations": (
        NeuralTranslator(encoder=RECURRENT, decoder=[*RECURRENT, CrossAttention(2)]),
        (["ab", "b", "aab"] * 8, ["x", "y", "xy"] * 8, np.linspace(1, 2, 24)),
    ),
    "texts": (
        NeuralLanguageModel(layers=RECURRENT),
        (TEXTS,),
    ),
}


@pytest.mark.parametrize("estimator, block", ONE_BLOCK.values(), ids=ONE_BLOCK)
def test_one_block_is_trained_on_as_by_fit(estimator, block):
    estimator.set_params(max_iter=3, tol=0, random_state=0)
    expected = clone(estimator)
    expected.fit(*block[:2], **({"sample_weight": block[2]} if len(block) > 2 else {}))
    found = clone(estimator).fit_blocks([block])
    assert_same_training(found, expected)
    assert vars(found).keys() == vars(expected).keys()
    for name in ("classes_", "target_mean_", "offset_", "vocabulary_", "n_features_in_"):
        assert repr(getattr(found, name, None)) == repr(getattr(expected, name, None))


@pytest.mark.parametrize(
    "estimator",
    [
        NeuralClassifier(**PARAMS, early_stopping=True, scoring="accuracy"),
        NeuralRegressor(**PARAMS, learning_rate="cosine"),
    ],
)
def test_validation_is_that_of_fit(estimator):
    y = LABELS if isinstance(estimator, NeuralClassifier) else TARGET
    rows, validation = (X[:64], y[:64]), {"X_val": X[64:], "y_val": y[64:]}
    expected = clone(estimator).fit(*rows, **validation)
    found = estimator.fit_blocks([rows], **validation)
    assert_same_training(found, expected)
    assert found.history_["validation_score"] == expected.history_["validation_score"]
    assert found.best_iter_ == expected.best_iter_


@pytest.mark.parametrize(
    "estimator, rows",
    [
        (NeuralClassifier(class_weight="balanced"), (X, LABELS, WEIGHT * (LABELS > 0))),
        (NeuralClassifier(scoring="accuracy"), (X, LABELS)),
        (NeuralRegressor(layers=[Dense(5, **FROM_DATA)]), (X, TARGET, WEIGHT)),
        (AutoencoderTransformer(2, (6,)), (X, None, WEIGHT * (LABELS > 0))),
    ],
)
def test_rows_are_held_out_as_by_fit(estimator, rows):
    estimator.set_params(max_iter=3, tol=0, batch_size=16, random_state=0, early_stopping=True)
    weight = {"sample_weight": rows[2]} if len(rows) > 2 else {}
    expected = clone(estimator).fit(*rows[:2], **weight)
    found = clone(estimator).fit_blocks([rows])
    assert_same_training(found, expected)
    assert found.validation_scores_ == expected.validation_scores_


def test_rows_are_held_out_of_several_blocks_as_by_fit():
    model = NeuralRegressor((6,), early_stopping=True, shuffle=False, max_iter=3, tol=0)
    model.set_params(batch_size=1, random_state=0)  # so that no step of `fit` has rows of two
    empty = X[:0], TARGET[:0]
    blocks = [
        empty,
        (X[:50], TARGET[:50]),
        empty,
        (X[50:55], TARGET[50:55]),
        (X[55:], TARGET[55:]),
    ]
    found, expected = clone(model).fit_blocks(blocks), clone(model).fit(X, TARGET)
    assert_same_training(found, expected)
    # Again from the weights so far: the same rows are held out.
    found.set_params(warm_start=True).fit_blocks(blocks)
    assert_same_training(found, clone(model).set_params(max_iter=6).fit(X, TARGET))


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize(
    "estimator, y",
    [
        (NeuralClassifier(class_weight="balanced"), np.sort(LABELS)),
        (NeuralRegressor(), TARGET),
        (NeuralRegressor(loss="absolute_error"), np.column_stack([TARGET, -TARGET])),
    ],
)
def test_blocks_in_order_are_trained_on_as_by_fit(estimator, y, in_order):
    # Classes, scale, class weights and the initial bias are those of all blocks.
    estimator = clone(estimator).set_params(**PARAMS, shuffle=False)
    expected = clone(estimator).fit(X, y, WEIGHT)
    blocks = Readers(X, y, WEIGHT)
    found = estimator.fit_blocks(Loader(blocks) if in_order else blocks)
    assert_same_training(found, expected)
    assert found.t_ == 3 * 96


def test_blocks_and_their_rows_are_shuffled():
    position = np.arange(96.0)
    seen = []

    class Watched(Dense):
        def forward(self, x, training=False, mask=None):
            if training:
                seen.append(x[:, 0].astype(int).tolist())
            return super().forward(x, training, mask)

    blocks = Readers(np.column_stack([position, X]), TARGET, size=24)
    params = {**PARAMS, "hidden_layer_sizes": (100,), "batch_size": 10}
    NeuralRegressor(layers=[Watched(3)], **params).fit_blocks(blocks)
    orders = np.array(blocks.asked).reshape(4, 4)
    assert_array_equal(orders[0], range(4))  # the first pass
    assert len(set(map(tuple, orders))) == 4
    assert [len(batch) for batch in seen[:6]] == [10, 10, 4] * 2
    for epoch in range(3):
        rows = list(chain.from_iterable(seen[12 * epoch : 12 * epoch + 12]))
        assert sorted(rows) == list(range(96))
        assert rows[:24] != sorted(rows[:24])
        assert_array_equal(np.array(rows)[::24] // 24, orders[epoch + 1])


def test_a_loader_that_shuffles_keeps_rows_and_targets_together():
    rng = np.random.default_rng(0)

    class Shuffled(Loader):
        def __iter__(self):
            order = rng.permutation(96)
            return iter([(X[rows], X[rows] @ [1.0, 2, 3, 4, 5]) for rows in np.split(order, 6)])

    model = NeuralRegressor(
        (), learning_rate_init=0.05, max_iter=60, tol=0, alpha=0, random_state=0
    )
    assert model.fit_blocks(Shuffled(())).score(X, X @ [1.0, 2, 3, 4, 5]) > 0.999


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
def test_resumed_training_equals_one_that_was_not_interrupted(learning_rate):
    blocks = Readers(X, LABELS, WEIGHT)
    model = NeuralClassifier(**PARAMS, learning_rate=learning_rate, dropout=0.2, warm_start=True)
    whole = clone(model).set_params(max_iter=4)
    model = pickle.loads(pickle.dumps(model.set_params(max_iter=2).fit_blocks(blocks)))
    model.fit_blocks(blocks)
    assert_array_equal(model.network_.params, whole.fit_blocks(blocks).network_.params)


def test_classes_may_be_told():
    told = NeuralClassifier(**PARAMS).fit_blocks([(X, LABELS)], classes=[0, 1, 2, 3])
    assert_array_equal(told.classes_, range(4))
    with pytest.raises(ValueError, match=r"labels that NeuralClassifier does not know: \[2\]"):
        NeuralClassifier(**PARAMS).fit_blocks([(X, LABELS)], classes=[0, 1])


def frames(library):
    names = list("abcde")
    table = library.DataFrame(dict(zip(names, X.T, strict=True)))
    y = library.Series(LABELS)
    return [(table[start : start + 32], y[start : start + 32]) for start in (0, 32, 64)]


@pytest.mark.parametrize("library", [pd, pl])
def test_blocks_of_frames(library):
    found = NeuralClassifier(**PARAMS).fit_blocks(frames(library))
    expected = NeuralClassifier(**PARAMS).fit_blocks(Readers(X, LABELS))
    assert_same_training(found, expected)
    # Older versions of scikit-learn read no names of polars 2.
    if library is pd or parse_version(sklearn.__version__) >= parse_version("1.9"):
        assert_array_equal(found.feature_names_in_, list("abcde"))


def test_row_groups_of_a_parquet_file(tmp_path):
    table = pa.table({**dict(zip("abcde", X.T, strict=True)), "y": LABELS})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=32)

    class RowGroups:
        file = pq.ParquetFile(tmp_path / "rows.parquet")

        def __len__(self):
            return self.file.num_row_groups

        def __getitem__(self, position):
            rows = self.file.read_row_group(position).to_pandas()
            return rows.drop(columns="y"), rows["y"]

    found = NeuralClassifier(**PARAMS).fit_blocks(RowGroups())
    assert_same_training(found, NeuralClassifier(**PARAMS).fit_blocks(Readers(X, LABELS)))


def test_batches_of_a_data_loader():
    data = pytest.importorskip("torch.utils.data")
    from torch import from_numpy

    rows = data.TensorDataset(from_numpy(X), from_numpy(LABELS))
    found = NeuralClassifier(**PARAMS).fit_blocks(data.DataLoader(rows, batch_size=32))
    expected = NeuralClassifier(**PARAMS).fit_blocks(Loader(Readers(X, LABELS)))
    assert_same_training(found, expected)


def test_empty_blocks_are_left_out():
    with_empty = [(X[:0], LABELS[:0]), (X, LABELS), (X[:0], LABELS[:0])]
    expected = NeuralClassifier(**PARAMS, shuffle=False).fit(X, LABELS)
    assert_same_training(
        NeuralClassifier(**PARAMS, shuffle=False).fit_blocks(with_empty), expected
    )


def test_memory_holds_few_blocks_at_a_time():
    class Made:
        """Blocks of 800 kB that exist only while they are read."""

        def __len__(self):
            return 12

        def __getitem__(self, position):
            rng = np.random.default_rng(position)
            return rng.standard_normal((2000, 50)), rng.standard_normal(2000)

    model = NeuralRegressor((4,), max_iter=1, tol=0, batch_size=500, random_state=0)
    assert peak_of(lambda: model.fit_blocks(Made())) < 5 * 800_000


def test_the_sample_is_spread_evenly_and_bounded():
    rows = np.arange(20_000.0)[:, None]
    blocks = Blocks(Readers(rows, rows[:, 0], size=25), "NeuralRegressor", has_target=True)
    survey = Survey(blocks, lambda y: y)
    found = survey.sample[0][:, 0]
    assert_array_equal(found, np.arange(0, 20_000, 32))
    assert survey.n_sample == len(found) <= 1024
    assert_array_equal(survey.y, rows[:, 0])
    assert survey.sizes.sum() == 20_000


def test_the_sample_is_no_larger_than_the_largest_block():
    rows = np.arange(15_000.0)[:, None]
    blocks = Blocks(Readers(rows, size=5000), "AutoencoderTransformer", has_target=False)
    survey = Survey(blocks, lambda y: None)
    assert_array_equal(survey.sample[0][:, 0], np.arange(0, 15_000, 4))
    assert survey.y is None
