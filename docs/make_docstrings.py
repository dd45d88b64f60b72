"""Write the descriptions that several docstrings share into the source.

Each is kept once, in ``shared_texts``, and yet the docstrings in the source are complete, for
editors and other readers that do not run it. Change a description there, then run ``python
docs/make_docstrings.py``; a test checks that the two are in step.
"""

import ast
import textwrap
from pathlib import Path

from shared_texts import estimators, tabular

PACKAGE = Path(__file__).resolve().parents[1] / "sknet"
TEXTS = {"estimators": estimators.TEXTS, "tabular": tabular.TEXTS}
#: The descriptions of each docstring, by file and name. Where one is new, write ``{description}``
#: on a line of its own in the docstring.
PLACES = {
    "estimators/autoencoder": {
        "AutoencoderTransformer": "architecture coders training codes solver end attributes",
        "AutoencoderTransformer.fit": "fit",
        "AutoencoderTransformer.partial_fit": "fit",
        "AutoencoderTransformer.fit_blocks": "blocks_of_X",
    },
    "estimators/classifier": {
        "NeuralClassifier": "architecture layers training solver end attributes",
        "NeuralClassifier.fit": "fit validation",
        "NeuralClassifier.partial_fit": "fit",
        "NeuralClassifier.fit_blocks": "blocks validation",
    },
    "estimators/language_model": {"NeuralLanguageModel": "solver_of_windows"},
    "estimators/outlier_detector": {
        "NeuralOutlierDetector": "architecture coders training codes solver end attributes",
    },
    "estimators/regressor": {
        "NeuralRegressor": "architecture layers training solver end attributes",
        "NeuralRegressor.fit": "fit validation",
        "NeuralRegressor.partial_fit": "fit",
        "NeuralRegressor.fit_blocks": "blocks validation",
    },
    "estimators/transcriber": {
        "NeuralTranscriber": "solver attributes",
        "NeuralTranscriber.fit_blocks": "blocks",
    },
    "estimators/translator": {
        "NeuralTranslator": "solver_of_pairs",
        "NeuralTranslator.fit_blocks": "blocks",
    },
    "tabular/classifier": {
        "TabularClassifier": "columns network dropout steps training end attributes",
        "TabularClassifier.fit": "X fit",
        "TabularClassifier.predict_proba": "X",
        "TabularClassifier.predict_log_proba": "X",
        "TabularClassifier.predict": "X",
        "TabularClassifier.predict_set": "X",
        "TabularClassifier.score": "X",
    },
    "tabular/regressor": {
        "TabularRegressor": "columns network dropout steps training end attributes",
        "TabularRegressor.fit": "X fit",
        "TabularRegressor.predict": "X",
        "TabularRegressor.predict_interval": "X",
        "TabularRegressor.score": "X",
    },
}


def docstring_of(source, name):
    """Return the numbers of the first line of a docstring and of the line after it."""
    node = ast.parse(source)
    for part in name.split("."):
        kinds = ast.ClassDef | ast.FunctionDef
        node = next(n for n in node.body if isinstance(n, kinds) and n.name == part)
    return node.body[0].lineno - 1, node.body[0].end_lineno


def entries(lines, indent):
    """Return the name of each entry of a docstring by the number of its line."""
    heads = (line.removeprefix(indent) for line in lines)
    return {
        number: head.partition(" : ")[0]
        for number, (line, head) in enumerate(zip(lines, heads, strict=True))
        if line.startswith(indent) and head and not head[0].isspace()
    }


def place_of(description, text, lines, indent):
    """Return where in a docstring a description begins and ends."""
    mark = f"{indent}{{{description}}}"
    if mark in lines:
        return lines.index(mark), lines.index(mark) + 1
    own = entries(text, indent).values()
    found = [number for number, name in entries(lines, indent).items() if name in own]
    if not found:
        raise ValueError(f"Write {{{description}}} where the description belongs.")
    stop = found[-1] + 1
    while lines[stop].startswith(f"{indent}    "):
        stop += 1
    return found[0], stop


def shared(source, path):
    """Yield the first line, the line after the last, and the text of each shared description."""
    lines = source.split("\n")
    for name, descriptions in PLACES.get(path, {}).items():
        start, stop = docstring_of(source, name)
        indent = " " * (4 * (name.count(".") + 1))
        for description in descriptions.split():
            text = textwrap.dedent(TEXTS[path.partition("/")[0]][description]).strip()
            text = textwrap.indent(text, indent).split("\n")
            first, last = place_of(description, text, lines[start:stop], indent)
            yield start + first, start + last, text


def filled(source, path):
    """Return the source with the shared descriptions as they are now."""
    lines = source.split("\n")
    for start, stop, text in sorted(shared(source, path), reverse=True):
        lines[start:stop] = text
    return "\n".join(lines)


def n_shared_lines(path):
    """Return how many lines of a file of the package are written here."""
    name = path.relative_to(PACKAGE).with_suffix("").as_posix()
    return sum(stop - start for start, stop, _ in shared(path.read_text(), name))


def stale():
    """List the files whose shared descriptions are not those of ``shared_texts``."""
    files = {name: (PACKAGE / f"{name}.py").read_text() for name in PLACES}
    return [name for name, source in files.items() if filled(source, name) != source]


if __name__ == "__main__":
    for name in stale():
        path = PACKAGE / f"{name}.py"
        path.write_text(filled(path.read_text(), name))
        print(f"wrote sknet/{name}.py")
