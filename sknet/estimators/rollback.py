"""What a fit that fails leaves behind: the estimator as it was."""

from contextlib import contextmanager
from functools import partial

import numpy as np


class Rollback:
    """Puts an estimator back where it was when a fit fails before its first step."""

    @contextmanager
    def _restored_on_error(self):
        """Leave the estimator as it was when a fit fails.

        Where training went on from an earlier fit, its weights have changed in place: then the
        model so far is kept, with the history that belongs to it.
        """
        before, changed = self.__dict__.copy(), self._states()
        try:
            yield
        except BaseException:
            resumed = self.__dict__.get("network_", self) is before.get("network_")
            if resumed and self._trainer.samples != before["_trainer"].samples:
                self._finish()
                raise
            for put_back, state in changed:
                put_back(state)
            callbacks = {k: v for k, v in self.__dict__.items() if "callback" in k}
            self.__dict__ = {**before, **callbacks}  # at once, whatever else is pressed
            raise

    def _states(self):
        """Return pairs of what puts a state back and the state, of all that changes in place."""
        states = []
        if isinstance(self.random_state, np.random.RandomState):
            states.append((self.random_state.set_state, self.random_state.get_state()))
        if hasattr(self, "network_"):
            trainer = self._trainer
            states.append((partial(np.copyto, self.network_.params), self.network_.params.copy()))
            for rng in trainer.generators:
                source = rng.bit_generator
                states.append((partial(setattr, source, "state"), source.state))
        return states
