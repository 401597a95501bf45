"""Hiding a random part of every image's tokens, as a masked autoencoder does."""

import keras
import numpy as np
from keras import ops

INFERENCE_DRAWS = 256


@keras.saving.register_keras_serializable(package="keras_vit")
class RandomMasking(keras.layers.Layer):
    """Keeps a random part of each image's tokens and drops the others.

    Every image has a uniformly random permutation of its own, of which the first tokens stay
    (MAE, arXiv 2111.06377, section 3, "Simple implementation"). Each training step draws anew.
    Inference goes by a table of 256 draws, the first for a batch's first image and so on: it hides
    the same on every backend, so that losses of two epochs or models can be compared.

    Args:
        mask_ratio: share of the tokens to drop, above 0 and below 1; the number of tokens
            dropped is `round(mask_ratio * N)` in every image.
        seed: of the draws in training.

    Call arguments:
        tokens: `(B, N, D)`, one for each patch.
        training: whether to draw anew.

    Returns:
        `visible`, `(B, K, D)`, the tokens that stay, in the permutation's order; `mask`, `(B, N)`
        float32, 1 for each token dropped and 0 for the others; `restore`, `(B, N)` int32, where
        each token stands in the permutation, whose first K are `visible`.

    Raises:
        ValueError: for a share that is not between 0 and 1, or that keeps or drops no token.
    """

    def __init__(self, mask_ratio=0.75, seed=None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if not 0 < mask_ratio < 1:
            raise ValueError(f"`mask_ratio` must be in (0, 1). Received: mask_ratio={mask_ratio}")
        self.mask_ratio = mask_ratio
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        self._kept = self.num_kept(input_shape[1])
        draws = np.random.default_rng(0).random((INFERENCE_DRAWS, input_shape[1]))
        self._inference_noise = draws.astype("float32")

    def call(self, tokens, training=None):
        batch, num_tokens = ops.shape(tokens)[0], tokens.shape[1]
        if training:
            # Half precision has ties, which would favor the first tokens.
            noise = keras.random.uniform((batch, num_tokens), 0, 1, "float32", self.seed_generator)
        else:
            noise = ops.take(self._inference_noise, ops.arange(batch) % INFERENCE_DRAWS, axis=0)
        order = ops.argsort(noise, axis=1)
        restore = ops.cast(ops.argsort(order, axis=1), "int32")
        mask = ops.cast(restore >= self._kept, "float32")
        return take_tokens(tokens, order[:, : self._kept]), mask, restore

    def num_kept(self, num_tokens):
        """How many of that many tokens stay."""
        kept = num_tokens - round(self.mask_ratio * num_tokens)
        if not 0 < kept < num_tokens:
            raise ValueError(
                f"mask_ratio={self.mask_ratio} keeps {kept} of {num_tokens} tokens; at least one "
                "must stay and one go."
            )
        return kept

    def get_config(self):
        return {**super().get_config(), "mask_ratio": self.mask_ratio, "seed": self.seed}


def take_tokens(tokens, indices):
    """Each image's own choice of its tokens.

    Args:
        tokens: `(B, N, D)`.
        indices: int `(B, K)`, 0 to N - 1.

    Returns:
        `(B, K, D)`.
    """
    _, num_tokens, dim = tokens.shape
    # Rows of one long table: XLA has no fast gather with an axis of batches.
    first = ops.arange(ops.shape(tokens)[0], dtype="int32")[:, None] * num_tokens
    rows = ops.reshape(first + ops.cast(indices, "int32"), (-1,))
    taken = ops.take(ops.reshape(tokens, (-1, dim)), rows, axis=0)
    return ops.reshape(taken, (-1, indices.shape[1], dim))
