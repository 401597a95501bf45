"""Stochastic depth: some images skip a residual branch in training."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class StochasticDepth(keras.layers.Layer):
    """Set a residual branch to zero for some images, drawn anew for each image in training.

    The branches that remain are divided by the share that remains. The expectation of the output is
    therefore the input, and inference needs no scaling. Source: arXiv 1603.09382, section 3; the
    scaling is applied in training instead of at inference.

    Args:
        rate: float in [0, 1), share of the images that lose the branch.
        seed: int or None, seed of the draws. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor `(B, ...)`, the branch before it is added to the residual stream.
        training: bool or None, whether to drop branches. Default: None.

    Input shape: `(B, ...)`.

    Output shape: `(B, ...)`.

    Raises:
        ValueError: if `rate` is less than 0, or 1 or more.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be at least 0 and less than 1. Received: rate={rate}")
        self.rate = rate
        self.seed = seed
        if rate:
            self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training: bool | None = None):
        if not training or not self.rate:
            return x
        # The draw is in float32. TensorFlow's uniform numbers in bfloat16 have 7 bits, which are
        # too few for a small rate.
        shape = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
        kept = keras.random.dropout(ops.ones(shape, "float32"), self.rate, seed=self.seed_generator)
        return x * ops.cast(kept, x.dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
