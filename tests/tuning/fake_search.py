"""A search without training: every trial's accuracy is a sum over its values."""

import keras_tuner
from keras_tuner.engine.trial import TrialStatus

from keras_vit.tuning import Space
from keras_vit.tuning.oracles import BayesianOracle, HyperbandOracle, RandomOracle
from keras_vit.tuning.projection import Projection

IMAGES = {"image_shape": (32, 32, 3), "num_classes": 10}
DEFAULTS = {"depth": 4, "hidden_dim": 128, "num_heads": 4, "mlp_dim": 256, "patch_size": 4}
DEFAULTS |= {"patch_embedding": "linear", "positions": "learned", "relative_positions": "none"}
DEFAULTS |= {"pool": "token", "drop_path": 0.0, "augmentation": 1.0, "label_smoothing": 0.1}
DEFAULTS |= {"learning_rate": 1e-3, "weight_decay": 0.05, "flip": False}
SPACE = Space().for_images(IMAGES["image_shape"])
PROJECT = Projection(SPACE, IMAGES, max_parameters=300_000)


def make_oracle(folder, kind="random", trials=6, project=PROJECT, space=SPACE):
    """An oracle in a folder; it goes on with what the folder holds, as a tuner's does."""
    hp = keras_tuner.HyperParameters()
    space.declare(hp, DEFAULTS)
    common = {"project": project, "seed": 1, "hyperparameters": hp}
    if kind == "random":
        oracle = RandomOracle(max_trials=trials, **common)
    elif kind == "bayesian":
        oracle = BayesianOracle(max_trials=trials, num_initial_points=3, **common)
    else:
        oracle = HyperbandOracle(max_epochs=3, **common)
    oracle._set_project_dir(str(folder), "trials")
    if (folder / "trials" / "oracle.json").exists():
        oracle.reload()
    return oracle


def accuracy(values):
    """Something between 0 and 1 that depends on all the numbers."""
    numbers = [v for v in values.values() if isinstance(v, float | int)]
    return sum(numbers) % 1


def run_trials(oracle, tuner_id="tuner0", most=99):
    """Runs trials until the oracle stops or `most` are done; their ids, in order."""
    done = []
    while len(done) < most:
        trial = oracle.create_trial(tuner_id)
        if trial.status == TrialStatus.STOPPED:
            break
        finish(oracle, trial)
        done.append(trial.trial_id)
    return done


def finish(oracle, trial):
    """What a tuner does when a trial's training is done."""
    oracle.update_trial(trial.trial_id, {"val_accuracy": accuracy(trial.hyperparameters.values)})
    trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)
