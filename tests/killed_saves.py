"""Kill processes while they save: the old file or the new one is there, and whole.

``python -m tests.killed_saves --kills 50`` exits with 1 if a file is lost.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
from pathlib import Path
from time import sleep

import numpy as np

import sknet


def estimators():
    """Return two small networks whose files take a while to write."""
    X = np.random.default_rng(0).normal(size=(20, 300))
    brief = {"max_iter": 1, "tol": 0}
    return [
        sknet.NeuralRegressor((300,), random_state=seed, **brief).fit(X, X[:, 0])
        for seed in range(2)
    ]


def save_for_ever(networks, path, ready):
    """Save the networks in turn until the process is killed."""
    sknet.save(networks[1], path)
    os.write(ready, b"1")
    while True:
        for network in networks:
            sknet.save(network, path)


def kill_once(networks, path, seconds):
    """Save in a child process and kill it after so many seconds."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            save_for_ever(networks, path, write)
        finally:
            os._exit(1)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def lost_files(n_kills, seed=0):
    """Kill so many saves; return how many files were lost, and how many were being written."""
    rng, networks = random.Random(seed), estimators()
    n_lost = n_unfinished = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.sknet"
        whole = []
        for network in networks:
            sknet.save(network, path)
            whole.append(path.read_bytes())
        for _ in range(n_kills):
            kill_once(networks, path, rng.uniform(0, 0.05))
            n_lost += path.read_bytes() not in whole
            sknet.load(path)
            others = [other for other in Path(folder).iterdir() if other != path]
            n_unfinished += len(others)
            for other in others:
                other.unlink()
    return n_lost, n_unfinished


def main(arguments=None):
    """Kill saves from the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.killed_saves", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    n_lost, n_unfinished = lost_files(options.kills, options.seed)
    print(f"{options.kills} kills, {n_unfinished} of them while writing: {n_lost} files lost")
    return int(n_lost > 0)


if __name__ == "__main__":
    sys.exit(main())
