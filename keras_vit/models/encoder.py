"""What every Transformer on images shares: its blocks, its classifier, checks of its sizes."""

from collections.abc import Iterable
from numbers import Integral

import keras

from keras_vit.layers import LayerNormalization, TokenPooling, TransformerBlock


def encoder_blocks(depth, drop_path=0.0, block=TransformerBlock, **arguments):
    """Make the blocks, named `block_0`, `block_1` and so on.

    Args:
        depth: int, number of blocks.
        drop_path: float in [0, 1), stochastic depth of the last block. The rate grows linearly
            from 0 at the first block. Default: 0.0.
        block: class of the blocks. Default: `TransformerBlock`.
        **arguments: given to every block.

    Returns:
        A list of `depth` layers.
    """
    if drop_path:
        rates = [{"drop_path": drop_path * i / max(1, depth - 1)} for i in range(depth)]
    else:
        rates = [{}] * depth
    return [block(name=f"block_{i}", **arguments, **rate) for i, rate in enumerate(rates)]


def run_layers(layers, x):
    """Return the output of layers that follow one another."""
    for layer in layers:
        x = layer(x)
    return x


def run_blocks_and_classifier(tokens, blocks, classifier, pool):
    """Run tokens through the blocks and the classifier.

    Args:
        tokens: tensor `(B, T, D)`.
        blocks: list of layers, as `encoder_blocks` gives.
        classifier: list of layers, as `classifier_layers` gives.
        pool: str, "token" or "mean", as in `ViT`.

    Returns:
        The output, and the shortcut to it for `ConfiguredModel`. Where the output is read from
        the class token, the last block of the shortcut computes that token alone, because
        nothing reads the others: KunViT saves a tenth of its products. Otherwise the shortcut is
        None.
    """
    x = run_layers(blocks[:-1], tokens)
    # The whole graph comes first: a layer's `output` is that of its first call.
    outputs = run_layers(classifier, blocks[-1](x))
    shortcut = run_layers(classifier, blocks[-1](x, num_queries=1)) if pool == "token" else None
    return outputs, shortcut


def classifier_layers(
    pool,
    num_prefix_tokens,
    layer_norm_epsilon,
    num_classes,
    policy,
    pre_logits=None,
    fc_norm=False,
):
    """Make the layers behind the blocks: norm, pooling, pre-logits, head.

    Args:
        pool: str, "token" or "mean", as in `ViT`.
        num_prefix_tokens: int, class and register tokens in front of the patches.
        layer_norm_epsilon: float, epsilon of the norm.
        num_classes: int, width of the head; 0 leaves the head off.
        policy: dtype policy of the layers but the head.
        pre_logits: int, width of a Dense layer with tanh before the head. Default: None, none.
        fc_norm: bool, whether the norm stands behind the pooling, as in timm and MAE, instead of
            before it. Default: False.

    Returns:
        A list of layers.
    """
    norm = LayerNormalization(epsilon=layer_norm_epsilon, dtype=policy, name="norm")
    if fc_norm:
        layers = [
            TokenPooling(pool, num_prefix_tokens, dtype=policy, name="pooled_tokens"),
            norm,
            # `intermediates` and others know the features by the name "pooled".
            keras.layers.Identity(dtype=policy, name="pooled"),
        ]
    else:
        layers = [norm, TokenPooling(pool, num_prefix_tokens, dtype=policy, name="pooled")]
    if pre_logits:
        layers.append(
            keras.layers.Dense(pre_logits, activation="tanh", dtype=policy, name="pre_logits")
        )
    if num_classes:
        layers.append(head(num_classes, policy, kernel_initializer="zeros"))
    return layers


def head(num_classes, policy, **arguments):
    """Make the Dense layer of the logits, which are float32 under any policy.

    A head that was quantised keeps the policy that its map names.
    """
    is_map = isinstance(policy, keras.dtype_policies.DTypePolicyMap)
    dtype = policy["head"] if is_map and "head" in policy else "float32"
    return keras.layers.Dense(num_classes, dtype=dtype, name="head", **arguments)


def check_sizes(image_shape, num_classes, hidden_dim, depth, num_heads, mlp_dim, class_names):
    """Raise a ValueError for sizes that make no Transformer."""
    check_images(image_shape, num_classes, class_names)
    sizes = {"hidden_dim": hidden_dim, "depth": depth, "num_heads": num_heads, "mlp_dim": mlp_dim}
    for key, size in sizes.items():
        if not isinstance(size, Integral) or size < 1:
            raise ValueError(f"`{key}` must be a positive int. Received: {size}")
    if hidden_dim % num_heads:
        raise ValueError(f"num_heads={num_heads} does not divide hidden_dim={hidden_dim}.")


def check_images(image_shape, num_classes, class_names):
    """Raise a ValueError for images and classes that make no classifier."""
    check_image_shape(image_shape)
    if class_names is not None and len(class_names) != num_classes:
        raise ValueError(f"{len(class_names)} class names for num_classes={num_classes}.")


def check_image_shape(image_shape):
    """Raise a ValueError for anything but (height, width, channels)."""
    if not isinstance(image_shape, Iterable) or len(tuple(image_shape)) != 3:
        raise ValueError(
            f"`image_shape` must be (height, width, channels). Received: {image_shape}"
        )


def has_class_token(pool, class_token):
    """Return whether there is a class token; None means "if `pool` is token"."""
    class_token = pool == "token" if class_token is None else class_token
    if pool == "token" and not class_token:
        raise ValueError("pool='token' needs a class token. Received: class_token=False")
    return class_token
