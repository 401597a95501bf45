"""Pretraining without labels: predict the pixels of the patches that were hidden."""

import keras
from keras import ops

from keras_vit.layers import MaskedDecoder, Patches, RandomMasking
from keras_vit.models.vit import ViT
from keras_vit.train.augmenting import AugmentingModel

EPSILON = 1e-6  # of the normalised targets, as in MAE's published code


@keras.saving.register_keras_serializable(package="keras_vit")
class MaskedAutoencoder(AugmentingModel):
    """Pretrains a `ViT` on images without labels (MAE, arXiv 2111.06377).

    The ViT's own layers encode the visible patches alone, a quarter by default, and a light
    decoder predicts the pixels of the hidden ones; the loss is the mean squared error on those.
    `fit` takes the images as they are, uint8; labels are ignored. With `evaluate` and `predict`
    nothing is augmented and always the same patches are hidden.

    ```python
    pretraining = MaskedAutoencoder(ViT(num_classes=0), augment=[RandomResizedCrop(32, 32)])
    pretraining.compile("adamw")
    pretraining.fit(images)
    pretraining.encoder.save("encoder.keras")
    ```

    Args:
        encoder: a `ViT` without head (`num_classes=0`), with patches by "linear" or "conv".
        mask_ratio: share of the patches that is hidden, above 0 and below 1.
        decoder_dim: width of the decoder, a multiple of 4.
        decoder_depth: its number of blocks.
        decoder_heads: heads of its attention; must divide `decoder_dim`.
        normalize_targets: whether each patch's pixels are predicted less their mean and over
            their deviation (MAE, section 3, "Reconstruction target"); else as the encoder sees
            them, rescaled.
        augment: layers on images `(B, H, W, C)`, 0-255, called in order in training.
        seed: of the masks in training.

    Input shape: images `(B, H, W, C)`, 0-255, uint8 or float.

    Output shape: `prediction` and `target`, both `(B, N, P)` float32 with the P pixel values of
    each patch row by row, and `mask`, `(B, N)`, 1 where the patch was hidden.

    Raises:
        ValueError: for an encoder that is no `ViT`, has a head or a pre-logits layer, which
            would learn nothing; whose stem mixes patches; or whose attention needs all patches
            in their places (`relative_positions`).
    """

    def __init__(
        self,
        encoder,
        mask_ratio=0.75,
        decoder_dim=128,
        decoder_depth=2,
        decoder_heads=4,
        normalize_targets=True,
        augment=(),
        seed=None,
        name="masked_autoencoder",
        **kwargs,
    ):
        check_encoder(encoder)
        super().__init__(encoder, augment, name=name, **kwargs)
        self.decoder_dim = decoder_dim
        self.decoder_depth = decoder_depth
        self.decoder_heads = decoder_heads
        self.normalize_targets = normalize_targets
        self.patches = Patches(encoder.patch_size, dtype="float32")
        patch_dim = self.patches.compute_output_shape((None, *encoder.image_shape))[-1]
        if normalize_targets and patch_dim < 2:
            raise ValueError("A patch of one value has nothing left when it is normalized.")
        self.masking = RandomMasking(mask_ratio, seed)
        self.decoder = MaskedDecoder(
            patch_dim,
            encoder.grid,
            encoder.num_prefix_tokens,
            decoder_dim,
            decoder_depth,
            decoder_heads,
            dtype=self.dtype_policy,
        )
        num_patches = encoder.grid[0] * encoder.grid[1]
        visible = encoder.num_prefix_tokens + self.masking.num_kept(num_patches)
        self.decoder.build((None, visible, encoder.hidden_dim), (None, num_patches))
        self.build(encoder.input_shape)

    @property
    def encoder(self):
        """The plain `ViT`."""
        return self.model

    def default_loss(self):
        # Over the hidden patches alone: their mask is the sample weight.
        return keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")

    def call(self, images, training=None):
        images = self.augmented(images) if training else self.at_model_size(images)
        pixels = self.encoder.get_layer("rescaling")(images)
        visible, mask, restore = self._encoded(pixels, training)
        return self.decoder(visible, restore, training=training), self.targets(pixels), mask

    def _encoded(self, pixels, training):
        """The encoder's tokens of the visible patches, and what `RandomMasking` says of them."""
        layer = self.encoder.get_layer
        x = layer("patches")(pixels)
        if self.encoder.patch_embedding == "conv":
            x = layer("flatten_patches")(x)
        x = layer("patch_encoder")(x, training=training)
        prefix = self.encoder.num_prefix_tokens
        visible, mask, restore = self.masking(x[:, prefix:], training=training)
        x = ops.concatenate([x[:, :prefix], visible], axis=1)
        for i in range(self.encoder.depth):
            x = layer(f"block_{i}")(x, training=training)
        return layer("norm")(x), mask, restore

    def targets(self, pixels):
        """What the decoder is to predict, `(B, N, P)`, of rescaled images `(B, H, W, C)`."""
        patches = self.patches(pixels)
        if not self.normalize_targets:
            return patches
        centered = patches - ops.mean(patches, axis=-1, keepdims=True)
        # Over P - 1, as PyTorch's `var`, by which the method's published code goes.
        variance = ops.sum(ops.square(centered), axis=-1, keepdims=True) / (patches.shape[-1] - 1)
        return centered / ops.sqrt(variance + EPSILON)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        prediction, target, mask = y_pred
        return super().compute_loss(x, target, prediction, mask, training)

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "mask_ratio": self.masking.mask_ratio,
            "decoder_dim": self.decoder_dim,
            "decoder_depth": self.decoder_depth,
            "decoder_heads": self.decoder_heads,
            "normalize_targets": self.normalize_targets,
            "seed": self.masking.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        parts = ("encoder", "augment")
        made = {key: keras.saving.deserialize_keras_object(config[key]) for key in parts}
        return cls(**{**config, **made})


def check_encoder(encoder):
    """A ValueError for a model that can't be pretrained on a part of its patches."""
    if not isinstance(encoder, ViT):
        raise ValueError(f"`encoder` must be a ViT. Received: {encoder!r}")
    for name, accepted in {
        "num_classes": (0,),
        "pre_logits": (None,),
        "patch_embedding": ("linear", "conv"),
        "relative_positions": (None,),
    }.items():
        if (given := getattr(encoder, name)) not in accepted:
            raise ValueError(
                f"A masked autoencoder needs a ViT with `{name}` "
                f"{' or '.join(map(repr, accepted))}. Received: {name}={given!r}"
            )
