"""KerasTuner's oracles, made to survive kills and lost workers."""

from pathlib import Path

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_vit.files import read_json, write_json

OBJECTIVE = keras_tuner.Objective("val_accuracy", "max")
FAILURES_IN_A_ROW = 3


class SearchOracle:
    """What all our oracles have over KerasTuner's (1.4.8), before one of them in the bases.

    - Every file is there whole or not at all, and a trial's file that is damaged all the same is
      named and the trial run anew, from the proposal that the oracle's own file keeps.
    - A search that goes on repeats no trial whose result had come in.
    - The first proposal is the space's defaults; every other one is drawn until it is one that,
      built within the budgets, has not been tried.
    - A worker is told to stop only when no other's trial may yet have to be taken over.
    - A trial that was lost is run once more, one that ended in an error is not; three errors in a
      row end the search, by `failure` instead of an exception, which would leave a chief waiting.

    Args:
        project: what brings a proposal's values within the budgets, see `Projection`.
        **arguments: of KerasTuner's oracle.

    Attributes:
        failure: why the search gave up; None where it did not.
    """

    def __init__(self, project, **arguments):
        super().__init__(objective=OBJECTIVE, max_retries_per_trial=1, **arguments)
        self.project = project
        self.failure = None
        self._proposals = {}
        self._ended_before = 0
        self._exhausted = False
        self.verbose = 0  # the search says in its own words what happens

    def create_trial(self, tuner_id):
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

    def update_trial(self, trial_id, metrics, step=0):
        if trial_id in self.end_order:  # from a worker that had been given up
            return self.trials[trial_id]
        usable = {
            name: value
            for name, value in metrics.items()
            if name == self.objective.name or np.isfinite(value)  # a loss may have diverged
        }
        return super().update_trial(trial_id, usable, step)

    def end_trial(self, trial):
        if trial.trial_id in self.end_order:
            return
        if trial.trial_id in self._retry_queue:
            self._retry_queue.remove(trial.trial_id)
        super().end_trial(trial)

    def lose_trial(self, trial, reason):
        """Ends a trial whose worker is gone: by its result, or to be run once more."""
        if trial.metrics.exists(self.objective.name):
            trial.status = TrialStatus.COMPLETED
        else:
            trial.status, trial.message = TrialStatus.INVALID, reason
        self.end_trial(trial)

    def finished(self):
        """Whether no trial is running, waiting to be run again or still to be made."""
        done = self.max_trials and len(self.end_order) >= self.max_trials
        return bool((done or self._exhausted) and not self._retry_queue and not self.ongoing_trials)

    def _check_consecutive_failures(self):
        last = self.end_order[self._ended_before :][-FAILURES_IN_A_ROW:]
        if len(last) == FAILURES_IN_A_ROW and all(
            self.trials[trial_id].status == TrialStatus.FAILED for trial_id in last
        ):
            self.failure = (
                f"trials {', '.join(last)} failed one after the other: "
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

    def get_state(self):
        for trial_id in self.start_order[len(self._proposals) :]:
            self._proposals[trial_id] = dict(self.trials[trial_id].hyperparameters.values)
        return {**super().get_state(), "proposals": self._proposals}

    def set_state(self, state):
        super().set_state(state)
        self._proposals = state["proposals"]

    def save(self):
        write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial):
        write_json(Path(self._get_trial_dir(trial.trial_id), "trial.json"), trial.get_state())

    def reload(self):
        """Goes on from the files of a search that was stopped at any point."""
        path = self._get_oracle_fname()
        state = read_json(path)
        try:
            self.trials = {key: self._read_trial(key, state) for key in state["start_order"]}
            self.set_state(state)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not a search's: {error!r}") from error
        self.ongoing_trials, self._retry_queue = {}, []
        for trial_id, trial in reversed(self.trials.items()):
            if trial_id in self.end_order:
                continue
            if trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED):
                self.end_order.append(trial_id)  # killed between the two files
            elif trial.metrics.exists(self.objective.name):
                self._finish(trial)  # killed before the result was counted
            else:
                trial.status = TrialStatus.INVALID
                self._retry_queue.append(trial_id)
        self._ended_before = len(self.end_order)

    def _read_trial(self, trial_id, state):
        path = Path(self._get_trial_dir(trial_id), "trial.json")
        try:
            return Trial.from_state(read_json(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            print(f"search: {path} is damaged, so its trial is run anew: {error}")
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
    """Random search."""


class BayesianOracle(SearchOracle, keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian optimization with a Gaussian process."""

    def populate_space(self, trial_id):
        response = super().populate_space(trial_id)
        if response["values"] and self._duplicate(response["values"]):
            return self._random_populate_space()
        return response

    def _vector_to_values(self, vector):
        return self.project(super()._vector_to_values(vector))


class HyperbandOracle(SearchOracle, keras_tuner.oracles.HyperbandOracle):
    """Hyperband (arXiv 1603.06560); its number of trials follows from `max_epochs`."""


def last_line(message):
    """The last line of a traceback."""
    lines = (message or "").strip().splitlines()
    return lines[-1] if lines else "no message"
