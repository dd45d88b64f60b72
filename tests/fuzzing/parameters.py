"""What estimators are made of: layers for each kind of sample, and random components."""

import re
from inspect import Parameter, isabstract, signature

from sknet import activations, initializers, layers, losses, optimizers, schedules

from .arguments import ODD
from .choices import choices, draw

LAYERS = {
    "table": choices("""
        [Dense(3, activation='relu')] | [3, Dropout(0.2)] | [('hidden', Dense(3)), BatchNorm()] |
        [] | [4] | [Residual([Dense(4)])] | [LayerNorm(), Dense(3), Activation('tanh')] |
        [RMSNorm(), 3] | [GaussianNoise(0.1), 3] |
        [ColumnBranches([Branch([0, 1], [Dense(2)]), Branch([2, 3], [3])])] |
        [Reshape((2, 2)), Flatten()] | [ContractiveDense(3)] | [Sequential([3, 3])] |
        [MaskingNoise(), 3] | [Dense(3), ActivityPenalty(l1=0.1)] | [Pretrained(fitted())] |
        [Dense(4), GroupNorm(2)] | [Scaling(), Dense(3), ParametricActivation()] |
        [PeriodicEmbedding(3), Dense(3)]
    """),
    "images": choices("""
        [Conv2D(2, 3), Flatten()] | [Conv2D(2, 3, padding='same'), MaxPool2D(), Flatten()] |
        [Flatten(), 3] | [AveragePool2D(), GlobalAveragePool2D()] |
        [RandomFlip(), Conv2D(2, 2), SpatialDropout2D(), Flatten()] |
        [RandomRotation(), RandomTranslation(), Flatten()] |
        [Conv2DTranspose(2, 2), GroupNorm(2), Flatten()] |
        [Cropping2D(), ZeroPadding2D(), UpSampling2D(), GlobalMaxPool2D()] |
        [BatchNorm(), Flatten()]
    """),
    "series": choices("""
        [LSTM(3)] | [GRU(3)] | [SimpleRNN(2, return_sequences=True), GlobalMaxPool1D()] |
        [Bidirectional(GRU(2))] | [Conv1D(2, 3), GlobalAveragePool1D()] | [Masking(), LSTM(2)] |
        [Conv1D(2, 3, padding='causal'), MaxPool1D(), GlobalMaxPool1D()] |
        [SpatialDropout1D(), LSTM(2)] |
        [MultiHeadAttention(1, key_dim=2), GlobalAveragePool1D()] |
        [TimeDistributed([Dense(2)]), GRU(2)] |
        [Dense(4), PositionalEmbedding(kind='sinusoidal'), TransformerBlock(2),
            GlobalAveragePool1D()] |
        [Cropping1D(), ZeroPadding1D(), UpSampling1D(), Conv1DTranspose(2, 2), GlobalMaxPool1D()] |
        [AveragePool1D(), LSTM(2, dropout=0.2, recurrent_dropout=0.2)] |
        [GRU(2, go_backwards=True)] |
        [Masking(), Conv1D(2, 3, strides=2, padding='same'), GlobalAveragePool1D()] |
        [Masking(), Conv1DTranspose(2, 2), MaxPool1D(), GlobalMaxPool1D()] |
        [Masking(), PositionalEmbedding(kind='sinusoidal'), Bidirectional(LSTM(2))] |
        [Masking(), Parallel([[], [GRU(2, return_sequences=True)]]), GlobalAveragePool1D()]
    """),
    "tokens": choices("""
        [Embedding(output_dim=3), GRU(2)] |
        [Embedding(output_dim=4), TransformerBlock(2), GlobalMaxPool1D()] |
        [Embedding(output_dim=3, mask_zero=True), PositionalEmbedding(max_length=12),
            GlobalAveragePool1D()] |
        [Embedding(output_dim=2, input_dim=9), Conv1D(2, 2), GlobalMaxPool1D()] |
        [Embedding(output_dim=2, mask_zero=True), Conv1D(2, 2), AveragePool1D(), GRU(2)] |
        [Embedding(output_dim=4, mask_zero=True), TransformerBlock(2), LSTM(2)]
    """),
    "branches": choices("""
        [ColumnBranches([Branch([0, 1], [Dense(2)]), Branch(slice(2, 4), [3])])] |
        [ColumnBranches([('one', Branch([0], [2])), ('two', Branch([1, 2, 3], [3]))])] |
        [Parallel([[], ('deep', [3, Dense(4)])], 'maximum')] |
        [Parallel([Branch([0, 1], [2]), [Parallel([2, []]), 2]], 'dot')]
    """),
    "texts": choices("""
        [Embedding(output_dim=3), GRU(3, return_sequences=True)] |
        [Embedding(output_dim=4), PositionalEmbedding(max_length=70),
            TransformerBlock(2, causal=True)] |
        [Embedding(output_dim=3), Conv1D(3, 2, padding='causal')]
    """),
    "codec": choices("[3] | [Dense(3, activation='tanh')] | [4, Dropout(0.1)]"),
}
LAYERS["sparse"] = choices("[] | [Dense(3)] | [3] | [Parallel([[3, 2], Dense(2)], 'add')]")
LAYERS["ids"] = LAYERS["texts"]

