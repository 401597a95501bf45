"""What every Transformer on images has behind its patches: tokens, blocks, pooling, head."""

from collections.abc import Iterable
from numbers import Integral

import keras

from keras_vit.layers import LayerNormalization, PatchEncoder, TokenPooling, TransformerBlock


def transformed(patches, arguments, grid, policy, projection_dim=None):
    """Logits of patches, or their pooled features with 0 classes, as `ViT`'s arguments say.

    With the shortcut to them, as `classified`.

    Args:
        patches: `(B, N, P)`.
        arguments: `ViT`'s, by name; `class_token` is True or False.
        grid: (rows, columns) of the patches.
        policy: dtype policy.
        projection_dim: as in `PatchEncoder`.
    """
    num_prefix_tokens = int(arguments["class_token"]) + arguments["num_registers"]
    same = ("num_heads", "mlp_dim", "dropout", "attention_dropout", "layer_scale", "qk_norm")
    same += ("activation", "layer_norm_epsilon", "relative_positions")
    x = PatchEncoder(
        projection_dim,
        class_token=arguments["class_token"],
        positions=arguments["positions"],
        grid=grid,
        num_registers=arguments["num_registers"],
        dropout=arguments["dropout"],
        dtype=policy,
        name="patch_encoder",
    )(patches)
    blocks = encoder_blocks(
        arguments["depth"],
        drop_path=arguments["drop_path"],
        grid=grid,
        num_prefix_tokens=num_prefix_tokens,
        dtype=policy,
        **{name: arguments[name] for name in same},
    )
    return classified(
        x,
        blocks,
        arguments["pool"],
        num_prefix_tokens,
        arguments["layer_norm_epsilon"],
        arguments["pre_logits"],
        arguments["num_classes"],
        policy,
        arguments["fc_norm"],
    )


def encoder_blocks(depth, drop_path=0.0, block=TransformerBlock, **arguments):
    """A list of `depth` blocks, named `block_0` and on.

    Args:
        depth: number of blocks.
        drop_path: stochastic depth of the last block; grows linearly from 0 at the first.
        block: the blocks' class.
        **arguments: of every block.
    """
    if drop_path:
        rates = [{"drop_path": drop_path * i / max(1, depth - 1)} for i in range(depth)]
    else:
        rates = [{}] * depth
    return [block(name=f"block_{i}", **arguments, **rate) for i, rate in enumerate(rates)]


def through(layers, x):
    """Output of layers that follow one another."""
    for layer in layers:
        x = layer(x)
    return x


def classified(
    x,
    blocks,
    pool,
    num_prefix_tokens,
    layer_norm_epsilon,
    pre_logits,
    num_classes,
    policy,
    fc_norm=False,
):
    """Logits `(B, num_classes)` of tokens `(B, T, D)`; their pooled features with 0 classes.

    Args:
        x: `(B, T, D)`.
        blocks: the Transformer blocks that the tokens are to pass.
        pool, layer_norm_epsilon, pre_logits, num_classes, fc_norm: as in `ViT`.
        num_prefix_tokens: class and register tokens in front of the patches.
        policy: dtype policy.

    Returns:
        The logits, and the shortcut to them for `ConfiguredModel`: where they are read from the
        class token, the last block makes no other there, a tenth of KunViT's products less.
    """
    x = through(blocks[:-1], x)
    behind = list(
        classifier(
            pool, num_prefix_tokens, layer_norm_epsilon, pre_logits, num_classes, policy, fc_norm
        )
    )
    # The whole graph first: a layer's `output` is that of its first call.
    outputs = through(behind, blocks[-1](x))
    shortcut = through(behind, blocks[-1](x, num_queries=1)) if pool == "token" else None
    return outputs, shortcut


def classifier(
    pool, num_prefix_tokens, layer_norm_epsilon, pre_logits, num_classes, policy, fc_norm
):
    """The layers behind the blocks."""
    norm = LayerNormalization(epsilon=layer_norm_epsilon, dtype=policy, name="norm")
    if fc_norm:
        yield TokenPooling(pool, num_prefix_tokens, dtype=policy, name="pooled_tokens")
        yield norm
        # The name by which `intermediates` and others know the features.
        yield keras.layers.Identity(dtype=policy, name="pooled")
    else:
        yield norm
        yield TokenPooling(pool, num_prefix_tokens, dtype=policy, name="pooled")
    if pre_logits:
        yield keras.layers.Dense(pre_logits, activation="tanh", dtype=policy, name="pre_logits")
    if num_classes:
        yield head(num_classes, policy, kernel_initializer="zeros")


def head(num_classes, policy, **arguments):
    """A layer that gives float32 logits under any policy, but for a head that was quantised."""
    is_map = isinstance(policy, keras.dtype_policies.DTypePolicyMap)
    dtype = policy["head"] if is_map and "head" in policy else "float32"
    return keras.layers.Dense(num_classes, dtype=dtype, name="head", **arguments)


def check_sizes(image_shape, num_classes, hidden_dim, depth, num_heads, mlp_dim, class_names):
    """A ValueError for sizes that make no Transformer."""
    check_images(image_shape, num_classes, class_names)
    sizes = {"hidden_dim": hidden_dim, "depth": depth, "num_heads": num_heads, "mlp_dim": mlp_dim}
    for key, size in sizes.items():
        if not isinstance(size, Integral) or size < 1:
            raise ValueError(f"`{key}` must be a positive int. Received: {size}")
    if hidden_dim % num_heads:
        raise ValueError(f"num_heads={num_heads} does not divide hidden_dim={hidden_dim}.")


def check_images(image_shape, num_classes, class_names):
    """A ValueError for images and classes that make no classifier."""
    check_image_shape(image_shape)
    if class_names is not None and len(class_names) != num_classes:
        raise ValueError(f"{len(class_names)} class names for num_classes={num_classes}.")


def check_image_shape(image_shape):
    if not isinstance(image_shape, Iterable) or len(tuple(image_shape)) != 3:
        raise ValueError(
            f"`image_shape` must be (height, width, channels). Received: {image_shape}"
        )


def has_class_token(pool, class_token):
    """Whether there is a class token, where None means "if `pool` is token"."""
    class_token = pool == "token" if class_token is None else class_token
    if pool == "token" and not class_token:
        raise ValueError("pool='token' needs a class token. Received: class_token=False")
    return class_token
