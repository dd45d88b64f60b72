"""What `verbose` shows."""

import io
import re
import sys
from types import ModuleType, SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from sknet import NeuralClassifier, NeuralLanguageModel
from sknet.estimators.curve import curve_svg
from sknet.estimators.progress import make_progress

X = np.random.default_rng(0).normal(size=(40, 3))
y = X[:, 0] > 0
WORST = {
    "loss": [1.234567e-105] * 9_999 + [1.234567e-05],
    "validation_loss": [1.234567e-05] * 10_000,
    "validation_score": [-1.234567e-05] * 10_000,
    "seconds": [1234.5] * 10_000,
}


def small(**parameters):
    settings = {"hidden_layer_sizes": (4,), "max_iter": 20, "tol": 0, "random_state": 0}
    return NeuralClassifier(**settings | parameters)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_line_fits_a_terminal_of_80_columns(verbose, capsys):
    progress = make_progress(verbose, 10_000, True)
    progress.show(WORST)
    progress.close()
    lines = capsys.readouterr().out.splitlines()
    assert lines and max(map(len, lines)) < 80


def test_a_line_an_epoch_has_the_numbers_of_the_history(capsys):
    network = small(verbose=True, max_iter=3, early_stopping=True, scoring="accuracy").fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    history = network.history_
    for i, line in enumerate(lines):
        numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", line)]
        told = [history[name][i] for name in ("loss", "validation_loss", "validation_score")]
        np.testing.assert_allclose(numbers[:4], [i + 1, *told], rtol=1e-3)
    assert len(lines) == 3


def test_a_score_that_is_the_loss_is_not_shown_twice(capsys):
    small(verbose=True, max_iter=1, early_stopping=True).fit(X, y)
    line = capsys.readouterr().out
    assert "validation" in line and "score" not in line


def test_a_bar_stays_in_one_line_of_a_terminal(monkeypatch):
    monkeypatch.setattr("sknet.estimators.progress._INTERVAL", 0)
    monkeypatch.setattr(sys, "stdout", Terminal())
    small(verbose=2).fit(X, y)
    drawn = sys.stdout.getvalue()
    assert drawn.count("\n") == 1 and drawn.endswith("\n")
    first, *_, last = drawn.strip().split("\r")
    assert first.startswith("[          ] 1/20, ") and "left" in first
    assert last.startswith("[==========] 20/20, ") and "left" not in last


def test_a_bar_in_a_file_is_a_line_each_tenth(capsys):
    small(verbose=2, max_iter=40).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line[13:].split(",")[0] for line in lines[-3:]] == ["32/40", "36/40", "40/40"]
    assert len(lines) == 11


def test_resumed_training_counts_all_epochs(capsys):
    network = small(verbose=2, warm_start=True, max_iter=2).fit(X, y)
    capsys.readouterr()
    network.fit(X, y)
    assert capsys.readouterr().out.splitlines()[-1].startswith("[==========] 4/4, ")


def test_a_bar_is_closed_when_training_stops_early(capsys):
    small(verbose=2, max_iter=500, max_time=1e-6).fit(X, y)
    assert re.fullmatch(r"\[ +\] 1/500, 0:00, loss .*", capsys.readouterr().out.splitlines()[-1])


def test_language_models_show_a_bar_too(capsys):
    NeuralLanguageModel(max_iter=1, tol=0, context_length=4, verbose=2).fit(["abc", "abd"])
    assert "1/1, " in capsys.readouterr().out


def test_no_output_at_all_is_no_fault(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)  # as under pythonw
    for verbose in (1, 2):
        small(verbose=verbose, max_iter=1).fit(X, y)


@pytest.fixture
def notebook(monkeypatch):
    """Stand in for Jupyter: note what is displayed, and what it is replaced by."""
    shown = []

    def display(content, display_id):
        shown.append(content)
        return SimpleNamespace(update=shown.append)

    ipython, module = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    module.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr("sknet.estimators.progress._INTERVAL", 0)
    return shown


def test_a_notebook_shows_a_curve_and_keeps_the_last_one(notebook, capsys):
    small(verbose=2, early_stopping=True).fit(X, y)
    assert capsys.readouterr().out == ""
    html, text = notebook[-1]._repr_html_(), repr(notebook[-1])
    assert "20/20" in html and "20/20" in text and "<svg" not in text
    assert len(ElementTree.fromstring(html).findall(".//polyline")) == 2


def test_the_curve_has_a_point_an_epoch_and_falls_with_the_loss():
    history = {"loss": [100.0, 10.0, 1.0]}
    (line,) = ElementTree.fromstring(curve_svg(history, 104, 106)).iter("polyline")
    points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
    assert points == [(2, 3), (52, 53), (102, 103)]  # by powers of ten


def test_the_curve_leaves_out_what_is_not_finite_and_thins_what_is_long():
    assert curve_svg({}) == curve_svg({"loss": [1.0]}) == ""
    history = {"loss": [3.0, -2.0, np.inf], "validation_loss": [np.nan] * 3}
    (line,) = ElementTree.fromstring(curve_svg(history)).iter("polyline")
    assert len(line.get("points").split()) == 2
    (line,) = ElementTree.fromstring(curve_svg({"loss": [*range(10_000)]})).iter("polyline")
    assert len(line.get("points").split()) <= 202
    ElementTree.fromstring(curve_svg({"loss": [1.0, 1.0]}))  # a flat curve
