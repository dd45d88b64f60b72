"""Correlation of each channel with windows of its own, without products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels
from ...base import Workspace
from ...kernels.numpy_kernels.depthwise import correlate_channels, gradient_of_channels
from ...typing import Array
from .correlation import N_LANES, share_out
from .windows import fill_border, interior


class DepthwiseCorrelation:
    """Products of a kernel with the windows of each channel alone; see `Correlation`.

    out[n, o, f] = sum over j of padded[n, o strides + j dilation, f // M] kernel[j, 0, f], where
    M filters see each channel.

    Parameters
    ----------
    windows : Windows
        Geometry of the windows; what it says of padding is left to the caller.
    """

    def __init__(self, windows: Any) -> None:
        self.windows = windows
        #: Whether `unpadded_gradient` is there: the gradient of the inputs by turning the kernel.
        self.can_turn = set(windows.strides) == {1}

    def correlate(self, padded: Array, kernel: Array, out: Array | None, work: Workspace) -> None:
        """Compute the products of all windows with the kernel; see `Correlation.correlate`."""
        self._correlate(self._repeated(padded, out.shape[-1], work), kernel, out)

    def _correlate(self, wide, kernel, out):
        run, kernel = self._with_kernels(correlate_channels, "depthwise"), kernel[..., 0, :]
        share_out(
            lambda samples, lane: run(wide[samples], kernel, out[samples]),
            len(out),
            out.size * kernel[..., 0].size,
        )

    def kernel_gradient(
        self, padded: Array, grad: Array, out: Array | None, work: Workspace
    ) -> None:
        """Compute the gradient of the kernel; see `Correlation.kernel_gradient`."""
        wide = self._repeated(padded, grad.shape[-1], work)
        totals = work("totals", (N_LANES, *self.windows.size, grad.shape[-1]))
        totals[...] = 0.0
        run = self._with_kernels(gradient_of_channels, "depthwise_gradient")
        share_out(
            lambda samples, lane: run(wide[samples], grad[samples], totals[lane]),
            len(grad),
            grad.size * out[..., 0].size,
        )
        np.sum(totals, axis=0, out=out[..., 0, :])

    def _with_kernels(self, in_numpy, name):
        """Return a function of inputs, kernel or gradient, and result; compiled up to two axes."""
        windows, compiled = self.windows, getattr(kernels, name)
        if len(windows.size) > 2:
            return lambda *arrays: in_numpy(*arrays, windows.strides, windows.dilation)
        if len(windows.size) == 2:
            return lambda *arrays: compiled(*arrays, *windows.strides, *windows.dilation)
        (stride,), (dilation,) = windows.strides, windows.dilation

        def run(x, other, result):  # steps are images of one row, as is the kernel
            arrays = (np.expand_dims(array, -3) for array in (x, other, result))
            compiled(*arrays, *(1, stride, 1, dilation))

        return run

    def input_gradient(
        self, grad: Array, kernel: Array, out: Array | None, work: Workspace
    ) -> None:
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

    def unpadded_gradient(
        self, grad: Array, kernel: Array, amounts: Any, out: Array | None, work: Workspace
    ) -> None:
        """Compute the gradient of what was padded; see `MinimalCorrelation.unpadded_gradient`."""
        spans = self.windows.span
        amounts = [(n - 1 - a, n - 1 - b) for n, (a, b) in zip(spans, amounts, strict=True)]
        lengths = [n + a + b for n, (a, b) in zip(grad.shape[1:-1], amounts, strict=True)]
        padded = work("padded_grad", (len(grad), *lengths, grad.shape[-1]))
        fill_border(padded, amounts, 0.0)
        padded[interior(amounts, padded)] = grad
        wide = self._room_for_repeated(out, grad.shape[-1], work)
        turned = np.ascontiguousarray(np.flip(kernel, tuple(range(kernel.ndim - 2))))
        self._correlate(padded, turned, wide)
        self._add_up(wide, out)

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
