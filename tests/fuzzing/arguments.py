"""What calls are given: good arguments for each kind of sample, and odd ones for each role."""

from .choices import choices

#: Values that are wrong nearly everywhere.
ODD = choices(
    """
nan | inf | -inf | -1 | 0 | 1.5 | -0.5 | 2**31 | 2**64 | 10**400 | 1e308 | 5e-324 | True | False |
None | '' | 'a' | 'é' | 'auto' | b'a' | [] | () | {} | [1, 2] | [nan] | ['a'] | [None] |
[[1], [2, 3]] | {'a': 1} | {1} | {'a'} | object() | int | float | 1j | Ellipsis | slice(1) |
range(3) | [b'a'] | np.array([1, 2]) | np.array([]) | np.array(2) | np.float32(0.5) |
np.float64(nan) | np.int8(1) | np.bool_(True) | np.datetime64('NaT') |
np.datetime64('2024-01-01') | np.ma.masked | pd.NA | pd.NaT | Decimal('0.5') | Decimal('NaN') |
Fraction(1, 2) | date(2024, 1, 1) | str | np.str_('a') | np.array('a') | answer | X | FRAME |
Dense | Dense(2) | Shade.LIGHT | [X, 'a'] | (1, 'a') | ('a', 1) | (1, 2, 3) | -2**63 | [[[1]]] |
[0] | [-1] | [1.5] | (0,) | (-1,) | (2**64,) | (nan,) | (1.0,) | ('a',) | [True]
"""
)

