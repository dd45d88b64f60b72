"""Which values parameters may have: scikit-learn's constraints, for what NumPy computes with."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Set
from math import log10
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    make_constraint,
    validate_parameter_constraints,
)


class Constraints:
    """Checks parameters as scikit-learn does, and whether NumPy can compute with them.

    An interval holds no bools, no fractions, no ints of more than 64 bits and no numbers that are
    too large for a float. Texts, dictionaries, sets, classes and arrays without axes are no
    array-likes.

    Parameters
    ----------
    options : dict of str
        Constraints of scikit-learn's parameter validation by the names of the parameters.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = {k: v for k, v in options.items() if v != "no_validation"}
        # scikit-learn makes them anew at each call.
        self._checks = {k: [_strict(option) for option in v] for k, v in self._options.items()}

    def validate(self, values: dict[str, Any], owner: str) -> None:
        """Refuse values that are not allowed.

        Parameters
        ----------
        values : dict of str
            The parameters; those without constraints may have any value.
        owner : str
            Whose parameters they are, for errors.

        Raises
        ------
        InvalidParameterError
            If a value satisfies none of its constraints.
        """
        wrong = {
            name: _Refused(values[name])
            for name, checks in self._checks.items()
            if name in values and not any(check(values[name]) for check in checks)
        }
        validate_parameter_constraints(self._options, wrong, caller_name=owner)


def is_true(value: Any) -> bool:
    """Tell whether a parameter, which may be anything before `fit`, is True.

    Parameters
    ----------
    value : object
        The parameter.

    Returns
    -------
    is_true : bool
        False for what is no bool.
    """
    return isinstance(value, bool | np.bool_) and bool(value)


class _Refused:
    """Stands in an error for a value, and satisfies no constraint."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __repr__(self) -> str:
        if not isinstance(self._value, int) or self._value.bit_length() < 64:
            return repr(self._value)
        power = int(log10(abs(self._value)))
        sign = "-" * (self._value < 0)
        return f"{sign}10**{power}, too large for {'a float' if power > 307 else '64 bits'},"


def _strict(option):
    """Return the function that tells whether a value satisfies a constraint."""
    check = make_constraint(option).is_satisfied_by
    if isinstance(option, Interval):
        fits = _fits_int if option.type is Integral else _fits_float
        return lambda value: fits(value) and check(value)
    if isinstance(option, str) and option == "array-like":
        odd = str | bytes | bytearray | Mapping | Set | type
        return lambda value: (
            not isinstance(value, odd) and getattr(value, "ndim", 1) != 0 and check(value)
        )
    return check


def _fits_int(value):
    known = isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64)
    return known and -(2**63) <= value < 2**63


def _fits_float(value):
    if isinstance(value, int | np.integer):
        return not isinstance(value, bool | np.timedelta64) and abs(value) <= sys.float_info.max
    return isinstance(value, float | np.floating)
