"""Sequences: an estimator with random parameters, and random calls of its methods."""

from dataclasses import dataclass
from functools import cache
from inspect import signature

import numpy as np

import sknet
from sknet import preprocessing

from . import names
from .arguments import GOOD, GOOD_X, GOOD_Y, ODD, ODD_BY_ROLE, ODD_X, ODD_Y, ROLES, SOUND, VALUES
from .choices import choices, draw, draw_some
from .parameters import layer_list, odd_value, value_of

#: Scenes: an estimator, and the kinds of X and y that go together with it.
SCENES = [
    *[("NeuralClassifier", X, "labels") for X in ("table", "table", "sparse", "images", "series")],
    *[("NeuralClassifier", X, "labels") for X in ("tokens", "branches")],
    *[("NeuralClassifier", X, "several") for X in ("table", "series")],
    *[("NeuralRegressor", X, "target") for X in ("table", "table", "sparse", "images", "series")],
    *[("NeuralRegressor", X, "target") for X in ("tokens", "branches")],
    *[("AutoencoderTransformer", X, "nothing") for X in ("table", "images", "unit", "unit")],
    *[("NeuralLanguageModel", X, "nothing") for X in ("texts", "texts", "ids")],
    ("Preset", "table", "labels"),
    ("TokenizerTransformer", "texts", "nothing"),
    ("StepwiseTransformer", "series", "nothing"),
    ("", "series", "nothing"),
]
#: Parameters that every estimator gets, so that it is quick and the same each time.
QUICK = {"hidden_layer_sizes": "(3,)", "max_iter": "2", "tol": "0", "random_state": "0"}
#: Parameters that a kind of samples needs.
NEEDED = {"ids": {"tokenizer": "None"}, "unit": {"handle_missing": "'ignore'"}}
#: Parameters that are drawn more often than others.
FREQUENT = choices("""
    loss | solver | learning_rate | scoring | early_stopping | class_weight | warm_start
""")
#: Parameters of plain hidden layers, which do not go together with a list of layers.
PLAIN = set(
    choices("""
    hidden_layer_sizes | activation | dropout | normalization | tied_weights | contraction
""")
)
#: Parameters that are reached through others; some of them do not exist.
NESTED = choices("""
    layers__0 | layers__0__units | layers__hidden | layers__x__y | loss__delta | solver__beta_1 |
    encoder__0__units | nothing | transformer__copy | layers__
""")

FITS = ["fit", "partial_fit", "fit_transform"]
USES = choices("""
    predict | predict_proba | predict_log_proba | decision_function | transform |
    inverse_transform | score | score_samples | reconstruct | impute | sample | generate |
    perplexity | encode | get_feature_names_out | set_output
""")
#: What scikit-learn does with an estimator, and the kinds of y of what it is done with.
WRAPPERS = {
    "in_pipeline": {"labels", "several", "target"},
    "with_scaled_target": {"target"},
    "in_search": {"labels", "target"},
}
CALLBACKS = choices("""
    Told(None) | Told(True) | Told(1) | Told(NoMore()) | Told('a') | Told(nan)
""")
NETWORK_USES = ["activations", "attention_weights"]
ATTRIBUTES = choices("""
    loss_ | coefs_ | best_validation_score_ | n_layers_ | out_activation_ | t_ | loss_curve_ |
    history_ | classes_ | n_features_in_ | network_ | vocabulary_
""")
FUNCTIONS = ["sliding_windows", "pad_sequences", "from_nan_padded", "from_channels_first"]


@dataclass
class Call:
    """One call, as expressions.

    Attributes
    ----------
    function : str
        What is called.
    arguments : dict of str
        Names and expressions of its arguments.
    rebinds : bool
        Whether the result is the estimator from there on.
    positional : bool
        Whether the arguments are passed without their names.
    """

    function: str
    arguments: dict
    rebinds: bool = False
    positional: bool = False

    def __str__(self):
        written = [v if self.positional else f"{k}={v}" for k, v in self.arguments.items()]
        return f"{'estimator = ' * self.rebinds}{self.function}({', '.join(written)})"