#: Values that are good for most of the parameters of this name.
VALUES = {
    name: choices(text)
    for name, text in {
        "units": "1 | 3",
        "filters": "1 | 2",
        "output_dim": "2",
        "input_dim": "9 | None",
        "kernel_size": "1 | 2 | 3 | (2, 2)",
        "pool_size": "1 | 2 | (2, 2)",
        "strides": "1 | 2 | None",
        "padding": "'valid' | 'same' | 'causal' | 1",
        "cropping": "0 | 1 | (1, 0)",
        "size": "1 | 2",
        "dilation_rate": "1 | 2",
        "groups": "1 | 2",
        "use_bias": "True | False",
        "trainable": "True | False",
        "return_sequences": "True | False",
        "go_backwards": "True | False",
        "causal": "True | False",
        "mask_zero": "True | False",
        "decay": "True | 0.9",
        "rate": "0.0 | 0.5",
        "num_heads": "1 | 2",
        "key_dim": "2 | None",
        "target_shape": "(2, 2) | (4,) | (-1,) | (-1, 2)",
        "merge_mode": "'concat' | 'sum'",
        "kind": "'learned' | 'sinusoidal'",
        "max_length": "12 | None",
        "mode": "'horizontal' | 'vertical'",
        "columns": "[0, 1] | ['a', 'b'] | slice(2)",
        "layer": "LSTM(2) | GRU(2, return_sequences=True)",
        "layers": "[Dense(2)] | [2, 'relu'] | [Dense(4)] | []",
        "branches": "[Branch([0], [2])] | [Branch([0, 1], [Dense(2)]), Branch([2, 3], [3])]",
        "estimator": "fitted() | NeuralRegressor()",
        "warmup": "0.0 | 1",
        "hidden_layer_sizes": "(3,) | (3, 2) | 4 | () | [3] | np.array([3])",
        "dropout": "0.0 | 0.2",
        "normalization": "None | 'batch' | 'layer'",
        "input_shape": "None | (4,) | (2, 2) | (6, 6, 2) | (8, 2) | (None, 2) | (None,)",
        "alpha": "0.0 | 1e-4 | 0.25",
        "batch_size": "'auto' | 1 | 5 | 12",
        "learning_rate_init": "0.01 | 1",
        "max_iter": "1 | 2 | 3",
        "max_time": "None | 1 | 1e-9",
        "tol": "0 | 1e-4",
        "n_iter_no_change": "1 | 2 | inf",
        "early_stopping": "True | False",
        "validation_fraction": "0.25 | 0.5 | 0.01 | 0.99",
        "clip_norm": "None | 1.0",
        "averaging": "None | 0.9",
        "shuffle": "True | False",
        "standardize_target": "True | False",
        "warm_start": "True",
        "random_state": "0 | np.random.RandomState(1)",
        "verbose": "False | 0",
        "dtype": "None | 'float32' | 'float64' | np.float32",
        "n_components": "1 | 2",
        "tied_weights": "True",
        "noise": "0.1",
        "noise_type": "'gaussian' | 'masking'",
        "sparsity": "0.1",
        "sparsity_type": "'l1' | 'kl'",
        "contraction": "0.1",
        "variational": "True",
        "handle_missing": "'error' | 'ignore'",
        "context_length": "4 | 64",
        "quantiles": "0.5 | [0.1, 0.5] | [0.5]",
        "class_weight": """
            None | 'balanced' | {0: 1, 1: 2} | {'a': 1, 'b': 2, 'c': 3} | [0] | [{0: 1}] |
            [{0: 1, 1: 2}, {0: 2, 1: 1}] | {0: nan} | {0: -1} | {0: 'a'} | {0: None, 1: 1} |
            {0: 0, 1: 0} | {DATES[0]: 2} | {(1, 2): 1} | {'0': 2, '1': 1} | {0: 10**400} |
            {5: 1} | {0: 1e308} | {b'a': 1} | {None: 1} | {True: 2} | {nan: 1} | {0: [1]} |
            {0: 1e-320, 1: 1e-320} | [[0, 1]] | [None, None]
        """,
        "scoring": """
            'loss' | 'accuracy' | 'r2' | 'neg_log_loss' | 'roc_auc' | 'f1' | 'foo' |
            'explained_variance' | score_of(1) | score_of(nan) | score_of(None) | score_of('a') |
            score_of([1, 2]) | score_of(1j) | score_of(10**400) | score_of(X) |
            StandardScaler() | 'neg_mean_squared_log_error' | 'perplexity' | shares_of |
            get_scorer('r2')._score_func | get_scorer('neg_log_loss')._score_func
        """,
        "value": "squares | squares | shares_of",
        "gradient": "doubles | doubles | squares",
        "f": "sine | sine | np.sum",
        "derivative": "cosine | cosine | falling",
        "function": "falling | sine | cosine",
        "schedule": "None | falling | 'cosine'",
        "weight_decay_schedule": "None | falling | 'cosine'",
        "takes_standardized": "True | False",
        "level": "'word' | 'char' | 'byte'",
        "max_tokens": "3 | 6 | None",
        "lowercase": "True | False",
        "min_count": "1 | 2",
        "token_pattern": r"'[a-z]' | '(a)(b)' | '[' | '' | r'\w+' | '(?P<x>a)|b' | '(a)?'",
        "transformer": """
            None | StandardScaler() | PCA(1) | OneHotEncoder() |
            KBinsDiscretizer(2, strategy='uniform') | SimpleImputer() |
            OneHotEncoder(sparse_output=False, handle_unknown='ignore') | TokenizerTransformer() |
            StepwiseTransformer() | NeuralRegressor() |
            AutoencoderTransformer(max_iter=1, tol=0, random_state=0) |
            StandardScaler().set_output(transform='pandas') |
            StandardScaler().set_output(transform='polars')
        """,
        "tokenizer": """
            'char' | 'byte' | 'word' | None | TokenizerTransformer(level='char') |
            TokenizerTransformer(max_tokens=-1) | TokenizerTransformer(token_pattern='[') |
            TokenizerTransformer(level=3) | TokenizerTransformer(dtype='uint8') |
            TokenizerTransformer(max_length=2) | TokenizerTransformer(dtype=float)
        """,
    }.items()
}

