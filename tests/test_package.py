"""The metadata of the package agree with one another and with what the documentation says."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sknet

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/guide").glob("*.md")]
SOURCES = [
    path for folder in ("sknet", "examples", "docs") for path in (ROOT / folder).rglob("*.py")
]
NAME = "sknet-learn"
INSTALL = re.compile(r"pip install (?:--?[\w-]+ )*([^`\n]*)")


def test_the_distribution_has_a_name_of_its_own():
    assert PROJECT["name"] == NAME


@pytest.mark.parametrize("path", PAGES + SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_says_to_install_another_projects_distribution(path):
    # `sknet` on the package index is not this project.
    commands = INSTALL.findall(path.read_text())
    assert [c for c in commands if re.search(r"\bsknet(?!-learn)\b", c)] == []


def test_the_extras_that_the_documentation_names_exist():
    extras = PROJECT["optional-dependencies"]
    text = "".join(path.read_text() for path in PAGES + SOURCES)
    named = re.findall(r"(?:sknet-learn|\"\.)\[([\w,-]+)\]", text)
    named += [
        e[e.index("[") + 1 : -1] for all_ in extras.values() for e in all_ if e.startswith(NAME)
    ]
    assert named and {name for names in named for name in names.split(",")} <= set(extras)
    table = re.findall(
        r"^\| (`[^|]*`) \|", (ROOT / "docs" / "install.md").read_text(), re.MULTILINE
    )
    listed = re.findall(r"`(\w+)`", "".join(table))
    assert set(listed) == set(extras) - {"bench"}


@pytest.mark.parametrize(
    "path, line",
    [
        ("CITATION.cff", "version: {}"),
        ("conda/meta.yaml", '{{% set version = "{}" %}}'),
    ],
)
def test_versions_agree(path, line):
    assert line.format(sknet.__version__) in (ROOT / path).read_text().splitlines()


def test_the_conda_recipe_needs_what_the_package_needs():
    recipe = (ROOT / "conda" / "meta.yaml").read_text()
    run = recipe.partition("  run:\n")[2].partition("\n\n")[0]
    needed = {line.strip("- ").replace(" ", "") for line in run.splitlines()}
    assert needed == {*PROJECT["dependencies"], "python" + PROJECT["requires-python"]}


def test_links_of_the_readme_are_absolute():
    links = re.findall(r"\]\(([^)\s]+)\)", (ROOT / "README.md").read_text())
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    assert any(link.startswith(PROJECT["urls"]["Homepage"] + "/blob/main/") for link in links)


def test_annotations_are_shipped():
    assert (Path(sknet.__file__).parent / "py.typed").exists()


def test_what_a_fit_does_not_need_is_imported_when_it_is_asked_for():
    code = "import sys, sknet; early = [m for m in sys.modules if m.startswith(('sknet.interop', "
    code += "'sknet.tabular'))]; assert not early, early; sknet.load, sknet.TabularClassifier; "
    code += "from sknet import *; assert save is sknet.interop.save"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert set(sknet.__all__) <= set(dir(sknet))
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        sknet.lode  # noqa: B018
