"""The language model: likelihoods, training, writing, resumption, bad input."""

import itertools
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import log_softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_checks, get_tags

from sknet import NeuralLanguageModel
from sknet.base import Workspace
from sknet.estimators.generation import draw
from sknet.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    LayerNorm,
    PositionalEmbedding,
    TransformerBlock,
)
from sknet.losses import LogLoss, Target
from sknet.losses.placewise import PlacewiseLoss
from sknet.preprocessing import TokenizerTransformer
from sknet.tokens import n_dropped, scoring_windows, training_windows

pytestmark = pytest.mark.filterwarnings("ignore:batch_size=:UserWarning")

TEXTS = ["ab", "abba", "b", "", "aab", "bab"]


def transformer(context_length=64):
    position = PositionalEmbedding(max_length=context_length)
    return [Embedding(8), position, TransformerBlock(2, causal=True), LayerNorm()]


def recurrent(units=12):
    return [Embedding(8), GRU(units, return_sequences=True)]


STACKS = {
    "transformer": transformer,
    "gru": lambda context_length=64: recurrent(),
    "lstm": lambda context_length=64: [Embedding(8), LSTM(8, return_sequences=True)],
    "convolution": lambda context_length=64: [Embedding(8), Conv1D(8, 3, padding="causal")],
}


def model(layers=None, **parameters):
    defaults = {"max_iter": 3, "learning_rate_init": 0.01, "random_state": 0, "dtype": "float64"}
    return NeuralLanguageModel(layers=layers or recurrent(), **{**defaults, **parameters})


def log_probability(fitted, text, has_end, letters="?ba"):
    """Add up what the network says token by token, each time from the context alone."""
    end = len(letters) + 1
    size, hop = fitted.context_length, fitted.context_length - fitted.context_length // 2
    ids = [end] + [1 + letters.index(letter) for letter in text] + [end]
    total = 0.0
    for position in range(1, len(ids) if has_end else len(ids) - 1):
        start = 0
        while position - start > size:
            start += hop
        context = np.array([ids[start:position]], dtype=float)
        total += log_softmax(fitted.network_.predict(context)[0, -1])[ids[position] - 1]
    return total


@pytest.mark.parametrize("context_length", [2, 3, 64])
@pytest.mark.parametrize("stack", STACKS)
def test_a_text_has_the_product_of_the_probabilities_of_its_tokens_and_its_end(
    stack, context_length
):
    fitted = model(STACKS[stack](context_length), context_length=context_length).fit(TEXTS)
    assert fitted.vocabulary_ == {"": 0, "\ufffd": 1, "b": 2, "a": 3}
    texts = ["abbabab", "", "a", "bb?ab"]
    expected = [log_probability(fitted, text, has_end=True) for text in texts]
    np.testing.assert_allclose(fitted.score_samples(texts), expected, rtol=1e-9)
    n_tokens = sum(len(text) + 1 for text in texts)
    assert fitted.score(texts) == pytest.approx(sum(expected) / n_tokens)
    assert fitted.perplexity(texts) == pytest.approx(np.exp(-sum(expected) / n_tokens))


def test_the_probabilities_of_all_texts_add_up_to_one():
    fitted = model(transformer(2), context_length=2).fit(TEXTS)
    short = ["".join(t) for n in range(4) for t in itertools.product("ab?", repeat=n)]
    total = np.exp(fitted.score_samples(short)).sum()
    longer = itertools.product("ab?", repeat=4)
    rest = sum(np.exp(log_probability(fitted, text, has_end=False)) for text in longer)
    assert 0 < rest < 1
    assert total + rest == pytest.approx(1)


def test_a_text_has_the_same_likelihood_alone_and_among_others():
    fitted = model(transformer()).fit(TEXTS)
    texts = ["ab" * 50, "a", "bbb", ""]
    alone = [fitted.score_samples([text])[0] for text in texts]
    np.testing.assert_allclose(fitted.score_samples(texts), alone, rtol=1e-10)


def test_outputs_of_many_chunks_are_put_together():
    fitted = model().fit(TEXTS)
    windows = training_windows([[2] * (1 + i % 7) for i in range(60)], 4, 64, np.float64)
    whole = fitted.network_.predict(windows)
    with config_context(working_memory=0.02):
        assert fitted.network_.chunk_rows(windows) < 20
        chunks = fitted.network_.predict(windows)
    assert whole.shape == chunks.shape == (60, 8, 4)
    for row in range(60):
        real = slice(0, 2 + row % 7)
        np.testing.assert_allclose(chunks[row, real], whole[row, real], rtol=1e-12)


