"""The annotations: pyright and mypy accept right calls, refuse wrong ones, and miss nothing."""

import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import sknet
from sknet import activations, initializers, layers, losses, optimizers, schedules
from sknet import typing as types

CALLS = Path(__file__).parent / "typing"
WRONG = (CALLS / "wrong_calls.py").read_text().splitlines()
MIN_COMPLETENESS = 0.95


def check(tool, folder, *arguments):
    """Run a type checker on this sknet, and return what it prints."""
    if find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    root = str(Path(sknet.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root, "MYPYPATH": root}
    command = [sys.executable, "-m", tool, *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    if tool == "pyright" and not run.stdout:
        pytest.skip(f"pyright does not start: {run.stderr[-200:]}")
    assert run.returncode in (0, 1), run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def pyright(tmp_path_factory):
    """Return the numbers of the lines that pyright refuses in each file."""
    folder = tmp_path_factory.mktemp("pyright")
    out = check("pyright", folder, "--outputjson", "--pythonpath", sys.executable, CALLS)
    refused = {}
    for found in json.loads(out)["generalDiagnostics"]:
        if found["severity"] == "error":
            lines = refused.setdefault(Path(found["file"]).name, {})
            lines[found["range"]["start"]["line"] + 1] = found["message"]
    return refused


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """Return the numbers of the lines that mypy refuses in each file."""
    options = ["--ignore-missing-imports", "--follow-imports=silent", "--config-file="]
    out = check("mypy", tmp_path_factory.mktemp("mypy"), *options, CALLS)
    refused = {}
    for name, line, message in re.findall(r"(\w+\.py):(\d+): error: (.*)", out):
        refused.setdefault(name, {})[int(line)] = message
    return refused


@pytest.mark.parametrize("checker", ["pyright", "mypy"])
def test_right_calls_are_accepted(checker, request):
    assert request.getfixturevalue(checker).get("right_calls.py", {}) == {}


@pytest.mark.parametrize(
    "checker, mark", [("pyright", r"# wrong\b"), ("mypy", r"# wrong(?!, says pyright)")]
)
def test_wrong_calls_are_refused(checker, mark, request):
    refused = request.getfixturevalue(checker)["wrong_calls.py"]
    assert len(refused) > 50
    assert set(refused) == {n for n, line in enumerate(WRONG, 1) if re.search(mark, line)}


def test_what_is_constructed_by_the_right_calls_can_be():
    source, methods, _ = (CALLS / "right_calls.py").read_text().partition("\n# Methods")
    assert methods
    exec(source, {})


@pytest.mark.filterwarnings("ignore:.*converged")
@pytest.mark.parametrize("line", [line for line in WRONG if "# wrong" in line])
def test_each_wrong_call_fails_when_it_runs(line):
    namespace = {}
    exec("\n".join(WRONG).partition("\nX, y =")[0], namespace)
    exec("X, y = np.arange(32.0).reshape(8, 4), np.arange(8) % 2", namespace)
    with pytest.raises((TypeError, ValueError, AttributeError)):
        exec(f"made = {line}", namespace)
        made = namespace["made"]
        if isinstance(made, layers.Layer):
            made = sknet.NeuralClassifier(layers=[made])
        elif not hasattr(made, "fit"):
            made._validate_params()
        made.fit(namespace["X"], namespace["y"])


def test_the_public_api_is_annotated(tmp_path):
    options = ["--ignoreexternal", "--outputjson", "--pythonpath", sys.executable]
    out = check("pyright", tmp_path, "--verifytypes", "sknet", *options)
    found = json.loads(out)["typeCompleteness"]
    assert found["exportedSymbolCounts"]["withKnownType"] > 1000
    assert found["completenessScore"] >= MIN_COMPLETENESS


@pytest.mark.parametrize(
    "names, registry",
    [
        (types.NamedActivation, activations.ACTIVATIONS),
        (types.NamedInitializer, initializers.INITIALIZERS),
        (types.NamedOptimizer, optimizers.OPTIMIZERS),
        (types.NamedSchedule, schedules.SCHEDULES),
        (types.NamedClassificationLoss, losses.CLASSIFICATION_LOSSES),
        (types.NamedRegressionLoss, losses.REGRESSION_LOSSES),
    ],
    ids=["activations", "initializers", "optimizers", "schedules", "classifier", "regressor"],
)
def test_the_names_that_parameters_take_are_those_that_there_are(names, registry):
    assert sorted(get_args(names)) == sorted(registry)


def functions_of(module):
    """Yield the functions and methods that a module defines."""
    for item in vars(module).values():
        if getattr(item, "__module__", None) != module.__name__:
            continue
        is_tuple = isinstance(item, type) and issubclass(item, tuple)
        members = vars(item).values() if isinstance(item, type) and not is_tuple else [item]
        for member in members:
            function = inspect.unwrap(getattr(member, "fget", None) or member)
            function = getattr(function, "__func__", function)
            if inspect.isfunction(function):
                yield function


MODULES = [module.name for module in pkgutil.walk_packages(sknet.__path__, "sknet.")]


@pytest.mark.parametrize("name", MODULES)
def test_annotations_can_be_read_while_the_program_runs(name):
    for function in functions_of(importlib.import_module(name)):
        get_type_hints(function)
