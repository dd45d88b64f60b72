"""Metrics ``f(y, prediction)`` as scorers."""

from __future__ import annotations

from functools import cache
from inspect import Parameter, signature
from typing import Any

import sklearn

from ..base import brief
from ..typing import Function

#: Ends of the names of functions of which less is better.
_OF_ERRORS = ("_error", "_loss", "_deviance")
#: What errors are called for short, alone or after an underscore.
_SHORT = {"mae", "mape", "mase", "medae", "mse", "msle", "nll", "rmse", "rmsle", "smape", "wape"}
#: What a metric is given, by the name of its second parameter; others get predictions.
_RESPONSES = {
    "y_score": ("decision_function", "predict_proba"),
    "pred_decision": "decision_function",
    "y_proba": "predict_proba",
    "y_prob": "predict_proba",
}
_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def as_scorer(estimator: Any, scoring: str | Function) -> Function:
    """Return a scorer for what the user passes.

    Parameters
    ----------
    estimator : object
        What is scored.
    scoring : str or callable
        Name of a scorer, a scorer ``f(estimator, X, y)``, or a metric ``f(y, prediction)``. A
        metric whose name ends in _error, _loss or _deviance is negated, as in the names of
        scikit-learn's scorers; of others a greater value is better.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` is greater for a better estimator.

    Raises
    ------
    ValueError
        If there is no such scorer, if a function takes other arguments, or if there are no
        predictions of y for a metric.
    """
    if is_metric(scoring):
        if not hasattr(estimator, "predict"):
            raise ValueError(
                f"scoring={_name(scoring)} is a metric f(y, prediction), and "
                f"{type(estimator).__name__} predicts no y. Pass a scorer f(estimator, X, y)."
            )
        scoring = _scorer_of(scoring)
    elif callable(scoring):
        _check_arguments(scoring)
    return sklearn.metrics.check_scoring(estimator, scoring=scoring)


def is_metric(scoring: Any) -> bool:
    """Tell a metric ``f(y, prediction)`` from a scorer ``f(estimator, X, y)``.

    Parameters
    ----------
    scoring : object
        What the user passes.

    Returns
    -------
    is_metric : bool
        True for a function whose first parameter is called ``y_true``, and for one that needs
        two arguments by position, unless the first is called ``estimator`` or a third one ``y``.
    """
    if not callable(scoring) or hasattr(scoring, "_score_func"):
        return False
    parameters = [p for p in _parameters(scoring) if p.kind in _BY_POSITION]
    needed = [p for p in parameters if p.default is Parameter.empty]
    if not parameters or parameters[0].name in ("y_true", "estimator"):
        return bool(parameters) and parameters[0].name == "y_true"
    return len(needed) == 2 and not any(p.name == "y" for p in parameters[2:])


def check_takes_weight(scorer: Function, scoring: Any) -> None:
    """Refuse a scorer that would not know of the weights of the validation rows.

    Parameters
    ----------
    scorer : callable
        What `as_scorer` has returned.
    scoring : object
        What the user passed, for errors.

    Raises
    ------
    ValueError
        If it takes no ``sample_weight``.
    """
    parameters = _parameters(getattr(scorer, "_score_func", scorer))
    takes = any(p.name == "sample_weight" or p.kind is Parameter.VAR_KEYWORD for p in parameters)
    if parameters and not takes:
        raise ValueError(
            f"scoring={_name(scoring)} takes no sample_weight, and the validation rows have "
            "weights. Choose scoring='loss', or a function that takes sample_weight."
        )


def compares_numbers(scorer: Any) -> bool:
    """Tell whether a scorer is that of a metric for regression.

    Parameters
    ----------
    scorer : callable
        What `as_scorer` has returned.

    Returns
    -------
    compares_numbers : bool
        Whether labels have to be numbers.
    """
    metric = _function(getattr(scorer, "_score_func", None))
    return getattr(metric, "__module__", "").endswith("_regression")


def _check_arguments(scoring):
    """Refuse a function that can be neither a scorer nor a metric."""
    try:
        parameters = signature(scoring)
        takes_no_y = list(parameters.parameters) == ["estimator", "X"]  # that of a transformer
        parameters.bind("estimator", "X", *([] if takes_no_y else ["y"]))
    except TypeError:
        raise ValueError(
            f"scoring must be a scorer f(estimator, X, y) or a metric f(y, prediction), got "
            f"{_name(scoring)}{signature(scoring)}."
        ) from None
    except ValueError:  # written in C, without a signature
        return


def _scorer_of(metric):
    function, keywords = _function(metric), getattr(metric, "keywords", {})
    known = _known_scorers(function)
    options = {}
    if known:  # the one with the most in common, such as roc_auc_ovr
        given = {"pos_label": None, **keywords}
        alike = (s for s in known if s._kwargs.items() <= given.items())
        model = max(alike, key=lambda s: len(s._kwargs), default=known[0])
        response, sign = model._response_method, model._sign
        if "pos_label" in model._kwargs.keys() - keywords.keys():  # of averages over classes
            options = {"pos_label": None}
    else:
        name = [p.name for p in _parameters(function)][1]
        response = _RESPONSES.get(name, "predict")
        sign = -1 if _names_error(getattr(function, "__name__", "").lower()) else 1
    return sklearn.metrics.make_scorer(
        metric, response_method=response, greater_is_better=sign > 0, **options
    )


def _names_error(name):
    if name.startswith("neg_"):
        return False
    return name.endswith(_OF_ERRORS) or name.rpartition("_")[2] in _SHORT


@cache
def _known_scorers(function):
    """Return scikit-learn's scorers of a metric of scikit-learn."""
    if not getattr(function, "__module__", "").startswith("sklearn.metrics."):
        return []
    scorers = map(sklearn.metrics.get_scorer, sklearn.metrics.get_scorer_names())
    return [scorer for scorer in scorers if scorer._score_func is function]


def _function(metric):
    """Return the function of which a partial one is made."""
    while hasattr(metric, "func"):
        metric = metric.func
    return metric


def _name(scoring):
    """Return what is passed as an error shows it: a function by its name."""
    return getattr(scoring, "__name__", brief(scoring))


def _parameters(function):
    try:
        return list(signature(function).parameters.values())
    except (TypeError, ValueError):  # some that are written in C have none
        return []
