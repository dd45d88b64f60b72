"""Estimators in files, and back."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from ..typing import EstimatorLike
from .allowed import Allowed
from .archive import Archive, UnreadableFileError, parse_json, write_archive
from .decoding import Decoding
from .encoding import Encoding

_MODEL = "model.json"


def save(
    estimator: EstimatorLike,
    path: str | PathLike[str],
    *,
    training_state: bool = True,
    trusted: Sequence[type] = (),
) -> None:
    """Save an estimator in a file that holds no code.

    The file is a zip of JSON and npy arrays: parameters, fitted state and weights. Classes are
    mentioned by name alone. It is written under another name first and then takes the place of
    the old file at once, so that a crash at any moment leaves the old file or the new one.

    Parameters
    ----------
    estimator : estimator
        An estimator or transformer of sknet, fitted or not, or a `sklearn.pipeline.Pipeline`,
        `~sklearn.compose.ColumnTransformer` or the like of those of sknet and of scikit-learn.
        The latter need skops.
    path : str or path-like
        The file.
    training_state : bool, default=True
        Whether to keep what only further training needs. False leaves out the optimizer's
        moments, the history and callbacks: the file holds little more than the weights, and what
        is loaded predicts the same and cannot be trained further.
    trusted : list of type, default=()
        Classes of your own that the file may name, besides those that are registered by
        `sknet.interop.register`.

    Raises
    ------
    TypeError
        If the estimator holds something that a file without code cannot.
    ValueError
        If a class is not known, or an object contains itself.

    See Also
    --------
    load : Load an estimator from a file.

    Examples
    --------
    >>> import tempfile, os, sknet
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> network = sknet.NeuralClassifier((8,), max_iter=5, tol=0, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "iris.sknet")
    ...     sknet.save(network, path)
    ...     loaded = sknet.load(path)
    >>> bool((loaded.predict_proba(X) == network.predict_proba(X)).all())
    True
    """
    if not hasattr(estimator, "get_params") or isinstance(estimator, type):
        raise TypeError(f"sknet.save expects an estimator, got {type(estimator).__name__}.")
    path = _checked_path(path, "save")
    encoding = Encoding(Allowed(trusted), training_state)
    root = encoding.value(estimator, type(estimator).__name__)
    write_archive(path, _members(encoding, root))


def _members(encoding, root):
    entries = ",\n".join(json.dumps(entry) for entry in encoding.entries)
    yield _MODEL, f'{{"root": {json.dumps(root)}, "entries": [\n{entries}\n]}}'.encode("ascii")
    yield from encoding.members()


def load(path: str | PathLike[str], *, trusted: Sequence[type] = ()) -> Any:
    """Load an estimator from a file of `save`, without running anything that the file brings.

    All that the file claims is checked: checksums, names of classes, parameters, and shapes and
    dtypes of arrays. Loading takes no more memory than the size of the file justifies.

    Parameters
    ----------
    path : str or path-like
        The file.
    trusted : list of type, default=()
        Classes of your own that the file may name, besides those that are registered by
        `sknet.interop.register`.

    Returns
    -------
    estimator : estimator
        Predicts the same bits as the one that was saved, and resumes training with the same bits.

    Raises
    ------
    UnreadableFileError
        If the file is damaged, of another kind or version, or names an unknown class.
    OSError
        If the file cannot be opened.

    See Also
    --------
    save : Save an estimator in a file.

    Examples
    --------
    See `save`.
    """
    path, allowed = _checked_path(path, "load"), Allowed(trusted)
    with open(path, "rb") as file:
        try:
            return _read(Archive(file), allowed)
        except Exception as error:
            raise UnreadableFileError(_refusal(path, error)) from error


def _read(archive, allowed):
    document = parse_json(archive.read(_MODEL))
    if not isinstance(document, dict) or document.keys() != {"root", "entries"}:
        raise UnreadableFileError("its model.json is of another form")
    estimator = Decoding(allowed, archive).decode(document["entries"], document["root"])
    if not hasattr(estimator, "get_params") or isinstance(estimator, type):
        raise UnreadableFileError("what it holds is no estimator")
    return estimator


def _refusal(path, error):
    # One sentence, and short: the words may be those of the file.
    known = isinstance(error, ValueError | TypeError | AttributeError | ImportError | BadZipFile)
    reason = str(error) if known and str(error) else f"reading it ends in {type(error).__name__}"
    reason = " ".join(reason.split())[:600].rstrip(".")
    return f"sknet.load refuses {path.name!r}: {reason}."


def _checked_path(path, caller):
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"sknet.{caller} expects the path of a file, got {type(path).__name__}.")
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"sknet.{caller} expects the path of a file, and {path} is a folder.")
    if caller == "save" and not path.parent.is_dir():
        raise ValueError(f"sknet.save finds no folder {path.parent} to write {path.name} to.")
    return path
