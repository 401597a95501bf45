"""The base class of the image layers, which also run in `tf.data` on every backend."""

from collections.abc import Callable

from keras.random import SeedGenerator

from keras_vit.backend.keras_private import TfDataLayer, is_in_jax_tracing_scope


class ImageLayer(TfDataLayer):
    """The base class of layers that change images at random, each image by a draw of its own.

    A subclass implements `augment(images, seed)`. Where inference is not the identity, it also
    implements `pass_through(images)`. Both take and return float32 batches `(B, H, W, C)`. Both
    compute with `self.backend` and never with `keras.ops`, which cannot run in `tf.data` under JAX.

    The layer computes in float32 under any global dtype policy. It works inside a compiled model,
    on single images, and in `tf.data` on every backend.

    Args:
        seed: int or None, seed of the layer's own `SeedGenerator`. None: a random seed; the config
            then holds None. Default: None.
        **kwargs: arguments of `keras.layers.Layer`, such as `name`. A `dtype` must be float32.

    Call arguments:
        images: tensor `(B, H, W, C)` or `(H, W, C)`, uint8 or float, values 0–255. H, W and C must
            be known when the layer is called; B may be unknown.
        training: bool, whether to augment. Default: True, as in Keras's own image layers.

    Input shape: `(B, H, W, C)` or `(H, W, C)`.

    Output shape: the input shape, float32.

    Raises:
        ValueError: if the images have another number of axes or an unknown size, or if `dtype` is
            not float32.
    """

    def __init__(self, seed: int | None = None, **kwargs) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        if self.compute_dtype != "float32":
            raise ValueError(
                f"`dtype` of {type(self).__name__} must be float32, in which the layer computes "
                "under any global policy. "
                f"Received: dtype={kwargs['dtype']}"
            )
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def call(self, images, training: bool = True):
        images, single = self._as_batch(images)
        outputs = self.augment(images, self._seed()) if training else self.pass_through(images)
        return self.backend.numpy.squeeze(outputs, axis=0) if single else outputs

    def augment(self, images, seed):
        """Change the images at random; a subclass implements this.

        Args:
            images: tensor `(B, H, W, C)` float32.
            seed: Keras seed generator for the draws.

        Returns:
            Tensor `(B, H', W', C)` float32.
        """
        raise NotImplementedError

    def pass_through(self, images):
        """Return what the layer gives outside training, by default the images themselves.

        Args:
            images: tensor `(B, H, W, C)` float32.

        Returns:
            Tensor `(B, H', W', C)` float32.
        """
        return images

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return tuple(input_shape)

    def get_config(self) -> dict:
        return {**super().get_config(), "seed": self.seed}

    def _as_batch(self, images):
        """Return the images as a float32 batch, and whether they were a single image."""
        images = self.backend.convert_to_tensor(images, dtype="float32")
        shape = tuple(images.shape)
        if len(shape) not in (3, 4) or None in shape[-3:]:
            raise ValueError(
                f"{type(self).__name__} takes images of shape (B, H, W, C) or (H, W, C), and H, W "
                f"and C must be known. Received: shape={shape}"
            )
        single = len(shape) == 3
        return (self.backend.numpy.expand_dims(images, axis=0) if single else images), single

    def _seed(self):
        return self.backend_seed()


def update_where(backend, chosen, function: Callable, value, *columns):
    """Compute `function(value, *columns)` for the chosen entries of a batch, and keep the others.

    PyTorch runs one operation after another, so there the chosen entries are taken out of the batch
    first. A compiler needs the whole batch. There `function` must leave the other entries as they
    are, and the call of `function` is skipped where no entry is chosen, which helps small batches.
    For large batches the condition has another use: it keeps XLA from fusing the parts before and
    after it, which would compute the first part again for every pixel that the second part reads
    and would be several times slower.

    Args:
        backend: Keras's backend module, `self.backend` of the calling layer.
        chosen: bool tensor `(B,)`.
        function: function of tensors with any batch size; it returns the new `value`.
        value: tensor `(B, ...)` that the caller made. On PyTorch it is written into and returned,
            because a copy of all entries takes as long as an operation on some of them.
        *columns: tensors `(B, ...)`, further arguments of `function`.

    Returns:
        Tensor of the shape of `value`.
    """
    np = backend.numpy
    if backend.name == "torch":
        (places,) = np.nonzero(chosen)
        if not len(places):
            return value
        changed = function(*(np.take(column, places, axis=0) for column in (value, *columns)))
        value[places] = changed
        return value
    some = np.any(chosen)
    if backend.name == "jax" and not is_in_jax_tracing_scope(some):
        # Outside of `jit`, `jax.lax.cond` would compile both branches again at every call.
        return function(value, *columns) if some else value
    return backend.cond(some, lambda: function(value, *columns), lambda: value)
