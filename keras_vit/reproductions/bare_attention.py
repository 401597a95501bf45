"""Self-attention without an output projection, and the Transformer block around it."""

import keras

from keras_vit.layers import MultiHeadSelfAttention, TransformerBlock


@keras.saving.register_keras_serializable(package="keras_vit")
class BareAttention(MultiHeadSelfAttention):
    """Multi-head self-attention without an output projection.

    The output is the values of all heads side by side. Source: the code of
    github.com/ra1ph2/Vision-Transformer (`scaled=False`) and
    github.com/SkiddieAhn/Code-Vision-Transformer.

    Args:
        num_heads: int, number of heads; must divide D, the width of the tokens.
        scaled: bool, whether the logits are divided by the square root of a head's width. Default:
            True.
        **kwargs: further arguments of `MultiHeadSelfAttention`. The call takes that layer's
            arguments too.

    Input shape: `(B, T, D)`.

    Output shape: `(B, T, D)`.
    """

    def __init__(self, num_heads: int, scaled: bool = True, **kwargs) -> None:
        super().__init__(num_heads, **kwargs)
        self.scaled = scaled

    def _build_output(self, input_shape):
        pass

    def _output(self, merged):
        return merged

    @property
    def scale(self) -> float:
        return super().scale if self.scaled else 1.0

    def get_config(self) -> dict:
        return {**super().get_config(), "scaled": self.scaled}


@keras.saving.register_keras_serializable(package="keras_vit")
class BareAttentionBlock(TransformerBlock):
    """A pre-norm Transformer block whose attention is a `BareAttention`.

    Args:
        num_heads: int, number of attention heads; must divide D, the width of the tokens.
        mlp_dim: int, hidden width of the MLP.
        scaled: bool, as in `BareAttention`. Default: True.
        **kwargs: further arguments of `TransformerBlock`. The call takes that layer's arguments
            too.

    Input shape: `(B, T, D)`.

    Output shape: `(B, T, D)`.
    """

    def __init__(self, num_heads: int, mlp_dim: int, scaled: bool = True, **kwargs) -> None:
        # The constructor of the base class creates the attention, which reads `scaled`.
        self.scaled = scaled
        super().__init__(num_heads, mlp_dim, **kwargs)

    def _attention(self, **arguments):
        return BareAttention(scaled=self.scaled, **arguments)

    def get_config(self) -> dict:
        return {**super().get_config(), "scaled": self.scaled}
