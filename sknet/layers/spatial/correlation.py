"""The arithmetic of convolution for any number of axes, a cache-sized piece at a time."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...base import Workspace
from ...blas import side_by_side
from ...lanes import is_in_lane
from ...typing import Array
from .windows import Windows

#: Elements of the columns of one piece: 512 KB in float32 stay in a core's cache. With kernels of
#: 3 x 3, pieces of 2**14 took 1.4 times as long, and larger ones than these were not faster.
_PIECE_ELEMENTS = 2**17
#: Parts of a batch for threads, always as many, so that the bits do not depend on the threads.
N_LANES = 4
#: Multiply-adds of a call from which threads gain more than waking them costs.
_MANY = 2**21
#: Elements in a row of memory from which columns are copied window by window.
_LONG_RUN = 16
#: Channels that a product of matrices should have; smaller groups are bundled.
_FEW_CHANNELS = 16


class Correlation:
    """Products of a kernel with the windows of arrays that are padded already.

    out[n, o, f] = sum over j, c of padded[n, o strides + j dilation, c] kernel[j, c, f], where
    o and j run over all axes. The windows of a piece of the batch, a few samples or a part of
    one, are copied into columns, whose product with the kernel is one of matrices; the columns
    of the next piece take the same memory.

    Channels and filters are shared out between groups, so that the filters of a group see its
    channels only. Groups of few channels are bundled: a bundle is one group whose kernel is zero
    between the filters of one of its groups and the channels of another.

    Parameters
    ----------
    windows : Windows
        Geometry of the windows; what it says of padding is left to the caller.
    n_groups : int, default=1
        Number of groups.
    n_channels : int, default=1
        Number of channels of one group.
    """

    #: Whether `unpadded_gradient` is there: the gradient of the inputs by turning the kernel.
    can_turn = False

    def __init__(self, windows: Windows, n_groups: int = 1, n_channels: int = 1) -> None:
        self.windows = windows
        self.n_bundled: int = max(
            n
            for n in range(1, n_groups + 1)
            if n == 1 or (n_groups % n == 0 and n * n_channels <= _FEW_CHANNELS)
        )
        self.n_groups: int = n_groups // self.n_bundled

    def correlate(self, padded: Array, kernel: Array, out: Array, work: Workspace) -> None:
        """Compute the products of all windows with the kernel.

        Parameters
        ----------
        padded : ndarray of shape (N, ..., C)
            Where the windows slide.
        kernel : ndarray of shape (..., C / n_groups, filters)
            The kernel.
        out : ndarray of shape (N, ..., filters)
            One product a window and filter; written, contiguous.
        work : Workspace
            Gives the memory.
        """
        kernel = self._bundle(kernel)
        view = self._windows_of(padded, out.shape)

        def run(samples, lane):
            for piece in self._pieces(view, samples):
                for channels, filters in self._groups(kernel):
                    columns = self._columns(view[piece][..., channels], lane, work)
                    products = _matrix(out[piece])[:, filters]
                    np.matmul(columns, _matrix(kernel[..., filters]), out=products)

        share_out(run, len(out), out.size * kernel[..., 0].size)

    def kernel_gradient(self, padded: Array, grad: Array, out: Array, work: Workspace) -> None:
        """Compute the gradient of the kernel from that of the products.

        Parameters
        ----------
        padded : ndarray of shape (N, ..., C)
            Where the windows slid.
        grad : ndarray of shape (N, ..., filters)
            Gradient of the products, contiguous.
        out : ndarray of shape (..., C / n_groups, filters)
            Gradient of the kernel; written.
        work : Workspace
            Gives the memory.
        """
        view = self._windows_of(padded, grad.shape)
        total = np.zeros_like(self._bundle(out))
        totals = scratch(work, "totals", (N_LANES, *total.shape))
        totals[...] = 0.0

        def run(samples, lane):
            for piece in self._pieces(view, samples):
                for channels, filters in self._groups(total):
                    columns = self._columns(view[piece][..., channels], lane, work)
                    sums = _matrix(totals[lane][..., filters])
                    products = scratch(work, f"products {lane}", sums.shape)
                    np.matmul(columns.T, _matrix(grad[piece])[:, filters], out=products)
                    sums += products

        share_out(run, len(grad), grad.size * total[..., 0].size)
        np.sum(totals, axis=0, out=total)
        self._unbundle(total, out)

    def input_gradient(self, grad: Array, kernel: Array, out: Array, work: Workspace) -> None:
        """Compute the gradient of the padded array from that of the products.

        Parameters
        ----------
        grad : ndarray of shape (N, ..., filters)
            Gradient of the products, contiguous.
        kernel : ndarray of shape (..., C / n_groups, filters)
            The kernel.
        out : ndarray of shape (N, ..., C)
            Gradient of the padded array; written.
        work : Workspace
            Gives the memory.
        """
        kernel = self._bundle(kernel)
        taps = list(np.ndindex(*self.windows.size))
        view = self._windows_of(out, grad.shape)

        def run(samples, lane):
            out[samples] = 0.0
            for piece in self._pieces(view[(..., *taps[0], slice(None))], samples):
                for channels, filters in self._groups(kernel):
                    target, rows = view[piece][..., channels], _matrix(grad[piece])[:, filters]
                    for tap in taps:
                        part = target[(..., *tap, slice(None))]
                        term = scratch(work, f"columns {lane}", part.shape)
                        weights = kernel[(*tap, slice(None), filters)]
                        np.matmul(rows, weights.T, out=_matrix(term))
                        part += term

        share_out(run, len(out), grad.size * kernel[..., 0].size)

    def _windows_of(self, padded, shape):
        """View the windows as an array of shape (N, ..., *size, C)."""
        steps = padded.strides[1:-1]
        strides = [s * n for s, n in zip(self.windows.strides, steps, strict=True)]
        strides += [d * n for d, n in zip(self.windows.dilation, steps, strict=True)]
        return as_strided(
            padded,
            (*shape[:-1], *self.windows.size, padded.shape[-1]),
            (padded.strides[0], *strides, padded.strides[-1]),
        )

    def _pieces(self, view, samples):
        """Yield the indices of pieces of windows: of some samples, or of a part of one."""
        n_elements, n_first = prod(view.shape[1:]) // self.n_groups, view.shape[1]
        n_together = max(1, _PIECE_ELEMENTS // n_elements)
        length = -(-n_first // min(n_first, -(-n_elements // _PIECE_ELEMENTS)))
        for start in range(samples.start, samples.stop, n_together):
            for first in range(0, n_first, length):
                stop = min(start + n_together, samples.stop)
                yield slice(start, stop), slice(first, first + length)

    def _groups(self, kernel):
        """Yield the channels and the filters of each group, as slices."""
        n_channels, n_filters = kernel.shape[-2], kernel.shape[-1] // self.n_groups
        for group in range(self.n_groups):
            yield (
                slice(group * n_channels, (group + 1) * n_channels),
                slice(group * n_filters, (group + 1) * n_filters),
            )

    def _columns(self, windows, lane, work):
        """Return windows as a matrix with one window a row."""
        n_axes = len(self.windows.size)
        n_rows = prod(windows.shape[: n_axes + 1])
        if windows.flags.c_contiguous:  # those of one element
            return windows.reshape(n_rows, -1)
        if windows.shape[-1] * windows.shape[-2] >= _LONG_RUN:
            columns = scratch(work, f"columns {lane}", windows.shape)
            np.copyto(columns, windows)
            return columns.reshape(n_rows, -1)
        # Of few channels, whole planes of the image are copied.
        axes = (*range(n_axes + 1, 2 * n_axes + 2), *range(n_axes + 1))
        planes = windows.transpose(axes)
        columns = scratch(work, f"columns {lane}", planes.shape)
        np.copyto(columns, planes)
        return columns.reshape(-1, n_rows).T

    def _bundle(self, kernel):
        """Return the kernel of the bundles."""
        n = self.n_bundled
        if n == 1:
            return kernel
        bundles = np.zeros(
            (*kernel.shape[:-2], n * kernel.shape[-2], kernel.shape[-1]), kernel.dtype
        )
        for bundled, part in self._diagonal(bundles, kernel):
            bundled[...] = part
        return bundles

    def _unbundle(self, bundles, kernel):
        """Copy the kernel of the bundles to that of the groups."""
        if self.n_bundled == 1:
            kernel[...] = bundles
            return
        for bundled, part in self._diagonal(bundles, kernel):
            part[...] = bundled

    def _diagonal(self, bundles, kernel):
        """Yield the parts of the kernel, one for each place in a bundle, in both layouts."""
        n, n_taps = self.n_bundled, prod(self.windows.size)
        bundles = bundles.reshape(n_taps, n, kernel.shape[-2], self.n_groups, n, -1)
        kernel = kernel.reshape(n_taps, kernel.shape[-2], self.n_groups, n, -1)
        for place in range(n):
            yield bundles[:, place, :, :, place], kernel[:, :, :, place]


def share_out(run: Any, n_samples: int, n_products: Any) -> None:
    """Call run(samples, lane) for parts of a batch."""
    # A lane of another layer's does all by itself: one memory for its pieces stays in the cache.
    n_lanes = N_LANES if n_products > _MANY and not is_in_lane() else 1
    bounds = [n_samples * lane // n_lanes for lane in range(n_lanes + 1)]
    side_by_side(lambda lane: run(slice(bounds[lane], bounds[lane + 1]), lane), n_lanes)


def _matrix(array):
    """View an array of shape (..., C) as a matrix of rows."""
    return array.reshape(-1, array.shape[-1])


def scratch(work: Workspace, name: str, shape: tuple[int, ...]) -> Array:
    # A Workspace makes its arrays for the whole batch along the first axis; these are smaller.
    size = prod(shape)
    return work(name, (max(size, work.n_rows),))[:size].reshape(shape)