def test_the_loss_of_an_epoch_is_the_mean_over_tokens_and_ends():
    fitted = model(alpha=0, learning_rate_init=1e-12, max_iter=1, batch_size=2)
    fitted.fit(TEXTS, X_val=["abab", "b"])
    assert fitted.loss_ == pytest.approx(-fitted.score(TEXTS))
    assert fitted.history_["validation_loss"][0] == pytest.approx(-fitted.score(["abab", "b"]))


def test_the_initial_bias_gives_the_frequencies_of_tokens_and_ends():
    layers = [Embedding(2, embeddings_initializer="zeros")]
    fitted = model(layers, learning_rate_init=1e-12, max_iter=1).fit(["a", "ab"])
    p = np.exp(log_softmax(fitted.network_.predict(np.array([[4.0]]))[0, 0]))
    np.testing.assert_allclose(p[1:] / p[1:].sum(), [2 / 5, 1 / 5, 2 / 5])
    assert p[0] < 1e-2


def test_the_stepwise_loss_is_the_log_loss_of_the_real_steps():
    rng = np.random.default_rng(0)
    windows = training_windows([[1, 2], [2, 1, 1, 2], []], 3, 8, np.float64)
    raw = rng.normal(size=(3, 5, 3))
    plain = LogLoss()
    plain.build(Target("multiclass", 1, (3,)))
    plain.allocate(9, np.float64)
    loss = PlacewiseLoss(plain)
    loss.allocate(3, np.float64)
    value, gradient = loss.value_and_gradient(raw, windows)
    real = np.concatenate([raw[0, :3], raw[1, :5], raw[2, :1]])
    codes = np.array([0, 1, 2, 1, 0, 0, 1, 2, 2])
    expected, expected_gradient = plain.value_and_gradient(real, codes)
    assert value == pytest.approx(expected)
    np.testing.assert_allclose(gradient[1, :5], expected_gradient[3:8])
    assert not gradient[0, 3:].any() and not gradient[2, 1:].any()
    # A batch of 2 of the windows: the sum over their steps, for the 3 steps that a window has.
    value, _ = loss.value_and_gradient(raw[:2], windows[:2])
    assert value == pytest.approx(plain.value_and_gradient(real[:8], codes[:8])[0] * 8 / (2 * 3))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("cut", [training_windows, scoring_windows])
def test_windows_hold_every_target_of_every_text(size, cut):
    texts = [[1, 2, 3, 4, 5], [], [3, 3], [5, 4, 3]]
    windows, *_, overlaps = cut(texts, 6, size, np.float32), np.zeros(99, int)
    if cut is scoring_windows:
        windows, owners, overlaps = windows
        assert owners.tolist() == sorted(owners)
    assert windows.lengths.max() <= size
    x, _ = windows.padded(Workspace(len(windows), np.float32))
    seen = [
        (int(i), int(code) + 1)
        for k, skipped in zip(range(len(windows)), overlaps, strict=False)
        for i, code in list(zip(x[k], windows[k : k + 1].targets(), strict=False))[skipped:]
    ]
    expected = [pair for t in texts for pair in itertools.pairwise([6, *t, 6])]
    assert seen == expected


def test_long_texts_are_cut_at_other_places_in_each_epoch_and_about_once():
    windows = training_windows([[1] * 97, [2]], 3, 8, np.float32)
    rng = np.random.default_rng(0)
    counts, starts = np.zeros(100), set()
    for _ in range(400):
        drawn = windows.redrawn(rng)
        assert len(drawn) == len(windows) == 14
        assert drawn.lengths[:-1].tolist() == [8] * 13 and drawn.lengths[-1] == 2
        assert drawn.starts[-1] == 98
        for start, length in zip(drawn.starts, drawn.lengths, strict=True):
            counts[start : start + length] += 1
        starts |= set(drawn.starts.tolist())
    assert starts >= set(range(91))
    # In the middle of a text each target comes once an epoch.
    assert (counts[8:90] == 400).all() and counts.min() >= 200


def test_each_long_text_is_cut_at_places_of_its_own():
    drawn = training_windows([[1] * 999, [1] * 999], 3, 8, np.float32)
    drawn = drawn.redrawn(np.random.default_rng(0))
    first, second = np.sort(drawn.starts).reshape(2, -1)
    assert (np.diff(first) <= 8).all() and set(first) != set(second - 1000)


