"""The translator: likelihoods, search, training, resumption, containers, bad input."""

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_checks, get_tags

import sknet
from sknet import NeuralTranslator
from sknet.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Conv1D,
    CrossAttention,
    Dense,
    Embedding,
    LayerNorm,
    PositionalEmbedding,
    Reshape,
    Residual,
    SourceState,
    TransformerBlock,
    TransformerDecoderBlock,
)
from sknet.preprocessing import TokenizerTransformer

X = ["ab", "abba", "b", "", "aab", "bab"]
Y = ["x", "xyyx", "y", "", "xxy", "yx"]


def transformer():
    position = PositionalEmbedding("sinusoidal")
    encoder = [Embedding(8), position, TransformerBlock(2, intermediate_dim=8), LayerNorm()]
    block = TransformerDecoderBlock(2, intermediate_dim=8)
    return encoder, [Embedding(8), position, block, LayerNorm()]


def recurrent():
    gru = GRU(8, return_sequences=True)
    encoder = [Embedding(6), Bidirectional(GRU(4, return_sequences=True))]
    return encoder, [Embedding(6), gru, Residual([CrossAttention(2)]), Dense(6, "tanh")]


def convolutional():
    encoder = [Embedding(6), Conv1D(6, 3, padding="same")]
    decoder = [Embedding(6), Conv1D(6, 3, padding="causal"), CrossAttention(1)]
    return encoder, decoder


def handing_over():
    encoder = [Embedding(6), LSTM(7)]
    return encoder, [Embedding(6), SourceState(LSTM(6, return_sequences=True), source_dim=7)]


STACKS = {
    "transformer": transformer,
    "gru": recurrent,
    "convolution": convolutional,
    "lstm": handing_over,
}


def model(stack="transformer", **parameters):
    encoder, decoder = STACKS[stack]()
    defaults = {"max_iter": 3, "learning_rate_init": 0.01, "random_state": 0, "dtype": "float64"}
    layers = {"encoder": encoder, "decoder": decoder}
    return NeuralTranslator(**{**defaults, **layers, **parameters})


def log_probabilities(fitted, source, prefix, sources="?ba", targets="?xy"):
    """Return what the network says of the code after a prefix, from the pair alone."""
    ids = [1 + sources.index(token) for token in source] + [len(sources) + 1]
    before = [len(targets) + 1] + [1 + targets.index(token) for token in prefix]
    pair = np.zeros((1, max(len(ids), len(before)), 2))
    pair[0, : len(ids), 0], pair[0, : len(before), 1] = ids, before
    return log_softmax(fitted.network_.replica(1).forward(pair)[0, len(prefix)])


def log_probability(fitted, source, target, targets="?xy"):
    codes = [targets.index(token) for token in target] + [len(targets)]
    steps = (log_probabilities(fitted, source, target[:i]) for i in range(len(codes)))
    return sum(step[code] for step, code in zip(steps, codes, strict=True))


@pytest.mark.parametrize("stack", STACKS)
def test_a_target_has_the_product_of_the_probabilities_of_its_tokens_and_its_end(stack):
    fitted = model(stack).fit(X, Y)
    assert fitted.target_tokenizer_.vocabulary_ == {"": 0, "\ufffd": 1, "x": 2, "y": 3}
    sources, targets = ["abbabab", "", "a", "b?"], ["yx", "xyxyx", "", "x?"]
    pairs = list(zip(sources, targets, strict=True))
    expected = [log_probability(fitted, *pair) for pair in pairs]
    np.testing.assert_allclose(fitted.score_samples(sources, targets), expected, rtol=1e-9)
    n_tokens = sum(len(target) + 1 for target in targets)
    perplexity = np.exp(-sum(expected) / n_tokens)
    assert fitted.perplexity(sources, targets) == pytest.approx(perplexity)
    right = [
        log_probabilities(fitted, source, target[:i]).argmax() == "?xy.".index((target + ".")[i])
        for source, target in pairs
        for i in range(len(target) + 1)
    ]
    assert fitted.score(sources, targets) == pytest.approx(np.mean(right))


