"""Training on mixtures of two samples, with the labels of both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from .base import Component, named_component
from .custom import OF_MIXING, check_calls
from .typing import Array, Shape

__all__ = ["CutMix", "MixUp", "Mixing"]


class Mixing(Component, ABC):
    """Base class of ways to mix each sample of a batch with another.

    Each sample is mixed with a partner, another of the batch or itself by chance, in a share of
    its own: of the sample s, of the partner 1 - s, where s has the distribution
    Beta(alpha, alpha). The loss of the mixture is s times that of the sample's label and 1 - s
    times that of the partner's, each with the weight of its row. With the log loss that is the
    loss of mixed probabilities; with the squared error it has the gradient of mixed targets. Where
    each pixel or step has a target, so has its loss.

    Parameters
    ----------
    alpha : float
        Parameter of the distribution of the shares, above 0: 1 is uniform, less is closer to 0
        and 1.

    See Also
    --------
    MixUp, CutMix : Those that there are.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.mixing import Mixing
    >>> class Halves(Mixing):
    ...     def _blend(self, x, partners, shares):
    ...         return (x + x[partners]) / 2, np.full_like(shares, 0.5)
    >>> x, partners, shares = Halves().mix(np.eye(2), np.random.default_rng(0))
    >>> shares
    array([0.5, 0.5])
    """

    _parameter_constraints = {"alpha": [Interval(Real, 0, None, closed="neither")]}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_calls(cls, OF_MIXING)

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def check(self, shape: Shape, places: Shape | None = None) -> None:
        """Refuse samples of a shape that cannot be mixed in this way; by default none is.

        Parameters
        ----------
        shape : tuple of int
            Shape of one sample.
        places : tuple of int, default=None
            Shape of the steps or pixels that have a target each; None for one target a sample.

        Raises
        ------
        ValueError
            If it cannot.
        """

    def mix(self, x: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Mix the samples of a batch.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            The batch; left as it is.
        rng : numpy.random.Generator
            Source of partners and shares.

        Returns
        -------
        mixed : ndarray of shape (N, ...)
            The mixtures.
        partners : ndarray of int of shape (N,)
            The row that each was mixed with.
        shares : ndarray of shape (N,)
            Share of the label of each row; the rest is that of its partner.
        """
        partners = rng.permutation(len(x))
        shares = rng.beta(self.alpha, self.alpha, size=len(x)).astype(x.dtype)
        mixed, shares = self._blend(x, partners, shares)
        return mixed, partners, shares

    def terms(
        self, y: Any, partners: Array, shares: Array, sample_weight: Array | None
    ) -> list[tuple[Any, Array]]:
        """Return the targets of the last mixtures, with the weights of their losses.

        Parameters
        ----------
        y : ndarray of shape (N, ...) or Places
            Targets of the batch; or those of the pixels or steps of each sample.
        partners : ndarray of int of shape (N,)
            What `mix` returned.
        shares : ndarray of shape (N,)
            What `mix` returned.
        sample_weight : ndarray of shape (N,) or None
            Weights of the rows.

        Returns
        -------
        terms : list of (targets, weights)
            The loss is the sum of theirs.
        """
        own, others = shares, 1.0 - shares
        if sample_weight is not None:
            own, others = own * sample_weight, others * sample_weight[partners]
        return [(y, own), (y[partners], others)]

    @abstractmethod
    def _blend(self, x, partners, shares):
        """Return the mixtures, and the shares that they have in fact."""


class MixUp(Mixing):
    """Mix samples as weighted means: s x + (1 - s) x of the partner.

    Parameters
    ----------
    alpha : float, default=0.2
        The share s has the distribution Beta(alpha, alpha), above 0.

    References
    ----------
    Zhang, Cisse, Dauphin and Lopez-Paz (2018), mixup: beyond empirical risk minimization, ICLR,
    :arxiv:`1710.09412`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.mixing import MixUp
    >>> model = NeuralClassifier((64, 64), mixing=MixUp(alpha=0.4))
    """

    def __init__(self, alpha: float = 0.2) -> None:
        super().__init__(alpha)

    def _blend(self, x, partners, shares):
        factors = shares.reshape(-1, *(1,) * (x.ndim - 1))
        mixed = x[partners]
        mixed -= x
        mixed *= 1.0 - factors
        mixed += x
        return mixed, shares


