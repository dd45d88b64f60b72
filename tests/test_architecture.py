"""The shape of the code: imports go one way, modules and functions stay small."""

import ast
import os
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import sknet

PACKAGE = Path(sknet.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

#: Parts of the package; each may import from its own group and from those before it.
GROUPS = [
    {"kernels", "later", "typing"},
    {
        "base",
        "compatibility",
        "constraints",
        "dispatch",
        "lanes",
        "pages",
        "settings",
        "sparse",
        "warning",
    },
    {"functions"},
    {"custom"},
    {
        "activations",
        "blas",
        "holders",
        "initializers",
        "regularization",
        "storage",
    },
    {"named_weights"},
    {
        "batches",
        "blocks",
        "cells",
        "finite",
        "inputs",
        "layers",
        "losses",
        "mixing",
        "optimizers",
        "places",
        "preprocessing",
        "schedules",
        "tokens",
        "weights",
    },
    {"initialization", "network", "outline", "stepping"},
    {"dense_step", "step", "training"},
    {"testing"},
    {"estimators"},
    {"tabular", "versions"},
    {"inspection", "interop"},
    {"__init__"},
]
RANK = {part: rank for rank, group in enumerate(GROUPS) for part in group}
ALLOWED = {"sknet", "numpy", "scipy", "sklearn", "threadpoolctl", "joblib"}
#: What a module imports inside functions, where it is needed.
OPTIONAL = {
    "sknet.compatibility": {"cloudpickle"},  # joblib brings it, and once contained it
    "sknet.estimators.progress": {"IPython"},  # only in a notebook, where it is there
    "sknet.inspection.architecture": {"matplotlib"},
    "sknet.inspection.display": {"matplotlib"},
    "sknet.interop.keras.reading": {"keras"},
    "sknet.interop.onnx.pipelines": {"skl2onnx"},
    "sknet.interop.outside": {"skops"},
    "sknet.preprocessing.frames": {"narwhals"},
    "sknet.storage": {"safetensors"},
}
MAX_LINES_OF_MODULE = 500
MAX_LINES_OF_FUNCTION = 60


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


@cache
def tree_of(path):
    return ast.parse(path.read_text())


def imports_of(path, source=None):
    """Yield the full names that a file imports, and the line of each."""
    name = module_name(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree_of(path) if source is None else ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                parents = package.split(".")
                parents = parents[: len(parents) - node.level + 1]
                origin = ".".join([*parents, *filter(None, [node.module])])
            yield from ((f"{origin}.{alias.name}", node.lineno) for alias in node.names)


def part_of(name):
    """Return the part of the package that a module belongs to."""
    pieces = name.split(".")
    return pieces[1] if len(pieces) > 1 else "__init__"


def wrong_imports(path, source=None):
    """List the imports of a file that go back."""
    here = part_of(module_name(path))
    wrong = []
    for name, line in imports_of(path, source):
        # The version is read when something is pickled, long after all is imported.
        if name.partition(".")[0] != "sknet" or name == "sknet.__version__":
            continue
        there = part_of(name)
        there = there if there in RANK else "__init__"
        back = RANK[there] > RANK[here] or (there == "testing" and here != "testing")
        if back:
            wrong.append(f"{path.name}:{line} imports {name}")
    return wrong


def test_every_module_has_its_place():
    assert {part_of(name) for name in MODULES} <= set(RANK)


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_go_one_way(path):
    assert wrong_imports(path) == []


@pytest.mark.parametrize(
    "file, source",
    [
        ("base.py", "from .blas import matmul"),
        ("activations/gated.py", "from ..layers import Dense"),
        ("layers/dense.py", "import sknet.network"),
        ("network.py", "def later():\n    from .training import Trainer"),
        ("training.py", "from .estimators.loop import TrainingLoop"),
        ("testing/layers.py", "from sknet import NeuralClassifier"),
        ("estimators/base.py", "from ..testing import check_layer"),
        ("estimators/base.py", "from ..tabular import TabularClassifier"),
    ],
)
def test_an_import_that_goes_back_is_found(file, source):
    assert len(wrong_imports(PACKAGE / file, source)) == 1


def test_modules_do_not_import_each_other_in_a_circle():
    graph = {}
    for name, path in MODULES.items():
        found = (imported for imported, _ in imports_of(path) if imported != "sknet.__version__")
        # A name is a module, or something inside one.
        graph[name] = {n if n in MODULES else n.rpartition(".")[0] for n in found} & set(MODULES)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_nothing_but_the_stated_dependencies_is_imported(path):
    found = {name.partition(".")[0] for name, _ in imports_of(path)}
    optional = OPTIONAL.get(module_name(path), set())
    assert found - sys.stdlib_module_names - ALLOWED == optional


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_modules_and_functions_stay_small(path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[1] / "docs"))
    from make_docstrings import n_shared_lines

    # Descriptions that several docstrings share are written by that script.
    assert len(path.read_text().splitlines()) - n_shared_lines(path) < MAX_LINES_OF_MODULE
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            has_docstring = ast.get_docstring(node, clean=False) is not None
            docstring = first.end_lineno - first.lineno + 1 if has_docstring else 0
            lines = node.end_lineno - node.lineno + 1 - docstring
            assert lines < MAX_LINES_OF_FUNCTION, f"{node.name} has {lines} lines"


@pytest.mark.parametrize(
    "path", [path for path in FILES if "testing" not in path.parts], ids=module_name
)
def test_errors_of_users_are_never_assertions(path):
    lines = [n.lineno for n in ast.walk(tree_of(path)) if isinstance(n, ast.Assert)]
    assert lines == []


def test_importing_the_package_imports_nothing_that_is_optional():
    # scikit-learn itself imports some of it where it is installed: sknet must add nothing.
    code = f"""
import sys
import sklearn.neural_network
before = set(sys.modules)
import {", ".join(MODULES)}
print(*{{name.partition(".")[0] for name in set(sys.modules) - before}})
"""
    optional = {
        "matplotlib",
        "narwhals",
        "skops",
        "pandas",
        "polars",
        "pyarrow",
        "rich",
        "safetensors",
        "torch",
        "skorch",
        "pytest",
    }
    imported = _printed_by(code)
    assert optional & imported == set()
    assert "sknet" in imported


def test_a_fit_imports_what_it_needs_alone():
    code = """
import sys
from sknet import NeuralClassifier
NeuralClassifier(max_iter=1, tol=0).fit([[0.0], [1.0]], [0, 1]).predict([[0.0]])
print(*sys.modules)
"""
    others = {
        "sklearn.metrics",
        "sklearn.model_selection",
        "sknet.estimators.translator",
        "sknet.interop",
        "sknet.layers.sequential.attention",
        "sknet.layers.spatial.convolution",
        "sknet.preprocessing.tokenizer",
        "sknet.tabular",
    }
    imported = _printed_by(code)
    assert others & imported == set()
    assert "sknet.estimators.classifier" in imported


def _printed_by(code):
    """Return the words that code prints in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "name", ["sknet", "sknet.estimators", "sknet.layers", "sknet.preprocessing"]
)
def test_names_that_are_imported_later_are_attributes_like_others(name):
    package = import_module(name)
    for attribute in package.__all__:
        assert attribute in dir(package)
        assert getattr(package, attribute) is vars(package)[attribute]
    with pytest.raises(AttributeError, match=f"'{name}' has no attribute 'Unknown'"):
        _ = package.Unknown
