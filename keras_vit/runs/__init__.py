"""What makes a run durable: its specification, folder, checkpoints, resumption, time limit.

`run` takes a `RunSpec` and leaves a run folder behind. A recipe is a data set with its presets; a
preset holds every number of a training.
"""

from keras_vit.runs.preset import MaskedPreset, Preset
from keras_vit.runs.recipe import Recipe

__all__ = ["MaskedPreset", "Preset", "Recipe"]
