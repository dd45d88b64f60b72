"""Runs sequences and judges each call: it succeeds, or says in a sentence what is wrong."""

import dis
import re
import signal
import warnings
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path

import numpy as np
import sklearn
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

import sknet

from . import names
from .state import difference, holds_missing, is_finite, state_of

SECONDS = 5  # of processor time, for one call
MEGABYTES = 500  # that one call may ask for
LONGEST = 2000  # characters of an error

PACKAGE = str(Path(sknet.__file__).parent)
ROOTS = {"sknet": PACKAGE, "sklearn": str(Path(sklearn.__file__).parent)}
READABLE = {ValueError, TypeError, InvalidParameterError, NotFittedError, AttributeError}
RAISE = dis.opmap["RAISE_VARARGS"]

#: Words of NumPy, pandas and Python, which sknet or scikit-learn may only have passed on.
FOREIGN = re.compile(
    r"could not broadcast|inhomogeneous|setting an array element|unsupported operand|"
    r"object has no attribute|out of bounds|could not convert|not supported between|"
    r"cannot reshape|not aligned|object is not (iterable|subscriptable|callable)|unhashable|"
    r"invalid literal|must be real number|only length-1|only integer|only 0-dim|int too large|"
    r"too large to convert|Cannot cast|cannot cast|ufunc|truth value|has no len|list index|"
    r"tuple index|values to unpack|maximum recursion|Unable to allocate|array is too big|"
    r"Maximum allowed dimension|negative dimensions|zero-size array|need at least one array|"
    r"all input array|boolean index|cannot unpack|can't multiply|integer is required|"
    r"cannot be interpreted|not understood|no matching signature|must be a real number"
)
#: Warnings of NumPy and pandas that say nothing to a user of sknet.
FOREIGN_WARNING = re.compile(
    r"encountered in|Mean of empty slice|Degrees of freedom|discards the imaginary|"
    r"elementwise comparison|Conversion of an array"
)
#: Warnings that say nothing about numbers that are not finite.
UNRELATED = re.compile(r"reached max_iter|feature names|larger than the \d+ training rows")
#: A call whose arguments do not fit its signature is the fuzzer's own mistake.
OWN_MISTAKE = re.compile(r"\(\) (got an unexpected|missing \d|takes \d|got multiple)")
#: What fits an estimator inside others of scikit-learn.
WRAPPERS = ("in_pipeline", "with_scaled_target", "in_search")
#: Methods that keep the missing values they are given.
KEEPING = ("sliding_windows", "pad_sequences", "from_channels_first", "from_nan_padded")


class TimeLimit(BaseException):
    """A call took too long."""


@dataclass
class Failure:
    """What is wrong with a call.

    Attributes
    ----------
    rule : str
        The rule that is broken.
    detail : str
        What happened, such as the error's text.
    place : str
        The deepest function of sknet, or the part of the state that has changed.
    call : Call
        The call.
    """

    rule: str
    detail: str
    place: str
    call: object

    @property
    def kind(self):
        """What failures of the same cause have in common."""
        if self.rule.startswith("changed"):
            return self.rule, self.detail.partition(",")[0], self.place
        detail = re.sub(r"'[^']*'|\"[^\"]*\"", "'_'", self.detail)
        detail = re.sub(r"-?\d[\d.,e+-]*|\bnan\b|\binf\b", "#", detail)
        detail = re.sub(r"\((#[, ]*)+\)|\[(#[, ]*)+\]", "#", detail)
        return self.rule, detail[:90], self.place


def run(sequence):
    """Run a sequence in this process and return its failures."""
    scope = {**vars(names), "estimator": None}
    np.random.seed(0)  # noqa: NPY002 (what uses the global generator)
    failures = []
    for call in filter(None, [sequence.estimator, *sequence.calls]):
        failures += _run_call(call, scope)
        if scope["estimator"] is None and sequence.estimator is not None:
            break
    return failures


@cache
def _compiled(expression):
    return compile(expression, "<sequence>", "eval")


def _value(expression, scope):
    return eval(_compiled(expression), scope)


