"""What every Transformer on images has behind its patches: tokens, blocks, pooling, head."""

from numbers import Integral

import keras

from keras_vit.layers import LayerNormalization, PatchEncoder, TokenPooling, TransformerBlock


def transformed(patches, arguments, grid, policy, projection_dim=None):
    """Logits of patches, or their pooled features with 0 classes, as `ViT`'s arguments say.

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
    x = encoded(
        x,
        arguments["depth"],
        drop_path=arguments["drop_path"],
        grid=grid,
        num_prefix_tokens=num_prefix_tokens,
        dtype=policy,
        **{name: arguments[name] for name in same},
    )
    return classified(
        x,
        arguments["pool"],
        num_prefix_tokens,
        arguments["layer_norm_epsilon"],
        arguments["pre_logits"],
        arguments["num_classes"],
        policy,
        arguments["fc_norm"],
    )


def encoded(x, depth, drop_path=0.0, block=TransformerBlock, **arguments):
    """Tokens `(B, T, D)` after `depth` blocks, named `block_0` and on.

    Args:
        x: `(B, T, D)`.
        depth: number of blocks.
        drop_path: stochastic depth of the last block; grows linearly from 0 at the first.
        block: the blocks' class.
        **arguments: of every block.
    """
    for i in range(depth):
        if drop_path:
            arguments["drop_path"] = drop_path * i / max(1, depth - 1)
        x = block(name=f"block_{i}", **arguments)(x)
    return x


def classified(
    x,
    pool,
    num_prefix_tokens,
    layer_norm_epsilon,
    pre_logits,
    num_classes,
    policy,
    fc_norm=False,
):
    """Logits `(B, num_classes)` of tokens `(B, T, D)`; their pooled features with 0 classes."""
    norm = LayerNormalization(epsilon=layer_norm_epsilon, dtype=policy, name="norm")
    if fc_norm:
        x = norm(TokenPooling(pool, num_prefix_tokens, dtype=policy, name="pooled_tokens")(x))
        # The name by which `intermediates` and others know the features.
        x = keras.layers.Identity(dtype=policy, name="pooled")(x)
    else:
        x = TokenPooling(pool, num_prefix_tokens, dtype=policy, name="pooled")(norm(x))
    if pre_logits:
        x = keras.layers.Dense(pre_logits, activation="tanh", dtype=policy, name="pre_logits")(x)
    return head(x, num_classes, policy, kernel_initializer="zeros") if num_classes else x


def head(x, num_classes, policy, **arguments):
    """Float32 logits under any policy, but for a head that was quantised."""
    is_map = isinstance(policy, keras.dtype_policies.DTypePolicyMap)
    dtype = policy["head"] if is_map and "head" in policy else "float32"
    return keras.layers.Dense(num_classes, dtype=dtype, name="head", **arguments)(x)


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
    if len(image_shape) != 3:
        raise ValueError(
            f"`image_shape` must be (height, width, channels). Received: {image_shape}"
        )
    if class_names is not None and len(class_names) != num_classes:
        raise ValueError(f"{len(class_names)} class names for num_classes={num_classes}.")


def has_class_token(pool, class_token):
    """Whether there is a class token, where None means "if `pool` is token"."""
    class_token = pool == "token" if class_token is None else class_token
    if pool == "token" and not class_token:
        raise ValueError("pool='token' needs a class token. Received: class_token=False")
    return class_token
