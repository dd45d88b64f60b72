"""Texts as rows of token ids."""

import pickle
import re
import tracemalloc
import unicodedata
from collections import Counter
from io import StringIO
from time import perf_counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks, get_tags

from sknet import NeuralClassifier
from sknet.layers import Embedding, Flatten
from sknet.preprocessing import TokenizerTransformer
from sknet.preprocessing.splitter import WORDS, TextSplitter, combining_marks

LEVELS = ["word", "char", "byte"]
TEXTS = [
    "Call 42 now!",
    "Now or never, she said; never.",
    "Don't call me at 7",
    "",
    "a cup of tea, a cup of coffee",
]
#: Without lone surrogates, which are no characters.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def vocabulary_of(token_lists, min_count=1):
    """Number tokens by hand: by falling count, then by the token."""
    counts = Counter(token for tokens in token_lists for token in tokens)
    kept = [(-count, token) for token, count in counts.items() if count >= min_count]
    return {token: id for id, (_, token) in enumerate(sorted(kept), start=2)}


def learned(tokenizer):
    """Return the vocabulary without padding and unknown."""
    return {token: id for token, id in tokenizer.vocabulary_.items() if id > 1}


def test_rows_hold_the_ids_of_the_tokens_and_then_zeros():
    tokenizer = TokenizerTransformer().fit(["b a b", "c a b"])
    assert tokenizer.vocabulary_ == {"": 0, "\ufffd": 1, "b": 2, "a": 3, "c": 4}
    assert tokenizer.tokens_.tolist() == ["", "\ufffd", "b", "a", "c"]
    assert tokenizer.length_ == 3
    rows = tokenizer.transform(["a", "c b a b", "b x"])
    assert rows.tolist() == [[3, 0, 0], [4, 2, 3], [2, 1, 0]]
    assert rows.dtype == np.int32


def test_words_are_letters_single_digits_and_single_signs():
    tokenizer = TokenizerTransformer().fit(["Über 20 cafés, no_one: 3.5£ 電話!!"])
    words = ["über", "2", "0", "cafés", ",", "no_one", ":", "3", ".", "5", "£", "電話", "!", "!"]
    assert learned(tokenizer) == vocabulary_of([words])
    assert tokenizer.length_ == len(words)


@pytest.mark.parametrize("pattern", [r"\b\w\w+\b", r"\S+", r"(\w+)-", r"\w*"])
def test_words_of_another_pattern_are_those_that_scikit_learn_finds(pattern):
    texts = ["well-known one-two", "A well-kept two", "one-off"]
    tokenizer = TokenizerTransformer(token_pattern=pattern).fit(texts)
    found = set(CountVectorizer(token_pattern=pattern).fit(texts).vocabulary_)
    assert set(learned(tokenizer)) == found - {""}


def test_characters_and_bytes_are_tokens_with_spaces_among_them():
    char = TokenizerTransformer("char").fit(["Zoë é"])
    assert learned(char) == vocabulary_of(["zoë é"])
    byte = TokenizerTransformer("byte").fit(["Zoë é"])
    values = [bytes([b]) for b in "zoë é".encode()]
    assert learned(byte) == vocabulary_of([values])
    assert (char.length_, byte.length_) == (5, 7)


def test_lowercase_is_a_choice():
    assert set(learned(TokenizerTransformer(lowercase=False).fit(["Ab ab"]))) == {"Ab", "ab"}
    assert set(learned(TokenizerTransformer().fit(["Ab ab"]))) == {"ab"}


def test_rare_tokens_are_left_out():
    texts = ["a a a b b c", "a b c d"]
    tokens = [text.split() for text in texts]
    tokenizer = TokenizerTransformer(min_count=2).fit(texts)
    assert learned(tokenizer) == vocabulary_of(tokens, min_count=2) == {"a": 2, "b": 3, "c": 4}
    tokenizer = TokenizerTransformer(max_tokens=4).fit(texts)
    assert learned(tokenizer) == {"a": 2, "b": 3}
    assert len(tokenizer.vocabulary_) == 4
    assert tokenizer.transform(["a b c d"]).tolist()[0][:4] == [2, 3, 1, 1]


