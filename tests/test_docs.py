"""The documentation runs: its code, its links and its pictures."""

import io
import re
import sys
from contextlib import redirect_stdout
from math import isclose
from pathlib import Path
from types import ModuleType

import pytest

from sknet import layers
from sknet.activations import ACTIVATIONS
from sknet.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from sknet.optimizers import OPTIMIZERS
from sknet.schedules import SCHEDULES

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    page
    for page in [
        ROOT / "README.md",
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "docs" / "guide").glob("*.md")),
    ]
    if page.exists()
]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Where the README's links begin, which are absolute: the package index shows it as well.
REPOSITORY = re.compile(
    r"https://(?:github\.com/sknet-learn/sknet-learn/blob"
    r"|raw\.githubusercontent\.com/sknet-learn/sknet-learn)/main/"
)
#: What a line of code says that it prints: ``print(1 + 1)  # 2``.
PRINTED = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MAX_BYTES_OF_IMAGE = 80_000
DECIMAL = re.compile(r"-?\d+\.\d+")
#: How far a printed number may be from the one on the page, on another processor or version:
#: absolute below 1, relative above.
TOLERANCE = 0.05
#: Packages without which the code of a page cannot run.
NEEDED = {"onnx.md": ["onnxruntime", "skl2onnx"]}


def blocks_of(text):
    """Return (first line, code) of the Python blocks of a page."""
    return [(text.count("\n", 0, m.start()) + 2, m[1]) for m in BLOCK.finditer(text)]


def run(text, name):
    """Run the blocks of a page in order, in one namespace; check what they say they print."""
    # A module in its own right, so that instances of the page's classes can be pickled.
    module = ModuleType("documentation")
    sys.modules[module.__name__] = module
    try:
        run_blocks(text, name, vars(module))
    finally:
        del sys.modules[module.__name__]


def run_blocks(text, name, namespace):
    for line, code in blocks_of(text):
        printed = io.StringIO()
        # Empty lines before the code make a traceback point into the page.
        compiled = compile("\n" * (line - 1) + code, name, "exec")
        with redirect_stdout(printed):
            exec(compiled, namespace)
        lines = [text.strip() for text in printed.getvalue().splitlines()]
        told = PRINTED.findall(code)
        missing = [said for said in told if not any(agree(said, line) for line in lines)]
        assert not missing, f"{name}:{line} does not print {missing}, but {lines}"


def agree(said, printed):
    """Tell whether two lines are the same but for the last digits of numbers."""
    if DECIMAL.sub("", said) != DECIMAL.sub("", printed):
        return False
    pairs = zip(DECIMAL.findall(said), DECIMAL.findall(printed), strict=True)
    return all(isclose(float(a), float(b), rel_tol=TOLERANCE, abs_tol=TOLERANCE) for a, b in pairs)


