"""Dropout whose random numbers are hashes of the positions of the values."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_vit")
class HashedDropout(keras.layers.Layer):
    """Dropout that draws two random words for each call and hashes them with the values' positions.

    Attention among features has 56 weights for each feature. Keras's Dropout draws a random number
    for each weight, and that takes most of a training step of mini-ViT. A hash is arithmetic, which
    XLA merges with the operations before and after it. Without XLA a hash is slower than drawing.
    PyTorch does not merge operations, so that on PyTorch this layer is Keras's dropout.

    The hash is "lowbias32" of github.com/skeeto/hash-prospector, with the second word mixed in
    after the first step. It is computed in int32, which every backend has.

    Args:
        rate: float in [0, 1), share of the values set to zero.
        seed: int or None, seed of the random words. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor of any shape whose first axis is the batch.
        training: bool or None, whether to apply the dropout. Default: None.

    Input shape: any shape whose first axis is the batch.

    Output shape: the input shape.

    Raises:
        ValueError: if `rate` is not in [0, 1).
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be at least 0 and less than 1. Received: rate={rate}")
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training: bool | None = None):
        if not training or not self.rate:
            return x
        if keras.backend.backend() == "torch":
            return keras.random.dropout(x, self.rate, seed=self.seed_generator)
        words = keras.random.randint((2,), -(2**31), 2**31 - 1, "int32", self.seed_generator)
        draws = hashed(indices(x), words[0], words[1])
        dropped = min(round(self.rate * 2**32), 2**32 - 1) - 2**31
        return ops.where(draws >= dropped, x / (1 - self.rate), 0)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def indices(x):
    """Return the numbers 0, 1, 2, … in the shape of `x`, as int32; they wrap at 2³¹."""
    index = ops.arange(ops.shape(x)[0], dtype="int32")
    for size in x.shape[1:]:
        index = index[..., None] * size + ops.arange(size, dtype="int32")
    return index


def hashed(x, first, second):
    """Hash int32 numbers, so that each bit of the result depends on all bits of `x` and the words.

    Args:
        x: int32 tensor of any shape.
        first: int32 tensor of shape `()`, the first random word.
        second: int32 tensor of shape `()`, the second random word.

    Returns:
        int32 tensor of the shape of `x`.
    """
    x = _folded(x ^ first, 16) * 0x7FEB352D
    x = _folded(x ^ second, 15) * -0x7B935975  # 0x846CA68B as an int32
    return _folded(x, 16)


def _folded(x, bits):
    # The right shift of an int32 repeats its sign, and the mask clears the repeated bits.
    return x ^ (ops.right_shift(x, bits) & (2 ** (32 - bits) - 1))
