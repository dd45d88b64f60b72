"""The weights of a fitted estimator by name, and files of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from os import PathLike
from typing import Self

from numpy.typing import ArrayLike

from ..settings import isolated, single_threaded_blas
from ..storage import read_arrays
from ..training import Trainer
from ..typing import Array
from .rollback import restored_on_error


class TrainedWeights:
    """Adds reading and writing of the network's weights."""

    def get_weights(self) -> dict[str, Array]:
        """Return copies of all weights that predict, and buffers such as moving averages.

        Returns
        -------
        weights : dict of str to ndarray
            By the name of the layer, as ``network_[...]`` takes it, a dot, and the name of its
            attribute without the underscore at the end: ``"0.kernel"``, ``"hidden_0.bias"``,
            ``"block__attention.query_kernel"``, ``"output.kernel"``.
        """
        self._require_fit()
        return self.network_.get_weights()

    @isolated
    def set_weights(self, weights: Mapping[str, ArrayLike]) -> Self:
        """Replace all weights of the fitted network, and its buffers.

        Training that is resumed starts from these weights, with the optimizer's moments as they
        are. An average of the weights starts anew.

        All else that `fit` has learned stays as it is: classes, the scale by which a regressor
        standardizes y, the threshold `offset_` of an outlier detector. Weights from an estimator
        that was fitted to other data may predict on its scale, not on this one; to move a whole
        estimator, pickle it.

        Parameters
        ----------
        weights : dict of str to array-like
            Exactly the names that `get_weights` returns, with arrays of the same shapes. To set a
            few, pass ``{**estimator.get_weights(), **few}``.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        TypeError or ValueError
            If names, shapes or values do not fit; the estimator then stays as it was.
        """
        self._require_fit()
        self.network_.set_weights(weights)
        if isinstance(self._trainer, Trainer):
            self._trainer.start_here()
        return self

    def save_weights(self, path: str | PathLike[str]) -> None:
        """Write the weights that predict, and buffers, to a file.

        The file holds arrays alone, by the names of `get_weights`: to read it, build the same
        layers and `load_weights`, or start a layer `sknet.layers.Pretrained` from it.

        Parameters
        ----------
        path : str or path-like
            Ends in .npz or .safetensors, which needs the package safetensors. A file of this name
            is replaced when all is written.

        Raises
        ------
        ValueError
            If the name has another end.
        """
        self._require_fit()
        self.network_.save_weights(path)

    def load_weights(self, path: str | PathLike[str]) -> Self:
        """Replace all weights of the fitted network by those of a file, as `set_weights` does.

        Parameters
        ----------
        path : str or path-like
            File that `save_weights` has written, or another one with the same names. It is read
            without pickle: nothing in it is run.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If the file does not fit; the estimator then stays as it was.
        """
        self._require_fit()
        return self.set_weights(read_arrays(path))

    @isolated
    def _take_weights(self, X, y, weights):
        """Become fitted to samples like X and targets like y without training.

        Parameters
        ----------
        X, y : array-like
            As for `fit`; only their shapes, types and classes count.
        weights : dict of str to array-like
            As for `set_weights`.

        Returns
        -------
        self : object
            The estimator.
        """
        with restored_on_error(self), single_threaded_blas():
            self._validate_params()
            self._check_parameters()
            data = self._check_data(X, y, None, reset=True)
            with warnings.catch_warnings():  # of layers that are as the user has not written them
                warnings.simplefilter("ignore", UserWarning)
                self._start(data)
            self._scale_target(data, None, reset=True)
            self._mean_weight = data.mean_weight
            self.network_.set_weights(weights)
        return self
