import pickle
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from sknet import AutoencoderTransformer, NeuralClassifier, NeuralRegressor
from sknet.layers import (
    GRU,
    BatchNorm,
    Branch,
    ColumnBranches,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Pretrained,
    Reshape,
    Sequential,
)
from sknet.network import Network
from sknet.testing import check_layer

MERGES = ["concatenate", "add", "multiply", "average", "maximum", "dot"]


NAMES = ["code", "a", "b", "c", "d", "e"]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def dense(units):
    return [Dense(units, activation="tanh")]


def branches(*columns, units=3):
    return [(f"b{i}", Branch(chosen, dense(units))) for i, chosen in enumerate(columns)]


def kernels(network):
    return [(part.kernel_, part.bias_) for part in network.layer.walk() if isinstance(part, Dense)]


# The contract


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize(
    "columns",
    [
        [0, slice(1, 4)],
        [slice(None, None, 2), [4, 1, 1], [True, False, False, True, True]],
        [slice(None), slice(None), -1, [0, 1, 3]],
        [[-5, 4]] * 2,
    ],
    ids=repr,
)
def test_branches_keep_the_contract(columns, merge):
    check_layer(ColumnBranches(branches(*columns), merge), (5,))


@pytest.mark.parametrize(
    "layer",
    [
        Branch(slice(1, 3), []),
        Branch([2, 0], dense(2)),
        ColumnBranches([Branch(0, [])]),
        ColumnBranches([Branch([0, 1], []), Branch([2, 4], [])], "dot"),
        ColumnBranches([Branch(slice(0, 4), [Reshape((2, 2)), Dense(3)]), Branch([4, 0], [6])]),
        ColumnBranches([Branch(0, [4, Dropout(0.3), BatchNorm()]), Branch([1], [4])], "add"),
        ColumnBranches([Branch(0, [Dense(2, trainable=False)]), Branch([1], [2])], "multiply"),
        ColumnBranches([("a", Branch(slice(2), [2], trainable=False)), Branch([1], [])]),
        ColumnBranches(
            [("in", Branch([4, 2, 0], [ColumnBranches(branches(0, [1, 2]))])), Branch(1, [])]
        ),
        Sequential([4, ColumnBranches(branches(slice(0, 2), [1, 3])), 2]),
        Branch([4, 0, 1, 2], [Conv2D(2, 2), Dense(2)], input_shape=(2, 2, 1)),
        ColumnBranches(
            [Branch(slice(0, 4), [GRU(3)], input_shape=(None, 2)), Branch(slice(None), [2])]
        ),
    ],
    ids=lambda layer: repr(layer).replace("\n", ""),
)
def test_other_branches_keep_the_contract(layer):
    check_layer(layer, (5,))


def test_embeddings_beside_numbers_keep_the_contract():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.integers(0, 4, 5), rng.integers(0, 6, 5), rng.normal(size=5)])
    layer = ColumnBranches(
        [
            ("user", Branch([0], [Embedding(3, input_dim=4)])),
            ("item", Branch([1], [Embedding(3, input_dim=6)])),
            ("numbers", Branch(slice(2, None), dense(3))),
        ],
    )
    for merge in MERGES:
        check_layer(layer.set_params(merge=merge), (3,), x=x, input_grad=False)


# Values


