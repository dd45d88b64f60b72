"""The arithmetic of convolution for any number of axes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ... import kernels
from ...base import Workspace
from ...blas import side_by_side
from ...kernels.numpy_kernels.correlation import as_matrix, pieces, windows_of
from ...lanes import is_in_lane
from ...typing import Array
from .windows import Windows, fill_border, interior

#: Parts of a batch for threads, always as many, so that the bits do not depend on the threads.
N_LANES = 4
#: Multiply-adds of a call from which threads gain more than waking them costs.
_MANY = 2**21
#: Channels that a product of matrices should have; smaller groups are bundled.
_FEW_CHANNELS = 16


class Correlation:
    """Products of a kernel with the windows of arrays that are padded already.

    out[n, o, f] = sum over j, c of padded[n, o strides + j dilation, c] kernel[j, c, f], where
    o and j run over all axes.

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

    def __init__(self, windows: Windows, n_groups: int = 1, n_channels: int = 1) -> None:
        self.windows = windows
        #: Whether `unpadded_gradient` is there: the gradient of the inputs by turning the kernel.
        self.can_turn: bool = n_groups == 1 and set(windows.strides) == {1}
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
        kernel = np.ascontiguousarray(self._bundle(kernel))

        def run(samples, lane):
            for channels, filters in self._groups(kernel):
                kernels.correlate(
                    *(padded[samples][..., channels], kernel[..., filters]),
                    *(out[samples][..., filters], self.windows.strides, self.windows.dilation),
                    scratch_of(work, lane),
                )

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
        total = np.zeros_like(self._bundle(out))
        totals = scratch(work, "totals", (N_LANES, *total.shape))

        def run(samples, lane):
            for channels, filters in self._groups(total):
                kernels.correlate_gradient(
                    *(padded[samples][..., channels], grad[samples][..., filters]),
                    *(totals[lane][..., filters], self.windows.strides, self.windows.dilation),
                    scratch_of(work, lane),
                )

        n_lanes = share_out(run, len(grad), grad.size * total[..., 0].size)
        np.sum(totals[:n_lanes], axis=0, out=total)
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
        if self.can_turn:
            self.unpadded_gradient(grad, kernel, [(0, 0)] * (out.ndim - 2), out, work)
            return
        kernel = self._bundle(kernel)
        taps = list(np.ndindex(*self.windows.size))
        view = windows_of(
            out, grad.shape, self.windows.size, self.windows.strides, self.windows.dilation
        )

        def run(samples, lane):
            out[samples] = 0.0
            for piece in pieces(view[samples][(..., *taps[0], slice(None))]):
                for channels, filters in self._groups(kernel):
                    target = view[samples][piece][..., channels]
                    rows = as_matrix(grad[samples][piece][..., filters])
                    for tap in taps:
                        part = target[(..., *tap, slice(None))]
                        term = scratch(work, f"columns {lane}", part.shape)
                        weights = kernel[(*tap, slice(None), filters)]
                        np.matmul(rows, weights.T, out=as_matrix(term))
                        part += term

        share_out(run, len(out), grad.size * kernel[..., 0].size)

    def unpadded_gradient(
        self, grad: Array, kernel: Array, amounts: Any, out: Array | None, work: Workspace
    ) -> None:
        """Compute the gradient of what was padded by some amounts, for strides of 1.

        It is the products of the padded gradient with the kernel turned round.
        """
        padded = padded_gradient(self.windows, grad, amounts, work)
        turned = np.flip(kernel, tuple(range(kernel.ndim - 2))).swapaxes(-1, -2)
        self.correlate(padded, turned, out, work)

    def _groups(self, kernel):
        """Yield the channels and the filters of each group, as slices."""
        n_channels, n_filters = kernel.shape[-2], kernel.shape[-1] // self.n_groups
        for group in range(self.n_groups):
            yield (
                slice(group * n_channels, (group + 1) * n_channels),
                slice(group * n_filters, (group + 1) * n_filters),
            )

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


def share_out(run: Any, n_samples: int, n_products: Any) -> int:
    """Call run(samples, lane) for parts of a batch; return for how many."""
    # A lane of another layer's does all by itself: one memory for its pieces stays in the cache.
    n_lanes = N_LANES if n_products > _MANY and not is_in_lane() else 1
    bounds = [n_samples * lane // n_lanes for lane in range(n_lanes + 1)]
    side_by_side(lambda lane: run(slice(bounds[lane], bounds[lane + 1]), lane), n_lanes)
    return n_lanes


def padded_gradient(windows: Windows, grad: Array, amounts: Any, work: Workspace) -> Array:
    """Return the gradient of products, padded for a kernel that is turned round."""
    amounts = [(n - 1 - a, n - 1 - b) for n, (a, b) in zip(windows.span, amounts, strict=True)]
    if not any(map(any, amounts)):
        return grad
    lengths = [n + a + b for n, (a, b) in zip(grad.shape[1:-1], amounts, strict=True)]
    padded = work("padded_grad", (len(grad), *lengths, grad.shape[-1]))
    fill_border(padded, amounts, 0.0)
    padded[interior(amounts, padded)] = grad
    return padded


def scratch_of(work: Workspace, lane: Any) -> Any:
    """Return scratch memory of one lane, by name and shape."""
    return lambda name, shape: scratch(work, f"{name} {lane}", shape)


def scratch(work: Workspace, name: str, shape: tuple[int, ...]) -> Array:
    # A Workspace makes its arrays for the whole batch along the first axis; these are smaller.
    size = prod(shape)
    return work(name, (max(size, work.n_rows),))[:size].reshape(shape)
