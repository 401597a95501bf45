"""KerasTuner's oracles, changed so that a search survives kills and lost workers."""

from collections.abc import Callable
from pathlib import Path

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_vit.files import read_json, write_json

OBJECTIVE = keras_tuner.Objective("val_accuracy", "max")
FAILURES_IN_A_ROW = 3


class SearchOracle:
    """The part that all oracles of a search share; it changes KerasTuner's oracles (1.4.8).

    An oracle names this class first among its bases, and KerasTuner's oracle second. The changes:

    - Every file is written whole or not at all. If a trial's file is damaged nevertheless, the
      search names the file and runs the trial again from the proposal in the oracle's own file.
    - A resumed search repeats no trial whose result had arrived.
    - The first proposal is the defaults of the space. Each later proposal is drawn until its
      values, brought within the budgets, are new.
    - A worker is told to stop only when no trial of another worker can still be lost.
    - A lost trial runs once more; a trial that ended in an error does not. Three errors in a row
      end the search through `failure`. An exception would leave the chief waiting for ever.

    Args:
        project: `Projection` or another function from a proposal's values to values within the
            budgets.
        **arguments: arguments of KerasTuner's oracle.

    Attributes:
        failure: str or None, why the search gave up; None where it did not give up.
    """

    def __init__(self, project: Callable[[dict], dict], **arguments) -> None:
        super().__init__(objective=OBJECTIVE, max_retries_per_trial=1, **arguments)
        self.project = project
        self.failure = None
        self._proposals = {}
        self._ended_before = 0
        self._exhausted = False
        self.verbose = 0  # The search prints its own messages instead of KerasTuner's.

    def create_trial(self, tuner_id: str) -> Trial:
        if self.failure:
            self.tuner_ids.discard(tuner_id)
            return self._empty_trial(TrialStatus.STOPPED)
        trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.STOPPED:
            if self.ongoing_trials:
                self.tuner_ids.add(tuner_id)
                return self._empty_trial(TrialStatus.IDLE)
            self._exhausted = True
        return trial

    def _empty_trial(self, status):
        return Trial(hyperparameters=self.hyperparameters.copy(), status=status)

    def update_trial(self, trial_id: str, metrics: dict, step: int = 0) -> Trial:
        if trial_id in self.end_order:  # The worker counted as dead, and its trial has ended.
            return self.trials[trial_id]
        usable = {
            name: value
            for name, value in metrics.items()
            if name == self.objective.name or np.isfinite(value)  # A loss may have diverged.
        }
        return super().update_trial(trial_id, usable, step)

    def end_trial(self, trial: Trial) -> None:
        if trial.trial_id in self.end_order:
            return
        if trial.trial_id in self._retry_queue:
            self._retry_queue.remove(trial.trial_id)
        super().end_trial(trial)

    def lose_trial(self, trial: Trial, reason: str) -> None:
        """End the trial of a dead worker: as completed if it has a result, else to run again.

        Args:
            trial: KerasTuner's `Trial`, which was running.
            reason: str, why the trial ended; it becomes the trial's message.
        """
        if trial.metrics.exists(self.objective.name):
            trial.status = TrialStatus.COMPLETED
        else:
            trial.status, trial.message = TrialStatus.INVALID, reason
        self.end_trial(trial)

    def finished(self) -> bool:
        """Return whether no trial is running, waits to run again or is still to be proposed."""
        done = self.max_trials and len(self.end_order) >= self.max_trials
        return bool((done or self._exhausted) and not self._retry_queue and not self.ongoing_trials)

    def _check_consecutive_failures(self):
        last = self.end_order[self._ended_before :][-FAILURES_IN_A_ROW:]
        if len(last) == FAILURES_IN_A_ROW and all(
            self.trials[trial_id].status == TrialStatus.FAILED for trial_id in last
        ):
            self.failure = (
                f"the search ends, because trials {', '.join(last)} failed one after the other: "
                f"{last_line(self.trials[last[-1]].message)}"
            )

    def _random_values(self):
        if not self.trials:
            return self.project({hp.name: hp.default for hp in self.hyperparameters.space})
        for _ in range(self._max_collisions):
            values = super()._random_values()
            if values is None:
                return None
            values = self.project(values)
            if not self._duplicate(values):
                return values
        return None

    def get_state(self) -> dict:
        for trial_id in self.start_order[len(self._proposals) :]:
            self._proposals[trial_id] = dict(self.trials[trial_id].hyperparameters.values)
        return {**super().get_state(), "proposals": self._proposals}

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self._proposals = state["proposals"]

    def save(self) -> None:
        write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial):
        write_json(Path(self._get_trial_dir(trial.trial_id), "trial.json"), trial.get_state())

    def reload(self) -> None:
        """Continue from the files of a search, which may have been stopped at any point.

        Raises:
            ValueError: if the oracle's file is not JSON or is not the file of a search.
        """
        path = self._get_oracle_fname()
        state = read_json(path)
        try:
            self.trials = {key: self._read_trial(key, state) for key in state["start_order"]}
            self.set_state(state)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"the file must hold the state of a search. Received: {path} ({error!r})"
            ) from error
        self.ongoing_trials, self._retry_queue = {}, []
        for trial_id, trial in reversed(self.trials.items()):
            if trial_id in self.end_order:
                continue
            if trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED):
                # The search was killed after it wrote the trial's file, before the oracle's.
                self.end_order.append(trial_id)
            elif trial.metrics.exists(self.objective.name):
                self._finish(trial)  # The search was killed before it counted the result.
            else:
                trial.status = TrialStatus.INVALID
                self._retry_queue.append(trial_id)
        self._ended_before = len(self.end_order)

    def _read_trial(self, trial_id, state):
        path = Path(self._get_trial_dir(trial_id), "trial.json")
        try:
            return Trial.from_state(read_json(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            print(f"search: {path} is damaged, so its trial runs again: {error}")
        hyperparameters = keras_tuner.HyperParameters.from_config(state["hyperparameters"])
        hyperparameters.values = dict(state["proposals"][trial_id])
        if trial_id in state["end_order"]:
            state["end_order"].remove(trial_id)
        return Trial(hyperparameters, trial_id, TrialStatus.INVALID)

    def _finish(self, trial):
        self.score_trial(trial)
        unusable = np.isnan(trial.score)
        trial.status = TrialStatus.FAILED if unusable else TrialStatus.COMPLETED
        self.end_order.append(trial.trial_id)
        self._save_trial(trial)


class RandomOracle(SearchOracle, keras_tuner.oracles.RandomSearchOracle):
    """Random search over the space."""


class BayesianOracle(SearchOracle, keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian optimization with a Gaussian process."""

    def populate_space(self, trial_id: str) -> dict:
        response = super().populate_space(trial_id)
        if response["values"] and self._duplicate(response["values"]):
            return self._random_populate_space()
        return response

    def _vector_to_values(self, vector):
        return self.project(super()._vector_to_values(vector))


class HyperbandOracle(SearchOracle, keras_tuner.oracles.HyperbandOracle):
    """Hyperband (arXiv 1603.06560), whose number of trials follows from `max_epochs`."""


def last_line(message: str | None) -> str:
    """Return the last line of a traceback, or "no message" where there is none."""
    lines = (message or "").strip().splitlines()
    return lines[-1] if lines else "no message"