def test_the_probabilities_of_all_targets_add_up_to_one():
    fitted = model().fit(X, Y)
    short = ["".join(t) for n in range(3) for t in itertools.product("xy?", repeat=n)]
    total = np.exp(fitted.score_samples(["ab"] * len(short), short)).sum()
    rest = 0.0
    for target in itertools.product("xy?", repeat=3):
        text = "".join(target)
        with_end = log_probability(fitted, "ab", text)
        rest += np.exp(with_end - log_probabilities(fitted, "ab", text)[3])
    assert 0 < rest < 1
    assert total + rest == pytest.approx(1)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("beam_size", [1, 3])
def test_what_is_written_is_as_likely_as_it_is_said_to_be(stack, beam_size):
    fitted = model(stack, beam_size=beam_size, max_length=5).fit(X, Y)
    sources = ["abab", "", "b", "bbbbbb"]
    found = fitted.candidates(sources)
    assert [len(each) for each in found] == [beam_size] * 4
    assert fitted.predict(sources).tolist() == [each[0][0] for each in found]
    for source, candidates in zip(sources, found, strict=True):
        for target, log_p in candidates:
            if len(target) < 5:  # those of 5 tokens may be cut
                expected = log_probability(fitted, source, target)
                assert log_p == pytest.approx(expected, rel=1e-9)


def test_a_greedy_target_takes_the_likeliest_token_each_time():
    fitted = model(max_iter=10).fit(X, Y)
    for source in ["abab", "b", ""]:
        target = ""
        while len(target) < 8:
            log_p = log_probabilities(fitted, source, target)
            log_p[0] = -np.inf  # the unknown token is never written
            if log_p.argmax() == 3:
                break
            target += "?xy"[log_p.argmax()]
        assert fitted.predict([source]).tolist() == [target]


def reversed_pairs(n=60):
    rng = np.random.default_rng(0)
    sources = ["".join(rng.choice(list("abcd"), rng.integers(1, 5))) for _ in range(n)]
    return sources, [source[::-1].upper() for source in sources]


@pytest.mark.parametrize("stack", ["transformer", "gru"])
def test_a_rule_is_learned(stack):
    sources, targets = reversed_pairs()
    encoder, decoder = STACKS[stack]()
    encoder[0], decoder[0] = Embedding(16), Embedding(16)
    if stack == "gru":
        encoder[1], decoder[1] = (
            Bidirectional(GRU(16, return_sequences=True)),
            GRU(32, return_sequences=True),
        )
    fitted = model(encoder=encoder, decoder=decoder, max_iter=60, learning_rate_init=0.02)
    fitted.set_params(batch_size=20, dtype="float32").fit(sources, targets)
    assert accuracy_score(targets, fitted.predict(sources)) > 0.8
    assert fitted.score(sources, targets) > 0.95


def test_the_loss_of_an_epoch_is_the_mean_over_tokens_and_ends():
    fitted = model(alpha=0, learning_rate_init=1e-12, max_iter=1, batch_size=2)
    fitted.fit(X, Y, X_val=["abab", "b"], y_val=["xyx", ""])
    assert fitted.loss_ == pytest.approx(np.log(fitted.perplexity(X, Y)))
    expected = np.log(fitted.perplexity(["abab", "b"], ["xyx", ""]))
    assert fitted.history_["validation_loss"][0] == pytest.approx(expected)


def test_label_smoothing_spreads_a_share_of_the_target_over_all_tokens():
    options = {"alpha": 0, "learning_rate_init": 1e-12, "max_iter": 1}
    fitted = model(**options, label_smoothing=0.3).fit(["a"], ["x"])
    steps = [log_probabilities(fitted, "a", prefix, "?a", "?x") for prefix in ("", "x")]
    expected = -np.mean([0.7 * s[c] + 0.3 * s.mean() for s, c in zip(steps, [1, 2], strict=True)])
    assert fitted.loss_ == pytest.approx(expected)
    plain = np.exp(-np.mean([s[c] for s, c in zip(steps, [1, 2], strict=True)]))
    assert fitted.perplexity(["a"], ["x"]) == pytest.approx(plain)