def test_the_last_half_of_a_full_context_is_kept():
    assert [n_dropped(n, 4) for n in range(1, 10)] == [0, 0, 0, 0, 2, 2, 4, 4, 6]
    assert [n_dropped(n, 1) for n in range(1, 4)] == [0, 1, 2]
    assert [n_dropped(n, 5) for n in range(4, 13)] == [0, 0, 3, 3, 3, 6, 6, 6, 9]


@pytest.mark.parametrize("stack", STACKS)
def test_a_pattern_is_learned_and_written(stack):
    fitted = model(STACKS[stack](8), context_length=8, max_iter=60).fit(["abcd" * 10] * 8)
    text = fitted.generate("ab", max_length=38, temperature=0.01, random_state=0)
    assert text == "abcd" * 10


@pytest.mark.parametrize("context_length", [2, 5, 16])
@pytest.mark.parametrize("stack", STACKS)
def test_cached_and_uncached_writing_give_the_same_tokens(stack, context_length):
    fitted = model(STACKS[stack](context_length), context_length=context_length).fit(TEXTS * 3)
    prompt = np.tile(fitted._vocabulary.encode_prompt("abbab"), (4, 1))

    def choose(logits, rng):
        return draw(logits - 1e9 * (np.arange(logits.shape[1]) == 3), rng)  # never an end

    written = [
        fitted._generate(prompt, 40, choose, np.random.default_rng(0), cached=cached)
        for cached in (True, False)
    ]
    assert np.shape(written[0]) == (4, 45)
    np.testing.assert_array_equal(*written)


def test_texts_stop_at_their_end():
    fitted = model(max_iter=60).fit(["abc"] * 20)
    texts = fitted.generate(n_samples=5, max_length=50, temperature=0.1, random_state=0)
    assert texts == ["abc"] * 5
    assert fitted.generate("a", max_length=1, temperature=0) == "ab"
    assert fitted.generate("ab", max_length=0) == "ab"


def test_texts_are_drawn_as_likely_as_they_are():
    fitted = model(max_iter=30).fit(TEXTS)
    drawn = fitted.generate(n_samples=4000, max_length=20, random_state=0)
    for text in ["", "b", "ab", "aab"]:
        p = np.exp(fitted.score_samples([text])[0])
        assert drawn.count(text) / 4000 == pytest.approx(p, abs=4 * np.sqrt(p / 4000) + 1e-3)


def test_a_seed_gives_the_same_texts_and_another_one_others():
    fitted = model().fit(TEXTS)
    first = fitted.generate(n_samples=5, random_state=1)
    assert fitted.generate(n_samples=5, random_state=1) == first
    assert fitted.generate(n_samples=5, random_state=2) != first
    state = np.random.RandomState(0)
    assert fitted.generate(n_samples=5, random_state=state) != fitted.generate(
        n_samples=5, random_state=state
    )
    assert isinstance(fitted.generate(), str)


def test_fitting_with_a_seed_gives_the_same_bits():
    a, b = (model(transformer(), dtype="float32").fit(TEXTS) for _ in range(2))
    assert np.array_equal(a.network_.params, b.network_.params)


def test_the_likeliest_token_alone_is_greedy():
    fitted = model().fit(TEXTS)
    greedy = fitted.generate("a", temperature=0, max_length=30)
    assert fitted.generate("a", top_k=1, max_length=30, random_state=0) == greedy
    assert fitted.generate("a", top_p=1e-9, max_length=30, random_state=0) == greedy


@pytest.mark.parametrize(
    "options, expected",
    [
        ({}, [0.5, 0.3, 0.15, 0.05]),
        ({"top_k": 2}, [5 / 8, 3 / 8, 0, 0]),
        ({"top_p": 0.6}, [5 / 8, 3 / 8, 0, 0]),
        ({"top_p": 0.9}, [10 / 19, 6 / 19, 3 / 19, 0]),
        ({"temperature": 0.5}, np.square([0.5, 0.3, 0.15, 0.05]) / 0.365),
        ({"temperature": 0}, [1, 0, 0, 0]),
    ],
)
def test_tokens_are_drawn_with_their_probabilities(options, expected):
    order = [2, 0, 3, 1]
    logits = np.empty(4)
    logits[order] = np.log([0.5, 0.3, 0.15, 0.05]) + 7
    drawn = draw(np.tile(logits, (20_000, 1)), np.random.default_rng(0), **options)
    rates = np.bincount(drawn, minlength=4)[order] / 20_000
    np.testing.assert_allclose(rates, expected, atol=0.012)
    assert not rates[np.asarray(expected) == 0].any()


