"""The Vision Transformer, from the patches to the logits."""

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
    """Vision Transformer, as a functional Keras model (arXiv 2010.11929).

    The defaults are KunViT: 6,268,810 parameters for 32x32 images and 10 classes.

    Args:
        image_shape: (height, width, channels).
        patch_size: int or (height, width); must divide the image.
        num_classes: width of the head, whose kernel starts at zero; 0 leaves the head off and
            gives the pooled features.
        hidden_dim: width of the tokens.
        depth: number of blocks.
        num_heads: heads of attention; must divide `hidden_dim`.
        mlp_dim: hidden width of each block's MLP.
        positions: "learned", "sincos1d", "sincos2d" or None, added to the tokens.
        relative_positions: None, "rotary" or "bias", inside the attention.
        pool: "token" or "mean" (over the patches, after the last norm).
        class_token: whether there is one; None means "if `pool` is token".
        patch_embedding: "linear" (`Patches` and a Dense layer), "conv" (one convolution) or
            "stem" (a small convolutional stem).
        num_registers: register tokens beside the class token.
        layer_scale: first value of LayerScale's factors; None: no LayerScale.
        qk_norm: LayerNorm on queries and keys.
        dropout: in the MLPs, after the attention and on the encoded patches.
        attention_dropout: on the attention weights.
        drop_path: stochastic depth of the last block; grows linearly from 0 at the first.
        activation: of the MLPs; "gelu" is the exact one.
        layer_norm_epsilon: of every LayerNorm.
        pre_logits: width of a Dense and tanh before the head; None: none.
        rescaling: (scale, offset) of the pixels, each a number or one for each channel:
            `pixels * scale + offset`.
        class_names: names of the classes, kept with the model.
        dtype: dtype policy; None is Keras's global one. Rescaling and logits stay float32.
        name: of the model.
        fc_norm: the last norm after the pooling, as in timm and MAE, not before it.

    Input shape: `(B, height, width, channels)`, values 0-255, float32 or uint8.

    Output shape: `(B, num_classes)` float32 logits, or `(B, features)` with `num_classes=0`.

    Raises:
        ValueError: where patch and image, or heads and width, do not fit.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        patch_size=4,
        num_classes=10,
        hidden_dim=384,
        depth=7,
        num_heads=12,
        mlp_dim=384,
        positions="learned",
        relative_positions=None,
        pool="token",
        class_token=None,
        patch_embedding="linear",
        num_registers=0,
        layer_scale=None,
        qk_norm=False,
        dropout=0.0,
        attention_dropout=0.0,
        drop_path=0.0,
        activation="gelu",
        layer_norm_epsilon=1e-6,
        pre_logits=None,
        rescaling=(1 / 127.5, -1.0),
        class_names=None,
        dtype=None,
        name="vit",
        fc_norm=False,
    ):
        arguments = arguments_of(ViT, locals())
        check_sizes(image_shape, num_classes, hidden_dim, depth, num_heads, mlp_dim, class_names)
        if patch_embedding not in PATCH_EMBEDDINGS:
            raise ValueError(
                f"`patch_embedding` must be one of {PATCH_EMBEDDINGS}. "
                f"Received: {patch_embedding!r}"
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
    def _convolutional_patches(x, kind, patch_size, hidden_dim, policy):
        if kind == "conv":
            x = keras.layers.Conv2D(
                hidden_dim, patch_size, strides=patch_size, dtype=policy, name="patches"
            )(x)
        elif patch_size[0] != patch_size[1]:
            raise ValueError(
                f"A convolutional stem needs a square patch. Received: patch_size={patch_size}"
            )
        else:
            x = ConvStem(hidden_dim, patch_size[0], dtype=policy, name="patches")(x)
        return keras.layers.Reshape((-1, hidden_dim), dtype=policy, name="flatten_patches")(x)

    @classmethod
    def from_variant(cls, variant, image_shape=(224, 224, 3), num_classes=1000, **overrides):
        """A published size: Ti, S, B, L or H, and a patch size, such as "B/16".

        Args:
            variant: letter, slash, patch size in pixels.
            image_shape: (height, width, channels).
            num_classes: width of the head.
            **overrides: any other argument of `ViT`.
        """
        arguments = {
            "image_shape": image_shape,
            "num_classes": num_classes,
            "name": f"vit_{variant.replace('/', '_').lower()}",
            **variant_arguments(variant),
            **overrides,
        }
        return cls(**arguments)


def classify_patches(patches, arguments, grid, policy, projection_dim=None):
    """Build everything behind the patches: tokens, blocks, last norm, pooling, head.

    Args:
        patches: tensor `(B, N, P)`.
        arguments: dict, `ViT`'s arguments by name; `class_token` is True or False.
        grid: (rows, columns) of the patches.
        policy: dtype policy of every layer but the head, whose logits stay float32.
        projection_dim: int, width that the patches are projected to. Default: None, no
            projection.

    Returns:
        The logits `(B, num_classes)`, or the pooled features with 0 classes, and the shortcut to
        them: the same values with less work, see `ConfiguredModel`.
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
