import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class StochasticDepth(keras.layers.Layer):
    """Drops a residual branch for whole images, drawn for each image (arXiv 1603.09382).

    What is kept is divided by the share kept, so that the expectation stays the same and nothing
    is scaled at inference.

    Args:
        rate: share of the images that lose the branch, from 0 to below 1.
        seed: of the draws.

    Input shape and output shape: `(B, ...)`, the branch before it is added.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be in [0, 1). Received: rate={rate}")
        self.rate = rate
        self.seed = seed
        if rate:
            self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=None):
        if not training or not self.rate:
            return x
        # Drawn in float32: TensorFlow's uniform bfloat16 has 7 bits, too few for a small rate.
        shape = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
        kept = keras.random.dropout(ops.ones(shape, "float32"), self.rate, seed=self.seed_generator)
        return x * ops.cast(kept, x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
