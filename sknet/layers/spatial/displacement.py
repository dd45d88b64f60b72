"""Layers that move the pixels of images while a network trains."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import Interval, StrOptions

from ...typing import Shape
from .augmentation import Augmentation
from .windows import fill_border, interior

_FRACTION = [Interval(Real, 0, 1, closed="both")]


class _Displacement(Augmentation):
    """Pixels that move, and what is seen where none comes from."""

    _parameter_constraints = {
        "fill_mode": [StrOptions({"constant", "nearest", "reflect"})],
        "fill_value": [Interval(Real, None, None, closed="neither")],
    }

    def _frame(self, x, margins):
        """Return x with a border, filled as the parameters say."""
        if self.fill_mode != "constant":
            return self._mirror(x, margins)
        n_samples, height, width, channels = x.shape
        top, left = margins
        framed = self._work("framed", (n_samples, height + 2 * top, width + 2 * left, channels))
        amounts = [(margin, margin) for margin in margins]
        framed[interior(amounts, framed)] = x
        fill_border(framed, amounts, float(self.fill_value))
        return framed

    def _mirror(self, x, margins):
        """Return x with a border of what is seen from there, one axis after the other."""
        for axis, margin in enumerate(margins, start=1):
            shape = list(x.shape)
            shape[axis] += 2 * margin
            longer = self._work(f"longer_{axis}", tuple(shape))
            # Views in which axis 1 is the one that gets longer.
            lines, new_lines = x.swapaxes(1, axis), longer.swapaxes(1, axis)
            np.copyto(new_lines[:, margin : margin + lines.shape[1]], lines)
            for place, seen in self._borders(lines.shape[1], margin):
                np.copyto(new_lines[:, place], lines[:, seen])
            x = longer
        return x

    def _unframe(self, framed, margins):
        """Return the gradient of what `_frame` was given from that of what it returned."""
        for axis, margin in reversed(list(enumerate(margins, start=1))):
            shape = list(framed.shape)
            shape[axis] -= 2 * margin
            inner = self._work(f"inner_{axis}", tuple(shape))
            lines, inner_lines = framed.swapaxes(1, axis), inner.swapaxes(1, axis)
            np.copyto(inner_lines, lines[:, margin : margin + shape[axis]])
            if self.fill_mode != "constant":
                for place, seen in self._borders(shape[axis], margin):
                    target = inner_lines[:, seen]
                    np.add(target, lines[:, place], out=target)
            framed = inner
        return framed

    def _borders(self, length, margin):
        """Yield the places before and after the image, and for each the line seen there."""
        for i in range(margin):
            mirrored = i if self.fill_mode == "reflect" else 0
            yield margin - 1 - i, mirrored
            yield margin + length + i, length - 1 - mirrored


class _Transformation(_Displacement):
    """Pixels that come from places which an affine map finds, with bilinear interpolation.

    The place that is seen at (down, across), both counted from the centre of an image, is
    rows @ (down, across, 1) down and columns @ (down, across, 1) across. Subclasses draw the
    coefficients in `_coefficients`.
    """

    def allocate(self, batch_size: int, dtype: DTypeLike, rng: np.random.Generator | None) -> None:
        """Prepare scratch memory and the coordinates of pixels about the centre."""
        super().allocate(batch_size, dtype, rng)
        height, width, _ = self.input_shape_
        down, across = np.indices((height, width)).reshape(2, -1)
        down, across = down - (height - 1) / 2, across - (width - 1) / 2
        self._grid = np.array([down, across, np.ones(height * width)], dtype)
        # Where each framed image of a batch begins.
        self._firsts = np.arange(batch_size)[:, None] * ((height + 2) * (width + 2))

    def _draw(self, shape):
        n_samples, height, width, _ = shape
        coefficients = self._work("coefficients", (n_samples, 2, 3))
        coefficients[...] = 0.0
        self._coefficients(coefficients[:, 0], coefficients[:, 1], shape)
        coefficients[:, :, 2] += (height - 1) / 2, (width - 1) / 2
        self._look_up(coefficients, shape)

    def _look_up(self, coefficients, shape):
        """Find the pixel above and left of each place, and the place's distance from it."""
        n_samples, height, width, _ = shape
        places = n_samples, height * width
        index = self._work("index", places, np.intp)
        pixel, distances = self._work("pixel", places), []
        index[...] = self._firsts[:n_samples]
        steps = (height, width + 2), (width, 1)
        for axis, (name, (length, step)) in enumerate(zip(("down", "across"), steps, strict=True)):
            place = self._work(name, places)
            np.matmul(coefficients[:, axis], self._grid, out=place)
            if self.fill_mode == "reflect":
                _fold(place, length, pixel)
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


def _fold(place, length, spare):
    """Bring places to between -1/2 and length - 1/2, as mirrors at both ends do."""
    place += 0.5
    np.mod(place, 2.0 * length, out=place)
    np.subtract(2.0 * length, place, out=spare)
    np.minimum(place, spare, out=place)
    place -= 0.5


