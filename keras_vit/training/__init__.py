"""What every recipe shares: the training step, presets, the run and its folder."""

from keras_vit.training.augmented_model import AugmentedModel
from keras_vit.training.batches import ShuffledBatches
from keras_vit.training.callbacks import EpochSeeds
from keras_vit.training.command_line import main
from keras_vit.training.distribution import distributed
from keras_vit.training.finish_pretraining import finish_pretraining
from keras_vit.training.masked_preset import MaskedPreset
from keras_vit.training.optimizers import adamw
from keras_vit.training.preset import Preset
from keras_vit.training.recipe import Recipe
from keras_vit.training.schedules import warmup_cosine

__all__ = [
    "AugmentedModel",
    "EpochSeeds",
    "MaskedPreset",
    "Preset",
    "Recipe",
    "ShuffledBatches",
    "adamw",
    "distributed",
    "finish_pretraining",
    "main",
    "warmup_cosine",
]
