"""Names of a package that are imported when they are first asked for.

Importing everything takes longer than the first fit of a small network, so packages import at once
what most fits need.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def imported_later(
    package: str, names: dict[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    names : dict of str to str
        For each name the module inside the package that holds it; a module's own name gives
        the module.

    Returns
    -------
    getter : callable
        Imports a name, which is an attribute of the package from then on.
    lister : callable
        Lists all names.
    """
    attributes = vars(sys.modules[package])

    def getter(name):
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(f"{package}.{names[name]}")
        attributes[name] = module if names[name] == name else getattr(module, name)
        return attributes[name]

    return getter, lambda: sorted({*attributes, *names})