def _run_call(call, scope):
    """Make one call, and return what is wrong with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arguments = {name: _value(text, scope) for name, text in call.arguments.items()}
    estimator = scope["estimator"]
    before, given = state_of(estimator), state_of(arguments, skip=estimator)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = _make(call, arguments, scope)
        except TimeLimit:
            return [Failure("takes too long", f"over {SECONDS} s", "", call)]
        except names.NoMore:
            return []
        except Exception as error:
            failures = judge_error(error, call)
            if place := difference(before, state_of(estimator)):
                failures.append(_changed(place, error, call))
        else:
            failures = _judge_result(result, caught, call, estimator, arguments)
            if call.rebinds:
                scope["estimator"] = result
    place = difference(given, state_of(arguments, skip=estimator))
    if place and "random_state" not in place and not call.function.endswith("set_params"):
        failures.append(Failure("changes its arguments", "", place, call))
    return failures + _judge_warnings(caught, call)


def _make(call, arguments, scope):
    with limited(SECONDS, MEGABYTES), redirect_stdout(StringIO()):
        function = _value(call.function, scope)
        return function(*arguments.values()) if call.positional else function(**arguments)


def _changed(place, error, call):
    method = call.function.rpartition(".")[2]
    part = "its parameters" if method == "set_params" else ".".join(place.split(".")[:3])
    return Failure("changed by a failed call", f"{method}, {_words(error)}", part, call)


def judge_error(error, call):
    """Return what is wrong with an error that a call ended in."""
    text = _words(error)
    if OWN_MISTAKE.search(text):
        return []
    if type(error) is AttributeError and _is_missing_attribute(error, call):
        return []
    place, author = _origin(error)
    if call.function in WRAPPERS and not place:
        return []  # scikit-learn refuses its own arguments
    if type(error) not in READABLE or author is None or FOREIGN.search(str(error)):
        return [Failure("unreadable error", text, place, call)]
    if author == "sknet" and len(str(error)) > LONGEST:
        return [Failure("error of many pages", text, place, call)]
    return []


def _origin(error):
    """Return the deepest function of sknet, and the package whose ``raise`` it was.

    What is raised inside compiled code has no frame of its own: the instruction tells.
    """
    place, tb = "", error.__traceback__
    while tb is not None:
        code, last = tb.tb_frame.f_code, tb
        if code.co_filename.startswith(PACKAGE):
            place = f"{Path(code.co_filename).relative_to(PACKAGE)}:{code.co_name}"
        tb = tb.tb_next
    raised = code.co_code[last.tb_lasti] == RAISE
    authors = [name for name, root in ROOTS.items() if code.co_filename.startswith(root)]
    return place, authors[0] if raised and authors else None


def _is_missing_attribute(error, call):
    """Tell whether what fitting sets was read before there was a fit."""
    return call.function == "getattr" or (
        ".network_" in call.function and error.name == "network_"
    )


def _words(error):
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def _judge_warnings(caught, call):
    """Return the warnings in foreign words; those of scikit-learn's own arithmetic are its own."""
    return [
        Failure("warning in foreign words", f"{each.category.__name__}: {each.message}", "", call)
        for each in caught
        if FOREIGN_WARNING.search(str(each.message))
        and call.function not in WRAPPERS
        and not each.filename.startswith(ROOTS["sklearn"])
    ]


def _judge_result(result, caught, call, estimator, arguments):
    """Return whether numbers that are not finite came without a warning."""
    warned = any(not UNRELATED.search(str(each.message)) for each in caught)
    if warned or call.function in ("getattr", "repr", "str", "estimator.get_params"):
        return []
    name = call.function.rpartition(".")[2]
    keeps = name in KEEPING or type(estimator).__name__ == "StepwiseTransformer"
    if keeps and (
        not is_finite(arguments)
        or holds_missing([*filter(lambda v: v is not None, arguments.values())])
    ):
        return []
    if not is_finite(result):
        return [Failure("result is not finite", f"{type(estimator).__name__}.{name}", "", call)]
    network = getattr(estimator, "network_", None)
    if "fit" in name and network is not None and not is_finite(network.params):
        return [Failure("weights are not finite", f"{type(estimator).__name__}.{name}", "", call)]
    return []


@contextmanager
def limited(seconds, megabytes):
    """Bound the processor time and the memory that is asked for inside (on Linux)."""
    import resource

    def stop(number, frame):
        raise TimeLimit

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGPROF, stop)
    resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 2**20, hard))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGPROF, handler)
