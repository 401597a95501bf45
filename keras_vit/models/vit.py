"""The Vision Transformer, from the patches to the logits."""

from collections.abc import Callable, Sequence

import keras

from keras_vit.layers import ConvStem, PatchEncoder, Patches
from keras_vit.layers.patches import pair, patch_grid
from keras_vit.models.configured import activation_name, arguments_of
from keras_vit.models.encoder import (
    check_sizes,
    classifier_layers,
    encoder_blocks,
    has_class_token,
    run_blocks_and_classifier,
)
from keras_vit.models.resize import ResizableModel
from keras_vit.models.variants import variant_arguments

PATCH_EMBEDDINGS = ("linear", "conv", "stem")


@keras.saving.register_keras_serializable(package="keras_vit")
class ViT(ResizableModel):
    """Vision Transformer, as a functional Keras model.

    Source: the ViT paper (arXiv 2010.11929). The default arguments give KunViT, which has 6,268,810
    parameters for images of 32x32 pixels and 10 classes.

    Args:
        image_shape: tuple of 3 ints, (height, width, channels). Default: (32, 32, 3).
        patch_size: int or (height, width), in pixels; must divide the image. Default: 4.
        num_classes: int, number of classes. The kernel of the head starts at zero. With 0 the model
            has no head and returns the pooled features. Default: 10.
        hidden_dim: int, width of the tokens. Default: 384.
        depth: int, number of blocks. Default: 7.
        num_heads: int, number of attention heads; must divide `hidden_dim`. Default: 12.
        mlp_dim: int, width between the two Dense layers of each MLP. Default: 384.
        positions: "learned", "sincos1d", "sincos2d" or None, the position embedding that is added
            to the tokens. Default: "learned".
        relative_positions: None, "rotary" or "bias", the position embedding inside the attention.
            Default: None.
        pool: "token" (the features are the class token), "mean" or "max" (the features are the mean
            or the maximum over the patches after the last norm). Default: "token".
        class_token: bool or None, whether the model has a class token. None: it has one if `pool`
            is "token". Default: None.
        patch_embedding: "linear" (`Patches` and a Dense layer), "conv" (one convolution) or
            "stem" (a small convolutional stem). Default: "linear".
        num_registers: int, number of register tokens beside the class token. Default: 0.
        layer_scale: float or None, first value of the factors of LayerScale. None: no LayerScale.
            Default: None.
        qk_norm: bool, whether LayerNorm normalises queries and keys. Default: False.
        dropout: float in [0, 1], dropout in the MLPs, after the attention and on the encoded
            patches. Default: 0.0.
        attention_dropout: float in [0, 1], dropout of the attention weights. Default: 0.0.
        drop_path: float in [0, 1), stochastic depth of the last block. The rate grows linearly
            from 0 at the first block. Default: 0.0.
        activation: str or function, activation of the MLPs; "gelu" is the exact GELU. Default:
            "gelu".
        layer_norm_epsilon: float, added to the variance in every LayerNorm. Default: 1e-6.
        pre_logits: int or None, width of a Dense layer with tanh in front of the head. None: no
            such layer. Default: None.
        rescaling: pair (scale, offset), each a number or one number for each channel. The model
            computes `pixels * scale + offset`. Default: (1 / 127.5, -1.0).
        class_names: sequence of str or None, names of the classes, saved with the model. Default:
            None.
        dtype: dtype policy or None for Keras's global policy. The rescaling and the logits are
            always float32. Default: None.
        name: str, name of the model. Default: "vit".
        fc_norm: bool, whether the last norm stands behind the pooling, as in timm and MAE, instead
            of in front of it. Default: False.

    Input shape: `(B, height, width, channels)`, values 0-255, float32 or uint8.

    Output shape: `(B, num_classes)` float32 logits, or `(B, features)` with `num_classes=0`.

    Raises:
        ValueError: if the patch size does not divide the image, if `num_heads` does not divide
            `hidden_dim`, or if another argument is outside its range.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int] = (32, 32, 3),
        patch_size: int | tuple[int, int] = 4,
        num_classes: int = 10,
        hidden_dim: int = 384,
        depth: int = 7,
        num_heads: int = 12,
        mlp_dim: int = 384,
        positions: str | None = "learned",
        relative_positions: str | None = None,
        pool: str = "token",
        class_token: bool | None = None,
        patch_embedding: str = "linear",
        num_registers: int = 0,
        layer_scale: float | None = None,
        qk_norm: bool = False,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        drop_path: float = 0.0,
        activation: str | Callable = "gelu",
        layer_norm_epsilon: float = 1e-6,
        pre_logits: int | None = None,
        rescaling: tuple = (1 / 127.5, -1.0),
        class_names: Sequence[str] | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        name: str = "vit",
        fc_norm: bool = False,
    ) -> None:
        arguments = arguments_of(ViT, locals())
        check_sizes(image_shape, num_classes, hidden_dim, depth, num_heads, mlp_dim, class_names)
        if patch_embedding not in PATCH_EMBEDDINGS:
            raise ValueError(
                f"`patch_embedding` must be one of {PATCH_EMBEDDINGS}. "
                f"Received: patch_embedding={patch_embedding!r}"
            )
        arguments["class_token"] = class_token = has_class_token(pool, class_token)
        arguments["patch_size"] = patch_size = pair(patch_size, "patch_size")
        arguments["activation"] = activation_name(activation)
        grid = patch_grid(image_shape[:2], patch_size)
        policy = keras.dtype_policies.get(dtype)

        images = keras.Input(image_shape, name="images")
        x = keras.layers.Rescaling(*rescaling, dtype="float32", name="rescaling")(images)
        if patch_embedding == "linear":
            patches = Patches(patch_size, dtype=policy, name="patches")(x)
        else:
            patches = self._convolutional_patches(
                x, patch_embedding, patch_size, hidden_dim, policy
            )
        projection_dim = hidden_dim if patch_embedding == "linear" else None
        outputs, shortcut = classify_patches(patches, arguments, grid, policy, projection_dim)
        super().__init__(images, outputs, arguments, shortcut)
        self.grid = grid
        self.num_prefix_tokens = int(class_token) + num_registers

    @staticmethod
    def _convolutional_patches(x, patch_embedding, patch_size, hidden_dim, policy):
        """Compute the patches by "conv" or "stem", `(B, N, hidden_dim)`."""
        if patch_embedding == "conv":
            x = keras.layers.Conv2D(
                hidden_dim, patch_size, strides=patch_size, dtype=policy, name="patches"
            )(x)
        elif patch_size[0] != patch_size[1]:
            raise ValueError(
                f"`patch_embedding='stem'` needs a square patch. Received: patch_size={patch_size}"
            )
        else:
            x = ConvStem(hidden_dim, patch_size[0], dtype=policy, name="patches")(x)
        return keras.layers.Reshape((-1, hidden_dim), dtype=policy, name="flatten_patches")(x)

    @classmethod
    def from_variant(
        cls,
        variant: str,
        image_shape: tuple[int, int, int] = (224, 224, 3),
        num_classes: int = 1000,
        **overrides,
    ) -> "ViT":
        """Build a published size: Ti, S, B, L or H, and a patch size, such as "B/16".

        Args:
            variant: str, the letter, a slash and the patch size in pixels.
            image_shape: tuple of 3 ints, (height, width, channels). Default: (224, 224, 3).
            num_classes: int, number of classes. Default: 1000.
            **overrides: any other arguments of `ViT`.

        Returns:
            A `ViT` with new weights.

        Raises:
            ValueError: if there is no such variant.
        """
        arguments = {
            "image_shape": image_shape,
            "num_classes": num_classes,
            "name": f"vit_{variant.replace('/', '_').lower()}",
            **variant_arguments(variant),
            **overrides,
        }
        return cls(**arguments)


def classify_patches(
    patches,
    arguments: dict,
    grid: tuple[int, int],
    policy: keras.DTypePolicy,
    projection_dim: int | None = None,
):
    """Build everything behind the patches: tokens, blocks, last norm, pooling, head.

    Args:
        patches: tensor `(B, N, P)`.
        arguments: dict, the arguments of `ViT` by name; `class_token` is True or False.
        grid: pair of ints, (rows, columns) of patches.
        policy: dtype policy of every layer but the head, whose logits are float32.
        projection_dim: int or None, width to which the patches are projected. None: they are not
            projected. Default: None.

    Returns:
        The logits `(B, num_classes)`, or with 0 classes the pooled features, and the shortcut to
        them, which gives the same values with less work (see `ConfiguredModel`).
    """
    num_prefix_tokens = int(arguments["class_token"]) + arguments["num_registers"]
    tokens = PatchEncoder(
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
        num_heads=arguments["num_heads"],
        mlp_dim=arguments["mlp_dim"],
        dropout=arguments["dropout"],
        attention_dropout=arguments["attention_dropout"],
        layer_scale=arguments["layer_scale"],
        qk_norm=arguments["qk_norm"],
        activation=arguments["activation"],
        layer_norm_epsilon=arguments["layer_norm_epsilon"],
        relative_positions=arguments["relative_positions"],
        grid=grid,
        num_prefix_tokens=num_prefix_tokens,
        dtype=policy,
    )
    classifier = classifier_layers(
        pool=arguments["pool"],
        num_prefix_tokens=num_prefix_tokens,
        layer_norm_epsilon=arguments["layer_norm_epsilon"],
        pre_logits=arguments["pre_logits"],
        num_classes=arguments["num_classes"],
        fc_norm=arguments["fc_norm"],
        policy=policy,
    )
    return run_blocks_and_classifier(tokens, blocks, classifier, arguments["pool"])
