"""KerasTuner's tuners, alone or as chief and workers, that can be stopped at any point."""

import contextlib

import keras
import keras_tuner
from keras_tuner.engine.trial import TrialStatus

from keras_vit.tuning.chief import lead
from keras_vit.tuning.oracles import BayesianOracle, HyperbandOracle, RandomOracle, last_line
from keras_vit.tuning.roles import role_of_this_process
from keras_vit.tuning.worker import ChiefsOracle, chief_needed

TUNERS = ("random", "bayesian", "hyperband")


class SearchTuner(keras_tuner.Tuner):
    """A KerasTuner tuner with one of our oracles.

    Every trial starts from the same seed, so that it comes out the same whoever runs it and when.

    Args:
        oracle: a `SearchOracle`.
        hypermodel: a `ViTHyperModel`.
        directory: of its files; in "trials" there, `trial_NUMBER/trial.json` each, and
            `oracle.json`.
        seed: of the weights and of what is drawn in training.
        worker_timeout: see `lead`.
        wait: see `lead`.
    """

    def __init__(self, oracle, hypermodel, directory, seed=0, worker_timeout=60, wait=600):
        self.role = role_of_this_process()
        self.seed = seed
        self.worker_timeout = worker_timeout
        self.wait = wait
        keras_tuner.Tuner.__init__(
            self, oracle, hypermodel, directory=str(directory), project_name="trials"
        )
        if self.role.name == "worker":
            self.oracle = ChiefsOracle(oracle, worker_timeout, wait)

    def search(self, *fit_args, **fit_kwargs):
        """As KerasTuner's; a chief serves its workers instead of training."""
        if self.role.name == "chief":
            self.save()
            lead(self.oracle, self.role.address, self.worker_timeout, self.wait)
        elif self.role.name == "worker":
            with chief_needed(self.role.address):
                super().search(*fit_args, **fit_kwargs)
        else:
            super().search(*fit_args, **fit_kwargs)

    def on_trial_begin(self, trial):
        values = ", ".join(f"{k}={short(v)}" for k, v in trial.hyperparameters.values.items())
        print(f"search: trial {trial.trial_id}: {values}", flush=True)

    def run_trial(self, trial, *args, **kwargs):
        keras.utils.set_random_seed(self.seed)
        is_worker = self.role.name == "worker"
        with self.oracle.signs_of_life(trial.trial_id) if is_worker else contextlib.nullcontext():
            return super().run_trial(trial, *args, **kwargs)

    def on_trial_end(self, trial):
        if trial.status == TrialStatus.INVALID:  # an error comes again, unlike a lost worker
            trial.status = TrialStatus.FAILED
            print(f"search: trial {trial.trial_id} failed: {last_line(trial.message)}", flush=True)
        super().on_trial_end(trial)
        if self.role.name == "alone" and trial.score is not None:
            print(f"search: trial {trial.trial_id} completed, {trial.score:.2%}", flush=True)

    def save(self):
        if self.role.name != "worker":
            self.oracle.save()

    def reload(self):
        if self.role.name != "worker":
            self.oracle.reload()

    def _get_tuner_fname(self):
        """What is looked for to tell a search that goes on: its state is the oracle's alone."""
        return self.oracle._get_oracle_fname()


class HyperbandTuner(SearchTuner, keras_tuner.Hyperband):
    """`SearchTuner` with Hyperband's rounds: a trial may go on from another's weights."""


def make_tuner(kind, hypermodel, directory, trials, epochs, seed=0, **limits):
    """The tuner of a search.

    Args:
        kind: "random", "bayesian" or "hyperband".
        hypermodel: a `ViTHyperModel`.
        directory: for its files; a search in it goes on.
        trials: how many, for "random" and "bayesian"; the latter draws the first third of them,
            but 5 at least, at random.
        epochs: the most of a trial, for "hyperband".
        seed: of the proposals and of every trial.
        **limits: `worker_timeout` and `wait` in seconds, see `SearchTuner`.

    Raises:
        ValueError: for another kind, or files in the directory that are damaged.
    """
    common = {"project": hypermodel.projection, "seed": seed + 1}  # KerasTuner takes 0 for None
    if kind == "random":
        oracle = RandomOracle(max_trials=trials, **common)
    elif kind == "bayesian":
        oracle = BayesianOracle(max_trials=trials, num_initial_points=max(5, trials // 3), **common)
    elif kind == "hyperband":
        oracle = HyperbandOracle(max_epochs=epochs, **common)
    else:
        raise ValueError(f"`kind` must be one of {TUNERS}. Received: {kind!r}")
    tuner = HyperbandTuner if kind == "hyperband" else SearchTuner
    return tuner(oracle, hypermodel, directory, seed=seed, **limits)


def short(value):
    return f"{value:.3g}" if isinstance(value, float) else value
