"""Settings of the tests and doctests: pictures are drawn nowhere and closed after each."""

import os
import sys

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
#: Calls for type checkers, many of which are wrong.
collect_ignore_glob = ["tests/typing/*"]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
