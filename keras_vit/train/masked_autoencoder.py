"""Pretraining without labels, by the prediction of hidden patches."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_vit.layers import MaskedDecoder, Patches, RandomMasking
from keras_vit.models.vit import ViT
from keras_vit.train.augmenting import AugmentingModel

EPSILON = 1e-6  # added to the variance of the normalised targets, as in MAE's published code


@keras.saving.register_keras_serializable(package="keras_vit")
class MaskedAutoencoder(AugmentingModel):
    """Pretrain a `ViT` on images without labels.

    Source: MAE, arXiv 2111.06377. The layers of the ViT encode only the visible patches, which are
    a quarter of all patches by default. A small decoder predicts the pixels of the hidden patches.
    The loss is the mean squared error on the hidden patches. `fit` takes uint8 images and ignores
    labels. `evaluate` and `predict` do not augment, and hide the same patches in every call.

    ```python
    pretraining = MaskedAutoencoder(ViT(num_classes=0), augment=[RandomResizedCrop(32, 32)])
    pretraining.compile("adamw")
    pretraining.fit(images)
    pretraining.encoder.save("encoder.keras")
    ```

    Args:
        encoder: a `ViT` without head (`num_classes=0`) whose `patch_embedding` is "linear" or
            "conv".
        mask_ratio: float above 0 and below 1, share of the patches that are hidden. Default: 0.75.
        decoder_dim: int, width of the decoder, a multiple of 4. Default: 128.
        decoder_depth: int, number of blocks of the decoder. Default: 2.
        decoder_heads: int, number of attention heads of the decoder; must divide `decoder_dim`.
            Default: 4.
        normalize_targets: bool, whether the target is each patch's pixels minus their mean and
            divided by their deviation (MAE, section 3, "Reconstruction target"). Otherwise the
            target is the rescaled pixels, which the encoder receives. Default: True.
        augment: sequence of layers on images `(B, H, W, C)`, 0-255, which are called in order in
            training. Default: ().
        seed: int or None, seed of the masks in training. None: a random seed. Default: None.
        name: str, name of the training model. Default: "masked_autoencoder".
        **kwargs: arguments of `AugmentingModel`.

    Input shape: images `(B, H, W, C)`, 0-255, uint8 or float.

    Output shape: `prediction` and `target`, both float32 `(B, N, P)` with the P values of each
        patch row by row, and `mask`, `(B, N)`, which is 1 for a hidden patch.

    Raises:
        ValueError: if the encoder is not a `ViT`; if it has a head or a pre-logits layer, which
            would learn nothing; if its stem mixes patches; if its attention needs every patch at
            its place (`relative_positions`); or if another argument is outside its range.
    """

    def __init__(
        self,
        encoder: ViT,
        mask_ratio: float = 0.75,
        decoder_dim: int = 128,
        decoder_depth: int = 2,
        decoder_heads: int = 4,
        normalize_targets: bool = True,
        augment: Sequence[keras.Layer] = (),
        seed: int | None = None,
        name: str = "masked_autoencoder",
        **kwargs,
    ) -> None:
        check_encoder(encoder)
        super().__init__(encoder, augment, name=name, **kwargs)
        self.decoder_dim = decoder_dim
        self.decoder_depth = decoder_depth
        self.decoder_heads = decoder_heads
        self.normalize_targets = normalize_targets
        self.patches = Patches(encoder.patch_size, dtype="float32")
        patch_dim = self.patches.compute_output_shape((None, *encoder.image_shape))[-1]
        if normalize_targets and patch_dim < 2:
            raise ValueError(
                "`normalize_targets=True` needs patches of at least two values: a patch of one "
                "value becomes zero when its mean is subtracted. "
                f"Received: patch_size={encoder.patch_size}, image_shape={encoder.image_shape}"
            )
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
    def encoder(self) -> ViT:
        """The plain `ViT` that is pretrained."""
        return self.model

    def default_loss(self) -> keras.losses.Loss:
        """Return the mean squared error."""
        # The mask is the sample weight, so that the mean is over the hidden patches only.
        return keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")

    def call(self, images, training: bool | None = None):
        images = self.augmented(images) if training else self.at_model_size(images)
        pixels = self.encoder.get_layer("rescaling")(images)
        visible, mask, restore = self._encoded(pixels, training)
        return self.decoder(visible, restore, training=training), self.targets(pixels), mask

    def _encoded(self, pixels, training):
        """Encode the visible patches, and return their tokens with the masks of `RandomMasking`."""
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
        """Return the targets of the decoder, `(B, N, P)`, for rescaled images `(B, H, W, C)`."""
        patches = self.patches(pixels)
        if not self.normalize_targets:
            return patches
        centered = patches - ops.mean(patches, axis=-1, keepdims=True)
        # The sum is divided by P - 1, as in PyTorch's `var`, which MAE's published code uses.
        variance = ops.sum(ops.square(centered), axis=-1, keepdims=True) / (patches.shape[-1] - 1)
        return centered / ops.sqrt(variance + EPSILON)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        prediction, target, mask = y_pred
        return super().compute_loss(x, target, prediction, mask, training)

    def get_config(self) -> dict:
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
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> "MaskedAutoencoder":
        parts = ("encoder", "augment")
        made = {key: keras.saving.deserialize_keras_object(config[key]) for key in parts}
        return cls(**{**config, **made})


def check_encoder(encoder: keras.Model) -> None:
    """Raise a ValueError if a model can't be pretrained on a part of its patches."""
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
                f"For a masked autoencoder the ViT's `{name}` must be "
                f"{' or '.join(map(repr, accepted))}. Received: {name}={given!r}"
            )
