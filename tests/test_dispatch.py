"""Arrays of other libraries under scikit-learn's array API."""

import os
import subprocess
import sys

import numpy as np
import pytest

from sknet.dispatch import as_numpy, is_foreign

torch = pytest.importorskip("torch")

#: SciPy reads the variable that switches its support on when it is imported.
SCRIPT = """
import numpy as np, sklearn, torch
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sknet import AutoencoderTransformer, NeuralClassifier, NeuralOutlierDetector, NeuralRegressor
from sknet.preprocessing import SquashingScaler, TableEncoder

X = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
y = (X[:, 0] > 0).astype(int)
options = {"max_iter": 2, "tol": 0, "random_state": 0}
tensor, codes, weight = torch.as_tensor(X), torch.as_tensor(y), torch.ones(30)
cases = [
    (NeuralClassifier(4, **options), ["predict", "predict_proba", "decision_function"]),
    (NeuralClassifier(4, early_stopping=True, scoring="accuracy", **options), ["predict"]),
    (NeuralRegressor(4, loss="gaussian", **options), ["predict"]),
    (AutoencoderTransformer(2, **options), ["transform", "reconstruct", "score_samples"]),
    (NeuralOutlierDetector(2, **options), ["predict", "decision_function"]),
]
for estimator, methods in cases:
    plain = [getattr(estimator.fit(X, y), name)(X) for name in methods]
    score = None if hasattr(estimator, "offset_") else estimator.score(X, y)
    with sklearn.config_context(array_api_dispatch=True):
        found = [getattr(estimator.fit(tensor, codes), name)(tensor) for name in methods]
        assert score is None or estimator.score(tensor, codes) == score
    assert all(isinstance(each, torch.Tensor) for each in found), methods
    for one, other in zip(plain, found):
        np.testing.assert_array_equal(one, other)
with sklearn.config_context(array_api_dispatch=True):
    for transformer in (SquashingScaler(), TableEncoder()):
        assert isinstance(transformer.fit_transform(tensor), torch.Tensor)
        np.testing.assert_array_equal(transformer.transform(tensor), transformer.transform(X))
    classifier = NeuralClassifier(4, **options).fit(tensor, codes, weight)
    mean, deviation = NeuralRegressor(4, loss="gaussian", **options).fit(
        X=tensor, y=tensor[:, 0]).predict(X=tensor, return_std=True)
    assert isinstance(mean, torch.Tensor) and isinstance(deviation, torch.Tensor)
    assert isinstance(classifier.predict(X), np.ndarray)
    assert isinstance(classifier.predict(tensor.clone().requires_grad_()), torch.Tensor)
    named = NeuralClassifier(4, **options).fit(tensor, np.array(["a", "b"])[y])
    assert named.predict(tensor).dtype.kind == "U"
    pipeline = make_pipeline(StandardScaler(), NeuralClassifier(4, **options))
    assert np.isfinite(cross_val_score(pipeline, tensor, codes, cv=2, scoring="accuracy")).all()
print("done")
"""


def test_estimators_take_tensors_and_give_them_back():
    # Tensors warn NumPy's copies of a keyword that they do not have yet.
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", SCRIPT]
    env = os.environ | {"SCIPY_ARRAY_API": "1"}
    result = subprocess.run(command, capture_output=True, text=True, env=env)
    assert result.stdout == "done\n", result.stderr


def test_only_arrays_of_other_libraries_are_foreign():
    assert is_foreign(torch.ones(2))
    for value in (np.ones(2), np.float64(1), [1.0], None, "text", NotImplemented):
        assert not is_foreign(value)
        assert as_numpy(value) is value
