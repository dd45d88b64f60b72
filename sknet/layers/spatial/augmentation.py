"""Layers that show a network each image a little differently while it trains."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval, StrOptions

from ...typing import Array, Shape
from .axes import LayerOverAxes
from .windows import fill_border, interior


class _Augmentation(LayerOverAxes):
    """Linear change of each image, drawn anew for every training batch.

    Subclasses draw in `_draw`, make the images in `_change` and return in `_undo` what the
    transposed change makes of gradients.
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


class RandomFlip(_Augmentation):
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

    def __init__(
        self, mode: Literal["horizontal", "vertical", "horizontal_and_vertical"] = "horizontal"
    ) -> None:
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


class _Displacement(_Augmentation):
    """Pixels that move, and what is seen where none comes from."""

    _parameter_constraints = {
        "fill_mode": [StrOptions({"constant", "nearest"})],
        "fill_value": [Interval(Real, None, None, closed="neither")],
    }

    def _frame(self, x, margins):
        """Return x with a border, filled as the parameters say."""
        n_samples, height, width, channels = x.shape
        top, left = margins
        framed = self._work("framed", (n_samples, height + 2 * top, width + 2 * left, channels))
        if self.fill_mode == "constant":
            amounts = [(margin, margin) for margin in margins]
            framed[interior(amounts, framed)] = x
            fill_border(framed, amounts, float(self.fill_value))
            return framed
        for rows, seen_rows in _regions(height, top):
            for columns, seen_columns in _regions(width, left):
                framed[:, rows, columns] = x[:, seen_rows, seen_columns]
        return framed

    def _unframe(self, framed, margins):
        """Return the gradient of what `_frame` was given from that of what it returned."""
        for axis, margin in enumerate(margins, start=1):
            shape = list(framed.shape)
            shape[axis] -= 2 * margin
            inner = self._work(f"inner_{axis}", tuple(shape))
            # Views in which axis 1 is the one that gets shorter.
            lines, inner_lines = framed.swapaxes(1, axis), inner.swapaxes(1, axis)
            end = margin + shape[axis]
            np.copyto(inner_lines, lines[:, margin:end])
            if self.fill_mode == "nearest":
                first, last = inner_lines[:, 0], inner_lines[:, -1]
                for i in range(margin):
                    np.add(first, lines[:, i], out=first)
                    np.add(last, lines[:, end + i], out=last)
            framed = inner
        return framed


def _regions(length, margin):
    """Return, along an axis, parts of a framed image and what of the image is seen there."""
    end = margin + length
    return [
        (slice(0, margin), slice(0, 1)),
        (slice(margin, end), slice(None)),
        (slice(end, None), slice(length - 1, None)),
    ]


