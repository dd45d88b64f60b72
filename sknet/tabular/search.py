"""Where to search for the parameters of the estimators for tables."""

from __future__ import annotations

from typing import Any, Literal

from scipy.stats import loguniform, uniform


def search_space(task: Literal["classification", "regression"]) -> dict[str, Any]:
    """Return distributions of the parameters that are worth tuning.

    They are those of the published search for RealMLP [1]_, for networks of the widths that the
    defaults have: for `sklearn.model_selection.RandomizedSearchCV` and its relatives. The recipe
    for Optuna in the documentation shows how its trials draw from them.

    Parameters
    ----------
    task : {"classification", "regression"}
        What the estimator is for.

    Returns
    -------
    distributions : dict
        Lists and scipy distributions by the name of the parameter.

    Raises
    ------
    ValueError
        If `task` is neither.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn and Steinwart (2024), Better by default: strong pre-tuned MLPs
       and boosted trees on tabular data, :arxiv:`2407.04491`.

    Examples
    --------
    >>> from sklearn.model_selection import RandomizedSearchCV
    >>> from sknet import TabularRegressor
    >>> from sknet.tabular import search_space
    >>> search = RandomizedSearchCV(TabularRegressor(), search_space("regression"), n_iter=20)
    """
    if task not in ("classification", "regression"):
        raise ValueError(f"task must be 'classification' or 'regression', got {task!r}.")
    space = {
        "hidden_layer_sizes": [(128,) * 2, (128,) * 3, (128,) * 4, (256,) * 2, (256,) * 3],
        "activation": ["selu", "mish", "relu"],
        "dropout": uniform(0.0, 0.5),
        "frequency_scale": loguniform(3e-2, 1e1),
        "weight_decay": loguniform(1e-3, 5e-2),
        "learning_rate_init": loguniform(2e-2, 3e-1),
        "max_iter": [32, 64, 128],
    }
    if task == "classification":
        return {**space, "label_smoothing": loguniform(5e-3, 1e-1)}
    return space
