from fractions import Fraction
from numbers import Integral, Real

import numpy as np
import pandas as pd
import pytest
from sklearn.utils._param_validation import Interval, InvalidParameterError

from sknet.constraints import Constraints

CONSTRAINTS = Constraints(
    {
        "n": [Interval(Integral, 1, None, closed="left"), None],
        "rate": [Interval(Real, 0, None, closed="left")],
        "sizes": ["array-like"],
        "free": "no_validation",
    }
)


@pytest.mark.parametrize(
    "name, value",
    [
        ("n", 1),
        ("n", None),
        ("n", np.int8(3)),
        ("n", 2**63 - 1),
        ("rate", 0),
        ("rate", 2**64),
        ("rate", np.float32(0.5)),
        ("sizes", [1, 2]),
        ("sizes", np.ones(2)),
        ("free", 10**400),
        ("unknown", 1j),
    ],
)
def test_numbers_and_lists_are_allowed(name, value):
    CONSTRAINTS.validate({name: value}, "Owner")


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("n", True, "an int in the range [1, inf) or None. Got True"),
        ("n", 2**63, "Got 10**18, too large for 64 bits, instead"),
        pytest.param("n", -(10**5000), "Got -10**5000, too large for a float", id="digits"),
        ("n", np.timedelta64(1, "D"), "an int in the range [1, inf)"),
        ("n", np.uint64(2**63), "an int in the range [1, inf)"),
        ("rate", 10**400, "Got 10**400, too large for a float, instead"),
        ("rate", Fraction(1, 2), "a float in the range [0.0, inf). Got Fraction(1, 2)"),
        ("rate", np.bool_(True), "a float in the range [0.0, inf)"),
        ("sizes", "12", "an array-like. Got '12'"),
        ("sizes", {1, 2}, "an array-like"),
        ("sizes", {"a": 1}, "an array-like"),
        ("sizes", np.array(2), "an array-like. Got array(2)"),
        ("sizes", pd.DataFrame, "an array-like"),
    ],
)
def test_what_numpy_does_not_compute_with_is_refused(name, value, message):
    with pytest.raises(InvalidParameterError) as caught:
        CONSTRAINTS.validate({name: value}, "Owner")
    assert f"The {name!r} parameter of Owner must be" in str(caught.value)
    assert message in str(caught.value)
