"""The same training with scikit-learn's MLPClassifier and MLPRegressor."""

from time import perf_counter

import numpy as np
import sklearn
from cases import RATE, order_generator, plain_layers, shuffled
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sknet.layers import Dense

NAME = f"scikit-learn {sklearn.__version__}"


class _Orders(np.random.RandomState):
    """Shuffles as sknet does, whatever it is given to shuffle.

    scikit-learn puts the last order in a new order, so what it needs is the positions in the last
    order of what comes next.
    """

    def restart(self, n_rows):
        self._rng, self._last = order_generator(), np.arange(n_rows)

    def shuffle(self, x):
        order = shuffled(self._rng, len(x))
        x[:] = np.argsort(self._last)[order]
        self._last = order


class _Timed:
    """Notes when each epoch ends, where scikit-learn judges its progress."""

    def _update_no_improvement_count(self, *arguments):
        self.ends_.append(perf_counter())
        super()._update_no_improvement_count(*arguments)


class _Classifier(_Timed, MLPClassifier):
    pass


class _Regressor(_Timed, MLPRegressor):
    pass


class Contestant:
    """Trains one case with scikit-learn, from the same start each time.

    Parameters
    ----------
    case : Case
        What to train.
    rows : Rows
        What to train it on.
    start : Network
        The network with its initial weights.
    dtype : str, default="float32"
        Precision of X, and so of the training.
    """

    def __init__(self, case, rows, start, dtype="float32"):
        self.case = case
        self.X = rows.inputs.astype(dtype)
        self.y = self.X if case.task == "rows" else rows.y
        self.layers = [layer for layer in plain_layers(start) if isinstance(layer, Dense)]
        kind = _Regressor if case.task == "rows" else _Classifier
        self.model = kind(
            hidden_layer_sizes=[layer.units for layer in self.layers[:-1]],
            alpha=0.0,
            batch_size=case.batch,
            learning_rate_init=RATE,
            tol=0.0,
            n_iter_no_change=10**6,
            max_iter=1,
            warm_start=True,
        )
        self.model.ends_ = []
        self.model.fit(
            self.X, self.y
        )  # makes the arrays of weights that the next fit goes on from

    def train(self, epochs):
        """Train for some epochs; return the seconds and the loss of each."""
        model, orders = self.model, _Orders(0)
        orders.restart(len(self.X))
        model.set_params(max_iter=epochs, random_state=orders)
        for layer, kernel, bias in zip(self.layers, model.coefs_, model.intercepts_, strict=True):
            kernel[:], bias[:] = layer.kernel_, layer.bias_
        model.loss_curve_, model.ends_, model.n_iter_ = [], [perf_counter()], 0
        model.fit(self.X, self.y)
        # Its squared error is the mean over the outputs, though the gradient is that of the sum.
        scale = self.y.shape[1] if self.case.task == "rows" else 1
        return np.diff(model.ends_).tolist(), [scale * loss for loss in model.loss_curve_]
