"""A preset for pretraining on images without labels."""

import dataclasses
from contextlib import nullcontext

from keras_vit.layers.rematerialized import remat_scope
from keras_vit.models import MaskedAutoencoder, ViT
from keras_vit.training.preset import Preset


@dataclasses.dataclass(frozen=True)
class MaskedPreset(Preset):
    """A masked autoencoder's training, down to its number of steps (arXiv 2111.06377).

    Attributes:
        mask_ratio: share of the patches that is hidden.
        decoder_dim: width of the decoder.
        decoder_depth: its number of blocks.
        decoder_heads: heads of its attention.

    The others are `Preset`'s. Of these, what has to do with labels and classes does nothing here:
    mixing and smoothing, and `model_class`, which is a `ViT`.
    """

    label_smoothing: float = 0.0
    mask_ratio: float = 0.75
    decoder_dim: int = 128
    decoder_depth: int = 2
    decoder_heads: int = 4

    def build_model(self, data, start=None):
        """The encoder for a data set."""
        with remat_scope() if self.remat else nullcontext():
            return ViT(self.image_shape(data), num_classes=0, dtype=self.policy(), **self.model)

    def build_trainer(self, model, steps_per_epoch):
        """The compiled `MaskedAutoencoder` around an encoder."""
        trainer = MaskedAutoencoder(
            model,
            self.mask_ratio,
            self.decoder_dim,
            self.decoder_depth,
            self.decoder_heads,
            augment=self.augmentation(model.image_shape),
        )
        trainer.compile(
            self.build_optimizer(trainer, steps_per_epoch),
            steps_per_execution=self.steps_per_call(steps_per_epoch),
        )
        return trainer