def anchors_of(text):
    """Return the names by which the headings of a page can be linked to."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"(?ms)^```.*?^```$", "", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page, text=None):
    """List the links of a page to files or headings that do not exist."""
    text = page.read_text() if text is None else text
    broken = []
    for link in LINK.findall(re.sub(r"(?ms)^```.*?^```$", "", text)):
        link = REPOSITORY.sub("", link) if page.parent == ROOT else link
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path
        found = target.exists()
        if found and anchor:
            found = anchor in anchors_of(target.read_text() if path else text)
        if not found:
            broken.append(link)
    return broken


@pytest.mark.parametrize(
    "page",
    # See test_recipes.py and test_machines.py.
    [page for page in PAGES if page.name not in ("recipes.md", "many_machines.md")],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_code_runs_and_prints_what_it_says(page, tmp_path, monkeypatch):
    for package in NEEDED.get(page.name, ()):
        pytest.importorskip(package)
    if "examples/data" in page.read_text() and not (ROOT / "examples" / "data").exists():
        pytest.skip("the source distribution leaves out the data")
    # What a page writes goes to a folder of its own; what it reads, it finds from the root.
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    run(page.read_text(), page.name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert broken_links(page) == []


@pytest.mark.parametrize(
    "page, names",
    [
        ("layers", [name for name in layers.__all__ if name != "Layer"]),
        ("layers", ACTIVATIONS),
        ("losses", [f'"{name}"' for name in {**CLASSIFICATION_LOSSES, **REGRESSION_LOSSES}]),
        ("training", [f'"{name}"' for name in {**OPTIMIZERS, **SCHEDULES}]),
    ],
)
def test_the_tables_of_the_guide_have_all_parts(page, names):
    text = (ROOT / "docs" / "guide" / f"{page}.md").read_text()
    # Of MaxPool1D, 2D and 3D the first one stands for all.
    wanted = {re.sub(r"[23]D(?=Transpose|$)", "1D", name) for name in names}
    found = {re.sub(r"[23]D(?=Transpose)?", "1D", word) for word in re.findall(r'"?\w+"?', text)}
    assert wanted - found == set()


def test_pictures_are_small_and_shown_somewhere():
    text = "".join(page.read_text() for page in PAGES)
    for picture in (ROOT / "docs" / "images").glob("*.png"):
        assert picture.stat().st_size < MAX_BYTES_OF_IMAGE, picture.name
        assert picture.name in text, f"{picture.name} is on no page"


def test_blocks_of_a_page_share_one_namespace_and_a_wrong_output_is_found():
    page = "```python\na = 1\n```\n\n```python\nprint(a + 1)  # {}\n```\n"
    run(page.format(2), "page")
    with pytest.raises(AssertionError, match="page:6 does not print"):
        run(page.format(3), "page")


def test_printed_numbers_may_differ_a_little():
    page = "```python\nprint(f'{0.81:.2f} of {3}')  # {}\n```\n"
    run(page.replace("{}", "0.84 of 3"), "page")
    for wrong in ("0.90 of 3", "0.81 of 4", "0.81", "0 of 3"):
        with pytest.raises(AssertionError, match="does not print"):
            run(page.replace("{}", wrong), "page")


def test_an_error_in_a_block_points_to_its_line():
    with pytest.raises(ZeroDivisionError) as error:
        run("text\n\n```python\nb = 1\nb / 0\n```\n", "page")
    assert error.traceback[-1].lineno + 1 == 5


def test_broken_links_are_found():
    page = ROOT / "docs" / "page.md"
    text = "# A title, here\n[a](nothing.md) [b](#a-title-here) [c](#none) [d](../pyproject.toml)"
    assert broken_links(page, text) == ["nothing.md", "#none"]


def test_the_api_reference_lists_all_that_is_exported(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    from make_api import page

    assert (ROOT / "docs" / "api" / "index.rst").read_text() == page()


def test_the_shared_parts_of_docstrings_are_in_step(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    from make_docstrings import stale

    assert stale() == [], "run: python docs/make_docstrings.py"


def test_shared_parts_that_differ_are_found_and_written(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    from make_docstrings import PACKAGE, filled

    name = "estimators/classifier"
    source = (PACKAGE / f"{name}.py").read_text()
    changed = source.replace("Norm to which a longer gradient is shortened.", "Some norm.")
    assert changed != source and filled(changed, name) == source
    start = source.index("    X_val : {array-like")
    stop = source.index("\n\n", start)
    assert filled(source[:start] + "    {validation}" + source[stop:], name) == source


#: Phrases that have to be decoded, each with what to write in its place.
PLAIN = {
    "as it were": "nothing",
    "one's own": "custom",
    "rows unlike": "anomalies",
    "noise taken away": "denoising",
    "parts of your own": "custom parts",
    "go on training": "resume training",
    "goes on training": "resumes training",
    "going on with a training": "resuming training",
    "not yet born": "fetal",
    "behind a `print`": "after a `print`",
}


@pytest.mark.parametrize("folder", ["docs", "examples", "sknet"])
def test_the_words_are_plain(folder):
    pages = [ROOT / "README.md", *(ROOT / folder).rglob("*.md"), *(ROOT / folder).rglob("*.py")]
    built = {"_build", "_examples", "gallery"}
    found = [
        f"{page.relative_to(ROOT)}: {phrase!r}, write {instead}"
        for page in pages
        if not built & set(page.parts)
        for text in [" ".join(page.read_text().split()).lower()]
        for phrase, instead in PLAIN.items()
        if phrase in text
    ]
    assert found == []
