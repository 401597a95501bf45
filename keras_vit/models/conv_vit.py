"""A Vision Transformer behind a small convolutional front, for small data and little time."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from keras_vit.layers import ConvGroup, TransformerBlock, WhiteningConv2D
from keras_vit.models.configured import activation_name, arguments_of
from keras_vit.models.encoder import check_sizes, has_class_token
from keras_vit.models.resize import ResizableModel
from keras_vit.models.vit import classify_patches

# The front of "small" is half as wide as that of the published convolutional network.
VARIANTS = {
    "small": {"widths": (32, 128), "depth": 2, "num_heads": 4, "mlp_dim": 256},
    "base": {"widths": (64, 256), "depth": 2, "num_heads": 4, "mlp_dim": 512},
}


@keras.saving.register_keras_serializable(package="keras_vit")
class ConvViT(ResizableModel):
    """A hybrid: a Vision Transformer on the feature map of a small convolutional network.

    The front is a frozen convolution that whitens small patches (`WhiteningConv2D`), and some
    groups of convolutions, each of which halves the image (`ConvGroup`). Each cell of the last
    feature map is a token for the Transformer blocks: 49 tokens for an image of 32x32 pixels and
    two groups. Sources: the hybrids of the ViT paper (arXiv 2010.11929, section 3.1); the front of
    Keller Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv 2404.00498).

    Call `adapt` with training images before training. It computes the filters of the whitening
    convolution. The recipes do this.

    The last layer of each branch of each block starts at zero, so that the blocks start as the
    identity.

    Args:
        image_shape: tuple of 3 ints, (height, width, channels). Default: (32, 32, 3).
        widths: sequence of ints, channels of each group. Default: (32, 128).
        convolutions: int, 3x3 convolutions in each group. Default: 2.
        hidden_dim: int or None, width of the tokens. None: the width of the last group; otherwise
            the tokens are projected. Default: None.
        momentum: float in [0, 1), the share of the batch normalisations' moving statistics that
            stays at each step. Default: 0.6.

    The other arguments are those of `ViT`; by default depth=2, num_heads=4, mlp_dim=256,
    positions=None, relative_positions="rotary" and pool="mean".

    Input shape: `(B, height, width, channels)`, values 0-255, float32 or uint8.

    Output shape: `(B, num_classes)` float32 logits, or `(B, features)` with `num_classes=0`.

    Raises:
        ValueError: if the image is too small for the groups, if `num_heads` does not divide the
            width of the tokens, or if another argument is outside its range.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int] = (32, 32, 3),
        widths: Sequence[int] = (32, 128),
        convolutions: int = 2,
        num_classes: int = 10,
        hidden_dim: int | None = None,
        depth: int = 2,
        num_heads: int = 4,
        mlp_dim: int = 256,
        positions: str | None = None,
        relative_positions: str | None = "rotary",
        pool: str = "mean",
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
        momentum: float = 0.6,
        rescaling: tuple = (1 / 127.5, -1.0),
        class_names: Sequence[str] | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        name: str = "conv_vit",
        fc_norm: bool = False,
    ) -> None:
        arguments = arguments_of(ConvViT, locals())
        check_widths(widths)
        width = hidden_dim or widths[-1]
        check_sizes(image_shape, num_classes, width, depth, num_heads, mlp_dim, class_names)
        grid = feature_grid(image_shape, len(widths))
        arguments["class_token"] = class_token = has_class_token(pool, class_token)
        arguments["activation"] = activation_name(activation)
        policy = keras.dtype_policies.get(dtype)

        images = keras.Input(image_shape, name="images")
        x = keras.layers.Rescaling(*rescaling, dtype="float32", name="rescaling")(images)
        x = WhiteningConv2D(dtype=policy, name="whitening")(x)
        x = keras.layers.Activation(activation, dtype=policy, name="whitening_activation")(x)
        for i, filters in enumerate(widths):
            x = ConvGroup(
                filters,
                convolutions,
                activation=activation,
                momentum=momentum,
                dtype=policy,
                name=f"group_{i}",
            )(x)
        x = keras.layers.Reshape((-1, widths[-1]), dtype=policy, name="flatten_patches")(x)
        outputs, shortcut = classify_patches(x, arguments, grid, policy, hidden_dim)
        super().__init__(images, outputs, arguments, shortcut)
        self.grid = grid
        self.num_prefix_tokens = int(class_token) + num_registers
        for block in self.layers:
            if isinstance(block, TransformerBlock):
                for last in (block.attention.projection, block.mlp.dense_2):
                    last.kernel.assign(ops.zeros(last.kernel.shape))

    @classmethod
    def from_variant(
        cls,
        variant: str,
        image_shape: tuple[int, int, int] = (32, 32, 3),
        num_classes: int = 10,
        **overrides,
    ) -> "ConvViT":
        """Build one of the sizes that the recipes train: "small" or "base".

        Args:
            variant: str, the name of the size.
            image_shape: tuple of 3 ints, (height, width, channels). Default: (32, 32, 3).
            num_classes: int, number of classes. Default: 10.
            **overrides: any other arguments of `ConvViT`.

        Returns:
            A `ConvViT` with new weights.

        Raises:
            ValueError: if there is no such variant.
        """
        if variant not in VARIANTS:
            raise ValueError(
                f"`variant` must be one of {', '.join(VARIANTS)}. Received: variant={variant!r}"
            )
        return cls(image_shape, num_classes=num_classes, **{**VARIANTS[variant], **overrides})

    def adapt(self, images) -> None:
        """Compute the filters of the whitening convolution from training images.

        Args:
            images: array `(N, height, width, channels)`, values 0-255; a few thousand are enough.
        """
        images = ops.convert_to_tensor(np.asarray(images, "float32"))
        rescaled = self.get_layer("rescaling")(images)
        self.get_layer("whitening").adapt(ops.convert_to_numpy(rescaled))


def check_widths(widths: Sequence[int]) -> None:
    """Raise a ValueError if these are not the widths of one or more groups."""
    if not widths or any(not isinstance(w, int) or w < 1 for w in widths):
        raise ValueError(
            f"`widths` must hold a positive int for each group. Received: widths={widths!r}"
        )


def feature_grid(image_shape: tuple[int, int, int], groups: int) -> tuple[int, int]:
    """Return (rows, columns) of the feature map: whitening takes a pixel, each group half."""
    grid = tuple((side - 1) >> groups for side in image_shape[:2])
    if not min(grid):
        raise ValueError(
            f"`image_shape` is too small for {groups} groups, each of which halves the image. "
            f"Received: image_shape={tuple(image_shape)}, {groups} widths"
        )
    return grid
