"""Platforms without threads, such as WebAssembly, and the script for several Pythons."""

import _thread
import os
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from sknet import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralRegressor,
    TabularClassifier,
    TabularRegressor,
    lanes,
)
from sknet.layers import GRU, Conv2D, Flatten, in_lanes

MATRIX = Path(__file__).resolve().parents[1] / "tools" / "matrix"
RNG = np.random.default_rng(0)
X, LABELS = RNG.standard_normal((64, 16)), np.arange(64) % 2
TABLE = pd.DataFrame(X[:, :3], columns=list("abc")).assign(city=np.array(["x", "y"])[LABELS])
BRIEF = {"max_iter": 2, "tol": 0, "random_state": 0}
IMAGES = {"layers": [Conv2D(4, 3), Flatten()], "input_shape": (4, 4, 1), **BRIEF}
SEQUENCES = {"layers": [GRU(4)], "input_shape": (8, 2), **BRIEF}
MEMBERS = {"n_members": 2, "hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}
SEARCH = GridSearchCV(NeuralClassifier((4,), **BRIEF), {"alpha": [1e-4, 1.0]}, cv=2)


@pytest.fixture
def without_threads(monkeypatch):
    """Let every start of a thread fail, as in a browser; return a list with an item for each."""
    refused = []

    def refuse(*args, **kwargs):
        refused.append(args)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(lanes, "_helpers", lanes._Helpers())
    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    return refused


@pytest.mark.parametrize(
    "estimator, X, y",
    [
        (NeuralClassifier(**IMAGES), X, LABELS),
        (NeuralRegressor(**SEQUENCES), X, X[:, 0]),
        (AutoencoderTransformer(2, (8,), **BRIEF), X, None),
        (TabularClassifier(**MEMBERS), TABLE, LABELS),
        (TabularRegressor(**MEMBERS), TABLE, X[:, 5]),
        (SEARCH, X, LABELS),
    ],
    ids=[
        "images",
        "sequences",
        "autoencoder",
        "tabular classifier",
        "tabular regressor",
        "search",
    ],
)
def test_everything_runs_without_threads(estimator, X, y, monkeypatch, request):
    monkeypatch.setattr(in_lanes, "_MANY", 1)  # so that small layers ask for threads, too
    method = "transform" if y is None else "predict"
    with threadpool_limits(2):
        expected = getattr(clone(estimator).fit(X, y), method)(X)
        refused = request.getfixturevalue("without_threads")
        found = getattr(clone(estimator).fit(X, y), method)(X)
    assert_array_equal(found, expected)
    if "layers" in estimator.get_params():
        assert refused


#: Stands in for an interpreter: makes "environments" of itself and says what it is asked to test.
STUB = """#!/bin/sh
case "$2" in
    venv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    pip) exit {installed} ;;
    pytest) echo "tested: $*"; exit {status} ;;
esac
"""


def run_matrix(folder, statuses, *arguments, installed=0):
    """Run the script where PATH has stubs of some interpreters, and the tools that it needs."""
    for tool in ("bash", "env", "dirname", "mktemp", "rm", "mkdir", "cp"):
        (folder / tool).symlink_to(shutil.which(tool))
    for name, status in statuses.items():
        stub = folder / name
        stub.write_text(STUB.format(status=status, installed=installed))
        stub.chmod(0o755)
    environment = {**os.environ, "PATH": str(folder)}
    command = [shutil.which("bash"), str(MATRIX), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


matrix = pytest.mark.skipif(
    not MATRIX.exists() or shutil.which("bash") is None, reason="needs the checkout, and bash"
)


@matrix
def test_the_matrix_says_which_pythons_passed_and_which_are_not_there(tmp_path):
    run = run_matrix(tmp_path, {"python3.11": 0, "python3.13t": 0}, "-q", "tests/test_lanes.py")
    assert run.stdout.count("tested: -m pytest -q tests/test_lanes.py") == 2
    assert run.stdout.endswith(
        "python3.11: passed\npython3.12: skipped, not there\npython3.13: skipped, not there\n"
        "python3.14: skipped, not there\npython3.13t: passed\n"
    )
    assert run.returncode == 0


@matrix
@pytest.mark.parametrize("statuses", [{"python3.12": 1, "python3.14": 0}, {}])
def test_the_matrix_fails_where_tests_fail_or_there_is_no_python(tmp_path, statuses):
    run = run_matrix(tmp_path, statuses)
    assert run.returncode == 1
    assert ("python3.12: failed" in run.stdout) == bool(statuses)


@matrix
def test_the_matrix_says_where_packages_cannot_be_installed(tmp_path):
    run = run_matrix(tmp_path, {"python3.13t": 0}, installed=1)
    assert run.returncode == 1
    assert "python3.13t: failed, what the tests need was not installed" in run.stdout
    assert "tested" not in run.stdout