def test_a_cut_text_loses_its_end_and_the_vocabulary_does_not_see_it():
    tokenizer = TokenizerTransformer(max_length=2)
    assert tokenizer.fit_transform(["a b z z z", "b"]).tolist() == [[3, 2], [2, 0]]
    assert set(learned(tokenizer)) == {"a", "b"}


def test_rows_are_no_longer_than_the_longest_text():
    assert TokenizerTransformer(max_length=50).fit_transform(["a b", "c"]).shape == (2, 2)


@pytest.mark.parametrize("level", LEVELS)
def test_a_text_without_tokens_is_one_unknown_token(level):
    tokenizer = TokenizerTransformer(level).fit(TEXTS)
    row = tokenizer.transform([""])[0]
    assert row[0] == 1
    assert not row[1:].any()
    assert tokenizer.inverse_transform([row]).tolist() == ["\ufffd"]
    assert TokenizerTransformer().fit(["a"]).transform([" \n"]).tolist() == [[1]]


@given(
    texts=st.lists(TEXT, min_size=1, max_size=8),
    level=st.sampled_from(LEVELS),
    max_tokens=st.none() | st.integers(3, 12),
    max_length=st.none() | st.integers(1, 6),
    min_count=st.integers(1, 3),
)
def test_the_largest_id_of_the_training_rows_is_that_of_the_last_token(
    texts, level, max_tokens, max_length, min_count
):
    tokenizer = TokenizerTransformer(
        level, max_tokens=max_tokens, max_length=max_length, min_count=min_count
    )
    try:
        rows = tokenizer.fit_transform(texts)
    except ValueError as error:
        assert "found no token" in str(error)
        return
    n_tokens = len(tokenizer.vocabulary_)
    assert set(range(2, n_tokens)) <= set(rows.ravel().tolist()) <= set(range(n_tokens))
    assert len(tokenizer.tokens_) == n_tokens <= (max_tokens or n_tokens)
    assert rows.shape[1] == tokenizer.length_ <= (max_length or tokenizer.length_)
    assert rows[:, 0].all()
    other = tokenizer.transform(["unseen \u2603 text", *texts[::-1]])
    assert other.shape == (len(texts) + 1, tokenizer.length_)
    assert other.max() < n_tokens
    assert other[1:].tolist() == rows[::-1].tolist()


def test_an_embedding_is_sized_by_the_training_rows():
    texts = ["free prize now", "win a free phone", "see you at home", "at home now"] * 5
    tokenizer = TokenizerTransformer(max_tokens=9, max_length=3, min_count=2)
    network = NeuralClassifier(
        layers=[Embedding(4), Flatten()], max_iter=30, learning_rate_init=0.1, random_state=0
    )
    model = make_pipeline(tokenizer, network).set_params(neuralclassifier__tol=0)
    model.fit(texts, [1, 1, 0, 0] * 5)
    assert model.score(texts, [1, 1, 0, 0] * 5) == 1
    [embedding] = [x for x in network.network_.layer.walk() if isinstance(x, Embedding)]
    assert embedding.input_dim == len(tokenizer.vocabulary_) == 9
    model.predict(["words that never came up before, and many of them"])


@given(text=TEXT, level=st.sampled_from(["char", "byte"]))
def test_characters_and_bytes_come_back_as_they_were(text, level):
    tokenizer = TokenizerTransformer(level, lowercase=False).fit([text, "some text"])
    assert tokenizer.inverse_transform(tokenizer.transform([text]))[0] == (text or "\ufffd")


def test_words_come_back_joined_by_spaces():
    tokenizer = TokenizerTransformer().fit(["Call me, now!"])
    texts = tokenizer.inverse_transform(tokenizer.transform(["NOW, or 1 call!", "me"]))
    assert texts.dtype == object
    assert texts.tolist() == ["now , \ufffd \ufffd call", "me"]


