"""The examples run, in a shortened form, and say and draw what they promise."""

import subprocess
import sys
from pathlib import Path

import pytest

image = pytest.importorskip("matplotlib.image")

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_quickstart_prints_its_table_and_draws_its_map(tmp_path):
    command = [
        sys.executable,
        str(EXAMPLES / "quickstart.py"),
        "--quick",
        "--output",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    scores = {}
    for line in done.stdout.splitlines():
        words = line.split()
        for model in ("sknet", "MLP"):
            if model in words[:3]:
                scores.setdefault(model, []).append(float(words[words.index(model) + 1]))
    assert {model: len(values) for model, values in scores.items()} == {"sknet": 3, "MLP": 3}
    assert scores["sknet"][0] > 0.9 and scores["sknet"][1] > 0.9 and scores["sknet"][2] > 0.2
    picture = image.imread(tmp_path / "digits_map.png")
    assert picture.shape[0] > 500 and picture.std() > 0.05
