"""Layers that show a network each image a little differently while it trains."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ...typing import Array, Shape
from .axes import LayerOverAxes


class Augmentation(LayerOverAxes):
    """Change of each image that is drawn anew for every training batch.

    Subclasses draw in `_draw`, make the images in `_change` and return in `_undo` what the
    transpose of the change's linear part makes of gradients.
    """

    _axes = ("height", "width")

    def build(self, input_shape: Shape) -> Shape:
        """Take images; there are no weights."""
        self._check_axes(input_shape)
        if input_shape[0] is None:
            self._refuse("images of one size", f"{input_shape}", "Give input_shape the height.")
        return input_shape

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Change the images when training, else return x itself."""
        if not training or not self.is_stochastic:
            return x
        self._draw(x.shape)
        return self._change(x)

    def backward(self, grad_output: Array, input_grad: bool = True) -> Array | None:
        """Move the gradients to where the pixels came from."""
        if not input_grad:
            return None
        return self._undo(grad_output) if self.is_stochastic else grad_output

    def _uniform(self, shape):
        """Draw numbers between 0 and 1."""
        return self._rng.random(out=self._work("uniform", shape, np.float64))


class RandomFlip(Augmentation):
    """Flip half of the images while training.

    Each image is flipped with probability 1/2; for "horizontal_and_vertical", in each
    direction independently. Input shape (H, W, C), output shape the same. At inference nothing
    happens.

    Parameters
    ----------
    mode : {"horizontal", "vertical", "horizontal_and_vertical"}, default="horizontal"
        "horizontal" exchanges left and right, "vertical" top and bottom.

    References
    ----------
    Shorten and Khoshgoftaar (2019), A survey on image data augmentation for deep learning,
    Journal of Big Data 6, :doi:`10.1186/s40537-019-0197-0`.

    Examples
    --------
    >>> from sknet.layers import Flatten, RandomFlip, Reshape, Sequential
    >>> images = Sequential([Reshape((8, 8, 1)), RandomFlip("horizontal"), Flatten()])
    """

    is_stochastic = True
    _parameter_constraints = {
        "mode": [StrOptions({"horizontal", "vertical", "horizontal_and_vertical"})]
    }

    def __init__(self, mode: str = "horizontal") -> None:
        self.mode = mode

    def _draw(self, shape):
        uniform = self._uniform((shape[0], 2))
        flips = self._work("flips", uniform.shape, bool)
        self._flips = np.less(uniform, 0.5, out=flips)
        if self.mode != "horizontal_and_vertical":
            flips[:, 0 if self.mode == "horizontal" else 1] = False

    def _change(self, x):
        return self._flip(x, self._work("out", x.shape))

    def _undo(self, grad_output):
        return self._flip(grad_output, self._work("grad_x", grad_output.shape))

    def _flip(self, x, out):
        vertical, horizontal = (memoryview(column) for column in self._flips.T)
        for image, target, down, across in zip(x, out, vertical, horizontal, strict=True):
            target[...] = image[_DIRECTIONS[down], _DIRECTIONS[across]]
        return out


_DIRECTIONS = slice(None), slice(None, None, -1)