@pytest.mark.parametrize("merge", MERGES)
def test_outputs_are_merged_as_named(merge):
    x = draw(6, 5)
    columns = [[0], [3, 1], slice(2, None)]
    network = Network(ColumnBranches(branches(*columns), merge), (5,))
    outputs = [
        np.tanh(x[:, chosen] @ kernel + bias)
        for chosen, (kernel, bias) in zip(columns, kernels(network), strict=True)
    ]
    first, second, third = outputs
    expected = {
        "concatenate": np.hstack(outputs),
        "add": first + second + third,
        "multiply": first * second * third,
        "average": np.mean(outputs, axis=0),
        "maximum": np.max(outputs, axis=0),
        "dot": np.column_stack(
            [(a * b).sum(axis=1) for a, b in ((first, second), (first, third), (second, third))]
        ),
    }[merge]
    assert network.output_shape == expected.shape[1:]
    np.testing.assert_allclose(network.predict(x), expected, rtol=1e-12)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    chosen=st.lists(st.lists(st.integers(-6, 5), min_size=1, max_size=7), min_size=2, max_size=4),
    n=st.integers(1, 4),
)
def test_empty_layers_pass_columns_on_and_gradients_add_up(chosen, n):
    x = draw(n, 6)
    network = Network(ColumnBranches([Branch(columns, []) for columns in chosen]), (6,))
    replica = network.replica(n, None, np.empty(0))
    out = replica.forward(x, training=True)
    picked = np.concatenate([np.arange(6)[columns] for columns in chosen])
    np.testing.assert_array_equal(out, x[:, picked])
    grad, expected = draw(n, len(picked), seed=1), np.zeros((n, 6))
    for position, column in enumerate(picked):
        expected[:, column] += grad[:, position]
    np.testing.assert_allclose(replica.layer.backward(grad.copy()), expected, atol=1e-14)
    assert replica.layer.backward(grad, input_grad=False) is None


def test_the_dot_of_linear_embeddings_is_a_factorization_machine():
    x, factors = draw(7, 4), draw(4, 3, seed=1)
    machine = ColumnBranches([Branch(i, [Dense(3, use_bias=False)]) for i in range(4)], "dot")
    network = Network(machine, (4,))
    for (_, branch), row in zip(network.layer.sublayers(), factors, strict=True):
        branch.sublayers()[0][1].kernel_[:] = row
    pairs = list(combinations(range(4), 2))
    out = network.predict(x)
    assert out.shape == (7, 6)
    for position, (i, j) in enumerate(pairs):
        expected = factors[i] @ factors[j] * x[:, i] * x[:, j]
        np.testing.assert_allclose(out[:, position], expected, rtol=1e-12)


def test_a_product_with_a_zero_has_its_gradient():
    network = Network(ColumnBranches([Branch(i, []) for i in range(3)], "multiply"), (3,))
    replica = network.replica(2, None, np.empty(0))
    replica.forward(np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 5.0]]), training=True)
    grad = replica.layer.backward(np.ones((2, 1)))
    np.testing.assert_array_equal(grad, [[6, 0, 0], [0, 0, 0]])


def test_columns_are_indexed_as_numpy_does():
    x = draw(4, 6)
    some = [False, True, True, False, True, False]
    for columns in [slice(1, 4), [1, 2, 3], some, -2, [3, 1], slice(None, None, -2), slice(None)]:
        replica = Network(Branch(columns, []), (6,)).replica(4)
        out = replica.forward(x)
        np.testing.assert_array_equal(out, x[:, np.arange(6)[columns]].reshape(4, -1))


def test_columns_may_be_arrays():
    for columns in (np.array([2, 0]), np.array([True, False, True]), np.int64(1), (2, 0)):
        check_layer(ColumnBranches([Branch(columns, [2])]), (3,))


# Parameters


def mixed():
    return [
        ColumnBranches(
            [
                ("user", Branch([0], [Embedding(4)])),
                ("item", Branch([1], [Embedding(4)])),
                ("numbers", Branch(slice(2, None), [Dense(16, activation="relu"), 4])),
            ]
        )
    ]


def ratings(n=240):
    rng = np.random.default_rng(0)
    users, items, numbers = rng.integers(0, 7, n), rng.integers(0, 11, n), rng.normal(size=(n, 2))
    users[0], items[1] = 6, 10
    taste, appeal = rng.normal(size=7), rng.normal(size=11)
    y = taste[users] + appeal[items] + numbers[:, 0]
    return np.column_stack([users, items, numbers]), y