def test_an_unknown_token_counts_and_is_never_written():
    fitted = model().fit(TEXTS)
    scores = fitted.score_samples(["a?", "a\u00e9", "ab"])
    assert scores[0] == scores[1] != scores[2]
    tokenizer = TokenizerTransformer("char", min_count=2)
    fitted = model(tokenizer=tokenizer, max_iter=30).fit(["axb", "ayb", "azb"] * 1 + ["avb"])
    assert set(fitted.vocabulary_) == {"", "\ufffd", "a", "b"}
    assert "\ufffd" not in "".join(fitted.generate(n_samples=50, random_state=0))
    with pytest.warns(UserWarning, match="generate: 2 of the 3 tokens of the prompt are not in"):
        text = fitted.generate("a?\u00e9", max_length=0)
    assert text == "a\ufffd\ufffd"
    assert fitted.score_samples(["a?b"]) > fitted.score_samples(["abb"])
    assert not hasattr(tokenizer, "vocabulary_")


def test_texts_of_unknown_tokens_alone_are_warned_of():
    fitted = model(warm_start=True).fit(TEXTS)
    with pytest.warns(UserWarning, match="none of the tokens of X. For another vocabulary, set"):
        fitted.fit(["??", "?"])
    fitted.fit(["a?", ""])


@pytest.mark.parametrize(
    "tokenizer, text, written",
    [
        ("char", "Zo\u00eb is", "Zo\u00eb is"),
        ("byte", "Zo\u00eb is", "Zo\u00eb is"),
        ("word", "Zo\u00eb is here.", "Zo\u00eb is here ."),
        (TokenizerTransformer("word"), "Zo\u00eb is", "zo\u00eb is"),
    ],
)
def test_every_tokenizer_writes_what_it_learned(tokenizer, text, written):
    fitted = model(tokenizer=tokenizer, max_iter=100).fit([text] * 3)
    assert fitted.generate(temperature=0) == written
    assert fitted.tokenizer_.lowercase is not isinstance(tokenizer, str)


def test_arrays_of_tokens_are_texts_too():
    rows = [[0, 4, 2], [4, 2, 0, 4], []] * 4
    fitted = model(tokenizer=None, max_iter=5).fit([np.array(row, dtype=int) for row in rows])
    assert fitted.n_outputs_ == 6 and fitted.vocabulary_ is None
    assert fitted.score_samples(rows).shape == (12,)
    first = fitted.generate([0, 4], n_samples=3, random_state=0)[0]
    assert first[:2].tolist() == [0, 4] and first.dtype.kind == "i"
    assert fitted.generate(max_length=0).tolist() == []
    same_length = model(tokenizer=None, max_iter=1).fit(np.array([[0, 1], [1, 0]]))
    assert same_length.n_outputs_ == 3
    with pytest.raises(ValueError, match="tokens from 0 to 4, got 7"):
        fitted.score_samples([[7]])


def test_training_in_two_halves_is_training_at_once():
    long = ["ab" * 60, "ba"]
    schedule = {"learning_rate": "constant", "tol": 0, "context_length": 8}
    whole = model(max_iter=6, **schedule).fit(long)
    parts = model(max_iter=3, warm_start=True, **schedule).fit(long)
    parts = pickle.loads(pickle.dumps(parts)).fit(long)
    assert np.array_equal(parts.network_.params, whole.network_.params)
    assert parts.n_iter_ == 6


def test_partial_fit_keeps_the_vocabulary_and_goes_on():
    fitted = model(learning_rate="constant").partial_fit(TEXTS)
    vocabulary, before = dict(fitted.vocabulary_), fitted.score(TEXTS)
    for _ in range(30):
        fitted.partial_fit(["ab", "xb"])
    assert fitted.vocabulary_ == vocabulary
    assert fitted.n_iter_ == 31
    assert fitted.score(["ab"]) > before


def test_a_new_fit_starts_anew():
    fitted = model().fit(["xyz"]).fit(TEXTS)
    assert np.array_equal(fitted.network_.params, model().fit(TEXTS).network_.params)


