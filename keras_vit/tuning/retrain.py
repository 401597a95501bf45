"""The full training of a search's winner, which is an ordinary run in the search's folder."""

import dataclasses

from keras_vit.files import read_json
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.preset import Preset
from keras_vit.runs.run import run
from keras_vit.tuning.search_folder import SearchFolder
from keras_vit.tuning.spec import SearchSpec


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