def test_parameters_of_branches_are_reached_by_name_and_by_position():
    model = NeuralRegressor(layers=mixed())
    model.set_params(
        layers__0__branches__user__layers__0__output_dim=8,
        layers__0__branches__2__layers__0__units=5,
        layers__0__branches__item__columns=[3],
        layers__0__merge="add",
    )
    params = model.get_params()
    assert params["layers__0__branches__user__layers__0__output_dim"] == 8
    assert params["layers__0__branches__numbers__layers__0__units"] == 5
    assert params["layers__0__branches__item__columns"] == [3]
    assert params["layers__0__merge"] == "add"
    copy = clone(model)
    copy.set_params(layers__0__branches__user__layers__0__output_dim=1)
    assert model.layers[0].branches[0][1].layers[0].output_dim == 8
    with pytest.raises(ValueError, match="'branches' has the items 'user', 'item', 'numbers'"):
        model.set_params(layers__0__branches__nobody__columns=0)


def test_embeddings_in_branches_learn_their_numbers_of_codes_and_the_model_learns():
    X, y = ratings()
    model = NeuralRegressor(
        layers=mixed(), learning_rate_init=0.02, max_iter=60, tol=0, random_state=0
    ).fit(X, y)
    sizes = [
        part.embeddings_.shape
        for part in model.network_.layer.walk()
        if isinstance(part, Embedding)
    ]
    assert sizes == [(7, 4), (11, 4)]
    assert model.score(X, y) > 0.8
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert model.layers[0].branches[0][1].layers[0].input_dim is None


def test_branches_inside_branches_adapt_to_their_columns():
    X, y = ratings()
    codes = ColumnBranches([Branch([0], [Embedding(2)]), Branch([1], [Embedding(2)])], "dot")
    layers = [ColumnBranches([Branch([1, 0], [codes]), Branch(slice(2, 4), [])])]
    model = NeuralRegressor(layers=layers, max_iter=2, tol=0).fit(X, y)
    sizes = [p.input_dim for p in model.network_.layer.walk() if isinstance(p, Embedding)]
    assert sizes == [11, 7]


def test_ints_in_branches_are_dense_layers_with_the_estimators_activation():
    X, y = ratings(60)
    params = {"max_iter": 2, "tol": 0, "random_state": 0}

    def fit(layer, activation):
        layers = [ColumnBranches([("a", Branch([2, 3], [layer])), Branch(0, [])]), Dense(2)]
        return NeuralRegressor(layers=layers, activation=activation, **params).fit(X, y)

    short, long = fit(4, "tanh"), fit(Dense(4, activation="tanh"), "relu")
    np.testing.assert_array_equal(short.network_.params, long.network_.params)
    assert not np.array_equal(fit(4, "relu").network_.params, long.network_.params)
    assert short.layers[0].branches[0][1].layers == [4]


