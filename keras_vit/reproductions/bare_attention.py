"""Attention that ends with its heads: no output projection, and perhaps no scale."""

import keras

from keras_vit.layers import MultiHeadSelfAttention, TransformerBlock


@keras.saving.register_keras_serializable(package="keras_vit")
class BareAttention(MultiHeadSelfAttention):
    """Multi-head self-attention without output projection: the heads' values side by side.

    As in the published code of ra1ph2/Vision-Transformer (`scaled=False`) and
    SkiddieAhn/Code-Vision-Transformer.

    Args:
        num_heads: number of heads; must divide the tokens' width.
        scaled: whether the logits are divided by the square root of a head's width.
        **kwargs: as in `MultiHeadSelfAttention`, and the call is its too.
    """

    def __init__(self, num_heads, scaled=True, **kwargs):
        super().__init__(num_heads, **kwargs)
        self.scaled = scaled

    def _build_output(self, input_shape):
        pass

    def _output(self, merged):
        return merged

    @property
    def scale(self):
        return super().scale if self.scaled else 1.0

    def get_config(self):
        return {**super().get_config(), "scaled": self.scaled}


@keras.saving.register_keras_serializable(package="keras_vit")
class BareAttentionBlock(TransformerBlock):
    """A pre-norm Transformer block whose attention is a `BareAttention`.

    Args:
        num_heads: number of attention heads; must divide the width.
        mlp_dim: hidden width of the MLP.
        scaled: as in `BareAttention`.
        **kwargs: as in `TransformerBlock`, and the call is its too.
    """

    def __init__(self, num_heads, mlp_dim, scaled=True, **kwargs):
        # The base class's constructor makes the attention, which needs it.
        self.scaled = scaled
        super().__init__(num_heads, mlp_dim, **kwargs)

    def _attention(self, **arguments):
        return BareAttention(scaled=self.scaled, **arguments)

    def get_config(self):
        return {**super().get_config(), "scaled": self.scaled}
