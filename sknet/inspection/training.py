"""The course of training: losses, scores and learning rates over the epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .display import Display, color
from .models import fitted_part


class TrainingDisplay(Display):
    """Curves of training and validation over the epochs.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    histories : dict of str to dict
        By the name of each curve a `history_`: lists with one entry an epoch.
    best_iters : dict of str to int, default=None
        By the same names, the epochs whose weights were kept, from 1.

    Attributes
    ----------
    lines_ : dict of str to list of matplotlib Line2D
        Lines of the last plot, by name.
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import NeuralClassifier
    >>> from sknet.inspection import TrainingDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> options = {"early_stopping": True, "tol": 0, "random_state": 0}
    >>> model = NeuralClassifier(max_iter=5, **options).fit(X, y)
    >>> display = TrainingDisplay.from_estimator(model)
    >>> [line.get_label() for line in display.lines_["NeuralClassifier"]]
    ['training', 'validation']
    """

    def __init__(
        self, histories: Mapping[str, Any], *, best_iters: Mapping[str, int] | None = None
    ) -> None:
        self.histories = histories
        self.best_iters = best_iters

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, metric: str = "loss", learning_rate: bool = False
    ) -> TrainingDisplay:
        """Draw the course of training of one estimator or of several.

        Parameters
        ----------
        estimator : estimator, Pipeline, search, list or dict of them
            Fitted estimators. Of a search the best one is drawn, of a `TabularClassifier` or
            `TabularRegressor` each member. A dict gives their names.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        metric : str, default="loss"
            "loss", "score" (of validation), or any other key of `history_`.
        learning_rate : bool, default=False
            Whether to draw the learning rate, too, on an axis at the right.

        Returns
        -------
        display : TrainingDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If something is not a fitted estimator with a history.
        """
        histories, best = {}, {}
        if not _named(estimator):
            raise TypeError(f"{cls.__name__} expects one fitted estimator or more, got none.")
        for name, model in _named(estimator):
            _, part = fitted_part(model, "n_iter_", cls.__name__)
            members = getattr(part, "members_", [part])
            for i, member in enumerate(members):
                label = name if len(members) == 1 else f"{name}, member {i + 1}"
                fitted_part(member, "history_", cls.__name__)
                histories[label], best[label] = member.history_, member.best_iter_
        display = cls(histories, best_iters=best)
        return display.plot(ax, metric=metric, learning_rate=learning_rate)

    def plot(
        self, ax: Any = None, *, metric: str = "loss", learning_rate: bool = False
    ) -> TrainingDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        metric : str, default="loss"
            "loss", "score" (of validation), or any other key of `history_`.
        learning_rate : bool, default=False
            Whether to draw the learning rate, too, on an axis at the right.

        Returns
        -------
        display : TrainingDisplay
            The display itself.

        Raises
        ------
        ValueError
            If no history has the metric, or there is no history.
        """
        keys = {"loss": ("loss", "validation_loss"), "score": ("validation_score",)}
        keys = keys.get(metric, (metric,))
        known = sorted({key for history in self.histories.values() for key in history})
        if not known:
            raise ValueError(
                "TrainingDisplay finds no history: a file that was saved with "
                "training_state=False holds none."
            )
        if not any(key in known for key in keys):
            raise ValueError(
                f"TrainingDisplay finds no {keys[0]!r} in the history; there are "
                f"{', '.join(known)}."
                + (" Scores need a validation set." if metric == "score" else "")
            )
        ax = self._axes(ax)
        self.lines_: dict[str, Any] = {
            name: self._draw(ax, i, name, keys) for i, name in enumerate(self.histories)
        }
        ax.set(xlabel="epoch", ylabel=metric.replace("_", " "))
        values = np.concatenate(
            [line.get_ydata() for lines in self.lines_.values() for line in lines]
        )
        if "loss" in metric and np.nanmin(values) > 0:
            ax.set_yscale("log")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(alpha=0.3)
        if learning_rate:
            self._draw_rate(ax)
        if sum(len(lines) for lines in self.lines_.values()) > 1:
            ax.legend()
        return self

    def _draw(self, ax, position, name, keys):
        """Draw the lines of one history and mark its best epoch."""
        history, lines = self.histories[name], []
        present = [key for key in keys if key in history]
        for key in present:
            label = "validation" if key.startswith("validation") else "training"
            label = label if len(self.histories) == 1 else f"{name}, {label}"
            epochs = np.arange(1, len(history[key]) + 1)
            style = "--" if key.startswith("validation") and len(keys) > 1 else "-"
            lines += ax.plot(
                epochs, history[key], style, color=color(position), label=label, lw=1.5
            )
        best = (self.best_iters or {}).get(name)
        if best and present and "validation_score" in history:
            value = history[present[-1]][best - 1]
            ax.plot(best, value, "o", color=color(position), ms=7, mec="white", zorder=3)
        return lines

    def _draw_rate(self, ax):
        right = ax.twinx()
        for i, history in enumerate(self.histories.values()):
            rates = history.get("learning_rate", [])
            right.plot(np.arange(1, len(rates) + 1), rates, ":", color=color(i), lw=1)
        right.set(ylabel="learning rate (dotted)", ylim=(0, None))


def _named(estimator):
    """Return names and models of what the user gives."""
    if isinstance(estimator, dict):
        return list(estimator.items())
    if not isinstance(estimator, list | tuple):
        estimator = [estimator]
    names = [_name(model) for model in estimator]
    return [
        (name if names.count(name) == 1 else f"{name} {i + 1}", model)
        for i, (name, model) in enumerate(zip(names, estimator, strict=True))
    ]


def _name(model):
    model = getattr(model, "best_estimator_", model)
    return type(getattr(model, "steps", [(None, model)])[-1][1]).__name__