class RandomTranslation(_Transformation):
    """Shift each image while training.

    Height and width are shifted independently, by every whole number of pixels up to
    round(factor x size) in either direction with the same probability; with `fractional`, by
    any number up to factor x size, with bilinear interpolation. Input shape (H, W, C), output
    shape the same. At inference nothing happens.

    Parameters
    ----------
    height_factor : float, default=0.1
        Largest shift up or down, as a fraction of the height, in [0, 1].
    width_factor : float, default=0.1
        Largest shift left or right, as a fraction of the width, in [0, 1].
    fill_mode : {"constant", "nearest", "reflect"}, default="constant"
        What fills the space beyond the edges: `fill_value`, the pixel at the edge, or the
        mirror image.
    fill_value : float, default=0.0
        Value of pixels beyond the edges.
    fractional : bool, default=False
        Whether to shift by fractions of pixels, too.

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
        "height_factor": _FRACTION,
        "width_factor": _FRACTION,
        "fractional": ["boolean"],
    }

    def __init__(
        self,
        height_factor: float = 0.1,
        width_factor: float = 0.1,
        fill_mode: str = "constant",
        *,
        fill_value: float = 0.0,
        fractional: bool = False,
    ) -> None:
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.fractional = fractional

    def build(self, input_shape: Shape) -> Shape:
        """Take images; there are no weights."""
        output_shape = super().build(input_shape)
        factors = float(self.height_factor), float(self.width_factor)
        pairs = zip(factors, input_shape[:-1], strict=True)
        self._largest = tuple(factor * n for factor, n in pairs)
        self._margins = tuple(map(round, self._largest))
        return output_shape

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is unless both factors are 0."""
        return max(self.height_factor, self.width_factor) > 0

    def _coefficients(self, rows, columns, shape):
        shifts = self._uniform((shape[0], 2))
        shifts *= 2.0
        shifts -= 1.0
        rows[:, 0] = columns[:, 1] = 1.0
        shifts *= self._largest
        rows[:, 2], columns[:, 2] = shifts.T

    def _draw(self, shape):
        if self.fractional:
            super()._draw(shape)
            return
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
        if self.fractional:
            return super()._change(x)
        out = self._work("out", x.shape)
        for target, seen in zip(out, self._windows(self._frame(x, self._margins)), strict=True):
            target[...] = seen
        return out

    def _undo(self, grad_output):
        if self.fractional:
            return super()._undo(grad_output)
        (top, left), (n_samples, height, width, channels) = self._margins, grad_output.shape
        shape = n_samples, height + 2 * top, width + 2 * left, channels
        framed = self._work("grad_framed", shape)
        framed[...] = 0.0
        for grad, seen in zip(grad_output, self._windows(framed), strict=True):
            seen[...] = grad
        return self._unframe(framed, self._margins)


class RandomRotation(_Transformation):
    """Rotate each image about its centre while training, with bilinear interpolation.

    Angles are uniform between -factor and factor of a full turn; positive ones turn
    counterclockwise. Input shape (H, W, C), output shape the same. At inference nothing
    happens.

    Parameters
    ----------
    factor : float, default=0.1
        Largest angle, as a fraction of a full turn, in [0, 1].
    fill_mode : {"constant", "nearest", "reflect"}, default="constant"
        What fills the space beyond the edges: `fill_value`, the nearest pixel, or the mirror
        image.
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
        "factor": _FRACTION,
    }

    def __init__(
        self, factor: float = 0.1, fill_mode: str = "constant", *, fill_value: float = 0.0
    ) -> None:
        self.factor = factor
        self.fill_mode = fill_mode
        self.fill_value = fill_value

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is unless the factor is 0."""
        return self.factor > 0

    def _coefficients(self, rows, columns, shape):
        angle = self._uniform(shape[:1])
        angle *= 4 * np.pi * float(self.factor)
        angle -= 2 * np.pi * float(self.factor)
        np.cos(angle, out=rows[:, 0], casting="same_kind")
        np.sin(angle, out=rows[:, 1], casting="same_kind")
        columns[:, 1] = rows[:, 0]
        np.negative(rows[:, 1], out=columns[:, 0])


class RandomZoom(_Transformation):
    """Zoom in or out of the centre of each image while training, with bilinear interpolation.

    Height and width of what is seen are multiplied by 1 + z, where z is uniform between
    -factor and factor: positive ones zoom out. Input shape (H, W, C), output shape the same.
    At inference nothing happens.

    Parameters
    ----------
    height_factor : float, default=0.1
        Largest z of the height, in [0, 1).
    width_factor : float, default=None
        Largest z of the width, which is then drawn by itself, in [0, 1). None takes the z of
        the height, which keeps the aspect ratio.
    fill_mode : {"constant", "nearest", "reflect"}, default="constant"
        What fills the space beyond the edges: `fill_value`, the nearest pixel, or the mirror
        image.
    fill_value : float, default=0.0
        Value of pixels beyond the edges.

    References
    ----------
    Shorten and Khoshgoftaar (2019), A survey on image data augmentation for deep learning,
    Journal of Big Data 6, :doi:`10.1186/s40537-019-0197-0`.

    Examples
    --------
    >>> from sknet.layers import Flatten, RandomZoom, Reshape, Sequential
    >>> images = Sequential([Reshape((8, 8, 1)), RandomZoom(0.2), Flatten()])
    """

    _parameter_constraints = {
        **_Displacement._parameter_constraints,
        "height_factor": [Interval(Real, 0, 1, closed="left")],
        "width_factor": [Interval(Real, 0, 1, closed="left"), None],
    }

    def __init__(
        self,
        height_factor: float = 0.1,
        width_factor: Any = None,
        fill_mode: str = "constant",
        *,
        fill_value: float = 0.0,
    ) -> None:
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.fill_mode = fill_mode
        self.fill_value = fill_value

    @property
    def is_stochastic(self) -> bool:
        """Whether the training output is random: it is unless both factors are 0."""
        return max(self.height_factor, self.width_factor or 0) > 0

    def _coefficients(self, rows, columns, shape):
        height = float(self.height_factor)
        width = height if self.width_factor is None else float(self.width_factor)
        uniform = self._uniform((shape[0], 2))
        uniform *= 2.0
        uniform -= 1.0
        rows[:, 0] = uniform[:, 0]
        columns[:, 1] = uniform[:, 0 if self.width_factor is None else 1]
        for part, factor in ((rows[:, 0], height), (columns[:, 1], width)):
            part *= factor
            part += 1.0
