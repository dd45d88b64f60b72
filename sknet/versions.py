"""What to state in a report of a problem."""

import sklearn

from . import kernels


def show_versions():
    """Print the versions of sknet and of what it stands on, and which kernels run.

    The kernels are "NumPy", or "C" and the level of processors that the import has chosen. What
    follows comes from `sklearn.show_versions`, with the threads of BLAS.

    See Also
    --------
    sklearn.show_versions : The same for scikit-learn alone.

    Examples
    --------
    >>> from sknet import show_versions
    >>> show_versions()  # doctest: +SKIP
    """
    from . import __version__

    print("\nsknet:")
    print(f"{'sknet':>10}: {__version__}")
    print(f"{'kernels':>10}: {kernels.description()}")
    sklearn.show_versions()
