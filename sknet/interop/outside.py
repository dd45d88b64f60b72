"""Estimators of scikit-learn inside those of sknet, which skops writes and reads."""

from __future__ import annotations

import io
from typing import Any
from zipfile import ZipFile

from .archive import checked_infos
from .arrays import from_npy

#: What scikit-learn's transformers hold, besides what skops trusts by itself: it is harmless.
TRUSTED = ("numpy.dtype",)


def from_scikit_learn(value: Any) -> bool:
    """Tell whether an object is an estimator of scikit-learn's own."""
    return type(value).__module__.startswith("sklearn.") and hasattr(value, "get_params")


def _skops(name):
    try:
        import skops.io
    except ImportError:
        raise ImportError(
            f"{name} of scikit-learn is saved and loaded by skops, which is not installed. "
            "Install it by: pip install skops"
        ) from None
    return skops.io


def to_skops(value: Any, path: Any) -> bytes:
    """Return what skops writes of an estimator that it trusts."""
    skops = _skops(type(value).__name__)
    content = skops.dumps(value)
    unknown = sorted(set(skops.get_untrusted_types(data=content)) - set(TRUSTED))
    if unknown:
        raise TypeError(
            f"sknet.save cannot write {path}: it is a {type(value).__name__} that holds "
            f"{', '.join(unknown[:3])}, which skops does not trust by itself. Save the estimator "
            "in it, such as best_estimator_, or use skops."
        )
    return content


def from_skops(content: Any) -> Any:
    """Return the estimator that skops reads, if it holds nothing but what skops trusts."""
    skops = _skops("A transformer")
    with ZipFile(io.BytesIO(content)) as archive:
        for name, info in checked_infos(archive, len(content)).items():
            if name.endswith(".npy"):
                from_npy(archive.read(info))  # skops allocates what an array claims
    return skops.loads(content, trusted=list(TRUSTED))
