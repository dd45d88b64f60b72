"""What differs between the versions of scikit-learn and joblib that sknet supports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from sklearn.base import _fit_context
from sklearn.utils.metaestimators import available_if as _available_if

from .typing import F

try:
    from joblib.externals import cloudpickle
except ImportError:  # joblib >= 1.6 depends on it
    import cloudpickle

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9 has no callbacks: everything else works

    class _NoContext:
        """Callback context of an estimator without callbacks."""

        def subcontext(self, **kwargs: Any) -> Self:
            return self

        def call_on_fit_task_begin(self, **kwargs: Any) -> Self:
            return self

        def call_on_fit_task_end(self, **kwargs: Any) -> bool:
            return False

    class CallbackSupportMixin:
        """Stands in for scikit-learn's mixin; has no ``set_callbacks``."""

        def _init_callback_context(self, **kwargs):
            return _NoContext()


try:
    from sklearn.utils._repr_html.estimator import _VisualBlock as VisualBlock
except ImportError:  # scikit-learn < 1.7
    from sklearn.utils._estimator_html_repr import _VisualBlock as VisualBlock


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[F], F]:
    """Decorate `fit` as scikit-learn does, which does not state the types.

    Parameters
    ----------
    prefer_skip_nested_validation : bool
        Whether the parameters of components are left to these.

    Returns
    -------
    decorator : callable
        scikit-learn's.
    """
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def available_if(check: Callable[[Any], Any]) -> Callable[[F], F]:
    """Decorate a method that not all objects have, as scikit-learn does.

    Parameters
    ----------
    check : callable
        Returns True for an object that has it.

    Returns
    -------
    decorator : callable
        scikit-learn's.
    """
    return _available_if(check)


__all__ = ["CallbackSupportMixin", "VisualBlock", "available_if", "cloudpickle", "fit_context"]
