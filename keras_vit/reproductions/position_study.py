"""A study of three position embeddings for a ViT, on CIFAR-10.

    keras-vit study position_study --all                      train all variants in turn
    keras-vit study position_study --variant sincos-conv      train one variant

This study reproduces github.com/SkiddieAhn/Code-Vision-Transformer. Its variants are learned
positions, fixed sinusoids, and fixed sinusoids with patches by a convolution. The models follow the
published code, whose attention has no output projection. Adam has a constant rate of 1e-3 and an L2
penalty, for 50 epochs. From the twelfth epoch on, the original kept the weights with the lowest
loss on the *test* images. Here 5,000 of the training images choose the epoch instead, so that
45,000 are left to train on.
"""

import dataclasses
from collections.abc import Sequence

import keras

from keras_vit.layers.rescaling import rescaling_of
from keras_vit.models.configured import arguments_of
from keras_vit.models.encoder import (
    check_sizes,
    classifier_layers,
    encoder_blocks,
    run_blocks_and_classifier,
)
from keras_vit.reproductions.bare_attention import BareAttentionBlock
from keras_vit.reproductions.initialization import start_normal
from keras_vit.reproductions.published_vit import PublishedViT, published_tokens
from keras_vit.runs.preset import Preset
from keras_vit.runs.recipe import Recipe

CIFAR10_RESCALING = rescaling_of((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))


@keras.saving.register_keras_serializable(package="keras_vit")
class PositionStudyViT(PublishedViT):
    """The ViT of github.com/SkiddieAhn/Code-Vision-Transformer, as its code has it.

    It has 4,918,090 parameters with learned positions and 4,905,610 with fixed positions.

    Args:
        image_shape: tuple of ints, (height, width, channels). Default: (32, 32, 3).
        patch_size: int or pair of ints, (height, width) of a patch in pixels; must divide the
            image. Default: 4.
        num_classes: int, number of classes and width of the head. Default: 10.
        hidden_dim: int, width of the tokens. Default: 192.
        depth: int, number of blocks. Default: 12.
        num_heads: int, number of attention heads; must divide `hidden_dim`. Default: 12.
        mlp_dim: int, hidden width of each block's MLP. Default: 768.
        positions: str, "learned" (positions that start at N(0, 1)) or "sincos1d" (see
            `PatchEncoder`). Default: "learned".
        convolution: bool, whether a convolution projects the patches instead of a Dense layer.
            Both compute the same map; the convolution starts with PyTorch's weights, and the Dense
            layer with normal weights. Default: False.
        rescaling: pair (scale, offset) of the pixels, each a number or one number for each channel.
            Default: the study's mean and standard deviation of CIFAR-10.
        class_names: list of str or None, names that are stored in the model. Default: None.
        dtype: Keras dtype policy or its name, or None for Keras's global policy. The logits are
            always float32. Default: None.
        name: str, name of the model. Default: "position_study_vit".

    Input shape: `(B, height, width, channels)`, values in [0, 255], float32 or uint8.

    Output shape: `(B, num_classes)` float32 logits.

    Raises:
        ValueError: if the patches do not divide the image, the heads do not divide the width, or
            the class names do not fit `num_classes`.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int] = (32, 32, 3),
        patch_size: int | tuple[int, int] = 4,
        num_classes: int = 10,
        hidden_dim: int = 192,
        depth: int = 12,
        num_heads: int = 12,
        mlp_dim: int = 768,
        positions: str = "learned",
        convolution: bool = False,
        rescaling: tuple = CIFAR10_RESCALING,
        class_names: Sequence[str] | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        name: str = "position_study_vit",
    ) -> None:
        arguments = arguments_of(PositionStudyViT, locals())
        check_sizes(image_shape, num_classes, hidden_dim, depth, num_heads, mlp_dim, class_names)
        policy = keras.dtype_policies.get(dtype)
        images = keras.Input(image_shape, name="images")
        x, grid = published_tokens(
            images, patch_size, hidden_dim, policy, rescaling, convolution, positions
        )
        blocks = encoder_blocks(
            depth,
            block=BareAttentionBlock,
            num_heads=num_heads,
            mlp_dim=mlp_dim,
            layer_norm_epsilon=1e-5,
            dtype=policy,
        )
        classifier = classifier_layers(
            pool="token",
            num_prefix_tokens=1,
            layer_norm_epsilon=1e-5,
            num_classes=num_classes,
            policy=policy,
        )
        outputs, shortcut = run_blocks_and_classifier(x, blocks, classifier, pool="token")
        super().__init__(images, outputs, arguments, grid, shortcut)
        # The published code initialises its Dense layers itself, but not its convolutions.
        start_normal(self)


LEARNED = Preset(
    summary="learned positions, 50 epochs",
    expect="75.03 % as published",
    epochs=50,
    model_class="PositionStudyViT",
    validation_images=5_000,
    best_epoch_from=12,
    batch_size=256,
    optimizer="adam_l2",
    weight_decay=5e-5,
    schedule="constant",
    peak_learning_rate=1e-3,
    label_smoothing=0.0,
    crop_padding=4,
    flip=True,
)

RECIPE = Recipe(
    name="position_study",
    data="cifar10",
    study=True,
    presets={
        "learned": LEARNED,
        "sincos": dataclasses.replace(
            LEARNED,
            summary="fixed sinusoid positions, 50 epochs",
            expect="76.05 % as published",
            model={"positions": "sincos1d"},
        ),
        "sincos-conv": dataclasses.replace(
            LEARNED,
            summary="fixed positions and patches by convolution, 50 epochs",
            expect="78.55 % as published",
            model={"positions": "sincos1d", "convolution": True},
        ),
    },
    on_cpu="sincos-conv",
    on_gpu="sincos-conv",
)

FORM = "as coded (no output projection); epoch not chosen on test images"
# In percent, with the decimals that were published.
PUBLISHED = {
    "learned": {"test": "75.03"},
    "sincos": {"test": "76.05"},
    "sincos-conv": {"test": "78.55"},
}