def test_a_weight_of_two_is_a_pair_twice_and_one_of_zero_none():
    options = {"shuffle": False, "learning_rate": "constant", "tol": 0}
    weight = np.array([1, 2, 1, 0, 1, 1])
    weighted = model(**options).fit(X, Y, sample_weight=weight)
    rows = np.repeat(np.arange(6), weight)
    repeated = model(**options).fit([X[i] for i in rows], [Y[i] for i in rows])
    np.testing.assert_allclose(weighted.network_.params, repeated.network_.params, atol=1e-9)
    assert weighted.score(X, Y, weight) == pytest.approx(
        repeated.score([X[i] for i in rows], [Y[i] for i in rows])
    )


def test_training_in_two_halves_is_training_at_once():
    schedule = {"learning_rate": "constant", "tol": 0, "batch_size": 2}
    encoder, decoder = transformer()
    decoder[2].set_params(dropout=0.2)
    layers = {"encoder": encoder, "decoder": decoder, "averaging": 0.9}
    whole = model(max_iter=4, **schedule, **layers).fit(X, Y)
    parts = model(max_iter=2, warm_start=True, **schedule, **layers).fit(X, Y)
    parts = pickle.loads(pickle.dumps(parts)).fit(X, Y)
    assert np.array_equal(parts.network_.params, whole.network_.params)
    passes = model(max_iter=4, **schedule, **layers)
    for _ in range(4):
        passes.partial_fit(X, Y)
    assert np.array_equal(passes.network_.params, whole.network_.params)


def test_early_stopping_keeps_the_best_epoch_by_exact_matches():
    sources, targets = reversed_pairs(40)
    fitted = model(early_stopping=True, max_iter=3, scoring="accuracy")
    fitted.fit(sources, targets, X_val=X, y_val=Y)
    assert fitted.validation_scores_ == [
        pytest.approx(score) for score in fitted.history_["validation_score"]
    ]
    fitted = model(early_stopping=True, max_iter=3, validation_fraction=0.25)
    assert len(fitted.fit(sources, targets).validation_scores_) == 3


def test_a_frozen_decoder_lets_the_encoder_learn():
    encoder, decoder = recurrent()
    for layer in decoder:
        layer.set_params(trainable=False)
    fitted = model("gru", encoder=encoder, decoder=decoder).partial_fit(X, Y)
    before = fitted.network_.get_weights()
    after = fitted.partial_fit(X, Y).network_.get_weights()
    moved = {name.split("__")[0] for name in before if (before[name] != after[name]).any()}
    assert {name.split(".")[0] for name in moved} == {"encoder", "output"}


def test_arrays_of_tokens_are_translated_to_arrays_of_tokens():
    sources, targets = [[0, 4, 2], [4, 2], []] * 4, [[1], [1, 1], []] * 4
    fitted = model(source_tokenizer=None, target_tokenizer=None, max_iter=100)
    fitted.fit([np.array(row, dtype=int) for row in sources], targets)
    found = fitted.predict(sources[:3])
    assert [row.tolist() for row in found] == targets[:3]
    assert all(row.dtype.kind == "i" for row in found)
    assert fitted.source_tokenizer_ is None and fitted.n_outputs_ == 3
    mixed = model(source_tokenizer=None, target_tokenizer="word", max_iter=1)
    assert isinstance(mixed.fit(sources, ["a b", "b", ""] * 4).predict(sources)[0], str)


