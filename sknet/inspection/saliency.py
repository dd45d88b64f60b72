"""Which inputs a prediction depends on, by gradients."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.utils import check_scalar

from ..base import brief
from ..inputs import Sequences, as_inputs, in_shape
from ..layers import Dropout, Embedding, GaussianCode
from ..layers.representation.row_loss import RowLoss
from ..network import Network
from ..settings import single_threaded_blas
from ..typing import Array, EstimatorLike, Shape
from .display import Display, as_images, color, show_images
from .models import fitted_part, one_sample, refuse_places

_METHODS = ("gradient", "integrated_gradients")


class SaliencyDisplay(Display):
    """How a prediction depends on each input: features, pixels, steps or tokens.

    "gradient" is the derivative of the raw output with respect to each input. "integrated
    gradients" multiply the mean of the derivatives on the straight line from a baseline to the
    sample with the way between both: they add up to the difference of the raw outputs
    there [1]_. For tokens the derivatives are those by their embeddings, added up for each token.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    saliency : ndarray of the shape of a sample
        Saliency of each input.
    sample : ndarray, default=None
        The sample itself.
    feature_names : sequence of str, default=None
        Names of the features, or the tokens; None numbers them.
    image_shape : tuple of int, default=None
        Shape of an image, (height, width) or (height, width, channels).
    title : str, default=None
        What is explained.
    is_sequence : bool, default=False
        Whether the inputs are the steps of a sequence, which are drawn in their order.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the last plot.
    figure_ : matplotlib Figure
        Figure of the last plot.

    References
    ----------
    .. [1] Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks, ICML,
       :arxiv:`1703.01365`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import NeuralClassifier
    >>> from sknet.inspection import SaliencyDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = NeuralClassifier((16,), max_iter=20, tol=0, random_state=0).fit(X, y)
    >>> display = SaliencyDisplay.from_estimator(model, X, sample=100, target=2)
    >>> display.saliency.shape
    (4,)
    """

    def __init__(
        self,
        saliency: Array,
        *,
        sample: Array | None = None,
        feature_names: Sequence[str] | None = None,
        image_shape: Shape | None = None,
        title: str | None = None,
        is_sequence: bool = False,
    ) -> None:
        self.saliency = saliency
        self.sample = sample
        self.feature_names = feature_names
        self.image_shape = image_shape
        self.title = title
        self.is_sequence = is_sequence

    @classmethod
    def from_estimator(
        cls,
        estimator: EstimatorLike,
        X: ArrayLike,
        *,
        sample: int = 0,
        target: Any = None,
        method: Literal["gradient", "integrated_gradients"] = "integrated_gradients",
        baseline: float | ArrayLike | None = None,
        n_steps: int = 64,
        tokens: Sequence[str] | None = None,
        image_shape: Shape | None = None,
        ax: Any = None,
    ) -> SaliencyDisplay:
        """Explain the prediction of one sample.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            A fitted `NeuralClassifier` or `NeuralRegressor`, or a pipeline or search of one,
            whose network is explained: with the inputs as the other steps leave them.
        X : array-like of shape (n_samples, ...)
            Samples as `estimator` takes them.
        sample : int, default=0
            Position of the sample in X.
        target : label or int, default=None
            Class whose raw output is explained, None the predicted one; for a regressor the
            position of the output, None the first.
        method : {"gradient", "integrated_gradients"}, default="integrated_gradients"
            How the saliency is found.
        baseline : float or array-like of the shape of a sample, default=None
            Where the line to the sample begins; None is 0, the mean of standardized features.
            Not for tokens, whose embeddings begin at 0.
        n_steps : int, default=64
            Number of points of the line.
        tokens : list of str, default=None
            Names of the steps of a sequence; padding after them is left out.
        image_shape : tuple of int, default=None
            Shape of an image, (height, width) or (height, width, channels); None is the
            network's input shape if that has three axes.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : SaliencyDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the method, the target or the baseline is unknown or does not fit.
        """
        if method not in _METHODS:
            raise ValueError(f"{cls.__name__}: method must be one of {_METHODS}, got {method!r}.")
        before, part = fitted_part(estimator, "network_", cls.__name__)
        refuse_places(part, cls.__name__)
        check_scalar(n_steps, "n_steps", Integral, min_val=1)
        one = one_sample(X, sample)
        names = _feature_names(before, part) if tokens is None else list(tokens)
        one = one if before is None else before.transform(one)
        network = part.network_
        x = as_inputs(one, network.input_shape, network.dtype, cls.__name__)
        column, sign, title = _output(part, network, x, target)
        saliency = _saliency(network, x, column, sign, method, baseline, n_steps)
        if tokens is not None:
            saliency = saliency[: len(names)]  # the rest is padding
        if image_shape is None and len(network.input_shape) == 3:
            image_shape = network.input_shape
        display = cls(
            saliency,
            sample=None if isinstance(x, Sequences) else in_shape(x, network.input_shape)[0],
            feature_names=names,
            image_shape=image_shape,
            title=title,
            is_sequence=tokens is not None,
        )
        return display.plot(ax)

    def plot(self, ax: Any = None, *, n_features: int = 20) -> SaliencyDisplay:
        """Draw the saliency.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_features : int, default=20
            Number of features to draw at most, those of the largest absolute saliency.

        Returns
        -------
        display : SaliencyDisplay
            The display itself.
        """
        if self.image_shape is not None:
            self._plot_image(ax)
        elif self.saliency.ndim == 2:
            self._plot_steps(ax)
        else:
            self._plot_bars(ax, n_features)
        self.ax_.set_title(self.title, fontsize=10)
        return self

    def _plot_image(self, ax):
        ax = self._axes(ax)
        picture = as_images(self.saliency[None], self.image_shape, type(self).__name__)[0]
        picture = picture.mean(axis=2) if picture.ndim == 3 else picture
        limit = np.abs(picture).max() or 1
        if self.sample is not None:
            image = as_images(self.sample.reshape(1, -1), self.image_shape, type(self).__name__)[0]
            show_images(ax, image, alpha=0.35)
        drawn = ax.imshow(picture, cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=0.75)
        ax.figure.colorbar(drawn, ax=ax, label="saliency")
        ax.set(xticks=[], yticks=[])

    def _plot_steps(self, ax):
        ax = self._axes(ax)
        limit = np.abs(self.saliency).max() or 1
        drawn = ax.imshow(self.saliency.T, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit)
        ax.set(xlabel="step", ylabel="feature")
        for axis in (ax.xaxis, ax.yaxis):
            axis.get_major_locator().set_params(integer=True)
        ax.figure.colorbar(drawn, ax=ax, label="saliency")

    def _plot_bars(self, ax, n_features):
        values = self.saliency
        names = range(len(values)) if self.feature_names is None else self.feature_names
        if len(names) != len(values):
            raise ValueError(
                f"{type(self).__name__}: {len(names)} names were given for {len(values)} inputs."
            )
        order = np.argsort(np.abs(values), kind="stable")[-n_features:]
        order = np.arange(len(values))[::-1] if self.is_sequence else order
        ax = self._axes(ax, figsize=(6.4, 0.28 * len(order) + 1.2))
        hues = [color(0) if values[i] >= 0 else color(1) for i in order]
        ax.barh(np.arange(len(order)), values[order], color=hues)
        ax.set_yticks(np.arange(len(order)), [str(names[i]) for i in order])
        ax.axvline(0, color="0.3", lw=0.8)
        ax.set(xlabel="saliency", ylim=(-0.6, len(order) - 0.4))


def _feature_names(before, estimator):
    """Return the names of the features that the network sees, if there are any."""
    try:
        return before.get_feature_names_out()
    except (AttributeError, ValueError):  # no steps before, or some that know no names
        return getattr(estimator, "feature_names_in_", None)


def _output(estimator, network, x, target):
    """Return the raw output that is explained, its sign, and a title."""
    width = network.output_shape[-1]
    classes = getattr(estimator, "classes_", None)
    if classes is None or isinstance(classes, dict):  # columns with losses of their own
        column = 0 if target is None else target
        if not isinstance(column, Integral) or not 0 <= column < width:
            raise ValueError(
                f"SaliencyDisplay: target must be an output from 0 to {width - 1}, got {target!r}."
            )
        return int(column), 1.0, "prediction" if width == 1 else f"output {column}"
    if isinstance(classes, list):
        raise ValueError("SaliencyDisplay explains classifiers of one output, got several.")
    if target is None:
        raw = network.predict(x)[0]
        chosen = int(raw[0] > 0) if width == 1 else int(raw.argmax())
    else:
        found = np.flatnonzero(np.asarray(classes) == target)
        if not len(found):
            raise ValueError(
                f"SaliencyDisplay: target must be one of the classes {list(classes)}, got "
                f"{target!r}."
            )
        chosen = int(found[0])
    title = f"class {classes[chosen]}"
    return (0, 1.0 if chosen else -1.0, title) if width == 1 else (chosen, 1.0, title)


def _saliency(network, x, column, sign, method, baseline, n_steps):
    """Return the saliency of one sample, in its shape."""
    replica = quiet_replica(network)
    mask = None
    if isinstance(x, Sequences):
        x, mask = x.padded(replica._work)
    x = np.array(in_shape(x, network.input_shape))
    points = [1.0] if method == "gradient" else (np.arange(n_steps) + 0.5) / n_steps
    embedding = next((p for p in replica.layer.walk() if isinstance(p, Embedding)), None)
    with single_threaded_blas():
        if embedding is not None:
            way, mean = _gradients_of_embedding(replica, embedding, x, mask, column, points)
        else:
            start = np.zeros_like(x) if baseline is None else _as_baseline(baseline, x)
            way, mean = x - start, np.zeros(x.shape)
            for point in points:
                mean += _input_gradient(replica, start + point * way, mask, column)
            mean /= len(points)
    saliency = sign * (mean if method == "gradient" else way * mean)[0]
    return saliency.sum(axis=-1) if embedding is not None else saliency


def _as_baseline(baseline, x):
    baseline = np.asarray(baseline, dtype=x.dtype)
    if baseline.size not in (1, x[0].size) or not np.isfinite(baseline).all():
        raise ValueError(
            "SaliencyDisplay: baseline must be finite, and a number or of the shape "
            f"{x.shape[1:]} of a sample, got {brief(baseline)}."
        )
    start = baseline.reshape(1, *x.shape[1:]) if baseline.size == x[0].size else baseline
    return np.broadcast_to(start, x.shape).astype(x.dtype)


def _input_gradient(replica, x, mask, column):
    raw = replica.layer.forward(np.ascontiguousarray(x, replica.dtype), True, mask)
    return replica.layer.backward(_one_column(raw, column), input_grad=True)


def _one_column(raw, column):
    gradient = np.zeros_like(raw)
    gradient[..., column] = 1
    return gradient


def _gradients_of_embedding(replica, embedding, x, mask, column, points):
    """Return the vectors of the codes, and the mean gradient on the line from 0 to them."""
    seen = {}
    forward = embedding.forward

    def scaled(x, training=False, mask=None):
        seen["vectors"] = np.array(forward(x, training, mask))
        return seen["vectors"] * x_factor[0]

    def caught(grad_output, input_grad=True):
        seen["gradient"] = np.array(grad_output)
        return np.zeros(grad_output.shape[:-1], grad_output.dtype)

    embedding.forward, embedding.backward = scaled, caught
    mean = 0.0
    for point in points:
        x_factor = [x.dtype.type(point)]
        raw = replica.layer.forward(x, True, mask)
        replica.layer.backward(_one_column(raw, column), input_grad=True)
        mean = mean + seen["gradient"] / len(points)
    return seen["vectors"], mean


def quiet_replica(network: Network) -> Network:
    """Return a replica that can run backward, and computes in training what it predicts.

    Parameters
    ----------
    network : sknet.network.Network
        The network.

    Returns
    -------
    replica : sknet.network.Network
        A copy without noise and penalties, which normalizes by the moving averages.
    """
    replica = network.replica(1, np.random.default_rng(0), np.zeros_like(network.params))
    for part in replica.layer.walk():
        part._inside_frozen = True  # normalization by the moving averages
        for name, value in list(vars(part).items()):
            if isinstance(value, Dropout) and value not in dict(part.sublayers()).values():
                setattr(part, name, Dropout(0.0))
        for name in {"dropout", "recurrent_dropout"} & vars(part).keys():
            setattr(part, name, 0.0)
        if isinstance(part, RowLoss):
            part._shares = lambda strength, n_rows: 0.0
        if isinstance(part, GaussianCode):
            part._rng = _NoNoise()
        elif part.is_stochastic and not part.sublayers():
            part.forward = lambda x, training=False, mask=None: x
            part.backward = lambda grad_output, input_grad=True: grad_output
    return replica


class _NoNoise:
    """Stands for the source of noise of a variational code, which is then its mean."""

    def standard_normal(self, out: Array | None, dtype: DTypeLike) -> None:
        out[...] = 0
