"""Copies and pickles of estimators: to train further, or to predict alone."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any, Self

from ..base import stamp, unstamp
from ..functions import with_picklable_functions
from ..losses.base import Loss
from ..network import Network
from ..training import EndedTraining, Trainer


class Persistence:
    """Adds copies that share nothing that training changes."""

    #: Attributes that there are only while training.
    _of_training = ("_best_params", "_best_epoch", "_scorer", "_surveyed", "_told_of_scale")

    def without_training_state(self) -> Any:
        """Return a copy for deployment, which predicts the same and cannot be trained further.

        It lacks the optimizer's moments and other vectors of the size of the weights, so its
        pickle takes a third of the space with Adam, and a fifth with averaging as well.
        `partial_fit`, and `fit` with ``warm_start=True``, refuse to resume it.

        Returns
        -------
        estimator : object
            A fitted estimator of the same class.
        """
        self._require_fit()
        other = self._sharing_copy()
        other.network_ = self.network_.snapshot()
        other._trainer = EndedTraining(other.network_, self._trainer.samples)
        return other

    def _sharing_copy(self):
        other = object.__new__(type(self))
        kept = {k: v for k, v in self.__dict__.items() if k not in self._of_training}
        other.__dict__.update(kept)
        return other

    def _copied_training(self):
        """Return copies of all attributes that training changes, which share nothing with them."""
        network = self.network_.snapshot()
        return {
            "network_": network,
            "_trainer": deepcopy(self._trainer, {id(self.network_): network}),
            "_patience": copy(self._patience),
            "history_": {name: list(values) for name, values in self.history_.items()},
        }

    def __copy__(self) -> Self:
        # One that shared the network would train it for the other as well.
        other = self._sharing_copy()
        if hasattr(self, "network_"):
            other.__dict__.update(self._copied_training())
        return other

    def __getstate__(self) -> dict[str, Any]:
        state = with_picklable_functions(stamp(super().__getstate__()), self)
        for name in self._of_training:
            state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = unstamp(state, type(self).__name__)
        _check_parts(state, type(self).__name__)
        super().__setstate__(state)


def _check_parts(state, name):
    """Refuse the state of a fitted estimator without a network, or with two."""
    if "network_" not in state:
        return
    network, trainer = state["network_"], state.get("_trainer")
    is_whole = isinstance(network, Network) and isinstance(state.get("_loss"), Loss)
    if not is_whole or not isinstance(trainer, Trainer | EndedTraining):
        raise ValueError(f"The pickled {name} lacks its network, its loss or its training state.")
    if trainer.network is not network:
        raise ValueError(f"The pickled {name} has trained another network than it predicts with.")
