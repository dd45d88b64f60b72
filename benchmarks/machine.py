"""What the figures were measured on, and how tables of them are printed."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import threadpool_info

import sknet

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "jax",
    "skorch",
    "catboost",
    "pytabkit",
)


def description():
    """Return one paragraph about the processor, the memory, the versions and the BLAS."""
    found = [f"sknet {sknet.__version__}", f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    kernels = {info["architecture"] for info in threadpool_info() if info.get("architecture")} or {
        "unknown"
    }
    cores = f"{n_cores()} core{'s' * (n_cores() > 1)}"
    told = os.environ.get("OPENBLAS_CORETYPE")
    told = f", as OPENBLAS_CORETYPE={told} asks for" if told else ""
    return (
        f"{_processor()}, {cores}{_memory()}; {platform.system()}; {', '.join(found)}; "
        f"BLAS with the kernels of {' and '.join(sorted(kernels))}{told}."
    )


def n_cores():
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    name = fields.get("model name", platform.machine())
    wide = "AVX-512" if "avx512f" in fields.get("flags", "") else "no AVX-512"
    return f"{name} ({wide})"


def _memory():
    try:
        return f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB"
    except (ValueError, OSError, AttributeError):
        return ""


def table(header, rows):
    """Return a Markdown table, its columns padded so that it reads well as text, too.

    Parameters
    ----------
    header : list of str
        Names of the columns.
    rows : list of list of str
        The cells.

    Returns
    -------
    text : str
        The table.
    """
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    padded = [
        [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in padded)
