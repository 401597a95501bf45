"""The random choice of the tokens that a masked autoencoder hides."""

import keras
import numpy as np
from keras import ops

INFERENCE_DRAWS = 256


@keras.saving.register_keras_serializable(package="keras_vit")
class RandomMasking(keras.layers.Layer):
    """Keep a random part of each image's tokens and drop the others.

    Every image has a uniformly random permutation of its own; the first tokens of the permutation
    stay. Source: MAE, arXiv 2111.06377, section 3, "Simple implementation".

    In training every call draws new permutations. Outside training the permutations come from a
    table of 256 fixed draws: the first image of a batch takes the first draw, and so on. The same
    tokens are therefore hidden on every backend, and the losses of two epochs or two models can be
    compared.

    Args:
        mask_ratio: float in (0, 1), share of the tokens to drop. Each of the images loses
            `round(mask_ratio * N)` tokens. Default: 0.75.
        seed: int or None, seed of the draws in training. None: a random seed. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        tokens: float tensor `(B, N, D)`, one token for each patch.
        training: bool or None, whether to draw new permutations. Default: None.

    Input shape: `(B, N, D)`.

    Output shape: a tuple of three tensors, `visible`, `mask` and `restore`.
        `visible`: `(B, K, D)`, the tokens that stay, in the order of the permutation.
        `mask`: `(B, N)` float32, 1 for each token that is dropped and 0 for the others.
        `restore`: `(B, N)` int32, the place of each token in the permutation. The first K places
        are those of `visible`.

    Raises:
        ValueError: if `mask_ratio` is not between 0 and 1, or if it would keep all tokens or none.
    """

    def __init__(self, mask_ratio: float = 0.75, seed: int | None = None, **kwargs) -> None:
        super().__init__(autocast=False, **kwargs)
        if not 0 < mask_ratio < 1:
            raise ValueError(
                "`mask_ratio` must be greater than 0 and less than 1. "
                f"Received: mask_ratio={mask_ratio}"
            )
        self.mask_ratio = mask_ratio
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple) -> None:
        self._num_kept = self.num_kept(input_shape[1])
        draws = np.random.default_rng(0).random((INFERENCE_DRAWS, input_shape[1]))
        self._inference_noise = draws.astype("float32")

    def call(self, tokens, training: bool | None = None):
        batch, num_tokens = ops.shape(tokens)[0], tokens.shape[1]
        if training:
            # The noise is float32. In half precision some draws are equal, and the sort would
            # favour the first of the equal tokens.
            noise = keras.random.uniform((batch, num_tokens), 0, 1, "float32", self.seed_generator)
        else:
            noise = ops.take(self._inference_noise, ops.arange(batch) % INFERENCE_DRAWS, axis=0)
        order = ops.argsort(noise, axis=1)
        restore = ops.cast(ops.argsort(order, axis=1), "int32")
        mask = ops.cast(restore >= self._num_kept, "float32")
        return take_tokens(tokens, order[:, : self._num_kept]), mask, restore

    def num_kept(self, num_tokens: int) -> int:
        """Return how many tokens of an image stay.

        Args:
            num_tokens: int, number N of tokens in an image.

        Returns:
            Int K, with 0 < K < N.

        Raises:
            ValueError: if all tokens or none would stay.
        """
        kept = num_tokens - round(self.mask_ratio * num_tokens)
        if not 0 < kept < num_tokens:
            raise ValueError(
                "`mask_ratio` must keep at least one token and drop at least one. "
                f"It keeps {kept} of {num_tokens} tokens. "
                f"Received: mask_ratio={self.mask_ratio}, num_tokens={num_tokens}"
            )
        return kept

    def get_config(self) -> dict:
        return {**super().get_config(), "mask_ratio": self.mask_ratio, "seed": self.seed}


def take_tokens(tokens, indices):
    """Take some tokens of each image, by indices of its own.

    Args:
        tokens: tensor `(B, N, D)`.
        indices: int tensor `(B, K)`, values from 0 to N - 1.

    Returns:
        Tensor `(B, K, D)`.
    """
    _, num_tokens, dim = tokens.shape
    # The tokens of all images are rows of one long table, because XLA has no fast gather with a
    # batch axis.
    first_row = ops.arange(ops.shape(tokens)[0], dtype="int32")[:, None] * num_tokens
    rows = ops.reshape(first_row + ops.cast(indices, "int32"), (-1,))
    taken = ops.take(ops.reshape(tokens, (-1, dim)), rows, axis=0)
    return ops.reshape(taken, (-1, indices.shape[1], dim))