def test_pickles_score_and_write_alike():
    fitted = model().fit(TEXTS)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(loaded.score_samples(TEXTS), fitted.score_samples(TEXTS))
    assert loaded.generate(random_state=0) == fitted.generate(random_state=0)


def test_early_stopping_holds_out_texts_or_the_end_of_one():
    fitted = model(early_stopping=True, max_iter=5).fit(TEXTS * 5)
    assert len(fitted.validation_scores_) == 5
    fitted = model(early_stopping=True, max_iter=2).fit(["ab" * 100])
    assert len(fitted.validation_scores_) == 2


def test_hyper_parameters_are_searched_by_the_mean_likelihood_of_a_token():
    grid = {"layers__1__units": [1, 16]}
    search = GridSearchCV(model(recurrent(), max_iter=40), grid, cv=2, error_score="raise")
    search.fit(["abcabc", "bcabca"] * 10)
    assert search.best_params_ == {"layers__1__units": 16}
    assert search.score(["abcabc"]) == search.best_estimator_.score(["abcabc"])


class Listener:
    """Scores and writes with the model of each epoch; stops after the third."""

    def __init__(self):
        self.scores, self.texts = [], []

    def setup(self, estimator, context):
        pass

    teardown = setup

    def on_fit_task_begin(self, estimator, context, **kwargs):
        pass

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        if context.task_name == "epoch":
            self.scores.append(fitted_estimator.score(X))
            self.texts.append(fitted_estimator.generate(random_state=0))
        return len(self.scores) == 3


@pytest.mark.skipif(
    not hasattr(NeuralLanguageModel, "set_callbacks"), reason="needs scikit-learn 1.9"
)
def test_callbacks_hear_the_model_of_each_epoch_and_may_stop():
    listener = Listener()
    fitted = model(max_iter=9).set_callbacks(listener).fit(TEXTS)
    assert fitted.n_iter_ == 3
    assert listener.scores == sorted(listener.scores)
    assert listener.scores[-1] == fitted.score(TEXTS)
    assert listener.texts[-1] == fitted.generate(random_state=0)


def test_the_default_layers_fit_the_context():
    fitted = NeuralLanguageModel(context_length=5, max_iter=1, random_state=0).fit(["abc" * 9])
    assert fitted.network_.dtype == np.float32
    assert len(fitted.generate(max_length=30, temperature=0, prompt="abcabcabc")) <= 39
    kinds = [type(layer).__name__ for _, layer in fitted.network_.layer.sublayers()]
    assert kinds.count("TransformerBlock") == 2


@pytest.mark.parametrize(
    "parameters, X, error, message",
    [
        ({}, "abc", ValueError, "NeuralLanguageModel expects X to be a 1-D array-like of str"),
        ({}, ["a", 1], TypeError, "NeuralLanguageModel expects X to hold str, got 1"),
        ({}, [], ValueError, "at least one text, got none"),
        ({"tokenizer": None}, ["ab"], ValueError, "expects arrays of tokens"),
        ({"tokenizer": None}, [[0.5]], ValueError, "expects arrays of tokens"),
        ({"tokenizer": None}, [[-1]], ValueError, "expects arrays of tokens"),
        ({"tokenizer": "line"}, ["a"], ValueError, "'tokenizer' parameter"),
        ({"context_length": 0}, ["a"], ValueError, "'context_length' parameter"),
        ({"dtype": None}, ["a"], ValueError, "'dtype' parameter"),
        ({"layers": [Embedding(4), GRU(4)]}, ["a"], ValueError, "a vector for each step"),
        ({"layers": [Embedding(4), Flatten()]}, ["a"], ValueError, "sequences of one length"),
        (
            {"layers": [Embedding(4), TransformerBlock(2)]},
            ["a"],
            ValueError,
            r"no later steps; layer '.*1' \(TransformerBlock\) does",
        ),
        (
            {"layers": [Embedding(4), Bidirectional(GRU(4, return_sequences=True)), Dense(2)]},
            ["a"],
            ValueError,
            r"\(Bidirectional\) does",
        ),
    ],
)
def test_what_cannot_be_learned_is_refused(parameters, X, error, message):
    with pytest.raises(error, match=message):
        clone(model()).set_params(**parameters).fit(X)