@dataclass
class Sequence:
    """What makes an estimator, or None, and the calls that follow."""

    estimator: Call | None
    calls: list

    def __str__(self):
        return "\n".join(map(str, filter(None, [self.estimator, *self.calls])))


def write_sequence(seed, number):
    """Return the sequence of a number, which no other number changes."""
    return Author(np.random.default_rng([seed, number])).write()


class Author:
    """Writes one sequence, all of whose draws come from `rng`."""

    def __init__(self, rng):
        self.rng = rng
        self.kind, self.X_kind, y_kind = draw(rng, SCENES)
        places = (sknet, preprocessing, names)
        self.cls = next(filter(None, (getattr(p, self.kind, None) for p in places)), None)
        self.wrappers = [name for name, kinds in WRAPPERS.items() if y_kind in kinds]
        # One y all along, so that later calls suit the first.
        self.y = draw(rng, GOOD_Y[y_kind])
        #: How likely an argument or a parameter is to be odd.
        self.oddness = 0.0

    def chance(self, p):
        """Tell whether something happens that has the probability p."""
        return self.rng.random() < p

    def write(self):
        """Return the sequence.

        Most start well, so that there is a fitted estimator to be used wrongly.
        """
        n_calls = int(self.rng.integers(2, 6))
        oddness = draw(self.rng, [0.0, 0.15, 0.3, 0.4])
        if self.cls is None:
            self.oddness = oddness
            return Sequence(None, [self._function_call() for _ in range(n_calls)])
        self.oddness = oddness if self.chance(0.4) else 0.0
        estimator = Call(self.kind, self._parameters(), rebinds=True)
        first = self._method_call(draw(self.rng, self._own(FITS)))
        self.oddness = oddness
        return Sequence(estimator, [first, *(self._call() for _ in range(n_calls - 1))])

    def _own(self, wanted):
        """Return the names that the estimator has."""
        return [name for name in wanted if name in _names_of(self.cls)]

    def _parameters(self):
        taken = [*_parameters_of(self.cls)]
        chosen = {name: value for name, value in QUICK.items() if name in taken}
        needs_layers = self.X_kind not in ("table", "sparse", "unit") or self.chance(0.4)
        if needs_layers and "layers" in taken:
            chosen["layers"] = layer_list(self.rng, self.X_kind, self.oddness)
            chosen.pop("hidden_layer_sizes", None)
        if self.X_kind == "images" and ("encoder" in taken or self.chance(0.7)):
            chosen["input_shape"] = "(6, 6, 2)"
        chosen |= NEEDED.get(self.X_kind, {})
        kept = {"layers", "encoder", "input_shape", *chosen}
        if "layers" in chosen or self.X_kind == "images":
            kept |= PLAIN
        for name in draw_some(self.rng, [*taken, *filter(taken.__contains__, FREQUENT)], 3):
            if name not in kept or self.chance(self.oddness):
                chosen[name] = self._parameter(name)
        return chosen

    def _parameter(self, name):
        if name == "loss" and not self.chance(max(self.oddness, 0.1)):
            return repr(draw(self.rng, [*self.cls._losses]))
        if name in ("layers", "encoder", "decoder") and not self.chance(self.oddness):
            kind = self.X_kind if name == "layers" else "codec"
            return layer_list(self.rng, kind, self.oddness)
        return value_of(self.rng, name, self.oddness)

    def _call(self):
        point = self.rng.random()
        if point < 0.33:
            return self._method_call(draw(self.rng, self._own(FITS)))
        if point < 0.7:
            return self._method_call(draw(self.rng, self._own(USES)))
        if point < 0.78:
            return self._set_params()
        if point < 0.86 and self._own(["coefs_"]):
            return self._network_call(draw(self.rng, NETWORK_USES))
        if point < 0.9:
            copies = ["clone", "pickled", "deepcopy", "copy", "without_training_state"]
            return Call(draw(self.rng, copies), {"estimator": "estimator"}, True, True)
        if point < 0.91 and self._own(["set_callbacks"]):
            callback = {"callback": draw(self.rng, CALLBACKS)}
            return Call("estimator.set_callbacks", callback, positional=True)
        if point < 0.92 and self.wrappers:
            return self._wrapped(draw(self.rng, self.wrappers))
        if point < 0.94:
            return Call(draw(self.rng, ["repr", "str"]), {"of": "estimator"}, positional=True)
        if point < 0.96:
            return Call("estimator.get_params", {"deep": self._plain("deep")})
        name = repr(draw(self.rng, ATTRIBUTES))
        return Call("getattr", {"object": "estimator", "name": name}, positional=True)

    def _method_call(self, name):
        arguments = {}
        for parameter, about in _parameters_of(getattr(self.cls, name)).items():
            needed = about.default is about.empty or (parameter == "y" and self.y != "None")
            if parameter == "self" or about.kind in (about.VAR_POSITIONAL, about.VAR_KEYWORD):
                continue
            if needed or self.chance(0.5 if parameter in VALUES else 0.12):
                arguments[parameter] = self._argument(parameter, name)
        validates = arguments.keys() & {"X_val", "y_val", "sample_weight_val"}
        if validates and not self.chance(self.oddness):
            for parameter in ["X_val", "y_val"][: 1 if self.y == "None" else 2]:
                arguments[parameter] = self._argument(parameter, name)
        return Call(f"estimator.{name}", arguments)

    def _argument(self, parameter, method):
        role = ROLES.get(parameter)
        if role is None:
            return self._plain(parameter)
        good = {"X": GOOD_X[self.X_kind], "y": [self.y], **GOOD}[role]
        if role == "X" and method == "inverse_transform" and self.X_kind != "series":
            role, good = "codes", ["TOKENS" if self.X_kind == "texts" else "X[:, :2]"]
        if not self.chance(max(self.oddness, 0.05)):
            return draw(self.rng, good)
        if self.chance(0.1):
            return draw(self.rng, ODD)
        if role == "X" and self.X_kind in ("texts", "ids"):
            role = "texts"
        return draw(self.rng, ODD_BY_ROLE[role])

    def _plain(self, parameter):
        odd = parameter not in VALUES or self.chance(self.oddness)
        if odd and parameter not in SOUND:
            return odd_value(self.rng, parameter)
        return draw(self.rng, VALUES[parameter])

    def _network_call(self, name):
        arguments = {"X": self._argument("X", name), "layer": self._plain("layer")}
        return Call(f"estimator.network_.{name}", arguments)

    def _wrapped(self, name):
        arguments = {"estimator": "estimator"}
        for parameter in [*_parameters_of(getattr(names, name))][1:]:
            arguments[parameter] = self._argument(parameter, name)
        return Call(name, arguments)

    def _set_params(self):
        taken = [*_parameters_of(self.cls)]
        chosen = draw_some(self.rng, [*taken, *filter(taken.__contains__, FREQUENT)], 2)
        arguments = {name: self._parameter(name) for name in chosen}
        if self.chance(0.2):
            arguments[draw(self.rng, NESTED)] = value_of(self.rng, "units", 0.5)
        return Call("estimator.set_params", arguments)

    def _function_call(self):
        name = draw(self.rng, FUNCTIONS)
        good = [*GOOD_X["series"], "GAPPED", "FRAME", "TARGET"]
        options = good if self.chance(0.3) else [*ODD_X, *ODD_Y]
        (first, _), *rest = _parameters_of(getattr(preprocessing, name)).items()
        arguments = {first: draw(self.rng, options)}
        for parameter, about in rest:
            if about.default is about.empty or self.chance(0.4):
                arguments[parameter] = self._plain(parameter)
        return Call(name, arguments)


@cache
def _names_of(cls):
    return frozenset(dir(cls))


@cache
def _parameters_of(function):
    return signature(function).parameters
