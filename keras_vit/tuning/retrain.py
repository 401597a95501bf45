"""The winner's full training: an ordinary run."""

import dataclasses

from keras_vit.files import read_json
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.preset import Preset
from keras_vit.runs.run import run
from keras_vit.tuning.search_folder import SearchFolder
from keras_vit.tuning.spec import SearchSpec


def retrain(winner: Preset, spec: SearchSpec, folder: SearchFolder) -> dict:
    """Train the winner as `keras-vit train NAME --config winner.json` does; go on if begun.

    Args:
        winner: its `Preset`, which is in the folder's `winner.json` too.
        spec: the search's specification.
        folder: the search's folder; the run's own folder is inside it.

    Returns:
        The run's metrics. Only this run reads the test images, with the trained winner.
    """
    begun = RunFolder(folder.retrained)
    run_spec = dataclasses.replace(
        spec.run,
        # Version 0.1 named the winner's run after its data set.
        recipe=begun.spec().recipe if begun.config.exists() else "winner",
        preset=dataclasses.replace(winner, dtype=winner.dtype_policy()),
        preset_name="winner",
        limit=None,
        data_digest=None,
        explicit={},
    )
    metrics = run(run_spec, folder.retrained, resume=True)
    return metrics or read_json(folder.retrained / "metrics.json")
