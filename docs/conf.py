"""Settings of the site. Build it with: python -m sphinx -W --keep-going docs docs/_build"""

import inspect
import os
import sys
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from site_gallery import copy_examples  # noqa: E402

import sknet  # noqa: E402

project = "sknet"
author = "The sknet developers"
copyright = "the sknet developers"
version = release = sknet.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = [
    "_build",
    "_examples",
    "_templates",
    "gallery_header.rst",
    "sg_execution_times.rst",
]
templates_path = ["_templates"]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4

autosummary_generate = True
autodoc_default_options = {"members": False, "inherited-members": False}
autodoc_typehints = "none"  # the docstrings state the types
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
extlinks = {
    "arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s"),
    "doi": ("https://doi.org/%s", "doi:%s"),
}

sphinx_gallery_conf = {
    "examples_dirs": [copy_examples()],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$",
    "image_scrapers": ("site_gallery.pictures_of_example",),
    "reset_argv": "site_gallery.arguments",
    "reset_modules": ("matplotlib", "site_gallery.name_file"),
    "doc_module": ("sknet",),
    "backreferences_dir": "gallery/backreferences",
    "inspect_global_variables": False,
    "show_memory": False,
    "plot_gallery": os.environ.get("SKNET_GALLERY", "True"),
    "default_thumb_file": str(HERE / "images" / "attention.png"),
}

html_theme = "pydata_sphinx_theme"
html_title = f"sknet {version}"
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "benchmarks": [], "changelog": []}
html_show_sourcelink = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def signature_of_class(app, what, name, obj, options, signature, return_annotation):
    """Give the signature that Python itself gives; autodoc stops at ``__new__``."""
    if what == "class":
        return str(inspect.signature(obj)), ""


def literal_formulas(app, what, name, obj, options, lines):
    """Make the indented lines after a colon a literal block: they are formulas."""
    for i, (line, blank, formula) in enumerate(zip(lines, lines[1:], lines[2:], strict=False)):
        indent = len(line) - len(line.lstrip())
        is_deeper = formula[: indent + 1].isspace() and not formula.lstrip().startswith(
            ("- ", "* ")
        )
        if line.endswith(":") and not line.endswith("::") and not blank.strip() and is_deeper:
            lines[i] += ":"


def setup(app):
    """Connect the functions above."""
    app.connect("autodoc-process-docstring", literal_formulas, priority=100)  # before numpydoc
    app.connect("autodoc-process-signature", signature_of_class, priority=900)