@pytest.mark.parametrize(
    "parameters, error, message",
    [
        ({"prompt": 3}, TypeError, "prompt to be a str"),
        ({"temperature": -1}, ValueError, "'temperature' parameter of NeuralLanguageModel.gen"),
        ({"temperature": np.nan}, ValueError, "'temperature' parameter"),
        ({"temperature": np.inf}, ValueError, "'temperature' parameter"),
        ({"max_length": -1}, ValueError, "'max_length' parameter"),
        ({"top_k": 1.5}, ValueError, "'top_k' parameter"),
        ({"top_k": 0}, ValueError, "'top_k' parameter"),
        ({"top_p": 2}, ValueError, "'top_p' parameter"),
        ({"n_samples": 0}, ValueError, "'n_samples' parameter"),
    ],
)
def test_what_cannot_be_written_is_refused(parameters, error, message):
    with pytest.raises(error, match=message):
        model().fit(TEXTS).generate(**parameters)


@pytest.mark.parametrize(
    "changed", [{"tokenizer": "byte"}, {"context_length": 9}, {"layers": recurrent(3)}]
)
def test_training_does_not_go_on_with_what_the_network_was_not_made_for(changed):
    fitted = model(warm_start=True).fit(TEXTS)
    with pytest.raises(ValueError, match="cannot resume"):
        fitted.set_params(**changed).fit(TEXTS)


@pytest.mark.parametrize(
    "wrap", [iter, lambda texts: (text for text in texts), pd.Series, pl.Series, np.array]
)
def test_texts_come_in_many_containers_and_are_read_once(wrap):
    texts = [text for text in TEXTS if text]
    expected = model(early_stopping=True).fit(texts, X_val=texts)
    fitted = model(early_stopping=True).fit(wrap(texts), X_val=wrap(texts))
    assert fitted.history_["validation_loss"] == expected.history_["validation_loss"]
    held_out = model(early_stopping=True).fit(wrap(texts)).history_["validation_loss"]
    assert held_out == model(early_stopping=True).fit(texts).history_["validation_loss"]
    assert fitted.score(wrap(texts)) == expected.score(texts)
    assert fitted.perplexity(wrap(texts)) == expected.perplexity(texts)
    assert np.array_equal(fitted.score_samples(wrap(texts)), expected.score_samples(texts))
    once = model().partial_fit(wrap(texts)).history_["loss"]
    assert once == model().partial_fit(texts).history_["loss"]


@pytest.mark.parametrize(
    "X",
    [
        pd.Series([[0, 1], [2, 0]]),
        pl.Series([[0, 1], [2, 0]]),
        pd.DataFrame({"a": [0, 2], "b": [1, 0]}),
        (np.array(row) for row in ([0, 1], [2, 0])),
    ],
    ids=["pandas", "polars", "frame", "generator"],
)
def test_arrays_of_tokens_come_in_many_containers(X):
    expected = model(tokenizer=None, max_iter=1).fit([[0, 1], [2, 0]])
    assert model(tokenizer=None, max_iter=1).fit(X).loss_ == expected.loss_


@pytest.mark.parametrize(
    ("tokenizer", "message"),
    [
        (TokenizerTransformer(min_count=-1), "'min_count' parameter of TokenizerTransformer"),
        (TokenizerTransformer("line"), "'level' parameter of TokenizerTransformer"),
        (TokenizerTransformer(token_pattern="("), "not a regular expression"),
        (TokenizerTransformer(dtype=float), "dtype to be an integer type"),
        (TokenizerTransformer, "'tokenizer' parameter of NeuralLanguageModel"),
    ],
)
def test_the_tokenizer_is_validated_by_fit(tokenizer, message):
    with pytest.raises(ValueError, match=message):
        model(tokenizer=tokenizer).fit(TEXTS)


@pytest.fixture(scope="module")
def texts_and_codes():
    codes = model(tokenizer=None, max_iter=1).fit([[0, 1, 2], [2, 1]])
    return model(max_iter=1).fit(TEXTS), codes