#: What is no table or sequence of numbers, and tables that may be right.
ODD_X = choices(
    """
but(X, nan) | but(X, inf) | but(X, -inf, 7) | but(X, 1e39) | but(X, 1e300) | X * 1e308 |
X * 1e-320 | X.astype('float32') * 1e38 | X * 1e19 | X * 0 | X[:0] | X[:1] | X[:2] | X[:, :0] |
X[:, :2] | X[:, 0] | X[..., None] | X[None] | X[:, None, None] | X.tolist() | [*X] |
tuple(map(tuple, X)) | [*X.tolist()[:-1], [1.0]] | [*X.tolist()[:-1], 1.0] |
[[1, 2, 3, 4]] * 11 + [[1.5, 2, 3, 4]] | [[1, 2, 3, 4]] * 11 + [['a', 2, 3, 4]] |
[[1, 2, 3, 4]] * 11 + [[None, 2, 3, 4]] | [[1, 2, 3, 4]] * 11 + [[[1], 2, 3, 4]] | X.astype(str) |
X.astype('S') | but(X.astype(str), 'a') | X.astype(object) | but(X.astype(object), None) |
but(X.astype(object), 'a') | but(X.astype(object), '1.5') | but(X.astype(object), 10**400) |
but(X.astype(object), 2**64) | but(X.astype(object), DATES[0]) | but(X.astype(object), pd.NA) |
but(X.astype(object), 1j) | but(X.astype(object), Decimal('1')) | but(X.astype(object), nan) |
X.astype(complex) | X.astype('float16') | X.astype('longdouble') | X > 0 |
np.arange(48, dtype='uint8').reshape(12, 4) | LABELS[:, None] | np.tile(DATES[:, None], 4) |
np.tile(DATES[:, None] - DATES[0], 4) | np.full((12, 4), np.datetime64('NaT')) | [*DATES] |
DATES | np.full((12, 4), np.timedelta64('NaT')) | np.ma.masked_array(X, X > 1) |
np.asfortranarray(X) | read_only(X) | memory_map() | X[::-1] | X.T | csr_array(X) |
csr_matrix(X) | coo_array(X) | dok_array(X) | doubled() | doubled_csr() | csr_array(but(X, nan)) |
csr_array(but(X, inf)) | csr_array((12, 4)) | csr_array((0, 4)) | csr_array(X.astype('complex')) |
csr_array(X > 0) | pd.DataFrame(X) | FRAME | MIXED | NULLABLE | SCALES | DATED |
FRAME[['b', 'a', 'c', 'd']] | FRAME[['a', 'b']] | FRAME.iloc[:0] | FRAME.astype('Float64') |
FRAME.astype('float32') | FRAME.astype(str) | FRAME.astype('string') | FRAME.where(FRAME > 0) |
pd.concat([FRAME, FRAME], axis=1) | FRAME.rename(columns={'a': 1}) |
FRAME.set_axis(pd.MultiIndex.from_product([[0, 1], [2, 3]]), axis=1) |
pd.DataFrame({'a': RAGGED}) | FRAME.assign(a=pd.Series(RAGGED)) |
FRAME.assign(a=pd.to_timedelta(LABELS, unit='D')) |
FRAME.assign(a=FRAME.a.astype('Sparse[float]')) | pd.Series(X[:, 0]) | pd.Series(RAGGED) |
pd.Series(list(SERIES)) | pd.Series(RAGGED, index=range(5, 17)) | pd.Series([*X]) |
pl.DataFrame(X) | pl.DataFrame(MIXED.to_dict('list')) |
pl.DataFrame(X).with_columns(pl.lit(None).alias('column_0')) | pl.DataFrame(X).lazy() |
pl.Series(X[:, 0]) | pl.Series(X.tolist()) | pl.DataFrame({'a': DATES}) | (row for row in X) |
iter(X) | map(list, X) | {'a': X[:, 0]} | {1.0, 2.0} | range(12) | 'text' | b'bytes' | None |
object() | 3.0 | np.float64(3.0) | np.array(3.0) | np.array(None) | [] | [[]] | [[], []] |
[[[]]] | [None] * 12 | [{}] * 12 | [{'a': 1}] * 12 | [X, X] | [X, X[:3]] |
[[[1, 2], [3]], [[4, 5], [6]]] | np.zeros(12, dtype=[('a', float), ('b', int)]) |
np.zeros((12, 4), dtype='V8') | memoryview(X) | np.array([['a', 1.0]] * 12, dtype=object) |
[[10**400] * 4] * 12 | as_objects(list(X)) | as_objects(RAGGED) | as_objects([None] * 12) |
RAGGED | tuple(RAGGED) | iter(RAGGED) | RAGGED[:1] | [np.zeros((0, 2)), *RAGGED[1:]] |
[RAGGED[0], RAGGED[1][:, 0], *RAGGED[2:]] | [1.0, *RAGGED[1:]] | [None, *RAGGED[1:]] |
['abc', *RAGGED[1:]] | [[[1, 2], [3]], *RAGGED[1:]] | [r.tolist() for r in RAGGED] |
[but(r, nan) for r in RAGGED] | [but(r, inf) for r in RAGGED] | [r.astype(str) for r in RAGGED] |
[r.astype('M8[s]') for r in RAGGED] | [r.astype(complex) for r in RAGGED] |
[r > 0 for r in RAGGED] | [r.astype('float32') for r in RAGGED] | [r * 1e308 for r in RAGGED] |
[pd.DataFrame(r) for r in RAGGED] | [pl.DataFrame(r) for r in RAGGED] |
[csr_array(r) for r in RAGGED] | [r[None] for r in RAGGED] | [r[:, :0] for r in RAGGED] |
[r[:, :1] for r in RAGGED] | [but(r.astype(object), None) for r in RAGGED] |
[but(r.astype(object), 10**400) for r in RAGGED] |
[np.ma.masked_array(r, r > 1) for r in RAGGED] | [np.asfortranarray(r) for r in RAGGED] |
[iter(r) for r in RAGGED] | [{1, 2}, {1}] * 6 | [(1, 2), [1]] * 6 |
[[1, 2], [1.5, 2.5, 3.5]] * 6 | [[1.5], [2, 3]] * 6 | [[], [1]] * 6 | [[1, 'a'], [2]] * 6 |
[[None], [1, 2]] * 6 | [[True], [1, 2]] * 6 | [[10**400], [1, 2]] * 6 | ['abc', 'de'] * 6 |
[b'ab', b'c'] * 6 | SERIES | SERIES[:0] | SERIES[:1] | SERIES[:, :1] | SERIES[:, :0] |
SERIES[..., :1] | SERIES.transpose(0, 2, 1) | SERIES.reshape(12, -1) | but(SERIES, nan) |
SERIES.astype(str) | SERIES.astype(object) | SERIES.tolist() | but(SERIES.astype(object), None) |
IMAGES | IMAGES[:0] | IMAGES[:1] | IMAGES.transpose(0, 3, 1, 2) | IMAGES.reshape(12, -1) |
IMAGES[..., 0] | IMAGES[0] | IMAGES[:, :1, :1] | (IMAGES * 255).astype('uint8') |
but(IMAGES, nan) | TOKENS | TOKENS - 3 | TOKENS + 0.5 | TOKENS * 10**5 | but(TOKENS, 10**12) |
TOKENS > 3 | TOKENS.astype('uint8') | TOKENS.astype(float) | but(TOKENS, 2**62) | TOKENS * 0 |
RAGGED_TOKENS | [r - 3 for r in RAGGED_TOKENS] | [r + 0.5 for r in RAGGED_TOKENS] |
[r.tolist() for r in RAGGED_TOKENS] | [but(r, 10**12) for r in RAGGED_TOKENS] |
np.where(TOKENS > 3, 0, TOKENS) | np.sort(TOKENS * (TOKENS > 3)) |
FRONT_PADDED | TOKENS * (TOKENS > 3) | SERIES * (SERIES > 0) | GAPPED | GAPPED[:, ::-1] |
GAPPED[..., None] | GAPPED * nan | UNIT | UNIT + 1 | but(UNIT, nan) | TEXTS | np.array(TEXTS) |
pd.Series(TEXTS) | TEXTS[0] | [*TEXTS[:3], None] | [*TEXTS[:3], 1] | [*TEXTS[:3], nan]
"""
)

