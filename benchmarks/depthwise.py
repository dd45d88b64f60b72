"""Milliseconds of a depthwise convolution, forward and backward: sknet and, if there, PyTorch.

Both run on one thread, on 32 images of 32 x 32 pixels and 64 channels in float32, windows of
3 x 3. Run: OMP_NUM_THREADS=1 python benchmarks/depthwise.py
"""

import time

import numpy as np

from sknet.layers import DepthwiseConv2D
from sknet.network import Network
from sknet.settings import single_threaded_blas

try:
    import torch
except ImportError:
    torch = None

N, SIDE, CHANNELS, SECONDS = 32, 32, 64, 3.0


def best_of(call):
    """Return the shortest time of one call, in milliseconds."""
    times, end = [], time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def sknet_calls():
    """Return the forward pass, and both passes."""
    shape = SIDE, SIDE, CHANNELS
    x = np.random.default_rng(0).normal(size=(N, *shape)).astype(np.float32)
    grad = np.ones_like(x)
    network = Network(DepthwiseConv2D(3, padding="same"), shape, np.float32)
    replica = network.replica(N, None, np.zeros_like(network.params))

    def both():
        replica.forward(x, training=True)
        replica.layer.backward(grad)

    return lambda: replica.forward(x, training=True), both


def torch_calls(memory_format):
    """Return the same with PyTorch."""
    torch.set_num_threads(1)
    layer = torch.nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=CHANNELS)
    layer = layer.to(memory_format=memory_format)
    shape = N, CHANNELS, SIDE, SIDE
    x, grad = (torch.randn(shape).to(memory_format=memory_format) for _ in range(2))
    x.requires_grad_()

    def both():
        layer.zero_grad()
        x.grad = None
        layer(x).backward(grad)

    return lambda: layer(x), both


def main():
    """Print a table."""
    rows = {"sknet": sknet_calls()}
    if torch is not None:
        rows["PyTorch, channels first"] = torch_calls(torch.contiguous_format)
        rows["PyTorch, channels last"] = torch_calls(torch.channels_last)
    print(f"{'':26} forward  both")
    for name, calls in rows.items():
        with single_threaded_blas():
            print(f"{name:26} {best_of(calls[0]):7.1f} {best_of(calls[1]):5.1f}", flush=True)


if __name__ == "__main__":
    main()
