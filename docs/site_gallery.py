"""The gallery runs each example in its quick form and shows the pictures that it saves."""

import shutil
from pathlib import Path
from tempfile import mkdtemp

from sphinx_gallery.scrapers import figure_rst

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
#: Where the examples save their pictures.
PICTURES = Path(mkdtemp(prefix="gallery"))


def copy_examples():
    """Copy the examples, each with a title made of its name, which Sphinx-Gallery asks for.

    Returns
    -------
    folder : str
        Where they are, seen from the folder of the documentation.
    """
    folder = HERE / "_examples"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(HERE / "gallery_header.rst", folder / "GALLERY_HEADER.rst")
    (folder / "data").symlink_to(EXAMPLES / "data")
    for script in EXAMPLES.glob("*.py"):
        title = script.stem.replace("_", " ").capitalize()
        begin, rest = script.read_text().split('"""', 2)[1:]
        heading = f'"""\n{title}\n{"=" * len(title)}\n\n'
        (folder / script.name).write_text(f'{heading}{begin}"""{rest}')
    return folder.name


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
    for picture in sorted(PICTURES.glob("*.png")):
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
    return ["--quick", "--output", str(PICTURES)]
