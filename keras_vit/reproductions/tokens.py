"""The way from images to tokens that the published systems share."""

import keras

from keras_vit.layers import PatchEncoder, Patches
from keras_vit.layers.patches import pair, patch_grid


def published_tokens(
    images,
    patch_size,
    hidden_dim,
    policy,
    rescaling,
    convolution=False,
    positions="learned",
    class_token_initializer=None,
    dropout=0.0,
    backbone=None,
):
    """Tokens `(B, 1 + N, D)` of images, with a class token; positions start at N(0, 1).

    Args:
        images: the `keras.Input`, `(B, H, W, C)`.
        patch_size: int or (height, width).
        hidden_dim: width D of the tokens.
        policy: dtype policy.
        rescaling: (scale, offset) of the pixels.
        convolution: project by a convolution instead of a Dense layer.
        positions: as in `PatchEncoder`.
        class_token_initializer: of the class token; None: N(0, 1).
        dropout: of the encoded patches.
        backbone: a function from rescaled images to a feature map, whose patches are taken.

    Returns:
        The tokens, and the patches' grid (rows, columns).
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
        # One each: an initializer takes its seed when it is made, and draws the same at every call.
        class_token_initializer=class_token_initializer
        or keras.initializers.RandomNormal(stddev=1.0),
        positions_initializer=keras.initializers.RandomNormal(stddev=1.0),
        dtype=policy,
        name="patch_encoder",
    )(x)
    return x, grid
