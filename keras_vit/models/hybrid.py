"""A Vision Transformer on the feature map of a ResNet."""

import keras

from keras_vit.layers.patches import pair, patch_grid
from keras_vit.models.configured import activation_name, arguments_of
from keras_vit.models.encoder import check_sizes, has_class_token
from keras_vit.models.hybrid_backbone import HybridBackbone
from keras_vit.models.resize import ResizableModel
from keras_vit.models.variants import hybrid_arguments
from keras_vit.models.vit import classify_patches


@keras.saving.register_keras_serializable(package="keras_vit")
class HybridViT(ResizableModel):
    """A Vision Transformer on the feature map of a ResNet (arXiv 2010.11929, section 3.1).

    As in google-research/vision_transformer. The defaults are a small one for 32x32 images and 10
    classes, with 64 tokens of 4x4 pixels: 2,639,786 parameters.

    Args:
        image_shape: (height, width, channels).
        stages: number of residual units of each stage of the ResNet; every stage but the first
            halves the map; () leaves the stem alone.
        width: of the stem and the first stage's 3x3 convolutions, a multiple of 32; doubles from
            stage to stage.
        stem: "imagenet" (quarters the image) or "small" (a 3x3 convolution, for 32x32 images).
        patch_size: int or (height, width), in cells of the feature map, which it must divide.
        num_classes, hidden_dim, depth, num_heads, mlp_dim, positions, relative_positions, pool,
            class_token, num_registers, layer_scale, qk_norm, dropout, attention_dropout,
            drop_path, activation, layer_norm_epsilon, pre_logits: as in `ViT`.
        group_norm_epsilon: of the ResNet's GroupNorms; timm has 1e-5.
        std_conv_epsilon: of its standardised convolutions; timm has 1e-8.
        rescaling, class_names, dtype, name, fc_norm: as in `ViT`.

    Input shape: `(B, height, width, channels)`, values 0-255, float32 or uint8.

    Output shape: `(B, num_classes)` float32 logits, or `(B, features)` with `num_classes=0`.

    Raises:
        ValueError: where patch and feature map, or heads and width, do not fit.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        stages=(2, 2),
        width=32,
        stem="small",
        patch_size=2,
        num_classes=10,
        hidden_dim=192,
        depth=5,
        num_heads=3,
        mlp_dim=768,
        positions="learned",
        relative_positions=None,
        pool="token",
        class_token=None,
        num_registers=0,
        layer_scale=None,
        qk_norm=False,
        dropout=0.0,
        attention_dropout=0.0,
        drop_path=0.0,
        activation="gelu",
        layer_norm_epsilon=1e-6,
        pre_logits=None,
        group_norm_epsilon=1e-6,
        rescaling=(1 / 127.5, -1.0),
        class_names=None,
        dtype=None,
        name="hybrid_vit",
        fc_norm=False,
        std_conv_epsilon=1e-5,
    ):
        arguments = arguments_of(HybridViT, locals())
        check_sizes(image_shape, num_classes, hidden_dim, depth, num_heads, mlp_dim, class_names)
        arguments["class_token"] = class_token = has_class_token(pool, class_token)
        arguments["patch_size"] = patch_size = pair(patch_size, "patch_size")
        arguments["activation"] = activation_name(activation)
        policy = keras.dtype_policies.get(dtype)

        images = keras.Input(image_shape, name="images")
        x = keras.layers.Rescaling(*rescaling, dtype="float32", name="rescaling")(images)
        x = HybridBackbone(
            stages,
            width,
            stem,
            group_norm_epsilon,
            std_conv_epsilon,
            dtype=policy,
            name="backbone",
        )(x)
        grid = map_grid(x.shape[1:3], patch_size, image_shape)
        x = keras.layers.Conv2D(
            hidden_dim, patch_size, strides=patch_size, dtype=policy, name="patches"
        )(x)
        x = keras.layers.Reshape((-1, hidden_dim), dtype=policy, name="flatten_patches")(x)
        outputs, shortcut = classify_patches(x, arguments, grid, policy)
        super().__init__(images, outputs, arguments, shortcut)
        self.grid = grid
        self.num_prefix_tokens = int(class_token) + num_registers

    @classmethod
    def from_variant(cls, variant, image_shape=(224, 224, 3), num_classes=1000, **overrides):
        """A published size: "R+Ti/16", "R26+S/32", "R26+B/32", "R50+B/16" or "R50+L/32".

        The ViT paper has R50+B/16; the others are from "How to train your ViT?" (arXiv 2106.10270).

        Args:
            variant: the ResNet, plus, the ViT's letter, slash, pixels a side of a token.
            image_shape: (height, width, channels).
            num_classes: width of the head.
            **overrides: any other argument of `HybridViT`.
        """
        arguments = {
            "image_shape": image_shape,
            "num_classes": num_classes,
            "width": 64,
            "stem": "imagenet",
            "name": f"hybrid_{variant.replace('/', '_').replace('+', '_').lower()}",
            **hybrid_arguments(variant),
            **overrides,
        }
        return cls(**arguments)


def map_grid(map_size, patch_size, image_shape):
    """(rows, columns) of patches on a feature map of (height, width) cells."""
    if any(cells % size for cells, size in zip(map_size, patch_size, strict=True)):
        raise ValueError(
            f"A patch of {patch_size[0]}x{patch_size[1]} cells does not divide the feature map of "
            f"{map_size[0]}x{map_size[1]} that the ResNet makes of image_shape={image_shape}."
        )
    return patch_grid(map_size, patch_size)