def test_a_grid_search_reaches_into_branches():
    X, y = ratings(90)
    layers = [
        ColumnBranches([("wide", Branch([0, 1], [])), ("numbers", Branch([2, 3], [Dense(2)]))])
    ]
    model = make_pipeline(
        StandardScaler(), NeuralRegressor(layers=layers, max_iter=3, tol=0, random_state=0)
    )
    grid = {"neuralregressor__layers__0__branches__numbers__layers__0__units": [2, 6]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    kernel = kernels(search.best_estimator_[-1].network_)[0][0]
    assert kernel.shape == (2, *search.best_params_.values())


def test_a_frozen_branch_keeps_its_weights_while_others_learn():
    X, y = ratings(90)
    parts = [
        ("kept", Branch([2], dense(3), trainable=False)),
        ("moved", Branch([3], dense(3))),
    ]
    params = {"max_iter": 2, "tol": 0, "random_state": 0, "learning_rate_init": 0.1}
    model = NeuralRegressor(layers=[ColumnBranches(parts)], **params).fit(X, y)
    fewer = clone(model).set_params(learning_rate_init=1e-9).fit(X, y)
    (kept, _), (moved, _), *_ = kernels(model.network_)
    (kept_start, _), (moved_start, _), *_ = kernels(fewer.network_)
    np.testing.assert_array_equal(kept, kept_start)
    assert np.abs(moved - moved_start).min() > 1e-3


def test_frozen_branches_keep_the_averages_inside():
    layers = ColumnBranches([Branch(0, [BatchNorm()]), Branch([1, 2], [])], trainable=False)
    network = Network(layers, (3,))
    before = network.params.copy()
    network.replica(5).forward(draw(5, 3), training=True)
    np.testing.assert_array_equal(network.params, before)


# Refusals


def two(first, second, **params):
    return ColumnBranches([("a", Branch(0, first)), ("b", Branch(1, second))], **params)


@pytest.mark.parametrize(
    ("layers", "error", "sentence"),
    [
        (
            [ColumnBranches([("a", Branch([0, 7], [3]))])],
            ValueError,
            "Layer 'layers__0__branches__a' (Branch) expects columns from -4 to 3, got column 7. "
            "The input has 4 columns.",
        ),
        ([Branch(-5, [3])], ValueError, "'layers__0' (Branch) expects columns from -4 to 3, got"),
        (
            [Branch([True, False], [3])],
            ValueError,
            "Layer 'layers__0' (Branch) expects columns as an int, a list of ints, a name, a list "
            "of names, a slice or a list of 4 bools, got columns=[True, False]. Negative ints "
            "count from the end.",
        ),
        ([Branch(True, [3])], ValueError, "a list of 4 bools, got columns=True."),
        ([Branch([0.5], [3])], ValueError, "a list of 4 bools, got columns=[0.5]."),
        ([Branch([[0], [1]], [3])], ValueError, "a list of 4 bools, got columns=[[0], [1]]."),
        ([Branch([[0], [1, 2]], [3])], ValueError, "a list of 4 bools, got columns=[[0], [1, 2]]"),
        ([Branch(["a"], [3])], ValueError, "where its input has no names, got columns=['a']."),
        ([Branch(["a", 0], [3])], ValueError, "a list of 4 bools, got columns=['a', 0]."),
        ([Branch(None, [3])], ValueError, "(Branch): The 'columns' parameter of Branch must be"),
        (
            [Branch(slice(4, None), [3])],
            ValueError,
            "(Branch) expects at least one column, got columns=slice(4, None, None), none of 4. "
            "Drop the branch or choose columns.",
        ),
        ([Branch([], [3])], ValueError, "expects at least one column, got columns=[], none of 4."),
        (
            [Reshape((2, 2)), Branch(0, [3])],
            ValueError,
            "Layer 'layers__1' (Branch) expects rows of shape (features,), got (2, 2). Put a "
            "Flatten before it.",
        ),
        (
            [two([3], [2], merge="add")],
            ValueError,
            "Layer 'layers__0' (ColumnBranches) expects branches of one shape for merge='add', "
            "got (3,) from branch 'a' and (2,) from branch 'b'. End each branch with as many "
            "outputs, or merge by 'concatenate'.",
        ),
        (
            [ColumnBranches([Branch(0, [3])], "dot")],
            ValueError,
            "Layer 'layers__0' (ColumnBranches) expects 2 or more branches for merge='dot', got "
            "1. Add a branch.",
        ),
        ([ColumnBranches([])], ValueError, "expects 1 or more branches for merge='concatenate'"),
        ([two([3], [3], merge="mean")], ValueError, "The 'merge' parameter of ColumnBranches"),
        ([ColumnBranches(3)], ValueError, "The 'branches' parameter of ColumnBranches must be"),
        ([ColumnBranches([Branch(0, 3)])], ValueError, "The 'layers' parameter of Branch must be"),
        (
            [ColumnBranches([("a", Dense(3))])],
            ValueError,
            "Layer 'layers__0' (ColumnBranches) expects Branch objects in branches, got Dense as "
            "'a'. Write Branch(columns, [...]) around the layers, or use Parallel.",
        ),
        (
            [ColumnBranches([Branch(0, ["relu"])])],
            TypeError,
            "layers__0__branches__0__layers__0 must be a layer, a pair ('name', layer) or an int,",
        ),
        (
            [ColumnBranches([("a", Branch(0, [3])), ("a", Branch(1, [3]))])],
            ValueError,
            "layers__0__branches: the name 'a' is used 2 times",
        ),
        (
            [two([3], [Dense(0)])],
            ValueError,
            "Layer 'layers__0__branches__b__layers__0' (Dense): The 'units' parameter",
        ),
    ],
)
def test_wrong_branches_are_told_where_they_are(layers, error, sentence):
    model = NeuralClassifier(layers=layers)
    with pytest.raises(error) as caught:
        model.fit(draw(6, 4), [0, 1] * 3)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sequences_of_free_length_are_refused():
    with pytest.raises(ValueError, match=r"expects rows of shape \(features,\), got \(None,\)"):
        Network(Branch(0, []), (None,))


def test_branches_stand_behind_other_layers():
    X, y = ratings(60)
    layers = [Reshape((2, 2)), Flatten(), Dense(6), ColumnBranches(branches([0, 5], slice(1, 5)))]
    NeuralRegressor(layers=layers, max_iter=2, tol=0).fit(X, y)


@pytest.mark.parametrize("columns", [slice("a", 2), slice([0], 2), slice(1.0), slice(0, 4, 0)])
def test_a_slice_has_ints(columns):
    network = NeuralRegressor(layers=[ColumnBranches([Branch(columns, [2])])], max_iter=1)
    with pytest.raises(
        ValueError, match=r"'layers__0__branches__0' \(Branch\) expects a slice of"
    ):
        network.fit(np.ones((3, 4)), np.ones(3))


def test_a_column_beyond_all_ints_is_named():
    network = NeuralRegressor(layers=[ColumnBranches([Branch([0, 10**20], [2])])], max_iter=1)
    with pytest.raises(ValueError, match=f"expects columns from -4 to 3, got column {10**20}"):
        network.fit(np.ones((3, 4)), np.ones(3))


# Names of columns


def frame(library=pd.DataFrame, n=30):
    numbers = np.column_stack([np.arange(n) % 3, draw(n, 5)])
    return library(dict(zip(NAMES, numbers.T, strict=True)))


def fit_branches(X, *columns, wrap=list, **params):
    layers = wrap([ColumnBranches([Branch(chosen, [2]) for chosen in columns])])
    options = {"max_iter": 2, "tol": 0, "random_state": 0, "warm_start": True, **params}
    return NeuralRegressor(layers=layers, **options).fit(X, draw(30))


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("wrap", [list, lambda layers: [Sequential(layers)]])
def test_names_of_columns_stand_for_their_positions(library, wrap):
    X = frame(library)
    if library is pl.DataFrame and parse_version(sklearn.__version__) < parse_version("1.9"):
        pytest.skip("older scikit-learn reads no names of polars 2")
    named = fit_branches(X, "e", ["c", "a", "code"], np.array(["b"]), wrap=wrap)
    expected = fit_branches(X, 5, [3, 1, 0], [2], wrap=wrap)
    np.testing.assert_array_equal(named.predict(X), expected.predict(X))
    # The user's layers keep the names, and training goes on by them.
    assert "'code'" in repr(named)
    loaded = pickle.loads(pickle.dumps(named))
    for model in (named, expected, loaded):
        model.fit(X, draw(30))
    np.testing.assert_array_equal(named.predict(X), expected.predict(X))
    np.testing.assert_array_equal(loaded.predict(X), expected.predict(X))


def test_names_follow_the_columns_of_another_frame():
    X = frame()
    expected = fit_branches(X, ["a", "code"]).predict(X)
    turned = X[NAMES[::-1]]
    model = fit_branches(turned, ["a", "code"])
    np.testing.assert_array_equal(model.predict(turned), expected)
    model.set_params(warm_start=False).fit(X, draw(30))
    np.testing.assert_array_equal(model.predict(X), expected)


def test_a_branch_inside_a_branch_names_the_columns_that_the_outer_one_reads():
    X = frame()
    inner = [Branch("code", [Embedding(2)]), Branch(["a", "d"], [GRU(2)], input_shape=(2, 1))]
    outer = Branch(["d", "code", "a"], [ColumnBranches(inner)])
    model = NeuralRegressor(layers=[ColumnBranches([outer])], max_iter=1, tol=0).fit(X, X["a"])
    found = [part.columns for part in model.network_.layer.walk() if isinstance(part, Branch)]
    assert found == [[4, 0, 1], [1], [2, 0]]
    sizes = [p.input_dim for p in model.network_.layer.walk() if isinstance(p, Embedding)]
    assert sizes == [3]


def test_an_autoencoder_resolves_names_and_its_encoder_is_reused():
    X = frame()
    layers = [ColumnBranches([Branch(["e", "a"], [3]), Branch("code", [Embedding(2)])])]
    params = {"max_iter": 1, "tol": 0, "random_state": 0}
    coder = AutoencoderTransformer(2, encoder=layers, decoder=[3], **params).fit(X)
    model = NeuralRegressor(layers=[Pretrained(coder, trainable=False)], **params)
    model.fit(X, X["a"])
    np.testing.assert_array_equal(model.network_.activations(X, 0), coder.transform(X))


@pytest.mark.parametrize(
    ("columns", "layers", "named", "sentence"),
    [
        ("a", [], False, r"expects positions of columns where .* no names, got columns='a'\. Fit"),
        (["a", "b"], [Dense(6)], True, r"no names, got columns=\['a', 'b'\]\. Fit the estimator"),
        (["a", "f"], [], True, r"names of columns of its input, got column 'f'\. .*'a', 'b', 'c'"),
        (["a", 1], [], True, r"a name, a list of names, a slice .*, got columns=\['a', 1\]"),
        (slice("a", "c"), [], True, r"expects a slice of ints"),
        ([["a"]], [], True, r"a list of names, .*, got columns=\[\['a'\]\]"),
    ],
)
def test_names_that_no_column_has_are_refused(columns, layers, named, sentence):
    X = frame() if named else frame().to_numpy()
    model = NeuralRegressor(layers=[*layers, ColumnBranches([Branch(columns, [2])])], max_iter=1)
    with pytest.raises(ValueError, match=sentence):
        model.fit(X, draw(30))
    assert not hasattr(model, "network_")


# Shapes of columns


def test_columns_are_seen_in_the_shape_of_a_branch():
    x = draw(3, 9)
    image = Branch([8, 1, 2, 3], [Conv2D(2, 2), Flatten()], input_shape=(2, 2, 1))
    network = Network(
        ColumnBranches([image, Branch(slice(4, 8), [GRU(2)], input_shape=[None, 2])]), (9,)
    )
    conv, gru = (p for p in network.layer.walk() if isinstance(p, Conv2D | GRU))
    by_hand = x[:, [8, 1, 2, 3]] @ conv.kernel_.reshape(4, 2) + conv.bias_
    np.testing.assert_allclose(network.predict(x)[:, :2], by_hand)
    assert gru.input_shape_ == (2, 2)


def test_codes_in_the_shape_of_a_series_adapt():
    X = np.column_stack([np.arange(6), np.arange(6) % 4, draw(6)])
    words = Branch([0, 1], [Embedding(2), GRU(2)], input_shape=(None,))
    model = NeuralRegressor(layers=[ColumnBranches([words, Branch(2, [])])], max_iter=1, tol=0)
    model.fit(X, draw(6))
    assert [p.input_dim for p in model.network_.layer.walk() if isinstance(p, Embedding)] == [6]


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((2, 2), r"as many columns as input_shape=\(2, 2\) holds values, got 3 columns\. Choose"),
        ((None, 2), r"as many columns as input_shape=\(None, 2\) holds values, got 3 columns"),
        ((None, 4), r"as many columns as input_shape=\(None, 4\) holds values, got 3 columns"),
        ((3, None), r"an input_shape of ints of at least 1, .* got input_shape=\(3, None\)"),
        ((0,), r"an input_shape of ints of at least 1"),
        ((), r"an input_shape of ints of at least 1"),
        (3, r"'input_shape' parameter of Branch must be"),
    ],
)
def test_shapes_that_the_columns_do_not_fill_are_refused(shape, sentence):
    with pytest.raises(ValueError, match=rf"\(Branch\).* {sentence}"):
        Network(ColumnBranches([Branch([0, 1, 2], [Flatten()], input_shape=shape)]), (4,))
