import numpy as np

import sknet
from sknet import kernels, show_versions


def test_versions_name_the_kernels_and_the_threads_of_blas(capsys):
    show_versions()
    shown = capsys.readouterr().out
    assert f"sknet: {sknet.__version__}\n" in shown
    assert f"kernels: {kernels.description()}\n" in shown
    assert f"numpy: {np.__version__}\n" in shown
    assert "num_threads: " in shown
