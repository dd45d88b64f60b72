"""The recipes of the documentation run, each where its library is installed."""

import re
from importlib.util import find_spec

import pytest

from .test_docs import ROOT, run

PAGE = (ROOT / "docs" / "recipes.md").read_text()
RECIPES = dict(re.findall(r"(?ms)^## (\S+)\n(.*?)(?=^## |\Z)", PAGE))
#: What is imported of the libraries whose modules are not called as they are.
MODULES = {"imbalanced-learn": ["imblearn"], "FastAPI": ["fastapi", "httpx"]}


# The libraries warn of one another's changes.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RECIPES)
def test_recipes_run(name, tmp_path, monkeypatch):
    missing = [m for m in MODULES.get(name, [name.lower()]) if find_spec(m) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    monkeypatch.chdir(tmp_path)
    run(RECIPES[name], f"recipes.md, {name}")
