"""One thing that is wrong with a network, its data or its training."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that is wrong.

    Parameters
    ----------
    name : str
        Short name, such as "unscaled_features".
    cause : str
        What is wrong, in one sentence.
    evidence : str
        What was measured, in one sentence.
    cure : str
        What to try, in one sentence.
    value : float
        The number that was measured.

    See Also
    --------
    sknet.inspection.diagnose : What finds them.

    Examples
    --------
    >>> from sknet.inspection import Finding
    >>> Finding("dead_units", "Units are dead.", "5 of 8 are 0.", "Lower the rate.", 5 / 8).value
    0.625
    """

    name: str
    cause: str
    evidence: str
    cure: str
    value: float