def test_ids_of_any_width_and_of_float_type_come_back():
    tokenizer = TokenizerTransformer("char").fit(["abc"])
    assert tokenizer.inverse_transform([[2, 3, 0, 4, 2, 2]]).tolist() == ["abcaa"]
    assert tokenizer.inverse_transform(np.array([[4.0, 0.0]], "float32")).tolist() == ["c"]
    assert tokenizer.inverse_transform(np.empty((0, 3), int)).tolist() == []


def test_part_of_a_character_is_shown_as_the_replacement_character():
    tokenizer = TokenizerTransformer("byte", max_length=3).fit(["aéé"])
    assert tokenizer.inverse_transform(tokenizer.transform(["éé"])).tolist() == ["é\ufffd"]


@pytest.mark.parametrize("level", LEVELS)
def test_lone_surrogates_and_the_mark_of_unknown_tokens_do_no_harm(level):
    tokenizer = TokenizerTransformer(level)
    rows = tokenizer.fit_transform(["a \ufffd b", "\ud800"])
    assert rows.shape[0] == 2
    assert tokenizer.inverse_transform(rows)[0] == "a \ufffd b"


@pytest.mark.parametrize(
    "wrap",
    [
        tuple,
        np.array,
        lambda texts: np.array(texts, dtype=object),
        lambda texts: np.array(texts, dtype=np.dtypes.StringDType()),
        pd.Series,
        lambda texts: pd.Series(texts, dtype=object, index=range(5, 5 + len(texts))),
        lambda texts: pd.Series(texts, dtype="category"),
        pl.Series,
    ],
    ids=["tuple", "str_", "object", "string", "pandas", "pandas-object", "category", "polars"],
)
def test_texts_come_in_many_containers(wrap):
    expected = TokenizerTransformer().fit_transform(TEXTS)
    assert np.array_equal(TokenizerTransformer().fit_transform(wrap(TEXTS)), expected)


class OnlyIterable:
    """An iterable that can be read once, as a reader of a corpus."""

    def __init__(self, texts):
        self.texts = iter(texts)

    def __iter__(self):
        return self.texts


@pytest.mark.parametrize(
    "wrap",
    [
        lambda texts: (text for text in texts),
        lambda texts: map(str, texts),
        lambda texts: dict(enumerate(texts)).values(),
        lambda texts: dict.fromkeys(texts),
        lambda texts: StringIO("\n".join(texts)),
        OnlyIterable,
    ],
    ids=["generator", "map", "values", "keys", "file", "iterable"],
)
def test_what_can_be_read_once_is_read_once(wrap):
    wrapped = wrap(TEXTS)
    wrapped = wrapped.keys() if isinstance(wrapped, dict) else wrapped
    expected = TokenizerTransformer().fit_transform(TEXTS)
    assert np.array_equal(TokenizerTransformer().fit_transform(wrapped), expected)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("one text", ValueError, "got a single str. Put texts into a list"),
        (b"one text", ValueError, "got a single bytes"),
        (3, ValueError, "got a single int"),
        (np.array("text"), ValueError, r"got shape \(\)"),
        (np.array([["a"], ["b"]]), ValueError, r"got shape \(2, 1\). Pass a single column"),
        (pd.DataFrame({"text": ["a", "b"]}), ValueError, r"got shape \(2, 1\)"),
        (["a", None], TypeError, "got None of type NoneType at position 1"),
        (pd.Series(["a", "b", np.nan]), TypeError, "got nan of type float at position 2"),
        (["a", 3], TypeError, "got 3 of type int at position 1"),
        ([b"a"], TypeError, "of type bytes at position 0"),
        ([["a", "b"]], TypeError, "of type list at position 0"),
        ({"a", "b"}, ValueError, "a set, which has no order"),
        ({"a": "b"}, ValueError, r"a dict. Pass list\(X.values\(\)\)"),
        (["a", np.zeros(999)], TypeError, "at position 1"),
        ([], ValueError, "found no token"),
        (["", " "], ValueError, "found no token"),
    ],
)
def test_what_is_no_text_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        TokenizerTransformer().fit(X)
    if "found no token" not in message:
        with pytest.raises(error, match=message):
            TokenizerTransformer().fit(["a"]).transform(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"level": "sentence"}, "'level' parameter"),
        ({"max_tokens": 2}, "'max_tokens' parameter"),
        ({"max_length": 0}, "'max_length' parameter"),
        ({"min_count": 0}, "'min_count' parameter"),
        ({"lowercase": "yes"}, "'lowercase' parameter"),
        ({"token_pattern": None}, "'token_pattern' parameter"),
        ({"token_pattern": "("}, "is not a regular expression"),
        ({"token_pattern": "(a)(b)"}, "has 2 groups"),
        ({"token_pattern": r"\p{M}"}, r"bad escape \\p"),
        ({"dtype": [1]}, "dtype to be an integer type"),
        ({"dtype": float}, "dtype to be an integer type"),
        ({"dtype": "word"}, "dtype to be an integer type"),
        ({"min_count": 3}, "at least min_count=3 times"),
    ],
)
def test_wrong_parameters_are_refused_by_fit(parameters, message):
    tokenizer = TokenizerTransformer(**parameters)
    with pytest.raises(ValueError, match=message):
        tokenizer.fit(["a b", "a"])