#: What is no target, no labels, or labels that may be right.
ODD_Y = choices(
    """
LABELS | BITS | TARGET | LABELS * 0 | LABELS + 5 | LABELS[:0] | LABELS[:5] | LABELS[:, None] |
LABELS[None] | LABELS[:, None, None] | LABELS.tolist() | LABELS + 0.5 | but(LABELS, nan) |
but(LABELS, inf) | but(TARGET, nan) | but(TARGET, 1e39) | but(TARGET, 1e308) | TARGET * 1e200 |
TARGET * 1e308 | TARGET * 1e-320 | TARGET * 0 | -TARGET | TARGET.astype('float32') * 1e38 |
TARGET.astype('float16') | TARGET.astype(str) | TARGET.astype(complex) | TARGET.astype(object) |
but(TARGET.astype(object), None) | TARGET[:, None] | but(TARGET.astype(object), 'a') |
but(TARGET.astype(object), 10**400) | but(TARGET.astype(object), pd.NA) |
but(TARGET.astype(object), DATES[0]) | np.column_stack([TARGET, -TARGET]) | X | X[:, :0] |
X[:, :1] | np.column_stack([BITS, 1 - BITS]) | np.column_stack([LABELS, BITS]) |
np.column_stack([BITS, BITS]) * 2 - 1 | np.column_stack([BITS, BITS]) + 1 |
np.column_stack([BITS, LABELS]).astype(str) | np.eye(12)[:, :3] |
np.column_stack([BITS, LABELS]).astype(object) | np.column_stack([BITS > 0, LABELS > 0]) |
np.column_stack([BITS * 0, BITS]) | np.column_stack([BITS, LABELS * 0]) |
but(np.eye(12)[:, :3], nan) | but(np.column_stack([BITS, BITS]).astype(object), 'a') |
np.column_stack([BITS, BITS]) * 5 | csr_array(np.column_stack([BITS, 1 - BITS])) |
csr_array(np.column_stack([LABELS, BITS])) | csr_array(X) | csr_matrix(BITS) |
coo_array(BITS[:, None]) | [[0], [1, 2]] * 6 | [(0, 1), (1,)] * 6 | [{0}, {1}] * 6 |
[[0, 'a'], [1, 'b']] * 6 | [[], []] * 6 | ['a', 'b', 'c'] * 4 | ['a', 1, 'c'] * 4 |
['a', None, 'c'] * 4 | ['a', nan, 'c'] * 4 | ['a', 1.5] * 6 | [b'a', b'b'] * 6 | [b'a', 'b'] * 6 |
np.array([*'ab'] * 6, dtype='S') | np.array([*'ab'] * 6, dtype=object) |
np.array([b'a', b'b'] * 6, dtype=object) | [True, False] * 6 | BITS == 1 | [True, 2] * 6 |
[1, 2.0] * 6 | [1, 1.5] * 6 | [0, None] * 6 | [None] * 12 | [10**400, 1] * 6 | [2**64, 1] * 6 |
[2**63, -1] * 6 | [-1, 1] * 6 | [1j, 2] * 6 | [(1, 2), (3, 4)] * 6 |
as_objects([(1, 2), (3,)] * 6) | [Shade.LIGHT, Shade.DARK] * 6 |
[Decimal('1'), Decimal('2')] * 6 | [Fraction(1, 2), 1] * 6 | [object()] * 12 |
[date(2024, 1, 1), date(2024, 1, 2)] * 6 | DATES | DATES - DATES[0] |
np.full(12, np.datetime64('NaT')) | np.full(12, np.timedelta64('NaT')) |
but(DATES, np.datetime64('NaT')) | pd.Series(DATES) | pd.Series(LABELS) |
pd.Series(LABELS).astype('Int64') | pd.array([1, None, 0] * 4, dtype='Int64') |
pd.Series([*'ab'] * 6) | pd.array([True, None] * 6, dtype='boolean') |
pd.Series([*'ab'] * 6, dtype='category') | pd.Series(RAGGED) |
pd.Series([*'ab'] * 6, dtype='string') | pd.Series(['a', None] * 6, dtype='string') |
pd.Series(TARGET, dtype='Float64') | pd.Categorical([*'ab'] * 6) |
pd.Series(LABELS, index=LABELS) | pd.DataFrame({'a': LABELS, 'b': [*'xy'] * 6}) |
pd.DataFrame({'a': LABELS}) | MIXED | NULLABLE | FRAME | pl.Series(LABELS) |
pl.Series([*'ab'] * 6) | pl.Series([1, None] * 6) | pl.DataFrame({'a': LABELS, 'b': BITS}) |
pl.Series(['a', None] * 6) | np.ma.masked_array(LABELS, BITS) | np.ma.masked_array(TARGET, BITS) |
read_only(LABELS) | LABELS.astype('uint8') | LABELS.astype('int8') | RAGGED | SERIES |
SERIES[..., 0] | (label for label in LABELS) | iter(LABELS) | range(12) | 'abcdefghijkl' |
b'abcdefghijkl' | {'a': LABELS} | {1, 2} | None | 3 | nan | object() | [] | [[]] | np.array(3) |
np.zeros(12, dtype=[('a', int)]) | np.zeros(12, dtype='V8') | np.arange(12) |
np.arange(12) * 1e10 | np.array([0, 1] * 6, dtype='O') | as_objects(['a', 1, None] * 4) |
as_objects(RAGGED) | memoryview(LABELS) | [np.array(0), np.array(1)] * 6 |
[np.array([0]), np.array([1])] * 6 | [np.str_('a'), 'b'] * 6 | ['a\\0', 'b'] * 6
"""
)

