"""Correlation of each channel with windows of its own, without products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels
from ...base import Workspace
from ...typing import Array
from .correlation import N_LANES, padded_gradient, share_out


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
        kernel, geometry = kernel[..., 0, :], (self.windows.strides, self.windows.dilation)
        share_out(
            lambda part, lane: kernels.depthwise(wide[part], kernel, out[part], *geometry),
            len(out),
            out.size * kernel[..., 0].size,
        )

    def kernel_gradient(
        self, padded: Array, grad: Array, out: Array | None, work: Workspace
    ) -> None:
        """Compute the gradient of the kernel; see `Correlation.kernel_gradient`."""
        wide = self._repeated(padded, grad.shape[-1], work)
        totals = work("totals", (N_LANES, *self.windows.size, grad.shape[-1]))

        def run(part, lane):
            geometry = self.windows.strides, self.windows.dilation
            kernels.depthwise_gradient(wide[part], grad[part], totals[lane], *geometry)

        n_lanes = share_out(run, len(grad), grad.size * out[..., 0].size)
        np.sum(totals[:n_lanes], axis=0, out=out[..., 0, :])

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
        padded = padded_gradient(self.windows, grad, amounts, work)
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
