"""Estimators for tables: ensembles of networks that take data frames as they are."""

from .classifier import TabularClassifier
from .regressor import TabularRegressor
from .search import search_space

__all__ = ["TabularClassifier", "TabularRegressor", "search_space"]
