"""A ViT with one norm a block, whose residuals carry the normalised tokens."""

import keras

from keras_vit.layers import MLP, LayerNormalization, MultiHeadSelfAttention, TokenPooling
from keras_vit.layers.composite import CompositeLayer
from keras_vit.models.configured import ConfiguredModel, arguments_of
from keras_vit.models.encoder import check_sizes, encoder_blocks, head, through
from keras_vit.models.published.initialization import start_as_pytorch
from keras_vit.models.published.tokens import published_tokens


@keras.saving.register_keras_serializable(package="keras_vit")
class OneNormBlock(CompositeLayer):
    """x = LN(x); x = x + attention(x); x = x + MLP(x): the block of `VisualAttentionViT`.

    Args:
        num_heads: number of attention heads; must divide the width.
        mlp_dim: hidden width of the MLP.

    Call arguments:
        x: `(B, T, D)`.
        training: as in any layer; nothing here depends on it.
        return_attention_scores: also give the attention weights, `(B, heads, T, T)`.
        scores_offset: `(B, heads, T, T)`, added to the attention weights.

    Output shape: `(B, T, D)`.
    """

    def __init__(self, num_heads, mlp_dim, **kwargs):
        super().__init__(**kwargs)
        shared = {"dtype": self.dtype_policy}
        # PyTorch's own epsilon
        self.norm = LayerNormalization(epsilon=1e-5, name="norm", **shared)
        self.attention = MultiHeadSelfAttention(num_heads, name="attention", **shared)
        self.mlp = MLP(mlp_dim, name="mlp", **shared)

    def build(self, input_shape):
        for part in (self.norm, self.attention, self.mlp):
            part.build(input_shape)

    def call(self, x, training=None, return_attention_scores=False, scores_offset=None):
        x = self.norm(x)
        y = self.attention(
            x, return_attention_scores=return_attention_scores, scores_offset=scores_offset
        )
        y, scores = y if return_attention_scores else (y, None)
        x = x + y
        x = x + self.mlp(x)
        return (x, scores) if return_attention_scores else x

    def compute_output_spec(
        self, x, training=None, return_attention_scores=False, scores_offset=None
    ):
        return self.attention.compute_output_spec(x, training, return_attention_scores)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.attention.num_heads,
            "mlp_dim": self.mlp.hidden_dim,
        }


@keras.saving.register_keras_serializable(package="keras_vit")
class VisualAttentionViT(ConfiguredModel):
    """The ViT of github.com/12dash/Visual-Attention, as its code has it.

    Patches by convolution; class token and positions start at N(0, 1); `OneNormBlock`s; no norm
    after the last one; a linear head on the class token. 6,351,114 parameters by default, and
    6,339,082 on MNIST.

    Args:
        image_shape: (height, width, channels).
        patch_size: int or (height, width); must divide the image.
        num_classes: width of the head.
        hidden_dim: width of the tokens.
        depth: number of blocks.
        num_heads: heads of attention; must divide `hidden_dim`.
        mlp_dim: hidden width of each block's MLP.
        rescaling: (scale, offset) of the pixels.
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
        hidden_dim=256,
        depth=12,
        num_heads=8,
        mlp_dim=512,
        rescaling=(1 / 255, 0.0),
        class_names=None,
        dtype=None,
        name="visual_attention_vit",
    ):
        arguments = arguments_of(VisualAttentionViT, locals())
        check_sizes(image_shape, num_classes, hidden_dim, depth, num_heads, mlp_dim, class_names)
        policy = keras.dtype_policies.get(dtype)
        images = keras.Input(image_shape, name="images")
        x, grid = published_tokens(
            images, patch_size, hidden_dim, policy, rescaling, convolution=True
        )
        blocks = encoder_blocks(
            depth, block=OneNormBlock, num_heads=num_heads, mlp_dim=mlp_dim, dtype=policy
        )
        x = through(blocks, x)
        x = TokenPooling("token", 1, dtype=policy, name="pooled")(x)
        super().__init__(images, head(num_classes, policy)(x), arguments)
        self.grid = grid
        self.num_prefix_tokens = 1
        self.class_token = True
        start_as_pytorch(self)