def test_the_type_of_the_ids_is_a_choice_and_has_to_hold_them():
    for dtype in ("uint8", np.int64, np.dtype("int16")):
        assert TokenizerTransformer(dtype=dtype).fit_transform(["a b"]).dtype == dtype
    text = " ".join(chr(ord("a") + i) * (j + 1) for i in range(26) for j in range(10))
    with pytest.raises(ValueError, match="262 tokens, more than dtype=uint8 can number"):
        TokenizerTransformer(dtype="uint8").fit([text])
    rows = TokenizerTransformer(dtype="uint8", max_tokens=256).fit_transform([text])
    assert rows.max() == 255


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[0, 5]], "from 0 to 3, got 5"),
        ([[-1]], "got -1"),
        ([[1.5]], "got 1.5"),
        ([[np.nan]], "got nan"),
        ([1, 2], r"2-D array of token ids, got shape \(2,\)"),
        ([["a"]], "numbers in the token ids, got strings in row 0, column 0"),
        ([[1, 2], [3]], "lists of one length and depth; item 1"),
        ([[np.inf]], "got inf"),
        ([[10**400]], "one above 1.8e308"),
    ],
)
def test_ids_that_are_no_tokens_are_refused(ids, message):
    with pytest.raises(ValueError, match=message):
        TokenizerTransformer().fit(["a b"]).inverse_transform(ids)


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "get_feature_names_out"])
def test_methods_need_a_fit(method):
    with pytest.raises(NotFittedError):
        getattr(TokenizerTransformer(), method)(["a"])


def test_columns_have_names_and_come_as_data_frames():
    tokenizer = TokenizerTransformer().fit(["a b", "c"])
    assert tokenizer.get_feature_names_out().tolist() == ["token0", "token1"]
    frame = tokenizer.set_output(transform="pandas").transform(pd.Series(["c a"]))
    assert frame.columns.tolist() == ["token0", "token1"]
    assert frame.to_numpy().tolist() == [[4, 2]]
    assert (
        tokenizer.set_output(transform="polars").transform(["a"]).columns == frame.columns.tolist()
    )


def test_a_column_of_text_stands_beside_others():
    frame = pd.DataFrame({"text": ["a b", "c"], "price": [1.5, 2.5]})
    columns = ColumnTransformer(
        [("text", TokenizerTransformer(), "text"), ("rest", "passthrough", ["price"])]
    )
    assert columns.fit_transform(frame).tolist() == [[2, 3, 1.5], [4, 0, 2.5]]
    names = columns.get_feature_names_out().tolist()
    assert names == ["text__token0", "text__token1", "rest__price"]


