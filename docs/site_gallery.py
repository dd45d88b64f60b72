"""The gallery runs each example in its quick form and shows the pictures that it saves."""

import builtins
import shutil
from pathlib import Path

from sphinx_gallery.scrapers import figure_rst

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
#: Copies of the examples, which save their pictures there.
COPIES = HERE / "_examples"


def copy_examples():
    """Copy the examples, each with a title made of its name, which Sphinx-Gallery asks for.

    Returns
    -------
    folder : str
        Where they are, seen from the folder of the documentation.
    """
    shutil.rmtree(COPIES, ignore_errors=True)
    COPIES.mkdir()
    shutil.copy(HERE / "gallery_header.rst", COPIES / "GALLERY_HEADER.rst")
    (COPIES / "data").symlink_to(EXAMPLES / "data")
    for script in EXAMPLES.glob("*.py"):
        title = script.stem.replace("_", " ").capitalize()
        begin, rest = script.read_text().split('"""', 2)[1:]
        # A literal block, else the dashes of options are joined.
        begin = begin.replace("Run it with\n", "Run it with::\n")
        heading = f'"""\n{title}\n{"=" * len(title)}\n\n'
        # There is no docstring where Sphinx-Gallery runs an example.
        rest = rest.replace("__doc__.splitlines()[0]", f'"{title}"')
        (COPIES / script.name).write_text(f'{heading}{begin}"""{rest}')
    return COPIES.name


def pictures_of_example(block, block_vars, gallery_conf):
    """Return the code that shows what an example has saved, as Sphinx-Gallery asks for it.

    Parameters
    ----------
    block : tuple
        The block of code that ran.
    block_vars : dict
        What Sphinx-Gallery knows of it; `image_path_iterator` names the files to make.
    gallery_conf : dict
        The settings of the gallery.

    Returns
    -------
    rst : str
        Directives for the pictures.
    """
    shown = []
    for picture in sorted(COPIES.glob("*.png")):
        path = next(block_vars["image_path_iterator"])
        shutil.move(picture, path)
        shown.append(path)
    return figure_rst(shown, gallery_conf["src_dir"])


def arguments(gallery_conf, script_vars):
    """Return the command line of an example.

    Parameters
    ----------
    gallery_conf : dict
        The settings of the gallery.
    script_vars : dict
        What Sphinx-Gallery knows of the example.

    Returns
    -------
    arguments : list of str
        Those of the quick form.
    """
    return ["--quick"]


def name_file(gallery_conf, script):
    """Tell an example where it lies, which Sphinx-Gallery does not do.

    Parameters
    ----------
    gallery_conf : dict
        The settings of the gallery.
    script : str
        Path of the example.
    """
    builtins.__file__ = str(script)
