"""Where the documentation of a class lies, for the links in scikit-learn's HTML diagram."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: The site, where it has been built in the checkout that is imported.
_BUILT = Path(__file__).resolve().parents[1] / "docs" / "_build"


def page_template() -> str:
    """Return the address of the pages of classes, with the place of a name.

    The environment variable ``SKNET_DOCS`` names the address of a site; without it, links lead
    to the site built in the checkout.

    Returns
    -------
    template : str
        An address with ``{name}`` in it; empty if no site is known.
    """
    site = os.environ.get("SKNET_DOCS")
    if not site and (_BUILT / "index.html").exists():
        site = _BUILT.as_uri()
    return f"{site.rstrip('/')}/api/generated/{{name}}.html" if site else ""


def public_name(cls: type) -> str:
    """Return the name of the page of a class.

    Parameters
    ----------
    cls : type
        A class of sknet, or a subclass of one.

    Returns
    -------
    name : str
        Such as ``"sknet.layers.Dense"``: that of the first of its bases that is exported.
    """
    for base in cls.__mro__:
        for module in ("sknet", ".".join(base.__module__.split(".")[:2])):
            if getattr(sys.modules.get(module), base.__name__, None) is base:
                return f"{module}.{base.__name__}"
    return cls.__qualname__


class Documented:
    """Tells scikit-learn's HTML diagram where the page of an object is."""

    _doc_link_module = "sknet"

    @property
    def _doc_link_template(self):
        return page_template()

    def _doc_link_url_param_generator(self):
        return {"name": public_name(type(self))}