class RandomTranslation(_Displacement):
    """Shift each image by some whole pixels while training.

    Height and width are shifted independently, by every number of pixels up to
    round(factor x size) in either direction with the same probability. Input shape (H, W, C),
    output shape the same. At inference nothing happens.

    Parameters
    ----------
    height_factor : float, default=0.1
        Largest shift up or down, as a fraction of the height, in [0, 1].
    width_factor : float, default=0.1
        Largest shift left or right, as a fraction of the width, in [0, 1].
    fill_mode : {"constant", "nearest"}, default="constant"
        What fills the space beyond the edges: `fill_value`, or the pixel at the edge.
    fill_value : float, default=0.0
        Value of pixels beyond the edges.

    References
    ----------
    Shorten and Khoshgoftaar (2019), A survey on image data augmentation for deep learning,
    Journal of Big Data 6, :doi:`10.1186/s40537-019-0197-0`.

    Examples
    --------
    >>> from sknet.layers import Flatten, RandomTranslation, Reshape, Sequential
    >>> images = Sequential([Reshape((8, 8, 1)), RandomTranslation(0.1, 0.1), Flatten()])
    """

    _parameter_constraints = {
        **_Displacement._parameter_constraints,
        "height_factor": [Interval(Real, 0, 1, closed="both")],
        "width_factor": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        height_factor: float = 0.1,
        width_factor: float = 0.1,
        fill_mode: Literal["constant", "nearest"] = "constant",
        *,
        fill_value: float = 0.0,
    ) -> None:
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.fill_mode = fill_mode
        self.fill_value = fill_value

    def build(self, input_shape: Shape) -> Shape:
        """Take images; there are no weights."""
        output_shape = super().build(input_shape)
        factors = float(self.height_factor), float(self.width_factor)
        pairs = zip(factors, input_shape[:-1], strict=True)
        self._margins = tuple(round(factor * n) for factor, n in pairs)
        return output_shape

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is unless both factors are 0."""
        return max(self.height_factor, self.width_factor) > 0

    def _draw(self, shape):
        # A window of the framed image that starts at its margin is the image itself.
        uniform = self._uniform((shape[0], 2))
        for column, margin in zip(uniform.T, self._margins, strict=True):
            column *= 2.0 * margin + 1.0
        self._starts = self._work("starts", uniform.shape, np.intp)
        np.copyto(self._starts, uniform, casting="unsafe")

    def _windows(self, framed):
        """Yield the part of each framed image that is seen."""
        height, width, _ = self.input_shape_
        tops, lefts = (memoryview(column) for column in self._starts.T)
        for image, top, left in zip(framed, tops, lefts, strict=True):
            yield image[top : top + height, left : left + width]

    def _change(self, x):
        out = self._work("out", x.shape)
        for target, seen in zip(out, self._windows(self._frame(x, self._margins)), strict=True):
            target[...] = seen
        return out

    def _undo(self, grad_output):
        (top, left), (n_samples, height, width, channels) = self._margins, grad_output.shape
        shape = n_samples, height + 2 * top, width + 2 * left, channels
        framed = self._work("grad_framed", shape)
        framed[...] = 0.0
        for grad, seen in zip(grad_output, self._windows(framed), strict=True):
            seen[...] = grad
        return self._unframe(framed, self._margins)


class RandomRotation(_Displacement):
    """Rotate each image about its centre while training, with bilinear interpolation.

    Angles are uniform between -factor and factor of a full turn; positive ones turn
    counterclockwise. Input shape (H, W, C), output shape the same. At inference nothing
    happens.

    Parameters
    ----------
    factor : float, default=0.1
        Largest angle, as a fraction of a full turn, in [0, 1].
    fill_mode : {"constant", "nearest"}, default="constant"
        What fills the space beyond the edges: `fill_value`, or the nearest pixel.
    fill_value : float, default=0.0
        Value of pixels beyond the edges.

    References
    ----------
    Shorten and Khoshgoftaar (2019), A survey on image data augmentation for deep learning,
    Journal of Big Data 6, :doi:`10.1186/s40537-019-0197-0`.

    Examples
    --------
    >>> from sknet.layers import Flatten, RandomRotation, Reshape, Sequential
    >>> images = Sequential([Reshape((8, 8, 1)), RandomRotation(0.05), Flatten()])
    """

    _parameter_constraints = {
        **_Displacement._parameter_constraints,
        "factor": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        factor: float = 0.1,
        fill_mode: Literal["constant", "nearest"] = "constant",
        *,
        fill_value: float = 0.0,
    ) -> None:
        self.factor = factor
        self.fill_mode = fill_mode
        self.fill_value = fill_value

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is unless the factor is 0."""
        return self.factor > 0

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory and the coordinates of pixels about the centre."""
        super().allocate(batch_size, dtype, rng)
        height, width, _ = self.input_shape_
        down, across = np.indices((height, width)).reshape(2, -1)
        down, across = down - (height - 1) / 2, across - (width - 1) / 2
        # Row and column of the pixel that is seen at a place are (cos, sin, 1) times these.
        ones = np.ones(height * width)
        rows = [down, across, (height - 1) / 2 * ones]
        columns = [across, -down, (width - 1) / 2 * ones]
        self._grids = np.array([rows, columns], dtype)
        # Where each framed image of a batch begins.
        self._firsts = np.arange(batch_size)[:, None] * ((height + 2) * (width + 2))

    def _draw(self, shape):
        angle = self._uniform(shape[:1])
        angle *= 4 * np.pi * float(self.factor)
        angle -= 2 * np.pi * float(self.factor)
        turns = self._work("turns", (shape[0], 3))
        np.cos(angle, out=turns[:, 0], casting="same_kind")
        np.sin(angle, out=turns[:, 1], casting="same_kind")
        turns[:, 2] = 1.0
        self._look_up(turns, shape)

    def _look_up(self, turns, shape):
        """Find the pixel above and left of each place, and the place's distance from it."""
        n_samples, height, width, _ = shape
        places = n_samples, height * width
        index = self._work("index", places, np.intp)
        pixel, distances = self._work("pixel", places), []
        index[...] = self._firsts[:n_samples]
        steps = (height, width + 2), (width, 1)
        for name, grid, (length, step) in zip(("down", "across"), self._grids, steps, strict=True):
            place = np.matmul(turns, grid, out=self._work(name, places))
            # In the framed image, whose border is what is seen from any place further out.
            place += 1.0
            np.clip(place, 0.0, length + 1.0, out=place)
            np.floor(place, out=pixel)
            np.minimum(pixel, float(length), out=pixel)
            place -= pixel
            pixel *= step
            np.add(index, pixel, out=index, casting="unsafe")
            distances.append(place.reshape(-1, 1))
        self._index, self._distances = index.reshape(-1), distances

    def _corners(self, framed):
        """View the pixels of framed images from each of the four corners of a square."""
        pixels = framed.reshape(-1, framed.shape[-1])
        width = framed.shape[2]
        return pixels, pixels[1:], pixels[width:], pixels[width + 1 :]

    def _change(self, x):
        corners = self._corners(self._frame(x, (1, 1)))
        down, across = self._distances
        shape = len(self._index), x.shape[-1]
        values = []
        for name, pixels in zip(("out", "right", "below", "opposite"), corners, strict=True):
            value = self._work(name, x.shape).reshape(shape)
            # Another mode would make a copy of the output.
            np.take(pixels, self._index, axis=0, out=value, mode="clip")
            values.append(value)
        out, right, below, opposite = values
        for start, end, way in (
            (out, right, across),
            (below, opposite, across),
            (out, below, down),
        ):
            end -= start
            end *= way
            start += end
        return out.reshape(x.shape)

    def _undo(self, grad_output):
        n_samples, height, width, channels = grad_output.shape
        framed = self._work("grad_framed", (n_samples, height + 2, width + 2, channels))
        framed[...] = 0.0
        down, across = self._distances
        share = self._work("share", grad_output.shape).reshape(-1, channels)
        part = self._work("part", grad_output.shape).reshape(-1, channels)
        grad = grad_output.reshape(share.shape)
        corners = self._corners(framed)
        for is_below in (False, True):
            np.multiply(grad, down, out=share)
            if not is_below:
                np.subtract(grad, share, out=share)
            right = np.multiply(share, across, out=part)
            self._add(corners[2 * is_below + 1], right)
            self._add(corners[2 * is_below], np.subtract(share, right, out=part))
        return self._unframe(framed, (1, 1))

    def _add(self, pixels, values):
        for channel in range(pixels.shape[1]):
            np.add.at(pixels[:, channel], self._index, values[:, channel])