class _Lighting(Augmentation):
    """One random number for each image, within `factor` of a centre."""

    _parameter_constraints = {"factor": [Interval(Real, 0, None, closed="left")]}
    _centre = 0.0

    def __init__(self, factor: float = 0.1) -> None:
        self.factor = factor

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is unless the factor is 0."""
        return self.factor > 0

    def _draw(self, shape):
        uniform = self._uniform((shape[0], 1, 1, 1))
        uniform *= 2.0 * float(self.factor)
        uniform += self._centre - float(self.factor)
        self._drawn = self._work("drawn", uniform.shape)
        np.copyto(self._drawn, uniform, casting="same_kind")


class RandomBrightness(_Lighting):
    """Add a random number to each image while training.

    out = x + b, with one b an image, uniform between -factor and factor; the result is not
    clipped. Input shape (H, W, C), output shape the same. At inference nothing happens.

    Parameters
    ----------
    factor : float, default=0.1
        Largest number that is added or subtracted, at least 0, in units of the input: after
        `Rescaling` to [0, 1], as a fraction of the range.

    References
    ----------
    Shorten and Khoshgoftaar (2019), A survey on image data augmentation for deep learning,
    Journal of Big Data 6, :doi:`10.1186/s40537-019-0197-0`.

    Examples
    --------
    >>> from sknet.layers import Flatten, RandomBrightness, Reshape, Sequential
    >>> images = Sequential([Reshape((8, 8, 1)), RandomBrightness(0.2), Flatten()])
    """

    def _change(self, x):
        return np.add(x, self._drawn, out=self._work("out", x.shape))

    def _undo(self, grad_output):
        return grad_output


class RandomContrast(_Lighting):
    """Move the pixels of each image away from their mean, or towards it, while training.

    out = mean + c (x - mean), with the mean of each channel of an image, and one c an image,
    uniform between 1 - factor and 1 + factor; the result is not clipped. Input shape
    (H, W, C), output shape the same. At inference nothing happens.

    Parameters
    ----------
    factor : float, default=0.1
        Largest distance of c from 1, in [0, 1].

    References
    ----------
    Shorten and Khoshgoftaar (2019), A survey on image data augmentation for deep learning,
    Journal of Big Data 6, :doi:`10.1186/s40537-019-0197-0`.

    Examples
    --------
    >>> from sknet.layers import Flatten, RandomContrast, Reshape, Sequential
    >>> images = Sequential([Reshape((8, 8, 1)), RandomContrast(0.2), Flatten()])
    """

    _parameter_constraints = {"factor": [Interval(Real, 0, 1, closed="both")]}
    _centre = 1.0

    def _change(self, x):
        return self._scaled(x, self._work("out", x.shape))

    def _undo(self, grad_output):  # the change is symmetric
        return self._scaled(grad_output, self._work("grad_x", grad_output.shape))

    def _scaled(self, x, out):
        mean = self._work("mean", (len(x), 1, 1, x.shape[-1]))
        np.mean(x, axis=(1, 2), keepdims=True, out=mean)
        np.subtract(x, mean, out=out)
        out *= self._drawn
        out += mean
        return out


class RandomErasing(Augmentation):
    """Erase a random rectangle of each image while training.

    An image is chosen with the given probability. The area of its rectangle is uniform between
    the two fractions of `area`; the logarithm of height over width is uniform between those of
    `aspect_ratio`. Sides are rounded to whole pixels and cut to the image's; the place is
    uniform. Input shape (H, W, C), output shape the same. At inference nothing happens.

    Parameters
    ----------
    probability : float, default=0.5
        Probability that an image loses a rectangle, in [0, 1].
    area : tuple of (float, float), default=(0.02, 0.33)
        Smallest and largest area, as fractions of the image's, in [0, 1].
    aspect_ratio : tuple of (float, float), default=(0.3, 3.3)
        Smallest and largest height over width, above 0.
    fill_value : float, default=0.0
        Value of the pixels in the rectangle.

    References
    ----------
    Zhong, Zheng, Kang, Li and Yang (2020), Random erasing data augmentation, AAAI,
    :arxiv:`1708.04896`.

    Examples
    --------
    >>> from sknet.layers import Flatten, RandomErasing, Reshape, Sequential
    >>> images = Sequential([Reshape((8, 8, 1)), RandomErasing(0.5), Flatten()])
    """

    _parameter_constraints = {
        "probability": [Interval(Real, 0, 1, closed="both")],
        "area": ["array-like"],
        "aspect_ratio": ["array-like"],
        "fill_value": [Interval(Real, None, None, closed="neither")],
    }

    def __init__(
        self,
        probability: float = 0.5,
        *,
        area: Any = (0.02, 0.33),
        aspect_ratio: Any = (0.3, 3.3),
        fill_value: float = 0.0,
    ) -> None:
        self.probability = probability
        self.area = area
        self.aspect_ratio = aspect_ratio
        self.fill_value = fill_value

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is unless the probability is 0."""
        return self.probability > 0

    def build(self, input_shape: Shape) -> Shape:
        """Take images; there are no weights."""
        self._areas = self._range("area", 1.0)
        self._log_ratios = np.log(self._range("aspect_ratio", np.inf))
        return super().build(input_shape)

    def _range(self, parameter, largest):
        value = getattr(self, parameter)
        right = len(value) == 2 and all(isinstance(end, Real) for end in value)
        if not right or not 0 < value[0] <= value[1] <= largest or np.isinf(value[1]):
            bound = "above 0 and at most 1" if largest == 1 else "above 0"
            raise ValueError(
                f"Layer {self._label()}: {parameter} must be two numbers {bound}, the smaller one "
                f"first, got {value!r}."
            )
        return np.array(value, np.float64)

    def _draw(self, shape):
        n_samples, height, width, _ = shape
        uniform = self._uniform((n_samples, 5))
        chosen, area, ratio, *starts = uniform.T
        self._chosen = np.less(
            chosen, self.probability, out=self._work("chosen", (n_samples,), bool)
        )
        for part, (low, high) in ((area, self._areas), (ratio, self._log_ratios)):
            part *= high - low
            part += low
        area *= height * width
        np.exp(ratio, out=ratio)
        sides = self._work("sides", (n_samples, 2), np.float64)
        np.multiply(area, ratio, out=sides[:, 0])
        np.divide(area, ratio, out=sides[:, 1])
        np.sqrt(sides, out=sides)
        np.rint(sides, out=sides)
        self._rectangles = self._work("rectangles", (n_samples, 4), np.intp)
        for axis, (length, start) in enumerate(zip((height, width), starts, strict=True)):
            side = np.clip(sides[:, axis], 1.0, length, out=sides[:, axis])
            np.subtract(length + 1.0, side, out=area)  # which is not needed any more
            start *= area
            self._rectangles[:, axis] = start
            self._rectangles[:, 2 + axis] = side

    def _change(self, x):
        out = self._work("out", x.shape)
        np.copyto(out, x)
        return self._fill(out, float(self.fill_value))

    def _undo(self, grad_output):
        return self._fill(grad_output, 0.0)

    def _fill(self, images, value):
        columns = map(memoryview, (self._chosen, *self._rectangles.T))
        for image, chosen, top, left, tall, wide in zip(images, *columns, strict=True):
            if chosen:
                image[top : top + tall, left : left + wide] = value
        return images


