"""Dropout whose draws are a hash of each value's place."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class HashedDropout(keras.layers.Layer):
    """Dropout that draws two random 32-bit words a call and mixes them with each value's place.

    Attention among features has 56 weights for each feature: drawing a word for each of them, as
    Keras's Dropout does, takes most of a training step of mini-ViT. A hash is arithmetic that XLA
    fuses into what comes before and after; without XLA it is slower than drawing. It is "lowbias32"
    of github.com/skeeto/hash-prospector, with the second word mixed in half-way, in int32, which
    every backend has. On PyTorch, which fuses nothing, this is Keras's dropout.

    Args:
        rate: share of the values dropped, from 0 to below 1.
        seed: of the words.

    Call arguments:
        x: any shape whose first axis is the batch.
        training: whether to drop.

    Output shape: the input's.

    Raises:
        ValueError: for a rate that leaves nothing.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be at least 0 and below 1. Received: {rate}")
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=None):
        if not training or not self.rate:
            return x
        if keras.backend.backend() == "torch":
            return keras.random.dropout(x, self.rate, seed=self.seed_generator)
        words = keras.random.randint((2,), -(2**31), 2**31 - 1, "int32", self.seed_generator)
        draws = hashed(places(x), words[0], words[1])
        dropped = min(round(self.rate * 2**32), 2**32 - 1) - 2**31
        return ops.where(draws >= dropped, x / (1 - self.rate), 0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def places(x):
    """0, 1, 2, ... in x's shape, int32; past 2³¹ they wrap."""
    place = ops.arange(ops.shape(x)[0], dtype="int32")
    for size in x.shape[1:]:
        place = place[..., None] * size + ops.arange(size, dtype="int32")
    return place


def hashed(x, first, second):
    """Mixes int32 words, each bit of the result depending on every bit of `x` and both words."""
    x = _folded(x ^ first, 16) * 0x7FEB352D
    x = _folded(x ^ second, 15) * -0x7B935975  # 0x846CA68B as an int32
    return _folded(x, 16)


def _folded(x, bits):
    # The shift of an int32 keeps its sign.
    return x ^ (ops.right_shift(x, bits) & (2 ** (32 - bits) - 1))
