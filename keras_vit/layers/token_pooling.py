"""The step from tokens to one vector for each image."""

import keras
from keras import ops

POOLS = ("token", "mean", "max")


@keras.saving.register_keras_serializable(package="keras_vit")
class TokenPooling(keras.layers.Layer):
    """Reduce the tokens of each image to one vector.

    Args:
        pool: "token" for the first token, or "mean" or "max" for the mean or the maximum over the
            patch tokens, without class and register tokens. Default: "token".
        num_prefix_tokens: int, number of class and register tokens in front of the patches; not
            used by "token". Default: 1.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        tokens: float tensor `(B, T, D)`.

    Input shape: `(B, T, D)`.

    Output shape: `(B, D)`.

    Raises:
        ValueError: if `pool` is unknown.
    """

    def __init__(self, pool: str = "token", num_prefix_tokens: int = 1, **kwargs) -> None:
        super().__init__(**kwargs)
        if pool not in POOLS:
            raise ValueError(f"`pool` must be one of {POOLS}. Received: pool={pool!r}")
        self.pool = pool
        self.num_prefix_tokens = num_prefix_tokens

    def call(self, tokens):
        if self.pool == "token":
            return tokens[:, 0]
        patches = tokens[:, self.num_prefix_tokens :]
        return ops.mean(patches, axis=1) if self.pool == "mean" else ops.max(patches, axis=1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (input_shape[0], input_shape[-1])

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "pool": self.pool,
            "num_prefix_tokens": self.num_prefix_tokens,
        }
