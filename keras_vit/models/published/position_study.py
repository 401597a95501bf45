"""A ViT without attention output projection, with learned or fixed positions."""

import keras

from keras_vit.layers.rescaling import rescaling_of
from keras_vit.models.configured import ConfiguredModel, arguments_of
from keras_vit.models.encoder import check_sizes, classified, encoder_blocks
from keras_vit.models.published.bare_attention import BareAttentionBlock
from keras_vit.models.published.initialization import start_normal
from keras_vit.models.published.tokens import published_tokens

CIFAR10 = rescaling_of((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))


@keras.saving.register_keras_serializable(package="keras_vit")
class PositionStudyViT(ConfiguredModel):
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
        rescaling=CIFAR10,
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
        outputs, shortcut = classified(x, blocks, "token", 1, 1e-5, None, num_classes, policy)
        super().__init__(images, outputs, arguments, shortcut)
        self.grid = grid
        self.num_prefix_tokens = 1
        self.class_token = True
        start_normal(self)  # the code's own, which spares convolutions
