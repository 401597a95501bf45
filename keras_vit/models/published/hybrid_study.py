"""The ViT of github.com/ra1ph2/Vision-Transformer, and its hybrid."""

import keras

from keras_vit.layers import TokenPooling
from keras_vit.models.configured import arguments_of
from keras_vit.models.encoder import check_sizes, encoder_blocks, head, through
from keras_vit.models.published.bare_attention import BareAttentionBlock
from keras_vit.models.published.hybrid_study_resnet import ResNet34Stage
from keras_vit.models.published.initialization import start_as_pytorch
from keras_vit.models.published.tokens import published_tokens
from keras_vit.models.resize import ResizableModel

BACKBONES = (None, "resnet34-stage1")


@keras.saving.register_keras_serializable(package="keras_vit")
class HybridStudyViT(ResizableModel):
    """The study's ViT, and with `backbone` its hybrid.

    Class token at zero, positions at N(0, 1); `HybridStudyBlock`s; no norm after the last one; a
    head of two Dense layers. The published counts (15,994,634 by default) include a table of 100
    positions of which only the first are used; here there are as many as tokens.

    The study's hybrid has a frozen ResNet-34 with ImageNet weights up to its first stage. Here
    that part starts untrained and is trained with the rest, unless
    `model.get_layer("backbone").trainable = False`.

    Args:
        image_shape: (height, width, channels); (224, 224, 3) for the study's hybrid.
        patch_size: int or (height, width); must divide the image, or with a backbone its map, a
            quarter as large: 7 in the study's hybrid.
        num_classes: width of the head.
        hidden_dim: width of the tokens.
        depth: number of blocks.
        num_heads: heads of attention; must divide `hidden_dim`.
        mlp_dim: hidden width of each block's MLP.
        backbone: None or "resnet34-stage1": patches are taken of its map, 64 channels wide.
        dropout: on the attention weights, in the MLPs and in the head.
        rescaling: (scale, offset) of the pixels.
        class_names: names of the classes, kept with the model.
        dtype: dtype policy; logits stay float32.
        name: of the model.

    Input shape: `(B, height, width, channels)`, values 0-255.

    Output shape: `(B, num_classes)` float32 logits.

    Raises:
        ValueError: where patch and image, or heads and width, do not fit.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        patch_size=4,
        num_classes=10,
        hidden_dim=512,
        depth=12,
        num_heads=16,
        mlp_dim=512,
        backbone=None,
        dropout=0.1,
        rescaling=(1 / 127.5, -1.0),
        class_names=None,
        dtype=None,
        name="hybrid_study_vit",
    ):
        arguments = arguments_of(HybridStudyViT, locals())
        check_sizes(image_shape, num_classes, hidden_dim, depth, num_heads, mlp_dim, class_names)
        if backbone not in BACKBONES:
            raise ValueError(f"`backbone` must be one of {BACKBONES}. Received: {backbone!r}")
        policy = keras.dtype_policies.get(dtype)
        images = keras.Input(image_shape, name="images")
        x, grid = published_tokens(
            images,
            patch_size,
            hidden_dim,
            policy,
            rescaling,
            class_token_initializer="zeros",
            backbone=None if backbone is None else ResNet34Stage(dtype=policy, name="backbone"),
        )
        blocks = encoder_blocks(
            depth,
            block=HybridStudyBlock,
            num_heads=num_heads,
            mlp_dim=mlp_dim,
            dropout=dropout,
            attention_dropout=dropout,
            layer_norm_epsilon=1e-5,
            dtype=policy,
        )
        x = through(blocks, x)
        x = TokenPooling("token", 1, dtype=policy, name="pooled")(x)
        x = keras.layers.Dense(hidden_dim // 2, activation="gelu", dtype=policy, name="pre_logits")(
            x
        )
        x = keras.layers.Dropout(dropout, dtype=policy, name="head_drop")(x)
        super().__init__(images, head(num_classes, policy)(x), arguments)
        self.grid = grid
        self.num_prefix_tokens = 1
        self.class_token = True
        start_as_pytorch(self)


@keras.saving.register_keras_serializable(package="keras_vit")
class HybridStudyBlock(BareAttentionBlock):
    """The study's Transformer block: bare attention that is not scaled, and less dropout.

    Args:
        *args, **kwargs: as in `BareAttentionBlock`, but that `dropout` falls between the MLP's
            Dense layers alone.
    """

    def __init__(self, *args, scaled=False, **kwargs):
        super().__init__(*args, scaled=scaled, **kwargs)
        self.attention_drop.rate = self.mlp.drop_2.rate = 0.0
