"""Three ways to tell a ViT where its patches are, on CIFAR-10.

    keras-vit study position_study --all                      the whole study
    keras-vit study position_study --variant sincos-conv      one of it

The study of github.com/SkiddieAhn/Code-Vision-Transformer: learned positions, fixed sinusoids,
and fixed ones with patches by convolution. Its models as coded, without output projection in the
attention; Adam at a constant 1e-3 with an L2 penalty, 50 epochs. It kept the epoch of the lowest
*test* loss from the twelfth on; here 5,000 training images choose it, so 45,000 train.
"""

import dataclasses

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
from keras_vit.reproductions.published_vit import PublishedViT
from keras_vit.reproductions.tokens import published_tokens
from keras_vit.runs.preset import Preset
from keras_vit.runs.recipe import Recipe

CIFAR10_RESCALING = rescaling_of((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))


@keras.saving.register_keras_serializable(package="keras_vit")
class PositionStudyViT(PublishedViT):
    """The ViT of github.com/SkiddieAhn/Code-Vision-Transformer, as its code has it.

    4,918,090 parameters with learned positions, 4,905,610 with fixed ones.

    Args:
        image_shape: (height, width, channels).
        patch_size: int or (height, width); must divide the image.
        num_classes: width of the head.
        hidden_dim: width of the tokens.
        depth: number of blocks.
        num_heads: heads of attention; must divide `hidden_dim`.
        mlp_dim: hidden width of each block's MLP.
        positions: "learned", which start at N(0, 1), or "sincos1d", as in `PatchEncoder`.
        convolution: project the patches by a convolution; the same map as the Dense layer, but
            it starts as PyTorch's does, the Dense layers normal.
        rescaling: (scale, offset) of the pixels; the default is the study's mean and deviation.
        class_names: names of the classes, kept with the model.
        dtype: dtype policy; logits stay float32.
        name: of the model.

    Input shape: `(B, height, width, channels)`, values 0-255.

    Output shape: `(B, num_classes)` float32 logits.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        patch_size=4,
        num_classes=10,
        hidden_dim=192,
        depth=12,
        num_heads=12,
        mlp_dim=768,
        positions="learned",
        convolution=False,
        rescaling=CIFAR10_RESCALING,
        class_names=None,
        dtype=None,
        name="position_study_vit",
    ):
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
        start_normal(self)  # the code's own, which spares convolutions


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