ODD_WEIGHT = choices(
    """
np.ones(12) | np.arange(12) | np.zeros(12) | -np.ones(12) | but(np.ones(12), -1.0) |
but(np.ones(12), nan) | but(np.ones(12), inf) | np.full(12, 1e308) | np.full(12, 1e200) |
np.full(12, 5e-324) | np.full(12, 1e-200) | np.ones(11) | np.ones(0) | np.ones((12, 1)) |
np.ones((12, 2)) | np.eye(12)[0] | np.ones(12, dtype='float32') | np.ones(12).astype(str) |
np.ones(12).astype('S') | np.ones(12).astype(object) | np.ones(12, dtype=complex) |
np.ones(12, dtype=bool) | [1] * 12 | [1, 1.5] * 6 | [None] * 12 | [1, None] * 6 | ['a'] * 12 |
[10**400] * 12 | [2**64] * 12 | [[1], [1, 2]] * 6 | 2.0 | 0 | -1 | nan | 'balanced' |
{0: 1, 1: 2} | {1, 2} | DATES | DATES - DATES[0] | pd.Series(np.ones(12)) |
pd.Series([1, None] * 6) | pd.array([1, None] * 6, dtype='Int64') | pl.Series([1.0] * 12) |
pd.Series([1.0] * 12, dtype='category') | csr_array(np.ones((12, 1))) | iter(np.ones(12)) |
range(12) | [] | np.ma.masked_array(np.ones(12), BITS) | read_only(np.ones(12)) | object() |
np.array(1.0) | pd.DataFrame(np.ones(12)) | but(np.zeros(12), 1e-300) |
np.where(BITS, 1e300, 1e-300) | np.where(LABELS == 0, 1, 0) | np.ones(12, dtype='float16')
"""
)

