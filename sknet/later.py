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
    package: str, names: dict[str, list[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    names : dict of str to list of str
        The names that each module inside the package holds. The modules are imported when they
        are asked for, too.

    Returns
    -------
    getter : callable
        Imports a name, which is an attribute of the package from then on.
    lister : callable
        Lists all names.
    """
    attributes = vars(sys.modules[package])
    modules = {name: module for module in names for name in names[module]}
    inside = {module.partition(".")[0] for module in names}

    def getter(name):
        if name in modules:
            attributes[name] = getattr(import_module(f"{package}.{modules[name]}"), name)
        elif name in inside:
            attributes[name] = import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return attributes[name]

    return getter, lambda: sorted({*attributes, *modules, *inside})
