"""The parts that the published ViTs share: their base class, and the way from images to tokens."""

from collections.abc import Callable

import keras

from keras_vit.layers import PatchEncoder, Patches
from keras_vit.layers.patches import pair, patch_grid
from keras_vit.models.configured import ConfiguredModel


class PublishedViT(ConfiguredModel):
    """A ViT with a class token, built from the parts that one publication changed.

    Args:
        images: `keras.Input`, `(B, H, W, C)`.
        outputs: Keras tensor, the logits.
        arguments: dict, the arguments of the subclass's constructor by name.
        grid: pair of ints, (rows, columns) of the patches.
        shortcut: Keras tensor or None, as in `ConfiguredModel`. Default: None.
    """

    num_prefix_tokens = 1
    class_token = True

    def __init__(
        self, images, outputs, arguments: dict, grid: tuple[int, int], shortcut=None
    ) -> None:
        super().__init__(images, outputs, arguments, shortcut)
        self.grid = grid


def published_tokens(
    images,
    patch_size: int | tuple[int, int],
    hidden_dim: int,
    policy: keras.DTypePolicy,
    rescaling: tuple,
    convolution: bool = False,
    positions: str = "learned",
    class_token_initializer: str | keras.initializers.Initializer | None = None,
    dropout: float = 0.0,
    backbone: Callable | None = None,
):
    """Turn images into tokens with a class token; learned positions start at N(0, 1).

    Args:
        images: `keras.Input`, `(B, H, W, C)`.
        patch_size: int or pair of ints, (height, width) of a patch in pixels.
        hidden_dim: int, width D of the tokens.
        policy: Keras dtype policy of the layers.
        rescaling: pair (scale, offset) of the pixels, each a number or one number for each channel.
        convolution: bool, whether a convolution projects the patches instead of a Dense layer.
            Default: False.
        positions: str, as in `PatchEncoder`. Default: "learned".
        class_token_initializer: Keras initializer or its name, or None for N(0, 1). Default: None.
        dropout: float in [0, 1), share of the encoded patches' values set to zero. Default: 0.0.
        backbone: function from the rescaled images to a feature map, from which the patches are
            then taken, or None. None: the patches are taken from the images. Default: None.

    Returns:
        A tuple of the tokens, `(B, 1 + N, D)`, and the patches' grid, (rows, columns).
    """
    patch_size = pair(patch_size, "patch_size")
    x = keras.layers.Rescaling(*rescaling, dtype="float32", name="rescaling")(images)
    x = x if backbone is None else backbone(x)
    grid = patch_grid(x.shape[1:3], patch_size)
    if convolution:
        x = keras.layers.Conv2D(
            hidden_dim, patch_size, strides=patch_size, dtype=policy, name="patches"
        )(x)
        x = keras.layers.Reshape((-1, hidden_dim), dtype=policy, name="flatten_patches")(x)
    else:
        x = Patches(patch_size, dtype=policy, name="patches")(x)
    x = PatchEncoder(
        None if convolution else hidden_dim,
        positions=positions,
        grid=grid,
        dropout=dropout,
        # Two initializers are needed, because an initializer takes its seed when it is created and
        # draws the same values at every call.
        class_token_initializer=class_token_initializer
        or keras.initializers.RandomNormal(stddev=1.0),
        positions_initializer=keras.initializers.RandomNormal(stddev=1.0),
        dtype=policy,
        name="patch_encoder",
    )(x)
    return x, grid