def test_texts_come_in_many_containers_and_are_read_once():
    expected = model(early_stopping=True).fit(X, Y, X_val=X, y_val=Y)
    for wrap in (iter, pd.Series, np.array):
        given = {"X_val": wrap(X), "y_val": wrap(Y)}
        fitted = model(early_stopping=True).fit(wrap(X), wrap(Y), **given)
        assert np.array_equal(fitted.network_.params, expected.network_.params)
        assert fitted.score(wrap(X), wrap(Y)) == expected.score(X, Y)
        assert fitted.predict(wrap(X)).tolist() == expected.predict(X).tolist()


def test_a_source_is_translated_alike_alone_and_among_others(tmp_path):
    fitted = model(beam_size=2, max_iter=10).fit(X, Y)
    together = fitted.predict(X)
    assert [fitted.predict([source])[0] for source in X] == together.tolist()
    path = tmp_path / "model.sknet"
    sknet.save(fitted, path)
    for copy in (pickle.loads(pickle.dumps(fitted)), sknet.load(path)):
        assert copy.predict(X).tolist() == together.tolist()
        assert np.array_equal(copy.score_samples(X, Y), fitted.score_samples(X, Y))
    assert fitted.without_training_state().predict(X).tolist() == together.tolist()


def test_hyper_parameters_are_searched_by_the_accuracy_of_tokens():
    sources, targets = reversed_pairs(24)
    grid = {"encoder__0__output_dim": [8], "decoder__2__dropout": [0.0, 0.1]}
    search = GridSearchCV(model(max_iter=1), grid, cv=2, error_score="raise")
    search.fit(sources, targets)
    assert search.score(sources, targets) == search.best_estimator_.score(sources, targets)
    assert clone(search.best_estimator_).get_params()["encoder__0__output_dim"] == 8


def test_attention_tells_where_the_decoder_looks():
    fitted = model().fit(X, Y)
    weights = fitted.attention_weights(["ab", "babab"], ["xyx", ""])
    assert [each.shape for each in weights] == [(2, 4, 3), (2, 1, 6)]
    for each in weights:
        np.testing.assert_allclose(each.sum(axis=2), 1)
    given = fitted.attention_weights(["ab"], layer="decoder__2__cross_attention")
    assert given[0].shape == (2, len(fitted.predict(["ab"])[0]) + 1, 3)
    with pytest.raises(ValueError, match="one of 'decoder__2__cross_attention'; got 'encoder'"):
        fitted.attention_weights(["ab"], layer="encoder")


def test_targets_are_no_longer_than_max_length_or_learned_positions():
    encoder, decoder = transformer()
    decoder[1] = PositionalEmbedding(max_length=6)
    fitted = model(encoder=encoder, decoder=decoder, max_iter=1).fit(X, Y)
    fitted.network_["output"].bias_[-1] = -50.0  # never an end
    assert {len(target) for target in fitted.predict(X)} == {6}
    assert {len(target) for target in fitted.set_params(max_length=3).predict(X)} == {3}
    fitted = model(max_iter=1).fit(X, Y)
    fitted.network_["output"].bias_[-1] = -50.0
    assert {len(target) for target in fitted.predict(X)} == {10}


def test_a_failed_call_changes_nothing():
    fitted = model(warm_start=True).fit(X, Y)
    before = pickle.dumps(fitted)
    for wrong in ((X, Y[:3]), (X, None), (["a", 1], ["x", "y"])):
        with pytest.raises((TypeError, ValueError)):
            fitted.fit(*wrong)
        with pytest.raises((TypeError, ValueError)):
            fitted.score(*wrong)
    assert pickle.dumps(fitted) == before


@pytest.mark.parametrize(
    "changed",
    [{"source_tokenizer": "byte"}, {"target_tokenizer": "word"}, {"decoder": recurrent()[1]}],
    ids=lambda changed: next(iter(changed)),
)
def test_training_does_not_go_on_with_what_the_network_was_not_made_for(changed):
    fitted = model(warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="cannot resume"):
        fitted.set_params(**changed).fit(X, Y)


