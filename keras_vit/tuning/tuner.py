"""KerasTuner's tuners, which can be stopped at any point and run alone or as chief and workers."""

import contextlib
import os

import keras
import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_vit.tuning.chief import lead
from keras_vit.tuning.hypermodel import ViTHyperModel
from keras_vit.tuning.oracles import (
    BayesianOracle,
    HyperbandOracle,
    RandomOracle,
    SearchOracle,
    last_line,
)
from keras_vit.tuning.roles import role_of_this_process
from keras_vit.tuning.worker import ChiefsOracle, chief_needed

TUNERS = ("random", "bayesian", "hyperband")


class SearchTuner(keras_tuner.Tuner):
    """A KerasTuner tuner for a `SearchOracle`.

    Every trial starts from the same seed, so that its result does not depend on the process that
    runs it or on the trials before it.

    Args:
        oracle: `SearchOracle`, which proposes the trials.
        hypermodel: `ViTHyperModel`, which builds and trains the models.
        directory: str or path, folder of the files. Its folder "trials" holds `oracle.json` and a
            file `trial_NUMBER/trial.json` for each trial.
        seed: int, seed of the weights and of all that is drawn in training. Default: 0.
        worker_timeout: float, seconds of silence after which the chief takes a worker as dead.
            Default: 60.
        wait: float, seconds that the chief waits for workers, and the workers for the chief.
            Default: 600.
    """

    def __init__(
        self,
        oracle: SearchOracle,
        hypermodel: keras_tuner.HyperModel,
        directory: str | os.PathLike,
        seed: int = 0,
        worker_timeout: float = 60,
        wait: float = 600,
    ) -> None:
        self.role = role_of_this_process()
        self.seed = seed
        self.worker_timeout = worker_timeout
        self.wait = wait
        keras_tuner.Tuner.__init__(
            self, oracle, hypermodel, directory=str(directory), project_name="trials"
        )
        if self.role.name == "worker":
            self.oracle = ChiefsOracle(oracle, worker_timeout, wait)

    def search(self, *fit_args, **fit_kwargs) -> None:
        """Run the trials, as KerasTuner does; the chief serves its workers instead of training."""
        if self.role.name == "chief":
            self.save()
            lead(self.oracle, self.role.address, self.worker_timeout, self.wait)
        elif self.role.name == "worker":
            with chief_needed(self.role.address):
                super().search(*fit_args, **fit_kwargs)
        else:
            super().search(*fit_args, **fit_kwargs)

    def on_trial_begin(self, trial: Trial) -> None:
        values = ", ".join(
            f"{k}={format_short(v)}" for k, v in trial.hyperparameters.values.items()
        )
        print(f"search: trial {trial.trial_id}: {values}", flush=True)

    def run_trial(self, trial: Trial, *args, **kwargs):
        keras.utils.set_random_seed(self.seed)
        is_worker = self.role.name == "worker"
        with self.oracle.signs_of_life(trial.trial_id) if is_worker else contextlib.nullcontext():
            return super().run_trial(trial, *args, **kwargs)

    def on_trial_end(self, trial: Trial) -> None:
        # KerasTuner runs an invalid trial again. That helps after the loss of a worker, but an
        # error would come again.
        if trial.status == TrialStatus.INVALID:
            trial.status = TrialStatus.FAILED
            print(f"search: trial {trial.trial_id} failed: {last_line(trial.message)}", flush=True)
        super().on_trial_end(trial)
        if self.role.name == "alone" and trial.score is not None:
            print(f"search: trial {trial.trial_id} completed, {trial.score:.2%}", flush=True)

    def save(self) -> None:
        if self.role.name != "worker":
            self.oracle.save()

    def reload(self) -> None:
        if self.role.name != "worker":
            self.oracle.reload()

    def _get_tuner_fname(self):
        """Name the file whose presence makes KerasTuner resume; only the oracle has a state."""
        return self.oracle._get_oracle_fname()


class HyperbandTuner(SearchTuner, keras_tuner.Hyperband):
    """A `SearchTuner` with Hyperband's rounds, in which a trial may start from earlier weights."""


def make_tuner(
    algorithm: str,
    hypermodel: ViTHyperModel,
    directory: str | os.PathLike,
    trials: int,
    epochs: int,
    seed: int = 0,
    **limits,
) -> SearchTuner:
    """Make the tuner of a search.

    Args:
        algorithm: str, "random", "bayesian" or "hyperband".
        hypermodel: `ViTHyperModel`, which builds and trains the models.
        directory: str or path, folder of the files; a search in it is continued.
        trials: int, number of trials of "random" and "bayesian". "bayesian" draws the first third
            of them, but at least 5, at random.
        epochs: int, the most epochs of a trial of "hyperband".
        seed: int, seed of the proposals and of every trial. Default: 0.
        **limits: `worker_timeout` and `wait` in seconds, see `SearchTuner`.

    Raises:
        ValueError: if the algorithm is unknown, or files in the directory are damaged.
    """
    # KerasTuner draws a random seed where the seed is 0.
    common = {"project": hypermodel.projection, "seed": seed + 1}
    if algorithm == "random":
        oracle = RandomOracle(max_trials=trials, **common)
    elif algorithm == "bayesian":
        oracle = BayesianOracle(max_trials=trials, num_initial_points=max(5, trials // 3), **common)
    elif algorithm == "hyperband":
        oracle = HyperbandOracle(max_epochs=epochs, **common)
    else:
        raise ValueError(f"`algorithm` must be one of {TUNERS}. Received: algorithm={algorithm!r}")
    tuner = HyperbandTuner if algorithm == "hyperband" else SearchTuner
    return tuner(oracle, hypermodel, directory, seed=seed, **limits)


def format_short(value):
    """Write a float with three digits, and return any other value unchanged."""
    return f"{value:.3g}" if isinstance(value, float) else value
