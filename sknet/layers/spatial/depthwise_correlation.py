"""Correlation of each channel with windows of its own, without products of matrices."""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .correlation import N_LANES, share_out
from .windows import fill_border, interior

#: Elements of one piece: what is read again for each element of the kernel stays in the cache.
_PIECE_ELEMENTS = 2**16


class DepthwiseCorrelation:
    """Products of a kernel with the windows of each channel alone; see `Correlation`.

    out[n, o, f] = sum over j of padded[n, o strides + j dilation, f // M] kernel[j, 0, f], where
    M filters see each channel. One pass over the data for each element of the kernel multiplies
    and adds. Along the last axis, neighbouring elements and their channels make one long row of
    memory, for which the kernel is repeated.

    Parameters
    ----------
    windows : Windows
        Geometry of the windows; what it says of padding is left to the caller.
    """

    def __init__(self, windows):
        self.windows = windows
        #: Whether `unpadded_gradient` is there: the gradient of the inputs by turning the kernel.
        self.can_turn = set(windows.strides) == {1}
        # Only without strides do windows along the last axis lie next to each other.
        self._joins = windows.strides[-1] == 1
        n_axes = len(windows.size)
        self._taps = "ijk"[:n_axes]
        self._places = "abc"[: n_axes - 1] + ("" if self._joins else "w")

    def correlate(self, padded, kernel, out, work):
        """Compute the products of all windows with the kernel; see `Correlation.correlate`."""
        self._correlate(self._repeated(padded, out.shape[-1], work), kernel, out)

    def _correlate(self, wide, kernel, out):
        windows, rows = self._windows_of(wide, out.shape), self._rows(out)
        weights = self._for_rows(kernel, out.shape)
        sums = f"n{self._places_of_taps}f,{self._taps}f->n{self._places}f"

        def run(samples, lane):
            for piece in self._pieces(rows, samples):
                np.einsum(sums, windows[piece], weights, out=rows[piece])

        share_out(run, len(out), out.size * weights[..., 0].size)

    def kernel_gradient(self, padded, grad, out, work):
        """Compute the gradient of the kernel; see `Correlation.kernel_gradient`."""
        wide = self._repeated(padded, grad.shape[-1], work)
        windows, rows = self._windows_of(wide, grad.shape), self._rows(grad)
        totals = work("totals", (N_LANES, *self.windows.size, rows.shape[-1]))
        totals[...] = 0.0
        sums = f"n{self._places_of_taps}f,n{self._places}f->{self._taps}f"

        def run(samples, lane):
            for piece in self._pieces(rows, samples):
                totals[lane] += np.einsum(sums, windows[piece], rows[piece])

        share_out(run, len(grad), grad.size * out[..., 0].size)
        total = totals.sum(axis=0)
        np.sum(total.reshape(*self.windows.size, -1, grad.shape[-1]), axis=-2, out=out[..., 0, :])

    def input_gradient(self, grad, kernel, out, work):
        """Compute the gradient of the padded array; see `Correlation.input_gradient`."""
        if self.can_turn:
            self.unpadded_gradient(grad, kernel, [(0, 0)] * (out.ndim - 2), out, work)
            return
        wide = self._room_for_repeated(out, grad.shape[-1], work)
        wide[...] = 0.0
        term = work("term", grad.shape)
        for tap in np.ndindex(*self.windows.size):
            starts = [i * d for i, d in zip(tap, self.windows.dilation, strict=True)]
            places = zip(starts, grad.shape[1:-1], self.windows.strides, strict=True)
            target = wide[(slice(None), *(slice(a, a + n * s, s) for a, n, s in places))]
            target += np.multiply(grad, kernel[(*tap, 0)], out=term)
        self._add_up(wide, out)

    def unpadded_gradient(self, grad, kernel, amounts, out, work):
        """Compute the gradient of what was padded; see `MinimalCorrelation.unpadded_gradient`."""
        spans = self.windows.span
        amounts = [(n - 1 - a, n - 1 - b) for n, (a, b) in zip(spans, amounts, strict=True)]
        lengths = [n + a + b for n, (a, b) in zip(grad.shape[1:-1], amounts, strict=True)]
        padded = work("padded_grad", (len(grad), *lengths, grad.shape[-1]))
        fill_border(padded, amounts, 0.0)
        padded[interior(amounts, padded)] = grad
        wide = self._room_for_repeated(out, grad.shape[-1], work)
        self._correlate(padded, np.flip(kernel, tuple(range(kernel.ndim - 2))), wide)
        self._add_up(wide, out)

    @property
    def _places_of_taps(self):
        # In the order of `_windows_of`, where an axis that is not joined stands after the taps.
        n_joined = len(self._taps) - 1
        return self._places[:n_joined] + self._taps + self._places[n_joined:]

    def _windows_of(self, x, shape):
        """View the windows as an array of shape (N, ..., *size, [W,] elements of a row)."""
        steps, item = x.strides[1:-1], x.strides[-1]
        strides = [s * n for s, n in zip(self.windows.strides, steps, strict=True)]
        taps = [d * n for d, n in zip(self.windows.dilation, steps, strict=True)]
        counts, channels = shape[1:-1], x.shape[-1]
        last = (counts[-1] * channels,) if self._joins else (counts[-1], channels)
        of_last = (item,) if self._joins else (strides[-1], item)
        return as_strided(
            x,
            (len(x), *counts[:-1], *self.windows.size, *last),
            (x.strides[0], *strides[:-1], *taps, *of_last),
        )

    def _rows(self, x):
        """View products in the same way."""
        return x.reshape(*x.shape[:-2], -1) if self._joins else x

    def _for_rows(self, kernel, shape):
        """Return the kernel, repeated for the elements of a row."""
        kernel = kernel[..., 0, :]
        return np.tile(kernel, shape[-2]) if self._joins else kernel

    def _repeated(self, x, n_filters, work):
        """Return x with each channel as often as there are filters that see it."""
        if x.shape[-1] == n_filters:
            return np.ascontiguousarray(x)
        wide = self._room_for_repeated(x, n_filters, work)
        wide.reshape(*x.shape, -1)[...] = x[..., None]
        return wide

    def _room_for_repeated(self, x, n_filters, work):
        same = x.shape[-1] == n_filters
        return x if same else work("repeated", (*x.shape[:-1], n_filters))

    def _add_up(self, wide, out):
        """Add up what the filters of each channel contribute."""
        if wide is not out:
            np.sum(wide.reshape(*out.shape, -1), axis=-1, out=out)

    def _pieces(self, rows, samples):
        """Yield the indices of pieces: of some samples, or of a part of one along its rows."""
        of_sample, n_first = rows[0].size, rows.shape[1]
        n_together = max(1, _PIECE_ELEMENTS // of_sample)
        length = max(1, n_first * _PIECE_ELEMENTS // of_sample)
        for start in range(samples.start, samples.stop, n_together):
            part = slice(start, min(start + n_together, samples.stop))
            if n_together > 1 or len(self._taps) == 1:
                yield (part,)
                continue
            for first in range(0, n_first, length):
                yield part, slice(first, first + length)