@pytest.mark.parametrize("method", ["fit", "partial_fit", "score", "score_samples", "perplexity"])
@pytest.mark.parametrize(
    ("of_codes", "X", "message"),
    [
        (False, ["a", None], "expects X to hold str, got None .* at position 1"),
        (False, [b"a"], "expects X to hold str, got b'a' .* at position 0"),
        (False, [[0, 1]], "or set tokenizer=None to pass arrays of tokens"),
        (False, {"a"}, "a set, which has no order"),
        (False, None, "a single NoneType. Put texts into a list"),
        (False, np.array([["a"]]), r"got shape \(1, 1\). Pass a single column"),
        (True, np.array([0, 1]), r"got shape \(\) in the array at position 0. Pass lists or 1-D"),
        (True, [[0], [1.5]], "got dtype float64 in the array at position 1"),
        (True, [[0], [-1]], "got -1 in the array at position 1"),
        (True, [[None, 1]], "got dtype float64 in the array at position 0"),
        (True, np.zeros((2, 2, 2), int), r"got shape \(2, 2\) in the array at position 0"),
        (
            True,
            [[[0], [1, 2]]],
            "lists of one length and depth in the array at position 0; item 1",
        ),
        (True, 3, "expects a list of arrays of tokens, got int"),
        (True, [], "at least one text, got none"),
    ],
)
def test_what_are_no_texts_is_refused_and_changes_nothing(
    texts_and_codes, method, of_codes, X, message
):
    fitted = texts_and_codes[of_codes]
    before = pickle.dumps(fitted)
    with pytest.raises((TypeError, ValueError), match=f"NeuralLanguageModel .*{message}"):
        getattr(fitted, method)(X)
    assert pickle.dumps(fitted) == before


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[], []], "at least one token, got only empty arrays"),
        ([[2**62]], "tokens below 16777214, got 4611686018427387904"),
    ],
)
def test_tokens_that_make_no_vocabulary_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        model(tokenizer=None).fit(X)


@pytest.mark.parametrize(
    ("of_codes", "prompt", "error", "message"),
    [
        (False, ["a"], TypeError, r"prompt to be a str, got \['a'\] of type list. Pass one text"),
        (False, b"a", TypeError, "of type bytes"),
        (
            True,
            "ab",
            ValueError,
            "NeuralLanguageModel.generate with .* got 'ab' of type str. Pass lists or",
        ),
        (True, [[1]], ValueError, r"got shape \(1, 1\)"),
        (True, [1.5], ValueError, "got dtype float64"),
        (True, [3], ValueError, "tokens from 0 to 2, got 3"),
    ],
)
def test_wrong_prompts_are_refused(texts_and_codes, of_codes, prompt, error, message):
    with pytest.raises(error, match=message):
        texts_and_codes[of_codes].generate(prompt)


def test_a_prompt_is_not_cut_to_the_largest_length_of_a_text():
    cutting = model(tokenizer=TokenizerTransformer("char", max_length=2), max_iter=1).fit(TEXTS)
    assert cutting.generate("abba", max_length=0) == "abba"


def test_room_for_a_text_grows_with_it(texts_and_codes):
    fitted = texts_and_codes[0]
    ends = fitted.generate(max_length=10**15, random_state=0)
    assert ends == fitted.generate(max_length=len(ends) + 1, random_state=0)

    def never_ends(logits, rng):
        return np.full(len(logits), 1)

    reader = fitted._generate(np.empty((1, 0), int), 400, never_ends, None)
    assert len(reader[0]) == 400 and set(reader[0]) == {2}


def test_the_smallest_temperature_is_greedy():
    logits = np.array([[0.0, 3.0, -np.inf]] * 5)
    assert draw(logits, np.random.default_rng(0), temperature=1e-320).tolist() == [1] * 5


def test_tags_say_that_it_takes_texts():
    tags = get_tags(NeuralLanguageModel())
    assert tags.input_tags.string and tags.input_tags.one_d_array
    assert not tags.input_tags.two_d_array and not tags.input_tags.three_d_array
    assert tags.requires_fit and not tags.target_tags.required


@pytest.mark.parametrize(
    "check",
    [
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
    ],
)
def test_scikit_learns_checks_that_need_no_table_pass(check):
    getattr(estimator_checks, check)("NeuralLanguageModel", NeuralLanguageModel())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learns_checks_pass():
    results = estimator_checks.check_estimator(NeuralLanguageModel(), on_skip=None)
    assert results is None or all(result["status"] == "passed" for result in results)


@pytest.mark.parametrize("n_samples", [2**45, 2**62])
def test_more_texts_than_memory_holds_are_refused(n_samples):
    layers = [Embedding(2), GRU(2, return_sequences=True)]
    network = NeuralLanguageModel(layers=layers, max_iter=1, tol=0).fit(["ab", "ba"])
    with pytest.raises(ValueError, match=r"n_samples=.* texts need more memory than there is"):
        network.generate(n_samples=n_samples)
