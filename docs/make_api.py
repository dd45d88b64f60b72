"""Write docs/api/index.rst from what the package exports. Run: python docs/make_api.py"""

from importlib import import_module
from pathlib import Path

SECTIONS = {
    "sknet": "Estimators",
    "sknet.tabular": "Search spaces for tables",
    "sknet.layers": "Layers",
    "sknet.losses": "Losses",
    "sknet.activations": "Activations",
    "sknet.optimizers": "Optimizers",
    "sknet.regularization": "Regularization of kernels",
    "sknet.mixing": "Mixtures of samples",
    "sknet.schedules": "Schedules",
    "sknet.initializers": "Initializers",
    "sknet.preprocessing": "Preprocessing",
    "sknet.inspection": "Inspection",
    "sknet.interop": "Files and other libraries",
    "sknet.interop.onnx": "Conversion to ONNX",
    "sknet.testing": "Testing of custom parts",
}
HEAD = """API reference
=============

What is listed here is public.
"""


def section(name, title, seen):
    """Return the summary of what a module exports, but for what was listed before."""
    module = import_module(name)
    names = [n for n in module.__all__ if callable(getattr(module, n))]
    names = [n for n in names if id(getattr(module, n)) not in seen]
    seen.update(id(getattr(module, n)) for n in names)
    kinds = {"class": [], "function": []}
    for n in names:
        kinds["class" if isinstance(getattr(module, n), type) else "function"].append(n)
    lines = ["", title, "-" * len(title), "", f".. currentmodule:: {name}"]
    for kind, members in kinds.items():
        if members:
            lines += ["", ".. autosummary::", "   :toctree: generated"]
            lines += [f"   :template: {kind}.rst", ""]
            lines += [f"   {member}" for member in members]
    return "\n".join(lines) + "\n"


def page():
    """Return the page."""
    seen = set()
    return HEAD + "".join(section(name, title, seen) for name, title in SECTIONS.items())


def main():
    """Write the page."""
    (Path(__file__).parent / "api" / "index.rst").write_text(page())


if __name__ == "__main__":
    main()
