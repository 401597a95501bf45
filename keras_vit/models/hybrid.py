"""A Vision Transformer on the feature map of a ResNet."""

from collections.abc import Callable, Sequence

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
    """A Vision Transformer whose patches are cut from the feature map of a ResNet.

    Source: the ViT paper (arXiv 2010.11929), section 3.1, in the form of
    google-research/vision_transformer. The default arguments give a small model for images of 32x32
    pixels and 10 classes, with 64 tokens of 4x4 pixels and 2,639,786 parameters.

    Args:
        image_shape: tuple of 3 ints, (height, width, channels). Default: (32, 32, 3).
        stages: sequence of ints, number of residual units in each stage of the ResNet. Every stage
            but the first halves the feature map. With () the ResNet is only its stem. Default:
            (2, 2).
        width: int, width of the stem and of the 3x3 convolutions in the first stage; a multiple of
            32. It doubles from stage to stage. Default: 32.
        stem: "imagenet" (the feature map has a quarter of the image's height and width) or "small"
            (a 3x3 convolution, for images of 32x32 pixels). Default: "small".
        patch_size: int or (height, width), in cells of the feature map; must divide the feature
            map. Default: 2.
        group_norm_epsilon: float, added to the variance in the GroupNorms of the ResNet; timm uses
            1e-5. Default: 1e-6.
        std_conv_epsilon: float, added to the variance of the kernels of the ResNet; timm uses 1e-8.
            Default: 1e-5.

    The other arguments are those of `ViT`; by default hidden_dim=192, depth=5, num_heads=3 and
    mlp_dim=768.

    Input shape: `(B, height, width, channels)`, values 0-255, float32 or uint8.

    Output shape: `(B, num_classes)` float32 logits, or `(B, features)` with `num_classes=0`.

    Raises:
        ValueError: if the patch size does not divide the feature map, if `num_heads` does not
            divide `hidden_dim`, or if another argument is outside its range.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int] = (32, 32, 3),
        stages: Sequence[int] = (2, 2),
        width: int = 32,
        stem: str = "small",
        patch_size: int | tuple[int, int] = 2,
        num_classes: int = 10,
        hidden_dim: int = 192,
        depth: int = 5,
        num_heads: int = 3,
        mlp_dim: int = 768,
        positions: str | None = "learned",
        relative_positions: str | None = None,
        pool: str = "token",
        class_token: bool | None = None,
        num_registers: int = 0,
        layer_scale: float | None = None,
        qk_norm: bool = False,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        drop_path: float = 0.0,
        activation: str | Callable = "gelu",
        layer_norm_epsilon: float = 1e-6,
        pre_logits: int | None = None,
        group_norm_epsilon: float = 1e-6,
        rescaling: tuple = (1 / 127.5, -1.0),
        class_names: Sequence[str] | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        name: str = "hybrid_vit",
        fc_norm: bool = False,
        std_conv_epsilon: float = 1e-5,
    ) -> None:
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
    def from_variant(
        cls,
        variant: str,
        image_shape: tuple[int, int, int] = (224, 224, 3),
        num_classes: int = 1000,
        **overrides,
    ) -> "HybridViT":
        """Build a published size: "R+Ti/16", "R26+S/32", "R26+B/32", "R50+B/16" or "R50+L/32".

        R50+B/16 is from the ViT paper, the others are from "How to train your ViT?" (arXiv
        2106.10270).

        Args:
            variant: str, the ResNet, a plus, the letter of the ViT, a slash and a token's side in
                pixels.
            image_shape: tuple of 3 ints, (height, width, channels). Default: (224, 224, 3).
            num_classes: int, number of classes. Default: 1000.
            **overrides: any other arguments of `HybridViT`.

        Returns:
            A `HybridViT` with new weights.

        Raises:
            ValueError: if there is no such variant.
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


def map_grid(
    map_size: tuple[int, int], patch_size: tuple[int, int], image_shape: tuple[int, int, int]
) -> tuple[int, int]:
    """Return (rows, columns) of patches on a feature map of (height, width) cells."""
    if any(cells % size for cells, size in zip(map_size, patch_size, strict=True)):
        raise ValueError(
            "`patch_size` must divide the feature map that the ResNet makes of the image. "
            f"Received: patch_size={patch_size}, a feature map of {map_size[0]}x{map_size[1]} "
            f"cells, image_shape={image_shape}"
        )
    return patch_grid(map_size, patch_size)
