"""The parts of a training with `fit`: training models, optimizers, schedules, batches, devices."""

from keras_vit.train.augmented_model import AugmentedModel
from keras_vit.train.batch_statistics import renew_batch_statistics
from keras_vit.train.batches import ShuffledBatches
from keras_vit.train.distribution import distributed
from keras_vit.train.epoch_seeds import EpochSeeds
from keras_vit.train.layerwise_rates import layerwise_rates
from keras_vit.train.linear_probe import fit_linear_probe
from keras_vit.train.lora import add_lora, without_lora
from keras_vit.train.masked_autoencoder import MaskedAutoencoder
from keras_vit.train.optimizers import adamw, muon, optimizer
from keras_vit.train.schedules import warmup_cosine, warmup_linear

__all__ = [
    "AugmentedModel",
    "EpochSeeds",
    "MaskedAutoencoder",
    "ShuffledBatches",
    "adamw",
    "add_lora",
    "distributed",
    "fit_linear_probe",
    "layerwise_rates",
    "muon",
    "optimizer",
    "renew_batch_statistics",
    "warmup_cosine",
    "warmup_linear",
    "without_lora",
]