def test_clones_copies_and_refits_are_equal():
    tokenizer = TokenizerTransformer("char", max_tokens=9, dtype=np.uint8)
    rows = tokenizer.fit_transform(TEXTS)
    copy = pickle.loads(pickle.dumps(tokenizer))
    assert np.array_equal(copy.transform(TEXTS), rows)
    assert copy.vocabulary_ == tokenizer.vocabulary_
    new = clone(tokenizer)
    assert new.get_params() == tokenizer.get_params()
    assert not hasattr(new, "vocabulary_")
    assert np.array_equal(new.fit(TEXTS).transform(TEXTS), rows)
    new.set_params(level="word", max_tokens=None).fit(["other words"])
    assert set(learned(new)) == {"other", "words"}
    # The order of the texts does not count.
    backwards = clone(tokenizer).fit(TEXTS[::-1])
    assert list(backwards.vocabulary_.items()) == list(tokenizer.vocabulary_.items())


def test_a_pickle_of_another_format_is_refused():
    state = TokenizerTransformer().fit(["a"]).__getstate__()
    with pytest.raises(ValueError, match="pickled by sknet"):
        TokenizerTransformer().__setstate__({**state, "_sknet_format": 99})


def test_it_is_tuned_and_cross_validated_in_a_pipeline():
    texts = ["win a prize", "free prize now", "see you at home", "call me at noon"] * 6
    y = ["spam", "spam", "ham", "ham"] * 6
    network = NeuralClassifier(
        layers=[Embedding(4), Flatten()],
        max_iter=20,
        tol=0,
        learning_rate_init=0.1,
        random_state=0,
    )
    model = make_pipeline(TokenizerTransformer(), network)
    assert cross_val_score(model, texts, y, cv=3).min() == 1
    grid = {
        "tokenizertransformer__max_tokens": [4, None],
        "tokenizertransformer__level": ["word", "char"],
    }
    search = GridSearchCV(model, grid, cv=2).fit(np.array(texts, dtype=object), y)
    assert search.best_score_ == 1
    assert search.predict(["free prize"]).tolist() == ["spam"]


def test_encoded_texts_are_neither_padded_nor_cut_to_the_training_texts():
    tokenizer = TokenizerTransformer().fit(["b a b"])
    ids = tokenizer.encode(["a b a b a b", "", "c"])
    assert [row.tolist() for row in ids] == [[3, 2, 3, 2, 3, 2], [], [1]]
    assert all(row.dtype == np.int32 for row in ids)
    tokenizer = TokenizerTransformer(max_length=2).fit(["b a b"])
    assert tokenizer.encode(["b b b"])[0].tolist() == [3, 3]


def test_tags_say_that_it_takes_texts_as_scikit_learns_vectorizers_do():
    tags, reference = get_tags(TokenizerTransformer()), get_tags(CountVectorizer())
    assert tags.input_tags.string and tags.input_tags.one_d_array
    assert tags.input_tags.two_d_array == reference.input_tags.two_d_array is False
    assert tags.requires_fit and not tags.target_tags.required
    assert not tags.non_deterministic


def test_scikit_learns_checks_pass():
    # For what takes no 2-D arrays there are few checks, and scikit-learn says so.
    with pytest.warns(SkipTestWarning):
        results = estimator_checks.check_estimator(TokenizerTransformer(), on_skip=None)
    assert results is None or all(result["status"] == "passed" for result in results)


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
        "check_transformers_unfitted",
        "check_transformer_n_iter",
        "check_estimators_unfitted",
    ],
)
def test_scikit_learns_checks_that_need_no_table_pass(check):
    getattr(estimator_checks, check)("TokenizerTransformer", TokenizerTransformer())