ODD_CLASSES = choices(
    """
[0, 1, 2] | [0, 1] | [1, 0] | [0, 0, 1] | [0, 1, 2, 3] | np.arange(3) | range(3) | {0, 1, 2} |
(0, 1, 2) | [] | [0] | None | 3 | 'abc' | ['a', 'b'] | ['a', 1] | [0, None] | [0, nan] | [nan] |
[0.5, 1] | [0, inf] | [[0, 1], [0, 1, 2]] | [[0, 1, 2], [0, 1]] | [[0, 1]] | [[0, 1], [0, 1]] |
[[0, 1], []] | [[], []] | [[0, 1], None] | [0, [1]] | [None, None] | [[0, 1], 'ab'] |
[{0, 1}, {0, 1}] | np.eye(2) | np.eye(3) | np.zeros((2, 2, 2)) | pd.Series([0, 1, 2]) |
iter([0, 1]) | pd.Categorical(['a', 'b']) | [b'a', b'b'] | [True, False] | {0: 1} | [10**400, 1] |
[2**64, 0] | DATES[:3] | object() | [object(), object()] | [(0, 1), (0, 1)] |
np.array([0, 1, 2], dtype=object) | csr_array(np.eye(3)) | ['0', '1', '2'] |
pl.Series([0, 1, 2]) | [[0, 1], [0, 1], [0, 1]] | np.array(3) | [1j, 0] |
[Shade.LIGHT, Shade.DARK] | [-1, 1]
"""
)

#: What is no table of codes or ids.
ODD_CODES = choices(
    """
X[:, :1] | X[:, :3] | X | X[:, 0] | but(X[:, :2], nan) | but(X[:, :2], 1e39) | X[:0, :2] |
X[:, :2].astype(str) | [['a', 'b']] | [[1, 2], [3]] | [[1, 2], [3.5, 4]] | [[None, 1]] |
csr_array(X[:, :2]) | X[:, :2].astype(complex) | FRAME[['a', 'b']] | MIXED | NULLABLE |
[[10**400, 1]] | X[:, :2].tolist() | X[:, :2] * 1e308 | RAGGED | SERIES | [] | [[]] |
np.tile(DATES[:, None], 2) | TOKENS | TOKENS.astype(float) | TOKENS + 0.5 | TOKENS - 9 |
TOKENS * 10**9 | TEXTS | None | RAGGED_TOKENS | [[1, True]] | TOKENS[:0] | TOKENS[0] |
TOKENS.astype(object) | but(TOKENS.astype(object), 'a') | but(TOKENS, nan) | TOKENS.astype(bool) |
[[2**64]] | [[-1]] | pd.DataFrame(TOKENS) | pl.DataFrame(TOKENS) | 'abc' | {1, 2} | 3
"""
)

ODD_TEXTS = choices(
    """
TEXTS | TEXTS[:1] | TEXTS[:0] | [''] | ['', 'a'] | [' '] * 3 | TEXTS[0] | b'ab' |
np.array(TEXTS) | pd.Series(TEXTS) | np.array(TEXTS, dtype=object) |
np.array([b'a', b'b']) | pd.Series(TEXTS, dtype='string') | pl.Series(TEXTS) |
pd.Series(TEXTS, dtype='category') | pd.Series(['a', None, 'b']) | pd.DataFrame({'a': TEXTS}) |
[*TEXTS, None] | [*TEXTS, nan] | [*TEXTS, 1] | [*TEXTS, b'a'] | [TEXTS, TEXTS] | [TEXTS] |
iter(TEXTS) | (text for text in TEXTS) | map(str, X) | {'a': 'b'} | {'a', 'b'} | ('a', 'b') |
range(3) | 3 | None | X | TOKENS | RAGGED_TOKENS | [[1, 2], [3]] | [[1, 'a'], [2]] |
['\\ud800', 'a'] | ['\\0', 'a'] | ['a\\u0301', 'ab'] | ['A' * 300] | [np.str_('a'), 'b'] |
np.array('abc') | [[]] | [['a', 'b']] | [r - 9 for r in RAGGED_TOKENS] |
[r + 0.5 for r in RAGGED_TOKENS] | [r * 10**9 for r in RAGGED_TOKENS] | [[2**64], [1]] |
[[10**400], [1]] | [[nan], [1]] | [r.astype(float) for r in RAGGED_TOKENS] |
[r[:, None] for r in RAGGED_TOKENS] | [[], [1]] | np.array([['a', 'b'], ['c', 'd']]) |
pd.Index(TEXTS) | DATES | np.ma.masked_array(TEXTS, [1, 0] * 6) | TOKENS > 3 | object()
"""
)

