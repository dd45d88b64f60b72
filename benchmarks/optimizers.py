"""Time of one Adam update: sknet, scikit-learn and, where installed, PyTorch's fused Adam."""

import os
import time

import numpy as np
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from sknet.optimizers import Adam, Group

try:
    import torch
except ImportError:
    torch = None

SIZES = (2_000, 30_000, 500_000, 2_000_000)
SECONDS = 0.4  # spent on each number
RATE = 1e-3


def best_of(update):
    """Return the shortest time of one call, in microseconds."""
    times, end = [], time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        update()
        times.append(time.perf_counter() - start)
    return 1e6 * min(times)


def sknet_update(params, grads):
    """Return a call that makes one update with sknet."""
    optimizer = Adam()
    optimizer.build(params, [Group(slice(0, len(params)), 1.0, True)])
    return lambda: optimizer.update(params, grads, RATE)


def sklearn_update(params, grads):
    """Return a call that makes one update with scikit-learn."""
    optimizer = AdamOptimizer([params], RATE)
    return lambda: optimizer.update_params([params], [grads])


def torch_update(params, grads):
    """Return a call that makes one update with PyTorch's fused Adam."""
    parameter = torch.nn.Parameter(torch.from_numpy(params))
    parameter.grad = torch.from_numpy(grads)
    return torch.optim.Adam([parameter], lr=RATE, fused=True).step


def main():
    """Print the table."""
    rivals = {"scikit-learn": sklearn_update}
    if torch is not None:
        torch.set_num_threads(os.cpu_count())
        rivals["torch fused"] = torch_update
    print("Microseconds per Adam update, best of many; in brackets: times sknet's.")
    print(f"{'dtype':8}{'size':>10}{'sknet':>10}" + "".join(f"{name:>18}" for name in rivals))
    for dtype in (np.float32, np.float64):
        for size in SIZES:
            params, grads = np.random.default_rng(0).normal(size=(2, size)).astype(dtype)
            ours = best_of(sknet_update(params.copy(), grads.copy()))
            row = f"{np.dtype(dtype).name:8}{size:>10,}{ours:>10.1f}"
            for make in rivals.values():
                theirs = best_of(make(params.copy(), grads.copy()))
                row += f"{theirs:>10.1f} ({theirs / ours:4.1f})"
            print(row)


if __name__ == "__main__":
    main()