def test_five_thousand_messages_take_less_than_a_second():
    rng = np.random.default_rng(0)
    words = np.array([f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst"])
    texts = [" ".join(rng.choice(words, 16)) + "!" for _ in range(5_000)]
    start = perf_counter()
    TokenizerTransformer().fit_transform(texts)
    assert perf_counter() - start < 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("आधुनिक मानक हिन्दी।", ["आधुनिक", "मानक", "हिन्दी", "।"]),
        ("ప్రధానమంత్రిని", ["ప్రధానమంత్రిని"]),
        ("ที่นี่", ["ที่นี่"]),
        ("السَّلامُ عليكم", ["السَّلامُ", "عليكم"]),
        ("ක්\u200dරියා", ["ක්\u200dරියා"]),
        ("نمی\u200cشود", ["نمی\u200cشود"]),
        (unicodedata.normalize("NFD", "café naïve"), ["cafe\u0301", "nai\u0308ve"]),
        ("1\u0301 a_b", ["1", "\u0301", "a_b"]),
    ],
)
def test_combining_marks_belong_to_their_letters(text, words):
    split = TextSplitter("word", True, WORDS)
    assert split(text, None) == words


def test_every_mark_of_unicode_is_part_of_a_word():
    marks = [c for c in map(chr, range(0x110000)) if unicodedata.category(c)[0] == "M"]
    others = set(map(chr, range(0x20000))).difference(marks)
    assert re.fullmatch(f"[{combining_marks()}]+", "".join(marks))
    assert not re.search(f"[{combining_marks()}]", "".join(others))
    assert TextSplitter("word", False, r"[\w\p{M}]+")("a\u0301b c", None) == ["a\u0301b", "c"]


@pytest.mark.parametrize("level", LEVELS)
def test_no_more_of_a_text_is_read_than_fits(level):
    text = "Ärger, ÄRGER " * 40_000
    tokenizer = TokenizerTransformer(level, max_length=10)
    tokenizer.fit([text[:200]])
    tracemalloc.start()
    rows = tokenizer.transform([text])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows.tolist() == tokenizer.transform([text[:200]]).tolist()
    assert peak < len(text) / 4


@given(
    text=st.text(alphabet="aΣ'\u0301 .\n1İé", max_size=300) | TEXT,
    length=st.integers(1, 3),
    level=st.sampled_from(LEVELS),
    pattern=st.sampled_from([WORDS, r"[^\W\d]+ .", r"(\w+)\s"]),
)
def test_reading_the_beginning_is_cutting_the_whole(text, length, level, pattern):
    split = TextSplitter(level, True, pattern)
    assert split(text, length) == split(text, None)[:length]


def test_what_is_set_after_fit_waits_for_the_next_fit():
    tokenizer = TokenizerTransformer(max_length=2).fit(["b a b"])
    tokenizer.set_params(max_length="a", level="line", token_pattern="(", dtype=float)
    assert tokenizer.transform(["b a b"]).tolist() == [[3, 2]]
    assert tokenizer.encode(["b a b"])[0].tolist() == [3, 2]
    assert tokenizer.encode(["b a b"], cut=False)[0].tolist() == [3, 2, 3]
    with pytest.raises(ValueError, match="'level' parameter"):
        tokenizer.fit(["b a b"])
    assert tokenizer.inverse_transform([[3, 2]]).tolist() == ["b a"]


@pytest.mark.parametrize("cut", [np.array([1, 2]), "no", None])
def test_cut_is_true_or_false(cut):
    tokenizer = TokenizerTransformer().fit(["a b"])
    with pytest.raises(ValueError, match="'cut' parameter of TokenizerTransformer"):
        tokenizer.encode(["a b"], cut=cut)


@pytest.mark.parametrize("X", [str, pd.Series])
def test_a_class_is_no_list_of_texts(X):
    with pytest.raises(ValueError, match=f"got the class {X.__name__}"):
        TokenizerTransformer().fit(X)
