"""The parts that all Transformers on images share: blocks, classifier and checks of sizes."""

from collections.abc import Iterable, Sequence
from numbers import Integral

import keras

from keras_vit.layers import LayerNormalization, TokenPooling, TransformerBlock


def encoder_blocks(
    depth: int, drop_path: float = 0.0, block: type = TransformerBlock, **arguments
) -> list[keras.Layer]:
    """Make the blocks, named `block_0`, `block_1` and so on.

    Args:
        depth: int, number of blocks.
        drop_path: float in [0, 1), stochastic depth of the last block. The rate grows linearly
            from 0 at the first block. Default: 0.0.
        block: class of the blocks. Default: `TransformerBlock`.
        **arguments: further arguments of every block.

    Returns:
        A list of `depth` layers.
    """
    if drop_path:
        rates = [{"drop_path": drop_path * i / max(1, depth - 1)} for i in range(depth)]
    else:
        rates = [{}] * depth
    return [block(name=f"block_{i}", **arguments, **rate) for i, rate in enumerate(rates)]


def run_layers(layers: list[keras.Layer], x):
    """Run layers one after the other and return the output of the last."""
    for layer in layers:
        x = layer(x)
    return x


def run_blocks_and_classifier(
    tokens, blocks: list[keras.Layer], classifier: list[keras.Layer], pool: str
):
    """Run tokens through the blocks and the classifier.

    Args:
        tokens: tensor `(B, T, D)`.
        blocks: list of layers, as `encoder_blocks` gives.
        classifier: list of layers, as `classifier_layers` gives.
        pool: str, "token" or "mean", as in `ViT`.

    Returns:
        The output, and the shortcut to it for `ConfiguredModel`. If the output is read from the
        class token, the last block of the shortcut computes only that token, because nothing reads
        the others: this saves KunViT a tenth of its products. Otherwise the shortcut is None.
    """
    x = run_layers(blocks[:-1], tokens)
    # The whole graph comes first: a layer's `output` is that of its first call.
    outputs = run_layers(classifier, blocks[-1](x))
    shortcut = run_layers(classifier, blocks[-1](x, num_queries=1)) if pool == "token" else None
    return outputs, shortcut


def classifier_layers(
    pool: str,
    num_prefix_tokens: int,
    layer_norm_epsilon: float,
    num_classes: int,
    policy: keras.dtype_policies.DTypePolicy,
    pre_logits: int | None = None,
    fc_norm: bool = False,
) -> list[keras.Layer]:
    """Make the layers behind the blocks: norm, pooling, pre-logits, head.

    Args:
        pool: str, "token" or "mean", as in `ViT`.
        num_prefix_tokens: int, number of class and register tokens in front of the patches.
        layer_norm_epsilon: float, added to the variance in the norm.
        num_classes: int, width of the head; 0 leaves the head off.
        policy: dtype policy of all layers but the head.
        pre_logits: int or None, width of a Dense layer with tanh in front of the head. None: no
            such layer. Default: None.
        fc_norm: bool, whether the norm stands behind the pooling, as in timm and MAE, instead of in
            front of it. Default: False.

    Returns:
        A list of layers.
    """
    norm = LayerNormalization(epsilon=layer_norm_epsilon, dtype=policy, name="norm")
    if fc_norm:
        layers = [
            TokenPooling(pool, num_prefix_tokens, dtype=policy, name="pooled_tokens"),
            norm,
            # `intermediates` and other functions find the features by the name "pooled".
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


def head(
    num_classes: int, policy: keras.dtype_policies.DTypePolicy, **arguments
) -> keras.layers.Dense:
    """Make the Dense layer of the logits, which are float32 under every policy.

    Args:
        num_classes: int, number of logits.
        policy: dtype policy of the model. If it is a `DTypePolicyMap` with an entry for the head,
            as in a quantised model, the head takes the policy of that entry.
        **arguments: further arguments of the Dense layer.

    Returns:
        The layer, named "head".
    """
    is_map = isinstance(policy, keras.dtype_policies.DTypePolicyMap)
    dtype = policy["head"] if is_map and "head" in policy else "float32"
    return keras.layers.Dense(num_classes, dtype=dtype, name="head", **arguments)


def check_sizes(
    image_shape: tuple,
    num_classes: int,
    hidden_dim: int,
    depth: int,
    num_heads: int,
    mlp_dim: int,
    class_names: Sequence[str] | None,
) -> None:
    """Raise a ValueError if no Transformer has these sizes; they are arguments of `ViT`."""
    check_images(image_shape, num_classes, class_names)
    sizes = {"hidden_dim": hidden_dim, "depth": depth, "num_heads": num_heads, "mlp_dim": mlp_dim}
    for key, size in sizes.items():
        if not isinstance(size, Integral) or size < 1:
            raise ValueError(f"`{key}` must be a positive int. Received: {key}={size}")
    if hidden_dim % num_heads:
        raise ValueError(
            "`num_heads` must divide `hidden_dim`. "
            f"Received: num_heads={num_heads}, hidden_dim={hidden_dim}"
        )


def check_images(image_shape: tuple, num_classes: int, class_names: Sequence[str] | None) -> None:
    """Raise a ValueError if no classifier has this shape of images and these classes."""
    check_image_shape(image_shape)
    if class_names is not None and len(class_names) != num_classes:
        raise ValueError(
            "`class_names` must have one name for each of the `num_classes` classes. "
            f"Received: {len(class_names)} class names, num_classes={num_classes}"
        )


def check_image_shape(image_shape: tuple) -> None:
    """Raise a ValueError if the shape is not (height, width, channels)."""
    if not isinstance(image_shape, Iterable) or len(tuple(image_shape)) != 3:
        raise ValueError(
            f"`image_shape` must be (height, width, channels). Received: image_shape={image_shape}"
        )


def has_class_token(pool: str, class_token: bool | None) -> bool:
    """Return whether the model has a class token.

    Args:
        pool: str, "token" or "mean", as in `ViT`.
        class_token: bool or None. None: the model has a class token if `pool` is "token".

    Raises:
        ValueError: if the model pools by a class token that it does not have.
    """
    class_token = pool == "token" if class_token is None else class_token
    if pool == "token" and not class_token:
        raise ValueError(
            "`pool='token'` needs a class token: `class_token` must be True or None. "
            "Received: pool='token', class_token=False"
        )
    return class_token