EMBEDDING, GRUS = Embedding(4), GRU(4, return_sequences=True)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"source_tokenizer": "line"}, "'source_tokenizer' parameter"),
        ({"beam_size": 0}, "'beam_size' parameter"),
        ({"length_penalty": -1}, "'length_penalty' parameter"),
        ({"label_smoothing": 1.0}, "'label_smoothing' parameter"),
        ({"dtype": None}, "'dtype' parameter"),
        ({"source_tokenizer": None}, "source_tokenizer=None expects arrays of tokens"),
        ({"encoder": [EMBEDDING, GRU(4)]}, "a source of 8 features a step, got one vector"),
        ({"encoder": [EMBEDDING, Reshape((4, 1))]}, "Layer 'encoder__1'"),
        ({"decoder": [EMBEDDING, GRU(4)]}, r"layers of the decoder .* got \(4,\)"),
        ({"decoder": [EMBEDDING, GRUS]}, "a decoder that looks at the source, got none"),
        (
            {"decoder": [EMBEDDING, TransformerBlock(2), CrossAttention(2)]},
            r"no later steps; layer 'decoder__1' \(TransformerBlock\) does",
        ),
        ({"decoder": [EMBEDDING, CrossAttention(2)]}, "a source of 4 features a step, got one of"),
        ({"encoder": [3.5]}, "encoder__0 must be a layer"),
        ({"decoder": [GRUS]}, r"Layer 'decoder__0' \(GRU\) expects inputs of shape"),
    ],
)
def test_parameters_that_cannot_work_are_refused(parameters, message):
    with pytest.raises((TypeError, ValueError), match=message):
        model(**parameters).fit(X, Y)


@pytest.mark.parametrize(
    "sources, targets, message",
    [
        (X, "xy", "expects y to be a 1-D array-like of str, got a single str"),
        (X, [1] * 6, "expects y to hold str, got 1 .* or set target_tokenizer=None"),
        (X, Y[:4], "a target in y for each source in X, got 6 sources and 4 targets"),
        ([], [], "expects X to hold at least one text"),
        (["a"], [], "expects y to hold at least one text"),
        (X, None, "expects y to be a 1-D array-like of str"),
    ],
)
def test_what_are_no_pairs_is_refused(sources, targets, message):
    with pytest.raises((TypeError, ValueError), match=message):
        model().fit(sources, targets)


def test_the_tokenizer_given_is_left_as_it_is():
    tokenizer = TokenizerTransformer("word", min_count=2)
    fitted = model(source_tokenizer=tokenizer, max_iter=1).fit(["a a b", "a"], ["x", "y"])
    assert not hasattr(tokenizer, "tokens_") and fitted.source_tokenizer_.tokens_[-1] == "a"
    assert get_tags(fitted).target_tags.required and get_tags(fitted).input_tags.string


def test_the_default_network_is_a_small_transformer():
    fitted = NeuralTranslator(max_iter=1, random_state=0).fit(X, Y)
    assert fitted.network_.dtype == np.float32 and fitted.n_layers_ > 2
    kinds = [type(layer).__name__ for layer in fitted.network_.layer.walk()]
    assert kinds.count("TransformerBlock") == kinds.count("TransformerDecoderBlock") == 2
    again = NeuralTranslator(max_iter=1, random_state=0).fit(X, Y)
    assert np.array_equal(fitted.network_.params, again.network_.params)


CHECKS = [
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_mixin_order",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_estimators_unfitted",
]


@pytest.mark.parametrize("check", CHECKS)
def test_scikit_learns_checks_that_need_no_table_pass(check):
    getattr(estimator_checks, check)("NeuralTranslator", NeuralTranslator())


def test_nothing_is_written_from_nan_and_scores_are_warned_of():
    fitted = model(max_iter=1).fit(X, Y)
    fitted.network_["output"].bias_[:] = np.nan
    with pytest.raises(ValueError, match="NeuralTranslator cannot choose by scores that are NaN"):
        fitted.predict(X)
    with pytest.warns(RuntimeWarning, match="NeuralTranslator: the outputs of"):
        fitted.score_samples(X, Y)
