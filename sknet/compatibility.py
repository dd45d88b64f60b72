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

#: Decorators of scikit-learn, with the types that it does not state.
fit_context: Callable[..., Callable[[F], F]] = _fit_context
available_if: Callable[[Callable[[Any], Any]], Callable[[F], F]] = _available_if

__all__ = ["CallbackSupportMixin", "VisualBlock", "available_if", "cloudpickle", "fit_context"]
