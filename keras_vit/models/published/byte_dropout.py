"""Dropout that draws one random word for four values."""

import keras
from keras import ops

from keras_vit.layers.composite import CompositeLayer


@keras.saving.register_keras_serializable(package="keras_vit")
class ByteDropout(CompositeLayer):
    """Dropout at the nearest rate in steps of 1/256, from a byte for each value.

    Attention among features has 56 weights for each feature: drawing a word for each of them, as
    Keras's Dropout does, takes half of a training step of mini-ViT.

    Args:
        rate: share of the values dropped, 0 to 255/256.
        seed: of the draws.

    Call arguments:
        x: any shape whose first axis is the batch.
        training: whether to drop.

    Output shape: the input's.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate <= 255 / 256:
            raise ValueError(f"`rate` must be 0 to 255/256. Received: {rate}")
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """Nothing to make."""

    def call(self, x, training=None):
        dropped = round(256 * self.rate)
        if not training or not dropped:
            return x
        words = (ops.shape(x)[0], *x.shape[1:-1], -(-x.shape[-1] // 4))
        bits = keras.random.randint(words, -(2**31), 2**31 - 1, "int32", self.seed_generator)
        parts = [ops.bitwise_and(ops.right_shift(bits, 8 * i), 255) for i in range(4)]
        draws = ops.concatenate(parts, axis=-1)[..., : x.shape[-1]]
        return ops.where(draws >= dropped, x * (256 / (256 - dropped)), 0)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
