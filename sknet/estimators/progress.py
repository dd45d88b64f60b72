"""What `verbose` shows while a network is trained."""

from __future__ import annotations

import sys
from html import escape
from time import perf_counter
from typing import Any

from .curve import curve_svg

#: Columns of a line at most, for terminals of 80: a bar keeps the last one for the cursor.
_WIDTH = 79
#: Characters of a full bar.
_BAR = 10
#: Seconds between two drawings of a bar.
_INTERVAL = 0.1


def make_progress(
    verbose: bool | int, n_epochs: int, shows_score: bool
) -> Lines | Bar | Curve | None:
    """Return what shows the progress of a training.

    Parameters
    ----------
    verbose : bool or int
        0 for nothing, 1 for a line an epoch, 2 or more for a bar, which is a curve in notebooks.
    n_epochs : int
        Number of epochs at the end, those before a resumed training included.
    shows_score : bool
        Whether the validation score is another number than the validation loss.

    Returns
    -------
    progress : Lines, Bar, Curve or None
        Has the methods ``show(history)`` and ``close()``.
    """
    if not verbose:
        return None
    if verbose < 2:
        return Lines(n_epochs, shows_score)
    return (Curve if _in_notebook() else Bar)(n_epochs, shows_score)


def _in_notebook():
    """Tell whether output goes to a Jupyter notebook, without importing anything for that."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


class Lines:
    """Prints a line an epoch.

    Parameters
    ----------
    n_epochs : int
        Number of epochs at the end.
    shows_score : bool
        Whether to print the validation score as well.
    """

    def __init__(self, n_epochs: int, shows_score: bool) -> None:
        self.n_epochs = n_epochs
        self.shows_score = shows_score

    def show(self, history: Any) -> None:
        """Show the last epoch.

        Parameters
        ----------
        history : dict of list
            What `history_` holds.
        """
        number, seconds = len(history["loss"]), history["seconds"][-1]
        print(f"Epoch {number}: {self._numbers(history)}, {seconds:.2f} s", flush=True)

    def close(self) -> None:
        """Show that the training is over."""

    def _numbers(self, history):
        parts = [f"loss {history['loss'][-1]:#.4g}"]
        if "validation_loss" in history:
            parts.append(f"validation {history['validation_loss'][-1]:#.4g}")
            if self.shows_score:
                parts.append(f"score {history['validation_score'][-1]:#.4g}")
        return ", ".join(parts)


class Bar(Lines):
    """Draws a bar that grows in one line of a terminal; elsewhere a line each tenth of the way.

    Parameters
    ----------
    n_epochs : int
        Number of epochs at the end.
    shows_score : bool
        Whether to show the validation score as well.
    """

    def __init__(self, n_epochs: int, shows_score: bool) -> None:
        super().__init__(n_epochs, shows_score)
        self._start = self._drawn = perf_counter()
        self._history = None
        self._n_before = self._tenths = None

    def show(self, history: Any) -> None:
        """Show the last epoch, unless the bar has been drawn a moment ago.

        Parameters
        ----------
        history : dict of list
            What `history_` holds.
        """
        self._history = history
        number = len(history["loss"])
        if self._n_before is None:
            self._n_before = number - 1
        if not self._is_due(number):
            return
        self._drawn = perf_counter()
        self._draw()

    def close(self) -> None:
        """Draw the bar as it stands at the end."""
        if self._history is not None:
            self._draw(is_over=True)

    def _is_due(self, number):
        if _is_terminal():
            return perf_counter() - self._drawn >= _INTERVAL
        tenths, self._tenths = self._tenths, 10 * number // self.n_epochs
        return tenths != self._tenths and number < self.n_epochs

    def _draw(self, is_over=False):
        line = self._line(is_over)
        if _is_terminal():
            print(f"\r{line:<{_WIDTH}}", end="\n" if is_over else "", flush=True)
        else:
            print(line, flush=True)

    def _line(self, is_over):
        number = len(self._history["loss"])
        seconds = perf_counter() - self._start
        if is_over:
            time = _clock(seconds)
        else:
            done = number - self._n_before
            time = f"{_clock(seconds / done * (self.n_epochs - number))} left"
        filled = _BAR * number // self.n_epochs
        bar = f"[{'=' * filled}{' ' * (_BAR - filled)}]"
        line = f"{bar} {number}/{self.n_epochs}, {time}, {self._numbers(self._history)}"
        return line[:_WIDTH]


class Curve(Bar):
    """Draws the curve of the losses in a notebook, which keeps the last one when it is saved.

    Parameters
    ----------
    n_epochs : int
        Number of epochs at the end.
    shows_score : bool
        Whether to show the validation score as well.
    """

    _handle = None

    def _is_due(self, number):
        return perf_counter() - self._drawn >= _INTERVAL

    def _draw(self, is_over=False):
        from IPython.display import display

        if self._handle is None:
            self._handle = display(_Shown(*self._shown(is_over)), display_id=True)
        else:
            self._handle.update(_Shown(*self._shown(is_over)))

    def _shown(self, is_over):
        line = self._line(is_over)
        svg = curve_svg(self._history, 480, 160)
        return line, f"<div>{svg}<pre style='font-family: monospace'>{escape(line)}</pre></div>"


class _Shown:
    """What a notebook shows: HTML, and the text where there is none."""

    def __init__(self, text: Any, html: Any) -> None:
        self._text, self._html = text, html

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self):
        return self._html


def _is_terminal():
    return getattr(sys.stdout, "isatty", bool)()  # there may be no output at all


def _clock(seconds):
    """Return a duration as minutes and seconds, with hours where there are some."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
