"""The full training of a search's winner, which is an ordinary run in the search's folder."""

import dataclasses
import shlex

from keras_vit.files import read_json
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.preset import Preset
from keras_vit.runs.run import run
from keras_vit.tuning.search_folder import SearchFolder
from keras_vit.tuning.spec import SearchSpec

DATA_SETS = ("digits", "mnist", "cifar10", "cifar100")  # that have a recipe of the same name


def retrain(winner: Preset, spec: SearchSpec, folder: SearchFolder) -> dict:
    """Train the winner as `keras-vit train NAME --config winner.json` does, or resume its training.

    Args:
        winner: `Preset` of the winner, which the folder's `winner.json` holds too.
        spec: `SearchSpec` of the search.
        folder: `SearchFolder` of the search; the folder of the run is inside it.

    Returns:
        dict, the metrics of the run. Only this run of the search reads the test images, after the
        training.
    """
    begun = RunFolder(folder.retrained)
    # A recipe of that name takes the winner's file; any other data are given to CIFAR-10's.
    recipe = spec.run.data if spec.run.data in DATA_SETS else "cifar10"
    command = ["keras-vit", "train", recipe, "--config", str(folder.winner)]
    command += [] if recipe == spec.run.data else ["--data", spec.run.data]
    command += ["--out", str(folder.retrained), "--seed", str(spec.run.seed)]
    run_spec = dataclasses.replace(
        spec.run,
        recipe=begun.spec().recipe if begun.config.exists() else recipe,
        config=str(folder.winner),
        command=shlex.join(command),
        preset=dataclasses.replace(winner, dtype=winner.dtype_policy()),
        preset_name="config",
        limit=None,
        data_digest=None,
        explicit={},
    )
    metrics = run(run_spec, folder.retrained, resume=True)
    return metrics or read_json(folder.retrained / "metrics.json")