class CutMix(Mixing):
    """Replace a random rectangle of each image by that of its partner.

    The rectangle has the part 1 - s of the area and the shape of the image, its center is
    uniform, and it is cut at the edges; the share of the label is what is left of the image. Of
    sequences, which need one length, a stretch of steps is replaced. Where each pixel or step has
    a target, that of a replaced one is its own from the partner.

    Parameters
    ----------
    alpha : float, default=1.0
        The share s has the distribution Beta(alpha, alpha), above 0; 1 is uniform.

    References
    ----------
    Yun et al. (2019), CutMix: regularization strategy to train strong classifiers with
    localizable features, ICCV, :arxiv:`1905.04899`.

    Examples
    --------
    >>> from sknet import NeuralClassifier
    >>> from sknet.layers import Conv2D, Flatten
    >>> layers = [Conv2D(16, 3, activation="relu"), Flatten()]
    >>> model = NeuralClassifier(layers=layers, input_shape=(28, 28, 1), mixing="cutmix")
    """

    def check(self, shape: tuple[int, ...], places: tuple[int, ...] | None = None) -> None:
        if len(shape) < 2:
            raise ValueError(
                "mixing='cutmix' expects images or sequences of one length, got samples of shape "
                f"{tuple(shape)}. Pass input_shape, or use mixing='mixup'."
            )
        if places is not None and tuple(places) != tuple(shape[:-1]):
            raise ValueError(
                f"mixing='cutmix' expects a target for each of the {_times(shape[:-1])} pixels or "
                f"steps that it cuts, got {_times(places)} targets a sample. Use mixing='mixup'."
            )

    def mix(self, x: Array, rng: np.random.Generator) -> Any:
        self._centers = rng.random((len(x), x.ndim - 2))
        return super().mix(x, rng)

    def terms(self, y: Any, partners: Array, shares: Array, sample_weight: Array | None) -> Any:
        if isinstance(y, np.ndarray):
            return super().terms(y, partners, shares, sample_weight)
        mixed = y.chosen(partners, self._taken())
        if sample_weight is None:
            return [(mixed, np.ones(len(shares), shares.dtype))]
        unit = sample_weight.sum() / y.totals.sum()
        weights = (mixed.totals * unit).astype(shares.dtype)
        mixed.totals = np.where(mixed.totals > 0, mixed.totals, 1.0)  # it divides
        return [(mixed, weights)]

    def _blend(self, x, partners, shares):
        lengths = np.array(x.shape[1:-1])
        centers = np.floor(self._centers * lengths)
        sides = np.rint((1.0 - shares[:, None]) ** (1 / len(lengths)) * lengths)
        starts = np.clip(centers - sides // 2, 0, lengths).astype(np.intp)
        stops = np.clip(centers - sides // 2 + sides, 0, lengths).astype(np.intp)
        self._boxes = lengths, starts, stops
        mixed = x.copy()
        rows = zip(mixed, partners.tolist(), starts.tolist(), stops.tolist(), strict=True)
        for image, partner, first, last in rows:
            box = tuple(map(slice, first, last))
            image[box] = x[partner][box]
        replaced = np.prod((stops - starts) / lengths, axis=1)
        return mixed, (1.0 - replaced).astype(x.dtype)

    def _taken(self):
        """Return which pixels of the last mixtures come from partners, one after the other."""
        lengths, starts, stops = self._boxes
        taken: Any = True
        for axis, length in enumerate(lengths):
            first, last = (
                each[:, axis].reshape(-1, *(1,) * len(lengths)) for each in (starts, stops)
            )
            at = np.arange(length).reshape(-1, *(1,) * (len(lengths) - 1 - axis))
            taken = taken & (at >= first) & (at < last)
        return taken.reshape(-1)


def _times(lengths):
    return " x ".join(map(str, lengths))


#: The ways to mix by name.
MIXINGS = {"mixup": MixUp, "cutmix": CutMix}


def get_mixing(mixing: str | Mixing | None) -> Mixing | None:
    """Return a fresh mixing for a name or a mixing.

    Parameters
    ----------
    mixing : str, Mixing or None
        A name in ``MIXINGS``; or a mixing, which is cloned.

    Returns
    -------
    mixing : Mixing or None
        A new one; None for None.
    """
    return None if mixing is None else named_component(mixing, MIXINGS, Mixing, "mixing")