class RandomCrop(Augmentation):
    """Cut a random window out of each image while training, the central one at inference.

    Every place of the window has the same probability. Input shape (H, W, C), output shape
    (height, width, C). Put a `ZeroPadding2D` in front of it to keep the size.

    Parameters
    ----------
    height : int
        Height of the window, at least 1 and at most that of the images.
    width : int, default=None
        Width of the window, at least 1 and at most that of the images; None is the height.

    References
    ----------
    He et al. (2016), Deep residual learning for image recognition, :arxiv:`1512.03385`.

    Examples
    --------
    >>> from sknet.layers import Conv2D, RandomCrop, ZeroPadding2D
    >>> layers = [ZeroPadding2D(4), RandomCrop(32), Conv2D(16, 3, activation="relu")]
    """

    _parameter_constraints = {
        "height": [Interval(Integral, 1, None, closed="left")],
        "width": [Interval(Integral, 1, None, closed="left"), None],
    }
    # Known only once the size of the images is.
    _is_stochastic = True

    def __init__(self, height: Any, width: Any = None) -> None:
        self.height = height
        self.width = width

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is unless the window is the whole image."""
        return self._is_stochastic

    def build(self, input_shape: Shape) -> Shape:
        """Take images at least as large as the window; there are no weights."""
        super().build(input_shape)
        self._size = int(self.height), int(self.width or self.height)
        self._room = tuple(n - size for n, size in zip(input_shape, self._size, strict=False))
        if min(self._room) < 0:
            self._refuse(
                f"images of at least {self._size[0]} x {self._size[1]}",
                f"{input_shape[0]} x {input_shape[1]}",
                "Choose a smaller window, or put a ZeroPadding2D before it.",
            )
        self._is_stochastic = max(self._room) > 0
        return (*self._size, input_shape[-1])

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Refuse rows of images that are masked: the output has other rows."""
        if mask is not None and not mask.all():
            self._refuse("images without masked rows", "masked ones", "Put it before the Masking.")
        return None

    def forward(self, x: Array, training: bool = False, mask: Array | None = None) -> Array:
        """Cut out windows."""
        if training and self.is_stochastic:
            self._draw(x.shape)
            return self._change(x)
        (height, width), (down, across) = self._size, self._room
        top, left = down // 2, across // 2
        return x[:, top : top + height, left : left + width]

    def _draw(self, shape):
        uniform = self._uniform((shape[0], 2))
        for column, room in zip(uniform.T, self._room, strict=True):
            column *= room + 1.0
        self._starts = self._work("starts", uniform.shape, np.intp)
        np.copyto(self._starts, uniform, casting="unsafe")

    def _windows(self, images):
        height, width = self._size
        tops, lefts = (memoryview(column) for column in self._starts.T)
        for image, top, left in zip(images, tops, lefts, strict=True):
            yield image[top : top + height, left : left + width]

    def _change(self, x):
        out = self._work("out", (len(x), *self.output_shape_))
        for target, seen in zip(out, self._windows(x), strict=True):
            target[...] = seen
        return out

    def _undo(self, grad_output):
        grad_x = self._work("grad_x", (len(grad_output), *self.input_shape_))
        grad_x[...] = 0.0
        for seen, grad in zip(self._windows(grad_x), grad_output, strict=True):
            seen[...] = grad
        return grad_x
