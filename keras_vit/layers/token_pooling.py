import keras
from keras import ops

POOLS = ("token", "mean")


@keras.saving.register_keras_serializable(package="keras_vit")
class TokenPooling(keras.layers.Layer):
    """One vector an image out of its tokens.

    Args:
        pool: "token", the first token; "mean", the mean of the patch tokens, without class and
            register tokens.
        num_prefix_tokens: tokens in front of the patches.

    Input shape: `(B, T, D)`.

    Output shape: `(B, D)`.
    """

    def __init__(self, pool="token", num_prefix_tokens=1, **kwargs):
        super().__init__(**kwargs)
        if pool not in POOLS:
            raise ValueError(f"`pool` must be one of {POOLS}. Received: {pool!r}")
        self.pool = pool
        self.num_prefix_tokens = num_prefix_tokens

    def call(self, tokens):
        if self.pool == "token":
            return tokens[:, 0]
        return ops.mean(tokens[:, self.num_prefix_tokens :], axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "pool": self.pool,
            "num_prefix_tokens": self.num_prefix_tokens,
        }
