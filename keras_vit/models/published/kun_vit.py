"""KunViT as its code has it: a second GELU at the end of each MLP."""

import keras

from keras_vit.layers import MLP, TransformerBlock
from keras_vit.layers.rescaling import rescaling_of
from keras_vit.models.configured import ConfiguredModel, arguments_of
from keras_vit.models.encoder import check_sizes, classified, encoder_blocks
from keras_vit.models.published.initialization import start_as_pytorch
from keras_vit.models.published.tokens import published_tokens

CIFAR10 = rescaling_of((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))


@keras.saving.register_keras_serializable(package="keras_vit")
class TwiceActivatedMLP(MLP):
    """Dense, GELU, Dense, GELU: an MLP whose output is activated too."""

    def call(self, x, training=None):
        return self.activation(super().call(x, training=training))


@keras.saving.register_keras_serializable(package="keras_vit")
class KunBlock(TransformerBlock):
    """A `TransformerBlock` with a `TwiceActivatedMLP`; its arguments are the same."""

    def _mlp(self, mlp_dim, **arguments):
        return TwiceActivatedMLP(mlp_dim, **arguments)


@keras.saving.register_keras_serializable(package="keras_vit")
class KunViT(ConfiguredModel):
    """The ViT of github.com/KunhangL/KunViT, after github.com/omihub777/ViT-CIFAR.

    6,268,810 parameters, with 8 heads (its code's default) as with 12 (its text). Class token and
    positions start at N(0, 1). `ViT()` differs in the second activation, the start, the norms'
    epsilon and the rescaling.

    Args:
        image_shape: (height, width, channels).
        patch_size: int or (height, width); must divide the image.
        num_classes: width of the head.
        hidden_dim: width of the tokens.
        depth: number of blocks.
        num_heads: heads of attention; must divide `hidden_dim`.
        mlp_dim: hidden width of each block's MLP.
        rescaling: (scale, offset) of the pixels; the default is CIFAR-10's mean and deviation.
        class_names: names of the classes, kept with the model.
        dtype: dtype policy; logits stay float32.
        name: of the model.

    Input shape: `(B, height, width, channels)`, values 0-255.

    Output shape: `(B, num_classes)` float32 logits.
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
        rescaling=CIFAR10,
        class_names=None,
        dtype=None,
        name="kun_vit",
    ):
        arguments = arguments_of(KunViT, locals())
        check_sizes(image_shape, num_classes, hidden_dim, depth, num_heads, mlp_dim, class_names)
        policy = keras.dtype_policies.get(dtype)
        images = keras.Input(image_shape, name="images")
        x, grid = published_tokens(images, patch_size, hidden_dim, policy, rescaling)
        blocks = encoder_blocks(
            depth,
            block=KunBlock,
            num_heads=num_heads,
            mlp_dim=mlp_dim,
            layer_norm_epsilon=1e-5,
            dtype=policy,
        )
        outputs, shortcut = classified(x, blocks, "token", 1, 1e-5, None, num_classes, policy)
        super().__init__(images, outputs, arguments, shortcut)
        self.grid = grid
        self.num_prefix_tokens = 1
        self.class_token = True
        start_as_pytorch(self)