#: Parameters that bound the work: a large value is right, and would take forever.
_BOUNDS = {"max_iter", "max_fun", "maxcor", "n_draws", "max_length"}
_HUGE = {"2**31", "2**64", "10**400", "1e308", "inf"}
#: Without a seed a failure could not be repeated.
_SEEDS = {"random_state"}


def _components(module):
    """Return by name what parameters the components of a module have, with their defaults."""
    prefix = "" if module is layers else f"{module.__name__.rpartition('.')[2]}."
    found = {}
    for name, cls in vars(module).items():
        own = isinstance(cls, type) and cls.__module__.startswith(module.__name__)
        if own and hasattr(cls, "get_params") and not isabstract(cls):
            taken = signature(cls).parameters
            found[prefix + name] = {key: about.default for key, about in taken.items()}
    return found


COMPONENTS = {
    "layer": _components(layers),
    "loss": _components(losses),
    "solver": _components(optimizers),
    "learning_rate": _components(schedules),
    "initializer": _components(initializers),
    "activation": _components(activations),
}
NAMED = {
    "loss": [repr(name) for name in losses.REGRESSION_LOSSES | losses.CLASSIFICATION_LOSSES],
    "solver": [repr(name) for name in optimizers.OPTIMIZERS],
    "learning_rate": [*map(repr, schedules.SCHEDULES), "falling", "sine"],
    "initializer": [*map(repr, initializers.INITIALIZERS), "'auto'"],
    "activation": [*map(repr, activations.ACTIVATIONS), "None"],
}


def odd_value(rng, name):
    """Return a value that is wrong for most parameters."""
    while True:
        value = draw(rng, ODD)
        huge = name in _BOUNDS and value in _HUGE
        if not huge and not (name in _SEEDS and value == "None"):
            return value


def component(rng, family, oddness):
    """Return an object with random parameters; some of the required ones may be odd."""
    name = draw(rng, [*COMPONENTS[family]])
    written = []
    for parameter, default in COMPONENTS[family][name].items():
        if default is Parameter.empty or rng.random() < 0.3:
            written.append(f"{parameter}={value_of(rng, parameter, oddness)}")
    return f"{name}({', '.join(written)})"


def value_of(rng, name, oddness):
    """Return a value for the parameter of an estimator or a component."""
    if rng.random() < oddness:
        return odd_value(rng, name)
    family = "initializer" if name.endswith("initializer") else name
    if family in NAMED:
        return draw(rng, NAMED[family]) if rng.random() < 0.6 else component(rng, family, oddness)
    if name in VALUES:
        return draw(rng, VALUES[name])
    return draw(rng, ["0.0", "0.1", "0.5", "0.9", "1", "2"])


def mutated(rng, expression, oddness):
    """Return an expression with one of its numbers or texts replaced by an odd value."""
    found = [*re.finditer(r"(?<![\w.])(\d+(\.\d+)?|'[^']*'|True)", expression)]
    if not found:
        return f"[{component(rng, 'layer', oddness)}]"
    start, stop = draw(rng, found).span()
    return f"{expression[:start]}{draw(rng, ODD)}{expression[stop:]}"


def layer_list(rng, kind, oddness):
    """Return layers that suit the kind of samples, or random ones."""
    chance = rng.random()
    if rng.random() < oddness:
        return mutated(rng, draw(rng, LAYERS[kind]), oddness)
    if chance < 0.9 - oddness:
        return draw(rng, LAYERS[kind])
    if chance < 0.95 - oddness / 2:
        return draw(rng, LAYERS[draw(rng, [*LAYERS])])
    items = [component(rng, "layer", oddness) for _ in range(rng.integers(1, 4))]
    if rng.random() < oddness:
        items.insert(int(rng.integers(len(items) + 1)), draw(rng, ODD))
    if rng.random() < 0.5:
        items.append("Flatten()")
    return f"[{', '.join(items)}]"