ODD_PROMPT = choices(
    """
'' | 'a' | 'tick' | 'zzz' | '\\ud800' | b'a' | None | 1 | nan | [] | [1] | [1, 2] | [0] | [-1] |
[10**9] | [2**64] | [1.5] | ['a'] | [[1]] | [nan] | [None] | np.array([1, 2]) |
np.array([[1, 2]]) | np.array(1) | ['a', 'b'] | TEXTS | {'a'} | iter([1]) | object() |
np.array([1.0]) | [10**400] | np.str_('a') | pd.Series([1, 2]) | 'a' * 100 | [True] | DATES
"""
)

GOOD_X = {
    "table": choices("X | X | FRAME | X.astype('float32') | X.tolist() | UNIT"),
    "sparse": choices("csr_array(X) | X"),
    "images": choices("IMAGES | IMAGES | IMAGES.reshape(12, -1)"),
    "series": choices("SERIES | SERIES | RAGGED"),
    "tokens": choices("TOKENS | TOKENS | RAGGED_TOKENS | FRONT_PADDED"),
    "branches": choices("X | FRAME"),
    "texts": choices("TEXTS | pd.Series(TEXTS)"),
    "ids": choices("RAGGED_TOKENS | TOKENS"),
    "unit": choices("UNIT | but(UNIT, nan)"),
}
GOOD_Y = {
    "labels": choices("LABELS | BITS | ['a', 'b', 'c'] * 4 | LABELS + 1"),
    "several": choices("np.column_stack([BITS, 1 - BITS]) | np.column_stack([LABELS, BITS])"),
    "target": choices(
        "TARGET | TARGET | np.abs(TARGET) + 1 | np.column_stack([TARGET, -TARGET]) | LABELS"
    ),
    "nothing": choices("None"),
}
#: Good arguments that do not depend on the samples.
GOOD = {
    "weight": choices("np.ones(12) | np.arange(12) | BITS + 0.5"),
    "classes": choices("None | [0, 1, 2] | ['a', 'b', 'c'] | [0, 1]"),
    "prompt": choices("'' | 'a' | 'tick' | [1, 2]"),
    "alpha": ["0.1"],
}
#: What arguments of methods mean, by name.
ROLES = {
    "X": "X",
    "X_val": "X",
    "y": "y",
    "y_val": "y",
    "alpha": "alpha",
    "sample_weight": "weight",
    "sample_weight_val": "weight",
    "classes": "classes",
    "prompt": "prompt",
}
ODD_BY_ROLE = {
    "X": ODD_X,
    "y": ODD_Y,
    "weight": ODD_WEIGHT,
    "classes": ODD_CLASSES,
    "codes": ODD_CODES,
    "texts": ODD_TEXTS,
    "prompt": ODD_PROMPT,
    "alpha": ODD,
}
#: Arguments whose odd values are not sknet's to judge: any truth value, and scikit-learn's own.
SOUND = {"return_std", "deep", "input_features", "transform"}
#: Good values of the other arguments.
VALUES = {
    name: choices(text)
    for name, text in {
        "return_std": "True | False",
        "deep": "True | False",
        "input_features": "None | ['a', 'b'] | ['a', 'b', 'c', 'd']",
        "transform": "'default' | 'pandas' | 'polars' | None",
        "n_samples": "1 | 3 | None",
        "n_draws": "1 | 3",
        "max_length": "0 | 3 | 9",
        "temperature": "1.0 | 0 | 0.5 | 1e-300 | 1e300",
        "top_k": "None | 1 | 2 | 100",
        "top_p": "None | 0.5 | 1.0 | 1e-9",
        "random_state": "0 | np.random.RandomState(0)",
        "layer": "0 | 'output' | -1 | 'hidden' | '0' | 'encoder' | '0__attention' | 'a__b' | 99",
        "window": "1 | 3",
        "horizon": "1 | 2",
        "stride": "1 | 2",
        "target": "None | 0 | 1 | 'a' | 'e' | -1",
        "length": "None | 3 | 9",
        "value": "0 | nan | 0.1 | -1",
    }.items()
}
